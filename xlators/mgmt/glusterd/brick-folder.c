/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "brick-folder.h"

#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "glusterd.h"
#include "log.h"
#include "store-impl.h"
#include "util.h"

#define PATH_MAX_BYTES 4095

/* ---- the folder of a brick ------------------------------------------------------------------------------------------------- */

static bool id_bytes(const char *text, uint8_t id[16])
{
    size_t n = 0;
    for (const char *at = text; *at && n < 16; at++) {
        unsigned int byte;
        if (*at != '-' && sscanf(at, "%2x", &byte) == 1) {
            id[n++] = (uint8_t)byte;
            at++;
        }
    }
    return n == 16;
}

static bool inside(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0' || (len && folder[len - 1] == '/'));
}

/* A folder that a command under way makes a brick of. Its volume is published when all of them are looked at; until then another command
 * would not see it. */
struct place {
    struct place *next;
    const struct command *owner;
    char path[];
};

static bool overlap(const char *a, const char *b)
{
    return inside(a, b) || inside(b, a);
}

static bool taken_locked(const struct command *c, const char *real_path)
{
    const struct glusterd *gd = c->gd;
    for (const struct volview *w = gd->volumes; w; w = w->next)
        for (unsigned int k = 0; k < w->v->nr_bricks; k++) {
            const struct brickinfo *b = &w->v->bricks[k];
            if (overlap(real_path, b->real_path) && strcmp(b->owner, gd->uuid) == 0)
                return true;
        }
    for (const struct place *p = gd->places; p; p = p->next)
        if (p->owner != c && overlap(real_path, p->path))
            return true;
    return false;
}

/* Until the command's end nobody else may have it. */
static int place_take(struct command *c, const char *real_path)
{
    size_t len = strlen(real_path) + 1;
    struct place *p = malloc(sizeof *p + len);
    if (!p)
        return -ENOMEM;
    p->owner = c;
    memcpy(p->path, real_path, len);
    pthread_mutex_lock(&c->gd->lock);
    bool taken = taken_locked(c, real_path);
    if (!taken) {
        p->next = c->gd->places;
        c->gd->places = p;
    }
    pthread_mutex_unlock(&c->gd->lock);
    if (taken)
        free(p);
    return taken ? -EBUSY : 0;
}

void places_give(struct command *c)
{
    SCOPED_LOCK(&c->gd->lock);
    for (struct place **at = &c->gd->places; *at;) {
        struct place *p = *at;
        if (p->owner == c) {
            *at = p->next;
            free(p);
        } else {
            at = &p->next;
        }
    }
}

static bool has_mark(const char *path, const struct volinfo *v)
{
    uint8_t mark[16], id[16];
    return lgetxattr(path, "trusted.glusterfs.volume-id", mark, sizeof mark) == sizeof mark && id_bytes(v->id, id) &&
           memcmp(mark, id, sizeof id) == 0;
}

/* P and each of its parents: does one carry another volume's mark? What has this volume's and never served it, a command left that died. */
static int look_for_marks(struct command *c, const struct volinfo *v, const char *path)
{
    char at[PATH_MAX_BYTES + 1], gfid[64];
    snprintf(at, sizeof at, "%s", path);
    if (has_mark(path, v) && lgetxattr(path, "trusted.gfid", gfid, sizeof gfid) < 0)
        return 0;
    for (;;) {
        char value[64];
        if (lgetxattr(at, "trusted.glusterfs.volume-id", value, sizeof value) > 0 || lgetxattr(at, "trusted.gfid", value, sizeof value) > 0)
            return command_fail(c, "%s%s is already part of a volume", strcmp(at, path) == 0 ? "" : "parent directory ", at);
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

/* Where the folder is, or will be. */
static int real_path_of(const char *path, bool there, char ret[PATH_MAX_BYTES + 1])
{
    if (there)
        return realpath(path, ret) ? 0 : -errno;
    char *parent = parent_of(path);
    const char *name = strrchr(path, '/');
    int r = !parent ? -ENOMEM : realpath(parent, ret) ? 0 : -errno;
    free(parent);
    if (r < 0)
        return r;
    size_t len = strcmp(ret, "/") == 0 ? 0 : strlen(ret);
    return snprintf(ret + len, PATH_MAX_BYTES + 1 - len, "%s", name) > (int)(PATH_MAX_BYTES - len) ? -ENAMETOOLONG : 0;
}

/* Fills in what the file system says. made: the folder is new. */
int brick_folder_check(struct command *c, struct volinfo *v, unsigned int at, bool force, bool *made)
{
    struct brickinfo *b = &v->bricks[at];
    struct glusterd *gd = c->gd;
    struct stat st, above, root;
    struct statvfs fs;
    char real[PATH_MAX_BYTES + 1];
    *made = false;
    if (strlen(b->path) > PATH_MAX_BYTES)
        return command_fail(c, "brick path %s is too long.", b->path);
    if (strlen(v->name) + strlen(b->host) + strlen(b->path) + strlen(".." ".vol.tmp") > NAME_MAX) /* its volume file's name has all three */
        return command_fail(c, "brick path %s is too long: with the names of volume and host it makes a file name of more than %d bytes",
                            b->path, NAME_MAX);
    if (inside(b->path, gd->workdir))
        return command_fail(c, "Brick isn't allowed to be created inside glusterd's working directory.");
    bool there = lstat(b->path, &st) == 0;
    if (there && !S_ISDIR(st.st_mode))
        return command_fail(c, "The provided path %s which is already present, is not a directory", b->path);
    int r = real_path_of(b->path, there, real);
    if (r == 0) /* before it is made: what another command has made is not ours to remove */
        r = place_take(c, real);
    if (r == -EBUSY)
        return command_fail(c, "Brick: %s:%s not available. Brick may be containing or be contained by an existing brick.", b->host,
                            b->path);
    if (r == 0 && !there && mkdir(b->path, 0755) < 0)
        r = -errno;
    if (r < 0)
        return command_fail(c, "Failed to create brick directory for brick %s:%s. Reason : %s ", b->host, b->path, strerror(-r));
    *made = !there;
    char *parent = parent_of(b->path);
    bool known = parent && stat(b->path, &st) == 0 && stat(parent, &above) == 0 && stat("/", &root) == 0;
    free(parent);
    if (!known)
        return command_fail(c, "%s:%s: %s", b->host, b->path, strerror(errno));
    for (unsigned int i = 0; i < v->nr_bricks; i++) {
        const struct brickinfo *other = &v->bricks[i];
        if (other != b && other->real_path && (inside(real, other->real_path) || inside(other->real_path, real)))
            return command_fail(c, "Brick: %s:%s not available. Brick may be containing or be contained by an existing brick.", b->host,
                                b->path);
    }
    if (!force && st.st_dev != above.st_dev)
        return command_fail(c,
                            "The brick %s:%s is a mount point. Please create a sub-directory under the mount point and use that as the "
                            "brick directory. Or use 'force' at the end of the command if you want to override this behavior.",
                            b->host, b->path);
    if (!force && st.st_dev == root.st_dev)
        return command_fail(c,
                            "The brick %s:%s is being created in the root partition. It is recommended that you don't use the system's "
                            "root partition for storage backend. Or use 'force' at the end of the command if you want to override this "
                            "behavior.",
                            b->host, b->path);
    if (!force && look_for_marks(c, v, real) < 0)
        return -1;
    if (lsetxattr(b->path, "trusted.glusterfs.test", "working", 7, 0) < 0 || lremovexattr(b->path, "trusted.glusterfs.test") < 0)
        return command_fail(c, "Glusterfs is not supported on brick: %s:%s.\nSetting extended attributes failed, reason: %s.", b->host,
                            b->path, strerror(errno));
    b->real_path = strdup(real);
    b->mount_dir = below_mount(real);
    if (statvfs(b->path, &fs) < 0 || asprintf(&b->fsid, "%llu", (unsigned long long)fs.f_fsid) < 0)
        b->fsid = strdup("0");
    return b->real_path && b->mount_dir && b->fsid ? 0 : command_fail(c, "no memory");
}

/* A brick of this volume from here on: the mark, and the folder that GlusterFS looks for. With force an old mark is written over. */
int brick_folder_mark(struct command *c, const struct volinfo *v, unsigned int at)
{
    const struct brickinfo *b = &v->bricks[at];
    char path[PATH_MAX_BYTES + 32];
    uint8_t id[16];
    id_bytes(v->id, id);
    snprintf(path, sizeof path, "%s/.glusterfs", b->path);
    if (lsetxattr(b->path, "trusted.glusterfs.volume-id", id, sizeof id, 0) < 0 || (mkdir(path, 0600) < 0 && errno != EEXIST))
        return command_fail(c, "Failed to set extended attribute trusted.glusterfs.volume-id on %s. Reason : %s", b->path, strerror(errno));
    return 0;
}

int brick_folder_is_behind(struct command *c, const struct brickinfo *b)
{
    static const uint8_t entries_pending[12] = {[11] = 1};
    if (lsetxattr(b->path, "trusted.afr.dirty", entries_pending, sizeof entries_pending, 0) == 0)
        return 0;
    return command_fail(c, "Failed to set extended attribute trusted.afr.dirty on %s. Reason : %s", b->path, strerror(errno));
}

void brick_folder_unmark(const struct brickinfo *b)
{
    lremovexattr(b->path, "trusted.afr.dirty");
    lremovexattr(b->path, "trusted.glusterfs.volume-id");
}

void brick_folder_unmake(const struct brickinfo *b)
{
    char path[PATH_MAX_BYTES + 32];
    snprintf(path, sizeof path, "%s", b->path);
    store_remove_all(path, NULL); /* what is in it is a brick's that has served nobody */
}

/* ---- names ------------------------------------------------------------------------------------------------------------------------- */

/* The number behind the last dash of "V-client-N". */
static unsigned int number_of(const char *id)
{
    const char *dash = strrchr(id, '-');
    return dash ? (unsigned int)strtoul(dash + 1, NULL, 10) : 0;
}

/* One more than that of any brick. */
static unsigned int next_number(const struct volinfo *v)
{
    unsigned int next = 0;
    for (unsigned int i = 0; i < v->nr_bricks; i++)
        if (v->bricks[i].id)
            next = max_of(next, number_of(v->bricks[i].id) + 1);
    return next;
}

int brick_parse(struct command *c, char *word, struct brickinfo *b)
{
    char *colon = strstr(word, ":/");
    if (!colon || strchr(word, '\n'))
        return command_fail(c, "brick %s is not HOST:/PATH; a path must not contain blanks", word);
    *colon = '\0';
    char *path = colon + 1;
    for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
        path[len - 1] = '\0';
    if (!(b->host = strdup(word)) || !(b->path = strdup(path)))
        return command_fail(c, "no memory");
    if (!node_is_own_host(b->host))
        return command_fail(c, "Host %s is not in 'Peer in Cluster' state", b->host);
    memcpy(b->owner, c->gd->uuid, UUID_TEXT);
    return 0;
}

int brick_folders_parse(struct command *c, struct volinfo *v, const char *bricks)
{
    char *copy = strdup(bricks), *at = copy, *word;
    int r = copy ? 0 : command_fail(c, "no memory");
    while (r == 0 && (word = strsep(&at, " "))) {
        if (*word == '\0')
            continue;
        unsigned int number = next_number(v);
        struct brickinfo *b = volinfo_add_brick(v);
        r = b ? brick_parse(c, word, b) : command_fail(c, "no memory");
        if (r == 0 && asprintf(&b->id, "%s-client-%u", v->name, number) < 0) {
            b->id = NULL;
            r = command_fail(c, "no memory");
        }
    }
    free(copy);
    return r;
}
