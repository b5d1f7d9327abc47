/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "mounting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "process.h"
#include "volume.h"

struct mounting {
    struct process *process;
    const struct command_line *cl;
    struct mount *mount;
    char *source;
    bool started;
};

/* What df and /proc/mounts show: "SERVER:VOLUME/FOLDER", the volume with its slash if it was given with one (mount -a compares), or the
 * volume file. */
static char *source_of(const struct command_line *cl)
{
    char *text;
    int n;

    if (cl->display_name)
        return strdup(cl->display_name);
    if (!cl->nr_servers)
        return strdup(cl->volfile);
    n = asprintf(&text, "%s:%s%s", cl->servers[0], cl->volume, cl->subdir_mount ? cl->subdir_mount : "");
    return n < 0 ? NULL : text;
}

int mounting_new(struct process *p, const struct command_line *cl, struct mounting **ret, struct err *err)
{
    struct mounting *c = calloc(1, sizeof(*c));
    struct mount_conf conf = cl->mount;
    int failed;

    if (!c || !(c->source = source_of(cl))) {
        free(c);
        return err_set(err, -ENOMEM, "no memory");
    }
    c->process = p;
    c->cl = cl;
    p->subdir_mount = cl->subdir_mount;
    conf.source = c->source;
    failed = mount_new(p, &conf, &c->mount, err);
    if (failed) {
        free(c->source);
        free(c);
        return failed;
    }
    *ret = c;
    return 0;
}

void mounting_free(struct mounting *c)
{
    if (!c)
        return;
    mount_free(c->mount);
    free(c->source);
    free(c);
}

/* Stock's, pushed without its option, changes nothing: a file of a "worm" mount can be removed there. */
static int push_worm(struct graph *g, struct err *err)
{
    int failed = graph_push(g, "features/worm", "worm-autoload", err);

    if (!failed && optset_add(&g->top->options, "worm", "on", "--worm", 0) < 0)
        failed = err_set(err, -ENOMEM, "no memory");
    return failed;
}

/* What a client puts above the top of its file (spec brick 5.4). */
static int prepare(struct mounting *c, struct graph *g, struct err *err)
{
    const struct mount_conf *conf = &c->cl->mount;
    int failed = 0;

    if (conf->worm)
        failed = push_worm(g, err);
    if (!failed && conf->acl)
        failed = graph_push(g, "system/posix-acl", "posix-acl-autoload", err);
    if (!failed && conf->gfid_access)
        failed = graph_push(g, "features/gfid-access", "gfid-access-autoload", err);
    return failed ? failed : graph_push(g, "meta", "meta-autoload", err);
}

int mounting_take_graph(struct mounting *c, struct graph *g, struct err *err)
{
    int failed = prepare(c, g, err);

    if (failed) {
        graph_free(g);
        return failed;
    }
    if (c->started) {
        volume_offer(mount_volume(c->mount), g);
        return 0;
    }
    failed = volume_start(mount_volume(c->mount), g, err);
    if (failed)
        return failed;
    c->started = true;
    return mount_start(c->mount, err);
}

void mounting_end(struct mounting *c, void (*ended)(void *data), void *data)
{
    mount_end(c->mount, ended, data);
}
