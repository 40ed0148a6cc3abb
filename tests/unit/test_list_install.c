/* SPDX-License-Identifier: Apache-2.0 */
/* A list is built beside the one that is there, and takes its place whole, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "list_fixture.h"

/* --- what may take whose place ---------------------------------------------------------------- */

static void a_newer_list_takes_the_place(void **state)
{
    const struct place *place = *state;
    struct offer first = small(place, 1), second = small(place, 2);
    assert_int_equal(install(place, &first), GH_OK);
    assert_stands(place, 1);
    assert_int_equal(install(place, &second), GH_OK);
    assert_stands(place, 2);
    assert_int_equal(count_files(place, ".db"), 1);
    assert_int_equal(count_files(place, ".tmp"), 0);
}

static void an_older_list_does_not(void **state)
{
    const struct place *place = *state;
    struct offer first = small(place, 1), second = small(place, 2);
    struct gh_error err = {0};
    assert_int_equal(install(place, &second), GH_OK);
    assert_int_equal(gh_list_install(place->path, list_public, manifest_of(&first), first.path,
                                     NULL, NULL, &err),
                     GH_ERR_ROLLBACK);
    assert_string_equal(err.text, "generation 1 is older than the 2 that is here");
    assert_stands(place, 2);
    second.manifest.issued_at_s--;
    offer_sign_again(&second, list_key);
    assert_int_equal(install(place, &second), GH_ERR_ROLLBACK);
    assert_int_equal(issue_time(place), TIME_S + 2);
}

/* What was applied counts, not what was built. */
static void a_list_that_was_changed_is_of_its_new_generation(void **state)
{
    const struct place *place = *state;
    struct offer first = small(place, 1), second = small(place, 2), fourth = small(place, 4);
    struct change change;
    assert_int_equal(install(place, &first), GH_OK);
    change_small(&change, 1, 3);
    assert_int_equal(apply(place, &change), GH_OK);
    assert_int_equal(install(place, &second), GH_ERR_ROLLBACK);
    assert_stands(place, 3);
    assert_int_equal(install(place, &fourth), GH_OK);
    assert_stands(place, 4);
    change_free(&change);
}

/* A list that is damaged is fetched again; so is one of the same number from a database that was
 * put back. Each gets a name of its own, and no WAL of another. */
static void the_same_generation_is_built_anew(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 3);
    struct change change;
    char before[256], path[256];
    assert_int_equal(install(place, &offer), GH_OK);
    find_file(place, before);
    assert_non_null(strstr(before, "/0000000000000003-0000.db"));
    change_small(&change, 3, 4);
    assert_int_equal(apply(place, &change), GH_OK);
    assert_true(count_files(place, "-wal") == 1);
    for (int i = 1; i < 4; i++) {
        struct offer again = small(place, 4);
        again.manifest.tag[0] = again.manifest.snapshot.tag[0] = (uint8_t)i;
        offer_sign_again(&again, list_key);
        assert_int_equal(install(place, &again), GH_OK);
        find_file(place, path);
        assert_string_not_equal(path, before);
        strcpy(before, path);
        assert_int_equal(count_files(place, "-wal"), 1); /* its own */
        assert_stands(place, 4);
    }
    assert_non_null(strstr(path, "/0000000000000004-0002.db"));
    change_free(&change);
}

static void a_list_of_another_key_is_replaced(void **state)
{
    const struct place *place = *state;
    struct offer other = small(place, 9), offer = small(place, 1);
    offer_sign_again(&other, other_key);
    assert_int_equal(gh_list_install(place->path, other_public, manifest_of(&other), other.path,
                                     NULL, NULL, NULL),
                     GH_OK);
    assert_int_equal(install(place, &other), GH_ERR_SIGNATURE);
    assert_int_equal(install(place, &offer), GH_OK);
    assert_stands(place, 1);
    assert_int_equal(count_files(place, ".db"), 1);
}

/* --- what is checked -------------------------------------------------------------------------- */

static void append(const char *path, char byte)
{
    FILE *file = fopen(path, "ab");
    assert_non_null(file);
    assert_int_equal(fputc(byte, file), byte);
    assert_int_equal(fclose(file), 0);
}

static void the_snapshot_is_the_manifests(void **state)
{
    const struct place *place = *state;
    struct offer first = small(place, 1), second = small(place, 2);
    assert_int_equal(install(place, &first), GH_OK);
    append(second.path, 'x');
    assert_int_equal(install(place, &second), GH_ERR_CORRUPT);
    assert_int_equal(truncate(second.path, (off_t)second.manifest.snapshot_bytes - 1), 0);
    assert_int_equal(install(place, &second), GH_ERR_CORRUPT);
    append(second.path, 'x'); /* of the same size, and none */
    assert_int_equal(install(place, &second), GH_ERR_CORRUPT);
    struct offer third = small(place, 3); /* and another one */
    assert_int_equal(third.manifest.snapshot_bytes, second.manifest.snapshot_bytes);
    assert_int_equal(rename(third.path, second.path), 0);
    assert_int_equal(install(place, &second), GH_ERR_CORRUPT);
    assert_int_equal(unlink(second.path), 0);
    assert_int_equal(install(place, &second), GH_ERR_IO);
    assert_int_equal(mkdir(second.path, 0700), 0);
    assert_int_equal(install(place, &second), GH_ERR_CORRUPT);
    assert_int_equal(rmdir(second.path), 0);
    assert_int_equal(mkfifo(second.path, 0600), 0); /* does not hold anybody up */
    assert_int_equal(install(place, &second), GH_ERR_CORRUPT);
    assert_stands(place, 1);
    assert_int_equal(count_files(place, ".tmp"), 0);
}

/* Truly signed, and not a snapshot. */
static void the_snapshot_is_one(void **state)
{
    const struct place *place = *state;
    struct offer first = small(place, 1), second = small(place, 2);
    struct gh_error err = {0};
    assert_int_equal(install(place, &first), GH_OK);
    FILE *file = fopen(second.path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite("no snapshot", 1, 11, file), 11);
    fclose(file);
    second.manifest.snapshot_bytes = 11;
    gh_sha256((struct gh_bytes){(const uint8_t *)"no snapshot", 11},
              second.manifest.snapshot_sha256);
    offer_sign_again(&second, list_key);
    assert_int_equal(gh_list_install(place->path, list_public, manifest_of(&second), second.path,
                                     NULL, NULL, &err),
                     GH_ERR_CORRUPT);
    assert_string_equal(err.text, "the snapshot is no Zstandard frame");
    assert_stands(place, 1);
    assert_int_equal(count_files(place, ".tmp"), 0);
}

static void the_manifest_is_verified(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    static const uint8_t big[GH_MANIFEST_MAX_BYTES + 1];
    struct gh_error err = {0};
    offer.bytes[offer.size - 1] ^= 1;
    assert_int_equal(install(place, &offer), GH_ERR_SIGNATURE);
    assert_int_equal(gh_list_install(place->path, list_public, (struct gh_bytes){big, sizeof(big)},
                                     offer.path, NULL, NULL, &err),
                     GH_ERR_CORRUPT);
    assert_int_equal(access(place->path, F_OK), -1); /* nothing was made for it */
}

/* --- snapshot and delta ----------------------------------------------------------------------- */

/* Of generation 3, from a snapshot of generation 1. */
static struct offer by_delta(const struct place *place, struct change *change)
{
    struct offer offer = small(place, 1);
    change_small(change, 1, 3);
    offer.manifest.generation = 3;
    tag_of(3, offer.manifest.tag);
    offer_sign_again(&offer, list_key);
    return offer;
}

static void a_delta_leads_from_the_snapshot_to_the_manifest(void **state)
{
    const struct place *place = *state;
    struct change change, next;
    struct offer offer = by_delta(place, &change);
    assert_int_equal(install_with(place, &offer, &change.delta), GH_OK);
    assert_stands(place, 3);
    char path[256];
    find_file(place, path);
    assert_non_null(strstr(path, "/0000000000000003-0000.db"));
    change_small(&next, 3, 4);
    assert_int_equal(apply(place, &next), GH_OK);
    assert_stands(place, 4);
    change_free(&change);
    change_free(&next);
}

static void another_delta_is_refused(void **state)
{
    const struct place *place = *state;
    struct change change, other;
    struct offer offer = by_delta(place, &change), whole = small(place, 3);
    assert_int_equal(install(place, &offer), GH_ERR_CORRUPT); /* none, where one is needed */
    change_small(&other, 2, 3);
    assert_int_equal(install_with(place, &offer, &other.delta), GH_ERR_CORRUPT);
    change_free(&other);
    change_small(&other, 1, 4);
    assert_int_equal(install_with(place, &offer, &other.delta), GH_ERR_CORRUPT);
    assert_int_equal(install_with(place, &whole, &change.delta), GH_ERR_CORRUPT); /* one too many */
    change.packed[change.delta.records.size - 1] ^= 1;
    assert_int_equal(install_with(place, &offer, &change.delta), GH_ERR_CORRUPT);
    assert_int_equal(count_files(place, ".db"), 0);
    assert_int_equal(install_with(place, &whole, &(struct gh_delta){0}), GH_OK);
    change_free(&change);
    change_free(&other);
}

static void a_bad_delta_leaves_the_old_list(void **state)
{
    const struct place *place = *state;
    struct offer first = small(place, 1);
    struct change change;
    assert_int_equal(install(place, &first), GH_OK);
    change_start(&change, 1, 3, 512);
    gh_delta_put_revoked(&change.records, 5);
    gh_delta_put_revoked(&change.records, 5);
    change_sign(&change, list_key);
    struct offer offer = first;
    offer.manifest.generation = 3;
    tag_of(3, offer.manifest.tag);
    offer_sign_again(&offer, list_key);
    assert_int_equal(install_with(place, &offer, &change.delta), GH_ERR_CORRUPT);
    assert_stands(place, 1);
    assert_int_equal(count_files(place, ".tmp"), 0);
    change_free(&change);
}

/* --- somebody else is there ------------------------------------------------------------------- */

static void two_writers_do_not_meet(void **state)
{
    const struct place *place = *state;
    struct offer first = small(place, 1), second = small(place, 2);
    struct change change;
    change_small(&change, 1, 2);
    assert_int_equal(install(place, &first), GH_OK);
    int fd = open(place->path, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(install(place, &second), GH_ERR_BUSY);
    assert_int_equal(apply(place, &change), GH_ERR_BUSY);
    assert_int_equal(renew(place, &first), GH_ERR_BUSY);
    assert_stands(place, 1); /* who reads is not held up */
    close(fd);
    assert_int_equal(install(place, &second), GH_OK);
    assert_stands(place, 2);
    change_free(&change);
}

static void a_reader_goes_on_with_its_own_list(void **state)
{
    const struct place *place = *state;
    struct offer first = large(place, 1, 5000), second = small(place, 3);
    const uint64_t step = UINT64_MAX / 5001;
    struct change change;
    struct gh_list *list;
    assert_int_equal(install(place, &first), GH_OK);
    change_start(&change, 1, 2, 512); /* so that there is a WAL, too */
    gh_delta_put_subject(&change.records, step, GH_COLOUR_RED, (gh_id[]){5000 * step}, 1);
    change_sign(&change, list_key);
    assert_int_equal(apply(place, &change), GH_OK);
    list = open_list(place);
    assert_true(ask(list, step, 5000 * step).member);
    assert_int_equal(install(place, &second), GH_OK);
    assert_int_equal(count_files(place, "-wal"), 1); /* the new one's */
    for (uint64_t i = 1; i <= 5000; i += 7) {        /* pages that were not read before the swap */
        struct gh_answers answers = ask(list, i * step, (5001 - i) * step);
        assert_true(answers.subject_known && answers.member);
        assert_int_equal(answers.generation, 2);
        assert_int_equal(answers.subject_colour, i == 1 ? GH_COLOUR_RED : GH_COLOUR_GREEN);
    }
    assert_stands(place, 3);
    gh_list_close(list);
    assert_stands(place, 3);
    change_free(&change);
}

static void it_is_cancelled(void **state)
{
    const struct place *place = *state;
    struct offer first = small(place, 1), second = small(place, 2);
    atomic_bool cancel = true;
    struct gh_error err = {0};
    assert_int_equal(install(place, &first), GH_OK);
    assert_int_equal(gh_list_install(place->path, list_public, manifest_of(&second), second.path,
                                     NULL, &cancel, &err),
                     GH_ERR_AGAIN);
    assert_int_equal(count_files(place, ".tmp"), 0);
    assert_stands(place, 1);
    cancel = false;
    assert_int_equal(gh_list_install(place->path, list_public, manifest_of(&second), second.path,
                                     NULL, &cancel, NULL),
                     GH_OK);
}

/* --- killed at every step --------------------------------------------------------------------- */

/* What changes something on the disk dies before it does, when its turn comes: SQLite's own calls,
 * and those of ours that stand here instead of the library's. */
static int steps_left; /* 0: nothing dies */

static void take_step(void)
{
    if (steps_left > 0 && --steps_left == 0)
        _exit(77);
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    take_step();
    return real(fd);
}

int renameat(int old_folder, const char *old_name, int folder, const char *name)
{
    int (*real)(int, const char *, int, const char *) =
        (int (*)(int, const char *, int, const char *))dlsym(RTLD_NEXT, "renameat");
    take_step();
    return real(old_folder, old_name, folder, name);
}

int unlinkat(int folder, const char *name, int flags)
{
    int (*real)(int, const char *, int) =
        (int (*)(int, const char *, int))dlsym(RTLD_NEXT, "unlinkat");
    take_step();
    return real(folder, name, flags);
}

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);

static ssize_t step_and_write(int fd, const void *data, size_t size, off_t offset)
{
    take_step();
    return real_pwrite(fd, data, size, offset);
}

static int step_and_truncate(int fd, off_t size)
{
    take_step();
    return real_ftruncate(fd, size);
}

static void watch_sqlite(void)
{
    sqlite3_initialize();
    sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
    const char *name = vfs->xGetSystemCall(vfs, "pwrite64") != NULL ? "pwrite64" : "pwrite";
    real_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))vfs->xGetSystemCall(vfs, name);
    real_ftruncate = (int (*)(int, off_t))vfs->xGetSystemCall(vfs, "ftruncate");
    assert_non_null(real_pwrite);
    vfs->xSetSystemCall(vfs, name, (sqlite3_syscall_ptr)step_and_write);
    vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)step_and_truncate);
}

/* True when it came to its end in so many steps. */
static bool run_killed(int steps, const struct place *place, const struct offer *offer,
                       const struct change *change)
{
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        steps_left = steps;
        enum gh_status status = change != NULL
                                    ? gh_list_apply(place->path, list_public,
                                                    (struct gh_bytes){change->bytes, change->size},
                                                    &change->delta, NULL)
                                    : gh_list_install(place->path, list_public, manifest_of(offer),
                                                      offer->path, NULL, NULL, NULL);
        _exit(status == GH_OK ? 0 : 1);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_true(WEXITSTATUS(result) == 0 || WEXITSTATUS(result) == 77);
    return WEXITSTATUS(result) == 0;
}

/* The list at hand is one or the other, whole; never the first again after the second. */
static int which(const struct place *place, uint8_t digests[2][GH_SHA256_BYTES])
{
    uint8_t digest[GH_SHA256_BYTES];
    digest_of(place, digest);
    for (int i = 0; i < 2; i++)
        if (memcmp(digest, digests[i], sizeof(digest)) == 0)
            return i;
    fail_msg("half a list");
    return -1;
}

static void begin_anew(const struct place *place, const struct offer *offer)
{
    empty_folder(open(place->path, O_RDONLY | O_DIRECTORY));
    assert_int_equal(install(place, offer), GH_OK);
}

static void a_killed_writer_leaves_a_whole_list(void **state)
{
    const struct place *place = *state;
    struct offer first = small(place, 1), second = small(place, 3);
    struct change before, change;
    uint8_t digests[3][GH_SHA256_BYTES];
    change_small(&before, 1, 2);
    change_small(&change, 2, 3);
    assert_int_equal(install(place, &first), GH_OK);
    assert_int_equal(apply(place, &before), GH_OK);
    digest_of(place, digests[0]);
    assert_int_equal(apply(place, &change), GH_OK);
    digest_of(place, digests[1]);
    watch_sqlite();
    for (int way = 0; way < 2; way++) {
        int seen[2] = {0};
        bool done = false;
        for (int steps = 1; !done; steps++) {
            begin_anew(place, &first);
            assert_int_equal(apply(place, &before), GH_OK);
            done = run_killed(steps, place, &second, way == 0 ? NULL : &change);
            int at = which(place, digests);
            seen[at]++;
            assert_true(at == 1 || seen[1] == 0);
            assert_true(at == 1 || !done);
            if (steps % 2 == 0) { /* what lies about takes room */
                gh_list_tidy(place->path, list_public);
                assert_int_equal(count_files(place, ".tmp"), 0);
                assert_int_equal(count_files(place, ".db"), 1);
                assert_int_equal(which(place, digests), at);
            }
            /* And it is no hindrance to the next one. */
            if (at == 0 && steps % 3 == 0) {
                assert_int_equal(apply(place, &change), GH_OK);
                assert_int_equal(which(place, digests), 1);
            }
            second.manifest.issued_at_s++;
            offer_sign_again(&second, list_key);
            assert_int_equal(install(place, &second), GH_OK);
            assert_int_equal(which(place, digests), 1);
            assert_int_equal(count_files(place, ""), 5); /* with . and .., -wal and -shm */
        }
        assert_true(seen[0] > 3 && seen[1] > 0); /* both were seen */
    }
    change_free(&before);
    change_free(&change);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_newer_list_takes_the_place),
        TEST(an_older_list_does_not),
        TEST(a_list_that_was_changed_is_of_its_new_generation),
        TEST(the_same_generation_is_built_anew),
        TEST(a_list_of_another_key_is_replaced),
        TEST(the_snapshot_is_the_manifests),
        TEST(the_snapshot_is_one),
        TEST(the_manifest_is_verified),
        TEST(a_delta_leads_from_the_snapshot_to_the_manifest),
        TEST(another_delta_is_refused),
        TEST(a_bad_delta_leaves_the_old_list),
        TEST(two_writers_do_not_meet),
        TEST(a_reader_goes_on_with_its_own_list),
        TEST(it_is_cancelled),
        TEST(a_killed_writer_leaves_a_whole_list),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
