/* test_ruletest.c - the reader of test files: what requests, documents and people it makes of them, and its
 * limits. What is refused, and with which words, is tested over the command line (test_rules_test.py). */
#include "core/field_path.h"
#include "server/ruletest/ruletest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NAME "projects/p/databases/(default)/documents/"

struct read {
    struct arena *arena;
    struct ruletest_file file;
    struct rules_issue issue;
    enum status_code code;
};

static struct read *read_text(const char *text)
{
    static const struct database_name db = { STR_INIT("p"), STR_INIT("(default)") };
    static const struct timestamp now = { 1000, 0 };
    struct arena *arena = arena_new();
    struct read *r = ARENA_NEW(arena, struct read);
    struct status st = status_init(arena);
    r->arena = arena;
    r->code = ruletest_parse(&r->file, &r->issue, arena, STR("folder/t.test"), str_of(text), db, now, &st);
    return r;
}

static struct read *read_good(const char *text)
{
    struct read *r = read_text(text);
    if (r->code)
        fail_msg("%u:%u: %s", r->issue.line, r->issue.column, r->issue.description);
    return r;
}

static void end(struct read *r)
{
    arena_free(r->arena);
}

#define assert_str(s, z)                                                                                     \
    do {                                                                                                     \
        struct str got_ = (s);                                                                               \
        assert_int_equal(got_.n, strlen(z));                                                                 \
        assert_memory_equal(got_.p, z, got_.n);                                                              \
    } while (0)

static const struct msg_write *only_write(const struct read *r)
{
    assert_int_equal(r->file.n, 1);
    assert_int_equal(r->file.cases[0].writes.n, 1);
    return &r->file.cases[0].writes.items[0];
}

static void rules_are_named_from_the_folder_of_the_tests(void **state)
{
    (void)state;
    struct read *r = read_good("rules ../a.rules\nallow get a/b");
    assert_string_equal(r->file.rules, "folder/../a.rules");
    end(r);
    r = read_good("rules /a.rules\nallow get a/b");
    assert_string_equal(r->file.rules, "/a.rules");
    end(r);
}

static void create_says_that_the_document_is_not_there(void **state)
{
    (void)state;
    struct read *r = read_good("allow create a/b { n: 1 }");
    const struct msg_write *w = only_write(r);
    assert_int_equal(w->operation_case, 1);
    assert_str(w->update.name, NAME "a/b");
    assert_int_equal(w->current_document->condition_case, 1);
    assert_false(w->current_document->exists);
    assert_null(w->update_mask);
    end(r);
}

static void set_says_nothing_of_what_is_there(void **state)
{
    (void)state;
    struct read *r = read_good("allow set /a/b {}");
    const struct msg_write *w = only_write(r);
    assert_str(w->update.name, NAME "a/b");
    assert_null(w->current_document);
    assert_null(w->update_mask);
    end(r);
}

/* As the client libraries send it: a server timestamp is in the transforms and not in the mask. */
static void update_names_the_fields_it_changes(void **state)
{
    (void)state;
    struct read *r = read_good(
        "allow update a/b { b.\"c d\": 1, a: deleteField(), z: serverTimestamp(), m: { x: increment(2) } }");
    const struct msg_write *w = only_write(r);
    assert_true(w->current_document->exists);
    assert_int_equal(w->update_mask->field_paths.n, 3);
    assert_str(w->update_mask->field_paths.items[0], "a");
    assert_str(w->update_mask->field_paths.items[1], "b.`c d`");
    assert_str(w->update_mask->field_paths.items[2], "m");
    assert_int_equal(w->update_transforms.n, 2);
    assert_str(w->update_transforms.items[0].field_path, "m.x");
    assert_int_equal(w->update_transforms.items[0].operand.integer, 2);
    assert_str(w->update_transforms.items[1].field_path, "z");
    assert_null(value_map_get(&w->update.fields, STR("a")));
    const struct value *b = value_map_get(&w->update.fields, STR("b"));
    assert_int_equal(value_map_get(&b->map, STR("c d"))->integer, 1);
    end(r);
}

static void of_members_with_one_name_the_last_counts(void **state)
{
    (void)state;
    struct read *r = read_good("let x = { c: 3, a: 3 }\nlet y = { ...x, c: 4 }\n"
                               "allow set a/b { a: 1, b: 1, ...y, b: 2, c: absent, d: [absent, 1] }");
    const struct value_map *fields = &only_write(r)->update.fields;
    assert_int_equal(fields->n, 3);
    assert_str(fields->items[0].name, "a");
    assert_int_equal(fields->items[0].value.integer, 3);
    assert_str(fields->items[1].name, "b");
    assert_int_equal(fields->items[1].value.integer, 2);
    assert_int_equal(fields->items[2].value.array.n, 1);
    end(r);
}

static void what_a_test_says_ends_with_it(void **state)
{
    (void)state;
    struct read *r =
        read_good("as user ann\ngiven a/1 {}\nallow get a/0\n"
                  "test \"one\"\nas owner\ngiven a/2 {}\ntime 2026-03-01T12:00:00Z\nallow get a/0\n"
                  "test \"two\"\nallow get a/0");
    const struct ruletest_case *c = r->file.cases;
    assert_int_equal(r->file.n, 3);
    assert_str(c[0].test, "");
    assert_str(c[1].test, "one");
    assert_str(c[1].principal->label, "owner");
    assert_str(c[1].given->path, NAME "a/2");
    assert_ptr_equal(c[1].given->prev, c[0].given);
    assert_int_equal(c[1].time.seconds, 1772366400);
    assert_str(c[2].test, "two");
    assert_str(c[2].principal->label, "user:ann");
    assert_ptr_equal(c[2].given, c[0].given);
    assert_int_equal(c[2].time.seconds, 1000);
    end(r);
}

static void a_uid_is_the_subject_of_its_token(void **state)
{
    (void)state;
    struct read *r =
        read_good("as user ann { z: 1, a: 2 }\nallow get a/b\nas user ann { sub: \"eve\" }\nallow get a/b");
    const struct value_map *token = &r->file.cases[0].principal->token;
    assert_int_equal(token->n, 3);
    assert_str(token->items[1].name, "sub"); /* sorted, as maps are */
    assert_str(token->items[1].value.text, "ann");
    assert_str(value_map_get(&r->file.cases[1].principal->token, STR("sub"))->text, "eve");
    end(r);
}

static void a_query_is_what_a_client_would_send(void **state)
{
    (void)state;
    struct read *r = read_good(
        "allow list a/b/c where x.y == null and (n > 1 or n not-in [3]) order by n desc, m limit 7");
    const struct ruletest_case *c = &r->file.cases[0];
    assert_str(c->path, "a/b");
    assert_str(c->query->from.items[0].collection_id, "c");
    assert_false(c->query->from.items[0].all_descendants);
    const struct msg_composite_filter *both = c->query->where->composite;
    assert_int_equal(both->op, COMPOSITE_AND);
    assert_int_equal(both->filters.items[0].filter_case, 3);
    assert_int_equal(both->filters.items[0].unary->op, UNARY_OP_IS_NULL);
    assert_str(both->filters.items[0].unary->field->field_path, "x.y");
    assert_int_equal(both->filters.items[1].composite->op, COMPOSITE_OR);
    assert_int_equal(both->filters.items[1].composite->filters.items[1].field->op, FIELD_OP_NOT_IN);
    assert_int_equal(c->query->order_by.items[0].direction, DIRECTION_DESCENDING);
    assert_int_equal(c->query->order_by.items[1].direction, DIRECTION_ASCENDING);
    assert_true(c->query->limit.set && c->query->limit.value == 7);
    end(r);
}

static void groups_and_a_collection_called_group(void **state)
{
    (void)state;
    struct read *r = read_good("allow list group notes\nallow list group\nallow list group where a == 1");
    assert_true(r->file.cases[0].query->from.items[0].all_descendants);
    assert_str(r->file.cases[0].query->from.items[0].collection_id, "notes");
    for (int i = 1; i < 3; i++) {
        assert_false(r->file.cases[i].query->from.items[0].all_descendants);
        assert_str(r->file.cases[i].query->from.items[0].collection_id, "group");
    }
    end(r);
}

static void a_request_is_told_on_one_line(void **state)
{
    (void)state;
    struct read *r = read_good("  deny  create  a/b {\n  n: 1,\n}   at 3 because \"x\"");
    const struct ruletest_case *c = &r->file.cases[0];
    assert_str(c->text, "create a/b { n: 1, }");
    assert_int_equal(c->line, 1);
    assert_int_equal(c->column, 3);
    assert_int_equal(c->at_line, 3);
    assert_str(c->because, "x");
    end(r);
    r = read_good("allow batch { # two\n  # of them\n  set a#b/c {}  // one\n set \"a b/c\" { s: \"# \\\" "
                  "//\" } } # end");
    assert_str(r->file.cases[0].text, "batch { set a#b/c {} set \"a b/c\" { s: \"# \\\" //\" } }");
    end(r);
}

static void refused_with(const char *text, const char *said)
{
    struct read *r = read_text(text);
    assert_int_equal(r->code, STATUS_INVALID_ARGUMENT);
    if (!strstr(r->issue.description, said))
        fail_msg("'%s' does not say '%s'", r->issue.description, said);
    end(r);
}

/* Thirty lines of it would be a thousand million values. */
static void values_that_double_are_bounded(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 65536);
    buf_z(&text, "let a0 = [1, 2]\n");
    for (int i = 1; i < 30; i++)
        buf_printf(&text, "let a%d = { x: a%d, y: a%d }\n", i, i - 1, i - 1);
    buf_z(&text, "allow set a/b a29\n");
    buf_byte(&text, '\0');
    refused_with((const char *)text.data, "more than 1000000 values");
    buf_dispose(&text);
}

static void spreads_that_double_are_bounded(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 65536);
    buf_z(&text, "let a0 = { x: 1 }\n");
    for (int i = 1; i < 30; i++)
        buf_printf(&text, "let a%d = { ...a%d, ...a%d }\n", i, i - 1, i - 1);
    buf_z(&text, "allow set a/b a29\n");
    buf_byte(&text, '\0');
    refused_with((const char *)text.data, "more than 1000000 values");
    buf_dispose(&text);
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_z(&text, "let a = ");
    for (int i = 0; i < 100000; i++)
        buf_byte(&text, '[');
    buf_byte(&text, '\0');
    refused_with((const char *)text.data, "less nesting");
    buf_clear(&text);
    buf_z(&text, "allow list a where ");
    for (int i = 0; i < 100000; i++)
        buf_byte(&text, '(');
    buf_byte(&text, '\0');
    refused_with((const char *)text.data, "less nesting");
    buf_dispose(&text);
}

static void repeated_text_is_bounded(void **state)
{
    (void)state;
    refused_with("let a = repeat(\"x\", 1e15)", "too long");
    refused_with("let a = repeat(\"x\", -1)", "too long");
    refused_with("let a = repeat(\"x\", NaN)", "too long");
    refused_with("let a = [repeat(\"x\", 4e7), repeat(\"x\", 4e7)]", "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_named_from_the_folder_of_the_tests),
        cmocka_unit_test(create_says_that_the_document_is_not_there),
        cmocka_unit_test(set_says_nothing_of_what_is_there),
        cmocka_unit_test(update_names_the_fields_it_changes),
        cmocka_unit_test(of_members_with_one_name_the_last_counts),
        cmocka_unit_test(what_a_test_says_ends_with_it),
        cmocka_unit_test(a_uid_is_the_subject_of_its_token),
        cmocka_unit_test(a_query_is_what_a_client_would_send),
        cmocka_unit_test(groups_and_a_collection_called_group),
        cmocka_unit_test(a_request_is_told_on_one_line),
        cmocka_unit_test(values_that_double_are_bounded),
        cmocka_unit_test(spreads_that_double_are_bounded),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(repeated_text_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
