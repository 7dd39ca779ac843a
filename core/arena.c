/* arena.c - see arena.h. Blocks form a list, newest first; the oldest is kept over a reset.
 *
 * Arenas that are freed are kept for the next arena_new, a few of them: a request's arena is made on one
 * thread and freed on another, and its first block is large enough for malloc to give the pages back to the
 * system at once and to fetch them again, with a page fault each. */
#include "core/arena.h"

#include <assert.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FIRST_BLOCK = 16 * 1024, /* an audit-log write with its decision fits in one */
    MAX_BLOCK = 1024 * 1024, /* growth doubles up to here */
    ALIGN = alignof(max_align_t),
    SPARE_MAX = 64, /* 1 MiB in all: as many as there are requests at once on a busy server */
};

/* Every piece its own malloc, or an AddressSanitizer that shall see the use of a freed arena: nothing is
 * kept. */
#if defined(CINDERLOG_ARENA_DEBUG) || defined(__SANITIZE_ADDRESS__)
#define KEEP_SPARE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEP_SPARE 0
#endif
#endif
#ifndef KEEP_SPARE
#define KEEP_SPARE 1
#endif

struct block {
    struct block *older;
    size_t cap, used;
    alignas(max_align_t) unsigned char bytes[];
};

struct disposer {
    struct disposer *older;
    void (*run)(void *data);
    void *data;
};

struct arena {
    struct block *newest;
    struct disposer *disposers;
    size_t used;
};

static void *must_malloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p) {
        fprintf(stderr, "cinderlog: out of memory (%zu bytes); stopping\n", size);
        abort();
    }
    return p;
}

static struct block *block_new(size_t cap, struct block *older)
{
    struct block *b = must_malloc(sizeof *b + cap);
    b->older = older;
    b->cap = cap;
    assert(b);
    b->used = 0;
    return b;
}

static struct {
    pthread_mutex_t lock;
    size_t n;
    struct arena *arenas[SPARE_MAX];
} spare = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct arena *take_spare(void)
{
    pthread_mutex_lock(&spare.lock);
    struct arena *a = spare.n ? spare.arenas[--spare.n] : NULL;
    pthread_mutex_unlock(&spare.lock);
    return a;
}

static bool keep_spare(struct arena *a)
{
    pthread_mutex_lock(&spare.lock);
    bool kept = spare.n < SPARE_MAX;
    if (kept)
        spare.arenas[spare.n++] = a;
    pthread_mutex_unlock(&spare.lock);
    return kept;
}

struct arena *arena_new(void)
{
    struct arena *a = KEEP_SPARE ? take_spare() : NULL;
    if (a)
        return a;
    a = must_malloc(sizeof *a);
#ifdef CINDERLOG_ARENA_DEBUG
    a->newest = NULL;
#else
    a->newest = block_new(FIRST_BLOCK, NULL);
#endif
    a->disposers = NULL;
    a->used = 0;
    return a;
}

static void run_disposers(struct arena *arena)
{
    while (arena->disposers) {
        struct disposer *d = arena->disposers;
        arena->disposers = d->older;
        d->run(d->data);
    }
}

void arena_reset(struct arena *arena)
{
    run_disposers(arena);
    struct block *b = arena->newest;
    while (b && b->older) {
        struct block *older = b->older;
        free(b);
        b = older;
    }
#ifdef CINDERLOG_ARENA_DEBUG
    free(b);
    b = NULL;
#else
    assert(b);
    b->used = 0;
#endif
    arena->newest = b;
    arena->used = 0;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    arena_reset(arena);
    if (KEEP_SPARE && keep_spare(arena))
        return;
    free(arena->newest);
    free(arena);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    assert(rounded >= size);
    arena->used += rounded;
#ifdef CINDERLOG_ARENA_DEBUG
    struct block *b = block_new(size, arena->newest);
    arena->newest = b;
    return b->bytes;
#else
    struct block *b = arena->newest;
    if (b->cap - b->used < rounded) {
        size_t cap = b->cap < MAX_BLOCK ? b->cap * 2 : MAX_BLOCK;
        b = block_new(cap > rounded ? cap : rounded, b);
        arena->newest = b;
    }
    void *p = b->bytes + b->used;
    b->used += rounded;
    return p;
#endif
}

void *arena_zalloc(struct arena *arena, size_t count, size_t size)
{
    assert(size == 0 || count <= SIZE_MAX / size);
    void *p = arena_alloc(arena, count * size);
    memset(p, 0, count * size);
    return p;
}

void *arena_grow(struct arena *arena, const void *old, size_t old_size, size_t new_size)
{
    assert(new_size >= old_size);
    void *p = arena_alloc(arena, new_size);
    if (old_size)
        memcpy(p, old, old_size);
    return p;
}

struct str arena_str(struct arena *arena, struct str s)
{
    char *p = arena_alloc(arena, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct str){ p, s.n };
}

char *arena_vprintf(struct arena *arena, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    assert(n >= 0);
    char *p = arena_alloc(arena, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *p = arena_vprintf(arena, fmt, args);
    va_end(args);
    return p;
}

void arena_defer(struct arena *arena, void (*run)(void *data), void *data)
{
    struct disposer *d = arena_alloc(arena, sizeof *d);
    *d = (struct disposer){ arena->disposers, run, data };
    arena->disposers = d;
}

static void free_child(void *data) { arena_free(data); }

struct arena *arena_child(struct arena *parent)
{
    struct arena *child = arena_new();
    arena_defer(parent, free_child, child);
    return child;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
