/* bare_nghttp2.c - the ceiling for gRPC: the simplest h2c server that nghttp2 allows.
 *
 *   bare_nghttp2 PORT      (0: any; prints "PORT")
 * Every request is read to its end and answered with headers, one gRPC message of 700 bytes and trailers.
 * One thread, epoll, one send a round and connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE = 700, BUFFER = 64 * 1024 };

struct conn {
    int fd;
    nghttp2_session *session;
};

static unsigned char frame[5 + MESSAGE];

static nghttp2_nv nv(const char *name, const char *value)
{
    return (nghttp2_nv){ (uint8_t *)(size_t)name, (uint8_t *)(size_t)value, strlen(name), strlen(value),
                         NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE };
}

static ssize_t read_message(nghttp2_session *session, int32_t stream, uint8_t *to, size_t max,
                            uint32_t *flags, nghttp2_data_source *source, void *user)
{
    nghttp2_nv trailer = nv("grpc-status", "0");
    (void)max;
    (void)source;
    (void)user;
    memcpy(to, frame, sizeof frame);
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, stream, &trailer, 1);
    return sizeof frame;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *f, void *user)
{
    (void)user;
    if ((f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA) &&
        (f->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
        nghttp2_nv headers[] = { nv(":status", "200"), nv("content-type", "application/grpc") };
        nghttp2_data_provider provider = { .read_callback = read_message };
        nghttp2_submit_response(session, f->hd.stream_id, headers, 2, &provider);
    }
    return 0;
}

static void end(struct conn *c)
{
    nghttp2_session_del(c->session);
    close(c->fd);
    free(c);
}

static void serve(struct conn *c)
{
    static unsigned char buffer[BUFFER * 2];
    ssize_t n = recv(c->fd, buffer, BUFFER, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || nghttp2_session_mem_recv(c->session, buffer, (size_t)n) < 0) {
        end(c);
        return;
    }
    for (;;) {
        size_t filled = 0;
        const uint8_t *bytes;
        while (filled < BUFFER && (n = nghttp2_session_mem_send(c->session, &bytes)) > 0) {
            memcpy(buffer + filled, bytes, (size_t)n);
            filled += (size_t)n;
        }
        if (!filled)
            return;
        /* Load generators read what they asked for: a full socket does not happen. */
        if (send(c->fd, buffer, filled, MSG_NOSIGNAL) != (ssize_t)filled) {
            end(c);
            return;
        }
    }
}

static void add(int epoll, int fd)
{
    struct conn *c = calloc(1, sizeof *c);
    nghttp2_session_callbacks *callbacks;
    nghttp2_settings_entry setting = { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 250 };
    int one = 1;
    if (!c)
        return;
    c->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_server_new(&c->session, callbacks, c);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, &setting, 1);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct epoll_event events[64], listening = { .events = EPOLLIN };
    socklen_t size = sizeof address;
    int one = 1, epoll = epoll_create1(0), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    memset(frame, 'x', sizeof frame);
    memcpy(frame, "\0\0\0\2\xBC", 5);
    address.sin_port = htons((uint16_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 0));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 1024) != 0) {
        perror("bare_nghttp2");
        return 1;
    }
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &listening);
    for (;;) {
        int n = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr) {
                serve(events[i].data.ptr);
                continue;
            }
            int accepted;
            while ((accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0)
                add(epoll, accepted);
        }
    }
}
