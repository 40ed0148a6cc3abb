/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/api.h"
#include "server/auth.h"
#include "server/password.h"
#include "server/server.h"

static bool name_is_good(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@+";
    return name[0] != '\0' && name[strspn(name, letters)] == '\0';
}

/* Whether the password is the user's; answers if not. *status: why it cannot be known. */
static bool check_password(struct gh_request *request, const char *name, const char *password,
                           struct gh_db_user *user)
{
    struct gh_server *server = request->server;
    int64_t now = gh_clock_monotonic_ns(server->clock);
    int64_t wait = gh_throttle_wait_s(server->throttle, name, now);
    if (wait > 0) {
        gh_answer_error(request, MHD_HTTP_TOO_MANY_REQUESTS, "too_many",
                        "too many wrong passwords, wait a moment");
        gh_answer_retry_after(request, wait);
        return false;
    }
    enum gh_status status = gh_db_user_find(server->db, name, user);
    if (status != GH_OK && status != GH_ERR_NOTFOUND) {
        gh_answer_status(request, status);
        return false;
    }
    if (!gh_password_check(status == GH_OK ? user->password : NULL, password)) {
        gh_throttle_failed(server->throttle, name, now);
        gh_answer_error(request, MHD_HTTP_UNAUTHORIZED, "wrong_password",
                        "the user or the password is wrong");
        return false;
    }
    gh_throttle_succeeded(server->throttle, name);
    return true;
}

static bool change_password(struct gh_request *request, const struct gh_db_user *user,
                            const char *password)
{
    char hash[GH_PASSWORD_HASH_BYTES];
    struct gh_server *server = request->server;
    enum gh_status status = gh_password_hash(password, hash);
    if (status == GH_OK)
        status = gh_db_user_set_password(server->db, user->name, hash);
    gh_wipe(hash, sizeof(hash));
    if (status != GH_OK) {
        gh_answer_status(request, status);
        return false;
    }
    /* What the file said is of no more use. */
    if (strcmp(user->name, "admin") == 0 && unlink(server->password_path) != 0 && errno != ENOENT)
        gh_log(GH_LOG_WARNING, "server", "admin-password cannot be removed: %s", strerror(errno));
    return true;
}

void gh_api_login(struct gh_request *request)
{
    const char *name, *password, *new_password = NULL;
    struct gh_db_user user;
    char token[GH_TOKEN_BYTES];
    const struct gh_member members[] = {
        {"user", GH_MEMBER_LINE, false, 1, GH_USER_BYTES - 1, &name},
        {"password", GH_MEMBER_TEXT, false, 1, GH_PASSWORD_MAX_BYTES, &password},
        {"new_password", GH_MEMBER_TEXT, true, 0, GH_PASSWORD_MAX_BYTES, &new_password},
    };
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)) ||
        !check_password(request, name, password, &user))
        return;
    if (new_password != NULL &&
        (strlen(new_password) < GH_PASSWORD_MIN_BYTES || strcmp(new_password, password) == 0)) {
        gh_answer_error(request, MHD_HTTP_UNPROCESSABLE_CONTENT, "weak_password",
                        "a new password has at least 10 characters and is not the old one");
        return;
    }
    if (user.one_time && new_password == NULL) {
        gh_answer_error(request, MHD_HTTP_FORBIDDEN, "password_change_required",
                        "this password works once: choose a new one");
        return;
    }
    if (new_password != NULL && !change_password(request, &user, new_password))
        return;
    int64_t now = gh_clock_wall_s(request->server->clock);
    enum gh_status status = gh_auth_open_session(request->server->db, user.name, now, token);
    if (status != GH_OK) {
        gh_answer_status(request, status);
        return;
    }
    gh_answer_json(request, MHD_HTTP_OK,
                   json_pack("{s:s, s:s, s:o}", "token", token, "role", gh_role_name(user.role),
                             "expires_at", gh_json_time(now + GH_SESSION_S)));
    gh_wipe(token, sizeof(token));
}

void gh_api_user_add(struct gh_request *request)
{
    const char *name, *role;
    struct gh_db_user user = {.one_time = true};
    char password[GH_ONE_TIME_PASSWORD_BYTES];
    const struct gh_member members[] = {
        {"user", GH_MEMBER_LINE, false, 1, GH_USER_BYTES - 1, &name},
        {"role", GH_MEMBER_LINE, false, 1, 32, &role},
    };
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)))
        return;
    if (!name_is_good(name) || gh_role_parse(role, &user.role) != GH_OK) {
        gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request",
                        name_is_good(name) ? "role must be admin, landlord or inspector"
                                           : "user may hold letters, digits and . _ - @ + only");
        return;
    }
    snprintf(user.name, sizeof(user.name), "%s", name);
    gh_password_one_time(password);
    enum gh_status status = gh_password_hash(password, user.password);
    if (status == GH_OK)
        status = gh_db_user_add(request->server->db, &user);
    if (status == GH_OK)
        gh_answer_json(request, MHD_HTTP_OK,
                       json_pack("{s:s, s:s, s:s}", "user", name, "role", role, "one_time_password",
                                 password));
    else
        gh_answer_status(request, status);
    gh_wipe(password, sizeof(password));
}
