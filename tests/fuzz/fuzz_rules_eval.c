/* fuzz_rules_eval.c - any rules text that compiles decides gets, updates and lists of the collections it
 * names, under constraints drawn from its own hash: never a crash, and never a verdict that breaks the
 * contract of rules.h. */
#include "rules-engine/rules.h"

#include "core/path.h"

#include <assert.h>

static enum status_code get_document(void *data, struct database_name db, struct str path, bool after,
                                     struct arena *arena, struct rules_document *out, struct status *st)
{
    static struct field role = { .name = STR_INIT("role"),
                                 .value = { .kind = VALUE_STRING, .text = STR_INIT("admin") } };
    (void)data, (void)db, (void)after, (void)arena, (void)st;
    *out = (struct rules_document){ .exists = path.n % 2 == 0, .fields = { &role, 1 } };
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

/* The collection that the text's nth `match /name/` names, so that its rules are asked; "t" when it has none.
 */
static struct str collection_of(struct str text, uint64_t nth)
{
    struct str names[16], head = STR("match /");
    size_t n = 0;
    for (size_t at = 0; n < 16 && at + head.n < text.n; at++) {
        if (!str_starts(str_skip(text, at), head))
            continue;
        struct str rest = str_skip(text, at + head.n), name;
        if (path_next(&rest, &name) && name.n > 0 && name.n < 40 && rest.n > 0 && name.p[0] != '{' &&
            !str_eq(name, STR("databases")) && str_is_utf8(name))
            names[n++] = name;
    }
    return n ? names[nth % n] : STR("t");
}

/* Lists of the collection under constraints drawn from `seed`: each operator, operands equal to and beside
 * what rules like to compare with, two in one disjunct, two disjuncts. */
static void decide_lists(const struct ruleset *ruleset, const struct rules_request *like,
                         const struct value_map *map, struct str collection, uint64_t seed)
{
    static const struct value operands[] = {
        { .kind = VALUE_INT, .integer = 1 },
        { .kind = VALUE_DOUBLE, .number = 5.5 },
        { .kind = VALUE_STRING, .text = STR_INIT("alice") },
        { .kind = VALUE_BOOL, .boolean = true },
        { .kind = VALUE_NULL },
    };
    enum { OPERANDS = sizeof operands / sizeof operands[0], OPS = RULES_NOT_IN + 1 };
    struct rules_constraint items[4];
    for (size_t i = 0; i < 4; i++, seed /= 7) {
        const struct field *field = &map->items[seed % map->n];
        const struct value *operand = seed / 4 % 2 ? &field->value : &operands[seed / 8 % OPERANDS];
        items[i] = (struct rules_constraint){ &field->name, 1, (enum rules_constraint_op)(seed / 64 % OPS),
                                              operand };
    }
    struct rules_disjunct disjuncts[] = { { items, seed % 3 }, { items + 2, 1 + seed % 2 } };
    struct rules_query query = { .collection_id = collection,
                                 .disjuncts = disjuncts,
                                 .n_disjuncts = 1,
                                 .has_limit = seed & 1,
                                 .limit = 10 };
    struct rules_request request = { .method = RULES_LIST,
                                     .db = like->db,
                                     .path = collection,
                                     .auth = like->auth,
                                     .time = like->time,
                                     .query = &query };
    decide(ruleset, &request);
    query.n_disjuncts = 2;
    decide(ruleset, &request);
    query.all_descendants = true;
    decide(ruleset, &request);
}

static void decide_documents(const struct ruleset *ruleset, struct str text, struct arena *arena)
{
    struct value items[] = { { .kind = VALUE_INT, .integer = 1 }, { .kind = VALUE_DOUBLE, .number = 1 } };
    struct field fields[] = { { STR("a"), { .kind = VALUE_INT, .integer = 1 } },
                              { STR("l"), { .kind = VALUE_ARRAY, .array = { items, 2 } } },
                              { STR("owner"), { .kind = VALUE_STRING, .text = STR("al\xF0\x9D\x84\x9E") } },
                              { STR("t"), { .kind = VALUE_TIMESTAMP, .time = { 1700000000, 5 } } } };
    struct value_map map = { fields, 4 };
    struct rules_document resource = { .exists = true, .fields = map };
    for (uint64_t round = 0; round < 2; round++) {
        uint64_t seed = str_hash(round, text);
        struct str collection = collection_of(text, seed);
        struct rules_request request = { .method = RULES_GET,
                                         .db = { STR("p"), STR("(default)") },
                                         .path = path_join(arena, collection, STR("x")),
                                         .auth = { true, true, STR("alice"), &map },
                                         .time = { 1700000000, 0 },
                                         .resource = &resource };
        decide(ruleset, &request);
        request.method = RULES_UPDATE;
        request.new_fields = &map;
        decide(ruleset, &request);
        decide_lists(ruleset, &request, &map, collection, seed);
    }
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
        decide_documents(ruleset, file.content, arena);
        rules_release(ruleset);
    }
    arena_free(arena);
    return 0;
}
