/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/sending.h"

#define FILE_MAX_BYTES (1u << 20) /* the server takes no more (docs/protocol.md) */

static const char usage[] =
    "usage: gatehouse revocations add FILE...\n"
    "\n"
    "Foreign health certificates that their issuers have revoked. A FILE is a batch of the EU's\n"
    "revocation lists (kid, hashType, entries) or the revocation list of a SMART Health Card "
    "issuer\n"
    "(kid, method, rids), in JSON. A file may be sent again at any time: that changes nothing.\n";

static enum gh_status prepare(uint8_t **data, size_t *size, const char **type, struct gh_error *err)
{
    (void)data;
    if (*size == 0) {
        return gh_fail(err, GH_ERR_INVALID, "the file is empty");
    }
    *type = "application/json";
    return GH_OK;
}

static int run_add(int argc, char **argv)
{
    static const struct gh_sending sending = {
        .command = "revocations add",
        .usage = usage,
        .path = "/revocations",
        .max_bytes = FILE_MAX_BYTES,
        .prepare = prepare,
    };
    return gh_sending_run(&sending, argc, argv);
}

int gh_command_revocations(int argc, char **argv)
{
    static const struct gh_subcommand table[] = {{"add", run_add}};
    return gh_subcommand_run("revocations", usage, table, GH_ARRAY_SIZE(table), argc, argv);
}
