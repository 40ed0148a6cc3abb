/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask for what, how one logs in, and what a request must look like. */
#include "test_server_town.h"

#include "server/request.h"

/* --- who may ask --- */

/* A path that fits the pattern, of things that do not exist. */
static void path_of(const struct gh_route *route, char out[256])
{
    size_t size = 0;
    for (const char *c = route->pattern; *c != '\0'; c++) {
        const char *piece = *c == '#' ? UNUSED_ID : *c == '*' ? "X" : (char[]){*c, '\0'};
        size += (size_t)snprintf(out + size, 256 - size, "%s", piece);
    }
}

static long status_with(const struct gh_route *route, const char *token, const char *header)
{
    char path[256];
    struct answer answer;
    path_of(route, path);
    const struct call call = {.method = route->method,
                              .path = path,
                              .token = token,
                              .header = header,
                              .body = route->body_bytes > 0 ? "{}" : NULL};
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    long status = answer.status;
    if (status == 401)
        assert_string_equal(answer_header(&answer, "WWW-Authenticate"), "Bearer");
    assert_true(status < 500);
    answer_free(&answer);
    return status;
}

struct caller {
    const char *name;
    const char *token;
    unsigned who; /* 0: nobody known */
};

static void test_every_route_every_caller(void **state)
{
    (void)state;
    char wrong_secret[GATE_TOKEN_BYTES], cut[GH_TOKEN_BYTES];
    snprintf(wrong_secret, sizeof(wrong_secret), "%s", gate.bearer);
    wrong_secret[strlen(wrong_secret) - 1] ^= 1;
    snprintf(cut, sizeof(cut), "%.42s", harness.admin);
    const struct caller callers[] = {
        {"nobody", NULL, 0},
        {"garbage", "garbage", 0},
        {"a token of the right length", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0},
        {"a cut token", cut, 0},
        {"a wrong secret", wrong_secret, 0},
        {"a waiting gate", waiting_gate.bearer, 0},
        {"admin", harness.admin, GH_WHO_ADMIN},
        {"landlord", landlord, GH_WHO_LANDLORD},
        {"inspector", inspector, GH_WHO_INSPECTOR},
        {"gate", gate.bearer, GH_WHO_GATE},
        {"a shut out gate", shut_gate.bearer, 128},
    };
    size_t routes = 0;
    for (const struct gh_route *route = gh_routes(); route->method != NULL; route++, routes++) {
        for (size_t i = 0; i < GH_ARRAY_SIZE(callers); i++) {
            const struct caller *caller = &callers[i];
            long status = status_with(route, caller->token, NULL);
            bool open = route->who == GH_WHO_ANYBODY;
            long wanted = caller->who == 0 ? 401 : 403;
            bool allowed = open || (route->who & caller->who) != 0;
            if (allowed ? status == 401 || status == 403 : status != wanted)
                fail_msg("%s %s by %s: %ld", route->method, route->pattern, caller->name, status);
        }
    }
    assert_int_equal(routes, 44);
}

static void test_other_schemes(void **state)
{
    (void)state;
    char line[128];
    const struct gh_route *users = gh_routes() + 1;
    assert_string_equal(users->pattern, "/api/v1/users");
    static const char *const forms[] = {"Basic %s", "%s",         "Bearer",
                                        "Bearer ",  "Bearer  %s", "Bearer %s "};
    for (size_t i = 0; i < GH_ARRAY_SIZE(forms) - 1; i++) {
        char value[96];
        /* each form holds %s at most once */
        const char *percent = strstr(forms[i], "%s");
        snprintf(value, sizeof(value), "%.*s%s",
                 percent != NULL ? (int)(percent - forms[i]) : (int)strlen(forms[i]), forms[i],
                 percent != NULL ? harness.admin : "");
        snprintf(line, sizeof(line), "Authorization: %s", value);
        assert_int_equal(status_with(users, NULL, line), 401);
    }
    snprintf(line, sizeof(line), "Authorization: bEaReR %s", harness.admin);
    assert_int_equal(status_with(users, NULL, line), 400); /* RFC 7235: case does not matter */
}

static void test_sessions_end(void **state)
{
    (void)state;
    char token[GH_TOKEN_BYTES];
    json_t *json = admin("POST", "/api/v1/users", "{\"user\":\"brief\",\"role\":\"inspector\"}");
    log_in(&harness, "brief", text_of(json, "one_time_password"), "ten characters", token);
    json_decref(json);
    json_decref(good("GET", "/api/v1/homes", token, NULL));
    /* Another password: the sessions under the old one are over. */
    char second[GH_TOKEN_BYTES];
    log_in(&harness, "brief", "ten characters", "eleven chars", second);
    ask_error(&harness, 401, "unauthorized", "GET", "/api/v1/homes", token, NULL);
    json_decref(good("GET", "/api/v1/homes", second, NULL));
    harness_forward(&harness, 12 * 3600 - 60);
    json_decref(good("GET", "/api/v1/homes", second, NULL));
    harness_forward(&harness, 61);
    ask_error(&harness, 401, "unauthorized", "GET", "/api/v1/homes", second, NULL);
    /* everybody else's too */
    log_in_again();
}

/* --- logging in --- */

static void test_one_time_passwords(void **state)
{
    (void)state;
    char body[256];
    json_t *json = admin("POST", "/api/v1/users", "{\"user\":\"once\",\"role\":\"landlord\"}");
    assert_string_equal(text_of(json, "role"), "landlord");
    const char *password = text_of(json, "one_time_password");
    const char *login = "/api/v1/login";
    snprintf(body, sizeof(body), "{\"user\":\"once\",\"password\":\"%s\"}", password);
    ask_error(&harness, 403, "password_change_required", "POST", login, NULL, body);
    snprintf(body, sizeof(body),
             "{\"user\":\"once\",\"password\":\"%s\",\"new_password\":\"ninechars\"}", password);
    ask_error(&harness, 422, "weak_password", "POST", login, NULL, body);
    snprintf(body, sizeof(body), "{\"user\":\"once\",\"password\":\"%s\",\"new_password\":\"%s\"}",
             password, password);
    ask_error(&harness, 422, "weak_password", "POST", login, NULL, body);
    snprintf(body, sizeof(body),
             "{\"user\":\"once\",\"password\":\"%s\",\"new_password\":\"ten chars!\"}", password);
    json_decref(good("POST", login, NULL, body));
    ask_error(&harness, 401, "wrong_password", "POST", login, NULL, body); /* once */
    json_decref(good("POST", login, NULL, "{\"user\":\"once\",\"password\":\"ten chars!\"}"));
    json_decref(json);
    ask_error(&harness, 409, "conflict", "POST", "/api/v1/users", harness.admin,
              "{\"user\":\"once\",\"role\":\"landlord\"}");
}

static void test_guessing_is_slow(void **state)
{
    (void)state;
    static const char *const users[] = {"inspector", "nobody-at-all"};
    harness_freeze(&harness, true);
    for (size_t i = 0; i < GH_ARRAY_SIZE(users); i++) {
        char body[128];
        struct answer answer;
        snprintf(body, sizeof(body), "{\"user\":\"%s\",\"password\":\"wrong\"}", users[i]);
        for (int j = 0; j < 5; j++)
            ask_error(&harness, 401, "wrong_password", "POST", "/api/v1/login", NULL, body);
        const struct call call = {.method = "POST", .path = "/api/v1/login", .body = body};
        assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
        assert_int_equal(answer.status, 429);
        assert_string_equal(answer_header(&answer, "Retry-After"), "1");
        answer_free(&answer);
    }
    /* also for the right password */
    ask_error(&harness, 429, "too_many", "POST", "/api/v1/login", NULL,
              "{\"user\":\"inspector\",\"password\":\"ten characters\"}");
    harness_forward(&harness, 1);
    char token[GH_TOKEN_BYTES];
    log_in(&harness, "inspector", "ten characters", NULL, token);
    harness_freeze(&harness, false);
}

static void test_the_admin_password_file_is_gone(void **state)
{
    (void)state;
    assert_int_not_equal(access(in_folder(&harness, "state/admin-password"), F_OK), 0);
}

/* --- bodies --- */

static void test_bodies_are_strict(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{",
        "[]",
        "null",
        "{\"user\":\"x\",\"role\":\"admin\"} x",
        "{\"user\":\"x\"}",
        "{\"user\":\"x\",\"role\":\"king\"}",
        "{\"user\":\"x\",\"role\":1}",
        "{\"user\":null,\"role\":\"admin\"}",
        "{\"user\":\"\",\"role\":\"admin\"}",
        "{\"user\":\"a b\",\"role\":\"admin\"}",
        "{\"user\":\"a\\nb\",\"role\":\"admin\"}",
        "{\"user\":\"a\\u0000b\",\"role\":\"admin\"}",
        "{\"user\":\"\xff\",\"role\":\"admin\"}",
        "{\"user\":\"x\",\"role\":\"admin\",\"more\":1}",
        "{\"user\":\"x\",\"user\":\"y\",\"role\":\"admin\"}",
        /* 65 letters */
        ("{\"role\":\"admin\",\"user\":"
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}"),
        "{\"user\":1e999,\"role\":\"admin\"}",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(bodies); i++)
        ask_error(&harness, 400, "bad_request", "POST", "/api/v1/users", harness.admin, bodies[i]);
    json_t *json = ask(&harness, 400, "POST", "/api/v1/users", harness.admin,
                       "{\"user\":\"x\",\"role\":\"admin\",\"surprise\":1}");
    assert_non_null(strstr(text_of(json, "message"), "surprise"));
    json_decref(json);
    /* deep nesting does not take the stack */
    char deep[20001];
    memset(deep, '[', 20000);
    deep[20000] = '\0';
    ask_error(&harness, 400, "bad_request", "POST", "/api/v1/users", harness.admin, deep);
}

static void test_limits_of_bodies(void **state)
{
    (void)state;
    struct answer answer;
    size_t size = 200 * 1024;
    char *body = malloc(size);
    assert_non_null(body);
    memset(body, ' ', size);
    for (int chunked = 0; chunked < 2; chunked++) {
        struct call call = {.method = "POST",
                            .path = "/api/v1/users",
                            .token = harness.admin,
                            .body = body,
                            .size = size,
                            .chunked = chunked == 1};
        assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
        assert_int_equal(answer.status, 413);
        assert_string_equal(text_of(answer.json, "error"), "too_large");
        answer_free(&answer);
        /* without a token it is not read either */
        call.token = NULL;
        assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
        assert_int_equal(answer.status, 401);
        answer_free(&answer);
        /* just inside */
        call.token = harness.admin;
        call.size = 64 * 1024;
        assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
        assert_int_equal(answer.status, 400);
        answer_free(&answer);
    }
    /* a body where none is taken */
    const struct call get = {
        .method = "GET", .path = "/api/v1/gates", .token = harness.admin, .body = "{}"};
    assert_int_equal(harness_perform(&harness, &get, &answer), CURLE_OK);
    assert_int_equal(answer.status, 413);
    answer_free(&answer);
    free(body);
}

static void test_paths_methods_queries(void **state)
{
    (void)state;
    struct answer answer;
    static const char *const paths[] = {"/",
                                        "/api/v1",
                                        "/api/v1/",
                                        "/api/v1/people/",
                                        "/api/v1/people/xyz",
                                        "/api/v1/people/0000000000000000",
                                        "/api/v1/people/00000000000000FF",
                                        "/api//v1/people",
                                        "/api/v1/../v1/people",
                                        "/api/v2/people",
                                        "/H/",
                                        "/H/A/B",
                                        "//healthz"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(paths); i++)
        ask_error(&harness, 404, "not_found", "GET", paths[i], harness.admin, NULL);
    const struct call put = {.method = "PUT", .path = "/api/v1/homes", .token = harness.admin};
    assert_int_equal(harness_perform(&harness, &put, &answer), CURLE_OK);
    assert_int_equal(answer.status, 405);
    assert_string_equal(answer_header(&answer, "Allow"), "POST, GET");
    answer_free(&answer);
    const struct call head = {.method = "HEAD", .path = "/healthz"};
    assert_int_equal(harness_perform(&harness, &head, &answer), CURLE_OK);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.size, 0);
    answer_free(&answer);
    static const char *const queries[] = {
        "/api/v1/people?surprise=1",  "/api/v1/people?limit=0",
        "/api/v1/people?limit=1001",  "/api/v1/people?limit=x",
        "/api/v1/people?limit=",      "/api/v1/people?after=1",
        "/api/v1/people?limit=-1",    "/api/v1/people?limit",
        "/api/v1/entries?type=party", "/api/v1/entries?gate=x",
        "/api/v1/gates?limit=1",      "/api/v1/entries?after=-1",
        "/api/v1/people?ref,after=1", "/api/v1/people?limit=99999999999999999999"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(queries); i++)
        ask_error(&harness, 400, "bad_request", "GET", queries[i], harness.admin, NULL);
}

static void test_healthz_and_metrics(void **state)
{
    (void)state;
    struct answer answer;
    const struct call health = {.method = "GET", .path = "/healthz"};
    assert_int_equal(harness_perform(&harness, &health, &answer), CURLE_OK);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "ok\n");
    answer_free(&answer);
    const struct call metrics = {.method = "GET", .path = "/metrics"};
    assert_int_equal(harness_perform(&harness, &metrics, &answer), CURLE_OK);
    assert_non_null(strstr(answer.body, "gatehouse_build_info{version=\"" GH_VERSION "\"} 1"));
    assert_non_null(strstr(answer.body, "gatehouse_http_requests_total{status=\"200\"} "));
    answer_free(&answer);
    assert_true(metric("gatehouse_gates") >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_every_caller),
        cmocka_unit_test(test_other_schemes),
        cmocka_unit_test(test_sessions_end),
        cmocka_unit_test(test_one_time_passwords),
        cmocka_unit_test(test_guessing_is_slow),
        cmocka_unit_test(test_the_admin_password_file_is_gone),
        cmocka_unit_test(test_bodies_are_strict),
        cmocka_unit_test(test_limits_of_bodies),
        cmocka_unit_test(test_paths_methods_queries),
        cmocka_unit_test(test_healthz_and_metrics),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, set_up_town, tear_down_town);
}
