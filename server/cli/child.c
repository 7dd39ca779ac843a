/* child.c - see child.h. */
#include "server/cli/child.h"

#include "server/cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

static volatile sig_atomic_t child, terminated;

static void forward(int number)
{
    terminated = number;
    if (child > 0)
        kill((pid_t)child, number);
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

int child_start(pid_t *pid, char **command)
{
    struct sigaction action = { .sa_handler = forward };
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    int error = spawn(pid, command);
    if (error)
        return error;
    child = (sig_atomic_t)*pid;
    if (terminated) /* before it was known whom to pass it on to; a second one does no harm */
        kill(*pid, terminated);
    return 0;
}

int child_wait(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    child = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : EXIT_EXEC;
}

int child_failed(const char *command, int error)
{
    return cli_fail(error == ENOENT ? 127 : 126, "%s: %s", command, strerror(error));
}
