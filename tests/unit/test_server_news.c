/* SPDX-License-Identifier: Apache-2.0 */
/* News over HTTP: what gates hear and when, announcements and their sounds, what doors raise. */
#include "test_server_alone.h"

#include <dirent.h>

#include "fakes/wav_writer.h"
#include "gatehouse/announcement.h"
#include "test_server_list_http.h"
#include "test_server_town.h"

#define SUBJECT UINT64_C(0x00000000a11ce001)

static struct test_gate south;
static struct follower follower;
static uint8_t heads[2][GH_SHA256_BYTES]; /* of the two gates' chains */
static uint64_t lasts[2];

static int64_t now_s(void)
{
    return harness_wall(harness.time) / GH_NS_PER_S;
}

/* --- entries --- */

static void post_entry(const struct test_gate *who, struct gh_entry *entry)
{
    size_t chain = who == &gate ? 0 : 1;
    char text[GH_ENTRY_MAX_BYTES];
    entry->gate = who->id;
    entry->sequence = ++lasts[chain];
    entry->clock_trusted = true;
    if (entry->wall_ms == 0)
        entry->wall_ms = harness_wall(harness.time) / GH_NS_PER_MS;
    snprintf(entry->boot_id, sizeof(entry->boot_id), "00112233445566778899aabbccddeeff");
    memcpy(entry->previous, heads[chain], GH_SHA256_BYTES);
    size_t size = gh_entry_format(entry, text);
    gh_entry_hash((struct gh_bytes){(const uint8_t *)text, size}, heads[chain]);
    json_t *json = ask(&harness, 200, "POST", "/api/v1/entries", who->bearer,
                       pathf("{\"entries\":[%s]}", text));
    assert_int_equal(number_of(json, "stored"), 1);
    json_decref(json);
}

static uint64_t pass(const struct test_gate *who, gh_id subject, enum gh_direction direction)
{
    struct gh_entry entry = {.type = GH_ENTRY_PASSAGE,
                             .outcome = GH_OUTCOME_OPEN,
                             .reason = GH_REASON_OK,
                             .subject = subject,
                             .direction = direction};
    post_entry(who, &entry);
    return entry.sequence;
}

static void door(const struct test_gate *who, enum gh_door_event event, uint64_t about)
{
    struct gh_entry entry = {.type = GH_ENTRY_DOOR, .door = event, .about = about};
    post_entry(who, &entry);
}

/* --- asking --- */

static json_t *news_of(const struct test_gate *who, long long after)
{
    return ask(&harness, 200, "GET", pathf("/api/v1/news?after=%lld", after), who->bearer, NULL);
}

/* The number in the list's answer. */
static uint64_t number_now(const struct test_gate *who)
{
    static const struct gh_generation nothing;
    struct answer answer;
    fetch_list_answer(&harness, who, &nothing, 0, &answer);
    uint64_t number = take_apart((struct gh_bytes){(const uint8_t *)answer.body, answer.size}).news;
    answer_free(&answer);
    json_decref(news_of(who, 0)); /* as a gate learns it */
    return number;
}

/* Movements are shown twice a second at most. */
static json_t *news_when_shown(const struct test_gate *who, long long after, size_t movements)
{
    int64_t deadline = now_ms() + DEADLINE_MS;
    for (;;) {
        json_t *json = news_of(who, after);
        if (json_array_size(json_object_get(json, "presence")) >= movements)
            return json;
        json_decref(json);
        if (now_ms() > deadline)
            fail_msg("movements are never shown");
        pause_ms(5);
    }
}

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

static size_t count_of(const json_t *news, const char *name)
{
    return json_array_size(json_object_get(news, name));
}

/* --- movements --- */

static void test_nothing_yet(void **state)
{
    (void)state;
    json_t *json = news_of(&gate, 0);
    assert_int_equal(number_of(json, "news"), 0);
    assert_int_equal(count_of(json, "presence") + count_of(json, "announcements"), 0);
    assert_true(json_is_false(json_object_get(json, "more")));
    json_decref(json);
    assert_int_equal(number_now(&gate), 0);
}

static void test_others_hear_of_a_passage(void **state)
{
    (void)state;
    uint64_t passage = pass(&gate, SUBJECT, GH_DIRECTION_IN);
    json_t *json = news_when_shown(&south, 0, 1);
    const json_t *movement = json_array_get(json_object_get(json, "presence"), 0);
    assert_string_equal(text_of(movement, "gate"), gate.id_text);
    assert_string_equal(text_of(movement, "subject"), "00000000a11ce001");
    assert_string_equal(text_of(movement, "direction"), "in");
    assert_true(llabs(number_of(movement, "at_ms") / 1000 - now_s()) < 100);
    assert_null(json_object_get(movement, "undone"));
    long long known = number_of(json, "news");
    assert_int_equal(number_now(&south), known);
    json_decref(json);
    json = news_of(&gate, 0);
    assert_int_equal(count_of(json, "presence"), 0);
    json_decref(json);
    json = news_of(&south, known);
    assert_int_equal(count_of(json, "presence"), 0);
    json_decref(json);
    door(&gate, GH_DOOR_EVENT_UNUSED, passage);
    json = news_when_shown(&south, known, 1);
    movement = json_array_get(json_object_get(json, "presence"), 0);
    assert_true(json_is_true(json_object_get(movement, "undone")));
    assert_true(number_of(json, "news") > known);
    json_decref(json);
}

/* Refused ones, and those at gates that lead both ways, are nobody's movements. */
static void test_what_is_no_movement(void **state)
{
    (void)state;
    uint64_t before = number_now(&south);
    struct gh_entry refused = {.type = GH_ENTRY_PASSAGE,
                               .outcome = GH_OUTCOME_DENY,
                               .reason = GH_REASON_RED,
                               .subject = SUBJECT,
                               .direction = GH_DIRECTION_IN};
    post_entry(&gate, &refused);
    pass(&gate, SUBJECT, GH_DIRECTION_NONE);
    pass(&gate, 0, GH_DIRECTION_IN);
    pass(&gate, SUBJECT + 1, GH_DIRECTION_OUT); /* and one that is, so that we see when */
    json_t *json = news_when_shown(&south, (long long)before, 1);
    assert_int_equal(count_of(json, "presence"), 1);
    assert_string_equal(text_of(json_array_get(json_object_get(json, "presence"), 0), "direction"),
                        "out");
    json_decref(json);
}

/* --- waiting --- */

/* A question that stays open; returns its socket. */
static int wait_for_news(const struct test_gate *who, const char *news)
{
    char path[LIST_PATH_BYTES];
    int fd = connect_to(&harness);
    follow_now(&harness, who, &follower);
    list_path(&follower.have, 50, NULL, path);
    send_text(fd, pathf("GET %s%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                        "Connection: close\r\n\r\n",
                        path, news, who->bearer));
    return fd;
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

/* The status of what comes; 0: the other side still thinks. */
static int status_of(int fd, bool wait)
{
    char text[4096] = "";
    struct timeval patience = {.tv_sec = DEADLINE_MS / 1000};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    ssize_t got = recv(fd, text, sizeof(text) - 1, wait ? 0 : MSG_DONTWAIT);
    int status = 0;
    if (got > 0)
        assert_int_equal(sscanf(text, "HTTP/1.1 %d", &status), 1);
    return status;
}

static void test_woken_for_movements(void **state)
{
    (void)state;
    uint64_t known = number_now(&south);
    int fd = wait_for_news(&south, pathf("&news=%llu", (unsigned long long)known));
    wait_for_polls(1);
    pass(&gate, SUBJECT, GH_DIRECTION_OUT);
    assert_int_equal(status_of(fd, true), 200);
    close(fd);
    wait_for_polls(0);
    assert_true(number_now(&south) > known);
}

/* Whose news it is not, who has it, and who did not ask are left alone; a wake that comes later
 * shows that they were passed over. */
static void test_who_is_not_woken(void **state)
{
    (void)state;
    uint64_t before = number_now(&south); /* a gate that asks once more waits no longer */
    int own = wait_for_news(&gate, pathf("&news=%llu", (unsigned long long)number_now(&gate)));
    wait_for_polls(1);
    int without = wait_for_news(&south, "");
    wait_for_polls(2);
    pass(&gate, SUBJECT, GH_DIRECTION_IN);
    json_decref(news_when_shown(&south, (long long)before, 1));
    assert_int_equal(metric("gatehouse_polls"), 2);
    assert_int_equal(status_of(own, false), 0);
    assert_int_equal(status_of(without, false), 0);
    json_decref(admin("POST", "/api/v1/keys", "{\"purpose\":\"health\"}")); /* the list changes */
    assert_int_equal(status_of(own, true), 200);
    assert_int_equal(status_of(without, true), 200);
    close(own);
    close(without);
    wait_for_polls(0);
}

/* However many there are: twice a second, and nobody is told of them before, however they ask. */
static void test_shown_together(void **state)
{
    (void)state;
    harness_forward(&harness, 1);
    harness_freeze(&harness, true);
    uint64_t before = number_now(&south);
    pass(&gate, SUBJECT, GH_DIRECTION_OUT);
    json_decref(news_when_shown(&south, (long long)before, 1));
    uint64_t shown = number_now(&south);
    assert_true(shown > before);
    for (int i = 0; i < 5; i++) {
        pass(&gate, SUBJECT, i % 2 ? GH_DIRECTION_OUT : GH_DIRECTION_IN);
        assert_int_equal(number_now(&south), shown);
        json_t *json = news_of(&south, (long long)shown);
        assert_int_equal(count_of(json, "presence"), 0);
        assert_int_equal(number_of(json, "news"), shown);
        json_decref(json);
    }
    harness_freeze(&harness, false);
    json_decref(news_when_shown(&south, (long long)shown, 1));
    assert_int_equal(number_now(&south), shown + 5);
}

/* At once: there are news already; or fewer than the gate says it has heard of: the database is an
 * older copy. */
static void test_answered_at_once(void **state)
{
    (void)state;
    int fd = wait_for_news(&south, "&news=0");
    assert_int_equal(status_of(fd, true), 200);
    close(fd);
    fd = wait_for_news(&south, "&news=4000000000");
    assert_int_equal(status_of(fd, true), 200);
    close(fd);
    json_t *json = news_of(&south, 4000000000);
    assert_int_equal(number_of(json, "news"), number_now(&south));
    json_decref(json);
    ask_error(&harness, 400, "bad_request", "GET",
              "/api/v1/list?generation=0&tag=0000000000000000&news=-1", south.bearer, NULL);
    ask_error(&harness, 400, "bad_request", "GET", "/api/v1/news?after=x", south.bearer, NULL);
}

/* --- announcements --- */

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
    long long known = (long long)number_now(&south);
    char ids[3][GH_ID_TEXT_BYTES];
    for (size_t i = 0; i < GH_ARRAY_SIZE(ids); i++)
        snprintf(ids[i], sizeof(ids[i]), "%s", announce("", &file));
    json_t *json = news_of(&south, known + 2);
    assert_true(count_of(json, "announcements") >= 3);
    assert_int_equal(number_of(json, "news"), known + 3);
    json_decref(json);
    json = news_of(&south, known + 2); /* it has heard of that now */
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

/* --- the policy --- */

static void configure(const char *policy)
{
    harness_configure(&harness, "log_level = debug", policy);
}

static void test_turned_off(void **state)
{
    (void)state;
    pass(&gate, SUBJECT, GH_DIRECTION_IN);
    json_decref(news_when_shown(&south, 0, 1));
    configure("anti_passback = off");
    assert_int_equal(kill(harness.pid, SIGHUP), 0);
    int64_t deadline = now_ms() + DEADLINE_MS;
    for (size_t count = 1; count > 0;) {
        json_t *json = news_of(&south, 0);
        count = count_of(json, "presence");
        json_decref(json);
        assert_true(now_ms() < deadline);
    }
    uint64_t before = number_now(&south);
    pass(&gate, SUBJECT, GH_DIRECTION_OUT);
    assert_int_equal(number_now(&south), before);
}

/* --- doors --- */

static void test_doors_raise_alarms(void **state)
{
    (void)state;
    static const struct {
        enum gh_door_event event;
        const char *kind;
    } alarms[] = {{GH_DOOR_EVENT_FORCED, "forced"},
                  {GH_DOOR_EVENT_TAMPER, "tamper"},
                  {GH_DOOR_EVENT_FIRE, "fire"}};
    door(&south, GH_DOOR_EVENT_HELD, 0); /* is none */
    for (size_t i = 0; i < GH_ARRAY_SIZE(alarms); i++) {
        door(&south, alarms[i].event, 0);
        assert_int_equal(
            metric(pathf("gatehouse_alarms_raised_total{kind=\"%s\"}", alarms[i].kind)), 1);
    }
    door(&south, GH_DOOR_EVENT_FIRE_OVER, 0);
    json_t *json = admin("GET", pathf("/api/v1/alarms?gate=%s", south.id_text), NULL);
    const json_t *rows = json_object_get(json, "alarms");
    assert_int_equal(json_array_size(rows), GH_ARRAY_SIZE(alarms));
    for (size_t i = 0; i < GH_ARRAY_SIZE(alarms); i++)
        assert_string_equal(text_of(json_array_get(rows, i), "kind"), alarms[i].kind);
    json_decref(json);
}

static int start(void **state)
{
    (void)set_up_town(state);
    harness_stop(&harness);
    configure("anti_passback = soft\nanti_passback_forgive_min = 60");
    harness_start(&harness);
    begin_following(&harness, &follower);
    add_gate(&harness, "South", &south);
    json_decref(enrol_with(&harness, 200, &south, south.secret));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_yet),
        cmocka_unit_test(test_others_hear_of_a_passage),
        cmocka_unit_test(test_what_is_no_movement),
        cmocka_unit_test(test_woken_for_movements),
        cmocka_unit_test(test_who_is_not_woken),
        cmocka_unit_test(test_shown_together),
        cmocka_unit_test(test_answered_at_once),
        cmocka_unit_test(test_an_announcement),
        cmocka_unit_test(test_a_number_of_another_time),
        cmocka_unit_test(test_to_one_gate),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_doors_raise_alarms),
        cmocka_unit_test(test_turned_off),
        cmocka_unit_test(test_another_list_key),
        cmocka_unit_test(test_expired),
    };
    return cmocka_run_group_tests_name("server_news", tests, start, tear_down_town);
}
