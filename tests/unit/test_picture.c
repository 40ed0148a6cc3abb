/* SPDX-License-Identifier: Apache-2.0 */
/* picture.c, picture_pgm.c: PGM, and pictures in files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "one_file.h"
#include "picture_fixture.h"

static int make_folder(void **state)
{
    (void)state;
    return make_folder_for("picture");
}

/* --- PGM ------------------------------------------------------------------------------------- */

static void assert_pgm(const char *text, size_t size, uint32_t width, uint32_t height,
                       const char *luma)
{
    struct gh_picture picture = parse(text, size);

    assert_int_equal(picture.width, width);
    assert_int_equal(picture.height, height);
    assert_memory_equal(picture.luma, luma, (size_t)width * height);
    gh_picture_free(&picture);
}

#define PGM(text) "" text, sizeof(text) - 1

static void test_pgm_forms(void **state)
{
    (void)state;
    assert_pgm(PGM("P5\n2 3\n255\n\1\2\3\4\5\6"), 2, 3, "\1\2\3\4\5\6");
    assert_pgm(PGM("P5 2 1 255\n\n#"), 2, 1, "\n#"); /* pixels that look like blanks */
    assert_pgm(PGM("P5\n# a comment 9 9\n2#another\n 1\n#\n255 \0\xff and more"), 2, 1, "\0\xff");
    assert_pgm(PGM("P5\r\n2 1\r\n1\n\0\1"), 2, 1, "\0\xff");
    assert_pgm(PGM("P5 3 1 65535 \0\0\x80\x80\xff\xff"), 3, 1, "\0\x80\xff");
    assert_pgm(PGM("P5 2 1 256 \1\0\0\x80"), 2, 1, "\xff\x80");
    assert_pgm(PGM("P5 2 1 100 \0\x32"), 2, 1, "\0\x80");
    assert_pgm(PGM("P2\n2 2\n255\n0 7\n 255\n#c\n 12"), 2, 2, "\0\7\xff\14");
    assert_pgm(PGM("P2 2 1 65535 65535 32896 "), 2, 1, "\xff\x80");
    assert_pgm(PGM("P2 1 1 255\n7"), 1, 1, "\7");
}

static void test_pgm_hostile(void **state)
{
    (void)state;
    assert_refused(PGM("P5"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P5 2"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P5 2 3 255"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P5 2 3 255 12345"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P5 2 3 256 12345678901"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P5 2 3 # without an end"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P2 2 2 255 1 2 3"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P2 9000 4000 255 1 2 3"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P5 20000 20000 255 1"), GH_ERR_TOOBIG);
    assert_refused(PGM("P5 4294967297 1 255 1"), GH_ERR_TOOBIG);
    assert_refused(PGM("P5 1 99999999999999999999999999999 255 1"), GH_ERR_TOOBIG);
    assert_refused(PGM("P5 18446744073709551617 1 255 1"), GH_ERR_TOOBIG);
    assert_refused(PGM("P5 0 1 255 1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 -1 1 255 1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 +1 1 255 1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 1.0 1 255 1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 0x1 1 255 1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 1 1 0 1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 1 1 65536 11"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 1 1 255#1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P52 1 255 11"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 1 1 100 \x65"), GH_ERR_CORRUPT);
    assert_refused(PGM("P2 1 1 255 256"), GH_ERR_CORRUPT);
    assert_refused(PGM("P2 1 1 255 4294967296"), GH_ERR_CORRUPT);
    assert_refused(PGM("P2 1 1 255 x"), GH_ERR_CORRUPT);
}

/* --- files ----------------------------------------------------------------------------------- */

static enum gh_status load_status(const char *name)
{
    struct gh_picture picture = {(uint8_t *)1, 1, 1};
    struct gh_error err = {0};
    enum gh_status status = gh_picture_load(name, &picture, &err);

    assert_int_equal(err.status, status);
    assert_true((status == GH_OK) == (picture.luma != NULL));
    gh_picture_free(&picture);
    return status;
}

static void test_load(void **state)
{
    (void)state;
    assert_int_equal(load_status(path), GH_ERR_NOTFOUND);
    assert_int_equal(load_status(folder), GH_ERR_INVALID);
    write_file("", 0);
    assert_int_equal(load_status(path), GH_ERR_TRUNCATED);
    write_file("GIF89a", 6);
    assert_int_equal(load_status(path), GH_ERR_UNSUPPORTED);
    write_file(PGM("P5 1 1 255 x"));
    assert_int_equal(load_status(path), GH_OK);
    assert_int_equal(truncate(path, GH_PICTURE_MAX_FILE_BYTES + 1l), 0);
    assert_int_equal(load_status(path), GH_ERR_TOOBIG);
}

static void test_frame_and_free(void **state)
{
    (void)state;
    struct gh_picture picture = parse(PGM("P5 3 2 255 abcdef"));
    struct gh_frame frame = gh_picture_frame(&picture);
    assert_ptr_equal(frame.luma, picture.luma);
    assert_int_equal(frame.width, 3);
    assert_int_equal(frame.height, 2);
    assert_int_equal(frame.stride_bytes, 3);
    assert_int_equal(frame.step_bytes, 1);
    gh_picture_free(&picture);
    gh_picture_free(&picture);
    assert_null(picture.luma);
    gh_picture_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pgm_forms),
        cmocka_unit_test(test_pgm_hostile),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_frame_and_free),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
