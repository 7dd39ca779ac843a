/* write_memory.c - see write_memory.h. */
#include "server/service/write_memory.h"

#include "core/clock.h"
#include "core/limits.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    struct kept *next;
    uint64_t number;
    unsigned char digest[SHA256_SIZE];
    size_t n;
    char answer[];
};

struct write_past {
    struct write_past *next; /* from the one that was left last */
    bool open;               /* a call has it */
    char id[2 * 8 + 1];
    char *database, *who;
    enum principal_kind kind;
    uint64_t newest; /* number of the last accepted batch */
    struct kept *first, *last;
    size_t n, bytes;
};

struct write_memory {
    pthread_mutex_t lock;
    struct write_past *streams;
};

static void *must(void *memory)
{
    if (!memory) {
        fprintf(stderr, "cinderlog: out of memory; stopping\n");
        abort();
    }
    return memory;
}

static char *copy_of(struct str s)
{
    char *copy = must(malloc(s.n + 1));
    if (s.n)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

struct write_memory *write_memory_new(void)
{
    struct write_memory *memory = must(calloc(1, sizeof *memory));
    pthread_mutex_init(&memory->lock, NULL);
    return memory;
}

/* ---- the answers of a stream ---- */

static void drop_first(struct write_past *past)
{
    struct kept *k = past->first;
    past->first = k->next;
    if (!past->first)
        past->last = NULL;
    past->n--;
    past->bytes -= k->n;
    free(k);
}

static void free_past(struct write_past *past)
{
    while (past->first)
        drop_first(past);
    free(past->database);
    free(past->who);
    free(past);
}

/* False: it is no number. */
static bool read_token(uint64_t *number, struct str token)
{
    *number = 0;
    if (token.n == 0 || token.n > 19)
        return false;
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] < '0' || token.p[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(token.p[i] - '0');
    }
    return true;
}

struct str write_past_id(const struct write_past *past)
{
    return str_of(past->id);
}

void write_past_acknowledge(struct write_past *past, struct str token, uint64_t given)
{
    uint64_t number;
    if (!read_token(&number, token) || number > given)
        return;
    while (past->first && past->first->number <= number)
        drop_first(past);
}

void write_past_add(struct write_past *past, uint64_t number, const unsigned char digest[SHA256_SIZE],
                    struct str answer)
{
    struct kept *k = must(malloc(sizeof *k + answer.n));
    *k = (struct kept){ .number = number, .n = answer.n };
    memcpy(k->digest, digest, SHA256_SIZE);
    if (answer.n)
        memcpy(k->answer, answer.p, answer.n);
    *(past->last ? &past->last->next : &past->first) = k;
    past->last = k;
    past->newest = number;
    past->n++;
    past->bytes += k->n;
    while (past->n > LIMIT_WRITE_KEPT || past->bytes > LIMIT_WRITE_KEPT_BYTES)
        drop_first(past);
}

enum status_code write_past_find(struct str *answer, const struct write_past *past, uint64_t number,
                                 const unsigned char digest[SHA256_SIZE], struct status *st)
{
    const struct kept *k = past->first;
    *answer = (struct str){ 0 };
    while (k && k->number != number)
        k = k->next;
    if (!k)
        return STATUS_OK;
    if (memcmp(k->digest, digest, SHA256_SIZE) != 0)
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "batch %llu of this stream was accepted before with other writes",
                          (unsigned long long)number);
    *answer = (struct str){ k->answer, k->n };
    return STATUS_OK;
}

/* ---- streams ---- */

/* Those that broke, beyond the limit, oldest first. */
static void forget_some(struct write_memory *memory)
{
    size_t broken = 0;
    for (struct write_past **at = &memory->streams; *at;) {
        struct write_past *past = *at;
        broken += !past->open;
        if (past->open || broken <= LIMIT_WRITE_BROKEN) {
            at = &past->next;
            continue;
        }
        *at = past->next;
        free_past(past);
    }
}

static void unlink_past(struct write_memory *memory, const struct write_past *past)
{
    struct write_past **at = &memory->streams;
    while (*at != past)
        at = &(*at)->next;
    *at = past->next;
}

struct write_past *write_memory_begin(struct write_memory *memory, struct str database,
                                      const struct principal *who)
{
    unsigned char random[8];
    struct write_past *past = must(calloc(1, sizeof *past));
    past->open = true;
    past->database = copy_of(database);
    past->who = copy_of(who->label);
    past->kind = who->kind;
    clock_random(random, sizeof random);
    hex_print(past->id, random, sizeof random);
    pthread_mutex_lock(&memory->lock);
    past->next = memory->streams;
    memory->streams = past;
    pthread_mutex_unlock(&memory->lock);
    return past;
}

/* Whether all answers after a token are there. */
static enum status_code check_token(uint64_t *number, const struct write_past *past, struct str token,
                                    struct status *st)
{
    if (!read_token(number, token) || *number > past->newest)
        return status_set(st, STATUS_OUT_OF_RANGE, "this stream has not given this stream_token");
    if (*number < past->newest && (!past->first || past->first->number > *number + 1))
        return status_set(st, STATUS_OUT_OF_RANGE, "what came after this stream_token is not kept any more");
    return STATUS_OK;
}

enum status_code write_memory_resume(struct write_past **out, uint64_t *number, struct write_memory *memory,
                                     struct str database, const struct principal *who, struct str id,
                                     struct str token, struct status *st)
{
    pthread_mutex_lock(&memory->lock);
    struct write_past *past = memory->streams;
    while (past && !(str_eq_z(id, past->id) && str_eq_z(database, past->database) &&
                     past->kind == who->kind && str_eq_z(who->label, past->who)))
        past = past->next;
    *out = NULL;
    if (!past)
        status_set(st, STATUS_NOT_FOUND, "there is no such stream_id any more; begin a new stream");
    else if (past->open)
        status_set(st, STATUS_ABORTED, "the stream with this stream_id is still open; try again");
    else if (check_token(number, past, token, st) == STATUS_OK)
        *out = past;
    if (*out)
        past->open = true;
    pthread_mutex_unlock(&memory->lock);
    return st->code;
}

void write_memory_leave(struct write_memory *memory, struct write_past *past, bool broken)
{
    if (!past)
        return;
    pthread_mutex_lock(&memory->lock);
    unlink_past(memory, past);
    past->open = false;
    if (broken) {
        past->next = memory->streams;
        memory->streams = past;
        forget_some(memory);
    } else {
        free_past(past);
    }
    pthread_mutex_unlock(&memory->lock);
}

void write_memory_free(struct write_memory *memory)
{
    while (memory && memory->streams) {
        struct write_past *past = memory->streams;
        memory->streams = past->next;
        free_past(past);
    }
    if (memory)
        pthread_mutex_destroy(&memory->lock);
    free(memory);
}
