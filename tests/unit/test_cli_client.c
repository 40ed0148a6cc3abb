/* SPDX-License-Identifier: Apache-2.0 */
/* client.c, and lookup.c on top of it, over a transport that answers from a script. */
#include "cli/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/lookup.h"

#define ID "00000000000000a1"
#define OTHER_ID "00000000000000a2"

struct answer {
    enum gh_status status; /* of the transport */
    int http;
    const char *body;
    int64_t retry_after_s; /* 0 stands for none here */
};

struct script {
    const struct answer *answers;
    size_t count, asked;
    char method[8][8];
    char path[8][256];
    char body[8][128];
    char bearer[8][64];
};

static enum gh_status play(void *context, const struct gh_http_request *request,
                           struct gh_http_response *response, struct gh_error *err)
{
    struct script *script = context;
    assert_true(script->asked < script->count);
    size_t i = script->asked++;
    const struct answer *answer = &script->answers[i];
    assert_true(request->timeout_ms > 0);
    assert_true(request->max_response_bytes > 0);
    assert_true((request->body.size > 0) == (request->content_type != NULL));
    snprintf(script->method[i], sizeof(script->method[i]), "%s", request->method);
    snprintf(script->path[i], sizeof(script->path[i]), "%s", request->path);
    snprintf(script->body[i], sizeof(script->body[i]), "%.*s", (int)request->body.size,
             request->body.size > 0 ? (const char *)request->body.data : "");
    snprintf(script->bearer[i], sizeof(script->bearer[i]), "%s",
             request->bearer != NULL ? request->bearer : "(none)");
    if (answer->status != GH_OK) {
        return gh_fail(err, answer->status, "the transport's sentence");
    }
    response->status = answer->http;
    response->size = strlen(answer->body);
    response->body = (uint8_t *)strdup(answer->body);
    response->retry_after_s = answer->retry_after_s > 0 ? answer->retry_after_s : -1;
    return GH_OK;
}

static struct gh_client client_over(struct script *script, const struct answer *answers,
                                    size_t count)
{
    *script = (struct script){.answers = answers, .count = count};
    return (struct gh_client){
        .session = {.server = "http://127.0.0.1:1", .token = "t0k3n"},
        .transport = {.perform = play, .context = script},
    };
}
#define CLIENT(script, ...)                                                                        \
    client_over((script), (const struct answer[]){__VA_ARGS__},                                    \
                sizeof((const struct answer[]){__VA_ARGS__}) / sizeof(struct answer))

static void a_yes_is_its_json(void **state)
{
    (void)state;
    struct script script;
    GH_CLEANUP_CLIENT struct gh_client client =
        CLIENT(&script, {GH_OK, 201, "{\"id\": \"x\"}", 0}, {GH_OK, 204, "", 0});
    GH_CLEANUP_JSON json_t *answer = NULL;
    assert_int_equal(gh_client_call(&client, "POST", "/homes",
                                    json_pack("{s:s}", "address", "Lane 7"), &answer, NULL),
                     GH_OK);
    assert_string_equal(gh_json_text(answer, "id"), "x");
    assert_string_equal(script.path[0], "/api/v1/homes");
    assert_string_equal(script.body[0], "{\"address\":\"Lane 7\"}");
    assert_string_equal(script.bearer[0], "t0k3n");
    assert_int_equal(client.http_status, 201);
    gh_json_release(&answer);
    assert_int_equal(gh_client_call(&client, "DELETE", "/gates/" ID, NULL, &answer, NULL), GH_OK);
    assert_null(answer);
    assert_string_equal(script.method[1], "DELETE");
}

static void without_a_token_none_is_sent(void **state)
{
    (void)state;
    struct script script;
    GH_CLEANUP_CLIENT struct gh_client client = CLIENT(&script, {GH_OK, 200, "{}", 0});
    client.session.token[0] = 0;
    assert_int_equal(gh_client_call(&client, "POST", "/login", json_object(), NULL, NULL), GH_OK);
    assert_string_equal(script.bearer[0], "(none)");
}

static void a_no_is_one_sentence(void **state)
{
    (void)state;
    static const struct {
        struct answer answer;
        const char *token, *sentence;
    } cases[] = {
        {{GH_OK, 409, "{\"error\":\"conflict\",\"message\":\"it is not inspected\"}", 0},
         "conflict",
         "it is not inspected"},
        {{GH_OK, 401, "{\"error\":\"unauthorized\",\"message\":\"no\"}", 0},
         "unauthorized",
         "run 'gatehouse login --server http://127.0.0.1:1'"},
        {{GH_OK, 401, "{\"error\":\"wrong_password\",\"message\":\"wrong password\"}", 0},
         "wrong_password",
         "wrong password"},
        {{GH_OK, 429, "{\"error\":\"too_many\",\"message\":\"too many tries\"}", 30},
         "too_many",
         "too many tries (try again in 30 s)"},
        {{GH_OK, 502, "<html>Bad Gateway</html>", 0}, "", "HTTP status 502"},
        {{GH_OK, 500, "", 0}, "", "HTTP status 500"},
        {{GH_OK, 302, "[1]", 0}, "", "HTTP status 302"},
        {{GH_OK, 404, "{\"message\": 7}", 0}, "", "HTTP status 404"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct script script;
        GH_CLEANUP_CLIENT struct gh_client client = client_over(&script, &cases[i].answer, 1);
        struct gh_error err = {0};
        json_t *answer = NULL;
        assert_int_equal(gh_client_call(&client, "GET", "/homes", NULL, &answer, &err),
                         GH_ERR_REFUSED);
        assert_null(answer);
        assert_string_equal(client.error_token, cases[i].token);
        assert_non_null(strstr(err.text, cases[i].sentence));
    }
}

static void what_is_no_answer_is_an_error(void **state)
{
    (void)state;
    struct script script;
    GH_CLEANUP_CLIENT struct gh_client client = CLIENT(
        &script, {GH_OK, 200, "<html>", 0}, {GH_ERR_NETWORK, 0, "", 0}, {GH_OK, 200, "{}", 0});
    struct gh_error err = {0};
    json_t *answer = NULL;
    assert_int_equal(gh_client_call(&client, "GET", "/homes", NULL, &answer, &err), GH_ERR_CORRUPT);
    assert_null(answer);
    assert_non_null(strstr(err.text, "no JSON"));
    err = (struct gh_error){0};
    assert_int_equal(gh_client_call(&client, "GET", "/homes", NULL, &answer, &err), GH_ERR_NETWORK);
    assert_string_equal(err.text, "the transport's sentence");
    assert_int_equal(client.http_status, 0);

    /* What jansson cannot make (a text that is not UTF-8) never becomes a call without a body. */
    json_t *body = json_pack("{s:s}", "address", "Lane \xff");
    assert_null(body);
    assert_int_equal(gh_client_call(&client, "POST", "/homes", body, &answer, NULL),
                     GH_ERR_INVALID);
    assert_int_equal(script.asked, 2);
}

static void members_that_must_be_there(void **state)
{
    (void)state;
    GH_CLEANUP_JSON json_t *object = json_pack("{s:s, s:i}", "a", "x", "b", 1);
    const char *text;
    struct gh_error err = {0};
    assert_int_equal(gh_json_need_text(object, "a", &text, NULL), GH_OK);
    assert_string_equal(text, "x");
    assert_int_equal(gh_json_need_text(object, "b", &text, &err), GH_ERR_CORRUPT);
    assert_non_null(strstr(err.text, "'b'"));
    assert_int_equal(gh_json_need_text(NULL, "a", &text, NULL), GH_ERR_CORRUPT);
    assert_string_equal(gh_json_text(object, "b"), "");
}

/* --- lookup.c
 * -------------------------------------------------------------------------------------- */

static void an_identifier_costs_no_question(void **state)
{
    (void)state;
    struct script script;
    struct gh_client client = client_over(&script, NULL, 0);
    char id[GH_ID_TEXT_BYTES];
    assert_int_equal(gh_find_person(&client, ID, id, NULL), GH_OK);
    assert_string_equal(id, ID);
    assert_int_equal(gh_find_home(&client, ID, id, NULL), GH_OK);
    assert_int_equal(gh_find_gate(&client, ID, id, NULL), GH_OK);
}

static void a_reference_is_looked_up(void **state)
{
    (void)state;
    struct script script;
    GH_CLEANUP_CLIENT struct gh_client client =
        CLIENT(&script, {GH_OK, 200, "{\"people\": [{\"id\": \"" ID "\"}], \"next\": null}", 0},
               {GH_OK, 200, "{\"people\": [{\"id\": \"" ID "\"}], \"next\": null}", 0},
               {GH_OK, 200, "{\"people\": []}", 0},
               {GH_OK, 403, "{\"error\":\"forbidden\",\"message\":\"not you\"}", 0},
               {GH_OK, 200, "{\"people\": [{\"id\": \"?\"}]}", 0});
    char id[GH_ID_TEXT_BYTES];
    struct gh_error err = {0};
    assert_int_equal(gh_find_person(&client, "B & C/1", id, NULL), GH_OK);
    assert_string_equal(id, ID);
    assert_string_equal(script.path[0], "/api/v1/people?ref=B%20%26%20C%2F1");
    assert_int_equal(gh_find_person(&client, "ref:" OTHER_ID, id, NULL), GH_OK);
    assert_string_equal(script.path[1], "/api/v1/people?ref=" OTHER_ID);
    assert_int_equal(gh_find_person(&client, "nobody", id, &err), GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "'nobody'"));
    err = (struct gh_error){0};
    assert_int_equal(gh_find_person(&client, "x", id, &err), GH_ERR_REFUSED);
    assert_non_null(strstr(err.text, "identifier"));
    assert_int_equal(gh_find_person(&client, "x", id, NULL), GH_ERR_CORRUPT);
    assert_int_equal(gh_find_person(&client, "", id, NULL), GH_ERR_INVALID);
    assert_int_equal(gh_find_person(&client, "ref:", id, NULL), GH_ERR_INVALID);
}

static void a_name_must_be_the_only_one(void **state)
{
    (void)state;
    static const char gates[] = "{\"gates\": [{\"id\": \"" ID "\", \"name\": \"North\"},"
                                "{\"id\": \"" OTHER_ID "\", \"name\": \"South\"}, {\"id\": \"" ID
                                "\", \"name\": \"South\"}]}";
    struct script script;
    GH_CLEANUP_CLIENT struct gh_client client =
        CLIENT(&script, {GH_OK, 200, gates, 0}, {GH_OK, 200, gates, 0}, {GH_OK, 200, gates, 0});
    char id[GH_ID_TEXT_BYTES];
    struct gh_error err = {0};
    assert_int_equal(gh_find_gate(&client, "North", id, NULL), GH_OK);
    assert_string_equal(id, ID);
    assert_int_equal(gh_find_gate(&client, "South", id, &err), GH_ERR_EXISTS);
    assert_non_null(strstr(err.text, "more than one gate"));
    assert_int_equal(gh_find_gate(&client, "nort", id, NULL), GH_ERR_NOTFOUND);
}

static enum gh_status count(void *context, const json_t *element, struct gh_error *err)
{
    json_int_t *sum = context;
    *sum += json_integer_value(element);
    return json_integer_value(element) == 99 ? gh_fail(err, GH_ERR_END, "enough") : GH_OK;
}

static void pages_are_followed(void **state)
{
    (void)state;
    struct script script;
    GH_CLEANUP_CLIENT struct gh_client client =
        CLIENT(&script, {GH_OK, 200, "{\"n\": [1, 2], \"next\": \"a b\"}", 0},
               {GH_OK, 200, "{\"n\": [4], \"next\": 17}", 0},
               {GH_OK, 200, "{\"n\": [8], \"next\": null}", 0});
    json_int_t sum = 0;
    assert_int_equal(gh_each_page(&client, "/x", NULL, "n", count, &sum, NULL), GH_OK);
    assert_int_equal(sum, 15);
    assert_string_equal(script.path[0], "/api/v1/x");
    assert_string_equal(script.path[1], "/api/v1/x?after=a%20b");
    assert_string_equal(script.path[2], "/api/v1/x?after=17");
}

static void pages_end(void **state)
{
    (void)state;
    struct script script;
    GH_CLEANUP_CLIENT struct gh_client client =
        CLIENT(&script, {GH_OK, 200, "{\"n\": [1], \"next\": 5}", 0},
               {GH_OK, 200, "{\"n\": [99, 1], \"next\": 6}", 0}, {GH_OK, 200, "{\"n\": []}", 0},
               {GH_ERR_TIMEOUT, 0, "", 0});
    json_int_t sum = 0;
    /* a server that turns in circles */
    assert_int_equal(gh_each_page(&client, "/x?limit=1", "5", "n", count, &sum, NULL),
                     GH_ERR_CORRUPT);
    assert_string_equal(script.path[0], "/api/v1/x?limit=1&after=5");
    assert_int_equal(gh_each_page(&client, "/x", NULL, "n", count, &sum, NULL), GH_ERR_END);
    assert_int_equal(sum, 100);
    assert_int_equal(gh_each_page(&client, "/x", NULL, "n", count, &sum, NULL), GH_OK);
    assert_int_equal(gh_each_page(&client, "/x", NULL, "n", count, &sum, NULL), GH_ERR_TIMEOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_yes_is_its_json),
        cmocka_unit_test(without_a_token_none_is_sent),
        cmocka_unit_test(a_no_is_one_sentence),
        cmocka_unit_test(what_is_no_answer_is_an_error),
        cmocka_unit_test(members_that_must_be_there),
        cmocka_unit_test(an_identifier_costs_no_question),
        cmocka_unit_test(a_reference_is_looked_up),
        cmocka_unit_test(a_name_must_be_the_only_one),
        cmocka_unit_test(pages_are_followed),
        cmocka_unit_test(pages_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
