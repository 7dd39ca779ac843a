/* rules_text.c - findings of `rules check` for people, and its --help; see rules_check.h. */
#include "server/cli/rules_check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 10 }; /* findings */

const char *check_verdict(struct arena *arena, const struct checked_file *file, struct str pattern)
{
    const char *grants = rules_append_only_grants(file->ruleset, pattern, arena);
    return grants ? grants : "no granting path found (not a proof)";
}

static void print_count(struct buf *out, size_t n, const char *what)
{
    buf_printf(out, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

/* "  30 signed-in-only, 5 open-list": what there is, when it is more than fits a screen. */
static void print_kinds(struct buf *out, const struct checked_file *file)
{
    const char *separator = "  ";
    for (size_t i = 0; i < file->issues.n; i++) {
        const char *id = check_id(&file->issues.items[i]);
        size_t n = 0, before = 0;
        for (size_t j = 0; j < file->issues.n; j++)
            if (!file->marks[j].known && strcmp(check_id(&file->issues.items[j]), id) == 0) {
                n++;
                before += j < i;
            }
        if (file->marks[i].known || before)
            continue;
        buf_printf(out, "%s%zu %s", separator, n, id);
        separator = ", ";
    }
    buf_byte(out, '\n');
}

/* "firestore.rules: 1 error, 2 warnings"; of a baseline "1 new error, 0 new warnings; 4 known, 1 gone". */
static void print_summary(struct buf *out, const struct check_options *options,
                          const struct checked_file *file)
{
    size_t errors = 0, warnings = 0, known = 0;
    for (size_t i = 0; i < file->issues.n; i++) {
        if (file->marks[i].known)
            known++;
        else if (file->issues.items[i].severity == RULES_ERROR)
            errors++;
        else
            warnings++;
    }
    buf_printf(out, STR_FMT ": ", STR_ARG(file->file.name));
    print_count(out, errors, options->baseline ? "new error" : "error");
    buf_z(out, ", ");
    print_count(out, warnings, options->baseline ? "new warning" : "warning");
    if (options->baseline)
        buf_printf(out, "; %zu known", known);
    if (file->gone)
        buf_printf(out, ", %zu gone: --write-baseline forgets what is gone", file->gone);
    if (file->issues.dropped)
        buf_printf(out, "; at least %zu more are not shown, %zu of them errors", file->issues.dropped,
                   file->issues.dropped_errors);
    buf_byte(out, '\n');
    if (errors + warnings >= MANY)
        print_kinds(out, file);
}

/* NO_COLOR: see no-color.org. */
static bool wants_colours(void)
{
    const char *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no && *no);
}

void check_print_text(struct buf *out, const struct check_options *options, const struct checked_file *files,
                      size_t n)
{
    struct arena *arena = arena_new();
    bool colours = wants_colours();
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < files[i].issues.n; j++) {
            if (files[i].marks[j].known)
                continue;
            rules_print_issue(out, &files[i].issues.items[j], &files[i].file, 1, colours);
            buf_byte(out, '\n');
        }
        for (size_t j = 0; j < options->n_append_only && files[i].ruleset; j++)
            buf_printf(out, "append-only '" STR_FMT "': %s\n", STR_ARG(options->append_only[j]),
                       check_verdict(arena, &files[i], options->append_only[j]));
        print_summary(out, options, &files[i]);
    }
    arena_free(arena);
}

void check_print_help(struct buf *out)
{
    const struct rules_lint_info *info;
    buf_z(out,
          "cinderlog rules check [options] [FILE ...]     (default: as firebase.json says, or "
          "firestore.rules)\n"
          "  --append-only PATTERN       a collection whose documents are not to change: api_audit_logs, "
          "tenants/*/logs\n"
          "  --fail-on error|warning     what exit 1 is for (default: error; with --baseline: warning)\n"
          "  --format text|json|sarif|github   (default: text)\n"
          "  --baseline FILE             findings in FILE are known; only new ones are printed and fail\n"
          "  --write-baseline            make FILE say what is found now\n"
          "  --watch                     check again whenever a file changes; Ctrl-C ends\n"
          "Exit 0: nothing found that fails; 1: something is; 2: usage, or a file that cannot be read.\n"
          "Lints, to be silenced by `// cinderlog-ignore: ID -- reason` on their line or above it:\n");
    for (size_t i = 0; (info = rules_lint_info(i)); i++)
        buf_printf(out, "  %-20s %s%s\n", info->id, info->severity == RULES_ERROR ? "(error) " : "",
                   info->doc);
}
