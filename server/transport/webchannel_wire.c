/* webchannel_wire.c - see webchannel_wire.h. */
#include "server/transport/webchannel_wire.h"

#include "core/limits.h"
#include "server/transport/route.h"

#include <strings.h>

enum { DIGITS_MAX = 15 }; /* of a number: what JavaScript counts exactly */

static bool read_number(uint64_t *out, struct str text)
{
    uint64_t n = 0;
    if (text.n == 0 || text.n > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text.p[i] - '0');
    }
    *out = n;
    return true;
}

static enum status_code no_number(struct str name, struct str value, struct status *st)
{
    char what[STATUS_SHOWN], shown[STATUS_SHOWN];
    return status_set(st, STATUS_INVALID_ARGUMENT, "%s: \"%s\" is not a number", status_show(what, name),
                      status_show(shown, value));
}

/* ---- the URL ---- */

static enum status_code take_param(struct channel_query *q, struct str name, struct str value,
                                   struct status *st)
{
    uint64_t number;
    if (str_eq_z(name, "SID")) {
        q->sid = value;
    } else if (str_eq_z(name, "RID")) {
        q->back = str_eq_z(value, "rpc");
    } else if (str_eq_z(name, "TYPE")) {
        q->terminate = str_eq_z(value, "terminate");
    } else if (str_eq_z(name, "CI")) {
        q->polling = !str_eq_z(value, "0");
    } else if (str_eq_z(name, "$httpHeaders")) {
        q->headers = value;
    } else if (str_eq_z(name, "AID") && !str_eq_z(value, "-1")) {
        if (!read_number(&number, value))
            return no_number(name, value, st);
        q->aid = (int64_t)number;
    }
    return STATUS_OK;
}

enum status_code channel_query_read(struct channel_query *out, struct arena *arena, struct str query,
                                    struct status *st)
{
    struct str name, value;
    bool ok;
    *out = (struct channel_query){ .aid = -1 };
    while (route_next_param(&query, arena, &name, &value, &ok)) {
        if (!ok)
            return status_set(st, STATUS_INVALID_ARGUMENT, "a query parameter is not well percent-encoded");
        if (take_param(out, name, value, st))
            return st->code;
    }
    return STATUS_OK;
}

/* ---- the form ---- */

/* A part up to `end`, off *rest. */
static struct str cut(struct str *rest, char end)
{
    const char *at = rest->n ? memchr(rest->p, end, rest->n) : NULL;
    struct str part = { rest->p, at ? (size_t)(at - rest->p) : rest->n };
    *rest = str_skip(*rest, part.n + (at != NULL));
    return part;
}

/* In forms, unlike in URLs, '+' is a blank. */
static bool decode(struct str *out, struct arena *arena, struct str text)
{
    if (text.n && memchr(text.p, '+', text.n)) {
        char *copy = arena_alloc(arena, text.n);
        for (size_t i = 0; i < text.n; i++)
            copy[i] = text.p[i];
        for (size_t i = 0; i < text.n; i++)
            copy[i] = copy[i] == '+' ? ' ' : copy[i];
        text.p = copy;
    }
    return route_decode(out, arena, text);
}

/* "req12___data__" -> 12. Of a message's other fields ("req0_...") nothing is needed. */
static bool message_number(uint64_t *out, struct str name)
{
    static const struct str prefix = STR_INIT("req"), suffix = STR_INIT("___data__");
    if (!str_starts(name, prefix) || name.n < prefix.n + suffix.n)
        return false;
    struct str middle = { name.p + prefix.n, name.n - prefix.n - suffix.n };
    return str_eq(str_skip(name, name.n - suffix.n), suffix) && read_number(out, middle);
}

static enum status_code take_field(struct channel_form *form, struct str *messages, struct str name,
                                   struct str value, struct status *st)
{
    uint64_t i;
    if (str_eq_z(name, "headers")) {
        form->headers = value;
        return STATUS_OK;
    }
    if (!message_number(&i, name))
        return STATUS_OK;
    if (i >= form->count)
        return status_set(st, STATUS_INVALID_ARGUMENT, STR_FMT ": count is %zu", STR_ARG(name), form->count);
    if (messages[i].p)
        return status_set(st, STATUS_INVALID_ARGUMENT, STR_FMT ": it is there twice", STR_ARG(name));
    messages[i] = value.p ? value : STR("");
    return STATUS_OK;
}

/* count and ofs come first, as browsers send them; a form that has them later is read twice for it. */
static enum status_code take_numbers(struct channel_form *form, struct str body, struct status *st)
{
    uint64_t count = 0;
    while (body.n) {
        struct str value = cut(&body, '&'), name = cut(&value, '=');
        uint64_t *into = str_eq_z(name, "count") ? &count : str_eq_z(name, "ofs") ? &form->ofs : NULL;
        if (into && !read_number(into, value))
            return no_number(name, value, st);
    }
    if (count > LIMIT_STREAM_MESSAGES)
        return status_set(st, STATUS_INVALID_ARGUMENT, "count: more than %d messages at once",
                          LIMIT_STREAM_MESSAGES);
    form->count = (size_t)count;
    return STATUS_OK;
}

enum status_code channel_form_read(struct channel_form *out, struct arena *arena, struct str body,
                                   struct status *st)
{
    *out = (struct channel_form){ 0 };
    if (take_numbers(out, body, st))
        return st->code;
    struct str *messages = arena_zalloc(arena, out->count, sizeof *messages);
    out->messages = messages;
    while (body.n) {
        struct str raw_value = cut(&body, '&'), raw_name = cut(&raw_value, '='), name, value;
        if (!decode(&name, arena, raw_name) || !decode(&value, arena, raw_value))
            return status_set(st, STATUS_INVALID_ARGUMENT, "the form is not well percent-encoded");
        if (take_field(out, messages, name, value, st))
            return st->code;
    }
    return STATUS_OK;
}

/* ---- headers ---- */

static struct str trimmed(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

struct str channel_header(struct str lines, const char *name)
{
    size_t n = strlen(name);
    while (lines.n) {
        struct str value = cut(&lines, '\n'), key = cut(&value, ':');
        if (key.n == n && strncasecmp(key.p, name, n) == 0)
            return trimmed(value);
    }
    return (struct str){ 0 };
}

/* ---- lengths ---- */

size_t channel_units(struct str text)
{
    size_t units = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char byte = (unsigned char)text.p[i];
        units += (byte & 0xC0) != 0x80; /* each character's first byte ... */
        units += byte >= 0xF0;          /* ... and a pair of surrogates above U+FFFF */
    }
    return units;
}
