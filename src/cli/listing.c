/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/listing.h"

#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "cli/output.h"

struct taking {
    const struct gh_listing *listing;
    bool json;
    struct gh_table table;
};

static enum gh_status take(void *context, const json_t *element, struct gh_error *err)
{
    struct taking *taking = context;
    if (taking->json) {
        gh_print_json(element);
        return GH_OK;
    }
    return taking->listing->add_row(&taking->table, element) == GH_OK
               ? GH_OK
               : gh_fail(err, GH_ERR_NOMEM, "no memory");
}

static enum gh_status print(struct taking *taking, const char *gate, struct gh_error *err)
{
    GH_CLEANUP_CLIENT struct gh_client client = {0};
    const struct gh_listing *listing = taking->listing;
    char path[GH_API_PATH_BYTES], id[GH_ID_TEXT_BYTES] = "";
    enum gh_status status = gh_client_open(&client, err);
    if (status == GH_OK && gate != NULL) {
        status = gh_find_gate(&client, gate, id, err);
    }
    const char *joint = strchr(listing->path, '?') != NULL ? "&gate=" : "?gate=";
    (void)snprintf(path, sizeof(path), "%s%s%s", listing->path, gate != NULL ? joint : "", id);
    if (status == GH_OK) {
        status = gh_each_page(&client, path, NULL, listing->member, take, taking, err);
    }
    if (status == GH_OK && !taking->json) {
        gh_table_print(&taking->table, stdout);
    }
    return status;
}

enum gh_status gh_listing_print(const struct gh_listing *listing, bool json, const char *gate,
                                struct gh_error *err)
{
    struct taking taking = {.listing = listing, .json = json};
    gh_table_init(&taking.table, listing->headings, listing->columns);
    enum gh_status status = print(&taking, gate, err);
    gh_table_free(&taking.table);
    return status;
}

int gh_listing_run(const struct gh_listing *listing, int argc, char **argv)
{
    bool json = false;
    const char *gate = NULL;
    const struct gh_option options[] = {{.name = "json", .flag = &json},
                                        {.name = "gate", .value = &gate}};
    const struct gh_syntax syntax = {
        listing->command, listing->usage, options, listing->by_gate ? 2 : 1, 0, 0};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    struct gh_error err = {0};
    return gh_listing_print(listing, json, gate, &err) == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}
