/* SPDX-License-Identifier: Apache-2.0 */
/* What the control socket answers, whatever the gate is called and whatever is wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/control.h"
#include "gate/report.h"

static struct gh_report report;
static char answer[GH_CONTROL_ANSWER_BYTES];

/* As long as there is room, of two bytes a character, so that JSON escapes make it longer still. */
static void fill(char *text, size_t size)
{
    size_t at = 0;

    for (; at + 3 <= size; at += 2)
        memcpy(text + at, "\xc2\x85", 2);
    text[at] = '\0';
}

static int setup(void **state)
{
    (void)state;
    memset(&report, 0, sizeof(report));
    report.gate.enrolled = true;
    return 0;
}

/* Everything that there may be, and as long as it may be. */
static void be_full(void)
{
    fill(report.gate.name, sizeof(report.gate.name));
    fill(report.gate.area, sizeof(report.gate.area));
    fill(report.gate.url, sizeof(report.gate.url));
    fill(report.courier.trouble, sizeof(report.courier.trouble));
    report.courier.heard = report.courier.refused = report.courier.entries_fail = true;
    fill(report.camera_trouble, sizeof(report.camera_trouble));
    fill(report.readers.scanner.trouble, sizeof(report.readers.scanner.trouble));
    fill(report.readers.keyboard.trouble, sizeof(report.readers.keyboard.trouble));
    fill(report.thermometer.trouble, sizeof(report.thermometer.trouble));
    fill(report.voice.trouble, sizeof(report.voice.trouble));
    report.readers.scanner.wired = report.readers.keyboard.wired = true;
    report.has_camera = report.has_thermometer = report.has_sound = true;
    report.gate.list.usable = report.gate.journal.open = report.gate.passages.any = true;
    report.gate.passages.outcome = GH_OUTCOME_DENY;
    report.gate.passages.reason = GH_REASON_RED;
    report.gate.journal.last = report.gate.journal.acknowledged = UINT64_MAX;
    report.gate.door = (struct gh_gate_door){.causes = ~0u,
                                             .lines = ~0u,
                                             .wired = ~0u,
                                             .active = ~0u,
                                             .chattering = ~0u,
                                             .forced = true,
                                             .held = true};
    report.keeper_late = true; /* and no line is wired, which is as long as that gets */
}

static json_t *as_json(void)
{
    struct gh_writer writer = gh_writer_over(answer, sizeof(answer));

    assert_int_equal(gh_report_json(&report, &writer), GH_OK);
    assert_true(writer.size > 0 && writer.size < sizeof(answer));
    assert_int_equal(answer[writer.size - 1], '\n');
    assert_null(memchr(answer, '\n', writer.size - 1));
    json_t *object = json_loadb(answer, writer.size, 0, NULL);
    assert_non_null(object);
    return object;
}

static void test_everything_at_its_longest(void **state)
{
    (void)state;
    be_full();
    json_t *object = as_json();
    const json_t *devices = json_object_get(object, "devices");
    assert_string_equal(json_string_value(json_object_get(json_object_get(object, "gate"), "name")),
                        report.gate.name);
    assert_int_equal(json_object_size(devices), 5);
    json_decref(object);
}

/* What is wrong is said whole, to the words that matter, which come last. */
static void test_a_trouble_is_whole(void **state)
{
    (void)state;
    char path[160] = "/dev/serial/by-id/usb-a";
    struct gh_error err = {0};

    for (int i = 0; i < 40; i++)
        strcat(path, "\xe9\x9f\xb3");
    assert_int_equal(gh_fail(&err, GH_ERR_NOTFOUND, "%s is not there", path), GH_ERR_NOTFOUND);
    report.readers.scanner.wired = true;
    snprintf(report.readers.scanner.trouble, sizeof(report.readers.scanner.trouble), "%s",
             err.text);
    json_t *object = as_json();
    const json_t *scanner = json_object_get(json_object_get(object, "devices"), "scanner");
    assert_string_equal(json_string_value(json_object_get(scanner, "trouble")), err.text);
    json_decref(object);
}

/* A server's or a proxy's own words, cut in the middle of a character or of none at all, do not
 * make a gate dumb. */
static void test_a_trouble_of_any_bytes(void **state)
{
    (void)state;
    be_full();
    snprintf(report.courier.trouble, sizeof(report.courier.trouble), "%s", "/api: 502 \xe9\x9f");
    snprintf(report.camera_trouble, sizeof(report.camera_trouble), "%s", "caf\xe9: gone");
    snprintf(report.readers.scanner.trouble, sizeof(report.readers.scanner.trouble), "\xff");
    snprintf(report.thermometer.trouble, sizeof(report.thermometer.trouble), "\xc3");
    snprintf(report.voice.trouble, sizeof(report.voice.trouble), "\x80");
    json_t *object = as_json();
    const json_t *devices = json_object_get(object, "devices");
    const json_t *server = json_object_get(object, "server");
    assert_string_equal(json_string_value(json_object_get(server, "trouble")), "/api: 502 ??");
    const json_t *camera = json_object_get(devices, "camera");
    assert_string_equal(json_string_value(json_object_get(camera, "trouble")), "caf?: gone");
    assert_int_equal(json_object_size(devices), 5);
    json_decref(object);
}

static void test_camera(void **state)
{
    (void)state;
    json_t *object = as_json();
    assert_null(json_object_get(json_object_get(object, "devices"), "camera"));
    json_decref(object);
    report.has_camera = true;
    object = as_json();
    json_t *camera = json_object_get(json_object_get(object, "devices"), "camera");
    assert_true(json_is_true(json_object_get(camera, "open")));
    json_decref(object);
    snprintf(report.camera_trouble, sizeof(report.camera_trouble), "lost the camera");
    object = as_json();
    camera = json_object_get(json_object_get(object, "devices"), "camera");
    assert_true(json_is_false(json_object_get(camera, "open")));
    assert_string_equal(json_string_value(json_object_get(camera, "trouble")), "lost the camera");
    json_decref(object);
}

static int64_t held_s(int64_t failing_s)
{
    report.courier.entries_failing_ns = report.now_ns - failing_s * GH_NS_PER_S;
    json_t *object = as_json();
    int64_t value =
        json_integer_value(json_object_get(json_object_get(object, "server"), "entries_held_s"));
    json_decref(object);
    return value;
}

/* A server that is away for an hour is nothing unusual. */
static void test_entries_that_are_held(void **state)
{
    (void)state;
    const int64_t day_s = 86400;

    report.now_ns = 10 * day_s * GH_NS_PER_S;
    assert_true(held_s(9 * day_s) == 0); /* nothing fails now */
    report.courier.entries_fail = true;
    assert_true(held_s(3600) == 0);
    assert_true(held_s(day_s) == 0); /* without a list, as without a policy */
    assert_true(held_s(day_s + 1) == day_s + 1);
    report.gate.list.stale_age_s = 60;
    assert_true(held_s(60) == 0);
    assert_true(held_s(61) == 61);
}

static void test_when_the_server_was_heard(void **state)
{
    (void)state;

    report.now_ns = 500 * GH_NS_PER_S;
    json_t *object = as_json();
    const json_t *server = json_object_get(object, "server");
    assert_true(json_is_false(json_object_get(server, "heard")));
    assert_null(json_object_get(server, "heard_s_ago"));
    json_decref(object);
    report.courier.heard = report.courier.refused = true;
    report.courier.heard_ns = 488 * GH_NS_PER_S;
    object = as_json();
    server = json_object_get(object, "server");
    assert_int_equal(json_integer_value(json_object_get(server, "heard_s_ago")), 12);
    assert_true(json_is_true(json_object_get(server, "refuses")));
    json_decref(object);
}

static bool names_it(const json_t *array, const char *name)
{
    size_t i;
    json_t *one;

    json_array_foreach(array, i, one)
    {
        if (strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

/* Nobody is asked about what is not there. */
static void test_what_is_not_wired(void **state)
{
    (void)state;

    report.lines_wired = GH_LINE_BIT(GH_LINE_RELAY) | GH_LINE_BIT(GH_LINE_GREEN);
    report.gate.door.wired = GH_INPUT_BIT(GH_INPUT_EXIT);
    json_t *object = as_json();
    const json_t *names = json_object_get(json_object_get(object, "door"), "not_wired");
    assert_int_equal(json_array_size(names), GH_LINE_COUNT - 2 + GH_INPUT_COUNT - 1);
    assert_true(names_it(names, "lamp_red") && names_it(names, "buzzer"));
    assert_true(names_it(names, "fire") && names_it(names, "contact"));
    assert_false(names_it(names, "relay") || names_it(names, "lamp_green"));
    assert_false(names_it(names, "exit"));
    json_decref(object);
    report.lines_wired = report.gate.door.wired = ~0u;
    object = as_json();
    names = json_object_get(json_object_get(object, "door"), "not_wired");
    assert_int_equal(json_array_size(names), 0);
    json_decref(object);
}

/* --- metrics: https://prometheus.io/docs/instrumenting/exposition_formats/ --- */

static bool is_name(const char *text, size_t size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_0123456789";

    return size > 0 && strspn(text, letters) >= size;
}

/* "name 1", or "name{label="value"} 1", of the family that was declared last. */
static void check_sample(const char *line, const char *family)
{
    size_t size = strcspn(line, "{ ");
    char *end;

    assert_true(is_name(line, size));
    assert_true(strlen(family) == size && strncmp(line, family, size) == 0);
    if (line[size] == '{') {
        const char *value = strstr(line, "=\"");
        assert_non_null(value);
        assert_true(is_name(line + size + 1, (size_t)(value - line) - size - 1));
        const char *close = strstr(value, "\"} ");
        assert_non_null(close);
        assert_true(is_name(value + 2, (size_t)(close - value - 2)));
        line = close + 3;
    } else {
        line += size + 1;
    }
    (void)strtoull(line, &end, 10);
    assert_true(end > line && *end == '\0');
}

static void test_metrics_are_what_prometheus_reads(void **state)
{
    (void)state;
    struct gh_writer writer = gh_writer_over(answer, sizeof(answer) - 1);
    char family[128] = "", *rest = answer;

    be_full();
    gh_report_metrics(&report, &writer);
    assert_true(writer.size > 0 && writer.size < sizeof(answer) - 1);
    assert_int_equal(answer[writer.size - 1], '\n');
    answer[writer.size] = '\0';
    for (char *line = strtok_r(answer, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char type[16];
        if (strncmp(line, "# HELP ", 7) == 0)
            continue;
        if (line[0] == '#')
            assert_int_equal(sscanf(line, "# TYPE %127s %15s", family, type), 2);
        else
            check_sample(line, family);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_everything_at_its_longest, setup),
        cmocka_unit_test_setup(test_a_trouble_is_whole, setup),
        cmocka_unit_test_setup(test_a_trouble_of_any_bytes, setup),
        cmocka_unit_test_setup(test_camera, setup),
        cmocka_unit_test_setup(test_entries_that_are_held, setup),
        cmocka_unit_test_setup(test_what_is_not_wired, setup),
        cmocka_unit_test_setup(test_when_the_server_was_heard, setup),
        cmocka_unit_test_setup(test_metrics_are_what_prometheus_reads, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
