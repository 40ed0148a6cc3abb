/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/revocation_batch.h"

#define KID "3Kfdg-XwP-7gXyywtUfUADwBumDOPKMQx-iELL11W9s"

/* The members as a request hands them over. */
static enum gh_status read_batch(const json_t *json, struct gh_revocation_batch *out,
                                 struct gh_error *err)
{
    const struct gh_revocation_body body = {
        .country = json_string_value(json_object_get(json, "country")),
        .expires = json_string_value(json_object_get(json, "expires")),
        .kid = json_string_value(json_object_get(json, "kid")),
        .hash_type = json_string_value(json_object_get(json, "hashType")),
        .method = json_string_value(json_object_get(json, "method")),
        .ctr = json_object_get(json, "ctr"),
        .entries = json_object_get(json, "entries"),
        .rids = json_object_get(json, "rids"),
    };
    return gh_revocation_batch_read(&body, out, err);
}

static struct gh_revocation_batch good(const char *text)
{
    struct gh_revocation_batch batch;
    struct gh_error err = {0};
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    if (read_batch(json, &batch, &err) != GH_OK)
        fail_msg("%s: %s", text, err.text);
    json_decref(json);
    return batch;
}

static void bad(const char *text, const char *word)
{
    struct gh_revocation_batch batch;
    struct gh_error err = {0};
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    assert_int_equal(read_batch(json, &batch, &err), GH_ERR_INVALID);
    if (strstr(err.text, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, word);
    assert_null(batch.list);
    assert_int_equal(batch.count, 0);
    json_decref(json);
}

static void test_the_eu_s(void **state)
{
    (void)state;
    struct gh_revocation_batch batch = good(
        "{\"country\":\"DE\",\"expires\":\"2022-11-01T02:00:00+02:00\",\"kid\":\"5xUoB0hS7Sk=\","
        "\"hashType\":\"UCI\",\"entries\":[{\"hash\":\"AAECAwQFBgcICQoLDA0ODw==\"},"
        "{\"hash\":\"//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=\"}]}");
    static const uint8_t first[GH_REVOCATION_BYTES] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                       8, 9, 10, 11, 12, 13, 14, 15};
    assert_int_equal(batch.count, 2);
    assert_memory_equal(batch.list[0].hash, first, sizeof(first));
    for (size_t i = 0; i < sizeof(first); i++)
        assert_int_equal(batch.list[1].hash[i],
                         255 - (int)i); /* the first half of the whole hash */
    assert_true(batch.list[0].before == INT64_MAX);
    assert_int_equal(batch.list[1].expires_at, 1667260800);
    gh_revocation_batch_close(&batch);
    gh_revocation_batch_close(&batch);
    batch = good("{\"kid\":\"UNKNOWN_KID\",\"hashType\":\"SIGNATURE\",\"entries\":[]}");
    assert_int_equal(batch.count, 0);
    gh_revocation_batch_close(&batch);
    batch = good("{\"kid\":\"5xUoB0hS7Sk=\",\"hashType\":\"COUNTRYCODEUCI\",\"entries\":"
                 "[{\"hash\":\"AAECAwQFBgcICQoLDA0ODw==\"}]}");
    assert_true(batch.list[0].expires_at == INT64_MAX);
    gh_revocation_batch_close(&batch);
}

#define EU(kid, type, entries)                                                                     \
    "{\"kid\":\"" kid "\",\"hashType\":\"" type "\",\"entries\":[" entries "]}"
#define HASH "{\"hash\":\"AAECAwQFBgcICQoLDA0ODw==\"}"

static void test_mistakes_in_the_eu_s(void **state)
{
    (void)state;
    bad("{\"kid\":\"UNKNOWN_KID\"}", "entries");
    bad("{\"kid\":\"UNKNOWN_KID\",\"entries\":[]}", "hashType");
    bad(EU("UNKNOWN_KID", "uci", ""), "hashType");
    bad(EU("", "UCI", ""), "kid");
    bad(EU("5xUoB0hS7Q==", "UCI", ""), "kid");
    bad(EU("5xUoB0hS7Sk", "UCI", ""), "kid");
    bad("{\"country\":\"GER\",\"kid\":\"UNKNOWN_KID\",\"hashType\":\"UCI\",\"entries\":[]}",
        "country");
    bad("{\"expires\":\"tomorrow\",\"kid\":\"UNKNOWN_KID\",\"hashType\":\"UCI\",\"entries\":[]}",
        "expires");
    bad("{\"method\":\"rid\",\"kid\":\"UNKNOWN_KID\",\"hashType\":\"UCI\",\"entries\":[]}",
        "either");
    bad("{\"rids\":[],\"kid\":\"UNKNOWN_KID\",\"hashType\":\"UCI\",\"entries\":[]}", "either");
    bad(EU("UNKNOWN_KID", "UCI", HASH ",{}"), "entry 2");
    bad(EU("UNKNOWN_KID", "UCI", HASH "," HASH ",\"x\""), "entry 3");
    bad(EU("UNKNOWN_KID", "UCI", "{\"hash\":\"AAECAwQFBgcICQoLDA0O\"}"), "entry 1");
    bad(EU("UNKNOWN_KID", "UCI", "{\"hash\":\"AAECAwQFBgcICQoLDA0OD_==\"}"), "entry 1");
    bad(EU("UNKNOWN_KID", "UCI", "{\"hash\":\"AAECAwQFBgcICQoLDA0ODw\"}"), "entry 1");
    bad(EU("UNKNOWN_KID", "UCI", "{\"hash\":\"AAECAwQFBgcICQoLDA0ODw==\",\"more\":1}"), "entry 1");
    bad(EU("UNKNOWN_KID", "UCI", "{\"hash\":17}"), "entry 1");
}

static void test_smart_cards(void **state)
{
    (void)state;
    uint8_t wanted[GH_REVOCATION_BYTES];
    struct gh_revocation_batch batch =
        good("{\"kid\":\"" KID "\",\"method\":\"rid\",\"ctr\":3,\"rids\":[\"AQPCj4wwk6Mt\","
             "\"lHKzqFUMjhs.1636977600\"]}");
    assert_int_equal(batch.count, 2);
    assert_int_equal(gh_shc_revocation(KID, "AQPCj4wwk6Mt", wanted), GH_OK);
    assert_memory_equal(batch.list[0].hash, wanted, sizeof(wanted));
    assert_true(batch.list[0].before == INT64_MAX);
    assert_int_equal(gh_shc_revocation(KID, "lHKzqFUMjhs", wanted), GH_OK);
    assert_memory_equal(batch.list[1].hash, wanted, sizeof(wanted));
    assert_int_equal(batch.list[1].before, 1636977600);
    assert_true(batch.list[1].expires_at == INT64_MAX);
    gh_revocation_batch_close(&batch);
}

#define SHC(kid, rids) "{\"kid\":\"" kid "\",\"method\":\"rid\",\"rids\":[" rids "]}"

static void test_mistakes_in_smart_cards(void **state)
{
    (void)state;
    bad("{\"kid\":\"" KID "\",\"rids\":[]}", "method");
    bad("{\"kid\":\"" KID "\",\"method\":\"jti\",\"rids\":[]}", "method");
    bad("{\"kid\":\"" KID "\",\"method\":\"rid\",\"ctr\":[],\"rids\":[]}", "ctr");
    bad("{\"kid\":\"" KID "\",\"method\":\"rid\",\"country\":\"DE\",\"rids\":[]}", "either");
    bad(SHC("short", ""), "kid");
    bad(SHC(KID, "\"\""), "rid 1");
    bad(SHC(KID, "\"ok\",7"), "rid 2");
    bad(SHC(KID, "\"a+b\""), "rid 1");
    bad(SHC(KID, "\"1234567890123456789012345\""), "rid 1");
    bad(SHC(KID, "\"a.\""), "rid 1");
    bad(SHC(KID, "\"a.1x\""), "rid 1");
    bad(SHC(KID, "\"a.-1\""), "rid 1");
    bad(SHC(KID, "\"a.1.2\""), "rid 1");
    bad(SHC(KID, "\".1\""), "rid 1");
    bad(SHC(KID, "\"a.9999999999999999999999\""), "rid 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_eu_s),
        cmocka_unit_test(test_mistakes_in_the_eu_s),
        cmocka_unit_test(test_smart_cards),
        cmocka_unit_test(test_mistakes_in_smart_cards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
