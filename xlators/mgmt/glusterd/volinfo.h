/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volinfo.h: what is known of a volume: its bricks, its options, its identity. Plain data; the store reads and writes it, the generator
 * of volume files reads it.
 *
 * Owners   volinfo_free() frees all of it. Texts are on the heap.
 * Threads  None: whoever changes a volume has it to himself (the transaction that holds the volume).
 * Source   spec management 1.4. */
#ifndef GLUSTERD_VOLINFO_H
#define GLUSTERD_VOLINFO_H

#include <stdint.h>

#include "pairs.h"

#define UUID_TEXT 37

enum volume_status { VOLUME_CREATED = 0, VOLUME_STARTED = 1, VOLUME_STOPPED = 2 };
enum volume_type { VOLUME_PLAIN = 0, VOLUME_REPLICATE = 2, VOLUME_DISPERSE = 4 }; /* others were removed from GlusterFS */

struct brickinfo {
    char *host, *path, *real_path;
    char *id;                      /* "V-client-N": never another brick's                  */
    char owner[UUID_TEXT];         /* the node's                                           */
    int port, rdma_port;           /* of the last start; 0: none                           */
    bool decommissioned;
    char *mount_dir;               /* path below its file system's mount point             */
    char *fsid;                    /* statvfs' f_fsid in decimal                           */
    struct pairs other;            /* lines that we only keep                              */
};

struct volinfo {
    char *name;
    char id[UUID_TEXT];
    enum volume_status status;
    enum volume_type type;
    unsigned int sub_count;        /* bricks of a subvolume; 0: plain distribute           */
    unsigned int replica_count, arbiter_count, disperse_count, redundancy_count, thin_arbiter_count;
    unsigned int version;          /* one more with each change that is stored             */
    unsigned int transport;        /* 0 tcp, 1 rdma, 2 both                                */
    char *username, *password;     /* what the trusted volume file logs in with; may be NULL */
    unsigned int op_version, client_op_version, quota_version;
    struct pairs options;          /* in the order of their setting                        */
    struct pairs other;            /* lines of info that we only keep: sessions, snapshots */
    struct brickinfo *bricks;
    unsigned int nr_bricks;
    struct pairs node_state;       /* node_state.info, as it is                            */
};

struct volinfo *volinfo_new(const char *name);
struct volinfo *volinfo_copy(const struct volinfo *v);   /* what a transaction changes before it is sure */
void volinfo_free(struct volinfo *v);
struct brickinfo *volinfo_add_brick(struct volinfo *v);  /* zeroed, at the end */
void volinfo_remove_brick(struct volinfo *v, unsigned int i);
void volinfo_move_brick(struct volinfo *v, unsigned int from, unsigned int to); /* to is not behind from */
void brickinfo_done(struct brickinfo *b);

unsigned int volinfo_subvolumes(const struct volinfo *v); /* children of distribute */
unsigned int volinfo_shown_type(const struct volinfo *v); /* the number that `volume info` and --xml show */
const char *volinfo_type_name(unsigned int shown);        /* "Distributed-Replicate"                     */
const char *volinfo_option(const struct volinfo *v, const char *key); /* as set, or the default; NULL: neither */
bool volinfo_is_on(const struct volinfo *v, const char *key);

char *path_dashed(const char *path, bool leading); /* "/bricks/b1" -> "-bricks-b1" or "bricks-b1"; heap, NULL: no memory */

#endif
