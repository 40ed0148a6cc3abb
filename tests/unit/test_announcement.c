/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "code/cbor.h"
#include "gatehouse/announcement.h"
#include "gatehouse/cose.h"
#include "list_keys_fixture.h"

#define AREA "North quarter"
#define AAD "gatehouse announcement v1"

static struct gh_announcement sample(void)
{
    struct gh_announcement announcement = {.id = 0x1122334455667788,
                                           .gate = 0x99aabbccddeeff00,
                                           .bytes = 160044,
                                           .from_s = 1583046000,
                                           .until_s = 1583046600,
                                           .repeat = 3};
    memset(announcement.sha256, 0xa5, sizeof(announcement.sha256));
    return announcement;
}

static struct gh_bytes view(const struct gh_writer *writer)
{
    return (struct gh_bytes){writer->data, writer->size};
}

static enum gh_status read_it(struct gh_bytes bytes, struct gh_announcement *out)
{
    static const struct gh_announcement zero;
    memset(out, 0xff, sizeof(*out));
    enum gh_status status = gh_announcement_read(list_public, AREA, bytes, out);
    if (status != GH_OK)
        assert_memory_equal(out, &zero, sizeof(zero));
    return status;
}

static void assert_same(const struct gh_announcement *a, const struct gh_announcement *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->gate, b->gate);
    assert_memory_equal(a->sha256, b->sha256, sizeof(a->sha256));
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->from_s, b->from_s);
    assert_int_equal(a->until_s, b->until_s);
    assert_int_equal(a->repeat, b->repeat);
    assert_int_equal(a->cancelled, b->cancelled);
}

static void is_read_as_written(void **state)
{
    struct gh_announcement said[3] = {sample(), sample(), sample()}, read;
    uint8_t buffer[GH_ANNOUNCEMENT_SIGNED_BYTES];
    (void)state;
    said[1].gate = 0;
    said[1].cancelled = true;
    said[2] = (struct gh_announcement){.id = UINT64_MAX,
                                       .gate = UINT64_MAX,
                                       .bytes = GH_ANNOUNCEMENT_MAX_BYTES,
                                       .from_s = INT64_MIN,
                                       .until_s = INT64_MAX,
                                       .repeat = GH_ANNOUNCEMENT_REPEAT_MAX};
    for (size_t i = 0; i < GH_ARRAY_SIZE(said); i++) {
        struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
        assert_int_equal(gh_announcement_write(list_key, AREA, &said[i], &writer), GH_OK);
        assert_int_equal(read_it(view(&writer), &read), GH_OK);
        assert_same(&read, &said[i]);
    }
}

static void the_longest_fits(void **state)
{
    struct gh_announcement said = sample(), read;
    uint8_t buffer[GH_ANNOUNCEMENT_SIGNED_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    char area[64];
    (void)state;
    memset(area, 'a', 63);
    area[63] = '\0';
    said.from_s = INT64_MIN;
    said.until_s = INT64_MAX;
    assert_int_equal(gh_announcement_write(list_key, area, &said, &writer), GH_OK);
    assert_int_equal(gh_announcement_read(list_public, area, view(&writer), &read), GH_OK);
    struct gh_writer tight = gh_writer_over(buffer, writer.size - 1);
    assert_int_equal(gh_announcement_write(list_key, area, &said, &tight), GH_ERR_TOOBIG);
}

static void every_bit_counts(void **state)
{
    struct gh_announcement said = sample(), read;
    uint8_t buffer[GH_ANNOUNCEMENT_SIGNED_BYTES + 1];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    (void)state;
    assert_int_equal(gh_announcement_write(list_key, AREA, &said, &writer), GH_OK);
    for (size_t bit = 0; bit < writer.size * 8; bit++) {
        buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(read_it(view(&writer), &read), GH_OK);
        buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < writer.size; size++)
        assert_int_equal(read_it((struct gh_bytes){buffer, size}, &read), GH_ERR_CORRUPT);
    buffer[writer.size] = 0;
    assert_int_equal(read_it((struct gh_bytes){buffer, writer.size + 1}, &read), GH_ERR_CORRUPT);
    assert_int_equal(read_it(view(&writer), &read), GH_OK);
}

/* What a signature does not cover says nothing. */
static void nothing_stands_beside_what_is_signed(void **state)
{
    static const uint8_t more[] = {0xa1, 0x18, 0x63, 0x00};
    struct gh_announcement said = sample(), read;
    uint8_t buffer[GH_ANNOUNCEMENT_SIGNED_BYTES], other[GH_ANNOUNCEMENT_SIGNED_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    struct gh_cose_sign1 message;
    (void)state;
    assert_int_equal(gh_announcement_write(list_key, AREA, &said, &writer), GH_OK);
    assert_int_equal(gh_cose_parse(view(&writer), false, &message), GH_OK);
    size_t at = (size_t)(message.protected_bytes.data - buffer) + message.protected_bytes.size;
    assert_int_equal(buffer[at], 0xa0); /* the unprotected header */
    memcpy(other, buffer, at);
    memcpy(other + at, more, sizeof(more));
    memcpy(other + at + sizeof(more), buffer + at + 1, writer.size - at - 1);
    struct gh_bytes bytes = {other, writer.size + sizeof(more) - 1};
    assert_int_equal(gh_cose_parse(bytes, false, &message), GH_OK);
    assert_int_equal(read_it(bytes, &read), GH_ERR_CORRUPT);
}

static void believes_only_its_key_and_area(void **state)
{
    struct gh_announcement said = sample(), read;
    uint8_t buffer[GH_ANNOUNCEMENT_SIGNED_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    (void)state;
    assert_int_equal(gh_announcement_write(other_key, AREA, &said, &writer), GH_OK);
    assert_int_equal(read_it(view(&writer), &read), GH_ERR_SIGNATURE);
    writer = gh_writer_over(buffer, sizeof(buffer));
    assert_int_equal(gh_announcement_write(list_key, "South quarter", &said, &writer), GH_OK);
    assert_int_equal(read_it(view(&writer), &read), GH_ERR_DENIED);
}

static void writes_nothing_that_would_be_refused(void **state)
{
    struct gh_announcement good = sample(), bad[] = {good, good, good, good, good, good, good};
    uint8_t buffer[GH_ANNOUNCEMENT_SIGNED_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    char long_area[65];
    (void)state;
    bad[0].id = 0;
    bad[1].bytes = 0;
    bad[2].bytes = GH_ANNOUNCEMENT_MAX_BYTES + 1;
    bad[3].until_s = bad[3].from_s;
    bad[4].repeat = 0;
    bad[5].repeat = GH_ANNOUNCEMENT_REPEAT_MAX + 1;
    bad[6].until_s = INT64_MIN;
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++)
        assert_int_equal(gh_announcement_write(list_key, AREA, &bad[i], &writer), GH_ERR_INVALID);
    assert_int_equal(gh_announcement_write(list_key, "", &good, &writer), GH_ERR_INVALID);
    memset(long_area, 'a', 64);
    long_area[64] = '\0';
    assert_int_equal(gh_announcement_write(list_key, long_area, &good, &writer), GH_ERR_INVALID);
    assert_int_equal(writer.size, 0);
}

/* --- what a list key might sign, and did not mean --- */

/* 0: as it should be. */
struct oddity {
    size_t pairs, version, id_bytes, gate_bytes, hash_bytes, repeat, more_keys;
    int64_t bytes, from, until;
    const char *aad;
    bool cancelled_is_number, no_area, keys_out_of_order;
};

static size_t or_usual(size_t value, size_t usual)
{
    return value != 0 ? value : usual;
}

static void put_odd(struct gh_writer *payload, const struct oddity *odd)
{
    static const uint8_t ones[64] = {1};
    gh_cbor_put_map(payload, or_usual(odd->pairs, 10) + odd->more_keys);
    gh_cbor_put_int(payload, odd->keys_out_of_order ? 2 : 1);
    gh_cbor_put_uint(payload, or_usual(odd->version, 1));
    gh_cbor_put_int(payload, 2);
    gh_cbor_put_text(payload, odd->no_area ? "" : AREA);
    gh_cbor_put_int(payload, 3);
    gh_cbor_put_bytes(payload, ones, or_usual(odd->id_bytes, 8));
    gh_cbor_put_int(payload, 4);
    gh_cbor_put_bytes(payload, ones, or_usual(odd->gate_bytes, 8));
    gh_cbor_put_int(payload, 5);
    gh_cbor_put_bytes(payload, ones, or_usual(odd->hash_bytes, 32));
    gh_cbor_put_int(payload, 6);
    gh_cbor_put_int(payload, odd->bytes != 0 ? odd->bytes : 44);
    gh_cbor_put_int(payload, 7);
    gh_cbor_put_int(payload, odd->from);
    gh_cbor_put_int(payload, 8);
    gh_cbor_put_int(payload, odd->until != 0 ? odd->until : 100);
    gh_cbor_put_int(payload, 9);
    gh_cbor_put_uint(payload, or_usual(odd->repeat, 1));
    gh_cbor_put_int(payload, 10);
    if (odd->cancelled_is_number)
        gh_cbor_put_uint(payload, 1);
    else
        gh_cbor_put_bool(payload, false);
    for (size_t i = 0; i < odd->more_keys; i++) {
        gh_cbor_put_int(payload, 11 + (int64_t)i);
        gh_cbor_put_text(payload, "a later version's");
    }
}

static enum gh_status read_odd(const struct oddity *odd)
{
    uint8_t inner[512], outer[1024];
    struct gh_announcement read;
    struct gh_writer payload = gh_writer_over(inner, sizeof(inner));
    struct gh_writer writer = gh_writer_over(outer, sizeof(outer));
    const char *aad = odd->aad != NULL ? odd->aad : AAD;
    put_odd(&payload, odd);
    assert_false(payload.overflow);
    assert_int_equal(gh_cose_write(&writer, list_key, view(&payload),
                                   (struct gh_bytes){(const uint8_t *)aad, strlen(aad)}),
                     GH_OK);
    return read_it(view(&writer), &read);
}

static void refuses_what_is_no_announcement(void **state)
{
    static const struct oddity odd[] = {
        {.pairs = 9},
        {.version = 2},
        {.id_bytes = 7},
        {.id_bytes = 9},
        {.gate_bytes = 16},
        {.hash_bytes = 31},
        {.hash_bytes = 33},
        {.bytes = -1},
        {.bytes = GH_ANNOUNCEMENT_MAX_BYTES + 1},
        {.bytes = INT64_MAX},
        {.from = 100},
        {.from = 101},
        {.until = -1},
        {.repeat = 21},
        {.repeat = SIZE_MAX},
        {.cancelled_is_number = true},
        {.keys_out_of_order = true},
        {.more_keys = 20}, /* more than it may have bytes */
    };
    (void)state;
    assert_int_equal(read_odd(&(struct oddity){0}), GH_OK);
    assert_int_equal(read_odd(&(struct oddity){.more_keys = 2}), GH_OK);
    assert_int_equal(read_odd(&(struct oddity){.no_area = true}), GH_ERR_DENIED);
    assert_int_equal(read_odd(&(struct oddity){.aad = "gatehouse list manifest v1"}),
                     GH_ERR_SIGNATURE);
    for (size_t i = 0; i < GH_ARRAY_SIZE(odd); i++)
        if (read_odd(&odd[i]) != GH_ERR_CORRUPT)
            fail_msg("case %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read_as_written),
        cmocka_unit_test(the_longest_fits),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(nothing_stands_beside_what_is_signed),
        cmocka_unit_test(believes_only_its_key_and_area),
        cmocka_unit_test(writes_nothing_that_would_be_refused),
        cmocka_unit_test(refuses_what_is_no_announcement),
    };
    return cmocka_run_group_tests_name("announcement", tests, make_keys, free_keys);
}
