/* seed_line.c - see seed_line.h. */
#include "server/ops/seed_line.h"

#include "core/codec.h"
#include "core/messages.h"
#include "server/auth/claims.h"

enum { MEMBER_PATH, MEMBER_DATA, MEMBER_FIELDS, MEMBERS };
static const char *const member_names[MEMBERS] = { "path", "data", "fields" };

struct members {
    bool given[MEMBERS];
    struct str path;
    struct str object[MEMBERS]; /* raw JSON of data and of fields */
};

static enum status_code refuse(struct status *st, const char *why)
{
    return status_set(st, STATUS_INVALID_ARGUMENT, "%s", why);
}

static int member_of(struct str key)
{
    int at = 0;
    while (at < MEMBERS && !str_eq_z(key, member_names[at]))
        at++;
    return at;
}

/* The value of a member; its key was just read. */
static enum status_code read_member(struct members *m, int member, struct json_reader *r, struct status *st)
{
    enum json_token token = json_next(r);
    const char *start = r->at - 1; /* of an object: at its brace */
    if (m->given[member])
        return status_set(st, STATUS_INVALID_ARGUMENT, "%s is given twice", member_names[member]);
    m->given[member] = true;
    if (token != JSON_ERROR && token != (member == MEMBER_PATH ? JSON_STRING : JSON_OBJECT))
        return status_set(st, STATUS_INVALID_ARGUMENT, "%s must be %s", member_names[member],
                          member == MEMBER_PATH ? "a string" : "an object");
    if (member == MEMBER_PATH)
        m->path = r->text;
    if (token == JSON_ERROR || (token == JSON_OBJECT && !json_skip(r, token)))
        return refuse(st, r->error);
    m->object[member] = str_from(start, (size_t)(r->at - start));
    return STATUS_OK;
}

static enum status_code read_members(struct members *m, struct arena *arena, struct str line,
                                     struct status *st)
{
    struct json_reader r;
    json_reader_init(&r, arena, line);
    enum json_token token = json_next(&r);
    if (token != JSON_OBJECT)
        return refuse(st, "a line is one JSON object: {\"path\":\"items/a\",\"data\":{...}}");
    while ((token = json_next(&r)) == JSON_KEY) {
        char shown[STATUS_SHOWN];
        int member = member_of(r.text);
        if (member == MEMBERS)
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "unknown member \"%s\": there are path, data and fields",
                              status_show(shown, r.text));
        if (read_member(m, member, &r, st))
            return st->code;
    }
    if (token != JSON_OBJECT_END || json_next(&r) != JSON_END)
        return refuse(st, r.error);
    if (!m->given[MEMBER_PATH])
        return refuse(st, "path is missing");
    if (m->given[MEMBER_DATA] == m->given[MEMBER_FIELDS])
        return refuse(st, "exactly one of data (plain JSON) and fields (Firestore's JSON) must be there");
    return STATUS_OK;
}

/* Decoded in a text where it stands as in the line, so that positions in messages are right: what is before
 * it becomes blank. There is room, since a member is never nearer to the beginning. */
static enum status_code decode_fields(struct value_map *out, struct arena *arena, struct str line,
                                      struct str fields, struct status *st)
{
    static const struct str head = STR_INIT("{\"fields\":");
    struct document document = { 0 };
    size_t before = (size_t)(fields.p - line.p);
    char *text = arena_alloc(arena, before + fields.n + 1);
    memset(text, ' ', before);
    memcpy(text + before - head.n, head.p, head.n);
    memcpy(text + before, fields.p, fields.n);
    text[before + fields.n] = '}';
    if (protojson_decode(&document, SCHEMA(document), arena, str_from(text, before + fields.n + 1), st))
        return st->code;
    *out = document.fields;
    return STATUS_OK;
}

enum status_code seed_line_parse(struct seed_document *out, struct arena *arena, struct str line,
                                 struct database_name db, struct status *st)
{
    struct members m = { 0 };
    *out = (struct seed_document){ 0 };
    if (read_members(&m, arena, line, st))
        return st->code;
    struct str name = str_starts(m.path, STR("projects/")) ? m.path : path_full(arena, db, m.path);
    if (path_parse_document(&out->name, name, st))
        return st->code;
    return m.given[MEMBER_DATA] ? claims_parse(&out->fields, arena, m.object[MEMBER_DATA], st)
                                : decode_fields(&out->fields, arena, line, m.object[MEMBER_FIELDS], st);
}
