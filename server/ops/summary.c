/* summary.c - see summary.h. */
#include "server/ops/summary.h"

#include "core/codec.h"
#include "server/faults/faults.h"
#include "server/ops/expect.h"
#include "server/server.h"
#include "server/service/rulesets.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_LINES = 1000, SHOWN_LINES = 10, SHOWN_ALLOWS = 20 };

struct denied_line {
    char file[128];
    char method[8];
    uint32_t line;
    uint64_t count;
};

struct pattern_count {
    _Atomic uint64_t created, refused;
};

struct summary {
    _Atomic uint64_t events[SUMMARY_EVENTS];
    struct pattern_count patterns[OPTIONS_MAX_LIST];
    const struct str *first_pattern; /* of options.append_only */
    _Atomic uint64_t calls, connections;
    _Atomic uint64_t newest_connection;
    pthread_mutex_t mutex;
    struct denied_line lines[MAX_LINES];
    size_t n_lines;
};

struct summary *summary_new(void)
{
    struct summary *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    pthread_mutex_init(&s->mutex, NULL);
    return s;
}

void summary_free(struct summary *summary)
{
    if (!summary)
        return;
    pthread_mutex_destroy(&summary->mutex);
    free(summary);
}

void summary_count(struct summary *summary, enum summary_event event)
{
    if (summary)
        atomic_fetch_add_explicit(&summary->events[event], 1, memory_order_relaxed);
}

uint64_t summary_get(const struct summary *summary, enum summary_event event)
{
    return atomic_load(&summary->events[event]);
}

void summary_patterns(struct summary *summary, const struct str *patterns) { summary->first_pattern = patterns; }

void summary_append_only(struct summary *summary, const struct str *pattern, bool refused)
{
    summary_count(summary, refused ? SUMMARY_APPEND_REFUSED : SUMMARY_APPEND_CREATED);
    if (!summary->first_pattern || pattern < summary->first_pattern ||
        pattern >= summary->first_pattern + OPTIONS_MAX_LIST)
        return;
    struct pattern_count *p = &summary->patterns[pattern - summary->first_pattern];
    atomic_fetch_add(refused ? &p->refused : &p->created, 1);
}

void summary_denied_at(struct summary *summary, struct str file, uint32_t line, const char *method)
{
    if (!summary)
        return;
    pthread_mutex_lock(&summary->mutex);
    size_t i = 0;
    while (i < summary->n_lines && !(summary->lines[i].line == line && strcmp(summary->lines[i].method, method) == 0 &&
                                     strncmp(summary->lines[i].file, file.p ? file.p : "", file.n) == 0))
        i++;
    if (i == summary->n_lines && i < MAX_LINES) {
        struct denied_line *d = &summary->lines[summary->n_lines++];
        *d = (struct denied_line){ .line = line };
        snprintf(d->file, sizeof d->file, STR_FMT, STR_ARG(file));
        snprintf(d->method, sizeof d->method, "%s", method);
    }
    if (i < summary->n_lines)
        summary->lines[i].count++;
    pthread_mutex_unlock(&summary->mutex);
}

void summary_connection_call(struct summary *summary, uint64_t connection)
{
    atomic_fetch_add_explicit(&summary->calls, 1, memory_order_relaxed);
    /* Connections are numbered in order of their coming: one that is higher than all before is new. */
    uint64_t newest = atomic_load(&summary->newest_connection);
    while (connection > newest && !atomic_compare_exchange_weak(&summary->newest_connection, &newest, connection))
        ;
    if (connection > newest)
        atomic_fetch_add(&summary->connections, 1);
}

bool summary_unexercised(const struct summary *summary)
{
    return summary_get(summary, SUMMARY_RULES_ALLOWED) + summary_get(summary, SUMMARY_RULES_DENIED) == 0;
}

static uint64_t decided(const struct summary *s)
{
    return summary_get(s, SUMMARY_RULES_ALLOWED) + summary_get(s, SUMMARY_RULES_DENIED) +
           summary_get(s, SUMMARY_IAM_ALLOWED) + summary_get(s, SUMMARY_IAM_DENIED) + summary_get(s, SUMMARY_OWNER);
}

static int by_count(const void *a, const void *b)
{
    uint64_t x = ((const struct denied_line *)a)->count, y = ((const struct denied_line *)b)->count;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* ---- what was not exercised ---- */

struct allow_visit {
    struct arena *arena;
    struct buf *out;
    bool json;
    size_t n, shown;
};

static void visit_allows(void *data, struct str project, struct ruleset *ruleset)
{
    struct allow_visit *v = data;
    size_t n;
    struct rules_allow_stats *stats = rules_stats(ruleset, v->arena, &n);
    (void)project;
    for (size_t i = 0; i < n; i++) {
        const struct rules_allow_stats *a = &stats[i];
        if (a->evaluated || str_eq_z(a->file, "OPEN_RULES"))
            continue;
        if (v->json) {
            buf_printf(v->out, "%s{\"file\":", v->n ? "," : "");
            json_write_string(v->out, a->file);
            buf_printf(v->out, ",\"line\":%u,\"methods\":", a->line);
            json_write_string(v->out, str_of(a->methods));
            buf_z(v->out, ",\"pattern\":");
            json_write_string(v->out, str_of(a->pattern));
            buf_z(v->out, "}");
        } else if (v->shown < SHOWN_ALLOWS) {
            buf_printf(v->out, "    " STR_FMT ":%u allow %s on %s\n", STR_ARG(a->file), a->line, a->methods, a->pattern);
            v->shown++;
        }
        v->n++;
    }
}

static void print_unexercised(struct buf *out, struct server *server)
{
    struct allow_visit v = { .arena = arena_new() };
    struct buf lines;
    buf_init(&lines, 256 * 1024);
    v.out = &lines;
    rules_registry_each(server->rules, visit_allows, &v);
    if (v.n) {
        buf_printf(out, "  allow statements never evaluated: %zu\n", v.n);
        buf_str(out, buf_view(&lines));
        if (v.n > v.shown)
            buf_printf(out, "    ... and %zu more (all of them: --summary FILE)\n", v.n - v.shown);
    }
    buf_dispose(&lines);
    arena_free(v.arena);
}

static void print_denials(struct buf *out, struct summary *s)
{
    pthread_mutex_lock(&s->mutex);
    qsort(s->lines, s->n_lines, sizeof *s->lines, by_count);
    for (size_t i = 0; i < s->n_lines && i < SHOWN_LINES; i++) {
        if (s->lines[i].line)
            buf_printf(out, "    %s:%u %s: %" PRIu64 "\n", s->lines[i].file, s->lines[i].line, s->lines[i].method,
                       s->lines[i].count);
        else
            buf_printf(out, "    no matching allow, %s: %" PRIu64 "\n", s->lines[i].method, s->lines[i].count);
    }
    if (s->n_lines > SHOWN_LINES)
        buf_printf(out, "    ... and %zu more lines\n", s->n_lines - SHOWN_LINES);
    pthread_mutex_unlock(&s->mutex);
}

static void print_append_only(struct buf *out, const struct summary *s, const struct options *o)
{
    for (size_t i = 0; i < o->n_append_only; i++) {
        uint64_t created = atomic_load(&s->patterns[i].created), refused = atomic_load(&s->patterns[i].refused);
        buf_printf(out, "  append-only " STR_FMT ": %" PRIu64 " created, %" PRIu64 " changes refused%s\n",
                   STR_ARG(o->append_only[i]), created, refused,
                   created + refused ? "" : " - this pattern matched nothing: is it spelled right?");
    }
}

/* Entries that somebody may be missing, or have twice. */
static void print_lost(struct buf *out, const struct summary *s)
{
    static const struct {
        enum summary_event event;
        const char *text;
    } rows[] = {
        { SUMMARY_GIVEN_UP, "writes cancelled or past their deadline before the commit: %" PRIu64 " (nothing was written)" },
        { SUMMARY_CUT_OFF, "requests cut off before they were complete: %" PRIu64 " (nothing was written)" },
        { SUMMARY_CALLER_GONE, "writes whose caller went away before the answer: %" PRIu64 " (nobody awaited them?)" },
        { SUMMARY_REPEATED, "creates sent again with equal content: %" PRIu64 " (ALREADY_EXISTS; a retry?)" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (summary_get(s, rows[i].event)) {
            buf_z(out, "  ");
            buf_printf(out, rows[i].text, summary_get(s, rows[i].event));
            buf_byte(out, '\n');
        }
}

bool summary_print(struct buf *out, struct server *server, bool colour)
{
    struct summary *s = server->summary;
    const char *bold = colour ? "\033[1m" : "", *yellow = colour ? "\033[33m" : "", *off = colour ? "\033[0m" : "";
    uint64_t allowed = summary_get(s, SUMMARY_RULES_ALLOWED), denied = summary_get(s, SUMMARY_RULES_DENIED);
    uint64_t owner = summary_get(s, SUMMARY_OWNER), calls = atomic_load(&s->calls);
    uint64_t connections = atomic_load(&s->connections);
    if (calls == 0 && decided(s) == 0 && !server->expectations)
        return false;
    buf_printf(out, "%scinderlog summary%s\n", bold, off);
    buf_printf(out, "  decided by rules: %" PRIu64 " allowed, %" PRIu64 " denied\n", allowed, denied);
    if (denied)
        print_denials(out, s);
    if (server->policies && server->policies[0].iam_given)
        buf_printf(out, "  decided by IAM (--owner-iam): %" PRIu64 " allowed, %" PRIu64 " denied\n",
                   summary_get(s, SUMMARY_IAM_ALLOWED), summary_get(s, SUMMARY_IAM_DENIED));
    if (owner)
        buf_printf(out,
                   "  as bare owner: %" PRIu64 " %s(rules and IAM were not asked; see --owner-as, --owner-iam)%s\n",
                   owner, yellow, off);
    if (summary_get(s, SUMMARY_NOT_PROVABLE))
        buf_printf(out, "  queries denied because we cannot prove them yet: %" PRIu64 "\n",
                   summary_get(s, SUMMARY_NOT_PROVABLE));
    print_append_only(out, s, server->options);
    expect_print(out, server->expectations, colour);
    print_lost(out, s);
    if (connections > 20 && connections * 2 > calls)
        buf_printf(out, "  %" PRIu64 " connections for %" PRIu64 " calls: one client per request?\n", connections, calls);
    if (server->faults)
        faults_summary(out, server->faults);
    if (rules_registry_default_is_open(server->rules))
        buf_z(out, "  no rules file: everything was allowed to everyone (--rules FILE)\n");
    print_unexercised(out, server);
    if (summary_unexercised(s) && !rules_registry_default_is_open(server->rules))
        buf_printf(out, "  %syour rules were NOT exercised: no request was decided by them%s\n", yellow, off);
    return true;
}

bool summary_json(struct buf *out, struct server *server)
{
    static const char *const names[SUMMARY_EVENTS] = {
        [SUMMARY_RULES_ALLOWED] = "rulesAllowed",   [SUMMARY_RULES_DENIED] = "rulesDenied",
        [SUMMARY_IAM_ALLOWED] = "iamAllowed",       [SUMMARY_IAM_DENIED] = "iamDenied",
        [SUMMARY_OWNER] = "owner",                  [SUMMARY_NOT_PROVABLE] = "notProvable",
        [SUMMARY_APPEND_CREATED] = "appendCreated", [SUMMARY_APPEND_REFUSED] = "appendRefused",
        [SUMMARY_CALLER_GONE] = "callerGone",       [SUMMARY_GIVEN_UP] = "givenUp",
        [SUMMARY_CUT_OFF] = "cutOff",               [SUMMARY_REPEATED] = "repeatedCreates",
    };
    struct summary *s = server->summary;
    buf_z(out, "{");
    for (size_t i = 0; i < SUMMARY_EVENTS; i++)
        buf_printf(out, "\"%s\":%" PRIu64 ",", names[i], summary_get(s, (enum summary_event)i));
    buf_printf(out, "\"faultsInjected\":%" PRIu64 ",", server->faults ? faults_injected(server->faults) : 0);
    buf_printf(out, "\"calls\":%" PRIu64 ",\"connections\":%" PRIu64 ",\"rulesExercised\":%s,\"deniedAt\":[",
               atomic_load(&s->calls), atomic_load(&s->connections), summary_unexercised(s) ? "false" : "true");
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < s->n_lines; i++) {
        buf_printf(out, "%s{\"file\":", i ? "," : "");
        json_write_string(out, str_of(s->lines[i].file));
        buf_printf(out, ",\"line\":%u,\"method\":\"%s\",\"count\":%" PRIu64 "}", s->lines[i].line, s->lines[i].method,
                   s->lines[i].count);
    }
    pthread_mutex_unlock(&s->mutex);
    buf_z(out, "],\"appendOnly\":[");
    for (size_t i = 0; i < server->options->n_append_only; i++) {
        buf_printf(out, "%s{\"pattern\":", i ? "," : "");
        json_write_string(out, server->options->append_only[i]);
        buf_printf(out, ",\"created\":%" PRIu64 ",\"refused\":%" PRIu64 "}", atomic_load(&s->patterns[i].created),
                   atomic_load(&s->patterns[i].refused));
    }
    buf_z(out, "],\"expected\":");
    expect_json(out, server->expectations);
    buf_z(out, ",\"neverEvaluated\":[");
    struct allow_visit v = { .arena = arena_new(), .out = out, .json = true };
    rules_registry_each(server->rules, visit_allows, &v);
    arena_free(v.arena);
    buf_z(out, "]}\n");
    return !out->overflowed;
}
