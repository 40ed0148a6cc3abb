/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "gate/daemon.h"

static const char usage[] = "usage: gatehouse-gate --config FILE [--check]\n"
                            "       gatehouse-gate --version\n";

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    const char *path = NULL;
    bool check = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c') {
            path = optarg;
        } else if (option == 'k') {
            check = true;
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
    if (status == GH_OK)
        status = check ? gh_daemon_check(&config) : gh_daemon_run(path, &config, &err);
    if (status != GH_OK && err.text[0])
        gh_log(GH_LOG_ERR, "gate", "%s", err.text);
    return status == GH_OK ? 0 : 1;
}
