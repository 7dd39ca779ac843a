/* test_evaluation.c - what the Requests feed is told of a decision is what Google's emulator 1.19.9 tells
 * (evaluation/recorded.ndjson, made by record_evaluations.py). Where it had not read the document yet it says
 * {"undefined":{}}, and ours may say anything. */
#include "rules_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- the decision ---- */

enum { MOST_RECORDS = 8 };

struct feed {
    struct world world;
    struct str records[MOST_RECORDS];
    size_t n;
};

static enum status_code get_document(void *data, struct database_name db, struct str path, bool after,
                                     struct arena *arena, struct rules_document *out, struct status *st)
{
    struct feed *feed = data;
    struct rules_env env = world_env(&feed->world);
    return env.get_document(env.data, db, path, after, arena, out, st);
}

static void keep(void *data, struct str record)
{
    struct feed *feed = data;
    assert_true(feed->n < MOST_RECORDS);
    feed->records[feed->n++] = arena_str(feed->world.arena, record);
}

static int64_t number(const struct json *v, const char *name)
{
    return v && json_get(v, name) ? strtoll(json_get(v, name)->text.p, NULL, 10) : 0;
}

static const struct rules_disjunct *make_disjuncts(size_t *n, struct arena *arena, const struct json *list)
{
    struct rules_disjunct *out = ARENA_ARRAY(arena, struct rules_disjunct, list->n);
    for (size_t i = 0; i < list->n; i++) {
        const struct json *filters = &list->items[i];
        struct rules_constraint *items = ARENA_ARRAY(arena, struct rules_constraint, filters->n);
        for (size_t k = 0; k < filters->n; k++)
            items[k] = world_filter(arena, filters->items[k].text);
        out[i] = (struct rules_disjunct){ items, filters->n };
    }
    *n = list->n;
    return out;
}

static const struct rules_query *make_query(struct arena *arena, const struct json *sample)
{
    const struct json *sent = json_get(sample, "query"), *from = &json_get(sent, "from")->items[0];
    const struct json *order = json_get(sent, "orderBy");
    struct rules_query *q = ARENA_NEW(arena, struct rules_query);
    q->parent = json_text(sample, "path");
    q->collection_id = json_text(from, "collectionId");
    q->all_descendants = json_true(from, "allDescendants");
    q->has_limit = json_get(sent, "limit") != NULL;
    q->limit = number(sent, "limit");
    q->disjuncts = make_disjuncts(&q->n_disjuncts, arena, json_get(sample, "disjuncts"));
    if (order) {
        q->order_by = arena_zalloc(arena, order->n, sizeof *q->order_by);
        q->n_order_by = order->n;
    }
    for (size_t i = 0; i < q->n_order_by; i++) {
        q->order_by[i].field = json_text(json_get(&order->items[i], "field"), "fieldPath");
        q->order_by[i].descending = str_eq_z(json_text(&order->items[i], "direction"), "DESCENDING");
    }
    return q;
}

static const struct str *make_names(size_t *n, struct arena *arena, const struct json *list)
{
    struct str *out = ARENA_ARRAY(arena, struct str, list ? list->n : 0);
    *n = list ? list->n : 0;
    for (size_t i = 0; i < *n; i++)
        out[i] = list->items[i].text;
    return out;
}

static void fill_write(struct rules_request *r, struct feed *feed, const struct json *sample)
{
    struct arena *arena = feed->world.arena;
    struct rules_touched *touched = ARENA_NEW(arena, struct rules_touched);
    struct value_map *after = ARENA_NEW(arena, struct value_map);
    touched->masked = json_get(sample, "mask") != NULL;
    touched->mask = make_names(&touched->n_mask, arena, json_get(sample, "mask"));
    touched->transforms = make_names(&touched->n_transforms, arena, json_get(sample, "transforms"));
    touched->inserted = json_true(sample, "inserted");
    r->touched = touched;
    if (!json_get(sample, "after"))
        return;
    *after = json_fields(arena, json_get(sample, "after"));
    r->new_fields = after;
}

static enum rules_method method_named(struct str name)
{
    for (int i = 0; i < 5; i++)
        if (str_eq_z(name, rules_method_name((enum rules_method)i)))
            return (enum rules_method)i;
    fail_msg("no method " STR_FMT, STR_ARG(name));
    return RULES_GET;
}

static struct rules_request make_request(struct feed *feed, const struct json *sample)
{
    struct arena *arena = feed->world.arena;
    struct rules_request r = { .method = method_named(json_text(sample, "op")), .db = feed->world.db };
    const struct json *told = json_get(&json_get(sample, "records")->items[0], "rulesContext");
    const struct json *claims = json_get(sample, "auth");
    struct rules_document *before = ARENA_NEW(arena, struct rules_document);
    r.path = json_text(sample, "path");
    assert_true(timestamp_parse(&r.time, json_text(told, "time")));
    if (claims->kind == JSON_OBJECT) {
        struct value_map *token = ARENA_NEW(arena, struct value_map);
        *token = json_plain(arena, claims).map;
        r.auth = (struct rules_auth){ true, true, json_text(claims, "sub"), token };
    }
    if (r.method == RULES_LIST) {
        r.query = make_query(arena, sample);
        r.path = r.query->all_descendants ? r.query->collection_id
                                          : path_join(arena, r.path, r.query->collection_id);
        return r;
    }
    const struct world_document *d = world_find(&feed->world, r.path);
    if (d)
        *before = (struct rules_document){ .exists = true, .fields = d->fields };
    r.resource = before;
    if (r.method != RULES_GET)
        fill_write(&r, feed, sample);
    return r;
}

/* ---- comparing ---- */

static bool same_number(struct arena *arena, struct str a, struct str b)
{
    double x = strtod(arena_str(arena, a).p, NULL), y = strtod(arena_str(arena, b).p, NULL);
    return !(x < y) && !(x > y);
}

/* Whether ours says what theirs does; members in any order. */
static bool same(struct arena *arena, const struct json *theirs, const struct json *ours)
{
    if (theirs->kind == JSON_OBJECT && json_get(theirs, "undefined"))
        return true;
    if (!ours || theirs->kind != ours->kind || theirs->n != ours->n)
        return false;
    for (size_t i = 0; i < theirs->n; i++)
        if (theirs->kind == JSON_OBJECT ? !same(arena, &theirs->members[i].value,
                                                json_get(ours, arena_str(arena, theirs->members[i].name).p))
                                        : !same(arena, &theirs->items[i], &ours->items[i]))
            return false;
    return theirs->kind == JSON_NUMBER ? same_number(arena, theirs->text, ours->text)
                                       : str_eq(theirs->text, ours->text);
}

static void check_record(struct arena *arena, const struct json *sample, const struct json *theirs,
                         struct str record, struct str rules)
{
    static const char *const members[] = { "rulesContext", "granularAllowOutcomes", "outcome" };
    struct json ours;
    assert_true(json_parse(&ours, arena, record));
    assert_int_equal(ours.n, 4);
    assert_true(str_eq(json_text(&ours, "rules"), rules));
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (!same(arena, json_get(theirs, members[i]), json_get(&ours, members[i])))
            fail_msg(STR_FMT ": %s differs in\n" STR_FMT, STR_ARG(json_text(sample, "name")), members[i],
                     STR_ARG(record));
}

static void replay(struct feed *feed, const struct ruleset *ruleset, const struct json *sample,
                   struct str rules)
{
    struct arena *arena = feed->world.arena;
    struct rules_env env = { .data = feed, .get_document = get_document, .evaluated = keep };
    struct rules_request request = make_request(feed, sample);
    const struct json *records = json_get(sample, "records");
    struct rules_decision decision;
    struct status st = status_init(arena);
    feed->n = 0;
    assert_int_equal(rules_decide(ruleset, &request, &env, NULL, arena, &decision, &st), STATUS_OK);
    assert_int_equal(feed->n, records->n);
    for (size_t i = 0; i < records->n; i++)
        check_record(arena, sample, &records->items[i], feed->records[i], rules);
}

/* ---- the run ---- */

static struct str read_recorded(struct arena *arena)
{
    struct buf text;
    char part[4096];
    FILE *f = fopen("rules-engine/evaluation/recorded.ndjson", "rb");
    assert_non_null(f);
    buf_init(&text, 1 << 24);
    for (size_t got; (got = fread(part, 1, sizeof part, f)) > 0;)
        buf_str(&text, str_from(part, got));
    fclose(f);
    struct str out = arena_str(arena, buf_view(&text));
    buf_dispose(&text);
    return out;
}

static struct str take_line(struct str *rest)
{
    const char *end = memchr(rest->p, '\n', rest->n);
    assert_non_null(end);
    struct str line = str_from(rest->p, (size_t)(end - rest->p));
    *rest = str_skip(*rest, line.n + 1);
    return line;
}

static void every_recorded_evaluation_is_ours(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct feed feed = { .n = 0 };
    struct json head, sample;
    struct str rest = read_recorded(arena);
    size_t replayed = 0;
    world_init(&feed.world, arena);
    assert_true(json_parse(&head, arena, take_line(&rest)));
    const struct json *docs = json_get(&head, "docs");
    for (size_t i = 0; i < docs->n; i++)
        world_put(&feed.world, docs->members[i].name, json_fields(arena, &docs->members[i].value));
    struct ruleset *ruleset = world_compile(arena, json_text(&head, "rules"));
    for (; rest.n > 0; replayed++) {
        assert_true(json_parse(&sample, arena, take_line(&rest)));
        replay(&feed, ruleset, &sample, json_text(&head, "rules"));
    }
    assert_true(replayed >= 20);
    rules_release(ruleset);
    buf_dispose(&feed.world.traces);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_recorded_evaluation_is_ours) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
