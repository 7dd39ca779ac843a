/* app.c - the server put together and taken apart: what serve and exec have in common. */
#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"
#include "server/cli/cli.h"
#include "server/faults/faults.h"
#include "server/faults/quota.h"
#include "server/net/net.h"
#include "server/ops/expect.h"
#include "server/ops/feed.h"
#include "server/ops/metrics.h"
#include "server/ops/request_log.h"
#include "server/ops/rules_file.h"
#include "server/ops/seed.h"
#include "server/ops/summary.h"
#include "server/rpc/rpc.h"
#include "server/server.h"
#include "server/service/listen_hub.h"
#include "server/service/rulesets.h"
#include "server/service/transaction.h"
#include "server/service/write_memory.h"
#include "server/transport/http.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GRACE_MS = 1500, SUMMARY_MAX = 4 * 1024 * 1024 };

struct app {
    struct options options;
    struct server server;
    struct arena *arena;
    struct net_listener *listeners;
    size_t n_listeners;
    const struct net_listener *feed_listener; /* of --websocket_port; NULL: not given, or the main port's number */
    struct transport *transport;
    pthread_t loop;
    bool looping;
    struct rules_watch *watch;
    const char *rules_path, *rules_why;
    struct seed seed;
    bool progress_shown;
    atomic_bool fatal;
};

/* ---- opening ---- */

static void show_progress(void *data, const char *what, uint64_t done, uint64_t total)
{
    struct app *app = data;
    readiness_step(&app->server.readiness, what, done, total);
    if (!isatty(STDERR_FILENO))
        return;
    app->progress_shown = true;
    if (total)
        fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 " (%d%%) ", what, done, total,
                (int)(done * 100 / total));
    else
        fprintf(stderr, "\r%s: %" PRIu64 " ", what, done);
    fflush(stderr);
}

static void store_failed(void *data, const char *why)
{
    struct app *app = data;
    log_error("the ledger cannot go on: %s. Stopping; start again to see what was kept.", why);
    atomic_store(&app->fatal, true);
    net_stop(app->server.net);
}

/* The answers of a batch of commits go out together. The net is opened before the store and closed after it.
 */
static void answering(void *data, bool begins)
{
    struct app *app = data;
    if (begins) {
        net_hold(app->server.net);
        call_hold(&app->server);
    } else {
        call_release(&app->server);
        net_release(app->server.net);
    }
}

static void on_batch(void *data, const struct store_batch *batch)
{
    struct app *app = data;
    metrics_batch(app->server.metrics, batch);
}

static void visible(void *data, uint64_t seq)
{
    struct app *app = data;
    (void)seq;
    listen_hub_visible(app->server.listeners);
}

static enum status_code open_store(struct app *app, struct status *st)
{
    struct options *o = &app->options;
    struct store_options so = {
        .data = o->data,
        .durability = o->durability,
        .fresh = o->fresh,
        .allow_reset = o->allow_reset || strcmp(o->data, ":memory:") == 0,
        .record_denied_body = o->record_denied_body,
        .append_only = o->append_only,
        .n_append_only = o->n_append_only,
        .progress = show_progress,
        .progress_data = app,
    };
    enum status_code code = store_open(&app->server.store, &so, st);
    if (app->progress_shown)
        fputc('\n', stderr);
    if (code == STATUS_OK) {
        store_on_fatal(app->server.store, store_failed, app);
        struct store_observer observer = {
            .visible = visible, .batch = on_batch, .answering = answering, .data = app
        };
        store_observe(app->server.store, observer);
    }
    return code;
}

static enum status_code open_rules(struct app *app, struct status *st)
{
    struct ruleset *ruleset;
    if (app->options.stands_in && !app->options.rules)
        return STATUS_OK;
    if (rules_file_find(&app->rules_path, &app->rules_why, app->arena, app->options.rules, st))
        return st->code;
    if (!app->rules_path)
        return STATUS_OK;
    if (rules_file_load(&ruleset, app->rules_path, st))
        return st->code;
    rules_install(&app->server, STR(""), ruleset, STR("operator"), st);
    rules_release(ruleset);
    return st->code;
}

/* What of firebase.json and .firebaserc is in force. */
static void tell_folder(const struct options *o)
{
    const struct firebase_folder *folder = &o->folder;
    struct buf said;
    buf_init(&said, 4096);
    if (folder->host && o->host == folder->host)
        buf_printf(&said, ", host %s", folder->host);
    if (folder->port_given && o->port == folder->port)
        buf_printf(&said, ", port %u", (unsigned)folder->port);
    if (folder->rules && !o->rules)
        buf_printf(&said, ", rules %s", folder->rules);
    if (folder->project && options_project(o) == folder->project)
        buf_printf(&said, ", project %s (.firebaserc)", folder->project);
    if (said.len)
        log_info("firebase.json: " STR_FMT, STR_ARG(str_skip(buf_view(&said), 2)));
    if (folder->other_rules && !o->rules)
        log_warn("firebase.json: other databases have rules of their own there; here %s judges all of them", folder->rules);
    buf_dispose(&said);
}

static enum status_code load_seed(struct app *app, struct status *st)
{
    const struct options *o = &app->options;
    app->seed = (struct seed){
        .store = app->server.store,
        .db = { str_of(options_project(o)), STR("(default)") },
        .progress = show_progress,
        .progress_data = app,
    };
    app->progress_shown = false;
    for (size_t i = 0; i < o->n_seed && st->code == STATUS_OK; i++)
        seed_load(&app->seed, o->seed[i].p, st);
    if (app->progress_shown)
        fputc('\n', stderr);
    return st->code;
}

static enum status_code open_faults(struct app *app, struct status *st)
{
    const struct options *o = &app->options;
    struct quota *quota;
    uint64_t id;
    if (quota_new(&quota, o->quota, o->n_quota, st))
        return st->code;
    app->server.faults = faults_new(quota);
    for (size_t i = 0; i < o->n_fault; i++)
        if (faults_add(&id, app->server.faults, o->fault[i], st))
            return st->code;
    return STATUS_OK;
}

/* One more listener, on which owner means what it does on the main one: it has no policy of its own. */
static void open_feed_port(struct app *app)
{
    const struct options *o = &app->options;
    if (!o->websocket_port_given || (o->websocket_port && o->websocket_port == o->port))
        return;
    struct net_listener *l = &app->listeners[app->n_listeners++];
    *l = (struct net_listener){ o->host, o->websocket_port, "--websocket_port" };
    app->feed_listener = l;
}

/* One listener for the main port and one for each PORT of --owner-as, with what owner means on it. */
static enum status_code open_policies(struct app *app, struct status *st)
{
    struct options *o = &app->options;
    size_t most = 2 + o->n_owner_as;
    app->listeners = ARENA_ARRAY(app->arena, struct net_listener, most);
    app->server.policies = ARENA_ARRAY(app->arena, struct owner_policy, most);
    app->listeners[0] = (struct net_listener){ .host = o->host, .port = o->port };
    app->n_listeners = 1;
    struct owner_policy *main_policy = &app->server.policies[0];
    main_policy->iam = IAM_ALL;
    if (o->owner_iam) {
        struct stat ignored;
        main_policy->iam_given = true;
        if (stat(o->owner_iam, &ignored) == 0 ? iam_parse_file(&main_policy->iam, o->owner_iam, st)
                                              : iam_parse_list(&main_policy->iam, str_of(o->owner_iam), st))
            return st->code;
    }
    for (size_t i = 0; i < o->n_owner_as; i++) {
        size_t at = o->owner_as[i].port ? app->n_listeners++ : 0;
        struct owner_policy *policy = &app->server.policies[at];
        if (at == 0 && policy->as_user)
            return status_set(
                st, STATUS_INVALID_ARGUMENT,
                "--owner-as: the main port was given two principals; write PORT=FILE for the second");
        policy->iam = IAM_ALL;
        if (at)
            app->listeners[at] = (struct net_listener){ o->host, o->owner_as[i].port, "--owner-as" };
        if (owner_policy_read(policy, app->arena, o->owner_as[i].file, st))
            return st->code;
    }
    if (o->owner_iam && main_policy->as_user)
        return status_set(
            st, STATUS_INVALID_ARGUMENT,
            "--owner-as and --owner-iam exclude each other on one port: rules or IAM decide, not both");
    app->server.n_policies = app->n_listeners;
    open_feed_port(app);
    return STATUS_OK;
}

static enum status_code open_net(struct app *app, struct status *st)
{
    struct options *o = &app->options;
    struct transport_options to = {
        .server = &app->server,
        .allow_origin = o->allow_origin,
        .n_allow_origin = o->n_allow_origin,
        .allow_host = o->allow_host,
        .n_allow_host = o->n_allow_host,
        .bind_host = o->host,
        .policies = app->server.policies,
        .n_policies = app->server.n_policies,
    };
    app->transport = transport_new(&to);
    struct net_options no = {
        .listeners = app->listeners,
        .n_listeners = app->n_listeners,
        .max_body = TRANSPORT_MAX_BODY,
        .handler = transport_handler(app->transport),
    };
    return net_open(&app->server.net, &no, st);
}

static void *serve(void *data)
{
    thread_serves("net-loop");
    net_run(data, GRACE_MS);
    return NULL;
}

/* The loop runs before there is anything to serve: probes hear how far the start is (readiness.h). */
static enum status_code start_loop(struct app *app, struct status *st)
{
    int error = pthread_create(&app->loop, NULL, serve, app->server.net);
    app->looping = error == 0;
    return error ? status_set(st, STATUS_RESOURCE_EXHAUSTED, "cannot start a thread: %s", strerror(error))
                 : STATUS_OK;
}

/* Returns when the loop has ended, by app_stop. */
static void join_loop(struct app *app)
{
    if (app->looping)
        pthread_join(app->loop, NULL);
    app->looping = false;
}

static int exit_code_of(const char *stage, const struct status *st)
{
    if (strcmp(stage, "net") == 0)
        return strstr(status_message(st), "already in use") ? EXIT_PORT_IN_USE : EXIT_RUNTIME;
    if (strcmp(stage, "store") == 0 || strcmp(stage, "seed") == 0)
        return st->code == STATUS_INVALID_ARGUMENT ? EXIT_USAGE : EXIT_DATA;
    return EXIT_USAGE;
}

static enum status_code write_port_file(struct app *app, struct status *st)
{
    const char *path = app->options.port_file;
    if (!path)
        return STATUS_OK;
    /* Written aside and renamed: whoever waits for the file never reads half a number. */
    char *aside = arena_printf(app->arena, "%s.%ld", path, (long)getpid());
    FILE *f = fopen(aside, "w");
    bool ok = f && fprintf(f, "%u\n", (unsigned)app->listeners[0].port) > 0;
    ok = f && fclose(f) == 0 && ok;
    if (!ok || rename(aside, path) != 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "--port-file %s: %s", path, strerror(errno));
    return STATUS_OK;
}

struct app *app_open(const struct options *options, int *exit_code)
{
    struct app *app = calloc(1, sizeof *app);
    if (!app)
        abort();
    struct arena *arena = app->arena = arena_new();
    struct status st = status_init(arena);
    const char *stage = "options";
    app->options = *options;
    struct server *server = &app->server;
    server->options = &app->options;
    server->rules = rules_registry_new();
    server->listeners = listen_hub_new(server);
    server->write_memory = write_memory_new();
    server->feed = feed_new(options->websocket_port_given);
    server->summary = summary_new();
    server->metrics = metrics_new();
    server->expectations = expect_new(options->expect, options->n_expect);
    summary_patterns(server->summary, app->options.append_only);
    log_set_json(app->options.log_json);
    tell_folder(&app->options);
    signal(SIGPIPE, SIG_IGN);
    if (open_policies(app, &st) || open_faults(app, &st))
        goto failed;
    if (app->options.request_log && request_log_open(&server->request_log, &app->options, &st))
        goto failed;
    stage = "net"; /* before the store: a port that is taken must not cost a recovery first */
    if (open_net(app, &st) || start_loop(app, &st))
        goto failed;
    stage = "store";
    if (open_store(app, &st))
        goto failed;
    stage = "rules";
    if (open_rules(app, &st))
        goto failed;
    stage = "seed";
    if (load_seed(app, &st))
        goto failed;
    stage = "workers";
    if (pool_open(&server->pool, app->options.workers, server->store, &st))
        goto failed;
    server->transactions = transactions_new(server->pool);
    if (app->rules_path)
        app->watch = rules_watch_start(server, app->rules_path);
    readiness_done(&server->readiness);
    transport_ready(app->transport);
    stage = "port file"; /* last: whoever waits for it finds the server ready */
    if (write_port_file(app, &st))
        goto failed;
    *exit_code = EXIT_OK;
    return app;
failed:
    *exit_code = cli_fail(exit_code_of(stage, &st), "%s", status_message(&st));
    app->options.summary = NULL;
    app_close(app);
    return NULL;
}

uint16_t app_port(const struct app *app)
{
    return app->listeners[0].port;
}

static const char *shown_host(const struct app *app)
{
    const char *h = app->options.host;
    return strcmp(h, "localhost") == 0 ? "127.0.0.1" : h;
}

static void announce_store(const struct app *app)
{
    struct store_info info;
    store_get_info(app->server.store, &info);
    const char *durability = app->options.durability == STORE_DURABILITY_POWER
                                 ? "power (survives a power cut)"
                                 : "process (survives kill -9)";
    if (info.in_memory)
        printf("Ledger: in memory, gone at exit (--data DIR keeps it)\n");
    else if (info.entries_at_open)
        printf("Ledger: %s, %" PRIu64 " entries from earlier runs (--fresh starts empty), durability %s\n",
               info.path, info.entries_at_open, durability);
    else
        printf("Ledger: %s, new, durability %s\n", info.path, durability);
}

static void announce_seed(const struct app *app)
{
    const struct seed *seed = &app->seed;
    if (app->options.n_seed)
        printf("Example data: %" PRIu64 " documents created in project " STR_FMT ", %" PRIu64
               " were there already\n",
               seed->created, STR_ARG(seed->db.project), seed->kept);
}

void app_announce(const struct app *app)
{
    const char *host = shown_host(app);
    const char *open = strchr(host, ':') ? "[" : "", *close = *open ? "]" : "";
    unsigned port = app_port(app);
    announce_store(app);
    announce_seed(app);
    if (app->rules_path)
        printf("Rules: %s (%s), watched\n", app->rules_path, app->rules_why);
    else
        printf("Rules: none found, everything is allowed to everyone (--rules FILE)\n");
    for (size_t i = 0; i < app->options.n_append_only; i++)
        printf("Append-only: " STR_FMT "\n", STR_ARG(app->options.append_only[i]));
    for (size_t i = 0; i < app->options.n_fault; i++)
        printf("Fault %zu: " STR_FMT "\n", i + 1, STR_ARG(app->options.fault[i]));
    for (size_t i = 0; i < app->options.n_quota; i++)
        printf("Quota of each database: " STR_FMT "\n", STR_ARG(app->options.quota[i]));
    for (size_t i = 1; i < app->server.n_policies; i++)
        printf("Owner on port %u: " STR_FMT "\n", (unsigned)app->listeners[i].port,
               STR_ARG(app->server.policies[i].user.label));
    if (app->feed_listener)
        printf("Requests feed: ws://%s%s%s:%u/requests\n", open, host, close, (unsigned)app->feed_listener->port);
    printf("API endpoint: http://%s%s%s:%u\n", open, host, close, port);
    printf("If you are using a library that supports the FIRESTORE_EMULATOR_HOST environment variable, "
           "run:\n\n");
    printf("   export FIRESTORE_EMULATOR_HOST=%s%s%s:%u\n\n", open, host, close, port);
    printf("Dev App Server is now running.\n");
    fflush(stdout);
}

/* ---- running ---- */

static struct app *running; /* for the signal handler */

static void on_signal(int number)
{
    static volatile sig_atomic_t seen;
    if (seen++)
        _exit(128 + number);
    app_stop(running);
}

void app_stop(struct app *app)
{
    atomic_store(&app->server.stopping, true);
    net_stop(app->server.net);
}

/* The file was moved aside: go on in a new one. */
static void on_hangup(int number)
{
    (void)number;
    request_log_reopen(running->server.request_log);
}

void app_run(struct app *app, bool handle_signals)
{
    running = app;
    if (app->server.request_log) {
        struct sigaction action = { .sa_handler = on_hangup, .sa_flags = SA_RESTART };
        sigemptyset(&action.sa_mask);
        sigaction(SIGHUP, &action, NULL);
    }
    if (handle_signals) {
        struct sigaction action = { .sa_handler = on_signal };
        sigemptyset(&action.sa_mask);
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
    }
    join_loop(app);
    if (app->server.request_log)
        signal(SIGHUP, SIG_IGN); /* it is about to be closed */
    atomic_store(&app->server.stopping, true);
}

/* ---- closing ---- */

static void print_summary(struct app *app)
{
    struct buf out;
    buf_init(&out, SUMMARY_MAX);
    if (summary_print(&out, &app->server, isatty(STDERR_FILENO)))
        fwrite(out.data, 1, out.len, stderr);
    buf_clear(&out);
    if (app->options.summary && summary_json(&out, &app->server)) {
        FILE *f = fopen(app->options.summary, "w");
        if (!f || fwrite(out.data, 1, out.len, f) != out.len)
            log_warn("--summary %s: %s", app->options.summary, strerror(errno));
        if (f)
            fclose(f);
    }
    buf_dispose(&out);
}

int app_close(struct app *app)
{
    struct server *server = &app->server;
    bool served = server->transactions != NULL;
    int code = EXIT_OK;
    if (app->looping) /* nobody let it run: the command of exec did not start */
        app_stop(app);
    join_loop(app);
    rules_watch_stop(app->watch);
    pool_close(server->pool);
    store_close(server->store);
    transactions_free(server->transactions);
    if (served) {
        print_summary(app);
        if (app->options.fail_if_unexercised && summary_unexercised(server->summary))
            code = EXIT_RUNTIME;
        if (!expect_met(server->expectations))
            code = EXIT_RUNTIME;
        if (app->options.port_file)
            unlink(app->options.port_file);
    }
    if (atomic_load(&app->fatal))
        code = EXIT_DATA;
    net_close(server->net);
    transport_free(app->transport);
    rules_registry_free(server->rules);
    listen_hub_free(server->listeners);
    write_memory_free(server->write_memory);
    summary_free(server->summary);
    metrics_free(server->metrics);
    faults_free(server->faults);
    feed_free(server->feed);
    request_log_close(server->request_log);
    expect_free(server->expectations);
    arena_free(app->arena);
    free(app);
    return code;
}

int app_serve(const struct options *options, const char *also)
{
    int code;
    struct app *app = app_open(options, &code);
    if (!app)
        return code;
    app_announce(app);
    if (also)
        fprintf(stderr, "%s\n", also);
    app_run(app, true);
    return app_close(app);
}
