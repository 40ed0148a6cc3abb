/* SPDX-License-Identifier: Apache-2.0 */
/* A gate's journal on a disk whose power is cut at any write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/power_vfs.h"
#include "journal_fixture.h"

#define ENTRIES_MAX 4096

static struct gh_private_key *list_key;
static struct gh_public_key *public_key;

/* What the caller was told: each entry by its number. */
struct truth {
    uint64_t random, head;
    uint64_t through, erased; /* as the newest prune entry says */
    struct {
        uint8_t hash[GH_SHA256_BYTES];
        bool personal;
    } entries[ENTRIES_MAX];
};

static uint64_t draw(struct truth *truth, uint64_t below)
{
    truth->random ^= truth->random << 13;
    truth->random ^= truth->random >> 7;
    truth->random ^= truth->random << 17;
    return (truth->random >> 11) % below;
}

static void note(struct truth *truth, const struct gh_entry *entry)
{
    char text[GH_ENTRY_MAX_BYTES];
    size_t size = gh_entry_format(entry, text);
    assert_true(entry->sequence < ENTRIES_MAX);
    truth->head = entry->sequence;
    gh_entry_hash((struct gh_bytes){(const uint8_t *)text, size}, truth->entries[truth->head].hash);
    truth->entries[truth->head].personal =
        entry->type == GH_ENTRY_PASSAGE || entry->type == GH_ENTRY_DOOR;
    if (entry->type == GH_ENTRY_PRUNE) {
        truth->through = entry->through;
        truth->erased = entry->erased;
    }
}

/* --- a life: appends and prunes until the power is gone --------------------------------------- */

static bool append_some(struct truth *truth, struct gh_journal *journal)
{
    static const enum gh_entry_type types[] = {GH_ENTRY_PASSAGE, GH_ENTRY_PASSAGE, GH_ENTRY_DOOR,
                                               GH_ENTRY_START};
    struct gh_entry entry = sample();
    entry.type = types[draw(truth, GH_ARRAY_SIZE(types))];
    entry.door = GH_DOOR_EVENT_PASSED;
    entry.wall_ms = (int64_t)truth->head + 1;
    entry.clock_trusted = true;
    entry.housing_code = draw(truth, 2);
    if (gh_journal_append(journal, &entry, NULL) != GH_OK) {
        return false;
    }
    note(truth, &entry);
    return true;
}

static bool prune_some(struct truth *truth, struct gh_journal *journal)
{
    if (truth->head <= truth->through) {
        return true;
    }
    uint64_t covered = truth->head - truth->through, removed;
    struct gh_journal_cut cut = {.max_entries = 1 + (unsigned)draw(truth, 60)};
    cut.receipt.through = truth->through + 1 + draw(truth, covered);
    cut.passages_before_ms = (int64_t)(truth->through + draw(truth, covered + 2));
    cut.others_before_ms = (int64_t)(truth->through + draw(truth, covered + 2));
    memcpy(cut.receipt.hash, truth->entries[cut.receipt.through].hash, GH_SHA256_BYTES);
    assert_int_equal(gh_receipt_sign(list_key, sample().gate, &cut.receipt), GH_OK);
    struct gh_entry entry = prune_entry((int64_t)truth->head + 1);
    bool more;
    if (gh_journal_prune(journal, &cut, &entry, &removed, &more, NULL) != GH_OK) {
        return false;
    }
    if (removed > 0) {
        note(truth, &entry);
    }
    return true;
}

/* Ends with the journal closed, sometimes before the power is gone. */
static void live(struct truth *truth, const struct place *place, uint64_t calls)
{
    struct gh_journal *journal;
    if (gh_journal_open(place->path, &journal, NULL) != GH_OK) {
        return;
    }
    uint64_t left = 1 + draw(truth, calls);
    for (bool good = true; good && left > 0; left--) {
        good = draw(truth, 8) == 0 ? prune_some(truth, journal) : append_some(truth, journal);
    }
    gh_journal_close(journal);
}

/* --- what is there then ----------------------------------------------------------------------- */

struct looking {
    struct truth *truth;
    uint64_t last;
    struct gh_entry entry; /* the last one */
    const char *complaint;
};

static bool look(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    struct looking *looking = context;
    struct truth *truth = looking->truth;
    uint8_t hash[GH_SHA256_BYTES];
    gh_entry_hash(canonical, hash);
    looking->last = sequence;
    if (sequence <= truth->head) {
        bool erased = sequence <= truth->erased && truth->entries[sequence].personal;
        if (sequence <= truth->through) {
            looking->complaint = "an entry that was removed is there";
        } else if (erased != (canonical.size == 0)) {
            looking->complaint =
                erased ? "a content that was removed is there" : "a content is lost";
        } else if (!erased && memcmp(hash, truth->entries[sequence].hash, GH_SHA256_BYTES) != 0) {
            looking->complaint = "an entry is another";
        }
    } else if (sequence > truth->head + 1) {
        looking->complaint = "an entry came from nowhere";
    }
    return looking->complaint == NULL;
}

static bool take(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    json_t *object = json_loadb((const char *)canonical.data, canonical.size, 0, NULL);
    (void)sequence;
    assert_int_equal(gh_entry_parse(object, context, NULL), GH_OK);
    json_decref(object);
    return false;
}

/* The last call may have happened, whole, though nobody was told. */
static void take_in_flight(struct truth *truth, struct gh_journal *journal)
{
    struct gh_entry entry;
    assert_int_equal(gh_journal_read(journal, truth->head, 1, take, &entry), GH_OK);
    note(truth, &entry);
}

static const char *check(struct truth *truth, const struct place *place)
{
    const struct gh_public_key *const keys[] = {public_key};
    struct gh_journal *journal;
    uint64_t bad, sequence;
    uint8_t hash[GH_SHA256_BYTES];
    if (gh_journal_open(place->path, &journal, NULL) != GH_OK) {
        return "it cannot be opened";
    }
    struct looking looking = {.truth = truth};
    if (gh_journal_verify(journal, keys, 1, &bad) != GH_OK) {
        looking.complaint = "the chain is broken";
    } else if (gh_journal_head(journal, &sequence, hash) != GH_OK || sequence < truth->head ||
               sequence > truth->head + 1) {
        looking.complaint = "an entry is lost";
    }
    if (looking.complaint == NULL) {
        if (sequence == truth->head + 1) {
            take_in_flight(truth, journal);
        }
        enum gh_status status = gh_journal_read(journal, 0, 2 * ENTRIES_MAX, look, &looking);
        if (looking.complaint == NULL && (status != GH_OK || looking.last != truth->head)) {
            looking.complaint = "entries are missing";
        }
    }
    gh_journal_close(journal);
    return looking.complaint;
}

/* One journal through some lives; the first complaint. *cuts goes up with each cut. */
static const char *run(uint64_t seed, const struct place *place, unsigned *cuts)
{
    struct truth *truth = calloc(1, sizeof(*truth));
    const char *complaint = NULL;
    truth->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (unsigned life = 0; life < 4 && complaint == NULL; life++) {
        bool is_long = draw(truth, 24) == 0; /* over a checkpoint of its own */
        uint64_t steps = is_long ? 3000 : draw(truth, 3) == 0 ? 20 : 400;
        power_vfs_cut_at(1 + draw(truth, steps));
        live(truth, place, is_long ? 800 : 80);
        *cuts += power_vfs_is_cut() ? 1 : 0;
        power_vfs_restore(seed * 16 + life);
        complaint = check(truth, place);
        power_vfs_restore(seed * 16 + life + 8);
        if (complaint == NULL) {
            complaint = check(truth, place); /* also after one in the middle of coming back */
        }
        power_vfs_restore(0);
    }
    free(truth);
    char name[160];
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(suffixes); i++) {
        snprintf(name, sizeof(name), "%s%s", place->path, suffixes[i]);
        unlink(name);
    }
    return complaint;
}

static void nothing_acknowledged_is_lost(void **state)
{
    unsigned cuts = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        const char *complaint = run(seed, *state, &cuts);
        if (complaint != NULL) {
            fail_msg("seed %llu: %s", (unsigned long long)seed, complaint);
        }
    }
    assert_true(cuts > 300);
    print_message("%u cuts\n", cuts);
}

/* The same on a disk that does not sync: if this found nothing, the test above would not, either.
 */
static void a_disk_that_lies_is_found_out(void **state)
{
    unsigned cuts = 0, losses = 0;
    power_vfs_ignore_syncs(true);
    for (uint64_t seed = 1; seed <= 50; seed++) {
        losses += run(seed, *state, &cuts) != NULL ? 1 : 0;
    }
    assert_true(losses > 25);
    print_message("%u of 50 journals lost something\n", losses);
}

static int set_up(void **state)
{
    power_vfs_install();
    return make_place(state);
}

static int tear_down(void **state)
{
    power_vfs_uninstall();
    return remove_place(state);
}

static int make_keys(void **state)
{
    (void)state;
    return gh_private_key_generate(GH_KEY_ED25519, &list_key) == GH_OK &&
                   gh_private_key_public(list_key, &public_key) == GH_OK
               ? 0
               : -1;
}

static int free_keys(void **state)
{
    (void)state;
    gh_private_key_free(list_key);
    gh_public_key_free(public_key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_acknowledged_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_disk_that_lies_is_found_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
