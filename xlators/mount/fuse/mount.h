/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* mount.h: a volume in the file system of this machine. The kernel's requests become operations on handles (libglusterfs/volume.h).
 *
 * Life      mount_new() makes the volume, which its user gives graphs. mount_start() mounts, and serves from then on. When the file system
 *           is unmounted from outside, process->stop(SIGTERM) is called. mount_end() unmounts if need be, lets what runs come back,
 *           closes the volume, and calls ended(), from a thread of its own. Then mount_free().
 * Threads   reader-thread-count readers take requests, each from a channel of its own (FUSE_DEV_IOC_CLONE), and submit them. Whoever
 *           completes an operation answers it. The notifier tells the kernel what it must not keep. */
#ifndef MOUNT_H
#define MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "util.h"

struct mount;
struct process;
struct volume;

enum mount_choice { CHOICE_AUTO, CHOICE_NO, CHOICE_YES };

/* What a person may choose; MOUNT_CONF_USUAL is what it is without a choice. Texts must live as long as the mount. */
struct mount_conf {
    const char *point;
    const char *source;            /* as `df` shows it: "SERVER:/VOL" */
    const char *kernel_options;    /* more for the kernel, "a,b=c"; NULL */
    double entry_timeout, attribute_timeout, negative_timeout; /* seconds */
    bool read_only, acl, selinux, capability, ino32, resolve_gids, readdirp, writeback, auto_invalidation, event_history, flush_interrupt;
    bool worm, gfid_access;        /* what stands above the graph, pushed by the mount's maker */
    enum mount_choice direct_io, keep_cache;
    unsigned int gid_timeout;      /* seconds */
    unsigned int lru_limit, invalidate_limit, background_qlen, congestion_threshold, readers, time_gran;
    const char *dump_file;         /* gets a copy of all that the kernel and we say; NULL */
    bool map_root;                 /* operations of uid mapped_uid are root's */
    uint32_t mapped_uid;
    uint64_t eperm_pause_ns;
    int client_pid;                /* of all operations instead of the caller's; 0: the caller's */
};
#define NO_ROOT_SQUASH_PID (-4)   /* a client_pid whose root stays root on the server */
#define MOUNT_CONF_USUAL                                                                                                  \
    ((struct mount_conf){.entry_timeout = 1, .attribute_timeout = 1, .readdirp = true, .gid_timeout = 300, .lru_limit = 65536, \
                         .background_qlen = 64, .readers = 4, .eperm_pause_ns = 10000000})

int mount_new(struct process *p, const struct mount_conf *conf, struct mount **ret, struct err *err);
struct volume *mount_volume(struct mount *m);
int mount_start(struct mount *m, struct err *err);
void mount_end(struct mount *m, void (*ended)(void *data), void *data); /* once; also one that was never started */
void mount_free(struct mount *m);                                       /* after ended(), or never started and its volume too */

/* The mount option auto_unmount has a process of its own: our program, called by this name, which shows in ps. Its main(). */
#define AUTO_UNMOUNT_NAME "glusterfs-auto-unmount"
int auto_unmount_main(int argc, char **argv);

#endif
