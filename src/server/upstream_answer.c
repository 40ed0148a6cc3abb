/* SPDX-License-Identifier: Apache-2.0 */
/* What the authority says: read strictly, since it opens doors. */
#include <jansson.h>
#include <string.h>

#include "server/upstream.h"

#define HOLDER_MAX_BYTES 512

const char *gh_verdict_name(enum gh_verdict verdict)
{
    switch (verdict) {
    case GH_VERDICT_VALID:
        return "valid";
    case GH_VERDICT_INVALID:
        return "invalid";
    default:
        return "unknown";
    }
}

gh_id gh_upstream_subject(const uint8_t secret[GH_HOLDER_SECRET_BYTES], struct gh_bytes holder)
{
    /* Begins like no other hash under this secret (src/code/holder.c). */
    uint8_t buffer[sizeof("authority") + HOLDER_MAX_BYTES], hash[GH_SHA256_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    gh_writer_put_text(&writer, "authority");
    gh_writer_put(&writer, holder.data, holder.size);
    gh_hmac_sha256((struct gh_bytes){secret, GH_HOLDER_SECRET_BYTES},
                   (struct gh_bytes){writer.data, writer.size}, hash);
    gh_wipe(buffer, sizeof(buffer));
    gh_id id = gh_be64(hash);
    return id != 0 ? id : 1;
}

static bool read_verdict(const json_t *json, enum gh_verdict *verdict)
{
    const char *name = json_string_value(json_object_get(json, "verdict"));
    for (int i = GH_VERDICT_UNKNOWN; name != NULL && i <= GH_VERDICT_INVALID; i++) {
        *verdict = (enum gh_verdict)i;
        if (strcmp(name, gh_verdict_name(*verdict)) == 0)
            return true;
    }
    return false;
}

static bool read_colour(const json_t *json, enum gh_colour *colour)
{
    const char *name = json_string_value(json_object_get(json, "colour"));
    return name != NULL && gh_colour_parse(name, colour) == GH_OK && *colour != GH_COLOUR_NONE;
}

static bool read_holder(const json_t *json, const uint8_t *secret, gh_id *subject)
{
    json_t *holder = json_object_get(json, "holder");
    size_t size = json_string_length(holder);
    if (holder == NULL)
        return true;
    if (size == 0 || size > HOLDER_MAX_BYTES)
        return false;
    struct gh_bytes text = {(const uint8_t *)json_string_value(holder), size};
    *subject = gh_upstream_subject(secret, text);
    return true;
}

/* *over: it says itself that it is over. */
static bool read_end(const json_t *json, int64_t now_s, int64_t *expires_at_s, bool *over)
{
    const json_t *end = json_object_get(json, "expires_at");
    const char *text = json_string_value(end);
    if (end == NULL)
        return true;
    if (text == NULL || gh_time_parse(text, expires_at_s) != GH_OK)
        return false;
    *over = *expires_at_s <= now_s;
    return true;
}

static bool read_object(const json_t *json, const uint8_t *secret, int64_t now_s,
                        struct gh_upstream_answer *out)
{
    bool over = false;
    if (!read_verdict(json, &out->verdict))
        return false;
    if (out->verdict != GH_VERDICT_VALID)
        return true;
    if (!read_colour(json, &out->colour) || !read_holder(json, secret, &out->subject) ||
        !read_end(json, now_s, &out->expires_at_s, &over))
        return false;
    if (over)
        *out = (struct gh_upstream_answer){.verdict = GH_VERDICT_INVALID};
    return true;
}

struct gh_upstream_answer gh_upstream_read(const struct gh_http_response *response,
                                           const uint8_t secret[GH_HOLDER_SECRET_BYTES],
                                           int64_t now_s)
{
    struct gh_upstream_answer answer = {.status = GH_OK};
    if (response->status != 200)
        return (struct gh_upstream_answer){.status = GH_ERR_REFUSED};
    if (strcmp(response->content_type, "application/json") != 0)
        return (struct gh_upstream_answer){.status = GH_ERR_CORRUPT};
    json_t *json =
        json_loadb((const char *)response->body, response->size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(json) || !read_object(json, secret, now_s, &answer))
        answer = (struct gh_upstream_answer){.status = GH_ERR_CORRUPT};
    /* jansson leaves its texts as they are when it frees them. */
    json_t *holder = json_object_get(json, "holder");
    if (json_is_string(holder))
        gh_wipe((char *)(uintptr_t)json_string_value(holder), json_string_length(holder));
    json_decref(json);
    return answer;
}
