/* builtins.c - finds rows in the tables of this folder. A table holds at most two dozen rows, names differ
 * in their length or first bytes: a scan is as fast as any index. */
#include "rules-engine/builtins/tables.h"

#include <assert.h>
#include <stdlib.h>
#include <threads.h>

static bool same(struct str a, struct str b)
{
    return str_eq(a, b);
}

static const struct builtin *find(const struct builtin_table *table, struct str package, struct str name)
{
    for (size_t i = 0; i < table->n; i++)
        if (same(table->rows[i].name, name) && same(table->rows[i].package, package))
            return &table->rows[i];
    return NULL;
}

/* Methods by receiver; a type without a row here has none. */
static const struct builtin_table *methods_of(enum rules_type receiver)
{
    switch (receiver) {
    case RT_STRING:
        return &builtin_strings;
    case RT_BYTES:
        return &builtin_bytes;
    case RT_LIST:
        return &builtin_lists;
    case RT_SET:
        return &builtin_sets;
    case RT_MAP:
        return &builtin_maps;
    case RT_MAP_DIFF:
        return &builtin_map_diffs;
    case RT_PATH:
        return &builtin_paths;
    case RT_TIMESTAMP:
        return &builtin_timestamps;
    case RT_DURATION:
        return &builtin_durations;
    case RT_LATLNG:
        return &builtin_latlngs;
    case RT_CONSTRAINT:
        return &builtin_constraints;
    default:
        return NULL;
    }
}

static const struct {
    struct str name;
    const struct builtin_table *table;
} packages[] = {
    { STR_INIT("math"), &builtin_math },
    { STR_INIT("duration"), &builtin_durations },
    { STR_INIT("timestamp"), &builtin_timestamps },
    { STR_INIT("latlng"), &builtin_latlngs },
    { STR_INIT("hashing"), &builtin_hashing },
};
enum { N_PACKAGES = sizeof packages / sizeof *packages };

const struct builtin *builtin_global(struct str name)
{
    return find(&builtin_globals, STR(""), name);
}

const struct builtin *builtin_package(struct str package, struct str name)
{
    for (size_t i = 0; i < N_PACKAGES; i++)
        if (same(packages[i].name, package))
            return find(packages[i].table, package, name);
    return NULL;
}

bool builtin_is_package(struct str name)
{
    for (size_t i = 0; i < N_PACKAGES; i++)
        if (same(packages[i].name, name))
            return true;
    return false;
}

const struct builtin *builtin_method(enum rules_type receiver, struct str name)
{
    const struct builtin_table *table = methods_of(receiver);
    return table ? find(table, STR(""), name) : NULL;
}

bool builtin_is_service(const struct builtin *row)
{
    return row && row->service;
}

const struct builtin *builtin_next(const struct builtin *row)
{
    const struct builtin *next = row + 1;
    return row->more && same(next->name, row->name) ? next : NULL;
}

enum { MAX_ROWS = 256 };
static const struct builtin *all_rows[MAX_ROWS];
static size_t n_all_rows;

static void list_rows(void)
{
    static const struct builtin_table *const tables[] = {
        &builtin_globals, &builtin_strings,   &builtin_bytes,   &builtin_lists,       &builtin_sets,
        &builtin_maps,    &builtin_map_diffs, &builtin_paths,   &builtin_timestamps,  &builtin_durations,
        &builtin_latlngs, &builtin_math,      &builtin_hashing, &builtin_constraints,
    };
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        assert(n_all_rows + tables[t]->n <= MAX_ROWS);
        for (size_t i = 0; i < tables[t]->n; i++)
            all_rows[n_all_rows++] = &tables[t]->rows[i];
    }
}

const struct builtin *const *builtin_all(size_t *n)
{
    static once_flag once = ONCE_FLAG_INIT;
    call_once(&once, list_rows);
    *n = n_all_rows;
    return all_rows;
}

static struct builtin_methods named[MAX_ROWS];
static size_t n_named;

static int compare_names(const void *a, const void *b)
{
    return str_cmp(((const struct builtin_methods *)a)->name, ((const struct builtin_methods *)b)->name);
}

/* One entry a name, sorted. */
static void list_methods(void)
{
    size_t n, rows_of_names = 0;
    const struct builtin *const *rows = builtin_all(&n);
    for (size_t i = 0; i < n; i++)
        if (rows[i]->receiver != RT_UNDEFINED)
            named[rows_of_names++].name = rows[i]->name;
    qsort(named, rows_of_names, sizeof *named, compare_names);
    for (size_t i = 0; i < rows_of_names; i++)
        if (n_named == 0 || !same(named[n_named - 1].name, named[i].name))
            named[n_named++] = named[i];
    for (size_t i = 0; i < n_named; i++)
        for (int type = RT_UNDEFINED; type < RT_NUMBER; type++)
            named[i].of[type] = builtin_method((enum rules_type)type, named[i].name);
}

const struct builtin_methods *builtin_methods(struct str name)
{
    static once_flag once = ONCE_FLAG_INIT;
    call_once(&once, list_methods);
    struct builtin_methods key = { .name = name };
    return bsearch(&key, named, n_named, sizeof *named, compare_names);
}

/* What stands before the function's own name: the type of its receiver, its package, or nothing. */
static struct str family(const struct builtin *row)
{
    const char *dot = strchr(row->signature, '.');
    return str_from(row->signature, dot ? (size_t)(dot - row->signature) : 0);
}

void rules_print_builtins(struct buf *out)
{
    size_t n, width = 0;
    const struct builtin *const *rows = builtin_all(&n);
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(rows[i]->signature);
        width = length > width ? length : width;
    }
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%-*s  %s\n", i && !same(family(rows[i]), family(rows[i - 1])) ? "\n" : "",
                   (int)width, rows[i]->signature, rows[i]->doc);
}
