/* SPDX-License-Identifier: Apache-2.0 */
/* A door made of words: for the demo, for tests of the whole program, for a bench without wires. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gate/door.h"
#include "gatehouse/bytes.h"
#include "gatehouse/file.h"

#define LINE_BYTES 64

struct trace {
    const struct gh_clock *clock;
    int64_t start_ns;
    unsigned *active; /* shared with a process that is forked later */
    char contact_file[PATH_MAX];
};

static enum gh_status trace_set(void *context, unsigned active, struct gh_error *err)
{
    struct trace *trace = (struct trace *)context;
    char text[GH_LINE_COUNT * LINE_BYTES];
    struct gh_writer writer = gh_writer_over(text, sizeof(text));
    int64_t since_ms = (gh_clock_monotonic_ns(trace->clock) - trace->start_ns) / GH_NS_PER_MS;

    active &= GH_LINE_BIT(GH_LINE_COUNT) - 1;
    for (unsigned line = 0; line < GH_LINE_COUNT; line++) {
        if (((active ^ *trace->active) & GH_LINE_BIT(line)) == 0) {
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
    *trace->active = active;
    return GH_OK;
}

/* Never waits, whatever the name stands for. */
static enum gh_contact trace_contact(void *context)
{
    struct trace *trace = (struct trace *)context;
    char text[8] = "";
    GH_CLEANUP_FD int fd = open(trace->contact_file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0) {
        return GH_CONTACT_UNKNOWN;
    }
    text[strcspn(text, " \t\r\n")] = '\0';
    if (strcmp(text, "open") == 0) {
        return GH_CONTACT_OPEN;
    }
    return strcmp(text, "shut") == 0 ? GH_CONTACT_SHUT : GH_CONTACT_UNKNOWN;
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
    munmap(trace->active, sizeof(*trace->active));
    free(trace);
}

enum gh_status gh_door_trace_new(const struct gh_clock *clock, const char *contact_file,
                                 struct gh_door_io *out, struct gh_error *err)
{
    *out = (struct gh_door_io){0};
    if (strlen(contact_file) >= PATH_MAX) {
        return gh_fail(err, GH_ERR_TOOBIG, "the name of the contact's file is too long");
    }
    struct trace *trace = (struct trace *)calloc(1, sizeof(*trace));
    if (trace == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the door's trace");
    }
    trace->active = mmap(NULL, sizeof(*trace->active), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (trace->active == MAP_FAILED) {
        free(trace);
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the door's trace");
    }
    trace->clock = clock;
    trace->start_ns = gh_clock_monotonic_ns(clock);
    memcpy(trace->contact_file, contact_file, strlen(contact_file) + 1);
    *out = (struct gh_door_io){.set = trace_set, .free = trace_free, .context = trace};
    if (contact_file[0] != '\0') {
        out->contact = trace_contact;
    }
    return GH_OK;
}
