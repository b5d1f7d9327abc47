/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rpc-client.c: when and where a client connects, and for how long it waits. All of it happens on the event loop:
 *
 *     IDLE --start--> LOOKUP --addresses--> CONNECTING --up--> UP
 *                        ^                    |  ^ |            |
 *                        |          down: next address |        |
 *                      timer                    |  `---'      down
 *                        |                      v               |
 *                      PAUSE <--- the last address failed <-----'        (asked to come back now: LOOKUP without a pause)
 *
 *     any --stop--> STOPPED, once the link of the moment is down
 *
 * Other threads leave a note in `wants` and post turn(). */
#include "rpc-client.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "client-impl.h"
#include "clock.h"
#include "dump.h"

#define FRAME_TIMEOUT_S 1800
#define CONNECT_MS 10000
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 3000
#define TICK_MS 1000

static void turn(struct loop_work *w);
static void pause_over(struct timer *t);
static void connect_late(struct timer *t);
static void tick(struct timer *t);
static void ping_done(struct rpc_call *call, struct rpc_reply *reply);
static void attempt(struct rpc_client *c);

/* ---- life --------------------------------------------------------------------------------------------------------------- */
struct rpc_client *rpc_client_new(const struct env *env, const struct rpc_client_conf *conf, const struct rpc_client_host *host,
                                  void *host_data)
{
    struct rpc_client *c = aligned_alloc(64, (sizeof(*c) + 63) / 64 * 64);

    if (!c)
        return NULL;
    memset(c, 0, sizeof(*c));
    c->env = *env;
    c->host = *host;
    c->host_data = host_data;
    c->name = strdup(conf->name);
    c->pool = conf->pool;
    c->nr_callbacks = conf->nr_callbacks;
    c->callbacks = calloc(conf->nr_callbacks + 1, sizeof(*c->callbacks));
    pthread_mutex_init(&c->lock, NULL);
    for (unsigned int i = 0; i < CALL_SHARDS; i++)
        call_table_init(&c->shards[i]);
    if (!c->name || !c->callbacks) {
        rpc_client_free(c);
        return NULL;
    }
    if (conf->nr_callbacks > 0)
        memcpy(c->callbacks, conf->callbacks, conf->nr_callbacks * sizeof(*c->callbacks));
    c->connect_ms = conf->connect_ms ? conf->connect_ms : CONNECT_MS;
    c->retry_min_ms = conf->retry_min_ms ? conf->retry_min_ms : RETRY_MIN_MS;
    c->retry_max_ms = max_of(conf->retry_max_ms ? conf->retry_max_ms : RETRY_MAX_MS, c->retry_min_ms);
    rpc_client_set_timeouts(c, conf->frame_timeout_s, conf->ping_timeout_s);
    c->turn.run = turn;
    c->pause.expired = pause_over;
    c->connect.expired = connect_late;
    c->tick.expired = tick;
    c->ping.client = c;
    c->ping.call = (struct rpc_call){.done = ping_done, .flags = RPC_EARLY, .timeout_ms = UINT_MAX};
    return c;
}

void rpc_client_free(struct rpc_client *c)
{
    if (!c)
        return;
    assert(!c->link && (c->state == CLIENT_IDLE || c->state == CLIENT_STOPPED));
    for (unsigned int i = 0; i < CALL_SHARDS; i++)
        call_table_done(&c->shards[i]);
    rpc_dialer_unref(c->dialer);
    pthread_mutex_destroy(&c->lock);
    free(c->target);
    free(c->callbacks);
    free(c->name);
    free(c);
}

/* ---- what others ask for ------------------------------------------------------------------------------------------------ */
void client_want(struct rpc_client *c, unsigned int what)
{
    if (atomic_fetch_or(&c->wants, what) == 0)
        loop_post(c->env.loop, &c->turn);
}

int rpc_client_aim(struct rpc_client *c, const char *name, uint16_t port, struct rpc_dialer *d)
{
    char *copy = name ? strdup(name) : NULL;
    struct rpc_dialer *before;

    if (name && !copy)
        return -ENOMEM;
    rpc_dialer_ref(d);
    pthread_mutex_lock(&c->lock);
    free(c->target);
    c->target = copy;
    c->port = port;
    before = c->dialer;
    c->dialer = d;
    pthread_mutex_unlock(&c->lock);
    rpc_dialer_unref(before);
    return 0;
}

void rpc_client_start(struct rpc_client *c)
{
    client_want(c, WANT_START);
}

void rpc_client_stop(struct rpc_client *c)
{
    if (!atomic_exchange(&c->stopping, true))
        client_want(c, WANT_STOP);
}

/* Tells the transport, or leaves a note for whoever is just dialling. */
static void give_up(struct rpc_client *c, int err, bool now)
{
    struct rpc_link *l;
    bool told;

    pthread_mutex_lock(&c->lock);
    c->now |= now;
    l = c->link;
    told = l && l->t;
    if (l && !told) {
        c->give_up = true;
        c->give_up_err = err;
    }
    if (told)
        link_ref(l);
    pthread_mutex_unlock(&c->lock);
    if (told) {
        l->dialer->type->disconnect(l->t, err);
        link_unref(l);
    }
}

void rpc_client_reconnect(struct rpc_client *c, int err)
{
    give_up(c, err, true);
    if (!atomic_load(&c->stopping)) /* its last work may be posted already */
        client_want(c, WANT_NOW);
}

void rpc_client_disconnect(struct rpc_client *c, int err)
{
    give_up(c, err, false);
}

void rpc_client_ready(struct rpc_client *c, uint32_t link)
{
    bool good = false;

    for (unsigned int i = 0; i < CALL_SHARDS; i++) {
        struct call_table *t = &c->shards[i];

        SCOPED_LOCK(&t->lock);
        if (t->link && t->link->number == link)
            good = t->ready = true;
    }
    if (good)
        atomic_store_explicit(&c->welcome, true, memory_order_relaxed);
}

uint32_t rpc_client_link(struct rpc_client *c)
{
    SCOPED_LOCK(&c->shards[0].lock);
    return c->shards[0].link ? c->shards[0].link->number : 0;
}

void rpc_client_set_timeouts(struct rpc_client *c, unsigned int frame_timeout_s, unsigned int ping_timeout_s)
{
    unsigned int frame = frame_timeout_s ? frame_timeout_s : FRAME_TIMEOUT_S;

    atomic_store_explicit(&c->frame_ms, frame > UINT_MAX / 1000 ? UINT_MAX : frame * 1000, memory_order_relaxed);
    atomic_store_explicit(&c->ping_ms, ping_timeout_s > UINT_MAX / 1000 ? 0 : ping_timeout_s * 1000, memory_order_relaxed);
}

/* ---- connecting --------------------------------------------------------------------------------------------------------- */
static void set_state(struct rpc_client *c, enum client_state s)
{
    atomic_store_explicit(&c->state, s, memory_order_relaxed); /* others only show it */
}

static void finish(struct rpc_client *c)
{
    struct loop *loop = c->env.loop;

    lookup_forget(c->lookup);
    c->lookup = NULL;
    loop_disarm(loop, &c->pause);
    loop_disarm(loop, &c->connect);
    loop_disarm(loop, &c->tick);
    set_state(c, CLIENT_STOPPED);
    c->host.stopped(c->host_data); /* it may be freed */
}

static void arm(struct rpc_client *c, struct timer *t, unsigned int in_ms)
{
    if (loop_arm(c->env.loop, t, in_ms) < 0)
        t->expired(t); /* no memory for its place: too early is better than never */
}

/* The pause before the next attempt: somewhere between half and all of a length that doubles, so that those whom one failure
 * has thrown out do not all come back at once. */
static void rest(struct rpc_client *c)
{
    unsigned int len, chance = 0;
    bool now;

    pthread_mutex_lock(&c->lock);
    now = c->now;
    c->now = false;
    pthread_mutex_unlock(&c->lock);
    set_state(c, CLIENT_PAUSE);
    if (now) {
        arm(c, &c->pause, 0); /* not here: it could fail at once, and so on */
        return;
    }
    if (atomic_exchange_explicit(&c->welcome, false, memory_order_relaxed) || c->retry_ms == 0)
        c->retry_ms = c->retry_min_ms;
    len = c->retry_ms;
    c->retry_ms = min_of(2 * len, c->retry_max_ms);
    if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
        chance = (unsigned int)clock_ns();
    arm(c, &c->pause, len - chance % (len / 2 + 1));
}

static void pause_over(struct timer *t)
{
    attempt(container_of(t, struct rpc_client, pause));
}

/* An attempt or a connection is over. */
static void report_down(struct rpc_client *c, bool was_up, int err, const char *why)
{
    if (was_up || err != c->said_err)
        log_info(RPC_CLIENT_LOG, "%s: %s%s%s", c->name, was_up ? "connection ended" : "cannot connect", why[0] ? ": " : "", why);
    c->said_err = err;
    set_state(c, CLIENT_PAUSE);
    c->host.down(c->host_data, was_up, err);
    rest(c);
}

static void drop_link(struct rpc_client *c)
{
    struct rpc_link *l = c->link;

    pthread_mutex_lock(&c->lock);
    c->link = NULL;
    c->give_up = false;
    pthread_mutex_unlock(&c->lock);
    link_unref(l);
}

/* Dials the next address; when none is left the attempt has failed. */
static void next_address(struct rpc_client *c, int err, const char *why)
{
    struct err e = {""};

    while (c->next_address < c->addresses.n || (c->addresses.n == 0 && c->next_address == 0)) {
        const struct address *a = c->addresses.n ? &c->addresses.list[c->next_address] : NULL;
        struct rpc_dialer *d;
        struct rpc_link *l;
        bool give_up;
        int give_up_err;

        c->next_address++;
        counter_add(&c->attempts, 1);
        pthread_mutex_lock(&c->lock);
        d = rpc_dialer_ref(c->dialer);
        pthread_mutex_unlock(&c->lock);
        if (++c->links_made == 0)
            c->links_made = 1;
        l = link_new(c, d, c->links_made);
        rpc_dialer_unref(d);
        if (!l) {
            err = -ENOMEM;
            why = "no memory";
            continue;
        }
        pthread_mutex_lock(&c->lock);
        c->link = l;
        pthread_mutex_unlock(&c->lock);
        set_state(c, CLIENT_CONNECTING);
        e.text[0] = 0;
        err = link_dial(l, a, &e);
        if (err < 0) {
            why = e.text;
            drop_link(c);
            continue;
        }
        arm(c, &c->connect, c->connect_ms);
        pthread_mutex_lock(&c->lock);
        give_up = c->give_up;
        give_up_err = c->give_up_err;
        c->give_up = false;
        pthread_mutex_unlock(&c->lock);
        if (give_up || atomic_load(&c->stopping))
            l->dialer->type->disconnect(l->t, give_up ? give_up_err : -ECANCELED);
        return;
    }
    report_down(c, false, err, why);
}

static void found(void *ctx, const struct addresses *a)
{
    struct rpc_client *c = ctx;

    c->lookup = NULL;
    c->addresses = *a;
    c->next_address = 0;
    if (a->n == 0) {
        report_down(c, false, a->err ? a->err : -EHOSTUNREACH, a->text);
        return;
    }
    next_address(c, -EHOSTUNREACH, "");
}

static void attempt(struct rpc_client *c)
{
    struct rpc_dialer *d;
    char *target = NULL;
    uint16_t port;
    bool path;

    if (atomic_load(&c->stopping))
        return; /* the stop is under way */
    pthread_mutex_lock(&c->lock);
    assert(c->dialer && !c->link);
    d = rpc_dialer_ref(c->dialer);
    path = !c->target;
    if (c->target)
        target = strdup(c->target);
    port = c->port;
    c->now = false;
    pthread_mutex_unlock(&c->lock);

    c->addresses.n = c->next_address = 0;
    if (path) {
        next_address(c, 0, "");
    } else if (!target) {
        report_down(c, false, -ENOMEM, "no memory");
    } else if (lookup_numeric(target, port, d->family, &c->addresses) == 0) {
        next_address(c, 0, "");
    } else {
        set_state(c, CLIENT_LOOKUP);
        c->lookup = lookup_start(&c->env, c->pool, target, port, d->family, found, c);
        if (!c->lookup)
            report_down(c, false, -ENOMEM, "no memory");
    }
    free(target);
    rpc_dialer_unref(d);
}

static void connect_late(struct timer *t)
{
    struct rpc_client *c = container_of(t, struct rpc_client, connect);

    if (c->link)
        c->link->dialer->type->disconnect(c->link->t, -ETIMEDOUT);
}

static void log_up(const struct rpc_client *c, struct rpc_link *l)
{
    struct transport_peer peer;
    char who[512];

    if (log_get_level() < LVL_DEBUG)
        return;
    l->dialer->type->peer(l->t, &peer);
    transport_describe(&peer, who, sizeof(who));
    log_debug(RPC_CLIENT_LOG, "%s: connected: %s", c->name, who);
}

void client_link_up(struct rpc_client *c, struct rpc_link *l)
{
    loop_disarm(c->env.loop, &c->connect);
    if (atomic_load(&c->stopping) || !link_open(l))
        return; /* down follows */
    l->opened = true;
    set_state(c, CLIENT_UP);
    counter_add(&c->connections, 1);
    c->said_err = 0;
    log_up(c, l);
    c->host.up(c->host_data);
}

void client_link_down(struct rpc_client *c, struct rpc_link *l)
{
    bool was_up = l->opened;
    int err = l->down_err;

    loop_disarm(c->env.loop, &c->connect);
    drop_link(c);
    if (atomic_load(&c->stopping)) {
        if (was_up)
            c->host.down(c->host_data, true, -ECANCELED);
        finish(c);
    } else if (was_up) {
        report_down(c, true, err, err ? strerror(-err) : "");
    } else {
        bool now;

        pthread_mutex_lock(&c->lock);
        now = c->now; /* somebody wants another target */
        pthread_mutex_unlock(&c->lock);
        if (now)
            c->next_address = max_of(c->addresses.n, 1u);
        next_address(c, err, err ? strerror(-err) : "");
    }
}

/* ---- time-outs ---------------------------------------------------------------------------------------------------------- */
static void expire(struct rpc_client *c)
{
    uint64_t now = clock_ms();
    struct rpc_call *late[64];
    bool held = false;

    for (unsigned int i = 0; i < CALL_SHARDS; i++) {
        uint32_t at = 0;
        unsigned int n;

        do {
            pthread_mutex_lock(&c->shards[i].lock);
            n = call_table_expire(&c->shards[i], now, &at, late, array_len(late), &held);
            pthread_mutex_unlock(&c->shards[i].lock);
            counter_add(&c->timed_out, n);
            for (unsigned int k = 0; k < n; k++)
                call_fail(c, late[k], -ETIMEDOUT);
        } while (n == array_len(late));
    }
    if (held) { /* a reply that has begun and does not end: what it lands in is given back only when the connection is no more */
        log_warning(RPC_CLIENT_LOG, "%s: closed: an answer began and did not end in time", c->name);
        rpc_client_disconnect(c, -ETIMEDOUT);
    }
}

static void ping_done(struct rpc_call *call, struct rpc_reply *reply)
{
    struct rpc_client *c = container_of(call, struct rpc_client, ping.call);

    /* Release pairs with the acquire in watch_peer(), which uses the call again. */
    atomic_store_explicit(&c->ping.under_way, false, memory_order_release);
}

static void send_ping(struct rpc_client *c, struct rpc_link *l)
{
    static const struct rpc_caller nobody = {.flavor = RPC_AUTH_GLUSTER_V2};

    c->ping.call.link = l->number;
    if (rpc_call_make(&c->ping.call, DUMP_PROGRAM, DUMP_VERSION, DUMP_PING, &nobody, NULL, NULL) < 0)
        return; /* the next tick tries again */
    c->ping.sent_ms = clock_ms();
    atomic_store_explicit(&c->ping.under_way, true, memory_order_relaxed); /* only we look before the send orders it */
    if (call_send(c, &c->ping.call, true) < 0)
        atomic_store_explicit(&c->ping.under_way, false, memory_order_relaxed);
    else
        counter_add(&c->pings, 1);
}

/* A peer that is there moves bytes: it sends, or it takes what we send. */
static void watch_peer(struct rpc_client *c, struct rpc_link *l)
{
    unsigned int ping_ms = atomic_load_explicit(&c->ping_ms, memory_order_relaxed);
    struct transport_stats s;
    uint64_t now = clock_ms(), silent;

    l->dialer->type->stats(l->t, &s);
    if (c->moved != s.bytes_in + s.bytes_out || c->moved_link != l->number) {
        c->moved = s.bytes_in + s.bytes_out;
        c->moved_link = l->number;
        c->moved_ms = now;
    }
    if (ping_ms == 0)
        return;
    silent = now - c->moved_ms;
    if (!atomic_load_explicit(&c->ping.under_way, memory_order_acquire)) {
        if (silent >= ping_ms / 2)
            send_ping(c, l);
    } else if (silent >= ping_ms && now - c->ping.sent_ms >= ping_ms / 2) {
        log_warning(RPC_CLIENT_LOG, "%s: closed: nothing was heard for %llu s, and a ping was not answered", c->name,
                    (unsigned long long)silent / 1000);
        l->dialer->type->disconnect(l->t, -ETIMEDOUT);
    }
}

static void arm_tick(struct rpc_client *c)
{
    unsigned int ping_ms = atomic_load_explicit(&c->ping_ms, memory_order_relaxed);

    if (loop_arm(c->env.loop, &c->tick, ping_ms ? min_of((unsigned int)TICK_MS, ping_ms / 4) : TICK_MS) == 0)
        return;
    for (unsigned int i = 0; i < CALL_SHARDS; i++) { /* no memory: the next call asks for it again */
        SCOPED_LOCK(&c->shards[i].lock);
        c->shards[i].watched = false;
    }
}

/* Once a second while calls are under way. */
static void tick(struct timer *t)
{
    struct rpc_client *c = container_of(t, struct rpc_client, tick);
    bool more = false;

    if (atomic_load(&c->stopping))
        return;
    expire(c);
    if (c->link && c->link->opened)
        watch_peer(c, c->link);
    for (unsigned int i = 0; i < CALL_SHARDS; i++) {
        struct call_table *s = &c->shards[i];

        SCOPED_LOCK(&s->lock);
        s->watched = s->watched && s->in_flight > 0;
        more |= s->watched;
    }
    if (more)
        arm_tick(c);
}

static void begin_ticking(struct rpc_client *c)
{
    if (c->tick.slot)
        return; /* armed */
    c->moved_link = 0; /* silence counts from now */
    if (c->link && c->link->opened)
        watch_peer(c, c->link);
    arm_tick(c);
}

/* ---- the loop's part of what others ask for ------------------------------------------------------------------------------- */
static void stop(struct rpc_client *c)
{
    if (c->link)
        c->link->dialer->type->disconnect(c->link->t, 0); /* its down() ends it */
    else
        finish(c);
}

static void turn(struct loop_work *w)
{
    struct rpc_client *c = container_of(w, struct rpc_client, turn);
    unsigned int wants = atomic_exchange(&c->wants, 0);

    if (wants & WANT_STOP) {
        stop(c);
        return;
    }
    if (atomic_load(&c->stopping))
        return;
    if ((wants & WANT_START) && c->state == CLIENT_IDLE)
        attempt(c);
    if ((wants & WANT_NOW) && c->state == CLIENT_PAUSE) {
        loop_disarm(c->env.loop, &c->pause);
        attempt(c);
    }
    if (wants & WANT_TICK)
        begin_ticking(c);
}

/* ---- statistics --------------------------------------------------------------------------------------------------------- */
void rpc_client_stats(struct rpc_client *c, struct rpc_client_stats *ret)
{
    static const char *const states[] = {"idle", "pause", "lookup", "connecting", "up", "stopped"};
    struct rpc_link *l;

    *ret = (struct rpc_client_stats){
        .answered = counter_get(&c->answered), .timed_out = counter_get(&c->timed_out), .late = counter_get(&c->late),
        .forged = counter_get(&c->forged), .refused = counter_get(&c->refused), .attempts = counter_get(&c->attempts),
        .connections = counter_get(&c->connections), .pings = counter_get(&c->pings),
    };
    strcpy(ret->state, states[atomic_load_explicit(&c->state, memory_order_relaxed)]);
    for (unsigned int i = 0; i < CALL_SHARDS; i++) {
        SCOPED_LOCK(&c->shards[i].lock);
        ret->sent += c->shards[i].puts;
        ret->in_flight += c->shards[i].in_flight;
        ret->abandoned += c->shards[i].abandoned;
    }
    pthread_mutex_lock(&c->lock);
    l = c->link && c->link->t ? c->link : NULL;
    if (l)
        link_ref(l);
    pthread_mutex_unlock(&c->lock);
    if (l) {
        struct transport_peer peer;

        l->dialer->type->peer(l->t, &peer);
        snprintf(ret->peer, sizeof(ret->peer), "%s", peer.text);
        l->dialer->type->stats(l->t, &ret->transport);
        ret->waiting = atomic_load(&l->nr_waiting);
        link_unref(l);
    }
}

/* ---- dialers ------------------------------------------------------------------------------------------------------------ */
int rpc_dialer_new(const struct env *env, const struct transport_type *type, const struct transport_options *options,
                   struct rpc_dialer **ret, struct err *err)
{
    const char *family = options ? options->get(options, "transport.address-family") : NULL;
    struct rpc_dialer *d = calloc(1, sizeof(*d));
    int r;

    if (!d)
        return err_set(err, -ENOMEM, "no memory for a connection");
    atomic_init(&d->refs, 1);
    d->type = type;
    d->family = !family ? AF_UNSPEC : strcmp(family, "inet") == 0 ? AF_INET : strcmp(family, "inet6") == 0 ? AF_INET6 : AF_UNSPEC;
    r = type->dialer(env, options, &d->d, err);
    if (r < 0) {
        free(d);
        return r;
    }
    *ret = d;
    return 0;
}

struct rpc_dialer *rpc_dialer_ref(struct rpc_dialer *d)
{
    atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
    return d;
}

const void *rpc_dialer_values(const struct rpc_dialer *d)
{
    return d->type->dialer_values ? d->type->dialer_values(d->d) : NULL;
}

void rpc_dialer_unref(struct rpc_dialer *d)
{
    /* As in link_unref(). */
    if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) > 1)
        return;
    d->type->undialer(d->d);
    free(d);
}
