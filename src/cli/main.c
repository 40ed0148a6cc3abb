/* SPDX-License-Identifier: Apache-2.0 */
/* The tool: chooses the command; everything else is in libcli. */
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/options.h"
#include "gatehouse/bytes.h"

static const char usage[] =
    "usage: gatehouse COMMAND ...\n"
    "\n"
    "The tool of Gatehouse's administrators, landlords and installers.\n"
    "\n"
    "  login        log in to a server\n"
    "  people       import, list, set a person's status, say whose a certificate is\n"
    "  home         apply, inspect, approve, issue housing codes, change members\n"
    "  health       issue, revoke and recall health codes\n"
    "  gate         add, list, check, remove gates; look at the one here, and test it\n"
    "  user         let somebody else log in\n"
    "  entries      what the gates have written down\n"
    "  alarms       what somebody should look into\n"
    "  announce     a sound for the gates' loudspeakers\n"
    "  key          the keys that sign our codes: one after the other\n"
    "  trust        the foreign issuers whose certificates are believed\n"
    "  revocations  foreign certificates that were revoked\n"
    "\n"
    "Without a server:\n"
    "\n"
    "  scan         pictures -> the texts of their QR codes\n"
    "  code         what a code says, and whether to believe it\n"
    "  draw         text -> a QR code\n"
    "\n"
    "'gatehouse COMMAND --help' says more. Exit: 0 done, 1 no (one sentence says why), 2 usage.\n";

static const struct gh_subcommand commands[] = {
    {"login", gh_command_login},       {"people", gh_command_people},
    {"home", gh_command_home},         {"health", gh_command_health},
    {"gate", gh_command_gate},         {"user", gh_command_user},
    {"entries", gh_command_entries},   {"alarms", gh_command_alarms},
    {"scan", gh_command_scan},         {"code", gh_command_code},
    {"draw", gh_command_draw},         {"key", gh_command_key},
    {"trust", gh_command_trust},       {"revocations", gh_command_revocations},
    {"announce", gh_command_announce},
};

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        (void)fputs(usage, stderr);
        return GH_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        (void)fputs(usage, stdout);
        return GH_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)puts("gatehouse " GH_VERSION);
        return GH_EXIT_OK;
    }
    if (strcmp(argv[1], "--complete") == 0) {
        gh_complete_begin();
        if (argc == 3 && argv[2][0] == '-' && strncmp("--version", argv[2], strlen(argv[2])) == 0) {
            (void)puts("--version");
        }
        return gh_complete_subcommand(commands, GH_ARRAY_SIZE(commands), argc - 1, argv + 1);
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    (void)fprintf(stderr, "gatehouse: there is no command '%s' (--help lists them)\n", argv[1]);
    return GH_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    /* A connection that broke is an error with a sentence. */
    (void)signal(SIGPIPE, SIG_IGN);
    /* For wcwidth() in tables. No other thread yet. NOLINTNEXTLINE(concurrency-mt-unsafe) */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    int code = dispatch(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == GH_EXIT_OK) {
        struct pollfd reader = {.fd = STDOUT_FILENO, .events = POLLOUT};
        if (poll(&reader, 1, 0) <= 0 || (reader.revents & POLLERR) == 0) {
            (void)fputs("gatehouse: cannot write the output\n", stderr);
        } /* else `| head` has seen enough */
        code = GH_EXIT_NO;
    }
    return code;
}
