/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/certificate.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "cli/output.h"
#include "gatehouse/credential.h"
#include "gatehouse/file.h"

#define CSV_MAX_BYTES (64u << 20) /* the server takes no more (docs/protocol.md) */

static const char usage[] =
    "usage: gatehouse people import FILE.csv\n"
    "       gatehouse people list [--json]\n"
    "       gatehouse people status PERSON green|yellow|red\n"
    "       gatehouse people certificate PERSON TEXT...|-\n"
    "       gatehouse people certificate PERSON --remove\n"
    "\n"
    "The people whom the gates know. FILE.csv has the columns ref, name and status; a line whose\n"
    "ref is known already changes that person. It is taken whole or not at all.\n"
    "\n"
    "'certificate' says whose a foreign health certificate is (several TEXTs are the chunks of "
    "one;\n"
    "'-' reads them from standard input, one a line): the gates then know its holder as PERSON. "
    "The\n"
    "certificate itself is kept nowhere.\n"
    "\n"
    "PERSON is an identifier (16 hex digits) or a ref; 'ref:' before it where both are possible.\n";

/* --- import
 * --------------------------------------------------------------------------------------- */

/* The lines that the server refused, as a compiler would say it. */
static void print_problem_lines(const char *file, const json_t *problem)
{
    const json_t *line;
    size_t index;
    (void)fflush(stdout);
    json_array_foreach(json_object_get(problem, "lines"), index, line)
    {
        gh_put_plain(file, stderr);
        (void)fprintf(stderr, ":%lld: ", gh_json_number(line, "line"));
        gh_put_plain(gh_json_text(line, "reason"), stderr);
        (void)fputc('\n', stderr);
    }
}

static enum gh_status import_file(const char *file, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *answer = NULL;
    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;
    enum gh_status status = gh_file_read(file, CSV_MAX_BYTES, &data, &size, err);
    if (status == GH_OK) {
        status = gh_client_open(&client, err);
    }
    if (status != GH_OK) {
        return status;
    }
    struct gh_error why = {0};
    status = gh_client_send(&client, "POST", "/people/import", "text/csv",
                            (struct gh_bytes){data, size}, &answer, &why);
    if (status == GH_ERR_REFUSED && json_array_size(json_object_get(client.problem, "lines")) > 0) {
        print_problem_lines(file, client.problem);
        return gh_fail(err, status, "nothing was imported");
    }
    if (status != GH_OK) {
        return gh_fail(err, status, "%s", why.text);
    }
    (void)printf("%lld added, %lld updated, %lld unchanged\n", gh_json_number(answer, "added"),
                 gh_json_number(answer, "updated"), gh_json_number(answer, "unchanged"));
    return GH_OK;
}

static int run_import(int argc, char **argv)
{
    return gh_run_on_operand("people import", usage, argc, argv, import_file);
}

/* --- list
 * ----------------------------------------------------------------------------------------- */

static enum gh_status add_row(struct gh_table *table, const json_t *person)
{
    char homes[24];
    (void)snprintf(homes, sizeof(homes), "%zu", json_array_size(json_object_get(person, "homes")));
    const char *cells[] = {gh_json_text(person, "id"), gh_json_text(person, "ref"),
                           gh_json_text(person, "name"), gh_json_text(person, "status"), homes};
    return gh_table_add(table, cells);
}

static int run_list(int argc, char **argv)
{
    static const char *const headings[] = {"ID", "REF", "NAME", "STATUS", "HOMES"};
    static const struct gh_listing listing = {
        .command = "people list",
        .usage = usage,
        .path = "/people?limit=1000",
        .member = "people",
        .headings = headings,
        .columns = GH_ARRAY_SIZE(headings),
        .add_row = add_row,
    };
    return gh_listing_run(&listing, argc, argv);
}

/* --- status
 * --------------------------------------------------------------------------------------- */

static enum gh_status set_status(const char *word, enum gh_colour colour, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *person = NULL;
    char id[GH_ID_TEXT_BYTES];
    char path[64];
    enum gh_status status = gh_open_and_find(&client, gh_find_person, word, id, err);
    if (status != GH_OK) {
        return status;
    }
    (void)snprintf(path, sizeof(path), "/people/%s", id);
    status = gh_client_call(&client, "PATCH", path,
                            json_pack("{s:s}", "status", gh_colour_name(colour)), &person, err);
    if (status == GH_OK) {
        gh_say("%s (%s) is %s now.", gh_json_text(person, "name"), gh_json_text(person, "ref"),
               gh_json_text(person, "status"));
    }
    return status;
}

static int run_status(int argc, char **argv)
{
    const struct gh_syntax syntax = {"people status", usage, NULL, 0, 2, 2};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    enum gh_colour colour;
    if (gh_colour_parse(operands[1], &colour) != GH_OK || colour == GH_COLOUR_NONE) {
        return gh_misuse("people status", "'%s' is not green, yellow or red", operands[1]);
    }
    struct gh_error err = {0};
    return set_status(operands[0], colour, &err) == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}

static int run_certificate(int argc, char **argv)
{
    return gh_people_certificate(usage, argc, argv);
}

int gh_command_people(int argc, char **argv)
{
    static const struct gh_subcommand table[] = {{"import", run_import},
                                                 {"list", run_list},
                                                 {"status", run_status},
                                                 {"certificate", run_certificate}};
    return gh_subcommand_run("people", usage, table, GH_ARRAY_SIZE(table), argc, argv);
}
