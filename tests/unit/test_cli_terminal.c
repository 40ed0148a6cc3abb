/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords asked for on a real (pseudo) terminal, by a child process. */
#include "cli/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MS 10000

struct asker {
    pid_t pid;
    int terminal; /* our side */
    char screen[1024];
    size_t size;
};

/* In the child: ask, say on the terminal what was understood. */
static void ask(void)
{
    char password[GH_PASSWORD_BYTES];
    struct gh_error err = {0};
    enum gh_status status = gh_ask_password("Password: ", password, &err);
    printf("[%d:%s]\n", (int)status, status == GH_OK ? password : err.text);
    fflush(stdout);
    _exit(status == GH_OK ? 0 : 3);
}

static struct asker start(void)
{
    struct asker asker = {.terminal = -1};
    asker.pid = forkpty(&asker.terminal, NULL, NULL, NULL);
    if (asker.pid < 0) {
        print_message("there are no pseudo-terminals here\n");
        skip();
    }
    if (asker.pid == 0) {
        ask();
    }
    return asker;
}

/* Read the screen until it shows text; false at the deadline or when the other side is gone. */
static bool shows(struct asker *asker, const char *text)
{
    while (strstr(asker->screen, text) == NULL) {
        struct pollfd wait = {.fd = asker->terminal, .events = POLLIN};
        if (poll(&wait, 1, DEADLINE_MS) <= 0) {
            return false;
        }
        ssize_t got = read(asker->terminal, asker->screen + asker->size,
                           sizeof(asker->screen) - 1 - asker->size);
        if (got <= 0) {
            return false;
        }
        asker->size += (size_t)got;
        asker->screen[asker->size] = 0;
    }
    return true;
}

static void type(const struct asker *asker, const char *text)
{
    assert_int_equal(write(asker->terminal, text, strlen(text)), strlen(text));
}

static bool echoes(const struct asker *asker)
{
    struct termios now;
    assert_int_equal(tcgetattr(asker->terminal, &now), 0);
    return (now.c_lflag & ECHO) != 0;
}

static int end(struct asker *asker)
{
    int status = 0;
    assert_int_equal(waitpid(asker->pid, &status, 0), asker->pid);
    close(asker->terminal);
    return status;
}

static void a_password_is_not_shown(void **state)
{
    (void)state;
    struct asker asker = start();
    assert_true(shows(&asker, "Password: "));
    assert_false(echoes(&asker));
    type(&asker, "s3cret pass\n");
    assert_true(shows(&asker, "[0:s3cret pass]")); /* the child's own word */
    assert_true(echoes(&asker));
    assert_ptr_equal(strstr(asker.screen, "s3cret"), strstr(asker.screen, "[0:") + 3);
    assert_int_equal(end(&asker), 0);
}

static void a_closed_terminal_is_no_password(void **state)
{
    (void)state;
    struct asker asker = start();
    assert_true(shows(&asker, "Password: "));
    type(&asker, "\x04"); /* ^D */
    assert_true(shows(&asker, "no password was given"));
    assert_true(echoes(&asker));
    end(&asker);
}

static void what_is_too_long_is_refused_whole(void **state)
{
    (void)state;
    struct asker asker = start();
    assert_true(shows(&asker, "Password: "));
    char much[1500];
    memset(much, 'x', sizeof(much));
    much[sizeof(much) - 2] = '\n';
    much[sizeof(much) - 1] = 0;
    type(&asker, much);
    assert_true(shows(&asker, "no password was given"));
    end(&asker);
}

static void a_signal_is_obeyed_and_the_echo_comes_back(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct asker asker = start();
        /* Our own hold on the terminal, so that its settings outlive the child. */
        int slave = open(ptsname(asker.terminal), O_RDWR | O_NOCTTY);
        assert_true(slave >= 0);
        assert_true(shows(&asker, "Password: "));
        assert_false(echoes(&asker));
        type(&asker, "half");
        kill(asker.pid, signals[i]);
        int status = 0;
        assert_int_equal(waitpid(asker.pid, &status, 0), asker.pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signals[i]);
        assert_true(echoes(&asker));
        close(slave);
        close(asker.terminal);
    }
}

static void after_a_pause_it_asks_again(void **state)
{
    (void)state;
    struct asker asker = start();
    assert_true(shows(&asker, "Password: "));
    /* The child leads its session: the kernel passes over a stop that nobody could undo, so it goes
     * on at once. */
    asker.screen[0] = 0;
    asker.size = 0;
    kill(asker.pid, SIGTSTP);
    assert_true(shows(&asker, "Password: "));
    assert_false(echoes(&asker));
    type(&asker, "again\n");
    assert_true(shows(&asker, "[0:again]"));
    end(&asker);
}

static void without_a_terminal_it_says_so(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char password[GH_PASSWORD_BYTES];
        struct gh_error err = {0};
        setsid(); /* leave the terminal, if the tests have one */
        enum gh_status status = gh_ask_password("", password, &err);
        _exit(status == GH_ERR_NOTFOUND && strstr(err.text, "--password-file") != NULL ? 0 : 1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

/* --- files
 * ---------------------------------------------------------------------------------------- */

static void expect_file(const char *content, enum gh_status expected, const char *password)
{
    char path[] = "/tmp/gh-password-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    char out[GH_PASSWORD_BYTES];
    assert_int_equal(gh_read_password(path, out, NULL), expected);
    if (expected == GH_OK) {
        assert_string_equal(out, password);
    }
    unlink(path);
}

static void the_first_line_of_a_file(void **state)
{
    (void)state;
    expect_file("one two\nthree\n", GH_OK, "one two");
    expect_file("no end", GH_OK, "no end");
    expect_file("windows\r\n", GH_OK, "windows");
    expect_file("", GH_ERR_INVALID, NULL);
    expect_file("\nsecond\n", GH_ERR_INVALID, NULL);
    expect_file("\r\n", GH_ERR_INVALID, NULL);
    char out[GH_PASSWORD_BYTES];
    struct gh_error err = {0};
    assert_int_equal(gh_read_password("/nowhere/at/all", out, &err), GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_is_not_shown),
        cmocka_unit_test(a_closed_terminal_is_no_password),
        cmocka_unit_test(what_is_too_long_is_refused_whole),
        cmocka_unit_test(a_signal_is_obeyed_and_the_echo_comes_back),
        cmocka_unit_test(after_a_pause_it_asks_again),
        cmocka_unit_test(without_a_terminal_it_says_so),
        cmocka_unit_test(the_first_line_of_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
