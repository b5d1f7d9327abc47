/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Extended attributes, virtual names, xattrop, and what requests ask for in xdata (spec brick 2.3, 2.6, 2.8). */
#include "config.h"

#include "test-brick.h"

static struct inode *file(struct brick *b, const char *name)
{
    struct inode *in;
    assert_int_equal(do_create(b, b->root, name, &in, NULL), 0);
    return in;
}

static int do_removexattr(struct brick *b, struct inode *in, const char *name)
{
    struct fop *fop = make(b, FOP_REMOVEXATTR);
    loc_inode(&fop->loc, in);
    fop->in.removexattr.name = name;
    int r = run(b, fop);
    done(fop);
    return r;
}

static void attributes_are_set_read_and_removed(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file(b, "f");
    char buf[128];
    assert_int_equal(do_setxattr(b, in, "user.a", "value", 5, 0), 0);
    assert_int_equal(do_setxattr(b, in, "user.a", "value", 5, XATTR_CREATE), -EEXIST);
    assert_int_equal(do_setxattr(b, in, "user.b", "value", 5, XATTR_REPLACE), -ENODATA);
    assert_int_equal(do_getxattr(b, in, "user.a", buf, sizeof(buf)), 5);
    assert_string_equal(buf, "value");
    assert_int_equal(do_setxattr(b, in, "user.empty", "", 0, 0), 0);
    assert_int_equal(do_getxattr(b, in, "user.empty", buf, sizeof(buf)), 0);
    assert_int_equal(do_removexattr(b, in, "user.a"), 0);
    assert_int_equal(do_removexattr(b, in, "user.a"), -ENODATA);
    assert_int_equal(do_getxattr(b, in, "user.a", buf, sizeof(buf)), -ENODATA);
    let_go(&in);
}

static void large_values_come_back_whole(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file(b, "f");
    static char big[3000], back[4000];
    memset(big, 'x', sizeof(big));
    assert_int_equal(do_setxattr(b, in, "user.big", big, sizeof(big), 0), 0);
    assert_int_equal(do_getxattr(b, in, "user.big", back, sizeof(back)), sizeof(big));
    assert_memory_equal(big, back, sizeof(big));
    let_go(&in);
}

static void identity_cannot_be_changed_or_seen(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file(b, "f");
    char buf[64], key[GFID2PATH_KEY], value[GFID_TEXT + FOP_NAME_MAX + 1];
    gfid_t other = gfid_random();
    gfid2path_pair(gfid_root, "f", key, value);
    assert_int_equal(do_setxattr(b, in, XATTR_GFID, other.b, 16, 0), 0); /* dropped, as stock does */
    assert_int_equal(do_setxattr(b, b->root, XATTR_VOLUME_ID, other.b, 16, 0), 0);
    assert_int_equal(do_setxattr(b, in, key, "x", 1, 0), -ENOTSUP);
    assert_int_equal(do_setxattr(b, in, "trusted.glusterfs.pathinfo", "x", 1, 0), -EACCES);
    assert_int_equal(getxattr(brick_path(b, "f"), XATTR_GFID, buf, sizeof(buf)), 16);
    assert_memory_equal(buf, in->gfid.b, 16);
    assert_int_equal(getxattr(b->dir, XATTR_VOLUME_ID, NULL, 0), -1);
    assert_int_equal(do_removexattr(b, in, XATTR_GFID), -EPERM);
    assert_int_equal(do_removexattr(b, in, XATTR_VOLUME_ID), -EPERM);
    assert_int_equal(do_removexattr(b, in, key), -ENODATA);
    assert_int_equal(do_getxattr(b, in, XATTR_GFID, buf, sizeof(buf)), -ENODATA);
    assert_int_equal(do_getxattr(b, in, key, buf, sizeof(buf)), -ENODATA);
    assert_int_equal(do_getxattr(b, in, "trusted.glusterfs.0.xtime", buf, sizeof(buf)), -ENODATA);
    let_go(&in);
}

static void a_new_objects_xdata_becomes_attributes_but_not_identity(void **state)
{
    struct brick *b = brick_of(state);
    struct fop *fop = make(b, FOP_MKDIR);
    gfid_t g = gfid_random(), other = gfid_random();
    char buf[64];
    loc_entry(&fop->loc, b->root, "d");
    fop->in.mkdir.mode = 0755;
    dict_set_gfid(xdata(fop), "gfid-req", g);
    dict_set_binary(fop->xdata, "trusted.glusterfs.dht", "0123456789abcdef", 16);
    dict_set_binary(fop->xdata, XATTR_GFID, other.b, 16);
    dict_set_binary(fop->xdata, XATTR_VOLUME_ID, other.b, 16);
    dict_set_text(fop->xdata, "glusterfs-internal-fop", "yes");
    assert_int_equal(run(b, fop), 0);
    done(fop);
    assert_int_equal(getxattr(brick_path(b, "d"), "trusted.glusterfs.dht", buf, sizeof(buf)), 16);
    assert_memory_equal(buf, "0123456789abcdef", 16);
    assert_int_equal(getxattr(brick_path(b, "d"), XATTR_GFID, buf, sizeof(buf)), 16);
    assert_memory_equal(buf, g.b, 16);
    assert_int_equal(getxattr(brick_path(b, "d"), XATTR_VOLUME_ID, buf, sizeof(buf)), -1);
}

static int check_parent(struct brick *b, const char *name, const char *believed)
{
    struct fop *fop = make(b, FOP_MKDIR);
    loc_entry(&fop->loc, b->root, name);
    dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
    dict_set_text(fop->xdata, "glusterfs.preop.parent.key", "trusted.glusterfs.dht");
    dict_set_binary(fop->xdata, "trusted.glusterfs.dht", believed, 16);
    int r = run(b, fop);
    int64_t failed = 0;
    dict_get_i64(fop->xdata_out, "glusterfs.preop.check.failed", &failed);
    assert_int_equal(failed, r == -EIO);
    done(fop);
    return r;
}

static void a_stale_layout_is_told(void **state)
{
    struct brick *b = brick_of(state);
    assert_int_equal(check_parent(b, "x", "0123456789abcdef"), -EIO);
    assert_int_equal(setxattr(b->dir, "trusted.glusterfs.dht", "0123456789abcdef", 16, 0), 0);
    assert_int_equal(check_parent(b, "x", "0123456789abcdef"), 0);
    assert_int_equal(check_parent(b, "y", "0123456789abcdeX"), -EIO);
    assert_int_equal(getxattr(brick_path(b, "x"), "trusted.glusterfs.dht", NULL, 0), -1); /* it was the parent's */
    assert_int_equal(access(brick_path(b, "y"), F_OK), -1);
}

static void xdata_keys_name_attributes_and_patterns(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file(b, "f");
    struct fd *fd;
    assert_int_equal(do_setxattr(b, in, "user.DosStream.one", "1", 1, 0), 0);
    assert_int_equal(do_setxattr(b, in, "user.other", "2", 1, 0), 0);
    assert_int_equal(do_open(b, in, O_RDWR, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, "content!", 8), 8);
    struct fop *fop = make(b, FOP_LOOKUP);
    loc_entry(&fop->loc, b->root, "f");
    dict_set_i64(xdata(fop), "user.DosStream.*", 0);
    dict_set_i64(fop->xdata, "security.capability", 0);
    dict_set_i64(fop->xdata, "*a*b*c*d*e*f*g*h*", 0); /* more stars than anybody needs: left out */
    dict_set_u64(fop->xdata, "glusterfs.content", 8);
    dict_set_u64(fop->xdata, "glusterfs.open-fd-count", 4);
    dict_set_i64(fop->xdata, "get-size", 1);
    assert_int_equal(run(b, fop), 0);
    uint64_t v;
    assert_non_null(dict_find(fop->xdata_out, "user.DosStream.one"));
    assert_null(dict_find(fop->xdata_out, "user.other"));
    const struct dict_pair *content = dict_find(fop->xdata_out, "glusterfs.content");
    assert_non_null(content);
    assert_int_equal(content->len, 8);
    assert_memory_equal(content->value, "content!", 8);
    assert_int_equal(dict_get_u64(fop->xdata_out, "glusterfs.open-fd-count", &v), 0);
    assert_int_equal(v, 1);
    assert_int_equal(dict_get_u64(fop->xdata_out, "get-size", &v), 0);
    assert_int_equal(v, 8);
    assert_int_equal(dict_count(fop->xdata_out), 4);
    done(fop);
    fop = make(b, FOP_LOOKUP);
    loc_entry(&fop->loc, b->root, "f");
    dict_set_u64(xdata(fop), "glusterfs.content", 7);
    assert_int_equal(run(b, fop), 0);
    assert_null(dict_find(fop->xdata_out, "glusterfs.content"));
    done(fop);
    fop = make(b, FOP_LOOKUP);
    loc_entry(&fop->loc, b->root, "f");
    dict_set_i64(xdata(fop), "list-xattr", 1);
    assert_int_equal(run(b, fop), 0);
    assert_int_equal(dict_count(fop->xdata_out), 2);
    done(fop);
    close_fd(b, &fd);
    let_go(&in);
}

static int do_xattrop(struct brick *b, struct inode *in, uint32_t flags, const char *key, const void *value, size_t len, uint8_t *ret,
                      size_t want)
{
    struct fop *fop = make(b, FOP_XATTROP);
    loc_inode(&fop->loc, in);
    fop->in.xattrop.flags = flags;
    fop->in.xattrop.dict = dict_new();
    dict_set_binary(fop->in.xattrop.dict, key, value, len);
    int r = run(b, fop);
    const struct dict_pair *pair = r >= 0 ? dict_find(fop->out.dict, key) : NULL;
    if (r >= 0 && want == 0)
        assert_null(pair);
    if (pair) {
        assert_int_equal(pair->len, want);
        memcpy(ret, pair->value, want);
    }
    done(fop);
    return r;
}

static void xattrop_adds_gets_and_sets(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file(b, "f");
    const char *key = "trusted.afr.dirty";
    uint8_t got[16];
    const uint8_t one[12] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, minus[12] = {0xff, 0xff, 0xff, 0xff}, zero[12] = {0};
    assert_int_equal(do_xattrop(b, in, 0, key, zero, 12, got, 12), 0);
    assert_int_equal(getxattr(brick_path(b, "f"), key, NULL, 0), -1); /* reading makes nothing */
    assert_int_equal(do_xattrop(b, in, 0, key, one, 12, got, 12), 0);
    assert_memory_equal(got, one, 12);
    assert_int_equal(do_xattrop(b, in, 0, key, minus, 12, got, 12), 0);
    assert_memory_equal(got, zero, 12);
    assert_int_equal(getxattr(brick_path(b, "f"), key, NULL, 0), 12);
    assert_int_equal(do_xattrop(b, in, 1, "trusted.ec.size", "\0\0\0\0\0\1\0\0", 8, got, 8), 0);
    assert_int_equal(do_xattrop(b, in, 1, "trusted.ec.size", "\0\0\0\0\0\1\0\1", 8, got, 8), 0);
    assert_memory_equal(got, "\0\0\0\0\0\2\0\1", 8);
    assert_int_equal(do_xattrop(b, in, 4, "trusted.g", "new", 3, got, 0), 0);
    assert_int_equal(do_xattrop(b, in, 4, "trusted.g", "newer", 5, got, 3), 0);
    assert_memory_equal(got, "new", 3);
    assert_int_equal(do_xattrop(b, in, 5, "trusted.d", "\0\0\0\1\0\0\0\7", 8, got, 4), 0);
    assert_memory_equal(got, "\0\0\0\10", 4);
    assert_int_equal(do_xattrop(b, in, 5, "trusted.d", "\0\0\0\1\0\0\0\7", 8, got, 4), 0);
    assert_memory_equal(got, "\0\0\0\11", 4);
    assert_int_equal(do_xattrop(b, in, 2, key, one, 12, got, 12), -EINVAL);
    assert_int_equal(do_xattrop(b, in, 0, key, one, 8, got, 8), -ERANGE);
    assert_int_equal(do_xattrop(b, in, 0, key, one, 3, got, 3), -EINVAL);
    assert_int_equal(do_xattrop(b, in, 4, XATTR_GFID, one, 12, got, 0), -EINVAL);
    let_go(&in);
}

static void virtual_names_answer(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *d, *f;
    char buf[4096], want[4096];
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    assert_int_equal(do_create(b, d, "MiXed", &f, NULL), 0);
    int len = do_getxattr(b, d, "trusted.glusterfs.pathinfo", buf, sizeof(buf));
    assert_int_equal(len, (int)strlen(buf) + 1); /* with NUL */
    assert_non_null(strstr(buf, "/d>"));
    assert_int_equal(strncmp(buf, "<POSIX(", 7), 0);
    snprintf(want, sizeof(want), "%s/d/MiXed>", b->dir);
    assert_true(do_getxattr(b, f, "glusterfs.pathinfo", buf, sizeof(buf)) > 0);
    assert_non_null(strstr(buf, want));
    assert_int_equal(do_getxattr(b, f, "glusterfs.gfidtopath", buf, sizeof(buf)), 8);
    assert_string_equal(buf, "/d/MiXed");
    assert_int_equal(do_link(b, f, b->root, "other"), 0);
    assert_int_equal(do_getxattr(b, f, "glusterfs.gfidtopath", buf, sizeof(buf)), 15);
    assert_true(!strcmp(buf, "/d/MiXed:/other") || !strcmp(buf, "/other:/d/MiXed"));
    assert_int_equal(do_getxattr(b, d, "glusterfs.get_real_filename:mixed", buf, sizeof(buf)), 6);
    assert_string_equal(buf, "MiXed");
    assert_int_equal(do_getxattr(b, d, "glusterfs.get_real_filename:none", buf, sizeof(buf)), -ENODATA);
    assert_int_equal(do_getxattr(b, b->root, "glusterfs.get_real_filename:.GLUSTERFS", buf, sizeof(buf)), -ENODATA);
    assert_true(do_getxattr(b, d, "glusterfs.ancestry.path", buf, sizeof(buf)) > 0);
    assert_string_equal(buf, "/d");
    let_go(&d);
    let_go(&f);
}

static void acls_go_as_text_too(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file(b, "f");
    char buf[256];
    static const char acl[] = "user::rw-,user:7:r--,group::r--,mask::r--,other::---";
    if (do_setxattr(b, in, "glusterfs.posix.acl", acl, sizeof(acl) - 1, 0) == -EOPNOTSUPP) {
        let_go(&in);
        skip();
    }
    assert_true(do_getxattr(b, in, "glusterfs.posix.acl", buf, sizeof(buf)) > 0);
    assert_non_null(strstr(buf, ":7:r"));
    assert_true(getxattr(brick_path(b, "f"), XATTR_ACL_ACCESS, NULL, 0) > 0);
    struct fop *fop = make(b, FOP_LOOKUP);
    loc_entry(&fop->loc, b->root, "f");
    fop->flags |= FOP_WANT_ACL;
    assert_int_equal(run(b, fop), 0);
    assert_non_null(dict_find(fop->xdata_out, XATTR_ACL_ACCESS));
    done(fop);
    assert_int_equal(do_setxattr(b, in, "glusterfs.posix.acl", "no acl", 6, 0), -EINVAL);
    let_go(&in);
}

static void the_reply_of_setxattr_carries_attributes(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file(b, "f");
    struct fop *fop = make(b, FOP_SETXATTR);
    loc_inode(&fop->loc, in);
    fop->in.setxattr.dict = dict_new();
    dict_set_binary(fop->in.setxattr.dict, "user.x", "1", 1);
    assert_int_equal(run(b, fop), 0);
    static const char *const keys[] = {"virt-gf-prestat", "virt-gf-poststat", "dht-get-iatt-in-xattr"};
    for (unsigned int i = 0; i < 3; i++) {
        const struct dict_pair *pair = dict_find(fop->xdata_out, keys[i]);
        assert_non_null(pair);
        assert_int_equal(pair->type, DICT_IATT);
        assert_true(gfid_equal(((const struct iatt *)pair->value)->gfid, in->gfid));
    }
    done(fop);
    let_go(&in);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, brick_setup, brick_teardown)
    const struct CMUnitTest tests[] = {
        T(attributes_are_set_read_and_removed),
        T(large_values_come_back_whole),
        T(identity_cannot_be_changed_or_seen),
        T(a_new_objects_xdata_becomes_attributes_but_not_identity),
        T(a_stale_layout_is_told),
        T(xdata_keys_name_attributes_and_patterns),
        T(xattrop_adds_gets_and_sets),
        T(virtual_names_answer),
        T(acls_go_as_text_too),
        T(the_reply_of_setxattr_carries_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
