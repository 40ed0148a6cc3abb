/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/compress.h"

#include <stdlib.h>
#include <zstd.h>

enum gh_status gh_zstd_compress(struct gh_bytes data, uint8_t **out, size_t *size)
{
    size_t capacity = ZSTD_compressBound(data.size);
    *out = malloc(capacity);
    *size = 0;
    if (*out == NULL) {
        return GH_ERR_NOMEM;
    }
    *size = ZSTD_compress(*out, capacity, data.data, data.size, ZSTD_CLEVEL_DEFAULT);
    if (ZSTD_isError(*size)) { /* the room was enough: only memory can be wanting */
        free(*out);
        *out = NULL;
        *size = 0;
        return GH_ERR_NOMEM;
    }
    return GH_OK;
}

enum gh_status gh_zstd_decompress(struct gh_bytes frame, size_t max_bytes, uint8_t **out,
                                  size_t *size)
{
    *out = NULL;
    *size = 0;
    unsigned long long content = ZSTD_getFrameContentSize(frame.data, frame.size);
    if (content == ZSTD_CONTENTSIZE_UNKNOWN || content == ZSTD_CONTENTSIZE_ERROR ||
        ZSTD_findFrameCompressedSize(frame.data, frame.size) != frame.size) {
        return GH_ERR_CORRUPT;
    }
    if (content > max_bytes) {
        return GH_ERR_TOOBIG;
    }
    uint8_t *data = malloc((size_t)content + 1);
    if (data == NULL) {
        return GH_ERR_NOMEM;
    }
    size_t got = ZSTD_decompress(data, (size_t)content, frame.data, frame.size);
    if (ZSTD_isError(got) || got != content) {
        free(data);
        return GH_ERR_CORRUPT;
    }
    data[got] = '\0';
    *out = data;
    *size = got;
    return GH_OK;
}
