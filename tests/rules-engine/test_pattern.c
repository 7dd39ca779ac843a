/* test_pattern.c - overlap and covering of match paths, checked against every path of up to 5 segments.
 *
 * usage: test_pattern [PAIRS]      random pairs to compare, a million when not given
 *
 * Patterns are made of the letters a and b, {x} and one {x=**}; paths of a, b and c, so that c stands for
 * every name that no pattern has. What five segments cannot show (two long patterns, both with a glob) is
 * only required not to contradict them. */
#include "rules-engine/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LONGEST = 5, PATHS = 1 + 3 + 9 + 27 + 81 + 243, WORDS = (PATHS + 63) / 64, MANY = 4096 };

static unsigned long n_pairs = 1000000;

struct path {
    unsigned char letters[LONGEST];
    size_t n;
};

struct made {
    struct ast_match match;
    struct ast_path_part parts[LONGEST];
    uint64_t fits[2][WORDS]; /* by version: which paths */
    bool has_glob;
};

static struct path paths[PATHS];
static struct made patterns[MANY];
static size_t n_patterns;

static void make_paths(void)
{
    size_t n = 1, from = 0;
    for (size_t length = 1; length <= LONGEST; length++) {
        size_t to = n;
        for (size_t i = from; i < to; i++)
            for (unsigned char letter = 'a'; letter <= 'c'; letter++) {
                paths[n] = paths[i];
                paths[n].letters[paths[n].n++] = letter;
                n++;
            }
        from = to;
    }
    assert_int_equal(n, PATHS);
}

/* The plain meaning of a pattern, one segment after the other. */
static bool fits(const struct ast_path_part *part, size_t n, const unsigned char *letters, size_t left,
                 int version)
{
    if (n == 0)
        return left == 0;
    if (part->kind == PART_GLOB) {
        for (size_t take = version == 1 ? 1 : 0; take <= left; take++)
            if (fits(part + 1, n - 1, letters + take, left - take, version))
                return true;
        return false;
    }
    return left > 0 && (part->kind == PART_BINDING || (unsigned char)part->text.p[0] == *letters) &&
           fits(part + 1, n - 1, letters + 1, left - 1, version);
}

static void keep(const struct made *like)
{
    assert_true(n_patterns < MANY);
    struct made *p = &patterns[n_patterns++];
    *p = *like;
    p->match.full = p->parts;
    for (int version = 1; version <= 2; version++)
        for (size_t i = 0; i < PATHS; i++)
            if (fits(p->parts, p->match.n_full, paths[i].letters, paths[i].n, version))
                p->fits[version - 1][i / 64] |= UINT64_C(1) << (i % 64);
}

static void make_patterns(struct made *so_far)
{
    static const struct ast_path_part choices[] = {
        { .kind = PART_LITERAL, .text = STR_INIT("a") },
        { .kind = PART_LITERAL, .text = STR_INIT("b") },
        { .kind = PART_BINDING, .text = STR_INIT("x") },
        { .kind = PART_GLOB, .text = STR_INIT("y") },
    };
    keep(so_far);
    if (so_far->match.n_full == LONGEST)
        return;
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (choices[i].kind == PART_GLOB && so_far->has_glob)
            continue;
        struct made longer = *so_far;
        longer.parts[longer.match.n_full++] = choices[i];
        longer.has_glob |= choices[i].kind == PART_GLOB;
        make_patterns(&longer);
    }
}

/* Whether paths of five segments decide: a glob may need as many as the other pattern has. */
static bool decided(const struct made *a, const struct made *b)
{
    bool glob = a->has_glob || b->has_glob;
    return !glob || a->match.n_full + b->match.n_full < LONGEST;
}

static void compare(const struct made *a, const struct made *b, int version)
{
    const uint64_t *x = a->fits[version - 1], *y = b->fits[version - 1];
    bool common = false, covered = true;
    for (size_t i = 0; i < WORDS; i++) {
        common |= (x[i] & y[i]) != 0;
        covered &= (y[i] & ~x[i]) == 0;
    }
    bool intersects = pattern_intersects(&a->match, &b->match, version);
    bool covers = pattern_covers(&a->match, &b->match, version);
    if (decided(a, b)) {
        assert_int_equal(intersects, common);
        assert_int_equal(covers, covered);
    } else {
        assert_true(intersects || !common);
        assert_true(!covers || covered);
    }
}

static void overlap_is_that_of_the_paths(void **state)
{
    (void)state;
    uint64_t random = UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned long i = 0; i < n_pairs; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        compare(&patterns[random % n_patterns], &patterns[(random >> 32) % n_patterns],
                (random >> 63) ? 2 : 1);
    }
}

static void short_patterns_are_all_compared(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_patterns; i++)
        for (size_t j = 0; j < n_patterns; j++)
            for (int version = 1; version <= 2 && patterns[i].match.n_full + patterns[j].match.n_full < 6;
                 version++)
                compare(&patterns[i], &patterns[j], version);
}

static void a_witness_fits_both(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    for (size_t i = 0; i < n_patterns; i += 7) {
        for (size_t j = 0; j < n_patterns; j += 11) {
            const struct made *a = &patterns[i], *b = &patterns[j];
            const char *path = pattern_witness(arena, &a->match, &b->match, 2);
            assert_int_equal(path != NULL, pattern_intersects(&a->match, &b->match, 2));
            unsigned char letters[2 * LONGEST + 2];
            size_t n = 0;
            for (const char *p = path; p && *p; p += 2)
                letters[n++] = (unsigned char)p[1];
            if (path) {
                assert_true(fits(a->parts, a->match.n_full, letters, n, 2));
                assert_true(fits(b->parts, b->match.n_full, letters, n, 2));
            }
        }
        arena_reset(arena);
    }
    arena_free(arena);
}

/* Below /{y=**}/a and /{x}: the a lies over the {x}, so that every path that fits ends in an a and one more.
 */
static void what_is_overlaid_is_one_segment(void **state)
{
    (void)state;
    static struct ast_path_part parts[] = {
        { .kind = PART_GLOB, .text = STR_INIT("y") },
        { .kind = PART_LITERAL, .text = STR_INIT("a") },
        { .kind = PART_BINDING, .text = STR_INIT("x") },
        { .kind = PART_BINDING, .text = STR_INIT("z") },
    };
    static struct ast_path_part flat_parts[] = {
        { .kind = PART_GLOB, .text = STR_INIT("y") },
        { .kind = PART_LITERAL, .text = STR_INIT("a") },
        { .kind = PART_BINDING, .text = STR_INIT("z") },
    };
    struct ast_match nested = { .full = parts, .n_full = 4, .overlaid = 1 };
    struct ast_match flat = { .full = flat_parts, .n_full = 3 };
    for (size_t i = 0; i < n_patterns; i++)
        assert_int_equal(pattern_intersects(&nested, &patterns[i].match, 2),
                         pattern_intersects(&flat, &patterns[i].match, 2));
    assert_true(pattern_covers(&nested, &flat, 2) && pattern_covers(&flat, &nested, 2));
}

static int make_all(void **state)
{
    (void)state;
    struct made empty = { 0 };
    make_paths();
    make_patterns(&empty);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_patterns_are_all_compared),
        cmocka_unit_test(overlap_is_that_of_the_paths),
        cmocka_unit_test(a_witness_fits_both),
        cmocka_unit_test(what_is_overlaid_is_one_segment),
    };
    if (argc > 1)
        n_pairs = strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, make_all, NULL);
}
