/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the gate and its courier share: a state folder of their own, keys, true codes,
 * lists and the journal that was written. Whatever goes wrong in here fails the running test. */
#ifndef GATEHOUSE_TESTS_GATE_FIXTURE_H
#define GATEHOUSE_TESTS_GATE_FIXTURE_H

#include <limits.h>

#include "fakes/fake_clock.h"
#include "gate/courier.h"
#include "gate/see.h"
#include "gatehouse/journal.h"
#include "gatehouse/list.h"

#define FIXTURE_NOW_S INT64_C(1900000000)
#define FIXTURE_AREA "Old Town"
#define FIXTURE_ISSUER "town"
#define FIXTURE_GATE UINT64_C(0x00000000000000a1)

/* Persons: green in home 1, yellow in home 1, red in home 1, green in home 2, green without one. */
enum { ANNA = 1, YORK, RITA, DORA, HUGO, STRANGER = 99 };
enum { HOME_1 = 101, HOME_2, HOME_REFUSED };
/* Credentials: a person's number or a home's, and these on top. */
#define CODE_ID(about) ((gh_id)(1000 + (about)))

struct fixture {
    char dir[64];
    struct gh_fake_clock clock;
    struct gh_private_key *list_key, *issuer_key, *stranger_key;
    struct gh_public_key *list_public;
    struct gh_identity identity; /* enrolled */
    /* The list as fixture_make_list writes it; a test may change it first. */
    struct gh_manifest manifest; /* but its size and hash */
    enum gh_colour colours[HUGO + 1];
    gh_id revoked[8]; /* sorted */
    size_t revoked_count;
    uint8_t revoked_hash[GH_REVOCATION_BYTES]; /* of a certificate; zeros: none is revoked */
    gh_id holder, holder_subject;              /* of certificates, and who that is; 0: nobody */
    struct gh_issuer_key foreign_keys[2];      /* sorted */
    size_t foreign_key_count;
    unsigned extra_subjects; /* to make the snapshot larger */
    /* as it was written last */
    uint8_t snapshot[8192], manifest_bytes[GH_MANIFEST_MAX_BYTES];
    size_t snapshot_size, manifest_size;
    int kept_stderr; /* while the log is captured */
};

void fixture_init(struct fixture *fixture);
void fixture_destroy(struct fixture *fixture);

/* --- lists --- */
void fixture_make_list(struct fixture *fixture);
void fixture_sign_manifest(struct fixture *fixture); /* anew, as it stands now */
/* Makes it and puts it into the state folder, in place of the one there. */
void fixture_install_list(struct fixture *fixture);
/* The same, as if somebody had put it there: nothing is compared with the one there. */
void fixture_smuggle_list(struct fixture *fixture);
void fixture_remove_list(const struct fixture *fixture);
/* The identity knows the list that was made last as the newest one. */
void fixture_pin_list(struct fixture *fixture);
/* The list that is there was issued anew. */
void fixture_renew_list(struct fixture *fixture, int64_t issued_at_s);
/* A delta to the next generation, applied to the list that is there: one person's colour changed,
 * and whatever a test has changed in manifest. */
void fixture_apply_colour(struct fixture *fixture, gh_id subject, enum gh_colour colour);
/* The SQLite file that the list is kept in. */
void fixture_list_file(const struct fixture *fixture, char path[PATH_MAX]);
/* Some file's path in the state folder. */
void fixture_path(const struct fixture *fixture, const char *name, char path[PATH_MAX]);

/* What is logged from now on, until it is taken: text holds bytes. */
void fixture_capture_log(struct fixture *fixture);
void fixture_take_log(struct fixture *fixture, char *text, size_t bytes);

/* --- codes --- */
#define FIXTURE_CODE_BYTES (GH_CODE_OWN_MAX_BYTES + 1)
struct gh_claims fixture_claims(const struct fixture *fixture, enum gh_kind kind, gh_id about,
                                enum gh_colour colour);
void fixture_write(const struct gh_private_key *key, const struct gh_claims *claims,
                   char out[FIXTURE_CODE_BYTES]);
/* A true green health code, a true housing code. */
void fixture_health(const struct fixture *fixture, gh_id subject, char out[FIXTURE_CODE_BYTES]);
void fixture_housing(const struct fixture *fixture, gh_id home, char out[FIXTURE_CODE_BYTES]);
struct gh_enrolment fixture_enrolment(const struct fixture *fixture);

/* --- the journal --- */
#define FIXTURE_ENTRIES_MAX 512
struct fixture_entries {
    struct gh_entry entry[FIXTURE_ENTRIES_MAX];
    char *text[FIXTURE_ENTRIES_MAX]; /* canonical, as it stands in the journal; NULL: its content
                                        was pruned, and entry has nothing but its number */
    size_t count;
};
/* Reads and verifies the gate's journal, beside whoever writes it; none: count is 0. */
void fixture_read_journal(const struct fixture *fixture, struct fixture_entries *entries);
void fixture_free_entries(struct fixture_entries *entries);
/* No file may grow any more, as on a full disk; and room again. The journal must be there. */
void fixture_fill_disk(const struct fixture *fixture);
void fixture_limit_files(uint64_t bytes); /* none may be longer */
void fixture_forbid_writing(void);        /* no file may hold anything any more */
void fixture_empty_disk(void);
/* Append some passages as the gate would. */
void fixture_append(const struct fixture *fixture, unsigned count);

#endif
