/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/picture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/file.h"
#include "picture_formats.h"

struct format {
    const char *signature;
    size_t size;
    enum gh_status (*parse)(struct gh_bytes file, struct gh_picture *out, struct gh_error *err);
};

static const struct format formats[] = {
    {"\x89PNG\r\n\x1a\n", 8, gh_picture_parse_png},
    {"\xff\xd8\xff", 3, gh_picture_parse_jpeg},
    {"P5", 2, gh_picture_parse_pgm},
    {"P2", 2, gh_picture_parse_pgm},
};

enum gh_status gh_picture_check_size(uint64_t width, uint64_t height, struct gh_error *err)
{
    if (width == 0 || height == 0)
        return gh_fail(err, GH_ERR_CORRUPT, "the picture has no pixels");
    if (width > GH_PICTURE_MAX_SIDE || height > GH_PICTURE_MAX_SIDE ||
        width * height > GH_PICTURE_MAX_PIXELS)
        return gh_fail(err, GH_ERR_TOOBIG,
                       "the picture has %" PRIu64 "x%" PRIu64
                       " pixels; at most %d in all and %d a side are read",
                       width, height, GH_PICTURE_MAX_PIXELS, GH_PICTURE_MAX_SIDE);
    return GH_OK;
}

enum gh_status gh_picture_parse(const uint8_t *data, size_t size, struct gh_picture *out,
                                struct gh_error *err)
{
    *out = (struct gh_picture){0};
    if (size == 0)
        return gh_fail(err, GH_ERR_TRUNCATED, "the picture is empty");
    for (size_t i = 0; i < GH_ARRAY_SIZE(formats); i++) {
        const struct format *format = &formats[i];
        if (size >= format->size && memcmp(data, format->signature, format->size) == 0)
            return format->parse((struct gh_bytes){data, size}, out, err);
        if (size < format->size && memcmp(data, format->signature, size) == 0)
            return gh_fail(err, GH_ERR_TRUNCATED, "the picture ends in its first bytes");
    }
    return gh_fail(err, GH_ERR_UNSUPPORTED, "not a PNG, JPEG or PGM picture");
}

enum gh_status gh_picture_load(const char *path, struct gh_picture *out, struct gh_error *err)
{
    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;

    *out = (struct gh_picture){0};
    enum gh_status status = gh_file_read(path, GH_PICTURE_MAX_FILE_BYTES, &data, &size, err);
    if (status != GH_OK)
        return status;
    return gh_picture_parse(data, size, out, err);
}

void gh_picture_free(struct gh_picture *picture)
{
    if (picture == NULL)
        return;
    free(picture->luma);
    *picture = (struct gh_picture){0};
}

struct gh_frame gh_picture_frame(const struct gh_picture *picture)
{
    return (struct gh_frame){
        .luma = picture->luma,
        .width = picture->width,
        .height = picture->height,
        .stride_bytes = picture->width,
        .step_bytes = 1,
    };
}
