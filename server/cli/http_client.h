/* http_client.h - one request to a server, for the commands that talk to one: HTTP/1.0, no more than that. */
#ifndef SERVER_CLI_HTTP_CLIENT_H
#define SERVER_CLI_HTTP_CLIENT_H

#include "core/buf.h"
#include "core/status.h"

/* Connects, asks, reads to the end. *http_status is the answer's; body may be NULL. UNAVAILABLE with the
 * reason when there was no answer within wait_ms. */
enum status_code http_get(int *http_status, struct buf *body, const char *host, uint16_t port, const char *target,
                          int wait_ms, struct status *st);

/* The same with any method and a JSON body. */
enum status_code http_ask(int *http_status, struct buf *body, const char *host, uint16_t port, const char *method,
                          const char *target, struct str content, int wait_ms, struct status *st);

#endif
