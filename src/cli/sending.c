/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sending.h"

#include <stdio.h>

#include "cli/client.h"
#include "cli/options.h"
#include "cli/output.h"
#include "gatehouse/file.h"

#define FILES_MAX 10000

static void print_answer(const char *file, const json_t *answer)
{
    gh_put_plain(file, stdout);
    (void)printf(": %lld added, %lld known", gh_json_number(answer, "added"),
                 gh_json_number(answer, "known"));
    if (gh_json_number(answer, "expired") > 0) {
        (void)printf(", %lld expired", gh_json_number(answer, "expired"));
    }
    if (gh_json_number(answer, "passed_over") > 0) {
        (void)printf(", %lld passed over: no codes are signed with such keys",
                     gh_json_number(answer, "passed_over"));
    }
    (void)putchar('\n');
}

static enum gh_status send_file(const struct gh_sending *sending, struct gh_client *client,
                                const char *file, struct gh_error *err)
{
    GH_CLEANUP_JSON json_t *answer = NULL;
    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;
    const char *type = NULL;
    struct gh_error why = {0};
    enum gh_status status = gh_file_read(file, sending->max_bytes, &data, &size, err);
    if (status != GH_OK) {
        return status;
    }
    status = sending->prepare(&data, &size, &type, &why);
    if (status == GH_OK) {
        status = gh_client_send(client, "POST", sending->path, type, (struct gh_bytes){data, size},
                                &answer, &why);
    }
    if (status != GH_OK) {
        return gh_fail(err, status, "%.80s: %.160s", file, why.text);
    }
    print_answer(file, answer);
    return GH_OK;
}

int gh_sending_run(const struct gh_sending *sending, int argc, char **argv)
{
    const struct gh_syntax syntax = {sending->command, sending->usage, NULL, 0, 1, FILES_MAX};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    struct gh_error err = {0};
    enum gh_status status = gh_client_open(&client, &err);
    for (int i = 0; status == GH_OK && i < count; i++) {
        status = send_file(sending, &client, operands[i], &err);
    }
    return status == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}
