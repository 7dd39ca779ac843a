/* feed.c - GET /requests: the Requests feed over a WebSocket, where Google's emulator 1.19.9 has it. */
#include "server/control/control.h"

#include "server/ops/feed.h"

static void listener_gone(void *data)
{
    http_call_free(data);
}

void control_requests(struct http_call *call)
{
    if (exchange_refuse_websocket(call->exchange)) {
        call->answered = true;
    } else if (feed_join(call->server->feed, call->exchange, listener_gone, call)) {
        call->answered = true;
        http_call_keep(call);
    } else {
        http_reply_text(call, 503, "too many listeners of the Requests feed; close some\n");
    }
}
