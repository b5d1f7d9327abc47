/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rules.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define WIRE_OPEN_EXEC 040 /* opened for execution; has no name outside the kernel (spec wire 7.3) */
#define PID_NFS 1          /* an NFS server's requests are checked where others were checked at open */

struct acl_caller caller_of(const struct fop *fop)
{
    return (struct acl_caller){fop->cred.uid, fop->cred.gid, fop->cred.groups, fop->cred.nr_groups};
}

struct inode *object_of(const struct fop *fop)
{
    return fop->fd ? fop->fd->inode : fop->loc.inode;
}

static struct verdict allowed(void)
{
    return (struct verdict){0};
}
static struct verdict denied(int err)
{
    return (struct verdict){.err = err};
}
static struct verdict ask_for(struct inode *in)
{
    return (struct verdict){.err = EACCES, .unknown = in};
}
static bool is_final_no(struct verdict v)
{
    return v.err != 0;
}

static struct verdict may(struct xlator *xl, const struct fop *fop, struct inode *in, unsigned int want)
{
    struct acl_caller who = caller_of(fop);
    bool yes;

    if (!in)
        return denied(EACCES);
    if (!context_permits(xl, in, &who, want, &yes))
        return ask_for(in);
    return yes ? allowed() : denied(EACCES);
}

/* In a directory with the sticky bit an entry is its owner's and the directory's owner's to remove. */
static struct verdict sticky(struct xlator *xl, const struct fop *fop, struct inode *dir, const struct loc *loc,
                             const struct victim *victim)
{
    struct inode *in = loc->inode ? loc->inode : victim->inode;
    struct acl_object of;

    if (!context_attributes(xl, dir, &of))
        return ask_for(dir);
    if (!(of.mode & S_ISVTX) || of.uid == fop->cred.uid)
        return allowed();
    if (!in && victim->is == VICTIM_NOT_LOOKED_UP)
        return (struct verdict){.err = EACCES, .unnamed = loc};
    if (!in)
        return allowed(); /* there is nothing to protect */
    if (!context_attributes(xl, in, &of))
        return ask_for(in);
    return of.uid == fop->cred.uid ? allowed() : denied(EACCES);
}

static struct verdict change_entry(struct xlator *xl, const struct fop *fop, const struct loc *loc, const struct victim *victim)
{
    struct verdict v = may(xl, fop, loc->parent, MAY_WRITE | MAY_EXEC);

    return is_final_no(v) ? v : sticky(xl, fop, loc->parent, loc, victim);
}

static struct verdict judge_link(struct xlator *xl, const struct fop *fop)
{
    struct verdict v = may(xl, fop, fop->loc2.parent, MAY_WRITE | MAY_EXEC);

    return is_final_no(v) ? v : sticky(xl, fop, fop->loc2.parent, &fop->loc, &(struct victim){.is = VICTIM_ABSENT});
}

static struct verdict judge_rename(struct xlator *xl, const struct fop *fop, const struct victim victims[2])
{
    struct verdict v = change_entry(xl, fop, &fop->loc, &victims[0]);

    return is_final_no(v) ? v : change_entry(xl, fop, &fop->loc2, &victims[1]);
}

unsigned int open_wants(int32_t flags)
{
    unsigned int want = 0;

    switch (flags & O_ACCMODE) {
    case O_RDONLY:
        want = flags & WIRE_OPEN_EXEC ? MAY_EXEC : MAY_READ;
        break;
    case O_WRONLY:
        want = MAY_WRITE;
        break;
    default:
        want = MAY_READ | MAY_WRITE;
    }
    return flags & (O_TRUNC | O_APPEND) ? want | MAY_WRITE : want;
}

static struct verdict judge_setattr(struct xlator *xl, const struct fop *fop)
{
    const struct iatt *to = &fop->in.setattr.stat;
    unsigned int valid = (unsigned int)fop->in.setattr.valid;
    struct acl_caller who = caller_of(fop);
    struct inode *in = object_of(fop);
    struct acl_object of;
    struct verdict v = allowed();

    if (!in)
        return denied(EACCES);
    if (!context_attributes(xl, in, &of))
        return ask_for(in);
    bool owner = of.uid == who.uid;
    if (!owner && (valid & (SET_MODE | SET_UID | SET_GID)))
        return denied(EPERM);
    if ((valid & SET_UID) && to->uid != of.uid)
        return denied(EPERM);
    if ((valid & SET_GID) && to->gid != of.gid && !acl_in_group(&who, to->gid))
        return denied(EPERM);
    if (!owner && (valid & (SET_ATIME | SET_MTIME | SET_CTIME)))
        v = may(xl, fop, in, MAY_WRITE);
    if (!is_final_no(v) && (valid & SET_MODE) && (to->mode & S_ISGID))
        v.drop_setgid = !acl_in_group(&who, valid & SET_GID ? to->gid : of.gid);
    return v;
}

/* ---- extended attributes ------------------------------------------------------------------------------------------------- */

static const char *const acl_names[] = {ACL_ACCESS_NAME, ACL_DEFAULT_NAME, "glusterfs.posix.acl", "glusterfs.posix.default_acl"};

static bool is_acl_name(const char *name)
{
    for (size_t i = 0; i < array_len(acl_names); i++)
        if (strcmp(name, acl_names[i]) == 0)
            return true;
    return false;
}

static bool has_acl_name(const struct dict *d)
{
    for (size_t i = 0; i < array_len(acl_names); i++)
        if (dict_find(d, acl_names[i]))
            return true;
    return false;
}

bool is_acl_change(const struct fop *fop)
{
    if (fop->op == FOP_SETXATTR || fop->op == FOP_FSETXATTR) /* the second: all attributes are replaced by these */
        return has_acl_name(fop->in.setxattr.dict) || dict_find(fop->xdata, "sync_backend_xattrs");
    const char *name = fop->in.removexattr.name;

    /* an empty name: all of xdata's (spec brick 2.6) */
    return name && (is_acl_name(name) || (*name == '\0' && has_acl_name(fop->xdata)));
}

static struct verdict judge_setxattr(struct xlator *xl, const struct fop *fop)
{
    struct inode *in = object_of(fop);
    struct acl_object of;

    if (!is_acl_change(fop))
        return may(xl, fop, in, MAY_WRITE);
    if (!in)
        return denied(EPERM);
    if (!context_attributes(xl, in, &of))
        return ask_for(in);
    return of.uid == fop->cred.uid ? allowed() : denied(EPERM);
}

/* ---- all ----------------------------------------------------------------------------------------------------------------- */

static struct verdict judge_nfs(struct xlator *xl, const struct fop *fop, unsigned int want)
{
    return fop->cred.pid == PID_NFS ? may(xl, fop, object_of(fop), want) : allowed();
}

struct verdict judge(struct xlator *xl, const struct fop *fop, const struct victim victims[2])
{
    switch (fop->op) {
    case FOP_LOOKUP: /* without a parent it is by gfid */
        return fop->loc.parent ? may(xl, fop, fop->loc.parent, MAY_EXEC) : allowed();
    case FOP_OPEN:
        return may(xl, fop, object_of(fop), open_wants(fop->in.open.flags));
    case FOP_OPENDIR:
    case FOP_GETXATTR:
    case FOP_FGETXATTR:
        return may(xl, fop, object_of(fop), MAY_READ);
    case FOP_TRUNCATE:
        return may(xl, fop, object_of(fop), MAY_WRITE);
    case FOP_ACCESS:
        return may(xl, fop, object_of(fop), fop->in.access.mask);
    case FOP_MKNOD:
    case FOP_MKDIR:
    case FOP_CREATE:
    case FOP_SYMLINK:
    case FOP_PUT:
    case FOP_ICREATE:
    case FOP_NAMELINK:
        return may(xl, fop, fop->loc.parent, MAY_WRITE | MAY_EXEC);
    case FOP_UNLINK:
    case FOP_RMDIR:
        return change_entry(xl, fop, &fop->loc, &victims[0]);
    case FOP_LINK:
        return judge_link(xl, fop);
    case FOP_RENAME:
        return judge_rename(xl, fop, victims);
    case FOP_SETATTR:
    case FOP_FSETATTR:
        return judge_setattr(xl, fop);
    case FOP_SETXATTR:
    case FOP_FSETXATTR:
    case FOP_REMOVEXATTR:
    case FOP_FREMOVEXATTR:
        return judge_setxattr(xl, fop);
    case FOP_READ:
    case FOP_READDIR:
    case FOP_READDIRP:
        return judge_nfs(xl, fop, MAY_READ);
    case FOP_WRITE:
    case FOP_FTRUNCATE:
        return judge_nfs(xl, fop, MAY_WRITE);
    default:
        return allowed();
    }
}
