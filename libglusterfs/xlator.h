/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* xlator.h: a translator: one node of a graph, and the type it is of. doc/translator.md has one of twenty lines.
 *
 * A type names the operations it cares for in `on`; the others go past it by pointer, at no cost. Types are linked in and
 * found in one table (xlators/table.c); a type that is not there is looked for as a module $(pkglibdir)/xlator/CATEGORY/
 * NAME.so that exports one `struct xlator_type xlator_type`, whose abi and build_id are checked. */
#ifndef GF_XLATOR_H
#define GF_XLATOR_H

#include "fop.h"
#include "options.h"
#include "statedump.h"

#define XLATOR_ABI 1u
#define XLATOR_SYMBOL "xlator_type"

struct process;

enum xlator_event {
    EVENT_CHILD_UP,      /* upwards: the storage below works                        */
    EVENT_CHILD_DOWN,    /* upwards: it does not                                    */
    EVENT_PARENT_UP,     /* downwards: the graph is complete, work may come          */
    EVENT_PARENT_DOWN,   /* downwards: drain; nothing new will come                  */
    EVENT_UPCALL,        /* upwards; data is a struct upcall                         */
    EVENT_AUTH_FAILED,   /* upwards: the server refuses us, for good                */
    EVENT_RELOAD,        /* downwards: SIGHUP: certificate files may be new          */
};
/* What the brick tells a client of its own accord (spec wire section 8). */
enum upcall_kind { UPCALL_INVALIDATE, UPCALL_INODELK_CONTENTION, UPCALL_ENTRYLK_CONTENTION, UPCALL_RECALL_LEASE };
struct upcall {
    enum upcall_kind kind;
    const char *client_uid;  /* whom */
    gfid_t gfid;
    uint32_t flags, expire_s;                    /* invalidate */
    struct iatt stat, parent_stat, old_parent_stat;
    struct dict *xdata;
    struct flock_range flock;                    /* contention */
    uint32_t pid, entry_type;
    const char *domain, *name;
};

/* What management asks of a translator while the graph works. The keys of in and out are those of the brick operations (spec
 * wire 10.1, brick-op's dictionaries), without any prefix. */
enum xlator_question {
    ASK_INFO,            /* debug/io-stats: profile and top; in is the command's dictionary                       */
    ASK_LATENCY,         /* debug/io-stats: "enable" = 0 or 1 changes it, without it nothing; answers "enabled". done() runs inside */
    ASK_BARRIER,         /* features/barrier: "barrier" = enable or disable; -EALREADY: it is so already          */
};
struct xlator_ask {
    enum xlator_question what;
    const struct dict *in;
    struct dict *out;        /* the asker's; filled in until done() is called */
    struct err err;          /* a sentence beside a failure */
    void (*done)(struct xlator_ask *ask, int ret); /* once, from any thread; 0 or -errno */
};

struct xlator;
typedef void (*xlator_fop_fn)(struct xlator *xl, struct fop *fop);

struct xlator_type {
    uint32_t abi;                    /* XLATOR_ABI and BUILD_ID for modules; 0 and NULL are fine for linked-in types */
    const char *build_id;
    const char *name;                /* "features/quota" */
    const char *const *aliases;      /* NULL-ended, or NULL */
    const struct option *options;
    size_t nr_options;
    size_t priv_size;                /* xl->priv is that long and zeroed; options land in it before init() */
    bool leaf;                       /* has no children; otherwise at least one */
    bool inode_slot, fd_slot, client_slot;

    int (*init)(struct xlator *xl, struct err *err);     /* children are ready; -errno with a sentence */
    int (*reconfigure)(struct xlator *xl, const struct optset *set, struct err *err); /* NULL: options_apply() live rows only */
    void (*fini)(struct xlator *xl);                     /* also after a failed init(); no fop is under way */
    void (*notify)(struct xlator *xl, enum xlator_event event, void *data); /* NULL: passed on */
    const struct option *(*more_options)(struct xlator *xl); /* after init(): rows that it knows beside its own; NULL: none */

    xlator_fop_fn on[NR_FOPS];

    void (*forget)(struct xlator *xl, struct inode *in, void *ctx);  /* only when ctx is set */
    void (*release)(struct xlator *xl, struct fd *fd, void *ctx);    /* only when ctx is set */
    void (*client_gone)(struct xlator *xl, struct client *c);        /* on a worker; its fops are back */
    void (*dump)(struct xlator *xl, struct dump *d);                 /* section [xlator.<type>.<name>.priv] is open */
    void (*dump_options)(struct xlator *xl, struct dump *d);         /* what is in force beside the rows, behind them; under graph_lock */
    void (*profile)(struct xlator *xl, struct dump *d);              /* "NAME.latency.OP", for .meta; section [NAME.latency] is open */
    void (*ask)(struct xlator *xl, struct xlator_ask *ask); /* on the loop, ASK_INFO on a worker; done() now or later */
    void (*dump_inode)(struct xlator *xl, struct inode *in, void *ctx, struct dump *d);
};

struct xlator {
    const struct xlator_type *type;
    char *name;
    struct graph *graph;
    struct xlator **children;
    unsigned int nr_children;
    struct xlator *child;            /* children[0], or NULL */
    struct xlator *parent;           /* the first above; NULL at the top */
    struct optset options;
    void *priv;
    unsigned int inode_slot, fd_slot, client_slot;
    struct xlator *handler[NR_FOPS]; /* the first at or below that handles it; NULL: none (EOPNOTSUPP) */
    bool initialised;
    unsigned int depth;              /* longest chain from here down, 1 for a leaf */
    atomic_bool up;                  /* its last word upwards was EVENT_CHILD_UP, not _DOWN; set before the parents hear it */
    struct xlator *next;             /* file order */
};

void xlator_notify_up(struct xlator *xl, enum xlator_event event, void *data);   /* to the parents   */
void xlator_notify_down(struct xlator *xl, enum xlator_event event, void *data); /* to the children  */

extern const struct xlator_type *const xlator_types[]; /* NULL-ended; xlators/table.c */

#endif
