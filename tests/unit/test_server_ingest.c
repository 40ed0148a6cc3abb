/* SPDX-License-Identifier: Apache-2.0 */
/* Batches on their way into the database: many at once, hostile ones among them, and the end at any
 * moment. */
#include "test_server_chain.h"

#include <poll.h>
#include <sqlite3.h>
#include <zstd.h>

#include "gatehouse/compress.h"
#include "server/ingest.h"

#define DEADLINE_MS 60000
#define GATES 20

/* What became of a batch. */
struct fate {
    unsigned calls;
    enum gh_status status;
    struct gh_db_batch result;
    size_t refused;
    char why[256];
};

static void settle(void *context, const struct gh_ingest_answer *answer)
{
    struct fate *fate = context;
    fate->calls++;
    fate->status = answer->status;
    fate->result = answer->result;
    snprintf(fate->why, sizeof(fate->why), "%s", answer->err.text);
    for (size_t i = 0; i < answer->batch.count; i++)
        fate->refused += answer->batch.items[i].refusal[0] != '\0';
}

static struct gh_ingest *start(struct fixture *fixture)
{
    struct gh_ingest *ingest;
    struct gh_error err = {0};
    if (gh_ingest_new(fixture->db, gh_clock_system(), &ingest, &err) != GH_OK)
        fail_msg("%s", err.text);
    return ingest;
}

static void wait_for(struct gh_ingest *ingest, const struct fate *fates, size_t count)
{
    int64_t deadline = gh_clock_monotonic_ns(gh_clock_system()) + DEADLINE_MS * GH_NS_PER_MS;
    for (size_t i = 0; i < count;) {
        struct pollfd ready = {.fd = gh_ingest_fd(ingest), .events = POLLIN};
        if (fates[i].calls > 0) {
            i++;
            continue;
        }
        assert_true(gh_clock_monotonic_ns(gh_clock_system()) < deadline);
        (void)poll(&ready, 1, 100);
        gh_ingest_deliver(ingest);
    }
}

static enum gh_status give_bytes(struct gh_ingest *ingest, gh_id gate, const void *data,
                                 size_t size, enum gh_coding coding, struct fate *fate,
                                 struct gh_sending **sending)
{
    uint8_t *copy = malloc(size + 1);
    assert_non_null(copy);
    memset(fate, 0, sizeof(*fate));
    memcpy(copy, data, size);
    enum gh_status status = gh_ingest_give(ingest, gate, copy, size, coding, settle, fate, sending);
    if (status != GH_OK)
        free(copy);
    return status;
}

/* Takes entries over. */
static void give(struct gh_ingest *ingest, gh_id gate, json_t *entries, enum gh_coding coding,
                 struct fate *fate)
{
    struct gh_sending *sending;
    json_t *body = json_pack("{s:o}", "entries", entries);
    char *text = json_dumps(body, JSON_COMPACT);
    uint8_t *packed = NULL;
    size_t size = strlen(text);
    if (coding == GH_CODING_ZSTD)
        assert_int_equal(
            gh_zstd_compress((struct gh_bytes){(const uint8_t *)text, size}, &packed, &size),
            GH_OK);
    assert_int_equal(give_bytes(ingest, gate, packed != NULL ? (const char *)packed : text, size,
                                coding, fate, &sending),
                     GH_OK);
    free(packed);
    free(text);
    json_decref(body);
}

/* --- what is good --- */

static void test_stored(void **state)
{
    struct fixture *fixture = *state;
    struct gh_ingest *ingest = start(fixture);
    struct fate fate;
    give(ingest, GATE, run_of(fixture, 1, 3), GH_CODING_PLAIN, &fate);
    wait_for(ingest, &fate, 1);
    assert_int_equal(fate.status, GH_OK);
    assert_int_equal(fate.result.stored, 3);
    assert_int_equal(fate.result.acknowledged, 3);
    assert_true(fate.result.whole);
    give(ingest, GATE, run_of(fixture, 2, 300), GH_CODING_ZSTD, &fate);
    wait_for(ingest, &fate, 1);
    assert_int_equal(fate.status, GH_OK);
    assert_int_equal(fate.result.stored, 297);
    assert_int_equal(fate.result.known, 2);
    gh_ingest_free(ingest);
    assert_int_equal(fate.calls, 1);
    assert_int_equal(count_stored(fixture), 300);
}

/* The same batch many times at the same moment: each entry once. */
static void test_the_same_batch_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct gh_ingest *ingest = start(fixture);
    struct fate fates[32];
    uint64_t stored = 0, known = 0;
    for (size_t i = 0; i < 32; i++)
        give(ingest, GATE, run_of(fixture, 1, 100), GH_CODING_ZSTD, &fates[i]);
    wait_for(ingest, fates, 32);
    for (size_t i = 0; i < 32; i++) {
        assert_int_equal(fates[i].status, GH_OK);
        assert_int_equal(fates[i].calls, 1);
        assert_int_equal(fates[i].result.acknowledged, 100);
        assert_true(fates[i].result.whole);
        stored += fates[i].result.stored;
        known += fates[i].result.known;
    }
    gh_ingest_free(ingest);
    assert_int_equal(stored, 100);
    assert_int_equal(known, 31 * 100);
    assert_int_equal(count_stored(fixture), 100);
    assert_int_equal(gate_now(fixture).alarms, 0);
}

/* Overlapping ones of one gate, in whatever order they arrive at the store. */
static void test_overlapping_batches_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct gh_ingest *ingest = start(fixture);
    struct fate fates[20];
    uint64_t stored = 0;
    for (uint64_t i = 0; i < 20; i++)
        give(ingest, GATE, run_of(fixture, i * 25 + 1, i * 25 + 100), GH_CODING_PLAIN, &fates[i]);
    wait_for(ingest, fates, 20);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(fates[i].status, GH_OK);
        assert_int_equal(fates[i].refused, 0);
        stored += fates[i].result.stored;
    }
    gh_ingest_free(ingest);
    assert_int_equal(stored, 19 * 25 + 100);
    assert_int_equal(count_stored(fixture), 19 * 25 + 100);
    struct outcome outcome = send(fixture, json_array());
    assert_int_equal(outcome.result.acknowledged, 19 * 25 + 100);
    assert_true(outcome.result.whole);
}

static json_t *first_of(gh_id gate)
{
    const uint8_t zeros[GH_SHA256_BYTES] = {0};
    uint8_t hash[GH_SHA256_BYTES];
    struct gh_entry entry = entry_of(gate, 1, zeros);
    json_t *entries = json_array();
    json_array_append_new(entries, json_of(&entry, hash));
    return entries;
}

/* One that fails takes none with it that shares its transaction. */
static void test_one_fails_among_many(void **state)
{
    struct fixture *fixture = *state;
    struct gh_ingest *ingest = start(fixture);
    struct fate fates[GATES];
    for (gh_id i = 0; i < GATES; i++)
        if (i % 5 != 3)
            add_gate(fixture->db, i + 1);
    for (gh_id i = 0; i < GATES; i++)
        give(ingest, i + 1, first_of(i + 1), GH_CODING_PLAIN, &fates[i]);
    wait_for(ingest, fates, GATES);
    for (gh_id i = 0; i < GATES; i++) {
        assert_int_equal(fates[i].status, i % 5 == 3 ? GH_ERR_NOTFOUND : GH_OK);
        assert_int_equal(fates[i].result.stored, i % 5 == 3 ? 0 : 1);
    }
    gh_ingest_free(ingest);
    assert_int_equal(count_stored(fixture), GATES - 4);
}

/* Inside one transaction, a batch that fails after it has written: only its own rows go. */
static void test_a_group(void **state)
{
    struct fixture *fixture = *state;
    struct gh_db_group group;
    struct gh_db_batch result;
    struct gh_batch good, bad;
    const struct gh_receipt_keys keys = {NULL, 0};
    json_t *run = run_of(fixture, 1, 4), *first = first_of(5);
    sqlite3 *other;
    add_gate(fixture->db, 5);
    assert_int_equal(gh_batch_open(run, GATE, &keys, &bad), GH_OK);
    assert_int_equal(gh_batch_open(first, 5, &keys, &good), GH_OK);
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other,
                                  "CREATE TRIGGER poison BEFORE INSERT ON entries WHEN NEW.seq = 3 "
                                  "BEGIN SELECT raise(ABORT, 'poison'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(gh_db_group_begin(fixture->db, &group), GH_OK);
    assert_int_equal(gh_db_group_put(&group, 5, good.items, good.count, 1, &result), GH_OK);
    assert_int_not_equal(gh_db_group_put(&group, GATE, bad.items, bad.count, 1, &result), GH_OK);
    assert_int_equal(gh_db_group_end(&group), GH_OK);
    assert_int_equal(count_stored(fixture), 1);
    assert_int_equal(gate_now(fixture).last_sequence, 0);
    assert_int_equal(sqlite3_exec(other, "DROP TRIGGER poison", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    struct outcome outcome = send(fixture, run);
    expect(&outcome, 4, 4, 0, 0);
    gh_batch_close(&good);
    gh_batch_close(&bad);
    json_decref(first);
}

/* --- hostile bodies --- */

static void expect_bad(struct gh_ingest *ingest, const void *data, size_t size,
                       enum gh_coding coding, enum gh_status status, const char *word)
{
    struct fate fate;
    struct gh_sending *sending;
    assert_int_equal(give_bytes(ingest, GATE, data, size, coding, &fate, &sending), GH_OK);
    wait_for(ingest, &fate, 1);
    assert_int_equal(fate.status, status);
    if (strstr(fate.why, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fate.why, word);
}

static void test_bad_json(void **state)
{
    struct fixture *fixture = *state;
    struct gh_ingest *ingest = start(fixture);
    static const struct {
        const char *body, *word;
    } rows[] = {
        {"", "not a JSON object"},
        {"[]", "not a JSON object"},
        {"{", "not a JSON object"},
        {"{}", "missing"},
        {"{\"entries\":{}}", "array"},
        {"{\"entries\":[],\"more\":1}", "unknown"},
        {"{\"entries\":[],\"entries\":[]}", "twice"},
        {"{\"entries\":[{\"a\":1,\"a\":1}]}", "twice"},
        {"{\"entries\":[]}x", "not a JSON object"},
        {"{\"entries\":[", "not a JSON object"},
        {"{\"entries\":[{\"a\":\"", "not a JSON object"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++)
        expect_bad(ingest, rows[i].body, strlen(rows[i].body), GH_CODING_PLAIN, GH_ERR_INVALID,
                   rows[i].word);
    json_t *many = json_array();
    for (int i = 0; i < GH_BATCH_MAX_ENTRIES + 1; i++)
        json_array_append_new(many, json_integer(i));
    json_t *body = json_pack("{s:o}", "entries", many);
    char *text = json_dumps(body, JSON_COMPACT);
    expect_bad(ingest, text, strlen(text), GH_CODING_PLAIN, GH_ERR_INVALID, "at most 500");
    free(text);
    json_decref(body);
    /* nested so deep that a careless reader's stack ends */
    text = malloc(1 << 20);
    assert_non_null(text);
    memset(text, '[', 1 << 20);
    expect_bad(ingest, text, 1 << 20, GH_CODING_PLAIN, GH_ERR_INVALID, "not a JSON object");
    free(text);
    gh_ingest_free(ingest);
    assert_int_equal(count_stored(fixture), 0);
}

static void test_bad_frames(void **state)
{
    struct fixture *fixture = *state;
    struct gh_ingest *ingest = start(fixture);
    static const char good[] = "{\"entries\":[]}";
    uint8_t *frame, *bomb, *zeros = calloc(1, 64 << 20);
    size_t size, bomb_size;
    assert_non_null(zeros);
    assert_int_equal(
        gh_zstd_compress((struct gh_bytes){(const uint8_t *)good, sizeof(good) - 1}, &frame, &size),
        GH_OK);
    /* 64 MiB of nothing in a few KiB */
    assert_int_equal(gh_zstd_compress((struct gh_bytes){zeros, 64 << 20}, &bomb, &bomb_size),
                     GH_OK);
    expect_bad(ingest, bomb, bomb_size, GH_CODING_ZSTD, GH_ERR_TOOBIG, "");
    expect_bad(ingest, good, sizeof(good) - 1, GH_CODING_ZSTD, GH_ERR_INVALID, "Zstandard");
    expect_bad(ingest, frame, size, GH_CODING_PLAIN, GH_ERR_INVALID, "not a JSON object");
    expect_bad(ingest, frame, 0, GH_CODING_ZSTD, GH_ERR_INVALID, "Zstandard");
    for (size_t cut = 1; cut < size; cut++)
        expect_bad(ingest, frame, cut, GH_CODING_ZSTD, GH_ERR_INVALID, "Zstandard");
    uint8_t twice[256] = {0};
    memcpy(twice, frame, size);
    memcpy(twice + size, frame, size);
    expect_bad(ingest, twice, 2 * size, GH_CODING_ZSTD, GH_ERR_INVALID, "Zstandard");
    /* one that does not say how large it is */
    ZSTD_CCtx *context = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    size_t silent = ZSTD_compress2(context, twice, sizeof(twice), good, sizeof(good) - 1);
    expect_bad(ingest, twice, silent, GH_CODING_ZSTD, GH_ERR_INVALID, "Zstandard");
    ZSTD_freeCCtx(context);
    free(zeros);
    free(bomb);
    free(frame);
    gh_ingest_free(ingest);
}

/* --- bounds --- */

static void test_too_many_wait(void **state)
{
    struct fixture *fixture = *state;
    struct gh_ingest *ingest = start(fixture);
    struct fate fates[GH_INGEST_WAITING_MAX], one_more;
    struct gh_sending *sending;
    static const char body[] = "{\"entries\":[]}";
    for (size_t i = 0; i < GH_INGEST_WAITING_MAX; i++)
        assert_int_equal(
            give_bytes(ingest, GATE, body, sizeof(body) - 1, GH_CODING_PLAIN, &fates[i], &sending),
            GH_OK);
    /* nothing is taken off the count before it is delivered */
    assert_int_equal(
        give_bytes(ingest, GATE, body, sizeof(body) - 1, GH_CODING_PLAIN, &one_more, &sending),
        GH_ERR_BUSY);
    assert_null(sending);
    wait_for(ingest, fates, GH_INGEST_WAITING_MAX);
    assert_int_equal(
        give_bytes(ingest, GATE, body, sizeof(body) - 1, GH_CODING_PLAIN, &one_more, &sending),
        GH_OK);
    gh_ingest_free(ingest);
    assert_int_equal(one_more.calls, 1);
}

static void test_too_much_waits(void **state)
{
    struct fixture *fixture = *state;
    struct gh_ingest *ingest = start(fixture);
    struct fate fates[64];
    struct gh_sending *sending;
    const size_t size = 1 << 20;
    size_t given = 0;
    char *body = malloc(size);
    assert_non_null(body);
    memset(body, ' ', size);
    while (given < 64 &&
           give_bytes(ingest, GATE, body, size, GH_CODING_PLAIN, &fates[given], &sending) == GH_OK)
        given++;
    assert_int_equal(given, GH_INGEST_WAITING_BYTES / (int64_t)size);
    wait_for(ingest, fates, given);
    gh_ingest_free(ingest);
    free(body);
}

/* The more are turned away, the later they are told to come, and never all at once. */
static void test_retry(void **state)
{
    struct fixture *fixture = *state;
    struct gh_ingest *ingest = start(fixture);
    size_t told[64] = {0};
    int64_t wait_s = gh_ingest_retry_s(ingest);
    assert_int_equal(wait_s, 1);
    for (int i = 0; i < 10000; i++) {
        wait_s = gh_ingest_retry_s(ingest);
        assert_in_range(wait_s, 1, 60);
        told[wait_s]++;
    }
    assert_true(told[30] > 0);
    for (size_t i = 1; i < 64; i++)
        assert_true(told[i] <= 10000 / 20);
    for (int i = 0; i < 20000; i++) /* more than there are seconds for */
        assert_in_range(gh_ingest_retry_s(ingest), 1, 60);
    gh_ingest_free(ingest);
}

/* --- the end --- */

/* Whatever was answered with GH_OK is there, whatever was called off is not, and nothing is left
 * without an answer. */
static void test_stopped_in_the_middle(void **state)
{
    struct fixture *fixture = *state;
    struct fate fates[GATES];
    for (gh_id i = 0; i < GATES; i++)
        add_gate(fixture->db, i + 1);
    size_t stored = 0;
    for (int round = 0; round < 5; round++) {
        struct gh_ingest *ingest = start(fixture);
        for (gh_id i = 0; i < GATES; i++)
            give(ingest, i + 1, first_of(i + 1), GH_CODING_ZSTD, &fates[i]);
        gh_ingest_free(ingest);
        for (gh_id i = 0; i < GATES; i++) {
            assert_int_equal(fates[i].calls, 1);
            assert_true(fates[i].status == GH_OK || fates[i].status == GH_ERR_AGAIN);
            stored += fates[i].result.stored;
        }
    }
    assert_int_equal(count_stored(fixture), stored);
}

static void test_forgotten(void **state)
{
    struct fixture *fixture = *state;
    struct gh_ingest *ingest = start(fixture);
    struct fate fates[2];
    struct gh_sending *sending;
    static const char body[] = "{\"entries\":[]}";
    assert_int_equal(
        give_bytes(ingest, GATE, body, sizeof(body) - 1, GH_CODING_PLAIN, &fates[0], &sending),
        GH_OK);
    gh_ingest_forget(sending);
    give(ingest, GATE, run_of(fixture, 1, 1), GH_CODING_PLAIN, &fates[1]);
    wait_for(ingest, &fates[1], 1);
    gh_ingest_free(ingest);
    assert_int_equal(fates[0].calls, 0);
}

/* --- troubles of the database --- */

/* Somebody else writes for ever: no batch is acknowledged, and each is answered. */
static void test_locked(void **state)
{
    struct fixture *fixture = *state;
    struct gh_ingest *ingest = start(fixture);
    struct fate fates[3];
    sqlite3 *other;
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < 3; i++)
        give(ingest, GATE, run_of(fixture, 1, 3), GH_CODING_PLAIN, &fates[i]);
    wait_for(ingest, fates, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(fates[i].status, GH_ERR_BUSY);
        assert_int_equal(fates[i].result.acknowledged, 0);
    }
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    give(ingest, GATE, run_of(fixture, 1, 3), GH_CODING_PLAIN, &fates[0]);
    wait_for(ingest, fates, 1);
    assert_int_equal(fates[0].status, GH_OK);
    assert_int_equal(fates[0].result.stored, 3);
    gh_ingest_free(ingest);
}

static void test_keys(void **state)
{
    struct fixture *fixture = *state;
    struct gh_ingest *ingest = start(fixture);
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    assert_int_equal(gh_public_key_raw(fixture->list_public, raw), 32);
    assert_int_equal(gh_ingest_keys(ingest).count, 0);
    assert_int_equal(gh_ingest_add_key(ingest, raw), GH_OK);
    assert_int_equal(gh_ingest_add_key(ingest, raw), GH_OK);
    assert_int_equal(gh_ingest_keys(ingest).count, 1);
    gh_ingest_free(ingest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stored),
        TEST(test_the_same_batch_at_once),
        TEST(test_overlapping_batches_at_once),
        TEST(test_one_fails_among_many),
        TEST(test_a_group),
        TEST(test_bad_json),
        TEST(test_bad_frames),
        TEST(test_too_many_wait),
        TEST(test_too_much_waits),
        TEST(test_retry),
        TEST(test_stopped_in_the_middle),
        TEST(test_forgotten),
        TEST(test_locked),
        TEST(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
