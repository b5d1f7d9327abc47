/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "volinfo.h"

#include <stdlib.h>
#include <string.h>

#include "option-table.h"
#include "option-value.h"
#include "util.h"

struct volinfo *volinfo_new(const char *name)
{
    struct volinfo *v = calloc(1, sizeof *v);
    if (v && !(v->name = strdup(name))) {
        free(v);
        return NULL;
    }
    if (v)
        v->replica_count = 1;
    return v;
}

void brickinfo_done(struct brickinfo *b)
{
    free(b->host);
    free(b->path);
    free(b->real_path);
    free(b->id);
    free(b->mount_dir);
    free(b->fsid);
    pairs_done(&b->other);
}

void volinfo_free(struct volinfo *v)
{
    if (!v)
        return;
    for (unsigned int i = 0; i < v->nr_bricks; i++)
        brickinfo_done(&v->bricks[i]);
    free(v->bricks);
    free(v->name);
    free(v->username);
    free(v->password);
    pairs_done(&v->options);
    pairs_done(&v->other);
    pairs_done(&v->node_state);
    free(v);
}

static bool copy_text(char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return !from || *to;
}

static bool copy_brick(struct brickinfo *to, const struct brickinfo *from)
{
    *to = *from;
    to->host = to->path = to->real_path = to->id = to->mount_dir = to->fsid = NULL;
    to->other = (struct pairs){0};
    return copy_text(&to->host, from->host) && copy_text(&to->path, from->path) && copy_text(&to->real_path, from->real_path) &&
           copy_text(&to->id, from->id) && copy_text(&to->mount_dir, from->mount_dir) && copy_text(&to->fsid, from->fsid) &&
           pairs_copy(&to->other, &from->other) == 0;
}

struct volinfo *volinfo_copy(const struct volinfo *v)
{
    struct volinfo *c = volinfo_new(v->name);
    if (!c)
        return NULL;
    char *name = c->name;
    *c = *v;
    c->name = name;
    c->username = c->password = NULL;
    c->options = c->other = c->node_state = (struct pairs){0};
    c->bricks = NULL;
    c->nr_bricks = 0;
    bool whole = copy_text(&c->username, v->username) && copy_text(&c->password, v->password) &&
                 pairs_copy(&c->options, &v->options) == 0 && pairs_copy(&c->other, &v->other) == 0 &&
                 pairs_copy(&c->node_state, &v->node_state) == 0;
    for (unsigned int i = 0; whole && i < v->nr_bricks; i++) {
        struct brickinfo *b = volinfo_add_brick(c);
        whole = b && copy_brick(b, &v->bricks[i]);
    }
    if (whole)
        return c;
    volinfo_free(c);
    return NULL;
}

struct brickinfo *volinfo_add_brick(struct volinfo *v)
{
    struct brickinfo *more = reallocarray(v->bricks, v->nr_bricks + 1, sizeof *more);
    if (!more)
        return NULL;
    v->bricks = more;
    more += v->nr_bricks++;
    *more = (struct brickinfo){0};
    return more;
}

void volinfo_remove_brick(struct volinfo *v, unsigned int i)
{
    brickinfo_done(&v->bricks[i]);
    v->nr_bricks--;
    memmove(&v->bricks[i], &v->bricks[i + 1], (v->nr_bricks - i) * sizeof *v->bricks);
}

void volinfo_move_brick(struct volinfo *v, unsigned int from, unsigned int to)
{
    struct brickinfo moved = v->bricks[from];
    memmove(&v->bricks[to + 1], &v->bricks[to], (from - to) * sizeof *v->bricks);
    v->bricks[to] = moved;
}

unsigned int volinfo_subvolumes(const struct volinfo *v)
{
    return v->sub_count ? v->nr_bricks / v->sub_count : v->nr_bricks;
}

unsigned int volinfo_shown_type(const struct volinfo *v)
{
    return v->type != VOLUME_PLAIN && v->nr_bricks > v->sub_count ? (unsigned int)v->type + 5 : (unsigned int)v->type;
}

const char *volinfo_type_name(unsigned int shown)
{
    static const char *const names[] = {"Distribute", "Stripe", "Replicate", "Striped-Replicate", "Disperse", "Tier", "Distributed-Stripe",
                                        "Distributed-Replicate", "Distributed-Striped-Replicate", "Distributed-Disperse"};
    return shown < array_len(names) ? names[shown] : "Unknown";
}

const char *volinfo_option(const struct volinfo *v, const char *key)
{
    const char *set = pairs_get(&v->options, key);
    if (set)
        return set;
    const struct volopt *o = volopt_find(key);
    return o && strcmp(o->key, key) == 0 ? o->def : NULL;
}

bool volinfo_is_on(const struct volinfo *v, const char *key)
{
    const char *value = volinfo_option(v, key);
    bool on = false;
    return value && parse_bool(value, &on) == 0 && on;
}

char *path_dashed(const char *path, bool leading)
{
    char *text = strdup(leading || path[0] != '/' ? path : path + 1);
    if (text)
        for (char *c = text; *c; c++)
            if (*c == '/')
                *c = '-';
    return text;
}
