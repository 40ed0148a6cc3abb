/* SPDX-License-Identifier: Apache-2.0 */
/* Published HCERTs (../shared/vectors/hcert, skipped where that folder is absent) and the project's
 * own (tests/vectors/hcert): each is read with one certificate trusted, through the folder that
 * `gatehouse code read --trust` takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gatehouse/clock.h"
#include "gatehouse/code.h"
#include "gatehouse/file.h"

#define SHARED "../shared/vectors/hcert"
#define OWN "tests/vectors/hcert"

enum column { CASE, AT, CERTIFICATE, VERDICT, STAGE, CODE, COLUMNS };

/* The stage that refuses, in the words of the vectors, and what it may be called here. */
static const struct {
    const char *stage;
    enum gh_reason reasons[4];
} stages[] = {
    {"PREFIX", {GH_REASON_NOT_A_CODE}},
    {"BASE45", {GH_REASON_BAD_TEXT}},
    {"ZLIB", {GH_REASON_BAD_COMPRESSION, GH_REASON_TRUNCATED, GH_REASON_TRAILING}},
    {"COSE", {GH_REASON_MALFORMED, GH_REASON_TRAILING, GH_REASON_TRUNCATED}},
    {"KID", {GH_REASON_FOREIGN, GH_REASON_KEY_ID_MISSING}},
    {"ALG", {GH_REASON_BAD_ALGORITHM, GH_REASON_WRONG_ALGORITHM}},
    {"SIGNATURE", {GH_REASON_FORGED, GH_REASON_SIGNATURE_FORM, GH_REASON_SIGNATURE_RANGE}},
    {"KEYUSAGE", {GH_REASON_WRONG_KEY}},
    {"CONTENT", {GH_REASON_BAD_CONTENT}},
    {"NOTYET", {GH_REASON_NOT_YET_VALID}},
    {"EXPIRED", {GH_REASON_EXPIRED}},
};

static bool is_of_stage(enum gh_reason reason, const char *stage)
{
    for (size_t i = 0; i < GH_ARRAY_SIZE(stages); i++) {
        if (strcmp(stages[i].stage, stage) != 0)
            continue;
        for (size_t j = 0; j < GH_ARRAY_SIZE(stages[i].reasons); j++)
            if (stages[i].reasons[j] == reason && reason != GH_REASON_OK)
                return true;
        return false;
    }
    /* our own vectors name the very reason */
    return strcmp(gh_reason_info(reason)->token, stage) == 0;
}

static struct gh_trust *trust_of(const char *folder, const char *certificate)
{
    char root[] = "/tmp/gatehouse-hcert-XXXXXX";
    assert_non_null(mkdtemp(root));
    char from[512], to[512];
    snprintf(from, sizeof(from), "%s/certs/%s", folder, certificate);
    snprintf(to, sizeof(to), "%s/%s", root, certificate);
    GH_CLEANUP_FREE uint8_t *der = NULL;
    size_t size = 0;
    struct gh_error err = {.status = GH_OK};
    assert_int_equal(gh_file_read(from, 65536, &der, &size, &err), GH_OK);
    assert_int_equal(gh_file_replace(to, 0600, der, size, &err), GH_OK);
    struct gh_trust *trust = NULL;
    if (gh_trust_load(root, &trust, &err) != GH_OK)
        fail_msg("%s: %s", from, err.text);
    unlink(to);
    rmdir(root);
    return trust;
}

static void check_facts(const char *name, const struct gh_credential *credential)
{
    bool good = credential->fact_count >= 1 && credential->fact_count <= GH_FACTS_MAX &&
                credential->revocation_count == 3 && credential->issuer[0] != '\0' &&
                credential->expires_at_s > credential->issued_at_s;
    for (size_t i = 0; i < credential->fact_count; i++)
        good = good && credential->facts[i].at_s > 0 &&
               strcmp(credential->facts[i].disease, GH_DISEASE_COVID19) == 0;
    if (!good)
        fail_msg("%s: read, but not what it says", name);
}

static void check_case(const char *folder, char *columns[COLUMNS])
{
    int64_t now_s;
    struct gh_credential credential;
    assert_int_equal(gh_time_parse(columns[AT], &now_s), GH_OK);
    struct gh_trust *trust = trust_of(folder, columns[CERTIFICATE]);
    struct gh_bytes text = {(const uint8_t *)columns[CODE], strlen(columns[CODE])};
    gh_code_read(trust, text, now_s, &credential);
    gh_trust_unref(trust);
    const char *token = gh_reason_info(credential.reason)->token;
    if (strcmp(columns[VERDICT], "valid") == 0) {
        if (credential.reason != GH_REASON_OK || !credential.authentic)
            fail_msg("%s: %s, but it is valid", columns[CASE], token);
        check_facts(columns[CASE], &credential);
    } else if (!is_of_stage(credential.reason, columns[STAGE])) {
        fail_msg("%s: %s, but it fails at %s", columns[CASE], token, columns[STAGE]);
    }
}

static void check_all(const char *folder, size_t at_least, bool may_be_absent)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/cases.tsv", folder);
    FILE *file = fopen(path, "re");
    if (file == NULL && may_be_absent) {
        print_message("%s is not here\n", path);
        skip();
    }
    assert_non_null(file);
    char *line = NULL;
    size_t capacity = 0, cases = 0;
    for (ssize_t size; (size = getline(&line, &capacity, file)) > 0;) {
        char *rest = line, *columns[COLUMNS];
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < COLUMNS; i++) {
            assert_non_null(rest);
            columns[i] = i + 1 < COLUMNS ? strsep(&rest, "\t") : rest;
        }
        if (strcmp(columns[CASE], "case") == 0)
            continue;
        check_case(folder, columns);
        cases++;
    }
    free(line);
    fclose(file);
    assert_true(cases >= at_least);
}

static void test_shared(void **state)
{
    (void)state;
    check_all(SHARED, 213, true);
}

static void test_own(void **state)
{
    (void)state;
    check_all(OWN, 30, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
