/* SPDX-License-Identifier: Apache-2.0 */
/* Listening: edges, and lines that have none or too many. */
#include "fakes/gpiod/rig.h"

#include <pthread.h>

#define BIT(input) GH_INPUT_BIT(GH_INPUT_##input)

static struct gh_door_inputs take(const struct gh_door_io *io)
{
    return io->inputs(io->context);
}

/* From the first moment on: nobody is locked in while the gate starts. */
static void in_a_fire_other_lines_come_first(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_gpio_wiring wiring = wire(GH_LINE_RELAY, "2", false, nothing);
    wiring = wire_input(GH_INPUT_FIRE, "4", true, wiring);
    for (int fire = 0; fire < 2; fire++) {
        for (int at_rest = 0; at_rest < 2; at_rest++) {
            plug_chips(state);
            fake_chips[0].lines[4].level = fire ? 0 : 1; /* active low */
            assert_int_equal(open_door("gpiochip0", wiring, at_rest ? RELAY : 0, &io, NULL), GH_OK);
            assert_int_equal(fake_chips[0].lines[2].level, at_rest ^ fire);
            assert_int_equal(fake_chips[0].sets, 0); /* it came with the request */
            io.free(io.context);
        }
    }
}

static void expect(const struct gh_door_io *io, unsigned active, unsigned known)
{
    struct gh_door_inputs inputs = take(io);
    assert_int_equal(inputs.active, active);
    assert_int_equal(inputs.known, known);
}

static void open_with_exit(struct gh_door_io *io)
{
    struct gh_gpio_wiring wiring =
        wire_input(GH_INPUT_EXIT, "GPIO4", false, wire(GH_LINE_RELAY, "GPIO2", false, nothing));
    assert_int_equal(open_door("", wiring, 0, io, NULL), GH_OK);
    expect(io, 0, BIT(EXIT));
    assert_false(is_readable(io, false));
}

static void every_input_has_its_line(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct fake_line *lines = fake_chips[0].lines;
    struct gh_gpio_wiring wiring = wire(GH_LINE_RELAY, "2", false, nothing);
    static const unsigned offsets[GH_INPUT_COUNT] = {0, 1, 3, 4, 5, 7};
    lines[7].user = NULL;
    for (unsigned input = 0; input < GH_INPUT_COUNT; input++) {
        char name[8];
        snprintf(name, sizeof(name), "%u", offsets[input]);
        wiring = wire_input((enum gh_input)input, name, input % 2, wiring);
        wiring.inputs[input].pull = (enum gh_gpio_pull)(input % 3);
    }
    wiring.debounce_us = 5000;
    assert_int_equal(open_door("gpiochip0", wiring, 0, &io, NULL), GH_OK);
    assert_int_equal(io.inputs_wired, GH_INPUT_BIT(GH_INPUT_COUNT) - 1);
    for (unsigned input = 0; input < GH_INPUT_COUNT; input++) {
        const struct fake_line *line = &lines[offsets[input]];
        static const int pulls[] = {0, 1, -1};
        assert_string_equal(line->user, "gatehouse");
        assert_true(line->is_input && line->has_edges && !line->is_output);
        assert_int_equal(line->pull, pulls[input % 3]);
        assert_int_equal(line->debounce_us, RIG_HAS_DEBOUNCE ? 5000 : 0);
    }
    for (unsigned levels = 0; levels < 1u << GH_INPUT_COUNT; levels++) {
        for (unsigned input = 0; input < GH_INPUT_COUNT; input++) {
            lines[offsets[input]].level = (levels >> input & 1) != 0;
        }
        expect(&io, levels ^ 0x2a, GH_INPUT_BIT(GH_INPUT_COUNT) - 1);
    }
    io.free(io.context);
}

static void an_edge_is_a_word(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct fake_line *line = &fake_chips[0].lines[4];
    open_with_exit(&io);
    fake_edge(line, 1);
    assert_true(is_readable(&io, false));
    expect(&io, BIT(EXIT), BIT(EXIT));
    assert_false(is_readable(&io, false));
    fake_edge(line, 0);
    fake_edge(line, 1); /* and has changed back */
    assert_true(is_readable(&io, false));
    expect(&io, BIT(EXIT), BIT(EXIT));
    assert_false(is_readable(&io, false));
    io.free(io.context);
}

static void inputs_may_be_on_several_chips(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_gpio_wiring wiring =
        wire_input(GH_INPUT_FIRE, "BUZZ", true,
                   wire_input(GH_INPUT_EXIT, "GPIO4", false,
                              wire_input(GH_INPUT_TAMPER, "GPIO2", false, nothing)));
    assert_int_equal(open_door("", wiring, 0, &io, NULL), GH_OK);
    expect(&io, BIT(FIRE), BIT(FIRE) | BIT(EXIT) | BIT(TAMPER));
    fake_edge(&fake_chips[1].lines[1], 1);
    fake_edge(&fake_chips[0].lines[2], 1);
    expect(&io, BIT(TAMPER), BIT(FIRE) | BIT(EXIT) | BIT(TAMPER));
    assert_false(is_readable(&io, false));
    io.free(io.context);
}

/* The kernel keeps 16 edges of a line; what came after them is in the level. */
static void a_full_queue_loses_nothing(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct fake_line *line = &fake_chips[0].lines[4];
    open_with_exit(&io);
    for (int i = 0; i < 39; i++) {
        fake_edge(line, i % 2 == 0);
    }
    assert_int_equal(line->lost, 23);
    expect(&io, BIT(EXIT), BIT(EXIT));
    assert_int_equal(fake_chips[0].reads, 1); /* and no more than that in a call */
    assert_false(is_readable(&io, false));
    io.free(io.context);
}

static void lines_without_interrupts_are_asked(void **state)
{
    (void)state;
    static const int errors[] = {ENXIO, EOPNOTSUPP, ENODEV, EINVAL, ENOSYS};
    for (size_t i = 0; i < GH_ARRAY_SIZE(errors); i++) {
        struct gh_door_io io;
        char text[512];
        FILE *file;
        struct gh_gpio_wiring wiring = wire_input(
            GH_INPUT_FIRE, "BUZZ", false, wire_input(GH_INPUT_EXIT, "GPIO4", false, nothing));
        wiring.inputs[GH_INPUT_FIRE].pull = GH_GPIO_PULL_UP;
        fake_chips[1].edge_errno = errors[i];
        int terminal = begin_log(&file);
        enum gh_status status = open_door("", wiring, 0, &io, NULL);
        end_log(file, terminal, text, sizeof(text));
        assert_int_equal(status, GH_OK);
        if (i == 0) { /* what is repeated is said once */
            assert_non_null(strstr(text, "fire: line 1 of"));
        }
        assert_true(fake_chips[0].lines[4].has_edges);
        assert_false(fake_chips[1].lines[1].has_edges);
        assert_int_equal(fake_chips[1].lines[1].pull, 1);
        expect(&io, 0, BIT(EXIT) | BIT(FIRE));
        fake_edge(&fake_chips[1].lines[1], 1);
        assert_true(is_readable(&io, true));
        expect(&io, BIT(FIRE), BIT(EXIT) | BIT(FIRE));
        assert_true(has_timer(GH_GPIO_POLL_MS)); /* and so on */
        assert_true(is_readable(&io, true));
        expect(&io, BIT(FIRE), BIT(EXIT) | BIT(FIRE));
        io.free(io.context);
        fake_edge(&fake_chips[1].lines[1], 0);
    }
}

/* All is well, and still there is a word now and then: for chips that go without one. */
static void a_quiet_door_is_looked_at(void **state)
{
    (void)state;
    struct gh_door_io io;
    open_with_exit(&io);
    assert_true(is_readable(&io, true));
    struct gh_door_inputs inputs = take(&io);
    assert_true(inputs.by_time); /* nothing has changed, and nobody says so */
    assert_int_equal(inputs.known, BIT(EXIT));
    assert_false(is_readable(&io, false));
    assert_true(is_readable(&io, true));
    fake_edge(&fake_chips[0].lines[4], 1);
    inputs = take(&io); /* both */
    assert_false(inputs.by_time);
    fake_edge(&fake_chips[0].lines[4], 0);
    inputs = take(&io);
    assert_false(inputs.by_time);
    io.free(io.context);
}

/* --- chatter --- */

/* As many edges as somebody who always answers can get, until there are no words for them. */
static void chatter(const struct gh_door_io *io, struct fake_line *line)
{
    for (int i = 0; i < 1000; i++) {
        fake_edge(line, !line->level);
        if (is_readable(io, false)) {
            (void)take(io);
        }
    }
}

static void chatter_is_left_alone(void **state)
{
    (void)state;
    struct gh_door_io io;
    char text[512];
    FILE *file;
    struct fake_line *line = &fake_chips[0].lines[4];
    open_with_exit(&io);
    int terminal = begin_log(&file);
    chatter(&io, line);
    end_log(file, terminal, text, sizeof(text));
    assert_non_null(strstr(text, "exit: over 100 edges within a second"));
    assert_int_equal(fake_chips[0].reads, GH_GPIO_EDGES_A_SECOND + 1);
    assert_int_equal(line->queued, FAKE_QUEUE);
    for (int i = 0; i < 4; i++) { /* by the timer it is heard all the same */
        line->level = i % 2;
        assert_true(is_readable(&io, true));
        expect(&io, i % 2 ? BIT(EXIT) : 0, BIT(EXIT));
    }
    assert_int_equal(fake_chips[0].reads, GH_GPIO_EDGES_A_SECOND + 1);
    assert_true(has_timer(GH_GPIO_POLL_MS));

    pass_ms(1000); /* a second later they have gone on: the queue was full */
    expect(&io, BIT(EXIT), BIT(EXIT));
    fake_edge(line, 0);
    chatter(&io, line);
    assert_int_equal(fake_chips[0].reads, GH_GPIO_EDGES_A_SECOND + 2);
    pass_ms(1000);
    expect(&io, 0, BIT(EXIT));
    fake_edge(line, 1); /* one, that is all */
    pass_ms(1000);
    expect(&io, BIT(EXIT), BIT(EXIT));
    fake_edge(line, 0);
    assert_true(is_readable(&io, false)); /* at once, as before */
    expect(&io, 0, BIT(EXIT));
    assert_true(has_timer(GH_GPIO_TICK_MS));
    io.free(io.context);
}

/* A hundred a second are many; in an hour they are not. */
static void many_edges_in_a_long_time_are_none_too_many(void **state)
{
    (void)state;
    struct gh_door_io io;
    open_with_exit(&io);
    for (int i = 0; i < 500; i++) {
        pass_ms(100);
        fake_edge(&fake_chips[0].lines[4], i % 2 == 0);
        assert_true(is_readable(&io, false));
        expect(&io, i % 2 == 0 ? BIT(EXIT) : 0, BIT(EXIT));
    }
    io.free(io.context);
}

/* --- what cannot be --- */

static void levels_that_cannot_be_read_are_not_known(void **state)
{
    (void)state;
    struct gh_door_io io;
    char text[512];
    FILE *file;
    open_with_exit(&io);
    fake_chips[0].lines[4].level = 1;
    fake_chips[0].get_errno = EIO;
    int terminal = begin_log(&file);
    expect(&io, 0, 0);
    expect(&io, 0, 0);
    fake_chips[0].get_errno = 0;
    expect(&io, BIT(EXIT), BIT(EXIT));
    end_log(file, terminal, text, sizeof(text));
    assert_non_null(strstr(text, "does not answer"));
    assert_null(strstr(strstr(text, "does not answer") + 1, "does not answer")); /* said once */
    assert_non_null(strstr(text, "answers again"));
    io.free(io.context);
}

static void expect_refusal(const char *chip, struct gh_gpio_wiring wiring, enum gh_status status,
                           const char *words)
{
    struct gh_door_io io;
    struct gh_error err = {0};
    wiring = wire(GH_LINE_RELAY, "GPIO3", false, wiring);
    assert_int_equal(open_door(chip, wiring, GH_LINE_BIT(GH_LINE_RELAY), &io, &err), status);
    if (strstr(err.text, words) == NULL) {
        fail_msg("'%s' does not say '%s'", err.text, words);
    }
    assert_null(io.context);
    assert_int_equal(fake_chips[0].lines[3].level_changes, 0); /* nothing has moved */
}

static void what_cannot_be_had_is_named(void **state)
{
    (void)state;
    struct gh_gpio_wiring exit = wire_input(GH_INPUT_EXIT, "GPIO4", false, nothing);
    expect_refusal("", wire_input(GH_INPUT_FIRE, "LED", false, exit), GH_ERR_BUSY,
                   "fire: line 6 of ");
    expect_refusal("", wire_input(GH_INPUT_FIRE, "LED", false, exit), GH_ERR_BUSY,
                   "in use by led-driver");
    expect_refusal("", wire_input(GH_INPUT_FIRE, "GPIO4", false, exit), GH_ERR_INVALID,
                   "exit and fire are both wired to line 4 of ");
    expect_refusal("gpiochip0", wire_input(GH_INPUT_FIRE, "3", false, exit), GH_ERR_INVALID,
                   "relay and fire are both wired to line 3 of ");
    expect_refusal("", wire_input(GH_INPUT_OTHER_DOOR, "GPIO99", false, exit), GH_ERR_NOTFOUND,
                   "other_door: none of ");
    fake_chips[0].edge_errno = ENOMEM;
    expect_refusal("", exit, GH_ERR_NOMEM, "exit: cannot have line 4 of ");
    fake_chips[0].edge_errno = EBUSY; /* between the look and the request */
    expect_refusal("", exit, GH_ERR_BUSY, "exit: cannot have line 4 of ");
}

/* --- a driver that hangs --- */

static void *set_relay(void *context)
{
    struct gh_door_io *io = (struct gh_door_io *)context;
    enum gh_status status = io->set(io->context, GH_LINE_BIT(GH_LINE_RELAY), NULL);
    return status == GH_OK ? context : NULL;
}

/* However long a set takes, the exit button is heard, also when the chips are due for a look. */
static void who_sets_keeps_nobody_from_hearing(void **state)
{
    (void)state;
    struct gh_door_io io;
    pthread_t thread;
    sem_t begun, may;
    void *result = NULL;
    open_with_exit(&io);
    sem_init(&begun, 0, 0);
    sem_init(&may, 0, 0);
    fake_chips[0].set_begun = &begun;
    fake_chips[0].set_may = &may;
    assert_int_equal(pthread_create(&thread, NULL, set_relay, &io), 0);
    sem_wait(&begun);
    fake_edge(&fake_chips[0].lines[4], 1);
    pass_ms(3 * GH_GPIO_TICK_MS);
    expect(&io, BIT(EXIT), BIT(EXIT));
    assert_int_equal(fake_chips[0].lines[2].level, 0);
    fake_chips[0].set_begun = NULL;
    sem_post(&may);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_non_null(result);
    assert_int_equal(fake_chips[0].lines[2].level, 1);
    io.free(io.context);
    sem_destroy(&begun);
    sem_destroy(&may);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_input_has_its_line),
        TEST(in_a_fire_other_lines_come_first),
        TEST(an_edge_is_a_word),
        TEST(inputs_may_be_on_several_chips),
        TEST(a_full_queue_loses_nothing),
        TEST(lines_without_interrupts_are_asked),
        TEST(a_quiet_door_is_looked_at),
        TEST(chatter_is_left_alone),
        TEST(many_edges_in_a_long_time_are_none_too_many),
        TEST(levels_that_cannot_be_read_are_not_known),
        TEST(what_cannot_be_had_is_named),
        TEST(who_sets_keeps_nobody_from_hearing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
