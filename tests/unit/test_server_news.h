/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the server's news: two gates of a town, what they post, what they hear. */
#ifndef GATEHOUSE_TESTS_SERVER_NEWS_H
#define GATEHOUSE_TESTS_SERVER_NEWS_H

#include "test_server_list_http.h"
#include "test_server_town.h"

static struct test_gate south;
static struct follower follower;
static uint8_t heads[2][GH_SHA256_BYTES]; /* of the two gates' chains */
static uint64_t lasts[2];

static inline int64_t now_s(void)
{
    return harness_wall(harness.time) / GH_NS_PER_S;
}

static inline void post_entry(const struct test_gate *who, struct gh_entry *entry)
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

/* --- asking --- */

static inline json_t *news_of(const struct test_gate *who, long long after)
{
    return ask(&harness, 200, "GET", pathf("/api/v1/news?after=%lld", after), who->bearer, NULL);
}

/* The number in the list's answer. */
static inline uint64_t number_in_list(const struct test_gate *who)
{
    static const struct gh_generation nothing;
    struct answer answer;
    fetch_list_answer(&harness, who, &nothing, 0, &answer);
    uint64_t number = take_apart((struct gh_bytes){(const uint8_t *)answer.body, answer.size}).news;
    answer_free(&answer);
    return number;
}

/* The same, and the gate has asked for what it stands for. */
static inline uint64_t number_now(const struct test_gate *who)
{
    uint64_t number = number_in_list(who);
    json_decref(news_of(who, 0));
    return number;
}

static inline size_t count_of(const json_t *news, const char *name)
{
    return json_array_size(json_object_get(news, name));
}

/* --- waiting --- */

/* A question that stays open; returns its socket. */
static inline int wait_for_news(const struct test_gate *who, const char *news)
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

static inline void wait_for_polls(long long count)
{
    int64_t deadline = now_ms() + DEADLINE_MS;
    while (metric("gatehouse_polls") != count) {
        if (now_ms() > deadline)
            fail_msg("there are never %lld who wait", count);
        pause_ms(2);
    }
}

/* The status of what comes; 0: the other side still thinks. */
static inline int status_of(int fd, bool wait)
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

/* --- the town --- */

static inline void configure(const char *policy)
{
    harness_configure(&harness, "log_level = debug", policy);
}

static inline int start(void **state)
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

#endif
