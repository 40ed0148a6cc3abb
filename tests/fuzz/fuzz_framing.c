/* SPDX-License-Identifier: Apache-2.0 */
/* What a scanner sends, as bytes and as keys. The first byte tells the framing; then each byte
 * whose value is 0xf0 or more is a pause, 0xef lost bytes, and what is between them one read. As
 * keys: the bytes in threes, a key and its value. Nothing comes out but codes as framing.h says. */
#include "fuzz.h"

#include "gate/framing.h"
#include "gate/keymap.h"
#include "gatehouse/clock.h"

static int64_t texts;

static void take(void *context, struct gh_bytes text)
{
    fuzz_require(context == &texts);
    fuzz_require(text.size >= 1 && text.size <= GH_CODE_TEXT_MAX_BYTES);
    for (size_t i = 0; i < text.size; i++)
        fuzz_require(text.data[i] >= 0x20 && text.data[i] != 0x7f);
    texts++;
}

static void check(const struct gh_framer *framer)
{
    fuzz_require(framer->size <= sizeof(framer->text));
    fuzz_require(framer->size == 0 || framer->state == GH_FRAMER_INSIDE);
    fuzz_require((framer->state == GH_FRAMER_BETWEEN) ==
                 (gh_framer_deadline_ns(framer) == INT64_MAX));
}

static void frame(struct gh_framer *framer, const uint8_t *data, size_t size)
{
    int64_t now_ns = 0;
    size_t begin = 0;

    for (size_t i = 0; i <= size; i++) {
        if (i < size && data[i] < 0xef)
            continue;
        if (i > begin)
            gh_framer_take(framer, (struct gh_bytes){data + begin, i - begin}, now_ns, take,
                           &texts);
        check(framer);
        begin = i + 1;
        if (i < size && data[i] == 0xef)
            gh_framer_break(framer, now_ns);
        else if (i < size)
            now_ns += (int64_t)(data[i] - 0xef) * 200 * GH_NS_PER_MS;
        gh_framer_tick(framer, now_ns, take, &texts);
        check(framer);
    }
    /* Whatever came: when nothing comes any more it is over, and the next code is read. */
    now_ns += GH_FRAMING_CUT_MS * GH_NS_PER_MS;
    gh_framer_tick(framer, now_ns, take, &texts);
    fuzz_require(framer->state == GH_FRAMER_BETWEEN);
    int64_t before = texts;
    gh_framer_take(framer, (struct gh_bytes){(const uint8_t *)"\x02GH1:A\x03", 7}, now_ns, take,
                   &texts);
    fuzz_require(texts == before + (framer->framing == GH_FRAMING_STX_ETX));
}

static void type(struct gh_framer *framer, const uint8_t *data, size_t size)
{
    struct gh_keymap keymap = {.modifiers = 0};

    for (size_t i = 0; i + 3 <= size; i += 3) {
        uint16_t key = (uint16_t)(data[i] | data[i + 1] << 8);
        uint8_t typed = (uint8_t)gh_keymap_type(&keymap, key, data[i + 2] - 1);
        fuzz_require(typed == 0 || typed == '\n' || typed == '\t' ||
                     (typed >= 0x20 && typed < 0x7f));
        if (typed != 0)
            gh_framer_take(framer, (struct gh_bytes){&typed, 1}, 0, take, &texts);
        check(framer);
    }
    fuzz_require(framer->rejected <= size / 3 / GH_CODE_TEXT_MAX_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gh_framer framer;

    if (size == 0)
        return 0;
    texts = 0;
    gh_framer_init(&framer, (enum gh_framing)(data[0] % 3));
    if (data[0] < 0x80)
        frame(&framer, data + 1, size - 1);
    else
        type(&framer, data + 1, size - 1);
    return 0;
}
