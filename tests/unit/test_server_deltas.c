/* SPDX-License-Identifier: Apache-2.0 */
/* A gate that follows by deltas believes what one believes that begins with a snapshot, at every
 * generation, whatever happened between. SEED=N repeats one run. */
#include "server/db_list.h"
#include "test_server_lists.h"

#include <inttypes.h>

#define PEOPLE 9
#define HOMES 4
#define CODES 40
#define KEYS 6
#define FOLLOWERS 4

struct town {
    struct fixture *fixture;
    uint64_t random;
    gh_id people[PEOPLE], homes[HOMES], codes[CODES];
    size_t person_count, home_count, code_count;
    unsigned refs, policies;
    struct follower followers[FOLLOWERS];
};

/* xorshift64*: the same on every machine. */
static uint64_t draw(struct town *town, uint64_t below)
{
    town->random ^= town->random >> 12;
    town->random ^= town->random << 25;
    town->random ^= town->random >> 27;
    return (town->random * UINT64_C(2685821657736338717) >> 33) % below;
}

static gh_id one_of(struct town *town, const gh_id *ids, size_t count)
{
    return ids[draw(town, count)];
}

static int64_t now_of(const struct town *town)
{
    return town->fixture->wall_ns / GH_NS_PER_S;
}

static enum gh_colour any_colour(struct town *town)
{
    return (enum gh_colour)(GH_COLOUR_GREEN + draw(town, 3));
}

/* --- what happens --- */

static void people_come(struct town *town)
{
    enum gh_db_change change;
    struct gh_db *db = town->fixture->db;
    assert_int_equal(gh_db_import_begin(db), GH_OK);
    for (uint64_t left = 1 + draw(town, 5); left > 0; left--) {
        char ref[16];
        bool known = town->refs > 0 && (town->refs == PEOPLE || draw(town, 3) == 0);
        snprintf(ref, sizeof(ref), "%u", known ? (unsigned)draw(town, town->refs) : town->refs++);
        assert_int_equal(gh_db_import_put(db, ref, "Name", any_colour(town), &change), GH_OK);
    }
    bool keep = draw(town, 5) != 0;
    assert_int_equal(gh_db_import_end(db, keep), GH_OK);
    for (unsigned i = 0; i < town->refs; i++) {
        char ref[16];
        gh_id id = 0;
        snprintf(ref, sizeof(ref), "%u", i);
        assert_int_equal(gh_db_people_read(db, ref, 0, 1, keep_id, &id), GH_OK);
        if (id == 0) { /* not kept */
            town->refs = i;
            break;
        }
        town->people[i] = id;
    }
    town->person_count = town->refs;
}

static void a_colour_changes(struct town *town)
{
    gh_id person = one_of(town, town->people, town->person_count);
    assert_int_equal(gh_db_person_set_status(town->fixture->db, person, any_colour(town)), GH_OK);
}

static void a_home_goes_on(struct town *town)
{
    struct gh_db *db = town->fixture->db;
    if (town->home_count < HOMES && draw(town, 2) == 0) {
        gh_id id = gh_random_id();
        assert_int_equal(gh_db_home_add(db, id, "Main St", "owner", 1), GH_OK);
        town->homes[town->home_count++] = id;
        return;
    }
    if (town->home_count == 0)
        return;
    gh_id home = one_of(town, town->homes, town->home_count);
    enum gh_status status = draw(town, 2) == 0
                                ? gh_db_home_inspect(db, home, draw(town, 6) != 0, NULL)
                                : gh_db_home_approve(db, home);
    assert_true(status == GH_OK || status == GH_ERR_REFUSED);
}

static void somebody_moves(struct town *town)
{
    if (town->home_count == 0)
        return;
    gh_id home = one_of(town, town->homes, town->home_count);
    gh_id person = one_of(town, town->people, town->person_count);
    enum gh_status status = draw(town, 3) != 0
                                ? gh_db_home_put_member(town->fixture->db, home, person)
                                : gh_db_home_drop_member(town->fixture->db, home, person);
    assert_true(status == GH_OK || status == GH_ERR_REFUSED);
}

static void a_code_is_issued_or_revoked(struct town *town)
{
    struct gh_db *db = town->fixture->db;
    if (town->code_count < CODES && draw(town, 2) == 0) {
        const struct gh_db_credential credential = {
            .id = gh_random_id(),
            .kind = GH_KIND_HEALTH,
            .about = one_of(town, town->people, town->person_count),
            .issued_at = now_of(town),
            .expires_at = now_of(town) + (int64_t)draw(town, 20 * 86400),
        };
        assert_int_equal(gh_db_credential_add(db, &credential), GH_OK);
        town->codes[town->code_count++] = credential.id;
    } else if (town->code_count > 0) {
        gh_id code = one_of(town, town->codes, town->code_count);
        assert_int_equal(gh_db_credential_revoke(db, code, now_of(town)), GH_OK);
    }
}

static void a_home_gets_a_code(struct town *town)
{
    if (town->home_count == 0)
        return;
    gh_id home = one_of(town, town->homes, town->home_count);
    const struct gh_db_credential credential = {.id = gh_random_id(),
                                                .kind = GH_KIND_HOUSING,
                                                .about = home,
                                                .issued_at = now_of(town),
                                                .expires_at = INT64_MAX};
    enum gh_status status = gh_db_home_set_code(town->fixture->db, home, "CODE", &credential);
    assert_true(status == GH_OK || status == GH_ERR_REFUSED);
}

static void a_phone_is_lost(struct town *town)
{
    int64_t before;
    gh_id person = one_of(town, town->people, town->person_count);
    assert_int_equal(gh_db_person_recall(town->fixture->db, person, now_of(town), &before), GH_OK);
}

static void certificates_are_revoked(struct town *town)
{
    struct gh_db_revocation batch[4] = {0};
    uint64_t added;
    size_t count = 1 + draw(town, GH_ARRAY_SIZE(batch));
    for (size_t i = 0; i < count; i++) {
        batch[i].hash[0] = (uint8_t)(1 + draw(town, 30));
        batch[i].before = draw(town, 3) == 0 ? now_of(town) - (int64_t)draw(town, 99) : INT64_MAX;
        batch[i].expires_at = draw(town, 3) == 0 ? INT64_MAX
                                                 : now_of(town) + (int64_t)draw(town, 20 * 86400) -
                                                       5 * INT64_C(86400);
    }
    assert_int_equal(
        gh_db_revocations_add(town->fixture->db, batch, count, 1000, now_of(town), &added), GH_OK);
}

static void a_holder_is_known(struct town *town)
{
    gh_id person = one_of(town, town->people, town->person_count);
    if (draw(town, 3) == 0) {
        assert_int_equal(gh_db_holders_unlink(town->fixture->db, person), GH_OK);
        return;
    }
    enum gh_status status = gh_db_holder_link(town->fixture->db, 1 + draw(town, 50), person);
    assert_true(status == GH_OK || status == GH_ERR_EXISTS);
}

static bool keep_trusted(void *context, const struct gh_db_trusted *trusted)
{
    *(gh_id *)context = trusted->id;
    return true;
}

static void foreign_keys_change(struct town *town)
{
    struct gh_db *db = town->fixture->db;
    struct gh_issuer_key key = {.type = GH_KEY_P256,
                                .purposes = GH_PURPOSE(GH_KIND_SHC),
                                .not_before_s = INT64_MIN,
                                .not_after_s = INT64_MAX};
    gh_id id = 0;
    uint64_t added;
    assert_int_equal(gh_db_trust_read(db, keep_trusted, &id), GH_OK);
    if (id != 0 && draw(town, 2) == 0) {
        assert_int_equal(draw(town, 2) == 0 ? gh_db_trust_forget(db, id)
                                            : gh_db_trust_revoke(db, id, now_of(town)),
                         GH_OK);
        return;
    }
    struct gh_private_key *private;
    struct gh_public_key *public;
    assert_int_equal(gh_private_key_generate(GH_KEY_P256, &private), GH_OK);
    assert_int_equal(gh_private_key_public(private, &public), GH_OK);
    key.raw_bytes = gh_public_key_raw(public, key.raw);
    snprintf(key.issuer, sizeof(key.issuer), "https://%u.example", (unsigned)draw(town, KEYS));
    gh_public_key_free(public);
    gh_private_key_free(private);
    assert_int_equal(gh_db_trust_add(db, &key, 1, 4000, &added), GH_OK);
}

static void time_goes_by(struct town *town)
{
    switch (draw(town, 10)) {
    case 0: /* the clock was wrong, or is */
        forward(town->fixture, -(int64_t)draw(town, 10 * 86400));
        break;
    case 1:
        forward(town->fixture, (int64_t)draw(town, 400 * 86400));
        break;
    default:
        forward(town->fixture, (int64_t)draw(town, 3 * 86400));
    }
}

static void the_policy_changes(struct town *town)
{
    struct gh_policy policy = gh_policy_initial();
    policy.debounce_ms = 500 + town->policies++;
    assert_int_equal(gh_publisher_set_policy(town->fixture->publisher, &policy), GH_OK);
}

static void the_server_starts_anew(struct town *town)
{
    restart(town->fixture);
}

static void nothing_but_a_number(struct town *town)
{
    if (draw(town, 2) == 0)
        assert_int_equal(gh_db_list_bump(town->fixture->db), GH_OK);
    else
        assert_int_equal(gh_publisher_jump(town->fixture->publisher,
                                           gh_db_generation(town->fixture->db) + draw(town, 9) + 1),
                         GH_OK);
}

static void one_thing_happens(struct town *town)
{
    static void (*const things[])(struct town * town) = {
        people_come,        a_colour_changes,       a_colour_changes,
        a_home_goes_on,     a_home_goes_on,         somebody_moves,
        somebody_moves,     somebody_moves,         a_code_is_issued_or_revoked,
        a_home_gets_a_code, a_phone_is_lost,        certificates_are_revoked,
        a_holder_is_known,  foreign_keys_change,    time_goes_by,
        the_policy_changes, the_server_starts_anew, nothing_but_a_number,
    };
    if (town->person_count == 0)
        people_come(town);
    else
        things[draw(town, GH_ARRAY_SIZE(things))](town);
}

/* --- the property --- */

static uint64_t seed(void)
{
    uint64_t number;
    const char *text = getenv("SEED");
    if (text != NULL)
        return strtoull(text, NULL, 10);
    gh_random(&number, sizeof(number));
    return number >> 16 | 1;
}

static void test_deltas_say_what_snapshots_say(void **state)
{
    struct town *town = calloc(1, sizeof(*town));
    struct gh_db_user owner = {.name = "owner", .role = GH_ROLE_LANDLORD, .password = "x"};
    uint64_t number = seed();
    unsigned applied = 0;
    assert_non_null(town);
    (void)fprintf(stderr, "SEED=%" PRIu64 "\n", number);
    town->fixture = *state;
    town->random = number;
    assert_int_equal(gh_db_user_add(town->fixture->db, &owner), GH_OK);
    for (size_t i = 0; i < FOLLOWERS; i++)
        town->followers[i] = new_follower(town->fixture);
    for (int turn = 0; turn < 120; turn++) {
        for (uint64_t left = draw(town, 20); left > 0; left--)
            one_thing_happens(town);
        assert_same_list(town->fixture, &town->followers[draw(town, FOLLOWERS)]);
    }
    for (size_t i = 0; i < FOLLOWERS; i++) {
        assert_same_list(town->fixture, &town->followers[i]);
        assert_true(town->followers[i].installed < 10);
        applied += town->followers[i].applied;
    }
    assert_true(applied > 30);
    free(town);
}

/* --- when there is no delta --- */

static void import(struct fixture *fixture, unsigned from, unsigned count, enum gh_colour colour)
{
    enum gh_db_change change;
    assert_int_equal(gh_db_import_begin(fixture->db), GH_OK);
    for (unsigned i = from; i < from + count; i++) {
        char ref[16];
        snprintf(ref, sizeof(ref), "%u", i);
        assert_int_equal(gh_db_import_put(fixture->db, ref, "Name", colour, &change), GH_OK);
    }
    assert_int_equal(gh_db_import_end(fixture->db, true), GH_OK);
}

static uint64_t distance(struct fixture *fixture, const struct gh_generation *from)
{
    uint64_t changes;
    enum gh_status status = gh_db_list_distance(fixture->db, from, &changes);
    return status == GH_ERR_NOTFOUND ? UINT64_MAX : changes;
}

static void test_too_many_at_once(void **state)
{
    struct fixture *fixture = *state;
    follow_once(fixture, &fixture->gate);
    struct gh_generation before = fixture->gate.have;
    import(fixture, 0, 50000, GH_COLOUR_GREEN);
    assert_int_equal(distance(fixture, &before), 50001); /* and the generation itself */
    import(fixture, 0, 50001, GH_COLOUR_RED);
    assert_true(distance(fixture, &before) == UINT64_MAX);
    assert_same_list(fixture, &fixture->gate);
    assert_int_equal(fixture->gate.installed, 2);
    assert_int_equal(counts_of(&fixture->gate, fixture->list_key).subjects, 50001);
    /* from there on deltas lead on, which a thread makes, since they are large */
    import(fixture, 0, 900, GH_COLOUR_GREEN);
    assert_same_list(fixture, &fixture->gate);
    assert_int_equal(fixture->gate.applied, 1);
}

static int64_t rows(struct fixture *fixture, const char *query)
{
    sqlite3 *db;
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_open(fixture->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, query, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return count;
}

/* The oldest generations go first. */
static void test_the_log_does_not_grow(void **state)
{
    struct fixture *fixture = *state;
    follow_once(fixture, &fixture->gate);
    struct gh_generation first = fixture->gate.have;
    import(fixture, 0, 40000, GH_COLOUR_GREEN);
    struct gh_db_list_state second;
    assert_int_equal(gh_db_list_state(fixture->db, &second), GH_OK);
    for (int i = 0; i < 4; i++)
        import(fixture, 0, 40000, i % 2 == 0 ? GH_COLOUR_RED : GH_COLOUR_GREEN);
    assert_true(distance(fixture, &first) == UINT64_MAX); /* 200,005 */
    assert_true(distance(fixture, &second.now) == 160004);
    for (int i = 0; i < 60; i++) /* each takes a piece of what is not needed with it */
        assert_int_equal(gh_db_list_bump(fixture->db), GH_OK);
    assert_int_equal(rows(fixture, "SELECT count(*) FROM changes"), 160000);
    assert_int_equal(rows(fixture, "SELECT min(number) FROM generations"),
                     (int64_t)second.now.number);
    assert_same_list(fixture, &fixture->gate);
    assert_int_equal(fixture->gate.installed, 2);
}

/* The list goes on while a large delta is made: what was made is true, and leads on. */
static void test_it_goes_on_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    struct gh_answer *answer;
    bool news;
    import(fixture, 0, 500, GH_COLOUR_GREEN);
    follow_once(fixture, &fixture->gate);
    import(fixture, 0, 500, GH_COLOUR_RED);
    uint64_t first = gh_db_generation(fixture->db);
    assert_int_equal(
        gh_publisher_answer(fixture->publisher, &fixture->gate.have, 0, &answer, &news),
        GH_ERR_AGAIN);
    struct pollfd ready = {.fd = gh_publisher_fd(fixture->publisher), .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 20000), 1);
    import(fixture, 500, 1, GH_COLOUR_RED);
    gh_publisher_deliver(fixture->publisher);
    follow_once(fixture, &fixture->gate);
    assert_int_equal(fixture->gate.have.number, first);
    assert_int_equal(fixture->gate.applied, 1);
    forward(fixture, 10); /* it is not said for long */
    assert_same_list(fixture, &fixture->gate);
    assert_int_equal(fixture->gate.have.number, first + 1);
    assert_int_equal(fixture->gate.applied, 2);
}

/* Those who wait for it ask again as soon as something was made, or was not: that must not go round
 * and round. */
static void break_a_delta(struct fixture *fixture, unsigned people)
{
    struct gh_answer *answer;
    bool news;
    enum gh_status status;
    import(fixture, 0, people, GH_COLOUR_GREEN);
    follow_once(fixture, &fixture->gate);
    import(fixture, 0, people, GH_COLOUR_RED);
    outside(fixture, "INSERT INTO changes SELECT max(number), 3, 5 FROM generations");
    for (int i = 0; (status = gh_publisher_answer(fixture->publisher, &fixture->gate.have, 0,
                                                  &answer, &news)) == GH_ERR_AGAIN;
         i++) {
        assert_in_range(i, 0, 1);
        deliver(fixture);
    }
    assert_int_equal(status, GH_ERR_CORRUPT);
    outside(fixture, "DELETE FROM changes WHERE kind = 3");
    forward(fixture, 10);
    assert_same_list(fixture, &fixture->gate);
    assert_int_equal(fixture->gate.installed, 1);
}

static void test_a_delta_that_cannot_be_made(void **state)
{
    break_a_delta(*state, 10);
    break_a_delta(*state, 400); /* by the thread */
}

/* --- the database is put back from a backup --- */

static void copy_database(const struct fixture *fixture, bool back)
{
    char copy[128];
    uint8_t *data;
    size_t size;
    snprintf(copy, sizeof(copy), "%s/copy", fixture->folder);
    assert_int_equal(gh_file_read(back ? copy : fixture->database, 1 << 26, &data, &size, NULL),
                     GH_OK);
    assert_int_equal(gh_file_replace(back ? fixture->database : copy, 0600, data, size, NULL),
                     GH_OK);
    free(data);
}

static void test_a_backup_is_put_back(void **state)
{
    struct fixture *fixture = *state;
    struct follower *slow = malloc(sizeof(*slow));
    assert_non_null(slow);
    *slow = new_follower(fixture);
    import(fixture, 0, 20, GH_COLOUR_GREEN);
    follow_once(fixture, &fixture->gate);
    follow_once(fixture, slow);
    close_all(fixture); /* all of it is in the one file */
    copy_database(fixture, false);
    open_all(fixture, false);
    for (unsigned i = 0; i < 5; i++)
        import(fixture, i, 1, GH_COLOUR_RED);
    follow_once(fixture, &fixture->gate);
    struct gh_generation ahead = fixture->gate.have;
    close_all(fixture);
    copy_database(fixture, true);
    open_all(fixture, false);
    /* another past from here on, first unnoticed */
    import(fixture, 7, 1, GH_COLOUR_YELLOW);
    assert_true(gh_db_generation(fixture->db) < ahead.number);
    follow_once(fixture, slow);
    assert_int_equal(slow->applied, 1);
    assert_int_equal(gh_publisher_jump(fixture->publisher, slow->have.number), GH_ERR_INVALID);
    assert_int_equal(gh_publisher_jump(fixture->publisher, ahead.number + GH_JUMP_MAX),
                     GH_ERR_INVALID);
    assert_int_equal(gh_publisher_jump(fixture->publisher, ahead.number), GH_OK);
    /* those who were ahead begin anew, the others go on by deltas */
    assert_same_list(fixture, &fixture->gate);
    assert_same_list(fixture, slow);
    assert_int_equal(fixture->gate.have.number, ahead.number + 1);
    assert_int_equal(fixture->gate.installed, 2);
    assert_int_equal(slow->installed, 1);
    free(slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_deltas_say_what_snapshots_say), TEST(test_too_many_at_once),
        TEST(test_the_log_does_not_grow),         TEST(test_it_goes_on_meanwhile),
        TEST(test_a_delta_that_cannot_be_made),   TEST(test_a_backup_is_put_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
