/* quota.c - see quota.h. */
#include "server/faults/quota.h"

#include "core/clock.h"
#include "core/limits.h"
#include "core/path.h"
#include "server/faults/quota_cost.h"
#include "server/rpc/name.h"
#include "server/server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct rate {
    bool set;
    double per_ns, most;
    struct str text; /* "500/s" */
};

struct bucket {
    double left; /* below 0: debt */
    int64_t at_ns;
};

struct database_buckets {
    char *name; /* project, NUL, database; NULL for the one that all further ones share */
    size_t name_n;
    struct bucket kinds[QUOTA_KINDS];
};

struct quota {
    struct rate rates[QUOTA_KINDS];
    pthread_mutex_t lock;
    struct database_buckets *databases[LIMIT_QUOTA_DATABASES + 1];
    size_t n;
};

static const char *const kind_names[QUOTA_KINDS] = {
    [QUOTA_WRITES] = "writes", [QUOTA_READS] = "reads", [QUOTA_DELETES] = "deletes"
};

/* ---- what --quota says ---- */

static enum status_code bad(struct str text, struct status *st)
{
    char shown[STATUS_SHOWN];
    return status_set(st, STATUS_INVALID_ARGUMENT,
                      "--quota: '%s' is not KIND=NUMBER/UNIT with writes, reads or deletes and s, m, h or d",
                      status_show(shown, text));
}

static enum status_code parse_one(struct quota *q, struct str text, struct status *st)
{
    static const struct {
        char name;
        double ns;
    } units[] = { { 's', 1e9 }, { 'm', 60e9 }, { 'h', 3600e9 }, { 'd', 86400e9 } };
    const char *equals = text.n ? memchr(text.p, '=', text.n) : NULL;
    uint64_t number = 0;
    if (!equals)
        return bad(text, st);
    struct str name = { text.p, (size_t)(equals - text.p) }, rest = str_skip(text, name.n + 1), given = rest;
    size_t digits = 0;
    for (; digits < rest.n && rest.p[digits] >= '0' && rest.p[digits] <= '9' && digits < 9; digits++)
        number = number * 10 + (uint64_t)(rest.p[digits] - '0');
    rest = str_skip(rest, digits);
    if (!number || rest.n != 2 || rest.p[0] != '/')
        return bad(text, st);
    for (size_t kind = 0; kind < QUOTA_KINDS; kind++) {
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
            if (!str_eq_z(name, kind_names[kind]) || rest.p[1] != units[i].name)
                continue;
            if (q->rates[kind].set)
                return status_set(st, STATUS_INVALID_ARGUMENT, "--quota: %s is given twice",
                                  kind_names[kind]);
            q->rates[kind] = (struct rate){ true, (double)number / units[i].ns, (double)number, given };
            return STATUS_OK;
        }
    }
    return bad(text, st);
}

static enum status_code parse(struct quota *q, struct str text, struct status *st)
{
    for (;;) {
        const char *comma = text.n ? memchr(text.p, ',', text.n) : NULL;
        struct str one = { text.p, comma ? (size_t)(comma - text.p) : text.n };
        if (parse_one(q, one, st) || !comma)
            return st->code;
        text = str_skip(text, one.n + 1);
    }
}

enum status_code quota_new(struct quota **out, const struct str *texts, size_t n, struct status *st)
{
    *out = NULL;
    if (n == 0)
        return STATUS_OK;
    struct quota *q = calloc(1, sizeof *q);
    if (!q)
        abort();
    pthread_mutex_init(&q->lock, NULL);
    for (size_t i = 0; i < n; i++) {
        if (parse(q, texts[i], st)) {
            quota_free(q);
            return st->code;
        }
    }
    *out = q;
    return STATUS_OK;
}

void quota_free(struct quota *q)
{
    if (!q)
        return;
    for (size_t i = 0; i < q->n; i++) {
        free(q->databases[i]->name);
        free(q->databases[i]);
    }
    pthread_mutex_destroy(&q->lock);
    free(q);
}

/* ---- buckets ---- */

static struct database_buckets *add_locked(struct quota *q, const char *name, size_t n)
{
    struct database_buckets *d = calloc(1, sizeof *d);
    if (!d || (name && !(d->name = malloc(n))))
        abort();
    if (name)
        memcpy(d->name, name, n);
    d->name_n = n;
    for (size_t kind = 0; kind < QUOTA_KINDS; kind++)
        d->kinds[kind] = (struct bucket){ q->rates[kind].most, clock_mono_ns() };
    return q->databases[q->n++] = d;
}

static struct database_buckets *find_locked(struct quota *q, struct database_name db)
{
    char name[2 * LIMIT_ID_BYTES];
    size_t n = db.project.n + 1 + db.database.n;
    bool own = n <= sizeof name;
    if (own) {
        memcpy(name, db.project.p, db.project.n);
        name[db.project.n] = '\0';
        memcpy(name + db.project.n + 1, db.database.p, db.database.n);
    }
    for (size_t i = 0; own && i < q->n; i++)
        if (q->databases[i]->name && q->databases[i]->name_n == n &&
            memcmp(q->databases[i]->name, name, n) == 0)
            return q->databases[i];
    if (own && q->n < LIMIT_QUOTA_DATABASES)
        return add_locked(q, name, n);
    for (size_t i = 0; i < q->n; i++)
        if (!q->databases[i]->name)
            return q->databases[i];
    return add_locked(q, NULL, 0);
}

static void fill(struct bucket *b, const struct rate *rate, int64_t now)
{
    b->left += (double)(now - b->at_ns) * rate->per_ns;
    b->left = b->left > rate->most ? rate->most : b->left;
    b->at_ns = now;
}

static enum status_code refuse(struct call *call, const struct rate *rate, const struct bucket *b,
                               const char *kind)
{
    struct status_detail *retry = ARENA_NEW(call->arena, struct status_detail);
    struct status_detail *why = ARENA_NEW(call->arena, struct status_detail);
    struct status_fact *facts = ARENA_ARRAY(call->arena, struct status_fact, 2);
    facts[0] = (struct status_fact){ "quota", str_of(kind) };
    facts[1] = (struct status_fact){ "limit", rate->text };
    *why =
        (struct status_detail){ .reason = "RATE_LIMIT_EXCEEDED", .count = 2, .facts = facts, .next = retry };
    retry->retry_ms = (int64_t)((1 - b->left) / rate->per_ns / 1e6) + 1;
    status_set(&call->status, STATUS_RESOURCE_EXHAUSTED, "Quota exceeded."); /* production's text */
    call->status.details = why;
    return STATUS_RESOURCE_EXHAUSTED;
}

void quota_charge(struct quota *q, struct database_name db, enum quota_kind kind, uint64_t n)
{
    if (!q->rates[kind].set)
        return;
    pthread_mutex_lock(&q->lock);
    find_locked(q, db)->kinds[kind].left -= (double)n;
    pthread_mutex_unlock(&q->lock);
}

static bool database_of(struct database_name *db, const struct call *call)
{
    struct resource_name name;
    struct status ignored = status_init(NULL);
    struct str text = rpc_resource_name(call);
    if (path_parse_database(db, text, &ignored) == STATUS_OK)
        return true;
    status_clear(&ignored);
    if (path_parse_resource(&name, text, &ignored))
        return false;
    *db = name.db;
    return true;
}

enum status_code quota_take(struct quota *q, struct call *call)
{
    struct database_name db;
    struct quota_cost cost;
    enum status_code code = STATUS_OK;
    /* What names no database is the service's to refuse. */
    if (!database_of(&db, call))
        return STATUS_OK;
    quota_cost_of(&cost, call);
    if (!q->rates[QUOTA_DELETES].set) {
        cost.n[QUOTA_WRITES] += cost.n[QUOTA_DELETES];
        cost.n[QUOTA_DELETES] = 0;
    }
    pthread_mutex_lock(&q->lock);
    struct database_buckets *d = find_locked(q, db);
    int64_t now = clock_mono_ns();
    for (size_t kind = 0; kind < QUOTA_KINDS && code == STATUS_OK; kind++) {
        struct bucket *b = &d->kinds[kind];
        if (!q->rates[kind].set || !cost.n[kind])
            continue;
        fill(b, &q->rates[kind], now);
        if (b->left < 1)
            code = refuse(call, &q->rates[kind], b, kind_names[kind]);
    }
    for (size_t kind = 0; kind < QUOTA_KINDS && code == STATUS_OK; kind++)
        d->kinds[kind].left -= (double)cost.n[kind];
    pthread_mutex_unlock(&q->lock);
    if (code == STATUS_OK && cost.answers && q->rates[QUOTA_READS].set)
        quota_count_answers(q, db, call);
    return code;
}
