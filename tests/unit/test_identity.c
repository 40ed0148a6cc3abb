/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/identity.h"
#include "gatehouse/file.h"
#include "one_file.h"

static int setup(void **state)
{
    (void)state;
    return make_folder_for("identity.json");
}

static struct gh_identity waiting_identity(void)
{
    struct gh_identity identity = {.gate = 0x1234567890abcdef, .url = "https://gate.example:8443"};

    for (size_t i = 0; i < 32; i++) {
        identity.list_key[i] = (uint8_t)(i + 1);
        identity.secret[i] = (uint8_t)(0xff - i);
    }
    memset(identity.token, 0x42, sizeof(identity.token));
    return identity;
}

static struct gh_identity enrolled_identity(void)
{
    struct gh_identity identity = waiting_identity();

    identity.enrolled = true;
    memset(identity.token, 0, sizeof(identity.token));
    snprintf(identity.name, sizeof(identity.name), "North \"gate\" \\ \xc3\x96st");
    snprintf(identity.area, sizeof(identity.area), "Old Town");
    identity.has_pin = true;
    memset(identity.pin, 0x99, sizeof(identity.pin));
    identity.generation = 41;
    identity.list_issued_at_s = 1900000000;
    memset(identity.list_tag, 0x17, sizeof(identity.list_tag));
    identity.list_key_number = 3;
    identity.retired_count = 2;
    memset(identity.retired_keys[0], 0x31, sizeof(identity.retired_keys[0]));
    memset(identity.retired_keys[1], 0x32, sizeof(identity.retired_keys[1]));
    return identity;
}

static void save(const struct gh_identity *identity)
{
    struct gh_error err = {0};

    if (gh_identity_save(path, identity, &err) != GH_OK)
        fail_msg("%s", err.text);
}

static void assert_same(const struct gh_identity *a, const struct gh_identity *b)
{
    assert_int_equal(a->enrolled, b->enrolled);
    assert_true(a->gate == b->gate);
    assert_string_equal(a->url, b->url);
    assert_memory_equal(a->list_key, b->list_key, sizeof(a->list_key));
    assert_int_equal(a->has_pin, b->has_pin);
    assert_memory_equal(a->pin, b->pin, sizeof(a->pin));
    assert_memory_equal(a->token, b->token, sizeof(a->token));
    assert_memory_equal(a->secret, b->secret, sizeof(a->secret));
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->area, b->area);
    assert_true(a->generation == b->generation);
    assert_true(a->list_issued_at_s == b->list_issued_at_s);
    assert_memory_equal(a->list_tag, b->list_tag, sizeof(a->list_tag));
    assert_true(a->list_key_number == b->list_key_number);
    assert_int_equal(a->retired_count, b->retired_count);
    assert_memory_equal(a->retired_keys, b->retired_keys, sizeof(a->retired_keys));
}

static void test_round_trip(void **state)
{
    (void)state;
    struct gh_identity kinds[] = {waiting_identity(), enrolled_identity(), waiting_identity()};
    struct gh_identity loaded;

    kinds[2].has_pin = true;
    memset(kinds[2].url, 'u', sizeof(kinds[2].url) - 1); /* everything as long as it can be */
    memset(kinds[1].name, 'n', sizeof(kinds[1].name) - 1);
    memset(kinds[1].area, 'a', sizeof(kinds[1].area) - 1);
    kinds[1].generation = UINT64_C(1) << 53;
    kinds[1].retired_count = GH_RETIRED_KEYS_MAX;
    memset(kinds[1].retired_keys, 0xfe, sizeof(kinds[1].retired_keys));
    for (size_t i = 0; i < GH_ARRAY_SIZE(kinds); i++) {
        save(&kinds[i]);
        memset(&loaded, 0xa5, sizeof(loaded));
        assert_int_equal(gh_identity_load(path, &loaded, NULL), GH_OK);
        assert_same(&loaded, &kinds[i]);
    }
}

static void test_only_for_its_owner(void **state)
{
    (void)state;
    struct gh_identity identity = enrolled_identity();
    struct stat info;

    save(&identity);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(chmod(path, 0644), 0);
    save(&identity); /* replaced, not written into */
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

static void test_never_enrolled(void **state)
{
    (void)state;
    struct gh_identity loaded, zero;

    memset(&zero, 0, sizeof(zero));
    memset(&loaded, 0xa5, sizeof(loaded));
    unlink(path);
    assert_int_equal(gh_identity_load(path, &loaded, NULL), GH_ERR_NOTFOUND);
    assert_memory_equal(&loaded, &zero, sizeof(zero));
}

static void write_text(const char *text, size_t size)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void assert_damaged(const char *what)
{
    struct gh_identity loaded, zero;
    struct gh_error err = {0};

    memset(&zero, 0, sizeof(zero));
    memset(&loaded, 0xa5, sizeof(loaded));
    enum gh_status status = gh_identity_load(path, &loaded, &err);
    if (status != GH_ERR_CORRUPT)
        fail_msg("%s: %s", what, gh_status_text(status));
    assert_true(err.text[0] != '\0');
    assert_memory_equal(&loaded, &zero, sizeof(zero));
}

static json_t *saved_object(const struct gh_identity *identity)
{
    save(identity);
    json_t *object = json_load_file(path, 0, NULL);
    assert_non_null(object);
    return object;
}

static void write_object(const json_t *object)
{
    char *text = json_dumps(object, 0);
    assert_non_null(text);
    write_text(text, strlen(text));
    free(text);
}

/* What a server, or a version before this one, may leave out. */
static bool may_be_missing(const char *name)
{
    static const char *const names[] = {"pin", "list_tag", "list_key_number", "retired_keys"};

    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* Without any one of its members, or with one of another type, it is not what was saved. */
static void test_members(void **state)
{
    (void)state;
    struct gh_identity kinds[] = {waiting_identity(), enrolled_identity()};

    for (size_t i = 0; i < GH_ARRAY_SIZE(kinds); i++) {
        json_t *object = saved_object(&kinds[i]);
        const char *name;
        json_t *value;
        assert_true(json_object_size(object) >= 9);
        json_object_foreach(object, name, value)
        {
            json_t *spoiled = json_deep_copy(object);
            json_object_del(spoiled, name);
            write_object(spoiled);
            if (!may_be_missing(name))
                assert_damaged(name);
            json_object_set_new(spoiled, name, json_object());
            write_object(spoiled);
            assert_damaged(name);
            json_decref(spoiled);
        }
        json_decref(object);
    }
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } wrong[] = {
        {"gate", "\"0000000000000000\""},
        {"gate", "\"1234567890ABCDEF\""},
        {"gate", "\"1234567890abcdef0\""},
        {"secret", "\"00\""},
        {"list_key", "\"\""},
        {"pin", "\"zz\""},
        {"pin", "null"},
        {"generation", "-1"},
        {"generation", "1.5"},
        {"list_issued_at", "-5"},
        {"enrolled", "\"yes\""},
        {"list_key_number", "-1"},
        {"list_key_number", "2.0"},
        {"list_tag", "\"17\""},
        {"retired_keys", "[\"00\"]"},
        {"retired_keys", "[5]"},
        {"enrolled", "1"},
        {"url", "\"a\\u0000b\""},
    };
    struct gh_identity identity = enrolled_identity();

    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        json_t *object = saved_object(&identity);
        json_t *value = json_loads(wrong[i].value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(value);
        json_object_set_new(object, wrong[i].name, value);
        write_object(object);
        json_decref(object);
        assert_damaged(wrong[i].name);
    }
    json_t *object = saved_object(&identity); /* one byte too long */
    char long_name[GH_GATE_NAME_BYTES + 1];
    memset(long_name, 'n', sizeof(long_name));
    long_name[GH_GATE_NAME_BYTES] = '\0';
    json_object_set_new(object, "name", json_string(long_name));
    write_object(object);
    json_decref(object);
    assert_damaged("a long name");
}

/* As it was before list keys could be followed by others. */
static void test_earlier_version(void **state)
{
    (void)state;
    static const char *const later[] = {"list_tag", "list_key_number", "retired_keys"};
    struct gh_identity identity = enrolled_identity(), loaded;
    json_t *object = saved_object(&identity);

    for (size_t i = 0; i < GH_ARRAY_SIZE(later); i++)
        assert_int_equal(json_object_del(object, later[i]), 0);
    write_object(object);
    json_decref(object);
    assert_int_equal(gh_identity_load(path, &loaded, NULL), GH_OK);
    memset(identity.list_tag, 0, sizeof(identity.list_tag));
    memset(identity.retired_keys, 0, sizeof(identity.retired_keys));
    identity.list_key_number = identity.retired_count = 0;
    assert_same(&loaded, &identity);
}

/* The newest stay; more than there is room for never spoils the file. */
static void test_follow(void **state)
{
    (void)state;
    struct gh_identity identity = enrolled_identity(), loaded;
    uint8_t key[GH_LIST_KEY_BYTES], before[GH_LIST_KEY_BYTES];

    for (unsigned i = 0; i < GH_RETIRED_KEYS_MAX + 5; i++) {
        memcpy(before, identity.list_key, sizeof(before));
        memset(key, (int)(0x80 + i), sizeof(key));
        gh_identity_follow(&identity, key, 4 + i);
        assert_memory_equal(identity.list_key, key, sizeof(key));
        assert_true(identity.list_key_number == 4 + i);
        assert_in_range(identity.retired_count, 3, GH_RETIRED_KEYS_MAX);
        assert_memory_equal(identity.retired_keys[identity.retired_count - 1], before,
                            sizeof(before));
    }
    assert_int_equal(identity.retired_keys[0][0], 0x80 + 4);
    save(&identity);
    assert_int_equal(gh_identity_load(path, &loaded, NULL), GH_OK);
    assert_same(&loaded, &identity);
}

static void test_damaged_files(void **state)
{
    (void)state;
    struct gh_identity identity = enrolled_identity();
    static const char twice[] = "{\"enrolled\": true, \"enrolled\": false}";

    write_text("", 0);
    assert_damaged("empty");
    write_text("[]", 2);
    assert_damaged("array");
    write_text("{}", 2);
    assert_damaged("empty object");
    write_text("\0\0\0\0", 4);
    assert_damaged("zeros, as after a cut of power");
    write_text(twice, strlen(twice));
    assert_damaged("a member twice");

    save(&identity);
    uint8_t *data = NULL;
    size_t size;
    assert_int_equal(gh_file_read(path, 8192, &data, &size, NULL), GH_OK);
    for (size_t cut = 0; cut < size; cut++) {
        if (size - cut == 1 && data[cut] == '\n')
            continue;
        write_text((const char *)data, cut);
        assert_damaged("cut off");
    }
    free(data);
}

/* Well formed but for one thing: which of the two would be meant? */
static void test_member_twice(void **state)
{
    (void)state;
    struct gh_identity identity = enrolled_identity();
    uint8_t *data = NULL;
    size_t size;

    save(&identity);
    assert_int_equal(gh_file_read(path, 8192, &data, &size, NULL), GH_OK);
    char *text = calloc(1, size + 64);
    assert_non_null(text);
    snprintf(text, size + 64, "{\"generation\": 1, %s", strchr((char *)data, '{') + 1);
    write_text(text, strlen(text));
    assert_damaged("a member twice");
    free(text);
    free(data);
}

/* What cannot be read back must not be saved in place of what can. */
static void test_save_refuses_what_load_would(void **state)
{
    (void)state;
    struct gh_identity identity = enrolled_identity(), spoiled = identity, loaded;

    save(&identity);
    memcpy(spoiled.name, "\xff\xfe", 3);
    assert_int_not_equal(gh_identity_save(path, &spoiled, NULL), GH_OK);
    assert_int_equal(gh_identity_load(path, &loaded, NULL), GH_OK);
    assert_same(&loaded, &identity);
}

static void test_save_fails_whole(void **state)
{
    (void)state;
    struct gh_identity identity = enrolled_identity();
    struct gh_error err = {0};

    assert_int_not_equal(gh_identity_save("/nonexistent/identity.json", &identity, &err), GH_OK);
    assert_true(err.text[0] != '\0');
}

static void test_from_enrolment(void **state)
{
    (void)state;
    struct gh_enrolment enrolment = {.gate = 77, .url = "https://gate.example", .has_pin = true};
    struct gh_identity one, two;
    static const uint8_t zeros[GH_GATE_SECRET_BYTES];

    memset(enrolment.token, 1, sizeof(enrolment.token));
    memset(enrolment.list_key, 2, sizeof(enrolment.list_key));
    memset(enrolment.pin, 3, sizeof(enrolment.pin));
    memset(&one, 0xa5, sizeof(one));
    gh_identity_from_enrolment(&enrolment, &one);
    assert_false(one.enrolled);
    assert_true(one.gate == 77 && one.has_pin && one.generation == 0);
    assert_true(one.list_issued_at_s == 0);
    assert_string_equal(one.url, enrolment.url);
    assert_string_equal(one.name, "");
    assert_string_equal(one.area, "");
    assert_memory_equal(one.token, enrolment.token, sizeof(one.token));
    assert_memory_equal(one.list_key, enrolment.list_key, sizeof(one.list_key));
    assert_memory_equal(one.pin, enrolment.pin, sizeof(one.pin));
    gh_identity_from_enrolment(&enrolment, &two); /* drawn anew each time */
    assert_memory_not_equal(one.secret, two.secret, sizeof(one.secret));
    assert_memory_not_equal(one.secret, zeros, sizeof(one.secret));
    unlink(path);
    assert_int_not_equal(access(path, F_OK), 0); /* not yet saved */
}

static void test_bearer(void **state)
{
    (void)state;
    struct gh_identity identity = waiting_identity();
    char bearer[GH_BEARER_BYTES];

    memset(bearer, 'x', sizeof(bearer));
    gh_identity_bearer(&identity, bearer);
    assert_string_equal(bearer, "1234567890abcdef."
                                "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_only_for_its_owner),
        cmocka_unit_test(test_never_enrolled),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_earlier_version),
        cmocka_unit_test(test_follow),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_member_twice),
        cmocka_unit_test(test_save_refuses_what_load_would),
        cmocka_unit_test(test_save_fails_whole),
        cmocka_unit_test(test_from_enrolment),
        cmocka_unit_test(test_bearer),
    };
    return cmocka_run_group_tests(tests, setup, remove_folder);
}
