/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of the server's settings, for settings.c. */
#ifndef GATEHOUSE_SRC_SERVER_SETTINGS_PARTS_H
#define GATEHOUSE_SRC_SERVER_SETTINGS_PARTS_H

#include "server/settings.h"

/* Printable ASCII, and nothing else. */
bool gh_settings_printable(const char *text);

/* [upstream], as it was read: takes url and prefixes apart, and says what is wrong in err. */
GH_MUST_CHECK enum gh_status gh_upstream_settings_check(struct gh_server_settings *settings,
                                                        struct gh_error *err);

/* Whether the files that it names can be used. */
GH_MUST_CHECK enum gh_status gh_upstream_settings_files(const struct gh_upstream_settings *upstream,
                                                        struct gh_error *err);

#endif
