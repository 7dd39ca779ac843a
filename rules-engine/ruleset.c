/* ruleset.c - the life of a compiled ruleset: files in, tree and findings out, reference count, statistics.
 */
#include "rules-engine/check.h"
#include "rules-engine/coverage.h"
#include "rules-engine/fold.h"
#include "rules-engine/lexer.h"
#include "rules-engine/parser.h"
#include "rules-engine/syntax.h"

#include "core/crypto.h"
#include "core/limits.h"

#include <assert.h>

/* ---- compiling ---- */

/* Length-prefixed names and contents, so that no two lists of files share a digest. */
static void compute_digest(struct ruleset *ruleset)
{
    struct sha256 h;
    sha256_init(&h);
    for (size_t i = 0; i < ruleset->n_files; i++) {
        struct str parts[] = { ruleset->files[i].name, ruleset->files[i].content };
        for (size_t j = 0; j < 2; j++) {
            unsigned char length[8];
            for (int k = 0; k < 8; k++)
                length[k] = (unsigned char)((uint64_t)parts[j].n >> (56 - 8 * k));
            sha256_update(&h, length, sizeof length);
            sha256_update(&h, parts[j].p, parts[j].n);
        }
    }
    sha256_final(&h, ruleset->digest);
}

/* A file saved in another encoding is read as Firebase's tools read it: what is no UTF-8 becomes U+FFFD.
 * Texts of the rules reach clients, in messages that must be UTF-8. */
static struct str copy_as_utf8(struct arena *arena, struct str text)
{
    struct buf out;
    size_t good = str_utf8_prefix(text);
    if (good == text.n)
        return arena_str(arena, text);
    buf_init(&out, 3 * text.n);
    for (; text.n > 0; text = str_skip(text, good), good = str_utf8_prefix(text)) {
        buf_str(&out, (struct str){ text.p, good });
        if (good < text.n) {
            buf_z(&out, "\xEF\xBF\xBD");
            good++;
        }
    }
    text = arena_str(arena, buf_view(&out));
    buf_dispose(&out);
    return text;
}

static struct ruleset *ruleset_new(const struct rules_file *files, size_t n)
{
    struct arena *arena = arena_new();
    struct ruleset *ruleset = ARENA_NEW(arena, struct ruleset);
    atomic_init(&ruleset->references, 1);
    ruleset->arena = arena;
    ruleset->n_files = n;
    ruleset->files = ARENA_ARRAY(arena, struct rules_file, n);
    ruleset->sources = ARENA_ARRAY(arena, struct source, n);
    ruleset->units = ARENA_ARRAY(arena, struct ast_unit, n);
    for (size_t i = 0; i < n; i++) {
        ruleset->files[i].name = arena_str(arena, files[i].name);
        ruleset->files[i].content = copy_as_utf8(arena, files[i].content);
        source_init(&ruleset->sources[i], arena, ruleset->files[i].name, ruleset->files[i].content);
    }
    compute_digest(ruleset);
    return ruleset;
}

/* A syntax error that syntax.c has no words for: past a limit of ours. */
static void add_plain_error(struct ruleset *ruleset, uint32_t file, const struct token *token,
                            const char *limit, struct issue_list *issues)
{
    struct ast_span span = { token->from, token->to };
    if (limit)
        issues_add(issues, RULES_ERROR, file, span, "%s", limit);
    else
        issues_add(issues, RULES_ERROR, file, span, "Unexpected '" STR_FMT "'.",
                   (int)(token->to - token->from), ruleset->sources[file].text.p + token->from);
}

/* Parses a file and looks at its constructs one by one: the rest needs a ruleset without errors so far. */
static void parse_file(struct ruleset *ruleset, uint32_t file, struct issue_list *issues)
{
    if (ruleset->sources[file].text.n == 0) {
        issues_add_file(issues, RULES_ERROR, file, "Rules content empty. Compilation aborted.");
        return;
    }
    struct tokens tokens;
    struct parser_stop stop;
    size_t before = issues->n;
    lexer_run(&tokens, ruleset->arena, ruleset->sources[file].text);
    if (parser_run(&ruleset->units[file], ruleset, file, &tokens, issues, &stop)) {
        check_constructs(&ruleset->units[file], file, issues);
        syntax_report_no_tokens(issues, file, &tokens);
        return;
    }
    issues_drop(issues, before);
    bool broken = false;
    if (stop.limit || !syntax_explain(issues, file, &tokens, &broken))
        add_plain_error(ruleset, file, &tokens.items[stop.token], stop.limit, issues);
    if (!broken)
        parser_check_version(ruleset, file, &tokens, issues);
}

/* Google's message: one line per finding, warnings among them. */
static enum status_code refuse(const struct rules_issues *issues, struct arena *arena, struct status *st)
{
    struct buf text;
    buf_init(&text, LIMIT_MESSAGE_BYTES);
    buf_z(&text, "Error compiling rules:");
    for (size_t i = 0; i < issues->n; i++)
        buf_printf(&text, "\nL%u:%u %s", (unsigned)issues->items[i].line, (unsigned)issues->items[i].column,
                   issues->items[i].description);
    struct str message = arena_str(arena, buf_view(&text));
    buf_dispose(&text);
    return status_set(st, STATUS_INVALID_ARGUMENT, "%s", message.p);
}

static enum status_code check_files(const struct rules_file *files, size_t n, struct status *st)
{
    if (n == 0 || n > LIMIT_RULES_FILES)
        return status_set(st, STATUS_INVALID_ARGUMENT, "rules.files must hold 1 to %d files, not %zu",
                          LIMIT_RULES_FILES, n);
    for (size_t i = 0; i < n; i++)
        if (files[i].content.n > LIMIT_RULES_SOURCE_BYTES)
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "rules.files[%zu].content has %zu bytes; at most %d", i, files[i].content.n,
                              LIMIT_RULES_SOURCE_BYTES);
    return STATUS_OK;
}

/* Findings point into the ruleset, which is gone when it did not compile: into the caller's arena. */
static void copy_issues(struct rules_issues *out, const struct rules_issues *from, struct arena *arena)
{
    *out = *from;
    out->items = ARENA_ARRAY(arena, struct rules_issue, from->n);
    for (size_t i = 0; i < from->n; i++) {
        out->items[i] = from->items[i];
        out->items[i].file = arena_str(arena, from->items[i].file);
        out->items[i].description = arena_str(arena, str_of(from->items[i].description)).p;
    }
}

enum status_code rules_compile(struct ruleset **out, const struct rules_file *files, size_t n,
                               struct rules_issues *issues, struct arena *arena, struct status *st)
{
    *out = NULL;
    *issues = (struct rules_issues){ 0 };
    if (check_files(files, n, st))
        return st->code;
    struct ruleset *ruleset = ruleset_new(files, n);
    struct issue_list list;
    issues_init(&list, ruleset->arena, ruleset->sources);
    for (size_t i = 0; i < n; i++)
        parse_file(ruleset, (uint32_t)i, &list);
    if (list.errors == 0)
        check_run(ruleset, &list);
    struct rules_issues found;
    issues_finish(&list, &found);
    copy_issues(issues, &found, arena);
    if (issues->errors > 0) {
        rules_release(ruleset);
        return refuse(issues, arena, st);
    }
    fold_run(ruleset);
    ruleset->coverage = coverage_new(ruleset->arena, ruleset->n_nodes);
    *out = ruleset;
    return STATUS_OK;
}

/* ---- holding ---- */

void rules_retain(struct ruleset *ruleset)
{
    int before = atomic_fetch_add_explicit(&ruleset->references, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
}

void rules_release(struct ruleset *ruleset)
{
    if (ruleset && atomic_fetch_sub_explicit(&ruleset->references, 1, memory_order_acq_rel) == 1)
        arena_free(ruleset->arena); /* the ruleset itself lives in it */
}

const unsigned char *rules_digest(const struct ruleset *ruleset)
{
    return ruleset->digest;
}

const struct rules_file *rules_files(const struct ruleset *ruleset, size_t *n)
{
    *n = ruleset->n_files;
    return ruleset->files;
}

struct ruleset *rules_open_ruleset(void)
{
    static const char open_rules[] = "rules_version = '2';\n"
                                     "service cloud.firestore {\n"
                                     "  match /databases/{database}/documents {\n"
                                     "    match /{document=**} {\n"
                                     "      allow read, write: if true;\n"
                                     "    }\n"
                                     "  }\n"
                                     "}";
    const struct rules_file file = { STR("OPEN_RULES"), STR(open_rules) };
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct rules_issues issues;
    struct ruleset *ruleset;
    enum status_code code = rules_compile(&ruleset, &file, 1, &issues, arena, &st);
    assert(code == STATUS_OK);
    (void)code;
    arena_free(arena);
    return ruleset;
}

/* ---- statistics ---- */

static const char *pattern_text(const struct ruleset *ruleset, const struct ast_match *match,
                                struct arena *arena)
{
    const char *below = "";
    for (; match; match = match->parent) {
        struct str text = ruleset->files[match->file].content;
        below = arena_printf(arena, STR_FMT "%s", (int)(match->path_span.to - match->path_span.from),
                             text.p + match->path_span.from, below);
    }
    return below;
}

struct rules_allow_stats *rules_stats(const struct ruleset *ruleset, struct arena *arena, size_t *n)
{
    *n = ruleset->n_allows;
    struct rules_allow_stats *stats = ARENA_ARRAY(arena, struct rules_allow_stats, *n);
    for (size_t i = 0; i < *n; i++) {
        const struct ast_allow *allow = ruleset->allows[i];
        stats[i].file = ruleset->files[allow->file].name;
        source_position(&ruleset->sources[allow->file], allow->span.from, &stats[i].line, &stats[i].column);
        stats[i].methods = allow->methods_text;
        stats[i].pattern = pattern_text(ruleset, allow->match, arena);
        stats[i].evaluated = atomic_load_explicit(&allow->evaluated, memory_order_relaxed);
        stats[i].granted = atomic_load_explicit(&allow->granted, memory_order_relaxed);
    }
    return stats;
}
