/* SPDX-License-Identifier: Apache-2.0 */
/* Base45 and base32: whatever is read is written the same way again. */
#include <string.h>

#include "code/base32.h"
#include "code/base45.h"
#include "fuzz.h"

#define BYTES_MAX 8192

static void check(struct gh_bytes text,
                  enum gh_status decode(struct gh_bytes text, struct gh_writer *writer),
                  void put(struct gh_writer *writer, struct gh_bytes bytes), bool any_case)
{
    uint8_t decoded[BYTES_MAX], again[BYTES_MAX];
    struct gh_writer bytes = gh_writer_over(decoded, sizeof(decoded));
    struct gh_writer spelled = gh_writer_over(again, sizeof(again));
    if (decode(text, &bytes) != GH_OK)
        return;
    put(&spelled, (struct gh_bytes){bytes.data, bytes.size});
    fuzz_require(!spelled.overflow && spelled.size == text.size);
    fuzz_require(any_case || memcmp(again, text.data, text.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > GH_CODE_TEXT_MAX_BYTES)
        return 0;
    struct gh_bytes text = {data, size};
    check(text, gh_base45_decode, gh_base45_put, false);
    check(text, gh_base32_decode, gh_base32_put, true);
    return 0;
}
