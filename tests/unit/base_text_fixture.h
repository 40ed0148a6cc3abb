/* SPDX-License-Identifier: Apache-2.0 */
/* What holds of bytes as text, whatever the base. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_BASE_TEXT_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_BASE_TEXT_FIXTURE_H

#include <string.h>

#include "gatehouse/bytes.h"

struct base_text {
    void (*put)(struct gh_writer *writer, struct gh_bytes data);
    enum gh_status (*decode)(struct gh_bytes text, struct gh_writer *writer);
    size_t (*text_bytes)(size_t size); /* of the text of so many bytes */
    char character;                    /* one of its own */
};
struct base_example {
    const char *plain, *encoded;
};
struct base_case {
    const char *text;
    size_t size;
};

static inline struct gh_bytes bytes_of(const char *text)
{
    return (struct gh_bytes){.data = (const uint8_t *)text, .size = strlen(text)};
}

static inline enum gh_status decode_with(const struct base_text *base, const char *text,
                                         size_t size, char *out, size_t *out_size)
{
    uint8_t block[64]; /* good characters behind it, which must not be read */
    memset(block, base->character, sizeof(block));
    memcpy(block, text, size);
    struct gh_writer writer = gh_writer_over(out, 64);
    enum gh_status status = base->decode((struct gh_bytes){.data = block, .size = size}, &writer);
    *out_size = writer.size;
    return status;
}

static inline void assert_examples(const struct base_text *base,
                                   const struct base_example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char out[64];
        size_t size, encoded_size = strlen(examples[i].encoded);
        struct gh_writer writer = gh_writer_over(out, sizeof(out));
        base->put(&writer, bytes_of(examples[i].plain));
        assert_int_equal(writer.size, encoded_size);
        assert_memory_equal(out, examples[i].encoded, writer.size);
        assert_int_equal(decode_with(base, examples[i].encoded, encoded_size, out, &size), GH_OK);
        assert_int_equal(size, strlen(examples[i].plain));
        assert_memory_equal(out, examples[i].plain, size);
    }
}

static inline void assert_every_size_comes_back(const struct base_text *base)
{
    uint8_t data[70], back[70];
    char text[128];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 37 + 250);
    for (size_t size = 0; size <= sizeof(data); size++) {
        struct gh_writer writer = gh_writer_over(text, sizeof(text));
        base->put(&writer, (struct gh_bytes){.data = data, .size = size});
        assert_false(writer.overflow);
        assert_int_equal(writer.size, base->text_bytes(size));
        struct gh_writer out = gh_writer_over(back, sizeof(back));
        struct gh_bytes encoded = {.data = writer.data, .size = writer.size};
        assert_int_equal(base->decode(encoded, &out), GH_OK);
        assert_int_equal(out.size, size);
        assert_memory_equal(back, data, size);
    }
}

static inline void assert_refused(const struct base_text *base, const struct base_case *cases,
                                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char out[64];
        size_t size;
        assert_int_equal(decode_with(base, cases[i].text, cases[i].size, out, &size),
                         GH_ERR_INVALID);
    }
}

#endif
