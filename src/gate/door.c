/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/door.h"

#include <stddef.h>

#include "gate/door_signals.h"
#include "gate/steady.h"

#define PULSE_MIN_MS 100
#define PULSE_MAX_MS 60000
#define HOLD_MIN_S 1
#define HOLD_MAX_S 3600
/* Moments at which nothing is seen to change, one after the other; beyond that it is asked again.
 */
#define QUIET_MOMENTS 16

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

const char *gh_cause_name(enum gh_cause cause)
{
    static const char *const names[GH_CAUSE_COUNT] = {
        [GH_CAUSE_DECISION] = "decision", [GH_CAUSE_EXIT] = "exit",   [GH_CAUSE_TEST] = "test",
        [GH_CAUSE_GUARD] = "guard",       [GH_CAUSE_HOURS] = "hours", [GH_CAUSE_FIRE] = "fire",
    };
    return (unsigned)cause < GH_CAUSE_COUNT ? names[cause] : "unknown cause";
}

/* A caller's time may be a moment older than one given before, and a clock may be broken: the time
 * that passes is only what is seen to pass. */
static void hear_time(struct gh_door *door, int64_t now_ns)
{
    int64_t back_ns = gh_steady_hear(&door->last_ns, now_ns);

    if (back_ns == 0)
        return;
    for (int i = 0; i < GH_CAUSE_COUNT; i++) {
        gh_steady_take_back(&door->causes[i].from_ns, back_ns);
        gh_steady_take_back(&door->causes[i].until_ns, back_ns);
    }
    for (int i = 0; i < GH_STANDING_COUNT; i++)
        gh_steady_take_back(&door->standing[i].start_ns, back_ns);
    gh_steady_take_back(&door->shown.start_ns, back_ns);
    gh_steady_take_back(&door->shown.end_ns, back_ns);
    gh_steady_take_back(&door->waiting.start_ns, back_ns);
    gh_steady_take_back(&door->waiting.end_ns, back_ns);
    gh_steady_take_back(&door->flip_ns, back_ns);
    gh_steady_take_back(&door->test_ns, back_ns);
}

static int64_t within(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

void gh_door_set_options(struct gh_door *door, const struct gh_door_options *options)
{
    const struct gh_unlocking *decision = &door->causes[GH_CAUSE_DECISION];
    bool fail_safe = door->options.fail_safe, this_door = door->options.this_door;

    /* No decision would ever lock it again. */
    if (options->relay_mode != GH_RELAY_TOGGLE && decision->until_ns == INT64_MAX)
        gh_door_lock(door);
    door->options = *options;
    door->options.fail_safe = fail_safe;
    door->options.this_door = this_door;
    door->options.pulse_ms = within(options->pulse_ms, PULSE_MIN_MS, PULSE_MAX_MS);
    door->options.hold_max_s = within(options->hold_max_s, HOLD_MIN_S, HOLD_MAX_S);
}

void gh_door_init(struct gh_door *door, const struct gh_door_options *options)
{
    *door = (struct gh_door){
        .options = *options,
        .flip_ns = INT64_MIN,
        .shown = {.start_ns = INT64_MIN, .end_ns = INT64_MIN},
        .waiting = {.start_ns = INT64_MIN, .end_ns = INT64_MIN},
        .test_ns = INT64_MIN,
        .last_ns = INT64_MIN,
    };
    for (int i = 0; i < GH_CAUSE_COUNT; i++)
        door->causes[i].from_ns = door->causes[i].until_ns = INT64_MIN;
    for (int i = 0; i < GH_STANDING_COUNT; i++)
        door->standing[i].start_ns = INT64_MIN;
    gh_door_set_options(door, options);
}

/* --- what keeps it unlocked --- */

static bool keeps_unlocked(const struct gh_unlocking *cause, int64_t now_ns)
{
    return cause->pressed || now_ns < cause->until_ns;
}

unsigned gh_door_causes(const struct gh_door *door, int64_t now_ns)
{
    unsigned causes = 0;

    for (unsigned i = 0; i < GH_CAUSE_COUNT; i++)
        causes |= keeps_unlocked(&door->causes[i], now_ns) ? GH_CAUSE_BIT(i) : 0;
    return causes;
}

int64_t gh_door_unlocked_until(const struct gh_door *door, unsigned causes)
{
    int64_t until_ns = INT64_MIN;

    for (unsigned i = 0; i < GH_CAUSE_COUNT; i++) {
        if ((causes & GH_CAUSE_BIT(i)) == 0)
            continue;
        if (door->causes[i].pressed)
            return INT64_MAX;
        if (door->causes[i].until_ns > until_ns)
            until_ns = door->causes[i].until_ns;
    }
    return until_ns;
}

int64_t gh_door_grant_ms(const struct gh_door *door, int64_t now_ns)
{
    int64_t most_ms = 0;

    if (keeps_unlocked(&door->causes[GH_CAUSE_FIRE], now_ns))
        return GH_DOOR_RENEW_FIRE;
    for (int i = 0; i < GH_CAUSE_COUNT; i++) {
        const struct gh_unlocking *cause = &door->causes[i];
        if (!keeps_unlocked(cause, now_ns))
            continue;
        if (cause->pressed || cause->holds || cause->until_ns == INT64_MAX)
            return GH_DOOR_RENEW_MS;
        int64_t left_ms = (cause->until_ns - now_ns) / GH_NS_PER_MS + GH_DOOR_GRACE_MS;
        most_ms = left_ms > most_ms ? left_ms : most_ms;
    }
    return most_ms;
}

/* What a decision did is shown for as long as it does. */
static void end_lamp(struct gh_door *door, int64_t now_ns)
{
    if (door->shown.outcome == GH_OUTCOME_OPEN && door->shown.end_ns > now_ns)
        door->shown.end_ns = now_ns;
}

void gh_door_end(struct gh_door *door, enum gh_cause cause, int64_t now_ns)
{
    struct gh_unlocking *ended = &door->causes[cause];

    hear_time(door, now_ns);
    if (keeps_unlocked(ended, now_ns)) {
        ended->until_ns = now_ns;
        if (cause == GH_CAUSE_DECISION && ended->holds)
            end_lamp(door, now_ns);
    }
    ended->pressed = false;
}

void gh_door_lock(struct gh_door *door)
{
    if (door->last_ns != INT64_MIN)
        gh_door_end(door, GH_CAUSE_DECISION, door->last_ns);
}

static enum gh_unlocked toggle(struct gh_door *door, int64_t now_ns)
{
    struct gh_unlocking *decision = &door->causes[GH_CAUSE_DECISION];
    bool along = door->flip_ns != INT64_MIN &&
                 now_ns - door->flip_ns < door->options.pulse_ms * GH_NS_PER_MS;
    bool shut = along ? door->flipped_shut : keeps_unlocked(decision, now_ns);

    if (!along)
        door->flip_ns = now_ns;
    door->flipped_shut = shut;
    if (shut) {
        gh_door_end(door, GH_CAUSE_DECISION, now_ns);
        return GH_LOCKED_AGAIN;
    }
    *decision = (struct gh_unlocking){.from_ns = now_ns, .until_ns = INT64_MAX};
    return GH_UNLOCKED;
}

bool gh_door_has_locked_again(const struct gh_door *door)
{
    return door->options.relay_mode == GH_RELAY_TOGGLE && door->flipped_shut;
}

static bool holds(const struct gh_door *door, enum gh_cause cause)
{
    return door->options.relay_mode == GH_RELAY_HOLD && cause != GH_CAUSE_TEST;
}

static int64_t unlocked_ms(const struct gh_door *door, enum gh_cause cause)
{
    return holds(door, cause) ? door->options.hold_max_s * 1000 : door->options.pulse_ms;
}

/* At the end of time too a pulse has one. */
static int64_t pulse_end_ns(int64_t now_ns, int64_t pulse_ns)
{
    int64_t end_ns = gh_door_add_ns(now_ns, pulse_ns);
    return end_ns == INT64_MAX ? INT64_MAX - 1 : end_ns;
}

enum gh_unlocked gh_door_unlock(struct gh_door *door, enum gh_cause cause, int64_t now_ns)
{
    struct gh_unlocking *unlocking = &door->causes[cause];

    hear_time(door, now_ns);
    if (door->interlocked && (GH_CAUSES_INTERLOCKED & GH_CAUSE_BIT(cause)) != 0)
        return GH_UNLOCKED_NOT;
    if (cause == GH_CAUSE_DECISION && door->options.relay_mode == GH_RELAY_TOGGLE)
        return toggle(door, now_ns);
    bool lasts = cause == GH_CAUSE_HOURS || cause == GH_CAUSE_FIRE;
    int64_t until_ns =
        lasts ? INT64_MAX : pulse_end_ns(now_ns, unlocked_ms(door, cause) * GH_NS_PER_MS);
    if (!keeps_unlocked(unlocking, now_ns) || until_ns > unlocking->until_ns) {
        unlocking->until_ns = until_ns;
        unlocking->holds = !lasts && holds(door, cause);
    }
    unlocking->from_ns = now_ns;
    return GH_UNLOCKED;
}

void gh_door_press(struct gh_door *door, enum gh_cause cause, bool pressed, int64_t now_ns)
{
    struct gh_unlocking *unlocking = &door->causes[cause];

    hear_time(door, now_ns);
    if (!pressed && unlocking->pressed && unlocking->until_ns < now_ns)
        unlocking->until_ns = now_ns;
    unlocking->pressed = pressed && keeps_unlocked(unlocking, now_ns);
}

void gh_door_passed(struct gh_door *door, int64_t since_ns, int64_t now_ns)
{
    hear_time(door, now_ns);
    for (int i = 0; i < GH_CAUSE_COUNT; i++) {
        struct gh_unlocking *cause = &door->causes[i];
        if (!cause->holds || !keeps_unlocked(cause, now_ns) || cause->from_ns > since_ns)
            continue;
        bool pressed = cause->pressed;
        gh_door_end(door, (enum gh_cause)i, now_ns);
        cause->pressed = pressed;
    }
}

void gh_door_interlock(struct gh_door *door, bool on, int64_t now_ns)
{
    hear_time(door, now_ns);
    door->interlocked = on;
    for (unsigned i = 0; on && i < GH_CAUSE_COUNT; i++) {
        if ((GH_CAUSES_INTERLOCKED & GH_CAUSE_BIT(i)) != 0)
            gh_door_end(door, (enum gh_cause)i, now_ns);
    }
}

void gh_door_set_not_shut(struct gh_door *door, bool not_shut)
{
    door->not_shut = not_shut;
}

void gh_door_claim(struct gh_door *door, bool claimed)
{
    door->claimed = claimed;
}

/* --- what is shown --- */

bool gh_door_signal(struct gh_door *door, const struct gh_reason_info *info, bool unlock,
                    int64_t now_ns)
{
    int64_t lamp_ms = gh_door_lamp_ms(info);

    hear_time(door, now_ns);
    if (unlock && gh_door_unlock(door, GH_CAUSE_DECISION, now_ns) == GH_UNLOCKED)
        lamp_ms = unlocked_ms(door, GH_CAUSE_DECISION);
    return gh_door_take_signal(door, info, lamp_ms, now_ns);
}

void gh_door_stand(struct gh_door *door, enum gh_standing standing, bool on, int64_t now_ns)
{
    hear_time(door, now_ns);
    if (!on)
        door->standing[standing].start_ns = INT64_MIN;
    else if (door->standing[standing].start_ns == INT64_MIN)
        door->standing[standing].start_ns = now_ns;
    else
        return;
    door->standing[standing].silenced = false;
}

enum gh_status gh_door_blink(struct gh_door *door, enum gh_line line, int64_t now_ns)
{
    if (line != GH_LINE_BUZZER && line != GH_LINE_GREEN && line != GH_LINE_YELLOW &&
        line != GH_LINE_RED)
        return GH_ERR_INVALID;
    hear_time(door, now_ns);
    door->test_line = line;
    door->test_ns = now_ns;
    return GH_OK;
}

/* --- the lines --- */

static unsigned lines_at(const struct gh_door *door, int64_t now_ns, int64_t *next_ns)
{
    unsigned lines = gh_door_rest_lines(&door->options);
    bool unlocked = gh_door_causes(door, now_ns) != 0;

    *next_ns = INT64_MAX;
    if (unlocked)
        lines ^= GH_LINE_BIT(GH_LINE_RELAY);
    if (door->options.this_door && !unlocked && !door->claimed && !door->not_shut)
        lines |= GH_LINE_BIT(GH_LINE_THIS_DOOR);
    for (int i = 0; i < GH_CAUSE_COUNT; i++) {
        int64_t until_ns = door->causes[i].until_ns;
        if (now_ns < until_ns && until_ns < *next_ns)
            *next_ns = until_ns;
    }
    return lines | gh_door_signal_lines(door, now_ns, next_ns);
}

unsigned gh_door_lines(struct gh_door *door, int64_t now_ns, int64_t *next_ns)
{
    hear_time(door, now_ns);
    unsigned lines = lines_at(door, now_ns, next_ns);
    for (int i = 0; i < QUIET_MOMENTS && *next_ns != INT64_MAX; i++) {
        int64_t after_ns;
        if (lines_at(door, *next_ns, &after_ns) != lines)
            break;
        *next_ns = after_ns;
    }
    return lines;
}

unsigned gh_door_rest_lines(const struct gh_door_options *options)
{
    return options->fail_safe ? GH_LINE_BIT(GH_LINE_RELAY) : 0;
}
