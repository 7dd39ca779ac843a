/* lex.h - the words of a test file (ruletest.h), with their places. */
#ifndef SERVER_RULETEST_LEX_H
#define SERVER_RULETEST_LEX_H

#include "core/arena.h"

enum lex_kind {
    LEX_END,
    LEX_NEWLINE,  /* ends a statement; not inside ( [ { */
    LEX_WORD,     /* letters, digits, _, and - between letters */
    LEX_STRING,   /* in either quotes; text is what it means */
    LEX_NUMBER,   /* text as written */
    LEX_DURATION, /* 5m, 1h, 30s, 7d, 250ms: text as written */
    LEX_MARK,     /* text: { } [ ] ( ) , : . = + - or == != < <= > >= ... */
    LEX_BAD,      /* text: a sentence */
};

struct lex_token {
    enum lex_kind kind;
    struct str text;
    uint32_t from, to; /* bytes of the file */
};

struct lexer {
    struct arena *arena; /* of strings with escapes and of sentences */
    struct str text;
    uint32_t at;
    uint32_t depth; /* of open brackets: newlines are blanks in them */
    struct lex_token token;
    uint32_t behind;     /* where the token before it ends */
};

/* The first token is then lexer->token. */
void lex_init(struct lexer *lexer, struct arena *arena, struct str text);
void lex_next(struct lexer *lexer);
/* Makes the token the piece from where it begins up to a blank, a { or the end of the line: a path. A string
 * stays. */
void lex_path(struct lexer *lexer);
/* Makes it the rest of the line, without blanks at its end. */
void lex_line(struct lexer *lexer);

static inline bool lex_is(const struct lexer *lexer, const char *word)
{
    enum lex_kind kind = lexer->token.kind;
    return (kind == LEX_WORD || kind == LEX_MARK) && str_eq_z(lexer->token.text, word);
}

#endif
