/* SPDX-License-Identifier: Apache-2.0 */
/* teller ENROLMENT_CODE COUNT: plays a gate that enrols with the code and sends COUNT entries that
 * are right, then one that is none. Prints the server's last answer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/clock.h"
#include "gatehouse/code.h"
#include "gatehouse/crypto.h"
#include "gatehouse/entry.h"
#include "gatehouse/http.h"

#define PATIENCE_MS 20000
#define COUNT_MAX 400

static void die(const char *what, const char *why)
{
    fprintf(stderr, "teller: %s: %s\n", what, why);
    exit(1);
}

struct teller {
    gh_id gate;
    char bearer[96];
    struct gh_transport transport;
};

/* The answer is the caller's to free. */
static struct gh_http_response post(const struct teller *teller, const char *path, const char *body)
{
    struct gh_http_response response = {0};
    struct gh_error err = {0};
    const struct gh_http_request request = {.method = "POST",
                                            .path = path,
                                            .bearer =
                                                teller->bearer[0] != '\0' ? teller->bearer : NULL,
                                            .content_type = "application/json",
                                            .body = {(const uint8_t *)body, strlen(body)},
                                            .timeout_ms = PATIENCE_MS,
                                            .max_response_bytes = 65536};
    if (teller->transport.perform(teller->transport.context, &request, &response, &err) != GH_OK)
        die(path, err.text);
    if (response.status != 200)
        die(path, (const char *)response.body);
    return response;
}

static void enrol(struct teller *teller, const char *code)
{
    struct gh_enrolment enrolment;
    struct gh_bytes text = {(const uint8_t *)code, strlen(code)};
    struct gh_error err = {0};
    char gate[GH_ID_TEXT_BYTES], token[2 * sizeof(enrolment.token) + 1], body[512], secret[65];
    uint8_t drawn[32];
    if (gh_enrolment_read(text, gh_clock_wall_s(gh_clock_system()), &enrolment) != GH_REASON_OK)
        die("enrol", "no enrolment code");
    const struct gh_http_options options = {.base_url = enrolment.url};
    if (gh_http_new(&options, &teller->transport, &err) != GH_OK)
        die("enrol", err.text);
    gh_random(drawn, sizeof(drawn));
    gh_hex_encode(drawn, sizeof(drawn), secret);
    gh_hex_encode(enrolment.token, sizeof(enrolment.token), token);
    gh_id_format(enrolment.gate, gate);
    snprintf(body, sizeof(body), "{\"gate\":\"%s\",\"token\":\"%s\",\"secret\":\"%s\"}", gate,
             token, secret);
    struct gh_http_response response = post(teller, "/api/v1/enrol", body);
    gh_http_response_free(&response);
    teller->gate = enrolment.gate;
    snprintf(teller->bearer, sizeof(teller->bearer), "%s.%s", gate, secret);
}

static void tell(const struct teller *teller, uint64_t count)
{
    static char body[(COUNT_MAX + 1) * GH_ENTRY_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(body, sizeof(body) - 1);
    struct gh_entry entry = {.type = GH_ENTRY_START,
                             .gate = teller->gate,
                             .boot_id = "00112233445566778899aabbccddeeff"};
    gh_writer_put_text(&writer, "{\"entries\":[");
    for (entry.sequence = 1; entry.sequence <= count; entry.sequence++) {
        char text[GH_ENTRY_MAX_BYTES];
        size_t size = gh_entry_format(&entry, text);
        gh_entry_hash((struct gh_bytes){(const uint8_t *)text, size}, entry.previous);
        gh_writer_put(&writer, text, size);
        gh_writer_put_text(&writer, ",");
    }
    gh_writer_put_text(&writer, "\"poison\"]}");
    body[writer.size] = '\0';
    struct gh_http_response response = post(teller, "/api/v1/entries", body);
    printf("%.*s\n", (int)response.size, (const char *)response.body);
    gh_http_response_free(&response);
}

int main(int argc, char **argv)
{
    struct teller teller = {.bearer = ""};
    if (argc != 3 || atoi(argv[2]) < 0 || atoi(argv[2]) > COUNT_MAX) {
        fprintf(stderr, "usage: teller ENROLMENT_CODE COUNT\n");
        return 2;
    }
    if (gh_http_global_init() != GH_OK)
        die("start", "no memory");
    enrol(&teller, argv[1]);
    tell(&teller, (uint64_t)atoi(argv[2]));
    teller.transport.free(teller.transport.context);
    return 0;
}
