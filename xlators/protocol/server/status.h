/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* status.h: what `gluster volume status VOLUME mem|clients|inode|fd|callpool` asks a brick for, as the keys of GD_BRICK's STATUS reply
 * (spec wire 10.1, management 5.5; without "brick<N>."). For glusterfsd/, which answers that program on the management socket.
 *
 * Lists are cut so that the reply stays a dictionary that we would take ourselves (DICT_PAIRS_MAX); counts beside them are whole.
 *
 * Threads  Any, while the graph stands. It looks at every client under locks for moments; better on a worker or the loop than on a
 *          data connection's poller. */
#ifndef SERVER_STATUS_H
#define SERVER_STATUS_H

#include <stdint.h>

struct dict;
struct xlator;

/* The bits of STATUS' `cmd` that a brick answers. "Detail" and "tasks" are the daemon's. */
enum server_status_what {
    STATUS_MEM = 0x1,
    STATUS_CLIENTS = 0x2,
    STATUS_INODE = 0x4,
    STATUS_FD = 0x8,
    STATUS_CALLPOOL = 0x10,
    STATUS_CLIENT_LIST = 0x80,
    STATUS_CONNS = 0x100000, /* our own, which no stock daemon sends: what each connection is doing */
};

/* server: a protocol/server (the graph's top). brick: name of one of its children; NULL: all. ret: gets the keys.
 * 0; -ENOENT: no such brick; -EINVAL: none of these bits is in cmd; -ENOMEM. */
int server_status(struct xlator *server, const char *brick, uint32_t cmd, struct dict *ret);

/* Takes locks away (features/locks' attribute of that key). Embedded in its owner, who stays until done(). path, key: his as well. */
struct server_clear {
    const char *path;           /* from the volume's root */
    const char *key;            /* "glusterfs.clrlk.tposix.kall" */
    void (*done)(struct server_clear *c, int r, const char *text); /* any thread. text: what was cleared, during the call; -errno */
};
/* -ENODEV: no such brick. */
void server_clear_locks(struct xlator *server, const char *brick, struct server_clear *c);

#endif
