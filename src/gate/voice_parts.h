/* SPDX-License-Identifier: Apache-2.0 */
/* What the voice's own files share. */
#ifndef GATEHOUSE_SRC_GATE_VOICE_PARTS_H
#define GATEHOUSE_SRC_GATE_VOICE_PARTS_H

#include "gate/audio.h"
#include "gate/voice.h"

/* With another audio than ALSA's; becomes the voice's, on error it stays the caller's. NULL: no
 * device. */
GH_MUST_CHECK enum gh_status gh_voice_start_with(const struct gh_voice_options *options,
                                                 const struct gh_audio *audio,
                                                 struct gh_voice **out, struct gh_error *err);

/* --- files: voice_files.c --- */

/* path (PATH_MAX bytes): that of the first folder from *folder on that has this prompt; *folder is
 * the one behind it then. */
bool gh_voice_find_prompt(const char *const folders[GH_VOICE_FOLDERS], size_t *folder,
                          const char *language, enum gh_prompt prompt, char *path);
/* *data is for the caller to free, also on error; wav borrows from it. Errors of gh_file_read and
 * gh_wav_parse. */
GH_MUST_CHECK enum gh_status gh_voice_read_sound(const char *path, uint8_t **data,
                                                 struct gh_wav *wav, struct gh_error *err);
/* Whether one of the folders has this prompt, and it is sound. err, also when there is one: the
 * first file before it that is there and is not. */
bool gh_voice_has_prompt(const char *const folders[GH_VOICE_FOLDERS], const char *language,
                         enum gh_prompt prompt, struct gh_error *err);

#endif
