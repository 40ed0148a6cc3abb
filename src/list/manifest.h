/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room ask of a manifest, besides reading and writing it. */
#ifndef GATEHOUSE_SRC_LIST_MANIFEST_H
#define GATEHOUSE_SRC_LIST_MANIFEST_H

#include "gatehouse/list.h"

#define GH_GENERATION_MAX (UINT64_C(1) << 53) /* generations are also spoken of in JSON */

bool gh_list_area_fits(const char area[GH_AREA_BYTES]);
/* What of a manifest belongs to its generation, and not to the moment or the snapshot. Append to
 * writer; GH_MANIFEST_MAX_BYTES are enough for one that was read. */
void gh_manifest_put_rules(struct gh_writer *writer, const struct gh_manifest *manifest);

#endif
