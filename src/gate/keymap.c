/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/keymap.h"

#include <linux/input-event-codes.h>

#include "gatehouse/bytes.h"

#define SHIFTS ((unsigned)GH_MODIFIER_SHIFT_LEFT | GH_MODIFIER_SHIFT_RIGHT)
#define MUTES (~SHIFTS)

struct key {
    char plain, shifted;
};

/* The US layout (ANSI, INCITS 154). What is not here types nothing. */
static const struct key keys[] = {
    [KEY_1] = {'1', '!'},           [KEY_2] = {'2', '@'},          [KEY_3] = {'3', '#'},
    [KEY_4] = {'4', '$'},           [KEY_5] = {'5', '%'},          [KEY_6] = {'6', '^'},
    [KEY_7] = {'7', '&'},           [KEY_8] = {'8', '*'},          [KEY_9] = {'9', '('},
    [KEY_0] = {'0', ')'},           [KEY_MINUS] = {'-', '_'},      [KEY_EQUAL] = {'=', '+'},
    [KEY_TAB] = {'\t', '\t'},       [KEY_Q] = {'q', 'Q'},          [KEY_W] = {'w', 'W'},
    [KEY_E] = {'e', 'E'},           [KEY_R] = {'r', 'R'},          [KEY_T] = {'t', 'T'},
    [KEY_Y] = {'y', 'Y'},           [KEY_U] = {'u', 'U'},          [KEY_I] = {'i', 'I'},
    [KEY_O] = {'o', 'O'},           [KEY_P] = {'p', 'P'},          [KEY_LEFTBRACE] = {'[', '{'},
    [KEY_RIGHTBRACE] = {']', '}'},  [KEY_ENTER] = {'\n', '\n'},    [KEY_A] = {'a', 'A'},
    [KEY_S] = {'s', 'S'},           [KEY_D] = {'d', 'D'},          [KEY_F] = {'f', 'F'},
    [KEY_G] = {'g', 'G'},           [KEY_H] = {'h', 'H'},          [KEY_J] = {'j', 'J'},
    [KEY_K] = {'k', 'K'},           [KEY_L] = {'l', 'L'},          [KEY_SEMICOLON] = {';', ':'},
    [KEY_APOSTROPHE] = {'\'', '"'}, [KEY_GRAVE] = {'`', '~'},      [KEY_BACKSLASH] = {'\\', '|'},
    [KEY_Z] = {'z', 'Z'},           [KEY_X] = {'x', 'X'},          [KEY_C] = {'c', 'C'},
    [KEY_V] = {'v', 'V'},           [KEY_B] = {'b', 'B'},          [KEY_N] = {'n', 'N'},
    [KEY_M] = {'m', 'M'},           [KEY_COMMA] = {',', '<'},      [KEY_DOT] = {'.', '>'},
    [KEY_SLASH] = {'/', '?'},       [KEY_SPACE] = {' ', ' '},      [KEY_KPASTERISK] = {'*', '*'},
    [KEY_KP7] = {'7', '7'},         [KEY_KP8] = {'8', '8'},        [KEY_KP9] = {'9', '9'},
    [KEY_KPMINUS] = {'-', '-'},     [KEY_KP4] = {'4', '4'},        [KEY_KP5] = {'5', '5'},
    [KEY_KP6] = {'6', '6'},         [KEY_KPPLUS] = {'+', '+'},     [KEY_KP1] = {'1', '1'},
    [KEY_KP2] = {'2', '2'},         [KEY_KP3] = {'3', '3'},        [KEY_KP0] = {'0', '0'},
    [KEY_KPDOT] = {'.', '.'},       [KEY_102ND] = {'\\', '|'},     [KEY_KPENTER] = {'\n', '\n'},
    [KEY_KPSLASH] = {'/', '/'},     [KEY_LINEFEED] = {'\n', '\n'}, [KEY_KPEQUAL] = {'=', '='},
};

/* 0: it is none. */
static unsigned modifier_of(uint16_t key)
{
    static const uint16_t mutes[] = {KEY_LEFTCTRL, KEY_RIGHTCTRL, KEY_LEFTALT,
                                     KEY_RIGHTALT, KEY_LEFTMETA,  KEY_RIGHTMETA};

    if (key == KEY_LEFTSHIFT)
        return GH_MODIFIER_SHIFT_LEFT;
    if (key == KEY_RIGHTSHIFT)
        return GH_MODIFIER_SHIFT_RIGHT;
    for (unsigned i = 0; i < GH_ARRAY_SIZE(mutes); i++) {
        if (key == mutes[i])
            return (unsigned)GH_MODIFIER_MUTE_FIRST << i;
    }
    return 0;
}

char gh_keymap_type(struct gh_keymap *keymap, uint16_t key, int32_t value)
{
    unsigned modifier = modifier_of(key);

    if (modifier != 0 && value == 0)
        keymap->modifiers &= ~modifier;
    else if (modifier != 0)
        keymap->modifiers |= modifier;
    if (value != 1)
        return 0;
    if (key == KEY_CAPSLOCK)
        keymap->caps_lock = !keymap->caps_lock;
    if (key >= GH_ARRAY_SIZE(keys) || (keymap->modifiers & MUTES) != 0)
        return 0;
    char plain = keys[key].plain;
    bool shifted = (keymap->modifiers & SHIFTS) != 0;
    if (plain >= 'a' && plain <= 'z')
        shifted = shifted != keymap->caps_lock;
    return shifted ? keys[key].shifted : plain;
}
