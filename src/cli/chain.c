/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/chain.h"

#include <stdio.h>

#include "cli/client.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "cli/output.h"

static void print_chain(const json_t *answer)
{
    const json_t *checkpoint = json_object_get(answer, "checkpoint");
    long long last = gh_json_number(answer, "last"), erased = gh_json_number(answer, "erased");
    if (last > 0) {
        (void)printf("entries     %lld to %lld\n", gh_json_number(answer, "first"), last);
    } else {
        (void)printf("entries     none\n");
    }
    if (json_is_object(checkpoint)) {
        (void)printf("checkpoint  %lld %s\n", gh_json_number(checkpoint, "through"),
                     gh_json_text(checkpoint, "hash"));
    }
    if (erased > 0) {
        (void)printf("erased      up to %lld, by their age\n", erased);
    }
    if (json_is_true(json_object_get(answer, "whole"))) {
        (void)printf("chain       whole\n");
    } else {
        (void)printf("chain       breaks at %lld\n", gh_json_number(answer, "breaks_at"));
    }
}

static enum gh_status ask(const char *word, json_t **answer, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    char id[GH_ID_TEXT_BYTES];
    char path[64];
    enum gh_status status = gh_open_and_find(&client, gh_find_gate, word, id, err);
    if (status != GH_OK) {
        return status;
    }
    (void)snprintf(path, sizeof(path), "/gates/%s/chain", id);
    return gh_client_call(&client, "GET", path, NULL, answer, err);
}

int gh_command_gate_chain(const char *usage, int argc, char **argv)
{
    GH_CLEANUP_JSON json_t *answer = NULL;
    bool json = false;
    const struct gh_option options[] = {{.name = "json", .flag = &json}};
    const struct gh_syntax syntax = {"gate chain", usage, options, GH_ARRAY_SIZE(options), 1, 1};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    struct gh_error err = {0};
    if (ask(operands[0], &answer, &err) != GH_OK) {
        return gh_complain(&err);
    }
    if (json) {
        gh_print_json(answer);
    } else {
        print_chain(answer);
    }
    return json_is_true(json_object_get(answer, "whole")) ? GH_EXIT_OK : GH_EXIT_NO;
}
