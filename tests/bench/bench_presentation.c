/* SPDX-License-Identifier: Apache-2.0 */
/* How large a phone's presentation of a health code is as a QR code, and from how far a camera
 * reads it: the form that was chosen (docs/codes.md) beside its alternatives, in one run. Each is
 * drawn 60 mm wide, its quiet zone included, as on a phone, and taken by a 640x480 camera of 62
 * degrees (f = 530 pixels), turned a little, out of focus a little, with noise. The distance is the
 * greatest at which 9 of 10 pictures are read by the decoder that the gate uses. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "code/base45.h"
#include "fakes/qr_picture.h"
#include "gatehouse/code.h"
#include "gatehouse/decode.h"
#include "gatehouse/qr.h"

#define WIDTH 640
#define HEIGHT 480
#define FOCAL_PIXELS 530.0
#define CODE_MM 60.0
#define ISSUED_AT_S 1583020800
#define NEAREST_MM 100
#define FARTHEST_MM 1000
#define STEP_MM 5
#define PICTURES 20
#define READ_OF 18 /* 9 of 10 */
#define MODULE_DOTS 8
#define SAMPLES 3        /* a side, in each pixel */
#define BLUR_PIXELS 0.55 /* standard deviation of what the lens does to a point */
#define NOISE_LEVELS 6.0 /* standard deviation */
#define DARK 25.0        /* a phone's black and white, and what is around it */
#define BRIGHT 225.0
#define AROUND 90.0

/* --- repeatable chance --- */

static uint64_t chance_state = 0x9e3779b97f4a7c15u;

static double chance(void) /* 0 to 1 */
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (double)(chance_state >> 11) / 9007199254740992.0;
}

/* Nearly normal, of standard deviation 1: there are millions to draw. */
static double chance_normal(void)
{
    return (chance() + chance() + chance() + chance() - 2.0) * 1.7320508;
}

/* --- the alternatives: what was chosen is the real thing; of the others only their length and kind
 * count --- */

static void put_random(struct gh_writer *writer, size_t size)
{
    for (size_t i = 0; i < size; i++)
        gh_writer_put_byte(writer, (uint8_t)(chance() * 256.0));
}

/* A health code: for a phone with such a key, whose presentation goes into `shown`; for NULL, on
 * paper. */
static void make_code(const enum gh_key_type *phone_type, char code[GH_CODE_OWN_MAX_BYTES + 1],
                      char shown[GH_CODE_OWN_MAX_BYTES + 1])
{
    struct gh_private_key *issuer, *phone = NULL;
    struct gh_public_key *holder = NULL;
    MUST(gh_private_key_generate(GH_KEY_ED25519, &issuer));
    if (phone_type != NULL) {
        MUST(gh_private_key_generate(*phone_type, &phone));
        MUST(gh_private_key_public(phone, &holder));
    }
    const struct gh_claims claims = {.kind = GH_KIND_HEALTH,
                                     .id = UINT64_C(0x1122334455667788),
                                     .about = UINT64_C(0xa1b2c3d4e5f60718),
                                     .colour = GH_COLOUR_GREEN,
                                     .issued_at_s = ISSUED_AT_S,
                                     .expires_at_s = ISSUED_AT_S + 604800,
                                     .holder = holder,
                                     .issuer = "town"};
    MUST(gh_code_write(issuer, &claims, code, GH_CODE_OWN_MAX_BYTES + 1));
    if (phone != NULL)
        MUST(gh_code_present(phone, (struct gh_bytes){(const uint8_t *)code, strlen(code)},
                             ISSUED_AT_S + 60, shown, GH_CODE_OWN_MAX_BYTES + 1));
    gh_public_key_free(holder);
    gh_private_key_free(phone);
    gh_private_key_free(issuer);
}

/* The bytes that a text's base45 stands for, behind its prefix. */
static void put_bytes_of(struct gh_writer *writer, const char *text)
{
    const char *body = strchr(text, ':') + 1;
    MUST(gh_base45_decode((struct gh_bytes){(const uint8_t *)body, strlen(body)}, writer));
}

/* The same claims as JSON Web Tokens: header.payload.signature, in base64url, one in the other. */
static void put_token(struct gh_writer *text, const char *header, const char *payload)
{
    char encoded[4096];
    uint8_t signature[64];
    struct gh_writer random = gh_writer_over(signature, sizeof(signature));
    put_random(&random, sizeof(signature));
    gh_base64url_encode(header, strlen(header), encoded);
    gh_writer_put_text(text, encoded);
    gh_writer_put_text(text, ".");
    gh_base64url_encode(payload, strlen(payload), encoded);
    gh_writer_put_text(text, encoded);
    gh_writer_put_text(text, ".");
    gh_base64url_encode(signature, sizeof(signature), encoded);
    gh_writer_put_text(text, encoded);
}

static void put_tokens(struct gh_writer *text)
{
    char inner[2048], outer[4096];
    struct gh_writer code = gh_writer_over(inner, sizeof(inner) - 1);
    put_token(
        &code, "{\"alg\":\"EdDSA\",\"kid\":\"8s2IqjJIHso\"}",
        "{\"iss\":\"town\",\"sub\":\"a1b2c3d4e5f60718\",\"exp\":1583625600,\"iat\":1583020800,"
        "\"jti\":\"ESIzRFVmd4g\",\"colour\":1,\"kind\":1,\"cnf\":{\"jwk\":{\"kty\":\"OKP\","
        "\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}}}");
    inner[code.size] = '\0';
    (void)snprintf(outer, sizeof(outer),
                   "{\"iat\":1583020900,\"jti\":\"ESIzRFVmd4g\",\"code\":\"%s\"}", inner);
    put_token(text, "{\"alg\":\"EdDSA\"}", outer);
}

/* As base45, behind the prefix. */
static void spell(struct gh_writer *text, const struct gh_writer *message)
{
    gh_writer_put_text(text, "GHP1:");
    gh_base45_put(text, (struct gh_bytes){message->data, message->size});
}

#define WHOLE_POINT_MORE 33 /* y as 32 bytes behind their head, in place of its sign in one */
#define BARE_BYTES                                                                                 \
    (4 + 8 + 64) /* time, number and signature behind the code, without any structure */

static void alternative(int which, struct gh_writer *text)
{
    static const enum gh_key_type ed25519 = GH_KEY_ED25519, p256 = GH_KEY_P256;
    char code[GH_CODE_OWN_MAX_BYTES + 1], shown[GH_CODE_OWN_MAX_BYTES + 1];
    uint8_t buffer[GH_CODE_OWN_MAX_BYTES];
    struct gh_writer message = gh_writer_over(buffer, sizeof(buffer));
    make_code(which == 0 ? NULL : which == 2 || which == 3 ? &p256 : &ed25519, code, shown);
    if (which <= 2) {
        gh_writer_put_text(text, which == 0 ? code : shown);
    } else if (which == 3) {
        put_bytes_of(&message, shown);
        put_random(&message, WHOLE_POINT_MORE);
        spell(text, &message);
    } else if (which == 4) {
        gh_writer_put_text(text, "GHP1:");
        put_bytes_of(text, shown);
    } else if (which == 5) {
        put_bytes_of(&message, code);
        put_random(&message, BARE_BYTES);
        spell(text, &message);
    } else {
        put_tokens(text);
    }
}

static const char *const names[] = {
    "on paper: the code alone",        "chosen: phone with Ed25519", "chosen: phone with P-256",
    "  with the whole P-256 point",    "  in binary, not base45",    "  without COSE around it",
    "  as JSON Web Tokens, base64url",
};

/* --- the camera --- */

struct picture {
    const uint8_t *dots; /* the code, MODULE_DOTS a module */
    uint32_t side;
    double dots_a_pixel, cosine, sine, x, y;
};

static double light_at(const struct picture *picture, double x, double y)
{
    double across = (x - picture->x) * picture->dots_a_pixel;
    double down = (y - picture->y) * picture->dots_a_pixel;
    double column = across * picture->cosine + down * picture->sine + picture->side / 2.0;
    double row = down * picture->cosine - across * picture->sine + picture->side / 2.0;
    if (column < 0 || row < 0 || column >= picture->side || row >= picture->side)
        return AROUND;
    return picture->dots[(size_t)row * picture->side + (size_t)column] < 128 ? DARK : BRIGHT;
}

static uint8_t pixel_at(const struct picture *picture, int x, int y)
{
    double sum = 0;
    for (int i = 0; i < SAMPLES * SAMPLES; i++) {
        double dx = (i % SAMPLES + chance()) / SAMPLES + BLUR_PIXELS * chance_normal();
        double dy = ((double)(i / SAMPLES) + chance()) / SAMPLES + BLUR_PIXELS * chance_normal();
        sum += light_at(picture, x + dx, y + dy);
    }
    double level = sum / (SAMPLES * SAMPLES) + NOISE_LEVELS * chance_normal();
    return (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
}

static void take(const uint8_t *dots, uint32_t side, double distance_mm, uint8_t *luma)
{
    double angle = (chance() - 0.5) * 0.3;
    double pixels = CODE_MM * FOCAL_PIXELS / distance_mm;
    struct picture picture = {
        .dots = dots,
        .side = side,
        .dots_a_pixel = side / pixels,
        .cosine = cos(angle),
        .sine = sin(angle),
        .x = WIDTH / 2.0 + 20 * (chance() - 0.5),
        .y = HEIGHT / 2.0 + 20 * (chance() - 0.5),
    };
    double reach = pixels * 0.75 + 4;
    memset(luma, (int)AROUND, (size_t)WIDTH * HEIGHT);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            if (fabs(x - picture.x) < reach && fabs(y - picture.y) < reach)
                luma[y * WIDTH + x] = pixel_at(&picture, x, y);
}

static struct gh_bytes expected;

static void found(void *context, struct gh_bytes text)
{
    if (gh_bytes_equal(text, expected))
        *(bool *)context = true;
}

static bool is_read_at(struct gh_decoder *decoder, const uint8_t *dots, uint32_t side,
                       double distance_mm)
{
    static uint8_t luma[WIDTH * HEIGHT];
    int read = 0;
    for (int i = 0; i < PICTURES && read + PICTURES - i >= READ_OF; i++) {
        bool hit = false;
        struct gh_frame frame = {
            .luma = luma, .width = WIDTH, .height = HEIGHT, .stride_bytes = WIDTH, .step_bytes = 1};
        take(dots, side, distance_mm, luma);
        MUST(gh_decoder_scan(decoder, &frame, found, &hit, NULL));
        read += hit;
    }
    return read >= READ_OF;
}

/* By halves: nearer is easier, as long as the code fits into the picture. */
static int distance_of(struct gh_decoder *decoder, const struct gh_qr *qr)
{
    uint8_t *dots;
    uint32_t side;
    MUST(qr_picture(qr, MODULE_DOTS, &dots, &side));
    int near_mm = NEAREST_MM, far_mm = FARTHEST_MM;
    while (far_mm - near_mm > STEP_MM) {
        int middle_mm = (near_mm + far_mm) / 2;
        if (is_read_at(decoder, dots, side, middle_mm))
            near_mm = middle_mm;
        else
            far_mm = middle_mm;
    }
    free(dots);
    return near_mm;
}

static void measure(struct gh_decoder *decoder, int which, enum gh_qr_level level)
{
    char buffer[4096];
    struct gh_qr qr;
    struct gh_writer text = gh_writer_over(buffer, sizeof(buffer));
    alternative(which, &text);
    if (text.overflow)
        exit(1);
    expected = (struct gh_bytes){text.data, text.size};
    MUST(gh_qr_encode(expected, level, &qr));
    printf("  %-34s %c %6zu %9u %9u %9d\n", names[which], level == GH_QR_LOW ? 'L' : 'M', text.size,
           qr.version, qr.side, distance_of(decoder, &qr));
    gh_qr_free(&qr);
}

int main(void)
{
    struct gh_decoder *decoder;
    MUST(gh_decoder_new(WIDTH, HEIGHT, &decoder));
    printf("A health code as a QR code of %.0f mm, before a %dx%d camera\n\n", CODE_MM, WIDTH,
           HEIGHT);
    printf("  %-34s %s %6s %9s %9s %9s\n", "", " ", "text", "version", "modules", "read, mm");
    for (int which = 0; which < (int)(sizeof(names) / sizeof(names[0])); which++)
        for (int level = GH_QR_LOW; level <= GH_QR_MEDIUM; level++)
            measure(decoder, which, (enum gh_qr_level)level);
    gh_decoder_free(decoder);
    return 0;
}
