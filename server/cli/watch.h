/* watch.h - --watch: a command that is run again whenever one of its files changes, until a signal ends it.
 */
#ifndef SERVER_CLI_WATCH_H
#define SERVER_CLI_WATCH_H

#include <stdbool.h>

struct watch;

/* Runs once(data, NULL), whose exit code it returns. With `again`, runs once(data, watch) and then whenever a
 * file changes that it added, and returns 0 at SIGINT or SIGTERM; a second one ends the process at once. */
int watch_run(bool again, int (*once)(void *data, struct watch *watch), void *data);

/* To be told before the file is read, so that no change is missed; a file that is not there is waited for. */
void watch_add(struct watch *watch, const char *path); /* watch NULL: does nothing */

#endif
