/* SPDX-License-Identifier: Apache-2.0 */
/* The list, as the database has it: generations of it, and what stands on each. The contract is
 * db.h's. */
#ifndef GATEHOUSE_SRC_SERVER_DB_LIST_H
#define GATEHOUSE_SRC_SERVER_DB_LIST_H

#include "gatehouse/list.h"
#include "server/db.h"

/* The newest generation that is committed; from memory, of any thread. */
uint64_t gh_db_generation(const struct gh_db *db);

/* A new generation if what the manifest says besides the list (policy, keys, area) is not what it
 * said last; `fingerprint` stands for it. */
GH_MUST_CHECK enum gh_status gh_db_list_settings(struct gh_db *db,
                                                 const uint8_t fingerprint[GH_SHA256_BYTES]);
struct gh_db_snapshot {
    struct gh_generation generation; /* number 0: none */
    uint8_t sha256[GH_SHA256_BYTES]; /* of the file */
    uint64_t bytes;                  /* likewise */
    int64_t made_at;
    uint64_t people; /* in it */
};
struct gh_db_list_state {
    struct gh_generation now;
    struct gh_db_snapshot snapshot; /* the one that was built last */
    /* What may stand otherwise since the snapshot; UINT64_MAX: no delta leads from it. */
    uint64_t changes;
};
GH_MUST_CHECK enum gh_status gh_db_list_state(struct gh_db *db, struct gh_db_list_state *out);
GH_MUST_CHECK enum gh_status gh_db_list_built(struct gh_db *db,
                                              const struct gh_db_snapshot *snapshot);
/* A new generation in which nothing else is new. */
GH_MUST_CHECK enum gh_status gh_db_list_bump(struct gh_db *db);
/* Likewise, with this number. GH_ERR_INVALID: it is not a later one. */
GH_MUST_CHECK enum gh_status gh_db_list_jump(struct gh_db *db, uint64_t number);
/* The things on the list that may stand otherwise since `from`, at most (some may be counted
 * twice). GH_ERR_NOTFOUND: that is not known: from another past, too long ago, or too much has
 * changed. */
GH_MUST_CHECK enum gh_status gh_db_list_distance(struct gh_db *db, const struct gh_generation *from,
                                                 uint64_t *changes);
/* *other: the database knows a generation of that number, and it is another one. */
GH_MUST_CHECK enum gh_status
gh_db_list_is_other(struct gh_db *db, const struct gh_generation *generation, bool *other);
/* What expired before `cutoff` is not on the list from now on (and what did not, is): revoked
 * credentials and foreign certificates, and recalls, when all codes they are about have. A new
 * generation if anything comes or goes. */
GH_MUST_CHECK enum gh_status gh_db_list_age(struct gh_db *db, int64_t cutoff);
GH_MUST_CHECK enum gh_status gh_db_list_cutoff(struct gh_db *db, int64_t *cutoff);
/* About when a manifest was signed last, which is no change of the list; 0: never. */
GH_MUST_CHECK enum gh_status gh_db_list_signed(struct gh_db *db, int64_t *at);
GH_MUST_CHECK enum gh_status gh_db_list_set_signed(struct gh_db *db, int64_t at);

/* How things stand on the list. Each function returns false to stop (GH_ERR_AGAIN then). homes:
 * approved ones, ascending, at most GH_LIST_HOMES_MAX. */
#define GH_HEALTH_VALID_MAX_S INT64_C(31536000) /* no code of a person is valid for longer */
struct gh_db_list_visitor {
    bool (*home)(void *context, gh_id home);
    bool (*subject)(void *context, gh_id subject, enum gh_colour colour, const gh_id *homes,
                    size_t home_count);
    bool (*revoked)(void *context, gh_id credential);
    bool (*recalled)(void *context, gh_id subject, int64_t before_s);
    bool (*hash)(void *context, const uint8_t hash[GH_REVOCATION_BYTES], int64_t before_s);
    bool (*holder)(void *context, gh_id holder, gh_id subject);
    bool (*key)(void *context, const struct gh_issuer_key *key);
    void *context;
};
/* Everything, at one moment, in the order of the snapshot, which is that of the functions.
 * *generation: the one that was read. */
GH_MUST_CHECK enum gh_status gh_db_list_read(struct gh_db *db,
                                             const struct gh_db_list_visitor *visitor,
                                             struct gh_generation *generation);
/* What is not on the list any more. */
struct gh_db_drop_visitor {
    bool (*home)(void *context, gh_id home);
    bool (*subject)(void *context, gh_id subject);
    bool (*revoked)(void *context, gh_id credential);
    bool (*recalled)(void *context, gh_id subject);
    bool (*hash)(void *context, const uint8_t hash[GH_REVOCATION_BYTES]);
    bool (*holder)(void *context, gh_id holder);
    bool (*keys)(void *context); /* all of them; those that there are follow */
    void *context;
};
/* What may stand otherwise since `from`, each thing once, at one moment: how it stands (put), or
 * that it does not (drop). *to: the generation that was read. GH_ERR_NOTFOUND as above. */
GH_MUST_CHECK enum gh_status gh_db_list_read_since(struct gh_db *db,
                                                   const struct gh_generation *from,
                                                   const struct gh_db_list_visitor *put,
                                                   const struct gh_db_drop_visitor *drop,
                                                   struct gh_generation *to);

#endif
