/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/framing.h"
#include "gatehouse/clock.h"

#define MOST GH_CODE_TEXT_MAX_BYTES

static struct gh_framer framer;
static int64_t now_ns;
static char found[4 * MOST]; /* each text between brackets */
static size_t found_bytes;

static void take_text(void *context, struct gh_bytes text)
{
    assert_ptr_equal(context, &found);
    assert_true(text.size >= 1 && text.size <= MOST);
    assert_true(found_bytes + text.size + 3 < sizeof(found));
    found[found_bytes++] = '[';
    memcpy(found + found_bytes, text.data, text.size);
    found_bytes += text.size;
    found[found_bytes++] = ']';
    found[found_bytes] = '\0';
}

static void begin(enum gh_framing framing)
{
    gh_framer_init(&framer, framing);
    now_ns = 5000 * GH_NS_PER_S;
    found_bytes = 0;
    found[0] = '\0';
}

static void feed_bytes(const void *bytes, size_t size)
{
    uint8_t *exact = malloc(size + (size == 0)); /* for the sanitizer */

    assert_non_null(exact);
    memcpy(exact, bytes, size);
    gh_framer_take(&framer, (struct gh_bytes){exact, size}, now_ns, take_text, &found);
    free(exact);
}

static void feed(const char *text)
{
    feed_bytes(text, strlen(text));
}

static void pass_ms(int64_t ms)
{
    now_ns += ms * GH_NS_PER_MS;
    gh_framer_tick(&framer, now_ns, take_text, &found);
}

static void assert_found(const char *texts, uint64_t rejected)
{
    assert_string_equal(found, texts);
    assert_true(framer.rejected == rejected);
}

static void assert_idle(void)
{
    assert_true(gh_framer_deadline_ns(&framer) == INT64_MAX);
    for (size_t i = 0; i < MOST; i++)
        assert_int_equal(framer.text[i], 0); /* no code lies about */
}

static void test_line(void **state)
{
    (void)state;

    begin(GH_FRAMING_LINE);
    assert_idle();
    feed("HC1:A\r");
    feed("HC1:B\n");
    feed("HC1:C\r\n");
    feed("HC1:D\t");
    assert_found("[HC1:A][HC1:B][HC1:C][HC1:D]", 0);
    assert_idle();
}

static void test_two_in_one_read(void **state)
{
    (void)state;

    begin(GH_FRAMING_LINE);
    feed("one\r\ntwo\r\n\r\n\t\nthr");
    assert_found("[one][two]", 0);
    feed("ee\r");
    feed("\nfour\n");
    assert_found("[one][two][three][four]", 0);
    assert_idle();
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    static const char text[] = "GH1:%+ /.$*-\r\n";

    begin(GH_FRAMING_LINE);
    for (size_t i = 0; i < strlen(text); i++) {
        feed_bytes(text + i, 1);
        pass_ms(GH_FRAMING_CUT_MS - 1); /* a scanner that types slowly */
    }
    assert_found("[GH1:%+ /.$*-]", 0);
}

/* Half a code, and then nothing: it does not become the beginning of the next one. */
static void test_cut_off(void **state)
{
    (void)state;

    begin(GH_FRAMING_LINE);
    feed("GH1:HALF");
    assert_true(gh_framer_deadline_ns(&framer) == now_ns + GH_FRAMING_CUT_MS * GH_NS_PER_MS);
    pass_ms(GH_FRAMING_CUT_MS - 1);
    assert_found("", 0);
    pass_ms(1);
    assert_found("", 1);
    assert_idle();
    feed("GH1:WHOLE\r");
    assert_found("[GH1:WHOLE]", 1);
    pass_ms(100000);
    assert_found("[GH1:WHOLE]", 1);
}

/* Time that goes by between reads alone does not end a code: the thread may have been late. */
static void test_late_thread(void **state)
{
    (void)state;

    begin(GH_FRAMING_PAUSE);
    feed("one ");
    now_ns += 10 * GH_NS_PER_S;
    feed("code");
    assert_found("", 0);
    pass_ms(GH_FRAMING_PAUSE_MS);
    assert_found("[one code]", 0);
}

static void test_too_long(void **state)
{
    (void)state;
    static char longest[MOST + 3], expected[MOST + 16];

    memset(longest, 'x', MOST);
    begin(GH_FRAMING_LINE);
    feed(longest);
    feed("\r");
    snprintf(expected, sizeof(expected), "[%s]", longest);
    assert_found(expected, 0);

    begin(GH_FRAMING_LINE);
    feed(longest);
    feed("y");
    feed(longest); /* all of it is passed over, */
    assert_found("", 1);
    feed("\rnext\r"); /* up to its end */
    assert_found("[next]", 1);
    assert_idle();

    begin(GH_FRAMING_LINE);
    feed(longest);
    feed("yz");
    pass_ms(GH_FRAMING_CUT_MS); /* an end that never comes */
    feed("next\r");
    assert_found("[next]", 1);
}

static void test_control_characters(void **state)
{
    (void)state;

    begin(GH_FRAMING_LINE);
    feed_bytes("\0\0\0", 3); /* a line that was plugged in */
    assert_found("", 1);
    pass_ms(GH_FRAMING_CUT_MS);
    feed("one\r");
    feed_bytes("t\0wo\r", 5); /* a byte with a framing error */
    feed_bytes("thre\x7f"
               "e\r",
               7);
    feed("fo\x1dur\r");
    feed("\x1b\r");
    feed("five\r");
    assert_found("[one][five]", 5);
    assert_idle();
}

/* What no code of ours is, but somebody may want an answer to. */
static void test_other_texts(void **state)
{
    (void)state;

    begin(GH_FRAMING_LINE);
    feed("\xe4\xbd\xa0\xe5\xa5\xbd\r\xff\xfe\r");
    assert_found("[\xe4\xbd\xa0\xe5\xa5\xbd][\xff\xfe]", 0);
}

static void test_pause(void **state)
{
    (void)state;

    begin(GH_FRAMING_PAUSE);
    feed("one");
    assert_true(gh_framer_deadline_ns(&framer) == now_ns + GH_FRAMING_PAUSE_MS * GH_NS_PER_MS);
    pass_ms(GH_FRAMING_PAUSE_MS - 1);
    feed(" code");
    pass_ms(GH_FRAMING_PAUSE_MS - 1);
    assert_found("", 0);
    pass_ms(1);
    assert_found("[one code]", 0);
    assert_idle();
    feed("two\rthree"); /* an end that is sent counts as well */
    assert_found("[one code][two]", 0);
    pass_ms(GH_FRAMING_PAUSE_MS);
    assert_found("[one code][two][three]", 0);
    feed_bytes("noi\0se", 6);
    pass_ms(GH_FRAMING_PAUSE_MS);
    assert_found("[one code][two][three]", 1);
    feed("four");
    pass_ms(GH_FRAMING_PAUSE_MS);
    assert_found("[one code][two][three][four]", 1);
}

static void test_stx_etx(void **state)
{
    (void)state;

    begin(GH_FRAMING_STX_ETX);
    feed("\x02one\x03\x02two\x03");
    assert_found("[one][two]", 0);
    assert_idle();
    feed("\r\nnoise\x03 \x03"); /* between codes */
    pass_ms(GH_FRAMING_CUT_MS);
    feed("more noise\x02three\r\n\x03");
    assert_found("[one][two][three]", 0);
    feed("\x02\r\nfour\x03\x02\x03\x02\r\x03");
    assert_found("[one][two][three][four]", 0);
    assert_idle();
}

static void test_stx_etx_wrong(void **state)
{
    (void)state;

    begin(GH_FRAMING_STX_ETX);
    feed("\x02half\x02whole\x03"); /* the end of the first one was lost */
    assert_found("[whole]", 1);
    feed("\x02two\rlines\x03");
    assert_found("[whole]", 2);
    feed("\x02ha");
    pass_ms(GH_FRAMING_CUT_MS);
    feed("lf\x03");
    assert_found("[whole]", 3);
    feed_bytes("\x02n\0t\x03", 5);
    feed("\x02good\x03");
    assert_found("[whole][good]", 4);
    assert_idle();
}

/* Events of a keyboard were lost in the middle of a code. */
static void test_break(void **state)
{
    (void)state;

    begin(GH_FRAMING_LINE);
    feed("GH1:FIRST");
    gh_framer_break(&framer, now_ns);
    feed("HALF");
    gh_framer_break(&framer, now_ns); /* more of the same */
    feed("\rGH1:NEXT\r");
    assert_found("[GH1:NEXT]", 1);
    gh_framer_break(&framer, now_ns); /* its first bytes: what comes is no beginning */
    feed("REST\r");
    assert_found("[GH1:NEXT]", 2);
    gh_framer_break(&framer, now_ns);
    pass_ms(GH_FRAMING_CUT_MS);
    feed("GH1:LAST\r");
    assert_found("[GH1:NEXT][GH1:LAST]", 3);
    assert_idle();
}

/* A noise that never ends: always bounded, and over when it is over. */
static void test_noise(void **state)
{
    (void)state;
    static uint8_t noise[65536];
    uint32_t random = 1;

    for (int framing = GH_FRAMING_LINE; framing <= GH_FRAMING_STX_ETX; framing++) {
        begin((enum gh_framing)framing);
        for (size_t i = 0; i < sizeof(noise); i++) {
            random = random * 1664525 + 1013904223;
            noise[i] = (uint8_t)(random >> 24);
        }
        for (size_t i = 0; i + 100 <= sizeof(noise); i += 100) {
            feed_bytes(noise + i, 100);
            found_bytes = 0;
        }
        assert_true(framer.rejected > 100);
        pass_ms(GH_FRAMING_CUT_MS);
        found_bytes = 0;
        feed("\x02good\x03\r");
        if (framing == GH_FRAMING_STX_ETX)
            assert_string_equal(found, "[good]");
        feed("better\r");
        if (framing != GH_FRAMING_STX_ETX)
            assert_string_equal(found, "[better]");
        pass_ms(GH_FRAMING_CUT_MS);
        assert_idle();
    }
}

/* A scanner that is set to send lines: nothing is read, and that shows. */
static void test_stx_never_comes(void **state)
{
    (void)state;

    begin(GH_FRAMING_STX_ETX);
    feed("GH1:FIRST\r\n");
    assert_found("", 0);
    pass_ms(GH_FRAMING_CUT_MS);
    assert_found("", 1);
    assert_idle();
    feed("GH1:SECOND\r");
    pass_ms(GH_FRAMING_CUT_MS - 1);
    feed("GH1:THIRD\r");
    pass_ms(GH_FRAMING_CUT_MS);
    assert_found("", 2);
    feed("]Q3\x02right\x03\r\n"); /* what announces a code is no code */
    assert_found("[right]", 2);
    assert_idle();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_two_in_one_read),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_late_thread),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_other_texts),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_stx_etx),
        cmocka_unit_test(test_stx_etx_wrong),
        cmocka_unit_test(test_stx_never_comes),
        cmocka_unit_test(test_break),
        cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
