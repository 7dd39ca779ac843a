/* constraint.h - deciding `list`: what a query proves about the documents it returns.
 *
 * Rules are not filters. A query is allowed when its own filters prove that every document it could return
 * passes the rules; no document is looked at. The evaluator runs as for one document, but on a
 * `resource.data` that is made from the filters:
 *
 *   1. resource.data has the fields that the filters name, nested maps for dotted ones, and no others: any
 *      other field is "undefined on object", absent for `in`, get() and keys().
 *   2. A field whose only filter is == is that concrete value, and everything can be computed with it (the
 * same filter twice is one filter).
 *   3. Any other field is a value of type constraint: the set of its filters, all of which hold. == beside
 *      another filter is one of them and no longer a value.
 *   4. A comparison with a constraint is true when one of its filters implies it, and otherwise not false but
 *      an error ("evaluation error at L:C", not_provable), which && and || treat like any error. It is never
 *      false: that the query might return a passing document proves nothing, and that it cannot would need
 *      reasoning which is not done here (nor by Google's emulator 1.19.9). So !(f == x) is not proved by
 *      f != x.
 *   5. One filter alone must imply the comparison: n >= 5 and n <= 5 together do not prove n == 5.
 *   6. Filters compare only with values of their own order (numbers with numbers, strings with strings ...);
 *      a float filter does not even prove anything about an int of the rules, except == about !=.
 *      All filters but == null exclude null, so each proves f != null; those with a number prove f != NaN.
 *      Text is ordered by characters in queries and by UTF-16 units in rules: a bound with U+E000 to U+FFFF or
 *      beyond proves only what holds in both orders. There Google's allows what its rules then deny.
 *   7. `value in f` and f.hasAny(list) are true for an array-contains filter of such a value; `in` is
 *      otherwise an error, hasAny false.
 *   8. Two constraints are not compared: a type error. Sets and diffs, which compare all they hold, refuse a
 *      constraint inside ("Equality is not defined for type CONSTRAINT_VALUE"); lists do not, see 12.
 *   9. A query of several disjuncts is judged once for each; every one must be allowed. `in` and
 *      array-contains-any are disjuncts.
 *  10. The id of the documents is unknown: the last wildcard is "Null value error.", resource has no id and
 *      no __name__. With a filter __name__ == D the request is judged like a read of D, on D's real data; with
 *      any other, or in a collection group below a document, resource.__name__ is a constraint, of which only !=
 *      and not-in say anything.
 *  11. Order, cursors, limit, offset and projection prove nothing. request.query shows them.
 *  12. Not sound, and kept so because Google's emulator 1.19.9 decides the same way: to ask whether something
 *      is absent (!('f' in resource.data), keys().hasOnly(...), get(f, default) of a field without filter),
 *      and to deny what is unknown (!(f in [...]), !f.hasAny(...) or f.hasAny(...) ? ... : ..., !(f is int),
 *      [f] != [...]).
 *      An == filter on a number also returns the other kind, 1 and 1.0, which `is` and list membership tell
 *      apart. Conditions without these are proved soundly: tests/rules-engine/test_proof.c.
 *
 * In doubt it denies: soundness needs 4 (no false), 5 and 6; the rest is convenience. */
#ifndef RULES_ENGINE_CONSTRAINT_H
#define RULES_ENGINE_CONSTRAINT_H

#include "rules-engine/rvalue.h"

/* Types that a constraint can be compared with, in Google's words. */
#define CONSTRAINT_EQUALITY_TYPES                                                                            \
    "bool,duration,float,int,latlng,map,null,string,bytes,timestamp,path,list,vector,set"
#define CONSTRAINT_ORDER_TYPES "timestamp,duration,float,int,string,bytes"

/* The filters on one field. */
struct constraint_set {
    const struct rules_constraint *const *items;
    size_t n;
};

/* `resource` of a disjunct: data, and __name__ when a filter looks at it or the query below a document. */
struct rvalue constraint_resource(struct arena *arena, const struct rules_disjunct *disjunct, bool below);

/* The document path that the disjunct fixes with __name__ ==, relative; false when there is none. */
bool constraint_name(struct str *path, const struct rules_disjunct *disjunct);

/* Whether the filters imply `field op other`; op is one of AST_EQ .. AST_GE. */
bool constraint_implies(struct arena *arena, const struct constraint_set *set, enum ast_kind op,
                        struct rvalue other);
/* Whether the filters imply that the field is an array with v in it. */
bool constraint_contains(struct arena *arena, const struct constraint_set *set, struct rvalue v);

#endif
