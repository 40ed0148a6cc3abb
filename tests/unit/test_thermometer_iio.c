/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate/thermometer_iio.h"
#include "gatehouse/bytes.h"
#include "unit/iio_folder.h"

static struct gh_iio iio;
static struct gh_error err;

static void find(const char *sensor)
{
    err = (struct gh_error){0};
    if (gh_iio_find(sensor, root, &iio, &err) != GH_OK)
        fail_msg("%s", err.text);
}

static void assert_not_found(const char *sensor, enum gh_status status, const char *about)
{
    err = (struct gh_error){0};
    assert_int_equal(gh_iio_find(sensor, root, &iio, &err), status);
    if (!strstr(err.text, about))
        fail_msg("\"%s\" does not say: %s", err.text, about);
}

static int64_t read_millic(void)
{
    int64_t millic;

    err = (struct gh_error){0};
    if (gh_iio_read(&iio, &millic, &err) != GH_OK)
        fail_msg("%s", err.text);
    return millic;
}

static void assert_no_reading(enum gh_status status, const char *about)
{
    int64_t millic;

    err = (struct gh_error){0};
    assert_int_equal(gh_iio_read(&iio, &millic, &err), status);
    if (!strstr(err.text, about))
        fail_msg("\"%s\" does not say: %s", err.text, about);
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t micro;
    } good[] = {
        {"0\n", 0},
        {"20", 20000000},
        {"-13657.500000\n", -13657500000},
        {"+1", 1000000},
        {"0.031250000\n", 31250},
        {"-0.000001", -1},
        {"0.0000019", 1}, /* cut off */
        {"000000000000000000007", 7000000},
        {"999999999999", 999999999999000000},
        {"-999999999999.999999999999", -999999999999999999},
    };
    static const char *const bad[] = {
        "",      "\n",   "nan\n",        "inf",   "-",   "+-1", ".5",    "1.",  "1.x",
        "1e3",   " 1",   "1 ",           "1\n\n", "0x1", "1,5", "1.5.5", "--1", "1000000000000",
        "36.6C", "\xff", "no reading\n",
    };

    for (size_t i = 0; i < GH_ARRAY_SIZE(good); i++) {
        int64_t micro = 42;
        assert_true(gh_iio_parse(good[i].text, &micro));
        assert_true(micro == good[i].micro);
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++) {
        int64_t micro;
        if (gh_iio_parse(bad[i], &micro))
            fail_msg("\"%s\" was taken for a number", bad[i]);
    }
}

static void test_mlx90614(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        int64_t millic;
    } readings[] = {
        {"15487\n", 36590}, {"15488\n", 36610},  {"14811\n", 23070},  {"13657\n", -10},
        {"13658\n", 10},    {"10158\n", -69990}, {"32767\n", 382190},
    };

    iio_mlx90614("iio:device0", "15487\n");
    find("mlx90614");
    for (size_t i = 0; i < GH_ARRAY_SIZE(readings); i++) {
        iio_write("iio:device0", "in_temp_object_raw", readings[i].raw);
        assert_true(read_millic() == readings[i].millic);
    }
}

static void test_input(void **state)
{
    (void)state;

    iio_device("iio:device3", "mlx90632\n");
    iio_write("iio:device3", "in_temp_object_input", "36612\n");
    iio_write("iio:device3", "in_temp_scale", "7\n"); /* not of this one */
    find("mlx90632");
    assert_true(read_millic() == 36612);
    iio_write("iio:device3", "in_temp_object_input", "36612.5\n");
    assert_true(read_millic() == 36613);
}

/* Its own offset and scale come before those of all channels; without any, raw is it. */
static void test_offset_and_scale(void **state)
{
    (void)state;

    iio_device("iio:device0", "tmp006\n");
    iio_write("iio:device0", "in_temp_object_raw", "1171\n");
    find("tmp006");
    assert_true(read_millic() == 1171);
    iio_write("iio:device0", "in_temp_scale", "31.250000\n");
    find("tmp006");
    assert_true(read_millic() == 36594); /* 36593.75 */
    iio_write("iio:device0", "in_temp_object_scale", "62.500000000\n");
    iio_write("iio:device0", "in_temp_object_offset", "-0.5\n");
    iio_write("iio:device0", "in_temp_offset", "100000\n");
    find("tmp006");
    assert_true(read_millic() == 73156); /* 73156.25 */
    iio_write("iio:device0", "in_temp_object_raw", "-1\n");
    assert_true(read_millic() == -94); /* -93.75 */
}

static void test_rounding(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        int64_t millic;
    } readings[] = {{"0", 0},  {"1", 0},   {"2", 1},   {"3", 1},   {"5", 1},  {"6", 2},
                    {"-1", 0}, {"-2", -1}, {"-5", -1}, {"-6", -2}, {"-7", -2}};

    iio_device("iio:device0", "x\n");
    iio_write("iio:device0", "in_temp_object_raw", "0");
    iio_write("iio:device0", "in_temp_scale", "0.25");
    find("x");
    for (size_t i = 0; i < GH_ARRAY_SIZE(readings); i++) {
        iio_write("iio:device0", "in_temp_object_raw", readings[i].raw);
        assert_true(read_millic() == readings[i].millic);
    }
}

static void test_find(void **state)
{
    (void)state;
    char folder[128];

    assert_not_found("mlx90614", GH_ERR_NOTFOUND, "mlx90614");
    iio_device("iio:device0", "bme280\n");
    iio_device("trigger0", "mlx90614\n"); /* no device */
    iio_mlx90614("iio:device10", "15000\n");
    iio_mlx90614("iio:device9", "15487\n");
    assert_int_equal(mkdir(iio_path("iio:device1", ""), 0700), 0); /* it has no name */
    find("mlx90614");
    assert_true(read_millic() == 36590); /* 9 comes before 10 */
    assert_not_found("mlx9061", GH_ERR_NOTFOUND, "mlx9061");
    assert_not_found("mlx90614x", GH_ERR_NOTFOUND, "mlx90614x");
    assert_not_found("bme280", GH_ERR_UNSUPPORTED, "no contactless thermometer");
    snprintf(folder, sizeof(folder), "%s/iio:device10", root);
    find(folder);
    assert_true(read_millic() == 26850);
    snprintf(folder, sizeof(folder), "%s/iio:device11", root);
    assert_not_found(folder, GH_ERR_NOTFOUND, "no sensor is there");
    assert_int_equal(gh_iio_find("mlx90614", "/nowhere", &iio, NULL), GH_ERR_NOTFOUND);
    char *long_path = malloc(PATH_MAX + 2);
    assert_non_null(long_path);
    memset(long_path, '/', PATH_MAX + 1);
    long_path[PATH_MAX + 1] = '\0';
    assert_not_found(long_path, GH_ERR_INVALID, "too long");
    free(long_path);
}

static void test_wrong_settings(void **state)
{
    (void)state;

    iio_mlx90614("iio:device0", "15487\n");
    iio_write("iio:device0", "in_temp_scale", "much\n");
    assert_not_found("mlx90614", GH_ERR_CORRUPT, "in_temp_scale is no number");
    iio_write("iio:device0", "in_temp_scale", "0\n");
    assert_not_found("mlx90614", GH_ERR_CORRUPT, "scale");
    iio_write("iio:device0", "in_temp_scale", "20\n");
    iio_write("iio:device0", "in_temp_offset", "");
    assert_not_found("mlx90614", GH_ERR_CORRUPT, "in_temp_offset is no number");
}

static void test_impossible(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *about;
    } readings[] = {
        {"0\n", "-273.150 degrees"}, /* nothing is connected */
        {"10157\n", "-70.010"},          {"33658\n", "400.010"},           {"-1\n", "-273.170"},
        {"999999999999\n", "cannot be"}, {"-999999999999\n", "cannot be"},
    };

    iio_mlx90614("iio:device0", "15487\n");
    find("mlx90614");
    for (size_t i = 0; i < GH_ARRAY_SIZE(readings); i++) {
        iio_write("iio:device0", "in_temp_object_raw", readings[i].raw);
        assert_no_reading(GH_ERR_RANGE, readings[i].about);
    }
    iio_write("iio:device0", "in_temp_scale", "999999999999\n");
    find("mlx90614");
    assert_no_reading(GH_ERR_RANGE, "cannot be");
}

static void test_nonsense(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "nan\n", "no reading\n", "36,6\n"};
    char long_text[200];

    iio_mlx90614("iio:device0", "15487\n");
    find("mlx90614");
    for (size_t i = 0; i < GH_ARRAY_SIZE(texts); i++) {
        iio_write("iio:device0", "in_temp_object_raw", texts[i]);
        assert_no_reading(GH_ERR_CORRUPT, "in_temp_object_raw is no number");
    }
    memset(long_text, '1', sizeof(long_text));
    long_text[199] = '\0';
    iio_write("iio:device0", "in_temp_object_raw", long_text);
    assert_no_reading(GH_ERR_CORRUPT, "no number");
}

static void test_gone(void **state)
{
    (void)state;

    iio_mlx90614("iio:device0", "15487\n");
    find("mlx90614");
    iio_remove("iio:device0", "in_temp_object_raw");
    assert_no_reading(GH_ERR_GONE, "has gone");
    /* The sensor does not answer: here a folder in its place, which cannot be read. */
    assert_int_equal(mkdir(iio_path("iio:device0", "in_temp_object_raw"), 0700), 0);
    assert_no_reading(GH_ERR_IO, "does not answer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parse, iio_setup, iio_teardown),
        cmocka_unit_test_setup_teardown(test_mlx90614, iio_setup, iio_teardown),
        cmocka_unit_test_setup_teardown(test_input, iio_setup, iio_teardown),
        cmocka_unit_test_setup_teardown(test_offset_and_scale, iio_setup, iio_teardown),
        cmocka_unit_test_setup_teardown(test_rounding, iio_setup, iio_teardown),
        cmocka_unit_test_setup_teardown(test_find, iio_setup, iio_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_settings, iio_setup, iio_teardown),
        cmocka_unit_test_setup_teardown(test_impossible, iio_setup, iio_teardown),
        cmocka_unit_test_setup_teardown(test_nonsense, iio_setup, iio_teardown),
        cmocka_unit_test_setup_teardown(test_gone, iio_setup, iio_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
