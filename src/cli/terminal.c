/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "gatehouse/crypto.h"
#include "gatehouse/file.h"

/* --- signals: while there is no echo, they are only noted
 * ----------------------------------------- */

static const int caught_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
#define SIGNAL_COUNT (sizeof(caught_signals) / sizeof(caught_signals[0]))

static volatile sig_atomic_t noted_signal;

static void note_signal(int number)
{
    noted_signal = number;
}

/* How things were before. */
struct signals {
    struct sigaction actions[SIGNAL_COUNT];
    sigset_t mask;
};

/* They are blocked as well, but for the moments of waiting: so none can slip in between a look at
 * noted_signal and the wait. */
static void catch_signals(struct signals *before)
{
    struct sigaction action = {.sa_handler = note_signal};
    sigset_t caught;
    sigemptyset(&action.sa_mask);
    sigemptyset(&caught);
    noted_signal = 0;
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        sigaddset(&caught, caught_signals[i]);
    }
    (void)pthread_sigmask(SIG_BLOCK, &caught, &before->mask);
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        sigaction(caught_signals[i], &action, &before->actions[i]);
        if (before->actions[i].sa_handler == SIG_IGN) { /* nohup and the like stay in force */
            sigaction(caught_signals[i], &before->actions[i], NULL);
        }
    }
}

static void release_signals(const struct signals *before)
{
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        sigaction(caught_signals[i], &before->actions[i], NULL);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before->mask, NULL);
}

/* --- the terminal
 * --------------------------------------------------------------------------------- */

/* One byte: 1, 0 at the end, -1 with errno. waiting: the signals blocked meanwhile. */
static ssize_t read_byte(int fd, const sigset_t *waiting, char *byte)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (waiting != NULL && ppoll(&wait, 1, NULL, waiting) < 0) {
        return -1;
    }
    return read(fd, byte, 1);
}

/* Read up to a line's end. GH_ERR_AGAIN: a signal was noted. What is too long is read, too: it must
 * not become the next command of the shell. */
static enum gh_status read_line(int fd, const sigset_t *waiting, char out[GH_PASSWORD_BYTES])
{
    size_t size = 0;
    bool too_long = false;
    for (;;) {
        char byte = 0;
        ssize_t got = read_byte(fd, waiting, &byte);
        if (got < 0 && errno == EINTR && noted_signal == 0) {
            continue;
        }
        if (got < 0) {
            return errno == EINTR ? GH_ERR_AGAIN : GH_ERR_IO;
        }
        if (got == 0 && size == 0) {
            return GH_ERR_END;
        }
        if (got == 0 || byte == '\n') {
            out[size] = 0;
            return too_long ? GH_ERR_TOOBIG : GH_OK;
        }
        if (size + 1 < GH_PASSWORD_BYTES) {
            out[size++] = byte;
        } else {
            too_long = true;
        }
    }
}

static void print_to(int fd, const char *text)
{
    ssize_t ignored = write(fd, text, strlen(text)); /* a prompt that cannot be shown is no harm */
    (void)ignored;
}

/* One try with the echo off. */
static enum gh_status ask_once(int fd, const char *prompt, char out[GH_PASSWORD_BYTES])
{
    struct signals before;
    struct termios usual;
    if (tcgetattr(fd, &usual) != 0) {
        return GH_ERR_IO;
    }
    struct termios silent = usual;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    catch_signals(&before);
    enum gh_status status = GH_ERR_IO;
    if (tcsetattr(fd, TCSAFLUSH, &silent) == 0) {
        print_to(fd, prompt);
        status = read_line(fd, &before.mask, out);
        print_to(fd, "\n");
        while (tcsetattr(fd, TCSAFLUSH, &usual) != 0 && errno == EINTR) {
        }
    }
    release_signals(&before);
    if (noted_signal != 0) {
        (void)raise(noted_signal); /* as if we had not been in between; for SIGTSTP it comes back */
        return GH_ERR_AGAIN;
    }
    return status;
}

enum gh_status gh_ask_password(const char *prompt, char out[GH_PASSWORD_BYTES],
                               struct gh_error *err)
{
    GH_CLEANUP_FD int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return gh_fail(err, GH_ERR_NOTFOUND,
                       "there is no terminal to ask for a password on: use --password-file and "
                       "--new-password-file");
    }
    enum gh_status status;
    do {
        status = ask_once(fd, prompt, out);
    } while (status == GH_ERR_AGAIN);
    if (status == GH_OK) {
        return GH_OK;
    }
    gh_wipe(out, GH_PASSWORD_BYTES);
    return gh_fail(err, status, "no password was given: %s", gh_status_text(status));
}

/* --- a file
 * --------------------------------------------------------------------------------------- */

enum gh_status gh_read_password(const char *path, char out[GH_PASSWORD_BYTES], struct gh_error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    GH_CLEANUP_FD int opened = is_stdin ? -1 : open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (!is_stdin && opened < 0) {
        return gh_fail(err, gh_status_from_errno(errno), "cannot open %.128s: %s", path,
                       strerrordesc_np(errno));
    }
    enum gh_status status = read_line(is_stdin ? STDIN_FILENO : opened, NULL, out);
    size_t size = status == GH_OK ? strlen(out) : 0;
    if (size > 0 && out[size - 1] == '\r') {
        out[--size] = 0;
    }
    if (status == GH_ERR_END || (status == GH_OK && size == 0)) {
        return gh_fail(err, GH_ERR_INVALID, "there is no password in %.128s", path);
    }
    if (status != GH_OK) {
        return gh_fail(err, status, "cannot read a password from %.128s: %s", path,
                       gh_status_text(status));
    }
    return GH_OK;
}
