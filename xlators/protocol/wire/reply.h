/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* reply.h: the shapes of replies, in both directions; see fopwire.h. Only table.c calls them, through its rows. */
#ifndef PROTOCOL_REPLY_H
#define PROTOCOL_REPLY_H

#include "fop400.h"
#include "fopwire.h"

typedef void reply_to_wire(const struct fop *fop, int64_t fd, void *rsp);
extern reply_to_wire iatt_to_wire, iatt2_to_wire, lookup_to_wire, iatt3_to_wire, rename_to_wire, readlink_to_wire;
extern reply_to_wire open_to_wire, create_to_wire, statfs_to_wire, dict_to_wire, lk_to_wire, readdir_to_wire;
extern reply_to_wire readdirp_to_wire, rchecksum_to_wire, seek_to_wire, lease_to_wire, getactivelk_to_wire;

typedef int reply_from_wire(const void *rsp, struct fop *fop, int64_t *ret_fd);
extern reply_from_wire iatt_from_rsp, iatt2_from_rsp, lookup_from_rsp, iatt3_from_rsp, rename_from_rsp, readlink_from_rsp;
extern reply_from_wire open_from_rsp, create_from_rsp, statfs_from_rsp, dict_from_rsp, lk_from_rsp, readdir_from_rsp;
extern reply_from_wire readdirp_from_rsp, rchecksum_from_rsp, seek_from_rsp, lease_from_rsp, getactivelk_from_rsp;

#endif
