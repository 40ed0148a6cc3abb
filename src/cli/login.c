/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "gatehouse/clock.h"

static const char usage[] =
    "usage: gatehouse login --server URL [--user NAME] [--password-file FILE]\n"
    "                       [--new-password-file FILE] [--ca FILE] [--pin HEX]\n"
    "\n"
    "Log in to a server; the other commands then talk to it. Passwords are asked for on the\n"
    "terminal unless they are in files (\"-\": standard input). A one-time password must be\n"
    "changed: the new one is asked for, too.\n"
    "\n"
    "  --server URL              https://host[:port]; http:// only to this machine itself\n"
    "  --user NAME               who you are (admin)\n"
    "  --password-file FILE      its first line is the password\n"
    "  --new-password-file FILE  change the password to this file's first line\n"
    "  --ca FILE                 trust these certificate authorities (PEM), not the system's\n"
    "  --pin HEX                 trust only the server key with this SHA-256, 64 hex digits\n"
    "\n"
    "The session is kept in $GATEHOUSE_SESSION, or in gatehouse/session.json below\n"
    "$XDG_CONFIG_HOME or ~/.config, for 12 hours.\n";

struct login {
    const char *server, *user, *password_file, *new_password_file, *ca, *pin;
    char password[GH_PASSWORD_BYTES];
    char new_password[GH_PASSWORD_BYTES]; /* "": none */
};

/* The session's fields that come from the command line. */
static enum gh_status set_target(const struct login *login, struct gh_session *session,
                                 struct gh_error *err)
{
    size_t size = strlen(login->server);
    while (size > 0 && login->server[size - 1] == '/') {
        size--; /* the slash that people copy along */
    }
    if (size >= sizeof(session->server)) {
        return gh_fail(err, GH_ERR_TOOBIG, "the server's address is too long");
    }
    memcpy(session->server, login->server, size);
    session->server[size] = 0;
    if (login->ca != NULL && realpath(login->ca, session->ca_file) == NULL) {
        return gh_fail(err, gh_status_from_errno(errno), "cannot open %.128s: %s", login->ca,
                       strerrordesc_np(errno));
    }
    session->has_pin = login->pin != NULL;
    if (session->has_pin && gh_hex_decode(login->pin, strlen(login->pin), session->pin,
                                          sizeof(session->pin)) != GH_OK) {
        return gh_fail(err, GH_ERR_INVALID, "--pin takes 64 hex digits");
    }
    return gh_http_check_url(session->server, false, err);
}

static enum gh_status get_passwords(struct login *login, struct gh_error *err)
{
    enum gh_status status;
    if (login->password_file != NULL) {
        status = gh_read_password(login->password_file, login->password, err);
    } else {
        status = gh_ask_password("Password: ", login->password, err);
    }
    if (status == GH_OK && login->new_password_file != NULL) {
        status = gh_read_password(login->new_password_file, login->new_password, err);
    }
    return status;
}

static enum gh_status ask_new_password(struct login *login, struct gh_error *err)
{
    char again[GH_PASSWORD_BYTES];
    gh_say("This was a one-time password: choose one of your own, of at least 10 characters.");
    enum gh_status status = gh_ask_password("New password: ", login->new_password, err);
    if (status != GH_OK) {
        return status;
    }
    status = gh_ask_password("The same again: ", again, err);
    size_t size = strlen(login->new_password);
    if (status == GH_OK &&
        (strlen(again) != size || !gh_crypto_equal(again, login->new_password, size))) {
        status = gh_fail(err, GH_ERR_INVALID, "the two are not the same: nothing was changed");
    }
    gh_wipe(again, sizeof(again));
    return status;
}

static enum gh_status ask_server(struct gh_client *client, const struct login *login,
                                 json_t **answer, struct gh_error *err)
{
    json_t *body = json_pack("{s:s, s:s}", "user", login->user, "password", login->password);
    if (body != NULL && login->new_password[0] != 0 &&
        json_object_set_new(body, "new_password", json_string(login->new_password)) != 0) {
        gh_json_release(&body);
    }
    return gh_client_call(client, "POST", "/login", body, answer, err);
}

static enum gh_status log_in(struct gh_client *client, struct login *login, json_t **answer,
                             struct gh_error *err)
{
    struct gh_error first = {0};
    enum gh_status status = ask_server(client, login, answer, &first);
    bool change =
        status == GH_ERR_REFUSED && strcmp(client->error_token, "password_change_required") == 0;
    if (!change) {
        return status == GH_OK ? GH_OK : gh_fail(err, status, "%s", first.text);
    }
    if (login->password_file != NULL) {
        return gh_fail(err, status,
                       "this is a one-time password: give the new one with --new-password-file");
    }
    status = ask_new_password(login, err);
    return status == GH_OK ? ask_server(client, login, answer, err) : status;
}

static enum gh_status keep_session(struct gh_client *client, const json_t *answer,
                                   struct gh_error *err)
{
    const char *token;
    enum gh_status status = gh_json_need_text(answer, "token", &token, err);
    if (status != GH_OK) {
        return status;
    }
    if (strlen(token) >= sizeof(client->session.token)) {
        return gh_fail(err, GH_ERR_TOOBIG, "the server's token is too long");
    }
    memcpy(client->session.token, token, strlen(token) + 1);
    return gh_session_save(&client->session, err);
}

static int run(struct login *login)
{
    struct gh_error err = {0};
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *answer = NULL;
    enum gh_status status = set_target(login, &client.session, &err);
    if (status == GH_OK) {
        status = gh_client_connect(&client, &err);
    }
    if (status == GH_OK) {
        status = get_passwords(login, &err);
    }
    if (status == GH_OK) {
        status = log_in(&client, login, &answer, &err);
    }
    if (status == GH_OK) {
        status = keep_session(&client, answer, &err);
    }
    if (status != GH_OK) {
        return gh_complain(&err);
    }
    gh_say("Logged in to %s as %s (%s), until %s.", client.session.server, login->user,
           gh_json_text(answer, "role"), gh_json_text(answer, "expires_at"));
    return GH_EXIT_OK;
}

int gh_command_login(int argc, char **argv)
{
    struct login login = {.user = "admin"};
    const struct gh_option options[] = {
        {.name = "server", .value = &login.server},
        {.name = "user", .value = &login.user},
        {.name = "password-file", .value = &login.password_file},
        {.name = "new-password-file", .value = &login.new_password_file},
        {.name = "ca", .value = &login.ca},
        {.name = "pin", .value = &login.pin},
    };
    const struct gh_syntax syntax = {"login", usage, options, GH_ARRAY_SIZE(options), 0, 0};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    if (login.server == NULL) {
        return gh_misuse("login", "--server is missing");
    }
    code = run(&login);
    gh_wipe(login.password, sizeof(login.password));
    gh_wipe(login.new_password, sizeof(login.new_password));
    return code;
}
