/* arena.h - memory that lives exactly as long as one request (or one ruleset, one batch).
 *
 * Allocation is a pointer bump; nothing is freed piece by piece. Disposers run newest first at reset
 * or free, for what the arena cannot hold itself (a statement, a reference count).
 *
 * Out of memory: arena_alloc never returns NULL; when the system has no memory the process ends with a
 * message, as servers do that cannot answer without it. What grows from outside is bounded before that:
 * decoders and evaluators compare arena_used() with a named maximum in core/limits.h and answer
 * RESOURCE_EXHAUSTED.
 *
 * With CINDERLOG_ARENA_DEBUG every piece is its own malloc, so that AddressSanitizer sees overruns.
 * Not thread-safe: an arena belongs to whoever holds the request. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "core/str.h"

#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

struct arena;

/* A new, empty arena; the first block is allocated with it. Free with arena_free. */
struct arena *arena_new(void) __attribute__((returns_nonnull));
/* Runs the disposers and frees everything. NULL is allowed. */
void arena_free(struct arena *arena);
/* Runs the disposers and forgets all pieces, keeping the first block for the next use. */
void arena_reset(struct arena *arena);

/* Memory of `size` bytes (0 allowed), aligned for any type, not zeroed. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
/* The same, zeroed; count * size may not overflow (asserted). */
void *arena_zalloc(struct arena *arena, size_t count, size_t size) __attribute__((returns_nonnull));
/* Grows a piece by copying; the old one stays valid until reset. new_size >= old_size. */
void *arena_grow(struct arena *arena, const void *old, size_t old_size, size_t new_size);
/* A copy in the arena; the bytes are followed by a NUL that n does not count. */
struct str arena_str(struct arena *arena, struct str s);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

/* A new arena that is freed when `parent` is reset or freed: for what must be forgotten sooner. */
struct arena *arena_child(struct arena *parent);

/* Calls run(data) at reset or free, newest first. */
void arena_defer(struct arena *arena, void (*run)(void *data), void *data);

/* Bytes handed out since new or reset: what limits are compared with. */
size_t arena_used(const struct arena *arena);

#ifdef __cplusplus
}
#endif

#define ARENA_NEW(arena, type) ((type *)arena_zalloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_zalloc((arena), (count), sizeof(type)))

#endif
