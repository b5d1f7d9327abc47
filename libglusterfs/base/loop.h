/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* loop.h: the event loop: descriptors, timers, posted work. One thread, which is whoever is in loop_run().
 *
 * Never on it: blocking disk access, name resolution, waiting for anything but the loop itself (design section 3).
 *
 * Threads  loop_post() and loop_stop() are for any thread. All other calls are for the loop's thread, or for whoever owns
 *          the loop before it runs and after it has returned. Callbacks run on the loop's thread with no lock held. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "handover.h"

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *l);  /* what is still watched or armed is forgotten, posted work has run */
int loop_run(struct loop *l);    /* until loop_stop(); 0 or a negative errno */
void loop_stop(struct loop *l);
bool loop_on_thread(struct loop *l);

/* A descriptor under watch; level-triggered. events: EPOLLIN, EPOLLOUT, EPOLLRDHUP. Embedded in its owner. */
struct watch {
    int fd;
    uint32_t events;
    void (*ready)(struct watch *w, uint32_t events);
};
int loop_watch(struct loop *l, struct watch *w);
int loop_rewatch(struct loop *l, struct watch *w, uint32_t events);
void loop_unwatch(struct loop *l, struct watch *w); /* no ready() after it, also not one of the same wake-up */

/* A timer; one shot, may be armed again from its own expired(). Zero-initialised is not armed. Embedded in its owner. */
struct timer {
    uint64_t due_ms;
    unsigned int slot; /* loop's: place in the heap + 1, 0: not armed */
    void (*expired)(struct timer *t);
};
int loop_arm(struct loop *l, struct timer *t, uint64_t in_ms); /* moves it when armed already; -ENOMEM */
void loop_disarm(struct loop *l, struct timer *t);

/* Work handed to the loop's thread; runs once, in order of posting. Embedded in its owner. */
struct loop_work {
    struct handover_node node;
    void (*run)(struct loop_work *w);
};
void loop_post(struct loop *l, struct loop_work *w);

#endif
