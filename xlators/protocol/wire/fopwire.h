/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fopwire.h: the table between file operations and the bytes of program 1298437 version 400: one row per operation.
 *
 * A row says which structure of rpc/xdr/fop400.x its request and its reply are, how the structure and the fop become each other,
 * which objects the request names and how much must be known of them, and where file data travels. Operations with the same
 * shape share their codecs. protocol/server reads rows in one direction, protocol/client reads them in the other.
 *
 * Objects  A fop holds references (inodes, fds); the wire has gfids, names and numbers. What is between them is struct
 *          wire_object: the server resolves it, the client fills it in.
 * Threads  The table is constant; a codec touches only what it is given.
 *
 * Source: spec wire 1.8, 6.2, 7; brick 4.5 (resolution). */
#ifndef PROTOCOL_FOPWIRE_H
#define PROTOCOL_FOPWIRE_H

#include "fop.h"
#include "wire.h"

/* How much must be known of an object before the operation goes down (the words of spec brick 4.5 in brackets). */
enum wire_need {
    NEED_NOTHING,
    NEED_INODE,      /* gfid: known, else ESTALE [MUST, EXACT]                                                            */
    NEED_FILE,       /* descriptor of a file, or -2: anonymous (ENOENT when the object is missing); else EBADF             */
    NEED_DIR,        /* descriptor of a directory, or -2                                                                  */
    NEED_FD,         /* descriptor of either, or -2                                                                       */
    NEED_PARENT,     /* parent and name: the parent is known; the storage says whether the name exists [NOT, DONTCARE]     */
    NEED_NAME,       /* and the object with that name, else ENOENT [MUST]                                                 */
    NEED_MAYBE_NAME, /* and the object with that name, if there is one [MAY]                                              */
    NEED_LOOKUP,     /* a name: as NEED_PARENT. None: the gfid, whether known or not                                       */
};

struct wire_object {
    gfid_t gfid;          /* of the object, for NEED_INODE and descriptors; for names of the parent */
    struct wire_str name; /* borrowed from the record */
    int64_t fd;
};
#define WIRE_FD_ANONYMOUS (-2)

enum wire_bulk { BULK_NONE, BULK_REQUEST, BULK_REPLY };

struct wire_row {
    struct {
        void *proc;       /* what rpcgen made of the structure; NULL: this operation has no row */
        size_t size;
        size_t xdata;     /* offset of its member xdata */
        /* Structure into fop->in and obj. Text and numbers are copied, dicts opened. 0 or -errno (-EINVAL and -E2BIG of a dict:
         * the request is garbage; see fops.c). */
        int (*from_wire)(const void *req, struct fop *fop, struct wire_object obj[2]);
        /* fop->in and obj into the structure, which borrows from both. xdata is done by wire_call(). */
        void (*to_wire)(const struct fop *fop, const struct wire_object obj[2], void *req);
    } request;
    struct {
        void *proc;
        size_t size;
        /* fop->out into the structure, after a success. op_ret, op_errno and xdata, and all of an error, are done by
         * wire_reply(). NULL: there is nothing more. fd: the number for OPEN, CREATE, OPENDIR. */
        void (*to_wire)(const struct fop *fop, int64_t fd, void *rsp);
        /* The structure of a success into fop->out; NULL: there is nothing more. 0, -EBADMSG, -E2BIG, -ENOMEM. */
        int (*from_wire)(const void *rsp, struct fop *fop, int64_t *ret_fd);
    } reply;
    enum wire_need need, need2;
    enum wire_bulk bulk;
};
extern const struct wire_row wire_rows[NR_FOPS];

/* Decodes a request of fop->op. *ret_used: how many bytes it was; file data follows. 0; -EBADMSG: it does not decode; another
 * -errno: it does, and that is the operation's error. */
int wire_request(struct fop *fop, const uint8_t *args, size_t len, struct wire_object obj[2], size_t *ret_used);
/* Encodes the reply of a completed fop with its file data; body must be empty. -ENOMEM, -EMSGSIZE. */
int wire_reply(struct iobuf_pool *pool, const struct fop *fop, int64_t fd, struct slicev *body);

/* Where WRITE's data starts, for rpc_actor.bulk_at. */
size_t wire_write_bulk_at(const uint8_t *args, size_t have);

/* The calling end. Which objects a fop is about: gfids and names, descriptors -1. false: one is missing. */
bool wire_objects(const struct fop *fop, struct wire_object ret_obj[2]);
/* The request structure of a fop, to be encoded with *ret_proc while fop and obj stay; file data goes behind it. -EOPNOTSUPP: this
 * operation has no row. */
union wire_any_request;
int wire_call(const struct fop *fop, const struct wire_object obj[2], union wire_any_request *ret, void **ret_proc);
/* A reply to fop->op into ret, err, out and xdata_out. *ret_fd: the number of OPEN, CREATE, OPENDIR. *ret_used: how many bytes it was;
 * READ's data follows. 0 (what the server said is in the fop, also when that is an error), or -EBADMSG, -E2BIG, -ENOMEM. */
int wire_answer(struct fop *fop, const uint8_t *result, size_t len, int64_t *ret_fd, size_t *ret_used);
/* Where READ's data starts, for rpc_call.bulk_at. */
size_t wire_read_bulk_at(const uint8_t *result, size_t have);

/* Open flags of the wire (octal of spec wire 7.3) and the host's. OPEN_FOR_EXEC stays as it is in both. */
#define OPEN_FOR_EXEC 040
int32_t wire_open_flags(uint32_t wire);
uint32_t wire_open_flags_of(int32_t host);

#endif
