/* write_memory.h - what Write streams have answered, so that one that broke can be taken up again by its id and a
 * token (WriteRequest.stream_id and stream_token) without a write being made twice.
 *
 * A stream's accepted batches are numbered from 1; the token after batch n is n in ASCII, "0" before the first. The answer to a
 * batch is kept until the client names a token that is not older, but not more than LIMIT_WRITE_KEPT of a stream and
 * LIMIT_WRITE_KEPT_BYTES; of streams that broke the last LIMIT_WRITE_BROKEN are kept. Nothing is kept over a start of
 * the server: a stream of before is unknown then.
 *
 * A stream is one call's at a time, which alone touches it. Everything else here is thread-safe. */
#ifndef SERVER_SERVICE_WRITE_MEMORY_H
#define SERVER_SERVICE_WRITE_MEMORY_H

#include "core/crypto.h"
#include "core/path.h"
#include "server/auth/principal.h"

struct write_memory;
struct write_past; /* of one stream */

struct write_memory *write_memory_new(void);
/* Once no stream is open any more. NULL is allowed. */
void write_memory_free(struct write_memory *memory);

/* A new stream of a database and a principal. */
struct write_past *write_memory_begin(struct write_memory *memory, struct str database,
                                      const struct principal *who);
/* The one with this id. NOT_FOUND: unknown (any more), or another's; ABORTED: a call has it still. OUT_OF_RANGE: what came after
 * the token is not kept, or the token was never given. */
enum status_code write_memory_resume(struct write_past **out, uint64_t *number, struct write_memory *memory,
                                     struct str database, const struct principal *who, struct str id,
                                     struct str token, struct status *st);
/* The call has ended. broken: its client may come again; else it is forgotten. NULL is allowed. */
void write_memory_leave(struct write_memory *memory, struct write_past *past, bool broken);

struct str write_past_id(const struct write_past *past);
/* The client has got the answers up to this token, of those up to batch `given`, which it was given; another
 * token says nothing. */
void write_past_acknowledge(struct write_past *past, struct str token, uint64_t given);
/* Batch `number` was accepted: of these writes (their digest), answered by these bytes. */
void write_past_add(struct write_past *past, uint64_t number, const unsigned char digest[SHA256_SIZE],
                    struct str answer);
/* The answer to batch `number`, which was accepted before the stream broke; empty `answer`: it was not.
 * INVALID_ARGUMENT when it had other writes. */
enum status_code write_past_find(struct str *answer, const struct write_past *past, uint64_t number,
                                 const unsigned char digest[SHA256_SIZE], struct status *st);

#endif
