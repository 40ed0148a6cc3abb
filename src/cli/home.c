/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "cli/output.h"

static const char usage[] =
    "usage: gatehouse home apply ADDRESS\n"
    "       gatehouse home list [--json]\n"
    "       gatehouse home inspect HOME --passed|--failed [--note TEXT]\n"
    "       gatehouse home approve HOME\n"
    "       gatehouse home issue HOME [--renew] [--png FILE] [--svg FILE] [--text]\n"
    "       gatehouse home add-member HOME PERSON\n"
    "       gatehouse home remove-member HOME PERSON\n"
    "\n"
    "Homes: the landlord applies, the inspector inspects, the administrator approves; then the\n"
    "home has exactly one housing code, and members. 'apply' prints the new home's identifier.\n"
    "'issue' draws the code on the terminal, or writes it as a picture (--png), as a sheet to\n"
    "print (--svg), or as text (--text); --renew revokes the old code and makes another.\n"
    "\n"
    "HOME is an identifier (16 hex digits) or the home's address; PERSON is an identifier or, for\n"
    "administrators, a ref.\n";

static void say_state(const json_t *home)
{
    gh_say("%s: %s", gh_json_text(home, "address"), gh_json_text(home, "state"));
}

/* --- apply
 * ---------------------------------------------------------------------------------------- */

static enum gh_status apply(const char *address, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *home = NULL;
    enum gh_status status = gh_client_open(&client, err);
    if (status == GH_OK) {
        status = gh_client_call(&client, "POST", "/homes", json_pack("{s:s}", "address", address),
                                &home, err);
    }
    const char *id = NULL;
    if (status == GH_OK) {
        status = gh_json_need_text(home, "id", &id, err);
    }
    if (status == GH_OK) {
        (void)printf("%s\n", id);
        say_state(home);
    }
    return status;
}

static int run_apply(int argc, char **argv)
{
    return gh_run_on_operand("home apply", usage, argc, argv, apply);
}

/* --- list
 * ----------------------------------------------------------------------------------------- */

static enum gh_status add_row(struct gh_table *table, const json_t *home)
{
    char members[24];
    (void)snprintf(members, sizeof(members), "%zu",
                   json_array_size(json_object_get(home, "members")));
    const char *cells[] = {gh_json_text(home, "id"), gh_json_text(home, "state"),
                           gh_json_text(home, "owner"), members, gh_json_text(home, "address")};
    return gh_table_add(table, cells);
}

static int run_list(int argc, char **argv)
{
    static const char *const headings[] = {"ID", "STATE", "OWNER", "MEMBERS", "ADDRESS"};
    static const struct gh_listing listing = {
        .command = "home list",
        .usage = usage,
        .path = "/homes",
        .member = "homes",
        .headings = headings,
        .columns = GH_ARRAY_SIZE(headings),
        .add_row = add_row,
    };
    return gh_listing_run(&listing, argc, argv);
}

/* --- inspect, approve
 * ------------------------------------------------------------------------------ */

/* One step of a home's way: POST to below it, say how it stands now. The body's reference is taken.
 */
static enum gh_status advance(const char *word, const char *step, json_t *body,
                              struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *home = NULL;
    char id[GH_ID_TEXT_BYTES];
    char path[64];
    enum gh_status status = gh_open_and_find(&client, gh_find_home, word, id, err);
    if (status != GH_OK) {
        json_decref(body);
        return status;
    }
    (void)snprintf(path, sizeof(path), "/homes/%s/%s", id, step);
    status = gh_client_call(&client, "POST", path, body, &home, err);
    if (status == GH_OK) {
        say_state(home);
    }
    return status;
}

static int run_inspect(int argc, char **argv)
{
    bool passed = false, failed = false;
    const char *note = NULL;
    const struct gh_option options[] = {{.name = "passed", .flag = &passed},
                                        {.name = "failed", .flag = &failed},
                                        {.name = "note", .value = &note}};
    const struct gh_syntax syntax = {"home inspect", usage, options, GH_ARRAY_SIZE(options), 1, 1};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    if (passed == failed) {
        return gh_misuse("home inspect", "say either --passed or --failed");
    }
    json_t *body = note == NULL ? json_pack("{s:b}", "passed", passed)
                                : json_pack("{s:b, s:s}", "passed", passed, "note", note);
    struct gh_error err = {0};
    return advance(operands[0], "inspection", body, &err) == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}

static enum gh_status approve(const char *word, struct gh_error *err)
{
    return advance(word, "approval", json_object(), err);
}

static int run_approve(int argc, char **argv)
{
    return gh_run_on_operand("home approve", usage, argc, argv, approve);
}

/* --- issue
 * ---------------------------------------------------------------------------------------- */

/* The address for the printed sheet. */
static enum gh_status find_address(struct gh_client *client, const char *id, json_t **homes,
                                   const char **address, struct gh_error *err)
{
    enum gh_status status = gh_client_call(client, "GET", "/homes", NULL, homes, err);
    const json_t *home;
    size_t index;
    json_array_foreach(json_object_get(*homes, "homes"), index, home)
    {
        if (strcmp(gh_json_text(home, "id"), id) == 0) {
            *address = gh_json_text(home, "address");
        }
    }
    return status;
}

static enum gh_status issue(const char *word, bool renew, const struct gh_code_output *output,
                            struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *answer = NULL;
    GH_CLEANUP_JSON json_t *homes = NULL;
    const char *address = NULL, *code = NULL;
    char id[GH_ID_TEXT_BYTES];
    char path[64];
    enum gh_status status = gh_open_and_find(&client, gh_find_home, word, id, err);
    if (status == GH_OK && output->svg != NULL) {
        status = find_address(&client, id, &homes, &address, err);
    }
    if (status != GH_OK) {
        return status;
    }
    (void)snprintf(path, sizeof(path), "/homes/%s/code", id);
    json_t *body = renew ? json_pack("{s:b}", "renew", 1) : json_object();
    status = gh_client_call(&client, "POST", path, body, &answer, err);
    if (status == GH_OK) {
        status = gh_json_need_text(answer, "code", &code, err);
    }
    if (status != GH_OK) {
        return status;
    }
    struct gh_bytes bytes = {(const uint8_t *)code, strlen(code)};
    /* Quartile: it hangs at a front door for years. */
    status = gh_code_output(output, bytes, GH_QR_QUARTILE, "Housing code", address, err);
    if (status == GH_OK && gh_code_output_is_elsewhere(output)) {
        (void)printf("%s\n", gh_json_text(answer, "credential"));
    }
    if (status == GH_OK) {
        gh_say("Housing code %s, issued at %s", gh_json_text(answer, "credential"),
               gh_json_text(answer, "issued_at"));
    }
    return status;
}

static int run_issue(int argc, char **argv)
{
    bool renew = false;
    struct gh_code_output output = {0};
    const struct gh_option options[] = {{.name = "renew", .flag = &renew},
                                        GH_CODE_OUTPUT_OPTIONS(output)};
    const struct gh_syntax syntax = {"home issue", usage, options, GH_ARRAY_SIZE(options), 1, 1};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    struct gh_error err = {0};
    return issue(operands[0], renew, &output, &err) == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}

/* --- members
 * --------------------------------------------------------------------------------------- */

static enum gh_status change_member(const char *method, const char *home_word,
                                    const char *person_word, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *home = NULL;
    char id[GH_ID_TEXT_BYTES], person[GH_ID_TEXT_BYTES];
    char path[80];
    enum gh_status status = gh_open_and_find(&client, gh_find_home, home_word, id, err);
    if (status == GH_OK) {
        status = gh_find_person(&client, person_word, person, err);
    }
    if (status != GH_OK) {
        return status;
    }
    (void)snprintf(path, sizeof(path), "/homes/%s/members/%s", id, person);
    status = gh_client_call(&client, method, path, NULL, &home, err);
    if (status == GH_OK) {
        size_t members = json_array_size(json_object_get(home, "members"));
        gh_say("%s: %zu member%s", gh_json_text(home, "address"), members, members == 1 ? "" : "s");
    }
    return status;
}

static int run_member(int argc, char **argv, const char *command, const char *method)
{
    const struct gh_syntax syntax = {command, usage, NULL, 0, 2, 2};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    struct gh_error err = {0};
    return change_member(method, operands[0], operands[1], &err) == GH_OK ? GH_EXIT_OK
                                                                          : gh_complain(&err);
}

static int run_add_member(int argc, char **argv)
{
    return run_member(argc, argv, "home add-member", "PUT");
}

static int run_remove_member(int argc, char **argv)
{
    return run_member(argc, argv, "home remove-member", "DELETE");
}

int gh_command_home(int argc, char **argv)
{
    static const struct gh_subcommand table[] = {
        {"apply", run_apply},
        {"list", run_list},
        {"inspect", run_inspect},
        {"approve", run_approve},
        {"issue", run_issue},
        {"add-member", run_add_member},
        {"remove-member", run_remove_member},
    };
    return gh_subcommand_run("home", usage, table, GH_ARRAY_SIZE(table), argc, argv);
}
