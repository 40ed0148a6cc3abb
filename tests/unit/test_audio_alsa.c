/* SPDX-License-Identifier: Apache-2.0 */
/* The real ALSA library, playing into a file: its plug-ins need no sound device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fakes/wav_writer.h"
#include "gate/audio.h"
#include "gatehouse/file.h"

static char folder[64];

static void path_of(const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", folder, name);
}

/* pcm.tape writes what it is given into a file. */
static int setup(void **state)
{
    char path[128], text[1024];
    struct gh_error err = {0};

    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/gatehouse-alsa.XXXXXX");
    assert_non_null(mkdtemp(folder));
    int length = snprintf(text, sizeof(text),
                          "pcm.nothing { type null }\n"
                          "pcm.tape { type file slave.pcm nothing file %s/tape format raw }\n",
                          folder);
    path_of("asound.conf", path);
    assert_int_equal(gh_file_replace(path, 0600, text, (size_t)length, &err), GH_OK);
    assert_int_equal(setenv("ALSA_CONFIG_PATH", path, 1), 0);
    return 0;
}

static int teardown(void **state)
{
    char path[128];

    (void)state;
    path_of("tape", path);
    (void)unlink(path);
    path_of("asound.conf", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static void play(struct gh_audio *audio, uint32_t rate, unsigned channels, size_t frames)
{
    struct wav_shape shape = {.rate = rate, .channels = channels, .frames = frames};
    struct wav_file file = wav_file_make(&shape);
    struct gh_error err = {0};
    struct gh_wav wav;

    assert_int_equal(gh_wav_parse((struct gh_bytes){file.data, file.size}, &wav, &err), GH_OK);
    assert_int_equal(audio->open(audio->context, &wav, &err), GH_OK);
    assert_int_equal(audio->write(audio->context, wav.sound.data, wav.frames, &err), GH_OK);
    audio->close(audio->context, true);
    wav_file_free(&file);
}

static void test_plays_every_frame(void **state)
{
    (void)state;
    struct gh_audio audio;
    struct gh_error err = {0};
    char path[128];
    uint8_t *data = NULL;
    size_t size = 0;
    struct wav_shape shape = {.rate = 16000, .channels = 1, .frames = 16000};

    assert_int_equal(gh_audio_alsa_new("tape", &audio), GH_OK);
    play(&audio, 16000, 1, 16000);
    audio.free(audio.context);
    path_of("tape", path);
    assert_int_equal(gh_file_read(path, 1 << 20, &data, &size, &err), GH_OK);
    struct wav_file file = wav_file_make(&shape);
    assert_int_equal(size, 32000);
    assert_memory_equal(data, file.data + file.sound, size);
    wav_file_free(&file);
    free(data);
}

static void test_again_and_in_other_forms(void **state)
{
    (void)state;
    struct gh_audio audio;

    assert_int_equal(gh_audio_alsa_new("tape", &audio), GH_OK);
    play(&audio, 8000, 1, 800);
    play(&audio, 48000, 2, 4800);
    play(&audio, 22050, 1, 1);
    audio.free(audio.context);
}

static void test_falls_silent_and_goes_on(void **state)
{
    (void)state;
    struct gh_audio audio;
    struct gh_error err = {0};
    struct gh_wav form = {.rate = 16000, .channels = 1};

    assert_int_equal(gh_audio_alsa_new("nothing", &audio), GH_OK);
    audio.close(audio.context, false); /* was never open */
    assert_int_equal(audio.open(audio.context, &form, &err), GH_OK);
    audio.close(audio.context, false);
    audio.close(audio.context, true);
    assert_int_equal(audio.open(audio.context, &form, &err), GH_OK);
    assert_int_equal(audio.open(audio.context, &form, &err), GH_OK); /* twice */
    play(&audio, 16000, 1, 100);
    audio.free(audio.context);
}

static void test_no_such_device(void **state)
{
    (void)state;
    struct gh_audio audio;
    struct gh_error err = {0};
    struct gh_wav form = {.rate = 16000, .channels = 1};

    assert_int_equal(gh_audio_alsa_new("trumpet", &audio), GH_OK);
    assert_int_equal(audio.open(audio.context, &form, &err), GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "trumpet"));
    audio.free(audio.context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plays_every_frame),
        cmocka_unit_test(test_again_and_in_other_forms),
        cmocka_unit_test(test_falls_silent_and_goes_on),
        cmocka_unit_test(test_no_such_device),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
