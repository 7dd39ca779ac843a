/* lex.c - see lex.h. */
#include "server/ruletest/lex.h"

enum { MAX_CODE_POINT = 0x10FFFF };

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The byte `ahead` of where we are; NUL behind the end, which no token goes on with. */
static char peek(const struct lexer *l, uint32_t ahead)
{
    return l->text.n - l->at > ahead ? l->text.p[l->at + ahead] : '\0';
}

static void bad(struct lexer *l, const char *sentence)
{
    l->token.kind = LEX_BAD;
    l->token.text = str_of(sentence);
}

/* ---- blanks and comments ---- */

static void skip_comment(struct lexer *l)
{
    while (l->at < l->text.n && l->text.p[l->at] != '\n')
        l->at++;
}

static void skip_blanks(struct lexer *l)
{
    while (l->at < l->text.n) {
        char c = l->text.p[l->at];
        if (c == '#' || (c == '/' && peek(l, 1) == '/'))
            skip_comment(l);
        else if (c == ' ' || c == '\t' || c == '\r' || (c == '\n' && l->depth > 0))
            l->at++;
        else
            return;
    }
}

/* ---- strings ---- */

static int hex_value(char c)
{
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)((n == 2 ? 0xC0u : n == 3 ? 0xE0u : 0xF0u) | c);
    return n;
}

/* \u0041, or \u{1F600}; the u was read. False when it is no character. */
static bool read_code_point(struct lexer *l, uint32_t *out)
{
    bool braced = peek(l, 0) == '{';
    l->at += braced;
    uint32_t digits = 0;
    for (*out = 0; digits < (braced ? 6u : 4u) && hex_value(peek(l, 0)) >= 0; digits++)
        *out = *out * 16 + (uint32_t)hex_value(l->text.p[l->at++]);
    if (braced ? digits == 0 || peek(l, 0) != '}' : digits != 4)
        return false;
    l->at += braced;
    return *out <= MAX_CODE_POINT && (*out < 0xD800 || *out > 0xDFFF);
}

/* What a backslash stands for, appended to out; the backslash was read. Every escape is longer than its
 * meaning. */
static bool read_escape(struct lexer *l, char *out, size_t *n)
{
    static const char names[] = "nrt\\\"'/", meanings[] = "\n\r\t\\\"'/";
    char c = peek(l, 0);
    uint32_t code_point;
    if (l->at >= l->text.n)
        return false;
    l->at++;
    if (c == 'u') {
        if (!read_code_point(l, &code_point))
            return false;
        *n += put_utf8(out + *n, code_point);
        return true;
    }
    const char *at = c ? strchr(names, c) : NULL;
    if (at)
        out[(*n)++] = meanings[at - names];
    return at != NULL;
}

static void read_string(struct lexer *l)
{
    char quote = l->text.p[l->at++];
    const char *end = memchr(l->text.p + l->at, '\n', l->text.n - l->at);
    size_t most = end ? (size_t)(end - l->text.p) - l->at : l->text.n - l->at;
    char *out = arena_alloc(l->arena, most + 1);
    size_t n = 0;
    while (l->at < l->text.n && l->text.p[l->at] != '\n') {
        char c = l->text.p[l->at++];
        if (c == quote) {
            l->token.kind = LEX_STRING;
            l->token.text = str_from(out, n);
            if (!str_is_utf8(l->token.text))
                bad(l, "this string is not UTF-8");
            return;
        }
        if (c != '\\') {
            out[n++] = c;
        } else if (!read_escape(l, out, &n)) {
            bad(l, "an escape that there is not; there are \\n \\r \\t \\\\ \\\" \\' \\/ \\u0041 and "
                   "\\u{1F600}");
            return;
        }
    }
    bad(l, "this string does not end on its line");
}

/* ---- the others ---- */

static void read_word(struct lexer *l)
{
    uint32_t from = l->at;
    while (is_letter(peek(l, 0)) || is_digit(peek(l, 0)) ||
           (l->at > from && peek(l, 0) == '-' && is_letter(l->text.p[l->at - 1]) && is_letter(peek(l, 1))))
        l->at++;
    l->token.kind = LEX_WORD;
    l->token.text = str_from(l->text.p + from, l->at - from);
    if (!str_is_utf8(l->token.text))
        bad(l, "this is not UTF-8");
}

static void read_number(struct lexer *l)
{
    uint32_t from = l->at;
    while (is_digit(peek(l, 0)))
        l->at++;
    bool whole = true;
    if (peek(l, 0) == '.' && is_digit(peek(l, 1))) {
        whole = false;
        for (l->at++; is_digit(peek(l, 0));)
            l->at++;
    }
    uint32_t sign = peek(l, 1) == '+' || peek(l, 1) == '-';
    if ((peek(l, 0) == 'e' || peek(l, 0) == 'E') && is_digit(peek(l, 1 + sign))) {
        whole = false;
        for (l->at += 1 + sign; is_digit(peek(l, 0));)
            l->at++;
    }
    l->token.kind = LEX_NUMBER;
    while (is_letter(peek(l, 0)) || is_digit(peek(l, 0))) {
        l->token.kind = LEX_DURATION;
        l->at++;
    }
    l->token.text = str_from(l->text.p + from, l->at - from);
    if (l->token.kind == LEX_DURATION && !whole)
        bad(l, "no number, and no duration such as 90m");
}

static void read_mark(struct lexer *l)
{
    static const char *const marks[] = { "...", "==", "!=", "<=", ">=", "<", ">", "{", "}", "[",
                                         "]",   "(",  ")",  ",",  ":",  ".", "=", "+", "-" };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        struct str mark = str_of(marks[i]);
        if (!str_starts(str_skip(l->text, l->at), mark))
            continue;
        l->at += (uint32_t)mark.n;
        l->token.kind = LEX_MARK;
        l->token.text = mark;
        if (strchr("{[(", *mark.p))
            l->depth++;
        else if (strchr("}])", *mark.p) && l->depth)
            l->depth--;
        return;
    }
    l->at++;
    bad(l, "a character that means nothing here");
}

void lex_next(struct lexer *l)
{
    l->behind = l->token.to;
    skip_blanks(l);
    l->token = (struct lex_token){ .kind = LEX_END, .from = l->at };
    char c = peek(l, 0);
    if (l->at < l->text.n) {
        if (c == '\n') {
            l->at++;
            l->token.kind = LEX_NEWLINE;
        } else if (c == '"' || c == '\'') {
            read_string(l);
        } else if (is_digit(c)) {
            read_number(l);
        } else if (is_letter(c)) {
            read_word(l);
        } else {
            read_mark(l);
        }
    }
    l->token.to = l->at;
}

void lex_init(struct lexer *lexer, struct arena *arena, struct str text)
{
    *lexer = (struct lexer){ .arena = arena, .text = text };
    lex_next(lexer);
}

static void take(struct lexer *l, uint32_t to)
{
    uint32_t from = l->token.from;
    l->token = (struct lex_token){ LEX_WORD, str_from(l->text.p + from, to - from), from, to };
    l->at = to;
    l->depth = 0;
    if (!str_is_utf8(l->token.text))
        bad(l, "this is not UTF-8");
}

void lex_path(struct lexer *l)
{
    uint32_t to = l->token.from;
    if (l->token.kind == LEX_STRING || l->token.kind == LEX_END || l->token.kind == LEX_NEWLINE)
        return;
    while (to < l->text.n && !strchr(" \t\r\n{", l->text.p[to] ? l->text.p[to] : '.'))
        to++;
    take(l, to);
}

void lex_line(struct lexer *l)
{
    uint32_t to = l->token.from;
    if (l->token.kind == LEX_END || l->token.kind == LEX_NEWLINE)
        return;
    while (to < l->text.n && l->text.p[to] != '\n' && l->text.p[to] != '#')
        to++;
    while (to > l->token.from && strchr(" \t\r", l->text.p[to - 1]))
        to--;
    take(l, to);
}
