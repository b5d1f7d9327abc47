/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What lies on the disk, and what hostile names, gfids and symlinks cannot do. The values were read from a stock 10.3 brick. */
#include "config.h"

#include <time.h>

#include "test-brick.h"

static gfid_t gfid_of(const char *text)
{
    gfid_t g;
    assert_true(gfid_parse(text, &g));
    return g;
}

static void back_references_have_stocks_names(void **state)
{
    char key[GFID2PATH_KEY], value[GFID_TEXT + FOP_NAME_MAX + 1];
    size_t len = gfid2path_pair(gfid_of("7560d2ef-4c47-443f-8676-221529bdf719"), "p", key, value);
    assert_string_equal(key, "trusted.gfid2path.71a7b00de2a776ba");
    assert_string_equal(value, "7560d2ef-4c47-443f-8676-221529bdf719/p");
    assert_int_equal(len, 38);
    gfid2path_pair(gfid_of("b172c4b0-45d7-4468-b15b-a8e39c4dd06e"), "h", key, value);
    assert_string_equal(key, "trusted.gfid2path.df4ef994539f07ec");
    gfid2path_pair(gfid_root, "x", key, value);
    assert_string_equal(key, "trusted.gfid2path.a9941a870ca0e4fa");
}

static void texts_of_directory_handles_are_checked(void **state)
{
    gfid_t up;
    char name[FOP_NAME_MAX + 1], text[512];
    const char *good = "../../75/60/7560d2ef-4c47-443f-8676-221529bdf719/e";
    assert_true(handle_text_parse(good, strlen(good), &up, name));
    assert_string_equal(name, "e");
    static const char *const bad[] = {
        "../../75/60/7560d2ef-4c47-443f-8676-221529bdf719/",          "../../75/60/7560d2ef-4c47-443f-8676-221529bdf719/..",
        "../../75/60/7560d2ef-4c47-443f-8676-221529bdf719/a/b",       "../../75/61/7560d2ef-4c47-443f-8676-221529bdf719/e",
        "../../76/60/7560d2ef-4c47-443f-8676-221529bdf719/e",         "../../75/60/7560d2ef-4c47-443f-8676-221529bdf71x/e",
        "/../../5/60/7560d2ef-4c47-443f-8676-221529bdf719/e",         "../../../etc/passwd",
        "../../75/60/7560d2ef-4c47-443f-8676-221529bdf719e",          "",
    };
    for (unsigned int i = 0; i < array_len(bad); i++)
        assert_false(handle_text_parse(bad[i], strlen(bad[i]), &up, name));
    snprintf(text, sizeof(text), "../../75/60/7560d2ef-4c47-443f-8676-221529bdf719/%0*d", 255, 1);
    assert_true(handle_text_parse(text, strlen(text), &up, name));
    strcat(text, "1");
    assert_false(handle_text_parse(text, strlen(text), &up, name));
}

static void the_private_tree_is_stocks(void **state)
{
    struct brick *b = brick_of(state);
    struct stat st, root;
    char text[256];
    for (unsigned int i = 0; i < 256; i++) {
        char rest[32];
        snprintf(rest, sizeof(rest), ".glusterfs/%02x", i);
        assert_int_equal(lstat(brick_path(b, rest), &st), 0);
        assert_int_equal(st.st_mode, S_IFDIR | 0700);
    }
    assert_int_equal(lstat(brick_path(b, ".glusterfs/landfill"), &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0755);
    assert_int_equal(lstat(brick_path(b, ".glusterfs/unlink"), &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0600);
    ssize_t n = readlink(brick_handle(b, gfid_root), text, sizeof(text) - 1);
    assert_int_equal(n, 8);
    assert_memory_equal(text, "../../..", 8);
    assert_int_equal(stat(brick_handle(b, gfid_root), &st), 0);
    assert_int_equal(stat(b->dir, &root), 0);
    assert_int_equal(st.st_ino, root.st_ino);
    assert_int_equal(getxattr(b->dir, XATTR_GFID, text, sizeof(text)), 16);
    assert_memory_equal(text, gfid_root.b, 16);
}

static void each_kind_of_object_has_its_handle(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *d, *e, *f, *s;
    struct stat st, h;
    char text[256], want[256], u[GFID_TEXT];
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    assert_int_equal(do_mkdir(b, d, "e", &e), 0);
    assert_int_equal(do_create(b, e, "f", &f, NULL), -0);
    assert_int_equal(do_symlink(b, d, "s", "../etc/passwd", &s), 0);

    ssize_t n = readlink(brick_handle(b, e->gfid), text, sizeof(text) - 1);
    assert_true(n > 0);
    text[n] = 0;
    snprintf(want, sizeof(want), "../../%02x/%02x/%s/e", d->gfid.b[0], d->gfid.b[1], gfid_text(d->gfid, u));
    assert_string_equal(text, want);

    assert_int_equal(lstat(brick_path(b, "d/e/f"), &st), 0);
    assert_int_equal(lstat(brick_handle(b, f->gfid), &h), 0);
    assert_int_equal(st.st_ino, h.st_ino);
    assert_int_equal(st.st_nlink, 2);
    assert_int_equal(lstat(brick_path(b, "d/s"), &st), 0);
    assert_int_equal(lstat(brick_handle(b, s->gfid), &h), 0);
    assert_true(S_ISLNK(h.st_mode));
    assert_int_equal(st.st_ino, h.st_ino);
    assert_int_equal(getxattr(brick_path(b, "d/e/f"), XATTR_GFID, text, sizeof(text)), 16);
    assert_memory_equal(text, f->gfid.b, 16);
    assert_int_equal(lgetxattr(brick_path(b, "d/s"), XATTR_GFID, text, sizeof(text)), 16);
    let_go(&d);
    let_go(&e);
    let_go(&f);
    let_go(&s);
}

/* Value of the back reference for (parent, name), or "" */
static bool refers(struct brick *b, const char *path, gfid_t parent, const char *name)
{
    char key[GFID2PATH_KEY], value[GFID_TEXT + FOP_NAME_MAX + 1], is[512];
    size_t len = gfid2path_pair(parent, name, key, value);
    ssize_t n = lgetxattr(brick_path(b, path), key, is, sizeof(is));
    return n == (ssize_t)len && !memcmp(is, value, len);
}

static unsigned int references(struct brick *b, const char *path)
{
    char list[4096];
    unsigned int found = 0;
    ssize_t n = llistxattr(brick_path(b, path), list, sizeof(list));
    for (const char *name = list; n > 0 && name < list + n; name += strlen(name) + 1)
        found += !strncmp(name, XATTR_GFID2PATH, strlen(XATTR_GFID2PATH));
    return found;
}

static void back_references_follow_link_rename_and_unlink(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *d, *f;
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    assert_int_equal(do_create(b, b->root, "f", &f, NULL), 0);
    assert_true(refers(b, "f", gfid_root, "f"));
    assert_int_equal(do_link(b, f, d, "g"), 0);
    assert_true(refers(b, "f", d->gfid, "g"));
    assert_int_equal(references(b, "f"), 2);
    assert_int_equal(do_rename(b, b->root, "f", d, "h", NULL), 0);
    assert_true(refers(b, "d/h", d->gfid, "h"));
    assert_false(refers(b, "d/h", gfid_root, "f"));
    assert_int_equal(references(b, "d/h"), 2);
    /* two names of one object: POSIX says that nothing happens */
    assert_int_equal(do_rename(b, d, "h", d, "g", NULL), 0);
    assert_int_equal(references(b, "d/h"), 2);
    assert_int_equal(do_unlink(b, d, "g"), 0);
    assert_int_equal(references(b, "d/h"), 1);
    assert_true(refers(b, "d/h", d->gfid, "h"));
    let_go(&d);
    let_go(&f);
}

static void a_moved_directory_is_found_under_its_new_name(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *a, *c, *d, *f;
    char text[256];
    assert_int_equal(do_mkdir(b, b->root, "a", &a), 0);
    assert_int_equal(do_mkdir(b, b->root, "c", &c), 0);
    assert_int_equal(do_mkdir(b, a, "d", &d), 0);
    assert_int_equal(do_create(b, d, "f", &f, NULL), 0);
    assert_int_equal(do_rename(b, a, "d", c, "moved", NULL), 0);
    ssize_t n = readlink(brick_handle(b, d->gfid), text, sizeof(text) - 1);
    assert_true(n > 0);
    text[n] = 0;
    assert_string_equal(strrchr(text, '/'), "/moved");
    gfid_t g = d->gfid;
    let_go(&a);
    let_go(&c);
    let_go(&d);
    let_go(&f);
    brick_down(b); /* nothing is remembered: it is found by the handles alone */
    brick_up(b, NULL);
    d = inode_get(b->g->inodes, g);
    assert_int_equal(do_lookup(b, d, "f", NULL, NULL), 0);
    let_go(&d);
}

static void rename_over_a_file_takes_its_handle_away(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *f, *v;
    assert_int_equal(do_create(b, b->root, "f", &f, NULL), 0);
    assert_int_equal(do_create(b, b->root, "v", &v, NULL), 0);
    settle(b);
    assert_int_equal(do_rename(b, b->root, "f", b->root, "v", v), 0);
    assert_int_equal(access(brick_handle(b, v->gfid), F_OK), -1);
    assert_int_equal(access(brick_handle(b, f->gfid), F_OK), 0);
    assert_int_equal(access(brick_path(b, "f"), F_OK), -1);
    let_go(&f);
    let_go(&v);
}

static void rename_over_a_directory_asks_that_it_be_known(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *a, *v;
    assert_int_equal(do_mkdir(b, b->root, "a", &a), 0);
    assert_int_equal(do_mkdir(b, b->root, "v", &v), 0);
    assert_int_equal(do_rename(b, b->root, "a", b->root, "v", NULL), -EEXIST);
    assert_int_equal(access(brick_handle(b, a->gfid), F_OK), 0);
    assert_int_equal(do_rename(b, b->root, "a", b->root, "v", v), 0);
    struct stat st;
    assert_int_equal(lstat(brick_handle(b, v->gfid), &st), -1);
    assert_int_equal(do_rename(b, b->root, "v", a, "inside", NULL), -EINVAL); /* into itself: the handle is back */
    assert_int_equal(stat(brick_handle(b, a->gfid), &st), 0);
    let_go(&a);
    let_go(&v);
}

static void an_open_file_lives_on_without_a_name(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *f;
    struct fd *fd;
    char buf[16], rest[128], u[GFID_TEXT];
    struct iatt st;
    assert_int_equal(do_create(b, b->root, "f", &f, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, "data", 4), 4);
    assert_int_equal(do_unlink(b, b->root, "f"), 0);
    snprintf(rest, sizeof(rest), ".glusterfs/unlink/%s", gfid_text(f->gfid, u));
    assert_int_equal(access(brick_path(b, rest), F_OK), 0);
    assert_int_equal(access(brick_handle(b, f->gfid), F_OK), -1);
    assert_int_equal(do_read(b, fd, NULL, 0, buf, sizeof(buf)), 4);
    assert_int_equal(do_read(b, NULL, f, 0, buf, sizeof(buf)), 4); /* by gfid alone, as open-behind does */
    assert_int_equal(do_stat(b, f, &st), 0);
    assert_int_equal(st.nlink, 0);
    assert_int_equal(do_lookup_gfid(b, f->gfid, NULL), -ENOENT);
    close_fd(b, &fd);
    assert_int_equal(access(brick_path(b, rest), F_OK), -1);
    let_go(&f);
}

static void what_was_left_in_unlink_is_purged_at_start(void **state)
{
    struct brick *b = brick_of(state);
    brick_down(b);
    assert_int_equal(mkdir(brick_path(b, ".glusterfs/unlink/dir"), 0700), 0);
    int fd = open(brick_path(b, ".glusterfs/unlink/file"), O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    brick_up(b, NULL);
    assert_int_equal(access(brick_path(b, ".glusterfs/unlink/dir"), F_OK), -1);
    assert_int_equal(access(brick_path(b, ".glusterfs/unlink/file"), F_OK), -1);
    assert_int_equal(access(brick_path(b, ".glusterfs/unlink"), F_OK), 0);
}

static void hostile_names_are_refused(void **state)
{
    struct brick *b = brick_of(state);
    static const struct {
        const char *name;
        int err;
    } bad[] = {{".", -EINVAL}, {"..", -EINVAL}, {"a/b", -EPERM}, {"/etc", -EPERM}, {"../x", -EPERM}, {".glusterfs", -EPERM}};
    struct inode *f;
    assert_int_equal(do_create(b, b->root, "f", &f, NULL), 0);
    for (unsigned int i = 0; i < array_len(bad); i++) {
        assert_int_equal(do_mkdir(b, b->root, bad[i].name, NULL), bad[i].err);
        assert_int_equal(do_create(b, b->root, bad[i].name, NULL, NULL), bad[i].err);
        assert_int_equal(do_symlink(b, b->root, bad[i].name, "x", NULL), bad[i].err);
        assert_int_equal(do_unlink(b, b->root, bad[i].name), bad[i].err);
        assert_int_equal(do_rmdir(b, b->root, bad[i].name, 1), bad[i].err);
        assert_int_equal(do_rename(b, b->root, bad[i].name, b->root, "y", NULL), bad[i].err);
        assert_int_equal(do_rename(b, b->root, "f", b->root, bad[i].name, NULL), bad[i].err);
        assert_int_equal(do_link(b, f, b->root, bad[i].name), bad[i].err);
        assert_true(do_lookup(b, b->root, bad[i].name, NULL, NULL) < 0);
    }
    assert_int_equal(do_lookup(b, b->root, "..", NULL, NULL), -ENODATA);
    assert_int_equal(access(brick_path(b, ".glusterfs/00"), F_OK), 0);
    let_go(&f);
}

static void only_directories_are_parents(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *f, *s;
    assert_int_equal(do_create(b, b->root, "f", &f, NULL), 0);
    assert_int_equal(do_symlink(b, b->root, "s", "/", &s), 0);
    assert_int_equal(do_mkdir(b, f, "x", NULL), -EPERM);
    assert_int_equal(do_mkdir(b, s, "x", NULL), -EPERM);
    assert_int_equal(do_lookup(b, s, "etc", NULL, NULL), -EPERM);
    struct inode *unknown = inode_get(b->g->inodes, gfid_random());
    assert_int_equal(do_mkdir(b, unknown, "x", NULL), -ESTALE);
    let_go(&unknown);
    let_go(&f);
    let_go(&s);
}

static void a_new_object_needs_a_gfid_of_its_own(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *f;
    assert_int_equal(do_create(b, b->root, "f", &f, NULL), 0);
    const gfid_t bad[] = {{{0}}, gfid_root};
    for (unsigned int i = 0; i < 3; i++) {
        struct fop *fop = make(b, FOP_MKDIR);
        loc_entry(&fop->loc, b->root, "d");
        if (i < 2)
            dict_set_gfid(xdata(fop), "gfid-req", bad[i]);
        assert_int_equal(run(b, fop), -EINVAL);
        done(fop);
    }
    /* another object's: the half-made entry is taken away */
    struct fop *fop = make(b, FOP_MKNOD);
    loc_entry(&fop->loc, b->root, "n");
    fop->in.mknod.mode = S_IFREG | 0644;
    dict_set_gfid(xdata(fop), "gfid-req", f->gfid);
    assert_int_equal(run(b, fop), -EEXIST);
    done(fop);
    fop = make(b, FOP_MKDIR);
    loc_entry(&fop->loc, b->root, "d");
    dict_set_gfid(xdata(fop), "gfid-req", f->gfid);
    assert_int_equal(run(b, fop), -EEXIST);
    done(fop);
    assert_int_equal(access(brick_path(b, "n"), F_OK), -1);
    assert_int_equal(access(brick_path(b, "d"), F_OK), -1);
    assert_int_equal(access(brick_handle(b, f->gfid), F_OK), 0);
    let_go(&f);
}

/* Behind the brick's back a directory is swapped for a symlink that leads outside: nothing may follow it. */
static void a_symlink_in_a_directorys_place_leads_nowhere(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *d, *e;
    char outside[300];
    snprintf(outside, sizeof(outside), "%s.outside", b->dir);
    assert_int_equal(mkdir(outside, 0755), 0);
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    assert_int_equal(do_mkdir(b, d, "e", &e), 0);
    gfid_t gd = d->gfid, ge = e->gfid;
    let_go(&d);
    let_go(&e);
    brick_down(b);
    assert_int_equal(rename(brick_path(b, "d"), brick_path(b, "was")), 0);
    assert_int_equal(symlink(outside, brick_path(b, "d")), 0);
    /* even one that carries the right gfid below */
    char inner[400];
    snprintf(inner, sizeof(inner), "%s/e", outside);
    assert_int_equal(mkdir(inner, 0755), 0);
    assert_int_equal(setxattr(inner, XATTR_GFID, ge.b, 16, 0), 0);
    brick_up(b, NULL);
    d = inode_get(b->g->inodes, gd);
    e = inode_get(b->g->inodes, ge);
    assert_int_equal(do_mkdir(b, d, "x", NULL), -ESTALE);
    assert_int_equal(do_create(b, e, "x", NULL, NULL), -ESTALE);
    assert_true(do_stat(b, d, NULL) < 0);
    assert_int_equal(do_opendir(b, e, NULL), -ESTALE);
    snprintf(inner, sizeof(inner), "%s/e/x", outside);
    assert_int_equal(access(inner, F_OK), -1);
    let_go(&d);
    let_go(&e);
    snprintf(inner, sizeof(inner), "%s/e", outside);
    rmdir(inner);
    rmdir(outside);
}

/* The link says one directory, but another one stands there now. */
static void a_directory_is_believed_only_with_its_gfid(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *d;
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    gfid_t g = d->gfid;
    let_go(&d);
    brick_down(b);
    assert_int_equal(rename(brick_path(b, "d"), brick_path(b, "was")), 0);
    assert_int_equal(mkdir(brick_path(b, "d"), 0755), 0);
    brick_up(b, NULL);
    d = inode_get(b->g->inodes, g);
    assert_int_equal(do_mkdir(b, d, "x", NULL), -ESTALE);
    let_go(&d);
}

static void a_loop_of_handles_ends(void **state)
{
    struct brick *b = brick_of(state);
    char u[GFID_TEXT], text[128];
    gfid_t g = gfid_random();
    snprintf(text, sizeof(text), "%s", brick_handle(b, g));
    *strrchr(text, '/') = 0;
    mkdir(text, 0700);
    snprintf(text, sizeof(text), "../../%02x/%02x/%s/a", g.b[0], g.b[1], gfid_text(g, u));
    assert_int_equal(symlink(text, brick_handle(b, g)), 0);
    struct inode *in = inode_get(b->g->inodes, g);
    assert_true(do_stat(b, in, NULL) < 0);
    let_go(&in);
}

static void deep_trees_are_reached_by_gfid(void **state)
{
    struct brick *b = brick_of(state);
    enum { LEVELS = 120 };
    char name[FOP_NAME_MAX + 1];
    memset(name, 'n', 255);
    name[255] = 0;
    struct inode *at = inode_ref(b->root);
    for (int i = 0; i < LEVELS; i++) {
        struct inode *d;
        assert_int_equal(do_mkdir(b, at, name, &d), 0);
        inode_unref(at);
        at = d;
    }
    gfid_t g = at->gfid;
    let_go(&at);
    brick_down(b);
    brick_up(b, NULL);
    struct inode *f, *d = inode_get(b->g->inodes, g);
    struct iatt st;
    assert_int_equal(do_create(b, d, name, &f, NULL), 0);
    assert_int_equal(do_lookup(b, d, name, NULL, &st), 0);
    assert_true(gfid_equal(st.gfid, f->gfid));
    let_go(&f);
    assert_int_equal(do_unlink(b, d, name), 0);
    let_go(&d);
    assert_int_equal(do_rmdir(b, b->root, name, 1), 0);
    struct stat gone;
    assert_int_equal(lstat(brick_path(b, name), &gone), -1);
}

static void a_missing_handle_is_made_at_the_first_lookup(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *f, *d;
    assert_int_equal(do_create(b, b->root, "f", &f, NULL), 0);
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    gfid_t gf = f->gfid, gd = d->gfid;
    let_go(&f);
    let_go(&d);
    brick_down(b);
    assert_int_equal(unlink(brick_handle(b, gf)), 0);
    assert_int_equal(unlink(brick_handle(b, gd)), 0);
    brick_up(b, NULL);
    const char *name[] = {"f", "d"};
    for (unsigned int i = 0; i < 2; i++) {
        struct fop *fop = make(b, FOP_LOOKUP);
        loc_entry(&fop->loc, b->root, name[i]);
        xdata(fop);
        assert_int_equal(run(b, fop), 0);
        assert_int_equal(fop->out.stat.nlink, i ? 2 : 1);
        done(fop);
    }
    struct stat st;
    assert_int_equal(lstat(brick_handle(b, gf), &st), 0);
    assert_int_equal(stat(brick_handle(b, gd), &st), 0);
}

static int lookup_with_xdata(struct brick *b, const char *name, struct inode **ret)
{
    struct fop *fop = make(b, FOP_LOOKUP);
    loc_entry(&fop->loc, b->root, name);
    xdata(fop);
    int r = run(b, fop);
    if (r == 0)
        *ret = inode_ref(fop->out.inode);
    done(fop);
    return r;
}

static void a_directory_whose_handle_leads_elsewhere_is_found_again(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *d, *other, *in;
    char handle[4096];
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    assert_int_equal(do_mkdir(b, b->root, "other", &other), 0);
    gfid_t g = d->gfid;
    snprintf(handle, sizeof(handle), "%s", brick_handle(b, g));
    let_go(&d);
    let_go(&other);
    brick_down(b);
    assert_int_equal(rename(brick_path(b, "d"), brick_path(b, "moved")), 0);
    brick_up(b, NULL);
    assert_int_equal(lookup_with_xdata(b, "moved", &d), 0); /* it leads nowhere */
    assert_int_equal(do_create(b, d, "f", &in, NULL), 0);
    let_go(&in);
    let_go(&d);
    brick_down(b);
    assert_int_equal(unlink(handle), 0);
    assert_int_equal(symlink("../../00/00/00000000-0000-0000-0000-000000000001/other", handle), 0);
    brick_up(b, NULL);
    assert_int_equal(lookup_with_xdata(b, "moved", &d), 0); /* to a directory with another gfid */
    assert_int_equal(do_create(b, d, "g", &in, NULL), 0);
    let_go(&in);
    let_go(&d);
    brick_down(b);
    assert_int_equal(mkdir(brick_path(b, "copy"), 0755), 0);
    assert_int_equal(setxattr(brick_path(b, "copy"), XATTR_GFID, g.b, 16, 0), 0);
    brick_up(b, NULL);
    assert_int_equal(lookup_with_xdata(b, "copy", &d), 0); /* a second one takes nothing from the first */
    let_go(&d);
    assert_true(handle_dir_says(testing_xlator(b->g, 0)->priv, g, gfid_root, "moved"));
    settle(b);
}

static void an_object_put_there_by_hand_gets_the_gfid_asked_for(void **state)
{
    struct brick *b = brick_of(state);
    gfid_t g = gfid_random();
    int fd = open(brick_path(b, "hand"), O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(do_lookup(b, b->root, "hand", NULL, NULL), -ENODATA);
    struct fop *fop = make(b, FOP_LOOKUP);
    loc_entry(&fop->loc, b->root, "hand");
    dict_set_gfid(xdata(fop), "gfid-req", g);
    assert_int_equal(run(b, fop), 0);
    assert_true(gfid_equal(fop->out.stat.gfid, g));
    assert_int_equal(fop->out.stat.nlink, 1);
    done(fop);
    assert_int_equal(access(brick_handle(b, g), F_OK), 0);
}

static int lookup_by_hand(struct brick *b, const char *name, gfid_t g)
{
    struct fop *fop = make(b, FOP_LOOKUP);
    loc_entry(&fop->loc, b->root, name);
    dict_set_gfid(xdata(fop), "gfid-req", g);
    int r = run(b, fop);
    done(fop);
    return r;
}

static void record_time(struct brick *b, const char *name, struct timespec t)
{
    uint8_t raw[MDATA_SIZE];
    mdata_encode(&(struct mdata){t, t, t}, raw);
    assert_int_equal(setxattr(brick_path(b, name), XATTR_MDATA, raw, sizeof(raw), 0), 0);
}

/* Whoever makes it may not have finished. */
static void what_is_younger_than_a_second_gets_no_gfid_yet(void **state)
{
    struct brick *b = brick_of(state);
    struct timespec now, was, later;
    close(open(brick_path(b, "f"), O_WRONLY | O_CREAT, 0644));
    do { /* a little before the second changed, which is less than a second ago, if this is not too slow */
        clock_gettime(CLOCK_REALTIME, &now);
        was = (struct timespec){.tv_sec = now.tv_sec - 1, .tv_nsec = 999999999};
        record_time(b, "f", was);
        int r = lookup_by_hand(b, "f", gfid_random());
        clock_gettime(CLOCK_REALTIME, &later);
        if (later.tv_sec == now.tv_sec)
            assert_int_equal(r, -ENOENT);
    } while (later.tv_sec != now.tv_sec && unlink(brick_path(b, "f")) == 0 &&
             close(open(brick_path(b, "f"), O_WRONLY | O_CREAT, 0644)) == 0);
    was.tv_sec += 100; /* somebody's clock is ahead */
    record_time(b, "f", was);
    assert_int_equal(lookup_by_hand(b, "f", gfid_random()), -ENOENT);
    assert_true(getxattr(brick_path(b, "f"), XATTR_GFID, NULL, 0) < 0);
    was.tv_sec = now.tv_sec - 2;
    record_time(b, "f", was);
    assert_int_equal(lookup_by_hand(b, "f", gfid_random()), 0);
    settle(b);
}

static void rmdir_with_flags_moves_the_tree_to_landfill(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *d;
    char rest[128], u[GFID_TEXT];
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    assert_int_equal(do_create(b, d, "f", NULL, NULL), 0);
    assert_int_equal(do_rmdir(b, b->root, "d", 0), -ENOTEMPTY);
    assert_int_equal(do_rmdir(b, b->root, "d", 1), 0);
    snprintf(rest, sizeof(rest), ".glusterfs/landfill/%s/f", gfid_text(d->gfid, u));
    assert_int_equal(access(brick_path(b, rest), F_OK), 0);
    let_go(&d);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, brick_setup, brick_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(back_references_have_stocks_names),
        cmocka_unit_test(texts_of_directory_handles_are_checked),
        T(the_private_tree_is_stocks),
        T(each_kind_of_object_has_its_handle),
        T(back_references_follow_link_rename_and_unlink),
        T(a_moved_directory_is_found_under_its_new_name),
        T(rename_over_a_file_takes_its_handle_away),
        T(rename_over_a_directory_asks_that_it_be_known),
        T(an_open_file_lives_on_without_a_name),
        T(what_was_left_in_unlink_is_purged_at_start),
        T(hostile_names_are_refused),
        T(only_directories_are_parents),
        T(a_new_object_needs_a_gfid_of_its_own),
        T(a_symlink_in_a_directorys_place_leads_nowhere),
        T(a_directory_is_believed_only_with_its_gfid),
        T(a_loop_of_handles_ends),
        T(deep_trees_are_reached_by_gfid),
        T(a_missing_handle_is_made_at_the_first_lookup),
        T(a_directory_whose_handle_leads_elsewhere_is_found_again),
        T(an_object_put_there_by_hand_gets_the_gfid_asked_for),
        T(what_is_younger_than_a_second_gets_no_gfid_yet),
        T(rmdir_with_flags_moves_the_tree_to_landfill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
