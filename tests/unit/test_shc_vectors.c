/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of the project's own vectors of SMART Health Cards, and of the published ones where
 * they are at hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "gatehouse/clock.h"
#include "gatehouse/file.h"
#include "gatehouse/jwk.h"
#include "shc_fixture.h"

#define FIELDS 5

/* What the published vectors call a stage, and the reasons that it stands for here. */
static const struct {
    const char *stage;
    enum gh_reason reasons[2];
} stages[] = {
    {"HEADER", {GH_REASON_KEY_ID_MISSING, GH_REASON_BAD_COMPRESSION}},
    {"KID", {GH_REASON_FOREIGN, GH_REASON_FOREIGN}},
    {"CHUNK", {GH_REASON_BAD_PARTS, GH_REASON_BAD_PARTS}},
    {"NUMERIC", {GH_REASON_BAD_TEXT, GH_REASON_BAD_TEXT}},
    {"SIG", {GH_REASON_SIGNATURE_FORM, GH_REASON_SIGNATURE_FORM}},
    {"ISS", {GH_REASON_WRONG_ISSUER, GH_REASON_BAD_CONTENT}},
    {"EXPIRED", {GH_REASON_EXPIRED, GH_REASON_EXPIRED}},
};

/* Our own rows name the reason itself, the published ones a stage, the valid ones nothing. */
static bool is_expected(const char *word, enum gh_reason reason)
{
    enum gh_reason named;
    if (word[0] == '\0')
        return reason == GH_REASON_OK;
    if (gh_reason_from_token(word, &named) == GH_OK)
        return reason == named;
    for (size_t i = 0; i < GH_ARRAY_SIZE(stages); i++)
        if (strcmp(stages[i].stage, word) == 0)
            return reason == stages[i].reasons[0] || reason == stages[i].reasons[1];
    fail_msg("no such reason: %s", word);
    return false;
}

/* --- keys ------------------------------------------------------------------------------------ */

struct set {
    struct gh_issuer_key keys[8];
    size_t count;
};

static bool add(void *context, const struct gh_issuer_key *key)
{
    struct set *set = context;
    assert_true(set->count < GH_ARRAY_SIZE(set->keys));
    set->keys[set->count++] = *key;
    return true;
}

static struct gh_trust *trust_of(const char *folder)
{
    char path[1024];
    uint8_t *text = NULL;
    size_t size = 0;
    struct set set = {.count = 0};
    snprintf(path, sizeof(path), "%s/issuer.jwks.json", folder);
    assert_int_equal(gh_file_read(path, GH_JWKS_MAX_BYTES, &text, &size, NULL), GH_OK);
    assert_int_equal(gh_jwks_read((struct gh_bytes){text, size}, add, &set, NULL, NULL), GH_OK);
    free(text);
    return trust_in(set.keys, set.count);
}

/* --- rows ------------------------------------------------------------------------------------ */

static size_t split(char *line, char separator, char **fields, size_t most)
{
    size_t count = 0;
    for (char *at = line; at != NULL && count < most;) {
        fields[count++] = at;
        at = strchr(at, separator);
        if (at != NULL)
            *at++ = '\0';
    }
    return count;
}

static void check_row(const struct gh_trust *keys, char *line)
{
    char *fields[FIELDS], *texts[GH_PARTS_MAX];
    int64_t at_s = 0;
    assert_int_equal(split(line, '\t', fields, FIELDS), FIELDS);
    assert_int_equal(gh_time_parse(fields[1], &at_s), GH_OK);
    assert_true((strcmp(fields[2], "valid") == 0) == (fields[3][0] == '\0'));
    size_t count = split(fields[4], ' ', texts, GH_ARRAY_SIZE(texts));
    struct gh_credential card = read_texts(keys, texts, count, at_s);
    if (!is_expected(fields[3], card.reason))
        fail_msg("%s: %s, not %s", fields[0], gh_reason_info(card.reason)->token, fields[3]);
    if (card.reason == GH_REASON_OK || card.reason == GH_REASON_EXPIRED ||
        card.reason == GH_REASON_NOT_YET_VALID)
        assert_authentic(&card, card.reason);
    else
        assert_refused(&card, card.reason);
}

static void check_folder(const char *folder, size_t at_least)
{
    char path[1024], *line = NULL;
    size_t room = 0, rows = 0;
    struct gh_trust *keys = trust_of(folder);
    snprintf(path, sizeof(path), "%s/cases.tsv", folder);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_true(getline(&line, &room, file) > 0); /* the columns' names */
    for (; getline(&line, &room, file) > 0; rows++) {
        line[strcspn(line, "\r\n")] = '\0';
        check_row(keys, line);
    }
    assert_true(rows >= at_least);
    fclose(file);
    free(line);
    gh_trust_unref(keys);
}

static void our_vectors_agree(void **state)
{
    (void)state;
    check_folder(SHC_VECTORS, 35);
}

static void published_vectors_agree(void **state)
{
    (void)state;
    const char *const places[] = {getenv("GATEHOUSE_SHARED"), "../shared", "../../shared"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(places); i++) {
        char folder[512];
        snprintf(folder, sizeof(folder), "%s/vectors/shc", places[i] != NULL ? places[i] : "");
        if (access(folder, R_OK) == 0) {
            check_folder(folder, 17);
            return;
        }
    }
    print_message("no published vectors: GATEHOUSE_SHARED is not set, ../shared is not there\n");
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_vectors_agree),
        cmocka_unit_test(published_vectors_agree),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
