/* builtins.h - the functions the rules language comes with: one const table a type, one row an overload.
 *
 * A function with several signatures has several rows of the same name (map.get has two). Rows are
 * looked up by name; the evaluator picks the row whose receiver and argument types fit, and words the
 * refusal from the signatures when none does. Adding a built-in is one row in one file of this folder and
 * one line in tests/rules that names it (a test fails otherwise).
 *
 * Which functions exist and how they behave: observed on Google's emulator 1.19.9, which has fewer of them
 * than the public reference lists (no bool(), bytes(), list(), map(), math.isInfinite). */
#ifndef RULES_ENGINE_BUILTINS_H
#define RULES_ENGINE_BUILTINS_H

#include "rules-engine/ast.h"

struct eval;
struct rvalue;

/* args are evaluated and of the row's types; never errors (lookups of documents included). The answer may be
 * an error value. `self` is NULL for globals and package functions. */
typedef struct rvalue builtin_fn(struct eval *e, const struct rvalue *self, const struct rvalue *args);

enum { BUILTIN_MAX_ARGS = 4 };

/* Argument types: a bit per enum rules_type; BUILTIN_ANY takes every value. */
#define BUILTIN_BIT(type) (1u << (type))
#define BUILTIN_ANY 0xffffffffu

struct builtin {
    struct str package; /* "math"; empty for globals and methods */
    struct str name;
    enum rules_type receiver; /* methods; RT_UNDEFINED for globals and package functions */
    uint8_t n_args;
    unsigned args[BUILTIN_MAX_ARGS];
    const char *signature; /* as Google's messages print it: "map.get(string, any)" */
    const char *doc;       /* one line */
    builtin_fn *run;
    bool more;     /* the next row is another overload of this name */
    bool service;  /* needs documents: get, exists, getAfter, existsAfter */
    bool variadic; /* takes any number of further arguments and ignores them (debug) */
};
/* The next overload of the same name, or NULL. */
const struct builtin *builtin_next(const struct builtin *row);

/* The first row of a global function (get, exists, debug, int, ...), or NULL. */
const struct builtin *builtin_global(struct str name);
/* The first row of package.name (math.abs), or NULL. */
const struct builtin *builtin_package(struct str package, struct str name);
/* The first rows of the methods of one name, by the type that has it. */
struct builtin_methods {
    struct str name;
    const struct builtin *of[RT_NUMBER];
};
/* NULL when no type has a method of that name. */
const struct builtin_methods *builtin_methods(struct str name);
/* Whether `name` is a package: math, duration, timestamp, latlng, hashing. */
bool builtin_is_package(struct str name);
/* Whether the global needs documents (get, exists, getAfter, existsAfter): "service functions". */
bool builtin_is_service(const struct builtin *row);

/* The row of type's method `name` with the fewest arguments, or NULL; further overloads follow it. */
const struct builtin *builtin_method(enum rules_type receiver, struct str name);

/* Every row, for `rules builtins`, for tests and for refusals; *n rows, in the order of messages. */
const struct builtin *const *builtin_all(size_t *n);

#endif
