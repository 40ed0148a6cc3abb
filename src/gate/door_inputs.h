/* SPDX-License-Identifier: Apache-2.0 */
/* The door's inputs, debounced: how they are found at each look in, how they count out. Pure: no
 * thread, no clock, no I/O. Times are monotonic, and may all the same go back. */
#ifndef GATEHOUSE_SRC_GATE_DOOR_INPUTS_H
#define GATEHOUSE_SRC_GATE_DOOR_INPUTS_H

#include "gate/door.h"
#include "gatehouse/bucket.h"

/* One that does not come to rest for so long, and was seen to change so often, chatters: a loose
 * wire, a worn contact. (Once or twice is what a gate sees that was busy elsewhere meanwhile.) It
 * goes on to until it was the same for GH_INPUT_QUIET_MS. */
#define GH_INPUT_CHATTER_MS 2000
#define GH_INPUT_CHATTER_CHANGES 4
#define GH_INPUT_QUIET_MS 10000
/* So does one that counts as something else again and again: each time is an entry, and a switch
 * that flaps would fill the card. A contact may change this often in a row, and once more a second
 * (half a door's way: the busiest door is slower); tamper and fire as often in a row, and once more
 * a minute. But after GH_INPUT_QUIET_MS of rest each is believed all the same, for an alarm's end
 * is not kept back: one that always rests so long makes two entries each time, token or none.
 * Buttons may: what they do is one entry a pulse. */
#define GH_INPUT_FLAPS_IN_A_ROW 30
#define GH_INPUT_FLAP_CONTACT_MS 1000
#define GH_INPUT_FLAP_ALARM_MS 60000
/* While they chatter these count as active, which is their safe side; the others stay as they were.
 */
#define GH_INPUTS_SAFE_ACTIVE                                                                      \
    (GH_INPUT_BIT(GH_INPUT_FIRE) | GH_INPUT_BIT(GH_INPUT_TAMPER) |                                 \
     GH_INPUT_BIT(GH_INPUT_OTHER_DOOR))

enum gh_level { GH_LEVEL_UNKNOWN, GH_LEVEL_OFF, GH_LEVEL_ON };
struct gh_door_input {
    enum gh_level level, seen; /* as it counts; as it was found last */
    int64_t since_ns;          /* it has been so; a moment that was found, not when it counted */
    int64_t seen_ns;           /* found so since then, without a break */
    int64_t restless_ns;       /* found otherwise than it counts since then; INT64_MIN: it is not */
    unsigned changes;          /* of how it was found, since then */
    struct gh_bucket flaps;    /* a token for each time; period_ns 0: without end */
    bool chatters;
};

struct gh_door_watch {
    unsigned wired;
    int64_t debounce_ns;
    struct gh_door_input inputs[GH_INPUT_COUNT];
    uint64_t blinks; /* words of a change after which all was as before: it came and went */
    int64_t last_ns;
};

/* All unknown. wired: a set of GH_INPUT_BIT; debounce_ms: 0..1000. */
void gh_door_watch_init(struct gh_door_watch *watch, unsigned wired, int64_t debounce_ms);
void gh_door_watch_set_debounce(struct gh_door_watch *watch, int64_t debounce_ms);
/* They were found so. told: because they said that they had changed. Returns those that count as
 * something else now. */
unsigned gh_door_watch_look(struct gh_door_watch *watch, const struct gh_door_inputs *found,
                            bool told, int64_t now_ns);
/* When to look again, since one that was found otherwise will count then, or chatter; INT64_MAX:
 * all are at rest. */
int64_t gh_door_watch_next_ns(const struct gh_door_watch *watch);
/* Those that count as this. */
unsigned gh_door_watch_at(const struct gh_door_watch *watch, enum gh_level level);
/* Found just now as it counts. */
bool gh_door_watch_is_settled(const struct gh_door_watch *watch, enum gh_input input);

#endif
