/* principal.c - see principal.h. */
#include "server/auth/principal.h"

#include "core/codec.h"
#include "server/auth/claims.h"
#include "server/files.h"

#include <strings.h>

enum { MAX_POLICY_FILE = 64 * 1024, MAX_LABEL = 200 };

static bool equal_nocase(struct str a, const char *z)
{
    return a.n == strlen(z) && strncasecmp(a.p, z, a.n) == 0;
}

static struct str trim(struct str s)
{
    while (s.n && (*s.p == ' ' || *s.p == '\t'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* "user:<uid>", escaped and cut: it goes into the ledger and onto terminals. */
static struct str user_label(struct arena *arena, const struct principal *p)
{
    if (!p->has_uid)
        return STR("user:?");
    struct str uid = p->uid;
    if (uid.n > MAX_LABEL)
        uid.n = MAX_LABEL;
    char *text = arena_printf(arena, "user:" STR_FMT, STR_ARG(uid));
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c == 0x7f)
            *c = '?';
    return str_of(text);
}

static void make_user(struct principal *out, struct arena *arena, struct value_map claims)
{
    *out = (struct principal){ .kind = PRINCIPAL_USER, .token = claims };
    const struct value *sub = value_map_get(&claims, STR("sub"));
    if (sub && sub->kind == VALUE_STRING) {
        out->has_uid = true;
        out->uid = sub->text;
    }
    out->label = user_label(arena, out);
}

static enum status_code from_jwt(struct principal *out, struct arena *arena, struct str token, struct status *st)
{
    const char *dot1 = token.n ? memchr(token.p, '.', token.n) : NULL;
    struct str rest = dot1 ? str_skip(token, (size_t)(dot1 - token.p) + 1) : (struct str){ 0 };
    const char *dot2 = rest.n ? memchr(rest.p, '.', rest.n) : NULL;
    struct str payload, json;
    struct value_map claims;
    struct status ignored = status_init(NULL);
    if (!dot1 || !dot2 || memchr(dot2 + 1, '.', (size_t)(rest.p + rest.n - dot2 - 1)))
        return status_set(st, STATUS_INVALID_ARGUMENT, "invalid jwt");
    payload = str_from(rest.p, (size_t)(dot2 - rest.p));
    if (!base64_decode(&json, arena, payload) || claims_parse(&claims, arena, json, &ignored))
        return status_set(st, STATUS_INVALID_ARGUMENT, "invalid jwt");
    make_user(out, arena, claims);
    return STATUS_OK;
}

static void from_owner(struct principal *out, const struct owner_policy *policy)
{
    if (policy && policy->as_user) {
        *out = policy->user;
        out->was_owner = true;
        return;
    }
    *out = (struct principal){ .kind = PRINCIPAL_OWNER,
                               .label = STR("owner"),
                               .iam = policy ? policy->iam : IAM_ALL };
}

enum status_code principal_from_header(struct principal *out, struct arena *arena, struct str authorization,
                                       const struct owner_policy *policy, struct status *st)
{
    struct str value = trim(authorization);
    *out = (struct principal){ .kind = PRINCIPAL_ANONYMOUS, .label = STR("anonymous") };
    if (value.n == 0)
        return STATUS_OK;
    const char *space = memchr(value.p, ' ', value.n);
    struct str scheme = space ? str_from(value.p, (size_t)(space - value.p)) : value;
    struct str token = space ? trim(str_skip(value, scheme.n)) : (struct str){ 0 };
    if (!equal_nocase(scheme, "bearer"))
        return status_set(st, STATUS_UNAUTHENTICATED,
                          "authorization: only the Bearer scheme is understood (Bearer owner, or a Bearer JWT)");
    if (token.n == 0)
        return status_set(st, STATUS_UNAUTHENTICATED, "authorization: the Bearer token is empty");
    if (equal_nocase(token, "owner") || str_starts(token, STR("ya29."))) {
        from_owner(out, policy);
        return STATUS_OK;
    }
    return from_jwt(out, arena, token, st);
}

/* ---- IAM ---- */

static const struct {
    const char *name, *word;
    uint64_t bits;
} permissions[] = {
    { "datastore.entities.create", "create", IAM_ENTITIES_CREATE },
    { "datastore.entities.update", "update", IAM_ENTITIES_UPDATE },
    { "datastore.entities.delete", "delete", IAM_ENTITIES_DELETE },
    { "datastore.entities.get", "get", IAM_ENTITIES_GET },
    { "datastore.entities.list", "list", IAM_ENTITIES_LIST },
    { "datastore.databases.get", "databases.get", IAM_DATABASES_GET },
    /* Predefined roles, as far as this table reaches (public IAM docs). */
    { "roles/datastore.user", NULL, IAM_ALL },
    { "roles/datastore.owner", NULL, IAM_ALL },
    { "roles/owner", NULL, IAM_ALL },
    { "roles/editor", NULL, IAM_ALL },
    { "roles/datastore.viewer", NULL, IAM_ENTITIES_GET | IAM_ENTITIES_LIST | IAM_DATABASES_GET },
    { "roles/viewer", NULL, IAM_ENTITIES_GET | IAM_ENTITIES_LIST | IAM_DATABASES_GET },
};
enum { PERMISSION_COUNT = sizeof permissions / sizeof permissions[0] };

const char *iam_permission_name(enum iam_permission permission)
{
    for (size_t i = 0; i < PERMISSION_COUNT; i++)
        if (permissions[i].bits == (uint64_t)permission)
            return permissions[i].name;
    return "datastore.unknown";
}

/* Other permissions of the two services are real and without effect here: a role copied from production
 * lists them. */
static bool is_known_without_effect(struct str name)
{
    return str_starts(name, STR("datastore.")) || str_starts(name, STR("appengine.")) ||
           str_starts(name, STR("resourcemanager.")) || str_starts(name, STR("firebaserules.")) ||
           str_starts(name, STR("monitoring.")) || str_starts(name, STR("serviceusage."));
}

static enum status_code add_permission(uint64_t *bits, struct str name, bool from_file, struct status *st)
{
    for (size_t i = 0; i < PERMISSION_COUNT; i++) {
        if (str_eq_z(name, permissions[i].name) || (permissions[i].word && str_eq_z(name, permissions[i].word))) {
            *bits |= permissions[i].bits;
            return STATUS_OK;
        }
    }
    if (from_file && is_known_without_effect(name))
        return STATUS_OK;
    return status_set(st, STATUS_INVALID_ARGUMENT,
                      "--owner-iam: unknown permission '" STR_FMT "'; use create, update, delete, get, list, "
                      "databases.get, their full names (datastore.entities.create), a role "
                      "(roles/datastore.user, roles/datastore.viewer) or a file",
                      STR_ARG(name));
}

static bool is_separator(char c) { return c == ',' || c == '\n' || c == '\r' || c == ' ' || c == '\t'; }

static enum status_code add_words(uint64_t *bits, struct str text, bool from_file, struct status *st)
{
    while (text.n) {
        if (from_file && *text.p == '#') {
            const char *eol = memchr(text.p, '\n', text.n);
            text = eol ? str_skip(text, (size_t)(eol - text.p)) : (struct str){ 0 };
            continue;
        }
        if (is_separator(*text.p)) {
            text = str_skip(text, 1);
            continue;
        }
        size_t n = 0;
        while (n < text.n && !is_separator(text.p[n]))
            n++;
        if (add_permission(bits, str_from(text.p, n), from_file, st))
            return st->code;
        text = str_skip(text, n);
    }
    return STATUS_OK;
}

enum status_code iam_parse_list(uint64_t *bits, struct str list, struct status *st)
{
    *bits = 0;
    return add_words(bits, list, false, st);
}

enum status_code iam_parse_file(uint64_t *bits, const char *path, struct status *st)
{
    struct arena *arena = arena_new();
    struct str text;
    struct value_map object;
    struct status json = status_init(NULL);
    *bits = 0;
    if (file_read(&text, arena, path, MAX_POLICY_FILE, st))
        goto out;
    if (!(trim(text).n && *trim(text).p == '{')) {
        add_words(bits, text, true, st);
        goto out;
    }
    if (claims_parse(&object, arena, text, &json)) {
        status_set(st, STATUS_INVALID_ARGUMENT, "%s: %s", path, status_message(&json));
        goto out;
    }
    const struct value *list = value_map_get(&object, STR("includedPermissions"));
    if (!list || list->kind != VALUE_ARRAY) {
        status_set(st, STATUS_INVALID_ARGUMENT, "%s: has no list \"includedPermissions\"", path);
        goto out;
    }
    for (size_t i = 0; i < list->array.n; i++) {
        const struct value *v = &list->array.items[i];
        if (v->kind != VALUE_STRING) {
            status_set(st, STATUS_INVALID_ARGUMENT, "%s: includedPermissions[%zu] is not a string", path, i);
            goto out;
        }
        if (add_permission(bits, v->text, true, st))
            goto out;
    }
out:
    arena_free(arena);
    return st->code;
}

enum status_code owner_policy_read(struct owner_policy *out, struct arena *arena, const char *path, struct status *st)
{
    struct str text;
    struct value_map object;
    struct status json = status_init(NULL);
    if (file_read(&text, arena, path, MAX_POLICY_FILE, st))
        return st->code;
    if (claims_parse(&object, arena, text, &json))
        return status_set(st, STATUS_INVALID_ARGUMENT, "--owner-as %s: %s", path, status_message(&json));
    struct value_map token = { 0 };
    const struct value *uid = NULL;
    for (size_t i = 0; i < object.n; i++) {
        const struct field *f = &object.items[i];
        if (str_eq_z(f->name, "uid") && f->value.kind == VALUE_STRING)
            uid = &f->value;
        else if (str_eq_z(f->name, "token") && f->value.kind == VALUE_MAP)
            token = f->value.map;
        else
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "--owner-as %s: \"" STR_FMT "\" is not understood; expected "
                              "{\"uid\": \"...\", \"token\": {...}}",
                              path, STR_ARG(f->name));
    }
    make_user(&out->user, arena, token);
    if (uid) {
        out->user.has_uid = true;
        out->user.uid = uid->text;
        out->user.label = user_label(arena, &out->user);
    }
    out->as_user = true;
    return STATUS_OK;
}
