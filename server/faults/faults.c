/* faults.c - see faults.h: what is set, and whose turn it is. */
#include "server/faults/faults.h"

#include "core/clock.h"
#include "core/codec.h"
#include "core/limits.h"
#include "server/faults/fault_hit.h"
#include "server/faults/quota.h"
#include "server/server.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

struct set_fault {
    uint64_t id;
    struct arena *arena; /* of the fault's texts */
    struct fault fault;
    int64_t since_ns;
    uint64_t matched, injected;
};

struct faults {
    atomic_uint armed; /* how many are set, and one for a quota */
    _Atomic uint64_t injected;
    struct quota *quota;
    pthread_mutex_t lock; /* guards the rest */
    struct set_fault set[LIMIT_FAULTS];
    size_t n;
    uint64_t last_id;
};

struct faults *faults_new(struct quota *quota)
{
    struct faults *f = calloc(1, sizeof *f);
    if (!f)
        abort();
    pthread_mutex_init(&f->lock, NULL);
    f->quota = quota;
    atomic_init(&f->armed, quota ? 1 : 0);
    return f;
}

void faults_free(struct faults *f)
{
    if (!f)
        return;
    faults_clear(f);
    quota_free(f->quota);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

struct quota *faults_quota(struct faults *f)
{
    return f->quota;
}

enum status_code faults_add(uint64_t *id, struct faults *f, struct str text, struct status *st)
{
    struct set_fault added = { .arena = arena_new(), .since_ns = clock_mono_ns() };
    enum status_code code = fault_parse(&added.fault, added.arena, text, st);
    pthread_mutex_lock(&f->lock);
    if (code == STATUS_OK && f->n == LIMIT_FAULTS)
        code = status_set(st, STATUS_RESOURCE_EXHAUSTED,
                          "%d faults are set, which is the most; remove some first", LIMIT_FAULTS);
    if (code == STATUS_OK) {
        *id = added.id = ++f->last_id;
        f->set[f->n++] = added;
        atomic_fetch_add(&f->armed, 1);
    }
    pthread_mutex_unlock(&f->lock);
    if (code)
        arena_free(added.arena);
    return code;
}

static void remove_locked(struct faults *f, size_t i)
{
    arena_free(f->set[i].arena);
    memmove(&f->set[i], &f->set[i + 1], (--f->n - i) * sizeof f->set[0]);
    atomic_fetch_sub(&f->armed, 1);
}

bool faults_remove(struct faults *f, uint64_t id)
{
    bool found = false;
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->n && !found; i++) {
        found = f->set[i].id == id;
        if (found)
            remove_locked(f, i);
    }
    pthread_mutex_unlock(&f->lock);
    return found;
}

void faults_clear(struct faults *f)
{
    pthread_mutex_lock(&f->lock);
    while (f->n)
        remove_locked(f, f->n - 1);
    pthread_mutex_unlock(&f->lock);
}

/* ---- calls ---- */

bool faults_wanted(const struct call *call)
{
    const struct faults *f = call->server->faults;
    return call->fault_header.n || (f && atomic_load_explicit(&f->armed, memory_order_relaxed) > 0);
}

/* Counts the call, which matches, and tells whether the fault happens to it. */
static bool is_its_turn(struct set_fault *s, int64_t now)
{
    const struct fault *f = &s->fault;
    int64_t age = now - s->since_ns;
    if (age < f->from_ns || (f->until_ns && age >= f->until_ns))
        return false;
    s->matched++;
    return (!f->count || s->injected < f->count) && (!f->nth || s->matched == f->nth) &&
           fault_hit_drawn(f, s->matched);
}

bool faults_choose(struct fault_hit *out, struct faults *f, struct call *call)
{
    bool chosen = false;
    int64_t now = clock_mono_ns();
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->n && !chosen; i++) {
        struct set_fault *s = &f->set[i];
        if (!fault_matches(&s->fault, call) || !is_its_turn(s, now))
            continue;
        s->injected++;
        fault_hit_fill(out, &s->fault, s->matched, call->arena);
        out->id = s->id;
        chosen = true;
    }
    pthread_mutex_unlock(&f->lock);
    return chosen;
}

bool faults_is_set(struct faults *f, uint64_t id)
{
    bool found = false;
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->n && !found; i++)
        found = f->set[i].id == id;
    pthread_mutex_unlock(&f->lock);
    return found;
}

void faults_record(struct faults *f, struct call *call, const char *kind, uint64_t id)
{
    call->notes.fault = kind;
    call->notes.fault_id = id;
    if (f)
        atomic_fetch_add(&f->injected, 1);
}

/* ---- telling ---- */

uint64_t faults_injected(struct faults *f)
{
    return atomic_load(&f->injected);
}

static void print_one(struct buf *out, const struct set_fault *s)
{
    buf_printf(out, "{\"id\":%" PRIu64 ",", s->id);
    fault_print_json(out, &s->fault);
    buf_printf(out, ",\"matched\":%" PRIu64 ",\"injected\":%" PRIu64 "}", s->matched, s->injected);
}

bool faults_print(struct buf *out, struct faults *f, uint64_t id)
{
    const char *comma = "";
    if (!id)
        buf_byte(out, '[');
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->n; i++) {
        if (id && f->set[i].id != id)
            continue;
        buf_z(out, comma);
        print_one(out, &f->set[i]);
        comma = ",";
    }
    pthread_mutex_unlock(&f->lock);
    if (!id)
        buf_byte(out, ']');
    return !out->overflowed;
}

void faults_summary(struct buf *out, struct faults *f)
{
    uint64_t injected = faults_injected(f);
    pthread_mutex_lock(&f->lock);
    if (injected || f->last_id)
        buf_printf(out, "  faults injected: %" PRIu64 "\n", injected);
    for (size_t i = 0; i < f->n; i++) {
        const struct set_fault *s = &f->set[i];
        if (s->injected)
            continue;
        buf_z(out, "    never happened: ");
        fault_print(out, &s->fault);
        buf_printf(out, " (%" PRIu64 " calls matched)\n", s->matched);
    }
    pthread_mutex_unlock(&f->lock);
}
