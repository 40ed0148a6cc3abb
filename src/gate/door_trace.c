/* SPDX-License-Identifier: Apache-2.0 */
/* A door made of words: for the demo, for tests of the whole program, for a bench without wires. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/door.h"
#include "gate/forks.h"
#include "gatehouse/bytes.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define LINE_BYTES 64
#define INPUTS_FILE_BYTES 1024
#define WORD_ENDS " \t\r\n"

struct trace {
    const struct gh_clock *clock;
    int64_t start_ns;
    /* What has been printed: one memory for this process and those that it forks. */
    _Atomic unsigned *active;
    char inputs_file[PATH_MAX];
    const char *inputs_name; /* its last part */
    int inputs_fd;           /* of inotify, on its folder; -1: no inputs */
    struct gh_door_inputs inputs;
    unsigned forks; /* gh_forks of the process that the events are for */
};

/* --- the lines --- */

static enum gh_status print(const char *text, size_t size, struct gh_error *err)
{
    enum gh_status status = gh_file_write(STDOUT_FILENO, text, size, NULL);

    if (status != GH_OK)
        return gh_fail(err, status, "cannot print the door's state: %s", strerror(errno));
    return GH_OK;
}

/* What has changed is marked before it is printed: should this process be stopped in between,
 * another one that turns the relay off says so. */
static enum gh_status trace_set(void *context, unsigned active, struct gh_error *err)
{
    struct trace *trace = (struct trace *)context;
    char text[GH_LINE_COUNT * LINE_BYTES];
    struct gh_writer writer = gh_writer_over(text, sizeof(text));
    int64_t since_ms = (gh_clock_monotonic_ns(trace->clock) - trace->start_ns) / GH_NS_PER_MS;

    active &= GH_LINE_BIT(GH_LINE_COUNT) - 1;
    unsigned before = atomic_exchange(trace->active, active);
    for (unsigned line = 0; line < GH_LINE_COUNT; line++) {
        if (((active ^ before) & GH_LINE_BIT(line)) == 0) {
            continue;
        }
        char words[LINE_BYTES];
        snprintf(words, sizeof(words), "door +%" PRId64 ".%03d %s %s\n", since_ms / 1000,
                 (int)(since_ms % 1000), gh_line_name((enum gh_line)line),
                 active & GH_LINE_BIT(line) ? "on" : "off");
        gh_writer_put_text(&writer, words);
    }
    enum gh_status status = print(text, writer.size, err);
    if (status != GH_OK) {
        unsigned mine = active; /* unless another process has printed since */
        atomic_compare_exchange_strong(trace->active, &mine, before);
    }
    return status;
}

/* --- the inputs --- */

static bool take_word(struct gh_door_inputs *inputs, const char *word)
{
    bool unknown = word[0] == '?';
    for (unsigned input = 0; input < GH_INPUT_COUNT; input++) {
        if (strcmp(word + unknown, gh_input_name((enum gh_input)input)) == 0) {
            inputs->active |= unknown ? 0 : GH_INPUT_BIT(input);
            inputs->known &= unknown ? ~GH_INPUT_BIT(input) : ~0u;
            return true;
        }
    }
    gh_log(GH_LOG_WARNING, "door", "the inputs' file says \"%.20s\", which is no input", word);
    return false;
}

static struct gh_door_inputs parse_inputs(char *text)
{
    struct gh_door_inputs inputs = {.known = GH_INPUT_BIT(GH_INPUT_COUNT) - 1};
    char *rest = text;
    for (char *word = strtok_r(text, WORD_ENDS, &rest); word != NULL;
         word = strtok_r(NULL, WORD_ENDS, &rest)) {
        if (!take_word(&inputs, word)) {
            return (struct gh_door_inputs){0};
        }
    }
    inputs.active &= inputs.known; /* a name and `?` with it */
    return inputs;
}

/* Never waits, whatever the name stands for. */
static void read_inputs(struct trace *trace)
{
    char text[INPUTS_FILE_BYTES + 1];
    struct stat about;
    ssize_t size = -1;
    GH_CLEANUP_FD int fd = open(trace->inputs_file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) {
        size = read(fd, text, sizeof(text));
    }
    if (size < 0 || size > INPUTS_FILE_BYTES) {
        trace->inputs = (struct gh_door_inputs){0};
    } else if (size > 0 && text[size - 1] == '\n' && strnlen(text, (size_t)size) == (size_t)size) {
        text[size] = '\0';
        trace->inputs = parse_inputs(text);
    }
}

/* Has something happened to the inputs' file? */
static bool drain_events(const struct trace *trace)
{
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool touched = false;
    ssize_t size = read(trace->inputs_fd, buffer, sizeof(buffer));
    for (ssize_t at = 0; at < size;) {
        const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
        touched = touched || event->len == 0 || strcmp(event->name, trace->inputs_name) == 0;
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    return touched;
}

/* One buffer of events a call: what more there is keeps the descriptor readable. A child leaves
 * them to its parent, and looks for itself. */
static struct gh_door_inputs trace_inputs(void *context)
{
    struct trace *trace = (struct trace *)context;
    if (trace->forks != gh_forks() || drain_events(trace)) {
        read_inputs(trace);
    }
    return trace->inputs;
}

static enum gh_status watch_inputs(struct trace *trace, struct gh_error *err)
{
    char folder[PATH_MAX];
    char *slash = strrchr(trace->inputs_file, '/');
    trace->inputs_name = slash == NULL ? trace->inputs_file : slash + 1;
    snprintf(folder, sizeof(folder), "%.*s", (int)(trace->inputs_name - trace->inputs_file),
             trace->inputs_file);
    trace->inputs_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (trace->inputs_fd < 0 || inotify_add_watch(trace->inputs_fd, slash == NULL ? "." : folder,
                                                  IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |
                                                      IN_DELETE | IN_ONLYDIR) < 0) {
        int saved_errno = errno;
        return gh_fail(err, gh_status_from_errno(saved_errno),
                       "cannot watch the folder of the inputs' file %s: %s", trace->inputs_file,
                       strerror(saved_errno));
    }
    read_inputs(trace); /* after the watch: nothing gets lost in between */
    return GH_OK;
}

/* --- both --- */

static void forget(struct trace *trace)
{
    if (trace->active != NULL) {
        munmap((void *)trace->active, sizeof(*trace->active));
    }
    if (trace->inputs_fd >= 0) {
        close(trace->inputs_fd);
    }
    free(trace);
}

static void trace_leave(void *context)
{
    if (context != NULL) {
        forget((struct trace *)context);
    }
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
    forget(trace);
}

static enum gh_status set_up(struct trace *trace, const struct gh_clock *clock,
                             const char *inputs_file, struct gh_error *err)
{
    trace->inputs_fd = -1;
    trace->forks = gh_forks();
    trace->clock = clock;
    trace->start_ns = gh_clock_monotonic_ns(clock);
    memcpy(trace->inputs_file, inputs_file, strlen(inputs_file) + 1);
    void *shared = mmap(NULL, sizeof(*trace->active), PROT_READ | PROT_WRITE,
                        /* cppcheck-suppress invalidFunctionArg */
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the door's trace");
    }
    trace->active = (_Atomic unsigned *)shared;
    return inputs_file[0] != '\0' ? watch_inputs(trace, err) : GH_OK;
}

enum gh_status gh_door_trace_new(const struct gh_clock *clock, const char *inputs_file,
                                 struct gh_door_io *out, struct gh_error *err)
{
    *out = (struct gh_door_io){.inputs_fd = -1};
    if (strlen(inputs_file) >= PATH_MAX) {
        return gh_fail(err, GH_ERR_TOOBIG, "the name of the inputs' file is too long");
    }
    struct trace *trace = (struct trace *)calloc(1, sizeof(*trace));
    if (trace == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the door's trace");
    }
    enum gh_status status = set_up(trace, clock, inputs_file, err);
    if (status != GH_OK) {
        forget(trace);
        return status;
    }
    *out = (struct gh_door_io){.set = trace_set,
                               .free = trace_free,
                               .leave = trace_leave,
                               .context = trace,
                               .inputs_fd = trace->inputs_fd};
    if (inputs_file[0] != '\0') {
        out->inputs_wired = GH_INPUT_BIT(GH_INPUT_COUNT) - 1;
        out->inputs = trace_inputs;
        out->inputs_path = trace->inputs_file;
    }
    return GH_OK;
}
