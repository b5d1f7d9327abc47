/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* debug/error-gen: makes a share of operations fail, to see what others do then. Option debug.error-gen of a volume places it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "debug-types.h"
#include "log.h"
#include "pick.h"

#define SHORT_WRITE (-1)

static const struct {
    const char *name;
    int number;
} errors[] = {
    {"ENOENT", ENOENT}, {"ENOTDIR", ENOTDIR}, {"ENAMETOOLONG", ENAMETOOLONG}, {"EACCES", EACCES}, {"EBADF", EBADF}, {"EFAULT", EFAULT},
    {"ENOMEM", ENOMEM}, {"EINVAL", EINVAL}, {"EIO", EIO}, {"EEXIST", EEXIST}, {"ENOSPC", ENOSPC}, {"EPERM", EPERM}, {"EROFS", EROFS},
    {"EBUSY", EBUSY}, {"EISDIR", EISDIR}, {"ENOTEMPTY", ENOTEMPTY}, {"EMLINK", EMLINK}, {"ENODEV", ENODEV}, {"EXDEV", EXDEV},
    {"EMFILE", EMFILE}, {"ENFILE", ENFILE}, {"ENOSYS", ENOSYS}, {"EINTR", EINTR}, {"EFBIG", EFBIG}, {"EAGAIN", EAGAIN},
    {"GF_ERROR_SHORT_WRITE", SHORT_WRITE},
};
static const int usual[] = {EIO, ENOENT, EACCES, ENOSPC, EINTR, EAGAIN, ENOMEM, ENAMETOOLONG};

struct error_gen {
    struct percent_or_size failure; /* options; read by the thread that sets them */
    char *error_no, *enable;
    bool random_failure;
    struct pick pick;
    atomic_int error;               /* 0: one of `usual` */
    counter_t made;
};

static const struct option error_gen_options[] = {
    {.key = "failure", .type = OPTION_PERCENT_OR_SIZE, .offset = offsetof(struct error_gen, failure), .def = "0", .min = 0, .max = 100,
     .flags = OPTION_LIVE, .help = "share of operations that fail"},
    OPT_STR("error-no", struct error_gen, error_no, NULL, "the error: ENOENT, EIO, ..., or GF_ERROR_SHORT_WRITE; default: one of several",
            .flags = OPTION_LIVE),
    OPT_STR("enable", struct error_gen, enable, NULL, "which operations, with commas between; default: all", .flags = OPTION_LIVE),
    OPT_BOOL("random-failure", struct error_gen, random_failure, false, "each operation by chance, not evenly", .flags = OPTION_LIVE),
};

static int error_named(const char *name)
{
    for (size_t i = 0; name && i < array_len(errors); i++)
        if (strcmp(name, errors[i].name) == 0)
            return errors[i].number;
    return 0;
}

static int random_error(void)
{
    unsigned int r = 0;

    return getrandom(&r, sizeof(r), 0) == sizeof(r) ? usual[r % array_len(usual)] : EIO;
}

/* ---- a WRITE that takes half --------------------------------------------------------------------------------------------------- */

static void written(struct fop *child, void *ctx)
{
    fop_adopt(child);
}

static void write_half(struct xlator *xl, struct fop *fop)
{
    struct fop *child = fop->in.write.size > 1 ? fop_child_like(fop, written, NULL) : NULL;
    struct slicev whole = {0};
    uint32_t left;

    if (!child) {
        fop_pass(xl, fop);
        return;
    }
    slicev_move(&whole, &child->in.write.data);
    child->in.write.size = left = fop->in.write.size / 2;
    for (unsigned int i = 0; left && i < whole.n; i++) {
        struct slice s = slicev_at(&whole)[i];
        size_t part = min_of(s.len, (size_t)left);

        if (slicev_add(&child->in.write.data, slice_part(s, 0, part)) < 0) {
            slicev_done(&whole);
            fop_free(child);
            fop_fail(fop, ENOMEM);
            return;
        }
        left -= (uint32_t)part;
    }
    slicev_done(&whole);
    fop_submit(xl->child, child);
}

static void error_gen_any(struct xlator *xl, struct fop *fop)
{
    struct error_gen *e = xl->priv;
    int error;

    if (!pick_this(&e->pick, fop->op)) {
        fop_pass(xl, fop);
        return;
    }
    error = atomic_load_explicit(&e->error, memory_order_relaxed);
    counter_add(&e->made, 1);
    if (error == SHORT_WRITE && fop->op == FOP_WRITE)
        write_half(xl, fop);
    else if (error == SHORT_WRITE)
        fop_pass(xl, fop);
    else
        fop_fail(fop, error ? error : random_error());
}

/* ---- life -------------------------------------------------------------------------------------------------------------------------- */

static int take_options(struct xlator *xl, struct err *err)
{
    struct error_gen *e = xl->priv;
    int error = error_named(e->error_no);

    if (e->error_no && !error)
        return err_set(err, -EINVAL, "volume %s: option error-no: %s is none of the errors that can be made, like EIO or ENOSPC", xl->name,
                       e->error_no);
    int r = pick_set(&e->pick, e->enable, &e->failure, e->random_failure, xl->name, err);
    if (r == 0)
        atomic_store_explicit(&e->error, error, memory_order_relaxed);
    return r;
}

static int error_gen_init(struct xlator *xl, struct err *err)
{
    return take_options(xl, err);
}

static int error_gen_reconfigure(struct xlator *xl, const struct optset *set, struct err *err)
{
    int r = options_apply(error_gen_options, array_len(error_gen_options), set, xl->name, true, xl->priv, err);

    return r < 0 ? r : take_options(xl, err);
}

static void error_gen_dump(struct xlator *xl, struct dump *d)
{
    struct error_gen *e = xl->priv;

    dump_kv(d, "failure", "%g%%", e->failure.value);
    dump_kv(d, "error-no", "%s", e->error_no ? e->error_no : "one of several");
    dump_kv(d, "random-failure", "%s", e->random_failure ? "on" : "off");
    dump_kv(d, "operations", "%s", e->enable ? e->enable : "all");
    dump_kv(d, "errors-made", "%lld", (long long)counter_get(&e->made));
}

const struct xlator_type error_gen_type = {
    .name = "debug/error-gen",
    .options = error_gen_options,
    .nr_options = array_len(error_gen_options),
    .priv_size = sizeof(struct error_gen),
    .init = error_gen_init,
    .reconfigure = error_gen_reconfigure,
    .dump = error_gen_dump,
    .on = {[FOP_STAT ... NR_FOPS - 1] = error_gen_any},
};
