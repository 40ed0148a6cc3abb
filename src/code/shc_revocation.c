/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "code/shc.h"

#define RID_MAX 24

static bool is_base64url(const char *text)
{
    return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")] ==
           '\0';
}

enum gh_status gh_shc_revocation(const char *kid, const char *rid, uint8_t out[GH_REVOCATION_BYTES])
{
    char input[sizeof("shc.") + GH_SHC_KID_TEXT_BYTES + RID_MAX];
    uint8_t hash[GH_SHA256_BYTES];
    size_t rid_size = strlen(rid);
    if (strlen(kid) != GH_SHC_KID_TEXT_BYTES - 1 || rid_size == 0 || rid_size > RID_MAX ||
        !is_base64url(kid) || !is_base64url(rid))
        return GH_ERR_INVALID;
    struct gh_writer writer = gh_writer_over(input, sizeof(input));
    gh_writer_put_text(&writer, "shc");
    gh_writer_put_text(&writer, kid);
    gh_writer_put_byte(&writer, '.');
    gh_writer_put_text(&writer, rid);
    gh_sha256((struct gh_bytes){writer.data, writer.size}, hash);
    memcpy(out, hash, GH_REVOCATION_BYTES);
    return GH_OK;
}
