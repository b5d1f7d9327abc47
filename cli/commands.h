/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* commands.h: the functions behind the rows of commands.c: words in, exit status or BAD_WORDS out. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "gluster.h"

#define COMMAND(name) int cmd_##name(struct cli *c, const struct words *w)
COMMAND(peer_probe);
COMMAND(peer_detach);
COMMAND(peer_status);
COMMAND(pool_list);

COMMAND(create);
COMMAND(start);
COMMAND(stop);
COMMAND(delete);
COMMAND(list);
COMMAND(info);
COMMAND(status);
COMMAND(set);
COMMAND(get);
COMMAND(reset);
COMMAND(add_brick);
COMMAND(remove_brick);
COMMAND(replace_brick);
COMMAND(reset_brick);
COMMAND(rebalance);
COMMAND(heal);
COMMAND(profile);
COMMAND(top);
COMMAND(statedump);
COMMAND(clear_locks);
COMMAND(log_rotate);
COMMAND(sync);
COMMAND(barrier);
COMMAND(quota);
COMMAND(inode_quota);
COMMAND(bitrot);
COMMAND(geo_replication);
COMMAND(ssl);
COMMAND(clients);

COMMAND(snap_create);
COMMAND(snap_clone);
COMMAND(snap_delete);
COMMAND(snap_restore);
COMMAND(snap_activate);
COMMAND(snap_deactivate);
COMMAND(snap_list);
COMMAND(snap_info);
COMMAND(snap_status);
COMMAND(snap_config);

COMMAND(get_state);
COMMAND(ganesha);
COMMAND(getspec);
COMMAND(getwd);
COMMAND(portmap);
COMMAND(fsm_log);
COMMAND(uuid_get);
COMMAND(uuid_reset);
COMMAND(mount);
COMMAND(umount);
COMMAND(copy_file);
COMMAND(execute);
COMMAND(quit);
#undef COMMAND

#endif
