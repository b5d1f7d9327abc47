/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dump.c: what the statedump shows of clients, their descriptors and their connections. The inode table's sections are the graph's. */
#include <inttypes.h>

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

void server_dump(struct xlator *xl, struct dump *d)
{
    struct server *s = xl->priv;
    unsigned int n = 0;

    dump_kv(d, "connections", "%u", rpc_service_conns(s->rpc));
    dump_kv(d, "running", "%" PRId64, counter_get(&s->running));
    dump_kv(d, "child_up", "%d", (int)atomic_load_explicit(&s->child_up, memory_order_relaxed));
    SCOPED_LOCK(&s->lock);
    for (struct server_client *sc = s->clients; sc; sc = sc->next, n++) {
        unsigned int k = 0;
        dump_section(d, "protocol/server.client.%u", n);
        dump_kv(d, "uid", "%s", sc->client->uid);
        dump_kv(d, "process_name", "%s", sc->client->process_name ? sc->client->process_name : "");
        dump_kv(d, "address", "%s", sc->client->address ? sc->client->address : "");
        dump_kv(d, "trusted", "%d", sc->client->trusted);
        dump_kv(d, "bound", "%s", sc->bound->name);
        dump_fds(d, sc->client);
        for (struct server_conn *conn = sc->conns; conn; conn = conn->next)
            dump_conn(d, conn, n, k++);
    }
}
