/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/csv.h"
#include "server/password.h"
#include "server/people_csv.h"

#define HEAD "ref,name,status\n"

/* What was handed over, as `ref|name|colour;`. */
struct taken {
    char text[4096];
    size_t count;
    enum gh_status answer; /* of the callback */
};

static enum gh_status take(void *context, const char *ref, const char *name, enum gh_colour status)
{
    struct taken *taken = context;
    size_t used = strlen(taken->text);
    snprintf(taken->text + used, sizeof(taken->text) - used, "%s|%s|%s;", ref, name,
             gh_colour_name(status));
    taken->count++;
    return taken->answer;
}

static enum gh_status read_bytes(const char *text, size_t size, struct taken *taken,
                                 struct gh_people_csv_errors *errors)
{
    /* A copy of exactly this size, so that a sanitizer sees a byte read too many. */
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    memset(taken, 0, sizeof(*taken));
    enum gh_status status = gh_people_csv_read((struct gh_bytes){copy, size}, take, taken, errors);
    free(copy);
    return status;
}

static void expect_good(const char *text, const char *wanted)
{
    struct taken taken;
    static struct gh_people_csv_errors errors;
    assert_int_equal(read_bytes(text, strlen(text), &taken, &errors), GH_OK);
    assert_int_equal(errors.count, 0);
    assert_string_equal(taken.text, wanted);
}

/* The file is refused, with exactly these lines. */
static void expect_bad_bytes(const char *text, size_t size, const uint64_t *lines, size_t count,
                             const char *word)
{
    struct taken taken;
    static struct gh_people_csv_errors errors;
    assert_int_equal(read_bytes(text, size, &taken, &errors), GH_ERR_INVALID);
    assert_int_equal(errors.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(errors.list[i].line, lines[i]);
    if (strstr(errors.list[0].reason, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", errors.list[0].reason, word);
}

static void expect_bad(const char *text, uint64_t line, const char *word)
{
    expect_bad_bytes(text, strlen(text), &line, 1, word);
}

static void test_good_files(void **state)
{
    (void)state;
    expect_good(HEAD, "");
    expect_good("ref,name,status", "");
    expect_good(HEAD "1,Ada,green\n2,Bob,yellow\n3,Cy,red\n", "1|Ada|green;2|Bob|yellow;3|Cy|red;");
    expect_good(HEAD "1,Ada,green", "1|Ada|green;");
    expect_good("ref,name,status\r\n1,Ada,green\r\n", "1|Ada|green;");
    expect_good("\xEF\xBB\xBFref,name,status\r\n1,Ada,green\r\n", "1|Ada|green;");
    expect_good("status,ref,name\nred,9,Zo\n", "9|Zo|red;");
    expect_good("\"ref\",\"name\",\"status\"\n\"1\",\"L, \"\"A\"\"\",\"green\"\n",
                "1|L, \"A\"|green;");
    expect_good(HEAD "1,\"two\r\nlines\",green\n2,b,red\n", "1|two\r\nlines|green;2|b|red;");
    expect_good(HEAD "1,B\xC3\xB6"
                     "b \xE7\x8E\x8B,green\n",
                "1|B\xC3\xB6"
                "b \xE7\x8E\x8B|green;");
    expect_good(HEAD " 1 , Ada ,green\n", " 1 | Ada |green;"); /* RFC 4180: spaces are part of it */
}

static void test_broken_headers(void **state)
{
    (void)state;
    expect_bad("", 1, "empty");
    expect_bad("\xEF\xBB\xBF", 1, "empty");
    expect_bad("ref,name\n1,Ada\n", 1, "missing");
    expect_bad("ref,name,status,extra\n", 1, "unknown");
    expect_bad("ref,name,Status\n", 1, "unknown");
    expect_bad("ref,name,status,ref\n", 1, "twice");
    expect_bad("ref;name;status\n", 1, "unknown");
    expect_bad("\n" HEAD, 1, "unknown");
    expect_bad("\"ref,name,status\n1,a,green\n", 1, "never closed");
    expect_bad("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t\n", 1, "unknown");
}

static void test_broken_records(void **state)
{
    (void)state;
    expect_bad(HEAD "1,Ada\n", 2, "number of fields");
    expect_bad(HEAD "1,Ada,green,\n", 2, "number of fields");
    expect_bad(HEAD "1,Ada,green\n\n2,Bob,red\n", 3, "number of fields");
    expect_bad(HEAD ",Ada,green\n", 2, "ref");
    expect_bad(HEAD "1,,green\n", 2, "name");
    expect_bad(HEAD "1,Ada,blue\n", 2, "status");
    expect_bad(HEAD "1,Ada,none\n", 2, "status");
    expect_bad(HEAD "1,Ada,GREEN\n", 2, "status");
    expect_bad(HEAD "1,Ada,\n", 2, "status");
    expect_bad(HEAD "1,A\"da,green\n", 2, "quote inside");
    expect_bad(HEAD "1,\"Ada\" ,green\n", 2, "behind a closing quote");
    expect_bad(HEAD "1,Ada,green\n2,\"Bob,red\n3,Cy,red\n", 3, "never closed");
    expect_bad(HEAD "1,A\rB,green\n", 2, "carriage return");
    expect_bad(HEAD "1,Ada,green\r", 2, "carriage return");
    expect_bad(HEAD "1,A\x01,green\n", 2, "control");
    expect_bad(HEAD "\"1\n\",A,green\n", 2, "control");
    expect_bad(HEAD "1,A\x7f,green\n", 2, "control");
}

static void test_not_utf8(void **state)
{
    (void)state;
    expect_bad(HEAD "1,\xFF,green\n", 2, "UTF-8");
    expect_bad(HEAD "1,B\xF6"
                    "b,green\n",
               2, "UTF-8");                                /* Latin-1 */
    expect_bad(HEAD "1,\xC0\xAF,green\n", 2, "UTF-8");     /* overlong */
    expect_bad(HEAD "1,\xED\xA0\x80,green\n", 2, "UTF-8"); /* a surrogate */
    expect_bad(HEAD "1,\"\xE2\x82\",green\n", 2, "UTF-8"); /* cut */
    expect_bad("\xFF\xFEr\n", 1, "UTF-8");                 /* UTF-16 */
}

static void test_nul_bytes(void **state)
{
    (void)state;
    static const char name[] = HEAD "1,A\0B,green\n";
    static const char status[] = HEAD "1,Ada,green\0\n";
    static const char ref[] = HEAD "1\0,Ada,green\n";
    static const char head[] = "ref\0,name,status\n";
    const uint64_t two = 2, one = 1;
    expect_bad_bytes(name, sizeof(name) - 1, &two, 1, "control");
    expect_bad_bytes(status, sizeof(status) - 1, &two, 1, "status");
    expect_bad_bytes(ref, sizeof(ref) - 1, &two, 1, "control");
    expect_bad_bytes(head, sizeof(head) - 1, &one, 1, "unknown");
}

static void test_sizes(void **state)
{
    (void)state;
    char text[8192], name[5000];
    memset(name, 'n', sizeof(name));
    snprintf(text, sizeof(text), HEAD "%.64s,%.200s,green\n", name, name);
    struct taken taken;
    static struct gh_people_csv_errors errors;
    assert_int_equal(read_bytes(text, strlen(text), &taken, &errors), GH_OK);
    snprintf(text, sizeof(text), HEAD "%.65s,a,green\n", name);
    expect_bad(text, 2, "64 bytes");
    snprintf(text, sizeof(text), HEAD "1,%.201s,green\n", name);
    expect_bad(text, 2, "200 bytes");
    snprintf(text, sizeof(text), HEAD "1,%.4200s,green\n", name);
    expect_bad(text, 2, "too long");
    snprintf(text, sizeof(text), HEAD "1,\"%.4200s\",green\n", name);
    expect_bad(text, 2, "too long");
}

static void test_lines_are_counted(void **state)
{
    (void)state;
    /* Two records of several lines, then mistakes: each is told where it begins. */
    const char text[] = "ref,name,status\r\n"   /* 1 */
                        "1,\"a\r\nb\nc\",red\n" /* 2, 3, 4 */
                        "2,\"x\ny\",blue\n"     /* 5, 6 */
                        "3,ok,green\n"          /* 7 */
                        "3,again,green\n"       /* 8 */
                        "4\n"                   /* 9 */
                        "\"5\n";                /* 10, to the end */
    const uint64_t lines[] = {5, 8, 9, 10};
    expect_bad_bytes(text, sizeof(text) - 1, lines, 4, "status");
}

static void test_the_same_ref_twice(void **state)
{
    (void)state;
    expect_bad(HEAD "1,Ada,green\n2,Bob,red\n1,Ada,green\n", 4, "before");
    expect_bad(HEAD "1,Ada,green\n\"1\",Ada,green\n", 3, "before"); /* however it is written */
    expect_good(HEAD "a,Ada,green\nA,Ada,green\n", "a|Ada|green;A|Ada|green;");
}

static void test_many_refs(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    char *text = malloc(COUNT * 24 + 64);
    struct taken taken;
    static struct gh_people_csv_errors errors;
    assert_non_null(text);
    size_t size = (size_t)sprintf(text, HEAD);
    for (int i = 0; i < COUNT; i++)
        size += (size_t)sprintf(text + size, "r%d,n,red\n", i);
    assert_int_equal(read_bytes(text, size, &taken, &errors), GH_OK);
    assert_int_equal(taken.count, COUNT);
    size += (size_t)sprintf(text + size, "r%d,n,red\n", COUNT / 2);
    assert_int_equal(read_bytes(text, size, &taken, &errors), GH_ERR_INVALID);
    assert_int_equal(errors.count, 1);
    assert_int_equal(errors.list[0].line, COUNT + 2);
    free(text);
}

static void test_at_most_a_hundred_errors(void **state)
{
    (void)state;
    char text[8192];
    struct taken taken;
    static struct gh_people_csv_errors errors;
    size_t size = (size_t)sprintf(text, HEAD);
    for (int i = 0; i < 300; i++)
        size += (size_t)sprintf(text + size, "r%d,n,blue\n", i);
    assert_int_equal(read_bytes(text, size, &taken, &errors), GH_ERR_INVALID);
    assert_int_equal(errors.count, GH_PEOPLE_CSV_ERRORS_MAX);
    assert_int_equal(errors.list[99].line, 101);
}

static void test_a_failing_callback_ends_it(void **state)
{
    (void)state;
    static struct gh_people_csv_errors errors;
    struct taken taken = {.answer = GH_ERR_NOSPACE};
    const char text[] = HEAD "1,a,red\n2,b,red\n";
    const struct gh_bytes bytes = {(const uint8_t *)text, sizeof(text) - 1};
    assert_int_equal(gh_people_csv_read(bytes, take, &taken, &errors), GH_ERR_NOSPACE);
    assert_int_equal(taken.count, 1);
}

/* Whatever comes, the reader ends and stays inside: every prefix of a rich file, and every byte of
 * it replaced. The sanitizers watch. */
static void test_damage(void **state)
{
    (void)state;
    const char text[] = "\xEF\xBB\xBFref,\"name\",status\r\n1,\"L, \"\"A\"\"\r\nb\",green\r\n"
                        "2,B\xC3\xB6"
                        "b,red\n";
    struct taken taken;
    static struct gh_people_csv_errors errors;
    char copy[sizeof(text)];
    static const char bytes[] = {0, '"', ',', '\r', '\n', (char)0xC3, (char)0xFF, 'x'};
    for (size_t size = 0; size < sizeof(text); size++)
        (void)!read_bytes(text, size, &taken, &errors);
    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        for (size_t j = 0; j < sizeof(bytes); j++) {
            memcpy(copy, text, sizeof(text));
            copy[i] = bytes[j];
            enum gh_status status = read_bytes(copy, sizeof(text) - 1, &taken, &errors);
            assert_true(status == GH_OK || status == GH_ERR_INVALID);
            assert_true((status == GH_OK) == (errors.count == 0));
        }
    }
}

static void test_fields_beyond_the_last(void **state)
{
    (void)state;
    struct gh_csv_reader reader;
    struct gh_csv_record record;
    const char *problem;
    char text[4096] = "";
    for (int i = 0; i < 1000; i++)
        strcat(text, "ab,");
    gh_csv_open(&reader, (struct gh_bytes){(const uint8_t *)text, strlen(text)});
    assert_int_equal(gh_csv_next(&reader, &record, &problem), GH_OK);
    assert_int_equal(record.count, 1001);
    assert_string_equal(record.fields[GH_CSV_FIELDS_MAX - 1], "ab");
    assert_int_equal(gh_csv_next(&reader, &record, &problem), GH_ERR_END);
    assert_int_equal(gh_csv_next(&reader, &record, &problem), GH_ERR_END);
}

static int set_up(void **state)
{
    (void)state;
    return gh_password_init() == GH_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_files),
        cmocka_unit_test(test_broken_headers),
        cmocka_unit_test(test_broken_records),
        cmocka_unit_test(test_not_utf8),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_lines_are_counted),
        cmocka_unit_test(test_the_same_ref_twice),
        cmocka_unit_test(test_many_refs),
        cmocka_unit_test(test_at_most_a_hundred_errors),
        cmocka_unit_test(test_a_failing_callback_ends_it),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_fields_beyond_the_last),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
