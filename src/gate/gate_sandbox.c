/* SPDX-License-Identifier: Apache-2.0 */
/* What a gate may still do once it runs: everything that its configuration names, and little else.
 */
#include <stdio.h>
#include <string.h>

#include "gate/daemon.h"
#include "gate/voice.h"
#include "gatehouse/sandbox.h"

/* "" for "". */
static void folder_of(const char *path, char *out, size_t out_bytes)
{
    const char *slash = strrchr(path, '/');

    if (slash)
        snprintf(out, out_bytes, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    else
        snprintf(out, out_bytes, "%s", path[0] != '\0' ? "." : "");
}

enum gh_status gh_gate_sandbox(const char *config_path, const struct gh_gate_config *config,
                               struct gh_error *err)
{
    static const char replay[] = "replay:";
    struct gh_sandbox sandbox = {0};
    char control_folder[sizeof(config->control)];

    if (!config->sandbox)
        return GH_OK;
    gh_sandbox_allow_system(&sandbox);
    gh_sandbox_allow(&sandbox, GH_SANDBOX_WRITE, config->state_dir);
    folder_of(config->control, control_folder, sizeof(control_folder));
    gh_sandbox_allow(&sandbox, GH_SANDBOX_WRITE, control_folder);
    /* All of /dev: what is plugged in again is another file. Which devices those are is for the
     * groups, and for systemd's DeviceAllow. */
    gh_sandbox_allow(&sandbox, GH_SANDBOX_DEVICES, "/dev");
    gh_sandbox_allow(&sandbox, GH_SANDBOX_DEVICES, config->scanner_device);
    gh_sandbox_allow(&sandbox, GH_SANDBOX_DEVICES, config->keyboard_device);
    if (strncmp(config->camera, replay, sizeof(replay) - 1) == 0) {
        const char *pictures = config->camera + sizeof(replay) - 1;
        gh_sandbox_allow(&sandbox, GH_SANDBOX_READ, pictures);
        gh_sandbox_allow(&sandbox, GH_SANDBOX_REPLACE, pictures);
    }
    gh_sandbox_allow(&sandbox, GH_SANDBOX_REPLACE, config_path);
    gh_sandbox_allow(&sandbox, GH_SANDBOX_REPLACE, config->ca_file);
    gh_sandbox_allow(&sandbox, GH_SANDBOX_REPLACE, config->inputs_file);
    gh_sandbox_allow(&sandbox, GH_SANDBOX_READ, config->temperature_sensor);
    gh_sandbox_allow(&sandbox, GH_SANDBOX_READ, config->sound_folder);
    gh_sandbox_allow(&sandbox, GH_SANDBOX_READ, GH_VOICE_LOCAL_SOUNDS);
    return gh_sandbox_enter(&sandbox, err);
}
