/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of one scanner have in common: a reader whose time they own, a folder, and the
 * texts that came out. To be included after cmocka. */
#ifndef GATEHOUSE_TESTS_UNIT_READER_RIG_H
#define GATEHOUSE_TESTS_UNIT_READER_RIG_H

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/reader.h"

#define PATIENCE_MS 20000

static struct gh_readers_options options;
static struct gh_reader reader;
static int64_t now_ns;
static int scanner; /* its own end of the line; -1: not plugged in */
static char dir[64], path[96];
static char last_text[512];

static inline void rig_take_text(void *context, struct gh_bytes text)
{
    assert_ptr_equal(context, &reader);
    assert_true(text.size < sizeof(last_text));
    memcpy(last_text, text.data, text.size);
    last_text[text.size] = '\0';
}

/* The device's name; nothing is there yet. */
static inline void rig_setup(const struct gh_reader_driver *driver)
{
    snprintf(dir, sizeof(dir), "/tmp/gatehouse-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/device", dir);
    options = (struct gh_readers_options){
        .scanner = path, .scanner_baud = 115200, .keyboard = path, .clock = NULL};
    now_ns = 5000 * GH_NS_PER_S;
    scanner = -1;
    last_text[0] = '\0';
    gh_reader_init(&reader, driver, &options, rig_take_text, &reader);
    assert_true(reader.state.wired && !reader.state.open);
    assert_true(gh_reader_deadline_ns(&reader) <= now_ns); /* at once */
}

static inline void unplug(void)
{
    if (scanner >= 0)
        assert_int_equal(close(scanner), 0);
    scanner = -1;
}

static inline int teardown(void **state)
{
    (void)state;
    unplug();
    gh_reader_close(&reader);
    unlink(path);
    assert_int_equal(rmdir(dir), 0);
    return 0;
}

/* No device says anything in this turn. */
static inline void rig_pass_ms(int64_t ms)
{
    now_ns += ms * GH_NS_PER_MS;
    gh_reader_turn(&reader, 0, now_ns);
}

/* One turn, once the device has something to say. */
static inline void rig_listen(void)
{
    struct pollfd fd = {.fd = reader.fd, .events = POLLIN};

    assert_true(reader.state.open);
    assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
    gh_reader_turn(&reader, fd.revents, now_ns);
}

/* Turns until it has handed on, or rejected, so many in all. */
static inline void rig_expect(uint64_t codes, uint64_t rejected)
{
    while (reader.state.codes < codes || reader.state.rejected < rejected)
        rig_listen();
    assert_true(reader.state.codes == codes);
    assert_true(reader.state.rejected == rejected);
}

static inline void rig_open(void)
{
    now_ns = gh_reader_deadline_ns(&reader) > now_ns ? gh_reader_deadline_ns(&reader) : now_ns;
    gh_reader_turn(&reader, 0, now_ns);
    if (!reader.state.open)
        fail_msg("%s", reader.state.trouble);
    assert_string_equal(reader.state.trouble, "");
}

/* It cannot be opened, says why, and is tried again in a second. */
static inline void rig_assert_trouble(const char *about)
{
    gh_reader_turn(&reader, 0, now_ns);
    assert_false(reader.state.open);
    assert_int_equal(reader.fd, -1);
    if (!strstr(reader.state.trouble, about))
        fail_msg("\"%s\" does not say: %s", reader.state.trouble, about);
    assert_true(gh_reader_deadline_ns(&reader) == now_ns + GH_READER_RETRY_MS * GH_NS_PER_MS);
    now_ns += GH_READER_RETRY_MS * GH_NS_PER_MS;
}

/* Turns until it is closed, because of what it says. */
static inline void rig_expect_loss(const char *about)
{
    while (reader.state.open)
        rig_listen();
    assert_int_equal(reader.fd, -1);
    if (!strstr(reader.state.trouble, about))
        fail_msg("\"%s\" does not say: %s", reader.state.trouble, about);
    assert_true(gh_reader_deadline_ns(&reader) >= now_ns + GH_READER_RETRY_MS * GH_NS_PER_MS);
}

#endif
