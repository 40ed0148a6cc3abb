/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/compress.h"

#include <stdlib.h>
#include <string.h>
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

/* Formats of before RFC 8878, which the library may know too, and frames to be skipped are none. */
static bool is_frame(struct gh_bytes frame)
{
    static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    return frame.size >= sizeof(magic) && memcmp(frame.data, magic, sizeof(magic)) == 0 &&
           ZSTD_findFrameCompressedSize(frame.data, frame.size) == frame.size;
}

enum gh_status gh_zstd_decompress(struct gh_bytes frame, size_t max_bytes, uint8_t **out,
                                  size_t *size)
{
    *out = NULL;
    *size = 0;
    unsigned long long content =
        is_frame(frame) ? ZSTD_getFrameContentSize(frame.data, frame.size) : ZSTD_CONTENTSIZE_ERROR;
    if (content == ZSTD_CONTENTSIZE_UNKNOWN || content == ZSTD_CONTENTSIZE_ERROR) {
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
