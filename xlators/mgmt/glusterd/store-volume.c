/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* store-volume.c: a volume as files: info, bricks/HOST:PATH, node_state.info, cksum. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "iatt.h"
#include "option-table.h"
#include "store-impl.h"
#include "store.h"
#include "util.h"

/* ---- the checksum ---------------------------------------------------------------------------------------------------------- */

static void checksum_chunk(uint8_t c[4], const uint8_t *text, size_t n)
{
    static const uint8_t start[4] = {0xba, 0xbe, 0xb0, 0x0b};
    if (!(c[0] | c[1] | c[2] | c[3]))
        memcpy(c, start, 4);
    for (size_t i = 0; i + 4 < n; i += 4)
        for (size_t j = 0; j < 4; j++)
            c[j] ^= (uint8_t)(text[i + j] << j);
    for (size_t r = 0; n >= 4 && r <= n % 4; r++)
        c[r] ^= (uint8_t)(text[n - 4 + r] << r);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

uint32_t store_checksum(const char *info, size_t len)
{
    uint8_t c[4] = {0};
    size_t n = 0, used = 0;
    char *copy = strndup(info, len), *sorted = malloc(len + 1);
    char **lines = calloc(len + 1, sizeof *lines);
    if (copy && sorted && lines) {
        for (char *at = copy, *end; (end = strchr(at, '\n')); at = end + 1) {
            *end = '\0';
            lines[n++] = at;
        }
        qsort(lines, n, sizeof *lines, by_text);
        for (size_t i = 0; i < n; i++) {
            size_t l = strlen(lines[i]);
            memcpy(sorted + used, lines[i], l);
            sorted[used + l] = '\n';
            used += l + 1;
        }
        for (size_t at = 0; at < used; at += 1024)
            checksum_chunk(c, (const uint8_t *)sorted + at, min_of(used - at, (size_t)1024));
    }
    free(copy);
    free(sorted);
    free(lines);
    return (uint32_t)c[0] | (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16 | (uint32_t)c[3] << 24;
}

/* ---- reading --------------------------------------------------------------------------------------------------------------- */

/* Lines of info that are numbers of ours. */
static const struct {
    const char *key;
    size_t offset;
} numbers[] = {
    {"sub_count", offsetof(struct volinfo, sub_count)},
    {"replica_count", offsetof(struct volinfo, replica_count)},
    {"arbiter_count", offsetof(struct volinfo, arbiter_count)},
    {"disperse_count", offsetof(struct volinfo, disperse_count)},
    {"redundancy_count", offsetof(struct volinfo, redundancy_count)},
    {"version", offsetof(struct volinfo, version)},
    {"transport-type", offsetof(struct volinfo, transport)},
    {"op-version", offsetof(struct volinfo, op_version)},
    {"client-op-version", offsetof(struct volinfo, client_op_version)},
    {"quota-version", offsetof(struct volinfo, quota_version)},
    {"thin_arbiter_count", offsetof(struct volinfo, thin_arbiter_count)},
};
/* Lines that are no options and that we only write back. */
static const char *const kept[] = {"stripe_count", "tier-enabled", "parent_volname", "restored_from_snap", "snap-max-hard-limit"};

static bool is_kept(const char *key)
{
    for (size_t i = 0; i < array_len(kept); i++)
        if (strcmp(key, kept[i]) == 0)
            return true;
    return strncmp(key, "secondary", 9) == 0 || strncmp(key, "slave", 5) == 0 || strncmp(key, "ta-brick-", 9) == 0;
}

static char *copy_or_empty(const struct pairs *p, const char *key)
{
    const char *value = pairs_get(p, key);
    return strdup(value ? value : "");
}

static int load_brick(const char *folder, struct volinfo *v, const char *entry, struct err *err)
{
    static const char *const known[] = {"uuid", "hostname", "path", "real_path", "listen-port", "rdma.listen-port", "decommissioned",
                                        "brick-id", "mount_dir", "brick-fsid"};
    char path[8400];
    struct pairs p = {0};
    if (strchr(entry, '/'))
        return err_set(err, -EINVAL, "%s/info: brick %s: a name with a slash", folder, entry);
    snprintf(path, sizeof path, "%s/bricks/%s", folder, entry);
    int r = store_read_pairs(path, &p, err);
    if (r < 0)
        return r;
    const char *uuid = pairs_get(&p, "uuid"), *number;
    struct brickinfo *b = volinfo_add_brick(v);
    if (!uuid || strlen(uuid) != UUID_TEXT - 1 || !pairs_get(&p, "hostname") || !pairs_get(&p, "path") || !pairs_get(&p, "brick-id"))
        r = err_set(err, -EINVAL, "%s: uuid, hostname, path or brick-id is missing", path);
    if (r == 0 && b) {
        memcpy(b->owner, uuid, UUID_TEXT);
        b->host = copy_or_empty(&p, "hostname");
        b->path = copy_or_empty(&p, "path");
        b->real_path = copy_or_empty(&p, pairs_get(&p, "real_path") ? "real_path" : "path");
        b->id = copy_or_empty(&p, "brick-id");
        b->mount_dir = copy_or_empty(&p, "mount_dir");
        b->fsid = copy_or_empty(&p, "brick-fsid");
        b->port = (number = pairs_get(&p, "listen-port")) ? atoi(number) : 0;
        b->rdma_port = (number = pairs_get(&p, "rdma.listen-port")) ? atoi(number) : 0;
        b->decommissioned = (number = pairs_get(&p, "decommissioned")) && atoi(number) != 0;
        for (size_t i = 0; i < array_len(known); i++)
            pairs_unset(&p, known[i]);
        b->other = p;
        if (!b->host || !b->path || !b->real_path || !b->id || !b->mount_dir || !b->fsid)
            r = err_set(err, -ENOMEM, "%s: no memory", path);
        return r;
    }
    pairs_done(&p);
    return r < 0 ? r : err_set(err, -ENOMEM, "%s: no memory", path);
}

static int from_info(const char *file, const char *folder, struct volinfo *v, const struct pairs *p, struct err *err)
{
    const char *id = pairs_get(p, "volume-id"), *type = pairs_get(p, "type"), *status = pairs_get(p, "status");
    unsigned int nr_bricks = 0;
    gfid_t parsed;
    int r = 0;
    if (!id || strlen(id) != UUID_TEXT - 1 || !type || !status)
        return err_set(err, -EINVAL, "%s: volume-id, type or status is missing", file);
    if (!gfid_parse(id, &parsed)) /* it becomes part of a path */
        return err_set(err, -EINVAL, "%s: volume-id=%s is no id", file, id);
    memcpy(v->id, id, UUID_TEXT);
    v->type = (enum volume_type)atoi(type);
    v->status = (enum volume_status)atoi(status);
    if (v->type != VOLUME_PLAIN && v->type != VOLUME_REPLICATE && v->type != VOLUME_DISPERSE)
        return err_set(err, -EINVAL, "%s: type=%s is a kind of volume that GlusterFS 10 does not have", file, type);
    for (size_t i = 0; r == 0 && i < p->n; i++) {
        const char *key = p->at[i].key, *value = p->at[i].value;
        size_t k;
        for (k = 0; k < array_len(numbers) && strcmp(key, numbers[k].key) != 0; k++)
            ;
        if (k < array_len(numbers))
            *(unsigned int *)((char *)v + numbers[k].offset) = (unsigned int)strtoul(value, NULL, 10);
        else if (strcmp(key, "count") == 0)
            nr_bricks = (unsigned int)strtoul(value, NULL, 10);
        else if (strcmp(key, "username") == 0 || strcmp(key, "password") == 0) {
            char **to = key[0] == 'u' ? &v->username : &v->password;
            free(*to);
            r = (*to = strdup(value)) ? 0 : -ENOMEM;
        } else if (strncmp(key, "brick-", 6) == 0)
            r = load_brick(folder, v, value, err);
        else if (is_kept(key))
            r = pairs_set(&v->other, key, value);
        else if (strcmp(key, "volume-id") != 0 && strcmp(key, "type") != 0 && strcmp(key, "status") != 0)
            r = pairs_set(&v->options, key, value);
    }
    if (r < 0)
        return err_set(err, r, "%s: %s", file, strerror(-r));
    if (nr_bricks != v->nr_bricks || (v->sub_count && v->nr_bricks % v->sub_count))
        return err_set(err, -EINVAL, "%s: count=%u, but %u bricks in sets of %u", file, nr_bricks, v->nr_bricks, v->sub_count);
    return 0;
}

/* Options stand in the file the newest first; a volinfo has them in the order of their setting. */
static void turn_round(struct pairs *p)
{
    for (size_t i = 0; i < p->n / 2; i++) {
        struct pair swap = p->at[i];
        p->at[i] = p->at[p->n - 1 - i];
        p->at[p->n - 1 - i] = swap;
    }
}

int store_load_volume(const char *workdir, const char *name, struct volinfo **ret, struct err *err)
{
    char folder[4200], file[4300];
    struct pairs p = {0};
    snprintf(folder, sizeof folder, "%s/vols/%s", workdir, name);
    snprintf(file, sizeof file, "%s/info", folder);
    int r = store_read_pairs(file, &p, err);
    if (r < 0)
        return r;
    struct volinfo *v = volinfo_new(name);
    r = v ? from_info(file, folder, v, &p, err) : err_set(err, -ENOMEM, "%s: no memory", file);
    pairs_done(&p);
    if (r == 0) {
        turn_round(&v->options);
        snprintf(file, sizeof file, "%s/node_state.info", folder);
        if (access(file, F_OK) == 0)
            r = store_read_pairs(file, &v->node_state, err);
    }
    if (r < 0) {
        volinfo_free(v);
        return r;
    }
    *ret = v;
    return 0;
}

/* ---- writing --------------------------------------------------------------------------------------------------------------- */

static char *brick_entry(const struct brickinfo *b)
{
    char *dashed = path_dashed(b->path, true), *entry = NULL;
    if (dashed && asprintf(&entry, "%s:%s", b->host, dashed) < 0)
        entry = NULL;
    free(dashed);
    return entry;
}

static char *info_text(const struct volinfo *v)
{
    char *text = NULL;
    size_t len;
    const char *value;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    fprintf(f, "type=%d\ncount=%u\nstatus=%d\nsub_count=%u\n", (int)v->type, v->nr_bricks, (int)v->status, v->sub_count);
    if ((value = pairs_get(&v->other, "stripe_count")))
        fprintf(f, "stripe_count=%s\n", value);
    fprintf(f, "replica_count=%u\n", v->replica_count);
    if (v->arbiter_count)
        fprintf(f, "arbiter_count=%u\n", v->arbiter_count);
    fprintf(f, "disperse_count=%u\nredundancy_count=%u\nversion=%u\ntransport-type=%u\nvolume-id=%s\n", v->disperse_count,
            v->redundancy_count, v->version, v->transport, v->id);
    if (v->username)
        fprintf(f, "username=%s\npassword=%s\n", v->username, v->password ? v->password : "");
    fprintf(f, "op-version=%u\nclient-op-version=%u\nquota-version=%u\n", v->op_version, v->client_op_version, v->quota_version);
    value = pairs_get(&v->other, "tier-enabled");
    fprintf(f, "tier-enabled=%s\n", value ? value : "0");
    if (v->thin_arbiter_count)
        fprintf(f, "thin_arbiter_count=%u\n", v->thin_arbiter_count);
    value = pairs_get(&v->other, "parent_volname");
    fprintf(f, "parent_volname=%s\n", value ? value : "N/A");
    value = pairs_get(&v->other, "restored_from_snap");
    fprintf(f, "restored_from_snap=%s\n", value ? value : "00000000-0000-0000-0000-000000000000");
    value = pairs_get(&v->other, "snap-max-hard-limit");
    fprintf(f, "snap-max-hard-limit=%s\n", value ? value : "256");
    for (size_t i = v->options.n; i > 0; i--)
        fprintf(f, "%s=%s\n", v->options.at[i - 1].key, v->options.at[i - 1].value);
    for (size_t i = 0; i < v->other.n; i++) {
        const char *key = v->other.at[i].key;
        if (strncmp(key, "secondary", 9) == 0)
            fprintf(f, "%s=%s\n", key, v->other.at[i].value);
        else if (strncmp(key, "slave", 5) == 0)
            fprintf(f, "secondary%s=%s\n", key + 5, v->other.at[i].value);
    }
    for (unsigned int i = 0; i < v->nr_bricks; i++) {
        char *entry = brick_entry(&v->bricks[i]);
        fprintf(f, "brick-%u=%s\n", i, entry ? entry : "");
        free(entry);
    }
    for (size_t i = 0; i < v->other.n; i++)
        if (strncmp(v->other.at[i].key, "ta-brick-", 9) == 0)
            fprintf(f, "%s=%s\n", v->other.at[i].key, v->other.at[i].value);
    if (ferror(f) | fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}

static char *brick_text(const struct brickinfo *b)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    const char *snap = pairs_get(&b->other, "snap-status");
    if (!f)
        return NULL;
    fprintf(f, "uuid=%s\nhostname=%s\npath=%s\nreal_path=%s\nlisten-port=%d\nrdma.listen-port=%d\ndecommissioned=%d\nbrick-id=%s\n",
            b->owner, b->host, b->path, b->real_path ? b->real_path : b->path, b->port, b->rdma_port, b->decommissioned, b->id);
    for (size_t i = 0; i < b->other.n; i++)
        if (strcmp(b->other.at[i].key, "snap-status") != 0)
            fprintf(f, "%s=%s\n", b->other.at[i].key, b->other.at[i].value);
    if (b->mount_dir && *b->mount_dir)
        fprintf(f, "mount_dir=%s\n", b->mount_dir);
    fprintf(f, "snap-status=%s\nbrick-fsid=%s\n", snap ? snap : "0", b->fsid && *b->fsid ? b->fsid : "0");
    if (ferror(f) | fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}

static int put_aside(char **path, char *text, struct err *err)
{
    int r = text ? store_stage(*path, text, true, err) : err_set(err, -ENOMEM, "%s: no memory", *path);
    free(text);
    return r;
}

/* Files of bricks that the volume does not have any more. Nothing names them, so what cannot be removed does no harm. */
static void forget_bricks(const char *bricks, const struct volinfo *v)
{
    char path[8400];
    const struct dirent *e;
    DIR *d = opendir(bricks);
    while (d && (e = readdir(d))) {
        bool ours = e->d_name[0] == '.';
        for (unsigned int k = 0; !ours && k < v->nr_bricks; k++) {
            char *entry = brick_entry(&v->bricks[k]);
            ours = !entry || strcmp(entry, e->d_name) == 0;
            free(entry);
        }
        for (size_t k = 0; !ours && k < v->other.n; k++)
            ours = strcmp(v->other.at[k].value, e->d_name) == 0; /* thin arbiters */
        snprintf(path, sizeof path, "%s/%s", bricks, e->d_name);
        if (!ours)
            unlink(path);
    }
    if (d)
        closedir(d);
}

int store_save_volume(const char *workdir, const struct volinfo *v, struct err *err)
{
    char folder[4200], bricks[4300], all[4200];
    char **paths = calloc(v->nr_bricks + 4, sizeof *paths);
    size_t n = 0;
    int r = paths ? 0 : err_set(err, -ENOMEM, "volume %s: no memory", v->name);
    snprintf(folder, sizeof folder, "%s/vols/%s", workdir, v->name);
    snprintf(bricks, sizeof bricks, "%s/bricks", folder);
    snprintf(all, sizeof all, "%s/vols", workdir);
    bool new = access(folder, F_OK) < 0;
    if (r == 0)
        r = store_make_folder(folder, err);
    if (r == 0)
        r = store_make_folder(bricks, err);
    if (r == 0 && new)
        r = store_sync_folder(all, err);
    for (unsigned int i = 0; r == 0 && i < v->nr_bricks; i++) {
        char *entry = brick_entry(&v->bricks[i]);
        if (!entry || asprintf(&paths[n], "%s/%s", bricks, entry) < 0) {
            paths[n] = NULL;
            r = err_set(err, -ENOMEM, "volume %s: no memory", v->name);
        } else {
            r = put_aside(&paths[n++], brick_text(&v->bricks[i]), err);
        }
        free(entry);
    }
    char *info = r == 0 ? info_text(v) : NULL;
    struct pairs sums = {0};
    if (r == 0 && (!info || pairs_setf(&sums, "info", "%u", store_checksum(info, strlen(info))) < 0))
        r = err_set(err, -ENOMEM, "volume %s: no memory", v->name);
    if (r == 0 && v->node_state.n) {
        if (asprintf(&paths[n], "%s/node_state.info", folder) < 0)
            paths[n] = NULL, r = -ENOMEM;
        else
            r = put_aside(&paths[n++], store_text_of(&v->node_state), err);
    }
    if (r == 0) {
        if (asprintf(&paths[n], "%s/cksum", folder) < 0)
            paths[n] = NULL, r = -ENOMEM;
        else
            r = put_aside(&paths[n++], store_text_of(&sums), err);
    }
    if (r == 0) { /* info last: with it the volume is what it will be */
        if (asprintf(&paths[n], "%s/info", folder) < 0)
            paths[n] = NULL, r = -ENOMEM;
        else
            r = put_aside(&paths[n++], strdup(info), err);
    }
    pairs_done(&sums);
    for (size_t i = 0; i < n; i++) {
        if (r == 0)
            r = store_put(paths[i], err);
        else
            store_drop(paths[i]);
        free(paths[i]);
    }
    free(paths);
    free(info);
    if (r == 0)
        forget_bricks(bricks, v);
    if (r == 0)
        r = store_sync_folder(bricks, err);
    if (r == 0)
        r = store_sync_folder(folder, err);
    return r < 0 ? err_set(err, r, "volume %s: %s", v->name, strerror(-r)) : 0;
}

bool store_has_volume(const char *workdir, const char *name)
{
    char path[4300];
    snprintf(path, sizeof path, "%s/vols/%s/info", workdir, name);
    return access(path, F_OK) == 0;
}

int store_set_aside(const char *workdir, const char *name, struct err *err)
{
    char from[4300], to[4300];
    snprintf(to, sizeof to, "%s/incomplete", workdir);
    int r = store_make_folder(to, err);
    snprintf(from, sizeof from, "%s/vols/%s", workdir, name);
    snprintf(to, sizeof to, "%s/incomplete/%s", workdir, name);
    if (r == 0)
        r = store_remove_all(to, err);
    return r == 0 && rename(from, to) < 0 ? err_set(err, -errno, "%s: cannot be moved away: %s", from, strerror(errno)) : r;
}

int store_save_state(const char *workdir, const struct volinfo *v, struct err *err)
{
    char path[4300];
    snprintf(path, sizeof path, "%s/vols/%s/node_state.info", workdir, v->name);
    return store_write_pairs(path, &v->node_state, err);
}

int store_remove_volume(const char *workdir, const struct volinfo *v, struct err *err)
{
    char folder[4200], trash[4200];
    snprintf(folder, sizeof folder, "%s/vols/%s", workdir, v->name);
    snprintf(trash, sizeof trash, "%s/trash", workdir);
    int r = store_make_folder(trash, err);
    if (r < 0)
        return r;
    snprintf(trash, sizeof trash, "%s/trash/%s.deleted", workdir, v->id);
    if (rename(folder, trash) < 0)
        return err_set(err, -errno, "%s: cannot be moved away: %s", folder, strerror(errno));
    snprintf(folder, sizeof folder, "%s/vols", workdir);
    r = store_sync_folder(folder, err);
    store_remove_all(trash, NULL); /* what is left of it goes at the next start */
    return r;
}
