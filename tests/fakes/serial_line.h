/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner on a serial line. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_FAKES_SERIAL_LINE_H
#define GATEHOUSE_TESTS_FAKES_SERIAL_LINE_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Returns the scanner's end of a new pseudo-terminal; path is a link to the gate's, as those below
 * /dev/serial/by-id are, in the place of whatever was there. */
static inline int serial_line_plug_in(const char *path)
{
    int scanner = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(scanner >= 0);
    assert_int_equal(grantpt(scanner), 0);
    assert_int_equal(unlockpt(scanner), 0);
    unlink(path);
    assert_int_equal(symlink(ptsname(scanner), path), 0);
    return scanner;
}

#endif
