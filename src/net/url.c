/* SPDX-License-Identifier: Apache-2.0 */
/* Which base URLs are taken. libcurl parses, and libcurl connects: there is one opinion about what
 * the host is. What a parser could see differently than a person is refused by its form. */
#include "gatehouse/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#define URL_MAX_BYTES 512

/* The URL's part behind "://", which must be host[:port] and nothing else: no user (`@`), no path
 * (`/`, `\`), no query, no fragment, nothing encoded, nothing outside ASCII. */
static const char *authority_of(const char *url)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ".-_:[]";
    const char *separator = strstr(url, "://");
    if (separator == NULL) {
        return NULL;
    }
    const char *authority = separator + 3;
    size_t size = strlen(authority);
    if (size == 0 || strspn(authority, allowed) != size || authority[0] == ':' ||
        authority[size - 1] == ':') {
        return NULL;
    }
    return authority;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    char bare[INET6_ADDRSTRLEN];
    size_t size = strlen(host);
    if (strcasecmp(host, "localhost") == 0) {
        return true;
    }
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    if (size > 2 && host[0] == '[' && host[size - 1] == ']' && size - 2 < sizeof(bare)) {
        memcpy(bare, host + 1, size - 2);
        bare[size - 2] = '\0';
        return inet_pton(AF_INET6, bare, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return false;
}

static enum gh_status check_parts(const char *scheme, const char *host, const char *port,
                                  bool allow_insecure, struct gh_error *err)
{
    if (host == NULL || host[0] == '\0' || (port != NULL && strcmp(port, "0") == 0)) {
        return gh_fail(err, GH_ERR_INVALID, "the server's address names no host, or port 0");
    }
    if (strcmp(scheme, "https") == 0) {
        return GH_OK;
    }
    if (strcmp(scheme, "http") != 0) {
        return gh_fail(err, GH_ERR_INVALID, "the server's address must begin with https://");
    }
    if (!allow_insecure && !is_loopback(host)) {
        return gh_fail(err, GH_ERR_INVALID,
                       "http:// without TLS is only for this machine, not for %s", host);
    }
    return GH_OK;
}

enum gh_status gh_http_check_url(const char *url, bool allow_insecure, struct gh_error *err)
{
    if (strlen(url) > URL_MAX_BYTES || authority_of(url) == NULL) {
        return gh_fail(err, GH_ERR_INVALID,
                       "the server's address must have the form https://host[:port]");
    }
    CURLU *parsed = curl_url();
    if (parsed == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the server's address");
    }
    char *scheme = NULL, *host = NULL, *port = NULL;
    enum gh_status status;
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        status = gh_fail(err, GH_ERR_INVALID,
                         "the server's address must have the form https://host[:port]");
    } else {
        if (curl_url_get(parsed, CURLUPART_PORT, &port, 0) != CURLUE_OK) {
            port = NULL; /* the scheme's own */
        }
        status = check_parts(scheme, host, port, allow_insecure, err);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parsed);
    return status;
}
