/* SPDX-License-Identifier: Apache-2.0 */
#include "code/cnf.h"

#include <string.h>

#define CNF_COSE_KEY 1 /* RFC 8747, section 3.1 */

/* RFC 9053, section 7 */
enum { KEY_KTY = 1, KEY_CRV = -1, KEY_X = -2, KEY_Y = -3 };
enum { KTY_OKP = 1, KTY_EC2 = 2 };
enum { CRV_P256 = 1, CRV_ED25519 = 6 };

#define OKP_MEMBERS 3 /* kty, crv, x */
#define EC2_MEMBERS 4 /* and y */

/* --- reading --------------------------------------------------------------------------------- */

struct members {
    int64_t kty, crv;
    bool has_x, has_y;
};

static void read_x(struct gh_cbor_reader *reader, struct gh_cnf *cnf)
{
    struct gh_bytes x = gh_cbor_bytes(reader);
    if (x.size == sizeof(cnf->x))
        memcpy(cnf->x, x.data, x.size);
    else
        gh_cbor_fail(reader, GH_ERR_INVALID);
}

static void read_member(struct gh_cbor_reader *reader, int64_t label, struct members *members,
                        struct gh_cnf *cnf)
{
    switch (label) {
    case KEY_KTY:
        members->kty = gh_cbor_int(reader);
        break;
    case KEY_CRV:
        members->crv = gh_cbor_int(reader);
        break;
    case KEY_X:
        read_x(reader, cnf);
        members->has_x = true;
        break;
    case KEY_Y: /* its sign: the other half of the point follows from x, and costs no space */
        cnf->y_is_odd = gh_cbor_bool(reader);
        members->has_y = true;
        break;
    default: /* a private key, what the key is for, ...: nothing that we could pass over */
        gh_cbor_fail(reader, GH_ERR_INVALID);
    }
}

static struct gh_cnf read_cose_key(struct gh_cbor_reader *reader)
{
    struct gh_cnf cnf = {.type = GH_KEY_ED25519};
    struct members members = {.kty = 0};
    struct gh_cbor_keys seen = {.count = 0};
    for (size_t pairs = gh_cbor_map(reader); pairs > 0 && reader->status == GH_OK; pairs--)
        read_member(reader, gh_cbor_map_key(reader, &seen).number, &members, &cnf);
    bool okp = members.kty == KTY_OKP && members.crv == CRV_ED25519 && seen.count == OKP_MEMBERS;
    bool ec2 = members.kty == KTY_EC2 && members.crv == CRV_P256 && seen.count == EC2_MEMBERS;
    if (!members.has_x || members.has_y != ec2 || !(okp || ec2))
        gh_cbor_fail(reader, GH_ERR_INVALID);
    if (ec2)
        cnf.type = GH_KEY_P256;
    return cnf;
}

struct gh_cnf gh_cnf_read(struct gh_cbor_reader *reader)
{
    if (gh_cbor_map(reader) != 1 || gh_cbor_int(reader) != CNF_COSE_KEY)
        gh_cbor_fail(reader, GH_ERR_INVALID);
    return read_cose_key(reader);
}

/* --- writing --------------------------------------------------------------------------------- */

void gh_cnf_put(struct gh_writer *writer, const struct gh_cnf *cnf)
{
    bool p256 = cnf->type == GH_KEY_P256;
    gh_cbor_put_map(writer, 1);
    gh_cbor_put_int(writer, CNF_COSE_KEY);
    gh_cbor_put_map(writer, p256 ? EC2_MEMBERS : OKP_MEMBERS);
    gh_cbor_put_int(writer, KEY_KTY);
    gh_cbor_put_int(writer, p256 ? KTY_EC2 : KTY_OKP);
    gh_cbor_put_int(writer, KEY_CRV);
    gh_cbor_put_int(writer, p256 ? CRV_P256 : CRV_ED25519);
    gh_cbor_put_int(writer, KEY_X);
    gh_cbor_put_bytes(writer, cnf->x, sizeof(cnf->x));
    if (p256) {
        gh_cbor_put_int(writer, KEY_Y);
        gh_cbor_put_bool(writer, cnf->y_is_odd);
    }
}

/* --- keys ------------------------------------------------------------------------------------ */

enum gh_status gh_cnf_of(const struct gh_public_key *key, struct gh_cnf *out)
{
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    *out = (struct gh_cnf){.type = gh_public_key_type(key)};
    if (out->type != GH_KEY_ED25519 && out->type != GH_KEY_P256)
        return GH_ERR_INVALID;
    size_t size = gh_public_key_raw(key, raw);
    bool p256 = out->type == GH_KEY_P256; /* 04 x y */
    memcpy(out->x, raw + p256, sizeof(out->x));
    out->y_is_odd = p256 && (raw[size - 1] & 1) != 0;
    return GH_OK;
}

enum gh_status gh_cnf_key(const struct gh_cnf *cnf, struct gh_public_key **out)
{
    uint8_t point[GH_HOLDER_KEY_MAX_BYTES];
    struct gh_bytes raw = {.data = cnf->x, .size = sizeof(cnf->x)};
    *out = NULL;
    if (cnf->type == GH_KEY_P256) {
        enum gh_status status = gh_p256_decompress(cnf->x, cnf->y_is_odd, point);
        if (status != GH_OK)
            return status;
        raw = (struct gh_bytes){.data = point, .size = sizeof(point)};
    }
    return gh_public_key_from_raw(cnf->type, raw, out);
}
