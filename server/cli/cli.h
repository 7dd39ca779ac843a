/* cli.h - the commands of the program, one file each; main.c has the table.
 *
 * Each takes argc and argv with argv[0] the command's name and returns the process's exit code. */
#ifndef SERVER_CLI_CLI_H
#define SERVER_CLI_CLI_H

#include "server/options.h"

enum exit_code {
    EXIT_OK = 0,
    EXIT_RUNTIME = 1,     /* or: rules unexercised, tampered, findings */
    EXIT_USAGE = 2,
    EXIT_PORT_IN_USE = 3,
    EXIT_DATA = 4,        /* locked or damaged, or the outcome of a COMMIT is unknown */
    EXIT_EXEC = 125,      /* exec: cinderlog itself failed */
};

int cli_serve(int argc, char **argv);
int cli_exec(int argc, char **argv);
int cli_healthcheck(int argc, char **argv);
int cli_rules(int argc, char **argv); /* those that follow are its commands */
int cli_rules_check(int argc, char **argv);
int cli_rules_builtins(int argc, char **argv);
int cli_rules_coverage(int argc, char **argv);
int cli_rules_test(int argc, char **argv);
int cli_rules_push(int argc, char **argv);
int cli_faults(int argc, char **argv);
int cli_verify(int argc, char **argv);
int cli_log(int argc, char **argv);
int cli_request_log(int argc, char **argv);
int cli_shim(int argc, char **argv);

/* "what happened" on stderr with the program's name; returns `code`. */
int cli_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- app.c: the server as serve and exec run it ---- */

struct app;
/* Everything up to serving: sockets and their loop, store, rules, workers. Probes are answered meanwhile.
 * *exit_code tells why it failed (message printed). */
struct app *app_open(const struct options *options, int *exit_code);
uint16_t app_port(const struct app *app);
/* Prints Google's ready block. */
void app_announce(const struct app *app);
/* Returns after app_stop or a signal (when handle_signals): first one stops gracefully, the second at once. */
void app_run(struct app *app, bool handle_signals);
void app_stop(struct app *app); /* from any thread or signal handler */
/* Takes everything down, prints the summary; the exit code of serve. */
int app_close(struct app *app);
/* All of it, until a signal: what serve is. also: a line for stderr beside the ready block; NULL: none. */
int app_serve(const struct options *options, const char *also);

#endif
