/* SPDX-License-Identifier: Apache-2.0 */
/* docs/openapi.yaml names every route of the server, and no other, and whom each is for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "server/request.h"

#define PATHS_MAX 64

static struct {
    char form[160]; /* `GET /path/#` */
    unsigned who;
    bool who_is_said;
} described[PATHS_MAX];
static size_t described_count;

/* Every parameter is a `#`. */
static void normal_form(const char *method, const char *path, char out[160])
{
    size_t size = (size_t)snprintf(out, 16, "%s ", method);
    for (; *path != '\0' && size < 158; path++) {
        if (*path == '{') {
            out[size++] = '#';
            path = strchr(path, '}');
        } else {
            out[size++] = *path == '*' ? '#' : *path;
        }
    }
    out[size] = '\0';
}

/* Whom the method that was read last is for: `security`, or the beginning of its description. */
static void read_who(const char *line)
{
    static const struct {
        const char *word;
        unsigned who;
    } words[] = {
        {"dmin", GH_WHO_ADMIN}, {"andlord", GH_WHO_LANDLORD}, {"nspector", GH_WHO_INSPECTOR}};
    const char *text = line + strspn(line, " ");
    if (strncmp(text, "description: ", 13) == 0)
        text += 13;
    bool people = strncmp(text, "For admins", 10) == 0 || strncmp(text, "Admins", 6) == 0;
    bool gates = strcmp(text, "- gate: []") == 0;
    if (described_count == 0 || (!people && !gates && strcmp(text, "security: []") != 0))
        return;
    size_t last = described_count - 1, size = strcspn(text, ".;");
    described[last].who_is_said = true;
    described[last].who |= gates ? GH_WHO_GATE : 0;
    for (size_t i = 0; people && i < GH_ARRAY_SIZE(words); i++)
        if (memmem(text, size, words[i].word, strlen(words[i].word)) != NULL)
            described[last].who |= words[i].who;
}

/* Paths stand two spaces deep, their methods four. */
static int read_file(void **state)
{
    static const char *const methods[] = {"get", "post", "put", "patch", "delete"};
    char line[512], path[128] = "";
    (void)state;
    FILE *file = fopen("docs/openapi.yaml", "r");
    if (file == NULL)
        return 0; /* not run from the tree: the tests skip */
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        size_t size = strlen(line);
        if (strncmp(line, "  /", 3) == 0 && line[size - 1] == ':')
            snprintf(path, sizeof(path), "%.*s", (int)(size - 3), line + 2);
        for (size_t i = 0; i < 5; i++) {
            char wanted[16], method[16];
            snprintf(wanted, sizeof(wanted), "    %s:", methods[i]);
            if (strcmp(line, wanted) != 0 || described_count == PATHS_MAX)
                continue;
            for (size_t j = 0; j <= strlen(methods[i]); j++)
                method[j] = (char)toupper((unsigned char)methods[i][j]);
            normal_form(method, path, described[described_count++].form);
        }
        read_who(line);
    }
    return fclose(file);
}

static void test_every_route_is_described(void **state)
{
    (void)state;
    if (described_count == 0)
        skip();
    size_t routes = 0;
    for (const struct gh_route *route = gh_routes(); route->method != NULL; route++, routes++) {
        char form[160];
        size_t i = 0;
        normal_form(route->method, route->pattern, form);
        while (i < described_count && strcmp(described[i].form, form) != 0)
            i++;
        if (i == described_count)
            fail_msg("docs/openapi.yaml lacks %s", form);
        if (!described[i].who_is_said || described[i].who != route->who)
            fail_msg("%s is for others than docs/openapi.yaml says", form);
    }
    assert_int_equal(described_count, routes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_route_is_described)};
    return cmocka_run_group_tests(tests, read_file, NULL);
}
