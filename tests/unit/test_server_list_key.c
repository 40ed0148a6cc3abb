/* SPDX-License-Identifier: Apache-2.0 */
/* The list key is followed by another one: gates go from one to the next, and the old one is gone.
 */
#include "test_server_lists.h"

#include <sys/stat.h>

#include "gatehouse/cose.h"
#include "server/list_key.h"

#define AREA "riverside"

static const char *file_of(const struct fixture *fixture, const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", fixture->keys_folder, name);
    return path;
}

static bool is_there(const struct fixture *fixture, const char *name)
{
    return access(file_of(fixture, name), F_OK) == 0;
}

static void rotate(struct fixture *fixture)
{
    struct gh_error err = {0};
    gh_publisher_forget_key(fixture->publisher);
    if (gh_list_key_rotate(&fixture->keys, AREA, &err) != GH_OK)
        fail_msg("%s", err.text);
}

static enum gh_status reopen_keys(struct fixture *fixture, struct gh_error *err)
{
    gh_server_keys_close(&fixture->keys);
    return gh_server_keys_open(fixture->keys_folder, AREA, fixture->db,
                               fixture->wall_ns / GH_NS_PER_S, false, &fixture->keys, err);
}

/* What a gate does that trusts `key`: the handovers of the answer, one after the other. */
static struct gh_public_key *follow_keys(const struct list_answer *answer,
                                         const struct gh_public_key *key)
{
    static const char text[] = "gatehouse list handover v1";
    const struct gh_bytes aad = {(const uint8_t *)text, sizeof(text) - 1};
    struct gh_public_key *now = NULL;
    for (size_t i = 0; i < answer->handover_count; i++) {
        struct gh_cose_sign1 message;
        assert_int_equal(gh_cose_parse(answer->handovers[i], false, &message), GH_OK);
        if (gh_cose_verify(&message, now != NULL ? now : key, aad) != GH_OK)
            continue; /* of keys before the one that the gate knows */
        struct gh_cbor_reader reader = gh_cbor_reader_over(message.payload);
        assert_int_equal(gh_cbor_map(&reader), 4);
        assert_int_equal(gh_cbor_uint(&reader), 1);
        assert_int_equal(gh_cbor_uint(&reader), 1);
        assert_int_equal(gh_cbor_uint(&reader), 2);
        assert_true(gh_bytes_equal(gh_cbor_text(&reader),
                                   (struct gh_bytes){(const uint8_t *)AREA, strlen(AREA)}));
        assert_int_equal(gh_cbor_uint(&reader), 3);
        assert_int_equal(gh_cbor_uint(&reader), i + 1);
        assert_int_equal(gh_cbor_uint(&reader), 4);
        const struct gh_bytes raw = gh_cbor_bytes(&reader);
        assert_int_equal(gh_cbor_finish(&reader), GH_OK);
        gh_public_key_free(now);
        assert_int_equal(gh_public_key_from_raw(GH_KEY_ED25519, raw, &now), GH_OK);
    }
    assert_non_null(now);
    return now;
}

static void take_over(struct fixture *fixture)
{
    static const struct gh_generation nothing;
    struct list_answer answer = take_apart(answer_for(fixture, &nothing, NULL));
    struct gh_public_key *key = follow_keys(&answer, fixture->list_key);
    struct gh_manifest manifest;
    assert_int_equal(gh_manifest_read(fixture->list_key, answer.manifest, &manifest, NULL),
                     GH_ERR_SIGNATURE);
    gh_public_key_free(fixture->list_key);
    fixture->list_key = key;
}

static void test_gates_follow(void **state)
{
    struct fixture *fixture = *state;
    follow_once(fixture, &fixture->gate);
    for (int i = 0; i < 3; i++) {
        rotate(fixture);
        if (i == 1) /* this one is slept through */
            continue;
        take_over(fixture);
        add_person(fixture, i == 0 ? "a" : "b", GH_COLOUR_GREEN);
        /* a gate begins anew under the new key: its list was signed by the old one */
        fixture->gate = new_follower(fixture);
        assert_same_list(fixture, &fixture->gate);
        add_person(fixture, i == 0 ? "c" : "d", GH_COLOUR_GREEN);
        assert_same_list(fixture, &fixture->gate);
        assert_int_equal(fixture->gate.applied, 1);
    }
    assert_int_equal(fixture->keys.handover_count, 3);
    restart(fixture);
    assert_int_equal(fixture->keys.handover_count, 3);
    fixture->gate = new_follower(fixture);
    assert_same_list(fixture, &fixture->gate);
}

static void test_the_old_one_is_gone(void **state)
{
    struct fixture *fixture = *state;
    struct stat info;
    rotate(fixture);
    assert_false(is_there(fixture, "list.pem"));
    assert_int_equal(stat(file_of(fixture, "list-1.pem"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_true(is_there(fixture, "handover-1"));
    rotate(fixture);
    assert_false(is_there(fixture, "list-1.pem"));
    assert_true(is_there(fixture, "list-2.pem"));
    uint8_t raw[32];
    memcpy(raw, fixture->keys.list_raw, sizeof(raw));
    assert_int_equal(reopen_keys(fixture, NULL), GH_OK);
    assert_memory_equal(raw, fixture->keys.list_raw, sizeof(raw));
    assert_int_equal(fixture->keys.handover_count, 2);
}

static void copy(struct fixture *fixture, const char *from, const char *to)
{
    uint8_t *data;
    size_t size;
    assert_int_equal(gh_file_read(file_of(fixture, from), 4096, &data, &size, NULL), GH_OK);
    assert_int_equal(gh_file_replace(file_of(fixture, to), 0600, data, size, NULL), GH_OK);
    free(data);
}

/* The power goes after each step. */
static void test_broken_off(void **state)
{
    struct fixture *fixture = *state;
    uint8_t first[32];
    memcpy(first, fixture->keys.list_raw, sizeof(first));
    /* a new key without a handover: it never signed anything */
    copy(fixture, "health.pem", "list-1.pem");
    assert_int_equal(reopen_keys(fixture, NULL), GH_OK);
    assert_memory_equal(first, fixture->keys.list_raw, sizeof(first));
    /* handed over, but the old one is still there */
    copy(fixture, "list.pem", "kept");
    rotate(fixture);
    copy(fixture, "kept", "list.pem");
    assert_int_equal(reopen_keys(fixture, NULL), GH_OK);
    assert_memory_not_equal(first, fixture->keys.list_raw, sizeof(first));
    assert_false(is_there(fixture, "list.pem"));
}

static void test_what_people_do_to_files(void **state)
{
    struct fixture *fixture = *state;
    struct gh_error err = {0};
    rotate(fixture);
    rotate(fixture);
    copy(fixture, "handover-1", "kept");
    copy(fixture, "handover-2", "handover-1");
    assert_int_not_equal(reopen_keys(fixture, &err), GH_OK);
    assert_non_null(strstr(err.text, "handover-1"));
    assert_int_equal(gh_file_replace(file_of(fixture, "handover-1"), 0600, "cut", 3, NULL), GH_OK);
    assert_int_not_equal(reopen_keys(fixture, NULL), GH_OK);
    copy(fixture, "kept", "handover-1");
    copy(fixture, "list-2.pem", "kept");
    copy(fixture, "health.pem", "list-2.pem");
    assert_int_equal(reopen_keys(fixture, NULL), GH_ERR_CORRUPT);
    assert_int_equal(unlink(file_of(fixture, "list-2.pem")), 0);
    assert_int_equal(reopen_keys(fixture, NULL), GH_ERR_NOTFOUND);
    copy(fixture, "kept", "list-2.pem");
    assert_int_equal(reopen_keys(fixture, NULL), GH_OK);
}

/* It cannot be written down: the old one goes on. */
static void test_no_room_for_it(void **state)
{
    struct fixture *fixture = *state;
    uint8_t first[32];
    memcpy(first, fixture->keys.list_raw, sizeof(first));
    assert_int_equal(mkdir(file_of(fixture, "handover-1"), 0700), 0);
    gh_publisher_forget_key(fixture->publisher);
    assert_int_not_equal(gh_list_key_rotate(&fixture->keys, AREA, NULL), GH_OK);
    assert_memory_equal(first, fixture->keys.list_raw, sizeof(first));
    assert_int_equal(fixture->keys.handover_count, 0);
    assert_true(is_there(fixture, "list.pem"));
    follow_once(fixture, &fixture->gate);
    assert_int_equal(rmdir(file_of(fixture, "handover-1")), 0);
    rotate(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_gates_follow),   TEST(test_the_old_one_is_gone),     TEST(test_broken_off),
        TEST(test_no_room_for_it), TEST(test_what_people_do_to_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
