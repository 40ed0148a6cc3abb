/* SPDX-License-Identifier: Apache-2.0 */
/* A symbol as a PNG of one bit a pixel, made in memory and then written whole. */
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/file.h"
#include "qr_symbol.h"

/* libpng leaves an error by longjmp: everything that outlives the jump is in here. */
struct writer {
    jmp_buf jump;
    png_structp png;
    png_infop info;
    FILE *stream;
    char *data; /* the stream's, once it is closed */
    size_t size;
    uint8_t *row;
};

static _Noreturn void on_error(png_structp png, png_const_charp text)
{
    struct writer *writer = png_get_error_ptr(png);

    (void)text; /* a memory stream fails for want of memory only */
    longjmp(writer->jump, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

/* One row of modules, a bit a pixel, 1 is white. */
static void fill_row(const struct gh_qr *qr, unsigned scale, int y, uint8_t *row, size_t bytes)
{
    memset(row, 0xff, bytes);
    for (unsigned x = 0; x < qr->side; x++) {
        if (!gh_qr_is_dark(qr, (int)x, y))
            continue;
        size_t first = (size_t)(x + GH_QR_QUIET_MODULES) * scale;
        for (size_t at = first; at < first + scale; at++)
            row[at / 8] &= (uint8_t) ~(0x80u >> at % 8);
    }
}

static bool write_png(struct writer *writer, const struct gh_qr *qr, unsigned scale)
{
    uint32_t modules = qr->side + 2 * GH_QR_QUIET_MODULES, side = modules * scale;
    size_t row_bytes = (side + 7) / 8;

    if (setjmp(writer->jump) != 0)
        return false;
    writer->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, writer, on_error, on_warning);
    writer->info = writer->png != NULL ? png_create_info_struct(writer->png) : NULL;
    writer->stream = open_memstream(&writer->data, &writer->size);
    writer->row = malloc(row_bytes);
    if (writer->info == NULL || writer->stream == NULL || writer->row == NULL)
        return false;

    png_init_io(writer->png, writer->stream);
    png_set_IHDR(writer->png, writer->info, side, side, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(writer->png, writer->info);
    for (uint32_t y = 0; y < modules; y++) {
        fill_row(qr, scale, (int)y - GH_QR_QUIET_MODULES, writer->row, row_bytes);
        for (unsigned i = 0; i < scale; i++)
            png_write_row(writer->png, writer->row);
    }
    png_write_end(writer->png, writer->info);
    return true;
}

enum gh_status gh_qr_write_png(const struct gh_qr *qr, unsigned scale, const char *path,
                               struct gh_error *err)
{
    struct writer writer = {.png = NULL};

    enum gh_status status = gh_qr_check(qr, scale);
    if (status != GH_OK)
        return gh_fail(err, status, "no PNG of this symbol with %u pixels a module", scale);
    bool good = write_png(&writer, qr, scale);
    if (writer.stream != NULL && fclose(writer.stream) != 0)
        good = false;
    if (good)
        status = gh_file_replace(path, 0644, writer.data, writer.size, err);
    else
        status = gh_fail(err, GH_ERR_NOMEM, "no memory for a PNG of the symbol");
    png_destroy_write_struct(&writer.png, &writer.info);
    free(writer.row);
    free(writer.data);
    return status;
}
