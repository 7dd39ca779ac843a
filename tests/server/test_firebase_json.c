/* test_firebase_json.c - firebase.json and .firebaserc: what is read, what is passed over, what is refused
 * where. */
#include "server/firebase_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* A file and what must come of it: values joined by spaces ("-": not said), or the error. */
struct row {
    const char *text, *wanted;
};

static const char *shown(const char *text)
{
    return text ? text : "-";
}

static char *port_shown(struct arena *arena, bool given, uint16_t port)
{
    return given ? arena_printf(arena, "%u", (unsigned)port) : arena_printf(arena, "-");
}

static const char *result_of(struct arena *arena, struct str text, bool is_rc)
{
    struct status st = status_init(arena);
    struct firebase_folder f = { 0 };
    if ((is_rc ? firebaserc_parse : firebase_json_parse)(&f, arena, text, &st))
        return status_message(&st);
    if (is_rc)
        return shown(f.project);
    return arena_printf(arena, "%s %s %s %s%s", shown(f.host), port_shown(arena, f.port_given, f.port),
                        port_shown(arena, f.websocket_port_given, f.websocket_port), shown(f.rules),
                        f.other_rules ? " and others" : "");
}

static void check(const struct row *rows, size_t n, bool is_rc)
{
    struct arena *arena = arena_new();
    for (size_t i = 0; i < n; i++) {
        const char *got = result_of(arena, str_of(rows[i].text), is_rc);
        if (strcmp(got, rows[i].wanted) != 0)
            fail_msg("%s\n  wanted: %s\n  got:    %s", rows[i].text, rows[i].wanted, got);
    }
    arena_free(arena);
}

#define CHECK(rows, is_rc) check(rows, sizeof(rows) / sizeof((rows)[0]), is_rc)

static void what_is_said_is_read_and_the_rest_passed_over(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "{}", "- - - -" },
        { "{\"firestore\":{\"rules\":\"f.rules\",\"indexes\":\"i.json\"},\"hosting\":[{\"rewrites\":[{}]}]}",
          "- - - f.rules" },
        { "{\"emulators\":{\"firestore\":{\"host\":\"0.0.0.0\",\"port\":9099,\"websocketPort\":9151},"
          "\"ui\":{\"enabled\":true,\"port\":4000},\"singleProjectMode\":true}}",
          "0.0.0.0 9099 9151 -" },
        { "{\"emulators\":{\"firestore\":{\"port\":0}}}", "- 0 - -" },
        { "{\"emulators\":{\"firestore\":{\"port\":65535}}}", "- 65535 - -" },
        { "{\"emulators\":{\"auth\":{\"port\":\"any\"}},\"firestore\":{}}", "- - - -" },
        { "{\"emulators\":{\"firestore\":{\"port\":1}},\"emulators\":{\"firestore\":{\"port\":2}}}",
          "- 2 - -" },
    };
    CHECK(rows, false);
}

static void of_several_databases_the_default_one_has_the_rules(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "{\"firestore\":[]}", "- - - -" },
        { "{\"firestore\":[{\"database\":\"a\",\"rules\":\"a.rules\"}]}", "- - - a.rules" },
        { "{\"firestore\":[{\"database\":\"a\",\"rules\":\"a.rules\"},{\"database\":\"b\",\"rules\":\"b."
          "rules\"}]}",
          "- - - a.rules and others" },
        { "{\"firestore\":[{\"database\":\"a\",\"rules\":\"a.rules\"},"
          "{\"database\":\"(default)\",\"rules\":\"d.rules\"},{\"database\":\"c\",\"rules\":\"c.rules\"}]}",
          "- - - d.rules and others" },
        { "{\"firestore\":[{\"rules\":\"d.rules\",\"database\":\"(default)\"},{\"rules\":\"d.rules\","
          "\"database\":\"b\"}]}",
          "- - - d.rules" },
        { "{\"firestore\":[{\"database\":\"(default)\"},{\"database\":\"b\",\"rules\":\"b.rules\"}]}",
          "- - - b.rules" },
        { "{\"firestore\":[{\"target\":\"main\",\"rules\":\"m.rules\"}]}", "- - - m.rules" },
    };
    CHECK(rows, false);
}

static void comments_are_blank_and_count_as_lines(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "// one\n{ /* \"a\": */ \"firestore\": // {\n {\"rules\":\"a//b/*c*/.rules\"} }",
          "- - - a//b/*c*/.rules" },
        { "{\"firestore\":{\"rules\":\"say \\\"//hi\\\".rules\"}}", "- - - say \"//hi\".rules" },
        { "/* one\n two */\n{\"emulators\": 1}", "firebase.json:3: emulators must be an object" },
        { "{} /* never closed", "- - - -" },
        { "{/}", "firebase.json:1: a name in quotes is expected" },
        { "/*/{}", "firebase.json:1: the text is cut off or empty" },
    };
    CHECK(rows, false);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "", "firebase.json:1: the text is cut off or empty" },
        { "[]", "firebase.json:1: must be one JSON object" },
        { "{}\n{}", "firebase.json:2: something follows the value" },
        { "{\n \"firestore\": {\n  \"rules\": \"a\",\n }\n}",
          "firebase.json:4: a name in quotes is expected" },
        { "{\n\"firestore\": \"x.rules\"}",
          "firebase.json:2: firestore must be an object, or a list of objects" },
        { "{\"firestore\": [\n{}, 7]}",
          "firebase.json:2: firestore must be an object, or a list of objects" },
        { "{\"firestore\":\n{\"rules\":\n[]}}",
          "firebase.json:3: firestore.rules must be the name of a file" },
        { "{\"firestore\":{\"rules\":\"\"}}", "firebase.json:1: firestore.rules must be the name of a file" },
        { "{\"firestore\":{\"rules\":\"a\\u0000b\"}}",
          "firebase.json:1: firestore.rules must be the name of a file" },
        { "{\"firestore\":{\"database\":5}}",
          "firebase.json:1: firestore.database must be the name of a database" },
        { "{\"emulators\":{\"firestore\":8080}}", "firebase.json:1: emulators.firestore must be an object" },
        { "{\"emulators\":{\"firestore\":{\"host\":true}}}",
          "firebase.json:1: emulators.firestore.host must be an address" },
        { "{\"emulators\":{\"firestore\":{\n\"port\":\"8080\"}}}",
          "firebase.json:2: emulators.firestore.port must be a port from 0 to 65535" },
        { "{\"emulators\":{\"firestore\":{\"port\":65536}}}",
          "firebase.json:1: emulators.firestore.port must be a port from 0 to 65535" },
        { "{\"emulators\":{\"firestore\":{\"port\":-1}}}",
          "firebase.json:1: emulators.firestore.port must be a port from 0 to 65535" },
        { "{\"emulators\":{\"firestore\":{\"port\":80.5}}}",
          "firebase.json:1: emulators.firestore.port must be a port from 0 to 65535" },
        { "{\"emulators\":{\"firestore\":{\"websocketPort\":null}}}",
          "firebase.json:1: emulators.firestore.websocketPort must be a port from 0 to 65535" },
        { "{\"hosting\":{\n\"a\":[1,\n2,}}", "firebase.json:3: a value is expected" },
    };
    CHECK(rows, false);
}

static void the_default_project_is_that_of_firebaserc(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "{}", "-" },
        { "{\"projects\":{\"default\":\"demo-shop\",\"staging\":\"shop-staging\"},\"targets\":{}}",
          "demo-shop" },
        { "{\"projects\":{\"staging\":\"shop-staging\"}}", "-" },
        { "{\n\"projects\":[]}", ".firebaserc:2: projects must be an object" },
        { "{\"projects\":{\"default\":7}}", ".firebaserc:1: projects.default must be the id of a project" },
    };
    CHECK(rows, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_is_read_and_the_rest_passed_over),
        cmocka_unit_test(of_several_databases_the_default_one_has_the_rules),
        cmocka_unit_test(comments_are_blank_and_count_as_lines),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(the_default_project_is_that_of_firebaserc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
