/* SPDX-License-Identifier: Apache-2.0 */
/* A symbol as a sheet to print. Lengths are whole micrometres until they are written, so that no
 * locale puts a comma into them. */
#include <stdio.h>
#include <stdlib.h>

#include "gatehouse/file.h"
#include "qr_symbol.h"
#include "sheet_text.h"

#define SHEET_WIDTH_UM 105000u /* A6 */
#define SHEET_HEIGHT_UM 148000u
#define MARGIN_UM 8000u      /* printers leave about 5 mm white */
#define SYMBOL_MAX_UM 86000u /* without its quiet zone */
#define BOX_MAX_UM 100000u   /* with it */
#define BOX_MIDDLE_UM 79000u /* from the top */
#define LINE_HEIGHT_PERCENT 120u
#define BASELINE_PERCENT 35u /* from a line's middle down to its baseline */

static const struct gh_sheet_choice title_choices[] = {
    {1, 9000, 6500}, {2, 8000, 5500}, {3, 6000, 4500}, {4, 4500, 3500}, {5, 3500, 3000}};
static const struct gh_sheet_choice line_choices[] = {
    {1, 5000, 3750}, {2, 4500, 3250}, {3, 3250, 2500}};

struct box {
    unsigned module_um;
    unsigned left_um; /* of the quiet zone */
    unsigned top_um;
    unsigned side_um;
};

static struct box place_symbol(const struct gh_qr *qr)
{
    unsigned modules = qr->side + 2 * GH_QR_QUIET_MODULES;
    unsigned module_um = SYMBOL_MAX_UM / qr->side;

    if (module_um > BOX_MAX_UM / modules)
        module_um = BOX_MAX_UM / modules;
    unsigned side_um = module_um * modules;
    return (struct box){module_um, (SHEET_WIDTH_UM - side_um) / 2, BOX_MIDDLE_UM - side_um / 2,
                        side_um};
}

/* ` name="12.345"`, in millimetres */
static void put_mm(FILE *stream, const char *name, unsigned um)
{
    (void)fprintf(stream, " %s=\"%u.%03u\"", name, um / 1000, um % 1000);
}

/* Every line of dark modules a rectangle, all in one path: what touches leaves no seam. */
static void put_symbol(FILE *stream, const struct gh_qr *qr, const struct box *box)
{
    int side = (int)qr->side;

    (void)fprintf(stream,
                  "<path shape-rendering=\"crispEdges\" transform=\"translate(%u.%03u %u.%03u) ",
                  box->left_um / 1000, box->left_um % 1000, box->top_um / 1000, box->top_um % 1000);
    (void)fprintf(stream, "scale(%u.%03u)\" d=\"", box->module_um / 1000, box->module_um % 1000);
    for (int y = 0; y < side; y++) {
        for (int x = 0, end; x < side; x = end) {
            for (end = x + 1; end < side && gh_qr_is_dark(qr, end, y) == gh_qr_is_dark(qr, x, y);)
                end++;
            if (gh_qr_is_dark(qr, x, y))
                (void)fprintf(stream, "M%d %dh%dv1h-%dz", x + GH_QR_QUIET_MODULES,
                              y + GH_QR_QUIET_MODULES, end - x, end - x);
        }
    }
    (void)fputs("\"/>\n", stream);
}

/* Its lines between top and bottom, around the middle of the sheet. */
static void put_text(FILE *stream, const struct gh_sheet_text *text, unsigned top_um,
                     unsigned bottom_um, const char *weight)
{
    unsigned line_um = text->font_um * LINE_HEIGHT_PERCENT / 100;
    unsigned first_um = (top_um + bottom_um - text->line_count * line_um + line_um) / 2 +
                        text->font_um * BASELINE_PERCENT / 100;

    for (unsigned i = 0; i < text->line_count; i++) {
        (void)fputs("<text", stream);
        put_mm(stream, "x", SHEET_WIDTH_UM / 2);
        put_mm(stream, "y", first_um + i * line_um);
        put_mm(stream, "font-size", text->font_um);
        (void)fprintf(stream, " font-weight=\"%s\">", weight);
        gh_sheet_put(stream, text, text->lines[i].start, text->lines[i].end);
        (void)fprintf(stream, "%s</text>\n",
                      text->cut && i + 1 == text->line_count ? "\xe2\x80\xa6" : "");
    }
}

static void put_sheet(FILE *stream, const struct gh_qr *qr, const char *title, const char *line)
{
    struct box box = place_symbol(qr);
    struct gh_sheet_text text;

    (void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"105mm\" height=\"148mm\" "
                "viewBox=\"0 0 105 148\">\n",
                stream);
    gh_sheet_fit(&text, title, SHEET_WIDTH_UM - 2 * MARGIN_UM, title_choices,
                 GH_ARRAY_SIZE(title_choices));
    (void)fputs("<title>", stream);
    gh_sheet_put(stream, &text, 0, text.count);
    (void)fputs("</title>\n"
                "<rect width=\"105\" height=\"148\" fill=\"#fff\"/>\n",
                stream);
    put_symbol(stream, qr, &box);
    (void)fputs("<g font-family=\"sans-serif\" text-anchor=\"middle\">\n", stream);
    put_text(stream, &text, MARGIN_UM, box.top_um, "bold");
    gh_sheet_fit(&text, line, SHEET_WIDTH_UM - 2 * MARGIN_UM, line_choices,
                 GH_ARRAY_SIZE(line_choices));
    put_text(stream, &text, box.top_um + box.side_um, SHEET_HEIGHT_UM - MARGIN_UM, "normal");
    (void)fputs("</g>\n</svg>\n", stream);
}

enum gh_status gh_qr_write_svg(const struct gh_qr *qr, const char *title, const char *line,
                               const char *path, struct gh_error *err)
{
    char *data = NULL;
    size_t size = 0;

    enum gh_status status = gh_qr_check(qr, 1);
    if (status != GH_OK)
        return gh_fail(err, status, "no sheet without a symbol");
    FILE *stream = open_memstream(&data, &size);
    if (stream == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for a sheet with the symbol");
    put_sheet(stream, qr, title, line);
    bool good = ferror(stream) == 0;
    good = fclose(stream) == 0 && good;
    if (good)
        status = gh_file_replace(path, 0644, data, size, err);
    else
        status = gh_fail(err, GH_ERR_NOMEM, "no memory for a sheet with the symbol");
    free(data);
    return status;
}
