/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "fop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "graph.h"
#include "process.h"

static const struct {
    const char *name;
    enum pool_class class;
} ops[NR_FOPS] = {
#define HIGH(op) [FOP_##op] = {#op, CLASS_HIGH}
#define NORMAL(op) [FOP_##op] = {#op, CLASS_NORMAL}
#define LOW(op) [FOP_##op] = {#op, CLASS_LOW}
    /* what a person waits for */
    HIGH(OPEN), HIGH(STAT), HIGH(FSTAT), HIGH(LOOKUP), HIGH(ACCESS), HIGH(READLINK), HIGH(OPENDIR), HIGH(STATFS), HIGH(READDIR),
    HIGH(READDIRP), HIGH(GETACTIVELK), HIGH(SETACTIVELK), HIGH(ICREATE), HIGH(NAMELINK),
    /* what changes names, attributes and locks */
    NORMAL(NULL), NORMAL(CREATE), NORMAL(FLUSH), NORMAL(LK), NORMAL(INODELK), NORMAL(FINODELK), NORMAL(ENTRYLK), NORMAL(FENTRYLK),
    NORMAL(LEASE), NORMAL(UNLINK), NORMAL(SETATTR), NORMAL(FSETATTR), NORMAL(MKNOD), NORMAL(MKDIR), NORMAL(RMDIR), NORMAL(SYMLINK),
    NORMAL(RENAME), NORMAL(LINK), NORMAL(SETXATTR), NORMAL(GETXATTR), NORMAL(FGETXATTR), NORMAL(FSETXATTR), NORMAL(REMOVEXATTR),
    NORMAL(FREMOVEXATTR), NORMAL(PUT), NORMAL(IPC), NORMAL(RELEASE), NORMAL(RELEASEDIR), NORMAL(COMPOUND),
    /* what moves data */
    LOW(READ), LOW(WRITE), LOW(FSYNC), LOW(TRUNCATE), LOW(FTRUNCATE), LOW(FSYNCDIR), LOW(XATTROP), LOW(FXATTROP), LOW(RCHECKSUM),
    LOW(FALLOCATE), LOW(DISCARD), LOW(ZEROFILL), LOW(SEEK), LOW(COPY_FILE_RANGE),
#undef HIGH
#undef NORMAL
#undef LOW
};

const char *fop_name(enum fop_op op)
{
    return (unsigned int)op < NR_FOPS ? ops[op].name : "unknown";
}

enum pool_class fop_class(enum fop_op op)
{
    return ops[op].class;
}

/* ---- memory -------------------------------------------------------------------------------------------------------------- */
/* A few names and a list of groups fit into the first block, which is part of the fop. The others double. */
struct arena_block {
    struct arena_block *next; /* older; NULL: the first one */
    size_t used, size;
    uint8_t bytes[] __attribute__((aligned(16)));
};
#ifdef __SANITIZE_ADDRESS__ /* each piece is a block of its own: its ends are watched */
#define ARENA_FIRST ((size_t)0)
#define ARENA_NEXT ((size_t)0)
#define ARENA_MAX ((size_t)0)
#else
#define ARENA_FIRST ((size_t)256)
#define ARENA_NEXT (4 * KiB)
#define ARENA_MAX (64 * KiB)
#endif

static unsigned int frames_of(const struct graph *graph)
{
    return graph->depth + FOP_SPARE_FRAMES;
}

static size_t arena_offset(unsigned int nr_frames)
{
    return (sizeof(struct fop) + nr_frames * sizeof(struct fop_frame) + 15) & ~(size_t)15;
}

struct fop *fop_new(struct graph *graph, enum fop_op op)
{
    unsigned int nr_frames = frames_of(graph);
    struct fop *fop = malloc(arena_offset(nr_frames) + sizeof(struct arena_block) + ARENA_FIRST);

    if (!fop)
        return NULL;
    memset(fop, 0, sizeof(*fop)); /* frames and arena are written before they are read */
    fop->op = op;
    fop->graph = graph;
    fop->class = fop_class(op);
    fop->nr_frames = nr_frames;
    fop->arena = (struct arena_block *)((uint8_t *)fop + arena_offset(nr_frames));
    *fop->arena = (struct arena_block){.size = ARENA_FIRST};
    census_add(&graph->process->census, CENSUS_FOPS, 1);
    return fop;
}

void *fop_alloc(struct fop *fop, size_t len)
{
    struct arena_block *b = fop->arena;

    if (len > SIZE_MAX / 2)
        return NULL;
    len = (len + 15) & ~(size_t)15;
    if (len > b->size - b->used) {
        size_t size = max_of(len, min_of(max_of(2 * b->size, ARENA_NEXT), ARENA_MAX));
        struct arena_block *more = malloc(sizeof(*more) + size);
        if (!more)
            return NULL;
        *more = (struct arena_block){.next = b, .size = size};
        fop->arena = b = more;
    }
    void *mem = b->bytes + b->used;
    b->used += len;
    return memset(mem, 0, len);
}

char *fop_str(struct fop *fop, const void *bytes, size_t len)
{
    char *text = len < SIZE_MAX ? fop_alloc(fop, len + 1) : NULL;

    if (text && len)
        memcpy(text, bytes, len);
    return text;
}

struct dict *fop_xdata_out(struct fop *fop)
{
    if (!fop->xdata_out)
        fop->xdata_out = dict_new();
    return fop->xdata_out;
}

static void drop_loc(struct loc *loc)
{
    inode_unref(loc->inode);
    inode_unref(loc->parent);
}

static void drop_in(struct fop *fop)
{
    switch (fop->op) {
    case FOP_WRITE:
        slicev_done(&fop->in.write.data);
        break;
    case FOP_SETXATTR:
    case FOP_FSETXATTR:
        dict_unref(fop->in.setxattr.dict);
        break;
    case FOP_XATTROP:
    case FOP_FXATTROP:
        dict_unref(fop->in.xattrop.dict);
        break;
    default:
        break; /* numbers, and text in the arena or in `keep` */
    }
}

static void drop_out(struct fop_out *out)
{
    fd_unref(out->fd);
    inode_unref(out->inode);
    dict_unref(out->dict);
    slicev_done(&out->data);
    for (unsigned int i = 0; i < out->nr_entries; i++)
        dict_unref(out->entries[i].xdata);
    free(out->entries);
}

void fop_free(struct fop *fop)
{
    if (!fop)
        return;
    assert(atomic_load_explicit(&fop->park, memory_order_relaxed) != PARK_YES);
    if (fop->listed)
        client_unlist_child(fop->client, fop);
    drop_in(fop);
    drop_out(&fop->out);
    drop_loc(&fop->loc);
    drop_loc(&fop->loc2);
    fd_unref(fop->fd);
    fd_unref(fop->fd2);
    dict_unref(fop->xdata);
    dict_unref(fop->xdata_out);
    slice_done(&fop->keep);
    client_unref(fop->client);

    struct census *census = &fop->graph->process->census;
    struct arena_block *b;
    while ((b = fop->arena)->next) {
        fop->arena = b->next;
        free(b);
    }
    free(fop);
    census_add(census, CENSUS_FOPS, -1);
}

struct fop *fop_child(struct fop *parent, enum fop_op op, fop_done_fn done, void *ctx)
{
    struct fop *fop = fop_new(parent->graph, op);

    if (!fop)
        return NULL;
    fop->flags = parent->flags;
    fop->class = parent->class; /* what io-threads said of the caller is true of what is done for it */
    fop->cred = parent->cred;
    if (parent->cred.nr_groups) { /* it may outlive its parent */
        uint32_t *groups = fop_alloc(fop, parent->cred.nr_groups * sizeof(*groups));
        if (!groups) {
            fop_free(fop);
            return NULL;
        }
        memcpy(groups, parent->cred.groups, parent->cred.nr_groups * sizeof(*groups));
        fop->cred.groups = groups;
    }
    fop->client = parent->client ? client_ref(parent->client) : NULL;
    fop->parent = parent;
    fop_push(fop, done, ctx);
    return fop;
}

/* ---- the trampoline ------------------------------------------------------------------------------------------------------ */
/* Each thread has a list of steps to be made. A step is a fop: with `at` set, on its way down to that translator; without,
 * on its way up to its last frame. The outermost submit or complete of a thread makes the steps, in the order in which they
 * were asked for; those inside only add one. After a step its fop may be gone. */
struct trampoline {
    struct fop *first, *last;
    bool running;
};
static _Thread_local struct trampoline trampoline;

static void step(struct fop *fop)
{
    struct xlator *xl = fop->at;

    if (xl) {
        xl->type->on[fop->op](xl, fop);
    } else {
        struct fop_frame *frame = &fop->frames[--fop->depth];
        frame->done(fop, frame->ctx);
    }
}

static void bounce(struct fop *fop)
{
    struct trampoline *t = &trampoline;

    if (t->running) {
        fop->run_next = NULL;
        if (t->first)
            t->last->run_next = fop;
        else
            t->first = fop;
        t->last = fop;
        return;
    }
    t->running = true;
    step(fop);
    while ((fop = t->first)) {
        t->first = fop->run_next;
        step(fop);
    }
    t->running = false;
}

void fop_push(struct fop *fop, fop_done_fn done, void *ctx)
{
    assert(fop->depth < fop->nr_frames);
    fop->frames[fop->depth++] = (struct fop_frame){.done = done, .ctx = ctx};
}

void fop_submit(struct xlator *to, struct fop *fop)
{
    if (!fop->start_ns)
        fop->start_ns = clock_ns();
    fop->at = to ? to->handler[fop->op] : NULL;
    if (fop->at)
        bounce(fop);
    else
        fop_fail(fop, EOPNOTSUPP);
}

void fop_pass(struct xlator *from, struct fop *fop)
{
    fop_submit(from->child, fop);
}

static bool has_end_mark(enum fop_op op)
{
    return op == FOP_READ || op == FOP_READDIR || op == FOP_READDIRP;
}

void fop_complete(struct fop *fop, int32_t ret, int32_t err)
{
    assert(fop->depth > 0);
    if (ret < 0) {
        bool begins = fop->at || fop->ret >= 0; /* on its way up it is completed with the same failure again and again */

        fop->ret = -1;
        fop->err = err > 0 ? err : EIO; /* a failure without a reason, or one written the other way round, is our own fault */
        if (err < 0 && err > -4096)
            fop->err = -err;
        if (begins)
            fop_log_failure(fop, fop->at);
    } else {
        fop->ret = ret;
        fop->err = err == ENOENT && has_end_mark(fop->op) ? ENOENT : 0;
    }
    fop->at = NULL;
    bounce(fop);
}

void fop_fail(struct fop *fop, int err)
{
    fop_complete(fop, -1, err);
}
