/* SPDX-License-Identifier: Apache-2.0 */
/* `people certificate`: whose a foreign health certificate is. */
#include "cli/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "cli/output.h"
#include "gatehouse/code.h"

#define LINE_MAX_BYTES (GH_CODE_TEXT_MAX_BYTES + 3) /* CR, LF and NUL */

/* The texts, one a line; they are nobody else's business, so nothing of them stays here. */
static enum gh_status read_lines(json_t *codes, struct gh_error *err)
{
    char line[LINE_MAX_BYTES];
    enum gh_status status = GH_OK;
    while (status == GH_OK && fgets(line, sizeof(line), stdin) != NULL) {
        size_t size = strcspn(line, "\r\n");
        if (line[size] == 0 && size == sizeof(line) - 1) {
            status = gh_fail(err, GH_ERR_TOOBIG, "a line is longer than any QR code");
        }
        if (status == GH_OK && size > 0 &&
            json_array_append_new(codes, json_stringn(line, size)) != 0) {
            status = gh_fail(err, GH_ERR_INVALID, "what was given is not UTF-8 text");
        }
    }
    gh_wipe(line, sizeof(line));
    if (status == GH_OK && ferror(stdin)) {
        status = gh_fail(err, GH_ERR_IO, "cannot read standard input");
    }
    return status;
}

static enum gh_status gather(char **texts, int count, json_t *codes, struct gh_error *err)
{
    if (count == 1 && strcmp(texts[0], "-") == 0) {
        enum gh_status status = read_lines(codes, err);
        if (status == GH_OK && json_array_size(codes) == 0) {
            return gh_fail(err, GH_ERR_INVALID, "there is no certificate on standard input");
        }
        return status;
    }
    for (int i = 0; i < count; i++) {
        if (json_array_append_new(codes, json_string(texts[i])) != 0) {
            return gh_fail(err, GH_ERR_INVALID, "what was given is not UTF-8 text");
        }
    }
    return GH_OK;
}

static void say_what_it_is(const json_t *answer, const char *word)
{
    char facts[128] = "";
    struct gh_writer writer = gh_writer_over(facts, sizeof(facts) - 1);
    size_t index;
    const json_t *fact;
    json_array_foreach(json_object_get(answer, "facts"), index, fact)
    {
        gh_writer_put_text(&writer, index > 0 ? ", " : "");
        gh_writer_put_text(&writer, json_is_string(fact) ? json_string_value(fact) : "?");
    }
    gh_say("The holder of this certificate (%s of %s: %s) is %s now.", gh_json_text(answer, "kind"),
           gh_json_text(answer, "issuer"), facts, word);
}

/* codes: the reference is taken; NULL: remove what there is. */
static enum gh_status change(const char *word, json_t *codes, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    GH_CLEANUP_JSON json_t *answer = NULL;
    GH_CLEANUP_JSON json_t *body = codes != NULL ? json_pack("{s:o}", "codes", codes) : NULL;
    char id[GH_ID_TEXT_BYTES];
    char path[64];
    enum gh_status status = gh_open_and_find(&client, gh_find_person, word, id, err);
    if (status != GH_OK) {
        return status;
    }
    (void)snprintf(path, sizeof(path), "/people/%s/certificate", id);
    status = gh_client_call(&client, body != NULL ? "PUT" : "DELETE", path, json_incref(body),
                            &answer, err);
    if (status == GH_OK && body != NULL) {
        say_what_it_is(answer, word);
    } else if (status == GH_OK) {
        gh_say("No certificate belongs to %s any more.", word);
    }
    return status;
}

int gh_people_certificate(const char *usage, int argc, char **argv)
{
    bool remove = false;
    const struct gh_option options[] = {{.name = "remove", .flag = &remove}};
    const struct gh_syntax syntax = {"people certificate",   usage, options,
                                     GH_ARRAY_SIZE(options), 1,     1 + GH_PARTS_MAX};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    if (remove != (count == 1)) {
        return gh_misuse("people certificate",
                         remove ? "--remove takes no text" : "a text is missing, or --remove");
    }
    struct gh_error err = {0};
    json_t *codes = remove ? NULL : json_array();
    enum gh_status status = remove ? GH_OK : gather(operands + 1, count - 1, codes, &err);
    if (status == GH_OK) {
        status = change(operands[0], codes, &err);
    } else {
        json_decref(codes);
    }
    return status == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}
