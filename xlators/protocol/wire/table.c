/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* table.c: one row per operation, and the two functions that read the rows; see fopwire.h.
 *
 * Not here: COMPOUND has no layout, PUT is answered PROC_UNAVAIL (stock does the same: spec wire 2.2). */
#include <errno.h>
#include <stdlib.h>

#include "reply.h"
#include "request.h"

#define REQ(type, shape) \
    {(void *)xdr_fop_##type, sizeof(struct fop_##type), offsetof(struct fop_##type, xdata), shape##_from_wire, shape##_to_req}
#define RSP(type, shape) {(void *)xdr_fop_##type, sizeof(struct fop_##type), shape##_to_wire, shape##_from_rsp}
#define PLAIN(type)      {(void *)xdr_fop_##type, sizeof(struct fop_##type), NULL, NULL}

const struct wire_row wire_rows[NR_FOPS] = {
    /*                       request                              reply                              objects, bulk data */
    [FOP_STAT] =            {REQ(gfid_req, gfid),                 RSP(iatt_rsp, iatt),               NEED_INODE},
    [FOP_READLINK] =        {REQ(readlink_req, readlink),         RSP(readlink_rsp, readlink),       NEED_INODE},
    [FOP_MKNOD] =           {REQ(mknod_req, mknod),               RSP(3iatt_rsp, iatt3),             NEED_PARENT},
    [FOP_MKDIR] =           {REQ(mkdir_req, mkdir),               RSP(3iatt_rsp, iatt3),             NEED_PARENT},
    [FOP_UNLINK] =          {REQ(unlink_req, unlink),             RSP(2iatt_rsp, iatt2),             NEED_NAME},
    [FOP_RMDIR] =           {REQ(rmdir_req, rmdir),               RSP(2iatt_rsp, iatt2),             NEED_NAME},
    [FOP_SYMLINK] =         {REQ(symlink_req, symlink),           RSP(3iatt_rsp, iatt3),             NEED_PARENT},
    [FOP_RENAME] =          {REQ(rename_req, rename),             RSP(rename_rsp, rename),           NEED_NAME, NEED_MAYBE_NAME},
    [FOP_LINK] =            {REQ(link_req, link),                 RSP(3iatt_rsp, iatt3),             NEED_INODE, NEED_PARENT},
    [FOP_TRUNCATE] =        {REQ(truncate_req, truncate),         RSP(2iatt_rsp, iatt2),             NEED_INODE},
    [FOP_OPEN] =            {REQ(open_req, open),                 RSP(open_rsp, open),               NEED_INODE},
    [FOP_READ] =            {REQ(rw_req, read),                   PLAIN(read_rsp),                   NEED_FILE, .bulk = BULK_REPLY},
    [FOP_WRITE] =           {REQ(rw_req, write),                  RSP(2iatt_rsp, iatt2),             NEED_FILE, .bulk = BULK_REQUEST},
    [FOP_STATFS] =          {REQ(gfid_req, gfid),                 RSP(statfs_rsp, statfs),           NEED_INODE},
    [FOP_FLUSH] =           {REQ(fd_req, fd),                     PLAIN(rsp),                        NEED_FD},
    [FOP_FSYNC] =           {REQ(fsync_req, fsync),               RSP(2iatt_rsp, iatt2),             NEED_FD},
    [FOP_SETXATTR] =        {REQ(setxattr_req, setxattr),         PLAIN(rsp),                        NEED_INODE},
    [FOP_GETXATTR] =        {REQ(getxattr_req, getxattr),         RSP(dict_rsp, dict),               NEED_INODE},
    [FOP_REMOVEXATTR] =     {REQ(removexattr_req, removexattr),   PLAIN(rsp),                        NEED_INODE},
    [FOP_OPENDIR] =         {REQ(gfid_req, gfid),                 RSP(open_rsp, open),               NEED_INODE},
    [FOP_FSYNCDIR] =        {REQ(fsync_req, fsync),               PLAIN(rsp),                        NEED_DIR},
    [FOP_ACCESS] =          {REQ(access_req, access),             PLAIN(rsp),                        NEED_INODE},
    [FOP_CREATE] =          {REQ(create_req, create),             RSP(create_rsp, create),           NEED_PARENT},
    [FOP_FTRUNCATE] =       {REQ(ftruncate_req, ftruncate),       RSP(2iatt_rsp, iatt2),             NEED_FILE},
    [FOP_FSTAT] =           {REQ(fd_req, fd),                     RSP(iatt_rsp, iatt),               NEED_FD},
    [FOP_LK] =              {REQ(lk_req, lk),                     RSP(lk_rsp, lk),                   NEED_FILE},
    [FOP_LOOKUP] =          {REQ(lookup_req, lookup),             RSP(2iatt_rsp, lookup),            NEED_LOOKUP},
    [FOP_READDIR] =         {REQ(readdir_req, readdir),           RSP(readdir_rsp, readdir),         NEED_DIR},
    [FOP_INODELK] =         {REQ(inodelk_req, inodelk),           PLAIN(rsp),                        NEED_INODE},
    [FOP_FINODELK] =        {REQ(finodelk_req, finodelk),         PLAIN(rsp),                        NEED_FD},
    [FOP_ENTRYLK] =         {REQ(entrylk_req, entrylk),           PLAIN(rsp),                        NEED_INODE},
    [FOP_FENTRYLK] =        {REQ(fentrylk_req, fentrylk),         PLAIN(rsp),                        NEED_FD},
    [FOP_XATTROP] =         {REQ(xattrop_req, xattrop),           RSP(dict_rsp, dict),               NEED_INODE},
    [FOP_FXATTROP] =        {REQ(fxattrop_req, fxattrop),         RSP(dict_rsp, dict),               NEED_FD},
    [FOP_FGETXATTR] =       {REQ(fgetxattr_req, fgetxattr),       RSP(dict_rsp, dict),               NEED_FD},
    [FOP_FSETXATTR] =       {REQ(fsetxattr_req, fsetxattr),       PLAIN(rsp),                        NEED_FD},
    [FOP_RCHECKSUM] =       {REQ(rchecksum_req, rchecksum),       RSP(rchecksum_rsp, rchecksum),     NEED_FILE},
    [FOP_SETATTR] =         {REQ(setattr_req, setattr),           RSP(2iatt_rsp, iatt2),             NEED_INODE},
    [FOP_FSETATTR] =        {REQ(fsetattr_req, fsetattr),         RSP(2iatt_rsp, iatt2),             NEED_FD},
    [FOP_READDIRP] =        {REQ(readdir_req, readdir),           RSP(readdirp_rsp, readdirp),       NEED_DIR},
    [FOP_RELEASE] =         {REQ(fd_req, fd),                     PLAIN(rsp),                        NEED_NOTHING},
    [FOP_RELEASEDIR] =      {REQ(fd_req, fd),                     PLAIN(rsp),                        NEED_NOTHING},
    [FOP_FREMOVEXATTR] =    {REQ(fremovexattr_req, fremovexattr), PLAIN(rsp),                        NEED_FD},
    [FOP_FALLOCATE] =       {REQ(fallocate_req, fallocate),       RSP(2iatt_rsp, iatt2),             NEED_FILE},
    [FOP_DISCARD] =         {REQ(range_req, range),               RSP(2iatt_rsp, iatt2),             NEED_FILE},
    [FOP_ZEROFILL] =        {REQ(range_req, range),               RSP(2iatt_rsp, iatt2),             NEED_FILE},
    [FOP_IPC] =             {REQ(ipc_req, ipc),                   PLAIN(rsp),                        NEED_NOTHING},
    [FOP_SEEK] =            {REQ(seek_req, seek),                 RSP(seek_rsp, seek),               NEED_FILE},
    [FOP_LEASE] =           {REQ(lease_req, lease),               RSP(lease_rsp, lease),             NEED_INODE},
    [FOP_GETACTIVELK] =     {REQ(gfid_req, gfid),                 RSP(getactivelk_rsp, getactivelk), NEED_INODE},
    [FOP_SETACTIVELK] =     {REQ(setactivelk_req, setactivelk),   PLAIN(rsp),                        NEED_INODE},
    [FOP_ICREATE] =         {REQ(icreate_req, icreate),           RSP(iatt_rsp, iatt),               NEED_NOTHING},
    [FOP_NAMELINK] =        {REQ(namelink_req, namelink),         RSP(2iatt_rsp, iatt2),             NEED_NOTHING},
    [FOP_COPY_FILE_RANGE] = {REQ(copy_file_range_req, copy),      RSP(3iatt_rsp, iatt3),             NEED_FILE, NEED_FILE},
};

/* Every reply but READ's begins like this. */
_Static_assert(offsetof(struct fop_rsp, xdata) == offsetof(struct fop_rename_rsp, xdata) &&
                   offsetof(struct fop_rsp, xdata) == offsetof(struct fop_readdirp_rsp, xdata) &&
                   offsetof(struct fop_rsp, xdata) == offsetof(struct fop_create_rsp, xdata),
               "op_ret, op_errno, xdata");

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
    union wire_any_request req;

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

/* ---- the calling end ---------------------------------------------------------------------------------------------------- */
int wire_call(const struct fop *fop, const struct wire_object obj[2], union wire_any_request *ret, void **ret_proc)
{
    const struct wire_row *row = &wire_rows[fop->op];

    if (!row->request.proc || row->request.size > sizeof(*ret))
        return -EOPNOTSUPP;
    memset(ret, 0, row->request.size);
    *(wire_dict *)((char *)ret + row->request.xdata) = wire_dict_of(fop->xdata);
    row->request.to_wire(fop, obj, ret);
    *ret_proc = row->request.proc;
    return 0;
}

/* The end mark of these is an errno beside a success. */
static bool has_end_mark(enum fop_op op)
{
    return op == FOP_READ || op == FOP_READDIR || op == FOP_READDIRP;
}

static void take_status(struct fop *fop, int32_t op_ret, int32_t op_errno)
{
    if (op_ret >= 0) {
        fop->ret = op_ret;
        fop->err = op_errno == ENOENT && has_end_mark(fop->op) ? ENOENT : 0;
    } else {
        fop->ret = -1;
        fop->err = op_errno > 0 ? op_errno : EIO;
    }
}

int wire_answer(struct fop *fop, const uint8_t *result, size_t len, int64_t *ret_fd, size_t *ret_used)
{
    const struct wire_row *row = &wire_rows[fop->op];
    union any_reply rsp;
    int64_t used;
    int err;

    memset(&rsp, 0, row->reply.size);
    used = wire_decode(row->reply.proc, &rsp, result, len);
    if (used < 0)
        return -EBADMSG;
    *ret_used = (size_t)used;
    if (fop->op == FOP_READ) {
        take_status(fop, rsp.read.op_ret, rsp.read.op_errno);
        fop->out.stat = rsp.read.stat.st;
        return wire_dict_open(&rsp.read.xdata, &fop->xdata_out);
    }
    take_status(fop, rsp.common.op_ret, rsp.common.op_errno);
    err = wire_dict_open(&rsp.common.xdata, &fop->xdata_out);
    if (err < 0 || fop->ret < 0 || !row->reply.from_wire)
        return err;
    return row->reply.from_wire(&rsp, fop, ret_fd);
}

/* ---- where data starts -------------------------------------------------------------------------------------------------- */
/* Behind fields of fixed length and a dict, whose first word says how long its pairs are; two more words belong to it. */
static size_t bulk_at(const uint8_t *bytes, size_t have, size_t fixed)
{
    uint32_t be;

    if (have < fixed + sizeof(be))
        return 0;
    memcpy(&be, bytes + fixed, sizeof(be));
    return fixed + 12 + (size_t)be32toh(be);
}

size_t wire_write_bulk_at(const uint8_t *args, size_t have)
{
    return bulk_at(args, have, 40); /* gfid 16, fd 8, offset 8, size 4, flag 4 */
}

size_t wire_read_bulk_at(const uint8_t *result, size_t have)
{
    return bulk_at(result, have, 160); /* op_ret 4, op_errno 4, stat 148, size 4 */
}
