/* verify.c - checks a ledger, and that the derived file shows exactly what the ledger says.
 *
 * It shares the hash functions and the key encoding with the rest of the room and nothing else: what is true
 * is computed here again, row by row, from FORMAT.md section 4. The derived file is not rebuilt for
 * comparison (that would need its size in memory). Instead every one of its rows must be justified by the
 * ledger, and there must be as many rows as the ledger justifies; keys are unique, so then the two are equal.
 *
 * Works beside a running server: the derived file is read in one transaction, at the seq it has applied; the
 * ledger, whose rows never change, in slices. */
#include "storage/verify.h"
#include "storage/wal.h"

#include "core/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLICE_ROWS = 20000, PROGRESS_ROWS = 4096 };

void *verify_must(void *p)
{
    if (!p) {
        fputs("cinderlog: out of memory; stopping\n", stderr);
        abort();
    }
    return p;
}

bool verify_bad(struct verify *v, uint64_t seq, const char *fmt, ...)
{
    va_list args;
    if (v->report->what)
        return false;
    va_start(args, fmt);
    v->report->what = arena_vprintf(v->arena, fmt, args);
    va_end(args);
    v->report->first_bad_seq = seq;
    return false;
}

/* A failed SQLite call: damage is a finding, anything else an error. */
bool verify_failed(struct verify *v, sqlite3 *db, int rc, const char *what, uint64_t seq)
{
    struct status st = status_init(v->arena);
    if (db_fail(db, rc, what, &st) == STATUS_DATA_LOSS)
        return verify_bad(v, seq, "%s", status_message(&st));
    status_copy(v->st, &st);
    return false;
}

/* The same for our own functions. */
bool verify_passed(struct verify *v, struct status *st, uint64_t seq)
{
    if (st->code == STATUS_OK)
        return true;
    if (st->code == STATUS_DATA_LOSS)
        return verify_bad(v, seq, "%s", status_message(st));
    status_copy(v->st, st);
    return false;
}

bool verify_prepare(struct verify *v, sqlite3_stmt **out, sqlite3 *db, const char *sql)
{
    struct status st = status_init(v->arena);
    db_prepare(out, db, sql, &st);
    return verify_passed(v, &st, 0);
}

/* ---- the file as SQLite sees it ---- */

bool verify_wal(struct verify *v, const char *path, bool derived)
{
    struct wal_report wal;
    char *name = arena_printf(v->arena, "%s-wal", path);
    struct status st = status_init(v->arena);
    wal_check(&wal, name, v->place->vfs, true, &st);
    if (!verify_passed(v, &st, 0))
        return false;
    if (!wal.damaged)
        return true;
    if (derived)
        return verify_bad(v, 0,
                          "%s: frame %" PRIu64
                          " is damaged (a power cut can do that): derived state is rebuilt at the next start",
                          db_basename(name), wal.bad_frame);
    if (wal.bad_frame == 0)
        return verify_bad(v, 0, "%s: its header is damaged: nothing in it can be reached", db_basename(name));
    return verify_bad(v, 0, "%s: frame %" PRIu64 " is damaged: the commits after it cannot be reached",
                      db_basename(name), wal.bad_frame);
}

static bool check_integrity(struct verify *v, sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    if (!verify_prepare(v, &stmt, db, "PRAGMA integrity_check(1)"))
        return false;
    int rc = sqlite3_step(stmt);
    bool ok = rc == SQLITE_ROW;
    if (!ok)
        verify_failed(v, db, rc, "checking integrity", 0);
    else if (!str_eq_z(db_column_bytes(stmt, 0), "ok"))
        ok = verify_bad(v, 0, "%s: SQLite says: " STR_FMT, db_basename(sqlite3_db_filename(db, "main")),
                        STR_ARG(db_column_bytes(stmt, 0)));
    sqlite3_finalize(stmt);
    return ok;
}

/* Exactly the tables and triggers of the format: a removed guard is a finding too. */
static bool check_schema(struct verify *v)
{
    sqlite3_stmt *stmt = NULL;
    bool seen[32] = { false };
    int rc;
    bool ok = verify_prepare(v, &stmt, v->ledger, "SELECT name, sql FROM sqlite_schema");
    while (ok && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
        size_t i = 0;
        if (rc != SQLITE_ROW) {
            ok = verify_failed(v, v->ledger, rc, "reading the schema", 0);
            break;
        }
        while (ledger_schema[i] && !str_eq_z(db_column_bytes(stmt, 1), ledger_schema[i]))
            i++;
        if (!ledger_schema[i])
            ok = verify_bad(v, 0, "the schema has been changed: '" STR_FMT "' is not as the format has it",
                            STR_ARG(db_column_bytes(stmt, 0)));
        else
            seen[i] = true;
    }
    for (size_t i = 0; ok && ledger_schema[i]; i++)
        if (!seen[i])
            ok = verify_bad(v, 0, "the schema has been changed: missing: %.40s...", ledger_schema[i]);
    sqlite3_finalize(stmt);
    return ok;
}

/* ---- entries ---- */

static uint64_t document_hash(const struct format_entry *e)
{
    return space_hash(e->path) + 3 * space_hash(e->project) + 5 * space_hash(e->database);
}

static bool set_add(struct hash_set *set, uint64_t hash)
{
    if (hash == 0)
        hash = 1;
    if (set->n * 2 >= set->cap) {
        struct hash_set bigger = { .cap = set->cap ? set->cap * 2 : 1024 };
        bigger.slots = verify_must(calloc(bigger.cap, sizeof *bigger.slots));
        for (size_t i = 0; i < set->cap; i++)
            if (set->slots[i])
                set_add(&bigger, set->slots[i]);
        free(set->slots);
        *set = bigger;
    }
    size_t at = (size_t)hash & (set->cap - 1);
    while (set->slots[at] && set->slots[at] != hash)
        at = (at + 1) & (set->cap - 1);
    if (set->slots[at])
        return false;
    set->slots[at] = hash;
    set->n++;
    return true;
}

unsigned verify_superseded(const struct verify *v, uint64_t seq)
{
    return seq / 4 < v->n_superseded ? ((unsigned)v->superseded[seq / 4] >> (seq % 4 * 2)) & 3u : 0;
}

static void supersede(struct verify *v, uint64_t seq, unsigned bits)
{
    if (seq / 4 >= v->n_superseded) {
        size_t n = ((size_t)seq / 4 + 1) * 2;
        v->superseded = verify_must(realloc(v->superseded, n));
        memset(v->superseded + v->n_superseded, 0, n - v->n_superseded);
        v->n_superseded = n;
    }
    v->superseded[seq / 4] = (unsigned char)(v->superseded[seq / 4] | bits << (seq % 4 * 2));
}

/* *found false: no such entry. Borrowed until the next call. */
bool verify_version_at(struct verify *v, uint64_t seq, struct version *out, bool *found)
{
    sqlite3_reset(v->entry_at);
    sqlite3_bind_int64(v->entry_at, 1, (sqlite3_int64)seq);
    int rc = sqlite3_step(v->entry_at);
    *found = rc == SQLITE_ROW;
    if (*found)
        *out = (struct version){
            .kind = db_column_bytes(v->entry_at, 0),
            .operation = db_column_bytes(v->entry_at, 1),
            .prev = (uint64_t)sqlite3_column_int64(v->entry_at, 2),
            .time_us = sqlite3_column_int64(v->entry_at, 3),
            .project = db_column_bytes(v->entry_at, 4),
            .database = db_column_bytes(v->entry_at, 5),
            .path = db_column_bytes(v->entry_at, 6),
        };
    return *found || rc == SQLITE_DONE ? true : verify_failed(v, v->ledger, rc, "reading an entry", seq);
}

bool verify_document_path(struct str path)
{
    size_t n = path_segments(path);
    return n > 0 && n % 2 == 0 && n / 2 <= LIMIT_PATH_PAIRS;
}

static bool check_history(struct verify *v, const struct format_entry *e)
{
    struct database_name name = { e->project, e->database };
    struct version before = { 0 };
    bool found;
    if (!verify_document_path(e->path))
        return verify_bad(v, e->seq, "entry %" PRIu64 ": its path is no document's", e->seq);
    struct space_db *db = space_db_find(&v->spaces, name);
    struct space *space = space_current(db);
    if (e->prev == 0 && !set_add(&v->first_versions, document_hash(e)))
        return verify_bad(v, e->seq, "entry %" PRIu64 ": prev is 0, but the document has an earlier version",
                          e->seq);
    if (e->prev) {
        if (e->prev >= e->seq || verify_superseded(v, e->prev))
            return verify_bad(v, e->seq,
                              "entry %" PRIu64 ": prev %" PRIu64 " is not the newest earlier version", e->seq,
                              e->prev);
        if (!verify_version_at(v, e->prev, &before, &found))
            return false;
        if (!found || !str_eq_z(before.kind, "write") || !str_eq(before.path, e->path) ||
            !str_eq(before.project, e->project) || !str_eq(before.database, e->database))
            return verify_bad(v, e->seq,
                              "entry %" PRIu64 ": prev %" PRIu64 " is not a version of this document", e->seq,
                              e->prev);
    }
    bool same_epoch = e->prev && space && e->prev >= space->from;
    bool existed = same_epoch && !str_eq_z(before.operation, "delete");
    if (existed == str_eq_z(e->operation, "create"))
        return verify_bad(v, e->seq, "entry %" PRIu64 ": '" STR_FMT "' of a document that %s", e->seq,
                          STR_ARG(e->operation), existed ? "exists" : "does not exist");
    if (e->prev)
        supersede(v, e->prev, same_epoch && e->seq <= v->applied ? 3 : 1);
    if (!space)
        db = space_add(&v->spaces, name, 0, e->seq, SPACE_OPEN);
    db->documents += existed ? (str_eq_z(e->operation, "delete") ? (uint64_t)-1 : 0) : 1;
    if (v->has_derived && e->seq <= v->applied)
        verify_derived_expect(v, e, document_hash(e), &before, existed, space_current(db)->from);
    return true;
}

static bool forget_documents(void *data, struct space_db *db)
{
    (void)data;
    db->documents = 0;
    return true;
}

static void check_epoch(struct verify *v, const struct format_entry *e)
{
    struct database_name name = { e->project, e->database };
    space_end(&v->spaces, name, e->seq);
    if (e->project.n == 0)
        space_each(&v->spaces, forget_documents, NULL);
    else if (space_db_find(&v->spaces, name))
        space_db_find(&v->spaces, name)->documents = 0;
}

enum body_rule { BODY_NEVER, BODY_ALWAYS, BODY_MAYBE };

/* Kinds and operations of FORMAT.md section 3, and whether they have a body. */
static bool rule_of(const struct format_entry *e, enum body_rule *rule)
{
    static const struct {
        const char *kind, *operation;
        enum body_rule rule;
    } rules[] = {
        { "write", "create", BODY_ALWAYS },  { "write", "update", BODY_ALWAYS },
        { "write", "delete", BODY_NEVER },   { "refused", "create", BODY_MAYBE },
        { "refused", "update", BODY_MAYBE }, { "refused", "delete", BODY_MAYBE },
        { "refused", "", BODY_MAYBE },       { "refusals", "", BODY_NEVER },
        { "rules", "", BODY_ALWAYS },        { "epoch", "", BODY_NEVER },
        { "note", "", BODY_ALWAYS },         { "import", "", BODY_ALWAYS },
        { "prune", "", BODY_NEVER },
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (str_eq_z(e->kind, rules[i].kind) && str_eq_z(e->operation, rules[i].operation)) {
            *rule = rules[i].rule;
            return true;
        }
    return false;
}

static void note_missing(struct verify *v, uint64_t seq)
{
    if (v->n_missing && v->missing[v->n_missing - 1].to + 1 == seq) {
        v->missing[v->n_missing - 1].to = seq;
        return;
    }
    if (v->n_missing == v->cap_missing) {
        v->cap_missing = v->cap_missing ? v->cap_missing * 2 : 16;
        v->missing = verify_must(realloc(v->missing, v->cap_missing * sizeof *v->missing));
    }
    v->missing[v->n_missing++] = (struct missing_run){ seq, seq };
}

/* A prune entry names what it removed: "FROM-TO". */
static bool check_prune(struct verify *v, const struct format_entry *e)
{
    char text[64] = "";
    uint64_t from, to;
    int end = 0;
    if (e->path.n < sizeof text)
        memcpy(text, e->path.p, e->path.n);
    if (sscanf(text, "%" SCNu64 "-%" SCNu64 "%n", &from, &to, &end) != 2 || (size_t)end != e->path.n ||
        from > to || to >= e->seq)
        return verify_bad(v, e->seq, "entry %" PRIu64 ": its path is not a range of earlier entries", e->seq);
    size_t kept = 0;
    for (size_t i = 0; i < v->n_missing; i++) {
        struct missing_run run = v->missing[i];
        if (from <= run.from && run.to <= to)
            v->report->pruned += run.to - run.from + 1;
        else
            v->missing[kept++] = run;
    }
    v->n_missing = kept;
    return true;
}

/* The body rows are read beside the entries, in the same order. */
static bool body_advance(struct verify *v)
{
    int rc = sqlite3_step(v->body);
    v->body_row = rc == SQLITE_ROW;
    return v->body_row || rc == SQLITE_DONE ? true
                                            : verify_failed(v, v->ledger, rc, "reading bodies", v->seq + 1);
}

static bool check_body(struct verify *v, const struct format_entry *e, enum body_rule rule)
{
    unsigned char digest[FORMAT_HASH];
    if (rule != BODY_MAYBE && (rule == BODY_ALWAYS) != (e->body_digest.n != 0))
        return verify_bad(v, e->seq, "entry %" PRIu64 ": a '" STR_FMT "' entry %s", e->seq, STR_ARG(e->kind),
                          rule == BODY_ALWAYS ? "without a body digest" : "with a body digest");
    uint64_t at = v->body_row ? (uint64_t)sqlite3_column_int64(v->body, 0) : UINT64_MAX;
    if (at < e->seq || (at == e->seq && e->body_digest.n == 0))
        return verify_bad(v, at, "body %" PRIu64 " belongs to no entry", at);
    if (e->body_digest.n == 0)
        return true;
    if (at != e->seq) {
        note_missing(v, e->seq);
        return true;
    }
    struct str salt = db_column_bytes(v->body, 1), bytes = db_column_bytes(v->body, 2);
    int type = sqlite3_column_type(v->body, 2);
    if (sqlite3_column_type(v->body, 1) != SQLITE_BLOB || salt.n != FORMAT_SALT ||
        (type != SQLITE_BLOB && !(type == SQLITE_NULL && rule == BODY_MAYBE)))
        return verify_bad(v, e->seq, "body %" PRIu64 ": salt or bytes have the wrong type or length", e->seq);
    if (type == SQLITE_BLOB) {
        v->report->bodies++;
        format_body_digest(digest, (const unsigned char *)salt.p, bytes);
        if (memcmp(digest, e->body_digest.p, sizeof digest) != 0)
            return verify_bad(v, e->seq, "body %" PRIu64 ": it differs from the digest in its entry", e->seq);
    }
    return body_advance(v);
}

static bool check_place_in_chain(struct verify *v, const struct ledger_row *row)
{
    const struct format_entry *e = &row->entry;
    struct status st = status_init(v->arena);
    if (e->seq != v->seq + 1)
        return verify_bad(v, v->seq + 1, "entry %" PRIu64 " is missing", v->seq + 1);
    bool same = e->commit_seq == v->commit_seq && v->seq > 0;
    if (!same && e->commit_seq != e->seq)
        return verify_bad(v, e->seq,
                          "entry %" PRIu64 ": commit_seq is neither its own nor that of the entry before",
                          e->seq);
    if (v->seq > 0 && (same ? e->time_us != v->time_us : e->time_us <= v->time_us))
        return verify_bad(v, e->seq, "entry %" PRIu64 ": its time does not follow entry %" PRIu64, e->seq,
                          v->seq);
    ledger_row_check(row, v->chain, &st);
    if (!verify_passed(v, &st, e->seq))
        return false;
    v->seq = e->seq;
    v->commit_seq = e->commit_seq;
    v->time_us = e->time_us;
    memcpy(v->chain, row->chain.p, FORMAT_HASH);
    return true;
}

/* Chain values that somebody else remembers: the checkpoint given, and the derived file's. */
static bool check_remembered(struct verify *v)
{
    const struct store_verify_options *o = v->options;
    if (o->has_since && o->since_seq == v->seq && memcmp(o->since_chain, v->chain, FORMAT_HASH) != 0)
        return verify_bad(v, v->seq,
                          "entry %" PRIu64
                          " does not have the chain hash of the checkpoint: the ledger was rewritten "
                          "at or before it",
                          v->seq);
    if (v->has_derived && v->applied == v->seq && memcmp(v->applied_chain, v->chain, FORMAT_HASH) != 0)
        return verify_bad(v, v->seq,
                          "entry %" PRIu64
                          " does not have the chain hash that derived state remembers: one of the two "
                          "was replaced or rewritten",
                          v->seq);
    return true;
}

static bool check_row(struct verify *v, sqlite3_stmt *stmt)
{
    struct ledger_row row;
    struct status st = status_init(v->arena);
    enum body_rule rule;
    ledger_row_read(&row, stmt, &st);
    if (!verify_passed(v, &st, v->seq + 1) || !check_place_in_chain(v, &row) || !check_remembered(v))
        return false;
    const struct format_entry *e = &row.entry;
    if (!rule_of(e, &rule))
        return verify_bad(v, e->seq,
                          "entry %" PRIu64 ": kind '" STR_FMT "' with operation '" STR_FMT
                          "' is not in the format",
                          e->seq, STR_ARG(e->kind), STR_ARG(e->operation));
    if (!check_body(v, e, rule))
        return false;
    if (str_eq_z(e->kind, "write"))
        return check_history(v, e);
    if (e->prev != 0)
        return verify_bad(v, e->seq, "entry %" PRIu64 ": prev on an entry that is no write", e->seq);
    if (str_eq_z(e->kind, "epoch"))
        check_epoch(v, e);
    return str_eq_z(e->kind, "prune") ? check_prune(v, e) : true;
}

static bool slice(struct verify *v, sqlite3_stmt *stmt, bool *more)
{
    int rc = SQLITE_DONE;
    bool ok;
    sqlite3_reset(v->body);
    sqlite3_bind_int64(v->body, 1, (sqlite3_int64)v->seq);
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)v->seq);
    int n = 0;
    ok = body_advance(v);
    for (; ok && n < SLICE_ROWS && (rc = sqlite3_step(stmt)) == SQLITE_ROW; n++) {
        ok = check_row(v, stmt);
        if (v->options->progress && v->seq % PROGRESS_ROWS == 0)
            v->options->progress(v->options->progress_data, v->seq, v->total);
    }
    sqlite3_reset(stmt);
    if (ok && rc != SQLITE_ROW && rc != SQLITE_DONE)
        ok = verify_failed(v, v->ledger, rc, "reading entries", v->seq + 1);
    *more = n == SLICE_ROWS;
    if (ok && !*more && v->body_row)
        return verify_bad(v, (uint64_t)sqlite3_column_int64(v->body, 0), "body %lld belongs to no entry",
                          (long long)sqlite3_column_int64(v->body, 0));
    return ok;
}

/* Rows below 1, which reading upwards from 1 would not meet. */
static bool check_below(struct verify *v)
{
    sqlite3_stmt *stmt = NULL;
    bool ok =
        verify_prepare(v, &stmt, v->ledger,
                       "SELECT seq FROM entry WHERE seq < 1 UNION ALL SELECT seq FROM body WHERE seq < 1");
    int rc = ok ? sqlite3_step(stmt) : SQLITE_OK;
    if (ok && rc == SQLITE_ROW)
        ok = verify_bad(v, (uint64_t)sqlite3_column_int64(stmt, 0), "row %lld belongs to no entry",
                        (long long)sqlite3_column_int64(stmt, 0));
    else if (ok && rc != SQLITE_DONE)
        ok = verify_failed(v, v->ledger, rc, "reading entries", 0);
    sqlite3_finalize(stmt);
    return ok;
}

static bool check_entries(struct verify *v)
{
    sqlite3_stmt *stmt = NULL;
    struct status st = status_init(v->arena);
    bool more = true;
    ledger_read_id(v->report->ledger_id, v->ledger, &st);
    if (!verify_passed(v, &st, 0))
        return false;
    format_genesis(v->chain, v->report->ledger_id);
    bool ok = check_below(v) && check_remembered(v) &&
              verify_prepare(v, &stmt, v->ledger,
                             "SELECT " LEDGER_COLUMNS " FROM entry WHERE seq > ? ORDER BY seq") &&
              verify_prepare(v, &v->body, v->ledger,
                             "SELECT seq, salt, bytes FROM body WHERE seq > ? ORDER BY seq");
    while (ok && more) {
        /* One snapshot for both tables: BEGIN, and the first read of either fixes it. */
        sqlite3_exec(v->ledger, "BEGIN", NULL, NULL, NULL);
        ok = slice(v, stmt, &more);
        sqlite3_reset(v->body);
        sqlite3_reset(v->entry_at);
        sqlite3_exec(v->ledger, "COMMIT", NULL, NULL, NULL);
    }
    sqlite3_finalize(stmt);
    v->report->entries = v->seq;
    memcpy(v->report->chain, v->chain, FORMAT_HASH);
    if (ok && v->n_missing)
        ok = verify_bad(v, v->missing[0].from,
                        "the body of entry %" PRIu64 " is missing and no prune entry covers it",
                        v->missing[0].from);
    if (ok && v->options->has_since && v->options->since_seq > v->seq)
        ok = verify_bad(v, v->seq,
                        "the ledger ends at entry %" PRIu64 ", the checkpoint is of entry %" PRIu64
                        ": its end was cut off",
                        v->seq, v->options->since_seq);
    if (ok && v->has_derived && v->applied > v->seq)
        ok = verify_bad(v, v->seq + 1,
                        "entries %" PRIu64 " to %" PRIu64 " are missing: derived state has applied them",
                        v->seq + 1, v->applied);
    return ok;
}

static bool sum_documents(void *data, struct space_db *db)
{
    *(uint64_t *)data += db->documents;
    return true;
}

static bool open_ledger(struct verify *v)
{
    struct status st = status_init(v->arena);
    int64_t total = 0;
    if (!verify_wal(v, v->place->ledger, false))
        return false;
    ledger_open_read(&v->ledger, v->place->ledger, store_place_vfs(v->place), &st);
    if (!verify_passed(v, &st, 0))
        return false;
    db_number(&total, v->ledger, "SELECT max(seq) FROM entry", &st);
    v->total = (uint64_t)total;
    return verify_passed(v, &st, 0) &&
           verify_prepare(
               v, &v->entry_at, v->ledger,
               "SELECT kind, operation, prev, time, project, database, path FROM entry WHERE seq = ?");
}

enum status_code store_verify_place(const struct store_place *place,
                                    const struct store_verify_options *options, struct arena *arena,
                                    struct store_verify_report *report, struct status *st)
{
    struct verify v = { .options = options, .place = place, .arena = arena, .report = report, .st = st };
    *report = (struct store_verify_report){ 0 };
    if (store_place_exists(place, st))
        return st->code;
    space_map_init(&v.spaces);
    buf_init(&v.key, DERIVED_KEY_MAX);
    buf_init(&v.row, 2 * DERIVED_KEY_MAX);
    bool opened = open_ledger(&v), ok = opened;
    /* A removed guard says that somebody was here; which row they changed says more: look on. */
    const char *schema = opened && !check_schema(&v) && st->code == STATUS_OK ? report->what : NULL;
    report->what = NULL;
    if (opened && st->code == STATUS_OK)
        ok = check_integrity(&v, v.ledger) && verify_derived_open(&v) && check_entries(&v);
    if (ok && v.has_derived)
        ok = check_integrity(&v, v.derived) && verify_derived(&v);
    if (schema && report->first_bad_seq) {
        report->what = arena_printf(arena, "%s; also, %s", report->what, schema);
    } else if (schema) {
        status_clear(st);
        report->what = schema;
        ok = false;
    }
    report->intact = ok && st->code == STATUS_OK;
    space_each(&v.spaces, sum_documents, &report->documents);
    db_close(v.derived);
    db_close(v.ledger);
    space_map_dispose(&v.spaces);
    buf_dispose(&v.key);
    buf_dispose(&v.row);
    free(v.created.slots);
    free(v.missing);
    free(v.superseded);
    free(v.first_versions.slots);
    return st->code;
}

enum status_code store_verify(const struct store_verify_options *options, struct arena *arena,
                              struct store_verify_report *report, struct status *st)
{
    struct store_place place;
    *report = (struct store_verify_report){ 0 };
    if (strcmp(options->data, ":memory:") == 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "a :memory: ledger has no file to verify");
    if (store_place_init(&place, options->data, st))
        return st->code;
    store_verify_place(&place, options, arena, report, st);
    store_place_dispose(&place);
    return st->code;
}
