/* listener.c - the listening sockets: binding, saying who holds a port, accepting, and refusing politely.
 *
 * "localhost" is both loopback addresses on one port number; a machine without IPv6 gets the one it has.
 * Connections over the maximum are answered with 503 by the accept loop itself: no library sees them. */
#include "server/net/net_internal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* ---- who holds a port: Linux tells through /proc, for processes that we may look at ---- */

/* The inode of a listening socket on that port in one of /proc/net/tcp and tcp6; 0: none. */
static unsigned long listening_inode(const char *table, unsigned port)
{
    char line[512];
    unsigned long found = 0;
    FILE *f = fopen(table, "re");
    if (!f)
        return 0;
    while (!found && fgets(line, sizeof line, f)) {
        unsigned local_port, state;
        unsigned long inode;
        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*u %*d %lu",
                   &local_port, &state, &inode) == 3 &&
            local_port == port && state == 0x0A)
            found = inode;
    }
    fclose(f);
    return found;
}

static bool process_holds(const char *pid, const char *wanted)
{
    char path[600], target[64];
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *fds = opendir(path);
    if (!fds)
        return false;
    bool found = false;
    for (struct dirent *d; !found && (d = readdir(fds));) {
        snprintf(path, sizeof path, "/proc/%s/fd/%s", pid, d->d_name);
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n > 0) {
            target[n] = '\0';
            found = strcmp(target, wanted) == 0;
        }
    }
    closedir(fds);
    return found;
}

/* Writes " (held by pid 123, java)" or nothing. */
static void holder(char *out, size_t size, unsigned port)
{
    out[0] = '\0';
    unsigned long inode = listening_inode("/proc/net/tcp", port);
    if (!inode)
        inode = listening_inode("/proc/net/tcp6", port);
    DIR *proc = inode ? opendir("/proc") : NULL;
    if (!proc)
        return;
    char wanted[64];
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    for (struct dirent *d; (d = readdir(proc));) {
        if (!isdigit((unsigned char)d->d_name[0]) || !process_holds(d->d_name, wanted))
            continue;
        char path[300], name[64] = "?";
        snprintf(path, sizeof path, "/proc/%s/comm", d->d_name);
        FILE *f = fopen(path, "re");
        if (f) {
            size_t n = fread(name, 1, sizeof name - 1, f);
            fclose(f);
            name[n] = '\0';
            name[strcspn(name, "\n")] = '\0';
        }
        snprintf(out, size, " (held by pid %.20s, %s)", d->d_name, name);
        break;
    }
    closedir(proc);
}

/* ---- binding ---- */

static bool parse_address(union address *out, socklen_t *size, const char *host, uint16_t port)
{
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        *size = sizeof out->v4;
        return true;
    }
    if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        *size = sizeof out->v6;
        return true;
    }
    return false;
}

static uint16_t bound_port(int fd)
{
    union address a;
    socklen_t size = sizeof a;
    if (getsockname(fd, &a.any, &size) != 0)
        return 0;
    return ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
}

/* A listening socket, or -1 with errno. */
static int bind_one(const char *host, uint16_t port)
{
    union address a;
    socklen_t size = 0;
    int one = 1, zero = 0, error;
    if (!parse_address(&a, &size, host, port)) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (a.any.sa_family == AF_INET6) {
        /* "::" takes IPv4 too, as 0.0.0.0 inside a container is often written. */
        int *only = strcmp(host, "::") == 0 ? &zero : &one;
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, only, sizeof *only);
    }
    if (bind(fd, &a.any, size) == 0 && listen(fd, 1024) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

static enum status_code bind_error(const char *host, uint16_t port, const char *option, struct status *st)
{
    char who[128] = "";
    switch (errno) {
    case EADDRINUSE:
        holder(who, sizeof who, port);
        return status_set(st, STATUS_UNAVAILABLE,
                          "cannot listen on %s port %u: address already in use%s; choose another with %s",
                          host, port, who, option ? option : "--port");
    case EINVAL:
        return status_set(
            st, STATUS_INVALID_ARGUMENT,
            "cannot listen on host \"%s\": it is neither an IPv4 nor an IPv6 address nor localhost", host);
    default:
        return status_set(st, STATUS_UNAVAILABLE, "cannot listen on %s port %u: %s", host, port,
                          strerror(errno));
    }
}

static bool no_such_address(int error)
{
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPROTONOSUPPORT;
}

/* Both loopback addresses on one port. With port 0 the kernel chooses for one and the other may be taken:
 * then another is tried. */
static enum status_code bind_localhost(int fds[2], uint16_t port, const char *option, struct status *st)
{
    for (int tries = 0; tries < 50; tries++) {
        fds[0] = bind_one("127.0.0.1", port);
        if (fds[0] < 0 && !no_such_address(errno))
            return bind_error("127.0.0.1", port, option, st);
        fds[1] = bind_one("::1", fds[0] < 0 ? port : bound_port(fds[0]));
        if (fds[1] >= 0 || (fds[0] >= 0 && no_such_address(errno)))
            return STATUS_OK;
        if (fds[0] < 0 || port != 0) {
            enum status_code code = bind_error("::1", port, option, st);
            if (fds[0] >= 0)
                close(fds[0]);
            return code;
        }
        close(fds[0]);
    }
    return status_set(st, STATUS_UNAVAILABLE, "no port is free on both 127.0.0.1 and ::1");
}

static enum status_code listen_on(struct net *net, unsigned index, struct status *st)
{
    struct net_listener *l = &net->listeners[index];
    int fds[2] = { -1, -1 };
    if (strcmp(l->host, "localhost") == 0) {
        if (bind_localhost(fds, l->port, l->option, st))
            return st->code;
    } else {
        fds[0] = bind_one(l->host, l->port);
        if (fds[0] < 0)
            return bind_error(l->host, l->port, l->option, st);
    }
    for (int i = 0; i < 2; i++) {
        if (fds[i] < 0)
            continue;
        l->port = bound_port(fds[i]);
        net->sockets[net->n_sockets++] = (struct net_socket){ { SOURCE_LISTENER }, fds[i], index };
    }
    return STATUS_OK;
}

enum status_code net_listen(struct net *net, struct status *st)
{
    net->sockets = calloc(net->options.n_listeners * 2, sizeof *net->sockets);
    if (!net->sockets)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "no memory for the listening sockets");
    for (unsigned i = 0; i < net->options.n_listeners; i++)
        if (listen_on(net, i, st))
            return st->code;
    for (size_t i = 0; i < net->n_sockets; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = &net->sockets[i] };
        if (epoll_ctl(net->epoll, EPOLL_CTL_ADD, net->sockets[i].fd, &event) != 0)
            return status_set(st, STATUS_UNAVAILABLE, "cannot watch a listening socket: %s", strerror(errno));
    }
    return STATUS_OK;
}

void net_unlisten(struct net *net)
{
    for (size_t i = 0; i < net->n_sockets; i++)
        close(net->sockets[i].fd);
    net->n_sockets = 0;
}

/* ---- accepting ---- */

static void peer_text(char out[NET_PEER_TEXT], const union address *a)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (a->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof host);
        snprintf(out, NET_PEER_TEXT, "%s:%u", host, ntohs(a->v4.sin_port));
    } else {
        inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof host);
        snprintf(out, NET_PEER_TEXT, "[%s]:%u", host, ntohs(a->v6.sin6_port));
    }
}

void net_refuse(struct net *net, int fd)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\n"
                               "connection: close\r\ncontent-length: 47\r\n\r\n"
                               "too many connections; close some and try again\n";
    (void)net;
    ssize_t n = send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n;
    shutdown(fd, SHUT_WR);
}

/* Out of descriptors: without one in reserve the connection could neither be taken nor refused, and the
 * listening socket would stay readable and spin. */
static void refuse_without_descriptor(struct net *net, int listening)
{
    if (net->spare_fd < 0)
        return;
    close(net->spare_fd);
    int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        net_refuse(net, fd);
        close(fd);
        atomic_fetch_add(&net->n_refused, 1);
    }
    net->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void net_accept(struct net *net, struct net_socket *socket)
{
    enum { AT_ONCE = 64 };
    for (int i = 0; i < AT_ONCE; i++) {
        union address a;
        socklen_t size = sizeof a;
        char peer[NET_PEER_TEXT];
        int one = 1;
        int fd = accept4(socket->fd, &a.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                refuse_without_descriptor(net, socket->fd);
            else if (errno == EINTR || errno == ECONNABORTED)
                continue;
            return;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        peer_text(peer, &a);
        net_accepted(net, fd, socket->listener, peer);
    }
}
