/* path.h - resource names: "projects/{p}/databases/{d}/documents/{relative path}".
 *
 * A relative path is ids joined by '/', collection first: "c", "c/d", "c/d/c2". Ids cannot hold '/', so
 * the joined form is unambiguous and is what ledger and views use. Parsing borrows from the input.
 * Every refusal is INVALID_ARGUMENT with the text of Google's emulator 1.19.9 where it has one. */
#ifndef CORE_PATH_H
#define CORE_PATH_H

#include "core/status.h"

struct database_name {
    struct str project, database; /* "demo-p", "(default)" */
};

struct resource_name {
    struct database_name db;
    struct str path; /* relative; "" for the documents root */
};

bool database_name_eq(struct database_name a, struct database_name b);

/* "projects/p/databases/d" exactly. `what` names the thing in messages ("Database name"). */
enum status_code path_parse_database(struct database_name *out, struct str name, struct status *st);
/* ".../documents[/...]" with any number of segments; ids are validated (path_check_id). */
enum status_code path_parse_resource(struct resource_name *out, struct str name, struct status *st);
/* The same, and it must be a document (even number of segments, at least 2). */
enum status_code path_parse_document(struct resource_name *out, struct str name, struct status *st);
/* A parent: the documents root or a document. */
enum status_code path_parse_parent(struct resource_name *out, struct str name, struct status *st);
/* A document named by a reference value. NUL is allowed in its ids: server SDKs put "collection\0" into a
 * name filter to end the range of a subtree. The other parsers refuse NUL (1.19.9 accepts it everywhere). */
enum status_code path_parse_reference(struct resource_name *out, struct str name, struct status *st);

/* One id: not empty, UTF-8 without NUL, no '/', not "." or "..", at most LIMIT_ID_BYTES, not "__x__"
 * except a document's `__id<int64>__`. `collection` chooses rule and wording. */
enum status_code path_check_id(struct str id, bool collection, struct status *st);

/* The number in `__id<number>__`: an int64 other than 0 in canonical decimal, as 1.19.9 takes it. */
bool path_id_number(struct str id, int64_t *number);

size_t path_segments(struct str path);              /* 0 for "" */
struct str path_last(struct str path);              /* last id */
struct str path_parent(struct str path);            /* without the last id; "" when one is left */
/* Takes the first id off *rest. False when *rest is empty. */
bool path_next(struct str *rest, struct str *id);

/* "projects/p/databases/d/documents/c/d" in arena. */
struct str path_full(struct arena *arena, struct database_name db, struct str path);
struct str path_join(struct arena *arena, struct str parent, struct str id);

/* Matches a relative document path against a collection pattern as --append-only takes it: ids, '*' for
 * one id, '**' for any number of ids (none included); a pattern with an odd number of ids names a
 * collection and matches every document directly in it, an even number names documents. With '**' the
 * number says nothing, so it matches as either: a pattern that protects too much is noticed at once. */
bool path_pattern_valid(struct str pattern);
bool path_pattern_matches(struct str pattern, struct str document_path);

/* 20 characters of [A-Za-z0-9], as every official client makes them. */
struct str path_auto_id(struct arena *arena);

#endif
