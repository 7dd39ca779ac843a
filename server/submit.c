/* submit.c - see submit.h. */
#include "server/submit.h"

#include <pthread.h>

struct waiting {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool done;
};

static void on_done(struct store_commit *commit)
{
    struct waiting *w = commit->user;
    pthread_mutex_lock(&w->mutex);
    w->done = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
}

enum status_code submit_and_wait(struct store *store, struct store_commit *commit)
{
    struct waiting w = { .done = false };
    pthread_mutex_init(&w.mutex, NULL);
    pthread_cond_init(&w.cond, NULL);
    commit->done = on_done;
    commit->user = &w;
    store_submit(store, commit);
    pthread_mutex_lock(&w.mutex);
    while (!w.done)
        pthread_cond_wait(&w.cond, &w.mutex);
    pthread_mutex_unlock(&w.mutex);
    pthread_cond_destroy(&w.cond);
    pthread_mutex_destroy(&w.mutex);
    return commit->status.code;
}
