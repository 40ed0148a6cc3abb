/* SPDX-License-Identifier: Apache-2.0 */
/* inquiry.c: who may be asked about what, one question a code, an answer in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

static void start_with(const struct gh_clock *clock, gh_connect_fn *connect)
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

static int setup(void **state)
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

static int teardown(void **state)
{
    (void)state;
    gh_inquiry_stop(inquiry);
    inquiry = NULL;
    gh_queue_free(answers);
    gh_fake_transport_destroy(&server);
    return 0;
}

static struct gh_bytes bytes_of(const char *text)
{
    return (struct gh_bytes){(const uint8_t *)text, strlen(text)};
}

/* As the gate read it, before anybody was asked. */
static struct gh_credential foreign(const char *text)
{
    struct gh_credential read;
    gh_code_read(NULL, bytes_of(text), NOW_S, &read);
    read.kind = GH_KIND_HCERT;
    read.reason = GH_REASON_FOREIGN;
    return read;
}

static bool ask(const char *text)
{
    struct gh_credential read = foreign(text);
    return gh_inquiry_ask(inquiry, bytes_of(text), &read);
}

static size_t asked(void)
{
    return gh_fake_transport_count(&server, PATH);
}

static void answer_with(int status, const char *body, uint32_t times)
{
    const struct gh_fake_answer answer = {
        .path = PATH, .status = status, .body = body, .times = times};
    gh_fake_transport_add(&server, &answer);
}

static struct gh_credential next_answer(void)
{
    struct gh_credential answer;
    assert_true(gh_queue_pop(answers, &answer));
    return answer;
}

static void no_answer(void)
{
    struct gh_credential answer;
    assert_false(gh_queue_pop(answers, &answer));
}

static void same_but_reason(const struct gh_credential *answer, const char *text,
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

/* --- in time --- */

static void test_a_late_answer_is_none(void **state)
{
    (void)state;
    const struct gh_fake_answer in_time = {.path = PATH,
                                           .takes_ms = DEADLINE_MS,
                                           .body = "{\"verdict\":\"valid\",\"colour\":\"green\"}"};
    struct gh_fake_answer late = in_time;
    late.takes_ms = DEADLINE_MS + 1;
    gh_fake_transport_add(&server, &in_time);
    gh_fake_transport_add(&server, &late);
    assert_true(ask("HC1:IN TIME"));
    gh_inquiry_turn(inquiry);
    assert_int_equal(next_answer().reason, GH_REASON_OK);
    assert_true(ask("HC1:LATE"));
    gh_inquiry_turn(inquiry);
    struct gh_credential answer = next_answer();
    same_but_reason(&answer, "HC1:LATE", GH_REASON_UPSTREAM_UNREACHABLE);
}

/* The time that it waited for others is its own. */
static void test_the_deadline_runs_from_the_sighting(void **state)
{
    (void)state;
    const struct gh_fake_answer slow = {
        .path = PATH, .takes_ms = 500, .times = 3, .body = "{\"verdict\":\"invalid\"}"};
    gh_fake_transport_add(&server, &slow);
    assert_true(ask("HC1:A"));
    gh_fake_clock_advance_ms(&clock_, 100);
    assert_true(ask("HC1:B"));
    assert_true(ask("HC1:C"));
    gh_inquiry_turn(inquiry);
    assert_int_equal(asked(), 2);
    assert_int_equal(gh_fake_transport_request(&server, PATH, 0)->timeout_ms, 700);
    assert_int_equal(gh_fake_transport_request(&server, PATH, 1)->timeout_ms, 300);
    assert_int_equal(next_answer().reason, GH_REASON_UPSTREAM_REFUSED);
    assert_int_equal(next_answer().reason, GH_REASON_UPSTREAM_UNREACHABLE); /* took 500 */
    assert_int_equal(next_answer().reason, GH_REASON_UPSTREAM_UNREACHABLE); /* was not asked */
    no_answer();
}

/* --- in its own thread, in real time --- */

static int64_t now_ms(void)
{
    return gh_clock_monotonic_ns(gh_clock_system()) / GH_NS_PER_MS;
}

static struct gh_credential wait_for_answer(int64_t timeout_ms)
{
    struct gh_credential answer;
    int64_t until = now_ms() + timeout_ms;
    while (!gh_queue_pop(answers, &answer)) {
        if (now_ms() > until)
            fail_msg("no answer within %lld ms", (long long)timeout_ms);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return answer;
}

static void start_thread(gh_connect_fn *connect)
{
    gh_inquiry_stop(inquiry);
    start_with(gh_clock_system(), connect);
    assert_int_equal(gh_inquiry_start(inquiry, NULL), GH_OK);
}

static void test_an_answer_comes_whatever_the_server_does(void **state)
{
    (void)state;
    policy.deadline_ms = 400;
    start_thread(gh_fake_connect);
    const struct gh_fake_answer hanging = {.path = PATH, .blocks = true, .times = 1};
    gh_fake_transport_add(&server, &hanging);
    answer_with(200, "{\"verdict\":\"invalid\"}", GH_FAKE_FOREVER);
    int64_t before = now_ms();
    assert_true(ask("HC1:A"));
    assert_true(gh_fake_transport_wait_blocked(&server, 10000));
    int64_t asking = now_ms();
    assert_true(ask("HC1:A") && ask("HC1:B")); /* neither waits for the other */
    assert_true(now_ms() - asking < 200);
    struct gh_credential answer = wait_for_answer(3 * policy.deadline_ms);
    assert_true(now_ms() - before < 3 * policy.deadline_ms);
    same_but_reason(&answer, "HC1:A", GH_REASON_UPSTREAM_UNREACHABLE);
    answer = wait_for_answer(3 * policy.deadline_ms);
    struct gh_credential other = foreign("HC1:B");
    assert_memory_equal(answer.identity, other.identity, sizeof(other.identity));
    gh_fake_transport_forget(&server);
    answer_with(200, "{\"verdict\":\"valid\",\"colour\":\"green\"}", 1);
    assert_true(ask("HC1:C"));
    assert_int_equal(wait_for_answer(10000).reason, GH_REASON_OK);
}

static void test_stopping_does_not_wait(void **state)
{
    (void)state;
    policy.deadline_ms = 5000;
    start_thread(gh_fake_connect);
    const struct gh_fake_answer hanging = {.path = PATH, .blocks = true, .times = 9};
    gh_fake_transport_add(&server, &hanging);
    assert_true(ask("HC1:A") && ask("HC1:B") && ask("HC1:C"));
    assert_true(gh_fake_transport_wait_blocked(&server, 10000));
    int64_t before = now_ms();
    gh_inquiry_stop(inquiry);
    inquiry = NULL;
    assert_true(now_ms() - before < 4000);
    assert_int_equal(asked(), 1);
    start_thread(gh_fake_connect); /* and one that has nothing to do ends, too */
    gh_inquiry_stop(inquiry);
    inquiry = NULL;
}

/* --- wiped --- */

/* Keeps nothing, like a wire. */
static enum gh_status wire_perform(void *context, const struct gh_http_request *request,
                                   struct gh_http_response *response, struct gh_error *err)
{
    (void)context, (void)request, (void)err;
    *response = (struct gh_http_response){.status = 200, .retry_after_s = -1};
    response->body = (uint8_t *)strdup("{\"verdict\":\"invalid\"}");
    assert_non_null(response->body);
    response->size = strlen((char *)response->body);
    return GH_OK;
}

static void wire_cancel(void *context)
{
    (void)context;
}

static enum gh_status wire_connect(const struct gh_http_options *options, struct gh_transport *out,
                                   struct gh_error *err)
{
    (void)options, (void)err;
    *out =
        (struct gh_transport){.perform = wire_perform, .cancel = wire_cancel, .free = wire_cancel};
    return GH_OK;
}

#define SECRET_BYTES 24
#define MASK 0x5a

static void make_secret(uint8_t *out, uint8_t mask)
{
    for (size_t i = 0; i < SECRET_BYTES; i++)
        out[i] = (uint8_t)('A' + (i * 7 + 3) % 26) ^ mask;
}

static unsigned count_in(const uint8_t *data, size_t size, const uint8_t *masked)
{
    unsigned found = 0;
    for (size_t i = 0; i + SECRET_BYTES <= size; i++) {
        size_t same = 0;
        while (same < SECRET_BYTES && data[i + same] == (masked[same] ^ MASK))
            same++;
        found += same == SECRET_BYTES;
    }
    return found;
}

/* How often the secret stands in what this process can write to; only its mask is at hand. */
static unsigned count_secret(void)
{
    enum { PIECE = 1 << 20 };
    static uint8_t piece[PIECE];
    uint8_t masked[SECRET_BYTES];
    char line[512], rights[8];
    unsigned found = 0;
    unsigned long long from, to;
    make_secret(masked, MASK);
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(maps != NULL && memory >= 0);
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%llx-%llx %7s", &from, &to, rights) != 3 || rights[1] != 'w' ||
            to - from > (64ULL << 20)) /* a sanitizer's shadow */
            continue;
        for (unsigned long long at = from; at < to; at += PIECE - SECRET_BYTES) {
            size_t wanted = to - at < PIECE ? (size_t)(to - at) : PIECE;
            if ((unsigned long long)(uintptr_t)piece < at + wanted &&
                (unsigned long long)(uintptr_t)piece + PIECE > at)
                continue; /* the copy itself */
            ssize_t got = pread(memory, piece, wanted, (off_t)at);
            found += got > 0 ? count_in(piece, (size_t)got, masked) : 0;
            gh_wipe(piece, sizeof(piece));
        }
    }
    close(memory);
    fclose(maps);
    return found;
}

/* Long, so that what is freed is not written over by the next small thing. */
#define LONG_BYTES 3000

static void make_text(uint8_t *text)
{
    memset(text, 'x', LONG_BYTES);
    memcpy(text, "HC1:", 4);
    make_secret(text + LONG_BYTES - SECRET_BYTES, 0);
}

static void test_texts_are_wiped(void **state)
{
    (void)state;
    uint8_t *text = malloc(LONG_BYTES);
    assert_non_null(text);
    gh_inquiry_stop(inquiry);
    start_with(&clock_.clock, wire_connect);
    make_text(text);
    const struct gh_bytes bytes = {text, LONG_BYTES};
    struct gh_credential read = {.kind = GH_KIND_HCERT, .reason = GH_REASON_FOREIGN};
    memset(read.identity, 7, sizeof(read.identity));
    assert_true(gh_inquiry_ask(inquiry, bytes, &read));
    assert_true(count_secret() >= 2); /* or this test sees nothing */
    gh_inquiry_turn(inquiry);
    (void)next_answer();
    gh_wipe(text, LONG_BYTES);
    assert_int_equal(count_secret(), 0);
    /* nor does one survive that was never asked about */
    gh_fake_clock_advance_ms(&clock_, GH_INQUIRY_MEMORY_MS);
    make_text(text);
    assert_true(gh_inquiry_ask(inquiry, bytes, &read));
    gh_inquiry_stop(inquiry);
    inquiry = NULL;
    gh_wipe(text, LONG_BYTES);
    assert_int_equal(count_secret(), 0);
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
        TEST(test_a_late_answer_is_none),
        TEST(test_the_deadline_runs_from_the_sighting),
        TEST(test_an_answer_comes_whatever_the_server_does),
        TEST(test_stopping_does_not_wait),
        TEST(test_texts_are_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
