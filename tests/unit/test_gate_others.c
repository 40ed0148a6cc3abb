/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c: certificates of others, cards in parts, and codes that the health authority is asked
 * about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fakes/gate_rig.h"

#define DAY_S 86400
#define HOLDER UINT64_C(0xfeedfacecafebeef)
#define CERTIFICATE UINT64_C(0x1122334455667788)

static struct rig rig;
static struct fixture *const fixture = &rig.fixture;
static struct gh_credential certificate; /* a vaccination of 100 days ago, of Anna's */

static void add_key(const char *issuer)
{
    struct gh_issuer_key *key = &fixture->foreign_keys[fixture->foreign_key_count++];
    struct gh_private_key *pair = NULL;
    struct gh_public_key *public_key = NULL;

    *key = (struct gh_issuer_key){.type = GH_KEY_P256,
                                  .purposes = GH_PURPOSE(GH_KIND_HCERT),
                                  .groups = GH_GROUPS_ALL,
                                  .not_after_s = FIXTURE_NOW_S * 2};
    strcpy(key->issuer, issuer);
    memset(key->key_id, 0x5a, sizeof(key->key_id));
    assert_int_equal(gh_private_key_generate(GH_KEY_P256, &pair), GH_OK);
    assert_int_equal(gh_private_key_public(pair, &public_key), GH_OK);
    key->raw_bytes = gh_public_key_raw(public_key, key->raw);
    gh_public_key_free(public_key);
    gh_private_key_free(pair);
}

static int setup(void **state)
{
    (void)state;
    struct gh_policy *policy = &fixture->manifest.policy;

    rig_init(&rig);
    memset(fixture->manifest.holder_secret, 7, sizeof(fixture->manifest.holder_secret));
    assert_int_equal(
        gh_rule_parse("green vaccination from 14d until 270d", &policy->rules[0], NULL), GH_OK);
    policy->rule_count = 1;
    fixture->holder = HOLDER;
    fixture->holder_subject = ANNA;
    add_key("DE");
    certificate = (struct gh_credential){.kind = GH_KIND_HCERT,
                                         .reason = GH_REASON_OK,
                                         .authentic = true,
                                         .id = CERTIFICATE,
                                         .subject = HOLDER,
                                         .issued_at_s = FIXTURE_NOW_S - DAY_S,
                                         .expires_at_s = FIXTURE_NOW_S + DAY_S,
                                         .fact_count = 1,
                                         .revocation_count = 1,
                                         .issuer = "DE"};
    certificate.facts[0] = (struct gh_fact){.group = GH_FACT_VACCINATION,
                                            .at_s = FIXTURE_NOW_S - 100 * DAY_S,
                                            .from_s = INT64_MIN,
                                            .until_s = INT64_MAX,
                                            .disease = GH_DISEASE_COVID19};
    memset(certificate.key_id, 0x5a, sizeof(certificate.key_id));
    memset(certificate.revocations[0], 0xc3, GH_REVOCATION_BYTES);
    memset(certificate.identity, 0x11, sizeof(certificate.identity));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static void start(void)
{
    rig_start_with_list(&rig);
}

static void show_certificate(void)
{
    rig_show_credential(&rig, &certificate);
}

/* --- certificates --- */

static void test_certificate_opens(void **state)
{
    (void)state;

    start();
    show_certificate();
    assert_int_equal(rig_count_entries(&rig), 1); /* the card is waited for */
    rig_show(&rig, rig.home1);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    const struct gh_entry *entry = rig_last_entry(&rig);
    assert_int_equal(entry->kind, GH_KIND_HCERT);
    assert_int_equal(entry->colour, GH_COLOUR_GREEN);
    assert_int_equal(entry->form, GH_FORM_NONE);
    assert_true(entry->subject == ANNA); /* not the hash: the person */
    assert_true(entry->health_code == CERTIFICATE);
    assert_true(entry->home == HOME_1);
    assert_int_equal(rig_count_openings(&rig), 1);
}

static void test_stranger_with_a_certificate(void **state)
{
    (void)state;

    certificate.subject = HOLDER + 1;
    start();
    show_certificate();
    rig_assert_last(&rig, 2, GH_REASON_SUBJECT_UNKNOWN);
    assert_true(rig_last_entry(&rig)->subject == HOLDER + 1);
    rig_stop(&rig);
    fixture->manifest.policy.holder = GH_HOLDER_HOME;
    fixture->manifest.generation++;
    start();
    show_certificate();
    rig_show(&rig, rig.home2);
    rig_assert_last(&rig, 4, GH_REASON_OK);
    assert_int_equal(rig_count_openings(&rig), 1);
}

/* Without a secret nobody's certificate says whose it is: each is somebody else's. */
static void test_holders_without_a_name(void **state)
{
    (void)state;

    certificate.subject = 0;
    fixture->manifest.policy.holder = GH_HOLDER_OPEN;
    start();
    show_certificate();
    rig_assert_last(&rig, 2, GH_REASON_OK);
    memset(certificate.identity, 0x22, sizeof(certificate.identity));
    show_certificate(); /* another person, in the next frame */
    rig_assert_last(&rig, 3, GH_REASON_OK);
    rig_pass_ms(&rig, 1000);
    show_certificate();
    assert_int_equal(rig_count_entries(&rig), 3);
}

static void test_certificate_revoked(void **state)
{
    (void)state;

    memset(fixture->revoked_hash, 0xc3, sizeof(fixture->revoked_hash));
    start();
    show_certificate();
    rig_assert_last(&rig, 2, GH_REASON_REVOKED);
}

static void swap_list(void)
{
    fixture->manifest.generation++;
    fixture_install_list(fixture);
    fixture->identity.generation = fixture->manifest.generation;
    rig_news(&rig, GH_COURIER_LIST);
}

/* The key is withdrawn while the card is looked for. */
static void test_key_revoked(void **state)
{
    (void)state;

    start();
    show_certificate();
    fixture->foreign_keys[0].revoked = true;
    swap_list();
    rig_show(&rig, rig.home1);
    rig_pass_ms(&rig, 20000);
    rig_assert_last(&rig, 2, GH_REASON_KEY_REVOKED);
    assert_true(rig_last_entry(&rig)->subject == 0);
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* Or may sign less than it did. */
static void test_key_allowed_less(void **state)
{
    (void)state;

    start();
    show_certificate();
    fixture->foreign_keys[0].groups = GH_GROUP(GH_FACT_TEST);
    swap_list();
    rig_show(&rig, rig.home1);
    rig_pass_ms(&rig, 20000);
    rig_assert_last(&rig, 2, GH_REASON_WRONG_KEY);
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* Two keys of one id: the one whose issuer it is counts. */
static void test_keys_of_one_id(void **state)
{
    (void)state;

    add_key("FR");
    if (memcmp(fixture->foreign_keys[0].raw, fixture->foreign_keys[1].raw,
               fixture->foreign_keys[0].raw_bytes) > 0) {
        struct gh_issuer_key first = fixture->foreign_keys[0];
        fixture->foreign_keys[0] = fixture->foreign_keys[1];
        fixture->foreign_keys[1] = first;
    }
    start();
    show_certificate();
    rig_show(&rig, rig.home1);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    rig_pass_ms(&rig, 20000);
    strcpy(certificate.issuer, "NL");
    show_certificate();
    rig_show(&rig, rig.home1);
    rig_pass_ms(&rig, 20000);
    rig_assert_last(&rig, 3, GH_REASON_WRONG_ISSUER);
}

/* --- cards in parts --- */

static void test_parts(void **state)
{
    (void)state;
    struct gh_credential chunk = {.kind = GH_KIND_SHC, .reason = GH_REASON_WAIT_PARTS};

    start();
    size_t before = rig.door.count;
    memset(chunk.identity, 0x33, sizeof(chunk.identity));
    rig_show_credential(&rig, &chunk);
    assert_true(gh_fake_door_is_active(&rig.door, GH_LINE_YELLOW)); /* show the others */
    assert_true(rig.door.count > before);
    size_t asked = rig.door.count;
    rig_show_credential(&rig, &chunk); /* still held up: said once */
    assert_int_equal(rig.door.count, asked);
    rig_pass_ms(&rig, 60000);
    assert_int_equal(rig_count_entries(&rig), 1); /* never came: nobody was decided about */
    assert_int_equal(rig.door.active, 0);
    rig_show(&rig, rig.anna); /* and nobody was kept waiting by it */
    rig_show_credential(&rig, &chunk);
    rig_show(&rig, rig.home1);
    rig_assert_last(&rig, 2, GH_REASON_OK);
}

/* --- the health authority --- */

static struct gh_credential question(void)
{
    struct gh_credential code = {.kind = GH_KIND_UNKNOWN, .reason = GH_REASON_WAIT_ANSWER};

    memset(code.identity, 0x44, sizeof(code.identity));
    return code;
}

static struct gh_credential answer(enum gh_reason reason)
{
    struct gh_credential code = question();

    code.reason = reason;
    code.expires_at_s = INT64_MAX;
    if (reason == GH_REASON_OK) {
        code.authentic = code.upstream = true;
        code.colour = GH_COLOUR_GREEN;
    }
    return code;
}

static void test_answer(void **state)
{
    (void)state;
    struct gh_credential asked = question(), good = answer(GH_REASON_OK);
    struct gh_credential unread = asked;

    fixture->manifest.policy.holder = GH_HOLDER_HOME;
    start();
    rig_show_credential(&rig, &asked);
    assert_true(gh_fake_door_is_active(&rig.door, GH_LINE_YELLOW));
    rig_pass_ms(&rig, 500);
    rig_show_credential(&rig, &asked);
    assert_int_equal(rig_count_entries(&rig), 1);
    gh_gate_answered(rig.gate, &good);
    assert_int_equal(rig_count_entries(&rig), 1); /* the card of whom they visit */
    unread.reason = GH_REASON_NOT_A_CODE;
    for (int i = 0; i < 20; i++) { /* it goes on being held up, and read as before */
        rig_show_credential(&rig, i % 2 ? &asked : &unread);
        rig_pass_ms(&rig, 100);
    }
    rig_show(&rig, rig.home1);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    assert_int_equal(rig_last_entry(&rig)->kind, GH_KIND_UNKNOWN);
    assert_int_equal(rig_last_entry(&rig)->colour, GH_COLOUR_GREEN);
    for (int i = 0; i < 20; i++) {
        rig_show_credential(&rig, i % 2 ? &asked : &unread);
        gh_gate_answered(rig.gate, &good); /* remembered, and said again */
        rig_pass_ms(&rig, 100);
    }
    assert_int_equal(rig_count_entries(&rig), 2);
    assert_int_equal(rig_count_openings(&rig), 1);
}

/* Held up for so long that it is asked about again, when the authority is gone for a moment: who is
 * in is not sent away, nor let in once more when it is back. But its word is its word. */
static void test_authority_comes_and_goes(void **state)
{
    (void)state;
    static const enum gh_reason silence[] = {GH_REASON_UPSTREAM_UNREACHABLE, GH_REASON_NOT_A_CODE};
    struct gh_credential asked = question(), good = answer(GH_REASON_OK);

    fixture->manifest.policy.holder = GH_HOLDER_OPEN;
    start();
    rig_show_credential(&rig, &asked);
    gh_gate_answered(rig.gate, &good);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    for (int i = 0; i < 40; i++) {
        struct gh_credential none = answer(silence[i % 2]);
        rig_show_credential(&rig, &asked);
        gh_gate_answered(rig.gate, i % 8 == 7 ? &good : &none);
        rig_pass_ms(&rig, 500);
    }
    rig_assert_last(&rig, 2, GH_REASON_OK);
    assert_int_equal(rig_count_openings(&rig), 1);
    struct gh_credential refused = answer(GH_REASON_UPSTREAM_REFUSED);
    gh_gate_answered(rig.gate, &refused);
    rig_assert_last(&rig, 3, GH_REASON_UPSTREAM_REFUSED);
}

static void test_answers_that_do_not_open(void **state)
{
    (void)state;
    static const enum gh_reason reasons[] = {GH_REASON_UPSTREAM_REFUSED,
                                             GH_REASON_UPSTREAM_UNREACHABLE, GH_REASON_NOT_A_CODE,
                                             GH_REASON_FOREIGN};
    struct gh_credential asked = question();

    fixture->manifest.policy.holder = GH_HOLDER_OPEN;
    start();
    for (size_t i = 0; i < GH_ARRAY_SIZE(reasons); i++) {
        struct gh_credential answered = answer(reasons[i]);
        rig_show_credential(&rig, &asked);
        gh_gate_answered(rig.gate, &answered);
        rig_show_credential(&rig, &asked);
        gh_gate_answered(rig.gate, &answered);
        rig_assert_last(&rig, 2 + i, reasons[i]);
        rig_pass_ms(&rig, 20000);
    }
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* Not reached at first, then it is: the code is still held up. */
static void test_a_better_answer(void **state)
{
    (void)state;
    struct gh_credential asked = question(), good = answer(GH_REASON_OK);
    struct gh_credential unreached = answer(GH_REASON_UPSTREAM_UNREACHABLE);

    fixture->manifest.policy.holder = GH_HOLDER_OPEN;
    start();
    rig_show_credential(&rig, &asked);
    gh_gate_answered(rig.gate, &unreached);
    rig_assert_last(&rig, 2, GH_REASON_UPSTREAM_UNREACHABLE);
    rig_pass_ms(&rig, 2000);
    rig_show_credential(&rig, &asked);
    gh_gate_answered(rig.gate, &good);
    rig_assert_last(&rig, 3, GH_REASON_OK);
}

/* Whoever has left is not let in; nor is anybody by an answer that nobody asked for. */
static void test_late_answer(void **state)
{
    (void)state;
    struct gh_credential asked = question(), good = answer(GH_REASON_OK);

    fixture->manifest.policy.holder = GH_HOLDER_OPEN;
    start();
    gh_gate_answered(rig.gate, &good);
    assert_int_equal(rig_count_entries(&rig), 1);
    rig_show_credential(&rig, &asked);
    rig_pass_ms(&rig, 8000); /* passage_timeout_ms */
    gh_gate_answered(rig.gate, &good);
    assert_int_equal(rig_count_entries(&rig), 1);
    rig_show_credential(&rig, &asked);
    rig_pass_ms(&rig, 5000); /* the longest that the authority may take */
    gh_gate_answered(rig.gate, &good);
    rig_assert_last(&rig, 2, GH_REASON_OK);
}

static void test_answer_before_enrolment(void **state)
{
    (void)state;
    struct gh_credential good = answer(GH_REASON_OK);

    fixture->identity.enrolled = false;
    rig_start(&rig);
    gh_gate_answered(rig.gate, &good);
    rig_pass_ms(&rig, 1000);
    assert_int_equal(rig_count_openings(&rig), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_certificate_opens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stranger_with_a_certificate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_holders_without_a_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_certificate_revoked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_revoked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_allowed_less, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_of_one_id, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_authority_comes_and_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers_that_do_not_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_better_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answer_before_enrolment, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
