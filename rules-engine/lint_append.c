/* lint_append.c - the lint `append-only`: what grants update or delete in a collection that is declared to be
 * append-only. That nothing is found is no proof, and is said so (`rules check`): conditions are looked at
 * without documents and users, so a condition that never holds may count as a grant and only a constant or
 * an error in every case counts as none. */
#include "rules-engine/lint_expr.h"
#include "rules-engine/pattern.h"

#include "core/limits.h"

/* How a pattern is read where it can be read in several ways. */
enum { WITH_DOCUMENT = 1, WITHOUT_GLOBS = 2, READINGS = 4, OWN_PARTS = 5, SHOWN_GRANTS = 3 };

/* "tenants/{any}/logs" as a match: an odd number of ids names a collection, with `**` perhaps. */
static void match_of(struct arena *arena, struct ast_match *out, struct str pattern, unsigned reading)
{
    struct ast_path_part *parts =
        ARENA_ARRAY(arena, struct ast_path_part, path_segments(pattern) + OWN_PARTS);
    uint32_t n = 0;
    struct str id;
    parts[n++] = (struct ast_path_part){ .kind = PART_LITERAL, .text = STR("databases") };
    parts[n++] = (struct ast_path_part){ .kind = PART_BINDING, .text = STR("database") };
    parts[n++] = (struct ast_path_part){ .kind = PART_LITERAL, .text = STR("documents") };
    while (path_next(&pattern, &id)) {
        enum ast_part_kind kind = str_eq_z(id, "**")  ? PART_GLOB
                                  : str_eq_z(id, "*") ? PART_BINDING
                                                      : PART_LITERAL;
        if (kind != PART_GLOB || !(reading & WITHOUT_GLOBS))
            parts[n++] = (struct ast_path_part){ .kind = kind, .text = id };
    }
    if (reading & WITH_DOCUMENT)
        parts[n++] = (struct ast_path_part){ .kind = PART_BINDING, .text = STR("document") };
    *out = (struct ast_match){ .full = parts, .n_full = n };
}

bool lint_in_pattern(const struct lint_pass *pass, const struct ast_allow *allow, struct str pattern)
{
    size_t ids = path_segments(pattern);
    bool glob = pattern.n >= 2 && memmem(pattern.p, pattern.n, "**", 2);
    if (allow->match->never_matches)
        return false;
    if (ids + OWN_PARTS > LIMIT_RULES_PATH_SEGMENTS)
        return true; /* not looked at: better a finding too many */
    for (unsigned reading = 0; reading < READINGS; reading++) {
        struct ast_match match;
        bool fits = glob || (reading & WITH_DOCUMENT ? ids % 2 == 1 : ids % 2 == 0);
        /* Version 1 lets a glob take nothing only when it is not there. */
        if (!fits || (reading & WITHOUT_GLOBS && !glob))
            continue;
        match_of(pass->arena, &match, pattern, reading);
        if (pattern_intersects(allow->match, &match, pass->ruleset->units[allow->file].version))
            return true;
    }
    return false;
}

/* The METHOD_ bits of update and delete that the allow may grant there. */
static unsigned granted_in(struct lint_pass *pass, const struct ast_allow *allow, struct str pattern)
{
    unsigned granted = 0;
    for (unsigned bit = METHOD_UPDATE; bit <= METHOD_DELETE; bit *= 2) {
        enum lint_truth truth = allow->methods & bit ? lint_truth_of(pass, allow, bit, NULL) : LINT_NEVER;
        granted |= truth == LINT_NEVER || truth == LINT_FAILS ? 0 : bit;
    }
    return granted && lint_in_pattern(pass, allow, pattern) ? granted : 0;
}

static void look_at(struct lint_pass *pass, const struct ast_allow *allow, struct str pattern)
{
    unsigned granted = granted_in(pass, allow, pattern);
    if (!granted)
        return;
    uint32_t line = lint_line(pass->ruleset, allow->file, allow->span);
    unsigned left = allow->methods & ~granted;
    const char *fix = left
                          ? lint_text(pass, "write 'allow %s' there", lint_methods(pass->issues->arena, left))
                          : "take this line out; what no allow grants is refused";
    lint_add(pass, RULES_ERROR, allow->file, allow->span, fix,
             lint_text(pass, "line %u grants %s %s, in '" STR_FMT "', which is to be append-only", line,
                       lint_methods(pass->issues->arena, granted), lint_when(pass, allow), STR_ARG(pattern)));
}

void lint_append_only(struct lint_pass *pass)
{
    for (size_t i = 0; i < pass->options->n_append_only; i++)
        for (uint32_t j = 0; j < pass->ruleset->n_allows; j++)
            look_at(pass, pass->ruleset->allows[j], pass->options->append_only[i]);
}

const char *rules_append_only_grants(const struct ruleset *ruleset, struct str pattern, struct arena *arena)
{
    const char *text = NULL;
    unsigned n = 0;
    struct issue_list texts = { .arena = arena };
    struct lint_pass pass = {
        .ruleset = ruleset, .issues = &texts, .arena = arena_new(), .steps = LIMIT_RULES_LINT_STEPS
    };
    for (uint32_t i = 0; i < ruleset->n_allows; i++) {
        const struct ast_allow *allow = ruleset->allows[i];
        unsigned granted = granted_in(&pass, allow, pattern);
        if (granted && n++ < SHOWN_GRANTS)
            text = lint_text(&pass, "%s%sline %u grants %s %s", text ? text : "", text ? "; " : "",
                             lint_line(ruleset, allow->file, allow->span), lint_methods(arena, granted),
                             lint_when(&pass, allow));
    }
    arena_free(pass.arena);
    return n > SHOWN_GRANTS ? arena_printf(arena, "%s; and %u more", text, n - SHOWN_GRANTS) : text;
}
