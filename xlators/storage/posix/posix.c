/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* posix.c: the translator: options, the table of operations, and where an operation runs.
 *
 * A fop that comes with FOP_NOWAIT is on a poller. If its row has a try, and nothing on the same inode is with the workers, the
 * try is made; it answers or says -EAGAIN. All else goes to the pool, once, and is answered from there; but transfers of file data go
 * to an engine, when there is one (flight.c). */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pool.h"
#include "posix.h"

static const char *const batch_modes[] = { /* enum batch_mode */
    "reverse-fsync", "none", "syncfs", "syncfs-single-fsync", "syncfs-reverse-fsync", NULL};

static const struct option posix_options[] = {
    OPT_PATH("directory", struct posix, directory, NULL, "the brick: where the volume's files are kept", .flags = OPTION_REQUIRED),
    OPT_STR("volume-id", struct posix, volume_id, NULL, "UUID that the brick must carry in " XATTR_VOLUME_ID),
    OPT_STR("hostname", struct posix, hostname, NULL, "host named in pathinfo; default: this one's name"),
    OPT_STR("glusterd-uuid", struct posix, glusterd_uuid, NULL, "UUID of the node's daemon, for node-uuid"),
    OPT_BOOL("o-direct", struct posix, o_direct, false, "open every file with O_DIRECT"),
    OPT_BOOL("export-statfs-size", struct posix, export_statfs_size, true, "tell the file system's size in STATFS"),
    OPT_BOOL("mandate-attribute", struct posix, mandate_attribute, true, "refuse a file system without extended attributes"),
    OPT_BOOL("background-unlink", struct posix, background_unlink, false, "free the space of unlinked files after the answer"),
    OPT_INT("janitor-sleep-duration", struct posix, janitor_s, "10", 1, 1000000, "seconds between two looks into landfill"),
    OPT_BOOL("linux-aio", struct posix, linux_aio, false, "O_DIRECT reads and writes, and fsyncs, through the kernel's native AIO",
             .flags = OPTION_LIVE),
    OPT_BOOL("linux-io_uring", struct posix, linux_io_uring, false, "reads, writes and fsyncs through io_uring", .flags = OPTION_LIVE),
    OPT_INT("brick-uid", struct posix, brick_uid, "-1", -1, 4294967294.0, "owner of the brick's root; -1: as it is",
            .flags = OPTION_LIVE),
    OPT_INT("brick-gid", struct posix, brick_gid, "-1", -1, 4294967294.0, "group of the brick's root; -1: as it is",
            .flags = OPTION_LIVE),
    OPT_BOOL("node-uuid-pathinfo", struct posix, node_uuid_pathinfo, false, "pathinfo names the node's UUID, not the host",
             .flags = OPTION_LIVE),
    OPT_INT("health-check-interval", struct posix, health_interval_s, "30", 0, 1000000, "seconds between two checks of the disk; 0: none",
            .flags = OPTION_LIVE),
    OPT_INT("health-check-timeout", struct posix, health_timeout_s, "20", 0, 1000000, "seconds that a check may take; 0: any",
            .flags = OPTION_LIVE),
    {.key = "reserve", .type = OPTION_PERCENT_OR_SIZE, .offset = offsetof(struct posix, reserve), .def = "1", .flags = OPTION_LIVE,
     .help = "space that users cannot fill: percent of the file system, or bytes"},
    OPT_CHOICE("batch-fsync-mode", struct posix, batch_fsync_mode, "reverse-fsync", batch_modes,
               "how FSYNCs that may be collected are done", .flags = OPTION_LIVE),
    OPT_INT("batch-fsync-delay-usec", struct posix, batch_delay_us, "0", 0, 1000000, "microseconds for which FSYNCs are collected",
            .flags = OPTION_LIVE),
    OPT_BOOL("update-link-count-parent", struct posix, pgfid, false, "count each file's names per directory in " XATTR_PGFID "*",
             .flags = OPTION_LIVE),
    OPT_BOOL("gfid2path", struct posix, gfid2path, true, "keep parent and name of each link with the object", .flags = OPTION_LIVE),
    OPT_STR("gfid2path-separator", struct posix, gfid2path_separator, ":", "between the paths of glusterfs.gfidtopath",
            .flags = OPTION_LIVE),
    OPT_INT("shared-brick-count", struct posix, shared_brick_count, "1", 1, 65536,
            "bricks of the volume on this file system; STATFS divides by it", .flags = OPTION_LIVE),
    OPT_BOOL("disable-landfill-purge", struct posix, disable_landfill_purge, false, "leave landfill as it is", .flags = OPTION_LIVE),
#define OPT_MODE(k, m, d, h) \
    {.key = (k), .type = OPTION_OCTAL, .offset = offsetof(struct posix, m), .def = (d), .max = 0777, .flags = OPTION_LIVE, .help = (h)}
    OPT_MODE("force-create-mode", force_create_mode, "0000", "permission bits that every file has"),
    OPT_MODE("force-directory-mode", force_directory_mode, "0000", "permission bits that every directory has"),
    OPT_MODE("create-mask", create_mask, "0777", "permission bits that a file may have"),
    OPT_MODE("create-directory-mask", create_directory_mask, "0777", "permission bits that a directory may have"),
    OPT_INT("max-hardlinks", struct posix, max_hardlinks, "100", 0, 4294967295.0, "names that a file may have; 0: any number",
            .flags = OPTION_LIVE),
    OPT_BOOL("fips-mode-rchecksum", struct posix, fips_rchecksum, false, "SHA-256 in RCHECKSUM, not MD5", .flags = OPTION_LIVE),
    OPT_BOOL("ctime", struct posix, ctime, true, "keep the clients' times in " XATTR_MDATA, .flags = OPTION_LIVE),
};

/* ---- the operations ---- */

static int op_enosys(struct posix *p, struct fop *fop)
{
    return -ENOSYS; /* features/locks and leases answer these */
}

static int op_unsupported(struct posix *p, struct fop *fop)
{
    return -EOPNOTSUPP;
}

struct op_row {
    int (*run)(struct posix *p, struct fop *fop);
    int (*try)(struct posix *p, struct fop *fop); /* without waiting; -EAGAIN: it would */
};

static const struct op_row ops[NR_FOPS] = {
    [FOP_LOOKUP] = {op_lookup, NULL},
    [FOP_STAT] = {op_stat, NULL},
    [FOP_FSTAT] = {op_stat, op_stat_try},
    [FOP_ACCESS] = {op_access, NULL},
    [FOP_READLINK] = {op_readlink, NULL},
    [FOP_MKNOD] = {op_mknod, NULL},
    [FOP_MKDIR] = {op_mkdir, NULL},
    [FOP_SYMLINK] = {op_symlink, NULL},
    [FOP_CREATE] = {op_create, NULL},
    [FOP_UNLINK] = {op_unlink, NULL},
    [FOP_RMDIR] = {op_rmdir, NULL},
    [FOP_RENAME] = {op_rename, NULL},
    [FOP_LINK] = {op_link, NULL},
    [FOP_OPEN] = {op_open, NULL},
    [FOP_READ] = {op_read, op_read_try},
    [FOP_WRITE] = {op_write, op_write_try},
    [FOP_FLUSH] = {op_flush, op_flush_try},
    [FOP_FSYNC] = {op_fsync, NULL},
    [FOP_TRUNCATE] = {op_truncate, NULL},
    [FOP_FTRUNCATE] = {op_truncate, NULL},
    [FOP_SETATTR] = {op_setattr, NULL},
    [FOP_FSETATTR] = {op_setattr, NULL},
    [FOP_FALLOCATE] = {op_fallocate, NULL},
    [FOP_DISCARD] = {op_discard, NULL},
    [FOP_ZEROFILL] = {op_zerofill, NULL},
    [FOP_SEEK] = {op_seek, NULL},
    [FOP_COPY_FILE_RANGE] = {op_copy_file_range, NULL},
    [FOP_RCHECKSUM] = {op_rchecksum, NULL},
    [FOP_OPENDIR] = {op_opendir, NULL},
    [FOP_READDIR] = {op_readdir, NULL},
    [FOP_READDIRP] = {op_readdirp, NULL},
    [FOP_FSYNCDIR] = {op_fsyncdir, op_fsyncdir},
    [FOP_SETXATTR] = {op_setxattr, NULL},
    [FOP_FSETXATTR] = {op_setxattr, NULL},
    [FOP_GETXATTR] = {op_getxattr, NULL},
    [FOP_FGETXATTR] = {op_getxattr, NULL},
    [FOP_REMOVEXATTR] = {op_removexattr, NULL},
    [FOP_FREMOVEXATTR] = {op_removexattr, NULL},
    [FOP_XATTROP] = {op_xattrop, NULL},
    [FOP_FXATTROP] = {op_xattrop, NULL},
    [FOP_STATFS] = {op_statfs, NULL},
    [FOP_LK] = {op_enosys, op_enosys},
    [FOP_INODELK] = {op_enosys, op_enosys},
    [FOP_FINODELK] = {op_enosys, op_enosys},
    [FOP_ENTRYLK] = {op_enosys, op_enosys},
    [FOP_FENTRYLK] = {op_enosys, op_enosys},
    [FOP_LEASE] = {op_enosys, op_enosys},
    [FOP_GETACTIVELK] = {op_enosys, op_enosys},
    [FOP_SETACTIVELK] = {op_enosys, op_enosys},
    [FOP_IPC] = {op_unsupported, op_unsupported},
    [FOP_PUT] = {op_unsupported, op_unsupported},
    [FOP_ICREATE] = {op_unsupported, op_unsupported},
    [FOP_NAMELINK] = {op_unsupported, op_unsupported},
    [FOP_COMPOUND] = {op_unsupported, op_unsupported},
};

void posix_finish(struct fop *fop, int r)
{
    if (r < 0)
        fop_complete(fop, -1, -r);
    else
        fop_complete(fop, r, fop->err); /* READ, READDIR: the end mark */
}

/* The inode whose operations stay in order. */
static struct inode *subject(const struct fop *fop)
{
    return fop->fd ? fop->fd->inode : fop->loc.inode ? fop->loc.inode : fop->loc.parent;
}

static void on_worker(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);
    struct posix *p = fop->job_ctx;
    struct inode *in = subject(fop);
    struct pnode *n = in ? pnode_of(p, in) : NULL;
    fop->flags &= ~(unsigned int)FOP_NOWAIT;
    if (flight_start(p, fop, n))
        return;
    int r = ops[fop->op].run(p, fop);
    if (n)
        atomic_fetch_sub_explicit(&n->pending, 1, memory_order_release); /* partner: the acquire in posix_fop() */
    posix_finish(fop, r);
}

static void posix_fop(struct xlator *xl, struct fop *fop)
{
    struct posix *p = xl->priv;
    const struct op_row *row = &ops[fop->op];
    fop->err = 0;
    if (fop->op == FOP_FSYNC && fsync_collected(p, fop))
        return;
    if (!(fop->flags & FOP_NOWAIT)) {
        if (!flight_start(p, fop, NULL))
            posix_finish(fop, row->run(p, fop));
        return;
    }
    struct inode *in = subject(fop);
    struct pnode *n = in ? pnode_get(p, in) : NULL;
    if (in && !n) {
        posix_finish(fop, -ENOMEM);
        return;
    }
    if (row->try && (!n || atomic_load_explicit(&n->pending, memory_order_acquire) == 0)) {
        int r = row->try(p, fop);
        if (r != -EAGAIN) {
            posix_finish(fop, r);
            return;
        }
    }
    if (n)
        atomic_fetch_add_explicit(&n->pending, 1, memory_order_relaxed); /* the pool's hand-over orders */
    if (flight_try(p, fop, n))
        return;
    fop->job_ctx = p;
    fop->job = (struct job){.run = on_worker, .owner = fop->client, .class = fop->class};
    pool_add(p->process->pool, &fop->job);
}

/* ---- work of our own on the pool ---- */

void posix_own_job(struct posix *p, struct job *j)
{
    pthread_mutex_lock(&p->own_lock);
    p->own_jobs++;
    pthread_mutex_unlock(&p->own_lock);
    pool_add(p->process->pool, j);
}

void posix_own_done(struct posix *p)
{
    SCOPED_LOCK(&p->own_lock);
    if (--p->own_jobs == 0)
        pthread_cond_broadcast(&p->own_idle);
}

/* ---- life ---- */

static void locks_init(struct posix *p)
{
    for (unsigned int i = 0; i < STRIPES; i++) {
        pthread_mutex_init(&p->names[i], NULL);
        pthread_mutex_init(&p->links[i], NULL);
    }
    pthread_rwlock_init(&p->moving, NULL);
    pthread_rwlock_init(&p->conf_lock, NULL);
    pthread_mutex_init(&p->kept.lock, NULL);
    pthread_mutex_init(&p->batch.lock, NULL);
    pthread_mutex_init(&p->own_lock, NULL);
    pthread_cond_init(&p->own_idle, NULL);
    p->kept.head.kept_next = p->kept.head.kept_prev = &p->kept.head;
    p->kept.max = KEPT_MAX;
    p->root_fd = p->private_fd = p->unlink_fd = p->landfill_fd = -1;
    for (unsigned int i = 0; i < 256; i++)
        p->level1[i] = -1;
    p->locks_ready = true;
}

static int check_separator(struct posix *p, const char *text, struct err *err)
{
    size_t len = text ? strlen(text) : 0;
    if (len >= 1 && len <= 7)
        return 0;
    return err_set(err, -EINVAL, "volume %s: option gfid2path-separator: 1 to 7 characters are allowed", p->xl->name);
}

static int posix_init(struct xlator *xl, struct err *err)
{
    struct posix *p = xl->priv;
    p->xl = xl;
    p->graph = xl->graph;
    p->process = xl->graph->process;
    locks_init(p);
    if (p->hostname)
        snprintf(p->host, sizeof(p->host), "%s", p->hostname);
    else if (gethostname(p->host, sizeof(p->host) - 1) < 0)
        strcpy(p->host, "localhost");
    int r = check_separator(p, p->gfid2path_separator, err);
    if (r == 0)
        r = brick_start(p, err);
    if (r == 0)
        r = janitor_start(p);
    if (r == 0)
        r = health_start(p, err);
    if (r == 0)
        engines_set(p);
    if (r == 0 && p->process->io_engine == IO_URING && !atomic_load_explicit(&p->engine, memory_order_relaxed)) /* no fop has come yet */
        r = err_set(err, -EOPNOTSUPP, "volume %s: --io-engine io_uring: the kernel refuses it; legacy works everywhere", xl->name);
    return r;
}

static void posix_fini(struct xlator *xl)
{
    struct posix *p = xl->priv;
    if (!p->locks_ready)
        return;
    health_stop(p);
    janitor_stop(p);
    pthread_mutex_lock(&p->own_lock);
    p->ending = true;
    while (p->own_jobs)
        pthread_cond_wait(&p->own_idle, &p->own_lock);
    pthread_mutex_unlock(&p->own_lock);
    janitor_free(p);
    engines_stop(p);
    brick_stop(p);
    for (unsigned int i = 0; i < STRIPES; i++) {
        pthread_mutex_destroy(&p->names[i]);
        pthread_mutex_destroy(&p->links[i]);
    }
    pthread_rwlock_destroy(&p->moving);
    pthread_rwlock_destroy(&p->conf_lock);
    pthread_mutex_destroy(&p->kept.lock);
    pthread_mutex_destroy(&p->batch.lock);
    pthread_mutex_destroy(&p->own_lock);
    pthread_cond_destroy(&p->own_idle);
}

static int posix_reconfigure(struct xlator *xl, const struct optset *set, struct err *err)
{
    struct posix *p = xl->priv;
    const char *sep = optset_get(set, "gfid2path-separator");
    int r = sep ? check_separator(p, sep, err) : 0;
    if (r < 0)
        return r;
    pthread_rwlock_wrlock(&p->conf_lock);
    r = options_apply(posix_options, array_len(posix_options), set, xl->name, true, p, err);
    pthread_rwlock_unlock(&p->conf_lock);
    if (r < 0)
        return r;
    space_look(p);
    engines_set(p);
    r = brick_owner(p, err);
    return r < 0 ? r : health_set(p, err);
}

static void posix_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    if (event == EVENT_PARENT_UP)
        xlator_notify_up(xl, EVENT_CHILD_UP, NULL);
}

static void posix_dump(struct xlator *xl, struct dump *d)
{
    struct posix *p = xl->priv;
    unsigned int open;
    pthread_mutex_lock(&p->kept.lock);
    open = p->kept.open;
    pthread_mutex_unlock(&p->kept.lock);
    dump_kv(d, "base_path", "%s", p->directory);
    dump_kv(d, "base_path_length", "%zu", strlen(p->directory));
    dump_kv(d, "kept_descriptors", "%u", open);
    dump_kv(d, "kept_descriptors_max", "%u", p->kept.max);
    dump_kv(d, "client_descriptors", "%u", atomic_load(&p->client_fds));
    dump_kv(d, "client_descriptors_max", "%u", p->client_fds_max);
    dump_kv(d, "nowait_writes", "%s", atomic_load(&p->no_nowait_write) ? "no" : "yes");
    dump_kv(d, "full", "%s", atomic_load(&p->full) ? "yes" : "no");
    flight_dump(p, d);
    pthread_mutex_lock(&p->own_lock);
    unsigned int jobs = p->own_jobs;
    pthread_mutex_unlock(&p->own_lock);
    dump_kv(d, "own_jobs", "%u", jobs);
}

static void posix_dump_inode(struct xlator *xl, struct inode *in, void *ctx, struct dump *d)
{
    struct pnode *n = ctx;
    SCOPED_LOCK(&n->lock);
    dump_kv(d, "fds", "%u", n->nr_fds);
    dump_kv(d, "unlinked", "%s", n->unlinked ? "yes" : "no");
    dump_kv(d, "pending", "%u", atomic_load(&n->pending));
}


const struct xlator_type posix_type = {
    .name = "storage/posix",
    .options = posix_options,
    .nr_options = array_len(posix_options),
    .priv_size = sizeof(struct posix),
    .leaf = true,
    .inode_slot = true,
    .fd_slot = true,
    .init = posix_init,
    .reconfigure = posix_reconfigure,
    .fini = posix_fini,
    .notify = posix_notify,
    .forget = posix_forget,
    .release = posix_release,
    .dump = posix_dump,
    .dump_inode = posix_dump_inode,
    .on = {
        [FOP_LOOKUP] = posix_fop, [FOP_STAT] = posix_fop, [FOP_FSTAT] = posix_fop, [FOP_ACCESS] = posix_fop, [FOP_READLINK] = posix_fop,
        [FOP_MKNOD] = posix_fop, [FOP_MKDIR] = posix_fop, [FOP_SYMLINK] = posix_fop, [FOP_CREATE] = posix_fop, [FOP_UNLINK] = posix_fop,
        [FOP_RMDIR] = posix_fop, [FOP_RENAME] = posix_fop, [FOP_LINK] = posix_fop, [FOP_OPEN] = posix_fop, [FOP_READ] = posix_fop,
        [FOP_WRITE] = posix_fop, [FOP_FLUSH] = posix_fop, [FOP_FSYNC] = posix_fop, [FOP_TRUNCATE] = posix_fop, [FOP_FTRUNCATE] = posix_fop,
        [FOP_SETATTR] = posix_fop, [FOP_FSETATTR] = posix_fop, [FOP_FALLOCATE] = posix_fop, [FOP_DISCARD] = posix_fop,
        [FOP_ZEROFILL] = posix_fop, [FOP_SEEK] = posix_fop, [FOP_COPY_FILE_RANGE] = posix_fop, [FOP_RCHECKSUM] = posix_fop,
        [FOP_OPENDIR] = posix_fop, [FOP_READDIR] = posix_fop, [FOP_READDIRP] = posix_fop, [FOP_FSYNCDIR] = posix_fop,
        [FOP_SETXATTR] = posix_fop, [FOP_FSETXATTR] = posix_fop, [FOP_GETXATTR] = posix_fop, [FOP_FGETXATTR] = posix_fop,
        [FOP_REMOVEXATTR] = posix_fop, [FOP_FREMOVEXATTR] = posix_fop, [FOP_XATTROP] = posix_fop, [FOP_FXATTROP] = posix_fop,
        [FOP_STATFS] = posix_fop, [FOP_LK] = posix_fop, [FOP_INODELK] = posix_fop, [FOP_FINODELK] = posix_fop, [FOP_ENTRYLK] = posix_fop,
        [FOP_FENTRYLK] = posix_fop, [FOP_LEASE] = posix_fop, [FOP_GETACTIVELK] = posix_fop, [FOP_SETACTIVELK] = posix_fop,
        [FOP_IPC] = posix_fop, [FOP_PUT] = posix_fop, [FOP_ICREATE] = posix_fop, [FOP_NAMELINK] = posix_fop, [FOP_COMPOUND] = posix_fop,
    },
};

