/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/announce_say.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/listing.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "cli/output.h"
#include "gatehouse/announcement.h"
#include "gatehouse/file.h"
#include "gatehouse/wav.h"

#define EXPIRES_MAX_S 86400
#define EXPIRES_MIN_S 10
#define TEXT_MAX_BYTES 200

static const char usage[] =
    "usage: gatehouse announce FILE.wav [--gate GATE] [--repeat N] [--expires 10m] [--text TEXT]\n"
    "       gatehouse announce --say TEXT [--voice en] [--gate GATE] [--repeat N] [--expires 10m]\n"
    "       gatehouse announce list [--json]\n"
    "       gatehouse announce stop ID\n"
    "\n"
    "Play a sound at one gate, or at all of them, before everything else that they have to say;\n"
    "N times (1 to 20). A gate that is away plays it when it is back, unless it has expired by\n"
    "then (10s to 1d). FILE is a WAV file: PCM, 16 bits, one or two channels, 8000 to 48000 Hz,\n"
    "at most 60 s. --say has espeak-ng on this machine speak TEXT; --voice is one of its voices,\n"
    "such as en or zh. --text says what is said, for 'list', which shows what became of each.\n"
    "'stop' takes one back, also where it is being played.\n"
    "\n"
    "GATE is an identifier (16 hex digits) or the gate's name.\n";

/* --- sending --- */

struct wanted {
    const char *file, *say, *voice, *gate, *repeat, *expires, *text;
};

static enum gh_status check_sound(const uint8_t *data, size_t size, const char *file,
                                  struct gh_error *err)
{
    struct gh_wav wav;
    struct gh_error why = {0};
    enum gh_status status = gh_wav_parse((struct gh_bytes){data, size}, &wav, &why);
    return status == GH_OK ? GH_OK : gh_fail(err, status, "%.80s: %.160s", file, why.text);
}

static enum gh_status read_sound(const struct wanted *wanted, uint8_t **data, size_t *size,
                                 struct gh_error *err)
{
    enum gh_status status;
    if (wanted->say != NULL) {
        status = gh_say_to_wav(wanted->say, wanted->voice, data, size, err);
    } else {
        status = gh_file_read(wanted->file, GH_ANNOUNCEMENT_MAX_BYTES, data, size, err);
        if (status == GH_ERR_TOOBIG) {
            /* the reader's own word would not say what the limit is for */
            *err = (struct gh_error){0};
            return gh_fail(err, status, "%.80s: a sound may have at most 8 MiB", wanted->file);
        }
    }
    if (status != GH_OK) {
        return status;
    }
    return check_sound(*data, *size, wanted->say != NULL ? "what was spoken" : wanted->file, err);
}

/* As many bytes of it as the server takes, of whole characters. */
static void put_text(struct gh_writer *path, const char *text)
{
    char cut[TEXT_MAX_BYTES + 1];
    size_t size = strlen(text);
    if (size > TEXT_MAX_BYTES) {
        size = TEXT_MAX_BYTES;
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80) {
            size--;
        }
    }
    memcpy(cut, text, size);
    cut[size] = 0;
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)cut[i] < 0x20) {
            cut[i] = ' ';
        }
    }
    gh_writer_put_text(path, "&text=");
    gh_url_put(path, cut);
}

static enum gh_status send_sound(const struct wanted *wanted, long repeat, int64_t expires_s,
                                 struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *answer = NULL;
    GH_CLEANUP_FREE uint8_t *data = NULL;
    char path[GH_API_PATH_BYTES], gate[GH_ID_TEXT_BYTES];
    const char *id = NULL;
    size_t size = 0;
    enum gh_status status = read_sound(wanted, &data, &size, err);
    if (status == GH_OK) {
        status = gh_client_open(&client, err);
    }
    if (status == GH_OK && wanted->gate != NULL) {
        status = gh_find_gate(&client, wanted->gate, gate, err);
    }
    if (status != GH_OK) {
        return status;
    }
    struct gh_writer writer = gh_writer_over(path, sizeof(path) - 1);
    (void)snprintf(path, sizeof(path), "/announcements?repeat=%ld&expires_s=%" PRId64, repeat,
                   expires_s);
    writer.size = strlen(path);
    if (wanted->gate != NULL) {
        gh_writer_put_text(&writer, "&gate=");
        gh_writer_put_text(&writer, gate);
    }
    if (wanted->text != NULL || wanted->say != NULL) {
        put_text(&writer, wanted->text != NULL ? wanted->text : wanted->say);
    }
    path[writer.size] = 0;
    status = gh_client_send(&client, "POST", path, "audio/wav", (struct gh_bytes){data, size},
                            &answer, err);
    if (status == GH_OK) {
        status = gh_json_need_text(answer, "id", &id, err);
    }
    if (status == GH_OK) {
        (void)printf("%s\n", id);
    }
    return status;
}

static int run_send(int argc, char **argv)
{
    struct wanted wanted = {.voice = NULL};
    const struct gh_option options[] = {
        {.name = "gate", .value = &wanted.gate},       {.name = "repeat", .value = &wanted.repeat},
        {.name = "expires", .value = &wanted.expires}, {.name = "text", .value = &wanted.text},
        {.name = "say", .value = &wanted.say},         {.name = "voice", .value = &wanted.voice},
    };
    const struct gh_syntax syntax = {"announce", usage, options, GH_ARRAY_SIZE(options), 0, 1};
    char **operands, *end = NULL;
    int count;
    int64_t expires_s = 600;
    long repeat = 1;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    if ((count == 1) == (wanted.say != NULL)) {
        return gh_misuse("announce", "say either a FILE or --say TEXT");
    }
    if (wanted.say != NULL && wanted.say[strspn(wanted.say, " \t\r\n")] == 0) {
        return gh_misuse("announce", "--say needs words to speak");
    }
    if (wanted.voice != NULL && wanted.say == NULL) {
        return gh_misuse("announce", "--voice goes with --say");
    }
    wanted.file = count == 1 ? operands[0] : NULL;
    if (wanted.repeat != NULL) {
        repeat = strtol(wanted.repeat, &end, 10);
        if (end == wanted.repeat || *end != 0 || repeat < 1 ||
            repeat > GH_ANNOUNCEMENT_REPEAT_MAX) {
            return gh_misuse("announce", "--repeat is a number from 1 to %d",
                             GH_ANNOUNCEMENT_REPEAT_MAX);
        }
    }
    if (wanted.expires != NULL &&
        (gh_duration_parse(wanted.expires, EXPIRES_MAX_S, &expires_s) != GH_OK ||
         expires_s < EXPIRES_MIN_S)) {
        return gh_misuse("announce", "--expires is a time from 10s to 1d, such as 10m");
    }
    struct gh_error err = {0};
    return send_sound(&wanted, repeat, expires_s, &err) == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}

/* --- list --- */

static const char *number_of(const json_t *row, const char *name, char out[24])
{
    (void)snprintf(out, 24, "%lld", gh_json_number(row, name));
    return out;
}

static enum gh_status add_row(struct gh_table *table, const json_t *row)
{
    char repeat[24], seconds[24], played[24], silent[24], failed[24], expired[24];
    const char *gate = gh_json_text(row, "gate");
    const char *cells[] = {
        gh_json_text(row, "id"),
        gate[0] != 0 ? gate : "all",
        gh_json_text(row, "sent_at"),
        json_is_true(json_object_get(row, "cancelled")) ? "stopped"
                                                        : gh_json_text(row, "expires_at"),
        number_of(row, "repeat", repeat),
        seconds,
        number_of(row, "played", played),
        number_of(row, "silent", silent),
        number_of(row, "failed", failed),
        number_of(row, "expired", expired),
        gh_json_text(row, "text"),
    };
    (void)snprintf(seconds, sizeof(seconds), "%.1f",
                   json_number_value(json_object_get(row, "seconds")));
    return gh_table_add(table, cells);
}

static int run_list(int argc, char **argv)
{
    static const char *const headings[] = {"ID",     "GATE",    "SENT",   "UNTIL",
                                           "TIMES",  "SECONDS", "PLAYED", "SILENT",
                                           "FAILED", "EXPIRED", "TEXT"};
    static const struct gh_listing listing = {
        .command = "announce list",
        .usage = usage,
        .path = "/announcements",
        .member = "announcements",
        .headings = headings,
        .columns = GH_ARRAY_SIZE(headings),
        .add_row = add_row,
    };
    return gh_listing_run(&listing, argc, argv);
}

/* --- stop --- */

static enum gh_status stop(const char *id, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    char path[64];
    gh_id parsed;
    if (gh_id_parse(id, strlen(id), &parsed) != GH_OK) {
        return gh_fail(err, GH_ERR_INVALID, "%.64s is no identifier (16 hex digits)", id);
    }
    (void)snprintf(path, sizeof(path), "/announcements/%s", id);
    enum gh_status status = gh_client_open(&client, err);
    return status == GH_OK ? gh_client_call(&client, "DELETE", path, NULL, NULL, err) : status;
}

static int run_stop(int argc, char **argv)
{
    return gh_run_on_operand("announce stop", usage, argc, argv, stop);
}

int gh_command_announce(int argc, char **argv)
{
    static const struct gh_subcommand table[] = {{"list", run_list}, {"stop", run_stop}};
    for (size_t i = 0; argc > 1 && i < GH_ARRAY_SIZE(table); i++) {
        if (strcmp(argv[1], table[i].name) == 0) {
            return gh_subcommand_run("announce", usage, table, GH_ARRAY_SIZE(table), argc, argv);
        }
    }
    /* Of a word that is no option yet the shell may complete either. */
    if (gh_completing() && argc == 2 && argv[1][0] != '-') {
        return gh_complete_subcommand(table, GH_ARRAY_SIZE(table), argc, argv);
    }
    return run_send(argc, argv);
}
