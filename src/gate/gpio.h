/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the door's GPIO half. gpio_find.c finds out which lines on which chips, gpio_outputs.c
 * moves lines, gpio_inputs.c listens, gpio_lines.c is the door that they make, gpio_look.c looks
 * only; gpio_v1.c and gpio_v2.c say it to libgpiod 1.6 or 2.x, whichever this build has.
 *
 * Outputs and inputs share no chip handle and no lock, even when they are on one chip: a set that
 * hangs in a driver keeps nobody from hearing the exit button.
 *
 * After a fork a child may set outputs and read levels: the requests' descriptors stand in both
 * processes, and what was asked for last is one memory for both. A child opens nothing anew, and
 * leaves edges and timers to its parent; see gh_door_gpio_new. */
#ifndef GATEHOUSE_SRC_GATE_GPIO_H
#define GATEHOUSE_SRC_GATE_GPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/door.h"

#define GH_GPIO_CONSUMER "gatehouse"
#define GH_GPIO_TICK_MS 2000  /* all is well: is every chip still there? */
#define GH_GPIO_RETRY_MS 1000 /* one is not */
#define GH_GPIO_POLL_MS 20    /* a line has no edges, or too many */
/* Until the next time that is due after so long: a timer that comes a little early will do. */
#define GH_GPIO_PAUSE_NS(ms) (((ms)-GH_GPIO_POLL_MS) * GH_NS_PER_MS)
#define GH_GPIO_EDGES_A_DRAIN 16 /* as many as the kernel keeps of a line */
#define GH_GPIO_EDGES_A_SECOND 100

/* --- libgpiod: these return NULL or -1 with errno set when they fail; values are logical: 1 is
 * active. gpio_v1.c, gpio_v2.c --- */
struct gh_gpio_chip; /* an open chip */
struct gh_gpio_chip *gh_gpio_chip_open(const char *path);
void gh_gpio_chip_close(struct gh_gpio_chip *chip); /* NULL is fine */
/* -1 with ENOENT: the chip has no line of that name. */
int gh_gpio_chip_find(struct gh_gpio_chip *chip, const char *name);
unsigned gh_gpio_chip_line_count(struct gh_gpio_chip *chip); /* 0: cannot be told */
void gh_gpio_chip_label(struct gh_gpio_chip *chip, char label[GH_GPIO_NAME_BYTES]);
struct gh_gpio_line_info {
    char name[GH_GPIO_NAME_BYTES]; /* as the kernel calls it; "": nothing */
    bool used;
    char consumer[GH_GPIO_NAME_BYTES]; /* by whom; "" where the kernel does not say */
};
int gh_gpio_chip_line(struct gh_gpio_chip *chip, unsigned offset, struct gh_gpio_line_info *out);

/* The outputs on one chip, in parallel arrays. */
struct gh_gpio_set {
    unsigned count;
    unsigned offsets[GH_LINE_COUNT];
    bool active_low[GH_LINE_COUNT];
    enum gh_line lines[GH_LINE_COUNT]; /* what each is for */
};
struct gh_gpio_request; /* outputs that are ours */
/* All lines of the set at once, at these values from the first moment. The set is borrowed until
 * the release, the chip stays open until then. */
struct gh_gpio_request *gh_gpio_request_new(struct gh_gpio_chip *chip,
                                            const struct gh_gpio_set *set, const int *values);
int gh_gpio_request_set(struct gh_gpio_request *request, const int *values);
/* With their direction, for a chip that may have lost its power: outputs come up as inputs. */
int gh_gpio_request_renew(struct gh_gpio_request *request, const int *values);
int gh_gpio_request_test(struct gh_gpio_request *request);     /* 0: the chip answers */
void gh_gpio_request_release(struct gh_gpio_request *request); /* NULL is fine */

struct gh_gpio_input; /* an input that is ours */
struct gh_gpio_input_wish {
    unsigned offset;
    bool active_low;
    enum gh_gpio_pull pull;
    bool edges;          /* both of them */
    int64_t debounce_us; /* libgpiod 1.6 has none */
};
/* The chip stays open until the release. */
struct gh_gpio_input *gh_gpio_input_new(struct gh_gpio_chip *chip,
                                        const struct gh_gpio_input_wish *wish);
int gh_gpio_input_get(struct gh_gpio_input *input); /* 1: active, 0: not, -1: cannot be read */
/* Readable while there are edges; only for an input with edges. */
int gh_gpio_input_fd(struct gh_gpio_input *input);
/* Takes at most GH_GPIO_EDGES_A_DRAIN edges and says how many; never waits. */
int gh_gpio_input_drain(struct gh_gpio_input *input);
void gh_gpio_input_release(struct gh_gpio_input *input); /* NULL is fine */

/* --- which lines on which chips: gpio_find.c --- */
/* A pin is what the wiring names: the lines first, the inputs behind them. */
#define GH_GPIO_PINS (GH_LINE_COUNT + GH_INPUT_COUNT)
const char *gh_gpio_pin_name(unsigned pin); /* "relay", "contact" */
const struct gh_gpio_line *gh_gpio_pin_line(const struct gh_gpio_wiring *wiring, unsigned pin);
#define GH_GPIO_PINS_BYTES 128 /* all names, with commas */
/* "relay, lamp_green": the pins of a set of 1u << pin. */
void gh_gpio_pins_text(unsigned pins, char text[GH_GPIO_PINS_BYTES]);

/* A chip, as far as it can be known again. */
struct gh_gpio_seat {
    char path[GH_GPIO_PATH_BYTES];
    char label[GH_GPIO_NAME_BYTES];
    unsigned line_count;
};
struct gh_gpio_place {
    bool found;
    unsigned chip; /* index */
    unsigned offset;
};
struct gh_gpio_map {
    const char *folder;                  /* borrowed, */
    const struct gh_gpio_wiring *wiring; /* likewise */
    struct {
        struct gh_gpio_seat seat;
        struct gh_gpio_chip *chip;
    } chips[GH_GPIO_PINS];
    unsigned chip_count;
    struct gh_gpio_place places[GH_GPIO_PINS];
};
void gh_gpio_map_init(struct gh_gpio_map *map, const char *folder,
                      const struct gh_gpio_wiring *wiring);
/* Finds one pin; one that is not wired is fine and not found. GH_ERR_NOTFOUND, GH_ERR_DENIED,
 * GH_ERR_INVALID (its line is another pin's already) and so on, with the pin's name in err. */
GH_MUST_CHECK enum gh_status gh_gpio_map_find(struct gh_gpio_map *map, unsigned pin,
                                              struct gh_error *err);
void gh_gpio_map_close(struct gh_gpio_map *map);

/* What is needed to find chips again that went away. */
struct gh_gpio_world {
    const char *folder;
    const struct gh_gpio_wiring *wiring;
    const struct gh_clock *clock;
    uint64_t strangers;     /* bit N: gpiochipN was there at the start and has none of our lines */
    _Atomic bool *outgrown; /* set when a chip has come back: a child of before knows the old one */
};
/* Copies of chips that are plugged in twice are not to be taken for each other. */
uint64_t gh_gpio_map_strangers(const struct gh_gpio_map *map);
/* Opens the chip of `seat` again and finds the pins on it: at its path, or under another number,
 * which it gets as long as somebody has the old one open (a forked child does). It is the chip if
 * it has that label, that number of lines and all of those names, and was not there before. Fills
 * offsets (by pin), and the seat's path where that has changed. NULL: it is not there. */
struct gh_gpio_chip *gh_gpio_find_again(const struct gh_gpio_world *world,
                                        struct gh_gpio_seat *seat, unsigned pins,
                                        unsigned offsets[GH_GPIO_PINS]);
/* The chip at this seat has come back, its lines are ours again: whoever forked before ends and is
 * started anew, if a start would find all lines. If not, being there is better, and the log says
 * what to do about it. */
void gh_gpio_came_back(const struct gh_gpio_world *world, const struct gh_gpio_seat *seat);
/* Why could the pin's line not be had? In words, with errno's value and, when that says busy, who
 * has the line. */
enum gh_status gh_gpio_refused(const char *path, struct gh_gpio_chip *chip, unsigned pin,
                               unsigned offset, int error, struct gh_error *err);

/* --- outputs: gpio_outputs.c --- */
struct gh_gpio_outputs;
/* world is borrowed. */
GH_MUST_CHECK enum gh_status gh_gpio_outputs_new(const struct gh_gpio_map *map,
                                                 const struct gh_gpio_world *world,
                                                 unsigned initial, struct gh_gpio_outputs **out,
                                                 struct gh_error *err);
GH_MUST_CHECK enum gh_status gh_gpio_outputs_set(struct gh_gpio_outputs *outputs, unsigned active,
                                                 struct gh_error *err);
/* Is every chip there? One that has come back gets what was asked for last. Returns false while one
 * is missing. Does nothing while another thread is in set. */
bool gh_gpio_outputs_tick(struct gh_gpio_outputs *outputs);
/* Inactive first; NULL is fine. */
void gh_gpio_outputs_free(struct gh_gpio_outputs *outputs);
/* As they are; NULL is fine. */
void gh_gpio_outputs_leave(struct gh_gpio_outputs *outputs);

/* --- inputs: gpio_inputs.c --- */
struct gh_gpio_inputs;
/* world is borrowed. */
GH_MUST_CHECK enum gh_status gh_gpio_inputs_new(const struct gh_gpio_map *map,
                                                const struct gh_gpio_world *world,
                                                struct gh_gpio_inputs **out, struct gh_error *err);
/* Readable when there is an edge. */
int gh_gpio_inputs_fd(const struct gh_gpio_inputs *inputs);
/* Takes edges, a bounded number, and reads the levels. *told: there were edges. *ask_ms: when to do
 * so again even if the descriptor stays quiet. */
struct gh_door_inputs gh_gpio_inputs_take(struct gh_gpio_inputs *inputs, bool *told,
                                          int64_t *ask_ms);
/* The levels alone, for a child: takes nothing away that the parent waits for. */
struct gh_door_inputs gh_gpio_inputs_levels(struct gh_gpio_inputs *inputs);
void gh_gpio_inputs_free(struct gh_gpio_inputs *inputs); /* NULL is fine */

/* --- the door: gpio_lines.c. With its chips in another folder than /dev: for tests. --- */
GH_MUST_CHECK enum gh_status gh_door_gpio_new_in(const char *folder,
                                                 const struct gh_gpio_wiring *wiring,
                                                 const struct gh_clock *clock, unsigned initial,
                                                 unsigned in_fire, struct gh_door_io *out,
                                                 struct gh_error *err);
void gh_door_gpio_look_in(const char *folder, const struct gh_gpio_wiring *wiring,
                          struct gh_gpio_look *out);

#endif
