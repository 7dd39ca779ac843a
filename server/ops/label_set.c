/* label_set.c - see label_set.h. An open-addressing table at most half full, whose slots are published with
 * their release once the value that they number is written. */
#include "server/ops/label_set.h"

#include "core/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct value {
    uint64_t hash;
    size_t n;
    char *text;
};

struct label_set {
    pthread_mutex_t mutex; /* of whoever adds */
    size_t most, mask;
    atomic_size_t count;
    _Atomic uint32_t *slots; /* numbers; 0: free */
    struct value *values;    /* by number - 1 */
};

static void *must_alloc(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p) {
        fprintf(stderr, "cinderlog: out of memory (metrics); stopping\n");
        abort();
    }
    return p;
}

struct label_set *label_set_new(size_t most)
{
    struct label_set *set = must_alloc(1, sizeof *set);
    size_t size = 2;
    while (size < 2 * most)
        size *= 2;
    pthread_mutex_init(&set->mutex, NULL);
    set->most = most;
    set->mask = size - 1;
    set->slots = must_alloc(size, sizeof *set->slots);
    set->values = must_alloc(most, sizeof *set->values);
    return set;
}

void label_set_free(struct label_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < label_set_count(set); i++)
        free(set->values[i].text);
    free(set->values);
    free(set->slots);
    pthread_mutex_destroy(&set->mutex);
    free(set);
}

/* Eight bytes at a time: it is worked out several times for each request. */
static uint64_t hash_of(struct str value)
{
    uint64_t hash = value.n, word;
    for (; value.n >= sizeof word; value = str_skip(value, sizeof word)) {
        memcpy(&word, value.p, sizeof word);
        hash ^= word;
        hash =
            (hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15); /* a product's low bits know no high ones */
        hash ^= hash >> 29;
    }
    return str_hash(hash, value);
}

/* The value's number, or 0 with *slot where it would be. */
static size_t find(struct label_set *set, struct str value, uint64_t hash, size_t *slot)
{
    for (size_t i = hash & set->mask;; i = (i + 1) & set->mask) {
        uint32_t number = atomic_load_explicit(&set->slots[i], memory_order_acquire);
        *slot = i;
        if (number == 0)
            return 0;
        const struct value *v = &set->values[number - 1];
        if (v->hash == hash && str_eq(str_from(v->text, v->n), value))
            return number;
    }
}

static size_t add(struct label_set *set, struct str value, uint64_t hash)
{
    size_t slot;
    pthread_mutex_lock(&set->mutex);
    size_t number = find(set, value, hash, &slot),
           count = atomic_load_explicit(&set->count, memory_order_relaxed);
    if (number == 0 && count < set->most) {
        struct value *v = &set->values[count];
        *v = (struct value){ hash, value.n, must_alloc(value.n + 1, 1) };
        if (value.n)
            memcpy(v->text, value.p, value.n);
        number = count + 1;
        atomic_store_explicit(&set->count, number, memory_order_release);
        atomic_store_explicit(&set->slots[slot], (uint32_t)number, memory_order_release);
    }
    pthread_mutex_unlock(&set->mutex);
    return number;
}

size_t label_set_number(struct label_set *set, struct str value)
{
    size_t slot;
    if (value.n > LIMIT_METRIC_LABEL_BYTES)
        return 0;
    uint64_t hash = hash_of(value);
    size_t number = find(set, value, hash, &slot);
    if (number || label_set_count(set) == set->most)
        return number;
    return add(set, value, hash);
}

size_t label_set_count(const struct label_set *set)
{
    return atomic_load_explicit(&set->count, memory_order_acquire);
}

struct str label_set_value(const struct label_set *set, size_t number)
{
    if (number == 0)
        return STR(LABEL_OTHER);
    return str_from(set->values[number - 1].text, set->values[number - 1].n);
}
