/* pattern.c - see pattern.h. A full path has at most one {x=**} and LIMIT_RULES_PATH_SEGMENTS segments, so a
 * table of which rest fits which rest is small. */
#include "rules-engine/pattern.h"

#include "core/limits.h"

enum { PARTS = LIMIT_RULES_PATH_SEGMENTS + 1 }; /* a glob of version 1 counts twice */

struct pattern {
    const struct ast_path_part *parts[PARTS];
    bool is_glob[PARTS];
    size_t n;
};

static void pattern_of(struct pattern *out, const struct ast_match *match, int version)
{
    out->n = 0;
    for (uint32_t i = 0; i < match->n_full; i++) {
        const struct ast_path_part *part = &match->full[i];
        bool glob = part->kind == PART_GLOB;
        if (glob && version == 1 && out->n < PARTS) {
            out->parts[out->n] = part; /* one segment, then any number */
            out->is_glob[out->n++] = false;
        }
        if (out->n < PARTS) {
            out->parts[out->n] = part;
            out->is_glob[out->n++] = glob;
        }
    }
}

static bool takes_any(const struct ast_path_part *part)
{
    return part->kind != PART_LITERAL;
}

/* fits[i][j]: the rest of a from i and the rest of b from j have a path in common. */
bool pattern_intersects(const struct ast_match *a, const struct ast_match *b, int version)
{
    struct pattern x, y;
    bool fits[PARTS + 1][PARTS + 1] = { { false } };
    pattern_of(&x, a, version);
    pattern_of(&y, b, version);
    for (size_t i = x.n + 1; i-- > 0;) {
        for (size_t j = y.n + 1; j-- > 0;) {
            bool x_glob = i < x.n && x.is_glob[i], y_glob = j < y.n && y.is_glob[j];
            bool fit = i == x.n && j == y.n;
            if (x_glob)
                fit = fits[i + 1][j] || (j < y.n && fits[i][j + 1]);
            if (!fit && y_glob)
                fit = fits[i][j + 1] || (i < x.n && fits[i + 1][j]);
            if (!fit && i < x.n && j < y.n && !x_glob && !y_glob)
                fit = (takes_any(x.parts[i]) || takes_any(y.parts[j]) ||
                       str_eq(x.parts[i]->text, y.parts[j]->text)) &&
                      fits[i + 1][j + 1];
            fits[i][j] = fit;
        }
    }
    return fits[0][0];
}

/* fits[i][j]: the rest of wide from i takes everything that the rest of narrow from j stands for. */
bool pattern_covers(const struct ast_match *wide, const struct ast_match *narrow, int version)
{
    struct pattern x, y;
    bool fits[PARTS + 1][PARTS + 1] = { { false } };
    pattern_of(&x, wide, version);
    pattern_of(&y, narrow, version);
    for (size_t i = x.n + 1; i-- > 0;) {
        for (size_t j = y.n + 1; j-- > 0;) {
            bool fit = i == x.n && j == y.n;
            if (i < x.n && x.is_glob[i])
                fit = fits[i + 1][j] || (j < y.n && fits[i][j + 1]);
            else if (i < x.n && j < y.n && !y.is_glob[j])
                fit = (takes_any(x.parts[i]) ||
                       (!takes_any(y.parts[j]) && str_eq(x.parts[i]->text, y.parts[j]->text))) &&
                      fits[i + 1][j + 1];
            fits[i][j] = fit;
        }
    }
    return fits[0][0];
}
