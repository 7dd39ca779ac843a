/* rules_test_run.c - one case of a test file, asked of an in-process server as a client would ask. */
#include "core/clock.h"
#include "core/log.h"
#include "server/cli/rules_test.h"

#include <string.h>

enum { EXPLANATION_MAX = 64 * 1024 };

/* ---- asking ---- */

static void ask(struct in_process_answer *answer, const struct test_world *world,
                const struct ruletest_case *c, struct arena *arena)
{
    if (c->kind == RULETEST_GET) {
        struct call *call = in_process_call(world->server, "GetDocument", c->principal);
        ((struct msg_get_document_request *)call->request)->name = c->path;
        in_process_send(answer, call, arena);
    } else if (c->kind == RULETEST_LIST) {
        struct call *call = in_process_call(world->server, "RunQuery", c->principal);
        struct msg_run_query_request *request = call->request;
        request->parent = path_full(call->arena, world->db, c->path);
        request->query_case = 2;
        request->structured_query = c->query;
        in_process_send(answer, call, arena);
    } else {
        in_process_commit(answer, world->server, c->principal, world->db, c->writes, arena);
    }
}

/* ---- judging ---- */

static bool decided_at(const struct test_result *r, const struct in_process_answer *answer, uint32_t line)
{
    if (r->allowed)
        return answer->decision.line == line;
    return test_denied_at(answer, line);
}

static const char *failed_otherwise(struct arena *arena, const struct in_process_answer *answer)
{
    const char *hint =
        answer->status.code == STATUS_NOT_FOUND ? "; a document is there when `given PATH {...}` says so"
        : answer->status.code == STATUS_ALREADY_EXISTS ? "; `set` writes a document that is there"
                                                       : "";
    struct buf out;
    buf_init(&out, EXPLANATION_MAX);
    log_escape(&out, str_of(status_message(&answer->status)));
    const char *text = arena_printf(arena, "it failed otherwise: %s: " STR_FMT "%s",
                                    status_name(answer->status.code), STR_ARG(buf_view(&out)), hint);
    buf_dispose(&out);
    return text;
}

static const char *expectation(struct arena *arena, const struct ruletest_case *c)
{
    const char *word = c->allow ? "allow" : "deny";
    return c->at_line ? arena_printf(arena, "%s at line %u", word, c->at_line) : word;
}

static const char *what_is_wrong(const struct test_result *r, const struct in_process_answer *answer,
                                 struct arena *arena)
{
    const struct ruletest_case *c = r->c;
    const char *expected = expectation(arena, c);
    if (!r->allowed && !r->denied)
        return arena_printf(arena, "expected %s, but %s", expected, failed_otherwise(arena, answer));
    if (c->allow != r->allowed || (c->at_line && !decided_at(r, answer, c->at_line)))
        return r->allowed
                   ? arena_printf(arena, "expected %s, but allowed by %s", expected, r->granted)
                   : arena_printf(arena, "expected %s, but denied%s", expected, c->allow ? "" : " elsewhere");
    if (c->because.n && !memmem(r->explained, strlen(r->explained), c->because.p, c->because.n))
        return arena_printf(arena, "denied as expected, but the explanation does not say \"" STR_FMT "\"",
                            STR_ARG(c->because));
    return NULL;
}

static void judge(struct test_result *out, const struct in_process_answer *answer, struct arena *arena)
{
    enum status_code code = answer->status.code;
    struct buf text;
    buf_init(&text, EXPLANATION_MAX);
    /* Whoever may get a document may learn that it is not there. */
    out->allowed = code == STATUS_OK || (out->c->kind == RULETEST_GET && code == STATUS_NOT_FOUND);
    out->denied = code == STATUS_PERMISSION_DENIED;
    out->granted = out->allowed ? test_granted_by(arena, answer) : NULL;
    if (out->denied)
        test_explain(&text, answer);
    out->explained = arena_str(arena, buf_view(&text)).p;
    out->wrong = what_is_wrong(out, answer, arena);
    buf_dispose(&text);
}

enum status_code test_run(struct test_result *out, struct test_world *world, const struct ruletest_case *c,
                          struct arena *arena, struct status *st)
{
    struct in_process_answer answer;
    struct status given = status_init(arena);
    *out = (struct test_result){ .c = c };
    if (test_world_fill(world, c, arena, &given)) {
        out->wrong = arena_printf(arena, "the given documents: %s", status_message(&given));
        return STATUS_OK;
    }
    in_process_set_time(world->server, c->time);
    in_process_set_iam(world->server, c->by_iam);
    int64_t begun = clock_mono_ns();
    ask(&answer, world, c, arena);
    out->took_ns = clock_mono_ns() - begun;
    judge(out, &answer, arena);
    return answer.status.code == STATUS_OK ? test_world_take_back(world, c, arena, st) : STATUS_OK;
}

const char *test_name(struct arena *arena, const struct ruletest_case *c)
{
    return arena_printf(arena, STR_FMT "%s%s " STR_FMT, STR_ARG(c->test), c->test.n ? ": " : "",
                        c->allow ? "allow" : "deny", STR_ARG(c->text));
}
