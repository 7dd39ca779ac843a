/* test_plan.c - every refusal of a query by its text, and what is read off a good one. The order of refusals
 * and the mixtures are in query_answers.ndjson. */
#include "storage/query_kit.h"

#include "core/limits.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

#define FROM "'from':[{'collectionId':'c'}]"
#define FIELD(f, op, value) "{'fieldFilter':{'field':{'fieldPath':'" f "'},'op':'" op "','value':" value "}}"
#define WHERE(f, op, value) "{" FROM ",'where':" FIELD(f, op, value) "}"
#define AND(a, b) "{'compositeFilter':{'op':'AND','filters':[" a "," b "]}}"
#define OR(a, b) "{'compositeFilter':{'op':'OR','filters':[" a "," b "]}}"
#define ONE "{'integerValue':1}"
#define LIST(items) "{'arrayValue':{'values':[" items "]}}"
#define UNARY(f, op) "{'unaryFilter':{'field':{'fieldPath':'" f "'},'op':'" op "'}}"
#define ORDER(f, way) "{'field':{'fieldPath':'" f "'},'direction':'" way "'}"
#define UP(f) ORDER(f, "ASCENDING")
#define DOWN(f) ORDER(f, "DESCENDING")
#define REF(path) "{'referenceValue':'" QUERY_ROOT path "'}"
#define OTHER_REF "{'referenceValue':'projects/o/databases/d/documents/c/d'}"
#define FIVE(x) x "," x "," x "," x "," x

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *query, *message;
    } rows[] = {
        { "{'from':[{'collectionId':'a'},{'collectionId':'b'}]}",
          "StructuredQuery.from cannot have more than one collection selector." },
        { "{'from':[{'collectionId':'a/b'}]}",
          "Collection id \"a/b\" is invalid because it contains \"/\"." },
        { "{'from':[{'collectionId':'__x__'}]}",
          "Collection id \"__x__\" is invalid because it is reserved." },
        { "{" FROM ",'where':{}}", "Unknown Filter type." },
        { "{" FROM ",'where':{'compositeFilter':{}}}", "Unsupported CompositeFilter operator." },
        { "{" FROM ",'where':{'compositeFilter':{'op':'OR'}}}",
          "Composite filter must have at least one sub-filter." },
        { "{" FROM ",'where':{'unaryFilter':{'op':'IS_NULL'}}}",
          "Unsupported UnaryFilter operand type (non-FIELD)." },
        { "{" FROM ",'where':{'unaryFilter':{'field':{'fieldPath':'a'}}}}", "Unknown UnaryFilter operator." },
        { "{" FROM ",'where':{'fieldFilter':{'field':{'fieldPath':'a'},'value':" ONE "}}}",
          "Unknown FieldFilter operator." },
        { "{" FROM ",'where':{'fieldFilter':{'op':'EQUAL','value':" ONE "}}}",
          "Invalid empty property path string." },
        { WHERE("__x__", "EQUAL", ONE), "Invalid reserved name in field path __x__" },
        { WHERE("__name__.a", "EQUAL", ONE), "the name __key__ is reserved" },
        { WHERE("a", "EQUAL", "{}"), "Cannot convert firestore.v1.Value with type unset." },
        { WHERE("a", "EQUAL", "{'mapValue':{'fields':{'__type__':{}}}}"),
          "Cannot convert firestore.v1.Value with type unset." },
        { WHERE("a", "EQUAL", "{'fieldReferenceValue':'b'}"),
          "Value type is not supported: FIELD_REFERENCE_VALUE" },
        { WHERE("a", "EQUAL", "{'geoPointValue':{'latitude':91}}"),
          "Geo point latitude '91.0' outside permitted range -90.0 to 90.0." },
        { WHERE("a", "EQUAL", "{'mapValue':{'fields':{'__x__':" ONE "}}}"),
          "field name '__x__' is reserved." },
        { WHERE("a", "EQUAL", "{'referenceValue':'bad'}"),
          "Resource name \"bad\" lacks \"projects\" at index 0." },
        { WHERE("a", "IN", ONE), "'IN' requires an ArrayValue." },
        { WHERE("a", "NOT_IN", ONE), "'NOT_IN' requires an ArrayValue." },
        { WHERE("a", "ARRAY_CONTAINS_ANY", ONE), "'ARRAY_CONTAINS_ANY' requires an ArrayValue." },
        { WHERE("a", "IN", LIST("")), "'IN' requires an non-empty ArrayValue." },
        { WHERE("a", "IN", LIST(FIVE(FIVE(ONE)) "," FIVE(ONE) "," ONE)),
          "'IN' supports up to 30 comparison values." },
        { WHERE("a", "ARRAY_CONTAINS_ANY", LIST(FIVE(FIVE(ONE)) "," FIVE(ONE) "," ONE)),
          "'ARRAY_CONTAINS_ANY' supports up to 30 comparison values." },
        { WHERE("a", "NOT_IN", LIST(FIVE(ONE) "," FIVE(ONE) "," ONE)),
          "'NOT_IN' supports up to 10 comparison values." },
        { "{" FROM ",'where':" AND(FIELD("a", "NOT_EQUAL", ONE), UNARY("b", "IS_NOT_NULL")) "}",
          "Only a single 'NOT_EQUAL', 'NOT_IN', 'IS_NOT_NAN', or 'IS_NOT_NULL' filter allowed per query." },
        { "{" FROM ",'where':" AND(FIELD("a", "NOT_IN", LIST(ONE)), FIELD("b", "IN", LIST(ONE))) "}",
          "'NOT_IN' cannot be used in the same query with 'IN', 'ARRAY_CONTAINS_ANY' or 'OR'." },
        { "{" FROM ",'where':" OR(FIELD("a", "NOT_IN", LIST(ONE)), FIELD("b", "EQUAL", ONE)) "}",
          "'NOT_IN' cannot be used in the same query with 'IN', 'ARRAY_CONTAINS_ANY' or 'OR'." },
        { "{" FROM
          ",'where':" AND(FIELD("a", "ARRAY_CONTAINS", ONE), FIELD("b", "ARRAY_CONTAINS_ANY", LIST(ONE))) "}",
          "A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction." },
        { WHERE("__name__", "EQUAL", ONE), "__key__ filter value must be a Key" },
        { WHERE("__name__", "IN", LIST(REF("c/d") "," ONE)), "__key__ filter value must be a Key" },
        { WHERE("__name__", "ARRAY_CONTAINS", REF("c/d")), "the name __key__ is reserved" },
        { WHERE("__name__", "EQUAL", OTHER_REF),
          "The request was for database 'projects/p/databases/(default)' but was attempting to access "
          "database "
          "'projects/o/databases/d'" },
        { WHERE("__name__", "EQUAL", REF("c")),
          "Resource name \"projects/p/databases/(default)/documents/c\" lacks \"/\" at index 42." },
        { "{" FROM ",'where':" UNARY("__name__", "IS_NULL") "}", "__key__ filter value must be a Key" },
        { "{'where':" FIELD("a", "EQUAL", ONE) "}", "kind is required for filter: a" },
        { "{'where':" FIELD("a.`b c`", "ARRAY_CONTAINS", ONE) "}", "kind is required for filter: a.b c[*]" },
        { "{'orderBy':[" UP("a") "]}", "kind is required for all orders except __key__ ascending" },
        { "{'orderBy':[" DOWN("__name__") "]}", "kind is required for all orders except __key__ ascending" },
        { "{" FROM ",'orderBy':[{'field':{'fieldPath':'a'},'direction':99}]}", "Unrecognized ordering." },
        { "{" FROM ",'orderBy':[" UP("a") "," DOWN("`a`") "]}",
          "order by clause cannot contain duplicate fields a" },
        { "{" FROM ",'orderBy':[" UP("__name__") "," UP("a") "]}",
          "order by clause cannot contain more fields after the key" },
        { "{" FROM ",'where':" FIELD("b", "GREATER_THAN", ONE) ",'orderBy':[" UP("__name__") "]}",
          "order by clause cannot contain more fields after the key" },
        { "{" FROM ",'startAt':{'values':[" ONE "]}}", "Cursor has too many values." },
        { "{" FROM ",'endAt':{'values':[" ONE "]},'orderBy':[]}", "Cursor has too many values." },
        { "{" FROM ",'orderBy':[" UP("a") "],'endAt':{'values':[{}]}}",
          "Cannot convert firestore.v1.Value with type unset." },
        { "{" FROM ",'orderBy':[" UP("__name__") "],'startAt':{'values':[" ONE "]}}",
          "Cursor __key__ value is not a document reference." },
        { "{" FROM ",'orderBy':[" UP("__name__") "],'startAt':{'values':[" OTHER_REF "]}}",
          "The cursor key is in a different database than the query" },
        { "{" FROM
          ",'where':" AND(FIELD("__name__", "IN", LIST(REF("c/d"))), FIELD("b", "NOT_EQUAL", ONE)) "}",
          "Equality on key is not allowed if there are other inequality fields and key does not appear in "
          "inequalities." },
        { "{" FROM ",'limit':-1}", "limit is negative" },
        { "{" FROM ",'offset':-1}", "offset is negative" },
        { "{" FROM ",'select':{'fields':[{'fieldPath':'__x__'}]}}",
          "Invalid reserved name in field path __x__" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum status_code code;
        assert_string_equal(kit_refusal(arena, "", rows[i].query, &code), rows[i].message);
        assert_int_equal(code, STATUS_INVALID_ARGUMENT);
    }
}

static void names_downwards_need_a_field(void **state)
{
    (void)state;
    enum status_code code;
    const char *message = kit_refusal(arena, "", "{" FROM ",'orderBy':[" DOWN("__name__") "]}", &code);
    assert_string_equal(message, "Firestore does not support descending key scans");
    assert_int_equal(code, STATUS_FAILED_PRECONDITION);
    message = kit_refusal(
        arena, "", "{" FROM ",'where':" FIELD("a", "EQUAL", ONE) ",'orderBy':[" DOWN("__name__") "]}", NULL);
    assert_string_equal(message, "OK");
}

static void groups_below_a_document_are_by_name_only(void **state)
{
    (void)state;
#define GROUP "'from':[{'collectionId':'c','allDescendants':true}]"
    enum status_code code;
    const char *fields = "collection group queries are only allowed at the root parent";
    assert_string_equal(kit_refusal(arena, "a/b", "{" GROUP "}", NULL), "OK");
    assert_string_equal(kit_refusal(arena, "", "{" GROUP ",'orderBy':[" UP("a") "]}", NULL), "OK");
    assert_string_equal(kit_refusal(arena, "a/b", "{" GROUP ",'orderBy':[" UP("a") "]}", NULL), fields);
    assert_string_equal(kit_refusal(arena, "a/b", "{" GROUP ",'where':" FIELD("a", "EQUAL", ONE) "}", NULL),
                        fields);
    assert_string_equal(
        kit_refusal(arena, "a/b", "{" GROUP ",'orderBy':[" DOWN("__name__") "]}", &code),
        "collection group queries are only allowed if they're at the root or they're an ascending "
        "primary key scan");
    assert_int_equal(code, STATUS_FAILED_PRECONDITION);
}

/* "f0 op x, f1 op x, ...": n filters of different fields in one AND. */
static const char *many_filters(int n)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_z(&text, "{" FROM ",'where':{'compositeFilter':{'op':'AND','filters':[");
    for (int i = 0; i < n; i++)
        buf_printf(&text, "%s{'fieldFilter':{'field':{'fieldPath':'f%d'},'op':'EQUAL','value':" ONE "}}",
                   i ? "," : "", i);
    buf_z(&text, "]}}}");
    const char *copy = arena_str(arena, buf_view(&text)).p;
    buf_dispose(&text);
    return copy;
}

static void a_hundred_filters_orders_and_ancestor(void **state)
{
    (void)state;
    assert_string_equal(kit_refusal(arena, "", many_filters(100), NULL), "OK");
    assert_string_equal(
        kit_refusal(arena, "", many_filters(101), NULL),
        "The query may not have more than 100 filters + sort orders + ancestor total. Currently there "
        "are 101 filters, 0 sort orders, and no ancestor filter.");
    assert_string_equal(
        kit_refusal(arena, "c/d", many_filters(100), NULL),
        "The query may not have more than 100 filters + sort orders + ancestor total. Currently there "
        "are 100 filters, 0 sort orders, and one ancestor filter.");
    assert_string_equal(
        kit_refusal(arena, "", many_filters(LIMIT_QUERY_PARTS + 5), NULL),
        "The query may not have more than 100 filters + sort orders + ancestor total. Currently there "
        "are 10006 filters, 0 sort orders, and no ancestor filter.");
}

/* AND of `factors` filters that each take one of `each` values. */
static const char *product(int factors, int each)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_z(&text, "{" FROM ",'where':{'compositeFilter':{'op':'AND','filters':[");
    for (int i = 0; i < factors; i++) {
        buf_printf(
            &text,
            "%s{'fieldFilter':{'field':{'fieldPath':'f%d'},'op':'IN','value':{'arrayValue':{'values':[",
            i ? "," : "", i);
        for (int k = 0; k < each; k++)
            buf_printf(&text, "%s{'integerValue':%d}", k ? "," : "", k);
        buf_z(&text, "]}}}}");
    }
    buf_z(&text, "]}}}");
    const char *copy = arena_str(arena, buf_view(&text)).p;
    buf_dispose(&text);
    return copy;
}

static void thirty_disjunctions(void **state)
{
    (void)state;
    assert_string_equal(kit_refusal(arena, "", product(2, 5), NULL), "OK");
    assert_string_equal(
        kit_refusal(arena, "", product(2, 6), NULL),
        "Too many disjunctions after normalization. Result had 36 disjunctions which is more than the "
        "maximum of 30");
    assert_string_equal(kit_refusal(arena, "", product(12, 2), NULL),
                        "Too many disjunctions after normalization, the maximum is 30");
}

static void operands_are_small(void **state)
{
    (void)state;
    char text[1501];
    memset(text, 'x', 1500);
    for (size_t n = 1499; n <= 1500; n++) {
        text[n] = '\0';
        const char *query =
            arena_printf(arena, "{" FROM ",'where':" FIELD("a", "EQUAL", "{'stringValue':'%s'}") "}", text);
        const char *message = n == 1499 ? "OK" : "value for a is too large to be used in a query";
        assert_string_equal(kit_refusal(arena, "", query, NULL), message);
        text[n] = 'x';
    }
}

/* Orders as "a b- __name__": fields, with - for downwards. */
static const char *orders_of(const struct query_plan *plan)
{
    struct buf text;
    buf_init(&text, 4096);
    for (size_t i = 0; i < plan->n_orders; i++)
        buf_printf(&text, "%s%s%s", i ? " " : "",
                   plan->orders[i].is_name ? "__name__" : plan_field_text(arena, &plan->orders[i].field),
                   plan->orders[i].descending ? "-" : "");
    const char *copy = arena_str(arena, buf_view(&text)).p;
    buf_dispose(&text);
    return copy;
}

static void implied_orders(void **state)
{
    (void)state;
#define GREATER(f) FIELD(f, "GREATER_THAN", ONE)
    static const struct {
        const char *query, *orders;
    } rows[] = {
        { "{" FROM "}", "__name__" },
        { "{" FROM ",'orderBy':[" DOWN("a") "]}", "a- __name__-" },
        { "{" FROM ",'orderBy':[" DOWN("a") "," UP("b") "]}", "a- b __name__" },
        { "{" FROM ",'where':" GREATER("b") "}", "b __name__" },
        { "{" FROM ",'where':" AND(GREATER("b"), GREATER("a")) "}", "a b __name__" },
        { "{" FROM ",'where':" AND(GREATER("b"), GREATER("b")) ",'orderBy':[" DOWN("c") "]}",
          "c- b- __name__-" },
        { "{" FROM ",'where':" AND(GREATER("b"), GREATER("a")) ",'orderBy':[" DOWN("b") "]}",
          "b- a- __name__-" },
        { "{" FROM ",'where':" FIELD("b", "EQUAL", ONE) "}", "__name__" },
        { "{" FROM ",'where':" FIELD("b", "IN", LIST(ONE)) "}", "__name__" },
        { "{" FROM ",'where':" FIELD("b", "NOT_IN", LIST(ONE)) "}", "b __name__" },
        { "{" FROM ",'where':" UNARY("b", "IS_NOT_NAN") "}", "b __name__" },
        { "{" FROM ",'where':" OR(GREATER("b"), FIELD("a", "EQUAL", ONE)) "}", "b __name__" },
        { "{" FROM ",'where':" FIELD("__name__", "GREATER_THAN", REF("c/d")) "}", "__name__" },
        /* What nothing satisfies is no inequality. */
        { "{" FROM ",'where':" OR(FIELD("b", "GREATER_THAN", "{'nullValue':null}"), GREATER("a")) "}",
          "a __name__" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(orders_of(kit_plan(arena, rows[i].query)), rows[i].orders);
}

static void assert_bounds(const char *query, const char *low, bool low_excluded, const char *high,
                          bool high_excluded)
{
    const struct query_plan *plan = kit_plan(arena, query);
    assert_true(str_eq_z(plan->low, low));
    assert_true(str_eq_z(plan->high, high));
    assert_int_equal(plan->low_excluded, low_excluded);
    assert_int_equal(plan->high_excluded, high_excluded);
}

static void names_bound_the_scan(void **state)
{
    (void)state;
#define NAME(op, path) FIELD("__name__", op, REF(path))
    assert_bounds("{" FROM ",'where':" NAME("EQUAL", "c/d") "}", "c/d", false, "c/d", false);
    assert_bounds("{" FROM
                  ",'where':" AND(NAME("GREATER_THAN", "c/a"), NAME("LESS_THAN_OR_EQUAL", "c/m")) "}",
                  "c/a", true, "c/m", false);
    assert_bounds("{" FROM
                  ",'where':" AND(NAME("GREATER_THAN", "c/a"), NAME("GREATER_THAN_OR_EQUAL", "c/a")) "}",
                  "c/a", true, "", false);
    assert_bounds("{" FROM ",'where':" FIELD("__name__", "IN", LIST(REF("c/m") "," REF("c/a"))) "}", "c/a",
                  false, "c/m", false);
    /* Not in this collection, or not for every result: no bound. */
    assert_bounds("{" FROM ",'where':" NAME("GREATER_THAN", "b/a") "}", "", false, "", false);
    assert_bounds("{" FROM ",'where':" OR(NAME("EQUAL", "c/d"), FIELD("a", "EQUAL", ONE)) "}", "", false, "",
                  false);
    assert_bounds("{" FROM ",'where':" NAME("NOT_EQUAL", "c/d") "}", "", false, "", false);
    assert_bounds("{" FROM ",'orderBy':[" UP("__name__") "],'startAt':{'values':[" REF(
                      "c/d") "]},'endAt':{'values':[" REF("c/m") "]}}",
                  "c/d", true, "c/m", false);
    assert_bounds(
        "{" FROM
        ",'where':" FIELD("a", "EQUAL", ONE) ",'orderBy':[" DOWN("__name__") "],'startAt':{'values':[" REF(
            "c/m") "]},'endAt':{'values':[" REF("c/d") "],'before':true}}",
        "c/d", true, "c/m", true);
    assert_bounds("{" FROM ",'orderBy':[" UP("a") "],'startAt':{'values':[" REF("c/d") "]}}", "", false, "",
                  false);
}

/* "field op operand-kind" joined by &, disjunctions by |. */
static const char *disjuncts_of(const char *query)
{
    struct buf text;
    size_t n;
    const struct query_disjunct *d = query_disjuncts(kit_plan(arena, query), &n);
    buf_init(&text, 1 << 16);
    for (size_t i = 0; i < n; i++) {
        buf_z(&text, i ? "|" : "");
        for (size_t k = 0; k < d[i].n; k++) {
            const struct query_constraint *c = &d[i].items[k];
            bool number = c->operand->kind == VALUE_INT;
            buf_printf(&text, "%s%s %d %d%s", k ? "&" : "", plan_field_text(arena, &c->field), c->op,
                       number ? (int)c->operand->integer : -(int)c->operand->kind, c->unary ? "u" : "");
        }
    }
    const char *copy = arena_str(arena, buf_view(&text)).p;
    buf_dispose(&text);
    return copy;
}

static void disjuncts_for_the_rules(void **state)
{
    (void)state;
#define INT(n) "{'integerValue':" #n "}"
    assert_string_equal(disjuncts_of("{" FROM "}"), "");
    assert_string_equal(disjuncts_of("{" FROM ",'where':" AND(FIELD("a", "EQUAL", INT(1)),
                                                              FIELD("b", "LESS_THAN", INT(2))) "}"),
                        "a 5 1&b 1 2");
    assert_string_equal(disjuncts_of("{" FROM ",'where':" AND(FIELD("a", "IN", LIST(INT(1) "," INT(2))),
                                                              FIELD("b", "EQUAL", INT(3))) "}"),
                        "a 5 1&b 5 3|a 5 2&b 5 3");
    assert_string_equal(
        disjuncts_of("{" FROM ",'where':" OR(FIELD("a", "ARRAY_CONTAINS_ANY", LIST(INT(1) "," INT(2))),
                                             UNARY("b", "IS_NULL")) "}"),
        "a 7 1|a 7 2|b 5 -11u");
    assert_string_equal(disjuncts_of("{" FROM ",'where':" UNARY("b", "IS_NOT_NAN") "}"), "b 6 -3u");
    assert_string_equal(disjuncts_of("{" FROM ",'where':" FIELD("b", "NOT_IN", LIST(INT(1))) "}"), "b 10 -9");
    size_t n;
    query_disjuncts(kit_plan(arena, "{" FROM "}"), &n);
    assert_int_equal(n, 1);
}

static void only_needed_fields(void **state)
{
    (void)state;
    const struct query_plan *plan = kit_plan(
        arena, "{" FROM ",'where':" AND(FIELD("m.x", "EQUAL", ONE),
                                        FIELD("b", "EQUAL", ONE)) ",'orderBy':[" UP("m.y") "," UP("a") "]}");
    assert_int_equal(plan->needed.n, 3);
    assert_true(str_eq_z(plan->needed.items[0], "a") && str_eq_z(plan->needed.items[1], "b") &&
                str_eq_z(plan->needed.items[2], "m"));
}

static void scope_of_members(void **state)
{
    (void)state;
    static const struct {
        const char *parent, *from, *in, *out;
    } rows[] = {
        { "", "{'collectionId':'c'}", "c/d", "c/d/c/d" },
        { "", "{'collectionId':'c'}", "c/d", "b/d" },
        { "c/d", "{'collectionId':'c'}", "c/d/c/x", "c/d" },
        { "", "{'collectionId':'c','allDescendants':true}", "b/d/c/x", "c/d/b/x" },
        { "c/d", "{'collectionId':'c','allDescendants':true}", "c/d/b/x/c/y", "c/dd/c/x" },
        { "c/d", "{'allDescendants':true}", "c/d/b/x/c/y", "c/d" },
        { "", "{}", "b/d", "b/d/c/x" },
        { "c/d", "{}", "c/d/b/x", "c/d/b/x/c/y" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct query_plan *plan;
        struct status st = status_init(arena);
        struct value_map none = { 0 };
        const char *json = arena_printf(arena, "{'from':[%s]}", rows[i].from);
        assert_int_equal(
            query_check(&plan, QUERY_DB, str_of(rows[i].parent), kit_query(arena, json), arena, &st), 0);
        assert_true(query_matches(plan, str_of(rows[i].in), &none));
        assert_false(query_matches(plan, str_of(rows[i].out), &none));
    }
}

static const char *order_by(const char *text)
{
    struct status st = status_init(arena);
    struct msg_order *orders;
    size_t n;
    if (query_parse_order_by(&orders, &n, arena, str_of(text), &st))
        return status_message(&st);
    struct buf out;
    buf_init(&out, 4096);
    for (size_t i = 0; i < n; i++)
        buf_printf(&out, "%s" STR_FMT "%s", i ? " " : "", STR_ARG(orders[i].field.field_path),
                   orders[i].direction == DIRECTION_DESCENDING ? "-" : "");
    const char *copy = arena_str(arena, buf_view(&out)).p;
    buf_dispose(&out);
    return copy;
}

static void order_clauses(void **state)
{
    (void)state;
    assert_string_equal(order_by(""), "");
    assert_string_equal(order_by("a"), "a");
    assert_string_equal(order_by("a desc,b.c  asc , `x, y`.z DESC"), "a- b.c `x, y`.z-");
    assert_string_equal(order_by("desc desc"), "desc-");
    assert_string_equal(order_by("a "), "a");
    static const char *const bad[] = { " ",    " a", "a desc ", "a sideways", "a,",      ",a",
                                       "a..b", "1a", "`a",      "``",         "a desc b" };
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_string_equal(order_by(bad[i]), arena_printf(arena, "Invalid order by clause \"%s\".", bad[i]));
    assert_string_equal(order_by("__x__"), "Invalid reserved name in field path __x__");
}

static const char *list_refusal(struct query_list_options options)
{
    struct query_plan *plan;
    int32_t page;
    struct status st = status_init(arena);
    options.collection_id = STR("c");
    return query_list(&plan, &page, QUERY_DB, STR(""), &options, arena, &st) ? status_message(&st) : "OK";
}

static void lists_are_refused(void **state)
{
    (void)state;
    assert_string_equal(list_refusal((struct query_list_options){ .page_size = 7 }), "OK");
    assert_string_equal(list_refusal((struct query_list_options){ .page_size = -1 }),
                        "Page size must be nonnegative.");
    assert_string_equal(
        list_refusal((struct query_list_options){ .order_by = STR("a"), .show_missing = true }),
        "cannot specify an order when show_missing is true");
    assert_string_equal(list_refusal((struct query_list_options){ .order_by = STR("a,a") }),
                        "order by clause cannot contain duplicate fields a");
    assert_string_equal(list_refusal((struct query_list_options){ .page_token = STR("bad") }),
                        "invalid page token");
    assert_string_equal(list_refusal((struct query_list_options){ .page_token = STR("!!") }),
                        "invalid page token");
}

static void a_token_is_for_its_list_only(void **state)
{
    (void)state;
    struct query_plan *plan;
    int32_t page;
    struct status st = status_init(arena);
    struct query_list_options options = { .collection_id = STR("c"), .order_by = STR("a desc") };
    assert_int_equal(query_list(&plan, &page, QUERY_DB, STR(""), &options, arena, &st), 0);
    assert_int_equal(page, LIMIT_LIST_PAGE_DEFAULT);
    struct value_map fields = kit_fields(arena, "{'a':" ONE "}");
    struct str token = query_page_token_make(arena, plan, STR("c/d"), &fields);
    options.page_token = token;
    options.page_size = 1000;
    assert_int_equal(query_list(&plan, &page, QUERY_DB, STR(""), &options, arena, &st), 0);
    assert_int_equal(page, LIMIT_LIST_PAGE);
    assert_true(plan->start.set && !plan->start.before && str_eq_z(plan->start.name, "c/d"));
    options.order_by = STR("a");
    assert_int_equal(query_list(&plan, &page, QUERY_DB, STR(""), &options, arena, &st),
                     STATUS_INVALID_ARGUMENT);
    options.order_by = STR("a desc");
    for (size_t i = 0; i < token.n; i++) {
        struct str bad = arena_str(arena, token);
        ((char *)bad.p)[i] = bad.p[i] == 'A' ? 'B' : 'A';
        options.page_token = bad;
        assert_int_equal(query_list(&plan, &page, QUERY_DB, STR(""), &options, arena, &st),
                         STATUS_INVALID_ARGUMENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals),
        cmocka_unit_test(names_downwards_need_a_field),
        cmocka_unit_test(groups_below_a_document_are_by_name_only),
        cmocka_unit_test(a_hundred_filters_orders_and_ancestor),
        cmocka_unit_test(thirty_disjunctions),
        cmocka_unit_test(operands_are_small),
        cmocka_unit_test(implied_orders),
        cmocka_unit_test(names_bound_the_scan),
        cmocka_unit_test(disjuncts_for_the_rules),
        cmocka_unit_test(only_needed_fields),
        cmocka_unit_test(scope_of_members),
        cmocka_unit_test(order_clauses),
        cmocka_unit_test(lists_are_refused),
        cmocka_unit_test(a_token_is_for_its_list_only),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
