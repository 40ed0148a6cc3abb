/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a camera may see, as a whole: one text, or several at line ends. */
#include "fuzz.h"

#define TEXTS_MAX 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gh_trust *trust;
    if (trust == NULL) {
        struct gh_issuer_key key;
        gh_private_key_free(fuzz_issuer(GH_KEY_ED25519, GH_PURPOSES_OWN, &key));
        trust = fuzz_trust(&key, 1);
    }
    struct gh_credential credential;
    gh_code_read(trust, (struct gh_bytes){data, size}, FUZZ_NOW_S, &credential);
    fuzz_check(&credential);
    /* Nothing is signed by that key; an enrolment code carries its own. */
    fuzz_require(!credential.authentic || credential.kind == GH_KIND_ENROLMENT);

    struct gh_bytes texts[TEXTS_MAX];
    size_t count = 0;
    const uint8_t *end = data + size;
    static struct gh_parts parts;
    gh_parts_forget(&parts);
    while (data < end && count < TEXTS_MAX) {
        const uint8_t *stop = memchr(data, '\n', (size_t)(end - data));
        texts[count] = (struct gh_bytes){data, (size_t)((stop != NULL ? stop : end) - data)};
        (void)gh_parts_take(&parts, texts[count], (int64_t)count);
        fuzz_require(parts.have <= parts.count && parts.count <= GH_PARTS_MAX &&
                     parts.used <= sizeof(parts.text));
        data = stop != NULL ? stop + 1 : end;
        count++;
    }
    if (count > 0) {
        gh_code_read_parts(trust, texts, count, FUZZ_NOW_S, &credential);
        fuzz_check(&credential);
    }
    return 0;
}
