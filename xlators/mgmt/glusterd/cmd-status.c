/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-status.c: volume status in all its forms. What only the bricks know (clients, mem, inode, fd, callpool, client-list) is asked of all
 * of them at once; one that gives no answer has its row without it. Source: spec management 4.8, 5.5. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "brickop.h"
#include "brickset.h"
#include "dict.h"
#include "filesystem.h"
#include "glusterd.h"
#include "log.h"
#include "rebalance.h"
#include "shd.h"

/* ---- clients by name ------------------------------------------------------------------------------------------------------------ */

struct names {
    struct {
        char name[128];
        unsigned int most, here; /* connections: of the brick with most, of the one that is looked at */
    } at[64];
    size_t n;
};

static void count_name(struct names *all, const char *name)
{
    size_t i = 0;
    while (i < all->n && strcmp(all->at[i].name, name) != 0)
        i++;
    if (i == array_len(all->at))
        return;
    if (i == all->n)
        snprintf(all->at[all->n++].name, sizeof all->at[i].name, "%s", name);
    all->at[i].here++;
}

/* A client has a connection to each brick and is one client. */
static int put_client_list(struct command *c, const struct brickset *s)
{
    struct names *all = calloc(1, sizeof *all);
    struct keyed k = {.d = c->out, .prefix = "", .r = all ? 0 : -ENOMEM};
    unsigned int total = 0;
    for (size_t b = 0; all && b < s->n; b++) {
        int64_t count = 0;
        for (size_t i = 0; i < all->n; i++)
            all->at[i].here = 0;
        if (dict_get_i64(s->calls[b].out, "clientcount", &count) < 0)
            continue;
        for (int64_t i = 0; i < count; i++) {
            char key[64];
            const char *name;
            snprintf(key, sizeof key, "client%lld.name", (long long)i);
            if (dict_get_text(s->calls[b].out, key, &name) == 0)
                count_name(all, name);
        }
        for (size_t i = 0; i < all->n; i++)
            all->at[i].most = max_of(all->at[i].most, all->at[i].here);
    }
    for (size_t i = 0; all && i < all->n; i++) {
        char key[160];
        for (unsigned int n = 0; n < all->at[i].most; n++) {
            snprintf(key, sizeof key, "client%u.name", total++);
            put(&k, key, all->at[i].name);
        }
        snprintf(key, sizeof key, "%s-count", all->at[i].name);
        put_number(&k, key, all->at[i].most);
    }
    put_number(&k, "client-count", total);
    free(all);
    return k.r;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------------------- */

static void put_detail(struct keyed *k, const char *path)
{
    struct filesystem fs;
    if (filesystem_of(path, &fs) < 0)
        return; /* the rows are left out */
    putf(k, "free", "%llu", (unsigned long long)fs.free);
    putf(k, "total", "%llu", (unsigned long long)fs.total);
    putf(k, "block_size", "%llu", (unsigned long long)fs.block_size);
    putf(k, "total_inodes", "%llu", (unsigned long long)fs.inodes);
    putf(k, "free_inodes", "%llu", (unsigned long long)fs.free_inodes);
    put(k, "device", fs.device);
    put(k, "fs_name", fs.type);
    put(k, "mnt_options", fs.options);
    if (fs.inode_size)
        put_number(k, "inode_size", fs.inode_size);
}

static int put_row(struct command *c, const struct brickinfo *b, unsigned int n, int cmd)
{
    char prefix[32];
    snprintf(prefix, sizeof prefix, "brick%u.", n);
    struct keyed k = {.d = c->out, .prefix = prefix};
    struct brick_status s = brickrun_status(c->gd, b->path);
    put(&k, "hostname", b->host);
    put(&k, "path", b->path);
    put(&k, "peerid", b->owner);
    put_number(&k, "port", s.port);
    put_number(&k, "rdma_port", 0);
    put_number(&k, "status", s.online);
    put_number(&k, "pid", s.online ? s.pid : -1);
    if (cmd & VOLSTATUS_DETAIL)
        put_detail(&k, b->path);
    return k.r;
}

/* ---- what the bricks know --------------------------------------------------------------------------------------------------------- */

static void ask_bricks(struct command *c, const struct volinfo *v, struct brickset *s, struct dict **in)
{
    for (size_t i = 0; i < s->n; i++) {
        struct brickcall *call = &s->calls[i];
        call->procedure = BRICKOP_STATUS;
        call->name = "";
        call->in = in[i] = dict_copy(c->in);
        if (!in[i] || dict_set_text(in[i], "brick-name", v->bricks[s->at[i]].path) < 0)
            call->socket[0] = '\0';
    }
    brickcalls_run(c->gd, s->calls, s->n, BRICKCALL_MS);
}

static int put_bricks(struct command *c, const struct volinfo *v, int cmd, unsigned int *rows)
{
    const char *only = cmd & VOLSTATUS_BRICK ? command_text(c, "brick") : NULL;
    struct brickset s;
    if (brickset_of(c, v, cmd & VOLSTATUS_BRICK ? only ? only : "" : NULL, &s) < 0)
        return -1;
    struct dict **in = calloc(s.n + 1, sizeof *in);
    int r = in ? 0 : command_fail(c, "no memory");
    if (r == 0 && (cmd & VOLSTATUS_BRICK) && s.n == 0)
        r = command_fail(c, "No brick %s in volume %s", only ? only : "", v->name);
    if (r == 0 && (cmd & VOLSTATUS_ASKED))
        ask_bricks(c, v, &s, in);
    for (size_t i = 0; r == 0 && i < s.n; i++) {
        const struct brickcall *call = &s.calls[i];
        const struct brickinfo *b = &v->bricks[s.at[i]];
        char prefix[32];
        snprintf(prefix, sizeof prefix, "brick%u.", *rows);
        if (put_row(c, b, (*rows)++, cmd) < 0)
            r = command_fail(c, "the answer is larger than one answer can be");
        if (r < 0 || !(cmd & VOLSTATUS_ASKED) || call->socket[0] == '\0')
            continue;
        if (call->err < 0 || call->op_ret < 0)
            log_warning("glusterd", "volume status %s: brick %s:%s: %s", v->name, b->host, b->path,
                        call->err < 0 ? strerror(-call->err) : call->errstr);
        else if (!(cmd & VOLSTATUS_CLIENT_LIST) && brickcall_merge(call, c->out, prefix) < 0)
            r = command_fail(c, "what the bricks say is larger than one answer can be; ask one brick at a time");
    }
    if (r == 0 && (cmd & VOLSTATUS_CLIENT_LIST) && put_client_list(c, &s) < 0)
        r = command_fail(c, "no memory");
    for (size_t i = 0; in && i < s.n; i++)
        dict_unref(in[i]);
    free(in);
    brickset_done(&s);
    return r;
}

/* ---- services and tasks ----------------------------------------------------------------------------------------------------------- */

/* Services that this daemon does not run: why there is no row. 0: none of them is asked for. */
static int lacks_service(struct command *c, const struct volinfo *v, int cmd)
{
    if (cmd & VOLSTATUS_QUOTAD)
        return command_fail(c, "Volume %s does not have quota enabled", v->name);
    if (cmd & VOLSTATUS_SNAPD)
        return command_fail(c, "Volume %s does not have uss enabled", v->name);
    if (cmd & VOLSTATUS_BITD)
        return command_fail(c, "Volume %s does not have bitrot enabled", v->name);
    if (cmd & VOLSTATUS_SCRUB)
        return command_fail(c, "Volume %s does not have bitrot enabled. Scrubber will be enabled automatically if bitrot is enabled",
                            v->name);
    if ((cmd & VOLSTATUS_SHD) && v->type == VOLUME_PLAIN)
        return command_fail(c, "Volume %s is not Self-heal compatible", v->name);
    return 0;
}

/* Rows of services behind those of the bricks; *rows counts both. */
static int put_services(struct command *c, const struct volinfo *v, int cmd, unsigned int *rows)
{
    char prefix[32];
    if (!shd_is_enabled(v) || ((cmd & VOLSTATUS_ASKED) && !(cmd & VOLSTATUS_SHD)) || (cmd & VOLSTATUS_DETAIL))
        return 0;
    snprintf(prefix, sizeof prefix, "brick%u.", (*rows)++);
    struct keyed k = {.d = c->out, .prefix = prefix};
    int pid = shd_pid(c->gd, v->name);
    put(&k, "hostname", "Self-heal Daemon");
    put(&k, "path", "localhost");
    put(&k, "peerid", c->gd->uuid);
    put_number(&k, "port", 0);
    put_number(&k, "status", pid != 0);
    put_number(&k, "pid", pid ? pid : -1);
    if (k.r < 0)
        return command_fail(c, "no memory");
    if (!(cmd & VOLSTATUS_ASKED) || pid == 0)
        return 0;
    struct brickcall call = {.procedure = BRICKOP_NODE_STATUS, .in = c->in};
    int r = shd_socket(c->gd, v->name, call.socket, sizeof call.socket);
    if (r == 0)
        brickcalls_run(c->gd, &call, 1, BRICKCALL_MS);
    if (r == 0 && call.err == 0 && call.op_ret == 0 && brickcall_merge(&call, c->out, prefix) < 0)
        r = command_fail(c, "what the self-heal daemon says is larger than one answer can be");
    brickcalls_done(&call, 1);
    return r < 0 ? -1 : 0;
}

static int status_of(struct command *c, const struct volinfo *v, int cmd)
{
    unsigned int rows = 0, bricks;
    int r = lacks_service(c, v, cmd);
    if (r == 0 && !(cmd & (VOLSTATUS_TASKS | VOLSTATUS_SHD)))
        r = put_bricks(c, v, cmd, &rows);
    bricks = rows;
    if (r == 0 && !(cmd & (VOLSTATUS_TASKS | VOLSTATUS_BRICK)))
        r = put_services(c, v, cmd, &rows);
    if (r == 0 && !(cmd & (VOLSTATUS_BRICK | VOLSTATUS_SERVICES))) /* the block of tasks is left out without it */
        r = task_put(c, v);
    struct keyed k = {.d = c->out, .prefix = ""};
    put(&k, "volname", v->name);
    put_number(&k, "type", -1);
    put_number(&k, "hot_brick_count", -1);
    put_number(&k, "brick-index-max", (long long)bricks - 1);
    put_number(&k, "other-count", rows - bricks);
    put_number(&k, "count", rows);
    return r == 0 && k.r < 0 ? command_fail(c, "no memory") : r;
}

static int status_run(struct command *c)
{
    int cmd = command_number(c, "cmd", 0);
    if (dict_set_textf(c->out, "cmd", "%d", cmd) < 0)
        return command_fail(c, "no memory");
    if (cmd & VOLSTATUS_ALL)
        return put_volume_names(c, "vol_count", "vol");
    struct volview *w = command_volume(c);
    if (!w)
        return -1;
    int r = w->v->status == VOLUME_STARTED ? status_of(c, w->v, cmd) : command_fail(c, "Volume %s is not started", w->v->name);
    volview_unref(w);
    return r;
}

const struct command_type status_command = {.name = "volume status", .flags = COMMAND_LOGGED, .run = status_run};
