/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a mount shows of itself, in the statedump and in `.meta/root`. The keys are GlusterFS's where it has them (spec brick 7.7). */
#include <stdio.h>

#include "master.h"
#include "mount-impl.h"
#include "process.h"
#include "statedump.h"

static void dump_mount(const struct master *master, struct dump *d)
{
    const struct mount *m = master->host;
    const struct mount_conf *conf = &m->conf;
    struct volume_counts counts = volume_counts(m->volume);
    static const char *const choices[] = {[CHOICE_AUTO] = "0", [CHOICE_NO] = "0", [CHOICE_YES] = "1"};

    dump_kv(d, "fd", "%d", m->fd);
    dump_kv(d, "proto_minor", "%u", m->proto_minor);
    dump_kv(d, "volfile", "%s", m->process->volfile ? m->process->volfile : "None");
    dump_kv(d, "mount_point", "%s", conf->point);
    dump_kv(d, "fuse_thread_started", "%d", atomic_load(&m->readers_left) > 0);
    dump_kv(d, "direct_io_mode", "%s", choices[conf->direct_io]);
    dump_kv(d, "entry_timeout", "%f", conf->entry_timeout);
    dump_kv(d, "attribute_timeout", "%f", conf->attribute_timeout);
    dump_kv(d, "negative_timeout", "%f", conf->negative_timeout);
    dump_kv(d, "init_recvd", "%d", m->proto_minor != 0);
    dump_kv(d, "reverse_thread_started", "%d", m->notifier != NULL);
    dump_kv(d, "invalidate_limit", "%u", conf->invalidate_limit);
    dump_kv(d, "invalidate_queue_length", "%u", m->notifier ? notifier_queued(m->notifier) : 0);
    dump_kv(d, "use_readdirp", "%d", conf->readdirp);
    dump_kv(d, "readers", "%u", m->nr_readers);
    dump_kv(d, "requests_running", "%u", counts.running);
    dump_kv(d, "requests_waiting", "%u", counts.waiting);
    dump_kv(d, "open_files", "%u", counts.files);
    dump_kv(d, "graph_switches", "%u", counts.generation);
    dump_kv(d, "volume_up", "%d", counts.up);
}

static void dump_history(const struct master *master, struct dump *d)
{
    const struct mount *m = master->host;

    if (m->history)
        history_dump(m->history, d);
}

/* ---- objects that the kernel knows --------------------------------------------------------------------------------------- */

struct objects {
    struct dump *dump;
    unsigned int n;
    bool print;
};

static void dump_object(struct vnode *vn, void *ctx)
{
    struct objects *o = ctx;
    char gfid[GFID_TEXT];

    o->n++;
    if (!o->print)
        return;
    dump_section(o->dump, "xlator.mount.fuse.itable.active.%u", o->n);
    dump_kv(o->dump, "gfid", "%s", gfid_text(vnode_gfid(vn), gfid));
    dump_kv(o->dump, "nlookup", "%llu", (unsigned long long)vnode_counted(vn));
    dump_kv(o->dump, "fd-count", "%u", vnode_nr_files(vn));
    dump_kv(o->dump, "ia_type", "%u", iatt_type(vnode_type(vn)));
}

static void dump_objects(const struct master *master, struct dump *d)
{
    const struct mount *m = master->host;
    struct objects o = {.dump = d};

    volume_each_vnode(m->volume, dump_object, &o);
    dump_section(d, "xlator.mount.fuse.itable");
    dump_kv(d, "xlator.mount.fuse.itable.lru_limit", "%u", m->conf.lru_limit);
    dump_kv(d, "xlator.mount.fuse.itable.active_size", "%u", o.n);
    dump_kv(d, "xlator.mount.fuse.itable.lru_size", "%u", volume_idle(m->volume));
    o = (struct objects){.dump = d, .print = true};
    volume_each_vnode(m->volume, dump_object, &o);
}

/* ---- the master ---------------------------------------------------------------------------------------------------------- */

static void option_seconds(struct optset *o, const char *key, double value)
{
    char text[32];

    snprintf(text, sizeof(text), "%f", value);
    optset_add(o, key, text, NULL, 0);
}

static void option_number(struct optset *o, const char *key, unsigned int value)
{
    char text[32];

    snprintf(text, sizeof(text), "%u", value);
    optset_add(o, key, text, NULL, 0);
}

/* Without memory one is not shown. */
void mount_show(struct mount *m)
{
    const struct mount_conf *conf = &m->conf;
    struct optset *o = &m->master.options;

    m->master = (struct master){.type = "mount/fuse", .name = "fuse", .host = m, .volume = m->volume, .dump = dump_mount,
                                .dump_history = dump_history, .dump_objects = dump_objects};
    optset_add(o, "mountpoint", conf->point, NULL, 0);
    option_seconds(o, "attribute-timeout", conf->attribute_timeout);
    option_seconds(o, "entry-timeout", conf->entry_timeout);
    option_seconds(o, "negative-timeout", conf->negative_timeout);
    option_number(o, "auto-invalidation", conf->auto_invalidation);
    option_number(o, "invalidate-limit", conf->invalidate_limit);
    option_number(o, "lru-limit", conf->lru_limit);
    option_number(o, "reader-thread-count", conf->readers);
    optset_add(o, "no-root-squash", conf->client_pid == NO_ROOT_SQUASH_PID ? "enable" : "disable", NULL, 0);
    optset_add(o, "use-readdirp", conf->readdirp ? "on" : "off", NULL, 0);
    optset_add(o, "kernel-writeback-cache", conf->writeback ? "on" : "off", NULL, 0);
    if (m->history)
        optset_add(o, "event-history", "on", NULL, 0);
    m->process->master = &m->master;
}

void mount_hide(struct mount *m)
{
    if (m->process->master == &m->master)
        m->process->master = NULL;
    optset_done(&m->master.options);
}
