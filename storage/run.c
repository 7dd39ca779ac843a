/* run.c - see run.h. A row in the file is its `struct record`, key, path and document: the file never
 * outlives the process, so it is in the machine's own byte order. */
#include "storage/run.h"

#include "core/limits.h"

#include <assert.h>
#include <stdlib.h>

enum { WRITE_AT_ONCE = 64 * 1024, READ_AT_ONCE = 16 * 1024 };

struct record {
    uint32_t key, path, fields; /* bytes */
    bool has_fields;
    struct timestamp create_time, update_time;
};

/* ---- writing ---- */

void run_begin(struct run_writer *w, struct spill *spill)
{
    *w = (struct run_writer){ .spill = spill, .from = spill_size(spill) };
    buf_init(&w->rows, SIZE_MAX / 2); /* a row more than WRITE_AT_ONCE: the sorter bounds rows */
}

static enum status_code flush(struct run_writer *w, struct status *st)
{
    spill_write(w->spill, w->rows.data, w->rows.len, st);
    buf_clear(&w->rows);
    return st->code;
}

enum status_code run_put(struct run_writer *w, const struct sort_row *row, struct status *st)
{
    struct record record;
    memset(&record, 0, sizeof record); /* the padding too: it is written */
    record.key = (uint32_t)row->key.n;
    record.path = (uint32_t)row->path.n;
    record.fields = (uint32_t)row->fields.n;
    record.has_fields = row->has_fields;
    record.create_time = row->create_time;
    record.update_time = row->update_time;
    buf_put(&w->rows, &record, sizeof record);
    buf_str(&w->rows, row->key);
    buf_str(&w->rows, row->path);
    buf_str(&w->rows, row->fields);
    return w->rows.len < WRITE_AT_ONCE ? STATUS_OK : flush(w, st);
}

enum status_code run_end(struct run *out, struct run_writer *w, struct status *st)
{
    if (flush(w, st))
        return st->code;
    *out = (struct run){ .from = w->from, .to = spill_size(w->spill) };
    return STATUS_OK;
}

void run_writer_dispose(struct run_writer *w)
{
    buf_dispose(&w->rows);
}

/* ---- reading ---- */

struct reader {
    uint64_t at, to; /* of the file: not yet in `data` */
    unsigned char *data;
    size_t cap, len, used;
    struct sort_row row; /* the present one; its bytes are in `data` */
};

struct run_merge {
    const struct spill *spill;
    bool begun;
    size_t n; /* of readers that have a row */
    size_t n_all;
    struct reader **heap; /* least row first */
    struct reader readers[];
};

/* Makes the next n bytes lie in data, from `used` on. What the row before pointed to is gone. */
static enum status_code need(struct reader *r, const struct spill *spill, size_t n, struct status *st)
{
    size_t have = r->len - r->used;
    if (have >= n)
        return STATUS_OK;
    if (have)
        memmove(r->data, r->data + r->used, have);
    r->len = have;
    r->used = 0;
    if (n > r->cap) {
        size_t cap = n > READ_AT_ONCE ? n : READ_AT_ONCE;
        unsigned char *data = realloc(r->data, cap);
        if (!data)
            return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
        r->data = data;
        r->cap = cap;
    }
    size_t more = r->cap - have;
    if (r->to - r->at < more)
        more = (size_t)(r->to - r->at);
    assert(have + more >= n); /* runs hold whole rows */
    if (spill_read(spill, r->at, r->data + have, more, st))
        return st->code;
    r->at += more;
    r->len += more;
    return STATUS_OK;
}

static struct str take(struct reader *r, size_t n)
{
    struct str s = str_from(r->data + r->used, n);
    r->used += n;
    return s;
}

/* *found false at the end of the run. */
static enum status_code read_row(bool *found, struct reader *r, const struct spill *spill, struct status *st)
{
    struct record record;
    *found = r->used < r->len || r->at < r->to;
    if (!*found)
        return STATUS_OK;
    if (need(r, spill, sizeof record, st))
        return st->code;
    memcpy(&record, r->data + r->used, sizeof record);
    if (need(r, spill, sizeof record + record.key + record.path + record.fields, st))
        return st->code;
    r->used += sizeof record;
    r->row = (struct sort_row){ .has_fields = record.has_fields,
                                .create_time = record.create_time,
                                .update_time = record.update_time };
    r->row.key = take(r, record.key);
    r->row.path = take(r, record.path);
    r->row.fields = take(r, record.fields);
    return STATUS_OK;
}

/* ---- merging ---- */

static void sift_down(struct run_merge *m, size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < m->n; child++)
            if (str_cmp(m->heap[child]->row.key, m->heap[least]->row.key) < 0)
                least = child;
        if (least == at)
            return;
        struct reader *r = m->heap[at];
        m->heap[at] = m->heap[least];
        m->heap[least] = r;
        at = least;
    }
}

enum status_code run_merge_open(struct run_merge **out, const struct spill *spill, const struct run *runs,
                                size_t n, struct status *st)
{
    *out = NULL;
    struct run_merge *m = calloc(1, sizeof *m + n * sizeof m->readers[0]);
    if (m)
        m->heap = calloc(n, sizeof(struct reader *));
    if (!m || !m->heap) {
        free(m);
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    m->spill = spill;
    m->n_all = n;
    for (size_t i = 0; i < n; i++) {
        struct reader *r = &m->readers[i];
        bool found;
        r->at = runs[i].from;
        r->to = runs[i].to;
        if (read_row(&found, r, spill, st)) {
            run_merge_close(m);
            return st->code;
        }
        if (found)
            m->heap[m->n++] = r;
    }
    for (size_t i = m->n / 2; i-- > 0;)
        sift_down(m, i);
    *out = m;
    return STATUS_OK;
}

enum status_code run_merge_next(struct run_merge *m, const struct sort_row **row, struct status *st)
{
    *row = NULL;
    if (m->begun && m->n > 0) {
        bool found;
        if (read_row(&found, m->heap[0], m->spill, st))
            return st->code;
        if (!found)
            m->heap[0] = m->heap[--m->n];
        sift_down(m, 0);
    }
    m->begun = true;
    if (m->n > 0)
        *row = &m->heap[0]->row;
    return STATUS_OK;
}

void run_merge_close(struct run_merge *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n_all; i++)
        free(m->readers[i].data);
    free(m->heap);
    free(m);
}
