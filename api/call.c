/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One operation in the name of the calling thread, submitted and waited for. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "impl.h"

/* ---- who asks -------------------------------------------------------------------------------------------------------------- */

/* What a thread has said of itself; all of it unset at first. */
static __thread struct {
    bool has_uid, has_gid, has_pid, has_groups, has_lease;
    uid_t uid;
    gid_t gid;
    pid_t pid;
    uint32_t *groups;
    uint32_t nr_groups;
    char lease[GLFS_LEASE_ID_SIZE];
} me;

/* The list has to go with its thread: a key only for that. */
static pthread_key_t groups_key;
static pthread_once_t groups_once = PTHREAD_ONCE_INIT;
static bool groups_can;

static void make_key(void)
{
    groups_can = pthread_key_create(&groups_key, free) == 0;
}

int glfs_setfsuid(uid_t uid)
{
    me.has_uid = true;
    me.uid = uid;
    return 0;
}

int glfs_setfsgid(gid_t gid)
{
    me.has_gid = true;
    me.gid = gid;
    return 0;
}

int glfs_setfspid(pid_t pid);
int glfs_setfspid(pid_t pid)
{
    me.has_pid = true;
    me.pid = pid;
    return 0;
}

int glfs_setfsgroups(size_t size, const gid_t *list)
{
    uint32_t *copy = NULL;

    if (size > NGROUPS_MAX || (size && !list))
        return answer(-EINVAL);
    pthread_once(&groups_once, make_key);
    if (size) {
        copy = malloc(size * sizeof(*copy));
        if (!copy || !groups_can || pthread_setspecific(groups_key, copy) != 0) {
            free(copy);
            return answer(-ENOMEM);
        }
        for (size_t i = 0; i < size; i++)
            copy[i] = list[i];
    } else if (groups_can) {
        pthread_setspecific(groups_key, NULL);
    }
    free(me.groups);
    me.groups = copy;
    me.nr_groups = (uint32_t)size;
    me.has_groups = size != 0;
    return 0;
}

int glfs_setfsleaseid(glfs_leaseid_t id)
{
    me.has_lease = id != NULL;
    if (id)
        memcpy(me.lease, id, sizeof(me.lease));
    return 0;
}

static int take_groups(struct fop *fop)
{
    gid_t here[64], *list = here;
    int n = me.has_groups ? (int)me.nr_groups : getgroups(0, NULL);
    uint32_t *to;

    if (n <= 0)
        return 0;
    to = fop_alloc(fop, (size_t)n * sizeof(*to));
    if (!to)
        return -ENOMEM;
    if (me.has_groups) {
        memcpy(to, me.groups, (size_t)n * sizeof(*to));
    } else {
        if (n > (int)array_len(here) && !(list = malloc((size_t)n * sizeof(*list))))
            return -ENOMEM;
        n = max_of(getgroups(n, list), 0);
        for (int i = 0; i < n; i++)
            to[i] = list[i];
        if (list != here)
            free(list);
    }
    fop->cred.groups = to;
    fop->cred.nr_groups = (uint32_t)n;
    return 0;
}

/* Whose locks are whose, where nobody has said so: the volume's, as a process's are for fcntl(2). */
static void default_owner(const struct glfs *fs, struct cred *c)
{
    uintptr_t v = (uintptr_t)fs;

    memcpy(c->owner, &v, sizeof(v));
    c->owner_len = sizeof(v);
}

void call_owner(struct cred *c, struct glfs_fd *fd)
{
    SCOPED_LOCK(&fd->lock);
    if (!fd->owner_len)
        return;
    c->owner_len = min_of(fd->owner_len, (uint32_t)sizeof(c->owner));
    memcpy(c->owner, fd->owner, c->owner_len);
}

static int take_identity(struct glfs *fs, struct fop *fop)
{
    struct cred *c = &fop->cred;

    c->pid = me.has_pid ? me.pid : getpid();
    c->uid = me.has_uid ? me.uid : geteuid();
    c->gid = me.has_gid ? me.gid : getegid();
    default_owner(fs, c);
    return take_groups(fop);
}

/* ---- the way ----------------------------------------------------------------------------------------------------------------- */

bool fs_there(struct glfs *fs)
{
    enum life life;

    if (!fs) {
        errno = EINVAL;
        return false;
    }
    pthread_mutex_lock(&fs->lock);
    life = fs->life;
    pthread_mutex_unlock(&fs->lock);
    if (life == LIFE_THERE)
        return true;
    errno = EIO; /* there is no graph that could be asked */
    return false;
}

int call_xdata(struct vop *op)
{
    if (!op->fop->xdata)
        op->fop->xdata = dict_new();
    return op->fop->xdata ? 0 : -ENOMEM;
}

int call_init(struct vop *op, struct glfs *fs, enum fop_op what)
{
    int failed = vop_init(op, fs->volume, what);

    if (failed)
        return failed;
    failed = take_identity(fs, op->fop);
    if (!failed && me.has_lease && !(failed = call_xdata(op)))
        failed = dict_set_binary(op->fop->xdata, "lease-id", me.lease, sizeof(me.lease));
    if (failed)
        vop_done(op);
    return failed;
}

int call_of(struct vop *op, struct glfs *fs, struct target t, enum fop_op of_node, enum fop_op of_fd)
{
    int failed = call_init(op, fs, t.fd ? of_fd : of_node);

    if (failed)
        return failed;
    if (t.fd) {
        op->file = vfile_ref(t.fd->file);
        call_owner(&op->fop->cred, t.fd);
    } else {
        op->node = vnode_ref(t.node);
    }
    return 0;
}

int64_t call_run(struct vop *op)
{
    vop_run(op);
    return op->fop->ret < 0 ? -op->fop->err : op->fop->ret;
}

void call_done(struct vop *op)
{
    vop_done(op);
}

int call_name(char to[FOP_NAME_MAX + 1], const char *name)
{
    size_t len = name ? strlen(name) : 0;

    if (len == 0 || strchr(name, '/'))
        return -EINVAL;
    if (len > FOP_NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(to, name, len + 1);
    return 0;
}
