/* clock.c - see clock.h. */
#include "core/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static const struct clock_source *replaced;
static _Atomic int64_t offset_us;

static int64_t system_us(void)
{
    if (replaced && replaced->wall_us)
        return replaced->wall_us(replaced->data);
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    return system_us() + clock_offset_us();
}

void clock_move_us(int64_t offset)
{
    atomic_store_explicit(&offset_us, offset, memory_order_relaxed);
}

int64_t clock_offset_us(void)
{
    return atomic_load_explicit(&offset_us, memory_order_relaxed);
}

int64_t clock_mono_ns(void)
{
    if (replaced && replaced->mono_ns)
        return replaced->mono_ns(replaced->data);
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void system_random(unsigned char *p, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            perror("cinderlog: getrandom");
            abort();
        }
        p += got;
        n -= (size_t)got;
    }
}

void clock_random(void *out, size_t n)
{
    /* Ids and salts take a few bytes at a time: one system call for many of them. */
    static _Thread_local unsigned char stock[512];
    static _Thread_local size_t left;
    if (replaced && replaced->random) {
        replaced->random(replaced->data, out, n);
        return;
    }
    if (n > sizeof stock / 8) {
        system_random(out, n);
        return;
    }
    if (left < n) {
        system_random(stock, sizeof stock);
        left = sizeof stock;
    }
    left -= n;
    memcpy(out, stock + left, n);
}

void clock_replace(const struct clock_source *source)
{
    replaced = source;
}
