/* math.c - the package math. Only abs keeps an int an int; round gives an int, rounding halves up. */
#include "rules-engine/builtins/tables.h"

#include <math.h>

static struct rvalue abs_int(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)self;
    int64_t i = args[0].integer; /* the smallest int is its own absolute value, as in Java */
    return rv_int(i < 0 && i != INT64_MIN ? -i : i);
}

static struct rvalue abs_float(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)self;
    return rv_float(fabs(args[0].number));
}

#define FLOAT_FUNCTION(name, expression)                                                                     \
    static struct rvalue name(struct eval *e, const struct rvalue *self, const struct rvalue *args)          \
    {                                                                                                        \
        (void)e, (void)self;                                                                                 \
        double x = builtin_double(args[0]);                                                                  \
        return expression;                                                                                   \
    }
FLOAT_FUNCTION(ceiling, rv_float(ceil(x)))
FLOAT_FUNCTION(flooring, rv_float(floor(x)))
FLOAT_FUNCTION(square_root, rv_float(sqrt(x)))
FLOAT_FUNCTION(power, rv_float(pow(x, builtin_double(args[1]))))
FLOAT_FUNCTION(is_nan, rv_bool(x != x))

static struct rvalue rounding(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)self;
    double x = builtin_double(args[0]), below = floor(x);
    return rv_int(builtin_saturate(x - below >= 0.5 ? below + 1 : below));
}

static const struct builtin rows[] = {
    PACKAGE_ROW("math", "abs", 1, ARGS(T_INT), "math.abs(int)", "Without its sign.", abs_int, .more = true),
    PACKAGE_ROW("math", "abs", 1, ARGS(BUILTIN_BIT(RT_FLOAT)), "math.abs(float)", "Without its sign.",
                abs_float),
    PACKAGE_ROW("math", "ceil", 1, ARGS(T_FLOAT), "math.ceil(float)", "The whole number above, a float.",
                ceiling),
    PACKAGE_ROW("math", "floor", 1, ARGS(T_FLOAT), "math.floor(float)", "The whole number below, a float.",
                flooring),
    PACKAGE_ROW("math", "round", 1, ARGS(T_FLOAT), "math.round(float)", "The nearest int; halves go up.",
                rounding),
    PACKAGE_ROW("math", "sqrt", 1, ARGS(T_FLOAT), "math.sqrt(float)", "Square root.", square_root),
    PACKAGE_ROW("math", "pow", 2, ARGS(T_FLOAT, T_FLOAT), "math.pow(float, float)", "Power.", power),
    PACKAGE_ROW("math", "isNaN", 1, ARGS(T_FLOAT), "math.isNaN(float)", "Whether it is not a number.",
                is_nan),
};
BUILTIN_TABLE(builtin_math, rows);
