/* websocket_handshake.c - whether a request asks for a WebSocket as RFC 6455 (4.2) has it, and the answer.
 *
 * Stricter than Google's emulator 1.19.9, which takes any version and any key, and as strict as browsers are. */
#include "core/codec.h"
#include "core/crypto.h"
#include "server/net/net_internal.h"

#include <assert.h>
#include <strings.h>

enum { ACCEPT_MAX = 64 };

/* Whether a comma list of tokens has one. */
static bool has_token(struct str list, struct str token)
{
    while (list.n) {
        const char *comma = memchr(list.p, ',', list.n);
        struct str item = { list.p, comma ? (size_t)(comma - list.p) : list.n };
        list = str_skip(list, comma ? item.n + 1 : item.n);
        while (item.n && (item.p[0] == ' ' || item.p[0] == '\t'))
            item = str_skip(item, 1);
        while (item.n && (item.p[item.n - 1] == ' ' || item.p[item.n - 1] == '\t'))
            item.n--;
        if (item.n == token.n && strncasecmp(item.p, token.p, token.n) == 0)
            return true;
    }
    return false;
}

/* 16 bytes in base64: 22 letters and "==". */
static bool is_key(struct str key)
{
    if (key.n != 24 || key.p[22] != '=' || key.p[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = key.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/'))
            return false;
    }
    return true;
}

/* 0: nothing is wrong with it. */
static int refusal(const char **why, const struct exchange *e)
{
    *why = "a WebSocket is here: connect with ws://";
    if (e->head.protocol != NET_HTTP11 || !has_token(exchange_header(e, "upgrade"), STR("websocket")))
        return 426;
    if (!str_eq(exchange_header(e, "sec-websocket-version"), STR("13"))) {
        *why = "only version 13 of WebSockets is spoken here";
        return 426;
    }
    *why = NULL;
    if (!has_token(exchange_header(e, "connection"), STR("upgrade")))
        *why = "a WebSocket handshake needs the header connection: upgrade";
    else if (!is_key(exchange_header(e, "sec-websocket-key")))
        *why = "a WebSocket handshake needs 16 bytes in base64 in the header sec-websocket-key";
    return *why ? 400 : 0;
}

bool exchange_refuse_websocket(struct exchange *e)
{
    const char *why;
    int status = refusal(&why, e);
    struct net_header headers[3] = { { STR("content-type"), STR("text/plain") } };
    size_t n = 1;
    if (status == 0)
        return false;
    if (status == 426)
        headers[n++] = (struct net_header){ STR("sec-websocket-version"), STR("13") };
    if (status == 426 && e->head.protocol != NET_HTTP2) /* which knows no upgrade */
        headers[n++] = (struct net_header){ STR("upgrade"), STR("websocket") };
    struct buf body;
    buf_init(&body, 256);
    buf_printf(&body, "%s\n", why);
    exchange_reply(e, status, headers, n, &body);
    return true;
}

void exchange_websocket(struct exchange *e)
{
    unsigned char digest[SHA1_SIZE];
    struct buf text, accept;
    buf_init(&text, ACCEPT_MAX * 2);
    buf_init(&accept, ACCEPT_MAX);
    buf_str(&text, exchange_header(e, "sec-websocket-key"));
    buf_z(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"); /* RFC 6455, 1.3 */
    sha1_of(digest, text.data, text.len);
    base64_encode(&accept, digest, sizeof digest);
    const struct net_header headers[] = { { STR("upgrade"), STR("websocket") },
                                          { STR("sec-websocket-accept"), buf_view(&accept) } };
    assert(!e->started && e->body_complete);
    e->websocket = true;
    exchange_start(e, 101, headers, sizeof headers / sizeof headers[0]);
    buf_dispose(&text);
    buf_dispose(&accept);
}
