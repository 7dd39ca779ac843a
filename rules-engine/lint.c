/* lint.c - see lint.h: the table of lints, running them, and which compiler warnings give way to them. */
#include "rules-engine/lint.h"

#include "core/limits.h"

#define ACCESS "A01:2021"
#define DESIGN "A04:2021"
#define CONFIGURATION "A05:2021"
#define AUTHENTICATION "A07:2021"
#define INTEGRITY "A08:2021"

static const struct lint lints[] = {
    { { "useless-deny", "an `if false` that takes back nothing of what another allow grants", RULES_ERROR,
        "CWE-863", ACCESS },
      lint_useless_deny },
    { { "overridden-condition", "a condition that another allow, here or in an overlapping match, makes void",
        RULES_WARNING, "CWE-863", ACCESS },
      lint_overridden },
    { { "append-only", "an update or delete granted in a collection that is declared append-only",
        RULES_ERROR, "CWE-732", INTEGRITY },
      lint_append_only },
    { { "incomplete-schema",
        "a create without hasAll, hasOnly or types: fields can be left out, added or mistyped", RULES_ERROR,
        "CWE-20", DESIGN },
      lint_schema },
    { { "unbounded-field",
        "a text or list of any size where others are bounded, or in an append-only collection", RULES_WARNING,
        "CWE-770", DESIGN },
      lint_unbounded },
    { { "own-role", "a role read from a document that its user can write", RULES_ERROR, "CWE-269", ACCESS },
      lint_own_role },
    { { "never-matches", "a match path that no document has", RULES_WARNING, "CWE-561", CONFIGURATION },
      lint_never_matches },
    { { "unknown-method", "an allow of a method that does not exist", RULES_WARNING, "CWE-561",
        CONFIGURATION },
      lint_unknown_method },
    { { "literal-segment", "a path segment that looks like a variable and is a literal", RULES_WARNING,
        "CWE-628", CONFIGURATION },
      lint_literal_segment },
    { { "wrong-context", "a condition that cannot hold for a method of its allow", RULES_WARNING, "CWE-570",
        DESIGN },
      lint_wrong_context },
    { { "list-fields", "a list condition about fields that a query need not filter by", RULES_WARNING,
        "CWE-863", ACCESS },
      lint_list_fields },
    { { "lookup-null", "get() compared with null: a missing document is an error, not null", RULES_WARNING,
        "CWE-571", DESIGN },
      lint_lookup_null },
    { { "absence-test", "a field or claim compared as if it were null when it is absent", RULES_WARNING,
        "CWE-754", DESIGN },
      lint_absence },
    { { "precedence", "`!a in b`, `a in b == c`: operators that bind otherwise than they read", RULES_WARNING,
        "CWE-783", DESIGN },
      lint_precedence },
    { { "foreign-word", "a method or property of another language", RULES_WARNING, "CWE-440", DESIGN },
      lint_foreign_words },
    { { "unpinned-update", "an update that may change whose the document is, or when it was created",
        RULES_WARNING, "CWE-639", ACCESS },
      lint_unpinned_update },
    { { "signed-in-only", "writing or listing allowed to everyone who can sign in, anonymously too",
        RULES_WARNING, "CWE-862", AUTHENTICATION },
      lint_signed_in_only },
    { { "unverified-email", "an e-mail address trusted without email_verified", RULES_WARNING, "CWE-287",
        AUTHENTICATION },
      lint_unverified_email },
    { { "unpinned-time", "a time written by the client that is not held to request.time", RULES_WARNING,
        "CWE-345", INTEGRITY },
      lint_unpinned_time },
    { { "test-mode", "access until a date, as the console's test mode writes it", RULES_WARNING, "CWE-284",
        CONFIGURATION },
      lint_test_mode },
    { { "regex", "a regular expression that matches more or less than meant", RULES_WARNING, "CWE-185",
        DESIGN },
      lint_regex },
    { { "open-list", "listing granted where only get may be meant, without a limit", RULES_WARNING, "CWE-359",
        ACCESS },
      lint_open_list },
    { { "budget", "more lookups or expressions than a request may use", RULES_WARNING, "CWE-400", DESIGN },
      lint_budget },
    { { "mixed-numbers", "whole floats in a list, where 1 and 1.0 are different", RULES_WARNING, "CWE-697",
        DESIGN },
      lint_mixed_numbers },
    { { "open-to-all", "an allow without a condition, or writing allowed to everyone", RULES_WARNING,
        "CWE-284", ACCESS },
      lint_open_to_all },
    { { "shadowed", "a function, parameter or let that hides another of its name", RULES_WARNING, "CWE-1109",
        DESIGN },
      lint_shadowed },
    { { "owner-unchecked", "a path with a user's id that is not compared with request.auth.uid",
        RULES_WARNING, "CWE-639", ACCESS },
      lint_owner_unchecked },
    { { "suppression", "a cinderlog-ignore comment without reason, of an unknown lint, or without effect",
        RULES_WARNING, "CWE-1078", CONFIGURATION },
      NULL },
};

const struct lint *lint_all(size_t *n)
{
    *n = sizeof lints / sizeof lints[0];
    return lints;
}

const struct rules_lint_info *rules_lint_info(size_t i)
{
    return i < sizeof lints / sizeof lints[0] ? &lints[i].info : NULL;
}

static bool is_told(const struct lint_pass *pass, uint32_t file, struct ast_span span, const char *message)
{
    const struct source *source = &pass->ruleset->sources[file];
    uint32_t offset = source_chars(source, span.from);
    for (size_t i = 0; i < pass->issues->n; i++) {
        const struct rules_issue *issue = &pass->issues->items[i];
        if (issue->lint == pass->lint->info.id && issue->file.p == source->name.p &&
            issue->offset == offset && strcmp(issue->description, message) == 0)
            return true;
    }
    return false;
}

void lint_add(struct lint_pass *pass, enum rules_severity severity, uint32_t file, struct ast_span span,
              const char *note, const char *message)
{
    /* A function is looked at from each of its callers. What there is no room for is counted. */
    bool full = pass->issues->n >= LIMIT_RULES_ISSUES;
    pass->added = !full && !is_told(pass, file, span, message);
    if (!full && !pass->added)
        return;
    issues_add_lint(pass->issues, severity, pass->lint->info.id, file, span, note, message);
}

void lint_relate(struct lint_pass *pass, uint32_t file, struct ast_span span, const char *text)
{
    struct issue_list *list = pass->issues;
    if (!pass->added)
        return;
    struct rules_issue *issue = &list->items[list->n - 1];
    struct rules_related *all = ARENA_ARRAY(list->arena, struct rules_related, issue->n_related + 1);
    for (size_t i = 0; i < issue->n_related; i++)
        all[i] = issue->related[i];
    struct rules_related *added = &all[issue->n_related];
    added->file = pass->ruleset->sources[file].name;
    added->text = text;
    source_position(&pass->ruleset->sources[file], span.from, &added->line, &added->column);
    issue->related = all;
    issue->n_related++;
}

bool lint_goes_on(struct lint_pass *pass)
{
    bool full = pass->issues->n >= LIMIT_RULES_ISSUES;
    /* One error more decides the exit code, even if it is not shown. */
    if (pass->steps == 0 || (full && (pass->issues->errors || pass->lint->info.severity != RULES_ERROR)))
        return false;
    pass->steps--;
    return true;
}

/* ---- compiler warnings that give way ---- */

/* A finding of the compiler, and the byte that it is at. */
struct place {
    const struct ruleset *ruleset;
    uint32_t file, at;
};

static struct place place_of(const struct ruleset *ruleset, const struct rules_issue *issue)
{
    struct place place = { ruleset, 0, 0 };
    while (ruleset->sources[place.file].name.p != issue->file.p)
        place.file++;
    const struct source *source = &ruleset->sources[place.file];
    place.at = source->lines[issue->line - 1];
    for (uint32_t column = 1; column < issue->column && place.at < source->text.n; column++)
        do
            place.at++;
        while (place.at < source->text.n && ((unsigned char)source->text.p[place.at] & 0xc0) == 0x80);
    return place;
}

static bool in_unused(const struct place *place, const struct ast_function *functions)
{
    for (const struct ast_function *f = functions; f; f = f->next)
        if (!f->used && f->file == place->file && place->at >= f->name_span.to && place->at < f->span.to)
            return true;
    return false;
}

static bool in_unused_below(const struct place *place, const struct ast_match *list)
{
    for (const struct ast_match *match = list; match; match = match->next)
        if (in_unused(place, match->functions) || in_unused_below(place, match->children))
            return true;
    return false;
}

/* In the condition of an allow of no known method. */
static bool in_void_allow(const struct place *place)
{
    for (uint32_t i = 0; i < place->ruleset->n_allows; i++) {
        const struct ast_allow *allow = place->ruleset->allows[i];
        if (allow->methods == 0 && allow->condition && allow->file == place->file &&
            place->at >= allow->condition->start && place->at < allow->span.to)
            return true;
    }
    return false;
}

/* An unused function, and an allow of no known method, are analysed without what they would be called with,
 * so their names count as unknown. */
static bool is_cascade(const struct ruleset *ruleset, const struct rules_issue *issue)
{
    if (issue->lint || issue->severity == RULES_ERROR || !issue->has_position || issue->line == 0 ||
        strncmp(issue->description, "Unused", 6) == 0)
        return false;
    struct place place = place_of(ruleset, issue);
    if (in_void_allow(&place))
        return true;
    for (size_t i = 0; i < ruleset->n_files; i++) {
        if (in_unused(&place, ruleset->units[i].functions))
            return true;
        for (const struct ast_service *s = ruleset->units[i].services; s; s = s->next)
            if (in_unused(&place, s->functions) || in_unused_below(&place, s->matches))
                return true;
    }
    return false;
}

/* These lints say what to write instead of the name that the compiler does not know. */
static bool is_explained(const struct issue_list *list, const struct rules_issue *issue)
{
    if (issue->lint || strncmp(issue->description, "Invalid ", 8) != 0)
        return false;
    for (size_t i = 0; i < list->n; i++) {
        const struct rules_issue *other = &list->items[i];
        bool explains = other->lint &&
                        (strcmp(other->lint, "unknown-method") == 0 ||
                         strcmp(other->lint, "foreign-word") == 0 || strcmp(other->lint, "precedence") == 0);
        if (explains && other->file.p == issue->file.p && other->offset <= issue->offset &&
            other->end_offset >= issue->end_offset)
            return true;
    }
    return false;
}

static void drop_what_gives_way(const struct ruleset *ruleset, struct issue_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++)
        if (!is_cascade(ruleset, &list->items[i]) && !is_explained(list, &list->items[i]))
            list->items[kept++] = list->items[i];
    list->n = kept;
}

/* That nothing was found must not be taken for that nothing is there. */
static void tell_unfinished(struct lint_pass *pass)
{
    lint_add(pass, RULES_WARNING, 0, (struct ast_span){ 0, 0 },
             "make them smaller, or their functions simpler",
             lint_text(pass, "these rules are too large for '%s': it looked at a part of them",
                       pass->lint->info.id));
}

void rules_lint(const struct ruleset *ruleset, const struct rules_lint_options *options,
                struct rules_issues *issues, struct arena *arena)
{
    static const struct rules_lint_options none = { 0 };
    struct issue_list list;
    issues_init(&list, arena, ruleset->sources);
    issues_take(&list, issues);
    struct lint_pass pass = { .ruleset = ruleset, .options = options ? options : &none, .issues = &list };
    for (size_t i = 0; i < sizeof lints / sizeof lints[0]; i++) {
        if (!lints[i].run)
            continue;
        pass.lint = &lints[i];
        pass.steps = LIMIT_RULES_LINT_STEPS;
        pass.arena = arena_new();
        lints[i].run(&pass);
        if (pass.steps == 0)
            tell_unfinished(&pass);
        arena_free(pass.arena);
    }
    pass.arena = arena;
    drop_what_gives_way(ruleset, &list);
    lint_suppress(&pass);
    issues_finish(&list, issues);
}
