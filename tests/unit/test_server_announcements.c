/* SPDX-License-Identifier: Apache-2.0 */
/* Announcements over HTTP: sent, heard by gates, fetched, stopped, signed anew, expired. */
#include "test_server_alone.h"

#include <dirent.h>

#include "fakes/wav_writer.h"
#include "gatehouse/announcement.h"
#include "test_server_news.h"

/* --- asking --- */

static struct answer post_sound(const char *query, const void *data, size_t size, const char *type)
{
    struct answer answer;
    char header[96];
    snprintf(header, sizeof(header), "Content-Type: %s", type);
    const struct call call = {.method = "POST",
                              .path = pathf("/api/v1/announcements%s", query),
                              .token = harness.admin,
                              .body = data,
                              .size = size,
                              .header = header};
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    return answer;
}

/* The new announcement's id. */
static const char *announce(const char *query, const struct wav_file *file)
{
    static char id[GH_ID_TEXT_BYTES];
    struct answer answer = post_sound(query, file->data, file->size, "audio/wav");
    if (answer.status != 201)
        fail_msg("%ld %s", answer.status, answer.body);
    snprintf(id, sizeof(id), "%s", text_of(answer.json, "id"));
    answer_free(&answer);
    return id;
}

static struct gh_announcement verify(const struct test_gate *who, const json_t *news, size_t index)
{
    const char *text =
        json_string_value(json_array_get(json_object_get(news, "announcements"), index));
    uint8_t bytes[GH_ANNOUNCEMENT_SIGNED_BYTES];
    size_t size = sizeof(bytes);
    struct gh_announcement said;
    struct gh_public_key *key = list_key_of(who);
    assert_non_null(text);
    assert_int_equal(gh_base64url_decode(text, strlen(text), bytes, &size), GH_OK);
    assert_int_equal(
        gh_announcement_read(key, "riverside.example", (struct gh_bytes){bytes, size}, &said),
        GH_OK);
    gh_public_key_free(key);
    return said;
}

/* --- sent, heard, stopped --- */

static void test_an_announcement(void **state)
{
    (void)state;
    struct wav_file file = wav_file_make(&(struct wav_shape){.frames = 24000});
    uint64_t known = number_now(&south);
    int fd = wait_for_news(&south, pathf("&news=%llu", (unsigned long long)known));
    wait_for_polls(1);
    char id[GH_ID_TEXT_BYTES];
    snprintf(id, sizeof(id), "%s",
             announce("?repeat=3&expires_s=60&text=Bitte%20r%C3%A4umen", &file));
    assert_int_equal(status_of(fd, true), 200);
    close(fd);
    json_t *json = news_of(&south, (long long)known);
    assert_int_equal(count_of(json, "announcements"), 1);
    struct gh_announcement said = verify(&south, json, 0);
    json_decref(json);
    gh_id wanted;
    uint8_t hash[GH_SHA256_BYTES];
    char name[2 * GH_SHA256_BYTES + 1];
    assert_int_equal(gh_id_parse(id, 16, &wanted), GH_OK);
    gh_sha256((struct gh_bytes){file.data, file.size}, hash);
    gh_hex_encode(hash, sizeof(hash), name);
    assert_true(said.id == wanted && said.gate == 0 && said.repeat == 3 && !said.cancelled);
    assert_memory_equal(said.sha256, hash, sizeof(hash));
    assert_int_equal(said.bytes, file.size);
    assert_true(said.from_s < now_s() && llabs(said.until_s - now_s() - 60) < 10);
    /* its sound, whole and in part, for gates */
    struct answer answer;
    struct call call = {
        .method = "GET", .path = pathf("/api/v1/announcements/%s", name), .token = south.bearer};
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_header(&answer, "Content-Type"), "audio/wav");
    assert_int_equal(answer.size, file.size);
    assert_memory_equal(answer.body, file.data, file.size);
    answer_free(&answer);
    call.header = "Range: bytes=100-";
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    assert_int_equal(answer.status, 206);
    assert_memory_equal(answer.body, file.data + 100, file.size - 100);
    answer_free(&answer);
    ask_error(&harness, 401, "unauthorized", "GET", call.path, NULL, NULL);
    ask_error(&harness, 404, "not_found", "GET", "/api/v1/announcements/..%2f..%2flist",
              south.bearer, NULL);
    /* and what became of it */
    struct gh_entry entry = {
        .type = GH_ENTRY_ANNOUNCEMENT, .announced = GH_ANNOUNCEMENT_PLAYED, .announcement = wanted};
    post_entry(&south, &entry);
    json = admin("GET", "/api/v1/announcements", NULL);
    const json_t *row = json_array_get(json_object_get(json, "announcements"), 0);
    assert_string_equal(text_of(row, "id"), id);
    assert_true(json_is_null(json_object_get(row, "gate")));
    assert_string_equal(text_of(row, "text"), "Bitte r\xc3\xa4umen");
    assert_int_equal(number_of(row, "repeat"), 3);
    assert_int_equal(number_of(row, "played"), 1);
    assert_int_equal(
        number_of(row, "silent") + number_of(row, "failed") + number_of(row, "expired"), 0);
    assert_true(json_real_value(json_object_get(row, "seconds")) == 1.5);
    assert_true(json_is_false(json_object_get(row, "cancelled")));
    json_decref(json);
    wav_file_free(&file);
}

/* The gate's number is one of the database's as it was before an older copy was put in its place,
 * which has gone past it since. */
static void test_a_number_of_another_time(void **state)
{
    (void)state;
    struct wav_file file = wav_file_make(&(struct wav_shape){.frames = 8000});
    char ids[3][GH_ID_TEXT_BYTES];
    json_t *json = news_of(&south, 0);
    long long known = number_of(json, "news");
    json_decref(json);
    for (size_t i = 0; i < GH_ARRAY_SIZE(ids); i++)
        snprintf(ids[i], sizeof(ids[i]), "%s", announce("", &file));
    int64_t deadline = now_ms() + DEADLINE_MS;
    while (number_in_list(&south) < (uint64_t)known + 3 && now_ms() < deadline)
        pause_ms(5);
    json = news_of(&south, known + 1);
    assert_true(count_of(json, "announcements") >= 3);
    long long last = number_of(json, "news");
    assert_true(last >= known + 3);
    json_decref(json);
    json = news_of(&south, last - 1); /* it has heard of that now */
    assert_int_equal(count_of(json, "announcements"), 1);
    json_decref(json);
    for (size_t i = 0; i < GH_ARRAY_SIZE(ids); i++)
        assert_null(ask(&harness, 204, "DELETE", pathf("/api/v1/announcements/%s", ids[i]),
                        harness.admin, NULL));
    wav_file_free(&file);
}

static void test_to_one_gate(void **state)
{
    (void)state;
    struct wav_file file = wav_file_make(&(struct wav_shape){.frames = 100});
    uint64_t of_gate = number_now(&gate), of_south = number_now(&south);
    announce(pathf("?gate=%s", gate.id_text), &file);
    json_t *json = news_of(&gate, (long long)of_gate);
    assert_int_equal(count_of(json, "announcements"), 1);
    assert_true(verify(&gate, json, 0).gate == gate.id);
    assert_true(number_of(json, "news") > (long long)of_gate);
    assert_int_equal(number_of(json, "news"), number_now(&gate));
    json_decref(json);
    assert_int_equal(number_now(&south), of_south);
    json = news_of(&south, (long long)of_south);
    assert_int_equal(count_of(json, "announcements"), 0);
    json_decref(json);
    wav_file_free(&file);
}

static void test_stopped(void **state)
{
    (void)state;
    struct wav_file file = wav_file_make(&(struct wav_shape){.frames = 101});
    char path[64];
    snprintf(path, sizeof(path), "/api/v1/announcements/%s", announce("", &file));
    uint64_t known = number_now(&south);
    assert_null(ask(&harness, 204, "DELETE", path, harness.admin, NULL));
    json_t *json = news_of(&south, (long long)known);
    assert_int_equal(count_of(json, "announcements"), 1);
    struct gh_announcement said = verify(&south, json, 0);
    assert_true(said.cancelled);
    known = (uint64_t)number_of(json, "news");
    json_decref(json);
    assert_null(ask(&harness, 204, "DELETE", path, harness.admin, NULL)); /* twice is once */
    assert_int_equal(number_now(&south), known);
    /* nobody fetches the sound any more */
    char name[2 * GH_SHA256_BYTES + 1];
    gh_hex_encode(said.sha256, sizeof(said.sha256), name);
    ask_error(&harness, 404, "not_found", "GET", pathf("/api/v1/announcements/%s", name),
              south.bearer, NULL);
    ask_error(&harness, 404, "not_found", "DELETE", "/api/v1/announcements/0123456789abcdef",
              harness.admin, NULL);
    wav_file_free(&file);
}

static void expect_refused(const char *query, const void *data, size_t size, const char *type,
                           long status, const char *error, const char *word)
{
    struct answer answer = post_sound(query, data, size, type);
    if (answer.status != status || answer.json == NULL ||
        strcmp(text_of(answer.json, "error"), error) != 0 ||
        strstr(text_of(answer.json, "message"), word) == NULL)
        fail_msg("%ld %s instead of %ld %s, \"%s\"", answer.status, answer.body, status, error,
                 word);
    answer_free(&answer);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    struct wav_file good = wav_file_make(&(struct wav_shape){.frames = 100});
    struct wav_file ten_minutes =
        wav_file_make(&(struct wav_shape){.frames = 4000000, .rate = 8000, .riff_bytes = 9});
    struct wav_file coded = wav_file_make(&(struct wav_shape){.frames = 100, .coding = 6});
    char *large = calloc(1, (8 << 20) + 1);
    uint64_t before = number_now(&south);
    assert_non_null(large);
    expect_refused("", "ID3 and an MP3", 14, "audio/wav", 400, "bad_request", "no WAV file");
    expect_refused("", coded.data, coded.size, "audio/wav", 400, "bad_request", "coding 6");
    expect_refused("", good.data, good.size - 1, "audio/wav", 400, "bad_request", "ends before");
    expect_refused("", ten_minutes.data, ten_minutes.size, "audio/wav", 400, "bad_request",
                   "longer than 60 s: 500 s");
    expect_refused("", large, (8 << 20) + 1, "audio/wav", 413, "too_large", "");
    expect_refused("", good.data, good.size, "audio/mpeg", 415, "unsupported_type", "audio/wav");
    expect_refused("?repeat=0", good.data, good.size, "audio/wav", 400, "bad_request", "repeat");
    expect_refused("?repeat=21", good.data, good.size, "audio/wav", 400, "bad_request", "repeat");
    expect_refused("?expires_s=9", good.data, good.size, "audio/wav", 400, "bad_request",
                   "expires_s");
    expect_refused("?expires_s=86401", good.data, good.size, "audio/wav", 400, "bad_request",
                   "expires_s");
    expect_refused("?text=%0a", good.data, good.size, "audio/wav", 400, "bad_request", "text");
    expect_refused("?text=%ff", good.data, good.size, "audio/wav", 400, "bad_request", "text");
    expect_refused("?gate=north", good.data, good.size, "audio/wav", 400, "bad_request", "gate");
    expect_refused("?gate=0123456789abcdef", good.data, good.size, "audio/wav", 404, "not_found",
                   "");
    expect_refused(pathf("?gate=%s", shut_gate.id_text), good.data, good.size, "audio/wav", 409,
                   "conflict", "");
    expect_refused("?loud=1", good.data, good.size, "audio/wav", 400, "bad_request", "parameter");
    assert_int_equal(number_now(&south), before);
    free(large);
    wav_file_free(&good);
    wav_file_free(&ten_minutes);
    wav_file_free(&coded);
}

/* --- another list key, another day --- */

static size_t count_sounds(void)
{
    size_t count = 0;
    DIR *folder = opendir(in_folder(&harness, "state/announcements"));
    const struct dirent *entry;
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* Over a restart too: numbers, signatures by another list key, sounds. */
static void test_another_list_key(void **state)
{
    (void)state;
    struct wav_file file = wav_file_make(&(struct wav_shape){.frames = 102});
    announce("", &file);
    uint64_t known = number_now(&south);
    json_decref(admin("POST", "/api/v1/keys", "{\"purpose\":\"list\"}"));
    json_t *json = news_of(&south, (long long)known - 1);
    const char *text = json_string_value(json_array_get(json_object_get(json, "announcements"), 0));
    uint8_t bytes[GH_ANNOUNCEMENT_SIGNED_BYTES];
    size_t size = sizeof(bytes);
    struct gh_announcement said;
    struct gh_public_key *old = list_key_of(&south);
    assert_non_null(text);
    assert_int_equal(gh_base64url_decode(text, strlen(text), bytes, &size), GH_OK);
    assert_int_equal(
        gh_announcement_read(old, "riverside.example", (struct gh_bytes){bytes, size}, &said),
        GH_ERR_SIGNATURE);
    gh_public_key_free(old);
    json_decref(json);
    assert_int_equal(number_now(&south), known); /* that is no news */
    size_t sounds = count_sounds();
    assert_true(sounds >= 1);
    harness_stop(&harness);
    write_text(in_folder(&harness, "state/announcements/left-over"), "half a sound");
    harness_start(&harness);
    assert_int_equal(count_sounds(), sounds);
    json = news_of(&south, 0);
    size_t announcements = count_of(json, "announcements");
    json_decref(json);
    assert_true(number_now(&south) >= known);
    assert_true(announcements >= 1);
    wav_file_free(&file);
}

static void test_expired(void **state)
{
    (void)state;
    harness_forward(&harness, 86400);
    log_in(&harness, "admin", ADMIN_PASSWORD, NULL, harness.admin);
    json_t *json = news_of(&south, 0);
    assert_int_equal(count_of(json, "announcements") + count_of(json, "presence"), 0);
    json_decref(json);
    harness_stop(&harness); /* else it is a minute until somebody looks */
    harness_start(&harness);
    assert_int_equal(count_sounds(), 0);
    json = admin("GET", "/api/v1/announcements", NULL);
    assert_true(count_of(json, "announcements") >= 4);
    json_decref(json);
    json = admin("GET", "/api/v1/announcements", NULL);
    const json_t *row = json_array_get(json_object_get(json, "announcements"), 0);
    assert_null(ask(&harness, 204, "DELETE", pathf("/api/v1/announcements/%s", text_of(row, "id")),
                    harness.admin, NULL));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_announcement), cmocka_unit_test(test_a_number_of_another_time),
        cmocka_unit_test(test_to_one_gate),     cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_what_is_refused), cmocka_unit_test(test_another_list_key),
        cmocka_unit_test(test_expired),
    };
    return cmocka_run_group_tests_name("server_announcements", tests, start, tear_down_town);
}
