/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume.h: a volume as a mount or a libgfapi program sees it: it stays while graphs come and go under it.
 *
 *   struct vnode   an object, by gfid; behind it the inode of the present graph, looked up again by gfid when the graph is another
 *   struct vfile   an open descriptor; behind it the fd of the present graph, opened again in the next one, with its locks
 *   struct vop     one operation on these: a struct fop whose objects are handles. It is made for the present graph and goes
 *                  through it to its end; none ever sees two graphs.
 *
 *   struct vop op;
 *   vop_init(&op, v, FOP_READ);
 *   op.file = vfile_ref(f);
 *   op.fop->in.read.size = 4096;               in, cred, xdata, flags, loc.name, loc2.name: the caller's to fill in
 *   vop_submit(&op, done, ctx);                done(&op, ctx) once; results in op.fop->ret, err, out and op.out_node, out_file
 *   vop_done(&op);                             in done() or later, before volume_close() can end
 *
 * Waiting    Before the first graph has said whether it works (CHILD_UP or CHILD_DOWN), and while a graph is exchanged, operations
 *            wait in order. Whether a brick is away is the graph's business: it answers ENOTCONN. After volume_close() has begun: ENOTCONN.
 * Exchange   volume_offer() gets a parsed graph. Same shape: its options are put in place. Else the new one is started, and when it is
 *            up and has answered for the root: new operations wait, those under way end (waiting locks are interrupted and asked
 *            for again later), each descriptor is opened in the new graph and its locks go with it, then operations go on there; the
 *            old graph is told PARENT_DOWN, drains, and is freed. A descriptor that could not be moved answers EBADFD from then on.
 * Loop       Graphs are initialised, told and ended on the loop's thread (process->env.loop), which somebody runs. volume_close() and
 *            the end of an exchange wait for it: never call volume_close() there.
 * Threads    Any, where nothing else is said. Locks: volume.lock, vnode.lock; neither is held while something is called.
 * References A vnode and a vfile are referred to by whoever holds them; a vop takes over those that its maker puts in, and drops
 *            them in vop_done(). */
#ifndef GF_VOLUME_H
#define GF_VOLUME_H

#include "fop.h"
#include "graph.h"
#include "inode.h"
#include "process.h"

struct volume;
struct vnode;
struct vfile;
struct vop;
struct generation; /* one graph's time in a volume; volume-impl.h */

/* What the volume tells its user. Any thread; no lock is held; they must not wait. Each may be NULL. */
struct volume_host {
    void (*child_event)(void *host, bool up);    /* of the present graph. The first one opens the volume; false: the brick is away */
    void (*auth_failed)(void *host);             /* the server refuses us, for good */
    void (*upcall)(void *host, struct vnode *vn, const struct upcall *u); /* vn is referred to during the call */
    void (*switched)(void *host, int failed, const char *sentence); /* an offered graph was taken (0), or why not (-errno) */
};
/* inode_limit: objects without references that a graph keeps in memory. NULL: no memory. */
struct volume *volume_new(struct process *p, unsigned int inode_limit, const struct volume_host *host, void *host_data);
/* The first graph, parsed; taken over, also when it fails. On the loop's thread, or while nobody runs it. */
int volume_start(struct volume *v, struct graph *g, struct err *err);
/* Another one, parsed; taken over. Of several offered in quick succession the last counts. */
void volume_offer(struct volume *v, struct graph *g);
/* Ends what runs, gives up each handle's graph objects, ends the graph. Handles stay valid as memory; operations fail ENOTCONN. */
void volume_stop(struct volume *v);  /* no operation begins any more, those under way have come back. Any number of times */
void volume_close(struct volume *v); /* that, and the end of its graph: whoever may still hold handles finds them empty */
void volume_free(struct volume *v); /* closed before, or never started; no handle is left */
struct volume_counts {
    unsigned int running, waiting, files;
    unsigned int generation;  /* exchanges so far */
    int up;                   /* 1, 0, or -1: not known yet */
} volume_counts(struct volume *v);

/* ---- objects ---- */
struct vnode *vnode_get(struct volume *v, gfid_t gfid);  /* found or made; a reference. NULL: no memory */
struct vnode *vnode_find(struct volume *v, gfid_t gfid); /* found, or NULL */
struct vnode *vnode_root(struct volume *v);              /* a reference */
struct vnode *vnode_ref(struct vnode *vn);
void vnode_unref(struct vnode *vn);                      /* NULL is fine */
gfid_t vnode_gfid(const struct vnode *vn);
uint32_t vnode_type(const struct vnode *vn);             /* S_IFMT bits, 0 while unknown */
/* As vnode_get() for an entry of READDIRP: op's graph has told of it, so it need not be looked up. */
struct vnode *vnode_of_entry(struct vop *op, const struct dirent4 *entry);
/* A count that is kept for somebody outside (the kernel's look-ups), 64 bits wide. While it is not 0 it holds one reference. */
void vnode_count(struct vnode *vn, uint64_t n);          /* n more */
void vnode_uncount(struct vnode *vn, uint64_t n);        /* n less; more than there are: all */
struct vfile *vnode_file(struct vnode *vn);              /* one that is open on it, a reference; NULL: none */
unsigned int volume_idle(struct volume *v);              /* objects that its graph keeps and nobody uses */
bool vnode_mark(struct vnode *vn, bool on);              /* a mark of the volume's user; the one before */
void volume_each_vnode(struct volume *v, void (*fn)(struct vnode *vn, void *ctx), void *ctx); /* referred to during fn */

uint64_t vnode_counted(struct vnode *vn);                /* what vnode_count() has come to */
unsigned int vnode_nr_files(struct vnode *vn);           /* open on it */

/* ---- open descriptors ---- */
struct vfile *vfile_ref(struct vfile *f);
void vfile_unref(struct vfile *f);                       /* NULL is fine; the last one closes it, without waiting */
struct vnode *vfile_node(const struct vfile *f);         /* not a new reference; lives as long as f */
int32_t vfile_flags(const struct vfile *f);
/* At the end of a mount the kernel names nobody: drops what it still counted (vnode_count()) and one reference of each vfile. */
void volume_forget_all(struct volume *v);

/* ---- operations ---- */
typedef void (*vop_done_fn)(struct vop *op, void *ctx);
struct vop {
    struct fop *fop;
    /* Which objects: references, taken over. node: loc.inode; parent: loc.parent; node2, parent2: of loc2. file, file2: fd, fd2. */
    struct vnode *node, *parent, *node2, *parent2;
    struct vfile *file, *file2;
    /* What came: references, dropped by vop_done(); who keeps one takes it and sets NULL. */
    struct vnode *out_node;   /* LOOKUP, CREATE, MKNOD, MKDIR, SYMLINK */
    struct vfile *out_file;   /* OPEN, OPENDIR, CREATE */
    /* Only volume*.c from here. */
    struct volume *volume;
    struct generation *gen;   /* where it runs; counted there */
    vop_done_fn done;
    void *ctx;
    struct fop *shells;       /* of fops made anew: their arenas have the arguments */
    struct vop *prev, *next;  /* volume.lock: in waiting or in blocked */
    bool queued, blocked, interrupted, moved;
    struct vop *all_prev, *all_next; /* volume.lock: in running, from vop_init() to vop_done() */
    enum fop_op what;
    uint32_t uid, gid;
    int32_t pid;
    uint64_t unique;          /* its number */
    _Atomic uint64_t since_ns; /* 0: not submitted; release: uid, gid, pid are there */
};
/* One that is under way, for those who look from outside. */
struct vop_brief {
    enum fop_op op;
    uint32_t uid, gid;
    int32_t pid;
    uint64_t since_ns;        /* clock_ns() */
    uint64_t unique;
};
/* All that were submitted and are not yet back with their maker, the first max of them in ret, the youngest first; how many there are. */
unsigned int volume_running(struct volume *v, struct vop_brief *ret, unsigned int max);
int vop_init(struct vop *op, struct volume *v, enum fop_op what); /* 0, -ENOMEM */
void vop_submit(struct vop *op, vop_done_fn done, void *ctx);
void vop_run(struct vop *op); /* submits and waits; for threads that may. Results are in op until vop_done() */
/* For one that waits for a lock, or has not begun: it will end with EINTR, soon, unless it ends otherwise before. The caller sees to it
 * that op is not yet vop_done(). Another operation goes on as if nothing had been. done() does not run inside this call. */
void vop_interrupt(struct vop *op);
void vop_done(struct vop *op);

#endif
