/* SPDX-License-Identifier: Apache-2.0 */
/* reader_keyboard.c: over a fake at the level of the device file, and over the kernel's own, where
 * /dev/uinput is there to make one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/uinput.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "fakes/typist.h"
#include "unit/reader_rig.h"

static int setup(void **state)
{
    (void)state;
    gh_fake_evdev_init();
    rig_setup(&gh_reader_keyboard);
    options.evdev_ioctl = gh_fake_evdev_ioctl;
    return 0;
}

static void plug_in(void)
{
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    rig_open();
    scanner = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(scanner >= 0);
}

static void type(const char *text)
{
    assert_true(gh_typist_type(scanner, text));
}

static void event(uint16_t kind, uint16_t code, int32_t value)
{
    assert_true(gh_typist_event(scanner, kind, code, value));
}

static void test_types(void **state)
{
    (void)state;

    plug_in();
    assert_int_equal(gh_fake_evdev.grabs, 1);
    type("GH1:6BF+70790T9 $%*+-./:\n");
    rig_expect(1, 0);
    assert_string_equal(last_text, "GH1:6BF+70790T9 $%*+-./:");
    type("HTTPS://GATE.EXAMPLE/H/ABC?x=~_^`'\"\t");
    rig_expect(2, 0);
    assert_string_equal(last_text, "HTTPS://GATE.EXAMPLE/H/ABC?x=~_^`'\"");
    type("\n\n\t");
    type("last\n");
    rig_expect(3, 0);
}

static void test_long_code(void **state)
{
    (void)state;
    char text[301];

    for (size_t i = 0; i < 300; i++)
        text[i] = (char)(0x20 + i * 7 % 0x5f);
    text[300] = '\0';
    plug_in();
    for (size_t i = 0; i < 300; i++) { /* a pipe holds no more than 64 KiB */
        type((char[]){text[i], '\0'});
        rig_listen();
    }
    type("\n");
    rig_expect(1, 0);
    assert_string_equal(last_text, text);
}

static void test_slow_typist(void **state)
{
    (void)state;

    plug_in();
    for (const char *c = "GH1:SLOW"; *c; c++) {
        type((char[]){*c, '\0'});
        rig_listen();
        rig_pass_ms(GH_FRAMING_CUT_MS - 1);
    }
    type("\n");
    rig_expect(1, 0);
    assert_string_equal(last_text, "GH1:SLOW");
    type("GH1:HAL");
    rig_listen();
    rig_pass_ms(GH_FRAMING_CUT_MS);
    assert_true(reader.state.rejected == 1);
    type("GH1:WHOLE\n");
    rig_expect(2, 1);
    assert_string_equal(last_text, "GH1:WHOLE");
}

/* Caps Lock was on, and shift down, when it was opened. */
static void test_keys_at_the_start(void **state)
{
    (void)state;

    gh_fake_evdev.caps_lit = true;
    plug_in();
    type("gH1\n");
    rig_expect(1, 0);
    assert_string_equal(last_text, "Gh1");
    gh_reader_close(&reader);
    unplug();
    gh_fake_evdev.caps_lit = false;
    gh_fake_evdev.down = KEY_RIGHTSHIFT;
    plug_in();
    event(EV_KEY, KEY_G, 1);
    event(EV_KEY, KEY_RIGHTSHIFT, 0);
    type("h1\n");
    rig_expect(2, 0);
    assert_string_equal(last_text, "Gh1");
}

/* What else an event device says. */
static void test_other_events(void **state)
{
    (void)state;

    plug_in();
    type("one");
    event(EV_KEY, KEY_O, 2);
    event(EV_LED, LED_CAPSL, 1);
    event(EV_REL, REL_X, KEY_A);
    event(EV_ABS, KEY_A, 1);
    event(0xffff, 0xffff, -1);
    event(EV_KEY, 0xffff, 1);
    event(EV_KEY, KEY_LEFTALT, 1);
    type("65");
    event(EV_KEY, KEY_LEFTALT, 0);
    type("two\n");
    rig_expect(1, 0);
    assert_string_equal(last_text, "onetwo");
}

/* The kernel dropped events: the code in work is dropped whole, and what is down asked for. */
static void test_events_lost(void **state)
{
    (void)state;

    plug_in();
    type("GH1:HA");
    event(EV_KEY, KEY_LEFTSHIFT, 1); /* it goes up in what is lost */
    rig_listen();
    unsigned queries = gh_fake_evdev.queries;
    event(EV_SYN, SYN_DROPPED, 0);
    event(EV_KEY, KEY_ENTER, 1); /* not to be trusted, up to ... */
    event(EV_KEY, KEY_ENTER, 0);
    event(EV_SYN, SYN_REPORT, 0); /* ... here */
    type("LF\n");
    type("gh1:next\n");
    rig_expect(1, 1);
    assert_string_equal(last_text, "gh1:next");
    assert_int_equal(gh_fake_evdev.queries, queries + 1);
}

static void test_unplugged(void **state)
{
    (void)state;

    plug_in();
    type("one\nhal");
    rig_expect(1, 0);
    unplug();
    rig_expect_loss("was unplugged");
    assert_true(reader.state.rejected == 1);
    unlink(path);
    now_ns = gh_reader_deadline_ns(&reader);
    for (int i = 0; i < 3; i++)
        rig_assert_trouble("is not there");
    plug_in();
    type("f\ntwo\n");
    rig_expect(3, 1);
    assert_string_equal(last_text, "two");
    assert_int_equal(gh_fake_evdev.grabs, 2);
}

static void test_no_events(void **state)
{
    (void)state;

    plug_in();
    assert_int_equal(write(scanner, "GH1:NO EVENTS\n", 14), 14);
    rig_expect_loss("no events");
}

static void test_flood(void **state)
{
    (void)state;

    plug_in();
    for (int i = 0; i < 1000 && reader.state.open; i++) {
        type("0123456789\n");
        rig_listen();
    }
    rig_expect_loss("more than a scanner");
    assert_true(reader.state.codes == GH_READER_TEXTS_IN_A_ROW);
    assert_true(gh_reader_deadline_ns(&reader) > now_ns + GH_READER_RETRY_MS * GH_NS_PER_MS);
}

/* One that went mad after it had worked for long. */
static void test_flood_after_an_hour(void **state)
{
    (void)state;

    plug_in();
    type("0123456789\n");
    rig_listen();
    rig_pass_ms(3600000);
    for (int i = 0; i < 1000 && reader.state.open; i++) {
        type("0123456789\n");
        rig_listen();
    }
    rig_expect_loss("more than a scanner");
}

static void test_not_to_be_used(void **state)
{
    (void)state;
    char says[GH_READER_SAYS_BYTES];
    struct gh_error err = {0};

    rig_assert_trouble("is not there");
    assert_int_equal(mkfifo(path, 0600), 0);
    gh_fake_evdev.grab_error = EBUSY;
    rig_assert_trouble("busy: another program");
    assert_int_equal(gh_readers_check_keyboard(&options, says, &err), GH_ERR_BUSY);
    gh_fake_evdev.grab_error = ENODEV; /* it was unplugged just now */
    rig_assert_trouble("is not there");
    gh_fake_evdev.grab_error = 0;
    gh_fake_evdev.is_keyboard = false;
    rig_assert_trouble("no letters");
    gh_fake_evdev.is_evdev = false;
    rig_assert_trouble("no event device");
    options.evdev_ioctl = NULL; /* nor does the kernel take a pipe for one */
    rig_assert_trouble("no event device");
    err = (struct gh_error){0};
    assert_int_equal(gh_readers_check_keyboard(&options, says, &err), GH_ERR_UNSUPPORTED);
    assert_string_equal(says, "");
    assert_int_equal(gh_fake_evdev.grabs, 0);
    options.evdev_ioctl = gh_fake_evdev_ioctl;
    gh_fake_evdev_init();
    assert_int_equal(gh_readers_check_keyboard(&options, says, &err), GH_OK);
    assert_string_equal(says, "Fake Scanner, for the gate alone");
}

/* --- the kernel's own --- */

/* A keyboard made by uinput; -1: the machine has none. *event: the path of its event device. */
static int make_keyboard(char event_path[64])
{
    struct uinput_setup setup_of = {.id = {.bustype = BUS_VIRTUAL}, .name = "Gatehouse Test"};
    char name[64] = "", folder[160];
    struct dirent *entry;

    int made = open("/dev/uinput", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (made < 0)
        return -1;
    assert_int_equal(ioctl(made, UI_SET_EVBIT, EV_KEY), 0);
    for (int key = KEY_ESC; key <= KEY_KPDOT; key++)
        assert_int_equal(ioctl(made, UI_SET_KEYBIT, key), 0);
    assert_int_equal(ioctl(made, UI_DEV_SETUP, &setup_of), 0);
    assert_int_equal(ioctl(made, UI_DEV_CREATE), 0);
    assert_true(ioctl(made, UI_GET_SYSNAME(sizeof(name) - 1), name) >= 0);
    snprintf(folder, sizeof(folder), "/sys/devices/virtual/input/%s", name);
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    event_path[0] = '\0';
    while ((entry = readdir(listing)) != NULL) {
        if (strncmp(entry->d_name, "event", 5) == 0)
            snprintf(event_path, 64, "/dev/input/%.32s", entry->d_name);
    }
    closedir(listing);
    assert_true(event_path[0] != '\0');
    return made;
}

static void test_kernel(void **state)
{
    (void)state;
    char event_path[64], says[GH_READER_SAYS_BYTES];
    struct gh_error err = {0};

    scanner = make_keyboard(event_path);
    if (scanner < 0) {
        print_message("no /dev/uinput: the kernel's keyboards are not tried\n");
        skip();
    }
    options.evdev_ioctl = NULL;
    options.keyboard = reader.path = event_path;
    for (int ms = 0; ms < PATIENCE_MS && access(event_path, R_OK) != 0; ms++)
        poll(NULL, 0, 1); /* its node is made by somebody else */
    assert_int_equal(gh_readers_check_keyboard(&options, says, &err), GH_OK);
    assert_string_equal(says, "Gatehouse Test, for the gate alone");
    rig_open();
    assert_int_equal(gh_readers_check_keyboard(&options, says, &err), GH_ERR_BUSY);
    type("GH1:ABC $%*+-./:def\n");
    rig_expect(1, 0);
    assert_string_equal(last_text, "GH1:ABC $%*+-./:def");
    for (int i = 0; i < 200; i++) /* more than the kernel keeps */
        type("0123456789");
    type("\n");
    rig_expect(1, 1);
    type("GH1:AFTER\n");
    rig_expect(2, 1);
    assert_string_equal(last_text, "GH1:AFTER");
    unplug(); /* which ends the device */
    rig_expect_loss("was unplugged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_types, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_code, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_typist, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_at_the_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_events, setup, teardown),
        cmocka_unit_test_setup_teardown(test_events_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unplugged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_events, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flood_after_an_hour, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_to_be_used, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kernel, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
