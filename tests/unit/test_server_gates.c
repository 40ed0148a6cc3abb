/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment, the list, entries. */
#include "test_server_town.h"

#include "test_server_list_http.h"

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
    json_decref(ask(&harness, 200, "GET", "/api/v1/list", mine.bearer, NULL));
    /* shut out: nothing goes any more, at once, and not the old code either */
    json_decref(
        ask(&harness, 204, "DELETE", pathf("/api/v1/gates/%s", mine.id_text), harness.admin, NULL));
    ask_error(&harness, 403, "forbidden", "GET", "/api/v1/list", mine.bearer, NULL);
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
    snprintf(forged.id_text, sizeof(forged.id_text), "%s", UNUSED_ID);
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
    log_in_again();
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

static void test_the_first_list_is_empty(void **state)
{
    static struct follower follower;
    (void)state;
    struct gh_public_key *key = list_key_of(&gate);
    begin_following(&harness, &follower);
    follow_now(&harness, &gate, &follower);
    assert_string_equal(follower.manifest.area, "riverside.example");
    struct gh_list_counts counts = counts_of(&follower, key);
    assert_int_equal(counts.subjects + counts.homes + counts.members + counts.revoked, 0);
    gh_public_key_free(key);
}

static void test_a_change_is_a_new_list(void **state)
{
    static struct follower follower;
    (void)state;
    struct gh_public_key *key = list_key_of(&gate);
    begin_following(&harness, &follower);
    follow_now(&harness, &gate, &follower);
    uint64_t before = follower.have.number;
    struct gh_list_counts first = counts_of(&follower, key);
    add_person("listed", "green");
    follow_now(&harness, &gate, &follower);
    assert_int_equal(follower.have.number, before + 1);
    assert_int_equal(follower.applied, 1);
    assert_int_equal(counts_of(&follower, key).subjects, first.subjects + 1);
    gh_public_key_free(key);
    ask_error(&harness, 404, "not_found", "GET", "/api/v1/list/snapshots/..%2f..%2fgatehouse.db",
              NULL, NULL);
    ask_error(&harness, 404, "not_found", "GET", "/api/v1/list/snapshots/building", NULL, NULL);
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

/* What happened to a gate's clock is kept, and found by its type. */
static void test_entries_about_the_clock(void **state)
{
    (void)state;
    struct test_gate mine;
    char text[GH_ENTRY_MAX_BYTES];
    add_gate(&harness, "Timing", &mine);
    json_decref(enrol_with(&harness, 200, &mine, mine.secret));
    struct gh_entry entry = {.type = GH_ENTRY_CLOCK,
                             .gate = mine.id,
                             .sequence = 1,
                             .boot_id = "00112233445566778899aabbccddeeff",
                             .jump_ms = -3600000,
                             .wall_ms = INT64_C(1600000000000)};
    (void)gh_entry_format(&entry, text);
    const char *const batch[] = {text};
    json_decref(send_entries(200, mine.bearer, batch, 1));
    json_t *json = admin("GET", pathf("/api/v1/entries?type=clock&gate=%s", mine.id_text), NULL);
    assert_int_equal(json_array_size(json_object_get(json, "entries")), 1);
    const json_t *row = json_array_get(json_object_get(json, "entries"), 0);
    assert_string_equal(text_of(json_object_get(row, "entry"), "type"), "clock");
    assert_int_equal(number_of(json_object_get(row, "entry"), "jump_ms"), -3600000);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_list_is_empty),
        cmocka_unit_test(test_enrolment_once),
        cmocka_unit_test(test_enrolment_refused),
        cmocka_unit_test(test_list_of_gates),
        cmocka_unit_test(test_a_change_is_a_new_list),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_entries_about_the_clock),
        cmocka_unit_test(test_a_batch_too_large),
        cmocka_unit_test(test_names_are_joined_on_the_server),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, set_up_town, tear_down_town);
}
