/* test_net_http2.c - HTTP/2 with prior knowledge over real sockets: windows, trailers, resets, floods, ends.
 */
#include "core/limits.h"
#include "server/h2_client.h"
#include "server/net_harness.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct harness h;
static struct h2_client c;

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 }, NULL);
}

static void expect_body(const struct h2_stream *s, const char *body)
{
    assert_int_equal(s->status, 200);
    assert_true(str_eq_z(buf_view(&s->body), body));
}

static void answers_from_either_thread(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    h2_open(&c, dial(&h), 0);
    for (int i = 0; i < 20; i++) {
        struct h2_stream *a = h2_send(&c, "GET", "/now", NULL, NULL, 0, false);
        struct h2_stream *b = h2_send(&c, "GET", "/later", NULL, NULL, 0, false);
        struct h2_stream *e = h2_send(&c, "POST", "/echo", NULL, "abc", 3, false);
        assert_true(h2_wait(&c, a) && h2_wait(&c, b) && h2_wait(&c, e));
        expect_body(a, "now");
        expect_body(b, "later");
        expect_body(e, "abc");
        assert_string_equal(h2_header(&e->headers, "content-length"), "3");
    }
    h2_close(&c);
    harness_close(&h);
}

static void the_preface_may_come_byte_by_byte(void **state)
{
    (void)state;
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    harness_start(&h, NULL);
    int fd = dial(&h), other = dial(&h);
    for (size_t i = 0; i < 24; i++) {
        send_all(fd, preface + i, 1);
        send_text(other, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_answer(other, 200, "now");
    }
    /* An empty SETTINGS frame completes the client's side; ours has answered with its own. */
    send_all(fd, "\0\0\0\4\0\0\0\0\0", 9);
    unsigned char frame[9];
    assert_int_equal(recv(fd, frame, 9, MSG_WAITALL), 9);
    assert_int_equal(frame[3], 4);
    close(fd);
    close(other);
    harness_close(&h);
}

static void a_bad_preface_is_an_http1_error(void **state)
{
    (void)state;
    char all[4096];
    harness_start(&h, NULL);
    int fd = dial(&h);
    send_text(fd, "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    read_to_end(fd, all, sizeof all);
    assert_true(all[0] == '\0' || strncmp(all, "HTTP/1.", 7) == 0);
    close(fd);
    assert_int_equal(atomic_load(&h.heads), 0);
    harness_close(&h);
}

static void junk_after_the_preface_ends_the_connection(void **state)
{
    (void)state;
    char all[4096];
    harness_start(&h, NULL);
    for (int i = 0; i < 3; i++) {
        int fd = dial(&h);
        send_text(fd, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        if (i == 0)
            send_text(fd, "GET / HTTP/1.1\r\n\r\nand more of what is no frame at all");
        else if (i == 1)
            send_all(fd, "\xFF\xFF\xFF\1\0\0\0\0\1", 9); /* a frame of 16 MiB */
        else
            send_all(fd, "\0\0\1\0\0\0\0\0\1x", 10); /* DATA before SETTINGS */
        read_to_end(fd, all, sizeof all);
        close(fd);
    }
    harness_close(&h);
}

static void many_streams_at_once(void **state)
{
    (void)state;
    enum { N = 240 };
    static struct h2_stream *streams[N];
    harness_start(&h, NULL);
    h2_open(&c, dial(&h), 0);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < N; i++)
            streams[i] = h2_send(&c, "POST", i % 2 ? "/echo" : "/bytes/3000", NULL, "x", 1, false);
        for (int i = 0; i < N; i++) {
            assert_true(h2_wait(&c, streams[i]));
            assert_int_equal(streams[i]->body.len, i % 2 ? 1 : 3000);
        }
    }
    h2_close(&c);
    harness_close(&h);
}

static void ten_megabytes_go_in_and_out_through_windows(void **state)
{
    (void)state;
    enum { SIZE = 10 * 1024 * 1024 };
    char *body = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        body[i] = (char)('a' + i % 26);
    harness_start(&h, NULL);
    for (int i = 0; i < 2; i++) {
        /* 300 bytes: every DATA frame waits for a WINDOW_UPDATE; then less is sent. */
        size_t n = i ? 100000 : SIZE;
        h2_open(&c, dial(&h), i ? 300 : 0);
        struct h2_stream *s = h2_send(&c, "POST", "/echo", NULL, body, n, false);
        assert_true(h2_wait(&c, s));
        assert_int_equal(s->status, 200);
        assert_int_equal(s->body.len, n);
        assert_memory_equal(s->body.data, body, n);
        h2_close(&c);
    }
    harness_close(&h);
    free(body);
}

static void a_body_over_the_maximum_is_answered_and_stopped(void **state)
{
    (void)state;
    enum { SIZE = 30 * 1024 * 1024 };
    char *body = calloc(1, SIZE);
    harness_start(&h, NULL);
    h2_open(&c, dial(&h), 0);
    struct h2_stream *s = h2_send(&c, "POST", "/echo", NULL, body, SIZE, false);
    assert_true(h2_wait(&c, s));
    assert_int_equal(s->status, 413);
    assert_true(s->send_n > 0);
    struct h2_stream *next = h2_send(&c, "GET", "/now", NULL, NULL, 0, false);
    assert_true(h2_wait(&c, next));
    expect_body(next, "now");
    h2_close(&c);
    harness_close(&h);
    free(body);
}

static void streams_end_with_trailers_and_wait_for_the_reader(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    h2_open(&c, dial(&h), 0);
    struct h2_stream *s = h2_send(&c, "GET", "/stream/400/65536", NULL, NULL, 0, false);
    h2_flush(&c);
    sleep_ms(300); /* without reading: the window and the harness hold it back */
    struct h2_stream *other = h2_send(&c, "GET", "/now", NULL, NULL, 0, false);
    assert_true(h2_wait(&c, other));
    assert_true(h2_wait(&c, s));
    assert_int_equal(s->body.len, 400 * 65536);
    assert_int_equal(s->header_frames, 2);
    assert_string_equal(h2_header(&s->trailers, "x-end"), "yes");
    assert_true(atomic_load(&h.most_pending) <= 256 * 1024 + 65536);
    h2_close(&c);
    harness_close(&h);
}

static bool has_parts(struct h2_client *client, void *data)
{
    (void)client;
    return ((struct h2_stream *)data)->body.len >= 5;
}

static void bodies_can_be_streamed_both_ways(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    h2_open(&c, dial(&h), 0);
    struct h2_stream *s = h2_send(&c, "POST", "/parts", NULL, "hello", 5, true);
    assert_true(h2_until(&c, has_parts, s)); /* before the request has ended */
    assert_false(s->closed);
    s->send = (const unsigned char *)" world";
    s->send_n = 6;
    s->keep_open = false;
    nghttp2_session_resume_data(c.session, s->id);
    assert_true(h2_wait(&c, s));
    expect_body(s, "hello world");
    h2_close(&c);
    harness_close(&h);
}

static void a_reset_is_told_and_others_go_on(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    h2_open(&c, dial(&h), 0);
    struct h2_stream *hang = h2_send(&c, "GET", "/hang", NULL, NULL, 0, false);
    struct h2_stream *stream = h2_send(&c, "GET", "/stream/100000/65536", NULL, NULL, 0, false);
    h2_flush(&c);
    harness_wait(&h.requests, 2);
    nghttp2_submit_rst_stream(c.session, 0, hang->id, NGHTTP2_CANCEL);
    nghttp2_submit_rst_stream(c.session, 0, stream->id, NGHTTP2_CANCEL);
    h2_flush(&c);
    harness_wait(&h.closed, 2);
    struct h2_stream *next = h2_send(&c, "GET", "/later", NULL, NULL, 0, false);
    assert_true(h2_wait(&c, next));
    expect_body(next, "later");
    h2_close(&c);
    harness_close(&h);
}

static void a_lost_connection_is_told_to_every_stream(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    h2_open(&c, dial(&h), 0);
    for (int i = 0; i < 30; i++)
        h2_send(&c, "GET", "/hang", NULL, NULL, 0, false);
    h2_flush(&c);
    harness_wait(&h.requests, 30);
    h2_close(&c);
    harness_wait(&h.closed, 30);
    harness_close(&h);
}

static void abort_is_a_reset_of_one_stream(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    h2_open(&c, dial(&h), 0);
    struct h2_stream *s = h2_send(&c, "GET", "/abort", NULL, NULL, 0, false);
    assert_true(h2_wait(&c, s));
    assert_int_equal(s->error, NGHTTP2_CANCEL);
    struct h2_stream *next = h2_send(&c, "GET", "/now", NULL, NULL, 0, false);
    assert_true(h2_wait(&c, next));
    h2_close(&c);
    assert_int_equal(atomic_load(&h.closed), 0);
    harness_close(&h);
}

static bool never(struct h2_client *client, void *data)
{
    (void)client;
    (void)data;
    return false;
}

static bool ponged(struct h2_client *client, void *data)
{
    (void)data;
    return client->pings >= 3;
}

static void pings_are_answered(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    h2_open(&c, dial(&h), 0);
    for (int i = 0; i < 3; i++)
        nghttp2_submit_ping(c.session, 0, NULL);
    assert_true(h2_until(&c, ponged, NULL));
    h2_close(&c);
    harness_close(&h);
}

static void too_many_or_too_large_headers_are_431(void **state)
{
    (void)state;
    static char names[150][16];
    static const char *headers[310];
    char *big = malloc(40001);
    memset(big, 'v', 40000);
    big[40000] = '\0';
    harness_start(&h, NULL);
    h2_open(&c, dial(&h), 0);
    for (int i = 0; i < 150; i++) {
        snprintf(names[i], sizeof names[i], "h%d", i);
        headers[2 * i] = names[i];
        headers[2 * i + 1] = "v";
    }
    struct h2_stream *many = h2_send(&c, "GET", "/now", headers, NULL, 0, false);
    assert_true(h2_wait(&c, many));
    assert_int_equal(many->status, 431);
    const char *one[] = { "big", big, NULL };
    struct h2_stream *large = h2_send(&c, "GET", "/now", one, NULL, 0, false);
    assert_true(h2_wait(&c, large));
    assert_int_equal(large->status, 431);
    struct h2_stream *next = h2_send(&c, "GET", "/now", NULL, NULL, 0, false);
    assert_true(h2_wait(&c, next));
    expect_body(next, "now");
    h2_close(&c);
    assert_int_equal(atomic_load(&h.heads), 1);
    harness_close(&h);
    free(big);
}

static void floods_end_the_connection(void **state)
{
    (void)state;
    char *all = malloc(1 << 20), *flood = malloc(9 * 5000);
    harness_start(&h, NULL);
    int fd = dial(&h), other = dial(&h);
    send_all(fd, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
    /* SETTINGS that are never acknowledged by reading. */
    for (int i = 0; i < 5000; i++)
        memcpy(flood + (size_t)i * 9, "\0\0\0\4\0\0\0\0\0", 9);
    for (int i = 0; i < 20; i++)
        send_all(fd, flood, 9 * 5000);
    read_to_end(fd, all, 1 << 20);
    close(fd);
    send_text(other, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(other, 200, "now");
    close(other);
    harness_close(&h);
    free(all);
    free(flood);
}

static void short_deadline(struct net_options *o)
{
    o->read_deadline_ms = 300;
}

static void half_frames_and_half_requests_are_cut(void **state)
{
    (void)state;
    char all[4096];
    harness_start(&h, short_deadline);
    /* Half the preface, then half a frame header, half a frame, and HEADERS without their end. */
    static const struct {
        const char *bytes;
        size_t n;
    } halves[] = {
        { "PRI * HT", 8 },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4", 28 },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\xFF\1\4\0\0\0\1", 42 },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\1\1\0\0\0\0\1\x82", 43 },
    };
    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        int fd = dial(&h);
        send_all(fd, halves[i].bytes, halves[i].n);
        read_to_end(fd, all, sizeof all); /* to the end: it is closed */
        close(fd);
    }
    h2_open(&c, dial(&h), 0);
    struct h2_stream *s = h2_send(&c, "POST", "/echo", NULL, "abc", 3, true);
    assert_true(h2_wait(&c, s));
    assert_int_equal(s->error, NGHTTP2_CANCEL);
    assert_int_equal(atomic_load(&h.closed), 1);
    struct h2_stream *next = h2_send(&c, "GET", "/now", NULL, NULL, 0, false);
    assert_true(h2_wait(&c, next));
    sleep_ms(1000); /* an idle connection stays */
    next = h2_send(&c, "GET", "/now", NULL, NULL, 0, false);
    assert_true(h2_wait(&c, next));
    h2_close(&c);
    harness_close(&h);
}

static void short_patience(struct net_options *o)
{
    o->unread_ms = 300;
}

static void an_answer_that_nobody_takes_is_cut(void **state)
{
    (void)state;
    harness_start(&h, short_patience);
    h2_open(&c, dial(&h), 0);
    struct h2_stream *s = h2_send(&c, "GET", "/stream/400/65536", NULL, NULL, 0, false);
    h2_flush(&c);
    harness_wait(&h.closed, 1); /* without reading, so the window is never opened */
    assert_true(h2_wait(&c, s));
    assert_int_equal(s->error, NGHTTP2_ENHANCE_YOUR_CALM);
    struct h2_stream *next = h2_send(&c, "GET", "/now", NULL, NULL, 0, false);
    assert_true(h2_wait(&c, next));
    expect_body(next, "now");
    h2_close(&c);
    harness_close(&h);
}

static void more_than_a_connection_may_leave_untaken_ends_it(void **state)
{
    (void)state;
    static const char each[] = "/bytes/40000000";
    harness_start(&h, NULL);
    h2_open(&c, dial(&h), 0);
    for (size_t unread = 0; unread <= LIMIT_UNREAD_BYTES; unread += 40000000)
        h2_send(&c, "GET", each, NULL, NULL, 0, false);
    h2_flush(&c);
    for (int i = 0; i < 12000; i++) { /* without reading until it has ended; 60 s */
        struct net_stats stats;
        net_get_stats(h.net, &stats);
        if (stats.connections && stats.open_connections == 0)
            break;
        sleep_ms(5);
    }
    assert_false(h2_until(&c, never, NULL));
    assert_true(c.goaway);
    h2_close(&c);
    harness_close(&h);
}

static void head_is_answered_without_a_body(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    h2_open(&c, dial(&h), 0);
    struct h2_stream *s = h2_send(&c, "HEAD", "/later", NULL, NULL, 0, false);
    assert_true(h2_wait(&c, s));
    expect_body(s, "");
    assert_string_equal(h2_header(&s->headers, "content-length"), "5");
    h2_close(&c);
    harness_close(&h);
}

static bool has_goaway(struct h2_client *client, void *data)
{
    (void)data;
    return client->goaway;
}

static void stop_sends_goaway_and_finishes_streams(void **state)
{
    (void)state;
    struct h2_client idle;
    harness_start(&h, NULL);
    h2_open(&c, dial(&h), 0);
    h2_open(&idle, dial(&h), 0);
    struct h2_stream *warm = h2_send(&idle, "GET", "/now", NULL, NULL, 0, false);
    assert_true(h2_wait(&idle, warm));
    struct h2_stream *s = h2_send(&c, "GET", "/stream/400/65536", NULL, NULL, 0, false);
    h2_flush(&c);
    harness_wait(&h.requests, 2);
    net_stop(h.net);
    assert_true(h2_until(&c, has_goaway, NULL));
    assert_true(h2_wait(&c, s));
    assert_int_equal(s->body.len, 400 * 65536);
    assert_true(h2_until(&idle, has_goaway, NULL));
    h2_close(&c);
    h2_close(&idle);
    harness_close(&h);
}

static void stop_cuts_what_does_not_end(void **state)
{
    (void)state;
    harness_grace_ms = 100;
    harness_start(&h, NULL);
    harness_grace_ms = 5000;
    h2_open(&c, dial(&h), 0);
    struct h2_stream *s = h2_send(&c, "GET", "/hang", NULL, NULL, 0, false);
    struct h2_stream *p = h2_send(&c, "POST", "/parts", NULL, "x", 1, true);
    h2_flush(&c);
    harness_wait(&h.heads, 2);
    harness_close(&h);
    assert_int_equal(atomic_load(&h.closed), 2);
    h2_wait(&c, s);
    h2_wait(&c, p);
    assert_true(c.ended);
    h2_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_from_either_thread),
        cmocka_unit_test(the_preface_may_come_byte_by_byte),
        cmocka_unit_test(a_bad_preface_is_an_http1_error),
        cmocka_unit_test(junk_after_the_preface_ends_the_connection),
        cmocka_unit_test(many_streams_at_once),
        cmocka_unit_test(ten_megabytes_go_in_and_out_through_windows),
        cmocka_unit_test(a_body_over_the_maximum_is_answered_and_stopped),
        cmocka_unit_test(streams_end_with_trailers_and_wait_for_the_reader),
        cmocka_unit_test(bodies_can_be_streamed_both_ways),
        cmocka_unit_test(a_reset_is_told_and_others_go_on),
        cmocka_unit_test(a_lost_connection_is_told_to_every_stream),
        cmocka_unit_test(abort_is_a_reset_of_one_stream),
        cmocka_unit_test(pings_are_answered),
        cmocka_unit_test(too_many_or_too_large_headers_are_431),
        cmocka_unit_test(floods_end_the_connection),
        cmocka_unit_test(half_frames_and_half_requests_are_cut),
        cmocka_unit_test(an_answer_that_nobody_takes_is_cut),
        cmocka_unit_test(more_than_a_connection_may_leave_untaken_ends_it),
        cmocka_unit_test(head_is_answered_without_a_body),
        cmocka_unit_test(stop_sends_goaway_and_finishes_streams),
        cmocka_unit_test(stop_cuts_what_does_not_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
