/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What became of writes that had been answered.
 *
 * The descriptor that wrote is told at its next WRITE, FSYNC or FLUSH, once. Each other descriptor of the object is told at its next
 * FSYNC, once: it may not confirm what is not there. A descriptor that is opened when the error has been told to somebody starts
 * without it; one that nobody was told of yet is told to whoever comes. (As Linux does for its own page cache.) */
#include <stdlib.h>

#include "write-behind.h"

static struct wb_fd *fd_of(struct wb_inode *in, struct fd *fd)
{
    struct wb_fd *f = fd_ctx(fd, in->xl), *set;

    if (f)
        return f;
    f = calloc(1, sizeof(*f));
    set = f ? fd_ctx_set(fd, in->xl, f) : NULL;
    if (set != f)
        free(f);
    return set;
}

void wb_error_note_locked(struct wb_inode *in, struct fd *fd, int err)
{
    struct wb_fd *f = fd_of(in, fd);

    in->err = err;
    in->err_seq++;
    in->err_told = false;
    if (f)
        f->err = err;
}

int wb_error_take_locked(struct wb_inode *in, struct fd *fd, bool of_others)
{
    struct wb_fd *f;
    int err = 0;

    if (in->err_seq == 0)
        return 0;
    f = fd_of(in, fd);
    if (!f)
        return of_others ? in->err : 0;
    if (f->err)
        err = f->err;
    else if (of_others && f->told_seq != in->err_seq)
        err = in->err;
    if (err) {
        f->err = 0;
        f->told_seq = in->err_seq;
        in->err_told = true;
    }
    return err;
}

void wb_error_opened(struct xlator *xl, struct fd *fd)
{
    struct wb_inode *in = wb_inode_of(xl, fd->inode);

    if (!in)
        return;
    SCOPED_LOCK(&in->lock);
    if (in->err_seq && in->err_told) {
        struct wb_fd *f = fd_of(in, fd);
        if (f)
            f->told_seq = in->err_seq;
    }
}
