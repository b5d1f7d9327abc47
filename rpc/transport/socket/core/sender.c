/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* sender.c: conn_send(): the thread that has a message sends it, if it can do so at once; see role.h.
 *
 * The way of a small message to a quiet connection is one sendmsg() on the caller's thread and nothing else: the poller sleeps on.
 * While the poller is awake it has the role, and what is put meanwhile leaves together at the end of its turn. What goes to
 * the poller from here: what the socket does not take now, what others have put beyond a bound, errors, long messages that are to
 * be encrypted (the caller has better things to do, and the wake-up is nothing beside them), and everything of a connection
 * whose buffers were given back. */
#include <errno.h>

#include "conn-impl.h"

#define SENDER_MOST (1 * MiB)      /* a sender goes on for others up to so much */
#define SENDER_LOOKS 8             /* and looks again so often */
#define ENCRYPT_HERE_MAX (64 * KiB)

/* ---- the poller's side ----------------------------------------------------------------------------------------------------- */
bool conn_claim(struct conn *c, bool insist)
{
    if (c->has_role)
        return true;
    c->has_role = role_claim(&c->role, insist);
    c->wants_role = !c->has_role && insist;
    return c->has_role;
}

bool conn_let_go(struct conn *c)
{
    if (role_leave(&c->role) != ROLE_LEFT)
        return false;
    c->has_role = false;
    return true;
}

/* ---- a sender's ------------------------------------------------------------------------------------------------------------ */
static void give(struct conn *c)
{
    role_give(&c->role);
    conn_wake(c);
}

/* The caller has the role, and has it no more when this returns. */
static void send_here(struct conn *c, size_t len)
{
    if (atomic_load_explicit(&c->idled, memory_order_relaxed) || (!c->stream->type->duplex && len > ENCRYPT_HERE_MAX)) {
        give(c);
        return;
    }
    for (unsigned int i = 0; i < SENDER_LOOKS; i++) {
        enum role_left left;
        int r;

        role_look(&c->role);
        r = sendq_flush(&c->out, c->stream, SENDER_MOST);
        c->out_waits = r == -EAGAIN;
        if (r < 0 && r != -EAGAIN)
            c->out_err = r; /* the poller's to tell */
        if (r != 0)
            break;
        left = role_leave(&c->role);
        if (left == ROLE_LEFT)
            return;
        if (left == ROLE_GIVE)
            break;
    }
    give(c);
}

/* What is counted is counted before anybody can see the message: it may be gone before this returns. */
int conn_send(struct conn *c, struct msg *m)
{
    size_t len = m->body.len + sizeof(m->mark);
    int r = -ENOTCONN;

    counter_add(&c->env.census->now[CENSUS_MESSAGES], 1);
    if (c->group)
        group_queue(c->group, len);
    pthread_mutex_lock(&c->gate);
    if (c->open)
        r = sendq_put(&c->out, m);
    pthread_mutex_unlock(&c->gate);
    if (r < 0) {
        counter_add(&c->env.census->now[CENSUS_MESSAGES], -1);
        if (c->group)
            group_unqueue(c->group, len);
        return r;
    }
    if (conn_turning(c)) { /* on the poller, inside one of its callbacks: its turn ends with sending */
        if (!c->has_role)
            c->has_role = role_enter(&c->role);
    } else if (role_enter(&c->role)) {
        send_here(c, len);
    }
    return 0;
}
