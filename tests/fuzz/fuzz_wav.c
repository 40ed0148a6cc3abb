/* SPDX-License-Identifier: Apache-2.0 */
/* Sound files. What is taken lies within the file, whole frames of it, and is no longer than it may
 * be. */
#include "fuzz.h"
#include "gatehouse/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gh_wav wav;
    struct gh_error err = {0};
    enum gh_status status = gh_wav_parse((struct gh_bytes){data, size}, &wav, &err);
    fuzz_require(err.status == status);
    if (status != GH_OK) {
        fuzz_require(wav.frames == 0 && wav.sound.data == NULL && err.text[0] != '\0');
        return 0;
    }
    fuzz_require(wav.rate >= GH_WAV_RATE_MIN && wav.rate <= GH_WAV_RATE_MAX);
    fuzz_require(wav.channels >= 1 && wav.channels <= GH_WAV_CHANNELS_MAX);
    fuzz_require(wav.frames >= 1 && wav.sound.size == wav.frames * wav.channels * 2);
    fuzz_require(wav.sound.size <=
                 (size_t)GH_WAV_LONGEST_S * GH_WAV_RATE_MAX * 2 * GH_WAV_CHANNELS_MAX);
    fuzz_require(wav.sound.data > data && wav.sound.data + wav.sound.size <= data + size);
    fuzz_require(gh_wav_ms(&wav) >= 1 && gh_wav_ms(&wav) <= GH_WAV_LONGEST_S * 1000);
    return 0;
}
