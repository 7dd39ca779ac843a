/* status.c - see status.h. */
#include "core/status.h"

#include <assert.h>
#include <stdio.h>

static const struct {
    const char *name;
    int http;
} codes[] = {
    [STATUS_OK] = { "OK", 200 },
    [STATUS_CANCELLED] = { "CANCELLED", 499 },
    [STATUS_UNKNOWN] = { "UNKNOWN", 500 },
    [STATUS_INVALID_ARGUMENT] = { "INVALID_ARGUMENT", 400 },
    [STATUS_DEADLINE_EXCEEDED] = { "DEADLINE_EXCEEDED", 504 },
    [STATUS_NOT_FOUND] = { "NOT_FOUND", 404 },
    [STATUS_ALREADY_EXISTS] = { "ALREADY_EXISTS", 409 },
    [STATUS_PERMISSION_DENIED] = { "PERMISSION_DENIED", 403 },
    [STATUS_RESOURCE_EXHAUSTED] = { "RESOURCE_EXHAUSTED", 429 },
    [STATUS_FAILED_PRECONDITION] = { "FAILED_PRECONDITION", 400 },
    [STATUS_ABORTED] = { "ABORTED", 409 },
    [STATUS_OUT_OF_RANGE] = { "OUT_OF_RANGE", 400 },
    [STATUS_UNIMPLEMENTED] = { "UNIMPLEMENTED", 501 },
    [STATUS_INTERNAL] = { "INTERNAL", 500 },
    [STATUS_UNAVAILABLE] = { "UNAVAILABLE", 503 },
    [STATUS_DATA_LOSS] = { "DATA_LOSS", 500 },
    [STATUS_UNAUTHENTICATED] = { "UNAUTHENTICATED", 401 },
};
enum { CODE_COUNT = sizeof codes / sizeof codes[0] };

enum status_code status_set(struct status *st, enum status_code code, const char *fmt, ...)
{
    assert(code != STATUS_OK && (int)code < CODE_COUNT);
    va_list args;
    va_start(args, fmt);
    st->code = code;
    st->details = NULL;
    if (st->arena) {
        st->text = arena_vprintf(st->arena, fmt, args);
    } else {
        st->text = NULL;
        vsnprintf(st->small, sizeof st->small, fmt, args);
    }
    va_end(args);
    return code;
}

const char *status_show(char out[STATUS_SHOWN], struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;
    for (size_t i = 0; i < text.n;) {
        unsigned char c = (unsigned char)text.p[i];
        size_t len = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        bool good = c != 0 && len <= text.n - i && str_is_utf8((struct str){ text.p + i, len });
        if (n + 4 > STATUS_SHOWN - 4) {
            memcpy(out + n, "...", 3);
            n += 3;
            break;
        }
        if (good) {
            memcpy(out + n, text.p + i, len);
            n += len;
            i += len;
        } else {
            memcpy(out + n, "\\x", 2);
            out[n + 2] = digits[c >> 4];
            out[n + 3] = digits[c & 15];
            n += 4;
            i += 1;
        }
    }
    out[n] = '\0';
    return out;
}

void status_clear(struct status *st)
{
    st->code = STATUS_OK;
    st->text = NULL;
    st->details = NULL;
    st->small[0] = '\0';
}

const char *status_message(const struct status *st)
{
    return st->text ? st->text : st->small;
}

static const struct status_detail *copy_details(struct arena *arena, const struct status_detail *from)
{
    if (!from || !arena)
        return NULL;
    struct status_detail *d = ARENA_NEW(arena, struct status_detail);
    d->reason = from->reason;
    d->retry_ms = from->retry_ms;
    d->count = from->count;
    d->facts = ARENA_ARRAY(arena, struct status_fact, from->count);
    for (size_t i = 0; i < from->count; i++) {
        d->facts[i].key = from->facts[i].key;
        d->facts[i].value = arena_str(arena, from->facts[i].value);
    }
    d->next = (struct status_detail *)copy_details(arena, from->next);
    return d;
}

void status_copy(struct status *to, const struct status *from)
{
    if (from->code == STATUS_OK) {
        status_clear(to);
        return;
    }
    status_set(to, from->code, "%s", status_message(from));
    to->details = copy_details(to->arena, from->details);
}

const char *status_name(enum status_code code)
{
    return (unsigned)code < CODE_COUNT ? codes[code].name : "UNKNOWN";
}

int status_http(enum status_code code)
{
    return (unsigned)code < CODE_COUNT ? codes[code].http : 500;
}
