/* SPDX-License-Identifier: Apache-2.0 */
/* What only entries of one type have: the door's, refused lists', and pruning's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/entry.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define ABS "abababababababababababababababababababababababababababababababab"
#define CDS "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
#define EFS "efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef"

static struct gh_entry of_type(enum gh_entry_type type)
{
    return (struct gh_entry){.type = type,
                             .gate = 1,
                             .sequence = 20,
                             .wall_ms = 5000,
                             .clock_trusted = true,
                             .monotonic_ms = 7};
}

static struct gh_entry pruned(void)
{
    struct gh_entry entry = of_type(GH_ENTRY_PRUNE);
    entry.through = 3;
    entry.erased = 7;
    entry.receipt.through = 9;
    memset(entry.through_sum, 0xab, sizeof(entry.through_sum));
    memset(entry.erased_sum, 0xcd, sizeof(entry.erased_sum));
    memset(entry.receipt.hash, 0xef, sizeof(entry.receipt.hash));
    memset(entry.receipt.signature, 0xab, sizeof(entry.receipt.signature));
    return entry;
}

static json_t *load(const char *text)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (object == NULL) {
        fail_msg("%s", text);
    }
    return object;
}

/* Written so, canonical, and read back as it was. */
static struct gh_entry assert_written(const struct gh_entry *entry, const char *before_gate,
                                      const char *between, const char *behind_prev)
{
    char text[GH_ENTRY_MAX_BYTES], again[GH_ENTRY_MAX_BYTES], expected[GH_ENTRY_MAX_BYTES];
    char *canonical;
    size_t size;
    struct gh_entry out;
    struct gh_error err = {0};
    snprintf(expected, sizeof(expected),
             "{%s\"gate\":\"0000000000000001\",%s\"prev\":\"" ZEROS "\",%s\"v\":1}", before_gate,
             between, behind_prev);
    assert_int_equal(gh_entry_format(entry, text), strlen(expected));
    assert_string_equal(text, expected);
    json_t *object = load(text);
    assert_int_equal(gh_entry_canonical(object, &canonical, &size), GH_OK);
    assert_string_equal(canonical, text);
    free(canonical);
    if (gh_entry_parse(object, &out, &err) != GH_OK) {
        fail_msg("%s", err.text);
    }
    json_decref(object);
    gh_entry_format(&out, again);
    assert_string_equal(again, text);
    return out;
}

static void the_door_says_what_it_did(void **state)
{
    (void)state;
    static const char *const words[GH_DOOR_EVENT_COUNT] = {
        [GH_DOOR_EVENT_OPENED] = "opened",
        [GH_DOOR_EVENT_PASSED] = "passed",
        [GH_DOOR_EVENT_HELD] = "held",
        [GH_DOOR_EVENT_SHUT] = "shut",
        [GH_DOOR_EVENT_UNUSED] = "unused",
        [GH_DOOR_EVENT_FORCED] = "forced",
        [GH_DOOR_EVENT_EXIT] = "exit",
        [GH_DOOR_EVENT_GUARD] = "guard",
        [GH_DOOR_EVENT_TEST] = "test",
        [GH_DOOR_EVENT_HOURS_OPEN] = "hours_open",
        [GH_DOOR_EVENT_HOURS_SHUT] = "hours_shut",
        [GH_DOOR_EVENT_FIRE] = "fire",
        [GH_DOOR_EVENT_FIRE_OVER] = "fire_over",
        [GH_DOOR_EVENT_TAMPER] = "tamper",
        [GH_DOOR_EVENT_TAMPER_OVER] = "tamper_over",
        [GH_DOOR_EVENT_TOGGLED] = "toggled",
    };
    for (int event = GH_DOOR_EVENT_OPENED; event < GH_DOOR_EVENT_COUNT; event++) {
        struct gh_entry entry = of_type(GH_ENTRY_DOOR);
        char head[128];
        entry.door = (enum gh_door_event)event;
        assert_string_equal(gh_door_event_name(entry.door), words[event]);
        snprintf(head, sizeof(head), "\"clock\":\"trusted\",\"event\":\"%s\",", words[event]);
        struct gh_entry out = assert_written(&entry, head, "\"mono_ms\":7,",
                                             "\"seq\":20,\"time_ms\":5000,\"type\":\"door\",");
        assert_int_equal(out.door, event);
        entry.about = 19;
        entry.after_ms = event == GH_DOOR_EVENT_OPENED ? 0 : 1234;
        snprintf(head, sizeof(head),
                 "\"about\":19,\"after_ms\":%d,\"clock\":\"trusted\",\"event\":\"%s\",",
                 (int)entry.after_ms, words[event]);
        out = assert_written(&entry, head, "\"mono_ms\":7,",
                             "\"seq\":20,\"time_ms\":5000,\"type\":\"door\",");
        assert_int_equal(out.about, 19);
        assert_int_equal(out.after_ms, entry.after_ms);
    }
    assert_string_equal(gh_door_event_name(GH_DOOR_EVENT_NONE), "none");
    assert_string_equal(gh_door_event_name((enum gh_door_event)99), "none");
}

static void a_refused_list_says_why(void **state)
{
    (void)state;
    static const char *const words[] = {[GH_LIST_TROUBLE_ROLLBACK] = "rollback",
                                        [GH_LIST_TROUBLE_AREA] = "wrong_area",
                                        [GH_LIST_TROUBLE_SIGNATURE] = "bad_signature",
                                        [GH_LIST_TROUBLE_RETIRED_KEY] = "retired_key",
                                        [GH_LIST_TROUBLE_CORRUPT] = "corrupt"};
    for (int trouble = GH_LIST_TROUBLE_ROLLBACK; trouble <= GH_LIST_TROUBLE_CORRUPT; trouble++) {
        struct gh_entry entry = of_type(GH_ENTRY_LIST);
        char tail[128];
        entry.trouble = (enum gh_list_trouble)trouble;
        assert_string_equal(gh_list_trouble_name(entry.trouble), words[trouble]);
        snprintf(tail, sizeof(tail),
                 "\"seq\":20,\"time_ms\":5000,\"trouble\":\"%s\",\"type\":\"list\",",
                 words[trouble]);
        struct gh_entry out =
            assert_written(&entry, "\"clock\":\"trusted\",", "\"mono_ms\":7,", tail);
        assert_int_equal(out.trouble, trouble);
        assert_int_equal(out.offered, 0);
        entry.offered = 40;
        entry.generation = 41;
        out = assert_written(&entry, "\"clock\":\"trusted\",",
                             "\"list\":41,\"mono_ms\":7,\"offered\":40,", tail);
        assert_int_equal(out.offered, 40);
    }
    assert_string_equal(gh_list_trouble_name(GH_LIST_TROUBLE_NONE), "none");
    assert_string_equal(gh_list_trouble_name((enum gh_list_trouble)99), "none");
}

static void a_stale_list_has_an_age(void **state)
{
    (void)state;
    struct gh_entry entry = of_type(GH_ENTRY_PASSAGE);
    entry.outcome = GH_OUTCOME_OPEN;
    entry.reason = GH_REASON_OK;
    entry.generation = 41;
    entry.list_age_s = 90000;
    struct gh_entry out =
        assert_written(&entry, "\"clock\":\"trusted\",",
                       "\"list\":41,\"list_age_s\":90000,\"mono_ms\":7,\"outcome\":\"open\",",
                       "\"reason\":\"ok\",\"seq\":20,\"time_ms\":5000,\"type\":\"passage\",");
    assert_int_equal(out.list_age_s, 90000);
    entry.list_age_s = 0;
    assert_written(&entry, "\"clock\":\"trusted\",",
                   "\"list\":41,\"mono_ms\":7,\"outcome\":\"open\",",
                   "\"reason\":\"ok\",\"seq\":20,\"time_ms\":5000,\"type\":\"passage\",");
}

static struct gh_entry refused(uint64_t omitted)
{
    struct gh_entry entry = of_type(GH_ENTRY_PASSAGE);
    entry.outcome = GH_OUTCOME_DENY;
    entry.reason = GH_REASON_NOT_A_CODE;
    entry.omitted = omitted;
    return entry;
}

static void one_may_stand_for_more(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1, 4711, UINT64_C(1) << 53};
    for (size_t i = 0; i < GH_ARRAY_SIZE(counts); i++) {
        struct gh_entry entry = refused(counts[i]);
        char middle[128];
        (void)snprintf(middle, sizeof(middle),
                       "\"mono_ms\":7,\"omitted\":%" PRIu64 ",\"outcome\":\"deny\",", counts[i]);
        struct gh_entry out = assert_written(
            &entry, "\"clock\":\"trusted\",", middle,
            "\"reason\":\"not_a_code\",\"seq\":20,\"time_ms\":5000,\"type\":\"passage\",");
        assert_true(out.omitted == counts[i]);
    }
    struct gh_entry none = refused(0);
    assert_written(&none, "\"clock\":\"trusted\",", "\"mono_ms\":7,\"outcome\":\"deny\",",
                   "\"reason\":\"not_a_code\",\"seq\":20,\"time_ms\":5000,\"type\":\"passage\",");
}

/* Not written by us, and not believed of others. */
static void an_opening_stands_for_itself_alone(void **state)
{
    (void)state;
    struct gh_entry entry = refused(5), out;
    struct gh_error err = {0};
    char text[GH_ENTRY_MAX_BYTES];
    entry.outcome = GH_OUTCOME_OPEN;
    entry.reason = GH_REASON_OK;
    gh_entry_format(&entry, text);
    assert_null(strstr(text, "omitted"));
    json_t *object = load(text);
    assert_int_equal(json_object_set_new(object, "omitted", json_integer(5)), 0);
    assert_int_equal(gh_entry_parse(object, &out, &err), GH_ERR_INVALID);
    assert_string_equal(err.text, "the entry's \"omitted\" stands in one that opens");
    json_decref(object);
}

static void pruning_says_what_is_gone(void **state)
{
    (void)state;
    struct gh_entry entry = pruned();
    struct gh_entry out = assert_written(
        &entry, "\"clock\":\"trusted\",\"erased\":7,\"erased_sum\":\"" CDS "\",", "\"mono_ms\":7,",
        "\"receipt\":\"" ABS ABS "\",\"receipt_hash\":\"" EFS "\",\"receipt_seq\":9,\"seq\":20,"
        "\"through\":3,\"through_sum\":\"" ABS "\",\"time_ms\":5000,\"type\":\"prune\",");
    assert_int_equal(out.through, 3);
    assert_int_equal(out.erased, 7);
    assert_memory_equal(&out.receipt, &entry.receipt, sizeof(out.receipt));
    assert_memory_equal(out.through_sum, entry.through_sum, GH_SHA256_BYTES);
    assert_memory_equal(out.erased_sum, entry.erased_sum, GH_SHA256_BYTES);
    entry.through = 0;
    memset(entry.through_sum, 0, sizeof(entry.through_sum));
    out = assert_written(
        &entry, "\"clock\":\"trusted\",\"erased\":7,\"erased_sum\":\"" CDS "\",", "\"mono_ms\":7,",
        "\"receipt\":\"" ABS ABS "\",\"receipt_hash\":\"" EFS "\",\"receipt_seq\":9,\"seq\":20,"
        "\"time_ms\":5000,\"type\":\"prune\",");
    assert_int_equal(out.through, 0);
}

/* Members of one type are none of another's. */
static void other_types_do_without(void **state)
{
    (void)state;
    for (int type = GH_ENTRY_PASSAGE; type < GH_ENTRY_TYPES; type++) {
        static const struct {
            const char *name;
            enum gh_entry_type type;
        } members[] = {{"\"announcement\":", GH_ENTRY_ANNOUNCEMENT},
                       {"\"direction\"", GH_ENTRY_PASSAGE},
                       {"\"about\"", GH_ENTRY_DOOR},
                       {"\"after_ms\"", GH_ENTRY_DOOR},
                       {"\"trouble\"", GH_ENTRY_LIST},
                       {"\"offered\"", GH_ENTRY_LIST},
                       {"\"through\"", GH_ENTRY_PRUNE},
                       {"\"erased\"", GH_ENTRY_PRUNE},
                       {"\"receipt\"", GH_ENTRY_PRUNE},
                       {"\"erased_sum\"", GH_ENTRY_PRUNE},
                       {"\"list_age_s\"", GH_ENTRY_PASSAGE},
                       {"\"omitted\"", GH_ENTRY_PASSAGE},
                       {"\"jump_ms\"", GH_ENTRY_CLOCK}};
        struct gh_entry entry = pruned();
        char text[GH_ENTRY_MAX_BYTES];
        entry.type = (enum gh_entry_type)type;
        entry.door = GH_DOOR_EVENT_HELD;
        entry.about = entry.offered = entry.omitted = 5;
        entry.after_ms = entry.list_age_s = entry.jump_ms = 5;
        entry.trouble = GH_LIST_TROUBLE_CORRUPT;
        entry.direction = GH_DIRECTION_OUT;
        entry.announced = GH_ANNOUNCEMENT_SILENT;
        entry.announcement = 7;
        gh_entry_format(&entry, text);
        bool happens = entry.type == GH_ENTRY_DOOR || entry.type == GH_ENTRY_ANNOUNCEMENT;
        assert_int_equal(strstr(text, "\"event\"") != NULL, happens);
        for (size_t i = 0; i < GH_ARRAY_SIZE(members); i++) {
            if ((strstr(text, members[i].name) != NULL) != (members[i].type == entry.type)) {
                fail_msg("%s: %s", members[i].name, text);
            }
        }
    }
}

static void bad_members_are_named(void **state)
{
    (void)state;
    static const struct {
        enum gh_entry_type type;
        const char *name, *value;
    } wrong[] = {
        {GH_ENTRY_DOOR, "event", NULL},
        {GH_ENTRY_DOOR, "event", "\"none\""},
        {GH_ENTRY_DOOR, "event", "\"Opened\""},
        {GH_ENTRY_DOOR, "event", "1"},
        {GH_ENTRY_DOOR, "event", "\"played\""}, /* an announcement's */
        {GH_ENTRY_DOOR, "about", "0"},
        {GH_ENTRY_DOOR, "about", "\"19\""},
        {GH_ENTRY_DOOR, "after_ms", "-1"},
        {GH_ENTRY_LIST, "trouble", NULL},
        {GH_ENTRY_LIST, "trouble", "\"none\""},
        {GH_ENTRY_LIST, "trouble", "\"other\""},
        {GH_ENTRY_LIST, "offered", "0"},
        {GH_ENTRY_LIST, "offered", "-5"},
        {GH_ENTRY_PASSAGE, "list_age_s", "0"},
        {GH_ENTRY_PASSAGE, "list_age_s", "1.5"},
        {GH_ENTRY_PASSAGE, "omitted", "0"},
        {GH_ENTRY_PASSAGE, "omitted", "-1"},
        {GH_ENTRY_PASSAGE, "omitted", "1.5"},
        {GH_ENTRY_PASSAGE, "omitted", "\"5\""},
        {GH_ENTRY_PASSAGE, "omitted", "9007199254740993"}, /* beyond 2^53 */
        {GH_ENTRY_PRUNE, "through", "0"},
        {GH_ENTRY_PRUNE, "through", "8"}, /* more than erased */
        {GH_ENTRY_PRUNE, "through_sum", NULL},
        {GH_ENTRY_PRUNE, "through_sum", "\"ab\""},
        {GH_ENTRY_PRUNE, "erased", NULL},
        {GH_ENTRY_PRUNE, "erased", "10"}, /* more than the receipt is for */
        {GH_ENTRY_PRUNE, "erased_sum", NULL},
        {GH_ENTRY_PRUNE, "receipt_seq", NULL},
        {GH_ENTRY_PRUNE, "receipt_seq", "20"}, /* this entry itself */
        {GH_ENTRY_PRUNE, "receipt_hash", NULL},
        {GH_ENTRY_PRUNE, "receipt_hash", "\"" ABS "ab\""},
        {GH_ENTRY_PRUNE, "receipt", NULL},
        {GH_ENTRY_PRUNE, "receipt", "\"" ABS "\""},
        {GH_ENTRY_PRUNE, "receipt",
         ("\"ABabababababababababababababababababababababababababababababababab" ABS "\"")},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        struct gh_entry entry = pruned(), out;
        struct gh_error err = {0};
        char text[GH_ENTRY_MAX_BYTES], quoted[32];
        entry.type = wrong[i].type;
        entry.door = GH_DOOR_EVENT_HELD;
        entry.about = 19;
        entry.after_ms = 4;
        entry.trouble = GH_LIST_TROUBLE_AREA;
        entry.outcome = GH_OUTCOME_OPEN;
        entry.reason = GH_REASON_OK;
        gh_entry_format(&entry, text);
        json_t *object = load(text);
        assert_int_equal(gh_entry_parse(object, &out, NULL), GH_OK);
        if (wrong[i].value == NULL) {
            assert_int_equal(json_object_del(object, wrong[i].name), 0);
        } else {
            json_t *value = json_loads(wrong[i].value, JSON_DECODE_ANY, NULL);
            assert_int_equal(json_object_set_new(object, wrong[i].name, value), 0);
        }
        snprintf(quoted, sizeof(quoted), "\"%s\"", wrong[i].name);
        if (gh_entry_parse(object, &out, &err) != GH_ERR_INVALID ||
            strstr(err.text, quoted) == NULL) {
            fail_msg("%s = %s: %s", wrong[i].name, wrong[i].value != NULL ? wrong[i].value : "-",
                     err.text);
        }
        json_decref(object);
    }
    /* After what? */
    struct gh_entry entry = of_type(GH_ENTRY_DOOR), out;
    char text[GH_ENTRY_MAX_BYTES];
    entry.door = GH_DOOR_EVENT_FORCED;
    gh_entry_format(&entry, text);
    json_t *object = load(text);
    assert_int_equal(json_object_set_new(object, "after_ms", json_integer(5)), 0);
    assert_int_equal(gh_entry_parse(object, &out, NULL), GH_ERR_INVALID);
    json_decref(object);
}

static void types_have_names(void **state)
{
    (void)state;
    assert_string_equal(gh_entry_type_name(GH_ENTRY_DOOR), "door");
    assert_string_equal(gh_entry_type_name(GH_ENTRY_LIST), "list");
    assert_string_equal(gh_entry_type_name(GH_ENTRY_PRUNE), "prune");
    for (int type = 0; type < GH_ENTRY_TYPES; type++) {
        assert_string_not_equal(gh_entry_type_name((enum gh_entry_type)type), "unknown");
    }
    assert_string_equal(gh_entry_type_name((enum gh_entry_type)GH_ENTRY_TYPES), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_door_says_what_it_did),
        cmocka_unit_test(a_refused_list_says_why),
        cmocka_unit_test(a_stale_list_has_an_age),
        cmocka_unit_test(one_may_stand_for_more),
        cmocka_unit_test(an_opening_stands_for_itself_alone),
        cmocka_unit_test(pruning_says_what_is_gone),
        cmocka_unit_test(other_types_do_without),
        cmocka_unit_test(bad_members_are_named),
        cmocka_unit_test(types_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
