/* seed_line.h - one line of example data (seed.h) as a document; pure. */
#ifndef SERVER_OPS_SEED_LINE_H
#define SERVER_OPS_SEED_LINE_H

#include "core/path.h"
#include "core/value.h"

struct seed_document {
    struct resource_name name;
    struct value_map fields; /* as decoded: not yet checked */
};

/* A relative path is one of `db`. INVALID_ARGUMENT naming the member. Borrows from line and arena. */
enum status_code seed_line_parse(struct seed_document *out, struct arena *arena, struct str line,
                                 struct database_name db, struct status *st);

#endif
