/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gatehouse/bytes.h"
#include "gatehouse/file.h"

#define SESSION_MAX_BYTES 65536

enum gh_status gh_session_path(char *out, size_t out_bytes, struct gh_error *err)
{
    const char *named = secure_getenv("GATEHOUSE_SESSION");
    const char *config = secure_getenv("XDG_CONFIG_HOME");
    const char *home = secure_getenv("HOME");
    int length;
    if (named != NULL && named[0] != 0) {
        length = snprintf(out, out_bytes, "%s", named);
    } else if (config != NULL && config[0] == '/') { /* the specification: relative ones are void */
        length = snprintf(out, out_bytes, "%s/gatehouse/session.json", config);
    } else if (home != NULL && home[0] != 0) {
        length = snprintf(out, out_bytes, "%s/.config/gatehouse/session.json", home);
    } else {
        return gh_fail(err, GH_ERR_NOTFOUND,
                       "no place for the session: set HOME or GATEHOUSE_SESSION");
    }
    if (length < 0 || (size_t)length >= out_bytes) {
        return gh_fail(err, GH_ERR_TOOBIG, "the path of the session file is too long");
    }
    return GH_OK;
}

/* --- loading -------------------------------------------------------------------------------------
 */

static bool copy_member(const json_t *object, const char *name, char *out, size_t out_bytes)
{
    const json_t *value = json_object_get(object, name);
    if (value == NULL) {
        out[0] = 0;
        return true;
    }
    const char *text = json_string_value(value);
    if (text == NULL || strlen(text) >= out_bytes) {
        return false;
    }
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool read_members(const json_t *object, struct gh_session *out)
{
    char pin[2 * GH_SHA256_BYTES + 1];
    if (!copy_member(object, "server", out->server, sizeof(out->server)) ||
        !copy_member(object, "token", out->token, sizeof(out->token)) ||
        !copy_member(object, "ca", out->ca_file, sizeof(out->ca_file)) ||
        !copy_member(object, "pin", pin, sizeof(pin)) || out->server[0] == 0 ||
        out->token[0] == 0) {
        return false;
    }
    out->has_pin = pin[0] != 0;
    return !out->has_pin || gh_hex_decode(pin, strlen(pin), out->pin, sizeof(out->pin)) == GH_OK;
}

enum gh_status gh_session_load(struct gh_session *out, struct gh_error *err)
{
    memset(out, 0, sizeof(*out));
    char path[PATH_MAX];
    enum gh_status status = gh_session_path(path, sizeof(path), err);
    if (status != GH_OK) {
        return status;
    }
    GH_CLEANUP_FREE uint8_t *text = NULL;
    size_t size = 0;
    struct gh_error why = {0};
    status = gh_file_read(path, SESSION_MAX_BYTES, &text, &size, &why);
    if (status == GH_ERR_NOTFOUND) {
        return gh_fail(err, status, "not logged in: run 'gatehouse login --server URL' first");
    }
    if (status != GH_OK) {
        return gh_fail(err, status, "%s", why.text);
    }
    json_t *object = json_loadb((const char *)text, size, JSON_REJECT_DUPLICATES, NULL);
    bool good = object != NULL && read_members(object, out);
    json_decref(object);
    gh_wipe(text, size);
    if (!good) {
        gh_wipe(out, sizeof(*out));
        return gh_fail(err, GH_ERR_CORRUPT, "%.128s is not a session file: run 'gatehouse login'",
                       path);
    }
    return GH_OK;
}

/* --- saving --------------------------------------------------------------------------------------
 */

/* The folder that path lies in, and those above it. */
static enum gh_status make_folders(const char *path, struct gh_error *err)
{
    char folder[PATH_MAX];
    size_t size = strlen(path);
    if (size >= sizeof(folder)) {
        return gh_fail(err, GH_ERR_TOOBIG, "the path of the session file is too long");
    }
    memcpy(folder, path, size + 1);
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        /* mkdir first: a folder above may be there and not be ours to look into. */
        if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
            int why = errno;
            struct stat info;
            if (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode)) {
                return gh_fail(err, gh_status_from_errno(why), "cannot make the folder %.128s: %s",
                               folder, strerrordesc_np(why));
            }
        }
        *slash = '/';
    }
    return GH_OK;
}

static json_t *session_object(const struct gh_session *session)
{
    json_t *object = json_pack("{s:s, s:s}", "server", session->server, "token", session->token);
    if (object != NULL && session->ca_file[0] != 0) {
        json_object_set_new(object, "ca", json_string(session->ca_file));
    }
    if (object != NULL && session->has_pin) {
        char pin[2 * GH_SHA256_BYTES + 1];
        gh_hex_encode(session->pin, sizeof(session->pin), pin);
        json_object_set_new(object, "pin", json_string(pin));
    }
    return object;
}

enum gh_status gh_session_save(const struct gh_session *session, struct gh_error *err)
{
    char path[PATH_MAX];
    enum gh_status status = gh_session_path(path, sizeof(path), err);
    if (status == GH_OK) {
        status = make_folders(path, err);
    }
    if (status != GH_OK) {
        return status;
    }
    json_t *object = session_object(session);
    char *text = object != NULL ? json_dumps(object, JSON_INDENT(2)) : NULL;
    json_decref(object);
    if (text == NULL) {
        return gh_fail(err, GH_ERR_INVALID, "the session cannot be written as JSON");
    }
    size_t size = strlen(text);
    text[size] = '\n'; /* in the NUL's place: the file needs none */
    status = gh_file_replace(path, 0600, text, size + 1, err);
    gh_wipe(text, size);
    free(text);
    return status;
}
