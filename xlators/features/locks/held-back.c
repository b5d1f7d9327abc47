/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Operations that are not lock requests and still have to wait for locks: reads and writes under mandatory locking, removals, changes
 * of the enforcement mark, lock requests while locks migrate. Each table has a line of them; whenever a lock of the table goes or
 * comes, those in it are looked at again, in order of arrival. */
#include <errno.h>

#include "locks.h"

static void unlist(struct held_back *b)
{
    struct lock_table *t = b->table;

    *(b->prev ? &b->prev->next : &t->first_back) = b->next;
    *(b->next ? &b->next->prev : &t->last_back) = b->prev;
    b->prev = b->next = NULL;

    SCOPED_LOCK(&b->lc->lock);
    b->lc->nr_waiting--;
    b->lc->bytes_held_back -= b->bytes;
}

static bool list(struct held_back *b)
{
    struct lock_table *t = b->table;
    bool room;

    pthread_mutex_lock(&b->lc->lock);
    room = b->lc->nr_waiting < WAITING_PER_CLIENT && b->lc->bytes_held_back + b->bytes <= HELD_BACK_BYTES_PER_CLIENT;
    if (room) {
        b->lc->nr_waiting++;
        b->lc->bytes_held_back += b->bytes;
    }
    pthread_mutex_unlock(&b->lc->lock);
    if (!room)
        return false;
    b->prev = t->last_back;
    *(t->last_back ? &t->last_back->next : &t->first_back) = b;
    t->last_back = b;
    return true;
}

static void add(struct aftermath *after, struct held_back *b, int err)
{
    b->err = err;
    b->next = NULL;
    *(after->last_back ? &after->last_back->next : &after->first_back) = b;
    after->last_back = b;
}

/* By the canceller, who has the fop and no lock. */
static void cancelled(struct fop *fop, void *ctx)
{
    struct held_back *b = ctx;
    struct xlator *xl = b->xl;
    struct lock_table *t = b->table;
    struct aftermath after = {0};

    table_enter(t);
    unlist(b);
    if (b->given_up)
        b->given_up(xl, t, &after);
    add(&after, b, fop->cancel_err);
    table_leave(xl, t, &after);
}

enum go hold_back(struct xlator *xl, struct lock_table *t, struct fop *fop, const struct back_how *how, int *ret_err)
{
    struct lock_client *lc = lock_client_of(xl, fop->client);
    enum go go = how->look(xl, t, fop, ret_err);
    struct held_back *b;

    if (go != GO_WAIT)
        return go;
    pthread_mutex_unlock(&t->lock);
    fop_will_wait(fop); /* may start other requests, and they may come here */
    pthread_mutex_lock(&t->lock);
    go = how->look(xl, t, fop, ret_err);
    if (go != GO_WAIT)
        return go;
    *ret_err = ENOMEM;
    b = lc ? fop_alloc(fop, sizeof(*b)) : NULL;
    if (!b)
        return GO_REFUSE;
    *b = (struct held_back){.fop = fop, .xl = xl, .table = t, .lc = lc, .bytes = how->bytes, .look = how->look, .go_on = how->go_on,
                            .given_up = how->given_up};
    *ret_err = EAGAIN;
    if (!list(b))
        return GO_REFUSE;
    if (fop_park(fop, cancelled, b)) {
        trace_wait(xl, fop, NULL); /* who cancels it needs the table first */
        return GO_WAIT;
    }
    unlist(b);
    *ret_err = fop->cancel_err;
    return GO_REFUSE;
}

void hold_back_or_go_on(struct xlator *xl, struct lock_table *t, struct fop *fop, const struct back_how *how, struct aftermath *after)
{
    int err = 0;
    enum go go = hold_back(xl, t, fop, how, &err);

    if (go == GO_REFUSE && how->given_up)
        how->given_up(xl, t, after);
    table_leave(xl, t, after);
    if (go == GO_ON)
        how->go_on(xl, fop);
    else if (go == GO_REFUSE)
        fop_fail(fop, err);
}

void look_at_held_back(struct lock_table *t, struct aftermath *after)
{
    struct held_back *next;

    t->look_again = false;
    for (struct held_back *b = t->first_back; b; b = next) {
        int err = 0;
        enum go go = b->look(b->xl, t, b->fop, &err);

        next = b->next;
        if (go == GO_WAIT || !fop_unpark(b->fop))
            continue;
        unlist(b);
        if (go == GO_REFUSE && b->given_up)
            b->given_up(b->xl, t, after);
        add(after, b, go == GO_REFUSE ? err : 0);
    }
}

/* Those that wait for POSIX locks to go: reads and writes. */
void refuse_io_held_back(struct lock_table *t, int err, struct aftermath *after)
{
    struct held_back *next;

    for (struct held_back *b = t->first_back; b; b = next) {
        next = b->next;
        if (b->go_on != locks_io || !fop_unpark(b->fop))
            continue;
        unlist(b);
        add(after, b, err);
    }
}

void back_run(struct aftermath *after)
{
    struct held_back *b;

    while ((b = after->first_back)) {
        struct fop *fop = b->fop;

        after->first_back = b->next;
        fop->flags |= FOP_NOWAIT; /* whose thread this is, we do not know */
        trace_wait_over(b->xl, fop, b->err);
        if (b->err)
            fop_fail(fop, b->err);
        else
            b->go_on(b->xl, fop);
    }
    after->last_back = NULL;
}
