/* SPDX-License-Identifier: Apache-2.0 */
/* An announcement as the server signs it (docs/protocol.md, section 7): a sound, by its hash, for
 * one gate or all of an area, with the time in which it may be played. */
#ifndef GATEHOUSE_ANNOUNCEMENT_H
#define GATEHOUSE_ANNOUNCEMENT_H

#include "gatehouse/bytes.h"
#include "gatehouse/credential.h"
#include "gatehouse/crypto.h"

#define GH_ANNOUNCEMENT_MAX_BYTES (8u << 20) /* of its sound */
#define GH_ANNOUNCEMENT_REPEAT_MAX 20
#define GH_ANNOUNCEMENT_SIGNED_BYTES 512
/* So many are alive at once: neither cancelled nor expired. A gate keeps no more, either. */
#define GH_ANNOUNCEMENTS_MAX 16

struct gh_announcement {
    gh_id id;
    gh_id gate;                      /* 0: all of the area */
    uint8_t sha256[GH_SHA256_BYTES]; /* of the WAV file: PCM, 16 bits, 1 or 2 channels,
                                        8000..48000 Hz */
    uint64_t bytes;
    int64_t from_s, until_s; /* when it may be played; until is the first second at which it
                                has expired */
    unsigned repeat;         /* how often it is played, 1..GH_ANNOUNCEMENT_REPEAT_MAX */
    bool cancelled;          /* not any more: what plays is broken off */
};

/* COSE_Sign1 with external_aad "gatehouse announcement v1". GH_ERR_INVALID for what read would
 * refuse, GH_ERR_TOOBIG. */
GH_MUST_CHECK enum gh_status gh_announcement_write(const struct gh_private_key *list_key,
                                                   const char *area,
                                                   const struct gh_announcement *announcement,
                                                   struct gh_writer *writer);
/* Verify, then believe: GH_ERR_SIGNATURE; GH_ERR_CORRUPT: it is none; GH_ERR_DENIED: of another
 * area; GH_ERR_NOMEM. *out is all zero on error. */
GH_MUST_CHECK enum gh_status gh_announcement_read(const struct gh_public_key *list_key,
                                                  const char *area, struct gh_bytes bytes,
                                                  struct gh_announcement *out);

#endif
