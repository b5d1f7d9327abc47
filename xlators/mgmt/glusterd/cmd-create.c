/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-create.c: volume create. Everything is looked at first; then the volume is written; then the bricks get their mark. What fails before
 * the volume is written leaves no folder and no mark behind. */
#include "config.h"

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "dict.h"
#include "glusterd.h"
#include "log.h"

#define NAME_MAX_BYTES 256
#define PATH_MAX_BYTES 4095

/* ---- the folder of a brick ------------------------------------------------------------------------------------------------- */

static bool inside(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0' || (len && folder[len - 1] == '/'));
}

static bool used_by_another(struct glusterd *gd, const char *real_path)
{
    size_t n;
    struct volview **all = volumes_all(gd, &n);
    bool yes = false;
    for (size_t i = 0; i < n; i++)
        for (unsigned int k = 0; k < all[i]->v->nr_bricks; k++) {
            const struct brickinfo *b = &all[i]->v->bricks[k];
            if (strcmp(b->owner, gd->uuid) == 0)
                yes |= inside(real_path, b->real_path) || inside(b->real_path, real_path);
        }
    volumes_free(all, n);
    return yes;
}

/* P and each of its parents: does one carry another volume's mark? */
static int look_for_marks(struct command *c, const char *path)
{
    char at[PATH_MAX_BYTES + 1];
    snprintf(at, sizeof at, "%s", path);
    for (;;) {
        char value[64];
        if (lgetxattr(at, "trusted.glusterfs.volume-id", value, sizeof value) > 0 || lgetxattr(at, "trusted.gfid", value, sizeof value) > 0)
            return command_fail(c, strcmp(at, path) == 0 ? "%s is already part of a volume" : "parent directory %s is already part of a volume", at);
        char *slash = strrchr(at, '/');
        if (!slash || slash == at)
            return 0;
        *slash = '\0';
    }
}

static char *parent_of(const char *path)
{
    char *parent = strdup(path), *slash = parent ? strrchr(parent, '/') : NULL;
    if (slash)
        slash[slash == parent] = '\0';
    return parent;
}

/* The path below the mount point of its file system, as info's mount_dir. */
static char *below_mount(const char *real_path)
{
    char best[PATH_MAX_BYTES + 1] = "/";
    struct mntent m, *found;
    char buffer[3 * 4096];
    FILE *f = setmntent("/proc/self/mounts", "re");
    while (f && (found = getmntent_r(f, &m, buffer, sizeof buffer)))
        if (inside(real_path, m.mnt_dir) && strlen(m.mnt_dir) >= strlen(best))
            snprintf(best, sizeof best, "%s", m.mnt_dir);
    if (f)
        endmntent(f);
    const char *rest = real_path + (strcmp(best, "/") == 0 ? 0 : strlen(best));
    return strdup(*rest ? rest : "/");
}

/* Fills in what the file system says. made: the folder is new. */
static int check_folder(struct command *c, const struct volinfo *v, struct brickinfo *b, bool force, bool *made)
{
    struct glusterd *gd = c->gd;
    struct stat st, above, root;
    struct statvfs fs;
    char real[PATH_MAX_BYTES + 1];
    *made = false;
    if (strlen(b->path) > PATH_MAX_BYTES)
        return command_fail(c, "brick path %s is too long.", b->path);
    if (inside(b->path, gd->workdir))
        return command_fail(c, "Brick isn't allowed to be created inside glusterd's working directory.");
    bool there = lstat(b->path, &st) == 0;
    if (there && !S_ISDIR(st.st_mode))
        return command_fail(c, "The provided path %s which is already present, is not a directory", b->path);
    if (!there && mkdir(b->path, 0755) < 0)
        return command_fail(c, "Failed to create brick directory for brick %s:%s. Reason : %s ", b->host, b->path, strerror(errno));
    *made = !there;
    char *parent = parent_of(b->path);
    bool known = parent && stat(b->path, &st) == 0 && stat(parent, &above) == 0 && stat("/", &root) == 0;
    free(parent);
    if (!known || !realpath(b->path, real))
        return command_fail(c, "%s:%s: %s", b->host, b->path, strerror(errno));
    if (used_by_another(gd, real))
        return command_fail(c, "Brick: %s:%s not available. Brick may be containing or be contained by an existing brick.", b->host, b->path);
    for (unsigned int i = 0; i < v->nr_bricks; i++) {
        const struct brickinfo *other = &v->bricks[i];
        if (other != b && other->real_path && (inside(real, other->real_path) || inside(other->real_path, real)))
            return command_fail(c, "Brick: %s:%s not available. Brick may be containing or be contained by an existing brick.", b->host, b->path);
    }
    if (!force && st.st_dev != above.st_dev)
        return command_fail(c,
                            "The brick %s:%s is a mount point. Please create a sub-directory under the mount point and use that as the brick directory. "
                            "Or use 'force' at the end of the command if you want to override this behavior.",
                            b->host, b->path);
    if (!force && st.st_dev == root.st_dev)
        return command_fail(c,
                            "The brick %s:%s is being created in the root partition. It is recommended that you don't use the system's root partition "
                            "for storage backend. Or use 'force' at the end of the command if you want to override this behavior.",
                            b->host, b->path);
    if (!force && look_for_marks(c, real) < 0)
        return -1;
    if (lsetxattr(b->path, "trusted.glusterfs.test", "working", 7, 0) < 0 || lremovexattr(b->path, "trusted.glusterfs.test") < 0)
        return command_fail(c, "Glusterfs is not supported on brick: %s:%s.\nSetting extended attributes failed, reason: %s.", b->host, b->path,
                            strerror(errno));
    b->real_path = strdup(real);
    b->mount_dir = below_mount(real);
    if (statvfs(b->path, &fs) < 0 || asprintf(&b->fsid, "%llu", (unsigned long long)fs.f_fsid) < 0)
        b->fsid = strdup("0");
    return b->real_path && b->mount_dir && b->fsid ? 0 : command_fail(c, "no memory");
}

/* A brick of this volume from here on: the mark, and the folder that GlusterFS looks for. With force an old mark is written over. */
static int mark_brick(struct command *c, const struct volinfo *v, const struct brickinfo *b)
{
    char path[PATH_MAX_BYTES + 32];
    uint8_t id[16];
    size_t n = 0;
    for (const char *at = v->id; *at && n < 16; at++) {
        unsigned int byte;
        if (*at != '-' && sscanf(at, "%2x", &byte) == 1) {
            id[n++] = (uint8_t)byte;
            at++;
        }
    }
    snprintf(path, sizeof path, "%s/.glusterfs", b->path);
    if (lsetxattr(b->path, "trusted.glusterfs.volume-id", id, sizeof id, 0) < 0 || (mkdir(path, 0600) < 0 && errno != EEXIST))
        return command_fail(c, "Failed to set extended attribute trusted.glusterfs.volume-id on %s. Reason : %s", b->path, strerror(errno));
    return 0;
}

/* ---- what was asked for -------------------------------------------------------------------------------------------------------- */

static int add_bricks(struct command *c, struct volinfo *v, const char *bricks, unsigned int count)
{
    char *copy = strdup(bricks), *at = copy, *word;
    int r = copy ? 0 : command_fail(c, "no memory");
    while (r == 0 && (word = strsep(&at, " "))) {
        char *colon;
        if (*word == '\0')
            continue;
        colon = strstr(word, ":/");
        if (!colon) {
            r = command_fail(c, "brick %s is not HOST:/PATH; a path must not contain blanks", word);
            break;
        }
        struct brickinfo *b = volinfo_add_brick(v);
        *colon = '\0';
        char *path = colon + 1;
        for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
            path[len - 1] = '\0';
        if (!b || !(b->host = strdup(word)) || !(b->path = strdup(path)) || asprintf(&b->id, "%s-client-%u", v->name, v->nr_bricks - 1) < 0)
            r = command_fail(c, "no memory");
        else if (!node_is_own_host(b->host))
            r = command_fail(c, "Host %s is not in 'Peer in Cluster' state", b->host);
        else
            memcpy(b->owner, c->gd->uuid, UUID_TEXT);
    }
    free(copy);
    if (r == 0 && v->nr_bricks != count)
        r = command_fail(c, "%u bricks were announced and %u given; a path must not contain blanks", count, v->nr_bricks);
    return r;
}

static int take_shape(struct command *c, struct volinfo *v)
{
    int type = command_number(c, "type", 0), replica = command_number(c, "replica-count", 1), arbiter = command_number(c, "arbiter-count", 0);
    int disperse = command_number(c, "disperse-count", 0), redundancy = command_number(c, "redundancy-count", 0);
    const char *transport = command_text(c, "transport");
    if (command_number(c, "thin-arbiter-count", 0) > 0)
        return command_fail(c, "thin-arbiter volumes are not built by this glusterd");
    if (transport && strcmp(transport, "tcp") != 0)
        return command_fail(c, "transport %s is not built by this glusterd: it serves tcp", transport);
    if (type != VOLUME_PLAIN && type != VOLUME_REPLICATE && type != VOLUME_DISPERSE)
        return command_fail(c, "volumes of type %d are not built by this glusterd", type);
    if (replica < 1 || arbiter < 0 || arbiter > 1 || disperse < 0 || redundancy < 0 || 2 * redundancy > disperse ||
        (type == VOLUME_DISPERSE && (disperse < 3 || redundancy < 1)) || (type == VOLUME_REPLICATE && replica < 2) || (arbiter && replica != 3))
        return command_fail(c, "the counts of replica, arbiter, disperse and redundancy do not fit together");
    v->type = (enum volume_type)type;
    v->replica_count = type == VOLUME_REPLICATE ? (unsigned int)replica : 1;
    v->arbiter_count = (unsigned int)arbiter;
    v->disperse_count = type == VOLUME_DISPERSE ? (unsigned int)disperse : 0;
    v->redundancy_count = type == VOLUME_DISPERSE ? (unsigned int)redundancy : 0;
    v->sub_count = type == VOLUME_REPLICATE ? v->replica_count : v->disperse_count;
    return 0;
}

static bool name_ok(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= NAME_MAX_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len && name[0] != '-';
}

static int first_options(struct volinfo *v)
{
    int r = pairs_set(&v->options, "performance.client-io-threads", "off");
    if (v->type != VOLUME_REPLICATE) {
        pairs_unset(&v->options, "performance.client-io-threads");
        r = 0;
    }
    if (r == 0)
        r = pairs_set(&v->options, "nfs.disable", "on");
    if (r == 0)
        r = pairs_set(&v->options, "transport.address-family", "inet");
    if (r == 0)
        r = pairs_set(&v->options, "storage.fips-mode-rchecksum", "on");
    if (r == 0 && v->type == VOLUME_REPLICATE)
        r = pairs_set(&v->options, "cluster.granular-entry-heal", "on");
    return r;
}

static int create_run(struct command *c)
{
    const char *name = command_text(c, "volname"), *bricks = command_text(c, "bricks");
    int count = command_number(c, "count", 0);
    bool force = command_number(c, "force", 0) != 0;
    struct err err = {""};
    if (!name || !bricks || !name_ok(name))
        return command_fail(c, "a volume's name has 1 to %d letters, digits, '-' and '_'", NAME_MAX_BYTES);
    struct volview *old = volumes_get(c->gd, name);
    volview_unref(old);
    if (old)
        return command_fail_errno(c, 0, "Volume %s already exists", name);
    if (node_uuid(c->gd, &err) < 0)
        return command_fail(c, "%s", err.text);
    struct volinfo *v = volinfo_new(name);
    char user[UUID_TEXT], password[UUID_TEXT];
    if (!v)
        return command_fail(c, "no memory");
    uuid_text(v->id);
    uuid_text(user);
    uuid_text(password);
    v->username = strdup(user);
    v->password = strdup(password);
    int r = v->username && v->password && first_options(v) == 0 ? 0 : command_fail(c, "no memory");
    if (r == 0)
        r = take_shape(c, v);
    if (r == 0)
        r = add_bricks(c, v, bricks, (unsigned int)count);
    if (r == 0 && (v->nr_bricks == 0 || (v->sub_count && v->nr_bricks % v->sub_count)))
        r = command_fail(c, "%u bricks do not make whole sets of %u", v->nr_bricks, v->sub_count);
    if (r == 0 && v->sub_count && !force) /* they are all on this machine */
        r = command_fail(c,
                         "Multiple bricks of a %s volume are present on the same server. This setup is not optimal. Bricks should be on different nodes "
                         "to have best fault tolerant configuration. Use 'force' at the end of the command if you want to override this behavior. ",
                         v->type == VOLUME_REPLICATE ? "replicate" : "disperse");
    bool *made = calloc(v->nr_bricks + 1, sizeof *made);
    if (!made)
        r = command_fail(c, "no memory");
    for (unsigned int i = 0; r == 0 && i < v->nr_bricks; i++)
        r = check_folder(c, v, &v->bricks[i], force, &made[i]);
    char id[UUID_TEXT];
    memcpy(id, v->id, sizeof id);
    if (r == 0) {
        volume_op_versions(v);
        struct volview *now;
        struct volinfo *copy = volinfo_copy(v);
        r = copy ? volume_commit(c, copy) : command_fail(c, "no memory");
        now = r == 0 ? volumes_get(c->gd, name) : NULL;
        for (unsigned int i = 0; now && r == 0 && i < v->nr_bricks; i++)
            r = mark_brick(c, now->v, &now->v->bricks[i]);
        if (r < 0 && now) { /* a brick that cannot be marked is none: take it back */
            volumes_remove(c->gd, name);
            store_remove_volume(c->gd->workdir, v, NULL);
        }
        volview_unref(now);
    }
    for (unsigned int i = 0; made && r < 0 && i < v->nr_bricks; i++) {
        char path[PATH_MAX_BYTES + 32];
        if (!made[i])
            continue;
        snprintf(path, sizeof path, "%s/.glusterfs", v->bricks[i].path);
        rmdir(path);
        rmdir(v->bricks[i].path);
    }
    free(made);
    volinfo_free(v);
    if (r == 0 && (dict_set_text(c->out, "volname", name) < 0 || dict_set_text(c->out, "volume-id", id) < 0))
        return command_fail(c, "no memory");
    return r;
}

const struct command_type create_command = {.name = "volume create", .flags = COMMAND_CHANGES | COMMAND_LOGGED, .run = create_run};
