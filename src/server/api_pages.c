/* SPDX-License-Identifier: Apache-2.0 */
/* What anybody may see: health, metrics, and the page behind a housing code. */
#include <ctype.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "gatehouse/code.h"
#include "server/api.h"
#include "server/db_entries.h"
#include "server/db_list.h"
#include "server/http.h"
#include "server/polls.h"
#include "server/server.h"
#include "server/trusted.h"

#define PROBE_EVERY_NS (2 * GH_NS_PER_S) /* a probe is a write: not for everybody at any rate */

void gh_api_healthz(struct gh_request *request)
{
    struct gh_server *server = request->server;
    int64_t now = gh_clock_monotonic_ns(server->clock);
    char sentence[128];
    if (server->probed_at_ns == 0 || now - server->probed_at_ns >= PROBE_EVERY_NS) {
        server->probed = gh_db_probe(server->db);
        server->probed_at_ns = now;
    }
    bool good = server->probed == GH_OK;
    int size = good ? snprintf(sentence, sizeof(sentence), "ok\n")
                    : snprintf(sentence, sizeof(sentence), "the database cannot be written: %s\n",
                               gh_status_text(server->probed));
    gh_answer_data(request, good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
                   "text/plain; charset=utf-8",
                   (struct gh_bytes){(const uint8_t *)sentence, (size_t)size});
    if (!good)
        gh_answer_retry_after(request, 30);
}

static void put_metric(struct gh_writer *writer, const char *name, const char *type,
                       const char *help, uint64_t value)
{
    char text[256];
    snprintf(text, sizeof(text), "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", name, help, name,
             type, name, value);
    gh_writer_put_text(writer, text);
}

static void put_list_metrics(struct gh_writer *writer, const struct gh_server *server)
{
    int64_t made_at = gh_publisher_snapshot_made_at(server->publisher);
    int64_t age_s = gh_clock_wall_s(server->clock) - made_at;
    put_metric(writer, "gatehouse_list_generation", "gauge", "Generation of the list.",
               gh_db_generation(server->db));
    put_metric(writer, "gatehouse_list_snapshot_age_seconds", "gauge",
               "Age of the list's snapshot; 0 before the first.",
               made_at != 0 && age_s > 0 ? (uint64_t)age_s : 0);
    put_metric(writer, "gatehouse_list_answers_total", "counter",
               "Answers to gates that asked for the list.", gh_polls_answered(server->polls));
    put_metric(writer, "gatehouse_polls", "gauge", "Requests for the list that wait for a change.",
               gh_polls_open(server->polls));
    put_metric(writer, "gatehouse_gates_connected", "gauge", "Gates that wait for a change.",
               gh_roster_connected(server->roster));
}

static void put_alarm_metrics(struct gh_writer *writer, const struct gh_db *db)
{
    uint64_t raised[GH_ALARM_END];
    char text[128];
    gh_db_alarms_raised(db, raised);
    gh_writer_put_text(
        writer, "# HELP gatehouse_alarms_raised_total Alarms since the start, each time, by kind.\n"
                "# TYPE gatehouse_alarms_raised_total counter\n");
    for (int kind = 1; kind < GH_ALARM_END; kind++) {
        snprintf(text, sizeof(text), "gatehouse_alarms_raised_total{kind=\"%s\"} %" PRIu64 "\n",
                 gh_alarm_name((enum gh_alarm)kind), raised[kind]);
        gh_writer_put_text(writer, text);
    }
}

void gh_api_metrics(struct gh_request *request)
{
    struct gh_db_counts counts;
    char buffer[16384], text[128];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    enum gh_status status = gh_db_count(request->server->db, &counts);
    if (status != GH_OK) {
        gh_answer_status(request, status);
        return;
    }
    put_metric(&writer, "gatehouse_entries_total", "counter", "Entries stored.", counts.entries);
    put_metric(&writer, "gatehouse_refused_total", "counter", "Entries refused and kept aside.",
               counts.refused);
    put_metric(&writer, "gatehouse_alarms_total", "counter",
               "Alarms: rows of GET /api/v1/alarms that there ever were.", counts.alarms);
    put_alarm_metrics(&writer, request->server->db);
    put_metric(&writer, "gatehouse_gates", "gauge", "Gates that are enrolled.", counts.gates);
    put_list_metrics(&writer, request->server);
    gh_writer_put_text(&writer, "# HELP gatehouse_http_requests_total Requests answered.\n"
                                "# TYPE gatehouse_http_requests_total counter\n");
    for (unsigned i = 100; i < GH_HTTP_STATUSES; i++) {
        uint64_t count = gh_http_server_answered(request->server->http, i);
        if (count == 0)
            continue;
        snprintf(text, sizeof(text), "gatehouse_http_requests_total{status=\"%u\"} %" PRIu64 "\n",
                 i, count);
        gh_writer_put_text(&writer, text);
    }
    gh_writer_put_text(&writer, "# HELP gatehouse_build_info Which server this is.\n"
                                "# TYPE gatehouse_build_info gauge\n"
                                "gatehouse_build_info{version=\"" GH_VERSION "\"} 1\n");
    gh_answer_data(request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
                   (struct gh_bytes){writer.data, writer.size});
}

/* --- the page behind a housing code --- */

#define STYLE                                                                                      \
    ":root{color-scheme:light dark;--bg:#f4f5f2;--card:#fff;--ink:#1c2420;--soft:#5d6a63;"         \
    "--good:#1a7f4b;--old:#a45b00;--bad:#b3261e}"                                                  \
    "@media(prefers-color-scheme:dark){:root{--bg:#111512;--card:#1b211d;--ink:#eef2ee;"           \
    "--soft:#9faca4;--good:#4fc98a;--old:#f0a94b;--bad:#ff8a80}}"                                  \
    "*{box-sizing:border-box}"                                                                     \
    "body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.25rem;"              \
    "background:var(--bg);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}"               \
    "main{width:100%;max-width:26rem;padding:2.25rem 1.75rem 1.75rem;border-radius:1.25rem;"       \
    "background:var(--card);box-shadow:0 1px 2px #0002,0 12px 32px #0001;text-align:center}"       \
    "svg{width:4.5rem;height:4.5rem;fill:none;stroke:currentColor;stroke-width:2;"                 \
    "stroke-linecap:round;stroke-linejoin:round}"                                                  \
    ".good svg,.good h1{color:var(--good)}.old svg,.old h1{color:var(--old)}"                      \
    ".bad svg,.bad h1{color:var(--bad)}"                                                           \
    "h1{margin:.75rem 0 .5rem;font-size:1.5rem;line-height:1.25}p{margin:.5rem 0}"                 \
    "footer{margin-top:1.75rem;padding-top:1rem;border-top:1px solid #8883;"                       \
    "color:var(--soft);font-size:.875rem}"

struct verdict {
    unsigned status;
    const char *tone;
    const char *mark; /* of the drawing */
    const char *title;
    const char *text;
};

static const struct verdict current = {
    MHD_HTTP_OK, "good", "M8 12.5l3 3 5.5-6.5", "A true housing code",
    "It was issued here and it is the home&rsquo;s current code. Gates accept it."};
static const struct verdict replaced = {
    MHD_HTTP_GONE, "old", "M12 7v6M12 16.5v.01", "This code was replaced",
    "It was issued here, but it is no longer the home&rsquo;s code. Gates do not accept it. "
    "Ask your landlord for the new one."};
static const struct verdict unknown = {
    MHD_HTTP_NOT_FOUND, "bad", "M9 9l6 6M15 9l-6 6", "Not a code of this town",
    "It was not issued here, or it was damaged. Gates do not accept it."};

/* The code as it was signed: with the link's beginning in upper case, whatever a browser made of
 * it. Whether it is an authentic housing code. */
static bool read_link(struct gh_server *server, const char *host, const char *text,
                      struct gh_credential *said)
{
    char code[GH_CODE_OWN_MAX_BYTES * 2];
    struct gh_writer writer = gh_writer_over(code, sizeof(code));
    gh_writer_put_text(&writer, "HTTPS://");
    for (const char *c = host; *c != '\0'; c++)
        gh_writer_put_byte(&writer, (uint8_t)toupper((unsigned char)*c));
    gh_writer_put_text(&writer, "/H/");
    gh_writer_put_text(&writer, text);
    if (writer.overflow)
        return false;
    gh_code_read(server->trust, (struct gh_bytes){writer.data, writer.size},
                 gh_clock_wall_s(server->clock), said);
    return said->authentic && said->kind == GH_KIND_HOUSING;
}

/* Codes are issued for the public host of now; those of an earlier one are still true, and are
 * found under the name that the browser asked for. Whose name that is does not matter: it is
 * signed. */
static bool read_shown(const struct gh_request *request, struct gh_credential *said)
{
    const char *asked =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    return read_link(request->server, request->server->code_host, request->text, said) ||
           (asked != NULL && read_link(request->server, asked, request->text, said));
}

static enum gh_status judge(const struct gh_request *request, const struct verdict **verdict)
{
    struct gh_credential said;
    struct gh_db_credential issued;
    *verdict = &unknown;
    enum gh_status status =
        request->server->trust != NULL ? GH_OK : gh_server_renew_trust(request->server);
    if (status != GH_OK || !read_shown(request, &said))
        return status;
    status = gh_db_credential_find(request->server->db, said.id, &issued);
    if (status == GH_ERR_NOTFOUND) /* signed by our key, but not written down */
        return GH_OK;
    if (status == GH_OK && issued.kind == GH_KIND_HOUSING && issued.about == said.home)
        *verdict = issued.revoked_at == 0 && said.reason == GH_REASON_OK ? &current : &replaced;
    return status;
}

static void put_escaped(struct gh_writer *writer, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            gh_writer_put_text(writer, "&lt;");
            break;
        case '>':
            gh_writer_put_text(writer, "&gt;");
            break;
        case '&':
            gh_writer_put_text(writer, "&amp;");
            break;
        case '"':
            gh_writer_put_text(writer, "&quot;");
            break;
        default:
            gh_writer_put_byte(writer, (uint8_t)*text);
        }
    }
}

static void put_policy_header(struct gh_request *request)
{
    uint8_t hash[GH_SHA256_BYTES];
    char base64[48], policy[256];
    gh_sha256((struct gh_bytes){(const uint8_t *)STYLE, sizeof(STYLE) - 1}, hash);
    sodium_bin2base64(base64, sizeof(base64), hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL);
    snprintf(policy, sizeof(policy),
             "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; "
             "frame-ancestors 'none'",
             base64);
    gh_answer_header(request, "Content-Security-Policy", policy);
    gh_answer_header(request, "X-Frame-Options", "DENY");
    gh_answer_header(request, "X-Robots-Tag", "noindex, nofollow");
}

void gh_api_home_page(struct gh_request *request)
{
    const struct verdict *verdict;
    char buffer[8192];
    struct gh_writer page = gh_writer_over(buffer, sizeof(buffer));
    enum gh_status status = judge(request, &verdict);
    if (status != GH_OK) {
        gh_answer_status(request, status);
        return;
    }
    gh_writer_put_text(&page, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                              "<meta name=\"viewport\" content=\"width=device-width\">"
                              "<title>");
    gh_writer_put_text(&page, verdict->title);
    gh_writer_put_text(&page, "</title><style>" STYLE "</style></head><body><main class=\"");
    gh_writer_put_text(&page, verdict->tone);
    gh_writer_put_text(&page, "\"><svg viewBox=\"0 0 24 24\" aria-hidden=\"true\">"
                              "<circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"");
    gh_writer_put_text(&page, verdict->mark);
    gh_writer_put_text(&page, "\"/></svg><h1>");
    gh_writer_put_text(&page, verdict->title);
    gh_writer_put_text(&page, "</h1><p>");
    gh_writer_put_text(&page, verdict->text);
    gh_writer_put_text(&page, "</p><footer>");
    put_escaped(&page, request->server->settings.area);
    gh_writer_put_text(&page, "</footer></main></body></html>\n");
    gh_answer_data(request, verdict->status, "text/html; charset=utf-8",
                   (struct gh_bytes){page.data, page.size});
    put_policy_header(request);
}
