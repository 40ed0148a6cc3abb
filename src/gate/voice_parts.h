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

/* path (PATH_MAX bytes): the first folder's that has this prompt. */
bool gh_voice_find_prompt(const char *const folders[GH_VOICE_FOLDERS], const char *language,
                          enum gh_prompt prompt, char *path);

#endif
