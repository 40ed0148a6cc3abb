/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers, each for one route of the table in routes.c. */
#ifndef GATEHOUSE_SRC_SERVER_API_H
#define GATEHOUSE_SRC_SERVER_API_H

#include "server/request.h"

/* api_login.c */
void gh_api_login(struct gh_request *request);
void gh_api_user_add(struct gh_request *request);
/* api_people.c */
void gh_api_people_import(struct gh_request *request);
void gh_api_people_get(struct gh_request *request);
void gh_api_person_change(struct gh_request *request);
void gh_api_health_code(struct gh_request *request);
void gh_api_credential_revoke(struct gh_request *request);
void gh_api_codes_recall(struct gh_request *request);
/* api_certificate.c */
void gh_api_certificate_put(struct gh_request *request);
void gh_api_certificate_drop(struct gh_request *request);
/* api_keys.c */
void gh_api_key_add(struct gh_request *request);
void gh_api_keys_get(struct gh_request *request);
void gh_api_key_revoke(struct gh_request *request);
/* api_trust.c */
void gh_api_trust_add(struct gh_request *request);
void gh_api_trust_get(struct gh_request *request);
void gh_api_trust_drop(struct gh_request *request);
/* api_revocations.c */
void gh_api_revocations_add(struct gh_request *request);
/* api_homes.c */
void gh_api_home_add(struct gh_request *request);
void gh_api_homes_get(struct gh_request *request);
void gh_api_home_inspect(struct gh_request *request);
void gh_api_home_approve(struct gh_request *request);
void gh_api_home_code(struct gh_request *request);
void gh_api_member_put(struct gh_request *request);
void gh_api_member_drop(struct gh_request *request);
/* api_gates.c */
void gh_api_gate_add(struct gh_request *request);
void gh_api_gates_get(struct gh_request *request);
void gh_api_gate_shut_out(struct gh_request *request);
void gh_api_enrol(struct gh_request *request);
/* api_list.c */
void gh_api_list(struct gh_request *request);
void gh_api_list_snapshot(struct gh_request *request);
/* api_news.c */
void gh_api_news(struct gh_request *request);
void gh_api_sound(struct gh_request *request);
/* api_announcements.c */
void gh_api_announce(struct gh_request *request);
void gh_api_announcements_get(struct gh_request *request);
void gh_api_announcement_cancel(struct gh_request *request);
/* api_entries.c */
void gh_api_entries_post(struct gh_request *request);
void gh_api_entries_get(struct gh_request *request);
/* api_alarms.c */
void gh_api_alarms_get(struct gh_request *request);
void gh_api_refused_get(struct gh_request *request);
void gh_api_chain_get(struct gh_request *request);
/* api_verify.c */
void gh_api_verify(struct gh_request *request);
/* api_pages.c */
void gh_api_healthz(struct gh_request *request);
void gh_api_metrics(struct gh_request *request);
void gh_api_home_page(struct gh_request *request);

#endif
