/* kit.h - a store for tests: on a heap disk or in a temporary directory, and commits that wait for done(). */
#ifndef TESTS_STORAGE_KIT_H
#define TESTS_STORAGE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "storage/internal.h"

#define DEMO ((struct database_name){ STR_INIT("demo-p"), STR_INIT("(default)") })

struct kit {
    struct arena *arena;
    struct store *store;
    struct store_reader *reader;
    struct vfs *vfs;    /* of a heap disk that the kit owns */
    char directory[64]; /* of a store on disk, removed at the end */
    struct store_options options;
};

/* Options of the next opening may be set in kit->options between init and open. */
void kit_init(struct kit *kit, bool on_disk);
enum status_code kit_open(struct kit *kit, struct status *st);
void kit_must_open(struct kit *kit);
void kit_close(struct kit *kit); /* the store; the disk stays */
void kit_dispose(struct kit *kit);
/* Takes another heap disk (a clone) in place of the present one, which is freed. The store must be closed. */
void kit_use_disk(struct kit *kit, struct vfs *vfs);

/* Submits and waits. */
void kit_submit(struct kit *kit, struct store_commit *commit);
/* One-operation commits; returns the commit's status code. */
enum status_code kit_put(struct kit *kit, const char *path, const char *body);
enum status_code kit_delete(struct kit *kit, const char *path);
enum status_code kit_op(struct kit *kit, struct database_name db, enum store_op_kind kind, const char *path,
                        const char *body, struct store_commit *out);
uint64_t kit_view(struct kit *kit);
struct store_document kit_get_at(struct kit *kit, uint64_t view, const char *path);
struct store_document kit_get(struct kit *kit, const char *path);
void kit_expect(struct kit *kit, const char *path, const char *body); /* NULL: does not exist */
/* Number of documents, their paths joined by ' '. */
const char *kit_scan_at(struct kit *kit, uint64_t view, const struct store_scan_range *range);

/* The same disk with one file taken from another one. */
void kit_take_file(struct kit *kit, struct vfs *from, const char *name);
/* Runs SQL on the heap disk's file behind everybody's back, with the ledger's triggers away for the moment.
 */
void kit_tamper(struct kit *kit, const char *file, const char *sql);
/* Verifies the heap disk; *report says what was found. */
bool kit_intact(struct kit *kit, struct store_verify_report *report);
/* Everything the log gives, as text with bodies in hex; NULL when it cannot be read. malloc'ed. */
char *kit_dump(struct vfs *vfs);

#endif
