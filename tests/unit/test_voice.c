/* SPDX-License-Identifier: Apache-2.0 */
/* The voice's thread, over an audio that writes down what it is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakes/wav_writer.h"
#include "gate/voice_parts.h"
#include "gatehouse/clock.h"
#include "gatehouse/file.h"

#define PATIENCE_MS 20000

/* What was played: the rate of each file is its name. */
struct fake_audio {
    pthread_mutex_t lock;
    unsigned rates[64];
    bool drained[64];
    size_t opened, closed;
    enum gh_status failure; /* of open */
    unsigned refused_rate;  /* it takes no such form */
    bool endless;           /* writes take their time */
    bool freed;
};

struct world {
    char folder[64];
    struct fake_audio audio;
    struct gh_queue *announced;
    struct gh_voice *voice;
};

static enum gh_status fake_open(void *context, const struct gh_wav *form, struct gh_error *err)
{
    struct fake_audio *audio = context;

    pthread_mutex_lock(&audio->lock);
    enum gh_status status = form->rate == audio->refused_rate ? GH_ERR_UNSUPPORTED : audio->failure;
    if (status == GH_OK && audio->opened < 64)
        audio->rates[audio->opened++] = form->rate;
    pthread_mutex_unlock(&audio->lock);
    return status == GH_OK ? GH_OK
                           : gh_fail(err, status, "sound device fake: %s", gh_status_text(status));
}

static enum gh_status fake_write(void *context, const void *frames, size_t count,
                                 struct gh_error *err)
{
    struct fake_audio *audio = context;

    (void)frames;
    (void)count;
    (void)err;
    pthread_mutex_lock(&audio->lock);
    bool endless = audio->endless;
    pthread_mutex_unlock(&audio->lock);
    if (endless)
        (void)poll(NULL, 0, 10);
    return GH_OK;
}

static void fake_close(void *context, bool drain)
{
    struct fake_audio *audio = context;

    pthread_mutex_lock(&audio->lock);
    audio->drained[audio->closed++] = drain;
    pthread_mutex_unlock(&audio->lock);
}

static void fake_free(void *context)
{
    ((struct fake_audio *)context)->freed = true;
}

static size_t count_of(struct fake_audio *audio, const size_t *what)
{
    pthread_mutex_lock(&audio->lock);
    size_t count = *what;
    pthread_mutex_unlock(&audio->lock);
    return count;
}

static void await(struct world *world, const size_t *what, size_t count)
{
    for (int waited = 0; count_of(&world->audio, what) < count; waited++) {
        assert_true(waited < PATIENCE_MS);
        (void)poll(NULL, 0, 1);
    }
}

static void write_wav(const struct world *world, const char *name, uint32_t rate, size_t frames)
{
    char path[256];
    struct wav_shape shape = {.rate = rate, .frames = frames};
    struct wav_file file = wav_file_make(&shape);
    struct gh_error err = {0};

    snprintf(path, sizeof(path), "%s/%s", world->folder, name);
    assert_int_equal(gh_file_replace(path, 0600, file.data, file.size, &err), GH_OK);
    wav_file_free(&file);
}

static void make_folder(const struct world *world, const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", world->folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    snprintf(world->folder, sizeof(world->folder), "/tmp/gatehouse-voice.XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    make_folder(world, "zh");
    make_folder(world, "en");
    pthread_mutex_init(&world->audio.lock, NULL);
    assert_int_equal(gh_queue_new(sizeof(struct gh_announced), 32, &world->announced), GH_OK);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    char command[128];

    gh_voice_stop(world->voice);
    assert_true(world->audio.freed || world->audio.opened == 0);
    snprintf(command, sizeof(command), "rm -rf %s", world->folder);
    assert_int_equal(system(command), 0);
    gh_queue_free(world->announced);
    pthread_mutex_destroy(&world->audio.lock);
    free(world);
    return 0;
}

/* own: a folder that comes before the world's. */
static void start_over(struct world *world, const char *languages, const char *own)
{
    struct gh_audio audio = {.open = fake_open,
                             .write = fake_write,
                             .close = fake_close,
                             .free = fake_free,
                             .context = &world->audio};
    struct gh_voice_options options = {.device = "fake",
                                       .languages = languages,
                                       .folders = {own, world->folder, NULL},
                                       .clock = gh_clock_system(),
                                       .announced = world->announced};
    struct gh_error err = {0};

    assert_int_equal(gh_voice_start_with(&options, &audio, &world->voice, &err), GH_OK);
}

static void start(struct world *world, const char *languages)
{
    start_over(world, languages, "");
}

static struct gh_announcement_job job(const struct world *world, gh_id id, const char *name)
{
    int64_t now_s = gh_clock_wall_s(gh_clock_system());
    struct gh_announcement_job made = {
        .announcement = {.id = id, .from_s = now_s - 60, .until_s = now_s + 600, .repeat = 1}};

    snprintf(made.path, sizeof(made.path), "%s/%s", world->folder, name);
    return made;
}

static struct gh_announced heard(struct world *world)
{
    struct pollfd fd = {.fd = gh_queue_fd(world->announced), .events = POLLIN};
    struct gh_announced announced = {0};

    while (!gh_queue_pop(world->announced, &announced))
        assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
    return announced;
}

static void test_a_prompt_in_each_language(void **state)
{
    struct world *world = *state;

    write_wav(world, "zh/welcome.wav", 8001, 100);
    write_wav(world, "en/welcome.wav", 8002, 100);
    start(world, "zh,en");
    gh_voice_prompt(world->voice, GH_PROMPT_WELCOME);
    await(world, &world->audio.closed, 2);
    assert_int_equal(world->audio.rates[0], 8001);
    assert_int_equal(world->audio.rates[1], 8002);
    assert_true(world->audio.drained[1]);
    while (gh_voice_look(world->voice).prompts == 0)
        (void)poll(NULL, 0, 1);
    struct gh_voice_state look = gh_voice_look(world->voice);
    assert_true(look.device_open);
    assert_string_equal(look.trouble, "");
    assert_int_equal(look.prompts_missing, 2 * (GH_PROMPT_COUNT - 1) - 2);
}

/* Sounds that are not sound are passed over. */
static void test_no_sound_file(void **state)
{
    struct world *world = *state;
    char path[256];
    struct gh_error err = {0};

    snprintf(path, sizeof(path), "%s/zh/welcome.wav", world->folder);
    assert_int_equal(gh_file_replace(path, 0600, "not a sound", 11, &err), GH_OK);
    write_wav(world, "en/welcome.wav", 8002, 100);
    start(world, "zh en");
    gh_voice_prompt(world->voice, GH_PROMPT_MOMENT); /* has no file at all */
    gh_voice_prompt(world->voice, GH_PROMPT_WELCOME);
    await(world, &world->audio.closed, 1);
    assert_int_equal(world->audio.rates[0], 8002);
}

static void test_an_announcement_breaks_off_a_prompt(void **state)
{
    struct world *world = *state;

    write_wav(world, "zh/welcome.wav", 8001, 8000 * 50);
    write_wav(world, "call.wav", 9000, 100);
    start(world, "zh");
    world->audio.endless = true;
    gh_voice_prompt(world->voice, GH_PROMPT_WELCOME);
    await(world, &world->audio.opened, 1);
    struct gh_announcement_job call = job(world, 5, "call.wav");
    gh_voice_announce(world->voice, &call);
    struct gh_announced announced = heard(world);
    assert_int_equal(announced.id, 5);
    assert_int_equal(announced.event, GH_ANNOUNCEMENT_PLAYED);
    assert_int_equal(world->audio.rates[1], 9000);
    assert_false(world->audio.drained[0]);
    assert_true(world->audio.drained[1]);
}

static void test_a_cancelled_one_falls_silent(void **state)
{
    struct world *world = *state;

    write_wav(world, "call.wav", 9000, 9000 * 50);
    start(world, "zh");
    world->audio.endless = true;
    struct gh_announcement_job call = job(world, 5, "call.wav");
    gh_voice_announce(world->voice, &call);
    await(world, &world->audio.opened, 1);
    call.announcement.cancelled = true;
    gh_voice_announce(world->voice, &call);
    await(world, &world->audio.closed, 1);
    assert_false(world->audio.drained[0]);
}

static void test_what_becomes_of_the_others(void **state)
{
    struct world *world = *state;
    char path[256];
    struct gh_error err = {0};

    snprintf(path, sizeof(path), "%s/bad.wav", world->folder);
    assert_int_equal(gh_file_replace(path, 0600, "RIFF....WAVE", 12, &err), GH_OK);
    write_wav(world, "call.wav", 9000, 100);
    start(world, "zh");
    struct gh_announcement_job bad = job(world, 6, "bad.wav"), none = job(world, 7, "none.wav"),
                               late = job(world, 8, "call.wav");
    gh_voice_announce(world->voice, &bad);
    struct gh_announced announced = heard(world);
    assert_int_equal(announced.id, 6);
    assert_int_equal(announced.event, GH_ANNOUNCEMENT_FAILED);
    gh_voice_announce(world->voice, &none);
    announced = heard(world);
    assert_int_equal(announced.id, 7);
    assert_int_equal(announced.event, GH_ANNOUNCEMENT_FAILED);
    late.announcement.until_s = late.announcement.from_s + 1;
    gh_voice_announce(world->voice, &late);
    announced = heard(world);
    assert_int_equal(announced.id, 8);
    assert_int_equal(announced.event, GH_ANNOUNCEMENT_EXPIRED);
    assert_int_equal(world->audio.opened, 0);
}

/* A device that is busy is tried again, and the announcement waits for it. */
static void test_a_device_that_comes_back(void **state)
{
    struct world *world = *state;

    write_wav(world, "zh/welcome.wav", 8001, 100);
    write_wav(world, "call.wav", 9000, 100);
    world->audio.failure = GH_ERR_BUSY;
    start(world, "zh");
    struct gh_announcement_job call = job(world, 5, "call.wav");
    gh_voice_announce(world->voice, &call);
    while (gh_voice_look(world->voice).trouble[0] == '\0')
        (void)poll(NULL, 0, 1);
    assert_non_null(strstr(gh_voice_look(world->voice).trouble, "sound device fake"));
    gh_voice_prompt(world->voice, GH_PROMPT_WELCOME); /* is lost */
    pthread_mutex_lock(&world->audio.lock);
    world->audio.failure = GH_OK;
    pthread_mutex_unlock(&world->audio.lock);
    assert_int_equal(heard(world).event, GH_ANNOUNCEMENT_PLAYED);
    assert_int_equal(world->audio.rates[0], 9000);
    assert_true(gh_voice_look(world->voice).device_open);
}

/* A form that the device does not take: told as failed at once, and prompts go on. */
static void test_a_form_that_is_not_taken(void **state)
{
    struct world *world = *state;

    write_wav(world, "zh/welcome.wav", 8001, 100);
    write_wav(world, "call.wav", 9000, 100);
    world->audio.refused_rate = 9000;
    start(world, "zh");
    struct gh_announcement_job call = job(world, 5, "call.wav");
    gh_voice_announce(world->voice, &call);
    assert_int_equal(heard(world).event, GH_ANNOUNCEMENT_FAILED);
    assert_non_null(strstr(gh_voice_look(world->voice).trouble, "sound device fake"));
    gh_voice_prompt(world->voice, GH_PROMPT_WELCOME);
    await(world, &world->audio.closed, 1);
    assert_int_equal(world->audio.rates[0], 8001);
    assert_string_equal(gh_voice_look(world->voice).trouble, "");
}

static void test_without_a_device(void **state)
{
    struct world *world = *state;
    struct gh_voice_options options = {.device = "",
                                       .languages = "zh,en",
                                       .folders = {world->folder},
                                       .clock = gh_clock_system(),
                                       .announced = world->announced};
    struct gh_error err = {0};
    int64_t until_ns = gh_clock_monotonic_ns(gh_clock_system()) + INT64_C(50000000);

    write_wav(world, "zh/welcome.wav", 9000, 100); /* as where the prompts are installed */
    assert_int_equal(gh_voice_start(&options, &world->voice, &err), GH_OK);
    gh_voice_prompt(world->voice, GH_PROMPT_WELCOME);
    while (gh_clock_monotonic_ns(gh_clock_system()) < until_ns) /* for the thread to go wrong in */
        assert_int_equal(gh_voice_look(world->voice).prompts, 0);
    struct gh_announcement_job call = job(world, 5, "call.wav");
    gh_voice_announce(world->voice, &call);
    assert_int_equal(heard(world).event, GH_ANNOUNCEMENT_SILENT);
    assert_false(gh_voice_look(world->voice).device_open);
}

static void test_languages_are_names_of_folders(void **state)
{
    struct world *world = *state;
    struct gh_voice_options options = {.device = "",
                                       .folders = {world->folder},
                                       .clock = gh_clock_system(),
                                       .announced = world->announced};
    static const char many[] = "zh,en,zh,en,zh,en,zh,en,zh,en,zh,en,zh,en,zh,en,zh,en,zh,en,zh,en";
    static const char *const wrong[] = {"../../etc", "zh;en", "a,b,c,d,e", "a-very-long-language",
                                        many};

    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        struct gh_error err = {0};
        options.languages = wrong[i];
        assert_int_not_equal(gh_voice_start(&options, &world->voice, &err), GH_OK);
        assert_null(world->voice);
        assert_true(err.text[0] != '\0');
    }
}

static void write_text(const struct world *world, const char *name, const char *text)
{
    char path[256];
    struct gh_error err = {0};

    snprintf(path, sizeof(path), "%s/%s", world->folder, name);
    assert_int_equal(gh_file_replace(path, 0600, text, strlen(text), &err), GH_OK);
}

/* A recording that is no sound gives way to the prompt that came with the program. */
static void test_the_next_folder_speaks(void **state)
{
    struct world *world = *state;
    char own[96];

    snprintf(own, sizeof(own), "%s/own", world->folder);
    make_folder(world, "own");
    make_folder(world, "own/zh");
    write_text(world, "own/zh/welcome.wav", "ID3 this is an MP3");
    write_wav(world, "zh/welcome.wav", 8001, 100);
    write_text(world, "zh/guard.wav", "RIFF");
    start_over(world, "zh", own);
    gh_voice_prompt(world->voice, GH_PROMPT_WELCOME);
    await(world, &world->audio.closed, 1);
    assert_int_equal(world->audio.rates[0], 8001);
    while (gh_voice_look(world->voice).prompts == 0)
        (void)poll(NULL, 0, 1);
    /* One is spoken; the other one is none, whatever its name says. */
    assert_int_equal(gh_voice_look(world->voice).prompts_missing, GH_PROMPT_COUNT - 2);
}

static void test_what_is_not_sound_is_told(void **state)
{
    struct world *world = *state;
    const char *const folders[GH_VOICE_FOLDERS] = {NULL, world->folder, ""};
    struct gh_error err = {0};

    assert_false(gh_voice_has_prompt(folders, "zh", GH_PROMPT_WELCOME, &err));
    assert_int_equal(err.status, GH_OK); /* there is none */
    write_text(world, "zh/welcome.wav", "RIFF");
    assert_false(gh_voice_has_prompt(folders, "zh", GH_PROMPT_WELCOME, &err));
    assert_non_null(strstr(err.text, "zh/welcome.wav: "));
    make_folder(world, "zh/guard.wav");
    err = (struct gh_error){0};
    assert_false(gh_voice_has_prompt(folders, "zh", GH_PROMPT_GUARD, &err));
    assert_non_null(strstr(err.text, "zh/guard.wav"));
    err = (struct gh_error){0};
    write_wav(world, "zh/moment.wav", 8000, 61 * 8000);
    assert_false(gh_voice_has_prompt(folders, "zh", GH_PROMPT_MOMENT, &err));
    assert_non_null(strstr(err.text, "longer than 60 s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_prompt_in_each_language, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_sound_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_announcement_breaks_off_a_prompt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_cancelled_one_falls_silent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_becomes_of_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_device_that_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_form_that_is_not_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_a_device, setup, teardown),
        cmocka_unit_test_setup_teardown(test_languages_are_names_of_folders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_next_folder_speaks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_sound_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
