/* SPDX-License-Identifier: Apache-2.0 */
/* gatehouse-gate --rest: the door's fail state, after everything that could have driven it was
 * killed. */
#include "gate/daemon.h"

#include "gatehouse/log.h"

static bool is_fire(const struct gh_door_io *io)
{
    return io->inputs && (io->inputs(io->context).active & GH_INPUT_BIT(GH_INPUT_FIRE)) != 0;
}

enum gh_status gh_daemon_rest(const struct gh_gate_config *config, struct gh_error *err)
{
    struct gh_door_options door = gh_gate_config_door(config);
    struct gh_door_io io;

    enum gh_status status = gh_gate_config_door_io(config, 0, gh_clock_system(), &io, err);
    if (status != GH_OK)
        return status;
    bool fire = is_fire(&io);
    unsigned lines = fire ? GH_LINE_BIT(GH_LINE_RELAY) & ~gh_door_rest_lines(&door) : 0;
    status = io.set(io.context, lines, err);
    if (status == GH_OK && fire)
        io.leave(io.context); /* free would lock a door that is fail-secure */
    else
        io.free(io.context);
    if (status == GH_OK)
        gh_log(GH_LOG_NOTICE, "door", "%s",
               fire ? "unlocked, since there is a fire" : "all lines are at rest");
    return status;
}
