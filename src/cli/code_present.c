/* SPDX-License-Identifier: Apache-2.0 */
/* `gatehouse code present`: plays the phone. */
#include <stdio.h>
#include <string.h>

#include "cli/code_commands.h"
#include "cli/output.h"

#define COMMAND "code present"

static bool ends_in(const char *name, const char *ending)
{
    size_t size = strlen(name), tail = strlen(ending);
    return size > tail && strcmp(name + size - tail, ending) == 0;
}

/* A phone's glass is neither torn nor stained: the least correction gives the largest modules. */
static enum gh_status put_out(const char *path, struct gh_bytes text, struct gh_error *err)
{
    const struct gh_code_output output = {
        .png = path != NULL && ends_in(path, ".png") ? path : NULL,
        .svg = path != NULL && ends_in(path, ".svg") ? path : NULL,
        .text = path == NULL,
    };
    return gh_code_output(&output, text, GH_QR_LOW, "", NULL, err);
}

static enum gh_status present(const char *key_path, const char *operand, int64_t at_s,
                              const char *out_path, struct gh_error *err)
{
    char input[GH_CODE_OWN_MAX_BYTES + 2], text[GH_CODE_OWN_MAX_BYTES + 1];
    struct gh_bytes code;
    struct gh_private_key *phone = NULL;
    enum gh_status status = gh_private_key_load(key_path, &phone, err);
    if (status != GH_OK)
        return status;
    status = gh_code_text(operand, input, sizeof(input), &code, err);
    if (status == GH_OK)
        status = gh_code_present(phone, code, at_s, text, sizeof(text));
    gh_private_key_free(phone);
    if (status == GH_ERR_INVALID)
        return gh_fail(err, status, "this is no health code that is bound to a phone");
    if (status == GH_ERR_SIGNATURE)
        return gh_fail(err, status, "the code is bound to another key than %s", key_path);
    if (status != GH_OK)
        return gh_fail(err, status, "the code cannot be presented: %s", gh_status_text(status));
    return put_out(out_path, (struct gh_bytes){(const uint8_t *)text, strlen(text)}, err);
}

int gh_command_code_present(int argc, char **argv)
{
    const char *key_path = NULL, *at = NULL, *out_path = NULL;
    const struct gh_option options[] = {{.name = "key", .value = &key_path},
                                        {.name = "at", .value = &at},
                                        {.name = "output", .letter = 'o', .value = &out_path}};
    const struct gh_syntax syntax = {COMMAND, gh_code_usage, options, GH_ARRAY_SIZE(options), 0, 1};
    char **operands;
    int count;
    int64_t at_s = 0;
    struct gh_error err = {0};
    int result = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (result == GH_GO_ON)
        result = gh_code_at(COMMAND, at, &at_s);
    if (result == GH_GO_ON && key_path == NULL)
        result = gh_misuse(COMMAND, "which --key?");
    if (result == GH_GO_ON && out_path != NULL && !ends_in(out_path, ".png") &&
        !ends_in(out_path, ".svg"))
        result = gh_misuse(COMMAND, "the picture's name ends in .png or .svg, not '%s'", out_path);
    if (result != GH_GO_ON)
        return result;
    const char *operand = count == 1 ? operands[0] : NULL;
    return present(key_path, operand, at_s, out_path, &err) == GH_OK ? GH_EXIT_OK
                                                                     : gh_complain(&err);
}
