/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/door.h"

#include <stddef.h>

#include "gatehouse/bytes.h"

#define LAMP_MS 4000          /* after a decision that leaves the door locked */
#define WAITING_LAMP_MS 60000 /* while another code is expected */

#define PULSE_MIN_MS 100
#define PULSE_MAX_MS 60000

/* On and off in turn, beginning with on. count 0: until something else ends it. */
struct beat {
    int64_t on_ms;
    int64_t off_ms; /* 0: steadily on */
    unsigned count;
};

static const struct {
    unsigned lines;
    struct beat beat;
} lamps[] = {
    [GH_LAMP_OFF] = {0, {0, 0, 0}},
    [GH_LAMP_GREEN] = {GH_LINE_BIT(GH_LINE_GREEN), {1, 0, 0}},
    [GH_LAMP_YELLOW] = {GH_LINE_BIT(GH_LINE_YELLOW), {1, 0, 0}},
    [GH_LAMP_RED] = {GH_LINE_BIT(GH_LINE_RED), {1, 0, 0}},
    [GH_LAMP_YELLOW_BLINK] = {GH_LINE_BIT(GH_LINE_YELLOW), {250, 250, 0}},
    [GH_LAMP_RED_BLINK] = {GH_LINE_BIT(GH_LINE_RED), {250, 250, 0}},
};

/* Told apart with the eyes shut: by number and length, not by pitch. */
static const struct beat sounds[] = {
    [GH_SOUND_NONE] = {0, 0, 0},      [GH_SOUND_TICK] = {40, 1, 1},
    [GH_SOUND_WELCOME] = {150, 1, 1}, [GH_SOUND_CALL] = {200, 200, 3},
    [GH_SOUND_REFUSE] = {800, 1, 1},  [GH_SOUND_ALARM] = {100, 100, 10},
};

static int64_t add_ns(int64_t time_ns, int64_t more_ns)
{
    int64_t sum;
    return __builtin_add_overflow(time_ns, more_ns, &sum) ? INT64_MAX : sum;
}

/* INT64_MIN says "none": nothing that exists is moved there. */
static int64_t take_back(int64_t time_ns, int64_t less_ns)
{
    int64_t difference;
    if (time_ns == INT64_MIN) {
        return time_ns;
    }
    bool overflow = __builtin_sub_overflow(time_ns, less_ns, &difference);
    return overflow || difference == INT64_MIN ? INT64_MIN + 1 : difference;
}

const char *gh_line_name(enum gh_line line)
{
    static const char *const names[GH_LINE_COUNT] = {
        [GH_LINE_RELAY] = "relay",      [GH_LINE_BUZZER] = "buzzer",
        [GH_LINE_GREEN] = "lamp_green", [GH_LINE_YELLOW] = "lamp_yellow",
        [GH_LINE_RED] = "lamp_red",     [GH_LINE_THIS_DOOR] = "this_door",
    };
    return (unsigned)line < GH_LINE_COUNT ? names[line] : "unknown line";
}

const char *gh_input_name(enum gh_input input)
{
    static const char *const names[GH_INPUT_COUNT] = {
        [GH_INPUT_CONTACT] = "contact", [GH_INPUT_EXIT] = "exit",
        [GH_INPUT_GUARD] = "guard",     [GH_INPUT_TAMPER] = "tamper",
        [GH_INPUT_FIRE] = "fire",       [GH_INPUT_OTHER_DOOR] = "other_door",
    };
    return (unsigned)input < GH_INPUT_COUNT ? names[input] : "unknown input";
}

/* A caller's time may be a moment older than one given before, and a clock may be broken: the time
 * that passes is only what is seen to pass. */
static void hear_time(struct gh_door *door, int64_t now_ns)
{
    if (now_ns < door->last_ns) {
        int64_t back_ns;
        if (__builtin_sub_overflow(door->last_ns, now_ns, &back_ns)) {
            back_ns = INT64_MAX;
        }
        door->unlocked_until_ns = take_back(door->unlocked_until_ns, back_ns);
        door->signal_start_ns = take_back(door->signal_start_ns, back_ns);
        door->signal_end_ns = take_back(door->signal_end_ns, back_ns);
    }
    door->last_ns = now_ns;
}

void gh_door_init(struct gh_door *door, const struct gh_door_options *options)
{
    *door = (struct gh_door){
        .options = *options,
        .unlocked_until_ns = INT64_MIN,
        .lamp = GH_LAMP_OFF,
        .sound = GH_SOUND_NONE,
        .signal_start_ns = INT64_MIN,
        .signal_end_ns = INT64_MIN,
        .last_ns = INT64_MIN,
    };
    if (door->options.pulse_ms < PULSE_MIN_MS) {
        door->options.pulse_ms = PULSE_MIN_MS;
    }
    if (door->options.pulse_ms > PULSE_MAX_MS) {
        door->options.pulse_ms = PULSE_MAX_MS;
    }
}

void gh_door_signal(struct gh_door *door, const struct gh_reason_info *info, bool unlock,
                    int64_t now_ns)
{
    hear_time(door, now_ns);
    int64_t lamp_ms = info->outcome == GH_OUTCOME_WAIT ? WAITING_LAMP_MS : LAMP_MS;
    if (unlock) {
        lamp_ms = door->options.pulse_ms;
        door->unlocked_until_ns = add_ns(now_ns, lamp_ms * GH_NS_PER_MS);
    }
    door->lamp = (size_t)info->lamp < GH_ARRAY_SIZE(lamps) ? info->lamp : GH_LAMP_OFF;
    door->sound = (size_t)info->sound < GH_ARRAY_SIZE(sounds) ? info->sound : GH_SOUND_NONE;
    door->signal_start_ns = now_ns;
    door->signal_end_ns = add_ns(now_ns, lamp_ms * GH_NS_PER_MS);
}

void gh_door_lock(struct gh_door *door)
{
    door->unlocked_until_ns = INT64_MIN;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Is a beat that began at start_ns and is cut off at end_ns on? *next_ns becomes earlier where it
 * changes sooner. */
static bool beat_is_on(const struct beat *beat, int64_t start_ns, int64_t end_ns, int64_t now_ns,
                       int64_t *next_ns)
{
    if (beat->on_ms == 0 || now_ns >= end_ns) {
        return false;
    }
    if (beat->off_ms == 0) {
        *next_ns = earlier(*next_ns, end_ns);
        return true;
    }
    int64_t on_ns = beat->on_ms * GH_NS_PER_MS;
    int64_t period_ns = on_ns + beat->off_ms * GH_NS_PER_MS;
    int64_t round = (now_ns - start_ns) / period_ns;
    if (beat->count != 0 && round >= (int64_t)beat->count) {
        return false;
    }
    int64_t round_start_ns = start_ns + round * period_ns;
    if (now_ns - round_start_ns < on_ns) {
        *next_ns = earlier(*next_ns, earlier(add_ns(round_start_ns, on_ns), end_ns));
        return true;
    }
    bool last = beat->count != 0 && round + 1 == (int64_t)beat->count;
    int64_t on_again_ns = add_ns(round_start_ns, period_ns);
    if (!last && on_again_ns < end_ns) {
        *next_ns = earlier(*next_ns, on_again_ns);
    }
    return false;
}

unsigned gh_door_lines(struct gh_door *door, int64_t now_ns, int64_t *next_ns)
{
    hear_time(door, now_ns);
    unsigned lines = gh_door_rest_lines(&door->options);
    *next_ns = INT64_MAX;
    if (now_ns < door->unlocked_until_ns) {
        lines ^= GH_LINE_BIT(GH_LINE_RELAY);
        *next_ns = door->unlocked_until_ns;
    }
    if (door->signal_start_ns == INT64_MIN) {
        return lines;
    }
    if (beat_is_on(&lamps[door->lamp].beat, door->signal_start_ns, door->signal_end_ns, now_ns,
                   next_ns)) {
        lines |= lamps[door->lamp].lines;
    }
    if (beat_is_on(&sounds[door->sound], door->signal_start_ns, INT64_MAX, now_ns, next_ns)) {
        lines |= GH_LINE_BIT(GH_LINE_BUZZER);
    }
    return lines;
}

unsigned gh_door_rest_lines(const struct gh_door_options *options)
{
    return options->fail_safe ? GH_LINE_BIT(GH_LINE_RELAY) : 0;
}
