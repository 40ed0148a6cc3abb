/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/entry_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The row that a JSON text becomes, its cells separated by `|`. */
static void expect(const char *json, const char *cells)
{
    struct gh_table table;
    gh_entry_table_init(&table);
    json_t *row = json_loads(json, 0, NULL);
    assert_non_null(row);
    assert_int_equal(gh_entry_row_add(&table, row), GH_OK);
    char got[512] = "";
    for (size_t i = 0; i < table.cell_count; i++) {
        strcat(got, table.cells[i]);
        strcat(got, i + 1 < table.cell_count ? "|" : "");
    }
    assert_string_equal(got, cells);
    gh_table_free(&table);
    json_decref(row);
}

static void a_passage(void **state)
{
    (void)state;
    expect("{\"row\": 7, \"gate\": \"00000000000000a1\", \"gate_name\": \"North gate\","
           " \"name\": \"Ada Ahorn\", \"address\": \"Lane 7\", \"entry\": {\"type\": \"passage\","
           " \"time_ms\": 1583046000999, \"clock\": \"trusted\", \"outcome\": \"open\","
           " \"reason\": \"ok\", \"colour\": \"green\", \"subject\": \"00000000000000b1\"}}",
           "2020-03-01T07:00:00Z|North gate|open|Welcome|green|Ada Ahorn|Lane 7");
}

static void identifiers_stand_in_for_names(void **state)
{
    (void)state;
    expect("{\"gate\": \"00000000000000a1\", \"name\": null, \"address\": null,"
           " \"entry\": {\"type\": \"passage\", \"time_ms\": 0, \"clock\": \"untrusted\","
           " \"outcome\": \"guard\", \"reason\": \"clock_untrusted\","
           " \"subject\": \"00000000000000b1\", \"home\": \"00000000000000c1\"}}",
           "1970-01-01T00:00:00Z?|00000000000000a1|guard|This gate does not know the time|-|"
           "00000000000000b1|00000000000000c1");
}

static void one_that_stands_for_more(void **state)
{
    (void)state;
    static const struct {
        const char *omitted, *more;
    } cases[] = {{"123", ", and 123 more like it"},
                 {"9007199254740992", ", and 9007199254740992 more like it"},
                 {"0", ""},
                 {"-5", ""},
                 {"\"many\"", ""},
                 {"1.5", ""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char json[256], cells[256];
        (void)snprintf(
            json, sizeof(json),
            "{\"gate_name\": \"N\", \"entry\": {\"type\": \"passage\", \"time_ms\": 1000,"
            " \"outcome\": \"deny\", \"reason\": \"not_a_code\", \"omitted\": %s}}",
            cases[i].omitted);
        (void)snprintf(cells, sizeof(cells),
                       "1970-01-01T00:00:01Z|N|deny|Not a health or housing code%s|-|-|-",
                       cases[i].more);
        expect(json, cells);
    }
}

static void what_is_no_passage(void **state)
{
    (void)state;
    expect("{\"gate_name\": \"N\", \"entry\": {\"type\": \"start\", \"time_ms\": 1000}}",
           "1970-01-01T00:00:01Z|N|start|The gate started|-|-|-");
    expect("{\"gate_name\": \"N\", \"entry\": {\"type\": \"fault\", \"outcome\": \"guard\","
           " \"reason\": \"door_failed\", \"time_ms\": 1000}}",
           "1970-01-01T00:00:01Z|N|fault|The door could not be driven|-|-|-");
    expect("{\"gate_name\": \"N\", \"entry\": {\"type\": \"clock\", \"clock\": \"trusted\","
           " \"jump_ms\": 86400000, \"time_ms\": 1000}}",
           "1970-01-01T00:00:01Z|N|clock|The clock was set forwards|-|-|-");
    expect("{\"gate_name\": \"N\", \"entry\": {\"type\": \"clock\", \"clock\": \"untrusted\","
           " \"jump_ms\": -1, \"time_ms\": 1000}}",
           "1970-01-01T00:00:01Z?|N|clock|The clock was set back|-|-|-");
    expect("{\"entry\": {\"type\": \"clock\", \"clock\": \"trusted\", \"time_ms\": 1000}}",
           "1970-01-01T00:00:01Z|-|clock|The clock is trusted|-|-|-");
    expect("{\"entry\": {\"type\": \"clock\", \"clock\": \"untrusted\", \"time_ms\": 1000}}",
           "1970-01-01T00:00:01Z?|-|clock|The clock is not trusted|-|-|-");
}

static void what_the_door_did(void **state)
{
    (void)state;
    static const struct {
        const char *token, *text;
    } events[] = {{"opened", "The door was opened"},
                  {"passed", "Somebody went through"},
                  {"held", "The door is held open"},
                  {"shut", "The door is shut again"},
                  {"unused", "Nobody opened the door"},
                  {"forced", "The door was forced open"},
                  {"exit", "The exit button unlocked the door"},
                  {"guard", "The guard's button unlocked the door"},
                  {"test", "Somebody at the board unlocked the door"},
                  {"hours_open", "Opening hours: the door is unlocked"},
                  {"hours_shut", "Opening hours: the door is locked again"},
                  {"fire", "Fire alarm: the door is unlocked"},
                  {"fire_over", "The fire alarm is over"},
                  {"tamper", "The housing was opened"},
                  {"tamper_over", "The housing is shut again"},
                  {"toggled", "The decision locked the door again"},
                  {"melted", "melted"}};
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        char json[128], cells[128];
        snprintf(json, sizeof(json), "{\"entry\": {\"type\": \"door\", \"event\": \"%s\"}}",
                 events[i].token);
        snprintf(cells, sizeof(cells), "-|-|door|%s|-|-|-", events[i].text);
        expect(json, cells);
    }
}

static void announcements(void **state)
{
    (void)state;
    static const struct {
        const char *token, *text;
    } events[] = {{"played", "An announcement was played"},
                  {"expired", "An announcement expired before it was played"},
                  {"failed", "An announcement could not be played"},
                  {"silent", "An announcement, and no sound device"},
                  {"sung", "sung"}};
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        char json[128], cells[128];
        snprintf(json, sizeof(json), "{\"entry\": {\"type\": \"announcement\", \"event\": \"%s\"}}",
                 events[i].token);
        snprintf(cells, sizeof(cells), "-|-|announcement|%s|-|-|-", events[i].text);
        expect(json, cells);
    }
}

static void lists_and_pruning(void **state)
{
    (void)state;
    expect("{\"entry\": {\"type\": \"list\", \"trouble\": \"rollback\"}}",
           "-|-|list|A list was refused: older than one before|-|-|-");
    expect("{\"entry\": {\"type\": \"list\", \"trouble\": \"eaten\"}}", "-|-|list|eaten|-|-|-");
    expect("{\"entry\": {\"type\": \"prune\", \"erased\": 7}}",
           "-|-|prune|Old entries were removed at the gate|-|-|-");
}

static void what_this_tool_does_not_know(void **state)
{
    (void)state;
    expect("{\"entry\": {\"type\": \"passage\", \"outcome\": \"deny\", \"reason\": \"future\"}}",
           "-|-|deny|future|-|-|-");
    expect("{}", "-|-|-|-|-|-|-");
    expect("{\"entry\": [], \"gate\": 7}", "-|-|-|-|-|-|-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_passage),
        cmocka_unit_test(identifiers_stand_in_for_names),
        cmocka_unit_test(one_that_stands_for_more),
        cmocka_unit_test(what_is_no_passage),
        cmocka_unit_test(what_the_door_did),
        cmocka_unit_test(announcements),
        cmocka_unit_test(lists_and_pruning),
        cmocka_unit_test(what_this_tool_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
