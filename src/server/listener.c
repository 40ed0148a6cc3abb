/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/file.h"

#define HOST_BYTES 256

/* Cut `host:port` in two; false when it is not that. */
static bool split(const char *text, char host[HOST_BYTES], const char **port)
{
    const char *colon = strrchr(text, ':');
    const char *begin = text;
    if (colon == NULL || colon == text)
        return false;
    size_t size = (size_t)(colon - text);
    if (text[0] == '[') {
        if (size < 3 || colon[-1] != ']')
            return false;
        begin++;
        size -= 2;
    } else if (memchr(text, ':', size) != NULL) {
        return false; /* an IPv6 address without brackets */
    }
    *port = colon + 1;
    size_t digits = strspn(*port, "0123456789");
    if (size >= HOST_BYTES || digits == 0 || digits > 5 || (*port)[digits] != '\0' ||
        atoi(*port) > 65535)
        return false;
    memcpy(host, begin, size);
    host[size] = '\0';
    return true;
}

enum gh_status gh_listen_parse(const char *text, struct gh_listen_address *out,
                               struct gh_error *err)
{
    char host[HOST_BYTES];
    const char *port;
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};

    memset(out, 0, sizeof(*out));
    if (!split(text, host, &port))
        return gh_fail(err, GH_ERR_INVALID,
                       "[server] listen must be host:port or [IPv6 address]:port");
    int result = getaddrinfo(host, port, &hints, &found);
    if (result != 0)
        return gh_fail(err, GH_ERR_INVALID, "[server] listen: %.100s: %s", host,
                       gai_strerror(result));
    memcpy(&out->socket, found->ai_addr, found->ai_addrlen);
    out->size = found->ai_addrlen;
    freeaddrinfo(found);
    return GH_OK;
}

bool gh_listen_is_loopback(const struct gh_listen_address *address)
{
    if (address->socket.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->socket;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->socket;
    return address->socket.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

bool gh_listen_is_any(const struct gh_listen_address *address)
{
    if (address->socket.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->socket;
        return v4->sin_addr.s_addr == htonl(INADDR_ANY);
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->socket;
    return address->socket.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
}

enum gh_status gh_listen_open(struct gh_listen_address *address, int *fd, struct gh_error *err)
{
    const int on = 1;
    int family = address->socket.ss_family;
    GH_CLEANUP_FD int made =
        socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

    *fd = -1;
    address->size = sizeof(address->socket);
    if (made < 0 || setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(made, (const struct sockaddr *)&address->socket,
             family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)) != 0 ||
        listen(made, SOMAXCONN) != 0 ||
        getsockname(made, (struct sockaddr *)&address->socket, &address->size) != 0) {
        int error = errno;
        return gh_fail(err, error == EADDRINUSE ? GH_ERR_BUSY : gh_status_from_errno(error),
                       "cannot listen: %s", strerror(error));
    }
    *fd = made;
    made = -1;
    return GH_OK;
}

enum gh_status gh_listen_url(const struct gh_listen_address *address, bool tls, char *out,
                             size_t out_bytes)
{
    char host[NI_MAXHOST], port[NI_MAXSERV], colon_port[NI_MAXSERV + 1] = "";
    if (getnameinfo((const struct sockaddr *)&address->socket, address->size, host, sizeof(host),
                    port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return GH_ERR_INVALID;
    if (strcmp(port, tls ? "443" : "80") != 0)
        snprintf(colon_port, sizeof(colon_port), ":%s", port);
    bool v6 = address->socket.ss_family == AF_INET6;
    int size = snprintf(out, out_bytes, "%s://%s%s%s%s", tls ? "https" : "http", v6 ? "[" : "",
                        host, v6 ? "]" : "", colon_port);
    return size > 0 && (size_t)size < out_bytes ? GH_OK : GH_ERR_TOOBIG;
}
