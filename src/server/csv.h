/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4180, strictly: records of fields, pulled one at a time from memory. */
#ifndef GATEHOUSE_SRC_SERVER_CSV_H
#define GATEHOUSE_SRC_SERVER_CSV_H

#include "gatehouse/bytes.h"

#define GH_CSV_FIELDS_MAX 16
#define GH_CSV_RECORD_MAX_BYTES 4096 /* of its fields, quotes taken off */

struct gh_csv_record {
    uint64_t line; /* on which it begins, from 1 */
    size_t count;  /* of fields; those beyond GH_CSV_FIELDS_MAX are counted, but not there */
    const char *fields[GH_CSV_FIELDS_MAX]; /* NUL-terminated; live until the next record */
    size_t sizes[GH_CSV_FIELDS_MAX];
};

struct gh_csv_reader { /* large; the fields are the reader's own */
    struct gh_bytes rest;
    uint64_t line; /* of the next byte */
    char scratch[GH_CSV_RECORD_MAX_BYTES + GH_CSV_FIELDS_MAX];
    size_t used;
};

/* input must outlive the reader; a byte-order mark is passed over. */
void gh_csv_open(struct gh_csv_reader *reader, struct gh_bytes input);

/* GH_OK; GH_ERR_END after the last record; GH_ERR_CORRUPT for a broken record: *problem (static
 * lifetime) says why, record->line where; the reader goes on at the next line. Broken are: a quote
 * inside an unquoted field, text behind a closing quote, a quote that is never closed, CR without
 * LF outside quotes, bytes that are not UTF-8, a record over GH_CSV_RECORD_MAX_BYTES. */
GH_MUST_CHECK enum gh_status gh_csv_next(struct gh_csv_reader *reader, struct gh_csv_record *record,
                                         const char **problem);

#endif
