/* watch.c - see watch.h. */
#include "server/cli/watch.h"

#include "core/arena.h"
#include "core/log.h"
#include "server/cli/cli.h"
#include "server/files.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct watched {
    const char *path;
    struct stat seen; /* zeros: not there */
    struct watched *next;
};

struct watch {
    struct arena *arena;
    struct watched *files;
    unsigned n;
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

static struct stat look(const char *path)
{
    struct stat now;
    return stat(path, &now) == 0 ? now : (struct stat){ 0 };
}

void watch_add(struct watch *watch, const char *path)
{
    if (!watch)
        return;
    struct watched *file = ARENA_NEW(watch->arena, struct watched);
    file->path = arena_str(watch->arena, str_of(path)).p;
    file->seen = look(path);
    file->next = watch->files;
    watch->files = file;
    watch->n++;
}

/* A file that is gone is being replaced, or will be there again: not yet a reason. */
static bool has_changed(const struct watch *watch)
{
    for (const struct watched *file = watch->files; file; file = file->next) {
        struct stat now = look(file->path);
        if (now.st_ino && file_changed(&file->seen, &now))
            return true;
    }
    return false;
}

/* False when a signal ended it. */
static bool wait_for_change(const struct watch *watch)
{
    while (!ended) {
        if (has_changed(watch))
            return true;
        usleep(FILE_LOOK_MS * 1000);
    }
    return false;
}

int watch_run(bool again, int (*once)(void *data, struct watch *watch), void *data)
{
    if (!again)
        return once(data, NULL);
    struct watch watch = { .arena = arena_new() };
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    do {
        arena_reset(watch.arena);
        watch.files = NULL;
        watch.n = 0;
        once(data, &watch);
        fflush(stdout);
        log_info("watching %u file%s; Ctrl-C ends", watch.n, watch.n == 1 ? "" : "s");
    } while (wait_for_change(&watch));
    arena_free(watch.arena);
    return EXIT_OK;
}
