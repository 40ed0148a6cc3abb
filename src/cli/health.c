/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "cli/output.h"
#include "gatehouse/file.h"

#define KEY_MAX_BYTES 16384
#define VALID_MAX_S 31536000 /* a year, as the server has it (docs/protocol.md) */

static const char usage[] =
    "usage: gatehouse health issue PERSON [--valid TIME] [--phone KEYFILE]\n"
    "                              [--png FILE] [--svg FILE] [--text]\n"
    "       gatehouse health revoke CREDENTIAL\n"
    "       gatehouse health recall PERSON\n"
    "\n"
    "Health codes. 'issue' signs one of the person's colour now, valid for 24h or for TIME (30s,\n"
    "15m, 24h, 7d; at most 365d), and draws it on the terminal, or writes it as a picture "
    "(--png),\n"
    "as a sheet to print (--svg; both print the credential's identifier), or as text (--text).\n"
    "Such a code is one on paper; with --phone it belongs to the phone whose public key (JWK) is "
    "in\n"
    "KEYFILE, and is worth nothing without it. 'revoke' makes the gates refuse a health or "
    "housing\n"
    "code from now on, 'recall' all codes of the person that were issued until now.\n"
    "\n"
    "PERSON is an identifier (16 hex digits) or a ref; CREDENTIAL an identifier.\n";

static enum gh_status put_out(const json_t *answer, const struct gh_code_output *output,
                              struct gh_error *err)
{
    const char *code = NULL;
    enum gh_status status = gh_json_need_text(answer, "code", &code, err);
    if (status != GH_OK) {
        return status;
    }
    char line[64];
    (void)snprintf(line, sizeof(line), "valid until %s", gh_json_text(answer, "expires_at"));
    struct gh_bytes bytes = {(const uint8_t *)code, strlen(code)};
    status = gh_code_output(output, bytes, GH_QR_MEDIUM, "Health code", line, err);
    if (status == GH_OK && gh_code_output_is_elsewhere(output)) {
        (void)printf("%s\n", gh_json_text(answer, "credential"));
    }
    if (status == GH_OK) {
        gh_say("Health code %s (%s): %s, %s", gh_json_text(answer, "credential"),
               gh_json_text(answer, "form"), gh_json_text(answer, "colour"), line);
    }
    return status;
}

/* The phone's public key; *key stays NULL without a file. */
static enum gh_status load_key(const char *file, json_t **key, struct gh_error *err)
{
    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;
    if (file == NULL) {
        return GH_OK;
    }
    enum gh_status status = gh_file_read(file, KEY_MAX_BYTES, &data, &size, err);
    if (status != GH_OK) {
        return status;
    }
    *key = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(*key)) {
        return gh_fail(err, GH_ERR_INVALID, "%.180s is no JSON Web Key", file);
    }
    if (json_object_get(*key, "d") != NULL) { /* it would go over the network */
        return gh_fail(err, GH_ERR_INVALID,
                       "%.150s holds the phone's private key, which must not leave it", file);
    }
    return GH_OK;
}

static enum gh_status issue(const char *word, int64_t valid_s, const char *key_file,
                            const struct gh_code_output *output, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *answer = NULL;
    GH_CLEANUP_JSON json_t *key = NULL;
    char id[GH_ID_TEXT_BYTES];
    char path[64];
    enum gh_status status = load_key(key_file, &key, err);
    if (status == GH_OK) {
        status = gh_client_open(&client, err);
    }
    if (status == GH_OK) {
        status = gh_find_person(&client, word, id, err);
    }
    if (status != GH_OK) {
        return status;
    }
    (void)snprintf(path, sizeof(path), "/people/%s/health-code", id);
    status = gh_client_call(&client, "POST", path,
                            json_pack("{s:I, s:O*}", "valid_s", (json_int_t)valid_s, "key", key),
                            &answer, err);
    return status == GH_OK ? put_out(answer, output, err) : status;
}

static int run_issue(int argc, char **argv)
{
    const char *valid = "24h";
    const char *key_file = NULL;
    struct gh_code_output output = {0};
    const struct gh_option options[] = {{.name = "valid", .value = &valid},
                                        {.name = "phone", .value = &key_file},
                                        GH_CODE_OUTPUT_OPTIONS(output)};
    const struct gh_syntax syntax = {"health issue", usage, options, GH_ARRAY_SIZE(options), 1, 1};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    int64_t valid_s;
    enum gh_status status = gh_duration_parse(valid, VALID_MAX_S, &valid_s);
    if (status == GH_ERR_TOOBIG) {
        return gh_misuse("health issue", "--valid %s: a year (365d) is the most", valid);
    }
    if (status != GH_OK) {
        return gh_misuse("health issue", "--valid '%s' is not a time such as 30s, 15m, 24h or 7d",
                         valid);
    }
    struct gh_error err = {0};
    return issue(operands[0], valid_s, key_file, &output, &err) == GH_OK ? GH_EXIT_OK
                                                                         : gh_complain(&err);
}

static enum gh_status revoke(const char *id, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    char path[64];
    (void)snprintf(path, sizeof(path), "/credentials/%s", id);
    enum gh_status status = gh_client_open(&client, err);
    if (status == GH_OK) {
        status = gh_client_call(&client, "DELETE", path, NULL, NULL, err);
    }
    if (status == GH_OK) {
        gh_say("Code %s is revoked.", id);
    }
    return status;
}

static int run_revoke(int argc, char **argv)
{
    const struct gh_syntax syntax = {"health revoke", usage, NULL, 0, 1, 1};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    gh_id id;
    if (gh_id_parse(operands[0], strlen(operands[0]), &id) != GH_OK) {
        return gh_misuse("health revoke", "a credential is 16 hex digits, as 'issue' printed them");
    }
    struct gh_error err = {0};
    return revoke(operands[0], &err) == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}

static enum gh_status recall(const char *word, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    char id[GH_ID_TEXT_BYTES];
    char path[64];
    enum gh_status status = gh_open_and_find(&client, gh_find_person, word, id, err);
    if (status == GH_OK) {
        (void)snprintf(path, sizeof(path), "/people/%s/codes", id);
        status = gh_client_call(&client, "DELETE", path, NULL, NULL, err);
    }
    if (status == GH_OK) {
        gh_say("All codes of %s that were issued until now are recalled.", word);
    }
    return status;
}

static int run_recall(int argc, char **argv)
{
    return gh_run_on_operand("health recall", usage, argc, argv, recall);
}

int gh_command_health(int argc, char **argv)
{
    static const struct gh_subcommand table[] = {
        {"issue", run_issue}, {"revoke", run_revoke}, {"recall", run_recall}};
    return gh_subcommand_run("health", usage, table, GH_ARRAY_SIZE(table), argc, argv);
}
