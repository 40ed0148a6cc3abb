/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/framing.h"

#include <string.h>

#include "gatehouse/clock.h"
#include "gatehouse/crypto.h"

#define STX 0x02
#define ETX 0x03

void gh_framer_init(struct gh_framer *framer, enum gh_framing framing)
{
    memset(framer, 0, sizeof(*framer));
    framer->framing = framing;
}

static bool is_line_end(uint8_t byte)
{
    return byte == '\r' || byte == '\n' || byte == '\t';
}

/* None of our codes, and nobody else's that is worth an answer, has such in it; noise does. */
static bool is_control(uint8_t byte)
{
    return byte < 0x20 || byte == 0x7f;
}

static void begin(struct gh_framer *framer, enum gh_framer_state state)
{
    gh_wipe(framer->text, framer->size);
    framer->size = 0;
    framer->line_over = framer->outside = false;
    framer->state = state;
}

static void reject(struct gh_framer *framer, enum gh_framer_state state)
{
    if (framer->state == GH_FRAMER_INSIDE || framer->outside)
        framer->rejected++;
    begin(framer, state);
}

static void add(struct gh_framer *framer, uint8_t byte)
{
    if (framer->state == GH_FRAMER_PASSING)
        return;
    framer->state = GH_FRAMER_INSIDE;
    if (is_control(byte) || framer->line_over || framer->size == sizeof(framer->text))
        reject(framer, GH_FRAMER_PASSING);
    else
        framer->text[framer->size++] = byte;
}

/* The code is whole. */
static void end(struct gh_framer *framer, gh_framer_text_fn *found, void *context)
{
    if (framer->size > 0)
        found(context, (struct gh_bytes){framer->text, framer->size});
    begin(framer, GH_FRAMER_BETWEEN);
}

static void take_byte(struct gh_framer *framer, uint8_t byte, gh_framer_text_fn *found,
                      void *context)
{
    if (is_line_end(byte))
        end(framer, found, context);
    else
        add(framer, byte);
}

/* Scanners may send CR LF before ETX as well. Between ETX and STX anything may come, as long as an
 * STX does: one that never sends any is set in another way. */
static void take_enclosed_byte(struct gh_framer *framer, uint8_t byte, gh_framer_text_fn *found,
                               void *context)
{
    if (byte == STX && framer->outside)
        begin(framer, GH_FRAMER_INSIDE);
    else if (byte == STX)
        reject(framer, GH_FRAMER_INSIDE);
    else if (byte == ETX)
        end(framer, found, context);
    else if (framer->state == GH_FRAMER_BETWEEN && is_control(byte))
        return;
    else if (framer->state == GH_FRAMER_BETWEEN) {
        framer->outside = true;
        framer->state = GH_FRAMER_PASSING;
    } else if (is_line_end(byte))
        framer->line_over = framer->size > 0;
    else
        add(framer, byte);
}

void gh_framer_take(struct gh_framer *framer, struct gh_bytes bytes, int64_t now_ns,
                    gh_framer_text_fn *found, void *context)
{
    framer->last_ns = now_ns;
    for (size_t i = 0; i < bytes.size; i++) {
        if (framer->framing == GH_FRAMING_STX_ETX)
            take_enclosed_byte(framer, bytes.data[i], found, context);
        else
            take_byte(framer, bytes.data[i], found, context);
    }
}

void gh_framer_tick(struct gh_framer *framer, int64_t now_ns, gh_framer_text_fn *found,
                    void *context)
{
    if (now_ns < gh_framer_deadline_ns(framer))
        return;
    if (framer->framing == GH_FRAMING_PAUSE)
        end(framer, found, context);
    else
        reject(framer, GH_FRAMER_BETWEEN);
}

int64_t gh_framer_deadline_ns(const struct gh_framer *framer)
{
    if (framer->state == GH_FRAMER_BETWEEN)
        return INT64_MAX;
    int64_t wait_ms = framer->framing == GH_FRAMING_PAUSE ? GH_FRAMING_PAUSE_MS : GH_FRAMING_CUT_MS;
    return framer->last_ns + wait_ms * GH_NS_PER_MS;
}

void gh_framer_break(struct gh_framer *framer, int64_t now_ns)
{
    framer->last_ns = now_ns;
    if (framer->state == GH_FRAMER_PASSING)
        return;
    framer->state = GH_FRAMER_INSIDE; /* of a code, as far as anybody can tell: it counts */
    reject(framer, GH_FRAMER_PASSING);
}
