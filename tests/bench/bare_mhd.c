/* bare_mhd.c - the ceiling for HTTP/1.1: the simplest server that libmicrohttpd allows, with our options.
 *
 *   bare_mhd PORT      (0: any; prints "PORT")
 * Every request is read to its end and answered with the same 700 bytes. One thread, epoll. */
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char body[700];
static struct MHD_Response *response;

static enum MHD_Result answer(void *data, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *bytes, size_t *n,
                              void **context)
{
    static int seen;
    (void)data;
    (void)url;
    (void)method;
    (void)version;
    (void)bytes;
    if (!*context) {
        *context = &seen;
        return MHD_YES;
    }
    if (*n) {
        *n = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, 200, response);
}

int main(int argc, char **argv)
{
    sigset_t signals;
    int got;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    memset(body, 'x', sizeof body);
    response = MHD_create_response_from_buffer(sizeof body, body, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "content-type", "application/json");
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNALLY_LINUX_ONLY | MHD_USE_SUPPRESS_DATE_NO_CLOCK,
                         (unsigned short)(argc > 1 ? strtoul(argv[1], NULL, 10) : 0), NULL, NULL, answer,
                         NULL, MHD_OPTION_END);
    if (!daemon) {
        perror("bare_mhd");
        return 1;
    }
    printf("%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    sigwait(&signals, &got);
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
    return 0;
}
