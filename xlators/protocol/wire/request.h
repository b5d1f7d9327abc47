/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* request.h: the shapes of requests; see fopwire.h. Only table.c calls them, through its rows. */
#ifndef PROTOCOL_REQUEST_H
#define PROTOCOL_REQUEST_H

#include "fop400.h"
#include "fopwire.h"

typedef int request_from_wire(const void *req, struct fop *fop, struct wire_object obj[2]);
extern request_from_wire gfid_from_wire, fd_from_wire, readlink_from_wire, mknod_from_wire, mkdir_from_wire;
extern request_from_wire unlink_from_wire, rmdir_from_wire, symlink_from_wire, rename_from_wire, link_from_wire;
extern request_from_wire truncate_from_wire, open_from_wire, read_from_wire, write_from_wire, fsync_from_wire;
extern request_from_wire setxattr_from_wire, fsetxattr_from_wire, getxattr_from_wire, fgetxattr_from_wire, removexattr_from_wire;
extern request_from_wire fremovexattr_from_wire, access_from_wire, create_from_wire, ftruncate_from_wire, lk_from_wire;
extern request_from_wire lookup_from_wire, readdir_from_wire, inodelk_from_wire, finodelk_from_wire, entrylk_from_wire;
extern request_from_wire fentrylk_from_wire, xattrop_from_wire, fxattrop_from_wire, rchecksum_from_wire, setattr_from_wire;
extern request_from_wire fsetattr_from_wire, fallocate_from_wire, range_from_wire, ipc_from_wire, seek_from_wire;
extern request_from_wire lease_from_wire, setactivelk_from_wire, icreate_from_wire, namelink_from_wire, copy_from_wire;

#endif
