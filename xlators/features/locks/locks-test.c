/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Lock requests: POSIX locks, inode and entry locks, counts, clearing; a storm against a model; many threads. */
#include "locks-testing.h"

#include <sched.h>

#include "thread.h"

/* ---- POSIX locks ----------------------------------------------------------------------------------------------------------- */

static void a_conflicting_lock_is_refused_and_told_of(void **state)
{
    struct world *w = *state;
    struct call c;

    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, 10, 10);
    assert_granted(c);
    lk(w, &c, 1, "a", LK_SET, RANGE_READ, 19, 1);
    assert_refused(c, EAGAIN);
    lk(w, &c, 1, "a", LK_SET, RANGE_READ, 20, 1);
    assert_granted(c);
    lk(w, &c, 1, "a", LK_GET, RANGE_READ, 0, 0);
    assert_granted(c);
    assert_int_equal(c.flock.type, RANGE_WRITE);
    assert_int_equal(c.flock.start, 10);
    assert_int_equal(c.flock.len, 10);
    assert_int_equal(c.flock.pid, 100);
    lk(w, &c, 0, "a", LK_GET, RANGE_WRITE, 0, 20);
    assert_int_equal(c.flock.type, RANGE_UNLOCK);
}

static void a_waiting_lock_is_granted_when_it_is_free_and_not_before(void **state)
{
    struct world *w = *state;
    struct call c, waits;

    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, 0, 0);
    lk(w, &waits, 1, "b", LK_SETW, RANGE_WRITE, 5, 5);
    assert_false(waits.back);
    lk(w, &c, 0, "a", LK_SET, RANGE_UNLOCK, 0, 6);
    assert_granted(c);
    assert_int_equal(c.flock.type, RANGE_READ); /* the descriptor still has locks */
    assert_false(waits.back);
    lk(w, &c, 0, "a", LK_SET, RANGE_UNLOCK, 6, 0);
    assert_int_equal(c.flock.type, RANGE_UNLOCK);
    assert_granted(waits);
}

static void who_waits_gives_up_what_it_had_there(void **state)
{
    struct world *w = *state;
    struct call c, up;

    lk(w, &c, 0, "a", LK_SET, RANGE_READ, 0, 10);
    lk(w, &c, 1, "b", LK_SET, RANGE_READ, 0, 10);
    lk(w, &up, 0, "a", LK_SETW, RANGE_WRITE, 0, 5);
    assert_false(up.back);
    lk(w, &c, 1, "b", LK_SET, RANGE_WRITE, 0, 5); /* an upgrade where both waited would never end */
    assert_granted(c);
    lk(w, &c, 1, "b", LK_SET, RANGE_WRITE, 5, 5);
    assert_refused(c, EAGAIN);
    lk(w, &c, 1, "b", LK_SET, RANGE_UNLOCK, 0, 0);
    assert_granted(up);
}

static void wrong_ranges_commands_and_owners_are_refused(void **state)
{
    struct world *w = *state;
    struct call c;

    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, -1, 1);
    assert_refused(c, EINVAL);
    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, 5, -6);
    assert_refused(c, EINVAL);
    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, INT64_MAX, 2);
    assert_refused(c, EINVAL);
    lk(w, &c, 0, "a", LK_SET, 7, 0, 1);
    assert_refused(c, EINVAL);
    lk(w, &c, 0, "a", LK_RES, RANGE_READ, 0, 1);
    assert_refused(c, EOPNOTSUPP);
    lk(w, &c, 0, "a", 99, RANGE_READ, 0, 1);
    assert_refused(c, EINVAL);
    w->clients[0]->opversion = 100000;
    lk(w, &c, 0, "", LK_SET, RANGE_READ, 0, 1);
    assert_refused(c, EINVAL);
    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, 10, -4); /* [6, 10) */
    assert_granted(c);
    lk(w, &c, 1, "a", LK_GET, RANGE_WRITE, 0, 0);
    assert_int_equal(c.flock.start, 6);
    assert_int_equal(c.flock.len, 4);
}

static void flush_drops_what_the_owner_or_the_descriptor_has(void **state)
{
    struct world *w = *state;
    struct call c, waits;

    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, 0, 1);
    lk(w, &c, 0, "b", LK_SET, RANGE_WRITE, 1, 1);
    lk(w, &waits, 1, "a", LK_SETW, RANGE_WRITE, 0, 2);
    make(w, &c, FOP_FLUSH, 0, "a");
    go(w, &c);
    assert_granted(c);
    assert_false(waits.back);
    lk(w, &c, 2, "a", LK_SET, RANGE_WRITE, 0, 1);
    assert_granted(c);
    make(w, &c, FOP_FLUSH, 0, "");
    go(w, &c);
    assert_false(waits.back);
    make(w, &c, FOP_FLUSH, 2, "");
    go(w, &c);
    assert_granted(waits);
}

static void the_last_close_drops_the_descriptors_locks(void **state)
{
    struct world *w = *state;
    struct call c, waits;

    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, 0, 0);
    lk(w, &waits, 1, "a", LK_SETW, RANGE_READ, 0, 0);
    fd_unref(w->fds[0]);
    w->fds[0] = NULL;
    assert_granted(waits);
}

static void a_client_that_goes_leaves_nothing_behind(void **state)
{
    struct world *w = *state;
    struct call c, mine[3], waits[3];

    lk(w, &c, 1, "a", LK_SET, RANGE_WRITE, 0, 0);
    inodelk(w, &c, 1, "a", "d", LK_SET, RANGE_WRITE, 0, 0);
    entrylk(w, &c, 1, "a", NULL, ENTRYLK_LOCK, 1);
    lk(w, &mine[0], 0, "a", LK_SETW, RANGE_WRITE, 0, 0);
    inodelk(w, &mine[1], 0, "a", "d", LK_SETW, RANGE_WRITE, 0, 0);
    entrylk(w, &mine[2], 0, "a", "x", ENTRYLK_LOCK, 1);
    leave(w, 0);
    for (unsigned int i = 0; i < 3; i++)
        assert_refused(mine[i], ENOTCONN);
    lk(w, &waits[0], 2, "a", LK_SETW, RANGE_WRITE, 0, 0);
    inodelk(w, &waits[1], 2, "a", "d", LK_SETW, RANGE_WRITE, 0, 0);
    entrylk(w, &waits[2], 2, "a", "y", ENTRYLK_LOCK, 1);
    leave(w, 1);
    for (unsigned int i = 0; i < 3; i++)
        assert_granted(waits[i]);
}

static void waiting_locks_of_a_client_are_bounded(void **state)
{
    struct world *w = *state;
    struct call *waits = calloc(WAITING_PER_CLIENT + 1, sizeof(*waits)), c;

    lk(w, &c, 1, "a", LK_SET, RANGE_WRITE, 0, 0);
    for (unsigned int i = 0; i <= WAITING_PER_CLIENT; i++)
        lk(w, &waits[i], 0, "a", LK_SETW, RANGE_WRITE, i, 1);
    assert_false(waits[WAITING_PER_CLIENT - 1].back);
    assert_refused(waits[WAITING_PER_CLIENT], EAGAIN);
    leave(w, 0);
    free(waits);
}

static void an_interrupted_wait_ends(void **state)
{
    struct world *w = *state;
    struct call c, waits, other;
    struct fop *fop;

    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, 0, 0);
    lk(w, &waits, 1, "a", LK_SETW, RANGE_WRITE, 5, 10);
    lk(w, &other, 2, "a", LK_SETW, RANGE_WRITE, 5, 10);
    fop = make(w, &c, FOP_FGETXATTR, 1, "a");
    fop->in.getxattr.name = "glusterfs.intrlk.tposix.kblocked.0,5-10";
    go(w, &c);
    assert_true(c.back && c.ret >= 0);
    assert_refused(waits, EINTR);
    assert_false(other.back);
    leave(w, 2);
}

static void locks_can_be_cleared_by_root_only(void **state)
{
    struct world *w = *state;
    struct call c, waits;
    struct fop *fop;

    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, 0, 0);
    lk(w, &waits, 1, "a", LK_SETW, RANGE_WRITE, 5, 10);
    fop = make(w, &c, FOP_GETXATTR, 2, "a");
    fop->in.getxattr.name = "glusterfs.clrlk.tposix.kgranted";
    fop->cred.uid = 1000;
    go(w, &c);
    assert_refused(c, EPERM);
    fop = make(w, &c, FOP_GETXATTR, 2, "a");
    fop->in.getxattr.name = "glusterfs.clrlk.tposix.kgranted";
    go(w, &c);
    assert_string_equal(c.text, "host:/b/: posix blocked locks=0 granted locks=1");
    assert_granted(waits);
    fop = make(w, &c, FOP_GETXATTR, 2, "a");
    fop->in.getxattr.name = "glusterfs.clrlk.tinode.kall";
    go(w, &c);
    assert_string_equal(c.text, "No locks cleared.");
    fop = make(w, &c, FOP_GETXATTR, 2, "a");
    fop->in.getxattr.name = "glusterfs.clrlk.tposix.ksome";
    go(w, &c);
    assert_refused(c, EINVAL);
}

/* ---- inode and entry locks --------------------------------------------------------------------------------------------------- */

/* Its own new read lock makes room for one that was asked for before. */
static void a_granted_downgrade_frees_one_that_waited_longer(void **state)
{
    struct world *w = *state;
    struct call c, first, second;

    lk(w, &c, 0, "x", LK_SET, RANGE_WRITE, 0, 1);
    lk(w, &c, 1, "b", LK_SET, RANGE_WRITE, 2, 1);
    lk(w, &first, 2, "c", LK_SETW, RANGE_READ, 0, 2);
    lk(w, &second, 3, "a", LK_SETW, RANGE_READ, 1, 2);
    lk(w, &c, 3, "a", LK_SET, RANGE_WRITE, 1, 1);
    assert_granted(c);
    lk(w, &c, 0, "x", LK_SET, RANGE_UNLOCK, 0, 1);
    assert_false(first.back || second.back);
    lk(w, &c, 1, "b", LK_SET, RANGE_UNLOCK, 2, 1); /* a's read lock is granted, and its write lock is gone with that */
    assert_granted(second);
    assert_granted(first);
}

static void inode_locks_are_given_back_as_they_were_taken(void **state)
{
    struct world *w = *state;
    struct call c;

    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_WRITE, 0, 10);
    assert_granted(c);
    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_WRITE, 0, 10);
    assert_granted(c);
    inodelk(w, &c, 1, "a", "other", LK_SET, RANGE_WRITE, 0, 10);
    assert_granted(c);
    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_UNLOCK, 0, 9);
    assert_refused(c, EINVAL);
    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_UNLOCK, 0, 10);
    assert_granted(c);
    inodelk(w, &c, 1, "a", "d", LK_SET, RANGE_WRITE, 5, 1);
    assert_refused(c, EAGAIN);
    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_UNLOCK, 0, 10);
    assert_granted(c);
    inodelk(w, &c, 1, "a", "d", LK_SET, RANGE_WRITE, 5, 1);
    assert_granted(c);
    inodelk(w, &c, 1, "a", "d", LK_GET, RANGE_WRITE, 5, 1);
    assert_refused(c, ENOTSUP);
}

static void a_newcomer_does_not_overtake_one_that_waits(void **state)
{
    struct world *w = *state;
    struct call c, writer, reader, again;

    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_READ, 0, 0);
    inodelk(w, &writer, 1, "a", "d", LK_SETW, RANGE_WRITE, 0, 0);
    inodelk(w, &reader, 2, "a", "d", LK_SETW, RANGE_READ, 0, 0);
    assert_false(writer.back || reader.back);
    inodelk(w, &again, 0, "a", "d", LK_SET, RANGE_READ, 0, 0); /* it is in already */
    assert_granted(again);
    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_UNLOCK, 0, 0);
    assert_false(writer.back);
    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_UNLOCK, 0, 0);
    assert_granted(writer);
    assert_false(reader.back);
    inodelk(w, &c, 1, "a", "d", LK_SET, RANGE_UNLOCK, 0, 0);
    assert_granted(reader);
}

static void a_metadata_lock_has_a_domain_of_its_own(void **state)
{
    struct world *w = *state;
    struct call c;

    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_WRITE, 0, 0);
    inodelk(w, &c, 1, "a", "d", LK_SET, RANGE_WRITE, INT64_MAX - 1, 0);
    assert_granted(c);
    inodelk(w, &c, 0, "a", "d:metadata", LK_SET, RANGE_WRITE, INT64_MAX - 1, 0);
    assert_refused(c, EAGAIN);
}

static void an_entry_lock_is_for_a_name_or_all_names(void **state)
{
    struct world *w = *state;
    struct call c, all, one;

    entrylk(w, &c, 0, "a", "x", ENTRYLK_LOCK_NB, 0);
    assert_granted(c);
    entrylk(w, &c, 1, "a", "x", ENTRYLK_LOCK_NB, 0); /* reading or not */
    assert_refused(c, EAGAIN);
    entrylk(w, &c, 1, "a", "y", ENTRYLK_LOCK_NB, 1);
    assert_granted(c);
    entrylk(w, &all, 2, "a", NULL, ENTRYLK_LOCK, 1);
    entrylk(w, &one, 3, "a", "z", ENTRYLK_LOCK, 1);
    assert_false(all.back || one.back);
    entrylk(w, &c, 0, "a", "x", ENTRYLK_UNLOCK, 1);
    assert_refused(c, EINVAL); /* it was taken for reading */
    entrylk(w, &c, 0, "a", "x", ENTRYLK_UNLOCK, 0);
    assert_granted(c);
    entrylk(w, &c, 1, "a", "y", ENTRYLK_UNLOCK, 1);
    assert_granted(all);
    assert_false(one.back);
    entrylk(w, &c, 2, "a", NULL, ENTRYLK_UNLOCK, 1);
    assert_granted(one);
}

static void the_holder_hears_of_contention_once_in_a_while(void **state)
{
    struct world *w = *state;
    struct call c;

    entrylk(w, &c, 0, "a", "x", ENTRYLK_LOCK_NB, 1);
    entrylk(w, &c, 1, "a", "x", ENTRYLK_LOCK_NB, 1);
    assert_refused(c, EAGAIN);
    assert_int_equal(heard.n, 1);
    assert_int_equal(heard.kind, UPCALL_ENTRYLK_CONTENTION);
    assert_string_equal(heard.client, "client-0");
    assert_string_equal(heard.domain, "d");
    assert_string_equal(heard.name, "x");
    entrylk(w, &c, 1, "a", "x", ENTRYLK_LOCK_NB, 1);
    assert_int_equal(heard.n, 1);
    inodelk(w, &c, 2, "a", "e", LK_SET, RANGE_WRITE, 0, 1);
    inodelk(w, &c, 3, "a", "e", LK_SET, RANGE_WRITE, 0, 1);
    assert_int_equal(heard.n, 2);
    assert_int_equal(heard.kind, UPCALL_INODELK_CONTENTION);
    assert_string_equal(heard.client, "client-2");
}

static void lock_counts_are_answered_when_asked_for(void **state)
{
    struct world *w = *state;
    struct call c;
    struct fop *fop;
    int64_t n;

    lk(w, &c, 0, "a", LK_SET, RANGE_READ, 0, 1);
    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_READ, 0, 1);
    inodelk(w, &c, 0, "a", "e", LK_SET, RANGE_READ, 0, 1);
    entrylk(w, &c, 0, "a", "x", ENTRYLK_LOCK, 1);

    fop = fop_new(w->g, FOP_LOOKUP);
    fop->loc.parent = inode_ref(w->in);
    strcpy(fop->loc.name, "x");
    fop->out.inode = inode_ref(w->in);
    fop->xdata = dict_new();
    dict_set_u64(fop->xdata, "glusterfs.inodelk-count", 0);
    dict_set_u64(fop->xdata, "glusterfs.posixlk-count", 0);
    dict_set_u64(fop->xdata, "glusterfs.entrylk-count", 0);
    dict_set_u64(fop->xdata, "glusterfs.parent-entrylk", 0);
    testing_run(w->g, fop);
    assert_int_equal(dict_get_i64(fop->xdata_out, "glusterfs.inodelk-count", &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(dict_get_i64(fop->xdata_out, "glusterfs.posixlk-count", &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(dict_get_i64(fop->xdata_out, "glusterfs.entrylk-count", &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(dict_get_i64(fop->xdata_out, "glusterfs.parent-entrylk", &n), 0);
    assert_int_equal(n, 1);
    fop_free(fop);

    fop = fop_new(w->g, FOP_FSTAT);
    fop->fd = fd_ref(w->fds[0]);
    fop->xdata = dict_new();
    dict_set_text(fop->xdata, "glusterfs.inodelk-dom-count", "d");
    testing_run(w->g, fop);
    assert_int_equal(dict_get_i64(fop->xdata_out, "glusterfs.inodelk-count", &n), 0);
    assert_int_equal(n, 1);
    fop_free(fop);
}

/* ---- a storm against a model: each owner has a lock type per byte -------------------------------------------------------------- */

#define BYTES 40
#define OWNERS 6
#define STEPS 60000

struct wish {
    struct call call;
    unsigned int owner;
    uint32_t type;
    int start, end; /* the last byte inside */
    bool waits;
};
struct model {
    uint8_t has[OWNERS][BYTES]; /* 0 nothing, 1 read, 2 write */
    struct wish wishes[OWNERS]; /* one that waits per owner */
    unsigned int queue[OWNERS], queued;
};

static bool model_grantable(const struct model *m, unsigned int owner, uint32_t type, int start, int end)
{
    for (unsigned int o = 0; o < OWNERS; o++)
        for (int b = start; o != owner && b <= end; b++)
            if (m->has[o][b] == 2 || (m->has[o][b] == 1 && type == RANGE_WRITE))
                return false;
    return true;
}

static void model_put(struct model *m, unsigned int owner, uint32_t type, int start, int end)
{
    memset(&m->has[owner][start], type == RANGE_READ ? 1 : type == RANGE_WRITE ? 2 : 0, (size_t)(end - start + 1));
}

/* In order of arrival, and from the beginning after each grant: a read lock may have replaced its owner's write lock. */
static void model_grant(struct model *m)
{
    unsigned int i = 0;

    while (i < m->queued) {
        struct wish *x = &m->wishes[m->queue[i]];

        if (!model_grantable(m, x->owner, x->type, x->start, x->end)) {
            i++;
            continue;
        }
        model_put(m, x->owner, x->type, x->start, x->end);
        x->waits = false;
        memmove(&m->queue[i], &m->queue[i + 1], (--m->queued - i) * sizeof(m->queue[0]));
        i = 0;
    }
}

/* The table says what the model says, with no two locks where one would do. */
static void compare(struct world *w, const struct model *m, char names[OWNERS][8])
{
    struct xlator *xl = testing_xlator(w->g, 1);
    struct lock_table *t = table_find(xl, w->in);
    struct space *s = t ? space_find(t, POSIX_LOCK, NULL) : NULL;
    uint8_t has[OWNERS][BYTES] = {0};
    unsigned int n = 0, least = 0;

    for (struct held *h = s ? s->granted.first : NULL; h; h = h->next) {
        unsigned int o = 0;

        while (o < OWNERS && (h->own->lc->client != w->clients[o % 4] || memcmp(h->own->bytes, names[o], h->own->len)))
            o++;
        assert_true(o < OWNERS);
        for (int64_t b = h->start; b <= min_of(h->end, (int64_t)BYTES - 1); b++) {
            assert_int_equal(has[o][b], 0);
            has[o][b] = h->type == RANGE_READ ? 1 : 2;
        }
        n++;
    }
    assert_memory_equal(has, m->has, sizeof(has));
    for (unsigned int o = 0; o < OWNERS; o++)
        for (int b = 0; b < BYTES; b++)
            least += m->has[o][b] && (b == 0 || m->has[o][b] != m->has[o][b - 1]);
    assert_int_equal(n, least);
    assert_int_equal(s ? s->waiting.n : 0, m->queued);
    for (unsigned int o = 0; o < OWNERS; o++) {
        if (m->wishes[o].call.client)
            assert_int_equal(m->wishes[o].call.back, !m->wishes[o].waits);
    }
}

static void a_storm_of_locks_does_what_a_table_of_bytes_says(void **state)
{
    struct world *w = *state;
    struct model *m = calloc(1, sizeof(*m));
    char names[OWNERS][8];
    unsigned int seed = 20260;

    for (unsigned int o = 0; o < OWNERS; o++)
        snprintf(names[o], sizeof(names[o]), "own-%u", o);
    for (unsigned int i = 0; i < STEPS; i++) {
        unsigned int o = (unsigned int)rand_r(&seed) % OWNERS, what = (unsigned int)rand_r(&seed) % 16;
        uint32_t type = (unsigned int)rand_r(&seed) % 3;
        int start = rand_r(&seed) % BYTES, end = start + rand_r(&seed) % (BYTES - start);
        int64_t len = end == BYTES - 1 ? 0 : end - start + 1; /* the last byte stands for all that come after */
        struct wish *x = &m->wishes[o];
        struct call c;

        if (what == 0) { /* close */
            make(w, &c, FOP_FLUSH, o % 4, names[o]);
            go(w, &c);
            model_put(m, o, RANGE_UNLOCK, 0, BYTES - 1);
        } else if (type == RANGE_UNLOCK || what < 8) {
            bool possible = type == RANGE_UNLOCK || model_grantable(m, o, type, start, end);

            lk(w, &c, o % 4, names[o], LK_SET, type, start, len);
            assert_true(c.back);
            assert_int_equal(c.ret, possible ? 0 : -1);
            if (possible)
                model_put(m, o, type, start, end);
        } else if (!x->waits) {
            *x = (struct wish){.owner = o, .type = type, .start = start, .end = end, .waits = true};
            if (!model_grantable(m, o, type, start, end)) {
                model_put(m, o, RANGE_UNLOCK, start, end);
            }
            m->queue[m->queued++] = o;
            if (model_grantable(m, o, type, start, end)) { /* it did not have to wait: before those that do */
                model_put(m, o, type, start, end);
                x->waits = false;
                m->queued--;
            }
            lk(w, &x->call, o % 4, names[o], LK_SETW, type, start, len);
        }
        model_grant(m);
        compare(w, m, names);
    }
    for (unsigned int i = 0; i < array_len(w->clients); i++)
        leave(w, i);
    free(m);
}

/* ---- many threads, clients that go -------------------------------------------------------------------------------------------- */

#define THREADS 4
#define EACH 4000

struct runner {
    struct world *w;
    unsigned int n;
    pthread_t thread;
};

static void *run_locks(void *arg)
{
    struct runner *r = arg;
    struct world *w = r->w;
    struct client *mine = w->clients[r->n];
    struct call *calls = calloc(EACH, sizeof(*calls));
    unsigned int seed = r->n + 1, started = 0;

    for (; started < EACH; started++) {
        struct call *c = &calls[started];
        uint32_t type = (unsigned int)rand_r(&seed) % 3;
        int64_t start = rand_r(&seed) % 50, len = 1 + rand_r(&seed) % 20;
        struct fop *fop;

        switch (rand_r(&seed) % 4) {
        case 0:
            fop = make(w, c, FOP_FINODELK, r->n, "a");
            fop->in.inodelk.domain = "d";
            fop->in.inodelk.cmd = LK_SET;
            fop->in.inodelk.flock = (struct flock_range){.type = type, .start = start / 25, .len = 1};
            break;
        case 1:
            fop = make(w, c, FOP_FLUSH, r->n, rand_r(&seed) % 2 ? "a" : "");
            break;
        default:
            fop = make(w, c, FOP_LK, r->n, rand_r(&seed) % 2 ? "a" : "b");
            fop->in.lk.cmd = type == RANGE_UNLOCK || rand_r(&seed) % 8 ? LK_SET : LK_SETW;
            fop->in.lk.flock = (struct flock_range){.type = type, .start = start, .len = len};
        }
        if (!client_start(mine, fop)) {
            fop->depth = 0;
            fop_free(fop);
            break;
        }
        fop_submit(w->g->top, fop);
    }
    client_gone(mine, w->p.pool, ended); /* while the others go on */
    for (unsigned int i = 0; i < started; i++)
        while (!atomic_load_explicit(&calls[i].back, memory_order_acquire))
            sched_yield(); /* another thread has granted it, and is about to say so */
    pool_drain(w->p.pool);
    free(calls);
    return NULL;
}

static void many_threads_and_clients_that_go_leave_no_lock(void **state)
{
    struct world *w = *state;
    struct runner runners[THREADS];

    for (unsigned int i = 0; i < THREADS; i++) {
        runners[i] = (struct runner){.w = w, .n = i};
        assert_int_equal(thread_start(&runners[i].thread, "test", THREAD_STACK, run_locks, &runners[i], &w->p.census), 0);
    }
    for (unsigned int i = 0; i < THREADS; i++)
        thread_join(runners[i].thread, &w->p.census);
    assert_int_equal(counter_get(&w->p.census.now[CENSUS_LOCKS]), 0);
    for (unsigned int i = 0; i < THREADS; i++) {
        fd_unref(w->fds[i]);
        client_unref(w->clients[i]);
        w->clients[i] = NULL;
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_conflicting_lock_is_refused_and_told_of),
        TEST(a_waiting_lock_is_granted_when_it_is_free_and_not_before),
        TEST(who_waits_gives_up_what_it_had_there),
        TEST(wrong_ranges_commands_and_owners_are_refused),
        TEST(flush_drops_what_the_owner_or_the_descriptor_has),
        TEST(the_last_close_drops_the_descriptors_locks),
        TEST(a_client_that_goes_leaves_nothing_behind),
        TEST(waiting_locks_of_a_client_are_bounded),
        TEST(an_interrupted_wait_ends),
        TEST(locks_can_be_cleared_by_root_only),
        TEST(a_granted_downgrade_frees_one_that_waited_longer),
        TEST(inode_locks_are_given_back_as_they_were_taken),
        TEST(a_newcomer_does_not_overtake_one_that_waits),
        TEST(a_metadata_lock_has_a_domain_of_its_own),
        TEST(an_entry_lock_is_for_a_name_or_all_names),
        TEST(the_holder_hears_of_contention_once_in_a_while),
        TEST(lock_counts_are_answered_when_asked_for),
        TEST(a_storm_of_locks_does_what_a_table_of_bytes_says),
        TEST(many_threads_and_clients_that_go_leave_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
