/* SPDX-License-Identifier: Apache-2.0 */
/* http.c: whom a transport believes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <microhttpd.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_fixture.h"

/* A self-signed certificate for 127.0.0.1 alone, new for every run. */
struct certificate {
    char key_pem[1024], pem[2048];
    uint8_t pin[GH_SHA256_BYTES];
    char file[64];
};

static void write_pem(BIO *bio, char *out, size_t out_bytes)
{
    int size = BIO_read(bio, out, (int)out_bytes - 1);
    assert_true(size > 0 && size < (int)out_bytes - 1);
    out[size] = '\0';
    BIO_free(bio);
}

/* Valid from and until so many seconds from now. */
static void certificate_make_for(struct certificate *out, long from_s, long until_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    BIO *key_bio = BIO_new(BIO_s_mem()), *bio = BIO_new(BIO_s_mem());
    assert_true(key != NULL && x509 != NULL && key_bio != NULL && bio != NULL);
    X509_NAME *name = X509_get_subject_name(x509);
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
    static const struct {
        int nid;
        const char *value;
    } extensions[] = {{NID_subject_alt_name, "IP:127.0.0.1"}, {NID_basic_constraints, "CA:TRUE"}};
    assert_int_equal(X509_set_version(x509, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), (long)(gh_random_id() >> 34)),
                     1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), from_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), until_s));
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"gatehouse test", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(x509, name), 1);
    assert_int_equal(X509_set_pubkey(x509, key), 1);
    for (size_t i = 0; i < GH_ARRAY_SIZE(extensions); i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
        assert_non_null(extension);
        assert_int_equal(X509_add_ext(x509, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
    write_pem(key_bio, out->key_pem, sizeof(out->key_pem));
    write_pem(bio, out->pem, sizeof(out->pem));
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key, &der);
    assert_true(size > 0);
    gh_sha256((struct gh_bytes){der, (size_t)size}, out->pin);
    OPENSSL_free(der);
    strcpy(out->file, "/tmp/gatehouse-http-XXXXXX");
    int fd = mkstemp(out->file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, out->pem, strlen(out->pem)), strlen(out->pem));
    close(fd);
    X509_free(x509);
    EVP_PKEY_free(key);
}

static void certificate_make(struct certificate *out)
{
    certificate_make_for(out, -3600, 3600);
}

static enum MHD_Result answer_tls(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **request)
{
    (void)context, (void)url, (void)method, (void)version, (void)data, (void)request;
    static char body[] = "secure";
    *size = 0;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(6, body, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Daemon *start_tls(const struct certificate *certificate, const char *priorities,
                                    uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL, answer_tls,
                         NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_HTTPS_MEM_KEY,
                         certificate->key_pem, MHD_OPTION_HTTPS_MEM_CERT, certificate->pem,
                         MHD_OPTION_HTTPS_PRIORITIES, priorities, MHD_OPTION_END);
    assert_non_null(daemon);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    assert_non_null(info);
    *port = info->port;
    return daemon;
}

static void expect_tls(const char *host, uint16_t port, const char *ca_file, const uint8_t *pin,
                       enum gh_status expected)
{
    char url[64];
    struct gh_transport transport;
    struct gh_http_request request = get("/x");
    struct gh_http_response response;
    snprintf(url, sizeof(url), "https://%s:%u", host, port);
    struct gh_http_options options = {.base_url = url, .ca_file = ca_file, .pin = pin};
    assert_int_equal(gh_http_new(&options, &transport, NULL), GH_OK);
    for (int i = 0; i < 2; i++) { /* also with what the first left behind: session, connection */
        enum gh_status status = perform(&transport, &request, &response);
        if (status != expected) {
            fail_msg("%s, CA %s, pin %s: %s", url, ca_file != NULL ? ca_file : "none",
                     pin != NULL ? "given" : "none", gh_status_text(status));
        }
        if (status == GH_OK) {
            assert_string_equal((char *)response.body, "secure");
        }
        gh_http_response_free(&response);
    }
    transport.free(transport.context);
}

static void a_server_is_believed_by_ca_or_pin(void **state)
{
    (void)state;
    struct certificate one, two;
    uint16_t port;
    certificate_make(&one);
    certificate_make(&two);
    struct MHD_Daemon *daemon = start_tls(&one, "NORMAL", &port);
    uint8_t near_pin[GH_SHA256_BYTES];
    memcpy(near_pin, one.pin, sizeof(near_pin));
    near_pin[31] ^= 1;
    /* by the system's authorities: nobody knows it */
    expect_tls("127.0.0.1", port, NULL, NULL, GH_ERR_NETWORK);
    expect_tls("127.0.0.1", port, "", NULL, GH_ERR_NETWORK);
    /* by a file */
    expect_tls("127.0.0.1", port, one.file, NULL, GH_OK);
    expect_tls("127.0.0.1", port, two.file, NULL, GH_ERR_NETWORK);
    expect_tls("localhost", port, one.file, NULL, GH_ERR_NETWORK); /* of another name */
    /* by the pin, and by nothing else then */
    expect_tls("127.0.0.1", port, NULL, one.pin, GH_OK);
    expect_tls("localhost", port, NULL, one.pin, GH_OK);
    expect_tls("127.0.0.1", port, NULL, two.pin, GH_ERR_NETWORK);
    expect_tls("127.0.0.1", port, NULL, near_pin, GH_ERR_NETWORK);
    expect_tls("127.0.0.1", port, one.file, two.pin, GH_ERR_NETWORK);
    expect_tls("127.0.0.1", port, two.file, one.pin, GH_OK);
    MHD_stop_daemon(daemon);
    /* TLS 1.1 is not spoken, whoever it is. */
    daemon = start_tls(&one, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0:%COMPAT", &port);
    expect_tls("127.0.0.1", port, NULL, one.pin, GH_ERR_NETWORK);
    MHD_stop_daemon(daemon);
    daemon = start_tls(&one, "NORMAL:-VERS-ALL:+VERS-TLS1.2", &port);
    expect_tls("127.0.0.1", port, NULL, one.pin, GH_OK);
    expect_tls("127.0.0.1", port, NULL, two.pin, GH_ERR_NETWORK);
    MHD_stop_daemon(daemon);
    unlink(one.file);
    unlink(two.file);
}

/* A board that wakes up in 1970 takes every certificate for one of the future. By its pin the
 * server is reached all the same, so that a gate can enrol and hear what time it is. */
static void a_pin_does_not_hang_on_the_time(void **state)
{
    (void)state;
    static const struct {
        long from_s, until_s;
    } spans[] = {{3600, 7200}, {-7200, -3600}};
    for (size_t i = 0; i < GH_ARRAY_SIZE(spans); i++) {
        struct certificate one;
        uint16_t port;
        certificate_make_for(&one, spans[i].from_s, spans[i].until_s);
        struct MHD_Daemon *daemon = start_tls(&one, "NORMAL", &port);
        expect_tls("127.0.0.1", port, one.file, NULL, GH_ERR_NETWORK);
        expect_tls("127.0.0.1", port, NULL, one.pin, GH_OK);
        MHD_stop_daemon(daemon);
        unlink(one.file);
    }
}

/* TLS asked of a server that speaks none, and the other way round. */
static void tls_and_plain_do_not_mix(void **state)
{
    struct pair *pair = *state;
    struct certificate one;
    uint16_t port;
    certificate_make(&one);
    expect_tls("127.0.0.1", fault_server_port(pair->server), one.file, NULL, GH_ERR_NETWORK);
    struct MHD_Daemon *daemon = start_tls(&one, "NORMAL", &port);
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    struct gh_transport transport = transport_to(url);
    expect(&transport, GH_ERR_NETWORK);
    transport.free(transport.context);
    MHD_stop_daemon(daemon);
    unlink(one.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_believed_by_ca_or_pin),
        cmocka_unit_test(a_pin_does_not_hang_on_the_time),
        WITH_SERVER(tls_and_plain_do_not_mix),
    };
    return cmocka_run_group_tests(tests, start_http, NULL);
}
