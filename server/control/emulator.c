/* emulator.c - the HTTP endpoints of Google's emulator beside the API: rules, clearing, reset, shutdown.
 *
 * Shapes and texts observed on Google's emulator 1.19.9. None needs a token; with --lock-control those that
 * change something are refused. */
#include "server/control/control.h"

#include "core/codec.h"
#include "core/limits.h"
#include "server/auth/claims.h"
#include "server/net/net.h"
#include "server/ops/rules_file.h"
#include "server/service/listen_hub.h"
#include "server/service/rulesets.h"
#include "server/service/transaction.h"
#include "server/single_project.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_FILES = 20, ANSWER_MAX = 16 * 1024 * 1024 };

bool control_locked(struct http_call *call)
{
    if (!call->server->options->lock_control)
        return false;
    struct status st = status_init(call->arena);
    status_set(&st, STATUS_PERMISSION_DENIED, "control requests are refused on this server (--lock-control)");
    http_reply_status(call, &st);
    return true;
}

static bool of_other_project(struct http_call *call, struct str project)
{
    struct status st = status_init(call->arena);
    if (single_project_check(call->server->options, project, &st) == STATUS_OK)
        return false;
    http_reply_status(call, &st);
    return true;
}

/* Scripts poll it to learn when they may begin, so it is not yet Ok while the server starts. */
void control_root(struct http_call *call)
{
    bool ready = readiness_reached(&call->server->readiness);
    http_reply_text(call, ready ? 200 : 503, ready ? "Ok\n" : "starting\n");
}

/* ---- securityRules ---- */

static void put_issue(struct buf *out, const struct rules_issue *issue)
{
    buf_z(out, "{\"sourcePosition\":{");
    const char *comma = "";
    if (issue->file.n) {
        buf_z(out, "\"fileName\":");
        json_write_string(out, issue->file);
        comma = ",";
    }
    /* proto3-JSON: zeros are left out. */
    const struct {
        const char *key;
        uint32_t value;
    } numbers[] = { { "line", issue->line },
                    { "column", issue->column },
                    { "currentOffset", issue->offset },
                    { "endOffset", issue->end_offset } };
    for (size_t i = 0; issue->has_position && i < sizeof numbers / sizeof numbers[0]; i++) {
        if (!numbers[i].value)
            continue;
        buf_printf(out, "%s\"%s\":%u", comma, numbers[i].key, numbers[i].value);
        comma = ",";
    }
    buf_z(out, "},\"description\":");
    json_write_string(out, str_of(issue->description));
    buf_printf(out, ",\"severity\":\"%s\"}", issue->severity == RULES_ERROR ? "ERROR" : "WARNING");
}

static void put_issues(struct buf *out, const struct rules_issues *issues)
{
    buf_z(out, "\"issues\":[");
    for (size_t i = 0; i < issues->n; i++) {
        buf_z(out, i ? "," : "");
        put_issue(out, &issues->items[i]);
    }
    buf_z(out, "]");
}

static enum status_code bad_payload(struct status *st, const char *why)
{
    return status_set(st, STATUS_INVALID_ARGUMENT, "Payload isn't valid for request. %s", why);
}

/* {"rules":{"files":[{"name","content"}]},"ignore_errors":bool}. The texts borrow from body and arena. */
static enum status_code parse_put(struct rules_file *files, size_t *n, bool *ignore_errors,
                                  struct arena *arena, struct str body, struct status *st)
{
    struct value_map root;
    struct status json = status_init(NULL);
    const struct value *rules = NULL, *list = NULL;
    *n = 0;
    *ignore_errors = false;
    if (claims_parse(&root, arena, body, &json))
        return bad_payload(st, "body: not a JSON object");
    for (size_t i = 0; i < root.n; i++) {
        struct str key = root.items[i].name;
        const struct value *value = &root.items[i].value;
        if (str_eq_z(key, "rules"))
            rules = value;
        else if (str_eq_z(key, "ignore_errors") || str_eq_z(key, "ignoreErrors"))
            *ignore_errors = value->kind == VALUE_BOOL && value->boolean;
        else
            return bad_payload(st, "body: only \"rules\" and \"ignore_errors\" are known");
    }
    if (rules && rules->kind == VALUE_MAP)
        list = value_map_get(&rules->map, STR("files"));
    if (!list || list->kind != VALUE_ARRAY || list->array.n == 0)
        return bad_payload(st, "rules.files: a list with at least one file is needed");
    if (list->array.n > MAX_FILES)
        return bad_payload(st, "rules.files: too many");
    for (size_t i = 0; i < list->array.n; i++) {
        const struct value *file = &list->array.items[i];
        const struct value *content =
            file->kind == VALUE_MAP ? value_map_get(&file->map, STR("content")) : NULL;
        const struct value *name = file->kind == VALUE_MAP ? value_map_get(&file->map, STR("name")) : NULL;
        if (!content || content->kind != VALUE_STRING || (name && name->kind != VALUE_STRING))
            return bad_payload(st, "rules.files: each needs \"content\" and may have \"name\", both strings");
        files[i].content = content->text;
        if (name)
            files[i].name = name->text;
        if (files[i].content.n > LIMIT_RULES_SOURCE_BYTES)
            return bad_payload(st, "rules.files: larger than 1 MiB");
    }
    *n = list->array.n;
    return STATUS_OK;
}

void control_put_rules(struct http_call *call)
{
    struct status st = status_init(call->arena);
    struct rules_file files[MAX_FILES] = { { { 0 }, { 0 } } };
    struct rules_issues issues = { 0 };
    struct ruleset *ruleset = NULL;
    bool ignore_errors;
    size_t n;
    struct buf out;
    buf_init(&out, ANSWER_MAX);
    if (control_locked(call) || of_other_project(call, http_param(call, 0)))
        goto out;
    if (parse_put(files, &n, &ignore_errors, call->arena, call->body, &st)) {
        http_reply_status(call, &st);
        goto out;
    }
    if (rules_compile(&ruleset, files, n, &issues, call->arena, &st) && !ignore_errors) {
        http_reply_status(call, &st);
        goto out;
    }
    status_clear(&st);
    if (ruleset && rules_install(call->server, http_param(call, 0), ruleset, STR("control"), &st)) {
        http_reply_status(call, &st);
        goto out;
    }
    buf_z(&out, "{");
    if (issues.n)
        put_issues(&out, &issues);
    buf_z(&out, "}\n");
    http_reply_json(call, 200, &out);
out:
    rules_release(ruleset);
    buf_dispose(&out);
}

void control_put_ruleset(struct buf *out, const struct ruleset *ruleset, struct arena *arena)
{
    struct rules_issues issues = { 0 };
    struct ruleset *again = NULL;
    struct status st = status_init(arena);
    size_t n;
    const struct rules_file *files = rules_files(ruleset, &n);
    /* Findings are not kept with a ruleset: compiling again finds the same ones. */
    rules_compile(&again, files, n, &issues, arena, &st);
    buf_z(out, "\"rules\":{\"files\":[");
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%s{\"content\":", i ? "," : "");
        json_write_string(out, files[i].content);
        if (files[i].name.n) {
            buf_z(out, ",\"name\":");
            json_write_string(out, files[i].name);
        }
        buf_z(out, "}");
    }
    buf_z(out, "]}");
    if (issues.n) {
        buf_z(out, ",");
        put_issues(out, &issues);
    }
    rules_release(again);
}

void control_get_rules(struct http_call *call)
{
    struct buf out;
    if (of_other_project(call, http_param(call, 0)))
        return;
    struct ruleset *ruleset = rules_registry_get(call->server->rules, http_param(call, 0));
    buf_init(&out, ANSWER_MAX);
    buf_byte(&out, '{');
    control_put_ruleset(&out, ruleset, call->arena);
    buf_z(&out, "}\n");
    http_reply_json(call, 200, &out);
    rules_release(ruleset);
    buf_dispose(&out);
}

/* ---- clearing and resetting: one commit each, answered by its completion ---- */

struct clear {
    struct store_commit commit;
    struct store_op op;
    struct http_call *call;
    const char *text; /* POST /reset: what is answered; NULL: a subtree or database was cleared, {} */
};

static void clear_done(struct store_commit *commit)
{
    struct clear *c = commit->user;
    struct buf out;
    if (commit->status.code) {
        http_reply_status(c->call, &commit->status);
    } else if (c->text) {
        transactions_end_all(c->call->server->transactions);
        rules_registry_forget(c->call->server->rules);
        listen_hub_rules_changed(c->call->server->listeners);
        http_reply_text(c->call, 200, c->text);
    } else {
        buf_init(&out, 16);
        buf_z(&out, "{}\n");
        http_reply_json(c->call, 200, &out);
    }
    http_call_free(c->call);
}

/* The call is freed by clear_done. */
static void submit(struct http_call *call, struct database_name db, enum store_op_kind kind, struct str path,
                   const char *text)
{
    struct clear *c = ARENA_NEW(call->arena, struct clear);
    c->call = call;
    c->text = text;
    c->op = (struct store_op){ .kind = kind, .path = path, .decision = STR("control") };
    c->commit = (struct store_commit){
        .db = db,
        .ops = &c->op,
        .n_ops = 1,
        .principal = STR("control"),
        .done = clear_done,
        .user = c,
        .status = status_init(call->arena),
    };
    http_call_keep(call);
    store_submit(call->server->store, &c->commit);
}

void control_delete_documents(struct http_call *call)
{
    struct status st = status_init(call->arena);
    struct database_name db = { http_param(call, 0), http_param(call, 1) };
    struct str path = http_param(call, 2); /* "" or "c", "c/d", ... decoded */
    struct resource_name name;
    if (control_locked(call) || of_other_project(call, db.project))
        return;
    if (path_parse_resource(&name, path_full(call->arena, db, path), &st)) {
        http_reply_status(call, &st);
        return;
    }
    submit(call, name.db, name.path.n ? STORE_CLEAR_SUBTREE : STORE_EPOCH, name.path, NULL);
}

void control_reset(struct http_call *call)
{
    if (!control_locked(call))
        submit(call, (struct database_name){ 0 }, STORE_EPOCH, STR(""), "Resetting...\n");
}

void control_export(struct http_call *call)
{
    struct status st = status_init(call->arena);
    status_set(&st, STATUS_UNIMPLEMENTED,
               "cinderlog does not export yet; data stays in --data DATA (CINDERLOG_DATA) between runs");
    http_reply_status(call, &st);
}

void control_shutdown(struct http_call *call)
{
    if (control_locked(call))
        return;
    http_reply_text(call, 200, "Shutting down...\n");
    atomic_store(&call->server->stopping, true);
    net_stop(call->server->net);
}
