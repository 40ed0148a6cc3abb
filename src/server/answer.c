/* SPDX-License-Identifier: Apache-2.0 */
#include "server/answer.h"

#include <microhttpd.h>
#include <stdlib.h>

#include "server/request.h"

enum gh_status gh_answer_new(const char *type, uint8_t *data, size_t size, struct gh_answer **out)
{
    *out = NULL;
    struct gh_answer *answer = calloc(1, sizeof(*answer));
    if (answer != NULL)
        answer->response = MHD_create_response_from_buffer(size, data, MHD_RESPMEM_MUST_FREE);
    if (answer == NULL || answer->response == NULL) {
        free(answer);
        free(data);
        return GH_ERR_NOMEM;
    }
    answer->users = 1;
    answer->body = (struct gh_bytes){data, size};
    if (MHD_add_response_header(answer->response, MHD_HTTP_HEADER_CONTENT_TYPE, type) != MHD_YES ||
        MHD_add_response_header(answer->response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") !=
            MHD_YES ||
        !gh_response_headers(answer->response)) {
        gh_answer_free(answer);
        return GH_ERR_NOMEM;
    }
    *out = answer;
    return GH_OK;
}

struct gh_answer *gh_answer_ref(struct gh_answer *answer)
{
    answer->users++;
    return answer;
}

void gh_answer_free(struct gh_answer *answer)
{
    if (answer == NULL || --answer->users > 0)
        return;
    MHD_destroy_response(answer->response);
    free(answer);
}
