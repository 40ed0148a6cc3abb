/* SPDX-License-Identifier: Apache-2.0 */
/* Running `gatehouse code` as main would, for its tests. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_CLI_CODE_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_CLI_CODE_FIXTURE_H

#include <jansson.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/code_commands.h"
#include "cli/commands.h"
#include "code_fixture.h"
#include "gatehouse/clock.h"
#include "gatehouse/file.h"

#define TRUST VECTORS "/trust"
#define AT "2020-03-01T01:00:00Z"

struct answer {
    int exit_code;
    char out[8192], err[8192];
};

static inline FILE *temporary(const void *data, size_t size)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    rewind(file);
    return file;
}

static inline void slurp(FILE *file, char out[8192])
{
    rewind(file);
    size_t size = fread(out, 1, 8191, file);
    out[size] = '\0';
    fclose(file);
}

/* The command in a process of its own, as main would call it; argv ends with NULL. */
static inline void run(const char *const *argv, const void *input, size_t input_size,
                       struct answer *out)
{
    FILE *in_file = temporary(input, input_size), *out_file = temporary("", 0),
         *err_file = temporary("", 0);
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(fileno(in_file), STDIN_FILENO);
        dup2(fileno(out_file), STDOUT_FILENO);
        dup2(fileno(err_file), STDERR_FILENO);
        int code = gh_command_code(argc, (char **)(uintptr_t)argv);
        fflush(NULL);
        _exit(code);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    out->exit_code = WEXITSTATUS(status);
    fclose(in_file);
    slurp(out_file, out->out);
    slurp(err_file, out->err);
}

#define RUN(ANSWER, ...)                                                                           \
    do {                                                                                           \
        const char *const arguments[] = {"code", __VA_ARGS__, NULL};                               \
        run(arguments, "", 0, ANSWER);                                                             \
    } while (0)

static inline json_t *parse(const struct answer *answer)
{
    json_error_t error;
    json_t *object = json_loads(answer->out, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(object);
    assert_int_equal(json_object_size(object), 4);
    assert_true(json_is_object(json_object_get(object, "claims")));
    return object;
}

static inline void assert_member(json_t *object, const char *name, const char *expected)
{
    const char *value = json_string_value(json_object_get(object, name));
    assert_non_null(value);
    assert_string_equal(value, expected);
}

#endif
