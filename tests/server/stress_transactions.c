/* stress_transactions.c [ROUNDS [SEED]] - 32 clients at once, and a serial model as the judge.
 *
 * Each client makes ROUNDS requests of its own choice: bank transfers (in transactions and by update times),
 * counters (increments and read-modify-write), names that must be unique (created when a query finds none),
 * writes that verify another document, sums of one snapshot. What every committed request had read and what
 * it wrote is kept; afterwards all of it is replayed in the order of commit times through a plain array, and
 * each read must be what the array holds at that moment. That is serializability, in the order that the
 * commit times claim: a lost update, a phantom or a torn snapshot is a read that differs. At the end no lock
 * may be left.
 *
 * Exit 0, or 1 with the first read that differs. */
#include "server/loopback.h"
#include "server/service/transaction.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    CLIENTS = 32,
    ACCOUNTS = 8,
    COUNTERS = 3,
    FIRST_COUNTER = ACCOUNTS,
    FIRST_NAME = ACCOUNTS + COUNTERS, /* one document a client: the name it has claimed */
    DOCS = FIRST_NAME + CLIENTS,
    NAMES = 12, /* fewer than clients: they get into each other's way */
    BALANCE = 1000,
    MAX_TRIES = 400,      /* of one request: "bounded retries" */
    MAX_READS = ACCOUNTS, /* of one request; a name that many have is found out before */
    MAX_WRITES = 2,
};

#define DB "\"database\":\"projects/p/databases/(default)\""
#define ROOT "projects/p/databases/(default)/documents"

/* A document as somebody saw or left it. */
struct seen {
    int doc;
    bool exists;
    long n;
    char update_time[40];
};

/* One request that succeeded. */
struct deed {
    const char *what;
    int client;
    int64_t time_us; /* of its commit, or of the snapshot it read */
    bool snapshot;
    struct seen reads[MAX_READS];
    int n_reads;
    int asked_name; /* a query for this name, whose answer the reads are; -1: none */
    struct seen writes[MAX_WRITES];
    int n_writes;
    bool increments; /* the write is one more than what was there, unread */
};

struct client {
    int index;
    uint64_t random;
    struct deed *deeds;
    int n_deeds, rounds;
    int tries, most_tries, aborted;
};

static struct loopback L;
static pthread_mutex_t print_mutex = PTHREAD_MUTEX_INITIALIZER;

static _Noreturn void fail(const char *what, const char *text)
{
    pthread_mutex_lock(&print_mutex);
    fprintf(stderr, "stress_transactions: %s: %s\n", what, text);
    exit(1);
}

static int pick(struct client *c, int n)
{
    c->random = c->random * 6364136223846793005u + 1442695040888963407u;
    return (int)((c->random >> 33) % (uint64_t)n);
}

/* ---- documents as text ---- */

static const char *path_of(int doc, char out[32])
{
    if (doc < FIRST_COUNTER)
        snprintf(out, 32, "account/%d", doc);
    else if (doc < FIRST_NAME)
        snprintf(out, 32, "counter/%d", doc - FIRST_COUNTER);
    else
        snprintf(out, 32, "name/%d", doc - FIRST_NAME);
    return out;
}

static int doc_of(const char *path)
{
    int i;
    if (sscanf(path, "account/%d", &i) == 1)
        return i;
    if (sscanf(path, "counter/%d", &i) == 1)
        return FIRST_COUNTER + i;
    if (sscanf(path, "name/%d", &i) == 1)
        return FIRST_NAME + i;
    fail("no document of ours", path);
}

static void copy_text(char *out, size_t size, const char *line, const char *key)
{
    const char *at = strstr(line, key);
    size_t n = at ? strcspn(at + strlen(key), "\"") : 0;
    snprintf(out, size, "%.*s", (int)n, at ? at + strlen(key) : "");
}

/* The documents in an answer: one a line, found, missing or the result of a query. */
static int read_seen(struct seen *out, const struct answer *a)
{
    int n = 0;
    for (const char *line = a->json; *line; line += strcspn(line, "\n") + 1) {
        char text[1024];
        snprintf(text, sizeof text, "%.*s", (int)strcspn(line, "\n"), line);
        const char *path = strstr(text, ROOT "/");
        if (!path)
            continue;
        char number[32];
        copy_text(number, sizeof number, text, "\"integerValue\":\"");
        if (n == MAX_READS)
            fail("more documents than anybody asked for", a->json);
        struct seen *s = &out[n++];
        *s = (struct seen){ .doc = doc_of(path + strlen(ROOT "/")),
                            .exists = number[0],
                            .n = strtol(number, NULL, 10) };
        copy_text(s->update_time, sizeof s->update_time, text, "\"updateTime\":\"");
    }
    return n;
}

static int64_t time_of(struct answer *a, const char *key)
{
    struct timestamp t;
    if (!timestamp_parse(&t, str_of(answer_text(a, key))))
        fail("no time", a->json);
    return timestamp_to_us(t);
}

/* ---- requests ---- */

/* Lengths are known: a body holds at most DOCS names. */
struct body {
    char text[8192];
    size_t n;
};
__attribute__((format(printf, 2, 3))) static void add(struct body *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(b->text + b->n, sizeof b->text - b->n, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof b->text - b->n)
        fail("body too long", b->text);
    b->n += (size_t)n;
}

static void add_documents(struct body *b, const int *docs, int n)
{
    char path[32];
    add(b, "{" DB ",\"documents\":[");
    for (int i = 0; i < n; i++)
        add(b, "%s\"" ROOT "/%s\"", i ? "," : "", path_of(docs[i], path));
    add(b, "]");
}

static void add_write(struct body *b, const struct seen *w, const char *precondition)
{
    char path[32];
    path_of(w->doc, path);
    add(b, b->text[b->n - 1] == '[' ? "{" : ",{");
    if (w->exists)
        add(b, "\"update\":{\"name\":\"" ROOT "/%s\",\"fields\":{\"n\":{\"integerValue\":\"%ld\"}}}", path,
            w->n);
    else
        add(b, "\"delete\":\"" ROOT "/%s\"", path);
    if (precondition)
        add(b, ",\"currentDocument\":{\"updateTime\":\"%s\"}", precondition);
    add(b, "}");
}

static struct answer *ask(const char *rpc, const struct body *b)
{
    return loopback_ask(&L, rpc, "owner", b->text);
}

/* True when the answer is OK; false when it was lost to somebody else and is worth another try. */
static bool succeeded(struct client *c, const char *what, struct answer *a)
{
    if (a->code == STATUS_OK)
        return true;
    if (a->code != STATUS_ABORTED && a->code != STATUS_FAILED_PRECONDITION)
        fail(what, a->message);
    c->aborted++;
    return false;
}

/* The deed to fill in; it counts once done() is called. */
static struct deed *begin(struct client *c, const char *what)
{
    struct deed *d = &c->deeds[c->n_deeds];
    *d = (struct deed){ .what = what, .client = c->index, .asked_name = -1 };
    return d;
}

static void done(struct client *c, struct deed *d, struct answer *a, const char *time_key)
{
    d->time_us = time_of(a, time_key);
    c->n_deeds++;
}

static bool commit(struct client *c, struct deed *d, const char *transaction,
                   const char *const preconditions[])
{
    struct body b = { 0 };
    add(&b, "{" DB ",\"writes\":[");
    for (int i = 0; i < d->n_writes; i++)
        add_write(&b, &d->writes[i], preconditions ? preconditions[i] : NULL);
    add(&b, "]");
    if (transaction)
        add(&b, ",\"transaction\":\"%s\"", transaction);
    add(&b, "}");
    struct answer *a = ask("Commit", &b);
    bool ok = succeeded(c, d->what, a);
    if (ok)
        done(c, d, a, "\"commitTime\":\"");
    answer_free(a);
    return ok;
}

static void rollback(const char *transaction)
{
    struct body b = { 0 };
    add(&b, "{" DB ",\"transaction\":\"%s\"}", transaction);
    answer_free(ask("Rollback", &b));
}

static void read_documents(struct deed *d, char transaction[64], const int *docs, int n, const char *selector)
{
    struct body b = { 0 };
    add_documents(&b, docs, n);
    add(&b, "%s}", selector);
    struct answer *a = ask("BatchGetDocuments", &b);
    if (a->code)
        fail(d->what, a->message);
    d->n_reads = read_seen(d->reads, a);
    if (d->n_reads != n)
        fail("not every document came back", a->json);
    snprintf(transaction, 64, "%s", answer_text(a, "\"transaction\":\""));
    d->time_us = time_of(a, "\"readTime\":\"");
    answer_free(a);
}

/* The same documents read by one call each, all at once, in a transaction that was begun before. */
static void read_at_once(struct deed *d, char transaction[64], const int *docs, int n)
{
    struct body b = { 0 };
    add(&b, "{" DB "}");
    struct answer *a = ask("BeginTransaction", &b), *reads[MAX_WRITES];
    snprintf(transaction, 64, "%s", answer_text(a, "\"transaction\":\""));
    answer_free(a);
    for (int i = 0; i < n; i++) {
        char path[32];
        b.n = 0;
        add(&b, "{\"name\":\"" ROOT "/%s\",\"transaction\":\"%s\"}", path_of(docs[i], path), transaction);
        reads[i] = loopback_send(&L, "GetDocument", "owner", b.text);
    }
    for (int i = 0; i < n; i++) {
        answer_wait(reads[i]);
        if (reads[i]->code)
            fail(d->what, reads[i]->message);
        struct seen one[MAX_READS];
        if (read_seen(one, reads[i]) != 1)
            fail("not one document", reads[i]->json);
        d->reads[d->n_reads++] = one[0];
        answer_free(reads[i]);
    }
}

/* ---- what clients do; true: it is done ---- */

static void two_accounts(struct client *c, int docs[2])
{
    docs[0] = pick(c, ACCOUNTS);
    docs[1] = (docs[0] + 1 + pick(c, ACCOUNTS - 1)) % ACCOUNTS;
}

static void move_money(struct client *c, struct deed *d)
{
    long amount = 1 + pick(c, 5);
    d->n_writes = 2;
    for (int i = 0; i < 2; i++)
        d->writes[i] = (struct seen){ .doc = d->reads[i].doc,
                                      .exists = true,
                                      .n = d->reads[i].n + (i ? amount : -amount) };
}

static bool transfer(struct client *c)
{
    int docs[2];
    char transaction[64];
    struct deed *d = begin(c, "transfer");
    two_accounts(c, docs);
    if (pick(c, 2))
        read_documents(d, transaction, docs, 2, ",\"newTransaction\":{\"readWrite\":{}}");
    else
        read_at_once(d, transaction, docs, 2);
    move_money(c, d);
    return commit(c, d, transaction, NULL);
}

static bool transfer_by_update_time(struct client *c)
{
    int docs[2];
    char none[64];
    struct deed *d = begin(c, "transfer by update time");
    two_accounts(c, docs);
    read_documents(d, none, docs, 2, "");
    move_money(c, d);
    return commit(c, d, NULL, (const char *const[]){ d->reads[0].update_time, d->reads[1].update_time });
}

static bool count_in_transaction(struct client *c)
{
    char transaction[64];
    int doc = FIRST_COUNTER + pick(c, COUNTERS);
    struct deed *d = begin(c, "count in a transaction");
    read_documents(d, transaction, &doc, 1, ",\"newTransaction\":{\"readWrite\":{}}");
    d->n_writes = 1;
    d->writes[0] = (struct seen){ .doc = doc, .exists = true, .n = d->reads[0].n + 1 };
    return commit(c, d, transaction, NULL);
}

static bool increment(struct client *c)
{
    struct body b = { 0 };
    char path[32], result[32];
    struct deed *d = begin(c, "increment");
    int doc = FIRST_COUNTER + pick(c, COUNTERS);
    add(&b,
        "{" DB ",\"writes\":[{\"update\":{\"name\":\"" ROOT
        "/%s\"},\"updateMask\":{},\"updateTransforms\":[{\"fieldPath\":\"n\","
        "\"increment\":{\"integerValue\":\"1\"}}]}]}",
        path_of(doc, path));
    struct answer *a = ask("Commit", &b);
    bool ok = succeeded(c, d->what, a);
    if (ok) {
        copy_text(result, sizeof result, a->json, "\"integerValue\":\"");
        d->increments = true;
        d->n_writes = 1;
        d->writes[0] = (struct seen){ .doc = doc, .exists = true, .n = strtol(result, NULL, 10) };
        done(c, d, a, "\"commitTime\":\"");
    }
    answer_free(a);
    return ok;
}

/* Writes a counter only if an account is what it was when it was read. */
static bool write_beside_verify(struct client *c)
{
    struct body b = { 0 };
    char none[64], account[32];
    struct deed *d = begin(c, "write beside a verify");
    int doc = pick(c, ACCOUNTS);
    read_documents(d, none, &doc, 1, "");
    d->n_writes = 1;
    d->writes[0] = (struct seen){ .doc = FIRST_NAME + c->index, .exists = true, .n = NAMES + d->reads[0].n };
    add(&b, "{" DB ",\"writes\":[");
    add_write(&b, &d->writes[0], NULL);
    add(&b, ",{\"verify\":\"" ROOT "/%s\",\"currentDocument\":{\"updateTime\":\"%s\"}}]}",
        path_of(doc, account), d->reads[0].update_time);
    struct answer *a = ask("Commit", &b);
    bool ok = succeeded(c, d->what, a);
    if (ok)
        done(c, d, a, "\"commitTime\":\"");
    answer_free(a);
    return ok;
}

static struct answer *query_names(int name, const char *selector)
{
    struct body b = { 0 };
    add(&b,
        "{\"parent\":\"" ROOT
        "\",\"structuredQuery\":{\"from\":[{\"collectionId\":\"name\"}],\"where\":{\"fieldFilter\":{"
        "\"field\":{\"fieldPath\":\"n\"},\"op\":\"EQUAL\",\"value\":{\"integerValue\":\"%d\"}}}}%s}",
        name, selector);
    return ask("RunQuery", &b);
}

/* Takes a name if nobody has it. */
static bool claim_name(struct client *c)
{
    char transaction[64];
    struct deed *d = begin(c, "claim a name");
    d->asked_name = pick(c, NAMES);
    struct answer *a = query_names(d->asked_name, ",\"newTransaction\":{\"readWrite\":{}}");
    if (a->code)
        fail(d->what, a->message);
    d->n_reads = read_seen(d->reads, a);
    snprintf(transaction, sizeof transaction, "%s", answer_text(a, "\"transaction\":\""));
    answer_free(a);
    if (d->n_reads) {
        rollback(transaction);
        return true;
    }
    d->n_writes = 1;
    d->writes[0] = (struct seen){ .doc = FIRST_NAME + c->index, .exists = true, .n = d->asked_name };
    return commit(c, d, transaction, NULL);
}

static bool give_name_back(struct client *c)
{
    struct deed *d = begin(c, "give a name back");
    d->n_writes = 1;
    d->writes[0] = (struct seen){ .doc = FIRST_NAME + c->index };
    return commit(c, d, NULL, NULL);
}

/* All accounts in one snapshot: the newest, or that of the client's last commit. */
static bool sum(struct client *c)
{
    int docs[ACCOUNTS];
    char transaction[64], selector[160] = ",\"newTransaction\":{\"readOnly\":{}}";
    struct deed *d = begin(c, "sum");
    for (int i = 0; i < ACCOUNTS; i++)
        docs[i] = i;
    if (c->n_deeds && pick(c, 2)) {
        char then[TIMESTAMP_TEXT_MAX];
        timestamp_text(then, timestamp_from_us(c->deeds[c->n_deeds - 1].time_us));
        snprintf(selector, sizeof selector, ",\"newTransaction\":{\"readOnly\":{\"readTime\":\"%s\"}}", then);
    }
    read_documents(d, transaction, docs, ACCOUNTS, selector);
    d->snapshot = true;
    c->n_deeds++;
    rollback(transaction);
    return true;
}

static bool look_for_name(struct client *c)
{
    struct deed *d = begin(c, "look for a name");
    d->asked_name = pick(c, NAMES);
    struct answer *a = query_names(d->asked_name, "");
    if (a->code)
        fail(d->what, a->message);
    d->n_reads = read_seen(d->reads, a);
    d->snapshot = true;
    done(c, d, a, "\"readTime\":\"");
    answer_free(a);
    return true;
}

static bool (*const requests[])(struct client *) = {
    transfer,
    transfer,
    transfer_by_update_time,
    count_in_transaction,
    increment,
    write_beside_verify,
    claim_name,
    claim_name,
    give_name_back,
    sum,
    look_for_name,
};
enum { REQUESTS = sizeof requests / sizeof *requests };

static void *run_client(void *data)
{
    struct client *c = data;
    for (int i = 0; i < c->rounds; i++) {
        bool (*request)(struct client *) = requests[pick(c, REQUESTS)];
        int tries = 1;
        for (; !request(c); tries++) {
            if (tries == MAX_TRIES)
                fail("a request was lost too often", c->deeds[c->n_deeds].what);
            /* As clients do: a pause that grows, and differs from the others'. */
            struct timespec pause = { 0, 1000 * (1 + pick(c, 200 * (tries < 50 ? tries : 50))) };
            nanosleep(&pause, NULL);
        }
        c->most_tries = tries > c->most_tries ? tries : c->most_tries;
    }
    return NULL;
}

/* ---- the judge ---- */

static int by_time(const void *a, const void *b)
{
    const struct deed *x = *(const struct deed *const *)a, *y = *(const struct deed *const *)b;
    if (x->time_us != y->time_us)
        return x->time_us < y->time_us ? -1 : 1;
    return (int)x->snapshot - (int)y->snapshot; /* a snapshot shows what was committed at its time */
}

static _Noreturn void differs(const struct deed *d, const struct seen *read, const struct seen *model)
{
    char text[256], path[32];
    snprintf(text, sizeof text, "client %d at %lld read %s as %s%ld, where a serial run has %s%ld", d->client,
             (long long)d->time_us, path_of(read->doc, path), read->exists ? "" : "missing ", read->n,
             model->exists ? "" : "missing ", model->n);
    fail(d->what, text);
}

static void judge_query(const struct deed *d, const struct seen model[DOCS])
{
    int expected = 0;
    for (int i = FIRST_NAME; i < DOCS; i++)
        expected += model[i].exists && model[i].n == d->asked_name;
    if (expected != d->n_reads) {
        char text[128];
        snprintf(text, sizeof text, "client %d found name %d %d times, a serial run %d times", d->client,
                 d->asked_name, d->n_reads, expected);
        fail(d->what, text);
    }
    if (expected > 1)
        fail(d->what, "a name that must be unique is there twice");
}

static void judge(const struct deed *d, struct seen model[DOCS])
{
    for (int i = 0; i < d->n_reads; i++) {
        const struct seen *read = &d->reads[i], *is = &model[read->doc];
        if (read->exists != is->exists || (read->exists && read->n != is->n))
            differs(d, read, is);
    }
    if (d->asked_name >= 0)
        judge_query(d, model);
    if (d->increments && d->writes[0].n != model[d->writes[0].doc].n + 1)
        differs(d, &d->writes[0], &model[d->writes[0].doc]);
    for (int i = 0; i < d->n_writes; i++)
        model[d->writes[i].doc] = d->writes[i];
}

static void judge_all(struct client *clients, int n_clients)
{
    struct seen model[DOCS] = { 0 };
    size_t n = 0;
    for (int i = 0; i < n_clients; i++)
        n += (size_t)clients[i].n_deeds;
    const struct deed **all = malloc(n * sizeof *all);
    n = 0;
    for (int i = 0; i < n_clients; i++)
        for (int j = 0; j < clients[i].n_deeds; j++)
            all[n++] = &clients[i].deeds[j];
    qsort(all, n, sizeof *all, by_time);
    for (size_t i = 0; i < n; i++)
        judge(all[i], model);
    long total = 0;
    for (int i = 0; i < ACCOUNTS; i++)
        total += model[i].n;
    if (total != (long)ACCOUNTS * BALANCE)
        fail("the accounts", "money was made or lost");
    free(all);
}

/* ---- the run ---- */

static void open_accounts(struct client *c)
{
    for (int i = 0; i < FIRST_NAME; i++) {
        struct deed *d = begin(c, "open");
        d->n_writes = 1;
        d->writes[0] = (struct seen){ .doc = i, .exists = true, .n = i < ACCOUNTS ? BALANCE : 0 };
        commit(c, d, NULL, NULL);
    }
}

/* Nothing is left that would keep anybody waiting. */
static void check_no_lock_is_left(struct client *c)
{
    if (transactions_count(L.server.transactions))
        fail("at the end", "a transaction is still open");
    c->aborted = 0;
    for (int i = 0; i < DOCS; i++) {
        struct deed *d = begin(c, "write at the end");
        d->n_writes = 1;
        d->writes[0] = (struct seen){ .doc = i, .exists = true };
        if (!commit(c, d, NULL, NULL))
            fail("at the end", "a document is still locked");
        c->n_deeds--;
    }
}

static struct client new_client(int index, int rounds, uint64_t seed)
{
    return (struct client){
        .index = index,
        .random = seed * 1000003 + (uint64_t)index,
        .rounds = rounds,
        .deeds = calloc((size_t)rounds + FIRST_NAME + 1, sizeof(struct deed)),
    };
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 60;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct client clients[CLIENTS + 1];
    pthread_t threads[CLIENTS];
    loopback_open(&L, NULL);
    for (int i = 0; i <= CLIENTS; i++)
        clients[i] = new_client(i, rounds, seed);
    open_accounts(&clients[CLIENTS]);
    for (int i = 0; i < CLIENTS; i++)
        if (pthread_create(&threads[i], NULL, run_client, &clients[i]))
            fail("pthread_create", "failed");
    int deeds = 0, aborted = 0, most = 0;
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        deeds += clients[i].n_deeds;
        aborted += clients[i].aborted;
        most = clients[i].most_tries > most ? clients[i].most_tries : most;
    }
    judge_all(clients, CLIENTS + 1);
    check_no_lock_is_left(&clients[CLIENTS]);
    printf("%d clients, %d requests judged, %d tries lost, at most %d tries for one\n", CLIENTS, deeds,
           aborted, most);
    for (int i = 0; i <= CLIENTS; i++)
        free(clients[i].deeds);
    loopback_close(&L);
    return 0;
}
