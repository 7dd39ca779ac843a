/* request.c - the objects `request` and `resource`. Built at the first use in a decision; document fields are
 * wrapped as they are. Which keys there are: observed on Google's emulator 1.19.9. */
#include "rules-engine/eval.h"

static struct rvalue text(const char *z)
{
    return rv_string(str_of(z));
}

static struct rvalue document(struct eval *e, struct str path, const struct value_map *fields)
{
    struct rdocument *made = arena_alloc(e->arena, sizeof *made);
    *made = (struct rdocument){ e->request->db, path, *fields };
    return rv_document(made);
}

struct rvalue eval_document(struct eval *e, struct str path, const struct value_map *fields)
{
    return document(e, path, fields);
}

struct rvalue eval_resource(struct eval *e)
{
    if (e->resource_made)
        return e->resource_value;
    e->resource_made = true;
    e->resource_value = rv_null();
    if (e->resource) {
        if (e->request->method == RULES_LIST &&
            !e->resource->exists) /* a query for one name, and nothing there */
            e->resource_value = eval_error(e, "Variable read error. Variable: [resource].");
        else if (e->resource->exists)
            e->resource_value = document(e, e->path, &e->resource->fields);
    } else if (e->request->method == RULES_LIST) {
        e->resource_value = e->list_resource;
    }
    return e->resource_value;
}

static struct rvalue auth(struct eval *e)
{
    static const struct value_map no_claims = { 0 };
    const struct rules_auth *a = &e->request->auth;
    if (e->auth_made)
        return e->auth_value;
    e->auth_made = true;
    e->auth_value = rv_null();
    if (!a->present)
        return e->auth_value;
    struct rentry *entries = arena_alloc(e->arena, 2 * sizeof *entries);
    entries[0] = (struct rentry){ STR("token"), rv_fields(a->token ? a->token : &no_claims) };
    entries[1] = (struct rentry){ STR("uid"), a->has_uid ? rv_string(a->uid) : rv_null() };
    e->auth_value = rv_map(entries, 2);
    return e->auth_value;
}

static struct rvalue order_by(struct eval *e, const struct rules_query *q)
{
    struct rentry *entries = ARENA_ARRAY(e->arena, struct rentry, q->n_order_by);
    for (size_t i = 0; i < q->n_order_by; i++)
        entries[i] =
            (struct rentry){ q->order_by[i].field, text(q->order_by[i].descending ? "DESC" : "ASC") };
    return rv_map(entries, rv_sort_entries(entries, q->n_order_by));
}

/* A collection group has an ancestor where another query has a parent. */
static struct rvalue query(struct eval *e)
{
    static const struct rules_query none = { 0 };
    const struct rules_query *q = e->request->query ? e->request->query : &none;
    struct rentry *entries = arena_alloc(e->arena, 9 * sizeof *entries);
    struct rvalue above = q->parent.n ? rv_document_path(e->arena, e->request->db, q->parent) : rv_null();
    entries[0] = (struct rentry){ STR("allDescendants"), rv_bool(q->all_descendants) };
    entries[1] = (struct rentry){ q->all_descendants ? STR("ancestor") : STR("parent"), above };
    entries[2] = (struct rentry){ STR("distinct"), rv_bool(false) };
    entries[3] = (struct rentry){ STR("groupBy"), rv_map(NULL, 0) };
    entries[4] = (struct rentry){ STR("kind"), q->collection_id.n ? rv_string(q->collection_id) : rv_null() };
    entries[5] = (struct rentry){ STR("limit"), q->has_limit ? rv_int(q->limit) : rv_null() };
    entries[6] = (struct rentry){ STR("offset"), rv_int(q->offset) };
    entries[7] = (struct rentry){ STR("orderBy"), order_by(e, q) };
    entries[8] = (struct rentry){ STR("selectOnlyKeys"), rv_bool(false) };
    return rv_map(entries, rv_sort_entries(entries, 9));
}

/* Google's emulator 1.19.9 lists the transforms first and then the mask, without order. */
static struct rvalue names(struct eval *e, const struct rules_touched *t, bool with_mask)
{
    size_t n = 0, n_mask = with_mask ? t->n_mask : 0;
    struct rvalue *items = ARENA_ARRAY(e->arena, struct rvalue, t->n_transforms + n_mask);
    for (size_t i = 0; i < t->n_transforms; i++)
        items[n++] = rv_string(t->transforms[i]);
    for (size_t i = 0; i < n_mask; i++)
        items[n++] = rv_string(t->mask[i]);
    return rv_list(items, n);
}

static struct rvalue write_fields(struct eval *e)
{
    const struct rules_touched *t = e->request->touched;
    return t && (t->masked || t->n_transforms) ? names(e, t, t->masked) : rv_null();
}

static struct rvalue transforms(struct eval *e)
{
    const struct rules_touched *t = e->request->touched;
    return t && t->n_transforms ? names(e, t, false) : rv_null();
}

static struct rvalue after(struct eval *e)
{
    const struct value_map *fields = e->request->new_fields;
    return fields ? document(e, e->path, fields) : rv_null();
}

/* A collection group has no one path: whoever asks gets "the query does not say". */
static struct rvalue request_path(struct eval *e)
{
    const struct rules_request *r = e->request;
    if (r->touched && r->touched->auto_id)
        return rv_document_path(e->arena, r->db, path_parent(e->path));
    if (r->method != RULES_LIST || e->resource) /* a query for one name has that document's path */
        return rv_document_path(e->arena, r->db, e->path);
    return r->query && r->query->all_descendants ? eval_unproved(e)
                                                 : rv_document_path(e->arena, r->db, r->path);
}

bool eval_request_member(struct rvalue *out, struct eval *e, struct str name)
{
    const struct rules_request *r = e->request;
    if (str_eq(name, STR("resource")) && r->new_fields)
        *out = after(e);
    else if (str_eq(name, STR("auth")))
        *out = auth(e);
    else if (str_eq(name, STR("time")))
        *out = rv_time(r->time);
    else if (str_eq(name, STR("path")))
        *out = request_path(e);
    else if (str_eq(name, STR("method")))
        *out = text(rules_method_name(r->method));
    else
        return false;
    return true;
}

/* Entries in the order of their names. */
struct rvalue eval_request(struct eval *e)
{
    const struct rules_request *r = e->request;
    if (e->request_made)
        return e->request_value;
    bool list = r->method == RULES_LIST;
    bool write = r->method == RULES_CREATE || r->method == RULES_UPDATE || r->method == RULES_DELETE;
    struct rentry *entries = arena_alloc(e->arena, 11 * sizeof *entries);
    size_t n = 0;
    entries[n++] = (struct rentry){ STR("auth"), auth(e) };
    if (r->method == RULES_CREATE && r->touched && r->touched->inserted)
        entries[n++] = (struct rentry){ STR("autoId"), rv_bool(r->touched->auto_id) };
    if (!write)
        entries[n++] = (struct rentry){ STR("fields"), rv_null() };
    entries[n++] = (struct rentry){ STR("headers"), rv_map(NULL, 0) };
    entries[n++] = (struct rentry){ STR("inTransaction"), rv_bool(write || r->in_transaction) };
    entries[n++] = (struct rentry){ STR("method"), text(rules_method_name(r->method)) };
    entries[n++] = (struct rentry){ STR("path"), request_path(e) };
    if (list)
        entries[n++] = (struct rentry){ STR("query"), query(e) };
    if (write) {
        entries[n++] = (struct rentry){ STR("readFields"), rv_null() };
        entries[n++] = (struct rentry){ STR("resource"), after(e) };
    }
    entries[n++] = (struct rentry){ STR("time"), rv_time(r->time) };
    if (write) {
        entries[n++] = (struct rentry){ STR("transforms"), transforms(e) };
        entries[n++] = (struct rentry){ STR("writeFields"), write_fields(e) };
    }
    e->request_made = true;
    e->request_value = rv_map(entries, n);
    return e->request_value;
}

const char *rules_method_name(enum rules_method method)
{
    static const char *const names[] = { "get", "list", "create", "update", "delete" };
    return names[method];
}
