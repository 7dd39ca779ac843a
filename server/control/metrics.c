/* metrics.c - GET /metrics, in the format that the scraper prefers. */
#include "server/control/control.h"

#include "server/ops/metrics.h"

#include <assert.h>

void control_metrics(struct http_call *call)
{
    struct buf out;
    struct str accept = exchange_header(call->exchange, "accept");
    /* Prometheus lists it first when it understands it at all; nobody else names it. */
    bool open = accept.n && memmem(accept.p, accept.n, "application/openmetrics-text", 28);
    enum metrics_format format = open ? METRICS_OPENMETRICS : METRICS_PROMETHEUS;
    buf_init(&out, METRICS_PAGE_MAX);
    bool fits = metrics_print(&out, call->server, format);
    assert(fits);
    (void)fits;
    http_reply_bytes(call, 200, metrics_content_type[format], &out);
}
