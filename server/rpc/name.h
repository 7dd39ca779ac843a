/* name.h - the resource name that a request is about: its database, parent, name or document.name. */
#ifndef SERVER_RPC_NAME_H
#define SERVER_RPC_NAME_H

#include "core/schema.h"
#include "server/rpc/rpc.h"

/* The string field of that dotted name, or NULL when something on the way is absent. The schema has such a
 * field. */
struct str *rpc_string_field(void *message, const struct schema_message *schema, struct str name);
/* The field that the row's URL template begins with; "database" for a row without one. Empty when it is not
 * set. */
struct str rpc_resource_name(const struct call *call);

#endif
