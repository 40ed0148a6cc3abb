/* SPDX-License-Identifier: Apache-2.0 */
/* What people hear besides the buzzer: prompts, and announcements, which come first. One thread of
 * its own; nothing here ever makes a decision wait, and without a sound device everything else
 * works. Only audio_alsa.c knows ALSA. */
#ifndef GATEHOUSE_SRC_GATE_VOICE_H
#define GATEHOUSE_SRC_GATE_VOICE_H

#include "gate/announcement.h"
#include "gate/queue.h"
#include "gatehouse/clock.h"
#include "gatehouse/reason.h"

struct gh_voice; /* opaque */

#define GH_VOICE_FOLDERS 3
/* Where `make install` and the package put the prompts. */
#define GH_VOICE_LOCAL_SOUNDS "/usr/local/share/gatehouse/sounds"
#define GH_VOICE_SOUNDS "/usr/share/gatehouse/sounds"
struct gh_voice_options {
    const char *device;    /* an ALSA PCM; "": none */
    const char *languages; /* "zh,en": each prompt is spoken in these, in this order */
    /* Where FOLDER/LANGUAGE/PROMPT.wav is looked for, first one first; NULL or "": none. The first
     * is the installer's own: if it cannot be read that is said. Borrowed for ever. */
    const char *folders[GH_VOICE_FOLDERS];
    const struct gh_clock *clock;
    struct gh_queue *announced; /* of struct gh_announced; borrowed */
};
/* Whether they may stand in the options. GH_ERR_INVALID, GH_ERR_TOOBIG, a sentence in err. */
GH_MUST_CHECK enum gh_status gh_voice_check_languages(const char *languages, struct gh_error *err);
/* A device that is missing or busy is tried again; prompts meanwhile are lost, announcements wait.
 */
GH_MUST_CHECK enum gh_status gh_voice_start(const struct gh_voice_options *options,
                                            struct gh_voice **out, struct gh_error *err);
/* Speak it now: what is being prompted is broken off. Any thread, at once; NONE: nothing. */
void gh_voice_prompt(struct gh_voice *voice, enum gh_prompt prompt);
/* Likewise. One that is known by its id is not taken twice; a cancelled one is broken off. */
void gh_voice_announce(struct gh_voice *voice, const struct gh_announcement_job *job);
struct gh_voice_state {
    bool device_open;                  /* has been opened, and not lost since */
    char trouble[GH_ERROR_TEXT_BYTES]; /* what is wrong with it; "": nothing */
    unsigned prompts_missing;          /* of which there is no file that is sound */
    uint64_t prompts, announcements;   /* played to the end */
};
struct gh_voice_state gh_voice_look(struct gh_voice *voice); /* any thread */
/* For --check: open the device, say in `says` how many prompts have no file, and close it. A device
 * that is busy is no error: says tells it. Else as gh_audio.open; of the first folder, where it
 * cannot be read; or as gh_file_read and gh_wav_parse of a prompt's file that is there and is no
 * sound; a sentence in err. */
#define GH_VOICE_SAYS_BYTES 160
GH_MUST_CHECK enum gh_status gh_voice_check(const struct gh_voice_options *options,
                                            char says[GH_VOICE_SAYS_BYTES], struct gh_error *err);
void gh_voice_stop(struct gh_voice *voice); /* NULL is fine */

#endif
