/* SPDX-License-Identifier: Apache-2.0 */
#include "test_server_alone.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "gatehouse/http.h"
#include "test_server_list_http.h"

static void write_pem(const struct harness *harness, const char *name, const char *ending,
                      X509 *certificate, EVP_PKEY *key)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s%s", harness->folder, name, ending);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    if (certificate != NULL)
        assert_int_equal(PEM_write_X509(file, certificate), 1);
    else
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
}

/* A throw-away certificate for 127.0.0.1, signed by itself: NAME.pem and NAME-key.pem. */
static void make_certificate(const struct harness *harness, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_true(key != NULL && certificate != NULL);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 2 * 86400);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_set_pubkey(certificate, key);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    assert_non_null(names);
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    write_pem(harness, name, ".pem", certificate, NULL);
    write_pem(harness, name, "-key.pem", NULL, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void configure_tls(const struct harness *harness, const char *certificate, const char *key)
{
    char lines[512];
    snprintf(lines, sizeof(lines), "tls_certificate = %s/%s\ntls_key = %s/%s", harness->folder,
             certificate, harness->folder, key);
    harness_configure(harness, lines, "");
}

/* GET /healthz by the gate's own client. */
static enum gh_status health_with_pin(const struct harness *harness, const uint8_t *pin)
{
    struct gh_transport transport;
    struct gh_http_response response = {0};
    const struct gh_http_options options = {.base_url = harness->url, .pin = pin};
    const struct gh_http_request request = {
        .method = "GET", .path = "/healthz", .timeout_ms = 20000, .max_response_bytes = 4096};
    assert_int_equal(gh_http_new(&options, &transport, NULL), GH_OK);
    enum gh_status status = transport.perform(transport.context, &request, &response, NULL);
    if (status == GH_OK)
        assert_int_equal(response.status, 200);
    gh_http_response_free(&response);
    transport.free(transport.context);
    return status;
}

static void test_tls_and_its_pin(void **state)
{
    struct harness *harness = *state;
    struct test_gate gate;
    struct gh_enrolment enrolment;
    uint8_t pin[GH_SHA256_BYTES];
    char ca[PATH_MAX];
    make_certificate(harness, "one");
    configure_tls(harness, "one.pem", "one-key.pem");
    harness_start(harness);
    snprintf(ca, sizeof(ca), "%s/one.pem", harness->folder);
    harness->ca = ca;
    assert_memory_equal(harness->url, "https://127.0.0.1:", 18);
    log_in_admin(harness);
    add_gate(harness, "North", &gate);
    const struct gh_bytes code = {(const uint8_t *)gate.code, strlen(gate.code)};
    assert_int_equal(gh_enrolment_read(code, 0, &enrolment), GH_REASON_OK);
    assert_true(enrolment.has_pin);
    assert_int_equal(gh_certificate_spki_sha256(ca, pin, NULL), GH_OK);
    assert_memory_equal(enrolment.pin, pin, sizeof(pin));
    assert_int_equal(health_with_pin(harness, enrolment.pin), GH_OK);
    pin[0] ^= 1;
    assert_int_equal(health_with_pin(harness, pin), GH_ERR_NETWORK);
    assert_int_equal(health_with_pin(harness, NULL), GH_ERR_NETWORK); /* no public CA's */
    json_decref(enrol_with(harness, 200, &gate, gate.secret));
    /* large bodies both ways */
    size_t size = 4 << 20, used;
    char *csv = malloc(size + 64);
    assert_non_null(csv);
    used = (size_t)sprintf(csv, "ref,name,status\n");
    for (unsigned i = 0; used < size; i++)
        used += (size_t)sprintf(csv + used, "ref%u,Some longer name of a person %u,green\n", i, i);
    json_decref(ask(harness, 200, "POST", "/api/v1/people/import", harness->admin, csv));
    free(csv);
    json_t *json = ask(harness, 200, "GET", "/api/v1/people?limit=1000", harness->admin, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "people")), 1000);
    json_decref(json);
    harness_stop(harness);
}

/* With a client that would take anything, if it were offered. */
static CURLcode health_at_most(const struct harness *harness, long version)
{
    CURL *curl = curl_easy_init();
    char url[GH_URL_BYTES + 16];
    struct answer answer = {0};
    snprintf(url, sizeof(url), "%s/healthz", harness->url);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_CIPHER_LIST, "ALL:@SECLEVEL=0");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, version);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    answer_free(&answer);
    return code;
}

static void test_tls_is_not_downgraded(void **state)
{
    struct harness *harness = *state;
    char answer[1024];
    make_certificate(harness, "one");
    configure_tls(harness, "one.pem", "one-key.pem");
    harness_start(harness);
    int fd = connect_to(harness);
    send_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(read_answer(fd, answer, sizeof(answer), 10000));
    assert_null(strstr(answer, "200 OK"));
    close(fd);
    assert_int_not_equal(health_at_most(harness, CURL_SSLVERSION_MAX_TLSv1_1), CURLE_OK);
    assert_int_equal(health_at_most(harness, CURL_SSLVERSION_MAX_TLSv1_2), CURLE_OK);
    assert_int_equal(health_at_most(harness, CURL_SSLVERSION_MAX_TLSv1_3), CURLE_OK);
    uint8_t pin[GH_SHA256_BYTES];
    assert_int_equal(gh_certificate_spki_sha256(in_folder(harness, "one.pem"), pin, NULL), GH_OK);
    assert_int_equal(health_with_pin(harness, pin), GH_OK);
    harness_stop(harness);
}

static void test_tls_files_that_do_not_fit(void **state)
{
    struct harness *harness = *state;
    make_certificate(harness, "one");
    make_certificate(harness, "two");
    configure_tls(harness, "one.pem", "two-key.pem");
    expect_no_start(harness, "is not that of");
    configure_tls(harness, "one-key.pem", "one-key.pem");
    expect_no_start(harness, "no PEM certificate");
    configure_tls(harness, "one.pem", "one.pem");
    expect_no_start(harness, "no PEM private key");
}

static void test_a_renewed_certificate(void **state)
{
    struct harness *harness = *state;
    uint8_t one[GH_SHA256_BYTES], two[GH_SHA256_BYTES];
    make_certificate(harness, "one");
    make_certificate(harness, "two");
    configure_tls(harness, "one.pem", "one-key.pem");
    harness_start(harness);
    assert_int_equal(gh_certificate_spki_sha256(in_folder(harness, "one.pem"), one, NULL), GH_OK);
    assert_int_equal(gh_certificate_spki_sha256(in_folder(harness, "two.pem"), two, NULL), GH_OK);
    assert_int_equal(health_with_pin(harness, one), GH_OK);
    assert_int_equal(rename(in_folder(harness, "two.pem"), in_folder(harness, "one.pem")), 0);
    kill(harness->pid, SIGHUP); /* half replaced: the old pair stays */
    wait_for_log(harness, "is not that of");
    assert_int_equal(health_with_pin(harness, one), GH_OK);
    assert_int_equal(rename(in_folder(harness, "two-key.pem"), in_folder(harness, "one-key.pem")),
                     0);
    kill(harness->pid, SIGHUP);
    wait_for_log(harness, "TLS key is another one");
    assert_int_equal(health_with_pin(harness, two), GH_OK);
    assert_int_equal(health_with_pin(harness, one), GH_ERR_NETWORK);
    harness_stop(harness);
}

/* --- a gate that waits, by its own client --- */

struct waiting {
    const struct harness *harness;
    const struct test_gate *gate;
    const struct gh_generation *have;
    const uint8_t *pin;
    enum gh_status status;
    struct gh_http_response response;
};

static void *wait_for_list(void *context)
{
    struct waiting *waiting = context;
    struct gh_transport transport;
    char path[LIST_PATH_BYTES];
    const struct gh_http_options options = {.base_url = waiting->harness->url, .pin = waiting->pin};
    list_path(waiting->have, 50, NULL, path);
    const struct gh_http_request request = {.method = "GET",
                                            .path = path,
                                            .bearer = waiting->gate->bearer,
                                            .timeout_ms = 60000,
                                            .max_response_bytes = 1 << 20};
    waiting->status = gh_http_new(&options, &transport, NULL);
    if (waiting->status != GH_OK)
        return NULL;
    waiting->status = transport.perform(transport.context, &request, &waiting->response, NULL);
    transport.free(transport.context);
    return NULL;
}

static bool somebody_waits(const struct harness *harness)
{
    struct answer answer;
    const struct call call = {.method = "GET", .path = "/metrics"};
    assert_int_equal(harness_perform(harness, &call, &answer), CURLE_OK);
    bool found = strstr(answer.body, "\ngatehouse_polls 1\n") != NULL;
    answer_free(&answer);
    return found;
}

static void test_a_gate_that_waits(void **state)
{
    struct harness *harness = *state;
    struct test_gate gate;
    static struct follower follower;
    pthread_t thread;
    uint8_t pin[GH_SHA256_BYTES];
    char ca[PATH_MAX];
    make_certificate(harness, "one");
    configure_tls(harness, "one.pem", "one-key.pem");
    harness_start(harness);
    snprintf(ca, sizeof(ca), "%s/one.pem", harness->folder);
    harness->ca = ca;
    log_in_admin(harness);
    add_gate(harness, "North", &gate);
    json_decref(enrol_with(harness, 200, &gate, gate.secret));
    begin_following(harness, &follower);
    follow_now(harness, &gate, &follower);
    assert_int_equal(gh_certificate_spki_sha256(ca, pin, NULL), GH_OK);
    struct waiting waiting = {
        .harness = harness, .gate = &gate, .have = &follower.have, .pin = pin};
    assert_int_equal(pthread_create(&thread, NULL, wait_for_list, &waiting), 0);
    while (!somebody_waits(harness))
        pause_ms(2);
    json_decref(ask(harness, 200, "POST", "/api/v1/people/import", harness->admin,
                    "ref,name,status\n1,Ada,green\n"));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(waiting.status, GH_OK);
    assert_int_equal(waiting.response.status, 200);
    const struct answer answer = {.body = (char *)waiting.response.body,
                                  .size = waiting.response.size};
    follow_answer(harness, &gate, &follower, &answer);
    assert_int_equal(follower.applied, 1);
    gh_http_response_free(&waiting.response);
    harness_stop(harness);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_harness, tear_down_harness)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tls_and_its_pin),           TEST(test_tls_is_not_downgraded),
        TEST(test_tls_files_that_do_not_fit), TEST(test_a_renewed_certificate),
        TEST(test_a_gate_that_waits),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
