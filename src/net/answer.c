/* SPDX-License-Identifier: Apache-2.0 */
#include "net/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gatehouse/clock.h"

static const char *header(CURL *easy, const char *name)
{
    struct curl_header *found;
    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value
                                                                                  : NULL;
}

/* An answer that ends when the connection does cannot be told from half of one. */
bool gh_answer_is_whole(CURL *easy, long status)
{
    return status == 204 || status == 304 || header(easy, "Content-Length") != NULL ||
           header(easy, "Transfer-Encoding") != NULL;
}

int64_t gh_answer_retry_after_s(CURL *easy)
{
    const char *text = header(easy, "Retry-After");
    if (text == NULL || text[0] == '\0' || strspn(text, "0123456789") != strlen(text)) {
        return -1; /* a date would be measured by a clock that we may not trust */
    }
    return strlen(text) > 9 ? 999999999 : (int64_t)strtol(text, NULL, 10);
}

void gh_answer_content_type(CURL *easy, char out[GH_CONTENT_TYPE_BYTES])
{
    const char *text = header(easy, "Content-Type");
    size_t size = text != NULL ? strcspn(text, "; \t\r\n") : 0;
    if (size >= GH_CONTENT_TYPE_BYTES) {
        size = 0;
    }
    for (size_t i = 0; i < size; i++) {
        out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
    }
    out[size] = '\0';
}

/* Only the one form that is written (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". Not by
 * curl_getdate, whose time_t is not as wide as ours everywhere. */
int64_t gh_answer_date_s(CURL *easy)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *text = header(easy, "Date");
    char name[4], rfc3339[96];
    int day, year, hour, minute, second, end = 0;
    if (text == NULL || sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &day,
                               name, &year, &hour, &minute, &second, &end) != 6) {
        return -1;
    }
    const char *month = strlen(name) == 3 ? strstr(months, name) : NULL;
    if (end == 0 || text[end] != '\0' || month == NULL || (month - months) % 3 != 0) {
        return -1;
    }
    (void)snprintf(rfc3339, sizeof(rfc3339), "%04d-%02d-%02dT%02d:%02d:%02dZ", year,
                   (int)(month - months) / 3 + 1, day, hour, minute, second);
    int64_t seconds = -1;
    return gh_time_parse(rfc3339, &seconds) == GH_OK && seconds >= 0 ? seconds : -1;
}

/* "bytes 100-199/1000" (RFC 9110, 14.4); how much there is in all may be unknown, "*". */
bool gh_answer_range(CURL *easy, uint64_t *from)
{
    const char *text = header(easy, "Content-Range");
    uint64_t last;
    int end = 0;
    if (text == NULL || strncasecmp(text, "bytes ", 6) != 0 ||
        text[6 + strspn(text + 6, "0123456789")] != '-' || /* scanf would take signs and spaces */
        sscanf(text + 6, "%19" SCNu64 "-%19" SCNu64 "/%n", from, &last, &end) != 2 || end == 0) {
        return false;
    }
    return *from <= last;
}
