/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/crypto.h"
#include "gatehouse/log.h"

#define WORKED_NS (60 * GH_NS_PER_S) /* who was open for so long is opened again soon */

void gh_reader_init(struct gh_reader *reader, const struct gh_reader_driver *driver,
                    const struct gh_readers_options *options, gh_framer_text_fn *found,
                    void *context)
{
    *reader = (struct gh_reader){.driver = driver,
                                 .path = driver == &gh_reader_serial ? options->scanner
                                                                     : options->keyboard,
                                 .options = options,
                                 .found = found,
                                 .context = context,
                                 .fd = -1,
                                 .state.wired = true,
                                 .opened_ns = INT64_MIN,
                                 .retry_ns = INT64_MIN,
                                 .retry_after_ms = GH_READER_RETRY_MS,
                                 .texts_ns = INT64_MIN};
}

enum gh_status gh_reader_fail(struct gh_error *err, const char *path, int error)
{
    switch (error) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
        return gh_fail(err, GH_ERR_NOTFOUND, "%s is not there", path);
    case EBUSY:
        return gh_fail(err, GH_ERR_BUSY, "%s is busy: another program holds it for itself", path);
    case EACCES:
    case EPERM:
        return gh_fail(err, GH_ERR_DENIED, "%s may not be read by the gate's user", path);
    default:
        return gh_fail(err, gh_status_from_errno(error), "%s: %s", path, strerror(error));
    }
}

/* --- what it sends --- */

/* Whether one more text is no flood: each costs a while, and so many whiles may be owed. */
static bool may_hand_on(struct gh_reader *reader)
{
    const int64_t every_ns = GH_READER_TEXT_EVERY_MS * GH_NS_PER_MS;
    int64_t now_ns = reader->framer.last_ns;

    if (reader->texts_ns < now_ns)
        reader->texts_ns = now_ns;
    if (reader->texts_ns - now_ns > (GH_READER_TEXTS_IN_A_ROW - 1) * every_ns)
        return false;
    reader->texts_ns += every_ns;
    return true;
}

void gh_reader_found(void *context, struct gh_bytes text)
{
    struct gh_reader *reader = context;

    if (!may_hand_on(reader)) {
        reader->state.rejected++;
        gh_log(GH_LOG_WARNING, reader->driver->module,
               "it sends more codes than people can show: some are passed over");
        return;
    }
    reader->state.codes++;
    reader->found(reader->context, text);
}

/* The framer counts from its beginning. */
static void count_rejected(struct gh_reader *reader)
{
    if (reader->framer.rejected == 0)
        return;
    reader->state.rejected += reader->framer.rejected;
    reader->framer.rejected = 0;
    gh_log(GH_LOG_WARNING, reader->driver->module,
           "a code was broken off or too long, or it was noise; expected is %s",
           reader->driver->expected);
}

/* --- open and shut --- */

static void set_trouble(struct gh_reader *reader, const struct gh_error *err)
{
    snprintf(reader->state.trouble, sizeof(reader->state.trouble), "%s", err->text);
    gh_log(GH_LOG_WARNING, reader->driver->module, "%s", err->text);
}

void gh_reader_close(struct gh_reader *reader)
{
    if (reader->fd >= 0)
        close(reader->fd);
    reader->fd = -1;
    reader->state.open = false;
    gh_wipe(reader->bytes, sizeof(reader->bytes));
    gh_wipe(reader->framer.text, sizeof(reader->framer.text));
}

static void open_it(struct gh_reader *reader, int64_t now_ns)
{
    struct gh_error err = {0};

    if (reader->driver->open(reader, &err) != GH_OK) {
        set_trouble(reader, &err);
        reader->retry_ns = now_ns + GH_READER_RETRY_MS * GH_NS_PER_MS;
        return;
    }
    char says[GH_READER_SAYS_BYTES];
    reader->driver->describe(reader, says);
    gh_log(GH_LOG_NOTICE, reader->driver->module, "%s is open: %s", reader->path, says);
    reader->state.open = true;
    reader->state.trouble[0] = '\0';
    reader->opened_ns = reader->second_ns = now_ns;
    reader->second_bytes = 0;
}

/* What was unplugged may be plugged in again at any moment. One that misbehaves as soon as it is
 * opened would do so, and be written about, without end. */
static void lose(struct gh_reader *reader, int64_t now_ns, const struct gh_error *err)
{
    if (reader->framer.state == GH_FRAMER_INSIDE)
        reader->framer.rejected++;
    set_trouble(reader, err);
    gh_reader_close(reader);
    if (err->status == GH_ERR_GONE || now_ns - reader->opened_ns >= WORKED_NS)
        reader->retry_after_ms = GH_READER_RETRY_MS;
    else if (reader->retry_after_ms < GH_READER_RETRY_MAX_MS)
        reader->retry_after_ms *= 2;
    reader->retry_ns = now_ns + reader->retry_after_ms * GH_NS_PER_MS;
}

/* --- a turn --- */

static enum gh_status check_flood(struct gh_reader *reader, size_t size, int64_t now_ns,
                                  struct gh_error *err)
{
    if (now_ns - reader->second_ns >= GH_NS_PER_S) {
        reader->second_ns = now_ns;
        reader->second_bytes = 0;
    }
    reader->second_bytes += size;
    if (reader->second_bytes <= reader->driver->flood_bytes)
        return GH_OK;
    return gh_fail(err, GH_ERR_TOOBIG, "%s sends more than a scanner does", reader->path);
}

static enum gh_status read_it(struct gh_reader *reader, short revents, int64_t now_ns,
                              struct gh_error *err)
{
    ssize_t got = read(reader->fd, reader->bytes, sizeof(reader->bytes));

    if (got > 0) {
        enum gh_status status = check_flood(reader, (size_t)got, now_ns, err);
        return status == GH_OK ? reader->driver->take(reader, (size_t)got, now_ns, err) : status;
    }
    if (got < 0 && errno == EINTR)
        return GH_OK;
    /* Nothing there, and nothing wrong; but a line that was hung up would be ready for ever. */
    if (got < 0 && errno == EAGAIN && (revents & (POLLHUP | POLLERR | POLLNVAL)) == 0)
        return GH_OK;
    if (got < 0 && errno != EAGAIN && errno != EIO && errno != ENODEV && errno != ENXIO)
        return gh_reader_fail(err, reader->path, errno);
    return gh_fail(err, GH_ERR_GONE, "%s was unplugged", reader->path);
}

void gh_reader_turn(struct gh_reader *reader, short revents, int64_t now_ns)
{
    struct gh_error err = {0};

    if (reader->fd < 0) {
        if (now_ns >= reader->retry_ns)
            open_it(reader, now_ns);
        return;
    }
    if (revents == 0)
        gh_framer_tick(&reader->framer, now_ns, gh_reader_found, reader);
    else if (read_it(reader, revents, now_ns, &err) != GH_OK)
        lose(reader, now_ns, &err);
    count_rejected(reader);
}

int64_t gh_reader_deadline_ns(const struct gh_reader *reader)
{
    return reader->fd < 0 ? reader->retry_ns : gh_framer_deadline_ns(&reader->framer);
}
