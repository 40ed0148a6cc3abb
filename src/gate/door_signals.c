/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/door_signals.h"

#include <stddef.h>

#include "gatehouse/bytes.h"

#define LAMP_MS 4000          /* after a decision that leaves the door locked */
#define WAITING_LAMP_MS 60000 /* while another code is expected */
#define ROUND_NS (30 * GH_NS_PER_S)

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

static const struct beat test_beat = {300, 300, 3};

static const enum gh_reason standing_reasons[GH_STANDING_COUNT] = {
    [GH_STANDING_HELD] = GH_REASON_DOOR_HELD,
    [GH_STANDING_FORCED] = GH_REASON_DOOR_FORCED,
    [GH_STANDING_TAMPER] = GH_REASON_TAMPER,
    [GH_STANDING_FIRE] = GH_REASON_FIRE,
};

int64_t gh_door_add_ns(int64_t time_ns, int64_t more_ns)
{
    int64_t sum;
    return __builtin_add_overflow(time_ns, more_ns, &sum) ? INT64_MAX : sum;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- one pattern --- */

static int64_t beat_end_ns(const struct beat *beat, int64_t start_ns)
{
    int64_t ms = beat->count * (beat->on_ms + beat->off_ms) - beat->off_ms;
    return beat->count == 0 ? start_ns : gh_door_add_ns(start_ns, ms * GH_NS_PER_MS);
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
        *next_ns = earlier(*next_ns, earlier(gh_door_add_ns(round_start_ns, on_ns), end_ns));
        return true;
    }
    bool last = beat->count != 0 && round + 1 == (int64_t)beat->count;
    int64_t on_again_ns = gh_door_add_ns(round_start_ns, period_ns);
    if (!last && on_again_ns < end_ns) {
        *next_ns = earlier(*next_ns, on_again_ns);
    }
    return false;
}

/* --- one signal --- */

static const struct beat *lamp_of(const struct gh_signal *signal)
{
    return &lamps[signal->lamp].beat;
}

static const struct beat *sound_of(const struct gh_signal *signal)
{
    return &sounds[signal->sound];
}

static int64_t sound_end_ns(const struct gh_signal *signal)
{
    return beat_end_ns(sound_of(signal), signal->start_ns);
}

/* When there is nothing left of it to see or hear. */
static int64_t signal_end_ns(const struct gh_signal *signal)
{
    int64_t sound_ns = sound_end_ns(signal);
    return signal->end_ns > sound_ns ? signal->end_ns : sound_ns;
}

static bool is_there(const struct gh_signal *signal, int64_t now_ns)
{
    return signal->start_ns != INT64_MIN && now_ns < signal_end_ns(signal);
}

static unsigned signal_lines(const struct gh_signal *signal, int64_t now_ns, int64_t *next_ns)
{
    unsigned lines = 0;

    if (beat_is_on(lamp_of(signal), signal->start_ns, signal->end_ns, now_ns, next_ns)) {
        lines |= lamps[signal->lamp].lines;
    }
    if (beat_is_on(sound_of(signal), signal->start_ns, INT64_MAX, now_ns, next_ns)) {
        lines |= GH_LINE_BIT(GH_LINE_BUZZER);
    }
    return lines;
}

static struct gh_signal signal_of(const struct gh_reason_info *info, int64_t start_ns,
                                  int64_t end_ns)
{
    return (struct gh_signal){
        .lamp = (size_t)info->lamp < GH_ARRAY_SIZE(lamps) ? info->lamp : GH_LAMP_OFF,
        .sound = (size_t)info->sound < GH_ARRAY_SIZE(sounds) ? info->sound : GH_SOUND_NONE,
        .outcome = info->outcome,
        .start_ns = start_ns,
        .end_ns = end_ns,
    };
}

/* --- several --- */

enum gh_reason gh_standing_reason(enum gh_standing standing)
{
    return standing_reasons[standing];
}

enum gh_standing gh_door_top_standing(const struct gh_door *door)
{
    for (int i = GH_STANDING_COUNT - 1; i >= 0; i--) {
        if (door->standing[i].start_ns != INT64_MIN && !door->standing[i].silenced) {
            return (enum gh_standing)i;
        }
    }
    return GH_STANDING_COUNT;
}

/* What stands is a signal that begins anew with each round, and goes on into the next one. */
static struct gh_signal round_of(const struct gh_door *door, enum gh_standing standing,
                                 int64_t now_ns)
{
    int64_t start_ns = door->standing[standing].start_ns;
    int64_t rounds = (now_ns - start_ns) / ROUND_NS;
    int64_t round_ns = start_ns + rounds * ROUND_NS;

    return signal_of(gh_reason_info(standing_reasons[standing]), round_ns,
                     gh_door_add_ns(round_ns, ROUND_NS));
}

static const struct gh_signal *person_signal(const struct gh_door *door, int64_t now_ns)
{
    bool waited = door->waiting.start_ns != INT64_MIN && now_ns >= door->waiting.start_ns;
    return waited ? &door->waiting : &door->shown;
}

static bool stands_before(const struct gh_signal *round, enum gh_standing standing, int64_t now_ns)
{
    return standing == GH_STANDING_FIRE ||
           (standing != GH_STANDING_HELD && now_ns < sound_end_ns(round));
}

static unsigned chosen_lines(const struct gh_door *door, int64_t now_ns, int64_t *next_ns)
{
    const struct gh_signal *person = person_signal(door, now_ns);
    enum gh_standing top = gh_door_top_standing(door);
    struct gh_signal round = {.start_ns = INT64_MIN};

    if (door->waiting.start_ns != INT64_MIN && now_ns < door->waiting.start_ns) {
        *next_ns = earlier(*next_ns, door->waiting.start_ns);
    }
    if (top != GH_STANDING_COUNT) {
        round = round_of(door, top, now_ns);
        *next_ns = earlier(*next_ns, round.end_ns);
    }
    if (top != GH_STANDING_COUNT && stands_before(&round, top, now_ns)) {
        if (top != GH_STANDING_FIRE) {
            *next_ns = earlier(*next_ns, sound_end_ns(&round));
        }
        return signal_lines(&round, now_ns, next_ns);
    }
    if (is_there(person, now_ns)) {
        *next_ns = earlier(*next_ns, signal_end_ns(person));
        return signal_lines(person, now_ns, next_ns);
    }
    return top != GH_STANDING_COUNT ? signal_lines(&round, now_ns, next_ns) : 0;
}

unsigned gh_door_signal_lines(const struct gh_door *door, int64_t now_ns, int64_t *next_ns)
{
    unsigned lines = chosen_lines(door, now_ns, next_ns);

    if (door->test_ns == INT64_MIN || now_ns >= beat_end_ns(&test_beat, door->test_ns)) {
        return lines;
    }
    *next_ns = earlier(*next_ns, beat_end_ns(&test_beat, door->test_ns));
    lines &= ~GH_LINE_BIT(door->test_line);
    if (beat_is_on(&test_beat, door->test_ns, INT64_MAX, now_ns, next_ns)) {
        lines |= GH_LINE_BIT(door->test_line);
    }
    return lines;
}

/* --- what comes in --- */

int64_t gh_door_lamp_ms(const struct gh_reason_info *info)
{
    return info->outcome == GH_OUTCOME_WAIT ? WAITING_LAMP_MS : LAMP_MS;
}

bool gh_door_take_signal(struct gh_door *door, const struct gh_reason_info *info, int64_t lamp_ms,
                         int64_t now_ns)
{
    const struct gh_signal *before = person_signal(door, now_ns);
    enum gh_standing top = gh_door_top_standing(door);
    struct gh_signal round;
    int64_t start_ns = now_ns;

    if (before->start_ns != INT64_MIN && before->outcome == GH_OUTCOME_GUARD &&
        info->outcome == GH_OUTCOME_WAIT && now_ns < sound_end_ns(before)) {
        start_ns = sound_end_ns(before);
    }
    struct gh_signal signal =
        signal_of(info, start_ns, gh_door_add_ns(now_ns, lamp_ms * GH_NS_PER_MS));
    if (start_ns == now_ns) {
        door->shown = signal;
        door->waiting.start_ns = INT64_MIN;
    } else {
        door->shown = *before;
        door->waiting = signal;
    }
    if (top == GH_STANDING_COUNT) {
        return start_ns == now_ns;
    }
    round = round_of(door, top, now_ns);
    return start_ns == now_ns && !stands_before(&round, top, now_ns);
}

void gh_door_silence(struct gh_door *door, int64_t now_ns)
{
    const struct gh_signal *person = person_signal(door, now_ns);

    if (person->outcome == GH_OUTCOME_GUARD) {
        door->shown.start_ns = INT64_MIN;
        door->waiting.start_ns = INT64_MIN;
    }
    door->standing[GH_STANDING_HELD].silenced = true;
    door->standing[GH_STANDING_FORCED].silenced = true;
}
