/* listen_hub.c - see listen_hub.h. Keys lie in a hash table by what they look at, so that a change is
 * compared with the watches that may want it and not with all of them. Lock order: hub, then pool. */
#include "server/service/listen_hub.h"

#include "core/limits.h"
#include "server/server.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS = 4096 };

struct listen_hub {
    struct task task; /* first */
    struct task beat;
    bool beats; /* the timer runs */
    struct server *server;
    atomic_int wake; /* of the task */
    atomic_size_t n_watches;
    atomic_uint_fast64_t rules;
    pthread_mutex_t lock;
    struct listen_watch *watches;
    struct listen_key *buckets[BUCKETS];
    uint64_t position;
    struct timestamp time; /* of that view */
};

static uint32_t hash_bytes(uint32_t h, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) *
            16777619u; /* FNV-1a: the keys are the user's own paths, on his machine */
    return (h ^ 0xff) * 16777619u;
}

static uint32_t hash_key(struct database_name db, enum listen_scope scope, struct str path)
{
    uint32_t h = hash_bytes(2166136261u ^ (uint32_t)scope, db.project);
    return hash_bytes(hash_bytes(h, db.database), path);
}

/* ---- watches ---- */

static void init_news(struct listen_news *news)
{
    *news = (struct listen_news){ 0 };
    buf_init(&news->changes, LIMIT_LISTEN_NEWS);
}

static void link_keys(struct listen_hub *hub, struct listen_watch *w)
{
    for (size_t i = 0; i < w->n_keys; i++) {
        struct listen_key *k = &w->keys[i];
        k->watch = w;
        k->hash = hash_key(w->db, k->scope, k->path);
        k->prev = &hub->buckets[k->hash % BUCKETS];
        k->next = *k->prev;
        if (k->next)
            k->next->prev = &k->next;
        *k->prev = k;
    }
}

static void unlink_keys(struct listen_watch *w)
{
    for (size_t i = 0; i < w->n_keys; i++) {
        struct listen_key *k = &w->keys[i];
        *k->prev = k->next;
        if (k->next)
            k->next->prev = k->prev;
    }
}

void listen_hub_add(struct listen_hub *hub, struct listen_watch *w)
{
    init_news(&w->news);
    init_news(&w->coming);
    w->awaits = 0;
    pthread_mutex_lock(&hub->lock);
    if (!hub->watches) /* it has slept until now */
        hub->position = store_view_now(hub->server->store, &hub->time);
    if (!hub->beats)
        pool_post_later(hub->server->pool, &hub->beat, LIMIT_LISTEN_BEAT_S * 1000);
    hub->beats = true;
    link_keys(hub, w);
    w->prev = &hub->watches;
    w->next = hub->watches;
    if (w->next)
        w->next->prev = &w->next;
    hub->watches = w;
    atomic_fetch_add(&hub->n_watches, 1);
    pthread_mutex_unlock(&hub->lock);
    /* What became visible before the count was one more is told now (H1). */
    listen_hub_visible(hub);
}

void listen_hub_remove(struct listen_hub *hub, struct listen_watch *w)
{
    pthread_mutex_lock(&hub->lock);
    unlink_keys(w);
    *w->prev = w->next;
    if (w->next)
        w->next->prev = w->prev;
    atomic_fetch_sub(&hub->n_watches, 1);
    pthread_mutex_unlock(&hub->lock);
    buf_dispose(&w->news.changes);
    buf_dispose(&w->coming.changes);
}

void listen_hub_rekey(struct listen_hub *hub, struct listen_watch *w, struct listen_key *keys, size_t n)
{
    pthread_mutex_lock(&hub->lock);
    unlink_keys(w);
    w->keys = keys;
    w->n_keys = n;
    link_keys(hub, w);
    pthread_mutex_unlock(&hub->lock);
}

/* ---- telling ---- */

bool listen_news_put(struct buf *changes, uint64_t seq, struct str path)
{
    uint32_t n = (uint32_t)path.n;
    size_t before = changes->len;
    if (buf_put(changes, &seq, sizeof seq) && buf_put(changes, &n, sizeof n) && buf_str(changes, path))
        return true;
    changes->len = before;
    changes->overflowed = false;
    return false;
}

bool listen_news_next(struct str *rest, uint64_t *seq, struct str *path)
{
    uint32_t n;
    if (rest->n == 0)
        return false;
    memcpy(seq, rest->p, sizeof *seq);
    memcpy(&n, rest->p + sizeof *seq, sizeof n);
    *rest = str_skip(*rest, sizeof *seq + sizeof n);
    *path = (struct str){ rest->p, n };
    *rest = str_skip(*rest, n);
    return true;
}

static void tell(struct listen_hub *hub, const struct store_change *c, enum listen_scope scope,
                 struct str path)
{
    uint32_t hash = hash_key(c->db, scope, path);
    for (struct listen_key *k = hub->buckets[hash % BUCKETS]; k; k = k->next) {
        struct listen_watch *w = k->watch;
        if (k->hash != hash || k->scope != scope || !str_eq(k->path, path) || !database_name_eq(w->db, c->db))
            continue;
        w->told = true;
        if (k->rule)
            w->coming.rule_changed = c->seq;
        else
            w->coming.lost = w->coming.lost || !listen_news_put(&w->coming.changes, c->seq, c->path);
    }
}

static void tell_cleared(struct listen_hub *hub, const struct store_change *c)
{
    for (struct listen_watch *w = hub->watches; w; w = w->next) {
        if (c->db.project.n && !database_name_eq(w->db, c->db))
            continue;
        w->told = true;
        w->coming.rule_changed = c->seq; /* what they looked up is gone, too */
        w->coming.lost = w->coming.lost || !listen_news_put(&w->coming.changes, c->seq, (struct str){ 0 });
    }
}

static bool on_change(void *data, const struct store_change *c)
{
    struct listen_hub *hub = data;
    pthread_mutex_lock(&hub->lock);
    if (c->path.n == 0) {
        tell_cleared(hub, c);
    } else {
        struct str collection = path_parent(c->path);
        tell(hub, c, LISTEN_DOCUMENT, c->path);
        tell(hub, c, LISTEN_COLLECTION, collection);
        tell(hub, c, LISTEN_GROUP, path_last(collection));
        tell(hub, c, LISTEN_DATABASE, (struct str){ 0 });
    }
    pthread_mutex_unlock(&hub->lock);
    return true;
}

static void move_to(struct listen_hub *hub, uint64_t view, struct timestamp time, bool complete)
{
    pthread_mutex_lock(&hub->lock);
    hub->position = view;
    hub->time = time;
    for (struct listen_watch *w = hub->watches; w; w = w->next) {
        bool awaited = w->awaits && w->awaits <= view;
        w->awaits = awaited ? 0 : w->awaits;
        w->coming.lost |=
            !complete; /* the ledger could not be read: each reads it for itself, and says what is wrong */
        if (awaited || w->told || !complete)
            call_poke(w->call);
        w->told = false;
    }
    pthread_mutex_unlock(&hub->lock);
}

static void run(struct task *task, struct worker *worker)
{
    struct listen_hub *hub = (struct listen_hub *)(void *)task;
    struct status st = status_init(NULL);
    struct timestamp time;
    pthread_mutex_lock(&hub->lock);
    uint64_t from = hub->position;
    pthread_mutex_unlock(&hub->lock);
    uint64_t view = store_view_now(hub->server->store, &time);
    bool complete =
        view == from || store_changes(worker->reader, from, view, on_change, hub, &st) == STATUS_OK;
    move_to(hub, view, time, complete);
    if (!wake_rest(&hub->wake))
        pool_post(hub->server->pool, &hub->task);
}

/* Goes on as long as somebody listens. */
static void on_beat(struct task *task, struct worker *worker)
{
    struct listen_hub *hub = (struct listen_hub *)(void *)((char *)task - offsetof(struct listen_hub, beat));
    (void)worker;
    listen_hub_wake_all(hub);
    pthread_mutex_lock(&hub->lock);
    hub->beats = hub->watches && !pool_closing(hub->server->pool);
    if (hub->beats)
        pool_post_later(hub->server->pool, &hub->beat, LIMIT_LISTEN_BEAT_S * 1000);
    pthread_mutex_unlock(&hub->lock);
}

void listen_hub_visible(struct listen_hub *hub)
{
    if (atomic_load_explicit(&hub->n_watches, memory_order_seq_cst) == 0)
        return;
    if (wake_poke(&hub->wake))
        pool_post(hub->server->pool, &hub->task);
}

void listen_hub_wake_all(struct listen_hub *hub)
{
    if (!hub)
        return;
    pthread_mutex_lock(&hub->lock);
    for (struct listen_watch *w = hub->watches; w; w = w->next)
        call_poke(w->call);
    pthread_mutex_unlock(&hub->lock);
}

void listen_hub_rules_changed(struct listen_hub *hub)
{
    if (!hub)
        return;
    atomic_fetch_add(&hub->rules, 1);
    listen_hub_wake_all(hub);
}

uint64_t listen_hub_rules(const struct listen_hub *hub)
{
    return atomic_load(&hub->rules);
}

static void add_news(struct listen_news *to, struct listen_news *from)
{
    to->lost |= from->lost || !buf_str(&to->changes, buf_view(&from->changes));
    to->changes.overflowed = false;
    to->rule_changed = from->rule_changed ? from->rule_changed : to->rule_changed;
    buf_clear(&from->changes);
    from->lost = false;
    from->rule_changed = 0;
}

bool listen_hub_take(uint64_t *position, struct timestamp *time, struct listen_hub *hub,
                     struct listen_watch *first, uint64_t least)
{
    pthread_mutex_lock(&hub->lock);
    bool ready = hub->position >= least;
    *position = hub->position;
    *time = hub->time;
    if (!ready)
        first->awaits = least;
    for (struct listen_watch *w = ready ? first : NULL; w; w = w->sibling)
        add_news(&w->news, &w->coming);
    pthread_mutex_unlock(&hub->lock);
    return ready;
}

size_t listen_hub_watches(const struct listen_hub *hub)
{
    return hub ? atomic_load_explicit(&hub->n_watches, memory_order_relaxed) : 0;
}

struct listen_hub *listen_hub_new(struct server *server)
{
    struct listen_hub *hub = calloc(1, sizeof *hub);
    if (!hub) {
        fprintf(stderr, "cinderlog: out of memory; stopping\n");
        abort();
    }
    hub->task.run = run;
    atomic_init(&hub->wake, WAKE_RESTING);
    hub->beat.run = on_beat;
    hub->server = server;
    pthread_mutex_init(&hub->lock, NULL);
    return hub;
}

void listen_hub_free(struct listen_hub *hub)
{
    if (!hub)
        return;
    assert(!hub->watches);
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}
