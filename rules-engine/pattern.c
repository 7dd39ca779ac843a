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
    uint32_t left =
        0; /* parts under those that are overlaid; a literal of either says more than a wildcard */
    out->n = 0;
    for (uint32_t i = 0; i < match->n_full; i++) {
        const struct ast_path_part *part = &match->full[i];
        bool glob = part->kind == PART_GLOB;
        if (left > 0) {
            left--;
            if (match->full[i - match->overlaid].kind == PART_LITERAL)
                part = &match->full[i - match->overlaid];
        }
        if (glob && version == 1 && out->n < PARTS) {
            out->parts[out->n] = part; /* one segment, then any number */
            out->is_glob[out->n++] = false;
        }
        if (out->n < PARTS) {
            out->parts[out->n] = part;
            out->is_glob[out->n++] = glob;
        }
        if (glob) {
            left = match->overlaid;
            i += left;
        }
    }
}

static bool takes_any(const struct ast_path_part *part)
{
    return part->kind != PART_LITERAL;
}

/* fits[i][j]: the rest of x from i and the rest of y from j have a path in common. */
typedef bool fit_table[PARTS + 1][PARTS + 1];

static void fill(fit_table fits, const struct pattern *x, const struct pattern *y)
{
    for (size_t i = x->n + 1; i-- > 0;) {
        for (size_t j = y->n + 1; j-- > 0;) {
            bool x_glob = i < x->n && x->is_glob[i], y_glob = j < y->n && y->is_glob[j];
            bool fit = i == x->n && j == y->n;
            if (x_glob)
                fit = fits[i + 1][j] || (j < y->n && fits[i][j + 1]);
            if (!fit && y_glob)
                fit = fits[i][j + 1] || (i < x->n && fits[i + 1][j]);
            if (!fit && i < x->n && j < y->n && !x_glob && !y_glob)
                fit = (takes_any(x->parts[i]) || takes_any(y->parts[j]) ||
                       str_eq(x->parts[i]->text, y->parts[j]->text)) &&
                      fits[i + 1][j + 1];
            fits[i][j] = fit;
        }
    }
}

bool pattern_intersects(const struct ast_match *a, const struct ast_match *b, int version)
{
    struct pattern x, y;
    fit_table fits;
    pattern_of(&x, a, version);
    pattern_of(&y, b, version);
    fill(fits, &x, &y);
    return fits[0][0];
}

static const char *emit(struct arena *arena, const char *path, const struct ast_path_part *part)
{
    struct str text = takes_any(part) ? STR("x") : part->text;
    return arena_printf(arena, "%s/" STR_FMT, path, STR_ARG(text));
}

static bool ends_in_glob(const struct pattern *p)
{
    return p->n > 0 && p->is_glob[p->n - 1];
}

const char *pattern_witness(struct arena *arena, const struct ast_match *a, const struct ast_match *b,
                            int version)
{
    struct pattern x, y;
    fit_table fits;
    const char *path = "";
    pattern_of(&x, a, version);
    pattern_of(&y, b, version);
    fill(fits, &x, &y);
    if (!fits[0][0])
        return NULL;
    size_t length = 0;
    for (size_t i = 0, j = 0; i < x.n || j < y.n; length++) {
        bool x_glob = i < x.n && x.is_glob[i], y_glob = j < y.n && y.is_glob[j];
        const struct ast_path_part *part = NULL;
        if (x_glob && fits[i + 1][j])
            i++; /* nothing for the glob */
        else if (y_glob && fits[i][j + 1])
            j++;
        else if (x_glob)
            part = y.parts[j++];
        else if (y_glob)
            part = x.parts[i++];
        else
            part = takes_any(x.parts[i]) ? y.parts[j] : x.parts[i], i++, j++;
        if (part)
            path = emit(arena, path, part);
        else
            length--;
    }
    /* /databases/{d}/documents and pairs of collection and id: documents have an odd number of segments. */
    return length % 2 == 0 && ends_in_glob(&x) && ends_in_glob(&y) ? arena_printf(arena, "%s/x", path) : path;
}

/* ---- covering ---- */

/* A word: parts of a pattern, NULL for a segment that no literal is equal to. */
struct word {
    const struct ast_path_part *parts[2 * PARTS + 2];
    size_t n;
};

static bool takes(const struct ast_path_part *part, const struct ast_path_part *segment)
{
    return takes_any(part) || (segment && !takes_any(segment) && str_eq(part->text, segment->text));
}

static bool takes_word(const struct pattern *p, const struct word *word)
{
    size_t before = 0;
    while (before < p->n && !p->is_glob[before])
        before++;
    size_t after = before < p->n ? p->n - before - 1 : 0;
    if (before == p->n ? word->n != p->n : word->n < before + after)
        return false;
    for (size_t i = 0; i < before; i++)
        if (!takes(p->parts[i], word->parts[i]))
            return false;
    for (size_t i = 0; i < after; i++)
        if (!takes(p->parts[p->n - 1 - i], word->parts[word->n - 1 - i]))
            return false;
    return true;
}

/* `narrow` with its glob written out as `times` segments that nothing else names. */
static void write_out(struct word *out, const struct pattern *narrow, size_t times)
{
    out->n = 0;
    for (size_t i = 0; i < narrow->n; i++) {
        if (!narrow->is_glob[i]) {
            out->parts[out->n++] = narrow->parts[i];
            continue;
        }
        for (size_t k = 0; k < times; k++)
            out->parts[out->n++] = NULL;
    }
}

/* A glob of narrow stands for any number of segments; more of them than wide has parts change nothing. */
bool pattern_covers(const struct ast_match *wide, const struct ast_match *narrow, int version)
{
    struct pattern x, y;
    struct word word;
    pattern_of(&x, wide, version);
    pattern_of(&y, narrow, version);
    for (size_t times = 0; times <= x.n + 1; times++) {
        write_out(&word, &y, times);
        if (!takes_word(&x, &word))
            return false;
    }
    return true;
}
