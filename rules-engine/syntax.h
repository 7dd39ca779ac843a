/* syntax.h - why a file does not parse, in the words, places and order of Google's compiler 1.19.9.
 *
 * It walks the graph of grammar.h as an ANTLR 4 parser does, with ANTLR's published error strategy: delete
 * or insert one token where that helps, else skip to a token that an enclosing rule can go on with. */
#ifndef RULES_ENGINE_SYNTAX_H
#define RULES_ENGINE_SYNTAX_H

#include "rules-engine/issues.h"
#include "rules-engine/lexer.h"

/* Adds what is wrong with one file. False when it found nothing, or gave up after LIMIT_RULES_SYNTAX_STEPS
 * (nothing is added then): the caller words an error of its own. Memory is freed before it returns, but
 * for the texts of the issues. *broken: not all of it are mistakes that the grammar has words for, so
 * nothing more is to be said about the file. */
bool syntax_explain(struct issue_list *issues, uint32_t file, const struct tokens *tokens, bool *broken);
/* Adds the characters that are no tokens, for a file that parses without them. */
void syntax_report_no_tokens(struct issue_list *issues, uint32_t file, const struct tokens *tokens);

#endif
