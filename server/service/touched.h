/* touched.h - what the writes of one document name: request.writeFields and request.transforms of the rules.
 *
 * All writes of a commit to the document count together. Memory is the arena of touched_add. */
#ifndef SERVER_SERVICE_TOUCHED_H
#define SERVER_SERVICE_TOUCHED_H

#include "core/messages.h"
#include "rules-engine/rules.h"

struct touched {
    bool replaced; /* by a write without mask, or deleted */
    struct touched_names {
        struct str *items;
        size_t n, cap;
    } mask, transforms;
};

/* Adds a write, which was applied: its paths are in order. */
void touched_add(struct touched *touched, const struct msg_write *write, struct arena *arena);
/* For rules_request; puts the mask in the order of its names. Points into *touched. */
struct rules_touched touched_tell(struct touched *touched, bool inserted, bool auto_id);

#endif
