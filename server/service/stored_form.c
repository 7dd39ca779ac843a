/* stored_form.c - see stored_form.h. */
#include "server/service/stored_form.h"

#include "core/codec.h"
#include "core/limits.h"

/* A JSON reader that turns -0.0 into 0.0 is what REST clients of Google's emulator 1.19.9 see; over gRPC it
 * stays. */
static void drop_negative_zeros(struct value *value)
{
    if (value->kind == VALUE_DOUBLE && value->number == 0)
        value->number = 0;
    for (size_t i = 0; value->kind == VALUE_ARRAY && i < value->array.n; i++)
        drop_negative_zeros(&value->array.items[i]);
    for (size_t i = 0; value->kind == VALUE_MAP && i < value->map.n; i++)
        drop_negative_zeros(&value->map.items[i].value);
}

void stored_form_round(struct value_map *fields, bool from_json)
{
    for (size_t i = 0; i < fields->n; i++) {
        value_cut_times(&fields->items[i].value);
        if (from_json)
            drop_negative_zeros(&fields->items[i].value);
    }
}

enum status_code stored_form_encode(struct str *out, struct arena *arena, const struct value_map *fields,
                                    struct status *st)
{
    struct buf b;
    buf_init(&b, LIMIT_MESSAGE_BYTES);
    if (!protobuf_encode_fields(&b, fields))
        status_set(st, STATUS_INVALID_ARGUMENT, "maximum entity size is %d bytes", LIMIT_DOCUMENT_BYTES);
    else
        *out = arena_str(arena, buf_view(&b));
    buf_dispose(&b);
    return st->code;
}
