/* SPDX-License-Identifier: Apache-2.0 */
/* inquiry.c: who may be asked about what, and one question a code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "inquiry_fixture.h"

/* --- what is said and heard --- */

static void test_a_question_and_its_answer(void **state)
{
    (void)state;
    char bearer[GH_BEARER_BYTES];
    answer_with(200,
                "{\"verdict\":\"valid\",\"colour\":\"yellow\",\"subject\":\"00000000000000b2\","
                "\"expires_at\":\"2100-01-01T00:00:00Z\"}",
                1);
    assert_true(ask("HC1:ONE \"\\"));
    no_answer(); /* in its own time */
    gh_inquiry_turn(inquiry);
    struct gh_credential answer = next_answer();
    no_answer();
    assert_int_equal(answer.reason, GH_REASON_OK);
    assert_int_equal(answer.kind, GH_KIND_HCERT);
    assert_true(answer.authentic && answer.upstream);
    assert_int_equal(answer.colour, GH_COLOUR_YELLOW);
    assert_true(answer.subject == 0xb2);
    assert_true(answer.issued_at_s == NOW_S);
    assert_true(answer.expires_at_s == INT64_C(4102444800));
    struct gh_credential read = foreign("HC1:ONE \"\\");
    assert_memory_equal(answer.identity, read.identity, sizeof(read.identity));

    assert_int_equal(asked(), 1);
    const struct gh_fake_request *request = gh_fake_transport_request(&server, PATH, 0);
    gh_identity_bearer(&identity, bearer);
    assert_string_equal(request->method, "POST");
    assert_string_equal(request->bearer, bearer);
    assert_string_equal(request->content_type, "application/json");
    assert_string_equal((char *)request->body, "{\"code\":\"HC1:ONE \\\"\\\\\"}");
    assert_int_equal(request->timeout_ms, DEADLINE_MS);
    assert_string_equal(server.base_url, identity.url);
    assert_string_equal(server.ca_file, "/ca.pem");
    assert_true(server.has_pin && server.allow_insecure);
    assert_memory_equal(server.pin, identity.pin, sizeof(identity.pin));
}

static void test_verdicts(void **state)
{
    (void)state;
    answer_with(200, "{\"verdict\":\"valid\",\"colour\":\"green\",\"more\":1}", 1);
    answer_with(200, "{\"verdict\":\"valid\",\"colour\":\"red\"}", 1);
    answer_with(200, "{\"verdict\":\"invalid\"}", 1);
    answer_with(200, "{\"verdict\":\"unknown\"}", 1);
    assert_true(ask("HC1:GREEN") && ask("HC1:RED") && ask("HC1:BAD") && ask("HC1:WHAT"));
    gh_inquiry_turn(inquiry);
    struct gh_credential answer = next_answer();
    assert_int_equal(answer.reason, GH_REASON_OK);
    assert_int_equal(answer.colour, GH_COLOUR_GREEN);
    assert_true(answer.subject == 0);
    assert_true(answer.expires_at_s == INT64_MAX);
    answer = next_answer();
    assert_int_equal(answer.reason, GH_REASON_OK);
    assert_int_equal(answer.colour, GH_COLOUR_RED);
    answer = next_answer();
    same_but_reason(&answer, "HC1:BAD", GH_REASON_UPSTREAM_REFUSED);
    answer = next_answer();
    same_but_reason(&answer, "HC1:WHAT", GH_REASON_FOREIGN);
    no_answer();
    assert_int_equal(server.connects, 1);
}

static void test_what_is_no_answer(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
    } rows[] = {
        {200, ""},
        {200, "{}"},
        {200, "[]"},
        {200, "{\"verdict\":\"valid\"}"},
        {200, "{\"verdict\":\"valid\",\"colour\":\"none\"}"},
        {200, "{\"verdict\":\"valid\",\"colour\":\"mauve\"}"},
        {200, "{\"verdict\":\"valid\",\"colour\":3}"},
        {200, "{\"verdict\":\"valid\",\"colour\":\"green\",\"colour\":\"green\"}"},
        {200, "{\"verdict\":\"valid\",\"colour\":\"green\"}}"},
        {200, "{\"verdict\":\"valid\",\"colour\":\"green\",\"subject\":\"b2\"}"},
        {200, "{\"verdict\":\"valid\",\"colour\":\"green\",\"subject\":12}"},
        {200, "{\"verdict\":\"valid\",\"colour\":\"green\",\"subject\":\"0000000000000000\"}"},
        {200, "{\"verdict\":\"valid\",\"colour\":\"green\",\"expires_at\":12}"},
        {200, "{\"verdict\":\"valid\",\"colour\":\"green\",\"expires_at\":\"never\"}"},
        {200, "{\"verdict\":\"Valid\",\"colour\":\"green\"}"},
        {200, "{\"verdict\":1,\"colour\":\"green\"}"},
        {201, "{\"verdict\":\"valid\",\"colour\":\"green\"}"},
        {302, "{\"verdict\":\"valid\",\"colour\":\"green\"}"},
        {401, "{\"error\":\"unauthorized\",\"message\":\"x\"}"},
        {422, "{\"error\":\"not_asked\",\"message\":\"x\"}"},
        {429, "{\"error\":\"too_many\",\"message\":\"x\"}"},
        {503, "{\"verdict\":\"valid\",\"colour\":\"green\"}"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++) {
        char text[32];
        snprintf(text, sizeof(text), "HC1:%zu", i);
        answer_with(rows[i].status, rows[i].body, 1);
        assert_true(ask(text));
        gh_inquiry_turn(inquiry);
        struct gh_credential answer = next_answer();
        same_but_reason(&answer, text, GH_REASON_UPSTREAM_UNREACHABLE);
    }
    no_answer();
}

static void test_the_offline_rule(void **state)
{
    (void)state;
    static const enum gh_status failures[] = {GH_ERR_NETWORK, GH_ERR_TIMEOUT, GH_ERR_TOOBIG,
                                              GH_ERR_NOMEM};
    for (size_t i = 0; i < GH_ARRAY_SIZE(failures); i++) {
        char text[32];
        const struct gh_fake_answer failure = {.path = PATH, .failure = failures[i], .times = 2};
        gh_fake_transport_add(&server, &failure);
        policy.offline = GH_OFFLINE_GUARD;
        gh_inquiry_set_policy(inquiry, &policy);
        snprintf(text, sizeof(text), "HC1:GUARD%zu", i);
        assert_true(ask(text));
        gh_inquiry_turn(inquiry);
        struct gh_credential answer = next_answer();
        same_but_reason(&answer, text, GH_REASON_UPSTREAM_UNREACHABLE);
        policy.offline = GH_OFFLINE_DENY;
        gh_inquiry_set_policy(inquiry, &policy);
        snprintf(text, sizeof(text), "HC1:DENY%zu", i);
        assert_true(ask(text));
        gh_inquiry_turn(inquiry);
        answer = next_answer();
        same_but_reason(&answer, text, GH_REASON_FOREIGN);
    }
    /* nor can a server be asked that there is no way to */
    server.connect_failure = GH_ERR_INVALID;
    gh_inquiry_set_identity(inquiry, &identity);
    assert_true(ask("HC1:UNCONNECTED"));
    gh_inquiry_turn(inquiry);
    struct gh_credential answer = next_answer();
    same_but_reason(&answer, "HC1:UNCONNECTED", GH_REASON_FOREIGN);
    server.connect_failure = GH_OK;
    answer_with(200, "{\"verdict\":\"invalid\"}", 1);
    assert_true(ask("HC1:CONNECTED"));
    gh_inquiry_turn(inquiry);
    answer = next_answer();
    same_but_reason(&answer, "HC1:CONNECTED", GH_REASON_UPSTREAM_REFUSED);
}

/* --- what is never asked --- */

static void test_nothing_else_is_ever_sent(void **state)
{
    (void)state;
    static const char *const others[] = {
        "WIFI:T:WPA;S:home;P:secret;;",
        "hc1:6BF",
        " HC1:6BF",
        "HTTPS://TOWN.EXAMPLE/H/AAAA",
        "HC1:\n",
        "HC1:\xff",
        "",
        "BEGIN:VCARD\nN:Doe;Jane",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(others); i++)
        assert_false(ask(others[i]));
    char longest[GH_CODE_TEXT_MAX_BYTES + 2] = "HC1:";
    memset(longest + 4, '"', sizeof(longest) - 5);
    longest[sizeof(longest) - 1] = '\0';
    assert_false(ask(longest));
    gh_inquiry_turn(inquiry);
    assert_int_equal(asked(), 0);
    no_answer();
    longest[GH_CODE_TEXT_MAX_BYTES] = '\0';
    assert_true(ask(longest)); /* the longest that a code can be, each character written as two */
    gh_inquiry_turn(inquiry);
    assert_int_equal(asked(), 1);
    assert_int_equal(gh_fake_transport_request(&server, PATH, 0)->size,
                     11 + 4 + 2 * (GH_CODE_TEXT_MAX_BYTES - 4));
}

static void test_only_riddles_are_asked(void **state)
{
    (void)state;
    const char *text = "HC1:6BF";
    for (int kind = GH_KIND_UNKNOWN; kind <= GH_KIND_SHC; kind++) {
        for (int reason = GH_REASON_OK; reason < GH_REASON_COUNT; reason++) {
            struct gh_credential read = foreign(text);
            read.kind = (enum gh_kind)kind;
            read.reason = (enum gh_reason)reason;
            bool may = (kind == GH_KIND_UNKNOWN || kind == GH_KIND_HCERT || kind == GH_KIND_SHC) &&
                       (reason == GH_REASON_NOT_A_CODE || reason == GH_REASON_FOREIGN);
            if (gh_inquiry_ask(inquiry, bytes_of(text), &read) != may)
                fail_msg("%s %s", gh_kind_name(read.kind), gh_reason_info(read.reason)->token);
            read.authentic = true;
            assert_false(gh_inquiry_ask(inquiry, bytes_of(text), &read));
        }
    }
}

static void test_nobody_to_ask(void **state)
{
    (void)state;
    gh_inquiry_set_policy(inquiry, &(struct gh_upstream_policy){.prefixes = "HC1:"});
    assert_false(ask("HC1:6BF"));
    gh_inquiry_set_policy(inquiry, &policy);
    struct gh_identity before = identity;
    before.enrolled = false;
    gh_inquiry_set_identity(inquiry, &before);
    assert_false(ask("HC1:6BF"));
    gh_inquiry_set_identity(inquiry, &identity);
    assert_true(ask("HC1:6BF"));
}

static void test_another_server(void **state)
{
    (void)state;
    char bearer[GH_BEARER_BYTES];
    answer_with(200, "{\"verdict\":\"invalid\"}", 2);
    assert_true(ask("HC1:A"));
    gh_inquiry_turn(inquiry);
    strcpy(identity.url, "https://village.example");
    identity.gate = 0xa2;
    identity.has_pin = false;
    gh_inquiry_set_identity(inquiry, &identity);
    assert_true(ask("HC1:B"));
    gh_inquiry_turn(inquiry);
    gh_identity_bearer(&identity, bearer);
    assert_string_equal(server.base_url, identity.url);
    assert_false(server.has_pin);
    assert_string_equal(gh_fake_transport_request(&server, PATH, 1)->bearer, bearer);
    assert_int_equal(server.connects, 2);
    assert_int_equal(server.frees, 1);
}

/* --- once --- */

static void test_one_question_for_all_sightings(void **state)
{
    (void)state;
    answer_with(200, "{\"verdict\":\"invalid\"}", GH_FAKE_FOREVER);
    for (int i = 0; i < 15; i++)
        assert_true(ask("HC1:A"));
    gh_inquiry_turn(inquiry);
    assert_int_equal(asked(), 1);
    (void)next_answer();
    no_answer();
    /* remembered: each sighting gets its answer, and nobody is asked */
    for (int i = 0; i < 15; i++) {
        gh_fake_clock_advance_ms(&clock_, 66);
        assert_true(ask("HC1:A"));
        struct gh_credential answer = next_answer();
        same_but_reason(&answer, "HC1:A", GH_REASON_UPSTREAM_REFUSED);
    }
    gh_inquiry_turn(inquiry);
    assert_int_equal(asked(), 1);
    no_answer();
    gh_fake_clock_advance_ms(&clock_, GH_INQUIRY_MEMORY_MS - 15 * 66 - 1);
    assert_true(ask("HC1:A"));
    (void)next_answer();
    gh_fake_clock_advance_ms(&clock_, 1);
    assert_true(ask("HC1:A")); /* forgotten, asked anew */
    no_answer();
    gh_inquiry_turn(inquiry);
    (void)next_answer();
    assert_int_equal(asked(), 2);
}

static void test_an_answer_that_did_not_come_is_soon_asked_again(void **state)
{
    (void)state;
    answer_with(503, "{}", 1);
    answer_with(200, "{\"verdict\":\"invalid\"}", 1);
    assert_true(ask("HC1:A"));
    gh_inquiry_turn(inquiry);
    gh_fake_clock_advance_ms(&clock_, GH_INQUIRY_UNREACHED_MS - 1);
    assert_true(ask("HC1:A"));
    gh_inquiry_turn(inquiry);
    assert_int_equal(asked(), 1);
    gh_fake_clock_advance_ms(&clock_, 1);
    assert_true(ask("HC1:A"));
    gh_inquiry_turn(inquiry);
    assert_int_equal(asked(), 2);
    struct gh_credential answer = next_answer();
    same_but_reason(&answer, "HC1:A", GH_REASON_UPSTREAM_UNREACHABLE);
    answer = next_answer();
    same_but_reason(&answer, "HC1:A", GH_REASON_UPSTREAM_UNREACHABLE);
    answer = next_answer();
    same_but_reason(&answer, "HC1:A", GH_REASON_UPSTREAM_REFUSED);
}

/* One signed code can be spelled in many ways. */
static void test_codes_are_told_apart_by_identity(void **state)
{
    (void)state;
    struct gh_credential read = foreign("HC1:A"), other = foreign("HC1:B");
    memcpy(other.identity, read.identity, sizeof(read.identity));
    assert_true(gh_inquiry_ask(inquiry, bytes_of("HC1:A"), &read));
    assert_true(gh_inquiry_ask(inquiry, bytes_of("HC1:B"), &other));
    gh_inquiry_turn(inquiry);
    assert_int_equal(asked(), 1);
}

static void test_not_too_many_at_once(void **state)
{
    (void)state;
    char text[32];
    for (int i = 0; i < GH_INQUIRY_QUESTIONS_MAX; i++) {
        snprintf(text, sizeof(text), "HC1:%d", i);
        assert_true(ask(text));
    }
    assert_false(ask("HC1:MORE"));
    assert_true(ask("HC1:0")); /* is open already */
    gh_inquiry_turn(inquiry);
    assert_int_equal(asked(), GH_INQUIRY_QUESTIONS_MAX);
    for (int i = 0; i < GH_INQUIRY_QUESTIONS_MAX; i++)
        (void)next_answer();
    no_answer();
    assert_true(ask("HC1:MORE"));
    /* Many more than are remembered: the oldest are forgotten, and nothing else happens. */
    for (int i = 0; i < 100; i++) {
        gh_fake_clock_advance_ms(&clock_, 1);
        gh_inquiry_turn(inquiry);
        (void)next_answer();
        snprintf(text, sizeof(text), "HC1:NEXT%d", i);
        assert_true(ask(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_question_and_its_answer),
        TEST(test_verdicts),
        TEST(test_what_is_no_answer),
        TEST(test_the_offline_rule),
        TEST(test_nothing_else_is_ever_sent),
        TEST(test_only_riddles_are_asked),
        TEST(test_nobody_to_ask),
        TEST(test_another_server),
        TEST(test_one_question_for_all_sightings),
        TEST(test_an_answer_that_did_not_come_is_soon_asked_again),
        TEST(test_codes_are_told_apart_by_identity),
        TEST(test_not_too_many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
