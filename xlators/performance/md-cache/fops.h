/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fops.h: what md-cache does with each operation: ask.c (those that look), change.c (those that change something). */
#ifndef MD_CACHE_FOPS_H
#define MD_CACHE_FOPS_H

#include "md-cache.h"

void mdc_lookup(struct xlator *xl, struct fop *fop);
void mdc_stat(struct xlator *xl, struct fop *fop);     /* and FSTAT */
void mdc_getxattr(struct xlator *xl, struct fop *fop); /* and FGETXATTR */
void mdc_readdir(struct xlator *xl, struct fop *fop);
void mdc_readdirp(struct xlator *xl, struct fop *fop);
void mdc_statfs(struct xlator *xl, struct fop *fop);
void mdc_lk(struct xlator *xl, struct fop *fop);

void mdc_make(struct xlator *xl, struct fop *fop);     /* CREATE, MKNOD, MKDIR, SYMLINK */
void mdc_change(struct xlator *xl, struct fop *fop);   /* the others */

static inline struct inode *mdc_object(const struct fop *fop)
{
    return fop->fd ? fop->fd->inode : fop->loc.inode;
}

#endif
