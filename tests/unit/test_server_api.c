/* SPDX-License-Identifier: Apache-2.0 */
/* The whole API over a real connection: who may ask, what is answered, what is refused. */
#include "test_server_harness.h"

#include "gatehouse/code.h"
#include "gatehouse/list.h"
#include "gatehouse/trust.h"
#include "server/request.h"

static struct harness harness;
static char landlord[GH_TOKEN_BYTES], other_landlord[GH_TOKEN_BYTES], inspector[GH_TOKEN_BYTES];
static struct test_gate gate, waiting_gate, shut_gate;

static int set_up(void **state)
{
    (void)state;
    harness_open(&harness);
    harness_configure(&harness, "log_level = debug", "");
    harness_start(&harness);
    log_in_admin(&harness);
    add_user(&harness, "quentin", "landlord", landlord);
    add_user(&harness, "rosalind", "landlord", other_landlord);
    add_user(&harness, "inspector", "inspector", inspector);
    add_gate(&harness, "North gate", &gate);
    json_decref(enrol_with(&harness, 200, &gate, gate.secret));
    add_gate(&harness, "Waiting", &waiting_gate);
    add_gate(&harness, "Shut", &shut_gate);
    json_decref(enrol_with(&harness, 200, &shut_gate, shut_gate.secret));
    char path[64];
    snprintf(path, sizeof(path), "/api/v1/gates/%s", shut_gate.id_text);
    json_decref(ask(&harness, 204, "DELETE", path, harness.admin, NULL));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_close(&harness);
    return 0;
}

static char *pathf(const char *format, ...) GH_PRINTF(1, 2);
static char *pathf(const char *format, ...)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof(paths[0]), format, arguments);
    va_end(arguments);
    return path;
}

static json_t *good(const char *method, const char *path, const char *token, const char *body)
{
    return ask(&harness, 200, method, path, token, body);
}

static json_t *admin(const char *method, const char *path, const char *body)
{
    return good(method, path, harness.admin, body);
}

static long long metric(const char *name)
{
    struct answer answer;
    const struct call call = {.method = "GET", .path = "/metrics"};
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    assert_int_equal(answer.status, 200);
    char line[128];
    snprintf(line, sizeof(line), "\n%s ", name);
    const char *found = strstr(answer.body, line);
    assert_non_null(found);
    long long value = atoll(found + strlen(line));
    answer_free(&answer);
    return value;
}

/* --- who may ask --- */

static const char unused_id[] = "00000000000000ff";

/* A path that fits the pattern, of things that do not exist. */
static void path_of(const struct gh_route *route, char out[256])
{
    size_t size = 0;
    for (const char *c = route->pattern; *c != '\0'; c++) {
        const char *piece = *c == '#' ? unused_id : *c == '*' ? "X" : (char[]){*c, '\0'};
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
    assert_int_equal(routes, 25);
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
    log_in(&harness, "admin", ADMIN_PASSWORD, NULL, harness.admin);
    log_in(&harness, "quentin", "ten characters", NULL, landlord);
    log_in(&harness, "rosalind", "ten characters", NULL, other_landlord);
    log_in(&harness, "inspector", "ten characters", NULL, inspector);
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

/* --- people --- */

static json_t *import(long status, const char *csv)
{
    return ask(&harness, status, "POST", "/api/v1/people/import", harness.admin, csv);
}

/* The person of that ref; "" when there is none. */
static const char *person_id(const char *ref)
{
    static char ids[4][GH_ID_TEXT_BYTES];
    static unsigned next;
    char *id = ids[next++ % 4];
    json_t *json = admin("GET", pathf("/api/v1/people?ref=%s", ref), NULL);
    const json_t *person = json_array_get(json_object_get(json, "people"), 0);
    snprintf(id, GH_ID_TEXT_BYTES, "%s", person != NULL ? text_of(person, "id") : "");
    json_decref(json);
    return id;
}

static const char *add_person(const char *ref, const char *status)
{
    char csv[256];
    snprintf(csv, sizeof(csv), "ref,name,status\n%s,Name of %s,%s\n", ref, ref, status);
    json_decref(import(200, csv));
    return person_id(ref);
}

static void test_import(void **state)
{
    (void)state;
    json_t *json = import(200, "ref,name,status\r\ni1,\"Ada, L\",green\r\ni2,Bob,red\r\n");
    assert_int_equal(number_of(json, "added"), 2);
    json_decref(json);
    json = import(200, "ref,name,status\ni1,\"Ada, L\",green\ni2,Bob,yellow\ni3,Cy,red");
    assert_int_equal(number_of(json, "added"), 1);
    assert_int_equal(number_of(json, "updated"), 1);
    assert_int_equal(number_of(json, "unchanged"), 1);
    json_decref(json);
    json = admin("GET", "/api/v1/people?ref=i2", NULL);
    const json_t *person = json_array_get(json_object_get(json, "people"), 0);
    assert_string_equal(text_of(person, "name"), "Bob");
    assert_string_equal(text_of(person, "status"), "yellow");
    assert_true(json_is_null(json_object_get(json, "next")));
    json_decref(json);
}

static void test_import_is_whole_or_nothing(void **state)
{
    (void)state;
    long long generation = metric("gatehouse_list_generation");
    json_t *json = import(422, "ref,name,status\nw1,New,green\nw2,\"a\nb\",blue\nw3,x\n");
    assert_string_equal(text_of(json, "error"), "csv");
    const json_t *lines = json_object_get(json, "lines");
    assert_int_equal(json_array_size(lines), 2);
    assert_int_equal(number_of(json_array_get(lines, 0), "line"), 3);
    assert_int_equal(number_of(json_array_get(lines, 1), "line"), 5);
    assert_non_null(strstr(text_of(json_array_get(lines, 0), "reason"), "status"));
    json_decref(json);
    assert_string_equal(person_id("w1"), "");
    assert_int_equal(metric("gatehouse_list_generation"), generation);
    json = ask(&harness, 422, "POST", "/api/v1/people/import", harness.admin, NULL);
    assert_int_equal(number_of(json_array_get(json_object_get(json, "lines"), 0), "line"), 1);
    json_decref(json);
}

static void test_import_65_mib(void **state)
{
    (void)state;
    size_t size = 65u << 20;
    struct answer answer;
    char *csv = malloc(size);
    assert_non_null(csv);
    size_t used = (size_t)sprintf(csv, "ref,name,status\n");
    for (unsigned i = 0; used + 64 < size; i++)
        used += (size_t)sprintf(csv + used, "h%u,Huge,green\n", i);
    for (int chunked = 0; chunked < 2; chunked++) {
        const struct call call = {.method = "POST",
                                  .path = "/api/v1/people/import",
                                  .token = harness.admin,
                                  .body = csv,
                                  .size = used,
                                  .chunked = chunked == 1};
        assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
        assert_int_equal(answer.status, 413);
        answer_free(&answer);
    }
    assert_string_equal(person_id("h0"), "");
    free(csv);
}

static void test_pages_of_people(void **state)
{
    (void)state;
    char last[GH_ID_TEXT_BYTES] = "";
    size_t seen = 0;
    char csv[4096] = "ref,name,status\n";
    for (int i = 0; i < 25; i++)
        sprintf(csv + strlen(csv), "page%d,P,green\n", i);
    json_decref(import(200, csv));
    json_t *all = admin("GET", "/api/v1/people?limit=1000", NULL);
    size_t count = json_array_size(json_object_get(all, "people"));
    assert_true(count >= 25);
    while (true) {
        json_t *json = admin("GET",
                             last[0] != '\0' ? pathf("/api/v1/people?limit=7&after=%s", last)
                                             : "/api/v1/people?limit=7",
                             NULL);
        const json_t *people = json_object_get(json, "people");
        for (size_t i = 0; i < json_array_size(people); i++, seen++)
            assert_string_equal(
                text_of(json_array_get(people, i), "id"),
                text_of(json_array_get(json_object_get(all, "people"), seen), "id"));
        bool more = json_is_string(json_object_get(json, "next"));
        if (more)
            snprintf(last, sizeof(last), "%s", text_of(json, "next"));
        json_decref(json);
        if (!more)
            break;
    }
    assert_int_equal(seen, count);
    json_decref(all);
}

static void test_status_and_health_code(void **state)
{
    (void)state;
    const char *id = add_person("hc", "green");
    json_t *json = admin("PATCH", pathf("/api/v1/people/%s", id), "{\"status\":\"yellow\"}");
    assert_string_equal(text_of(json, "status"), "yellow");
    assert_string_equal(text_of(json, "ref"), "hc");
    json_decref(json);
    ask_error(&harness, 400, "bad_request", "PATCH", pathf("/api/v1/people/%s", id), harness.admin,
              "{\"status\":\"none\"}");
    ask_error(&harness, 404, "not_found", "PATCH", pathf("/api/v1/people/%s", unused_id),
              harness.admin, "{\"status\":\"green\"}");
    static const char *const bad[] = {"{}", "{\"valid_s\":0}", "{\"valid_s\":31536001}",
                                      "{\"valid_s\":\"60\"}", "{\"valid_s\":1.5}"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++)
        ask_error(&harness, 400, "bad_request", "POST", pathf("/api/v1/people/%s/health-code", id),
                  harness.admin, bad[i]);
    ask_error(&harness, 404, "not_found", "POST", pathf("/api/v1/people/%s/health-code", unused_id),
              harness.admin, "{\"valid_s\":60}");
    json = admin("POST", pathf("/api/v1/people/%s/health-code", id), "{\"valid_s\":60}");
    assert_string_equal(text_of(json, "colour"), "yellow");
    assert_memory_equal(text_of(json, "code"), "GH1:", 4);
    char *credential = pathf("/api/v1/credentials/%s", text_of(json, "credential"));
    int64_t issued, expires;
    assert_int_equal(gh_time_parse(text_of(json, "issued_at"), &issued), GH_OK);
    assert_int_equal(gh_time_parse(text_of(json, "expires_at"), &expires), GH_OK);
    assert_int_equal(expires - issued, 60);
    json_decref(json);
    long long generation = metric("gatehouse_list_generation");
    json_decref(ask(&harness, 204, "DELETE", credential, harness.admin, NULL));
    assert_int_equal(metric("gatehouse_list_generation"), generation + 1);
    json_decref(ask(&harness, 204, "DELETE", credential, harness.admin, NULL));
    assert_int_equal(metric("gatehouse_list_generation"), generation + 1);
    ask_error(&harness, 404, "not_found", "DELETE", pathf("/api/v1/credentials/%s", unused_id),
              harness.admin, NULL);
}

/* --- homes --- */

static const char *add_home(const char *token, const char *address)
{
    static char ids[4][GH_ID_TEXT_BYTES];
    static unsigned next;
    char *id = ids[next++ % 4];
    json_t *json = good("POST", "/api/v1/homes", token, pathf("{\"address\":\"%s\"}", address));
    assert_string_equal(text_of(json, "state"), "applied");
    assert_string_equal(text_of(json, "address"), address);
    snprintf(id, GH_ID_TEXT_BYTES, "%s", text_of(json, "id"));
    json_decref(json);
    return id;
}

static const char *add_approved_home(const char *token, const char *address)
{
    const char *id = add_home(token, address);
    json_decref(good("POST", pathf("/api/v1/homes/%s/inspection", id), inspector,
                     "{\"passed\":true,\"note\":\"two\\nlines\"}"));
    json_t *json = admin("POST", pathf("/api/v1/homes/%s/approval", id), NULL);
    assert_string_equal(text_of(json, "state"), "approved");
    json_decref(json);
    return id;
}

static void test_the_way_of_a_home(void **state)
{
    (void)state;
    const char *id = add_home(landlord, "1 Way");
    char *inspection = pathf("/api/v1/homes/%s/inspection", id);
    char *approval = pathf("/api/v1/homes/%s/approval", id);
    char *code = pathf("/api/v1/homes/%s/code", id);
    ask_error(&harness, 409, "conflict", "POST", approval, harness.admin, NULL);
    ask_error(&harness, 409, "conflict", "POST", code, landlord, NULL);
    ask_error(&harness, 409, "conflict", "PUT",
              pathf("/api/v1/homes/%s/members/%s", id, add_person("way", "green")), landlord, NULL);
    json_t *json = good("POST", inspection, inspector, "{\"passed\":true}");
    assert_string_equal(text_of(json, "state"), "inspected");
    assert_string_equal(text_of(json, "owner"), "quentin");
    json_decref(json);
    ask_error(&harness, 409, "conflict", "POST", inspection, inspector, "{\"passed\":true}");
    json_decref(admin("POST", approval, "{}"));
    ask_error(&harness, 409, "conflict", "POST", approval, harness.admin, "{}");
    id = add_home(landlord, "2 Way");
    json = good("POST", pathf("/api/v1/homes/%s/inspection", id), inspector, "{\"passed\":false}");
    assert_string_equal(text_of(json, "state"), "refused");
    json_decref(json);
    ask_error(&harness, 409, "conflict", "POST", pathf("/api/v1/homes/%s/approval", id),
              harness.admin, NULL);
    ask_error(&harness, 404, "not_found", "POST", pathf("/api/v1/homes/%s/approval", unused_id),
              harness.admin, NULL);
    char long_address[260];
    memset(long_address, 'a', 201);
    strcpy(long_address + 201, "");
    ask_error(&harness, 400, "bad_request", "POST", "/api/v1/homes", landlord,
              pathf("{\"address\":\"%s\"}", long_address));
}

static bool sees(const char *token, const char *id)
{
    bool found = false;
    size_t i;
    json_t *json = good("GET", "/api/v1/homes", token, NULL), *home;
    json_array_foreach(json_object_get(json, "homes"), i, home)
    {
        found |= strcmp(text_of(home, "id"), id) == 0;
    }
    json_decref(json);
    return found;
}

static void test_landlords_see_their_own(void **state)
{
    (void)state;
    const char *id = add_approved_home(landlord, "1 Own");
    const char *person = add_person("own", "green");
    assert_true(sees(landlord, id));
    assert_false(sees(other_landlord, id));
    assert_true(sees(inspector, id));
    assert_true(sees(harness.admin, id));
    char *member = pathf("/api/v1/homes/%s/members/%s", id, person);
    char *code = pathf("/api/v1/homes/%s/code", id);
    ask_error(&harness, 404, "not_found", "POST", code, other_landlord, NULL);
    ask_error(&harness, 404, "not_found", "PUT", member, other_landlord, NULL);
    json_t *json = good("PUT", member, landlord, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "members")), 1);
    json_decref(json);
    ask_error(&harness, 404, "not_found", "DELETE", member, other_landlord, NULL);
    json = admin("GET", "/api/v1/people?ref=own", NULL);
    const json_t *one = json_array_get(json_object_get(json, "people"), 0);
    assert_string_equal(json_string_value(json_array_get(json_object_get(one, "homes"), 0)), id);
    json_decref(json);
    ask_error(&harness, 404, "not_found", "PUT",
              pathf("/api/v1/homes/%s/members/%s", id, unused_id), landlord, NULL);
    json = good("DELETE", member, landlord, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "members")), 0);
    json_decref(json);
    json_decref(good("DELETE", member, landlord, NULL));
}

/* --- the housing code and its page --- */

static char shown_code[65]; /* a part of one that was shown to the page */

static long page(const char *code, const char *word)
{
    struct answer answer;
    const char *path = strstr(code, "/H/");
    assert_non_null(path);
    if (strlen(path) > 100)
        snprintf(shown_code, sizeof(shown_code), "%.64s", path + 20);
    const struct call call = {.method = "GET", .path = path};
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    if (strstr(answer.body, word) == NULL)
        fail_msg("the page does not say \"%s\": %s", word, answer.body);
    const char *policy = answer_header(&answer, "Content-Security-Policy");
    assert_non_null(policy);
    assert_non_null(strstr(policy, "default-src 'none'"));
    assert_null(strstr(policy, "unsafe"));
    assert_string_equal(answer_header(&answer, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(answer_header(&answer, "Referrer-Policy"), "no-referrer");
    assert_string_equal(answer_header(&answer, "Cache-Control"), "no-store");
    assert_null(strstr(answer.body, "<script"));
    assert_null(strstr(answer.body, "1 Secret Lane")); /* nothing about who lives there */
    assert_null(strstr(answer.body, "quentin"));
    assert_null(strstr(answer.body, "Name of"));
    long status = answer.status;
    answer_free(&answer);
    return status;
}

static void test_one_code_a_home(void **state)
{
    (void)state;
    const char *id = add_approved_home(landlord, "1 Secret Lane");
    char *path = pathf("/api/v1/homes/%s/code", id);
    json_decref(good("PUT", pathf("/api/v1/homes/%s/members/%s", id, add_person("pg", "green")),
                     landlord, NULL));
    json_t *first = good("POST", path, landlord, NULL);
    json_t *second = admin("POST", path, "{\"renew\":false}");
    assert_string_equal(text_of(first, "code"), text_of(second, "code"));
    assert_string_equal(text_of(first, "credential"), text_of(second, "credential"));
    assert_string_equal(text_of(first, "issued_at"), text_of(second, "issued_at"));
    assert_memory_equal(text_of(first, "code"), "HTTPS://127.0.0.1:", 18);
    assert_int_equal(page(text_of(first, "code"), "current code"), 200);
    long long generation = metric("gatehouse_list_generation");
    json_decref(second);
    second = good("POST", path, landlord, "{\"renew\":true}");
    assert_string_not_equal(text_of(first, "code"), text_of(second, "code"));
    assert_int_equal(metric("gatehouse_list_generation"), generation + 1);
    assert_int_equal(page(text_of(first, "code"), "replaced"), 410);
    assert_int_equal(page(text_of(second, "code"), "current code"), 200);
    /* revoked by hand: another one the next time */
    json_decref(ask(&harness, 204, "DELETE",
                    pathf("/api/v1/credentials/%s", text_of(second, "credential")), harness.admin,
                    NULL));
    assert_int_equal(page(text_of(second, "code"), "replaced"), 410);
    json_t *third = good("POST", path, landlord, NULL);
    assert_string_not_equal(text_of(third, "code"), text_of(second, "code"));
    assert_int_equal(page(text_of(third, "code"), "current code"), 200);
    /* one letter of it changed */
    char forged[1024];
    snprintf(forged, sizeof(forged), "%s", text_of(third, "code"));
    size_t at = strlen(forged) - 20;
    forged[at] = forged[at] == 'A' ? 'B' : 'A';
    assert_int_equal(page(forged, "Not a code"), 404);
    json_decref(first);
    json_decref(second);
    json_decref(third);
}

static void test_other_codes_on_the_page(void **state)
{
    (void)state;
    char text[5000];
    assert_int_equal(page("/H/A", "Not a code"), 404);
    assert_int_equal(page("/H/%3Cscript%3E", "Not a code"), 404);
    json_decref(ask(&harness, 404, "GET", "/H/%00", NULL, NULL));
    memset(text, 'A', sizeof(text));
    memcpy(text, "/H/", 3);
    text[3500] = '\0';
    assert_int_equal(page(text, "Not a code"), 404);
    /* somebody else's, well made */
    struct gh_private_key *key;
    assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &key), GH_OK);
    const struct gh_claims claims = {.kind = GH_KIND_HOUSING,
                                     .id = 5,
                                     .about = 6,
                                     .issued_at_s = gh_clock_wall_s(gh_clock_system()),
                                     .expires_at_s = INT64_MAX,
                                     .issuer = "riverside.example",
                                     .host = "127.0.0.1"};
    assert_int_equal(gh_code_write(key, &claims, text, sizeof(text)), GH_OK);
    gh_private_key_free(key);
    assert_int_equal(page(text, "Not a code"), 404);
}

/* --- gates --- */

static void test_enrolment_once(void **state)
{
    (void)state;
    struct test_gate mine;
    add_gate(&harness, "Enrol", &mine);
    struct gh_enrolment enrolment;
    assert_int_equal(
        gh_enrolment_read((struct gh_bytes){(const uint8_t *)mine.code, strlen(mine.code)},
                          gh_clock_wall_s(gh_clock_system()), &enrolment),
        GH_REASON_OK);
    assert_string_equal(enrolment.url, harness.url);
    assert_false(enrolment.has_pin);
    assert_int_equal(enrolment.expires_at_s - enrolment.issued_at_s, 86400);
    json_t *json = enrol_with(&harness, 200, &mine, mine.secret);
    assert_string_equal(text_of(json, "gate"), mine.id_text);
    assert_string_equal(text_of(json, "name"), "Enrol");
    assert_string_equal(text_of(json, "area"), "riverside.example");
    json_decref(json);
    json_decref(enrol_with(&harness, 200, &mine, mine.secret)); /* the answer was lost, say */
    char other[65];
    snprintf(other, sizeof(other), "%s", mine.secret);
    other[0] = other[0] == '0' ? '1' : '0';
    json = enrol_with(&harness, 403, &mine, other);
    assert_string_equal(text_of(json, "error"), "enrolment_refused");
    json_decref(json);
    json_decref(ask(&harness, 200, "GET", "/api/v1/list/manifest", mine.bearer, NULL));
    /* shut out: nothing goes any more, at once, and not the old code either */
    json_decref(
        ask(&harness, 204, "DELETE", pathf("/api/v1/gates/%s", mine.id_text), harness.admin, NULL));
    ask_error(&harness, 403, "forbidden", "GET", "/api/v1/list/manifest", mine.bearer, NULL);
    json_decref(enrol_with(&harness, 403, &mine, mine.secret));
}

static void test_enrolment_refused(void **state)
{
    (void)state;
    struct test_gate mine, forged;
    add_gate(&harness, "Refused", &mine);
    forged = mine;
    forged.one_time[0] = forged.one_time[0] == '0' ? '1' : '0';
    json_decref(enrol_with(&harness, 403, &forged, mine.secret));
    forged = mine;
    snprintf(forged.id_text, sizeof(forged.id_text), "%s", unused_id);
    json_decref(enrol_with(&harness, 403, &forged, mine.secret));
    snprintf(forged.id_text, sizeof(forged.id_text), "%s", gate.id_text);
    json_decref(enrol_with(&harness, 403, &forged, mine.secret)); /* another gate's token */
    json_decref(enrol_with(&harness, 400, &mine, "12"));
    forged = mine;
    memset(forged.one_time, 'z', 32);
    json_decref(enrol_with(&harness, 400, &forged, mine.secret));
    /* A day and a second later; the sessions are over then, too. */
    harness_forward(&harness, 86401);
    json_decref(enrol_with(&harness, 403, &mine, mine.secret));
    log_in(&harness, "admin", ADMIN_PASSWORD, NULL, harness.admin);
    log_in(&harness, "quentin", "ten characters", NULL, landlord);
    log_in(&harness, "rosalind", "ten characters", NULL, other_landlord);
    log_in(&harness, "inspector", "ten characters", NULL, inspector);
}

static void test_list_of_gates(void **state)
{
    (void)state;
    size_t i, found = 0;
    json_t *json = admin("GET", "/api/v1/gates", NULL), *one;
    json_array_foreach(json_object_get(json, "gates"), i, one)
    {
        const char *id = text_of(one, "id"), *state_text = text_of(one, "state");
        if (strcmp(id, gate.id_text) == 0) {
            assert_string_equal(state_text, "enrolled");
            assert_string_equal(text_of(one, "name"), "North gate");
            assert_true(json_is_string(json_object_get(one, "last_seen")));
            found++;
        } else if (strcmp(id, waiting_gate.id_text) == 0) {
            assert_string_equal(state_text, "waiting");
            assert_true(json_is_null(json_object_get(one, "last_seen")));
            found++;
        } else if (strcmp(id, shut_gate.id_text) == 0) {
            assert_string_equal(state_text, "shut_out");
            found++;
        }
    }
    assert_int_equal(found, 3);
    json_decref(json);
}

/* What a gate does: the manifest, then the snapshot that it names. */
static struct gh_manifest fetch_list(size_t *size)
{
    static struct gh_manifest manifest;
    struct answer answer;
    struct gh_enrolment enrolment;
    struct gh_public_key *key;
    struct call call = {.method = "GET", .path = "/api/v1/list/manifest", .token = gate.bearer};
    (void)gh_enrolment_read((struct gh_bytes){(const uint8_t *)gate.code, strlen(gate.code)}, 0,
                            &enrolment);
    assert_int_equal(
        gh_public_key_from_raw(GH_KEY_ED25519, (struct gh_bytes){enrolment.list_key, 32}, &key),
        GH_OK);
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_header(&answer, "Content-Type"), "application/cose");
    assert_int_equal(gh_manifest_read(key,
                                      (struct gh_bytes){(const uint8_t *)answer.body, answer.size},
                                      &manifest, NULL),
                     GH_OK);
    gh_public_key_free(key);
    answer_free(&answer);
    char name[65];
    uint8_t hash[GH_SHA256_BYTES];
    gh_hex_encode(manifest.snapshot_sha256, GH_SHA256_BYTES, name);
    call.path = pathf("/api/v1/list/snapshots/%s", name);
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_header(&answer, "Content-Type"), "application/cbor-seq");
    assert_non_null(strstr(answer_header(&answer, "Cache-Control"), "immutable"));
    gh_sha256((struct gh_bytes){(const uint8_t *)answer.body, answer.size}, hash);
    assert_memory_equal(hash, manifest.snapshot_sha256, GH_SHA256_BYTES);
    assert_int_equal(answer.size, manifest.snapshot_bytes);
    *size = answer.size;
    answer_free(&answer);
    return manifest;
}

static void test_the_first_list_is_empty(void **state)
{
    (void)state;
    size_t size;
    struct gh_manifest manifest = fetch_list(&size);
    assert_int_equal(size, 0);
    assert_string_equal(manifest.area, "riverside.example");
}

static void test_a_change_is_a_new_list(void **state)
{
    (void)state;
    size_t before, after;
    struct gh_manifest first = fetch_list(&before);
    add_person("listed", "green");
    struct gh_manifest second = fetch_list(&after);
    assert_int_equal(second.generation, first.generation + 1);
    assert_true(after > before);
    ask_error(&harness, 404, "not_found", "GET", "/api/v1/list/snapshots/..%2f..%2fgatehouse.db",
              gate.bearer, NULL);
    ask_error(&harness, 404, "not_found", "GET", "/api/v1/list/snapshots/building", gate.bearer,
              NULL);
}

/* --- entries --- */

static json_t *send_entries(long status, const char *bearer, const char *const *entries,
                            size_t count)
{
    size_t size = 64;
    for (size_t i = 0; i < count; i++)
        size += strlen(entries[i]) + 1;
    char *body = malloc(size);
    assert_non_null(body);
    strcpy(body, "{\"entries\":[");
    for (size_t i = 0; i < count; i++) {
        strcat(body, i > 0 ? "," : "");
        strcat(body, entries[i]);
    }
    strcat(body, "]}");
    json_t *json = ask(&harness, status, "POST", "/api/v1/entries", bearer, body);
    free(body);
    return json;
}

static void test_entries(void **state)
{
    (void)state;
    char text[3][GH_ENTRY_MAX_BYTES];
    uint8_t hash[4][GH_SHA256_BYTES] = {{0}};
    long long entries = metric("gatehouse_entries_total");
    long long refused = metric("gatehouse_refused_total");
    for (uint64_t i = 1; i <= 3; i++)
        make_entry(gate.id, i, hash[i - 1], text[i - 1], hash[i]);
    const char *const batch[] = {text[0], "{\"poison\":true}", text[2]};
    json_t *json = send_entries(200, gate.bearer, batch, 3);
    assert_int_equal(number_of(json, "acknowledged"), 3);
    assert_int_equal(number_of(json, "stored"), 2);
    assert_int_equal(number_of(json, "known"), 0);
    const json_t *list = json_object_get(json, "refused");
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(number_of(json_array_get(list, 0), "seq"), 2);
    assert_true(strlen(text_of(json_array_get(list, 0), "reason")) > 0);
    json_decref(json);
    json = send_entries(200, gate.bearer, batch, 3);
    assert_int_equal(number_of(json, "acknowledged"), 3);
    assert_int_equal(number_of(json, "known"), 2);
    json_decref(json);
    assert_int_equal(metric("gatehouse_entries_total"), entries + 2);
    assert_int_equal(metric("gatehouse_refused_total"), refused + 1);
    json = send_entries(200, gate.bearer, NULL, 0);
    assert_int_equal(number_of(json, "acknowledged"), 3);
    json_decref(json);
    ask_error(&harness, 400, "bad_request", "POST", "/api/v1/entries", gate.bearer, "{}");
    ask_error(&harness, 400, "bad_request", "POST", "/api/v1/entries", gate.bearer,
              "{\"entries\":{}}");
    ask_error(&harness, 400, "bad_request", "POST", "/api/v1/entries", gate.bearer,
              "{\"entries\":[],\"more\":1}");
}

static void test_a_batch_too_large(void **state)
{
    (void)state;
    const char *many[501];
    for (size_t i = 0; i < 501; i++)
        many[i] = "1";
    json_decref(send_entries(400, gate.bearer, many, 501));
    size_t size = 1024 * 1024 + 1;
    char *body = malloc(size + 1);
    struct answer answer;
    assert_non_null(body);
    memset(body, ' ', size);
    memcpy(body, "{\"entries\":[]}", 14);
    struct call call = {.method = "POST",
                        .path = "/api/v1/entries",
                        .token = gate.bearer,
                        .body = body,
                        .size = size};
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    assert_int_equal(answer.status, 413);
    answer_free(&answer);
    call.size = size - 1;
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    assert_int_equal(answer.status, 200);
    answer_free(&answer);
    free(body);
}

static void test_names_are_joined_on_the_server(void **state)
{
    (void)state;
    struct test_gate mine;
    char text[GH_ENTRY_MAX_BYTES];
    const char *person = add_person("joined", "red");
    const char *home = add_approved_home(landlord, "9 Joined Road");
    add_gate(&harness, "Joining", &mine);
    json_decref(enrol_with(&harness, 200, &mine, mine.secret));
    struct gh_entry entry = {.type = GH_ENTRY_PASSAGE,
                             .gate = mine.id,
                             .sequence = 1,
                             .clock_trusted = true,
                             .boot_id = "00112233445566778899aabbccddeeff",
                             .outcome = GH_OUTCOME_DENY,
                             .reason = GH_REASON_RED,
                             .kind = GH_KIND_HEALTH,
                             .colour = GH_COLOUR_RED,
                             .wall_ms = INT64_C(1600000000000),
                             .generation = 2};
    assert_int_equal(gh_id_parse(person, 16, &entry.subject), GH_OK);
    assert_int_equal(gh_id_parse(home, 16, &entry.home), GH_OK);
    (void)gh_entry_format(&entry, text);
    const char *const batch[] = {text};
    json_decref(send_entries(200, mine.bearer, batch, 1));
    json_t *json = admin("GET", pathf("/api/v1/entries?gate=%s", mine.id_text), NULL);
    assert_int_equal(json_array_size(json_object_get(json, "entries")), 1);
    const json_t *row = json_array_get(json_object_get(json, "entries"), 0);
    assert_string_equal(text_of(row, "name"), "Name of joined");
    assert_string_equal(text_of(row, "address"), "9 Joined Road");
    assert_string_equal(text_of(row, "gate"), mine.id_text);
    assert_string_equal(text_of(row, "gate_name"), "Joining");
    assert_string_equal(text_of(json_object_get(row, "entry"), "subject"), person);
    assert_int_equal(number_of(json_object_get(row, "entry"), "seq"), 1);
    assert_true(number_of(row, "row") > 0);
    assert_true(json_is_null(json_object_get(json, "next")));
    json_decref(json);
    json = admin("GET", "/api/v1/entries?limit=1", NULL);
    long long next = number_of(json, "next");
    json_decref(json);
    json = admin("GET", pathf("/api/v1/entries?limit=1&after=%lld", next), NULL);
    assert_true(number_of(json_array_get(json_object_get(json, "entries"), 0), "row") > next);
    json_decref(json);
    json = admin("GET", "/api/v1/entries?type=start", NULL);
    assert_int_equal(json_array_size(json_object_get(json, "entries")), 0);
    json_decref(json);
}

/* --- for everybody --- */

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

/* At the finest log level: no password, token, secret, code, name, address or path parameter. */
static void test_the_log_tells_nothing(void **state)
{
    (void)state;
    char *log = read_text(in_folder(&harness, "log"));
    assert_non_null(log);
    assert_non_null(strstr(log, "/api/v1/people/import"));
    const char *const secrets[] = {
        ADMIN_PASSWORD, "ten char",       harness.admin, landlord,  gate.secret, gate.one_time,
        "Name of",      "Joined Road",    "Secret Lane", "GH1:",    "GHE1:",     "HTTPS://",
        "Ada, L",       gate.bearer + 17, "North gate",  "quentin", shown_code};
    assert_int_equal(strlen(shown_code), 64);
    for (size_t i = 0; i < GH_ARRAY_SIZE(secrets); i++)
        if (strstr(log, secrets[i]) != NULL)
            fail_msg("the log holds secret number %zu", i);
    free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_list_is_empty),
        cmocka_unit_test(test_every_route_every_caller),
        cmocka_unit_test(test_other_schemes),
        cmocka_unit_test(test_sessions_end),
        cmocka_unit_test(test_one_time_passwords),
        cmocka_unit_test(test_guessing_is_slow),
        cmocka_unit_test(test_the_admin_password_file_is_gone),
        cmocka_unit_test(test_bodies_are_strict),
        cmocka_unit_test(test_limits_of_bodies),
        cmocka_unit_test(test_paths_methods_queries),
        cmocka_unit_test(test_import),
        cmocka_unit_test(test_import_is_whole_or_nothing),
        cmocka_unit_test(test_import_65_mib),
        cmocka_unit_test(test_pages_of_people),
        cmocka_unit_test(test_status_and_health_code),
        cmocka_unit_test(test_the_way_of_a_home),
        cmocka_unit_test(test_landlords_see_their_own),
        cmocka_unit_test(test_one_code_a_home),
        cmocka_unit_test(test_other_codes_on_the_page),
        cmocka_unit_test(test_enrolment_once),
        cmocka_unit_test(test_enrolment_refused),
        cmocka_unit_test(test_list_of_gates),
        cmocka_unit_test(test_a_change_is_a_new_list),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_a_batch_too_large),
        cmocka_unit_test(test_names_are_joined_on_the_server),
        cmocka_unit_test(test_healthz_and_metrics),
        cmocka_unit_test(test_the_log_tells_nothing),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
