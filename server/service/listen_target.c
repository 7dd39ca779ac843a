/* listen_target.c - the beginning and the end of a target; see listen_state.h. */
#include "core/codec.h"
#include "core/limits.h"
#include "server/service/authorize.h"
#include "server/service/consistency.h"
#include "server/service/listen_state.h"
#include "server/service/query_run.h"

#include <string.h>

/* ---- tokens ---- */

/* "C" version, half of the ledger's id, a view. What a client keeps may be of any ledger and of any server.
 */
enum { TOKEN_VERSION = 1, TOKEN_LEDGER = 8, TOKEN_BYTES = 2 + TOKEN_LEDGER + 8 };

struct str listen_token(struct arena *arena, struct store *store, uint64_t view)
{
    struct store_info info;
    unsigned char *token = arena_alloc(arena, TOKEN_BYTES);
    store_get_info(store, &info);
    token[0] = 'C';
    token[1] = TOKEN_VERSION;
    memcpy(token + 2, info.ledger_id, TOKEN_LEDGER);
    for (int i = 0; i < 8; i++)
        token[2 + TOKEN_LEDGER + i] = (unsigned char)(view >> (56 - 8 * i));
    return str_from(token, TOKEN_BYTES);
}

/* False for one that is not of this ledger. */
static bool read_token(uint64_t *view, struct store *store, struct str token)
{
    struct store_info info;
    const unsigned char *p = (const unsigned char *)token.p;
    store_get_info(store, &info);
    if (token.n != TOKEN_BYTES || p[0] != 'C' || p[1] != TOKEN_VERSION ||
        memcmp(p + 2, info.ledger_id, TOKEN_LEDGER) != 0)
        return false;
    *view = 0;
    for (int i = 0; i < 8; i++)
        *view = *view << 8 | p[2 + TOKEN_LEDGER + i];
    return *view <= info.visible;
}

/* ---- checking ---- */

static enum status_code take_query(struct target *t, struct listen *l, const struct msg_query_target *asked,
                                   struct status *st)
{
    struct resource_name parent;
    struct arena *arena = t->call->arena;
    if (path_parse_parent(&parent, asked->parent, st))
        return st->code;
    if (!database_name_eq(parent.db, l->db))
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "the target's parent is of another database than the stream");
    if (asked->query_case != 2 || !asked->structured_query)
        return status_set(st, STATUS_INVALID_ARGUMENT, "only structured queries are supported");
    t->parent = parent.path;
    t->structured = asked->structured_query;
    if (query_check(&t->plan, l->db, t->parent, t->structured, arena, st))
        return st->code;
    t->windowed = t->structured->limit.set || t->structured->offset > 0;
    const struct msg_projection *select = t->structured->select;
    struct msg_document_mask *mask = select ? ARENA_NEW(arena, struct msg_document_mask) : NULL;
    if (select) {
        mask->field_paths.items = ARENA_ARRAY(arena, struct str, select->fields.n);
        mask->field_paths.n = select->fields.n;
        for (size_t i = 0; i < select->fields.n; i++)
            mask->field_paths.items[i] = select->fields.items[i].field_path;
    }
    return answer_mask_parse(&t->mask, arena, mask, st);
}

static enum status_code take_documents(struct target *t, struct listen *l,
                                       const struct msg_documents_target *asked, struct status *st)
{
    size_t n = asked->documents.n;
    if (n > LIMIT_LISTEN_DOCUMENTS)
        return status_set(st, STATUS_INVALID_ARGUMENT, "a target may name at most %d documents",
                          LIMIT_LISTEN_DOCUMENTS);
    t->mask.all = true;
    t->paths = ARENA_ARRAY(t->call->arena, struct str, n);
    for (size_t i = 0; i < n; i++) {
        struct resource_name name;
        if (path_parse_document(&name, asked->documents.items[i], st))
            return st->code;
        if (!database_name_eq(name.db, l->db))
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "a document of the target is of another database than the stream");
        t->paths[t->n_paths++] = name.path;
    }
    return STATUS_OK;
}

static enum status_code take_target(struct target *t, struct listen *l, struct status *st)
{
    const struct msg_target *asked = t->asked;
    if (asked->target_case == 2 && asked->query)
        return take_query(t, l, asked->query, st);
    if (asked->target_case == 3 && asked->documents)
        return take_documents(t, l, asked->documents, st);
    return status_set(st, STATUS_INVALID_ARGUMENT, "add_target: neither a query nor documents");
}

/* ---- watching ---- */

static void make_scope_keys(struct target *t)
{
    struct arena *arena = t->call->arena;
    t->n_scope_keys = t->plan ? 1 : t->n_paths;
    t->scope_keys = ARENA_ARRAY(arena, struct listen_key, t->n_scope_keys);
    for (size_t i = 0; !t->plan && i < t->n_paths; i++)
        t->scope_keys[i] = (struct listen_key){ .scope = LISTEN_DOCUMENT, .path = t->paths[i] };
    if (!t->plan)
        return;
    struct str id = t->structured->from.n ? t->structured->from.items[0].collection_id : STR("");
    struct str collection = query_collection_path(t->plan);
    t->scope_keys[0] = collection.n ? (struct listen_key){ .scope = LISTEN_COLLECTION, .path = collection }
                       : id.n       ? (struct listen_key){ .scope = LISTEN_GROUP, .path = id }
                                    : (struct listen_key){ .scope = LISTEN_DATABASE };
}

static void watch(struct listen *l, struct target *t, const struct store_dep *reads, size_t n)
{
    size_t own = t->n_scope_keys;
    struct listen_key *keys = ARENA_ARRAY(t->call->arena, struct listen_key, own + n);
    for (size_t i = 0; i < own; i++)
        keys[i] = t->scope_keys[i];
    for (size_t i = 0; i < n; i++)
        keys[own + i] = (struct listen_key){ .scope = LISTEN_DOCUMENT,
                                             .rule = true,
                                             .path = arena_str(t->call->arena, reads[i].path) };
    if (t->watched) {
        listen_hub_rekey(l->call->server->listeners, &t->watch, keys, own + n);
        return;
    }
    t->watch = (struct listen_watch){ .call = l->call, .db = l->db, .keys = keys, .n_keys = own + n };
    t->watched = true;
    listen_hub_add(l->call->server->listeners, &t->watch);
}

bool target_has_in_scope(const struct target *t, struct str path)
{
    for (size_t i = 0; i < t->n_paths; i++)
        if (str_eq(t->paths[i], path))
            return true;
    if (!t->plan)
        return false;
    struct str id = t->structured->from.n ? t->structured->from.items[0].collection_id : STR("");
    struct str collection = query_collection_path(t->plan), in = path_parent(path);
    if (collection.n)
        return str_eq(in, collection);
    bool below = t->parent.n == 0 ||
                 (path.n > t->parent.n && str_starts(path, t->parent) && path.p[t->parent.n] == '/');
    return below && (id.n == 0 || str_eq(path_last(in), id));
}

/* ---- the rules ---- */

static bool same_reads(const struct target *t, const struct store_dep *reads, size_t n)
{
    const struct listen_key *keys = t->watch.keys + t->n_scope_keys;
    if (t->watch.n_keys != t->n_scope_keys + n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!str_eq(keys[i].path, reads[i].path))
            return false;
    return true;
}

/* Watches what the rules looked up. What has changed there since they looked is looked at again. */
static enum status_code watch_reads(struct listen *l, struct target *t, const struct authz *authz,
                                    struct status *st)
{
    struct timestamp ignored;
    if (same_reads(t, authz->reads, authz->n_reads))
        return STATUS_OK;
    watch(l, t, authz->reads, authz->n_reads);
    uint64_t view = store_view_now(l->call->server->store, &ignored);
    for (size_t i = 0; i < authz->n_reads; i++) {
        struct store_document now;
        if (store_peek(authz->reader, view, l->db, authz->reads[i].path, &now, st))
            return st->code;
        if (now.seq != authz->reads[i].seq) {
            t->ask_again = true;
            l->least = view > l->least ? view : l->least; /* where the change is seen */
        }
    }
    return STATUS_OK;
}

static enum status_code ask_of_documents(struct authz *authz, const struct target *t, struct status *st)
{
    for (size_t i = 0; i < t->n_paths && st->code == STATUS_OK; i++) {
        struct store_document stored;
        struct rules_document seen;
        if (store_get(authz->reader, authz->view, authz->db, t->paths[i], authz->arena, &stored, st))
            break;
        seen = (struct rules_document){ .exists = stored.exists };
        if (stored.exists && protobuf_decode_fields(&seen.fields, authz->arena, stored.fields, st))
            break;
        authz_get(authz, t->paths[i], &seen, st);
    }
    return st->code;
}

enum status_code target_authorize(struct listen *l, struct target *t, uint64_t view, struct status *st)
{
    /* A call that lasts for this question: what a decision leaves behind must not stay as long as the target.
     */
    struct call *call = call_child(l->call, l->call->rpc);
    t->rules = listen_hub_rules(call->server->listeners);
    struct query_run run = { .db = l->db, .structured = t->structured, .plan = t->plan };
    run.parent = (struct resource_name){ l->db, t->parent };
    run.consistency.view = view;
    if (t->plan) {
        query_run_authorize(&run, call, &call->status);
    } else {
        authz_begin(&run.authz, call, call->arena, l->db, view, authz_request_time());
        ask_of_documents(&run.authz, t, &call->status);
    }
    if (call->status.code == STATUS_OK)
        watch_reads(l, t, &run.authz, &call->status);
    if (call->status.code)
        status_set(st, call->status.code, "%s", status_message(&call->status));
    l->call->notes.decisions_allowed += call->notes.decisions_allowed;
    l->call->notes.decisions_denied += call->notes.decisions_denied;
    authz_end(&run.authz);
    call_free(call);
    return st->code;
}

/* ---- the beginning ---- */

void target_start_filling(struct target *t, uint64_t view, struct timestamp time)
{
    target_stop_work(t);
    t->phase = TARGET_FILLING;
    t->resuming = t->behind = t->miscounted = false;
    t->known = view;
    t->known_time = time;
    t->next_path = 0;
    t->count = 0;
}

/* The client holds a result as of that time; bundles have times that no server of ours gave, finer than ours
 * and older than all history. From the latter nobody can go on: the target begins anew, as after a token of
 * somebody else. */
static bool resumes_at_time(uint64_t *view, struct listen *l, struct timestamp time, struct status *st)
{
    time.nanos -= time.nanos % 1000;
    enum status_code code = consistency_view_at(view, l->call->worker->reader, time, st);
    if (code == STATUS_FAILED_PRECONDITION)
        status_clear(st);
    return code == STATUS_OK;
}

/* Where the client says it stopped: a token, or a time. False: nowhere that we know. */
static bool resumes_at(uint64_t *view, struct listen *l, const struct target *t, struct status *st)
{
    if (t->asked->resume_case == 4)
        return read_token(view, l->call->server->store, t->asked->resume_token);
    return t->asked->resume_case == 11 && resumes_at_time(view, l, t->asked->read_time, st);
}

static void begin(struct listen *l, struct target *t, struct status *st)
{
    struct timestamp time;
    uint64_t at;
    make_scope_keys(t);
    watch(l, t, NULL, 0);
    uint64_t view = store_view_now(l->call->server->store, &time);
    l->least = view > l->least ? view : l->least;
    if (target_authorize(l, t, view, st))
        return;
    target_start_filling(t, view, time);
    t->resuming = t->behind = resumes_at(&at, l, t, st);
    if (st->code)
        return;
    if (t->resuming) {
        t->known = at;
        t->expected_count = t->asked->expected_count.value;
        t->phase = t->plan && t->asked->expected_count.set ? TARGET_COUNTING : TARGET_FOLLOWING;
    } else if (t->asked->resume_case) {
        listen_send_target(l, TARGET_RESET, t, NULL);
    }
}

struct target *target_new(struct listen *l, struct call *call, const struct msg_target *asked)
{
    struct target *t = ARENA_NEW(call->arena, struct target);
    *t = (struct target){ .call = call, .asked = asked, .id = asked->target_id };
    listen_send_target(l, TARGET_ADD, t, NULL);
    if (take_target(t, l, &call->status) == STATUS_OK)
        begin(l, t, &call->status);
    return t;
}

void target_free(struct listen *l, struct target *t)
{
    target_stop_work(t);
    if (t->watched)
        listen_hub_remove(l->call->server->listeners, &t->watch);
    call_free(t->call);
}
