/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* hosts.h: the host names of auth.addr.* and their addresses, looked up on a worker and remembered.
 *
 * Names come from the volume file, never from a peer: HOSTS_MAX of them at most. All are looked up together, by one worker, when
 * somebody asks and the last answers are older than HOSTS_FRESH_MS (HOSTS_RETRY_MS when one had failed). A name whose look-up
 * fails keeps the addresses it had before; one that never had any is nobody's.
 *
 * Threads  Any; nothing waits. A waiter's ready() runs on a worker, without a lock. hosts_has() may be called under the server's lock. */
#ifndef SERVER_HOSTS_H
#define SERVER_HOSTS_H

#include "options.h"

#define HOSTS_MAX 256
#define HOSTS_ADDRS_MAX 16          /* addresses of one name; more are not looked at */
#define HOSTS_FRESH_MS 60000
#define HOSTS_RETRY_MS 10000

struct hosts;
struct pool;

/* Addresses of a name as IPv6, IPv4 ones mapped; how many, or -errno. May take its time. */
typedef int (*hosts_look_up_fn)(const char *name, uint8_t ret[HOSTS_ADDRS_MAX][16]);
int hosts_resolve(const char *name, uint8_t ret[HOSTS_ADDRS_MAX][16]); /* the real one */

struct hosts *hosts_new(struct pool *pool, hosts_look_up_fn look_up); /* NULL: no memory */
void hosts_free(struct hosts *h);                                     /* nobody waits any more */

/* From now on these names count; what is known of those that were there before stays known. -E2BIG, -ENOMEM: nothing has changed. */
int hosts_set(struct hosts *h, char *const *names, unsigned int n);

struct hosts_waiter {
    struct hosts_waiter *next;
    void (*ready)(struct hosts_waiter *w);
};
/* True: what is known is fresh, or there are no names. False: ready() will be called. */
bool hosts_ready(struct hosts *h, struct hosts_waiter *w);
bool hosts_has(struct hosts *h, const char *name, const uint8_t addr[16]); /* is this one of the name's addresses? */

#endif
