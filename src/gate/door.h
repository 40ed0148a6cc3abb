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
    GH_LINE_THIS_DOOR, /* tells another gate's other_door that this door is not shut and locked */
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
enum gh_relay_mode {
    GH_RELAY_PULSE,  /* unlocked for pulse_ms */
    GH_RELAY_HOLD,   /* unlocked until somebody has gone through: the contact says open and shut
                        again; without that, or without a contact, for hold_max_s */
    GH_RELAY_TOGGLE, /* one decision unlocks, the next one locks */
};
struct gh_door_options {
    enum gh_relay_mode relay_mode;
    int64_t hold_max_s;  /* HOLD: 1..3600 */
    int64_t debounce_ms; /* an input counts once it has been the same for so long: 0..1000 */
    int64_t pulse_ms;    /* how long the door is unlocked: 100..60000 */
    bool fail_safe; /* true: the relay is energised while LOCKED, so that a loss of power unlocks;
                       false (fail-secure): while unlocked */
    int64_t held_open_s; /* open for longer than that, it is held open: 1..3600 (after.h) */
};

struct gh_door {
    struct gh_door_options options;
    int64_t unlocked_until_ns; /* INT64_MIN: locked */
    enum gh_lamp lamp;
    enum gh_sound sound;
    int64_t signal_start_ns;
    int64_t signal_end_ns; /* the lamp goes off; a sound ends with its pattern */
    int64_t last_ns;       /* the latest time heard of; INT64_MIN: none yet */
};

void gh_door_init(struct gh_door *door, const struct gh_door_options *options);
/* Show a reason: its lamp (for as long as the door is unlocked, or 4 s; while WAITing until
 * replaced, at most 60 s) and its sound from the start. Unlocks if and only if unlock is true, for
 * pulse_ms from now; a second one while unlocked starts the pulse anew. A signal that does not
 * unlock never shortens a running pulse. */
void gh_door_signal(struct gh_door *door, const struct gh_reason_info *info, bool unlock,
                    int64_t now_ns);
/* Take back an unlocking: locked from now on. */
void gh_door_lock(struct gh_door *door);
/* Which lines are active at now_ns (a set of GH_LINE_BIT); *next_ns: when that will change next,
 * INT64_MAX: never. Time that goes back takes everything that is pending back with it: what is left
 * of a pulse stays what it was, so that the door is never unlocked for longer than pulse_ms. */
unsigned gh_door_lines(struct gh_door *door, int64_t now_ns, int64_t *next_ns);
/* Lines at rest: locked, dark, silent. */
unsigned gh_door_rest_lines(const struct gh_door_options *options);

/* --- the half that moves --- */
enum gh_contact {
    GH_CONTACT_UNKNOWN, /* cannot be read now */
    GH_CONTACT_OPEN,
    GH_CONTACT_SHUT,
};

struct gh_door_inputs {
    unsigned active; /* a set of GH_INPUT_BIT */
    unsigned known;  /* likewise: those that could be read; the others are not in active */
};
/* Contract: set makes exactly the lines of `active` active, the others inactive, or fails and says
 * so; lines that are not wired are passed over. Idempotent. At free all lines are at their inactive
 * level first, so that the relay rests in its fail state. contact says how the door's contact is at
 * this moment, at once, also while another thread is in set; NULL: the door has none.
 *
 * After a fork the child may call set, and nothing else, also while the parent is stopped in the
 * middle of one or dead. It ends without free. */
struct gh_door_io {
    enum gh_status (*set)(void *context, unsigned active, struct gh_error *err);
    void (*free)(void *context);
    void *context;
    enum gh_contact (*contact)(void *context);
    /* The inputs. Which are wired stays the same for ever. inputs says how they are at this moment,
     * at once, also while another thread is in set, and takes what made inputs_fd readable, a
     * bounded part of it: that is readable when one of them may have changed since (edges, not
     * levels: also when it has changed back). NULL: there are none. inputs_fd -1: there is no such
     * word, ask every inputs_poll_ms. */
    unsigned inputs_wired; /* a set of GH_INPUT_BIT */
    struct gh_door_inputs (*inputs)(void *context);
    int inputs_fd;
    int64_t inputs_poll_ms; /* 0: never needed */
};

enum gh_gpio_pull { GH_GPIO_PULL_AS_IS, GH_GPIO_PULL_UP, GH_GPIO_PULL_DOWN };
struct gh_gpio_line {
    char name[64]; /* of the line ("GPIO17") or its offset in decimal ("17"); "": not wired */
    bool active_low;
    enum gh_gpio_pull pull; /* inputs only; AS_IS: as the board or its boot configuration has it */
};
struct gh_gpio_wiring {
    char chip[64]; /* "gpiochip0", "/dev/gpiochip0"; "": line names are looked up on all chips */
    struct gh_gpio_line lines[GH_LINE_COUNT];
    struct gh_gpio_line inputs[GH_INPUT_COUNT]; /* the contact is active while the door is open */
    int64_t debounce_us; /* edges closer than that wake nobody where the kernel can do so; 0: all */
};
/* Requests the lines at once, as outputs, `initial` ones active, and as inputs. wiring is copied,
 * the clock borrowed. GH_ERR_NOTFOUND (chip or line, by name), GH_ERR_BUSY (in use, and by whom
 * where the kernel says), GH_ERR_DENIED, GH_ERR_INVALID (one line for two things).
 *
 * inputs_fd also becomes readable every 20 ms while a line has no edges (chips without interrupts)
 * or more than a hundred a second (chatter), and every 2 s, for a look at whether the chips are
 * there. inputs is there for that even when no input is wired.
 *
 * A chip that goes away: set fails and names it, its inputs are not known. inputs and set look for
 * it once a second, by its label, at its path, and under other numbers if its lines are wired by
 * name; when it is back its lines get what set was asked for last, and the log says so.
 *
 * After fork, see gh_door_io: lines of a chip that came back later are the parent's alone; a
 * child's set of them fails with GH_ERR_GONE. Fork while nobody is in set or inputs. */
GH_MUST_CHECK enum gh_status gh_door_gpio_new(const struct gh_gpio_wiring *wiring,
                                              const struct gh_clock *clock, unsigned initial,
                                              struct gh_door_io *out, struct gh_error *err);

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
 * at once. contact_file (copied; "": no contact) holds the word open or shut, as somebody
 * else writes it; anything else, or no file, is unknown.
 *
 * inputs_file (copied; "": no inputs) holds the names of the active inputs, separated by white
 * space, a name behind a `?` is one that cannot be read; all are wired then. Somebody else writes
 * it, in place or by renaming into place. It counts from its newline at the end on and when it is
 * closed: what does not end with one is still being written, and what was there before goes on. No
 * file, a file over 1 KiB, and one with any other word: nothing is known. Its folder must be there.
 * GH_ERR_TOOBIG, GH_ERR_NOTFOUND, GH_ERR_NOMEM, GH_ERR_IO. */
GH_MUST_CHECK enum gh_status gh_door_trace_new(const struct gh_clock *clock,
                                               const char *contact_file, const char *inputs_file,
                                               struct gh_door_io *out, struct gh_error *err);

#endif
