/* http_client.c - see http_client.h. */
#include "server/cli/http_client.h"

#include "core/clock.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 * 1024 * 1024 };

static int connect_to(const char *host, uint16_t port, int wait_ms)
{
    char service[8];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
    snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(host, service, &hints, &list) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    int fd = -1;
    struct timeval wait = { .tv_sec = wait_ms / 1000, .tv_usec = (wait_ms % 1000) * 1000 };
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
        if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            int error = errno;
            close(fd);
            errno = error;
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

static bool send_all(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Where the body begins; 0: not yet there. */
static size_t head_length(const struct buf *answer)
{
    const char *end = answer->len ? memmem(answer->data, answer->len, "\r\n\r\n", 4) : NULL;
    return end ? (size_t)(end - (const char *)answer->data) + 4 : 0;
}

/* Google's emulator says how long its answer is and leaves the connection open, whatever it was asked. */
static bool is_complete(const struct buf *answer)
{
    static const char name[] = "\r\ncontent-length:";
    size_t head = head_length(answer);
    for (size_t i = 0; i + sizeof name < head; i++)
        if (strncasecmp((const char *)answer->data + i, name, sizeof name - 1) == 0)
            return answer->len - head >= strtoul((const char *)answer->data + i + sizeof name - 1, NULL, 10);
    return false;
}

static bool receive_all(int fd, struct buf *out)
{
    char piece[16384];
    while (!is_complete(out)) {
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n == 0)
            return true;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || !buf_put(out, piece, (size_t)n))
            return false;
    }
    return true;
}

enum status_code http_ask(int *http_status, struct buf *body, const char *host, uint16_t port, const char *method,
                          const char *target, struct str content, int wait_ms, struct status *st)
{
    struct buf request, answer;
    buf_init(&request, 8192 + content.n);
    buf_init(&answer, ANSWER_MAX);
    int fd = connect_to(host, port, wait_ms);
    buf_printf(&request, "%s %s HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n", method, target);
    if (content.n)
        buf_printf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", content.n);
    buf_z(&request, "\r\n");
    buf_str(&request, content);
    if (fd < 0 || !send_all(fd, (const char *)request.data, request.len) || !receive_all(fd, &answer)) {
        status_set(st, STATUS_UNAVAILABLE, "%s", errno == EAGAIN ? "no answer in time" : strerror(errno));
        goto out;
    }
    size_t head = head_length(&answer);
    if (head < 12 || memcmp(answer.data, "HTTP/1.", 7) != 0) {
        status_set(st, STATUS_UNAVAILABLE, "the answer is not HTTP");
        goto out;
    }
    *http_status = (answer.data[9] - '0') * 100 + (answer.data[10] - '0') * 10 + (answer.data[11] - '0');
    if (body)
        buf_put(body, answer.data + head, answer.len - head);
out:
    if (fd >= 0)
        close(fd);
    buf_dispose(&request);
    buf_dispose(&answer);
    return st->code;
}

enum status_code http_get(int *http_status, struct buf *body, const char *host, uint16_t port, const char *target,
                          int wait_ms, struct status *st)
{
    return http_ask(http_status, body, host, port, "GET", target, STR(""), wait_ms, st);
}
