/* commit.c - what one commit does, inside the open transactions of both files: check, plan, apply (writer.c).
 *
 * "What is true now" is the derived file seen through its own open transaction: it holds the effects of the
 * batch-mates already applied, so there is no second copy of the truth to keep in step. Within a commit,
 * several operations on one document are planned on each other's results before the first is applied. */
#include "storage/writer.h"

#include "core/clock.h"
#include "storage/subtree.h"

#include <assert.h>

/* What one operation of a commit will do, decided before anything is inserted. */
struct planned {
    enum { DO_NOTHING, DO_WRITE, DO_TOMBSTONE, DO_RECORD } action;
    struct str key;
    struct derived_doc before;
    uint64_t prev;
};

/* What the check of a commit's read set has seen: nothing is applied between check and plan, and most of what
 * a commit reads is what it writes. */
struct seen {
    const struct store_dep *deps;
    size_t n, next; /* operations come in the order of the reads: those before `next` are used */
    struct derived_doc *docs;
    uint64_t *prevs;
};

/* ---- which collections changed ---- */

/* An empty path stands for the whole database. */
static uint64_t *changed_slot(struct writer *w, struct database_name db, struct str collection)
{
    uint64_t h = space_hash(collection) ^ (space_hash(db.project) * 3) ^ (space_hash(db.database) * 5);
    return &w->changed[h & (WRITER_CHANGED_SLOTS - 1)];
}

/* After a rollback no slot may claim a seq that was never given to anybody. */
void writer_forget_changes_after(struct writer *w, uint64_t seq)
{
    for (size_t i = 0; i < WRITER_CHANGED_SLOTS; i++)
        if (w->changed[i] > seq)
            w->changed[i] = seq;
    if (w->epoch_seq > seq)
        w->epoch_seq = seq;
}

/* ---- check ---- */

static bool check_text(struct store_commit *c, struct str s, size_t max, const char *what)
{
    if (s.n > max)
        status_set(&c->status, STATUS_INVALID_ARGUMENT, "%s is longer than %zu bytes", what, max);
    else if (!str_is_utf8(s))
        status_set(&c->status, STATUS_INVALID_ARGUMENT, "%s is not valid UTF-8", what);
    return c->status.code == STATUS_OK;
}

static bool check_texts(struct store_commit *c)
{
    if (!check_text(c, c->principal, LEDGER_TEXT_MAX, "principal") ||
        !check_text(c, c->request_id, LEDGER_TEXT_MAX, "request id") ||
        !check_text(c, c->db.project, LEDGER_TEXT_MAX, "project") ||
        !check_text(c, c->db.database, LEDGER_TEXT_MAX, "database"))
        return false;
    for (size_t i = 0; i < c->n_ops; i++) {
        const struct store_op *op = &c->ops[i];
        bool document = op->kind == STORE_PUT || op->kind == STORE_DELETE;
        assert(!document || (path_segments(op->path) % 2 == 0 && op->path.n));
        assert(c->n_ops == 1 || (op->kind != STORE_CLEAR_SUBTREE && op->kind != STORE_EPOCH));
        (void)document;
        if (!check_text(c, op->path, LEDGER_TEXT_MAX * 4, "path") ||
            !check_text(c, op->request_id, LEDGER_TEXT_MAX, "request id") ||
            !check_text(c, op->decision, LEDGER_TEXT_MAX, "decision"))
            return false;
    }
    return true;
}

/* false: I/O failed. */
static bool check_deps(struct writer *w, struct store_commit *c, struct seen *seen)
{
    *seen = (struct seen){
        .deps = c->deps,
        .n = c->n_deps,
        .docs = ARENA_ARRAY(w->arena, struct derived_doc, c->n_deps),
        .prevs = ARENA_ARRAY(w->arena, uint64_t, c->n_deps),
    };
    for (size_t i = 0; i < c->n_deps && !c->stale; i++) {
        const struct store_dep *dep = &c->deps[i];
        if (dep->whole_collection) {
            uint64_t changed = *changed_slot(w, c->db, dep->path);
            c->stale = (changed > w->epoch_seq ? changed : w->epoch_seq) > dep->seq;
            continue;
        }
        int64_t space;
        derived_key(&w->key, dep->path);
        if (derived_newest(&seen->docs[i], &seen->prevs[i], &space, &w->store->derived, c->db,
                           buf_view(&w->key), &w->failed))
            return false;
        c->stale = seen->docs[i].seq != dep->seq;
    }
    if (c->stale)
        status_set(&c->status, STATUS_ABORTED, "a document that this commit read has changed: try again");
    return true;
}

/* ---- plan ---- */

/* Which earlier operation of the same commit wrote the same document last: a little hash table. */
struct plan_index {
    size_t *slots; /* op index + 1, 0: empty */
    size_t mask;
};

static size_t *plan_slot(const struct plan_index *index, const struct planned *plan, struct str key)
{
    size_t at = (size_t)space_hash(key) & index->mask;
    while (index->slots[at] && !str_eq(plan[index->slots[at] - 1].key, key))
        at = (at + 1) & index->mask;
    return &index->slots[at];
}

/* What an operation leaves behind, as the next one on the same document finds it. */
static void after(const struct planned *p, const struct store_op *op, int64_t time_us, struct planned *next)
{
    next->before = p->before;
    next->prev = p->prev;
    if (p->action == DO_WRITE)
        next->before =
            (struct derived_doc){ true, op->seq, time_us, p->before.exists ? p->before.created_us : time_us };
    else if (p->action == DO_TOMBSTONE)
        next->before = (struct derived_doc){ .seq = op->seq };
    if (p->action != DO_NOTHING)
        next->prev = op->seq;
}

/* Whether the document's body is already what the operation puts: retries of an append are no change. */
static bool same_body(struct writer *w, const struct store_commit *c, size_t i, uint64_t seq, bool *same)
{
    for (size_t j = 0; j < i; j++)
        if (c->ops[j].seq == seq && c->ops[j].kind == STORE_PUT) {
            *same = str_eq(c->ops[j].fields, c->ops[i].fields);
            return true;
        }
    sqlite3_bind_int64(w->body_at, 1, (sqlite3_int64)seq);
    int rc = sqlite3_step(w->body_at);
    *same = rc == SQLITE_ROW && sqlite3_column_type(w->body_at, 0) == SQLITE_BLOB &&
            str_eq(db_column_bytes(w->body_at, 0), c->ops[i].fields);
    sqlite3_reset(w->body_at);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        db_fail(w->store->ledger.db, rc, "comparing a body", &w->failed);
    return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

/* *refused: the pattern that forbids this operation. false: I/O failed. */
static bool plan_write(struct writer *w, struct store_commit *c, size_t i, struct planned *p,
                       const struct str **refused)
{
    const struct store_op *op = &c->ops[i];
    *refused = NULL;
    p->action = op->kind == STORE_PUT ? DO_WRITE : p->before.exists ? DO_TOMBSTONE : DO_NOTHING;
    if (!p->before.exists || w->store->options.n_append_only == 0)
        return true;
    const struct str *pattern = store_append_only(w->store, op->path);
    if (!pattern)
        return true;
    bool same = false;
    if (op->kind == STORE_PUT && !same_body(w, c, i, p->before.seq, &same))
        return false;
    if (same)
        p->action = DO_NOTHING;
    else
        *refused = pattern;
    return true;
}

/* The document as it is before this commit. false: I/O failed. */
static bool find_before(struct writer *w, const struct store_commit *c, struct str path, struct seen *seen,
                        struct planned *p)
{
    int64_t space;
    while (seen->next < seen->n &&
           (seen->deps[seen->next].whole_collection || !str_eq(seen->deps[seen->next].path, path)))
        seen->next++;
    if (seen->next < seen->n) {
        p->before = seen->docs[seen->next];
        p->prev = seen->prevs[seen->next++];
        return true;
    }
    return derived_newest(&p->before, &p->prev, &space, &w->store->derived, c->db, p->key, &w->failed) ==
           STATUS_OK;
}

static bool plan_op(struct writer *w, struct store_commit *c, size_t i, struct seen *seen,
                    struct planned *plan, struct plan_index *index, const struct str **refused)
{
    struct planned *p = &plan[i];
    const struct store_op *op = &c->ops[i];
    *refused = NULL;
    if (op->kind == STORE_REFUSED) {
        p->action =
            refusals_admit(w->refusals, c->db, c->principal, clock_mono_ns()) ? DO_RECORD : DO_NOTHING;
        return true;
    }
    if (op->kind != STORE_PUT && op->kind != STORE_DELETE) {
        p->action = DO_RECORD;
        return true;
    }
    derived_key(&w->key, op->path);
    struct str key = buf_view(&w->key);
    size_t *slot = index->slots ? plan_slot(index, plan, key) : NULL;
    if (slot && *slot) {
        p->key = plan[*slot - 1].key;
        after(&plan[*slot - 1], &c->ops[*slot - 1], w->time_us, p);
    } else {
        p->key = arena_str(w->arena, key);
        if (!find_before(w, c, op->path, seen, p))
            return false;
    }
    if (!plan_write(w, c, i, p, refused))
        return false;
    if (slot)
        *slot = i + 1;
    return true;
}

/* ---- apply ---- */

static struct format_entry entry_of(const struct writer *w, const struct store_commit *c,
                                    const struct store_op *op, uint64_t commit_seq)
{
    return (struct format_entry){
        .commit_seq = commit_seq,
        .time_us = w->time_us,
        .project = c->db.project,
        .database = c->db.database,
        .principal = c->principal,
        .request_id = op->request_id.n ? op->request_id : c->request_id,
        .rules_digest = c->rules_digest ? str_from(c->rules_digest, FORMAT_HASH) : (struct str){ 0 },
    };
}

static struct str operation_text(enum store_operation operation)
{
    switch (operation) {
    case STORE_OPERATION_CREATE:
        return STR("create");
    case STORE_OPERATION_UPDATE:
        return STR("update");
    case STORE_OPERATION_DELETE:
        return STR("delete");
    default:
        return STR("");
    }
}

static struct str kind_text(enum store_op_kind kind)
{
    switch (kind) {
    case STORE_REFUSED:
        return STR("refused");
    case STORE_RULES:
        return STR("rules");
    case STORE_EPOCH:
        return STR("epoch");
    case STORE_NOTE:
        return STR("note");
    default:
        return STR("write");
    }
}

static bool apply_op(struct writer *w, struct store_commit *c, struct store_op *op, const struct planned *p,
                     uint64_t commit_seq)
{
    struct store *s = w->store;
    struct format_entry e = entry_of(w, c, op, commit_seq);
    const struct str *body = op->fields.p || op->kind != STORE_REFUSED ? &op->fields : NULL;
    bool keep = op->kind != STORE_REFUSED || s->options.record_denied_body;
    e.kind = kind_text(op->kind);
    e.path = op->path;
    e.operation = operation_text(op->operation);
    e.decision = op->decision;
    if (p->action == DO_WRITE || p->action == DO_TOMBSTONE) {
        e.operation = p->action == DO_TOMBSTONE ? STR("delete")
                      : p->before.exists        ? STR("update")
                                                : STR("create");
        e.prev = p->prev;
    }
    if (p->action == DO_TOMBSTONE)
        body = NULL;
    if (ledger_append(&s->ledger, &e, body, keep, &w->failed))
        return false;
    assert(op->seq == e.seq);
    if (p->action == DO_RECORD)
        return true;
    *changed_slot(w, c->db, path_parent(op->path)) = e.seq;
    *changed_slot(w, c->db, (struct str){ 0 }) = e.seq;
    if (p->action == DO_WRITE)
        return derived_put(&s->derived, c->db, p->key, &p->before, e.seq, e.time_us, &w->failed) == STATUS_OK;
    return derived_delete(&s->derived, c->db, p->key, &p->before, e.seq, &w->failed) == STATUS_OK;
}

/* A refusal that this room decided: the ledger says so too. */
static bool record_refusal(struct writer *w, const struct store_commit *c, const struct store_op *op,
                           struct str operation, struct str decision)
{
    if (!refusals_admit(w->refusals, c->db, c->principal, clock_mono_ns()))
        return true;
    struct ledger *l = &w->store->ledger;
    struct format_entry e = entry_of(w, c, op, l->next.seq + 1);
    e.kind = STR("refused");
    e.operation = operation;
    e.path = op->path;
    e.decision = decision;
    return ledger_append(l, &e, op->kind == STORE_PUT ? &op->fields : NULL,
                         w->store->options.record_denied_body, &w->failed) == STATUS_OK;
}

static bool refuse_append_only(struct writer *w, struct store_commit *c, const struct store_op *op,
                               const struct str *pattern)
{
    bool put = op->kind == STORE_PUT;
    char path[STATUS_SHOWN];
    status_set(&c->status, STATUS_PERMISSION_DENIED,
               "The document '%s' exists and its collection is append-only (--append-only '" STR_FMT
               "'): it cannot be %s.",
               status_show(path, op->path), STR_ARG(*pattern), put ? "updated" : "deleted");
    struct str decision = str_of(arena_printf(w->arena, "append-only:" STR_FMT, STR_ARG(*pattern)));
    return record_refusal(w, c, op, put ? STR("update") : STR("delete"), decision);
}

static bool apply_all(struct writer *w, struct store_commit *c, struct seen *seen)
{
    struct planned *plan = ARENA_ARRAY(w->arena, struct planned, c->n_ops);
    struct plan_index index = { 0 };
    uint64_t next = w->store->ledger.next.seq + 1, commit_seq = next;
    if (c->n_ops > 1) {
        size_t n = 4;
        while (n < c->n_ops * 2)
            n *= 2;
        index = (struct plan_index){ ARENA_ARRAY(w->arena, size_t, n), n - 1 };
    }
    for (size_t i = 0; i < c->n_ops; i++) {
        const struct str *pattern;
        if (!plan_op(w, c, i, seen, plan, &index, &pattern))
            return false;
        if (pattern)
            return refuse_append_only(w, c, &c->ops[i], pattern);
        c->ops[i].seq = plan[i].action == DO_NOTHING ? plan[i].before.seq : next++;
    }
    for (size_t i = 0; i < c->n_ops; i++)
        if (plan[i].action != DO_NOTHING && !apply_op(w, c, &c->ops[i], &plan[i], commit_seq))
            return false;
    return true;
}

/* ---- resets ---- */

static bool path_of(struct writer *w, uint64_t seq, struct str *path)
{
    sqlite3_bind_int64(w->path_at, 1, (sqlite3_int64)seq);
    int rc = sqlite3_step(w->path_at);
    if (rc == SQLITE_ROW)
        *path = arena_str(w->arena, db_column_bytes(w->path_at, 0));
    sqlite3_reset(w->path_at);
    if (rc == SQLITE_DONE)
        status_set(&w->failed, STATUS_DATA_LOSS, "entry %llu is missing", (unsigned long long)seq);
    else if (rc != SQLITE_ROW)
        db_fail(w->store->ledger.db, rc, "reading a path", &w->failed);
    return rc == SQLITE_ROW;
}

/* The first document below `path` of one database's open space that an append-only pattern protects. */
static bool find_protected(struct writer *w, struct database_name db, struct str path, struct str *found,
                           const struct str **pattern)
{
    struct space *space = space_current(space_db_find(&w->store->spaces, db));
    struct subtree walk;
    struct derived_doc doc;
    bool more = space != NULL, ok = true;
    *pattern = NULL;
    if (!space)
        return true;
    subtree_init(&walk, &w->store->derived, space->id, path);
    while (ok && !*pattern) {
        ok = subtree_next(&walk, &more, &doc, &w->failed) == STATUS_OK;
        if (!ok || !more)
            break;
        struct arena *scratch = arena_new(); /* a million documents may be looked at */
        struct arena *mine = w->arena;
        w->arena = scratch;
        ok = path_of(w, doc.seq, found);
        w->arena = mine;
        if (ok)
            *pattern = store_append_only(w->store, *found);
        if (*pattern)
            *found = arena_str(mine, *found);
        arena_free(scratch);
    }
    subtree_dispose(&walk);
    return ok;
}

struct protected_search {
    struct writer *w;
    struct str path;
    const struct str *pattern;
    bool ok;
};

static bool search_db(void *data, struct space_db *db)
{
    struct protected_search *p = data;
    p->ok = find_protected(p->w, db->name, (struct str){ 0 }, &p->path, &p->pattern);
    return p->ok && !p->pattern;
}

/* Refuses a reset or clearing that touches an append-only collection, where that is not allowed. */
static bool check_reset(struct writer *w, struct store_commit *c, const struct store_op *op)
{
    const struct store *s = w->store;
    if (s->options.n_append_only == 0 || s->options.allow_reset || !s->place.lock)
        return true;
    struct protected_search p = { .w = w, .ok = true };
    if (op->kind == STORE_EPOCH && c->db.project.n == 0)
        space_each(&w->store->spaces, search_db, &p);
    else
        p.ok = find_protected(w, c->db, op->kind == STORE_EPOCH ? (struct str){ 0 } : op->path, &p.path,
                              &p.pattern);
    if (!p.ok || !p.pattern)
        return p.ok;
    char path[STATUS_SHOWN];
    status_set(&c->status, STATUS_FAILED_PRECONDITION,
               "The document '%s' is in an append-only collection (--append-only '" STR_FMT
               "'): nothing was cleared. Start with --allow-reset to allow it.",
               status_show(path, p.path), STR_ARG(*p.pattern));
    struct str decision = str_of(arena_printf(w->arena, "append-only:" STR_FMT, STR_ARG(*p.pattern)));
    return record_refusal(w, c, op, STR("delete"), decision);
}

static bool apply_clear(struct writer *w, struct store_commit *c, struct store_op *op)
{
    struct store *s = w->store;
    struct space *space = space_current(space_db_find(&s->spaces, c->db));
    struct subtree walk;
    struct derived_doc doc;
    bool more = true, ok = true;
    uint64_t commit_seq = s->ledger.next.seq + 1;
    if (!space)
        return true;
    struct arena *scratch = arena_new(), *mine = w->arena;
    subtree_init(&walk, &s->derived, space->id, op->path);
    while (ok) {
        ok = subtree_next(&walk, &more, &doc, &w->failed) == STATUS_OK;
        if (!ok || !more)
            break;
        struct store_op tombstone = { .kind = STORE_DELETE,
                                      .decision = op->decision,
                                      .seq = s->ledger.next.seq + 1 };
        struct planned p = {
            .action = DO_TOMBSTONE, .key = subtree_key(&walk), .before = doc, .prev = doc.seq
        };
        w->arena = scratch;
        ok = path_of(w, doc.seq, &tombstone.path);
        w->arena = mine;
        ok = ok && apply_op(w, c, &tombstone, &p, commit_seq);
        op->seq = tombstone.seq;
        arena_reset(scratch);
    }
    subtree_dispose(&walk);
    arena_free(scratch);
    return ok;
}

static bool apply_solo(struct writer *w, struct store_commit *c)
{
    struct store_op *op = &c->ops[0];
    if (!check_reset(w, c, op))
        return false;
    if (c->status.code)
        return true;
    if (op->kind == STORE_CLEAR_SUBTREE)
        return apply_clear(w, c, op);
    struct format_entry e = entry_of(w, c, op, w->store->ledger.next.seq + 1);
    e.kind = STR("epoch");
    e.decision = op->decision;
    if (ledger_append(&w->store->ledger, &e, NULL, true, &w->failed) ||
        derived_epoch(&w->store->derived, c->db, e.seq, &w->failed))
        return false;
    op->seq = w->epoch_seq = e.seq;
    return true;
}

/* false: I/O failed; what a commit did wrong itself is in its status. */
bool writer_commit(struct writer *w, struct store_commit *c)
{
    struct seen seen;
    uint64_t before = w->store->ledger.next.seq;
    if (c->status.code != STATUS_OK || !check_texts(c))
        return true;
    if (!check_deps(w, c, &seen))
        return false;
    if (c->stale)
        return true;
    w->time_us = w->time_us + 1 > c->min_time_us ? w->time_us + 1 : c->min_time_us;
    if (!(writer_is_solo(c) ? apply_solo(w, c) : apply_all(w, c, &seen)))
        return false;
    c->commit_time = timestamp_from_us(w->time_us);
    if (w->store->ledger.next.seq > before) {
        c->first_seq = before + 1;
        c->last_seq = w->store->ledger.next.seq;
    }
    return true;
}
