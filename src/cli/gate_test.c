/* SPDX-License-Identifier: Apache-2.0 */
/* `gate test`: with a person in front of the gate, who says what they see and hear, and moves what
 * can be moved. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/local.h"
#include "cli/options.h"
#include "cli/output.h"
#include "gatehouse/bytes.h"
#include "gatehouse/file.h"

#define LOOK_MS 100 /* between two looks at the inputs */

struct tally {
    unsigned good, bad, left_out;
};

enum answer { ANSWER_YES, ANSWER_NO, ANSWER_LEFT_OUT, ANSWER_END };

/* A line of standard input; the first letter counts. */
static enum answer read_answer(void)
{
    char letter = '\0', first = '\0';

    for (;;) {
        ssize_t got = read(STDIN_FILENO, &letter, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ANSWER_END;
        if (letter == '\n')
            break;
        if (first == '\0')
            first = letter;
    }
    return first == 'y' || first == 'Y'   ? ANSWER_YES
           : first == 'n' || first == 'N' ? ANSWER_NO
                                          : ANSWER_LEFT_OUT;
}

static void count(struct tally *tally, enum answer answer)
{
    tally->good += answer == ANSWER_YES;
    tally->bad += answer == ANSWER_NO;
    tally->left_out += answer == ANSWER_LEFT_OUT;
}

/* --- what there is --- */

static bool is_in(const json_t *names, const char *name)
{
    size_t index;
    json_t *one;

    json_array_foreach(names, index, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

static bool has_sound(const json_t *state)
{
    return json_object_get(json_object_get(state, "devices"), "sound") != NULL;
}

/* Nobody is asked about these. */
static void say_what_is_not_wired(const json_t *state)
{
    const json_t *names = json_object_get(json_object_get(state, "door"), "not_wired");
    size_t index;
    json_t *name;

    json_array_foreach(names, index, name)
    {
        (void)printf(index == 0 ? "not wired, by the configuration: " : ", ");
        gh_put_plain(json_is_string(name) ? json_string_value(name) : "", stdout);
    }
    if (json_array_size(names) > 0)
        (void)printf("\n");
    if (!has_sound(state))
        (void)printf("no sound device is configured\n");
}

static bool is_there(const json_t *state, const char *what)
{
    if (strcmp(what, "voice") == 0)
        return has_sound(state);
    return !is_in(json_object_get(json_object_get(state, "door"), "not_wired"), what);
}

/* --- what the gate does --- */

static const struct {
    const char *question; /* for the gate */
    const char *words;    /* for the person */
} acts[] = {
    {"test lamp_green", "The green lamp blinks three times. Did you see it?"},
    {"test lamp_yellow", "The yellow lamp blinks three times. Did you see it?"},
    {"test lamp_red", "The red lamp blinks three times. Did you see it?"},
    {"test buzzer", "The buzzer sounds three times. Did you hear it?"},
    {"test voice", "A voice says welcome. Did you hear it?"},
    {"test relay", "The door is unlocked, then locked again. Was it?"},
};

static enum gh_status act_and_ask(const char *socket_path, struct tally *tally, size_t index,
                                  enum answer *answer, struct gh_error *err)
{
    GH_CLEANUP_FREE char *said = NULL;
    enum gh_status status = gh_local_ask(socket_path, acts[index].question, &said, err);

    if (status != GH_OK)
        return status;
    if (strcmp(said, "ok\n") != 0) {
        said[strcspn(said, "\n")] = '\0';
        (void)printf("%s: ", acts[index].question + strlen("test "));
        gh_put_plain(said, stdout);
        (void)printf("\n");
        *answer = ANSWER_NO;
        count(tally, *answer);
        return GH_OK;
    }
    (void)printf("%s [y/n, Enter: cannot tell] ", acts[index].words);
    (void)fflush(stdout);
    *answer = read_answer();
    count(tally, *answer);
    return GH_OK;
}

/* --- what the person does --- */

static enum gh_status level_of(const char *socket_path, const char *input, char level[16],
                               struct gh_error *err)
{
    GH_CLEANUP_JSON json_t *state = NULL;
    enum gh_status status = gh_local_state(socket_path, &state, err);

    if (status == GH_OK) {
        json_t *inputs = json_object_get(json_object_get(state, "door"), "inputs");
        (void)snprintf(level, 16, "%s", gh_json_text(inputs, input));
    }
    return status;
}

/* Until it has changed, or a key says that it does not. */
static enum gh_status watch_input(const char *socket_path, const char *input, enum answer *answer,
                                  struct gh_error *err)
{
    char before[16], now[16];
    struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
    enum gh_status status = level_of(socket_path, input, before, err);

    *answer = ANSWER_END;
    if (status != GH_OK)
        return status;
    (void)printf("%s is %s. Move it (press, open, shut) and hold it [Enter: it cannot be moved, n: "
                 "nothing happens] ",
                 input, before);
    (void)fflush(stdout);
    while (*answer == ANSWER_END) {
        if (poll(&keys, 1, LOOK_MS) > 0) {
            *answer = read_answer();
            return GH_OK;
        }
        status = level_of(socket_path, input, now, err);
        if (status != GH_OK)
            return status;
        if (strcmp(now, before) != 0) {
            (void)printf("now it is %s: good\n", now);
            *answer = ANSWER_YES;
        }
    }
    return GH_OK;
}

static enum gh_status test_inputs(const char *socket_path, json_t *state, struct tally *tally,
                                  struct gh_error *err)
{
    json_t *inputs = json_object_get(json_object_get(state, "door"), "inputs"), *level;
    enum gh_status status = GH_OK;
    enum answer answer;
    const char *name;

    json_object_foreach(inputs, name, level)
    {
        status = watch_input(socket_path, name, &answer, err);
        if (status != GH_OK || answer == ANSWER_END)
            break;
        count(tally, answer);
    }
    return status;
}

/* --- the command --- */

static enum gh_status test_all(const char *socket_path, struct tally *tally, struct gh_error *err)
{
    GH_CLEANUP_JSON json_t *state = NULL;
    enum answer answer = ANSWER_YES;
    enum gh_status status = gh_local_state(socket_path, &state, err);

    if (status == GH_OK)
        say_what_is_not_wired(state);
    for (size_t i = 0; status == GH_OK && answer != ANSWER_END && i < GH_ARRAY_SIZE(acts); i++)
        if (is_there(state, acts[i].question + strlen("test ")))
            status = act_and_ask(socket_path, tally, i, &answer, err);
    if (status == GH_OK && answer != ANSWER_END)
        status = test_inputs(socket_path, state, tally, err);
    return status;
}

int gh_command_gate_test(const char *usage, int argc, char **argv)
{
    const char *socket_path = GH_LOCAL_SOCKET;
    const struct gh_option options[] = {{.name = "socket", .value = &socket_path}};
    const struct gh_syntax syntax = {"gate test", usage, options, GH_ARRAY_SIZE(options), 0, 0};
    struct tally tally = {0};
    struct gh_error err = {0};
    char **operands;
    int operand_count;

    int code = gh_options_parse(&syntax, argc, argv, &operands, &operand_count);
    if (code != GH_GO_ON)
        return code;
    if (test_all(socket_path, &tally, &err) != GH_OK)
        return gh_complain(&err);
    (void)printf("\n%u good, %u bad, %u left out\n", tally.good, tally.bad, tally.left_out);
    return tally.bad == 0 && tally.good > 0 ? GH_EXIT_OK : GH_EXIT_NO;
}
