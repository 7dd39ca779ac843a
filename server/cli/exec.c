/* exec.c - `cinderlog exec [options] -- CMD`: a server for the life of one command.
 *
 * CMD is only started once the sockets listen, and its exit code is ours. Ctrl-C reaches CMD by the terminal
 * (same process group); we wait for it. */
#include "server/cli/child.h"
#include "server/cli/cli.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct waiter {
    struct app *app;
    pid_t pid;
    int code;
};

static void *wait_for_child(void *data)
{
    struct waiter *w = data;
    w->code = child_wait(w->pid);
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
    int error = child_start(&waiter.pid, argv + rest + 1);
    if (error) {
        app_close(app);
        return child_failed(argv[rest + 1], error);
    }
    waiter.app = app;
    if (pthread_create(&thread, NULL, wait_for_child, &waiter) != 0) {
        kill(waiter.pid, SIGKILL);
        app_close(app);
        return cli_fail(EXIT_EXEC, "cannot start a thread: %s", strerror(errno));
    }
    app_run(app, false);
    pthread_join(thread, NULL);
    int closed = app_close(app);
    if (closed == EXIT_DATA)
        return EXIT_EXEC;
    return waiter.code == 0 && closed != EXIT_OK ? closed : waiter.code;
}
