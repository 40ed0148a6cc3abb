/* SPDX-License-Identifier: Apache-2.0 */
/* asker ENROLMENT_CODE DEADLINE_MS guard|deny PREFIXES: plays a gate that asks. Enrols with the
 * code, then reads texts, one a line, from standard input, reads each as a gate that trusts nobody
 * does, asks about it, and says on standard output
 *
 *   TEXT: no REASON                          not to be asked about
 *   TEXT: REASON COLOUR SUBJECT EXPIRES MS   the answer; SUBJECT and EXPIRES are `-` without, MS
 * how long it took
 *
 * It is the gate's own inquiry, over the real network, with the real clock. Ends with status 0 when
 * standard input does. */
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/inquiry.h"
#include "gatehouse/code.h"

#define PATIENCE_MS 20000

static void die(const char *what, const char *why)
{
    fprintf(stderr, "asker: %s: %s\n", what, why);
    exit(1);
}

static int64_t now_ms(void)
{
    return gh_clock_monotonic_ns(gh_clock_system()) / GH_NS_PER_MS;
}

static void post_enrolment(const struct gh_identity *identity)
{
    char gate[GH_ID_TEXT_BYTES], body[512];
    char one_time[2 * GH_ENROLMENT_TOKEN_BYTES + 1], secret[2 * GH_GATE_SECRET_BYTES + 1];
    struct gh_transport transport;
    struct gh_http_response response = {0};
    struct gh_error err = {0};
    const struct gh_http_options options = {.base_url = identity->url};

    gh_id_format(identity->gate, gate);
    gh_hex_encode(identity->token, sizeof(identity->token), one_time);
    gh_hex_encode(identity->secret, sizeof(identity->secret), secret);
    int size = snprintf(body, sizeof(body), "{\"gate\":\"%s\",\"token\":\"%s\",\"secret\":\"%s\"}",
                        gate, one_time, secret);
    const struct gh_http_request request = {.method = "POST",
                                            .path = "/api/v1/enrol",
                                            .content_type = "application/json",
                                            .body = {(const uint8_t *)body, (size_t)size},
                                            .timeout_ms = PATIENCE_MS,
                                            .max_response_bytes = 4096};
    if (gh_http_new(&options, &transport, &err) != GH_OK ||
        transport.perform(transport.context, &request, &response, &err) != GH_OK)
        die("enrol", err.text);
    if (response.status != 200)
        die("enrol", (const char *)response.body);
    gh_http_response_free(&response);
    transport.free(transport.context);
}

static void enrol(const char *code, struct gh_identity *identity)
{
    struct gh_enrolment enrolment;
    struct gh_bytes text = {(const uint8_t *)code, strlen(code)};

    if (gh_enrolment_read(text, gh_clock_wall_s(gh_clock_system()), &enrolment) != GH_REASON_OK)
        die("enrol", "no enrolment code");
    gh_identity_from_enrolment(&enrolment, identity);
    post_enrolment(identity);
    identity->enrolled = true;
}

static void say(const char *text, const struct gh_credential *answer, int64_t took_ms)
{
    char subject[GH_ID_TEXT_BYTES] = "-", end[GH_TIME_TEXT_BYTES] = "-";

    if (answer->subject != 0)
        gh_id_format(answer->subject, subject);
    if (answer->upstream && answer->expires_at_s != INT64_MAX)
        gh_time_format(answer->expires_at_s, end);
    printf("%s: %s %s %s %s %" PRId64 "\n", text, gh_reason_info(answer->reason)->token,
           gh_colour_name(answer->colour), subject, end, took_ms);
}

static void ask(struct gh_inquiry *inquiry, struct gh_queue *answers, const char *text)
{
    struct gh_credential read, answer;
    struct gh_bytes bytes = {(const uint8_t *)text, strlen(text)};
    struct pollfd ready = {.fd = gh_queue_fd(answers), .events = POLLIN};

    gh_code_read(NULL, bytes, gh_clock_wall_s(gh_clock_system()), &read);
    int64_t before_ms = now_ms();
    if (!gh_inquiry_ask(inquiry, bytes, &read)) {
        printf("%s: no %s\n", text, gh_reason_info(read.reason)->token);
        return;
    }
    while (!gh_queue_pop(answers, &answer))
        if (now_ms() - before_ms > PATIENCE_MS || poll(&ready, 1, 1000) < 0)
            die(text, "no answer");
    say(text, &answer, now_ms() - before_ms);
}

int main(int argc, char **argv)
{
    struct gh_identity identity;
    struct gh_inquiry *inquiry;
    struct gh_error err = {0};
    struct gh_inquiry_options options = {.clock = gh_clock_system(), .connect = gh_http_new};
    char line[GH_CODE_TEXT_MAX_BYTES + 2];

    if (argc != 5) {
        fprintf(stderr, "usage: asker ENROLMENT_CODE DEADLINE_MS guard|deny PREFIXES\n");
        return 2;
    }
    struct gh_upstream_policy policy = {
        .deadline_ms = atoi(argv[2]),
        .offline = strcmp(argv[3], "deny") == 0 ? GH_OFFLINE_DENY : GH_OFFLINE_GUARD,
    };
    snprintf(policy.prefixes, sizeof(policy.prefixes), "%s", argv[4]);
    if (gh_http_global_init() != GH_OK ||
        gh_queue_new(sizeof(struct gh_credential), 16, &options.answers) != GH_OK)
        die("start", "no memory");
    enrol(argv[1], &identity);
    if (gh_inquiry_new(&options, &inquiry, &err) != GH_OK ||
        gh_inquiry_start(inquiry, &err) != GH_OK)
        die("start", err.text);
    gh_inquiry_set_identity(inquiry, &identity);
    gh_inquiry_set_policy(inquiry, &policy);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        ask(inquiry, options.answers, line);
        fflush(stdout);
    }
    gh_inquiry_stop(inquiry);
    gh_queue_free(options.answers);
    return 0;
}
