/* SPDX-License-Identifier: Apache-2.0 */
/* One error idiom everywhere: a status that must be looked at, and, where a person will read it,
 * a struct gh_error with one clear sentence. */
#ifndef GATEHOUSE_STATUS_H
#define GATEHOUSE_STATUS_H

#define GH_MUST_CHECK __attribute__((warn_unused_result))
#define GH_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum gh_status {
    GH_OK = 0,
    GH_ERR_NOMEM,       /* no memory */
    GH_ERR_INVALID,     /* the caller's argument or the input's form is wrong */
    GH_ERR_IO,          /* reading or writing failed */
    GH_ERR_NOSPACE,     /* no room left on the device, or over quota */
    GH_ERR_READONLY,    /* the file system is read-only, or permission is missing to write */
    GH_ERR_NOTFOUND,    /* no such file, row or device */
    GH_ERR_EXISTS,      /* it is there already */
    GH_ERR_CORRUPT,     /* stored or received bytes contradict themselves */
    GH_ERR_TRUNCATED,   /* the input ends too early */
    GH_ERR_TOOBIG,      /* over a limit that this interface states */
    GH_ERR_UNSUPPORTED, /* well formed, but not something this build does */
    GH_ERR_SIGNATURE,   /* a signature does not verify, or its key is not trusted */
    GH_ERR_ROLLBACK,    /* older than what is already known */
    GH_ERR_BUSY,        /* somebody else holds it */
    GH_ERR_TIMEOUT,     /* a deadline passed */
    GH_ERR_NETWORK,     /* the peer cannot be reached or broke off */
    GH_ERR_REFUSED,     /* the peer answered, and the answer is no */
    GH_ERR_DENIED,      /* permission denied */
    GH_ERR_GONE,        /* a device was unplugged */
    GH_ERR_AGAIN,       /* nothing there yet; call again */
    GH_ERR_END,         /* nothing more will come */
    GH_ERR_TRAILING,    /* bytes follow where the input should have ended */
    GH_ERR_RANGE,       /* a number outside what it may be, or not a number */
    GH_STATUS_COUNT
};

/* A short text in plain English, never NULL, static lifetime; for a value outside the enum,
 * "unknown status". */
const char *gh_status_text(enum gh_status status);

/* The status that stands for an errno value; GH_ERR_IO for those without a better one; 0 gives
 * GH_OK. */
enum gh_status gh_status_from_errno(int err);

#define GH_ERROR_TEXT_BYTES 256

/* What went wrong, for a person. The caller owns it (usually on its stack); callees fill it once:
 * the first error is kept while unwinding. */
struct gh_error {
    enum gh_status status;
    char text[GH_ERROR_TEXT_BYTES]; /* one sentence without a full stop, NUL-terminated, cut if
                                       longer */
};

/* Set *err (if not NULL and still GH_OK) and return status, so that `return gh_fail(err, ...)`
 * reads well. */
enum gh_status gh_fail(struct gh_error *err, enum gh_status status, const char *format, ...)
    GH_PRINTF(3, 4);

#endif
