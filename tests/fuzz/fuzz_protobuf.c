/* fuzz_protobuf.c - any bytes as any message: what is accepted must encode canonically, decode to the same,
 * and go through JSON unharmed. The first byte picks the message (its place in SCHEMA_LIST). */
#include "core/limits.h"
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
                          bool json)
{
    struct buf buf;
    buf_init(&buf, 64 << 20);
    must(json ? protojson_encode(&buf, schema, message, 0) : protobuf_encode(&buf, schema, message));
    struct str copy = arena_str(arena, buf_view(&buf));
    buf_dispose(&buf);
    return copy;
}

/* A document printed from its encoded fields is the same text. */
static void check_raw(struct arena *arena, const struct document *document)
{
    struct buf fields;
    struct document raw = *document;
    buf_init(&fields, 64 << 20);
    must(protobuf_encode_fields(&fields, &document->fields));
    buf_reserve(&fields, 1);
    raw.fields = (struct value_map){ 0 };
    raw.fields_raw = buf_view(&fields);
    must(str_eq(encoded(arena, SCHEMA(document), &raw, true),
                encoded(arena, SCHEMA(document), document, true)));
    must(str_eq(encoded(arena, SCHEMA(document), &raw, false),
                encoded(arena, SCHEMA(document), document, false)));
    buf_dispose(&fields);
}

static void check(struct arena *arena, const struct schema_message *schema, struct str bytes)
{
    struct status st = status_init(arena);
    void *first = arena_zalloc(arena, 1, schema->size), *second = arena_zalloc(arena, 1, schema->size),
         *third = arena_zalloc(arena, 1, schema->size);
    if (protobuf_decode(first, schema, arena, bytes, &st) != STATUS_OK) {
        must(status_message(&st)[0] != '\0' && str_is_utf8(str_of(status_message(&st))));
        return;
    }
    struct str canonical = encoded(arena, schema, first, false);
    must(protobuf_decode(second, schema, arena, canonical, &st) == STATUS_OK);
    must(str_eq(encoded(arena, schema, second, false), canonical));
    if (schema == SCHEMA(document))
        check_raw(arena, first);
    if (bytes.n > LIMIT_JSON_KEY_BYTES) /* a map key may be longer than JSON names may be */
        return;
    struct str json = encoded(arena, schema, first, true);
    must(protojson_decode(third, schema, arena, json, &st) == STATUS_OK);
    must(str_eq(encoded(arena, schema, third, false), canonical));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena *arena = arena_new();
    check(arena, schemas[data[0] % (sizeof schemas / sizeof schemas[0])], str_from(data + 1, size - 1));
    arena_free(arena);
    return 0;
}
