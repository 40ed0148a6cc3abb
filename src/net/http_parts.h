/* SPDX-License-Identifier: Apache-2.0 */
/* The transport over libcurl in pieces: the connection, one exchange on it, and how a request
 * becomes libcurl's options. */
#ifndef GATEHOUSE_SRC_NET_HTTP_PARTS_H
#define GATEHOUSE_SRC_NET_HTTP_PARTS_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "gatehouse/http.h"

#define GH_PIN_TEXT_BYTES (sizeof("sha256//") + 44)

struct gh_http {
    CURLM *multi;
    CURL *easy;
    char *base_url;
    const char *host; /* in base_url, behind "://" */
    char *ca_file;    /* NULL: the system's */
    char pin[GH_PIN_TEXT_BYTES];
    bool plain; /* http:// */
    atomic_bool cancelled;
};

/* One exchange. */
struct gh_exchange {
    struct gh_http *http;
    const struct gh_http_request *request;
    uint8_t *body;
    size_t size, capacity, limit;
    bool began;            /* the body goes to the sink, which knows */
    uint64_t sunk;         /* bytes that went there */
    enum gh_status broken; /* why the writing of the body stopped, else GH_OK */
    curl_off_t moved;      /* bytes, in both directions */
    int64_t moved_ns;      /* when one did last */
    struct curl_slist *headers;
    char cause[CURL_ERROR_SIZE];
};

/* GH_ERR_INVALID: no request that can be made, nor one that leaves its own head. */
GH_MUST_CHECK enum gh_status gh_http_request_check(const struct gh_http_request *request,
                                                   struct gh_error *err);

/* Its headers, and all options of exchange->http->easy, which was reset; what comes in goes to
 * on_body(data, 1, size, exchange). url and request stay until the exchange is over. False: no
 * memory. The headers are to be freed in either case. */
GH_MUST_CHECK bool gh_http_request_set(struct gh_exchange *exchange, const char *url,
                                       curl_write_callback on_body);
void gh_http_headers_free(struct curl_slist *headers); /* wiped */

#endif
