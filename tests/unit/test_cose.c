/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "code/cbor.h"
#include "gatehouse/cose.h"

static const struct gh_bytes no_aad = {.size = 0};

static struct gh_bytes hex_bytes(const char *hex, uint8_t *out)
{
    size_t size = strlen(hex) / 2;
    assert_int_equal(gh_hex_decode(hex, strlen(hex), out, size), GH_OK);
    return (struct gh_bytes){.data = out, .size = size};
}

static struct gh_public_key *key_of(enum gh_key_type type, const char *hex)
{
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    struct gh_public_key *key = NULL;
    assert_int_equal(gh_public_key_from_raw(type, hex_bytes(hex, raw), &key), GH_OK);
    return key;
}

/* --- published messages -------------------------------------------------------------------------
 */

/* RFC 8392, appendix A.3 (the signed CWT) with the key of A.2.3. */
static const char cwt_hex[] =
    "d28443a10126a104524173796d6d657472696345434453413235365850a70175636f61703a2f2f61732e6578616d70"
    "6c652e636f6d02656572696b77037818636f61703a2f2f6c696768742e6578616d706c652e636f6d041a5612aeb005"
    "1a5610d9f0061a5610d9f007420b7158405427c1ff28d23fbad1f29c4c7c6a555e601d6fa29f9179bc3d7438bacaca"
    "5acd08c8d4d4f96131680c429a01f85951ecee743a52b9b63632c57209120e1c9e30";
static const char cwt_key[] = "04143329cce7868e416927599cf65a34f3ce2ffda55a7eca69ed8919a394d42f0f"
                              "60f7f1a780d8a783bfb7a2dd6b2796e8128dbbcef9d3d168db9529971a36e7b9";

static void test_rfc_8392(void **state)
{
    (void)state;
    uint8_t buffer[512];
    struct gh_bytes input = hex_bytes(cwt_hex, buffer);
    struct gh_cose_sign1 message;
    assert_int_equal(gh_cose_parse(input, false, &message), GH_OK);
    assert_int_equal(message.algorithm, GH_KEY_P256);
    assert_int_equal(message.key_id.size, 18);
    assert_memory_equal(message.key_id.data, "AsymmetricECDSA256", 18);
    assert_false(message.headers_protected); /* its kid is not */
    assert_int_equal(message.payload.size, 80);
    struct gh_public_key *key = key_of(GH_KEY_P256, cwt_key);
    assert_int_equal(gh_cose_verify(&message, key, no_aad), GH_OK);
    struct gh_bytes aad = {.data = (const uint8_t *)"x", .size = 1};
    assert_int_equal(gh_cose_verify(&message, key, aad), GH_ERR_SIGNATURE);
    buffer[60] ^= 1; /* within the payload */
    assert_int_equal(gh_cose_parse(input, false, &message), GH_OK);
    assert_int_equal(gh_cose_verify(&message, key, no_aad), GH_ERR_SIGNATURE);
    gh_public_key_free(key);
}

/* --- forms --------------------------------------------------------------------------------------
 */

static enum gh_status parse_as(const char *hex, bool indefinite, struct gh_cose_sign1 *message)
{
    static uint8_t *block; /* of exactly the right size, for the sanitizer; views borrow from it */
    free(block);
    size_t size = strlen(hex) / 2;
    block = malloc(size + (size == 0));
    assert_non_null(block);
    struct gh_bytes input = hex_bytes(hex, block);
    enum gh_status status = gh_cose_parse(input, indefinite, message);
    if (status != GH_OK) {
        free(block);
        block = NULL;
    }
    return status;
}

static enum gh_status parse(const char *hex, struct gh_cose_sign1 *message)
{
    return parse_as(hex, false, message);
}

static void test_tags(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum gh_status status;
    } cases[] = {
        {"8443a10126a0414241ff", GH_OK},
        {"d28443a10126a0414241ff", GH_OK},
        {"d83dd28443a10126a0414241ff", GH_OK},
        {"d83d8443a10126a0414241ff", GH_ERR_INVALID},   /* 61 needs a COSE tag inside */
        {"d2d83d8443a10126a0414241ff", GH_ERR_INVALID}, /* the wrong way round */
        {"d2d28443a10126a0414241ff", GH_ERR_INVALID},   /* twice */
        {"d83dd83dd28443a10126a0414241ff", GH_ERR_INVALID},
        {"d18443a10126a0414241ff", GH_ERR_INVALID},       /* COSE_Mac0 */
        {"d8628443a10126a0414241ff", GH_ERR_INVALID},     /* COSE_Sign */
        {"d9d9f7d28443a10126a0414241ff", GH_ERR_INVALID}, /* self-described CBOR */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_cose_sign1 message;
        assert_int_equal(parse(cases[i].hex, &message), cases[i].status);
        assert_int_equal(message.algorithm, cases[i].status == GH_OK ? -7 : 0);
        assert_int_equal(message.payload.size, cases[i].status == GH_OK ? 1 : 0);
    }
}

static void test_where_the_headers_stand(void **state)
{
    (void)state;
    struct gh_cose_sign1 message;
    /* both protected */
    assert_int_equal(parse("8446a2012704414ba041004100", &message), GH_OK);
    assert_true(message.headers_protected);
    assert_int_equal(message.algorithm, -8);
    assert_int_equal(message.key_id.size, 1);
    assert_int_equal(message.key_id.data[0], 'K');
    /* both unprotected; the protected one empty, in both spellings */
    assert_int_equal(parse("8440a2012604414b41004100", &message), GH_OK);
    assert_false(message.headers_protected);
    assert_int_equal(message.algorithm, -7);
    assert_int_equal(message.key_id.size, 1);
    assert_int_equal(parse("8441a0a2012604414b41004100", &message), GH_OK);
    assert_int_equal(message.algorithm, -7);
    /* in both: the protected one counts */
    assert_int_equal(parse("8446a2012704414ba20126044158"
                           "41004100",
                           &message),
                     GH_OK);
    assert_int_equal(message.algorithm, -8);
    assert_int_equal(message.key_id.data[0], 'K');
    assert_false(message.headers_protected); /* what is not signed says something all the same */
    assert_false(message.unprotected_empty);
    /* one here, one there */
    assert_int_equal(parse("8443a10127a104414b41004100", &message), GH_OK);
    assert_false(message.headers_protected);
    assert_int_equal(message.key_id.size, 1);
    /* none */
    assert_int_equal(parse("8440a041004100", &message), GH_OK);
    assert_int_equal(message.algorithm, 0);
    assert_int_equal(message.key_id.size, 0);
    /* others are passed over */
    assert_int_equal(parse("844aa4012703616104414b2080a1617801"
                           "41004100",
                           &message),
                     GH_ERR_TRUNCATED);
    assert_int_equal(parse("844ba4012703616104414b2080a1617801"
                           "41004100",
                           &message),
                     GH_OK);
    assert_false(message.headers_protected);
    assert_int_equal(parse("844ba4012703616104414b2080a041004100", &message), GH_OK);
    assert_true(message.headers_protected);
    /* without a kid, which a presentation has none of */
    assert_int_equal(parse("8443a10127a041004100", &message), GH_OK);
    assert_true(message.unprotected_empty);
    assert_false(message.headers_protected);
}

static void test_cwt_in_the_header(void **state)
{
    (void)state;
    struct gh_cose_sign1 message;
    /* any whole item, as its bytes */
    assert_int_equal(parse("8449a201270dd28281a0f5a041004100", &message), GH_OK);
    assert_int_equal(message.cwt.size, 5);
    assert_memory_equal(message.cwt.data, "\xd2\x82\x81\xa0\xf5", 5);
    /* what stands in the unprotected header is nobody's word */
    assert_int_equal(parse("8443a10127a10dd28281a0f541004100", &message), GH_OK);
    assert_int_equal(message.cwt.size, 0);
    assert_null(message.cwt.data);
    assert_int_equal(parse("8443a10127a041004100", &message), GH_OK);
    assert_int_equal(message.cwt.size, 0);
    /* twice; cut short; too deep */
    assert_int_equal(parse("8447a301270d000d00a041004100", &message), GH_ERR_EXISTS);
    assert_int_equal(parse("8446a201270d8200a041004100", &message), GH_ERR_TRUNCATED);
    assert_int_equal(parse("8455a201270d8181818181818181818181818181818100a041004100", &message),
                     GH_OK);
    assert_int_equal(parse("8456a201270d818181818181818181818181818181818100a041004100", &message),
                     GH_ERR_TOOBIG);
}

/* Containers of indefinite length, as foreign issuers write them; strings in chunks never. */
static void test_indefinite(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum gh_status status;
    } cases[] = {
        {"9f43a10126a0414241ffff", GH_OK},
        {"d29f45bf0126ffffbf04414bff414241ffff", GH_ERR_TRAILING},
        {"d29f44bf0126ffbf04414bff414241ffff", GH_OK},
        {"d83dd29f48bf01260d9f00ffffbfff414241ffff", GH_OK},
        {"8443a10126bfff414241ff", GH_OK},
        {"8448bf0126049f00ffffa0414241ff", GH_ERR_INVALID}, /* kid as an array */
        {"9f43a10126a04142ff", GH_ERR_INVALID},             /* three */
        {"9f43a10126a0414241ff00ff", GH_ERR_INVALID},       /* five */
        {"9f43a10126a0414241ff", GH_ERR_TRUNCATED},         /* no break */
        {"9f43a10126a0414241ffffff", GH_ERR_TRAILING},      /* two of them */
        {"8443a10126bf04ff414241ff", GH_ERR_INVALID},       /* a label without a value */
        {"8443bf0126a0414241ff", GH_ERR_TRUNCATED},         /* no break in the protected one */
        {"8446bf01260126ffa0414241ff", GH_ERR_EXISTS},
        {"845f43a10126ffa0414241ff", GH_ERR_INVALID}, /* the protected header in chunks */
        {"8443a10126a05f4142ff41ff", GH_ERR_INVALID}, /* the payload */
        {"8443a10126a041425f41ffff", GH_ERR_INVALID}, /* the signature */
        {"8443a10126a1045f414bff414241ff", GH_ERR_INVALID},
        {"8448a2012661615f4100a0414241ff", GH_ERR_TRUNCATED},
        {"8449a2012661615f4100ffa0414241ff", GH_OK}, /* chunks in what is passed over */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_cose_sign1 message;
        enum gh_status status = parse_as(cases[i].hex, true, &message);
        if (status != cases[i].status)
            print_error("case %zu\n", i);
        assert_int_equal(status, cases[i].status);
        assert_int_equal(message.algorithm, status == GH_OK ? -7 : 0);
        assert_int_not_equal(parse(cases[i].hex, &message), GH_OK); /* our own never */
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum gh_status status;
    } cases[] = {
        {"", GH_ERR_TRUNCATED},
        {"d2", GH_ERR_TRUNCATED},
        {"84", GH_ERR_TRUNCATED},
        {"8443a10126a04142", GH_ERR_TRUNCATED},
        {"8343a10126a04142", GH_ERR_INVALID},                /* three */
        {"8543a10126a0414241ff00", GH_ERR_INVALID},          /* five */
        {"8443a10126a0414241ff00", GH_ERR_TRAILING},         /* a byte behind */
        {"a443a10126a0414241ff0000", GH_ERR_INVALID},        /* a map */
        {"a243a10126a0414241ff", GH_ERR_INVALID},            /* a map */
        {"84a10126a0414241ff", GH_ERR_INVALID},              /* the protected header bare */
        {"8463a10126a0414241ff", GH_ERR_INVALID},            /* as text: not UTF-8 */
        {"84626161a0414241ff", GH_ERR_INVALID},              /* as text */
        {"8443a1012680414241ff", GH_ERR_INVALID},            /* the unprotected one an array */
        {"8443a10126a0f641ff", GH_ERR_INVALID},              /* a detached payload */
        {"8443a10126a0614241ff", GH_ERR_INVALID},            /* the payload as text */
        {"8443a10126a0414261ff", GH_ERR_INVALID},            /* the signature as text */
        {"8443a10126a04142f6", GH_ERR_INVALID},              /* no signature */
        {"8444a1012600a0414241ff", GH_ERR_TRAILING},         /* a byte behind the protected map */
        {"844180a0414241ff", GH_ERR_INVALID},                /* the protected header an array */
        {"8442a101a0414241ff", GH_ERR_TRUNCATED},            /* the protected header cut short */
        {"8445a201260126a0414241ff", GH_ERR_EXISTS},         /* alg twice */
        {"8446a20126180126a0414241ff", GH_ERR_EXISTS},       /* alg twice, spelled differently */
        {"8443a10126a204414b04414b414241ff", GH_ERR_EXISTS}, /* kid twice */
        {"8443a10126a2616100616100414241ff", GH_ERR_EXISTS}, /* a text label twice */
        {"8443a10126a1414100414241ff", GH_ERR_INVALID},      /* a label of bytes */
        {"8446a20126028101a0414241ff", GH_ERR_INVALID},      /* crit */
        {"8443a10126a1028101414241ff", GH_ERR_INVALID},      /* crit, unprotected */
        {"8444a1014126a0414241ff", GH_ERR_UNSUPPORTED},      /* alg as bytes */
        {"8448a101654553323536a0414241ff", GH_ERR_UNSUPPORTED}, /* alg as text */
        {"8443a10126a104614b414241ff", GH_ERR_INVALID},         /* kid as text */
        {"8443a10126a10400414241ff", GH_ERR_INVALID},           /* kid as a number */
        {"9f43a10126a0414241ffff", GH_ERR_INVALID},             /* indefinite lengths */
        {"8443a10126bfff414241ff", GH_ERR_INVALID},
        {"8443a10126a05f4142ff41ff", GH_ERR_INVALID},
        {"844ba1013bffffffffffffffffa0414241ff", GH_ERR_UNSUPPORTED}, /* alg beyond 64 bits */
        {"8443a101f6a0414241ff", GH_ERR_UNSUPPORTED},                 /* alg null */
        {"8443a10126a1016161414241ff", GH_ERR_UNSUPPORTED},           /* alg as text, unprotected */
        {"8444a1014126a0414241ff00", GH_ERR_TRAILING},                /* the form comes first */
        {"8443a10163a0414241ff", GH_ERR_TRUNCATED},                   /* alg cut short */
        {"9a10000000", GH_ERR_TRUNCATED},
        {"845a10000000", GH_ERR_TRUNCATED},
        {"8443a10126ba10000000", GH_ERR_TRUNCATED},
        {"8443a10126a05bffffffffffffffff", GH_ERR_TRUNCATED},
        {"8443a10126a0414258ff00", GH_ERR_TRUNCATED},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_cose_sign1 message;
        assert_int_equal(parse(cases[i].hex, &message), cases[i].status);
        assert_null(message.payload.data);
        assert_null(message.signature.data);
        assert_int_equal(message.algorithm, 0);
    }
}

/* --- sign and verify ----------------------------------------------------------------------------
 */

static struct gh_bytes write_message(const struct gh_private_key *key, struct gh_bytes payload,
                                     struct gh_bytes aad, uint8_t *out, size_t size)
{
    struct gh_writer writer = gh_writer_over(out, size);
    assert_int_equal(gh_cose_write(&writer, key, payload, aad), GH_OK);
    return (struct gh_bytes){.data = out, .size = writer.size};
}

static void check_round_trip(enum gh_key_type type, size_t payload_size)
{
    struct gh_private_key *key = NULL;
    struct gh_public_key *public_key = NULL, *other_key = NULL;
    assert_int_equal(gh_private_key_generate(type, &key), GH_OK);
    assert_int_equal(gh_private_key_public(key, &public_key), GH_OK);
    uint8_t *bytes = calloc(1, payload_size + 1), *out = malloc(payload_size + 256);
    assert_non_null(bytes);
    assert_non_null(out);
    struct gh_bytes payload = {.data = bytes, .size = payload_size};
    struct gh_bytes aad = {.data = (const uint8_t *)"Gatehouse test", .size = 14};
    struct gh_bytes whole = write_message(key, payload, aad, out, payload_size + 256);
    struct gh_cose_sign1 message;
    assert_int_equal(gh_cose_parse(whole, false, &message), GH_OK);
    assert_true(gh_bytes_equal(message.payload, payload));
    assert_int_equal(message.algorithm, type);
    assert_true(message.headers_protected);
    uint8_t key_id[GH_KEY_ID_BYTES];
    gh_public_key_id(public_key, key_id);
    assert_int_equal(message.key_id.size, sizeof(key_id));
    assert_memory_equal(message.key_id.data, key_id, sizeof(key_id));
    assert_int_equal(gh_cose_verify(&message, public_key, aad), GH_OK);
    assert_int_equal(gh_cose_verify(&message, public_key, no_aad), GH_ERR_SIGNATURE);
    struct gh_private_key *other = NULL;
    assert_int_equal(gh_private_key_generate(type, &other), GH_OK);
    assert_int_equal(gh_private_key_public(other, &other_key), GH_OK);
    assert_int_equal(gh_cose_verify(&message, other_key, aad), GH_ERR_SIGNATURE);
    message.signature.size--;
    assert_int_equal(gh_cose_verify(&message, public_key, aad), GH_ERR_INVALID);
    gh_public_key_free(public_key);
    gh_public_key_free(other_key);
    gh_private_key_free(key);
    gh_private_key_free(other);
    free(bytes);
    free(out);
}

/* A message put again, bare as it came, is the message in its one form. */
static void test_under_a_header_of_ones_own(void **state)
{
    (void)state;
    struct gh_private_key *key = NULL;
    struct gh_public_key *public_key = NULL;
    assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &key), GH_OK);
    assert_int_equal(gh_private_key_public(key, &public_key), GH_OK);
    struct gh_bytes header = {.data = (const uint8_t *)"\xa2\x01\x27\x0d\xd2\x80", .size = 6};
    struct gh_bytes payload = {.data = (const uint8_t *)"payload", .size = 7};
    uint8_t out[128], again[128];
    struct gh_writer writer = gh_writer_over(out, sizeof(out));
    assert_int_equal(gh_cose_write_under(&writer, key, header, payload, no_aad), GH_OK);
    struct gh_cose_sign1 message;
    struct gh_bytes bare = {.data = out + 1, .size = writer.size - 1};
    assert_int_equal(gh_cose_parse(bare, false, &message), GH_OK);
    assert_int_equal(message.algorithm, GH_KEY_ED25519);
    assert_int_equal(message.cwt.size, 2);
    assert_int_equal(gh_cose_verify(&message, public_key, no_aad), GH_OK);
    struct gh_writer copy = gh_writer_over(again, sizeof(again));
    gh_cose_put(&copy, &message);
    assert_int_equal(copy.size, writer.size);
    assert_memory_equal(again, out, copy.size);
    writer = gh_writer_over(out, copy.size - 1);
    assert_int_equal(gh_cose_write_under(&writer, key, header, payload, no_aad), GH_ERR_TOOBIG);
    gh_public_key_free(public_key);
    gh_private_key_free(key);
}

static void test_round_trips(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 200, 1900, 2000, 2100, GH_COSE_PAYLOAD_MAX_BYTES};
    for (size_t i = 0; i < GH_ARRAY_SIZE(sizes); i++) {
        check_round_trip(GH_KEY_ED25519, sizes[i]);
        check_round_trip(GH_KEY_P256, sizes[i]);
    }
}

/* A header that names another algorithm than the key's is not believed, whatever the signature. */
static void test_algorithm_is_the_keys(void **state)
{
    (void)state;
    struct gh_private_key *key = NULL;
    struct gh_public_key *public_key = NULL;
    assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &key), GH_OK);
    assert_int_equal(gh_private_key_public(key, &public_key), GH_OK);
    uint8_t out[256];
    struct gh_bytes whole = write_message(key, no_aad, no_aad, out, sizeof(out));
    struct gh_cose_sign1 message;
    assert_int_equal(gh_cose_parse(whole, false, &message), GH_OK);
    static const int64_t others[] = {0, -7, -37, 8, -8 + (INT64_C(1) << 32), INT64_MIN};
    for (size_t i = 0; i < GH_ARRAY_SIZE(others); i++) {
        message.algorithm = others[i];
        assert_int_equal(gh_cose_verify(&message, public_key, no_aad), GH_ERR_UNSUPPORTED);
    }
    message.algorithm = -8;
    assert_int_equal(gh_cose_verify(&message, public_key, no_aad), GH_OK);
    gh_public_key_free(public_key);
    gh_private_key_free(key);
}

static void test_limits(void **state)
{
    (void)state;
    struct gh_private_key *key = NULL;
    struct gh_public_key *public_key = NULL;
    assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &key), GH_OK);
    assert_int_equal(gh_private_key_public(key, &public_key), GH_OK);
    size_t size = GH_COSE_PAYLOAD_MAX_BYTES + 1;
    uint8_t *bytes = calloc(1, size), *out = malloc(size + 256);
    assert_non_null(bytes);
    assert_non_null(out);
    struct gh_bytes payload = {.data = bytes, .size = size};
    struct gh_writer writer = gh_writer_over(out, size + 256);
    assert_int_equal(gh_cose_write(&writer, key, payload, no_aad), GH_ERR_TOOBIG);
    assert_int_equal(writer.size, 0);
    struct gh_cose_sign1 message = {.payload = payload, .algorithm = GH_KEY_ED25519};
    assert_int_equal(gh_cose_verify(&message, public_key, no_aad), GH_ERR_TOOBIG);
    payload.size = 100;
    writer = gh_writer_over(out, 184);
    assert_int_equal(gh_cose_write(&writer, key, payload, no_aad), GH_ERR_TOOBIG);
    writer = gh_writer_over(out, 185);
    assert_int_equal(gh_cose_write(&writer, key, payload, no_aad), GH_OK);
    assert_int_equal(writer.size, 185);
    free(bytes);
    free(out);
    gh_public_key_free(public_key);
    gh_private_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_8392),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_where_the_headers_stand),
        cmocka_unit_test(test_cwt_in_the_header),
        cmocka_unit_test(test_indefinite),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_under_a_header_of_ones_own),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_algorithm_is_the_keys),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
