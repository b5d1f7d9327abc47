/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* reply.h: the shapes of replies; see fopwire.h. Only table.c calls them, through its rows. */
#ifndef PROTOCOL_REPLY_H
#define PROTOCOL_REPLY_H

#include "fop400.h"
#include "fopwire.h"

typedef void reply_to_wire(const struct fop *fop, int64_t fd, void *rsp);
extern reply_to_wire iatt_to_wire, iatt2_to_wire, lookup_to_wire, iatt3_to_wire, rename_to_wire, readlink_to_wire;
extern reply_to_wire open_to_wire, create_to_wire, statfs_to_wire, dict_to_wire, lk_to_wire, readdir_to_wire;
extern reply_to_wire readdirp_to_wire, rchecksum_to_wire, seek_to_wire, lease_to_wire, getactivelk_to_wire;

#endif
