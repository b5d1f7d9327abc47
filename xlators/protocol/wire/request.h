/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* request.h: the shapes of requests, in both directions; see fopwire.h. Only table.c calls them, through its rows. */
#ifndef PROTOCOL_REQUEST_H
#define PROTOCOL_REQUEST_H

#include "fop400.h"
#include "fopwire.h"

/* Room for any of them. */
union wire_any_request {
    struct fop_rename_req rename;
    struct fop_lk_req lk;
    struct fop_finodelk_req finodelk;
    struct fop_fentrylk_req fentrylk;
    struct fop_fsetattr_req fsetattr;
    struct fop_put_req put;
    struct fop_copy_file_range_req copy;
    struct fop_setactivelk_req setactivelk;
};

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

typedef void request_to_wire(const struct fop *fop, const struct wire_object obj[2], void *req);
extern request_to_wire gfid_to_req, fd_to_req, readlink_to_req, mknod_to_req, mkdir_to_req, unlink_to_req, rmdir_to_req;
extern request_to_wire symlink_to_req, rename_to_req, link_to_req, truncate_to_req, open_to_req, read_to_req, write_to_req;
extern request_to_wire fsync_to_req, setxattr_to_req, fsetxattr_to_req, getxattr_to_req, fgetxattr_to_req, removexattr_to_req;
extern request_to_wire fremovexattr_to_req, access_to_req, create_to_req, ftruncate_to_req, lk_to_req, lookup_to_req;
extern request_to_wire readdir_to_req, inodelk_to_req, finodelk_to_req, entrylk_to_req, fentrylk_to_req, xattrop_to_req;
extern request_to_wire fxattrop_to_req, rchecksum_to_req, setattr_to_req, fsetattr_to_req, fallocate_to_req, range_to_req;
extern request_to_wire ipc_to_req, seek_to_req, lease_to_req, setactivelk_to_req, icreate_to_req, namelink_to_req, copy_to_req;

struct wire_flock wire_flock_of(const struct flock_range *from); /* the owner is borrowed; replies have them, too */

#endif
