/* SPDX-License-Identifier: Apache-2.0 */
/* gate_wrong.c: what of a gate's state makes `gate status` exit with 1, one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cli/gate_wrong.h"
#include "gatehouse/bytes.h"

/* A gate at which all is well; what is not asked about is left out. */
static const char well[] =
    "{'gate': {'enrolled': true, 'name': 'north'},"
    " 'server': {'heard': true, 'refuses': false, 'trouble': '', 'entries_held_s': 0},"
    " 'list': {'usable': true, 'age_s': 60, 'stale': false, 'too_old': false},"
    " 'clock': {'trusted': true, 'zone_missing': false},"
    " 'journal': {'open': true, 'large': false, 'waiting': 0, 'lost': 0},"
    " 'door': {'stuck': false, 'keeper_late': false, 'forced': false, 'held': false,"
    "  'inputs': {'contact': 'active', 'fire': 'inactive'}, 'chattering': []},"
    " 'devices': {'camera': {'open': true, 'trouble': ''},"
    "  'sound': {'open': true, 'trouble': '', 'prompts_missing': 0}}}";

/* With ' for ", which is easier to read. */
static json_t *parse(const char *text)
{
    char copy[2048];

    assert_true(strlen(text) < sizeof(copy));
    strcpy(copy, text);
    for (char *at = copy; (at = strchr(at, '\'')) != NULL;)
        *at = '"';
    json_t *value = json_loads(copy, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    return value;
}

/* The state, in which a member of a part (or of one in it: "sound") has this value. */
static struct gh_wrong look_with(const char *part, const char *member, const char *value)
{
    struct gh_wrong wrong;
    json_t *state = parse(well);
    json_t *object = json_object_get(state, part);

    if (!object)
        object = json_object_get(json_object_get(state, "devices"), part);
    assert_non_null(json_object_get(object, member));
    assert_int_equal(json_object_set_new(object, member, parse(value)), 0);
    gh_gate_wrong(state, &wrong);
    json_decref(state);
    return wrong;
}

static void test_all_is_well(void **state)
{
    (void)state;
    struct gh_wrong wrong;
    json_t *gate = parse(well);

    gh_gate_wrong(gate, &wrong);
    assert_int_equal(wrong.count, 0);
    json_object_set_new(json_object_get(gate, "server"), "trouble", json_string("no route"));
    gh_gate_wrong(gate, &wrong); /* a network that is away for a while */
    assert_int_equal(wrong.count, 0);
    json_decref(gate);
}

static void test_each_is_one_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *part, *member, *value, *says;
    } cases[] = {
        {"server", "refuses", "true", "the server refuses this gate: was it removed there?"},
        {"server", "entries_held_s", "172800", "has taken none of this gate's entries for 2 days"},
        {"server", "entries_held_s", "86401", "entries for 24 hours"},
        {"list", "usable", "false", "there is no list"},
        {"list", "stale", "true", "the list is stale: the server confirmed it last 60 seconds ago"},
        {"list", "too_old", "true", "nobody is let in by it"},
        {"clock", "trusted", "false", "the clock is not trusted"},
        {"clock", "zone_missing", "true", "time_zone is not known"},
        {"journal", "open", "false", "the journal cannot be opened"},
        {"journal", "large", "true", "larger than its limit"},
        {"journal", "waiting", "3", "3 entries could not be written yet"},
        {"journal", "lost", "1", "1 entries are lost"},
        {"door", "stuck", "true", "lines cannot be set"},
        {"door", "keeper_late", "true", "the door's keeper does not answer"},
        {"door", "forced", "true", "was forced"},
        {"door", "held", "true", "is held open"},
        {"door", "inputs", "{'fire': 'active'}", "the input fire is active"},
        {"door", "inputs", "{'tamper': 'active'}", "the input tamper is active"},
        {"door", "inputs", "{'contact': 'unknown'}", "the input contact cannot be read"},
        {"door", "chattering", "['exit']", "the input exit does not come to rest"},
        {"camera", "trouble", "'lost'", "camera: lost"},
        {"sound", "trouble", "'busy'", "sound: busy"},
        {"sound", "prompts_missing", "2", "2 prompts have no sound file"},
    };

    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_wrong wrong = look_with(cases[i].part, cases[i].member, cases[i].value);
        if (wrong.count != 1 || !strstr(wrong.text[0], cases[i].says))
            fail_msg("%s %s: %zu, %s", cases[i].part, cases[i].member, wrong.count,
                     wrong.count > 0 ? wrong.text[0] : "");
        assert_null(strchr(wrong.text[0], '\n'));
    }
}

/* One that waits for its enrolment has no journal and no server yet; its list and clock are said.
 */
static void test_not_enrolled(void **state)
{
    (void)state;
    struct gh_wrong wrong;
    json_t *gate = parse("{'gate': {'enrolled': false}, 'list': {'usable': false},"
                         " 'clock': {'trusted': false}, 'journal': {'open': false},"
                         " 'server': {'refuses': true}}");

    gh_gate_wrong(gate, &wrong);
    assert_int_equal(wrong.count, 3);
    assert_non_null(strstr(wrong.text[0], "not enrolled"));
    json_decref(gate);
}

/* Whatever comes over the socket. */
static void test_nonsense(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}", "[]", "{'door': [], 'gate': 1, 'devices': {'camera': 'x', 'sound': {'trouble': 3}}}",
        "{'door': {'inputs': {'fire': 1}, 'chattering': [null, 3]}}"};
    struct gh_wrong wrong;

    for (size_t i = 0; i < GH_ARRAY_SIZE(texts); i++) {
        json_t *gate = parse(texts[i]);
        gh_gate_wrong(gate, &wrong);
        assert_in_range(wrong.count, 1, GH_WRONG_MAX);
        json_decref(gate);
    }
    json_t *inputs = json_object(), *gate = parse(well);
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof(name), "input%d", i);
        json_object_set_new(inputs, name, json_string("unknown"));
    }
    json_object_set_new(json_object_get(gate, "door"), "inputs", inputs);
    gh_gate_wrong(gate, &wrong);
    assert_int_equal(wrong.count, GH_WRONG_MAX);
    json_decref(gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_well),
        cmocka_unit_test(test_each_is_one_sentence),
        cmocka_unit_test(test_not_enrolled),
        cmocka_unit_test(test_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
