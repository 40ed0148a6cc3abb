/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c and reader_serial.c, over pseudo-terminals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include "fakes/serial_line.h"
#include "unit/reader_rig.h"

static int setup(void **state)
{
    (void)state;
    rig_setup(&gh_reader_serial);
    return 0;
}

/* Always by the same name. */
static void plug_in(void)
{
    unplug();
    scanner = serial_line_plug_in(path);
}

static void send_bytes(const void *bytes, size_t size)
{
    assert_int_equal(write(scanner, bytes, size), size);
}

static void send(const char *text)
{
    send_bytes(text, strlen(text));
}

static void test_reads(void **state)
{
    (void)state;

    plug_in();
    rig_open();
    send("GH1:ONE\r\n");
    rig_expect(1, 0);
    assert_string_equal(last_text, "GH1:ONE");
    send("GH1:TWO\rGH1:THREE\r");
    rig_expect(3, 0);
    assert_string_equal(last_text, "GH1:THREE");
}

/* Nothing is translated, echoed or taken for a signal; one program alone. */
static void test_line_is_raw(void **state)
{
    (void)state;
    struct termios line;
    int exclusive = 0;

    plug_in();
    options.scanner_baud = 9600;
    rig_open();
    assert_int_equal(tcgetattr(reader.fd, &line), 0);
    assert_int_equal(cfgetispeed(&line), B9600);
    assert_int_equal(cfgetospeed(&line), B9600);
    assert_int_equal(line.c_cflag & (CSIZE | PARENB | CSTOPB | CRTSCTS), CS8);
    assert_int_equal(line.c_lflag & (ICANON | ECHO | ISIG | IEXTEN), 0);
    assert_int_equal(line.c_iflag & (IXON | IXOFF | ICRNL | INLCR | IGNCR | ISTRIP | IGNPAR), 0);
    /* Damaged bytes come as NUL (termios(3)). */
    assert_int_equal(line.c_iflag & (INPCK | PARMRK), INPCK);
    assert_int_equal(ioctl(reader.fd, TIOCGEXCL, &exclusive), 0);
    assert_int_equal(exclusive, 1);
    assert_int_equal(fcntl(reader.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_true(tcgetsid(reader.fd) < 0); /* it did not become our terminal */
    send("\x03\x11\x13\x04 a\r");
    send("b\r");
    rig_expect(1, 1);
    assert_string_equal(last_text, "b");
    struct pollfd back = {.fd = scanner, .events = POLLIN};
    assert_int_equal(poll(&back, 1, 0), 0);
}

static void test_every_speed(void **state)
{
    (void)state;
    static const int64_t known[] = {1200,   2400,   4800,   9600,   19200,  38400, 57600,
                                    115200, 230400, 460800, 500000, 576000, 921600};
    static const int64_t unknown[] = {0, -9600, 1201, 14400, 128000, INT64_MAX};

    plug_in();
    for (size_t i = 0; i < GH_ARRAY_SIZE(known); i++) {
        char says[GH_READER_SAYS_BYTES], speed[32];
        options.scanner_baud = known[i];
        assert_true(gh_serial_baud_is_known(known[i]));
        assert_int_equal(gh_readers_check_scanner(&options, says, NULL), GH_OK);
        snprintf(speed, sizeof(speed), "%" PRId64 " baud", known[i]);
        assert_non_null(strstr(says, speed));
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(unknown); i++)
        assert_false(gh_serial_baud_is_known(unknown[i]));
    options.scanner_baud = 14400;
    rig_assert_trouble("14400 baud");
}

static void test_framings(void **state)
{
    (void)state;

    plug_in();
    options.scanner_framing = GH_FRAMING_STX_ETX;
    rig_open();
    send("~~\x02GH1:A\x03\r\n");
    rig_expect(1, 0);
    assert_string_equal(last_text, "GH1:A");
    gh_reader_close(&reader);
    plug_in();
    options.scanner_framing = GH_FRAMING_PAUSE;
    rig_open();
    send("GH1:B");
    while (reader.framer.size < 5)
        rig_listen();
    assert_true(reader.state.codes == 1);
    assert_true(gh_reader_deadline_ns(&reader) == now_ns + GH_FRAMING_PAUSE_MS * GH_NS_PER_MS);
    rig_pass_ms(GH_FRAMING_PAUSE_MS);
    rig_expect(2, 0);
    assert_string_equal(last_text, "GH1:B");
}

/* What was scanned while nobody listened opens nothing later. */
static void test_old_codes(void **state)
{
    (void)state;

    plug_in();
    rig_open();
    gh_reader_close(&reader);
    int other = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    assert_true(other >= 0); /* a line that nobody has open keeps nothing */
    send("GH1:OLD\r");
    struct pollfd old = {.fd = other, .events = POLLIN};
    assert_int_equal(poll(&old, 1, PATIENCE_MS), 1);
    rig_open();
    close(other);
    send("GH1:NEW\r");
    rig_expect(1, 0);
    assert_string_equal(last_text, "GH1:NEW");
}

static void test_half_a_code(void **state)
{
    (void)state;

    plug_in();
    rig_open();
    send("GH1:HAL");
    while (reader.framer.size < 7)
        rig_listen();
    rig_pass_ms(GH_FRAMING_CUT_MS - 1);
    assert_true(reader.state.rejected == 0);
    rig_pass_ms(1);
    assert_true(reader.state.rejected == 1);
    send("GH1:WHOLE\r");
    rig_expect(1, 1);
    assert_string_equal(last_text, "GH1:WHOLE");
}

static void test_unplugged(void **state)
{
    (void)state;

    plug_in();
    rig_open();
    send("GH1:ONE\rGH1:HA");
    while (reader.framer.size < 6)
        rig_listen();
    unplug();
    rig_expect_loss("was unplugged");
    assert_true(reader.state.codes == 1);
    assert_true(reader.state.rejected == 1); /* the half one */
    unlink(path);
    now_ns = gh_reader_deadline_ns(&reader);
    for (int i = 0; i < 5; i++)
        rig_assert_trouble("is not there");
    plug_in(); /* another device node, by the same name */
    rig_open();
    send("LF\rGH1:TWO\r");
    rig_expect(3, 1);
    assert_string_equal(last_text, "GH1:TWO");
    /* It does not become slower with each time. */
    unplug();
    rig_expect_loss("was unplugged");
    assert_true(gh_reader_deadline_ns(&reader) == now_ns + GH_READER_RETRY_MS * GH_NS_PER_MS);
}

/* A link that leads nowhere any more, and back. */
static void test_not_tried_before_its_time(void **state)
{
    (void)state;

    rig_assert_trouble("is not there");
    plug_in();
    now_ns -= 1;
    gh_reader_turn(&reader, 0, now_ns);
    assert_false(reader.state.open);
    rig_open();
}

static void test_no_serial_line(void **state)
{
    (void)state;
    struct gh_error err = {0};
    char says[GH_READER_SAYS_BYTES];

    assert_int_equal(symlink("/dev/null", path), 0);
    rig_assert_trouble("is no serial line");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* it would wait for ever for somebody to write */
    rig_assert_trouble("is no serial line");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(dir, path), 0);
    rig_assert_trouble("is no serial line");
    assert_int_equal(gh_readers_check_scanner(&options, says, &err), GH_ERR_UNSUPPORTED);
    assert_string_equal(says, "");
    err = (struct gh_error){0};
    assert_int_equal(unlink(path), 0);
    assert_int_equal(gh_readers_check_scanner(&options, says, &err), GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, path));
}

/* What somebody gets who is not root, for whom nothing is exclusive. */
static enum gh_status check_as_nobody(void)
{
    struct gh_error err = {0};
    char says[GH_READER_SAYS_BYTES];
    int status;

    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(GH_STATUS_COUNT);
        enum gh_status got = gh_readers_check_scanner(&options, says, &err);
        bool told = got == GH_OK || strstr(err.text, "another program") != NULL;
        _exit(told ? (int)got : GH_STATUS_COUNT);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return (enum gh_status)WEXITSTATUS(status);
}

static void test_busy(void **state)
{
    (void)state;
    char device[64];

    plug_in();
    snprintf(device, sizeof(device), "%s", ptsname(scanner));
    assert_int_equal(chmod(device, 0666), 0);
    options.scanner = reader.path = device; /* the folder is ours alone */
    assert_int_equal(check_as_nobody(), GH_OK);
    rig_open();
    assert_int_equal(check_as_nobody(), GH_ERR_BUSY);
    gh_reader_close(&reader);
}

/* A line without an end of noise, which looks like codes: some are handed on, and it is closed for
 * longer and longer. */
static void test_flood(void **state)
{
    (void)state;
    static char noise[2048];
    int64_t wait_ms = GH_READER_RETRY_MS;

    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = i % 8 == 7 ? '\r' : (char)('a' + i % 8);
    for (int round = 0; round < 7; round++) {
        uint64_t before = reader.state.codes;
        plug_in();
        rig_open();
        unsigned sent = 0;
        for (; reader.state.open; sent++) {
            assert_true(sent < 40); /* 64 KiB are enough */
            send_bytes(noise, sizeof(noise));
            while (reader.state.open && poll(&(struct pollfd){.fd = reader.fd, .events = POLLIN}, 1,
                                             sent > 30 ? 100 : 0) == 1)
                rig_listen();
        }
        assert_non_null(strstr(reader.state.trouble, "more than a scanner"));
        assert_true(reader.state.codes - before <= GH_READER_TEXTS_IN_A_ROW);
        wait_ms = wait_ms * 2 < GH_READER_RETRY_MAX_MS ? wait_ms * 2 : GH_READER_RETRY_MAX_MS;
        assert_true(gh_reader_deadline_ns(&reader) == now_ns + wait_ms * GH_NS_PER_MS);
    }
    /* When it has worked for a while it is trusted again. */
    plug_in();
    rig_open();
    rig_pass_ms(60000);
    unplug();
    rig_expect_loss("was unplugged");
    assert_true(gh_reader_deadline_ns(&reader) == now_ns + GH_READER_RETRY_MS * GH_NS_PER_MS);
}

/* Codes in a row, as a card in many chunks is scanned; then no more of them than people can show.
 */
static void test_texts_in_a_row(void **state)
{
    (void)state;
    uint64_t codes = GH_READER_TEXTS_IN_A_ROW;

    plug_in();
    rig_open();
    for (int i = 0; i < GH_READER_TEXTS_IN_A_ROW + 5; i++)
        send("GH1:X\r");
    rig_expect(codes, 5);
    now_ns += GH_READER_TEXT_EVERY_MS * GH_NS_PER_MS;
    send("GH1:Y\rGH1:Z\r");
    rig_expect(codes + 1, 6);
    assert_string_equal(last_text, "GH1:Y");
    now_ns += 60 * GH_NS_PER_S; /* what was not used is not saved up for ever */
    for (int i = 0; i < GH_READER_TEXTS_IN_A_ROW + 1; i++)
        send("GH1:X\r");
    rig_expect(2 * codes + 1, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_is_raw, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_speed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_framings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old_codes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_a_code, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unplugged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_tried_before_its_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_serial_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
        cmocka_unit_test_setup_teardown(test_texts_in_a_row, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
