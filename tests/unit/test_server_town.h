/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the server's API: a server with an admin, two landlords, an inspector, and three
 * gates: one enrolled, one waiting, one shut out. */
#ifndef GATEHOUSE_TESTS_SERVER_TOWN_H
#define GATEHOUSE_TESTS_SERVER_TOWN_H

#include "test_server_harness.h"

static struct harness harness;
static char landlord[GH_TOKEN_BYTES], other_landlord[GH_TOKEN_BYTES], inspector[GH_TOKEN_BYTES];
static struct test_gate gate, waiting_gate, shut_gate;

/* An identifier of nothing. */
#define UNUSED_ID "00000000000000ff"

static inline int set_up_town(void **state)
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

static inline int tear_down_town(void **state)
{
    (void)state;
    harness_close(&harness);
    return 0;
}

/* After the clock has gone on by half a day. */
static inline void log_in_again(void)
{
    log_in(&harness, "admin", ADMIN_PASSWORD, NULL, harness.admin);
    log_in(&harness, "quentin", "ten characters", NULL, landlord);
    log_in(&harness, "rosalind", "ten characters", NULL, other_landlord);
    log_in(&harness, "inspector", "ten characters", NULL, inspector);
}

GH_PRINTF(1, 2) static inline char *pathf(const char *format, ...)
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

static inline json_t *good(const char *method, const char *path, const char *token,
                           const char *body)
{
    return ask(&harness, 200, method, path, token, body);
}

static inline json_t *admin(const char *method, const char *path, const char *body)
{
    return good(method, path, harness.admin, body);
}

static inline long long metric(const char *name)
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

/* --- people and homes --- */

static inline json_t *import(long status, const char *csv)
{
    return ask(&harness, status, "POST", "/api/v1/people/import", harness.admin, csv);
}

/* The person of that ref; "" when there is none. */
static inline const char *person_id(const char *ref)
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

static inline const char *add_person(const char *ref, const char *status)
{
    char csv[256];
    snprintf(csv, sizeof(csv), "ref,name,status\n%s,Name of %s,%s\n", ref, ref, status);
    json_decref(import(200, csv));
    return person_id(ref);
}

static inline const char *add_home(const char *token, const char *address)
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

static inline const char *add_approved_home(const char *token, const char *address)
{
    const char *id = add_home(token, address);
    json_decref(good("POST", pathf("/api/v1/homes/%s/inspection", id), inspector,
                     "{\"passed\":true,\"note\":\"two\\nlines\"}"));
    json_t *json = admin("POST", pathf("/api/v1/homes/%s/approval", id), NULL);
    assert_string_equal(text_of(json, "state"), "approved");
    json_decref(json);
    return id;
}

#endif
