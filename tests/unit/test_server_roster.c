/* SPDX-License-Identifier: Apache-2.0 */
/* The gates in memory. */
#include "test_server_db.h"

#include "server/roster.h"

static const uint8_t secret[GH_SHA256_BYTES] = {7}, other_secret[GH_SHA256_BYTES] = {8};

static void add_gate(struct gh_db *db, gh_id id, bool enrolled)
{
    struct gh_db_gate gate = {.id = id, .name = "Gate", .token_expires_at = 500};
    assert_int_equal(gh_db_gate_add(db, &gate, 100), GH_OK);
    if (enrolled)
        assert_int_equal(gh_db_gate_enrol(db, id, secret, 200), GH_OK);
}

static void test_what_is_loaded(void **state)
{
    struct gh_db *db = db_of(state);
    struct gh_roster *roster;
    add_gate(db, 1, false);
    add_gate(db, 2, true);
    add_gate(db, UINT64_MAX, true);
    assert_int_equal(gh_db_gate_shut_out(db, UINT64_MAX), GH_OK);
    assert_int_equal(gh_roster_new(db, &roster), GH_OK);
    assert_null(gh_roster_find(roster, 1));
    assert_null(gh_roster_find(roster, 3));
    const struct gh_roster_gate *gate = gh_roster_find(roster, 2);
    assert_true(gate != NULL && gate->enrolled);
    assert_memory_equal(gate->secret_sha256, secret, sizeof(secret));
    assert_int_equal(gate->seen_at, 200);
    gate = gh_roster_find(roster, UINT64_MAX);
    assert_true(gate != NULL && !gate->enrolled);
    gh_roster_free(roster);
}

/* Identifiers that meet in one place, and more than there was room for at first. */
static void test_many(void **state)
{
    enum { COUNT = 2000 };
    struct gh_roster *roster;
    struct gh_roster_gate *first = NULL;
    assert_int_equal(gh_roster_new(db_of(state), &roster), GH_OK);
    for (gh_id i = 1; i <= COUNT; i++) {
        assert_int_equal(gh_roster_enrol(roster, i << 20, i % 2 == 0 ? secret : other_secret),
                         GH_OK);
        first = first == NULL ? gh_roster_find(roster, 1 << 20) : first;
    }
    assert_ptr_equal(first, gh_roster_find(roster, 1 << 20)); /* stays where it is */
    for (gh_id i = 1; i <= COUNT; i++) {
        const struct gh_roster_gate *gate = gh_roster_find(roster, i << 20);
        assert_non_null(gate);
        assert_int_equal(gate->secret_sha256[0], i % 2 == 0 ? 7 : 8);
        assert_null(gh_roster_find(roster, (i << 20) + 1));
    }
    assert_int_equal(gh_roster_enrol(roster, 1 << 20, secret), GH_OK);
    assert_int_equal(first->secret_sha256[0], 7);
    assert_int_equal(gh_roster_connected(roster), 0);
    gh_roster_free(roster);
}

static int64_t seen_in_db(struct gh_db *db, gh_id id)
{
    struct gh_db_gate gate;
    assert_int_equal(gh_db_gate_find(db, id, &gate), GH_OK);
    return gate.last_seen_at;
}

static void test_when_they_were_seen(void **state)
{
    struct gh_db *db = db_of(state);
    struct gh_roster *roster;
    add_gate(db, 2, true);
    add_gate(db, 3, true);
    assert_int_equal(gh_roster_new(db, &roster), GH_OK);
    gh_roster_seen(gh_roster_find(roster, 2), 300);
    assert_int_equal(seen_in_db(db, 2), 200);
    assert_int_equal(gh_roster_write(roster, db), GH_OK);
    assert_int_equal(seen_in_db(db, 2), 300);
    assert_int_equal(seen_in_db(db, 3), 200);
    gh_roster_seen(gh_roster_find(roster, 2), 250); /* the clock was set back */
    assert_int_equal(gh_roster_write(roster, db), GH_OK);
    assert_int_equal(seen_in_db(db, 2), 250);
    outside(state, "UPDATE gates SET last_seen_at = 1"); /* nothing new is not written */
    assert_int_equal(gh_roster_write(roster, db), GH_OK);
    assert_int_equal(seen_in_db(db, 2), 1);
    gh_roster_free(roster);
}

static bool boots(struct gh_roster_gate *gate, uint8_t boot)
{
    const uint8_t id[GH_BOOT_BYTES] = {boot};
    return gh_roster_boot(gate, id);
}

static void test_boots(void **state)
{
    (void)state;
    struct gh_roster_gate gate = {0};
    for (uint8_t boot = 1; boot < 20; boot++) { /* starts anew and anew: nothing is wrong */
        assert_false(boots(&gate, boot));
        assert_false(boots(&gate, boot));
    }
    assert_true(boots(&gate, 18));
    assert_false(boots(&gate, 18));
    assert_true(boots(&gate, 19));
    assert_true(boots(&gate, 16)); /* the oldest that is known */
    assert_false(boots(&gate, 1));
    assert_false(boots(&gate, 0)); /* where the kernel gives none: one as good as any */
    assert_false(boots(&gate, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_loaded),
        TEST(test_many),
        TEST(test_when_they_were_seen),
        TEST(test_boots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
