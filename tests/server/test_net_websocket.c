/* test_net_websocket.c - WebSockets over real sockets: the handshake, frames of both sides, ends of every kind. The
 * client is written out here, so that it can say what no library would. */
#include "server/net_harness.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct harness h;

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

/* ---- a client ---- */

static const char HEADERS[] = "Host: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/* Reads a head up to its empty line, byte by byte: frames may follow. */
static void read_head(int fd, char *out, size_t max)
{
    size_t n = 0;
    while (n < max - 1 && (n < 4 || memcmp(out + n - 4, "\r\n\r\n", 4) != 0) && recv(fd, out + n, 1, 0) == 1)
        n++;
    out[n] = '\0';
}

static int join_saying(const char *target, const void *early, size_t n)
{
    char request[512], answer[1024];
    int fd = dial(&h);
    int head = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n%s", target, HEADERS);
    memcpy(request + head, early, n);
    send_all(fd, request, (size_t)head + n);
    read_head(fd, answer, sizeof answer);
    assert_non_null(strstr(answer, "HTTP/1.1 101 "));
    assert_non_null(strstr(answer, "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")); /* RFC 6455, 1.3 */
    return fd;
}

static int join(const char *target)
{
    return join_saying(target, "", 0);
}

/* A masked frame of up to 125 bytes; `first` is its first byte. */
static size_t frame(char *out, unsigned first, const char *payload, size_t n)
{
    static const char mask[4] = { 1, 2, 3, 4 };
    assert_true(n <= 125);
    out[0] = (char)first;
    out[1] = (char)(0x80 | n);
    memcpy(out + 2, mask, 4);
    for (size_t i = 0; i < n; i++)
        out[6 + i] = (char)(payload[i] ^ mask[i % 4]);
    return 6 + n;
}

static void say(int fd, unsigned first, const char *payload, size_t n)
{
    char out[256];
    send_all(fd, out, frame(out, first, payload, n));
}

enum { TEXT_FRAME = 0x81, BINARY_FRAME = 0x82, CLOSE_FRAME = 0x88, PING_FRAME = 0x89, PONG_FRAME = 0x8a };

static bool read_all(int fd, void *out, size_t n)
{
    size_t got = 0;
    while (got < n) {
        ssize_t part = recv(fd, (char *)out + got, n - got, 0);
        if (part <= 0)
            return false;
        got += (size_t)part;
    }
    return true;
}

/* The next frame: its first byte, or 0 at the end of the connection. *n is the payload's length; up to `max` of it is
 * in `out`. */
static unsigned hear(int fd, char *out, size_t max, size_t *n)
{
    unsigned char head[10];
    char rest[65536];
    if (!read_all(fd, head, 2))
        return 0;
    size_t more = head[1] == 126 ? 2 : head[1] == 127 ? 8 : 0;
    assert_true(head[1] < 128); /* not masked: RFC 6455, 5.1 */
    assert_true(read_all(fd, head + 2, more));
    *n = more ? 0 : head[1];
    for (size_t i = 0; i < more; i++)
        *n = *n << 8 | head[2 + i];
    size_t kept = *n < max ? *n : max;
    assert_true(read_all(fd, out, kept));
    for (size_t left = *n - kept, part; left; left -= part) {
        part = left < sizeof rest ? left : sizeof rest;
        assert_true(read_all(fd, rest, part));
    }
    return head[0];
}

/* `code` 1005: a close frame that gives none. */
static void expect_close(int fd, int code)
{
    char payload[128];
    size_t n;
    assert_int_equal(hear(fd, payload, sizeof payload, &n), CLOSE_FRAME);
    assert_int_equal(n < 2 ? 1005 : (unsigned char)payload[0] << 8 | (unsigned char)payload[1], code);
}

static void expect_pong(int fd, const char *text)
{
    char payload[128];
    size_t n;
    assert_int_equal(hear(fd, payload, sizeof payload, &n), PONG_FRAME);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(payload, text, n);
}

/* ---- the handshake ---- */

static void what_is_no_handshake_is_refused_and_the_connection_stays(void **state)
{
    static const struct {
        int status;
        const char *headers;
    } cases[] = {
        { 426, "Host: x\r\n" },
        { 426, "Host: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n" },
        { 426, "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" },
        { 426, "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" },
        { 400, "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" },
        { 400, "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: short\r\n" },
        { 400, "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==\r\n" },
        { 400, "Host: x\r\nUpgrade: websocket\r\nConnection: keep-alive\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" },
    };
    (void)state;
    int fd = dial(&h);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char request[512], body[512];
        snprintf(request, sizeof request, "GET /websocket HTTP/1.1\r\n%s\r\n", cases[i].headers);
        send_text(fd, request);
        assert_int_equal(read_answer(fd, body, sizeof body, NULL), cases[i].status);
    }
    send_text(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(fd, 200, "now");
    close(fd);
}

static void a_refusal_says_which_version_is_spoken(void **state)
{
    char answer[1024];
    (void)state;
    int fd = dial(&h);
    send_text(fd, "GET /websocket HTTP/1.1\r\nHost: x\r\n\r\n");
    read_head(fd, answer, sizeof answer);
    assert_non_null(strstr(answer, "sec-websocket-version: 13\r\n"));
    assert_non_null(strstr(answer, "upgrade: websocket\r\n"));
    close(fd);
}

static void a_connection_that_was_used_before_may_become_one(void **state)
{
    char answer[1024], request[512];
    (void)state;
    int fd = dial(&h);
    send_text(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(fd, 200, "now");
    snprintf(request, sizeof request, "GET /websocket HTTP/1.1\r\n%s", HEADERS);
    send_text(fd, request);
    read_head(fd, answer, sizeof answer);
    say(fd, PING_FRAME, "a", 1);
    expect_pong(fd, "a");
    close(fd);
}

static void what_comes_with_the_handshake_is_read(void **state)
{
    char early[64];
    (void)state;
    int fd = join_saying("/websocket", early, frame(early, PING_FRAME, "early", 5));
    expect_pong(fd, "early");
    close(fd);
}

/* ---- messages ---- */

static void each_write_is_one_text_message_of_one_frame(void **state)
{
    static const size_t sizes[] = { 1, 125, 126, 65535, 65536, 3000000 };
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char target[64], first[8];
        size_t n;
        snprintf(target, sizeof target, "/websocket/3/%zu", sizes[i]);
        int fd = join(target);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(hear(fd, first, sizeof first, &n), TEXT_FRAME);
            assert_int_equal(n, sizes[i]);
            assert_int_equal(first[0], 'x');
        }
        expect_close(fd, 1000);
        close(fd);
    }
}

static void what_a_slow_client_has_not_read_waits_in_the_exchange(void **state)
{
    char byte;
    size_t n, heard = 0;
    (void)state;
    atomic_store(&h.most_pending, 0);
    int fd = join("/websocket/2000/65536");
    harness_wait(&h.most_pending, 256 * 1024); /* the socket is full, and the writer waits */
    while (hear(fd, &byte, 1, &n) == TEXT_FRAME)
        heard += n;
    assert_int_equal(heard, 2000 * 65536);
    assert_in_range(atomic_load(&h.most_pending), 256 * 1024, 512 * 1024);
    close(fd);
}

static void pings_are_answered_between_messages(void **state)
{
    (void)state;
    int fd = join("/websocket");
    for (int i = 0; i < 100; i++)
        say(fd, PING_FRAME, "hi", 2);
    for (int i = 0; i < 100; i++)
        expect_pong(fd, "hi");
    close(fd);
}

static void a_client_that_pings_and_never_reads_is_not_read_for_ever(void **state)
{
    char pings[64 * 131];
    size_t n = 0, total = 0;
    (void)state;
    for (int i = 0; i < 64; i++)
        n += frame(pings + n, PING_FRAME, pings, 125);
    int fd = join("/websocket");
    /* The answers fill the client's socket, then ours; then nothing is read, and the client's sends find no room. */
    for (ssize_t sent = 1; sent > 0 && total < 256 * 1024 * 1024; total += sent > 0 ? (size_t)sent : 0) {
        struct timeval limit = { .tv_sec = 1 };
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        sent = send(fd, pings, n, MSG_NOSIGNAL);
    }
    assert_true(total < 256 * 1024 * 1024);
    close(fd);
}

static void what_a_client_says_is_dropped(void **state)
{
    (void)state;
    int fd = join("/websocket");
    say(fd, TEXT_FRAME, "hello", 5);
    say(fd, BINARY_FRAME, "\0\xff", 2);
    say(fd, 0x01, "in ", 3);
    say(fd, 0x80, "parts", 5);
    say(fd, PING_FRAME, "still there", 11);
    expect_pong(fd, "still there");
    close(fd);
}

/* ---- ends ---- */

static void a_close_is_answered_and_the_connection_ends(void **state)
{
    (void)state;
    int fd = join("/websocket"), before = atomic_load(&h.closed);
    say(fd, CLOSE_FRAME, "\x03\xe8", 2);
    expect_close(fd, 1000);
    expect_closed(fd);
    close(fd);
    harness_wait(&h.closed, before + 1);
}

static void a_client_that_hangs_up_is_noticed(void **state)
{
    (void)state;
    int fd = join("/websocket"), before = atomic_load(&h.closed);
    close(fd);
    harness_wait(&h.closed, before + 1);
}

static void violations_are_told_and_end_the_connection(void **state)
{
    static const struct {
        int code;
        const char *bytes;
        size_t n;
    } cases[] = {
        { 1002, "\x81\x05hello", 7 },                    /* not masked */
        { 1002, "\xc1\x81\1\2\3\4y", 7 },                /* a bit of an extension */
        { 1002, "\x83\x81\1\2\3\4y", 7 },                /* no such opcode */
        { 1005, "\x09\x81\1\2\3\4y", 7 },                /* a ping in parts */
        { 1005, "\x89\xfe\x00\x7e\1\2\3\4", 8 },         /* a ping of 126 bytes */
        { 1002, "\x80\x81\1\2\3\4y", 7 },                /* continues nothing */
        { 1007, "\x81\x82\1\2\3\4\xfe\xfe", 8 },         /* text that is no UTF-8 */
        { 1009, "\x81\xff\0\0\0\1\0\0\0\0\1\2\3\4y", 15 }, /* 4 GiB */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = join("/websocket");
        send_all(fd, cases[i].bytes, cases[i].n);
        expect_close(fd, cases[i].code);
        expect_closed(fd);
        close(fd);
    }
}

static void abort_ends_a_connection_that_is_stuck(void **state)
{
    static char rest[1024 * 1024];
    size_t total = 0;
    (void)state;
    int fd = join("/websocket/stuck");
    for (ssize_t n = 1; n > 0; total += n > 0 ? (size_t)n : 0)
        n = recv(fd, rest, sizeof rest, 0);
    assert_true(total < 32 * 1024 * 1024);
    close(fd);
}

static void the_stop_says_going_away(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    int fd = join("/websocket");
    net_stop(h.net);
    expect_close(fd, 1001);
    say(fd, CLOSE_FRAME, "\x03\xe9", 2);
    expect_closed(fd);
    close(fd);
    harness_close(&h);
}

static void a_client_that_does_not_answer_the_close_does_not_hold_the_stop_up(void **state)
{
    (void)state;
    harness_start(&h, NULL);
    int fd = join("/websocket"), stuck = join("/websocket/1000/65536");
    harness_close(&h);
    close(fd);
    close(stuck);
}

static void idle_soon(struct net_options *options)
{
    options->idle_ms = 200;
}

static void a_silent_client_is_asked_for_a_sign_of_life_and_let_go_without_one(void **state)
{
    char payload[128];
    size_t n;
    (void)state;
    harness_start(&h, idle_soon);
    int fd = join("/websocket");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hear(fd, payload, sizeof payload, &n), PING_FRAME);
        say(fd, PONG_FRAME, "", 0);
    }
    assert_int_equal(hear(fd, payload, sizeof payload, &n), PING_FRAME);
    expect_closed(fd);
    close(fd);
    harness_close(&h);
}

int main(void)
{
#define ON_ONE(test) cmocka_unit_test_setup_teardown(test, open_harness, close_harness)
    const struct CMUnitTest tests[] = {
        ON_ONE(what_is_no_handshake_is_refused_and_the_connection_stays),
        ON_ONE(a_refusal_says_which_version_is_spoken),
        ON_ONE(a_connection_that_was_used_before_may_become_one),
        ON_ONE(what_comes_with_the_handshake_is_read),
        ON_ONE(each_write_is_one_text_message_of_one_frame),
        ON_ONE(what_a_slow_client_has_not_read_waits_in_the_exchange),
        ON_ONE(pings_are_answered_between_messages),
        ON_ONE(a_client_that_pings_and_never_reads_is_not_read_for_ever),
        ON_ONE(what_a_client_says_is_dropped),
        ON_ONE(a_close_is_answered_and_the_connection_ends),
        ON_ONE(a_client_that_hangs_up_is_noticed),
        ON_ONE(violations_are_told_and_end_the_connection),
        ON_ONE(abort_ends_a_connection_that_is_stuck),
        cmocka_unit_test(the_stop_says_going_away),
        cmocka_unit_test(a_client_that_does_not_answer_the_close_does_not_hold_the_stop_up),
        cmocka_unit_test(a_silent_client_is_asked_for_a_sign_of_life_and_let_go_without_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
