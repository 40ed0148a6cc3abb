/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner that poses as a keyboard, at the level of its event device: a socket that speaks struct
 * input_event, and what the kernel's calls say about it. It knows the US layout by itself, from the
 * picture of a keyboard, so that a slip in the gate's table is seen. */
#ifndef GATEHOUSE_TESTS_TYPIST_H
#define GATEHOUSE_TESTS_TYPIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gh_keystroke {
    uint16_t key;
    bool shift;
};
/* For 0x20 to 0x7e, '\n' and '\t'. */
struct gh_keystroke gh_keystroke_of(char c);

/* The events of one text, as a scanner sends them: each key with its MSC_SCAN and SYN_REPORT, shift
 * around those that want it. To the descriptor; false: it was not taken whole. */
bool gh_typist_type(int fd, const char *text);
bool gh_typist_event(int fd, uint16_t type, uint16_t code, int32_t value);

/* The device's calls, for gh_readers_options.evdev_ioctl: there is one device. */
struct gh_fake_evdev {
    int grab_error;          /* an errno, or 0 */
    bool is_keyboard;        /* has letters, digits and Enter */
    bool is_evdev;           /* else its calls are not known (ENOTTY) */
    bool caps_lit;           /* the Caps Lock lamp */
    uint16_t down;           /* a key that is down now, or 0 */
    unsigned grabs, queries; /* how often it was grabbed; how often its keys were asked for */
};
extern struct gh_fake_evdev gh_fake_evdev;
void gh_fake_evdev_init(void);
int gh_fake_evdev_ioctl(int fd, unsigned long request, void *argument);

#endif
