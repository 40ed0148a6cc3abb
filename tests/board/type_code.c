/* SPDX-License-Identifier: Apache-2.0 */
/* In the guest: a barcode scanner that types like a keyboard, made with uinput. Types the codes on
 * its standard input, a line each, as such scanners do with the layout of the United States: shift,
 * key, Enter.
 *
 *   type_code NAME FILE
 *
 * NAME is the device's, in FILE are the codes, a line each. The device is there before FILE is
 * opened (which may be a FIFO), and goes when all is typed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/uinput.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define UNPLUG_MS 3000 /* for whoever reads: what is not read by then goes with the device */
#define KEY_MS 2

/* Where a character is: at the same place in keys, without or with shift. */
static const char plain[] = "1234567890-=qwertyuiop[]asdfghjkl;'`\\zxcvbnm,./ ";
static const char shifted[] = "!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"~|ZXCVBNM<>? ";
static const unsigned short keys[] = {
    KEY_1,     KEY_2,         KEY_3,          KEY_4,     KEY_5,     KEY_6,         KEY_7,
    KEY_8,     KEY_9,         KEY_0,          KEY_MINUS, KEY_EQUAL, KEY_Q,         KEY_W,
    KEY_E,     KEY_R,         KEY_T,          KEY_Y,     KEY_U,     KEY_I,         KEY_O,
    KEY_P,     KEY_LEFTBRACE, KEY_RIGHTBRACE, KEY_A,     KEY_S,     KEY_D,         KEY_F,
    KEY_G,     KEY_H,         KEY_J,          KEY_K,     KEY_L,     KEY_SEMICOLON, KEY_APOSTROPHE,
    KEY_GRAVE, KEY_BACKSLASH, KEY_Z,          KEY_X,     KEY_C,     KEY_V,         KEY_B,
    KEY_N,     KEY_M,         KEY_COMMA,      KEY_DOT,   KEY_SLASH, KEY_SPACE,
};
_Static_assert(sizeof(plain) == sizeof(shifted), "one row of keys");
_Static_assert(sizeof(plain) - 1 == sizeof(keys) / sizeof(keys[0]), "a key for each character");

static void die(const char *what)
{
    fprintf(stderr, "type_code: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void pause_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static void emit(int fd, unsigned short type, unsigned short code, int value)
{
    struct input_event event = {.type = type, .code = code, .value = value};

    if (write(fd, &event, sizeof(event)) != sizeof(event))
        die("cannot type");
}

static void key(int fd, unsigned short code, int value)
{
    emit(fd, EV_KEY, code, value);
    emit(fd, EV_SYN, SYN_REPORT, 0);
    pause_ms(KEY_MS);
}

static void type_character(int fd, char character)
{
    const char *row = character != '\0' ? strchr(plain, character) : NULL;
    bool shift = row == NULL;

    if (character == '\n') {
        key(fd, KEY_ENTER, 1);
        key(fd, KEY_ENTER, 0);
        return;
    }
    if (shift)
        row = character != '\0' ? strchr(shifted, character) : NULL;
    if (row == NULL) {
        errno = EINVAL;
        die("no key has that character");
    }
    unsigned short code = keys[row - (shift ? shifted : plain)];
    if (shift)
        key(fd, KEY_LEFTSHIFT, 1);
    key(fd, code, 1);
    key(fd, code, 0);
    if (shift)
        key(fd, KEY_LEFTSHIFT, 0);
}

static int plug_in(const char *name)
{
    int fd = open("/dev/uinput", O_WRONLY | O_CLOEXEC);
    struct uinput_setup setup = {.id = {.bustype = BUS_USB, .vendor = 0x1eab, .product = 0x0001}};

    if (fd < 0)
        die("/dev/uinput");
    snprintf(setup.name, sizeof(setup.name), "%s", name);
    if (ioctl(fd, UI_SET_EVBIT, EV_KEY) != 0)
        die("cannot be a keyboard");
    for (int code = KEY_ESC; code <= KEY_CAPSLOCK; code++) /* udev wants to see a whole keyboard */
        if (ioctl(fd, UI_SET_KEYBIT, code) != 0)
            die("cannot have a key");
    if (ioctl(fd, UI_DEV_SETUP, &setup) != 0 || ioctl(fd, UI_DEV_CREATE) != 0)
        die("cannot be plugged in");
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: type_code NAME FILE\n", stderr);
        return 2;
    }
    int fd = plug_in(argv[1]);
    FILE *codes = fopen(argv[2], "r");
    if (codes == NULL)
        die(argv[2]);
    for (int character = getc(codes); character != EOF; character = getc(codes))
        type_character(fd, (char)character);
    pause_ms(UNPLUG_MS);
    if (ioctl(fd, UI_DEV_DESTROY) != 0)
        die("cannot be unplugged");
    return 0;
}
