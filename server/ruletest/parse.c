/* parse.c - the statements of a test file; see ruletest.h. */
#include "server/ruletest/parse.h"

#include "core/log.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHOWN_REQUEST = 200, MAX_LINE_DIGITS = 9 };

/* ---- complaints ---- */

static uint32_t code_points(struct str text)
{
    uint32_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += ((unsigned char)text.p[i] & 0xC0) != 0x80;
    return n;
}

static void place(struct ruletest_parser *p, uint32_t from, uint32_t *line, uint32_t *column)
{
    struct str before = str_from(p->lex.text.p, from), last = before;
    *line = 1;
    for (size_t i = 0; i < before.n; i++) {
        if (before.p[i] == '\n') {
            ++*line;
            last = str_skip(before, i + 1);
        }
    }
    *column = code_points(last) + 1;
}

bool ruletest_fail_at(struct ruletest_parser *p, uint32_t from, uint32_t to, const char *fmt, ...)
{
    va_list args;
    if (p->issue->description)
        return false;
    va_start(args, fmt);
    *p->issue = (struct rules_issue){
        .severity = RULES_ERROR,
        .description = arena_vprintf(p->arena, fmt, args),
        .file = p->file->name,
        .has_position = true,
        .offset = code_points(str_from(p->lex.text.p, from)),
        .end_offset = code_points(str_from(p->lex.text.p, to > from ? to - 1 : from)),
    };
    va_end(args);
    place(p, from, &p->issue->line, &p->issue->column);
    return false;
}

bool ruletest_expected(struct ruletest_parser *p, const char *what)
{
    struct lex_token t = p->lex.token;
    if (t.kind == LEX_BAD)
        return ruletest_fail_at(p, t.from, t.to, STR_FMT, STR_ARG(t.text));
    if (t.kind == LEX_END || t.kind == LEX_NEWLINE)
        return ruletest_fail_at(p, t.from, t.from, "expected %s, and the %s ends", what,
                                t.kind == LEX_END ? "file" : "line");
    char shown[STATUS_SHOWN];
    struct str text = str_from(p->lex.text.p + t.from, t.to - t.from);
    text.n = text.n > 60 ? 60 : text.n;
    return ruletest_fail_at(p, t.from, t.to, "expected %s, not %s", what, status_show(shown, text));
}

bool ruletest_accept(struct ruletest_parser *p, const char *word)
{
    bool is = lex_is(&p->lex, word);
    if (is)
        lex_next(&p->lex);
    return is;
}

bool ruletest_take(struct ruletest_parser *p, const char *word)
{
    return ruletest_accept(p, word) || ruletest_expected(p, word);
}

const struct ruletest_name *ruletest_find(const struct ruletest_name *newest, struct str name)
{
    while (newest && !str_eq(newest->name, name))
        newest = newest->prev;
    return newest;
}

struct str ruletest_full_name(struct ruletest_parser *p, struct str path)
{
    return path_full(p->arena, p->db, str_starts(path, STR("/")) ? str_skip(path, 1) : path);
}

/* ---- writes ---- */

static bool parse_path(struct ruletest_parser *p, struct str *full)
{
    struct resource_name name;
    struct status st = status_init(p->arena);
    lex_path(&p->lex);
    struct lex_token path = p->lex.token;
    if (path.kind != LEX_WORD && path.kind != LEX_STRING)
        return ruletest_expected(p, "the path of a document");
    *full = ruletest_full_name(p, path.text);
    if (path_parse_resource(&name, *full, &st))
        return ruletest_fail_at(p, path.from, path.to, "%s", status_message(&st));
    if (name.path.n == 0 || path_segments(name.path) % 2)
        return ruletest_fail_at(p, path.from, path.to, "a document is needed, and this is a collection");
    lex_next(&p->lex);
    return true;
}

static struct msg_precondition *exists(struct ruletest_parser *p, bool value)
{
    struct msg_precondition *pre = ARENA_NEW(p->arena, struct msg_precondition);
    *pre = (struct msg_precondition){ .condition_case = 1, .exists = value };
    return pre;
}

static bool parse_set(struct ruletest_parser *p, struct msg_write *out)
{
    const struct data *data;
    out->operation_case = 1;
    return parse_path(p, &out->update.name) && data_parse_object(p, &data) && data_to_document(p, data, out);
}

static bool parse_create(struct ruletest_parser *p, struct msg_write *out)
{
    out->current_document = exists(p, false);
    return parse_set(p, out);
}

static bool parse_update(struct ruletest_parser *p, struct msg_write *out)
{
    const struct data *data;
    out->operation_case = 1;
    out->current_document = exists(p, true);
    return parse_path(p, &out->update.name) && data_parse_object(p, &data) && data_to_changes(p, data, out);
}

static bool parse_delete(struct ruletest_parser *p, struct msg_write *out)
{
    out->operation_case = 2;
    return parse_path(p, &out->delete_name);
}

static const struct {
    const char *word;
    bool (*parse)(struct ruletest_parser *p, struct msg_write *out);
} writes[] = {
    { "create", parse_create },
    { "set", parse_set },
    { "update", parse_update },
    { "delete", parse_delete },
};

/* False without a complaint where no write begins. */
static bool parse_write(struct ruletest_parser *p, struct msg_write *out, bool *found)
{
    *found = false;
    for (size_t i = 0; i < sizeof writes / sizeof *writes && !*found; i++) {
        if (ruletest_accept(p, writes[i].word)) {
            *found = true;
            return writes[i].parse(p, out);
        }
    }
    return false;
}

/* ---- requests ---- */

static bool skip_newlines(struct ruletest_parser *p)
{
    while (p->lex.token.kind == LEX_NEWLINE)
        lex_next(&p->lex);
    return true;
}

static bool end_statement(struct ruletest_parser *p)
{
    if (p->lex.token.kind != LEX_NEWLINE && p->lex.token.kind != LEX_END)
        return ruletest_expected(p, "the end of the line");
    return skip_newlines(p);
}

/* The { was not taken yet. Lines count inside it. */
static bool parse_batch(struct ruletest_parser *p, struct ruletest_case *out)
{
    size_t cap = 0;
    if (!lex_is(&p->lex, "{"))
        return ruletest_expected(p, "{ and the writes of the batch, one a line");
    p->lex.depth = 0;
    lex_next(&p->lex);
    skip_newlines(p);
    while (!lex_is(&p->lex, "}")) {
        bool found;
        struct msg_write write = { 0 };
        if (!parse_write(p, &write, &found))
            return found ? false : ruletest_expected(p, "create, set, update, delete or }");
        if (out->writes.n == cap) {
            size_t grown = cap ? cap * 2 : 4;
            out->writes.items = arena_grow(p->arena, out->writes.items, cap * sizeof *out->writes.items,
                                           grown * sizeof *out->writes.items);
            cap = grown;
        }
        out->writes.items[out->writes.n++] = write;
        if (!lex_is(&p->lex, "}") && !end_statement(p))
            return false;
    }
    lex_next(&p->lex);
    return out->writes.n || ruletest_expected(p, "a batch with something in it");
}

static bool parse_get(struct ruletest_parser *p, struct ruletest_case *out)
{
    struct str full;
    out->kind = RULETEST_GET;
    if (!parse_path(p, &full))
        return false;
    out->path = full;
    return true;
}

static bool parse_request(struct ruletest_parser *p, struct ruletest_case *out)
{
    struct msg_write write = { 0 };
    bool found;
    if (ruletest_accept(p, "get"))
        return parse_get(p, out);
    if (ruletest_accept(p, "list"))
        return ruletest_parse_query(p, out);
    out->kind = RULETEST_WRITE;
    if (ruletest_accept(p, "batch"))
        return parse_batch(p, out);
    if (!parse_write(p, &write, &found))
        return found ? false : ruletest_expected(p, "get, list, create, set, update, delete or batch");
    out->writes.items = ARENA_NEW(p->arena, struct msg_write);
    out->writes.items[0] = write;
    out->writes.n = 1;
    return true;
}

/* ---- expectations ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Whether a comment begins at i, which is outside of strings. Paths may hold these characters, but not at a
 * blank. */
static bool is_comment(struct str text, uint32_t i)
{
    bool begins = text.p[i] == '#' || (text.p[i] == '/' && i + 1 < text.n && text.p[i + 1] == '/');
    return begins && i > 0 && is_blank(text.p[i - 1]);
}

/* What stands there, on one line, without comments. */
static struct str one_line(struct ruletest_parser *p, uint32_t from, uint32_t to)
{
    struct str text = p->lex.text;
    struct buf out;
    char quote = '\0';
    buf_init(&out, 4 * SHOWN_REQUEST);
    for (uint32_t i = from; i < to && out.len < SHOWN_REQUEST; i++) {
        char c = text.p[i];
        if (quote ? c == quote && text.p[i - 1] != '\\' : c == '"' || c == '\'')
            quote = quote ? '\0' : c;
        while (!quote && i < to && is_comment(text, i))
            while (i < to && text.p[i] != '\n')
                i++;
        if (i < to && !is_blank(text.p[i]))
            buf_byte(&out, (unsigned char)text.p[i]);
        else if (out.len && out.data[out.len - 1] != ' ')
            buf_byte(&out, ' ');
    }
    out.len = str_utf8_prefix(buf_view(&out));
    if (out.len >= SHOWN_REQUEST - 4)
        buf_z(&out, "...");
    struct str line = arena_str(p->arena, buf_view(&out));
    buf_dispose(&out);
    return line;
}

static bool parse_line_number(struct ruletest_parser *p, uint32_t *out)
{
    struct str text = p->lex.token.text;
    if (p->lex.token.kind == LEX_NUMBER && text.n <= MAX_LINE_DIGITS)
        *out = (uint32_t)strtoul(arena_str(p->arena, text).p, NULL, 10);
    if (*out == 0)
        return ruletest_expected(p, "the number of a line of the rules");
    lex_next(&p->lex);
    return true;
}

static bool parse_because(struct ruletest_parser *p, const struct ruletest_case *c, struct str *out)
{
    struct lex_token text = p->lex.token;
    if (text.kind != LEX_STRING || text.text.n == 0)
        return ruletest_expected(p, "a part of the explanation as a string");
    if (c->allow)
        return ruletest_fail_at(p, text.from, text.to, "because is for denials; say at LINE for what grants");
    *out = text.text;
    lex_next(&p->lex);
    return true;
}

static bool parse_expectation(struct ruletest_parser *p, bool allow, uint32_t from)
{
    struct ruletest_file *file = p->file;
    struct ruletest_case c = {
        .allow = allow,
        .test = p->test,
        .principal = p->scope.who,
        .by_iam = p->scope.by_iam,
        .time = p->scope.time,
        .given = p->scope.given,
    };
    uint32_t request = p->lex.token.from;
    place(p, from, &c.line, &c.column);
    if (!parse_request(p, &c))
        return false;
    c.text = one_line(p, request, p->lex.behind);
    if (ruletest_accept(p, "at") && !parse_line_number(p, &c.at_line))
        return false;
    if (ruletest_accept(p, "because") && !parse_because(p, &c, &c.because))
        return false;
    if (file->n == p->cap_cases) {
        size_t grown = p->cap_cases ? p->cap_cases * 2 : 16;
        file->cases = arena_grow(p->arena, file->cases, p->cap_cases * sizeof *file->cases,
                                 grown * sizeof *file->cases);
        p->cap_cases = grown;
    }
    file->cases[file->n++] = c;
    return true;
}

static bool parse_allow(struct ruletest_parser *p, uint32_t from)
{
    return parse_expectation(p, true, from);
}

static bool parse_deny(struct ruletest_parser *p, uint32_t from)
{
    return parse_expectation(p, false, from);
}

/* ---- the other statements ---- */

static bool parse_rules(struct ruletest_parser *p, uint32_t from)
{
    lex_path(&p->lex);
    struct lex_token path = p->lex.token;
    struct str folder = p->file->name;
    if (path.kind != LEX_WORD && path.kind != LEX_STRING)
        return ruletest_expected(p, "the file with the rules");
    if (p->file->rules)
        return ruletest_fail_at(p, from, path.to, "the rules are named already");
    if (memchr(path.text.p, '\0', path.text.n))
        return ruletest_fail_at(p, path.from, path.to, "no file has such a name");
    while (folder.n && folder.p[folder.n - 1] != '/')
        folder.n--;
    if (path.text.n && path.text.p[0] == '/')
        folder.n = 0;
    p->file->rules = arena_printf(p->arena, STR_FMT STR_FMT, STR_ARG(folder), STR_ARG(path.text));
    lex_next(&p->lex);
    return true;
}

static bool parse_time(struct ruletest_parser *p, uint32_t from)
{
    (void)from;
    lex_line(&p->lex);
    struct lex_token time = p->lex.token;
    struct timestamp t;
    if (time.kind != LEX_WORD || !timestamp_parse(&t, time.text))
        return ruletest_expected(p, "a time such as 2026-03-01T12:00:00Z");
    if (t.seconds < 0 || t.seconds >= TIMESTAMP_MAX_SECONDS - 60)
        return ruletest_expected(p, "a time from 1970 to 9999");
    p->scope.time = timestamp_from_us(timestamp_to_us(t) / 1000 * 1000); /* as request.time is */
    lex_next(&p->lex);
    return true;
}

/* NAME = of a let or a principal. */
static bool parse_definition(struct ruletest_parser *p, struct ruletest_name *out)
{
    if (p->lex.token.kind != LEX_WORD)
        return ruletest_expected(p, "a name");
    out->name = p->lex.token.text;
    lex_next(&p->lex);
    return ruletest_take(p, "=");
}

static bool parse_let(struct ruletest_parser *p, uint32_t from)
{
    struct ruletest_name *name = ARENA_NEW(p->arena, struct ruletest_name);
    (void)from;
    if (!parse_definition(p, name) || !data_parse(p, &name->data))
        return false;
    name->prev = p->scope.values;
    p->scope.values = name;
    return true;
}

static bool parse_principal(struct ruletest_parser *p, uint32_t from)
{
    struct ruletest_name *name = ARENA_NEW(p->arena, struct ruletest_name);
    (void)from;
    if (!parse_definition(p, name) || !ruletest_parse_who(p, &name->principal, &name->by_iam))
        return false;
    name->prev = p->scope.principals;
    p->scope.principals = name;
    return true;
}

static bool parse_as(struct ruletest_parser *p, uint32_t from)
{
    (void)from;
    return ruletest_parse_who(p, &p->scope.who, &p->scope.by_iam);
}

static bool parse_given(struct ruletest_parser *p, uint32_t from)
{
    struct ruletest_given *given = ARENA_NEW(p->arena, struct ruletest_given);
    const struct data *data;
    (void)from;
    given->write.operation_case = 1;
    if (!parse_path(p, &given->write.update.name) || !data_parse_object(p, &data) ||
        !data_to_map(p, data, &given->write.update.fields))
        return false;
    given->path = given->write.update.name;
    given->prev = p->scope.given;
    p->scope.given = given;
    return true;
}

static bool parse_test(struct ruletest_parser *p, uint32_t from)
{
    (void)from;
    if (p->lex.token.kind != LEX_STRING || p->lex.token.text.n == 0)
        return ruletest_expected(p, "the name of the test as a string");
    p->test = p->lex.token.text;
    if (p->in_test)
        p->scope = p->outer;
    p->outer = p->scope;
    p->in_test = true;
    lex_next(&p->lex);
    return true;
}

static const struct {
    const char *word;
    bool (*parse)(struct ruletest_parser *p, uint32_t from); /* from: where the word stands */
} statements[] = {
    { "allow", parse_allow }, { "deny", parse_deny }, { "as", parse_as },
    { "given", parse_given }, { "test", parse_test }, { "let", parse_let },
    { "rules", parse_rules }, { "time", parse_time }, { "principal", parse_principal },
};

static bool parse_statement(struct ruletest_parser *p)
{
    uint32_t from = p->lex.token.from;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        if (ruletest_accept(p, statements[i].word))
            return statements[i].parse(p, from) && end_statement(p);
    return ruletest_expected(p, "allow, deny, as, given, test, let, principal, rules or time");
}

enum status_code ruletest_parse(struct ruletest_file *out, struct rules_issue *issue, struct arena *arena,
                                struct str name, struct str text, struct database_name db,
                                struct timestamp now, struct status *st)
{
    static const struct principal anonymous = { .kind = PRINCIPAL_ANONYMOUS, .label = STR_INIT("anonymous") };
    struct ruletest_parser p = { .arena = arena, .file = out, .issue = issue, .db = db };
    *out = (struct ruletest_file){ .name = name, .text = text };
    *issue = (struct rules_issue){ 0 };
    p.scope.who = &anonymous;
    p.scope.time = now;
    if (text.n > RULETEST_MAX_BYTES)
        return status_set(st, STATUS_INVALID_ARGUMENT, "larger than %d bytes", RULETEST_MAX_BYTES);
    lex_init(&p.lex, arena, text);
    skip_newlines(&p);
    while (p.lex.token.kind != LEX_END && parse_statement(&p))
        ;
    if (!issue->description)
        return STATUS_OK;
    return status_set(st, STATUS_INVALID_ARGUMENT, STR_FMT ":%u:%u: %s", STR_ARG(name), issue->line,
                      issue->column, issue->description);
}
