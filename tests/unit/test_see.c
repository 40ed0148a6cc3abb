/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fakes/fake_camera.h"
#include "fakes/gate_fixture.h"
#include "fakes/qr_picture.h"
#include "gate/see.h"
#include "gatehouse/qr.h"

#define PATIENCE_MS 20000
#define SIDE 800 /* of the fake camera's frames, pixels */

static struct fixture fixture;
static struct gh_fake_camera fake;
static struct gh_camera camera;
static struct gh_queue *queue;
static struct gh_trust *trust;
static struct gh_see *see;
static uint8_t picture[SIDE * SIDE], other_picture[SIDE * SIDE];

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture_make_list(&fixture);
    gh_fake_camera_init(&fake, &fixture.clock.clock, GH_ERR_AGAIN);
    camera = gh_fake_camera(&fake, SIDE, SIDE);
    assert_int_equal(gh_queue_new(sizeof(struct gh_sighting), 4, &queue), GH_OK);
    assert_int_equal(gh_trust_new(fixture.manifest.keys, 1, NULL, &trust), GH_OK);
    memset(picture, 0xff, sizeof(picture));
    memset(other_picture, 0xff, sizeof(other_picture));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gh_see_stop(see);
    see = NULL;
    gh_queue_free(queue);
    gh_trust_unref(trust);
    gh_fake_camera_destroy(&fake);
    fixture_destroy(&fixture);
    return 0;
}

/* Draw a code into a picture, its upper left corner at (x, y). */
static void draw(uint8_t *luma, const char *text, unsigned scale, unsigned x, unsigned y)
{
    struct gh_qr qr;
    uint8_t *symbol = NULL;
    uint32_t side;

    assert_int_equal(
        gh_qr_encode((struct gh_bytes){(const uint8_t *)text, strlen(text)}, GH_QR_MEDIUM, &qr),
        GH_OK);
    assert_int_equal(qr_picture(&qr, scale, &symbol, &side), GH_OK);
    gh_qr_free(&qr);
    assert_true(x + side <= SIDE && y + side <= SIDE);
    for (uint32_t row = 0; row < side; row++)
        memcpy(luma + (size_t)(y + row) * SIDE + x, symbol + (size_t)row * side, side);
    free(symbol);
}

static void add_frame(const uint8_t *luma)
{
    struct gh_frame frame = {
        .luma = luma, .width = SIDE, .height = SIDE, .stride_bytes = SIDE, .step_bytes = 1};
    gh_fake_camera_add_frame(&fake, &frame);
}

static void start(void)
{
    struct gh_error err = {0};

    if (gh_see_start(&camera, &fixture.clock.clock, queue, &see, &err) != GH_OK)
        fail_msg("%s", err.text);
}

static struct gh_sighting next_sighting(void)
{
    struct gh_sighting sighting;
    struct pollfd fd = {.fd = gh_queue_fd(queue), .events = POLLIN};

    while (!gh_queue_pop(queue, &sighting)) {
        if (poll(&fd, 1, PATIENCE_MS) != 1)
            fail_msg("nothing was seen");
    }
    return sighting;
}

/* Wait until it has come so far. */
static struct gh_see_counts wait_for(bool (*enough)(const struct gh_see_counts *counts))
{
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        struct gh_see_counts counts = gh_see_count(see);
        if (enough(&counts))
            return counts;
        nanosleep(&(struct timespec){.tv_nsec = GH_NS_PER_MS}, NULL);
    }
    fail_msg("it does not go on");
    return gh_see_count(see);
}

static bool six_frames(const struct gh_see_counts *counts)
{
    return counts->frames + counts->broken_frames >= 6;
}

static bool is_over(const struct gh_see_counts *counts)
{
    return counts->over;
}

static void draw_health(uint8_t *luma)
{
    char text[FIXTURE_CODE_BYTES];

    fixture_health(&fixture, ANNA, text);
    draw(luma, text, 4, 0, 0);
}

static void test_sees(void **state)
{
    (void)state;

    draw_health(picture);
    start();
    gh_see_set_trust(see, trust);
    gh_fake_clock_advance_ms(&fixture.clock, 77);
    add_frame(picture);
    struct gh_sighting sighting = next_sighting();
    assert_int_equal(sighting.credential.kind, GH_KIND_HEALTH);
    assert_int_equal(sighting.credential.reason, GH_REASON_OK);
    assert_true(sighting.credential.subject == ANNA);
    assert_true(sighting.captured_ns == GH_FAKE_CLOCK_START_NS + 77 * GH_NS_PER_MS);
    struct gh_see_counts counts = gh_see_count(see);
    assert_true(counts.codes == 1 && counts.broken_frames == 0 && !counts.over);
}

static void test_several_in_one_frame(void **state)
{
    (void)state;
    char text[FIXTURE_CODE_BYTES];
    bool health = false, housing = false;

    draw_health(picture);
    fixture_housing(&fixture, HOME_1, text);
    draw(picture, text, 4, 400, 400);
    start();
    gh_see_set_trust(see, trust);
    add_frame(picture);
    for (int i = 0; i < 2; i++) {
        struct gh_sighting sighting = next_sighting();
        assert_int_equal(sighting.credential.reason, GH_REASON_OK);
        health = health || sighting.credential.kind == GH_KIND_HEALTH;
        housing = housing || sighting.credential.kind == GH_KIND_HOUSING;
    }
    assert_true(health && housing);
}

static void test_trust_changes(void **state)
{
    (void)state;

    draw_health(picture);
    start();
    add_frame(picture); /* nothing is trusted yet */
    assert_int_equal(next_sighting().credential.reason, GH_REASON_FOREIGN);
    gh_see_set_trust(see, trust);
    gh_trust_unref(trust); /* the thread has its own reference */
    trust = NULL;
    add_frame(picture);
    assert_int_equal(next_sighting().credential.reason, GH_REASON_OK);
    gh_see_set_trust(see, NULL);
    add_frame(picture);
    assert_int_equal(next_sighting().credential.reason, GH_REASON_FOREIGN);
}

/* Blank, unplugged, broken, too large: none of it stops the next frame. */
static void test_goes_on(void **state)
{
    (void)state;
    static uint8_t large[2 * SIDE * 4];
    struct gh_frame too_large = {
        .luma = large, .width = 2 * SIDE, .height = 4, .stride_bytes = 2 * SIDE, .step_bytes = 1};

    draw_health(picture);
    add_frame(other_picture);
    gh_fake_camera_add_failure(&fake, GH_ERR_GONE);
    gh_fake_camera_add_failure(&fake, GH_ERR_AGAIN);
    gh_fake_camera_add_failure(&fake, GH_ERR_CORRUPT);
    gh_fake_camera_add_failure(&fake, GH_ERR_CORRUPT);
    gh_fake_camera_add_failure(&fake, GH_ERR_IO);
    gh_fake_camera_add_frame(&fake, &too_large);
    add_frame(other_picture);
    add_frame(picture);
    start();
    gh_see_set_trust(see, trust);
    (void)next_sighting();
    struct gh_see_counts counts = wait_for(six_frames);
    assert_true(counts.codes == 1);
    assert_true(counts.broken_frames == 3);
    assert_true(counts.frames >= 3);
    assert_false(counts.over);
}

static void test_end_of_a_replay(void **state)
{
    (void)state;

    draw_health(picture);
    fake.after = GH_ERR_END;
    add_frame(picture);
    start();
    (void)next_sighting();
    struct gh_see_counts counts = wait_for(is_over);
    assert_true(counts.frames == 1 && counts.codes == 1);
    gh_see_stop(see); /* also when the thread has ended by itself */
    see = NULL;
    assert_int_equal(fake.frees, 1);
}

/* The gate is busy: what is seen is dropped and counted, and the camera is not kept waiting. */
static void test_full_queue(void **state)
{
    (void)state;

    draw_health(picture);
    for (int i = 0; i < 10; i++)
        add_frame(picture);
    fake.after = GH_ERR_END;
    start();
    struct gh_see_counts counts = wait_for(is_over);
    assert_true(counts.frames == 10 && counts.codes == 10);
    assert_int_equal(gh_queue_dropped(queue), 6);
    for (int i = 0; i < 4; i++)
        (void)next_sighting();
}

static uint64_t turns_before;

static bool turned(const struct gh_see_counts *counts)
{
    return counts->turns > turns_before;
}

/* A camera that gives nothing: the watchdog still sees that somebody looks. */
static void test_turns_without_frames(void **state)
{
    (void)state;
    struct timespec began, ended;

    start();
    turns_before = 0;
    turns_before = wait_for(turned).turns;
    clock_gettime(CLOCK_MONOTONIC, &began);
    (void)wait_for(turned);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    assert_true(ended.tv_sec - began.tv_sec <= 2); /* at least once a second, on a busy machine */

    gh_see_stop(see); /* wakes a camera that waits */
    see = NULL;
    assert_int_equal(fake.frees, 1);
}

static void test_stop(void **state)
{
    (void)state;

    gh_see_stop(NULL);
    for (int i = 0; i < 20; i++) { /* at once, before the thread has begun */
        start();
        gh_see_set_trust(see, trust);
        gh_see_stop(see);
        see = NULL;
        assert_int_equal(fake.frees, i + 1);
        assert_int_equal(fake.wakes, i + 1); /* not only after the camera's own time-out */
    }
}

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

static void wait_for_trouble(bool wanted)
{
    char trouble[GH_ERROR_TEXT_BYTES];

    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        gh_see_trouble(see, trouble);
        if ((trouble[0] != '\0') == wanted)
            return;
        nanosleep(&(struct timespec){.tv_nsec = GH_NS_PER_MS}, NULL);
    }
    fail_msg("there is %s trouble", wanted ? "no" : "still");
}

/* What the camera says is wrong stays until there is a picture. */
static void test_trouble(void **state)
{
    (void)state;
    char trouble[GH_ERROR_TEXT_BYTES];

    gh_fake_camera_add_failure(&fake, GH_ERR_GONE);
    start();
    wait_for_trouble(true);
    turns_before = gh_see_count(see).turns;
    (void)wait_for(turned);
    gh_see_trouble(see, trouble);
    assert_string_equal(trouble, "the fake camera was told to fail");
    add_frame(picture);
    wait_for_trouble(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sees, setup, teardown),
        cmocka_unit_test_setup_teardown(test_several_in_one_frame, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trust_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end_of_a_replay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_turns_without_frames, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parts_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ask, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ask_about_foreign, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_a_camera, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_enrolment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trouble, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
