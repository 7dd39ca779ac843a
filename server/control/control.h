/* control.h - the handlers of the control routes; control.c has their table. */
#ifndef SERVER_CONTROL_CONTROL_H
#define SERVER_CONTROL_CONTROL_H

#include "server/server.h"
#include "server/transport/http.h"

/* emulator.c: as Google's emulator. */
void control_root(struct http_call *call);
void control_put_rules(struct http_call *call);
void control_get_rules(struct http_call *call);
void control_delete_documents(struct http_call *call);
void control_reset(struct http_call *call);
void control_shutdown(struct http_call *call);
/* Not there yet; the Firebase CLI asks for it at --export-on-exit, and shows the answer. */
void control_export(struct http_call *call);

/* coverage.c: as Google's emulator, and the page for people. */
void control_coverage(struct http_call *call);
void control_coverage_page(struct http_call *call);
/* emulator.c: true when --lock-control refuses what the call would change; it is answered then. */
bool control_locked(struct http_call *call);
/* emulator.c: the members "rules" and, with findings, "issues" of an answer about rules. */
void control_put_ruleset(struct buf *out, const struct ruleset *ruleset, struct arena *arena);

/* ledger.c: ours. */
void control_health(struct http_call *call);
void control_ready(struct http_call *call);
void control_checkpoint(struct http_call *call);
void control_stats(struct http_call *call); /* entries, commits, SQLite transactions, running calls */
void control_entries(struct http_call *call);
void control_summary(struct http_call *call);

/* feed.c: as Google's emulator, there on a port of its own. */
void control_requests(struct http_call *call);

/* metrics.c: for Prometheus. */
void control_metrics(struct http_call *call);

/* faults.c: what is to go wrong (server/faults). */
void control_get_faults(struct http_call *call);
void control_post_fault(struct http_call *call);
void control_delete_faults(struct http_call *call); /* one, or all */

/* clock.c: the moved time, for tests of retention and expiry. */
void control_get_clock(struct http_call *call);
void control_post_clock(struct http_call *call);
void control_delete_clock(struct http_call *call);

#endif
