/* SPDX-License-Identifier: Apache-2.0 */
/* Chips that go away and come back, and those that only fall silent. */
#include "fakes/gpiod/rig.h"

#include <sys/wait.h>

#define EXIT GH_INPUT_BIT(GH_INPUT_EXIT)

/* The relay and the exit button are on the expander, gpiochip10; the lamp is on the board. */
static struct gh_gpio_wiring expander_door(void)
{
    return wire_input(
        GH_INPUT_EXIT, "PRESS", false,
        wire(GH_LINE_RELAY, "BUZZ", false, wire(GH_LINE_GREEN, "GPIO2", false, nothing)));
}

static int plug_expander(void **state)
{
    plug_chips(state);
    fake_chips[1].lines[5].name = "PRESS";
    return 0;
}

static void open_expander(struct gh_door_io *io, struct gh_gpio_wiring wiring)
{
    assert_int_equal(open_door("", wiring, 0, io, NULL), GH_OK);
    struct gh_door_inputs inputs = io->inputs(io->context);
    assert_int_equal(inputs.known, EXIT);
}

static void unplug(void)
{
    fake_unplug(&fake_chips[1]);
    remove_file("gpiochip10");
}

/* It is in the struct after it, as the old one is still open. */
static struct fake_chip *plug(const char *device)
{
    fake_plug(&fake_chips[2], device, &fake_chips[1]);
    make_file(device);
    return &fake_chips[2];
}

static void tidy(struct gh_door_io *io, const char *device)
{
    io->free(io->context);
    if (device != NULL) {
        remove_file(device);
    }
    make_file("gpiochip10");
}

static void expect_known(const struct gh_door_io *io, unsigned known)
{
    struct gh_door_inputs inputs = io->inputs(io->context);
    assert_int_equal(inputs.known, known);
    assert_int_equal(inputs.active & ~known, 0);
}

static void expect_gone(struct gh_door_io *io, unsigned active)
{
    struct gh_error err = {0};
    assert_int_equal(io->set(io->context, active, &err), GH_ERR_GONE);
    if (strstr(err.text, "gpiochip10 is gone, and relay with it") == NULL) {
        fail_msg("'%s'", err.text);
    }
}

static void a_chip_that_goes_is_named(void **state)
{
    (void)state;
    struct gh_door_io io;
    open_expander(&io, expander_door());
    fake_edge(&fake_chips[1].lines[5], 1);
    unplug();
    assert_true(is_readable(&io, false)); /* the kernel says so of a line with edges */
    expect_known(&io, 0);
    assert_false(is_readable(&io, false)); /* and that is all there is to hear */
    expect_gone(&io, RELAY | GREEN);
    assert_int_equal(fake_chips[0].lines[2].level, 1); /* the others move */
    assert_int_equal(fake_chips[1].open, 0);           /* nothing is held on to */
    assert_int_equal(fake_chips[1].requests, 0);
    expect_gone(&io, RELAY);
    tidy(&io, NULL);
}

/* There, but its lines cannot be had: it is tried once a second, whoever asks how often. */
static void it_is_looked_for_with_pauses(void **state)
{
    (void)state;
    struct gh_door_io io;
    open_expander(&io, expander_door());
    unplug();
    make_file("gpiochip10");
    struct fake_chip *back = &fake_chips[2];
    fake_plug(back, "gpiochip10", &fake_chips[1]);
    back->request_errno = EIO;
    for (int second = 1; second <= 5; second++) {
        for (int i = 0; i < 100; i++) {
            expect_known(&io, 0);
            expect_gone(&io, RELAY);
        }
        assert_int_equal(back->opened, 2 * second); /* the inputs and the outputs */
        pass_ms(1000);
    }
    assert_true(is_readable(&io, true)); /* it is not forgotten */
    back->request_errno = 0;
    expect_known(&io, EXIT);
    assert_int_equal(io.set(io.context, RELAY, NULL), GH_OK);
    assert_int_equal(back->lines[1].level, 1);
    remove_file("gpiochip10");
    tidy(&io, NULL);
}

/* With what was asked for last, while nobody sets anything: a door that is kept locked by a relay
 * that is held has to be so again. */
static void it_comes_back_as_it_was_asked_for(void **state)
{
    (void)state;
    struct gh_door_io io;
    char text[1024];
    FILE *file;
    open_expander(&io, expander_door());
    assert_int_equal(io.set(io.context, RELAY, NULL), GH_OK);
    int terminal = begin_log(&file);
    unplug();
    expect_known(&io, 0);
    pass_ms(1000);
    assert_false(io.outgrown(io.context));
    struct fake_chip *back = plug("gpiochip10");
    back->lines[5].level = 1;
    expect_known(&io, EXIT);
    pass_ms(1000);
    expect_known(&io, EXIT);
    end_log(file, terminal, text, sizeof(text));
    assert_true(io.outgrown(io.context)); /* for a child of before */
    assert_int_equal(back->lines[1].level, 1);
    assert_string_equal(back->lines[1].user, "gatehouse");
    assert_int_equal(back->sets, 0); /* it came with the request */
    assert_non_null(strstr(text, "gpiochip10 is gone, with exit"));
    assert_non_null(strstr(text, "gpiochip10 is gone, with relay"));
    assert_non_null(strstr(text, "gpiochip10 is back, with exit"));
    assert_non_null(strstr(text, "gpiochip10 is back, with relay"));

    fake_edge(&back->lines[5], 0); /* all is as it was */
    assert_true(is_readable(&io, false));
    struct gh_door_inputs inputs = io.inputs(io.context);
    assert_int_equal(inputs.active, 0);
    assert_int_equal(io.set(io.context, 0, NULL), GH_OK);
    assert_int_equal(back->lines[1].level, 0);
    remove_file("gpiochip10");
    tidy(&io, NULL);
}

/* Unplugged and plugged in before anybody looked: who sets does not notice. */
static void a_short_absence_is_none(void **state)
{
    (void)state;
    struct gh_door_io io;
    open_expander(&io, expander_door());
    fake_unplug(&fake_chips[1]);
    fake_plug(&fake_chips[2], "gpiochip10", &fake_chips[1]);
    assert_int_equal(io.set(io.context, RELAY, NULL), GH_OK);
    assert_int_equal(fake_chips[2].lines[1].level, 1);
    expect_known(&io, EXIT);
    assert_int_equal(fake_chips[1].open, 0);
    tidy(&io, NULL);
}

/* Which is usual: the number is free only when the last one who has the old chip open lets go. */
static void it_may_have_another_number_then(void **state)
{
    (void)state;
    struct gh_door_io io;
    open_expander(&io, expander_door());
    unplug();
    struct fake_chip *back = plug("gpiochip3");
    back->lines[1].name = NULL; /* and other places for its lines */
    back->lines[0].name = "BUZZ";
    assert_int_equal(io.set(io.context, RELAY, NULL), GH_OK);
    assert_int_equal(back->lines[0].level, 1);
    expect_known(&io, EXIT);
    assert_int_equal(back->requests, 2);
    tidy(&io, "gpiochip3");
}

/* Also a chip that the configuration names, with lines by name or by number. */
static void so_does_a_chip_that_is_named(void **state)
{
    (void)state;
    for (int by_number = 0; by_number < 2; by_number++) {
        struct gh_door_io io;
        char text[1024];
        FILE *file;
        plug_expander(state);
        struct gh_gpio_wiring wiring =
            wire(GH_LINE_RELAY, by_number ? "1" : "BUZZ", false, nothing);
        assert_int_equal(open_door("gpiochip10", wiring, 0, &io, NULL), GH_OK);
        unplug();
        struct fake_chip *back = plug("gpiochip3");
        back->hidden = 1; /* another one of this label */
        assert_int_equal(io.set(io.context, RELAY, NULL), GH_ERR_GONE);
        back->hidden = 0;
        pass_ms(1000);
        int terminal = begin_log(&file);
        assert_int_equal(io.set(io.context, RELAY, NULL), GH_OK);
        end_log(file, terminal, text, sizeof(text));
        assert_int_equal(back->lines[1].level, 1);
        /* A start would not find it: this door goes on, and says what to do. */
        assert_false(io.outgrown(io.context));
        assert_non_null(strstr(text, "chip = expander"));
        tidy(&io, "gpiochip3");
        assert_int_equal(back->open, 0);
    }
}

/* One that is named by its label is found at a start, too. */
static void so_is_one_that_is_named_by_its_label(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_gpio_wiring wiring = wire(GH_LINE_RELAY, "1", false, nothing);
    assert_int_equal(open_door("expander", wiring, 0, &io, NULL), GH_OK);
    unplug();
    struct fake_chip *back = plug("gpiochip3");
    assert_int_equal(io.set(io.context, RELAY, NULL), GH_OK);
    assert_int_equal(back->lines[1].level, 1);
    assert_true(io.outgrown(io.context));
    io.free(io.context);
    assert_int_equal(open_door("expander", wiring, RELAY, &io, NULL), GH_OK);
    assert_int_equal(back->lines[1].level, 1);
    tidy(&io, "gpiochip3");
}

/* A relay that is somebody else's is worse than none. */
static void another_chip_is_not_taken_for_it(void **state)
{
    (void)state;
    struct gh_door_io io;
    /* its twin, which has been there all the time */
    fake_plug(&fake_chips[3], "gpiochip8", &fake_chips[1]);
    make_file("gpiochip8");
    struct gh_gpio_wiring wiring = expander_door();
    assert_int_equal(open_door("", wiring, 0, &io, NULL), GH_OK);
    struct fake_chip *mine = fake_chips[3].requests > 0 ? &fake_chips[3] : &fake_chips[1];
    assert_true(mine == &fake_chips[3]); /* the lower number comes first */
    fake_unplug(mine);
    remove_file("gpiochip8");
    struct gh_error err = {0};
    assert_int_equal(io.set(io.context, RELAY, &err), GH_ERR_GONE);
    expect_known(&io, 0);
    assert_int_equal(fake_chips[1].opened, fake_chips[1].open);

    /* another sort of chip at its place, with lines of these names */
    fake_plug(&fake_chips[2], "gpiochip8", &fake_chips[1]);
    make_file("gpiochip8");
    fake_chips[2].label = "somebody's";
    pass_ms(1000);
    assert_int_equal(io.set(io.context, RELAY, NULL), GH_ERR_GONE);
    expect_known(&io, 0);
    /* the same sort, but without the line */
    fake_chips[2].label = "expander";
    fake_chips[2].lines[1].name = "RENAMED";
    pass_ms(1000);
    assert_int_equal(io.set(io.context, RELAY, NULL), GH_ERR_GONE);
    /* and this is it */
    fake_chips[2].lines[1].name = "BUZZ";
    pass_ms(1000);
    assert_int_equal(io.set(io.context, RELAY, NULL), GH_OK);
    expect_known(&io, EXIT);
    assert_int_equal(fake_chips[2].lines[1].level, 1);
    assert_int_equal(fake_chips[1].requests, 0);
    io.free(io.context);
    remove_file("gpiochip8");
}

static void somebody_may_have_been_faster(void **state)
{
    (void)state;
    struct gh_door_io io;
    char text[1024];
    FILE *file;
    open_expander(&io, expander_door());
    unplug();
    struct fake_chip *back = plug("gpiochip3");
    back->lines[5].user = "gpio-keys";
    int terminal = begin_log(&file);
    expect_known(&io, 0);
    end_log(file, terminal, text, sizeof(text));
    assert_non_null(strstr(text, "exit: line 5 of"));
    assert_non_null(strstr(text, "in use by gpio-keys"));
    back->lines[5].user = NULL;
    expect_known(&io, 0); /* not yet */
    pass_ms(1000);
    expect_known(&io, EXIT);
    tidy(&io, "gpiochip3");
}

/* A door that has outputs alone is looked after just so. */
static void outputs_are_missed_by_nobody_but_the_timer(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_gpio_wiring wiring = wire(GH_LINE_RELAY, "BUZZ", true, nothing);
    assert_int_equal(open_door("", wiring, RELAY, &io, NULL), GH_OK);
    assert_false(io.inputs(io.context).lines_gone);
    unplug();
    pass_ms(GH_GPIO_TICK_MS);
    assert_true(io.inputs(io.context).lines_gone);
    struct fake_chip *back = plug("gpiochip3");
    back->lines[1].level = 1;
    assert_true(is_readable(&io, true));
    expect_known(&io, 0); /* a moment early, by this clock */
    assert_int_equal(back->open, 0);
    pass_ms(GH_GPIO_TICK_MS);
    expect_known(&io, 0);
    assert_false(io.inputs(io.context).lines_gone);
    assert_int_equal(back->requests, 1);
    assert_int_equal(back->lines[1].level, 0); /* active low, and active */
    tidy(&io, "gpiochip3");
}

/* --- a chip that is there and does not answer --- */

/* An expander whose cable is pulled: its driver stays, its lines come up as inputs. */
static void a_silent_chip_is_told_everything_again(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_error err = {0};
    struct fake_line *relay = &fake_chips[1].lines[1];
    open_expander(&io, expander_door());
    fake_chips[1].set_errno = EREMOTEIO;
    relay->is_dead = true;
    assert_int_equal(io.set(io.context, RELAY, &err), GH_ERR_IO);
    assert_non_null(strstr(err.text, "gpiochip10"));
    fake_chips[1].set_errno = 0;
    assert_int_equal(io.set(io.context, RELAY, NULL), GH_OK);
    assert_int_equal(relay->level, 1);
    assert_false(relay->is_dead);

    fake_chips[1].get_errno = EREMOTEIO; /* and now it is the timer that notices */
    relay->is_dead = true;
    relay->level = 0;
    pass_ms(GH_GPIO_TICK_MS);
    expect_known(&io, 0);
    fake_chips[1].get_errno = 0;
    pass_ms(GH_GPIO_RETRY_MS);
    expect_known(&io, EXIT);
    assert_int_equal(relay->level, 1);
    assert_int_equal(fake_chips[1].requests, 2); /* the lines were ours all the time */
    assert_int_equal(fake_chips[1].opened, 3);   /* for finding, inputs and outputs */
    io.free(io.context);
}

/* --- after a fork --- */

static int run_child(void (*body)(struct gh_door_io *io), struct gh_door_io *io)
{
    int result = -1;
    pid_t child = fork();
    if (child == 0) {
        body(io);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

static void child_sets(struct gh_door_io *io)
{
    bool good = io->set(io->context, 0, NULL) == GH_OK && fake_chips[1].lines[1].level == 0;
    _exit(good && fake_violations == 0 ? 0 : 1);
}

/* What the child asked for is what counts when the chip is back: it is the keeper. */
static void a_child_can_set_what_stands(void **state)
{
    (void)state;
    struct gh_door_io io;
    open_expander(&io, expander_door());
    assert_int_equal(io.set(io.context, RELAY, NULL), GH_OK);
    assert_int_equal(run_child(child_sets, &io), 0);
    unplug();
    struct fake_chip *back = plug("gpiochip10");
    pass_ms(GH_GPIO_TICK_MS);
    expect_known(&io, EXIT);
    assert_int_equal(back->requests, 2);
    assert_int_equal(back->lines[1].level, 0);
    remove_file("gpiochip10");
    tidy(&io, NULL);
}

static void child_finds_it_gone(struct gh_door_io *io)
{
    struct gh_error err = {0};
    fake_unplug(&fake_chips[1]);
    fake_plug(&fake_chips[2], "gpiochip10", &fake_chips[1]);
    bool good = io->set(io->context, GREEN, &err) == GH_ERR_GONE &&
                strstr(err.text, "gpiochip10") != NULL && fake_chips[0].lines[2].level == 1;
    pass_ms(5000);
    good = good && io->set(io->context, GREEN, NULL) == GH_ERR_GONE;
    _exit(good && fake_chips[2].opened == 0 && fake_chips[1].requests == 2 ? 0 : 1);
}

static void a_child_opens_nothing(void **state)
{
    (void)state;
    struct gh_door_io io;
    open_expander(&io, expander_door());
    assert_int_equal(run_child(child_finds_it_gone, &io), 0);
    io.free(io.context);
}

static void child_looks(struct gh_door_io *io)
{
    fake_chips[1].lines[5].level = 1;
    struct gh_door_inputs inputs = io->inputs(io->context);
    bool good = inputs.active == EXIT && inputs.known == EXIT;
    fake_chips[1].get_errno = EIO;
    inputs = io->inputs(io->context);
    good = good && inputs.known == 0;
    fake_unplug(&fake_chips[1]);
    pass_ms(5000);
    for (int i = 0; i < 10; i++) {
        inputs = io->inputs(io->context);
        good = good && inputs.known == 0;
    }
    _exit(good && fake_chips[1].reads == 0 && fake_chips[1].opened == 3 ? 0 : 1);
}

/* The keeper asks about a fire while its parent hangs; when that goes on, it finds its edges. */
static void a_child_takes_nothing_away(void **state)
{
    (void)state;
    struct gh_door_io io;
    open_expander(&io, expander_door());
    fake_edge(&fake_chips[1].lines[5], 1);
    assert_int_equal(run_child(child_looks, &io), 0);
    assert_true(is_readable(&io, false));
    struct gh_door_inputs inputs = io.inputs(io.context);
    assert_int_equal(inputs.active, EXIT);
    assert_false(is_readable(&io, false));
    fake_edge(&fake_chips[1].lines[5], 0);
    assert_true(is_readable(&io, false)); /* it is still listened to */
    io.free(io.context);
}

/* A process that was forked has every descriptor as well, and so keeps alive what the epoll knows.
 */
static void a_child_keeps_no_dead_line_alive(void **state)
{
    (void)state;
    struct gh_door_io io;
    int go[2], done[2], result = -1;
    char byte = 0;
    open_expander(&io, expander_door());
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(done), 0);
    pid_t child = fork();
    if (child == 0) { /* makes the line readable, and holds it for as long as the parent looks */
        bool good =
            read(go[0], &byte, 1) == 1 && write(fake_chips[1].lines[5].queue[1], "!", 1) == 1;
        good = good && write(done[1], "!", 1) == 1 && read(go[0], &byte, 1) == 1;
        _exit(good ? 0 : 1);
    }
    unplug();
    expect_known(&io, 0);
    assert_int_equal(write(go[1], "!", 1), 1);
    assert_int_equal(read(done[0], &byte, 1), 1);
    assert_false(is_readable(&io, false));
    assert_int_equal(write(go[1], "!", 1), 1);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    for (int i = 0; i < 2; i++) {
        close(go[i]);
        close(done[i]);
    }
    tidy(&io, NULL);
}

static void child_of_a_door_without_its_chip(struct gh_door_io *io)
{
    pass_ms(5000);
    bool good = io->set(io->context, RELAY, NULL) == GH_ERR_GONE;
    _exit(good && fake_chips[2].opened == 0 ? 0 : 1);
}

static void a_child_waits_for_no_chip(void **state)
{
    (void)state;
    struct gh_door_io io;
    open_expander(&io, expander_door());
    unplug();
    expect_known(&io, 0);
    expect_gone(&io, RELAY);
    (void)plug("gpiochip10");
    assert_int_equal(run_child(child_of_a_door_without_its_chip, &io), 0);
    remove_file("gpiochip10");
    tidy(&io, NULL);
}

/* Whatever its reason: a descriptor that only says so again and again is given back. */
static void a_line_that_hangs_up_is_requested_again(void **state)
{
    (void)state;
    struct gh_door_io io;
    open_expander(&io, expander_door());
    fake_hang_up(&fake_chips[1].lines[5]);
    assert_true(is_readable(&io, false));
    expect_known(&io, EXIT);
    assert_false(is_readable(&io, false));
    fake_edge(&fake_chips[1].lines[5], 1);
    assert_true(is_readable(&io, false));
    io.free(io.context);
}

#undef TEST
#define TEST(function) cmocka_unit_test_setup_teardown(function, plug_expander, unplug_chips)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_chip_that_goes_is_named),
        TEST(it_is_looked_for_with_pauses),
        TEST(it_comes_back_as_it_was_asked_for),
        TEST(a_short_absence_is_none),
        TEST(it_may_have_another_number_then),
        TEST(so_does_a_chip_that_is_named),
        TEST(so_is_one_that_is_named_by_its_label),
        TEST(another_chip_is_not_taken_for_it),
        TEST(somebody_may_have_been_faster),
        TEST(outputs_are_missed_by_nobody_but_the_timer),
        TEST(a_silent_chip_is_told_everything_again),
        TEST(a_child_can_set_what_stands),
        TEST(a_child_opens_nothing),
        TEST(a_child_takes_nothing_away),
        TEST(a_child_keeps_no_dead_line_alive),
        TEST(a_child_waits_for_no_chip),
        TEST(a_line_that_hangs_up_is_requested_again),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
