/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that follow one another, codes on phones, and codes that are called back: through the API,
 * and as the gates see it. */
#include "test_server_gate_side.h"

#define DAY 86400

/* --- keys --- */

static json_t *rotate(const char *purpose, long long lead_s)
{
    return admin("POST", "/api/v1/keys",
                 pathf("{\"purpose\":\"%s\",\"lead_s\":%lld}", purpose, lead_s));
}

/* The state of the key with that id; "" when it is not in the answer. */
static const char *key_state(const char *id)
{
    static char state[16];
    size_t i;
    json_t *json = admin("GET", "/api/v1/keys", NULL), *key;
    state[0] = '\0';
    json_array_foreach(json_object_get(json, "keys"), i, key)
    {
        if (strcmp(text_of(key, "id"), id) == 0)
            snprintf(state, sizeof(state), "%s", text_of(key, "state"));
    }
    json_decref(json);
    return state;
}

static const char *active_key(const char *purpose)
{
    static char ids[4][GH_ID_TEXT_BYTES];
    static unsigned next;
    char *id = ids[next++ % 4];
    size_t i;
    json_t *json = admin("GET", "/api/v1/keys", NULL), *key;
    id[0] = '\0';
    json_array_foreach(json_object_get(json, "keys"), i, key)
    {
        if (strcmp(text_of(key, "purpose"), purpose) == 0 &&
            strcmp(text_of(key, "state"), "active") == 0)
            snprintf(id, GH_ID_TEXT_BYTES, "%s", text_of(key, "id"));
    }
    json_decref(json);
    return id;
}

static void assert_signed_by(const struct gh_credential *said, const char *id)
{
    char text[GH_ID_TEXT_BYTES];
    gh_hex_encode(said->key_id, sizeof(said->key_id), text);
    assert_string_equal(text, id);
}

static void expect_reason(struct gh_list *list, const char *code, enum gh_reason wanted)
{
    struct gh_credential said = read_with(list, code, town_now());
    if (said.reason != wanted)
        fail_msg("%s instead of %s", gh_reason_info(said.reason)->token,
                 gh_reason_info(wanted)->token);
}

static void test_a_key_as_it_is_shown(void **state)
{
    (void)state;
    json_t *json = rotate("housing", 3600);
    assert_int_equal(strlen(text_of(json, "id")), 16);
    assert_string_equal(text_of(json, "purpose"), "housing");
    assert_string_equal(text_of(json, "state"), "next");
    assert_true(json_is_null(json_object_get(json, "not_after")));
    assert_true(json_is_null(json_object_get(json, "revoked_at")));
    int64_t from;
    assert_int_equal(gh_time_parse(text_of(json, "not_before"), &from), GH_OK);
    assert_true(from - town_now() > 3500 && from - town_now() <= 3600);
    write_text(in_folder(&harness, "key.pem"), text_of(json, "pem"));
    struct gh_public_key *public;
    uint8_t id[GH_KEY_ID_BYTES];
    char text[GH_ID_TEXT_BYTES];
    assert_int_equal(gh_public_key_load(in_folder(&harness, "key.pem"), &public, NULL), GH_OK);
    gh_public_key_id(public, id);
    gh_public_key_free(public);
    gh_hex_encode(id, sizeof(id), text);
    assert_string_equal(text, text_of(json, "id"));
    ask_error(&harness, 409, "conflict", "POST", "/api/v1/keys", harness.admin,
              "{\"purpose\":\"housing\"}");
    json_decref(ask(&harness, 204, "DELETE", pathf("/api/v1/keys/%s", text_of(json, "id")),
                    harness.admin, NULL));
    assert_string_equal(key_state(text_of(json, "id")), "revoked");
    json_decref(json);
}

static void test_mistakes_about_keys(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "{\"purpose\":\"lists\"}",
        "{\"purpose\":\"list\",\"lead_s\":0}",
        "{\"purpose\":\"visitor\"}",
        "{\"purpose\":\"health\",\"lead_s\":-1}",
        "{\"purpose\":\"health\",\"lead_s\":31536001}",
        "{\"purpose\":\"health\",\"lead_s\":\"1\"}",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++)
        ask_error(&harness, 400, "bad_request", "POST", "/api/v1/keys", harness.admin, bad[i]);
    ask_error(&harness, 404, "not_found", "DELETE", "/api/v1/keys/" UNUSED_ID, harness.admin, NULL);
    ask_error(&harness, 409, "conflict", "DELETE", pathf("/api/v1/keys/%s", active_key("health")),
              harness.admin, NULL);
}

/* Codes of before, of the lead, and of after: all are true at a gate that has fetched the list at
 * any time since, and none is signed by a key that such a gate has not. */
static void test_rotation_without_a_gap(void **state)
{
    (void)state;
    const char *person = add_person("rot", "green");
    const char *old = active_key("health");
    char *before = issue_code(person, 90 * DAY);
    json_t *key = rotate("health", DAY);
    struct gh_list *early = fetch_list(); /* and then no more, for two days */
    char *meanwhile = issue_code(person, 90 * DAY);
    assert_string_equal(key_state(old), "active");
    harness_forward(&harness, DAY + 1);
    log_in_again();
    assert_string_equal(key_state(old), "retired");
    assert_string_equal(active_key("health"), text_of(key, "id"));
    char *after = issue_code(person, 90 * DAY);
    struct gh_list *late = fetch_list();
    struct gh_list *const lists[] = {early, late};
    for (size_t i = 0; i < 2; i++) {
        char *const codes[] = {before, meanwhile, after};
        for (size_t j = 0; j < 3; j++) {
            expect_reason(lists[i], codes[j], GH_REASON_OK);
            struct gh_credential said = read_with(lists[i], codes[j], town_now());
            assert_signed_by(&said, j < 2 ? old : text_of(key, "id"));
        }
    }
    /* The old key lies on a disk that was thrown away: what it signs from now on is refused. */
    struct gh_private_key *stolen;
    char forged[1100];
    assert_int_equal(
        gh_private_key_load(in_folder(&harness, "state/keys/health.pem"), &stolen, NULL), GH_OK);
    const struct gh_claims claims = {.kind = GH_KIND_HEALTH,
                                     .id = 5,
                                     .about = 6,
                                     .colour = GH_COLOUR_GREEN,
                                     .issued_at_s = town_now(),
                                     .expires_at_s = town_now() + DAY,
                                     .issuer = "riverside.example"};
    assert_int_equal(gh_code_write(stolen, &claims, forged, sizeof(forged)), GH_OK);
    expect_reason(late, forged, GH_REASON_KEY_RETIRED);
    expect_reason(early, forged, GH_REASON_KEY_RETIRED);
    gh_private_key_free(stolen);
    gh_list_close(early);
    gh_list_close(late);
    json_decref(key);
}

static void test_a_key_that_was_stolen(void **state)
{
    (void)state;
    const char *person = add_person("stolen", "green");
    const char *old = active_key("health");
    char *code = issue_code(person, DAY);
    json_decref(rotate("health", 0));
    long long generation = metric("gatehouse_list_generation");
    json_decref(ask(&harness, 204, "DELETE", pathf("/api/v1/keys/%s", old), harness.admin, NULL));
    assert_int_equal(metric("gatehouse_list_generation"), generation + 1);
    assert_string_equal(key_state(old), "revoked");
    struct gh_list *list = fetch_list();
    expect_reason(list, code, GH_REASON_KEY_REVOKED);
    expect_reason(list, issue_code(person, DAY), GH_REASON_OK);
    gh_list_close(list);
}

/* The page behind a housing code and the gates go on to know the codes of the key before. */
static void test_housing_codes_of_a_retired_key(void **state)
{
    (void)state;
    const char *id = add_approved_home(landlord, "7 Rotation Row");
    json_t *first = good("POST", pathf("/api/v1/homes/%s/code", id), landlord, NULL);
    json_decref(rotate("housing", 0));
    harness_forward(&harness, 2);
    json_t *second = good("POST", pathf("/api/v1/homes/%s/code", id), landlord, NULL);
    assert_string_equal(text_of(first, "code"), text_of(second, "code")); /* still the home's */
    const char *path = strstr(text_of(first, "code"), "/H/");
    json_decref(ask(&harness, 200, "GET", path, NULL, NULL));
    struct gh_list *list = fetch_list();
    expect_reason(list, text_of(first, "code"), GH_REASON_OK);
    gh_list_close(list);
    json_decref(first);
    json_decref(second);
}

/* --- codes on phones --- */

static void health_code_error(const char *person, long status, const char *error, const char *key)
{
    ask_error(&harness, status, error, "POST", pathf("/api/v1/people/%s/health-code", person),
              harness.admin, pathf("{\"valid_s\":60,\"key\":%s}", key));
}

static void test_forms(void **state)
{
    (void)state;
    const char *person = add_person("form", "green");
    char path[64];
    snprintf(path, sizeof(path), "/api/v1/people/%s/health-code", person);
    struct gh_private_key *phone;
    struct gh_public_key *public;
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    char x[48], shown[1100];
    json_t *json = admin("POST", path, "{\"valid_s\":3600}");
    assert_string_equal(text_of(json, "form"), "paper");
    struct gh_list *list = fetch_list();
    struct gh_credential said = read_with(list, text_of(json, "code"), town_now());
    assert_int_equal(said.reason, GH_REASON_OK);
    assert_int_equal(said.form, GH_FORM_PAPER);
    json_decref(json);

    assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &phone), GH_OK);
    assert_int_equal(gh_private_key_public(phone, &public), GH_OK);
    gh_public_key_raw(public, raw);
    gh_base64url_encode(raw, 32, x);
    json = admin("POST", path,
                 pathf("{\"valid_s\":3600,\"key\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
                       "\"x\":\"%s\",\"kid\":\"phone\"}}",
                       x));
    assert_string_equal(text_of(json, "form"), "phone");
    said = read_with(list, text_of(json, "code"), town_now());
    assert_int_equal(said.reason, GH_REASON_UNPROVEN); /* a picture of it is worth nothing */
    const char *code = text_of(json, "code");
    assert_int_equal(gh_code_present(phone, (struct gh_bytes){(const uint8_t *)code, strlen(code)},
                                     town_now(), shown, sizeof(shown)),
                     GH_OK);
    said = read_with(list, shown, town_now());
    assert_int_equal(said.reason, GH_REASON_OK);
    assert_int_equal(said.form, GH_FORM_PHONE);
    json_decref(json);
    gh_list_close(list);
    gh_public_key_free(public);
    gh_private_key_free(phone);
}

static void test_keys_that_no_phone_may_have(void **state)
{
    (void)state;
    const char *person = add_person("badkey", "green");
    static const char *const bad[] = {
        "null",
        "\"x\"",
        "[]",
        "{}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
        "\"d\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
        "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++)
        health_code_error(person, 422, "bad_key", bad[i]);
}

/* --- called back --- */

static void test_a_lost_phone(void **state)
{
    (void)state;
    const char *person = add_person("lost", "green"), *other = add_person("kept", "green");
    char codes[64];
    snprintf(codes, sizeof(codes), "/api/v1/people/%s/codes", person);
    harness_freeze(&harness, true);
    char *lost = issue_code(person, DAY), *kept = issue_code(other, DAY);
    long long generation = metric("gatehouse_list_generation");
    json_decref(ask(&harness, 204, "DELETE", codes, harness.admin, NULL));
    assert_int_equal(metric("gatehouse_list_generation"), generation + 1);
    /* A new one, in that very second, and one a second later. */
    char *at_once = issue_code(person, DAY);
    harness_forward(&harness, 1);
    char *later = issue_code(person, DAY);
    struct gh_list *list = fetch_list();
    const struct {
        const char *code;
        bool recalled;
    } all[] = {{lost, true}, {kept, false}, {at_once, false}, {later, false}};
    for (size_t i = 0; i < GH_ARRAY_SIZE(all); i++) {
        struct gh_credential said = read_with(list, all[i].code, town_now());
        assert_int_equal(said.reason, GH_REASON_OK);
        assert_int_equal(answers_of(list, &said).health_revoked, all[i].recalled);
    }
    gh_list_close(list);
    /* again: those of now are gone, too */
    harness_forward(&harness, 1);
    json_decref(ask(&harness, 204, "DELETE", codes, harness.admin, NULL));
    list = fetch_list();
    struct gh_credential said = read_with(list, later, town_now());
    assert_true(answers_of(list, &said).health_revoked);
    gh_list_close(list);
    harness_freeze(&harness, false);
    ask_error(&harness, 404, "not_found", "DELETE", "/api/v1/people/" UNUSED_ID "/codes",
              harness.admin, NULL);
}

/* Recalled by a clock that was ahead: a code that would be refused is not handed out. */
static void test_a_recall_in_time_to_come(void **state)
{
    (void)state;
    const char *person = add_person("ahead", "green");
    harness_forward(&harness, 3600);
    json_decref(ask(&harness, 204, "DELETE", pathf("/api/v1/people/%s/codes", person),
                    harness.admin, NULL));
    harness_forward(&harness, -3600);
    ask_error(&harness, 409, "conflict", "POST", pathf("/api/v1/people/%s/health-code", person),
              harness.admin, "{\"valid_s\":60}");
    harness_forward(&harness, 3600);
    json_decref(admin("POST", pathf("/api/v1/people/%s/health-code", person), "{\"valid_s\":60}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_as_it_is_shown),
        cmocka_unit_test(test_mistakes_about_keys),
        cmocka_unit_test(test_rotation_without_a_gap),
        cmocka_unit_test(test_a_key_that_was_stolen),
        cmocka_unit_test(test_housing_codes_of_a_retired_key),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_keys_that_no_phone_may_have),
        cmocka_unit_test(test_a_lost_phone),
        cmocka_unit_test(test_a_recall_in_time_to_come),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, set_up_town, tear_down_town);
}
