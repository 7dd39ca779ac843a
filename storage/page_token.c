/* page_token.c - see page_token.h. */
#include "storage/page_token.h"

#include "core/codec.h"
#include "core/crypto.h"
#include "core/limits.h"

/* version, list (4 bytes), a Cursor message, CRC-32C of what precedes (4 bytes) */
enum { TOKEN_VERSION = 1, TOKEN_HEAD = 5, TOKEN_TAIL = 4 };

static void put_u32(struct buf *out, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        buf_byte(out, (unsigned char)(x >> (8 * i)));
}

static uint32_t get_u32(const char *p)
{
    uint32_t x = 0;
    for (int i = 3; i >= 0; i--)
        x = x << 8 | (unsigned char)p[i];
    return x;
}

uint32_t page_list_id(const struct str *parts, size_t n)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < n; i++) {
        put_u32(&text, (uint32_t)parts[i].n);
        buf_str(&text, parts[i]);
    }
    uint32_t id = crc32c_of(text.data, text.len);
    buf_dispose(&text);
    return id ? id : 1;
}

struct str page_token_make(struct arena *arena, uint32_t list, const struct msg_cursor *position)
{
    struct buf bytes, text;
    buf_init(&bytes, LIMIT_MESSAGE_BYTES);
    buf_init(&text, 2 * (size_t)LIMIT_MESSAGE_BYTES);
    buf_byte(&bytes, TOKEN_VERSION);
    put_u32(&bytes, list);
    protobuf_encode(&bytes, SCHEMA(cursor), position);
    put_u32(&bytes, crc32c_of(bytes.data, bytes.len));
    base64_encode(&text, bytes.data, bytes.len);
    struct str token = arena_str(arena, buf_view(&text));
    buf_dispose(&bytes);
    buf_dispose(&text);
    return token;
}

enum status_code page_token_parse(struct msg_cursor **position, struct arena *arena, struct str token,
                                  uint32_t list, struct status *st)
{
    struct str bytes;
    struct status ignored = status_init(arena);
    *position = ARENA_NEW(arena, struct msg_cursor);
    bool ok = base64_decode(&bytes, arena, token) && bytes.n >= TOKEN_HEAD + TOKEN_TAIL &&
              bytes.p[0] == TOKEN_VERSION && get_u32(bytes.p + 1) == list &&
              get_u32(bytes.p + bytes.n - TOKEN_TAIL) == crc32c_of(bytes.p, bytes.n - TOKEN_TAIL);
    if (ok) {
        struct str message = { bytes.p + TOKEN_HEAD, bytes.n - TOKEN_HEAD - TOKEN_TAIL };
        ok = protobuf_decode(*position, SCHEMA(cursor), arena, message, &ignored) == STATUS_OK;
    }
    return ok ? STATUS_OK : status_set(st, STATUS_INVALID_ARGUMENT, "invalid page token");
}
