/* SPDX-License-Identifier: Apache-2.0 */
/* Gates that wait for the list. */
#include "test_server_alone.h"

#include "test_server_list_http.h"
#include "test_server_town.h"

static struct follower north;

/* --- a request that stays open --- */

struct response {
    int status;
    uint8_t *body; /* malloc'ed */
    size_t size;
    char head[2048];
};

static int ask_for_list(const struct test_gate *who, const struct gh_generation *have, int wait_s,
                        const char *boot, const char *version)
{
    char path[LIST_PATH_BYTES], text[512];
    int fd = connect_to(&harness);
    list_path(have, wait_s, boot, path);
    snprintf(text, sizeof(text),
             "GET %s HTTP/%s\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n",
             path, version, who->bearer);
    send_text(fd, text);
    return fd;
}

static void read_response(int fd, struct response *out)
{
    size_t capacity = 1 << 20, used = 0;
    char *data = malloc(capacity + 1);
    ssize_t got;
    struct timeval patience = {.tv_sec = DEADLINE_MS / 1000};
    assert_non_null(data);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    while (used < capacity && (got = recv(fd, data + used, capacity - used, 0)) > 0)
        used += (size_t)got;
    close(fd);
    data[used] = '\0';
    char *end = strstr(data, "\r\n\r\n");
    if (end == NULL)
        fail_msg("no answer came");
    snprintf(out->head, sizeof(out->head), "%.*s", (int)(end - data), data);
    assert_int_equal(sscanf(data, "HTTP/%*s %d", &out->status), 1);
    out->size = used - (size_t)(end + 4 - data);
    out->body = malloc(out->size + 1);
    assert_non_null(out->body);
    memcpy(out->body, end + 4, out->size + 1);
    free(data);
}

static void take_response(int fd, const struct test_gate *who, struct follower *follower)
{
    struct response response;
    struct answer answer = {0};
    read_response(fd, &response);
    assert_int_equal(response.status, 200);
    answer.body = (char *)response.body;
    answer.size = response.size;
    follow_answer(&harness, who, follower, &answer);
    free(response.body);
}

static void expect_status(int fd, int status, const char *head)
{
    struct response response;
    read_response(fd, &response);
    assert_int_equal(response.status, status);
    if (head != NULL && strstr(response.head, head) == NULL)
        fail_msg("no %s in: %s", head, response.head);
    free(response.body);
}

static void wait_for_polls(long long count)
{
    int64_t deadline = now_ms() + DEADLINE_MS;
    while (metric("gatehouse_polls") != count) {
        if (now_ms() > deadline)
            fail_msg("there are never %lld who wait", count);
        pause_ms(2);
    }
}

static const char *the_person(void)
{
    static char id[GH_ID_TEXT_BYTES];
    if (id[0] == '\0')
        snprintf(id, sizeof(id), "%s", add_person("polled", "green"));
    return id;
}

static void set_colour(const char *colour)
{
    json_decref(admin("PATCH", pathf("/api/v1/people/%s", the_person()),
                      pathf("{\"status\":\"%s\"}", colour)));
}

/* Another colour than it has. */
static void change(void)
{
    static unsigned next;
    static const char *const colours[] = {"red", "yellow", "green"};
    set_colour(colours[next++ % 3]);
}

static void be_up_to_date(void)
{
    (void)the_person();
    if (north.folder[0] == '\0')
        begin_following(&harness, &north);
    follow_now(&harness, &gate, &north);
}

/* --- */

static void test_a_change_is_there_at_once(void **state)
{
    (void)state;
    be_up_to_date();
    uint64_t before = north.have.number;
    long long answers = metric("gatehouse_list_answers_total");
    int fd = ask_for_list(&gate, &north.have, 50, NULL, "1.1");
    wait_for_polls(1);
    assert_int_equal(metric("gatehouse_gates_connected"), 1);
    change();
    take_response(fd, &gate, &north);
    assert_int_equal(north.have.number, before + 1);
    wait_for_polls(0);
    assert_int_equal(metric("gatehouse_list_answers_total"), answers + 1);
    assert_int_equal(metric("gatehouse_list_generation"), before + 1);
}

/* What the gate has not is said without waiting. */
static void test_answered_at_once(void **state)
{
    (void)state;
    be_up_to_date();
    static const struct gh_generation nothing;
    struct gh_generation other = north.have, older = north.have;
    expect_status(ask_for_list(&gate, &nothing, 50, NULL, "1.1"), 200, NULL);
    other.tag[0] ^= 1;
    expect_status(ask_for_list(&gate, &other, 50, NULL, "1.1"), 200, NULL);
    change();
    expect_status(ask_for_list(&gate, &older, 50, NULL, "1.1"), 200, NULL);
    be_up_to_date();
    expect_status(ask_for_list(&gate, &north.have, 0, NULL, "1.1"), 200, "application/cbor");
}

/* The server holds still while both arrive: they are dealt with in one turn. */
static void test_two_changes_are_one_answer(void **state)
{
    char text[2][512];
    int fds[2];
    (void)state;
    set_colour("green");
    be_up_to_date();
    uint64_t before = north.have.number;
    int waiting = ask_for_list(&gate, &north.have, 50, NULL, "1.1");
    wait_for_polls(1);
    assert_int_equal(kill(harness.pid, SIGSTOP), 0);
    for (int i = 0; i < 2; i++)
        fds[i] = connect_to(&harness);
    snprintf(text[0], sizeof(text[0]),
             "PATCH /api/v1/people/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
             "Content-Length: 16\r\nConnection: close\r\n\r\n{\"status\":\"red\"}",
             the_person(), harness.admin);
    snprintf(text[1], sizeof(text[1]),
             "DELETE /api/v1/people/%s/codes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
             "Connection: close\r\n\r\n",
             the_person(), harness.admin);
    for (int i = 0; i < 2; i++)
        send_text(fds[i], text[i]);
    assert_int_equal(kill(harness.pid, SIGCONT), 0);
    take_response(waiting, &gate, &north);
    assert_int_equal(north.have.number, before + 2);
    expect_status(fds[0], 200, NULL);
    expect_status(fds[1], 204, NULL);
}

static void test_time_is_up(void **state)
{
    (void)state;
    be_up_to_date();
    int64_t issued_at = north.manifest.issued_at_s;
    struct gh_generation before = north.have;
    int fd = ask_for_list(&gate, &north.have, 50, NULL, "1.1");
    wait_for_polls(1);
    harness_forward(&harness, 51);
    take_response(fd, &gate, &north);
    assert_true(gh_generation_same(&north.have, &before));
    assert_true(north.manifest.issued_at_s >= issued_at + 51);
    /* and with the real time */
    fd = ask_for_list(&gate, &north.have, 1, NULL, "1.1");
    take_response(fd, &gate, &north);
}

static void test_shut_out_while_waiting(void **state)
{
    (void)state;
    struct test_gate mine;
    be_up_to_date();
    add_gate(&harness, "To be shut out", &mine);
    json_decref(enrol_with(&harness, 200, &mine, mine.secret));
    int other = ask_for_list(&gate, &north.have, 50, NULL, "1.1");
    int fd = ask_for_list(&mine, &north.have, 50, NULL, "1.1");
    wait_for_polls(2);
    json_decref(
        ask(&harness, 204, "DELETE", pathf("/api/v1/gates/%s", mine.id_text), harness.admin, NULL));
    expect_status(fd, 403, "application/json");
    assert_int_equal(metric("gatehouse_polls"), 1); /* the others wait on */
    expect_status(ask_for_list(&mine, &north.have, 50, NULL, "1.1"), 403, NULL);
    change();
    take_response(other, &gate, &north);
}

static void test_clients_that_go_away(void **state)
{
    (void)state;
    be_up_to_date();
    close(ask_for_list(&gate, &north.have, 50, NULL, "1.1"));
    wait_for_polls(0);
    int fd = ask_for_list(&gate, &north.have, 50, NULL, "1.1");
    wait_for_polls(1);
    close(fd);
    wait_for_polls(0);
    fd = ask_for_list(&gate, &north.have, 50, NULL, "1.1");
    wait_for_polls(1);
    struct linger abort = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)), 0);
    close(fd);
    wait_for_polls(0);
    change();
    json_decref(ask(&harness, 200, "GET", "/healthz", NULL, NULL));
}

static void test_one_gate_waits_once(void **state)
{
    (void)state;
    be_up_to_date();
    int older = ask_for_list(&gate, &north.have, 50, NULL, "1.1");
    wait_for_polls(1);
    int newer = ask_for_list(&gate, &north.have, 50, NULL, "1.1");
    expect_status(older, 503, "Retry-After: ");
    assert_int_equal(metric("gatehouse_polls"), 1);
    change();
    take_response(newer, &gate, &north);
}

static void test_an_old_protocol(void **state)
{
    (void)state;
    be_up_to_date();
    int fd = ask_for_list(&gate, &north.have, 50, NULL, "1.0");
    wait_for_polls(1);
    change();
    take_response(fd, &gate, &north);
}

static void test_what_is_no_question(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "generation=-1",
        "generation=x",
        "generation=9223372036854775808",
        "tag=12",
        "tag=zzzzzzzzzzzzzzzz",
        "wait_s=56",
        "wait_s=",
        "boot=00",
        "other=1",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(queries); i++)
        ask_error(&harness, 400, "bad_request", "GET", pathf("/api/v1/list?%s", queries[i]),
                  gate.bearer, NULL);
    ask_error(&harness, 401, "unauthorized", "GET", "/api/v1/list", NULL, NULL);
    ask_error(&harness, 403, "forbidden", "GET", "/api/v1/list", harness.admin, NULL);
    ask_error(&harness, 405, "method_not_allowed", "POST", "/api/v1/list", gate.bearer, NULL);
}

/* --- what gates say about themselves --- */

static const json_t *gate_row(json_t *list, const struct test_gate *who)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(list, "gates"), i, one)
    {
        if (strcmp(text_of(one, "id"), who->id_text) == 0)
            return one;
    }
    fail_msg("the gate is not there");
    return NULL;
}

static void test_connected(void **state)
{
    (void)state;
    be_up_to_date();
    int fd = ask_for_list(&gate, &north.have, 50, NULL, "1.1");
    wait_for_polls(1);
    json_t *json = admin("GET", "/api/v1/gates", NULL);
    assert_true(json_is_true(json_object_get(gate_row(json, &gate), "connected")));
    assert_int_equal(number_of(gate_row(json, &gate), "generation"), north.have.number);
    assert_true(json_is_false(json_object_get(gate_row(json, &waiting_gate), "connected")));
    json_decref(json);
    change();
    take_response(fd, &gate, &north);
    json = admin("GET", "/api/v1/gates", NULL);
    assert_true(json_is_false(json_object_get(gate_row(json, &gate), "connected")));
    json_decref(json);
}

static size_t alarms(const char *kind)
{
    size_t i, count = 0;
    json_t *json = admin("GET", "/api/v1/alarms?limit=1000", NULL), *one;
    json_array_foreach(json_object_get(json, "alarms"), i, one)
    {
        count += strcmp(text_of(one, "kind"), kind) == 0;
    }
    json_decref(json);
    return count;
}

static long long counted(const struct test_gate *who)
{
    json_t *json = admin("GET", "/api/v1/gates", NULL);
    long long count = number_of(gate_row(json, who), "alarms");
    json_decref(json);
    return count;
}

/* A board starts anew and anew; two of one identity go back and forth. */
static void test_cloned(void **state)
{
    (void)state;
    static const char *const boots[] = {
        "00000000000000000000000000000001", "00000000000000000000000000000001",
        "00000000000000000000000000000002", "00000000000000000000000000000003",
        "00000000000000000000000000000002", "00000000000000000000000000000003",
    };
    be_up_to_date();
    size_t before = alarms("cloned");
    long long count = counted(&gate);
    for (size_t i = 0; i < GH_ARRAY_SIZE(boots); i++) {
        expect_status(ask_for_list(&gate, &north.have, 0, boots[i], "1.1"), 200, NULL);
        if (i == 3)
            assert_int_equal(alarms("cloned"), before);
    }
    assert_int_equal(alarms("cloned"), before + 1);
    assert_int_equal(counted(&gate), count + 1); /* once an hour */
    harness_forward(&harness, 3600);
    expect_status(ask_for_list(&gate, &north.have, 0, boots[2], "1.1"), 200, NULL);
    assert_int_equal(counted(&gate), count + 2);
}

/* The database was put back from a backup: the list goes on behind what gates know. */
static void test_an_older_database(void **state)
{
    (void)state;
    be_up_to_date();
    struct gh_generation ahead = north.have, far = north.have;
    ahead.number += 41;
    far.number += 2000000;
    size_t before = alarms("older_database");
    expect_status(ask_for_list(&gate, &ahead, 50, NULL, "1.1"), 200, NULL);
    follow_now(&harness, &gate, &north);
    assert_int_equal(north.have.number, ahead.number + 1);
    assert_int_equal(alarms("older_database"), before + 1);
    /* a gate that has gone mad does not take the list with it */
    harness_forward(&harness, 3600);
    expect_status(ask_for_list(&gate, &far, 0, NULL, "1.1"), 200, NULL);
    assert_int_equal(metric("gatehouse_list_generation"), ahead.number + 1);
    /* the number is known, but stands for something else */
    harness_forward(&harness, 3600);
    log_in_again();
    long long count = counted(&gate);
    north.have.tag[0] ^= 1;
    expect_status(ask_for_list(&gate, &north.have, 0, NULL, "1.1"), 200, NULL);
    north.have.tag[0] ^= 1;
    assert_true(counted(&gate) > count);
}

/* Another list key: those who wait hear of it at once, and it is said from then on. */
static void test_another_list_key(void **state)
{
    (void)state;
    struct response response;
    struct gh_manifest *manifest = malloc(sizeof(*manifest));
    struct gh_public_key *key = list_key_of(&gate);
    assert_non_null(manifest);
    be_up_to_date();
    int fd = ask_for_list(&gate, &north.have, 50, NULL, "1.1");
    wait_for_polls(1);
    json_t *json = admin("POST", "/api/v1/keys", "{\"purpose\":\"list\"}");
    assert_string_equal(text_of(json, "purpose"), "list");
    assert_non_null(strstr(text_of(json, "pem"), "PUBLIC KEY"));
    json_decref(json);
    read_response(fd, &response);
    assert_int_equal(response.status, 200);
    const struct list_answer answer = take_apart((struct gh_bytes){response.body, response.size});
    assert_int_equal(answer.handover_count, 1);
    assert_int_equal(gh_manifest_read(key, answer.manifest, manifest, NULL), GH_ERR_SIGNATURE);
    free(response.body);
    /* codes for gates that come from now on have the new one */
    struct test_gate mine;
    add_gate(&harness, "After that", &mine);
    json_decref(enrol_with(&harness, 200, &mine, mine.secret));
    begin_following(&harness, &north);
    follow_now(&harness, &mine, &north);
    gh_public_key_free(key);
    free(manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_change_is_there_at_once),
        cmocka_unit_test(test_answered_at_once),
        cmocka_unit_test(test_two_changes_are_one_answer),
        cmocka_unit_test(test_time_is_up),
        cmocka_unit_test(test_shut_out_while_waiting),
        cmocka_unit_test(test_clients_that_go_away),
        cmocka_unit_test(test_one_gate_waits_once),
        cmocka_unit_test(test_an_old_protocol),
        cmocka_unit_test(test_what_is_no_question),
        cmocka_unit_test(test_connected),
        cmocka_unit_test(test_cloned),
        cmocka_unit_test(test_an_older_database),
        cmocka_unit_test(test_another_list_key), /* the last: the first gate's key is another one */
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, set_up_town, tear_down_town);
}
