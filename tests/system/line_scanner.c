/* SPDX-License-Identifier: Apache-2.0 */
/* line_scanner LINK FIFO: a barcode scanner on a serial line, for as long as it runs. The line is a
 * pseudo-terminal that LINK leads to, as those below /dev/serial/by-id do; what is written into
 * FIFO is what it reads, and how many bytes of it went over the line stands on its output. Ending
 * it pulls the plug; the link stays. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int plug_in(const char *name)
{
    int line = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (line < 0 || grantpt(line) != 0 || unlockpt(line) != 0)
        return -1;
    unlink(name);
    return symlink(ptsname(line), name) == 0 ? line : -1;
}

int main(int argc, char **argv)
{
    char bytes[512];
    ssize_t got;

    if (argc != 3) {
        fprintf(stderr, "usage: line_scanner LINK FIFO\n");
        return 2;
    }
    /* Both ends, so that it does not end when a writer goes. */
    int codes = open(argv[2], O_RDWR | O_CLOEXEC);
    int line = plug_in(argv[1]);
    if (codes < 0 || line < 0) {
        perror("line_scanner");
        return 1;
    }
    while ((got = read(codes, bytes, sizeof(bytes))) > 0) {
        if (write(line, bytes, (size_t)got) != got)
            return 1;
        printf("sent %zd\n", got);
        fflush(stdout);
    }
    return 1;
}
