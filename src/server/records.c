/* SPDX-License-Identifier: Apache-2.0 */
#include "server/records.h"

#include <inttypes.h>
#include <stdlib.h>
#include <systemd/sd-event.h>

#include "gatehouse/log.h"
#include "server/crew.h"
#include "server/retention.h"
#include "server/server.h"

#define MODULE "records"
#define CHECKS_MAX 8
#define USEC_PER_S UINT64_C(1000000)
#define FIRST_STEP_S 1
#define STEP_S 10

/* One step of retention: in the keeper's thread from give to done. */
struct step {
    struct gh_job job; /* first */
    struct gh_records *records;
    struct gh_retention_days days;
    struct gh_retention_run run;
    int64_t now;
    bool under_way;
    enum gh_status status;
};

struct gh_records {
    struct gh_server *server;
    struct gh_ingest *ingest;
    struct gh_crew *keeper; /* one thread: checks chains, and lets go of what is old */
    struct gh_db *db;       /* the keeper's */
    sd_event_source *ingest_ready, *keeper_ready, *timer;
    size_t checks;
    atomic_bool stop;
    struct step step;
    bool clock_was_bad;
};

struct gh_check {
    struct gh_job job; /* first */
    struct gh_records *records;
    gh_id gate;
    gh_records_checked_fn *done; /* NULL: nobody waits any more */
    void *context;
    enum gh_status status;
    struct gh_chain_report report;
};

struct gh_ingest *gh_records_ingest(struct gh_records *records)
{
    return records->ingest;
}

/* --- checking chains --- */

static void work_check(struct gh_job *job)
{
    struct gh_check *check = (struct gh_check *)job;
    struct gh_records *records = check->records;
    const struct gh_receipt_keys keys = gh_ingest_keys(records->ingest);
    check->status = gh_chain_check(records->db, check->gate, &keys, &records->stop, &check->report);
    gh_crew_finish(records->keeper, job);
}

static void check_done(struct gh_job *job)
{
    struct gh_check *check = (struct gh_check *)job;
    check->records->checks--;
    if (check->done != NULL)
        check->done(check->context, job->called_off ? GH_ERR_AGAIN : check->status, &check->report);
    free(check);
}

enum gh_status gh_records_check(struct gh_records *records, gh_id gate, gh_records_checked_fn *done,
                                void *context, struct gh_check **out)
{
    *out = NULL;
    if (records->checks == CHECKS_MAX)
        return GH_ERR_BUSY;
    struct gh_check *check = calloc(1, sizeof(*check));
    if (check == NULL)
        return GH_ERR_NOMEM;
    *check = (struct gh_check){.job = {.work = work_check, .done = check_done},
                               .records = records,
                               .gate = gate,
                               .done = done,
                               .context = context};
    records->checks++;
    *out = check;
    gh_crew_give(records->keeper, &check->job);
    return GH_OK;
}

void gh_records_forget(struct gh_check *check)
{
    check->done = NULL;
}

/* --- retention --- */

static void work_step(struct gh_job *job)
{
    struct step *step = (struct step *)job;
    step->status = gh_retention_step(step->records->db, &step->days, step->now, &step->run);
    gh_crew_finish(step->records->keeper, job);
}

/* The list key is the server's thread's. */
static void step_done(struct gh_job *job)
{
    struct step *step = (struct step *)job;
    step->under_way = false;
    for (size_t i = 0; i < step->run.wanted_count; i++) {
        struct gh_wanted *wanted = &step->run.wanted[i];
        if (gh_receipt_sign(step->records->server->keys.list, wanted->gate, &wanted->receipt) !=
            GH_OK)
            wanted->receipt.through = 0;
    }
    if (!job->called_off && step->status != GH_OK)
        gh_log(GH_LOG_WARNING, MODULE, "what is old stays for now: %s",
               gh_status_text(step->status));
}

/* What is gone is gone: not by a clock that nothing keeps right. */
static bool clock_is_good(struct gh_records *records)
{
    bool good = gh_clock_synchronised(records->server->clock);
    if (!good && !records->clock_was_bad)
        gh_log(GH_LOG_WARNING, MODULE,
               "nothing is removed by its age while this machine's clock is not synchronised");
    records->clock_was_bad = !good;
    return good;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
    struct gh_records *records = context;
    struct step *step = &records->step;
    (void)sd_event_source_set_time(source, usec + STEP_S * USEC_PER_S);
    if (step->under_way || !clock_is_good(records))
        return 0;
    step->days = records->server->settings.retention;
    step->now = gh_clock_wall_s(records->server->clock);
    step->under_way = true;
    gh_crew_give(records->keeper, &step->job);
    return 0;
}

/* --- life --- */

static int on_ingest(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source, (void)fd, (void)events;
    gh_ingest_deliver(context);
    return 0;
}

static int on_keeper(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source, (void)fd, (void)events;
    gh_crew_deliver(context);
    return 0;
}

static enum gh_status start(struct gh_records *records, struct gh_error *err)
{
    struct gh_server *server = records->server;
    enum gh_status status = gh_ingest_new(server->db, server->clock, &records->ingest, err);
    for (size_t i = 0; status == GH_OK && i < server->keys.handover_count; i++)
        status = gh_ingest_add_key(records->ingest, server->keys.handovers[i].from);
    if (status == GH_OK)
        status = gh_ingest_add_key(records->ingest, server->keys.list_raw);
    if (status == GH_OK)
        status = gh_db_open_beside(server->db, true, &records->db, err);
    if (status == GH_OK)
        status = gh_crew_new(1, &records->keeper, err);
    return status;
}

static enum gh_status join_loop(struct gh_records *records, struct gh_error *err)
{
    sd_event *event = records->server->event;
    uint64_t now = 0;
    if (sd_event_now(event, CLOCK_MONOTONIC, &now) < 0 ||
        sd_event_add_io(event, &records->ingest_ready, gh_ingest_fd(records->ingest), EPOLLIN,
                        on_ingest, records->ingest) < 0 ||
        sd_event_add_io(event, &records->keeper_ready, gh_crew_fd(records->keeper), EPOLLIN,
                        on_keeper, records->keeper) < 0 ||
        sd_event_add_time(event, &records->timer, CLOCK_MONOTONIC, now + FIRST_STEP_S * USEC_PER_S,
                          0, on_timer, records) < 0 ||
        sd_event_source_set_enabled(records->timer, SD_EVENT_ON) < 0)
        return gh_fail(err, GH_ERR_NOMEM, "the event loop takes nothing more");
    return GH_OK;
}

enum gh_status gh_records_start(struct gh_server *server, struct gh_records **out,
                                struct gh_error *err)
{
    *out = NULL;
    struct gh_records *records = calloc(1, sizeof(*records));
    if (records == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for entries");
    records->server = server;
    records->step.job = (struct gh_job){.work = work_step, .done = step_done};
    records->step.records = records;
    enum gh_status status = start(records, err);
    if (status == GH_OK)
        status = join_loop(records, err);
    if (status != GH_OK) {
        gh_records_stop(records);
        return gh_fail(err, status, "entries cannot be taken in: %s", gh_status_text(status));
    }
    *out = records;
    return GH_OK;
}

void gh_records_stop(struct gh_records *records)
{
    if (records == NULL)
        return;
    sd_event_source_disable_unref(records->ingest_ready);
    sd_event_source_disable_unref(records->keeper_ready);
    sd_event_source_disable_unref(records->timer);
    atomic_store(&records->stop, true);
    gh_crew_free(records->keeper);
    gh_db_close(records->db);
    gh_ingest_free(records->ingest);
    free(records);
}
