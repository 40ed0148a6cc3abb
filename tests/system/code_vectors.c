/* SPDX-License-Identifier: Apache-2.0 */
/* code_vectors > tests/vectors/codes/codes.tsv: codes, good and bad, and what a reader must say,
 * signed by the keys that lie there. Run it from the top of the tree. ES256 signatures are random:
 * those rows come out anew each time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/base32.h"
#include "code/base45.h"
#include "gatehouse/clock.h"
#include "gatehouse/code.h"
#include "gatehouse/cose.h"

#define FOLDER "tests/vectors/codes/"
#define IAT INT64_C(1583020800) /* 2020-03-01T00:00:00Z */
#define EXP INT64_C(1583625600) /* a week later */
#define NOW (IAT + 3600)
#define LINK "HTTPS://GATE.EXAMPLE/H/"
#define TEXT_BYTES (GH_CODE_OWN_MAX_BYTES + 1)

static struct gh_private_key *issuer, *issuer_p256, *list, *stranger, *phone, *phone_p256;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call)) {                                                                             \
            fprintf(stderr, "code_vectors: %s failed\n", #call);                                   \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static struct gh_private_key *load(const char *path)
{
    struct gh_private_key *key = NULL;
    struct gh_error err = {0};
    if (gh_private_key_load(path, &key, &err) != GH_OK) {
        fprintf(stderr, "code_vectors: %s\n", err.text);
        exit(1);
    }
    return key;
}

static void row(const char *name, int64_t at_s, const char *kind, const char *reason,
                const char *text)
{
    char time[GH_TIME_TEXT_BYTES];
    gh_time_format(at_s, time);
    printf("%s\t%s\t%s\t%s\t%s\n", name, time, kind, reason, text);
}

/* --- bytes ----------------------------------------------------------------------------------- */

struct bytes {
    uint8_t data[GH_CODE_OWN_MAX_BYTES];
    size_t size;
};

static struct gh_bytes view(const struct bytes *bytes)
{
    return (struct gh_bytes){.data = bytes->data, .size = bytes->size};
}

/* Hex digits; spaces are passed over. */
static struct bytes hex(const char *digits)
{
    struct bytes out = {.size = 0};
    for (; *digits != '\0'; digits += 2) {
        digits += strspn(digits, " ");
        MUST(gh_hex_decode(digits, 2, out.data + out.size++, 1) == GH_OK);
    }
    return out;
}

static struct bytes of_text(const char *text)
{
    struct bytes out = {.size = 0};
    struct gh_writer writer = gh_writer_over(out.data, sizeof(out.data));
    bool link = text[0] == 'H';
    const char *body = link ? strstr(text, "/H/") + 3 : strchr(text, ':') + 1;
    struct gh_bytes bytes = {(const uint8_t *)body, strlen(body)};
    MUST((link ? gh_base32_decode(bytes, &writer) : gh_base45_decode(bytes, &writer)) == GH_OK);
    out.size = writer.size;
    return out;
}

static const char *text_of(const char *prefix, struct gh_bytes message)
{
    static char out[TEXT_BYTES];
    struct gh_writer writer = gh_writer_over(out, sizeof(out) - 1);
    gh_writer_put_text(&writer, prefix);
    if (prefix[0] == 'H')
        gh_base32_put(&writer, message);
    else
        gh_base45_put(&writer, message);
    MUST(!writer.overflow);
    out[writer.size] = '\0';
    return out;
}

/* --- codes ----------------------------------------------------------------------------------- */

static const char *code(const struct gh_private_key *key, enum gh_kind kind,
                        const struct gh_private_key *holder, int64_t expires_at_s)
{
    static char out[TEXT_BYTES];
    struct gh_public_key *public_key = NULL;
    if (holder != NULL)
        MUST(gh_private_key_public(holder, &public_key) == GH_OK);
    const struct gh_claims claims = {
        .kind = kind,
        .id = UINT64_C(0x1122334455667788),
        .about =
            kind == GH_KIND_HOUSING ? UINT64_C(0x0123456789abcdef) : UINT64_C(0xa1b2c3d4e5f60718),
        .colour = kind == GH_KIND_HEALTH ? GH_COLOUR_GREEN : GH_COLOUR_NONE,
        .issued_at_s = IAT,
        .expires_at_s = expires_at_s,
        .holder = public_key,
        .issuer = "test",
        .host = "gate.example",
    };
    MUST(gh_code_write(key, &claims, out, sizeof(out)) == GH_OK);
    gh_public_key_free(public_key);
    return out;
}

static const char *health(const struct gh_private_key *key)
{
    return code(key, GH_KIND_HEALTH, NULL, EXP);
}

static const char *bound(const struct gh_private_key *key, const struct gh_private_key *holder)
{
    return code(key, GH_KIND_HEALTH, holder, EXP);
}

/* As a phone would, but with a number that does not change. */
static const char *presentation(const struct gh_private_key *holder, const char *text)
{
    struct bytes inside = of_text(text), out,
                 payload = hex("a2 06 1a5e5b0910 07 480102030405060708");
    struct bytes header =
        hex(gh_private_key_type(holder) == GH_KEY_P256 ? "a2 01 26 0d" : "a2 01 27 0d");
    memcpy(header.data + header.size, inside.data, inside.size);
    header.size += inside.size;
    struct gh_writer writer = gh_writer_over(out.data, sizeof(out.data));
    MUST(gh_cose_write_under(&writer, holder, view(&header), view(&payload),
                             (struct gh_bytes){.size = 0}) == GH_OK);
    out.size = writer.size;
    return text_of("GHP1:", view(&out));
}

static const char *enrolment(void)
{
    static char out[TEXT_BYTES];
    struct gh_public_key *key = NULL;
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    struct gh_enrolment enrolment = {.gate = UINT64_C(0xfedcba9876543210),
                                     .url = "https://gate.example:8443",
                                     .has_pin = true,
                                     .issued_at_s = IAT,
                                     .expires_at_s = EXP};
    MUST(gh_private_key_public(list, &key) == GH_OK);
    MUST(gh_public_key_raw(key, raw) == sizeof(enrolment.list_key));
    memcpy(enrolment.list_key, raw, sizeof(enrolment.list_key));
    gh_public_key_free(key);
    for (size_t i = 0; i < sizeof(enrolment.token); i++)
        enrolment.token[i] = (uint8_t)(0xe0 + i);
    memset(enrolment.pin, 0x77, sizeof(enrolment.pin));
    MUST(gh_enrolment_write(list, &enrolment, out, sizeof(out)) == GH_OK);
    return out;
}

/* --- what is signed, by hand -------------------------------------------------------------------
 */

#define ISS "01 6474657374"
#define SUB "02 7061316232633364346535663630373138"
#define UNTIL "04 1a5e643580"
#define FROM "06 1a5e5afb00"
#define CTI "07 481122334455667788"
#define OWN "3a00010000 a3 0101 0201 06f5"
#define CNF                                                                                        \
    "08 a1 01 a3 0101 2006 2158 "                                                                  \
    "20b6cf628bca41d63f48ae0056d9a9ed52e827f680725744331e487ea7c65b8906"

static void signed_row(const char *name, const char *kind, const char *reason, const char *payload)
{
    struct bytes claims = hex(payload), message;
    struct gh_writer writer = gh_writer_over(message.data, sizeof(message.data));
    MUST(gh_cose_write(&writer, issuer, view(&claims), (struct gh_bytes){.size = 0}) == GH_OK);
    row(name, NOW, kind, reason, text_of("GH1:", (struct gh_bytes){message.data, writer.size}));
}

/* The health code, its first `cut` bytes replaced. */
static void headed_row(const char *name, const char *kind, const char *reason, const char *head,
                       size_t cut)
{
    struct bytes message = of_text(health(issuer)), front = hex(head);
    memmove(message.data + front.size, message.data + cut, message.size - cut);
    memcpy(message.data, front.data, front.size);
    message.size += front.size - cut;
    row(name, NOW, kind, reason, text_of("GH1:", view(&message)));
}

static void altered_row(const char *name, const char *kind, const char *reason,
                        const struct gh_private_key *key, size_t from_end, size_t size,
                        uint8_t with)
{
    struct bytes message = of_text(health(key));
    memset(message.data + message.size - from_end, with, size);
    row(name, NOW, kind, reason, text_of("GH1:", view(&message)));
}

/* --- the rows ----------------------------------------------------------------------------------
 */

static void good_rows(void)
{
    static const char *const names[] = {"", "health", "housing", "visitor", "staff"};
    for (enum gh_kind kind = GH_KIND_HEALTH; kind <= GH_KIND_STAFF; kind++)
        row(names[kind], NOW, names[kind], "ok", code(issuer, kind, NULL, EXP));
    row("enrolment-pin", NOW, "enrolment", "ok", enrolment());
    row("enrolment-clock-behind", 0, "enrolment", "ok", enrolment());
    row("enrolment-expired", EXP, "enrolment", "expired", enrolment());
    row("health-es256", NOW, "health", "ok", health(issuer_p256));
    row("housing-es256", NOW, "housing", "ok", code(issuer_p256, GH_KIND_HOUSING, NULL, EXP));
    row("housing-no-end", INT64_C(4102444800), "housing", "ok",
        code(issuer, GH_KIND_HOUSING, NULL, INT64_MAX));
    row("health-last-second", EXP - 1, "health", "ok", health(issuer));
    row("health-expired", EXP, "health", "expired", health(issuer));
    row("health-clock-skew", IAT - GH_CODE_SKEW_S, "health", "ok", health(issuer));
    row("health-not-yet", IAT - GH_CODE_SKEW_S - 1, "health", "not_yet_valid", health(issuer));
    headed_row("health-untagged", "health", "ok", "84", 2);
    headed_row("health-under-61", "health", "ok", "d83dd284", 2);
    signed_row("unknown-claim", "health", "ok", "a7" ISS SUB UNTIL FROM CTI OWN "1863 f6");
}

static void phone_rows(void)
{
    static const struct {
        const char *name, *reason;
        int64_t at_s;
    } times[] = {
        {"phone-15-seconds", "ok", NOW + GH_PRESENTATION_AGE_S},
        {"phone-clock-ahead", "ok", NOW - GH_PRESENTATION_AGE_S},
        {"phone-16-seconds", "stale", NOW + GH_PRESENTATION_AGE_S + 1},
        {"phone-too-far-ahead", "stale", NOW - GH_PRESENTATION_AGE_S - 1},
        {"phone-expired", "expired", EXP},
        {"phone-not-yet", "not_yet_valid", IAT - GH_CODE_SKEW_S - 1},
    };
    row("phone-unproven", NOW, "health", "unproven", bound(issuer, phone));
    row("phone", NOW, "health", "ok", presentation(phone, bound(issuer, phone)));
    for (size_t i = 0; i < GH_ARRAY_SIZE(times); i++)
        row(times[i].name, times[i].at_s, "health", times[i].reason,
            presentation(phone, bound(issuer, phone)));
    row("phone-es256", NOW, "health", "ok", presentation(phone_p256, bound(issuer, phone_p256)));
    row("phone-es256-by-es256", NOW, "health", "ok",
        presentation(phone_p256, bound(issuer_p256, phone_p256)));
    row("phone-of-somebody-else", NOW, "health", "forged",
        presentation(stranger, bound(issuer, phone)));
    row("phone-of-another-type", NOW, "health", "wrong_algorithm",
        presentation(phone_p256, bound(issuer, phone)));
    row("phone-foreign", NOW, "health", "foreign", presentation(phone, bound(stranger, phone)));
    row("phone-presents-paper", NOW, "health", "malformed", presentation(phone, health(issuer)));
}

static void link_rows(void)
{
    char text[TEXT_BYTES], other[TEXT_BYTES + 16];
    size_t body = strlen(LINK);
    snprintf(text, sizeof(text), "%s", code(issuer, GH_KIND_HOUSING, NULL, EXP));
    snprintf(other, sizeof(other), "https://gate.example/H/%s", text + body);
    row("housing-lower-case", NOW, "housing", "ok", other);
    snprintf(other, sizeof(other), "https://GATE.EXAMPLE/H/%s", text + body);
    row("housing-mixed-case", NOW, "housing", "malformed", other);
    snprintf(other, sizeof(other), "https://gate.example/h/%s", text + body);
    row("housing-lower-case-path", NOW, "housing", "malformed", other);
    snprintf(other, sizeof(other), "HTTPS://EVIL.EXAMPLE/H/%s", text + body);
    row("housing-other-host", NOW, "housing", "forged", other);
    snprintf(other, sizeof(other), "%s", text);
    other[body] = (char)(other[body + 1] | 0x20);
    row("housing-lower-case-letter", NOW, "housing", "bad_text", other);
    snprintf(other, sizeof(other), "%s?x", text);
    row("housing-query", NOW, "housing", "bad_text", other);
    struct bytes message = of_text(text);
    row("housing-without-link", NOW, "unknown", "malformed", text_of("GH1:", view(&message)));
    message = of_text(health(issuer));
    row("health-in-a-link", NOW, "housing", "malformed", text_of(LINK, view(&message)));
}

static void text_rows(void)
{
    char text[TEXT_BYTES + 16];
    snprintf(text, sizeof(text), "%.80s", health(issuer));
    row("health-cut", NOW, "unknown", "bad_text", text);
    snprintf(text, sizeof(text), "%.79s", health(issuer));
    row("health-cut-at-a-byte", NOW, "unknown", "truncated", text);
    snprintf(text, sizeof(text), "GH1:%s", ":::");
    row("base45-above-65535", NOW, "unknown", "bad_text", text);
    snprintf(text, sizeof(text), "gh1:%s", health(issuer) + 4);
    row("lower-case-prefix", NOW, "unknown", "not_a_code", text);
    row("a-web-page", NOW, "unknown", "not_a_code", "https://example.com/");
    row("card-in-upper-case", NOW, "unknown", "not_a_code", "SHC:/5676");
}

static void form_rows(void)
{
    struct bytes message = of_text(health(issuer));
    message.data[message.size++] = 0;
    row("byte-behind", NOW, "unknown", "trailing", text_of("GH1:", view(&message)));
    headed_row("header-indefinite", "unknown", "malformed",
               "d2 84 4f bf 01 27 04 48f2cd88aa32481eca ff bf ff", 17);
    headed_row("header-not-signed", "unknown", "malformed",
               "d2 84 4d a2 01 27 04 48f2cd88aa32481eca a1 03 00", 17);
    headed_row("alg-not-signed", "unknown", "malformed",
               "d2 84 4b a1 04 48f2cd88aa32481eca a1 01 27", 17);
    headed_row("alg-missing", "unknown", "bad_algorithm", "d2 84 4b a1 04 48f2cd88aa32481eca a0",
               17);
    headed_row("alg-none", "unknown", "bad_algorithm",
               "d2 84 51 a2 01 646e6f6e65 04 48f2cd88aa32481eca a0", 17);
    headed_row("alg-ps256", "unknown", "bad_algorithm",
               "d2 84 4e a2 01 3824 04 48f2cd88aa32481eca a0", 17);
    headed_row("alg-of-the-other-type", "health", "wrong_algorithm",
               "d2 84 4d a2 01 26 04 48f2cd88aa32481eca a0", 17);
    headed_row("alg-twice", "unknown", "duplicate_key",
               "d2 84 4f a3 01 27 01 27 04 48f2cd88aa32481eca a0", 17);
    headed_row("crit", "unknown", "malformed", "d2 84 50 a3 01 27 02 8101 04 48f2cd88aa32481eca a0",
               17);
    headed_row("kid-missing", "unknown", "key_id_missing", "d2 84 43 a1 01 27 a0", 17);
    headed_row("kid-of-7-bytes", "unknown", "key_id_missing",
               "d2 84 4c a2 01 27 04 47f2cd88aa32481e a0", 17);
    altered_row("forged", "health", "forged", issuer, 1, 1, 0x55);
    altered_row("r-is-0", "health", "signature_range", issuer_p256, 64, 32, 0);
    altered_row("s-is-0", "health", "signature_range", issuer_p256, 32, 32, 0);
    altered_row("r-is-too-large", "health", "signature_range", issuer_p256, 64, 32, 0xff);
    altered_row("s-is-too-large", "health", "signature_range", issuer_p256, 32, 32, 0xff);
    message = of_text(health(issuer_p256));
    message.data[message.size - 65] = 70; /* as long as DER is */
    message.size += 6;
    row("signature-of-70-bytes", NOW, "unknown", "signature_form", text_of("GH1:", view(&message)));
    message = of_text(enrolment());
    message.data[message.size - 1] ^= 1;
    row("enrolment-forged", NOW, "enrolment", "forged", text_of("GHE1:", view(&message)));
    row("health-foreign", NOW, "health", "foreign", health(stranger));
}

static void claim_rows(void)
{
#define BAD(name, reason, payload) signed_row(name, "unknown", reason, payload)
    BAD("claim-twice", "duplicate_key", "a7" ISS SUB UNTIL FROM FROM CTI OWN);
    BAD("claim-twice-in-two-spellings", "duplicate_key", "a7" ISS SUB UNTIL FROM CTI OWN "1806 00");
    BAD("no-subject", "malformed", "a5" ISS UNTIL FROM CTI OWN);
    BAD("no-colour", "malformed", "a6" ISS SUB UNTIL FROM CTI "3a00010000 a2 0101 06f5");
    BAD("neither-paper-nor-phone", "malformed",
        "a6" ISS SUB UNTIL FROM CTI "3a00010000 a2 0101 0201");
    BAD("paper-and-phone", "malformed", "a7" ISS SUB UNTIL FROM CTI CNF OWN);
    BAD("paper-false", "malformed", "a6" ISS SUB UNTIL FROM CTI "3a00010000 a3 0101 0201 06f4");
    BAD("visitor-on-paper", "malformed", "a6" ISS SUB UNTIL FROM CTI "3a00010000 a2 0103 06f5");
    BAD("visitor-on-a-phone", "malformed", "a7" ISS SUB UNTIL FROM CTI CNF "3a00010000 a1 0103");
    BAD("ends-before-it-begins", "times_contradict", "a6" ISS SUB "04 1a5e5afb00" FROM CTI OWN);
    BAD("time-is-a-float", "bad_time", "a6" ISS SUB UNTIL "06 fb41d796bec0000000" CTI OWN);
    BAD("time-is-nan", "bad_time", "a6" ISS SUB UNTIL "06 f97e00" CTI OWN);
    BAD("time-is-infinite", "bad_time", "a6" ISS SUB "04 f97c00" FROM CTI OWN);
    BAD("time-is-negative", "bad_time", "a6" ISS SUB UNTIL "06 20" CTI OWN);
    BAD("time-beyond-2-53", "bad_time", "a6" ISS SUB "04 1b0020000000000001" FROM CTI OWN);
    BAD("far-future", "times_contradict", "a6" ISS SUB UNTIL "06 1b0020000000000000" CTI OWN);
    BAD("17-deep", "too_deep",
        "a7" ISS SUB UNTIL FROM CTI OWN "1863 8181818181818181818181818181818181 00");
    BAD("a-huge-length", "truncated", "a7" ISS SUB UNTIL FROM CTI OWN "1863 9a10000000");
    BAD("payload-cut", "truncated", "a6" ISS SUB UNTIL FROM CTI);
    BAD("payload-goes-on", "trailing", "a6" ISS SUB UNTIL FROM CTI OWN "00");
    BAD("indefinite", "malformed", "bf" ISS SUB UNTIL FROM CTI OWN "ff");
#undef BAD
}

int main(void)
{
    issuer = load(FOLDER "issuer.ed25519.key");
    issuer_p256 = load(FOLDER "issuer.p256.key");
    list = load(FOLDER "list.ed25519.key");
    stranger = load(FOLDER "stranger.ed25519.key");
    phone = load(FOLDER "phone.ed25519.key");
    phone_p256 = load(FOLDER "phone.p256.key");
    printf("# Codes of Gatehouse and what a reader must say. Columns, separated by one tab: name, "
           "time of "
           "reading,\n# kind, reason, text (to the end of the line; a space at its end counts). "
           "Trusted: "
           "the keys in trust/, for\n# any kind, issuer and time. Everything here is signed by "
           "throw-away "
           "keys that are published beside it.\n");
    good_rows();
    phone_rows();
    link_rows();
    text_rows();
    form_rows();
    claim_rows();
    struct gh_private_key *const keys[] = {issuer, issuer_p256, list, stranger, phone, phone_p256};
    for (size_t i = 0; i < GH_ARRAY_SIZE(keys); i++)
        gh_private_key_free(keys[i]);
    return fflush(stdout) == 0 ? 0 : 1;
}
