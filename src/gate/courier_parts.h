/* SPDX-License-Identifier: Apache-2.0 */
/* What the courier's own files share. Each thing has one thread: that of its lane, or what is said
 * beside it. */
#ifndef GATEHOUSE_SRC_GATE_COURIER_PARTS_H
#define GATEHOUSE_SRC_GATE_COURIER_PARTS_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "code/cbor.h"
#include "gate/backoff.h"
#include "gate/courier.h"
#include "gatehouse/journal.h"

struct json_t;

#define GH_COURIER_MODULE "courier"
#define GH_COURIER_TIMEOUT_MS 10000
#define GH_COURIER_AGAIN_MS 10000 /* to a connection that cannot be made at all */

struct gh_order {
    enum { GH_ORDER_WAKE, GH_ORDER_ENROL, GH_ORDER_LIST, GH_ORDER_ANNOUNCED } type;
    struct gh_enrolment enrolment;
    gh_id announcement;
};

/* What came of a lane's requests, for gh_courier_look. */
struct gh_lane_word {
    bool heard, failed, refused;  /* ever; the last one */
    int64_t heard_ns, failing_ns; /* the last good one; the first bad one since */
    char trouble[GH_ERROR_TEXT_BYTES];
};

/* A thread with a connection of its own. */
struct gh_lane {
    struct gh_courier *courier;
    int64_t (*turn)(struct gh_courier *courier);
    struct gh_queue *orders; /* of struct gh_order; any thread */
    struct gh_transport transport;
    pthread_mutex_t transport_lock; /* connecting against cancelling */
    bool connected;                 /* transport and list_key are there */
    bool authenticated;             /* the server's answers are the server's */
    /* The list lane's is the one that counts, the others have copies. */
    struct gh_identity identity;
    struct gh_public_key *list_key;
    int64_t clock_next_ns;    /* when to tell the gate the server's time again */
    struct gh_lane_word word; /* with the courier's lock */
    bool runs;
    pthread_t thread;
};

/* The list lane's. */
struct gh_list_watch {
    struct gh_backoff enrol, backoff;
    struct gh_generation at_hand; /* 0: nothing that the server's answers can lead on from */
    bool waits;                   /* the server can push, as far as we know */
    bool brief;                   /* the next question is not to wait: to see who is there */
    bool wait_broke;              /* the last one that waited did: was it for the waiting? */
    unsigned spoiled;             /* how many did, one after the other */
    int64_t wait_again_ns;        /* when to try to wait once more */
    int64_t brief_next_ns;        /* when to ask without waiting, for the time of day */
    unsigned troubled;            /* bits of enum gh_list_trouble: told since a list was accepted */
    bool parts_gone;              /* no part of a snapshot is left over */
    uint64_t news;                /* the number of the last news, as the server said last */
};

/* The entries lane's. */
struct gh_outbox {
    struct gh_backoff backoff;
    uint64_t publication;       /* of the identity that it has */
    struct gh_journal *journal; /* reader; NULL until its file is there */
    uint64_t acknowledged;
    struct gh_receipt receipt; /* verified; through 0: none */
    bool receipt_told;         /* the gate knows it, or that there is none */
    bool plain;                /* the server takes no compressed batches */
    bool unsaved;              /* the note is behind */
    int64_t saved_ns;          /* when it was written last, or tried; 0: it is due */
    int64_t told_ns;           /* when the gate was told of a receipt last */
};

/* An announcement that has not expired, or has and nobody has said so yet. */
struct gh_kept {
    struct gh_announcement said;
    enum {
        GH_KEPT_WANTED, /* its sound is not here */
        GH_KEPT_READY,  /* it is */
        GH_KEPT_LOST,   /* it never will be */
        GH_KEPT_DONE,   /* what became of it is known; or cancelled */
    } state;
    bool told; /* the gate has heard of this state; of DONE: it stands on the disk */
    struct gh_backoff backoff; /* of fetching the sound */
};
/* Those that are alive, and those that are done but could be told again. */
#define GH_KEPT_MAX ((size_t)4 * GH_ANNOUNCEMENTS_MAX)

/* The news lane's. */
struct gh_news_desk {
    struct gh_backoff backoff; /* of asking what is new */
    uint64_t publication;      /* of the identity that it has */
    gh_id gate;                /* whose announcements are in kept; 0: not looked yet */
    uint64_t known;            /* the last number that was asked for; 0: from the beginning */
    uint64_t resets;           /* of those of the courier that it has obeyed */
    struct gh_kept kept[GH_KEPT_MAX];
    size_t kept_count;
    char folder[PATH_MAX];
};

struct gh_courier {
    struct gh_courier_options options;
    char identity_path[PATH_MAX], list_path[PATH_MAX], note_path[PATH_MAX];
    char boot_id[GH_BOOT_ID_TEXT_BYTES];
    struct gh_lane list, entries, news;
    struct gh_list_watch watch;
    struct gh_outbox outbox;
    struct gh_news_desk desk;
    atomic_bool stop; /* all threads */
    /* What the list lane made of the identity, for the others. */
    pthread_mutex_t lock;
    struct gh_identity published;
    uint64_t publication; /* counts them */
    /* What the list lane heard of news, for the news lane: */
    uint64_t news_wanted; /* the number of the last one there is */
    uint64_t news_resets; /* how often it was lower than before: numbers begin anew */
};

/* --- lanes (courier_lane.c) --- */

/* With lane->identity. On error the log says why. */
GH_MUST_CHECK enum gh_status gh_lane_connect(struct gh_lane *lane);
void gh_lane_disconnect(struct gh_lane *lane);
/* Replaces list_key by identity's. */
GH_MUST_CHECK enum gh_status gh_lane_use_key(struct gh_lane *lane);
void gh_lane_cancel(struct gh_lane *lane); /* any thread */
void gh_lane_wake(struct gh_lane *lane);   /* any thread */
/* Tell the gate, with the lane's identity; push for what has more to say. Both wipe the event. */
void gh_lane_tell(struct gh_lane *lane, enum gh_courier_event_type type);
void gh_lane_push(struct gh_lane *lane, struct gh_courier_event *event);
/* One request, with the gate's token once it is enrolled; what it says about the time of day is
 * told. GH_OK only for status 200, and 206 if a range was asked for; anything else is said in err
 * with the server's own token. The response is the caller's to free in every case, and says
 * retry_after_s. */
GH_MUST_CHECK enum gh_status gh_lane_request(struct gh_lane *lane, struct gh_http_request *request,
                                             struct gh_http_response *response,
                                             struct gh_error *err);
/* The same for what anybody may have, and may come from a cache: without the token, and what it
 * says about the time is nothing. 206 is good, too. */
GH_MUST_CHECK enum gh_status gh_lane_fetch(struct gh_lane *lane, struct gh_http_request *request,
                                           struct gh_http_response *response, struct gh_error *err);
/* One of these two. */
typedef enum gh_status gh_lane_request_fn(struct gh_lane *lane, struct gh_http_request *request,
                                          struct gh_http_response *response, struct gh_error *err);

/* --- files that come in parts (courier_part.c) --- */

/* A file that grows until it is whole. */
struct gh_part {
    const char *what; /* in words, for errors */
    int fd;           /* stands at size; -1: not open */
    uint64_t size, total;
    struct gh_sha256_context *hash; /* of all that is in it; NULL: nobody asks */
    /* Asked after each piece but the last; false: it is enough for now. NULL: it never is. */
    bool (*goes_on)(const void *context);
    const void *context;
    enum gh_status broken; /* why it cannot go on; GH_OK */
};

/* Nothing of it is good; false: part->broken. */
GH_MUST_CHECK bool gh_part_start_anew(struct gh_part *part);
/* Whether there is room for the rest, this much beside it, and the journal: GH_ERR_NOSPACE. */
GH_MUST_CHECK enum gh_status gh_part_check_room(const struct gh_part *part, uint64_t beside_bytes,
                                                struct gh_error *err);
/* GET the rest, as far as it comes. Errors of the request; GH_ERR_CORRUPT: the server has more than
 * total, or less; and those of the disk. */
GH_MUST_CHECK enum gh_status gh_part_fetch(struct gh_part *part, struct gh_lane *lane,
                                           gh_lane_request_fn *ask, const char *path,
                                           int64_t *retry_after_s, struct gh_error *err);
/* What came is good to go on from next time, unless it is wrong, by this status, or it is the disk
 * that will not have it: then the journal needs the room more, and the file goes. */
void gh_part_close(struct gh_part *part, const char *path, enum gh_status status);

/* --- the list lane --- */

int64_t gh_courier_list_lane(struct gh_courier *courier);
void gh_courier_publish(struct gh_courier *courier); /* the others see it in their next turn */

/* Tries once, and sets its backoff. */
void gh_courier_turn_enrol(struct gh_courier *courier);

/* What an answer came to (courier_take.c). */
struct gh_list_outcome {
    bool news;                    /* another list is at hand now */
    bool ask_again;               /* at once, with what is at hand now: not a failure */
    bool progress;                /* a part of a snapshot came, and was kept */
    enum gh_list_trouble trouble; /* it was refused */
    uint64_t offered;             /* the generation that it said it was; 0: not known */
    int64_t retry_after_s;
    bool says_number; /* the answer could be read, and the last news have this number: */
    uint64_t number;
};
/* Verify an answer, make it the list at hand, tell the gate, pin. */
GH_MUST_CHECK enum gh_status gh_courier_take_list(struct gh_courier *courier,
                                                  struct gh_bytes answer,
                                                  struct gh_list_outcome *outcome,
                                                  struct gh_error *err);
/* Look what list is at hand. It may be newer than what identity remembers: it is put into place
 * first. */
void gh_courier_remember_list(struct gh_courier *courier);

/* Handovers (courier_keys.c): from identity's key on as far as they lead, each verified with the
 * key before; identity has the newest then. items: byte strings, so many. Whether there was one. */
bool gh_courier_follow(struct gh_identity *identity, struct gh_cbor_reader items, size_t count);
/* Whether a key before identity's signed this manifest: one that it knew, or one that the handovers
 * name before its own. */
bool gh_courier_is_retired(const struct gh_identity *identity, struct gh_bytes manifest,
                           struct gh_cbor_reader items, size_t count);

/* The manifest's snapshot into a file of the state folder (courier_snapshot.c): goes on where it
 * broke off. *resumed: a part of it was there before this call. GH_ERR_NOSPACE and other errors of
 * the disk: what had come is removed. */
GH_MUST_CHECK enum gh_status gh_courier_fetch_snapshot(struct gh_courier *courier,
                                                       const struct gh_manifest *manifest,
                                                       char path[PATH_MAX], bool *resumed,
                                                       struct gh_list_outcome *outcome,
                                                       struct gh_error *err);
/* All parts but this one (NULL: all). */
void gh_courier_remove_parts(struct gh_courier *courier, const char *keep);

/* --- the entries lane --- */

int64_t gh_courier_entries_lane(struct gh_courier *courier);
/* What was acknowledged, in a file (courier_note.c). */
void gh_outbox_load(struct gh_courier *courier);           /* tells the gate the receipt, too */
void gh_outbox_save(struct gh_courier *courier, bool now); /* not now: when it is due */
/* The gate of a receipt that it does not know yet; not now: when it is due. */
void gh_outbox_tell(struct gh_courier *courier, bool now);
void gh_outbox_close(struct gh_courier *courier); /* the journal */
/* Not so far any more: the server has lost something, or never had it. Then a receipt for more than
 * that allows nothing, and the gate is told so. */
void gh_outbox_go_back(struct gh_courier *courier, uint64_t sequence);
/* The journal was opened: if what was acknowledged was of another one, nothing was of this. */
void gh_outbox_check(struct gh_courier *courier);
/* The receipt of an answer: verified, and of our own entry, it is kept. */
void gh_outbox_take_receipt(struct gh_courier *courier, const struct json_t *receipt);

/* --- the news lane --- */

int64_t gh_courier_news_lane(struct gh_courier *courier);
/* From the list lane: the number of the last news that there are. */
void gh_courier_hear_of_news(struct gh_courier *courier, uint64_t number);
/* Whether there are some that it has not asked for. Any thread. */
bool gh_courier_has_news(struct gh_courier *courier);

/* Announcements, with their files (courier_kept.c). */

/* All that the folder holds, verified by the lane's key; what is nothing of that is removed. */
void gh_kept_load(struct gh_courier *courier);
/* One that the server gives: verified, and kept. GH_ERR_DENIED: it is not for this gate, or not
 * signed; nothing else is done then. Else as the disk: once more, later. */
GH_MUST_CHECK enum gh_status gh_kept_take(struct gh_courier *courier, struct gh_bytes bytes,
                                          struct gh_error *err);
/* Whether its sound is here, to the bit: it may be that of another one, too. */
bool gh_kept_has_sound(const struct gh_courier *courier, const struct gh_announcement *said);
void gh_kept_done(struct gh_courier *courier, gh_id id);
/* What is due without the server: tell, write down, forget. Returns in how many ms to come again at
 * the latest. */
int64_t gh_kept_tick(struct gh_courier *courier);
/* `FOLDER/NAME.SUFFIX` of an announcement's sound. GH_ERR_TOOBIG. */
GH_MUST_CHECK enum gh_status gh_kept_sound_path(const struct gh_courier *courier,
                                                const struct gh_announcement *said,
                                                const char *suffix, char *out, size_t out_bytes);
/* The sound of one into its file (courier_sound.c): goes on where it broke off. GH_ERR_AGAIN: it
 * stepped back, since there are news to ask for; a part was kept. */
GH_MUST_CHECK enum gh_status gh_courier_fetch_sound(struct gh_courier *courier,
                                                    const struct gh_announcement *said,
                                                    int64_t *retry_after_s, bool *progress,
                                                    struct gh_error *err);

#endif
