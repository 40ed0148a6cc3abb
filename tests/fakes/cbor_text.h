/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR from its diagnostic notation (RFC 8949, section 8), for tests, also of what no honest
 * encoder writes: nothing is checked but the notation itself. Strings stand in single quotes: {1:
 * 'DE', 6: 1600000000.5, -260: {1: {'v': [_ {_ 'dn': 1}], 't': null}}, 7: h'00ff'}
 * `_` opens an indefinite length, `18(...)` is a tag, `(_ 'a', 'b')` a string in chunks, NaN and
 * Infinity are floats, and x'...' are bytes that stand there as they are: any damage. In a
 * container they count as the one item, or pair, that they stand for; behind the item they are what
 * trails. */
#ifndef GATEHOUSE_TESTS_FAKES_CBOR_TEXT_H
#define GATEHOUSE_TESTS_FAKES_CBOR_TEXT_H

#include "gatehouse/bytes.h"

/* Append the item. A mistake in the notation ends the program: it is the test's. */
void cbor_put_notation(struct gh_writer *writer, const char *notation);

#endif
