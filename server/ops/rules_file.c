/* rules_file.c - see rules_file.h. */
#include "server/ops/rules_file.h"

#include "core/limits.h"
#include "core/log.h"
#include "server/files.h"
#include "server/firebase_json.h"
#include "server/service/listen_hub.h"
#include "server/service/rulesets.h"
#include "server/submit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum status_code rules_file_find(const char **path, const char **why, struct arena *arena, const char *given,
                                 struct status *st)
{
    struct firebase_folder folder;
    *path = given;
    *why = "--rules";
    if (given)
        return STATUS_OK;
    if (firebase_folder_read(&folder, arena, st))
        return st->code;
    *path = folder.rules;
    *why = "firebase.json";
    if (!*path && access("firestore.rules", F_OK) == 0) {
        *path = "firestore.rules";
        *why = "found here";
    }
    return STATUS_OK;
}

static void print_issues(const struct rules_issues *issues, const struct rules_file *file)
{
    struct buf out;
    buf_init(&out, 1024 * 1024);
    for (size_t i = 0; i < issues->n; i++)
        rules_print_issue(&out, &issues->items[i], file, 1, isatty(STDERR_FILENO));
    if (out.len)
        fwrite(out.data, 1, out.len, stderr);
    buf_dispose(&out);
}

enum status_code rules_file_load(struct ruleset **out, const char *path, struct status *st)
{
    struct arena *arena = arena_new();
    struct rules_issues issues = { 0 };
    struct rules_file file = { .name = str_of(path) };
    *out = NULL;
    if (file_read(&file.content, arena, path, LIMIT_RULES_SOURCE_BYTES, st))
        goto out;
    struct status compile = status_init(arena);
    if (rules_compile(out, &file, 1, &issues, arena, &compile))
        status_set(st, STATUS_INVALID_ARGUMENT, "%s does not compile: %zu error%s above", path, issues.errors,
                   issues.errors == 1 ? "" : "s");
    print_issues(&issues, &file);
out:
    arena_free(arena);
    return st->code;
}

/* ---- into the ledger ---- */

/* Files as name and content, each after its length in decimal and a colon. */
static bool write_source(struct buf *out, const struct ruleset *ruleset)
{
    size_t n;
    const struct rules_file *files = rules_files(ruleset, &n);
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%zu:", files[i].name.n);
        buf_str(out, files[i].name);
        buf_printf(out, "%zu:", files[i].content.n);
        buf_str(out, files[i].content);
    }
    return !out->overflowed;
}

enum status_code rules_install(struct server *server, struct str project, struct ruleset *ruleset,
                               struct str principal, struct status *st)
{
    struct arena *arena = arena_new();
    struct buf source;
    buf_init(&source, LIMIT_MESSAGE_BYTES);
    if (!write_source(&source, ruleset)) {
        status_set(st, STATUS_INVALID_ARGUMENT, "rules: larger than %d bytes", LIMIT_MESSAGE_BYTES);
        goto out;
    }
    struct store_op op = { .kind = STORE_RULES, .fields = buf_view(&source), .decision = STR("rules") };
    struct store_commit commit = {
        .db = { .project = project },
        .ops = &op,
        .n_ops = 1,
        .principal = principal,
        .rules_digest = rules_digest(ruleset),
        .status = status_init(arena),
    };
    if (submit_and_wait(server->store, &commit)) {
        status_copy(st, &commit.status);
        goto out;
    }
    rules_retain(ruleset);
    rules_registry_set(server->rules, project, ruleset);
    listen_hub_rules_changed(server->listeners);
out:
    buf_dispose(&source);
    arena_free(arena);
    return st->code;
}

/* ---- watching ---- */

struct rules_watch {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stop;
    struct server *server;
    char *path;
    struct stat seen;
};

static void reload(struct rules_watch *w)
{
    struct status st = status_init(NULL);
    struct ruleset *ruleset;
    if (rules_file_load(&ruleset, w->path, &st)) {
        log_warn("%s; the rules from before stay in force until it does", status_message(&st));
        return;
    }
    if (rules_install(w->server, STR(""), ruleset, STR("operator"), &st))
        log_warn("%s: %s; the rules from before stay in force", w->path, status_message(&st));
    else
        log_info("%s changed: the new rules are in force", w->path);
    rules_release(ruleset);
}

static bool wait_for_look(struct rules_watch *w)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)FILE_LOOK_MS * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&w->mutex);
    while (!w->stop && pthread_cond_timedwait(&w->wake, &w->mutex, &until) != ETIMEDOUT)
        ;
    bool go = !w->stop;
    pthread_mutex_unlock(&w->mutex);
    return go;
}

static void *watch(void *data)
{
    struct rules_watch *w = data;
    while (wait_for_look(w)) {
        struct stat now;
        /* A file that is gone for a moment is being replaced. */
        if (stat(w->path, &now) != 0 || !file_changed(&w->seen, &now))
            continue;
        w->seen = now;
        reload(w);
    }
    return NULL;
}

struct rules_watch *rules_watch_start(struct server *server, const char *path)
{
    struct rules_watch *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->server = server;
    w->path = strdup(path);
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->wake, NULL);
    if (stat(path, &w->seen) != 0 || pthread_create(&w->thread, NULL, watch, w) != 0) {
        log_warn("%s is not watched: %s", path, strerror(errno));
        free(w->path);
        free(w);
        return NULL;
    }
    return w;
}

void rules_watch_stop(struct rules_watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->mutex);
    watch->stop = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->mutex);
    free(watch->path);
    free(watch);
}
