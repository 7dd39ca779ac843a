/* rules_file.h - the rules that the command line names: found, read, compiled, watched.
 *
 * Watching is a look at the file four times a second: it survives editors that replace the file, bind
 * mounts and network mounts. A broken edit keeps the ruleset in force and says so. */
#ifndef SERVER_OPS_RULES_FILE_H
#define SERVER_OPS_RULES_FILE_H

#include "server/server.h"

/* Which file: `given`, else the one that ./firebase.json names, else ./firestore.rules, else NULL (open rules).
 * *why says where the name came from. In arena. INVALID_ARGUMENT for an unreadable firebase.json. */
enum status_code rules_file_find(const char **path, const char **why, struct arena *arena, const char *given,
                                 struct status *st);
/* Reads and compiles. On compile errors the findings are printed to stderr with carets. */
enum status_code rules_file_load(struct ruleset **out, const char *path, struct status *st);

/* Puts the ruleset in force for `project` ("" for the default) and into the ledger; both arguments are
 * copied or retained. Waits for the entry. */
enum status_code rules_install(struct server *server, struct str project, struct ruleset *ruleset,
                               struct str principal, struct status *st);

struct rules_watch;
struct rules_watch *rules_watch_start(struct server *server, const char *path);
void rules_watch_stop(struct rules_watch *watch); /* NULL is allowed */

#endif
