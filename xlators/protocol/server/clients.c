/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* clients.c: who is connected. Connections whose SETVOLUME named the same process-uuid with the same credential are one client:
 * they share its descriptors and locks, and it ends with the last of them. A reconnect brings a new uuid and is a new client.
 *
 * The key also has the brick, the mounted directory and whether a user name was proven, so that nobody becomes trusted, or sees
 * more of the brick, by naming the uuid of one who may. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "server.h"

#define PROCESS_NAME_MAX 255

static bool same_root(const struct server_client *sc, const struct server_peer *who)
{
    if (!sc->subdir || !who->subdir)
        return sc->subdir == who->subdir;
    return strcmp(sc->subdir, who->subdir) == 0 && gfid_equal(sc->root.gfid, who->root.gfid);
}

static bool same_client(const struct server_client *sc, const struct server_peer *who)
{
    const struct rpc_cred *cred = who->cred;

    return sc->bound == who->bound && sc->client->trusted == (who->user != NULL) && sc->flavor == cred->flavor &&
           sc->cred_len == cred->raw_len && memcmp(sc->cred, cred->raw, cred->raw_len) == 0 && strcmp(sc->client->uid, who->uid) == 0 &&
           same_root(sc, who);
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static void client_free(struct server_client *sc)
{
    client_unref(sc->client);
    free(sc->subdir);
    free(sc);
}

static struct server_client *client_make(struct server_conn *conn, const struct server_peer *who, uint32_t opversion)
{
    struct server *s = conn->server;
    struct server_client *sc = calloc(1, sizeof(*sc));
    struct transport_peer peer;

    if (!sc)
        return NULL;
    sc->client = client_new(s->xl->graph, who->uid, &s->xl->graph->process->census);
    sc->subdir = copy(who->subdir);
    if (!sc->client || who->cred->raw_len > sizeof(sc->cred) || (who->subdir && !sc->subdir)) {
        client_free(sc);
        return NULL;
    }
    sc->root = who->root;
    rpc_conn_peer(conn->rpc, &peer);
    sc->client->owner = sc;
    sc->client->trusted = who->user != NULL;
    sc->client->opversion = opversion;
    sc->client->process_name = strndup(who->process_name ? who->process_name : "unknown", PROCESS_NAME_MAX);
    sc->client->address = copy(peer.text);
    sc->server = s;
    sc->bound = who->bound;
    sc->flavor = who->cred->flavor;
    sc->cred_len = who->cred->raw_len;
    memcpy(sc->cred, who->cred->raw, sc->cred_len);
    return sc;
}

static struct server_client *find_locked(struct server *s, const struct server_peer *who)
{
    struct server_client *sc = s->clients;

    while (sc && !same_client(sc, who))
        sc = sc->next;
    return sc;
}

static void set_owner(struct server_conn *conn, struct server_client *sc)
{
    SCOPED_LOCK(&conn->lock);
    conn->owner = sc;
}

/* -ENOTCONN: too late. */
static int join_locked(struct server_conn *conn, struct server_client *sc)
{
    if (conn->gone)
        return -ENOTCONN;
    set_owner(conn, sc);
    conn->next = sc->conns;
    sc->conns = conn;
    return 0;
}

/* -ENOENT: there is no such client yet. */
static int join(struct server_conn *conn, const struct server_peer *who)
{
    SCOPED_LOCK(&conn->server->lock);
    struct server_client *sc = find_locked(conn->server, who);

    return sc ? join_locked(conn, sc) : -ENOENT;
}

static int join_new(struct server_conn *conn, const struct server_peer *who, uint32_t opversion)
{
    struct server_client *sc = client_make(conn, who, opversion);

    if (!sc)
        return -ENOMEM;
    SCOPED_LOCK(&conn->server->lock);
    struct server_client *other = find_locked(conn->server, who);
    int r = join_locked(conn, other ? other : sc);
    if (r < 0 || other) { /* another connection was faster */
        client_free(sc);
        return r;
    }
    sc->next = conn->server->clients;
    conn->server->clients = sc;
    return 0;
}

static void remember_login(struct server_conn *conn, const struct server_peer *who)
{
    SCOPED_LOCK(&conn->server->lock);
    free(conn->user);
    free(conn->password);
    conn->user = copy(who->user);
    conn->password = copy(who->user ? who->password : NULL);
}

/* ---- the end --------------------------------------------------------------------------------------------------------------- */

/* On a worker, after the last fop of the client and after its locks and descriptors. */
static void client_ended(struct client *client)
{
    struct server_client *sc = client->owner;
    struct server *s = sc->server;

    client->owner = NULL;
    client_free(sc);
    SCOPED_LOCK(&s->lock);
    s->nr_ending--;
}

/* Takes conn away from its client; the client, if it was its last. Out of the table at once: who comes now is somebody new. */
static struct server_client *leave(struct server_conn *conn, bool for_good)
{
    struct server *s = conn->server;
    SCOPED_LOCK(&s->lock);
    struct server_client *sc = conn->owner;
    struct server_conn **at;
    struct server_client **in_table;

    conn->gone |= for_good;
    if (!sc)
        return NULL;
    for (at = &sc->conns; *at != conn; at = &(*at)->next)
        ;
    *at = conn->next;
    set_owner(conn, NULL);
    conn->next = NULL;
    if (sc->conns)
        return NULL;
    for (in_table = &s->clients; *in_table != sc; in_table = &(*in_table)->next)
        ;
    *in_table = sc->next;
    s->nr_ending++;
    return sc;
}

static void detach(struct server_conn *conn, bool for_good)
{
    struct server_client *last = leave(conn, for_good);

    if (last)
        client_gone(last->client, conn->server->xl->graph->process->pool, client_ended);
}

void server_close(struct server_conn *conn)
{
    detach(conn, true);
}

/* ---- a connection becomes a client's --------------------------------------------------------------------------------------- */

static bool is_already(struct server_conn *conn, const struct server_peer *who)
{
    SCOPED_LOCK(&conn->server->lock);
    return conn->owner && same_client(conn->owner, who);
}

int server_attach(struct server_conn *conn, const struct server_peer *who, uint32_t opversion)
{
    remember_login(conn, who);
    if (is_already(conn, who))
        return 0;
    detach(conn, false); /* a second SETVOLUME, as somebody else */
    int r = join(conn, who);
    return r == -ENOENT ? join_new(conn, who, opversion) : r;
}

struct server_conn *server_conn_new(struct server *s, struct rpc_conn *rpc)
{
    struct server_conn *conn = calloc(1, sizeof(*conn));

    if (!conn)
        return NULL;
    atomic_init(&conn->refs, 1);
    conn->server = s;
    conn->rpc = rpc;
    pthread_mutex_init(&conn->lock, NULL);
    return conn;
}

struct server_conn *server_conn_ref(struct server_conn *conn)
{
    atomic_fetch_add_explicit(&conn->refs, 1, memory_order_relaxed); /* the caller has one: nothing to order */
    return conn;
}

void server_conn_unref(struct server_conn *conn)
{
    /* Release: our use comes before the end; acquire: so does that of all who dropped theirs before. */
    if (atomic_fetch_sub_explicit(&conn->refs, 1, memory_order_acq_rel) > 1)
        return;
    pthread_mutex_destroy(&conn->lock);
    free(conn->user);
    free(conn->password);
    free(conn);
}

/* ---- all of them ------------------------------------------------------------------------------------------------------------- */

bool server_all_ended(struct server *s)
{
    SCOPED_LOCK(&s->lock);
    return !s->clients && s->nr_ending == 0;
}

/* The next client in the table behind `after` (NULL: the first), with a reference; for walks that must not hold the lock. */
static struct client *client_after(struct server *s, const struct client *after)
{
    SCOPED_LOCK(&s->lock);
    struct server_client *sc = s->clients;

    if (after) {
        while (sc && sc->client != after)
            sc = sc->next;
        sc = sc ? sc->next : NULL;
    }
    return sc ? client_ref(sc->client) : NULL;
}

void server_cancel_parked(struct server *s)
{
    struct client *c = client_after(s, NULL), *next;

    while (c) {
        client_cancel_parked(c, ENOTCONN);
        next = client_after(s, c);
        client_unref(c);
        c = next;
    }
}
