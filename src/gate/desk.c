/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/desk.h"

#include <string.h>

#include "gatehouse/log.h"

static void look_everywhere(const struct gh_desk *desk, struct gh_report *report)
{
    gh_gate_describe(desk->gate, &report->gate);
    report->now_ns = gh_clock_monotonic_ns(desk->clock);
    report->courier = gh_courier_look(desk->courier);
    report->keeper_late = desk->watch->unanswered > 0;
    report->lines_wired = desk->lines_wired;
    report->see = gh_see_count(desk->see);
    report->has_camera = desk->has_camera;
    gh_see_trouble(desk->see, report->camera_trouble);
    report->readers = gh_readers_look(desk->readers);
    report->has_thermometer = desk->thermometer != NULL;
    if (desk->thermometer)
        report->thermometer = gh_thermometer_look(desk->thermometer);
    report->has_sound = desk->has_sound;
    report->voice = gh_voice_look(desk->voice);
    report->dropped = gh_queue_dropped(desk->sightings);
    report->uptime_s = (report->now_ns - desk->start_ns) / GH_NS_PER_S;
    report->memory_bytes = gh_resident_bytes();
}

static enum gh_status test_line(const struct gh_desk *desk, enum gh_line line, struct gh_error *err)
{
    if ((desk->lines_wired & GH_LINE_BIT(line)) == 0)
        return gh_fail(err, GH_ERR_NOTFOUND, "not there: no line is configured for %s",
                       gh_line_name(line));
    return gh_gate_test_line(desk->gate, line, err);
}

static enum gh_status test_one(const struct gh_desk *desk, const char *what, struct gh_error *err)
{
    if (strcmp(what, "relay") == 0)
        return gh_gate_test_relay(desk->gate, err);
    if (strcmp(what, "voice") == 0) {
        if (!desk->has_sound)
            return gh_fail(err, GH_ERR_NOTFOUND, "not there: no sound device is configured");
        gh_voice_prompt(desk->voice, GH_PROMPT_WELCOME);
        return GH_OK;
    }
    for (int line = 0; line < GH_LINE_COUNT; line++)
        if (strcmp(what, gh_line_name((enum gh_line)line)) == 0)
            return test_line(desk, (enum gh_line)line, err);
    return gh_fail(err, GH_ERR_INVALID, "there is no such test");
}

static void test(const struct gh_desk *desk, const char *what, struct gh_writer *answer)
{
    struct gh_error err = {0};

    enum gh_status status = test_one(desk, what, &err);
    gh_log(GH_LOG_NOTICE, "control", "a person at the board tests %.20s: %s", what,
           status == GH_OK ? "ok" : err.text);
    gh_writer_put_text(answer, status == GH_OK ? "ok"
                               : err.text[0]   ? err.text
                                               : gh_status_text(status));
    gh_writer_put_byte(answer, '\n');
}

void gh_desk_answer(void *context, const char *line, struct gh_writer *answer)
{
    const struct gh_desk *desk = context;
    struct gh_report report = {0};

    if (strncmp(line, "test ", 5) == 0) {
        test(desk, line + 5, answer);
        return;
    }
    bool status = strcmp(line, "status") == 0, metrics = strcmp(line, "metrics") == 0;
    if (status || metrics)
        look_everywhere(desk, &report);
    if (metrics)
        gh_report_metrics(&report, answer);
    else if (!status)
        gh_writer_put_text(answer, "what? status, metrics, or test WHAT\n");
    else if (gh_report_json(&report, answer) != GH_OK)
        gh_writer_put_text(answer, "{}\n");
}
