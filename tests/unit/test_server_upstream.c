/* SPDX-License-Identifier: Apache-2.0 */
/* upstream.c, upstream_answer.c, pace.c, api_verify.c: what gates ask is asked on, and what comes
 * of it. */
#include "test_server_authority.h"
#include "test_server_list_http.h"

#include "server/pace.h"
#include "server/upstream.h"

#define TIME_FORM "2100-01-01T00:00:00Z"

static const uint8_t secret[GH_HOLDER_SECRET_BYTES] = {1, 2, 3};

/* --- what an answer says --- */

static struct gh_upstream_answer read_answer_of(int status, const char *type, const char *body)
{
    struct gh_http_response response = {
        .status = status, .body = (uint8_t *)(uintptr_t)body, .size = strlen(body)};
    snprintf(response.content_type, sizeof(response.content_type), "%s", type);
    char *copy = strdup(body); /* it may be wiped */
    assert_non_null(copy);
    response.body = (uint8_t *)copy;
    struct gh_upstream_answer answer = gh_upstream_read(&response, secret, 1000);
    free(copy);
    return answer;
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum gh_verdict verdict;
        enum gh_colour colour;
        int64_t expires_at_s;
    } rows[] = {
        {"{\"verdict\":\"valid\",\"colour\":\"green\"}", GH_VERDICT_VALID, GH_COLOUR_GREEN, 0},
        {"{\"verdict\":\"valid\",\"colour\":\"yellow\"}", GH_VERDICT_VALID, GH_COLOUR_YELLOW, 0},
        {"{\"verdict\":\"valid\",\"colour\":\"red\",\"more\":[1]}", GH_VERDICT_VALID, GH_COLOUR_RED,
         0},
        {"{\"verdict\":\"valid\",\"colour\":\"green\",\"expires_at\":\"1970-01-01T00:16:41Z\"}",
         GH_VERDICT_VALID, GH_COLOUR_GREEN, 1001},
        /* it says itself that it is over */
        {"{\"verdict\":\"valid\",\"colour\":\"green\",\"expires_at\":\"1970-01-01T00:16:40Z\"}",
         GH_VERDICT_INVALID, GH_COLOUR_NONE, 0},
        {"{\"verdict\":\"invalid\"}", GH_VERDICT_INVALID, GH_COLOUR_NONE, 0},
        {"{\"verdict\":\"invalid\",\"colour\":\"green\",\"holder\":\"x\"}", GH_VERDICT_INVALID,
         GH_COLOUR_NONE, 0},
        {" {\"verdict\":\"unknown\"}\n", GH_VERDICT_UNKNOWN, GH_COLOUR_NONE, 0},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++) {
        struct gh_upstream_answer answer = read_answer_of(200, "application/json", rows[i].body);
        if (answer.status != GH_OK || answer.verdict != rows[i].verdict ||
            answer.colour != rows[i].colour || answer.subject != 0 ||
            answer.expires_at_s != rows[i].expires_at_s)
            fail_msg("%s", rows[i].body);
    }
}

static void test_what_is_no_answer(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "{}",
        "[]",
        "null",
        "\"valid\"",
        "{\"verdict\":\"valid\",\"colour\":\"green\"",
        "{\"verdict\":\"valid\",\"colour\":\"green\"} x",
        "{\"verdict\":\"valid\",\"colour\":\"green\",\"colour\":\"green\"}",
        "{\"verdict\":\"VALID\",\"colour\":\"green\"}",
        "{\"verdict\":\"valid\\u0000\",\"colour\":\"green\"}",
        "{\"verdict\":true,\"colour\":\"green\"}",
        "{\"verdict\":1,\"colour\":\"green\"}",
        "{\"colour\":\"green\"}",
        "{\"verdict\":\"valid\"}",
        "{\"verdict\":\"valid\",\"colour\":\"none\"}",
        "{\"verdict\":\"valid\",\"colour\":\"blue\"}",
        "{\"verdict\":\"valid\",\"colour\":1}",
        "{\"verdict\":\"valid\",\"colour\":null}",
        "{\"verdict\":\"valid\",\"colour\":\"green\",\"holder\":\"\"}",
        "{\"verdict\":\"valid\",\"colour\":\"green\",\"holder\":7}",
        "{\"verdict\":\"valid\",\"colour\":\"green\",\"holder\":null}",
        "{\"verdict\":\"valid\",\"colour\":\"green\",\"expires_at\":4102444800}",
        "{\"verdict\":\"valid\",\"colour\":\"green\",\"expires_at\":\"tomorrow\"}",
        "<html>Welcome to our hotel</html>",
        "{\"verdict\":\"valid\",\"colour\":\"gr\xff\xff\"}",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(bodies); i++) {
        struct gh_upstream_answer answer = read_answer_of(200, "application/json", bodies[i]);
        if (answer.status != GH_ERR_CORRUPT || answer.verdict != GH_VERDICT_UNKNOWN ||
            answer.colour != GH_COLOUR_NONE || answer.subject != 0 || answer.expires_at_s != 0)
            fail_msg("%s", bodies[i]);
    }
    static const char good_body[] = "{\"verdict\":\"valid\",\"colour\":\"green\"}";
    static const char *const types[] = {"", "text/html", "text/plain", "application/jsonp"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(types); i++)
        assert_int_equal(read_answer_of(200, types[i], good_body).status, GH_ERR_CORRUPT);
    static const int statuses[] = {201, 204, 301, 400, 401, 404, 500, 503};
    for (size_t i = 0; i < GH_ARRAY_SIZE(statuses); i++)
        assert_int_equal(read_answer_of(statuses[i], "application/json", good_body).status,
                         GH_ERR_REFUSED);
}

static void test_a_holder_becomes_a_hash(void **state)
{
    (void)state;
    char body[700], longest[514];
    memset(longest, 'h', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    snprintf(body, sizeof(body), "{\"verdict\":\"valid\",\"colour\":\"red\",\"holder\":\"%s\"}",
             HOLDER);
    struct gh_upstream_answer answer = read_answer_of(200, "application/json", body);
    assert_int_equal(answer.status, GH_OK);
    /* HMAC-SHA-256 over the word "authority" and the holder, its first 64 bits */
    uint8_t hash[GH_SHA256_BYTES];
    static const char input[] = "authority" HOLDER;
    gh_hmac_sha256((struct gh_bytes){secret, sizeof(secret)},
                   (struct gh_bytes){(const uint8_t *)input, sizeof(input) - 1}, hash);
    assert_true(answer.subject == gh_be64(hash));
    static const uint8_t other[GH_HOLDER_SECRET_BYTES] = {9};
    const struct gh_bytes holder = {(const uint8_t *)HOLDER, strlen(HOLDER)};
    assert_true(gh_upstream_subject(other, holder) != answer.subject);
    assert_true(gh_upstream_subject(secret, (struct gh_bytes){(const uint8_t *)"x", 1}) !=
                answer.subject);
    /* 512 bytes are the most */
    snprintf(body, sizeof(body), "{\"verdict\":\"valid\",\"colour\":\"red\",\"holder\":\"%s\"}",
             longest);
    assert_int_equal(read_answer_of(200, "application/json", body).status, GH_ERR_CORRUPT);
    snprintf(body, sizeof(body), "{\"verdict\":\"valid\",\"colour\":\"red\",\"holder\":\"%s\"}",
             longest + 1);
    answer = read_answer_of(200, "application/json", body);
    assert_int_equal(answer.status, GH_OK);
    assert_true(answer.subject != 0);
}

static void test_the_pace_of_a_gate(void **state)
{
    (void)state;
    static struct gh_pace pace;
    int64_t now = 1000 * GH_NS_PER_S;
    for (int i = 0; i < GH_PACE_BURST; i++)
        assert_int_equal(gh_pace_wait_s(&pace, 7, now), 0);
    assert_int_equal(gh_pace_wait_s(&pace, 7, now), 1);
    assert_int_equal(gh_pace_wait_s(&pace, 8, now), 0); /* another gate */
    now += GH_NS_PER_S;
    for (int i = 0; i < GH_PACE_PER_S; i++)
        assert_int_equal(gh_pace_wait_s(&pace, 7, now), 0);
    assert_int_equal(gh_pace_wait_s(&pace, 7, now), 1);
    /* More gates than slots: those that asked least lately are forgotten, the busy one is not. */
    for (gh_id id = 100; id < 100 + 2 * GH_PACE_SLOTS; id++)
        assert_int_equal(gh_pace_wait_s(&pace, id, now), 0);
    assert_int_equal(gh_pace_wait_s(&pace, 7, now), 1);
    now += 60 * GH_NS_PER_S; /* rested: a whole burst again, and no more */
    for (int i = 0; i < GH_PACE_BURST; i++)
        assert_int_equal(gh_pace_wait_s(&pace, 7, now), 0);
    assert_int_equal(gh_pace_wait_s(&pace, 7, now), 1);
}

/* --- the server, and an authority --- */

static void test_a_question_goes_on(void **state)
{
    struct harness *harness = *state;
    char head[8192];
    start_town(harness, 5000);
    json_t *json = verify(harness, 200);
    assert_string_equal(text_of(json, "verdict"), "valid");
    assert_string_equal(text_of(json, "colour"), "green");
    assert_int_equal(json_object_size(json), 2);
    json_decref(json);
    fault_server_last_head(authority.server, head, sizeof(head));
    assert_memory_equal(head, "POST /verify HTTP/1.1\r\n", 23);
    assert_non_null(strstr(head, "\r\nAuthorization: Bearer " TOKEN "\r\n"));
    assert_non_null(strstr(head, "\r\nContent-Type: application/json\r\n"));
    assert_string_equal(authority.asked, "{\"code\":\"" CODE "\",\"purpose\":\"entry\"}");

    authority_says("{\"verdict\":\"valid\",\"colour\":\"red\",\"holder\":\"" HOLDER
                   "\",\"expires_at\":\"" TIME_FORM "\"}");
    json = verify(harness, 200);
    assert_string_equal(text_of(json, "colour"), "red");
    assert_string_equal(text_of(json, "expires_at"), TIME_FORM);
    assert_int_equal(strlen(text_of(json, "subject")), 16);
    char *whole = json_dumps(json, 0);
    assert_null(strstr(whole, HOLDER));
    json_t *again = verify(harness, 200);
    assert_true(json_equal(json, again)); /* the same person is the same subject */
    json_decref(again);
    json_decref(json);
    free(whole);

    authority_says("{\"verdict\":\"invalid\"}");
    json = verify(harness, 200);
    assert_string_equal(text_of(json, "verdict"), "invalid");
    assert_int_equal(json_object_size(json), 1);
    json_decref(json);
    authority_says("{\"verdict\":\"unknown\"}");
    json = verify(harness, 200);
    assert_string_equal(text_of(json, "verdict"), "unknown");
    json_decref(json);
    harness_stop(harness);
}

static struct gh_upstream_policy policy_of_gates(const struct harness *harness)
{
    return manifest_now(harness, &north)->policy.upstream;
}

static void test_gates_get_the_policy(void **state)
{
    struct harness *harness = *state;
    start_town(harness, 1234);
    struct gh_upstream_policy policy = policy_of_gates(harness);
    assert_int_equal(policy.deadline_ms, 1234);
    assert_int_equal(policy.offline, GH_OFFLINE_GUARD);
    assert_string_equal(policy.prefixes, "HC1: shc:/");
    configure_upstream(harness, 1234, "  AB:   C:");
    kill(harness->pid, SIGHUP);
    wait_for_status(harness, "AB:1", 200);
    assert_string_equal(policy_of_gates(harness).prefixes, "AB: C:");
    harness_configure(harness, "", "");
    kill(harness->pid, SIGHUP);
    wait_for_status(harness, "AB:1", 503);
    policy = policy_of_gates(harness);
    assert_int_equal(policy.deadline_ms, 0);
    assert_string_equal(policy.prefixes, "");
    harness_stop(harness);
}

/* Any character that a JSON text may hold arrives as it was shown. */
static void test_texts_arrive_as_they_are(void **state)
{
    struct harness *harness = *state;
    start_town(harness, 5000);
    char text[GH_CODE_TEXT_MAX_BYTES + 1] = "HC1:";
    memset(text + 4, '"', sizeof(text) - 5);
    text[sizeof(text) - 1] = '\0';
    const char *const codes[] = {"HC1:\"\\/ %+-*$", "shc:/\xc3\xa9\xe2\x82\xac", text};
    for (size_t i = 0; i < GH_ARRAY_SIZE(codes); i++) {
        json_t *body = json_pack("{s:s}", "code", codes[i]);
        char *dumped = json_dumps(body, 0);
        json_decref(ask(harness, 200, "POST", VERIFY, north.bearer, dumped));
        json_t *asked = json_loads(authority.asked, 0, NULL);
        assert_string_equal(text_of(asked, "code"), codes[i]);
        json_decref(asked);
        free(dumped);
        json_decref(body);
    }
    harness_stop(harness);
}

static void test_what_is_not_asked(void **state)
{
    struct harness *harness = *state;
    char landlord[GH_TOKEN_BYTES], body[GH_CODE_TEXT_MAX_BYTES + 64];
    start_town(harness, 5000);
    add_user(harness, "quentin", "landlord", landlord);
    static const char *const others[] = {"WIFI:T:WPA;S:home;P:secret;;", "hc1:6BF", "HC1",
                                         " HC1:6BF", "GHE1:6BF"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(others); i++) {
        snprintf(body, sizeof(body), "{\"code\":\"%s\"}", others[i]);
        ask_error(harness, 422, "not_asked", "POST", VERIFY, north.bearer, body);
    }
    static const char *const wrong[] = {"",
                                        "{}",
                                        "[]",
                                        "{\"code\":7}",
                                        "{\"code\":\"\"}",
                                        "{\"code\":\"HC1:\\n\"}",
                                        "{\"code\":\"HC1:\\u0000\"}",
                                        "{\"code\":\"HC1:\xff\"}",
                                        "{\"code\":\"HC1:6BF\",\"purpose\":\"x\"}"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++)
        ask_error(harness, 400, "bad_request", "POST", VERIFY, north.bearer, wrong[i]);
    memset(body, 'A', sizeof(body));
    memcpy(body, "{\"code\":\"HC1:", 13);
    strcpy(body + 9 + GH_CODE_TEXT_MAX_BYTES + 1, "\"}");
    ask_error(harness, 400, "bad_request", "POST", VERIFY, north.bearer, body);
    ask_error(harness, 401, "unauthorized", "POST", VERIFY, NULL, "{\"code\":\"" CODE "\"}");
    ask_error(harness, 403, "forbidden", "POST", VERIFY, harness->admin, "{\"code\":\"x\"}");
    ask_error(harness, 403, "forbidden", "POST", VERIFY, landlord, "{\"code\":\"x\"}");
    ask_error(harness, 405, "method_not_allowed", "GET", VERIFY, north.bearer, NULL);
    assert_int_equal(asked_so_far(), 0);
    json_decref(verify(harness, 200));
    assert_int_equal(asked_so_far(), 1);
    harness_stop(harness);
}

static void test_nobody_is_configured(void **state)
{
    struct harness *harness = *state;
    harness_configure(harness, "", "");
    harness_start(harness);
    log_in_admin(harness);
    add_gate(harness, "North gate", &north);
    json_decref(enrol_with(harness, 200, &north, north.secret));
    verify_fails(harness, "no authority is configured");
    harness_stop(harness);
}

static void test_an_authority_that_fails(void **state)
{
    struct harness *harness = *state;
    static const struct {
        enum fault fault;
        const char *word;
    } rows[] = {
        {FAULT_500, "no answer"},
        {FAULT_503, "no answer"},
        {FAULT_HANG, "in time"},
        {FAULT_HALF, "cannot be reached"},
        {FAULT_GARBAGE, "cannot be reached"},
        {FAULT_CLOSE, "cannot be reached"},
        {FAULT_OVERSIZED, "no answer"},
        {FAULT_UNENDED, "cannot be reached"},
        {FAULT_REDIRECT, "no answer"},
    };
    enum { DEADLINE = 3000 }; /* which only the one that hangs waits for */
    start_town(harness, DEADLINE);
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++) {
        fault_server_set(authority.server, rows[i].fault);
        int64_t before = now_ms();
        verify_fails(harness, rows[i].word);
        assert_true(now_ms() - before < 3 * DEADLINE);
        fault_server_set(authority.server, FAULT_NONE);
        json_decref(verify(harness, 200));
    }
    pthread_mutex_lock(&authority.lock);
    authority.type = "text/html";
    pthread_mutex_unlock(&authority.lock);
    verify_fails(harness, "no answer");
    authority_says("{\"verdict\":\"valid\"}");
    harness_forward(harness, 60); /* not too many at once */
    verify_fails(harness, "no answer");
    authority_says("{\"verdict\":\"invalid\"}");
    json_decref(verify(harness, 200));
    harness_stop(harness);
}

/* The port is ours, and nobody listens there. (The fault server cannot refuse here: the server, its
 * fork, holds the listening socket too.) */
static void test_nobody_listens(void **state)
{
    struct harness *harness = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    char url[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    start_town(harness, 5000);
    configure_url(harness, url, 5000, "HC1:");
    kill(harness->pid, SIGHUP);
    wait_for_status(harness, CODE, 503);
    int64_t before = now_ms();
    verify_fails(harness, "cannot be reached");
    assert_true(now_ms() - before < 5000); /* and that at once */
    close(fd);
    harness_stop(harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_what_is_no_answer),
        cmocka_unit_test(test_a_holder_becomes_a_hash),
        cmocka_unit_test(test_the_pace_of_a_gate),
        TEST(test_a_question_goes_on),
        TEST(test_gates_get_the_policy),
        TEST(test_texts_arrive_as_they_are),
        TEST(test_what_is_not_asked),
        TEST(test_nobody_is_configured),
        TEST(test_an_authority_that_fails),
        TEST(test_nobody_listens),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
