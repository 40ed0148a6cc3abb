/* SPDX-License-Identifier: Apache-2.0 */
/* Full disks, power cuts, garbage, slow and many clients, wrong configurations, reloading, TLS. */
#include "test_server_harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "gatehouse/http.h"
#include "gatehouse/list.h"

static int set_up(void **state)
{
    struct harness *harness = calloc(1, sizeof(*harness));
    assert_non_null(harness);
    harness_open(harness);
    *state = harness;
    return 0;
}

static int tear_down(void **state)
{
    struct harness *harness = *state;
    if (harness->pid != 0) { /* the test has failed */
        kill(harness->pid, SIGKILL);
        (void)harness_wait(harness);
    }
    (void)umount2(in_folder(harness, "state"), MNT_DETACH);
    harness_close(harness);
    free(harness);
    return 0;
}

/* --- entries for a long chain --- */

struct chain {
    struct test_gate gate;
    uint64_t next;
    uint8_t hash[GH_SHA256_BYTES];
    char *batch; /* the body that was made last */
};

static void start_with_gate(struct harness *harness, struct chain *chain)
{
    memset(chain, 0, sizeof(*chain));
    harness_configure(harness, "", "");
    harness_start(harness);
    log_in_admin(harness);
    add_gate(harness, "North", &chain->gate);
    json_decref(enrol_with(harness, 200, &chain->gate, chain->gate.secret));
    chain->next = 1;
}

static const char *make_batch(struct chain *chain, size_t count)
{
    char text[GH_ENTRY_MAX_BYTES];
    uint8_t hash[GH_SHA256_BYTES];
    free(chain->batch);
    chain->batch = malloc(count * GH_ENTRY_MAX_BYTES + 64);
    assert_non_null(chain->batch);
    size_t size = (size_t)sprintf(chain->batch, "{\"entries\":[");
    for (size_t i = 0; i < count; i++) {
        make_entry(chain->gate.id, chain->next++, chain->hash, text, hash);
        memcpy(chain->hash, hash, sizeof(hash));
        size += (size_t)sprintf(chain->batch + size, "%s%s", i > 0 ? "," : "", text);
    }
    sprintf(chain->batch + size, "]}");
    return chain->batch;
}

static struct answer post_batch(const struct harness *harness, const struct chain *chain)
{
    struct answer answer;
    const struct call call = {.method = "POST",
                              .path = "/api/v1/entries",
                              .token = chain->gate.bearer,
                              .body = chain->batch};
    assert_int_equal(harness_perform(harness, &call, &answer), CURLE_OK);
    return answer;
}

static void expect_stored(const struct harness *harness, const struct chain *chain,
                          long long stored, long long known)
{
    struct answer answer = post_batch(harness, chain);
    if (answer.status != 200)
        fail_msg("%ld: %s", answer.status, answer.body);
    assert_int_equal(number_of(answer.json, "stored"), stored);
    assert_int_equal(number_of(answer.json, "known"), known);
    assert_int_equal(number_of(answer.json, "acknowledged"), chain->next - 1);
    assert_int_equal(json_array_size(json_object_get(answer.json, "refused")), 0);
    answer_free(&answer);
}

static void expect_full(const struct harness *harness, const struct chain *chain)
{
    struct answer answer = post_batch(harness, chain);
    assert_int_equal(answer.status, 503);
    assert_string_equal(text_of(answer.json, "error"), "unavailable");
    assert_null(json_object_get(answer.json, "acknowledged"));
    assert_non_null(answer_header(&answer, "Retry-After"));
    answer_free(&answer);
}

static void expect_health(struct harness *harness, long status)
{
    harness_forward(harness, 5); /* a probe is remembered for a moment */
    json_decref(ask(harness, status, "GET", "/healthz", NULL, NULL));
}

/* --- full disks --- */

/* Batches until it is full; then nothing of the last one is there, and lists still go out. */
static void fill_up(struct harness *harness, struct chain *chain)
{
    struct answer answer;
    for (int i = 0; i < 400; i++) {
        (void)make_batch(chain, 100);
        answer = post_batch(harness, chain);
        long status = answer.status;
        answer_free(&answer);
        if (status != 200) {
            assert_int_equal(status, 503);
            expect_full(harness, chain);
            json_decref(
                ask(harness, 200, "GET", "/api/v1/list/manifest", chain->gate.bearer, NULL));
            return;
        }
    }
    fail_msg("it was never full");
}

static void test_file_size_limit(void **state)
{
    struct harness *harness = *state;
    struct chain chain;
    start_with_gate(harness, &chain);
    json_decref(ask(harness, 200, "GET", "/api/v1/list/manifest", chain.gate.bearer, NULL));
    harness_stop(harness);
    harness->file_limit = 512 * 1024;
    harness_start(harness);
    json_decref(ask(harness, 200, "GET", "/api/v1/list/manifest", chain.gate.bearer, NULL));
    fill_up(harness, &chain);
    /* not even one page more */
    const struct rlimit tiny = {4096, RLIM_INFINITY};
    assert_int_equal(prlimit(harness->pid, RLIMIT_FSIZE, &tiny, NULL), 0);
    expect_health(harness, 503);
    expect_full(harness, &chain);
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    assert_int_equal(prlimit(harness->pid, RLIMIT_FSIZE, &none, NULL), 0);
    expect_health(harness, 200);
    expect_stored(harness, &chain, 100, 0); /* not one of them was stored before */
    expect_stored(harness, &chain, 0, 100);
    free(chain.batch);
    harness_stop(harness);
}

static void test_full_disk(void **state)
{
    struct harness *harness = *state;
    struct chain chain;
    const char *folder = in_folder(harness, "state");
    char filler[PATH_MAX];
    assert_int_equal(mkdir(folder, 0700), 0);
    if (mount("tmpfs", folder, "tmpfs", 0, "size=3m") != 0)
        skip(); /* for root only */
    start_with_gate(harness, &chain);
    json_decref(ask(harness, 200, "GET", "/api/v1/list/manifest", chain.gate.bearer, NULL));
    snprintf(filler, sizeof(filler), "%s/filler", folder);
    FILE *file = fopen(filler, "w");
    assert_non_null(file);
    for (int i = 0; i < 1024; i++)
        fputs("12345678901234567890123456789012345678901234567890"
              "12345678901234567890123456789012345678901234567890",
              file);
    fclose(file);
    fill_up(harness, &chain);
    /* an import, a user, a code: all or nothing as well */
    struct answer answer;
    size_t size = 1 << 20, used;
    char *csv = malloc(size + 64);
    assert_non_null(csv);
    used = (size_t)sprintf(csv, "ref,name,status\n");
    for (unsigned i = 0; used < size; i++)
        used += (size_t)sprintf(csv + used, "ref%u,Name,green\n", i);
    const struct call import = {
        .method = "POST", .path = "/api/v1/people/import", .token = harness->admin, .body = csv};
    assert_int_equal(harness_perform(harness, &import, &answer), CURLE_OK);
    assert_int_equal(answer.status, 503);
    answer_free(&answer);
    free(csv);
    assert_int_equal(unlink(filler), 0);
    expect_stored(harness, &chain, 100, 0);
    expect_health(harness, 200);
    json_t *json = ask(harness, 200, "GET", "/api/v1/people", harness->admin, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "people")), 0);
    json_decref(json);
    free(chain.batch);
    harness_stop(harness);
}

/* --- power cuts --- */

static int connect_to(const struct harness *harness)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)atoi(strrchr(harness->url, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server has closed: so be it */
        data += sent;
        size -= (size_t)sent;
    }
}

static void send_text(int fd, const char *text)
{
    send_all(fd, text, strlen(text));
}

/* Killed at any moment of a batch: afterwards all of it is there, or nothing. */
static void test_killed_in_mid_batch(void **state)
{
    struct harness *harness = *state;
    struct chain chain;
    char head[512];
    start_with_gate(harness, &chain);
    for (int round = 0; round < 12; round++) {
        const char *body = make_batch(&chain, 500);
        int fd = connect_to(harness);
        int size = snprintf(head, sizeof(head),
                            "POST /api/v1/entries HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                            "%s\r\nContent-Length: %zu\r\n\r\n",
                            chain.gate.bearer, strlen(body));
        send_all(fd, head, (size_t)size);
        send_text(fd, body);
        pause_ms(round * 4); /* not to settle: to hit another moment each time */
        kill(harness->pid, SIGKILL);
        (void)harness_wait(harness);
        close(fd);
        harness_start(harness);
        struct answer answer = post_batch(harness, &chain);
        assert_int_equal(answer.status, 200);
        long long stored = number_of(answer.json, "stored");
        long long known = number_of(answer.json, "known");
        if (!(stored == 500 && known == 0) && !(stored == 0 && known == 500))
            fail_msg("half a batch: %lld stored, %lld known", stored, known);
        assert_int_equal(number_of(answer.json, "acknowledged"), chain.next - 1);
        answer_free(&answer);
    }
    json_t *json = ask(harness, 200, "GET", "/api/v1/gates", harness->admin, NULL);
    const json_t *gate = json_array_get(json_object_get(json, "gates"), 0);
    assert_int_equal(number_of(gate, "last_sequence"), 12 * 500);
    assert_int_equal(number_of(gate, "alarms"), 0);
    json_decref(json);
    free(chain.batch);
    harness_stop(harness);
}

static void test_all_is_there_after_a_restart(void **state)
{
    struct harness *harness = *state;
    struct chain chain;
    start_with_gate(harness, &chain);
    (void)make_batch(&chain, 3);
    expect_stored(harness, &chain, 3, 0);
    harness_stop(harness);
    harness_start(harness);
    expect_stored(harness, &chain, 0, 3);
    json_t *json = ask(harness, 200, "GET", "/api/v1/entries", harness->admin, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "entries")), 3);
    json_decref(json);
    free(chain.batch);
    harness_stop(harness);
}

/* Killed before the first log-in: the password in the file is still the one. */
static void test_killed_at_first_start(void **state)
{
    struct harness *harness = *state;
    harness_configure(harness, "", "");
    harness_start(harness);
    kill(harness->pid, SIGKILL);
    (void)harness_wait(harness);
    harness_start(harness);
    log_in_admin(harness);
    harness_stop(harness);
}

/* --- clients --- */

/* What comes back until the server closes or a deadline passes; returns whether it closed. */
static bool read_answer(int fd, char *out, size_t out_bytes, int64_t wait_ms)
{
    size_t used = 0;
    int64_t deadline = now_ms() + wait_ms;
    out[0] = '\0';
    while (now_ms() < deadline) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, 100) <= 0)
            continue;
        char piece[4096];
        ssize_t got = recv(fd, piece, sizeof(piece), 0);
        if (got <= 0)
            return true;
        for (ssize_t i = 0; i < got && used + 1 < out_bytes; i++)
            out[used++] = piece[i] != '\0' ? piece[i] : '?';
        out[used] = '\0';
    }
    return false;
}

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

/* --- configurations --- */

static void expect_no_start(struct harness *harness, const char *word)
{
    char *log;
    assert_false(harness_try_start(harness));
    log = read_text(in_folder(harness, "log"));
    if (log == NULL || strstr(log, word) == NULL)
        fail_msg("the log does not say \"%s\": %s", word, log != NULL ? log : "");
    free(log);
}

static void test_plain_http_for_all_is_refused(void **state)
{
    struct harness *harness = *state;
    write_text(harness->config, "[server]\narea = a\nlisten = 0.0.0.0:0\n"
                                "public_url = http://a.example\nstate_dir = /nonexistent/x\n");
    expect_no_start(harness, "loopback");
}

static void test_two_servers(void **state)
{
    struct harness *harness = *state, second = *harness;
    harness_configure(harness, "", "");
    harness_start(harness);
    second.pid = 0;
    expect_no_start(&second, "another gatehouse-server");
    json_decref(ask(harness, 200, "GET", "/healthz", NULL, NULL));
    harness_stop(harness);
}

static void test_a_lost_key(void **state)
{
    struct harness *harness = *state;
    harness_configure(harness, "", "");
    harness_start(harness);
    harness_stop(harness);
    assert_int_equal(unlink(in_folder(harness, "state/keys/health.pem")), 0);
    expect_no_start(harness, "health.pem");
    assert_int_not_equal(access(in_folder(harness, "state/keys/health.pem"), F_OK), 0);
}

static void test_a_damaged_database(void **state)
{
    struct harness *harness = *state;
    harness_configure(harness, "", "");
    harness_start(harness);
    harness_stop(harness);
    char *noise = malloc(20000);
    assert_non_null(noise);
    memset(noise, 'n', 20000);
    noise[19999] = '\0';
    write_text(in_folder(harness, "state/gatehouse.db"), noise);
    free(noise);
    expect_no_start(harness, "database");
}

static int run_program(const char *const *arguments)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_the_program(void **state)
{
    struct harness *harness = *state;
    char program[PATH_MAX];
    const char *build = getenv("BUILD");
    snprintf(program, sizeof(program), "%s/gatehouse-server", build != NULL ? build : "");
    if (build == NULL || access(program, X_OK) != 0)
        skip();
    harness_configure(harness, "", "");
    const char *const check[] = {program, "--config", harness->config, "--check", NULL};
    assert_int_equal(run_program(check), 0);
    harness_configure(harness, "surprise = 1", "");
    assert_int_equal(run_program(check), 1);
    harness_configure(harness, "tls_certificate = /nonexistent\ntls_key = /nonexistent", "");
    assert_int_equal(run_program(check), 1);
    assert_int_not_equal(access(in_folder(harness, "state"), F_OK), 0);
    const char *const version[] = {program, "--version", NULL};
    assert_int_equal(run_program(version), 0);
    const char *const nothing[] = {program, NULL};
    assert_int_equal(run_program(nothing), 2);
    const char *const more[] = {program, "--config", harness->config, "more", NULL};
    assert_int_equal(run_program(more), 2);
}

/* --- reloading --- */

static enum gh_home_rule rule_now(struct harness *harness, const struct chain *chain,
                                  uint64_t *generation)
{
    struct answer answer;
    struct gh_enrolment enrolment;
    static struct gh_manifest manifest;
    struct gh_public_key *key;
    const struct call call = {
        .method = "GET", .path = "/api/v1/list/manifest", .token = chain->gate.bearer};
    const struct gh_bytes code = {(const uint8_t *)chain->gate.code, strlen(chain->gate.code)};
    assert_int_equal(gh_enrolment_read(code, 0, &enrolment), GH_REASON_OK);
    assert_int_equal(
        gh_public_key_from_raw(GH_KEY_ED25519, (struct gh_bytes){enrolment.list_key, 32}, &key),
        GH_OK);
    assert_int_equal(harness_perform(harness, &call, &answer), CURLE_OK);
    const struct gh_bytes bytes = {(const uint8_t *)answer.body, answer.size};
    assert_int_equal(gh_manifest_read(key, bytes, &manifest, NULL), GH_OK);
    answer_free(&answer);
    gh_public_key_free(key);
    *generation = manifest.generation;
    return manifest.policy.home_rule;
}

static bool log_says(const struct harness *harness, const char *word)
{
    char *log = read_text(in_folder(harness, "log"));
    bool found = log != NULL && strstr(log, word) != NULL;
    free(log);
    return found;
}

static void wait_for_log(const struct harness *harness, const char *word)
{
    int64_t deadline = now_ms() + DEADLINE_MS;
    while (!log_says(harness, word)) {
        if (now_ms() > deadline)
            fail_msg("the log never says \"%s\"", word);
        pause_ms(5);
    }
}

static void test_reload(void **state)
{
    struct harness *harness = *state;
    struct chain chain;
    uint64_t before, after;
    start_with_gate(harness, &chain);
    assert_int_equal(rule_now(harness, &chain, &before), GH_HOME_CODE);
    harness_configure(harness, "log_level = debug\nissuer = other", "home = none");
    kill(harness->pid, SIGHUP);
    wait_for_log(harness, "needs a restart");
    assert_int_equal(rule_now(harness, &chain, &after), GH_HOME_NONE);
    assert_int_equal(after, before + 1);
    wait_for_log(harness, "debug http: GET /api/v1/list/manifest");
    /* a broken one changes nothing */
    harness_configure(harness, "surprise = 1", "home = member");
    kill(harness->pid, SIGHUP);
    wait_for_log(harness, "not reloaded");
    assert_int_equal(rule_now(harness, &chain, &before), GH_HOME_NONE);
    assert_int_equal(before, after);
    harness_stop(harness);
}

/* --- TLS --- */

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_file_size_limit),
        TEST(test_full_disk),
        TEST(test_killed_in_mid_batch),
        TEST(test_all_is_there_after_a_restart),
        TEST(test_killed_at_first_start),
        TEST(test_garbage),
        TEST(test_endless_heads),
        TEST(test_slow_clients),
        TEST(test_many_clients),
        TEST(test_plain_http_for_all_is_refused),
        TEST(test_two_servers),
        TEST(test_a_lost_key),
        TEST(test_a_damaged_database),
        TEST(test_the_program),
        TEST(test_reload),
        TEST(test_tls_and_its_pin),
        TEST(test_tls_is_not_downgraded),
        TEST(test_tls_files_that_do_not_fit),
        TEST(test_a_renewed_certificate),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
