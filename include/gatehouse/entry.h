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
#include "gatehouse/receipt.h"

enum gh_entry_type {
    GH_ENTRY_PASSAGE, /* somebody was let in, refused, or the guard was called */
    GH_ENTRY_START,   /* the daemon started */
    GH_ENTRY_FAULT,   /* the door could not be driven after an entry had said that it opens */
    GH_ENTRY_CLOCK,   /* the gate's clock was set, or became trusted, or is no longer trusted */
    GH_ENTRY_DOOR,    /* what the door did after a decision, or without one */
    GH_ENTRY_LIST,    /* a list that was offered to the gate was refused */
    GH_ENTRY_PRUNE,   /* entries that the server has acknowledged were removed from the journal */
    GH_ENTRY_ANNOUNCEMENT, /* what became of an announcement that the server sent */
};

/* What happened at the door: as its contact tells, or what unlocked it without a code, or what its
 * other inputs say. */
enum gh_door_event {
    GH_DOOR_EVENT_NONE,
    GH_DOOR_EVENT_OPENED,      /* "opened": within the time that it was unlocked for */
    GH_DOOR_EVENT_PASSED,      /* "passed": and was shut again */
    GH_DOOR_EVENT_HELD,        /* "held": and is still open when it should long be shut */
    GH_DOOR_EVENT_SHUT,        /* "shut": after it was held or forced */
    GH_DOOR_EVENT_UNUSED,      /* "unused": nobody went through */
    GH_DOOR_EVENT_FORCED,      /* "forced": opened without a decision */
    GH_DOOR_EVENT_EXIT,        /* "exit": the exit button (REX) unlocked it */
    GH_DOOR_EVENT_GUARD,       /* "guard": the guard's button did */
    GH_DOOR_EVENT_TEST,        /* "test": a person at the board did (gatehouse gate test) */
    GH_DOOR_EVENT_HOURS_OPEN,  /* "hours_open": unlocked by the opening hours, */
    GH_DOOR_EVENT_HOURS_SHUT,  /* "hours_shut": and locked again */
    GH_DOOR_EVENT_FIRE,        /* "fire": unlocked by the fire input, */
    GH_DOOR_EVENT_FIRE_OVER,   /* "fire_over" */
    GH_DOOR_EVENT_TAMPER,      /* "tamper": the housing was opened, */
    GH_DOOR_EVENT_TAMPER_OVER, /* "tamper_over" */
    GH_DOOR_EVENT_TOGGLED, /* "toggled": a decision locked a door whose relay toggles; about says
                              which */
    GH_DOOR_EVENT_COUNT
};
const char *gh_door_event_name(enum gh_door_event event);

/* Which way a gate leads, for anti-passback. */
enum gh_direction { GH_DIRECTION_NONE, GH_DIRECTION_IN, GH_DIRECTION_OUT };
const char *gh_direction_name(enum gh_direction direction); /* "none", "in", "out" */

/* What became of an announcement at this gate. */
enum gh_announcement_event {
    GH_ANNOUNCEMENT_NONE,
    GH_ANNOUNCEMENT_PLAYED,  /* "played": to its end, as often as it says */
    GH_ANNOUNCEMENT_EXPIRED, /* "expired": before it could be */
    GH_ANNOUNCEMENT_FAILED,  /* "failed": it is no sound, too long, or cannot be kept */
    GH_ANNOUNCEMENT_SILENT,  /* "silent": this gate has no sound device */
};
const char *gh_announcement_event_name(enum gh_announcement_event event);

/* Why a list was refused. */
enum gh_list_trouble {
    GH_LIST_TROUBLE_NONE,
    GH_LIST_TROUBLE_ROLLBACK,    /* "rollback": older than one that was accepted */
    GH_LIST_TROUBLE_AREA,        /* "wrong_area" */
    GH_LIST_TROUBLE_SIGNATURE,   /* "bad_signature": by no key that this gate knows */
    GH_LIST_TROUBLE_RETIRED_KEY, /* "retired_key": by one that another has followed */
    GH_LIST_TROUBLE_CORRUPT,     /* "corrupt": signed, but not what it says it is */
};
const char *gh_list_trouble_name(enum gh_list_trouble trouble);

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
    int64_t jump_ms;    /* CLOCK: how far the clock was set, forwards or (below 0) back; else 0 */
    int64_t list_age_s; /* PASSAGE: of a list that was stale (policy.h); else 0 */
    uint64_t omitted;   /* PASSAGE that does not open: so many more like it followed before the next
                           entry, and are none of their own; 0: none */
    enum gh_direction direction; /* PASSAGE: of a gate that leads one way */
    /* ANNOUNCEMENT */
    enum gh_announcement_event announced;
    gh_id announcement;
    /* DOOR */
    enum gh_door_event door;
    uint64_t about;   /* the passage's sequence number; 0: none */
    int64_t after_ms; /* since that decision; 0 without one */
    /* LIST */
    enum gh_list_trouble trouble;
    uint64_t offered; /* the generation that it said it was; 0: not known */
    /* PRUNE: all entries up to `through` are gone, by number; of those up to `erased` (never less
     * than through) the passages' and the door's contents are gone, their places and hashes are
     * there. The server has had them: it signed for `receipt.through`, never less than erased. A
     * sum is over the hashes of all entries up to there: from 32 zeros on, each time the SHA-256 of
     * the sum so far and the next hash. Without contents hashes do not hold each other: the sums
     * hold them. through 0: none, and its sum is zeros. */
    uint64_t through, erased;
    uint8_t through_sum[GH_SHA256_BYTES], erased_sum[GH_SHA256_BYTES];
    struct gh_receipt receipt;
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
/* Both at once, of the object that text begins with, when that stands in canonical form already, as
 * what gates send does: *size bytes of it. Much faster. GH_ERR_UNSUPPORTED: it may all the same be
 * one, with escapes in it say; ask jansson. GH_ERR_INVALID as above. */
GH_MUST_CHECK enum gh_status gh_entry_scan(struct gh_bytes text, struct gh_entry *out, size_t *size,
                                           struct gh_error *err);
/* "passage", "start", "fault", "clock", "door", "list", "prune", "announcement" */
const char *gh_entry_type_name(enum gh_entry_type type);
#define GH_ENTRY_TYPES (GH_ENTRY_ANNOUNCEMENT + 1)

#endif
