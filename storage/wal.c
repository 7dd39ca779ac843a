/* wal.c - see wal.h. The layout is SQLite's ("WAL-mode File Format" in its documentation): a header of 32
 * bytes, frames of 24 bytes and a page, all numbers big-endian, checksums running on from frame to frame over
 * words of the byte order that the header names. */
#include "storage/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 32, FRAME_HEADER = 24, PAGE_MIN = 512, PAGE_MAX = 65536, LOOKS = 5 };

struct source {
    int fd;
    struct vfs *vfs;
    const char *path;
    uint64_t size;
};

struct walk {
    struct source *source;
    unsigned char *frame; /* header and page */
    size_t page;
    bool big_endian;
    uint32_t salt[2], sum[2];
};

static bool read_at(struct source *s, uint64_t offset, void *out, size_t n)
{
    if (s->vfs)
        return vfs_peek(s->vfs, s->path, (size_t)offset, out, n);
    return pread(s->fd, out, n, (off_t)offset) == (ssize_t)n;
}

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t word(const unsigned char *p, bool big_endian)
{
    return big_endian ? be32(p) : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void sum_on(uint32_t sum[2], const unsigned char *p, size_t n, bool big_endian)
{
    for (size_t i = 0; i < n; i += 8) {
        sum[0] += word(p + i, big_endian) + sum[1];
        sum[1] += word(p + i + 4, big_endian) + sum[0];
    }
}

/* Whether the header is good; sets up the walk behind it. */
static bool header(struct walk *w, const unsigned char h[HEADER])
{
    uint32_t magic = be32(h);
    if ((magic & ~1u) != 0x377f0682)
        return false;
    w->big_endian = magic & 1;
    w->page = be32(h + 8);
    w->salt[0] = be32(h + 16);
    w->salt[1] = be32(h + 20);
    w->sum[0] = w->sum[1] = 0;
    sum_on(w->sum, h, 24, w->big_endian);
    return w->page >= PAGE_MIN && w->page <= PAGE_MAX && (w->page & (w->page - 1)) == 0 &&
           w->sum[0] == be32(h + 24) && w->sum[1] == be32(h + 28);
}

static uint64_t frame_at(const struct walk *w, uint64_t n)
{
    return HEADER + n * (FRAME_HEADER + w->page);
}

static bool same_generation(const struct walk *w)
{
    return be32(w->frame + 8) == w->salt[0] && be32(w->frame + 12) == w->salt[1];
}

static bool frame_good(struct walk *w)
{
    uint32_t sum[2] = { w->sum[0], w->sum[1] };
    if (!same_generation(w))
        return false;
    sum_on(sum, w->frame, 8, w->big_endian);
    sum_on(sum, w->frame + FRAME_HEADER, w->page, w->big_endian);
    if (sum[0] != be32(w->frame + 16) || sum[1] != be32(w->frame + 20))
        return false;
    w->sum[0] = sum[0];
    w->sum[1] = sum[1];
    return true;
}

/* Whether a frame of this generation lies behind one that ends a transaction, from frame `n` on. One
 * transaction without its beginning proves nothing: a power cut may have kept any part of the last one. */
static bool more_transactions(struct walk *w, uint64_t n)
{
    bool ended = false;
    for (; read_at(w->source, frame_at(w, n), w->frame, FRAME_HEADER); n++) {
        if (!same_generation(w))
            continue;
        if (ended)
            return true;
        ended = be32(w->frame + 4) != 0;
    }
    return false;
}

static void look(struct wal_report *out, struct source *s, unsigned char *frame)
{
    struct walk w = { .source = s, .frame = frame };
    unsigned char h[HEADER], zeros[HEADER] = { 0 };
    *out = (struct wal_report){ 0 };
    if (s->size == 0 || !read_at(s, 0, h, sizeof h) || memcmp(h, zeros, sizeof h) == 0)
        return; /* never written: at most the creation of the file survived a power cut */
    if (!header(&w, h)) {
        out->damaged = true;
        return;
    }
    while (read_at(s, frame_at(&w, out->frames), frame, FRAME_HEADER + w.page)) {
        if (!frame_good(&w)) {
            out->bad_frame = out->frames + 1;
            out->damaged = more_transactions(&w, out->frames);
            return;
        }
        out->frames++;
    }
}

enum status_code wal_check(struct wal_report *out, const char *path, struct vfs *vfs, bool live,
                           struct status *st)
{
    struct source s = { .fd = -1, .vfs = vfs, .path = path };
    *out = (struct wal_report){ 0 };
    if (vfs) {
        s.size = vfs_size(vfs, path);
    } else {
        s.fd = open(path, O_RDONLY | O_CLOEXEC);
        if (s.fd < 0 && errno == ENOENT)
            return STATUS_OK;
        if (s.fd < 0)
            return status_set(st, STATUS_FAILED_PRECONDITION, "%s cannot be read: %s", path, strerror(errno));
        off_t size = lseek(s.fd, 0, SEEK_END);
        s.size = size < 0 ? 0 : (uint64_t)size;
    }
    unsigned char *frame = malloc(FRAME_HEADER + PAGE_MAX);
    if (!frame) {
        status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    } else {
        /* Damage stays; a frame that was being written is whole a moment later. */
        for (int i = 0; i < LOOKS; i++) {
            struct wal_report before = *out;
            look(out, &s, frame);
            if (!live || !out->damaged || (before.damaged && before.frames == out->frames))
                break;
            nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        }
    }
    free(frame);
    if (s.fd >= 0)
        close(s.fd);
    return st->code;
}
