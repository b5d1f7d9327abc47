/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "aux-mount.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "child.h"
#include "glusterd.h"
#include "log.h"
#include "paths.h"

#define VALUE_BYTES 1024 /* of the attribute: the brick's id, and zeros behind it (seen) */

static int set_order(const char *mount, const struct volinfo *v, const char *what, unsigned int brick, struct err *err)
{
    char name[64], value[VALUE_BYTES] = "";
    snprintf(name, sizeof name, "trusted.%s", what);
    snprintf(value, sizeof value, "%s", v->bricks[brick].id);
    if (lsetxattr(mount, name, value, sizeof value, 0) < 0)
        return err_set(err, -errno, "brick %s:%s could not be made known to the others of its set: %s", v->bricks[brick].host,
                       v->bricks[brick].path, strerror(errno));
    return 0;
}

int aux_mount_new_bricks(struct glusterd *gd, const struct volinfo *v, const char *what, const unsigned int *at, unsigned int n,
                         struct err *err)
{
    const struct volgen g = {.volume = v, .workdir = gd->workdir, .own_uuid = gd->uuid, .bind_address = gd->bind_address};
    char program[4200], log[4400], file[4400], mount[4400];
    if (access("/dev/fuse", R_OK | W_OK) < 0)
        return err_set(err, -errno, "Fuse unavailable\n %s failed", what);
    int r = path_of_cluster_client(program, sizeof program, err);
    if (r < 0)
        return r;
    snprintf(log, sizeof log, "%s/%s-%s-mount.log", gd->logdir, v->name, what);
    snprintf(file, sizeof file, "%s/%s-%s.vol", gd->rundir, v->name, what); /* one at a time: the command has the volume's name */
    snprintf(mount, sizeof mount, "%s/%s-%s-mount-XXXXXX", gd->rundir, v->name, what);
    if ((r = child_make_folder_of(file, err)) < 0 || (r = child_make_folder_of(log, err)) < 0)
        return r;
    char *text = volgen_client(&g, true);
    r = text ? store_write_text(file, text, false, err) : err_set(err, -ENOMEM, "no memory");
    free(text);
    if (r < 0)
        return r;
    if (!mkdtemp(mount)) {
        r = err_set(err, -errno, "%s: %s", mount, strerror(errno));
        unlink(file);
        return r;
    }
    char *argv[] = {program, (char *)"--volfile", file, (char *)"--client-pid", (char *)"-12", (char *)"-l", log, mount, NULL};
    int status = child_run(argv, err);
    if (status != 0)
        r = status;
    if (status > 0)
        r = err_set(err, -EIO, "the volume could not be mounted for a moment (exit status %d); %s says why", status, log);
    for (unsigned int i = 0; r == 0 && i < n; i++)
        r = set_order(mount, v, what, at[i], err);
    umount2(mount, MNT_DETACH); /* its process ends by that */
    rmdir(mount);
    unlink(file);
    return r;
}

/* Its program ends when nothing is mounted any more. */
void aux_mounts_tidy(struct glusterd *gd)
{
    static const char *const left[] = {"*-add-brick-mount-??????", "*-replace-brick-mount-??????", "*-add-brick.vol",
                                       "*-replace-brick.vol"};
    char pattern[4400];
    for (size_t i = 0; i < array_len(left); i++) {
        glob_t found = {0};
        snprintf(pattern, sizeof pattern, "%s/%s", gd->rundir, left[i]);
        if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
            for (size_t k = 0; k < found.gl_pathc; k++) {
                const char *path = found.gl_pathv[k];
                log_warning("glusterd", "%s was left by a command that did not come to its end, and goes", path);
                umount2(path, MNT_DETACH);
                remove(path);
            }
        globfree(&found);
    }
}
