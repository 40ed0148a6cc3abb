/* SPDX-License-Identifier: Apache-2.0 */
/* The list, as gates fetch it (docs/protocol.md, section 4). */
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "gatehouse/log.h"
#include "server/api.h"
#include "server/db_entries.h"
#include "server/db_list.h"
#include "server/polls.h"
#include "server/publish.h"
#include "server/server.h"

#define ALARM_EVERY_S 3600
#define JUMP_EVERY_NS GH_NS_PER_S

/* Absent: *out stays. */
static bool query_hex(struct gh_request *request, const char *name, uint8_t *out, size_t size)
{
    const char *text = gh_request_query(request, name);
    if (text == NULL || gh_hex_decode(text, strlen(text), out, size) == GH_OK)
        return true;
    gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request",
                    "tag and boot are hex digits, 16 and 32 of them");
    return false;
}

static void raise_alarm(struct gh_server *server, gh_id gate, enum gh_alarm alarm, const char *text)
{
    gh_log(GH_LOG_WARNING, "list", "gate %016" PRIx64 ": %s", gate, text);
    if (gh_db_alarm_add(server->db, gate, alarm, 0, text, gh_clock_wall_s(server->clock)) != GH_OK)
        gh_log(GH_LOG_ERR, "list", "an alarm cannot be written down");
}

/* Also after the clock was set back. */
static bool is_time(int64_t last, int64_t now)
{
    return last == 0 || now - last >= ALARM_EVERY_S || now < last;
}

static void look_at_boot(struct gh_server *server, struct gh_roster_gate *gate,
                         const uint8_t boot[GH_BOOT_BYTES])
{
    int64_t now = gh_clock_wall_s(server->clock);
    if (!gh_roster_boot(gate, boot) || !is_time(gate->cloned_at, now))
        return;
    gate->cloned_at = now;
    raise_alarm(server, gate->id, GH_ALARM_CLONED,
                "a boot id came back after another one: two boards have this identity");
}

static void say_older(struct gh_server *server, const struct gh_roster_gate *gate,
                      const struct gh_generation *have, const char *what)
{
    char text[160];
    int64_t now = gh_clock_wall_s(server->clock);
    if (!is_time(server->older_at, now))
        return;
    server->older_at = now;
    snprintf(text, sizeof(text), "the gate has generation %" PRIu64 " of the list, %s",
             have->number, what);
    raise_alarm(server, gate->id, GH_ALARM_OLDER_DATABASE, text);
}

/* A gate knows what this database does not: it is an older copy of itself. The list must go on
 * behind all that has ever been signed, or gates will refuse it. */
static void look_ahead(struct gh_server *server, const struct gh_roster_gate *gate,
                       const struct gh_generation *have)
{
    bool other = false;
    int64_t now_ns = gh_clock_monotonic_ns(server->clock);
    uint64_t now = gh_db_generation(server->db);
    if (have->number <= now) {
        const struct gh_generation newest = gh_publisher_newest(server->publisher);
        if (have->number != 0 && !gh_generation_same(have, &newest) &&
            gh_db_list_is_other(server->db, have, &other) == GH_OK && other)
            say_older(server, gate, have, "but another one: the database is an older copy");
        return;
    }
    say_older(server, gate, have, "which is ahead: the database is an older copy");
    /* One that has gone mad must not make a generation with each of its questions. */
    if (server->jumped_at_ns != 0 && now_ns - server->jumped_at_ns < JUMP_EVERY_NS)
        return;
    server->jumped_at_ns = now_ns;
    enum gh_status status = gh_publisher_jump(server->publisher, have->number);
    if (status == GH_OK)
        gh_log(GH_LOG_WARNING, "list", "the list goes on at generation %" PRIu64,
               gh_db_generation(server->db));
    else
        gh_log(GH_LOG_ERR, "list", "the list cannot go on behind generation %" PRIu64 ": %s",
               have->number, gh_status_text(status));
}

void gh_api_list(struct gh_request *request)
{
    struct gh_server *server = request->server;
    struct gh_generation have = {0};
    uint8_t boot[GH_BOOT_BYTES];
    int64_t number = 0, wait_s = 0, news = 0;
    if (!gh_request_query_number(request, "generation", 0, INT64_MAX, &number) ||
        !gh_request_query_number(request, "wait_s", 0, GH_POLL_WAIT_MAX_S, &wait_s) ||
        !gh_request_query_number(request, "news", 0, INT64_MAX, &news) ||
        !query_hex(request, "tag", have.tag, sizeof(have.tag)) ||
        !query_hex(request, "boot", boot, sizeof(boot)))
        return;
    struct gh_roster_gate *gate = gh_roster_find(server->roster, request->gate);
    have.number = (uint64_t)number;
    gate->generation = have.number;
    if (gh_request_query(request, "boot") != NULL)
        look_at_boot(server, gate, boot);
    look_ahead(server, gate, &have);
    bool asks = gh_request_query(request, "news") != NULL;
    gh_polls_take(server->polls, request, gate, &have, asks ? (uint64_t)news : GH_POLL_NO_NEWS,
                  wait_s);
}

void gh_api_list_snapshot(struct gh_request *request)
{
    int fd;
    uint64_t size;
    enum gh_status status =
        gh_publisher_open(request->server->publisher, request->text, &fd, &size);
    if (status == GH_OK)
        gh_answer_file(request, "application/zstd", request->text, fd, size);
    else
        gh_answer_status(request, status);
}
