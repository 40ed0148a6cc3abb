/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/sending.h"

#define FILE_MAX_BYTES (4u << 20) /* the server takes no more (docs/protocol.md) */

static const char usage[] = "usage: gatehouse trust add FILE...\n"
                            "       gatehouse trust list [--json]\n"
                            "       gatehouse trust revoke KEY\n"
                            "       gatehouse trust forget KEY\n"
                            "\n"
                            "The foreign issuers whose health certificates the gates believe. A "
                            "FILE holds certificates of\n"
                            "document signers for HCERT (PEM, or one in DER), or a JWK set with "
                            "the added member 'iss' for\n"
                            "SMART Health Cards. 'revoke' makes everything that a key signed "
                            "worthless; 'forget' takes the\n"
                            "key off the list, as if it had never been there.\n"
                            "\n"
                            "KEY is an identifier (16 hex digits).\n";

/* --- add
 * ------------------------------------------------------------------------------------------ */

/* One certificate in DER, as PEM: so that whatever 'code read' trusts can be sent as it is. */
static enum gh_status to_pem(uint8_t **data, size_t *size, struct gh_error *err)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
    static const char end[] = "\n-----END CERTIFICATE-----\n";
    size_t text_bytes = sodium_base64_encoded_len(*size, sodium_base64_VARIANT_ORIGINAL);
    char *pem = malloc(sizeof(begin) + text_bytes * 2 + sizeof(end));
    char *text = malloc(text_bytes);
    if (pem == NULL || text == NULL) {
        free(pem);
        free(text);
        return gh_fail(err, GH_ERR_NOMEM, "no memory");
    }
    sodium_bin2base64(text, text_bytes, *data, *size, sodium_base64_VARIANT_ORIGINAL);
    char *out = stpcpy(pem, begin);
    for (size_t i = 0; text[i] != 0; i++) { /* lines of 64, as RFC 7468 has them */
        if (i > 0 && i % 64 == 0) {
            *out++ = '\n';
        }
        *out++ = text[i];
    }
    out = stpcpy(out, end);
    free(text);
    free(*data);
    *data = (uint8_t *)pem;
    *size = (size_t)(out - pem);
    return GH_OK;
}

static enum gh_status prepare(uint8_t **data, size_t *size, const char **type, struct gh_error *err)
{
    const char *text = (const char *)*data; /* a NUL stands behind it */
    *type = "application/x-pem-file";
    if (text[strspn(text, " \t\r\n")] == '{') {
        *type = "application/jwk-set+json";
        return GH_OK;
    }
    if (strstr(text, "-----BEGIN CERTIFICATE-----") != NULL) {
        return GH_OK;
    }
    if (*size > 0 && (*data)[0] == 0x30) {
        return to_pem(data, size, err);
    }
    return gh_fail(err, GH_ERR_INVALID, "neither a certificate (PEM, DER) nor a JWK set");
}

static int run_add(int argc, char **argv)
{
    static const struct gh_sending sending = {
        .command = "trust add",
        .usage = usage,
        .path = "/trust",
        .max_bytes = FILE_MAX_BYTES,
        .prepare = prepare,
    };
    return gh_sending_run(&sending, argc, argv);
}

/* --- list
 * ----------------------------------------------------------------------------------------- */

static enum gh_status add_row(struct gh_table *table, const json_t *key)
{
    char groups[64] = "";
    size_t index;
    const json_t *group;
    struct gh_writer writer = gh_writer_over(groups, sizeof(groups) - 1);
    json_array_foreach(json_object_get(key, "groups"), index, group)
    {
        gh_writer_put_text(&writer, index > 0 ? "," : "");
        gh_writer_put_text(&writer, json_is_string(group) ? json_string_value(group) : "?");
    }
    const char *cells[] = {gh_json_text(key, "id"),
                           gh_json_text(key, "kind"),
                           gh_json_text(key, "type"),
                           gh_json_text(key, "key_id"),
                           gh_json_text(key, "state"),
                           gh_json_text(key, "not_after"),
                           groups,
                           gh_json_text(key, "issuer")};
    return gh_table_add(table, cells);
}

static int run_list(int argc, char **argv)
{
    static const char *const headings[] = {"ID",    "KIND",  "TYPE",   "KEY ID",
                                           "STATE", "UNTIL", "GROUPS", "ISSUER"};
    static const struct gh_listing listing = {
        .command = "trust list",
        .usage = usage,
        .path = "/trust",
        .member = "keys",
        .headings = headings,
        .columns = GH_ARRAY_SIZE(headings),
        .add_row = add_row,
    };
    return gh_listing_run(&listing, argc, argv);
}

/* --- revoke and forget
 * ---------------------------------------------------------------------------- */

static enum gh_status drop(const char *id, const char *query, const char *done,
                           struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    gh_id parsed;
    char path[64];
    if (gh_id_parse(id, strlen(id), &parsed) != GH_OK) {
        return gh_fail(err, GH_ERR_INVALID, "'%.40s' is no key: 16 hex digits, as 'list' has them",
                       id);
    }
    (void)snprintf(path, sizeof(path), "/trust/%s%s", id, query);
    enum gh_status status = gh_client_open(&client, err);
    if (status == GH_OK) {
        status = gh_client_call(&client, "DELETE", path, NULL, NULL, err);
    }
    if (status == GH_OK) {
        gh_say("Key %s is %s.", id, done);
    }
    return status;
}

static enum gh_status revoke(const char *id, struct gh_error *err)
{
    return drop(id, "", "revoked, and everything that it signed", err);
}

static enum gh_status forget(const char *id, struct gh_error *err)
{
    return drop(id, "?forget=true", "forgotten", err);
}

static int run_revoke(int argc, char **argv)
{
    return gh_run_on_operand("trust revoke", usage, argc, argv, revoke);
}

static int run_forget(int argc, char **argv)
{
    return gh_run_on_operand("trust forget", usage, argc, argv, forget);
}

int gh_command_trust(int argc, char **argv)
{
    static const struct gh_subcommand table[] = {
        {"add", run_add}, {"list", run_list}, {"revoke", run_revoke}, {"forget", run_forget}};
    return gh_subcommand_run("trust", usage, table, GH_ARRAY_SIZE(table), argc, argv);
}
