/* SPDX-License-Identifier: Apache-2.0 */
/* Barcode scanners beside the camera: on a serial line (a UART, or USB CDC as /dev/ttyACM0), and
 * such that type like a keyboard (evdev, grabbed, so that nothing else hears them). One thread for
 * all; what they read goes the way of a code in a frame (gh_see_text): a code that a scanner sends
 * once is one that was in one frame. A device that is missing or was unplugged is opened again. */
#ifndef GATEHOUSE_SRC_GATE_READERS_H
#define GATEHOUSE_SRC_GATE_READERS_H

#include "gate/framing.h"
#include "gate/keymap.h"
#include "gate/see.h"

struct gh_readers; /* opaque */

/* Of an event device; as ioctl(2). */
typedef int gh_evdev_ioctl_fn(int fd, unsigned long request, void *argument);

struct gh_readers_options {
    const char *scanner; /* path of the tty; "": none; borrowed, like all pointers here */
    int64_t scanner_baud;
    enum gh_framing scanner_framing;
    const char *keyboard; /* path of the event device; "": none */
    const struct gh_clock *clock;
    gh_evdev_ioctl_fn *evdev_ioctl; /* NULL: the kernel's; tests have another one */
};
/* The paths must outlive the readers. A device that is not there is no error. */
GH_MUST_CHECK enum gh_status gh_readers_start(const struct gh_readers_options *options,
                                              struct gh_see *see, struct gh_readers **out,
                                              struct gh_error *err);
struct gh_reader_state {
    bool wired, open;
    char trouble[GH_ERROR_TEXT_BYTES]; /* why it is not open; "": it is */
    uint64_t codes, rejected; /* texts handed on; broken off, too long, or not to be read */
};
struct gh_readers_state {
    struct gh_reader_state scanner, keyboard;
};
struct gh_readers_state gh_readers_look(struct gh_readers *readers); /* any thread */
void gh_readers_stop(struct gh_readers *readers); /* before the see thread; NULL is fine */

/* For --check: open the one that is configured, say in `says` what is there, and close it. Errors
 * are a sentence in err: GH_ERR_NOTFOUND, GH_ERR_BUSY (somebody else holds it, a gate that runs for
 * one), GH_ERR_DENIED, GH_ERR_UNSUPPORTED (it is something else). */
#define GH_READER_SAYS_BYTES 160
GH_MUST_CHECK enum gh_status gh_readers_check_scanner(const struct gh_readers_options *options,
                                                      char says[GH_READER_SAYS_BYTES],
                                                      struct gh_error *err);
GH_MUST_CHECK enum gh_status gh_readers_check_keyboard(const struct gh_readers_options *options,
                                                       char says[GH_READER_SAYS_BYTES],
                                                       struct gh_error *err);

/* Whether a serial line can be set to it: one of the speeds of termios(3). */
bool gh_serial_baud_is_known(int64_t baud);

#endif
