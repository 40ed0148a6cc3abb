/* SPDX-License-Identifier: Apache-2.0 */
/* What callers that are being replaced still name. */
#include "gatehouse/list.h"

#define UNUSED __attribute__((unused))

void gh_snapshot_put_subject(UNUSED struct gh_writer *writer, UNUSED gh_id subject,
                             UNUSED enum gh_colour colour)
{
}
void gh_snapshot_put_home(UNUSED struct gh_writer *writer, UNUSED gh_id home)
{
}
void gh_snapshot_put_member(UNUSED struct gh_writer *writer, UNUSED gh_id home,
                            UNUSED gh_id subject)
{
}
void gh_snapshot_put_revoked(UNUSED struct gh_writer *writer, UNUSED gh_id credential)
{
}
void gh_snapshot_put_recalled(UNUSED struct gh_writer *writer, UNUSED gh_id subject,
                              UNUSED int64_t before_s)
{
}
void gh_snapshot_put_revoked_hash(UNUSED struct gh_writer *writer,
                                  UNUSED const uint8_t hash[GH_REVOCATION_BYTES],
                                  UNUSED int64_t before_s)
{
}
void gh_snapshot_put_holder(UNUSED struct gh_writer *writer, UNUSED gh_id holder,
                            UNUSED gh_id subject)
{
}
void gh_snapshot_put_key(UNUSED struct gh_writer *writer, UNUSED const struct gh_issuer_key *key)
{
}
enum gh_status gh_list_build(UNUSED const char *path, UNUSED const struct gh_public_key *list_key,
                             UNUSED struct gh_bytes manifest, UNUSED struct gh_bytes snapshot,
                             struct gh_error *err)
{
    return gh_fail(err, GH_ERR_UNSUPPORTED, "lists are built by gh_list_install");
}
enum gh_status gh_list_refresh(UNUSED const char *path, UNUSED const struct gh_public_key *list_key,
                               UNUSED struct gh_bytes manifest, struct gh_error *err)
{
    return gh_fail(err, GH_ERR_UNSUPPORTED, "lists are renewed by gh_list_renew");
}
enum gh_status gh_list_open(UNUSED const char *path, UNUSED const struct gh_public_key *list_key,
                            struct gh_list **out, struct gh_error *err)
{
    *out = NULL;
    return gh_fail(err, GH_ERR_UNSUPPORTED, "lists are opened by gh_list_open_latest");
}
