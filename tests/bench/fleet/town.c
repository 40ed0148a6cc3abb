/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fleet/town.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/fleet/fleet.h"
#include "gatehouse/code.h"
#include "gatehouse/file.h"

#define START_S 20
#define ADMIN_TIMEOUT_MS 60000
#define WORKERS 16
#define PASSWORD "first password"

/* --- the server's process --- */

static void write_config(const struct fleet_town *town, const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL ||
        fprintf(file,
                "[server]\nlisten = 127.0.0.1:0\nstate_dir = %s\narea = fleet.example\n"
                "url_file = %s/url\nlog_level = warning\n",
                town->state_dir, fleet_folder()) < 0 ||
        fclose(file) != 0)
        fleet_fail("%s: %s", path, strerror(errno));
}

static void run_server(const char *config, const char *log)
{
    const char *build = getenv("BUILD");
    char program[512];
    fleet_child_begin();
    snprintf(program, sizeof(program), "%s/gatehouse-server",
             build != NULL && build[0] != '\0' ? build : "build/gcc");
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)dup2(fd, STDERR_FILENO);
    execl(program, program, "--config", config, (char *)NULL);
    fprintf(stderr, "%s: %s\n", program, strerror(errno));
    _exit(127);
}

/* The server writes its address to a file once it answers. */
static void wait_for_url(struct fleet_town *town)
{
    const struct timespec step = {.tv_nsec = 20 * GH_NS_PER_MS};
    char path[560];
    int64_t end_ns = fleet_now_ns() + START_S * GH_NS_PER_S;
    snprintf(path, sizeof(path), "%s/url", fleet_folder());
    while (fleet_now_ns() < end_ns) {
        uint8_t *text = NULL;
        size_t size = 0;
        unsigned port = 0;
        if (gh_file_read(path, 256, &text, &size, NULL) == GH_OK &&
            sscanf((const char *)text, "http://127.0.0.1:%u", &port) == 1) {
            free(text);
            town->address = (struct sockaddr_in){.sin_family = AF_INET,
                                                 .sin_port = htons((uint16_t)port),
                                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            return;
        }
        free(text);
        fleet_check_stopped();
        (void)nanosleep(&step, NULL);
    }
    fleet_fail("the server does not start");
}

/* --- what the administrator says --- */

static void admin_asks(struct fleet_town *town, const char *method, const char *path,
                       const char *content_type, struct gh_bytes body)
{
    const struct fleet_request request = {
        .method = method,
        .path = path,
        .bearer = town->admin_token[0] != '\0' ? town->admin_token : NULL,
        .content_type = content_type,
        .body = body,
        .timeout_ms = ADMIN_TIMEOUT_MS,
    };
    fleet_peer_exchange(&town->admin, &request);
    if (town->admin.status != 200)
        fleet_fail("%s %s: %d %s", method, path, town->admin.status,
                   (const char *)town->admin.answer.data);
}

static json_t *json_of(struct gh_bytes answer)
{
    json_t *json = json_loadb((const char *)answer.data, answer.size, 0, NULL);
    if (json == NULL)
        fleet_fail("an answer that is not JSON");
    return json;
}

static const char *text_in(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    if (text == NULL)
        fleet_fail("an answer without %s", name);
    return text;
}

static void log_in(struct fleet_town *town)
{
    char path[600], body[512];
    uint8_t *password = NULL;
    size_t size = 0;
    snprintf(path, sizeof(path), "%s/admin-password", town->state_dir);
    fleet_must(gh_file_read(path, 128, &password, &size, NULL), "the one-time password");
    password[strcspn((const char *)password, "\r\n")] = '\0';
    int length =
        snprintf(body, sizeof(body),
                 "{\"user\":\"admin\",\"password\":\"%s\",\"new_password\":\"" PASSWORD "\"}",
                 (const char *)password);
    free(password);
    admin_asks(town, "POST", "/api/v1/login", "application/json",
               (struct gh_bytes){(const uint8_t *)body, (size_t)length});
    json_t *json = json_of(town->admin.answer);
    snprintf(town->admin_token, sizeof(town->admin_token), "%s", text_in(json, "token"));
    json_decref(json);
}

static void nobody_waits(struct fleet_peer *peer, enum fleet_outcome outcome)
{
    (void)peer, (void)outcome;
}

void fleet_town_start(struct fleet_town *town, struct fleet_loop *loop)
{
    char config[560], log[560];
    *town = (struct fleet_town){.loop = loop};
    snprintf(town->state_dir, sizeof(town->state_dir), "%s/state", fleet_folder());
    snprintf(config, sizeof(config), "%s/server.ini", fleet_folder());
    snprintf(log, sizeof(log), "%s/" FLEET_LOG, fleet_folder());
    write_config(town, config);
    fflush(stdout);
    town->pid = fork();
    if (town->pid < 0)
        fleet_fail("fork: %s", strerror(errno));
    if (town->pid == 0)
        run_server(config, log);
    fleet_child_add(town->pid);
    wait_for_url(town);
    fleet_peer_open(&town->admin, loop, &town->address, 0, nobody_waits, NULL);
    log_in(town);
}

void fleet_town_stop(struct fleet_town *town)
{
    fleet_peer_free(&town->admin);
    fleet_child_end(town->pid);
}

void fleet_town_free(struct fleet_town *town)
{
    gh_public_key_free(town->list_key);
    free(town->gates);
}

/* --- people --- */

static void remember_people(struct fleet_town *town)
{
    size_t index;
    json_t *item, *json;
    admin_asks(town, "GET", "/api/v1/people?limit=1000", NULL, (struct gh_bytes){NULL, 0});
    json = json_of(town->admin.answer);
    const json_t *people = json_object_get(json, "people");
    if (json_array_size(people) != FLEET_PEOPLE)
        fleet_fail("%zu people in place of %d", json_array_size(people), FLEET_PEOPLE);
    json_array_foreach(people, index, item)
    {
        const char *text = text_in(item, "id");
        fleet_must(gh_id_parse(text, strlen(text), &town->people[index]), "a person's id");
    }
    json_decref(json);
}

void fleet_town_import(struct fleet_town *town)
{
    const size_t capacity = 64 + FLEET_PEOPLE * 64;
    char *text = fleet_allocate(capacity, 1);
    size_t size = (size_t)snprintf(text, capacity, "ref,name,status\n");
    for (unsigned i = 0; i < FLEET_PEOPLE; i++)
        size += (size_t)snprintf(text + size, capacity - size, "F-%04u,Person %u,green\n", i, i);
    admin_asks(town, "POST", "/api/v1/people/import", "text/csv",
               (struct gh_bytes){(const uint8_t *)text, size});
    free(text);
    remember_people(town);
}

void fleet_town_next_change(struct fleet_town *town, struct fleet_request *request)
{
    static const char body[] = "{\"status\":\"red\"}";
    static char path[64];
    if (town->people_changed == FLEET_PEOPLE)
        fleet_fail("nobody is green any more");
    snprintf(path, sizeof(path), "/api/v1/people/%016" PRIx64,
             town->people[town->people_changed++]);
    *request = (struct fleet_request){
        .method = "PATCH",
        .path = path,
        .bearer = town->admin_token,
        .content_type = "application/json",
        .body = {(const uint8_t *)body, sizeof(body) - 1},
        .timeout_ms = ADMIN_TIMEOUT_MS,
    };
}

/* --- gates: several are enrolled at a time, each by an administrator's request and one of its own
 * --- */

struct enrolling {
    struct fleet_town *town;
    size_t next, done, count;
};
struct worker {
    struct fleet_peer peer;
    struct enrolling *all;
    size_t index;
    bool added; /* the enrolment code is here */
    char body[512];
};

static void ask_with(struct worker *worker, const char *path, const char *bearer, int size)
{
    fleet_peer_ask(&worker->peer, &(const struct fleet_request){
                                      .method = "POST",
                                      .path = path,
                                      .bearer = bearer,
                                      .content_type = "application/json",
                                      .body = {(const uint8_t *)worker->body, (size_t)size},
                                      .timeout_ms = ADMIN_TIMEOUT_MS,
                                  });
}

static void add_next(struct worker *worker)
{
    if (worker->all->next == worker->all->count)
        return;
    worker->index = worker->all->next++;
    worker->added = false;
    int size =
        snprintf(worker->body, sizeof(worker->body), "{\"name\":\"Gate %zu\"}", worker->index + 1);
    ask_with(worker, "/api/v1/gates", worker->all->town->admin_token, size);
}

static void read_code(struct worker *worker, struct gh_enrolment *enrolment)
{
    struct fleet_town *town = worker->all->town;
    json_t *json = json_of(worker->peer.answer);
    const char *code = text_in(json, "enrolment_code");
    if (gh_enrolment_read((struct gh_bytes){(const uint8_t *)code, strlen(code)},
                          gh_clock_wall_s(gh_clock_system()), enrolment) != GH_REASON_OK)
        fleet_fail("an enrolment code that is none");
    json_decref(json);
    if (town->list_key == NULL)
        fleet_must(gh_public_key_from_raw(
                       GH_KEY_ED25519,
                       (struct gh_bytes){enrolment->list_key, sizeof(enrolment->list_key)},
                       &town->list_key),
                   "the list's key");
}

static void enrol(struct worker *worker)
{
    struct fleet_gate *gate = &worker->all->town->gates[worker->index];
    struct gh_enrolment enrolment;
    uint8_t random[32];
    char token[2 * GH_ENROLMENT_TOKEN_BYTES + 1];
    read_code(worker, &enrolment);
    gate->id = enrolment.gate;
    gh_random(random, 16);
    gh_hex_encode(random, 16, gate->boot);
    gh_random(random, sizeof(random));
    gh_id_format(gate->id, gate->token);
    gate->token[GH_ID_TEXT_BYTES - 1] = '.';
    gh_hex_encode(random, sizeof(random), gate->token + GH_ID_TEXT_BYTES);
    gh_hex_encode(enrolment.token, sizeof(enrolment.token), token);
    worker->added = true;
    int size = snprintf(worker->body, sizeof(worker->body),
                        "{\"gate\":\"%.16s\",\"token\":\"%s\",\"secret\":\"%s\",\"version\":"
                        "\"" GH_VERSION "\"}",
                        gate->token, token, gate->token + GH_ID_TEXT_BYTES);
    ask_with(worker, "/api/v1/enrol", NULL, size);
}

static void on_enrolling(struct fleet_peer *peer, enum fleet_outcome outcome)
{
    struct worker *worker = peer->context;
    if (outcome != FLEET_ANSWERED || peer->status != 200)
        fleet_fail("a gate cannot be enrolled (%d)", outcome == FLEET_ANSWERED ? peer->status : 0);
    if (!worker->added) {
        enrol(worker);
        return;
    }
    worker->all->done++;
    add_next(worker);
}

void fleet_town_enrol(struct fleet_town *town, size_t gate_count)
{
    struct enrolling all = {.town = town, .count = gate_count + 1};
    struct worker *workers = fleet_allocate(WORKERS, sizeof(*workers));
    town->gate_count = gate_count;
    town->gates = fleet_allocate(all.count, sizeof(*town->gates));
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].all = &all;
        fleet_peer_open(&workers[i].peer, town->loop, &town->address, i, on_enrolling, &workers[i]);
        add_next(&workers[i]);
    }
    while (all.done < all.count)
        fleet_loop_turn(town->loop, 1000);
    for (unsigned i = 0; i < WORKERS; i++)
        fleet_peer_free(&workers[i].peer);
    free(workers);
}

/* --- what the server says of itself --- */

size_t fleet_town_waiting(struct fleet_town *town)
{
    size_t index, waiting = 0;
    json_t *item, *json;
    admin_asks(town, "GET", "/api/v1/gates", NULL, (struct gh_bytes){NULL, 0});
    json = json_of(town->admin.answer);
    const json_t *gates = json_object_get(json, "gates");
    json_array_foreach(gates, index, item)
    {
        waiting += json_is_true(json_object_get(item, "connected"));
    }
    json_decref(json);
    return waiting;
}
