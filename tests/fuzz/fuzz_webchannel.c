/* fuzz_webchannel.c - WebChannel's requests: the first line is a URL's query, the rest a form. Whatever comes, messages reach
 * the call once and in order, and what is sent back is well framed and acknowledged exactly. */
#include "server/transport/webchannel_in.h"
#include "server/transport/webchannel_out.h"
#include "server/transport/webchannel_wire.h"

#include "core/limits.h"

#include <stdlib.h>

struct taken {
    const struct channel_form *form;
    uint64_t next; /* number of the message that is due */
    struct channel_out out;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void deliver(void *data, struct str message)
{
    struct taken *t = data;
    uint64_t i = t->next++ - t->form->ofs;
    require(i < t->form->count && str_eq(message, t->form->messages[i]));
    if (str_is_utf8(message))
        channel_out_put(&t->out, message);
}

/* UTF-16 units one character at a time, by the rules for UTF-8. */
static size_t units_of(struct str s)
{
    size_t units = 0;
    for (size_t i = 0; i < s.n; units++) {
        unsigned char first = (unsigned char)s.p[i];
        i += first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        units += first >= 0xF0;
    }
    return units;
}

static void check_chunk(struct channel_out *out)
{
    struct buf chunk;
    char *end;
    buf_init(&chunk, 16 * 1024 * 1024);
    require(channel_out_take(out, &chunk) && buf_byte(&chunk, 0));
    struct str text = { (const char *)chunk.data, chunk.len - 1 };
    size_t units = strtoul(text.p, &end, 10);
    require(*end == '\n' && units_of(str_skip(text, (size_t)(end + 1 - text.p))) == units);
    buf_dispose(&chunk);
}

/* Its messages from the last to the first, each twice, and then the answers. */
static void pass(const struct channel_form *form, int64_t aid)
{
    struct taken t = { .form = form, .next = form->ofs };
    struct channel_in in;
    channel_in_init(&in);
    channel_out_init(&t.out);
    in.next = form->ofs;
    for (size_t i = form->count; i-- > 0;)
        for (int twice = 0; twice < 2; twice++)
            if (form->messages[i].p)
                require(channel_in_take(&in, form->ofs + i, form->messages[i], deliver, &t));
    require(in.next == t.next && in.bytes <= LIMIT_MESSAGE_BYTES);
    if (channel_out_waits(&t.out))
        check_chunk(&t.out);
    channel_out_ack(&t.out, aid);
    channel_out_rewind(&t.out);
    require(channel_out_waits(&t.out) == ((aid > 0 ? aid : 0) < channel_out_last_id(&t.out)));
    if (channel_out_waits(&t.out))
        check_chunk(&t.out);
    channel_out_ack(&t.out, INT64_MAX);
    require(t.out.bytes == 0 && !t.out.first);
    channel_in_dispose(&in);
    channel_out_dispose(&t.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct str all = str_from(data, size);
    const char *line = size ? memchr(data, '\n', size) : NULL;
    struct str query = { all.p, line ? (size_t)(line - all.p) : all.n };
    struct str body = line ? str_skip(all, query.n + 1) : (struct str){ 0 };
    struct channel_query q;
    struct channel_form form;
    if (channel_query_read(&q, arena, query, &st))
        require(st.code == STATUS_INVALID_ARGUMENT && status_message(&st)[0]);
    require(q.aid >= -1);
    channel_header(q.headers, "authorization");
    status_clear(&st);
    if (channel_form_read(&form, arena, body, &st) == STATUS_OK) {
        struct str token = channel_header(form.headers, "authorization");
        require(token.n <= form.headers.n && form.count <= LIMIT_STREAM_MESSAGES);
        pass(&form, q.aid);
    } else {
        require(st.code == STATUS_INVALID_ARGUMENT && status_message(&st)[0]);
    }
    arena_free(arena);
    return 0;
}
