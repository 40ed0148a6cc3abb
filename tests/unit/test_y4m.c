/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/bytes.h"
#include "gatehouse/y4m.h"
#include "one_file.h"

static int make_folder(void **state)
{
    (void)state;
    return make_folder_for("stream.y4m");
}

static struct gh_y4m *open_text(const void *data, size_t size)
{
    struct gh_y4m *stream = NULL;
    struct gh_error err = {0};

    write_file(data, size);
    if (gh_y4m_open(path, &stream, &err) != GH_OK)
        fail_msg("%s", err.text);
    assert_non_null(stream);
    return stream;
}

static void assert_refused(const void *data, size_t size, enum gh_status status)
{
    struct gh_y4m *stream = (struct gh_y4m *)1;
    struct gh_error err = {0};

    write_file(data, size);
    assert_string_equal(gh_status_text(gh_y4m_open(path, &stream, &err)), gh_status_text(status));
    assert_int_equal(err.status, status);
    assert_true(strlen(err.text) > 0);
    assert_null(stream);
}

#define TEXT(text) "" text, sizeof(text) - 1

static void assert_next(struct gh_y4m *stream, const char *luma, size_t size)
{
    uint8_t buffer[64];
    struct gh_error err = {0};

    if (gh_y4m_next(stream, buffer, sizeof(buffer), &err) != GH_OK)
        fail_msg("%s", err.text);
    assert_memory_equal(buffer, luma, size);
}

/* The error comes, and comes again. */
static void assert_ends(struct gh_y4m *stream, enum gh_status status)
{
    uint8_t buffer[64];

    for (int i = 0; i < 2; i++) {
        struct gh_error err = {0};
        assert_string_equal(gh_status_text(gh_y4m_next(stream, buffer, sizeof(buffer), &err)),
                            gh_status_text(status));
        assert_int_equal(err.status, status);
    }
    gh_y4m_close(stream);
}

/* 3x3: odd sides, so that chroma is rounded up. */
static void test_colours(void **state)
{
    static const struct {
        const char *name;
        size_t chroma;
    } colours[] = {
        {"", 8},           {" C420", 8},  {" C420jpeg", 8}, {" C420mpeg2", 8},
        {" C420paldv", 8}, {" C422", 12}, {" C444", 18},    {" Cmono", 0},
    };

    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(colours); i++) {
        char file[256];
        size_t size = (size_t)snprintf(file, sizeof(file),
                                       "YUV4MPEG2 W3 H3 F30:1 Ip A1:1%s XNAME\n", colours[i].name);
        for (int frame = 0; frame < 2; frame++) {
            size += (size_t)snprintf(file + size, sizeof(file) - size, "FRAME%s\n%s",
                                     frame ? " Ip" : "", frame ? "ihgfedcba" : "abcdefghi");
            memset(file + size, 'F', colours[i].chroma);
            size += colours[i].chroma;
        }
        struct gh_y4m *stream = open_text(file, size);
        const struct gh_y4m_info *info = gh_y4m_info(stream);
        assert_int_equal(info->width, 3);
        assert_int_equal(info->height, 3);
        assert_int_equal(info->rate_frames, 30);
        assert_int_equal(info->rate_seconds, 1);
        assert_next(stream, "abcdefghi", 9);
        assert_next(stream, "ihgfedcba", 9);
        assert_ends(stream, GH_ERR_END);
    }
}

static void test_no_frames_and_no_rate(void **state)
{
    (void)state;
    struct gh_y4m *stream = open_text(TEXT("YUV4MPEG2 H2 W1 F0:0\n"));
    assert_int_equal(gh_y4m_info(stream)->rate_frames, 0);
    assert_int_equal(gh_y4m_info(stream)->rate_seconds, 0);
    assert_ends(stream, GH_ERR_END);
}

static void test_half_frames_are_truncated(void **state)
{
    static const char whole[] = "YUV4MPEG2 W2 H2\nFRAME\nabcdUVFRAME\nefghUV";

    (void)state;
    size_t header = strlen("YUV4MPEG2 W2 H2\n"), frame = strlen("FRAME\nabcdUV");
    for (size_t size = header; size < sizeof(whole) - 1; size++) {
        struct gh_y4m *stream = open_text(whole, size);
        size_t frames = (size - header) / frame;
        if (frames > 0)
            assert_next(stream, "abcd", 4);
        assert_ends(stream, (size - header) % frame == 0 ? GH_ERR_END : GH_ERR_TRUNCATED);
    }
    for (size_t size = 0; size < header; size++)
        assert_refused(whole, size, GH_ERR_TRUNCATED);
}

static void test_damaged_frames(void **state)
{
    (void)state;
    assert_ends(open_text(TEXT("YUV4MPEG2 W1 H1 Cmono\nFRAMES\na")), GH_ERR_CORRUPT);
    assert_ends(open_text(TEXT("YUV4MPEG2 W1 H1 Cmono\nframe\na")), GH_ERR_CORRUPT);
    assert_ends(open_text(TEXT("YUV4MPEG2 W1 H1 Cmono\nFRAME\0\na")), GH_ERR_CORRUPT);
    char endless[4096] = "YUV4MPEG2 W1 H1 Cmono\nFRAME ";
    memset(endless + strlen(endless), 'x', sizeof(endless) - strlen(endless));
    assert_ends(open_text(endless, sizeof(endless)), GH_ERR_CORRUPT);
}

static void test_other_colours_are_refused(void **state)
{
    (void)state;
    assert_refused(TEXT("YUV4MPEG2 W1 H1 C420p10\n"), GH_ERR_UNSUPPORTED);
    assert_refused(TEXT("YUV4MPEG2 W1 H1 C422p16\n"), GH_ERR_UNSUPPORTED);
    assert_refused(TEXT("YUV4MPEG2 W1 H1 C444alpha\n"), GH_ERR_UNSUPPORTED);
    assert_refused(TEXT("YUV4MPEG2 W1 H1 Cmono16\n"), GH_ERR_UNSUPPORTED);
    assert_refused(TEXT("YUV4MPEG2 W1 H1 C411\n"), GH_ERR_UNSUPPORTED);
    assert_refused(TEXT("YUV4MPEG2 W1 H1 C\n"), GH_ERR_UNSUPPORTED);
}

static void test_hostile_headers(void **state)
{
    (void)state;
    assert_refused(TEXT("YUV4MPEG3 W1 H1\n"), GH_ERR_UNSUPPORTED);
    assert_refused(TEXT("YUV4MPEG21 W1 H1\n"), GH_ERR_UNSUPPORTED);
    assert_refused(TEXT("\x89PNG\r\n\x1a\n"), GH_ERR_UNSUPPORTED);
    assert_refused(TEXT("YUV4MPEG2 W20000 H20000\n"), GH_ERR_TOOBIG);
    assert_refused(TEXT("YUV4MPEG2 W4294967297 H1\n"), GH_ERR_TOOBIG);
    assert_refused(TEXT("YUV4MPEG2 W99999999999999999999999999 H1\n"), GH_ERR_TOOBIG);
    assert_refused(TEXT("YUV4MPEG2 W1\n"), GH_ERR_CORRUPT);
    assert_refused(TEXT("YUV4MPEG2\n"), GH_ERR_CORRUPT);
    assert_refused(TEXT("YUV4MPEG2 W0 H1\n"), GH_ERR_CORRUPT);
    assert_refused(TEXT("YUV4MPEG2 W-1 H1\n"), GH_ERR_CORRUPT);
    assert_refused(TEXT("YUV4MPEG2 W1x H1\n"), GH_ERR_CORRUPT);
    assert_refused(TEXT("YUV4MPEG2 W H1\n"), GH_ERR_CORRUPT);
    assert_refused(TEXT("YUV4MPEG2 W1 H1 F30\n"), GH_ERR_CORRUPT);
    assert_refused(TEXT("YUV4MPEG2 W1 H1 F30:\n"), GH_ERR_CORRUPT);
    char endless[4096] = "YUV4MPEG2 X";
    memset(endless + strlen(endless), 'x', sizeof(endless) - strlen(endless));
    assert_refused(endless, sizeof(endless), GH_ERR_CORRUPT);
}

static void test_small_buffer_loses_nothing(void **state)
{
    uint8_t buffer[3];

    (void)state;
    struct gh_y4m *stream = open_text(TEXT("YUV4MPEG2 W2 H2 Cmono\nFRAME\nabcd"));
    assert_int_equal(gh_y4m_next(stream, buffer, sizeof(buffer), NULL), GH_ERR_TOOBIG);
    assert_next(stream, "abcd", 4);
    assert_ends(stream, GH_ERR_END);
}

static void test_files(void **state)
{
    struct gh_y4m *stream = (struct gh_y4m *)1;
    struct gh_error err = {0};

    (void)state;
    (void)unlink(path);
    assert_int_equal(gh_y4m_open(path, &stream, &err), GH_ERR_NOTFOUND);
    assert_null(stream);
    assert_int_equal(gh_y4m_open(folder, &stream, NULL), GH_ERR_IO);
    gh_y4m_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_colours),
        cmocka_unit_test(test_no_frames_and_no_rate),
        cmocka_unit_test(test_half_frames_are_truncated),
        cmocka_unit_test(test_damaged_frames),
        cmocka_unit_test(test_other_colours_are_refused),
        cmocka_unit_test(test_hostile_headers),
        cmocka_unit_test(test_small_buffer_loses_nothing),
        cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
