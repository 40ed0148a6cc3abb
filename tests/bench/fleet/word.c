/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fleet/word.h"

#include <stdlib.h>
#include <string.h>

#include "bench/fleet/fleet.h"
#include "code/cbor.h"

static void take_apart(struct fleet_word *word, struct gh_bytes answer)
{
    struct gh_cbor_reader reader = gh_cbor_reader_over(answer);
    if (gh_cbor_array(&reader) != 5)
        fleet_fail("an answer about the list that is no array of five");
    word->manifest = gh_cbor_bytes(&reader);
    word->delta_head = gh_cbor_bytes(&reader);
    word->records = gh_cbor_bytes(&reader);
    if (gh_cbor_array(&reader) != 0)
        fleet_fail("the list key has been handed over: who did that?");
    (void)gh_cbor_uint(&reader); /* the number of the last news */
    fleet_must(gh_cbor_finish(&reader), "an answer about the list");
}

static void verify(struct fleet_word *word, const struct gh_public_key *list_key)
{
    static struct gh_manifest manifest;
    struct gh_delta_header delta;
    struct gh_error err = {0};
    if (gh_manifest_read(list_key, word->manifest, &manifest, &err) != GH_OK)
        fleet_fail("a manifest that is not valid: %s", err.text);
    word->now.number = manifest.generation;
    memcpy(word->now.tag, manifest.tag, sizeof(word->now.tag));
    if (word->delta_head.size == 0)
        return;
    if (gh_delta_read(list_key, word->delta_head, &delta, &err) != GH_OK)
        fleet_fail("a delta that is not valid: %s", err.text);
    if (!gh_generation_same(&delta.to, &word->now))
        fleet_fail("a delta that leads elsewhere than the manifest says");
    word->from = delta.from;
}

const struct fleet_word *fleet_word_of(struct fleet_words *words, struct gh_bytes answer)
{
    for (size_t i = 0; i < FLEET_WORDS_KEPT; i++) {
        const struct fleet_kept_word *kept = &words->kept[i];
        if (kept->size == answer.size && kept->bytes != NULL &&
            memcmp(kept->bytes, answer.data, answer.size) == 0)
            return &kept->word;
    }
    struct fleet_kept_word *kept = &words->kept[words->next++ % FLEET_WORDS_KEPT];
    free(kept->bytes);
    *kept = (struct fleet_kept_word){.bytes = fleet_allocate(answer.size, 1), .size = answer.size};
    memcpy(kept->bytes, answer.data, answer.size);
    take_apart(&kept->word, (struct gh_bytes){kept->bytes, kept->size});
    verify(&kept->word, words->list_key);
    words->different++;
    return &kept->word;
}

void fleet_words_free(struct fleet_words *words)
{
    for (size_t i = 0; i < FLEET_WORDS_KEPT; i++)
        free(words->kept[i].bytes);
    memset(words, 0, sizeof(*words));
}
