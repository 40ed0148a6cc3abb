/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that send garbage, too much, too slowly, or come in crowds. */
#include "test_server_alone.h"

static void test_garbage(void **state)
{
    struct harness *harness = *state;
    static const char *const pieces[] = {
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n\r\n", /* without Host */
        "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "FFFFFFFFFFFFFFFFFF\r\n",
        "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: "
        "6\r\n\r\n{}",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", /* TLS, where there is none */
        "GET /healthz HTTP/1.1\nHost: x\n\n",
        "GET /\xff\xfe%zz%00%0d%0a HTTP/1.1\r\nHost: x\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    char answer[8192];
    harness_configure(harness, "", "");
    harness_start(harness);
    int fds[GH_ARRAY_SIZE(pieces)];
    for (size_t i = 0; i < GH_ARRAY_SIZE(pieces); i++) {
        fds[i] = connect_to(harness);
        send_text(fds[i], pieces[i]);
        shutdown(fds[i], SHUT_WR);
    }
    json_decref(ask(harness, 200, "GET", "/healthz", NULL, NULL));
    for (size_t i = 0; i < GH_ARRAY_SIZE(pieces); i++) {
        ssize_t got = recv(fds[i], answer, sizeof(answer) - 1, MSG_DONTWAIT);
        answer[got > 0 ? got : 0] = '\0';
        assert_null(strstr(answer, "500 Internal"));
        close(fds[i]);
    }
    unsigned seed = 1;
    for (int i = 0; i < 200; i++) {
        char noise[600];
        for (size_t j = 0; j < sizeof(noise); j++)
            noise[j] = (char)rand_r(&seed);
        int fd = connect_to(harness);
        if (i % 2 == 0)
            send_text(fd, "POST /api/v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\n");
        send_all(fd, noise, sizeof(noise));
        close(fd);
    }
    json_decref(ask(harness, 200, "GET", "/healthz", NULL, NULL));
    harness_stop(harness);
}

static void test_endless_heads(void **state)
{
    struct harness *harness = *state;
    char answer[8192], line[1024];
    harness_configure(harness, "", "");
    harness_start(harness);
    memset(line, 'a', sizeof(line));
    memcpy(line, "X-Long: ", 8);
    memcpy(line + sizeof(line) - 2, "\r\n", 2);
    int fd = connect_to(harness);
    send_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 1000; i++)
        send_all(fd, line, sizeof(line));
    assert_true(read_answer(fd, answer, sizeof(answer), 10000));
    assert_null(strstr(answer, "200 OK"));
    close(fd);
    json_decref(ask(harness, 200, "GET", "/healthz", NULL, NULL));
    harness_stop(harness);
}

/* A head that trickles, byte by byte, is not waited for without end; nor is a body. */
static void test_slow_clients(void **state)
{
    struct harness *harness = *state;
    static const char *const begun[] = {
        "GET /healthz HTTP/1.1\r\nHo",
        "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"us",
        "",
    };
    char answer[1024];
    harness_configure(harness, "", "");
    harness_start(harness);
    int fds[GH_ARRAY_SIZE(begun)];
    for (size_t i = 0; i < GH_ARRAY_SIZE(begun); i++) {
        fds[i] = connect_to(harness);
        send_text(fds[i], begun[i]);
    }
    json_decref(ask(harness, 200, "GET", "/healthz", NULL, NULL)); /* they have been read */
    harness_forward(harness, 121);
    for (size_t i = 0; i < GH_ARRAY_SIZE(begun); i++) {
        assert_true(read_answer(fds[i], answer, sizeof(answer), 12000)); /* MHD's own is 15 s */
        close(fds[i]);
    }
    json_decref(ask(harness, 200, "GET", "/healthz", NULL, NULL));
    harness_stop(harness);
}

static void test_many_clients(void **state)
{
    struct harness *harness = *state;
    enum { MANY = 400 };
    int fds[MANY];
    harness_configure(harness, "", "");
    harness_start(harness);
    for (int i = 0; i < MANY; i++)
        fds[i] = connect_to(harness);
    json_decref(ask(harness, 200, "GET", "/healthz", NULL, NULL));
    for (int i = 0; i < MANY; i++) {
        send_text(fds[i], "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    }
    for (int i = 0; i < MANY; i++) {
        char answer[1024];
        assert_true(read_answer(fds[i], answer, sizeof(answer), 20000));
        assert_non_null(strstr(answer, "200 OK"));
        close(fds[i]);
    }
    harness_stop(harness);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_harness, tear_down_harness)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_garbage),
        TEST(test_endless_heads),
        TEST(test_slow_clients),
        TEST(test_many_clients),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
