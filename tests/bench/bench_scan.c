/* SPDX-License-Identifier: Apache-2.0 */
/* From a 640x480 frame in memory to the relay call: 1000 scans of 1000 people's codes through the
 * real see thread, gate and journal, each stage also timed alone, beside the bare cost of zbar on
 * the same frame and of one durable SQLite commit on the same disk. The sum of those two is the
 * floor. Everything alternates within one run, so that the machine's moods fall on all alike. */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zbar.h>

#include "bench/bench.h"
#include "fakes/qr_picture.h"
#include "gate/decide.h"
#include "gate/gate.h"
#include "gatehouse/code.h"
#include "gatehouse/decode.h"
#include "gatehouse/file.h"
#include "gatehouse/journal.h"
#include "gatehouse/list.h"
#include "gatehouse/log.h"
#include "gatehouse/qr.h"

#define SCANS 1000
#define WIDTH 640
#define HEIGHT 480
#define MODULE_PIXELS 5
#define PULSE_MS 1000

enum stage { ZBAR, COMMIT, FLOOR, DECODE, READ, DECIDE, JOURNAL, RELAY, ALL, STAGES };
static const char *const stage_names[STAGES] = {
    "bare zbar",
    "bare SQLite commit",
    "floor: their sum",
    "decode",
    "read",
    "decide",
    "journal",
    "relay",
    "in all (threads and queue included)",
};
static int64_t times_ns[STAGES][SCANS];

static int64_t now(void)
{
    return gh_clock_monotonic_ns(gh_clock_system());
}

/* --- the town: one key, 1000 people, one home --- */

struct town {
    char folder[PATH_MAX];
    struct gh_private_key *list_key, *health_key;
    char codes[SCANS][512];
    struct gh_identity identity;
};

static void sign_codes(struct town *town, int64_t wall_s)
{
    for (int i = 0; i < SCANS; i++) {
        struct gh_claims claims = {
            .kind = GH_KIND_HEALTH,
            .id = (gh_id)i + 1,
            .about = (gh_id)i + 1,
            .colour = GH_COLOUR_GREEN,
            .issued_at_s = wall_s,
            .expires_at_s = wall_s + 86400,
            .issuer = "bench.example",
        };
        MUST(gh_code_write(town->health_key, &claims, town->codes[i], sizeof(town->codes[i])));
    }
}

/* Everybody lives in one home. */
static void write_snapshot(const char *path, struct gh_manifest *manifest)
{
    struct gh_snapshot_writer *writer;
    const gh_id home = 7;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    MUST(gh_snapshot_writer_new(fd, &writer));
    gh_snapshot_writer_home(writer, home);
    for (int i = 0; i < SCANS; i++)
        gh_snapshot_writer_subject(writer, (gh_id)i + 1, GH_COLOUR_GREEN, &home, 1);
    MUST(gh_snapshot_writer_finish(writer, manifest->snapshot_sha256, &manifest->snapshot_bytes));
    gh_snapshot_writer_free(writer);
    close(fd);
}

static void make_list(struct town *town, int64_t wall_s)
{
    static uint8_t signed_bytes[GH_MANIFEST_MAX_BYTES];
    struct gh_writer manifest_writer = gh_writer_over(signed_bytes, sizeof(signed_bytes));
    struct gh_public_key *public_key;
    char path[PATH_MAX], snapshot[PATH_MAX];

    struct gh_manifest manifest = {.area = "bench",
                                   .generation = 1,
                                   .issued_at_s = wall_s,
                                   .snapshot = {.number = 1},
                                   .policy = gh_policy_initial(),
                                   .key_count = 1};
    manifest.policy.home_rule = GH_HOME_MEMBER;
    struct gh_issuer_key *key = &manifest.keys[0];
    MUST(gh_private_key_public(town->health_key, &public_key));
    key->type = GH_KEY_ED25519;
    key->raw_bytes = gh_public_key_raw(public_key, key->raw);
    key->purposes = GH_PURPOSE(GH_KIND_HEALTH);
    key->not_after_s = wall_s + 86400;
    snprintf(key->issuer, sizeof(key->issuer), "bench.example");
    gh_public_key_free(public_key);
    MUST(gh_path_join(town->folder, "snapshot", snapshot, sizeof(snapshot)));
    write_snapshot(snapshot, &manifest);
    MUST(gh_manifest_write(town->list_key, &manifest, &manifest_writer));

    MUST(gh_private_key_public(town->list_key, &public_key));
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    gh_public_key_raw(public_key, raw);
    memcpy(town->identity.list_key, raw, sizeof(town->identity.list_key));
    MUST(gh_courier_list_path(town->folder, path));
    struct gh_bytes manifest_bytes = {manifest_writer.data, manifest_writer.size};
    MUST(gh_list_install(path, public_key, manifest_bytes, snapshot, NULL, NULL, NULL));
    gh_public_key_free(public_key);
}

static void make_town(struct town *town)
{
    int64_t wall_s = gh_clock_wall_s(gh_clock_system());

    MUST(gh_private_key_generate(GH_KEY_ED25519, &town->list_key));
    MUST(gh_private_key_generate(GH_KEY_ED25519, &town->health_key));
    sign_codes(town, wall_s);
    town->identity.enrolled = true;
    town->identity.gate = 99;
    make_list(town, wall_s);
}

/* --- the frame: a code in the middle of a grey wall --- */

static uint8_t frame_luma[WIDTH * HEIGHT];

static struct gh_frame draw(const char *text)
{
    struct gh_qr qr;
    uint8_t *pixels;
    uint32_t side;
    struct gh_bytes bytes = {(const uint8_t *)text, strlen(text)};

    MUST(gh_qr_encode(bytes, GH_QR_MEDIUM, &qr));
    MUST(qr_picture(&qr, MODULE_PIXELS, &pixels, &side));
    for (uint32_t y = 0; y < HEIGHT; y++)
        memset(frame_luma + y * WIDTH, 96 + (int)(y * 64 / HEIGHT), WIDTH);
    uint32_t left = (WIDTH - side) / 2, top = (HEIGHT - side) / 2;
    for (uint32_t y = 0; y < side; y++)
        memcpy(frame_luma + (top + y) * WIDTH + left, pixels + y * side, side);
    free(pixels);
    gh_qr_free(&qr);
    return (struct gh_frame){frame_luma, WIDTH, HEIGHT, WIDTH, 1, now()};
}

/* --- the camera and the door of the whole way --- */

struct shutter {
    sem_t released;
    struct gh_frame frame;
};

static enum gh_status shutter_next(void *context, int64_t timeout_ms, struct gh_frame *frame,
                                   struct gh_error *err)
{
    struct shutter *shutter = context;

    (void)timeout_ms;
    (void)err;
    while (sem_wait(&shutter->released) != 0)
        continue;
    if (!shutter->frame.luma)
        return GH_ERR_AGAIN;
    *frame = shutter->frame;
    shutter->frame.luma = NULL;
    return GH_OK;
}

static void shutter_wake(void *context)
{
    sem_post(&((struct shutter *)context)->released);
}

static void nothing(void *context)
{
    (void)context;
}

static int64_t relay_ns; /* when the relay was last made to pull */

static enum gh_status relay_set(void *context, unsigned active, struct gh_error *err)
{
    (void)context;
    (void)err;
    if (active & GH_LINE_BIT(GH_LINE_RELAY))
        relay_ns = now();
    return GH_OK;
}

static struct gh_see *see;

static void use_trust(void *context, struct gh_trust *trust)
{
    (void)context;
    gh_see_set_trust(see, trust);
}

static void no_enrolment(void *context, const struct gh_enrolment *enrolment)
{
    (void)context;
    (void)enrolment;
}

struct whole {
    struct shutter shutter;
    struct gh_clock clock; /* the machine's, ahead by skipped_ns */
    int64_t skipped_ns;
    struct gh_queue *queue;
    struct gh_door_io io;
    struct gh_gate *gate;
};

static int64_t wall(void *context)
{
    return gh_clock_wall_ns(gh_clock_system()) + ((struct whole *)context)->skipped_ns;
}

static bool in_time(void *context)
{
    (void)context;
    return true;
}

static int64_t skipping(void *context)
{
    return now() + ((struct whole *)context)->skipped_ns;
}

static void start_whole(struct whole *whole, const struct town *town)
{
    struct gh_camera camera = {shutter_next, shutter_wake, nothing, &whole->shutter, WIDTH, HEIGHT};

    whole->clock = (struct gh_clock){
        .wall_ns = wall, .monotonic_ns = skipping, .synchronised = in_time, .context = whole};
    sem_init(&whole->shutter.released, 0, 0);
    MUST(gh_queue_new(sizeof(struct gh_sighting), 32, &whole->queue));
    MUST(gh_see_start(&camera, gh_clock_system(), whole->queue, &see, NULL));
    whole->io = (struct gh_door_io){.set = relay_set, .free = nothing};
    struct gh_gate_options options = {
        .state_dir = town->folder,
        .clock = &whole->clock,
        .door = {.pulse_ms = PULSE_MS},
        .io = &whole->io,
        .peers = {.trust = use_trust, .enrol = no_enrolment, .entry = nothing},
    };
    MUST(gh_gate_new(&options, &town->identity, &whole->gate, NULL));
}

static int64_t time_whole(struct whole *whole, const struct gh_frame *frame)
{
    struct pollfd queue = {.fd = gh_queue_fd(whole->queue), .events = POLLIN};
    struct gh_sighting sighting;

    relay_ns = 0;
    int64_t start = now();
    whole->shutter.frame = *frame;
    whole->shutter.frame.captured_ns = skipping(whole);
    sem_post(&whole->shutter.released);
    while (relay_ns == 0) {
        if (poll(&queue, 1, 5000) <= 0) {
            fprintf(stderr, "bench_scan: a frame was not read\n");
            exit(1);
        }
        while (gh_queue_pop(whole->queue, &sighting))
            gh_gate_sighting(whole->gate, &sighting);
    }
    int64_t taken = relay_ns - start;
    /* Let the pulse end, so that the next person's relay call is one. */
    whole->skipped_ns += 2 * PULSE_MS * GH_NS_PER_MS;
    gh_gate_tick(whole->gate);
    return taken;
}

static void stop_whole(struct whole *whole)
{
    gh_see_stop(see);
    gh_gate_free(whole->gate);
    gh_queue_free(whole->queue);
    sem_destroy(&whole->shutter.released);
}

/* --- the stages alone --- */

struct stages {
    struct gh_decoder *decoder;
    struct gh_trust *trust;
    struct gh_list *list;
    struct gh_journal *journal;
    char text[512];
    size_t text_bytes;
};

static void keep(void *context, struct gh_bytes text)
{
    struct stages *stages = context;

    stages->text_bytes = text.size < sizeof(stages->text) ? text.size : 0;
    memcpy(stages->text, text.data, stages->text_bytes);
}

static void start_stages(struct stages *stages, const struct town *town)
{
    char path[PATH_MAX];
    struct gh_public_key *key;
    struct gh_bytes raw = {town->identity.list_key, 32};

    MUST(gh_decoder_new(WIDTH, HEIGHT, &stages->decoder));
    MUST(gh_public_key_from_raw(GH_KEY_ED25519, raw, &key));
    MUST(gh_courier_list_path(town->folder, path));
    MUST(gh_list_open_latest(path, key, &stages->list, NULL));
    gh_public_key_free(key);
    const struct gh_manifest *manifest = gh_list_manifest(stages->list);
    MUST(gh_trust_new(manifest->keys, manifest->key_count, NULL, &stages->trust));
    MUST(gh_path_join(town->folder, "stages.db", path, sizeof(path)));
    MUST(gh_journal_open(path, &stages->journal, NULL));
}

static void time_stages(struct stages *stages, const struct gh_frame *frame, int scan)
{
    struct gh_sighting sighting;
    struct gh_answers answers;
    struct gh_policy policy = gh_list_manifest(stages->list)->policy;
    int64_t wall_s = gh_clock_wall_s(gh_clock_system());

    int64_t t0 = now();
    MUST(gh_decoder_scan(stages->decoder, frame, keep, stages, NULL));
    int64_t t1 = now();
    struct gh_bytes text = {(const uint8_t *)stages->text, stages->text_bytes};
    gh_see_read(text, stages->trust, wall_s, t0, &sighting);
    int64_t t2 = now();
    MUST(gh_list_ask(stages->list, &sighting.credential, NULL, &answers));
    struct gh_decide_input input = {.policy = &policy,
                                    .answers = &answers,
                                    .health = &sighting.credential,
                                    .now_s = wall_s,
                                    .clock_trusted = true};
    struct gh_decision decision = gh_decide(&input);
    int64_t t3 = now();
    if (decision.outcome != GH_OUTCOME_OPEN) {
        fprintf(stderr, "bench_scan: not opened: %s\n", gh_reason_info(decision.reason)->text);
        exit(1);
    }
    struct gh_entry entry = {.gate = 99,
                             .wall_ms = wall_s * 1000,
                             .outcome = GH_OUTCOME_OPEN,
                             .kind = GH_KIND_HEALTH,
                             .colour = GH_COLOUR_GREEN,
                             .subject = sighting.credential.subject,
                             .health_code = sighting.credential.id,
                             .generation = 1};
    gh_boot_id(entry.boot_id);
    int64_t t4 = now();
    MUST(gh_journal_append(stages->journal, &entry, NULL));
    int64_t t5 = now();
    struct gh_door door;
    struct gh_door_options options = {.pulse_ms = PULSE_MS};
    int64_t next;
    gh_door_init(&door, &options);
    int64_t t6 = now();
    gh_door_signal(&door, gh_reason_info(decision.reason), true, t6);
    relay_set(NULL, gh_door_lines(&door, t6, &next), NULL);
    int64_t t7 = now();
    times_ns[DECODE][scan] = t1 - t0;
    times_ns[READ][scan] = t2 - t1;
    times_ns[DECIDE][scan] = t3 - t2;
    times_ns[JOURNAL][scan] = t5 - t4;
    times_ns[RELAY][scan] = t7 - t6;
}

static void stop_stages(struct stages *stages)
{
    gh_decoder_free(stages->decoder);
    gh_trust_unref(stages->trust);
    gh_list_close(stages->list);
    gh_journal_close(stages->journal);
}

/* --- the floor --- */

struct bare {
    zbar_image_scanner_t *scanner;
    zbar_image_t *image;
    sqlite3 *database;
    sqlite3_stmt *insert;
};

static void must_sqlite(int code)
{
    if (code == SQLITE_OK || code == SQLITE_DONE)
        return;
    fprintf(stderr, "bench_scan: SQLite: %s\n", sqlite3_errstr(code));
    exit(1);
}

static void start_bare(struct bare *bare, const struct town *town)
{
    char path[PATH_MAX];

    bare->scanner = zbar_image_scanner_create();
    zbar_image_scanner_set_config(bare->scanner, 0, ZBAR_CFG_ENABLE, 0);
    zbar_image_scanner_set_config(bare->scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
    bare->image = zbar_image_create();
    zbar_image_set_format(bare->image, zbar_fourcc('Y', '8', '0', '0'));
    zbar_image_set_size(bare->image, WIDTH, HEIGHT);
    zbar_image_set_data(bare->image, frame_luma, sizeof(frame_luma), NULL);

    MUST(gh_path_join(town->folder, "bare.db", path, sizeof(path)));
    must_sqlite(sqlite3_open(path, &bare->database));
    must_sqlite(sqlite3_exec(
        bare->database,
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE entry(sequence INTEGER PRIMARY KEY, body TEXT NOT NULL, hash BLOB NOT NULL)",
        NULL, NULL, NULL));
    must_sqlite(sqlite3_prepare_v2(bare->database, "INSERT INTO entry VALUES(NULL, ?1, ?2)", -1,
                                   &bare->insert, NULL));
}

static void time_bare(struct bare *bare, int scan)
{
    static const char body[400] = {[0 ... 398] = 'x'};
    static const uint8_t hash[32];

    int64_t t0 = now();
    int found = zbar_scan_image(bare->scanner, bare->image);
    int64_t t1 = now();
    if (found < 1) {
        fprintf(stderr, "bench_scan: bare zbar did not read the frame\n");
        exit(1);
    }
    sqlite3_bind_text(bare->insert, 1, body, -1, SQLITE_STATIC);
    sqlite3_bind_blob(bare->insert, 2, hash, sizeof(hash), SQLITE_STATIC);
    int64_t t2 = now();
    must_sqlite(sqlite3_step(bare->insert));
    sqlite3_reset(bare->insert);
    int64_t t3 = now();
    times_ns[ZBAR][scan] = t1 - t0;
    times_ns[COMMIT][scan] = t3 - t2;
    times_ns[FLOOR][scan] = t1 - t0 + t3 - t2;
}

static void stop_bare(struct bare *bare)
{
    zbar_image_destroy(bare->image);
    zbar_image_scanner_destroy(bare->scanner);
    sqlite3_finalize(bare->insert);
    sqlite3_close(bare->database);
}

/* --- the table --- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void print_table(void)
{
    struct utsname machine;

    uname(&machine);
    printf("%d scans of a %dx%d frame, %s, %ld processors\n\n", SCANS, WIDTH, HEIGHT,
           machine.machine, sysconf(_SC_NPROCESSORS_ONLN));
    printf("| stage | p50 ms | p99 ms |\n|---|---|---|\n");
    for (int stage = 0; stage < STAGES; stage++) {
        qsort(times_ns[stage], SCANS, sizeof(times_ns[stage][0]), by_size);
        printf("| %s | %.3f | %.3f |\n", stage_names[stage],
               (double)times_ns[stage][SCANS / 2] / 1e6,
               (double)times_ns[stage][SCANS * 99 / 100] / 1e6);
    }
    printf("\nin all / floor at p50: %.2f\n",
           (double)times_ns[ALL][SCANS / 2] / (double)times_ns[FLOOR][SCANS / 2]);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static void remove_folder(const char *folder)
{
    if (nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
        fprintf(stderr, "bench_scan: %s is left behind\n", folder);
}

int main(void)
{
    static struct town town;
    struct whole whole = {0};
    struct stages stages = {0};
    struct bare bare = {0};

    gh_log_set_level(GH_LOG_ERR);
    /* Beside the build, not in /tmp, which may be memory: a durable commit has to meet a disk. */
    snprintf(town.folder, sizeof(town.folder), "%s/bench-XXXXXX",
             getenv("BUILD") ? getenv("BUILD") : "build");
    if (!mkdtemp(town.folder)) {
        perror("bench_scan: a folder beside the build");
        return 1;
    }
    make_town(&town);
    start_bare(&bare, &town);
    start_stages(&stages, &town);
    start_whole(&whole, &town);
    for (int scan = 0; scan < SCANS; scan++) {
        struct gh_frame frame = draw(town.codes[scan]);
        time_bare(&bare, scan);
        time_stages(&stages, &frame, scan);
        times_ns[ALL][scan] = time_whole(&whole, &frame);
    }
    stop_whole(&whole);
    stop_stages(&stages);
    stop_bare(&bare);
    gh_private_key_free(town.list_key);
    gh_private_key_free(town.health_key);
    print_table();
    remove_folder(town.folder);
    return 0;
}
