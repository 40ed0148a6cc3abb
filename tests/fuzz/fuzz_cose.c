/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR, COSE_Sign1 and the claims of a CWT, before any key is looked for: the input as it stands
 * and, where it is base45, what that stands for (the seeds are texts). */
#include "code/base45.h"
#include "code/cbor.h"
#include "code/claims.h"
#include "fuzz.h"
#include "gatehouse/cose.h"

static void require_inside(struct gh_bytes part, struct gh_bytes whole)
{
    if (part.size > 0)
        fuzz_require(part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

static void read_over(struct gh_bytes input, bool indefinite)
{
    struct gh_cbor_reader reader = gh_cbor_reader_over(input);
    reader.indefinite = indefinite;
    while (reader.status == GH_OK && reader.offset < input.size) {
        size_t before = reader.offset;
        struct gh_bytes item = gh_cbor_item(&reader);
        require_inside(item, input);
        fuzz_require(reader.status != GH_OK || reader.offset > before);
    }
}

static void read_message(struct gh_bytes input, bool indefinite)
{
    struct gh_cose_sign1 message;
    if (gh_cose_parse(input, indefinite, &message) != GH_OK)
        return;
    require_inside(message.protected_bytes, input);
    require_inside(message.payload, input);
    require_inside(message.signature, input);
    require_inside(message.key_id, input);
    require_inside(message.cwt, message.protected_bytes);
    struct gh_code_claims claims;
    if (gh_code_claims_read(message.payload, &claims) == GH_REASON_OK) {
        require_inside(claims.issuer, message.payload);
        fuzz_require(claims.kind >= GH_KIND_HEALTH && claims.kind <= GH_KIND_ENROLMENT);
    }
}

static void read_all(struct gh_bytes input)
{
    struct gh_code_claims claims;
    for (int indefinite = 0; indefinite < 2; indefinite++) {
        read_over(input, indefinite);
        read_message(input, indefinite);
    }
    enum gh_reason reason = gh_code_claims_read(input, &claims);
    fuzz_require(reason != GH_REASON_OK || claims.issuer.size < GH_URL_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t decoded[8192];
    struct gh_writer writer = gh_writer_over(decoded, sizeof(decoded));
    struct gh_bytes input = {data, size};
    read_all(input);
    if (gh_base45_decode(input, &writer) == GH_OK)
        read_all((struct gh_bytes){writer.data, writer.size});
    return 0;
}
