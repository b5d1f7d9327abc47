/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* io-stats.h: debug/io-stats: counts operations, bytes and latencies at one place of a graph; on a brick its name is what clients ask for.
 *
 *   io-stats.c   the translator: options, what is counted on an operation's way
 *   top.c        the busiest files: a record per opened inode, and lists of the first of them
 *   info.c       what `volume profile` and `volume top` ask
 *   report.c     the same counts as a file, for who sets trusted.io-stats-dump
 *
 * Threads  Counters are relaxed and only add up. `lock` guards the lists and what is marked so.
 * Source: spec brick 6.1, management 4.15 and 5.5, wire 10.1. */
#ifndef DEBUG_IO_STATS_H
#define DEBUG_IO_STATS_H

#include <pthread.h>
#include <stdatomic.h>

#include "counter.h"
#include "xlator.h"

#define BLOCK_SIZES 32           /* powers of two, as the command line's table has them */
#define STAT_FORGET FOP_NULL     /* inodes that were pushed out: no operation, but counted with them */

/* ---- counts ------------------------------------------------------------------------------------------------------------- */
enum ios_upcall {
    UPCALLS_ALL, UPCALLS_ATTRIBUTES, UPCALLS_XATTR, UPCALLS_RENAME, UPCALLS_NLINK, UPCALLS_FORGET, UPCALLS_LEASE, NR_UPCALLS
};

/* Nothing but counters: copied as an array of them. */
struct ios_counts {
    counter_t hits[NR_FOPS], failures[NR_FOPS];
    counter_t timed[NR_FOPS], ns[NR_FOPS]; /* those whose time was taken, and the sum */
    counter_t reads[BLOCK_SIZES], writes[BLOCK_SIZES], bytes_read, bytes_written;
    counter_t upcalls[NR_UPCALLS];
};
/* What came since a moment: the difference to the counts of then (IOS_SINCE). */
enum ios_since { SINCE_CLEARED, SINCE_ASKED, NR_SINCE };
struct ios_view {
    struct ios_counts then;      /* lock */
    uint64_t started_ns;         /* lock */
    _Atomic uint64_t min_ns[NR_FOPS], max_ns[NR_FOPS]; /* 0: none yet */
};

#define IOS_SINCE(s, v, member) (counter_get(&(s)->now.member) - counter_get(&(v)->then.member))

/* ---- the busiest files ---------------------------------------------------------------------------------------------------- */
/* The numbers are those of `top-op`, less one. */
enum ios_top { TOP_OPEN, TOP_READ, TOP_WRITE, TOP_OPENDIR, TOP_READDIR, TOP_READ_PERF, TOP_WRITE_PERF, NR_TOPS };
#define TOP_MAX 100

#define IOS_PATH_KEY "glusterfs.gfidtopath" /* by it the storage tells what an object is called */

struct ios_rank {
    _Atomic uint64_t value;      /* times; PERF: bytes a second of the fastest call */
    _Atomic uint64_t stamp_ns;   /* when it changed last: of equal ones the later comes first */
    atomic_bool listed;          /* changed under the lock */
    int64_t sec, usec;           /* PERF, lock: wall-clock time of the fastest call */
};
struct ios_file {
    atomic_uint refs;            /* the inode's, one of each list */
    gfid_t gfid;
    char *path;                  /* lock; what it was called when its name was removed; NULL: it was not */
    struct ios_rank rank[NR_TOPS];
};
struct ios_list {
    struct ios_file *file[TOP_MAX]; /* lock; in no order, references */
    unsigned int n;              /* lock */
    _Atomic uint64_t floor;      /* only what is above it gets in; 0 while there is room */
};

struct ios {
    struct xlator *xl;
    bool measure_latency, count_hits, global_threading;
    int64_t threads, brick_threads;
    char *log_level, *brick_log_level, *unique_id, *volume_id;
    int logger, log_format;
    atomic_bool timing, counting; /* the two switches for the pollers; relaxed, a change may be seen an operation late */

    struct ios_counts now;
    struct ios_view since[NR_SINCE];
    uint64_t interval;           /* lock; number of the one that goes on */

    pthread_mutex_t lock;
    bool lock_made;
    struct ios_list top[NR_TOPS];
    counter_t open;              /* files */
    _Atomic int64_t open_max;
    struct timespec open_max_at; /* lock; tv_sec 0: never */
};

/* top.c */
struct ios_file *ios_file_of(struct ios *s, struct inode *in); /* made when there is none; NULL: no memory. The inode's reference */
void ios_file_unref(struct ios_file *f);
void ios_bump(struct ios *s, struct inode *in, enum ios_top top);
void ios_note_speed(struct ios *s, struct inode *in, enum ios_top top, uint64_t bytes, uint64_t ns);
bool ios_is_listed(struct ios *s, const struct inode *in);
void ios_note_removed(struct ios *s, const struct inode *in, const char *parent, size_t len, const char *name);
void ios_note_open(struct ios *s, int change);
void ios_clear_top(struct ios *s);
uint64_t ios_shown(enum ios_top top, uint64_t value); /* what a person sees of a value, and what the order goes by: PERF: MB a second */
/* The first of a list, best first, with references. to has room for TOP_MAX. */
unsigned int ios_ranking(struct ios *s, enum ios_top top, struct ios_file **to);

/* info.c */
void ios_ask(struct xlator *xl, struct xlator_ask *ask);
void ios_begin(struct ios *s, enum ios_since since); /* counts from now on */

/* report.c: 0 or -errno */
int ios_write_report(struct xlator *xl, const void *name, size_t len);

#endif
