/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* test-brick.h: a brick in a temporary directory and one-line operations on it, for the tests of this folder. Results of an
 * operation stay in the fop until done(). Needs root and a file system with trusted attributes; without them tests are skipped. */
#ifndef POSIX_TEST_BRICK_H
#define POSIX_TEST_BRICK_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "posix.h"
#include "testing.h"

struct brick {
    char dir[256];
    struct process process;
    struct graph *g;
    struct inode *root;
    bool up;
};

int brick_setup(void **state);    /* a fresh one, no options but its directory */
int brick_teardown(void **state); /* fails the test when anything is left */
bool brick_possible(void);
void brick_up(struct brick *b, const char *const *options); /* key, value, ..., NULL */
void brick_down(struct brick *b);
struct brick *brick_of(void **state); /* skips the test where there can be none */
const char *brick_path(struct brick *b, const char *rest); /* below its directory; static memory */
const char *brick_handle(struct brick *b, gfid_t g);       /* path of a handle; static memory */

struct fop *make(struct brick *b, enum fop_op op);
void loc_inode(struct loc *loc, struct inode *in);
void loc_entry(struct loc *loc, struct inode *parent, const char *name);
int run(struct brick *b, struct fop *fop); /* ret, or -err */
void done(struct fop *fop);
struct dict *xdata(struct fop *fop);
void stamp(struct fop *fop, uint32_t flags, uint64_t sec, uint32_t nsec);

/* 0 or -errno; what is returned through pointers is a reference of the caller's (pointers may be NULL) */
int do_lookup(struct brick *b, struct inode *parent, const char *name, struct inode **ret, struct iatt *st);
int do_lookup_gfid(struct brick *b, gfid_t g, struct iatt *st);
int do_mkdir(struct brick *b, struct inode *parent, const char *name, struct inode **ret);
int do_create(struct brick *b, struct inode *parent, const char *name, struct inode **ret, struct fd **ret_fd);
int do_symlink(struct brick *b, struct inode *parent, const char *name, const char *target, struct inode **ret);
int do_unlink(struct brick *b, struct inode *parent, const char *name);
int do_rmdir(struct brick *b, struct inode *parent, const char *name, uint32_t flags);
int do_rename(struct brick *b, struct inode *from, const char *old, struct inode *to, const char *new, struct inode *victim);
int do_link(struct brick *b, struct inode *in, struct inode *parent, const char *name);
int do_open(struct brick *b, struct inode *in, int flags, struct fd **ret_fd);
int do_opendir(struct brick *b, struct inode *in, struct fd **ret_fd);
int do_write(struct brick *b, struct fd *fd, struct inode *in, uint64_t off, const void *bytes, size_t len);
int do_read(struct brick *b, struct fd *fd, struct inode *in, uint64_t off, void *to, size_t len); /* bytes */
int do_stat(struct brick *b, struct inode *in, struct iatt *st);
int do_setxattr(struct brick *b, struct inode *in, const char *name, const void *value, size_t len, int flags);
int do_getxattr(struct brick *b, struct inode *in, const char *name, char *to, size_t size); /* length */
void let_go(struct inode **in);
void close_fd(struct brick *b, struct fd **fd);
void settle(struct brick *b); /* ends of descriptors and inodes have run */

#endif
