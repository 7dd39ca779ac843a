/* parser.h - tokens to the tree of ast.h, by recursive descent.
 *
 * It accepts exactly the language of the grammar; when a file is not in it, syntax.h says why in Google's
 * words. So there is no error recovery here. Recursion is bounded by LIMIT_RULES_NESTING. */
#ifndef RULES_ENGINE_PARSER_H
#define RULES_ENGINE_PARSER_H

#include "rules-engine/issues.h"
#include "rules-engine/lexer.h"

/* Where and why the parser stopped. */
struct parser_stop {
    uint32_t token;
    const char *limit; /* not a syntax error: this limit was hit; NULL otherwise */
};

/* Parses one file of the ruleset into *out. What the grammar allows but the language does not (an unknown
 * version, a number out of range, an unknown type after `is`, ...) is added to `issues`. False: a syntax
 * error, *stop tells where; *out is then unusable. Nodes and allows are numbered on from the ruleset's. */
bool parser_run(struct ast_unit *out, struct ruleset *ruleset, uint32_t file, const struct tokens *tokens,
                struct issue_list *issues, struct parser_stop *stop);

/* The version statement of a file that does not parse; parser_run does the same for one that does. */
void parser_check_version(const struct ruleset *ruleset, uint32_t file, const struct tokens *tokens,
                          struct issue_list *issues);

/* METHOD_ bits of a name after `allow`, in capitals or not; 0 for none. */
unsigned parser_method(struct str name);

#endif
