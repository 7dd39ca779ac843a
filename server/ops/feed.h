/* feed.h - the Requests feed: what rules decided, told over WebSockets as it happens; the Requests tab of Firebase's
 * Emulator UI is made of it.
 *
 * A listener is sent first one array of what was told before, oldest first and at most LIMIT_FEED_KEPT, then one
 * object for each evaluation: that of evaluation.h and
 *
 *     rulesReleaseKey    "projects/p/releases/cloud.firestore1282715117": the number tells the rules apart
 *     rulesReleaseName   "projects/p/releases/cloud.firestore": the UI shows those of its own project, by this name.
 *                        Google's emulator 1.19.9 does not send it
 *     requestId          one for each evaluation, since the UI tells them apart by it
 *     time               now
 *
 * A record costs more than the decision that it tells. So none is made unless somebody listens, or may come later and
 * ask what was before: when --websocket_port was given, as firebase-tools always does. Without it there is nothing to
 * tell of the time when nobody listened. Thread-safe. */
#ifndef SERVER_OPS_FEED_H
#define SERVER_OPS_FEED_H

#include "rules-engine/rules.h"

struct exchange;
struct feed;

/* `always`: evaluations are kept while nobody listens, too. */
struct feed *feed_new(bool always);
/* When every listener's exchange is over. NULL is allowed. */
void feed_free(struct feed *feed);

/* Whether evaluations are to be told. Costs one load of memory. False for NULL. */
bool feed_wanted(const struct feed *feed);
/* Tells one: `record` is that of evaluation.h. */
void feed_tell(struct feed *feed, struct str project, const struct ruleset *ruleset, struct str record);

/* The exchange, which asks for a WebSocket, becomes a listener: gone(data) is called once when it is over, and
 * nothing else may be done with it. False, and nothing was done, when there are LIMIT_FEED_LISTENERS. On the loop
 * thread. */
bool feed_join(struct feed *feed, struct exchange *exchange, void (*gone)(void *data), void *data);

#endif
