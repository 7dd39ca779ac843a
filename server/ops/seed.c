/* seed.c - see seed.h: files and lines, what is there already, and batches of creations. */
#include "server/ops/seed.h"

#include "core/limits.h"
#include "server/ops/seed_line.h"
#include "server/service/document_limits.h"
#include "server/service/stored_form.h"
#include "server/submit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { BATCH_DOCUMENTS = 100, BATCH_BYTES = 1024 * 1024, PROGRESS_LINES = 500 };

struct batch {
    struct database_name db;
    struct arena *arena; /* of everything in it */
    struct store_op ops[BATCH_DOCUMENTS];
    size_t n, bytes;
};

struct loader {
    struct seed *seed;
    struct store_reader *reader;
    struct batch batch;
    const char *path; /* of the file at hand */
    FILE *file;
    uint64_t line, bytes, size;
    struct buf text;
};

/* ---- lines ---- */

/* False at the end of the file. */
static bool next_line(struct loader *l, struct status *st)
{
    int c;
    buf_clear(&l->text);
    while ((c = getc_unlocked(l->file)) != EOF && c != '\n')
        if (!buf_byte(&l->text, (unsigned char)c))
            break;
    l->line++;
    l->bytes += l->text.len + 1;
    if (l->text.overflowed)
        status_set(st, STATUS_INVALID_ARGUMENT, "the line is longer than %d bytes", LIMIT_MESSAGE_BYTES);
    else if (c == EOF && ferror(l->file))
        status_set(st, STATUS_INVALID_ARGUMENT, "%s", strerror(errno));
    return st->code == STATUS_OK && (c != EOF || l->text.len > 0);
}

static bool is_blank(struct str line)
{
    while (line.n && memchr(" \t\r", line.p[0], 3))
        line = str_skip(line, 1);
    return line.n == 0;
}

/* ---- documents ---- */

static enum status_code flush(struct loader *l, struct status *st)
{
    struct batch *b = &l->batch;
    struct store_commit commit = {
        .db = b->db, .ops = b->ops, .n_ops = b->n, .principal = STR("seed"), .status = status_init(b->arena)
    };
    if (b->n && submit_and_wait(l->seed->store, &commit))
        status_copy(st, &commit.status);
    else
        l->seed->created += b->n;
    b->n = b->bytes = 0;
    if (st->code == STATUS_OK)
        arena_reset(b->arena);
    return st->code;
}

/* What the batch or the store has under that name; *exists false when nothing. */
static enum status_code look_up(struct str *fields, bool *exists, struct loader *l, struct resource_name name,
                                struct arena *arena, struct status *st)
{
    struct store_document stored;
    struct timestamp ignored;
    for (size_t i = 0; i < l->batch.n; i++) {
        if (!str_eq(l->batch.ops[i].path, name.path))
            continue;
        *fields = l->batch.ops[i].fields;
        *exists = true;
        return STATUS_OK;
    }
    uint64_t view = store_view_now(l->seed->store, &ignored);
    if (store_get(l->reader, view, name.db, name.path, arena, &stored, st))
        return st->code;
    *fields = stored.fields;
    *exists = stored.exists;
    return STATUS_OK;
}

/* The document as CreateDocument would make it. */
static enum status_code make(struct str *encoded, struct seed_document *d, struct arena *arena,
                             struct status *st)
{
    if (fields_validate(&d->fields, st) || document_limits_check(d->name.path, &d->fields, arena, st))
        return st->code;
    stored_form_round(&d->fields, true);
    return stored_form_encode(encoded, arena, &d->fields, st);
}

static enum status_code load_line(struct loader *l, struct status *st)
{
    struct batch *b = &l->batch;
    struct seed_document d;
    struct str encoded, present = { 0 };
    struct str line = arena_str(b->arena, buf_view(&l->text));
    bool exists = false;
    if (seed_line_parse(&d, b->arena, line, l->seed->db, st) || make(&encoded, &d, b->arena, st))
        return st->code;
    if (b->n && !database_name_eq(d.name.db, b->db)) {
        /* A commit is of one database: this line comes again, first in the next one. */
        return flush(l, st) ? st->code : load_line(l, st);
    }
    if (look_up(&present, &exists, l, d.name, b->arena, st))
        return st->code;
    if (exists && !str_eq(present, encoded))
        return status_set(
            st, STATUS_INVALID_ARGUMENT,
            STR_FMT " exists with other content; example data does not overwrite (--fresh starts empty)",
            STR_ARG(d.name.path));
    if (exists) {
        l->seed->kept++;
        return STATUS_OK;
    }
    b->db = d.name.db;
    b->ops[b->n++] = (struct store_op){
        .kind = STORE_PUT,
        .operation = STORE_OPERATION_CREATE,
        .path = d.name.path,
        .fields = encoded,
        .decision = str_of(arena_printf(b->arena, "seed:%s:%llu", l->path, (unsigned long long)l->line)),
    };
    b->bytes += line.n;
    return b->n == BATCH_DOCUMENTS || b->bytes >= BATCH_BYTES ? flush(l, st) : STATUS_OK;
}

/* ---- files ---- */

static void tell(const struct loader *l)
{
    if (l->seed->progress)
        l->seed->progress(l->seed->progress_data, "loading example data", l->bytes, l->size);
}

static enum status_code at_line(const struct loader *l, struct arena *arena, struct status *st)
{
    const char *why = arena_printf(arena, "%s", status_message(st));
    char shown[STATUS_SHOWN];
    return status_set(st, st->code, "--seed %s:%llu: %s", status_show(shown, str_of(l->path)),
                      (unsigned long long)l->line, why);
}

static enum status_code load_file(struct loader *l, const char *path, struct status *st)
{
    struct stat info;
    l->path = str_is_utf8(str_of(path)) ? path : "?";
    l->line = l->bytes = l->size = 0;
    tell(l); /* before it is opened: a pipe may make us wait there */
    l->file = fopen(path, "re");
    if (!l->file)
        return status_set(st, STATUS_INVALID_ARGUMENT, "--seed %s: %s", path, strerror(errno));
    l->size = fstat(fileno(l->file), &info) == 0 && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    while (next_line(l, st)) {
        if (l->line % PROGRESS_LINES == 0)
            tell(l);
        if (!is_blank(buf_view(&l->text)) && load_line(l, st))
            break;
    }
    if (st->code == STATUS_OK)
        flush(l, st);
    if (st->code)
        at_line(l, l->batch.arena, st);
    fclose(l->file);
    return st->code;
}

static int is_seed_file(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && dot != entry->d_name && (strcmp(dot, ".ndjson") == 0 || strcmp(dot, ".jsonl") == 0);
}

static enum status_code load_directory(struct loader *l, const char *path, struct status *st)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_seed_file, alphasort);
    if (n <= 0) {
        free(n == 0 ? entries : NULL);
        return status_set(st, STATUS_INVALID_ARGUMENT, "--seed %s: %s", path,
                          n < 0 ? strerror(errno) : "there is no *.ndjson and no *.jsonl in it");
    }
    struct arena *names = arena_new();
    for (int i = 0; i < n; i++) {
        if (st->code == STATUS_OK)
            load_file(l, arena_printf(names, "%s/%s", path, entries[i]->d_name), st);
        free(entries[i]);
    }
    arena_free(names);
    free(entries);
    return st->code;
}

enum status_code seed_load(struct seed *seed, const char *path, struct status *st)
{
    struct loader l = { .seed = seed };
    struct stat info;
    if (store_reader_open(&l.reader, seed->store, st))
        return st->code;
    l.batch.arena = arena_new();
    buf_init(&l.text, LIMIT_MESSAGE_BYTES);
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        load_directory(&l, path, st);
    else
        load_file(&l, path, st);
    buf_dispose(&l.text);
    arena_free(l.batch.arena);
    store_reader_close(l.reader);
    return st->code;
}
