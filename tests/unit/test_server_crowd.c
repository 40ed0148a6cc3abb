/* SPDX-License-Identifier: Apache-2.0 */
/* Very many gates that wait for the list. */
#include "test_server_alone.h"

#include <sqlite3.h>

#include "test_server_list_http.h"

#define CROWD 2000
#define BYTES_EACH                                                                                 \
    40000 /* of the server's memory, at most: a connection, its request, its place                 \
           */

static struct crowd {
    struct test_gate gates[CROWD];
    int fds[CROWD];
    struct follower follower;
} * crowd;

static void make_gates(const struct harness *harness)
{
    sqlite3 *db;
    sqlite3_stmt *row;
    uint8_t secret[32], hash[GH_SHA256_BYTES];
    assert_int_equal(sqlite3_open(in_folder(harness, "state/gatehouse.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "INSERT INTO gates SELECT ?1, 'Gate', state, token, "
                                        "token_expires_at, ?2, created_at, 0, 0, 0, 0, 0 FROM "
                                        "gates LIMIT 1",
                                        -1, &row, NULL),
                     SQLITE_OK);
    for (size_t i = 1; i < CROWD; i++) {
        struct test_gate *one = &crowd->gates[i];
        *one = crowd->gates[0]; /* the list's key */
        one->id = gh_random_id();
        gh_id_format(one->id, one->id_text);
        gh_random(secret, sizeof(secret));
        gh_hex_encode(secret, sizeof(secret), one->secret);
        memcpy(one->bearer, one->id_text, sizeof(one->id_text));
        one->bearer[GH_ID_TEXT_BYTES - 1] = '.';
        memcpy(one->bearer + GH_ID_TEXT_BYTES, one->secret, sizeof(one->secret));
        gh_sha256((struct gh_bytes){secret, sizeof(secret)}, hash);
        sqlite3_bind_int64(row, 1, (int64_t)(one->id ^ UINT64_C(1) << 63));
        sqlite3_bind_blob(row, 2, hash, sizeof(hash), SQLITE_STATIC);
        assert_int_equal(sqlite3_step(row), SQLITE_DONE);
        sqlite3_reset(row);
    }
    sqlite3_finalize(row);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void start_crowd(struct harness *harness, rlim_t open_limit)
{
    crowd = calloc(1, sizeof(*crowd));
    assert_non_null(crowd);
    harness_configure(harness, "", "");
    harness_start(harness);
    log_in_admin(harness);
    json_decref(ask(harness, 200, "POST", "/api/v1/people/import", harness->admin,
                    "ref,name,status\n1,Ada,green\n"));
    add_gate(harness, "First", &crowd->gates[0]);
    json_decref(enrol_with(harness, 200, &crowd->gates[0], crowd->gates[0].secret));
    harness_stop(harness);
    make_gates(harness);
    harness->open_limit = open_limit;
    harness_start(harness);
    begin_following(harness, &crowd->follower);
    follow_now(harness, &crowd->gates[0], &crowd->follower);
}

static void end_crowd(struct harness *harness)
{
    free(crowd);
    harness_stop(harness);
}

static int wait_with(const struct harness *harness, const struct test_gate *gate)
{
    char path[LIST_PATH_BYTES], text[512];
    int fd = connect_to(harness);
    list_path(&crowd->follower.have, 55, NULL, path);
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
             path, gate->bearer);
    send_text(fd, text);
    return fd;
}

static long long number_in_metrics(const struct harness *harness, const char *name)
{
    struct answer answer;
    char line[128];
    const struct call call = {.method = "GET", .path = "/metrics"};
    assert_int_equal(harness_perform(harness, &call, &answer), CURLE_OK);
    snprintf(line, sizeof(line), "\n%s ", name);
    const char *found = strstr(answer.body, line);
    long long value = found != NULL ? atoll(found + strlen(line)) : -1;
    answer_free(&answer);
    return value;
}

static void wait_for_number(const struct harness *harness, const char *name, long long count)
{
    int64_t deadline = now_ms() + DEADLINE_MS;
    while (number_in_metrics(harness, name) != count) {
        if (now_ms() > deadline)
            fail_msg("%s is never %lld", name, count);
        pause_ms(10);
    }
}

static void wait_for_polls(const struct harness *harness, long long count)
{
    wait_for_number(harness, "gatehouse_polls", count);
}

/* In its own memory, not in files. */
static long memory_bytes(const struct harness *harness)
{
    char path[64], *line;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)harness->pid);
    FILE *file = fopen(path, "r");
    char text[8192];
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    (void)fclose(file);
    line = strstr(text, "RssAnon:");
    assert_non_null(line);
    return atol(line + strlen("RssAnon:")) * 1024;
}

static size_t read_some(int fd, char *out, size_t bytes)
{
    struct timeval patience = {.tv_sec = DEADLINE_MS / 1000};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    ssize_t got = recv(fd, out, bytes - 1, 0);
    out[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

static void change_colour(const struct harness *harness)
{
    json_t *json = ask(harness, 200, "GET", "/api/v1/people?ref=1", harness->admin, NULL);
    char path[64];
    snprintf(path, sizeof(path), "/api/v1/people/%s",
             text_of(json_array_get(json_object_get(json, "people"), 0), "id"));
    json_decref(json);
    json_decref(ask(harness, 200, "PATCH", path, harness->admin, "{\"status\":\"red\"}"));
}

static void test_all_of_them_hear_of_it(void **state)
{
    struct harness *harness = *state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < CROWD + 100)
        skip();
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    start_crowd(harness, 0);
    long before = memory_bytes(harness);
    for (size_t i = 0; i < CROWD; i++)
        crowd->fds[i] = wait_with(harness, &crowd->gates[i]);
    wait_for_polls(harness, CROWD);
    assert_int_equal(number_in_metrics(harness, "gatehouse_gates_connected"), CROWD);
    assert_in_range(memory_bytes(harness) - before, 0, (long)CROWD * BYTES_EACH);
    change_colour(harness);
    char first[8192], other[8192];
    size_t size = read_some(crowd->fds[0], first, sizeof(first));
    assert_non_null(strstr(first, "HTTP/1.1 200"));
    /* one and the same answer, but for the second in its head */
    const char *body = strstr(first, "\r\n\r\n");
    assert_non_null(body);
    for (size_t i = 1; i < CROWD; i++) {
        assert_int_equal(read_some(crowd->fds[i], other, sizeof(other)), size);
        assert_memory_equal(other + (body - first), body, size - (size_t)(body - first));
        close(crowd->fds[i]);
    }
    close(crowd->fds[0]);
    wait_for_polls(harness, 0);
    follow_now(harness, &crowd->gates[0], &crowd->follower);
    assert_int_equal(crowd->follower.applied, 1);
    end_crowd(harness);
}

/* With few descriptors few may wait, and the others still get through. */
static void test_too_many(void **state)
{
    struct harness *harness = *state;
    enum { DESCRIPTORS = 256, TRIED = 160, MOST = DESCRIPTORS - 64 - 64 };
    size_t refused = 0, answered = 0;
    char answer[2048];
    start_crowd(harness, DESCRIPTORS);
    for (size_t i = 0; i < TRIED; i++)
        crowd->fds[i] = wait_with(harness, &crowd->gates[i]);
    wait_for_polls(harness, MOST);
    wait_for_number(harness, "gatehouse_http_requests_total{status=\"503\"}", TRIED - MOST);
    json_decref(ask(harness, 200, "GET", "/healthz", NULL, NULL));
    change_colour(harness);
    for (size_t i = 0; i < TRIED; i++) {
        (void)read_some(crowd->fds[i], answer, sizeof(answer));
        answered += strstr(answer, "HTTP/1.1 200") != NULL;
        refused +=
            strstr(answer, "HTTP/1.1 503") != NULL && strstr(answer, "Retry-After: ") != NULL;
        close(crowd->fds[i]);
    }
    assert_int_equal(answered, MOST);
    assert_int_equal(refused, TRIED - MOST);
    end_crowd(harness);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_harness, tear_down_harness)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_of_them_hear_of_it),
        TEST(test_too_many),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
