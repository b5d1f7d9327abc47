/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fixture.h: a loop on a thread, buffers, a reaper and certificates; and an end: a host that counts what a connection says
 * and finds when it says too much. */
#ifndef TESTING_FIXTURE_H
#define TESTING_FIXTURE_H

#include <pthread.h>

#include "core/conn.h"
#include "core/tls.h"
#include "testing/pki.h"

struct fixture {
    struct census census;
    struct env env;
    pthread_t loop_thread;
    char dir[64];              /* our files; removed at the end */
    struct pki_ca *ca;
    struct tls_config *server, *client; /* certificates server.pem and client.pem of ca */
};
void fixture_init(struct fixture *f);
void fixture_done(struct fixture *f); /* asserts that nothing of what is counted is left */
void fixture_expect_nothing_left(struct fixture *f); /* waits for it */
struct tls_config *fixture_tls(struct fixture *f, const char *name, const char *ca, const char *crl); /* files in dir */
struct conn_conf fixture_conf(bool own_thread);
const char *fixture_log(void); /* all that was logged since fixture_log_clear() */
void fixture_log_clear(void);
void fixture_remove_files(const char *dir); /* and itself */

/* What a connection told. Everything below lock is guarded by it. */
struct end {
    struct fixture *f;
    struct conn *conn;
    bool echo;                 /* send back what comes; constant while the connection lives */
    size_t bulk_from;          /* place(): where the bulk begins; 0: all is head */
    void (*on_record)(struct end *e, struct record *rec); /* called before counting, without the lock; or NULL */
    void (*on_up)(struct end *e);
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned int ups, downs, records, sent, not_sent, after_down, busy;
    int down_err;
    uint64_t bytes, sum;       /* of records */
};
extern const struct conn_host end_host;
void end_init(struct end *e, struct fixture *f);
void end_done(struct end *e);  /* drops the reference */
int end_send(struct end *e, const void *bytes, size_t len); /* one message */
int end_send_filled(struct end *e, size_t len, unsigned int seed);
/* Waits until the expression holds; a guard fails the test after a minute. */
#define end_until(e, expr)                                              \
    do {                                                                \
        pthread_mutex_lock(&(e)->lock);                                 \
        while (!(expr))                                                 \
            end_wait_locked((e), #expr, __FILE__, __LINE__);            \
        pthread_mutex_unlock(&(e)->lock);                               \
    } while (0)
void end_wait_locked(struct end *e, const char *what, const char *file, int line);

/* Two ends of one socketpair. tls: both speak it. small: 4 KiB socket buffers. */
void pair_up(struct end *a, struct end *b, const struct conn_conf *conf, bool tls, bool small);
/* The same in two steps: what is to be changed of the connections is changed between them. */
void pair_new(struct end *a, struct end *b, const struct conn_conf *conf, bool tls, bool small);
void pair_begin(struct end *a, struct end *b);
void pair_down(struct end *a, struct end *b); /* waits until both have heard down() */
void socket_pair(int fds[2], bool small);

#endif
