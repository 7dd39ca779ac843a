/* sort.c - see sort.h.
 *
 * Runs are merged like the digits of a counter: FAN_IN runs of one level become one of the next, so that a
 * row is copied once a level, and fewer than FAN_IN runs of each level are ever there to be read at the end.
 */
#include "storage/sort.h"

#include "core/limits.h"
#include "storage/run.h"

#include <assert.h>
#include <stdlib.h>

enum {
    BLOCK_OVERHEAD = 32, /* of a malloc and its pointer */
    FAN_IN = 64,
    MERGE_AT_ONCE = 512, /* rows of a piece of work */
};

struct sorter {
    uint64_t limit;
    const char *beside;
    size_t used, max; /* bytes of rows in memory */

    struct sort_row *
        *rows; /* in memory: a heap, worst row first, when there is a limit; in order once finished */
    size_t n, cap, at;
    bool finished;

    struct spill *spill;
    struct run *runs; /* of falling level */
    size_t n_runs, cap_runs;
    struct run_merge *merge;  /* of the last FAN_IN runs; once finished: of all */
    struct run_writer longer; /* what becomes of those */
    uint64_t written;         /* rows of it */
};

struct sorter *sorter_new(uint64_t limit, size_t memory, const char *beside)
{
    struct sorter *s = calloc(1, sizeof *s);
    if (s)
        *s = (struct sorter){ .limit = limit, .max = memory, .beside = beside };
    return s;
}

void sorter_free(struct sorter *s)
{
    if (!s)
        return;
    for (size_t i = s->at ? s->at - 1 : 0; i < s->n; i++) /* the one given out last is still there */
        free(s->rows[i]);
    free(s->rows);
    run_merge_close(s->merge);
    run_writer_dispose(&s->longer);
    spill_close(s->spill);
    free(s->runs);
    free(s);
}

/* ---- rows in memory ---- */

static size_t row_size(const struct sort_row *row)
{
    return sizeof *row + row->key.n + row->path.n + row->fields.n + BLOCK_OVERHEAD;
}

static void forget(struct sorter *s, struct sort_row *row)
{
    s->used -= row_size(row);
    free(row);
}

static struct str put(char **at, struct str s)
{
    struct str copy = { *at, s.n };
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

static struct sort_row *remember(struct sorter *s, const struct sort_row *row)
{
    struct sort_row *copy = malloc(sizeof *copy + row->key.n + row->path.n + row->fields.n);
    if (!copy)
        return NULL;
    char *at = (char *)(copy + 1);
    *copy = *row;
    copy->key = put(&at, row->key);
    copy->path = put(&at, row->path);
    copy->fields = put(&at, row->fields);
    s->used += row_size(copy);
    return copy;
}

static void swap(struct sorter *s, size_t a, size_t b)
{
    struct sort_row *row = s->rows[a];
    s->rows[a] = s->rows[b];
    s->rows[b] = row;
}

static bool is_worse(const struct sorter *s, size_t a, size_t b)
{
    return str_cmp(s->rows[a]->key, s->rows[b]->key) > 0;
}

static void sift_up(struct sorter *s, size_t at)
{
    for (; at > 0 && is_worse(s, at, (at - 1) / 2); at = (at - 1) / 2)
        swap(s, at, (at - 1) / 2);
}

static void sift_down(struct sorter *s)
{
    for (size_t at = 0;;) {
        size_t worst = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < s->n; child++)
            if (is_worse(s, child, worst))
                worst = child;
        if (worst == at)
            return;
        swap(s, at, worst);
        at = worst;
    }
}

static bool grow(struct sorter *s)
{
    if (s->n < s->cap)
        return true;
    size_t cap = s->cap ? s->cap * 2 : 64;
    struct sort_row **rows = realloc(s->rows, cap * sizeof *rows);
    if (!rows)
        return false;
    s->rows = rows;
    s->cap = cap;
    return true;
}

static int compare_rows(const void *a, const void *b)
{
    const struct sort_row *const *x = a, *const *y = b;
    return str_cmp((*x)->key, (*y)->key);
}

static void sort_rows(struct sorter *s)
{
    if (s->n > 0)
        qsort(s->rows, s->n, sizeof(*s->rows), compare_rows);
}

/* ---- runs ---- */

static enum status_code add_run(struct sorter *s, const struct run *run, struct status *st)
{
    if (s->n_runs == s->cap_runs) {
        size_t cap = s->cap_runs ? s->cap_runs * 2 : FAN_IN;
        struct run *runs = realloc(s->runs, cap * sizeof *runs);
        if (!runs)
            return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
        s->runs = runs;
        s->cap_runs = cap;
    }
    s->runs[s->n_runs++] = *run;
    return STATUS_OK;
}

/* When the last FAN_IN runs are of one level, begins to merge them. */
static enum status_code begin_merge(struct sorter *s, struct status *st)
{
    if (s->n_runs < FAN_IN || s->runs[s->n_runs - FAN_IN].level != s->runs[s->n_runs - 1].level)
        return STATUS_OK;
    if (run_merge_open(&s->merge, s->spill, &s->runs[s->n_runs - FAN_IN], FAN_IN, st))
        return st->code;
    run_begin(&s->longer, s->spill);
    s->written = 0;
    return STATUS_OK;
}

static enum status_code end_merge(struct sorter *s, struct status *st)
{
    struct run longer;
    run_merge_close(s->merge);
    s->merge = NULL;
    run_end(&longer, &s->longer, st);
    run_writer_dispose(&s->longer);
    if (st->code)
        return st->code;
    longer.level = s->runs[s->n_runs - 1].level + 1;
    for (int i = 0; i < FAN_IN; i++) {
        s->n_runs--;
        spill_forget(s->spill, s->runs[s->n_runs].from, s->runs[s->n_runs].to);
    }
    return add_run(s, &longer, st) || begin_merge(s, st) ? st->code : STATUS_OK;
}

bool sorter_busy(const struct sorter *s)
{
    return s->merge && !s->finished;
}

enum status_code sorter_work(struct sorter *s, struct status *st)
{
    assert(sorter_busy(s));
    for (int i = 0; i < MERGE_AT_ONCE; i++) {
        const struct sort_row *row;
        if (run_merge_next(s->merge, &row, st))
            return st->code;
        if (!row || s->written == s->limit)
            return end_merge(s, st);
        if (run_put(&s->longer, row, st))
            return st->code;
        s->written++;
    }
    return STATUS_OK;
}

/* Everything in memory becomes a run. */
static enum status_code spill_rows(struct sorter *s, struct status *st)
{
    struct run_writer writer;
    struct run run;
    sort_rows(s);
    run_begin(&writer, s->spill);
    for (size_t i = 0; i < s->n; i++) {
        if (!st->code)
            run_put(&writer, s->rows[i], st);
        forget(s, s->rows[i]);
    }
    s->n = 0;
    if (!st->code)
        run_end(&run, &writer, st);
    run_writer_dispose(&writer);
    if (st->code || add_run(s, &run, st))
        return st->code;
    return begin_merge(s, st);
}

/* Memory is full. */
static enum status_code make_room(struct sorter *s, struct status *st)
{
    if (!s->spill && s->max < LIMIT_SORT_BYTES && spill_open(&s->spill, s->beside, st)) {
        /* A small container has no place to write to: then memory must do, for a while. */
        status_clear(st);
        s->max = LIMIT_SORT_BYTES;
        return STATUS_OK;
    }
    if (s->spill)
        return spill_rows(s, st);
    return status_set(
        st, STATUS_RESOURCE_EXHAUSTED,
        "sorting this query's result takes more than %d MiB, and there is no place for a temporary "
        "file: let TMPDIR name a directory that can be written to, or give the query a limit",
        LIMIT_SORT_BYTES >> 20);
}

/* ---- adding ---- */

static enum status_code add(struct sorter *s, const struct sort_row *row, struct status *st)
{
    struct sort_row *copy = grow(s) ? remember(s, row) : NULL;
    if (!copy)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    if (s->n >= s->limit) {
        forget(s, s->rows[0]);
        s->rows[0] = copy;
        sift_down(s);
        return STATUS_OK;
    }
    s->rows[s->n++] = copy;
    if (s->limit != UINT64_MAX)
        sift_up(s, s->n - 1);
    return STATUS_OK;
}

enum status_code sorter_add(struct sorter *s, const struct sort_row *row, struct status *st)
{
    assert(!s->finished && !sorter_busy(s));
    if (s->limit == 0 || (s->n >= s->limit && str_cmp(row->key, s->rows[0]->key) >= 0))
        return STATUS_OK;
    if (add(s, row, st))
        return st->code;
    return s->used > s->max ? make_room(s, st) : STATUS_OK;
}

/* ---- giving out ---- */

enum status_code sorter_finish(struct sorter *s, struct status *st)
{
    assert(!s->finished && !sorter_busy(s));
    /* What is in memory goes out too: whoever reads the result slowly shall not hold it. */
    if (s->spill && s->n > 0 && spill_rows(s, st))
        return st->code;
    run_merge_close(s->merge);
    s->merge = NULL;
    s->finished = true;
    if (s->spill)
        return run_merge_open(&s->merge, s->spill, s->runs, s->n_runs, st);
    sort_rows(s);
    return STATUS_OK;
}

enum status_code sorter_next(struct sorter *s, const struct sort_row **row, struct status *st)
{
    assert(s->finished);
    *row = NULL;
    if (s->limit == 0)
        return STATUS_OK;
    if (s->merge) {
        s->limit--;
        return run_merge_next(s->merge, row, st);
    }
    if (s->at > 0 && s->rows[s->at - 1]) {
        forget(s, s->rows[s->at - 1]);
        s->rows[s->at - 1] = NULL;
    }
    if (s->at < s->n)
        *row = s->rows[s->at++];
    return STATUS_OK;
}
