/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "gatehouse/bytes.h"
#include "gatehouse/clock.h"

void gh_watch_init(struct gh_watch *watch)
{
    *watch = (struct gh_watch){0};
}

static void note_growth(struct gh_watch *watch, const struct gh_watch_facts *facts)
{
    bool first = !watch->began || !facts->eyes;

    if (first || facts->turns != watch->turns) {
        watch->turned_ns = facts->monotonic_ns;
        watch->turned_s = facts->wall_s;
    }
    if (first || facts->frames != watch->frames) {
        watch->seen_ns = facts->monotonic_ns;
        watch->seen_s = facts->wall_s;
    }
    watch->began = true;
    watch->turns = facts->turns;
    watch->frames = facts->frames;
}

/* What was asked a look ago counts when about the usual time has gone by, in which the keeper could
 * run as this loop did. */
static void note_keeper(struct gh_watch *watch, const struct gh_watch_facts *facts)
{
    int64_t since_ms = (facts->monotonic_ns - watch->looked_ns) / GH_NS_PER_MS;

    if (facts->keeper_answered)
        watch->unanswered = 0;
    else if (since_ms >= facts->every_ms / 2 && since_ms <= 2 * facts->every_ms)
        watch->unanswered++;
    watch->looked_ns = facts->monotonic_ns;
}

static bool is_over(int64_t since_ns, int64_t limit_ms, int64_t now_ns)
{
    return now_ns - since_ns >= limit_ms * GH_NS_PER_MS;
}

static void say(struct gh_writer *writer, const char *words)
{
    if (writer->size > 0)
        gh_writer_put_text(writer, "; ");
    gh_writer_put_text(writer, words);
}

static void say_since(struct gh_writer *writer, const char *words, int64_t since_s)
{
    char text[96], when[GH_TIME_TEXT_BYTES];

    gh_time_format(since_s, when);
    snprintf(text, sizeof(text), "%s since %s", words, when);
    say(writer, text);
}

static void say_gate(struct gh_writer *writer, const struct gh_watch_facts *facts)
{
    char text[64];

    if (!facts->enrolled) {
        say(writer, "not enrolled: waits for its enrolment code");
        return;
    }
    if (!facts->journal_open)
        say(writer, "the journal cannot be opened");
    if (facts->waiting > 0) {
        snprintf(text, sizeof(text), "%" PRIu64 " entries could not be written yet",
                 facts->waiting);
        say(writer, text);
    }
    if (!facts->list_usable)
        say(writer, "there is no list that can be used");
    if (!facts->clock_trusted)
        say(writer, "the clock is not trusted");
}

bool gh_watch_look(struct gh_watch *watch, const struct gh_watch_facts *facts,
                   char status[GH_WATCH_STATUS_BYTES])
{
    struct gh_writer writer = gh_writer_over(status, GH_WATCH_STATUS_BYTES - 1);

    note_growth(watch, facts);
    note_keeper(watch, facts);
    bool silent = gh_watch_keeper_is_silent(watch);
    if (silent)
        say(&writer, "the door's keeper does not answer");
    bool stuck = is_over(watch->turned_ns, GH_WATCH_STUCK_MS, facts->monotonic_ns);
    if (stuck)
        say_since(&writer, "the camera's thread is stuck", watch->turned_s);
    else if (facts->camera && is_over(watch->seen_ns, GH_WATCH_BLIND_MS, facts->monotonic_ns))
        say_since(&writer, "no picture from the camera", watch->seen_s);
    say_gate(&writer, facts);
    if (writer.size == 0)
        say(&writer, "waiting for somebody to come");
    status[writer.size] = '\0';
    return !stuck && !silent;
}

bool gh_watch_keeper_is_silent(const struct gh_watch *watch)
{
    return watch->unanswered >= GH_WATCH_KEEPER_LOOKS;
}
