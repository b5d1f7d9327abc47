/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* File data, directories, and where an operation runs. */
#include "config.h"

#include <assert.h>
#include <semaphore.h>
#include <sys/statvfs.h>

#include "test-brick.h"

static void a_large_read_comes_in_pieces_and_ends_at_the_end(void **state)
{
    struct brick *b = brick_of(state);
    struct fd *fd;
    const size_t size = 3 * MiB + 5;
    char *data = malloc(size), *back = malloc(size + 10);
    assert_true(data && back);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 2654435761u >> 13);
    assert_int_equal(do_create(b, b->root, "f", NULL, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, data, size), size);
    assert_int_equal(do_read(b, fd, NULL, 0, back, size + 10), size);
    assert_memory_equal(data, back, size);
    assert_int_equal(do_read(b, fd, NULL, size - 3, back, 100), 3);
    assert_int_equal(do_read(b, fd, NULL, size + 100, back, 100), 0);
    close_fd(b, &fd);
    free(data);
    free(back);
}

static int read_err(struct brick *b, struct fd *fd, uint64_t off, uint32_t size, unsigned int flags)
{
    struct fop *fop = make(b, FOP_READ);
    fop->fd = fd_ref(fd);
    fop->in.read.offset = off;
    fop->in.read.size = size;
    fop->flags |= flags;
    assert_true(run(b, fop) >= 0);
    int err = fop->err;
    done(fop);
    return err;
}

static void the_end_of_a_file_is_marked(void **state)
{
    struct brick *b = brick_of(state);
    struct fd *fd;
    assert_int_equal(do_create(b, b->root, "f", NULL, &fd), 0);
    assert_int_equal(read_err(b, fd, 0, 10, 0), ENOENT);
    assert_int_equal(do_write(b, fd, NULL, 0, "0123456789", 10), 10);
    for (unsigned int i = 0; i < 2; i++) { /* on a worker, and tried without waiting */
        unsigned int flags = i ? FOP_NOWAIT : 0;
        assert_int_equal(read_err(b, fd, 0, 9, flags), 0);
        assert_int_equal(read_err(b, fd, 0, 10, flags), ENOENT);
        assert_int_equal(read_err(b, fd, 5, 100, flags), ENOENT);
        assert_int_equal(read_err(b, fd, 100, 1, flags), ENOENT);
    }
    close_fd(b, &fd);
}

static void sizes_and_offsets_from_the_network_are_checked(void **state)
{
    struct brick *b = brick_of(state);
    struct fd *fd;
    struct inode *in;
    char c;
    assert_int_equal(do_create(b, b->root, "f", &in, &fd), 0);
    static const struct {
        uint64_t off;
        uint32_t size;
    } bad[] = {{0, 0}, {0, UINT32_MAX}, {UINT64_MAX, 1}, {(uint64_t)INT64_MAX, 2}, {1ull << 63, 4096}};
    for (unsigned int i = 0; i < array_len(bad); i++) {
        struct fop *fop = make(b, FOP_READ);
        fop->fd = fd_ref(fd);
        fop->in.read.offset = bad[i].off;
        fop->in.read.size = bad[i].size;
        assert_int_equal(run(b, fop), -EINVAL);
        done(fop);
    }
    assert_int_equal(do_write(b, fd, NULL, UINT64_MAX, "x", 1), -EFBIG);
    assert_true(do_write(b, fd, NULL, (uint64_t)INT64_MAX - 1, "x", 1) < 0);
    static const enum fop_op op[] = {FOP_FALLOCATE, FOP_DISCARD, FOP_ZEROFILL};
    for (unsigned int i = 0; i < array_len(op); i++) {
        struct fop *fop = make(b, op[i]);
        fop->fd = fd_ref(fd);
        fop->in.fallocate.offset = 1ull << 62;
        fop->in.fallocate.len = 1ull << 62;
        assert_int_equal(run(b, fop), -EFBIG);
        done(fop);
        fop = make(b, op[i]);
        fop->fd = fd_ref(fd);
        fop->in.fallocate.len = UINT64_MAX;
        assert_int_equal(run(b, fop), -EINVAL);
        done(fop);
    }
    struct fop *fop = make(b, FOP_FTRUNCATE);
    fop->fd = fd_ref(fd);
    fop->in.truncate.offset = UINT64_MAX;
    assert_int_equal(run(b, fop), -EINVAL);
    done(fop);
    assert_int_equal(do_read(b, fd, NULL, 0, &c, 1), 0);
    close_fd(b, &fd);
    let_go(&in);
}

static void appending_goes_to_the_end_and_says_so(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    struct fd *fd;
    char buf[16];
    assert_int_equal(do_create(b, b->root, "f", &in, &fd), 0);
    close_fd(b, &fd);
    assert_int_equal(do_open(b, in, O_RDWR | O_APPEND, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, "one", 3), 3);
    assert_int_equal(do_write(b, fd, NULL, 0, "two", 3), 3);
    assert_int_equal(do_read(b, fd, NULL, 0, buf, sizeof(buf)), 6);
    assert_memory_equal(buf, "onetwo", 6);
    close_fd(b, &fd);
    assert_int_equal(do_open(b, in, O_RDWR, &fd), 0);
    for (unsigned int i = 0; i < 2; i++) {
        struct fop *fop = make(b, FOP_WRITE);
        uint64_t is;
        struct iobuf *buf1 = iobuf_new(b->process.env.bufs, 1);
        buf1->data[0] = 'x';
        fop->fd = fd_ref(fd);
        fop->in.write.size = 1;
        fop->in.write.offset = i ? 0 : 6;
        slicev_add(&fop->in.write.data, slice_of(buf1, 1));
        dict_set_u64(xdata(fop), "glusterfs.write-is-append", 4);
        assert_int_equal(run(b, fop), 1);
        assert_int_equal(dict_get_u64(fop->xdata_out, "glusterfs.write-is-append", &is), 0);
        assert_int_equal(is, !i);
        done(fop);
    }
    close_fd(b, &fd);
    let_go(&in);
}

static void direct_files_take_memory_that_is_not_aligned(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    struct fd *fd;
    char page[8192], back[8192];
    memset(page, 'd', sizeof(page));
    assert_int_equal(do_create(b, b->root, "f", &in, &fd), 0);
    close_fd(b, &fd);
    int r = do_open(b, in, O_RDWR | O_DIRECT, &fd);
    if (r == 0) {
        assert_int_equal(do_write(b, fd, NULL, 0, page, 4096), 4096);
        assert_int_equal(do_write(b, fd, NULL, 4096, page, 4096), 4096);
        assert_int_equal(do_read(b, fd, NULL, 0, back, 8192), 8192);
        assert_memory_equal(page, back, 8192);
        close_fd(b, &fd);
    } else {
        assert_int_equal(r, -EINVAL); /* this file system has none */
    }
    let_go(&in);
}

static void holes_are_punched_zeroed_and_found(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    struct fd *fd;
    static char data[256 * KiB], back[256 * KiB];
    memset(data, 'z', sizeof(data));
    assert_int_equal(do_create(b, b->root, "f", &in, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, data, sizeof(data)), sizeof(data));
    struct fop *fop = make(b, FOP_DISCARD);
    fop->fd = fd_ref(fd);
    fop->in.fallocate.offset = 64 * KiB;
    fop->in.fallocate.len = 64 * KiB;
    int r = run(b, fop);
    assert_true(r == 0 || r == -EOPNOTSUPP);
    assert_true(r < 0 || fop->out.post.size == sizeof(data));
    done(fop);
    fop = make(b, FOP_ZEROFILL);
    fop->fd = fd_ref(fd);
    fop->in.fallocate.offset = 128 * KiB;
    fop->in.fallocate.len = 256 * KiB;
    assert_int_equal(run(b, fop), 0);
    assert_int_equal(fop->out.post.size, 384 * KiB);
    done(fop);
    assert_int_equal(do_read(b, fd, NULL, 128 * KiB, back, 64 * KiB), 64 * KiB);
    for (size_t i = 0; i < 64 * KiB; i++)
        assert_int_equal(back[i], 0);
    if (r == 0) {
        fop = make(b, FOP_SEEK);
        fop->fd = fd_ref(fd);
        fop->in.seek.what = 1;
        assert_int_equal(run(b, fop), 0);
        assert_int_equal(fop->out.offset, 64 * KiB);
        done(fop);
    }
    fop = make(b, FOP_SEEK);
    fop->fd = fd_ref(fd);
    fop->in.seek.offset = 1 * MiB;
    assert_int_equal(run(b, fop), -ENXIO);
    done(fop);
    fop = make(b, FOP_FALLOCATE);
    fop->fd = fd_ref(fd);
    fop->in.fallocate.flags = 1;
    fop->in.fallocate.len = 1 * MiB;
    assert_int_equal(run(b, fop), 0);
    assert_int_equal(fop->out.post.size, 384 * KiB);
    done(fop);
    close_fd(b, &fd);
    let_go(&in);
}

static void ranges_are_copied_between_files(void **state)
{
    struct brick *b = brick_of(state);
    struct fd *from, *to;
    char buf[16];
    assert_int_equal(do_create(b, b->root, "a", NULL, &from), 0);
    assert_int_equal(do_create(b, b->root, "b", NULL, &to), 0);
    assert_int_equal(do_write(b, from, NULL, 0, "0123456789", 10), 10);
    struct fop *fop = make(b, FOP_COPY_FILE_RANGE);
    fop->fd = fd_ref(from);
    fop->fd2 = fd_ref(to);
    fop->in.copy.off_in = 2;
    fop->in.copy.off_out = 1;
    fop->in.copy.size = 5;
    assert_int_equal(run(b, fop), 5);
    assert_int_equal(fop->out.post.size, 6);
    assert_int_equal(fop->out.stat.size, 10);
    done(fop);
    assert_int_equal(do_read(b, to, NULL, 1, buf, sizeof(buf)), 5);
    assert_memory_equal(buf, "23456", 5);
    close_fd(b, &from);
    close_fd(b, &to);
}

static void checksums_are_stocks(void **state)
{
    struct brick *b = brick_of(state);
    struct fd *fd;
    assert_int_equal(do_create(b, b->root, "f", NULL, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, "abc", 3), 3);
    struct fop *fop = make(b, FOP_RCHECKSUM);
    fop->fd = fd_ref(fd);
    fop->in.rchecksum.len = 4096;
    assert_int_equal(run(b, fop), 0);
    static const uint8_t md5[16] = {0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f, 0x72};
    assert_memory_equal(fop->out.strong, md5, 16);
    /* a = sum of bytes, b = sum of sums, both from 0 */
    assert_int_equal(fop->out.weak, (uint32_t)(97 + 195 + 294) << 16 | 294);
    done(fop);
    close_fd(b, &fd);
}

static void opening_what_is_no_file_fails(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    struct iatt st;
    static const struct {
        mode_t type;
        dev_t dev;
    } node[] = {{S_IFIFO, 0}, {S_IFSOCK, 0}, {S_IFCHR, 259}};
    for (unsigned int i = 0; i < array_len(node); i++) {
        struct fop *fop = make(b, FOP_MKNOD);
        char name[8];
        snprintf(name, sizeof(name), "n%u", i);
        loc_entry(&fop->loc, b->root, name);
        dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
        fop->in.mknod.mode = node[i].type | 0640;
        fop->in.mknod.rdev = node[i].dev;
        assert_int_equal(run(b, fop), 0);
        assert_int_equal(fop->out.stat.mode, node[i].type | 0640);
        assert_int_equal(fop->out.stat.nlink, 1);
        in = inode_ref(fop->out.inode);
        done(fop);
        assert_int_equal(do_open(b, in, O_RDONLY, NULL), -EINVAL);
        assert_int_equal(do_write(b, NULL, in, 0, "x", 1), -EINVAL);
        assert_int_equal(do_stat(b, in, &st), 0);
        if (node[i].type == S_IFCHR)
            assert_int_equal(st.rdev, (uint64_t)1 << 32 | 3);
        let_go(&in);
    }
    assert_int_equal(do_symlink(b, b->root, "s", "/etc/passwd", &in), 0);
    assert_int_equal(do_open(b, in, O_RDONLY, NULL), -ELOOP);
    struct fop *fop = make(b, FOP_READLINK);
    loc_inode(&fop->loc, in);
    fop->in.readlink.size = 4096;
    assert_int_equal(run(b, fop), 11);
    assert_string_equal(fop->out.path, "/etc/passwd");
    done(fop);
    fop = make(b, FOP_TRUNCATE);
    loc_inode(&fop->loc, in);
    assert_int_equal(run(b, fop), -ELOOP);
    done(fop);
    let_go(&in);
    assert_int_equal(do_open(b, b->root, O_RDONLY, NULL), -EISDIR);
}

static void owner_and_modes_are_as_asked(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *d;
    struct fop *fop = make(b, FOP_MKDIR);
    loc_entry(&fop->loc, b->root, "d");
    dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
    fop->in.mkdir.mode = 02775;
    fop->cred.uid = 1234;
    fop->cred.gid = 4321;
    assert_int_equal(run(b, fop), 0);
    assert_int_equal(fop->out.stat.mode, S_IFDIR | 02775);
    assert_int_equal(fop->out.stat.uid, 1234);
    assert_int_equal(fop->out.stat.gid, 4321);
    d = inode_ref(fop->out.inode);
    done(fop);
    fop = make(b, FOP_CREATE); /* the set-gid parent hands its group down; the caller's own mode bits stay */
    loc_entry(&fop->loc, d, "f");
    dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
    fop->in.create.flags = O_CREAT | O_RDWR;
    fop->in.create.mode = S_IFREG | 04711;
    fop->cred.uid = 7;
    fop->cred.gid = 8;
    assert_int_equal(run(b, fop), 0);
    assert_int_equal(fop->out.stat.mode, S_IFREG | 04711);
    assert_int_equal(fop->out.stat.uid, 7);
    assert_int_equal(fop->out.stat.gid, 4321);
    done(fop);
    fop = make(b, FOP_SETATTR);
    loc_inode(&fop->loc, d);
    fop->in.setattr.valid = SET_MODE | SET_UID;
    fop->in.setattr.stat.mode = 0700;
    fop->in.setattr.stat.uid = 99;
    fop->in.setattr.stat.gid = 98;
    assert_int_equal(run(b, fop), 0);
    assert_int_equal(fop->out.post.mode, S_IFDIR | 0700);
    assert_int_equal(fop->out.post.uid, 99);
    assert_int_equal(fop->out.post.gid, 4321);
    done(fop);
    let_go(&d);
    settle(b);
}

static void create_opens_what_is_there_unless_it_must_be_new(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    struct fd *fd;
    assert_int_equal(do_create(b, b->root, "f", &in, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, "old", 3), 3);
    close_fd(b, &fd);
    assert_int_equal(do_create(b, b->root, "f", NULL, NULL), -EEXIST);
    for (unsigned int i = 0; i < 2; i++) {
        struct fop *fop = make(b, FOP_CREATE);
        loc_entry(&fop->loc, b->root, "f");
        dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
        fop->in.create.flags = O_CREAT | O_RDWR | (i ? O_TRUNC : 0);
        fop->in.create.mode = 0600;
        assert_int_equal(run(b, fop), 0);
        assert_true(gfid_equal(fop->out.stat.gfid, in->gfid));
        assert_ptr_equal(fop->out.inode, in);
        assert_int_equal(fop->out.stat.size, i ? 0 : 3);
        assert_int_equal(fop->out.stat.mode & 07777, 0644);
        done(fop);
    }
    assert_int_equal(do_symlink(b, b->root, "s", "f", NULL), 0);
    assert_int_equal(do_mkdir(b, b->root, "d", NULL), 0);
    static const char *const no[] = {"s", "d"};
    static const int err[] = {-ELOOP, -EISDIR};
    for (unsigned int i = 0; i < 2; i++) {
        struct fop *fop = make(b, FOP_CREATE);
        loc_entry(&fop->loc, b->root, no[i]);
        dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
        fop->in.create.flags = O_CREAT | O_RDWR;
        assert_int_equal(run(b, fop), err[i]);
        done(fop);
    }
    settle(b);
    let_go(&in);
}

static void names_may_have_255_bytes_of_any_value(void **state)
{
    struct brick *b = brick_of(state);
    char name[256];
    struct iatt st;
    for (unsigned int i = 0; i < 255; i++)
        name[i] = (char)(i == '/' - 1 ? '#' : i + 1); /* all but NUL and slash */
    name[255] = 0;
    struct inode *in;
    assert_int_equal(do_create(b, b->root, name, &in, NULL), 0);
    assert_int_equal(do_lookup(b, b->root, name, NULL, &st), 0);
    assert_true(gfid_equal(st.gfid, in->gfid));
    let_go(&in);
}

/* Lists in small replies; each name exactly once. */
static void a_large_directory_lists_completely_with_cookies(void **state)
{
    struct brick *b = brick_of(state);
    enum { N = 3000 };
    static unsigned char seen[N];
    memset(seen, 0, sizeof(seen));
    struct inode *d;
    struct fd *fd;
    char name[32];
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    for (int i = 0; i < N; i++) { /* behind the brick's back: quick, and without gfids */
        snprintf(name, sizeof(name), "d/%d", i);
        int os = open(brick_path(b, name), O_CREAT | O_WRONLY, 0600);
        assert_true(os >= 0);
        close(os);
    }
    assert_int_equal(do_opendir(b, d, &fd), 0);
    uint64_t off = 0;
    int total = 0;
    for (bool end = false; !end;) {
        struct fop *fop = make(b, total % 2 ? FOP_READDIR : FOP_READDIRP);
        fop->fd = fd_ref(fd);
        fop->in.readdir.offset = off;
        fop->in.readdir.size = 4096;
        int n = run(b, fop);
        assert_true(n >= 0);
        assert_true(n * 209 <= 4096);
        end = n == 0 || fop->err == ENOENT;
        for (int i = 0; i < n; i++) {
            const struct dirent4 *e = &fop->out.entries[i];
            off = e->off;
            total++;
            if (e->name[0] == '.')
                continue;
            int k = atoi(e->name);
            assert_int_equal(seen[k], 0);
            seen[k] = 1;
            assert_int_equal(e->type, DT_REG);
        }
        done(fop);
    }
    assert_int_equal(total, N + 2);
    struct fop *fop = make(b, FOP_READDIR); /* from the start again, and one entry even when there is no room */
    fop->fd = fd_ref(fd);
    fop->in.readdir.size = 1;
    assert_int_equal(run(b, fop), 1);
    done(fop);
    fop = make(b, FOP_READDIR);
    fop->fd = fd_ref(fd);
    fop->in.readdir.size = 4096;
    fop->in.readdir.offset = off;
    assert_int_equal(run(b, fop), 0);
    assert_int_equal(fop->err, ENOENT);
    done(fop);
    close_fd(b, &fd);
    let_go(&d);
}

static void a_removed_directory_lists_empty(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *d;
    struct fd *fd;
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    assert_int_equal(do_opendir(b, d, &fd), 0);
    assert_int_equal(do_rmdir(b, b->root, "d", 0), 0);
    struct fop *fop = make(b, FOP_READDIRP);
    fop->fd = fd_ref(fd);
    fop->in.readdir.size = 4096;
    assert_int_equal(run(b, fop), 0);
    done(fop);
    assert_true(do_create(b, d, "f", NULL, NULL) < 0);
    close_fd(b, &fd);
    let_go(&d);
}

static void the_reserve_is_taken_off_the_free_space(void **state)
{
    struct brick *b = brick_of(state);
    struct statvfs disk;
    brick_down(b);
    brick_up(b, (const char *[]){"reserve", "10%", "shared-brick-count", "2", NULL});
    struct fop *fop = make(b, FOP_STATFS);
    loc_inode(&fop->loc, b->root);
    assert_int_equal(run(b, fop), 0);
    assert_int_equal(statvfs(b->dir, &disk), 0);
    uint64_t reserved = (uint64_t)((double)disk.f_blocks * 10 / 100 + 0.5), slack = disk.f_blocks / 100;
    uint64_t free_blocks = disk.f_bfree > reserved ? disk.f_bfree - reserved : 0;
    assert_int_equal(fop->out.statfs.f_blocks, disk.f_blocks / 2);
    assert_in_range(fop->out.statfs.f_bfree + slack, free_blocks / 2, free_blocks / 2 + 2 * slack);
    done(fop);
    brick_down(b);
    brick_up(b, (const char *[]){"reserve", "100PB", NULL}); /* more than there is: full */
    assert_int_equal(do_create(b, b->root, "f", NULL, NULL), -ENOSPC);
    assert_int_equal(do_mkdir(b, b->root, "d", NULL), -ENOSPC);
    fop = make(b, FOP_MKDIR); /* not for what the system does itself */
    loc_entry(&fop->loc, b->root, "d");
    dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
    fop->cred.pid = -1;
    assert_int_equal(run(b, fop), 0);
    done(fop);
}

static void too_many_names_are_refused(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    brick_down(b);
    brick_up(b, (const char *[]){"max-hardlinks", "3", NULL});
    assert_int_equal(do_create(b, b->root, "f", &in, NULL), 0);
    assert_int_equal(do_link(b, in, b->root, "2"), 0);
    assert_int_equal(do_link(b, in, b->root, "3"), 0);
    assert_int_equal(do_link(b, in, b->root, "4"), -EMLINK);
    assert_int_equal(do_link(b, b->root, b->root, "5"), -EPERM);
    let_go(&in);
}

static void what_others_answer_is_refused_here(void **state)
{
    struct brick *b = brick_of(state);
    static const struct {
        enum fop_op op;
        int err;
    } row[] = {{FOP_LK, -ENOSYS},       {FOP_INODELK, -ENOSYS},     {FOP_FINODELK, -ENOSYS},    {FOP_ENTRYLK, -ENOSYS},
               {FOP_FENTRYLK, -ENOSYS}, {FOP_LEASE, -ENOSYS},       {FOP_IPC, -EOPNOTSUPP},     {FOP_PUT, -EOPNOTSUPP},
               {FOP_ICREATE, -EOPNOTSUPP}, {FOP_NAMELINK, -EOPNOTSUPP}, {FOP_COMPOUND, -EOPNOTSUPP}};
    for (unsigned int i = 0; i < array_len(row); i++) {
        struct fop *fop = make(b, row[i].op);
        loc_inode(&fop->loc, b->root);
        assert_int_equal(run(b, fop), row[i].err);
        done(fop);
    }
}

struct place {
    sem_t back;
    pthread_t thread;
};

static void came_back(struct fop *fop, void *ctx)
{
    struct place *p = ctx;
    assert(fop->ret >= 0);
    p->thread = pthread_self();
    sem_post(&p->back);
}

/* Which thread answers a fop that comes from a poller. */
static bool answered_here(struct brick *b, struct fop *fop)
{
    struct place p;
    sem_init(&p.back, 0, 0);
    fop->flags |= FOP_NOWAIT;
    fop_push(fop, came_back, &p);
    fop_submit(b->g->top, fop);
    while (sem_wait(&p.back) < 0)
        ;
    done(fop);
    sem_destroy(&p.back);
    return pthread_equal(p.thread, pthread_self());
}

/* What is in memory is answered at once; what may wait for the disk goes to a worker; and nothing overtakes that. */
static void what_cannot_wait_is_answered_on_the_callers_thread(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    struct fd *fd;
    struct fop *fop;
    assert_int_equal(do_create(b, b->root, "f", &in, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, "data", 4), 4);
    fop = make(b, FOP_FSTAT);
    fop->fd = fd_ref(fd);
    assert_true(answered_here(b, fop));
    fop = make(b, FOP_FLUSH);
    fop->fd = fd_ref(fd);
    assert_true(answered_here(b, fop));
    fop = make(b, FOP_FSYNC);
    fop->fd = fd_ref(fd);
    assert_false(answered_here(b, fop));
    atomic_fetch_add(&pnode_of(testing_xlator(b->g, 0)->priv, in)->pending, 1); /* as if one were with the workers */
    fop = make(b, FOP_FSTAT);
    fop->fd = fd_ref(fd);
    assert_false(answered_here(b, fop));
    atomic_fetch_sub(&pnode_of(testing_xlator(b->g, 0)->priv, in)->pending, 1);
    close_fd(b, &fd);
    let_go(&in);
}

/* Tries that never are successful become rare, and one that is makes them usual again. */
static void tries_of_writes_that_fail_become_rare(void **state)
{
    struct posix *p = testing_xlator(brick_of(state)->g, 0)->priv;
    unsigned int tries = 0;

    for (unsigned int i = 0; i < 1000; i++)
        if (write_try_worth(p)) {
            tries++;
            write_tried(p, false);
        }
    assert_in_range(tries, 32 + 10, 32 + 20);
    while (!write_try_worth(p))
        ;
    write_tried(p, true);
    for (unsigned int i = 0; i < 32; i++) {
        assert_true(write_try_worth(p));
        write_tried(p, false);
    }
    write_tried(p, false);
    assert_false(write_try_worth(p));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, brick_setup, brick_teardown)
    const struct CMUnitTest tests[] = {
        T(a_large_read_comes_in_pieces_and_ends_at_the_end),
        T(the_end_of_a_file_is_marked),
        T(sizes_and_offsets_from_the_network_are_checked),
        T(appending_goes_to_the_end_and_says_so),
        T(direct_files_take_memory_that_is_not_aligned),
        T(holes_are_punched_zeroed_and_found),
        T(ranges_are_copied_between_files),
        T(checksums_are_stocks),
        T(opening_what_is_no_file_fails),
        T(owner_and_modes_are_as_asked),
        T(create_opens_what_is_there_unless_it_must_be_new),
        T(names_may_have_255_bytes_of_any_value),
        T(a_large_directory_lists_completely_with_cookies),
        T(a_removed_directory_lists_empty),
        T(the_reserve_is_taken_off_the_free_space),
        T(too_many_names_are_refused),
        T(what_others_answer_is_refused_here),
        T(what_cannot_wait_is_answered_on_the_callers_thread),
        T(tries_of_writes_that_fail_become_rare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
