/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/cose.h"

#include <stdlib.h>
#include <string.h>

#include "code/cbor.h"
#include "gatehouse/file.h"

#define TAG_SIGN1 18
#define TAG_CWT 61
#define LABEL_ALG 1
#define LABEL_CRIT 2
#define LABEL_KID 4
#define LABEL_KCWT 13

#define SMALL_BYTES 17408 /* to be signed: this much on the stack, enough for any code */
#define HEADS_BYTES 64    /* more than the heads and the context text of a Sig_structure */

/* --- reading --------------------------------------------------------------------------------- */

struct header {
    size_t labels;
    bool has_algorithm, has_key_id;
    bool odd_algorithm; /* alg is there, but no integer that we could know */
    int64_t algorithm;
    struct gh_bytes key_id;
    struct gh_bytes cwt;
};

/* RFC 9052 allows a name (tstr) too; none is registered. */
static void read_algorithm(struct gh_cbor_reader *reader, struct header *header)
{
    struct gh_cbor_reader number = *reader;
    header->algorithm = gh_cbor_int(&number);
    header->has_algorithm = true;
    header->odd_algorithm = number.status != GH_OK;
    gh_cbor_skip(reader);
}

static void read_label(struct gh_cbor_reader *reader, int64_t label, struct header *header)
{
    switch (label) {
    case LABEL_ALG:
        read_algorithm(reader, header);
        break;
    case LABEL_KID:
        header->key_id = gh_cbor_bytes(reader);
        header->has_key_id = true;
        break;
    case LABEL_CRIT:
        gh_cbor_fail(reader, GH_ERR_INVALID); /* we know no extension that could be critical */
        break;
    case LABEL_KCWT:
        header->cwt = gh_cbor_item(reader);
        break;
    default:
        gh_cbor_skip(reader);
    }
}

static struct header read_header(struct gh_cbor_reader *reader)
{
    struct header header = {.labels = 0};
    struct gh_cbor_keys seen = {.count = 0};
    for (size_t left = gh_cbor_open_map(reader); gh_cbor_more(reader, &left);)
        read_label(reader, gh_cbor_map_key(reader, &seen).number, &header);
    header.labels = seen.count;
    return header;
}

/* The protected header is a map inside a byte string; an empty string stands for an empty map. */
static struct header read_protected(struct gh_cbor_reader *outer, struct gh_bytes bytes)
{
    if (bytes.size == 0)
        return (struct header){.labels = 0};
    struct gh_cbor_reader reader = gh_cbor_reader_over(bytes);
    reader.indefinite = outer->indefinite;
    struct header header = read_header(&reader);
    gh_cbor_fail(outer, gh_cbor_finish(&reader));
    return header;
}

static void read_tags(struct gh_cbor_reader *reader)
{
    if (gh_cbor_peek(reader) != GH_CBOR_TAG)
        return;
    uint64_t tag = gh_cbor_tag(reader);
    if (tag == TAG_CWT)
        tag = gh_cbor_tag(reader);
    if (tag != TAG_SIGN1)
        gh_cbor_fail(reader, GH_ERR_INVALID);
}

/* The array's next part has to be there. */
static void next_part(struct gh_cbor_reader *reader, size_t *left)
{
    if (!gh_cbor_more(reader, left))
        gh_cbor_fail(reader, GH_ERR_INVALID);
}

/* The four parts; what the reader thinks of them is its status. */
static struct gh_cose_sign1 read_message(struct gh_cbor_reader *reader, bool *odd_algorithm)
{
    size_t left = gh_cbor_open_array(reader);
    struct gh_cose_sign1 message = {.algorithm = 0};
    next_part(reader, &left);
    message.protected_bytes = gh_cbor_bytes(reader);
    struct header inner = read_protected(reader, message.protected_bytes);
    next_part(reader, &left);
    struct header outer = read_header(reader);
    next_part(reader, &left);
    message.payload = gh_cbor_bytes(reader);
    next_part(reader, &left);
    message.signature = gh_cbor_bytes(reader);
    if (gh_cbor_more(reader, &left))
        gh_cbor_fail(reader, GH_ERR_INVALID);
    message.algorithm = inner.has_algorithm ? inner.algorithm : outer.algorithm;
    message.key_id = inner.has_key_id ? inner.key_id : outer.key_id;
    message.cwt = inner.cwt;
    message.unprotected_empty = outer.labels == 0;
    message.headers_protected =
        message.unprotected_empty && inner.has_algorithm && inner.has_key_id;
    *odd_algorithm = inner.odd_algorithm || outer.odd_algorithm;
    return message;
}

enum gh_status gh_cose_parse(struct gh_bytes input, bool indefinite, struct gh_cose_sign1 *out)
{
    *out = (struct gh_cose_sign1){.algorithm = 0};
    bool odd_algorithm = false;
    struct gh_cbor_reader reader = gh_cbor_reader_over(input);
    reader.indefinite = indefinite;
    read_tags(&reader);
    struct gh_cose_sign1 message = read_message(&reader, &odd_algorithm);
    enum gh_status status = gh_cbor_finish(&reader);
    if (status == GH_ERR_UNSUPPORTED) /* forms of CBOR; here the word is the algorithm's alone */
        return GH_ERR_INVALID;
    if (status == GH_OK && odd_algorithm)
        return GH_ERR_UNSUPPORTED;
    if (status == GH_OK)
        *out = message;
    return status;
}

/* --- what is signed -------------------------------------------------------------------------- */

/* The Sig_structure's bytes: in `small` when they fit, else in `large`, which the owner frees.
 * Those of a foreign certificate hold names: wiped. */
struct to_be_signed {
    uint8_t small[SMALL_BYTES];
    uint8_t *large;
    struct gh_bytes bytes;
};

static void cleanup_to_be_signed(struct to_be_signed *signing)
{
    if (signing->bytes.size > 0)
        gh_wipe((void *)signing->bytes.data, signing->bytes.size);
    free(signing->large);
}

static enum gh_status build(struct to_be_signed *signing, struct gh_bytes protected_bytes,
                            struct gh_bytes external_aad, struct gh_bytes payload)
{
    if (payload.size > GH_COSE_PAYLOAD_MAX_BYTES ||
        protected_bytes.size > GH_COSE_PAYLOAD_MAX_BYTES ||
        external_aad.size > GH_COSE_PAYLOAD_MAX_BYTES)
        return GH_ERR_TOOBIG;
    size_t capacity = HEADS_BYTES + protected_bytes.size + external_aad.size + payload.size;
    uint8_t *buffer = signing->small;
    if (capacity > sizeof(signing->small)) {
        signing->large = malloc(capacity);
        if (signing->large == NULL)
            return GH_ERR_NOMEM;
        buffer = signing->large;
    }
    struct gh_writer writer = gh_writer_over(buffer, capacity);
    gh_cbor_put_array(&writer, 4);
    gh_cbor_put_text(&writer, "Signature1");
    gh_cbor_put_bytes(&writer, protected_bytes.data, protected_bytes.size);
    gh_cbor_put_bytes(&writer, external_aad.data, external_aad.size);
    gh_cbor_put_bytes(&writer, payload.data, payload.size);
    signing->bytes = (struct gh_bytes){.data = buffer, .size = writer.size};
    return writer.overflow ? GH_ERR_TOOBIG : GH_OK;
}

enum gh_status gh_cose_verify(const struct gh_cose_sign1 *message, const struct gh_public_key *key,
                              struct gh_bytes external_aad)
{
    /* A key is for one algorithm: what the header says can only agree. */
    if (message->algorithm != (int64_t)gh_public_key_type(key))
        return GH_ERR_UNSUPPORTED;
    __attribute__((cleanup(cleanup_to_be_signed))) struct to_be_signed signing;
    signing.large = NULL;
    signing.bytes = (struct gh_bytes){.size = 0};
    enum gh_status status =
        build(&signing, message->protected_bytes, external_aad, message->payload);
    if (status != GH_OK)
        return status;
    return gh_verify(key, signing.bytes, message->signature);
}

/* --- writing --------------------------------------------------------------------------------- */

static enum gh_status put_protected(struct gh_writer *writer, const struct gh_private_key *key)
{
    struct gh_public_key *public_key = NULL;
    enum gh_status status = gh_private_key_public(key, &public_key);
    if (status != GH_OK)
        return status;
    uint8_t key_id[GH_KEY_ID_BYTES];
    gh_public_key_id(public_key, key_id);
    gh_public_key_free(public_key);
    gh_cbor_put_map(writer, 2);
    gh_cbor_put_uint(writer, LABEL_ALG);
    gh_cbor_put_int(writer, gh_private_key_type(key));
    gh_cbor_put_uint(writer, LABEL_KID);
    gh_cbor_put_bytes(writer, key_id, sizeof(key_id));
    return writer->overflow ? GH_ERR_TOOBIG : GH_OK;
}

void gh_cose_put(struct gh_writer *writer, const struct gh_cose_sign1 *message)
{
    gh_cbor_put_tag(writer, TAG_SIGN1);
    gh_cbor_put_array(writer, 4);
    gh_cbor_put_bytes(writer, message->protected_bytes.data, message->protected_bytes.size);
    gh_cbor_put_map(writer, 0);
    gh_cbor_put_bytes(writer, message->payload.data, message->payload.size);
    gh_cbor_put_bytes(writer, message->signature.data, message->signature.size);
}

enum gh_status gh_cose_write_under(struct gh_writer *writer, const struct gh_private_key *key,
                                   struct gh_bytes protected_bytes, struct gh_bytes payload,
                                   struct gh_bytes external_aad)
{
    __attribute__((cleanup(cleanup_to_be_signed))) struct to_be_signed signing;
    signing.large = NULL;
    signing.bytes = (struct gh_bytes){.size = 0};
    enum gh_status status = build(&signing, protected_bytes, external_aad, payload);
    uint8_t signature[GH_SIGNATURE_BYTES];
    if (status == GH_OK)
        status = gh_sign(key, signing.bytes, signature);
    if (status != GH_OK)
        return status;
    struct gh_cose_sign1 message = {.protected_bytes = protected_bytes,
                                    .payload = payload,
                                    .signature = {signature, sizeof(signature)}};
    gh_cose_put(writer, &message);
    return writer->overflow ? GH_ERR_TOOBIG : GH_OK;
}

enum gh_status gh_cose_write(struct gh_writer *writer, const struct gh_private_key *key,
                             struct gh_bytes payload, struct gh_bytes external_aad)
{
    uint8_t header[32];
    struct gh_writer header_writer = gh_writer_over(header, sizeof(header));
    enum gh_status status = put_protected(&header_writer, key);
    if (status != GH_OK)
        return status;
    struct gh_bytes protected_bytes = {.data = header, .size = header_writer.size};
    return gh_cose_write_under(writer, key, protected_bytes, payload, external_aad);
}
