/* SPDX-License-Identifier: Apache-2.0 */
/* What a scanner that poses as a keyboard types, by the US layout, which such scanners have when
 * they are new: key events in, characters out. No I/O, no clock. Shift and Caps Lock count; the
 * keypad types digits whatever Num Lock says; a key that is held types once. While Alt, Ctrl or a
 * logo key is down nothing is typed. */
#ifndef GATEHOUSE_SRC_GATE_KEYMAP_H
#define GATEHOUSE_SRC_GATE_KEYMAP_H

#include <stdbool.h>
#include <stdint.h>

/* Keys that change what others type; each hand's by itself, as a keyboard has them. */
enum gh_modifier {
    GH_MODIFIER_SHIFT_LEFT = 1 << 0,
    GH_MODIFIER_SHIFT_RIGHT = 1 << 1,
    GH_MODIFIER_MUTE_FIRST = 1 << 2, /* six that make a chord of whatever is typed */
};
struct gh_keymap {
    unsigned modifiers; /* those that are down; 0 at first */
    bool caps_lock;
};

/* A key event (EV_KEY) as linux/input-event-codes.h numbers it: value 1 is down, 0 up, 2 repeated.
 * Returns the character: 0x20 to 0x7e, '\n' for Enter, '\t' for Tab; 0: none. */
char gh_keymap_type(struct gh_keymap *keymap, uint16_t key, int32_t value);

#endif
