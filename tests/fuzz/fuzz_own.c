/* SPDX-License-Identifier: Apache-2.0 */
/* Our own codes. First byte: `0` a text; `1` a COSE message for `GH1:`, `2` for `GHP1:`, `3` for
 * `GHE1:`, `4` for a link; `5` claims that a trusted issuer signs; `6` what a phone signs around a
 * true code. */
#include "code/base32.h"
#include "code/base45.h"
#include "code/cbor.h"
#include "fuzz.h"
#include "gatehouse/cose.h"

static struct gh_private_key *issuer, *phone;
static struct gh_trust *trust;
static char bound_code[GH_CODE_OWN_MAX_BYTES + 1]; /* a true health code, bound to the phone */

static void prepare(void)
{
    struct gh_issuer_key key, phone_key;
    struct gh_public_key *holder;
    issuer = fuzz_issuer(GH_KEY_ED25519, GH_PURPOSES_OWN, &key);
    phone = fuzz_issuer(GH_KEY_ED25519, GH_PURPOSES_OWN, &phone_key);
    trust = fuzz_trust(&key, 1);
    if (gh_private_key_public(phone, &holder) != GH_OK)
        abort();
    struct gh_claims claims = {.kind = GH_KIND_HEALTH,
                               .id = 1,
                               .about = 2,
                               .colour = GH_COLOUR_GREEN,
                               .issued_at_s = FUZZ_NOW_S - 60,
                               .expires_at_s = FUZZ_NOW_S + 60,
                               .holder = holder,
                               .issuer = "fuzz"};
    if (gh_code_write(issuer, &claims, bound_code, sizeof(bound_code)) != GH_OK)
        abort();
    gh_public_key_free(holder);
}

static void read_text(struct gh_bytes text)
{
    struct gh_credential credential;
    struct gh_enrolment enrolment;
    gh_code_read(trust, text, FUZZ_NOW_S, &credential);
    fuzz_check(&credential);
    enum gh_reason reason = gh_enrolment_read(text, FUZZ_NOW_S, &enrolment);
    fuzz_require(reason != GH_REASON_OK || credential.kind == GH_KIND_ENROLMENT);
    char presented[GH_CODE_OWN_MAX_BYTES + 1];
    enum gh_status status = gh_code_present(phone, text, FUZZ_NOW_S, presented, sizeof(presented));
    fuzz_require(status != GH_OK || credential.kind == GH_KIND_HEALTH);
}

static void read_message(const char *prefix, struct gh_bytes message)
{
    uint8_t buffer[16384];
    struct gh_writer text = gh_writer_over(buffer, sizeof(buffer));
    gh_writer_put_text(&text, prefix);
    if (strcmp(prefix, "HTTPS://FUZZ/H/") == 0)
        gh_base32_put(&text, message);
    else
        gh_base45_put(&text, message);
    if (!text.overflow)
        read_text((struct gh_bytes){text.data, text.size});
}

/* The phone's COSE_Sign1 needs the issuer's whole message in its protected header: it is put
 * together by hand, with the fuzzed payload and the phone's true signature. */
static void read_presentation(struct gh_bytes payload)
{
    uint8_t code[1024], header[1024], signed_bytes[8192], message[8192];
    uint8_t signature[GH_SIGNATURE_BYTES];
    struct gh_writer inner = gh_writer_over(code, sizeof(code));
    struct gh_bytes body = {(const uint8_t *)bound_code + 4, strlen(bound_code) - 4};
    if (gh_base45_decode(body, &inner) != GH_OK)
        abort();
    struct gh_writer outer = gh_writer_over(header, sizeof(header));
    gh_cbor_put_map(&outer, 2);
    gh_cbor_put_uint(&outer, 1);
    gh_cbor_put_int(&outer, GH_KEY_ED25519);
    gh_cbor_put_uint(&outer, 13);
    gh_writer_put(&outer, inner.data, inner.size);
    struct gh_writer to_sign = gh_writer_over(signed_bytes, sizeof(signed_bytes));
    gh_cbor_put_array(&to_sign, 4);
    gh_cbor_put_text(&to_sign, "Signature1");
    gh_cbor_put_bytes(&to_sign, outer.data, outer.size);
    gh_cbor_put_bytes(&to_sign, NULL, 0);
    gh_cbor_put_bytes(&to_sign, payload.data, payload.size);
    if (to_sign.overflow ||
        gh_sign(phone, (struct gh_bytes){to_sign.data, to_sign.size}, signature) != GH_OK)
        return;
    struct gh_writer writer = gh_writer_over(message, sizeof(message));
    gh_cbor_put_tag(&writer, 18);
    gh_cbor_put_array(&writer, 4);
    gh_cbor_put_bytes(&writer, outer.data, outer.size);
    gh_cbor_put_map(&writer, 0);
    gh_cbor_put_bytes(&writer, payload.data, payload.size);
    gh_cbor_put_bytes(&writer, signature, sizeof(signature));
    read_message("GHP1:", (struct gh_bytes){writer.data, writer.size});
}

static void read_signed(struct gh_bytes payload)
{
    static const char *const prefixes[] = {"GH1:", "HTTPS://FUZZ/H/", "GHE1:"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(prefixes); i++) {
        uint8_t buffer[8192];
        struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
        struct gh_bytes aad = {.size = 0};
        if (i == 1)
            aad = (struct gh_bytes){(const uint8_t *)prefixes[i], strlen(prefixes[i])};
        if (gh_cose_write(&writer, issuer, payload, aad) == GH_OK)
            read_message(prefixes[i], (struct gh_bytes){writer.data, writer.size});
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const prefixes[] = {"GH1:", "GHP1:", "GHE1:", "HTTPS://FUZZ/H/"};
    if (trust == NULL)
        prepare();
    if (size == 0)
        return 0;
    struct gh_bytes rest = {data + 1, size - 1};
    if (data[0] >= '1' && data[0] <= '4')
        read_message(prefixes[data[0] - '1'], rest);
    else if (data[0] == '5')
        read_signed(rest);
    else if (data[0] == '6')
        read_presentation(rest);
    else
        read_text(rest);
    return 0;
}
