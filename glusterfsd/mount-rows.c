/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* mount-rows.c: the options of the command line that are a mount's. Spec brick 7.9. */
#include "command-line-rows.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "command-line.h"
#include "option-value.h"
#include "util.h"

/* ---- values -------------------------------------------------------------------------------------------------------------- */

static int flag(const char *name, const char *value, bool *ret, struct err *err)
{
    bool on = true;

    if (value && parse_bool(value, &on) < 0)
        return err_set(err, -EINVAL, "--%s %s: on, off, yes, no, true, false, enable, disable, 1 and 0 are allowed", name, value);
    *ret = on;
    return 0;
}

static int choice(const char *name, const char *value, enum mount_choice *ret, struct err *err)
{
    bool on = false;
    int failed;

    if (value && strcmp(value, "auto") == 0) {
        *ret = CHOICE_AUTO;
        return 0;
    }
    failed = flag(name, value, &on, err);
    if (!failed)
        *ret = on ? CHOICE_YES : CHOICE_NO;
    return failed;
}

static int seconds(const char *name, const char *value, double *ret, struct err *err)
{
    char *end;
    double v = strtod(value, &end);

    if (end == value || *end || !(v >= 0 && v <= 1e9))
        return err_set(err, -EINVAL, "--%s %s: a number of seconds from 0 up is allowed", name, value);
    *ret = v;
    return 0;
}

static int number(const char *name, const char *value, int64_t min, int64_t max, unsigned int *ret, struct err *err)
{
    int64_t v;

    if (parse_int(value, &v) < 0 || v < min || v > max)
        return err_set(err, -EINVAL, "--%s %s: %lld to %lld is allowed", name, value, (long long)min, (long long)max);
    *ret = (unsigned int)v;
    return 0;
}

/* A feature that we lack may be asked for as off. */
static int lacking(const char *name, const char *value, const char *what, struct err *err)
{
    bool on = false;
    int failed = flag(name, value, &on, err);

    if (failed || !on)
        return failed;
    return err_set(err, -EOPNOTSUPP, "--%s: this build does not have %s; see doc/refused.md", name, what);
}

/* ---- options ------------------------------------------------------------------------------------------------------------- */
#define TAKE(name) static int take_##name(struct command_line *cl, const char *value, struct err *err)

#define FLAG(name, text, member) \
    TAKE(name) { return flag(text, value, &cl->mount.member, err); }
FLAG(read_only, "read-only", read_only)
FLAG(acl, "acl", acl)
FLAG(selinux, "selinux", selinux)
FLAG(capability, "capability", capability)
FLAG(ino32, "enable-ino32", ino32)
FLAG(resolve_gids, "resolve-gids", resolve_gids)
FLAG(readdirp, "use-readdirp", readdirp)
FLAG(writeback, "kernel-writeback-cache", writeback)
FLAG(auto_invalidation, "auto-invalidation", auto_invalidation)

TAKE(keep_cache) { return choice("fopen-keep-cache", value, &cl->mount.keep_cache, err); }
TAKE(direct_io) { return choice("direct-io-mode", value, &cl->mount.direct_io, err); }
TAKE(attribute_timeout) { return seconds("attribute-timeout", value, &cl->mount.attribute_timeout, err); }
TAKE(entry_timeout) { return seconds("entry-timeout", value, &cl->mount.entry_timeout, err); }
TAKE(negative_timeout) { return seconds("negative-timeout", value, &cl->mount.negative_timeout, err); }
TAKE(gid_timeout) { return number("gid-timeout", value, 0, INT32_MAX, &cl->mount.gid_timeout, err); }
TAKE(lru_limit) { return number("lru-limit", value, 0, UINT32_MAX, &cl->mount.lru_limit, err); }
TAKE(invalidate_limit) { return number("invalidate-limit", value, 0, 1 << 20, &cl->mount.invalidate_limit, err); }
TAKE(background_qlen) { return number("background-qlen", value, 16, 65536, &cl->mount.background_qlen, err); }
TAKE(congestion) { return number("congestion-threshold", value, 12, 65536, &cl->mount.congestion_threshold, err); }
TAKE(readers) { return number("reader-thread-count", value, 1, 64, &cl->mount.readers, err); }
TAKE(time_gran) { return number("attr-times-granularity", value, 0, 1000000000, &cl->mount.time_gran, err); }

TAKE(eperm_pause)
{
    unsigned int ns = 0;
    int failed = number("fuse-dev-eperm-ratelimit-ns", value, 0, 1000000000, &ns, err);

    if (!failed)
        cl->mount.eperm_pause_ns = ns;
    return failed;
}

TAKE(subdir)
{
    if (value[0] != '/')
        return err_set(err, -EINVAL, "--subdir-mount %s: it must start with \"/\"", value);
    cl->subdir_mount = value;
    return 0;
}

/* The value is not looked at, as in GlusterFS. */
TAKE(no_root_squash)
{
    cl->mount.client_pid = NO_ROOT_SQUASH_PID;
    return 0;
}

TAKE(client_pid)
{
    int64_t pid;

    if (parse_int(value, &pid) < 0 || pid < INT32_MIN || pid > INT32_MAX)
        return err_set(err, -EINVAL, "--client-pid %s: a number is wanted", value);
    cl->mount.client_pid = (int)pid;
    return 0;
}

TAKE(thin_client)
{
    cl->thin_client = true;
    return 0;
}

TAKE(kernel_options)
{
    cl->mount.kernel_options = value;
    return 0;
}

TAKE(display_name)
{
    cl->display_name = value;
    return 0;
}

TAKE(mac_compat) { return lacking("mac-compat", value, "the ways of macOS", err); }
FLAG(event_history, "event-history", event_history)
FLAG(worm, "worm", worm)
FLAG(gfid_access, "aux-gfid-mount", gfid_access)

TAKE(dump_fuse)
{
    cl->mount.dump_file = value;
    return 0;
}

TAKE(map_root)
{
    const struct passwd *pw = getpwnam(value);
    int64_t uid;

    if (pw)
        uid = pw->pw_uid;
    else if (parse_int(value, &uid) < 0 || uid < 0 || uid > UINT32_MAX)
        return err_set(err, -EINVAL, "--user-map-root %s: there is no such user", value);
    cl->mount.map_root = true;
    cl->mount.mapped_uid = (uint32_t)uid;
    return 0;
}

FLAG(flush_interrupt, "fuse-flush-handle-interrupt", flush_interrupt)

const struct command_row mount_rows[] = {
    {"read-only", 0, NULL, take_read_only, "mount read-only", NULL},
    {"acl", 0, NULL, take_acl, "POSIX ACLs, judged by this process", NULL},
    {"selinux", 0, NULL, take_selinux, "pass security.selinux on", NULL},
    {"capability", 0, NULL, take_capability, "pass security.capability on", NULL},
    {"subdir-mount", 0, "PATH", take_subdir, "mount this folder of the volume", NULL},
    {"enable-ino32", 0, "[BOOL]", take_ino32, "inode numbers of 32 bits", NULL},
    {"fopen-keep-cache", 0, "[BOOL]", take_keep_cache, "keep a file's pages when it is opened again", NULL},
    {"attribute-timeout", 0, "SECONDS", take_attribute_timeout, "how long the kernel may believe attributes (1)", NULL},
    {"entry-timeout", 0, "SECONDS", take_entry_timeout, "how long the kernel may believe names (1)", NULL},
    {"negative-timeout", 0, "SECONDS", take_negative_timeout, "how long it may believe that a name is not there (0)", NULL},
    {"attr-times-granularity", 0, "NS", take_time_gran, "granularity of times", NULL},
    {"gid-timeout", 0, "SECONDS", take_gid_timeout, "how long a caller's groups are kept (300)", NULL},
    {"lru-limit", 0, "N", take_lru_limit, "objects kept in memory that nobody uses (65536)", NULL},
    {"invalidate-limit", 0, "N", take_invalidate_limit, "objects queued for invalidation in the kernel (4096)", NULL},
    {"background-qlen", 0, "N", take_background_qlen, "the kernel's requests in the background (64)", NULL},
    {"congestion-threshold", 0, "N", take_congestion, "from when on they are many (48)", NULL},
    {"reader-thread-count", 0, "N", take_readers, "threads that take the kernel's requests (4)", NULL},
    {"direct-io-mode", 0, "[BOOL]", take_direct_io, "past the kernel's page cache", NULL},
    {"use-readdirp", 0, "[BOOL]", take_readdirp, "entries of folders with attributes (on)", NULL},
    {"event-history", 0, "[BOOL]", take_event_history, "keep the last operations, to be seen in .meta and in the statedump", NULL},
    {"worm", 0, NULL, take_worm, "what is there can be neither changed nor removed", NULL},
    {"aux-gfid-mount", 0, NULL, take_gfid_access, "objects by gfid in the folder .gfid", NULL},
    {"dump-fuse", 0, "FILE", take_dump_fuse, "copy all that the kernel and the mount say into FILE", NULL},
    {"user-map-root", 0, "USER", take_map_root, "what USER does is done as root", NULL},
    {"kernel-writeback-cache", 0, "[BOOL]", take_writeback, "let the kernel collect writes", NULL},
    {"auto-invalidation", 0, "[BOOL]", take_auto_invalidation, "drop a file's pages when its time or size changed", NULL},
    {"no-root-squash", 0, "[BOOL]", take_no_root_squash, "root stays root on the server", NULL},
    {"resolve-gids", 0, NULL, take_resolve_gids, "groups from the user data base instead of /proc", NULL},
    {"fuse-mountopts", 0, "OPTIONS", take_kernel_options, "more mount options for the kernel", NULL},
    {"fuse-flush-handle-interrupt", 0, "[BOOL]", take_flush_interrupt, "close(2) can be interrupted; what it does goes on", NULL},
    {"fuse-dev-eperm-ratelimit-ns", 0, "NS", take_eperm_pause, "pause after EPERM from /dev/fuse", NULL},
    {"fs-display-name", 0, "NAME", take_display_name, "what df shows as the file system", NULL},
    {"client-pid", 0, "PID", take_client_pid, "the process that all operations are said to be of", NULL},
    {"mac-compat", 0, "[BOOL]", take_mac_compat, NULL, NULL},
    {"thin-client", 0, NULL, take_thin_client, "through the volume's proxy (gfproxyd), which speaks to the bricks", NULL},
};
const unsigned int nr_mount_rows = array_len(mount_rows);
