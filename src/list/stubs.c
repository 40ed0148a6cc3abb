/* SPDX-License-Identifier: Apache-2.0 */
/* What list.h declares and is on its way. */
#include "gatehouse/list.h"

#define UNUSED __attribute__((unused))

bool gh_generation_same(const struct gh_generation *a, const struct gh_generation *b)
{
    return a == b;
}

enum gh_status gh_snapshot_writer_new(UNUSED int fd, struct gh_snapshot_writer **out)
{
    *out = NULL;
    return GH_ERR_UNSUPPORTED;
}
void gh_snapshot_writer_home(UNUSED struct gh_snapshot_writer *writer, UNUSED gh_id home)
{
}
void gh_snapshot_writer_subject(UNUSED struct gh_snapshot_writer *writer, UNUSED gh_id subject,
                                UNUSED enum gh_colour colour, UNUSED const gh_id *homes,
                                UNUSED size_t home_count)
{
}
void gh_snapshot_writer_revoked(UNUSED struct gh_snapshot_writer *writer, UNUSED gh_id credential)
{
}
void gh_snapshot_writer_recalled(UNUSED struct gh_snapshot_writer *writer, UNUSED gh_id subject,
                                 UNUSED int64_t before_s)
{
}
void gh_snapshot_writer_hash(UNUSED struct gh_snapshot_writer *writer,
                             UNUSED const uint8_t hash[GH_REVOCATION_BYTES],
                             UNUSED int64_t before_s)
{
}
void gh_snapshot_writer_holder(UNUSED struct gh_snapshot_writer *writer, UNUSED gh_id holder,
                               UNUSED gh_id subject)
{
}
void gh_snapshot_writer_key(UNUSED struct gh_snapshot_writer *writer,
                            UNUSED const struct gh_issuer_key *key)
{
}
enum gh_status gh_snapshot_writer_finish(UNUSED struct gh_snapshot_writer *writer,
                                         UNUSED uint8_t sha256[GH_SHA256_BYTES],
                                         UNUSED uint64_t *bytes)
{
    return GH_ERR_UNSUPPORTED;
}
void gh_snapshot_writer_free(UNUSED struct gh_snapshot_writer *writer)
{
}

void gh_delta_put_subject(UNUSED struct gh_writer *writer, UNUSED gh_id subject,
                          UNUSED enum gh_colour colour, UNUSED const gh_id *homes,
                          UNUSED size_t home_count)
{
}
void gh_delta_put_home(UNUSED struct gh_writer *writer, UNUSED gh_id home)
{
}
void gh_delta_put_revoked(UNUSED struct gh_writer *writer, UNUSED gh_id credential)
{
}
void gh_delta_put_recalled(UNUSED struct gh_writer *writer, UNUSED gh_id subject,
                           UNUSED int64_t before_s)
{
}
void gh_delta_put_hash(UNUSED struct gh_writer *writer,
                       UNUSED const uint8_t hash[GH_REVOCATION_BYTES], UNUSED int64_t before_s)
{
}
void gh_delta_put_holder(UNUSED struct gh_writer *writer, UNUSED gh_id holder, UNUSED gh_id subject)
{
}
void gh_delta_drop_subject(UNUSED struct gh_writer *writer, UNUSED gh_id subject)
{
}
void gh_delta_drop_home(UNUSED struct gh_writer *writer, UNUSED gh_id home)
{
}
void gh_delta_drop_revoked(UNUSED struct gh_writer *writer, UNUSED gh_id credential)
{
}
void gh_delta_drop_recalled(UNUSED struct gh_writer *writer, UNUSED gh_id subject)
{
}
void gh_delta_drop_hash(UNUSED struct gh_writer *writer,
                        UNUSED const uint8_t hash[GH_REVOCATION_BYTES])
{
}
void gh_delta_drop_holder(UNUSED struct gh_writer *writer, UNUSED gh_id holder)
{
}
void gh_delta_clear_keys(UNUSED struct gh_writer *writer)
{
}
void gh_delta_put_key(UNUSED struct gh_writer *writer, UNUSED const struct gh_issuer_key *key)
{
}
enum gh_status gh_delta_seal(UNUSED const struct gh_private_key *list_key,
                             UNUSED const struct gh_delta_header *delta,
                             UNUSED struct gh_bytes records, UNUSED struct gh_writer *header_out,
                             uint8_t **records_out, UNUSED size_t *records_bytes)
{
    *records_out = NULL;
    return GH_ERR_UNSUPPORTED;
}
enum gh_status gh_delta_read(UNUSED const struct gh_public_key *list_key,
                             UNUSED struct gh_bytes header, UNUSED struct gh_delta_header *out,
                             struct gh_error *err)
{
    return gh_fail(err, GH_ERR_UNSUPPORTED, "deltas are not there yet");
}

enum gh_status gh_list_head(UNUSED const char *folder, UNUSED const struct gh_public_key *list_key,
                            UNUSED struct gh_manifest *out)
{
    return GH_ERR_UNSUPPORTED;
}
enum gh_status gh_list_install(UNUSED const char *folder,
                               UNUSED const struct gh_public_key *list_key,
                               UNUSED struct gh_bytes manifest, UNUSED const char *snapshot_path,
                               UNUSED const struct gh_delta *delta,
                               UNUSED const atomic_bool *cancel, struct gh_error *err)
{
    return gh_fail(err, GH_ERR_UNSUPPORTED, "lists are not there yet");
}
enum gh_status gh_list_apply(UNUSED const char *folder, UNUSED const struct gh_public_key *list_key,
                             UNUSED struct gh_bytes manifest, UNUSED const struct gh_delta *delta,
                             struct gh_error *err)
{
    return gh_fail(err, GH_ERR_UNSUPPORTED, "lists are not there yet");
}
enum gh_status gh_list_renew(UNUSED const char *folder, UNUSED const struct gh_public_key *list_key,
                             UNUSED struct gh_bytes manifest, struct gh_error *err)
{
    return gh_fail(err, GH_ERR_UNSUPPORTED, "lists are not there yet");
}
enum gh_status gh_list_open_latest(UNUSED const char *folder,
                                   UNUSED const struct gh_public_key *list_key,
                                   struct gh_list **out, struct gh_error *err)
{
    *out = NULL;
    return gh_fail(err, GH_ERR_UNSUPPORTED, "lists are not there yet");
}
void gh_list_touch(UNUSED struct gh_list *list, UNUSED int64_t issued_at_s)
{
}
enum gh_status gh_list_digest(UNUSED struct gh_list *list, UNUSED uint8_t out[GH_SHA256_BYTES])
{
    return GH_ERR_UNSUPPORTED;
}
