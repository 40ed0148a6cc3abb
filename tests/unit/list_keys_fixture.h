/* SPDX-License-Identifier: Apache-2.0 */
/* The list key and another one, for a group of tests. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_LIST_KEYS_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_LIST_KEYS_FIXTURE_H

#include "gatehouse/crypto.h"

static struct gh_private_key *list_key, *other_key;
static struct gh_public_key *list_public, *other_public;

static inline int make_keys(void **state)
{
    (void)state;
    return gh_private_key_generate(GH_KEY_ED25519, &list_key) != GH_OK ||
           gh_private_key_generate(GH_KEY_ED25519, &other_key) != GH_OK ||
           gh_private_key_public(list_key, &list_public) != GH_OK ||
           gh_private_key_public(other_key, &other_public) != GH_OK;
}

static inline int free_keys(void **state)
{
    (void)state;
    gh_private_key_free(list_key);
    gh_private_key_free(other_key);
    gh_public_key_free(list_public);
    gh_public_key_free(other_public);
    return 0;
}

#endif
