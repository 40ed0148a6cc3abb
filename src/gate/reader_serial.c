/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner on a serial line: a UART, or USB that poses as one (CDC ACM, ttyUSB). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "gate/reader.h"
#include "gatehouse/file.h"

/* Nine of the longest codes in a second. */
#define FLOOD_BYTES 65536

/* What scanners can be set to is among these; the kernel's arbitrary rates (BOTHER) are not needed.
 */
static const struct {
    int64_t baud;
    speed_t speed;
} speeds[] = {
    {1200, B1200},     {2400, B2400},     {4800, B4800},     {9600, B9600},     {19200, B19200},
    {38400, B38400},   {57600, B57600},   {115200, B115200}, {230400, B230400}, {460800, B460800},
    {500000, B500000}, {576000, B576000}, {921600, B921600},
};

static speed_t speed_of(int64_t baud)
{
    for (size_t i = 0; i < GH_ARRAY_SIZE(speeds); i++) {
        if (speeds[i].baud == baud)
            return speeds[i].speed;
    }
    return B0;
}

bool gh_serial_baud_is_known(int64_t baud)
{
    return speed_of(baud) != B0;
}

/* Raw, 8N1, no flow control: every byte as it comes. A byte with a framing error comes as NUL,
 * which no code has, so that a damaged code is not taken for a whole one. */
static struct termios settings(const struct termios *before, speed_t speed)
{
    struct termios line = *before;

    cfmakeraw(&line);
    line.c_iflag = IGNBRK | INPCK; /* without it damaged bytes come as if they were good */
    line.c_cflag &= ~(tcflag_t)(CSTOPB | PARENB | CRTSCTS | HUPCL);
    line.c_cflag |= CREAD | CLOCAL | CS8;
    line.c_cc[VMIN] = 1; /* with O_NONBLOCK: EAGAIN when there is nothing, 0 only when hung up */
    line.c_cc[VTIME] = 0;
    cfsetispeed(&line, speed);
    cfsetospeed(&line, speed);
    return line;
}

static enum gh_status set_up(int fd, const char *path, int64_t baud, struct gh_error *err)
{
    struct termios line, got;
    speed_t speed = speed_of(baud);

    if (speed == B0)
        return gh_fail(err, GH_ERR_INVALID, "%" PRId64 " baud is none of the known speeds", baud);
    if (tcgetattr(fd, &line) != 0)
        return gh_reader_fail(err, path, errno);
    line = settings(&line, speed);
    /* It counts as done when any of it was: look. */
    if (tcsetattr(fd, TCSANOW, &line) != 0 || tcgetattr(fd, &got) != 0)
        return gh_reader_fail(err, path, errno);
    if (cfgetospeed(&got) != speed || (got.c_cflag & CSIZE) != CS8)
        return gh_fail(err, GH_ERR_UNSUPPORTED, "%s cannot be set to %" PRId64 " baud, 8 bits",
                       path, baud);
    if (ioctl(fd, TIOCEXCL) != 0)
        return gh_reader_fail(err, path, errno);
    /* What was scanned before somebody listened opens nothing now. */
    if (tcflush(fd, TCIFLUSH) != 0)
        return gh_reader_fail(err, path, errno);
    return GH_OK;
}

/* Without O_NONBLOCK a line without carrier would keep open waiting. */
static enum gh_status open_line(const char *path, int64_t baud, int *out, struct gh_error *err)
{
    *out = -1;
    GH_CLEANUP_FD int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return gh_reader_fail(err, path, errno);
    if (!isatty(fd))
        return errno == EIO ? gh_reader_fail(err, path, ENODEV) /* it is just going */
                            : gh_fail(err, GH_ERR_UNSUPPORTED, "%s is no serial line", path);
    enum gh_status status = set_up(fd, path, baud, err);
    if (status != GH_OK)
        return status;
    *out = fd;
    fd = -1;
    return GH_OK;
}

static enum gh_status serial_open(struct gh_reader *reader, struct gh_error *err)
{
    gh_framer_init(&reader->framer, reader->options->scanner_framing);
    return open_line(reader->path, reader->options->scanner_baud, &reader->fd, err);
}

static void serial_describe(const struct gh_reader *reader, char says[GH_READER_SAYS_BYTES])
{
    static const char *const ends[] = {
        [GH_FRAMING_LINE] = "a code ends with CR, LF or TAB",
        [GH_FRAMING_PAUSE] = "a code ends with a pause",
        [GH_FRAMING_STX_ETX] = "a code stands between STX and ETX",
    };

    snprintf(says, GH_READER_SAYS_BYTES, "%" PRId64 " baud, 8N1, %s", reader->options->scanner_baud,
             ends[reader->options->scanner_framing]);
}

static enum gh_status serial_take(struct gh_reader *reader, size_t size, int64_t now_ns,
                                  struct gh_error *err)
{
    (void)err;
    gh_framer_take(&reader->framer, (struct gh_bytes){reader->bytes, size}, now_ns, gh_reader_found,
                   reader);
    return GH_OK;
}

const struct gh_reader_driver gh_reader_serial = {
    .module = "scanner",
    .expected = "the speed and framing of [scanner], 8N1",
    .flood_bytes = FLOOD_BYTES,
    .open = serial_open,
    .describe = serial_describe,
    .take = serial_take,
};
