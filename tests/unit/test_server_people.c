/* SPDX-License-Identifier: Apache-2.0 */
/* People, homes, and their codes. */
#include "test_server_town.h"

#include "gatehouse/code.h"

#define HOUSING_KEY "state/keys/housing.pem"

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
    ask_error(&harness, 404, "not_found", "PATCH", pathf("/api/v1/people/%s", UNUSED_ID),
              harness.admin, "{\"status\":\"green\"}");
    static const char *const bad[] = {"{}", "{\"valid_s\":0}", "{\"valid_s\":31536001}",
                                      "{\"valid_s\":\"60\"}", "{\"valid_s\":1.5}"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++)
        ask_error(&harness, 400, "bad_request", "POST", pathf("/api/v1/people/%s/health-code", id),
                  harness.admin, bad[i]);
    ask_error(&harness, 404, "not_found", "POST", pathf("/api/v1/people/%s/health-code", UNUSED_ID),
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
    ask_error(&harness, 404, "not_found", "DELETE", pathf("/api/v1/credentials/%s", UNUSED_ID),
              harness.admin, NULL);
}

/* --- homes --- */

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
    ask_error(&harness, 404, "not_found", "POST", pathf("/api/v1/homes/%s/approval", UNUSED_ID),
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
              pathf("/api/v1/homes/%s/members/%s", id, UNUSED_ID), landlord, NULL);
    json = good("DELETE", member, landlord, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "members")), 0);
    json_decref(json);
    json_decref(good("DELETE", member, landlord, NULL));
}

/* --- the housing code and its page --- */

static char shown_code[65]; /* a part of one that was shown to the page */

static long page_asked_for(const char *code, const char *host, const char *word)
{
    struct answer answer;
    const char *path = strstr(code, "/H/");
    assert_non_null(path);
    if (strlen(path) > 100)
        snprintf(shown_code, sizeof(shown_code), "%.64s", path + 20);
    const struct call call = {.method = "GET", .path = path, .header = host};
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

static long page(const char *code, const char *word)
{
    return page_asked_for(code, NULL, word);
}

/* The same code as the town would have written it under another public host. */
static void write_under(const char *host, const json_t *issued, char out[2048])
{
    char path[PATH_MAX + 32];
    struct gh_private_key *key = NULL;
    struct gh_credential said;
    struct gh_trust *trust = NULL;
    struct gh_issuer_key housing = {.type = GH_KEY_ED25519,
                                    .purposes = GH_PURPOSE(GH_KIND_HOUSING),
                                    .not_before_s = INT64_MIN,
                                    .not_after_s = INT64_MAX};
    struct gh_public_key *public_key = NULL;
    const char *code = text_of(issued, "code");
    snprintf(path, sizeof(path), "%s", in_folder(&harness, HOUSING_KEY));
    assert_int_equal(gh_private_key_load(path, &key, NULL), GH_OK);
    assert_int_equal(gh_private_key_public(key, &public_key), GH_OK);
    housing.raw_bytes = gh_public_key_raw(public_key, housing.raw);
    assert_int_equal(gh_trust_new(&housing, 1, NULL, &trust), GH_OK);
    gh_code_read(trust, (struct gh_bytes){(const uint8_t *)code, strlen(code)},
                 gh_clock_wall_s(gh_clock_system()), &said);
    assert_true(said.authentic);
    const struct gh_claims claims = {.kind = GH_KIND_HOUSING,
                                     .id = said.id,
                                     .about = said.home,
                                     .issued_at_s = said.issued_at_s,
                                     .expires_at_s = said.expires_at_s,
                                     .issuer = said.issuer,
                                     .host = host};
    assert_int_equal(gh_code_write(key, &claims, out, 2048), GH_OK);
    gh_trust_unref(trust);
    gh_public_key_free(public_key);
    gh_private_key_free(key);
}

/* The host is signed: a code from before the server moved is found under the name it was made for.
 */
static void test_page_under_another_host(void **state)
{
    (void)state;
    const char *id = add_approved_home(landlord, "2 Secret Lane");
    json_t *issued = good("POST", pathf("/api/v1/homes/%s/code", id), landlord, NULL);
    char text[2048];
    write_under("old.example:8443", issued, text);
    assert_int_equal(page(text, "Not a code"), 404); /* asked for at 127.0.0.1 */
    assert_int_equal(page_asked_for(text, "Host: old.example:8443", "current code"), 200);
    assert_int_equal(page_asked_for(text, "Host: OLD.Example:8443", "current code"), 200);
    assert_int_equal(page_asked_for(text, "Host: evil.example", "Not a code"), 404);
    assert_int_equal(page_asked_for(text, "Host: old.example:8443/H/x", "Not a code"), 404);
    /* the code of now, however it is asked for */
    assert_int_equal(page_asked_for(text_of(issued, "code"), "Host: evil.example", "current code"),
                     200);
    json_decref(issued);
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
        cmocka_unit_test(test_import),
        cmocka_unit_test(test_import_is_whole_or_nothing),
        cmocka_unit_test(test_import_65_mib),
        cmocka_unit_test(test_pages_of_people),
        cmocka_unit_test(test_status_and_health_code),
        cmocka_unit_test(test_the_way_of_a_home),
        cmocka_unit_test(test_landlords_see_their_own),
        cmocka_unit_test(test_one_code_a_home),
        cmocka_unit_test(test_page_under_another_host),
        cmocka_unit_test(test_other_codes_on_the_page),
        cmocka_unit_test(test_the_log_tells_nothing),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, set_up_town, tear_down_town);
}
