/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gatehouse/list.h"
#include "list/snapshot.h"

static struct gh_issuer_key hcert_key(void)
{
    struct gh_issuer_key key = {.type = GH_KEY_PS256,
                                .raw_bytes = GH_PUBLIC_KEY_MAX_BYTES,
                                .purposes = GH_PURPOSE(GH_KIND_HCERT),
                                .groups = GH_GROUPS_ALL,
                                .not_before_s = INT64_MIN,
                                .not_after_s = INT64_MAX};
    memset(key.raw, 0xaa, sizeof(key.raw));
    memcpy(key.key_id, "\1\2\3\4\5\6\7\10", GH_KEY_ID_BYTES);
    return key;
}

static struct gh_issuer_key shc_key(void)
{
    struct gh_issuer_key key = {.type = GH_KEY_P256,
                                .raw_bytes = 65,
                                .purposes = GH_PURPOSE(GH_KIND_SHC),
                                .not_before_s = -7,
                                .not_after_s = 1700000000,
                                .revoked = true,
                                .issuer = "https://issuer.example/shc"};
    memset(key.raw, 0x04, 65);
    return key;
}

static void records_come_back_as_written(void **state)
{
    (void)state;
    uint8_t buffer[512];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    gh_snapshot_put_subject(&writer, 1, GH_COLOUR_GREEN);
    gh_snapshot_put_subject(&writer, UINT64_MAX, GH_COLOUR_RED);
    gh_snapshot_put_home(&writer, 5);
    gh_snapshot_put_member(&writer, 5, 1);
    gh_snapshot_put_member(&writer, 5, UINT64_C(1) << 63);
    gh_snapshot_put_member(&writer, 6, 1);
    gh_snapshot_put_revoked(&writer, 9);
    gh_snapshot_put_recalled(&writer, 3, 1600000000);
    gh_snapshot_put_recalled(&writer, UINT64_MAX, INT64_MAX);
    gh_snapshot_put_holder(&writer, 11, 3);
    gh_snapshot_put_holder(&writer, 12, 3);
    static const struct {
        enum gh_record_kind kind;
        uint64_t id, second;
        int64_t before_s;
    } expected[] = {
        {GH_RECORD_SUBJECT, 1, 1, 0},
        {GH_RECORD_SUBJECT, UINT64_MAX, 3, 0},
        {GH_RECORD_HOME, 5, 0, 0},
        {GH_RECORD_MEMBER, 5, 1, 0},
        {GH_RECORD_MEMBER, 5, UINT64_C(1) << 63, 0},
        {GH_RECORD_MEMBER, 6, 1, 0},
        {GH_RECORD_REVOKED, 9, 0, 0},
        {GH_RECORD_RECALLED, 3, 0, 1600000000},
        {GH_RECORD_RECALLED, UINT64_MAX, 0, INT64_MAX},
        {GH_RECORD_HOLDER, 11, 3, 0},
        {GH_RECORD_HOLDER, 12, 3, 0},
    };
    size_t offset = 0;
    struct gh_snapshot_reader reader =
        gh_snapshot_reader_over((struct gh_bytes){buffer, writer.size});
    struct gh_record record;
    for (size_t i = 0; i < GH_ARRAY_SIZE(expected); i++) {
        assert_int_equal(gh_snapshot_next(&reader, &record, NULL), GH_OK);
        assert_int_equal(record.kind, expected[i].kind);
        assert_true(record.id == expected[i].id);
        assert_true(record.second == expected[i].second);
        assert_true(record.before_s == expected[i].before_s);
        assert_ptr_equal(record.item.data, buffer + offset);
        offset += record.item.size;
    }
    assert_int_equal(offset, writer.size);
    assert_int_equal(gh_snapshot_next(&reader, &record, NULL), GH_ERR_END);
    assert_int_equal(gh_snapshot_next(&reader, &record, NULL), GH_ERR_END);
    assert_int_equal(reader.count, GH_ARRAY_SIZE(expected));
}

static void hashes_come_back_as_written(void **state)
{
    (void)state;
    uint8_t buffer[128], hashes[3][GH_REVOCATION_BYTES] = {{0}, {0}, {0xff}};
    static const int64_t before_s[] = {INT64_MAX, 0, -1};
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    hashes[1][GH_REVOCATION_BYTES - 1] = 1;
    for (size_t i = 0; i < 3; i++) {
        gh_snapshot_put_revoked_hash(&writer, hashes[i], before_s[i]);
    }
    assert_int_equal(writer.size, (2 + 17) + (2 + 17 + 1) + (2 + 17 + 1));
    struct gh_snapshot_reader reader =
        gh_snapshot_reader_over((struct gh_bytes){buffer, writer.size});
    struct gh_record record;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(gh_snapshot_next(&reader, &record, NULL), GH_OK);
        assert_int_equal(record.kind, GH_RECORD_HASH);
        assert_int_equal(record.hash.size, GH_REVOCATION_BYTES);
        assert_memory_equal(record.hash.data, hashes[i], GH_REVOCATION_BYTES);
        assert_true(record.before_s == before_s[i]);
    }
    assert_int_equal(gh_snapshot_next(&reader, &record, NULL), GH_ERR_END);
}

static void keys_come_back_as_written(void **state)
{
    (void)state;
    uint8_t buffer[2048];
    const struct gh_issuer_key keys[] = {hcert_key(), shc_key()};
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    gh_snapshot_put_key(&writer, &keys[0]);
    gh_snapshot_put_key(&writer, &keys[1]);
    struct gh_snapshot_reader reader =
        gh_snapshot_reader_over((struct gh_bytes){buffer, writer.size});
    for (size_t i = 0; i < 2; i++) {
        struct gh_record record;
        struct gh_issuer_key key;
        struct gh_error err = {0};
        memset(&key, 0xff, sizeof(key));
        if (gh_snapshot_next(&reader, &record, &err) != GH_OK) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(record.kind, GH_RECORD_KEY);
        gh_record_key(&record, &key);
        assert_int_equal(key.type, keys[i].type);
        assert_int_equal(key.raw_bytes, keys[i].raw_bytes);
        assert_memory_equal(key.raw, keys[i].raw, sizeof(key.raw)); /* zeros behind it */
        assert_int_equal(key.purposes, keys[i].purposes);
        assert_int_equal(key.groups, keys[i].groups);
        assert_true(key.not_before_s == keys[i].not_before_s);
        assert_true(key.not_after_s == keys[i].not_after_s);
        assert_int_equal(key.revoked, keys[i].revoked);
        assert_string_equal(key.issuer, keys[i].issuer);
        assert_memory_equal(key.key_id, keys[i].key_id, GH_KEY_ID_BYTES);
    }
}

static void no_record_is_larger_than_said(void **state)
{
    (void)state;
    uint8_t buffer[GH_SNAPSHOT_RECORD_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    struct gh_issuer_key key = hcert_key();
    memset(key.issuer, 'i', sizeof(key.issuer) - 1);
    key.not_after_s = INT64_MIN;
    gh_snapshot_put_key(&writer, &key);
    assert_false(writer.overflow);
    struct gh_snapshot_reader reader =
        gh_snapshot_reader_over((struct gh_bytes){buffer, writer.size});
    struct gh_record record;
    assert_int_equal(gh_snapshot_next(&reader, &record, NULL), GH_OK);
    assert_int_equal(record.key.issuer.size, GH_ISSUER_BYTES - 1);
}

/* A snapshot that no gate would take is not written. */
static void what_is_no_foreign_key_overflows(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        uint8_t buffer[GH_SNAPSHOT_RECORD_MAX_BYTES];
        struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
        struct gh_issuer_key key = hcert_key();
        switch (i) {
        case 0:
            key.purposes = GH_PURPOSE(GH_KIND_HEALTH);
            break;
        case 1:
            key.purposes = GH_PURPOSE(GH_KIND_HCERT) | GH_PURPOSE(GH_KIND_SHC);
            break;
        case 2:
            key.purposes = 0;
            break;
        case 3:
            key.raw_bytes = SIZE_MAX;
            break;
        case 4:
            memset(key.issuer, 'i', sizeof(key.issuer));
            break;
        }
        gh_snapshot_put_key(&writer, &key);
        assert_true(writer.overflow);
        assert_int_equal(writer.size, 0);
    }
}

/* Reads to the end or to the first error. */
static enum gh_status read_all(const char *hex, struct gh_error *err)
{
    size_t size = strlen(hex) / 2;
    uint8_t *data = malloc(size > 0 ? size : 1); /* exactly so many, for the sanitizer */
    assert_non_null(data);
    assert_int_equal(gh_hex_decode(hex, strlen(hex), data, size), GH_OK);
    struct gh_snapshot_reader reader = gh_snapshot_reader_over((struct gh_bytes){data, size});
    struct gh_record record;
    enum gh_status status;
    do {
        status = gh_snapshot_next(&reader, &record, err);
    } while (status == GH_OK);
    if (status != GH_ERR_END) { /* and it stays that way, and gives nothing away */
        assert_int_equal(gh_snapshot_next(&reader, &record, NULL), status);
        assert_int_equal(record.kind, 0);
    }
    free(data);
    return status;
}

#define HASH "a0a1a2a3a4a5a6a7a8a9aaabacadae" /* 15 bytes: the last one stands behind it */
/* [8, 6, -37, h'0102030405060708', h'3001', 6, 0, 9, false, "DE"] */
#define KEY_HCERT "8a08063824480102030405060708423001060009f4624445"
/* [8, 7, -7, h'0102030405060708', h'04', 0, -1, 1700000000, true, "https://a"] */
#define KEY_SHC "8a080726480102030405060708410400201a6553f100f56968747470733a2f2f61"

static void the_bytes_are_those_of_the_protocol(void **state)
{
    (void)state;
    struct gh_error err = {0};
    assert_int_equal(read_all("", &err), GH_ERR_END);
    /* [1, 1, 1] [1, 2^64-1, 3] [2, 5] [3, 5, 1] [4, 9] [5, 1, 0] [5, 2, -1]
     * [6, h'...'] [6, h'...', 5] [7, 1, 2], and keys */
    assert_int_equal(read_all("830101018301"
                              "1bffffffffffffffff03"
                              "820205"
                              "83030501"
                              "820409"
                              "83050100"
                              "83050220"
                              "820650" HASH "00"
                              "830650" HASH "0105"
                              "83070102" KEY_HCERT KEY_SHC,
                              &err),
                     GH_ERR_END);
    assert_int_equal(err.status, GH_OK);
}

static void bad_records_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "00",                                 /* no array */
        "80",                                 /* empty */
        "8101",                               /* too short */
        "820101",                             /* a subject without a colour */
        "8401010101",                         /* one item too many */
        "83010100",                           /* colour 0 */
        "83010104",                           /* colour 4 */
        "8301011b0000000100000001",           /* colour 2^32 + 1 */
        "83010001",                           /* subject 0 */
        "820200",                             /* home 0 */
        "83030005",                           /* member of home 0 */
        "83030500",                           /* subject 0 as a member */
        "820400",                             /* credential 0 */
        "8302050a",                           /* a home with two ids */
        "820305",                             /* a member without a subject */
        "820005",                             /* kind 0 */
        "8205",                               /* recalled: cut */
        "820501",                             /* without a time */
        "83050001",                           /* person 0 */
        "830501f5",                           /* a time that is none */
        "8305011b8000000000000000",           /* beyond what times can be */
        "830501fb41d796d7fc000000",           /* a float */
        "8405010100",                         /* one item too many */
        "8106",                               /* a hash that is not there */
        "8206",                               /* cut */
        "82064f" HASH,                        /* 15 bytes */
        "820651" HASH "0000",                 /* 17 bytes */
        "82067820" HASH "00" HASH "00",       /* text */
        "830650" HASH "001b7fffffffffffffff", /* always, said */
        "840650" HASH "000101",               /* one item too many */
        "830650" HASH "00f6",                 /* a time that is none */
        "820701",                             /* a holder who is nobody */
        "83070002",                           /* holder 0 */
        "83070100",                           /* person 0 */
        "8407010203",                         /* one item too many */
        "820905",                             /* kind 9: unknown */
        "821b000000010000000205",             /* kind 2^32 + 2 */
        "822005",                             /* kind -1 */
        "820220",                             /* home -1 */
        "8202fb4014000000000000",             /* home 5.0 */
        "8202c24105",                         /* home as a bignum */
        "820265686f6d6531",                   /* home as text */
        "9f0205ff",                           /* indefinite length */
        "9bffffffffffffffff",                 /* an array without end */
        "9a80000000",                         /* likewise */
        "83011bffffffffffffff",               /* cut in the middle of a number */
        "8301",                               /* cut behind the kind */
        "83",                                 /* cut behind the head */
        "82020583",                           /* cut later */
        "d283010101",                         /* a tag in front */
        "82020500",                           /* a stray byte behind */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        struct gh_error err = {0};
        enum gh_status status = read_all(wrong[i], &err);
        if (status != GH_ERR_CORRUPT || err.status != GH_ERR_CORRUPT) {
            fail_msg("%s: %s", wrong[i], gh_status_text(status));
        }
    }
}

/* One member of a good key record after the other. */
static void bad_keys_are_refused(void **state)
{
    (void)state;
#define ID "480102030405060708"
#define TIMES "0009f4"
    static const char *const wrong[] = {
        "8a080126" ID "423001060009f4624445",       /* for our own codes */
        "8a080026" ID "423001060009f4624445",       /* for nothing */
        "8a080826" ID "423001060009f4624445",       /* for what nobody knows */
        "8a08061b0000000100000006" ID "4230010600", /* likewise */
        "8a080627" ID "42300106" TIMES "624445",    /* an Ed25519 HCERT */
        "8a080601" ID "42300106" TIMES "624445",    /* no algorithm */
        "8a08063b00000000ffffffff" ID "42300106" TIMES "624445",
        "8a080738"
        "24" ID "42300100" TIMES "624445", /* an RSA SMART card */
        "8a080626"
        "4701020304050607"
        "42300106" TIMES "624445", /* a short key id */
        "8a080626"
        "49010203040506070809"
        "42300106" TIMES "624445",
        "8a080626" ID "4006" TIMES "624445",     /* an empty key */
        "8a080626" ID "42300100" TIMES "624445", /* an HCERT key for no group */
        "8a080626" ID "42300101" TIMES "624445", /* for a group that is none */
        "8a080626" ID "42300110" TIMES "624445",
        "8a080726" ID "42300102" TIMES "624445", /* a SMART card's key has no groups */
        "8a080726" ID "42300100" TIMES "60",     /* and always an issuer */
        "8a080626" ID "423001060009"
        "01"
        "624445",                                  /* revoked: 1 */
        "8a080626" ID "4230010600f6f4624445",      /* no time */
        "8a080626" ID "42300106" TIMES "62ff45",   /* not UTF-8 */
        "8a080626" ID "42300106" TIMES "624400",   /* a NUL inside */
        "8a080626" ID "42300106" TIMES "424445",   /* bytes */
        "89080626" ID "42300106" TIMES,            /* without an issuer */
        "8b080626" ID "42300106" TIMES "62444500", /* with something more */
    };
    struct gh_error err = {0};
    assert_int_equal(read_all("8a080626" ID "42300106" TIMES "60", &err), GH_ERR_END);
    assert_int_equal(read_all("8a080626" ID "4230010e" TIMES "624445", &err), GH_ERR_END);
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        err = (struct gh_error){0};
        enum gh_status status = read_all(wrong[i], &err);
        if (status != GH_ERR_CORRUPT || strcmp(err.text, "record 1 of the snapshot, an issuer's "
                                                         "key, is not valid") != 0) {
            fail_msg("%s: %s: %s", wrong[i], gh_status_text(status), err.text);
        }
    }
    /* Too long a key, and too long a name. */
    uint8_t buffer[2048];
    char hex[4096];
    for (int i = 0; i < 2; i++) {
        struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
        static const uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES + 1];
        char name[GH_ISSUER_BYTES + 1] = "";
        memset(name, 'n', GH_ISSUER_BYTES - (i == 0));
        gh_cbor_put_array(&writer, 10);
        gh_cbor_put_uint(&writer, 8);
        gh_cbor_put_uint(&writer, 6);
        gh_cbor_put_int(&writer, -7);
        gh_cbor_put_bytes(&writer, raw, GH_KEY_ID_BYTES);
        gh_cbor_put_bytes(&writer, raw, GH_PUBLIC_KEY_MAX_BYTES + (i == 0));
        gh_cbor_put_uint(&writer, 2);
        gh_cbor_put_int(&writer, 0);
        gh_cbor_put_int(&writer, 0);
        gh_cbor_put_bool(&writer, false);
        gh_cbor_put_text(&writer, name);
        gh_hex_encode(buffer, writer.size, hex);
        assert_int_equal(read_all(hex, &err), GH_ERR_CORRUPT);
    }
}

static void sentences_say_which_record(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *sentence;
    } cases[] = {
        {"83010100", "record 1 of the snapshot, a person, is not valid"},
        {"820200", "record 1 of the snapshot, a home, is not valid"},
        {"820205820205", "record 2 of the snapshot, a home, is out of order"},
        {"83030500", "record 1 of the snapshot, a member, is not valid"},
        {"820400", "record 1 of the snapshot, a revoked credential, is not valid"},
        {"820501", "record 1 of the snapshot, a recalled person, is not valid"},
        {"820601", "record 1 of the snapshot, a revoked certificate, is not valid"},
        {"820701", "record 1 of the snapshot, a holder, is not valid"},
        {"820205820905", "record 2 of the snapshot, of an unknown kind, is not valid"},
        {"00", "record 1 of the snapshot, of an unknown kind, is not valid"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_error err = {0};
        assert_int_equal(read_all(cases[i].hex, &err), GH_ERR_CORRUPT);
        assert_string_equal(err.text, cases[i].sentence);
    }
}

static void disorder_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "8301020183010101",                   /* subjects backwards */
        "8301010183010101",                   /* twice */
        "8301010183010102",                   /* twice, of two colours */
        "83011bffffffffffffffff0183010101",   /* backwards, beyond 2^63 */
        "820206820205",                       /* homes backwards */
        "820205820205",                       /* twice */
        "8202058301010183010201",             /* a subject behind a home */
        "8303060183030501",                   /* members by home backwards */
        "8303050283030501",                   /* members by subject backwards */
        "8303050183030501",                   /* twice */
        "83030501820206",                     /* a home behind a member */
        "820409820408",                       /* revocations backwards */
        "820409820409",                       /* twice */
        "82040983030501",                     /* a member behind a revocation */
        "8305020083050100",                   /* recalls backwards */
        "8305020083050201",                   /* twice, at two times */
        "83050200820409",                     /* a credential behind a recall */
        "820650" HASH "01820650" HASH "00",   /* hashes backwards */
        "820650" HASH "01830650" HASH "0105", /* twice */
        "820650" HASH "0183050200",           /* a recall behind a hash */
        "8307020183070101",                   /* holders backwards */
        "8307020183070202",                   /* one holder, two people */
        "83070201820650" HASH "00",           /* a hash behind a holder */
        KEY_HCERT KEY_HCERT,                  /* keys: twice */
        KEY_SHC KEY_HCERT,                    /* by purpose backwards */
        KEY_HCERT "83070102",                 /* a holder behind a key */
        KEY_HCERT "8a08063824480002030405060708423001060009f4624445", /* by key id */
        KEY_HCERT "8a08063824480102030405060708423000060009f4624445", /* by key */
        KEY_HCERT "8a080638244801020304050607084130060009f4624445",   /* a shorter one behind */
        KEY_HCERT "8a08063824480102030405060708423001060009f4624444", /* by issuer */
        KEY_HCERT "8a08063824480102030405060708423001040109f5624445", /* differs in the rest */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        struct gh_error err = {0};
        enum gh_status status = read_all(wrong[i], &err);
        if (status != GH_ERR_CORRUPT) {
            fail_msg("%s: %s", wrong[i], gh_status_text(status));
        }
        if (strstr(err.text, "order") == NULL) {
            fail_msg("%s: %s", wrong[i], err.text);
        }
    }
}

static void order_is_by_all_that_makes_a_key(void **state)
{
    (void)state;
    struct gh_error err = {0};
    assert_int_equal(read_all("8a0806382448010203040506070841300600"
                              "09f4624445" KEY_HCERT
                              "8a08063824480102030405060708423001060009f4634445"
                              "45" /* a longer issuer */
                              "8a08063824480102030405060708423001060009f4624446"
                              "8a08063824480102030405060708423002060009f4624445"
                              "8a08063824480202030405060708423001060009f4624445" KEY_SHC,
                              &err),
                     GH_ERR_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_as_written),
        cmocka_unit_test(hashes_come_back_as_written),
        cmocka_unit_test(keys_come_back_as_written),
        cmocka_unit_test(no_record_is_larger_than_said),
        cmocka_unit_test(what_is_no_foreign_key_overflows),
        cmocka_unit_test(the_bytes_are_those_of_the_protocol),
        cmocka_unit_test(bad_records_are_refused),
        cmocka_unit_test(bad_keys_are_refused),
        cmocka_unit_test(sentences_say_which_record),
        cmocka_unit_test(disorder_is_refused),
        cmocka_unit_test(order_is_by_all_that_makes_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
