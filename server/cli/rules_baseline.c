/* rules_baseline.c - fingerprints of findings, and the file of those that are known; see rules_check.h.
 *
 *   # cinderlog rules baseline 1
 *   firestore.rules<TAB>useless-deny<TAB>3f21c8a90b6d11e4:1<TAB>error: line 10 grants ...
 *
 * One finding a line, so that reviews and merges of the file read well; what stands behind the third tab is
 * for people. A finding is known by its file, its lint and its line as it reads, not by where the line
 * stands; the number behind the colon tells apart those for which all of that is the same. */
#include "core/limits.h"
#include "server/cli/cli.h"
#include "server/cli/rules_check.h"
#include "server/files.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BASELINE_MAX = 16 * 1024 * 1024, FIELDS = 4 };

static const char heading[] = "# cinderlog rules baseline 1";

/* ---- fingerprints ---- */

const char *check_id(const struct rules_issue *issue)
{
    return issue->lint ? issue->lint : issue->severity == RULES_ERROR ? "compile-error" : "compile-warning";
}

static struct str line_text(struct str content, uint32_t line)
{
    while (line > 1 && content.n) {
        const char *end = memchr(content.p, '\n', content.n);
        content = str_skip(content, end ? (size_t)(end - content.p) + 1 : content.n);
        line--;
    }
    const char *end = content.n ? memchr(content.p, '\n', content.n) : NULL;
    content.n = end ? (size_t)(end - content.p) : content.n;
    while (content.n && strchr(" \t", content.p[0]))
        content = str_skip(content, 1);
    while (content.n && strchr(" \t\r", content.p[content.n - 1]))
        content.n--;
    return content;
}

void check_mark(struct checked_file *file, struct arena *arena)
{
    file->marks = ARENA_ARRAY(arena, struct finding_mark, file->issues.n);
    for (size_t i = 0; i < file->issues.n; i++) {
        const struct rules_issue *issue = &file->issues.items[i];
        uint64_t hash = str_hash(STR_HASH_SEED, str_of(check_id(issue)));
        if (issue->has_position)
            hash = str_hash(hash, line_text(file->file.content, issue->line));
        file->marks[i] = (struct finding_mark){ .line_hash = hash, .which = 1 };
        for (size_t j = 0; j < i; j++)
            file->marks[i].which += file->marks[j].line_hash == hash;
    }
}

/* ---- the file ---- */

/* The name as the baseline has it: "./a.rules" is a.rules. */
static struct str name_of(const struct checked_file *file)
{
    struct str name = file->file.name;
    while (str_starts(name, STR("./")))
        name = str_skip(name, 2);
    return name;
}

/* What the baseline has of a finding up to the third tab. */
static const char *key_of(struct arena *arena, const struct checked_file *file, size_t at)
{
    return arena_printf(arena, STR_FMT "\t%s\t%016" PRIx64 ":%u", STR_ARG(name_of(file)),
                        check_id(&file->issues.items[at]), file->marks[at].line_hash, file->marks[at].which);
}

/* That rules do not compile is never known, and never written. */
static bool is_kept(const struct rules_issue *issue)
{
    return issue->lint || issue->severity != RULES_ERROR;
}

static struct str take_line(struct str *rest)
{
    const char *end = memchr(rest->p, '\n', rest->n);
    struct str line = end ? str_from(rest->p, (size_t)(end - rest->p)) : *rest;
    *rest = str_skip(*rest, end ? line.n + 1 : line.n);
    while (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* The line up to its third tab; empty for one that is no finding. */
static struct str key_in(struct str line)
{
    size_t tabs = 0, i = 0;
    if (line.n == 0 || line.p[0] == '#')
        return STR("");
    for (; i < line.n; i++)
        if (line.p[i] == '\t' && ++tabs == FIELDS - 1)
            break;
    return tabs >= FIELDS - 2 ? str_from(line.p, i) : STR("");
}

/* Whether a finding of a checked file has that key; marks it as known. */
static bool mark_known(struct arena *arena, struct checked_file *file, struct str key)
{
    for (size_t i = 0; i < file->issues.n; i++) {
        if (is_kept(&file->issues.items[i]) && str_eq_z(key, key_of(arena, file, i))) {
            file->marks[i].known = true;
            return true;
        }
    }
    return false;
}

static bool is_of(const struct checked_file *file, struct str key)
{
    struct str name = name_of(file);
    return key.n > name.n && str_starts(key, name) && key.p[name.n] == '\t';
}

int check_read_baseline(struct checked_file *files, size_t n, const char *path)
{
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct str rest;
    int code = EXIT_OK;
    if (file_read(&rest, arena, path, BASELINE_MAX, &st)) {
        code = cli_fail(EXIT_USAGE, "%s; cinderlog rules check --baseline %s --write-baseline makes it",
                        status_message(&st), path);
        goto out;
    }
    if (!str_starts(rest, STR(heading))) {
        code = cli_fail(EXIT_USAGE, "%s: no baseline of this version: its first line is not '%s'", path,
                        heading);
        goto out;
    }
    while (rest.n) {
        struct str key = key_in(take_line(&rest));
        for (size_t i = 0; key.n && i < n; i++)
            if (is_of(&files[i], key) && !mark_known(arena, &files[i], key))
                files[i].gone++;
    }
out:
    arena_free(arena);
    return code;
}

/* A tab or line break in a message would begin another field or line. */
static void write_words(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_byte(out, (unsigned char)*text < ' ' ? ' ' : (unsigned char)*text);
}

static size_t write_file(struct buf *out, struct arena *arena, const struct checked_file *file)
{
    size_t written = 0;
    for (size_t i = 0; i < file->issues.n; i++) {
        const struct rules_issue *issue = &file->issues.items[i];
        if (!is_kept(issue))
            continue;
        buf_printf(out, "%s\t%s: ", key_of(arena, file, i),
                   issue->severity == RULES_ERROR ? "error" : "warning");
        write_words(out, issue->description);
        buf_byte(out, '\n');
        written++;
    }
    return written;
}

int check_write_baseline(const struct checked_file *files, size_t n, const char *path)
{
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct buf out;
    size_t written = 0;
    int code = EXIT_OK;
    buf_init(&out, BASELINE_MAX);
    buf_printf(&out,
               "%s\n# file, lint, fingerprint of the line, what was found. Made by cinderlog rules check.\n",
               heading);
    for (size_t i = 0; i < n; i++) {
        if (memchr(files[i].file.name.p, '\t', files[i].file.name.n)) {
            code = cli_fail(EXIT_USAGE, "a file name with a tab cannot be in a baseline");
            goto out;
        }
        written += write_file(&out, arena, &files[i]);
    }
    if (file_write(path, str_from(out.data, out.len), &st)) {
        code = cli_fail(EXIT_RUNTIME, "%s", status_message(&st));
        goto out;
    }
    fprintf(stderr, "cinderlog: %s: %zu finding%s known from now on\n", path, written,
            written == 1 ? "" : "s");
out:
    buf_dispose(&out);
    arena_free(arena);
    return code;
}
