/* rules_world.h - what the rules tests share: JSON as a tree, a small world of documents, and one decision in
 * a line. Everything lives in the world's arena. */
#ifndef TESTS_RULES_WORLD_H
#define TESTS_RULES_WORLD_H

#include "core/codec.h"
#include "rules-engine/rules.h"

/* ---- JSON ---- */

struct json {
    enum json_token
        kind;        /* JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL */
    struct str text; /* string, number as written */
    struct json_member *members;
    struct json *items;
    size_t n;
};
struct json_member {
    struct str name;
    struct json value;
};
bool json_parse(struct json *out, struct arena *arena, struct str text);
const struct json *json_get(const struct json *object, const char *name); /* NULL when absent */
struct str json_text(const struct json *object, const char *name);        /* "" when absent */
bool json_true(const struct json *object, const char *name);

/* {"integerValue": "1"} and so on. */
struct value json_typed(struct arena *arena, const struct json *v);
struct value_map json_fields(struct arena *arena, const struct json *fields);
/* Plain JSON, as in a token: integers, decimals, lists, maps. */
struct value json_plain(struct arena *arena, const struct json *v);

/* ---- documents ---- */

struct world_document {
    struct str path;
    struct value_map fields;
    bool exists, exists_after, written; /* written: by the request that is decided */
    struct value_map fields_after;
};
struct world {
    struct arena *arena;
    struct database_name db; /* demo-p, (default) */
    struct world_document documents[128];
    size_t n;
    size_t reads; /* calls of get_document */
    struct buf traces;
};
void world_init(struct world *w, struct arena *arena);
void world_clear(struct world *w);                                   /* forgets the documents */
struct world_document *world_find(struct world *w, struct str path); /* NULL when unknown */
/* Sets both the present and the after state. */
void world_put(struct world *w, struct str path, struct value_map fields);
struct rules_env world_env(struct world *w);

/* "n == 5", "owner not-in 1,2", "__name__ == c/d", "tags array-contains 'a'": one filter. */
struct rules_constraint world_filter(struct arena *arena, struct str text);

/* Compiles one file or fails the test with the findings. */
struct ruleset *world_compile(struct arena *arena, struct str text);
/* The same, or NULL with the compiler's message. */
struct ruleset *world_try_compile(const char **message, struct arena *arena, struct str text);

/* rules_decide, twice: while coverage looks at every value, which walks every expression, and as it is from
 * the thousandth decision on, when what fold.h says is known is not walked. Fails the test unless both say
 * the same, to the number of expressions. The answer is the first's. */
enum status_code world_decide(const struct ruleset *ruleset, const struct rules_request *request,
                              const struct rules_env *env, struct rules_budget *budget, struct arena *arena,
                              struct rules_decision *decision, struct status *st);
/* Whether coverage looks at values from now on: it does until it has looked often enough. */
void world_watch(const struct ruleset *ruleset, bool watch);

#endif
