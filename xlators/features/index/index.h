/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* index.h: which objects of the brick are to be healed (spec brick 1.6). Private to this folder.
 *
 * On disk    .glusterfs/indices/KIND/<gfid>, each a hard link to the empty base file KIND/KIND-<uuid>; of entry-changes
 *            KIND/<gfid of a directory>/<name>. store.c alone touches them, through descriptors of its own, never a path.
 * Who adds   XATTROP that counts something up or down (xattrop.c).
 * Who reads  replicate's and disperse's heal daemons, through directories of made-up gfids (virtual.c).
 * Threads    Any; what touches the disk runs on a worker: a fop with FOP_NOWAIT is handed over, once.
 * Locks      index_inode.lock, and apart from it index_dir.lock. Under the second there is disk I/O, so it is taken on workers
 *            only; no fop is completed or passed on under either. */
#ifndef FEATURES_INDEX_H
#define FEATURES_INDEX_H

#include <pthread.h>
#include <sys/stat.h>

#include "graph.h"
#include "xlator.h"

enum index_kind { INDEX_PENDING, INDEX_DIRTY, INDEX_ENTRIES, NR_INDICES };
extern const char *const index_names[NR_INDICES]; /* "xattrop", "dirty", "entry-changes" */

#define BASE_NAME 64 /* "entry-changes-" and a uuid, with NUL */

struct index_dir {
    pthread_mutex_t lock;    /* the rest, and adding and removing in it */
    int fd;
    bool has_base;
    char base[BASE_NAME];    /* this life's base file; made with the first entry */
    _Atomic uint64_t count;  /* of entries; written under lock, LOOKUP reads it without. Not kept for entry-changes */
};

/* Attribute names by their beginning. */
struct watchlist {
    char **prefix;
    unsigned int n;
};

struct index {
    char *base_path, *watch64, *watch_dirty, *watch_pending; /* options */
    struct xlator *xl;
    int base_fd;
    struct index_dir dir[NR_INDICES];
    gfid_t virtual[NR_INDICES]; /* of this process's life */
    struct watchlist watch_32[NR_INDICES], watch_64;
    bool locks_ready;
};

/* What we know of an inode: its context slot. */
struct index_inode {
    pthread_mutex_t lock;
    bool busy;                          /* an XATTROP of this inode is under way */
    struct waiting *first, *last;       /* those behind it, in order */
    bool is_subdir;                     /* constant: a directory of entry-changes */
    gfid_t of;                          /* is_subdir: of which directory it lists names */
};
struct index_inode *index_inode_get(struct index *ix, struct inode *in); /* made on first use; NULL: no memory */

/* Runs on a worker: now when this is one already. run() finds the index in fop->job_ctx. */
void index_on_worker(struct index *ix, struct fop *fop, void (*run)(struct job *j));

/* ---- store.c: the disk. 0 or -errno ------------------------------------------------------------------------------------------- */
int store_open(struct index *ix, struct err *err);
void store_close(struct index *ix);
int store_add(struct index *ix, enum index_kind kind, gfid_t gfid);    /* being there already is fine */
int store_remove(struct index *ix, enum index_kind kind, const char *name); /* -ENOENT */
int store_add_name(struct index *ix, gfid_t dir, const char *name);
int store_remove_name(struct index *ix, gfid_t dir, const char *name); /* -ENOENT */
int store_remove_dir(struct index *ix, const char *name);              /* of entry-changes; -ENOTEMPTY */
int store_wipe_dir(struct index *ix, const char *name);                /* with its content */
int store_count(struct index *ix, enum index_kind kind, uint64_t *ret); /* counted anew */
/* a descriptor of the caller's own; sub NULL: kind's own directory */
int store_dir(struct index *ix, enum index_kind kind, const gfid_t *sub);
/* name NULL: the directory */
int store_stat(struct index *ix, enum index_kind kind, const gfid_t *sub, const char *name, struct stat *ret);
/* Is name an entry at all? A base file of another life that nothing links to any more is removed in passing. */
bool store_is_entry(struct index *ix, enum index_kind kind, int dir_fd, const char *name);
bool store_is_base(const char *name);

/* ---- virtual.c ------------------------------------------------------------------------------------------------------------------ */
void index_lookup(struct xlator *xl, struct fop *fop);
void index_getxattr(struct xlator *xl, struct fop *fop);
void index_opendir(struct xlator *xl, struct fop *fop);
void index_readdir(struct xlator *xl, struct fop *fop);
void index_unlink(struct xlator *xl, struct fop *fop);
void index_rmdir(struct xlator *xl, struct fop *fop);
void index_fstat(struct xlator *xl, struct fop *fop);
void index_release(struct xlator *xl, struct fd *fd, void *ctx);

/* ---- xattrop.c ------------------------------------------------------------------------------------------------------------------ */
int watchlist_parse(struct watchlist *w, const char *text); /* comma-separated; -ENOMEM */
void watchlist_done(struct watchlist *w);
void index_xattrop(struct xlator *xl, struct fop *fop);

#endif
