/* child.h - one command that is run for its exit code: by `exec` beside a server, by `shim` with another
 * PATH. */
#ifndef SERVER_CLI_CHILD_H
#define SERVER_CLI_CHILD_H

#include <sys/types.h>

/* Starts command[0], found on the PATH, with the environment of this process. From then on an interrupt is
 * the command's to handle (Ctrl-C reaches it by the terminal), and a termination is passed on to it. One a
 * process. Returns 0 or an errno. */
int child_start(pid_t *pid, char **command);
/* Waits for its end. Its exit code as a shell gives it: 128 + N after signal N. */
int child_wait(pid_t pid);
/* Tells that it could not be started, and returns the code that shells have for that. */
int child_failed(const char *command, int error);

#endif
