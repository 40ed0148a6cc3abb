/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "gatehouse/compress.h"

#define TEXT "gatehouse, gatehouse, gatehouse, gatehouse, gatehouse"

static struct gh_bytes text(void)
{
    return (struct gh_bytes){.data = (const uint8_t *)TEXT, .size = sizeof(TEXT) - 1};
}

static struct gh_bytes compress(struct gh_bytes data, uint8_t **out)
{
    struct gh_bytes frame;
    assert_int_equal(gh_zstd_compress(data, out, &frame.size), GH_OK);
    frame.data = *out;
    return frame;
}

static void assert_refused(struct gh_bytes frame, size_t max_bytes, enum gh_status expected)
{
    uint8_t *out = (uint8_t *)1;
    size_t size = 1;
    assert_int_equal(gh_zstd_decompress(frame, max_bytes, &out, &size), expected);
    assert_null(out);
    assert_int_equal(size, 0);
}

static void comes_back(void **state)
{
    (void)state;
    uint8_t *packed, *out;
    size_t size;
    struct gh_bytes frame = compress(text(), &packed);
    assert_true(frame.size < sizeof(TEXT));
    assert_int_equal(gh_zstd_decompress(frame, sizeof(TEXT) - 1, &out, &size), GH_OK);
    assert_int_equal(size, sizeof(TEXT) - 1);
    assert_memory_equal(out, TEXT, sizeof(TEXT)); /* with a NUL behind it */
    free(out);
    free(packed);
}

static void nothing_comes_back_as_nothing(void **state)
{
    (void)state;
    uint8_t *packed, *out;
    size_t size;
    struct gh_bytes frame = compress((struct gh_bytes){0}, &packed);
    assert_true(frame.size > 0);
    assert_int_equal(gh_zstd_decompress(frame, 0, &out, &size), GH_OK);
    assert_int_equal(size, 0);
    assert_int_equal(out[0], '\0');
    free(out);
    free(packed);
}

static void too_much_is_refused_by_its_head(void **state)
{
    (void)state;
    uint8_t *packed;
    struct gh_bytes frame = compress(text(), &packed);
    assert_refused(frame, sizeof(TEXT) - 2, GH_ERR_TOOBIG);
    free(packed);
    /* A head alone that promises 2^62 bytes: nothing is allocated for it. */
    static const uint8_t head[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0,
                                   0,    0,    0,    0,    0x40, 1, 0, 0};
    assert_refused((struct gh_bytes){head, sizeof(head)}, 1 << 20, GH_ERR_TOOBIG);
}

/* A head that says less than there is. */
static void a_head_that_lies_is_refused(void **state)
{
    (void)state;
    uint8_t *packed;
    struct gh_bytes frame = compress(text(), &packed);
    assert_int_equal(packed[4] & 0xe0, 0x20); /* one segment, one byte for the size */
    packed[5]--;
    assert_refused(frame, sizeof(TEXT), GH_ERR_CORRUPT);
    packed[5] += 2;
    assert_refused(frame, sizeof(TEXT) + 1, GH_ERR_CORRUPT);
    free(packed);
}

static void what_is_not_one_frame_is_refused(void **state)
{
    (void)state;
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
    uint8_t *packed, buffer[512];
    struct gh_bytes frame = compress(text(), &packed);
    for (size_t size = 0; size < frame.size; size++)
        assert_refused((struct gh_bytes){packed, size}, 1000, GH_ERR_CORRUPT);
    memcpy(buffer, packed, frame.size);
    buffer[frame.size] = 0;
    assert_refused((struct gh_bytes){buffer, frame.size + 1}, 1000, GH_ERR_CORRUPT);
    memcpy(buffer + frame.size, packed, frame.size);
    assert_refused((struct gh_bytes){buffer, 2 * frame.size}, 1000, GH_ERR_CORRUPT);
    assert_refused((struct gh_bytes){skippable, sizeof(skippable)}, 1000, GH_ERR_CORRUPT);
    memcpy(buffer, skippable, sizeof(skippable));
    memcpy(buffer + sizeof(skippable), packed, frame.size);
    assert_refused((struct gh_bytes){buffer, sizeof(skippable) + frame.size}, 1000, GH_ERR_CORRUPT);
    assert_refused(text(), 1000, GH_ERR_CORRUPT);
    free(packed);
}

static void a_frame_without_its_size_is_refused(void **state)
{
    (void)state;
    uint8_t frame[256];
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
    size_t size = ZSTD_compress2(zstd, frame, sizeof(frame), TEXT, sizeof(TEXT));
    ZSTD_freeCCtx(zstd);
    assert_false(ZSTD_isError(size));
    assert_refused((struct gh_bytes){frame, size}, 1000, GH_ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(nothing_comes_back_as_nothing),
        cmocka_unit_test(too_much_is_refused_by_its_head),
        cmocka_unit_test(a_head_that_lies_is_refused),
        cmocka_unit_test(what_is_not_one_frame_is_refused),
        cmocka_unit_test(a_frame_without_its_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
