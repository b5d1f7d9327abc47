/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fake-transport.h: a transport that a test drives with bytes: no sockets, no threads of its own, no time.
 *
 * The test makes connections, delivers records and reads what was sent. Each call runs to its end on the calling thread, as
 * if that were the connection's poller. Sending may come from any thread. */
#ifndef FAKE_TRANSPORT_H
#define FAKE_TRANSPORT_H

#include "transport.h"

extern const struct transport_type fake_transport; /* for rpc_service_listen(); options are not read */

/* The program around it: buffers, census, and (with_loop) an event loop that the test runs. */
struct fake_env {
    struct census census;
    struct env env;
};
void fake_env_init(struct fake_env *e, bool with_loop);
void fake_env_done(struct fake_env *e); /* asserts that buffers, records, messages and requests are back at zero */

/* How the next connections look. Constant while they live; zero: a plain peer at "192.0.2.1:1023". */
struct fake_peer {
    const char *text;
    struct sockaddr_storage addr;
    bool tls;
    const char *common_name;
    char *const *alt_names;
};

struct transport *fake_connect(const struct fake_peer *peer); /* to the one listener there is; up() has come */
struct transport *fake_connect_early(const struct fake_peer *peer); /* accepted, up() has not come */
void fake_up(struct transport *t);
/* The other end: what a client has dialled. NULL: nothing since the last call. It is the test's, as from fake_connect_early(). */
struct transport *fake_dialed(void);
unsigned int fake_dials(struct sockaddr_storage *ret_addr); /* how often, and whereto the last time (family 0: a path) */
void fake_dial_fails(int err);                              /* the next dials; 0: they succeed, and count from 0 again */
/* One record, without its mark. As on a real connection one that is longer than small is asked about with place() first, shown
 * at most step bytes more each time (0: all at once), and its bulk lands in pieces. */
void fake_deliver(struct transport *t, const void *bytes, size_t len);
void fake_deliver_in_steps(struct transport *t, const void *bytes, size_t len, size_t small, size_t step);
/* The same of a long record whose head and first n bytes of bulk come now. The rest comes with the second call, or never. */
void fake_deliver_begin(struct transport *t, const void *bytes, size_t len, size_t n);
void fake_deliver_end(struct transport *t, const void *bytes);
void fake_down(struct transport *t, int err);             /* down() has come; the test still holds t */
void fake_close(struct transport *t);                     /* fake_down() unless it came already, and lets go of t */

/* What was sent: the n-th record, without mark. NULL: not so many. Valid until fake_close(). */
const uint8_t *fake_sent(struct transport *t, unsigned int n, size_t *ret_len);
unsigned int fake_nr_sent(struct transport *t);
/* true: what is sent stays queued until fake_release(); false (the start): released() comes inside send(). */
void fake_hold(struct transport *t, bool hold);
unsigned int fake_release(struct transport *t, unsigned int max, int err); /* released() for up to max of them, in order */

int fake_pauses(struct transport *t);      /* pause() minus resume() */
bool fake_admitted(struct transport *t);
bool fake_disconnected(struct transport *t, int *ret_err); /* asked for by the host; the test then calls fake_down() */

#endif
