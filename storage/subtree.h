/* subtree.h - the writer's walk over the documents at or below a path, as they are in its open transaction.
 *
 * Keys begin with the depth, so a subtree is one range per depth; empty depths are skipped by the first key
 * found beyond them. Deleting the document just returned is allowed: the walk goes on behind its key. */
#ifndef STORAGE_SUBTREE_H
#define STORAGE_SUBTREE_H

#include "core/buf.h"
#include "storage/derived.h"

struct subtree {
    struct derived *derived;
    int64_t space;
    struct str path; /* borrowed; "" for the whole database */
    unsigned depth;
    struct buf key; /* of the document returned last, or where to look next */
    struct buf end;
    bool between; /* key is a document's: go on behind it */
};

void subtree_init(struct subtree *walk, struct derived *derived, int64_t space, struct str path);
/* *found false at the end. */
enum status_code subtree_next(struct subtree *walk, bool *found, struct derived_doc *out, struct status *st);
/* Key of the document returned last. */
struct str subtree_key(const struct subtree *walk);
void subtree_dispose(struct subtree *walk);

#endif
