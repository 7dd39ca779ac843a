/* rules_test.h - what `cinderlog rules test` found, and the forms it is printed in.
 *
 * rules_test_world.c puts the documents of a case in place, rules_test_run.c asks it of an in-process server,
 * rules_test_explain.c says why, rules_test_report.c tells people, rules_test_junit.c machines. */
#ifndef SERVER_CLI_RULES_TEST_H
#define SERVER_CLI_RULES_TEST_H

#include "server/cli/in_process.h"
#include "server/ruletest/ruletest.h"

struct test_result {
    const struct ruletest_case *c;
    bool allowed, denied;  /* neither: the request failed otherwise */
    const char *wrong;     /* why it is not as expected, one line; NULL when it is */
    const char *granted;   /* allowed: "firestore.rules:14:9", "owner", "iam" */
    const char *explained; /* denied: each allow that was tried, a line each or two */
    int64_t took_ns;
};

/* One test file with what came of it. */
struct test_suite {
    struct ruletest_file file;
    const char *rules;       /* the file they are in */
    struct ruleset *ruleset; /* retained by whoever loaded it */
    struct test_result *results;
    size_t n, failed, left_out; /* left_out: by --only */
};

/* A server and the documents that are in it: those of a case. `given` and `filled` are zero at first. */
struct test_world {
    struct in_process *server;
    struct database_name db;
    const struct ruletest_given *given;
    bool filled;
};
/* Makes them those that are given to this case. */
enum status_code test_world_fill(struct test_world *world, const struct ruletest_case *c, struct arena *arena,
                                 struct status *st);
/* Makes them that again, after the case has written. */
enum status_code test_world_take_back(struct test_world *world, const struct ruletest_case *c,
                                      struct arena *arena, struct status *st);

/* Runs one case; everything of the result is in arena. Another code than OK: the server itself failed. */
enum status_code test_run(struct test_result *out, struct test_world *world, const struct ruletest_case *c,
                          struct arena *arena, struct status *st);

/* "NAME: deny create logs/a": how a case is named and chosen. In arena. */
const char *test_name(struct arena *arena, const struct ruletest_case *c);

/* What an answer's details say, a line or two for each allow that was tried, into out. */
void test_explain(struct buf *out, const struct in_process_answer *answer);
/* Whether an allow on that line was tried, or failed there. */
bool test_denied_at(const struct in_process_answer *answer, uint32_t line);

/* Of what was allowed: "firestore.rules:14:9", "owner", "iam". In arena. */
const char *test_granted_by(struct arena *arena, const struct in_process_answer *answer);

void test_print_suite(struct buf *out, const struct test_suite *suite, bool colour);
/* Which allows granted and refused, over the rules of all suites, each once. */
void test_print_coverage(struct buf *out, const struct test_suite *suites, size_t n);
void test_print_junit(struct buf *out, const struct test_suite *suites, size_t n);

#endif
