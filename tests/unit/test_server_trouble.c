/* SPDX-License-Identifier: Apache-2.0 */
/* Full disks, power cuts, wrong configurations, reloading. */
#include "test_server_alone.h"
#include "test_server_list_http.h"

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
            json_decref(ask(harness, 200, "GET", "/api/v1/list", chain->gate.bearer, NULL));
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
    json_decref(ask(harness, 200, "GET", "/api/v1/list", chain.gate.bearer, NULL));
    harness_stop(harness);
    harness->file_limit = 512 * 1024;
    harness_start(harness);
    json_decref(ask(harness, 200, "GET", "/api/v1/list", chain.gate.bearer, NULL));
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
    json_decref(ask(harness, 200, "GET", "/api/v1/list", chain.gate.bearer, NULL));
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

/* --- configurations --- */

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
    const struct gh_manifest *manifest = manifest_now(harness, &chain->gate);
    *generation = manifest->generation;
    return manifest->policy.home_rule;
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
    wait_for_log(harness, "debug http: GET /api/v1/list");
    /* a broken one changes nothing */
    harness_configure(harness, "surprise = 1", "home = member");
    kill(harness->pid, SIGHUP);
    wait_for_log(harness, "not reloaded");
    assert_int_equal(rule_now(harness, &chain, &before), GH_HOME_NONE);
    assert_int_equal(before, after);
    harness_stop(harness);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_harness, tear_down_harness)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_file_size_limit),
        TEST(test_full_disk),
        TEST(test_killed_in_mid_batch),
        TEST(test_all_is_there_after_a_restart),
        TEST(test_killed_at_first_start),
        TEST(test_plain_http_for_all_is_refused),
        TEST(test_two_servers),
        TEST(test_a_lost_key),
        TEST(test_a_damaged_database),
        TEST(test_the_program),
        TEST(test_reload),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
