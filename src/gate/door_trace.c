/* SPDX-License-Identifier: Apache-2.0 */
/* A door made of words: for the demo, for tests of the whole program, for a bench without wires. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/door.h"
#include "gatehouse/bytes.h"

#define LINE_BYTES 64

struct trace {
    const struct gh_clock *clock;
    int64_t start_ns;
    unsigned active;
};

static enum gh_status trace_set(void *context, unsigned active, struct gh_error *err)
{
    struct trace *trace = (struct trace *)context;
    char text[GH_LINE_COUNT * LINE_BYTES];
    struct gh_writer writer = gh_writer_over(text, sizeof(text));
    int64_t since_ms = (gh_clock_monotonic_ns(trace->clock) - trace->start_ns) / GH_NS_PER_MS;

    active &= GH_LINE_BIT(GH_LINE_COUNT) - 1;
    for (unsigned line = 0; line < GH_LINE_COUNT; line++) {
        if (((active ^ trace->active) & GH_LINE_BIT(line)) == 0) {
            continue;
        }
        char words[LINE_BYTES];
        snprintf(words, sizeof(words), "door +%" PRId64 ".%03d %s %s\n", since_ms / 1000,
                 (int)(since_ms % 1000), gh_line_name((enum gh_line)line),
                 active & GH_LINE_BIT(line) ? "on" : "off");
        gh_writer_put_text(&writer, words);
    }
    if (writer.size == 0) {
        return GH_OK;
    }
    if (fwrite(text, 1, writer.size, stdout) != writer.size || fflush(stdout) != 0) {
        int saved_errno = errno;
        clearerr(stdout);
        return gh_fail(err, saved_errno != 0 ? gh_status_from_errno(saved_errno) : GH_ERR_IO,
                       "cannot print the door's state: %s", strerror(saved_errno));
    }
    trace->active = active;
    return GH_OK;
}

static void trace_free(void *context)
{
    struct trace *trace = (struct trace *)context;
    if (trace == NULL) {
        return;
    }
    if (trace_set(trace, 0, NULL) != GH_OK) {
        /* nobody reads it any more */
    }
    free(trace);
}

enum gh_status gh_door_trace_new(const struct gh_clock *clock, struct gh_door_io *out,
                                 struct gh_error *err)
{
    *out = (struct gh_door_io){0};
    struct trace *trace = (struct trace *)calloc(1, sizeof(*trace));
    if (trace == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the door's trace");
    }
    trace->clock = clock;
    trace->start_ns = gh_clock_monotonic_ns(clock);
    *out = (struct gh_door_io){.set = trace_set, .free = trace_free, .context = trace};
    return GH_OK;
}
