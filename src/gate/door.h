/* SPDX-License-Identifier: Apache-2.0 */
/* The door. Two halves: a pure one that says which lines are active at which time (gh_door), and
 * one that moves them (gh_door_io: libgpiod, or the trace). The gate applies the one to the other.
 */
#ifndef GATEHOUSE_SRC_GATE_DOOR_H
#define GATEHOUSE_SRC_GATE_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "gatehouse/clock.h"
#include "gatehouse/reason.h"
#include "gatehouse/status.h"

enum gh_line {
    GH_LINE_RELAY,
    GH_LINE_BUZZER,
    GH_LINE_GREEN,
    GH_LINE_YELLOW,
    GH_LINE_RED,
    GH_LINE_THIS_DOOR, /* active while a gate that is alive knows its door to be shut and locked:
                        * for another gate's other_door */
    GH_LINE_COUNT
};
/* "relay", "buzzer", "lamp_green", "lamp_yellow", "lamp_red", "this_door" */
const char *gh_line_name(enum gh_line line);
#define GH_LINE_BIT(line) (1u << (line))

/* What the door tells. Active means: */
enum gh_input {
    GH_INPUT_CONTACT,    /* the door is open */
    GH_INPUT_EXIT,       /* the exit button (REX, request to exit) is pressed */
    GH_INPUT_GUARD,      /* the guard's button is pressed */
    GH_INPUT_TAMPER,     /* the gate's housing is open */
    GH_INPUT_FIRE,       /* fire alarm: the door is unlocked for as long as this lasts */
    GH_INPUT_OTHER_DOOR, /* the other door of a lock is not shut and locked */
    GH_INPUT_COUNT
};
/* "contact", "exit", "guard", "tamper", "fire", "other_door" */
const char *gh_input_name(enum gh_input input);
#define GH_INPUT_BIT(input) (1u << (input))

/* --- the pure half: events and time in, lines out; no thread, no clock, no I/O --- */

/* How the door is wired says what `fail` is. Relays have a contact that is open while the coil is
 * at rest (NO, normally open) and one that is closed then (NC); the coil is at rest while the gate
 * has no power, and energised while the line `relay` is active. Locks either unlock while current
 * flows (fail-secure strikes) or are locked while it flows (magnets, fail-safe strikes):
 *
 *   lock                      on the contact   coil at rest        `fail`
 *   unlocks by current        NO               no current: locked  secure
 *   unlocks by current        NC               current: unlocked   safe, while the lock has power
 *   is locked by current      NC               current: locked     secure, while the lock has power
 *   is locked by current      NO               no current: unlocked  safe
 *
 * On an escape route it is a lock that current keeps locked, fail = safe, with the fire alarm's own
 * contact in the lock's supply: the input `fire` is not a substitute for that. */
enum gh_relay_mode {
    GH_RELAY_PULSE,  /* unlocked for pulse_ms */
    GH_RELAY_HOLD,   /* unlocked until somebody has gone through: the contact says open and shut
                        again; without that, or without a contact, for hold_max_s */
    GH_RELAY_TOGGLE, /* one decision unlocks, the next one locks; within pulse_ms after either a
                        further one does the same again, so that two codes at once are not one too
                        many. Buttons and tests pulse. */
};
struct gh_door_options {
    enum gh_relay_mode relay_mode;
    int64_t hold_max_s;  /* HOLD: 1..3600 */
    int64_t debounce_ms; /* an input counts once it has been the same for so long: 0..1000 */
    int64_t pulse_ms;    /* how long the door is unlocked: 100..60000 */
    bool fail_safe; /* true: the relay is energised while LOCKED, so that a loss of power unlocks;
                       false (fail-secure): while unlocked */
    int64_t held_open_s; /* open for longer than that, it is held open: 1..3600 (after.h) */
    bool this_door;      /* the line of that name is driven */
};

/* What may keep the door unlocked. It is unlocked while any of them does. */
enum gh_cause {
    GH_CAUSE_DECISION,
    GH_CAUSE_EXIT,  /* the exit button */
    GH_CAUSE_TEST,  /* a person at the board */
    GH_CAUSE_GUARD, /* the guard's button */
    GH_CAUSE_HOURS, /* the opening hours */
    GH_CAUSE_FIRE,
    GH_CAUSE_COUNT
};
/* "decision", "exit", "test", "guard", "hours", "fire" */
const char *gh_cause_name(enum gh_cause cause);
#define GH_CAUSE_BIT(cause) (1u << (cause))
#define GH_CAUSES_ALL (GH_CAUSE_BIT(GH_CAUSE_COUNT) - 1)
/* Those that the other door of a lock (interlock) keeps from unlocking this one. */
#define GH_CAUSES_INTERLOCKED                                                                      \
    (GH_CAUSE_BIT(GH_CAUSE_DECISION) | GH_CAUSE_BIT(GH_CAUSE_EXIT) | GH_CAUSE_BIT(GH_CAUSE_TEST) | \
     GH_CAUSE_BIT(GH_CAUSE_HOURS))
struct gh_unlocking {
    int64_t from_ns;  /* INT64_MIN: never was */
    int64_t until_ns; /* or was until then; INT64_MIN: never was; INT64_MAX: until it is ended */
    bool pressed;     /* its button is, which keeps the door unlocked */
    bool holds;       /* ends when somebody has gone through */
};

/* What is shown for as long as it lasts, the less urgent first. */
enum gh_standing {
    GH_STANDING_HELD,   /* DOOR_HELD */
    GH_STANDING_FORCED, /* DOOR_FORCED */
    GH_STANDING_TAMPER, /* TAMPER */
    GH_STANDING_FIRE,   /* FIRE */
    GH_STANDING_COUNT
};
struct gh_signal {
    enum gh_lamp lamp;
    enum gh_sound sound;
    enum gh_outcome outcome;
    int64_t start_ns; /* INT64_MIN: none */
    int64_t end_ns;   /* the lamp goes off; a sound ends with its pattern */
};

struct gh_door {
    struct gh_door_options options;
    struct gh_unlocking causes[GH_CAUSE_COUNT];
    bool interlocked; /* the other door is not shut and locked, or not known to be */
    bool not_shut;    /* this one is open, or may be */
    bool claimed;     /* it is about to be unlocked */
    int64_t flip_ns;  /* TOGGLE: when a decision unlocked or locked it last; INT64_MIN: never */
    bool flipped_shut;
    struct gh_signal shown;
    struct gh_signal waiting; /* takes the place of shown at its start */
    struct {
        int64_t start_ns; /* INT64_MIN: it does not stand */
        bool silenced;
    } standing[GH_STANDING_COUNT];
    enum gh_line test_line;
    int64_t test_ns; /* since when it blinks; INT64_MIN: none does */
    int64_t last_ns; /* the latest time heard of; INT64_MIN: none yet */
};

/* Times are monotonic, and may all the same go back: that takes everything that is pending back
 * with it, so that what is left of a pulse stays what it was, and the door is never unlocked for
 * longer than it may be. */
void gh_door_init(struct gh_door *door, const struct gh_door_options *options);
/* Options from the next unlocking on; fail_safe and this_door stay as they were. What a relay that
 * toggled has unlocked ends with that mode. */
void gh_door_set_options(struct gh_door *door, const struct gh_door_options *options);

enum gh_unlocked {
    GH_UNLOCKED,
    GH_UNLOCKED_NOT, /* because of the other door */
    GH_LOCKED_AGAIN, /* by a decision: TOGGLE */
};
/* DECISION as relay_mode says; EXIT and GUARD likewise, but that they do not toggle; TEST for
 * pulse_ms; HOURS and FIRE until they are ended. Another one of the same cause begins anew and
 * never shortens. */
enum gh_unlocked gh_door_unlock(struct gh_door *door, enum gh_cause cause, int64_t now_ns);
/* TOGGLE: the last decision locked it. */
bool gh_door_has_locked_again(const struct gh_door *door);
/* This cause does not keep it unlocked any more. */
void gh_door_end(struct gh_door *door, enum gh_cause cause, int64_t now_ns);
/* The button of EXIT or GUARD, which has unlocked it, is pressed on; is not any more. */
void gh_door_press(struct gh_door *door, enum gh_cause cause, bool pressed, int64_t now_ns);
/* Take back a decision's unlocking. */
void gh_door_lock(struct gh_door *door);
/* Somebody has gone through: the contact says shut, since then. Ends what holds, unless it began
 * later. */
void gh_door_passed(struct gh_door *door, int64_t since_ns, int64_t now_ns);
/* The other door of a lock is not shut and locked: ends GH_CAUSES_INTERLOCKED, and none of them
 * unlocks until it is. */
void gh_door_interlock(struct gh_door *door, bool on, int64_t now_ns);
/* For the line this_door: whether this one is open, or its contact cannot be read. */
void gh_door_set_not_shut(struct gh_door *door, bool not_shut);
/* It is about to be unlocked by one of GH_CAUSES_INTERLOCKED: tell the other door before (this_door
 * is inactive from now on), look once more whether that one is shut, then unlock. Of two doors that
 * do so in one moment each finds the other not shut, or one of them does: never do both unlock.
 * Whoever claims takes it back. */
void gh_door_claim(struct gh_door *door, bool claimed);

/* Which of `causes` (a set of GH_CAUSE_BIT) keep it unlocked at now_ns. */
unsigned gh_door_causes(const struct gh_door *door, int64_t now_ns);
/* Until when these causes keep it unlocked, or did: INT64_MAX, it is not known; INT64_MIN: they
 * never did. */
int64_t gh_door_unlocked_until(const struct gh_door *door, unsigned causes);
/* For how long from now on it is meant to be unlocked, as gh_door_io.renew wants to know: in ms; 0:
 * it is locked; GH_DOOR_RENEW_MS: without an end that is known; GH_DOOR_RENEW_FIRE. */
int64_t gh_door_grant_ms(const struct gh_door *door, int64_t now_ns);

/* Show a reason: its lamp (for as long as the door is unlocked by a pulse or hold, or 4 s; while
 * WAITing until replaced, at most 60 s) and its sound from the start. Unlocks as a decision does if
 * and only if unlock is true. A signal that does not unlock never shortens a running pulse.
 * Which of several signals is seen and heard:
 * - FIRE for as long as it stands, whatever else;
 * - TAMPER, then FORCED, while their sound is played, which is so every 30 s again;
 * - else what was signalled last about people, since it is about whoever stands there now; but that
 *   a WAIT comes only once the sound that calls the guard is over;
 * - else what stands (FORCED, TAMPER, HELD): its lamp goes on, its sound comes again every 30 s.
 * Returns false when something more urgent is seen now in its place. */
bool gh_door_signal(struct gh_door *door, const struct gh_reason_info *info, bool unlock,
                    int64_t now_ns);
void gh_door_stand(struct gh_door *door, enum gh_standing standing, bool on, int64_t now_ns);
/* The most urgent that stands and was not silenced; COUNT: none. */
enum gh_standing gh_door_top_standing(const struct gh_door *door);
enum gh_reason gh_standing_reason(enum gh_standing standing);
/* The guard is here: ends a signal that called them, and the signals of HELD and FORCED until these
 * are over. */
void gh_door_silence(struct gh_door *door, int64_t now_ns);
/* Three times on and off, whatever is shown: a lamp or the buzzer. GH_ERR_INVALID: no such. */
GH_MUST_CHECK enum gh_status gh_door_blink(struct gh_door *door, enum gh_line line, int64_t now_ns);

/* Which lines are active at now_ns (a set of GH_LINE_BIT); *next_ns: when that will change next,
 * INT64_MAX: never. */
unsigned gh_door_lines(struct gh_door *door, int64_t now_ns, int64_t *next_ns);
/* Lines at rest: locked, dark, silent. */
unsigned gh_door_rest_lines(const struct gh_door_options *options);

/* --- the half that moves --- */
struct gh_door_inputs {
    unsigned active; /* a set of GH_INPUT_BIT */
    unsigned known;  /* likewise: those that could be read; the others are not in active */
    bool by_time;    /* inputs_fd was readable for a look in time, not for a change */
    bool lines_gone; /* outputs have gone: a set would fail */
};
/* Contract: set makes exactly the lines of `active` active, the others inactive, or fails and says
 * so; lines that are not wired are passed over. Idempotent. At free all lines are at their inactive
 * level first, so that the relay rests in its fail state.
 *
 * After a fork the child may call set and inputs (the door's keeper asks about a fire), and nothing
 * else, also while the parent is stopped in the middle of either, or dead: nothing is requested or
 * opened anew in the child, no lock is one that the other may hold, and there inputs reads
 * levels alone: it never waits, and takes nothing away from the parent. It ends without free. */
struct gh_door_io {
    enum gh_status (*set)(void *context, unsigned active, struct gh_error *err);
    void (*free)(void *context);
    /* free, but that the lines are let go of as they are: in a fire nobody is locked in. (What
     * becomes of a line that nobody holds is the chip's affair.) NULL: free knows when (the
     * keeper's). */
    void (*leave)(void *context);
    /* Whether lines were requested anew since the start, a chip having come back: a child of an
     * earlier fork cannot reach those, so that whoever has one ends and is started anew. NULL:
     * never. */
    bool (*outgrown)(void *context);
    void *context;
    /* The inputs. Which are wired stays the same for ever. inputs says how they are at this moment,
     * at once, also while another thread is in set, and takes what made inputs_fd readable, a
     * bounded part of it: that is readable when one of them may have changed since (edges, not
     * levels: also when it has changed back). NULL: there are none. inputs_fd -1: there is no such
     * word, ask every inputs_poll_ms. */
    unsigned inputs_wired; /* a set of GH_INPUT_BIT */
    struct gh_door_inputs (*inputs)(void *context);
    int inputs_fd;
    int64_t inputs_poll_ms;  /* 0: never needed */
    const char *inputs_path; /* the file that inputs opens, borrowed like context; NULL: none */
    /* What was set last is still meant, and will be for another for_ms from now. Whoever keeps the
     * door (door_keeper.h) puts the relay to its locked level when that time is over without
     * another word; where it has done so already, renew first makes the lines what they were set
     * to, and fails as set does. A set that unlocks grants options.pulse_ms + GH_DOOR_GRACE_MS by
     * itself; one that finds the relay unlocked and leaves it so grants nothing more. Hence:
     * - a pulse that starts anew: renew(what is left of it + GH_DOOR_GRACE_MS);
     * - unlocked without an end that is known now (hold, toggle, opening hours):
     *   renew(GH_DOOR_RENEW_MS) right after the set, then every GH_DOOR_RENEW_EVERY_MS;
     * - while there is a fire: renew(GH_DOOR_RENEW_FIRE) once; a hang locks nobody in. The next
     *   renew, or the next set that locks, takes that back.
     * Quick, and no I/O but where the keeper had to act. NULL: nobody keeps the door. */
    enum gh_status (*renew)(void *context, int64_t for_ms, struct gh_error *err);
};
#define GH_DOOR_GRACE_MS 250 /* the gate's own locking comes first */
#define GH_DOOR_RENEW_MS 3000
#define GH_DOOR_RENEW_EVERY_MS 1000
#define GH_DOOR_RENEW_FIRE INT64_MAX

enum gh_gpio_pull { GH_GPIO_PULL_AS_IS, GH_GPIO_PULL_UP, GH_GPIO_PULL_DOWN };
struct gh_gpio_line {
    char name[64]; /* of the line ("GPIO17") or its offset in decimal ("17"); "": not wired */
    bool active_low;
    enum gh_gpio_pull pull; /* inputs only; AS_IS: as the board or its boot configuration has it */
};
struct gh_gpio_wiring {
    /* "gpiochip0", "/dev/gpiochip0", or a label ("pinctrl-bcm2835"), which stays the same whatever
     * number the chip gets; "": line names are looked up on all chips */
    char chip[64];
    struct gh_gpio_line lines[GH_LINE_COUNT];
    struct gh_gpio_line inputs[GH_INPUT_COUNT]; /* the contact is active while the door is open */
    int64_t debounce_us; /* edges closer than that wake nobody where the kernel can do so; 0: all */
};
/* Requests the lines at once, as inputs, and as outputs, `initial` ones active, or `in_fire` ones
 * while the fire input is active at that moment. wiring is copied,
 * the clock borrowed. GH_ERR_NOTFOUND (chip or line, by name), GH_ERR_BUSY (in use, and by whom
 * where the kernel says), GH_ERR_DENIED, GH_ERR_INVALID (one line for two things).
 *
 * inputs_fd also becomes readable every 20 ms while a line has no edges (chips without interrupts)
 * or more than a hundred a second (chatter), and every 2 s, for a look at whether the chips are
 * there. inputs is there for that even when no input is wired.
 *
 * A chip that goes away: set fails and names it, its inputs are not known. inputs and set look for
 * it once a second, by its label and the names of its lines, at its path and under numbers that
 * were free at the start; when it is back its lines get what set was asked for last, and the log
 * says so.
 *
 * After fork, see gh_door_io: lines of a chip that came back later are the parent's alone; a
 * child's set of them fails with GH_ERR_GONE, its inputs are not known. Fork while nobody is in set
 * or inputs. */
GH_MUST_CHECK enum gh_status gh_door_gpio_new(const struct gh_gpio_wiring *wiring,
                                              const struct gh_clock *clock, unsigned initial,
                                              unsigned in_fire, struct gh_door_io *out,
                                              struct gh_error *err);

#define GH_GPIO_NAME_BYTES 32 /* of what the kernel calls something */
#define GH_GPIO_PATH_BYTES 128
/* How a wired line or input looks from outside; texts are "" and the offset is -1 where that cannot
 * be told. */
struct gh_gpio_seen {
    const char *what; /* "relay", "exit"; static */
    char name[64];    /* as the wiring has it; "": not wired, and all that follows is empty */
    char chip[GH_GPIO_PATH_BYTES];
    char label[GH_GPIO_NAME_BYTES]; /* what the chip calls itself */
    int offset;
    char line_name[GH_GPIO_NAME_BYTES]; /* what the kernel calls the line */
    char user[GH_GPIO_NAME_BYTES];      /* who has it now; "gatehouse": a gate that runs */
    char wrong[GH_ERROR_TEXT_BYTES];    /* one sentence that begins with `what`; "": nothing */
};
struct gh_gpio_look {
    struct gh_gpio_seen lines[GH_LINE_COUNT];
    struct gh_gpio_seen inputs[GH_INPUT_COUNT];
};
/* Opens chips and looks, requests nothing: also while a gate runs, whose lines are no fault. */
void gh_door_gpio_look(const struct gh_gpio_wiring *wiring, struct gh_gpio_look *out);

/* Prints one line on stdout for each change: `door +12.345 relay on` (seconds since it was made),
 * at once.
 *
 * inputs_file (copied; "": no inputs) holds the names of the active inputs, separated by white
 * space, a name behind a `?` is one that cannot be read; all are wired then. Somebody else writes
 * it, in place or by renaming into place. It counts from its newline at the end on and when it is
 * closed: what does not end with one is still being written, and what was there before goes on. No
 * file, a file over 1 KiB, and one with any other word: nothing is known. Its folder must be there.
 * GH_ERR_TOOBIG, GH_ERR_NOTFOUND, GH_ERR_NOMEM, GH_ERR_IO. */
GH_MUST_CHECK enum gh_status gh_door_trace_new(const struct gh_clock *clock,
                                               const char *inputs_file, struct gh_door_io *out,
                                               struct gh_error *err);

#endif
