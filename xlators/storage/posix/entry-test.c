/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What distribute asks of MKNOD, LINK, UNLINK and SETXATTR; descriptors kept for inodes; swaps behind the brick's back. */
#include "config.h"

#include <linux/fs.h>
#include <sys/syscall.h>

#include "test-brick.h"

static int do_mknod(struct brick *b, const char *name, gfid_t g, const char *key)
{
    struct fop *fop = make(b, FOP_MKNOD);
    loc_entry(&fop->loc, b->root, name);
    fop->in.mknod.mode = S_IFREG | 0644;
    dict_set_gfid(xdata(fop), "gfid-req", g);
    if (key)
        dict_set_i64(xdata(fop), key, 1);
    int r = run(b, fop);
    done(fop);
    return r;
}

static nlink_t links_of(struct brick *b, const char *name)
{
    struct stat st;
    return lstat(brick_path(b, name), &st) < 0 ? 0 : st.st_nlink;
}

static void mknod_of_an_internal_caller_names_what_has_the_gfid(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    char key[GFID2PATH_KEY], value[GFID_TEXT + FOP_NAME_MAX + 1];
    assert_int_equal(do_create(b, b->root, "f", &in, NULL), 0);
    assert_true(do_mknod(b, "g", in->gfid, NULL) < 0); /* somebody else's gfid */
    assert_int_equal(links_of(b, "g"), 0);
    assert_int_equal(do_mknod(b, "g", in->gfid, "glusterfs-internal-fop"), 0);
    assert_int_equal(links_of(b, "f"), 3);
    gfid2path_pair(gfid_root, "g", key, value);
    assert_true(getxattr(brick_path(b, "f"), key, NULL, 0) > 0);
    assert_int_equal(do_mknod(b, "new", gfid_random(), "glusterfs-internal-fop"), 0);
    assert_int_equal(links_of(b, "new"), 2);
    let_go(&in);
    settle(b);
}

static void mknod_brings_an_unlinked_open_file_back(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    struct fd *fd;
    struct iatt st;
    char buf[8], text[GFID_TEXT], rest[80];
    assert_int_equal(do_create(b, b->root, "f", &in, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, "abc", 3), 3);
    assert_int_equal(do_unlink(b, b->root, "f"), 0);
    snprintf(rest, sizeof(rest), ".glusterfs/unlink/%s", gfid_text(in->gfid, text));
    assert_int_equal(links_of(b, rest), 1);
    assert_int_equal(do_mknod(b, "back", in->gfid, "glusterfs-internal-fop"), 0);
    assert_int_equal(links_of(b, rest), 0);
    assert_int_equal(links_of(b, "back"), 2);
    close_fd(b, &fd); /* the last descriptor takes nothing with it now */
    assert_int_equal(links_of(b, "back"), 2);
    assert_int_equal(do_read(b, NULL, in, 0, buf, sizeof(buf)), 3);
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(st.nlink, 1);
    let_go(&in);
    settle(b);
}

/* A file that distribute left where another brick has the data. */
static void make_linkto(struct brick *b, const char *name, gfid_t *ret)
{
    struct inode *in;
    assert_int_equal(do_create(b, b->root, name, &in, NULL), 0);
    assert_int_equal(chmod(brick_path(b, name), S_ISVTX), 0);
    assert_int_equal(setxattr(brick_path(b, name), XATTR_LINKTO, "vol-client-1", 13, 0), 0);
    *ret = in->gfid;
    let_go(&in);
    settle(b);
}

static void force_replace_takes_a_link_file_away_and_nothing_else(void **state)
{
    struct brick *b = brick_of(state);
    gfid_t old, g = gfid_random();
    struct inode *in;
    struct stat st;
    make_linkto(b, "link", &old);
    assert_int_equal(do_create(b, b->root, "data", &in, NULL), 0);
    assert_int_equal(do_mknod(b, "link", g, NULL), -EEXIST);
    assert_int_equal(do_mknod(b, "data", g, "force-replace"), -EEXIST);
    assert_int_equal(do_mknod(b, "link", g, "force-replace"), 0);
    assert_int_equal(lstat(brick_handle(b, old), &st), -1);
    assert_int_equal(lstat(brick_handle(b, g), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    make_linkto(b, "link2", &old);
    struct fop *fop = make(b, FOP_LINK);
    loc_inode(&fop->loc, in);
    loc_entry(&fop->loc2, b->root, "link2");
    dict_set_i64(xdata(fop), "force-replace", 1);
    assert_int_equal(run(b, fop), 0);
    done(fop);
    assert_int_equal(links_of(b, "data"), 3);
    assert_int_equal(lstat(brick_handle(b, old), &st), -1);
    let_go(&in);
    settle(b);
}

static int unlink_with(struct brick *b, const char *name, const char *key)
{
    struct fop *fop = make(b, FOP_UNLINK);
    loc_entry(&fop->loc, b->root, name);
    dict_set_i64(xdata(fop), key, 1);
    int r = run(b, fop);
    done(fop);
    return r;
}

static void unlink_is_guarded_when_asked(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    struct fd *fd;
    gfid_t g;
    assert_int_equal(do_create(b, b->root, "open", &in, &fd), 0);
    assert_int_equal(unlink_with(b, "open", "dont-unlink-for-open-fd"), -EBUSY);
    assert_int_equal(links_of(b, "open"), 2);
    close_fd(b, &fd);
    assert_int_equal(unlink_with(b, "open", "unlink-only-if-dht-linkto-file"), -EBUSY);
    assert_int_equal(chmod(brick_path(b, "open"), S_ISVTX), 0); /* looks like one but points nowhere */
    assert_int_equal(unlink_with(b, "open", "unlink-only-if-dht-linkto-file"), -EBUSY);
    assert_int_equal(links_of(b, "open"), 2);
    assert_int_equal(unlink_with(b, "open", "dont-unlink-for-open-fd"), 0);
    make_linkto(b, "link", &g);
    assert_int_equal(unlink_with(b, "link", "unlink-only-if-dht-linkto-file"), 0);
    assert_int_equal(links_of(b, "link"), 0);
    let_go(&in);
    settle(b);
}

static void sync_backend_xattrs_replaces_what_users_set(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *d;
    char buf[16];
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    const char *path = brick_path(b, "d");
    assert_int_equal(setxattr(path, "user.old", "1", 1, 0), 0);
    assert_int_equal(setxattr(path, "user.both", "1", 1, 0), 0);
    assert_int_equal(setxattr(path, "trusted.glusterfs.quota.limit-set", "1", 1, 0), 0);
    assert_int_equal(setxattr(path, "trusted.glusterfs.dht", "1", 1, 0), 0);
    struct fop *fop = make(b, FOP_SETXATTR);
    loc_inode(&fop->loc, d);
    fop->in.setxattr.dict = dict_new();
    dict_set_binary(fop->in.setxattr.dict, "user.both", "2", 1);
    dict_set_i64(xdata(fop), "sync_backend_xattrs", 1);
    assert_int_equal(run(b, fop), 0);
    done(fop);
    assert_true(getxattr(path, "user.old", buf, sizeof(buf)) < 0);
    assert_true(getxattr(path, "trusted.glusterfs.quota.limit-set", buf, sizeof(buf)) < 0);
    assert_int_equal(getxattr(path, "user.both", buf, sizeof(buf)), 1);
    assert_int_equal(buf[0], '2');
    assert_int_equal(getxattr(path, "trusted.glusterfs.dht", buf, sizeof(buf)), 1);
    assert_int_equal(getxattr(path, XATTR_GFID, buf, sizeof(buf)), 16);
    let_go(&d);
    settle(b);
}

static void a_protected_file_says_so_until_a_lookup_cleans_it(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    assert_int_equal(do_create(b, b->root, "f", &in, NULL), 0);
    assert_int_equal(setxattr(brick_path(b, "f"), XATTR_PROTECT, "1", 1, 0), 0);
    struct fop *fop = make(b, FOP_LOOKUP);
    loc_entry(&fop->loc, b->root, "f");
    dict_set_i64(xdata(fop), "glusterfs.clean.writexattr", 1);
    assert_int_equal(run(b, fop), 0);
    done(fop);
    assert_true(getxattr(brick_path(b, "f"), XATTR_PROTECT, NULL, 0) < 0);
    let_go(&in);
    settle(b);
}

/* ---- descriptors kept for inodes ---- */

static unsigned int kept_open(struct brick *b)
{
    struct posix *p = testing_xlator(b->g, 0)->priv;
    SCOPED_LOCK(&p->kept.lock);
    return p->kept.open;
}

enum { KEPT = 6, OBJECTS = 30, VISITORS = 4 };
struct visitor {
    struct brick *b;
    struct inode **dir, **file;
    unsigned int seed, wrong;
    pthread_t thread;
};

static void *visit(void *arg)
{
    struct visitor *v = arg;
    struct brick *b = v->b;
    for (unsigned int i = 0; i < 400; i++) {
        unsigned int n = rand_r(&v->seed) % OBJECTS;
        struct fop *fop = fop_new(b->g, i % 2 ? FOP_LOOKUP : FOP_READ);
        if (i % 2) {
            loc_entry(&fop->loc, v->dir[n], "f");
        } else {
            loc_inode(&fop->loc, v->file[n]);
            fop->in.read.size = 8;
        }
        testing_run(b->g, fop);
        if (i % 2)
            v->wrong += fop->ret < 0 || fop->out.inode != v->file[n];
        else
            v->wrong += fop->ret != 1 || ((char *)slicev_at(&fop->out.data)[0].buf->data)[0] != (char)n;
        fop_free(fop);
    }
    return NULL;
}

static void few_descriptors_are_kept_and_each_is_the_right_one(void **state)
{
    struct brick *b = brick_of(state);
    struct posix *p = testing_xlator(b->g, 0)->priv;
    struct inode *dir[OBJECTS], *file[OBJECTS];
    struct visitor v[VISITORS];
    p->kept.max = KEPT;
    for (unsigned int i = 0; i < OBJECTS; i++) {
        char name[8], c = (char)i;
        struct fd *fd;
        snprintf(name, sizeof(name), "d%u", i);
        assert_int_equal(do_mkdir(b, b->root, name, &dir[i]), 0);
        assert_int_equal(do_create(b, dir[i], "f", &file[i], &fd), 0);
        assert_int_equal(do_write(b, fd, NULL, 0, &c, 1), 1);
        close_fd(b, &fd);
    }
    assert_true(kept_open(b) <= KEPT);
    for (unsigned int i = 0; i < VISITORS; i++) {
        v[i] = (struct visitor){.b = b, .dir = dir, .file = file, .seed = i};
        assert_int_equal(pthread_create(&v[i].thread, NULL, visit, &v[i]), 0);
    }
    for (unsigned int i = 0; i < VISITORS; i++) {
        pthread_join(v[i].thread, NULL);
        assert_int_equal(v[i].wrong, 0);
    }
    assert_int_equal(kept_open(b), KEPT);
    for (unsigned int i = 0; i < OBJECTS; i++) {
        let_go(&dir[i]);
        let_go(&file[i]);
    }
    settle(b);
}

static void what_the_process_may_not_hold_open_rests(void **state)
{
    struct brick *b = brick_of(state);
    struct posix *p = testing_xlator(b->g, 0)->priv;
    struct inode *d, *in;
    struct fd *fd, *other, *dir;
    p->client_fds_max = 2;
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    assert_int_equal(do_create(b, d, "f", &in, &fd), 0);
    assert_int_equal(do_open(b, in, O_RDONLY, &other), 0);
    assert_int_equal(atomic_load(&p->client_fds), 2);
    assert_int_equal(do_opendir(b, d, &dir), -EMFILE);

    /* It works as one that has a descriptor of the system, with its own flags, also when the file has no name any more. */
    struct inode *in2;
    struct fd *resting, *reader;
    assert_int_equal(do_create(b, d, "g", &in2, &resting), 0);
    assert_int_equal(do_open(b, in2, O_RDONLY, &reader), 0);
    assert_int_equal(atomic_load(&p->client_fds), 2);
    assert_int_equal(do_write(b, resting, NULL, 0, "hello", 5), 5);
    assert_int_equal(do_write(b, reader, NULL, 0, "no", 2), -EBADF);
    assert_int_equal(links_of(b, "d/g"), 2);
    assert_int_equal(do_unlink(b, d, "g"), 0);
    assert_int_equal(do_write(b, resting, NULL, 5, " there", 6), 6);
    char text[16] = "";
    assert_int_equal(do_read(b, reader, NULL, 0, text, sizeof(text)), 11);
    assert_string_equal(text, "hello there");
    close_fd(b, &resting);
    close_fd(b, &reader);
    let_go(&in2);

    close_fd(b, &other);
    assert_int_equal(do_opendir(b, d, &dir), 0);
    close_fd(b, &dir);
    close_fd(b, &fd);
    assert_int_equal(atomic_load(&p->client_fds), 0);
    let_go(&d);
    let_go(&in);
    settle(b);
}

/* ---- swaps ---- */

#define SECRET "secret outside the brick"

/* Somebody may write to the brick's file system: he exchanges a directory, or a file, with a symlink to one outside that looks alike,
 * over and over, while clients work there. */
struct swapper {
    struct brick *b;
    char at[4][4300]; /* two pairs */
    atomic_bool stop;
    unsigned long swaps;
    pthread_t thread;
};

static void *swap(void *arg)
{
    struct swapper *s = arg;
    while (!atomic_load(&s->stop)) {
        for (unsigned int i = 0; i < 4; i += 2)
            s->swaps += syscall(SYS_renameat2, AT_FDCWD, s->at[i], AT_FDCWD, s->at[i + 1], RENAME_EXCHANGE) == 0;
    }
    return NULL;
}

static void quiet(struct brick *b, struct fop *fop)
{
    testing_run(b->g, fop);
    fop_free(fop);
}

static void quiet_setxattr(struct brick *b, struct inode *in)
{
    struct fop *fop = fop_new(b->g, FOP_SETXATTR);
    loc_inode(&fop->loc, in);
    fop->in.setxattr.dict = dict_new();
    dict_set_binary(fop->in.setxattr.dict, "user.mark", "x", 1);
    quiet(b, fop);
    fop = fop_new(b->g, FOP_SETATTR);
    loc_inode(&fop->loc, in);
    fop->in.setattr.stat.mode = 0600;
    fop->in.setattr.valid = SET_MODE;
    quiet(b, fop);
}

static bool knows_secret(struct fop *fop)
{
    char text[64] = "";
    const struct dict_pair *pair = fop->xdata_out ? dict_find(fop->xdata_out, "glusterfs.content") : NULL;
    if (pair && memmem(pair->value, pair->len, SECRET, strlen(SECRET)))
        return true;
    size_t n = min_of(fop->out.data.len, sizeof(text) - 1);
    slicev_copy_out(&fop->out.data, 0, text, n);
    return strstr(text, SECRET) != NULL;
}

/* One of each operation on names below dir. */
static unsigned int attack_round(struct brick *b, struct inode *dir, unsigned int round)
{
    unsigned int leaks = 0;
    char name[16];
    snprintf(name, sizeof(name), "n%u", round % 8);
    struct fop *fop = fop_new(b->g, FOP_LOOKUP);
    loc_entry(&fop->loc, dir, "f");
    dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
    dict_set_u64(xdata(fop), "glusterfs.content", 4096);
    testing_run(b->g, fop);
    leaks += fop->ret == 0 && knows_secret(fop);
    struct inode *in = fop->ret == 0 ? inode_ref(fop->out.inode) : NULL;
    fop_free(fop);
    if (in) {
        quiet_setxattr(b, in);
        fop = fop_new(b->g, FOP_OPEN);
        loc_inode(&fop->loc, in);
        fop->in.open.flags = O_RDWR;
        testing_run(b->g, fop);
        struct fd *fd = fop->ret == 0 ? fd_ref(fop->out.fd) : NULL;
        fop_free(fop);
        for (unsigned int i = 0; i < 2; i++) {
            fop = fop_new(b->g, i ? FOP_TRUNCATE : FOP_READ);
            if (fd && !i)
                fop->fd = fd_ref(fd);
            else
                loc_inode(&fop->loc, in);
            if (!i)
                fop->in.read.size = 4096;
            else
                fop->in.truncate.offset = 5;
            testing_run(b->g, fop);
            leaks += !i && fop->ret > 0 && knows_secret(fop);
            fop_free(fop);
        }
        fd_unref(fd);
        fop = fop_new(b->g, FOP_LINK);
        loc_inode(&fop->loc, in);
        loc_entry(&fop->loc2, dir, "linked");
        quiet(b, fop);
        inode_unref(in);
    }
    static const enum fop_op op[] = {FOP_CREATE, FOP_MKNOD, FOP_MKDIR, FOP_SYMLINK, FOP_RENAME, FOP_UNLINK, FOP_RMDIR};
    for (unsigned int i = 0; i < array_len(op); i++) {
        fop = fop_new(b->g, op[i]);
        loc_entry(&fop->loc, dir, name);
        dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
        if (op[i] == FOP_CREATE)
            fop->in.create.flags = O_CREAT | O_RDWR | (round & 1 ? O_TRUNC : 0);
        else if (op[i] == FOP_SYMLINK)
            fop->in.symlink.target = "/etc/passwd";
        else if (op[i] == FOP_RENAME)
            loc_entry(&fop->loc2, dir, round & 1 ? "f" : "moved");
        quiet(b, fop);
    }
    static const char *const gone[] = {"linked", "moved", "sub"};
    for (unsigned int i = 0; i < array_len(gone); i++) {
        fop = fop_new(b->g, FOP_UNLINK);
        loc_entry(&fop->loc, dir, gone[i]);
        quiet(b, fop);
    }
    fop = fop_new(b->g, FOP_RMDIR);
    loc_entry(&fop->loc, dir, "sub");
    quiet(b, fop);
    return leaks;
}

/* What is outside: names, types, link counts, sizes and change times, which any change moves. */
static void picture(const char *dir, char *to, size_t size)
{
    static const char *const name[] = {"", "/f", "/sub", "/sub/f", "/n0", "/n1", "/n2", "/n3", "/n4", "/n5", "/n6", "/n7", "/linked",
                                       "/moved"};
    size_t at = 0;
    for (unsigned int i = 0; i < array_len(name); i++) {
        char path[4400];
        struct stat st = {0};
        snprintf(path, sizeof(path), "%s%s", dir, name[i]);
        int r = lstat(path, &st);
        at += (size_t)snprintf(to + at, size - at, "%s %d %o %lu %lld %lld.%09ld\n", name[i], r, st.st_mode, (unsigned long)st.st_nlink,
                               (long long)st.st_size, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
        assert_true(at < size);
    }
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void a_swap_with_a_symlink_leads_nobody_out_of_the_brick(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *d, *deep, *in;
    struct swapper s = {.b = b};
    char outside[4200], path[4300], before[4096], after[4096];
    /* Beside the brick, on the same file system, so that even links could be made. */
    snprintf(outside, sizeof(outside), "%s.outside", b->dir);
    assert_int_equal(mkdir(outside, 0755), 0);
    static const char *const names[] = {"f", "n0", "n1", "n2", "n3", "sub/f"};
    snprintf(path, sizeof(path), "%s/sub", outside);
    assert_int_equal(mkdir(path, 0755), 0);
    for (unsigned int i = 0; i < array_len(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", outside, names[i]);
        write_file(path, SECRET);
    }
    static const char *const inside[] = {"d", "e"};
    gfid_t gfid[3];
    for (unsigned int i = 0; i < 2; i++) {
        assert_int_equal(do_mkdir(b, b->root, inside[i], &d), 0);
        assert_int_equal(do_create(b, d, "f", &in, NULL), 0);
        gfid[i] = d->gfid;
        let_go(&in);
        if (i == 0) {
            assert_int_equal(do_mkdir(b, d, "sub", &deep), 0);
            assert_int_equal(do_create(b, deep, "f", &in, NULL), 0);
            gfid[2] = deep->gfid;
            let_go(&in);
            let_go(&deep);
        }
        let_go(&d);
    }
    static const char *const pairs[] = {"d", "evil-dir", "e/f", "evil-file"};
    for (unsigned int i = 0; i < array_len(pairs); i++)
        snprintf(s.at[i], sizeof(s.at[i]), "%s/%s", b->dir, pairs[i]);
    assert_int_equal(symlink(outside, s.at[1]), 0);
    snprintf(path, sizeof(path), "%s/f", outside);
    assert_int_equal(symlink(path, s.at[3]), 0);
    picture(outside, before, sizeof(before));
    settle(b);
    assert_int_equal(pthread_create(&s.thread, NULL, swap, &s), 0);
    unsigned int leaks = 0;
    for (unsigned int i = 0; i < 900; i++) {
        d = inode_get(b->g->inodes, gfid[i % 3]);
        leaks += attack_round(b, d, i);
        let_go(&d); /* and its descriptor: the way is looked for again, maybe in the middle of a swap */
        settle(b);
    }
    atomic_store(&s.stop, true);
    pthread_join(s.thread, NULL);
    settle(b);
    picture(outside, after, sizeof(after));
    assert_int_equal(leaks, 0);
    assert_string_equal(after, before);
    assert_true(s.swaps > 100);
    brick_down(b);
    for (unsigned int i = 0; i < array_len(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", outside, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    snprintf(path, sizeof(path), "%s/sub", outside);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(outside), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, brick_setup, brick_teardown)
    const struct CMUnitTest tests[] = {
        T(mknod_of_an_internal_caller_names_what_has_the_gfid),
        T(mknod_brings_an_unlinked_open_file_back),
        T(force_replace_takes_a_link_file_away_and_nothing_else),
        T(unlink_is_guarded_when_asked),
        T(sync_backend_xattrs_replaces_what_users_set),
        T(a_protected_file_says_so_until_a_lookup_cleans_it),
        T(few_descriptors_are_kept_and_each_is_the_right_one),
        T(what_the_process_may_not_hold_open_rests),
        T(a_swap_with_a_symlink_leads_nobody_out_of_the_brick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
