/* SPDX-License-Identifier: Apache-2.0 */
/* certificate_maker FOLDER: foreign health certificates that are valid now, for system tests, with
 * the keys that made them, new in each run: signer.pem          a document signer's certificate
 *   vaccinated.txt      HCERT: two of two doses, 100 days ago
 *   tested.txt          HCERT of the same person: a negative NAAT, two hours ago
 *   positive.txt        HCERT of somebody else: a positive one
 *   stranger.txt        HCERT of a third person: two of two doses
 *   unknown.txt         HCERT by a signer whom nobody knows
 *   issuer.jwks.json    a SMART Health Card issuer's keys
 *   card.txt, card.1.txt, card.2.txt   a card of that first person, whole and in two chunks
 * Names, birth dates and numbers are words that occur nowhere else, so that a test can look for
 * them. */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fakes/hcert_writer.h"
#include "fakes/shc_writer.h"
#include "gatehouse/clock.h"

#define DAY_S INT64_C(86400)

static const char *folder;

static FILE *create(const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "certificate_maker: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return file;
}

static void put(const char *name, const char *text)
{
    FILE *file = create(name);
    bool good = fprintf(file, "%s\n", text) > 0;
    if (fclose(file) != 0 || !good)
        exit(1);
}

static void put_signer(const struct hcert_signer *signer)
{
    struct gh_bytes der = hcert_signer_der(signer);
    const unsigned char *at = der.data;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.size);
    FILE *file = create("signer.pem");
    if (certificate == NULL || PEM_write_X509(file, certificate) != 1 || fclose(file) != 0)
        exit(1);
    X509_free(certificate);
}

static void put_hcert(const char *name, const struct hcert_signer *signer, const char *holder,
                      const char *group)
{
    char claims[2048], text[HCERT_TEXT_BYTES];
    int64_t now_s = gh_clock_wall_s(gh_clock_system());
    (void)snprintf(claims, sizeof(claims),
                   "{1: 'XX', 4: %lld, 6: %lld, -260: {1: {%s, 'ver': '1.3.0', %s}}}",
                   (long long)(now_s + 30 * DAY_S), (long long)(now_s - 100), group, holder);
    const struct hcert hcert = {.claims = claims};
    hcert_write(signer, &hcert, text);
    put(name, text);
}

#define FIRST                                                                                      \
    "'dob': '1937-11-29', 'nam': {'fn': 'Quibblethwaite', 'fnt': 'QUIBBLETHWAITE', "               \
    "'gn': 'Zanzibaria', 'gnt': 'ZANZIBARIA'}"
#define SECOND                                                                                     \
    "'dob': '1941-02-28', 'nam': {'fn': 'Wobblethorpe', 'fnt': 'WOBBLETHORPE', 'gn': "             \
    "'Xanthippus',"                                                                                \
    " 'gnt': 'XANTHIPPUS'}"
#define THIRD                                                                                      \
    "'dob': '1953-08-31', 'nam': {'fn': 'Yellowplush', 'fnt': 'YELLOWPLUSH', 'gn': 'Quintessa', "  \
    "'gnt': 'QUINTESSA'}"

static void put_hcerts(void)
{
    char day[GH_TIME_TEXT_BYTES], sample[GH_TIME_TEXT_BYTES];
    char doses[512], negative[512], positive[512];
    int64_t now_s = gh_clock_wall_s(gh_clock_system());
    gh_time_format(now_s - 100 * DAY_S, day);
    gh_time_format(now_s - 7200, sample);
    day[10] = '\0';
    (void)snprintf(
        doses, sizeof(doses),
        "'v': [{'tg': '840539006', 'vp': '1119349007', 'mp': 'EU/1/20/1528', 'ma': 'ORG', "
        "'dn': 2, 'sd': 2, 'dt': '%s', 'co': 'XX', 'is': 'Issuerwords', "
        "'ci': 'URN:UVCI:01:XX:CANARYNUMBERONE#7'}]",
        day);
    static const char test[] =
        "'t': [{'tg': '840539006', 'tt': 'LP6464-4', 'tr': '%s', 'sc': '%s', 'tc': 'Testcentre', "
        "'co': 'XX', 'is': 'Issuerwords', 'ci': 'URN:UVCI:01:XX:CANARYNUMBERTWO#8'}]";
    (void)snprintf(negative, sizeof(negative), test, "260415000", sample);
    (void)snprintf(positive, sizeof(positive), test, "260373001", sample);
    struct hcert_signer *signer = hcert_signer_new(GH_KEY_P256, 0, 0);
    struct hcert_signer *unknown = hcert_signer_new(GH_KEY_P256, 0, 0);
    put_signer(signer);
    put_hcert("vaccinated.txt", signer, FIRST, doses);
    put_hcert("tested.txt", signer, FIRST, negative);
    put_hcert("positive.txt", signer, SECOND, positive);
    put_hcert("stranger.txt", signer, THIRD, doses);
    put_hcert("unknown.txt", unknown, THIRD, doses);
    hcert_signer_free(signer);
    hcert_signer_free(unknown);
}

static void put_jwks(const struct gh_private_key *key)
{
    struct gh_issuer_key issuer = shc_issuer_key(key, SHC_ISS);
    char x[64], y[64], kid[SHC_KID_BYTES], text[1024];
    gh_base64url_encode(issuer.raw + 1, 32, x);
    gh_base64url_encode(issuer.raw + 33, 32, y);
    shc_kid(key, kid);
    (void)snprintf(
        text, sizeof(text),
        "{\"iss\": \"%s\", \"keys\": [{\"kty\": \"EC\", \"kid\": \"%s\", \"use\": \"sig\", "
        "\"alg\": \"ES256\", \"crv\": \"P-256\", \"x\": \"%s\", \"y\": \"%s\"}]}",
        SHC_ISS, kid, x, y);
    put("issuer.jwks.json", text);
}

static void put_card(void)
{
    struct gh_private_key *key;
    char times[64];
    int64_t now_s = gh_clock_wall_s(gh_clock_system());
    char dose_day[GH_TIME_TEXT_BYTES], entries[2048];
    if (gh_private_key_generate(GH_KEY_P256, &key) != GH_OK)
        exit(1);
    static const char dose[] =
        "{\"resource\":{\"resourceType\":\"Immunization\",\"status\":\"completed\",\"vaccineCode\":"
        "{\"coding\":[{\"system\":\"http://hl7.org/fhir/sid/cvx\",\"code\":\"207\"}]},"
        "\"occurrenceDateTime\":\"%s\",\"lotNumber\":\"LOTCANARY\"}}";
    int used =
        snprintf(entries, sizeof(entries),
                 "{\"resource\":{\"resourceType\":\"Patient\",\"name\":[{\"family\":"
                 "\"QUIBBLETHWAITE\",\"given\":[\"ZANZIBARIA\"]}],\"birthDate\":\"1937-11-29\"}}");
    for (int i = 0; i < 2; i++) {
        gh_time_format(now_s - (130 - 30 * i) * DAY_S, dose_day);
        dose_day[10] = '\0';
        used += snprintf(entries + used, sizeof(entries) - (size_t)used, ",");
        used += snprintf(entries + used, sizeof(entries) - (size_t)used, dose, dose_day);
    }
    (void)snprintf(times, sizeof(times), "\"nbf\":%lld", (long long)(now_s - 100));
    char *payload = shc_payload(SHC_ISS, times, entries);
    struct shc_spec spec = {.key = key, .payload = payload};
    char *jws = shc_jws(&spec);
    char *whole = shc_text(jws), *first = shc_chunk(jws, 1, 2), *second = shc_chunk(jws, 2, 2);
    put_jwks(key);
    put("card.txt", whole);
    put("card.1.txt", first);
    put("card.2.txt", second);
    free(payload), free(jws), free(whole), free(first), free(second);
    gh_private_key_free(key);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: certificate_maker FOLDER\n");
        return 2;
    }
    folder = argv[1];
    put_hcerts();
    put_card();
    return 0;
}
