/* SPDX-License-Identifier: Apache-2.0 */
/* Deltas that are refused, after which the list at hand is as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gatehouse/cose.h"
#include "list_fixture.h"

static void assert_unchanged(const struct place *place, const uint8_t digest[GH_SHA256_BYTES])
{
    uint8_t now[GH_SHA256_BYTES];
    digest_of(place, now);
    assert_memory_equal(now, digest, GH_SHA256_BYTES);
    assert_stands(place, 3);
}

static void deltas_of_another_way_are_refused(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 3);
    uint8_t digest[GH_SHA256_BYTES];
    assert_int_equal(install(place, &offer), GH_OK);
    digest_of(place, digest);
    for (int i = 0; i < 13; i++) {
        struct change change;
        enum gh_status expected = GH_ERR_CORRUPT;
        const struct gh_private_key *key = list_key;
        change_start(&change, 3, 4, 512);
        gh_delta_put_revoked(&change.records, 4);
        switch (i) {
        case 0: /* from an earlier one */
            change.header.from = generation_at(2);
            break;
        case 1: /* from another one of this number */
            change.header.from.tag[0]++;
            break;
        case 2: /* to another one than the manifest's */
            change.header.to = generation_at(5);
            break;
        case 3:
            change.header.to.tag[7]++;
            break;
        case 4: /* another area's */
            change.header.area[0] = 'S';
            break;
        case 5:
            change.manifest.area[0] = change.header.area[0] = 'S';
            break;
        case 6: /* another key's */
            key = other_key;
            expected = GH_ERR_SIGNATURE;
            break;
        case 7: /* the manifest is older */
            change.manifest = manifest_at(2);
            expected = GH_ERR_ROLLBACK;
            break;
        case 8: /* the same generation, older */
            change.manifest = manifest_at(3);
            change.manifest.issued_at_s--;
            expected = GH_ERR_ROLLBACK;
            break;
        default:
            break;
        }
        change_sign(&change, key);
        switch (i) {
        case 9: /* none */
            change.delta = (struct gh_delta){0};
            break;
        case 10: /* other records */
            change.packed[change.delta.records.size - 1] ^= 1;
            break;
        case 11:
            change.delta.records.size--;
            break;
        case 12: { /* the header by another key */
            struct gh_writer header = gh_writer_over(change.sealed, sizeof(change.sealed));
            free(change.packed);
            assert_int_equal(
                gh_delta_seal(other_key, &change.header,
                              (struct gh_bytes){change.records.data, change.records.size}, &header,
                              &change.packed, &change.delta.records.size),
                GH_OK);
            change.delta.header = (struct gh_bytes){header.data, header.size};
            change.delta.records.data = change.packed;
            expected = GH_ERR_SIGNATURE;
            break;
        }
        default:
            break;
        }
        enum gh_status status = apply(place, &change);
        if (status != expected)
            fail_msg("case %d: %s", i, gh_status_text(status));
        assert_unchanged(place, digest);
        change_free(&change);
    }
    struct gh_error err = {0};
    assert_int_equal(gh_list_apply(place->path, list_public, manifest_of(&offer), NULL, &err),
                     GH_ERR_CORRUPT);
}

static void put_hex(struct gh_writer *writer, const char *hex)
{
    uint8_t bytes[256];
    size_t size = strlen(hex) / 2;
    assert_int_equal(gh_hex_decode(hex, 2 * size, bytes, size), GH_OK);
    gh_writer_put(writer, bytes, size);
}

#define HASH                                                                                       \
    "50"                                                                                           \
    "01000000000000000000000000000000"
#define KEY_BEGIN "8a08062648"
#define KEY_END "420102040506f460"

/* The small list has homes 5, 6 and HIGH + 6; 1 lives in 5, 2 in 5 and HIGH + 6. */
static void hostile_records_are_refused(void **state)
{
    const struct place *place = *state;
    static const struct {
        const char *hex;
        bool good;
    } cases[] = {
        {"820409", true},
        {"820409820409", false},       /* twice */
        {"820409822309", false},       /* there and not there */
        {"82040982040a820409", false}, /* not side by side */
        {"822309822309", false},
        {"8301010183010102", false}, /* one person, two colours */
        {"83010101822001", false},
        {"820205822105", false},
        {"83050101830501"
         "02",
         false},
        {"82065001000000000000000000000000000000"
         "8306500100000000000000000000000000000005",
         false},
        {"8307010283070103", false},
        {"83010103", true},
        {"83010100", false}, /* no colour */
        {"83010104", false},
        {"83010001", false},   /* nobody */
        {"82010101", false},   /* too few items */
        {"8401010105", true},  /* a home */
        {"8401010107", false}, /* that is not on the list */
        {"84010101078202"
         "07",
         true}, /* but now it is */
        {"850101010506", true},
        {"850101010605", false}, /* backwards */
        {"850101010505", false}, /* twice */
        {"8401010100", false},
        {"82210"
         "6",
         true},                                     /* nobody lives there */
        {"822105", false},                          /* somebody does */
        {"82211b8000000000000006", false},          /* as a further home */
        {"82211b80000000000000068401020105", true}, /* who moves out */
        {"82211b8000000000000006822002", true},
        {"8302050"
         "5",
         false}, /* too many items */
        {"820200", false},
        {"820405ff", false},
        {"820405f6", false}, /* something that is no array */
        {"820305", false},   /* no kind of a delta */
        {"822205", false},
        {"8200", false},
        {"8128", false},
        {"820905", false},
        {"823b7fffffffffffffff05", false},
        {"82050"
         "1",
         false},
        {"83070100", false},
        {"83065001000000000000000000000000000000"
         "1b7fffffffffffffff",
         false}, /* "always" */
        {"82064f010000000000000000000000000000", false},
        {"83255001000000000000000000000000000000"
         "05",
         false},
        {"8127", true},
        {"81278127", false},
        {"822701", false},
        {KEY_BEGIN "0000000000000000" KEY_END, false},        /* nothing cleared before */
        {KEY_BEGIN "0000000000000000" KEY_END "8127", false}, /* but behind */
        {"8127" KEY_BEGIN "0000000000000000" KEY_END, false}, /* no point of the curve */
        {"82040982", false},                                  /* cut */
    };
    struct offer offer = small(place, 3);
    uint8_t digest[GH_SHA256_BYTES];
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct change change;
        assert_int_equal(install(place, &offer), GH_OK);
        digest_of(place, digest);
        change_start(&change, 3, 4, 512);
        put_hex(&change.records, cases[i].hex);
        change_sign(&change, list_key);
        enum gh_status status = apply(place, &change);
        if (status != (cases[i].good ? GH_OK : GH_ERR_CORRUPT))
            fail_msg("%s: %s", cases[i].hex, gh_status_text(status));
        if (!cases[i].good)
            assert_unchanged(place, digest);
        change_free(&change);
        offer.manifest.issued_at_s++;
        offer_sign_again(&offer, list_key);
        if (cases[i].good) { /* begin anew */
            empty_folder(open(place->path, O_RDONLY | O_DIRECTORY));
        }
    }
}

/* A delta whose header names these very bytes, which gh_delta_seal would not have sealed. */
static void sign_records(struct change *change, struct gh_bytes records)
{
    static const char aad[] = "gatehouse list delta v1";
    uint8_t payload[256], digest[GH_SHA256_BYTES];
    struct gh_writer writer = gh_writer_over(payload, sizeof(payload));
    struct gh_writer header = gh_writer_over(change->sealed, sizeof(change->sealed));
    change_sign(change, list_key);
    gh_sha256(records, digest);
    put_hex(&writer, "a8010102654e6f727468");
    put_hex(&writer, "0303"
                     "0448"
                     "1313131313131313");
    put_hex(&writer, "0504"
                     "0648"
                     "1414141414141414");
    put_hex(&writer, "075820");
    gh_writer_put(&writer, digest, sizeof(digest));
    gh_writer_put_byte(&writer, 8);
    gh_writer_put_byte(&writer, (uint8_t)records.size);
    assert_true(records.size < 24);
    assert_int_equal(gh_cose_write(&header, list_key, (struct gh_bytes){payload, writer.size},
                                   (struct gh_bytes){(const uint8_t *)aad, sizeof(aad) - 1}),
                     GH_OK);
    change->delta.header = (struct gh_bytes){header.data, header.size};
    change->delta.records = records;
}

static void records_that_are_no_frame_are_refused(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 3);
    struct change change;
    struct gh_error err = {0};
    assert_int_equal(install(place, &offer), GH_OK);
    /* Nothing; what is none; a head that promises 2^62 bytes; the record itself. */
    static const uint8_t bomb[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0,
                                   0,    0,    0,    0,    0x40, 1, 0, 0};
    static const uint8_t record[] = {0x82, 0x04, 0x09};
    const struct gh_bytes wrong[] = {{record, 0}, {bomb, sizeof(bomb)}, {record, sizeof(record)}};
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        change_start(&change, 3, 4, 512);
        sign_records(&change, wrong[i]);
        err = (struct gh_error){0};
        assert_int_equal(gh_list_apply(place->path, list_public,
                                       (struct gh_bytes){change.bytes, change.size}, &change.delta,
                                       &err),
                         GH_ERR_CORRUPT);
        assert_string_equal(err.text, "the delta's records cannot be decompressed");
        change_free(&change);
    }
    change_start(&change, 3, 4, 512);
    change_sign(&change, list_key);
    assert_int_equal(apply(place, &change), GH_OK); /* that nothing changes is no error */
    change_free(&change);
}

static void without_a_list_nothing_is_changed(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    struct change change;
    change_small(&change, 1, 2);
    assert_int_equal(apply(place, &change), GH_ERR_NOTFOUND);
    assert_int_equal(renew(place, &offer), GH_ERR_NOTFOUND);
    assert_int_equal(access(place->path, F_OK), -1); /* and no folder was made for it */
    change_free(&change);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(deltas_of_another_way_are_refused),
        TEST(hostile_records_are_refused),
        TEST(records_that_are_no_frame_are_refused),
        TEST(without_a_list_nothing_is_changed),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
