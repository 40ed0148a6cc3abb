/* SPDX-License-Identifier: Apache-2.0 */
/* Every card with one bit turned is refused: in the text, in each chunk, in the JWS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shc_fixture.h"

static struct gh_credential read_bytes(struct gh_bytes *texts, size_t count)
{
    struct gh_credential card;
    memset(&card, 0xa5, sizeof(card));
    gh_code_read_parts(trust, texts, count, NOW, &card);
    return card;
}

static char *write_jws(void)
{
    char *payload = shc_person_payload();
    char *jws = shc_jws(&(struct shc_spec){.key = issuer_key, .payload = payload});
    free(payload);
    return jws;
}

static void check_all_bits(char **texts, size_t count)
{
    struct gh_bytes views[4];
    for (size_t i = 0; i < count; i++)
        views[i] = (struct gh_bytes){.data = (uint8_t *)texts[i], .size = strlen(texts[i])};
    struct gh_credential whole = read_bytes(views, count);
    assert_authentic(&whole, GH_REASON_OK);
    for (size_t i = 0; i < count; i++) {
        for (size_t bit = 0; bit < views[i].size * 8; bit++) {
            texts[i][bit / 8] = (char)(texts[i][bit / 8] ^ (1 << bit % 8));
            struct gh_credential card = read_bytes(views, count);
            texts[i][bit / 8] = (char)(texts[i][bit / 8] ^ (1 << bit % 8));
            if (card.reason == GH_REASON_OK || card.authentic)
                fail_msg("bit %zu of text %zu may be turned", bit, i);
        }
    }
    whole = read_bytes(views, count);
    assert_authentic(&whole, GH_REASON_OK);
}

static void no_bit_of_a_text_may_be_turned(void **state)
{
    (void)state;
    char *jws = write_jws(), *text = shc_text(jws);
    check_all_bits(&text, 1);
    free(text);
    text = shc_chunk(jws, 1, 1);
    check_all_bits(&text, 1);
    free(text), free(jws);
}

static void no_bit_of_a_chunk_may_be_turned(void **state)
{
    (void)state;
    char *jws = write_jws();
    char *texts[] = {shc_chunk(jws, 1, 3), shc_chunk(jws, 2, 3), shc_chunk(jws, 3, 3)};
    check_all_bits(texts, 3);
    for (size_t i = 0; i < 3; i++)
        free(texts[i]);
    free(jws);
}

/* Of the JWS itself, wherever what comes out can be written in digits. */
static void no_bit_of_a_jws_may_be_turned(void **state)
{
    (void)state;
    char *jws = write_jws();
    size_t tried = 0, size = strlen(jws);
    for (size_t bit = 0; bit < size * 8; bit++) {
        char before = jws[bit / 8], after = (char)(before ^ (1 << bit % 8));
        if (after < '-' || after > 'z')
            continue;
        jws[bit / 8] = after;
        struct gh_credential card = read_jws(trust, jws, NOW);
        jws[bit / 8] = before;
        tried++;
        if (card.reason == GH_REASON_OK || card.authentic)
            fail_msg("bit %zu of the JWS may be turned", bit);
    }
    assert_true(tried > size * 4);
    free(jws);
}

/* Nor may it be cut off anywhere. */
static void no_end_of_a_text_may_be_cut_off(void **state)
{
    (void)state;
    char *jws = write_jws(), *text = shc_text(jws);
    struct gh_bytes view = {.data = (uint8_t *)text, .size = strlen(text)};
    while (view.size-- > 0) {
        struct gh_credential card = read_bytes(&view, 1);
        assert_false(card.authentic);
        assert_int_not_equal(card.reason, GH_REASON_OK);
    }
    free(text), free(jws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_bit_of_a_text_may_be_turned),
        cmocka_unit_test(no_bit_of_a_chunk_may_be_turned),
        cmocka_unit_test(no_bit_of_a_jws_may_be_turned),
        cmocka_unit_test(no_end_of_a_text_may_be_cut_off),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
