/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of entries in the server's database: a gate with a chain of entries, of which
 * batches are sent. */
#ifndef GATEHOUSE_TESTS_SERVER_CHAIN_H
#define GATEHOUSE_TESTS_SERVER_CHAIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/batch.h"
#include "test_server_entry.h"

#define GATE UINT64_C(0xfedcba9876543210)
#define CHAIN 600

static const struct gh_receipt_keys no_keys = {NULL, 0};

struct fixture {
    char path[64];
    struct gh_db *db;
    struct gh_private_key *list_key;
    struct gh_public_key *list_public;
    json_t *chain[CHAIN + 1]; /* by sequence, from 1 */
    uint8_t hash[CHAIN + 1][GH_SHA256_BYTES];
};

static inline json_t *json_of(const struct gh_entry *entry, uint8_t hash[GH_SHA256_BYTES])
{
    char text[GH_ENTRY_MAX_BYTES];
    size_t size = gh_entry_format(entry, text);
    gh_entry_hash((struct gh_bytes){(const uint8_t *)text, size}, hash);
    json_t *json = json_loadb(text, size, 0, NULL);
    assert_non_null(json);
    return json;
}

static inline void add_gate(struct gh_db *db, gh_id id)
{
    struct gh_db_gate gate = {.id = id, .name = "North"};
    uint8_t secret[GH_SHA256_BYTES] = {1};
    assert_int_equal(gh_db_gate_add(db, &gate, 1), GH_OK);
    assert_int_equal(gh_db_gate_enrol(db, id, secret, 1), GH_OK);
}

static inline int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    snprintf(fixture->path, sizeof(fixture->path), "/tmp/gatehouse-test-XXXXXX");
    close(mkstemp(fixture->path));
    assert_int_equal(gh_db_open(fixture->path, &fixture->db, NULL), GH_OK);
    assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &fixture->list_key), GH_OK);
    assert_int_equal(gh_private_key_public(fixture->list_key, &fixture->list_public), GH_OK);
    add_gate(fixture->db, GATE);
    for (uint64_t i = 1; i <= CHAIN; i++) {
        struct gh_entry entry = entry_of(GATE, i, fixture->hash[i - 1]);
        fixture->chain[i] = json_of(&entry, fixture->hash[i]);
    }
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char path[80];
    gh_db_close(fixture->db);
    gh_private_key_free(fixture->list_key);
    gh_public_key_free(fixture->list_public);
    for (uint64_t i = 1; i <= CHAIN; i++)
        json_decref(fixture->chain[i]);
    snprintf(path, sizeof(path), "%s-wal", fixture->path);
    (void)unlink(path);
    snprintf(path, sizeof(path), "%s-shm", fixture->path);
    (void)unlink(path);
    assert_int_equal(unlink(fixture->path), 0);
    free(fixture);
    return 0;
}

/* What came of a batch. */
struct outcome {
    struct gh_db_batch result;
    size_t refused;
    uint64_t refused_sequence[GH_BATCH_MAX_ENTRIES];
    char reason[GH_REFUSAL_BYTES]; /* of the first */
};

/* Takes entries over. */
static inline struct outcome send_at(struct fixture *fixture, json_t *entries, int64_t now)
{
    struct gh_batch batch;
    struct outcome outcome = {0};
    const struct gh_public_key *const list[] = {fixture->list_public};
    const struct gh_receipt_keys keys = {list, 1};
    json_t *body = json_pack("{s:O}", "entries", entries);
    char *text = json_dumps(body, JSON_COMPACT); /* members stay in their order */
    assert_non_null(text);
    const struct gh_bytes bytes = {(const uint8_t *)text, strlen(text)};
    assert_int_equal(gh_batch_read(bytes, GATE, &keys, &batch, NULL), GH_OK);
    free(text);
    json_decref(body);
    struct gh_db_group group;
    assert_int_equal(gh_db_group_begin(fixture->db, &group), GH_OK);
    assert_int_equal(gh_db_group_put(&group, GATE, batch.items, batch.count, now, &outcome.result),
                     GH_OK);
    assert_int_equal(gh_db_group_end(&group), GH_OK);
    for (size_t i = 0; i < batch.count; i++) {
        if (batch.items[i].refusal[0] == '\0')
            continue;
        if (outcome.refused == 0)
            snprintf(outcome.reason, sizeof(outcome.reason), "%s", batch.items[i].refusal);
        outcome.refused_sequence[outcome.refused++] = batch.items[i].sequence;
    }
    gh_batch_close(&batch);
    json_decref(entries);
    return outcome;
}

static inline struct outcome send(struct fixture *fixture, json_t *entries)
{
    return send_at(fixture, entries, 1000);
}

static inline json_t *run_of(const struct fixture *fixture, uint64_t from, uint64_t to)
{
    json_t *entries = json_array();
    for (uint64_t i = from; i <= to; i++)
        json_array_append(entries, fixture->chain[i]);
    return entries;
}

static inline void expect(const struct outcome *outcome, uint64_t acknowledged, uint64_t stored,
                          uint64_t known, size_t refused)
{
    assert_int_equal(outcome->result.acknowledged, acknowledged);
    assert_int_equal(outcome->result.stored, stored);
    assert_int_equal(outcome->result.known, known);
    assert_int_equal(outcome->refused, refused);
}

struct reading {
    uint64_t sequences[CHAIN + 16];
    size_t count;
};

static inline bool keep(void *context, const struct gh_db_entry *entry)
{
    struct reading *reading = context;
    json_t *json = json_loads(entry->text, 0, NULL);
    assert_non_null(json);
    reading->sequences[reading->count++] =
        (uint64_t)json_integer_value(json_object_get(json, "seq"));
    json_decref(json);
    return true;
}

static inline size_t count_stored(struct fixture *fixture)
{
    static struct reading reading;
    const struct gh_db_entry_filter filter = {.limit = CHAIN + 16, .any_type = true};
    reading.count = 0;
    assert_int_equal(gh_db_entries_read(fixture->db, &filter, keep, &reading), GH_OK);
    return reading.count;
}

static inline struct gh_db_gate gate_now(struct fixture *fixture)
{
    struct gh_db_gate gate;
    assert_int_equal(gh_db_gate_find(fixture->db, GATE, &gate), GH_OK);
    return gate;
}

static inline json_t *changed(const struct fixture *fixture, const char *name, json_t *value)
{
    json_t *json = json_deep_copy(fixture->chain[3]);
    if (value != NULL)
        json_object_set_new(json, name, value);
    else
        json_object_del(json, name);
    return json;
}

/* --- chains of the test's own making --- */

struct branch {
    uint64_t last;
    uint8_t hash[GH_SHA256_BYTES];
    const char *boot;
    int64_t wall_ms;
};

#define BOOT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BOOT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define BOOT_C "cccccccccccccccccccccccccccccccc"

/* Entries of that type, the next of the branch. */
static inline void grow(json_t *entries, struct branch *branch, enum gh_entry_type type,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct gh_entry entry = entry_of(GATE, ++branch->last, branch->hash);
        entry.type = type;
        entry.trouble = GH_LIST_TROUBLE_ROLLBACK;
        entry.door = GH_DOOR_EVENT_HELD; /* is no alarm, as others are */
        if (branch->wall_ms != 0)
            entry.wall_ms = branch->wall_ms;
        snprintf(entry.boot_id, sizeof(entry.boot_id), "%s", branch->boot);
        json_array_append_new(entries, json_of(&entry, branch->hash));
    }
}

static inline json_t *grown(struct branch *branch, enum gh_entry_type type, size_t count)
{
    json_t *entries = json_array();
    grow(entries, branch, type, count);
    return entries;
}

/* --- alarms --- */

struct alarms {
    struct gh_db_alarm list[16]; /* without their texts' lives */
    char text[16][160];
    size_t count;
};

static inline bool keep_alarm(void *context, const struct gh_db_alarm *alarm)
{
    struct alarms *alarms = context;
    assert_true(alarms->count < 16);
    snprintf(alarms->text[alarms->count], sizeof(alarms->text[0]), "%s", alarm->text);
    alarms->list[alarms->count++] = *alarm;
    return true;
}

static inline struct alarms alarms_now(struct fixture *fixture)
{
    struct alarms alarms = {.count = 0};
    assert_int_equal(gh_db_alarms_read(fixture->db, 0, 0, 16, keep_alarm, &alarms), GH_OK);
    assert_int_equal(gate_now(fixture).alarms, alarms.count);
    return alarms;
}

/* The only one. */
static inline struct gh_db_alarm expect_alarm(struct fixture *fixture, enum gh_alarm kind,
                                              uint64_t sequence, uint64_t count, const char *word)
{
    struct alarms alarms = alarms_now(fixture);
    assert_int_equal(alarms.count, 1);
    assert_int_equal(alarms.list[0].kind, kind);
    assert_int_equal(alarms.list[0].sequence, sequence);
    assert_int_equal(alarms.list[0].count, count);
    assert_true(alarms.list[0].gate == GATE);
    if (strstr(alarms.text[0], word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", alarms.text[0], word);
    return alarms.list[0];
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
