/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "test-brick.h"

#include <dirent.h>

#include "pool.h"

/* By names: trees are deeper than a path is long. */
static void remove_tree(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    for (const struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            remove_tree(fd, e->d_name);
    if (d)
        closedir(d);
    unlinkat(at, name, d ? AT_REMOVEDIR : 0);
}

bool brick_possible(void)
{
    char dir[] = "/var/tmp/gatling-posix-probe.XXXXXX";
    if (!mkdtemp(dir))
        return false;
    bool ok = setxattr(dir, "trusted.gatling", "1", 1, 0) == 0;
    rmdir(dir);
    return ok;
}

struct brick *brick_of(void **state)
{
    if (!*state) {
        print_message("skipped: needs root and trusted extended attributes in /var/tmp\n");
        skip();
    }
    return *state;
}

void brick_up(struct brick *b, const char *const *options)
{
    struct testing_node nodes[2] = {{.type = &posix_type, .options = {"directory", b->dir, "health-check-interval", "0"}}};
    for (unsigned int i = 0; options && options[i]; i++)
        nodes[0].options[4 + i] = options[i];
    b->g = testing_graph(&b->process, nodes);
    b->root = inode_get(b->g->inodes, gfid_root);
    b->up = true;
}

void brick_down(struct brick *b)
{
    if (!b->up)
        return;
    inode_unref(b->root);
    testing_graph_free(b->g);
    b->g = NULL;
    b->up = false;
}

int brick_setup(void **state)
{
    *state = NULL;
    if (!brick_possible())
        return 0;
    struct brick *b = calloc(1, sizeof(*b));
    strcpy(b->dir, "/var/tmp/gatling-posix.XXXXXX");
    if (!mkdtemp(b->dir))
        return -1;
    testing_process(&b->process);
    brick_up(b, NULL);
    *state = b;
    return 0;
}

int brick_teardown(void **state)
{
    struct brick *b = *state;
    if (!b)
        return 0;
    brick_down(b);
    testing_process_done(&b->process);
    remove_tree(AT_FDCWD, b->dir);
    free(b);
    return 0;
}

const char *brick_path(struct brick *b, const char *rest)
{
    static char path[4][4096];
    static unsigned int turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof(path[0]), "%s/%s", b->dir, rest);
    return p;
}

const char *brick_handle(struct brick *b, gfid_t g)
{
    char rest[64], name[HANDLE_NAME];
    handle_name(g, name);
    snprintf(rest, sizeof(rest), PRIVATE_DIR "/%02x/%s", g.b[0], name);
    return brick_path(b, rest);
}

struct fop *make(struct brick *b, enum fop_op op)
{
    struct fop *fop = fop_new(b->g, op);
    assert_non_null(fop);
    return fop;
}

void loc_inode(struct loc *loc, struct inode *in)
{
    loc->inode = inode_ref(in);
}

void loc_entry(struct loc *loc, struct inode *parent, const char *name)
{
    loc->parent = inode_ref(parent);
    snprintf(loc->name, sizeof(loc->name), "%s", name);
}

int run(struct brick *b, struct fop *fop)
{
    testing_run(b->g, fop);
    return fop->ret < 0 ? -fop->err : fop->ret;
}

void done(struct fop *fop)
{
    fop_free(fop);
}

struct dict *xdata(struct fop *fop)
{
    if (!fop->xdata)
        fop->xdata = dict_new();
    return fop->xdata;
}

void stamp(struct fop *fop, uint32_t flags, uint64_t sec, uint32_t nsec)
{
    fop->cred.time_flags = flags;
    fop->cred.time_sec = sec;
    fop->cred.time_nsec = nsec;
}

static int finish(struct brick *b, struct fop *fop, struct inode **ret, struct fd **ret_fd, struct iatt *st)
{
    int r = run(b, fop);
    if (r >= 0 && ret)
        *ret = fop->out.inode ? inode_ref(fop->out.inode) : NULL;
    if (r >= 0 && ret_fd)
        *ret_fd = fd_ref(fop->out.fd);
    if (r >= 0 && st)
        *st = fop->out.stat;
    done(fop);
    return r < 0 ? r : 0;
}

int do_lookup(struct brick *b, struct inode *parent, const char *name, struct inode **ret, struct iatt *st)
{
    struct fop *fop = make(b, FOP_LOOKUP);
    loc_entry(&fop->loc, parent, name);
    return finish(b, fop, ret, NULL, st);
}

int do_lookup_gfid(struct brick *b, gfid_t g, struct iatt *st)
{
    struct fop *fop = make(b, FOP_LOOKUP);
    fop->loc.inode = inode_get(b->g->inodes, g);
    return finish(b, fop, NULL, NULL, st);
}

static struct fop *birth(struct brick *b, enum fop_op op, struct inode *parent, const char *name)
{
    struct fop *fop = make(b, op);
    loc_entry(&fop->loc, parent, name);
    dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
    return fop;
}

int do_mkdir(struct brick *b, struct inode *parent, const char *name, struct inode **ret)
{
    struct fop *fop = birth(b, FOP_MKDIR, parent, name);
    fop->in.mkdir.mode = 0755;
    return finish(b, fop, ret, NULL, NULL);
}

int do_create(struct brick *b, struct inode *parent, const char *name, struct inode **ret, struct fd **ret_fd)
{
    struct fop *fop = birth(b, FOP_CREATE, parent, name);
    fop->in.create.flags = O_CREAT | O_EXCL | O_RDWR;
    fop->in.create.mode = 0644;
    return finish(b, fop, ret, ret_fd, NULL);
}

int do_symlink(struct brick *b, struct inode *parent, const char *name, const char *target, struct inode **ret)
{
    struct fop *fop = birth(b, FOP_SYMLINK, parent, name);
    fop->in.symlink.target = target;
    return finish(b, fop, ret, NULL, NULL);
}

int do_unlink(struct brick *b, struct inode *parent, const char *name)
{
    struct fop *fop = make(b, FOP_UNLINK);
    loc_entry(&fop->loc, parent, name);
    return finish(b, fop, NULL, NULL, NULL);
}

int do_rmdir(struct brick *b, struct inode *parent, const char *name, uint32_t flags)
{
    struct fop *fop = make(b, FOP_RMDIR);
    loc_entry(&fop->loc, parent, name);
    fop->in.rmdir.flags = flags;
    return finish(b, fop, NULL, NULL, NULL);
}

int do_rename(struct brick *b, struct inode *from, const char *old, struct inode *to, const char *new, struct inode *victim)
{
    struct fop *fop = make(b, FOP_RENAME);
    loc_entry(&fop->loc, from, old);
    loc_entry(&fop->loc2, to, new);
    if (victim)
        loc_inode(&fop->loc2, victim);
    return finish(b, fop, NULL, NULL, NULL);
}

int do_link(struct brick *b, struct inode *in, struct inode *parent, const char *name)
{
    struct fop *fop = make(b, FOP_LINK);
    loc_inode(&fop->loc, in);
    loc_entry(&fop->loc2, parent, name);
    return finish(b, fop, NULL, NULL, NULL);
}

int do_open(struct brick *b, struct inode *in, int flags, struct fd **ret_fd)
{
    struct fop *fop = make(b, FOP_OPEN);
    loc_inode(&fop->loc, in);
    fop->in.open.flags = flags;
    return finish(b, fop, NULL, ret_fd, NULL);
}

int do_opendir(struct brick *b, struct inode *in, struct fd **ret_fd)
{
    struct fop *fop = make(b, FOP_OPENDIR);
    loc_inode(&fop->loc, in);
    return finish(b, fop, NULL, ret_fd, NULL);
}

/* fd NULL: by the anonymous descriptor of in */
static void target(struct fop *fop, struct fd *fd, struct inode *in)
{
    if (fd)
        fop->fd = fd_ref(fd);
    else
        loc_inode(&fop->loc, in);
}

int do_write(struct brick *b, struct fd *fd, struct inode *in, uint64_t off, const void *bytes, size_t len)
{
    struct fop *fop = make(b, FOP_WRITE);
    target(fop, fd, in);
    struct iobuf *buf = iobuf_new(b->process.env.bufs, len);
    assert_non_null(buf);
    memcpy(buf->data, bytes, len);
    fop->in.write.offset = off;
    fop->in.write.size = (uint32_t)len;
    assert_int_equal(slicev_add(&fop->in.write.data, slice_of(buf, len)), 0);
    int r = run(b, fop);
    done(fop);
    return r;
}

int do_read(struct brick *b, struct fd *fd, struct inode *in, uint64_t off, void *to, size_t len)
{
    struct fop *fop = make(b, FOP_READ);
    target(fop, fd, in);
    fop->in.read.offset = off;
    fop->in.read.size = (uint32_t)len;
    int r = run(b, fop);
    if (r >= 0) {
        assert_int_equal(fop->out.data.len, r);
        slicev_copy_out(&fop->out.data, 0, to, (size_t)r);
    }
    done(fop);
    return r;
}

int do_stat(struct brick *b, struct inode *in, struct iatt *st)
{
    struct fop *fop = make(b, FOP_STAT);
    loc_inode(&fop->loc, in);
    return finish(b, fop, NULL, NULL, st);
}

int do_setxattr(struct brick *b, struct inode *in, const char *name, const void *value, size_t len, int flags)
{
    struct fop *fop = make(b, FOP_SETXATTR);
    loc_inode(&fop->loc, in);
    fop->in.setxattr.dict = dict_new();
    fop->in.setxattr.flags = flags;
    dict_set_binary(fop->in.setxattr.dict, name, value, len);
    return finish(b, fop, NULL, NULL, NULL);
}

int do_getxattr(struct brick *b, struct inode *in, const char *name, char *to, size_t size)
{
    struct fop *fop = make(b, FOP_GETXATTR);
    loc_inode(&fop->loc, in);
    fop->in.getxattr.name = name;
    int r = run(b, fop);
    if (r >= 0) {
        const struct dict_pair *pair = dict_find(fop->out.dict, name);
        assert_non_null(pair);
        assert_true(pair->len < size);
        memcpy(to, pair->value, pair->len);
        to[pair->len] = 0;
        r = (int)pair->len;
    }
    done(fop);
    return r;
}

void let_go(struct inode **in)
{
    inode_unref(*in);
    *in = NULL;
}

void settle(struct brick *b)
{
    pool_drain(b->process.pool);
}

void close_fd(struct brick *b, struct fd **fd)
{
    fd_unref(*fd);
    *fd = NULL;
    settle(b);
}
