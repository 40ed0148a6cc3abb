/* SPDX-License-Identifier: Apache-2.0 */
/* Barcode scanners beside the camera: on a serial line (a UART, or USB CDC as /dev/ttyACM0), and
 * such that type like a keyboard (evdev, grabbed, so that nothing else hears them). One thread for
 * all; what they read goes the way of a code in a frame (gh_see_text). A device that is missing or
 * was unplugged is opened again. */
#ifndef GATEHOUSE_SRC_GATE_READERS_H
#define GATEHOUSE_SRC_GATE_READERS_H

#include "gate/see.h"

struct gh_readers; /* opaque */

enum gh_framing {
    GH_FRAMING_LINE,    /* a code ends with CR, LF, both, or TAB */
    GH_FRAMING_PAUSE,   /* or with 100 ms of silence */
    GH_FRAMING_STX_ETX, /* stands between STX and ETX */
};
struct gh_readers_options {
    const char *scanner; /* path of the tty; "": none */
    int64_t scanner_baud;
    enum gh_framing scanner_framing;
    const char *keyboard; /* path of the event device; "": none */
    const struct gh_clock *clock;
};
GH_MUST_CHECK enum gh_status gh_readers_start(const struct gh_readers_options *options,
                                              struct gh_see *see, struct gh_readers **out,
                                              struct gh_error *err);
struct gh_reader_state {
    bool wired, open;
    char trouble[128];        /* what is wrong with it; "": nothing */
    uint64_t codes, rejected; /* texts handed on; broken off, too long, or not to be read */
};
struct gh_readers_state {
    struct gh_reader_state scanner, keyboard;
};
struct gh_readers_state gh_readers_look(struct gh_readers *readers); /* any thread */
void gh_readers_stop(struct gh_readers *readers);                    /* before the see thread */

#endif
