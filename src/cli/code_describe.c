/* SPDX-License-Identifier: Apache-2.0 */
/* A code that was read, as JSON: no names, no birth dates, no secrets. */
#include "cli/code_commands.h"
#include "gatehouse/clock.h"

/* --- members: each returns 0, or something else when memory ran out ----------------------------
 */

static int set_text(json_t *object, const char *name, const char *text)
{
    return json_object_set_new(object, name, text != NULL ? json_string(text) : json_null());
}

static int set_id(json_t *object, const char *name, gh_id id)
{
    char text[GH_ID_TEXT_BYTES];
    gh_id_format(id, text);
    return set_text(object, name, text);
}

/* What has no end, or no beginning, is null. */
static int set_time(json_t *object, const char *name, int64_t seconds)
{
    char text[GH_TIME_TEXT_BYTES];
    bool named = seconds != INT64_MAX && seconds != INT64_MIN;
    if (named)
        gh_time_format(seconds, text);
    return set_text(object, name, named ? text : NULL);
}

static int set_key_id(json_t *object, const struct gh_credential *credential)
{
    char text[2 * GH_KEY_ID_BYTES + 1];
    gh_hex_encode(credential->key_id, GH_KEY_ID_BYTES, text);
    return set_text(object, "key_id", text);
}

/* --- our own codes -----------------------------------------------------------------------------
 */

static int set_enrolment(json_t *claims, struct gh_bytes text)
{
    /* At a time when it has surely not expired: the verdict is known already. */
    struct gh_enrolment enrolment;
    int failed = 0;
    if (gh_enrolment_read(text, INT64_MIN, &enrolment) == GH_REASON_OK)
        failed = set_id(claims, "gate", enrolment.gate) | set_text(claims, "url", enrolment.url) |
                 set_time(claims, "expires_at", enrolment.expires_at_s);
    gh_wipe(&enrolment, sizeof(enrolment));
    return failed;
}

static int set_own(json_t *claims, const struct gh_credential *credential)
{
    int failed = set_id(claims, "id", credential->id);
    if (credential->subject != 0)
        failed |= set_id(claims, "subject", credential->subject);
    if (credential->home != 0)
        failed |= set_id(claims, "home", credential->home);
    if (credential->colour != GH_COLOUR_NONE)
        failed |= set_text(claims, "colour", gh_colour_name(credential->colour));
    if (credential->form != GH_FORM_NONE)
        failed |= set_text(claims, "form", gh_form_name(credential->form));
    if (credential->form == GH_FORM_PHONE)
        failed |= set_time(claims, "presented_at", credential->presented_at_s);
    failed |= set_text(claims, "issuer", credential->issuer);
    failed |= set_time(claims, "issued_at", credential->issued_at_s);
    failed |= set_time(claims, "expires_at", credential->expires_at_s);
    return failed | set_key_id(claims, credential);
}

/* --- foreign certificates ----------------------------------------------------------------------
 */

static const char *const groups[] = {[GH_FACT_VACCINATION] = "vaccination",
                                     [GH_FACT_TEST] = "test",
                                     [GH_FACT_RECOVERY] = "recovery"};
static const char *const tests[] = {
    [GH_TEST_NAAT] = "naat", [GH_TEST_ANTIGEN] = "antigen", [GH_TEST_OTHER] = "other"};
static const char *const results[] = {[GH_RESULT_NEGATIVE] = "negative",
                                      [GH_RESULT_POSITIVE] = "positive",
                                      [GH_RESULT_OTHER] = "other"};

/* A word of a table; nothing for a value that has none. */
static int set_word(json_t *object, const char *name, const char *const *words, size_t count,
                    unsigned value)
{
    const char *word = value < count ? words[value] : NULL;
    return word != NULL ? set_text(object, name, word) : 0;
}

#define SET_WORD(OBJECT, NAME, WORDS, VALUE)                                                       \
    set_word(OBJECT, NAME, WORDS, GH_ARRAY_SIZE(WORDS), (unsigned)(VALUE))

static int set_number(json_t *object, const char *name, unsigned number)
{
    return number > 0 ? json_object_set_new(object, name, json_integer(number)) : 0;
}

/* Only what is known. NULL: no memory. */
static json_t *describe_fact(const struct gh_fact *fact)
{
    json_t *object = json_object();
    int failed = SET_WORD(object, "group", groups, fact->group);
    if (fact->disease[0] != '\0')
        failed |= set_text(object, "disease", fact->disease);
    failed |= set_time(object, "at", fact->at_s);
    failed |= SET_WORD(object, "test", tests, fact->test);
    failed |= SET_WORD(object, "result", results, fact->result);
    failed |= set_number(object, "dose", fact->dose);
    failed |= set_number(object, "doses", fact->doses);
    if (fact->product[0] != '\0')
        failed |= set_text(object, "product", fact->product);
    if (fact->from_s != INT64_MIN)
        failed |= set_time(object, "valid_from", fact->from_s);
    if (fact->until_s != INT64_MAX)
        failed |= set_time(object, "valid_until", fact->until_s);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

/* Its own last second, not the first one after it. */
static int64_t last_second(const struct gh_credential *credential)
{
    return credential->expires_at_s == INT64_MAX ? INT64_MAX : credential->expires_at_s - 1;
}

static int set_certificate(json_t *claims, const struct gh_credential *credential)
{
    json_t *facts = json_array();
    int failed = 0;
    if (credential->issuer[0] != '\0')
        failed |= set_text(claims, "issuer", credential->issuer);
    failed |= set_time(claims, "issued_at", credential->issued_at_s);
    failed |= set_time(claims, "expires_at", last_second(credential));
    for (size_t i = 0; i < credential->fact_count; i++)
        failed |= json_array_append_new(facts, describe_fact(&credential->facts[i]));
    failed |= json_object_set_new(claims, "facts", facts);
    return failed | set_key_id(claims, credential);
}

/* --- the whole -----------------------------------------------------------------------------------
 */

static int set_claims(json_t *claims, const struct gh_credential *credential, struct gh_bytes text)
{
    if (!credential->authentic)
        return 0;
    if (credential->kind == GH_KIND_ENROLMENT)
        return set_enrolment(claims, text);
    return gh_kind_is_certificate(credential->kind) ? set_certificate(claims, credential)
                                                    : set_own(claims, credential);
}

json_t *gh_code_describe(const struct gh_credential *credential, struct gh_bytes text)
{
    json_t *object = json_object(), *claims = json_object();
    bool valid = credential->reason == GH_REASON_OK;
    int failed = set_text(object, "kind", gh_kind_name(credential->kind));
    failed |= set_text(object, "verdict", valid ? "valid" : "invalid");
    failed |= set_text(object, "reason", gh_reason_info(credential->reason)->token);
    failed |= set_claims(claims, credential, text);
    failed |= json_object_set_new(object, "claims", claims);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}
