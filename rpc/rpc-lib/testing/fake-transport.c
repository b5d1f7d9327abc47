/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fake-transport.c */
#include "config.h"

#include "fake-transport.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

struct sent {
    uint8_t *bytes;
    size_t len;
    struct msg *m; /* NULL: released */
};
struct transport {
    atomic_uint refs;
    const struct env *env;
    const struct transport_host *host;
    void *host_data;
    struct fake_peer peer;
    pthread_mutex_t lock; /* what follows; no callback is called under it */
    struct sent *sent;
    unsigned int nr_sent, nr_released;
    bool hold, down, admitted, disconnected;
    int disconnect_err, pauses;
    size_t queued;
    uint64_t bytes_in, bytes_out;
    struct record *coming; /* the test's thread: begun, and not all there */
};
struct transport_listener {
    const struct env *env;
    const struct transport_listen_host *host;
    void *host_data;
};
static struct transport_listener *the_listener; /* a test has one */
struct transport_dialer {
    const struct env *env;
};
static struct {                                 /* what was dialled last; the test's */
    struct transport *t;
    struct sockaddr_storage addr;
    socklen_t len;
    unsigned int dials;
    int fail;
} dialed;

/* ---- the program around ------------------------------------------------------------------------------------------------- */
void fake_env_init(struct fake_env *e, bool with_loop)
{
    memset(e, 0, sizeof(*e));
    e->env.bufs = iobuf_pool_new(0, &e->census);
    e->env.census = &e->census;
    e->env.loop = with_loop ? loop_new() : NULL;
}
void fake_env_done(struct fake_env *e)
{
    static const enum census_item items[] = {CENSUS_IOBUFS, CENSUS_RECORDS, CENSUS_MESSAGES, CENSUS_REQUESTS, CENSUS_CONNS};

    if (e->env.loop)
        loop_free(e->env.loop);
    for (size_t i = 0; i < array_len(items); i++)
        assert(counter_get(&e->census.now[items[i]]) == 0);
    iobuf_pool_free(e->env.bufs);
}

/* ---- what the service calls --------------------------------------------------------------------------------------------- */
static int fake_listen(const struct env *env, const struct transport_options *options, const struct transport_listen_host *host,
                       void *host_data, struct transport_listener **ret, struct err *err)
{
    if (the_listener)
        return err_set(err, -EADDRINUSE, "the fake transport has one listener, and it is in use");
    the_listener = calloc(1, sizeof(*the_listener));
    assert(the_listener);
    *the_listener = (struct transport_listener){.env = env, .host = host, .host_data = host_data};
    *ret = the_listener;
    return 0;
}
static int fake_port(struct transport_listener *l)
{
    return 49152;
}
static int fake_reconfigure(struct transport_listener *l, const struct transport_options *options, struct err *err)
{
    return 0;
}
static void fake_unlisten(struct transport_listener *l)
{
    assert(l == the_listener);
    free(the_listener);
    the_listener = NULL;
}

static struct transport *transport_new(const struct env *env)
{
    struct transport *t = calloc(1, sizeof(*t));

    assert(t);
    atomic_init(&t->refs, 2); /* the host's and the test's */
    t->env = env;
    pthread_mutex_init(&t->lock, NULL);
    counter_add(&t->env->census->now[CENSUS_CONNS], 1);
    return t;
}

static int fake_dialer(const struct env *env, const struct transport_options *options, struct transport_dialer **ret, struct err *err)
{
    *ret = calloc(1, sizeof(**ret));
    assert(*ret);
    (*ret)->env = env;
    return 0;
}
static int fake_dial(struct transport_dialer *d, const struct sockaddr *addr, socklen_t len, const struct transport_host *host,
                     void *host_data, struct transport **ret, struct err *err)
{
    dialed.dials++;
    memset(&dialed.addr, 0, sizeof(dialed.addr));
    if (addr)
        memcpy(&dialed.addr, addr, len);
    dialed.len = len;
    if (dialed.fail)
        return err_set(err, dialed.fail, "the test says so");
    assert(!dialed.t);
    dialed.t = *ret = transport_new(d->env);
    (*ret)->host = host;
    (*ret)->host_data = host_data;
    (*ret)->peer.text = "192.0.2.2:49152";
    return 0;
}
static void fake_undialer(struct transport_dialer *d)
{
    free(d);
}

static int fake_send(struct transport *t, struct msg *m)
{
    struct sent s = {.len = m->body.len, .m = m};
    bool now;

    pthread_mutex_lock(&t->lock);
    if (t->down) {
        pthread_mutex_unlock(&t->lock);
        return -ENOTCONN;
    }
    s.bytes = malloc(s.len ? s.len : 1);
    t->sent = realloc(t->sent, (t->nr_sent + 1) * sizeof(*t->sent));
    assert(s.bytes && t->sent);
    slicev_copy_out(&m->body, 0, s.bytes, s.len);
    t->sent[t->nr_sent++] = s;
    t->queued += s.len;
    t->bytes_out += s.len;
    counter_add(&t->env->census->now[CENSUS_MESSAGES], 1);
    now = !t->hold;
    pthread_mutex_unlock(&t->lock);
    if (now)
        fake_release(t, UINT32_MAX, 0);
    return 0;
}
static size_t fake_queued(struct transport *t)
{
    SCOPED_LOCK(&t->lock);
    return t->queued;
}
static void fake_admit(struct transport *t)
{
    SCOPED_LOCK(&t->lock);
    t->admitted = true;
}
static void fake_pause(struct transport *t)
{
    SCOPED_LOCK(&t->lock);
    t->pauses++;
}
static void fake_resume(struct transport *t)
{
    SCOPED_LOCK(&t->lock);
    t->pauses--;
}
static void fake_disconnect(struct transport *t, int err)
{
    SCOPED_LOCK(&t->lock);
    if (!t->disconnected)
        t->disconnect_err = err;
    t->disconnected = true;
}
static void fake_peer_of(struct transport *t, struct transport_peer *ret)
{
    *ret = (struct transport_peer){
        .text = t->peer.text, .addr = &t->peer.addr, .tls = t->peer.tls,
        .common_name = t->peer.common_name, .alt_names = t->peer.alt_names,
    };
}
static void fake_stats(struct transport *t, struct transport_stats *ret)
{
    SCOPED_LOCK(&t->lock);
    *ret = (struct transport_stats){
        .messages_out = t->nr_sent, .queued = t->queued, .bytes_in = t->bytes_in, .bytes_out = t->bytes_out};
    memcpy(ret->state, t->down ? "closed" : "up", t->down ? 7 : 3);
}
static void fake_ref(struct transport *t)
{
    atomic_fetch_add(&t->refs, 1);
}
static void fake_unref(struct transport *t)
{
    if (atomic_fetch_sub(&t->refs, 1) > 1)
        return;
    assert(t->down && t->queued == 0);
    for (unsigned int i = 0; i < t->nr_sent; i++)
        free(t->sent[i].bytes);
    free(t->sent);
    pthread_mutex_destroy(&t->lock);
    counter_add(&t->env->census->now[CENSUS_CONNS], -1);
    free(t);
}

const struct transport_type fake_transport = {
    .abi = TRANSPORT_ABI, .build_id = BUILD_ID, .name = "fake",
    .listen = fake_listen, .port = fake_port, .reconfigure = fake_reconfigure, .unlisten = fake_unlisten,
    .dialer = fake_dialer, .dial = fake_dial, .undialer = fake_undialer,
    .send = fake_send, .queued = fake_queued, .admit = fake_admit, .pause = fake_pause, .resume = fake_resume,
    .disconnect = fake_disconnect, .peer = fake_peer_of, .stats = fake_stats, .ref = fake_ref, .unref = fake_unref,
};

/* ---- what the test calls ------------------------------------------------------------------------------------------------ */
struct transport *fake_connect_early(const struct fake_peer *peer)
{
    struct transport *t;

    assert(the_listener);
    t = transport_new(the_listener->env);
    if (peer)
        t->peer = *peer;
    if (!t->peer.text)
        t->peer.text = "192.0.2.1:1023";
    if (t->peer.addr.ss_family == AF_UNSPEC) {
        struct sockaddr_in *in = (struct sockaddr_in *)&t->peer.addr;
        in->sin_family = AF_INET;
        in->sin_port = htons(1023);
        in->sin_addr.s_addr = htonl(0xc0000201);
    }
    if (the_listener->host->accepted(the_listener->host_data, &t->peer.addr, &t->host, &t->host_data) < 0) {
        t->down = true;
        fake_unref(t);
        fake_unref(t);
        return NULL;
    }
    the_listener->host->started(the_listener->host_data, t->host_data, t);
    return t;
}
void fake_up(struct transport *t)
{
    t->host->up(t->host_data);
}
struct transport *fake_connect(const struct fake_peer *peer)
{
    struct transport *t = fake_connect_early(peer);
    if (t)
        fake_up(t);
    return t;
}

struct transport *fake_dialed(void)
{
    struct transport *t = dialed.t;

    dialed.t = NULL;
    return t;
}
unsigned int fake_dials(struct sockaddr_storage *ret_addr)
{
    if (ret_addr)
        *ret_addr = dialed.addr;
    return dialed.dials;
}
void fake_dial_fails(int err)
{
    dialed.fail = err;
    if (!err)
        dialed.dials = 0;
}

static struct slice slice_copy(const struct env *env, const uint8_t *bytes, size_t len)
{
    struct slice s = slice_new(env->bufs, len);
    assert(s.buf || len == 0);
    if (len > 0)
        memcpy(s.at, bytes, len);
    return s;
}
/* Up to where the bulk begins, which has its place. NULL: it was refused. */
static struct record *begin(struct transport *t, const void *bytes, size_t len, size_t small, size_t step)
{
    const uint8_t *from = bytes;
    struct record *rec = calloc(1, sizeof(*rec));
    size_t head = len, have = min_of(step ? step : len, len);

    assert(rec);
    if (len > small) {
        /* Of what it is shown the last byte is the last of its allocation, so that a sanitizer sees a step too far. */
        for (;;) {
            uint8_t *shown = malloc(have ? have : 1);
            assert(shown);
            memcpy(shown, from, have);
            head = t->host->place(t->host_data, shown, have, len);
            free(shown);
            assert(head <= len);
            if (head > 0 || have == len)
                break;
            have = min_of(2 * have, len);
        }
        if (head == 0) { /* it cannot say although it has seen all: a real connection closes */
            free(rec);
            fake_disconnect(t, -EPROTO);
            return NULL;
        }
    }
    rec->census = t->env->census;
    counter_add(&t->env->census->now[CENSUS_RECORDS], 1);
    pthread_mutex_lock(&t->lock);
    t->bytes_in += len;
    pthread_mutex_unlock(&t->lock);
    rec->head = slice_copy(t->env, from, head);
    if (head == len || !t->host->land || !t->host->land(t->host_data, rec->head.at, head, len - head, &rec->bulk))
        for (size_t at = head; at < len; at += MiB) {
            int ret = slicev_add(&rec->bulk, slice_new(t->env->bufs, min_of((size_t)MiB, len - at)));
            assert(ret == 0);
            (void)ret;
        }
    assert(rec->bulk.len == len - head);
    return rec;
}
/* The first len bytes of the bulk. */
static void land(struct record *rec, const uint8_t *from, size_t len)
{
    for (unsigned int i = 0; i < rec->bulk.n && len > 0; i++) {
        const struct slice *s = &slicev_at(&rec->bulk)[i];
        size_t n = min_of(s->len, len);
        memcpy(s->at, from, n);
        from += n;
        len -= n;
    }
}
void fake_deliver_in_steps(struct transport *t, const void *bytes, size_t len, size_t small, size_t step)
{
    struct record *rec = begin(t, bytes, len, small, step);

    if (!rec)
        return;
    land(rec, (const uint8_t *)bytes + rec->head.len, rec->bulk.len);
    t->host->received(t->host_data, rec);
}
void fake_deliver_begin(struct transport *t, const void *bytes, size_t len, size_t n)
{
    t->coming = begin(t, bytes, len, 16 * KiB, 4 * KiB);
    assert(t->coming);
    land(t->coming, (const uint8_t *)bytes + t->coming->head.len, n);
}
void fake_deliver_end(struct transport *t, const void *bytes)
{
    struct record *rec = t->coming;

    t->coming = NULL;
    land(rec, (const uint8_t *)bytes + rec->head.len, rec->bulk.len);
    t->host->received(t->host_data, rec);
}
void fake_deliver(struct transport *t, const void *bytes, size_t len)
{
    fake_deliver_in_steps(t, bytes, len, 16 * KiB, 4 * KiB);
}

void fake_down(struct transport *t, int err)
{
    pthread_mutex_lock(&t->lock);
    assert(!t->down);
    t->down = true;
    pthread_mutex_unlock(&t->lock);
    fake_release(t, UINT32_MAX, err ? err : -ECONNRESET);
    record_free(t->coming);
    t->coming = NULL;
    t->host->down(t->host_data, err);
}
void fake_close(struct transport *t)
{
    if (!t->down)
        fake_down(t, 0);
    fake_unref(t);
}

const uint8_t *fake_sent(struct transport *t, unsigned int n, size_t *ret_len)
{
    SCOPED_LOCK(&t->lock);
    if (n >= t->nr_sent)
        return NULL;
    *ret_len = t->sent[n].len;
    return t->sent[n].bytes;
}
unsigned int fake_nr_sent(struct transport *t)
{
    SCOPED_LOCK(&t->lock);
    return t->nr_sent;
}
void fake_hold(struct transport *t, bool hold)
{
    SCOPED_LOCK(&t->lock);
    t->hold = hold;
}
unsigned int fake_release(struct transport *t, unsigned int max, int err)
{
    unsigned int n = 0;

    fake_ref(t);
    while (n < max) {
        struct msg *m = NULL;

        pthread_mutex_lock(&t->lock);
        if (t->nr_released < t->nr_sent) {
            struct sent *s = &t->sent[t->nr_released++];
            m = s->m;
            s->m = NULL;
            t->queued -= s->len;
        }
        pthread_mutex_unlock(&t->lock);
        if (!m)
            break;
        counter_add(&t->env->census->now[CENSUS_MESSAGES], -1);
        t->host->released(t->host_data, m, err);
        n++;
    }
    fake_unref(t);
    return n;
}

int fake_pauses(struct transport *t)
{
    SCOPED_LOCK(&t->lock);
    return t->pauses;
}
bool fake_admitted(struct transport *t)
{
    SCOPED_LOCK(&t->lock);
    return t->admitted;
}
bool fake_disconnected(struct transport *t, int *ret_err)
{
    SCOPED_LOCK(&t->lock);
    if (ret_err)
        *ret_err = t->disconnect_err;
    return t->disconnected;
}
