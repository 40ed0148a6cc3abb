/* SPDX-License-Identifier: Apache-2.0 */
/* The commands `trust add` and `revocations add`: files that are sent as they are, one after the
 * other. */
#ifndef GATEHOUSE_SRC_CLI_SENDING_H
#define GATEHOUSE_SRC_CLI_SENDING_H

#include "gatehouse/bytes.h"
#include "gatehouse/status.h"

struct gh_sending {
    const char *command, *usage; /* as in struct gh_syntax */
    const char *path;            /* where it goes */
    size_t max_bytes;            /* of a file: what the server takes */
    /* What a file's content is, as a media type; it may put another text in *data (malloc'ed, like
     * the old one, which it frees). GH_ERR_INVALID: not what this command is for. */
    enum gh_status (*prepare)(uint8_t **data, size_t *size, const char **type,
                              struct gh_error *err);
};

/* The whole command: a line for each file on standard output. It ends at the first file that is
 * refused, with the exit code of that; those before it are done. */
int gh_sending_run(const struct gh_sending *sending, int argc, char **argv);

#endif
