/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dump.c: what the statedump shows of clients, their descriptors and their connections. The inode table's sections are the graph's. */
#include <inttypes.h>
#include <string.h>

#include "server.h"

static void dump_conn(struct dump *d, struct server_conn *conn, unsigned int client, unsigned int n)
{
    struct transport_peer peer;
    struct transport_stats st;
    unsigned int outstanding;

    rpc_conn_peer(conn->rpc, &peer);
    rpc_conn_stats(conn->rpc, &st, &outstanding);
    dump_section(d, "protocol/server.client.%u.conn.%u", client, n);
    dump_kv(d, "peer", "%s", peer.text);
    dump_kv(d, "state", "%s", st.state);
    dump_kv(d, "tls", "%s", peer.tls ? peer.tls_version : "off");
    if (peer.tls) {
        dump_kv(d, "cipher", "%s", peer.cipher);
        dump_kv(d, "common_name", "%s", peer.common_name ? peer.common_name : "");
    }
    dump_kv(d, "outstanding", "%u", outstanding);
    dump_kv(d, "bytes_in", "%" PRIu64, st.bytes_in);
    dump_kv(d, "bytes_out", "%" PRIu64, st.bytes_out);
    dump_kv(d, "records_in", "%" PRIu64, st.records_in);
    dump_kv(d, "messages_out", "%" PRIu64, st.messages_out);
    dump_kv(d, "queued", "%zu", st.queued);
    dump_kv(d, "pauses", "%" PRIu64, st.pauses);
}

static void dump_fds(struct dump *d, struct client *c)
{
    char gfid[GFID_TEXT], key[32];
    unsigned int open = 0;
    SCOPED_LOCK(&c->lock);

    for (unsigned int i = 0; i < c->nr_fds; i++) {
        if (!c->fds[i])
            continue;
        open++;
        snprintf(key, sizeof(key), "fd.%u", i);
        dump_kv(d, key, "%s flags 0%o%s", gfid_text(c->fds[i]->inode->gfid, gfid), (unsigned int)c->fds[i]->flags,
                c->fds[i]->is_dir ? " directory" : "");
    }
    dump_kv(d, "open_fds", "%u", open);
    dump_kv(d, "running", "%u", c->nr_running);
}

static void add_bytes(struct rpc_conn *conn, void *ctx)
{
    struct transport_stats *sum = ctx, st;
    unsigned int outstanding;

    rpc_conn_stats(conn, &st, &outstanding);
    sum->bytes_in += st.bytes_in;
    sum->bytes_out += st.bytes_out;
}

/* As stock's: one section, the keys carry the connection's number. */
static void dump_as_stock(struct server *s, struct dump *d)
{
    struct transport_stats sum = {0};
    char key[64];
    unsigned int n = 0;

    rpc_service_each(s->rpc, add_bytes, &sum);
    dump_section(d, "xlator.protocol.server.priv");
    dump_kv(d, "server.total-bytes-read", "%" PRIu64, sum.bytes_in);
    dump_kv(d, "server.total-bytes-write", "%" PRIu64, sum.bytes_out);
    SCOPED_LOCK(&s->lock);
    for (struct server_client *sc = s->clients; sc; sc = sc->next) {
        n++;
#define CONN_KV(name, ...) (snprintf(key, sizeof(key), "conn.%u." name, n), dump_kv(d, key, __VA_ARGS__))
        CONN_KV("id", "%s", sc->client->uid);
        if (sc->subdir)
            CONN_KV("subdir", "%s", sc->subdir);
        CONN_KV("ref", "%u", atomic_load_explicit(&sc->client->refs, memory_order_relaxed));
        CONN_KV("bound_xl", "%s", sc->bound->name);
#undef CONN_KV
    }
}

/* Under graph_lock: nobody changes rules or transports meanwhile. */
void server_dump_options(struct xlator *xl, struct dump *d)
{
    struct server *s = xl->priv;
    const void *transport = rpc_service_values(s->rpc);

    for (unsigned int i = 0; i < s->rules.n; i++)
        if (strncmp(s->rules.pairs[i].key, "auth.login.", 11) != 0 || !strstr(s->rules.pairs[i].key, ".password"))
            dump_kv(d, s->rules.pairs[i].key, "%s", s->rules.pairs[i].value);
    if (transport)
        options_dump(s->transport->options, options_count(s->transport->options), transport, d);
}

void server_dump(struct xlator *xl, struct dump *d)
{
    struct server *s = xl->priv;
    unsigned int n = 0;

    dump_kv(d, "connections", "%u", rpc_service_conns(s->rpc));
    dump_kv(d, "running", "%" PRId64, counter_get(&s->running));
    for (unsigned int i = 0; i < xl->nr_children; i++) {
        char key[32];
        snprintf(key, sizeof(key), "child_up.%u", i);
        dump_kv(d, key, "%d", (int)atomic_load_explicit(&xl->children[i]->up, memory_order_relaxed));
    }
    const struct gids_counts gids = gids_counts(s->gids);
    dump_kv(d, "gids", "%u users, %u bytes, %u looked for", gids.users, gids.bytes, gids.looking);
    dump_as_stock(s, d);
    SCOPED_LOCK(&s->lock);
    for (struct server_client *sc = s->clients; sc; sc = sc->next, n++) {
        unsigned int k = 0;
        dump_section(d, "protocol/server.client.%u", n);
        dump_kv(d, "uid", "%s", sc->client->uid);
        dump_kv(d, "process_name", "%s", sc->client->process_name ? sc->client->process_name : "");
        dump_kv(d, "address", "%s", sc->client->address ? sc->client->address : "");
        dump_kv(d, "trusted", "%d", sc->client->trusted);
        dump_kv(d, "bound", "%s", sc->bound->name);
        if (sc->subdir)
            dump_kv(d, "subdir", "%s", sc->subdir);
        dump_fds(d, sc->client);
        for (struct server_conn *conn = sc->conns; conn; conn = conn->next)
            dump_conn(d, conn, n, k++);
    }
}
