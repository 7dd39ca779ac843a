/* fuzz_seed_line.c - lines of example data: what is taken names a document, and is what a client could have
 * sent. */
#include "core/codec.h"
#include "server/ops/seed_line.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct database_name db = { STR_INIT("p"), STR_INIT("(default)") };
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct seed_document d;
    if (seed_line_parse(&d, arena, str_from(data, size), db, &st) == STATUS_OK) {
        if (path_segments(d.name.path) == 0 || path_segments(d.name.path) % 2 != 0)
            abort();
        /* It survives the way into the ledger and out again, unless it is refused as a document. */
        struct buf bytes;
        struct value_map again;
        buf_init(&bytes, 1 << 24);
        if (document_validate(d.name.path, &d.fields, &st) == STATUS_OK &&
            (!protobuf_encode_fields(&bytes, &d.fields) ||
             protobuf_decode_fields(&again, arena, buf_view(&bytes), &st) || again.n != d.fields.n))
            abort();
        buf_dispose(&bytes);
    } else if (!*status_message(&st)) {
        abort();
    }
    arena_free(arena);
    return 0;
}
