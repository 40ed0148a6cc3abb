/* SPDX-License-Identifier: Apache-2.0 */
/* courier.c and courier_enrol.c: enrolment, orders, the thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fakes/courier_desk.h"

#define YES                                                                                        \
    "{\"gate\": \"00000000000000a1\", \"name\": \"North gate\", \"area\": \"" FIXTURE_AREA "\"}"

/* One byte more than there is room for. */
#define LONG_AREA "1234567890123456789012345678901234567890123456789012345678901234"

static struct desk desk;
static struct gh_enrolment enrolment;

static int setup(void **state)
{
    (void)state;
    desk_init(&desk);
    enrolment = fixture_enrolment(&desk.fixture);
    memset(&desk.fixture.identity, 0, sizeof(desk.fixture.identity)); /* not enrolled */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    desk_destroy(&desk);
    return 0;
}

/* One member of what was asked. */
static void asked(size_t index, const char *name, char *out, size_t out_bytes)
{
    const struct gh_fake_request *request =
        gh_fake_transport_request(&desk.server, ENROL_PATH, index);

    assert_non_null(request);
    json_t *object = json_loadb((const char *)request->body, request->size, 0, NULL);
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    snprintf(out, out_bytes, "%s", text);
    json_decref(object);
}

static void assert_same_secret(size_t a, size_t b, bool same)
{
    char secret[2][80];

    asked(a, "secret", secret[0], sizeof(secret[0]));
    asked(b, "secret", secret[1], sizeof(secret[1]));
    assert_int_equal(strlen(secret[0]), 2 * GH_GATE_SECRET_BYTES);
    assert_int_equal(strcmp(secret[0], secret[1]) == 0, same);
}

/* The secret is on the disk before anybody hears of it. */
static enum gh_status yes_if_saved(void *context, const struct gh_http_request *request,
                                   struct gh_http_response *response)
{
    struct gh_identity saved = desk_saved_identity(&desk);
    char secret[2 * GH_GATE_SECRET_BYTES + 1];

    (void)context;
    assert_false(saved.enrolled);
    assert_true(saved.gate == FIXTURE_GATE);
    gh_hex_encode(saved.secret, sizeof(saved.secret), secret);
    assert_non_null(strstr((const char *)request->body.data, secret));
    response->status = 200;
    response->body = (uint8_t *)strdup(YES);
    response->size = strlen(YES);
    return GH_OK;
}

static void test_enrols(void **state)
{
    (void)state;
    struct gh_fake_answer answer = {.path = ENROL_PATH, .handler = yes_if_saved};
    char text[80], bearer[GH_BEARER_BYTES];

    enrolment.has_pin = true;
    memset(enrolment.pin, 0x33, sizeof(enrolment.pin));
    desk.options.ca_file = "/ca.pem";
    gh_fake_transport_add(&desk.server, &answer);
    desk_start(&desk);
    desk_run_ms(&desk, 100000);
    assert_int_equal(desk.server.connects, 0); /* nobody told it where to */
    gh_courier_enrol(desk.courier, &enrolment);
    assert_int_equal(desk.server.request_count, 0); /* that is the courier's own business */
    (void)desk_turn(&desk);

    const struct gh_fake_request *request = gh_fake_transport_request(&desk.server, ENROL_PATH, 0);
    assert_non_null(request);
    assert_string_equal(request->method, "POST");
    assert_string_equal(request->content_type, "application/json");
    assert_string_equal(request->bearer, "");
    asked(0, "gate", text, sizeof(text));
    assert_string_equal(text, "00000000000000a1");
    asked(0, "token", text, sizeof(text));
    assert_string_equal(text, "7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e");
    asked(0, "version", text, sizeof(text));
    assert_string_equal(text, GH_VERSION);
    assert_string_equal(desk.server.base_url, "https://gate.example");
    assert_string_equal(desk.server.ca_file, "/ca.pem");
    assert_false(desk.server.allow_insecure);
    assert_true(desk.server.has_pin);
    assert_memory_equal(desk.server.pin, enrolment.pin, sizeof(enrolment.pin));

    assert_int_equal(desk.event_count, 1);
    const struct gh_identity *identity = &desk.events[0].identity;
    assert_int_equal(desk.events[0].type, GH_COURIER_ENROLLED);
    assert_true(identity->enrolled && identity->gate == FIXTURE_GATE);
    assert_string_equal(identity->name, "North gate");
    assert_string_equal(identity->area, FIXTURE_AREA);
    struct gh_identity saved = desk_saved_identity(&desk);
    assert_true(saved.enrolled);
    assert_memory_equal(saved.secret, identity->secret, sizeof(saved.secret));

    (void)desk_turn(&desk); /* goes on at once, by its own name */
    request = gh_fake_transport_request(&desk.server, LIST_PATH, 0);
    assert_non_null(request);
    gh_identity_bearer(identity, bearer);
    assert_string_equal(request->bearer, bearer);
    assert_int_equal(desk_asked(&desk, ENROL_PATH), 1);
}

static void test_refused(void **state)
{
    (void)state;

    desk_answer(&desk, ENROL_PATH, 403, "{\"error\": \"enrolment_refused\", \"message\": \"no\"}");
    desk_start(&desk);
    gh_courier_enrol(desk.courier, &enrolment);
    (void)desk_turn(&desk);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_REFUSED), 1);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ENROLLED), 0);
    assert_false(desk_saved_identity(&desk).enrolled);
    size_t before = desk_asked(&desk, ENROL_PATH);
    assert_int_equal(before, 1);

    /* Another code: at once, and with another secret. */
    desk_answer(&desk, ENROL_PATH, 200, YES);
    enrolment.token[0] ^= 1;
    gh_courier_enrol(desk.courier, &enrolment);
    (void)desk_turn(&desk);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ENROLLED), 1);
    assert_same_secret(0, 1, false);
    char token[80];
    asked(1, "token", token, sizeof(token));
    assert_string_equal(token, "7f7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e");
}

/* The server said yes, and the line broke: the same secret asks again, also after a restart. */
static void test_lost_answer(void **state)
{
    (void)state;

    desk_fail(&desk, ENROL_PATH, GH_ERR_NETWORK);
    desk_fail(&desk, ENROL_PATH, GH_ERR_TIMEOUT);
    desk_answer(&desk, ENROL_PATH, 200, YES);
    desk_start(&desk);
    gh_courier_enrol(desk.courier, &enrolment);
    (void)desk_turn(&desk);
    assert_int_equal(desk.event_count, 0);
    desk_restart(&desk);
    (void)desk_turn(&desk);
    gh_courier_enrol(desk.courier, &enrolment); /* held up again: still the same secret */
    desk_run_ms(&desk, 10000);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ENROLLED), 1);
    assert_int_equal(desk_asked(&desk, ENROL_PATH), 3);
    assert_same_secret(0, 1, true);
    assert_same_secret(0, 2, true);
    desk_restart(&desk);
    desk_run_ms(&desk, 10000);
    assert_int_equal(desk_asked(&desk, ENROL_PATH), 3);
}

/* The disk is full when the yes comes: it is enrolled for now, and asks again after a restart. */
static void test_yes_cannot_be_saved(void **state)
{
    (void)state;

    fixture_append(&desk.fixture, 0);
    desk_answer(&desk, ENROL_PATH, 503, "{}");
    desk_answer(&desk, ENROL_PATH, 200, YES);
    desk_answer(&desk, ENROL_PATH, 200, YES);
    desk_start(&desk);
    gh_courier_enrol(desk.courier, &enrolment);
    (void)desk_turn(&desk);
    fixture_forbid_writing();
    desk_run_ms(&desk, 5000);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ENROLLED), 1);
    fixture_empty_disk();
    assert_false(desk_saved_identity(&desk).enrolled);
    desk_restart(&desk);
    desk_run_ms(&desk, 5000);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ENROLLED), 2);
    assert_same_secret(1, 2, true);
    assert_true(desk_saved_identity(&desk).enrolled);
}

/* What cannot be kept must not be asked with. */
static void test_secret_cannot_be_saved(void **state)
{
    (void)state;

    desk_answer(&desk, ENROL_PATH, 200, YES);
    desk_start(&desk);
    fixture_forbid_writing();
    gh_courier_enrol(desk.courier, &enrolment);
    desk_run_ms(&desk, 100000);
    fixture_empty_disk();
    assert_int_equal(desk.server.request_count, 0);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_REFUSED), 1);
    gh_courier_enrol(desk.courier, &enrolment);
    (void)desk_turn(&desk);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ENROLLED), 1);
}

static void test_nonsense(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "yes",
        "[]",
        "{}",
        "{\"gate\": \"00000000000000a1\", \"name\": \"North gate\"",
        "{\"gate\": \"00000000000000a1\", \"name\": \"North gate\"}",
        "{\"gate\": \"00000000000000a1\", \"area\": \"Old Town\"}",
        "{\"gate\": \"00000000000000a1\", \"name\": 5, \"area\": \"Old Town\"}",
        "{\"gate\": \"00000000000000a2\", \"name\": \"North gate\", \"area\": \"Old Town\"}",
        "{\"gate\": \"a1\", \"name\": \"North gate\", \"area\": \"Old Town\"}",
        "{\"gate\": \"00000000000000a1\", \"name\": \"N\", \"area\": \"a\", \"area\": \"b\"}",
        "{\"gate\": \"00000000000000a1\", \"name\": \"\xff\", \"area\": \"Old Town\"}",
        "{\"gate\": \"00000000000000a1\", \"name\": \"N\", \"area\": \"" LONG_AREA "\"}",
    };
    static const int statuses[] = {201, 204, 301, 400, 401, 404, 409, 422, 429, 500, 503};

    desk_start(&desk);
    gh_courier_enrol(desk.courier, &enrolment);
    size_t tries = 0;
    for (size_t i = 0; i < GH_ARRAY_SIZE(bodies); i++, tries++)
        desk_answer(&desk, ENROL_PATH, 200, bodies[i]);
    for (size_t i = 0; i < GH_ARRAY_SIZE(statuses); i++, tries++)
        desk_answer(&desk, ENROL_PATH, statuses[i], YES);
    for (size_t i = 0; i < tries; i++) {
        assert_true(desk_turn(&desk) > 0);
        assert_int_equal(desk_asked(&desk, ENROL_PATH), i + 1);
        gh_fake_clock_advance_ms(&desk.fixture.clock, DESK_MOST_MS);
    }
    assert_int_equal(desk.event_count, 0);
    assert_false(desk_saved_identity(&desk).enrolled);
    desk_answer(&desk, ENROL_PATH, 200, YES);
    desk_run_ms(&desk, DESK_MOST_MS);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ENROLLED), 1);
}

/* As long as the server lets the administrator make it. */
static void test_long_name(void **state)
{
    (void)state;
    char name[101], answer[256];

    memset(name, 'n', 100);
    name[100] = '\0';
    snprintf(answer, sizeof(answer),
             "{\"gate\": \"00000000000000a1\", \"name\": \"%s\", \"area\": \"" FIXTURE_AREA "\"}",
             name);
    desk_answer(&desk, ENROL_PATH, 200, answer);
    desk_start(&desk);
    gh_courier_enrol(desk.courier, &enrolment);
    (void)desk_turn(&desk);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ENROLLED), 1);
    assert_string_equal(desk_saved_identity(&desk).name, name);
}

static void test_backs_off(void **state)
{
    (void)state;
    size_t count;

    desk_start(&desk);
    gh_courier_enrol(desk.courier, &enrolment);
    desk_run_ms(&desk, 60000); /* nobody is there: 1, 2, 4, 8, 16, 32 s, half to all of each */
    count = desk_asked(&desk, ENROL_PATH);
    assert_in_range(count, 6, 7);
    gh_courier_enrol(desk.courier, &enrolment); /* held up again: somebody stands there */
    (void)desk_turn(&desk);
    assert_int_equal(desk_asked(&desk, ENROL_PATH), count + 1);
    assert_same_secret(0, count, true);
    (void)desk_turn(&desk); /* but only once */
    assert_int_equal(desk_asked(&desk, ENROL_PATH), count + 1);
}

static void test_already_enrolled(void **state)
{
    (void)state;

    desk_answer(&desk, ENROL_PATH, 200, YES);
    desk_start(&desk);
    gh_courier_enrol(desk.courier, &enrolment);
    (void)desk_turn(&desk);
    struct gh_identity before = desk_saved_identity(&desk);
    enrolment.token[0] ^= 1;
    enrolment.gate++;
    gh_courier_enrol(desk.courier, &enrolment);
    desk_run_ms(&desk, 10000);
    struct gh_identity after = desk_saved_identity(&desk);
    assert_true(after.gate == before.gate);
    assert_memory_equal(after.secret, before.secret, sizeof(after.secret));
    assert_int_equal(desk_asked(&desk, ENROL_PATH), 1);
}

static void test_cannot_connect(void **state)
{
    (void)state;

    desk.server.connect_failure = GH_ERR_NOTFOUND; /* a file of certificates, say */
    desk_start(&desk);
    gh_courier_enrol(desk.courier, &enrolment);
    (void)desk_turn(&desk);
    assert_true(desk_count_events(&desk, GH_COURIER_REFUSED) >=
                1); /* whoever stands there is told */
    desk_run_ms(&desk, 60000);
    assert_int_equal(desk.server.request_count, 0);
    desk.server.connect_failure = GH_OK; /* put there by somebody: found without a restart */
    desk_answer(&desk, ENROL_PATH, 200, YES);
    desk_run_ms(&desk, 60000);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ENROLLED), 1);
}

/* The same for a gate that is enrolled, and was started before its file was there. */
static void test_cannot_connect_at_start(void **state)
{
    (void)state;

    desk.fixture.identity.enrolled = true;
    desk.fixture.identity.gate = FIXTURE_GATE;
    memcpy(desk.fixture.identity.list_key, enrolment.list_key, sizeof(enrolment.list_key));
    snprintf(desk.fixture.identity.area, sizeof(desk.fixture.identity.area), FIXTURE_AREA);
    desk.server.connect_failure = GH_ERR_NOTFOUND;
    desk_start(&desk);
    desk_run_ms(&desk, 60000);
    assert_int_equal(desk.event_count, 0);
    desk.server.connect_failure = GH_OK;
    desk_offer_list(&desk, 1);
    fixture_append(&desk.fixture, 2);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_run_ms(&desk, 60000);
    desk_assert_at_hand(&desk, 5, desk.fixture.manifest.issued_at_s);
    assert_int_equal(desk.entries.known, 2);
}

/* --- the thread --- */

static void wait_for_event(enum gh_courier_event_type type)
{
    struct gh_courier_event event;
    struct pollfd fd = {.fd = gh_queue_fd(desk.queue), .events = POLLIN};

    while (!gh_queue_pop(desk.queue, &event)) {
        if (poll(&fd, 1, 20000) != 1)
            fail_msg("the courier says nothing");
    }
    assert_int_equal(event.type, type);
}

static void test_thread(void **state)
{
    (void)state;

    desk_answer(&desk, ENROL_PATH, 200, YES);
    desk_offer_list(&desk, 1);
    desk_start(&desk);
    assert_int_equal(gh_courier_start(desk.courier, NULL), GH_OK);
    gh_courier_enrol(desk.courier, &enrolment);
    wait_for_event(GH_COURIER_ENROLLED);
    wait_for_event(GH_COURIER_LIST);
    for (int i = 0; i < 1000; i++)
        gh_courier_kick(desk.courier);
    desk_stop(&desk);
    assert_true(desk_saved_manifest(&desk).generation == 5);
}

static int64_t real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / GH_NS_PER_MS;
}

/* A server that takes the call and says nothing: the end of the gate does not wait for it, in
 * neither lane. */
static void test_stop_while_blocked(void **state)
{
    (void)state;
    static const char *const paths[] = {ENROL_PATH, LIST_PATH, ENTRIES_PATH};

    desk_answer(&desk, ENROL_PATH, 200, YES);
    desk_start(&desk);
    gh_courier_enrol(desk.courier, &enrolment);
    (void)desk_turn(&desk);
    struct gh_identity enrolled = desk_saved_identity(&desk);
    desk_stop(&desk);
    desk.fixture.identity = enrolled;
    fixture_append(&desk.fixture, 3);
    for (unsigned i = 0; i < 2; i++) { /* the one; both */
        gh_fake_transport_forget(&desk.server);
        for (unsigned k = 0; k < GH_ARRAY_SIZE(paths); k++) {
            struct gh_fake_answer answer = {
                .path = paths[k], .times = GH_FAKE_FOREVER, .blocks = true};
            gh_fake_transport_add(&desk.server, &answer);
        }
        desk.fixture.identity = enrolled;
        desk.fixture.identity.enrolled = i > 0;
        desk_start(&desk);
        assert_int_equal(gh_courier_start(desk.courier, NULL), GH_OK);
        assert_true(gh_fake_transport_wait_all_blocked(&desk.server, 1 + i, 20000));
        int64_t began_ms = real_ms();
        desk_stop(&desk);
        assert_true(real_ms() - began_ms < 5000); /* its own time-outs are longer */
    }
}

/* Nor for a pause, however long. */
static void test_stop_during_pauses(void **state)
{
    (void)state;
    struct gh_fake_answer busy = {.path = LIST_PATH,
                                  .times = GH_FAKE_FOREVER,
                                  .status = 503,
                                  .body = "{}",
                                  .retry_after_s = 3600};

    desk.fixture.identity.enrolled = true;
    desk.fixture.identity.gate = FIXTURE_GATE;
    memcpy(desk.fixture.identity.list_key, enrolment.list_key, sizeof(enrolment.list_key));
    gh_fake_transport_add(&desk.server, &busy);
    busy.path = ENTRIES_PATH;
    gh_fake_transport_add(&desk.server, &busy);
    fixture_append(&desk.fixture, 3);
    desk_start(&desk);
    assert_int_equal(gh_courier_start(desk.courier, NULL), GH_OK);
    while (desk_asked(&desk, LIST_PATH) == 0 || desk_asked(&desk, ENTRIES_PATH) == 0)
        usleep(1000);
    int64_t began_ms = real_ms();
    desk_stop(&desk);
    assert_true(real_ms() - began_ms < 5000);
}

static struct gh_fake_answer list_answer;

static enum gh_status once_entries_hang(void *context, const struct gh_http_request *request,
                                        struct gh_http_response *response)
{
    assert_true(gh_fake_transport_wait_all_blocked(&desk.server, 1, 20000));
    return list_answer.handler(context, request, response);
}

/* An upload that hangs for ever: lists come all the same. And a question about the list that is
 * held for ever: entries go all the same. */
static void test_lanes_are_apart(void **state)
{
    (void)state;
    struct gh_fake_answer hangs = {.path = ENTRIES_PATH, .blocks = true};

    desk.fixture.identity.enrolled = true;
    desk.fixture.identity.gate = FIXTURE_GATE;
    memcpy(desk.fixture.identity.list_key, enrolment.list_key, sizeof(enrolment.list_key));
    snprintf(desk.fixture.identity.area, sizeof(desk.fixture.identity.area), FIXTURE_AREA);
    fixture_append(&desk.fixture, 3);
    gh_fake_transport_add(&desk.server, &hangs);
    desk_offer_list(&desk, 1); /* and then it waits */
    list_answer = desk.server.answers[1];
    desk.server.answers[1].handler = once_entries_hang;
    hangs.path = LIST_PATH;
    gh_fake_transport_add(&desk.server, &hangs);
    desk_start(&desk);
    assert_int_equal(gh_courier_start(desk.courier, NULL), GH_OK);
    wait_for_event(GH_COURIER_LIST);
    assert_true(gh_fake_transport_wait_all_blocked(&desk.server, 2, 20000));
    desk_stop(&desk);

    gh_fake_transport_forget(&desk.server);
    gh_fake_transport_add(&desk.server, &hangs);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    assert_int_equal(gh_courier_start(desk.courier, NULL), GH_OK);
    assert_true(gh_fake_transport_wait_all_blocked(&desk.server, 1, 20000));
    while (desk_asked(&desk, ENTRIES_PATH) == 0)
        usleep(1000);
    for (unsigned i = 1; i <= 3; i++) {
        desk_append(&desk, 1);
        while (desk_asked(&desk, ENTRIES_PATH) < 1 + i)
            usleep(1000);
    }
    desk_stop(&desk);
    assert_int_equal(desk.entries.known, 6);
}

/* Ended before it had begun. */
static void test_stop_at_once(void **state)
{
    (void)state;

    gh_courier_stop(NULL);
    for (int i = 0; i < 50; i++) {
        desk_start(&desk);
        assert_int_equal(gh_courier_start(desk.courier, NULL), GH_OK);
        gh_courier_enrol(desk.courier, &enrolment);
        desk_stop(&desk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_enrols, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_yes_cannot_be_saved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_secret_cannot_be_saved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backs_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_already_enrolled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_connect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_connect_at_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_while_blocked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_during_pauses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lanes_are_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
