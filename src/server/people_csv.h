/* SPDX-License-Identifier: Apache-2.0 */
/* people.csv (docs/protocol.md, section 2). */
#ifndef GATEHOUSE_SRC_SERVER_PEOPLE_CSV_H
#define GATEHOUSE_SRC_SERVER_PEOPLE_CSV_H

#include "gatehouse/credential.h"

#define GH_PEOPLE_CSV_ERRORS_MAX 100
#define GH_PERSON_REF_MAX_BYTES 64
#define GH_PERSON_NAME_MAX_BYTES 200

struct gh_people_csv_error {
    uint64_t line;
    const char *reason; /* static lifetime */
};
struct gh_people_csv_errors {
    struct gh_people_csv_error list[GH_PEOPLE_CSV_ERRORS_MAX];
    size_t count;
};

/* Called for each good record, also behind bad ones. Anything but GH_OK ends the reading. */
typedef enum gh_status gh_people_csv_fn(void *context, const char *ref, const char *name,
                                        enum gh_colour status);

/* GH_OK: every record was good and taken. GH_ERR_INVALID: *errors says what is wrong, in the order
 * of lines, and nothing of what was handed over may be kept. GH_ERR_NOMEM; else what `each`
 * returned. */
GH_MUST_CHECK enum gh_status gh_people_csv_read(struct gh_bytes input, gh_people_csv_fn *each,
                                                void *context, struct gh_people_csv_errors *errors);

#endif
