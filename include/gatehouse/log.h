/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics to standard error: for the person who looks after the machine. Entries (journal.h)
 * are a separate, typed thing. Thread-safe. A line that repeats (same module, same text, whatever
 * came between from other modules) is said once; when the module says something else, "(repeated N
 * times)" is said first. Never pass a code's text, a name or a secret. */
#ifndef GATEHOUSE_LOG_H
#define GATEHOUSE_LOG_H

#include "gatehouse/status.h"

/* syslog(3) priorities, so that journald understands them. */
enum gh_log_level {
    GH_LOG_ERR = 3,
    GH_LOG_WARNING = 4,
    GH_LOG_NOTICE = 5,
    GH_LOG_INFO = 6,
    GH_LOG_DEBUG = 7,
};

/* Lines above this level (less urgent) are dropped; GH_LOG_INFO at start. */
void gh_log_set_level(enum gh_log_level level);

/* module is a short lower-case word with static lifetime ("courier"). Line form: `<6>courier: text`
 * when standard error is the systemd journal (JOURNAL_STREAM names its device and inode), else
 * `2020-03-01T07:00:00.123Z info courier: text`. Control characters in the text are written as
 * \xNN. Never from a signal handler. */
void gh_log(enum gh_log_level level, const char *module, const char *format, ...) GH_PRINTF(3, 4);

#endif
