/* SPDX-License-Identifier: Apache-2.0 */
/* What a health card's bundle (HL7 FHIR R4) says, as facts; and its patient, as a hash. What is
 * left out is left out to the holder's disadvantage: a date without a day, a vaccine or test that
 * the vocabulary does not know, a record that is not final. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "code/shc.h"
#include "gatehouse/clock.h"

#define CVX_SYSTEM "http://hl7.org/fhir/sid/cvx"
#define LOINC_SYSTEM "http://loinc.org"
#define SNOMED_SYSTEM "http://snomed.info/sct"
#define DAY_TEXT_BYTES 11 /* "2021-03-01" and NUL */
#define DOSES_MAX 16
#define DOSE_FACTS_MAX 2
#define NAMES_BYTES 1024

struct dose {
    int64_t at_s;
    unsigned cvx;
};

struct reading {
    struct dose doses[DOSES_MAX]; /* the oldest first, one a day */
    size_t dose_count;
    struct gh_fact tests[GH_FACTS_MAX]; /* the newest first */
    size_t test_count;
    const json_t *patient;
    size_t patients;
};

/* --- small things ---------------------------------------------------------------------------- */

/* The next code of that system in a CodeableConcept, from *index on; NULL when there is none. */
static const char *next_code(const json_t *concept, const char *system, size_t *index)
{
    const json_t *codings = json_object_get(concept, "coding");
    while (*index < json_array_size(codings)) {
        const json_t *coding = json_array_get(codings, (*index)++);
        const char *of = gh_shc_json_text(coding, "system");
        const char *code = gh_shc_json_text(coding, "code");
        if (of != NULL && code != NULL && strcmp(of, system) == 0)
            return code;
    }
    return NULL;
}

/* A FHIR dateTime's day, as it is written, from 00:00 UTC on; false for years and months. */
static bool read_day(const char *text, int64_t *at_s)
{
    char start[GH_TIME_TEXT_BYTES];
    if (text == NULL || strnlen(text, DAY_TEXT_BYTES) < DAY_TEXT_BYTES - 1)
        return false;
    snprintf(start, sizeof(start), "%.10sT00:00:00Z", text);
    int64_t whole = 0;
    return gh_time_parse(start, at_s) == GH_OK &&
           (text[DAY_TEXT_BYTES - 1] == '\0' || gh_time_parse(text, &whole) == GH_OK);
}

/* Its moment; a day without a time counts from its beginning. */
static bool read_moment(const char *text, int64_t *at_s)
{
    return text != NULL && (gh_time_parse(text, at_s) == GH_OK || read_day(text, at_s));
}

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; text != NULL && i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

/* --- vaccinations ---------------------------------------------------------------------------- */

/* In order of time. Nobody is vaccinated twice on one day: that is one dose, listed twice. Of more
 * than there is room for, the newest stay. */
static void add_dose(struct reading *reading, struct dose dose)
{
    size_t at = reading->dose_count;
    while (at > 0 && reading->doses[at - 1].at_s > dose.at_s)
        at--;
    if (at > 0 && reading->doses[at - 1].at_s == dose.at_s)
        return;
    if (reading->dose_count == DOSES_MAX) {
        if (at == 0)
            return;
        memmove(reading->doses, reading->doses + 1, --at * sizeof(dose));
    } else {
        memmove(reading->doses + at + 1, reading->doses + at,
                (reading->dose_count++ - at) * sizeof(dose));
    }
    reading->doses[at] = dose;
}

static void read_immunization(const json_t *resource, struct reading *reading)
{
    static const char *const given[] = {"completed"};
    const json_t *vaccine = json_object_get(resource, "vaccineCode");
    struct dose dose = {.cvx = 0};
    if (!is_one_of(gh_shc_json_text(resource, "status"), given, GH_ARRAY_SIZE(given)) ||
        !read_day(gh_shc_json_text(resource, "occurrenceDateTime"), &dose.at_s))
        return;
    const char *code;
    for (size_t i = 0; dose.cvx == 0 && (code = next_code(vaccine, CVX_SYSTEM, &i)) != NULL;)
        dose.cvx = gh_shc_covid_vaccine(code);
    if (dose.cvx != 0)
        add_dose(reading, dose);
}

/* A card lists every dose, but says nothing about a series: the first dose tells how many it takes,
 * one of Janssen's or two of any other. The newest two doses become facts, so that a booster of
 * yesterday does not hide the series that it follows. */
static void put_doses(const struct reading *reading, struct gh_credential *out)
{
    unsigned doses = reading->doses[0].cvx == GH_SHC_CVX_JANSSEN ? 1 : 2;
    for (size_t i = 0; i < reading->dose_count && i < DOSE_FACTS_MAX; i++) {
        size_t at = reading->dose_count - 1 - i;
        struct gh_fact *fact = &out->facts[out->fact_count++];
        *fact = (struct gh_fact){
            .group = GH_FACT_VACCINATION,
            .at_s = reading->doses[at].at_s,
            .from_s = INT64_MIN,
            .until_s = INT64_MAX,
            .dose = (unsigned)at + 1,
            .doses = doses,
            .disease = GH_DISEASE_COVID19,
        };
        snprintf(fact->product, sizeof(fact->product), "cvx-%u", reading->doses[at].cvx);
    }
}

/* --- tests ----------------------------------------------------------------------------------- */

static enum gh_test_kind test_kind_of(const json_t *resource)
{
    const json_t *concept = json_object_get(resource, "code");
    enum gh_test_kind kind = GH_TEST_ANY;
    const char *code;
    for (size_t i = 0;
         kind == GH_TEST_ANY && (code = next_code(concept, LOINC_SYSTEM, &i)) != NULL;)
        kind = gh_shc_covid_test(code);
    return kind;
}

/* Codes that contradict one another are no result. */
static enum gh_test_result test_result_of(const json_t *resource)
{
    const json_t *concept = json_object_get(resource, "valueCodeableConcept");
    enum gh_test_result result = GH_RESULT_ANY;
    const char *code;
    for (size_t i = 0; (code = next_code(concept, SNOMED_SYSTEM, &i)) != NULL;) {
        enum gh_test_result one = gh_shc_test_result(code);
        if (one != GH_RESULT_ANY && result != GH_RESULT_ANY && one != result)
            return GH_RESULT_OTHER;
        if (one != GH_RESULT_ANY)
            result = one;
    }
    return result != GH_RESULT_ANY ? result : GH_RESULT_OTHER;
}

static int rank(enum gh_test_result result)
{
    return result == GH_RESULT_POSITIVE ? 2 : result == GH_RESULT_NEGATIVE ? 1 : 0;
}

/* One sample may be tested for several genes: then the positive one goes first. */
static bool goes_before(const struct gh_fact *a, const struct gh_fact *b)
{
    return a->at_s != b->at_s ? a->at_s > b->at_s : rank(a->result) > rank(b->result);
}

static void add_test(struct reading *reading, const struct gh_fact *test)
{
    size_t at = 0;
    while (at < reading->test_count && !goes_before(test, &reading->tests[at])) {
        const struct gh_fact *other = &reading->tests[at++];
        if (other->at_s == test->at_s && other->test == test->test && other->result == test->result)
            return;
    }
    if (at == GH_ARRAY_SIZE(reading->tests))
        return;
    if (reading->test_count < GH_ARRAY_SIZE(reading->tests))
        reading->test_count++;
    memmove(reading->tests + at + 1, reading->tests + at,
            (reading->test_count - 1 - at) * sizeof(*test));
    reading->tests[at] = *test;
}

static void read_observation(const json_t *resource, struct reading *reading)
{
    static const char *const final[] = {"final", "amended", "corrected"};
    struct gh_fact test = {
        .group = GH_FACT_TEST,
        .test = test_kind_of(resource),
        .result = test_result_of(resource),
        .from_s = INT64_MIN,
        .until_s = INT64_MAX,
        .disease = GH_DISEASE_COVID19,
    };
    if (test.test == GH_TEST_ANY ||
        !is_one_of(gh_shc_json_text(resource, "status"), final, GH_ARRAY_SIZE(final)) ||
        !read_moment(gh_shc_json_text(resource, "effectiveDateTime"), &test.at_s))
        return;
    add_test(reading, &test);
}

static void put_tests(const struct reading *reading, struct gh_credential *out)
{
    for (size_t i = 0; i < reading->test_count && out->fact_count < GH_FACTS_MAX; i++)
        out->facts[out->fact_count++] = reading->tests[i];
}

/* --- the patient ----------------------------------------------------------------------------- */

static void put_given_names(struct gh_writer *writer, const json_t *name)
{
    const json_t *given = json_object_get(name, "given");
    for (size_t i = 0; i < json_array_size(given); i++) {
        const json_t *one = json_array_get(given, i);
        if (writer->size > 0)
            gh_writer_put_byte(writer, ' ');
        gh_writer_put(writer, json_string_value(one), json_string_length(one));
    }
}

static struct gh_bytes bytes_of(const char *text)
{
    return (struct gh_bytes){.data = (const uint8_t *)text,
                             .size = text != NULL ? strlen(text) : 0};
}

/* Somebody without a name or a birth date could be anybody: 0. */
static gh_id holder_of(const struct gh_trust *trust, const json_t *patient)
{
    char given[NAMES_BYTES];
    struct gh_writer writer = gh_writer_over(given, sizeof(given));
    const json_t *name = json_array_get(json_object_get(patient, "name"), 0);
    struct gh_bytes family = bytes_of(gh_shc_json_text(name, "family"));
    struct gh_bytes birth_date = bytes_of(gh_shc_json_text(patient, "birthDate"));
    put_given_names(&writer, name);
    gh_id holder = 0;
    if (!writer.overflow && birth_date.size > 0 && family.size + writer.size > 0)
        holder =
            gh_holder_id(trust, family, (struct gh_bytes){writer.data, writer.size}, birth_date);
    gh_wipe(given, sizeof(given));
    return holder;
}

/* --- the bundle ------------------------------------------------------------------------------ */

static void read_resource(const json_t *resource, struct reading *reading)
{
    const char *type = gh_shc_json_text(resource, "resourceType");
    if (type == NULL)
        return;
    if (strcmp(type, "Immunization") == 0) {
        read_immunization(resource, reading);
    } else if (strcmp(type, "Observation") == 0) {
        read_observation(resource, reading);
    } else if (strcmp(type, "Patient") == 0) {
        reading->patient = resource;
        reading->patients++;
    }
}

enum gh_reason gh_shc_bundle_read(const struct gh_trust *trust, const json_t *bundle,
                                  struct gh_credential *out)
{
    struct reading reading = {.dose_count = 0};
    const json_t *entries = json_object_get(bundle, "entry");
    if (!json_is_object(bundle) || (entries != NULL && !json_is_array(entries)))
        return GH_REASON_BAD_CONTENT;
    for (size_t i = 0; i < json_array_size(entries); i++)
        read_resource(json_object_get(json_array_get(entries, i), "resource"), &reading);
    if (reading.patients > 1) /* whose facts these are is not clear: they are nobody's */
        return GH_REASON_OK;
    put_doses(&reading, out);
    put_tests(&reading, out);
    out->subject = reading.patients == 1 ? holder_of(trust, reading.patient) : 0;
    return GH_REASON_OK;
}
