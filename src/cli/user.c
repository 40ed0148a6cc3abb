/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"

static const char usage[] =
    "usage: gatehouse user add NAME --role landlord|inspector|admin\n"
    "\n"
    "Let somebody else log in. The one-time password is printed once, alone on standard output;\n"
    "at the first login it must be changed.\n";

static enum gh_status add(const char *name, const char *role, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *user = NULL;
    const char *password = NULL;
    enum gh_status status = gh_client_open(&client, err);
    if (status == GH_OK) {
        status = gh_client_call(&client, "POST", "/users",
                                json_pack("{s:s, s:s}", "user", name, "role", role), &user, err);
    }
    if (status == GH_OK) {
        status = gh_json_need_text(user, "one_time_password", &password, err);
    }
    if (status == GH_OK) {
        (void)printf("%s\n", password);
        gh_say("This is the one-time password of %s (%s); it is not shown again.", name, role);
    }
    return status;
}

static int run_add(int argc, char **argv)
{
    const char *role = NULL;
    const struct gh_option options[] = {{.name = "role", .value = &role}};
    const struct gh_syntax syntax = {"user add", usage, options, GH_ARRAY_SIZE(options), 1, 1};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    if (role == NULL || (strcmp(role, "landlord") != 0 && strcmp(role, "inspector") != 0 &&
                         strcmp(role, "admin") != 0)) {
        return gh_misuse("user add", "--role must be landlord, inspector or admin");
    }
    struct gh_error err = {0};
    return add(operands[0], role, &err) == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}

int gh_command_user(int argc, char **argv)
{
    static const struct gh_subcommand table[] = {{"add", run_add}};
    return gh_subcommand_run("user", usage, table, GH_ARRAY_SIZE(table), argc, argv);
}
