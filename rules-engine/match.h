/* match.h - which `match` blocks cover a path, and what their wildcards are bound to.
 *
 * Wildcards: {x} and {x=*} take one segment, a string. {x=**} takes zero or more segments (rules_version 1:
 * one or more, and only at the end), a path. At most one of those stands in a full path (the checker sees to
 * it).
 *
 * What is nested below a match with {x=**}, as observed on Google's emulator 1.19.9: the parts that the match
 * itself has behind its ** do not stand before the nested ones but over the first of them, and both must fit.
 * Below /{g=**}/b a match /{x}/{y} is /{g=**}/{x}/{y} where x is b. There must be more of the nested parts
 * than of those over them, else nothing matches: so it is with /{g=**}/t/{id} and /u/{x}. */
#ifndef RULES_ENGINE_MATCH_H
#define RULES_ENGINE_MATCH_H

#include "rules-engine/eval.h"

/* What is matched: /databases/{db}/documents/... A list asks for documents whose id is not known, and for a
 * collection group whose depth is not known either. */
struct match_target {
    const struct str *segments;
    size_t n;
    bool last_unknown; /* the last segment stands for every id */
    size_t any_depth;  /* the number of segments before which any number of pairs may stand; 0: none */
};

struct match_target match_document(struct arena *arena, struct database_name db, struct str path);
struct match_target match_collection(struct arena *arena, struct database_name db,
                                     const struct rules_query *query, struct str path);

/* Whether `match` covers all of the target. On success *wildcards holds one value per wildcard of the full
 * path, outermost first; an unknown one is an error value. In arena. */
bool match_covers(const struct rvalue **wildcards, struct arena *arena, const struct ast_match *match,
                  int version, const struct match_target *target);

#endif
