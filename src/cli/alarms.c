/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/alarms.h"

#include <stdio.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/table.h"

static const char usage[] =
    "usage: gatehouse alarms [--json] [--gate GATE]\n"
    "\n"
    "What somebody should look into, oldest first: gaps, forks and breaks in a gate's chain of\n"
    "entries, entries that a gate removed too early, boards with one identity, lists that gates\n"
    "refused, a database that was put back. What comes again within an hour is counted in the "
    "same\n"
    "line. --json prints one object a line.\n"
    "\n"
    "GATE is an identifier (16 hex digits) or the gate's name.\n";

struct printing {
    bool json;
    enum gh_status (*add_row)(struct gh_table *table, const json_t *element);
    struct gh_table table;
};

static enum gh_status take(void *context, const json_t *element, struct gh_error *err)
{
    struct printing *printing = context;
    if (printing->json) {
        gh_print_json(element);
        return GH_OK;
    }
    return printing->add_row(&printing->table, element) == GH_OK
               ? GH_OK
               : gh_fail(err, GH_ERR_NOMEM, "no memory");
}

/* path: below /api/v1; also the name of the array in the answer, behind its slash. */
static enum gh_status print_all(struct printing *printing, const char *path, const char *gate,
                                struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    char question[GH_API_PATH_BYTES], id[GH_ID_TEXT_BYTES] = "";
    enum gh_status status = gh_client_open(&client, err);
    if (status == GH_OK && gate != NULL) {
        status = gh_find_gate(&client, gate, id, err);
    }
    (void)snprintf(question, sizeof(question), "%s?limit=1000%s%s", path,
                   gate != NULL ? "&gate=" : "", id);
    if (status == GH_OK) {
        status = gh_each_page(&client, question, NULL, path + 1, take, printing, err);
    }
    if (status == GH_OK && !printing->json) {
        gh_table_print(&printing->table, stdout);
    }
    return status;
}

/* A whole number, or "" where there is none. */
static const char *number_text(const json_t *element, const char *name, char out[24])
{
    const json_t *value = json_object_get(element, name);
    out[0] = 0;
    if (json_is_integer(value)) {
        (void)snprintf(out, 24, "%lld", (long long)json_integer_value(value));
    }
    return out;
}

static const char *gate_text(const json_t *element)
{
    const char *name = gh_json_text(element, "gate_name");
    return name[0] != 0 ? name : gh_json_text(element, "gate");
}

/* --- alarms --- */

static enum gh_status add_alarm(struct gh_table *table, const json_t *alarm)
{
    char count[24], sequence[24];
    const char *cells[] = {gh_json_text(alarm, "at"),           gate_text(alarm),
                           gh_json_text(alarm, "kind"),         number_text(alarm, "count", count),
                           number_text(alarm, "seq", sequence), gh_json_text(alarm, "text")};
    return gh_table_add(table, cells);
}

int gh_command_alarms(int argc, char **argv)
{
    static const char *const headings[] = {"TIME", "GATE", "KIND", "COUNT", "ENTRY", "TEXT"};
    struct printing printing = {.add_row = add_alarm};
    const char *gate = NULL;
    const struct gh_option options[] = {{.name = "json", .flag = &printing.json},
                                        {.name = "gate", .value = &gate}};
    const struct gh_syntax syntax = {"alarms", usage, options, GH_ARRAY_SIZE(options), 0, 0};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    struct gh_error err = {0};
    gh_table_init(&printing.table, headings, GH_ARRAY_SIZE(headings));
    enum gh_status status = print_all(&printing, "/alarms", gate, &err);
    gh_table_free(&printing.table);
    return status == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}

/* --- dead letters --- */

static enum gh_status add_refused(struct gh_table *table, const json_t *refused)
{
    char sequence[24];
    const char *cells[] = {gh_json_text(refused, "received_at"), gate_text(refused),
                           number_text(refused, "seq", sequence), gh_json_text(refused, "reason")};
    return gh_table_add(table, cells);
}

enum gh_status gh_print_refused(const char *gate, bool json, struct gh_error *err)
{
    static const char *const headings[] = {"RECEIVED", "GATE", "ENTRY", "REASON"};
    struct printing printing = {.json = json, .add_row = add_refused};
    gh_table_init(&printing.table, headings, GH_ARRAY_SIZE(headings));
    enum gh_status status = print_all(&printing, "/refused", gate, err);
    gh_table_free(&printing.table);
    return status;
}
