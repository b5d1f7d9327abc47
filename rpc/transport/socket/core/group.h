/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* group.h: connections that share bounds: how many there are, and how many bytes all of them have queued.
 *
 * Owners   Refcounted: one reference is the listener's, one each member's.
 * Lock     One mutex over the members' list; taken when a connection is born, when it ends, and when the bound is passed.
 *          Nothing but conn_ref() and conn_disconnect() of a member is called under it. */
#ifndef SOCKET_GROUP_H
#define SOCKET_GROUP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct conn;
struct group;

struct group_member {
    struct group_member *next, **back; /* back NULL: not in a group */
    struct conn *conn;
};

struct group *group_new(size_t queued_max); /* 0: no limit */
struct group *group_ref(struct group *g);
void group_unref(struct group *g);
void group_set_queued_max(struct group *g, size_t bytes);
void group_join(struct group *g, struct group_member *m, struct conn *c);
void group_leave(struct group *g, struct group_member *m);
/* Own threads: at most so many run (0: no limit), the other members are served by the loop. */
void group_set_threads_max(struct group *g, unsigned int max);
bool group_thread_comes(struct group *g); /* false: there are enough */
void group_thread_left(struct group *g);
/* The certificates' files have changed: the connection of each member that would not be let in any more ends. Any thread that has
 * a deep stack. 0, or -ENOMEM: not all could be looked at. */
int group_check_proofs(struct group *g);
unsigned int group_count(struct group *g);
size_t group_queued(struct group *g);
/* n more bytes are queued, by any thread. Above the bound the member that has most is disconnected with -ENOBUFS. */
void group_queue(struct group *g, size_t n);
void group_unqueue(struct group *g, size_t n);

#endif
