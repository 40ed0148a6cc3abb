/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/reading.h"

#include <string.h>

#include "gatehouse/log.h"

void gh_see_read(struct gh_bytes text, const struct gh_trust *trust, int64_t now_s,
                 int64_t captured_ns, struct gh_sighting *out)
{
    memset(out, 0, sizeof(*out));
    out->captured_ns = captured_ns;
    gh_code_read(trust, text, now_s, &out->credential);
    if (out->credential.kind == GH_KIND_ENROLMENT && out->credential.reason == GH_REASON_OK)
        out->credential.reason = gh_enrolment_read(text, now_s, &out->enrolment);
}

/* --- what is shared --- */

void gh_reading_init(struct gh_reading *reading, const struct gh_clock *clock,
                     struct gh_queue *queue)
{
    *reading = (struct gh_reading){.clock = clock, .queue = queue};
    pthread_mutex_init(&reading->lock, NULL);
}

void gh_reading_destroy(struct gh_reading *reading)
{
    gh_trust_unref(reading->trust);
    reading->trust = NULL;
    pthread_mutex_destroy(&reading->lock);
}

void gh_reading_set_trust(struct gh_reading *reading, struct gh_trust *trust)
{
    struct gh_trust *taken = trust ? gh_trust_ref(trust) : NULL;

    pthread_mutex_lock(&reading->lock);
    struct gh_trust *before = reading->trust;
    reading->trust = taken;
    pthread_mutex_unlock(&reading->lock);
    gh_trust_unref(before);
}

void gh_reading_set_asker(struct gh_reading *reading, gh_see_ask_fn *ask, void *context)
{
    pthread_mutex_lock(&reading->lock);
    reading->ask = ask;
    reading->ask_context = context;
    pthread_mutex_unlock(&reading->lock);
}

/* --- a frame --- */

void gh_reading_begin(struct gh_reading *reading, struct gh_reading_source *source,
                      int64_t captured_ns)
{
    pthread_mutex_lock(&reading->lock);
    source->trust = reading->trust ? gh_trust_ref(reading->trust) : NULL;
    source->ask = reading->ask;
    source->ask_context = reading->ask_context;
    pthread_mutex_unlock(&reading->lock);
    source->captured_ns = captured_ns;
    /* Who has walked away leaves nothing behind. */
    if (source->parts.count > 0 &&
        captured_ns - source->parts.last_ns >= GH_PARTS_PAUSE_S * GH_NS_PER_S)
        gh_parts_forget(&source->parts);
}

static void push(struct gh_reading *reading, struct gh_sighting *sighting)
{
    if (!gh_queue_push(reading->queue, sighting))
        gh_log(GH_LOG_WARNING, "see", "the gate is busy: a code that was seen was dropped");
    gh_wipe(&sighting->enrolment.token, sizeof(sighting->enrolment.token));
}

/* A chunk of a card: as long as others are missing, the chunk itself says that they are waited for.
 */
static void found_chunk(struct gh_reading *reading, const struct gh_reading_source *source,
                        struct gh_bytes text, int64_t now_s)
{
    const struct gh_parts *parts = &source->parts;
    struct gh_sighting sighting = {.captured_ns = source->captured_ns};

    if (parts->have == parts->count)
        gh_code_read_parts(source->trust, parts->part, parts->count, now_s, &sighting.credential);
    else
        gh_code_read(source->trust, text, now_s, &sighting.credential);
    push(reading, &sighting);
}

/* Codes that mean nothing here may mean something to the health authority. */
static void ask_about(const struct gh_reading_source *source, struct gh_bytes text,
                      struct gh_credential *credential)
{
    bool unknown =
        credential->reason == GH_REASON_NOT_A_CODE || credential->reason == GH_REASON_FOREIGN;

    if (unknown && source->ask && source->ask(source->ask_context, text, credential))
        credential->reason = GH_REASON_WAIT_ANSWER;
}

void gh_reading_text(struct gh_reading *reading, struct gh_reading_source *source,
                     struct gh_bytes text)
{
    int64_t now_s = gh_clock_wall_s(reading->clock);
    struct gh_sighting sighting;

    atomic_fetch_add(&reading->codes, 1);
    if (gh_parts_take(&source->parts, text, source->captured_ns)) {
        found_chunk(reading, source, text, now_s);
        return;
    }
    gh_see_read(text, source->trust, now_s, source->captured_ns, &sighting);
    ask_about(source, text, &sighting.credential);
    push(reading, &sighting);
}

void gh_reading_end(struct gh_reading_source *source)
{
    gh_trust_unref(source->trust);
    source->trust = NULL;
}

void gh_reading_forget(struct gh_reading_source *source)
{
    gh_parts_forget(&source->parts);
}
