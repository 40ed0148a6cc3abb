/* SPDX-License-Identifier: Apache-2.0 */
/* Files, whole or in part: a download that broke off goes on where it was (RFC 9110, section 14).
 */
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "server/request.h"

struct range {
    uint64_t from, size; /* what is sent */
};
enum range_kind { RANGE_NONE, RANGE_PART, RANGE_OUTSIDE };

/* Digits up to `end`; false for none, or too many. */
static bool number(const char **text, uint64_t *out)
{
    size_t digits = strspn(*text, "0123456789");
    if (digits == 0 || digits > 18)
        return false;
    *out = strtoull(*text, NULL, 10);
    *text += digits;
    return true;
}

/* `bytes=A-B`, `bytes=A-` or `bytes=-N`. What is none of these, or several of them, does not count:
 * then the whole file is the right answer. */
static enum range_kind read_range(const char *text, uint64_t size, struct range *out)
{
    uint64_t first = 0, last = size == 0 ? 0 : size - 1;
    *out = (struct range){0, size};
    if (text == NULL || strncasecmp(text, "bytes=", 6) != 0)
        return RANGE_NONE;
    text += 6;
    if (*text == '-') {
        text++;
        if (!number(&text, &last) || *text != '\0')
            return RANGE_NONE;
        if (last == 0 || size == 0)
            return RANGE_OUTSIDE;
        *out = (struct range){last < size ? size - last : 0, last < size ? last : size};
        return RANGE_PART;
    }
    if (!number(&text, &first) || *text++ != '-')
        return RANGE_NONE;
    if (*text != '\0' && (!number(&text, &last) || *text != '\0' || last < first))
        return RANGE_NONE;
    if (first >= size)
        return RANGE_OUTSIDE;
    if (last >= size)
        last = size - 1;
    *out = (struct range){first, last - first + 1};
    return RANGE_PART;
}

static const char *header_of(const struct gh_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static void answer_outside(struct gh_request *request, uint64_t size)
{
    char range[64];
    gh_answer_error(request, MHD_HTTP_RANGE_NOT_SATISFIABLE, "range",
                    "the range is outside of the file");
    snprintf(range, sizeof(range), "bytes */%" PRIu64, size);
    gh_answer_header(request, MHD_HTTP_HEADER_CONTENT_RANGE, range);
}

void gh_answer_file(struct gh_request *request, const char *type, const char *name, int fd,
                    uint64_t size)
{
    char tag[160], content_range[80];
    struct range range;
    snprintf(tag, sizeof(tag), "\"%.128s\"", name);
    const char *condition = header_of(request, MHD_HTTP_HEADER_IF_RANGE);
    bool same = condition == NULL || strcmp(condition, tag) == 0;
    enum range_kind kind =
        read_range(same ? header_of(request, MHD_HTTP_HEADER_RANGE) : NULL, size, &range);
    if (kind == RANGE_OUTSIDE) {
        close(fd);
        answer_outside(request, size);
        return;
    }
    gh_answer_descriptor(request, kind == RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, fd,
                         range.from, range.size);
    if (kind == RANGE_PART) {
        snprintf(content_range, sizeof(content_range), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                 range.from, range.from + range.size - 1, size);
        gh_answer_header(request, MHD_HTTP_HEADER_CONTENT_RANGE, content_range);
    }
    gh_answer_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    gh_answer_header(request, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    gh_answer_header(request, MHD_HTTP_HEADER_ETAG, tag);
    gh_answer_header(request, MHD_HTTP_HEADER_CACHE_CONTROL, "public, max-age=31536000, immutable");
}
