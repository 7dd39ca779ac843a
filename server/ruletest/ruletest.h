/* ruletest.h - a test file of security rules, read: who asks for what, on which documents, and what the rules
 * must say. Pure: text in, cases out; server/cli/rules_test.c runs them.
 *
 * ruletest_format tells the format. lex.h has its words, data.h its values, parse.c its statements. */
#ifndef SERVER_RULETEST_RULETEST_H
#define SERVER_RULETEST_RULETEST_H

#include "core/messages.h"
#include "core/path.h"
#include "rules-engine/rules.h"
#include "server/auth/principal.h"

enum {
    RULETEST_MAX_BYTES = 4 * 1024 * 1024, /* of a test file */
    RULETEST_MAX_NESTING = 40,            /* of values and filters */
    RULETEST_MAX_NODES = 1000000,         /* of all values in it, `let`s counted wherever they are used */
    RULETEST_MAX_VALUE_BYTES = 64 * 1024 * 1024, /* of all repeat()s together */
};

enum ruletest_kind { RULETEST_GET, RULETEST_LIST, RULETEST_WRITE };

/* A given document; `prev` is the one given before it. Of one path the newest counts. */
struct ruletest_given {
    const struct ruletest_given *prev;
    struct str path;
    struct msg_write write;
};

struct ruletest_case {
    uint32_t line, column; /* of allow or deny */
    struct str test;       /* the name of its test, "" when it stands before the first */
    struct str text;       /* what is asked, on one line and at most 200 bytes: "create logs/a" */
    bool allow;            /* the expectation */
    uint32_t at_line;      /* of the rules, 0: any */
    struct str because;    /* "": any */
    const struct principal *principal;
    bool by_iam; /* a service account: principal->iam counts */
    struct timestamp time;
    const struct ruletest_given *given;
    enum ruletest_kind kind;
    struct str path; /* get: the full name; list: of the parent document, "" for the root */
    struct msg_structured_query *query;
    write_list writes;
};

struct ruletest_file {
    struct str name, text;
    const char *rules; /* path, from where the program runs; NULL when it names none */
    struct ruletest_case *cases;
    size_t n;
};

/* The format, as it is told to people. */
extern const char ruletest_format[];

/* Where `project` and `database` are those of references and names: the database that the cases run in. `now`
 * is request.time where the file says nothing of it. Principal files are read from the folder of `name`.
 * INVALID_ARGUMENT: *issue says where and what. All in arena; borrows from name and text. */
enum status_code ruletest_parse(struct ruletest_file *out, struct rules_issue *issue, struct arena *arena,
                                struct str name, struct str text, struct database_name db,
                                struct timestamp now, struct status *st);

#endif
