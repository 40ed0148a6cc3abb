/* SPDX-License-Identifier: Apache-2.0 */
/* INI files read by a table. Parsing is libinih's; this module checks names, types and ranges, so
 * that a typing error in a configuration is one clear sentence with a line number and never a
 * silent default. */
#ifndef GATEHOUSE_CONFIG_H
#define GATEHOUSE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gatehouse/status.h"

enum gh_config_type {
    GH_CONFIG_TEXT,   /* char[size] in the struct; longer values are refused */
    GH_CONFIG_INT,    /* int64_t, minimum..maximum */
    GH_CONFIG_BOOL,   /* bool: yes/no, true/false, on/off, 1/0 */
    GH_CONFIG_CHOICE, /* int: index into choices */
    GH_CONFIG_EACH,   /* may be given several times, or not at all: `take` gets each value */
};
#define GH_CONFIG_WHY_BYTES 128

/* One key. `initial` is its default in text form, or NULL: then the key must be there (but for
 * EACH, which has none). */
struct gh_config_key {
    const char *section;
    const char *name;
    enum gh_config_type type;
    size_t offset;              /* of the field in the caller's struct */
    size_t size;                /* TEXT: bytes of the array, its NUL included */
    int64_t minimum, maximum;   /* INT */
    const char *const *choices; /* CHOICE: NULL-terminated */
    const char *initial;
    /* EACH: the values in their order, into the caller's struct. false: refused, with what is wrong
     * in why, as it reads behind the key's name. */
    bool (*take)(void *out, const char *text, char why[GH_CONFIG_WHY_BYTES]);
};

/* Fill *out (a struct of the caller's, keys by offset) from the file. Refused, with file, line and
 * name in err: an unknown section or key, a key given twice, a value of the wrong form or out of
 * range, a missing key, a line that is neither, a file over 64 KiB. UTF-8 with or without a
 * byte-order mark; CRLF is accepted. On error *out is unspecified; nothing in it needs freeing
 * ever. */
GH_MUST_CHECK enum gh_status gh_config_load(const char *path, const struct gh_config_key *keys,
                                            size_t key_count, void *out, struct gh_error *err);

#endif
