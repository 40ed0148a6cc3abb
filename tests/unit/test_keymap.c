/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/input-event-codes.h>
#include <string.h>

#include "fakes/typist.h"
#include "gate/keymap.h"
#include "gatehouse/bytes.h"

static struct gh_keymap keymap;

static int setup(void **state)
{
    (void)state;
    keymap = (struct gh_keymap){.modifiers = 0};
    return 0;
}

static char press(uint16_t key)
{
    char typed = gh_keymap_type(&keymap, key, 1);

    assert_int_equal(gh_keymap_type(&keymap, key, 0), 0);
    return typed;
}

/* Every character that a code of ours, or a link in one, can have: as typed by a US keyboard. */
static void test_all_characters(void **state)
{
    (void)state;

    for (int c = 0x20; c < 0x7f; c++) {
        struct gh_keystroke stroke = gh_keystroke_of((char)c);
        if (stroke.shift)
            gh_keymap_type(&keymap, KEY_LEFTSHIFT, 1);
        assert_int_equal(press(stroke.key), c);
        gh_keymap_type(&keymap, KEY_LEFTSHIFT, 0);
    }
    assert_int_equal(press(KEY_ENTER), '\n');
    assert_int_equal(press(KEY_KPENTER), '\n');
    assert_int_equal(press(KEY_TAB), '\t');
}

static void test_shift(void **state)
{
    (void)state;

    assert_int_equal(press(KEY_A), 'a');
    gh_keymap_type(&keymap, KEY_RIGHTSHIFT, 1);
    gh_keymap_type(&keymap, KEY_LEFTSHIFT, 1);
    assert_int_equal(press(KEY_A), 'A');
    gh_keymap_type(&keymap, KEY_LEFTSHIFT, 0);
    assert_int_equal(press(KEY_4), '$'); /* the other one is still down */
    assert_int_equal(press(KEY_ENTER), '\n');
    gh_keymap_type(&keymap, KEY_RIGHTSHIFT, 0);
    assert_int_equal(press(KEY_4), '4');
    gh_keymap_type(&keymap, KEY_RIGHTSHIFT, 0); /* up twice */
    assert_int_equal(press(KEY_A), 'a');
}

static void test_caps_lock(void **state)
{
    (void)state;

    press(KEY_CAPSLOCK);
    assert_int_equal(press(KEY_G), 'G');
    assert_int_equal(press(KEY_1), '1'); /* letters only */
    assert_int_equal(press(KEY_SLASH), '/');
    gh_keymap_type(&keymap, KEY_LEFTSHIFT, 1);
    assert_int_equal(press(KEY_G), 'g');
    assert_int_equal(press(KEY_5), '%');
    gh_keymap_type(&keymap, KEY_LEFTSHIFT, 0);
    gh_keymap_type(&keymap, KEY_CAPSLOCK, 2); /* held */
    assert_int_equal(press(KEY_G), 'G');
    press(KEY_CAPSLOCK);
    assert_int_equal(press(KEY_G), 'g');
}

static void test_held_keys(void **state)
{
    (void)state;

    assert_int_equal(gh_keymap_type(&keymap, KEY_H, 1), 'h');
    for (int i = 0; i < 5; i++)
        assert_int_equal(gh_keymap_type(&keymap, KEY_H, 2), 0);
    assert_int_equal(gh_keymap_type(&keymap, KEY_H, 0), 0);
    gh_keymap_type(&keymap, KEY_LEFTSHIFT, 2); /* it was down before anybody looked */
    assert_int_equal(press(KEY_H), 'H');
}

static void test_keypad(void **state)
{
    (void)state;
    static const uint16_t keys[] = {
        KEY_KP0, KEY_KP1, KEY_KP2,   KEY_KP3,    KEY_KP4,     KEY_KP5,        KEY_KP6,    KEY_KP7,
        KEY_KP8, KEY_KP9, KEY_KPDOT, KEY_KPPLUS, KEY_KPMINUS, KEY_KPASTERISK, KEY_KPSLASH};
    char typed[GH_ARRAY_SIZE(keys) + 1] = "";

    for (size_t i = 0; i < GH_ARRAY_SIZE(keys); i++)
        typed[i] = press(keys[i]);
    assert_string_equal(typed, "0123456789.+-*/");
    press(KEY_NUMLOCK);
    assert_int_equal(press(KEY_KP7), '7');
}

/* Characters by their number (Alt and the keypad), and chords: nothing of it is typed. */
static void test_chords(void **state)
{
    (void)state;
    static const uint16_t chords[] = {KEY_LEFTALT,   KEY_RIGHTALT, KEY_LEFTCTRL,
                                      KEY_RIGHTCTRL, KEY_LEFTMETA, KEY_RIGHTMETA};

    for (size_t i = 0; i < GH_ARRAY_SIZE(chords); i++) {
        gh_keymap_type(&keymap, chords[i], 1);
        assert_int_equal(press(KEY_KP6), 0);
        assert_int_equal(press(KEY_KP5), 0);
        assert_int_equal(press(KEY_RIGHTBRACE), 0);
        gh_keymap_type(&keymap, chords[i], 0);
        assert_int_equal(press(KEY_KP6), '6');
    }
    gh_keymap_type(&keymap, KEY_LEFTALT, 1);
    gh_keymap_type(&keymap, KEY_RIGHTCTRL, 1);
    gh_keymap_type(&keymap, KEY_LEFTALT, 0);
    assert_int_equal(press(KEY_A), 0);
}

/* Whatever a device says: nothing but what the header says comes out. */
static void test_every_key(void **state)
{
    (void)state;
    static const int32_t values[] = {INT32_MIN, -1, 0, 1, 2, 3, INT32_MAX};
    unsigned typing = 0;

    for (uint32_t key = 0; key <= UINT16_MAX; key++) {
        for (size_t i = 0; i < GH_ARRAY_SIZE(values); i++) {
            keymap = (struct gh_keymap){.modifiers = 0};
            char typed = gh_keymap_type(&keymap, (uint16_t)key, values[i]);
            assert_true(typed == 0 || typed == '\n' || typed == '\t' ||
                        (typed >= 0x20 && typed < 0x7f));
            assert_true(typed == 0 || values[i] == 1);
            typing += typed != 0;
        }
    }
    assert_int_equal(typing, 69); /* 50 of the block of letters, 17 of the keypad, line feed, <> */
    for (uint16_t key = KEY_F1; key <= KEY_F10; key++)
        assert_int_equal(press(key), 0);
    assert_int_equal(press(KEY_BACKSPACE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_characters, setup),
        cmocka_unit_test_setup(test_shift, setup),
        cmocka_unit_test_setup(test_caps_lock, setup),
        cmocka_unit_test_setup(test_held_keys, setup),
        cmocka_unit_test_setup(test_keypad, setup),
        cmocka_unit_test_setup(test_chords, setup),
        cmocka_unit_test_setup(test_every_key, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
