/* test_eval_scripts.c - runs tests/rules/eval and tests/rules/requests: rules with the expectation on the
 * line.
 *
 * Directives are comments `//! ...` that run from top to bottom:
 *   //! doc PATH JSON        a document exists          //! gone PATH      ... no longer
 *   //! after PATH JSON      what the request would leave (getAfter); `after PATH gone`
 *   //! auth JSON            the token's claims         //! auth null      nobody
 *   //! budget               one lookup budget for the requests that follow (a batch)
 *   //! get|delete PATH   //! create|update PATH JSON   //! list|group PATH [where F, F or F] [limit N]
 * [order FIELD desc] JSON is plain; {"$time": "..."}, {"$ref": "c/d"}, {"$bytes": "base64"}, {"$geo": [1,
 * 2]}, {"$now": true} for the rest. A request ends in `// -> allow`, `// -> allow @ L:C` or `// -> deny:
 * MESSAGE` (without its first newline, '~' for others), followed by any of ` ;; at L:C`, ` ;; expression E`,
 * ` ;; value V`, ` ;; missing M`, ` ;; have H`, ` ;; extra X`, ` ;; unproved` about the first try. Files in
 * eval/ have no service: every other line is `EXPRESSION // -> VALUE` or `// -> error: TEXT`, evaluated as
 * the condition of a `get` of the document e/doc. */
#include "rules_world.h"

#include "rules-engine/match.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static size_t expectations, failures;
static struct buf all_scripts;

struct script {
    struct arena *arena;
    const char *name;
    unsigned line;
    struct world world;
    struct rules_auth auth;
    struct rules_budget budget;
    bool with_budget;
    struct ruleset *ruleset; /* NULL in eval/ */
};

static const struct timestamp now = { 1700000000, 5000000 };

static void complain(const struct script *s, const char *expected, const char *got)
{
    failures++;
    fprintf(stderr, "%s:%u:\n  expected %s\n  got      %s\n", s->name, s->line, expected, got);
}

/* ---- reading ---- */

static struct str trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

static struct str word(struct str *rest)
{
    *rest = trim(*rest);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ')
        n++;
    struct str out = str_from(rest->p, n);
    *rest = trim(str_skip(*rest, n));
    return out;
}

/* Cuts s at the first `mark`; false when there is none. */
static bool cut(struct str *s, struct str *behind, const char *mark)
{
    size_t n = strlen(mark);
    for (size_t i = 0; i + n <= s->n; i++) {
        if (memcmp(s->p + i, mark, n) == 0) {
            *behind = trim(str_skip(*s, i + n));
            *s = trim(str_from(s->p, i));
            return true;
        }
    }
    return false;
}

static struct value read_json(struct arena *arena, const struct json *v);

static int compare_fields(const void *a, const void *b)
{
    return str_cmp(((const struct field *)a)->name, ((const struct field *)b)->name);
}

static struct value_map read_map(struct arena *arena, const struct json *v)
{
    struct value_map map = { ARENA_ARRAY(arena, struct field, v->n), v->n };
    for (size_t i = 0; i < v->n; i++)
        map.items[i] = (struct field){ v->members[i].name, read_json(arena, &v->members[i].value) };
    if (map.n > 1)
        qsort(map.items, map.n, sizeof *map.items, compare_fields);
    return map;
}

static struct value read_special(struct arena *arena, struct str what, const struct json *v)
{
    struct value out = { .kind = VALUE_NULL };
    if (str_eq(what, STR("$time"))) {
        out.kind = VALUE_TIMESTAMP;
        assert_true(timestamp_parse(&out.time, v->text));
    } else if (str_eq(what, STR("$nan"))) {
        out = (struct value){ .kind = VALUE_DOUBLE, .number = strtod("nan", NULL) };
    } else if (str_eq(what, STR("$now"))) {
        out = (struct value){ .kind = VALUE_TIMESTAMP, .time = now };
    } else if (str_eq(what, STR("$ref"))) {
        out = (struct value){ .kind = VALUE_REFERENCE };
        out.text = str_of(
            arena_printf(arena, "projects/demo-p/databases/(default)/documents/" STR_FMT, STR_ARG(v->text)));
    } else if (str_eq(what, STR("$bytes"))) {
        out.kind = VALUE_BYTES;
        assert_true(base64_decode(&out.text, arena, v->text));
    } else if (str_eq(what, STR("$geo"))) {
        out = (struct value){ .kind = VALUE_GEO };
        out.geo.latitude = strtod(arena_str(arena, v->items[0].text).p, NULL);
        out.geo.longitude = strtod(arena_str(arena, v->items[1].text).p, NULL);
    } else {
        fail_msg("unknown " STR_FMT, STR_ARG(what));
    }
    return out;
}

static struct value read_json(struct arena *arena, const struct json *v)
{
    if (v->kind == JSON_ARRAY) {
        struct value out = { .kind = VALUE_ARRAY, .array = { ARENA_ARRAY(arena, struct value, v->n), v->n } };
        for (size_t i = 0; i < v->n; i++)
            out.array.items[i] = read_json(arena, &v->items[i]);
        return out;
    }
    if (v->kind != JSON_OBJECT)
        return json_plain(arena, v);
    if (v->n == 1 && v->members[0].name.n > 0 && v->members[0].name.p[0] == '$')
        return read_special(arena, v->members[0].name, &v->members[0].value);
    return (struct value){ .kind = VALUE_MAP, .map = read_map(arena, v) };
}

static struct value_map read_fields(struct script *s, struct str text)
{
    struct json v;
    if (!json_parse(&v, s->arena, text) || v.kind != JSON_OBJECT)
        fail_msg("%s:%u: no JSON object: " STR_FMT, s->name, s->line, STR_ARG(text));
    return read_map(s->arena, &v);
}

static struct rules_auth read_auth(struct script *s, struct str text)
{
    if (str_eq(text, STR("null")))
        return (struct rules_auth){ 0 };
    struct value_map *token = ARENA_NEW(s->arena, struct value_map);
    *token = read_fields(s, text);
    const struct value *sub = value_map_get(token, STR("sub"));
    return (struct rules_auth){ true, sub != NULL, sub ? sub->text : STR(""), token };
}

/* Service call errors have line breaks in them: here '~'. */
static const char *flat(struct arena *arena, const char *text)
{
    char *copy = arena_printf(arena, "%s", text);
    for (char *p = copy; *p; p++)
        *p = *p == '\n' ? '~' : *p;
    return copy;
}

/* ---- requests ---- */

static struct rules_query *read_query(struct script *s, struct str path, struct str rest, bool group)
{
    struct rules_query *q = ARENA_NEW(s->arena, struct rules_query);
    struct str order = STR(""), limit = STR(""), filters = STR("");
    q->all_descendants = group;
    q->collection_id = path_last(path);
    q->parent = path_segments(path) > 1 ? path_parent(path) : STR("");
    rest = str_of(arena_printf(s->arena, " " STR_FMT " ", STR_ARG(rest)));
    if (cut(&rest, &order, "order ")) {
        q->order_by = arena_zalloc(s->arena, 1, sizeof *q->order_by);
        q->n_order_by = 1;
        q->order_by[0].field = word(&order);
        q->order_by[0].descending = str_eq(order, STR("desc"));
    }
    if (cut(&rest, &limit, "limit ")) {
        q->has_limit = true;
        q->limit = strtoll(arena_str(s->arena, limit).p, NULL, 10);
    }
    if (!cut(&rest, &filters, "where "))
        return q;
    struct rules_disjunct *disjuncts = ARENA_ARRAY(s->arena, struct rules_disjunct, 30);
    for (bool more = true; more; q->n_disjuncts++) {
        struct str next = STR("");
        more = cut(&filters, &next, " or ");
        struct rules_constraint *items = ARENA_ARRAY(s->arena, struct rules_constraint, 20);
        size_t n = 0;
        for (bool and_more = true; and_more;) {
            struct str after = STR("");
            and_more = cut(&filters, &after, ", ");
            items[n++] = world_filter(s->arena, filters);
            filters = after;
        }
        disjuncts[q->n_disjuncts] = (struct rules_disjunct){ items, n };
        filters = next;
    }
    q->disjuncts = disjuncts;
    return q;
}

static void expect_part(const struct script *s, const char *what, const char *got, struct str expected)
{
    if (!got || !str_eq_z(expected, got))
        complain(s, arena_printf(s->arena, "%s " STR_FMT, what, STR_ARG(expected)), got ? got : "(none)");
}

static void check_details(const struct script *s, const struct rules_decision *d, struct str details)
{
    const struct rules_try *first = d->n_tries ? &d->tries[0] : NULL;
    while (details.n && first) {
        struct str next = STR(""), text = details;
        cut(&text, &next, ";;");
        struct str what = word(&text);
        const char *at = arena_printf(s->arena, "%u:%u", first->line, first->column);
        const char *got = str_eq(what, STR("at"))           ? at
                          : str_eq(what, STR("expression")) ? first->expression
                          : str_eq(what, STR("value"))      ? first->value
                          : str_eq(what, STR("missing"))    ? first->missing
                          : str_eq(what, STR("have"))       ? first->have
                          : str_eq(what, STR("extra"))      ? first->extra
                          : str_eq(what, STR("unproved"))   ? (first->not_provable ? "" : "no")
                                                            : NULL;
        expect_part(s, arena_str(s->arena, what).p, got, text);
        details = next;
    }
}

static void check_decision(const struct script *s, const struct rules_decision *d, struct str expected)
{
    struct str details = STR("");
    cut(&expected, &details, ";;");
    const char *got = "allow";
    if (!d->allowed)
        got = flat(s->arena, arena_printf(s->arena, "deny: %s", d->message + (d->message[0] == '\n')));
    if (str_starts(expected, STR("allow @ ")))
        got = d->allowed ? arena_printf(s->arena, "allow @ %u:%u", d->line, d->column) : got;
    if (!str_eq_z(expected, got))
        complain(s, arena_str(s->arena, expected).p, got);
    check_details(s, d, details);
}

static void put_after(struct script *s, struct str path, bool exists, struct value_map fields)
{
    struct world_document *d = world_find(&s->world, path);
    if (!d) {
        world_put(&s->world, path, fields);
        d = world_find(&s->world, path);
        d->exists = false;
    }
    d->written = true;
    d->exists_after = exists;
    d->fields_after = fields;
}

static void run_request(struct script *s, struct str op, struct str rest, struct str expected)
{
    static const char *const ops[] = { "get", "list", "create", "update", "delete", "group" };
    struct str path = word(&rest);
    struct rules_request r = { .db = s->world.db, .path = path, .auth = s->auth, .time = now };
    size_t method = 0;
    while (method < 6 && !str_eq_z(op, ops[method]))
        method++;
    if (method == 6)
        fail_msg("%s:%u: unknown directive " STR_FMT, s->name, s->line, STR_ARG(op));
    r.method = method == 5 ? RULES_LIST : (enum rules_method)method;
    struct rules_document *resource = ARENA_NEW(s->arena, struct rules_document);
    const struct world_document *d = world_find(&s->world, path);
    if (d)
        *resource = (struct rules_document){ .exists = d->exists, .fields = d->fields };
    struct value_map fields;
    struct rules_touched inserted = { .inserted = true };
    if (r.method == RULES_LIST)
        r.query = read_query(s, path, rest, method == 5);
    else
        r.resource = resource;
    if (r.method == RULES_CREATE || r.method == RULES_UPDATE) {
        fields = read_fields(s, rest);
        r.new_fields = &fields;
        r.touched = &inserted;
    }
    struct rules_env env = world_env(&s->world);
    struct rules_decision decision;
    struct status st = status_init(s->arena);
    assert_int_equal(
        world_decide(s->ruleset, &r, &env, s->with_budget ? &s->budget : NULL, s->arena, &decision, &st),
        STATUS_OK);
    expectations++;
    check_decision(s, &decision, expected);
}

static void run_directive(struct script *s, struct str text)
{
    struct str expected = STR(""), rest = text;
    bool request = cut(&rest, &expected, "// ->");
    struct str op = word(&rest);
    if (request) {
        run_request(s, op, rest, expected);
    } else if (str_eq(op, STR("auth"))) {
        s->auth = read_auth(s, rest);
    } else if (str_eq(op, STR("budget"))) {
        s->with_budget = true;
        s->budget = (struct rules_budget){ .arena = s->arena };
    } else {
        struct str path = word(&rest);
        bool gone = str_eq(op, STR("gone")) || str_eq(rest, STR("gone"));
        struct value_map fields = gone ? (struct value_map){ 0 } : read_fields(s, rest);
        if (str_eq(op, STR("after")))
            put_after(s, path, !gone, fields);
        else if (str_eq(op, STR("doc")) || str_eq(op, STR("gone")))
            world_put(&s->world, path, fields);
        else
            fail_msg("%s:%u: unknown directive " STR_FMT, s->name, s->line, STR_ARG(op));
        if (str_eq(op, STR("gone")))
            world_find(&s->world, path)->exists = world_find(&s->world, path)->exists_after = false;
    }
}

/* ---- expressions ---- */

static void run_expression(struct script *s, struct str text)
{
    struct str expected = STR("");
    const char *message;
    if (!cut(&text, &expected, "// ->"))
        fail_msg("%s:%u: no expectation", s->name, s->line);
    struct ruleset *ruleset = world_try_compile(
        &message, s->arena,
        str_of(arena_printf(
            s->arena,
            "rules_version = '2'; service cloud.firestore { match /databases/{database}/documents {\n"
            "match /e/{id} { allow get: if " STR_FMT "; } } }",
            STR_ARG(text))));
    expectations++;
    if (!ruleset) {
        complain(s, arena_str(s->arena, expected).p, message);
        return;
    }
    const struct world_document *d = world_find(&s->world, STR("e/doc"));
    struct rules_document resource = { .exists = d != NULL,
                                       .fields = d ? d->fields : (struct value_map){ 0 } };
    struct rules_request request = { .method = RULES_GET,
                                     .db = s->world.db,
                                     .path = STR("e/doc"),
                                     .auth = s->auth,
                                     .time = now,
                                     .resource = &resource };
    struct rules_env env = world_env(&s->world);
    struct status st = status_init(s->arena);
    struct eval e;
    struct match_target target = match_document(s->arena, request.db, request.path);
    eval_init(&e, ruleset, &request, &env, NULL, s->arena, &st);
    assert_true(match_covers(&e.wildcards, s->arena, ruleset->allows[0]->match, 2, &target));
    struct rvalue v = eval_node(&e, ruleset->allows[0]->condition);
    const char *got = flat(s->arena, rv_text(s->arena, v, 8192));
    if (!str_eq_z(expected, got))
        complain(s, arena_str(s->arena, expected).p, got);
    rules_release(ruleset);
}

/* ---- files ---- */

static struct str read_file(struct arena *arena, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot open %s", path);
    char *text = arena_alloc(arena, 1 << 20);
    size_t n = fread(text, 1, 1 << 20, f);
    fclose(f);
    return str_from(text, n);
}

static void run_file(const char *path, bool requests)
{
    struct arena *arena = arena_new();
    struct script *s = ARENA_NEW(arena, struct script);
    struct str text = read_file(arena, path), rest = text;
    s->arena = arena;
    s->name = path;
    world_init(&s->world, arena);
    buf_str(&all_scripts, text);
    if (requests)
        s->ruleset = world_compile(arena, text);
    while (rest.n) {
        const char *end = memchr(rest.p, '\n', rest.n);
        struct str line = end ? str_from(rest.p, (size_t)(end - rest.p)) : rest;
        rest = str_skip(rest, line.n + (end != NULL));
        line = trim(line);
        s->line++;
        if (str_starts(line, STR("//!")))
            run_directive(s, str_skip(line, 3));
        else if (!requests && line.n && !str_starts(line, STR("// ")) && !str_eq(line, STR("//")))
            run_expression(s, line);
    }
    rules_release(s->ruleset);
    buf_dispose(&s->world.traces);
    arena_free(arena);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static size_t run_folder(const char *folder, bool requests)
{
    enum { MAX_FILES = 100, MAX_NAME = 400 };
    static char names[MAX_FILES][MAX_NAME];
    size_t n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length < 6 || strcmp(entry->d_name + length - 6, ".rules") != 0)
            continue;
        assert_true(n < MAX_FILES);
        int written = snprintf(names[n++], MAX_NAME, "%s/%s", folder, entry->d_name);
        assert_true(written > 0 && written < MAX_NAME);
    }
    closedir(dir);
    qsort(names, n, MAX_NAME, by_name);
    for (size_t i = 0; i < n; i++)
        run_file(names[i], requests);
    return n;
}

static void every_expression_has_its_value(void **state)
{
    (void)state;
    expectations = failures = 0;
    assert_true(run_folder("rules/eval", false) > 0);
    fprintf(stderr, "%zu expressions\n", expectations);
    assert_true(expectations >= 250);
    assert_int_equal(failures, 0);
}

static void every_request_has_its_verdict(void **state)
{
    (void)state;
    expectations = failures = 0;
    assert_true(run_folder("rules/requests", true) > 0);
    fprintf(stderr, "%zu requests\n", expectations);
    assert_true(expectations >= 60);
    assert_int_equal(failures, 0);
}

static void every_built_in_is_named_by_a_script(void **state)
{
    size_t n, missing = 0;
    const struct builtin *const *rows = builtin_all(&n);
    struct str text = buf_view(&all_scripts);
    (void)state;
    assert_true(n > 80);
    for (size_t i = 0; i < n; i++) {
        if (!memmem(text.p, text.n, rows[i]->signature, strlen(rows[i]->signature))) {
            fprintf(stderr, "no script names %s\n", rows[i]->signature);
            missing++;
        }
        assert_true(strlen(rows[i]->doc) > 3);
    }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_expression_has_its_value),
        cmocka_unit_test(every_request_has_its_verdict),
        cmocka_unit_test(every_built_in_is_named_by_a_script),
    };
    buf_init(&all_scripts, 16 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_dispose(&all_scripts);
    return failed;
}
