/* parse.h - what the parts of the parser of test files share: where it is, and what holds there. */
#ifndef SERVER_RULETEST_PARSE_H
#define SERVER_RULETEST_PARSE_H

#include "server/ruletest/data.h"
#include "server/ruletest/lex.h"
#include "server/ruletest/ruletest.h"

/* A name with what it stands for; `prev` is the one defined before it. Of one name the newest counts. */
struct ruletest_name {
    const struct ruletest_name *prev;
    struct str name;
    const struct data *data;
    const struct principal *principal;
    bool by_iam;
};

/* What `let`, `as` and the others have said, up to where we are: copied when a test begins, forgotten when it
 * ends. */
struct ruletest_scope {
    const struct ruletest_name *values, *principals;
    const struct ruletest_given *given;
    const struct principal *who;
    bool by_iam;
    struct timestamp time;
};

struct ruletest_parser {
    struct lexer lex;
    struct arena *arena;
    struct ruletest_file *file;
    struct rules_issue *issue;
    struct database_name db;
    struct ruletest_scope scope, outer; /* outer: of the file, while inside a test */
    bool in_test;
    struct str test;
    size_t cap_cases;
    size_t nodes, repeated; /* so far, see RULETEST_MAX_NODES and _VALUE_BYTES */
};

/* Sets the issue, unless there is one, for these bytes of the file. False always. */
bool ruletest_fail_at(struct ruletest_parser *p, uint32_t from, uint32_t to, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for the token at hand; says what was expected, and what is there. */
bool ruletest_expected(struct ruletest_parser *p, const char *what);
/* Takes the mark or word, or fails. */
bool ruletest_take(struct ruletest_parser *p, const char *word);
/* The same without failing. */
bool ruletest_accept(struct ruletest_parser *p, const char *word);
const struct ruletest_name *ruletest_find(const struct ruletest_name *newest, struct str name);

/* The resource name of a relative path, which may begin with a slash. */
struct str ruletest_full_name(struct ruletest_parser *p, struct str path);

/* query.c: what follows `list`. */
bool ruletest_parse_query(struct ruletest_parser *p, struct ruletest_case *out);
/* principal.c: what follows `as`. */
bool ruletest_parse_who(struct ruletest_parser *p, const struct principal **out, bool *by_iam);

#endif
