/* SPDX-License-Identifier: Apache-2.0 */
/* readers.c and reading.c: scanners beside the camera, each in its thread, up to the gate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fakes/fake_camera.h"
#include "fakes/gate_rig.h"
#include "fakes/qr_picture.h"
#include "fakes/serial_line.h"
#include "fakes/typist.h"
#include "gate/readers.h"
#include "gatehouse/qr.h"

#define PATIENCE_MS 20000
#define SIDE 600 /* of the fake camera's frames, pixels */

static struct rig rig;
static struct fixture *const fixture = &rig.fixture;
static struct gh_fake_camera fake;
static struct gh_queue *queue;
static struct gh_see *see;
static struct gh_readers *readers;
static struct gh_readers_options options;
static char serial_path[128], keyboard_path[128];
static int serial, keyboard; /* the scanners' sides */
static uint8_t picture[SIDE * SIDE];

static int setup(void **state)
{
    (void)state;
    struct gh_camera camera;

    rig_init(&rig);
    snprintf(serial_path, sizeof(serial_path), "%s/serial", fixture->dir);
    snprintf(keyboard_path, sizeof(keyboard_path), "%s/keyboard", fixture->dir);
    serial = keyboard = -1;
    gh_fake_evdev_init();
    options = (struct gh_readers_options){.scanner = serial_path,
                                          .scanner_baud = 115200,
                                          .keyboard = keyboard_path,
                                          .clock = gh_clock_system(),
                                          .evdev_ioctl = gh_fake_evdev_ioctl};
    gh_fake_camera_init(&fake, &fixture->clock.clock, GH_ERR_AGAIN);
    camera = gh_fake_camera(&fake, SIDE, SIDE);
    assert_int_equal(gh_queue_new(sizeof(struct gh_sighting), 32, &queue), GH_OK);
    assert_int_equal(gh_see_start(&camera, &fixture->clock.clock, queue, &see, NULL), GH_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gh_readers_stop(readers);
    readers = NULL;
    gh_see_stop(see);
    gh_queue_free(queue);
    gh_fake_camera_destroy(&fake);
    if (serial >= 0)
        close(serial);
    if (keyboard >= 0)
        close(keyboard);
    unlink(serial_path);
    unlink(keyboard_path);
    rig_destroy(&rig);
    return 0;
}

static void plug_in_keyboard(void)
{
    unlink(keyboard_path);
    assert_int_equal(mkfifo(keyboard_path, 0600), 0);
    keyboard = open(keyboard_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(keyboard >= 0);
}

static void start(void)
{
    struct gh_error err = {0};

    if (gh_readers_start(&options, see, &readers, &err) != GH_OK)
        fail_msg("%s", err.text);
}

/* Wait until it has come so far. */
static void wait_for(bool (*enough)(const struct gh_readers_state *state))
{
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        struct gh_readers_state state = gh_readers_look(readers);
        if (enough(&state))
            return;
        nanosleep(&(struct timespec){.tv_nsec = GH_NS_PER_MS}, NULL);
    }
    fail_msg("it does not go on");
}

static bool both_open(const struct gh_readers_state *state)
{
    return state->scanner.open && state->keyboard.open;
}

static bool serial_shut(const struct gh_readers_state *state)
{
    return !state->scanner.open && state->scanner.trouble[0] != '\0';
}

static bool serial_open(const struct gh_readers_state *state)
{
    return state->scanner.open;
}

static void start_both(void)
{
    serial = serial_line_plug_in(serial_path);
    plug_in_keyboard();
    start();
    wait_for(both_open);
}

static void scan(const char *text)
{
    assert_int_equal(write(serial, text, strlen(text)), strlen(text));
    assert_int_equal(write(serial, "\r", 1), 1);
}

static void type(const char *text)
{
    assert_true(gh_typist_type(keyboard, text));
    assert_true(gh_typist_type(keyboard, "\n"));
}

static void hold_up(const char *text)
{
    struct gh_bytes bytes = {(const uint8_t *)text, strlen(text)};
    struct gh_qr qr;
    uint8_t *symbol = NULL;
    uint32_t side;

    memset(picture, 0xff, sizeof(picture));
    assert_int_equal(gh_qr_encode(bytes, GH_QR_MEDIUM, &qr), GH_OK);
    assert_int_equal(qr_picture(&qr, 4, &symbol, &side), GH_OK);
    gh_qr_free(&qr);
    assert_true(side <= SIDE);
    for (uint32_t row = 0; row < side; row++)
        memcpy(picture + (size_t)row * SIDE, symbol + (size_t)row * side, side);
    free(symbol);
    struct gh_frame frame = {
        .luma = picture, .width = SIDE, .height = SIDE, .stride_bytes = SIDE, .step_bytes = 1};
    gh_fake_camera_add_frame(&fake, &frame);
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

static void assert_seen(enum gh_kind kind, enum gh_reason reason)
{
    struct gh_sighting sighting = next_sighting();

    assert_int_equal(sighting.credential.kind, kind);
    assert_string_equal(gh_reason_info(sighting.credential.reason)->token,
                        gh_reason_info(reason)->token);
}

/* The gate has its list, and those who read know whom to trust. */
static void start_gate(void)
{
    rig_start_with_list(&rig);
    gh_see_set_trust(see, rig.trust);
}

/* What was read next goes to the gate, which thereby has so many entries. */
static void pass_on(size_t entries)
{
    struct gh_sighting sighting = next_sighting();

    gh_gate_sighting(rig.gate, &sighting);
    assert_int_equal(rig_count_entries(&rig), entries);
}

/* --- */

static void test_scanner_and_keyboard(void **state)
{
    (void)state;

    gh_see_set_trust(see, NULL);
    start_both();
    scan(rig.anna);
    assert_seen(GH_KIND_HEALTH, GH_REASON_FOREIGN);
    start_gate();
    scan(rig.anna);
    assert_seen(GH_KIND_HEALTH, GH_REASON_OK);
    type(rig.home1);
    assert_seen(GH_KIND_HOUSING, GH_REASON_OK);
    type("hello");
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
    struct gh_readers_state now = gh_readers_look(readers);
    assert_true(now.scanner.wired && now.keyboard.wired);
    assert_string_equal(now.scanner.trouble, "");
    assert_true(gh_see_count(see).codes == 4);
}

/* A code that a scanner sends once is a code in one frame: it waits for its other half, which may
 * come by another way. */
static void test_passage(void **state)
{
    (void)state;

    start_gate();
    start_both();
    scan(rig.anna);
    pass_on(1); /* the start; the card is waited for */
    rig_pass_ms(&rig, 1000);
    type(rig.home1);
    pass_on(2);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    assert_int_equal(rig_count_openings(&rig), 1);
    rig_pass_ms(&rig, 1000);
    scan(rig.anna); /* again, out of impatience: */
    pass_on(2);     /* still the same person at the same door */
    assert_int_equal(rig_count_openings(&rig), 1);
}

static void test_passage_with_the_camera(void **state)
{
    (void)state;

    start_gate();
    start_both();
    hold_up(rig.home1);
    pass_on(1);
    rig_pass_ms(&rig, 2000);
    scan(rig.anna);
    pass_on(2);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    rig_pass_ms(&rig, 10000);
    scan(rig.home1);
    pass_on(2);
    hold_up(rig.anna);
    pass_on(3);
    rig_assert_last(&rig, 3, GH_REASON_OK);
    hold_up(rig.anna); /* the camera sees on what was scanned just now, and so on */
    pass_on(3);
    scan(rig.anna);
    pass_on(3);
    rig_pass_ms(&rig, 20000);
    assert_int_equal(rig_count_openings(&rig), 2);
}

/* Nobody comes with the other half: decided by what there is, as ever. */
static void test_passage_without_a_card(void **state)
{
    (void)state;

    start_gate();
    start_both();
    scan(rig.anna);
    pass_on(1);
    rig_pass_ms(&rig, 60000);
    rig_assert_last(&rig, 2, GH_REASON_HOUSING_MISSING);
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* Two cards in chunks at once, by two ways: neither is completed by the other's. */
static void test_cards_in_chunks(void **state)
{
    (void)state;

    start_both();
    scan("shc:/1/2/5676290952432060");
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
    type("shc:/2/2/3460287774503364");
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
    hold_up("shc:/2/2/3460287774503364");
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
    scan("shc:/2/2/3460287774503364");
    struct gh_sighting sighting = next_sighting(); /* whole, and no card of anybody's */
    assert_int_not_equal(sighting.credential.reason, GH_REASON_WAIT_PARTS);
}

/* Who does not go on with a card leaves nothing behind. */
static void test_chunks_forgotten(void **state)
{
    (void)state;

    start_both();
    scan("shc:/1/2/5676290952432060");
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
    gh_fake_clock_advance_ms(&fixture->clock, GH_PARTS_PAUSE_S * 1000);
    scan("shc:/2/2/3460287774503364");
    assert_seen(GH_KIND_SHC, GH_REASON_WAIT_PARTS);
}

static bool ask(void *context, struct gh_bytes text, const struct gh_credential *credential)
{
    (void)credential;
    return text.size == strlen(context) && memcmp(text.data, context, text.size) == 0;
}

static void test_ask(void **state)
{
    (void)state;
    static char riddle[] = "XY1:CODE";

    start_both();
    gh_see_set_asker(see, ask, riddle);
    type(riddle);
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_WAIT_ANSWER);
    scan("XY1:OTHER");
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
}

/* Neither is there at first; the one does not wait for the other. */
static void test_plugged_in_later(void **state)
{
    (void)state;

    start();
    wait_for(serial_shut);
    assert_non_null(strstr(gh_readers_look(readers).scanner.trouble, "not there"));
    serial = serial_line_plug_in(serial_path);
    wait_for(serial_open);
    assert_false(gh_readers_look(readers).keyboard.open);
    scan("hello");
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
    close(serial);
    wait_for(serial_shut);
    assert_non_null(strstr(gh_readers_look(readers).scanner.trouble, "unplugged"));
    serial = serial_line_plug_in(serial_path);
    wait_for(serial_open);
    scan("hello");
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
    plug_in_keyboard();
    wait_for(both_open);
    type("hello");
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
}

static bool one_rejected(const struct gh_readers_state *state)
{
    return state->scanner.rejected == 1 && state->scanner.codes == 1;
}

static void test_half_a_code(void **state)
{
    (void)state;

    options.scanner_framing = GH_FRAMING_STX_ETX;
    start_both();
    assert_int_equal(write(serial, "\x02GH1:HAL", 8), 8);
    assert_int_equal(write(serial, "\x02hello\x03", 7), 7);
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
    wait_for(one_rejected);
}

/* The thread ends what is due by itself: nobody sends anything any more. */
static void test_pause(void **state)
{
    (void)state;

    options.scanner_framing = GH_FRAMING_PAUSE;
    start_both();
    assert_int_equal(write(serial, "hello", 5), 5);
    assert_seen(GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
}

static void test_stop(void **state)
{
    (void)state;

    gh_readers_stop(NULL);
    for (int i = 0; i < 20; i++) { /* at once, before the thread has begun */
        start();
        gh_readers_stop(readers);
        readers = NULL;
    }
    options.scanner = options.keyboard = "";
    start();
    struct gh_readers_state now = gh_readers_look(readers);
    assert_false(now.scanner.wired || now.keyboard.wired || now.scanner.open || now.keyboard.open);
}

/* How much processor time this program has used, of all threads. */
static int64_t used_ns(void)
{
    struct timespec used;

    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used), 0);
    return used.tv_sec * GH_NS_PER_S + used.tv_nsec;
}

/* Devices that have hung up are not asked again and again. */
static void test_does_not_spin(void **state)
{
    (void)state;
    struct timespec began, now;

    start_both();
    assert_int_equal(close(serial), 0); /* the link leads nowhere now */
    serial = -1;
    assert_int_equal(close(keyboard), 0); /* and this opens, at its end */
    keyboard = -1;
    wait_for(serial_shut);
    int64_t before = used_ns();
    clock_gettime(CLOCK_MONOTONIC, &began);
    do { /* what counts is not how long it takes */
        poll(NULL, 0, 50);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - began.tv_sec < 2);
    assert_true(used_ns() - before < GH_NS_PER_S / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scanner_and_keyboard, setup, teardown),
        cmocka_unit_test_setup_teardown(test_passage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_passage_with_the_camera, setup, teardown),
        cmocka_unit_test_setup_teardown(test_passage_without_a_card, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cards_in_chunks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chunks_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ask, setup, teardown),
        cmocka_unit_test_setup_teardown(test_plugged_in_later, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_a_code, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pause, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_does_not_spin, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
