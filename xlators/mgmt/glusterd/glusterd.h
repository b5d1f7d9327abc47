/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* glusterd.h: the daemon's inside: what it knows, and how a command runs.
 *
 * Command   A request of the CLI (or of a brick, a client) becomes a struct command and runs on a worker, where it may wait for the
 *           disk and for processes. One that changes a volume has the volume's name to itself while it runs; others with the same
 *           name wait in the order of their arrival and hold no thread. Commands on different names run side by side.
 * Volumes   What is known of a volume is a struct volview: refcounted and never changed. A command copies it (volinfo_copy()), changes the
 *           copy, writes it, and publishes it; a command that fails or dies on the way leaves what was there before.
 * Locks     glusterd.lock guards the lists and tables; nothing waits and nothing is called under it.
 * Replies   own their data: see command_end().
 *
 * Source: spec management, wire 10. */
#ifndef GLUSTERD_GLUSTERD_H
#define GLUSTERD_GLUSTERD_H

#include <stdatomic.h>

#include "loop.h"
#include "pool.h"
#include "process.h"
#include "service.h"
#include "store.h"
#include "util.h"
#include "volgen.h"
#include "xlator.h"

struct glusterd;
struct dict;

struct volview {
    atomic_uint refs;
    struct volinfo *v;
    struct volview *next;        /* glusterd.volumes, sorted by name */
};
struct volview *volview_ref(struct volview *w);
void volview_unref(struct volview *w); /* NULL is fine */

/* ---- a command ------------------------------------------------------------------------------------------------------------- */

struct command;
enum {
    COMMAND_CHANGES = 1u << 0,   /* has its name to itself */
    COMMAND_LOGGED = 1u << 1,    /* stands in cmd_history.log */
    COMMAND_QUICK = 1u << 2,     /* waits for no process and no script: there is always a thread for it, see command.c */
};
struct command_type {
    const char *name;            /* for logs */
    unsigned int flags;
    /* On a worker. 0, or -1 with errstr set (and op_errno where scripts know one). */
    int (*run)(struct command *c);
    bool (*only_reads)(const struct dict *in); /* this request changes nothing, so it does not wait for the name; NULL: flags say it all */
    void (*encode)(struct command *c); /* another structure than cli_rsp; NULL: that one */
    const char *hook;            /* whose scripts run before and after it: hooks.h; NULL: none */
};
struct command {
    struct job job;
    struct glusterd *gd;
    struct rpc_request *req;     /* NULL: the daemon's own (boot.c); its type has an encode() that answers nobody */
    const struct command_type *type;
    struct dict *in, *out;       /* out: made when the command begins */
    const char *name;            /* what it has to itself: the volume's, or "" for the node's own things; lives with the command */
    char name_text[257];
    bool hooked;                 /* its pre scripts have run */
    int op_ret, op_errno;
    char errstr[2048];
    const void *args;            /* of another structure than cli_req: decoded, borrows from the request */
    bool named;                  /* it has or waits for its name */
    struct command *next;        /* glusterd.busy, and those that wait behind it */
    struct command *waiting;     /* for the same name */
};
bool command_is_alone(struct command *c); /* it has a name, and nobody else has one */
int command_fail(struct command *c, const char *fmt, ...) PRINTF(2, 3);      /* -1 */
int command_fail_errno(struct command *c, int op_errno, const char *fmt, ...) PRINTF(3, 4);
const char *command_text(const struct command *c, const char *key);          /* of the request; NULL: not there */
int command_number(const struct command *c, const char *key, int fallback);
int command_echo(struct command *c); /* the request's pairs into the answer: some commands' CLI looks them up there; -errno */
/* All names: COUNT_KEY, NAME_KEY0, NAME_KEY1, ... */
int put_volume_names(struct command *c, const char *count_key, const char *name_key);
/* The volume that the request names; a reference. NULL: the command has failed with the usual sentence. */
struct volview *command_volume(struct command *c);

enum { /* cmd of volume status: spec management 5.3 */
    VOLSTATUS_MEM = 0x1, VOLSTATUS_CLIENTS = 0x2, VOLSTATUS_INODE = 0x4, VOLSTATUS_FD = 0x8, VOLSTATUS_CALLPOOL = 0x10,
        VOLSTATUS_DETAIL = 0x20,
    VOLSTATUS_TASKS = 0x40, VOLSTATUS_CLIENT_LIST = 0x80, VOLSTATUS_VOLUME = 0x100, VOLSTATUS_ALL = 0x200, VOLSTATUS_BRICK = 0x400,
    VOLSTATUS_NFS = 0x800, VOLSTATUS_SHD = 0x1000, VOLSTATUS_QUOTAD = 0x2000, VOLSTATUS_SNAPD = 0x4000, VOLSTATUS_BITD = 0x8000,
    VOLSTATUS_SCRUB = 0x10000,
    VOLSTATUS_CONNS = 0x100000, /* our own: what each connection is doing */
    VOLSTATUS_ASKED = 0x1f | 0x80 | VOLSTATUS_CONNS, /* what bricks are asked */
    VOLSTATUS_SERVICES = 0x1f800,
};

/* ---- bricks ---------------------------------------------------------------------------------------------------------------- */

enum brick_state { BRICK_STOPPED, BRICK_STARTING, BRICK_STARTED };
struct brickrun {
    char *volume, *path, *pid_file;
    enum brick_state state;
    int pid;                     /* 0: its process is being started */
    int port;                    /* what the brick has said in SIGNIN; 0: not signed in */
    int try_port;                /* that it is being started with; 0: none */
    struct watch watch;          /* its pidfd; -1: none */
    struct rpc_conn *conn;       /* that signed in; compared only */
    struct glusterd *gd;         /* NULL: the daemon has ended before arm has run */
    struct loop_work arm;
    bool dead;                   /* its process has ended, another one takes its place, and the loop is still to hear of it */
    bool posted;                 /* arm is on its way to the loop */
    struct brickrun *next;
};
struct brick_status {
    bool online;
    int pid, port;
};

/* ---- the daemon ------------------------------------------------------------------------------------------------------------ */

struct glusterd {
    struct xlator *xl;
    struct process *process;
    /* options */
    char *workdir, *rundir, *logdir, *sockfile, *bind_address, *transport_name;
    int64_t base_port, max_port, listen_port, event_threads, ping_timeout, lock_timer;
    bool allow_insecure, upgrade;
    /* the node */
    char uuid[UUID_TEXT];        /* "" until it is needed */
    struct pairs globals;        /* file options; under lock */
    pthread_mutex_t lock;
    bool lock_made;
    struct volview *volumes;     /* lock */
    struct command *busy;        /* lock: commands that have their name to themselves and run */
    struct brickrun *bricks;     /* lock */
    unsigned int starting;       /* lock: bricks, of all commands together */
    pthread_cond_t start_room;   /* with lock: there are fewer of them */
    struct place *places;        /* lock: brick-folder.c's */
    pthread_mutex_t identity_lock; /* one at a time makes this machine's uuid; lock is taken below it */
    pthread_mutex_t shd_lock;    /* one at a time starts or tells the self-heal daemon; outermost: others are taken below it */
    struct shd_volume *shd_volumes; /* shd_lock: what it has been given */
    struct volview **boot;       /* lock: volumes that are still to be looked after; NULL: none */
    size_t boot_at, nr_boot;     /* lock */
    int running;                 /* lock: commands under way, for the end */
    struct hookjob *hooks;       /* lock: hooks.c's */
    bool ending;                 /* lock: no more questions to bricks */
    struct brickround *rounds;   /* lock: brickcall.c's, under way */
    const struct transport_type *transport;
    struct rpc_service *local, *remote;
    struct rpc_program local_programs[2], remote_programs[3];
    struct process_hold hold;
    struct timer drain;
    uint64_t drain_end_ms;
    bool held;
};
extern const struct xlator_type glusterd_type;

struct volview *volumes_get(struct glusterd *gd, const char *name); /* a reference, or NULL */
int volumes_publish(struct glusterd *gd, struct volinfo *v);       /* takes v; in the place of the one of its name. -ENOMEM: v is freed */
void volumes_remove(struct glusterd *gd, const char *name);
struct volview **volumes_all(struct glusterd *gd, size_t *ret_n);   /* references, by name; freed by volumes_free() */
void volumes_free(struct volview **all, size_t n);
/* Writes, generates its volume files, publishes, tells those who have fetched one. Takes v. errstr of c tells what failed. */
int volume_commit(struct command *c, struct volinfo *v);
/* Only what is written down of its task has changed (rebalance.h). Takes v. */
int volume_keep_state(struct glusterd *gd, struct volinfo *v, struct err *err);
int volume_write_brick_file(struct glusterd *gd, const struct volinfo *v, unsigned int i, struct err *err); /* before v is published */
void volume_forget_brick_file(struct glusterd *gd, const struct volinfo *v, unsigned int i);
int volume_write_files(struct glusterd *gd, const struct volinfo *v, struct err *err);
void volume_tell_clients(struct glusterd *gd, const char *name);
void volume_op_versions(struct volinfo *v);

int node_globals(struct glusterd *gd, struct pairs *ret);           /* a copy of the node's options; ret is empty */
int node_load(struct glusterd *gd, struct err *err);
int node_uuid(struct glusterd *gd, struct err *err);                /* makes and stores one when there is none */
/* another one, unless somebody names the old one or is just about to */
int node_new_uuid(struct command *c, struct err *err);
bool node_is_own_host(const char *host);                            /* a name or address of this machine; may ask a name server */
void uuid_text(char ret[UUID_TEXT]);                                /* a new random one */

/* command.c: actors */
void cli_actor(struct rpc_request *req);
void command_begin(struct glusterd *gd, struct rpc_request *req, const struct command_type *type, struct dict *in, const void *args,
                   size_t args_size, const char *name);
void commands_share(struct glusterd *gd); /* the workers, before the first command */
void commands_let_go(struct glusterd *gd);
extern const struct command_type *const cli_commands[]; /* by procedure, NR_CLI */
extern const struct rpc_actor cli_actors[], cli_readonly_actors[];

/* boot.c: bricks and services of started volumes that do not run */
void boot_volumes(struct glusterd *gd);

/* brick.c */
struct brickstart {
    const struct volinfo *v;     /* what it is to be; need not be published yet, but its volume file has to be written */
    unsigned int i;
    bool force;                  /* set a missing mark again */
    int result;                  /* 0: it runs; -errno with err */
    struct err err;
};
/* All of them, a few at a time; waits until each has come up or failed. The number of those that failed. */
size_t bricks_start(struct glusterd *gd, struct brickstart *starts, size_t n);
int brickrun_stop(struct glusterd *gd, const char *path);                                                  /* waits */
struct brick_status brickrun_status(struct glusterd *gd, const char *path);
void bricks_adopt(struct glusterd *gd);                    /* those that a former life has started */
void bricks_forget(struct glusterd *gd);                   /* the end: they keep running */
int brick_check_id(const struct volinfo *v, unsigned int i, bool repair, struct err *err);
/* portmap: true: it is the process that we have started for this brick */
bool brick_signed_in(struct glusterd *gd, const char *path, int port, int pid, struct rpc_conn *conn);
bool brick_signed_out(struct glusterd *gd, const char *path, struct rpc_conn *conn);
/* where it can be asked: brickcall.h */
int brickrun_socket(struct glusterd *gd, const struct volinfo *v, unsigned int i, char *path, size_t size);
int brickrun_signal(struct glusterd *gd, const char *path, int signal); /* -ESRCH: it does not run */
int brickrun_log(struct glusterd *gd, const struct volinfo *v, unsigned int i, char *path, size_t size);
int brickrun_port(struct glusterd *gd, const char *path);
void brick_conn_closed(struct glusterd *gd, struct rpc_conn *conn);

/* the commands, by file */
extern const struct command_type create_command, delete_command, start_command, stop_command, list_command, info_command, status_command,
    set_command, get_command, reset_command, getwd_command, uuid_get_command, friends_command;
extern const struct command_type add_brick_command, remove_brick_command, replace_brick_command, reset_brick_command, defrag_command,
    heal_command;
extern const struct command_type profile_command, statedump_command, rotate_command, barrier_command, clear_locks_command;
extern const struct command_type get_state_command, uuid_reset_command, probe_command, detach_command, sync_command, pool_only_command,
    quota_command, bitrot_command, snapshot_command, gsync_command, ganesha_command, tier_command, mount_command, umount_command,
    fsm_command;

#endif
