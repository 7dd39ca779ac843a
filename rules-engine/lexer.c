/* lexer.c - see lexer.h. Each scan_* function answers how many bytes its kind would take at a place. */
#include "rules-engine/lexer.h"

#include "core/limits.h"

#include <assert.h>

static const char *const names[TOKEN_KINDS] = {
    "<EOF>",
    "'&&'",
    "'='",
    "'@'",
    "':'",
    "','",
    "'--'",
    "'$'",
    "'.'",
    "'=='",
    "'>'",
    "'>='",
    "'++'",
    "'{'",
    "'['",
    "'('",
    "'<'",
    "'<='",
    "'-'",
    "'%'",
    "'!='",
    "'!'",
    "'||'",
    "'+'",
    "'}'",
    "']'",
    "')'",
    "';'",
    "'/'",
    "'*'",
    "'**'",
    "'?'",
    "'allow'",
    "'false'",
    "'function'",
    "'if'",
    "'import'",
    "'in'",
    "'is'",
    "'let'",
    "'null'",
    "'return'",
    "'service'",
    "'match'",
    "'rules_version'",
    "'true'",
    "'arguments'",
    "'break'",
    "'case'",
    "'continue'",
    "'default'",
    "'deny'",
    "'do'",
    "'each'",
    "'else'",
    "'extends'",
    "'for'",
    "'goto'",
    "'not'",
    "'package'",
    "'switch'",
    "'then'",
    "'var'",
    "'while'",
    "PATH_SEGMENT",
    "IDENTIFIER",
    "NUM_INT",
    "NUM_FLOAT",
    "UNPAIRED_DOUBLE_QUOTE",
    "UNPAIRED_SINGLE_QUOTE",
    "STRING",
    "BYTES",
    "BAD_KEYWORD",
    "SERVICE_IDENTIFIER",
};

const char *token_name(enum token_kind kind)
{
    assert(kind < TOKEN_KINDS);
    return names[kind];
}

/* Keywords that may not be a service's name. */
static const uint8_t bad_service_names[] = {
    TOKEN_ALLOW, TOKEN_DENY, TOKEN_FALSE,   TOKEN_FUNCTION, TOKEN_IF,
    TOKEN_IN,    TOKEN_IS,   TOKEN_NULL,    TOKEN_RETURN,   TOKEN_SERVICE,
    TOKEN_MATCH, TOKEN_TRUE, TOKEN_PACKAGE, TOKEN_EXTENDS,  TOKEN_IMPORT,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}
static bool is_space(char c)
{
    return c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ';
}
static bool is_name_start(char c)
{
    return is_letter(c) || c == '$' || c == '_';
}

static size_t scan_name(struct str s)
{
    size_t n = 0;
    if (s.n > 0 && is_name_start(s.p[0]))
        for (n = 1; n < s.n && (is_name_start(s.p[n]) || is_digit(s.p[n]));)
            n++;
    return n;
}

static size_t scan_digits(struct str s, size_t n)
{
    while (n < s.n && is_digit(s.p[n]))
        n++;
    return n;
}

/* No leading zeros: "007" is three numbers. "1." and ".5" are floats, "1.size" starts with the float "1.". */
static size_t scan_number(struct str s, bool *is_float)
{
    size_t n = 0;
    if (s.p[0] == '0')
        n = 1;
    else if (is_digit(s.p[0]))
        n = scan_digits(s, 1);
    *is_float = n < s.n && s.p[n] == '.' && (n > 0 || (s.n > 1 && is_digit(s.p[1])));
    return *is_float ? scan_digits(s, n + 1) : n;
}

static size_t scan_escape(struct str s)
{
    if (s.n < 2)
        return 0;
    switch (s.p[1]) {
    case '"':
    case '\'':
    case '\\':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return 2;
    case 'x':
        return s.n >= 4 && is_hex(s.p[2]) && is_hex(s.p[3]) ? 4 : 0;
    case 'u':
        return s.n >= 6 && is_hex(s.p[2]) && is_hex(s.p[3]) && is_hex(s.p[4]) && is_hex(s.p[5]) ? 6 : 0;
    default:
        return s.n >= 4 && s.p[1] >= '0' && s.p[1] <= '3' && is_octal(s.p[2]) && is_octal(s.p[3]) ? 4 : 0;
    }
}

/* Curly quotes may not stand in a string of their kind: U+2018 U+2019 in '...', U+201C U+201D in "...",
 * nor what Windows-1252 calls so (U+0091..U+0094 as code points). */
static bool is_curly(struct str s, char quote)
{
    int first = quote == '\'' ? 0x98 : 0x9c, old = quote == '\'' ? 0x91 : 0x93;
    const unsigned char *p = (const unsigned char *)s.p;
    if (s.n >= 3 && p[0] == 0xe2 && p[1] == 0x80)
        return p[2] == first || p[2] == first + 1;
    return s.n >= 2 && p[0] == 0xc2 && (p[1] == old || p[1] == old + 1);
}

/* The opening quote and the characters after it; *closed when the same quote follows (not counted). */
static size_t scan_quoted(struct str s, bool *closed)
{
    char quote = s.p[0];
    size_t n = 1;
    *closed = false;
    while (n < s.n) {
        char c = s.p[n];
        if (c == quote) {
            *closed = true;
            break;
        }
        size_t step = c == '\\' ? scan_escape(str_skip(s, n)) : 1;
        if (step == 0 || c == '\b' || c == '\n' || c == '\f' || c == '\r' || is_curly(str_skip(s, n), quote))
            break;
        n += step;
    }
    return n;
}

static size_t scan_path_char(struct str s)
{
    if (s.n == 0)
        return 0;
    if (s.p[0] == '%')
        return s.n >= 3 && is_hex(s.p[1]) && is_hex(s.p[2]) ? 3 : 0;
    return is_letter(s.p[0]) || is_digit(s.p[0]) || (s.p[0] && strchr("-._~&'*+:@", s.p[0])) ? 1 : 0;
}

static size_t scan_path_chars(struct str s, size_t n)
{
    for (size_t step; (step = scan_path_char(str_skip(s, n))) > 0;)
        n += step;
    return n;
}

/* "/abc" or "/(default)"; 0 when a lone slash stands here. */
static size_t scan_path_segment(struct str s)
{
    size_t n = scan_path_chars(s, 1);
    if (n > 1)
        return n;
    if (s.n > 1 && s.p[1] == '(') {
        n = scan_path_chars(s, 2);
        if (n > 2 && n < s.n && s.p[n] == ')')
            return n + 1;
    }
    return 0;
}

/* Length of the comment at s, 0 when there is none. */
static size_t scan_comment(struct str s)
{
    if (s.n < 2 || s.p[0] != '/')
        return 0;
    if (s.p[1] == '/') {
        const char *end = memchr(s.p, '\n', s.n);
        return end ? (size_t)(end - s.p) : s.n;
    }
    if (s.p[1] == '*') {
        const char *end = s.n >= 4 ? memmem(s.p + 2, s.n - 2, "*/", 2) : NULL;
        return end ? (size_t)(end - s.p) + 2 : 0;
    }
    return 0;
}

static enum token_kind keyword(struct str name)
{
    for (int kind = TOKEN_ALLOW; kind <= TOKEN_WHILE; kind++) {
        struct str literal = str_of(names[kind]);
        if (literal.n == name.n + 2 && memcmp(literal.p + 1, name.p, name.n) == 0)
            return (enum token_kind)kind;
    }
    return TOKEN_IDENTIFIER;
}

static size_t scan_operator(struct str s, enum token_kind *kind)
{
    size_t best = 0;
    for (int k = TOKEN_AND; k <= TOKEN_QUESTION; k++) {
        size_t n = strlen(names[k]) - 2;
        if (n > best && n <= s.n && memcmp(names[k] + 1, s.p, n) == 0) {
            best = n;
            *kind = (enum token_kind)k;
        }
    }
    return best;
}

/* The token at s, which is not empty and starts with neither space nor comment. 0: none. */
static size_t scan_token(struct str s, enum token_kind *kind)
{
    char c = s.p[0];
    size_t n;
    bool flag;
    if ((c == 'b' || c == 'B') && s.n > 1 && (s.p[1] == '"' || s.p[1] == '\'')) {
        n = scan_quoted(str_skip(s, 1), &flag);
        if (flag) {
            *kind = TOKEN_BYTES;
            return n + 2;
        }
    }
    if ((n = scan_name(s)) > 0) {
        *kind = n == 1 && c == '$' ? TOKEN_DOLLAR : keyword(str_from(s.p, n));
        return n;
    }
    if (c == '"' || c == '\'') {
        n = scan_quoted(s, &flag);
        *kind = flag ? TOKEN_STRING : c == '"' ? TOKEN_UNPAIRED_DOUBLE_QUOTE : TOKEN_UNPAIRED_SINGLE_QUOTE;
        return flag ? n + 1 : n;
    }
    if ((is_digit(c) || c == '.') && (n = scan_number(s, &flag)) > 0) {
        *kind = flag ? TOKEN_NUM_FLOAT : TOKEN_NUM_INT;
        return n;
    }
    if (c == '/' && (n = scan_path_segment(s)) > 0) {
        *kind = TOKEN_PATH_SEGMENT;
        return n;
    }
    return scan_operator(s, kind);
}

static size_t scan_service_name(struct str s, enum token_kind *kind)
{
    size_t n = 0;
    while (n < s.n && (is_letter(s.p[n]) || is_digit(s.p[n]) || s.p[n] == '-' || s.p[n] == '.'))
        n++;
    *kind = TOKEN_SERVICE_IDENTIFIER;
    enum token_kind word = keyword(str_from(s.p, n));
    for (size_t i = 0; i < sizeof bad_service_names; i++)
        if (word == bad_service_names[i])
            *kind = TOKEN_BAD_KEYWORD;
    return n;
}

/* How much a place that is no token swallows: one character, but "&x" and "|x" both, because the lexer
 * noticed only at the second that no operator begins here. */
static size_t error_length(struct str s, bool in_service_name)
{
    size_t n = !in_service_name && (s.p[0] == '&' || s.p[0] == '|') && s.n > 1 ? 1 : 0;
    for (n++; n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80;)
        n++;
    return n;
}

struct growth {
    struct arena *arena;
    uint32_t token_cap, error_cap;
};

static void push_token(struct growth *g, struct tokens *out, struct token token)
{
    if (out->n == g->token_cap) {
        uint32_t cap = g->token_cap * 2;
        out->items = arena_grow(g->arena, out->items, out->n * sizeof token, cap * sizeof token);
        g->token_cap = cap;
    }
    out->items[out->n++] = token;
}

/* The place is that of the last character; of "&" and "|" at the end of the file it is that end. */
static void push_error(struct growth *g, struct tokens *out, struct str text, size_t from, size_t to)
{
    size_t at = to - 1;
    while (at > from && ((unsigned char)text.p[at] & 0xc0) == 0x80)
        at--;
    if (to == text.n && at == from && (text.p[from] == '&' || text.p[from] == '|'))
        at = to;
    struct lexer_error error = { (uint32_t)from, (uint32_t)to, (uint32_t)at, out->n };
    if (out->n_errors == g->error_cap) {
        uint32_t cap = g->error_cap ? g->error_cap * 2 : 16;
        out->errors = arena_grow(g->arena, out->errors, out->n_errors * sizeof error, cap * sizeof error);
        g->error_cap = cap;
    }
    out->errors[out->n_errors++] = error;
}

void lexer_run(struct tokens *out, struct arena *arena, struct str text)
{
    assert(text.n <= LIMIT_RULES_SOURCE_BYTES);
    struct growth growth = { .arena = arena, .token_cap = 256 };
    *out = (struct tokens){ .items = ARENA_ARRAY(arena, struct token, growth.token_cap) };
    bool in_service_name = false;
    size_t at = 0;
    while (at < text.n) {
        struct str rest = str_skip(text, at);
        enum token_kind kind = TOKEN_EOF;
        size_t n = is_space(rest.p[0]) ? 1 : in_service_name ? 0 : scan_comment(rest);
        if (n > 0) {
            at += n;
            continue;
        }
        n = in_service_name ? scan_service_name(rest, &kind) : scan_token(rest, &kind);
        if (n == 0) {
            n = error_length(rest, in_service_name);
            push_error(&growth, out, text, at, at + n);
        } else {
            push_token(&growth, out, (struct token){ (uint8_t)kind, (uint32_t)at, (uint32_t)(at + n) });
            in_service_name = kind == TOKEN_SERVICE;
        }
        at += n;
    }
    push_token(&growth, out, (struct token){ TOKEN_EOF, (uint32_t)text.n, (uint32_t)text.n });
}

uint32_t lexer_token_end(struct str text, uint32_t from)
{
    enum token_kind kind;
    size_t n = from < text.n ? scan_token(str_skip(text, from), &kind) : 0;
    return from + (uint32_t)(n ? n : 1);
}

uint32_t lexer_skip_gap(struct str text, uint32_t from)
{
    size_t n = 1;
    for (; from < text.n && n > 0; from += (uint32_t)n)
        n = is_space(text.p[from]) ? 1 : scan_comment(str_skip(text, from));
    return from;
}
