/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the server: the real server library in a child process (which ends by exit, so
 * that a leak in it is found too), its clock in the test's hand, and libcurl to talk to it. */
#ifndef GATEHOUSE_TESTS_SERVER_HARNESS_H
#define GATEHOUSE_TESTS_SERVER_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gatehouse/bytes.h"
#include "gatehouse/clock.h"
#include "gatehouse/code.h"
#include "gatehouse/entry.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"
#include "server/auth.h"
#include "server/server.h"
#include "test_server_entry.h"

#define ADMIN_PASSWORD "correct horse battery"
#define DEADLINE_MS 60000

/* The server's clocks: how far they are ahead of the real ones, or where they stand. */
struct harness_time {
    int64_t ahead_ns;
    int64_t wall_ns, monotonic_ns; /* 0: they go */
};

struct harness {
    char folder[64];
    char config[128];
    char url[GH_URL_BYTES];
    pid_t pid;
    struct harness_time *time; /* shared with the server */
    rlim_t file_limit;         /* for the next start; 0: none */
    rlim_t open_limit;         /* of descriptors, likewise */
    const char *ca;            /* for https */
    char admin[GH_TOKEN_BYTES];
};

struct answer {
    long status;
    char *body;
    size_t size;
    char headers[4096];
    json_t *json; /* NULL when it is none */
};

static inline void answer_free(struct answer *answer)
{
    free(answer->body);
    json_decref(answer->json);
    memset(answer, 0, sizeof(*answer));
}

static inline int64_t now_ms(void)
{
    return gh_clock_monotonic_ns(gh_clock_system()) / GH_NS_PER_MS;
}

static inline void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000}, NULL);
}

/* --- files --- */

static inline int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static inline void make_folder(char out[64])
{
    snprintf(out, 64, "/tmp/gatehouse-test-XXXXXX");
    assert_non_null(mkdtemp(out));
}

static inline void remove_folder(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void write_text(const char *path, const char *text)
{
    struct gh_error err = {0};
    if (gh_file_replace(path, 0600, text, strlen(text), &err) != GH_OK)
        fail_msg("%s", err.text);
}

/* malloc'ed; NULL when it is not there. */
static inline char *read_text(const char *path)
{
    uint8_t *data = NULL;
    size_t size;
    if (gh_file_read(path, 1 << 26, &data, &size, NULL) != GH_OK)
        return NULL;
    return (char *)data;
}

static inline const char *in_folder(const struct harness *harness, const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_MAX, "%s/%s", harness->folder, name);
    return path;
}

/* --- the server --- */

static inline int64_t harness_wall(void *context)
{
    const struct harness_time *time = context;
    return (time->wall_ns != 0 ? time->wall_ns : gh_clock_wall_ns(gh_clock_system())) +
           time->ahead_ns;
}

static inline bool harness_synchronised(void *context)
{
    (void)context;
    return true;
}

static inline int64_t harness_monotonic(void *context)
{
    const struct harness_time *time = context;
    return (time->monotonic_ns != 0 ? time->monotonic_ns
                                    : gh_clock_monotonic_ns(gh_clock_system())) +
           time->ahead_ns;
}

/* Between requests only: the server is idle then. */
static inline void harness_forward(struct harness *harness, int64_t seconds)
{
    harness->time->ahead_ns += seconds * GH_NS_PER_S;
}

static inline void harness_freeze(struct harness *harness, bool frozen)
{
    harness->time->wall_ns = frozen ? gh_clock_wall_ns(gh_clock_system()) : 0;
    harness->time->monotonic_ns = frozen ? gh_clock_monotonic_ns(gh_clock_system()) : 0;
}

static inline void harness_open(struct harness *harness)
{
    memset(harness, 0, sizeof(*harness));
    make_folder(harness->folder);
    snprintf(harness->config, sizeof(harness->config), "%s/server.ini", harness->folder);
    harness->time = mmap(NULL, sizeof(*harness->time), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(harness->time, MAP_FAILED);
}

static inline void harness_configure(const struct harness *harness, const char *server_lines,
                                     const char *policy_lines)
{
    char text[2048];
    snprintf(text, sizeof(text),
             "[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\nurl_file = %s/url\n"
             "area = riverside.example\n%s\n[policy]\n%s\n",
             harness->folder, harness->folder, server_lines, policy_lines);
    write_text(harness->config, text);
}

/* What the child does. Its log goes to FOLDER/log. */
static inline int harness_serve(const struct harness *harness)
{
    static struct gh_server_settings settings;
    struct gh_clock clock = {.wall_ns = harness_wall,
                             .monotonic_ns = harness_monotonic,
                             .synchronised = harness_synchronised,
                             .context = harness->time};
    struct gh_server *server = NULL;
    struct gh_error err = {0};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    if (harness->file_limit != 0)
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){harness->file_limit, RLIM_INFINITY});
    if (harness->open_limit != 0)
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){harness->open_limit, harness->open_limit});
    enum gh_status status = gh_server_settings_load(harness->config, &settings, &err);
    if (status == GH_OK) {
        gh_log_set_level(settings.log_level);
        status = gh_server_new(&settings, &clock, &server, &err);
    }
    if (status == GH_OK) {
        server->config_path = harness->config;
        status = gh_server_run(server, &err);
    }
    gh_server_free(server);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, "server", "%s", err.text);
    return status == GH_OK ? 0 : 1;
}

static inline void harness_print_log(const struct harness *harness)
{
    char *log = read_text(in_folder(harness, "log"));
    (void)fprintf(stderr, "%s\n", log != NULL ? log : "(no log)"); /* longer than cmocka prints */
    free(log);
}

static inline int harness_wait(struct harness *harness)
{
    int status = 0;
    assert_int_equal(waitpid(harness->pid, &status, 0), harness->pid);
    harness->pid = 0;
    return status;
}

/* False when the server ended instead; then it must have failed in order, with exit code 1. */
static inline bool harness_try_start(struct harness *harness)
{
    const char *url_file = in_folder(harness, "url");
    (void)unlink(url_file);
    fflush(NULL);
    harness->pid = fork();
    assert_true(harness->pid >= 0);
    if (harness->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies leaves no server behind */
        int log = open(in_folder(harness, "log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(log, STDERR_FILENO);
        close(log);
        exit(harness_serve(harness));
    }
    int64_t deadline = now_ms() + DEADLINE_MS;
    while (now_ms() < deadline) {
        char *url = read_text(url_file);
        int status;
        if (url != NULL) {
            snprintf(harness->url, sizeof(harness->url), "%.*s", (int)strcspn(url, "\n"), url);
            free(url);
            return true;
        }
        if (waitpid(harness->pid, &status, WNOHANG) == harness->pid) {
            harness->pid = 0;
            assert_true(WIFEXITED(status));
            assert_int_equal(WEXITSTATUS(status), 1);
            return false;
        }
        pause_ms(5);
    }
    fail_msg("the server does not start");
    return false;
}

static inline void harness_start(struct harness *harness)
{
    if (!harness_try_start(harness)) {
        harness_print_log(harness);
        fail_msg("the server ended");
    }
}

static inline void harness_stop(struct harness *harness)
{
    if (harness->pid == 0)
        return;
    kill(harness->pid, SIGTERM);
    int status = harness_wait(harness);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        harness_print_log(harness);
        fail_msg("the server did not stop cleanly: %x", (unsigned)status);
    }
}

static inline void harness_close(struct harness *harness)
{
    harness_stop(harness);
    munmap(harness->time, sizeof(*harness->time));
    remove_folder(harness->folder);
}

/* --- talking --- */

static inline size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct answer *answer = context;
    char *larger = realloc(answer->body, answer->size + size * count + 1);
    if (larger == NULL)
        return 0;
    answer->body = larger;
    memcpy(answer->body + answer->size, data, size * count);
    answer->size += size * count;
    answer->body[answer->size] = '\0';
    return size * count;
}

static inline size_t take_header(char *data, size_t size, size_t count, void *context)
{
    struct answer *answer = context;
    size_t used = strlen(answer->headers);
    if (used + size * count < sizeof(answer->headers)) {
        memcpy(answer->headers + used, data, size * count);
        answer->headers[used + size * count] = '\0';
    }
    return size * count;
}

/* The value of a header; NULL without one. */
static inline const char *answer_header(const struct answer *answer, const char *name)
{
    static char value[512];
    const char *line = answer->headers;
    size_t size = strlen(name);
    for (; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncasecmp(line, name, size) == 0 && line[size] == ':') {
            snprintf(value, sizeof(value), "%.*s", (int)strcspn(line + size + 2, "\r\n"),
                     line + size + 2);
            return value;
        }
    }
    return NULL;
}

struct call {
    const char *method;
    const char *path;
    const char *token; /* NULL: none */
    const char *body;  /* NULL: none */
    size_t size;       /* of body; 0: strlen */
    bool chunked;
    const char *header; /* one more, NULL: none */
};

/* CURLE_OK: a whole answer is there. */
static inline CURLcode harness_perform(const struct harness *harness, const struct call *call,
                                       struct answer *answer)
{
    static CURL *curl;
    char url[4096], line[512];
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    if (curl == NULL)
        curl = curl_easy_init();
    memset(answer, 0, sizeof(*answer));
    curl_easy_reset(curl);
    snprintf(url, sizeof(url), "%s%s", harness->url, call->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(curl, CURLOPT_NOBODY, strcmp(call->method, "HEAD") == 0 ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 120L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
    if (harness->ca != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, harness->ca);
    if (call->token != NULL) {
        snprintf(line, sizeof(line), "Authorization: Bearer %s", call->token);
        headers = curl_slist_append(headers, line);
    }
    if (call->header != NULL)
        headers = curl_slist_append(headers, call->header);
    if (call->chunked)
        headers = curl_slist_append(headers, "Transfer-Encoding: chunked");
    if (call->body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)(call->size > 0 ? call->size : strlen(call->body)));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_slist_free_all(headers);
    if (answer->body != NULL)
        answer->json = json_loadb(answer->body, answer->size, 0, NULL);
    return code;
}

/* Ask, and want this status; the answer's JSON is the caller's (NULL when it is none). */
static inline json_t *ask(const struct harness *harness, long status, const char *method,
                          const char *path, const char *token, const char *body)
{
    struct answer answer;
    const struct call call = {.method = method, .path = path, .token = token, .body = body};
    CURLcode code = harness_perform(harness, &call, &answer);
    if (code != CURLE_OK)
        fail_msg("%s %s: %s", method, path, curl_easy_strerror(code));
    if (answer.status != status)
        fail_msg("%s %s: %ld instead of %ld: %s", method, path, answer.status, status,
                 answer.body != NULL ? answer.body : "");
    json_t *json = json_incref(answer.json);
    answer_free(&answer);
    return json;
}

/* Likewise for an error: with this token. */
static inline void ask_error(const struct harness *harness, long status, const char *error,
                             const char *method, const char *path, const char *token,
                             const char *body)
{
    json_t *json = ask(harness, status, method, path, token, body);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "error")), error);
    assert_true(json_string_length(json_object_get(json, "message")) > 0);
    json_decref(json);
}

static inline const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    if (text == NULL)
        fail_msg("no text \"%s\" in the answer", name);
    return text;
}

static inline long long number_of(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);
    if (!json_is_integer(value))
        fail_msg("no number \"%s\" in the answer", name);
    return json_integer_value(value);
}

static inline void log_in(const struct harness *harness, const char *user, const char *password,
                          const char *new_password, char token[GH_TOKEN_BYTES])
{
    json_t *body = json_pack("{s:s, s:s}", "user", user, "password", password);
    if (new_password != NULL)
        json_object_set_new(body, "new_password", json_string(new_password));
    char *text = json_dumps(body, 0);
    json_t *json = ask(harness, 200, "POST", "/api/v1/login", NULL, text);
    snprintf(token, GH_TOKEN_BYTES, "%s", text_of(json, "token"));
    json_decref(json);
    json_decref(body);
    free(text);
}

/* The first log-in of a new server. */
static inline void log_in_admin(struct harness *harness)
{
    char *password = read_text(in_folder(harness, "state/admin-password"));
    assert_non_null(password);
    password[strcspn(password, "\n")] = '\0';
    log_in(harness, "admin", password, ADMIN_PASSWORD, harness->admin);
    free(password);
}

/* A user of that role, logged in. */
static inline void add_user(struct harness *harness, const char *name, const char *role,
                            char token[GH_TOKEN_BYTES])
{
    char body[128];
    snprintf(body, sizeof(body), "{\"user\":\"%s\",\"role\":\"%s\"}", name, role);
    json_t *json = ask(harness, 200, "POST", "/api/v1/users", harness->admin, body);
    log_in(harness, name, text_of(json, "one_time_password"), "ten characters", token);
    json_decref(json);
}

#define GATE_TOKEN_BYTES 96

/* --- a gate: what it knows, and its chain of entries --- */

struct test_gate {
    gh_id id;
    char id_text[GH_ID_TEXT_BYTES];
    char code[2048];   /* enrolment code */
    char one_time[33]; /* its token in hex */
    char secret[65];
    char bearer[GATE_TOKEN_BYTES];
};

static inline void add_gate(const struct harness *harness, const char *name, struct test_gate *gate)
{
    char body[256];
    struct gh_enrolment enrolment;
    memset(gate, 0, sizeof(*gate));
    snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
    json_t *json = ask(harness, 200, "POST", "/api/v1/gates", harness->admin, body);
    snprintf(gate->code, sizeof(gate->code), "%s", text_of(json, "enrolment_code"));
    snprintf(gate->id_text, sizeof(gate->id_text), "%s", text_of(json, "id"));
    json_decref(json);
    assert_int_equal(
        gh_enrolment_read((struct gh_bytes){(const uint8_t *)gate->code, strlen(gate->code)},
                          gh_clock_wall_s(gh_clock_system()), &enrolment),
        GH_REASON_OK);
    gate->id = enrolment.gate;
    gh_hex_encode(enrolment.token, sizeof(enrolment.token), gate->one_time);
    uint8_t secret[32];
    gh_random(secret, sizeof(secret));
    gh_hex_encode(secret, sizeof(secret), gate->secret);
    snprintf(gate->bearer, sizeof(gate->bearer), "%s.%s", gate->id_text, gate->secret);
}

static inline json_t *enrol_with(const struct harness *harness, long status,
                                 const struct test_gate *gate, const char *secret)
{
    char body[512];
    snprintf(body, sizeof(body),
             "{\"gate\":\"%s\",\"token\":\"%s\",\"secret\":\"%s\",\"version\":\"0.1.0\"}",
             gate->id_text, gate->one_time, secret);
    return ask(harness, status, "POST", "/api/v1/enrol", NULL, body);
}

/* One entry and its hash; previous of the next. */
static inline void make_entry(gh_id gate, uint64_t sequence,
                              const uint8_t previous[GH_SHA256_BYTES], char out[GH_ENTRY_MAX_BYTES],
                              uint8_t hash[GH_SHA256_BYTES])
{
    struct gh_entry entry = entry_of(gate, sequence, previous);
    size_t size = gh_entry_format(&entry, out);
    gh_entry_hash((struct gh_bytes){(const uint8_t *)out, size}, hash);
}

#endif
