/* options.c - the one table of options: flags, environment variables and --help come from it.
 *
 * Names are matched with '-' and '_' alike, as "--flag value" and "--flag=value". */
#include "server/options.h"

#include "core/log.h"
#include "server/ops/expect.h"
#include "server/ops/request_fields.h"

#include <stdio.h>
#include <stdlib.h>

extern char **environ;

enum kind {
    KIND_TEXT, KIND_PORT, KIND_BOOL, KIND_LIST, KIND_OWNER_AS, KIND_DURABILITY, KIND_LOG_FORMAT, KIND_WORKERS,
    KIND_DENIED, KIND_HOST_PORT, KIND_AUDIT,
    KIND_NO_EFFECT,   /* of Google's emulator: accepted, said once, ignored */
    KIND_UNSUPPORTED, /* of Google's emulator: ignoring it would be a false promise */
    KIND_MODE,        /* --database-mode: only firestore-native */
};

struct row {
    const char *name;
    enum kind kind;
    size_t offset, count_offset; /* into struct options; the count of lists */
    const char *value, *help;    /* help NULL: not printed */
};

#define AT(member) offsetof(struct options, member)

static const struct row rows[] = {
    { "host", KIND_TEXT, AT(host), 0, "ADDRESS", "address to listen on (default localhost: 127.0.0.1 and ::1)" },
    { "port", KIND_PORT, AT(port), 0, "PORT", "port, 0 for any free one (default 8080)" },
    { "websocket_port", KIND_PORT, AT(websocket_port), 0, "PORT", "one more port, where Firebase's Emulator UI looks for the Requests feed; the feed is at /requests of --port, too" },
    { "port-file", KIND_TEXT, AT(port_file), 0, "FILE", "write the port there once serving" },
    { "data", KIND_TEXT, AT(data), 0, "DATA", "directory, file ending in .db, or :memory: (default .cinderlog; exec: :memory:)" },
    { "fresh", KIND_BOOL, AT(fresh), 0, NULL, "start empty; what is there is moved aside" },
    { "durability", KIND_DURABILITY, AT(durability), 0, "process|power", "what an acknowledged write survives: kill -9, or a power cut too (default process)" },
    { "rules", KIND_TEXT, AT(rules), 0, "FILE", "security rules (default: firebase.json, firestore.rules, else open); watched" },
    { "seed", KIND_LIST, AT(seed), AT(n_seed), "FILE|DIR", "create example documents at start, one a line: {\"path\":\"items/a\",\"data\":{...}}, or \"fields\" with typed values (repeatable)" },
    { "append-only", KIND_LIST, AT(append_only), AT(n_append_only), "PATTERN", "refuse updates and deletes there, even for admin: api_audit_logs, tenants/*/logs, ** (repeatable)" },
    { "owner-as", KIND_OWNER_AS, AT(owner_as), AT(n_owner_as), "[PORT=]FILE", "owner requests (server SDKs) go through the rules as the principal {\"uid\",\"token\"} in FILE; with PORT on a second port" },
    { "owner-iam", KIND_TEXT, AT(owner_iam), 0, "LIST|FILE", "owner requests need these IAM permissions: create,get,list, a role, or a file" },
    { "allow-reset", KIND_BOOL, AT(allow_reset), 0, NULL, "let resets touch append-only collections of a data file" },
    { "record-denied", KIND_DENIED, AT(record_denied_body), 0, "digest|body", "what the ledger keeps of refused writes (default digest)" },
    { "allow-origin", KIND_LIST, AT(allow_origin), AT(n_allow_origin), "ORIGIN", "let web pages of this origin in; * for any (default: loopback origins; repeatable)" },
    { "allow-host", KIND_LIST, AT(allow_host), AT(n_allow_host), "HOST", "accept this Host header; * for any (default: loopback and --host; repeatable)" },
    { "lock-control", KIND_BOOL, AT(lock_control), 0, NULL, "refuse rules upload, reset, shutdown, faults and the clock over HTTP" },
    { "project_id", KIND_TEXT, AT(project_id), 0, "ID", "project of exec's environment and of single project mode" },
    { "single_project_mode", KIND_BOOL, AT(single_project_mode), 0, NULL, "warn when another project than --project_id is used" },
    { "single_project_mode_error", KIND_BOOL, AT(single_project_mode_error), 0, NULL, "refuse other projects" },
    { "log-format", KIND_LOG_FORMAT, AT(log_json), 0, "text|json", "how messages are written (default text)" },
    { "request-log", KIND_TEXT, AT(request_log), 0, "FILE", "append one JSON line per request (- is standard output); reopened on SIGHUP" },
    { "audit", KIND_AUDIT, AT(audit), 0, "all|writes|denied", "which requests --request-log is told of (default all)" },
    { "audit-redact", KIND_LIST, AT(audit_redact), AT(n_audit_redact), "FIELD", "write a hash there instead: uid, path, peer, user_agent ... (repeatable)" },
    { "request-id-field", KIND_TEXT, AT(request_id_field), 0, "NAME", "document field that holds the request id (default request_id)" },
    { "expect", KIND_LIST, AT(expect), AT(n_expect), "PATTERN>=N", "exit 1 unless so many documents were created there: 'api_audit_logs>=3'; also <=, ==, !=, >, < (repeatable)" },
    { "summary", KIND_TEXT, AT(summary), 0, "FILE", "write the exit summary as JSON" },
    { "fail-if-unexercised", KIND_BOOL, AT(fail_if_unexercised), 0, NULL, "exit 1 when no request was decided by the rules" },
    { "fault", KIND_LIST, AT(fault), AT(n_fault), "SPEC", "make calls fail: \"UNAVAILABLE rpc=Commit path=logs count=2\"; see cinderlog faults (repeatable)" },
    { "fault-header", KIND_BOOL, AT(fault_header), 0, NULL, "let requests bring a fault along in the header x-cinderlog-fault" },
    { "quota", KIND_LIST, AT(quota), AT(n_quota), "KIND=N/UNIT", "limit each database: writes=500/s, reads=50000/d, deletes=20/m (repeatable)" },
    { "allow-clock", KIND_BOOL, AT(allow_clock), 0, NULL, "let /cinderlog/v1/clock move the time" },
    { "workers", KIND_WORKERS, AT(workers), 0, "N", "worker threads (default: one per core)" },
    { "host-port", KIND_HOST_PORT, 0, 0, "HOST:PORT", "as gcloud spells --host and --port" },
    { "functions_emulator", KIND_NO_EFFECT, 0, 0, "HOST:PORT", NULL },
    { "webchannel_port", KIND_NO_EFFECT, 0, 0, "PORT", NULL },
    { "database-edition", KIND_NO_EFFECT, 0, 0, "EDITION", NULL },
    { "export-name", KIND_NO_EFFECT, 0, 0, "NAME", NULL },
    { "licenses", KIND_NO_EFFECT, 0, 0, NULL, NULL },
    { "seed_from_export", KIND_UNSUPPORTED, 0, 0, "FILE", NULL },
    { "import-data", KIND_UNSUPPORTED, 0, 0, "FILE", NULL },
    { "export-on-exit", KIND_UNSUPPORTED, 0, 0, "DIR", NULL },
    { "database-mode", KIND_MODE, 0, 0, "firestore-native", NULL },
};
enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

/* What options point to that is not argv's; as long as the process lives. */
static struct arena *kept(void)
{
    static struct arena *arena;
    if (!arena)
        arena = arena_new();
    return arena;
}

static bool takes_value(const struct row *row) { return row->value != NULL; }

/* ---- nearest name ---- */

static size_t distance(struct str a, struct str b)
{
    enum { MAX_WORD = 40 };
    size_t row[MAX_WORD + 1];
    if (a.n > MAX_WORD || b.n > MAX_WORD)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t up = row[j];
            size_t change = diagonal + (a.p[i - 1] != b.p[j - 1]);
            size_t best = up < row[j - 1] ? up + 1 : row[j - 1] + 1;
            row[j] = best < change ? best : change;
            diagonal = up;
        }
    }
    return row[b.n];
}

const char *options_nearest(struct str word, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    size_t least = word.n / 3 + 2;
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, str_of(candidates[i]));
        if (d < least) {
            least = d;
            best = candidates[i];
        }
    }
    return best;
}

static bool same_name(struct str given, const char *name)
{
    if (given.n != strlen(name))
        return false;
    for (size_t i = 0; i < given.n; i++) {
        char a = given.p[i] == '_' ? '-' : given.p[i], b = name[i] == '_' ? '-' : name[i];
        if (a != b)
            return false;
    }
    return true;
}

static const struct row *find(struct str name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (same_name(name, rows[i].name))
            return &rows[i];
    return NULL;
}

static const char *nearest_option(struct str name)
{
    const char *names[ROW_COUNT];
    for (size_t i = 0; i < ROW_COUNT; i++)
        names[i] = rows[i].name;
    return options_nearest(name, names, ROW_COUNT);
}

/* ---- values ---- */

static bool parse_number(struct str text, unsigned long max, unsigned long *out)
{
    unsigned long n = 0;
    if (text.n == 0 || text.n > 9)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        n = n * 10 + (unsigned long)(text.p[i] - '0');
    }
    *out = n;
    return n <= max;
}

bool options_parse_address(struct str text, struct arena *arena, const char **host, uint16_t *port)
{
    unsigned long number;
    size_t colon = text.n;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == ':' && (i + 1 == text.n || !memchr(text.p + i, ']', text.n - i)))
            colon = i;
    struct str digits = colon < text.n ? str_skip(text, colon + 1) : text;
    struct str name = colon < text.n ? str_from(text.p, colon) : (struct str){ 0 };
    if (!parse_number(digits, 65535, &number))
        return false;
    if (name.n >= 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
        name = str_from(name.p + 1, name.n - 2);
    *host = name.n ? arena_str(arena, name).p : "127.0.0.1";
    *port = (uint16_t)number;
    return true;
}

static enum status_code bad_value(const struct row *row, struct str value, const char *wanted, struct status *st)
{
    return status_set(st, STATUS_INVALID_ARGUMENT, "--%s: '" STR_FMT "' is not %s", row->name, STR_ARG(value), wanted);
}

static bool parse_bool(struct str value, bool *out)
{
    if (str_eq_z(value, "true") || str_eq_z(value, "1") || value.n == 0)
        *out = true;
    else if (str_eq_z(value, "false") || str_eq_z(value, "0"))
        *out = false;
    else
        return false;
    return true;
}

static enum status_code add_owner_as(struct options *out, const struct row *row, const char *value, struct status *st)
{
    if (out->n_owner_as == OPTIONS_MAX_LIST)
        return status_set(st, STATUS_INVALID_ARGUMENT, "--%s: at most %d values", row->name, OPTIONS_MAX_LIST);
    struct owner_as_option *o = &out->owner_as[out->n_owner_as++];
    const char *equals = strchr(value, '=');
    unsigned long port;
    *o = (struct owner_as_option){ .file = value };
    if (equals && parse_number(str_from(value, (size_t)(equals - value)), 65535, &port)) {
        o->port = (uint16_t)port;
        o->file = equals + 1;
        if (port == 0)
            return bad_value(row, str_of(value), "PORT=FILE with a port from 1 to 65535", st);
    }
    return STATUS_OK;
}

static bool is_redactable(struct str field)
{
    enum request_field f = request_field_by_name(field);
    return f < FIELD_COUNT && request_fields[f].redactable;
}

static enum status_code bad_redaction(const struct row *row, struct str field, struct status *st)
{
    struct buf names;
    buf_init(&names, 4096);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (!request_fields[i].redactable)
            continue;
        buf_z(&names, names.len ? ", " : "");
        buf_str(&names, request_fields[i].name);
    }
    status_set(st, STATUS_INVALID_ARGUMENT, "--%s: '" STR_FMT "' is none of " STR_FMT, row->name, STR_ARG(field),
               STR_ARG(buf_view(&names)));
    buf_dispose(&names);
    return st->code;
}

static enum status_code set_audit(struct options *out, const struct row *row, struct str text, struct status *st)
{
    static const char *const scopes[] = { [AUDIT_ALL] = "all", [AUDIT_WRITES] = "writes", [AUDIT_DENIED] = "denied" };
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
        if (str_eq_z(text, scopes[i])) {
            out->audit = (enum audit_scope)i;
            return STATUS_OK;
        }
    }
    return bad_value(row, text, "all, writes or denied", st);
}

/* `value` is NUL-terminated and lives as long as the process. */
static enum status_code set_value(struct options *out, const struct row *row, const char *value, struct status *st)
{
    static bool told[ROW_COUNT];
    char *at = (char *)out + row->offset;
    struct str text = str_of(value);
    unsigned long number;
    switch (row->kind) {
    case KIND_TEXT:
        if (text.n == 0)
            return status_set(st, STATUS_INVALID_ARGUMENT, "--%s: the value is empty", row->name);
        *(const char **)(void *)at = value;
        if (row->offset == AT(data))
            out->data_given = true;
        return STATUS_OK;
    case KIND_PORT:
        if (!parse_number(text, 65535, &number))
            return bad_value(row, text, "a port from 0 to 65535", st);
        *(uint16_t *)(void *)at = (uint16_t)number;
        if (row->offset == AT(websocket_port))
            out->websocket_port_given = true;
        return STATUS_OK;
    case KIND_WORKERS:
        if (!parse_number(text, 64, &number) || number == 0)
            return bad_value(row, text, "a number from 1 to 64", st);
        out->workers = (unsigned)number;
        return STATUS_OK;
    case KIND_BOOL:
        if (!parse_bool(text, (bool *)at))
            return bad_value(row, text, "true or false", st);
        return STATUS_OK;
    case KIND_LIST: {
        size_t *n = (size_t *)(void *)((char *)out + row->count_offset);
        if (*n == OPTIONS_MAX_LIST)
            return status_set(st, STATUS_INVALID_ARGUMENT, "--%s: at most %d values", row->name, OPTIONS_MAX_LIST);
        if (row->offset == AT(append_only) && !path_pattern_valid(text))
            return bad_value(row, text, "a pattern of collection and document ids, * and **", st);
        if (row->offset == AT(expect) && expect_check(text, st))
            return status_set(st, STATUS_INVALID_ARGUMENT, "--expect: %s", arena_printf(kept(), "%s", status_message(st)));
        if (row->offset == AT(audit_redact) && !is_redactable(text))
            return bad_redaction(row, text, st);
        ((struct str *)(void *)at)[(*n)++] = text;
        return STATUS_OK;
    }
    case KIND_OWNER_AS:
        return add_owner_as(out, row, value, st);
    case KIND_DURABILITY:
        if (!str_eq_z(text, "process") && !str_eq_z(text, "power"))
            return bad_value(row, text, "process or power", st);
        out->durability = text.p[1] == 'r' ? STORE_DURABILITY_PROCESS : STORE_DURABILITY_POWER;
        return STATUS_OK;
    case KIND_LOG_FORMAT:
        if (!str_eq_z(text, "text") && !str_eq_z(text, "json"))
            return bad_value(row, text, "text or json", st);
        out->log_json = text.p[0] == 'j';
        return STATUS_OK;
    case KIND_AUDIT:
        return set_audit(out, row, text, st);
    case KIND_DENIED:
        if (!str_eq_z(text, "digest") && !str_eq_z(text, "body"))
            return bad_value(row, text, "digest or body", st);
        out->record_denied_body = text.p[0] == 'b';
        return STATUS_OK;
    case KIND_HOST_PORT:
        if (!options_parse_address(text, kept(), &out->host, &out->port))
            return bad_value(row, text, "HOST:PORT", st);
        return STATUS_OK;
    case KIND_MODE:
        if (!str_eq_z(text, "firestore-native"))
            return bad_value(row, text, "firestore-native, the only mode there is here", st);
        return STATUS_OK;
    case KIND_UNSUPPORTED:
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "--%s is an option of Google's emulator that cinderlog does not have yet; data stays in "
                          "--data DATA (CINDERLOG_DATA) between runs",
                          row->name);
    case KIND_NO_EFFECT:
        if (!told[row - rows])
            log_info("--%s is accepted and has no effect here", row->name);
        told[row - rows] = true;
        return STATUS_OK;
    }
    return STATUS_OK;
}

/* ---- environment ---- */

static bool env_matches(const char *variable, size_t n, const char *name)
{
    if (n != strlen(name))
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i] == '-' ? '_' : name[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (variable[i] != c)
            return false;
    }
    return true;
}

static enum status_code unknown_variable(const char *variable, size_t n, struct status *st)
{
    char lower[64];
    size_t used = 0;
    for (; used < n && used + 1 < sizeof lower; used++) {
        char c = variable[used] == '_' ? '-' : variable[used];
        lower[used] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    lower[used] = '\0';
    const char *near = nearest_option(str_of(lower));
    if (!near)
        return status_set(st, STATUS_INVALID_ARGUMENT, "unknown variable CINDERLOG_%.*s; see cinderlog --help", (int)n,
                          variable);
    char upper[64];
    for (used = 0; near[used] && used + 1 < sizeof upper; used++) {
        char c = near[used] == '-' ? '_' : near[used];
        upper[used] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    upper[used] = '\0';
    return status_set(st, STATUS_INVALID_ARGUMENT, "unknown variable CINDERLOG_%.*s; did you mean CINDERLOG_%s?",
                      (int)n, variable, upper);
}

static enum status_code set_split(struct options *out, const struct row *row, char *value, struct status *st)
{
    bool list = row->kind == KIND_LIST || row->kind == KIND_OWNER_AS;
    while (value) {
        char *comma = list ? strchr(value, ',') : NULL;
        if (comma)
            *comma = '\0';
        if (set_value(out, row, value, st))
            return st->code;
        value = comma ? comma + 1 : NULL;
    }
    return STATUS_OK;
}

static enum status_code read_environment(struct options *out, struct status *st)
{
    static const char prefix[] = "CINDERLOG_";
    for (char **e = environ; e && *e; e++) {
        const char *variable = *e + sizeof prefix - 1;
        if (strncmp(*e, prefix, sizeof prefix - 1) != 0 || !strchr(variable, '='))
            continue;
        size_t n = strcspn(variable, "=");
        const struct row *row = NULL;
        for (size_t i = 0; i < ROW_COUNT && !row; i++)
            if (env_matches(variable, n, rows[i].name))
                row = &rows[i];
        if (!row)
            return unknown_variable(variable, n, st);
        if (variable[n + 1] == '\0')
            continue; /* an empty variable is an unset one: compose files write them so */
        char *copy = (char *)arena_str(kept(), str_of(variable + n + 1)).p;
        if (set_split(out, row, copy, st))
            return st->code;
    }
    return STATUS_OK;
}

/* ---- command line ---- */

static bool is_truth(const char *word) { return strcmp(word, "true") == 0 || strcmp(word, "false") == 0; }

/* --name VALUE of an option that is not known: VALUE is a word, which is passed over as well. */
static enum status_code pass_over(struct str name)
{
    log_info("--" STR_FMT " is not known here and passed over", STR_ARG(name));
    return STATUS_OK;
}

static enum status_code read_flag(struct options *out, int argc, char **argv, int *at, struct status *st)
{
    const char *flag = argv[*at];
    struct str name = str_of(flag + 2);
    const char *equals = strchr(flag, '=');
    if (equals)
        name.n = (size_t)(equals - flag) - 2;
    const struct row *row = find(name);
    if (!row && out->stands_in)
        return pass_over(name);
    if (!row) {
        const char *near = nearest_option(name);
        return status_set(st, STATUS_INVALID_ARGUMENT, "unknown option --" STR_FMT "; %s%s", STR_ARG(name),
                          near ? "did you mean --" : "see cinderlog --help", near ? near : "");
    }
    const char *value = equals ? equals + 1 : NULL;
    if (!value && takes_value(row)) {
        if (*at + 1 >= argc || strcmp(argv[*at + 1], "--") == 0)
            return status_set(st, STATUS_INVALID_ARGUMENT, "--%s needs a value: --%s %s", row->name, row->name,
                              row->value);
        value = argv[++*at];
    } else if (!value && *at + 1 < argc && is_truth(argv[*at + 1])) {
        value = argv[++*at]; /* firebase-tools: --single_project_mode true */
    }
    return set_value(out, row, value ? value : "", st);
}

/* exec listens where its environment says, and nowhere else. */
static enum status_code read_folder(struct options *out, enum options_command command, struct status *st)
{
    if (firebase_folder_read(&out->folder, kept(), st) || command == OPTIONS_EXEC)
        return st->code;
    if (out->folder.host)
        out->host = out->folder.host;
    if (out->folder.port_given)
        out->port = out->folder.port;
    if (out->folder.websocket_port_given) {
        out->websocket_port = out->folder.websocket_port;
        out->websocket_port_given = true;
    }
    return STATUS_OK;
}

enum status_code options_parse(struct options *out, enum options_command command, int argc, char **argv, int first,
                               int *rest, struct status *st)
{
    *out = (struct options){
        .host = "localhost",
        .port = 8080,
        .data = command == OPTIONS_SERVE ? ".cinderlog" : ":memory:",
        .request_id_field = "request_id",
        .stands_in = command == OPTIONS_STAND_IN,
    };
    *rest = argc;
    if (!out->stands_in && read_folder(out, command, st))
        return st->code;
    if (read_environment(out, st))
        return st->code;
    /* exec listens on a port of its own whatever an image's environment says. */
    if (command == OPTIONS_EXEC)
        out->port = 0;
    for (int i = first; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            *rest = i;
            break;
        }
        if (strncmp(argv[i], "--", 2) != 0 && out->stands_in)
            continue;
        if (strncmp(argv[i], "--", 2) != 0)
            return status_set(st, STATUS_INVALID_ARGUMENT, "unexpected argument '%s'; see cinderlog --help", argv[i]);
        if (read_flag(out, argc, argv, &i, st))
            return st->code;
    }
    if ((out->single_project_mode || out->single_project_mode_error) && !out->project_id)
        return status_set(st, STATUS_INVALID_ARGUMENT, "single project mode needs to know the project: --project_id ID");
    return STATUS_OK;
}

const char *options_project(const struct options *options)
{
    static const char *const variables[] = { "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT" };
    if (options->project_id)
        return options->project_id;
    for (size_t i = 0; i < 2; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return value;
    }
    return options->folder.project ? options->folder.project : "demo-cinderlog";
}

void options_print_help(struct buf *out)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (!rows[i].help)
            continue;
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", rows[i].name, rows[i].value ? " " : "", rows[i].value ? rows[i].value : "");
        buf_printf(out, "  %-28s %s\n", left, rows[i].help);
    }
}
