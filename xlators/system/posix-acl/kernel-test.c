/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The translator and the kernel are asked the same: random owners, modes, ACLs and callers, each operation once by the kernel on a
 * small tree of its own, as that user, and once through the translator over a storage that tells of the same tree. Both must
 * allow, or both refuse; and what is created must come out with the same mode and the same ACLs.
 *
 * Needs root (it becomes other users) and a file system with ACLs; is skipped without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../system-types.h"
#include "acl.h"
#include "testing.h"

#define TRIALS 2500

enum { DIR_D = 1, FILE_F, FILE_G, NR };
static const char *const names[NR] = {[DIR_D] = "d", [FILE_F] = "d/f", [FILE_G] = "d/g"};
static char root[] = "/tmp/posix-acl-test-XXXXXX";

/* ---- one trial ------------------------------------------------------------------------------------------------------------- */

enum what {
    T_OPEN, T_OPENDIR, T_ACCESS, T_LOOKUP, T_CREATE, T_MKDIR, T_UNLINK, T_RENAME_NEW, T_RENAME_OVER, T_TRUNCATE, T_CHMOD, T_CHOWN, T_CHGRP,
    T_TOUCH, T_SETXATTR, T_GETXATTR, T_SETFACL, NR_WHAT,
};
static const char *const what_names[NR_WHAT] = {"open", "opendir", "access", "lookup", "create", "mkdir", "unlink", "rename", "rename over",
                                                "truncate", "chmod", "chown", "chgrp", "touch", "setxattr", "getxattr", "setfacl"};
struct trial {
    enum what what;
    uint32_t uid, gid, groups[3], nr_groups;
    int flags;
    uint32_t mode, mask, umask, id;
};

static unsigned int seed;
static uint32_t pick(uint32_t n)
{
    return (uint32_t)rand_r(&seed) % n;
}
static uint32_t any_uid(void)
{
    return 1001 + pick(3);
}
static uint32_t any_gid(void)
{
    return 2001 + pick(3);
}

static const char *path_of(int i, char *to)
{
    sprintf(to, "%s/%s", root, names[i]);
    return to;
}

/* In the order the kernel keeps: names of a kind by id. */
static size_t random_acl(uint8_t *to)
{
    struct {
        struct acl a;
        struct acl_entry entries[8];
    } list;
    struct acl_entry *e = list.a.entries;
    bool names_in_it = false;

    *e++ = (struct acl_entry){ACL_TAG_USER_OBJ, (uint16_t)pick(8), UINT32_MAX};
    for (uint32_t id = 1001; id <= 1002; id++)
        if (pick(2)) {
            *e++ = (struct acl_entry){ACL_TAG_USER, (uint16_t)pick(8), id};
            names_in_it = true;
        }
    *e++ = (struct acl_entry){ACL_TAG_GROUP_OBJ, (uint16_t)pick(8), UINT32_MAX};
    for (uint32_t id = 2001; id <= 2002; id++)
        if (pick(2)) {
            *e++ = (struct acl_entry){ACL_TAG_GROUP, (uint16_t)pick(8), id};
            names_in_it = true;
        }
    if (names_in_it || pick(2))
        *e++ = (struct acl_entry){ACL_TAG_MASK, (uint16_t)pick(8), UINT32_MAX};
    *e++ = (struct acl_entry){ACL_TAG_OTHER, (uint16_t)pick(8), UINT32_MAX};
    list.a.n = (unsigned int)(e - list.a.entries);
    acl_format(&list.a, to);
    return acl_size(&list.a);
}

static void put_acl(const char *path, const char *name)
{
    uint8_t acl[128];
    size_t len = random_acl(acl);

    assert_int_equal(setxattr(path, name, acl, len, 0), 0);
}

static void remove_tree(void)
{
    char path[128];

    for (const char *const *n = (const char *const[]){"d/f", "d/g", "d/new", "d/h", NULL}; *n; n++) {
        sprintf(path, "%s/%s", root, *n);
        if (unlink(path) < 0 && errno == EISDIR)
            rmdir(path);
    }
    sprintf(path, "%s/d", root);
    rmdir(path);
}

static void make_tree(void)
{
    char path[128];
    int fd;

    assert_int_equal(mkdir(path_of(DIR_D, path), 0700), 0);
    for (int i = FILE_F; i <= FILE_G; i++) {
        fd = open(path_of(i, path), O_CREAT | O_EXCL | O_WRONLY, 0600);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(setxattr(path, "user.x", "v", 1, 0), 0);
    }
    for (int i = DIR_D; i < NR; i++) {
        path_of(i, path);
        assert_int_equal(chown(path, any_uid(), any_gid()), 0);
        /* the directory lets most through, or nothing behind it would be tried */
        mode_t mode = i == DIR_D ? pick(8) | (pick(4) ? 0111 : 0) | pick(2) * 0777 | (pick(3) ? 0 : S_ISVTX) : pick(01000);

        assert_int_equal(chmod(path, mode), 0);
        if (pick(2))
            put_acl(path, ACL_ACCESS_NAME);
    }
    if (pick(2))
        put_acl(path_of(DIR_D, path), ACL_DEFAULT_NAME);
}

/* ---- the kernel's answer ----------------------------------------------------------------------------------------------------- */

static int do_it(const struct trial *t)
{
    char f[128], g[128], d[128], h[128];
    const char *new = strcat(strcpy(h, path_of(DIR_D, d)), "/h");
    struct stat st;
    uint8_t acl[128];
    int r;

    path_of(FILE_F, f);
    path_of(FILE_G, g);
    umask(t->umask);
    switch (t->what) {
    case T_OPEN:
        return open(f, t->flags);
    case T_OPENDIR:
        return open(d, O_RDONLY | O_DIRECTORY);
    case T_ACCESS:
        return access(f, (int)t->mask);
    case T_LOOKUP:
        return lstat(f, &st);
    case T_CREATE:
        return open(new, O_CREAT | O_EXCL | O_WRONLY, t->mode);
    case T_MKDIR:
        return mkdir(new, t->mode);
    case T_UNLINK:
        return unlink(f);
    case T_RENAME_NEW:
        return rename(f, new);
    case T_RENAME_OVER:
        return rename(f, g);
    case T_TRUNCATE:
        return truncate(f, 0);
    case T_CHMOD:
        return chmod(f, t->mode);
    case T_CHOWN:
        return chown(f, t->id, (gid_t)-1);
    case T_CHGRP:
        return chown(f, (uid_t)-1, t->id);
    case T_TOUCH:
        return utimensat(AT_FDCWD, f, NULL, 0);
    case T_SETXATTR:
        return setxattr(f, "user.y", "v", 1, 0);
    case T_GETXATTR:
        return (int)getxattr(f, "user.x", acl, sizeof(acl));
    case T_SETFACL:
        r = (int)random_acl(acl);
        return setxattr(f, ACL_ACCESS_NAME, acl, (size_t)r, 0);
    default:
        return -1;
    }
}

/* 0 or the errno. */
static int kernel_says(const struct trial *t)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        if (setgroups(t->nr_groups, t->groups) < 0 || setresgid(t->gid, t->gid, t->gid) < 0 || setresuid(t->uid, t->uid, t->uid) < 0)
            _exit(255);
        _exit(do_it(t) < 0 ? errno : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 255);
    return WEXITSTATUS(status);
}

/* ---- ours -------------------------------------------------------------------------------------------------------------------- */

static uint32_t generation; /* gfids of each trial are new: nothing is known of them */
static struct {
    uint32_t mode;
    bool mode_set, has_access, has_default;
    uint8_t access[128], dflt[128];
    size_t access_len, default_len;
} seen;

static gfid_t gfid_of(int i)
{
    gfid_t g = {{[15] = (uint8_t)i}};

    memcpy(g.b, &generation, sizeof(generation));
    return g;
}

static void mirror_lookup(struct xlator *xl, struct fop *fop)
{
    int i = fop->loc.inode ? fop->loc.inode->gfid.b[15] : strcmp(fop->loc.name, "f") == 0 ? FILE_F : FILE_G;
    char path[128];
    uint8_t acl[128];
    struct stat st;
    ssize_t len;

    if (strcmp(fop->loc.name, "h") == 0) {
        fop_fail(fop, ENOENT);
        return;
    }
    assert_int_equal(lstat(path_of(i, path), &st), 0);
    fop->out.stat = (struct iatt){.gfid = gfid_of(i), .uid = st.st_uid, .gid = st.st_gid, .mode = st.st_mode};
    fop->out.inode = inode_get(xl->graph->inodes, gfid_of(i));
    for (const char *const *n = (const char *const[]){ACL_ACCESS_NAME, ACL_DEFAULT_NAME, NULL}; *n; n++) {
        len = getxattr(path, *n, acl, sizeof(acl));
        if (len > 0)
            dict_set_binary(fop_xdata_out(fop), *n, acl, (size_t)len);
    }
    fop_complete(fop, 0, 0);
}

static bool take(const struct dict *d, const char *name, uint8_t *to, size_t *len)
{
    const struct dict_pair *p = dict_find(d, name);

    if (p)
        memcpy(to, p->value, *len = p->len);
    return p;
}

static void mirror_yes(struct xlator *xl, struct fop *fop)
{
    seen.mode_set = fop->op == FOP_CREATE || fop->op == FOP_MKDIR || (fop->op == FOP_SETATTR && (fop->in.setattr.valid & SET_MODE));
    seen.mode = fop->op == FOP_CREATE ? fop->in.create.mode : fop->op == FOP_MKDIR ? fop->in.mkdir.mode : fop->in.setattr.stat.mode;
    seen.has_access = take(fop->xdata, ACL_ACCESS_NAME, seen.access, &seen.access_len);
    seen.has_default = take(fop->xdata, ACL_DEFAULT_NAME, seen.dflt, &seen.default_len);
    fop_complete(fop, 0, 0);
}

static struct xlator_type mirror = {.name = "storage/mirror", .leaf = true};

static struct fop *fop_for(struct graph *g, const struct trial *t)
{
    static const enum fop_op ops[NR_WHAT] = {FOP_OPEN,     FOP_OPENDIR, FOP_ACCESS, FOP_LOOKUP,  FOP_CREATE,  FOP_MKDIR,
                                             FOP_UNLINK,   FOP_RENAME,  FOP_RENAME, FOP_TRUNCATE, FOP_SETATTR, FOP_SETATTR,
                                             FOP_SETATTR,  FOP_SETATTR, FOP_SETXATTR, FOP_GETXATTR, FOP_SETXATTR};
    struct fop *fop = fop_new(g, ops[t->what]);
    bool makes = t->what == T_CREATE || t->what == T_MKDIR;

    fop->cred.pid = 77;
    fop->cred.uid = t->uid;
    fop->cred.gid = t->gid;
    fop->cred.groups = t->groups;
    fop->cred.nr_groups = t->nr_groups;
    if (fop->op == FOP_UNLINK || fop->op == FOP_RENAME || fop->op == FOP_LOOKUP || makes) {
        fop->loc.parent = inode_get(g->inodes, gfid_of(DIR_D));
        strcpy(fop->loc.name, makes ? "h" : "f");
    }
    if (fop->op == FOP_RENAME) {
        fop->loc2.parent = inode_get(g->inodes, gfid_of(DIR_D));
        strcpy(fop->loc2.name, t->what == T_RENAME_OVER ? "g" : "h");
    }
    if (fop->op != FOP_LOOKUP && fop->op != FOP_RENAME && !makes) /* RENAME: it finds out itself */
        fop->loc.inode = inode_get(g->inodes, gfid_of(t->what == T_OPENDIR ? DIR_D : FILE_F));
    switch (t->what) {
    case T_OPEN:
        fop->in.open.flags = t->flags;
        break;
    case T_ACCESS:
        fop->in.access.mask = t->mask;
        break;
    case T_CREATE:
        fop->in.create.flags = O_CREAT | O_EXCL | O_WRONLY;
        fop->in.create.mode = S_IFREG | t->mode;
        fop->in.create.umask = t->umask;
        break;
    case T_MKDIR:
        fop->in.mkdir.mode = t->mode;
        fop->in.mkdir.umask = t->umask;
        break;
    case T_CHMOD:
        fop->in.setattr.valid = SET_MODE;
        fop->in.setattr.stat.mode = t->mode;
        break;
    case T_CHOWN:
        fop->in.setattr.valid = SET_UID;
        fop->in.setattr.stat.uid = t->id;
        break;
    case T_CHGRP:
        fop->in.setattr.valid = SET_GID;
        fop->in.setattr.stat.gid = t->id;
        break;
    case T_TOUCH:
        fop->in.setattr.valid = SET_ATIME | SET_MTIME | SET_ATIME_NOW | SET_MTIME_NOW;
        break;
    case T_SETXATTR:
    case T_SETFACL:
        fop->in.setxattr.dict = dict_new();
        dict_set_binary(fop->in.setxattr.dict, t->what == T_SETFACL ? ACL_ACCESS_NAME : "user.y", "v", 1);
        break;
    case T_GETXATTR:
        fop->in.getxattr.name = "user.x";
        break;
    default:
        break;
    }
    return fop;
}

static int run(struct graph *g, struct fop *fop)
{
    int err;

    testing_run(g, fop);
    err = fop->ret < 0 ? fop->err : 0;
    fop_free(fop);
    return err;
}

/* The kernel walks to the object; a client looks its name up. */
static int we_say(struct graph *g, const struct trial *t)
{
    struct trial lookup = *t;
    int err = 0;

    lookup.what = T_LOOKUP;
    if (t->what != T_OPENDIR && t->what != T_CREATE && t->what != T_MKDIR)
        err = run(g, fop_for(g, &lookup));
    return err ? err : run(g, fop_for(g, t));
}

/* ---- both ---------------------------------------------------------------------------------------------------------------------- */

static bool same_acl(const char *path, const char *name, bool has, const uint8_t *bytes, size_t len)
{
    uint8_t acl[128];
    ssize_t n = getxattr(path, name, acl, sizeof(acl));

    return has ? n == (ssize_t)len && memcmp(acl, bytes, len) == 0 : n < 0;
}

static bool same_result(const struct trial *t, bool inherited)
{
    char path[128];
    struct stat st;

    if (t->what == T_CHMOD)
        return stat(path_of(FILE_F, path), &st) == 0 && (st.st_mode & 07777) == (seen.mode & 07777);
    sprintf(path, "%s/d/h", root);
    if (stat(path, &st) < 0 || (st.st_mode & 0777) != (seen.mode & 0777))
        return false;
    return !inherited || (same_acl(path, ACL_ACCESS_NAME, seen.has_access, seen.access, seen.access_len) &&
                          (t->what == T_CREATE || same_acl(path, ACL_DEFAULT_NAME, seen.has_default, seen.dflt, seen.default_len)));
}

static struct trial random_trial(void)
{
    static const int flags[] = {O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_APPEND, O_RDONLY | O_TRUNC, O_RDWR | O_TRUNC};
    struct trial t = {.what = pick(NR_WHAT), .uid = any_uid(), .gid = any_gid(), .flags = flags[pick(array_len(flags))], .mask = pick(8),
                      .umask = pick(2) ? 022 : pick(01000)};

    for (t.nr_groups = 0; t.nr_groups < 3 && pick(2);)
        t.groups[t.nr_groups++] = any_gid();
    t.mode = pick(01000);
    if (t.what == T_CHMOD)
        t.mode |= pick(8) << 9;
    t.id = t.what == T_CHOWN ? any_uid() : any_gid();
    return t;
}

static void kernel_and_translator_give_the_same_answers(void **state)
{
    struct process p;
    struct graph *g;
    unsigned int allowed = 0;

    if (geteuid() != 0 || !mkdtemp(root)) {
        print_message("skipped: needs root and a place in /tmp\n");
        skip();
    }
    assert_int_equal(chmod(root, 0755), 0);
    if (setxattr(root, ACL_DEFAULT_NAME, (uint8_t[]){2, 0, 0, 0}, 4, 0) < 0) {
        rmdir(root);
        print_message("skipped: /tmp has no ACLs\n");
        skip();
    }
    seed = getenv("SEED") ? (unsigned int)atoi(getenv("SEED")) : (unsigned int)getpid();
    for (unsigned int op = 0; op < NR_FOPS; op++)
        mirror.on[op] = op == FOP_LOOKUP ? mirror_lookup : mirror_yes;
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &mirror}, {.type = &posix_acl_type}, {.type = NULL}});
    for (unsigned int i = 0, start = seed; i < TRIALS; i++, generation++) {
        struct trial t;
        char d[128];
        int ours, kernels;
        bool inherited;

        make_tree();
        t = random_trial();
        memset(&seen, 0, sizeof(seen));
        inherited = getxattr(path_of(DIR_D, d), ACL_DEFAULT_NAME, NULL, 0) > 0;
        ours = we_say(g, &t);
        kernels = kernel_says(&t);
        allowed += kernels == 0;
        bool same = (ours == 0) == (kernels == 0) && (ours || !seen.mode_set || same_result(&t, inherited));
        remove_tree();
        if (!same) {
            rmdir(root);
            fail_msg("SEED=%u, trial %u: %s by %u:%u (mode %o, umask %o, flags %o, id %u): we say %s, the kernel %s; mode %o", start, i,
                     what_names[t.what], t.uid, t.gid, t.mode, t.umask, (unsigned int)t.flags, t.id, strerror(ours), strerror(kernels),
                     seen.mode);
        }
    }
    assert_in_range(allowed, TRIALS / 10, TRIALS * 9 / 10); /* both happen, or nothing was compared */
    rmdir(root);
    testing_graph_free(g);
    testing_process_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kernel_and_translator_give_the_same_answers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
