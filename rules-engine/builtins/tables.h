/* tables.h - the tables of this folder, one a type. Shared inside the folder and by the evaluator. */
#ifndef RULES_ENGINE_BUILTINS_TABLES_H
#define RULES_ENGINE_BUILTINS_TABLES_H

#include "rules-engine/eval.h"

struct builtin_table {
    const struct builtin *rows; /* overloads of one name stand together */
    size_t n;
};

extern const struct builtin_table builtin_globals, builtin_strings, builtin_bytes, builtin_lists,
    builtin_sets, builtin_maps, builtin_map_diffs, builtin_paths, builtin_timestamps, builtin_durations,
    builtin_latlngs, builtin_math, builtin_hashing, builtin_constraints;

/* The table called `table` over the array `rows`. */
#define BUILTIN_TABLE(table, rows_) const struct builtin_table table = { rows_, sizeof rows_ / sizeof *rows_ }

/* Rows. `more`: the next row is another overload of the same name. */
#define METHOD_ROW(receiver_, name_, n_, args_, signature_, doc_, ...)                                       \
    {                                                                                                        \
        .name = STR_INIT(name_), .receiver = receiver_, .n_args = n_, .args = args_,                         \
        .signature = signature_, .doc = doc_, .run = __VA_ARGS__                                             \
    }
#define PACKAGE_ROW(package_, name_, n_, args_, signature_, doc_, ...)                                       \
    {                                                                                                        \
        .package = STR_INIT(package_), .name = STR_INIT(name_), .n_args = n_, .args = args_,                 \
        .signature = signature_, .doc = doc_, .run = __VA_ARGS__                                             \
    }
#define NO_ARGS                                                                                              \
    {                                                                                                        \
        0                                                                                                    \
    }
#define ARGS(...)                                                                                            \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define T_STRING BUILTIN_BIT(RT_STRING)
#define T_BYTES BUILTIN_BIT(RT_BYTES)
#define T_INT BUILTIN_BIT(RT_INT)
/* A float parameter takes an int too; the function sees a float. */
#define T_FLOAT (BUILTIN_BIT(RT_FLOAT) | BUILTIN_BIT(RT_INT))
#define T_LIST BUILTIN_BIT(RT_LIST)
#define T_SET BUILTIN_BIT(RT_SET)
#define T_MAP BUILTIN_BIT(RT_MAP)
#define T_PATH BUILTIN_BIT(RT_PATH)
#define T_TIMESTAMP BUILTIN_BIT(RT_TIMESTAMP)
#define T_DURATION BUILTIN_BIT(RT_DURATION)
#define T_LATLNG BUILTIN_BIT(RT_LATLNG)

/* "Unsupported operation error. Received: string(list). ...": what join and paths say. */
struct rvalue builtin_not_string(struct eval *e, struct rvalue v);
/* Whether a constraint is somewhere in the value: sets and diffs, which compare, refuse it. Only in lists. */
bool builtin_is_unproved(const struct eval *e, struct rvalue v);
/* "Equality is not defined for type CONSTRAINT_VALUE" */
struct rvalue builtin_no_equality(struct eval *e);
/* Normalised; an error value out of range. Nanos may have any sign and size. */
struct rvalue builtin_duration(struct eval *e, int64_t seconds, int64_t nanos);
/* Towards zero, cut to the range of int; NaN is 0. */
int64_t builtin_saturate(double d);

static inline double builtin_double(struct rvalue v)
{
    return v.type == RT_INT ? (double)v.integer : v.number;
}

#endif
