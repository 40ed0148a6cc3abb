/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/entry.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define BOOT "0123456789abcdef0123456789abcdef"

static struct gh_entry full(void)
{
    struct gh_entry entry = {
        .type = GH_ENTRY_PASSAGE,
        .gate = 0xa1,
        .sequence = 17,
        .wall_ms = INT64_C(1583046000123),
        .clock_trusted = true,
        .monotonic_ms = 4711,
        .boot_id = BOOT,
        .outcome = GH_OUTCOME_DENY,
        .reason = GH_REASON_RED,
        .kind = GH_KIND_HEALTH,
        .colour = GH_COLOUR_RED,
        .subject = UINT64_MAX,
        .home = 5,
        .health_code = 6,
        .housing_code = 7,
        .generation = 41,
        .form = GH_FORM_PAPER,
    };
    memset(entry.previous, 0xab, sizeof(entry.previous));
    return entry;
}

static json_t *load(const char *text)
{
    json_error_t error;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL) {
        fail_msg("%s: %s", text, error.text);
    }
    return object;
}

/* --- the form --------------------------------------------------------------------------------- */

static void is_written_in_canonical_form(void **state)
{
    (void)state;
    struct gh_entry entry = full();
    char text[GH_ENTRY_MAX_BYTES];
    size_t size = gh_entry_format(&entry, text);
    assert_string_equal(
        text, "{\"boot\":\"" BOOT "\",\"clock\":\"trusted\",\"colour\":\"red\",\"form\":\"paper\","
              "\"gate\":\"00000000000000a1\",\"health_code\":\"0000000000000006\","
              "\"home\":\"0000000000000005\",\"housing_code\":\"0000000000000007\","
              "\"kind\":\"health\",\"list\":41,\"mono_ms\":4711,\"outcome\":\"deny\","
              "\"prev\":\"abababababababababababababababababababababababababababababababab\","
              "\"reason\":\"red\",\"seq\":17,\"subject\":\"ffffffffffffffff\","
              "\"time_ms\":1583046000123,\"type\":\"passage\",\"v\":1}");
    assert_int_equal(size, strlen(text));
}

static struct gh_entry clock_entry(int64_t jump_ms)
{
    return (struct gh_entry){.type = GH_ENTRY_CLOCK,
                             .gate = 1,
                             .sequence = 2,
                             .wall_ms = INT64_C(1583046000123),
                             .clock_trusted = true,
                             .monotonic_ms = 4711,
                             .boot_id = BOOT,
                             .jump_ms = jump_ms};
}

static void a_clock_s_entry_says_how_far_it_was_set(void **state)
{
    (void)state;
    static const struct {
        int64_t jump_ms;
        const char *member;
    } cases[] = {
        {0, ""}, /* it became trusted, or is no longer */
        {1, "\"jump_ms\":1,"},
        {-86400000, "\"jump_ms\":-86400000,"},
        {INT64_C(1) << 53, "\"jump_ms\":9007199254740992,"},
        {-(INT64_C(1) << 53), "\"jump_ms\":-9007199254740992,"},
        {INT64_MAX, "\"jump_ms\":9007199254740992,"}, /* cut to what an entry can hold */
        {INT64_MIN, "\"jump_ms\":-9007199254740992,"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_entry in = clock_entry(cases[i].jump_ms), out;
        char text[GH_ENTRY_MAX_BYTES], again[GH_ENTRY_MAX_BYTES], expected[GH_ENTRY_MAX_BYTES];
        char *canonical;
        size_t size;
        snprintf(expected, sizeof(expected),
                 "{\"boot\":\"" BOOT "\",\"clock\":\"trusted\",\"gate\":\"0000000000000001\",%s"
                 "\"mono_ms\":4711,\"prev\":\"" ZEROS "\",\"seq\":2,\"time_ms\":1583046000123,"
                 "\"type\":\"clock\",\"v\":1}",
                 cases[i].member);
        gh_entry_format(&in, text);
        assert_string_equal(text, expected);
        json_t *object = load(text);
        assert_int_equal(gh_entry_parse(object, &out, NULL), GH_OK);
        assert_int_equal(out.type, GH_ENTRY_CLOCK);
        gh_entry_format(&out, again);
        assert_string_equal(again, text);
        assert_int_equal(gh_entry_canonical(object, &canonical, &size), GH_OK);
        assert_string_equal(canonical, text);
        free(canonical);
        json_decref(object);
    }
    /* Of other entries it is not a member. */
    struct gh_entry start = clock_entry(5);
    char text[GH_ENTRY_MAX_BYTES];
    start.type = GH_ENTRY_START;
    gh_entry_format(&start, text);
    assert_null(strstr(text, "jump_ms"));
}

static void bad_jumps_are_named(void **state)
{
    (void)state;
    static const char *const wrong[] = {"9007199254740993", "-9007199254740993", "1.0", "\"1\"",
                                        "null"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        struct gh_entry entry = clock_entry(7), out;
        struct gh_error err = {0};
        char text[GH_ENTRY_MAX_BYTES];
        gh_entry_format(&entry, text);
        json_t *object = load(text);
        assert_int_equal(
            json_object_set_new(object, "jump_ms", json_loads(wrong[i], JSON_DECODE_ANY, NULL)), 0);
        assert_int_equal(gh_entry_parse(object, &out, &err), GH_ERR_INVALID);
        assert_string_equal(err.text, "the entry's \"jump_ms\" is not a fitting integer");
        json_decref(object);
    }
}

static void forms_have_names(void **state)
{
    (void)state;
    static const char *const members[] = {
        [GH_FORM_PAPER] = "\"form\":\"paper\"", [GH_FORM_PHONE] = "\"form\":\"phone\""};
    for (int form = GH_FORM_NONE; form <= GH_FORM_PHONE; form++) {
        struct gh_entry in = full(), out;
        char text[GH_ENTRY_MAX_BYTES];
        in.form = (enum gh_form)form;
        gh_entry_format(&in, text);
        if (form == GH_FORM_NONE) {
            assert_null(strstr(text, "\"form\""));
        } else {
            assert_non_null(strstr(text, members[form]));
        }
        json_t *object = load(text);
        assert_int_equal(gh_entry_parse(object, &out, NULL), GH_OK);
        assert_int_equal(out.form, form);
        json_decref(object);
    }
}

static void what_is_not_known_is_left_out(void **state)
{
    (void)state;
    struct gh_entry entry = {.type = GH_ENTRY_START, .gate = 1, .sequence = 1, .boot_id = BOOT};
    char text[GH_ENTRY_MAX_BYTES];
    gh_entry_format(&entry, text);
    assert_string_equal(text, "{\"boot\":\"" BOOT "\",\"clock\":\"untrusted\","
                              "\"gate\":\"0000000000000001\",\"mono_ms\":0,\"prev\":\"" ZEROS
                              "\",\"seq\":1,\"time_ms\":0,\"type\":\"start\",\"v\":1}");
}

/* The largest there can be fits, and so does nonsense in every member. */
static void always_fits(void **state)
{
    (void)state;
    struct gh_entry entry = full();
    char text[GH_ENTRY_MAX_BYTES];
    entry.sequence = entry.generation = UINT64_MAX;
    entry.gate = entry.home = entry.health_code = entry.housing_code = UINT64_MAX;
    entry.wall_ms = entry.monotonic_ms = INT64_MIN;
    entry.reason = GH_REASON_JOURNAL_UNAVAILABLE;
    entry.kind = GH_KIND_ENROLMENT;
    entry.colour = GH_COLOUR_YELLOW;
    entry.type = GH_ENTRY_PASSAGE;
    entry.omitted = UINT64_MAX;
    entry.list_age_s = INT64_MAX;
    entry.direction = GH_DIRECTION_OUT;
    size_t size = gh_entry_format(&entry, text);
    assert_true(size < 800);
    json_t *object = load(text);
    assert_true(json_integer_value(json_object_get(object, "omitted")) == INT64_C(1) << 53);
    assert_true(json_integer_value(json_object_get(object, "seq")) == INT64_C(1) << 53);
    assert_true(json_integer_value(json_object_get(object, "mono_ms")) == -(INT64_C(1) << 53));
    json_decref(object);
    for (int type = GH_ENTRY_PASSAGE; type <= GH_ENTRY_TYPES; type++) {
        memset(&entry, 0x7f, sizeof(entry)); /* not even an end to its boot id */
        entry.clock_trusted = false;
        entry.kind = GH_KIND_ENROLMENT;
        entry.colour = GH_COLOUR_YELLOW;
        entry.form = GH_FORM_PAPER;
        entry.wall_ms = entry.monotonic_ms = entry.after_ms = entry.jump_ms = INT64_MIN;
        entry.type = (enum gh_entry_type)type;
        size = gh_entry_format(&entry, text);
        assert_true(size < GH_ENTRY_MAX_BYTES - 64);
        assert_int_equal(text[size], '\0');
        assert_int_equal(text[size - 1], '}');
        json_decref(load(text));
    }
}

static void comes_back_as_written(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct gh_entry in = full(), out;
        switch (i) {
        case 1:
            in = (struct gh_entry){
                .type = GH_ENTRY_START, .gate = 1, .sequence = 1, .boot_id = BOOT};
            break;
        case 2:
            in.type = GH_ENTRY_FAULT;
            in.reason = GH_REASON_DOOR_FAILED;
            in.outcome = GH_OUTCOME_GUARD;
            break;
        case 3:
            in.boot_id[0] = '\0';
            in.kind = GH_KIND_SHC;
            in.colour = GH_COLOUR_GREEN;
            in.outcome = GH_OUTCOME_OPEN;
            in.reason = GH_REASON_OK;
            break;
        case 4:
            in.wall_ms = -1;
            in.kind = GH_KIND_UNKNOWN;
            in.colour = GH_COLOUR_NONE;
            break;
        }
        char text[GH_ENTRY_MAX_BYTES], again[GH_ENTRY_MAX_BYTES];
        struct gh_error err = {0};
        gh_entry_format(&in, text);
        json_t *object = load(text);
        if (gh_entry_parse(object, &out, &err) != GH_OK) {
            fail_msg("%s: %s", text, err.text);
        }
        gh_entry_format(&out, again);
        assert_string_equal(text, again);
        assert_int_equal(out.type, in.type);
        assert_int_equal(out.clock_trusted, in.clock_trusted);
        assert_memory_equal(out.previous, in.previous, GH_SHA256_BYTES);
        assert_int_equal(out.sequence, in.sequence);
        assert_true(out.subject == in.subject);
        char *canonical;
        size_t size;
        assert_int_equal(gh_entry_canonical(object, &canonical, &size), GH_OK);
        assert_string_equal(canonical, text);
        assert_int_equal(size, strlen(text));
        free(canonical);
        json_decref(object);
    }
}

/* --- the canonical form of anybody's entry ---------------------------------------------------- */

static void assert_canonical(const char *text, const char *expected)
{
    json_t *object = load(text);
    char *canonical = NULL;
    size_t size = 0;
    enum gh_status status = gh_entry_canonical(object, &canonical, &size);
    if (status != GH_OK) {
        fail_msg("%s: %s", text, gh_status_text(status));
    }
    assert_string_equal(canonical, expected);
    assert_int_equal(size, strlen(expected));
    free(canonical);
    json_decref(object);
}

static void canonical_form_is_rfc_8785(void **state)
{
    (void)state;
    assert_canonical("{}", "{}");
    assert_canonical(" { \"b\" : 1 ,\n\t\"a\" : \"x\" } ", "{\"a\":\"x\",\"b\":1}");
    /* sorted by code unit: digits, capitals, underscore, small letters; the shorter first */
    assert_canonical("{\"a\":1,\"_\":2,\"B\":3,\"1\":4,\"aa\":5,\"a_\":6,\"10\":7,\"\":8}",
                     "{\"\":8,\"1\":4,\"10\":7,\"B\":3,\"_\":2,\"a\":1,\"a_\":6,\"aa\":5}");
    /* section 3.2.2.2: only what must be escaped is; what need not be is not */
    assert_canonical("{\"s\":\"\\u0041\\/\\\"\\\\ ~'<>&\"}", "{\"s\":\"A/\\\"\\\\ ~'<>&\"}");
    assert_canonical("{\"\\u0061\\\"\":0}", "{\"a\\\"\":0}");
    /* section 3.2.2.3: integers as ECMAScript prints them */
    assert_canonical("{\"n\":-0}", "{\"n\":0}");
    assert_canonical("{\"n\":9007199254740992,\"m\":-9007199254740992}",
                     "{\"m\":-9007199254740992,\"n\":9007199254740992}");
}

static void unknown_members_stay_in_the_hash(void **state)
{
    (void)state;
    struct gh_entry entry = full(), out;
    char text[GH_ENTRY_MAX_BYTES], longer[GH_ENTRY_MAX_BYTES + 64];
    uint8_t with[GH_SHA256_BYTES], without[GH_SHA256_BYTES];
    size_t size = gh_entry_format(&entry, text);
    snprintf(longer, sizeof(longer), "{\"zeal\":\"new\",\"Alarm\":3,%s", text + 1);
    json_t *object = load(longer);
    assert_int_equal(gh_entry_parse(object, &out, NULL), GH_OK);
    assert_int_equal(out.sequence, 17);
    char *canonical;
    size_t canonical_size;
    assert_int_equal(gh_entry_canonical(object, &canonical, &canonical_size), GH_OK);
    assert_int_equal(canonical_size, size + strlen("\"zeal\":\"new\",\"Alarm\":3,"));
    assert_memory_equal(canonical, "{\"Alarm\":3,\"boot\"", 17);
    assert_string_equal(canonical + canonical_size - 14, ",\"zeal\":\"new\"}");
    gh_entry_hash((struct gh_bytes){(const uint8_t *)canonical, canonical_size}, with);
    gh_entry_hash((struct gh_bytes){(const uint8_t *)text, size}, without);
    assert_memory_not_equal(with, without, GH_SHA256_BYTES);
    free(canonical);
    json_decref(object);
}

static void hash_is_sha256_of_the_bytes(void **state)
{
    (void)state;
    uint8_t hash[GH_SHA256_BYTES];
    char hex[2 * GH_SHA256_BYTES + 1];
    gh_entry_hash((struct gh_bytes){(const uint8_t *)"{}", 2}, hash);
    gh_hex_encode(hash, sizeof(hash), hex);
    assert_string_equal(hex, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
}

static void what_cannot_be_canonical_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "[]",
        "[1]",
        "{\"a\":1.5}",
        "{\"a\":1.0}",
        "{\"a\":1e3}",
        "{\"a\":{}}",
        "{\"a\":[]}",
        "{\"a\":{\"b\":1}}",
        "{\"a\":null}",
        "{\"a\":true}",
        "{\"a\":false}",
        "{\"a\":\"\xc3\xbc\"}",
        "{\"a\":\"\\u00fc\"}",
        "{\"a\":\"\\ud83d\\ude00\"}",
        "{\"a\":\"\\n\"}",
        "{\"a\":\"\\u001f\"}",
        "{\"a\":\"\\u007f\"}",
        "{\"\xc3\xbc\":1}",
        "{\"a\\tb\":1}",
        "{\"a\":9007199254740993}",
        "{\"a\":-9007199254740993}",
        "{\"a\":9223372036854775807}",
        "{\"ok\":1,\"b\":2,\"a\":0.1}",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        json_t *object = load(wrong[i]);
        char *canonical = (char *)1;
        size_t size = 1;
        enum gh_status status = gh_entry_canonical(object, &canonical, &size);
        if (status != GH_ERR_INVALID || canonical != NULL || size != 0) {
            fail_msg("%s: %s", wrong[i], gh_status_text(status));
        }
        json_decref(object);
    }
    /* A NUL in a string, which jansson can hold when told to. */
    json_t *object = json_pack("{s:o}", "a", json_stringn("x\0y", 3));
    char *canonical;
    size_t size;
    assert_non_null(object);
    assert_int_equal(gh_entry_canonical(object, &canonical, &size), GH_ERR_INVALID);
    json_decref(object);
    assert_int_equal(gh_entry_canonical(NULL, &canonical, &size), GH_ERR_INVALID);
}

static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    char value[GH_ENTRY_MAX_BYTES + 1];
    char *canonical;
    size_t size;
    memset(value, 'x', sizeof(value));
    /* {"a":""} is 8 bytes: with 1015 more it is 1023, and the NUL fills the buffer */
    for (size_t length = GH_ENTRY_MAX_BYTES - 12; length < GH_ENTRY_MAX_BYTES; length++) {
        json_t *object = json_pack("{s:s#}", "a", value, (int)length);
        enum gh_status status = gh_entry_canonical(object, &canonical, &size);
        assert_int_equal(status, length <= GH_ENTRY_MAX_BYTES - 9 ? GH_OK : GH_ERR_TOOBIG);
        assert_int_equal(size, status == GH_OK ? length + 8 : 0);
        free(canonical);
        json_decref(object);
    }
}

/* --- reading ---------------------------------------------------------------------------------- */

/* One member of a good entry replaced by a JSON value, or taken out (NULL). */
static enum gh_status parse_with(const char *name, const char *value, struct gh_error *err)
{
    struct gh_entry entry = full(), out;
    static const struct gh_entry zero;
    char text[GH_ENTRY_MAX_BYTES];
    gh_entry_format(&entry, text);
    json_t *object = load(text);
    if (value == NULL) {
        assert_int_equal(json_object_del(object, name), 0);
    } else {
        json_t *replacement = json_loads(value, JSON_DECODE_ANY, NULL);
        assert_non_null(replacement);
        assert_int_equal(json_object_set_new(object, name, replacement), 0);
    }
    enum gh_status status = gh_entry_parse(object, &out, err);
    if (status != GH_OK) {
        assert_memory_equal(&out, &zero, sizeof(out));
    }
    json_decref(object);
    return status;
}

static void bad_members_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } wrong[] = {
        {"v", NULL},
        {"v", "2"},
        {"v", "\"1\""},
        {"v", "1.0"},
        {"type", NULL},
        {"type", "\"party\""},
        {"type", "1"},
        {"gate", NULL},
        {"gate", "\"0000000000000000\""},
        {"gate", "\"00000000000000A1\""},
        {"gate", "\"a1\""},
        {"gate", "161"},
        {"seq", NULL},
        {"seq", "0"},
        {"seq", "-1"},
        {"seq", "1.5"},
        {"seq", "9007199254740993"},
        {"seq", "\"17\""},
        {"prev", NULL},
        {"prev", "\"\""},
        {"prev", "\"ABababababababababababababababababababababababababababababababab\""},
        {"prev", "\"abab\""},
        {"time_ms", NULL},
        {"time_ms", "\"now\""},
        {"time_ms", "1.5e300"},
        {"clock", NULL},
        {"clock", "\"maybe\""},
        {"clock", "true"},
        {"mono_ms", NULL},
        {"mono_ms", "-1"},
        {"boot", "\"0123\""},
        {"boot", "\"0123456789ABCDEF0123456789abcdef\""},
        {"outcome", NULL},
        {"outcome", "\"wait\""},
        {"outcome", "\"OPEN\""},
        {"reason", NULL},
        {"reason", "\"because\""},
        {"kind", "\"unknown\""},
        {"kind", "\"wealth\""},
        {"kind", "1"},
        {"colour", "\"none\""},
        {"colour", "\"blue\""},
        {"form", "\"none\""},
        {"form", "\"stone\""},
        {"form", "1"},
        {"subject", "\"0000000000000000\""},
        {"subject", "\"xyz\""},
        {"home", "5"},
        {"health_code", "null"},
        {"housing_code", "[\"0000000000000007\"]"},
        {"list", "0"},
        {"list", "-1"},
        {"list", "\"41\""},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        struct gh_error err = {0};
        char quoted[32];
        enum gh_status status = parse_with(wrong[i].name, wrong[i].value, &err);
        snprintf(quoted, sizeof(quoted), "\"%s\"", wrong[i].name);
        if (status != GH_ERR_INVALID || strstr(err.text, quoted) == NULL) {
            fail_msg("%s = %s: %s (%s)", wrong[i].name,
                     wrong[i].value != NULL ? wrong[i].value : "missing", gh_status_text(status),
                     err.text);
        }
    }
}

static void what_may_be_missing_may_be_missing(void **state)
{
    (void)state;
    static const char *const optional[] = {"boot", "kind",        "colour",       "form", "subject",
                                           "home", "health_code", "housing_code", "list"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(optional); i++) {
        assert_int_equal(parse_with(optional[i], NULL, NULL), GH_OK);
    }
    struct gh_entry out;
    json_t *array = json_array();
    struct gh_error err = {0};
    assert_int_equal(gh_entry_parse(array, &out, &err), GH_ERR_INVALID);
    json_decref(array);
}

static void types_have_names(void **state)
{
    (void)state;
    assert_string_equal(gh_entry_type_name(GH_ENTRY_PASSAGE), "passage");
    assert_string_equal(gh_entry_type_name(GH_ENTRY_START), "start");
    assert_string_equal(gh_entry_type_name(GH_ENTRY_FAULT), "fault");
    assert_string_equal(gh_entry_type_name(GH_ENTRY_CLOCK), "clock");
    assert_string_equal(gh_entry_type_name((enum gh_entry_type)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_written_in_canonical_form),
        cmocka_unit_test(a_clock_s_entry_says_how_far_it_was_set),
        cmocka_unit_test(bad_jumps_are_named),
        cmocka_unit_test(forms_have_names),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(always_fits),
        cmocka_unit_test(comes_back_as_written),
        cmocka_unit_test(canonical_form_is_rfc_8785),
        cmocka_unit_test(unknown_members_stay_in_the_hash),
        cmocka_unit_test(hash_is_sha256_of_the_bytes),
        cmocka_unit_test(what_cannot_be_canonical_is_refused),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(bad_members_are_named),
        cmocka_unit_test(what_may_be_missing_may_be_missing),
        cmocka_unit_test(types_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
