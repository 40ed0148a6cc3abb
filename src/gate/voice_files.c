/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "gate/voice_parts.h"

bool gh_voice_find_prompt(const char *const folders[GH_VOICE_FOLDERS], const char *language,
                          enum gh_prompt prompt, char *path)
{
    for (size_t i = 0; i < GH_VOICE_FOLDERS; i++) {
        if (!folders[i] || folders[i][0] == '\0')
            continue;
        int length =
            snprintf(path, PATH_MAX, "%s/%s/%s.wav", folders[i], language, gh_prompt_name(prompt));
        if (length > 0 && length < PATH_MAX && access(path, R_OK) == 0)
            return true;
    }
    return false;
}
