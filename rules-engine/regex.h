/* regex.h - regular expressions as the rules language has them, over RE2. Only regex.cc knows RE2. Where
 * RE2/J differs, which Google's emulator uses, its ways are ours; but repetitions inside of repetitions of
 * more than 1000 in all are refused here.
 *
 * RE2 takes time linear in the input, whatever the pattern; no look-around, no back references. Programs
 * are limited to REGEX_MEMORY, patterns beyond it do not compile. A compiled regex is immutable: any
 * number of threads may use it.
 *
 * A pattern that is a string literal is compiled once: the checker stores the result in call.cached of
 * the AST_METHOD node (matches, replace, split) and regex_free as a disposer of the ruleset's arena. */
#ifndef RULES_ENGINE_REGEX_H
#define RULES_ENGINE_REGEX_H

#include "core/arena.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { REGEX_MEMORY = 8 * 1024 * 1024 };

struct regex;

/* NULL when the pattern is refused. Free with regex_free. */
struct regex *regex_compile(struct str pattern);
/* How Google's emulator 1.19.9 words that, before " Pattern: ..." */
const char *regex_refusal(struct str pattern);
void regex_free(struct regex *regex); /* NULL is allowed */

/* Whole-string match. */
bool regex_matches(const struct regex *regex, struct str text);
/* Every match replaced; in `with`, $1 is a group, \ takes the next character literally. False when `with`
 * names a group that does not exist, or the result would be longer than max bytes. */
bool regex_replace(struct str *out, const struct regex *regex, struct str text, struct str with, size_t max,
                   struct arena *arena);
/* Pieces between matches; trailing empty ones are dropped, but the first piece always stays. In arena. */
struct str *regex_split(const struct regex *regex, struct str text, size_t *n, struct arena *arena);

#ifdef __cplusplus
}
#endif

#endif
