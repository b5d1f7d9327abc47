/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* remote.c: a client graph, driven by hand:
 *
 *   remote VOLFILE every          each operation of program 400 once or more, with what must come of it; prints how many
 *   remote VOLFILE talk           commands on stdin, one answer line each (see `commands`)
 *   remote VOLFILE load THREADS [NAME]  files NAME0, NAME1, ... (load0), each with a lock on bytes 1000 to 1009, are written, read and
 *                                 compared until stdin says "end"; prints how often, and how often not. Any other line: how often until now
 *
 * Operations go through libglusterfs/volume.h, as a mount's do. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graph.h"
#include "log.h"
#include "thread.h"
#include "volume.h"

struct program {
    struct process p;
    struct volume *v;
    pthread_t loop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int up;                 /* -1: nobody has said */
    unsigned int ups, downs, refusals, upcalls;
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "remote: %s: %s\n", what, why);
    exit(1);
}

/* ---- around the volume ---------------------------------------------------------------------------------------------------- */
static void child_event(void *host, bool up)
{
    struct program *g = host;

    pthread_mutex_lock(&g->lock);
    g->up = up;
    *(up ? &g->ups : &g->downs) += 1;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}
static void auth_failed(void *host)
{
    struct program *g = host;

    pthread_mutex_lock(&g->lock);
    g->refusals++;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}
static void upcall(void *host, struct vnode *vn, const struct upcall *u)
{
    struct program *g = host;

    pthread_mutex_lock(&g->lock);
    g->upcalls++;
    pthread_mutex_unlock(&g->lock);
}
static const struct volume_host host = {.child_event = child_event, .auth_failed = auth_failed, .upcall = upcall};

static void *run_loop(void *arg)
{
    loop_run(arg);
    return NULL;
}

static void start(struct program *g, const char *file)
{
    struct err err = {""};
    struct graph *graph;

    if (process_init(&g->p) < 0)
        die("start", "no memory");
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, NULL);
    g->up = -1;
    g->p.process_name = "remote";
    g->v = volume_new(&g->p, 1000, &host, g);
    if (!g->v || graph_load(&g->p, file, NULL, 0, &graph, &err) < 0 || volume_start(g->v, graph, &err) < 0)
        die(file, err.text);
    if (thread_start(&g->loop, "loop", THREAD_STACK, run_loop, g->p.env.loop, &g->p.census) < 0)
        die("start", "no thread");
}

static int finish(struct program *g)
{
    static const enum census_item items[] = {CENSUS_THREADS, CENSUS_IOBUFS, CENSUS_FOPS, CENSUS_FDS, CENSUS_INODES, CENSUS_RECORDS,
                                             CENSUS_MESSAGES, CENSUS_CONNS};
    int left = 0;

    volume_close(g->v);
    loop_stop(g->p.env.loop);
    thread_join(g->loop, &g->p.census);
    volume_free(g->v);
    process_done(&g->p);
    for (size_t i = 0; i < array_len(items); i++)
        if (counter_get(&g->p.census.now[items[i]]) != 0) {
            fprintf(stderr, "remote: %lld %s are left\n", (long long)counter_get(&g->p.census.now[items[i]]), census_name(items[i]));
            left = 1;
        }
    return left;
}

static bool wait_for(struct program *g, bool up, int seconds)
{
    struct timespec until;
    int r = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&g->lock);
    while (g->up != up && !g->refusals && r == 0)
        r = pthread_cond_timedwait(&g->changed, &g->lock, &until);
    r = g->up == up ? 0 : -1;
    pthread_mutex_unlock(&g->lock);
    return r == 0;
}

/* ---- operations ----------------------------------------------------------------------------------------------------------- */
static struct vop *op_new(struct program *g, enum fop_op what)
{
    struct vop *op = calloc(1, sizeof(*op));

    if (!op || vop_init(op, g->v, what) < 0)
        die(fop_name(what), "no memory");
    op->fop->cred = (struct cred){.pid = getpid()};
    return op;
}
static void op_free(struct vop *op)
{
    vop_done(op);
    free(op);
}
static void wants_gfid(struct vop *op)
{
    if (!op->fop->xdata)
        op->fop->xdata = dict_new();
    dict_set_gfid(op->fop->xdata, "gfid-req", gfid_random());
}
static void at(struct vop *op, struct vnode *dir, const char *name)
{
    op->parent = vnode_ref(dir);
    snprintf(op->fop->loc.name, sizeof(op->fop->loc.name), "%s", name);
}
static void owner(struct vop *op, uint8_t who)
{
    op->fop->cred.owner_len = 8;
    memset(op->fop->cred.owner, who, 8);
}
static int result(struct vop *op)
{
    return op->fop->ret < 0 ? -op->fop->err : op->fop->ret;
}

static int look(struct program *g, const char *name, struct vnode **ret)
{
    struct vnode *root = vnode_root(g->v);
    struct vop *op = op_new(g, FOP_LOOKUP);
    int r;

    at(op, root, name);
    vop_run(op);
    r = result(op);
    if (r >= 0 && ret) {
        *ret = op->out_node;
        op->out_node = NULL;
    }
    op_free(op);
    vnode_unref(root);
    return r;
}

static int create(struct program *g, const char *name, int32_t flags, struct vfile **ret)
{
    struct vnode *root = vnode_root(g->v);
    struct vop *op = op_new(g, FOP_CREATE);
    int r;

    at(op, root, name);
    wants_gfid(op);
    op->fop->in.create.flags = flags | O_CREAT;
    op->fop->in.create.mode = 0644;
    vop_run(op);
    r = result(op);
    if (r >= 0) {
        *ret = op->out_file;
        op->out_file = NULL;
    }
    op_free(op);
    vnode_unref(root);
    return r;
}

static int put(struct program *g, struct vfile *f, uint64_t offset, const void *bytes, size_t len)
{
    struct vop *op = op_new(g, FOP_WRITE);
    struct slice s = slice_new(g->p.env.bufs, len);
    int r;

    memcpy(s.at, bytes, len);
    op->file = vfile_ref(f);
    op->fop->in.write.offset = offset;
    op->fop->in.write.size = (uint32_t)len;
    op->fop->in.write.flags = O_RDWR;
    slicev_add(&op->fop->in.write.data, s);
    vop_run(op);
    r = result(op);
    op_free(op);
    return r;
}

static int get(struct program *g, struct vfile *f, uint64_t offset, void *to, size_t len, bool *ret_end)
{
    struct vop *op = op_new(g, FOP_READ);
    int r;

    op->file = vfile_ref(f);
    op->fop->in.read.offset = offset;
    op->fop->in.read.size = (uint32_t)len;
    vop_run(op);
    r = result(op);
    if (r >= 0)
        slicev_copy_out(&op->fop->out.data, 0, to, (size_t)r);
    if (ret_end)
        *ret_end = op->fop->err == ENOENT;
    op_free(op);
    return r;
}

static int lk(struct program *g, struct vfile *f, uint32_t cmd, uint32_t type, int64_t from, int64_t len, uint8_t who)
{
    struct vop *op = op_new(g, FOP_LK);
    int r;

    owner(op, who);
    op->file = vfile_ref(f);
    op->fop->in.lk.cmd = cmd;
    op->fop->in.lk.flock = (struct flock_range){.type = type, .start = from, .len = len, .pid = (uint32_t)getpid()};
    vop_run(op);
    r = result(op);
    op_free(op);
    return r;
}

static int flush(struct program *g, struct vfile *f, uint8_t who)
{
    struct vop *op = op_new(g, FOP_FLUSH);
    int r;

    owner(op, who);
    op->file = vfile_ref(f);
    vop_run(op);
    r = result(op);
    op_free(op);
    return r;
}

static int simple(struct program *g, enum fop_op what, struct vfile *f)
{
    struct vop *op = op_new(g, what);
    int r;

    op->file = vfile_ref(f);
    vop_run(op);
    r = result(op);
    op_free(op);
    return r;
}

/* ---- every operation ------------------------------------------------------------------------------------------------------- */
static unsigned int steps, failures;
static bool done_ops[NR_FOPS];

static void check(enum fop_op what, const char *case_, bool good, int r)
{
    steps++;
    done_ops[what] = true;
    if (good)
        return;
    failures++;
    printf("not as it should be: %s, %s: %d (%s)\n", fop_name(what), case_, r, r < 0 ? strerror(-r) : "");
}

/* Runs it, looks at it with cond (which may say op and r), frees it. */
#define RUN(op, case_, cond)                                      \
    do {                                                          \
        vop_run(op);                                              \
        int r = result(op);                                       \
        check((op)->fop->op, case_, (cond), r);                   \
        op_free(op);                                              \
    } while (0)

static void names(struct program *g, struct vnode *root, struct vnode **ret_dir)
{
    struct vop *op = op_new(g, FOP_MKDIR);

    at(op, root, "d");
    wants_gfid(op);
    op->fop->in.mkdir.mode = 0755;
    vop_run(op);
    check(FOP_MKDIR, "new", result(op) == 0 && S_ISDIR(op->fop->out.stat.mode) && op->out_node, result(op));
    if (!op->out_node)
        die("MKDIR", strerror(op->fop->err));
    *ret_dir = vnode_ref(op->out_node);
    op_free(op);

    op = op_new(g, FOP_MKDIR);
    at(op, root, "d");
    wants_gfid(op);
    RUN(op, "there already", r == -EEXIST);

    op = op_new(g, FOP_MKNOD);
    at(op, *ret_dir, "fifo");
    wants_gfid(op);
    op->fop->in.mknod.mode = S_IFIFO | 0600;
    RUN(op, "fifo", r == 0 && S_ISFIFO(op->fop->out.stat.mode));

    op = op_new(g, FOP_SYMLINK);
    at(op, *ret_dir, "link");
    wants_gfid(op);
    op->fop->in.symlink.target = "no/where";
    vop_run(op);
    check(FOP_SYMLINK, "new", result(op) == 0 && S_ISLNK(op->fop->out.stat.mode), result(op));
    struct vnode *link = op->out_node ? vnode_ref(op->out_node) : NULL;
    op_free(op);

    op = op_new(g, FOP_READLINK);
    op->node = link;
    op->fop->in.readlink.size = 4096;
    RUN(op, "its target", r == 8 && strcmp(op->fop->out.path, "no/where") == 0);

    op = op_new(g, FOP_LOOKUP);
    at(op, *ret_dir, "nothing");
    RUN(op, "no such name", r == -ENOENT);
    op = op_new(g, FOP_LOOKUP);
    op->node = vnode_ref(*ret_dir);
    RUN(op, "by gfid", r == 0 && S_ISDIR(op->fop->out.stat.mode));
    op = op_new(g, FOP_LOOKUP);
    op->node = vnode_get(g->v, gfid_random());
    RUN(op, "a gfid that nobody has", r == -ESTALE || r == -ENOENT);
}

static void data(struct program *g, struct vfile *f)
{
    struct vop *op;
    char buf[64];
    bool end;
    int r;

    r = put(g, f, 0, "hello world", 11);
    check(FOP_WRITE, "11 bytes", r == 11, r);
    r = get(g, f, 0, buf, sizeof(buf), &end);
    check(FOP_READ, "all", r == 11 && end && memcmp(buf, "hello world", 11) == 0, r);
    r = get(g, f, 6, buf, 3, &end);
    check(FOP_READ, "a part", r == 3 && memcmp(buf, "wor", 3) == 0, r);
    r = get(g, f, 100, buf, 3, &end);
    check(FOP_READ, "behind the end", r == 0 && end, r);

    size_t large = 3 * MiB + 17;
    uint8_t *out = malloc(large), *in = calloc(1, large);
    for (size_t i = 0; i < large; i++)
        out[i] = (uint8_t)(i * 7 + i / 4093);
    r = put(g, f, 4096, out, large);
    check(FOP_WRITE, "3 MiB at once", r == (int)large, r);
    r = get(g, f, 4096, in, large, NULL);
    check(FOP_READ, "3 MiB at once", r == (int)large && memcmp(in, out, large) == 0, r);
    free(out);
    free(in);

    op = op_new(g, FOP_FSYNC);
    op->file = vfile_ref(f);
    RUN(op, "all", r == 0 && op->fop->out.post.size == 4096 + large);
    op = op_new(g, FOP_FTRUNCATE);
    op->file = vfile_ref(f);
    op->fop->in.truncate.offset = 20000;
    RUN(op, "to 20000", r == 0 && op->fop->out.post.size == 20000);
    op = op_new(g, FOP_TRUNCATE);
    op->node = vnode_ref(vfile_node(f));
    op->fop->in.truncate.offset = 65536;
    RUN(op, "to 65536", r == 0 && op->fop->out.pre.size == 20000 && op->fop->out.post.size == 65536);
    op = op_new(g, FOP_FSTAT);
    op->file = vfile_ref(f);
    RUN(op, "size", r == 0 && op->fop->out.stat.size == 65536);
    op = op_new(g, FOP_STAT);
    op->node = vnode_ref(vfile_node(f));
    RUN(op, "size", r == 0 && op->fop->out.stat.size == 65536 && S_ISREG(op->fop->out.stat.mode));

    op = op_new(g, FOP_FALLOCATE);
    op->file = vfile_ref(f);
    op->fop->in.fallocate.offset = 65536;
    op->fop->in.fallocate.len = 65536;
    RUN(op, "64 KiB more", r == 0 && op->fop->out.post.size == 131072);
    op = op_new(g, FOP_DISCARD);
    op->file = vfile_ref(f);
    op->fop->in.fallocate.len = 131072;
    RUN(op, "a hole", r == 0);
    op = op_new(g, FOP_ZEROFILL);
    op->file = vfile_ref(f);
    op->fop->in.fallocate.offset = 131072;
    op->fop->in.fallocate.len = 4096;
    RUN(op, "4 KiB more", r == 0);
    put(g, f, 65536, "x", 1);
    op = op_new(g, FOP_SEEK);
    op->file = vfile_ref(f);
    RUN(op, "data", r == 0 && op->fop->out.offset <= 65536);
    op = op_new(g, FOP_SEEK);
    op->file = vfile_ref(f);
    op->fop->in.seek.offset = 1 << 30;
    RUN(op, "past the end", r == -ENXIO);
    op = op_new(g, FOP_RCHECKSUM);
    op->file = vfile_ref(f);
    op->fop->in.rchecksum.len = 4096;
    RUN(op, "4 KiB of zeros", r == 0);
}

static void copies(struct program *g, struct vfile *f)
{
    struct vfile *to = NULL;
    struct vop *op;
    char c;
    int r = create(g, "copy", O_RDWR, &to);

    if (r < 0)
        die("CREATE", strerror(-r));
    op = op_new(g, FOP_COPY_FILE_RANGE);
    op->file = vfile_ref(f);
    op->file2 = vfile_ref(to);
    op->fop->in.copy.off_in = 65536;
    op->fop->in.copy.size = 1000;
    RUN(op, "1000 bytes", r == 1000);
    r = get(g, to, 0, &c, 1, NULL);
    check(FOP_READ, "what was copied", r == 1 && c == 'x', r);
    vfile_unref(to);
}

static void attributes(struct program *g, struct vfile *f)
{
    struct vnode *vn = vfile_node(f);
    struct vop *op = op_new(g, FOP_SETATTR);
    const struct dict_pair *pair;

    op->node = vnode_ref(vn);
    op->fop->in.setattr.stat.mode = 0600;
    op->fop->in.setattr.valid = SET_MODE;
    RUN(op, "mode", r == 0 && (op->fop->out.post.mode & 0777) == 0600);
    op = op_new(g, FOP_FSETATTR);
    op->file = vfile_ref(f);
    op->fop->in.setattr.stat.mtime = 1000000000;
    op->fop->in.setattr.stat.mtime_nsec = 123456789;
    op->fop->in.setattr.valid = SET_MTIME;
    RUN(op, "mtime", r == 0 && op->fop->out.post.mtime == 1000000000);
    op = op_new(g, FOP_ACCESS);
    op->node = vnode_ref(vn);
    op->fop->in.access.mask = 4;
    RUN(op, "root reads", r == 0);
    op = op_new(g, FOP_ACCESS);
    op->node = vnode_ref(vn);
    op->fop->cred.uid = op->fop->cred.gid = 4711;
    op->fop->in.access.mask = 4;
    RUN(op, "a stranger does not", r == -EACCES);

    op = op_new(g, FOP_SETXATTR);
    op->node = vnode_ref(vn);
    op->fop->in.setxattr.dict = dict_new();
    dict_set_binary(op->fop->in.setxattr.dict, "user.a", "one", 3);
    RUN(op, "new", r == 0);
    op = op_new(g, FOP_FSETXATTR);
    op->file = vfile_ref(f);
    op->fop->in.setxattr.dict = dict_new();
    op->fop->in.setxattr.flags = 1;
    dict_set_binary(op->fop->in.setxattr.dict, "user.a", "two", 3);
    RUN(op, "there already", r == -EEXIST);
    op = op_new(g, FOP_GETXATTR);
    op->node = vnode_ref(vn);
    op->fop->in.getxattr.name = "user.a";
    RUN(op, "its value", r >= 0 && (pair = dict_find(op->fop->out.dict, "user.a")) && pair->len == 3 && memcmp(pair->value, "one", 3) == 0);
    op = op_new(g, FOP_FGETXATTR);
    op->file = vfile_ref(f);
    RUN(op, "all", r >= 0 && dict_find(op->fop->out.dict, "user.a"));
    op = op_new(g, FOP_REMOVEXATTR);
    op->node = vnode_ref(vn);
    op->fop->in.removexattr.name = "user.a";
    RUN(op, "there", r == 0);
    op = op_new(g, FOP_FREMOVEXATTR);
    op->file = vfile_ref(f);
    op->fop->in.removexattr.name = "user.a";
    RUN(op, "gone", r == -ENODATA);
    op = op_new(g, FOP_GETXATTR);
    op->node = vnode_ref(vn);
    op->fop->in.getxattr.name = "user.a";
    RUN(op, "gone", r == -ENODATA);

    for (int by_fd = 0; by_fd < 2; by_fd++) {
        static const uint8_t one[12] = {[3] = 1};

        op = op_new(g, by_fd ? FOP_FXATTROP : FOP_XATTROP);
        if (by_fd)
            op->file = vfile_ref(f);
        else
            op->node = vnode_ref(vn);
        op->fop->in.xattrop.dict = dict_new();
        dict_set_binary(op->fop->in.xattrop.dict, "trusted.afr.t", one, sizeof(one));
        RUN(op, "one more", r == 0 && (pair = dict_find(op->fop->out.dict, "trusted.afr.t")) && pair->len == 12 &&
                                ((const uint8_t *)pair->value)[3] == 1 + by_fd);
    }
    op = op_new(g, FOP_STATFS);
    op->node = vnode_root(g->v);
    RUN(op, "block size", r == 0 && op->fop->out.statfs.f_bsize > 0 && op->fop->out.statfs.f_namemax == 255);
    op = op_new(g, FOP_IPC);
    op->fop->in.ipc.op = 77;
    RUN(op, "a target that nobody knows", r == -EOPNOTSUPP);
}

static void locks(struct program *g, struct vfile *f)
{
    struct vop *op;
    int r;

    r = lk(g, f, LK_SET, RANGE_WRITE, 0, 100, 1);
    check(FOP_LK, "set", r == 0, r);
    r = lk(g, f, LK_SET, RANGE_WRITE, 50, 10, 2);
    check(FOP_LK, "another's", r == -EAGAIN, r);
    op = op_new(g, FOP_LK);
    owner(op, 2);
    op->file = vfile_ref(f);
    op->fop->in.lk.cmd = LK_GET;
    op->fop->in.lk.flock = (struct flock_range){.type = RANGE_READ, .start = 60, .len = 1};
    RUN(op, "get", r == 0 && op->fop->out.flock.type == RANGE_WRITE && op->fop->out.flock.len == 100);
    struct vop *all = op_new(g, FOP_GETACTIVELK);
    all->node = vnode_ref(vfile_node(f));
    vop_run(all);
    r = result(all);
    check(FOP_GETACTIVELK, "the one", r >= 0 && all->fop->out.nr_locks == 1 && all->fop->out.locks[0].client_uid[0], r);
    op = op_new(g, FOP_SETACTIVELK); /* with a lock it crashes a stock brick, and ours lacks it: an empty list, which both refuse */
    op->node = vnode_ref(vfile_node(f));
    RUN(op, "none", r == -EIO || r == -EOPNOTSUPP);
    op_free(all);
    r = lk(g, f, LK_SET, RANGE_UNLOCK, 0, 100, 1);
    check(FOP_LK, "unlock", r == 0, r);
    r = flush(g, f, 1);
    check(FOP_FLUSH, "close", r == 0, r);

    for (int by_fd = 0; by_fd < 2; by_fd++) {
        for (uint32_t type = RANGE_WRITE; type <= RANGE_UNLOCK; type++) {
            op = op_new(g, by_fd ? FOP_FINODELK : FOP_INODELK);
            owner(op, 3);
            if (by_fd)
                op->file = vfile_ref(f);
            else
                op->node = vnode_ref(vfile_node(f));
            op->fop->in.inodelk.domain = "t";
            op->fop->in.inodelk.cmd = LK_SET;
            op->fop->in.inodelk.flock = (struct flock_range){.type = type};
            RUN(op, type == RANGE_WRITE ? "lock" : "unlock", r == 0);
        }
    }
    op = op_new(g, FOP_LEASE);
    op->node = vnode_ref(vfile_node(f));
    op->fop->in.lease.lease = (struct lease){.cmd = 1, .type = 1};
    RUN(op, "leases are off", r == -ENOSYS);
}

static void folders(struct program *g, struct vnode *dir)
{
    struct vop *op = op_new(g, FOP_OPENDIR);
    struct vfile *d;
    bool link = false, fifo = false;

    op->node = vnode_ref(dir);
    vop_run(op);
    check(FOP_OPENDIR, "open", result(op) >= 0 && op->out_file, result(op));
    d = op->out_file ? vfile_ref(op->out_file) : NULL;
    op_free(op);
    if (!d)
        return;
    for (int plus = 0; plus < 2; plus++) {
        op = op_new(g, plus ? FOP_READDIRP : FOP_READDIR);
        op->file = vfile_ref(d);
        op->fop->in.readdir.size = 4096;
        vop_run(op);
        for (unsigned int i = 0; i < op->fop->out.nr_entries; i++) {
            const struct dirent4 *e = &op->fop->out.entries[i];
            link |= strcmp(e->name, "link") == 0 && (!plus || S_ISLNK(e->stat.mode));
            fifo |= strcmp(e->name, "fifo") == 0 && (!plus || S_ISFIFO(e->stat.mode));
        }
        check(op->fop->op, "both entries", result(op) >= 2 && link && fifo, result(op));
        op_free(op);
        link = fifo = false;
    }
    check(FOP_FSYNCDIR, "all", simple(g, FOP_FSYNCDIR, d) == 0, 0);
    for (int by_fd = 0; by_fd < 2; by_fd++) {
        for (uint32_t cmd = ENTRYLK_LOCK; cmd <= ENTRYLK_UNLOCK; cmd++) {
            op = op_new(g, by_fd ? FOP_FENTRYLK : FOP_ENTRYLK);
            owner(op, 4);
            if (by_fd)
                op->file = vfile_ref(d);
            else
                op->node = vnode_ref(dir);
            op->fop->in.entrylk.domain = "t";
            op->fop->in.entrylk.name = "link";
            op->fop->in.entrylk.cmd = cmd;
            op->fop->in.entrylk.type = 1;
            RUN(op, cmd == ENTRYLK_LOCK ? "lock" : "unlock", r == 0);
        }
    }
    vfile_unref(d);
    done_ops[FOP_RELEASEDIR] = true;
}

static void take_away(struct program *g, struct vnode *root, struct vnode *dir, struct vfile *f)
{
    struct vop *op = op_new(g, FOP_LINK);

    op->node = vnode_ref(vfile_node(f));
    op->parent2 = vnode_ref(dir);
    strcpy(op->fop->loc2.name, "second");
    RUN(op, "second name", r == 0 && op->fop->out.stat.nlink == 2);
    op = op_new(g, FOP_RENAME);
    at(op, root, "f");
    op->node = vnode_ref(vfile_node(f));
    op->parent2 = vnode_ref(dir);
    strcpy(op->fop->loc2.name, "third");
    RUN(op, "into the folder", r == 0 && gfid_equal(op->fop->out.stat.gfid, vnode_gfid(vfile_node(f))));
    op = op_new(g, FOP_RMDIR);
    at(op, root, "d");
    op->node = vnode_ref(dir);
    RUN(op, "not empty", r == -ENOTEMPTY);
    static const char *const in_d[] = {"second", "third", "fifo", "link"};
    for (size_t i = 0; i < array_len(in_d); i++) {
        struct vop *l = op_new(g, FOP_LOOKUP);

        at(l, dir, in_d[i]);
        vop_run(l);
        op = op_new(g, FOP_UNLINK);
        at(op, dir, in_d[i]);
        op->node = l->out_node ? vnode_ref(l->out_node) : NULL;
        op_free(l);
        RUN(op, in_d[i], r == 0);
    }
    op = op_new(g, FOP_FSTAT);
    op->file = vfile_ref(f);
    RUN(op, "unlinked, still open", r == 0 && op->fop->out.stat.nlink == 0);
    op = op_new(g, FOP_RMDIR);
    at(op, root, "d");
    op->node = vnode_ref(dir);
    RUN(op, "empty", r == 0);
    struct vnode *copy = NULL;
    look(g, "copy", &copy);
    op = op_new(g, FOP_UNLINK);
    at(op, root, "copy");
    op->node = copy;
    RUN(op, "copy", r == 0);
}

static int every(struct program *g)
{
    struct vnode *root = vnode_root(g->v), *dir = NULL;
    struct vfile *f = NULL;
    struct vop *op;
    unsigned int ops = 0;
    int r;

    names(g, root, &dir);
    r = create(g, "f", O_RDWR | O_EXCL, &f);
    check(FOP_CREATE, "new", r == 0, r);
    if (!f)
        die("CREATE", strerror(-r));
    struct vfile *again = NULL;
    r = create(g, "f", O_RDWR | O_EXCL, &again);
    check(FOP_CREATE, "there already", r == -EEXIST, r);
    op = op_new(g, FOP_OPEN);
    op->node = vnode_ref(vfile_node(f));
    op->fop->in.open.flags = O_RDONLY;
    RUN(op, "a second time", r == 0 && op->out_file);
    done_ops[FOP_RELEASE] = true;
    data(g, f);
    copies(g, f);
    attributes(g, f);
    locks(g, f);
    folders(g, dir);
    take_away(g, root, dir, f);
    vfile_unref(f);
    vnode_unref(dir);
    vnode_unref(root);
    for (unsigned int i = 0; i < NR_FOPS; i++)
        ops += done_ops[i];
    printf("%u operations, %u checks, %u not as they should be\n", ops, steps, failures);
    return failures > 0;
}

/* ---- commands on stdin ------------------------------------------------------------------------------------------------------ */
#define FILES 64

static void answer(int r)
{
    if (r < 0)
        printf("%s\n", strerrorname_np(-r));
    else
        printf("ok %d\n", r);
    fflush(stdout);
}

/* create N NAME | open N NAME | write N OFFSET TEXT | read N OFFSET LEN | lock N r|w|u START LEN OWNER | close N | fsync N |
 * lookup NAME | wait up|down SECONDS | counts */
static void talk(struct program *g)
{
    struct vfile *files[FILES] = {NULL};
    char line[512], word[8][200];

    while (fgets(line, sizeof(line), stdin)) {
        int n = sscanf(line, "%199s %199s %199s %199s %199s %199s", word[0], word[1], word[2], word[3], word[4], word[5]);
        unsigned int i = n > 1 ? (unsigned int)atoi(word[1]) % FILES : 0;
        const char *cmd = n > 0 ? word[0] : "";

        if (strcmp(cmd, "lookup") == 0) {
            answer(look(g, word[1], NULL));
        } else if (strcmp(cmd, "create") == 0) {
            answer(create(g, word[2], O_RDWR, &files[i]));
        } else if (strcmp(cmd, "open") == 0) {
            struct vop *op = op_new(g, FOP_OPEN);
            int r = look(g, word[2], &op->node);

            op->fop->in.open.flags = O_RDWR;
            if (r >= 0) {
                vop_run(op);
                r = result(op);
                files[i] = op->out_file;
                op->out_file = NULL;
            }
            answer(r);
            op_free(op);
        } else if (strcmp(cmd, "write") == 0) {
            answer(put(g, files[i], (uint64_t)atoll(word[2]), word[3], strlen(word[3])));
        } else if (strcmp(cmd, "read") == 0) {
            char buf[200] = "";
            int r = get(g, files[i], (uint64_t)atoll(word[2]), buf, min_of((size_t)atoi(word[3]), sizeof(buf) - 1), NULL);

            if (r < 0)
                answer(r);
            else
                printf("ok %s\n", buf);
            fflush(stdout);
        } else if (strcmp(cmd, "lock") == 0) {
            uint32_t type = word[2][0] == 'r' ? RANGE_READ : word[2][0] == 'w' ? RANGE_WRITE : RANGE_UNLOCK;
            answer(lk(g, files[i], LK_SET, type, atoll(word[3]), atoll(word[4]), (uint8_t)atoi(word[5])));
        } else if (strcmp(cmd, "fsync") == 0) {
            answer(simple(g, FOP_FSYNC, files[i]));
        } else if (strcmp(cmd, "close") == 0) {
            flush(g, files[i], 0);
            vfile_unref(files[i]);
            files[i] = NULL;
            answer(0);
        } else if (strcmp(cmd, "wait") == 0) {
            answer(wait_for(g, strcmp(word[1], "up") == 0, atoi(word[2])) ? 0 : -ETIMEDOUT);
        } else if (strcmp(cmd, "counts") == 0) {
            pthread_mutex_lock(&g->lock);
            printf("ok ups %u downs %u refusals %u upcalls %u\n", g->ups, g->downs, g->refusals, g->upcalls);
            pthread_mutex_unlock(&g->lock);
            fflush(stdout);
        } else {
            printf("what?\n");
            fflush(stdout);
        }
    }
    for (unsigned int i = 0; i < FILES; i++)
        vfile_unref(files[i]);
}

/* ---- load ------------------------------------------------------------------------------------------------------------------- */
static atomic_bool load_ends;
struct loader {
    struct program *g;
    const char *files;
    unsigned int number;
    pthread_t thread;
    atomic_ulong good;
    unsigned long failed, wrong;
    int strange;                 /* an error that a lost brick does not explain */
};

static void *load(void *arg)
{
    struct loader *l = arg;
    struct program *g = l->g;
    struct vfile *f = NULL;
    char name[32];
    uint8_t *out = malloc(128 * KiB), *in = malloc(128 * KiB);
    bool written[8] = {false};

    snprintf(name, sizeof(name), "%s%u", l->files, l->number);
    while (create(g, name, O_RDWR, &f) < 0 && !atomic_load(&load_ends))
        usleep(10000);
    while (f && lk(g, f, LK_SET, RANGE_WRITE, 1000, 10, (uint8_t)(l->number + 1)) < 0 && !atomic_load(&load_ends))
        usleep(10000);
    for (unsigned int round = 0; f && !atomic_load(&load_ends); round++) {
        unsigned int block = round % 8;
        int r;

        memset(out, (int)(l->number * 8 + block), 128 * KiB); /* a block is always the same: what fails half-way breaks nothing */
        r = put(g, f, block * 128 * KiB, out, 128 * KiB);
        written[block] |= r == (int)(128 * KiB);
        if (r >= 0)
            r = get(g, f, block * 128 * KiB, in, 128 * KiB, NULL);
        if (r == (int)(128 * KiB)) {
            atomic_fetch_add(&l->good, 1);
            l->wrong += memcmp(in, out, 128 * KiB) != 0;
        } else {
            l->failed++;
            if (r != -ENOTCONN && r != -EBADFD)
                l->strange = r;
            usleep(10000);
        }
    }
    free(out);
    free(in);
    if (f)
        vfile_unref(f);
    return NULL;
}

static int run_load(struct program *g, unsigned int n, const char *files)
{
    struct loader *l = calloc(n, sizeof(*l));
    unsigned long good = 0, failed = 0, wrong = 0;
    char line[64];
    int strange = 0;

    for (unsigned int i = 0; i < n; i++) {
        l[i] = (struct loader){.g = g, .files = files, .number = i};
        if (thread_start(&l[i].thread, "load", THREAD_STACK, load, &l[i], &g->p.census) < 0)
            die("load", "no thread");
    }
    while (fgets(line, sizeof(line), stdin) && strncmp(line, "end", 3) != 0) {
        for (unsigned int i = 0; i < n; i++)
            printf("%lu%s", atomic_load(&l[i].good), i + 1 < n ? " " : "\n");
        fflush(stdout);
    }
    atomic_store(&load_ends, true);
    for (unsigned int i = 0; i < n; i++) {
        thread_join(l[i].thread, &g->p.census);
        good += l[i].good;
        failed += l[i].failed;
        wrong += l[i].wrong;
        if (l[i].strange)
            strange = l[i].strange;
    }
    printf("good %lu failed %lu wrong %lu strange %s\n", good, failed, wrong, strange ? strerrorname_np(-strange) : "none");
    free(l);
    return wrong > 0 || strange != 0;
}

int main(int argc, char **argv)
{
    static struct program g;
    int r = 0;

    if (argc < 3)
        die("usage", "remote VOLFILE every|talk|load THREADS [NAME]");
    log_set_level(LVL_INFO);
    start(&g, argv[1]);
    if (strcmp(argv[2], "talk") == 0) {
        talk(&g);
    } else if (!wait_for(&g, true, 60)) {
        fprintf(stderr, "remote: the brick is not there%s\n", g.refusals ? ": it refuses us" : "");
        r = 1;
    } else {
        unsigned int threads = argc > 3 ? (unsigned int)atoi(argv[3]) : 4;

        r = strcmp(argv[2], "every") == 0 ? every(&g) : run_load(&g, threads, argc > 4 ? argv[4] : "load");
    }
    return finish(&g) || r;
}
