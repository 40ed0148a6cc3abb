/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and verifying one code of each kind, from its text to its credential, beside the bare
 * signature verification by OpenSSL of the same message under the same key: what cannot be saved.
 * The two alternate, so that the machine's moods fall on both alike. Also what hostile texts cost:
 * none may take 2 ms or 1 MiB. */
#include <malloc.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "fakes/hcert_writer.h"
#include "fakes/shc_writer.h"
#include "gatehouse/clock.h"
#include "gatehouse/code.h"

#define ROUNDS 2000
#define NOW_S (HCERT_IAT + 3600)

static _Noreturn void stop(const char *why)
{
    fprintf(stderr, "bench_codes: %s\n", why);
    exit(1);
}

static int64_t now_ns(void)
{
    return gh_clock_monotonic_ns(gh_clock_system());
}

/* Of this thread alone: what waits for the processor is not slow. */
static int64_t spent_ns(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return spent.tv_sec * GH_NS_PER_S + spent.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double percentile_us(int64_t *times, int percent)
{
    qsort(times, ROUNDS, sizeof(times[0]), compare);
    return (double)times[ROUNDS * percent / 100] / 1000.0;
}

/* --- bare OpenSSL: EVP_DigestVerify, the key loaded before, as its manual page has it --- */

struct bare {
    EVP_PKEY *key;
    enum gh_key_type type;
    const uint8_t *message;
    size_t message_bytes;
    uint8_t signature[GH_SIGNATURE_MAX_BYTES];
    size_t signature_bytes;
};

static bool verify_bare(const struct bare *bare)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    bool eddsa = bare->type == GH_KEY_ED25519;
    bool good = EVP_DigestVerifyInit(context, &parameters, eddsa ? NULL : EVP_sha256(), NULL,
                                     bare->key) == 1;
    if (good && bare->type == GH_KEY_PS256)
        good = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1;
    good = good && EVP_DigestVerify(context, bare->signature, bare->signature_bytes, bare->message,
                                    bare->message_bytes) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

/* A key of OpenSSL's own and a signature over as many bytes as the code's signature covers. */
static void make_bare(struct bare *bare, enum gh_key_type type, size_t message_bytes)
{
    static uint8_t message[4096];
    EVP_PKEY_CTX *parameters = NULL;
    bare->type = type;
    bare->message = message;
    bare->message_bytes = message_bytes;
    bare->signature_bytes = sizeof(bare->signature);
    bare->key = type == GH_KEY_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                : type == GH_KEY_P256  ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
                                       : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (bare->key == NULL || context == NULL ||
        EVP_DigestSignInit(context, &parameters, type == GH_KEY_ED25519 ? NULL : EVP_sha256(), NULL,
                           bare->key) != 1)
        stop("OpenSSL makes no key");
    if (type == GH_KEY_PS256 &&
        (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1))
        stop("OpenSSL knows no PSS");
    if (EVP_DigestSign(context, bare->signature, &bare->signature_bytes, message, message_bytes) !=
        1)
        stop("OpenSSL does not sign");
    EVP_MD_CTX_free(context);
}

/* --- one kind of code --- */

static void measure(const char *name, const struct gh_trust *trust, const char *text, int64_t at_s,
                    enum gh_key_type type, size_t signed_bytes)
{
    static int64_t read_ns[ROUNDS], bare_ns[ROUNDS];
    struct gh_bytes bytes = {(const uint8_t *)text, strlen(text)};
    struct gh_credential credential;
    struct bare bare;
    make_bare(&bare, type, signed_bytes);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t t0 = now_ns();
        gh_code_read(trust, bytes, at_s, &credential);
        int64_t t1 = now_ns();
        if (!verify_bare(&bare))
            stop("the bare signature does not verify");
        int64_t t2 = now_ns();
        if (credential.reason != GH_REASON_OK)
            stop(gh_reason_info(credential.reason)->text);
        read_ns[i] = t1 - t0;
        bare_ns[i] = t2 - t1;
    }
    EVP_PKEY_free(bare.key);
    double read_us = percentile_us(read_ns, 50), bare_us = percentile_us(bare_ns, 50);
    printf("  %-40s %8.1f %8.1f %8.1f %8.1f %7.2f\n", name, read_us, percentile_us(read_ns, 99),
           bare_us, percentile_us(bare_ns, 99), read_us / bare_us);
}

static void measure_hcert(void)
{
    char text[HCERT_TEXT_BYTES];
    const struct hcert honest = {.level = 9};
    struct hcert_signer *p256 = hcert_signer_new(GH_KEY_P256, 0, GH_GROUPS_ALL);
    struct gh_trust *trust = hcert_signer_trust(p256, NULL);
    static uint8_t message[HCERT_BYTES];
    size_t size = hcert_message(p256, &honest, message);
    hcert_write(p256, &honest, text);
    measure("HCERT, ES256", trust, text, NOW_S, GH_KEY_P256, size - GH_SIGNATURE_BYTES);
    gh_trust_unref(trust);
    hcert_signer_free(p256);

    struct hcert_signer *rsa = hcert_signer_new(GH_KEY_PS256, 2048, GH_GROUPS_ALL);
    trust = hcert_signer_trust(rsa, NULL);
    hcert_write(rsa, &honest, text);
    measure("HCERT, PS256 (2048 bits)", trust, text, NOW_S, GH_KEY_PS256,
            size - GH_SIGNATURE_BYTES);
    gh_trust_unref(trust);
    hcert_signer_free(rsa);
}

static void measure_shc(void)
{
    struct gh_private_key *key;
    struct gh_trust *trust;
    MUST(gh_private_key_generate(GH_KEY_P256, &key));
    struct gh_issuer_key issuer = shc_issuer_key(key, SHC_ISS);
    MUST(gh_trust_new(&issuer, 1, NULL, &trust));
    char *payload = shc_person_payload();
    struct shc_spec spec = {.key = key, .payload = payload};
    char *jws = shc_jws(&spec);
    char *text = shc_text(jws);
    measure("SMART Health Card, ES256", trust, text, NOW_S, GH_KEY_P256, strlen(jws) - 87);
    free(text);
    free(jws);
    free(payload);
    gh_trust_unref(trust);
    gh_private_key_free(key);
}

static void measure_own(enum gh_key_type type, const char *paper_name, const char *phone_name)
{
    struct gh_private_key *issuer, *phone;
    struct gh_public_key *issuer_public, *holder;
    struct gh_trust *trust;
    char text[GH_CODE_OWN_MAX_BYTES + 1], shown[GH_CODE_OWN_MAX_BYTES + 1];
    MUST(gh_private_key_generate(GH_KEY_ED25519, &issuer));
    MUST(gh_private_key_public(issuer, &issuer_public));
    MUST(gh_private_key_generate(type, &phone));
    MUST(gh_private_key_public(phone, &holder));
    struct gh_issuer_key key = {.type = GH_KEY_ED25519,
                                .purposes = GH_PURPOSES_OWN,
                                .not_before_s = INT64_MIN,
                                .not_after_s = INT64_MAX};
    key.raw_bytes = gh_public_key_raw(issuer_public, key.raw);
    MUST(gh_trust_new(&key, 1, NULL, &trust));
    struct gh_claims claims = {.kind = GH_KIND_HEALTH,
                               .id = 1,
                               .about = 2,
                               .colour = GH_COLOUR_GREEN,
                               .issued_at_s = NOW_S - 60,
                               .expires_at_s = NOW_S + 3600,
                               .issuer = "town"};
    MUST(gh_code_write(issuer, &claims, text, sizeof(text)));
    if (paper_name != NULL)
        measure(paper_name, trust, text, NOW_S, GH_KEY_ED25519, 100);
    claims.holder = holder;
    MUST(gh_code_write(issuer, &claims, text, sizeof(text)));
    struct gh_bytes code = {(const uint8_t *)text, strlen(text)};
    MUST(gh_code_present(phone, code, NOW_S, shown, sizeof(shown)));
    measure(phone_name, trust, shown, NOW_S, GH_KEY_ED25519, 100);
    gh_trust_unref(trust);
    gh_public_key_free(issuer_public);
    gh_public_key_free(holder);
    gh_private_key_free(issuer);
    gh_private_key_free(phone);
}

/* --- hostile texts: the longest time of many, and the most memory that was taken at once --- */

static size_t live_bytes, peak_bytes;

/* glibc's own names, so that the ones that everybody calls can count. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *memory);

static void *counted(void *memory)
{
    live_bytes += memory != NULL ? malloc_usable_size(memory) : 0;
    if (live_bytes > peak_bytes)
        peak_bytes = live_bytes;
    return memory;
}

void *malloc(size_t size)
{
    return counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return counted(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    size_t before = old != NULL ? malloc_usable_size(old) : 0;
    void *memory = __libc_realloc(old, size);
    if (memory == NULL)
        return NULL;
    live_bytes -= before;
    return counted(memory);
}

void free(void *memory)
{
    live_bytes -= memory != NULL ? malloc_usable_size(memory) : 0;
    __libc_free(memory);
}

#define HOSTILE_ROUNDS 200

static void measure_hostile(const char *name, const struct gh_trust *trust, const char *text)
{
    struct gh_bytes bytes = {(const uint8_t *)text, strlen(text)};
    struct gh_credential credential;
    static int64_t times[ROUNDS];
    size_t most_bytes = 0;
    for (int i = 0; i < HOSTILE_ROUNDS; i++) {
        size_t before = live_bytes;
        peak_bytes = before;
        int64_t start = spent_ns();
        gh_code_read(trust, bytes, NOW_S, &credential);
        times[i] = spent_ns() - start;
        if (peak_bytes - before > most_bytes)
            most_bytes = peak_bytes - before;
    }
    qsort(times, HOSTILE_ROUNDS, sizeof(times[0]), compare);
    printf("  %-40s %8zu %8.1f %8.1f %8.1f  %s\n", name, bytes.size,
           (double)times[HOSTILE_ROUNDS / 2] / 1000.0, (double)times[HOSTILE_ROUNDS - 1] / 1000.0,
           (double)most_bytes / 1024.0, gh_reason_info(credential.reason)->token);
    if (credential.reason == GH_REASON_OK)
        stop("a hostile text was believed");
}

/* What base45 and zlib make of these bytes, as an HCERT. */
static void hostile_packed(const char *name, const struct gh_trust *trust, const void *data,
                           size_t size, bool compress)
{
    static uint8_t packed[HCERT_BYTES];
    char text[HCERT_TEXT_BYTES];
    struct gh_bytes bytes = {data, size};
    if (compress)
        bytes = (struct gh_bytes){packed, hcert_compress(bytes, 9, packed)};
    hcert_text(bytes, text);
    measure_hostile(name, trust, text);
}

static void measure_hostile_hcerts(void)
{
    static uint8_t data[HCERT_BYTES];
    struct hcert_signer *signer = hcert_signer_new(GH_KEY_P256, 0, GH_GROUPS_ALL);
    struct gh_trust *trust = hcert_signer_trust(signer, NULL);
    memset(data, 0, sizeof(data));
    hostile_packed("HCERT: 64 KiB of zeros, compressed", trust, data, sizeof(data), true);
    hostile_packed("HCERT: an array of 2^28 items", trust, "\x9a\x10\x00\x00\x00\x01", 6, true);
    memset(data, 0x81, sizeof(data));
    hostile_packed("HCERT: 15000 arrays in each other", trust, data, 15000, true);
    memset(data, 0xff, 4000);
    hostile_packed("HCERT: no compression at all", trust, data, 4000, false);
    char claims[40000] = "{1: [0";
    for (size_t i = 0; i < 15000; i++)
        memcpy(claims + 6 + 2 * i, ",0", 2);
    memcpy(claims + 6 + 2 * 15000, "]}", 3);
    const struct hcert items = {.claims = claims};
    char mad[HCERT_TEXT_BYTES];
    hcert_write(signer, &items, mad);
    measure_hostile("HCERT: 15000 numbers, truly signed", trust, mad);

    const struct hcert wrong = {.signature =
                                    "h'1111111111111111111111111111111111111111111111111111"
                                    "111111111111222222222222222222222222222222222222222222"
                                    "2222222222222222222222'"};
    char text[HCERT_TEXT_BYTES];
    hcert_write(signer, &wrong, text);
    measure_hostile("HCERT: forged, under a true key's id", trust, text);
    gh_trust_unref(trust);
    hcert_signer_free(signer);
}

/* Signed by a trusted issuer who has gone mad: nobody else gets so far. */
static void hostile_card(const char *name, char *payload)
{
    struct gh_private_key *key;
    struct gh_trust *trust;
    MUST(gh_private_key_generate(GH_KEY_P256, &key));
    struct gh_issuer_key issuer = shc_issuer_key(key, SHC_ISS);
    MUST(gh_trust_new(&issuer, 1, NULL, &trust));
    char *text = shc_card(key, payload);
    measure_hostile(name, trust, text);
    free(text);
    free(payload);
    gh_trust_unref(trust);
    gh_private_key_free(key);
}

static char *many(const char *part, size_t count)
{
    size_t size = strlen(part);
    char *text = malloc(count * size + 1);
    if (text == NULL)
        stop("no memory");
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * size, part, size);
    text[count * size] = '\0';
    return text;
}

/* JSON of so many objects, just below what is refused for its size. */
static char *objects(size_t count)
{
    char *middle = many("{},", count), *text = malloc(strlen(middle) + 16);
    if (text == NULL)
        stop("no memory");
    (void)sprintf(text, "{\"a\":[%s{}]}", middle);
    free(middle);
    return text;
}

static void measure_hostile_texts(void)
{
    printf("\n  %-40s %8s %8s %8s %8s  %s\n", "hostile, 200 times each", "text", "p50", "most",
           "KiB", "reason");
    measure_hostile_hcerts();
    hostile_card("SMART card: 2 MB of spaces, deflated", many(" ", 2000000));
    hostile_card("SMART card: 30000 arrays in each other", many("[", 30000));
    hostile_card("SMART card: 20000 empty arrays", many("[],", 20000));
    hostile_card("SMART card: as many objects as may be", objects(2280));
    char *text = many("9", GH_CODE_TEXT_MAX_BYTES);
    measure_hostile("as many nines as a QR code can hold", NULL, text);
    free(text);
    text = many("GH1:", GH_CODE_OWN_MAX_BYTES / 4);
    measure_hostile("our beginning, 256 times", NULL, text);
    free(text);
}

int main(void)
{
    printf("Reading one code, text to credential, %d times (microseconds)\n\n", ROUNDS);
    printf("  %-40s %8s %8s %8s %8s %7s\n", "", "p50", "p99", "bare p50", "p99", "times");
    measure_hcert();
    measure_shc();
    measure_own(GH_KEY_ED25519, "own, on paper, Ed25519", "own, phone's presentation, Ed25519");
    measure_own(GH_KEY_P256, NULL, "own, phone's presentation, P-256");
    measure_hostile_texts();
    return 0;
}
