/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner that poses as a keyboard, as an event device of the kernel (Documentation/input/
 * input.rst and event-codes.rst). It is grabbed: what it types goes to nobody else, to the
 * console's login for one. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/input.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gate/reader.h"
#include "gatehouse/file.h"

/* A character takes up to ten events; USB lets 1000 reports a second through. */
#define FLOOD_BYTES 524288
#define NAME_BYTES 80

_Static_assert(GH_READER_READ_BYTES % sizeof(struct input_event) == 0, "whole events are read");

#define LONG_BITS (CHAR_BIT * sizeof(unsigned long))
#define LONGS(bits) (((bits) + LONG_BITS - 1) / LONG_BITS)

static bool has_bit(const unsigned long *bits, unsigned bit)
{
    return (bits[bit / LONG_BITS] >> (bit % LONG_BITS)) & 1;
}

static int kernel_ioctl(int fd, unsigned long request, void *argument)
{
    return ioctl(fd, request, argument);
}

static int control(const struct gh_reader *reader, int fd, unsigned long request, void *argument)
{
    gh_evdev_ioctl_fn *call = reader->options->evdev_ioctl;

    return call ? call(fd, request, argument) : kernel_ioctl(fd, request, argument);
}

/* Keys that are down already, shift above all. What cannot be asked is taken for not pressed. */
static void look_at_keys(struct gh_reader *reader, int fd)
{
    unsigned long down[LONGS(KEY_CNT)] = {0}, lit[LONGS(LED_CNT)] = {0};

    if (control(reader, fd, EVIOCGKEY(sizeof(down)), down) < 0)
        memset(down, 0, sizeof(down));
    if (control(reader, fd, EVIOCGLED(sizeof(lit)), lit) < 0)
        memset(lit, 0, sizeof(lit));
    reader->keymap = (struct gh_keymap){.caps_lock = has_bit(lit, LED_CAPSL)};
    for (uint16_t key = 0; key < KEY_CNT; key++) {
        if (has_bit(down, key))
            (void)gh_keymap_type(&reader->keymap, key, 2); /* held: it types nothing now */
    }
}

static enum gh_status check_keys(const struct gh_reader *reader, int fd, struct gh_error *err)
{
    unsigned long keys[LONGS(KEY_CNT)] = {0};
    int version;

    if (control(reader, fd, EVIOCGVERSION, &version) < 0)
        return errno == ENODEV
                   ? gh_reader_fail(err, reader->path, errno)
                   : gh_fail(err, GH_ERR_UNSUPPORTED, "%s is no event device", reader->path);
    if (control(reader, fd, EVIOCGBIT(EV_KEY, sizeof(keys)), keys) < 0)
        return gh_reader_fail(err, reader->path, errno);
    if (!has_bit(keys, KEY_A) || !has_bit(keys, KEY_1) || !has_bit(keys, KEY_ENTER))
        return gh_fail(err, GH_ERR_UNSUPPORTED,
                       "%s has no letters, digits and Enter: is it another one of the scanner's "
                       "event devices?",
                       reader->path);
    return GH_OK;
}

static enum gh_status grab(struct gh_reader *reader, int fd, struct gh_error *err)
{
    void *yes = (void *)(uintptr_t)1;

    enum gh_status status = check_keys(reader, fd, err);
    if (status != GH_OK)
        return status;
    if (control(reader, fd, EVIOCGRAB, yes) < 0)
        return gh_reader_fail(err, reader->path, errno);
    look_at_keys(reader, fd);
    return GH_OK;
}

static enum gh_status keyboard_open(struct gh_reader *reader, struct gh_error *err)
{
    reader->fd = -1;
    reader->lost_track = false;
    gh_framer_init(&reader->framer, GH_FRAMING_LINE);
    GH_CLEANUP_FD int fd = open(reader->path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return gh_reader_fail(err, reader->path, errno);
    enum gh_status status = grab(reader, fd, err);
    if (status != GH_OK)
        return status;
    reader->fd = fd;
    fd = -1;
    return GH_OK;
}

static void keyboard_describe(const struct gh_reader *reader, char says[GH_READER_SAYS_BYTES])
{
    char name[NAME_BYTES] = "";

    if (control(reader, reader->fd, EVIOCGNAME(sizeof(name) - 1), name) < 0 || name[0] == '\0')
        snprintf(name, sizeof(name), "a keyboard without a name");
    snprintf(says, GH_READER_SAYS_BYTES, "%s, for the gate alone", name);
}

/* The kernel dropped events, because nobody read them in time: what is known of the keys, and what
 * was typed of a code, is wrong until the next report, when the kernel can be asked. */
static bool is_lost(struct gh_reader *reader, const struct input_event *event, int64_t now_ns)
{
    if (event->type == EV_SYN && event->code == SYN_DROPPED) {
        gh_framer_break(&reader->framer, now_ns);
        reader->lost_track = true;
    } else if (event->type == EV_SYN && event->code == SYN_REPORT && reader->lost_track) {
        reader->lost_track = false;
        look_at_keys(reader, reader->fd);
    }
    return reader->lost_track;
}

static enum gh_status keyboard_take(struct gh_reader *reader, size_t size, int64_t now_ns,
                                    struct gh_error *err)
{
    struct input_event event;

    if (size % sizeof(event) != 0)
        return gh_fail(err, GH_ERR_CORRUPT, "%s sends what are no events", reader->path);
    for (size_t at = 0; at < size; at += sizeof(event)) {
        memcpy(&event, reader->bytes + at, sizeof(event));
        if (is_lost(reader, &event, now_ns) || event.type != EV_KEY)
            continue;
        uint8_t typed = (uint8_t)gh_keymap_type(&reader->keymap, event.code, event.value);
        if (typed != 0)
            gh_framer_take(&reader->framer, (struct gh_bytes){&typed, 1}, now_ns, gh_reader_found,
                           reader);
    }
    return GH_OK;
}

const struct gh_reader_driver gh_reader_keyboard = {
    .module = "keyboard",
    .expected = "a scanner with the US layout that ends each code with Enter or Tab",
    .flood_bytes = FLOOD_BYTES,
    .open = keyboard_open,
    .describe = keyboard_describe,
    .take = keyboard_take,
};
