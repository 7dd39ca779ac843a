/* pick.c - see pick.h. */
#include "storage/pick.h"

#include "core/codec.h"

static bool take_varint(struct str *s, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && s->n > 0; shift += 7) {
        unsigned char byte = (unsigned char)s->p[0];
        *s = str_skip(*s, 1);
        *out |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* Takes a length-delimited field off s when its tag is `tag`. */
static bool take_field(struct str *s, unsigned char tag, struct str *out)
{
    uint64_t n;
    if (s->n == 0 || (unsigned char)s->p[0] != tag)
        return false;
    *s = str_skip(*s, 1);
    if (!take_varint(s, &n) || n > s->n)
        return false;
    *out = (struct str){ s->p, (size_t)n };
    *s = str_skip(*s, (size_t)n);
    return true;
}

/* The map entries of `raw` (as protobuf_encode_fields writes them: sorted, key before value) whose keys are
 * wanted. False when raw has another form: then all of it must be decoded. */
static bool pick(struct str *out, struct arena *arena, struct str raw, const struct str *names, size_t n)
{
    enum { ENTRY = 2 << 3 | 2, KEY = 1 << 3 | 2 };
    char *bytes = NULL;
    *out = (struct str){ 0 };
    for (struct str rest = raw; rest.n > 0 && n > 0;) {
        struct str from = rest, entry, key = { 0 };
        if (!take_field(&rest, ENTRY, &entry))
            return false;
        /* The key "" is the default and may be left out. */
        if (entry.n > 0 && entry.p[0] == KEY && !take_field(&entry, KEY, &key))
            return false;
        while (n > 0 && str_cmp(names[0], key) < 0)
            names++, n--;
        if (n == 0 || !str_eq(names[0], key))
            continue;
        if (!bytes)
            bytes = arena_alloc(arena, from.n);
        memcpy(bytes + out->n, from.p, from.n - rest.n);
        out->n += from.n - rest.n;
    }
    out->p = bytes;
    return true;
}

enum status_code pick_fields(struct value_map *out, struct arena *arena, struct str raw,
                             const struct str *names, size_t n, struct status *st)
{
    struct str picked;
    *out = (struct value_map){ 0 };
    if (n == 0)
        return STATUS_OK;
    if (!pick(&picked, arena, raw, names, n))
        picked = raw;
    return protobuf_decode_fields(out, arena, picked, st);
}
