/* path.c - see path.h. One scanner walks a resource name from left to right and refuses it at the first
 * character that cannot continue it, as Google's emulator does; its messages give that place counted in
 * UTF-16 units, because the emulator is written in Java and tests in the wild compare its texts. */
#include "core/path.h"

#include "core/clock.h"
#include "core/limits.h"

#include <stdarg.h>
#include <stdio.h>

enum { PROJECT_BYTES = 100 }; /* 1.19.9: "The database is longer than 100 bytes." */

bool database_name_eq(struct database_name a, struct database_name b)
{
    return str_eq(a.project, b.project) && str_eq(a.database, b.database);
}

/* ---- messages ---- */

/* How many UTF-16 units the first n bytes of s are. */
static size_t utf16_units(struct str s, size_t n)
{
    size_t units = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c & 0xC0) != 0x80)
            units += c >= 0xF0 ? 2 : 1;
    }
    return units;
}

/* ---- ids ---- */

/* "__" + at least one byte + "__": Google's own. */
static bool is_reserved(struct str id)
{
    return id.n >= 5 && memcmp(id.p, "__", 2) == 0 && memcmp(id.p + id.n - 2, "__", 2) == 0;
}

/* What `__id<number>__` has between: a canonical decimal other than 0. Empty when id has another form. */
static struct str numeric_digits(struct str id)
{
    struct str none = { 0 };
    if (id.n < 7 || memcmp(id.p, "__id", 4) != 0 || memcmp(id.p + id.n - 2, "__", 2) != 0)
        return none;
    struct str number = { id.p + 4, id.n - 6 };
    size_t at = number.p[0] == '-';
    if (at == number.n || number.p[at] < '1' || number.p[at] > '9')
        return none;
    for (; at < number.n; at++) {
        if (number.p[at] < '0' || number.p[at] > '9')
            return none;
    }
    return number;
}

bool path_id_number(struct str id, int64_t *number)
{
    struct str digits = numeric_digits(id);
    if (digits.n == 0)
        return false;
    bool negative = digits.p[0] == '-';
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t n = 0;
    for (size_t i = negative; i < digits.n; i++) {
        uint64_t digit = (uint64_t)(digits.p[i] - '0');
        if (n > (limit - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *number = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

/* What both a lone id and an id inside a name may not be. */
static enum status_code check_reserved(struct str id, bool collection, struct status *st)
{
    char text[STATUS_SHOWN];
    int64_t number;
    if (!is_reserved(id) || (!collection && path_id_number(id, &number)))
        return STATUS_OK;
    bool too_big = !collection && numeric_digits(id).n > 0;
    return status_set(st, STATUS_INVALID_ARGUMENT, "%s id \"%s\" is invalid because it is %s.",
                      collection ? "Collection" : "Resource", status_show(text, id),
                      too_big ? "not a 64 bit integer" : "reserved");
}

static enum status_code check_length(struct str id, bool collection, struct status *st)
{
    if (id.n <= LIMIT_ID_BYTES)
        return STATUS_OK;
    return status_set(st, STATUS_INVALID_ARGUMENT, "The key path element %s is longer than %d bytes.",
                      collection ? "kind" : "name", LIMIT_ID_BYTES);
}

static enum status_code check_bytes(struct str id, bool collection, struct status *st)
{
    char text[STATUS_SHOWN];
    const char *why = NULL;
    if (!str_is_utf8(id))
        why = "is not valid UTF-8";
    else if (id.n && memchr(id.p, '\0', id.n))
        why = "contains a NUL character";
    if (!why)
        return STATUS_OK;
    return status_set(st, STATUS_INVALID_ARGUMENT, "%s id \"%s\" is invalid because it %s.",
                      collection ? "Collection" : "Resource", status_show(text, id), why);
}

static bool is_dots(struct str id)
{
    return str_eq(id, STR(".")) || str_eq(id, STR(".."));
}

enum status_code path_check_id(struct str id, bool collection, struct status *st)
{
    char text[STATUS_SHOWN];
    const char *kind = collection ? "Collection" : "Resource", *why = NULL;
    if (id.n == 0)
        why = "empty";
    else if (is_dots(id))
        why = "reserved";
    if (why)
        return status_set(st, STATUS_INVALID_ARGUMENT, "%s id \"%s\" is invalid because it is %s.", kind,
                          status_show(text, id), why);
    if (memchr(id.p, '/', id.n))
        return status_set(st, STATUS_INVALID_ARGUMENT, "%s id \"%s\" is invalid because it contains \"/\".",
                          kind, status_show(text, id));
    enum status_code code = check_reserved(id, collection, st);
    if (!code)
        code = check_bytes(id, collection, st);
    if (!code)
        code = check_length(id, collection, st);
    return code;
}

/* ---- names ---- */

struct name_scanner {
    const char *what; /* "Document name", as messages begin */
    struct str name;
    size_t at;
    struct status *st;
};

__attribute__((format(printf, 2, 3))) static enum status_code refuse(struct name_scanner *s, const char *fmt,
                                                                     ...)
{
    char text[STATUS_SHOWN], rest[160];
    va_list args;
    va_start(args, fmt);
    vsnprintf(rest, sizeof rest, fmt, args);
    va_end(args);
    return status_set(s->st, STATUS_INVALID_ARGUMENT, "%s \"%s\" %s", s->what, status_show(text, s->name),
                      rest);
}

static size_t index_of(const struct name_scanner *s, size_t at)
{
    return utf16_units(s->name, at);
}

static bool at_end(const struct name_scanner *s)
{
    return s->at == s->name.n;
}

static enum status_code scan_word(struct name_scanner *s, const char *word)
{
    if (!str_starts(str_skip(s->name, s->at), str_of(word)))
        return refuse(s, "lacks \"%s\" at index %zu.", word, index_of(s, s->at));
    s->at += strlen(word);
    return STATUS_OK;
}

/* A slash that something follows. */
static enum status_code scan_slash(struct name_scanner *s)
{
    if (at_end(s) || s->name.p[s->at] != '/')
        return refuse(s, "lacks \"/\" at index %zu.", index_of(s, s->at));
    s->at++;
    return at_end(s) ? refuse(s, "has invalid trailing \"/\".") : STATUS_OK;
}

/* Everything up to the next slash or the end; `kind` is "a project", "a collection", ... */
static enum status_code scan_id(struct str *out, struct name_scanner *s, const char *kind)
{
    struct str rest = str_skip(s->name, s->at);
    const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
    *out = (struct str){ rest.p, slash ? (size_t)(slash - rest.p) : rest.n };
    if (out->n == 0)
        return refuse(s, "lacks %s id at index %zu.", kind, index_of(s, s->at));
    if (is_dots(*out))
        return refuse(s, "contains %s id \"%.*s\" at index %zu.", kind, (int)out->n, out->p,
                      index_of(s, s->at));
    s->at += out->n;
    return STATUS_OK;
}

/* Ours: Google's emulator fails with UNKNOWN for such projects. */
static enum status_code check_project(struct name_scanner *s, const struct database_name *db)
{
    if (db->project.n > PROJECT_BYTES)
        return status_set(s->st, STATUS_INVALID_ARGUMENT, "The project is longer than %d bytes.",
                          PROJECT_BYTES);
    if (db->database.n > PROJECT_BYTES)
        return status_set(s->st, STATUS_INVALID_ARGUMENT, "The database is longer than %d bytes.",
                          PROJECT_BYTES);
    for (size_t i = 0; i < db->project.n; i++) {
        unsigned char c = (unsigned char)db->project.p[i];
        if (c <= ' ' || c == 0x7F)
            return refuse(s, "has a project id with a space or control character.");
    }
    for (size_t i = 0; i < db->database.n; i++) {
        unsigned char c = (unsigned char)db->database.p[i];
        if (c < ' ' || c == 0x7F)
            return refuse(s, "has a database id with a control character.");
    }
    return STATUS_OK;
}

/* "projects/{p}/databases/{d}" */
static enum status_code scan_database(struct database_name *out, struct name_scanner *s)
{
    if (!str_is_utf8(s->name))
        return refuse(s, "is not valid UTF-8.");
    enum status_code code;
    if ((code = scan_word(s, "projects")) || (code = scan_slash(s)) ||
        (code = scan_id(&out->project, s, "a project")))
        return code;
    if ((code = scan_slash(s)) || (code = scan_word(s, "databases")) || (code = scan_slash(s)))
        return code;
    return scan_id(&out->database, s, "a database");
}

enum status_code path_parse_database(struct database_name *out, struct str name, struct status *st)
{
    struct name_scanner s = { .what = "Database name", .name = name, .st = st };
    enum status_code code = scan_database(out, &s);
    if (code)
        return code;
    if (!at_end(&s)) {
        if (s.at + 1 == name.n)
            return refuse(&s, "has invalid trailing \"/\".");
        return refuse(&s, "has extra characters at index %zu.", index_of(&s, s.at));
    }
    return check_project(&s, out);
}

/* What may stand after "documents". */
enum shape {
    SHAPE_ANY,       /* any number of ids, none too */
    SHAPE_PARENT,    /* pairs, none too */
    SHAPE_DOCUMENT,  /* pairs, at least one */
    SHAPE_REFERENCE, /* the same inside a value: NUL is allowed */
};

/* The ids from here to the end, collection first. */
static enum status_code scan_path(struct str *out, struct name_scanner *s, enum shape shape)
{
    size_t start = s->at;
    enum status_code code;
    bool collection = true;
    for (;; collection = !collection) {
        struct str id;
        if ((code = scan_id(&id, s, collection ? "a collection" : "a resource")) ||
            (code = check_reserved(id, collection, s->st)))
            return code;
        if (at_end(s) && (!collection || shape == SHAPE_ANY))
            break;
        if ((code = scan_slash(s)))
            return code;
    }
    *out = (struct str){ s->name.p + start, s->name.n - start };
    return STATUS_OK;
}

/* Whether "/documents" follows, or a lone slash that scan_slash will refuse. */
static bool at_documents(const struct name_scanner *s)
{
    struct str rest = str_skip(s->name, s->at);
    return rest.n == 1 || str_eq(rest, STR("/documents")) || str_starts(rest, STR("/documents/"));
}

static enum status_code refuse_unknown(struct name_scanner *s)
{
    char text[STATUS_SHOWN];
    return status_set(s->st, STATUS_INVALID_ARGUMENT, "Resource \"%s\" is not recognized.",
                      status_show(text, s->name));
}

/* What Google's emulator finds only once the name is known to be one. */
static enum status_code check_path(struct name_scanner *s, const struct resource_name *name, bool nul_allowed)
{
    if (path_segments(name->path) > 2 * LIMIT_PATH_PAIRS)
        return status_set(s->st, STATUS_INVALID_ARGUMENT, "Key path is too long. Cannot exceed %d elements.",
                          LIMIT_PATH_PAIRS);
    enum status_code code = check_project(s, &name->db);
    struct str rest = name->path, id;
    for (bool collection = true; !code && path_next(&rest, &id); collection = !collection) {
        code = check_length(id, collection, s->st);
        if (!code && !nul_allowed)
            code = check_bytes(id, collection, s->st);
    }
    return code;
}

static enum status_code parse(struct resource_name *out, struct name_scanner *s, enum shape shape)
{
    *out = (struct resource_name){ 0 };
    enum status_code code;
    if ((code = scan_database(&out->db, s)))
        return code;
    if (shape == SHAPE_REFERENCE) {
        if (at_end(s))
            return status_set(s->st, STATUS_INVALID_ARGUMENT,
                              "Non-document resource reference value not supported.");
        if (!at_documents(s))
            return refuse_unknown(s);
    }
    if ((code = scan_slash(s)) || (code = scan_word(s, "documents")))
        return code;
    out->path = str_skip(s->name, s->at);
    if (at_end(s)) {
        if (shape == SHAPE_DOCUMENT || shape == SHAPE_REFERENCE)
            return refuse(
                s, "is invalid: Omit \"/documents\" when referencing a database (except as the parent of a "
                   "document).");
        return check_path(s, out, false);
    }
    if (s->name.p[s->at] == '/' && s->at + 1 == s->name.n)
        return refuse(s, "is invalid: Omit trailing \"/\".");
    if ((code = scan_slash(s)) || (code = scan_path(&out->path, s, shape)))
        return code;
    return check_path(s, out, shape == SHAPE_REFERENCE);
}

enum status_code path_parse_resource(struct resource_name *out, struct str name, struct status *st)
{
    struct name_scanner s = { .what = "Resource name", .name = name, .st = st };
    return parse(out, &s, SHAPE_ANY);
}

enum status_code path_parse_document(struct resource_name *out, struct str name, struct status *st)
{
    struct name_scanner s = { .what = "Document name", .name = name, .st = st };
    return parse(out, &s, SHAPE_DOCUMENT);
}

enum status_code path_parse_parent(struct resource_name *out, struct str name, struct status *st)
{
    struct name_scanner s = { .what = "Document parent name", .name = name, .st = st };
    return parse(out, &s, SHAPE_PARENT);
}

enum status_code path_parse_reference(struct resource_name *out, struct str name, struct status *st)
{
    struct name_scanner s = { .what = "Resource name", .name = name, .st = st };
    return parse(out, &s, SHAPE_REFERENCE);
}

/* ---- relative paths ---- */

bool path_next(struct str *rest, struct str *id)
{
    if (rest->n == 0)
        return false;
    const char *slash = memchr(rest->p, '/', rest->n);
    id->p = rest->p;
    id->n = slash ? (size_t)(slash - rest->p) : rest->n;
    *rest = str_skip(*rest, slash ? id->n + 1 : id->n);
    return true;
}

size_t path_segments(struct str path)
{
    size_t n = 0;
    for (struct str id; path_next(&path, &id);)
        n++;
    return n;
}

/* Where the last id begins. */
static size_t last_start(struct str path)
{
    size_t at = path.n;
    while (at > 0 && path.p[at - 1] != '/')
        at--;
    return at;
}

struct str path_last(struct str path)
{
    return str_skip(path, last_start(path));
}

struct str path_parent(struct str path)
{
    size_t at = last_start(path);
    return (struct str){ path.p, at ? at - 1 : 0 };
}

static char *append(char *at, struct str s)
{
    if (s.n)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

struct str path_full(struct arena *arena, struct database_name db, struct str path)
{
    static const struct str projects = STR_INIT("projects/"), databases = STR_INIT("/databases/"),
                            documents = STR_INIT("/documents"), slash = STR_INIT("/");
    size_t n =
        projects.n + db.project.n + databases.n + db.database.n + documents.n + (path.n ? 1 + path.n : 0);
    char *out = arena_alloc(arena, n + 1), *at = out;
    at = append(at, projects);
    at = append(at, db.project);
    at = append(at, databases);
    at = append(at, db.database);
    at = append(at, documents);
    if (path.n) {
        at = append(at, slash);
        at = append(at, path);
    }
    *at = '\0';
    return (struct str){ out, n };
}

struct str path_join(struct arena *arena, struct str parent, struct str id)
{
    if (parent.n == 0)
        return arena_str(arena, id);
    char *out = arena_alloc(arena, parent.n + 1 + id.n + 1), *at = append(out, parent);
    *at++ = '/';
    at = append(at, id);
    *at = '\0';
    return (struct str){ out, parent.n + 1 + id.n };
}

/* ---- patterns of --append-only ---- */

static bool is_any(struct str id)
{
    return str_eq(id, STR("*"));
}
static bool is_all(struct str id)
{
    return str_eq(id, STR("**"));
}

bool path_pattern_valid(struct str pattern)
{
    struct str rest = pattern, id;
    if (pattern.n == 0 || pattern.p[0] == '/' || pattern.p[pattern.n - 1] == '/')
        return false;
    size_t count = 0;
    while (path_next(&rest, &id)) {
        /* A '*' inside an id would match only an id with a star: surely a mistake. */
        if (id.n == 0 || (!is_any(id) && !is_all(id) && memchr(id.p, '*', id.n)))
            return false;
        struct status ignored = status_init(NULL);
        if (!is_any(id) && !is_all(id) &&
            (is_dots(id) || check_bytes(id, true, &ignored) || id.n > LIMIT_ID_BYTES))
            return false;
        count++;
    }
    return count <= 2 * LIMIT_PATH_PAIRS;
}

/* Matches ids against ids. Each '**' remembers only where it stood last, because a later '**' can take
 * over whatever an earlier one could: the time is the product of the lengths at worst. */
static bool match_ids(struct str pattern, struct str path)
{
    struct str retry_pattern = { 0 }, retry_path = { 0 }, want, id;
    bool can_retry = false;
    for (;;) {
        struct str next_pattern = pattern, next_path = path;
        bool have_want = path_next(&next_pattern, &want);
        if (have_want && is_all(want)) {
            pattern = retry_pattern = next_pattern;
            retry_path = path;
            can_retry = true;
            continue;
        }
        bool have_id = path_next(&next_path, &id);
        if (!have_want && !have_id)
            return true;
        if (have_want && have_id && (is_any(want) || str_eq(want, id))) {
            pattern = next_pattern;
            path = next_path;
            continue;
        }
        /* Let the last '**' take one id more. */
        if (!can_retry || !path_next(&retry_path, &id))
            return false;
        pattern = retry_pattern;
        path = retry_path;
    }
}

bool path_pattern_matches(struct str pattern, struct str document_path)
{
    struct str rest = pattern, id;
    size_t count = 0;
    bool open = false;
    for (; path_next(&rest, &id); count++)
        open = open || is_all(id);
    if ((open || count % 2 == 1) && match_ids(pattern, path_parent(document_path)))
        return true;
    return (open || count % 2 == 0) && match_ids(pattern, document_path);
}

/* ---- automatic ids ---- */

struct str path_auto_id(struct arena *arena)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    enum { LENGTH = 20, LETTERS = sizeof alphabet - 1, USABLE = 256 - 256 % LETTERS };
    char *out = arena_alloc(arena, LENGTH + 1);
    size_t n = 0;
    while (n < LENGTH) {
        unsigned char bytes[LENGTH];
        clock_random(bytes, sizeof bytes);
        /* Bytes above the last whole multiple are thrown away, so that every letter is as likely. */
        for (size_t i = 0; i < sizeof bytes && n < LENGTH; i++) {
            if (bytes[i] < USABLE)
                out[n++] = alphabet[bytes[i] % LETTERS];
        }
    }
    out[n] = '\0';
    return (struct str){ out, n };
}
