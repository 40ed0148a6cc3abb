/* SPDX-License-Identifier: Apache-2.0 */
/* Those who read a list while it is changed and replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>

#include "list_fixture.h"

static void a_view_of_before_says_so(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_answers answers;
    struct gh_credential health = {.kind = GH_KIND_HEALTH, .id = 90, .subject = 1};
    struct gh_list_counts counts;
    struct gh_trust *trust;
    uint8_t digest[GH_SHA256_BYTES];
    struct change change;
    change_small(&change, 1, 2);
    assert_int_equal(apply(place, &change), GH_OK);
    change_free(&change);
    memset(&answers, 0xff, sizeof(answers));
    assert_int_equal(gh_list_ask(list, &health, NULL, &answers), GH_ERR_AGAIN);
    assert_false(answers.have_list);
    assert_false(answers.subject_known);
    assert_int_equal(gh_list_ask(list, NULL, NULL, &answers), GH_ERR_AGAIN);
    assert_int_equal(gh_list_trust(list, &trust), GH_ERR_AGAIN);
    assert_null(trust);
    assert_int_equal(gh_list_count(list, &counts), GH_ERR_AGAIN);
    assert_int_equal(gh_list_digest(list, digest), GH_ERR_AGAIN);
    gh_list_close(list);
    assert_stands(place, 2);
}

/* Every delta turns the person's colour and revokes or restores a code, together. */
struct race {
    const struct place *place;
    atomic_bool stop;
    atomic_uint asked, wrong;
};

static void *ask_all_the_time(void *context)
{
    struct race *race = context;
    struct gh_list *list = NULL;
    struct gh_credential health = {.kind = GH_KIND_HEALTH, .id = 90, .subject = 1};
    struct gh_credential housing = {.kind = GH_KIND_HOUSING, .id = 7, .home = 5};
    while (!atomic_load(&race->stop)) {
        struct gh_answers answers;
        enum gh_status status =
            list != NULL ? gh_list_ask(list, &health, &housing, &answers) : GH_ERR_AGAIN;
        if (status == GH_ERR_AGAIN) {
            gh_list_close(list);
            if (gh_list_open_latest(race->place->path, list_public, &list, NULL) != GH_OK)
                atomic_fetch_add(&race->wrong, 1);
            continue;
        }
        bool odd = answers.generation % 2 == 1;
        bool good = status == GH_OK && answers.member && answers.health_revoked == odd &&
                    answers.housing_revoked == !odd &&
                    answers.subject_colour == (odd ? GH_COLOUR_GREEN : GH_COLOUR_RED);
        atomic_fetch_add(&race->wrong, good ? 0 : 1);
        atomic_fetch_add(&race->asked, 1);
    }
    gh_list_close(list);
    return NULL;
}

static void start_race(struct race *race, const struct place *place, pthread_t threads[2])
{
    *race = (struct race){.place = place};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all_the_time, race), 0);
}

static void end_race(struct race *race, pthread_t threads[2])
{
    while (atomic_load(&race->asked) < 1000 && atomic_load(&race->wrong) == 0)
        sched_yield();
    atomic_store(&race->stop, true);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&race->wrong), 0);
}

static void nobody_sees_half_a_delta(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    struct race race;
    pthread_t threads[2];
    assert_int_equal(install(place, &offer), GH_OK);
    start_race(&race, place, threads);
    for (uint64_t generation = 2; generation <= 150; generation++) {
        struct change change;
        bool odd = generation % 2 == 1;
        change_start(&change, generation - 1, generation, 512);
        (odd ? gh_delta_put_revoked : gh_delta_drop_revoked)(&change.records, 90);
        (odd ? gh_delta_drop_revoked : gh_delta_put_revoked)(&change.records, 7);
        gh_delta_put_subject(&change.records, 1, odd ? GH_COLOUR_GREEN : GH_COLOUR_RED,
                             (gh_id[]){5}, 1);
        change_sign(&change, list_key);
        assert_int_equal(apply(place, &change), GH_OK);
        change_free(&change);
    }
    end_race(&race, threads);
    assert_stands(place, 150);
}

static void nobody_sees_half_a_snapshot(void **state)
{
    const struct place *place = *state;
    struct race race;
    pthread_t threads[2];
    for (uint64_t generation = 1; generation <= 60; generation++) {
        struct offer offer;
        offer_start(&offer, place, generation);
        gh_snapshot_writer_home(offer.snapshot, 5);
        gh_snapshot_writer_subject(offer.snapshot, 1,
                                   generation % 2 == 1 ? GH_COLOUR_GREEN : GH_COLOUR_RED,
                                   (gh_id[]){5}, 1);
        gh_snapshot_writer_revoked(offer.snapshot, generation % 2 == 1 ? 90 : 7);
        offer_sign(&offer, list_key);
        assert_int_equal(install(place, &offer), GH_OK);
        assert_int_equal(unlink(offer.path), 0);
        if (generation == 1)
            start_race(&race, place, threads);
    }
    end_race(&race, threads);
    assert_stands(place, 60);
}

static void another_process_sees_it_too(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    struct change change;
    struct gh_list *list = open_offer(place, &offer);
    change_small(&change, 1, 2);
    assert_int_equal(apply(place, &change), GH_OK);
    change_free(&change);
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        struct gh_manifest head;
        _exit(gh_list_head(place->path, list_public, &head) == GH_OK && head.generation == 2 ? 0
                                                                                             : 1);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    gh_list_close(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_view_of_before_says_so),
        TEST(nobody_sees_half_a_delta),
        TEST(nobody_sees_half_a_snapshot),
        TEST(another_process_sees_it_too),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
