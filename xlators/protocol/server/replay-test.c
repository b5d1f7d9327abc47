/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Recorded calls of stock clients go through protocol/server to a scripted storage, which answers what the stock brick answered; the
 * reply must be the recorded one. And every recorded call, cut at every length, is answered exactly once and harms nobody.
 *
 * What is not compared: op_errno of a success (stock leaves arbitrary values), the flags and birth times of attributes (ours are
 * constant), descriptor numbers (they depend on what else was open), and dictionaries in error replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "brick.h"
#include "fopwire.h"
#include "service.h"
#include "vectors.h"

union any_rsp {
    struct fop_rsp common;
    struct fop_iatt_rsp iatt;
    struct fop_2iatt_rsp two;
    struct fop_3iatt_rsp three;
    struct fop_rename_rsp rename;
    struct fop_readlink_rsp readlink;
    struct fop_open_rsp open;
    struct fop_create_rsp create;
    struct fop_read_rsp read;
    struct fop_statfs_rsp statfs;
    struct fop_dict_rsp dict;
    struct fop_lk_rsp lk;
    struct fop_readdir_rsp readdir;
    struct fop_readdirp_rsp readdirp;
    struct fop_rchecksum_rsp rchecksum;
    struct fop_seek_rsp seek;
    struct fop_lease_rsp lease;
    struct fop_getactivelk_rsp getactivelk;
};

/* The message that is being replayed; there is one at a time. */
static struct {
    const struct vector *v;
    enum fop_op op;
    union any_rsp rsp;       /* what stock answered, made comparable */
    const uint8_t *data;     /* of READ */
    size_t data_len;
    unsigned int reached;
} now;

#define REPLY_HEAD 24 /* accepted, null verifier */

/* ---- the recorded reply, made comparable --------------------------------------------------------------------------------------- */

static void plain(wire_iatt4 *st)
{
    static const wire_iatt4 none;

    *st = st->st.mode == 0 && gfid_is_null(st->st.gfid) ? none : wire_iatt4_of(&st->st);
}

static void make_comparable(enum fop_op op, union any_rsp *r)
{
    const struct wire_row *row = &wire_rows[op];

    if (op == FOP_READ) {
        plain(&r->read.stat);
        if (r->read.op_ret < 0)
            memset(&r->read.xdata, 0, sizeof(r->read.xdata));
        return;
    }
    if (r->common.op_ret < 0) { /* an error is op_ret and op_errno, and zeros */
        int32_t err = r->common.op_errno;
        memset(r, 0, sizeof(*r));
        r->common.op_ret = -1;
        r->common.op_errno = err;
        return;
    }
    if (op != FOP_READDIR && op != FOP_READDIRP)
        r->common.op_errno = 0;
    if (op == FOP_RELEASE || op == FOP_RELEASEDIR) /* an empty dictionary at stock's, none at ours */
        memset(&r->common.xdata, 0, sizeof(r->common.xdata));
    void *proc = row->reply.proc;
    if (proc == (void *)xdr_fop_iatt_rsp)
        plain(&r->iatt.stat);
    else if (proc == (void *)xdr_fop_2iatt_rsp)
        plain(&r->two.pre), plain(&r->two.post);
    else if (proc == (void *)xdr_fop_3iatt_rsp)
        plain(&r->three.stat), plain(&r->three.pre), plain(&r->three.post);
    else if (proc == (void *)xdr_fop_rename_rsp)
        plain(&r->rename.stat), plain(&r->rename.preold), plain(&r->rename.postold), plain(&r->rename.prenew), plain(&r->rename.postnew);
    else if (proc == (void *)xdr_fop_readlink_rsp)
        plain(&r->readlink.buf);
    else if (proc == (void *)xdr_fop_create_rsp)
        plain(&r->create.stat), plain(&r->create.pre), plain(&r->create.post);
    else if (proc == (void *)xdr_fop_dict_rsp)
        plain(&r->dict.pre), plain(&r->dict.post);
}

/* ---- the storage answers with it ------------------------------------------------------------------------------------------------- */

static struct flock_range range_of(const struct wire_flock *w)
{
    struct flock_range f = {.type = w->type, .whence = w->whence, .start = (int64_t)w->start, .len = (int64_t)w->len, .pid = w->pid,
                            .owner_len = w->owner.len};

    assert_true(w->owner.len <= sizeof(f.owner));
    if (w->owner.len)
        memcpy(f.owner, w->owner.at, w->owner.len);
    return f;
}

static void answer_entries(struct fop *fop, struct wire_list list, bool with_stats)
{
    struct wire_direntp p;
    struct wire_dirent d;

    fop->out.entries = calloc(list.count + 1, sizeof(*fop->out.entries));
    assert_non_null(fop->out.entries);
    for (uint32_t n = list.count; n > 0; n--) {
        struct dirent4 *e = &fop->out.entries[fop->out.nr_entries++];
        if (with_stats) {
            assert_true(wire_list_next(&list, &p));
            *e = (struct dirent4){.ino = p.ino, .off = p.off, .type = p.type, .name_len = p.name.len, .stat = p.stat.st};
            e->name = fop_str(fop, p.name.at, p.name.len);
            assert_int_equal(wire_dict_open(&p.xdata, &e->xdata), 0);
        } else {
            assert_true(wire_list_next(&list, &d));
            *e = (struct dirent4){.ino = d.ino, .off = d.off, .type = d.type, .name_len = d.name.len};
            e->name = fop_str(fop, d.name.at, d.name.len);
        }
    }
}

static void answer_locks(struct fop *fop, struct wire_list list)
{
    struct wire_lock w;

    fop->out.locks = fop_alloc(fop, (list.count + 1) * sizeof(*fop->out.locks));
    for (uint32_t n = list.count; n > 0; n--) {
        struct active_lock *l = &fop->out.locks[fop->out.nr_locks++];
        assert_true(wire_list_next(&list, &w));
        l->flock = range_of(&w.flock);
        l->client_uid = fop_str(fop, w.client_uid.at, w.client_uid.len);
        l->flags = w.lk_flags;
    }
}

static void answer_opened(struct fop *fop, bool dir)
{
    struct inode *in = fop->loc.inode ? inode_ref(fop->loc.inode) : inode_get(fop->graph->inodes, gfid_of(90));

    fop->out.fd = fd_new(fop->graph, in, fop->client, 0, dir);
    inode_unref(in);
}

static void answer_statfs(struct fop *fop, const struct wire_statfs *w)
{
    fop->out.statfs = (struct statvfs){.f_bsize = w->bsize, .f_frsize = w->frsize, .f_blocks = w->blocks, .f_bfree = w->bfree,
                                       .f_bavail = w->bavail, .f_files = w->files, .f_ffree = w->ffree, .f_favail = w->favail,
                                       .f_fsid = w->fsid, .f_flag = w->flag, .f_namemax = w->namemax};
}

static void answer_data(struct brick *b, struct fop *fop)
{
    struct slice s = slice_new(b->process.env.bufs, now.data_len);

    if (now.data_len)
        memcpy(s.at, now.data, now.data_len);
    assert_int_equal(slicev_add(&fop->out.data, s), 0);
    fop->out.stat = now.rsp.read.stat.st;
}

static void fill(struct brick *b, struct fop *fop)
{
    const union any_rsp *r = &now.rsp;
    struct fop_out *o = &fop->out;

    switch (fop->op) {
    case FOP_STAT: case FOP_FSTAT:
        o->stat = r->iatt.stat.st;
        break;
    case FOP_LOOKUP:
        o->stat = r->two.pre.st;
        o->post = r->two.post.st;
        break;
    case FOP_MKNOD: case FOP_MKDIR: case FOP_SYMLINK: case FOP_LINK: case FOP_COPY_FILE_RANGE:
        o->stat = r->three.stat.st;
        o->pre = r->three.pre.st;
        o->post = r->three.post.st;
        break;
    case FOP_RENAME:
        o->stat = r->rename.stat.st;
        o->pre = r->rename.preold.st, o->post = r->rename.postold.st;
        o->pre2 = r->rename.prenew.st, o->post2 = r->rename.postnew.st;
        break;
    case FOP_READLINK:
        o->stat = r->readlink.buf.st;
        o->path = fop_str(fop, r->readlink.path.at, r->readlink.path.len);
        break;
    case FOP_OPEN: case FOP_OPENDIR:
        answer_opened(fop, fop->op == FOP_OPENDIR);
        break;
    case FOP_CREATE:
        o->stat = r->create.stat.st, o->pre = r->create.pre.st, o->post = r->create.post.st;
        answer_opened(fop, false);
        break;
    case FOP_READ:
        answer_data(b, fop);
        break;
    case FOP_STATFS:
        answer_statfs(fop, &r->statfs.statfs);
        break;
    case FOP_GETXATTR: case FOP_FGETXATTR: case FOP_XATTROP: case FOP_FXATTROP:
        assert_int_equal(wire_dict_open(&r->dict.dict, &o->dict), 0);
        break;
    case FOP_LK:
        o->flock = range_of(&r->lk.flock);
        break;
    case FOP_READDIR:
        answer_entries(fop, r->readdir.entries, false);
        break;
    case FOP_READDIRP:
        answer_entries(fop, r->readdirp.entries, true);
        break;
    case FOP_RCHECKSUM:
        o->weak = r->rchecksum.weak;
        assert_int_equal(r->rchecksum.strong.len, sizeof(o->strong));
        memcpy(o->strong, r->rchecksum.strong.at, sizeof(o->strong));
        break;
    case FOP_SEEK:
        o->offset = r->seek.offset;
        break;
    case FOP_LEASE:
        o->lease = (struct lease){.cmd = r->lease.lease.cmd, .type = r->lease.lease.type, .flags = r->lease.lease.flags};
        memcpy(o->lease.id, r->lease.lease.id.b, sizeof(o->lease.id));
        break;
    case FOP_GETACTIVELK:
        answer_locks(fop, r->getactivelk.locks);
        break;
    default: /* before and after, or nothing */
        if (wire_rows[fop->op].reply.proc == (void *)xdr_fop_2iatt_rsp)
            o->pre = r->two.pre.st, o->post = r->two.post.st;
    }
}

static void answer_as_recorded(struct brick *b, struct fop *fop)
{
    if (fop->op != now.op) { /* a name looked up by the server itself */
        fop->out.inode = inode_get(fop->graph->inodes, gfid_of(40));
        atomic_store(&fop->out.inode->type, S_IFREG);
        fop_complete(fop, 0, 0);
        return;
    }
    now.reached++;
    int32_t ret = now.rsp.common.op_ret, err = now.rsp.common.op_errno; /* READ's are in the same place */
    if (ret < 0) {
        fop_fail(fop, err);
        return;
    }
    const wire_dict *xdata = fop->op == FOP_READ ? &now.rsp.read.xdata : &now.rsp.common.xdata;
    assert_int_equal(wire_dict_open(xdata, &fop->xdata_out), 0);
    fill(b, fop);
    fop_complete(fop, ret, err);
}

/* ---- one message ------------------------------------------------------------------------------------------------------------------ */

static bool on_directories(enum fop_op op)
{
    enum wire_need need = wire_rows[op].need;

    return need == NEED_PARENT || need == NEED_NAME || need == NEED_DIR || need == NEED_LOOKUP || op == FOP_OPENDIR || op == FOP_ENTRYLK ||
           op == FOP_FENTRYLK;
}

static struct rpc_call_header header_of(const struct vector *v, const uint8_t **ret_args, size_t *ret_len)
{
    struct rpc_call_header h;
    int64_t used = wire_decode((void *)xdr_rpc_call_header, &h, v->call, v->call_len);

    assert_true(used > 0);
    *ret_args = v->call + used;
    *ret_len = v->call_len - (size_t)used;
    return h;
}

/* The descriptors that the call uses are open. (0, 1, ... up to the highest; calls on unknown ones are recorded with 99.) */
static void open_descriptors(struct transport *t, const struct wire_object obj[2], bool dirs)
{
    for (unsigned int i = 0; i < 2; i++) {
        if (obj[i].fd < 0 || obj[i].fd >= 99)
            continue;
        while (brick_open(t, gfid_of(90), dirs) < obj[i].fd)
            ;
    }
}

static void decode_objects(struct brick *b, enum fop_op op, const uint8_t *args, size_t len, struct wire_object obj[2])
{
    struct fop *fop = fop_new(b->graph, op);
    size_t used;

    assert_int_equal(wire_request(fop, args, len, obj, &used), 0);
    assert_int_equal(used + (op == FOP_WRITE ? fop->in.write.size : 0), len); /* all of it was used */
    fop_free(fop);
}

static void forget_numbers(enum fop_op op, union any_rsp *r)
{
    if (op == FOP_OPEN || op == FOP_OPENDIR)
        r->open.fd = 0;
    if (op == FOP_CREATE)
        r->create.fd = 0;
}

static void bytes_of(void *proc, const void *obj, uint8_t **ret, size_t *ret_len)
{
    XDR x;

    *ret_len = wire_size(proc, obj);
    *ret = malloc(*ret_len + 1);
    wire_writer(&x, *ret, *ret_len);
    assert_true(((bool_t(*)(XDR *, void *))proc)(&x, (void *)obj));
}

/* READDIRP's attributes have flags as well: compared element by element. */
static void compare_entries(struct wire_list ours, struct wire_list theirs)
{
    struct wire_direntp a, b;

    assert_int_equal(ours.count, theirs.count);
    while (wire_list_next(&theirs, &b)) {
        assert_true(wire_list_next(&ours, &a));
        assert_int_equal(a.off, b.off);
        assert_int_equal(a.ino, b.ino);
        assert_int_equal(a.type, b.type);
        assert_int_equal(a.len, b.len);
        assert_int_equal(a.name.len, b.name.len);
        assert_memory_equal(a.name.at, b.name.at, b.name.len);
        assert_memory_equal(&a.stat.st, &b.stat.st, sizeof(a.stat.st));
        assert_int_equal(a.xdata.len, b.xdata.len);
        assert_memory_equal(a.xdata.at, b.xdata.at, b.xdata.len);
    }
}

static void compare(const struct vector *v, const uint8_t *body, size_t len)
{
    void *proc = wire_rows[now.op].reply.proc;
    union any_rsp ours;
    uint8_t *a, *b;
    size_t na, nb;

    memset(&ours, 0, sizeof(ours));
    int64_t used = wire_decode(proc, &ours, body, len);
    assert_true(used > 0);
    assert_int_equal((size_t)used + now.data_len, len);
    assert_memory_equal(body + used, now.data, now.data_len);
    forget_numbers(now.op, &ours);
    forget_numbers(now.op, &now.rsp);
    if (now.op == FOP_READDIRP && ours.common.op_ret >= 0) {
        compare_entries(ours.readdirp.entries, now.rsp.readdirp.entries);
        return;
    }
    bytes_of(proc, &ours, &a, &na);
    bytes_of(proc, &now.rsp, &b, &nb);
    if (na != nb || memcmp(a, b, na) != 0)
        fail_msg("%s: the reply differs (%zu bytes, recorded %zu)", v->name, na, nb);
    free(a);
    free(b);
}

static void take_recorded(const struct vector *v)
{
    const uint8_t *body = v->reply + REPLY_HEAD;
    size_t len = v->reply_len - REPLY_HEAD;
    int64_t used;

    memset(&now.rsp, 0, sizeof(now.rsp));
    used = wire_decode(wire_rows[now.op].reply.proc, &now.rsp, body, len);
    assert_true(used > 0);
    now.data = body + used;
    now.data_len = len - (size_t)used;
    assert_true(now.data_len == 0 || now.op == FOP_READ);
    make_comparable(now.op, &now.rsp);
}

/* These are not for the storage. */
static bool answered_above(const struct vector *v, enum fop_op op)
{
    return op == FOP_RELEASE || op == FOP_RELEASEDIR || op == FOP_ICREATE || strstr(v->name, "ebadf");
}

static void replay(const struct vector *v)
{
    struct brick b;
    struct wire_object obj[2];
    const uint8_t *args;
    size_t len;
    uint32_t xid, stat;
    struct rpc_call_header h = header_of(v, &args, &len);

    memset(&now, 0, sizeof(now));
    now.v = v;
    now.op = (enum fop_op)h.proc;
    take_recorded(v);
    brick_start(&b, NULL);
    struct transport *t = brick_connect(&b, "one");
    decode_objects(&b, now.op, args, len, obj);
    b.type_of_gfid = on_directories(now.op) ? S_IFDIR : S_IFREG;
    if (now.op == FOP_LINK)
        b.a_directory = obj[1].gfid;
    open_descriptors(t, obj, wire_rows[now.op].need == NEED_DIR || on_directories(now.op));
    unsigned int n = fake_nr_sent(t);
    b.handler = answer_as_recorded;
    fake_deliver(t, v->call, v->call_len);
    const uint8_t *body = caller_reply(t, n, &xid, &stat, &len);
    assert_int_equal(xid, h.xid);
    assert_int_equal(stat, RPC_OK);
    if (now.reached != !answered_above(v, now.op))
        fail_msg("%s: it reached the storage %u times", v->name, now.reached);
    compare(v, body, len);
    fake_close(t);
    brick_stop(&b);
}

static bool has_row(const struct vector *v)
{
    const uint8_t *args;
    size_t len;
    struct rpc_call_header h = header_of(v, &args, &len);

    return h.proc < NR_FOPS && wire_rows[h.proc].request.proc && v->reply;
}

static void recorded_calls_reach_the_storage_and_get_the_recorded_reply(void **state)
{
    struct vector *all = vectors_load(VECTORS, "fop400-");
    unsigned int n = 0;

    for (struct vector *v = all; v->name[0]; v++) {
        if (!has_row(v))
            continue;
        print_message("%s\n", v->name);
        replay(v);
        n++;
    }
    assert_true(n >= 60);
    vectors_free(all);
}

/* ---- hostile ------------------------------------------------------------------------------------------------------------------------ */

static void succeed(struct brick *b, struct fop *fop)
{
    if (fop->op == FOP_LOOKUP && !fop->loc.inode) {
        fop->out.inode = inode_get(fop->graph->inodes, gfid_of(40));
        atomic_store(&fop->out.inode->type, S_IFREG);
    } else if (fop->op == FOP_OPEN || fop->op == FOP_OPENDIR || fop->op == FOP_CREATE) {
        answer_opened(fop, fop->op == FOP_OPENDIR);
    }
    fop_complete(fop, 0, 0);
}

/* Every recorded call, changed by a test, is answered with one message, whatever is in it. */
static void each_recorded_call(void (*change)(struct transport *t, const struct vector *v, size_t args_at))
{
    struct vector *all = vectors_load(VECTORS, "fop400-");
    struct brick b;

    brick_start(&b, NULL);
    struct transport *t = brick_connect(&b, "one");
    b.type_of_gfid = S_IFDIR;
    b.handler = succeed;
    for (struct vector *v = all; v->name[0]; v++) {
        const uint8_t *args;
        size_t len;
        header_of(v, &args, &len);
        change(t, v, v->call_len - len);
    }
    fake_close(t);
    brick_stop(&b);
    vectors_free(all);
}

/* The copy ends where its memory ends, so that a sanitizer sees a step too far. */
static void must_be_answered_once(struct transport *t, const struct vector *v, uint8_t *copy, size_t len, size_t at)
{
    unsigned int n = fake_nr_sent(t);

    fake_deliver(t, copy, len);
    free(copy);
    if (fake_nr_sent(t) != n + 1)
        fail_msg("%s changed at %zu: %u answers", v->name, at, fake_nr_sent(t) - n);
}

static uint8_t *copy_of(const struct vector *v, size_t len)
{
    uint8_t *copy = malloc(len);

    assert_non_null(copy);
    return memcpy(copy, v->call, len);
}

static void cut(struct transport *t, const struct vector *v, size_t args_at)
{
    for (size_t len = args_at; len < v->call_len; len++)
        must_be_answered_once(t, v, copy_of(v, len), len, len);
}

static void a_recorded_call_cut_at_any_length_is_answered_once(void **state)
{
    each_recorded_call(cut);
}

static void put_wild_words(struct transport *t, const struct vector *v, size_t args_at)
{
    static const uint32_t wild[] = {0xffffffff, 0x80000000, 0x7fffffff, 0x00010000};

    for (size_t at = args_at; at + 4 <= v->call_len; at += 4)
        for (size_t i = 0; i < array_len(wild); i++) {
            uint8_t *copy = copy_of(v, v->call_len);
            uint32_t be = htobe32(wild[i]);
            memcpy(copy + at, &be, sizeof(be));
            must_be_answered_once(t, v, copy, v->call_len, at);
        }
}

static void a_recorded_call_with_a_wild_word_is_answered_once(void **state)
{
    each_recorded_call(put_wild_words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_calls_reach_the_storage_and_get_the_recorded_reply),
        cmocka_unit_test(a_recorded_call_cut_at_any_length_is_answered_once),
        cmocka_unit_test(a_recorded_call_with_a_wild_word_is_answered_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
