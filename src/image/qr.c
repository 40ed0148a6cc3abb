/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/qr.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <qrencode.h>

#include "gatehouse/picture.h"
#include "qr_symbol.h"

#define MAX_TEXT_BYTES                                                                             \
    7089 /* version 40, level L, digits alone: the most that any symbol holds                      \
          */

/* --- which bytes in which mode ---------------------------------------------------------------
 * A text is cut into segments of digits, of the 45 alphanumeric characters, and of bytes. Every
 * segment costs a header, so the cheapest cut is found by going once through the text and keeping,
 * for each mode, the least cost of being in it. Costs are sixths of a bit: a digit takes 10/3 bits,
 * an alphanumeric character 11/2, a byte 8. */

enum mode { NUMERIC, ALPHANUMERIC, BYTES, MODES };

static const unsigned cost_of_character[MODES] = {20, 33, 48};
static const QRencodeMode library_mode[MODES] = {QR_MODE_NUM, QR_MODE_AN, QR_MODE_8};

/* A header is 4 bits and a length, whose width grows with the version. */
struct size_class {
    int last_version;
    unsigned length_bits[MODES];
};
static const struct size_class size_classes[] = {
    {9, {10, 9, 8}}, {26, {12, 11, 16}}, {QRSPEC_VERSION_MAX, {14, 13, 16}}};

static bool fits_mode(uint8_t byte, enum mode mode)
{
    if (mode == BYTES)
        return true;
    if (byte >= '0' && byte <= '9')
        return true;
    return mode == ALPHANUMERIC &&
           ((byte >= 'A' && byte <= 'Z') || (byte != '\0' && strchr(" $%*+-./:", byte) != NULL));
}

static unsigned in_whole_bits(unsigned sixths)
{
    return (sixths + 5) / 6 * 6;
}

/* came_from[i][mode]: the mode of byte i - 1 on the cheapest way to byte i in mode. */
static void find_modes(struct gh_bytes text, const struct size_class *class,
                       uint8_t (*came_from)[MODES], uint8_t *mode_of)
{
    enum { NEVER = 1u << 30 };
    unsigned cost[MODES] = {0}, before[MODES];

    for (int mode = 0; mode < MODES; mode++)
        before[mode] = 6 * (4 + class->length_bits[mode]);
    for (size_t i = 0; i < text.size; i++) {
        for (int mode = 0; mode < MODES; mode++) {
            cost[mode] = NEVER;
            if (!fits_mode(text.data[i], (enum mode)mode))
                continue;
            for (int from = 0; from < MODES; from++) {
                unsigned sum = before[from];
                if (from != mode && i == 0)
                    continue;
                if (from != mode)
                    sum = in_whole_bits(sum) + 6 * (4 + class->length_bits[mode]);
                if (sum < NEVER && sum + cost_of_character[mode] < cost[mode]) {
                    cost[mode] = sum + cost_of_character[mode];
                    came_from[i][mode] = (uint8_t)from;
                }
            }
        }
        memcpy(before, cost, sizeof(before));
    }
    unsigned mode = 0;
    for (unsigned other = 1; other < MODES; other++)
        mode = before[other] < before[mode] ? other : mode;
    for (size_t i = text.size; i-- > 0; mode = came_from[i][mode])
        mode_of[i] = (uint8_t)mode;
}

/* --- the library ----------------------------------------------------------------------------- */

static enum gh_status status_of_errno(void)
{
    return errno == ERANGE ? GH_ERR_TOOBIG : errno == ENOMEM ? GH_ERR_NOMEM : GH_ERR_INVALID;
}

static enum gh_status append_segments(QRinput *input, struct gh_bytes text, const uint8_t *mode_of)
{
    for (size_t start = 0, end; start < text.size; start = end) {
        for (end = start + 1; end < text.size && mode_of[end] == mode_of[start];)
            end++;
        if (QRinput_append(input, library_mode[mode_of[start]], (int)(end - start),
                           text.data + start) != 0)
            return status_of_errno();
    }
    return GH_OK;
}

static enum gh_status encode(struct gh_bytes text, QRecLevel level, const uint8_t *mode_of,
                             QRcode **out)
{
    *out = NULL;
    QRinput *input = QRinput_new2(0, level);
    if (input == NULL)
        return status_of_errno();
    enum gh_status status = append_segments(input, text, mode_of);
    if (status == GH_OK) {
        *out = QRcode_encodeInput(input);
        if (*out == NULL)
            status = status_of_errno();
    }
    QRinput_free(input);
    return status;
}

static enum gh_status take_modules(const QRcode *code, struct gh_qr *out)
{
    size_t count = (size_t)code->width * (size_t)code->width;

    uint8_t *modules = malloc(count);
    if (modules == NULL)
        return GH_ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        modules[i] = code->data[i] & 1;
    *out = (struct gh_qr){(unsigned)code->width, (unsigned)code->version, modules};
    return GH_OK;
}

/* The cut is cheapest for one class of versions; the first class that the result lies in is right.
 */
static enum gh_status encode_smallest(struct gh_bytes text, QRecLevel level,
                                      uint8_t (*came_from)[MODES], uint8_t *mode_of,
                                      struct gh_qr *out)
{
    enum gh_status status = GH_ERR_TOOBIG;

    for (size_t i = 0; i < GH_ARRAY_SIZE(size_classes); i++) {
        QRcode *code = NULL;
        find_modes(text, &size_classes[i], came_from, mode_of);
        status = encode(text, level, mode_of, &code);
        if (status == GH_OK && code->version <= size_classes[i].last_version) {
            status = take_modules(code, out);
            QRcode_free(code);
            return status;
        }
        QRcode_free(code);
        if (status != GH_OK && status != GH_ERR_TOOBIG)
            return status;
    }
    return status == GH_OK ? GH_ERR_TOOBIG : status;
}

enum gh_status gh_qr_encode(struct gh_bytes text, enum gh_qr_level level, struct gh_qr *out)
{
    static const QRecLevel levels[] = {
        [GH_QR_LOW] = QR_ECLEVEL_L,
        [GH_QR_MEDIUM] = QR_ECLEVEL_M,
        [GH_QR_QUARTILE] = QR_ECLEVEL_Q,
        [GH_QR_HIGH] = QR_ECLEVEL_H,
    };

    *out = (struct gh_qr){0};
    if (text.size == 0 || (unsigned)level >= GH_ARRAY_SIZE(levels))
        return GH_ERR_INVALID;
    if (text.size > MAX_TEXT_BYTES)
        return GH_ERR_TOOBIG;
    uint8_t(*came_from)[MODES] = calloc(text.size, sizeof(*came_from));
    uint8_t *mode_of = malloc(text.size);
    enum gh_status status = GH_ERR_NOMEM;
    if (came_from != NULL && mode_of != NULL)
        status = encode_smallest(text, levels[level], came_from, mode_of, out);
    free(came_from);
    free(mode_of);
    return status;
}

void gh_qr_free(struct gh_qr *qr)
{
    if (qr == NULL)
        return;
    free(qr->modules);
    *qr = (struct gh_qr){0};
}

/* --- pixels ---------------------------------------------------------------------------------- */

enum gh_status gh_qr_check(const struct gh_qr *qr, unsigned scale)
{
    if (qr->modules == NULL || qr->side < 21 || qr->side > 177 || scale == 0)
        return GH_ERR_INVALID;
    unsigned side = qr->side + 2 * GH_QR_QUIET_MODULES;
    if (scale > GH_PICTURE_MAX_SIDE / side ||
        (size_t)side * scale * side * scale > GH_PICTURE_MAX_PIXELS)
        return GH_ERR_TOOBIG;
    return GH_OK;
}
