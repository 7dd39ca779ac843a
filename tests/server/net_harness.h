/* net_harness.h - a net on a thread of its own with a handler that does what the target says, and sockets
 * to poke it with. For the tests of server/net.
 *
 *   /now        answered by request(), on the loop thread: "now"
 *   /later      answered by another thread: "later"
 *   /head       answered by head(), before the body is read: "head"
 *   /echo       another thread sends the body back
 *   /bytes/N    another thread answers with N bytes 'x'
 *   /stream/N/M another thread streams N pieces of M bytes 'x' each, waiting when 256 KiB are pending
 *   /parts      HTTP/2: chunks of a streamed body are sent back as they come
 *   /hang       never answered; released when the client goes away
 *   /half       started, one piece "half", then nothing
 *   /abort      exchange_abort by another thread
 *   /fault/X    another thread: net_fault with X close, reset, goaway (and "last"), truncate (after "half")
 *   /websocket   a WebSocket that says nothing; released when the client goes away
 *   /websocket/N/M     another thread sends N messages of M bytes 'x', waiting as /stream, and ends it
 *   /websocket/stuck   another thread sends one of 32 MiB, and aborts
 *   /stall      net_fault with NET_FAULT_STALL; released when the client goes away */
#ifndef TESTS_SERVER_NET_HARNESS_H
#define TESTS_SERVER_NET_HARNESS_H

#include "server/net/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

struct job {
    struct job *next;
    struct exchange *exchange;
    struct str body;
    size_t left, size; /* of /stream */
};

struct harness {
    struct net *net;
    struct net_listener listener;
    struct net_options options;
    pthread_t loop, answerer;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *first;
    bool ending;
    int grace_ms;
    atomic_int heads, requests, closed, too_large, held, most_pending;
};

extern int harness_grace_ms; /* for the next start: what net_run is given; 5000 */
/* `change` changes what net_options says before it starts; may be NULL. */
void harness_start(struct harness *h, void (*change)(struct net_options *options));
/* net_stop, joined; then everything must be released: `held` is 0. */
void harness_stop(struct harness *h);
void harness_close(struct harness *h);
/* Waits until the counter has reached `value`; fails the test after 10 s. */
void harness_wait(const atomic_int *counter, int value);

int dial(const struct harness *h); /* a connected, blocking socket with a receive timeout of 20 s */
void send_all(int fd, const void *bytes, size_t n);
void send_text(int fd, const char *text);
/* Reads until the peer closes or `max` bytes are there; returns the length. NUL-terminated. */
size_t read_to_end(int fd, char *out, size_t max);
/* Reads one HTTP/1.1 answer with content-length or chunks; the body is decoded into `body`. Returns the
 * status, or -1 when the connection ended. */
int read_answer(int fd, char *body, size_t max, size_t *length);
void expect_answer(int fd, int status, const char *body);
void expect_closed(int fd); /* end of file or a reset */

#endif
