/* SPDX-License-Identifier: Apache-2.0 */
/* HCERT. First byte: `0` a text behind `HC1:` (or whole); `1` what base45 stands for; `2` a COSE
 * message, to be compressed; `3` claims that a trusted signer signs; `4` the inner certificate
 * alone. */
#include <zlib.h>

#include "code/base45.h"
#include "code/cbor.h"
#include "fuzz.h"
#include "gatehouse/cose.h"

#define BUFFER_BYTES 32768

static struct gh_private_key *signer;
static struct gh_trust *trust;

static void prepare(void)
{
    struct gh_issuer_key key;
    signer = fuzz_issuer(GH_KEY_P256, GH_PURPOSE(GH_KIND_HCERT), &key);
    trust = fuzz_trust(&key, 1);
}

static void read_text(struct gh_bytes text)
{
    struct gh_credential credential;
    gh_code_read(trust, text, FUZZ_NOW_S, &credential);
    fuzz_check(&credential);
}

static void read_packed(struct gh_bytes packed)
{
    uint8_t buffer[BUFFER_BYTES];
    struct gh_writer text = gh_writer_over(buffer, sizeof(buffer));
    gh_writer_put_text(&text, "HC1:");
    gh_base45_put(&text, packed);
    if (!text.overflow)
        read_text((struct gh_bytes){text.data, text.size});
}

static void read_message(struct gh_bytes message)
{
    uint8_t packed[BUFFER_BYTES];
    uLongf size = sizeof(packed);
    if (compress2(packed, &size, message.data, message.size, 9) == Z_OK)
        read_packed((struct gh_bytes){packed, size});
}

static void read_claims(struct gh_bytes claims)
{
    uint8_t message[BUFFER_BYTES];
    struct gh_writer writer = gh_writer_over(message, sizeof(message));
    if (gh_cose_write(&writer, signer, claims, (struct gh_bytes){.size = 0}) == GH_OK)
        read_message((struct gh_bytes){writer.data, writer.size});
}

static void read_certificate(struct gh_bytes certificate)
{
    uint8_t claims[BUFFER_BYTES];
    struct gh_writer writer = gh_writer_over(claims, sizeof(claims));
    gh_cbor_put_map(&writer, 4);
    gh_cbor_put_uint(&writer, 1);
    gh_cbor_put_text(&writer, "XX");
    gh_cbor_put_uint(&writer, 4);
    gh_cbor_put_uint(&writer, FUZZ_NOW_S + 1000);
    gh_cbor_put_uint(&writer, 6);
    gh_cbor_put_uint(&writer, FUZZ_NOW_S - 1000);
    gh_cbor_put_int(&writer, -260);
    gh_cbor_put_map(&writer, 1);
    gh_cbor_put_uint(&writer, 1);
    gh_writer_put(&writer, certificate.data, certificate.size);
    if (!writer.overflow)
        read_claims((struct gh_bytes){writer.data, writer.size});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (trust == NULL)
        prepare();
    if (size == 0)
        return 0;
    struct gh_bytes rest = {data + 1, size - 1};
    if (data[0] == '1')
        read_packed(rest);
    else if (data[0] == '2')
        read_message(rest);
    else if (data[0] == '3')
        read_claims(rest);
    else if (data[0] == '4')
        read_certificate(rest);
    else
        read_text(rest);
    return 0;
}
