/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* table.c: one row per operation, and the two functions that read the rows; see fopwire.h.
 *
 * Not here: COMPOUND has no layout, PUT is answered PROC_UNAVAIL (stock does the same: spec wire 2.2). */
#include <errno.h>
#include <stdlib.h>

#include "reply.h"
#include "request.h"

#define REQ(type, from) {(void *)xdr_fop_##type, sizeof(struct fop_##type), offsetof(struct fop_##type, xdata), from}
#define RSP(type, to)   {(void *)xdr_fop_##type, to}

const struct wire_row wire_rows[NR_FOPS] = {
    /*                        request                                            reply                                       objects, bulk data */
    [FOP_STAT] =             {REQ(gfid_req, gfid_from_wire),                    RSP(iatt_rsp, iatt_to_wire),               NEED_INODE},
    [FOP_READLINK] =         {REQ(readlink_req, readlink_from_wire),            RSP(readlink_rsp, readlink_to_wire),       NEED_INODE},
    [FOP_MKNOD] =            {REQ(mknod_req, mknod_from_wire),                  RSP(3iatt_rsp, iatt3_to_wire),             NEED_PARENT},
    [FOP_MKDIR] =            {REQ(mkdir_req, mkdir_from_wire),                  RSP(3iatt_rsp, iatt3_to_wire),             NEED_PARENT},
    [FOP_UNLINK] =           {REQ(unlink_req, unlink_from_wire),                RSP(2iatt_rsp, iatt2_to_wire),             NEED_NAME},
    [FOP_RMDIR] =            {REQ(rmdir_req, rmdir_from_wire),                  RSP(2iatt_rsp, iatt2_to_wire),             NEED_NAME},
    [FOP_SYMLINK] =          {REQ(symlink_req, symlink_from_wire),              RSP(3iatt_rsp, iatt3_to_wire),             NEED_PARENT},
    [FOP_RENAME] =           {REQ(rename_req, rename_from_wire),                RSP(rename_rsp, rename_to_wire),           NEED_NAME, NEED_MAYBE_NAME},
    [FOP_LINK] =             {REQ(link_req, link_from_wire),                    RSP(3iatt_rsp, iatt3_to_wire),             NEED_INODE, NEED_PARENT},
    [FOP_TRUNCATE] =         {REQ(truncate_req, truncate_from_wire),            RSP(2iatt_rsp, iatt2_to_wire),             NEED_INODE},
    [FOP_OPEN] =             {REQ(open_req, open_from_wire),                    RSP(open_rsp, open_to_wire),               NEED_INODE},
    [FOP_READ] =             {REQ(rw_req, read_from_wire),                      RSP(read_rsp, NULL),                       NEED_FILE, .bulk = BULK_REPLY},
    [FOP_WRITE] =            {REQ(rw_req, write_from_wire),                     RSP(2iatt_rsp, iatt2_to_wire),             NEED_FILE, .bulk = BULK_REQUEST},
    [FOP_STATFS] =           {REQ(gfid_req, gfid_from_wire),                    RSP(statfs_rsp, statfs_to_wire),           NEED_INODE},
    [FOP_FLUSH] =            {REQ(fd_req, fd_from_wire),                        RSP(rsp, NULL),                            NEED_FD},
    [FOP_FSYNC] =            {REQ(fsync_req, fsync_from_wire),                  RSP(2iatt_rsp, iatt2_to_wire),             NEED_FD},
    [FOP_SETXATTR] =         {REQ(setxattr_req, setxattr_from_wire),            RSP(rsp, NULL),                            NEED_INODE},
    [FOP_GETXATTR] =         {REQ(getxattr_req, getxattr_from_wire),            RSP(dict_rsp, dict_to_wire),               NEED_INODE},
    [FOP_REMOVEXATTR] =      {REQ(removexattr_req, removexattr_from_wire),      RSP(rsp, NULL),                            NEED_INODE},
    [FOP_OPENDIR] =          {REQ(gfid_req, gfid_from_wire),                    RSP(open_rsp, open_to_wire),               NEED_INODE},
    [FOP_FSYNCDIR] =         {REQ(fsync_req, fsync_from_wire),                  RSP(rsp, NULL),                            NEED_DIR},
    [FOP_ACCESS] =           {REQ(access_req, access_from_wire),                RSP(rsp, NULL),                            NEED_INODE},
    [FOP_CREATE] =           {REQ(create_req, create_from_wire),                RSP(create_rsp, create_to_wire),           NEED_PARENT},
    [FOP_FTRUNCATE] =        {REQ(ftruncate_req, ftruncate_from_wire),          RSP(2iatt_rsp, iatt2_to_wire),             NEED_FILE},
    [FOP_FSTAT] =            {REQ(fd_req, fd_from_wire),                        RSP(iatt_rsp, iatt_to_wire),               NEED_FD},
    [FOP_LK] =               {REQ(lk_req, lk_from_wire),                        RSP(lk_rsp, lk_to_wire),                   NEED_FILE},
    [FOP_LOOKUP] =           {REQ(lookup_req, lookup_from_wire),                RSP(2iatt_rsp, lookup_to_wire),            NEED_LOOKUP},
    [FOP_READDIR] =          {REQ(readdir_req, readdir_from_wire),              RSP(readdir_rsp, readdir_to_wire),         NEED_DIR},
    [FOP_INODELK] =          {REQ(inodelk_req, inodelk_from_wire),              RSP(rsp, NULL),                            NEED_INODE},
    [FOP_FINODELK] =         {REQ(finodelk_req, finodelk_from_wire),            RSP(rsp, NULL),                            NEED_FD},
    [FOP_ENTRYLK] =          {REQ(entrylk_req, entrylk_from_wire),              RSP(rsp, NULL),                            NEED_INODE},
    [FOP_FENTRYLK] =         {REQ(fentrylk_req, fentrylk_from_wire),            RSP(rsp, NULL),                            NEED_FD},
    [FOP_XATTROP] =          {REQ(xattrop_req, xattrop_from_wire),              RSP(dict_rsp, dict_to_wire),               NEED_INODE},
    [FOP_FXATTROP] =         {REQ(fxattrop_req, fxattrop_from_wire),            RSP(dict_rsp, dict_to_wire),               NEED_FD},
    [FOP_FGETXATTR] =        {REQ(fgetxattr_req, fgetxattr_from_wire),          RSP(dict_rsp, dict_to_wire),               NEED_FD},
    [FOP_FSETXATTR] =        {REQ(fsetxattr_req, fsetxattr_from_wire),          RSP(rsp, NULL),                            NEED_FD},
    [FOP_RCHECKSUM] =        {REQ(rchecksum_req, rchecksum_from_wire),          RSP(rchecksum_rsp, rchecksum_to_wire),     NEED_FILE},
    [FOP_SETATTR] =          {REQ(setattr_req, setattr_from_wire),              RSP(2iatt_rsp, iatt2_to_wire),             NEED_INODE},
    [FOP_FSETATTR] =         {REQ(fsetattr_req, fsetattr_from_wire),            RSP(2iatt_rsp, iatt2_to_wire),             NEED_FD},
    [FOP_READDIRP] =         {REQ(readdir_req, readdir_from_wire),              RSP(readdirp_rsp, readdirp_to_wire),       NEED_DIR},
    [FOP_RELEASE] =          {REQ(fd_req, fd_from_wire),                        RSP(rsp, NULL),                            NEED_NOTHING},
    [FOP_RELEASEDIR] =       {REQ(fd_req, fd_from_wire),                        RSP(rsp, NULL),                            NEED_NOTHING},
    [FOP_FREMOVEXATTR] =     {REQ(fremovexattr_req, fremovexattr_from_wire),    RSP(rsp, NULL),                            NEED_FD},
    [FOP_FALLOCATE] =        {REQ(fallocate_req, fallocate_from_wire),          RSP(2iatt_rsp, iatt2_to_wire),             NEED_FILE},
    [FOP_DISCARD] =          {REQ(range_req, range_from_wire),                  RSP(2iatt_rsp, iatt2_to_wire),             NEED_FILE},
    [FOP_ZEROFILL] =         {REQ(range_req, range_from_wire),                  RSP(2iatt_rsp, iatt2_to_wire),             NEED_FILE},
    [FOP_IPC] =              {REQ(ipc_req, ipc_from_wire),                      RSP(rsp, NULL),                            NEED_NOTHING},
    [FOP_SEEK] =             {REQ(seek_req, seek_from_wire),                    RSP(seek_rsp, seek_to_wire),               NEED_FILE},
    [FOP_LEASE] =            {REQ(lease_req, lease_from_wire),                  RSP(lease_rsp, lease_to_wire),             NEED_INODE},
    [FOP_GETACTIVELK] =      {REQ(gfid_req, gfid_from_wire),                    RSP(getactivelk_rsp, getactivelk_to_wire), NEED_INODE},
    [FOP_SETACTIVELK] =      {REQ(setactivelk_req, setactivelk_from_wire),      RSP(rsp, NULL),                            NEED_INODE},
    [FOP_ICREATE] =          {REQ(icreate_req, icreate_from_wire),              RSP(iatt_rsp, iatt_to_wire),               NEED_NOTHING},
    [FOP_NAMELINK] =         {REQ(namelink_req, namelink_from_wire),            RSP(2iatt_rsp, iatt2_to_wire),             NEED_NOTHING},
    [FOP_COPY_FILE_RANGE] =  {REQ(copy_file_range_req, copy_from_wire),         RSP(3iatt_rsp, iatt3_to_wire),             NEED_FILE, NEED_FILE},
};

/* Every reply but READ's begins like this. */
_Static_assert(offsetof(struct fop_rsp, xdata) == offsetof(struct fop_rename_rsp, xdata) &&
                   offsetof(struct fop_rsp, xdata) == offsetof(struct fop_readdirp_rsp, xdata) &&
                   offsetof(struct fop_rsp, xdata) == offsetof(struct fop_create_rsp, xdata),
               "op_ret, op_errno, xdata");

union any_request {
    struct fop_rename_req rename;
    struct fop_lk_req lk;
    struct fop_finodelk_req finodelk;
    struct fop_fentrylk_req fentrylk;
    struct fop_fsetattr_req fsetattr;
    struct fop_put_req put;
    struct fop_copy_file_range_req copy;
    struct fop_setactivelk_req setactivelk;
};
union any_reply {
    struct fop_rsp common;
    struct fop_rename_rsp rename;
    struct fop_create_rsp create;
    struct fop_read_rsp read;
    struct fop_statfs_rsp statfs;
    struct fop_dict_rsp dict;
    struct fop_readdirp_rsp readdirp;
    struct fop_getactivelk_rsp getactivelk;
};

int wire_request(struct fop *fop, const uint8_t *args, size_t len, struct wire_object obj[2], size_t *ret_used)
{
    const struct wire_row *row = &wire_rows[fop->op];
    union any_request req;

    if (!row->request.proc || row->request.size > sizeof(req))
        return -EBADMSG;
    memset(&req, 0, row->request.size);
    int64_t used = wire_decode(row->request.proc, &req, args, len);
    if (used < 0)
        return -EBADMSG;
    *ret_used = (size_t)used;
    obj[0] = obj[1] = (struct wire_object){.fd = -1};
    int err = wire_dict_open((const wire_dict *)((const char *)&req + row->request.xdata), &fop->xdata);
    return err < 0 ? err : row->request.from_wire(&req, fop, obj);
}

static void read_reply(const struct fop *fop, struct fop_read_rsp *r)
{
    *r = (struct fop_read_rsp){.op_ret = fop->ret, .op_errno = fop->err, .xdata = wire_dict_of(fop->xdata_out)};
    if (fop->ret >= 0) {
        r->op_ret = (int32_t)fop->out.data.len; /* the reader goes by it: it must be what follows */
        r->size = (uint32_t)fop->out.data.len;
        r->stat = wire_iatt4_of(&fop->out.stat);
    }
}

int wire_reply(struct iobuf_pool *pool, const struct fop *fop, int64_t fd, struct slicev *body)
{
    const struct wire_row *row = &wire_rows[fop->op];
    union any_reply rsp;
    struct slice head;

    memset(&rsp, 0, sizeof(rsp));
    if (fop->op == FOP_READ) {
        read_reply(fop, &rsp.read);
    } else {
        rsp.common = (struct fop_rsp){.op_ret = fop->ret, .op_errno = fop->err, .xdata = wire_dict_of(fop->xdata_out)};
        if (fop->ret >= 0 && row->reply.to_wire)
            row->reply.to_wire(fop, fd, &rsp);
    }
    int r = wire_encode(pool, row->reply.proc, &rsp, &head);
    if (r < 0)
        return r;
    r = slicev_add(body, head);
    if (r == 0 && fop->op == FOP_READ && fop->ret >= 0)
        r = slicev_add_all(body, &fop->out.data);
    return r;
}

/* gfid 16, fd 8, offset 8, size 4, flag 4; then a dict whose first word says how long its pairs are. */
#define WRITE_DICT_AT 40
#define WRITE_FIXED (WRITE_DICT_AT + 12)

size_t wire_write_bulk_at(const uint8_t *args, size_t have)
{
    uint32_t be;

    if (have < WRITE_DICT_AT + sizeof(be))
        return 0;
    memcpy(&be, args + WRITE_DICT_AT, sizeof(be));
    return WRITE_FIXED + (size_t)be32toh(be);
}
