/* rules_check.h - what `cinderlog rules check` found, and the forms it is printed in.
 *
 * Text is for people, with carets; JSON is this program's own, one object; SARIF is 2.1.0 as code scanners
 * read it: CWE and OWASP tags, related locations, and fingerprints of a finding's line that stay the same
 * when lines are inserted above it. */
#ifndef SERVER_CLI_RULES_CHECK_H
#define SERVER_CLI_RULES_CHECK_H

#include "rules-engine/rules.h"

enum { CHECK_MAX_PATTERNS = 32 };

struct check_options {
    enum { CHECK_TEXT, CHECK_JSON, CHECK_SARIF } format;
    enum rules_severity fail_on;
    struct str append_only[CHECK_MAX_PATTERNS];
    size_t n_append_only;
};

/* One file. `ruleset` is NULL when it does not compile. */
struct checked_file {
    struct rules_file file;
    struct rules_issues issues;
    struct ruleset *ruleset;
};

/* Each writes what belongs to all files. out: large enough, or it overflows. */
void check_print_text(struct buf *out, const struct check_options *options, const struct checked_file *files,
                      size_t n);
void check_print_json(struct buf *out, const struct check_options *options, const struct checked_file *files,
                      size_t n);
void check_print_sarif(struct buf *out, const struct checked_file *files,
                       size_t n); /* a verdict is a finding, or none */

/* What can be said of a pattern of --append-only: how many lines grant, or that none was found. In arena. */
const char *check_verdict(struct arena *arena, const struct checked_file *file, struct str pattern);

#endif
