/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the bytes that a scanner sends are one code: bytes and time in, texts out. No thread, no
 * clock, no I/O, no allocation. Time goes by in gh_framer_tick alone, so that a thread that was
 * late takes no code for two:
 *
 *     wait until bytes come, or gh_framer_deadline_ns
 *     bytes came: gh_framer_take; nothing came: gh_framer_tick
 */
#ifndef GATEHOUSE_SRC_GATE_FRAMING_H
#define GATEHOUSE_SRC_GATE_FRAMING_H

#include <stdbool.h>

#include "gatehouse/bytes.h"
#include "gatehouse/code.h"

enum gh_framing {
    GH_FRAMING_LINE,    /* a code ends with CR, LF, both, or TAB */
    GH_FRAMING_PAUSE,   /* or with 100 ms of silence */
    GH_FRAMING_STX_ETX, /* stands between STX and ETX */
};
#define GH_FRAMING_PAUSE_MS 100
#define GH_FRAMING_CUT_MS 2000 /* a code that is not gone on with for so long was broken off */

enum gh_framer_state {
    GH_FRAMER_BETWEEN, /* codes */
    GH_FRAMER_INSIDE,
    GH_FRAMER_PASSING, /* over the rest of a code that is not to be read */
};
struct gh_framer {
    enum gh_framing framing;
    enum gh_framer_state state;
    int64_t last_ns;   /* when bytes came last */
    uint64_t rejected; /* codes that were broken off, too long, held control characters, or came
                          without STX and ETX where these are wanted */
    bool line_over;    /* CR, LF or TAB came before ETX */
    bool outside;      /* what is passed over came behind ETX, or before the first STX */
    size_t size;
    uint8_t text[GH_CODE_TEXT_MAX_BYTES]; /* wiped once it was handed on */
};

void gh_framer_init(struct gh_framer *framer, enum gh_framing framing);

/* One code: 1 to GH_CODE_TEXT_MAX_BYTES bytes, none of them below 0x20 or 0x7f. Borrowed. */
typedef void gh_framer_text_fn(void *context, struct gh_bytes text);

/* These bytes came now. */
void gh_framer_take(struct gh_framer *framer, struct gh_bytes bytes, int64_t now_ns,
                    gh_framer_text_fn *found, void *context);
/* Nothing more has come until now. */
void gh_framer_tick(struct gh_framer *framer, int64_t now_ns, gh_framer_text_fn *found,
                    void *context);
/* When to tick if no bytes come before; INT64_MAX: never. */
int64_t gh_framer_deadline_ns(const struct gh_framer *framer);

/* Bytes were lost: what there is of a code is dropped, and so is what still comes of it. */
void gh_framer_break(struct gh_framer *framer, int64_t now_ns);

#endif
