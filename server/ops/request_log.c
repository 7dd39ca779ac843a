/* request_log.c - see request_log.h. One write(2) a line on an O_APPEND file: lines never mix. */
#include "server/ops/request_log.h"

#include "core/clock.h"
#include "core/codec.h"
#include "core/log.h"
#include "server/rpc/rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 * 1024 };

struct request_log {
    int fd;
    const char *path;
    atomic_bool failed;
};

enum status_code request_log_open(struct request_log **out, const char *path, struct status *st)
{
    *out = NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return status_set(st, STATUS_FAILED_PRECONDITION, "--request-log %s: %s", path, strerror(errno));
    struct request_log *log = calloc(1, sizeof *log);
    if (!log)
        abort();
    log->fd = fd;
    log->path = path;
    *out = log;
    return STATUS_OK;
}

void request_log_close(struct request_log *log)
{
    if (!log)
        return;
    close(log->fd);
    free(log);
}

void request_log_write(struct request_log *log, const struct call *call)
{
    struct buf line;
    char time[TIMESTAMP_TEXT_MAX];
    buf_init(&line, LINE_MAX_BYTES);
    timestamp_text(time, timestamp_from_us(clock_wall_us()));
    buf_printf(&line, "{\"time\":\"%s\"", time);
    json_write_member(&line, "request_id", call->request_id);
    json_write_member(&line, "transport", str_of(call->notes.transport));
    json_write_member(&line, "rpc", str_of(call->rpc->name));
    json_write_member(&line, "principal", call->principal.label);
    json_write_member(&line, "decision", str_of(call->notes.decision.by));
    json_write_member(&line, "code", str_of(status_name(call->status.code)));
    buf_printf(&line, ",\"http_status\":%d,\"duration_us\":%" PRId64, status_http(call->status.code),
               call->notes.total_ns / 1000);
    if (call->notes.first_seq)
        buf_printf(&line, ",\"entries\":[%" PRIu64 ",%" PRIu64 "]", call->notes.first_seq, call->notes.last_seq);
    json_write_member(&line, "peer", call->notes.peer);
    buf_printf(&line, ",\"connection\":%" PRIu64, call->notes.connection);
    json_write_member(&line, "user_agent", call->notes.user_agent);
    buf_z(&line, "}\n");
    if (!line.overflowed && write(log->fd, line.data, line.len) != (ssize_t)line.len &&
        !atomic_exchange(&log->failed, true))
        log_error("--request-log %s: %s; lines are missing from here on", log->path, strerror(errno));
    buf_dispose(&line);
}
