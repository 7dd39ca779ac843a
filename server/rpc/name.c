/* name.c - see name.h. */
#include "server/rpc/name.h"

#include <assert.h>
#include <string.h>

struct str *rpc_string_field(void *message, const struct schema_message *schema, struct str name)
{
    for (;;) {
        const char *dot = memchr(name.p, '.', name.n);
        struct str part = { name.p, dot ? (size_t)(dot - name.p) : name.n };
        const struct schema_field *field = schema_by_name(schema, part);
        assert(field && !field->repeated);
        void *at = schema_at(message, field->offset);
        if (!dot) {
            assert(field->type == SCHEMA_STRING);
            return at;
        }
        assert(field->type == SCHEMA_MESSAGE);
        message = field->pointer ? *(void **)at : at;
        if (!message)
            return NULL;
        schema = field->message;
        name = str_skip(name, part.n + 1);
    }
}

struct str rpc_resource_name(const struct call *call)
{
    const char *template = call->rpc->http_template;
    struct str field = STR("database");
    if (template) {
        const char *open = strchr(template, '{') + 1;
        field = str_from(open, strcspn(open, "=}"));
    }
    const struct str *name = rpc_string_field(call->request, call->rpc->request, field);
    return name ? *name : STR("");
}
