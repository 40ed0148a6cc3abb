/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <time.h>

#include "fakes/fake_clock.h"
#include "gate/thermometer.h"
#include "unit/iio_folder.h"

#define PATIENCE_MS 20000
#define FOREHEAD "15450\n" /* 35.85 degrees */
#define WALL "14811\n"     /* 23.07 degrees */

static struct gh_fake_clock clock_of_ours;
static struct gh_queue *queue;
static struct gh_thermometer *thermometer;
static struct gh_thermometer_options options;

static int setup(void **state)
{
    gh_fake_clock_init(&clock_of_ours, 1600000000);
    if (gh_queue_new(sizeof(struct gh_temperature_reading), 4, &queue) != GH_OK)
        return -1;
    options = (struct gh_thermometer_options){.sensor = "mlx90614",
                                              .iio_root = root,
                                              .least_millic = GH_BODY_MIN_MILLIC,
                                              .clock = &clock_of_ours.clock,
                                              .readings = queue};
    return iio_setup(state);
}

static int teardown(void **state)
{
    gh_thermometer_stop(thermometer);
    thermometer = NULL;
    gh_queue_free(queue);
    return iio_teardown(state);
}

static void start(void)
{
    struct gh_error err = {0};

    if (gh_thermometer_start(&options, &thermometer, &err) != GH_OK)
        fail_msg("%s", err.text);
}

static struct gh_temperature_reading next_reading(void)
{
    struct gh_temperature_reading reading;
    struct pollfd fd = {.fd = gh_queue_fd(queue), .events = POLLIN};

    while (!gh_queue_pop(queue, &reading)) {
        if (poll(&fd, 1, PATIENCE_MS) != 1)
            fail_msg("nobody was measured");
    }
    return reading;
}

static void pause_ms(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * GH_NS_PER_MS}, NULL);
}

static void wait_until_it_reads(int64_t millic)
{
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        struct gh_thermometer_state state = gh_thermometer_look(thermometer);
        if (state.reads && state.millic == millic) {
            assert_string_equal(state.trouble, "");
            return;
        }
        pause_ms(1);
    }
    fail_msg("it does not read that");
}

static void wait_until_trouble(const char *about)
{
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        struct gh_thermometer_state state = gh_thermometer_look(thermometer);
        if (!state.reads && strstr(state.trouble, about)) {
            assert_true(state.millic == 0);
            return;
        }
        pause_ms(1);
    }
    fail_msg("it does not say: %s", about);
}

static bool is_empty(void)
{
    struct gh_temperature_reading reading;

    return !gh_queue_pop(queue, &reading);
}

static void test_forehead(void **state)
{
    (void)state;

    iio_mlx90614("iio:device0", FOREHEAD);
    start();
    struct gh_temperature_reading reading = next_reading();
    assert_true(reading.millic == 35850);
    assert_true(reading.at_ns == GH_FAKE_CLOCK_START_NS);
    gh_fake_clock_advance_ms(&clock_of_ours, 200);
    while (next_reading().at_ns == GH_FAKE_CLOCK_START_NS) /* as long as somebody stays */
        continue;
    iio_write("iio:device0", "in_temp_object_raw", "15487\n");
    while (next_reading().millic != 36590)
        continue;
}

/* Only what may be somebody is handed on: nobody, somebody, nobody. */
static void test_wall(void **state)
{
    (void)state;

    iio_mlx90614("iio:device0", WALL);
    start();
    wait_until_it_reads(23070);
    assert_true(is_empty());
    iio_write("iio:device0", "in_temp_object_raw", FOREHEAD);
    assert_true(next_reading().millic == 35850);
    iio_write("iio:device0", "in_temp_object_raw", WALL);
    wait_until_it_reads(23070);
    while (!is_empty())
        continue;
    iio_write("iio:device0", "in_temp_object_raw", "14810\n");
    wait_until_it_reads(23050);
    assert_true(is_empty());
}

static void test_what_is_a_body(void **state)
{
    (void)state;
    static const struct {
        const char *millic;
        bool body;
    } readings[] = {{"29999\n", false}, {"30000\n", true}, {"45000\n", true}, {"45001\n", false}};

    iio_device("iio:device0", "mlx90614\n");
    iio_write("iio:device0", "in_temp_object_input", "0\n");
    start();
    wait_until_it_reads(0);
    for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        while (!is_empty())
            continue;
        iio_write("iio:device0", "in_temp_object_input", readings[i].millic);
        wait_until_it_reads(atoi(readings[i].millic));
        if (readings[i].body)
            assert_true(next_reading().millic == atoi(readings[i].millic));
        else
            assert_true(is_empty());
        iio_write("iio:device0", "in_temp_object_input", "0\n");
        wait_until_it_reads(0);
    }
}

/* The offset is part of what is handed on, and of what a body is. */
static void test_offset(void **state)
{
    (void)state;

    options.offset_millic = 800;
    iio_mlx90614("iio:device0", FOREHEAD);
    start();
    assert_true(next_reading().millic == 36650);
    wait_until_it_reads(36650);
    gh_thermometer_stop(thermometer);
    while (!is_empty())
        continue;
    options.offset_millic = -20000;
    start();
    wait_until_it_reads(15850);
    assert_true(is_empty());
}

/* Missing, unplugged, nonsense, plugged in again under another number. */
static void test_trouble(void **state)
{
    (void)state;

    start();
    wait_until_trouble("no sensor called mlx90614");
    iio_mlx90614("iio:device0", "0\n");
    wait_until_trouble("-273.150 degrees");
    iio_write("iio:device0", "in_temp_object_raw", FOREHEAD);
    assert_true(next_reading().millic == 35850);
    iio_write("iio:device0", "in_temp_object_raw", "nan\n");
    wait_until_trouble("is no number");
    iio_write("iio:device0", "in_temp_object_raw", WALL);
    wait_until_it_reads(23070);
    while (!is_empty())
        continue;
    iio_remove("iio:device0", "in_temp_object_raw");
    wait_until_trouble("has gone");
    iio_write("iio:device0", "name", "\n");
    wait_until_trouble("no sensor called mlx90614");
    assert_true(is_empty());
    iio_mlx90614("iio:device1", FOREHEAD);
    assert_true(next_reading().millic == 35850);
}

/* How often something stands in a file. */
static unsigned count_in(const char *path, const char *what)
{
    char line[512];
    unsigned count = 0;
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        count += strstr(line, what) != NULL;
    fclose(file);
    return count;
}

/* A sensor that reads another nonsense each time, with sense in between, fills no log. */
static void test_said_once(void **state)
{
    (void)state;
    char path[96];

    snprintf(path, sizeof(path), "%s/log", root);
    int before = dup(STDERR_FILENO);
    assert_non_null(freopen(path, "w", stderr));
    iio_mlx90614("iio:device0", "0\n");
    start();
    wait_until_trouble("-273.150 degrees");
    iio_write("iio:device0", "in_temp_object_raw", "10\n");
    wait_until_trouble("-272.950 degrees");
    iio_write("iio:device0", "in_temp_object_raw", WALL);
    wait_until_it_reads(23070);
    iio_write("iio:device0", "in_temp_object_raw", "20\n");
    wait_until_trouble("-272.750 degrees");
    iio_write("iio:device0", "in_temp_object_raw", WALL);
    wait_until_it_reads(23070);
    unsigned troubles = count_in(path, "cannot be"), cures = count_in(path, "measures");
    gh_fake_clock_advance_ms(&clock_of_ours, 60000); /* now it is over, */
    iio_write("iio:device0", "in_temp_object_raw", "14810\n");
    wait_until_it_reads(23050);
    iio_write("iio:device0", "in_temp_object_raw", "30\n");
    wait_until_trouble("-272.550 degrees"); /* and this is news */
    gh_thermometer_stop(thermometer);
    thermometer = NULL;
    assert_int_equal(fflush(stderr), 0);
    dup2(before, STDERR_FILENO);
    close(before);
    assert_int_equal(troubles, 1);
    assert_int_equal(cures, 0);
    assert_int_equal(count_in(path, "cannot be"), 2);
    assert_int_equal(count_in(path, "measures"), 1);
}

/* The gate is busy: nobody waits for it. */
static void test_full_queue(void **state)
{
    (void)state;

    iio_mlx90614("iio:device0", FOREHEAD);
    start();
    for (int ms = 0; ms < PATIENCE_MS && gh_queue_dropped(queue) < 2; ms++)
        pause_ms(1);
    assert_true(gh_queue_dropped(queue) >= 2);
    iio_write("iio:device0", "in_temp_object_raw", WALL);
    wait_until_it_reads(23070);
}

static void test_check(void **state)
{
    (void)state;
    char says[GH_THERMOMETER_SAYS_BYTES];
    struct gh_error err = {0};

    assert_int_equal(gh_thermometer_check(&options, says, &err), GH_ERR_NOTFOUND);
    assert_string_equal(says, "");
    assert_non_null(strstr(err.text, "mlx90614"));
    iio_mlx90614("iio:device0", FOREHEAD);
    options.offset_millic = 500;
    options.readings = NULL;
    assert_int_equal(gh_thermometer_check(&options, says, NULL), GH_OK);
    assert_non_null(strstr(says, "36.350 degrees"));
    assert_non_null(strstr(says, "iio:device0"));
    iio_write("iio:device0", "in_temp_object_raw", "13000\n");
    assert_int_equal(gh_thermometer_check(&options, says, NULL), GH_OK);
    assert_non_null(strstr(says, "-12.650 degrees"));
    iio_write("iio:device0", "in_temp_object_raw", "0\n");
    err = (struct gh_error){0};
    assert_int_equal(gh_thermometer_check(&options, says, &err), GH_ERR_RANGE);
}

static void test_stop(void **state)
{
    (void)state;

    gh_thermometer_stop(NULL);
    iio_mlx90614("iio:device0", FOREHEAD);
    for (int i = 0; i < 20; i++) { /* at once, before the thread has begun */
        start();
        gh_thermometer_stop(thermometer);
        thermometer = NULL;
    }
}

/* Where the wall is warm, only what is warmer is somebody. */
static void test_a_warm_wall(void **state)
{
    (void)state;
    char says[GH_THERMOMETER_SAYS_BYTES];

    options.least_millic = 35000;
    iio_device("iio:device0", "mlx90614\n");
    iio_write("iio:device0", "in_temp_object_input", "34999\n");
    assert_int_equal(gh_thermometer_check(&options, says, NULL), GH_OK);
    assert_null(strstr(says, "somebody"));
    start();
    wait_until_it_reads(34999);
    assert_true(is_empty());
    iio_write("iio:device0", "in_temp_object_input", "35000\n");
    assert_true(next_reading().millic == 35000);
    assert_int_equal(gh_thermometer_check(&options, says, NULL), GH_OK);
    assert_non_null(strstr(says, "35.000 degrees, which is somebody"));
}

/* What is wrong, though it reads, and reads that. */
static void wait_until_it_warns(bool wanted)
{
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        struct gh_thermometer_state state = gh_thermometer_look(thermometer);
        if (state.reads && (strstr(state.trouble, "least_millic") != NULL) == wanted)
            return;
        pause_ms(1);
    }
    fail_msg("%s", wanted ? "it says nothing" : "it still says so");
}

/* Somebody who never goes away is no body; readings are handed on all the same. */
static void test_somebody_for_ever(void **state)
{
    (void)state;

    iio_mlx90614("iio:device0", FOREHEAD);
    start();
    (void)next_reading();
    gh_fake_clock_advance_ms(&clock_of_ours, GH_BODY_ALWAYS_S * 1000 - 1);
    int64_t now_ns = gh_clock_monotonic_ns(&clock_of_ours.clock);
    while (next_reading().at_ns < now_ns)
        continue;
    wait_until_it_warns(false);
    gh_fake_clock_advance_ms(&clock_of_ours, 1);
    wait_until_it_warns(true);
    (void)next_reading();
    iio_write("iio:device0", "in_temp_object_raw", WALL);
    wait_until_it_warns(false);
    iio_write("iio:device0", "in_temp_object_raw", FOREHEAD);
    wait_until_it_reads(35850);
}

static pthread_mutex_t stall = PTHREAD_MUTEX_INITIALIZER;
static pthread_t main_thread;

static int64_t stalling_monotonic_ns(void *context)
{
    if (!pthread_equal(pthread_self(), main_thread)) {
        pthread_mutex_lock(&stall);
        pthread_mutex_unlock(&stall);
    }
    return gh_clock_monotonic_ns(context);
}

/* A read that does not come back: what was read before it is not what is. */
static void test_a_sensor_that_hangs(void **state)
{
    (void)state;
    struct gh_clock clock = clock_of_ours.clock;

    main_thread = pthread_self();
    clock.monotonic_ns = stalling_monotonic_ns;
    clock.context = &clock_of_ours.clock;
    options.clock = &clock;
    iio_mlx90614("iio:device0", WALL);
    start();
    wait_until_it_reads(23070);
    pthread_mutex_lock(&stall);
    gh_fake_clock_advance_ms(&clock_of_ours, GH_THERMOMETER_SILENT_S * 1000);
    wait_until_trouble("does not answer");
    pthread_mutex_unlock(&stall);
    wait_until_it_reads(23070);
    gh_thermometer_stop(thermometer);
    thermometer = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_forehead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wall, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_a_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trouble, setup, teardown),
        cmocka_unit_test_setup_teardown(test_said_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_check, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_warm_wall, setup, teardown),
        cmocka_unit_test_setup_teardown(test_somebody_for_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_sensor_that_hangs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
