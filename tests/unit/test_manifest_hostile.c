/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests as they may come: altered, signed by others, truly signed nonsense; and those of
 * earlier and of later servers, which count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "code/cbor.h"
#include "gatehouse/cose.h"
#include "manifest_fixture.h"

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    uint8_t buffer[GH_MANIFEST_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    struct gh_manifest manifest = sample(), out;
    assert_int_equal(gh_manifest_write(list_key, &manifest, &writer), GH_OK);
    for (size_t i = 0; i < writer.size * 8; i++) {
        buffer[i / 8] ^= (uint8_t)(1 << i % 8);
        enum gh_status status = gh_manifest_read(list_public, view(&writer), &out, NULL);
        if (status != GH_ERR_SIGNATURE && status != GH_ERR_CORRUPT) {
            fail_msg("bit %zu flipped: %s", i, gh_status_text(status));
        }
        buffer[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(gh_manifest_read(list_public, view(&writer), &out, NULL), GH_OK);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    uint8_t buffer[GH_MANIFEST_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    struct gh_manifest manifest = sample(), out;
    assert_int_equal(gh_manifest_write(list_key, &manifest, &writer), GH_OK);
    for (size_t size = 0; size < writer.size; size++) {
        /* A copy of exactly this size: a read behind its end is found by the sanitizer. */
        uint8_t *copy = malloc(size > 0 ? size : 1);
        assert_non_null(copy);
        memcpy(copy, buffer, size);
        assert_int_not_equal(
            gh_manifest_read(list_public, (struct gh_bytes){copy, size}, &out, NULL), GH_OK);
        free(copy);
    }
    gh_writer_put_byte(&writer, 0); /* and one byte too many */
    assert_refused(list_public, view(&writer), GH_ERR_CORRUPT);
}

/* Sign a payload of our own making. */
static struct gh_bytes sign(struct gh_writer *writer, const struct gh_private_key *key,
                            const void *payload, size_t size, const char *with_aad)
{
    writer->size = 0;
    assert_int_equal(gh_cose_write(writer, key, (struct gh_bytes){payload, size},
                                   (struct gh_bytes){(const uint8_t *)with_aad, strlen(with_aad)}),
                     GH_OK);
    return view(writer);
}

static void only_the_list_key_signs_and_only_as_a_manifest(void **state)
{
    (void)state;
    uint8_t buffer[GH_MANIFEST_MAX_BYTES], payload[GH_MANIFEST_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    struct gh_manifest manifest = sample(), out;
    struct gh_cose_sign1 message;
    assert_int_equal(gh_manifest_write(list_key, &manifest, &writer), GH_OK);
    assert_refused(other_public, view(&writer), GH_ERR_SIGNATURE);
    assert_int_equal(gh_cose_parse(view(&writer), false, &message), GH_OK);
    size_t size = message.payload.size;
    memcpy(payload, message.payload.data, size);
    assert_refused(list_public, sign(&writer, list_key, payload, size, ""), GH_ERR_SIGNATURE);
    assert_refused(list_public,
                   sign(&writer, list_key, payload, size, "gatehouse list manifest v2"),
                   GH_ERR_SIGNATURE);
    assert_refused(list_public, sign(&writer, other_key, payload, size, aad), GH_ERR_SIGNATURE);
    assert_refused(list_public, sign(&writer, p256_key, payload, size, aad), GH_ERR_SIGNATURE);
    assert_int_equal(
        gh_manifest_read(list_public, sign(&writer, list_key, payload, size, aad), &out, NULL),
        GH_OK);
}

/* Headers that the signature does not cover say nothing. */
static void unprotected_headers_are_refused(void **state)
{
    (void)state;
    uint8_t buffer[GH_MANIFEST_MAX_BYTES], moved[GH_MANIFEST_MAX_BYTES], to_sign[4096];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    struct gh_writer out = gh_writer_over(moved, sizeof(moved));
    struct gh_writer structure = gh_writer_over(to_sign, sizeof(to_sign));
    struct gh_manifest manifest = sample();
    struct gh_cose_sign1 message;
    uint8_t signature[GH_SIGNATURE_BYTES];
    assert_int_equal(gh_manifest_write(list_key, &manifest, &writer), GH_OK);
    assert_int_equal(gh_cose_parse(view(&writer), false, &message), GH_OK);
    gh_cbor_put_array(&structure, 4);
    gh_cbor_put_text(&structure, "Signature1");
    gh_cbor_put_bytes(&structure, "", 0);
    gh_cbor_put_bytes(&structure, aad, sizeof(aad) - 1);
    gh_cbor_put_bytes(&structure, message.payload.data, message.payload.size);
    assert_int_equal(gh_sign(list_key, view(&structure), signature), GH_OK);
    gh_cbor_put_array(&out, 4);
    gh_cbor_put_bytes(&out, "", 0);
    gh_cbor_put_map(&out, 1);
    gh_cbor_put_uint(&out, 1);
    gh_cbor_put_int(&out, GH_KEY_ED25519);
    gh_cbor_put_bytes(&out, message.payload.data, message.payload.size);
    gh_cbor_put_bytes(&out, signature, sizeof(signature));
    assert_int_equal(gh_cose_parse(view(&out), false, &message),
                     GH_OK); /* COSE it is, and well signed */
    assert_int_equal(gh_cose_verify(&message, list_public,
                                    (struct gh_bytes){(const uint8_t *)aad, sizeof(aad) - 1}),
                     GH_OK);
    assert_refused(list_public, view(&out), GH_ERR_CORRUPT);
}

/* Truly signed, but no manifest. */
static void assert_payload(const char *hex, enum gh_status expected)
{
    uint8_t buffer[4096], payload[1024];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    size_t size = strlen(hex) / 2;
    assert_true(size <= sizeof(payload));
    assert_int_equal(gh_hex_decode(hex, strlen(hex), payload, size), GH_OK);
    struct gh_bytes bytes = sign(&writer, list_key, payload, size, aad);
    struct gh_manifest out;
    struct gh_error err = {0};
    enum gh_status status = gh_manifest_read(list_public, bytes, &out, &err);
    if (status != expected) {
        fail_msg("%s: %s (%s)", hex, gh_status_text(status), err.text);
    }
}

#define HASH "055820a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
#define TAG_10 "0a481010101010101010"
#define TAGS TAG_10 "0b18290c481010101010101010"
#define POLICY "07a4010202191f4003190bb8041a00093a80"
/* RFC 8032, section 7.1, test 1 */
#define KEY_GOOD "5820d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define KEY_32 "58200000000000000000000000000000000000000000000000000000000000000000"

static void signed_nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "00",
        "80",
        "a0",
        "a10101",
        /* another version */
        "ab010102614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAGS,
        "ab010302614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAGS,
        "a8010102614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880",
        /* a key is missing, twice, or out of order */
        "aa010202614e031829041a5e5b5ff0" HASH "06193039" POLICY TAGS,
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0680" TAGS,
        "ab010202614e041a5e5b5ff0031829" HASH "06193039" POLICY "0880" TAGS,
        "ac010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "08800800" TAGS,
        "ac010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880617800" TAGS,
        /* trailing bytes */
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAGS "00",
        /* tags: missing, of another size, another one for the same generation; a snapshot of none,
         * of a later one */
        "a8010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880",
        "aa010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAG_10 "0b1829",
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880"
        "0a47101010101010100b18290c481010101010101010",
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAG_10
        "0b18290c4910101010101010100000",
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAG_10
        "0b18290c481010101010101011",
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAG_10
        "0b000c481010101010101010",
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAG_10
        "0b182a0c481010101010101010",
        /* area: empty, a NUL inside, not UTF-8, bytes */
        "ab01020260031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAGS,
        "ab010202624e00031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAGS,
        "ab01020261ff031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAGS,
        "ab010202414e031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAGS,
        /* generation: 0, negative, beyond 2^53 */
        "ab010202614e0300041a5e5b5ff0" HASH "06193039" POLICY "0880" TAGS,
        "ab010202614e0320041a5e5b5ff0" HASH "06193039" POLICY "0880" TAGS,
        "ab010202614e031b0020000000000001041a5e5b5ff0" HASH "06193039" POLICY "0880" TAGS,
        /* issue time: negative, the year 10000, a float */
        "ab010202614e03182904390001" HASH "06193039" POLICY "0880" TAGS,
        "ab010202614e031829041b0000003afff44180" HASH "06193039" POLICY "0880" TAGS,
        "ab010202614e03182904fb41d796d7fc000000" HASH "06193039" POLICY "0880" TAGS,
        /* hash: 31 bytes */
        "ab010202614e031829041a5e5b5ff005581fa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
        "a5a5a5a5a506193039" POLICY "0880" TAGS,
        /* snapshot size: negative */
        "ab010202614e031829041a5e5b5ff0" HASH "0620" POLICY "0880" TAGS,
        /* policy: rule 3, rule 2^32 + 2, time-outs out of range, age out of range, incomplete */
        "ab010202614e031829041a5e5b5ff0" HASH
        "0619303907a4010302191f4003190bb8041a00093a800880" TAGS,
        "ab010202614e031829041a5e5b5ff0" HASH
        "0619303907a4011b000000010000000202191f4003190bb8041a00093a800880" TAGS,
        "ab010202614e031829041a5e5b5ff0" HASH
        "0619303907a40102021903e703190bb8041a00093a800880" TAGS,
        "ab010202614e031829041a5e5b5ff0" HASH
        "0619303907a401020219ea6103190bb8041a00093a800880" TAGS,
        "ab010202614e031829041a5e5b5ff0" HASH
        "0619303907a4010202191f40031901f3041a00093a800880" TAGS,
        "ab010202614e031829041a5e5b5ff0" HASH "0619303907a4010202191f4003190bb804183b0880" TAGS,
        "ab010202614e031829041a5e5b5ff0" HASH
        "0619303907a4010202191f4003190bb8041b7fffffffffffffff0880" TAGS,
        "ab010202614e031829041a5e5b5ff0" HASH "0619303907a3010202191f4003190bb80880" TAGS,
        /* keys: huge counts, an unknown algorithm, a wrong length, a negative set of purposes */
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "089bffffffffffffffff" TAGS,
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "089a00000021" TAGS,
        "bbffffffffffffffff",
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0881a6012602" KEY_32
        "0302040005000660" TAGS,
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0881a60127024100"
        "0302040005000660" TAGS,
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0881a6013a7fffffff02" KEY_32
        "0302040005000660" TAGS,
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0881a6012702" KEY_32
        "0320040005000660" TAGS,
        /* purposes of more than 32 bits: only this is wrong with the key */
        "ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0881a6012702" KEY_GOOD
        "031b0000000100000002040005000660" TAGS,
    };
    assert_payload("ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0881a6012702" KEY_GOOD
                   "0302040005000660" TAGS,
                   GH_OK);
    assert_payload("ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAGS, GH_OK);
    assert_payload("ab010202614e031829041a5e5b5ff0" HASH "06193039" POLICY "0880" TAG_10
                   "0b010c481010101010101011",
                   GH_OK); /* of an earlier generation */
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        assert_payload(wrong[i], GH_ERR_CORRUPT);
    }
}

#define BEGIN "010202614e031829041a5e5b5ff0" HASH "06193039"
#define POLICY_4 "010202191f4003190bb8041a00093a80"
#define SECRET                                                                                     \
    "09582001"                                                                                     \
    "01010101010101010101010101010101010101010101010101010101010101"
#define KEY_6 "012702" KEY_GOOD "0302040005000660"

/* An earlier server says less: it is as at first. */
static void what_an_earlier_server_does_not_say_is_as_at_first(void **state)
{
    (void)state;
    static const char *const good[] = {
        "ab" BEGIN "07a4" POLICY_4 "0880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "05000880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "08800880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "09a30100020003600880" TAGS,
        "ab" BEGIN "07a4" POLICY_4 "0881a6" KEY_6 TAGS,
        "ab" BEGIN "07a4" POLICY_4 "0881a7" KEY_6 "07f4" TAGS,
        "ac" BEGIN "07a4" POLICY_4 "0880" SECRET TAGS,
    };
    static const struct gh_policy at_first;
    for (size_t i = 0; i < GH_ARRAY_SIZE(good); i++) {
        uint8_t buffer[4096], payload[1024];
        struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
        struct gh_manifest out;
        struct gh_error err = {0};
        size_t size = strlen(good[i]) / 2;
        assert_int_equal(gh_hex_decode(good[i], strlen(good[i]), payload, size), GH_OK);
        if (gh_manifest_read(list_public, sign(&writer, list_key, payload, size, aad), &out,
                             &err) != GH_OK) {
            fail_msg("%s: %s", good[i], err.text);
        }
        assert_int_equal(out.policy.home_rule, GH_HOME_CODE);
        assert_int_equal(out.policy.paper, at_first.paper);
        assert_int_equal(out.policy.list_stale_age_s, 86400);
        assert_int_equal(out.policy.old_list, GH_OLD_LIST_GUARD);
        assert_int_equal(out.policy.retention.passages_days, 30);
        assert_int_equal(out.policy.retention.others_days, 365);
        assert_int_equal(out.policy.clock, at_first.clock);
        assert_int_equal(out.policy.holder, at_first.holder);
        assert_int_equal(out.policy.rule_count, 0);
        assert_int_equal(out.policy.upstream.deadline_ms, 0);
        assert_int_equal(out.policy.opening.hours_count, 0);
        assert_int_equal(out.policy.passback.rule, GH_PASSBACK_OFF);
        assert_int_equal(out.policy.passback.forgive_s, 43200);
        assert_int_equal(out.policy.temperature.rule, GH_TEMPERATURE_OFF);
        assert_false(out.keys[0].revoked);
        assert_int_equal(out.holder_secret[31], i == 6 ? 1 : 0);
    }
}

#define REST_OF_POLICY "050006000700088009a30100020003600a183c0b000ca201010201"

static void bad_new_members_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        /* policy: paper 3, clock 2, holder 3, out of order, twice, a negative one */
        "ab" BEGIN "07a5" POLICY_4 "05030880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "06020880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "07030880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "05200880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "051b00000001000000000880" TAGS,
        "ab" BEGIN "07a6" POLICY_4 "070005000880" TAGS,
        "ab" BEGIN "07a6" POLICY_4 "050005000880" TAGS,
        /* rules: no array, no text, no rule, not in its one spelling, a NUL inside, too many */
        "ab" BEGIN "07a5" POLICY_4 "08000880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "0881000880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "0881600880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "088163726564"
        "0880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "0881"
        "69726564202074657374"
        "0880" TAGS, /* "red  test" */
        "ab" BEGIN "07a5" POLICY_4 "0881"
        "69726564207465737420"
        "0880" TAGS, /* "red test " */
        "ab" BEGIN "07a5" POLICY_4 "0881"
        "69726564207465737400"
        "0880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "0881"
        "487265642074657374"
        "0880" TAGS, /* bytes */
        "ab" BEGIN "07a5" POLICY_4 "089819"
        "0880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "089bffffffffffffffff0880" TAGS,
        /* upstream: incomplete, a deadline of 99 ms, an offline rule 2, two spaces */
        "ab" BEGIN "07a5" POLICY_4 "09a2010002000880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "09a301186302000360"
        "0880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "09a301191389"
        "02000360"
        "0880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "09a30120"
        "02000360"
        "0880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "09a3010002020360"
        "0880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "09a301000200036461202062"
        "0880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "0900"
        "0880" TAGS,
        /* ages, rule and retention: 59 s, text, 2; no map, incomplete, 0 days, 3661 days */
        "ab" BEGIN "07a5" POLICY_4 "0a183b0880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "0a60"
        "0880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "0b020880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "0c000880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "0ca101010880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "0ca2010002010880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "0ca2010102000880" TAGS,
        "ab" BEGIN "07a5" POLICY_4 "0ca2010102190e4d0880" TAGS,
        /* keys: revoked 1, twice; purposes that are none, or foreign ones, or both */
        "ab" BEGIN "07a4" POLICY_4 "0881a7" KEY_6 "0701" TAGS,
        "ab" BEGIN "07a4" POLICY_4 "0881a8" KEY_6 "07f407f4" TAGS,
        "ab" BEGIN "07a4" POLICY_4 "0881a6012702" KEY_GOOD "0300040005000660" TAGS,
        "ab" BEGIN "07a4" POLICY_4 "0881a6012702" KEY_GOOD "0301040005000660" TAGS,
        "ab" BEGIN "07a4" POLICY_4 "0881a6012702" KEY_GOOD "031820040005000660" TAGS,
        "ab" BEGIN "07a4" POLICY_4 "0881a6012702" KEY_GOOD "031840040005000660" TAGS,
        "ab" BEGIN "07a4" POLICY_4 "0881a6012702" KEY_GOOD "031842040005000660" TAGS,
        "ab" BEGIN "07a4" POLICY_4 "0881a6012702" KEY_GOOD "031880040005000660" TAGS,
        /* an algorithm that verifies nothing of ours */
        "ab" BEGIN "07a4" POLICY_4 "0881a601382402" KEY_GOOD "0302040005000660" TAGS,
        /* the secret: 31 bytes, 33, text */
        "ac" BEGIN "07a4" POLICY_4 "088009581f"
        "01010101010101010101010101010101010101010101010101010101010101" TAGS,
        "ac" BEGIN "07a4" POLICY_4 "0880095821"
        "010101010101010101010101010101010101010101010101010101010101010101" TAGS,
        "ac" BEGIN "07a4" POLICY_4 "0880097820"
        "0101010101010101010101010101010101010101010101010101010101010101" TAGS,
    };
    assert_payload("ac" BEGIN "07ac" POLICY_4 REST_OF_POLICY "0881a7" KEY_6 "07f5" SECRET TAGS,
                   GH_OK);
    assert_payload("ab" BEGIN "07a5" POLICY_4 "0881"
                   "68726564"
                   "2074657374"
                   "0880" TAGS,
                   GH_OK);
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        assert_payload(wrong[i], GH_ERR_CORRUPT);
    }
}

/* A later server may say more to later gates. */
static void later_keys_are_passed_over(void **state)
{
    (void)state;
    assert_payload("ae" BEGIN "07a4" POLICY_4 "0880" SECRET TAGS "0d8301820203a1616102186418ff",
                   GH_OK);
    assert_payload("ac" BEGIN "07a4" POLICY_4 "0880" TAGS "0d00", GH_OK);
    assert_payload("ab" BEGIN "07ad" POLICY_4 REST_OF_POLICY "10f50880" TAGS, GH_OK);
    assert_payload("ab" BEGIN "07a9" POLICY_4 "050006000700088009a40100020003600480"
                   "0880" TAGS,
                   GH_OK);
    assert_payload("ab" BEGIN "07a5" POLICY_4 "0ca3010102010300"
                   "0880" TAGS,
                   GH_OK);
    assert_payload("ab" BEGIN "07a4" POLICY_4 "0881a8" KEY_6 "07f40800" TAGS, GH_OK);
    /* But not twice, not backwards, and whole. */
    assert_payload("ad" BEGIN "07a4" POLICY_4 "0880" TAGS "0d000d00", GH_ERR_CORRUPT);
    assert_payload("ad" BEGIN "07a4" POLICY_4 "0880" TAGS "0e000d00", GH_ERR_CORRUPT);
    assert_payload("ad" BEGIN "07a4" POLICY_4 "0880" TAGS "0d00" SECRET, GH_ERR_CORRUPT);
    assert_payload("ac" BEGIN "07a4" POLICY_4 "0880" TAGS "0d81", GH_ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(only_the_list_key_signs_and_only_as_a_manifest),
        cmocka_unit_test(unprotected_headers_are_refused),
        cmocka_unit_test(signed_nonsense_is_refused),
        cmocka_unit_test(what_an_earlier_server_does_not_say_is_as_at_first),
        cmocka_unit_test(bad_new_members_are_refused),
        cmocka_unit_test(later_keys_are_passed_over),
    };
    return cmocka_run_group_tests(tests, make_all_keys, free_all_keys);
}
