/* SPDX-License-Identifier: Apache-2.0 */
/* `gatehouse code key`: the key of a phone, for who has none at hand. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/code_commands.h"
#include "cli/output.h"
#include "gatehouse/file.h"

#define COMMAND "code key"
#define PEM_BYTES 256

/* --- the public half ---------------------------------------------------------------------------
 */

static enum gh_status print_jwk(const struct gh_public_key *key, struct gh_error *err)
{
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    char x[64], y[64]; /* of 32 bytes each */
    bool p256 = gh_public_key_type(key) == GH_KEY_P256;
    (void)gh_public_key_raw(key, raw); /* 04 x y, or x alone */
    gh_base64url_encode(raw + p256, 32, x);
    if (p256)
        gh_base64url_encode(raw + 33, 32, y);
    json_t *object =
        p256 ? json_pack("{s:s, s:s, s:s, s:s}", "kty", "EC", "crv", "P-256", "x", x, "y", y)
             : json_pack("{s:s, s:s, s:s}", "kty", "OKP", "crv", "Ed25519", "x", x);
    if (object == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory");
    gh_print_json(object);
    json_decref(object);
    return GH_OK;
}

static enum gh_status print_pem(const struct gh_public_key *key, struct gh_error *err)
{
    char pem[PEM_BYTES];
    enum gh_status status = gh_public_key_pem(key, pem, sizeof(pem));
    if (status != GH_OK)
        return gh_fail(err, status, "the public key cannot be written: %s", gh_status_text(status));
    (void)fputs(pem, stdout);
    return GH_OK;
}

static enum gh_status print_public(const struct gh_private_key *key, bool pem, struct gh_error *err)
{
    struct gh_public_key *public_key = NULL;
    enum gh_status status = gh_private_key_public(key, &public_key);
    if (status != GH_OK)
        return gh_fail(err, status, "no public key: %s", gh_status_text(status));
    status = pem ? print_pem(public_key, err) : print_jwk(public_key, err);
    gh_public_key_free(public_key);
    return status;
}

/* --- the private half --------------------------------------------------------------------------
 */

/* The name is taken first, so that no key is ever written over, by whomever at the same time. */
static enum gh_status take_name(const char *path, struct gh_error *err)
{
    GH_CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        return GH_OK;
    enum gh_status status = gh_status_from_errno(errno);
    return errno == EEXIST
               ? gh_fail(err, status, "%s is there already, and may be somebody's key", path)
               : gh_fail(err, status, "cannot write %s: %m", path);
}

static enum gh_status make_key(enum gh_key_type type, const char *path, struct gh_private_key **out,
                               struct gh_error *err)
{
    enum gh_status status = take_name(path, err);
    if (status != GH_OK)
        return status;
    status = gh_private_key_generate(type, out);
    if (status == GH_OK)
        status = gh_private_key_save(*out, path, err);
    if (status != GH_OK)
        (void)unlink(path);
    return status == GH_OK ? GH_OK : gh_fail(err, status, "no key: %s", gh_status_text(status));
}

static int parse_type(const char *name, enum gh_key_type *type)
{
    if (strcmp(name, "ed25519") == 0)
        *type = GH_KEY_ED25519;
    else if (strcmp(name, "p256") == 0)
        *type = GH_KEY_P256;
    else
        return gh_misuse(COMMAND, "--type is ed25519 or p256, not '%s'", name);
    return GH_GO_ON;
}

int gh_command_code_key(int argc, char **argv)
{
    const char *type_name = NULL;
    bool public_half = false, pem = false;
    const struct gh_option options[] = {{.name = "type", .value = &type_name},
                                        {.name = "public", .flag = &public_half},
                                        {.name = "pem", .flag = &pem}};
    const struct gh_syntax syntax = {COMMAND, gh_code_usage, options, GH_ARRAY_SIZE(options), 1, 1};
    char **operands;
    int count;
    enum gh_key_type type = GH_KEY_ED25519;
    struct gh_private_key *key = NULL;
    struct gh_error err = {0};
    int result = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (result == GH_GO_ON && type_name != NULL)
        result = public_half ? gh_misuse(COMMAND, "--public prints a key that has its type already")
                             : parse_type(type_name, &type);
    if (result != GH_GO_ON)
        return result;
    enum gh_status status = public_half ? gh_private_key_load(operands[0], &key, &err)
                                        : make_key(type, operands[0], &key, &err);
    if (status == GH_OK)
        status = print_public(key, pem, &err);
    gh_private_key_free(key);
    return status == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}
