/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volumes.c: the list of volumes, and how a changed one takes the place of the old. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "glusterd.h"
#include "hooks.h"
#include "log.h"
#include "option-table.h"
#include "option-value.h"
#include "shd.h"

struct volview *volview_ref(struct volview *w)
{
    atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed); /* the caller has one, so it cannot go meanwhile */
    return w;
}

void volview_unref(struct volview *w)
{
    /* Release and acquire: whoever frees sees what the others did with it. */
    if (!w || atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) > 1)
        return;
    volinfo_free(w->v);
    free(w);
}

struct volview *volumes_get(struct glusterd *gd, const char *name)
{
    SCOPED_LOCK(&gd->lock);
    for (struct volview *w = gd->volumes; w; w = w->next)
        if (strcmp(w->v->name, name) == 0)
            return volview_ref(w);
    return NULL;
}

int volumes_publish(struct glusterd *gd, struct volinfo *v)
{
    struct volview *new = calloc(1, sizeof *new), *old = NULL;
    if (!new) {
        volinfo_free(v);
        return -ENOMEM;
    }
    *new = (struct volview){.refs = 1, .v = v};
    pthread_mutex_lock(&gd->lock);
    struct volview **at = &gd->volumes;
    while (*at && strcmp((*at)->v->name, v->name) < 0)
        at = &(*at)->next;
    if (*at && strcmp((*at)->v->name, v->name) == 0) {
        old = *at;
        *at = old->next;
    }
    new->next = *at;
    *at = new;
    pthread_mutex_unlock(&gd->lock);
    volview_unref(old);
    return 0;
}

void volumes_remove(struct glusterd *gd, const char *name)
{
    struct volview *old = NULL;
    pthread_mutex_lock(&gd->lock);
    struct volview **at = &gd->volumes;
    while (*at && strcmp((*at)->v->name, name) != 0)
        at = &(*at)->next;
    if (*at) {
        old = *at;
        *at = old->next;
    }
    pthread_mutex_unlock(&gd->lock);
    volview_unref(old);
}

struct volview **volumes_all(struct glusterd *gd, size_t *ret_n)
{
    size_t n = 0;
    SCOPED_LOCK(&gd->lock);
    for (struct volview *w = gd->volumes; w; w = w->next)
        n++;
    struct volview **all = calloc(n + 1, sizeof *all);
    *ret_n = 0;
    for (struct volview *w = all ? gd->volumes : NULL; w; w = w->next)
        all[(*ret_n)++] = volview_ref(w);
    return all;
}

void volumes_free(struct volview **all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        volview_unref(all[i]);
    free(all);
}

/* ---- what follows from a volume --------------------------------------------------------------------------------------------- */

/* The least version that servers and clients have to know (spec management 1.4). */
void volume_op_versions(struct volinfo *v)
{
    unsigned int server = 1, client = 1;
    for (size_t i = 0; i < nr_volopts; i++) {
        const struct volopt *o = &volopts[i];
        const char *value = pairs_get(&v->options, o->key);
        bool on = false;
        if (!value || (volopt_is_bool(o) && parse_bool(value, &on) == 0 && !on))
            continue;
        server = max_of(server, o->op_version);
        if (o->flags & VOLOPT_CLIENT)
            client = max_of(client, o->op_version);
    }
    if (volinfo_is_on(v, "performance.open-behind")) {
        server = max_of(server, 2u);
        client = max_of(client, 2u);
    }
    if (v->type == VOLUME_DISPERSE) {
        server = max_of(server, 30600u);
        client = max_of(client, 30600u);
    }
    v->op_version = server;
    v->client_op_version = client;
}

static int write_file(struct glusterd *gd, const struct volinfo *v, char *text, struct err *err, const char *fmt, ...) PRINTF(5, 6);
static int write_file(struct glusterd *gd, const struct volinfo *v, char *text, struct err *err, const char *fmt, ...)
{
    char path[8400], name[4200], *old = NULL;
    size_t size = 0;
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    if (!text || len >= (int)sizeof name) {
        free(text);
        return err_set(err, -ENOMEM, "volume %s: no memory", v->name);
    }
    snprintf(path, sizeof path, "%s/vols/%s/%s", gd->workdir, v->name, name);
    /* An unchanged file stays as it is. */
    FILE *f = fopen(path, "re");
    bool same = f && getdelim(&old, &size, '\0', f) > 0 && strcmp(old, text) == 0;
    if (f)
        fclose(f);
    int r = same ? 0 : store_write_text(path, text, false, err);
    if (r == 0 && !same)
        filters_run(gd, path);
    free(old);
    free(text);
    return r;
}

int volume_write_brick_file(struct glusterd *gd, const struct volinfo *v, unsigned int i, struct err *err)
{
    const struct volgen g = {.volume = v, .workdir = gd->workdir, .own_uuid = gd->uuid, .bind_address = gd->bind_address};
    char *dashed = path_dashed(v->bricks[i].path, false);
    int r = dashed ? write_file(gd, v, volgen_brick(&g, i), err, "%s.%s.%s.vol", v->name, v->bricks[i].host, dashed)
                   : err_set(err, -ENOMEM, "volume %s: no memory", v->name);
    free(dashed);
    return r;
}

void volume_forget_brick_file(struct glusterd *gd, const struct volinfo *v, unsigned int i)
{
    char path[8400], *dashed = path_dashed(v->bricks[i].path, false);
    snprintf(path, sizeof path, "%s/vols/%s/%s.%s.%s.vol", gd->workdir, v->name, v->name, v->bricks[i].host, dashed ? dashed : "");
    if (dashed)
        unlink(path);
    free(dashed);
}

int volume_write_files(struct glusterd *gd, const struct volinfo *v, struct err *err)
{
    const struct volgen g = {.volume = v, .workdir = gd->workdir, .own_uuid = gd->uuid, .bind_address = gd->bind_address};
    int r = 0;
    for (unsigned int i = 0; r == 0 && i < v->nr_bricks; i++)
        r = volume_write_brick_file(gd, v, i, err);
    if (r == 0)
        r = write_file(gd, v, volgen_client(&g, false), err, "%s.tcp-fuse.vol", v->name);
    if (r == 0)
        r = write_file(gd, v, volgen_client(&g, true), err, "trusted-%s.tcp-fuse.vol", v->name);
    if (r == 0 && v->type != VOLUME_PLAIN)
        r = write_file(gd, v, volgen_shd(&g), err, "%s-shd.vol", v->name);
    if (r == 0 && volinfo_subvolumes(v) > 1)
        r = write_file(gd, v, volgen_rebalance(&g), err, "%s-rebalance.vol", v->name);
    if (r == 0)
        r = write_file(gd, v, volgen_gfproxyd(&g), err, "%s.gfproxyd.vol", v->name);
    if (r == 0)
        r = write_file(gd, v, volgen_gfproxy_client(&g), err, "trusted-%s.tcp-gfproxy-fuse.vol", v->name);
    return r;
}

int volume_keep_state(struct glusterd *gd, struct volinfo *v, struct err *err)
{
    int r = store_save_state(gd->workdir, v, err);
    if (r < 0) {
        volinfo_free(v);
        return r;
    }
    return volumes_publish(gd, v) < 0 ? err_set(err, -ENOMEM, "no memory") : 0;
}

int volume_commit(struct command *c, struct volinfo *v)
{
    struct err err = {""};
    char name[257];
    snprintf(name, sizeof name, "%s", v->name);
    struct volview *before = volumes_get(c->gd, name);
    bool healed = v->type != VOLUME_PLAIN || (before && before->v->type != VOLUME_PLAIN);
    volview_unref(before);
    hook_pre(c);
    v->version++;
    if (store_save_volume(c->gd->workdir, v, &err) < 0) {
        volinfo_free(v);
        return command_fail(c, "Failed to store the Volume information: %s", err.text);
    }
    /* From here on it is so. The files follow from it and are made again at the next start, should they fail now. */
    if (volume_write_files(c->gd, v, &err) < 0)
        log_error("glusterd", "%s", err.text);
    if (volumes_publish(c->gd, v) < 0)
        return command_fail(c, "no memory");
    volume_tell_clients(c->gd, name);
    if (healed && shd_follow(c->gd, &err) < 0) /* the change stands; whoever asks for a heal hears what is missing */
        log_error("glusterd", "%s", err.text);
    return 0;
}
