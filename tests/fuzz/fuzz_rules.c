/* fuzz_rules.c - any text as a rules file: compiled, explained, linted, drawn, and decided with.
 *
 * Besides surviving, it holds the two readers of the grammar together: what the parser takes, the walk that
 * words syntax errors must find nothing wrong with, and the other way round. Options for libFuzzer:
 * -dict=tests/fuzz/rules.dict -max_len=2000 */
#include "rules-engine/issues.h"
#include "rules-engine/parser.h"
#include "rules-engine/syntax.h"

#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

/* Unlike assert, in every build. */
#define CHECK(fact)                                                                                          \
    do {                                                                                                     \
        if (!(fact)) {                                                                                       \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #fact);                         \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Syntax alone, by both readers. */
static void compare_readers(struct str text)
{
    struct arena *arena = arena_new();
    struct source source;
    struct tokens tokens;
    struct parser_stop stop = { 0 };
    struct ast_unit unit;
    struct issue_list found, explained;
    struct ruleset ruleset = { .arena = arena, .sources = &source, .n_files = 1 };
    source_init(&source, arena, STR("f"), text);
    issues_init(&found, arena, &source);
    issues_init(&explained, arena, &source);
    lexer_run(&tokens, arena, text);
    bool broken, parsed = parser_run(&unit, &ruleset, 0, &tokens, &found, &stop);
    bool said = syntax_explain(&explained, 0, &tokens, &broken);
    bool type_names = false, others = tokens.n_errors > 0;
    for (size_t i = 0; i < explained.n; i++) {
        bool is_type_name = strncmp(explained.items[i].description, "An unsupported type", 19) == 0;
        type_names = type_names || is_type_name;
        others = others || !is_type_name;
    }
    if (parsed && tokens.n_errors == 0)
        CHECK(!others && (!type_names || found.errors > 0));
    else if (!parsed && !stop.limit)
        CHECK(said && others);
    arena_free(arena);
}

static void check_issues(const struct rules_issues *issues, const struct rules_file *file)
{
    struct buf out;
    buf_init(&out, 64 * 1024 * 1024);
    size_t errors = 0;
    for (size_t i = 0; i < issues->n; i++) {
        const struct rules_issue *issue = &issues->items[i];
        errors += issue->severity == RULES_ERROR;
        CHECK(issue->offset <= file->content.n && issue->end_offset <= file->content.n);
        CHECK(!issue->has_position || (issue->line > 0 && issue->column > 0));
        CHECK(i == 0 || issue[-1].line < issue->line ||
              (issue[-1].line == issue->line && issue[-1].column <= issue->column));
        rules_print_issue(&out, issue, file, 1, i % 2);
    }
    CHECK(errors + issues->dropped_errors == issues->errors);
    buf_dispose(&out);
}

static enum status_code no_document(void *data, struct database_name db, struct str path, bool after,
                                    struct arena *arena, struct rules_document *out, struct status *st)
{
    (void)data, (void)db, (void)path, (void)after, (void)arena, (void)st;
    *out = (struct rules_document){ 0 };
    return STATUS_OK;
}

static void decide(const struct ruleset *ruleset, enum rules_method method, struct arena *arena)
{
    struct rules_document resource = { .exists = method != RULES_CREATE };
    struct value_map fields = { 0 };
    struct rules_query query = { .collection_id = STR("a") };
    struct rules_request request = {
        .method = method,
        .db = { STR("p"), STR("(default)") },
        .path = method == RULES_LIST ? STR("a") : STR("a/b"),
        .resource = method == RULES_LIST ? NULL : &resource,
        .new_fields = method == RULES_CREATE || method == RULES_UPDATE ? &fields : NULL,
        .query = method == RULES_LIST ? &query : NULL,
    };
    struct rules_env env = { .get_document = no_document };
    struct rules_decision decision;
    struct status st = status_init(arena);
    CHECK(rules_decide(ruleset, &request, &env, NULL, arena, &decision, &st) == STATUS_OK ||
          st.code == STATUS_RESOURCE_EXHAUSTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct rules_file file = { STR("f"), str_from(data, size) };
    struct rules_issues issues;
    struct ruleset *ruleset;
    struct status st = status_init(arena);
    if (size > LIMIT_RULES_SOURCE_BYTES) {
        arena_free(arena);
        return 0;
    }
    compare_readers(file.content);
    enum status_code code = rules_compile(&ruleset, &file, 1, &issues, arena, &st);
    CHECK((code == STATUS_OK) == (ruleset != NULL) && (code == STATUS_OK) == (issues.errors == 0));
    check_issues(&issues, &file);
    if (ruleset) {
        size_t n;
        const struct str append_only[] = { STR("**"), STR("a/*/b") };
        const struct rules_lint_options options = { append_only, 2, 1 };
        rules_lint(ruleset, &options, &issues, arena);
        check_issues(&issues, &file);
        for (int method = RULES_GET; method <= RULES_DELETE; method++)
            decide(ruleset, (enum rules_method)method, arena);
        rules_stats(ruleset, arena, &n);
    }
    rules_release(ruleset);
    arena_free(arena);
    return 0;
}
