/* answer.c - see answer.h. */
#include "server/service/answer.h"

#include "core/codec.h"

#include <stdio.h>

enum status_code answer_mask_parse(struct answer_mask *out, struct arena *arena, const struct msg_document_mask *mask,
                                   struct status *st)
{
    *out = (struct answer_mask){ .all = !mask };
    if (!mask)
        return STATUS_OK;
    out->paths = ARENA_ARRAY(arena, struct field_path, mask->field_paths.n);
    for (size_t i = 0; i < mask->field_paths.n; i++) {
        struct field_path path;
        if (field_path_parse(&path, arena, mask->field_paths.items[i], st))
            return st->code;
        if (!field_path_is_name(&path))
            out->paths[out->n++] = path;
    }
    return STATUS_OK;
}

enum status_code answer_document(struct document *out, struct arena *arena, struct database_name db, struct str path,
                                 const struct store_document *stored, const struct answer_mask *mask,
                                 struct status *st)
{
    *out = (struct document){
        .name = path_full(arena, db, path),
        .has_create_time = true,
        .has_update_time = true,
        .create_time = stored->create_time,
        .update_time = stored->update_time,
    };
    if (mask->all) {
        out->fields_raw = stored->fields;
        return STATUS_OK;
    }
    struct value_map fields;
    if (protobuf_decode_fields(&fields, arena, stored->fields, st))
        return st->code;
    out->fields = field_path_project(arena, &fields, mask->paths, mask->n);
    return STATUS_OK;
}

enum status_code answer_not_found(struct database_name db, struct str path, struct status *st)
{
    return status_set(st, STATUS_NOT_FOUND,
                      "Document (projects/" STR_FMT "/databases/" STR_FMT "/documents/" STR_FMT ") not found.",
                      STR_ARG(db.project), STR_ARG(db.database), STR_ARG(path));
}
