/* SPDX-License-Identifier: Apache-2.0 */
/* `gatehouse code`: everything about one code that needs no server. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/code_commands.h"
#include "cli/commands.h"
#include "gatehouse/clock.h"

const char gh_code_usage[] =
    "usage: gatehouse code read [--trust DIR] [--at RFC3339] [--json] [TEXT... | -]\n"
    "       gatehouse code key [--type ed25519|p256] [--pem] FILE\n"
    "       gatehouse code key --public [--pem] FILE\n"
    "       gatehouse code present --key FILE [--at RFC3339] [-o FILE] [CODE | -]\n"
    "\n"
    "read: what a code says, and whether to believe it: exit 0 valid, 1 invalid. Several texts, "
    "or\n"
    "several lines of standard input, are the chunks of one SMART Health Card (shc:/).\n"
    "key: make a phone's private key (FILE must not be there yet) and print its public half, "
    "which\n"
    "a health code is bound to, as a JSON Web Key, or with --pem as PEM; --public prints it "
    "again.\n"
    "present: what the phone with that key shows for CODE at this moment: its text, or with -o a\n"
    "QR code in a file that ends in .png or .svg.\n"
    "'-', or nothing, reads standard input; one line end behind it is left out.\n";

int gh_code_at(const char *command, const char *at, int64_t *at_s)
{
    if (at == NULL) {
        *at_s = gh_clock_wall_s(gh_clock_system());
        return GH_GO_ON;
    }
    if (gh_time_parse(at, at_s) == GH_OK)
        return GH_GO_ON;
    return gh_misuse(command, "'%s' is no time like 2020-03-01T07:00:00Z", at);
}

enum gh_status gh_code_text(const char *operand, char *buffer, size_t buffer_bytes,
                            struct gh_bytes *text, struct gh_error *err)
{
    *text = (struct gh_bytes){.data = (const uint8_t *)buffer, .size = 0};
    if (operand != NULL && strcmp(operand, "-") != 0) {
        *text = (struct gh_bytes){.data = (const uint8_t *)operand, .size = strlen(operand)};
        return GH_OK;
    }
    while (text->size < buffer_bytes) {
        ssize_t got = read(STDIN_FILENO, buffer + text->size, buffer_bytes - text->size);
        if (got < 0 && errno != EINTR)
            return gh_fail(err, GH_ERR_IO, "cannot read standard input: %m");
        if (got == 0)
            break;
        text->size += got > 0 ? (size_t)got : 0;
    }
    if (text->size > 0 && buffer[text->size - 1] == '\n')
        text->size--;
    return GH_OK;
}

int gh_command_code(int argc, char **argv)
{
    static const struct gh_subcommand commands[] = {
        {"read", gh_command_code_read},
        {"key", gh_command_code_key},
        {"present", gh_command_code_present},
    };
    return gh_subcommand_run("code", gh_code_usage, commands, GH_ARRAY_SIZE(commands), argc, argv);
}
