/* test_net_faults.c - what net_fault does to real sockets, over HTTP/1.1 and HTTP/2. */
#include "server/h2_client.h"
#include "server/net_harness.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static struct harness h;
static struct h2_client c;

static int open_harness(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    return 0;
}

static int close_harness(void **state)
{
    (void)state;
    harness_close(&h);
    return 0;
}

/* ---- HTTP/1.1 ---- */

static int ask(const char *path)
{
    char request[128];
    int fd = dial(&h);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    send_text(fd, request);
    return fd;
}

static void http1_close_ends_the_connection_without_a_byte(void **state)
{
    char byte;
    int fd = ask("/fault/close");
    (void)state;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

static void http1_reset_is_a_reset(void **state)
{
    char byte;
    int fd = ask("/fault/reset");
    (void)state;
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
}

static void http1_truncate_sends_what_there_is_and_no_last_chunk(void **state)
{
    char answer[1024];
    int fd = ask("/fault/truncate");
    (void)state;
    read_to_end(fd, answer, sizeof answer);
    assert_non_null(strstr(answer, "HTTP/1.1 200"));
    assert_non_null(strstr(answer, "half\r\n"));
    assert_null(strstr(answer, "\r\n0\r\n"));
    close(fd);
}

static void http1_goaway_answers_and_then_closes(void **state)
{
    char answer[1024];
    int fd = ask("/fault/goaway");
    (void)state;
    read_to_end(fd, answer, sizeof answer);
    assert_non_null(strstr(answer, "onnection: close\r\n"));
    assert_non_null(strstr(answer, "\r\n\r\nlast"));
    close(fd);
}

static void http1_stall_lets_go_of_a_client_that_closes(void **state)
{
    int fd = ask("/stall");
    (void)state;
    harness_wait(&h.requests, 1);
    close(fd);
    harness_wait(&h.closed, 1);
}

/* ---- HTTP/2 ---- */

static struct h2_stream *get(const char *path)
{
    return h2_send(&c, "GET", path, NULL, NULL, 0, false);
}

static bool is_over(struct h2_client *client, void *data)
{
    (void)data;
    return client->ended;
}

static void http2_close_ends_the_connection_and_what_else_is_on_it(void **state)
{
    (void)state;
    h2_open(&c, dial(&h), 0);
    struct h2_stream *other = get("/hang");
    h2_flush(&c);
    harness_wait(&h.requests, 1);
    struct h2_stream *s = get("/fault/close");
    assert_true(h2_until(&c, is_over, NULL));
    assert_int_equal(s->header_frames, 0);
    assert_int_equal(other->header_frames, 0);
    harness_wait(&h.closed, 1); /* the other's handler is told */
    h2_close(&c);
}

static void http2_reset_is_a_reset(void **state)
{
    char bytes[4096];
    ssize_t n;
    (void)state;
    h2_open(&c, dial(&h), 0);
    get("/fault/reset");
    h2_flush(&c);
    do
        n = recv(c.fd, bytes, sizeof bytes, 0); /* SETTINGS come first */
    while (n > 0);
    assert_int_equal(n, -1);
    assert_int_equal(errno, ECONNRESET);
    h2_close(&c);
}

static void http2_truncate_resets_the_stream_after_its_bytes(void **state)
{
    (void)state;
    h2_open(&c, dial(&h), 0);
    struct h2_stream *s = get("/fault/truncate");
    assert_true(h2_wait(&c, s));
    assert_true(str_eq_z(buf_view(&s->body), "half"));
    assert_int_equal(s->error, NGHTTP2_INTERNAL_ERROR);
    struct h2_stream *next = get("/now"); /* the connection goes on */
    assert_true(h2_wait(&c, next));
    assert_int_equal(next->status, 200);
    h2_close(&c);
}

static void http2_goaway_answers_and_then_ends_the_connection(void **state)
{
    (void)state;
    h2_open(&c, dial(&h), 0);
    struct h2_stream *s = get("/fault/goaway");
    assert_true(h2_wait(&c, s));
    assert_true(str_eq_z(buf_view(&s->body), "last"));
    assert_true(c.goaway);
    assert_true(h2_until(&c, is_over, NULL));
    h2_close(&c);
}

static void http2_stall_lets_go_of_a_client_that_closes(void **state)
{
    (void)state;
    h2_open(&c, dial(&h), 0);
    get("/stall");
    h2_flush(&c);
    harness_wait(&h.requests, 1);
    h2_close(&c);
    harness_wait(&h.closed, 1);
}

#define served(test) cmocka_unit_test_setup_teardown(test, open_harness, close_harness)

int main(void)
{
    const struct CMUnitTest tests[] = {
        served(http1_close_ends_the_connection_without_a_byte),
        served(http1_reset_is_a_reset),
        served(http1_truncate_sends_what_there_is_and_no_last_chunk),
        served(http1_goaway_answers_and_then_closes),
        served(http1_stall_lets_go_of_a_client_that_closes),
        served(http2_close_ends_the_connection_and_what_else_is_on_it),
        served(http2_reset_is_a_reset),
        served(http2_truncate_resets_the_stream_after_its_bytes),
        served(http2_goaway_answers_and_then_ends_the_connection),
        served(http2_stall_lets_go_of_a_client_that_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
