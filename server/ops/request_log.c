/* request_log.c - see request_log.h.
 *
 * Two locks: `mutex` for the lines taken, held for a copy; `writing` for the file, so that who finds nothing
 * left to flush still waits for the thread that is writing it. Order: writing -> mutex. */
#include "server/ops/request_log.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"
#include "server/ops/request_fields.h"
#include "server/ops/request_record.h"
#include "server/rpc/rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LINE_ROOM = 1024,          /* most lines fit */
    PENDING_FULL = 256 * 1024, /* then whoever adds a line writes them */
    PENDING_MAX = 16 * 1024 * 1024,
    OPEN_FLAGS = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
};

struct request_log {
    int fd;
    const char *path; /* NULL: standard output */
    enum audit_scope audit;
    struct request_redaction redaction;
    atomic_bool failed;
    pthread_t flusher;

    pthread_mutex_t writing; /* guards written, and the order of lines in the file */
    struct buf written;

    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t wake;
    struct buf pending;
    bool closing;
};

/* ---- writing ---- */

static bool write_all(int fd, const unsigned char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

void request_log_flush(struct request_log *log)
{
    pthread_mutex_lock(&log->writing);
    pthread_mutex_lock(&log->mutex);
    struct buf lines = log->pending;
    log->pending = log->written;
    pthread_mutex_unlock(&log->mutex);
    if (!write_all(log->fd, lines.data, lines.len) && !atomic_exchange(&log->failed, true))
        log_error("--request-log %s: %s; lines are missing from here on", log->path ? log->path : "-",
                  strerror(errno));
    buf_clear(&lines);
    log->written = lines;
    pthread_mutex_unlock(&log->writing);
}

/* For lines that nobody waits for. */
static void *flush_now_and_then(void *data)
{
    struct request_log *log = data;
    thread_serves("request-log");
    pthread_mutex_lock(&log->mutex);
    while (!log->closing) {
        if (!log->pending.len) {
            pthread_cond_wait(&log->wake, &log->mutex);
            continue;
        }
        pthread_mutex_unlock(&log->mutex);
        usleep(REQUEST_LOG_DELAY_MS * 1000);
        request_log_flush(log);
        pthread_mutex_lock(&log->mutex);
    }
    pthread_mutex_unlock(&log->mutex);
    return NULL;
}

/* ---- taking a line ---- */

static bool is_denied(const struct call *call)
{
    return call->status.code == STATUS_PERMISSION_DENIED || call->status.code == STATUS_UNAUTHENTICATED;
}

static bool is_wanted(const struct request_log *log, const struct call *call)
{
    switch (log->audit) {
    case AUDIT_ALL:
        return true;
    case AUDIT_WRITES:
        return call->rpc->writes || is_denied(call);
    case AUDIT_DENIED:
        return is_denied(call);
    }
    return true;
}

bool request_log_add(struct request_log *log, const struct call *call)
{
    struct buf line;
    if (!is_wanted(log, call))
        return false;
    buf_init(&line, REQUEST_RECORD_MAX);
    buf_reserve(&line, LINE_ROOM);
    bool whole = request_record_write(&line, call, &log->redaction);
    pthread_mutex_lock(&log->mutex);
    bool first = !log->pending.len;
    whole = whole && buf_str(&log->pending, buf_view(&line));
    bool full = log->pending.len >= PENDING_FULL;
    pthread_mutex_unlock(&log->mutex);
    buf_dispose(&line);
    if (!whole && !atomic_exchange(&log->failed, true))
        log_error("--request-log: a record of more than %d KiB was left out", REQUEST_RECORD_MAX / 1024);
    if (first)
        pthread_cond_signal(&log->wake);
    if (full)
        request_log_flush(log);
    return call->rpc->writes || is_denied(call);
}

/* ---- the file ---- */

void request_log_reopen(struct request_log *log)
{
    int saved = errno;
    int fd = log->path ? open(log->path, OPEN_FLAGS, 0600) : -1;
    if (fd >= 0) {
        dup3(fd, log->fd, O_CLOEXEC); /* in one step: no line falls between the two files */
        close(fd);
    }
    errno = saved;
}

static void set_redaction(struct request_log *log, const struct options *options)
{
    clock_random(log->redaction.salt, sizeof log->redaction.salt);
    for (size_t i = 0; i < options->n_audit_redact; i++)
        log->redaction.fields |= UINT64_C(1) << request_field_by_name(options->audit_redact[i]);
}

enum status_code request_log_open(struct request_log **out, const struct options *options, struct status *st)
{
    const char *path = options->request_log;
    bool standard_output = strcmp(path, "-") == 0;
    *out = NULL;
    int fd = standard_output ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, OPEN_FLAGS, 0600);
    if (fd < 0)
        return status_set(st, STATUS_FAILED_PRECONDITION, "--request-log %s: %s", path, strerror(errno));
    struct request_log *log = calloc(1, sizeof *log);
    if (!log)
        abort();
    log->fd = fd;
    log->path = standard_output ? NULL : path;
    log->audit = options->audit;
    set_redaction(log, options);
    buf_init(&log->pending, PENDING_MAX);
    buf_init(&log->written, PENDING_MAX);
    pthread_mutex_init(&log->writing, NULL);
    pthread_mutex_init(&log->mutex, NULL);
    pthread_cond_init(&log->wake, NULL);
    int error = pthread_create(&log->flusher, NULL, flush_now_and_then, log);
    if (error) {
        close(fd);
        free(log);
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "cannot start a thread: %s", strerror(error));
    }
    *out = log;
    return STATUS_OK;
}

void request_log_close(struct request_log *log)
{
    if (!log)
        return;
    pthread_mutex_lock(&log->mutex);
    log->closing = true;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->mutex);
    pthread_join(log->flusher, NULL);
    request_log_flush(log);
    close(log->fd);
    buf_dispose(&log->pending);
    buf_dispose(&log->written);
    pthread_mutex_destroy(&log->writing);
    pthread_mutex_destroy(&log->mutex);
    pthread_cond_destroy(&log->wake);
    free(log);
}
