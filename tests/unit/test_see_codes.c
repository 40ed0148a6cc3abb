/* SPDX-License-Identifier: Apache-2.0 */
/* see.c, reading.c: cards in parts, codes that somebody is asked about, and codes that no camera
 * saw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "see_scene.h"

/* --- cards in parts, one after the other --- */

static const char *const chunks[] = {"shc:/1/2/5676290952432060", "shc:/2/2/3460287774503364"};

static void show_chunk(const char *text)
{
    memset(picture, 0xff, sizeof(picture));
    draw(picture, text, 6, 100, 100);
    add_frame(picture);
}

static void assert_seen(enum gh_kind kind, enum gh_reason reason)
{
    struct gh_sighting sighting = next_sighting();

    assert_int_equal(sighting.credential.kind, kind);
    assert_string_equal(gh_reason_info(sighting.credential.reason)->token,
                        gh_reason_info(reason)->token);
}

/* What the whole card says, here that it is no card. */
static enum gh_reason whole_card(void)
{
    struct gh_bytes texts[2];
    struct gh_credential card;

    for (size_t i = 0; i < 2; i++)
        texts[i] = (struct gh_bytes){(const uint8_t *)chunks[i], strlen(chunks[i])};
    gh_code_read_parts(NULL, texts, 2, FIXTURE_NOW_S, &card);
    assert_int_not_equal(card.reason, GH_REASON_WAIT_PARTS);
    return card.reason;
}

static void test_parts(void **state)
{
    (void)state;

    start();
    show_chunk(chunks[1]);
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
    show_chunk(chunks[1]); /* still held up */
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
    show_chunk(chunks[0]);
    assert_seen(GH_KIND_SHC, whole_card());
    show_chunk(chunks[0]); /* the same card, still held up */
    assert_seen(GH_KIND_SHC, whole_card());
    show_chunk("shc:/1/3/5676290952432060"); /* another card */
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
}

/* Who walks away leaves nothing behind, whatever was shown meanwhile. */
static void test_parts_forgotten(void **state)
{
    (void)state;

    start();
    show_chunk(chunks[0]);
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
    gh_fake_clock_advance_ms(&fixture.clock, GH_PARTS_PAUSE_S * 1000);
    show_chunk("hello");
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
    show_chunk(chunks[1]);
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
}

/* --- asking --- */

struct asked {
    char text[64]; /* the last that was asked about */
    bool yes;
};

static bool ask(void *context, struct gh_bytes text, const struct gh_credential *credential)
{
    struct asked *asked = context;

    assert_true(credential->reason == GH_REASON_NOT_A_CODE ||
                credential->reason == GH_REASON_FOREIGN);
    assert_true(text.size < sizeof(asked->text));
    memcpy(asked->text, text.data, text.size);
    asked->text[text.size] = '\0';
    return asked->yes;
}

static void test_ask(void **state)
{
    (void)state;
    struct asked asked = {.yes = false};

    start();
    show_chunk("hello"); /* nobody is there to be asked */
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
    gh_see_set_asker(see, ask, &asked);
    show_chunk("what is this");
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
    assert_string_equal(asked.text, "what is this");
    asked.yes = true;
    show_chunk("XY1:CODE");
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_WAIT_ANSWER);
    assert_string_equal(asked.text, "XY1:CODE");
    show_chunk("GH1:*"); /* ours, and broken: not theirs to know */
    struct gh_sighting sighting = next_sighting();
    assert_int_not_equal(sighting.credential.reason, GH_REASON_WAIT_ANSWER);
    show_chunk(chunks[0]);
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
    assert_string_equal(asked.text, "XY1:CODE");
    gh_see_set_asker(see, NULL, NULL);
    show_chunk("XY1:CODE");
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
}

/* A code of an issuer that nobody has heard of may be one that the authority knows. */
static void test_ask_about_foreign(void **state)
{
    (void)state;
    char text[FIXTURE_CODE_BYTES];

    fixture_health(&fixture, ANNA, text);
    start();
    add_frame(picture);
    struct asked asked = {.yes = true};
    gh_see_set_asker(see, ask, &asked);
    gh_see_set_trust(see, trust); /* it can be verified: nobody is asked */
    draw(picture, text, 4, 0, 0);
    add_frame(picture);
    assert_seen(GH_KIND_HEALTH, GH_REASON_OK);
    assert_string_equal(asked.text, "");
}

/* --- other ways than the camera --- */

static void give_text(struct gh_reading_source *source, const char *text)
{
    gh_see_text(see, source, (struct gh_bytes){(const uint8_t *)text, strlen(text)});
}

/* From this thread, and read as the camera's would have read it. */
static void test_text(void **state)
{
    (void)state;
    static struct gh_reading_source source, other;
    char text[FIXTURE_CODE_BYTES];

    fixture_health(&fixture, ANNA, text);
    start();
    give_text(&source, text);
    assert_seen(GH_KIND_HEALTH, GH_REASON_FOREIGN);
    gh_see_set_trust(see, trust);
    gh_fake_clock_advance_ms(&fixture.clock, 5);
    give_text(&source, text);
    struct gh_sighting sighting = next_sighting();
    assert_int_equal(sighting.credential.reason, GH_REASON_OK);
    assert_true(sighting.captured_ns == GH_FAKE_CLOCK_START_NS + 5 * GH_NS_PER_MS);
    assert_true(gh_see_count(see).codes == 2);
    assert_true(gh_see_count(see).frames == 0);
    /* Each way has its own card. */
    give_text(&source, chunks[0]);
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
    give_text(&other, chunks[1]);
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
    show_chunk(chunks[1]);
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
    give_text(&source, chunks[1]);
    assert_seen(GH_KIND_SHC, whole_card());
    gh_reading_forget(&source);
    give_text(&source, chunks[1]);
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
    gh_reading_forget(&source);
    gh_reading_forget(&other);
}

static struct gh_camera none(void)
{
    struct gh_camera no_camera;
    struct gh_error err = {0};

    if (gh_camera_none_new(&no_camera, &err) != GH_OK)
        fail_msg("%s", err.text);
    return no_camera;
}

/* A gate with scanners only: the thread turns, for the watchdog, and ends at once. */
static void test_without_a_camera(void **state)
{
    (void)state;
    static struct gh_reading_source source;
    struct gh_frame frame;

    camera = none();
    assert_int_equal(camera.next(camera.context, 0, &frame, NULL), GH_ERR_AGAIN);
    camera.wake(camera.context);
    camera.wake(camera.context);
    assert_int_equal(camera.next(camera.context, 100000000, &frame, NULL), GH_ERR_AGAIN);
    assert_int_equal(camera.next(camera.context, 0, &frame, NULL), GH_ERR_AGAIN);
    start();
    turns_before = 0;
    turns_before = wait_for(turned).turns;
    turns_before = wait_for(turned).turns;
    give_text(&source, "hello");
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
    assert_true(gh_see_count(see).broken_frames == 0 && !gh_see_count(see).over);
}

/* --- reading alone --- */

static void read_text(const char *text, size_t size, int64_t now_s, struct gh_sighting *out)
{
    uint8_t *exact = malloc(size + (size == 0)); /* for the sanitizer */

    assert_non_null(exact);
    memcpy(exact, text, size);
    memset(out, 0xa5, sizeof(*out));
    gh_see_read((struct gh_bytes){exact, size}, trust, now_s, 42, out);
    free(exact);
    assert_true(out->captured_ns == 42);
}

static void test_read(void **state)
{
    (void)state;
    struct gh_sighting sighting;
    char text[FIXTURE_CODE_BYTES];

    fixture_health(&fixture, ANNA, text);
    read_text(text, strlen(text), FIXTURE_NOW_S, &sighting);
    assert_int_equal(sighting.credential.reason, GH_REASON_OK);
    for (size_t cut = 0; cut < strlen(text); cut++) {
        read_text(text, cut, FIXTURE_NOW_S, &sighting);
        assert_int_not_equal(sighting.credential.reason, GH_REASON_OK);
        assert_false(sighting.credential.authentic);
    }
    read_text("\0\xff\xfe", 3, FIXTURE_NOW_S, &sighting);
    assert_int_equal(sighting.credential.reason, GH_REASON_NOT_A_CODE);
}

static void test_read_enrolment(void **state)
{
    (void)state;
    static const struct gh_enrolment none;
    struct gh_enrolment enrolment = fixture_enrolment(&fixture);
    struct gh_sighting sighting;
    char text[FIXTURE_CODE_BYTES];

    assert_int_equal(gh_enrolment_write(fixture.list_key, &enrolment, text, sizeof(text)), GH_OK);
    read_text(text, strlen(text), FIXTURE_NOW_S, &sighting);
    assert_int_equal(sighting.credential.kind, GH_KIND_ENROLMENT);
    assert_int_equal(sighting.credential.reason, GH_REASON_OK);
    assert_true(sighting.enrolment.gate == FIXTURE_GATE);
    assert_memory_equal(sighting.enrolment.token, enrolment.token, sizeof(enrolment.token));

    /* Not true any more, or never: then there is nothing in it to act on. */
    read_text(text, strlen(text), enrolment.expires_at_s, &sighting);
    assert_int_equal(sighting.credential.reason, GH_REASON_EXPIRED);
    assert_memory_equal(&sighting.enrolment, &none, sizeof(none));
    text[strlen(text) / 2] ^= 1;
    read_text(text, strlen(text), FIXTURE_NOW_S, &sighting);
    assert_int_not_equal(sighting.credential.reason, GH_REASON_OK);
    assert_memory_equal(&sighting.enrolment, &none, sizeof(none));
    fixture_health(&fixture, ANNA, text);
    read_text(text, strlen(text), FIXTURE_NOW_S, &sighting);
    assert_memory_equal(&sighting.enrolment, &none, sizeof(none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parts_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ask, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ask_about_foreign, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_a_camera, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_enrolment, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
