/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "gate/courier_parts.h"
#include "gatehouse/log.h"

/* malloc'ed; NULL without memory. */
static char *enrolment_body(const struct gh_identity *identity)
{
    char gate[GH_ID_TEXT_BYTES], token[2 * GH_ENROLMENT_TOKEN_BYTES + 1],
        secret[2 * GH_GATE_SECRET_BYTES + 1];

    gh_id_format(identity->gate, gate);
    gh_hex_encode(identity->token, sizeof(identity->token), token);
    gh_hex_encode(identity->secret, sizeof(identity->secret), secret);
    json_t *object = json_pack("{ssssssss}", "gate", gate, "token", token, "secret", secret,
                               "version", GH_VERSION);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    gh_wipe(token, sizeof(token));
    gh_wipe(secret, sizeof(secret));
    return text;
}

static bool take_answer(struct gh_identity *identity, const struct gh_http_response *response)
{
    json_t *object =
        json_loadb((const char *)response->body, response->size, JSON_REJECT_DUPLICATES, NULL);
    const char *gate = json_string_value(json_object_get(object, "gate"));
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *area = json_string_value(json_object_get(object, "area"));
    gh_id id = 0;

    bool good = gate && name && area && gh_id_parse(gate, strlen(gate), &id) == GH_OK &&
                id == identity->gate && strlen(name) < sizeof(identity->name) &&
                strlen(area) < sizeof(identity->area);
    if (good) {
        snprintf(identity->name, sizeof(identity->name), "%s", name);
        snprintf(identity->area, sizeof(identity->area), "%s", area);
    }
    json_decref(object);
    return good;
}

static void become_enrolled(struct gh_courier *courier, int64_t now_ns)
{
    struct gh_identity *identity = &courier->list.identity;
    struct gh_error err = {0};

    identity->enrolled = true;
    gh_wipe(identity->token, sizeof(identity->token));
    if (gh_identity_save(courier->identity_path, identity, &err) != GH_OK) {
        /* Not fatal: after a restart the saved token and secret are asked for again and answered
         * yes again. */
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE, "the enrolment cannot be saved: %s", err.text);
    }
    gh_log(GH_LOG_NOTICE, GH_COURIER_MODULE, "enrolled as \"%s\" in \"%s\"", identity->name,
           identity->area);
    gh_backoff_succeeded(&courier->watch.enrol, now_ns, 0);
    /* The other lane begins when the gate's first entry kicks it: before, there is no journal. */
    gh_courier_publish(courier);
    gh_lane_tell(&courier->list, GH_COURIER_ENROLLED);
}

void gh_courier_turn_enrol(struct gh_courier *courier)
{
    struct gh_lane *lane = &courier->list;
    struct gh_backoff *backoff = &courier->watch.enrol;
    struct gh_http_response response;
    struct gh_error err = {0};

    char *body = enrolment_body(&lane->identity);
    struct gh_http_request request = {
        .method = "POST",
        .path = "/api/v1/enrol",
        .content_type = "application/json",
        .body = {(const uint8_t *)body, body ? strlen(body) : 0},
        .max_response_bytes = 4096,
    };
    enum gh_status status = body ? gh_lane_request(lane, &request, &response, &err) : GH_ERR_NOMEM;
    if (body) {
        gh_wipe(body, strlen(body));
        free(body);
    } else {
        response = (struct gh_http_response){.retry_after_s = -1, .date_s = -1};
    }

    int64_t now_ns = gh_clock_monotonic_ns(courier->options.clock); /* it took its time */
    if (status == GH_OK && take_answer(&lane->identity, &response)) {
        become_enrolled(courier, now_ns);
    } else if (status == GH_OK) {
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE, "enrolment: the server's answer makes no sense");
        gh_backoff_failed(backoff, now_ns, -1);
    } else {
        if (status != GH_ERR_AGAIN)
            gh_log(GH_LOG_WARNING, GH_COURIER_MODULE, "enrolment: %s",
                   err.text[0] ? err.text : gh_status_text(status));
        gh_backoff_failed(backoff, now_ns, response.retry_after_s);
        if (status == GH_ERR_REFUSED && response.status == 403)
            gh_lane_tell(lane, GH_COURIER_REFUSED);
    }
    gh_http_response_free(&response);
}
