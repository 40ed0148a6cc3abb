/* SPDX-License-Identifier: Apache-2.0 */
#include "server/password.h"

#include <sodium.h>
#include <string.h>

_Static_assert(crypto_pwhash_STRBYTES <= GH_PASSWORD_HASH_BYTES, "a hash must fit");

/* What is checked for users that do not exist: made once, of a password nobody knows. */
static char nobody[GH_PASSWORD_HASH_BYTES];

enum gh_status gh_password_init(void)
{
    if (sodium_init() < 0)
        return GH_ERR_IO;
    if (nobody[0] != '\0')
        return GH_OK;
    char password[GH_ONE_TIME_PASSWORD_BYTES];
    gh_password_one_time(password);
    enum gh_status status = gh_password_hash(password, nobody);
    gh_wipe(password, sizeof(password));
    return status;
}

enum gh_status gh_password_hash(const char *password, char out[GH_PASSWORD_HASH_BYTES])
{
    memset(out, 0, GH_PASSWORD_HASH_BYTES);
    return crypto_pwhash_str(out, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                             crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0
               ? GH_OK
               : GH_ERR_NOMEM;
}

bool gh_password_check(const char *hash, const char *password)
{
    bool good =
        crypto_pwhash_str_verify(hash != NULL ? hash : nobody, password, strlen(password)) == 0;
    return good && hash != NULL;
}

void gh_password_one_time(char out[GH_ONE_TIME_PASSWORD_BYTES])
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32, easily told apart */
    uint8_t random[16];
    gh_random(random, sizeof(random));
    for (size_t i = 0, at = 0; i < sizeof(random); i++) {
        if (i > 0 && i % 4 == 0)
            out[at++] = '-';
        out[at++] = letters[random[i] & 31];
        out[at] = '\0';
    }
    gh_wipe(random, sizeof(random));
}
