/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"
#include "commands.h"
#define LATER(name) int cmd_##name(struct cli *c, const struct words *w) { fputs("this build does not have this command yet\n", stderr); return 1; }
LATER(add_brick) LATER(remove_brick) LATER(replace_brick) LATER(reset_brick) LATER(rebalance) LATER(heal) LATER(profile) LATER(top)
LATER(quota) LATER(inode_quota) LATER(bitrot) LATER(geo_replication) LATER(ssl) LATER(clients) LATER(snap_create) LATER(snap_clone) LATER(snap_delete)
LATER(snap_restore) LATER(snap_activate) LATER(snap_deactivate) LATER(snap_list) LATER(snap_info) LATER(snap_status) LATER(snap_config)
