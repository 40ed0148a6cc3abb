/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/options.h"
#include "cli/output.h"

#define LEAD_MAX_S 31536000 /* a year, as the server has it (docs/protocol.md) */

static const char usage[] = "usage: gatehouse key list [--json]\n"
                            "       gatehouse key rotate health|housing [--lead TIME]\n"
                            "       gatehouse key rotate list\n"
                            "       gatehouse key revoke KEY\n"
                            "       gatehouse key show KEY\n"
                            "\n"
                            "The keys that sign health and housing codes. 'rotate' makes a new "
                            "one, which the gates learn of\n"
                            "now and which signs after TIME (30m, 24h, 7d; 24h without, 0: at "
                            "once); codes that the old one\n"
                            "has signed stay good. The list key, which signs what gates hear from "
                            "the server, is followed at\n"
                            "once. 'revoke' makes all of a key's codes worthless: "
                            "for one that was stolen.\n"
                            "'show' prints the public key as PEM.\n"
                            "\n"
                            "KEY is an identifier (16 hex digits).\n";

/* --- list
 * ----------------------------------------------------------------------------------------- */

/* Until when it signed: its span ends where the next one's begins, or when it was revoked. */
static const char *end_of(const json_t *key)
{
    const char *end = gh_json_text(key, "not_after"), *revoked = gh_json_text(key, "revoked_at");
    /* Times of one form: the order of the texts is theirs. */
    return revoked[0] != 0 && (end[0] == 0 || strcmp(revoked, end) < 0) ? revoked : end;
}

static enum gh_status add_row(struct gh_table *table, const json_t *key)
{
    const char *cells[] = {gh_json_text(key, "id"), gh_json_text(key, "purpose"),
                           gh_json_text(key, "state"), gh_json_text(key, "not_before"),
                           end_of(key)};
    return gh_table_add(table, cells);
}

static int run_list(int argc, char **argv)
{
    static const char *const headings[] = {"ID", "PURPOSE", "STATE", "SIGNS FROM", "UNTIL"};
    static const struct gh_listing listing = {
        .command = "key list",
        .usage = usage,
        .path = "/keys",
        .member = "keys",
        .headings = headings,
        .columns = GH_ARRAY_SIZE(headings),
        .add_row = add_row,
    };
    return gh_listing_run(&listing, argc, argv);
}

/* --- rotate
 * --------------------------------------------------------------------------------------- */

static enum gh_status rotate(const char *purpose, int64_t lead_s, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *key = NULL;
    const char *id = NULL;
    enum gh_status status = gh_client_open(&client, err);
    if (status == GH_OK) {
        status = gh_client_call(
            &client, "POST", "/keys",
            json_pack("{s:s, s:I}", "purpose", purpose, "lead_s", (json_int_t)lead_s), &key, err);
    }
    if (status == GH_OK) {
        status = gh_json_need_text(key, "id", &id, err);
    }
    if (status == GH_OK) {
        (void)printf("%s\n", id);
        gh_say("The new %s key signs from %s on.", purpose, gh_json_text(key, "not_before"));
    }
    return status;
}

static enum gh_status rotate_list(struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *key = NULL;
    const char *id = NULL;
    enum gh_status status = gh_client_open(&client, err);
    if (status == GH_OK) {
        status = gh_client_call(&client, "POST", "/keys", json_pack("{s:s}", "purpose", "list"),
                                &key, err);
    }
    if (status == GH_OK) {
        status = gh_json_need_text(key, "id", &id, err);
    }
    if (status == GH_OK) {
        (void)printf("%s\n", id);
        gh_say("The new list key signs from now on. Gates follow it by themselves.");
    }
    return status;
}

static int run_rotate(int argc, char **argv)
{
    const char *lead = NULL;
    const struct gh_option options[] = {{.name = "lead", .value = &lead}};
    const struct gh_syntax syntax = {"key rotate", usage, options, GH_ARRAY_SIZE(options), 1, 1};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    struct gh_error err = {0};
    if (strcmp(operands[0], "list") == 0) {
        if (lead != NULL) {
            return gh_misuse("key rotate", "the list key is followed at once: there is no --lead");
        }
        return rotate_list(&err) == GH_OK ? GH_EXIT_OK : gh_complain(&err);
    }
    if (strcmp(operands[0], "health") != 0 && strcmp(operands[0], "housing") != 0) {
        return gh_misuse("key rotate", "'%s' is not health, housing or list", operands[0]);
    }
    int64_t lead_s = 0;
    lead = lead != NULL ? lead : "24h";
    bool at_once =
        lead[0] == '0' && (lead[1] == 0 || (strchr("smhd", lead[1]) != NULL && lead[2] == 0));
    enum gh_status status = at_once ? GH_OK : gh_duration_parse(lead, LEAD_MAX_S, &lead_s);
    if (status == GH_ERR_TOOBIG) {
        return gh_misuse("key rotate", "--lead %s: a year (365d) is the most", lead);
    }
    if (status != GH_OK) {
        return gh_misuse("key rotate", "--lead '%s' is not a time such as 30m, 24h or 0", lead);
    }
    return rotate(operands[0], lead_s, &err) == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}

/* --- revoke and show
 * ------------------------------------------------------------------------------ */

static enum gh_status check_id(const char *id, struct gh_error *err)
{
    gh_id parsed;
    return gh_id_parse(id, strlen(id), &parsed) == GH_OK
               ? GH_OK
               : gh_fail(err, GH_ERR_INVALID,
                         "'%.40s' is no key: 16 hex digits, as 'list' has them", id);
}

static enum gh_status revoke(const char *id, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    char path[64];
    enum gh_status status = check_id(id, err);
    if (status == GH_OK) {
        status = gh_client_open(&client, err);
    }
    if (status == GH_OK) {
        (void)snprintf(path, sizeof(path), "/keys/%s", id);
        status = gh_client_call(&client, "DELETE", path, NULL, NULL, err);
    }
    if (status == GH_OK) {
        gh_say("Key %s is revoked, and every code that it signed.", id);
    }
    return status;
}

static enum gh_status show(const char *id, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *answer = NULL;
    const json_t *key;
    size_t index;
    enum gh_status status = check_id(id, err);
    if (status == GH_OK) {
        status = gh_client_open(&client, err);
    }
    if (status == GH_OK) {
        status = gh_client_call(&client, "GET", "/keys", NULL, &answer, err);
    }
    if (status != GH_OK) {
        return status;
    }
    json_array_foreach(json_object_get(answer, "keys"), index, key)
    {
        if (strcmp(gh_json_text(key, "id"), id) == 0) {
            (void)fputs(gh_json_text(key, "pem"), stdout);
            return GH_OK;
        }
    }
    return gh_fail(err, GH_ERR_NOTFOUND, "there is no key %s", id);
}

static int run_revoke(int argc, char **argv)
{
    return gh_run_on_operand("key revoke", usage, argc, argv, revoke);
}

static int run_show(int argc, char **argv)
{
    return gh_run_on_operand("key show", usage, argc, argv, show);
}

int gh_command_key(int argc, char **argv)
{
    static const struct gh_subcommand table[] = {
        {"list", run_list}, {"rotate", run_rotate}, {"revoke", run_revoke}, {"show", run_show}};
    return gh_subcommand_run("key", usage, table, GH_ARRAY_SIZE(table), argc, argv);
}
