/* frame.c - see frame.h. */
#include "server/transport/frame.h"

#include "core/limits.h"

enum frame_result frame_next(struct str *rest, struct str *message)
{
    if (rest->n < FRAME_PREFIX)
        return FRAME_MORE;
    const unsigned char *p = (const unsigned char *)rest->p;
    size_t n = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
    if (p[0] > 1)
        return FRAME_BAD_FLAG;
    if (p[0] == 1)
        return FRAME_COMPRESSED;
    if (n > LIMIT_MESSAGE_BYTES)
        return FRAME_TOO_LARGE;
    if (rest->n - FRAME_PREFIX < n)
        return FRAME_MORE;
    *message = (struct str){ rest->p + FRAME_PREFIX, n };
    *rest = str_skip(*rest, FRAME_PREFIX + n);
    return FRAME_MESSAGE;
}

void frame_prefix(unsigned char out[FRAME_PREFIX], size_t n)
{
    out[0] = 0;
    out[1] = (unsigned char)(n >> 24);
    out[2] = (unsigned char)(n >> 16);
    out[3] = (unsigned char)(n >> 8);
    out[4] = (unsigned char)n;
}

const char *frame_problem(enum frame_result result, enum status_code *code)
{
    switch (result) {
    case FRAME_COMPRESSED:
        *code = STATUS_UNIMPLEMENTED;
        return "compressed messages are not supported; send grpc-encoding identity";
    case FRAME_TOO_LARGE:
        *code = STATUS_RESOURCE_EXHAUSTED;
        return "a message is larger than 10 MiB";
    case FRAME_BAD_FLAG:
    case FRAME_MESSAGE:
    case FRAME_MORE:
        break;
    }
    *code = STATUS_INVALID_ARGUMENT;
    return "the flags of the message's prefix are neither 0 nor 1";
}

bool frame_message(struct buf *out, const struct schema_message *schema, const void *message)
{
    size_t at = out->len;
    unsigned char *prefix = buf_reserve(out, FRAME_PREFIX);
    if (!prefix)
        return false;
    memset(prefix, 0, FRAME_PREFIX);
    out->len += FRAME_PREFIX;
    protobuf_encode(out, schema, message);
    if (!out->overflowed)
        frame_prefix(out->data + at, out->len - at - FRAME_PREFIX);
    return !out->overflowed;
}

bool frame_timeout(int64_t *ns, struct str text)
{
    static const struct {
        char unit;
        int64_t ns;
    } units[] = { { 'H', INT64_C(3600000000000) },
                  { 'M', INT64_C(60000000000) },
                  { 'S', 1000000000 },
                  { 'm', 1000000 },
                  { 'u', 1000 },
                  { 'n', 1 } };
    int64_t n = 0;
    if (text.n < 2 || text.n > 9)
        return false;
    for (size_t i = 0; i + 1 < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        n = n * 10 + (text.p[i] - '0');
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].unit != text.p[text.n - 1])
            continue;
        /* 99999999 hours are more than int64 nanoseconds hold: longer than anybody waits. */
        *ns = n > INT64_MAX / 2 / units[i].ns ? INT64_MAX / 2 : n * units[i].ns;
        return true;
    }
    return false;
}

bool frame_percent(struct buf *out, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c >= 0x20 && c < 0x7F && c != '%') {
            buf_byte(out, c);
            continue;
        }
        buf_byte(out, '%');
        buf_byte(out, (unsigned char)digits[c >> 4]);
        buf_byte(out, (unsigned char)digits[c & 15]);
    }
    return !out->overflowed;
}

/* ---- a few protobuf fields, by hand: google.rpc is not in the Firestore schema ---- */

static void put_varint(struct buf *out, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        buf_byte(out, (unsigned char)(n | 0x80));
    buf_byte(out, (unsigned char)n);
}

static void put_bytes(struct buf *out, unsigned field, struct str bytes)
{
    put_varint(out, field << 3 | 2);
    put_varint(out, bytes.n);
    buf_str(out, bytes);
}

static void put_error_info(struct buf *out, const struct status_detail *detail)
{
    struct buf entry;
    buf_init(&entry, out->max);
    put_bytes(out, 1, str_of(detail->reason));
    put_bytes(out, 2, STR(STATUS_DETAIL_DOMAIN));
    for (size_t i = 0; i < detail->count; i++) {
        buf_clear(&entry);
        put_bytes(&entry, 1, str_of(detail->facts[i].key));
        put_bytes(&entry, 2, detail->facts[i].value);
        put_bytes(out, 3, buf_view(&entry));
    }
    buf_dispose(&entry);
}

/* google.rpc.RetryInfo: one google.protobuf.Duration. */
static void put_retry_info(struct buf *out, int64_t ms)
{
    struct buf delay;
    buf_init(&delay, out->max);
    put_varint(&delay, 1 << 3);
    put_varint(&delay, (uint64_t)(ms / 1000));
    put_varint(&delay, 2 << 3);
    put_varint(&delay, (uint64_t)(ms % 1000 * 1000000));
    put_bytes(out, 1, buf_view(&delay));
    buf_dispose(&delay);
}

bool frame_status_details(struct buf *out, const struct status *status)
{
    struct buf info, any, all;
    buf_init(&info, out->max);
    buf_init(&any, out->max);
    buf_init(&all, out->max);
    put_varint(&all, 1 << 3);
    put_varint(&all, (uint64_t)status->code);
    put_bytes(&all, 2, str_of(status_message(status)));
    for (const struct status_detail *d = status->details; d; d = d->next) {
        buf_clear(&info);
        buf_clear(&any);
        if (d->retry_ms)
            put_retry_info(&info, d->retry_ms);
        else
            put_error_info(&info, d);
        put_bytes(&any, 1,
                  d->retry_ms ? STR("type.googleapis.com/google.rpc.RetryInfo")
                              : STR("type.googleapis.com/google.rpc.ErrorInfo"));
        put_bytes(&any, 2, buf_view(&info));
        put_bytes(&all, 3, buf_view(&any));
    }
    bool ok = !info.overflowed && !any.overflowed && !all.overflowed && base64_encode(out, all.data, all.len);
    while (ok && out->len && out->data[out->len - 1] == '=')
        out->len--;
    buf_dispose(&info);
    buf_dispose(&any);
    buf_dispose(&all);
    return ok;
}
