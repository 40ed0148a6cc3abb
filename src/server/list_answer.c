/* SPDX-License-Identifier: Apache-2.0 */
#include "server/list_answer.h"

#include <stdlib.h>

#include "code/cbor.h"

#define HEAD_BYTES 9 /* of an item, at most */

static enum gh_status finish(struct gh_writer *writer, uint64_t news, struct gh_answer **out)
{
    size_t news_at = writer->size;
    gh_cbor_put_uint(writer, news);
    enum gh_status status = gh_answer_new("application/cbor", writer->data, writer->size, out);
    if (status == GH_OK) {
        (*out)->news = news;
        (*out)->news_at = news_at;
    }
    return status;
}

enum gh_status gh_list_answer(struct gh_bytes manifest, const struct gh_list_delta *delta,
                              const struct gh_server_keys *keys, uint64_t news,
                              struct gh_answer **out)
{
    static const struct gh_list_delta none;
    const struct gh_list_delta *d = delta != NULL ? delta : &none;
    size_t capacity = (size_t)6 * HEAD_BYTES + manifest.size + d->header_size + d->records_size;
    *out = NULL;
    for (size_t i = 0; i < keys->handover_count; i++)
        capacity += HEAD_BYTES + keys->handovers[i].size;
    uint8_t *data = malloc(capacity);
    if (data == NULL)
        return GH_ERR_NOMEM;
    struct gh_writer writer = gh_writer_over(data, capacity);
    gh_cbor_put_array(&writer, 5);
    gh_cbor_put_bytes(&writer, manifest.data, manifest.size);
    gh_cbor_put_bytes(&writer, d->header, d->header_size);
    gh_cbor_put_bytes(&writer, d->records, d->records_size);
    gh_cbor_put_array(&writer, keys->handover_count);
    for (size_t i = 0; i < keys->handover_count; i++)
        gh_cbor_put_bytes(&writer, keys->handovers[i].bytes, keys->handovers[i].size);
    return finish(&writer, news, out);
}

enum gh_status gh_list_answer_renumber(const struct gh_answer *answer, uint64_t news,
                                       struct gh_answer **out)
{
    uint8_t *data = malloc(answer->news_at + HEAD_BYTES);
    *out = NULL;
    if (data == NULL)
        return GH_ERR_NOMEM;
    struct gh_writer writer = gh_writer_over(data, answer->news_at + HEAD_BYTES);
    gh_writer_put(&writer, answer->body.data, answer->news_at);
    return finish(&writer, news, out);
}
