/* SPDX-License-Identifier: Apache-2.0 */
/* What the list says about what was shown. */
#include "list/view.h"

/* Steps a statement that gives at most one row. bound: what binding came to. A row stays until the
 * statement is reset. */
static enum gh_status step(struct gh_list *list, sqlite3_stmt *statement, int bound, bool *found)
{
    int result = bound == SQLITE_OK ? sqlite3_step(statement) : bound;
    *found = result == SQLITE_ROW;
    return result == SQLITE_ROW || result == SQLITE_DONE
               ? GH_OK
               : gh_list_sqlite_status(list->db, result, false);
}

/* One row's first column; *found says whether there is a row. */
static enum gh_status look_up(struct gh_list *list, enum gh_list_query which, gh_id id, bool *found,
                              int64_t *value)
{
    sqlite3_stmt *statement = list->query[which];
    int bound = sqlite3_bind_int64(statement, 1, gh_list_from_id(id));
    enum gh_status status = step(list, statement, bound, found);
    *value = *found ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return status;
}

static enum gh_status is_there(struct gh_list *list, enum gh_list_query which, gh_id id,
                               bool *found)
{
    int64_t ignored;
    return look_up(list, which, id, found, &ignored);
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
    int64_t subject;
    enum gh_status status = look_up(list, GH_LIST_HOLDER, health->subject, listed, &subject);
    if (status == GH_OK && *listed) {
        answers->subject = gh_list_to_id(subject);
    }
    return status == GH_OK && answers->subject == 0 && *listed ? GH_ERR_CORRUPT : status;
}

static enum gh_status ask_further(struct gh_list *list, gh_id subject, gh_id home, bool *member)
{
    sqlite3_stmt *statement = list->query[GH_LIST_FURTHER];
    int bound = sqlite3_bind_int64(statement, 1, gh_list_from_id(subject));
    if (bound == SQLITE_OK) {
        bound = sqlite3_bind_int64(statement, 2, gh_list_from_id(home));
    }
    enum gh_status status = step(list, statement, bound, member);
    sqlite3_reset(statement);
    return status;
}

/* The one row that says nearly everything. *more: there are further homes. */
static enum gh_status read_subject(struct gh_list *list, gh_id home, struct gh_answers *answers,
                                   bool *more)
{
    sqlite3_stmt *statement = list->query[GH_LIST_SUBJECT];
    int bound = sqlite3_bind_int64(statement, 1, gh_list_from_id(answers->subject));
    enum gh_status status = step(list, statement, bound, &answers->subject_known);
    *more = false;
    if (status == GH_OK && answers->subject_known) {
        int state = sqlite3_column_int(statement, 0);
        answers->subject_colour = (enum gh_colour)(state & GH_LIST_COLOUR);
        answers->subject_has_home = sqlite3_column_type(statement, 1) != SQLITE_NULL;
        answers->member = answers->subject_has_home && home != 0 &&
                          sqlite3_column_int64(statement, 1) == gh_list_from_id(home);
        *more = (state & GH_LIST_MORE_HOMES) != 0;
        if (state < GH_COLOUR_GREEN || state > (GH_LIST_COLOUR | GH_LIST_MORE_HOMES) ||
            answers->subject_colour == GH_COLOUR_NONE) {
            status = GH_ERR_CORRUPT;
        }
    }
    sqlite3_reset(statement);
    return status;
}

/* home: of the housing code; 0: none was shown. */
static enum gh_status ask_subject(struct gh_list *list, gh_id home, struct gh_answers *answers)
{
    bool more;
    enum gh_status status = read_subject(list, home, answers, &more);
    if (status == GH_OK && more && home != 0 && !answers->member) {
        status = ask_further(list, answers->subject, home, &answers->member);
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
    enum gh_status status = look_up(list, GH_LIST_RECALLED, health->subject, &found, &before_s);
    *revoked = *revoked || (found && health->issued_at_s < before_s);
    return status;
}

static enum gh_status ask_hash(struct gh_list *list, const uint8_t hash[GH_REVOCATION_BYTES],
                               int64_t issued_at_s, bool *revoked)
{
    bool found = false;
    sqlite3_stmt *statement = list->query[GH_LIST_HASH];
    int bound = sqlite3_bind_blob(statement, 1, hash, GH_REVOCATION_BYTES, SQLITE_STATIC);
    enum gh_status status = step(list, statement, bound, &found);
    int64_t before_s = found ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    *revoked = *revoked || (found && (before_s == INT64_MAX || issued_at_s < before_s));
    return status;
}

static enum gh_status ask_revoked(struct gh_list *list, const struct gh_credential *health,
                                  bool *revoked)
{
    enum gh_status status = is_there(list, GH_LIST_REVOKED, health->id, revoked);
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
        status = ask_subject(list, housing != NULL ? housing->home : 0, answers);
    }
    if (status == GH_OK) {
        status = ask_revoked(list, health, &answers->health_revoked);
    }
    return status;
}

static enum gh_status ask_housing(struct gh_list *list, const struct gh_credential *housing,
                                  struct gh_answers *answers)
{
    enum gh_status status = is_there(list, GH_LIST_HOME, housing->home, &answers->home_approved);
    if (status == GH_OK) {
        status = is_there(list, GH_LIST_REVOKED, housing->id, &answers->housing_revoked);
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
    enum gh_status status = gh_list_begin(list);
    if (status == GH_OK && health != NULL) {
        status = ask_health(list, health, housing, &answers);
    }
    if (status == GH_OK && housing != NULL) {
        status = ask_housing(list, housing, &answers);
    }
    gh_list_end(list);
    if (status == GH_OK) {
        *out = answers;
    }
    return gh_list_look_up_status(status);
}
