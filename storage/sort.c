/* sort.c - see sort.h. */
#include "storage/sort.h"

#include <assert.h>
#include <stdlib.h>

struct sorter {
    struct sort_row **rows; /* a heap, worst row first, until finished; then in order */
    size_t n, cap;
    uint64_t limit;
    size_t used, bodies, max, max_bodies; /* bytes */
};

enum { BLOCK_OVERHEAD = 32 }; /* of a malloc and its pointer */

struct sorter *sorter_new(uint64_t limit, size_t bytes, size_t body_bytes)
{
    struct sorter *s = calloc(1, sizeof *s);
    if (s)
        *s = (struct sorter){ .limit = limit, .max = bytes, .max_bodies = body_bytes };
    return s;
}

void sorter_free(struct sorter *sorter)
{
    if (!sorter)
        return;
    for (size_t i = 0; i < sorter->n; i++)
        free(sorter->rows[i]);
    free(sorter->rows);
    free(sorter);
}

static size_t row_size(const struct sort_row *row)
{
    return sizeof *row + row->key.n + row->path.n + row->fields.n + BLOCK_OVERHEAD;
}

static void forget(struct sorter *s, struct sort_row *row)
{
    s->used -= row_size(row);
    s->bodies -= row->fields.n;
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
    struct sort_row keep = *row;
    keep.has_fields = row->has_fields && s->bodies + row->fields.n <= s->max_bodies;
    if (!keep.has_fields)
        keep.fields.n = 0;
    struct sort_row *copy = malloc(sizeof *copy + keep.key.n + keep.path.n + keep.fields.n);
    if (!copy)
        return NULL;
    char *at = (char *)(copy + 1);
    *copy = keep;
    copy->key = put(&at, keep.key);
    copy->path = put(&at, keep.path);
    copy->fields = put(&at, keep.fields);
    s->used += row_size(copy);
    s->bodies += copy->fields.n;
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

static enum status_code refuse(const struct sorter *s, struct status *st)
{
    return status_set(
        st, STATUS_RESOURCE_EXHAUSTED,
        "sorting this query's result takes more than %zu bytes: give it a limit, or narrow it with a "
        "filter",
        s->max);
}

enum status_code sorter_add(struct sorter *sorter, const struct sort_row *row, struct status *st)
{
    bool full = sorter->n >= sorter->limit;
    if (full && (sorter->limit == 0 || str_cmp(row->key, sorter->rows[0]->key) >= 0))
        return STATUS_OK;
    struct sort_row *copy = grow(sorter) ? remember(sorter, row) : NULL;
    if (!copy)
        return refuse(sorter, st);
    if (full) {
        forget(sorter, sorter->rows[0]);
        sorter->rows[0] = copy;
        sift_down(sorter);
    } else {
        sorter->rows[sorter->n] = copy;
        sift_up(sorter, sorter->n++);
    }
    return sorter->used > sorter->max ? refuse(sorter, st) : STATUS_OK;
}

static int compare_rows(const void *a, const void *b)
{
    const struct sort_row *const *x = a, *const *y = b;
    return str_cmp((*x)->key, (*y)->key);
}

size_t sorter_finish(struct sorter *sorter)
{
    if (sorter->n > 0)
        qsort(sorter->rows, sorter->n, sizeof(*sorter->rows), compare_rows);
    return sorter->n;
}

const struct sort_row *sorter_row(const struct sorter *sorter, size_t index)
{
    assert(index < sorter->n && sorter->rows[index]);
    return sorter->rows[index];
}

void sorter_drop(struct sorter *sorter, size_t index)
{
    forget(sorter, sorter->rows[index]);
    sorter->rows[index] = NULL;
}
