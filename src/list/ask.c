/* SPDX-License-Identifier: Apache-2.0 */
/* What the list says about what was shown. */
#include "list/database.h"

static const char *const queries[GH_LIST_QUERIES] = {
    [GH_LIST_SUBJECT] = "SELECT colour FROM subject WHERE id = ?1",
    [GH_LIST_HAS_HOME] = ("SELECT 1 FROM member JOIN home ON home.id = member.home"
                          " WHERE member.subject = ?1 LIMIT 1"),
    [GH_LIST_HOME] = "SELECT 1 FROM home WHERE id = ?1",
    [GH_LIST_MEMBER] = "SELECT 1 FROM member WHERE subject = ?1 AND home = ?2",
    [GH_LIST_REVOKED] = "SELECT 1 FROM revoked WHERE id = ?1",
    [GH_LIST_RECALLED] = "SELECT before_s FROM recalled WHERE subject = ?1",
    [GH_LIST_HASH] = "SELECT before_s FROM revoked_hash WHERE hash = ?1",
    [GH_LIST_HOLDER] = "SELECT subject FROM holder WHERE id = ?1",
};

enum gh_status gh_list_prepare_queries(struct gh_list *list, const char *path, struct gh_error *err)
{
    enum gh_status status = GH_OK;
    for (size_t i = 0; i < GH_LIST_QUERIES && status == GH_OK; i++) {
        status = gh_list_prepare(list, queries[i], &list->query[i], path, err);
    }
    return status;
}

/* One row's first column; *found says whether there is a row. bound: what binding came to. */
static enum gh_status step(struct gh_list *list, sqlite3_stmt *statement, int bound, bool *found,
                           int64_t *value)
{
    *found = false;
    int result = bound == SQLITE_OK ? sqlite3_step(statement) : bound;
    if (result == SQLITE_ROW) {
        *found = true;
        *value = sqlite3_column_int64(statement, 0);
    }
    sqlite3_reset(statement);
    return result == SQLITE_ROW || result == SQLITE_DONE
               ? GH_OK
               : gh_list_sqlite_status(list->db, result, false);
}

/* Identifiers are kept as the signed numbers of the same bits. */
static enum gh_status look_up(struct gh_list *list, enum gh_list_query which, gh_id first,
                              gh_id second, bool *found, int64_t *value)
{
    sqlite3_stmt *statement = list->query[which];
    int result = sqlite3_bind_int64(statement, 1, (sqlite3_int64)first);
    if (result == SQLITE_OK && sqlite3_bind_parameter_count(statement) > 1) {
        result = sqlite3_bind_int64(statement, 2, (sqlite3_int64)second);
    }
    return step(list, statement, result, found, value);
}

static enum gh_status is_there(struct gh_list *list, enum gh_list_query which, gh_id first,
                               gh_id second, bool *found)
{
    int64_t ignored;
    return look_up(list, which, first, second, found, &ignored);
}

/* --- whom it is about --------------------------------------------------------------------------
 */

/* Our own codes name persons; a certificate, and what the authority answers, a keyed hash. */
static bool names_a_person(const struct gh_credential *health)
{
    return !gh_kind_is_certificate(health->kind) && !health->upstream;
}

/* A certificate's holder is a person of the list only if the list says so: a keyed hash by itself
 * is nobody's identifier. *listed: answers->subject may be looked up. */
static enum gh_status find_subject(struct gh_list *list, const struct gh_credential *health,
                                   struct gh_answers *answers, bool *listed)
{
    answers->subject = health->subject;
    *listed = true;
    if (names_a_person(health)) {
        return GH_OK;
    }
    int64_t subject = 0;
    enum gh_status status = look_up(list, GH_LIST_HOLDER, health->subject, 0, listed, &subject);
    if (status == GH_OK && *listed) {
        if (subject == 0) {
            return GH_ERR_CORRUPT;
        }
        answers->subject = (gh_id)subject;
    }
    return status;
}

static enum gh_status ask_subject(struct gh_list *list, struct gh_answers *answers)
{
    int64_t colour = GH_COLOUR_NONE;
    enum gh_status status =
        look_up(list, GH_LIST_SUBJECT, answers->subject, 0, &answers->subject_known, &colour);
    if (status == GH_OK && answers->subject_known) {
        if (colour < GH_COLOUR_GREEN || colour > GH_COLOUR_RED) {
            return GH_ERR_CORRUPT;
        }
        answers->subject_colour = (enum gh_colour)colour;
    }
    if (status == GH_OK) {
        status = is_there(list, GH_LIST_HAS_HOME, answers->subject, 0, &answers->subject_has_home);
    }
    return status;
}

/* --- what was revoked --------------------------------------------------------------------------
 */

/* The person's codes of our own, which are issued anew. A certificate is not ours to issue again,
 * and no worse for a lost phone. */
static enum gh_status ask_recalled(struct gh_list *list, const struct gh_credential *health,
                                   bool *revoked)
{
    bool found = false;
    int64_t before_s = 0;
    enum gh_status status = look_up(list, GH_LIST_RECALLED, health->subject, 0, &found, &before_s);
    *revoked = *revoked || (found && health->issued_at_s < before_s);
    return status;
}

static enum gh_status ask_hash(struct gh_list *list, const uint8_t hash[GH_REVOCATION_BYTES],
                               int64_t issued_at_s, bool *revoked)
{
    bool found = false;
    int64_t before_s = 0;
    sqlite3_stmt *statement = list->query[GH_LIST_HASH];
    int result = sqlite3_bind_blob(statement, 1, hash, GH_REVOCATION_BYTES, SQLITE_STATIC);
    enum gh_status status = step(list, statement, result, &found, &before_s);
    sqlite3_clear_bindings(statement);
    *revoked = *revoked || (found && (before_s == INT64_MAX || issued_at_s < before_s));
    return status;
}

static enum gh_status ask_revoked(struct gh_list *list, const struct gh_credential *health,
                                  bool *revoked)
{
    enum gh_status status = is_there(list, GH_LIST_REVOKED, health->id, 0, revoked);
    if (status == GH_OK && names_a_person(health)) {
        status = ask_recalled(list, health, revoked);
    }
    for (size_t i = 0; i < health->revocation_count && i < GH_REVOCATIONS_MAX && status == GH_OK;
         i++) {
        status = ask_hash(list, health->revocations[i], health->issued_at_s, revoked);
    }
    return status;
}

/* --- all together ------------------------------------------------------------------------------
 */

static enum gh_status ask_health(struct gh_list *list, const struct gh_credential *health,
                                 const struct gh_credential *housing, struct gh_answers *answers)
{
    bool listed;
    enum gh_status status = find_subject(list, health, answers, &listed);
    if (status == GH_OK && listed) {
        status = ask_subject(list, answers);
    }
    if (status == GH_OK && listed && housing != NULL) {
        status = is_there(list, GH_LIST_MEMBER, answers->subject, housing->home, &answers->member);
    }
    if (status == GH_OK) {
        status = ask_revoked(list, health, &answers->health_revoked);
    }
    return status;
}

static enum gh_status ask_housing(struct gh_list *list, const struct gh_credential *housing,
                                  struct gh_answers *answers)
{
    enum gh_status status = is_there(list, GH_LIST_HOME, housing->home, 0, &answers->home_approved);
    if (status == GH_OK) {
        status = is_there(list, GH_LIST_REVOKED, housing->id, 0, &answers->housing_revoked);
    }
    return status;
}

enum gh_status gh_list_ask(struct gh_list *list, const struct gh_credential *health,
                           const struct gh_credential *housing, struct gh_answers *out)
{
    *out = (struct gh_answers){.subject = health != NULL ? health->subject : 0};
    if (list == NULL) {
        return GH_OK;
    }
    struct gh_answers answers = {
        .have_list = true,
        .issued_at_s = list->manifest.issued_at_s,
        .generation = list->manifest.generation,
    };
    enum gh_status status = GH_OK;
    if (health != NULL) {
        status = ask_health(list, health, housing, &answers);
    }
    if (status == GH_OK && housing != NULL) {
        status = ask_housing(list, housing, &answers);
    }
    if (status == GH_OK) {
        *out = answers;
    }
    return status == GH_OK || status == GH_ERR_CORRUPT || status == GH_ERR_NOMEM ? status
                                                                                 : GH_ERR_IO;
}
