/* SPDX-License-Identifier: Apache-2.0 */
/* What the server keeps of what gates send: entries, what was refused of them, and the alarms that
 * they are. The contract is db.h's. */
#ifndef GATEHOUSE_SRC_SERVER_DB_ENTRIES_H
#define GATEHOUSE_SRC_SERVER_DB_ENTRIES_H

#include "gatehouse/entry.h"
#include "server/db.h"

/* --- alarms: what an administrator must hear of --- */

enum gh_alarm {
    GH_ALARM_GAP = 1,
    GH_ALARM_FORK,
    GH_ALARM_BROKEN,
    GH_ALARM_NOT_AN_ENTRY,
    GH_ALARM_CLONED,
    GH_ALARM_LIST_REFUSED,
    GH_ALARM_PRUNED_EARLY,
    GH_ALARM_OLDER_DATABASE,
    GH_ALARM_FORCED,
    GH_ALARM_TAMPER,
    GH_ALARM_FIRE,
    GH_ALARM_END
};
const char *gh_alarm_name(enum gh_alarm alarm); /* protocol.md, section 5 */
/* One row for each gate and kind an hour, which counts what follows; a new row is counted at the
 * gate, too. text: one sentence, no names. sequence 0: none. In a transaction of its own, or of the
 * caller's. */
GH_MUST_CHECK enum gh_status gh_db_alarm_add(struct gh_db *db, gh_id gate, enum gh_alarm alarm,
                                             uint64_t sequence, const char *text, int64_t now);
/* How often each was raised since the database was opened; from memory, of any thread. */
void gh_db_alarms_raised(const struct gh_db *db, uint64_t out[GH_ALARM_END]);

struct gh_db_alarm {
    uint64_t row;
    int64_t at, last_at; /* of the first, and of the last that it counts */
    uint64_t count;
    gh_id gate;
    const char *gate_name;
    enum gh_alarm kind;
    uint64_t sequence; /* of the first; 0: none */
    const char *text;  /* likewise */
};
typedef bool gh_db_alarm_fn(void *context, const struct gh_db_alarm *alarm);
/* By row, after `after`; gate 0: any. */
GH_MUST_CHECK enum gh_status gh_db_alarms_read(struct gh_db *db, uint64_t after, gh_id gate,
                                               unsigned limit, gh_db_alarm_fn *each, void *context);

/* --- entries --- */

#define GH_REFUSAL_BYTES 128
#define GH_DB_BOOT_BYTES 16

/* One item of a batch. In: what was received, and in `refusal` why it is no acceptable entry ("" if
 * nothing is wrong with it as such). Out: what became of it. */
struct gh_db_item {
    uint64_t sequence; /* 0: unknown */
    const char *text;  /* canonical form; of what is refused, whatever there is */
    size_t text_size;
    uint8_t hash[GH_SHA256_BYTES]; /* of text */
    uint8_t previous[GH_SHA256_BYTES];
    enum gh_entry_type type;
    gh_id subject, home;
    int64_t time_ms;                /* by the gate's clock; 0: which it does not trust */
    uint8_t boot[GH_DB_BOOT_BYTES]; /* all zero: not said */
    /* What it is an alarm of, though it is stored, or because it is refused; 0: nothing */
    enum gh_alarm alarm;
    const char *alarm_text; /* of one that is stored; static */
    /* PRUNE: the receipt that it names, whose signature is good; through 0: none */
    uint64_t receipt_through;
    uint8_t receipt_hash[GH_SHA256_BYTES];
    /* PASSAGE that opened: which way the gate leads; NONE: no movement */
    enum gh_direction direction;
    uint64_t unused;    /* DOOR: the passage after which nobody went through; 0: none */
    gh_id announcement; /* ANNOUNCEMENT: which, and what became of it; 0: none */
    enum gh_announcement_event announced;
    char refusal[GH_REFUSAL_BYTES];
};
struct gh_db_batch {
    uint64_t acknowledged; /* what needs no sending again; never beyond the batch */
    uint64_t stored, known;
    /* All entries up to `acknowledged` are stored, and this is the hash of that one. */
    bool whole;
    uint8_t hash[GH_SHA256_BYTES];
};
/* Store batches of gates', several in one transaction; refused items are kept aside and are alarms,
 * each once. Begin, then put for each, then end, whatever put has said.
 * What fails in one batch is undone in that one alone; none is durable before end returns GH_OK,
 * and after any other status nothing of any of them is there. Nothing else may be called between.
 */
struct gh_db_group {
    struct gh_db *db;
    enum gh_status lost; /* GH_OK, or why the whole transaction is undone already */
};
GH_MUST_CHECK enum gh_status gh_db_group_begin(struct gh_db *db, struct gh_db_group *out);
GH_MUST_CHECK enum gh_status gh_db_group_put(struct gh_db_group *group, gh_id gate,
                                             struct gh_db_item *items, size_t count, int64_t now,
                                             struct gh_db_batch *out);
/* Another connection waits for its turn: time to end. */
bool gh_db_group_is_waited_for(const struct gh_db_group *group);
GH_MUST_CHECK enum gh_status gh_db_group_end(struct gh_db_group *group);

struct gh_db_entry {
    uint64_t row;
    gh_id gate;
    const char *gate_name;
    int64_t received_at;
    const char *name;    /* of the person; NULL: none or not known */
    const char *address; /* of the home; likewise */
    const char *text;    /* canonical JSON */
};
struct gh_db_entry_filter {
    uint64_t after; /* row; 0: from the first */
    unsigned limit;
    gh_id gate;              /* 0: any */
    enum gh_entry_type type; /* if any_type is false */
    bool any_type;
    int64_t from, until; /* received from then on, and before; 0: any time */
};
typedef bool gh_db_entry_fn(void *context, const struct gh_db_entry *entry);
GH_MUST_CHECK enum gh_status gh_db_entries_read(struct gh_db *db,
                                                const struct gh_db_entry_filter *filter,
                                                gh_db_entry_fn *each, void *context);

/* What was refused and kept aside: the dead letters. */
struct gh_db_refused {
    uint64_t row;
    int64_t received_at;
    gh_id gate;
    const char *gate_name;
    uint64_t sequence;
    const char *reason;
    struct gh_bytes text; /* as much as was kept of it, any bytes */
};
typedef bool gh_db_refused_fn(void *context, const struct gh_db_refused *refused);
/* By row, after `after`; gate 0: any. */
GH_MUST_CHECK enum gh_status gh_db_refused_read(struct gh_db *db, uint64_t after, gh_id gate,
                                                unsigned limit, gh_db_refused_fn *each,
                                                void *context);

/* --- entries: how they are kept --- */

/* What stands in the place of a gate's first entries: all up to checkpoint.through are gone, but
 * for the hash of that one. */
struct gh_db_chain {
    uint64_t last;                /* the highest number ever stored */
    struct gh_receipt checkpoint; /* through 0: none */
};
GH_MUST_CHECK enum gh_status gh_db_chain_find(struct gh_db *db, gh_id gate,
                                              struct gh_db_chain *out); /* GH_ERR_NOTFOUND */
struct gh_db_link {
    uint64_t sequence;
    uint8_t hash[GH_SHA256_BYTES], previous[GH_SHA256_BYTES];
    struct gh_bytes text; /* empty: the contents are gone */
};
typedef bool gh_db_link_fn(void *context, const struct gh_db_link *link);
/* By number, after `after`. */
GH_MUST_CHECK enum gh_status gh_db_chain_read(struct gh_db *db, gh_id gate, uint64_t after,
                                              unsigned limit, gh_db_link_fn *each, void *context);

/* Look at up to `limit` entries of a type, at most GH_DB_ERASE_MAX, behind the row *after; those
 * received before `before` become husks: number, hash, and the hash of the one before. Ends at the
 * first that is younger; one from what is the future now waits for its own time, and keeps nothing
 * behind it waiting. *after: to go on from; 0: from the first again. */
#define GH_DB_ERASE_MAX 256
GH_MUST_CHECK enum gh_status gh_db_entries_erase(struct gh_db *db, enum gh_entry_type type,
                                                 int64_t before, int64_t now, unsigned limit,
                                                 uint64_t *after, unsigned *erased);
/* Of the first gate with husks behind *gate (0: any): up to where nothing but husks follows on its
 * checkpoint, with the hash; through 0: nowhere. At most `limit` more than now. *gate 0: there is
 * no such gate. */
GH_MUST_CHECK enum gh_status gh_db_husks_find(struct gh_db *db, gh_id *gate, unsigned limit,
                                              struct gh_receipt *out);
/* Husks go up to there, and the receipt, which is signed, is the gate's checkpoint. GH_ERR_REFUSED:
 * they are not what it says. */
GH_MUST_CHECK enum gh_status gh_db_checkpoint_set(struct gh_db *db, gh_id gate,
                                                  const struct gh_receipt *receipt);
/* Those from before `before`, at most `limit`. */
GH_MUST_CHECK enum gh_status gh_db_refused_drop(struct gh_db *db, int64_t before, unsigned limit);
GH_MUST_CHECK enum gh_status gh_db_alarms_drop(struct gh_db *db, int64_t before, unsigned limit);

#endif
