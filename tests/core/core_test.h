/* core_test.h - what every test program of core/ includes: cmocka and two helpers for struct str. */
#ifndef TESTS_CORE_TEST_H
#define TESTS_CORE_TEST_H

#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Prints both sides when they differ, which cmocka's memory assert does only as hex. */
static inline void check_str(struct str got, struct str want, const char *file, int line)
{
    if (!str_eq(got, want))
        print_error("got  \"" STR_FMT "\"\nwant \"" STR_FMT "\"\n", STR_ARG(got), STR_ARG(want));
    _assert_true(str_eq(got, want), "texts are equal", file, line);
}
#define assert_str(got, want) check_str((got), (want), __FILE__, __LINE__)
#define assert_str_z(got, z) check_str((got), str_of(z), __FILE__, __LINE__)

/* xorshift64*: tests with random input use a fixed seed, so that a failure repeats. */
struct dice {
    uint64_t state;
};
static inline uint64_t dice_roll(struct dice *dice)
{
    uint64_t x = dice->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    dice->state = x;
    return x * UINT64_C(2685821657736338717);
}
static inline size_t dice_below(struct dice *dice, size_t n)
{
    return (size_t)(dice_roll(dice) >> 33) % n;
}

#endif
