/* SPDX-License-Identifier: Apache-2.0 */
/* http.c: bodies that go to a file, from some byte on; encoded bodies; a limit to silence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_fixture.h"

#define WHOLE_BYTES 300000u

/* What came, and where it stops. */
struct kept {
    uint8_t *bytes;
    size_t size;
    int begun, status;
    uint64_t from;
    size_t enough; /* says so after so many bytes; 0: never */
    bool refuses;  /* to begin */
};

static bool on_begin(void *context, int status, uint64_t from)
{
    struct kept *kept = context;

    assert_int_equal(kept->size, 0);
    kept->begun++;
    kept->status = status;
    kept->from = from;
    return !kept->refuses;
}

static bool on_piece(void *context, struct gh_bytes piece)
{
    struct kept *kept = context;

    assert_int_equal(kept->begun, 1);
    assert_true(piece.size > 0);
    kept->bytes = realloc(kept->bytes, kept->size + piece.size);
    assert_non_null(kept->bytes);
    memcpy(kept->bytes + kept->size, piece.data, piece.size);
    kept->size += piece.size;
    return kept->enough == 0 || kept->size < kept->enough;
}

static struct gh_http_request fetch(struct kept *kept, uint64_t from)
{
    struct gh_http_request request = get("/file");

    *kept = (struct kept){0};
    request.range_from = from;
    request.begin = on_begin;
    request.sink = on_piece;
    request.sink_context = kept;
    return request;
}

static uint8_t byte_at(uint64_t at)
{
    return (uint8_t)(at * 2654435761u >> 13);
}

static void assert_kept(const struct kept *kept, uint64_t from, uint64_t size)
{
    assert_int_equal(kept->size, size);
    for (uint64_t i = 0; i < size; i++) {
        if (kept->bytes[i] != byte_at(from + i)) {
            fail_msg("byte %llu is another one", (unsigned long long)i);
        }
    }
}

/* A server of one file, with ranges as RFC 9110 has them. */
static struct fault_answer serve_file(void *context, const struct fault_request *request)
{
    const char *range = strstr(request->head, "\r\nRange: bytes=");
    unsigned long from = range != NULL ? strtoul(range + 15, NULL, 10) : 0;
    char head[256];
    (void)context;
    if (from >= WHOLE_BYTES) {
        return fault_answer_make(416, "text/plain", "nothing there", 13);
    }
    int size = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %lu\r\n",
                        range != NULL ? "206 Partial Content" : "200 OK", WHOLE_BYTES - from);
    if (range != NULL) {
        size += snprintf(head + size, sizeof(head) - (size_t)size,
                         "Content-Range: bytes %lu-%u/%u\r\n", from, WHOLE_BYTES - 1, WHOLE_BYTES);
    }
    size += snprintf(head + size, sizeof(head) - (size_t)size, "\r\n");
    struct fault_answer answer = {.size = (size_t)size + WHOLE_BYTES - from};
    answer.bytes = malloc(answer.size);
    assert_non_null(answer.bytes);
    memcpy(answer.bytes, head, (size_t)size);
    for (uint64_t i = from; i < WHOLE_BYTES; i++) {
        answer.bytes[(size_t)size + i - from] = (char)byte_at(i);
    }
    return answer;
}

static int start_file(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    assert_non_null(pair);
    pair->server = fault_server_start(serve_file, NULL);
    pair->transport = transport_to(fault_server_url(pair->server));
    *state = pair;
    return 0;
}

static void all_of_it(void **state)
{
    struct pair *pair = *state;
    struct kept kept;
    struct gh_http_request request = fetch(&kept, 0);
    struct gh_http_response response;
    char head[4096];
    assert_int_equal(perform(&pair->transport, &request, &response), GH_OK);
    assert_int_equal(response.status, 200);
    assert_int_equal(response.size, 0);
    assert_int_equal(kept.status, 200);
    assert_true(kept.from == 0);
    assert_kept(&kept, 0, WHOLE_BYTES);
    fault_server_last_head(pair->server, head, sizeof(head));
    assert_null(strstr(head, "Range"));
    gh_http_response_free(&response);
    free(kept.bytes);
}

static void from_some_byte_on(void **state)
{
    struct pair *pair = *state;
    static const uint64_t places[] = {1, 100, WHOLE_BYTES / 2, WHOLE_BYTES - 1};
    for (size_t i = 0; i < GH_ARRAY_SIZE(places); i++) {
        struct kept kept;
        struct gh_http_request request = fetch(&kept, places[i]);
        struct gh_http_response response;
        assert_int_equal(perform(&pair->transport, &request, &response), GH_OK);
        assert_int_equal(response.status, 206);
        assert_int_equal(kept.status, 206);
        assert_true(kept.from == places[i]);
        assert_kept(&kept, places[i], WHOLE_BYTES - places[i]);
        gh_http_response_free(&response);
        free(kept.bytes);
    }
}

/* What the server says instead of the file is said as ever. */
static void behind_the_end(void **state)
{
    struct pair *pair = *state;
    struct kept kept;
    struct gh_http_request request = fetch(&kept, WHOLE_BYTES);
    struct gh_http_response response;
    assert_int_equal(perform(&pair->transport, &request, &response), GH_OK);
    assert_int_equal(response.status, 416);
    assert_string_equal((char *)response.body, "nothing there");
    assert_int_equal(kept.begun, 0);
    gh_http_response_free(&response);
}

/* What came before the line broke is kept, and the rest comes behind it. */
static void goes_on_after_a_cut(void **state)
{
    struct pair *pair = *state;
    struct kept first, second;
    struct gh_http_request request = fetch(&first, 0);
    struct gh_http_response response;
    fault_server_set(pair->server, FAULT_HALF);
    assert_int_equal(perform(&pair->transport, &request, &response), GH_ERR_NETWORK);
    assert_kept(&first, 0, WHOLE_BYTES / 2);
    fault_server_set(pair->server, FAULT_NONE);
    request = fetch(&second, first.size);
    assert_int_equal(perform(&pair->transport, &request, &response), GH_OK);
    assert_kept(&second, first.size, WHOLE_BYTES - first.size);
    gh_http_response_free(&response);
    free(first.bytes);
    free(second.bytes);
}

static void enough_is_enough(void **state)
{
    struct pair *pair = *state;
    struct kept kept;
    struct gh_http_request request = fetch(&kept, 0);
    struct gh_http_response response;
    kept.enough = 1000;
    assert_int_equal(perform(&pair->transport, &request, &response), GH_ERR_AGAIN);
    assert_true(kept.size >= 1000 && kept.size < WHOLE_BYTES);
    free(kept.bytes);
    request = fetch(&kept, 0);
    kept.refuses = true;
    assert_int_equal(perform(&pair->transport, &request, &response), GH_ERR_AGAIN);
    assert_int_equal(kept.size, 0);
    assert_int_equal(expect(&pair->transport, GH_OK), 200); /* the transport is good still */
}

static void longer_than_allowed(void **state)
{
    struct pair *pair = *state;
    struct kept kept;
    struct gh_http_request request = fetch(&kept, 0);
    struct gh_http_response response;
    request.max_response_bytes = WHOLE_BYTES - 1;
    assert_int_equal(perform(&pair->transport, &request, &response), GH_ERR_TOOBIG);
    assert_true(kept.size < WHOLE_BYTES);
    free(kept.bytes);
    request = fetch(&kept, 0);
    request.max_response_bytes = WHOLE_BYTES;
    assert_int_equal(perform(&pair->transport, &request, &response), GH_OK);
    gh_http_response_free(&response);
    free(kept.bytes);
}

/* Whatever a server, or what is before it, makes of a range: only the one that was asked for, or
 * all of it. */
static void only_the_range_that_was_asked_for(void **state)
{
    static const struct {
        const char *status, *header;
        enum gh_status expected;
        uint64_t from;
    } cases[] = {
        {"206 X", "Content-Range: bytes 100-102/103\r\n", GH_OK, 100},
        {"206 X", "content-range: Bytes 100-102/*\r\n", GH_OK, 100},
        {"200 X", "", GH_OK, 0},
        {"200 X", "Content-Range: bytes 5-7/103\r\n", GH_OK, 0},
        {"206 X", "", GH_ERR_NETWORK, 0},
        {"206 X", "Content-Range: bytes 99-101/103\r\n", GH_ERR_NETWORK, 0},
        {"206 X", "Content-Range: bytes 101-103/104\r\n", GH_ERR_NETWORK, 0},
        {"206 X", "Content-Range: bytes 0-2/103\r\n", GH_ERR_NETWORK, 0},
        {"206 X", "Content-Range: bytes 100-99/103\r\n", GH_ERR_NETWORK, 0},
        {"206 X", "Content-Range: bytes  100-102/103\r\n", GH_ERR_NETWORK, 0},
        {"206 X", "Content-Range: bytes +100-102/103\r\n", GH_ERR_NETWORK, 0},
        {"206 X", "Content-Range: bytes 100-102\r\n", GH_ERR_NETWORK, 0},
        {"206 X", "Content-Range: bytes */103\r\n", GH_ERR_NETWORK, 0},
        {"206 X", "Content-Range: items 100-102/103\r\n", GH_ERR_NETWORK, 0},
        {"206 X", "Content-Range: 100\r\n", GH_ERR_NETWORK, 0},
        {"206 X", "Content-Range: bytes 18446744073709551716-18446744073709551718/103\r\n",
         GH_ERR_NETWORK, 0},
        {"206 X", "Content-Type: multipart/byteranges; boundary=x\r\n", GH_ERR_NETWORK, 0},
    };
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        char text[512];
        struct kept kept;
        snprintf(text, sizeof(text), "HTTP/1.1 %s\r\n%sContent-Length: 3\r\n\r\nabc",
                 cases[i].status, cases[i].header);
        struct fault_server *server = fault_server_start(answer_oddly, text);
        struct gh_transport transport = transport_to(fault_server_url(server));
        struct gh_http_request request = fetch(&kept, 100);
        struct gh_http_response response;
        enum gh_status status = perform(&transport, &request, &response);
        if (status != cases[i].expected || kept.begun != (status == GH_OK) ||
            kept.from != cases[i].from || kept.size != (status == GH_OK ? 3 : 0)) {
            fail_msg("%s %s: %s", cases[i].status, cases[i].header, gh_status_text(status));
        }
        gh_http_response_free(&response);
        free(kept.bytes);
        transport.free(transport.context);
        fault_server_stop(server);
    }
}

/* A part that nobody asked for is not the beginning of the file. */
static void a_range_that_was_not_asked_for(void **state)
{
    static char text[] =
        "HTTP/1.1 206 X\r\nContent-Range: bytes 0-2/3\r\nContent-Length: 3\r\n\r\nabc";
    struct fault_server *server = fault_server_start(answer_oddly, text);
    struct gh_transport transport = transport_to(fault_server_url(server));
    struct kept kept;
    struct gh_http_request request = fetch(&kept, 0);
    struct gh_http_response response;
    (void)state;
    assert_int_equal(perform(&transport, &request, &response), GH_ERR_NETWORK);
    assert_int_equal(kept.begun, 0);
    transport.free(transport.context);
    fault_server_stop(server);
}

/* --- what is sent ------------------------------------------------------------------------------
 */

static void an_encoding_is_said(void **state)
{
    struct pair *pair = *state;
    struct gh_http_request request = get("/entries");
    struct gh_http_response response;
    char head[4096];
    request.method = "POST";
    request.content_type = "application/json";
    request.content_encoding = "zstd";
    request.body = (struct gh_bytes){(const uint8_t *)"(packed)", 8};
    assert_int_equal(perform(&pair->transport, &request, &response), GH_OK);
    gh_http_response_free(&response);
    fault_server_last_head(pair->server, head, sizeof(head));
    assert_non_null(strstr(head, "\r\nContent-Encoding: zstd\r\n"));
    assert_non_null(strstr(head, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(head, "\r\nContent-Length: 8\r\n"));
    request.content_encoding = NULL;
    assert_int_equal(perform(&pair->transport, &request, &response), GH_OK);
    gh_http_response_free(&response);
    fault_server_last_head(pair->server, head, sizeof(head));
    assert_null(strstr(head, "Content-Encoding"));
    request.content_encoding = "zstd\r\nX-Other: yes";
    assert_int_equal(perform(&pair->transport, &request, &response), GH_ERR_INVALID);
    request = get("/x");
    request.range_from = UINT64_MAX;
    assert_int_equal(perform(&pair->transport, &request, &response), GH_ERR_INVALID);
    request = get("/x");
    request.stall_ms = -1;
    assert_int_equal(perform(&pair->transport, &request, &response), GH_ERR_INVALID);
    assert_int_equal(fault_server_requests(pair->server), 2);
}

/* --- silence -----------------------------------------------------------------------------------
 */

static void silence_is_not_waited_out(void **state)
{
    struct pair *pair = *state;
    struct gh_http_request request = get("/x");
    struct gh_http_response response;
    request.timeout_ms = 600000;
    request.stall_ms = 200;
    fault_server_set(pair->server, FAULT_HANG);
    int64_t before_ms = now_ms();
    assert_int_equal(perform(&pair->transport, &request, &response), GH_ERR_TIMEOUT);
    int64_t took_ms = now_ms() - before_ms;
    assert_true(took_ms >= 190 && took_ms < 20000);
    fault_server_set(pair->server, FAULT_NONE);
    assert_int_equal(expect(&pair->transport, GH_OK), 200);
}

/* A byte now and then, for longer than silence may last; then nothing more. */
static struct fault_answer trickle(void *context, const struct fault_request *request)
{
    unsigned *pieces = context;
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n";
    (void)!send(request->fd, head, sizeof(head) - 1, MSG_NOSIGNAL);
    for (unsigned i = 0; i < *pieces; i++) {
        struct pollfd gone = {.fd = request->fd, .events = POLLRDHUP};
        if (poll(&gone, 1, 100) > 0 || send(request->fd, "x", 1, MSG_NOSIGNAL) != 1) {
            break;
        }
    }
    struct pollfd gone = {.fd = request->fd, .events = POLLRDHUP};
    if (*pieces < 12) {
        (void)poll(&gone, 1, 20000);
    }
    return (struct fault_answer){.close = true};
}

static void what_moves_is_waited_for(void **state)
{
    static const struct {
        unsigned pieces;
        enum gh_status expected;
    } cases[] = {{12, GH_OK}, {5, GH_ERR_TIMEOUT}};
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        unsigned pieces = cases[i].pieces;
        struct fault_server *server = fault_server_start(trickle, &pieces);
        struct gh_transport transport = transport_to(fault_server_url(server));
        struct gh_http_request request = get("/slow");
        struct gh_http_response response;
        request.stall_ms = 1000; /* all of it takes longer */
        assert_int_equal(perform(&transport, &request, &response), cases[i].expected);
        gh_http_response_free(&response);
        transport.free(transport.context);
        fault_server_stop(server);
    }
}

#define WITH_FILE(function) cmocka_unit_test_setup_teardown(function, start_file, stop_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(all_of_it),
        WITH_FILE(from_some_byte_on),
        WITH_FILE(behind_the_end),
        WITH_FILE(goes_on_after_a_cut),
        WITH_FILE(enough_is_enough),
        WITH_FILE(longer_than_allowed),
        cmocka_unit_test(only_the_range_that_was_asked_for),
        cmocka_unit_test(a_range_that_was_not_asked_for),
        WITH_SERVER(an_encoding_is_said),
        WITH_SERVER(silence_is_not_waited_out),
        cmocka_unit_test(what_moves_is_waited_for),
    };
    return cmocka_run_group_tests(tests, start_http, NULL);
}
