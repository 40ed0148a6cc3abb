/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of a SMART Health Card: alone, in chunks, and as a camera meets them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gatehouse/clock.h"
#include "shc_fixture.h"

static char *my_jws, *other_jws; /* two cards, about equally long */

static int setup_cards(void **state)
{
    setup(state);
    char *payload = shc_person_payload();
    my_jws = shc_jws(&(struct shc_spec){.key = issuer_key, .payload = payload});
    payload[strlen(payload) - 4] = '9'; /* rid-9 */
    other_jws = shc_jws(&(struct shc_spec){.key = issuer_key, .payload = payload});
    free(payload);
    return 0;
}

static int teardown_cards(void **state)
{
    free(my_jws);
    free(other_jws);
    return teardown(state);
}

static void check_text(const char *text, enum gh_reason reason)
{
    struct gh_credential card = read_one(trust, text, NOW);
    assert_refused(&card, reason);
}

/* --- one text -------------------------------------------------------------------------------- */

static void a_text_is_pairs_of_digits(void **state)
{
    (void)state;
    check_text("shc:/", GH_REASON_BAD_TEXT);
    check_text("shc:/5", GH_REASON_BAD_TEXT);
    check_text("shc:/5A", GH_REASON_BAD_TEXT);
    check_text("shc:/ 56", GH_REASON_BAD_TEXT);
    check_text("shc:/5 ", GH_REASON_BAD_TEXT);
    check_text("shc:/-1", GH_REASON_BAD_TEXT);
    check_text("shc:/78", GH_REASON_BAD_TEXT);
    check_text("shc:/99", GH_REASON_BAD_TEXT);
    check_text("shc:/5677", GH_REASON_BAD_TEXT); /* two characters, but no JWS */
    char *text = shc_text(my_jws);
    size_t size = strlen(text);
    struct gh_credential card = read_one(trust, text, NOW);
    assert_authentic(&card, GH_REASON_OK);
    memcpy(text + size - 2, "78", 2);
    check_text(text, GH_REASON_BAD_TEXT);
    text[size - 1] = '\0';
    check_text(text, GH_REASON_BAD_TEXT);
    free(text);
}

/* The beginning is lower case, whole: else a bit could be turned without anybody noticing. */
static void the_scheme_has_one_spelling(void **state)
{
    (void)state;
    static const char *const beginnings[] = {"SHC:/", "Shc:/", "sHc:/", "shC:/"};
    char *text = shc_text(my_jws);
    for (size_t i = 0; i < GH_ARRAY_SIZE(beginnings); i++) {
        memcpy(text, beginnings[i], 5);
        struct gh_credential card = read_one(trust, text, NOW);
        assert_false(card.authentic);
        assert_int_not_equal(card.reason, GH_REASON_OK);
    }
    free(text);
}

static void chunk_numbers_have_one_spelling(void **state)
{
    (void)state;
    static const char *const bad[] = {"0/2",  "1/0",  "01/2",        "1/02", "+1/2", "-1/2",
                                      " 1/2", "1 /2", "1",           "/2",   "1/",   "x/2",
                                      "1/x",  "1//2", "00001/00002", "0x1/2"};
    static const char *const beyond[] = {"3/2", "2/1", "1/17", "17/17", "1/9999"};
    char text[64];
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++) {
        snprintf(text, sizeof(text), "shc:/%s/5676", bad[i]);
        check_text(text, GH_REASON_BAD_TEXT);
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(beyond); i++) {
        snprintf(text, sizeof(text), "shc:/%s/5676", beyond[i]);
        check_text(text, GH_REASON_BAD_PARTS);
    }
    check_text("shc:/1/99999/5676", GH_REASON_BAD_TEXT);
    check_text("shc:/1/2/", GH_REASON_WAIT_PARTS);
    check_text("shc:/1/1/", GH_REASON_BAD_TEXT);
    check_text("shc:/1/16/5676", GH_REASON_WAIT_PARTS);
    check_text("shc:/16/16/5676", GH_REASON_WAIT_PARTS);
    check_text("shc:/1/1/1/5676", GH_REASON_BAD_TEXT);
}

static void check_jws(const char *before, const char *behind, enum gh_reason reason)
{
    char *text = NULL;
    assert_true(asprintf(&text, "%s%s%s", before, my_jws, behind) > 0);
    struct gh_credential card = read_jws(trust, text, NOW);
    assert_refused(&card, reason);
    free(text);
}

static void a_jws_has_three_parts(void **state)
{
    (void)state;
    static const char *const bad[] = {
        ".",           "a.b",         "....",        "e30.e30",
        "e31.e30.e30", "e30.e31.e30", "e30.e30.e31", "e30.e30.e30.e30"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++) {
        struct gh_credential card = read_jws(trust, bad[i], NOW);
        assert_refused(&card, GH_REASON_BAD_TEXT);
    }
    check_jws("", ".", GH_REASON_BAD_TEXT);
    check_jws(".", "", GH_REASON_BAD_TEXT);
    check_jws("", "A", GH_REASON_SIGNATURE_FORM);
    check_jws("", "AA", GH_REASON_SIGNATURE_FORM);
    check_jws("", "AAA", GH_REASON_BAD_TEXT); /* base64url of nothing */
}

/* --- several texts --------------------------------------------------------------------------- */

static struct gh_credential read_numbers(const size_t *numbers, size_t of, size_t count)
{
    char *texts[64] = {NULL};
    for (size_t i = 0; i < count; i++)
        texts[i] = shc_chunk(my_jws, numbers[i], of);
    struct gh_credential card = read_texts(trust, texts, count, NOW);
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    return card;
}

static void chunks_may_come_in_any_order(void **state)
{
    (void)state;
    static const size_t orders[][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3},
                                       {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
    for (size_t i = 0; i < GH_ARRAY_SIZE(orders); i++) {
        struct gh_credential card = read_numbers(orders[i], 3, 3);
        assert_authentic(&card, GH_REASON_OK);
    }
    size_t all[GH_PARTS_MAX];
    for (size_t i = 0; i < GH_PARTS_MAX; i++)
        all[i] = GH_PARTS_MAX - i;
    struct gh_credential card = read_numbers(all, GH_PARTS_MAX, GH_PARTS_MAX);
    assert_authentic(&card, GH_REASON_OK);
}

static void missing_chunks_are_waited_for(void **state)
{
    (void)state;
    static const size_t numbers[] = {3, 1};
    struct gh_credential card = read_numbers(numbers, 3, 2);
    assert_refused(&card, GH_REASON_WAIT_PARTS);
    card = read_numbers(numbers, 3, 1);
    assert_refused(&card, GH_REASON_WAIT_PARTS);
}

static void what_is_no_card_is_told(void **state)
{
    (void)state;
    static const size_t twice[] = {1, 2, 2}, four[] = {1, 2, 3, 3};
    struct gh_credential card = read_numbers(twice, 3, 3);
    assert_refused(&card, GH_REASON_BAD_PARTS);
    card = read_numbers(four, 3, 4);
    assert_refused(&card, GH_REASON_BAD_PARTS);
    size_t many[40];
    for (size_t i = 0; i < GH_ARRAY_SIZE(many); i++)
        many[i] = 1;
    card = read_numbers(many, 3, GH_ARRAY_SIZE(many));
    assert_refused(&card, GH_REASON_BAD_PARTS);
    char *half = shc_chunk(my_jws, 1, 2), *third = shc_chunk(my_jws, 2, 3),
         *whole = shc_text(my_jws);
    char *other = shc_chunk(other_jws, 2, 2);
    card = read_texts(trust, (char *[]){half, third}, 2, NOW);
    assert_refused(&card, GH_REASON_BAD_PARTS);
    card = read_texts(trust, (char *[]){whole, whole}, 2, NOW);
    assert_refused(&card, GH_REASON_BAD_PARTS);
    card = read_texts(trust, (char *[]){half, whole}, 2, NOW);
    assert_refused(&card, GH_REASON_BAD_PARTS);
    card = read_texts(trust, (char *[]){whole, half}, 2, NOW);
    assert_refused(&card, GH_REASON_BAD_PARTS);
    card = read_texts(trust, (char *[]){half, other}, 2, NOW); /* of two cards */
    assert_false(card.authentic);
    card = read_texts(trust, (char *[]){half, (char *)"GH1:AB"}, 2, NOW);
    assert_int_equal(card.reason, GH_REASON_BAD_PARTS);
    assert_false(card.authentic);
    card = read_texts(trust, (char *[]){(char *)"GH1:AB", half}, 2, NOW);
    assert_int_equal(card.reason, GH_REASON_BAD_PARTS);
    assert_false(card.authentic);
    free(half), free(third), free(whole), free(other);
}

static char *long_chunk(const char *start, size_t size)
{
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, '5', size);
    memcpy(text, start, strlen(start));
    text[size] = '\0';
    return text;
}

static void all_texts_together_have_a_limit(void **state)
{
    (void)state;
    char *too_long = long_chunk("shc:/", GH_CODE_TEXT_MAX_BYTES + 1);
    check_text(too_long, GH_REASON_TOO_LONG);
    char *texts[3] = {long_chunk("shc:/1/3/", 5461), long_chunk("shc:/2/3/", 5461),
                      long_chunk("shc:/3/3/", GH_PARTS_TEXT_BYTES - 2 * 5461)};
    struct gh_credential card = read_texts(trust, texts, 3, NOW);
    assert_refused(&card, GH_REASON_BAD_TEXT); /* just fits, and is no JWS */
    free(texts[2]);
    texts[2] = long_chunk("shc:/3/3/", GH_PARTS_TEXT_BYTES - 2 * 5461 + 1);
    card = read_texts(trust, texts, 3, NOW);
    assert_refused(&card, GH_REASON_BAD_PARTS);
    free(too_long);
    free(texts[0]), free(texts[1]), free(texts[2]);
}

/* --- the collector --------------------------------------------------------------------------- */

#define S(seconds) ((seconds)*GH_NS_PER_S)

/* From a block that is gone right after. */
static bool take_text(struct gh_parts *parts, const char *text, int64_t now_ns)
{
    size_t size = strlen(text);
    uint8_t *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, text, size);
    bool taken = gh_parts_take(parts, (struct gh_bytes){.data = copy, .size = size}, now_ns);
    free(copy);
    return taken;
}

static void take(struct gh_parts *parts, const char *jws, size_t number, size_t of, int64_t now_ns)
{
    char *text = shc_chunk(jws, number, of);
    assert_true(take_text(parts, text, now_ns));
    assert_int_equal(parts->count, of);
    free(text);
}

static struct gh_credential read_collected(const struct gh_parts *parts)
{
    struct gh_credential card;
    assert_int_equal(parts->have, parts->count);
    gh_code_read_parts(trust, parts->part, parts->count, NOW, &card);
    return card;
}

static void the_camera_collects(void **state)
{
    (void)state;
    static const size_t orders[][5] = {
        {1, 2, 3, 0}, {3, 2, 1, 0}, {2, 2, 1, 1, 3}, {3, 1, 3, 1, 2}};
    struct gh_parts parts = {.count = 0};
    for (size_t i = 0; i < GH_ARRAY_SIZE(orders); i++) {
        int64_t now_ns = S(1000);
        for (size_t j = 0; j < 5 && orders[i][j] != 0; j++) {
            assert_true(j == 0 || parts.have < parts.count);
            take(&parts, my_jws, orders[i][j], 3, now_ns += S(19));
        }
        struct gh_credential card = read_collected(&parts);
        assert_authentic(&card, GH_REASON_OK);
        gh_parts_forget(&parts);
    }
    static const struct gh_parts nothing;
    assert_memory_equal(&parts, &nothing, sizeof(parts));
}

/* What stays in front of the camera is seen again and again. */
static void a_card_that_stays_is_complete_again(void **state)
{
    (void)state;
    struct gh_parts parts = {.count = 0};
    take(&parts, my_jws, 1, 2, S(1));
    take(&parts, my_jws, 2, 2, S(2));
    size_t used = parts.used;
    for (int i = 0; i < 1000; i++) {
        take(&parts, my_jws, 1 + (size_t)i % 2, 2, S(3) + i);
        assert_int_equal(parts.have, 2);
        assert_int_equal(parts.used, used);
    }
    struct gh_credential card = read_collected(&parts);
    assert_authentic(&card, GH_REASON_OK);
}

static void who_walks_away_leaves_nothing(void **state)
{
    (void)state;
    struct gh_parts parts = {.count = 0};
    take(&parts, my_jws, 1, 3, S(100));
    take(&parts, my_jws, 2, 3, S(120) - 1);
    assert_int_equal(parts.have, 2);
    take(&parts, my_jws, 1, 3, S(140) - 2); /* a repeat is a chunk too */
    assert_int_equal(parts.have, 2);
    take(&parts, my_jws, 3, 3, S(160) - 2);
    assert_int_equal(parts.have, 1);
    take(&parts, my_jws, 1, 3, S(100)); /* back in time: begin anew as well */
    assert_int_equal(parts.have, 1);
}

static void strangers_do_not_mix(void **state)
{
    (void)state;
    struct gh_parts parts = {.count = 0};
    take(&parts, my_jws, 1, 3, S(1));
    take(&parts, other_jws, 1, 2, S(2)); /* another count */
    assert_int_equal(parts.have, 1);
    take(&parts, my_jws, 2, 3, S(3));
    assert_int_equal(parts.have, 1);
    take(&parts, other_jws, 2, 3, S(4)); /* another text under one number */
    assert_int_equal(parts.have, 1);
    take(&parts, other_jws, 3, 3, S(5));
    take(&parts, other_jws, 1, 3, S(6));
    struct gh_credential card = read_collected(&parts);
    assert_authentic(&card, GH_REASON_OK);
    char *whole = shc_text(other_jws);
    struct gh_credential same = read_one(trust, whole, NOW);
    assert_true(same_identity(&card, &same));
    free(whole);
}

static void what_is_no_chunk_is_left_alone(void **state)
{
    (void)state;
    static const char *const others[] = {"",
                                         "GH1:AB",
                                         "shc:/",
                                         "shc:/5676",
                                         "shc:/1/1/5676",
                                         "SHC:/1/2/5676",
                                         "shc:/0/2/5676",
                                         "shc:/3/2/5676",
                                         "shc:/01/2/5676",
                                         "shc:/1/17/5676",
                                         "shc:/1/99999/56",
                                         "shc:/1",
                                         "shc:/1/",
                                         "shc:/1/2",
                                         "shc:/a/2/56"};
    struct gh_parts parts = {.count = 0}, before;
    take(&parts, my_jws, 1, 2, S(1));
    before = parts;
    for (size_t i = 0; i < GH_ARRAY_SIZE(others); i++)
        assert_false(take_text(&parts, others[i], S(2)));
    char *too_long = long_chunk("shc:/2/2/", GH_CODE_TEXT_MAX_BYTES + 1);
    assert_false(take_text(&parts, too_long, S(2)));
    assert_memory_equal(&before, &parts, sizeof(parts));
    take(&parts, my_jws, 2, 2, S(3));
    struct gh_credential card = read_collected(&parts);
    assert_authentic(&card, GH_REASON_OK);
    free(too_long);
}

/* A chunk with letters in it is taken: the card, once it is whole, is what is wrong. */
static void a_wrong_chunk_is_told_with_its_card(void **state)
{
    (void)state;
    struct gh_parts parts = {.count = 0};
    assert_true(take_text(&parts, "shc:/2/2/nonsense", S(1)));
    assert_true(take_text(&parts, "shc:/1/2/", S(1)));
    struct gh_credential card = read_collected(&parts);
    assert_refused(&card, GH_REASON_BAD_TEXT);
}

/* Without this, who holds up such a card would be asked for its other parts for ever. */
static void a_card_that_is_too_long_ends(void **state)
{
    (void)state;
    struct gh_parts parts = {.count = 0};
    char *texts[3] = {long_chunk("shc:/1/3/", 7089), long_chunk("shc:/3/3/", 7089),
                      long_chunk("shc:/2/3/", 7089)};
    for (int round = 0; round < 3; round++) {
        assert_true(take_text(&parts, texts[0], S(1)));
        assert_true(take_text(&parts, texts[1], S(1)));
        assert_true(parts.have < parts.count);
        assert_true(take_text(&parts, texts[2], S(1)));
        struct gh_credential card = read_collected(&parts);
        assert_refused(&card, GH_REASON_BAD_PARTS);
        gh_parts_forget(&parts);
    }
    free(texts[0]), free(texts[1]), free(texts[2]);
}

/* Any chunks, at any time: what is collected stays within its bounds and tells the truth. */
static void a_flood_changes_nothing(void **state)
{
    (void)state;
    struct gh_parts parts = {.count = 0};
    uint32_t random = 1;
    int64_t now_ns = 0;
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525 + 1013904223;
        char start[32];
        size_t count = 1 + random / 65536 % 17, number = 1 + random / 8192 % 17;
        snprintf(start, sizeof(start), "shc:/%zu/%zu/", number, count);
        char *text = long_chunk(start, strlen(start) + random / 4096 % 7100);
        bool fits = strlen(text) <= GH_CODE_TEXT_MAX_BYTES;
        assert_int_equal(take_text(&parts, text, now_ns += random / 1024 % 100000000),
                         fits && count > 1 && number <= count && count <= GH_PARTS_MAX);
        assert_true(parts.used <= sizeof(parts.text) && parts.have <= parts.count);
        for (size_t j = 0; j < GH_PARTS_MAX; j++)
            if (parts.part[j].size > 0)
                assert_true(parts.part[j].data >= parts.text &&
                            parts.part[j].data + parts.part[j].size <= parts.text + parts.used);
        free(text);
    }
    gh_parts_forget(&parts);
    take(&parts, my_jws, 1, 2, S(1));
    take(&parts, my_jws, 2, 2, S(1));
    struct gh_credential card = read_collected(&parts);
    assert_authentic(&card, GH_REASON_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_pairs_of_digits),
        cmocka_unit_test(the_scheme_has_one_spelling),
        cmocka_unit_test(chunk_numbers_have_one_spelling),
        cmocka_unit_test(a_jws_has_three_parts),
        cmocka_unit_test(chunks_may_come_in_any_order),
        cmocka_unit_test(missing_chunks_are_waited_for),
        cmocka_unit_test(what_is_no_card_is_told),
        cmocka_unit_test(all_texts_together_have_a_limit),
        cmocka_unit_test(the_camera_collects),
        cmocka_unit_test(a_card_that_stays_is_complete_again),
        cmocka_unit_test(who_walks_away_leaves_nothing),
        cmocka_unit_test(strangers_do_not_mix),
        cmocka_unit_test(what_is_no_chunk_is_left_alone),
        cmocka_unit_test(a_wrong_chunk_is_told_with_its_card),
        cmocka_unit_test(a_card_that_is_too_long_ends),
        cmocka_unit_test(a_flood_changes_nothing),
    };
    return cmocka_run_group_tests(tests, setup_cards, teardown_cards);
}
