/* exec.c - `cinderlog exec [options] -- CMD`: a server for the life of one command.
 *
 * CMD is only started once the sockets listen, and its exit code is ours. Ctrl-C reaches CMD by the terminal
 * (same process group); we wait for it. */
#include "core/log.h"
#include "server/cli/cli.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static volatile sig_atomic_t child;

static void forward(int number)
{
    if (child > 0)
        kill((pid_t)child, number);
}

struct waiter {
    struct app *app;
    pid_t pid;
    int status;
};

static void *wait_for_child(void *data)
{
    struct waiter *w = data;
    while (waitpid(w->pid, &w->status, 0) < 0 && errno == EINTR)
        ;
    app_stop(w->app);
    return NULL;
}

static void set_environment(const struct options *options, const struct app *app)
{
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)app_port(app));
    setenv("FIRESTORE_EMULATOR_HOST", address, 1);
    const char *project = options_project(options);
    setenv("GOOGLE_CLOUD_PROJECT", project, options->project_id != NULL);
    setenv("GCLOUD_PROJECT", project, options->project_id != NULL);
    setenv("NO_GCE_CHECK", "true", 1);
    setenv("METADATA_SERVER_DETECTION", "none", 1);
}

static int spawn(pid_t *pid, char **command)
{
    posix_spawnattr_t attributes;
    sigset_t defaults;
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGTERM);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawnp(pid, command[0], NULL, &attributes, command, environ);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : EXIT_EXEC;
}

int cli_exec(int argc, char **argv)
{
    struct options options;
    struct status st = status_init(NULL);
    struct waiter waiter = { 0 };
    pthread_t thread;
    int rest, code;
    if (options_parse(&options, OPTIONS_EXEC, argc, argv, 1, &rest, &st))
        return cli_fail(EXIT_USAGE, "%s", status_message(&st));
    if (rest + 1 >= argc)
        return cli_fail(EXIT_USAGE, "exec needs a command: cinderlog exec [options] -- CMD");
    struct app *app = app_open(&options, &code);
    if (!app)
        return code == EXIT_USAGE ? EXIT_USAGE : EXIT_EXEC;
    set_environment(&options, app);
    /* Waits for CMD: an interrupt is CMD's to handle, a termination is passed on. */
    struct sigaction action = { .sa_handler = forward };
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    int error = spawn(&waiter.pid, argv + rest + 1);
    if (error) {
        app_close(app);
        return cli_fail(error == ENOENT ? 127 : 126, "%s: %s", argv[rest + 1], strerror(error));
    }
    child = (sig_atomic_t)waiter.pid;
    waiter.app = app;
    if (pthread_create(&thread, NULL, wait_for_child, &waiter) != 0) {
        kill(waiter.pid, SIGKILL);
        app_close(app);
        return cli_fail(EXIT_EXEC, "cannot start a thread: %s", strerror(errno));
    }
    app_run(app, false);
    pthread_join(thread, NULL);
    child = 0;
    int closed = app_close(app);
    code = code_of(waiter.status);
    if (closed == EXIT_DATA)
        return EXIT_EXEC;
    return code == 0 && closed != EXIT_OK ? closed : code;
}
