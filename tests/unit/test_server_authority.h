/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the server: one that asks an authority, and that authority. */
#ifndef GATEHOUSE_TESTS_SERVER_AUTHORITY_H
#define GATEHOUSE_TESTS_SERVER_AUTHORITY_H

#include "test_server_alone.h"

#include <pthread.h>

#include "fakes/fault_server.h"

#define VERIFY "/api/v1/verify"
#define CODE "HC1:A-CODE-THAT-NOBODY-MAY-KEEP"
#define HOLDER "holder-whom-nobody-may-know"
#define TOKEN "the-token-for-the-authority"

struct authority {
    struct fault_server *server;
    pthread_mutex_t lock;
    int status;
    const char *type, *body;
    char asked[20000]; /* the last body */
    unsigned count;
    long takes_ms;
};

static struct authority authority;

static inline struct fault_answer authority_answers(void *context,
                                                    const struct fault_request *request)
{
    struct authority *one = context;
    pthread_mutex_lock(&one->lock);
    one->count++;
    snprintf(one->asked, sizeof(one->asked), "%.*s", (int)request->size,
             (const char *)request->body);
    long takes_ms = one->takes_ms;
    struct fault_answer answer =
        fault_answer_make(one->status, one->type, one->body, strlen(one->body));
    pthread_mutex_unlock(&one->lock);
    pause_ms(takes_ms);
    return answer;
}

static inline void authority_says(const char *body)
{
    pthread_mutex_lock(&authority.lock);
    authority.status = 200;
    authority.type = "application/json";
    authority.body = body;
    authority.takes_ms = 0;
    pthread_mutex_unlock(&authority.lock);
    fault_server_set(authority.server, FAULT_NONE);
}

static inline unsigned asked_so_far(void)
{
    pthread_mutex_lock(&authority.lock);
    unsigned count = authority.count;
    pthread_mutex_unlock(&authority.lock);
    return count;
}

static inline void configure_url(struct harness *harness, const char *url, int deadline_ms,
                                 const char *prefixes)
{
    char lines[1024];
    write_text(in_folder(harness, "token"), TOKEN "\n");
    snprintf(lines, sizeof(lines),
             "\n[upstream]\nurl = %s/verify\ntoken_file = %s\nprefixes = %s\ndeadline_ms = %d", url,
             in_folder(harness, "token"), prefixes, deadline_ms);
    harness_configure(harness, "log_level = debug", lines);
}

static inline void configure_upstream(struct harness *harness, int deadline_ms,
                                      const char *prefixes)
{
    configure_url(harness, fault_server_url(authority.server), deadline_ms, prefixes);
}

static struct test_gate north;

static inline void start_town(struct harness *harness, int deadline_ms)
{
    configure_upstream(harness, deadline_ms, "HC1: shc:/");
    harness_start(harness);
    log_in_admin(harness);
    add_gate(harness, "North gate", &north);
    json_decref(enrol_with(harness, 200, &north, north.secret));
}

static inline int set_up(void **state)
{
    memset(&authority, 0, sizeof(authority));
    pthread_mutex_init(&authority.lock, NULL);
    authority.server = fault_server_start(authority_answers, &authority);
    authority_says("{\"verdict\":\"valid\",\"colour\":\"green\"}");
    return set_up_harness(state);
}

static inline int tear_down(void **state)
{
    int failed = tear_down_harness(state);
    fault_server_stop(authority.server);
    pthread_mutex_destroy(&authority.lock);
    return failed;
}

/* Ask until it is answered so: after a SIGHUP. */
static inline void wait_for_status(struct harness *harness, const char *code, long status)
{
    char body[128];
    int64_t deadline = now_ms() + DEADLINE_MS;
    struct answer answer = {0};
    snprintf(body, sizeof(body), "{\"code\":\"%s\"}", code);
    const struct call call = {
        .method = "POST", .path = VERIFY, .token = north.bearer, .body = body};
    while (answer.status != status && now_ms() < deadline) {
        answer_free(&answer);
        assert_int_equal(harness_perform(harness, &call, &answer), CURLE_OK);
        if (answer.status != status)
            pause_ms(50);
    }
    assert_int_equal(answer.status, status);
    answer_free(&answer);
}

static inline json_t *verify(struct harness *harness, long status)
{
    return ask(harness, status, "POST", VERIFY, north.bearer, "{\"code\":\"" CODE "\"}");
}

/* 503, and a message with this word. */
static inline void verify_fails(struct harness *harness, const char *word)
{
    struct answer answer;
    const struct call call = {
        .method = "POST", .path = VERIFY, .token = north.bearer, .body = "{\"code\":\"" CODE "\"}"};
    assert_int_equal(harness_perform(harness, &call, &answer), CURLE_OK);
    assert_int_equal(answer.status, 503);
    assert_string_equal(text_of(answer.json, "error"), "unavailable");
    if (strstr(text_of(answer.json, "message"), word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text_of(answer.json, "message"), word);
    assert_non_null(answer_header(&answer, "Retry-After"));
    answer_free(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
