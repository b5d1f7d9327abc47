/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* status.h: what `volume status` can be asked for, and the two printers of an answer. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include "xml.h"

/* Bits of the request's "cmd" (spec management 5.3). */
enum {
    STATUS_MEM = 0x1,
    STATUS_CLIENTS = 0x2,
    STATUS_INODE = 0x4,
    STATUS_FD = 0x8,
    STATUS_CALLPOOL = 0x10,
    STATUS_DETAIL = 0x20,
    STATUS_TASKS = 0x40,
    STATUS_CLIENT_LIST = 0x80,
    STATUS_VOLUME = 0x100,
    STATUS_ALL = 0x200,
    STATUS_BRICK = 0x400,
    STATUS_NFS = 0x800,
    STATUS_SHD = 0x1000,
    STATUS_QUOTAD = 0x2000,
    STATUS_SNAPD = 0x4000,
    STATUS_BITD = 0x8000,
    STATUS_SCRUB = 0x10000,
    STATUS_WHAT = 0xff,
    STATUS_DAEMONS = STATUS_NFS | STATUS_SHD | STATUS_QUOTAD | STATUS_SNAPD | STATUS_BITD | STATUS_SCRUB,
};

/* One row of the answer: a brick's process, or a daemon's of a node. */
struct status_row {
    int n;                       /* brickN */
    const char *host, *path;
    bool brick, online;
    int64_t port, rdma_port, pid;
    bool has_rdma;
};
int status_rows(const struct reply *a);                                  /* how many there may be; below 0: a key is missing, said */
bool status_row(const struct reply *a, int n, struct status_row *ret);   /* false: this node did not answer */

int status_print(const struct reply *a, uint32_t cmd, const char *volume); /* exit status */
void status_xml(struct xml *x, const struct reply *a, uint32_t cmd, const char *volume); /* <volume> */
const char *task_status_name(int64_t status);                            /* of a rebalance or remove-brick */

#endif
