/* rules_test_run.c - one case of a test file, asked of an in-process server as a client would ask. */
#include "core/clock.h"
#include "core/log.h"
#include "server/cli/rules_test.h"
#include "server/ops/denials.h"

#include <stdlib.h>

enum { EXPLANATION_MAX = 64 * 1024 };

/* ---- explaining ---- */

static struct str fact(const struct status_detail *d, const char *key)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->facts[i].key, key) == 0)
            return d->facts[i].value;
    return (struct str){ 0 };
}

/* Facts are NUL-terminated: arena_str made them. */
static const char *text_of(const struct status_detail *d, const char *key)
{
    struct str value = fact(d, key);
    return value.n ? value.p : NULL;
}

static uint32_t number_of(const struct status_detail *d, const char *key)
{
    const char *text = text_of(d, key);
    return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static struct rules_try try_of(const struct status_detail *d)
{
    return (struct rules_try){
        .file = fact(d, "file"),
        .allow_line = number_of(d, "allowLine"),
        .line = number_of(d, "line"),
        .column = number_of(d, "column"),
        .verdict = text_of(d, "verdict"),
        .reason = text_of(d, "reason"),
        .expression = text_of(d, "expression"),
        .value = text_of(d, "value"),
        .missing = text_of(d, "missing"),
        .have = text_of(d, "have"),
        .extra = text_of(d, "extra"),
        .not_provable = strcmp(d->reason, "SECURITY_RULES_NOT_PROVABLE") == 0,
    };
}

/* Details that are tries of the rules; NULL when none was tried, or others refused. */
static const struct status_detail *tries_of(const struct in_process_answer *answer)
{
    bool by_rules = answer->decision.by && strcmp(answer->decision.by, "rules") == 0;
    return by_rules ? answer->status.details : NULL;
}

void test_explain(struct buf *out, const struct in_process_answer *answer)
{
    const struct status_detail *first = tries_of(answer);
    bool unmatched = !first && answer->decision.by && strcmp(answer->decision.by, "rules") == 0;
    if (!first)
        log_escape(out, unmatched ? STR("no allow statement matches this path and method")
                                  : str_of(status_message(&answer->status)));
    for (const struct status_detail *d = first; d; d = d->next) {
        struct rules_try t = try_of(d);
        if (d != first)
            buf_byte(out, '\n');
        denials_put_try(out, &t);
        denials_put_sets(out, &t);
    }
}

/* ---- asking ---- */

static bool given_later(const struct ruletest_given *newest, const struct ruletest_given *g)
{
    for (const struct ruletest_given *later = newest; later != g; later = later->prev)
        if (str_eq(later->path, g->path))
            return true;
    return false;
}

/* The documents that are there, each in its newest form. */
static enum status_code put_given(struct in_process *server, const struct ruletest_case *c,
                                  struct database_name db, struct arena *arena, struct status *st)
{
    write_list writes = { 0 };
    struct in_process_answer answer;
    for (const struct ruletest_given *g = c->given; g; g = g->prev)
        writes.n++;
    writes.items = ARENA_ARRAY(arena, struct msg_write, writes.n);
    writes.n = 0;
    for (const struct ruletest_given *g = c->given; g; g = g->prev)
        if (!given_later(c->given, g))
            writes.items[writes.n++] = g->write;
    if (writes.n == 0)
        return STATUS_OK;
    in_process_commit(&answer, server, &in_process_owner, db, writes, arena);
    if (answer.status.code)
        status_set(st, STATUS_INVALID_ARGUMENT, "the given documents: %s", status_message(&answer.status));
    return st->code;
}

/* Given documents are from later than the request, which no rule sees: one that puts a server timestamp into
 * a document of its own millisecond would wait for the next, and time stands still. */
static struct timestamp time_of_given(const struct ruletest_case *c)
{
    return timestamp_from_us(timestamp_to_us(c->time) + 1000000);
}

static void ask(struct in_process_answer *answer, struct in_process *server, const struct ruletest_case *c,
                struct database_name db, struct arena *arena)
{
    if (c->kind == RULETEST_GET) {
        struct call *call = in_process_call(server, "GetDocument", c->principal);
        ((struct msg_get_document_request *)call->request)->name = c->path;
        in_process_send(answer, call, arena);
    } else if (c->kind == RULETEST_LIST) {
        struct call *call = in_process_call(server, "RunQuery", c->principal);
        struct msg_run_query_request *request = call->request;
        request->parent = path_full(call->arena, db, c->path);
        request->query_case = 2;
        request->structured_query = c->query;
        in_process_send(answer, call, arena);
    } else {
        in_process_commit(answer, server, c->principal, db, c->writes, arena);
    }
}

/* ---- judging ---- */

static bool decided_at(const struct test_result *r, const struct in_process_answer *answer, uint32_t line)
{
    if (r->allowed)
        return answer->decision.line == line;
    for (const struct status_detail *d = tries_of(answer); d; d = d->next)
        if (number_of(d, "allowLine") == line || number_of(d, "line") == line)
            return true;
    return false;
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

const char *test_granted_by(struct arena *arena, const struct in_process_answer *answer)
{
    const struct call_decision *d = &answer->decision;
    if (d->line == 0)
        return d->by ? d->by : "nobody: nothing was asked";
    return arena_printf(arena, STR_FMT ":%u:%u", STR_ARG(d->file), d->line, d->column);
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

enum status_code test_run(struct test_result *out, struct in_process *server, const struct ruletest_case *c,
                          struct database_name db, struct arena *arena, struct status *st)
{
    struct in_process_answer answer;
    *out = (struct test_result){ .c = c };
    in_process_set_time(server, time_of_given(c));
    in_process_set_iam(server, false);
    if (in_process_clear(server, db, st))
        return st->code;
    struct status given = status_init(arena);
    if (put_given(server, c, db, arena, &given)) {
        out->wrong = arena_printf(arena, "%s", status_message(&given));
        return STATUS_OK;
    }
    in_process_set_time(server, c->time);
    in_process_set_iam(server, c->by_iam);
    int64_t begun = clock_mono_ns();
    ask(&answer, server, c, db, arena);
    out->took_ns = clock_mono_ns() - begun;
    judge(out, &answer, arena);
    return STATUS_OK;
}

const char *test_name(struct arena *arena, const struct ruletest_case *c)
{
    return arena_printf(arena, STR_FMT "%s%s " STR_FMT, STR_ARG(c->test), c->test.n ? ": " : "",
                        c->allow ? "allow" : "deny", STR_ARG(c->text));
}
