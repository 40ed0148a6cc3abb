/* SPDX-License-Identifier: Apache-2.0 */
#include "code/parts.h"

enum gh_reason gh_code_form_reason(enum gh_status status)
{
    switch (status) {
    case GH_OK:
        return GH_REASON_OK;
    case GH_ERR_TRUNCATED:
        return GH_REASON_TRUNCATED;
    case GH_ERR_TRAILING:
        return GH_REASON_TRAILING;
    case GH_ERR_TOOBIG:
        return GH_REASON_TOO_DEEP;
    case GH_ERR_EXISTS:
        return GH_REASON_DUPLICATE_KEY;
    case GH_ERR_RANGE:
        return GH_REASON_BAD_TIME;
    default:
        return GH_REASON_MALFORMED;
    }
}

enum gh_reason gh_code_signature_reason(enum gh_status status)
{
    switch (status) {
    case GH_OK:
        return GH_REASON_OK;
    case GH_ERR_INVALID:
        return GH_REASON_SIGNATURE_FORM;
    case GH_ERR_RANGE:
        return GH_REASON_SIGNATURE_RANGE;
    case GH_ERR_UNSUPPORTED:
        return GH_REASON_WRONG_ALGORITHM;
    default: /* no memory to verify with is "not verified" too */
        return GH_REASON_FORGED;
    }
}

enum gh_reason gh_code_inflate_reason(enum gh_status status)
{
    switch (status) {
    case GH_OK:
        return GH_REASON_OK;
    case GH_ERR_TRUNCATED:
        return GH_REASON_TRUNCATED;
    case GH_ERR_TRAILING:
        return GH_REASON_TRAILING;
    case GH_ERR_TOOBIG:
        return GH_REASON_TOO_LARGE;
    default:
        return GH_REASON_BAD_COMPRESSION;
    }
}
