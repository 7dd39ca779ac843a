/* lock.c - see lock.h. */
#include "server/service/lock.h"

#include "core/clock.h"
#include "core/limits.h"

#include <assert.h>
#include <stdlib.h>

enum { BUCKETS = 4096 };

struct lock {
    struct lock *next; /* in its bucket */
    struct hold *holders;
    uint64_t hash;
    size_t project_n, database_n, path_n;
    char text[]; /* project, database, path, one after the other */
};

struct lock_table {
    struct pool *pool;
    struct lock *locks[BUCKETS];
    size_t n_holds;
    struct lock_waiter *waiters;
    uint64_t age;    /* of the newest hold */
    uint64_t search; /* number of the newest search */
};

struct lock_table *lock_table_new(struct pool *pool)
{
    struct lock_table *table = calloc(1, sizeof *table);
    if (!table)
        abort();
    table->pool = pool;
    return table;
}

void lock_table_free(struct lock_table *table)
{
    assert(!table->waiters && table->n_holds == 0);
    free(table);
}

/* ---- locks and holds ---- */

static uint64_t hash_of(struct database_name db, struct str path)
{
    return str_hash(str_hash(str_hash(STR_HASH_SEED, db.project), db.database), path);
}

struct str lock_path(const struct lock *lock)
{
    return str_from(lock->text + lock->project_n + lock->database_n, lock->path_n);
}

static struct lock *find(struct lock_table *table, struct database_name db, struct str path)
{
    uint64_t h = hash_of(db, path);
    for (struct lock *l = table->locks[h % BUCKETS]; l; l = l->next)
        if (l->hash == h && str_eq(lock_path(l), path) &&
            str_eq(str_from(l->text, l->project_n), db.project) &&
            str_eq(str_from(l->text + l->project_n, l->database_n), db.database))
            return l;
    return NULL;
}

static struct lock *make(struct lock_table *table, struct database_name db, struct str path)
{
    struct lock *l = malloc(sizeof *l + db.project.n + db.database.n + path.n);
    if (!l)
        abort();
    *l = (struct lock){
        .hash = hash_of(db, path), .project_n = db.project.n, .database_n = db.database.n, .path_n = path.n
    };
    char *at = l->text;
    memcpy(at, db.project.p, db.project.n);
    memcpy(at + db.project.n, db.database.p, db.database.n);
    memcpy(at + db.project.n + db.database.n, path.p, path.n);
    l->next = table->locks[l->hash % BUCKETS];
    table->locks[l->hash % BUCKETS] = l;
    return l;
}

static void drop(struct lock_table *table, struct hold *hold)
{
    struct lock *l = hold->lock;
    struct hold **link = &l->holders;
    while (*link != hold)
        link = &(*link)->next_in_lock;
    *link = hold->next_in_lock;
    table->n_holds--;
    if (!l->holders) {
        struct lock **at = &table->locks[l->hash % BUCKETS];
        while (*at != l)
            at = &(*at)->next;
        *at = l->next;
        free(l);
    }
    free(hold);
}

static struct hold *hold_of(const struct lock *lock, const struct lock_owner *owner)
{
    for (struct hold *h = lock ? lock->holders : NULL; h; h = h->next_in_lock)
        if (h->owner == owner)
            return h;
    return NULL;
}

struct hold *lock_take(struct lock_table *table, struct lock_owner *owner, struct database_name db,
                       struct str path)
{
    struct lock *l = find(table, db, path);
    struct hold *h = hold_of(l, owner);
    if (h)
        return h;
    if (!l)
        l = make(table, db, path);
    h = malloc(sizeof *h);
    if (!h)
        abort();
    *h = (struct hold){
        .next_in_lock = l->holders, .next = owner->holds, .lock = l, .owner = owner, .age = ++table->age
    };
    l->holders = h;
    owner->holds = h;
    owner->n_holds++;
    table->n_holds++;
    return h;
}

const struct hold *lock_find(struct lock_table *table, const struct lock_owner *owner,
                             struct database_name db, struct str path)
{
    return hold_of(find(table, db, path), owner);
}

bool lock_is_held(struct lock_table *table, struct database_name db, const struct str *paths, size_t n)
{
    for (size_t i = 0; i < n && table->n_holds; i++)
        if (find(table, db, paths[i]))
            return true;
    return false;
}

/* ---- waiting ---- */

/* Calls each() for everybody that the waiter waits for, until it answers true. */
static bool any_blocker(struct lock_table *table, const struct lock_waiter *w,
                        bool (*each)(struct lock_owner *owner, void *data), void *data)
{
    for (size_t i = 0; i < w->n; i++) {
        struct lock *l = find(table, w->db, w->paths[i]);
        for (struct hold *h = l ? l->holders : NULL; h; h = h->next_in_lock)
            if (h->owner != w->owner && (h->age <= w->age || h->owner->exclusive) && each(h->owner, data))
                return true;
    }
    return false;
}

static bool is_blocker(struct lock_owner *owner, void *data)
{
    (void)owner;
    (void)data;
    return true;
}

/* A client may hold a lock for as long as it likes; an exclusive owner does only while he writes. */
static bool may_hold_long(struct lock_owner *owner, void *data)
{
    (void)data;
    return !owner->exclusive;
}

static bool is_blocked(struct lock_table *table, const struct lock_waiter *w)
{
    return table->n_holds && any_blocker(table, w, is_blocker, NULL);
}

/* A search through the graph of waits: each owner is looked at once, whatever number of ways lead to it. */
struct search {
    uint64_t number;
    const struct lock_owner *wanted;
    struct lock_owner *todo;
};

static bool visit(struct lock_owner *owner, void *data)
{
    struct search *search = data;
    if (owner == search->wanted)
        return true;
    if (owner->searched != search->number && owner->waiter) {
        owner->searched = search->number;
        owner->next_search = search->todo;
        search->todo = owner;
    }
    return false;
}

/* Whether the waiter's owner would wait for itself. */
static bool closes_cycle(struct lock_table *table, const struct lock_waiter *waiter)
{
    if (!waiter->owner || !waiter->owner->holds)
        return false;
    struct search search = { .number = ++table->search, .wanted = waiter->owner };
    if (any_blocker(table, waiter, visit, &search))
        return true;
    while (search.todo) {
        struct lock_owner *owner = search.todo;
        search.todo = owner->next_search;
        if (any_blocker(table, owner->waiter, visit, &search))
            return true;
    }
    return false;
}

enum lock_answer lock_ask(struct lock_table *table, struct lock_waiter *waiter, struct task *task)
{
    bool first = waiter->age == 0;
    if (first)
        waiter->age = table->age; /* every hold there is now is older */
    if (!is_blocked(table, waiter)) {
        if (first)
            waiter->age = 0;
        return LOCK_FREE;
    }
    if (closes_cycle(table, waiter))
        return LOCK_DEADLOCK;
    if (!task)
        return LOCK_WAITING;
    if (waiter->deadline_ns == 0 && any_blocker(table, waiter, may_hold_long, NULL))
        waiter->deadline_ns = clock_mono_ns() + (int64_t)LIMIT_LOCK_WAIT_MS * 1000000;
    waiter->task = task;
    waiter->next = table->waiters;
    table->waiters = waiter;
    if (waiter->owner)
        waiter->owner->waiter = waiter;
    return LOCK_WAITING;
}

/* Takes the waiter at *link off the list and posts it: from then on it is its task's. */
static void wake(struct lock_table *table, struct lock_waiter **link)
{
    struct lock_waiter *w = *link;
    *link = w->next;
    if (w->owner)
        w->owner->waiter = NULL;
    pool_post(table->pool, w->task);
}

void lock_release(struct lock_table *table, struct lock_owner *owner)
{
    if (!owner->holds)
        return;
    while (owner->holds) {
        struct hold *h = owner->holds;
        owner->holds = h->next;
        drop(table, h);
    }
    owner->n_holds = 0;
    struct lock_waiter **link = &table->waiters;
    while (*link) {
        if (is_blocked(table, *link))
            link = &(*link)->next;
        else
            wake(table, link);
    }
}

void lock_time_out(struct lock_table *table, int64_t now_ns, bool all)
{
    struct lock_waiter **link = &table->waiters;
    while (*link) {
        bool over = (*link)->deadline_ns && now_ns >= (*link)->deadline_ns;
        if (!over && !all) {
            link = &(*link)->next;
            continue;
        }
        (*link)->timed_out = true;
        wake(table, link);
    }
}

size_t lock_waiters(const struct lock_table *table)
{
    size_t n = 0;
    for (const struct lock_waiter *w = table->waiters; w; w = w->next)
        n++;
    return n;
}
