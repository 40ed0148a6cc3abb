/* SPDX-License-Identifier: Apache-2.0 */
/* The words of three vocabularies that a health card's facts are made of. What is in none of these
 * tables says nothing about COVID-19 here, and is passed over. */
#include <string.h>

#include "code/shc.h"

/* --- CVX (CDC, "COVID-19 vaccine related codes") -----------------------------------------------
 */

/* Codes of one, or from the first to the last. */
static const unsigned covid_vaccines[][2] = {
    {207, 208}, /* Moderna and Pfizer, the first ones */
    {210, 213}, /* AstraZeneca, Novavax, Janssen; 213: not said which */
    {217, 219}, /* Pfizer: ready to use, for children, for infants */
    {221, 221}, /* Moderna, as a booster */
    {225, 230}, /* Sanofi; Moderna: for children, bivalent */
    {300, 302}, /* Pfizer, bivalent */
    {308, 313}, /* Pfizer, Moderna and Novavax against the variants of 2023 and later */
    {500, 521}, /* given outside the United States; 500: not said which */
};

unsigned gh_shc_covid_vaccine(const char *cvx)
{
    unsigned code = 0;
    if (cvx == NULL || strlen(cvx) != 3 || strspn(cvx, "0123456789") != 3)
        return 0;
    for (size_t i = 0; i < 3; i++)
        code = code * 10 + (unsigned)(cvx[i] - '0');
    for (size_t i = 0; i < GH_ARRAY_SIZE(covid_vaccines); i++)
        if (code >= covid_vaccines[i][0] && code <= covid_vaccines[i][1])
            return code;
    return 0;
}

/* --- LOINC ----------------------------------------------------------------------------------- */

/* Tests that find the virus, or a part of it. Not here: antibodies, which tell the past, and tests
 * that find other viruses as well. */
static const struct {
    const char *code;
    enum gh_test_kind kind;
} covid_tests[] = {
    {"94500-6", GH_TEST_NAAT},    /* RNA: respiratory specimen */
    {"94309-2", GH_TEST_NAAT},    /* any specimen */
    {"94759-8", GH_TEST_NAAT},    /* nasopharynx */
    {"94565-9", GH_TEST_NAAT},    /* nasopharynx, without probes */
    {"94845-5", GH_TEST_NAAT},    /* saliva */
    {"94822-4", GH_TEST_NAAT},    /* saliva, sequenced */
    {"95406-5", GH_TEST_NAAT},    /* nose */
    {"95608-6", GH_TEST_NAAT},    /* respiratory, without probes */
    {"94306-8", GH_TEST_NAAT},    /* panels */
    {"94531-1", GH_TEST_NAAT},    /* */
    {"94533-7", GH_TEST_NAAT},    /* N gene */
    {"94316-7", GH_TEST_NAAT},    /* */
    {"94307-6", GH_TEST_NAAT},    /* */
    {"94308-4", GH_TEST_NAAT},    /* */
    {"94756-4", GH_TEST_NAAT},    /* */
    {"94757-2", GH_TEST_NAAT},    /* */
    {"94760-6", GH_TEST_NAAT},    /* */
    {"94534-5", GH_TEST_NAAT},    /* RdRp gene */
    {"94314-2", GH_TEST_NAAT},    /* */
    {"94559-2", GH_TEST_NAAT},    /* ORF1ab region */
    {"94639-2", GH_TEST_NAAT},    /* */
    {"94640-0", GH_TEST_NAAT},    /* S gene */
    {"94641-8", GH_TEST_NAAT},    /* */
    {"94767-1", GH_TEST_NAAT},    /* */
    {"94315-9", GH_TEST_NAAT},    /* E gene */
    {"94758-0", GH_TEST_NAAT},    /* */
    {"94558-4", GH_TEST_ANTIGEN}, /* rapid, respiratory */
    {"97097-0", GH_TEST_ANTIGEN}, /* rapid, upper respiratory */
    {"96119-3", GH_TEST_ANTIGEN}, /* upper respiratory */
    {"95209-3", GH_TEST_ANTIGEN}, /* rapid, with SARS-CoV, which is extinct */
    {"94763-0", GH_TEST_OTHER},   /* grown in culture */
};

enum gh_test_kind gh_shc_covid_test(const char *loinc)
{
    for (size_t i = 0; loinc != NULL && i < GH_ARRAY_SIZE(covid_tests); i++)
        if (strcmp(covid_tests[i].code, loinc) == 0)
            return covid_tests[i].kind;
    return GH_TEST_ANY;
}

/* --- SNOMED CT ------------------------------------------------------------------------------- */

static const struct {
    const char *code;
    enum gh_test_result result;
} test_results[] = {
    {"260415000", GH_RESULT_NEGATIVE}, /* not detected */
    {"260385009", GH_RESULT_NEGATIVE}, /* negative */
    {"260373001", GH_RESULT_POSITIVE}, /* detected */
    {"10828004", GH_RESULT_POSITIVE},  /* positive */
    {"260408008", GH_RESULT_POSITIVE}, /* weakly positive */
    {"720735008", GH_RESULT_POSITIVE}, /* presumptive positive */
};

enum gh_test_result gh_shc_test_result(const char *snomed)
{
    for (size_t i = 0; snomed != NULL && i < GH_ARRAY_SIZE(test_results); i++)
        if (strcmp(test_results[i].code, snomed) == 0)
            return test_results[i].result;
    return GH_RESULT_ANY;
}
