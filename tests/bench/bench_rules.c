/* bench_rules.c - how fast rules decide, without a server around them: the audit-log create rule as articles
 * print it (hasAll of seven keys and seven type tests), a strict one with functions, the one of
 * fixtures/rules/audit_log.rules, a denial with its explanation, a list proof, a rule with two get()s, a
 * ruleset of 230 lines; and how long 50 KB take to compile.
 *
 * usage: bench_rules [SECONDS [NAME]]; NAME is a part of the lines wanted
 *
 * Each line: whole decisions per second of CPU time, nanoseconds for one, evaluations per second of the
 * condition that decides (a decision without matching, and without its explanation), expressions that the
 * decision counts, bytes of memory it takes. Coverage is counted, as in the server. */
#include "rules-engine/constraint.h"
#include "rules-engine/eval.h"
#include "rules-engine/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define HEAD "rules_version = '2'; service cloud.firestore { match /databases/{database}/documents {\n"
#define REQUIRED                                                                                             \
    "['timestamp', 'request_id', 'user_id', 'endpoint', 'method', 'status_code', 'firestore_path']"

static const char published[] =
    HEAD "match /api_audit_logs/{id} { allow create: if request.resource.data.keys().hasAll(" REQUIRED ")\n"
         "&& request.resource.data.timestamp is timestamp && request.resource.data.request_id is string\n"
         "&& request.resource.data.user_id is string && request.resource.data.endpoint is string\n"
         "&& request.resource.data.method is string && request.resource.data.status_code is int\n"
         "&& request.resource.data.firestore_path is string; } } }";

static const char strict[] =
    HEAD "function required() { return " REQUIRED "; }\n"
         "function short(value, max) { return value is string && value.size() > 0 && value.size() <= max; }\n"
         "function fresh(time) { return time is timestamp && time > request.time - duration.value(1, 'h')\n"
         "  && time < request.time + duration.value(1, 'm'); }\n"
         "match /api_audit_logs/{id} {\n"
         "  allow get, list: if request.auth.token.role in ['auditor', 'monitor'];\n"
         "  allow create: if request.auth.token.source == 'fastapi_service'\n"
         "    && request.resource.data.keys().hasAll(required())\n"
         "    && request.resource.data.keys().hasOnly(required().concat(['outcome', 'error', 'severity']))\n"
         "    && fresh(request.resource.data.timestamp) && short(request.resource.data.request_id, 128)\n"
         "    && short(request.resource.data.user_id, 128) && short(request.resource.data.endpoint, 512)\n"
         "    && request.resource.data.method in ['GET', 'POST', 'PUT'] && request.resource.data.status_code "
         "is int\n"
         "    && request.resource.data.status_code >= 100 && short(request.resource.data.firestore_path, "
         "1500); } } }";

static const char list_rule[] =
    HEAD "match /notes/{id} { allow list: if resource.data.owner == request.auth.uid; } } }";

static const char two_gets[] =
    HEAD "function user() { return get(/databases/$(database)/documents/users/$(request.auth.uid)).data; }\n"
         "match /projects/{p}/tasks/{t} { allow create: if user().role == 'editor'\n"
         "  && request.auth.uid in get(/databases/$(database)/documents/projects/$(p)).data.members; } } }";

/* Rules of an app: a match block with its functions for each of many collections. The last one grants. */
static const char one_collection[] =
    "  match /collection%u/{id} {\n"
    "    function owner() { return request.auth != null && resource.data.owner == request.auth.uid; }\n"
    "    function valid(data) {\n"
    "      return data.keys().hasAll(['title', 'owner']) && data.title is string && data.title.size() < "
    "100;\n"
    "    }\n"
    "    allow get, list: if owner() || request.auth.token.get('role', 'none') in ['admin', 'auditor'];\n"
    "    allow create: if valid(request.resource.data) && request.resource.data.owner == request.auth.uid;\n"
    "    allow update: if owner() && valid(request.resource.data)\n"
    "      && request.resource.data.diff(resource.data).affectedKeys().hasOnly(['title']);\n"
    "    allow delete: if owner();\n"
    "  }\n";
enum { LINES_OF_ONE = 11 };

static struct field text_field(const char *name, const char *text)
{
    return (struct field){ str_of(name), { .kind = VALUE_STRING, .text = str_of(text) } };
}

static struct ruleset *compile(struct arena *arena, const char *text)
{
    struct rules_file file = { STR("bench.rules"), str_of(text) };
    struct rules_issues issues;
    struct ruleset *ruleset;
    struct status st = status_init(arena);
    if (rules_compile(&ruleset, &file, 1, &issues, arena, &st)) {
        fprintf(stderr, "%s\n", status_message(&st));
        exit(1);
    }
    return ruleset;
}

/* CPU time of this process: what a busy machine takes away does not count. */
static int64_t cpu_ns(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000000) +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * INT64_C(1000);
}

static void print_collections(struct buf *out, unsigned n)
{
    buf_z(out, HEAD);
    for (unsigned i = 0; i < n; i++)
        buf_printf(out, one_collection, i);
    buf_z(out, "} }\n");
    buf_byte(out, 0);
}

/* The two documents that two_gets asks for. */
static enum status_code get_document(void *data, struct database_name db, struct str path, bool after,
                                     struct arena *arena, struct rules_document *out, struct status *st)
{
    static struct value member = { .kind = VALUE_STRING, .text = STR_INIT("alice") };
    static struct field role = { STR_INIT("role"), { .kind = VALUE_STRING, .text = STR_INIT("editor") } };
    static struct field members = { STR_INIT("members"), { .kind = VALUE_ARRAY, .array = { &member, 1 } } };
    (void)data, (void)db, (void)after, (void)arena, (void)st;
    bool user = str_starts(path, STR("users/"));
    *out = (struct rules_document){ .exists = true, .fields = { user ? &role : &members, 1 } };
    return STATUS_OK;
}

/* Which lines: a part of their names. */
static const char *wanted = "";

static void run_compile(double seconds)
{
    struct buf text;
    if (!strstr("compile", wanted))
        return;
    buf_init(&text, 1 << 20);
    unsigned n = 50 * 1024 / (sizeof one_collection - 1);
    print_collections(&text, n);
    int64_t start = cpu_ns(), end = start + (int64_t)(seconds * 1e9), now = start;
    uint64_t times = 0;
    for (; now < end; now = cpu_ns(), times++) {
        struct arena *arena = arena_new();
        rules_release(compile(arena, (const char *)text.data));
        arena_free(arena);
    }
    printf("%-28s %9.2f ms for %zu bytes, %u lines\n", "compile", (double)(now - start) / 1e6 / (double)times,
           text.len - 1, n * LINES_OF_ONE + 2);
    buf_dispose(&text);
}

/* ---- deciding ---- */

struct subject {
    const struct ruleset *ruleset;
    const struct rules_request *request;
    const struct rules_env *env;
    struct arena *arena; /* reset after each time */
    bool allowed;        /* what has to come out */
    /* The condition that decides: of the last allow that covers the request. */
    const struct ast_allow *allow;
    const struct rvalue *wildcards;
    uint32_t expressions;
    size_t used;
};

static void decide(struct subject *s)
{
    struct status st = status_init(s->arena);
    struct rules_decision decision;
    if (rules_decide(s->ruleset, s->request, s->env, NULL, s->arena, &decision, &st) ||
        decision.allowed != s->allowed) {
        fprintf(stderr, "wrong verdict: %s\n", decision.message ? decision.message : "allowed");
        exit(1);
    }
    s->expressions = decision.expressions;
    s->used = arena_used(s->arena);
    arena_reset(s->arena);
}

static void evaluate(struct subject *s)
{
    struct status st = status_init(s->arena);
    struct eval e;
    eval_init(&e, s->ruleset, s->request, s->env, NULL, s->arena, &st);
    e.shard = coverage_take(s->ruleset->coverage);
    e.coverage = coverage_nodes(e.shard);
    e.wildcards = s->wildcards;
    if (s->request->query)
        e.list_resource = constraint_resource(e.arena, &s->request->query->disjuncts[0], false);
    struct rvalue v = eval_counted(&e, s->allow->condition);
    coverage_give(e.shard);
    if (rv_is_true(v) != s->allowed)
        exit(1);
    arena_reset(s->arena);
}

/* Nanoseconds of CPU time for one. Not while coverage still looks at every value. */
static double measure(void (*once)(struct subject *s), struct subject *s, double seconds)
{
    for (int i = 0; i < 2 * LIMIT_COVERAGE_LOOKS; i++)
        once(s);
    int64_t start = cpu_ns(), end = start + (int64_t)(seconds * 1e9), now = start;
    uint64_t n = 0;
    for (; now < end; now = cpu_ns())
        for (int i = 0; i < 1000; i++, n++)
            once(s);
    return (double)(now - start) / (double)n;
}

static void find_condition(struct subject *s, struct arena *arena)
{
    static const unsigned bits[] = { METHOD_GET, METHOD_LIST, METHOD_CREATE, METHOD_UPDATE, METHOD_DELETE };
    const struct rules_request *r = s->request;
    struct match_target target = r->method == RULES_LIST ? match_collection(arena, r->db, r->query, r->path)
                                                         : match_document(arena, r->db, r->path);
    for (uint32_t i = 0; i < s->ruleset->n_allows; i++) {
        const struct ast_allow *allow = s->ruleset->allows[i];
        if ((allow->methods & bits[r->method]) &&
            match_covers(&s->wildcards, arena, allow->match, s->ruleset->units[0].version, &target))
            s->allow = allow;
    }
}

static void run(const char *name, const struct ruleset *ruleset, const struct rules_request *request,
                bool allowed, double seconds)
{
    struct rules_env env = { .get_document = get_document };
    struct arena *arena = arena_new();
    struct subject s = {
        .ruleset = ruleset, .request = request, .env = &env, .arena = arena_new(), .allowed = allowed
    };
    if (strstr(name, wanted)) {
        find_condition(&s, arena);
        double whole = measure(decide, &s, seconds), condition = measure(evaluate, &s, seconds);
        printf("%-28s %9.0f/s  %6.0f ns  %9.0f conditions/s  %3u expressions  %zu bytes\n", name, 1e9 / whole,
               whole, 1e9 / condition, s.expressions, s.used);
    }
    arena_free(s.arena);
    arena_free(arena);
}

/* A project's task, and a note in the last of 21 collections: 230 lines. */
static void run_larger(const struct rules_request *create, double seconds)
{
    struct arena *arena = arena_new();
    struct buf text;
    struct rules_request request = *create;
    struct field fields[] = { text_field("owner", "alice"), text_field("title", "A title") };
    struct value_map data = { fields, 2 };
    struct ruleset *gets = compile(arena, two_gets);
    request.path = STR("projects/p1/tasks/0123456789");
    request.new_fields = &data;
    run("create, two get()s", gets, &request, true, seconds);
    buf_init(&text, 1 << 20);
    print_collections(&text, 230 / LINES_OF_ONE + 1);
    struct ruleset *many = compile(arena, (const char *)text.data);
    request.path = str_of(arena_printf(arena, "collection%u/0123456789", 230 / LINES_OF_ONE));
    run("create, 230 lines of rules", many, &request, true, seconds);
    rules_release(gets);
    rules_release(many);
    buf_dispose(&text);
    arena_free(arena);
}

static struct str read_file(struct arena *arena, const char *path)
{
    enum { MOST = 64 * 1024 };
    FILE *f = fopen(path, "rb");
    char *text = arena_alloc(arena, MOST);
    size_t n = f ? fread(text, 1, MOST - 1, f) : 0;
    if (n == 0) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    fclose(f);
    text[n] = '\0';
    return str_from(text, n);
}

/* The audit log's create under three rules for it, the last of which nobody has written for a benchmark. */
static void run_audit_log(double seconds)
{
    struct arena *arena = arena_new();
    struct timestamp time = { 1700000000, 0 };
    struct field fields[] = {
        /* sorted */
        text_field("endpoint", "/items/1"),
        text_field("firestore_path", "items/1"),
        text_field("method", "GET"),
        text_field("request_id", "0123456789abcdef"),
        { STR("status_code"), { .kind = VALUE_INT, .integer = 200 } },
        { STR("timestamp"), { .kind = VALUE_TIMESTAMP, .time = time } },
        text_field("user_id", "user-1"),
    };
    struct field claims[] = { text_field("role", "auditor"), text_field("source", "fastapi_service"),
                              text_field("sub", "alice") };
    struct value_map data = { fields, 7 }, token = { claims, 3 }, short_data = { fields, 6 };
    struct rules_document missing = { 0 };
    struct rules_request request = {
        .method = RULES_CREATE,
        .db = { STR("p"), STR("(default)") },
        .path = STR("api_audit_logs/0123456789abcdefghij"),
        .auth = { true, true, STR("alice"), &token },
        .time = time,
        .resource = &missing,
        .new_fields = &data,
    };
    struct ruleset *a = compile(arena, published), *b = compile(arena, strict),
                   *c = compile(arena, read_file(arena, AUDIT_LOG_RULES).p);
    run("create, published rule", a, &request, true, seconds);
    run("create, strict rule", b, &request, true, seconds);
    run("create, audit_log.rules", c, &request, true, seconds);
    request.new_fields = &short_data;
    run("denied, with explanation", a, &request, false, seconds);
    run_larger(&request, seconds);
    rules_release(a);
    rules_release(b);
    rules_release(c);
    arena_free(arena);
}

static void run_list(double seconds)
{
    struct arena *arena = arena_new();
    struct value_map token = { 0 };
    struct value owner = { .kind = VALUE_STRING, .text = STR("alice") };
    struct str field = STR("owner");
    struct rules_constraint equal = { &field, 1, RULES_EQ, &owner };
    struct rules_disjunct disjunct = { &equal, 1 };
    struct rules_query query = { .collection_id = STR("notes"), .disjuncts = &disjunct, .n_disjuncts = 1 };
    struct rules_request request = { .method = RULES_LIST,
                                     .db = { STR("p"), STR("(default)") },
                                     .path = STR("notes"),
                                     .auth = { true, true, STR("alice"), &token },
                                     .time = { 1700000000, 0 },
                                     .query = &query };
    struct ruleset *ruleset = compile(arena, list_rule);
    run("list, proved by ==", ruleset, &request, true, seconds);
    rules_release(ruleset);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
    wanted = argc > 2 ? argv[2] : "";
    run_audit_log(seconds);
    run_list(seconds);
    run_compile(seconds);
    return 0;
}
