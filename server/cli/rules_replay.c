/* rules_replay.c - see rules_replay.h. */
#include "server/cli/rules_replay.h"

#include "core/log.h"
#include "server/cli/cli.h"
#include "server/cli/rules_test.h"
#include "server/ops/entry_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    OUTPUT_MAX = 64 * 1024 * 1024,
    MAX_PLAIN = 32,
    APPLIED_AT_ONCE = LIMIT_COMMIT_WRITES,
    REQUEST_TIME_BEFORE_US = 2000000, /* how much a commit may have waited */
};

/* The entries of one commit. */
struct group {
    struct arena *arena;
    struct store_entry *entries;
    size_t n, cap;
};

struct replay {
    const struct replay_options *options;
    struct in_process *server;
    struct arena *arena; /* for as long as it takes */
    struct principal principals[REPLAY_MAX_PRINCIPALS];
    struct group group;
    struct status st;
    uint64_t refused, allowed, not_judged_owner, not_judged_other;        /* recorded writes */
    uint64_t now_allowed, still_refused, without_body, refused_by_others; /* recorded refusals */
    struct str plain[MAX_PLAIN]; /* users judged without their claims */
    size_t n_plain;
};

/* ---- principals ---- */

int replay_add_principal(struct replay_options *options, const char *value)
{
    const char *equals = strrchr(value, '=');
    if (!equals || equals == value || equals[1] == '\0')
        return cli_fail(
            EXIT_USAGE,
            "--principal takes RECORDED=FILE, such as user:svc=svc.json or owner=svc.json, not '%s'", value);
    if (options->n_principals == REPLAY_MAX_PRINCIPALS)
        return cli_fail(EXIT_USAGE, "--principal: at most %d of them", REPLAY_MAX_PRINCIPALS);
    options->principals[options->n_principals].label = str_from(value, (size_t)(equals - value));
    options->principals[options->n_principals++].file = equals + 1;
    return EXIT_OK;
}

static enum status_code read_principals(struct replay *r)
{
    for (size_t i = 0; i < r->options->n_principals; i++) {
        struct owner_policy policy = { 0 };
        if (owner_policy_read(&policy, r->arena, r->options->principals[i].file, &r->st))
            return r->st.code;
        r->principals[i] = policy.user;
    }
    return STATUS_OK;
}

static void note_plain(struct replay *r, struct str label)
{
    for (size_t i = 0; i < r->n_plain; i++)
        if (str_eq(r->plain[i], label))
            return;
    if (r->n_plain < MAX_PLAIN)
        r->plain[r->n_plain++] = arena_str(r->arena, label);
}

static struct principal user_of_label(struct replay *r, struct str label)
{
    struct principal who = { .kind = PRINCIPAL_USER, .label = label };
    who.has_uid = !str_eq(label, STR("user:?"));
    if (who.has_uid) {
        struct field *sub = ARENA_NEW(r->group.arena, struct field);
        who.uid = str_skip(label, 5);
        *sub = (struct field){ STR("sub"), { .kind = VALUE_STRING, .text = who.uid } };
        who.token = (struct value_map){ sub, 1 };
    }
    note_plain(r, label);
    return who;
}

/* False for those that rules do not decide: owners, and the program itself. */
static bool principal_of(struct replay *r, struct str label, struct principal *out)
{
    for (size_t i = 0; i < r->options->n_principals; i++) {
        if (str_eq(r->options->principals[i].label, label)) {
            *out = r->principals[i];
            return true;
        }
    }
    if (str_eq(label, STR("anonymous"))) {
        *out = (struct principal){ .kind = PRINCIPAL_ANONYMOUS, .label = label };
        return true;
    }
    if (!str_starts(label, STR("user:")))
        return false;
    *out = user_of_label(r, label);
    return true;
}

/* ---- commits ---- */

static enum status_code write_of(struct msg_write *out, struct arena *arena, const struct store_entry *e,
                                 struct status *st)
{
    struct str name = path_full(arena, e->db, e->path);
    *out = (struct msg_write){ .operation_case = 2, .delete_name = name };
    if (strcmp(e->operation, "delete") == 0)
        return STATUS_OK;
    *out = (struct msg_write){ .operation_case = 1 };
    out->update.name = name;
    return protobuf_decode_fields(&out->update.fields, arena, e->body, st);
}

static enum status_code fail_at(struct replay *r, const struct store_entry *e, const struct status *why)
{
    const char *text = arena_printf(r->arena, "%s", status_message(why));
    return status_set(&r->st, why->code ? why->code : STATUS_FAILED_PRECONDITION, "%s: entry %" PRIu64 ": %s",
                      r->options->data, e->seq, text);
}

static enum status_code writes_of(write_list *out, struct replay *r)
{
    struct group *g = &r->group;
    *out = (write_list){ ARENA_ARRAY(g->arena, struct msg_write, g->n), g->n };
    for (size_t i = 0; i < g->n; i++) {
        struct status st = status_init(g->arena);
        if (write_of(&out->items[i], g->arena, &g->entries[i], &st))
            return fail_at(r, &g->entries[i], &st);
    }
    return STATUS_OK;
}

/* As the ledger has it, whatever rules say. A subtree that was cleared may be more than fits into a commit.
 */
static enum status_code apply(struct replay *r, write_list writes)
{
    struct in_process_answer answer;
    for (size_t at = 0; at < writes.n; at += APPLIED_AT_ONCE) {
        size_t n = writes.n - at < APPLIED_AT_ONCE ? writes.n - at : APPLIED_AT_ONCE;
        in_process_commit(&answer, r->server, &in_process_owner, r->group.entries[0].db,
                          (write_list){ writes.items + at, n }, r->group.arena);
        if (answer.status.code)
            return fail_at(r, &r->group.entries[at], &answer.status);
    }
    return STATUS_OK;
}

/* ---- telling ---- */

static void put_entry(struct buf *out, const char *word, const struct store_entry *e)
{
    char time[TIMESTAMP_TEXT_MAX];
    bool colour = isatty(STDOUT_FILENO);
    timestamp_text(time, timestamp_from_us(e->time_us));
    buf_printf(out, "%6" PRIu64 "  %s  %s%s%s  %s ", e->seq, time, colour ? "\033[1;31m" : "", word,
               colour ? "\033[0m" : "", e->operation);
    log_escape(out, e->path);
    buf_z(out, "  by ");
    log_escape(out, e->principal);
    buf_byte(out, '\n');
}

static void tell_refused(const struct replay *r, const struct in_process_answer *answer)
{
    struct buf out;
    buf_init(&out, OUTPUT_MAX);
    for (size_t i = 0; i < r->group.n; i++)
        put_entry(&out, "WOULD BE REFUSED", &r->group.entries[i]);
    buf_z(&out, "        ");
    test_explain(&out, answer);
    buf_byte(&out, '\n');
    fwrite(out.data, 1, out.len, stdout);
    buf_dispose(&out);
}

static void tell_allowed(const struct store_entry *e, const char *granted)
{
    struct buf out;
    buf_init(&out, OUTPUT_MAX);
    put_entry(&out, "WOULD BE ALLOWED", e);
    buf_printf(&out, "        by %s; it was ", granted);
    log_escape(&out, e->decision);
    buf_byte(&out, '\n');
    fwrite(out.data, 1, out.len, stdout);
    buf_dispose(&out);
}

/* ---- judging ---- */

/* The newest time in a value that may be what serverTimestamp() was: a whole millisecond, shortly before the
 * commit. */
static void look_for_time(int64_t *newest_us, int64_t commit_us, const struct value *v, int depth)
{
    if (v->kind == VALUE_TIMESTAMP) {
        int64_t us = timestamp_to_us(v->time);
        bool may_be =
            v->time.nanos % 1000000 == 0 && us <= commit_us && us > commit_us - REQUEST_TIME_BEFORE_US;
        if (may_be && us > *newest_us)
            *newest_us = us;
    }
    for (size_t i = 0; v->kind == VALUE_MAP && depth < LIMIT_VALUE_DEPTH && i < v->map.n; i++)
        look_for_time(newest_us, commit_us, &v->map.items[i].value, depth + 1);
    for (size_t i = 0; v->kind == VALUE_ARRAY && depth < LIMIT_VALUE_DEPTH && i < v->array.n; i++)
        look_for_time(newest_us, commit_us, &v->array.items[i], depth + 1);
}

/* Sends the writes as somebody. request.time is not recorded: first it is the commit's time, then, when that
 * is refused, what may have been serverTimestamp(). */
static void ask(struct in_process_answer *answer, struct replay *r, const struct principal *who,
                write_list writes)
{
    const struct store_entry *e = &r->group.entries[0];
    int64_t newest_us = 0;
    in_process_commit(answer, r->server, who, e->db, writes, r->group.arena);
    for (size_t i = 0; i < writes.n; i++) {
        struct value fields = { .kind = VALUE_MAP, .map = writes.items[i].update.fields };
        look_for_time(&newest_us, e->time_us, &fields, 0);
    }
    if (answer->status.code != STATUS_PERMISSION_DENIED || newest_us == 0)
        return;
    struct in_process_answer second;
    in_process_set_time(r->server, timestamp_from_us(newest_us));
    in_process_commit(&second, r->server, who, e->db, writes, r->group.arena);
    if (second.status.code != STATUS_PERMISSION_DENIED)
        *answer = second;
}

static enum status_code replay_writes(struct replay *r)
{
    const struct store_entry *first = &r->group.entries[0];
    struct principal who;
    struct in_process_answer answer;
    write_list writes;
    if (writes_of(&writes, r))
        return r->st.code;
    if (!principal_of(r, first->principal, &who)) {
        bool owner = str_eq(first->principal, STR("owner"));
        *(owner ? &r->not_judged_owner : &r->not_judged_other) += r->group.n;
        return apply(r, writes);
    }
    ask(&answer, r, &who, writes);
    if (answer.status.code == STATUS_OK) {
        r->allowed += r->group.n;
        return STATUS_OK;
    }
    if (answer.status.code != STATUS_PERMISSION_DENIED)
        return fail_at(r, first, &answer.status);
    r->refused += r->group.n;
    tell_refused(r, &answer);
    return apply(r, writes);
}

/* The write that takes back what is about to happen to a document. */
static enum status_code way_back(struct msg_write *out, struct replay *r, const struct store_entry *e)
{
    struct arena *arena = r->group.arena;
    struct in_process_answer answer;
    struct call *call = in_process_call(r->server, "GetDocument", &in_process_owner);
    struct str name = path_full(arena, e->db, e->path);
    ((struct msg_get_document_request *)call->request)->name = name;
    in_process_send(&answer, call, arena);
    *out = (struct msg_write){ .operation_case = 2, .delete_name = name };
    if (answer.status.code == STATUS_NOT_FOUND)
        return STATUS_OK;
    struct status st = status_init(arena);
    if (answer.status.code)
        return fail_at(r, e, &answer.status);
    if (document_decode(answer.document, arena, &st))
        return fail_at(r, e, &st);
    *out = (struct msg_write){ .operation_case = 1, .update = *answer.document };
    out->update.has_create_time = out->update.has_update_time = false;
    return STATUS_OK;
}

static enum status_code replay_refused(struct replay *r)
{
    const struct store_entry *e = &r->group.entries[0];
    struct principal who;
    struct in_process_answer answer;
    struct msg_write back;
    write_list writes;
    if (!str_starts(e->decision, STR("denied")) || !principal_of(r, e->principal, &who)) {
        r->refused_by_others++;
        return STATUS_OK;
    }
    if (!e->has_body && strcmp(e->operation, "delete") != 0) {
        r->without_body++;
        return STATUS_OK;
    }
    if (writes_of(&writes, r) || way_back(&back, r, e))
        return r->st.code;
    ask(&answer, r, &who, writes);
    if (answer.status.code == STATUS_PERMISSION_DENIED) {
        r->still_refused++;
        return STATUS_OK;
    }
    if (answer.status.code)
        return fail_at(r, e, &answer.status);
    r->now_allowed++;
    tell_allowed(e, test_granted_by(r->group.arena, &answer));
    return apply(r, (write_list){ &back, 1 });
}

static enum status_code replay_group(struct replay *r)
{
    struct group *g = &r->group;
    struct status st = status_init(g->arena);
    if (g->n == 0)
        return STATUS_OK;
    const char *kind = g->entries[0].kind;
    in_process_set_time(r->server, timestamp_from_us(g->entries[0].time_us / 1000 * 1000));
    if (strcmp(kind, "write") == 0)
        return replay_writes(r);
    if (strcmp(kind, "refused") == 0)
        return replay_refused(r);
    if (strcmp(kind, "epoch") == 0 && in_process_clear(r->server, g->entries[0].db, &st))
        return fail_at(r, &g->entries[0], &st);
    return STATUS_OK;
}

/* ---- the ledger ---- */

static void add_entry(struct group *g, const struct store_entry *e)
{
    if (g->n == g->cap) {
        size_t grown = g->cap ? g->cap * 2 : 8;
        g->entries =
            arena_grow(g->arena, g->entries, g->cap * sizeof *g->entries, grown * sizeof *g->entries);
        g->cap = grown;
    }
    g->entries[g->n++] = *e;
}

static void empty(struct group *g)
{
    arena_reset(g->arena);
    g->entries = NULL;
    g->n = g->cap = 0;
}

static enum status_code replay_all(struct replay *r)
{
    struct store_log *log = NULL;
    struct group *g = &r->group;
    struct store_entry e;
    uint64_t seq = 0;
    bool found = true;
    if (store_log_open(&log, r->options->data, &r->st))
        return r->st.code;
    while (found && r->st.code == STATUS_OK) {
        if (store_log_next(log, seq, g->arena, &e, &found, &r->st))
            break;
        if (found && (g->n == 0 || g->entries[0].commit == e.commit)) {
            add_entry(g, &e);
            seq = e.seq;
            continue;
        }
        replay_group(r); /* an entry behind it is read again, into memory of its own */
        empty(g);
    }
    store_log_close(log);
    return r->st.code;
}

/* ---- the sum ---- */

static void put_not_recorded(struct buf *out, const struct replay *r)
{
    buf_z(out, "Not in a ledger: reads, so they are not judged; request.time, so the commit's is taken");
    if (r->n_plain)
        buf_z(
            out,
            "; claims of tokens, so judged as a uid without claims (--principal RECORDED=FILE gives them): ");
    for (size_t i = 0; i < r->n_plain; i++) {
        buf_z(out, i ? ", " : "");
        log_escape(out, r->plain[i]);
    }
    buf_z(out, ".\n");
}

static void put_refusals(struct buf *out, const struct replay *r)
{
    uint64_t all = r->now_allowed + r->still_refused + r->without_body + r->refused_by_others;
    if (all == 0)
        return;
    buf_printf(out, "refusals recorded: %" PRIu64 "; %" PRIu64 " would be allowed now, %" PRIu64 " not", all,
               r->now_allowed, r->still_refused);
    if (r->without_body)
        buf_printf(out, ", %" PRIu64 " not judged (only a digest was kept: serve --record-denied body)",
                   r->without_body);
    if (r->refused_by_others)
        buf_printf(out, ", %" PRIu64 " not judged (not refused by rules)", r->refused_by_others);
    buf_byte(out, '\n');
}

static void sum_up(const struct replay *r, const char *rules)
{
    struct buf out;
    buf_init(&out, OUTPUT_MAX);
    buf_printf(&out, "%s against %s: of %" PRIu64 " recorded writes %" PRIu64 " would be refused",
               r->options->data, rules, r->refused + r->allowed + r->not_judged_owner + r->not_judged_other,
               r->refused);
    if (r->not_judged_owner)
        buf_printf(&out, ", %" PRIu64 " by owner not judged (rules never see owner; --principal owner=FILE)",
                   r->not_judged_owner);
    if (r->not_judged_other)
        buf_printf(&out, ", %" PRIu64 " by the server itself", r->not_judged_other);
    buf_byte(&out, '\n');
    put_refusals(&out, r);
    put_not_recorded(&out, r);
    fwrite(out.data, 1, out.len, stdout);
    buf_dispose(&out);
}

int replay_run(const struct replay_options *options, struct in_process *server, const char *rules)
{
    struct arena *arena = arena_new();
    struct replay r = { .options = options, .server = server, .arena = arena, .st = status_init(arena) };
    int code;
    r.group.arena = arena_new();
    if (read_principals(&r) || replay_all(&r)) {
        code = cli_fail(EXIT_USAGE, "%s", status_message(&r.st));
    } else {
        sum_up(&r, rules);
        code = r.refused ? EXIT_RUNTIME : EXIT_OK;
    }
    arena_free(r.group.arena);
    arena_free(arena);
    return code;
}
