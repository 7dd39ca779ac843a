/* signatures.h - what built-ins ask of their arguments and what they give, as the type checker sees it.
 *
 * Types are sets of enum rules_type. What is asked comes from the rows of builtins.h; what is given is a
 * table of its own here, because evaluation does not need it. */
#ifndef RULES_ENGINE_SIGNATURES_H
#define RULES_ENGINE_SIGNATURES_H

#include "rules-engine/builtins/builtins.h"

typedef uint32_t type_set;

/* What is asked of an expression; `text` words it where the order is not the usual one, else NULL. */
struct wanted {
    type_set set;
    const char *text;
};

#define BIT(type) ((type_set)1 << (type))
#define ANY ((type_set)~0u)
#define NUMBER (BIT(RT_INT) | BIT(RT_FLOAT))
#define SUBTRACTABLE (NUMBER | BIT(RT_DURATION) | BIT(RT_TIMESTAMP))
#define ADDABLE (SUBTRACTABLE | BIT(RT_STRING))
#define SEQUENCE (BIT(RT_STRING) | BIT(RT_LIST) | BIT(RT_PATH))

/* What the rows of one name ask, over all receivers, of a call with that many arguments. */
struct demand {
    type_set receivers;
    struct wanted arguments[BUILTIN_MAX_ARGS];
    bool any_row, count_fits;
};

/* "int, float, string": in the usual order of messages. In arena. */
const char *type_set_text(struct arena *arena, type_set set);
/* Of an AST_CALL or AST_METHOD that is no user function; texts in arena. */
struct demand type_demand(struct arena *arena, const struct ast_node *node);
/* What such a call gives; ANY when that is not known. */
type_set type_result(const struct ast_node *node);
/* The same, and ANY for a call that is refused for another reason: no such function, a wrong count. */
type_set type_known_result(const struct ast_node *node);

#endif
