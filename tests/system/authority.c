/* SPDX-License-Identifier: Apache-2.0 */
/* authority CERTIFICATE KEY TOKEN: plays the health authority of docs/protocol.md, section 6, over
 * HTTPS on a free port of 127.0.0.1. Says `listening <port>` on standard output, and `asked <code>`
 * for each question. What it answers depends on what the code's text ends in:
 *
 *   GREEN YELLOW RED  valid, of that colour, with a holder
 *   ENDING            valid and green, until the year 2100
 *   OVER              valid and green, until the year 2000
 *   INVALID           invalid
 *   SLOW              valid and green, after 3 s
 *   HALF              half of such an answer, then the connection breaks off
 *   HUGE              such an answer, and a megabyte of blanks
 *   TYPE              such an answer, as text/html
 *   NONSENSE          valid, of a colour that there is not
 *   500               status 500
 *   MOVED             status 302 to itself
 *
 * Anything else is unknown to it. Another bearer than TOKEN gets 401, another path 404. Ends with
 * status 0 on SIGTERM. */
#include <arpa/inet.h>
#include <jansson.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gatehouse/file.h"

#define BODY_MAX_BYTES 32768
#define HUGE_BYTES (1 << 20)
#define HOLDER "4711-holder-whom-nobody-may-know"
#define VALID "\"verdict\":\"valid\",\"colour\":\"green\""

static const char *token;

struct question {
    size_t size;
    char body[BODY_MAX_BYTES + 1];
};

static bool ends_in(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status,
                                 const char *type, const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_FOUND)
        MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, "/verify");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static ssize_t read_half(void *context, uint64_t at, char *out, size_t size)
{
    static const char half[] = "{" VALID;
    (void)context;
    if (at >= sizeof(half) - 1 || size < sizeof(half) - 1)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    memcpy(out, half, sizeof(half) - 1);
    return sizeof(half) - 1;
}

static enum MHD_Result send_half(struct MHD_Connection *connection)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(64, 64, read_half, NULL, NULL);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_huge(struct MHD_Connection *connection)
{
    char *text = malloc(HUGE_BYTES + 1);
    if (text == NULL)
        return MHD_NO;
    memset(text, ' ', HUGE_BYTES);
    text[HUGE_BYTES] = '\0';
    memcpy(text, "{" VALID "}", sizeof("{" VALID "}") - 1);
    enum MHD_Result result = send_text(connection, MHD_HTTP_OK, "application/json", text);
    free(text);
    return result;
}

static enum MHD_Result judge(struct MHD_Connection *connection, const char *code)
{
    static const struct {
        const char *end, *type, *text;
        unsigned status;
    } rows[] = {
        {"GREEN", NULL, "{" VALID ",\"holder\":\"" HOLDER "\"}", 200},
        {"YELLOW", NULL, "{\"verdict\":\"valid\",\"colour\":\"yellow\",\"holder\":\"" HOLDER "\"}",
         200},
        {"RED", NULL, "{\"verdict\":\"valid\",\"colour\":\"red\",\"holder\":\"" HOLDER "\"}", 200},
        {"ENDING", NULL, "{" VALID ",\"expires_at\":\"2100-01-01T00:00:00Z\"}", 200},
        {"OVER", NULL, "{" VALID ",\"expires_at\":\"2000-01-01T00:00:00Z\"}", 200},
        {"INVALID", NULL, "{\"verdict\":\"invalid\"}", 200},
        {"SLOW", NULL, "{" VALID "}", 200},
        {"TYPE", "text/html", "{" VALID "}", 200},
        {"NONSENSE", NULL, "{\"verdict\":\"valid\",\"colour\":\"ultraviolet\"}", 200},
        {"500", NULL, "{" VALID "}", 500},
        {"MOVED", NULL, "{" VALID "}", 302},
        {"", NULL, "{\"verdict\":\"unknown\"}", 200},
    };
    size_t i = 0;
    if (ends_in(code, "HALF"))
        return send_half(connection);
    if (ends_in(code, "HUGE"))
        return send_huge(connection);
    if (ends_in(code, "SLOW"))
        nanosleep(&(struct timespec){.tv_sec = 3}, NULL);
    while (!ends_in(code, rows[i].end))
        i++;
    return send_text(connection, rows[i].status,
                     rows[i].type != NULL ? rows[i].type : "application/json", rows[i].text);
}

static enum MHD_Result answer(struct MHD_Connection *connection, const struct question *question,
                              const char *url, const char *method)
{
    char wanted[600];
    const char *bearer =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    snprintf(wanted, sizeof(wanted), "Bearer %s", token);
    if (bearer == NULL || strcmp(bearer, wanted) != 0)
        return send_text(connection, MHD_HTTP_UNAUTHORIZED, "application/json", "{}");
    if (strcmp(method, "POST") != 0 || strcmp(url, "/verify") != 0)
        return send_text(connection, MHD_HTTP_NOT_FOUND, "application/json", "{}");
    json_t *json = json_loadb(question->body, question->size, JSON_REJECT_DUPLICATES, NULL);
    const char *code = json_string_value(json_object_get(json, "code"));
    const char *purpose = json_string_value(json_object_get(json, "purpose"));
    enum MHD_Result result;
    if (code != NULL && purpose != NULL && strcmp(purpose, "entry") == 0 &&
        json_object_size(json) == 2) {
        printf("asked %s\n", code);
        fflush(stdout);
        result = judge(connection, code);
    } else {
        result = send_text(connection, MHD_HTTP_BAD_REQUEST, "application/json", "{}");
    }
    json_decref(json);
    return result;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **context)
{
    struct question *question = *context;
    (void)cls, (void)version;
    if (question == NULL) {
        *context = question = calloc(1, sizeof(*question));
        return question != NULL ? MHD_YES : MHD_NO;
    }
    if (*size == 0)
        return answer(connection, question, url, method);
    if (*size > BODY_MAX_BYTES - question->size)
        return MHD_NO;
    memcpy(question->body + question->size, data, *size);
    question->size += *size;
    *size = 0;
    return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode how)
{
    (void)cls, (void)connection, (void)how;
    free(*context);
    *context = NULL;
}

static char *file_text(const char *path)
{
    uint8_t *data = NULL;
    size_t size;
    struct gh_error err = {0};
    if (gh_file_read(path, 1 << 20, &data, &size, &err) != GH_OK) {
        fprintf(stderr, "authority: %s\n", err.text);
        exit(1);
    }
    return (char *)data;
}

int main(int argc, char **argv)
{
    sigset_t signals;
    int signal_number;
    if (argc != 4) {
        fprintf(stderr, "usage: authority CERTIFICATE KEY TOKEN\n");
        return 2;
    }
    char *certificate = file_text(argv[1]), *key = file_text(argv[2]);
    token = argv[3];
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL,
        NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_HTTPS_MEM_CERT, certificate, MHD_OPTION_HTTPS_MEM_KEY, key,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        daemon != NULL ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (info == NULL) {
        fprintf(stderr, "authority: no HTTPS\n");
        return 1;
    }
    printf("listening %u\n", (unsigned)info->port);
    fflush(stdout);
    (void)sigwait(&signals, &signal_number);
    MHD_stop_daemon(daemon);
    free(certificate);
    free(key);
    return 0;
}
