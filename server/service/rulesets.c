/* rulesets.c - see rulesets.h. A short list under one mutex: projects are few, decisions take one lock. */
#include "server/service/rulesets.h"

#include <pthread.h>
#include <stdlib.h>

enum { MAX_PROJECTS = 100000 }; /* a test session per project id; the oldest are not forgotten */

struct entry {
    struct entry *next;
    struct ruleset *ruleset;
    size_t n;
    char project[];
};

enum { BUCKETS = 1024 };

struct rules_registry {
    pthread_mutex_t mutex;
    struct ruleset *fallback;
    bool fallback_open;
    size_t count;
    struct entry *buckets[BUCKETS];
};

static size_t bucket_of(struct str project)
{
    return (size_t)(str_hash(STR_HASH_SEED, project) % BUCKETS);
}

struct rules_registry *rules_registry_new(void)
{
    struct rules_registry *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    pthread_mutex_init(&r->mutex, NULL);
    r->fallback = rules_open_ruleset();
    r->fallback_open = true;
    return r;
}

void rules_registry_forget(struct rules_registry *registry)
{
    pthread_mutex_lock(&registry->mutex);
    for (size_t i = 0; i < BUCKETS; i++) {
        while (registry->buckets[i]) {
            struct entry *e = registry->buckets[i];
            registry->buckets[i] = e->next;
            rules_release(e->ruleset);
            free(e);
        }
    }
    registry->count = 0;
    pthread_mutex_unlock(&registry->mutex);
}

void rules_registry_free(struct rules_registry *registry)
{
    if (!registry)
        return;
    rules_registry_forget(registry);
    rules_release(registry->fallback);
    pthread_mutex_destroy(&registry->mutex);
    free(registry);
}

static struct entry *find(struct rules_registry *registry, struct str project)
{
    struct entry *e = registry->buckets[bucket_of(project)];
    while (e && !str_eq(str_from(e->project, e->n), project))
        e = e->next;
    return e;
}

struct ruleset *rules_registry_get(struct rules_registry *registry, struct str project)
{
    pthread_mutex_lock(&registry->mutex);
    struct entry *e = find(registry, project);
    struct ruleset *found = e ? e->ruleset : registry->fallback;
    rules_retain(found);
    pthread_mutex_unlock(&registry->mutex);
    return found;
}

void rules_registry_set(struct rules_registry *registry, struct str project, struct ruleset *ruleset)
{
    struct ruleset *old = NULL;
    pthread_mutex_lock(&registry->mutex);
    if (project.n == 0) {
        old = registry->fallback;
        registry->fallback = ruleset;
        registry->fallback_open = false;
    } else {
        struct entry *e = find(registry, project);
        if (e) {
            old = e->ruleset;
            e->ruleset = ruleset;
        } else if (registry->count < MAX_PROJECTS) {
            e = malloc(sizeof *e + project.n);
            if (!e)
                abort();
            size_t b = bucket_of(project);
            *e = (struct entry){ .next = registry->buckets[b], .ruleset = ruleset, .n = project.n };
            memcpy(e->project, project.p, project.n);
            registry->buckets[b] = e;
            registry->count++;
        } else {
            old = ruleset;
        }
    }
    pthread_mutex_unlock(&registry->mutex);
    rules_release(old);
}

bool rules_registry_default_is_open(struct rules_registry *registry)
{
    pthread_mutex_lock(&registry->mutex);
    bool open = registry->fallback_open;
    pthread_mutex_unlock(&registry->mutex);
    return open;
}

void rules_registry_each(struct rules_registry *registry,
                         void (*each)(void *data, struct str project, struct ruleset *ruleset), void *data)
{
    pthread_mutex_lock(&registry->mutex);
    each(data, STR(""), registry->fallback);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry *e = registry->buckets[i]; e; e = e->next)
            each(data, str_from(e->project, e->n), e->ruleset);
    pthread_mutex_unlock(&registry->mutex);
}
