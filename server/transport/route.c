/* route.c - see route.h. */
#include "server/transport/route.h"

#include <assert.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool route_decode(struct str *out, struct arena *arena, struct str text)
{
    *out = text;
    if (!text.n || !memchr(text.p, '%', text.n))
        return true;
    char *p = arena_alloc(arena, text.n);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            int high = i + 2 < text.n ? hex(text.p[i + 1]) : -1;
            int low = i + 2 < text.n ? hex(text.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        p[n++] = c;
    }
    *out = (struct str){ p, n };
    return true;
}

/* Length of a separator at p: '/' or %2F; 0 when there is none. */
static size_t separator(struct str s, size_t at)
{
    if (s.p[at] == '/')
        return 1;
    if (s.p[at] == '%' && s.n - at >= 3 && s.p[at + 1] == '2' && (s.p[at + 2] | 32) == 'f')
        return 3;
    return 0;
}

bool route_split(struct route_path *out, struct arena *arena, struct str raw)
{
    size_t count = 1, start = 1;
    *out = (struct route_path){ 0 };
    if (!raw.n || raw.p[0] != '/')
        return false;
    for (size_t i = 1; i < raw.n; i++)
        count += separator(raw, i) != 0;
    out->segments = ARENA_ARRAY(arena, struct str, count);
    for (size_t i = 1; i <= raw.n;) {
        size_t cut = i < raw.n ? separator(raw, i) : 1;
        if (!cut) {
            i++;
            continue;
        }
        struct str segment = { raw.p + start, i - start };
        if (!route_decode(&out->segments[out->n++], arena, segment))
            return false;
        start = i + cut;
        i = start;
        if (start > raw.n)
            break;
    }
    assert(out->n == count);
    /* The verb: after the last ':' of the last raw segment. */
    size_t last = raw.n;
    while (last > 1 && raw.p[last - 1] != ':' && !separator(raw, last - 1))
        last--;
    if (last > 1 && raw.p[last - 1] == ':') {
        size_t from = last - 1;
        while (from > 1 && !separator(raw, from - 1))
            from--;
        if (from > 1 && raw.p[from - 1] == '%')
            from += 2;
        out->has_verb = route_decode(&out->verb, arena, (struct str){ raw.p + last, raw.n - last }) &&
                        route_decode(&out->stem, arena, (struct str){ raw.p + from, last - 1 - from });
    }
    return true;
}

/* ---- templates ---- */

struct token {
    struct str text; /* literal, "*" or "**" */
    bool opens, closes;
    struct str field; /* of the variable that opens here */
};
enum { TOKENS_MAX = 24 };

/* Templates are constants of this program: a malformed one is an assert. */
static size_t tokenize(struct token *tokens, struct str *verb, const char *pattern)
{
    size_t n = 0;
    const char *p = pattern;
    assert(*p == '/');
    *verb = (struct str){ 0 };
    while (*p == '/' || (n && *p && *p != ':')) {
        if (*p == '/')
            p++;
        assert(n < TOKENS_MAX);
        struct token *t = &tokens[n++];
        *t = (struct token){ 0 };
        if (*p == '{') {
            const char *from = ++p;
            t->opens = true;
            while (*p != '=' && *p != '}')
                p++;
            t->field = (struct str){ from, (size_t)(p - from) };
            if (*p == '}') {
                t->text = STR("*");
                t->closes = true;
                p++;
                continue;
            }
            p++;
        }
        const char *from = p;
        while (*p && *p != '/' && *p != '}' && *p != ':')
            p++;
        t->text = (struct str){ from, (size_t)(p - from) };
        if (*p == '}') {
            t->closes = true;
            p++;
        }
    }
    if (*p == ':')
        *verb = str_of(p + 1);
    return n;
}

static struct str join(struct arena *arena, const struct str *parts, size_t n, struct str last)
{
    size_t size = n ? n - 1 : 0;
    if (n == 1)
        return last;
    for (size_t i = 0; i < n; i++)
        size += i + 1 == n ? last.n : parts[i].n;
    char *p = arena_alloc(arena, size), *at = p;
    for (size_t i = 0; i < n; i++) {
        struct str part = i + 1 == n ? last : parts[i];
        if (i)
            *at++ = '/';
        if (part.n)
            memcpy(at, part.p, part.n);
        at += part.n;
    }
    return (struct str){ p, size };
}

/* Segments from `from` on, n of them; the last one of the path may have lost its verb. */
static struct str captured(struct arena *arena, const struct route_path *path, struct str last, size_t from,
                           size_t n)
{
    struct str end = n == 0 ? (struct str){ 0 } : from + n == path->n ? last : path->segments[from + n - 1];
    return join(arena, path->segments + from, n, end);
}

bool route_matches(struct route_match *out, struct arena *arena, const char *pattern,
                   const struct route_path *path)
{
    struct token tokens[TOKENS_MAX];
    struct str verb, last, field = { 0 };
    size_t n = tokenize(tokens, &verb, pattern), stars = 0, at = 0, opened = 0;
    bool open = false;
    out->n = 0;
    for (size_t i = 0; i < n; i++)
        stars += str_eq_z(tokens[i].text, "**");
    assert(stars <= 1);
    if (path->n < n - stars || (!stars && path->n != n) || path->n == 0)
        return false;
    if (verb.n && (!path->has_verb || !str_eq(verb, path->verb)))
        return false;
    last = verb.n ? path->stem : path->segments[path->n - 1];
    for (size_t i = 0; i < n; i++) {
        const struct token *t = &tokens[i];
        bool many = str_eq_z(t->text, "**"), one = str_eq_z(t->text, "*");
        size_t take = many ? path->n - (n - 1) : 1;
        if (t->opens) {
            open = true;
            opened = at;
            field = t->field;
        }
        if (!many && !one) {
            struct str segment = at + 1 == path->n ? last : path->segments[at];
            if (!str_eq(segment, t->text))
                return false;
        }
        if (t->closes || ((many || one) && !open)) {
            size_t from = t->closes ? opened : at;
            assert(out->n < ROUTE_BINDINGS_MAX);
            out->bindings[out->n++] =
                (struct route_binding){ t->closes ? field : (struct str){ 0 },
                                        captured(arena, path, last, from, at + take - from) };
            if (t->closes)
                open = false;
        }
        at += take;
    }
    return true;
}

/* ---- query strings ---- */

bool route_next_param(struct str *rest, struct arena *arena, struct str *name, struct str *value, bool *ok)
{
    while (rest->n && rest->p[0] == '&')
        *rest = str_skip(*rest, 1);
    if (!rest->n)
        return false;
    const char *end = memchr(rest->p, '&', rest->n);
    struct str pair = { rest->p, end ? (size_t)(end - rest->p) : rest->n };
    *rest = str_skip(*rest, pair.n);
    const char *equals = memchr(pair.p, '=', pair.n);
    struct str raw_name = { pair.p, equals ? (size_t)(equals - pair.p) : pair.n };
    struct str raw_value = equals ? str_skip(pair, raw_name.n + 1) : (struct str){ 0 };
    *ok = route_decode(name, arena, raw_name) && route_decode(value, arena, raw_value);
    return true;
}
