/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ingest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/compress.h"
#include "gatehouse/crypto.h"
#include "server/crew.h"

#define THREADS 2
#define GROUP_ENTRIES_MAX 2000 /* in one transaction: others wait for their turn so long */
#define RETRY_MAX_S 60
#define RATE_INITIAL 256 /* batches a second */
#define RATE_MIN 32

struct gh_sending {
    struct gh_job job; /* first */
    struct gh_ingest *ingest;
    gh_ingest_done_fn *done; /* NULL: nobody waits any more. The server's thread's, like context */
    void *context;
    gh_id gate;
    size_t place;
    uint8_t *body;
    size_t size;
    enum gh_coding coding;
    struct gh_ingest_answer answer;
    struct gh_sending *next; /* of those that are ready, or of the group */
};

struct queue {
    struct gh_sending *first, **end;
};

struct gh_ingest {
    struct gh_crew *crew;
    const struct gh_clock *clock;
    /* the server's thread's */
    size_t waiting;
    struct gh_sending *places[GH_INGEST_WAITING_MAX]; /* those; NULL: a free place */
    int64_t waiting_bytes;
    int64_t second;                /* monotonic; of the counts below */
    uint64_t done_now, turned_now; /* batches in this second */
    uint64_t rate;                 /* about as many are done a second when there is enough to do */
    uint32_t booked[RETRY_MAX_S + 1]; /* how many were told to come in a second; as a ring */
    struct gh_public_key *keys[GH_INGEST_KEYS_MAX]; /* only ever more */
    atomic_size_t key_count;
    struct gh_db *db;     /* of whoever stores */
    pthread_mutex_t lock; /* of all below */
    struct queue ready;
    bool storing;
};

struct gh_receipt_keys gh_ingest_keys(const struct gh_ingest *ingest)
{
    return (struct gh_receipt_keys){(const struct gh_public_key *const *)ingest->keys,
                                    atomic_load(&ingest->key_count)};
}

/* --- reading: in parallel --- */

static enum gh_status read_batch(struct gh_sending *sending)
{
    struct gh_ingest *ingest = sending->ingest;
    struct gh_ingest_answer *answer = &sending->answer;
    const struct gh_receipt_keys keys = gh_ingest_keys(ingest);
    struct gh_bytes body = {sending->body, sending->size};
    uint8_t *unpacked = NULL;
    if (sending->coding == GH_CODING_ZSTD) {
        size_t size;
        enum gh_status status =
            gh_zstd_decompress(body, (size_t)GH_BATCH_MAX_BYTES, &unpacked, &size);
        if (status == GH_ERR_CORRUPT)
            return gh_fail(&answer->err, GH_ERR_INVALID,
                           "the body is not one Zstandard frame that says its content's size");
        if (status != GH_OK)
            return status;
        body = (struct gh_bytes){unpacked, size};
    }
    enum gh_status status = gh_batch_read(body, sending->gate, &keys, &answer->batch, &answer->err);
    free(unpacked);
    return status;
}

/* --- storing: one at a time --- */

static void push(struct queue *queue, struct gh_sending *sending)
{
    sending->next = NULL;
    *queue->end = sending;
    queue->end = &sending->next;
}

static struct gh_sending *pop(struct queue *queue)
{
    struct gh_sending *sending = queue->first;
    if (sending == NULL)
        return NULL;
    queue->first = sending->next;
    if (queue->first == NULL)
        queue->end = &queue->first;
    return sending;
}

static struct gh_sending *pop_ready(struct gh_ingest *ingest)
{
    pthread_mutex_lock(&ingest->lock);
    struct gh_sending *sending = pop(&ingest->ready);
    pthread_mutex_unlock(&ingest->lock);
    return sending;
}

/* Also what gets ready meanwhile. */
static void put_group(struct gh_ingest *ingest, struct gh_db_group *transaction,
                      struct queue *group)
{
    size_t entries = 0;
    struct gh_sending *sending;
    while (entries < GROUP_ENTRIES_MAX &&
           (group->first == NULL || !gh_db_group_is_waited_for(transaction)) &&
           (sending = pop_ready(ingest)) != NULL) {
        struct gh_ingest_answer *answer = &sending->answer;
        answer->status =
            gh_db_group_put(transaction, sending->gate, answer->batch.items, answer->batch.count,
                            gh_clock_wall_s(ingest->clock), &answer->result);
        entries += answer->batch.count;
        push(group, sending);
    }
}

/* Nobody is told anything before all of it is durable. */
static void store_group(struct gh_ingest *ingest)
{
    struct gh_db_group transaction;
    struct gh_sending *sending;
    struct queue group = {.end = &group.first};
    enum gh_status status = gh_db_group_begin(ingest->db, &transaction);
    if (status == GH_OK) {
        put_group(ingest, &transaction, &group);
        status = gh_db_group_end(&transaction);
    } else {
        while ((sending = pop_ready(ingest)) != NULL)
            push(&group, sending);
    }
    while ((sending = pop(&group)) != NULL) {
        if (sending->answer.status == GH_OK)
            sending->answer.status = status;
        gh_crew_finish(ingest->crew, &sending->job);
    }
}

static void store(struct gh_ingest *ingest, struct gh_sending *sending)
{
    pthread_mutex_lock(&ingest->lock);
    push(&ingest->ready, sending);
    if (!ingest->storing) { /* else whoever does takes this one, too */
        ingest->storing = true;
        while (ingest->ready.first != NULL) {
            pthread_mutex_unlock(&ingest->lock);
            store_group(ingest);
            pthread_mutex_lock(&ingest->lock);
        }
        ingest->storing = false;
    }
    pthread_mutex_unlock(&ingest->lock);
}

static void work(struct gh_job *job)
{
    struct gh_sending *sending = (struct gh_sending *)job;
    sending->answer.status = read_batch(sending);
    if (sending->answer.status == GH_OK)
        store(sending->ingest, sending);
    else
        gh_crew_finish(sending->ingest->crew, job);
}

/* --- the server's side --- */

/* Another second: what the last one says about the rate. In one without a refusal there may just
 * have been little to do, but no less than was done can be. */
static void turn_page(struct gh_ingest *ingest, int64_t second)
{
    if (ingest->turned_now > 0 || ingest->done_now > ingest->rate)
        ingest->rate = ingest->done_now > ingest->rate ? ingest->done_now
                                                       : (ingest->rate + ingest->done_now) / 2;
    if (ingest->rate < RATE_MIN)
        ingest->rate = RATE_MIN;
    for (int64_t i = 0; i <= RETRY_MAX_S && ingest->second + i < second; i++)
        ingest->booked[(ingest->second + i) % (RETRY_MAX_S + 1)] = 0;
    ingest->second = second;
    ingest->done_now = ingest->turned_now = 0;
}

static void look_at_clock(struct gh_ingest *ingest)
{
    int64_t second = gh_clock_monotonic_ns(ingest->clock) / GH_NS_PER_S;
    if (second != ingest->second)
        turn_page(ingest, second);
}

static void done(struct gh_job *job)
{
    struct gh_sending *sending = (struct gh_sending *)job;
    struct gh_ingest *ingest = sending->ingest;
    look_at_clock(ingest);
    ingest->done_now++;
    ingest->waiting--;
    ingest->places[sending->place] = NULL;
    ingest->waiting_bytes -= (int64_t)sending->size;
    if (job->called_off)
        sending->answer.status = GH_ERR_AGAIN;
    if (sending->done != NULL)
        sending->done(sending->context, &sending->answer);
    gh_batch_close(&sending->answer.batch);
    free(sending->body);
    free(sending);
}

enum gh_status gh_ingest_give(struct gh_ingest *ingest, gh_id gate, uint8_t *body, size_t size,
                              enum gh_coding coding, gh_ingest_done_fn *on_done, void *context,
                              struct gh_sending **out)
{
    *out = NULL;
    if (ingest->waiting >= GH_INGEST_WAITING_MAX ||
        ingest->waiting_bytes + (int64_t)size > GH_INGEST_WAITING_BYTES)
        return GH_ERR_BUSY;
    struct gh_sending *sending = calloc(1, sizeof(*sending));
    if (sending == NULL)
        return GH_ERR_NOMEM;
    sending->job = (struct gh_job){.work = work, .done = done};
    sending->ingest = ingest;
    sending->done = on_done;
    sending->context = context;
    sending->gate = gate;
    sending->body = body;
    sending->size = size;
    sending->coding = coding;
    while (ingest->places[sending->place] != NULL)
        sending->place++;
    ingest->places[sending->place] = sending;
    ingest->waiting++;
    ingest->waiting_bytes += (int64_t)size;
    *out = sending;
    gh_crew_give(ingest->crew, &sending->job);
    return GH_OK;
}

size_t gh_ingest_count(const struct gh_ingest *ingest, gh_id gate)
{
    size_t count = 0;
    for (size_t i = 0; i < GH_INGEST_WAITING_MAX; i++)
        count += ingest->places[i] != NULL && ingest->places[i]->gate == gate;
    return count;
}

void gh_ingest_forget(struct gh_sending *sending)
{
    sending->done = NULL;
}

/* The first second for which not more than can be taken, and a quarter, have been told to come. The
 * gates add a fraction of a second each. */
int64_t gh_ingest_retry_s(struct gh_ingest *ingest)
{
    look_at_clock(ingest);
    ingest->turned_now++;
    for (int64_t wait_s = 1; wait_s <= RETRY_MAX_S; wait_s++) {
        uint32_t *booked = &ingest->booked[(ingest->second + wait_s) % (RETRY_MAX_S + 1)];
        if (*booked < ingest->rate + ingest->rate / 4) {
            ++*booked;
            return wait_s;
        }
    }
    return RETRY_MAX_S / 2 + (int64_t)(gh_random_id() % (RETRY_MAX_S / 2)) + 1;
}

int gh_ingest_fd(const struct gh_ingest *ingest)
{
    return gh_crew_fd(ingest->crew);
}

void gh_ingest_deliver(struct gh_ingest *ingest)
{
    gh_crew_deliver(ingest->crew);
}

/* --- life --- */

enum gh_status gh_ingest_add_key(struct gh_ingest *ingest, const uint8_t raw[32])
{
    uint8_t known[GH_PUBLIC_KEY_MAX_BYTES];
    size_t count = atomic_load(&ingest->key_count);
    for (size_t i = 0; i < count; i++)
        if (gh_public_key_raw(ingest->keys[i], known) == 32 && memcmp(known, raw, 32) == 0)
            return GH_OK;
    if (count == GH_INGEST_KEYS_MAX)
        return GH_ERR_TOOBIG;
    enum gh_status status =
        gh_public_key_from_raw(GH_KEY_ED25519, (struct gh_bytes){raw, 32}, &ingest->keys[count]);
    if (status == GH_OK)
        atomic_store(&ingest->key_count, count + 1);
    return status;
}

enum gh_status gh_ingest_new(const struct gh_db *db, const struct gh_clock *clock,
                             struct gh_ingest **out, struct gh_error *err)
{
    *out = NULL;
    struct gh_ingest *ingest = calloc(1, sizeof(*ingest));
    if (ingest == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory to take entries in");
    ingest->clock = clock;
    ingest->rate = RATE_INITIAL;
    ingest->second = gh_clock_monotonic_ns(clock) / GH_NS_PER_S;
    ingest->ready.end = &ingest->ready.first;
    pthread_mutex_init(&ingest->lock, NULL);
    enum gh_status status = gh_db_open_beside(db, true, &ingest->db, err);
    if (status == GH_OK)
        status = gh_crew_new(THREADS, &ingest->crew, err);
    if (status != GH_OK) {
        gh_ingest_free(ingest);
        return status;
    }
    *out = ingest;
    return GH_OK;
}

void gh_ingest_free(struct gh_ingest *ingest)
{
    if (ingest == NULL)
        return;
    gh_crew_free(ingest->crew);
    gh_db_close(ingest->db);
    for (size_t i = 0; i < atomic_load(&ingest->key_count); i++)
        gh_public_key_free(ingest->keys[i]);
    pthread_mutex_destroy(&ingest->lock);
    free(ingest);
}
