/* SPDX-License-Identifier: Apache-2.0 */
/* What the bundle of a health card says: facts, newest first, and whose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gatehouse/clock.h"
#include "shc_fixture.h"

/* --- writing --------------------------------------------------------------------------------- */

static char entries[32768];

static void put(const char *resource)
{
    size_t size = strlen(entries);
    assert_true(size + strlen(resource) + 32 < sizeof(entries));
    snprintf(entries + size, sizeof(entries) - size, "%s{\"resource\":%s}", size > 0 ? "," : "",
             resource);
}

static void put_shot(const char *code, const char *date, const char *status)
{
    char text[512];
    snprintf(text, sizeof(text),
             "{\"resourceType\":\"Immunization\",\"status\":\"%s\",\"vaccineCode\":{\"coding\":[{"
             "\"system\":\"http://hl7.org/fhir/sid/cvx\",\"code\":\"%s\"}]},\"occurrenceDateTime\":"
             "\"%s\"}",
             status, code, date);
    put(text);
}

static void put_test(const char *loinc, const char *snomed, const char *date)
{
    char text[512];
    snprintf(text, sizeof(text),
             "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"coding\":[{"
             "\"system\":\"http://loinc.org\",\"code\":\"%s\"}]},\"valueCodeableConcept\":{"
             "\"coding\":[{\"system\":\"http://snomed.info/sct\",\"code\":\"%s\"}]},"
             "\"effectiveDateTime\":\"%s\"}",
             loinc, snomed, date);
    put(text);
}

static void put_patient(const char *name, const char *birth_date)
{
    char text[4096];
    snprintf(text, sizeof(text), "{\"resourceType\":\"Patient\",\"name\":%s,\"birthDate\":%s}",
             name, birth_date);
    put(text);
}

/* A card of what was put; then there is nothing any more. */
static struct gh_credential read_card(void)
{
    char *payload = shc_payload(SHC_ISS, "\"nbf\":1620000000", entries);
    struct gh_credential card = read_payload(payload);
    assert_authentic(&card, GH_REASON_OK);
    free(payload);
    entries[0] = '\0';
    return card;
}

static int64_t at(const char *text)
{
    int64_t seconds = 0;
    assert_int_equal(gh_time_parse(text, &seconds), GH_OK);
    return seconds;
}

static void check_dose(const struct gh_fact *fact, const char *day, unsigned dose, unsigned doses,
                       const char *product)
{
    assert_int_equal(fact->group, GH_FACT_VACCINATION);
    assert_true(fact->at_s == at(day));
    assert_int_equal(fact->dose, dose);
    assert_int_equal(fact->doses, doses);
    assert_string_equal(fact->product, product);
    assert_string_equal(fact->disease, GH_DISEASE_COVID19);
    assert_int_equal(fact->test, GH_TEST_ANY);
    assert_int_equal(fact->result, GH_RESULT_ANY);
    assert_true(fact->from_s == INT64_MIN && fact->until_s == INT64_MAX);
}

static void check_test(const struct gh_fact *fact, const char *moment, enum gh_test_kind kind,
                       enum gh_test_result result)
{
    assert_int_equal(fact->group, GH_FACT_TEST);
    assert_true(fact->at_s == at(moment));
    assert_int_equal(fact->test, kind);
    assert_int_equal(fact->result, result);
    assert_string_equal(fact->disease, GH_DISEASE_COVID19);
    assert_string_equal(fact->product, "");
    assert_true(fact->dose == 0 && fact->doses == 0);
    assert_true(fact->from_s == INT64_MIN && fact->until_s == INT64_MAX);
}

/* --- vaccinations ---------------------------------------------------------------------------- */

static void doses_are_counted_in_order_of_time(void **state)
{
    (void)state;
    put_shot("229", "2022-09-05", "completed");
    put_shot("207", "2021-01-01", "completed");
    put_shot("207", "2021-01-29", "completed");
    struct gh_credential card = read_card();
    assert_int_equal(card.fact_count, 2);
    check_dose(&card.facts[0], "2022-09-05T00:00:00Z", 3, 2, "cvx-229");
    check_dose(&card.facts[1], "2021-01-29T00:00:00Z", 2, 2, "cvx-207");
    put_shot("208", "2021-01-01", "completed");
    card = read_card();
    assert_int_equal(card.fact_count, 1);
    check_dose(&card.facts[0], "2021-01-01T00:00:00Z", 1, 2, "cvx-208");
}

static void one_dose_of_janssen_is_a_series(void **state)
{
    (void)state;
    put_shot("212", "2021-04-01", "completed");
    struct gh_credential card = read_card();
    check_dose(&card.facts[0], "2021-04-01T00:00:00Z", 1, 1, "cvx-212");
    put_shot("207", "2021-11-01", "completed");
    put_shot("212", "2021-04-01", "completed");
    card = read_card();
    check_dose(&card.facts[0], "2021-11-01T00:00:00Z", 2, 1, "cvx-207"); /* a booster */
    check_dose(&card.facts[1], "2021-04-01T00:00:00Z", 1, 1, "cvx-212");
    put_shot("212", "2021-11-01", "completed");
    put_shot("207", "2021-04-01", "completed");
    card = read_card();
    check_dose(&card.facts[0], "2021-11-01T00:00:00Z", 2, 2, "cvx-212"); /* no booster */
}

static void a_dose_listed_twice_is_one(void **state)
{
    (void)state;
    put_shot("207", "2021-01-01", "completed");
    put_shot("207", "2021-01-01", "completed");
    put_shot("207", "2021-01-01T10:00:00-05:00", "completed");
    struct gh_credential card = read_card();
    assert_int_equal(card.fact_count, 1);
    check_dose(&card.facts[0], "2021-01-01T00:00:00Z", 1, 2, "cvx-207");
}

static void only_what_was_given_on_a_known_day_counts(void **state)
{
    (void)state;
    static const char *const dates[] = {"2021",
                                        "2021-01",
                                        "2021-02-30",
                                        "2021-13-01",
                                        "2021-01-01T10:00",
                                        "2021-01-01T10:00:00",
                                        "2021-01-01 ",
                                        "2021-01-0",
                                        "01/01/2021",
                                        "",
                                        "2021-01-01T99:00:00Z"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(dates); i++)
        put_shot("207", dates[i], "completed");
    put_shot("207", "2021-01-01", "not-done");
    put_shot("207", "2021-01-02", "entered-in-error");
    put_shot("08", "2021-01-03", "completed"); /* hepatitis B */
    put_shot("88", "2021-01-03", "completed"); /* influenza */
    put_shot("", "2021-01-04", "completed");
    put_shot("0207", "2021-01-05", "completed");
    put_shot("209", "2021-01-05", "completed");
    put_shot("522", "2021-01-05", "completed");
    put("{\"resourceType\":\"Immunization\",\"status\":\"completed\",\"occurrenceString\":\"last "
        "year\",\"vaccineCode\":{\"coding\":[{\"system\":\"http://hl7.org/fhir/sid/"
        "cvx\",\"code\":\"207\"}]}}");
    put("{\"resourceType\":\"Immunization\",\"status\":\"completed\",\"occurrenceDateTime\":\"2021-"
        "01-01\",\"vaccineCode\":{\"coding\":[{\"system\":\"http://snomed.info/"
        "sct\",\"code\":\"207\"}]}}");
    put("{\"resourceType\":\"Immunization\",\"status\":[],\"occurrenceDateTime\":{},"
        "\"vaccineCode\":{\"coding\":{}}}");
    put("{\"resourceType\":\"Immunization\"}");
    struct gh_credential card = read_card();
    assert_int_equal(card.fact_count, 0);
}

/* One vaccine may be named in several systems. */
static void the_known_code_is_found_among_others(void **state)
{
    (void)state;
    put("{\"resourceType\":\"Immunization\",\"status\":\"completed\",\"occurrenceDateTime\":\"2021-"
        "01-01T23:30:00-05:00\",\"vaccineCode\":{\"coding\":[7,{\"system\":\"http://snomed.info/"
        "sct\",\"code\":\"28581000087106\"},{\"system\":\"http://hl7.org/fhir/sid/"
        "cvx\",\"code\":\"88\"},{\"system\":\"http://hl7.org/fhir/sid/cvx\",\"code\":\"208\"}]}}");
    struct gh_credential card = read_card();
    assert_int_equal(card.fact_count, 1);
    check_dose(&card.facts[0], "2021-01-01T00:00:00Z", 1, 2, "cvx-208"); /* the day as written */
}

static void of_many_doses_the_newest_stay(void **state)
{
    (void)state;
    char day[16];
    for (int i = 0; i < 40; i++) { /* not in order */
        snprintf(day, sizeof(day), "20%02d-06-01", 20 + i * 7 % 40);
        put_shot("213", day, "completed");
    }
    struct gh_credential card = read_card();
    assert_int_equal(card.fact_count, 2);
    check_dose(&card.facts[0], "2059-06-01T00:00:00Z", 16, 2, "cvx-213");
    check_dose(&card.facts[1], "2058-06-01T00:00:00Z", 15, 2, "cvx-213");
}

/* --- tests ----------------------------------------------------------------------------------- */

static void a_test_has_a_kind_and_a_result(void **state)
{
    (void)state;
    put_test("94500-6", "260415000", "2021-05-01T10:00:00Z");
    put_test("94558-4", "260373001", "2021-05-02T10:00:00+02:00");
    put_test("94763-0", "10828004", "2021-05-03");
    put_test("94309-2", "419984006", "2021-04-01T10:00:00.5Z");
    struct gh_credential card = read_card();
    assert_int_equal(card.fact_count, 4);
    check_test(&card.facts[0], "2021-05-03T00:00:00Z", GH_TEST_OTHER, GH_RESULT_POSITIVE);
    check_test(&card.facts[1], "2021-05-02T08:00:00Z", GH_TEST_ANTIGEN, GH_RESULT_POSITIVE);
    check_test(&card.facts[2], "2021-05-01T10:00:00Z", GH_TEST_NAAT, GH_RESULT_NEGATIVE);
    check_test(&card.facts[3], "2021-04-01T10:00:00Z", GH_TEST_NAAT, GH_RESULT_OTHER);
}

/* A test for something else must never look like one for COVID-19. */
static void other_observations_are_passed_over(void **state)
{
    (void)state;
    put_test("718-7", "260415000", "2021-05-01T10:00:00Z");   /* haemoglobin */
    put_test("76078-5", "260415000", "2021-05-01T10:00:00Z"); /* influenza */
    put_test("94563-4", "260415000", "2021-05-01T10:00:00Z"); /* antibodies */
    put_test("94500-6", "260415000", "2021-05");
    put_test("94500-6", "260415000", "2021-05-01T10:00:00");
    put("{\"resourceType\":\"Observation\",\"status\":\"preliminary\",\"code\":{\"coding\":[{"
        "\"system\":\"http://loinc.org\",\"code\":\"94500-6\"}]},\"effectiveDateTime\":\"2021-05-"
        "01\"}");
    put("{\"resourceType\":\"Condition\",\"code\":{\"coding\":[{\"system\":\"http://snomed.info/"
        "sct\",\"code\":\"840539006\"}]}}");
    put("{\"resourceType\":7}");
    struct gh_credential card = read_card();
    assert_int_equal(card.fact_count, 0);
}

static void what_is_positive_goes_first(void **state)
{
    (void)state;
    put_test("94533-7", "260415000", "2021-05-01T10:00:00Z");
    put_test("94559-2", "260415000", "2021-05-01T10:00:00Z"); /* the same fact */
    put_test("94640-0", "260373001", "2021-05-01T10:00:00Z");
    struct gh_credential card = read_card();
    assert_int_equal(card.fact_count, 2);
    check_test(&card.facts[0], "2021-05-01T10:00:00Z", GH_TEST_NAAT, GH_RESULT_POSITIVE);
    check_test(&card.facts[1], "2021-05-01T10:00:00Z", GH_TEST_NAAT, GH_RESULT_NEGATIVE);
}

static void results_that_contradict_are_none(void **state)
{
    (void)state;
    put("{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"coding\":[{\"system\":"
        "\"http://loinc.org\",\"code\":\"94500-6\"}]},\"effectiveDateTime\":\"2021-05-01\","
        "\"valueCodeableConcept\":{\"coding\":[{\"system\":\"http://snomed.info/"
        "sct\",\"code\":\"260373001\"},{\"system\":\"http://snomed.info/"
        "sct\",\"code\":\"260415000\"}]}}");
    put("{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"coding\":[{\"system\":"
        "\"http://loinc.org\",\"code\":\"94500-6\"}]},\"effectiveDateTime\":\"2021-04-01\","
        "\"valueString\":\"negative\"}");
    struct gh_credential card = read_card();
    assert_int_equal(card.fact_count, 2);
    check_test(&card.facts[0], "2021-05-01T00:00:00Z", GH_TEST_NAAT, GH_RESULT_OTHER);
    check_test(&card.facts[1], "2021-04-01T00:00:00Z", GH_TEST_NAAT, GH_RESULT_OTHER);
}

static void there_is_room_for_four_facts(void **state)
{
    (void)state;
    char moment[32];
    for (int i = 0; i < 9; i++) {
        snprintf(moment, sizeof(moment), "2021-05-%02dT10:00:00Z", 1 + i * 4 % 9);
        put_test("94500-6", "260415000", moment);
    }
    struct gh_credential card = read_card();
    assert_int_equal(card.fact_count, GH_FACTS_MAX);
    for (int i = 0; i < GH_FACTS_MAX; i++) {
        snprintf(moment, sizeof(moment), "2021-05-%02dT10:00:00Z", 9 - i);
        check_test(&card.facts[i], moment, GH_TEST_NAAT, GH_RESULT_NEGATIVE);
    }
    put_test("94500-6", "260415000", "2022-05-01T10:00:00Z");
    put_test("94500-6", "260415000", "2022-05-02T10:00:00Z");
    put_test("94500-6", "260415000", "2022-05-03T10:00:00Z");
    put_shot("207", "2021-01-01", "completed");
    put_shot("207", "2021-01-29", "completed");
    card = read_card();
    assert_int_equal(card.fact_count, GH_FACTS_MAX);
    check_dose(&card.facts[0], "2021-01-29T00:00:00Z", 2, 2, "cvx-207");
    check_dose(&card.facts[1], "2021-01-01T00:00:00Z", 1, 2, "cvx-207");
    check_test(&card.facts[2], "2022-05-03T10:00:00Z", GH_TEST_NAAT, GH_RESULT_NEGATIVE);
    check_test(&card.facts[3], "2022-05-02T10:00:00Z", GH_TEST_NAAT, GH_RESULT_NEGATIVE);
}

/* --- whose ----------------------------------------------------------------------------------- */

static gh_id holder(const char *name, const char *birth_date)
{
    put_patient(name, birth_date);
    return read_card().subject;
}

static void one_person_is_one_holder(void **state)
{
    (void)state;
    static const char erika[] = "[{\"family\":\"Muster\",\"given\":[\"Erika\",\"B.\"]}]";
    gh_id person = holder(erika, "\"1964-08-12\"");
    assert_true(person != 0);
    assert_true(person == holder(erika, "\"1964-08-12\""));
    assert_true(person == holder("[{\"given\":[\"Erika B.\"],\"family\":\"\\u004duster\"},{}]",
                                 "\"1964-08-12\""));
    assert_true(person != holder(erika, "\"1964-08-13\""));
    assert_true(person !=
                holder("[{\"family\":\"Muster\",\"given\":[\"Erika\"]}]", "\"1964-08-12\""));
    assert_true(person !=
                holder("[{\"family\":\"Muster Erika\",\"given\":[\"B.\"]}]", "\"1964-08-12\""));
    assert_true(holder("[{\"family\":\"Muster\"}]", "\"1964-08-12\"") != 0);
    assert_true(holder("[{\"given\":[\"Erika\"]}]", "\"1964-08-12\"") != 0);
}

/* Half a person could be anybody. */
static void nobody_is_no_holder(void **state)
{
    (void)state;
    static const char erika[] = "[{\"family\":\"Muster\",\"given\":[\"Erika\",\"B.\"]}]";
    assert_true(holder(erika, "null") == 0);
    assert_true(holder(erika, "\"\"") == 0);
    assert_true(holder("[]", "\"1964-08-12\"") == 0);
    assert_true(holder("[{\"text\":\"Erika\"}]", "\"1964-08-12\"") == 0);
    assert_true(holder("{}", "\"1964-08-12\"") == 0);
    assert_true(holder("[{\"family\":7,\"given\":[7]}]", "\"1964-08-12\"") == 0);
    char name[2048];
    snprintf(name, sizeof(name), "[{\"family\":\"Muster\",\"given\":[\"%01100d\"]}]", 0);
    assert_true(holder(name, "\"1964-08-12\"") == 0);
    put_shot("207", "2021-01-01", "completed");
    struct gh_credential card = read_card();
    assert_true(card.subject == 0 && card.fact_count == 1);
}

/* Which of two people was vaccinated is not clear: neither, then. */
static void two_people_have_no_facts(void **state)
{
    (void)state;
    put_patient("[{\"family\":\"Muster\"}]", "\"1964-08-12\"");
    put_patient("[{\"family\":\"Beispiel\"}]", "\"1964-08-13\"");
    put_shot("207", "2021-01-01", "completed");
    put_test("94500-6", "260415000", "2021-05-01T10:00:00Z");
    struct gh_credential card = read_card();
    assert_true(card.subject == 0 && card.fact_count == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doses_are_counted_in_order_of_time),
        cmocka_unit_test(one_dose_of_janssen_is_a_series),
        cmocka_unit_test(a_dose_listed_twice_is_one),
        cmocka_unit_test(only_what_was_given_on_a_known_day_counts),
        cmocka_unit_test(the_known_code_is_found_among_others),
        cmocka_unit_test(of_many_doses_the_newest_stay),
        cmocka_unit_test(a_test_has_a_kind_and_a_result),
        cmocka_unit_test(other_observations_are_passed_over),
        cmocka_unit_test(what_is_positive_goes_first),
        cmocka_unit_test(results_that_contradict_are_none),
        cmocka_unit_test(there_is_room_for_four_facts),
        cmocka_unit_test(one_person_is_one_holder),
        cmocka_unit_test(nobody_is_no_holder),
        cmocka_unit_test(two_people_have_no_facts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
