/* test_parser.c - what the parser makes of texts: shape of the tree, spans, names and slots. */
#include "rules-engine/ast.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct arena *arena;
    struct ruleset *ruleset;
};

static void compile(struct fixture *f, const char *text)
{
    f->arena = arena_new();
    struct rules_file file = { STR("t.rules"), str_of(text) };
    struct rules_issues issues;
    struct status st = status_init(f->arena);
    if (rules_compile(&f->ruleset, &file, 1, &issues, f->arena, &st))
        fail_msg("%s: %s", text, status_message(&st));
}

static void dispose(struct fixture *f)
{
    rules_release(f->ruleset);
    arena_free(f->arena);
}

/* ---- the tree as text: (op a b) ---- */

static const char *shape(struct arena *arena, const struct ast_node *node);

static const char *shapes(struct arena *arena, const char *head, struct ast_node **items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        head = arena_printf(arena, "%s %s", head, shape(arena, items[i]));
    return arena_printf(arena, "(%s)", head);
}

static const char *path_shape(struct arena *arena, const struct ast_path_part *parts, uint32_t n)
{
    const char *text = "path";
    for (uint32_t i = 0; i < n; i++) {
        const struct ast_path_part *part = &parts[i];
        if (part->kind == PART_EXPR)
            text = arena_printf(arena, "%s $%s", text, shape(arena, part->expr));
        else if (part->kind == PART_LITERAL)
            text = arena_printf(arena, "%s /" STR_FMT, text, STR_ARG(part->text));
        else
            text = arena_printf(arena, "%s {" STR_FMT "%s}", text, STR_ARG(part->text),
                                part->kind == PART_GLOB ? "**" : "");
    }
    return arena_printf(arena, "(%s)", text);
}

static const char *const operators[] = {
    [AST_NOT] = "!", [AST_NEGATE] = "neg", [AST_AND] = "&&", [AST_OR] = "||", [AST_EQ] = "==",
    [AST_NE] = "!=", [AST_LT] = "<",       [AST_LE] = "<=",  [AST_GT] = ">",  [AST_GE] = ">=",
    [AST_ADD] = "+", [AST_SUB] = "-",      [AST_MUL] = "*",  [AST_DIV] = "/", [AST_MOD] = "%",
    [AST_IN] = "in", [AST_TERNARY] = "?",
};

static const char *map_shape(struct arena *arena, const struct ast_node *node)
{
    const char *text = "map";
    for (uint32_t i = 0; i < node->map.n; i++)
        text = arena_printf(arena, "%s %s:%s", text, shape(arena, node->map.keys[i]),
                            shape(arena, node->map.values[i]));
    return arena_printf(arena, "(%s)", text);
}

static const char *shape(struct arena *arena, const struct ast_node *node)
{
    if (!node)
        return "_";
    switch (node->kind) {
    case AST_NULL:
        return "null";
    case AST_BOOL:
        return node->boolean ? "true" : "false";
    case AST_INT:
        return arena_printf(arena, "%lld", (long long)node->integer);
    case AST_FLOAT:
        return arena_printf(arena, "%g", node->number);
    case AST_STRING:
        return arena_printf(arena, "'" STR_FMT "'", STR_ARG(node->text));
    case AST_BYTES:
        return arena_printf(arena, "b'" STR_FMT "'", STR_ARG(node->text));
    case AST_LIST:
        return shapes(arena, "list", node->list.items, node->list.n);
    case AST_MAP:
        return map_shape(arena, node);
    case AST_PATH:
        return path_shape(arena, node->path.parts, node->path.n);
    case AST_NAME:
        return arena_str(arena, node->name.name).p;
    case AST_MEMBER:
        return arena_printf(arena, "(. %s " STR_FMT ")", shape(arena, node->member.object),
                            STR_ARG(node->member.name));
    case AST_INDEX:
        return arena_printf(arena, "([] %s %s)", shape(arena, node->index.object),
                            shape(arena, node->index.from));
    case AST_SLICE:
        return arena_printf(arena, "([:] %s %s %s)", shape(arena, node->index.object),
                            shape(arena, node->index.from), shape(arena, node->index.to));
    case AST_CALL:
        return shapes(arena, arena_printf(arena, "call " STR_FMT, STR_ARG(node->call.name)), node->call.args,
                      node->call.n);
    case AST_METHOD:
        return shapes(arena,
                      arena_printf(arena, "method %s " STR_FMT,
                                   node->call.package.n ? arena_str(arena, node->call.package).p
                                                        : shape(arena, node->call.object),
                                   STR_ARG(node->call.name)),
                      node->call.args, node->call.n);
    case AST_IS:
        return arena_printf(arena, "(is %s %d)", shape(arena, node->is.a), (int)node->is.type);
    default: {
        struct ast_node *operands[] = { node->op.a, node->op.b, node->op.c };
        return shapes(arena, operators[node->kind], operands, node->op.c ? 3 : node->op.b ? 2 : 1);
    }
    }
}

static void expect_shape(const char *expression, const char *expected)
{
    struct fixture f;
    char text[4096];
    snprintf(text, sizeof text,
             "rules_version = '2';\nservice cloud.firestore { match /a/{x} { allow get: if %s; } }",
             expression);
    compile(&f, text);
    const char *got = shape(f.arena, f.ruleset->allows[0]->condition);
    if (strcmp(got, expected) != 0)
        fail_msg("%s\n  expected %s\n  got      %s", expression, expected, got);
    dispose(&f);
}

static void operators_bind_as_in_googles_grammar(void **state)
{
    (void)state;
    expect_shape("1 + 2 * 3 - 4", "(- (+ 1 (* 2 3)) 4)");
    expect_shape("1 - 2 - 3", "(- (- 1 2) 3)");
    expect_shape("a || b && c", "(|| a (&& b c))");
    expect_shape("a && b == c", "(&& a (== b c))");
    expect_shape("a == b < c", "(== a (< b c))");
    expect_shape("a < b + c", "(< a (+ b c))");
    expect_shape("a / 2 % 3", "(% (/ a 2) 3)");
}

static void is_and_in_bind_looser_than_equality(void **state)
{
    (void)state;
    char text[64];
    expect_shape("1 in [1] == true", "(in 1 (== (list 1) true))");
    expect_shape("a == b in c", "(in (== a b) c)");
    snprintf(text, sizeof text, "(is (== a b) %d)", (int)RT_BOOL);
    expect_shape("a == b is bool", text);
    snprintf(text, sizeof text, "(in a (is b %d))", (int)RT_LIST);
    expect_shape("a in b is list", text);
}

static void not_binds_tighter_than_everything_binary(void **state)
{
    (void)state;
    expect_shape("!'a' in x", "(in (! 'a') x)");
    expect_shape("!a == b", "(== (! a) b)");
    expect_shape("!!a.b", "(! (! (. a b)))");
    expect_shape("!-a", "(! (neg a))");
    expect_shape("-a.b + c", "(+ (neg (. a b)) c)");
}

static void ternaries_associate_to_the_right(void **state)
{
    (void)state;
    expect_shape("a ? b : c ? d : e", "(? a b (? c d e))");
    expect_shape("a ? b ? c : d : e", "(? a (? b c d) e)");
    expect_shape("a || b ? c : d || e", "(? (|| a b) c (|| d e))");
}

static void paths_are_one_token_a_segment(void **state)
{
    (void)state;
    expect_shape("/users/a+b/%41", "(path /users /a b /A)");
    expect_shape("get(/databases/(default)/documents/$(x.y)/{z}/{r=**})",
                 "(call get (path /databases /(default) /documents $(. x y) {z} {r**}))");
    expect_shape("/a/b[0]", "([] (path /a /b) 0)");
    expect_shape("4/ 2", "(/ 4 2)");
    expect_shape("/a /b == c", "(== (path /a /b) c)");
    expect_shape("/a/** == /a/*", "(== (path /a /**) (path /a /*))");
}

static void keywords_are_members_behind_a_dot(void **state)
{
    (void)state;
    expect_shape("a.if.match.in.default", "(. (. (. (. a if) match) in) default)");
    expect_shape("a.b().is", "(. (method a b) is)");
}

static void calls_take_a_trailing_comma(void **state)
{
    (void)state;
    expect_shape("f(1, [2, 3,], {'a': 1,},)", "(call f 1 (list 2 3) (map 'a':1))");
    expect_shape("math.abs(1,)", "(method math abs 1)");
    expect_shape("a.b(c).d[1:][:2][3:4][:]", "([:] ([:] ([:] ([:] (. (method a b c) d) 1 _) _ 2) 3 4) _ _)");
}

static void literals_are_unescaped(void **state)
{
    (void)state;
    expect_shape("'a\\'\\x41\\101\\u00e9\\ud83d\\ude00' == \"it’s\"", "(== 'a'AAé😀' 'it’s')");
    expect_shape("b'\\x41\\102' == B\"c\"", "(== b'AB' b'c')");
    expect_shape("1. == .5", "(== 1 0.5)");
    expect_shape("-9223372036854775808 < 9223372036854775807",
                 "(< -9223372036854775808 9223372036854775807)");
}

static void comments_and_line_ends_stand_anywhere(void **state)
{
    (void)state;
    struct fixture f;
    compile(&f, "/**/rules_version /*a*/ = '2' // no semicolon\r\n"
                "service cloud.firestore {\r\n"
                "  match /a/{x} { // c\r\n"
                "    allow get, /* d */ list: /* e */ if // f\r\n"
                "      x == 'a'\r\n"
                "    allow create\r\n"
                "  }\r\n"
                "}\r\n"
                "function outside() { return 1 }");
    assert_int_equal(f.ruleset->n_allows, 2);
    assert_string_equal(f.ruleset->allows[0]->methods_text, "get, list");
    assert_int_equal(f.ruleset->allows[0]->methods, METHOD_GET | METHOD_LIST);
    assert_null(f.ruleset->allows[1]->condition);
    assert_int_equal(f.ruleset->units[0].version, 2);
    dispose(&f);
}

static void spans_leave_parentheses_out(void **state)
{
    (void)state;
    struct fixture f;
    const char *text = "service cloud.firestore { match /a/{x} { allow get: if ( (x) == 'a' ); } }";
    compile(&f, text);
    const struct ast_node *node = f.ruleset->allows[0]->condition;
    assert_memory_equal(text + node->span.from, "(x) == 'a'", 10);
    assert_int_equal(node->span.to - node->span.from, 10);
    assert_memory_equal(text + node->start, "( (x)", 5);
    assert_int_equal(node->parentheses, 1);
    assert_memory_equal(text + node->op.a->span.from, "x)", 2);
    dispose(&f);
}

static void names_are_resolved_from_the_inside_out(void **state)
{
    (void)state;
    struct fixture f;
    compile(&f, "rules_version = '2'; service cloud.firestore {"
                " function f() { return true; }"
                " match /a/{x}/{y} {"
                "  function f(y) { let z = y; return z == x; }"
                "  match /b/{x} { allow get: if f(y) && x == 'a' && request.auth == resource; } } }");
    const struct ast_node *condition = f.ruleset->allows[0]->condition;
    const struct ast_node *call = condition->op.a->op.a, *compare = condition->op.a->op.b,
                          *last = condition->op.b;
    assert_int_equal(call->call.args[0]->name.scope, SCOPE_WILDCARD);
    assert_int_equal(call->call.args[0]->name.slot, 1);
    assert_int_equal(compare->op.a->name.scope, SCOPE_WILDCARD);
    assert_int_equal(compare->op.a->name.slot, 2); /* the inner x */
    assert_int_equal(last->op.b->name.scope, SCOPE_RESOURCE);
    const struct ast_function *function = call->call.function;
    assert_non_null(function->declared_in);
    assert_int_equal(function->lets[0].value->name.scope, SCOPE_PARAMETER);
    assert_int_equal(function->body->op.a->name.scope, SCOPE_LET);
    assert_int_equal(function->body->op.b->name.scope, SCOPE_WILDCARD);
    assert_int_equal(function->body->op.b->name.slot, 0); /* the outer x: where f is declared */
    assert_true(function->used);
    dispose(&f);
}

static void full_paths_count_wildcards_from_the_outside(void **state)
{
    (void)state;
    struct fixture f;
    compile(&f, "service cloud.firestore { match /a/{x} { match /b/{y=**} { allow get; } } }");
    const struct ast_match *match = f.ruleset->allows[0]->match;
    assert_int_equal(match->n_full, 4);
    assert_int_equal(match->n_wildcards, 2);
    assert_string_equal(path_shape(f.arena, match->full, match->n_full), "(path /a {x} /b {y**})");
    assert_false(match->never_matches);
    dispose(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_bind_as_in_googles_grammar),
        cmocka_unit_test(is_and_in_bind_looser_than_equality),
        cmocka_unit_test(not_binds_tighter_than_everything_binary),
        cmocka_unit_test(ternaries_associate_to_the_right),
        cmocka_unit_test(paths_are_one_token_a_segment),
        cmocka_unit_test(keywords_are_members_behind_a_dot),
        cmocka_unit_test(calls_take_a_trailing_comma),
        cmocka_unit_test(literals_are_unescaped),
        cmocka_unit_test(comments_and_line_ends_stand_anywhere),
        cmocka_unit_test(spans_leave_parentheses_out),
        cmocka_unit_test(names_are_resolved_from_the_inside_out),
        cmocka_unit_test(full_paths_count_wildcards_from_the_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
