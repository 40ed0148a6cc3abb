/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "gate/daemon.h"

/* A configuration that is missing or wrong: the unit does not try that again (EX_CONFIG). */
#define EXIT_CONFIGURATION 78

static const char usage[] = "usage: gatehouse-gate --config FILE [--check | --rest]\n"
                            "       gatehouse-gate --version\n";

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
        {"rest", no_argument, NULL, 'r'},         {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    const char *path = NULL;
    int task = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c') {
            path = optarg;
        } else if ((option == 'k' || option == 'r') && (!task || task == option)) {
            task = option;
        } else if (option == 'v') {
            puts("gatehouse-gate " GH_VERSION);
            return 0;
        } else {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (!path || optind != argc) {
        fputs(usage, stderr);
        return 2;
    }

    struct gh_gate_config config;
    struct gh_error err = {0};
    enum gh_status status = gh_gate_config_load(path, &config, &err);
    int failure = task == 0 && (status == GH_ERR_INVALID || status == GH_ERR_NOTFOUND)
                      ? EXIT_CONFIGURATION
                      : 1;
    if (status == GH_OK)
        status = task == 'k'   ? gh_daemon_check(&config)
                 : task == 'r' ? gh_daemon_rest(&config, &err)
                               : gh_daemon_run(path, &config, &err);
    if (status != GH_OK && err.text[0])
        gh_log(GH_LOG_ERR, "gate", "%s", err.text);
    return status == GH_OK ? 0 : failure;
}
