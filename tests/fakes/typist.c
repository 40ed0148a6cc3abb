/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/typist.h"

#include <errno.h>
#include <limits.h>
#include <linux/input.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* --- the keyboard, row by row, as it lies on the table --- */

struct row {
    uint16_t first; /* the keys of a row have numbers in a row */
    const char *plain, *shifted;
};
static const struct row rows[] = {
    {KEY_1, "1234567890-=", "!@#$%^&*()_+"},
    {KEY_Q, "qwertyuiop[]", "QWERTYUIOP{}"},
    {KEY_A, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
    {KEY_BACKSLASH, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
    {KEY_SPACE, " ", ""},
    {KEY_ENTER, "\n", ""},
    {KEY_TAB, "\t", ""},
};

struct gh_keystroke gh_keystroke_of(char c)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *plain = strchr(rows[i].plain, c), *shifted = strchr(rows[i].shifted, c);
        if (plain)
            return (struct gh_keystroke){(uint16_t)(rows[i].first + (plain - rows[i].plain)),
                                         false};
        if (shifted)
            return (struct gh_keystroke){(uint16_t)(rows[i].first + (shifted - rows[i].shifted)),
                                         true};
    }
    return (struct gh_keystroke){KEY_RESERVED, false};
}

bool gh_typist_event(int fd, uint16_t type, uint16_t code, int32_t value)
{
    struct input_event event = {.type = type, .code = code, .value = value};

    return write(fd, &event, sizeof(event)) == (ssize_t)sizeof(event);
}

static bool key(int fd, uint16_t code, int32_t value)
{
    return gh_typist_event(fd, EV_MSC, MSC_SCAN, 0x70000 + code) &&
           gh_typist_event(fd, EV_KEY, code, value) && gh_typist_event(fd, EV_SYN, SYN_REPORT, 0);
}

bool gh_typist_type(int fd, const char *text)
{
    bool good = true;

    for (; *text && good; text++) {
        struct gh_keystroke stroke = gh_keystroke_of(*text);
        good = (!stroke.shift || key(fd, KEY_LEFTSHIFT, 1)) && key(fd, stroke.key, 1) &&
               key(fd, stroke.key, 0) && (!stroke.shift || key(fd, KEY_LEFTSHIFT, 0));
    }
    return good;
}

/* --- the kernel's calls --- */

struct gh_fake_evdev gh_fake_evdev;

void gh_fake_evdev_init(void)
{
    gh_fake_evdev = (struct gh_fake_evdev){.is_keyboard = true, .is_evdev = true};
}

static void set_bit(unsigned long *bits, unsigned bit)
{
    bits[bit / (CHAR_BIT * sizeof(long))] |= 1ul << (bit % (CHAR_BIT * sizeof(long)));
}

static int fail(int error)
{
    errno = error;
    return -1;
}

static int answer_bits(unsigned number, unsigned long *bits, size_t size)
{
    memset(bits, 0, size);
    if (number == _IOC_NR(EVIOCGBIT(EV_KEY, 0))) {
        set_bit(bits, KEY_POWER);
        for (unsigned i = KEY_1; gh_fake_evdev.is_keyboard && i <= KEY_SPACE; i++)
            set_bit(bits, i);
    } else if (number == _IOC_NR(EVIOCGKEY(0))) {
        gh_fake_evdev.queries++;
        if (gh_fake_evdev.down != 0)
            set_bit(bits, gh_fake_evdev.down);
    } else if (number == _IOC_NR(EVIOCGLED(0))) {
        if (gh_fake_evdev.caps_lit)
            set_bit(bits, LED_CAPSL);
    } else {
        return fail(EINVAL);
    }
    return (int)size;
}

int gh_fake_evdev_ioctl(int fd, unsigned long request, void *argument)
{
    size_t size = _IOC_SIZE(request);

    if (fd < 0)
        return fail(EBADF);
    if (!gh_fake_evdev.is_evdev)
        return fail(ENOTTY);
    if (request == EVIOCGVERSION) {
        *(int *)argument = EV_VERSION;
        return 0;
    }
    if (request == EVIOCGRAB) {
        if (gh_fake_evdev.grab_error != 0)
            return fail(gh_fake_evdev.grab_error);
        gh_fake_evdev.grabs++;
        return 0;
    }
    if (_IOC_NR(request) == _IOC_NR(EVIOCGNAME(0))) {
        snprintf(argument, size, "Fake Scanner");
        return (int)strlen(argument) + 1;
    }
    return answer_bits(_IOC_NR(request), argument, size);
}
