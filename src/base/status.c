/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[GH_STATUS_COUNT] = {
    [GH_OK] = "ok",
    [GH_ERR_NOMEM] = "out of memory",
    [GH_ERR_INVALID] = "invalid",
    [GH_ERR_IO] = "input/output error",
    [GH_ERR_NOSPACE] = "no space left",
    [GH_ERR_READONLY] = "cannot be written",
    [GH_ERR_NOTFOUND] = "not found",
    [GH_ERR_EXISTS] = "exists already",
    [GH_ERR_CORRUPT] = "corrupt",
    [GH_ERR_TRUNCATED] = "ends too early",
    [GH_ERR_TOOBIG] = "too big",
    [GH_ERR_UNSUPPORTED] = "not supported",
    [GH_ERR_SIGNATURE] = "signature not valid",
    [GH_ERR_ROLLBACK] = "older than what is known",
    [GH_ERR_BUSY] = "busy",
    [GH_ERR_TIMEOUT] = "timed out",
    [GH_ERR_NETWORK] = "network error",
    [GH_ERR_REFUSED] = "refused",
    [GH_ERR_DENIED] = "permission denied",
    [GH_ERR_GONE] = "device is gone",
    [GH_ERR_AGAIN] = "nothing yet",
    [GH_ERR_END] = "nothing more",
    [GH_ERR_TRAILING] = "bytes follow where it should have ended",
    [GH_ERR_RANGE] = "a number out of range",
};

const char *gh_status_text(enum gh_status status)
{
    unsigned int index = (unsigned int)status;
    return index < GH_STATUS_COUNT && texts[index] != NULL ? texts[index] : "unknown status";
}

static const struct {
    int err;
    enum gh_status status;
} errnos[] = {
    {0, GH_OK},
    {ENOMEM, GH_ERR_NOMEM},
    {ENOBUFS, GH_ERR_NOMEM},
    {EINVAL, GH_ERR_INVALID},
    {EISDIR, GH_ERR_INVALID},
    {ELOOP, GH_ERR_INVALID},
    {ENAMETOOLONG, GH_ERR_INVALID},
    {EXDEV, GH_ERR_INVALID},
    {ENOSPC, GH_ERR_NOSPACE},
    {EDQUOT, GH_ERR_NOSPACE},
    {EFBIG, GH_ERR_NOSPACE}, /* RLIMIT_FSIZE, a quota of its own kind */
    {EROFS, GH_ERR_READONLY},
    {ENOENT, GH_ERR_NOTFOUND},
    {ENOTDIR, GH_ERR_NOTFOUND}, /* a parent is no folder: so there is no such file */
    {ENXIO, GH_ERR_NOTFOUND},
    {ESRCH, GH_ERR_NOTFOUND},
    {EEXIST, GH_ERR_EXISTS},
    {ENOTEMPTY, GH_ERR_EXISTS},
    {EBADMSG, GH_ERR_CORRUPT},
    {EILSEQ, GH_ERR_CORRUPT},
    {EUCLEAN, GH_ERR_CORRUPT},
    {EMSGSIZE, GH_ERR_TOOBIG},
    {E2BIG, GH_ERR_TOOBIG},
    {EOVERFLOW, GH_ERR_TOOBIG},
    {ENOSYS, GH_ERR_UNSUPPORTED},
    {EOPNOTSUPP, GH_ERR_UNSUPPORTED},
    {ENOTTY, GH_ERR_UNSUPPORTED},
    {EAFNOSUPPORT, GH_ERR_UNSUPPORTED},
    {EPROTONOSUPPORT, GH_ERR_UNSUPPORTED},
    {EBUSY, GH_ERR_BUSY},
    {ETXTBSY, GH_ERR_BUSY},
    {EADDRINUSE, GH_ERR_BUSY},
    {ETIMEDOUT, GH_ERR_TIMEOUT},
    {ETIME, GH_ERR_TIMEOUT},
    {ECONNREFUSED, GH_ERR_NETWORK},
    {ECONNRESET, GH_ERR_NETWORK},
    {ECONNABORTED, GH_ERR_NETWORK},
    {EHOSTUNREACH, GH_ERR_NETWORK},
    {EHOSTDOWN, GH_ERR_NETWORK},
    {ENETUNREACH, GH_ERR_NETWORK},
    {ENETDOWN, GH_ERR_NETWORK},
    {ENETRESET, GH_ERR_NETWORK},
    {ENOTCONN, GH_ERR_NETWORK},
    {EADDRNOTAVAIL, GH_ERR_NETWORK},
    {EPIPE, GH_ERR_NETWORK},
    {EACCES, GH_ERR_DENIED},
    {EPERM, GH_ERR_DENIED},
    {ENODEV, GH_ERR_GONE},
    {EAGAIN, GH_ERR_AGAIN},
    {EINTR, GH_ERR_AGAIN},
};

enum gh_status gh_status_from_errno(int err)
{
    for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++) {
        if (errnos[i].err == err) {
            return errnos[i].status;
        }
    }
    return GH_ERR_IO;
}

/* A text that was cut may end in the middle of a UTF-8 sequence: a broken character would make the
 * whole text invalid where it travels as JSON. */
static void drop_partial_character(char *text)
{
    size_t size = strlen(text);
    size_t tail = 0;
    while (tail < 3 && tail < size && ((unsigned char)text[size - 1 - tail] & 0xC0) == 0x80) {
        tail++;
    }
    if (tail < size && (unsigned char)text[size - 1 - tail] >= 0xC0) {
        unsigned char lead = (unsigned char)text[size - 1 - tail];
        size_t wanted = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
        if (tail < wanted) {
            text[size - 1 - tail] = '\0';
        }
    }
}

enum gh_status gh_fail(struct gh_error *err, enum gh_status status, const char *format, ...)
{
    if (err == NULL || err->status != GH_OK) {
        return status;
    }
    int saved_errno = errno;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    if (length < 0) {
        (void)snprintf(err->text, sizeof(err->text), "%s", gh_status_text(status));
    } else if ((size_t)length >= sizeof(err->text)) {
        drop_partial_character(err->text);
    }
    err->status = status;
    errno = saved_errno;
    return status;
}
