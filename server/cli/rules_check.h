/* rules_check.h - what `cinderlog rules check` found, and the forms it is printed in.
 *
 * Text is for people, with carets; JSON is this program's own, one object; github are the commands by which a
 * workflow annotates a pull request; SARIF is 2.1.0 as code scanners read it: CWE and OWASP tags, related
 * locations, fingerprints and, with a baseline, what is new.
 *
 * A finding's fingerprint is of its lint and its line as it reads: it stays the same when lines are inserted
 * above it. With --baseline FILE, findings that FILE has are known: they are not printed as text, and only
 * what is new decides the exit code. */
#ifndef SERVER_CLI_RULES_CHECK_H
#define SERVER_CLI_RULES_CHECK_H

#include "rules-engine/rules.h"

enum { CHECK_MAX_PATTERNS = 32 };

struct check_options {
    enum { CHECK_TEXT, CHECK_JSON, CHECK_SARIF, CHECK_GITHUB, CHECK_FORMATS } format;
    enum rules_severity fail_on;
    bool fail_on_given;
    struct str append_only[CHECK_MAX_PATTERNS];
    size_t n_append_only;
    const char *baseline; /* its file; NULL: none */
    bool write_baseline, watch;
};

struct finding_mark {
    uint64_t line_hash;
    unsigned which; /* of several findings with that hash, from 1 */
    bool known;     /* the baseline has it */
};

/* One file. `ruleset` is NULL when it does not compile. */
struct checked_file {
    struct rules_file file;
    struct rules_issues issues;
    struct ruleset *ruleset;
    struct finding_mark *marks; /* one for each issue */
    size_t gone;                /* findings that the baseline has of this file and it no longer has */
};

/* "useless-deny"; "compile-error" or "compile-warning" for what the compiler says. */
const char *check_id(const struct rules_issue *issue);
/* Fills marks, none known; in arena. */
void check_mark(struct checked_file *file, struct arena *arena);

/* ---- the baseline (rules_baseline.c); each returns an exit code, and tells what is wrong ---- */

/* Marks what is known. That rules do not compile never is. */
int check_read_baseline(struct checked_file *files, size_t n, const char *path);
int check_write_baseline(const struct checked_file *files, size_t n, const char *path);

/* ---- forms; each writes what belongs to all files. out: large enough, or it overflows ---- */

/* rules_text.c; with colours on a terminal. */
void check_print_text(struct buf *out, const struct check_options *options, const struct checked_file *files,
                      size_t n);
/* rules_report.c; in SARIF a verdict is a finding, or none. */
void check_print_json(struct buf *out, const struct check_options *options, const struct checked_file *files,
                      size_t n);
void check_print_sarif(struct buf *out, const struct check_options *options, const struct checked_file *files,
                       size_t n);

/* Annotations of a pull request; what is known is left out. */
void check_print_github(struct buf *out, const struct check_options *options,
                        const struct checked_file *files, size_t n);

/* What can be said of a pattern of --append-only: which lines grant, or that none was found. In arena. */
const char *check_verdict(struct arena *arena, const struct checked_file *file, struct str pattern);
/* What --help prints: usage, options, lints. */
void check_print_help(struct buf *out);

#endif
