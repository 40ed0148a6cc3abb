/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/bytes.h"
#include "gatehouse/clock.h"
#include "gatehouse/file.h"

#define TEXT_BYTES 1024
#define LINE_BYTES (TEXT_BYTES * 4 + 128) /* every byte escaped, and the line's head */
#define MODULES_MAX 64

/* What each module said last. More modules than slots: those do without suppression. */
struct module_state {
    const char *module;
    enum gh_log_level level;
    unsigned int repeats;
    char text[TEXT_BYTES];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct module_state states[MODULES_MAX];
static size_t state_count;
static atomic_int level_limit = GH_LOG_INFO;

void gh_log_set_level(enum gh_log_level level)
{
    atomic_store(&level_limit, (int)level);
}

static const char *level_name(enum gh_log_level level)
{
    switch (level) {
    case GH_LOG_ERR:
        return "err";
    case GH_LOG_WARNING:
        return "warning";
    case GH_LOG_NOTICE:
        return "notice";
    case GH_LOG_INFO:
        return "info";
    case GH_LOG_DEBUG:
        break;
    }
    return "debug";
}

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the journal's stream. A service whose
 * standard error was sent elsewhere inherits the variable all the same, hence the comparison. */
static bool stderr_is_journal(void)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): a daemon does not change its environment */
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat info;
    return stream != NULL && sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &info) == 0 && (uintmax_t)info.st_dev == device &&
           (uintmax_t)info.st_ino == inode;
}

static void put_head(struct gh_writer *line, enum gh_log_level level, const char *module)
{
    char head[96];
    if (stderr_is_journal()) {
        (void)snprintf(head, sizeof(head), "<%d>%.40s: ", (int)level, module);
    } else {
        int64_t now_ns = gh_clock_wall_ns(gh_clock_system());
        char time_text[GH_TIME_TEXT_BYTES];
        gh_time_format(now_ns / GH_NS_PER_S, time_text);
        (void)snprintf(head, sizeof(head), "%.*s.%03dZ %s %.40s: ", (int)strcspn(time_text, "Z"),
                       time_text, (int)(now_ns % GH_NS_PER_S / GH_NS_PER_MS), level_name(level),
                       module);
    }
    gh_writer_put_text(line, head);
}

/* How many bytes at text are one character that a terminal only shows; 0: escape the first byte.
 * Bytes that are no UTF-8 are escaped too, and so are U+0080 to U+009F, which are control
 * characters. */
static size_t plain_character_size(const unsigned char *text, size_t size)
{
    if (text[0] < 0x80) {
        return text[0] >= 0x20 && text[0] != 0x7F ? 1 : 0;
    }
    if (text[0] == 0xC2 && size > 1 && text[1] < 0xA0) {
        return 0;
    }
    for (size_t step = 2; step <= 4 && step <= size; step++) {
        if (gh_utf8_valid(text, step)) {
            return step;
        }
    }
    return 0;
}

static void put_escaped(struct gh_writer *line, const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t size = strlen(text);
    while (size > 0) {
        size_t step = plain_character_size(bytes, size);
        if (step > 0) {
            gh_writer_put(line, bytes, step);
        } else {
            char digits[3];
            gh_hex_encode(bytes, 1, digits);
            gh_writer_put_text(line, "\\x");
            gh_writer_put_text(line, digits);
            step = 1;
        }
        bytes += step;
        size -= step;
    }
}

/* One write(2) a line, so that lines of several processes do not mix. There is nowhere to complain
 * when standard error does not take it. */
static void put_line(enum gh_log_level level, const char *module, const char *text)
{
    char buffer[LINE_BYTES];
    struct gh_writer line = gh_writer_over(buffer, sizeof(buffer));
    put_head(&line, level, module);
    put_escaped(&line, text);
    gh_writer_put_byte(&line, '\n');

    enum gh_status ignored = gh_file_write(STDERR_FILENO, line.data, line.size, NULL);
    (void)ignored;
}

static struct module_state *find_state(const char *module)
{
    for (size_t i = 0; i < state_count; i++) {
        if (strcmp(states[i].module, module) == 0) {
            return &states[i];
        }
    }
    if (state_count == MODULES_MAX) {
        return NULL;
    }
    states[state_count].module = module;
    return &states[state_count++];
}

/* True if the line is to be said. A text that comes back at another level is a new line: a debug
 * line must not silence an error. */
static bool note_line(enum gh_log_level level, const char *module, const char *text)
{
    struct module_state *state = find_state(module);
    if (state == NULL) {
        return true;
    }
    if (state->level == level && strcmp(state->text, text) == 0) {
        state->repeats++;
        return false;
    }
    if (state->repeats > 0) {
        char repeated[48];
        (void)snprintf(repeated, sizeof(repeated), "(repeated %u times)", state->repeats);
        put_line(state->level, module, repeated);
    }
    state->level = level;
    state->repeats = 0;
    (void)snprintf(state->text, sizeof(state->text), "%s", text);
    return true;
}

/* A text that did not fit ends in dots, and not in half a character. */
static void mark_cut(char text[TEXT_BYTES])
{
    size_t end = TEXT_BYTES - 1 - 3;
    while (end > TEXT_BYTES - 8 && ((unsigned char)text[end] & 0xC0) == 0x80) {
        end--;
    }
    memcpy(text + end, "...", 4);
}

void gh_log(enum gh_log_level level, const char *module, const char *format, ...)
{
    if ((int)level > atomic_load(&level_limit)) {
        return;
    }
    int saved_errno = errno;
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (length < 0) {
        (void)snprintf(text, sizeof(text), "(a line that could not be written)");
    } else if ((size_t)length >= sizeof(text)) {
        mark_cut(text);
    }
    pthread_mutex_lock(&mutex);
    if (note_line(level, module, text)) {
        put_line(level, module, text);
    }
    pthread_mutex_unlock(&mutex);
    errno = saved_errno;
}
