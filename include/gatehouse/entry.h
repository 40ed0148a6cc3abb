/* SPDX-License-Identifier: Apache-2.0 */
/* An entry: the durable record of a decision or of something that happened at a gate. On the wire
 * and in the journal it is one JSON object in canonical form (RFC 8785; only strings of printable
 * ASCII and integers occur), so that its SHA-256 means something: each entry names its
 * predecessor's. Formats: docs/protocol.md. */
#ifndef GATEHOUSE_ENTRY_H
#define GATEHOUSE_ENTRY_H

#include "gatehouse/clock.h"
#include "gatehouse/credential.h"
#include "gatehouse/crypto.h"
#include "gatehouse/reason.h"

enum gh_entry_type {
    GH_ENTRY_PASSAGE, /* somebody was let in, refused, or the guard was called */
    GH_ENTRY_START,   /* the daemon started */
    GH_ENTRY_FAULT,   /* the door could not be driven after an entry had said that it opens */
    GH_ENTRY_CLOCK,   /* the gate's clock was set, or became trusted, or is no longer trusted */
};

struct gh_entry {
    enum gh_entry_type type;
    gh_id gate;
    uint64_t sequence;                 /* from 1, without gaps; set by gh_journal_append */
    uint8_t previous[GH_SHA256_BYTES]; /* hash of the entry before, zeros for the first; set by
                                          gh_journal_append */
    int64_t wall_ms;                   /* the gate's clock */
    bool clock_trusted;
    int64_t monotonic_ms; /* since boot */
    char boot_id[GH_BOOT_ID_TEXT_BYTES];
    enum gh_outcome outcome; /* PASSAGE and FAULT */
    enum gh_reason reason;   /* likewise */
    enum gh_kind kind;       /* of the code that decided, GH_KIND_UNKNOWN where it was none */
    enum gh_colour colour;   /* the worse of code and list, where known */
    gh_id subject, home;     /* 0: not known */
    gh_id health_code, housing_code; /* credential ids of authentic codes, else 0 */
    uint64_t generation;             /* of the list decided by; 0: none */
    enum gh_form form;               /* of our own health code: paper or phone; NONE: neither */
    int64_t jump_ms; /* CLOCK: how far the clock was set, forwards or (below 0) back; else 0 */
};

#define GH_ENTRY_MAX_BYTES 1024

/* Canonical JSON into out, NUL-terminated; returns its length. Always fits. Members that are 0,
 * unknown or none are left out. */
size_t gh_entry_format(const struct gh_entry *entry, char out[GH_ENTRY_MAX_BYTES]);
/* The hash that the next entry names: SHA-256 over exactly these bytes. */
void gh_entry_hash(struct gh_bytes canonical, uint8_t out[GH_SHA256_BYTES]);
/* Canonical JSON of an entry as received (jansson's object), so that the hash of entries with
 * members this build does not know still can be checked. malloc'ed, the caller's. GH_ERR_INVALID
 * for a value that canonical entries cannot hold (floats, nested values, strings outside printable
 * ASCII, integers beyond 2^53), GH_ERR_TOOBIG when it does not fit in GH_ENTRY_MAX_BYTES with a NUL
 * behind it. Parse received text with JSON_REJECT_DUPLICATES, or a member that is there twice is
 * seen once. */
struct json_t;
GH_MUST_CHECK enum gh_status gh_entry_canonical(const struct json_t *object, char **out,
                                                size_t *size);
/* Read the members; unknown ones are passed over. GH_ERR_INVALID with the member's name in err. */
GH_MUST_CHECK enum gh_status gh_entry_parse(const struct json_t *object, struct gh_entry *out,
                                            struct gh_error *err);
const char *gh_entry_type_name(enum gh_entry_type type); /* "passage", "start", "fault", "clock" */

#endif
