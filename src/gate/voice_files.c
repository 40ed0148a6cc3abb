/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "gate/voice_parts.h"
#include "gatehouse/file.h"

bool gh_voice_find_prompt(const char *const folders[GH_VOICE_FOLDERS], size_t *folder,
                          const char *language, enum gh_prompt prompt, char *path)
{
    while (*folder < GH_VOICE_FOLDERS) {
        const char *root = folders[(*folder)++];
        if (!root || root[0] == '\0')
            continue;
        int length =
            snprintf(path, PATH_MAX, "%s/%s/%s.wav", root, language, gh_prompt_name(prompt));
        if (length > 0 && length < PATH_MAX && access(path, F_OK) == 0)
            return true;
    }
    return false;
}

enum gh_status gh_voice_read_sound(const char *path, uint8_t **data, struct gh_wav *wav,
                                   struct gh_error *err)
{
    struct gh_error why = {0};
    size_t size;

    enum gh_status status = gh_file_read(path, GH_ANNOUNCEMENT_MAX_BYTES, data, &size, err);
    if (status != GH_OK)
        return status;
    status = gh_wav_parse((struct gh_bytes){*data, size}, wav, &why);
    return status == GH_OK ? GH_OK : gh_fail(err, status, "%.150s: %.90s", path, why.text);
}

bool gh_voice_has_prompt(const char *const folders[GH_VOICE_FOLDERS], const char *language,
                         enum gh_prompt prompt, struct gh_error *err)
{
    char path[PATH_MAX];
    size_t folder = 0;

    while (gh_voice_find_prompt(folders, &folder, language, prompt, path)) {
        struct gh_error why = {0};
        struct gh_wav wav;
        GH_CLEANUP_FREE uint8_t *data = NULL;
        enum gh_status status = gh_voice_read_sound(path, &data, &wav, &why);
        if (status == GH_OK)
            return true;
        (void)gh_fail(err, status, "%s", why.text);
    }
    return false;
}
