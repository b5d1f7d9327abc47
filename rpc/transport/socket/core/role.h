/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* role.h: who may send on a connection now. Sending is a role and not a thread: whoever has put a message takes the role if nobody
 * has it, sends what the socket takes without waiting, and lets it go.
 *
 * One word of four bits. HELD: somebody has the role. The other three are said to the holder:
 *
 *     0 --enter, claim--> HELD --leave--> 0        the ordinary way: no other bit has come meanwhile
 *     MORE    a message was put since the holder last looked: leave() fails, it looks again. So whoever finds the role held has
 *             nothing more to do: its message leaves with the holder's.
 *     WANTED  the poller needs it (to read an encrypted stream, to close): leave() fails, the holder gives it.
 *     GIVEN   the role is the poller's, which was woken and will claim it: given to it by a sender that was asked, or that was
 *             left with what the socket did not take.
 *
 * Invariants
 *  - The holder alone touches what the role guards: the taking end of the send queue, the writing side of stream and socket, of a
 *    stream that is not duplex both sides.
 *  - Nothing is forgotten: who puts sets MORE after it, who leaves does so with an exchange that fails when MORE is set.
 *  - A sender never waits for the role. The poller does, in poll() and not on a lock, and only for a sender that is inside a
 *    call that does not wait; a sender has a bound on what it sends for others.
 *  - The poller that closes claims the role and never leaves it again: from then on nobody sends, and those who were inside have left.
 *
 * All steps are read-modify-write operations on the one word, acquire and release, so each holder sees what the one before did. */
#ifndef SOCKET_ROLE_H
#define SOCKET_ROLE_H

#include <stdatomic.h>
#include <stdbool.h>

#define ROLE_HELD 1u
#define ROLE_MORE 2u
#define ROLE_WANTED 4u
#define ROLE_GIVEN 8u

struct role {
    atomic_uint word;
};

enum role_left { ROLE_LEFT, ROLE_LOOK_AGAIN, ROLE_GIVE };

/* Who has put a message. True: the caller has the role now. False: whoever has it will send the message, too. */
static inline bool role_enter(struct role *r)
{
    return !(atomic_fetch_or(&r->word, ROLE_HELD | ROLE_MORE) & ROLE_HELD);
}

/* The holder, before it looks at the queue. */
static inline void role_look(struct role *r)
{
    atomic_fetch_and(&r->word, ~ROLE_MORE);
}

/* The holder, when the queue was empty. ROLE_LEFT: it has the role no more. ROLE_GIVE: role_give(), and wake the poller. */
static inline enum role_left role_leave(struct role *r)
{
    unsigned int held = ROLE_HELD;

    if (atomic_compare_exchange_strong(&r->word, &held, 0))
        return ROLE_LEFT;
    return held & ROLE_WANTED ? ROLE_GIVE : ROLE_LOOK_AGAIN;
}

/* A sender that has the role, to the poller. It has it no more. */
static inline void role_give(struct role *r)
{
    atomic_fetch_or(&r->word, ROLE_GIVEN);
}

/* The poller, which has not got the role. insist: if it is held, the holder is to give it. */
static inline bool role_claim(struct role *r, bool insist)
{
    unsigned int was = atomic_fetch_or(&r->word, insist ? ROLE_HELD | ROLE_WANTED : ROLE_HELD);

    if ((was & ROLE_HELD) && !(was & ROLE_GIVEN))
        return false;
    atomic_fetch_and(&r->word, ~(ROLE_GIVEN | ROLE_WANTED));
    return true;
}

/* Has it been given to the poller? */
static inline bool role_given(struct role *r)
{
    return atomic_load(&r->word) & ROLE_GIVEN;
}

#endif
