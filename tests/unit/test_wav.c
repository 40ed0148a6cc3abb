/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fakes/wav_writer.h"
#include "gatehouse/wav.h"

static struct wav_file sound(size_t frames)
{
    return wav_file_make(&(struct wav_shape){.frames = frames});
}

/* Whether all is as it should be, on a copy of exactly this size: a sanitizer sees one byte more.
 */
static enum gh_status parse(const uint8_t *data, size_t size, struct gh_wav *out, char *why)
{
    static const struct gh_wav zero;
    struct gh_error err = {0};
    uint8_t *exact = malloc(size > 0 ? size : 1);
    memcpy(exact, data, size);
    enum gh_status status = gh_wav_parse((struct gh_bytes){exact, size}, out, &err);
    assert_int_equal(err.status, status);
    if (status != GH_OK) {
        assert_memory_equal(out, &zero, sizeof(zero));
        assert_true(strlen(err.text) > 0);
    } else {
        assert_true(out->sound.data >= exact && out->sound.data + out->sound.size <= exact + size);
    }
    if (why)
        memcpy(why, err.text, sizeof(err.text));
    free(exact);
    return status;
}

static void assert_refused(struct wav_file *file, enum gh_status expected, const char *why)
{
    struct gh_wav wav;
    char text[GH_ERROR_TEXT_BYTES];
    enum gh_status status = parse(file->data, file->size, &wav, text);
    if (status != expected || strstr(text, why) == NULL)
        fail_msg("%d, \"%s\" instead of %d, \"%s\"", status, text, expected, why);
    wav_file_free(file);
}

static void takes_what_it_should(void **state)
{
    static const struct wav_shape shapes[] = {
        {.frames = 1},
        {.frames = 8000, .rate = 8000},
        {.frames = 48000, .rate = 48000, .channels = 2},
        {.frames = 22050, .rate = 22050},
        {.frames = 100, .extensible = true},
        {.frames = 100, .list_before = true},
        {.frames = 100, .list_behind = true},
        {.frames = 60 * 16000},
        {.frames = 100, .riff_bytes = 1}, /* whatever RIFF says */
    };
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(shapes); i++) {
        const struct wav_shape *shape = &shapes[i];
        struct wav_file file = wav_file_make(shape);
        struct gh_wav wav;
        struct gh_error err = {0};
        assert_int_equal(gh_wav_parse((struct gh_bytes){file.data, file.size}, &wav, &err), GH_OK);
        unsigned rate = shape->rate ? shape->rate : 16000, channels = shape->channels == 2 ? 2 : 1;
        assert_int_equal(wav.rate, rate);
        assert_int_equal(wav.channels, channels);
        assert_int_equal(wav.frames, shape->frames);
        assert_int_equal(wav.sound.size, shape->frames * channels * 2);
        assert_memory_equal(wav.sound.data, file.data + file.sound, wav.sound.size);
        wav_file_free(&file);
    }
}

static void tells_how_long(void **state)
{
    (void)state;
    assert_int_equal(gh_wav_ms(&(struct gh_wav){.rate = 8000, .frames = 8000}), 1000);
    assert_int_equal(gh_wav_ms(&(struct gh_wav){.rate = 8000, .frames = 1}), 1);
    assert_int_equal(gh_wav_ms(&(struct gh_wav){.rate = 48000, .frames = 48001}), 1001);
}

static void refuses_other_sounds(void **state)
{
    static const struct {
        struct wav_shape shape;
        enum gh_status status;
        const char *why;
    } cases[] = {
        {{.frames = 9, .coding = 3}, GH_ERR_UNSUPPORTED, "coding 3"},
        {{.frames = 9, .coding = 3, .extensible = true}, GH_ERR_UNSUPPORTED, "coding 3"},
        {{.frames = 9, .coding = 0xfffe}, GH_ERR_UNSUPPORTED, "coding 65534"},
        {{.frames = 9, .bits = 8}, GH_ERR_UNSUPPORTED, "8 bits"},
        {{.frames = 9, .bits = 24}, GH_ERR_UNSUPPORTED, "24 bits"},
        {{.frames = 9, .channels = 3}, GH_ERR_UNSUPPORTED, "3 channels"},
        {{.frames = 9, .channels = 65535}, GH_ERR_UNSUPPORTED, "65535 channels"},
        {{.frames = 9, .rate = 7999}, GH_ERR_UNSUPPORTED, "7999 frames a second"},
        {{.frames = 9, .rate = 48001}, GH_ERR_UNSUPPORTED, "48001 frames a second"},
        {{.frames = 9, .rate = UINT32_MAX}, GH_ERR_UNSUPPORTED, "frames a second"},
        {{.frames = 9, .frame_bytes = 4}, GH_ERR_INVALID, "contradicts itself"},
        {{.frames = 9, .frame_bytes = 65535}, GH_ERR_INVALID, "contradicts itself"},
        {{.frames = 0}, GH_ERR_INVALID, "no sound"},
        {{.frames = 9, .sound_bytes = 1}, GH_ERR_INVALID, "no sound"},
        {{.frames = 9, .sound_bytes = 19}, GH_ERR_TRUNCATED, "ends before"},
        {{.frames = 9, .sound_bytes = UINT32_MAX}, GH_ERR_TRUNCATED, "ends before"},
        {{.frames = 60 * 16000 + 1}, GH_ERR_TOOBIG, "longer than 60 s"},
        {{.frames = 600 * 8000, .rate = 8000}, GH_ERR_TOOBIG, "600 s"},
        {{.frames = 9, .no_format = true}, GH_ERR_INVALID, "does not say"},
        {{.frames = 9, .format_bytes = 14}, GH_ERR_INVALID, "does not say"},
    };
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct wav_file file = wav_file_make(&cases[i].shape);
        assert_refused(&file, cases[i].status, cases[i].why);
    }
}

static void refuses_what_is_no_sound(void **state)
{
    struct wav_file file = sound(100);
    struct gh_wav wav;
    (void)state;
    assert_int_equal(parse((const uint8_t *)"", 0, &wav, NULL), GH_ERR_INVALID);
    assert_int_equal(parse((const uint8_t *)"ID3\4and an MP3", 13, &wav, NULL), GH_ERR_INVALID);
    assert_int_equal(parse((const uint8_t *)"RIFF\0\0\0\0AVI ", 12, &wav, NULL), GH_ERR_INVALID);
    assert_int_equal(parse((const uint8_t *)"RIFF\0\0\0\0WAVE", 12, &wav, NULL), GH_ERR_INVALID);
    for (size_t size = 0; size < file.size; size++)
        assert_int_not_equal(parse(file.data, size, &wav, NULL), GH_OK);
    assert_int_equal(parse(file.data, file.size, &wav, NULL), GH_OK);
    wav_file_free(&file);
}

/* The last, odd byte is no frame; a chunk of an odd size has one more byte behind it. */
static void reads_odd_sizes(void **state)
{
    struct wav_file file = wav_file_make(&(struct wav_shape){.frames = 9, .sound_bytes = 17});
    struct wav_file odd = wav_file_make(&(struct wav_shape){.frames = 9, .odd_chunk = true});
    struct gh_wav wav;
    (void)state;
    assert_int_equal(parse(file.data, file.size, &wav, NULL), GH_OK);
    assert_int_equal(wav.frames, 8);
    assert_int_equal(wav.sound.size, 16);
    assert_int_equal(parse(odd.data, odd.size, &wav, NULL), GH_OK);
    assert_int_equal(wav.frames, 9);
    wav_file_free(&file);
    wav_file_free(&odd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_it_should), cmocka_unit_test(tells_how_long),
        cmocka_unit_test(refuses_other_sounds), cmocka_unit_test(refuses_what_is_no_sound),
        cmocka_unit_test(reads_odd_sizes),
    };
    return cmocka_run_group_tests_name("wav", tests, NULL, NULL);
}
