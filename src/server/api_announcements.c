/* SPDX-License-Identifier: Apache-2.0 */
/* Announcements, as the administrator sends them and sees what became of them. */
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gatehouse/log.h"
#include "server/api.h"
#include "server/db_news.h"
#include "server/news.h"
#include "server/server.h"

#define SHOWN_MAX 1000
#define EXPIRES_INITIAL_S 600
#define EXPIRES_MIN_S 10
#define EXPIRES_MAX_S 86400

static void bad(struct gh_request *request, const char *message)
{
    gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request", message);
}

/* Each of these: false after having answered. */

static bool read_text(struct gh_request *request, const char **out)
{
    const char *text = gh_request_query(request, "text");
    *out = text != NULL ? text : "";
    size_t size = strlen(*out);
    bool good = size < GH_ANNOUNCEMENT_TEXT_BYTES && gh_utf8_valid(*out, size);
    for (size_t i = 0; good && i < size; i++)
        good = (unsigned char)(*out)[i] >= 0x20 && (*out)[i] != 0x7f;
    if (!good)
        bad(request, "text must be at most 200 bytes on one line");
    return good;
}

static bool read_gate(struct gh_request *request, struct gh_roster_gate **out)
{
    gh_id id = 0;
    *out = NULL;
    if (!gh_request_query_id(request, "gate", &id))
        return false;
    if (id == 0)
        return true;
    *out = gh_roster_find(request->server->roster, id);
    if (*out != NULL && (*out)->enrolled)
        return true;
    gh_answer_status(request, *out == NULL ? GH_ERR_NOTFOUND : GH_ERR_REFUSED);
    return false;
}

static bool is_wav(const char *type)
{
    static const char *const names[] = {"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"};
    size_t size = type != NULL ? strcspn(type, "; ") : 0;
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++)
        if (size == strlen(names[i]) && strncasecmp(type, names[i], size) == 0)
            return true;
    return false;
}

static bool read_sound(struct gh_request *request, struct gh_news_announcement *out)
{
    struct gh_error err = {0};
    if (!is_wav(gh_request_header(request, MHD_HTTP_HEADER_CONTENT_TYPE))) {
        gh_answer_error(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "unsupported_type",
                        "a sound comes as audio/wav");
        return false;
    }
    out->sound = (struct gh_bytes){request->body, request->body_size};
    if (gh_wav_parse(out->sound, &out->wav, &err) == GH_OK)
        return true;
    bad(request, err.text);
    return false;
}

void gh_api_announce(struct gh_request *request)
{
    struct gh_news_announcement wanted = {0};
    int64_t repeat = 1, expires_s = EXPIRES_INITIAL_S;
    gh_id id;
    if (!gh_request_query_number(request, "repeat", 1, GH_ANNOUNCEMENT_REPEAT_MAX, &repeat) ||
        !gh_request_query_number(request, "expires_s", EXPIRES_MIN_S, EXPIRES_MAX_S, &expires_s) ||
        !read_text(request, &wanted.text) || !read_gate(request, &wanted.gate) ||
        !read_sound(request, &wanted))
        return;
    wanted.repeat = (unsigned)repeat;
    wanted.expires_s = expires_s;
    enum gh_status status = gh_news_announce(request->server->news, &wanted, &id);
    if (status == GH_ERR_TOOBIG) {
        gh_answer_error(request, MHD_HTTP_CONFLICT, "conflict",
                        "as many announcements as may be wait to be played: cancel one, or wait "
                        "until one expires");
    } else if (status != GH_OK) {
        gh_answer_status(request, status);
    } else {
        gh_log(GH_LOG_NOTICE, "news", "announcement %016" PRIx64 " to %s, %s", id,
               wanted.gate != NULL ? "one gate" : "all gates", request->user);
        gh_answer_json(request, MHD_HTTP_CREATED, json_pack("{s:o}", "id", gh_json_id(id)));
    }
}

static bool append(void *context, const struct gh_db_announcement *announcement)
{
    json_t *list = context;
    const struct gh_announcement *said = &announcement->said;
    const uint64_t *told = announcement->told;
    json_t *json = json_pack(
        "{s:o, s:o, s:s, s:o, s:o, s:I, s:f, s:b, s:I, s:I, s:I, s:I}", "id", gh_json_id(said->id),
        "gate", gh_json_id(said->gate), "text", announcement->text, "sent_at",
        gh_json_time(announcement->sent_at), "expires_at", gh_json_time(said->until_s), "repeat",
        (json_int_t)said->repeat, "seconds", (double)announcement->ms / 1000, "cancelled",
        (int)said->cancelled, "played", (json_int_t)told[GH_ANNOUNCEMENT_PLAYED], "failed",
        (json_int_t)told[GH_ANNOUNCEMENT_FAILED], "silent",
        (json_int_t)told[GH_ANNOUNCEMENT_SILENT], "expired",
        (json_int_t)told[GH_ANNOUNCEMENT_EXPIRED]);
    return json_array_append_new(list, json) == 0 && json_array_size(list) < SHOWN_MAX;
}

void gh_api_announcements_get(struct gh_request *request)
{
    json_t *list = json_array();
    enum gh_status status =
        gh_db_announcements_read(request->server->db, 0, INT64_MIN, append, list);
    if (status == GH_OK) {
        gh_answer_json(request, MHD_HTTP_OK, json_pack("{s:o}", "announcements", list));
        return;
    }
    json_decref(list);
    gh_answer_status(request, status);
}

void gh_api_announcement_cancel(struct gh_request *request)
{
    enum gh_status status = gh_news_cancel(request->server->news, request->id[0]);
    if (status == GH_OK)
        gh_answer_empty(request, MHD_HTTP_NO_CONTENT);
    else
        gh_answer_status(request, status);
}
