/* SPDX-License-Identifier: Apache-2.0 */
/* A text, spoken by espeak-ng on this machine, as a WAV file in memory. */
#ifndef GATEHOUSE_SRC_CLI_ANNOUNCE_SAY_H
#define GATEHOUSE_SRC_CLI_ANNOUNCE_SAY_H

#include <stddef.h>
#include <stdint.h>

#include "gatehouse/status.h"

/* voice: as espeak-ng names them; NULL: "en". *data is malloc'ed and the caller's.
 * GH_ERR_NOTFOUND: espeak-ng is not installed; GH_ERR_INVALID: it does not take the voice, or the
 * text is too long for a sound that the server takes. */
GH_MUST_CHECK enum gh_status gh_say_to_wav(const char *text, const char *voice, uint8_t **data,
                                           size_t *size, struct gh_error *err);

#endif
