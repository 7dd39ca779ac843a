/* verify_derived.c - whether the derived file shows exactly what the ledger says (verify.c).
 *
 * While the ledger is read, the rows that there must be are added up (as hashes, so that their order does not
 * matter); then the rows that there are. Equal sums mean equal rows: that is the quick way, and no lookup in
 * a tree is needed for a document that was written once. When they differ, or the counts do, every row is
 * judged by itself to name the one that is wrong: it must be justified by the ledger, and there must be as
 * many as it justifies. */
#include "storage/verify.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- rows to be expected ---- */

void verify_put_number(struct buf *out, uint64_t n)
{
    unsigned char be[8];
    for (int i = 0; i < 8; i++)
        be[i] = (unsigned char)(n >> (56 - 8 * i));
    buf_put(out, be, sizeof be);
}

void verify_sum(struct row_sum *sum, struct str row, bool away)
{
    unsigned char hash[SHA256_SIZE];
    uint64_t part[2] = { 0, 0 };
    sha256_of(hash, row.p, row.n);
    for (size_t i = 0; i < 16; i++)
        part[i / 8] = part[i / 8] << 8 | hash[i];
    uint64_t low = sum->low;
    if (away) {
        sum->low -= part[1];
        sum->high -= part[0] + (low < part[1]);
    } else {
        sum->low += part[1];
        sum->high += part[0] + (sum->low < low);
    }
}

/* until 0: a row of `head`. Adds the row, or takes it away. */
static void sum_row(struct verify *v, struct row_sum *sum, uint64_t space_from, struct str key,
                    uint64_t until, uint64_t seq, int64_t updated, int64_t age, bool away)
{
    buf_clear(&v->row);
    verify_put_number(&v->row, space_from);
    verify_put_number(&v->row, until);
    verify_put_number(&v->row, seq);
    verify_put_number(&v->row, (uint64_t)updated);
    verify_put_number(&v->row, (uint64_t)age);
    buf_str(&v->row, key);
    verify_sum(sum, buf_view(&v->row), away);
}

static struct created *created_slot(struct created_map *map, uint64_t document)
{
    size_t at = (size_t)document & (map->cap - 1);
    while (map->slots[at].document && map->slots[at].document != document)
        at = (at + 1) & (map->cap - 1);
    return &map->slots[at];
}

static void created_set(struct created_map *map, uint64_t document, int64_t time_us)
{
    if (map->n * 2 >= map->cap) {
        struct created_map bigger = { .n = map->n, .cap = map->cap ? map->cap * 2 : 256 };
        bigger.slots = verify_must(calloc(bigger.cap, sizeof *bigger.slots));
        for (size_t i = 0; i < map->cap; i++)
            if (map->slots[i].document)
                *created_slot(&bigger, map->slots[i].document) = map->slots[i];
        free(map->slots);
        *map = bigger;
    }
    struct created *slot = created_slot(map, document);
    map->n += slot->document == 0;
    *slot = (struct created){ document, time_us };
}

void verify_derived_expect(struct verify *v, const struct format_entry *e, uint64_t document,
                           const struct version *before, bool existed, uint64_t space_from)
{
    document += document == 0;
    derived_key(&v->key, e->path);
    struct str key = buf_view(&v->key);
    int64_t created = e->time_us;
    if (existed) {
        created = str_eq_z(before->operation, "create") ? before->time_us
                                                        : created_slot(&v->created, document)->time_us;
        int64_t age = before->time_us - created;
        sum_row(v, &v->sum, space_from, key, 0, e->prev, before->time_us, age, true);
        sum_row(v, &v->sum, space_from, key, e->seq, e->prev, before->time_us, age, false);
        v->heads--;
        v->pasts++;
    }
    if (str_eq_z(e->operation, "delete"))
        return;
    if (existed)
        created_set(&v->created, document, created);
    sum_row(v, &v->sum, space_from, key, 0, e->seq, e->time_us, e->time_us - created, false);
    v->heads++;
}

/* ---- rows one by one ---- */

static bool derived_bad(struct verify *v, const char *table, uint64_t seq, const char *what)
{
    return verify_bad(v, seq, "derived state differs: a row of `%s` for entry %" PRIu64 " %s", table, seq,
                      what);
}

/* The version must be a document's, in this space, with this key and time. */
static bool justified(struct verify *v, const char *table, const struct space_db *db,
                      const struct space *space, struct str key, uint64_t seq, int64_t updated,
                      struct version *out)
{
    bool found;
    if (!verify_version_at(v, seq, out, &found))
        return false;
    if (!found || !str_eq_z(out->kind, "write") || !verify_document_path(out->path) || seq < space->from ||
        seq >= space->until || !str_eq(out->project, db->name.project) ||
        !str_eq(out->database, db->name.database))
        return derived_bad(v, table, seq, "is not about a version of its epoch");
    derived_key(&v->key, out->path);
    if (!str_eq(buf_view(&v->key), key))
        return derived_bad(v, table, seq, "has another document's key");
    if (updated != INT64_MIN && out->time_us != updated)
        return derived_bad(v, table, seq, "has another time");
    return true;
}

/* age = update time - create time; the create time is that of the version before, ended by this one. */
static bool check_age(struct verify *v, const char *table, int64_t space, struct str key, uint64_t seq,
                      int64_t updated, int64_t age, bool created)
{
    if (created)
        return age == 0 ? true : derived_bad(v, table, seq, "has another create time");
    sqlite3_reset(v->past_at);
    sqlite3_bind_int64(v->past_at, 1, space);
    db_bind_blob(v->past_at, 2, key);
    sqlite3_bind_int64(v->past_at, 3, (sqlite3_int64)seq);
    int rc = sqlite3_step(v->past_at);
    bool same = rc == SQLITE_ROW &&
                updated - age == sqlite3_column_int64(v->past_at, 0) - sqlite3_column_int64(v->past_at, 1);
    sqlite3_reset(v->past_at);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return verify_failed(v, v->derived, rc, "reading derived state", 0);
    return same ? true : derived_bad(v, table, seq, "has another create time");
}

static bool check_head(struct verify *v, sqlite3_stmt *s, const struct space_db *db,
                       const struct space *space)
{
    struct version version;
    struct str key = db_column_bytes(s, 1);
    uint64_t seq = (uint64_t)sqlite3_column_int64(s, 2);
    int64_t updated = sqlite3_column_int64(s, 3);
    if (!justified(v, "head", db, space, key, seq, updated, &version))
        return false;
    if (str_eq_z(version.operation, "delete") || (verify_superseded(v, seq) & 2))
        return derived_bad(v, "head", seq, "shows a version that is not current");
    return check_age(v, "head", sqlite3_column_int64(s, 0), key, seq, updated, sqlite3_column_int64(s, 4),
                     str_eq_z(version.operation, "create"));
}

static bool check_past(struct verify *v, sqlite3_stmt *s, const struct space_db *db,
                       const struct space *space)
{
    struct version version;
    struct str key = db_column_bytes(s, 1);
    uint64_t seq = (uint64_t)sqlite3_column_int64(s, 2), until = (uint64_t)sqlite3_column_int64(s, 5);
    int64_t updated = sqlite3_column_int64(s, 3);
    if (!justified(v, "past", db, space, key, until, INT64_MIN, &version))
        return false;
    if (version.prev != seq || str_eq_z(version.operation, "create"))
        return derived_bad(v, "past", seq, "was not ended by the entry it says");
    if (!justified(v, "past", db, space, key, seq, updated, &version))
        return false;
    return check_age(v, "past", sqlite3_column_int64(s, 0), key, seq, updated, sqlite3_column_int64(s, 4),
                     str_eq_z(version.operation, "create"));
}

/* Space ids of the file, and what they stand for in the ledger. */
struct space_ref {
    int64_t id;
    const struct space_db *db;
    const struct space *space;
};
struct space_refs {
    struct space_ref *items;
    size_t n, cap;
};

static const struct space_ref *ref_of(const struct space_refs *refs, int64_t id)
{
    size_t low = 0, high = refs->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (refs->items[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < refs->n && refs->items[low].id == id ? &refs->items[low] : NULL;
}

static const struct space *space_of(const struct verify *v, const struct space_db *db, uint64_t from,
                                    uint64_t until)
{
    for (size_t i = 0; db && i < db->n; i++) {
        /* The ledger may be further on: what it ended after `applied` is still open here. */
        uint64_t end = db->spaces[i].until != SPACE_OPEN && db->spaces[i].until > v->applied
                           ? SPACE_OPEN
                           : db->spaces[i].until;
        if (db->spaces[i].from == from && end == until)
            return &db->spaces[i];
    }
    return NULL;
}

struct space_count {
    uint64_t applied, n;
};

static bool count_spaces(void *data, struct space_db *db)
{
    struct space_count *count = data;
    for (size_t i = 0; i < db->n; i++)
        count->n += db->spaces[i].from <= count->applied;
    return true;
}

static bool check_spaces(struct verify *v, struct space_refs *refs)
{
    sqlite3_stmt *stmt = NULL;
    int rc;
    bool ok = verify_prepare(v, &stmt, v->derived,
                             "SELECT id, project, database, from_seq, until_seq FROM space ORDER BY id");
    while (ok && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW) {
            ok = verify_failed(v, v->derived, rc, "reading derived state", 0);
            break;
        }
        struct database_name name = { db_column_bytes(stmt, 1), db_column_bytes(stmt, 2) };
        uint64_t from = (uint64_t)sqlite3_column_int64(stmt, 3);
        const struct space_db *db = space_db_find(&v->spaces, name);
        const struct space *space = space_of(v, db, from, (uint64_t)sqlite3_column_int64(stmt, 4));
        if (!space) {
            ok = derived_bad(v, "space", from, "is not an epoch of that database");
            break;
        }
        if (refs->n == refs->cap) {
            refs->cap = refs->cap ? refs->cap * 2 : 64;
            refs->items = verify_must(realloc(refs->items, refs->cap * sizeof *refs->items));
        }
        refs->items[refs->n++] = (struct space_ref){ sqlite3_column_int64(stmt, 0), db, space };
    }
    sqlite3_finalize(stmt);
    struct space_count count = { v->applied, 0 };
    space_each(&v->spaces, count_spaces, &count);
    if (ok && count.n != refs->n)
        ok = verify_bad(v, 0, "derived state differs: it has %zu epochs, the ledger %" PRIu64, refs->n,
                        count.n);
    return ok;
}

static bool check_table(struct verify *v, const struct space_refs *refs, const char *sql, const char *table,
                        uint64_t expected,
                        bool (*check)(struct verify *, sqlite3_stmt *, const struct space_db *,
                                      const struct space *))
{
    sqlite3_stmt *stmt = NULL;
    uint64_t n = 0;
    int rc;
    bool ok = verify_prepare(v, &stmt, v->derived, sql);
    while (ok && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW) {
            ok = verify_failed(v, v->derived, rc, "reading derived state", 0);
            break;
        }
        const struct space_ref *ref = ref_of(refs, sqlite3_column_int64(stmt, 0));
        n++;
        ok = ref ? check(v, stmt, ref->db, ref->space)
                 : derived_bad(v, table, (uint64_t)sqlite3_column_int64(stmt, 2), "names an unknown epoch");
    }
    sqlite3_finalize(stmt);
    if (ok && n != expected)
        ok = verify_bad(v, 0, "derived state differs: `%s` has %" PRIu64 " rows, the ledger gives %" PRIu64,
                        table, n, expected);
    return ok;
}

/* Adds up what is there; *n counts. */
static bool sum_table(struct verify *v, const struct space_refs *refs, const char *sql, struct row_sum *sum,
                      uint64_t *n)
{
    sqlite3_stmt *stmt = NULL;
    int rc;
    bool ok = verify_prepare(v, &stmt, v->derived, sql);
    while (ok && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW) {
            ok = verify_failed(v, v->derived, rc, "reading derived state", 0);
            break;
        }
        const struct space_ref *ref = ref_of(refs, sqlite3_column_int64(stmt, 0));
        sum_row(v, sum, ref ? ref->space->from : 0, db_column_bytes(stmt, 1),
                (uint64_t)sqlite3_column_int64(stmt, 5), (uint64_t)sqlite3_column_int64(stmt, 2),
                sqlite3_column_int64(stmt, 3), sqlite3_column_int64(stmt, 4), false);
        ++*n;
    }
    sqlite3_finalize(stmt);
    return ok;
}

static const char head_sql[] = "SELECT space, key, seq, updated, age, 0 FROM head";
static const char past_sql[] = "SELECT space, key, seq, updated, age, until_seq FROM past";

bool verify_derived(struct verify *v)
{
    struct space_refs refs = { 0 };
    struct row_sum sum = { 0, 0 };
    uint64_t heads = 0, pasts = 0;
    bool ok = verify_prepare(v, &v->past_at, v->derived,
                             "SELECT updated, age FROM past WHERE space = ? AND key = ? AND until_seq = ?") &&
              check_spaces(v, &refs) && sum_table(v, &refs, head_sql, &sum, &heads) &&
              sum_table(v, &refs, past_sql, &sum, &pasts);
    bool equal = heads == v->heads && pasts == v->pasts && sum.low == v->sum.low && sum.high == v->sum.high;
    if (ok && !equal)
        ok = check_table(v, &refs, head_sql, "head", v->heads, check_head) &&
             check_table(v, &refs, past_sql, "past", v->pasts, check_past) &&
             verify_bad(v, 0, "derived state differs from the ledger");
    free(refs.items);
    return ok && verify_indexes(v);
}

/* Opens it, if it is there, and fixes what it has applied. */
bool verify_derived_open(struct verify *v)
{
    struct status st = status_init(v->arena);
    sqlite3_stmt *stmt = NULL;
    unsigned char id[FORMAT_LEDGER_ID];
    struct store_place as_ledger = *v->place;
    as_ledger.ledger = v->place->derived;
    if (store_place_exists(&as_ledger, &st))
        return true;
    if (!verify_wal(v, v->place->derived, true))
        return false;
    derived_open_read(&v->derived, v->place->derived, store_place_vfs(v->place), &st);
    if (st.code == STATUS_FAILED_PRECONDITION)
        return true; /* another version, or never written: it is rebuilt at the next start */
    if (!verify_passed(v, &st, 0))
        return false;
    db_exec(v->derived, "BEGIN", &st);
    ledger_read_id(id, v->ledger, &st);
    if (!verify_passed(v, &st, 0) ||
        !verify_prepare(v, &stmt, v->derived, "SELECT applied_seq, ledger_id, chain FROM state"))
        return false;
    int rc = sqlite3_step(stmt);
    bool ok = rc == SQLITE_ROW;
    struct str of = ok ? db_column_bytes(stmt, 1) : (struct str){ 0 },
               chain = ok ? db_column_bytes(stmt, 2) : of;
    if (!ok && rc != SQLITE_DONE)
        verify_failed(v, v->derived, rc, "reading derived state", 0);
    else if (!ok || of.n != FORMAT_LEDGER_ID || chain.n != FORMAT_HASH || memcmp(of.p, id, of.n) != 0)
        ok = verify_bad(v, 0, "derived state differs: it belongs to another ledger");
    if (ok) {
        v->has_derived = true;
        v->applied = (uint64_t)sqlite3_column_int64(stmt, 0);
        memcpy(v->applied_chain, chain.p, FORMAT_HASH);
    }
    sqlite3_finalize(stmt);
    return ok;
}
