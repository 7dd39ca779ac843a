/* coverage_text.c - the counters of coverage.h for people and for tools that read lcov.
 *
 * Both speak of allows, of functions, and of conditions: what an allow or a function comes to, taken apart at
 * &&,
 * || and ?:. These are counted always, not only while they are watched. */
#include "rules-engine/coverage.h"

#include <inttypes.h>

enum { MAX_SHOWN = 100 };

struct report {
    struct buf *out;
    const struct ruleset *ruleset;
    const struct coverage_node *nodes;
    struct rules_allow_stats *allows;
    uint32_t file;
    uint64_t *lines; /* lcov: how often each line of the file was evaluated, plus one; 0: nothing there */
    uint32_t branches, branches_hit, conditions, conditions_both;
};

struct counts {
    uint64_t truth[2], all;
};

typedef void visit_condition(struct report *r, const struct ast_node *node);

static struct counts counts_of(const struct report *r, const struct ast_node *node)
{
    const struct coverage_node *c = &r->nodes[node->id];
    struct counts n = { { c->truth[false], c->truth[true] }, c->truth[false] + c->truth[true] + c->rest };
    for (const struct coverage_value *value = c->values; value; value = value->next)
        n.all += value->count;
    return n;
}

static void each_condition(struct report *r, const struct ast_node *node, visit_condition *visit)
{
    if (!node || node->kind <= AST_BYTES)
        return;
    if (node->kind == AST_AND || node->kind == AST_OR || node->kind == AST_TERNARY) {
        each_condition(r, node->op.a, visit);
        each_condition(r, node->op.b, visit);
        if (node->kind == AST_TERNARY)
            each_condition(r, node->op.c, visit);
        return;
    }
    visit(r, node);
}

static uint32_t line_of(const struct report *r, uint32_t offset)
{
    uint32_t line, column;
    source_position(&r->ruleset->sources[r->file], offset, &line, &column);
    return line;
}

/* ---- lcov ---- */

static void mark_line(struct report *r, uint32_t line, uint64_t evaluated)
{
    if (r->lines[line] < evaluated + 1)
        r->lines[line] = evaluated + 1;
}

/* A branch never taken of something evaluated is 0, of something never evaluated "-". */
static void put_branches(struct report *r, uint32_t line, uint64_t all, uint64_t yes, uint64_t no)
{
    const uint64_t taken[2] = { yes, no };
    for (int i = 0; i < 2; i++) {
        buf_printf(r->out, "BRDA:%u,%u,%d,", line, r->branches / 2, i);
        if (all)
            buf_printf(r->out, "%" PRIu64 "\n", taken[i]);
        else
            buf_z(r->out, "-\n");
        r->branches_hit += taken[i] > 0;
    }
    r->branches += 2;
}

static void lcov_condition(struct report *r, const struct ast_node *node)
{
    struct counts n = counts_of(r, node);
    uint32_t line = line_of(r, node->start);
    mark_line(r, line, n.all);
    put_branches(r, line, n.all, n.truth[true], n.all - n.truth[true]);
}

static void lcov_functions(struct report *r, const struct ast_function *f)
{
    for (; f; f = f->next) {
        uint64_t n = counts_of(r, f->body).all;
        uint32_t line = line_of(r, f->span.from);
        buf_printf(r->out, "FN:%u," STR_FMT "\nFNDA:%" PRIu64 "," STR_FMT "\n", line, STR_ARG(f->name), n,
                   STR_ARG(f->name));
        mark_line(r, line, n);
        for (uint32_t i = 0; i < f->n_lets; i++)
            mark_line(r, line_of(r, f->lets[i].span.from), n);
        each_condition(r, f->body, lcov_condition);
    }
}

static void lcov_matches(struct report *r, const struct ast_match *match)
{
    for (; match; match = match->next) {
        lcov_functions(r, match->functions);
        lcov_matches(r, match->children);
        for (const struct ast_allow *allow = match->allows; allow; allow = allow->next) {
            const struct rules_allow_stats *stats = &r->allows[allow->index];
            mark_line(r, stats->line, stats->evaluated);
            put_branches(r, stats->line, stats->evaluated, stats->granted, stats->evaluated - stats->granted);
            each_condition(r, allow->condition, lcov_condition);
        }
    }
}

static void lcov_file(struct report *r, const struct source *source)
{
    uint32_t found = 0, hit = 0;
    buf_printf(r->out, "TN:\nSF:" STR_FMT "\n", STR_ARG(source->name));
    lcov_functions(r, r->ruleset->units[r->file].functions);
    for (const struct ast_service *s = r->ruleset->units[r->file].services; s; s = s->next) {
        lcov_functions(r, s->functions);
        lcov_matches(r, s->matches);
    }
    buf_printf(r->out, "BRF:%u\nBRH:%u\n", r->branches, r->branches_hit);
    for (uint32_t line = 1; line <= source->n_lines; line++) {
        if (!r->lines[line])
            continue;
        buf_printf(r->out, "DA:%u,%" PRIu64 "\n", line, r->lines[line] - 1);
        found++;
        hit += r->lines[line] > 1;
    }
    buf_printf(r->out, "LF:%u\nLH:%u\nend_of_record\n", found, hit);
}

void rules_coverage_lcov(struct buf *out, const struct ruleset *ruleset, struct arena *arena)
{
    size_t n;
    const struct coverage_node *nodes = coverage_sum(ruleset->coverage, arena);
    struct rules_allow_stats *allows = rules_stats(ruleset, arena, &n);
    for (uint32_t i = 0; i < ruleset->n_files; i++) {
        struct report r = { .out = out, .ruleset = ruleset, .nodes = nodes, .allows = allows, .file = i };
        r.lines = ARENA_ARRAY(arena, uint64_t, (size_t)ruleset->sources[i].n_lines + 1);
        lcov_file(&r, &ruleset->sources[i]);
    }
}

/* ---- text ---- */

/* What of a condition has not been seen yet; NULL when it was true and false. */
static const char *lack(struct counts n)
{
    if (n.all == 0)
        return "never evaluated";
    if (n.truth[true] == n.all)
        return "always true";
    if (n.truth[true] == 0)
        return "never true";
    return NULL;
}

/* The text of a node, on one line. */
static void put_source(struct report *r, const struct ast_node *node)
{
    struct str text = r->ruleset->sources[node->file].text;
    uint32_t n = node->span.to - node->span.from;
    bool cut = n > MAX_SHOWN;
    for (n = cut ? MAX_SHOWN : n; cut && n && ((unsigned char)text.p[node->span.from + n] & 0xC0) == 0x80;
         n--)
        ;
    for (uint32_t i = node->span.from; i < node->span.from + n; i++)
        buf_byte(r->out, (unsigned char)text.p[i] < 0x20 ? ' ' : (unsigned char)text.p[i]);
    buf_z(r->out, cut ? "...\n" : "\n");
}

static void text_condition(struct report *r, const struct ast_node *node)
{
    uint32_t line, column;
    const char *what = lack(counts_of(r, node));
    r->conditions++;
    r->conditions_both += what == NULL;
    if (!what)
        return;
    source_position(&r->ruleset->sources[node->file], node->start, &line, &column);
    buf_printf(r->out, "    L%u:%u %s: ", line, column, what);
    put_source(r, node);
}

static void text_functions(struct report *r, const struct ast_function *f)
{
    for (; f; f = f->next) {
        buf_printf(r->out, "  L%u function " STR_FMT ": called %" PRIu64 "\n", line_of(r, f->span.from),
                   STR_ARG(f->name), counts_of(r, f->body).all);
        each_condition(r, f->body, text_condition);
    }
}

static void text_matches(struct report *r, const struct ast_match *match)
{
    for (; match; match = match->next) {
        text_functions(r, match->functions);
        text_matches(r, match->children);
        for (const struct ast_allow *allow = match->allows; allow; allow = allow->next) {
            const struct rules_allow_stats *stats = &r->allows[allow->index];
            buf_printf(r->out, "  L%u allow %s in %s: tried %" PRIu64 ", granted %" PRIu64 "\n", stats->line,
                       stats->methods, stats->pattern, stats->evaluated, stats->granted);
            each_condition(r, allow->condition, text_condition);
        }
    }
}

void rules_coverage_text(struct buf *out, const struct ruleset *ruleset, struct arena *arena)
{
    size_t n, tried = 0, granted = 0;
    struct report r = { .out = out, .ruleset = ruleset };
    r.nodes = coverage_sum(ruleset->coverage, arena);
    r.allows = rules_stats(ruleset, arena, &n);
    for (r.file = 0; r.file < ruleset->n_files; r.file++) {
        const struct ast_unit *unit = &ruleset->units[r.file];
        buf_str(out, ruleset->files[r.file].name);
        buf_byte(out, '\n');
        text_functions(&r, unit->functions);
        for (const struct ast_service *s = unit->services; s; s = s->next) {
            text_functions(&r, s->functions);
            text_matches(&r, s->matches);
        }
    }
    for (size_t i = 0; i < n; i++) {
        tried += r.allows[i].evaluated > 0;
        granted += r.allows[i].granted > 0;
    }
    buf_printf(out, "%zu allows: %zu tried, %zu granted; %u conditions: %u seen both true and not\n", n,
               tried, granted, r.conditions, r.conditions_both);
}
