/* fuzz_protojson.c - any text as JSON of any message, or as URL parameters: what is accepted must print,
 * read back the same, and go through protobuf unharmed. The first byte picks the message (its place in
 * SCHEMA_LIST); with its high bit the rest is "name=value" lines. */
#include "core/schema.h"

#include <stdlib.h>

static const struct schema_message *const schemas[] = {
#define X(name) SCHEMA(name),
    SCHEMA_LIST(X)
#undef X
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct str encoded(struct arena *arena, const struct schema_message *schema, const void *message,
                          int flags)
{
    struct buf buf;
    buf_init(&buf, 64 << 20);
    must(flags < 0 ? protobuf_encode(&buf, schema, message)
                   : protojson_encode(&buf, schema, message, (unsigned)flags));
    struct str copy = arena_str(arena, buf_view(&buf));
    buf_dispose(&buf);
    return copy;
}

static void check_message(struct arena *arena, const struct schema_message *schema, const void *message)
{
    struct status st = status_init(arena);
    void *second = arena_zalloc(arena, 1, schema->size), *third = arena_zalloc(arena, 1, schema->size);
    struct str json = encoded(arena, schema, message, 0),
               pretty = encoded(arena, schema, message, PROTOJSON_PRETTY);
    struct str bytes = encoded(arena, schema, message, -1);
    must(str_is_utf8(json) && pretty.n >= json.n);
    must(protojson_decode(second, schema, arena, pretty, &st) == STATUS_OK);
    must(str_eq(encoded(arena, schema, second, 0), json));
    must(str_eq(encoded(arena, schema, second, -1), bytes));
    must(protobuf_decode(third, schema, arena, bytes, &st) == STATUS_OK);
    must(str_eq(encoded(arena, schema, third, -1), bytes));
}

static void check_json(struct arena *arena, const struct schema_message *schema, struct str json)
{
    struct status st = status_init(arena);
    void *message = arena_zalloc(arena, 1, schema->size);
    if (protojson_decode(message, schema, arena, json, &st) == STATUS_OK)
        check_message(arena, schema, message);
    else
        must(status_message(&st)[0] != '\0' && str_is_utf8(str_of(status_message(&st))));
}

static void check_params(struct arena *arena, const struct schema_message *schema, struct str lines)
{
    struct status st = status_init(arena);
    void *message = arena_zalloc(arena, 1, schema->size);
    while (lines.n > 0) {
        const char *end = memchr(lines.p, '\n', lines.n);
        struct str line = { lines.p, end ? (size_t)(end - lines.p) : lines.n };
        const char *equals = line.n ? memchr(line.p, '=', line.n) : NULL;
        struct str name = { line.p, equals ? (size_t)(equals - line.p) : line.n };
        struct str text = equals ? str_skip(line, name.n + 1) : STR("");
        if (protojson_set_param(message, schema, arena, name, text, &st) == STATUS_INVALID_ARGUMENT)
            return; /* half set; the request is refused */
        lines = str_skip(lines, end ? line.n + 1 : line.n);
    }
    check_message(arena, schema, message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena *arena = arena_new();
    const struct schema_message *schema = schemas[(data[0] & 0x7f) % (sizeof schemas / sizeof schemas[0])];
    struct str rest = str_from(data + 1, size - 1);
    if (data[0] & 0x80)
        check_params(arena, schema, rest);
    else
        check_json(arena, schema, rest);
    arena_free(arena);
    return 0;
}
