/* lexer.h - rules text to tokens.
 *
 * The token kinds, their numbers and their order are those of the grammar that Google published with
 * @firebase/eslint-plugin-security-rules 0.0.2 (Apache-2.0): messages list expected tokens in this order.
 * The longest match wins, on a tie the earlier kind. Surprises that follow from it: "4/2" is a number and
 * a path segment; a block comment without an end is a path segment; the name after `service` has its own
 * alphabet. */
#ifndef RULES_ENGINE_LEXER_H
#define RULES_ENGINE_LEXER_H

#include "core/arena.h"

enum token_kind {
    TOKEN_EOF,
    TOKEN_AND,
    TOKEN_ASSIGNMENT,
    TOKEN_AT,
    TOKEN_COLON,
    TOKEN_COMMA,
    TOKEN_DECREMENT,
    TOKEN_DOLLAR,
    TOKEN_DOT,
    TOKEN_EQ,
    TOKEN_GT,
    TOKEN_GTE,
    TOKEN_INCREMENT,
    TOKEN_LBRACE,
    TOKEN_LBRACKET,
    TOKEN_LPAREN,
    TOKEN_LT,
    TOKEN_LTE,
    TOKEN_MINUS,
    TOKEN_MOD,
    TOKEN_NEQ,
    TOKEN_NOT,
    TOKEN_OR,
    TOKEN_PLUS,
    TOKEN_RBRACE,
    TOKEN_RBRACKET,
    TOKEN_RPAREN,
    TOKEN_SEMI,
    TOKEN_SLASH,
    TOKEN_STAR,
    TOKEN_GLOB,
    TOKEN_QUESTION,
    TOKEN_ALLOW,
    TOKEN_FALSE,
    TOKEN_FUNCTION,
    TOKEN_IF,
    TOKEN_IMPORT,
    TOKEN_IN,
    TOKEN_IS,
    TOKEN_LET,
    TOKEN_NULL,
    TOKEN_RETURN,
    TOKEN_SERVICE,
    TOKEN_MATCH,
    TOKEN_RULES_VERSION,
    TOKEN_TRUE,
    TOKEN_ARGUMENTS,
    TOKEN_BREAK,
    TOKEN_CASE,
    TOKEN_CONTINUE,
    TOKEN_DEFAULT,
    TOKEN_DENY,
    TOKEN_DO,
    TOKEN_EACH,
    TOKEN_ELSE,
    TOKEN_EXTENDS,
    TOKEN_FOR,
    TOKEN_GOTO,
    TOKEN_NOT_TEXT,
    TOKEN_PACKAGE,
    TOKEN_SWITCH,
    TOKEN_THEN,
    TOKEN_VAR,
    TOKEN_WHILE,
    TOKEN_PATH_SEGMENT,
    TOKEN_IDENTIFIER,
    TOKEN_NUM_INT,
    TOKEN_NUM_FLOAT,
    TOKEN_UNPAIRED_DOUBLE_QUOTE,
    TOKEN_UNPAIRED_SINGLE_QUOTE,
    TOKEN_STRING,
    TOKEN_BYTES,
    TOKEN_BAD_KEYWORD, /* where a service name should stand */
    TOKEN_SERVICE_IDENTIFIER,
    TOKEN_KINDS,
};

struct token {
    uint8_t kind;
    uint32_t from, to; /* byte offsets; both the length of the text for TOKEN_EOF */
};

/* A place that is no token; the text from `from` to `to` goes into "token recognition error at: '...'", and
 * `at` is its last character: where it was noticed. */
struct lexer_error {
    uint32_t from, to, at;
    uint32_t before; /* index of the token that follows */
};

struct tokens {
    struct token *items; /* the last one is TOKEN_EOF */
    uint32_t n;
    struct lexer_error *errors;
    uint32_t n_errors;
};

/* Reads all of `text`, at most LIMIT_RULES_SOURCE_BYTES long. Comments and white space are dropped. */
void lexer_run(struct tokens *out, struct arena *arena, struct str text);

/* Where the token that starts at `from` ends; from + 1 when there is none. */
uint32_t lexer_token_end(struct str text, uint32_t from);

/* `from`, or where the first token after the spaces and comments at `from` starts. */
uint32_t lexer_skip_gap(struct str text, uint32_t from);

/* As messages name it: "'&&'", "IDENTIFIER", "<EOF>". */
const char *token_name(enum token_kind kind);
static inline bool token_is_keyword(enum token_kind kind)
{
    return kind >= TOKEN_ALLOW && kind <= TOKEN_WHILE;
}

#endif
