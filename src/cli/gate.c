/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/chain.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/local.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "cli/output.h"

static const char usage[] =
    "usage: gatehouse gate add NAME [--png FILE] [--svg FILE] [--text]\n"
    "       gatehouse gate list [--json]\n"
    "       gatehouse gate chain [--json] GATE\n"
    "       gatehouse gate remove GATE\n"
    "       gatehouse gate status [--json | --metrics] [--socket PATH]\n"
    "       gatehouse gate test [--socket PATH]\n"
    "\n"
    "Gates. 'add' makes an enrolment code, which works once and for 24 hours: hold it up to\n"
    "the new gate's camera, or read it with its scanner. It is drawn on the terminal, or\n"
    "written as a picture (--png), as a sheet to print (--svg; both print the gate's\n"
    "identifier), or as text (--text). Whoever has the code can be that gate: keep it to\n"
    "yourself. 'chain' checks whether all that the gate has written down is on the server as\n"
    "it was (exit 0: it is). 'list' says 'now' of a gate that is connected, and which\n"
    "generation of the list it has. 'remove' shuts a gate out at once.\n"
    "\n"
    "'status' and 'test' are about the gate on this very board, and need no server: how it is "
    "(exit\n"
    "0: nothing is wrong), as a table, as JSON, or as metrics; and whether everything on the wall\n"
    "works, with you in front of it, who says what you see and hear.\n"
    "\n"
    "GATE is an identifier (16 hex digits) or the gate's name.\n";

/* --- add
 * ------------------------------------------------------------------------------------------ */

static enum gh_status add(const char *name, const struct gh_code_output *output,
                          struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *gate = NULL;
    const char *code = NULL;
    enum gh_status status = gh_client_open(&client, err);
    if (status == GH_OK) {
        status =
            gh_client_call(&client, "POST", "/gates", json_pack("{s:s}", "name", name), &gate, err);
    }
    if (status == GH_OK) {
        status = gh_json_need_text(gate, "enrolment_code", &code, err);
    }
    if (status != GH_OK) {
        return status;
    }
    char line[320];
    (void)snprintf(line, sizeof(line), "%.256s, until %s", name, gh_json_text(gate, "expires_at"));
    struct gh_bytes bytes = {(const uint8_t *)code, strlen(code)};
    status = gh_code_output(output, bytes, GH_QR_MEDIUM, "Enrolment code", line, err);
    if (status == GH_OK && gh_code_output_is_elsewhere(output)) {
        (void)printf("%s\n", gh_json_text(gate, "id"));
    }
    if (status == GH_OK) {
        gh_say("Gate %s waits for its enrolment: show the code to its camera or scanner before %s.",
               gh_json_text(gate, "id"), gh_json_text(gate, "expires_at"));
    }
    return status;
}

static int run_add(int argc, char **argv)
{
    struct gh_code_output output = {0};
    const struct gh_option options[] = {GH_CODE_OUTPUT_OPTIONS(output)};
    const struct gh_syntax syntax = {"gate add", usage, options, GH_ARRAY_SIZE(options), 1, 1};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    /* Asked before the server makes a code that nobody would ever see. */
    if (output.png == NULL && output.svg == NULL && !output.text && !isatty(STDOUT_FILENO)) {
        return gh_misuse("gate add", "standard output is not a terminal: say where the code goes");
    }
    struct gh_error err = {0};
    return add(operands[0], &output, &err) == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}

/* --- list
 * ----------------------------------------------------------------------------------------- */

static enum gh_status add_row(struct gh_table *table, const json_t *gate)
{
    char generation[24], sequence[24], alarms[24];
    bool connected = json_is_true(json_object_get(gate, "connected"));
    (void)snprintf(generation, sizeof(generation), "%lld", gh_json_number(gate, "generation"));
    (void)snprintf(sequence, sizeof(sequence), "%lld", gh_json_number(gate, "last_sequence"));
    (void)snprintf(alarms, sizeof(alarms), "%lld", gh_json_number(gate, "alarms"));
    const char *cells[] = {gh_json_text(gate, "id"),
                           gh_json_text(gate, "state"),
                           connected ? "now" : gh_json_text(gate, "last_seen"),
                           generation,
                           sequence,
                           alarms,
                           gh_json_text(gate, "name")};
    return gh_table_add(table, cells);
}

static int run_list(int argc, char **argv)
{
    static const char *const headings[] = {"ID",      "STATE",  "LAST SEEN", "LIST",
                                           "ENTRIES", "ALARMS", "NAME"};
    static const struct gh_listing listing = {
        .command = "gate list",
        .usage = usage,
        .path = "/gates",
        .member = "gates",
        .headings = headings,
        .columns = GH_ARRAY_SIZE(headings),
        .add_row = add_row,
    };
    return gh_listing_run(&listing, argc, argv);
}

/* --- remove
 * --------------------------------------------------------------------------------------- */

static enum gh_status remove_gate(const char *word, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    char id[GH_ID_TEXT_BYTES];
    char path[64];
    enum gh_status status = gh_open_and_find(&client, gh_find_gate, word, id, err);
    if (status != GH_OK) {
        return status;
    }
    (void)snprintf(path, sizeof(path), "/gates/%s", id);
    status = gh_client_call(&client, "DELETE", path, NULL, NULL, err);
    if (status == GH_OK) {
        gh_say("Gate %s is shut out.", id);
    }
    return status;
}

static int run_remove(int argc, char **argv)
{
    return gh_run_on_operand("gate remove", usage, argc, argv, remove_gate);
}

static int run_chain(int argc, char **argv)
{
    return gh_command_gate_chain(usage, argc, argv);
}

static int run_status(int argc, char **argv)
{
    return gh_command_gate_status(usage, argc, argv);
}

static int run_test(int argc, char **argv)
{
    return gh_command_gate_test(usage, argc, argv);
}

int gh_command_gate(int argc, char **argv)
{
    static const struct gh_subcommand table[] = {{"add", run_add},       {"list", run_list},
                                                 {"chain", run_chain},   {"remove", run_remove},
                                                 {"status", run_status}, {"test", run_test}};
    return gh_subcommand_run("gate", usage, table, GH_ARRAY_SIZE(table), argc, argv);
}
