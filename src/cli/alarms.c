/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/alarms.h"

#include <stdio.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/listing.h"

static const char usage[] =
    "usage: gatehouse alarms [--json] [--gate GATE]\n"
    "\n"
    "What somebody should look into, oldest first: gaps, forks and breaks in a gate's chain of\n"
    "entries, entries that a gate removed too early, boards with one identity, lists that gates\n"
    "refused, a database that was put back; doors that were forced, housings that were opened, "
    "fire.\n"
    "What comes again within an hour is counted in the "
    "same\n"
    "line. --json prints one object a line.\n"
    "\n"
    "GATE is an identifier (16 hex digits) or the gate's name.\n";

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
    static const struct gh_listing listing = {
        .command = "alarms",
        .usage = usage,
        .path = "/alarms?limit=1000",
        .member = "alarms",
        .headings = headings,
        .columns = GH_ARRAY_SIZE(headings),
        .add_row = add_alarm,
        .by_gate = true,
    };
    return gh_listing_run(&listing, argc, argv);
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
    static const struct gh_listing listing = {
        .path = "/refused?limit=1000",
        .member = "refused",
        .headings = headings,
        .columns = GH_ARRAY_SIZE(headings),
        .add_row = add_refused,
    };
    return gh_listing_print(&listing, json, gate, err);
}
