/* transaction_reads.c - what a transaction has read, and whether it still holds when it commits. */
#include "core/codec.h"
#include "core/limits.h"
#include "server/service/transaction_state.h"

void transaction_forget_reads(struct transaction *txn)
{
    while (txn->queries) {
        struct read_query *q = txn->queries;
        txn->queries = q->next;
        arena_free(q->arena);
    }
}

void transaction_saw(struct transaction *txn, struct str path, uint64_t seq)
{
    struct transactions *all = txn->all;
    pthread_mutex_lock(&all->mutex);
    struct hold *h = txn->closed ? NULL : lock_take(all->locks, &txn->locks, txn->db, path);
    /* The first sight counts: a document that changed between two reads of one transaction must make the
     * commit fail. */
    if (h && !h->seen) {
        h->seen = true;
        h->seq = seq;
    }
    pthread_mutex_unlock(&all->mutex);
}

/* Encodes the query and decodes it again: a copy of it in `arena`. */
static enum status_code copy_query(struct msg_structured_query *copy,
                                   const struct msg_structured_query *query, struct arena *arena,
                                   struct status *st)
{
    struct buf bytes;
    buf_init(&bytes, LIMIT_MESSAGE_BYTES);
    if (!protobuf_encode(&bytes, SCHEMA(structured_query), query))
        status_set(st, STATUS_RESOURCE_EXHAUSTED, "the query is too large");
    else
        protobuf_decode(copy, SCHEMA(structured_query), arena, arena_str(arena, buf_view(&bytes)), st);
    buf_dispose(&bytes);
    return st->code;
}

enum status_code transaction_saw_query(struct transaction *txn, struct str parent,
                                       const struct msg_structured_query *query, uint64_t view,
                                       struct status *st)
{
    struct arena *arena = arena_new();
    struct msg_structured_query *copy = ARENA_NEW(arena, struct msg_structured_query);
    struct read_query *q = ARENA_NEW(arena, struct read_query);
    *q = (struct read_query){ .arena = arena, .view = view, .skips = query->offset > 0 };
    if (copy_query(copy, query, arena, st) ||
        query_check(&q->plan, txn->db, arena_str(arena, parent), copy, arena, st)) {
        arena_free(arena);
        return st->code;
    }
    q->collection = query_collection_path(q->plan);
    pthread_mutex_lock(&txn->all->mutex);
    q->next = txn->queries;
    txn->queries = q;
    pthread_mutex_unlock(&txn->all->mutex);
    return STATUS_OK;
}

void transaction_deps(struct transaction *txn, struct arena *arena, struct store_dep **deps, size_t *n)
{
    struct transactions *all = txn->all;
    pthread_mutex_lock(&all->mutex);
    size_t count = txn->locks.n_holds;
    for (struct read_query *q = txn->queries; q; q = q->next)
        count++;
    struct store_dep *d = ARENA_ARRAY(arena, struct store_dep, count);
    size_t at = 0;
    for (struct hold *h = txn->locks.holds; h; h = h->next)
        if (h->seen)
            d[at++] = (struct store_dep){ .path = arena_str(arena, lock_path(h->lock)), .seq = h->seq };
    for (struct read_query *q = txn->queries; q; q = q->next)
        d[at++] = (struct store_dep){ .whole_collection = true, .path = q->collection, .seq = q->view };
    pthread_mutex_unlock(&all->mutex);
    *deps = d;
    *n = at;
}

static bool in_query_scope(const struct read_query *q, struct str path)
{
    return q->collection.n == 0 || str_eq(path_parent(path), q->collection);
}

static bool has_seen(struct transaction *txn, struct str path)
{
    pthread_mutex_lock(&txn->all->mutex);
    const struct hold *h = lock_find(txn->all->locks, &txn->locks, txn->db, path);
    bool seen = h && h->seen;
    pthread_mutex_unlock(&txn->all->mutex);
    return seen;
}

static struct read_query *queries_of(struct transaction *txn)
{
    pthread_mutex_lock(&txn->all->mutex);
    struct read_query *first = txn->queries; /* later ones are put before it */
    pthread_mutex_unlock(&txn->all->mutex);
    return first;
}

/* Whether the document, as `view` shows it, matches the query. */
static enum status_code matches_at(bool *matches, const struct transaction *txn, const struct read_query *q,
                                   struct store_reader *reader, uint64_t view, struct str path,
                                   struct arena *arena, struct status *st)
{
    struct store_document d;
    struct value_map fields;
    *matches = false;
    if (store_get(reader, view, txn->db, path, arena, &d, st) || !d.exists ||
        protobuf_decode_fields(&fields, arena, d.fields, st))
        return st->code;
    *matches = query_matches(q->plan, path, &fields);
    return STATUS_OK;
}

/* Whether entry e makes the query's answer another one: its document belongs to the result now, though the
 * transaction did not see it; or it did, and an offset skipped it. */
static enum status_code is_phantom(bool *phantom, struct transaction *txn, const struct read_query *q,
                                   const struct store_entry *e, struct store_reader *reader, uint64_t view,
                                   struct arena *arena, struct status *st)
{
    *phantom = false;
    if (!database_name_eq(e->db, txn->db) || e->path.n == 0 || !in_query_scope(q, e->path) ||
        has_seen(txn, e->path))
        return STATUS_OK;
    if (q->skips && matches_at(phantom, txn, q, reader, q->view, e->path, arena, st))
        return st->code;
    return *phantom ? STATUS_OK : matches_at(phantom, txn, q, reader, view, e->path, arena, st);
}

/* Looks at everything that was written after the query was answered. */
static enum status_code recheck_query(struct transaction *txn, struct read_query *q,
                                      struct store_reader *reader, uint64_t view, struct arena *arena,
                                      struct status *st)
{
    struct arena *scratch = arena_child(arena); /* of one entry */
    for (uint64_t seq = q->view + 1; seq <= view; seq++) {
        struct store_entry e;
        bool found, phantom = false;
        arena_reset(scratch);
        if (store_read_entry(reader, seq, scratch, &e, &found, st) ||
            (found && is_phantom(&phantom, txn, q, &e, reader, view, scratch, st)))
            return st->code;
        if (phantom)
            return status_set(
                st, STATUS_ABORTED,
                "The transaction was aborted: a query it made would now be answered otherwise, since "
                "another request wrote a document. Try again.");
    }
    q->view = view;
    return STATUS_OK;
}

enum status_code transaction_recheck(struct transaction *txn, struct store_reader *reader, uint64_t view,
                                     struct arena *arena, struct status *st)
{
    struct store_dep *deps;
    size_t n;
    transaction_deps(txn, arena, &deps, &n);
    for (size_t i = 0; i < n; i++) {
        struct store_document d;
        if (deps[i].whole_collection)
            continue;
        if (store_peek(reader, view, txn->db, deps[i].path, &d, st))
            return st->code;
        if (d.seq != deps[i].seq && (d.exists || deps[i].seq != 0))
            return status_set(
                st, STATUS_ABORTED,
                "The transaction was aborted: a document it read was changed by another request. "
                "Try again.");
    }
    for (struct read_query *q = queries_of(txn); q; q = q->next)
        if (recheck_query(txn, q, reader, view, arena, st))
            return st->code;
    return STATUS_OK;
}
