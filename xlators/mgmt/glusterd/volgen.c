/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volgen.c: the graphs of a volume as text.
 *
 * A file is a list of blocks, children first. A block's options are kept in the order of their setting and printed the newest first,
 * as stock does: the fixed ones of its kind, then those of the table that need code ("!" names), then every row of the table that
 * names its type and is set or always written. */
#include "config.h"

#include "volgen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option-table.h"
#include "option-value.h"
#include "util.h"

struct block {
    char *name, *type;
    struct pairs options;
    struct pairs children; /* keys */
};
struct graphgen {
    const struct volgen *of;
    const struct volinfo *v;
    unsigned int graph;      /* one of GRAPH_*: which debug translators and log levels apply */
    struct block *blocks;
    size_t n, cap;
    bool failed;             /* no memory: noticed at the end */
    char *last;              /* name of the topmost block so far */
};

static void set(struct graphgen *g, struct block *b, const char *key, const char *value)
{
    if (b && value && pairs_set(&b->options, key, value) < 0)
        g->failed = true;
}

static void setf(struct graphgen *g, struct block *b, const char *key, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void setf(struct graphgen *g, struct block *b, const char *key, const char *fmt, ...)
{
    char *text;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0) {
        g->failed = true;
        return;
    }
    set(g, b, key, text);
    free(text);
}

static void add_child(struct graphgen *g, struct block *b, const char *name)
{
    if (b && pairs_add(&b->children, name, "") < 0)
        g->failed = true;
}

/* A block above what there is so far, called NAME. Blocks move when the next one is made: finish one first. */
static struct block *block_named(struct graphgen *g, const char *type, bool over_last, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static struct block *block_named(struct graphgen *g, const char *type, bool over_last, const char *fmt, ...)
{
    va_list args;
    if (g->n == g->cap) {
        size_t cap = g->cap ? 2 * g->cap : 32;
        struct block *more = reallocarray(g->blocks, cap, sizeof *more);
        if (!more) {
            g->failed = true;
            return NULL;
        }
        g->blocks = more;
        g->cap = cap;
    }
    struct block *b = &g->blocks[g->n];
    *b = (struct block){.type = strdup(type)};
    va_start(args, fmt);
    if (vasprintf(&b->name, fmt, args) < 0)
        b->name = NULL;
    va_end(args);
    g->n++;
    if (!b->name || !b->type) {
        g->failed = true;
        return NULL;
    }
    if (over_last && g->last)
        add_child(g, b, g->last);
    g->last = b->name;
    return b;
}

static const char *type_tail(const char *type)
{
    return strrchr(type, '/') + 1;
}

/* The usual block: V-tail over the last one. */
static struct block *over(struct graphgen *g, const char *type)
{
    return block_named(g, type, true, "%s-%s", g->v->name, type_tail(type));
}

/* Every row of the table that belongs to this type and needs no code. */
static void set_rows(struct graphgen *g, struct block *b)
{
    for (size_t i = 0; b && i < nr_volopts; i++) {
        const struct volopt *o = &volopts[i];
        if (o->option[0] == '!' || strcmp(o->xlator, b->type) != 0)
            continue;
        const char *value = pairs_get(&g->v->options, o->key);
        if (value || o->always)
            set(g, b, o->option, value ? value : o->def);
    }
}

static struct block *over_with_rows(struct graphgen *g, const char *type)
{
    struct block *b = over(g, type);
    set_rows(g, b);
    return b;
}

/* What a person has put above the translator `where`: debug.trace and its kin, and user.xlator.WHERE with a type of his own. */
static void extras_over(struct graphgen *g, const char *where)
{
    static const char *const types[] = {"debug/trace", "debug/error-gen", "debug/delay-gen"};
    const struct pairs *options = &g->v->options;
    char key[128], type[128];
    for (size_t i = 0; i < array_len(types); i++) {
        snprintf(key, sizeof key, "debug.%s", type_tail(types[i]));
        const char *at = pairs_get(options, key);
        if (at && strcmp(at, where) == 0)
            over_with_rows(g, types[i]);
    }
    snprintf(key, sizeof key, "user.xlator.%s", where);
    const char *tail = g->graph == GRAPH_BRICK ? pairs_get(options, key) : NULL;
    if (!tail)
        return;
    snprintf(type, sizeof type, "user/%s", tail);
    struct block *b = over(g, type);
    int len = snprintf(key, sizeof key, "user.xlator.%s.", tail);
    for (size_t i = 0; i < options->n; i++)
        if (strncmp(options->at[i].key, key, (size_t)len) == 0)
            set(g, b, options->at[i].key + len, options->at[i].value);
}

/* ---- what bricks and clients share ---------------------------------------------------------------------------------------- */

static void set_ssl(struct graphgen *g, struct block *b)
{
    for (size_t i = 0; i < nr_volopts; i++) {
        char key[96];
        if (strcmp(volopts[i].xlator, "rpc-transport/socket") != 0)
            continue;
        snprintf(key, sizeof key, "transport.socket.%s", volopts[i].option + 1); /* !ssl-own-cert -> ssl-own-cert */
        set(g, b, key, pairs_get(&g->v->options, volopts[i].key));
    }
}

/* Top of every graph: levels and formats of the log, threads; then, but for the self-heal daemon, the rows. */
static void io_stats_options(struct graphgen *g, struct block *b)
{
    const char *side = g->graph == GRAPH_BRICK ? "brick" : "client";
    for (size_t i = 0; i < nr_volopts; i++) {
        const struct volopt *o = &volopts[i];
        if (strcmp(o->xlator, "debug/io-stats") != 0 || o->option[0] != '!' || !strstr(o->key, side))
            continue;
        const char *value = pairs_get(&g->v->options, o->key), *name = o->option + 1;
        size_t prefix = strlen(side);
        if (strncmp(name, side, prefix) == 0 && name[prefix] == '-') /* !brick-log-level -> log-level */
            name += prefix + 1;
        if (value || o->always)
            set(g, b, name, value ? value : o->def);
    }
    if (g->graph != GRAPH_SHD)
        set_rows(g, b);
}

static const char *transport_name(const struct volinfo *v)
{
    return v->transport == 0 ? "tcp" : v->transport == 1 ? "rdma" : "tcp,rdma";
}

static char *text_of(struct graphgen *g)
{
    char *text = NULL;
    size_t len;
    FILE *f = g->failed ? NULL : open_memstream(&text, &len);
    for (size_t i = 0; f && i < g->n; i++) {
        const struct block *b = &g->blocks[i];
        fprintf(f, "%svolume %s\n    type %s\n", i ? "\n" : "", b->name, b->type);
        for (size_t k = b->options.n; k > 0; k--)
            fprintf(f, "    option %s %s\n", b->options.at[k - 1].key, b->options.at[k - 1].value);
        for (size_t k = 0; k < b->children.n; k++)
            fprintf(f, "%s%s%s", k ? " " : "    subvolumes ", b->children.at[k].key, k + 1 < b->children.n ? "" : "\n");
        fputs("end-volume\n", f);
    }
    if (f && (ferror(f) | fclose(f)) != 0) {
        free(text);
        text = NULL;
    }
    for (size_t i = 0; i < g->n; i++) {
        free(g->blocks[i].name);
        free(g->blocks[i].type);
        pairs_done(&g->blocks[i].options);
        pairs_done(&g->blocks[i].children);
    }
    free(g->blocks);
    return text;
}

/* ---- bricks ---------------------------------------------------------------------------------------------------------------- */

static unsigned int bricks_beside(const struct volgen *of, const struct brickinfo *b)
{
    unsigned int n = 0;
    if (strcmp(b->owner, of->own_uuid) != 0 || !b->fsid)
        return 1;
    for (unsigned int i = 0; i < of->volume->nr_bricks; i++) {
        const struct brickinfo *other = &of->volume->bricks[i];
        n += strcmp(other->owner, b->owner) == 0 && other->fsid && strcmp(other->fsid, b->fsid) == 0;
    }
    return n;
}

static void server_block(struct graphgen *g, const char *auth_path, const struct brickinfo *b)
{
    const struct volinfo *v = g->v;
    struct block *s = block_named(g, "protocol/server", true, "%s-server", v->name);
    const char *value;
    char key[4200];
    set(g, s, "transport-type", transport_name(v));
    if (b && g->of->bind_address)
        set(g, s, "transport.socket.bind-address", b->host);
    if (b)
        set(g, s, "transport.address-family", pairs_get(&v->options, "transport.address-family"));
    if (v->username) {
        snprintf(key, sizeof key, "auth.login.%s.allow", auth_path);
        set(g, s, key, v->username);
        snprintf(key, sizeof key, "auth.login.%s.password", v->username);
        set(g, s, key, v->password);
    }
    set(g, s, "auth-path", auth_path);
    if (b && (value = pairs_get(&v->options, "auth.ssl-allow"))) {
        snprintf(key, sizeof key, "auth.login.%s.ssl-allow", auth_path);
        set(g, s, key, value);
    }
    if (b) {
        snprintf(key, sizeof key, "auth.addr.%s.allow", auth_path);
        set(g, s, key, volinfo_option(v, "auth.allow"));
        snprintf(key, sizeof key, "auth.addr.%s.reject", auth_path);
        set(g, s, key, pairs_get(&v->options, "auth.reject"));
        if (strcmp(v->name, "gluster_shared_storage") == 0)
            set(g, s, "strict-auth-accept", "true");
    }
    set_ssl(g, s);
    set_rows(g, s);
}

char *volgen_brick(const struct volgen *of, unsigned int brick)
{
    const struct volinfo *v = of->volume;
    const struct brickinfo *info = &v->bricks[brick];
    struct graphgen g = {.of = of, .v = v, .graph = GRAPH_BRICK};
    unsigned int op_version = of->op_version ? of->op_version : 100000;
    struct block *b = over(&g, "storage/posix");
    set(&g, b, "directory", info->path);
    set(&g, b, "volume-id", v->id);
    if (volinfo_is_on(v, "features.quota") || volinfo_is_on(v, "features.trash") || volinfo_is_on(v, "storage.build-pgfid"))
        set(&g, b, "update-link-count-parent", "on");
    if (op_version >= 70000)
        set(&g, b, "fips-mode-rchecksum", "on");
    setf(&g, b, "shared-brick-count", "%u", bricks_beside(of, info));
    set_rows(&g, b);
    extras_over(&g, "posix");
    if (v->arbiter_count && v->sub_count && (brick + 1) % v->sub_count == 0)
        over_with_rows(&g, "features/arbiter"), extras_over(&g, "arbiter");

    b = over(&g, "features/trash");
    set(&g, b, "trash-dir", ".trashcan");
    set(&g, b, "brick-path", info->path);
    set(&g, b, "trash-internal-op", "off");
    set_rows(&g, b);
    extras_over(&g, "trash");

    b = over(&g, "features/changelog");
    set(&g, b, "changelog-brick", info->path);
    setf(&g, b, "changelog-dir", "%s/.glusterfs/changelogs", info->path);
    set(&g, b, "changelog-notification", volinfo_is_on(v, "features.bitrot") ? "on" : "off");
    set_rows(&g, b);
    extras_over(&g, "changelog");

    b = over(&g, "features/bitrot-stub");
    set(&g, b, "export", info->path);
    set(&g, b, "bitrot", volinfo_option(v, "features.bitrot"));
    set_rows(&g, b);
    extras_over(&g, "bitrot-stub");

    if (volinfo_is_on(v, "features.acl"))
        over_with_rows(&g, "features/access-control"), extras_over(&g, "acl");
    over_with_rows(&g, "features/locks"), extras_over(&g, "locks");
    over_with_rows(&g, "features/worm"), extras_over(&g, "worm");
    b = over(&g, "features/read-only");
    set(&g, b, "read-only", "off");
    set_rows(&g, b);
    extras_over(&g, "read-only");
    over_with_rows(&g, "features/leases"), extras_over(&g, "leases");
    over_with_rows(&g, "features/upcall"), extras_over(&g, "upcall");
    over_with_rows(&g, "performance/io-threads"), extras_over(&g, "io-threads");
    over_with_rows(&g, "features/selinux"), extras_over(&g, "selinux");

    b = over(&g, "features/marker");
    set(&g, b, "volume-uuid", v->id);
    setf(&g, b, "timestamp-file", "%s/vols/%s/marker.tstamp", of->workdir, v->name);
    setf(&g, b, "quota-version", "%u", v->quota_version);
    set_rows(&g, b);
    extras_over(&g, "marker");

    over_with_rows(&g, "features/barrier"), extras_over(&g, "barrier");

    b = over(&g, "features/index");
    setf(&g, b, "index-base", "%s/.glusterfs/indices", info->path);
    if (v->type == VOLUME_DISPERSE) {
        set(&g, b, "xattrop64-watchlist", "trusted.ec.dirty");
    } else {
        set(&g, b, "xattrop-dirty-watchlist", "trusted.afr.dirty");
        setf(&g, b, "xattrop-pending-watchlist", "trusted.afr.%s-", v->name);
    }
    set_rows(&g, b);
    extras_over(&g, "index");

    b = over(&g, "features/quota");
    set(&g, b, "volume-uuid", v->name);
    set(&g, b, "server-quota", volinfo_option(v, "features.quota"));
    set_rows(&g, b);
    extras_over(&g, "quota");

    if (volinfo_is_on(v, "network.compression")) {
        b = over(&g, "features/cdc");
        set(&g, b, "mode", "server");
        set_rows(&g, b);
    }
    if (volinfo_is_on(v, "features.tag-namespaces"))
        over_with_rows(&g, "features/namespace");
    if (volinfo_is_on(v, "features.sdfs")) {
        b = over(&g, "features/sdfs");
        set(&g, b, "pass-through", "false");
        set_rows(&g, b);
    }
    b = block_named(&g, "debug/io-stats", true, "%s", info->path);
    set(&g, b, "unique-id", info->path);
    if (op_version >= 70100)
        set(&g, b, "volume-id", v->id);
    io_stats_options(&g, b);
    extras_over(&g, "io-stats");
    server_block(&g, info->path, info);
    return text_of(&g);
}

/* ---- clients --------------------------------------------------------------------------------------------------------------- */

static bool trusted_login(const struct graphgen *g, bool trusted)
{
    return trusted && g->v->username;
}

/* remote NULL: the host that the volume file comes from. */
static void client_block(struct graphgen *g, const char *name, const char *remote, const char *subvolume, bool trusted)
{
    const struct volinfo *v = g->v;
    struct block *b = block_named(g, "protocol/client", false, "%s", name);
    set(g, b, "ping-timeout", "42");
    set(g, b, "remote-host", remote);
    set(g, b, "remote-subvolume", subvolume);
    set(g, b, "transport-type", v->transport == 1 ? "rdma" : "tcp");
    set(g, b, "transport.address-family", pairs_get(&v->options, "transport.address-family"));
    if (trusted_login(g, trusted)) {
        set(g, b, "username", v->username);
        set(g, b, "password", v->password);
    }
    set_ssl(g, b);
    set_rows(g, b);
    if (g->graph != GRAPH_SHD && g->graph != GRAPH_REBALANCE)
        set(g, b, "send-gids", volinfo_is_on(v, "server.manage-gids") ? "false" : "true");
}

/* The clients of all bricks, in their sets. names gets what distribute is put over. */
static void cluster_blocks(struct graphgen *g, bool trusted, struct pairs *names)
{
    const struct volinfo *v = g->v;
    for (unsigned int i = 0; i < v->nr_bricks; i++)
        client_block(g, v->bricks[i].id, v->bricks[i].host, v->bricks[i].path, trusted);
    if (v->type == VOLUME_PLAIN) {
        for (unsigned int i = 0; i < v->nr_bricks; i++)
            g->failed |= pairs_add(names, v->bricks[i].id, "") < 0;
        return;
    }
    const char *type = v->type == VOLUME_REPLICATE ? "cluster/replicate" : "cluster/disperse";
    for (unsigned int s = 0; s < volinfo_subvolumes(v); s++) {
        struct block *b = block_named(g, type, false, "%s-%s-%u", v->name, type_tail(type), s);
        char *ids = NULL;
        size_t len;
        FILE *f = open_memstream(&ids, &len);
        for (unsigned int i = s * v->sub_count; i < (s + 1) * v->sub_count; i++) {
            add_child(g, b, v->bricks[i].id);
            if (f)
                fprintf(f, "%s%s", i % v->sub_count ? "," : "", v->bricks[i].id);
        }
        if (!f || fclose(f) != 0)
            g->failed = true;
        if (v->type == VOLUME_REPLICATE) {
            set(g, b, "afr-pending-xattr", ids);
            set(g, b, "volume-id", v->id);
            if (v->arbiter_count)
                setf(g, b, "arbiter-count", "%u", v->arbiter_count);
        } else {
            setf(g, b, "redundancy", "%u", v->redundancy_count);
        }
        free(ids);
        if (g->graph == GRAPH_SHD && v->type == VOLUME_REPLICATE) {
            set(g, b, "background-self-heal-count", "0");
            set(g, b, "metadata-self-heal", "on");
            set(g, b, "data-self-heal", "on");
            set(g, b, "entry-self-heal", "on");
        }
        if (g->graph == GRAPH_SHD) {
            const char *key = v->type == VOLUME_REPLICATE ? "cluster.self-heal-daemon" : "cluster.disperse-self-heal-daemon";
            const char *value = pairs_get(&v->options, key);
            set(g, b, "self-heal-daemon", value ? value : "enable");
        }
        if (g->graph == GRAPH_SHD)
            set(g, b, "heal-timeout", pairs_get(&v->options, "cluster.heal-timeout"));
        set_rows(g, b);
        if (g->graph == GRAPH_SHD)
            set(g, b, "iam-self-heal-daemon", "yes");
        if (b)
            g->failed |= pairs_add(names, b->name, "") < 0;
    }
}

static unsigned int at_least(uint64_t value, unsigned int least)
{
    return value > least ? (unsigned int)value : least;
}

/* With parallel-readdir each child of distribute has a reader of its own, and they share what one would be given. */
static void readdir_ahead_blocks(struct graphgen *g, struct pairs *names)
{
    const char *limit = volinfo_option(g->v, "performance.rda-cache-limit");
    uint64_t bytes = 0, request = 0;
    for (size_t i = 0; i < names->n; i++) {
        struct block *b = block_named(g, "performance/readdir-ahead", false, "%s-readdir-ahead-%zu", g->v->name, i);
        add_child(g, b, names->at[i].key);
        set(g, b, "performance.readdir-ahead", "on");
        set_rows(g, b);
        if (names->n > 1 && limit && parse_size(limit, &bytes) == 0) {
            unsigned int share = at_least(bytes / names->n, 4096);
            const char *size = volinfo_option(g->v, "performance.rda-request-size");
            setf(g, b, "rda-cache-limit", "%u", share);
            if (size && parse_size(size, &request) == 0 && request > share)
                setf(g, b, "rda-request-size", "%u", share);
        }
        if (!b)
            return;
        free(names->at[i].key);
        names->at[i].key = strdup(b->name);
        g->failed |= !names->at[i].key;
    }
}

static void distribute_block(struct graphgen *g, const struct pairs *names)
{
    const struct volinfo *v = g->v;
    const char *type = volinfo_is_on(v, "cluster.nufa")     ? "cluster/nufa"
                       : volinfo_is_on(v, "cluster.switch") ? "cluster/switch"
                                                            : "cluster/distribute";
    struct block *b = block_named(g, type, false, "%s-dht", v->name);
    char *leaving = NULL;
    size_t len;
    FILE *f = open_memstream(&leaving, &len);
    unsigned int per = v->sub_count ? v->sub_count : 1, n = 0;
    for (size_t i = 0; i < names->n; i++) {
        add_child(g, b, names->at[i].key);
        for (unsigned int k = 0; f && k < per; k++) {
            if (i * per + k < v->nr_bricks && v->bricks[i * per + k].decommissioned) {
                fprintf(f, "%s%s", n++ ? "," : "", names->at[i].key);
                break;
            }
        }
    }
    if (!f || fclose(f) != 0)
        g->failed = true;
    if (n)
        set(g, b, "decommissioned-bricks", leaving);
    free(leaving);
    set_rows(g, b);
}

static void perf_blocks(struct graphgen *g, const char *without)
{
    bool parallel = volinfo_is_on(g->v, "performance.parallel-readdir");
    for (size_t i = 0; i < nr_volopts; i++) {
        const struct volopt *o = &volopts[i];
        if (strcmp(o->option, "!perf") != 0 || (without && strcmp(o->xlator, without) == 0))
            continue;
        if (!volinfo_is_on(g->v, o->key) || (parallel && strcmp(o->xlator, "performance/readdir-ahead") == 0))
            continue;
        struct block *b = over_with_rows(g, o->xlator);
        /* What root did at another client has to be seen here, where root is not root. */
        if (strcmp(o->xlator, "performance/open-behind") == 0 && volinfo_is_on(g->v, "server.root-squash"))
            set(g, b, "read-after-open", "yes");
    }
}

static void top_io_stats(struct graphgen *g, const char *name)
{
    extras_over(g, "client");
    io_stats_options(g, block_named(g, "debug/io-stats", true, "%s", name));
}

static void client_graph(struct graphgen *g, bool trusted, const char *without)
{
    struct pairs names = {0};
    cluster_blocks(g, trusted, &names);
    if (volinfo_is_on(g->v, "performance.parallel-readdir") && volinfo_is_on(g->v, "performance.readdir-ahead"))
        readdir_ahead_blocks(g, &names);
    distribute_block(g, &names);
    pairs_done(&names);
    if (volinfo_is_on(g->v, "features.cloudsync"))
        over_with_rows(g, "features/cloudsync");
    if (volinfo_is_on(g->v, "features.shard"))
        over_with_rows(g, "features/shard");
    if (volinfo_is_on(g->v, "features.ctime"))
        over_with_rows(g, "features/utime");
    if (volinfo_is_on(g->v, "network.compression")) {
        struct block *b = over(g, "features/cdc");
        set(g, b, "mode", "client");
        set_rows(g, b);
    }
    perf_blocks(g, without);
}

char *volgen_client(const struct volgen *of, bool trusted)
{
    const struct volinfo *v = of->volume;
    struct graphgen g = {.of = of, .v = v, .graph = GRAPH_CLIENT};
    client_graph(&g, trusted, NULL);
    if (volinfo_is_on(v, "features.uss")) {
        char name[300], sub[300];
        char *below = g.last;
        snprintf(name, sizeof name, "%s-snapd-client", v->name);
        snprintf(sub, sizeof sub, "snapd-%s", v->name);
        client_block(&g, name, NULL, sub, trusted);
        struct block *b = block_named(&g, "features/snapview-client", false, "%s-snapview-client", v->name);
        if (below)
            add_child(&g, b, below);
        add_child(&g, b, name);
        set_rows(&g, b);
    }
    top_io_stats(&g, v->name);
    return text_of(&g);
}

char *volgen_shd(const struct volgen *of)
{
    const struct volinfo *v = of->volume;
    struct graphgen g = {.of = of, .v = v, .graph = GRAPH_SHD};
    struct pairs names = {0};
    cluster_blocks(&g, true, &names);
    struct block *b = block_named(&g, "debug/io-stats", false, "%s", v->name);
    for (size_t i = 0; i < names.n; i++)
        add_child(&g, b, names.at[i].key);
    io_stats_options(&g, b);
    pairs_done(&names);
    return text_of(&g);
}

char *volgen_rebalance(const struct volgen *of)
{
    struct graphgen g = {.of = of, .v = of->volume, .graph = GRAPH_REBALANCE};
    struct pairs names = {0};
    cluster_blocks(&g, true, &names);
    distribute_block(&g, &names);
    pairs_done(&names);
    io_stats_options(&g, block_named(&g, "debug/io-stats", true, "%s", of->volume->name));
    return text_of(&g);
}

char *volgen_gfproxyd(const struct volgen *of)
{
    const struct volinfo *v = of->volume;
    struct graphgen g = {.of = of, .v = v, .graph = GRAPH_GFPROXY};
    char name[300];
    client_graph(&g, true, "performance/write-behind");
    snprintf(name, sizeof name, "gfproxyd-%s", v->name);
    io_stats_options(&g, block_named(&g, "debug/io-stats", true, "%s", name));
    server_block(&g, name, NULL);
    return text_of(&g);
}

char *volgen_gfproxy_client(const struct volgen *of)
{
    const struct volinfo *v = of->volume;
    struct graphgen g = {.of = of, .v = v, .graph = GRAPH_CLIENT};
    char name[300], sub[300];
    snprintf(name, sizeof name, "%s-gfproxy-client", v->name);
    snprintf(sub, sizeof sub, "gfproxyd-%s", v->name);
    client_block(&g, name, NULL, sub, true);
    if (volinfo_is_on(v, "features.ctime"))
        over_with_rows(&g, "features/utime");
    over_with_rows(&g, "features/quiesce");
    if (volinfo_is_on(v, "performance.write-behind"))
        over_with_rows(&g, "performance/write-behind");
    top_io_stats(&g, v->name);
    return text_of(&g);
}
