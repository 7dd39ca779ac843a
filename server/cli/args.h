/* args.h - the options of a command that has a few of its own: a const table, read in one way. */
#ifndef SERVER_CLI_ARGS_H
#define SERVER_CLI_ARGS_H

#include <stddef.h>

struct arg {
    const char *name;  /* "--format" */
    const char *value; /* what it takes, "text|json"; NULL: it is a switch */
    /* Keeps it, or says what is wrong. value: as given; NULL for a switch. Returns an exit code. */
    int (*set)(void *options, const char *value);
};

/* Reads the option at argv[*i], with its value there (--a=b) or in the next argument, which *i is moved to.
 * An option that is none is told with all that there are. Returns an exit code. */
int args_read(const char *command, const struct arg *table, size_t n, void *options, int argc, char **argv,
              int *i);

#endif
