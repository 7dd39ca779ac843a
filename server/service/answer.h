/* answer.h - stored versions as documents of an answer: names, times, masks. */
#ifndef SERVER_SERVICE_ANSWER_H
#define SERVER_SERVICE_ANSWER_H

#include "core/field_path.h"
#include "core/messages.h"
#include "storage/storage.h"

/* A response mask, parsed. all: no mask was given. */
struct answer_mask {
    bool all;
    struct field_path *paths;
    size_t n;
};
/* "_none_" (Emulator UI) and "__name__" select nothing. INVALID_ARGUMENT for a bad path. */
enum status_code answer_mask_parse(struct answer_mask *out, struct arena *arena, const struct msg_document_mask *mask,
                                   struct status *st);
/* Fills *out; without a mask the stored bytes are passed on undecoded. */
enum status_code answer_document(struct document *out, struct arena *arena, struct database_name db, struct str path,
                                 const struct store_document *stored, const struct answer_mask *mask,
                                 struct status *st);
/* NOT_FOUND as Google's emulator 1.19.9 words it. */
enum status_code answer_not_found(struct database_name db, struct str path, struct status *st);

#endif
