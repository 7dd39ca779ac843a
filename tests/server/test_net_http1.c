/* test_net_http1.c - HTTP/1.x over real sockets: framing, keep-alive, deadlines, limits, refusals. */
#include "server/net_harness.h"

#include "core/limits.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct harness h;

static void answers_from_either_thread_keep_the_connection(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    int fd = dial(&h);
    for (int i = 0; i < 20; i++) {
        send_text(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_answer(fd, 200, "now");
        send_text(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_answer(fd, 200, "later");
        send_text(fd, "POST /head HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
        expect_answer(fd, 200, "head");
        send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
        expect_answer(fd, 200, "abc");
    }
    close(fd);
    harness_close(&h);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    int fd = dial(&h);
    for (int i = 0; i < 50; i++)
        send_text(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\nPOST /echo HTTP/1.1\r\nHost: "
                      "x\r\nContent-Length: 2\r\n\r\nhi"
                      "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 50; i++) {
        expect_answer(fd, 200, "later");
        expect_answer(fd, 200, "hi");
        expect_answer(fd, 200, "now");
    }
    close(fd);
    harness_close(&h);
}

static void bodies_of_ten_megabytes_go_in_and_out(void **state)
{
    (void)state;
    enum { SIZE = 10 * 1024 * 1024 };
    char *body = malloc(SIZE + 1), *back = malloc(SIZE + 1024), head[128];
    size_t n;
    for (size_t i = 0; i < SIZE; i++)
        body[i] = (char)('a' + i % 26);
    harness_start(&h, NULL);
    int fd = dial(&h);
    snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", SIZE);
    send_text(fd, head);
    send_all(fd, body, SIZE);
    assert_int_equal(read_answer(fd, back, SIZE + 1024, &n), 200);
    assert_int_equal(n, SIZE);
    assert_memory_equal(body, back, SIZE);
    send_text(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(fd, 200, "now");
    close(fd);
    harness_close(&h);
    free(body);
    free(back);
}

static void a_body_over_the_maximum_is_413_and_the_connection_stays(void **state)
{
    (void)state;
    enum { SIZE = 11 * 1024 * 1024 };
    char *body = calloc(1, SIZE), head[128];
    harness_start(&h, NULL);
    int fd = dial(&h);
    snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", SIZE);
    send_text(fd, head);
    send_all(fd, body, SIZE);
    expect_answer(fd, 413, "too large");
    send_text(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(fd, 200, "now");
    close(fd);
    /* Chunked: the size is only known when it has been passed. */
    fd = dial(&h);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb00000\r\n");
    send_all(fd, body, SIZE);
    send_text(fd, "\r\n0\r\n\r\n");
    expect_answer(fd, 413, "too large");
    close(fd);
    harness_close(&h);
    free(body);
}

static void a_body_too_large_to_drain_is_413_before_it_is_sent(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    int fd = dial(&h);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000000\r\n\r\n");
    expect_answer(fd, 413, "too large");
    expect_closed(fd);
    close(fd);
    fd = dial(&h);
    send_text(fd,
              "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 20000000\r\n\r\n");
    expect_answer(fd, 413, "too large");
    close(fd);
    harness_close(&h);
}

static void expect_continue_is_answered_and_then_the_request(void **state)
{
    (void)state;
    char line[64] = "";
    harness_start(&h, NULL);
    int fd = dial(&h);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(recv(fd, line, 25, MSG_WAITALL), 25);
    assert_string_equal(line, "HTTP/1.1 100 Continue\r\n\r\n");
    send_text(fd, "ok");
    expect_answer(fd, 200, "ok");
    close(fd);
    harness_close(&h);
}

static void streams_are_chunked_and_wait_for_the_reader(void **state)
{
    (void)state;
    enum { SIZE = 400 * 64 * 1024 };
    char *body = malloc(SIZE + 1024);
    size_t n;
    harness_start(&h, NULL);
    int fd = dial(&h);
    send_text(fd, "GET /stream/400/65536 HTTP/1.1\r\nHost: x\r\n\r\n");
    nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
    assert_int_equal(read_answer(fd, body, SIZE + 1024, &n), 200);
    assert_int_equal(n, SIZE);
    assert_true(atomic_load(&h.most_pending) <= 256 * 1024 + 65536);
    send_text(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(fd, 200, "now");
    close(fd);
    harness_close(&h);
    free(body);
}

static void http_10_streams_end_with_the_connection(void **state)
{
    (void)state;
    char *all = malloc(1024 * 1024);
    harness_start(&h, NULL);
    int fd = dial(&h);
    send_text(fd, "GET /stream/10/1000 HTTP/1.0\r\n\r\n");
    size_t n = read_to_end(fd, all, 1024 * 1024);
    assert_null(strstr(all, "chunked"));
    char *body = strstr(all, "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(n - (size_t)(body + 4 - all), 10000);
    close(fd);
    fd = dial(&h);
    send_text(fd, "GET /later HTTP/1.0\r\n\r\n");
    expect_answer(fd, 200, "later");
    expect_closed(fd);
    close(fd);
    harness_close(&h);
    free(all);
}

static void the_target_stays_as_it_was_sent(void **state)
{
    (void)state;
    char all[1024];
    harness_start(&h, NULL);
    int fd = dial(&h);
    /* Decoded it would be /now; raw it is another target, answered by the other thread. */
    send_text(fd, "GET /%6eow HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(fd, 200, "later");
    send_text(fd, "GET http://elsewhere/now HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(fd, 200, "now");
    send_text(fd, "HEAD /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    read_to_end(fd, all, sizeof all);
    assert_non_null(strstr(all, "Content-Length: 3\r\n"));
    assert_string_equal(strstr(all, "\r\n\r\n"), "\r\n\r\n");
    close(fd);
    harness_close(&h);
}

static void a_half_closed_client_still_gets_its_answer(void **state)
{
    (void)state;
    char all[1024];
    harness_start(&h, NULL);
    for (int i = 0; i < 4; i++) {
        int fd = dial(&h);
        send_text(fd,
                  i % 2 ? "GET /now HTTP/1.1\r\nHost: x\r\n\r\n" : "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
        shutdown(fd, SHUT_WR);
        read_to_end(fd, all, sizeof all);
        assert_non_null(strstr(all, i % 2 ? "now" : "later"));
        close(fd);
    }
    harness_close(&h);
}

static void no_deadlines(struct net_options *o)
{
    o->read_deadline_ms = o->idle_ms = 600 * 1000; /* longer than any read here waits */
}

/* The end of the input may come together with the bytes before it, and nothing tells of it a second time. */
static void a_client_that_ends_inside_its_request_is_not_waited_for(void **state)
{
    (void)state;
    static const char *const halves[] = {
        "P", /* of the HTTP/2 preface, or of POST */
        "GET /now HTTP/1.1\r\nHos",
        "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
        "POST /now HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\n",
    };
    char byte;
    harness_start(&h, no_deadlines);
    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        int fd = dial(&h);
        send_text(fd, halves[i]);
        shutdown(fd, SHUT_WR);
        ssize_t n = recv(fd, &byte, 1, 0);
        if (n != 0)
            fail_msg("half request %zu %s", i, n > 0 ? "was answered" : "was waited for");
        close(fd);
    }
    harness_close(&h);
}

static void reset(int fd)
{
    struct linger hard = { 1, 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
}

static void a_reset_while_waiting_or_streaming_is_told(void **state)
{
    (void)state;
    char byte[8];
    harness_start(&h, NULL);
    int fd = dial(&h);
    send_text(fd, "GET /hang HTTP/1.1\r\nHost: x\r\n\r\n");
    harness_wait(&h.requests, 1);
    reset(fd);
    harness_wait(&h.closed, 1);
    fd = dial(&h);
    send_text(fd, "GET /half HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(recv(fd, byte, sizeof byte, 0) > 0);
    reset(fd);
    harness_wait(&h.closed, 2);
    /* In the middle of a long stream, parked for want of a reader. */
    fd = dial(&h);
    send_text(fd, "GET /stream/100000/65536 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(recv(fd, byte, sizeof byte, 0) > 0);
    reset(fd);
    harness_close(&h);
}

static void abort_ends_the_connection(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    int fd = dial(&h);
    send_text(fd, "GET /abort HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_closed(fd);
    close(fd);
    assert_int_equal(atomic_load(&h.closed), 0);
    harness_close(&h);
}

static void short_deadlines(struct net_options *o)
{
    o->read_deadline_ms = 300;
    o->idle_ms = 1500;
}

static void slow_senders_are_cut_whatever_they_are_slow_with(void **state)
{
    (void)state;
    static const char *const halves[] = {
        "GE",
        "GET /now HTTP/1.1\r\nHost: x\r\nA: ",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "GET /now HTTP/1.1\r\nHost: x\r\n\r\nGET /no", /* the second one on the connection */
    };
    char all[2048];
    harness_start(&h, short_deadlines);
    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        int fd = dial(&h);
        send_text(fd, halves[i]);
        /* A byte now and then keeps every idle timeout from firing. */
        for (int k = 0; k < 40; k++) {
            nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
            if (send(fd, i == 3 ? "" : "c", i == 3 ? 0 : 1, MSG_NOSIGNAL) < 0)
                break;
        }
        read_to_end(fd, all, sizeof all);
        if (!strstr(all, "408"))
            fail_msg("half request %zu was answered \"%s\"", i, all);
        close(fd);
    }
    harness_close(&h);
}

static void idle_connections_live_longer_than_half_requests(void **state)
{
    (void)state;
    harness_start(&h, short_deadlines);
    int fd = dial(&h);
    send_text(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(fd, 200, "now");
    nanosleep(&(struct timespec){ .tv_nsec = 900000000 }, NULL);
    send_text(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(fd, 200, "now");
    expect_closed(fd); /* after idle_ms */
    close(fd);
    harness_close(&h);
}

static void framing_that_can_be_read_two_ways_is_400(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        "GET /now HTTP/1.1\r\n\r\n",
        "GET /now HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    };
    char all[4096];
    harness_start(&h, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int fd = dial(&h);
        send_text(fd, bad[i]);
        read_to_end(fd, all, sizeof all);
        if (strncmp(all, "HTTP/1.1 400 ", 13) != 0)
            fail_msg("request %zu was answered \"%.60s\"", i, all);
        close(fd);
    }
    int fd = dial(&h);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n");
    read_to_end(fd, all, sizeof all);
    assert_true(strncmp(all, "HTTP/1.1 413 ", 13) == 0);
    close(fd);
    harness_close(&h);
}

static void header_bombs_are_431(void **state)
{
    (void)state;
    struct buf bomb;
    char all[4096];
    buf_init(&bomb, 200 * 1024);
    harness_start(&h, NULL);
    for (int kind = 0; kind < 3; kind++) {
        buf_clear(&bomb);
        buf_z(&bomb, "GET /now HTTP/1.1\r\nHost: x\r\n");
        for (int i = 0; kind == 0 && i < 150; i++)
            buf_printf(&bomb, "h%d: v\r\n", i);
        if (kind > 0)
            buf_printf(&bomb, "big: %0*d\r\n", kind == 1 ? 40000 : 150000, 0);
        buf_z(&bomb, "\r\n");
        int fd = dial(&h);
        send_all(fd, bomb.data, bomb.len);
        size_t got = read_to_end(fd, all, sizeof all);
        if (got && strncmp(all, "HTTP/1.1 431 ", 13) != 0)
            fail_msg("bomb %d was answered \"%.60s\"", kind, all);
        if (kind < 2)
            assert_true(got > 0);
        close(fd);
    }
    int fd = dial(&h);
    buf_clear(&bomb);
    buf_printf(&bomb, "GET /later?%0*d HTTP/1.1\r\nHost: x\r\n\r\n", 20000, 0);
    send_all(fd, bomb.data, bomb.len);
    expect_answer(fd, 200, "later");
    close(fd);
    assert_int_equal(atomic_load(&h.heads), 1);
    harness_close(&h);
    buf_dispose(&bomb);
}

static void few_connections(struct net_options *o)
{
    o->max_connections = 50;
}

static void connections_over_the_maximum_get_503(void **state)
{
    (void)state;
    char all[1024];
    int fds[50];
    struct net_stats stats;
    harness_start(&h, few_connections);
    for (int i = 0; i < 50; i++)
        fds[i] = dial(&h);
    for (int i = 0; i < 300; i++) {
        int fd = dial(&h);
        if (i < 100)
            send_text(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
        size_t n = read_to_end(fd, all, sizeof all);
        if (n == 0 && i < 100)
            fail_msg("connection %d got no answer", i);
        if (n)
            assert_true(strncmp(all, "HTTP/1.1 503 ", 13) == 0);
        close(fd);
    }
    net_get_stats(h.net, &stats);
    assert_int_equal(stats.open_connections, 50);
    assert_int_equal(stats.refused_connections, 300);
    for (int i = 0; i < 50; i++) {
        send_text(fds[i], "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_answer(fds[i], 200, "now");
        close(fds[i]);
    }
    /* Room again. */
    for (int tries = 0;; tries++) {
        int fd = dial(&h);
        send_text(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
        int status = read_answer(fd, all, sizeof all, NULL);
        close(fd);
        if (status == 200)
            break;
        assert_true(tries < 1000);
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    }
    harness_close(&h);
}

static void thousands_of_idle_connections_do_not_delay_others(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    struct rlimit limit;
    static int fds[MANY];
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * MANY + 500) {
        print_message("skipped: only %lu descriptors\n", (unsigned long)limit.rlim_cur);
        return;
    }
    harness_start(&h, NULL);
    for (int i = 0; i < MANY; i++) {
        fds[i] = dial(&h);
        if (i % 3 == 1)
            send_text(fds[i], "GET /n");
        if (i % 3 == 2)
            send_text(fds[i], "PRI * HT");
    }
    int fd = dial(&h);
    for (int i = 0; i < 100; i++) {
        send_text(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_answer(fd, 200, "later");
    }
    close(fd);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    harness_close(&h);
}

static void stop_finishes_what_runs_and_closes_the_idle(void **state)
{
    (void)state;
    char all[1024];
    harness_start(&h, NULL);
    int idle = dial(&h), never = dial(&h), busy = dial(&h);
    send_text(idle, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(idle, 200, "now");
    send_text(busy, "GET /stream/300/65536 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(recv(busy, all, 9, MSG_WAITALL), 9);
    net_stop(h.net);
    expect_closed(idle);
    expect_closed(never);
    char *rest = malloc(32 * 1024 * 1024);
    size_t n = read_to_end(busy, rest, 32 * 1024 * 1024);
    assert_true(n > 300 * 65536);
    assert_memory_equal(rest + n - 5, "0\r\n\r\n", 5);
    free(rest);
    close(idle);
    close(never);
    close(busy);
    harness_close(&h);
}

static void stop_cuts_what_does_not_end(void **state)
{
    (void)state;
    harness_grace_ms = 100;
    harness_start(&h, NULL);
    harness_grace_ms = 5000;
    int fd = dial(&h);
    send_text(fd, "GET /hang HTTP/1.1\r\nHost: x\r\n\r\n");
    harness_wait(&h.requests, 1);
    harness_close(&h);
    assert_int_equal(atomic_load(&h.closed), 1);
    expect_closed(fd);
    close(fd);
}

static void a_port_in_use_names_who_holds_it(void **state)
{
    (void)state;
    struct status st = status_init(NULL);
    struct net *second = NULL;
    char pid[32];
    harness_start(&h, NULL);
    struct net_options options = h.options;
    assert_int_equal(net_open(&second, &options, &st), STATUS_UNAVAILABLE);
    assert_null(second);
    assert_non_null(strstr(status_message(&st), "address already in use"));
    snprintf(pid, sizeof pid, "pid %d", (int)getpid());
    assert_non_null(strstr(status_message(&st), pid));
    harness_close(&h);
}

static void an_odd_host_is_refused_by_name(void **state)
{
    (void)state;
    struct status st = status_init(NULL);
    struct net *net = NULL;
    struct net_listener listener = { .host = "example.org" };
    struct net_options options = { .listeners = &listener, .n_listeners = 1 };
    assert_int_equal(net_open(&net, &options, &st), STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(status_message(&st), "example.org"));
}

static void localhost(struct net_options *o)
{
    o->listeners[0].host = "localhost";
}

static void localhost_is_both_loopbacks_on_one_port(void **state)
{
    (void)state;
    harness_start(&h, localhost);
    assert_int_not_equal(h.listener.port, 0);
    int fd = dial(&h);
    send_text(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(fd, 200, "now");
    close(fd);
    harness_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_from_either_thread_keep_the_connection),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(bodies_of_ten_megabytes_go_in_and_out),
        cmocka_unit_test(a_body_over_the_maximum_is_413_and_the_connection_stays),
        cmocka_unit_test(a_body_too_large_to_drain_is_413_before_it_is_sent),
        cmocka_unit_test(expect_continue_is_answered_and_then_the_request),
        cmocka_unit_test(streams_are_chunked_and_wait_for_the_reader),
        cmocka_unit_test(http_10_streams_end_with_the_connection),
        cmocka_unit_test(the_target_stays_as_it_was_sent),
        cmocka_unit_test(a_half_closed_client_still_gets_its_answer),
        cmocka_unit_test(a_client_that_ends_inside_its_request_is_not_waited_for),
        cmocka_unit_test(a_reset_while_waiting_or_streaming_is_told),
        cmocka_unit_test(abort_ends_the_connection),
        cmocka_unit_test(slow_senders_are_cut_whatever_they_are_slow_with),
        cmocka_unit_test(idle_connections_live_longer_than_half_requests),
        cmocka_unit_test(framing_that_can_be_read_two_ways_is_400),
        cmocka_unit_test(header_bombs_are_431),
        cmocka_unit_test(connections_over_the_maximum_get_503),
        cmocka_unit_test(thousands_of_idle_connections_do_not_delay_others),
        cmocka_unit_test(stop_finishes_what_runs_and_closes_the_idle),
        cmocka_unit_test(stop_cuts_what_does_not_end),
        cmocka_unit_test(a_port_in_use_names_who_holds_it),
        cmocka_unit_test(an_odd_host_is_refused_by_name),
        cmocka_unit_test(localhost_is_both_loopbacks_on_one_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
