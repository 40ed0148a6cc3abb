/* SPDX-License-Identifier: Apache-2.0 */
/* One scanner, wherever it is plugged in: opened, read, lost, opened again. Inside of readers.c;
 * time comes in, so that tests own it. While it is not there it is tried once a second. What it
 * sends is bounded: more than any scanner sends closes it, for longer and longer up to half a
 * minute, and texts beyond some in a row are rejected. */
#ifndef GATEHOUSE_SRC_GATE_READER_H
#define GATEHOUSE_SRC_GATE_READER_H

#include <poll.h>

#include "gate/readers.h"

#define GH_READER_RETRY_MS 1000
#define GH_READER_RETRY_MAX_MS 32000
#define GH_READER_TEXTS_IN_A_ROW 16 /* a card in chunks; from there on, one in */
#define GH_READER_TEXT_EVERY_MS 250
#define GH_READER_READ_BYTES 4080 /* at most, in one turn; whole events, of 16 or 24 bytes */

struct gh_reader;

struct gh_reader_driver {
    const char *module;   /* for the log */
    size_t flood_bytes;   /* more than a scanner sends in a second */
    const char *expected; /* how it should be set, for who reads that it sends nonsense */
    /* Sets reader->fd, which does not block. On error it is -1; the error names the path. */
    enum gh_status (*open)(struct gh_reader *reader, struct gh_error *err);
    void (*describe)(const struct gh_reader *reader, char says[GH_READER_SAYS_BYTES]);
    /* `size` bytes were read into reader->bytes: to the framer. */
    enum gh_status (*take)(struct gh_reader *reader, size_t size, int64_t now_ns,
                           struct gh_error *err);
};
extern const struct gh_reader_driver gh_reader_serial;   /* reader_serial.c */
extern const struct gh_reader_driver gh_reader_keyboard; /* reader_keyboard.c */

struct gh_reader {
    const struct gh_reader_driver *driver;
    const struct gh_readers_options *options; /* borrowed, like the context */
    const char *path;
    gh_framer_text_fn *found;
    void *context;
    int fd; /* -1: not open */
    struct gh_framer framer;
    struct gh_keymap keymap; /* of a keyboard, which ... */
    bool lost_track;         /* ... after events were lost ignores what comes up to a SYN_REPORT */
    struct gh_reader_state state;
    int64_t opened_ns, retry_ns, retry_after_ms;
    int64_t second_ns; /* in the second that began here ... */
    size_t second_bytes;
    int64_t texts_ns; /* the texts so far are paid for until then */
    uint8_t bytes[GH_READER_READ_BYTES] __attribute__((aligned(8)));
};

/* Not opened yet. */
void gh_reader_init(struct gh_reader *reader, const struct gh_reader_driver *driver,
                    const struct gh_readers_options *options, gh_framer_text_fn *found,
                    void *context);
/* What poll said about its fd (0: nothing), and time. Reads at most GH_READER_READ_BYTES. */
void gh_reader_turn(struct gh_reader *reader, short revents, int64_t now_ns);
int64_t gh_reader_deadline_ns(const struct gh_reader *reader); /* of the next turn; INT64_MAX */
void gh_reader_close(struct gh_reader *reader);

/* For drivers: a text is whole, into gh_framer_take. */
void gh_reader_found(void *context, struct gh_bytes text);

/* A failed call about the device at path: GH_ERR_*, in words. */
GH_MUST_CHECK enum gh_status gh_reader_fail(struct gh_error *err, const char *path, int error);

#endif
