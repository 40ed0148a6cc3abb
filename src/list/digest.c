/* SPDX-License-Identifier: Apache-2.0 */
/* A digest of everything that a generation holds, for comparing two lists. */
#include <stdlib.h>

#include "gatehouse/file.h"
#include "list/manifest.h"
#include "list/view.h"

/* Rows come by what names them, and are the same however they came there: first homes are the
 * least, and keys are kept in their order. */
static const struct {
    enum gh_record_kind kind;
    const char *sql;
} tables[] = {
    {GH_RECORD_HOME, "SELECT id FROM home ORDER BY id"},
    {GH_RECORD_SUBJECT, "SELECT id, state, home FROM subject ORDER BY id"},
    {GH_RECORD_FURTHER, "SELECT subject, home FROM further_home ORDER BY subject, home"},
    {GH_RECORD_REVOKED, "SELECT id FROM revoked ORDER BY id"},
    {GH_RECORD_RECALLED, "SELECT subject, before_s FROM recalled ORDER BY subject"},
    {GH_RECORD_HASH, "SELECT hash, before_s FROM revoked_hash ORDER BY hash"},
    {GH_RECORD_HOLDER, "SELECT id, subject FROM holder ORDER BY id"},
    {GH_RECORD_KEY, "SELECT record FROM issuer_key ORDER BY number"},
};

/* Each begins with its kind, and says how long it is: no two lists give the same bytes. */
static enum gh_status add_row(struct gh_sha256_context *context, enum gh_record_kind kind,
                              sqlite3_stmt *row)
{
    uint8_t bytes[2 * GH_DELTA_RECORD_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
    gh_cbor_put_uint(&writer, kind);
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        switch (sqlite3_column_type(row, i)) {
        case SQLITE_BLOB:
            gh_cbor_put_bytes(&writer, sqlite3_column_blob(row, i),
                              (size_t)sqlite3_column_bytes(row, i));
            break;
        case SQLITE_INTEGER:
            gh_cbor_put_int(&writer, sqlite3_column_int64(row, i));
            break;
        default: /* no home */
            gh_cbor_put_bool(&writer, false);
        }
    }
    gh_sha256_update(context, bytes, writer.size);
    return writer.overflow ? GH_ERR_CORRUPT : GH_OK;
}

static enum gh_status add_table(struct gh_list *list, struct gh_sha256_context *context,
                                enum gh_record_kind kind, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    enum gh_status status = GH_OK;
    int result = sqlite3_prepare_v2(list->db, sql, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        while (status == GH_OK && (result = sqlite3_step(statement)) == SQLITE_ROW) {
            status = add_row(context, kind, statement);
        }
    }
    if (status == GH_OK && result != SQLITE_DONE) {
        status = gh_list_sqlite_status(list->db, result, false);
    }
    sqlite3_finalize(statement);
    return status;
}

static enum gh_status add_rules(const struct gh_list *list, struct gh_sha256_context *context)
{
    GH_CLEANUP_FREE uint8_t *rules = malloc(GH_MANIFEST_MAX_BYTES);
    if (rules == NULL) {
        return GH_ERR_NOMEM;
    }
    struct gh_writer writer = gh_writer_over(rules, GH_MANIFEST_MAX_BYTES);
    gh_cbor_put_uint(&writer, list->manifest.generation);
    gh_cbor_put_bytes(&writer, list->manifest.tag, GH_LIST_TAG_BYTES);
    gh_manifest_put_rules(&writer, &list->manifest);
    gh_sha256_update(context, rules, writer.size);
    gh_wipe(rules, writer.size); /* the holders' secret */
    return writer.overflow ? GH_ERR_CORRUPT : GH_OK;
}

static enum gh_status add_all(struct gh_list *list, struct gh_sha256_context *context)
{
    enum gh_status status = gh_list_begin(list);
    if (status == GH_OK) {
        status = add_rules(list, context);
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(tables) && status == GH_OK; i++) {
        status = add_table(list, context, tables[i].kind, tables[i].sql);
    }
    gh_list_end(list);
    return gh_list_look_up_status(status);
}

enum gh_status gh_list_digest(struct gh_list *list, uint8_t out[GH_SHA256_BYTES])
{
    struct gh_sha256_context *context;
    enum gh_status status = gh_sha256_new(&context);
    if (status != GH_OK) {
        return status;
    }
    status = add_all(list, context);
    gh_sha256_finish(context, out);
    return status;
}
