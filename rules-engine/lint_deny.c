/* lint_deny.c - the lints `useless-deny` and `overridden-condition`.
 *
 * A request is allowed when any allow of any matching block is true, so no allow can take back what another
 * one grants. Yet people write `allow write: if ...; allow update, delete: if false;`, or a strict block
 * beside a {document=**} that lets everybody in. For each allow that is always false (useless-deny), or
 * stricter than another (overridden-condition: the other is always true, or asks only a part of the same),
 * this names the line that grants. What one line grants against several is told once.
 * A broad `if false` beside narrower grants - of paths in other blocks, of methods in the same - is the usual
 * default and no finding. */
#include "rules-engine/lint_expr.h"
#include "rules-engine/pattern.h"

#include "core/limits.h"

enum { CONJUNCTS = 64, SHOWN_LINES = 16, COMPARED_AT_ONCE = 16 };

/* ---- conditions ---- */

static bool names_wildcard(struct str text, const struct ast_match *match)
{
    for (uint32_t i = 0; i < match->n_full; i++) {
        struct str name = match->full[i].text;
        if (match->full[i].kind != PART_LITERAL && text.n >= name.n && memmem(text.p, text.n, name.p, name.n))
            return true;
    }
    return false;
}

static bool calls_function(struct str text)
{
    return memchr(text.p, '(', text.n) != NULL;
}

/* Whether two pieces of text mean the same where they stand: alike but for spaces, and in another block
 * without names that a block can give another meaning. */
static bool same_condition(struct str a, const struct ast_match *in_a, struct str b,
                           const struct ast_match *in_b)
{
    size_t i = 0, j = 0;
    for (;;) {
        while (i < a.n && strchr(" \t\r\n", a.p[i]) && a.p[i])
            i++;
        while (j < b.n && strchr(" \t\r\n", b.p[j]) && b.p[j])
            j++;
        if (i == a.n || j == b.n)
            break;
        if (a.p[i++] != b.p[j++])
            return false;
    }
    if (i != a.n || j != b.n)
        return false;
    return in_a == in_b || (!calls_function(a) && !names_wildcard(a, in_a) && !names_wildcard(b, in_b));
}

/* The operands of a chain of &&; 0 when there are too many. */
static size_t conjuncts_of(const struct ast_node **out, const struct ast_node *node)
{
    size_t n = 0;
    while (node->kind == AST_AND) {
        if (n == CONJUNCTS - 1)
            return 0;
        out[n++] = node->op.b;
        node = node->op.a;
    }
    out[n++] = node;
    return n;
}

/* Whether `strict` asks everything that `grant` asks, and more. */
static bool asks_more(const struct ruleset *ruleset, const struct ast_allow *strict,
                      const struct ast_allow *grant)
{
    const struct ast_node *more[CONJUNCTS], *less[CONJUNCTS];
    if (!grant->condition || !strict->condition)
        return false;
    size_t n_more = conjuncts_of(more, strict->condition), n_less = conjuncts_of(less, grant->condition);
    if (n_less == 0 || n_more <= n_less)
        return false;
    for (size_t i = 0; i < n_less; i++) {
        bool found = false;
        for (size_t j = 0; j < n_more && !found; j++)
            found = same_condition(lint_source(ruleset, grant->file, less[i]->span), grant->match,
                                   lint_source(ruleset, strict->file, more[j]->span), strict->match);
        if (!found)
            return false;
    }
    return true;
}

/* ---- pairs ---- */

struct candidate {
    const struct ast_allow *allow;
    const struct ast_service *service;
    enum lint_truth truth; /* whatever the method */
    unsigned granted;      /* METHOD_ bits for which it is not known to refuse */
};

static unsigned granted_by(struct lint_pass *pass, const struct ast_allow *allow)
{
    unsigned granted = 0;
    for (unsigned bit = METHOD_GET; bit <= METHOD_DELETE; bit *= 2) {
        if (!(allow->methods & bit))
            continue;
        enum lint_truth truth = lint_truth_of(pass, allow, bit, NULL);
        granted |= truth == LINT_NEVER || truth == LINT_FAILS ? 0 : bit;
    }
    return granted;
}

static void collect(struct lint_pass *pass, struct candidate *out, const struct ast_service *service,
                    const struct ast_match *list)
{
    for (const struct ast_match *match = list; match; match = match->next) {
        for (const struct ast_allow *allow = match->allows; allow; allow = allow->next)
            out[allow->index] = (struct candidate){ allow, service, lint_truth_of(pass, allow, 0, NULL),
                                                    granted_by(pass, allow) };
        collect(pass, out, service, match->children);
    }
}

/* `allow write: if false` beside `allow create: if ...`: everything but create is meant, of a stricter
 * condition too. */
static bool is_default_of_methods(const struct ast_allow *deny, const struct ast_allow *grant)
{
    return deny->match == grant->match && (grant->methods & ~deny->methods) == 0 &&
           grant->methods != deny->methods;
}

/* `allow write: if false` and below it in the same block `allow write: if admin()`: a default and an
 * exception. Above it, or of some of the methods only, the deny is meant to take something back. */
static bool is_exception(const struct ast_allow *deny, const struct candidate *grant)
{
    unsigned of_kind =
        (deny->methods & METHOD_READ ? METHOD_READ : 0) | (deny->methods & METHOD_WRITE ? METHOD_WRITE : 0);
    return deny->match == grant->allow->match && deny->index < grant->allow->index &&
           grant->truth == LINT_UNKNOWN && (grant->allow->methods & of_kind & ~deny->methods) == 0;
}

/* Comparing two paths costs steps as well: many long ones are not all compared. */
static bool afford(struct lint_pass *pass, const struct ast_match *a, const struct ast_match *b)
{
    unsigned cost = a->n_full * b->n_full / COMPARED_AT_ONCE + 1;
    if (cost > pass->steps)
        return false;
    pass->steps -= cost;
    return true;
}

/* Whether `deny` looks as if it should restrict what `grant` grants, and does not. */
static bool is_useless(struct lint_pass *pass, const struct candidate *deny, const struct candidate *grant)
{
    const struct ruleset *ruleset = pass->ruleset;
    const struct ast_match *narrow = deny->allow->match, *wide = grant->allow->match;
    int version = ruleset->units[deny->allow->file].version;
    if (deny == grant || deny->service != grant->service || !(deny->allow->methods & grant->granted) ||
        wide->never_matches || narrow->never_matches)
        return false;
    if (is_default_of_methods(deny->allow, grant->allow))
        return false;
    bool stricter = deny->truth == LINT_NEVER ||
                    (deny->truth == LINT_UNKNOWN && grant->truth == LINT_ALWAYS) ||
                    (deny->truth == LINT_UNKNOWN && asks_more(ruleset, deny->allow, grant->allow));
    return stricter && afford(pass, wide, narrow) && pattern_intersects(wide, narrow, version) &&
           (pattern_covers(wide, narrow, version) || !pattern_covers(narrow, wide, version));
}

/* ---- words ---- */

static uint32_t line_of(const struct lint_pass *pass, const struct ast_allow *allow)
{
    return lint_line(pass->ruleset, allow->file, allow->span);
}

static const char *fix_text(const struct lint_pass *pass, const struct ast_allow *grant, unsigned common)
{
    struct arena *arena = pass->issues->arena;
    unsigned left = grant->methods & ~common;
    if (left)
        return lint_text(pass, "write 'allow %s' on line %u, leaving out %s; what no allow grants is refused",
                         lint_methods(arena, left), line_of(pass, grant), lint_methods(arena, common));
    return lint_text(pass, "narrow the match or the condition of line %u; what no allow grants is refused",
                     line_of(pass, grant));
}

/* What else the grant makes void: a schema for create or update in the same block that it does not ask. */
static const struct ast_allow *voided_schema(struct lint_pass *pass, const struct ast_allow *grant)
{
    if (lint_mentions(pass, (struct lint_expr){ grant->condition, NULL }, "request.resource.data"))
        return NULL;
    for (const struct ast_allow *other = grant->match->allows; other; other = other->next)
        if (other != grant && other->methods & grant->methods & (METHOD_CREATE | METHOD_UPDATE) &&
            lint_truth_of(pass, other, 0, NULL) == LINT_UNKNOWN &&
            lint_mentions(pass, (struct lint_expr){ other->condition, NULL }, "request.resource.data"))
            return other;
    return NULL;
}

/* The lines of `denied` from the second on: ", nor do lines 12, 15". */
static const char *others_text(const struct lint_pass *pass, const struct candidate *const *denied, size_t n)
{
    const char *text = n == 2 ? ", nor does line" : n > 2 ? ", nor do lines" : "";
    for (size_t i = 1; i < n && i < SHOWN_LINES; i++)
        text = lint_text(pass, "%s%s %u", text, i == 1 ? "" : ",", line_of(pass, denied[i]->allow));
    return n > SHOWN_LINES ? lint_text(pass, "%s and %zu more", text, n - SHOWN_LINES) : text;
}

/* What one allow grants against the denies of `denied`, which ask for `common` of its methods at first. */
static void report(struct lint_pass *pass, const struct candidate *grant,
                   const struct candidate *const *denied, size_t n)
{
    const struct ast_allow *deny = denied[0]->allow, *from = grant->allow;
    struct arena *arena = pass->issues->arena;
    unsigned common = deny->methods & grant->granted;
    int version = pass->ruleset->units[deny->file].version;
    bool is_deny = denied[0]->truth == LINT_NEVER;
    const struct ast_allow *schema = is_deny ? voided_schema(pass, from) : NULL;
    const char *partly = pattern_covers(from->match, deny->match, version) ? "" : " on some of these paths";
    const char *message =
        lint_text(pass, "line %u grants %s %s%s: allows are ORed, so '%s' on line %u takes nothing back%s",
                  line_of(pass, from), lint_methods(arena, common), lint_when(pass, from), partly,
                  lint_one_line(arena, lint_source(pass->ruleset, deny->file, deny->span)),
                  line_of(pass, deny), others_text(pass, denied, n));
    if (schema)
        message = lint_text(pass, "%s, and who passes line %u skips the conditions of line %u", message,
                            line_of(pass, from), line_of(pass, schema));
    message =
        lint_text(pass, "%s; %s gets through", message, lint_request(pass, from->match, deny->match, common));
    /* Who writes `if false` means it: what it fails to refuse is an error. A stricter condition may be a
     * wish. */
    bool is_error = is_deny && !is_exception(deny, grant);
    lint_add(pass, is_error ? RULES_ERROR : RULES_WARNING, deny->file, deny->span,
             fix_text(pass, from, common), message);
    lint_relate(pass, from->file, from->span, "this grants it");
    for (size_t i = 1; i < n && i < SHOWN_LINES; i++)
        lint_relate(pass, denied[i]->allow->file, denied[i]->allow->span, "this takes nothing back either");
}

static void run(struct lint_pass *pass, bool denies)
{
    const struct ruleset *ruleset = pass->ruleset;
    uint32_t n = ruleset->n_allows;
    if (n > LIMIT_RULES_LINT_ALLOWS) {
        pass->steps = 0;
        return;
    }
    struct candidate *all = ARENA_ARRAY(pass->arena, struct candidate, n);
    const struct candidate **denied = ARENA_ARRAY(pass->arena, const struct candidate *, n);
    for (size_t i = 0; i < ruleset->n_files; i++)
        for (const struct ast_service *s = ruleset->units[i].services; s; s = s->next)
            collect(pass, all, s, s->matches);
    for (uint32_t grant = 0; grant < n && lint_goes_on(pass); grant++) {
        size_t found = 0;
        for (uint32_t deny = 0; deny < n; deny++)
            if ((all[deny].truth == LINT_NEVER) == denies && is_useless(pass, &all[deny], &all[grant]))
                denied[found++] = &all[deny];
        if (found)
            report(pass, &all[grant], denied, found);
    }
}

void lint_useless_deny(struct lint_pass *pass)
{
    run(pass, true);
}

void lint_overridden(struct lint_pass *pass)
{
    run(pass, false);
}
