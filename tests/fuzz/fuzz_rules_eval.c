/* fuzz_rules_eval.c - any rules text that compiles decides a get, an update and two lists: never a crash, and
 * never a verdict that breaks the contract of rules.h. */
#include "rules-engine/rules.h"

#include <assert.h>

static enum status_code get_document(void *data, struct database_name db, struct str path, bool after,
                                     struct arena *arena, struct rules_document *out, struct status *st)
{
    static struct field role = { .name = STR_INIT("role"),
                                 .value = { .kind = VALUE_STRING, .text = STR_INIT("admin") } };
    (void)data, (void)db, (void)after, (void)arena, (void)st;
    *out = (struct rules_document){ path.n % 2 == 0, { &role, 1 } };
    return STATUS_OK;
}

static void decide(const struct ruleset *ruleset, const struct rules_request *request)
{
    struct arena *arena = arena_new();
    struct rules_env env = { .get_document = get_document };
    struct rules_decision d;
    struct status st = status_init(arena);
    enum status_code code = rules_decide(ruleset, request, &env, NULL, arena, &d, &st);
    assert(code == STATUS_OK || code == STATUS_RESOURCE_EXHAUSTED);
    if (code == STATUS_OK) {
        assert(d.allowed == (d.message == NULL));
        assert(d.allowed || str_is_utf8(str_of(d.message)));
        assert(d.allowed || d.matched == (d.n_tries > 0));
        for (size_t i = 0; i < d.n_tries; i++)
            assert(d.tries[i].reason && d.tries[i].expression && d.tries[i].line > 0 &&
                   d.tries[i].column > 0);
    }
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    if (size > 64 * 1024)
        return 0;
    struct arena *arena = arena_new();
    struct rules_file file = { STR("fuzz.rules"), str_from(data, size) };
    struct rules_issues issues;
    struct ruleset *ruleset;
    struct status st = status_init(arena);
    if (rules_compile(&ruleset, &file, 1, &issues, arena, &st) == STATUS_OK) {
        struct value items[] = { { .kind = VALUE_INT, .integer = 1 }, { .kind = VALUE_DOUBLE, .number = 1 } };
        struct field fields[] = { { STR("a"), { .kind = VALUE_INT, .integer = 1 } },
                                  { STR("l"), { .kind = VALUE_ARRAY, .array = { items, 2 } } },
                                  { STR("owner"),
                                    { .kind = VALUE_STRING, .text = STR("al\xF0\x9D\x84\x9E") } },
                                  { STR("t"), { .kind = VALUE_TIMESTAMP, .time = { 1700000000, 5 } } } };
        struct value_map map = { fields, 4 };
        struct rules_document resource = { true, map };
        struct rules_request request = { .method = RULES_GET,
                                         .db = { STR("p"), STR("(default)") },
                                         .path = STR("t/x"),
                                         .auth = { true, true, STR("alice"), &map },
                                         .time = { 1700000000, 0 },
                                         .resource = &resource };
        decide(ruleset, &request);
        request.method = RULES_UPDATE;
        request.new_fields = &map;
        decide(ruleset, &request);
        struct str field = STR("owner");
        struct rules_constraint equal = { &field, 1, RULES_EQ, &fields[2].value };
        struct rules_constraint above = { &field, 1, RULES_GT, &fields[2].value };
        struct rules_disjunct disjuncts[] = { { &equal, 1 }, { &above, 1 } };
        struct rules_query query = { .collection_id = STR("t"), .disjuncts = disjuncts, .n_disjuncts = 1 };
        request = (struct rules_request){ .method = RULES_LIST,
                                          .db = request.db,
                                          .path = STR("t"),
                                          .auth = request.auth,
                                          .time = request.time,
                                          .query = &query };
        decide(ruleset, &request);
        query.n_disjuncts = 2;
        query.all_descendants = true;
        decide(ruleset, &request);
        rules_release(ruleset);
    }
    arena_free(arena);
    return 0;
}
