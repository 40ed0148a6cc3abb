/* SPDX-License-Identifier: Apache-2.0 */
/* Entries over HTTP: receipts, encodings, alarms, chains, what is old, and the server's end in the
 * middle of it all. */
#include "test_server_town.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/socket.h>

#include "gatehouse/compress.h"
#include "gatehouse/receipt.h"
#include "server/ingest.h"

/* --- a gate of the test's own, and its chain --- */

struct chain {
    struct test_gate gate;
    uint64_t last;
    uint8_t hash[GH_SHA256_BYTES];
};

static void new_chain(struct chain *chain, const char *name)
{
    memset(chain, 0, sizeof(*chain));
    add_gate(&harness, name, &chain->gate);
    json_decref(enrol_with(&harness, 200, &chain->gate, chain->gate.secret));
}

/* The body of a batch, malloc'ed. */
static char *next_batch(struct chain *chain, size_t count)
{
    char *body = malloc(count * (GH_ENTRY_MAX_BYTES + 1) + 64);
    assert_non_null(body);
    size_t size = (size_t)sprintf(body, "{\"entries\":[");
    for (size_t i = 0; i < count; i++) {
        char text[GH_ENTRY_MAX_BYTES];
        uint8_t hash[GH_SHA256_BYTES];
        make_entry(chain->gate.id, ++chain->last, chain->hash, text, hash);
        memcpy(chain->hash, hash, sizeof(hash));
        size += (size_t)sprintf(body + size, "%s%s", i > 0 ? "," : "", text);
    }
    sprintf(body + size, "]}");
    return body;
}

static json_t *post(const struct chain *chain, long status, const char *body)
{
    return ask(&harness, status, "POST", "/api/v1/entries", chain->gate.bearer, body);
}

static void send_more(struct chain *chain, size_t count)
{
    char *body = next_batch(chain, count);
    json_t *json = post(chain, 200, body);
    assert_int_equal(number_of(json, "stored"), count);
    json_decref(json);
    free(body);
}

static json_t *chain_now(const struct chain *chain)
{
    return admin("GET", pathf("/api/v1/gates/%s/chain", chain->gate.id_text), NULL);
}

/* --- receipts --- */

static struct gh_public_key *list_key_of(const struct test_gate *of)
{
    struct gh_enrolment enrolment;
    struct gh_public_key *key;
    const struct gh_bytes code = {(const uint8_t *)of->code, strlen(of->code)};
    assert_int_equal(gh_enrolment_read(code, gh_clock_wall_s(gh_clock_system()), &enrolment),
                     GH_REASON_OK);
    assert_int_equal(
        gh_public_key_from_raw(GH_KEY_ED25519, (struct gh_bytes){enrolment.list_key, 32}, &key),
        GH_OK);
    return key;
}

static struct gh_receipt receipt_of(const json_t *json)
{
    struct gh_receipt receipt = {.through = (uint64_t)number_of(json, "through")};
    assert_int_equal(gh_hex_decode(text_of(json, "hash"), 64, receipt.hash, 32), GH_OK);
    assert_int_equal(gh_hex_decode(text_of(json, "signature"), 128, receipt.signature, 64), GH_OK);
    return receipt;
}

static void test_receipts(void **state)
{
    (void)state;
    struct chain chain;
    new_chain(&chain, "Receipts");
    struct gh_public_key *key = list_key_of(&chain.gate);
    char *body = next_batch(&chain, 20);
    for (int i = 0; i < 2; i++) { /* also for what is known */
        json_t *json = post(&chain, 200, body);
        struct gh_receipt receipt = receipt_of(json_object_get(json, "receipt"));
        assert_int_equal(receipt.through, 20);
        assert_memory_equal(receipt.hash, chain.hash, GH_SHA256_BYTES);
        assert_int_equal(gh_receipt_verify(key, chain.gate.id, &receipt), GH_OK);
        assert_int_equal(gh_receipt_verify(key, gate.id, &receipt), GH_ERR_SIGNATURE);
        receipt.through++;
        assert_int_equal(gh_receipt_verify(key, chain.gate.id, &receipt), GH_ERR_SIGNATURE);
        json_decref(json);
    }
    free(body);
    json_t *json = post(&chain, 200, "{\"entries\":[null]}");
    assert_int_equal(number_of(json, "acknowledged"), 21);
    assert_null(json_object_get(json, "receipt"));
    json_decref(json);
    gh_public_key_free(key);
}

/* --- encodings --- */

static void post_encoded(const struct chain *chain, long status, const char *error,
                         const char *encoding, const void *body, size_t size)
{
    struct answer answer;
    const struct call call = {.method = "POST",
                              .path = "/api/v1/entries",
                              .token = chain->gate.bearer,
                              .body = body,
                              .size = size,
                              .header = pathf("Content-Encoding: %s", encoding)};
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    if (answer.status != status)
        fail_msg("%s: %ld instead of %ld: %s", encoding, answer.status, status, answer.body);
    if (error != NULL)
        assert_string_equal(text_of(answer.json, "error"), error);
    answer_free(&answer);
}

static void test_encodings(void **state)
{
    (void)state;
    struct chain chain;
    uint8_t *packed, *zeros = calloc(1, 32 << 20);
    size_t size;
    assert_non_null(zeros);
    new_chain(&chain, "Encodings");
    char *body = next_batch(&chain, 50);
    assert_int_equal(
        gh_zstd_compress((struct gh_bytes){(const uint8_t *)body, strlen(body)}, &packed, &size),
        GH_OK);
    post_encoded(&chain, 415, "unsupported_encoding", "gzip", packed, size);
    post_encoded(&chain, 415, "unsupported_encoding", "zstd, zstd", packed, size);
    post_encoded(&chain, 400, "bad_request", "identity", packed, size);
    post_encoded(&chain, 400, "bad_request", "zstd", packed, size - 1);
    post_encoded(&chain, 400, "bad_request", "zstd", body, strlen(body));
    json_t *json = chain_now(&chain);
    assert_int_equal(number_of(json, "last"), 0);
    json_decref(json);
    post_encoded(&chain, 200, NULL, "zstd", packed, size);
    post_encoded(&chain, 200, NULL, "ZSTD", packed, size);
    post_encoded(&chain, 200, NULL, "identity", body, strlen(body));
    json = chain_now(&chain);
    assert_int_equal(number_of(json, "last"), 50);
    json_decref(json);
    free(packed);
    assert_int_equal(gh_zstd_compress((struct gh_bytes){zeros, 32 << 20}, &packed, &size), GH_OK);
    post_encoded(&chain, 413, "too_large", "zstd", packed, size);
    free(packed);
    free(zeros);
    free(body);
}

/* --- alarms, dead letters, chains --- */

static void test_alarms(void **state)
{
    (void)state;
    struct chain chain;
    new_chain(&chain, "Alarming");
    send_more(&chain, 3);
    long long alarms = metric("gatehouse_alarms_total");
    json_decref(post(&chain, 200, "{\"entries\":[{\"seq\":2,\"poison\":\"\\u00e9\"}]}"));
    json_t *json = admin("GET", pathf("/api/v1/alarms?gate=%s", chain.gate.id_text), NULL);
    const json_t *list = json_object_get(json, "alarms"), *row = json_array_get(list, 0);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(text_of(row, "kind"), "not_an_entry");
    assert_string_equal(text_of(row, "gate"), chain.gate.id_text);
    assert_string_equal(text_of(row, "gate_name"), "Alarming");
    assert_int_equal(number_of(row, "seq"), 2);
    assert_int_equal(number_of(row, "count"), 1);
    assert_true(strlen(text_of(row, "text")) > 0);
    assert_string_equal(text_of(row, "at"), text_of(row, "last_at"));
    assert_true(json_is_null(json_object_get(json, "next")));
    assert_int_equal(metric("gatehouse_alarms_total"), alarms + 1);
    json_decref(json);
    json = admin("GET", pathf("/api/v1/refused?gate=%s", chain.gate.id_text), NULL);
    list = json_object_get(json, "refused"), row = json_array_get(list, 0);
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(number_of(row, "seq"), 2);
    assert_non_null(strstr(text_of(row, "reason"), "not an entry"));
    assert_non_null(strstr(text_of(row, "text"), "poison"));
    assert_string_equal(text_of(row, "gate_name"), "Alarming");
    assert_true(strlen(text_of(row, "received_at")) > 0);
    json_decref(json);
    json = chain_now(&chain); /* what was refused is not in it */
    assert_true(json_is_true(json_object_get(json, "whole")));
    json_decref(json);
}

static void test_pages(void **state)
{
    (void)state;
    struct chain chain;
    char body[4096] = "{\"entries\":[";
    new_chain(&chain, "Pages");
    for (int i = 0; i < 7; i++)
        sprintf(body + strlen(body), "%s%d", i > 0 ? "," : "", i);
    strcat(body, "]}");
    json_decref(post(&chain, 200, body));
    long long after = 0;
    for (size_t pages = 0, seen = 0; seen < 7; pages++) {
        json_t *json = admin(
            "GET", pathf("/api/v1/refused?gate=%s&limit=3&after=%lld", chain.gate.id_text, after),
            NULL);
        size_t count = json_array_size(json_object_get(json, "refused"));
        assert_int_equal(count, pages < 2 ? 3 : 1);
        assert_int_equal(number_of(json_array_get(json_object_get(json, "refused"), 0), "seq"),
                         seen + 1);
        seen += count;
        if (seen < 7)
            after = number_of(json, "next");
        else
            assert_true(json_is_null(json_object_get(json, "next")));
        json_decref(json);
    }
    json_t *json = admin("GET", "/api/v1/alarms?limit=1", NULL);
    assert_int_equal(json_array_size(json_object_get(json, "alarms")), 1);
    json_decref(json);
}

static void test_who_may_ask(void **state)
{
    (void)state;
    static const char *const paths[] = {"/api/v1/alarms", "/api/v1/refused"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(paths); i++) {
        ask_error(&harness, 401, "unauthorized", "GET", paths[i], NULL, NULL);
        ask_error(&harness, 403, "forbidden", "GET", paths[i], landlord, NULL);
        ask_error(&harness, 403, "forbidden", "GET", paths[i], gate.bearer, NULL);
        ask_error(&harness, 400, "bad_request", "GET", pathf("%s?limit=1001", paths[i]),
                  harness.admin, NULL);
        ask_error(&harness, 400, "bad_request", "GET", pathf("%s?gate=north", paths[i]),
                  harness.admin, NULL);
    }
    char *path = pathf("/api/v1/gates/%s/chain", gate.id_text);
    ask_error(&harness, 401, "unauthorized", "GET", path, NULL, NULL);
    ask_error(&harness, 403, "forbidden", "GET", path, gate.bearer, NULL);
    ask_error(&harness, 404, "not_found", "GET", "/api/v1/gates/" UNUSED_ID "/chain", harness.admin,
              NULL);
}

static void run_sql(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(in_folder(&harness, "state/gatehouse.db"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_a_rewritten_entry(void **state)
{
    (void)state;
    struct chain chain;
    new_chain(&chain, "Rewritten");
    send_more(&chain, 10);
    json_t *json = chain_now(&chain);
    assert_int_equal(number_of(json, "first"), 1);
    assert_int_equal(number_of(json, "last"), 10);
    assert_int_equal(number_of(json, "erased"), 0);
    assert_true(json_is_null(json_object_get(json, "checkpoint")));
    assert_true(json_is_true(json_object_get(json, "whole")));
    assert_true(json_is_null(json_object_get(json, "breaks_at")));
    json_decref(json);
    run_sql(pathf("UPDATE entries SET text = replace(text, 'deny', 'open') WHERE seq = 7 AND "
                  "text LIKE '%%%s%%'",
                  chain.gate.id_text));
    json = chain_now(&chain);
    assert_true(json_is_false(json_object_get(json, "whole")));
    assert_int_equal(number_of(json, "breaks_at"), 7);
    json_decref(json);
}

/* --- filters --- */

static void test_filters(void **state)
{
    (void)state;
    struct chain chain;
    static const char *const types[] = {"passage", "start", "fault", "clock",
                                        "door",    "list",  "prune"};
    new_chain(&chain, "Filters");
    send_more(&chain, 2);
    for (size_t i = 0; i < GH_ARRAY_SIZE(types); i++) {
        json_t *json = admin(
            "GET", pathf("/api/v1/entries?gate=%s&type=%s", chain.gate.id_text, types[i]), NULL);
        assert_int_equal(json_array_size(json_object_get(json, "entries")), i == 0 ? 2 : 0);
        json_decref(json);
    }
    char early[GH_TIME_TEXT_BYTES], late[GH_TIME_TEXT_BYTES];
    int64_t now = harness_wall(harness.time) / GH_NS_PER_S;
    gh_time_format(now - 60, early);
    gh_time_format(now + 60, late);
    const struct {
        const char *from, *until;
        size_t count;
    } rows[] = {{early, late, 2}, {late, NULL, 0}, {NULL, early, 0}, {early, NULL, 2}};
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++) {
        json_t *json = admin("GET",
                             pathf("/api/v1/entries?gate=%s%s%s%s%s", chain.gate.id_text,
                                   rows[i].from != NULL ? "&from=" : "",
                                   rows[i].from != NULL ? rows[i].from : "",
                                   rows[i].until != NULL ? "&until=" : "",
                                   rows[i].until != NULL ? rows[i].until : ""),
                             NULL);
        assert_int_equal(json_array_size(json_object_get(json, "entries")), rows[i].count);
        json_decref(json);
    }
    ask_error(&harness, 400, "bad_request", "GET", "/api/v1/entries?from=yesterday", harness.admin,
              NULL);
}

/* --- connections of the test's own --- */

static int connect_now(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)atoi(strrchr(harness.url, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void send_whole(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server has closed: so be it */
        data += sent;
        size -= (size_t)sent;
    }
}

/* A batch on its way; its answer is not waited for. */
static int begin_post(const struct chain *chain, const char *body)
{
    char head[512];
    int fd = connect_now();
    int size = snprintf(head, sizeof(head),
                        "POST /api/v1/entries HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                        "Connection: close\r\nContent-Length: %zu\r\n\r\n",
                        chain->gate.bearer, strlen(body));
    send_whole(fd, head, (size_t)size);
    send_whole(fd, body, strlen(body));
    return fd;
}

/* What came until the server closed. */
static void end_post(int fd, char *out, size_t out_bytes)
{
    size_t used = 0;
    ssize_t got;
    while (used + 1 < out_bytes && (got = recv(fd, out + used, out_bytes - used - 1, 0)) > 0)
        used += (size_t)got;
    out[used] = '\0';
    close(fd);
}

/* Somebody who goes away before the answer: stored all the same, and nobody is hurt. */
static void test_gone_before_the_answer(void **state)
{
    (void)state;
    struct chain chain;
    new_chain(&chain, "Gone");
    for (int i = 0; i < 20; i++) {
        char *body = next_batch(&chain, 100);
        int fd = begin_post(&chain, body);
        const struct linger now = {.l_onoff = 1, .l_linger = 0};
        if (i % 2 == 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        close(fd);
        json_t *json = post(&chain, 200, body);
        assert_int_equal(number_of(json, "acknowledged"), chain.last);
        assert_int_equal(number_of(json, "stored") + number_of(json, "known"), 100);
        json_decref(json);
        free(body);
    }
}

#define MANY 30

/* The server is told to stop while batches wait: what it has acknowledged is there afterwards. */
static void test_stopped_with_batches_on_their_way(void **state)
{
    (void)state;
    static struct chain chains[MANY];
    static char *bodies[MANY];
    int fds[MANY];
    bool acknowledged[MANY];
    for (size_t i = 0; i < MANY; i++) {
        new_chain(&chains[i], pathf("Stopped %zu", i));
        bodies[i] = next_batch(&chains[i], 200);
    }
    for (size_t i = 0; i < MANY; i++)
        fds[i] = begin_post(&chains[i], bodies[i]);
    harness_stop(&harness); /* wants a clean exit */
    for (size_t i = 0; i < MANY; i++) {
        char answer[4096];
        end_post(fds[i], answer, sizeof(answer));
        acknowledged[i] = strstr(answer, "\"acknowledged\":200") != NULL;
    }
    harness_start(&harness);
    for (size_t i = 0; i < MANY; i++) {
        json_t *json = chain_now(&chains[i]);
        long long last = number_of(json, "last");
        assert_true(last == 200 || (last == 0 && !acknowledged[i])); /* all or nothing */
        json_decref(json);
        json = post(&chains[i], 200, bodies[i]);
        assert_int_equal(number_of(json, "acknowledged"), 200);
        assert_int_equal(number_of(json, "known"), last);
        json_decref(json);
        free(bodies[i]);
    }
}

/* While the store is somebody else's, batches wait, and the rest goes on; more than may wait are
 * sent away for a while. */
static void test_others_do_not_wait(void **state)
{
    (void)state;
    int fds[GH_INGEST_WAITING_MAX];
    char answer[4096];
    sqlite3 *db;
    struct chain waiting, one_more;
    new_chain(&waiting, "Waiting");
    new_chain(&one_more, "One more");
    assert_int_equal(sqlite3_open(in_folder(&harness, "state/gatehouse.db"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    char *waiting_body = next_batch(&waiting, 1);
    for (size_t i = 0; i < GH_INGEST_WAITING_MAX; i++)
        fds[i] = begin_post(&waiting, waiting_body);
    free(waiting_body);
    json_decref(admin("GET", "/api/v1/gates", NULL));
    int64_t deadline = now_ms() + DEADLINE_MS;
    do {
        char *body = next_batch(&one_more, 1);
        end_post(begin_post(&one_more, "{\"entries\":[]}"), answer, sizeof(answer));
        free(body);
        assert_true(now_ms() < deadline);
    } while (strncmp(answer, "HTTP/1.1 503", 12) != 0);
    assert_non_null(strcasestr(answer, "\r\nretry-after: "));
    json_decref(admin("GET", "/api/v1/entries", NULL));
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    for (size_t i = 0; i < GH_INGEST_WAITING_MAX; i++) {
        end_post(fds[i], answer, sizeof(answer));
        if (strstr(answer, "\"acknowledged\":1") == NULL && strstr(answer, " 503 ") == NULL)
            fail_msg("%s", answer);
    }
}

/* One that has gone mad, or whose secret was stolen, does not take all the places. */
static void test_one_gate_is_not_all(void **state)
{
    (void)state;
    enum { TRIES = 12 };
    struct chain mad, other;
    int fds[TRIES], turned_away = 0;
    char answer[4096];
    sqlite3 *db;
    new_chain(&mad, "Mad");
    new_chain(&other, "Not mad");
    assert_int_equal(sqlite3_open(in_folder(&harness, "state/gatehouse.db"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < TRIES; i++)
        fds[i] = begin_post(&mad, "{\"entries\":[]}");
    int fd = begin_post(&other, "{\"entries\":[]}");
    json_decref(admin("GET", "/api/v1/gates", NULL)); /* all have been read */
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    end_post(fd, answer, sizeof(answer));
    assert_non_null(strstr(answer, "\"acknowledged\":0"));
    for (int i = 0; i < TRIES; i++) {
        end_post(fds[i], answer, sizeof(answer));
        turned_away += strncmp(answer, "HTTP/1.1 503", 12) == 0;
        if (strncmp(answer, "HTTP/1.1 503", 12) == 0)
            assert_non_null(strcasestr(answer, "\r\nretry-after: 5\r\n"));
    }
    assert_int_equal(turned_away, TRIES - 4);
    json_decref(post(&mad, 200, "{\"entries\":[]}"));
}

/* --- what is old --- */

static void wait_for_erased(const struct chain *chain, long long through)
{
    int64_t deadline = now_ms() + 4 * DEADLINE_MS;
    for (;;) {
        json_t *json = chain_now(chain);
        const json_t *checkpoint = json_object_get(json, "checkpoint");
        assert_true(json_is_true(json_object_get(json, "whole")));
        if (json_is_object(checkpoint) && number_of(checkpoint, "through") == through) {
            struct gh_receipt receipt = receipt_of(checkpoint);
            struct gh_public_key *key = list_key_of(&chain->gate);
            assert_int_equal(gh_receipt_verify(key, chain->gate.id, &receipt), GH_OK);
            assert_int_equal(number_of(json, "erased"), through);
            assert_int_equal(number_of(json, "first"), 0);
            gh_public_key_free(key);
            json_decref(json);
            return;
        }
        json_decref(json);
        assert_true(now_ms() < deadline);
        pause_ms(100);
    }
}

/* Last: the clock goes on by months. */
static void test_what_is_old_goes(void **state)
{
    (void)state;
    struct chain chain;
    new_chain(&chain, "Old");
    send_more(&chain, 30);
    long long entries = metric("gatehouse_entries_total");
    harness_stop(&harness);
    harness_forward(&harness, 91 * 86400);
    harness_start(&harness);
    log_in_again();
    wait_for_erased(&chain, 30);
    json_t *json = admin("GET", pathf("/api/v1/entries?gate=%s", chain.gate.id_text), NULL);
    assert_int_equal(json_array_size(json_object_get(json, "entries")), 0);
    json_decref(json);
    assert_int_equal(metric("gatehouse_entries_total"), entries); /* counts what was */
    send_more(&chain, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receipts),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_alarms),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_who_may_ask),
        cmocka_unit_test(test_a_rewritten_entry),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_gone_before_the_answer),
        cmocka_unit_test(test_stopped_with_batches_on_their_way),
        cmocka_unit_test(test_others_do_not_wait),
        cmocka_unit_test(test_one_gate_is_not_all),
        cmocka_unit_test(test_what_is_old_goes),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, set_up_town, tear_down_town);
}
