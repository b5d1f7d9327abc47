/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* status.c: see status.h. Nothing is put into a dictionary under a lock: what is wanted is copied out first. */
#include "status.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "log.h"
#include "server.h"

#define PAIRS_SPARE 64 /* places that the lists leave: for counts, and for what the caller adds */

static bool has_place(const struct dict *d, unsigned int pairs)
{
    return dict_count(d) + pairs + PAIRS_SPARE <= DICT_PAIRS_MAX;
}

static int put(struct dict *d, int64_t value, const char *fmt, ...) PRINTF(3, 4);
static int put(struct dict *d, int64_t value, const char *fmt, ...)
{
    char key[96];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(key, sizeof(key), fmt, ap);
    va_end(ap);
    return dict_set_i64(d, key, value);
}

static int put_text(struct dict *d, const char *text, const char *fmt, ...) PRINTF(3, 4);
static int put_text(struct dict *d, const char *text, const char *fmt, ...)
{
    char key[96];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(key, sizeof(key), fmt, ap);
    va_end(ap);
    return dict_set_text(d, key, text ? text : "");
}

/* ---- memory ------------------------------------------------------------------------------------------------------------------ */

static int status_mem(struct dict *d)
{
    const struct mallinfo2 m = mallinfo2();
    const struct {
        const char *key;
        size_t value;
    } rows[] = {
        {"arena", m.arena},       {"ordblks", m.ordblks},   {"smblks", m.smblks},     {"hblks", m.hblks},       {"hblkhd", m.hblkhd},
        {"usmblks", m.usmblks},   {"fsmblks", m.fsmblks},   {"uordblks", m.uordblks}, {"fordblks", m.fordblks}, {"keepcost", m.keepcost},
    };
    int r = 0;

    for (size_t i = 0; i < array_len(rows) && r == 0; i++)
        r = put(d, (int64_t)rows[i].value, "mallinfo.%s", rows[i].key);
    return r;
}

/* ---- clients ----------------------------------------------------------------------------------------------------------------- */

/* References on those that are bound to the brick. */
struct client_list {
    struct client **v;
    unsigned int n;
};

static int collect_clients(struct server *s, const struct xlator *brick, struct client_list *ret)
{
    SCOPED_LOCK(&s->lock);
    unsigned int n = 0;

    *ret = (struct client_list){0};
    for (struct server_client *sc = s->clients; sc; sc = sc->next)
        n++;
    ret->v = calloc(n + 1, sizeof(*ret->v));
    if (!ret->v)
        return -ENOMEM;
    for (struct server_client *sc = s->clients; sc; sc = sc->next)
        if (!brick || sc->bound == brick)
            ret->v[ret->n++] = client_ref(sc->client);
    return 0;
}

static void drop_clients(struct client_list *list)
{
    for (unsigned int i = 0; i < list->n; i++)
        client_unref(list->v[i]);
    free(list->v);
}

struct conn_row {
    char address[128], name[128], common_name[128], tls_version[32], cipher[64];
    uint32_t opversion;
    unsigned int outstanding;
    struct transport_stats st;
};

static void fill_row(struct conn_row *row, const struct server_client *sc, struct server_conn *conn)
{
    struct transport_peer peer;

    rpc_conn_peer(conn->rpc, &peer);
    rpc_conn_stats(conn->rpc, &row->st, &row->outstanding);
    snprintf(row->address, sizeof(row->address), "%s", peer.text);
    snprintf(row->name, sizeof(row->name), "%s", sc->client->process_name ? sc->client->process_name : "");
    if (peer.tls) {
        snprintf(row->common_name, sizeof(row->common_name), "%s", peer.common_name ? peer.common_name : "");
        snprintf(row->tls_version, sizeof(row->tls_version), "%s", peer.tls_version ? peer.tls_version : "");
        snprintf(row->cipher, sizeof(row->cipher), "%s", peer.cipher ? peer.cipher : "");
    }
    row->opversion = sc->client->opversion;
}

/* One row a connection. NULL: no memory. */
static struct conn_row *collect_conns(struct server *s, const struct xlator *brick, unsigned int *ret_n)
{
    SCOPED_LOCK(&s->lock);
    unsigned int n = 0, i = 0;
    struct conn_row *rows;

    for (struct server_client *sc = s->clients; sc; sc = sc->next)
        for (struct server_conn *conn = sc->conns; conn; conn = conn->next)
            n += !brick || sc->bound == brick;
    rows = calloc(n + 1, sizeof(*rows));
    if (!rows)
        return NULL;
    for (struct server_client *sc = s->clients; sc; sc = sc->next)
        for (struct server_conn *conn = sc->conns; conn && (!brick || sc->bound == brick); conn = conn->next)
            fill_row(&rows[i++], sc, conn);
    *ret_n = n;
    return rows;
}

static int put_conn(struct dict *d, unsigned int i, const struct conn_row *row)
{
    int r = put_text(d, row->address, "client%u.hostname", i);

    if (r == 0)
        r = put(d, (int64_t)row->st.bytes_in, "client%u.bytesread", i);
    if (r == 0)
        r = put(d, (int64_t)row->st.bytes_out, "client%u.byteswrite", i);
    if (r == 0)
        r = put(d, row->opversion, "client%u.opversion", i);
    return r == 0 ? put_text(d, row->name, "client%u.name", i) : r;
}

/* The daemon reads as many rows as clientcount says, so it says how many there are here. */
static int status_clients(struct server *s, const struct xlator *brick, struct dict *d)
{
    unsigned int n = 0, i = 0;
    struct conn_row *rows = collect_conns(s, brick, &n);
    int r = rows ? 0 : -ENOMEM;

    for (; i < n && r == 0 && has_place(d, 5); i++)
        r = put_conn(d, i, &rows[i]);
    if (r == 0)
        r = put(d, i, "clientcount");
    if (i < n && r == 0)
        log_warning(s->xl->name, "status: %u of %u connections fit into the answer", i, n);
    free(rows);
    return r;
}

/* What each connection has done and has still to do. Its cipher is "" without TLS. */
static int put_live(struct dict *d, unsigned int i, const struct conn_row *row)
{
    const struct {
        const char *key, *text;
    } texts[] = {
        {"hostname", row->address},    {"name", row->name},     {"peername", row->common_name},
        {"tls", row->tls_version}, {"cipher", row->cipher}, {"state", row->st.state},
    };
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"bytesread", row->st.bytes_in},           {"byteswrite", row->st.bytes_out}, {"records", row->st.records_in},
        {"messages", row->st.messages_out},        {"reads", row->st.reads},          {"writes", row->st.writes},
        {"stalls", row->st.pauses},                {"queued", row->st.queued},        {"outstanding", row->outstanding},
        {"handshake-us", row->st.handshake_us},    {"round-trip-us", row->st.round_trip_us},
    };
    int r = 0;

    for (size_t k = 0; k < array_len(texts) && r == 0; k++)
        r = put_text(d, texts[k].text, "conn%u.%s", i, texts[k].key);
    for (size_t k = 0; k < array_len(numbers) && r == 0; k++)
        r = put(d, (int64_t)numbers[k].value, "conn%u.%s", i, numbers[k].key);
    return r;
}

static int status_conns(struct server *s, const struct xlator *brick, struct dict *d)
{
    unsigned int n = 0, i = 0;
    struct conn_row *rows = collect_conns(s, brick, &n);
    int r = rows ? 0 : -ENOMEM;

    for (; i < n && r == 0 && has_place(d, 16); i++)
        r = put_live(d, i, &rows[i]);
    if (r == 0)
        r = put(d, i, "livecount");
    free(rows);
    return r == 0 ? put(d, n, "livetotal") : r;
}

/* ---- inodes: one table, shown as the first connection's ------------------------------------------------------------------------- */

static int status_inode(struct server *s, struct dict *d)
{
    const struct inode_counts c = inode_table_counts(s->xl->graph->inodes);
    int r = put(d, 1, "conncount");

    if (r == 0)
        r = put(d, c.limit, "conn0.itable.lru_limit");
    if (r == 0)
        r = put(d, c.active, "conn0.itable.active_size");
    if (r == 0)
        r = put(d, c.lru, "conn0.itable.lru_size");
    return r == 0 ? put(d, 0, "conn0.itable.purge_size") : r; /* what goes is freed at once */
}

/* ---- descriptors: one table a client ------------------------------------------------------------------------------------------ */

struct fd_row {
    unsigned int number, refs;
    int32_t flags;
    uint64_t pid;
};
struct fd_rows {
    struct fd_row *v;
    unsigned int n, open, max, first_free, refs;
};

/* At most `max` rows. */
static int collect_fds(struct client *c, unsigned int max, struct fd_rows *ret)
{
    SCOPED_LOCK(&c->lock);

    *ret = (struct fd_rows){.v = calloc(max + 1, sizeof(*ret->v)), .max = c->fds_cap, .refs = atomic_load(&c->refs) - 1};
    if (!ret->v)
        return -ENOMEM;
    for (ret->first_free = c->first_free; ret->first_free < c->nr_fds && c->fds[ret->first_free];)
        ret->first_free++;
    for (unsigned int i = 0; i < c->nr_fds; i++) {
        const struct fd *fd = c->fds[i];
        if (!fd)
            continue;
        ret->open++;
        if (ret->n < max)
            ret->v[ret->n++] = (struct fd_row){
                .number = i, .refs = atomic_load_explicit(&fd->refs, memory_order_relaxed), .flags = fd->flags, .pid = fd->pid};
    }
    return 0;
}

static int put_fds(struct dict *d, unsigned int conn, const struct fd_rows *t)
{
    int r = put(d, t->refs, "conn%u.fdtable.refcount", conn);

    if (r == 0)
        r = put(d, t->max, "conn%u.fdtable.maxfds", conn);
    if (r == 0)
        r = put(d, t->first_free, "conn%u.fdtable.firstfree", conn);
    if (r == 0)
        r = put(d, t->open, "conn%u.fdtable.openfds", conn);
    for (unsigned int i = 0; i < t->n && r == 0; i++) {
        const struct fd_row *row = &t->v[i];
        r = put(d, (int64_t)row->pid, "conn%u.fdtable.fdentry%u.pid", conn, row->number);
        if (r == 0)
            r = put(d, row->refs, "conn%u.fdtable.fdentry%u.refcount", conn, row->number);
        if (r == 0)
            r = put(d, row->flags, "conn%u.fdtable.fdentry%u.flags", conn, row->number);
    }
    return r;
}

static int status_fd(struct server *s, const struct xlator *brick, struct dict *d)
{
    struct client_list list;
    unsigned int i = 0;
    int r = collect_clients(s, brick, &list);

    for (; i < list.n && r == 0 && has_place(d, 4); i++) {
        struct fd_rows rows;
        r = collect_fds(list.v[i], (DICT_PAIRS_MAX - PAIRS_SPARE - dict_count(d) - 4) / 3, &rows);
        if (r == 0)
            r = put_fds(d, i, &rows);
        if (r == 0 && rows.n < rows.open)
            log_warning(s->xl->name, "status: %u of %u open descriptors of %s fit into the answer", rows.n, rows.open, list.v[i]->uid);
        free(rows.v);
    }
    if (r == 0)
        r = put(d, i, "conncount");
    drop_clients(&list);
    return r;
}

/* ---- pending calls --------------------------------------------------------------------------------------------------------------- */

struct call_row {
    uint32_t uid, gid, xid;
    int32_t pid;
    enum fop_op op;
};

static unsigned int collect_calls(struct client *c, struct call_row *rows, unsigned int max)
{
    SCOPED_LOCK(&c->lock);
    unsigned int n = 0;

    for (const struct fop *fop = c->running; fop && n < max; fop = fop->client_next) {
        if (fop->parent)
            continue; /* a translator's own, waiting under one that is in the list as well */
        const struct server_call *call = fop->owner_data;
        rows[n++] = (struct call_row){.uid = fop->cred.uid, .gid = fop->cred.gid, .pid = fop->cred.pid, .op = fop->op, .xid = call->xid};
    }
    return n;
}

static int put_call(struct dict *d, unsigned int i, const struct call_row *row)
{
    int r = put(d, row->uid, "callpool.stack%u.uid", i);

    if (r == 0)
        r = put(d, row->gid, "callpool.stack%u.gid", i);
    if (r == 0)
        r = put(d, row->pid, "callpool.stack%u.pid", i);
    if (r == 0)
        r = put(d, row->xid, "callpool.stack%u.unique", i);
    if (r == 0)
        r = put_text(d, fop_name(row->op), "callpool.stack%u.op", i);
    if (r == 0)
        r = put(d, 1, "callpool.stack%u.type", i); /* a file operation */
    return r == 0 ? put(d, 1, "callpool.stack%u.count", i) : r;
}

static int status_callpool(struct server *s, const struct xlator *brick, struct dict *d)
{
    struct call_row rows[DICT_PAIRS_MAX / 7];
    struct client_list list;
    unsigned int n = 0, i = 0;
    int r = collect_clients(s, brick, &list);

    for (unsigned int c = 0; c < list.n && r == 0 && n < array_len(rows); c++)
        n += collect_calls(list.v[c], rows + n, (unsigned int)array_len(rows) - n);
    for (; i < n && r == 0 && has_place(d, 7); i++)
        r = put_call(d, i, &rows[i]);
    if (r == 0)
        r = put(d, i, "callpool.count");
    drop_clients(&list);
    return r;
}

/* ------------------------------------------------------------------------------------------------------------------------------- */

static const struct xlator *child_named(const struct xlator *xl, const char *name)
{
    for (unsigned int i = 0; i < xl->nr_children; i++)
        if (strcmp(xl->children[i]->name, name) == 0)
            return xl->children[i];
    return NULL;
}

int server_status(struct xlator *server, const char *brick, uint32_t cmd, struct dict *ret)
{
    struct server *s = server->priv;
    const struct xlator *bound = brick ? child_named(server, brick) : NULL;

    if (brick && !bound)
        return -ENOENT;
    if (cmd & STATUS_CONNS)
        return status_conns(s, bound, ret);
    if (cmd & STATUS_MEM)
        return status_mem(ret);
    if (cmd & (STATUS_CLIENTS | STATUS_CLIENT_LIST))
        return status_clients(s, bound, ret);
    if (cmd & STATUS_INODE)
        return status_inode(s, ret);
    if (cmd & STATUS_FD)
        return status_fd(s, bound, ret);
    if (cmd & STATUS_CALLPOOL)
        return status_callpool(s, bound, ret);
    return -EINVAL;
}
