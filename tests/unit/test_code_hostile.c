/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile code costs: each of the published ones, and the largest that there can be, is
 * refused for its own reason, in memory that does not grow with it. How long each takes is told,
 * not judged: that is the bench's to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <time.h>

#include "code_fixture.h"
#include "gatehouse/clock.h"
#include "gatehouse/file.h"

#if defined(__SANITIZE_ADDRESS__)
#define COUNTED 0 /* the sanitizer has an allocator of its own */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COUNTED 0
#endif
#endif
#ifndef COUNTED
#define COUNTED 1
#endif

/* --- the heap, counted ----------------------------------------------------------------------- */

static size_t in_use, peak;

#if COUNTED
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static void *taken(void *block)
{
    in_use += block != NULL ? malloc_usable_size(block) : 0;
    if (in_use > peak)
        peak = in_use;
    return block;
}

void *malloc(size_t size)
{
    return taken(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return taken(__libc_calloc(count, size));
}

void free(void *block)
{
    in_use -= block != NULL ? malloc_usable_size(block) : 0;
    __libc_free(block);
}

void *realloc(void *block, size_t size)
{
    in_use -= block != NULL ? malloc_usable_size(block) : 0;
    return taken(__libc_realloc(block, size));
}
#endif

#define HEAP_BYTES 65536 /* of which libcrypto's contexts and keys are nearly all */

/* One reading, and what it took. */
struct cost {
    size_t heap_bytes;
    int64_t ns;
};

static struct gh_credential read_costing(struct gh_bytes text, int64_t now_s, struct cost *cost)
{
    struct gh_credential credential;
    struct timespec from, to;
    size_t before = in_use;
    gh_code_read(trust, text, now_s, &credential); /* libcrypto looks things up the first time */
    cost->ns = INT64_MAX;
    for (int round = 0; round < 5; round++) { /* the machine is not ours alone: the best counts */
        before = peak = in_use;
        clock_gettime(CLOCK_MONOTONIC, &from);
        gh_code_read(trust, text, now_s, &credential);
        clock_gettime(CLOCK_MONOTONIC, &to);
        int64_t ns = (to.tv_sec - from.tv_sec) * GH_NS_PER_S + (to.tv_nsec - from.tv_nsec);
        cost->ns = ns < cost->ns ? ns : cost->ns;
    }
    cost->heap_bytes = peak - before;
    assert_true(in_use == before); /* all given back */
    assert_true(cost->heap_bytes <= HEAP_BYTES);
    return credential;
}

/* --- the published ones ---------------------------------------------------------------------- */

/* Every reason that the form of one of our own codes can have; the rest are key and clock. */
static const enum gh_reason needed[] = {
    GH_REASON_BAD_TEXT,
    GH_REASON_TRUNCATED,
    GH_REASON_TRAILING,
    GH_REASON_TOO_DEEP,
    GH_REASON_DUPLICATE_KEY,
    GH_REASON_BAD_ALGORITHM,
    GH_REASON_KEY_ID_MISSING,
    GH_REASON_SIGNATURE_FORM,
    GH_REASON_SIGNATURE_RANGE,
    GH_REASON_BAD_TIME,
    GH_REASON_TIMES_CONTRADICT,
    GH_REASON_MALFORMED,
    GH_REASON_WRONG_ALGORITHM,
    GH_REASON_FOREIGN,
    GH_REASON_FORGED,
    GH_REASON_UNPROVEN,
    GH_REASON_STALE,
    GH_REASON_EXPIRED,
    GH_REASON_NOT_YET_VALID,
    GH_REASON_NOT_A_CODE,
};

static void test_published(void **state)
{
    (void)state;
    uint8_t *data = NULL;
    size_t size = 0, heap[GH_REASON_COUNT] = {0};
    int64_t slowest_ns[GH_REASON_COUNT] = {0};
    int seen[GH_REASON_COUNT] = {0};
    assert_int_equal(gh_file_read(VECTORS "/codes.tsv", 100000, &data, &size, NULL), GH_OK);
    char *rest = (char *)data, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] == '#' || line[0] == '\0')
            continue;
        const char *name = strsep(&line, "\t"), *at = strsep(&line, "\t");
        (void)strsep(&line, "\t");
        const char *reason = strsep(&line, "\t");
        struct cost cost;
        int64_t now_s = 0;
        assert_int_equal(gh_time_parse(at, &now_s), GH_OK);
        enum gh_reason got =
            read_costing((struct gh_bytes){(const uint8_t *)line, strlen(line)}, now_s, &cost)
                .reason;
        if (strcmp(gh_reason_info(got)->token, reason) != 0)
            fail_msg("%s is %s", name, gh_reason_info(got)->token);
        seen[got]++;
        slowest_ns[got] = cost.ns > slowest_ns[got] ? cost.ns : slowest_ns[got];
        heap[got] = cost.heap_bytes > heap[got] ? cost.heap_bytes : heap[got];
    }
    free(data);
    for (size_t i = 0; i < GH_ARRAY_SIZE(needed); i++)
        if (seen[needed[i]] == 0)
            fail_msg("no published code is %s", gh_reason_info(needed[i])->token);
    for (int i = 0; i < GH_REASON_COUNT; i++)
        if (seen[i] > 0)
            print_message("# %-16s %2d codes, at most %4lld us, %5zu bytes\n",
                          gh_reason_info((enum gh_reason)i)->token, seen[i],
                          (long long)(slowest_ns[i] / 1000), heap[i]);
}

/* --- the largest ----------------------------------------------------------------------------- */

/* The same bytes again and again, as many as fit into a code, behind a beginning. */
static void check_filled(const char *what, const char *begins, const char *repeats,
                         enum gh_reason reason)
{
    uint8_t bytes[GH_CODE_OWN_MAX_BYTES * 2 / 3 - 8];
    char text[TEXT_BYTES];
    struct cost cost;
    size_t size = strlen(begins) / 2, step = strlen(repeats) / 2;
    assert_int_equal(gh_hex_decode(begins, 2 * size, bytes, size), GH_OK);
    for (; size + step <= sizeof(bytes); size += step)
        assert_int_equal(gh_hex_decode(repeats, 2 * step, bytes + size, step), GH_OK);
    struct gh_bytes view = {(const uint8_t *)text, encode(bytes, size, false, text)};
    struct gh_credential credential = read_costing(view, NOW, &cost);
    if (credential.reason != reason)
        fail_msg("%s is %s", what, gh_reason_info(credential.reason)->token);
    assert_says_nothing(&credential);
    print_message("# %-16s %4lld us, %5zu bytes\n", what, (long long)(cost.ns / 1000),
                  cost.heap_bytes);
}

static void test_largest(void **state)
{
    (void)state;
    check_filled("arrays", "", "81", GH_REASON_MALFORMED);
    check_filled("tags", "", "c1", GH_REASON_MALFORMED);
    check_filled("deep header", "d284590250a10f", "81", GH_REASON_TOO_DEEP);
    check_filled("deep unprotected", "d28440a10f", "81", GH_REASON_TOO_DEEP);
    check_filled("one long map", "d28440b90100", "0000", GH_REASON_DUPLICATE_KEY);
    check_filled("empty arrays", "d28440a10f990200", "80", GH_REASON_MALFORMED);
    check_filled("2^28 items", "d28440a10f9a10000000", "00", GH_REASON_TRUNCATED);
    check_filled("2^64 bytes", "d2845bffffffffffffffff", "00", GH_REASON_TRUNCATED);
    check_filled("breaks", "9f", "ff", GH_REASON_MALFORMED);
    check_filled("bad UTF-8", "d28440a10f790200", "ff", GH_REASON_MALFORMED);
}

/* As many labels as a map may have, each compared with all before; and one more. */
static void test_many_labels(void **state)
{
    (void)state;
    for (unsigned labels = 32; labels <= 33; labels++) {
        uint8_t bytes[256] = {0xd2, 0x84, 0x40, 0xb8, (uint8_t)labels};
        char text[TEXT_BYTES];
        struct cost cost;
        size_t size = 5;
        for (unsigned i = 0; i < labels; i++) {
            bytes[size++] = 0x18;
            bytes[size++] = (uint8_t)(100 + i);
            bytes[size++] = 0;
        }
        memcpy(bytes + size, "\x41\x00\x41\x00", 4);
        struct gh_bytes view = {(const uint8_t *)text, encode(bytes, size + 4, false, text)};
        struct gh_credential credential = read_costing(view, NOW, &cost);
        assert_refused(&credential, GH_KIND_UNKNOWN, GH_REASON_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_many_labels),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
