/* listen.c - Listen: one stream, its targets, and in which order they are served; see listen_state.h.
 *
 * A step reads what the client said, then works: first targets that have to be filled, then a round over all
 * of them, which ends with the snapshot. It parks when there is nothing to do or the client reads slowly, and
 * yields when its slice is over; then the next step goes on where this one stopped. */
#include "server/service/listen_state.h"

#include "core/clock.h"
#include "core/limits.h"
#include "server/server.h"
#include "server/service/service.h"
#include "server/single_project.h"

#include <string.h>

/* ---- sending ---- */

bool listen_must_rest(enum listen_work *why, struct listen *l)
{
    if (call_congested(l->call))
        *why = LISTEN_CONGESTED;
    else if (clock_mono_ns() >= l->slice_end)
        *why = LISTEN_SLICE_OVER;
    else
        return false;
    return true;
}

static void send_target_change(struct listen *l, struct msg_target_change *change)
{
    struct msg_listen_response r = { .response_case = 2, .target_change = change };
    call_send(l->call, &r);
}

void listen_send_target(struct listen *l, enum msg_target_change_type type, const struct target *t,
                        const struct status *cause)
{
    int32_t id = t->id;
    struct msg_rpc_status why = { 0 };
    struct msg_target_change change = { .target_change_type = (int32_t)type, .target_ids = { &id, 1 } };
    if (cause) {
        why = (struct msg_rpc_status){ (int32_t)cause->code, str_of(status_message(cause)) };
        change.cause = &why;
    }
    send_target_change(l, &change);
}

/* With the token and the time of a view: of one target, or (NULL) of all. */
static void send_reached(struct listen *l, enum msg_target_change_type type, const struct target *t,
                         uint64_t view, struct timestamp time)
{
    int32_t id = t ? t->id : 0;
    arena_reset(l->scratch);
    if (timestamp_cmp(time, l->sent_time) > 0)
        l->sent_time = time;
    l->least = view > l->least ? view : l->least;
    struct msg_target_change change = {
        .target_change_type = (int32_t)type,
        .target_ids = { &id, t ? 1 : 0 },
        .resume_token = listen_token(l->scratch, l->call->server->store, view),
        .read_time = { true, l->sent_time },
    };
    send_target_change(l, &change);
}

void listen_send_document(struct listen *l, const struct target *t, const struct document *document)
{
    int32_t id = t->id;
    struct msg_document_change change = { .document = *document, .target_ids = { &id, 1 } };
    struct msg_listen_response r = { .response_case = 3, .document_change = &change };
    l->owes_snapshot = true;
    call_send(l->call, &r);
}

/* Of what the message says: a round's, or while a target is filled that of its view. */
static struct timestamp time_of(const struct listen *l, const struct target *t)
{
    struct timestamp time = t->phase == TARGET_FILLING ? t->known_time : l->time;
    return timestamp_cmp(time, l->sent_time) > 0 ? time : l->sent_time;
}

void listen_send_gone(struct listen *l, const struct target *t, struct str path, bool removed)
{
    int32_t id = t->id;
    struct str name = path_full(l->scratch, l->db, path);
    struct msg_document_remove remove = { name, { &id, 1 }, { true, time_of(l, t) } };
    struct msg_document_delete gone = { name, { &id, 1 }, { true, time_of(l, t) } };
    struct msg_listen_response r = { .response_case = removed ? 6 : 4, .document_remove = &remove };
    if (!removed)
        r = (struct msg_listen_response){ .response_case = 4, .document_delete = &gone };
    l->owes_snapshot = true;
    call_send(l->call, &r);
}

/* ---- targets ---- */

static struct target **find_target(struct listen *l, int32_t id)
{
    struct target **at = &l->targets;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

/* The watches of a stream are its targets', in any order. */
static void link_siblings(struct listen *l)
{
    struct listen_watch *last = NULL;
    for (struct target *t = l->targets; t; t = t->next) {
        if (!t->watched)
            continue;
        t->watch.sibling = last;
        last = &t->watch;
    }
    l->watches = last;
}

static void drop_target(struct listen *l, struct target **at, const struct status *cause)
{
    struct target *t = *at;
    *at = t->next;
    l->n_targets--;
    if (l->at == t)
        l->at = t->next;
    listen_send_target(l, TARGET_REMOVE, t, cause);
    target_free(l, t);
    link_siblings(l);
}

static int32_t free_id(struct listen *l)
{
    int32_t id = 1;
    while (*find_target(l, id))
        id++;
    return id;
}

/* Takes over `call`, in whose arena the message is. */
static enum status_code add_target(struct listen *l, struct call *call, struct msg_target *asked,
                                   struct status *st)
{
    if (asked->target_id == 0)
        asked->target_id = free_id(l);
    struct target **at = find_target(l, asked->target_id);
    if (*at || l->n_targets == LIMIT_LISTEN_TARGETS) {
        if (*at)
            status_set(st, STATUS_INVALID_ARGUMENT, "target %d is there already", asked->target_id);
        else
            status_set(st, STATUS_RESOURCE_EXHAUSTED, "a stream may have at most %d targets",
                       LIMIT_LISTEN_TARGETS);
        call_free(call);
        return st->code;
    }
    *at = target_new(l, call, asked);
    l->n_targets++;
    l->owes_snapshot = true;
    link_siblings(l);
    if (call->status.code)
        drop_target(l, at, &call->status);
    return STATUS_OK;
}

static enum status_code check_database(struct listen *l, struct str database, struct status *st)
{
    struct database_name db;
    if (database.n == 0 && l->db.project.n)
        return STATUS_OK;
    if (path_parse_database(&db, database, st) ||
        single_project_check(l->call->server->options, db.project, st))
        return st->code;
    if (l->db.project.n && !database_name_eq(db, l->db))
        return status_set(st, STATUS_INVALID_ARGUMENT, "the database may not change within a stream");
    if (l->db.project.n == 0)
        l->db = (struct database_name){ arena_str(l->call->arena, db.project),
                                        arena_str(l->call->arena, db.database) };
    return STATUS_OK;
}

/* Takes over `call`, which has received `request`. */
static enum status_code on_message(struct listen *l, struct call *call, struct msg_listen_request *request,
                                   struct status *st)
{
    if (check_database(l, request->database, st) == STATUS_OK) {
        if (request->change_case == 2 && request->add_target)
            return add_target(l, call, request->add_target, st);
        struct target **at = find_target(l, request->remove_target);
        if (request->change_case != 3)
            status_set(st, STATUS_INVALID_ARGUMENT, "neither add_target nor remove_target");
        else if (*at)
            drop_target(l, at, NULL);
    }
    call_free(call);
    return st->code;
}

/* A call for what one message asks for: a target lives in it. */
static struct call *call_of_message(const struct listen *l)
{
    struct call *call = call_child(l->call, l->call->rpc);
    call->inbox = l->call->inbox;
    return call;
}

/* CALL_NOTHING_YET when all that has come was read. */
static enum call_received read_messages(struct listen *l, struct status *st)
{
    while (inbox_has_news(l->call->inbox)) {
        void *request;
        struct call *call = call_of_message(l);
        enum call_received received = call_receive(&request, call, call->arena);
        l->call->notes.request_bytes += call->notes.request_bytes;
        if (received == CALL_RECEIVED) {
            if (on_message(l, call, request, st))
                return CALL_UNREADABLE;
            continue;
        }
        if (received == CALL_UNREADABLE)
            status_set(st, call->status.code, "%s", status_message(&call->status));
        call_free(call);
        return received;
    }
    return CALL_NOTHING_YET;
}

/* ---- the work ---- */

static void has_filled(struct listen *l, struct target *t)
{
    t->phase = TARGET_FOLLOWING;
    send_reached(l, TARGET_CURRENT, t, t->known, t->known_time);
    l->owes_snapshot = true;
}

static bool has_other_rules(const struct listen *l, const struct target *t)
{
    return t->rules != listen_hub_rules(l->call->server->listeners);
}

/* Fills or counts one target. */
static enum listen_work prepare(struct listen *l, struct target *t, struct status *st)
{
    if (t->phase == TARGET_FILLING && has_other_rules(l, t) && target_authorize(l, t, t->known, st))
        return LISTEN_REFUSED;
    enum listen_work work = t->phase == TARGET_FILLING ? target_fill(l, t, st) : target_count(l, t, st);
    if (work == LISTEN_DONE && t->phase == TARGET_FILLING)
        has_filled(l, t);
    else if (work == LISTEN_DONE) {
        t->phase = TARGET_FOLLOWING;
        t->miscounted = t->count != t->expected_count;
    }
    return work;
}

/* Of the round's view or before: what comes later waits for another round. */
static bool has_changes(const struct target *t, uint64_t view)
{
    struct str rest = t->news, path;
    uint64_t seq;
    return listen_news_next(&rest, &seq, &path) && seq <= view;
}

static bool has_news(const struct listen *l, const struct target *t)
{
    uint64_t changed = t->watch.news.rule_changed;
    return has_changes(t, l->view) || t->behind || t->resuming || t->ask_again || has_other_rules(l, t) ||
           (changed && changed <= l->view);
}

/* What has come for a target, for a round to `view`. */
static void read_news(struct target *t, uint64_t view)
{
    struct listen_news *news = &t->watch.news;
    struct str path;
    uint64_t newest = 0;
    t->news = buf_view(&news->changes);
    for (struct str rest = t->news; listen_news_next(&rest, &newest, &path);)
        t->cleared |= path.n == 0 && newest > t->known && newest <= view;
    t->behind |= news->lost || t->behind_again;
    t->behind_again = t->behind && (news->lost || newest > view);
    news->lost = false;
    if (!t->behind)
        return;
    buf_clear(&news->changes);
    t->news = buf_view(&news->changes);
    t->behind_at = t->known;
}

static bool snapshot_is_due(const struct listen *l)
{
    return l->owes_snapshot || clock_mono_ns() - l->beat_ns >= (int64_t)LIMIT_LISTEN_BEAT_S * 1000000000;
}

/* False: there is nothing to do, or not yet. */
static bool begin_round(struct listen *l)
{
    bool any = false;
    if (!l->watches)
        return false;
    if (!listen_hub_take(&l->view, &l->time, l->call->server->listeners, l->watches, l->least))
        return false;
    for (struct target *t = l->targets; t; t = t->next) {
        read_news(t, l->view);
        t->in_round = true;
        any |= has_news(l, t);
        if (!has_news(l, t))
            t->known = l->view; /* the hub says that nothing changed (H2) */
    }
    l->in_round = any || snapshot_is_due(l);
    l->at = l->targets;
    return l->in_round;
}

/* Asks the rules again where something says so, before documents are looked at. */
static enum listen_work renew(struct listen *l, struct target *t, struct status *st)
{
    struct listen_news *news = &t->watch.news;
    bool documents = !t->plan && (has_changes(t, l->view) || t->behind);
    /* The newest change there may be later than the view: it may hide one that is not. */
    if (!documents && !t->ask_again && !news->rule_changed && !has_other_rules(l, t))
        return LISTEN_DONE;
    t->ask_again = false;
    news->rule_changed = news->rule_changed > l->view ? news->rule_changed : 0;
    return target_authorize(l, t, l->view, st) ? LISTEN_REFUSED : LISTEN_DONE;
}

/* Of what has come, what the round did not reach stays. */
static void keep_rest(struct target *t)
{
    struct buf *changes = &t->watch.news.changes;
    if (t->news.n)
        memmove(changes->data, t->news.p, t->news.n);
    changes->len = t->news.n;
    t->news = buf_view(changes);
}

static void has_followed(struct listen *l, struct target *t)
{
    t->known = l->view;
    t->known_time = l->time;
    keep_rest(t);
    if (!t->resuming)
        return;
    t->resuming = false;
    l->owes_snapshot = true;
    if (t->miscounted) {
        struct msg_existence_filter filter = { t->id, (int32_t)t->count };
        struct msg_listen_response r = { .response_case = 5, .filter = &filter };
        call_send(l->call, &r);
    }
    send_reached(l, TARGET_CURRENT, t, l->view, l->time);
}

/* Takes l->at to the round's view. */
static enum listen_work follow(struct listen *l, struct target *t, struct status *st)
{
    enum listen_work work = renew(l, t, st);
    if (work == LISTEN_DONE && t->phase == TARGET_FOLLOWING)
        work = target_follow(l, t, st);
    if (work == LISTEN_DONE && t->phase != TARGET_FOLLOWING)
        work = prepare(l, t, st);
    if (work == LISTEN_DONE)
        has_followed(l, t);
    return work;
}

static void end_round(struct listen *l)
{
    l->in_round = false;
    if (!snapshot_is_due(l))
        return;
    send_reached(l, TARGET_NO_CHANGE, NULL, l->view, l->time);
    l->owes_snapshot = false;
    l->beat_ns = clock_mono_ns();
    for (struct target **at = &l->targets; *at;)
        if ((*at)->asked->once && (*at)->in_round)
            drop_target(l, at, NULL); /* it has had its snapshot */
        else
            at = &(*at)->next;
}

static struct target *unprepared(const struct listen *l)
{
    struct target *t = l->targets;
    while (t && t->phase == TARGET_FOLLOWING)
        t = t->next;
    return t;
}

/* One piece of work. LISTEN_DONE with *idle: there is none. */
static enum listen_work work_some(bool *idle, struct listen *l)
{
    enum listen_work work;
    while (l->in_round && l->at && !l->at->in_round)
        l->at = l->at->next; /* it came when the round had begun, and is at a later view */
    struct target *t = l->in_round ? l->at : unprepared(l);
    struct status st = status_init(t ? t->call->arena : NULL);
    *idle = false;
    if (!t) {
        if (l->in_round)
            end_round(l);
        else
            *idle = !begin_round(l);
        return LISTEN_DONE;
    }
    t->call->worker = l->call->worker;
    work = l->in_round ? follow(l, t, &st) : prepare(l, t, &st);
    if (work == LISTEN_DONE && l->in_round)
        l->at = t->next;
    if (work != LISTEN_REFUSED)
        return work;
    drop_target(l, find_target(l, t->id), &st);
    return LISTEN_DONE;
}

static enum rpc_flow end(struct call *call)
{
    struct listen *l = call->state;
    while (l->targets) {
        struct target *t = l->targets;
        l->targets = t->next;
        target_free(l, t);
    }
    call_finish(call);
    return RPC_DONE;
}

static enum rpc_flow step(struct call *call)
{
    struct listen *l = call->state;
    l->slice_end = call_slice_end();
    for (;;) {
        bool idle;
        if (call_over(call))
            return end(call);
        if (atomic_load(&call->server->stopping)) {
            status_set(&call->status, STATUS_UNAVAILABLE, "cinderlog is shutting down");
            return end(call);
        }
        if (read_messages(l, &call->status) != CALL_NOTHING_YET)
            return end(call);
        enum listen_work work = work_some(&idle, l);
        if (work == LISTEN_SLICE_OVER)
            return call_yield(call, step);
        if (work == LISTEN_CONGESTED)
            call->sink->when_drained(call->sink);
        if (work == LISTEN_CONGESTED || idle)
            return call_wait(call, step);
    }
}

enum rpc_flow service_listen(struct call *call)
{
    struct listen *l = ARENA_NEW(call->arena, struct listen);
    l->call = call;
    l->scratch = arena_child(call->arena);
    l->beat_ns = clock_mono_ns();
    call->state = l;
    return step(call);
}
