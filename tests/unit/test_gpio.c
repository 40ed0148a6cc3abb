/* SPDX-License-Identifier: Apache-2.0 */
/* Finding lines and moving them. */
#include "fakes/gpiod/rig.h"

static void by_name_offset_and_path_of_the_chip(void **state)
{
    (void)state;
    struct fake_line *lines = fake_chips[0].lines;
    char path[64];
    snprintf(path, sizeof(path), "%s/gpiochip0", folder);
    const char *chips[] = {"gpiochip0", path};
    for (size_t i = 0; i < GH_ARRAY_SIZE(chips); i++) {
        struct gh_door_io io;
        struct gh_error err = {0};
        struct gh_gpio_wiring wiring =
            wire(GH_LINE_RELAY, "GPIO3", false, wire(GH_LINE_GREEN, "5", false, nothing));
        assert_int_equal(open_door(chips[i], wiring, 0, &io, &err), GH_OK);
        assert_string_equal(lines[3].user, "gatehouse");
        assert_string_equal(lines[5].user, "gatehouse");
        assert_int_equal(io.set(io.context, RELAY, &err), GH_OK);
        assert_int_equal(lines[3].level, 1);
        assert_int_equal(lines[5].level, 0);
        assert_int_equal(io.set(io.context, GREEN, &err), GH_OK);
        assert_int_equal(lines[3].level, 0);
        assert_int_equal(lines[5].level, 1);
        io.free(io.context);
        assert_null(lines[3].user);
        assert_int_equal(lines[5].level, 0);
    }
}

/* As gpiodetect prints it in brackets: it stays when the number does not. */
static void a_chip_may_be_named_by_its_label(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_gpio_wiring wiring = wire(GH_LINE_RELAY, "1", false, nothing);
    struct gh_error err = {0};
    assert_int_equal(open_door("expander", wiring, RELAY, &io, NULL), GH_OK);
    assert_int_equal(fake_chips[1].lines[1].level, 1);
    io.free(io.context);
    assert_int_equal(open_door("board", wiring, RELAY, &io, NULL), GH_OK); /* it has two names */
    assert_int_equal(fake_chips[0].lines[1].level, 1);
    io.free(io.context);
    assert_int_equal(open_door("expand", wiring, 0, &io, &err), GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "no GPIO chip is called expand"));
    fake_chips[1].open_errno = EACCES;
    assert_int_equal(open_door("expander", wiring, 0, &io, &err), GH_ERR_DENIED);
    fake_chips[1].open_errno = 0;
    fake_chips[1].label = "board";
    err = (struct gh_error){0};
    assert_int_equal(open_door("board", wiring, 0, &io, &err), GH_ERR_INVALID);
    assert_non_null(strstr(err.text, "several GPIO chips are called board"));
}

static void names_are_looked_up_on_all_chips(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_gpio_wiring wiring =
        wire(GH_LINE_RELAY, "GPIO3", false,
             wire(GH_LINE_BUZZER, "BUZZ", true, wire(GH_LINE_RED, "GPIO2", false, nothing)));
    assert_int_equal(open_door("", wiring, 0, &io, NULL), GH_OK);
    assert_int_equal(fake_chips[0].requests, 1);
    assert_int_equal(fake_chips[1].requests, 1);
    assert_null(fake_chips[1].lines[2].user);
    assert_int_equal(fake_chips[1].lines[1].level, 1); /* active low, and silent */
    assert_int_equal(io.set(io.context, RELAY | RED | GH_LINE_BIT(GH_LINE_BUZZER), NULL), GH_OK);
    assert_int_equal(fake_chips[0].lines[3].level, 1);
    assert_int_equal(fake_chips[0].lines[2].level, 1);
    assert_int_equal(fake_chips[1].lines[1].level, 0);
    io.free(io.context);
    assert_int_equal(fake_chips[1].lines[1].level, 1);
}

/* An active-low relay must not click at start: its level is right from the moment of the request.
 */
static void first_levels_come_with_the_request(void **state)
{
    (void)state;
    struct fake_line *lines = fake_chips[0].lines;
    struct gh_door_io io;
    struct gh_gpio_wiring wiring =
        wire(GH_LINE_RELAY, "GPIO2", true,
             wire(GH_LINE_GREEN, "GPIO3", true, wire(GH_LINE_RED, "GPIO4", false, nothing)));
    assert_int_equal(open_door("gpiochip0", wiring, GREEN | RED, &io, NULL), GH_OK);
    assert_int_equal(fake_chips[0].sets, 0);
    assert_int_equal(fake_chips[0].requests, 1);
    assert_int_equal(lines[2].level, 1);
    assert_int_equal(lines[3].level, 0);
    assert_int_equal(lines[4].level, 1);
    assert_int_equal(lines[2].level_changes + lines[3].level_changes + lines[4].level_changes, 0);
    io.free(io.context);
    assert_int_equal(lines[2].level, 1);
    assert_int_equal(lines[3].level, 1);
    assert_int_equal(lines[4].level, 0);
}

static void setting_twice_changes_once(void **state)
{
    (void)state;
    struct gh_door_io io;
    assert_int_equal(
        open_door("gpiochip0", wire(GH_LINE_RELAY, "GPIO2", false, nothing), 0, &io, NULL), GH_OK);
    assert_int_equal(io.set(io.context, RELAY, NULL), GH_OK);
    assert_int_equal(io.set(io.context, RELAY | GREEN, NULL), GH_OK); /* green is not wired */
    assert_int_equal(fake_chips[0].lines[2].level_changes, 1);
    assert_int_equal(fake_chips[0].lines[2].level, 1);
    io.free(io.context);
}

static void lines_that_are_left_stay_as_they_are(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_gpio_wiring wiring =
        wire(GH_LINE_RELAY, "GPIO2", false, wire(GH_LINE_RED, "GPIO4", false, nothing));
    assert_int_equal(open_door("gpiochip0", wiring, 0, &io, NULL), GH_OK);
    assert_int_equal(io.set(io.context, RELAY, NULL), GH_OK);
    io.leave(io.context);
    assert_int_equal(fake_chips[0].lines[2].level, 1);
    assert_int_equal(fake_chips[0].lines[4].level, 0);
    assert_int_equal(open_door("gpiochip0", wiring, 0, &io, NULL), GH_OK); /* free for others */
    io.free(io.context);
}

static void a_door_without_wires_works(void **state)
{
    (void)state;
    struct gh_door_io io;
    assert_int_equal(open_door("", nothing, RELAY, &io, NULL), GH_OK);
    assert_int_equal(io.set(io.context, RELAY, NULL), GH_OK);
    io.free(io.context);
}

static void expect_refusal(const char *chip, struct gh_gpio_wiring wiring, enum gh_status status,
                           const char *first, const char *second)
{
    struct gh_door_io io = {.context = &io};
    struct gh_error err = {0};
    assert_int_equal(open_door(chip, wiring, RELAY, &io, &err), status);
    assert_null(io.context);
    assert_int_equal(err.status, status);
    if (strstr(err.text, first) == NULL || strstr(err.text, second) == NULL) {
        fail_msg("'%s' does not say '%s' and '%s'", err.text, first, second);
    }
}

static void busy_lines_name_who_has_them(void **state)
{
    (void)state;
    struct gh_gpio_wiring relay = wire(GH_LINE_RELAY, "GPIO2", false, nothing);
    expect_refusal("gpiochip0", wire(GH_LINE_RED, "LED", false, relay), GH_ERR_BUSY, "lamp_red",
                   "led-driver");
    expect_refusal("gpiochip0", wire(GH_LINE_RED, "7", false, relay), GH_ERR_BUSY, "line 7",
                   "no name");
    /* the line that was free is free still */
    assert_null(fake_chips[0].lines[2].user);
    assert_int_equal(fake_chips[0].lines[2].level, 0);
}

static void what_is_not_there_is_named(void **state)
{
    (void)state;
    struct gh_gpio_wiring relay = wire(GH_LINE_RELAY, "GPIO2", false, nothing);
    expect_refusal("gpiochip3", relay, GH_ERR_NOTFOUND, "gpiochip3", "");
    expect_refusal("gpiochip7", relay, GH_ERR_NOTFOUND, "gpiochip7", "");
    expect_refusal("/nowhere/gpiochip0", relay, GH_ERR_NOTFOUND, "/nowhere/gpiochip0", "");
    struct gh_gpio_wiring wrong = wire(GH_LINE_GREEN, "GPIO99", false, relay);
    expect_refusal("gpiochip0", wrong, GH_ERR_NOTFOUND, "lamp_green", "GPIO99");
    expect_refusal("", wrong, GH_ERR_NOTFOUND, "lamp_green", "GPIO99");
    wrong = wire(GH_LINE_GREEN, "8", false, relay);
    expect_refusal("gpiochip0", wrong, GH_ERR_NOTFOUND, "lamp_green", "8");
    wrong = wire(GH_LINE_GREEN, "99999999999999999999999", false, relay);
    expect_refusal("gpiochip0", wrong, GH_ERR_NOTFOUND, "lamp_green", "9999");
    wrong = wire(GH_LINE_GREEN, "4294967298", false, relay); /* 2 in 32 bits */
    expect_refusal("gpiochip0", wrong, GH_ERR_NOTFOUND, "lamp_green", "4294967298");
}

/* What could have been meant. */
static void near_names_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *chip, *name, *words;
    } cases[] = {
        {"gpiochip0", "GPIO71", "gpiochip0 has no line named GPIO71; it has GPIO2 to GPIO4"},
        {"gpiochip0", "gpio3", "no line named gpio3; it has GPIO3"},
        {"gpiochip0", "led7", "no line named led7; it has LED"},
        {"gpiochip0", "RELAY", "no line named RELAY; it has GPIO2, GPIO3, GPIO4 and 1 more"},
        {"gpiochip10", "GPIO17", "no line named GPIO17; it has GPIO3"},
        {"gpiochip10", "RELAY", "no line named RELAY; it has BUZZ, GPIO3"},
        {"", "GPIO71", "has a line named GPIO71; gpiochip has GPIO2 to GPIO4"},
        {"", "RELAY", "has a line named RELAY"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        expect_refusal(cases[i].chip, wire(GH_LINE_RELAY, cases[i].name, false, nothing),
                       GH_ERR_NOTFOUND, "relay: ", cases[i].words);
    }
    for (size_t i = 0; i < FAKE_LINES; i++) {
        fake_chips[1].lines[i].name = NULL;
    }
    expect_refusal("gpiochip10", wire(GH_LINE_RELAY, "GPIO17", false, nothing), GH_ERR_NOTFOUND,
                   "relay: ", "; it has only lines without names");
    /* as long as the kernel has them */
    char names[4][32];
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        memset(names[i], 'a' + (int)i, 31);
        names[i][31] = '\0';
        fake_chips[1].lines[i].name = names[i];
    }
    expect_refusal("gpiochip10", wire(GH_LINE_RELAY, "GPIO17", false, nothing), GH_ERR_NOTFOUND,
                   names[2], " and 1 more");
}

/* --- looking only --- */

static void lines_can_be_looked_at(void **state)
{
    (void)state;
    struct gh_gpio_look look;
    struct gh_gpio_wiring wiring =
        wire(GH_LINE_RELAY, "GPIO3", false,
             wire(GH_LINE_GREEN, "LED", false, wire(GH_LINE_RED, "GPIO99", false, nothing)));
    wiring = wire_input(GH_INPUT_EXIT, "BUZZ", false,
                        wire_input(GH_INPUT_FIRE, "GPIO3", false,
                                   wire_input(GH_INPUT_GUARD, "GPIO4", false, wiring)));
    fake_chips[0].lines[4].user = "gatehouse"; /* the gate runs */
    gh_door_gpio_look_in(folder, &wiring, &look);

    const struct gh_gpio_seen *seen = &look.lines[GH_LINE_RELAY];
    assert_string_equal(seen->what, "relay");
    assert_string_equal(seen->name, "GPIO3");
    assert_non_null(strstr(seen->chip, "/gpiochip"));
    assert_string_equal(seen->label, "board");
    assert_int_equal(seen->offset, 3);
    assert_string_equal(seen->line_name, "GPIO3");
    assert_string_equal(seen->user, "");
    assert_string_equal(seen->wrong, "");
    seen = &look.lines[GH_LINE_BUZZER];
    assert_string_equal(seen->what, "buzzer");
    assert_true(seen->name[0] == '\0' && seen->chip[0] == '\0' && seen->offset == -1);
    seen = &look.lines[GH_LINE_GREEN];
    assert_int_equal(seen->offset, 6);
    assert_string_equal(seen->user, "led-driver");
    assert_non_null(strstr(seen->wrong, "lamp_green: line 6 of "));
    assert_non_null(strstr(seen->wrong, "in use by led-driver"));
    seen = &look.lines[GH_LINE_RED];
    assert_true(seen->chip[0] == '\0' && seen->offset == -1);
    assert_non_null(strstr(seen->wrong, "lamp_red: none of "));
    seen = &look.inputs[GH_INPUT_EXIT];
    assert_string_equal(seen->label, "expander");
    assert_string_equal(seen->line_name, "BUZZ");
    assert_int_equal(seen->offset, 1);
    assert_string_equal(seen->wrong, "");
    seen = &look.inputs[GH_INPUT_FIRE];
    assert_int_equal(seen->offset, 3);
    assert_non_null(strstr(seen->wrong, "relay and fire are both wired to line 3"));
    seen = &look.inputs[GH_INPUT_GUARD];
    assert_string_equal(seen->user, "gatehouse");
    assert_string_equal(seen->wrong, "");

    /* nothing was touched, and all of it is said of a chip that is not there */
    assert_null(fake_chips[0].lines[3].user);
    snprintf(wiring.chip, sizeof(wiring.chip), "gpiochip99");
    gh_door_gpio_look_in(folder, &wiring, &look);
    assert_non_null(strstr(look.lines[GH_LINE_RELAY].wrong, "gpiochip99"));
    assert_non_null(strstr(look.inputs[GH_INPUT_FIRE].wrong, "gpiochip99"));
    snprintf(wiring.chip, sizeof(wiring.chip), "gpiochip0");
    snprintf(wiring.lines[GH_LINE_RELAY].name, sizeof(wiring.lines[0].name), "7");
    gh_door_gpio_look_in(folder, &wiring, &look);
    assert_string_equal(look.lines[GH_LINE_RELAY].line_name, "");
    assert_non_null(strstr(look.lines[GH_LINE_RELAY].wrong, "something that gives no name"));
}

static void a_number_alone_names_no_chip(void **state)
{
    (void)state;
    expect_refusal("", wire(GH_LINE_RELAY, "2", false, nothing), GH_ERR_INVALID, "relay", "chip");
}

static void one_line_cannot_do_two_things(void **state)
{
    (void)state;
    struct gh_gpio_wiring relay = wire(GH_LINE_RELAY, "GPIO2", false, nothing);
    expect_refusal("gpiochip0", wire(GH_LINE_BUZZER, "2", true, relay), GH_ERR_INVALID, "relay",
                   "buzzer");
    expect_refusal("", wire(GH_LINE_BUZZER, "GPIO2", true, relay), GH_ERR_INVALID, "relay",
                   "buzzer");
}

static void permission_is_told_from_absence(void **state)
{
    (void)state;
    struct gh_gpio_wiring relay = wire(GH_LINE_RELAY, "GPIO2", false, nothing);
    fake_chips[0].open_errno = EACCES;
    expect_refusal("gpiochip0", relay, GH_ERR_DENIED, "gpiochip0", "");
    expect_refusal("", relay, GH_ERR_DENIED, "GPIO2", "");
    /* another chip's line can still be had */
    struct gh_door_io io;
    assert_int_equal(open_door("", wire(GH_LINE_RELAY, "BUZZ", false, nothing), 0, &io, NULL),
                     GH_OK);
    io.free(io.context);
}

/* The second chip refuses: what the first one has given is put to rest and given back. */
static void half_a_door_is_none(void **state)
{
    (void)state;
    struct gh_gpio_wiring wiring =
        wire(GH_LINE_RELAY, "GPIO2", false, wire(GH_LINE_BUZZER, "BUZZ", false, nothing));
    fake_chips[1].lines[1].user = "beeper";
    expect_refusal("", wiring, GH_ERR_BUSY, "buzzer", "beeper");
    assert_null(fake_chips[0].lines[2].user);
    assert_int_equal(fake_chips[0].lines[2].level, 0);
    assert_int_equal(fake_chips[0].lines[2].level_changes, 1); /* it was active, as asked */

    fake_chips[1].lines[1].user = NULL;
    fake_chips[1].request_errno = EINVAL;
    expect_refusal("", wiring, GH_ERR_INVALID, "gpiochip10", "");
    fake_chips[1].request_errno = EBUSY; /* and it does not say which */
    expect_refusal("", wiring, GH_ERR_BUSY, "gpiochip10", "in use");
}

static void a_chip_that_fails_does_not_stop_the_others(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_error err = {0};
    struct gh_gpio_wiring wiring =
        wire(GH_LINE_BUZZER, "BUZZ", false, wire(GH_LINE_RELAY, "GPIO2", false, nothing));
    assert_int_equal(open_door("", wiring, RELAY, &io, NULL), GH_OK);
    assert_int_equal(fake_chips[0].lines[2].level, 1);
    fake_chips[0].set_errno = EIO;
    assert_int_equal(io.set(io.context, GH_LINE_BIT(GH_LINE_BUZZER), &err), GH_ERR_IO);
    assert_non_null(strstr(err.text, folder));
    assert_int_equal(fake_chips[1].lines[1].level, 1);
    fake_chips[0].set_errno = 0;
    assert_int_equal(io.set(io.context, 0, NULL), GH_OK);
    assert_int_equal(fake_chips[0].lines[2].level, 0);
    io.free(io.context);
}

/* At the end the relay rests at its inactive level even while the door was unlocked. */
static void at_the_end_everything_is_inactive(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_gpio_wiring wiring =
        wire(GH_LINE_RELAY, "GPIO2", true, wire(GH_LINE_GREEN, "GPIO3", false, nothing));
    assert_int_equal(open_door("gpiochip0", wiring, RELAY | GREEN, &io, NULL), GH_OK);
    io.free(io.context);
    assert_int_equal(fake_chips[0].lines[2].level, 1);
    assert_int_equal(fake_chips[0].lines[3].level, 0);
    assert_int_equal(fake_chips[0].sets, 1);
    assert_false(fake_chips[0].lines[2].is_output);
}

/* --- the contact --- */

enum { UNKNOWN, OPEN, SHUT };

static unsigned contact_of(const struct gh_door_io *io)
{
    struct gh_door_inputs inputs = io->inputs(io->context);
    if ((inputs.known & GH_INPUT_BIT(GH_INPUT_CONTACT)) == 0) {
        return UNKNOWN;
    }
    return inputs.active & GH_INPUT_BIT(GH_INPUT_CONTACT) ? OPEN : SHUT;
}

static void the_contact_is_read(void **state)
{
    (void)state;
    struct fake_line *contact = &fake_chips[0].lines[4];
    for (int low = 0; low < 2; low++) {
        struct gh_door_io io;
        struct gh_gpio_wiring wiring = wire_input(GH_INPUT_CONTACT, "GPIO4", low,
                                                  wire(GH_LINE_RELAY, "GPIO3", false, nothing));
        assert_int_equal(open_door("", wiring, 0, &io, NULL), GH_OK);
        assert_int_equal(io.inputs_wired, GH_INPUT_BIT(GH_INPUT_CONTACT));
        assert_string_equal(contact->user, "gatehouse");
        assert_false(contact->is_output); /* never driven: there may be a voltage on it */
        for (int level = 0; level < 2; level++) {
            contact->level = level;
            assert_int_equal(contact_of(&io), level != low ? OPEN : SHUT);
        }
        assert_int_equal(io.set(io.context, RELAY, NULL), GH_OK); /* the relay is what moves */
        assert_int_equal(contact->level_changes, 0);
        fake_chips[0].get_errno = EIO;
        assert_int_equal(contact_of(&io), UNKNOWN);
        fake_chips[0].get_errno = 0;
        io.free(io.context);
        assert_null(contact->user);
    }
}

static void the_contact_may_be_on_a_chip_of_its_own(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_gpio_wiring wiring =
        wire_input(GH_INPUT_CONTACT, "BUZZ", false, wire(GH_LINE_RELAY, "GPIO2", false, nothing));
    assert_int_equal(open_door("", wiring, RELAY, &io, NULL), GH_OK);
    fake_chips[1].lines[1].level = 1;
    assert_int_equal(contact_of(&io), OPEN);
    assert_int_equal(io.set(io.context, 0, NULL), GH_OK);
    assert_int_equal(fake_chips[1].sets, 0); /* there is nothing to set on it */
    io.free(io.context);
    /* nothing else is wired: not a door, but a bench */
    assert_int_equal(
        open_door("gpiochip0", wire_input(GH_INPUT_CONTACT, "4", false, nothing), 0, &io, NULL),
        GH_OK);
    assert_int_equal(contact_of(&io), SHUT);
    io.free(io.context);
}

static void without_a_contact_there_is_none(void **state)
{
    (void)state;
    struct gh_door_io io;
    assert_int_equal(
        open_door("gpiochip0", wire(GH_LINE_RELAY, "GPIO3", false, nothing), 0, &io, NULL), GH_OK);
    assert_int_equal(io.inputs_wired, 0);
    io.free(io.context);
}

static void a_contact_that_cannot_be_had_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *chip, *name;
        enum gh_status status;
        const char *words;
    } cases[] = {
        {"", "LED", GH_ERR_BUSY, "contact: line 6 of"},
        {"gpiochip0", "7", GH_ERR_BUSY, "something that gives no name"},
        {"", "GPIO99", GH_ERR_NOTFOUND, "contact: none of"},
        {"gpiochip0", "99", GH_ERR_NOTFOUND, "contact: "},
        {"gpiochip0", "3", GH_ERR_INVALID, "relay and contact are both wired to line 3"},
        {"", "4", GH_ERR_INVALID, "contact: line number 4 needs the name of its chip"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_door_io io;
        struct gh_error err = {0};
        struct gh_gpio_wiring wiring = wire_input(GH_INPUT_CONTACT, cases[i].name, false,
                                                  wire(GH_LINE_RELAY, "GPIO3", false, nothing));
        assert_int_equal(open_door(cases[i].chip, wiring, RELAY, &io, &err), cases[i].status);
        if (strstr(err.text, cases[i].words) == NULL) {
            fail_msg("'%s' does not say '%s'", err.text, cases[i].words);
        }
        assert_null(fake_chips[0].lines[3].user); /* nothing is half done */
        assert_int_equal(fake_chips[0].lines[3].level, 0);
    }
}

static void the_real_folder_has_no_such_chip(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_error err = {0};
    struct gh_gpio_wiring wiring = wire(GH_LINE_RELAY, "17", false, nothing);
    snprintf(wiring.chip, sizeof(wiring.chip), "gpiochip4711");
    assert_int_equal(gh_door_gpio_new(&wiring, &rig_clock, 0, 0, &io, &err), GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "/dev/gpiochip4711"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(by_name_offset_and_path_of_the_chip),
        TEST(a_chip_may_be_named_by_its_label),
        TEST(names_are_looked_up_on_all_chips),
        TEST(first_levels_come_with_the_request),
        TEST(setting_twice_changes_once),
        TEST(lines_that_are_left_stay_as_they_are),
        TEST(a_door_without_wires_works),
        TEST(busy_lines_name_who_has_them),
        TEST(what_is_not_there_is_named),
        TEST(near_names_are_told),
        TEST(lines_can_be_looked_at),
        TEST(a_number_alone_names_no_chip),
        TEST(one_line_cannot_do_two_things),
        TEST(permission_is_told_from_absence),
        TEST(half_a_door_is_none),
        TEST(a_chip_that_fails_does_not_stop_the_others),
        TEST(at_the_end_everything_is_inactive),
        TEST(the_contact_is_read),
        TEST(the_contact_may_be_on_a_chip_of_its_own),
        TEST(without_a_contact_there_is_none),
        TEST(a_contact_that_cannot_be_had_is_named),
        TEST(the_real_folder_has_no_such_chip),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
