/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakes/gate_fixture.h"
#include "gatehouse/file.h"

static void make_keys(struct fixture *fixture)
{
    assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &fixture->list_key), GH_OK);
    assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &fixture->issuer_key), GH_OK);
    assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &fixture->stranger_key), GH_OK);
    assert_int_equal(gh_private_key_public(fixture->list_key, &fixture->list_public), GH_OK);
}

static void make_identity(struct fixture *fixture)
{
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    struct gh_identity *identity = &fixture->identity;

    *identity = (struct gh_identity){.enrolled = true,
                                     .gate = FIXTURE_GATE,
                                     .url = "https://gate.example",
                                     .name = "North gate",
                                     .area = FIXTURE_AREA};
    assert_int_equal(gh_public_key_raw(fixture->list_public, raw), sizeof(identity->list_key));
    memcpy(identity->list_key, raw, sizeof(identity->list_key));
    gh_random(identity->secret, sizeof(identity->secret));
}

static void make_manifest(struct fixture *fixture)
{
    struct gh_manifest *manifest = &fixture->manifest;
    struct gh_public_key *issuer = NULL;
    struct gh_issuer_key *key = &manifest->keys[0];

    *manifest = (struct gh_manifest){.area = FIXTURE_AREA,
                                     .generation = 5,
                                     .tag = {5, 4, 3, 2, 1},
                                     .issued_at_s = FIXTURE_NOW_S - 10,
                                     .policy = gh_policy_initial(),
                                     .key_count = 1};
    *key = (struct gh_issuer_key){.type = GH_KEY_ED25519,
                                  .purposes =
                                      GH_PURPOSE(GH_KIND_HEALTH) | GH_PURPOSE(GH_KIND_HOUSING) |
                                      GH_PURPOSE(GH_KIND_VISITOR) | GH_PURPOSE(GH_KIND_STAFF),
                                  .not_before_s = 0,
                                  .not_after_s = FIXTURE_NOW_S * 2,
                                  .issuer = FIXTURE_ISSUER};
    assert_int_equal(gh_private_key_public(fixture->issuer_key, &issuer), GH_OK);
    key->raw_bytes = gh_public_key_raw(issuer, key->raw);
    gh_public_key_free(issuer);
}

void fixture_init(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/gatehouse-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    gh_fake_clock_init(&fixture->clock, FIXTURE_NOW_S);
    make_keys(fixture);
    make_identity(fixture);
    make_manifest(fixture);
    fixture->colours[ANNA] = fixture->colours[DORA] = fixture->colours[HUGO] = GH_COLOUR_GREEN;
    fixture->colours[YORK] = GH_COLOUR_YELLOW;
    fixture->colours[RITA] = GH_COLOUR_RED;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void fixture_destroy(struct fixture *fixture)
{
    fixture_empty_disk();
    nftw(fixture->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    gh_private_key_free(fixture->list_key);
    gh_private_key_free(fixture->issuer_key);
    gh_private_key_free(fixture->stranger_key);
    gh_public_key_free(fixture->list_public);
}

void fixture_path(const struct fixture *fixture, const char *name, char path[PATH_MAX])
{
    assert_int_equal(gh_path_join(fixture->dir, name, path, PATH_MAX), GH_OK);
}

/* --- lists --- */

static const gh_id homes[] = {
    [ANNA] = HOME_1, [YORK] = HOME_1, [RITA] = HOME_1, [DORA] = HOME_2, [HUGO] = 0};

static void put_people(const struct fixture *fixture, struct gh_snapshot_writer *writer)
{
    for (gh_id subject = ANNA; subject <= HUGO; subject++) {
        if (fixture->colours[subject] != GH_COLOUR_NONE)
            gh_snapshot_writer_subject(writer, subject, fixture->colours[subject], &homes[subject],
                                       homes[subject] != 0);
    }
    gh_id extra = 100000;
    for (unsigned i = 0; i < fixture->extra_subjects; i++) {
        extra += 1 + i * 2654435761u % 1000003; /* nothing that compresses well */
        gh_snapshot_writer_subject(writer, extra, GH_COLOUR_GREEN, NULL, 0);
    }
}

/* As it comes over the wire: compressed, with its size and hash in the manifest. */
static void make_snapshot(struct fixture *fixture)
{
    static const uint8_t no_hash[GH_REVOCATION_BYTES];
    struct gh_snapshot_writer *writer = NULL;
    char path[PATH_MAX];
    uint64_t bytes;

    fixture_path(fixture, "made.snapshot", path);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(gh_snapshot_writer_new(fd, &writer), GH_OK);
    gh_snapshot_writer_home(writer, HOME_1);
    gh_snapshot_writer_home(writer, HOME_2);
    put_people(fixture, writer);
    for (size_t i = 0; i < fixture->revoked_count; i++)
        gh_snapshot_writer_revoked(writer, fixture->revoked[i]);
    if (memcmp(fixture->revoked_hash, no_hash, sizeof(no_hash)) != 0)
        gh_snapshot_writer_hash(writer, fixture->revoked_hash, INT64_MAX);
    if (fixture->holder != 0)
        gh_snapshot_writer_holder(writer, fixture->holder, fixture->holder_subject);
    for (size_t i = 0; i < fixture->foreign_key_count; i++)
        gh_snapshot_writer_key(writer, &fixture->foreign_keys[i]);
    assert_int_equal(gh_snapshot_writer_finish(writer, fixture->manifest.snapshot_sha256, &bytes),
                     GH_OK);
    gh_snapshot_writer_free(writer);
    assert_true(bytes <= sizeof(fixture->snapshot));
    assert_true(pread(fd, fixture->snapshot, bytes, 0) == (ssize_t)bytes);
    close(fd);
    fixture->snapshot_size = fixture->manifest.snapshot_bytes = bytes;
}

void fixture_sign_manifest(struct fixture *fixture)
{
    struct gh_writer writer =
        gh_writer_over(fixture->manifest_bytes, sizeof(fixture->manifest_bytes));

    assert_int_equal(gh_manifest_write(fixture->list_key, &fixture->manifest, &writer), GH_OK);
    assert_false(writer.overflow);
    fixture->manifest_size = writer.size;
}

void fixture_make_list(struct fixture *fixture)
{
    struct gh_manifest *manifest = &fixture->manifest;

    make_snapshot(fixture);
    manifest->snapshot.number = manifest->generation;
    memcpy(manifest->snapshot.tag, manifest->tag, GH_LIST_TAG_BYTES);
    fixture_sign_manifest(fixture);
}

void fixture_install_list(struct fixture *fixture)
{
    char folder[PATH_MAX], snapshot[PATH_MAX];
    const struct gh_delta none = {{NULL, 0}, {NULL, 0}};
    struct gh_error err = {0};

    fixture_make_list(fixture);
    assert_int_equal(gh_courier_list_path(fixture->dir, folder), GH_OK);
    fixture_path(fixture, "made.snapshot", snapshot);
    if (gh_list_install(folder, fixture->list_public,
                        (struct gh_bytes){fixture->manifest_bytes, fixture->manifest_size},
                        snapshot, &none, NULL, &err) != GH_OK)
        fail_msg("%s", err.text);
}

void fixture_remove_list(const struct fixture *fixture)
{
    char folder[PATH_MAX];

    assert_int_equal(gh_courier_list_path(fixture->dir, folder), GH_OK);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fixture_smuggle_list(struct fixture *fixture)
{
    fixture_remove_list(fixture);
    fixture_install_list(fixture);
}

void fixture_pin_list(struct fixture *fixture)
{
    fixture->identity.generation = fixture->manifest.generation;
    memcpy(fixture->identity.list_tag, fixture->manifest.tag, GH_LIST_TAG_BYTES);
    fixture->identity.list_issued_at_s = fixture->manifest.issued_at_s;
}

static struct gh_bytes manifest_of(const struct fixture *fixture)
{
    return (struct gh_bytes){fixture->manifest_bytes, fixture->manifest_size};
}

void fixture_renew_list(struct fixture *fixture, int64_t issued_at_s)
{
    char folder[PATH_MAX];

    fixture->manifest.issued_at_s = issued_at_s;
    fixture_sign_manifest(fixture);
    assert_int_equal(gh_courier_list_path(fixture->dir, folder), GH_OK);
    assert_int_equal(gh_list_renew(folder, fixture->list_public, manifest_of(fixture), NULL),
                     GH_OK);
}

static void seal(const struct fixture *fixture, const struct gh_delta_header *header, gh_id subject,
                 enum gh_colour colour, struct gh_writer *sealed, struct gh_bytes *records)
{
    uint8_t bytes[GH_DELTA_RECORD_MAX_BYTES], *wire = NULL;
    struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));

    gh_delta_put_subject(&writer, subject, colour, &homes[subject], homes[subject] != 0);
    assert_int_equal(gh_delta_seal(fixture->list_key, header, (struct gh_bytes){bytes, writer.size},
                                   sealed, &wire, &records->size),
                     GH_OK);
    records->data = wire;
}

void fixture_apply_colour(struct fixture *fixture, gh_id subject, enum gh_colour colour)
{
    struct gh_manifest *manifest = &fixture->manifest;
    struct gh_delta_header header = {.from = {.number = manifest->generation},
                                     .to = {.number = manifest->generation + 1}};
    uint8_t header_bytes[GH_DELTA_HEADER_MAX_BYTES];
    struct gh_writer sealed = gh_writer_over(header_bytes, sizeof(header_bytes));
    struct gh_delta delta = {.records = {NULL, 0}};
    struct gh_error err = {0};
    char folder[PATH_MAX];

    fixture->colours[subject] = colour;
    memcpy(header.area, manifest->area, sizeof(header.area));
    memcpy(header.from.tag, manifest->tag, GH_LIST_TAG_BYTES);
    manifest->generation++;
    manifest->tag[GH_LIST_TAG_BYTES - 1]++;
    memcpy(header.to.tag, manifest->tag, GH_LIST_TAG_BYTES);
    fixture_sign_manifest(fixture);
    seal(fixture, &header, subject, colour, &sealed, &delta.records);
    delta.header = (struct gh_bytes){header_bytes, sealed.size};
    assert_int_equal(gh_courier_list_path(fixture->dir, folder), GH_OK);
    if (gh_list_apply(folder, fixture->list_public, manifest_of(fixture), &delta, &err) != GH_OK)
        fail_msg("%s", err.text);
    free((void *)delta.records.data);
}

void fixture_list_file(const struct fixture *fixture, char path[PATH_MAX])
{
    char folder[PATH_MAX], last[NAME_MAX + 1] = "";
    const struct dirent *entry;

    assert_int_equal(gh_courier_list_path(fixture->dir, folder), GH_OK);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot && strcmp(dot, ".db") == 0 && strcmp(entry->d_name, last) > 0)
            strcpy(last, entry->d_name);
    }
    closedir(dir);
    assert_int_equal(gh_path_join(folder, last, path, PATH_MAX), GH_OK);
}

/* --- log --- */

void fixture_capture_log(struct fixture *fixture)
{
    char path[PATH_MAX];

    fixture_path(fixture, "log", path);
    fflush(stderr);
    fixture->kept_stderr = dup(STDERR_FILENO);
    assert_true(fixture->kept_stderr >= 0);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    close(fd);
}

void fixture_take_log(struct fixture *fixture, char *text, size_t bytes)
{
    fflush(stderr);
    ssize_t got = pread(STDERR_FILENO, text, bytes - 1, 0);
    assert_true(dup2(fixture->kept_stderr, STDERR_FILENO) >= 0);
    close(fixture->kept_stderr);
    assert_true(got >= 0);
    text[got] = '\0';
}

/* --- codes --- */

struct gh_claims fixture_claims(const struct fixture *fixture, enum gh_kind kind, gh_id about,
                                enum gh_colour colour)
{
    (void)fixture;
    return (struct gh_claims){
        .kind = kind,
        .id = CODE_ID(about),
        .about = about,
        .colour = colour,
        .issued_at_s = FIXTURE_NOW_S - 3600,
        .expires_at_s = kind == GH_KIND_HOUSING ? INT64_MAX : FIXTURE_NOW_S + 100 * 24 * 3600,
        .issuer = FIXTURE_ISSUER,
        .host = "gate.example",
    };
}

void fixture_write(const struct gh_private_key *key, const struct gh_claims *claims,
                   char out[FIXTURE_CODE_BYTES])
{
    assert_int_equal(gh_code_write(key, claims, out, FIXTURE_CODE_BYTES), GH_OK);
}

void fixture_health(const struct fixture *fixture, gh_id subject, char out[FIXTURE_CODE_BYTES])
{
    struct gh_claims claims = fixture_claims(fixture, GH_KIND_HEALTH, subject, GH_COLOUR_GREEN);
    fixture_write(fixture->issuer_key, &claims, out);
}

void fixture_housing(const struct fixture *fixture, gh_id home, char out[FIXTURE_CODE_BYTES])
{
    struct gh_claims claims = fixture_claims(fixture, GH_KIND_HOUSING, home, GH_COLOUR_NONE);
    fixture_write(fixture->issuer_key, &claims, out);
}

struct gh_enrolment fixture_enrolment(const struct fixture *fixture)
{
    struct gh_enrolment enrolment = {.gate = FIXTURE_GATE,
                                     .url = "https://gate.example",
                                     .issued_at_s = FIXTURE_NOW_S - 60,
                                     .expires_at_s = FIXTURE_NOW_S + 24 * 3600};

    memcpy(enrolment.list_key, fixture->identity.list_key, sizeof(enrolment.list_key));
    memset(enrolment.token, 0x7e, sizeof(enrolment.token));
    return enrolment;
}

/* --- the journal --- */

static bool take_entry(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    struct fixture_entries *entries = context;
    struct gh_error err = {0};

    assert_true(entries->count < FIXTURE_ENTRIES_MAX);
    if (canonical.size == 0) { /* its content was pruned */
        entries->entry[entries->count].sequence = sequence;
        entries->text[entries->count++] = NULL;
        return true;
    }
    char *text = strndup((const char *)canonical.data, canonical.size);
    assert_non_null(text);
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    if (gh_entry_parse(object, &entries->entry[entries->count], &err) != GH_OK)
        fail_msg("%s", err.text);
    json_decref(object);
    assert_int_equal(entries->entry[entries->count].sequence, sequence);
    entries->text[entries->count++] = text;
    return true;
}

void fixture_read_journal(const struct fixture *fixture, struct fixture_entries *entries)
{
    char path[PATH_MAX];
    struct gh_journal *journal = NULL;
    uint64_t bad;

    memset(entries, 0, sizeof(*entries));
    assert_int_equal(gh_courier_journal_path(fixture->dir, fixture->identity.gate, path), GH_OK);
    enum gh_status status = gh_journal_open_reader(path, &journal, NULL);
    if (status == GH_ERR_NOTFOUND)
        return;
    assert_int_equal(status, GH_OK);
    assert_int_equal(gh_journal_verify(journal, NULL, 0, &bad), GH_OK);
    assert_int_equal(gh_journal_read(journal, 0, FIXTURE_ENTRIES_MAX, take_entry, entries), GH_OK);
    gh_journal_close(journal);
}

void fixture_free_entries(struct fixture_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        free(entries->text[i]);
    memset(entries, 0, sizeof(*entries));
}

void fixture_limit_files(uint64_t bytes)
{
    struct rlimit limit;

    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR); /* an error, and no signal */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A stand-in for a full disk: what would make the write-ahead log longer fails. */
void fixture_fill_disk(const struct fixture *fixture)
{
    char path[PATH_MAX], log[PATH_MAX + 8];
    struct stat info;

    assert_int_equal(gh_courier_journal_path(fixture->dir, fixture->identity.gate, path), GH_OK);
    snprintf(log, sizeof(log), "%s-wal", path);
    assert_int_equal(stat(log, &info), 0);
    assert_true(info.st_size > 0);
    fixture_limit_files((uint64_t)info.st_size);
}

void fixture_forbid_writing(void)
{
    fixture_limit_files(0);
}

void fixture_empty_disk(void)
{
    fixture_limit_files(RLIM_INFINITY);
}

void fixture_append(const struct fixture *fixture, unsigned count)
{
    char path[PATH_MAX];
    struct gh_journal *journal = NULL;

    assert_int_equal(gh_courier_journal_path(fixture->dir, fixture->identity.gate, path), GH_OK);
    assert_int_equal(gh_journal_open(path, &journal, NULL), GH_OK);
    for (unsigned i = 0; i < count; i++) {
        struct gh_entry entry = {.type = GH_ENTRY_PASSAGE,
                                 .gate = fixture->identity.gate,
                                 .wall_ms = FIXTURE_NOW_S * 1000 + i,
                                 .clock_trusted = true,
                                 .outcome = GH_OUTCOME_OPEN,
                                 .reason = GH_REASON_OK,
                                 .kind = GH_KIND_HEALTH,
                                 .subject = 7 + i};
        gh_boot_id(entry.boot_id);
        assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_OK);
    }
    gh_journal_close(journal);
}
