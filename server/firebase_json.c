/* firebase_json.c - see firebase_json.h. A file is read in one pass: each object knows its members by a
 * table, and passes over the others. */
#include "server/firebase_json.h"

#include "core/codec.h"
#include "server/files.h"

#include <unistd.h>

struct parse {
    struct json_reader r;
    const char *name; /* of the file */
    struct firebase_folder *out;
    const char *database, *rules; /* of the entry of "firestore" that is being read */
    bool chosen_is_default;
    struct status *st;
};

struct member {
    const char *name;
    bool (*read)(struct parse *p, enum json_token token); /* token: the first one of its value */
};

/* ---- errors ---- */

/* Where the reader stands. Always false. */
static bool refuse(struct parse *p, const char *why)
{
    size_t line = 1;
    for (const char *c = p->r.start; c < p->r.at && c < p->r.end; c++)
        line += *c == '\n';
    status_set(p->st, STATUS_INVALID_ARGUMENT, "%s:%zu: %s", p->name, line, why);
    return false;
}

static bool refuse_json(struct parse *p)
{
    return refuse(p, p->r.error);
}

/* ---- pieces ---- */

static bool pass_over(struct parse *p, enum json_token token)
{
    return json_skip(&p->r, token) || refuse_json(p);
}

/* The members of an object whose brace was read. */
static bool read_members(struct parse *p, const struct member *members, size_t n)
{
    enum json_token token;
    while ((token = json_next(&p->r)) == JSON_KEY) {
        size_t at = 0;
        while (at < n && !str_eq_z(p->r.text, members[at].name))
            at++;
        token = json_next(&p->r);
        if (token == JSON_ERROR)
            return refuse_json(p);
        if (!(at < n ? members[at].read : pass_over)(p, token))
            return false;
    }
    return token == JSON_OBJECT_END || refuse_json(p);
}

static bool read_text(struct parse *p, enum json_token token, const char **out, const char *what)
{
    if (token != JSON_STRING || p->r.text.n == 0 || memchr(p->r.text.p, '\0', p->r.text.n))
        return refuse(p, what);
    *out = arena_str(p->r.arena, p->r.text).p;
    return true;
}

static bool read_port(struct parse *p, enum json_token token, uint16_t *out, bool *given, const char *what)
{
    struct str digits = p->r.text;
    unsigned long n = 0;
    bool good = token == JSON_NUMBER && digits.n <= 5;
    for (size_t i = 0; good && i < digits.n; i++) {
        good = digits.p[i] >= '0' && digits.p[i] <= '9';
        n = n * 10 + (unsigned long)(digits.p[i] - '0');
    }
    if (!good || n > 65535)
        return refuse(p, what);
    *out = (uint16_t)n;
    *given = true;
    return true;
}

/* ---- emulators ---- */

static bool read_host(struct parse *p, enum json_token token)
{
    return read_text(p, token, &p->out->host, "emulators.firestore.host must be an address");
}

static bool read_main_port(struct parse *p, enum json_token token)
{
    return read_port(p, token, &p->out->port, &p->out->port_given,
                     "emulators.firestore.port must be a port from 0 to 65535");
}

static bool read_websocket_port(struct parse *p, enum json_token token)
{
    return read_port(p, token, &p->out->websocket_port, &p->out->websocket_port_given,
                     "emulators.firestore.websocketPort must be a port from 0 to 65535");
}

static bool read_emulator(struct parse *p, enum json_token token)
{
    static const struct member members[] = {
        { "host", read_host },
        { "port", read_main_port },
        { "websocketPort", read_websocket_port },
    };
    if (token != JSON_OBJECT)
        return refuse(p, "emulators.firestore must be an object");
    return read_members(p, members, sizeof members / sizeof members[0]);
}

static bool read_emulators(struct parse *p, enum json_token token)
{
    static const struct member members[] = { { "firestore", read_emulator } };
    return token == JSON_OBJECT ? read_members(p, members, 1) : refuse(p, "emulators must be an object");
}

/* ---- firestore ---- */

static bool read_database(struct parse *p, enum json_token token)
{
    return read_text(p, token, &p->database, "firestore.database must be the name of a database");
}

static bool read_rules(struct parse *p, enum json_token token)
{
    return read_text(p, token, &p->rules, "firestore.rules must be the name of a file");
}

/* One database. There is one ruleset for all of them here: that of (default), else the first. */
static bool read_entry(struct parse *p, enum json_token token)
{
    static const struct member members[] = { { "database", read_database }, { "rules", read_rules } };
    if (token != JSON_OBJECT)
        return refuse(p, "firestore must be an object, or a list of objects");
    p->database = p->rules = NULL;
    if (!read_members(p, members, sizeof members / sizeof members[0]))
        return false;
    const char *chosen = p->out->rules;
    bool is_default = !p->database || strcmp(p->database, "(default)") == 0;
    if (!p->rules)
        return true;
    if (!chosen || (is_default && !p->chosen_is_default)) {
        p->out->rules = p->rules;
        p->chosen_is_default = is_default;
    }
    if (chosen && strcmp(chosen, p->rules) != 0)
        p->out->other_rules = true;
    return true;
}

static bool read_firestore(struct parse *p, enum json_token token)
{
    p->out->rules = NULL; /* a second member of this name replaces the first */
    p->out->other_rules = false;
    p->chosen_is_default = false;
    if (token != JSON_ARRAY)
        return read_entry(p, token);
    while ((token = json_next(&p->r)) != JSON_ARRAY_END) {
        if (token == JSON_ERROR)
            return refuse_json(p);
        if (!read_entry(p, token))
            return false;
    }
    return true;
}

/* ---- .firebaserc ---- */

static bool read_default_project(struct parse *p, enum json_token token)
{
    return read_text(p, token, &p->out->project, "projects.default must be the id of a project");
}

static bool read_projects(struct parse *p, enum json_token token)
{
    static const struct member members[] = { { "default", read_default_project } };
    return token == JSON_OBJECT ? read_members(p, members, 1) : refuse(p, "projects must be an object");
}

/* ---- files ---- */

/* Of the string that `rest` begins with, quotes included. */
static size_t string_length(struct str rest)
{
    size_t n = 1;
    while (n < rest.n && rest.p[n] != '"')
        n += rest.p[n] == '\\' ? 2 : 1;
    return n < rest.n ? n + 1 : rest.n;
}

/* Of the comment that `rest` begins with, without the line's end; 0 when it begins with none. */
static size_t comment_length(struct str rest)
{
    size_t n = 2;
    if (rest.n < 2 || rest.p[0] != '/' || (rest.p[1] != '/' && rest.p[1] != '*'))
        return 0;
    if (rest.p[1] == '/')
        while (n < rest.n && rest.p[n] != '\n')
            n++;
    else
        while (n < rest.n && !str_starts(str_skip(rest, n), STR("*/")))
            n++;
    return rest.p[1] == '*' && n < rest.n ? n + 2 : n;
}

/* A copy with blanks for its comments: everything else stays on its line. */
static struct str without_comments(struct arena *arena, struct str text)
{
    char *out = (char *)arena_str(arena, text).p;
    for (size_t i = 0; i < text.n;) {
        size_t comment = comment_length(str_skip(text, i));
        for (size_t j = i; j < i + comment; j++)
            if (out[j] != '\n')
                out[j] = ' ';
        i += comment ? comment : text.p[i] == '"' ? string_length(str_skip(text, i)) : 1;
    }
    return str_from(out, text.n);
}

static enum status_code parse(struct firebase_folder *out, const char *name, const struct member *members,
                              size_t n, struct arena *arena, struct str text, struct status *st)
{
    struct parse p = { .name = name, .out = out, .st = st };
    json_reader_init(&p.r, arena, without_comments(arena, text));
    enum json_token token = json_next(&p.r);
    if (token == JSON_ERROR)
        refuse_json(&p);
    else if (token != JSON_OBJECT)
        refuse(&p, "must be one JSON object");
    else if (read_members(&p, members, n) && json_next(&p.r) != JSON_END)
        refuse_json(&p);
    return st->code;
}

enum status_code firebase_json_parse(struct firebase_folder *out, struct arena *arena, struct str text,
                                     struct status *st)
{
    static const struct member members[] = { { "firestore", read_firestore },
                                             { "emulators", read_emulators } };
    return parse(out, "firebase.json", members, sizeof members / sizeof members[0], arena, text, st);
}

enum status_code firebaserc_parse(struct firebase_folder *out, struct arena *arena, struct str text,
                                  struct status *st)
{
    static const struct member members[] = { { "projects", read_projects } };
    return parse(out, ".firebaserc", members, 1, arena, text, st);
}

enum status_code firebase_folder_read(struct firebase_folder *out, struct arena *arena, struct status *st)
{
    static const struct {
        const char *name;
        enum status_code (*parse)(struct firebase_folder *out, struct arena *arena, struct str text,
                                  struct status *st);
    } files[] = { { "firebase.json", firebase_json_parse }, { ".firebaserc", firebaserc_parse } };
    struct str text;
    *out = (struct firebase_folder){ 0 };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (access(files[i].name, F_OK) != 0)
            continue;
        if (file_read(&text, arena, files[i].name, FIREBASE_JSON_MAX, st) ||
            files[i].parse(out, arena, text, st))
            return st->code;
    }
    return STATUS_OK;
}
