/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* md-cache.h: what the files of performance/md-cache share.
 *
 *   store.c     what is known of an object, and when an answer may be kept
 *   names.c     which extended attributes are kept
 *   md-cache.c  options, life, and what each operation asks, brings or changes
 *
 * When an answer is kept: freshness.h.
 *
 * Threads  Any. mdc_inode.lock, mdc.lock: neither inside the other, nothing is called under them. */
#ifndef MD_CACHE_H
#define MD_CACHE_H

#include "freshness.h"
#include "graph.h"
#include "process.h"
#include "xlator.h"

#define XATTR_BYTES_MAX (16 * KiB) /* kept of one object: names and values; ACLs and labels are some hundred bytes */
#define NAMES_MAX 64

struct mdc_names { /* refcounted: an operation keeps what it began with */
    atomic_uint refs;
    unsigned int n;
    char *name[NAMES_MAX];   /* may end in '*' */
};

struct mdc {
    /* options, live */
    bool there, pass_through, selinux, capability, ima, swift, samba, posix_acl, text_acl, force_readdirp, invalidation, tell_above, statfs;
    int64_t timeout_s;
    char *list;              /* under lock */

    struct xlator *xl;
    struct fresh_clock clock;
    _Atomic uint64_t unlinked_at; /* when a name was last taken from an object that the caller did not know */
    atomic_bool xattrs_wanted;   /* somebody has asked for one: LOOKUP brings them from then on; relaxed */
    pthread_mutex_t lock;    /* guards what follows */
    bool lock_made;
    struct mdc_names *names;
    struct statvfs space;
    uint64_t space_until_ms;

    counter_t stat_hit, stat_miss, xattr_hit, xattr_miss, no_xattr_hit, space_hit, kept, not_kept, notices, dropped;
};

struct mdc_inode {
    pthread_mutex_t lock;    /* guards what follows */
    struct fresh fresh;
    struct iatt stat;        /* mode 0: none */
    uint64_t stat_at, stat_until_ms;
    struct iatt before;      /* what it was when it was given up for its age; mode 0: none */
    struct dict *xattrs;     /* value empty and of type SIGNED: it is known not to be there */
    size_t xattr_bytes;
    uint64_t xattr_at, xattr_until_ms;
};

/* ---- store.c ---- */
struct mdc_inode *mdc_inode_make(struct mdc *m, struct inode *in); /* NULL: no memory */
void mdc_inode_free(struct mdc_inode *mi);
uint64_t mdc_now(struct mdc *m);                                   /* to be noted by who asks */
/* An answer to what was asked at `asked`. */
void mdc_keep_stat(struct mdc *m, struct inode *in, const struct iatt *st, uint64_t asked);
bool mdc_have_stat(struct mdc *m, struct inode *in, struct iatt *ret);
/* names: all that d was asked for, so that what is not in it is not there; NULL: only what is in it. */
void mdc_keep_xattrs(struct mdc *m, struct inode *in, const struct dict *d, const struct mdc_names *names, uint64_t asked);
void mdc_keep_no_xattr(struct mdc *m, struct inode *in, const char *name, uint64_t asked);
/* 1: in ret, a reference; 0: not known; -ENODATA */
int mdc_have_xattr(struct mdc *m, struct inode *in, const char *name, struct dict **ret);
enum { CHANGES_STAT = 1, CHANGES_XATTRS = 2, CHANGES_DATA = 4 /* takes security.capability away */ };
uint64_t mdc_change_begins(struct mdc *m, struct inode *in, unsigned int what);
/* after: its attributes then; NULL or mode 0: not known. began: from mdc_change_begins(). */
void mdc_change_ends(struct mdc *m, struct inode *in, unsigned int what, uint64_t began, const struct iatt *after);
/* CREATE and the like: it came into being, or was opened and perhaps cut, by what was asked at `asked`. */
void mdc_made(struct mdc *m, struct inode *in, const struct iatt *st, uint64_t asked);
void mdc_changed(struct mdc *m, struct inode *in);                 /* by somebody else */
void mdc_changed_unknown(struct mdc *m);                           /* one that is not in the table */
void mdc_unlinked(struct mdc *m);                                  /* some object has lost a name */
void mdc_drop_all(struct mdc *m);

/* ---- names.c ---- */
struct mdc_names *mdc_names_of(const struct mdc *m); /* of the options; NULL: no memory */
struct mdc_names *mdc_names_get(struct mdc *m);      /* the present ones, a reference */
void mdc_names_unref(struct mdc_names *names);
bool mdc_names_has(const struct mdc_names *names, const char *name);

static inline bool mdc_is(const bool *option) /* a live option */
{
    return __atomic_load_n(option, __ATOMIC_RELAXED);
}

#endif
