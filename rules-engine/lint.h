/* lint.h - our own warnings about rules that compile and mean something else than they say.
 *
 * A lint is a row in lint.c and a function in a lint_*.c, one file a family. It looks at a compiled ruleset
 * and tells what it finds with lint_add. What people suppress with a comment is taken out afterwards
 * (lint_suppress.c), so lints know nothing of it. How expressions are looked at: lint_expr.h. */
#ifndef RULES_ENGINE_LINT_H
#define RULES_ENGINE_LINT_H

#include "rules-engine/issues.h"

struct lint_pass {
    const struct ruleset *ruleset;
    const struct rules_lint_options *options;
    const struct lint *lint;   /* the one that runs */
    struct issue_list *issues; /* where findings go; texts into its arena */
    struct arena *arena;       /* for the duration of the pass */
    unsigned steps;            /* left for lint_walk, lint_conjuncts and lint_truth_of of this lint */
    unsigned names_followed;   /* lint_walk: through how many names the expression visited was reached */
    bool added;                /* the last lint_add told something new */
};

/* One lint. Adding one is a row in lint.c, a function in a file lint_*.c and a script in tests/rules/lint. */
struct lint {
    struct rules_lint_info info;
    void (*run)(struct lint_pass *pass); /* NULL: found elsewhere (lint_suppress.c) */
};

/* ---- telling ---- */

/* A finding of the running lint. `note` is what to do about it, NULL for nothing. Texts in the arena of
 * pass->issues, or constants. */
void lint_add(struct lint_pass *pass, enum rules_severity severity, uint32_t file, struct ast_span span,
              const char *note, const char *message);
/* Another place that the finding just added speaks of; nothing when it was told before. */
void lint_relate(struct lint_pass *pass, uint32_t file, struct ast_span span, const char *text);
/* Whether there are steps left, and room for findings or none of them an error yet. Who looks at each allow
 * for each other one asks, and spends a step each time, so that hostile rules take bounded time and memory.
 */
bool lint_goes_on(struct lint_pass *pass);
/* In the arena of pass->issues. */
#define lint_text(pass, ...) arena_printf((pass)->issues->arena, __VA_ARGS__)

/* ---- words for messages (lint_words.c) ---- */

struct str lint_source(const struct ruleset *ruleset, uint32_t file, struct ast_span span);
/* Without comments, on one line, cut. */
const char *lint_one_line(struct arena *arena, struct str text);
uint32_t lint_line(const struct ruleset *ruleset, uint32_t file, struct ast_span span);
const char *lint_methods(struct arena *arena, unsigned methods); /* "read, create" */
/* "always", or "when " and the condition as written. */
const char *lint_when(const struct lint_pass *pass, const struct ast_allow *allow);
/* The match path as it stands in the file, outer matches included, without /databases/{d}/documents. */
const char *lint_pattern(struct arena *arena, const struct ast_match *match);
/* "'update users/x'": a request of one of `methods`, a write where there is one, on a document that both
 * matches are about, which may be the same. */
const char *lint_request(const struct lint_pass *pass, const struct ast_match *a, const struct ast_match *b,
                         unsigned methods);
/* The path below /databases/{d}/documents: its parts, *n of them; NULL when the match is not below it. */
const struct ast_path_part *lint_document_parts(const struct ast_match *match, uint32_t *n);

/* Visits the matches of cloud.firestore, outer ones first. */
typedef void lint_visit_match(struct lint_pass *pass, const struct ast_match *match);
void lint_each_match(struct lint_pass *pass, lint_visit_match *visit);
/* Whether the allow is about documents that a pattern of --append-only names (lint_append.c). */
bool lint_in_pattern(const struct lint_pass *pass, const struct ast_allow *allow, struct str pattern);

/* ---- the lints, by family ---- */

void lint_useless_deny(struct lint_pass *pass); /* lint_deny.c */
void lint_overridden(struct lint_pass *pass);
void lint_append_only(struct lint_pass *pass); /* lint_append.c */
void lint_schema(struct lint_pass *pass);      /* lint_schema.c */
void lint_unbounded(struct lint_pass *pass);
void lint_unpinned_update(struct lint_pass *pass); /* lint_update.c */
void lint_own_role(struct lint_pass *pass);        /* lint_role.c */
void lint_never_matches(struct lint_pass *pass);   /* lint_paths.c */
void lint_unknown_method(struct lint_pass *pass);
void lint_literal_segment(struct lint_pass *pass);
void lint_list_fields(struct lint_pass *pass);   /* lint_list.c */
void lint_wrong_context(struct lint_pass *pass); /* lint_context.c */
void lint_lookup_null(struct lint_pass *pass);
void lint_absence(struct lint_pass *pass);
void lint_precedence(struct lint_pass *pass); /* lint_operators.c */
void lint_foreign_words(struct lint_pass *pass);
void lint_regex(struct lint_pass *pass);
void lint_mixed_numbers(struct lint_pass *pass);
void lint_signed_in_only(struct lint_pass *pass); /* lint_access.c */
void lint_owner_unchecked(struct lint_pass *pass);
void lint_open_list(struct lint_pass *pass);
void lint_open_to_all(struct lint_pass *pass);
void lint_unverified_email(struct lint_pass *pass); /* lint_trust.c */
void lint_test_mode(struct lint_pass *pass);
void lint_unpinned_time(struct lint_pass *pass);
void lint_budget(struct lint_pass *pass);   /* lint_budget.c */
void lint_shadowed(struct lint_pass *pass); /* lint_names.c */

/* ---- lint_suppress.c ---- */

/* Takes out what a comment `// cinderlog-ignore: ID -- reason` on the line, or alone on the line before,
 * suppresses; a comment without a reason, with an unknown ID or without effect becomes a finding itself. */
void lint_suppress(struct lint_pass *pass);

/* All lints; *n of them. */
const struct lint *lint_all(size_t *n);

#endif
