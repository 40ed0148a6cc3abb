/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/alarms.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/entry_row.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "cli/output.h"
#include "gatehouse/clock.h"
#include "gatehouse/entry.h"

static const char usage[] =
    "usage: gatehouse entries [--json] [--type TYPE] [--gate GATE] [--from TIME] [--until TIME]\n"
    "                         [--follow]\n"
    "       gatehouse entries --refused [--json] [--gate GATE]\n"
    "\n"
    "What the gates have written down, oldest first. Times are UTC, by the gate's clock; '?'\n"
    "behind one says that the gate did not trust its clock. --follow goes on with what comes in\n"
    "from now on. --refused: what was no acceptable entry and was kept aside. --json prints one\n"
    "object a line.\n"
    "\n"
    "TYPE is passage, start, fault, clock, door, list, prune or announcement. TIME is when the\n"
    "server received it, as in 2020-03-01T07:00:00Z. GATE is an identifier (16 hex digits) or the\n"
    "gate's name.\n";

#define FOLLOW_PAUSE_MS 1000

struct listing {
    bool json;
    struct gh_table table;
    json_int_t last_row; /* the newest seen */
};

static enum gh_status take_entry(void *context, const json_t *row, struct gh_error *err)
{
    struct listing *listing = context;
    json_int_t number = json_integer_value(json_object_get(row, "row"));
    if (number > listing->last_row) {
        listing->last_row = number;
    }
    if (listing->json) {
        gh_print_json(row);
        return GH_OK;
    }
    return gh_entry_row_add(&listing->table, row) == GH_OK
               ? GH_OK
               : gh_fail(err, GH_ERR_NOMEM, "no memory");
}

struct question {
    const char *type, *gate, *from, *until; /* NULL: any */
};

static void put_parameter(struct gh_writer *writer, const char *name, const char *value)
{
    if (value != NULL) {
        gh_writer_put_text(writer, name);
        gh_url_put(writer, value);
    }
}

/* The question without its cursor. */
static enum gh_status make_path(struct gh_client *client, const struct question *question,
                                char out[GH_API_PATH_BYTES], struct gh_error *err)
{
    struct gh_writer writer = gh_writer_over(out, GH_API_PATH_BYTES);
    gh_writer_put_text(&writer, "/entries?limit=1000");
    put_parameter(&writer, "&type=", question->type);
    put_parameter(&writer, "&from=", question->from);
    put_parameter(&writer, "&until=", question->until);
    if (question->gate != NULL) {
        char id[GH_ID_TEXT_BYTES];
        enum gh_status status = gh_find_gate(client, question->gate, id, err);
        if (status != GH_OK) {
            return status;
        }
        put_parameter(&writer, "&gate=", id);
    }
    gh_writer_put_byte(&writer, 0);
    return writer.overflow ? gh_fail(err, GH_ERR_TOOBIG, "what was asked for is too long") : GH_OK;
}

static enum gh_status print_new(struct gh_client *client, const char *path, struct listing *listing,
                                struct gh_error *err)
{
    char after[24] = "";
    if (listing->last_row > 0) {
        (void)snprintf(after, sizeof(after), "%lld", (long long)listing->last_row);
    }
    enum gh_status status = gh_each_page(client, path, after, "entries", take_entry, listing, err);
    if (!listing->json && (status == GH_OK || listing->table.cell_count > 0)) {
        gh_table_print(&listing->table, stdout);
    }
    (void)fflush(stdout);
    return status;
}

/* Until a signal ends it, the reader of a pipe goes away, or the server says no; while the server
 * cannot be reached, it is asked again. */
static enum gh_status follow(struct gh_client *client, const char *path, struct listing *listing,
                             struct gh_error *err)
{
    static const struct timespec pause = {.tv_sec = FOLLOW_PAUSE_MS / 1000,
                                          .tv_nsec = FOLLOW_PAUSE_MS % 1000 * GH_NS_PER_MS};
    bool was_away = false;
    while (!ferror(stdout)) {
        nanosleep(&pause, NULL);
        struct gh_error why = {0};
        enum gh_status status = print_new(client, path, listing, &why);
        bool away = status == GH_ERR_NETWORK || status == GH_ERR_TIMEOUT;
        if (status != GH_OK && !away) {
            return gh_fail(err, status, "%s", why.text);
        }
        if (away && !was_away) {
            gh_say("%s; trying on", why.text);
        }
        was_away = away;
    }
    return GH_OK;
}

static enum gh_status list(struct listing *listing, const struct question *question, bool following,
                           struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    char path[GH_API_PATH_BYTES];
    enum gh_status status = gh_client_open(&client, err);
    if (status == GH_OK) {
        status = make_path(&client, question, path, err);
    }
    if (status == GH_OK) {
        status = print_new(&client, path, listing, err);
    }
    return status == GH_OK && following ? follow(&client, path, listing, err) : status;
}

static bool is_type(const char *name)
{
    for (int i = 0; i < GH_ENTRY_TYPES; i++) {
        if (strcmp(name, gh_entry_type_name((enum gh_entry_type)i)) == 0) {
            return true;
        }
    }
    return false;
}

static int misuse_of_type(const char *given)
{
    char types[160] = "";
    size_t size = 0;
    for (int i = 0; i < GH_ENTRY_TYPES && size < sizeof(types); i++) {
        const char *between = i == 0 ? "" : i == GH_ENTRY_TYPES - 1 ? " or " : ", ";
        size += (size_t)snprintf(types + size, sizeof(types) - size, "%s%s", between,
                                 gh_entry_type_name((enum gh_entry_type)i));
    }
    return gh_misuse("entries", "'%s' is no type: --type takes %s", given, types);
}

/* GH_GO_ON, or the exit code after a line on standard error. */
static int check(const struct question *question, bool following, bool refused)
{
    const char *const times[] = {question->from, question->until};
    if (refused && (question->type != NULL || question->from != NULL || question->until != NULL ||
                    following)) {
        return gh_misuse("entries", "--refused goes with --gate and --json only");
    }
    if (question->type != NULL && !is_type(question->type)) {
        return misuse_of_type(question->type);
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(times); i++) {
        int64_t seconds;
        if (times[i] != NULL && gh_time_parse(times[i], &seconds) != GH_OK) {
            return gh_misuse("entries", "'%s' is not a time such as 2020-03-01T07:00:00Z",
                             times[i]);
        }
    }
    return GH_GO_ON;
}

int gh_command_entries(int argc, char **argv)
{
    struct listing listing = {0};
    struct question question = {0};
    bool following = false, refused = false;
    const struct gh_option options[] = {
        {.name = "json", .flag = &listing.json},     {.name = "type", .value = &question.type},
        {.name = "gate", .value = &question.gate},   {.name = "from", .value = &question.from},
        {.name = "until", .value = &question.until}, {.name = "follow", .flag = &following},
        {.name = "refused", .flag = &refused}};
    const struct gh_syntax syntax = {"entries", usage, options, GH_ARRAY_SIZE(options), 0, 0};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code == GH_GO_ON) {
        code = check(&question, following, refused);
    }
    if (code != GH_GO_ON) {
        return code;
    }
    struct gh_error err = {0};
    if (refused) {
        return gh_print_refused(question.gate, listing.json, &err) == GH_OK ? GH_EXIT_OK
                                                                            : gh_complain(&err);
    }
    gh_entry_table_init(&listing.table);
    enum gh_status status = list(&listing, &question, following, &err);
    gh_table_free(&listing.table);
    return status == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}
