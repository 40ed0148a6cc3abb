/* SPDX-License-Identifier: Apache-2.0 */
/* A gate that may ask, and the server that it asks. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_INQUIRY_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_INQUIRY_FIXTURE_H

#include <string.h>

#include "fakes/fake_transport.h"
#include "gate/inquiry.h"
#include "gatehouse/code.h"

#define PATH "/api/v1/verify"
#define NOW_S INT64_C(1900000000)
#define DEADLINE_MS 800

static struct gh_fake_clock clock_;
static struct gh_fake_transport server;
static struct gh_queue *answers;
static struct gh_inquiry *inquiry;
static struct gh_identity identity;
static struct gh_upstream_policy policy;

static inline void start_with(const struct gh_clock *clock, gh_connect_fn *connect)
{
    const struct gh_inquiry_options options = {.ca_file = "/ca.pem",
                                               .allow_insecure = true,
                                               .clock = clock,
                                               .answers = answers,
                                               .connect = connect};
    assert_int_equal(gh_inquiry_new(&options, &inquiry, NULL), GH_OK);
    gh_inquiry_set_identity(inquiry, &identity);
    gh_inquiry_set_policy(inquiry, &policy);
}

static inline int setup(void **state)
{
    (void)state;
    gh_fake_clock_init(&clock_, NOW_S);
    gh_fake_transport_init(&server, &clock_);
    assert_int_equal(gh_queue_new(sizeof(struct gh_credential), 16, &answers), GH_OK);
    identity = (struct gh_identity){.enrolled = true, .gate = 0xa1, .has_pin = true};
    strcpy(identity.url, "https://town.example");
    memset(identity.secret, 0x11, sizeof(identity.secret));
    memset(identity.pin, 0x22, sizeof(identity.pin));
    policy = (struct gh_upstream_policy){.deadline_ms = DEADLINE_MS, .prefixes = "HC1: shc:/"};
    start_with(&clock_.clock, gh_fake_connect);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    gh_inquiry_stop(inquiry);
    inquiry = NULL;
    gh_queue_free(answers);
    gh_fake_transport_destroy(&server);
    return 0;
}

static inline struct gh_bytes bytes_of(const char *text)
{
    return (struct gh_bytes){(const uint8_t *)text, strlen(text)};
}

/* As the gate read it, before anybody was asked. */
static inline struct gh_credential foreign(const char *text)
{
    struct gh_credential read;
    gh_code_read(NULL, bytes_of(text), NOW_S, &read);
    read.kind = GH_KIND_HCERT;
    read.reason = GH_REASON_FOREIGN;
    return read;
}

static inline bool ask(const char *text)
{
    struct gh_credential read = foreign(text);
    return gh_inquiry_ask(inquiry, bytes_of(text), &read);
}

static inline size_t asked(void)
{
    return gh_fake_transport_count(&server, PATH);
}

static inline void answer_with(int status, const char *body, uint32_t times)
{
    const struct gh_fake_answer answer = {
        .path = PATH, .status = status, .body = body, .times = times};
    gh_fake_transport_add(&server, &answer);
}

static inline struct gh_credential next_answer(void)
{
    struct gh_credential answer;
    assert_true(gh_queue_pop(answers, &answer));
    return answer;
}

static inline void no_answer(void)
{
    struct gh_credential answer;
    assert_false(gh_queue_pop(answers, &answer));
}

static inline void same_but_reason(const struct gh_credential *answer, const char *text,
                                   enum gh_reason reason)
{
    struct gh_credential read = foreign(text);
    if (answer->reason != reason)
        fail_msg("%s instead of %s", gh_reason_info(answer->reason)->token,
                 gh_reason_info(reason)->token);
    assert_int_equal(answer->kind, read.kind);
    assert_memory_equal(answer->identity, read.identity, sizeof(read.identity));
    assert_false(answer->authentic);
    assert_false(answer->upstream);
    assert_int_equal(answer->colour, GH_COLOUR_NONE);
    assert_true(answer->subject == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
