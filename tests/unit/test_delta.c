/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/cbor.h"
#include "gatehouse/compress.h"
#include "gatehouse/cose.h"
#include "gatehouse/list.h"

static const char aad[] = "gatehouse list delta v1";

static struct gh_private_key *list_key, *other_key;
static struct gh_public_key *list_public;

static struct gh_bytes view(const struct gh_writer *writer)
{
    return (struct gh_bytes){.data = writer->data, .size = writer->size};
}

static struct gh_delta_header sample(void)
{
    struct gh_delta_header header = {.area = "North", .from = {.number = 40}, .to = {.number = 41}};
    memset(header.from.tag, 0x66, sizeof(header.from.tag));
    memset(header.to.tag, 0x77, sizeof(header.to.tag));
    return header;
}

/* --- records --- */

static void records_are_those_of_the_protocol(void **state)
{
    (void)state;
    static const uint8_t hash[GH_REVOCATION_BYTES] = {1};
    uint8_t buffer[512];
    char hex[2 * sizeof(buffer) + 1];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    const struct gh_issuer_key key = {.type = GH_KEY_P256,
                                      .raw = {1, 2},
                                      .raw_bytes = 2,
                                      .purposes = GH_PURPOSE(GH_KIND_SHC),
                                      .not_before_s = 5,
                                      .not_after_s = 6,
                                      .issuer = "i"};
    gh_delta_put_subject(&writer, 300, GH_COLOUR_RED, (gh_id[]){5, 6}, 2);
    gh_delta_put_subject(&writer, 1, GH_COLOUR_GREEN, NULL, 0);
    gh_delta_put_home(&writer, 5);
    gh_delta_put_revoked(&writer, UINT64_MAX);
    gh_delta_put_recalled(&writer, 1, -1);
    gh_delta_put_hash(&writer, hash, INT64_MAX);
    gh_delta_put_hash(&writer, hash, 7);
    gh_delta_put_holder(&writer, 8, 9);
    gh_delta_drop_subject(&writer, 300);
    gh_delta_drop_home(&writer, 5);
    gh_delta_drop_revoked(&writer, 6);
    gh_delta_drop_recalled(&writer, 7);
    gh_delta_drop_hash(&writer, hash);
    gh_delta_drop_holder(&writer, 8);
    gh_delta_clear_keys(&writer);
    gh_delta_put_key(&writer, &key);
    assert_false(writer.overflow);
    gh_hex_encode(buffer, writer.size, hex);
    assert_string_equal(hex, "850119012c030506"
                             "83010101"
                             "820205"
                             "82041bffffffffffffffff"
                             "83050120"
                             "82065001000000000000000000000000000000"
                             "8306500100000000000000000000000000000007"
                             "83070809"
                             "822019012c"
                             "822105"
                             "822306"
                             "822407"
                             "82255001000000000000000000000000000000"
                             "822608"
                             "8127"
                             "8a08072648000000000000000042010200"
                             "0506f46169");
}

static void what_is_no_foreign_key_overflows(void **state)
{
    (void)state;
    uint8_t buffer[512];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    const struct gh_issuer_key key = {.type = GH_KEY_P256, .raw_bytes = 2, .purposes = 2};
    gh_delta_put_key(&writer, &key);
    assert_true(writer.overflow);
    assert_int_equal(writer.size, 0);
}

static void no_record_is_larger_than_said(void **state)
{
    (void)state;
    uint8_t buffer[GH_DELTA_RECORD_MAX_BYTES];
    gh_id homes[GH_LIST_HOMES_MAX];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    struct gh_issuer_key key = {.type = GH_KEY_PS256,
                                .raw_bytes = GH_PUBLIC_KEY_MAX_BYTES,
                                .purposes = GH_PURPOSE(GH_KIND_HCERT),
                                .groups = GH_GROUPS_ALL,
                                .not_before_s = INT64_MIN,
                                .not_after_s = INT64_MIN};
    memset(key.issuer, 'i', GH_ISSUER_BYTES - 1);
    gh_delta_put_key(&writer, &key);
    assert_false(writer.overflow);
    writer.size = 0;
    memset(homes, 0xff, sizeof(homes));
    gh_delta_put_subject(&writer, UINT64_MAX, GH_COLOUR_RED, homes, GH_LIST_HOMES_MAX);
    assert_false(writer.overflow);
}

/* --- sealing and reading --- */

struct sealed {
    uint8_t buffer[GH_DELTA_HEADER_MAX_BYTES];
    struct gh_writer header;
    uint8_t *records;
    size_t size;
};

static enum gh_status seal(struct sealed *sealed, const struct gh_delta_header *header,
                           struct gh_bytes records)
{
    sealed->header = gh_writer_over(sealed->buffer, sizeof(sealed->buffer));
    return gh_delta_seal(list_key, header, records, &sealed->header, &sealed->records,
                         &sealed->size);
}

static void comes_back_as_sealed(void **state)
{
    (void)state;
    struct sealed sealed;
    struct gh_delta_header in = sample(), out;
    struct gh_error err = {0};
    static const uint8_t records[] = {0x82, 0x02, 0x05};
    uint8_t *plain;
    size_t size;
    assert_int_equal(seal(&sealed, &in, (struct gh_bytes){records, sizeof(records)}), GH_OK);
    assert_int_equal(gh_delta_read(list_public, view(&sealed.header), &out, &err), GH_OK);
    assert_string_equal(out.area, "North");
    assert_true(gh_generation_same(&out.from, &in.from));
    assert_true(gh_generation_same(&out.to, &in.to));
    assert_int_equal(
        gh_zstd_decompress((struct gh_bytes){sealed.records, sealed.size}, 1000, &plain, &size),
        GH_OK);
    assert_int_equal(size, sizeof(records));
    assert_memory_equal(plain, records, size);
    free(plain);
    free(sealed.records);
}

static void is_encoded_as_the_protocol_says(void **state)
{
    (void)state;
    struct sealed sealed;
    struct gh_delta_header in = sample();
    struct gh_cose_sign1 message;
    uint8_t hash[GH_SHA256_BYTES];
    char hex[512], expected[512], hash_hex[2 * GH_SHA256_BYTES + 1];
    assert_int_equal(seal(&sealed, &in, (struct gh_bytes){0}), GH_OK); /* nothing changes */
    gh_sha256((struct gh_bytes){sealed.records, sealed.size}, hash);
    gh_hex_encode(hash, sizeof(hash), hash_hex);
    assert_true(sealed.size > 0 && sealed.size < 24);
    snprintf(expected, sizeof(expected),
             "a80101"
             "02654e6f727468"
             "031828"
             "04486666666666666666"
             "051829"
             "06487777777777777777"
             "075820%s"
             "08%02zx",
             hash_hex, sealed.size);
    assert_int_equal(gh_cose_parse(view(&sealed.header), false, &message), GH_OK);
    gh_hex_encode(message.payload.data, message.payload.size, hex);
    assert_string_equal(hex, expected);
    assert_int_equal(gh_cose_verify(&message, list_public,
                                    (struct gh_bytes){(const uint8_t *)aad, sizeof(aad) - 1}),
                     GH_OK);
    free(sealed.records);
}

static void what_leads_nowhere_is_not_sealed(void **state)
{
    (void)state;
    struct sealed sealed;
    for (int i = 0; i < 6; i++) {
        struct gh_delta_header header = sample();
        switch (i) {
        case 0:
            header.area[0] = '\0';
            break;
        case 1:
            memset(header.area, 'a', sizeof(header.area));
            break;
        case 2:
            header.from.number = 0;
            break;
        case 3:
            header.from.number = 41;
            break;
        case 4:
            header.to.number = 39;
            break;
        case 5:
            header.to.number = (UINT64_C(1) << 53) + 1;
            break;
        }
        assert_int_equal(seal(&sealed, &header, (struct gh_bytes){0}), GH_ERR_INVALID);
        assert_null(sealed.records);
    }
    struct gh_delta_header header = sample();
    uint8_t *big = calloc(1, GH_DELTA_MAX_BYTES + 1);
    assert_non_null(big);
    assert_int_equal(seal(&sealed, &header, (struct gh_bytes){big, GH_DELTA_MAX_BYTES + 1}),
                     GH_ERR_TOOBIG);
    assert_null(sealed.records);
    assert_int_equal(seal(&sealed, &header, (struct gh_bytes){big, GH_DELTA_MAX_BYTES}), GH_OK);
    free(sealed.records);
    free(big);
    struct gh_writer narrow = gh_writer_over(sealed.buffer, 50);
    assert_int_equal(gh_delta_seal(list_key, &header, (struct gh_bytes){0}, &narrow,
                                   &sealed.records, &sealed.size),
                     GH_ERR_TOOBIG);
    assert_null(sealed.records);
}

static void assert_refused(struct gh_bytes bytes, enum gh_status expected)
{
    static const struct gh_delta_header zero;
    struct gh_delta_header out;
    struct gh_error err = {0};
    memset(&out, 0xff, sizeof(out));
    assert_int_equal(gh_delta_read(list_public, bytes, &out, &err), expected);
    assert_int_equal(err.status, expected);
    assert_memory_equal(&out, &zero, sizeof(out));
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    struct sealed sealed;
    struct gh_delta_header in = sample(), out;
    assert_int_equal(seal(&sealed, &in, (struct gh_bytes){0}), GH_OK);
    for (size_t i = 0; i < sealed.header.size * 8; i++) {
        sealed.buffer[i / 8] ^= (uint8_t)(1 << i % 8);
        enum gh_status status = gh_delta_read(list_public, view(&sealed.header), &out, NULL);
        if (status != GH_ERR_SIGNATURE && status != GH_ERR_CORRUPT)
            fail_msg("bit %zu flipped: %s", i, gh_status_text(status));
        sealed.buffer[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t size = 0; size < sealed.header.size; size++)
        assert_refused((struct gh_bytes){sealed.buffer, size}, GH_ERR_CORRUPT);
    gh_writer_put_byte(&sealed.header, 0);
    assert_refused(view(&sealed.header), GH_ERR_CORRUPT);
    static const uint8_t big[GH_DELTA_HEADER_MAX_BYTES + 1];
    assert_refused((struct gh_bytes){big, sizeof(big)}, GH_ERR_TOOBIG);
    free(sealed.records);
}

static void assert_payload(const char *hex, const struct gh_private_key *key, const char *with_aad,
                           enum gh_status expected)
{
    uint8_t buffer[2048], payload[1024];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    struct gh_delta_header out;
    size_t size = strlen(hex) / 2;
    assert_int_equal(gh_hex_decode(hex, strlen(hex), payload, size), GH_OK);
    assert_int_equal(gh_cose_write(&writer, key, (struct gh_bytes){payload, size},
                                   (struct gh_bytes){(const uint8_t *)with_aad, strlen(with_aad)}),
                     GH_OK);
    enum gh_status status = gh_delta_read(list_public, view(&writer), &out, NULL);
    if (status != expected)
        fail_msg("%s: %s", hex, gh_status_text(status));
}

#define WAY "0318280448666666666666666605182906487777777777777777"
#define HASH "0758200000000000000000000000000000000000000000000000000000000000000000"
#define GOOD "a8010102614e" WAY HASH "0801"

static void signed_nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "a0",
        "a8010202614e" WAY HASH "0801", /* another version */
        "a7010102614e" WAY HASH,
        "a7010102614e" WAY "0801",
        "a80101"
        "0260" WAY HASH "0801",
        "a80101"
        "026100" WAY HASH "0801",
        "a8010102614e"
        "0300"
        "0448666666666666666605182906487777777777777777" HASH "0801",
        "a8010102614e"
        "031829"
        "0448666666666666666605182906487777777777777777" HASH "0801", /* to itself */
        "a8010102614e"
        "031828"
        "04476666666666666605182906487777777777777777" HASH "0801",
        "a8010102614e" WAY HASH "081a01000001", /* over 16 MiB */
        "a8010102614e" WAY HASH "0820",
        "a9010102614e" WAY HASH "08010801",
        GOOD "00",
    };
    assert_payload(GOOD, list_key, aad, GH_OK);
    assert_payload("a9010102614e" WAY HASH "08010900", list_key, aad,
                   GH_OK); /* of a later server */
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++)
        assert_payload(wrong[i], list_key, aad, GH_ERR_CORRUPT);
    assert_payload(GOOD, other_key, aad, GH_ERR_SIGNATURE);
    assert_payload(GOOD, list_key, "gatehouse list manifest v1", GH_ERR_SIGNATURE);
}

static int make_keys(void **state)
{
    (void)state;
    return gh_private_key_generate(GH_KEY_ED25519, &list_key) != GH_OK ||
           gh_private_key_generate(GH_KEY_ED25519, &other_key) != GH_OK ||
           gh_private_key_public(list_key, &list_public) != GH_OK;
}

static int free_keys(void **state)
{
    (void)state;
    gh_private_key_free(list_key);
    gh_private_key_free(other_key);
    gh_public_key_free(list_public);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_those_of_the_protocol),
        cmocka_unit_test(what_is_no_foreign_key_overflows),
        cmocka_unit_test(no_record_is_larger_than_said),
        cmocka_unit_test(comes_back_as_sealed),
        cmocka_unit_test(is_encoded_as_the_protocol_says),
        cmocka_unit_test(what_leads_nowhere_is_not_sealed),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(signed_nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
