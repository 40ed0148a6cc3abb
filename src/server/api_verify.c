/* SPDX-License-Identifier: Apache-2.0 */
/* A gate asks about a code that it cannot verify (docs/protocol.md, section 6). */
#include <microhttpd.h>
#include <string.h>

#include "server/api.h"
#include "server/http.h"
#include "server/server.h"
#include "server/upstream.h"

/* The gate knows what to do without an answer, and somebody stands there: when to ask again matters
 * little to it. */
#define RETRY_S 5

static void unavailable(struct gh_request *request, const char *why)
{
    gh_answer_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable", why);
    gh_answer_retry_after(request, RETRY_S);
}

static const char *why_not(enum gh_status status)
{
    switch (status) {
    case GH_ERR_TIMEOUT:
        return "the authority did not answer in time";
    case GH_ERR_REFUSED:
    case GH_ERR_CORRUPT:
    case GH_ERR_TOOBIG:
        return "what the authority answered is no answer";
    case GH_ERR_BUSY:
        return "too many codes wait to be asked about";
    case GH_ERR_AGAIN:
        return "the question was called off, ask again";
    case GH_ERR_NOMEM:
        return "out of memory";
    default:
        return "the authority cannot be reached";
    }
}

static json_t *json_of(const struct gh_upstream_answer *answer)
{
    json_t *json = json_pack("{s:s}", "verdict", gh_verdict_name(answer->verdict));
    int failed = 0;
    if (answer->verdict == GH_VERDICT_VALID)
        failed = json_object_set_new(json, "colour", json_string(gh_colour_name(answer->colour)));
    if (answer->subject != 0)
        failed |= json_object_set_new(json, "subject", gh_json_id(answer->subject));
    if (answer->expires_at_s != 0)
        failed |= json_object_set_new(json, "expires_at", gh_json_time(answer->expires_at_s));
    if (failed == 0)
        return json;
    json_decref(json);
    return NULL;
}

static void answered(void *context, const struct gh_upstream_answer *answer)
{
    struct gh_request *request = context;
    if (answer->status == GH_OK)
        gh_answer_json(request, MHD_HTTP_OK, json_of(answer));
    else
        unavailable(request, why_not(answer->status));
    gh_request_resume(request);
}

static void gone(void *question)
{
    gh_upstream_forget(question);
}

/* False after having answered. */
static bool may_ask(struct gh_request *request, struct gh_bytes text)
{
    struct gh_server *server = request->server;
    if (server->upstream == NULL) {
        unavailable(request, "no authority is configured");
        return false;
    }
    if (!gh_upstream_may_ask(&server->settings.policy.upstream, text)) {
        gh_answer_error(request, MHD_HTTP_UNPROCESSABLE_CONTENT, "not_asked",
                        "no authority is asked about such codes");
        return false;
    }
    int64_t wait_s =
        gh_pace_wait_s(&server->pace, request->gate, gh_clock_monotonic_ns(server->clock));
    if (wait_s == 0)
        return true;
    gh_answer_error(request, MHD_HTTP_TOO_MANY_REQUESTS, "too_many",
                    "this gate asks about too many codes");
    gh_answer_retry_after(request, wait_s);
    return false;
}

void gh_api_verify(struct gh_request *request)
{
    const char *code;
    struct gh_question *question;
    const struct gh_member members[] = {
        {"code", GH_MEMBER_LINE, false, 1, GH_CODE_TEXT_MAX_BYTES, &code},
    };
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)))
        return;
    struct gh_bytes text = {(const uint8_t *)code, strlen(code)};
    if (!may_ask(request, text))
        return;
    enum gh_status status =
        gh_upstream_ask(request->server->upstream, text, answered, request, &question);
    if (status == GH_OK)
        gh_request_wait(request, gone, question);
    else
        unavailable(request, why_not(status));
}
