/* json_read.c - the pull reader: RFC 8259 and nothing beside it.
 *
 * One token a call, no tree. Number texts are handed out as they were written, because int64 and double
 * need different readings of the same digits; strings are unescaped and known to be UTF-8, borrowed from
 * the input unless they held an escape. The stack of open objects and arrays is one bit a level. */
#include "core/codec.h"
#include "core/limits.h"

enum state {
    BEFORE_VALUE,      /* a value must follow */
    BEFORE_FIRST_ITEM, /* after '[': a value or ']' */
    BEFORE_FIRST_KEY,  /* after '{': a key or '}' */
    AFTER_VALUE,       /* ',' or what closes the level; at the outermost level the end */
    FAILED,
};

_Static_assert(sizeof(((struct json_reader *)0)->stack) * 8 >= LIMIT_MESSAGE_DEPTH, "one bit a level");

void json_reader_init(struct json_reader *r, struct arena *arena, struct str json)
{
    const char *start = json.n ? json.p : "";
    *r = (struct json_reader){ .start = start, .at = start, .end = start + json.n, .arena = arena };
    r->state = BEFORE_VALUE;
}

static enum json_token fail(struct json_reader *r, const char *sentence)
{
    r->error = sentence;
    r->state = FAILED;
    return JSON_ERROR;
}

static void skip_space(struct json_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

static bool in_object(const struct json_reader *r)
{
    uint32_t level = r->depth - 1;
    return r->stack[level / 8] >> (level % 8) & 1;
}

static enum json_token push(struct json_reader *r, bool object)
{
    if (r->depth == LIMIT_MESSAGE_DEPTH)
        return fail(r, "nested too deep");
    unsigned char bit = (unsigned char)(1u << (r->depth % 8));
    unsigned char *byte = &r->stack[r->depth / 8];
    *byte = (unsigned char)(object ? *byte | bit : *byte & ~bit);
    r->depth++;
    r->at++;
    r->state = object ? BEFORE_FIRST_KEY : BEFORE_FIRST_ITEM;
    return object ? JSON_OBJECT : JSON_ARRAY;
}

static enum json_token pop(struct json_reader *r)
{
    bool object = in_object(r);
    r->depth--;
    r->at++;
    r->state = AFTER_VALUE;
    return object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

/* ---- strings ---- */

/* Four hexadecimal digits at p; -1 when they are not. */
static int32_t hex4(const char *p, const char *end)
{
    int32_t v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int32_t digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        else
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3F));
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    }
    return to;
}

/* After "\u": one code unit, or two that make a pair. Returns where it ends, or NULL. */
static const char *unescape_unicode(char **to, const char *p, const char *end)
{
    int32_t unit = hex4(p, end);
    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
        return NULL;
    p += 4;
    uint32_t c = (uint32_t)unit;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        int32_t low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2, end) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return NULL;
        c = 0x10000 + ((c - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
        p += 6;
    }
    *to = put_utf8(*to, c);
    return p;
}

/* The text between quotes, whose escapes are followed by a byte each, into memory of its own. Every escape
 * is longer than what it stands for. NULL, or the sentence that says what is wrong. */
static const char *unescape(struct str *out, struct arena *arena, struct str raw)
{
    static const char from[] = "\"\\/bfnrt", for_them[] = "\"\\/\b\f\n\r\t";
    char *start = arena_alloc(arena, raw.n), *to = start;
    const char *p = raw.p, *end = raw.p + raw.n;
    while (p < end) {
        if (*p != '\\') {
            *to++ = *p++;
            continue;
        }
        char c = p[1];
        p += 2;
        if (c == 'u') {
            p = unescape_unicode(&to, p, end);
            if (!p)
                return "a \\u escape is malformed or half a surrogate pair";
        } else {
            const char *found = c ? strchr(from, c) : NULL;
            if (!found)
                return "no such escape";
            *to++ = for_them[found - from];
        }
    }
    *out = str_from(start, (size_t)(to - start));
    return NULL;
}

/* The string whose opening quote is at r->at, into r->text. */
static bool read_string(struct json_reader *r)
{
    const char *p = r->at + 1, *start = p;
    bool escaped = false;
    for (;; p++) {
        if (p == r->end)
            return fail(r, "a string is cut off"), false;
        unsigned char c = (unsigned char)*p;
        if (c == '"')
            break;
        if (c < 0x20)
            return fail(r, "a control character in a string is not escaped"), false;
        if (c == '\\') {
            escaped = true;
            if (++p == r->end)
                return fail(r, "a string is cut off"), false;
        }
    }
    struct str raw = { start, (size_t)(p - start) };
    if (!str_is_utf8(raw))
        return fail(r, "text is not valid UTF-8"), false;
    r->text = raw;
    if (escaped) {
        const char *wrong = unescape(&r->text, r->arena, raw);
        if (wrong)
            return fail(r, wrong), false;
    }
    r->at = p + 1;
    return true;
}

static enum json_token read_key(struct json_reader *r)
{
    if (r->at == r->end || *r->at != '"')
        return fail(r, r->at == r->end ? "an object is cut off" : "a name in quotes is expected");
    if (!read_string(r))
        return JSON_ERROR;
    if (r->text.n > LIMIT_JSON_KEY_BYTES)
        return fail(r, "a name is longer than 4096 bytes");
    skip_space(r);
    if (r->at == r->end || *r->at != ':')
        return fail(r, "':' is expected after a name");
    r->at++;
    r->state = BEFORE_VALUE;
    return JSON_KEY;
}
_Static_assert(LIMIT_JSON_KEY_BYTES == 4096, "the sentence above says so");

/* ---- the rest ---- */

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

static enum json_token read_number(struct json_reader *r)
{
    const char *p = r->at, *end = r->end, *from;
    if (p < end && *p == '-')
        p++;
    from = p;
    p = digits(p, end);
    if (p == from)
        return fail(r, "a value is expected");
    if (*from == '0' && p - from > 1)
        return fail(r, "a number begins with 0");
    if (p < end && *p == '.') {
        from = ++p;
        p = digits(p, end);
        if (p == from)
            return fail(r, "a number has no digits after its point");
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        from = p;
        p = digits(p, end);
        if (p == from)
            return fail(r, "a number has no digits in its exponent");
    }
    r->text = str_from(r->at, (size_t)(p - r->at));
    r->at = p;
    r->state = AFTER_VALUE;
    return JSON_NUMBER;
}

static enum json_token read_word(struct json_reader *r, struct str word, enum json_token token)
{
    if ((size_t)(r->end - r->at) < word.n || memcmp(r->at, word.p, word.n) != 0)
        return fail(r, "a value is expected");
    r->at += word.n;
    r->state = AFTER_VALUE;
    return token;
}

static enum json_token read_value(struct json_reader *r)
{
    if (r->at == r->end)
        return fail(r, "the text is cut off or empty");
    switch (*r->at) {
    case '{':
        return push(r, true);
    case '[':
        return push(r, false);
    case '"':
        if (!read_string(r))
            return JSON_ERROR;
        r->state = AFTER_VALUE;
        return JSON_STRING;
    case 't':
        return read_word(r, STR("true"), JSON_TRUE);
    case 'f':
        return read_word(r, STR("false"), JSON_FALSE);
    case 'n':
        return read_word(r, STR("null"), JSON_NULL);
    default:
        return read_number(r);
    }
}

static enum json_token read_after_value(struct json_reader *r)
{
    bool at_end = r->at == r->end;
    if (r->depth == 0)
        return at_end ? JSON_END : fail(r, "something follows the value");
    if (in_object(r)) {
        if (at_end || (*r->at != ',' && *r->at != '}'))
            return fail(r, at_end ? "an object is cut off" : "',' or '}' is expected");
        if (*r->at == '}')
            return pop(r);
        r->at++;
        skip_space(r);
        return read_key(r);
    }
    if (at_end || (*r->at != ',' && *r->at != ']'))
        return fail(r, at_end ? "an array is cut off" : "',' or ']' is expected");
    if (*r->at == ']')
        return pop(r);
    r->at++;
    skip_space(r);
    return read_value(r);
}

enum json_token json_next(struct json_reader *r)
{
    skip_space(r);
    switch ((enum state)r->state) {
    case BEFORE_VALUE:
        return read_value(r);
    case BEFORE_FIRST_ITEM:
        return r->at < r->end && *r->at == ']' ? pop(r) : read_value(r);
    case BEFORE_FIRST_KEY:
        return r->at < r->end && *r->at == '}' ? pop(r) : read_key(r);
    case AFTER_VALUE:
        return read_after_value(r);
    case FAILED:
        break;
    }
    return JSON_ERROR;
}

bool json_skip(struct json_reader *r, enum json_token first)
{
    if (first == JSON_KEY)
        first = json_next(r);
    if (first != JSON_OBJECT && first != JSON_ARRAY)
        return first != JSON_ERROR;
    uint32_t outside = r->depth - 1;
    while (r->depth > outside) {
        if (json_next(r) == JSON_ERROR)
            return false;
    }
    return true;
}
