/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "gatehouse/file.h"
#include "gatehouse/log.h"
#include "gatehouse/sandbox.h"
#include "server/server.h"

/* A configuration that is missing or wrong: the unit does not try that again (EX_CONFIG). */
#define EXIT_CONFIGURATION 78

static int usage(FILE *stream, int code)
{
    fprintf(stream, "usage: gatehouse-server --config FILE [--check]\n"
                    "       gatehouse-server --version\n");
    return code;
}

static int check(const char *path)
{
    static struct gh_server_settings settings;
    struct gh_error err = {0};
    if (gh_server_settings_load(path, &settings, &err) != GH_OK ||
        gh_server_settings_check(&settings, &err) != GH_OK) {
        fprintf(stderr, "gatehouse-server: %s\n", err.text);
        return 1;
    }
    printf("%s is fine\n", path);
    return 0;
}

/* Before the first thread. The certificate, its key and the token may be replaced by a renewal. */
static enum gh_status enter_sandbox(const char *path, const struct gh_server_settings *settings,
                                    struct gh_error *err)
{
    struct gh_sandbox sandbox = {.listens = true};
    char url_folder[PATH_MAX];

    if (!settings->sandbox)
        return GH_OK;
    enum gh_status status = gh_dir_make(settings->state_dir, 0700, err);
    if (status != GH_OK)
        return status;
    snprintf(url_folder, sizeof(url_folder), "%s", settings->url_file);
    gh_sandbox_allow_system(&sandbox);
    gh_sandbox_allow(&sandbox, GH_SANDBOX_WRITE, settings->state_dir);
    if (settings->url_file[0] != '\0')
        gh_sandbox_allow(&sandbox, GH_SANDBOX_WRITE, dirname(url_folder));
    gh_sandbox_allow(&sandbox, GH_SANDBOX_REPLACE, path);
    gh_sandbox_allow(&sandbox, GH_SANDBOX_REPLACE, settings->tls_certificate);
    gh_sandbox_allow(&sandbox, GH_SANDBOX_REPLACE, settings->tls_key);
    gh_sandbox_allow(&sandbox, GH_SANDBOX_REPLACE, settings->upstream.ca_file);
    gh_sandbox_allow(&sandbox, GH_SANDBOX_REPLACE, settings->upstream.token_file);
    return gh_sandbox_enter(&sandbox, err);
}

static int serve(const char *path)
{
    static struct gh_server_settings settings;
    struct gh_server *server = NULL;
    struct gh_error err = {0};
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* a client that is gone, a file that may not grow: */
    (void)signal(SIGXFSZ, SIG_IGN); /* both are errors of a call, not ends of the server */

    enum gh_status status = gh_server_settings_load(path, &settings, &err);
    int failure = status == GH_ERR_INVALID || status == GH_ERR_NOTFOUND ? EXIT_CONFIGURATION : 1;
    if (status == GH_OK) {
        gh_log_set_level(settings.log_level);
        status = enter_sandbox(path, &settings, &err);
    }
    if (status == GH_OK) {
        status = gh_server_new(&settings, gh_clock_system(), &server, &err);
    }
    if (status == GH_OK) {
        server->config_path = path;
        status = gh_server_run(server, &err);
    }
    gh_server_free(server);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, "server", "%s", err.text);
    return status == GH_OK ? 0 : failure;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"check", no_argument, NULL, 'k'},
                                            {"version", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *config = NULL;
    bool only_check = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            config = optarg;
            break;
        case 'k':
            only_check = true;
            break;
        case 'v':
            puts("gatehouse-server " GH_VERSION);
            return 0;
        case 'h':
            return usage(stdout, 0);
        default:
            return usage(stderr, 2);
        }
    }
    if (config == NULL || optind != argc)
        return usage(stderr, 2);
    return only_check ? check(config) : serve(config);
}
