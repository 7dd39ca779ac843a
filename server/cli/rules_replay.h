/* rules_replay.h - `cinderlog rules test --replay LEDGER`: what rules say to the writes that a ledger
 * records.
 *
 * Every commit of the ledger is sent again, in its order, by its principal and at its time, to an in-process
 * server whose rules are asked; whatever they say, the documents then become what the ledger has, so that the
 * next commit is decided on the state that it was made on. Refused writes are asked too, and taken back when
 * they pass.
 *
 * Not recorded, and so not judged: reads; claims of tokens, unless a principal's file gives them; what else
 * was in a commit that was refused. request.time, not recorded either, is the commit's, and where that is
 * refused a time that the commit wrote and that may be serverTimestamp(): a whole millisecond at most two
 * seconds older.
 */
#ifndef SERVER_CLI_RULES_REPLAY_H
#define SERVER_CLI_RULES_REPLAY_H

#include "server/cli/in_process.h"

enum { REPLAY_MAX_PRINCIPALS = 32 };

struct replay_options {
    const char *data; /* the ledger, as serve --data takes it */
    struct {
        struct str label; /* as recorded: "user:svc", "owner" */
        const char *file; /* {"uid","token"} */
    } principals[REPLAY_MAX_PRINCIPALS];
    size_t n_principals;
};

/* "user:svc=FILE". An exit code. */
int replay_add_principal(struct replay_options *options, const char *value);
/* Prints what would be different, and sums up. Exit 1 when a recorded write would be refused. */
int replay_run(const struct replay_options *options, struct in_process *server, const char *rules);

#endif
