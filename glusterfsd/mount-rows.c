/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* mount-rows.c: the options of the command line that are a mount's. */
#include "command-line-rows.h"

#include "util.h"

#define NO_MOUNT "a mount"

const struct command_row mount_rows[] = {
    {"read-only", 0, NULL, NULL, NULL, NO_MOUNT},
    {"worm", 0, NULL, NULL, NULL, NO_MOUNT},
    {"acl", 0, NULL, NULL, NULL, NO_MOUNT},
    {"selinux", 0, NULL, NULL, NULL, NO_MOUNT},
    {"capability", 0, NULL, NULL, NULL, NO_MOUNT},
    {"aux-gfid-mount", 0, NULL, NULL, NULL, NO_MOUNT},
    {"subdir-mount", 0, "PATH", NULL, NULL, NO_MOUNT},
    {"enable-ino32", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"mac-compat", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"fopen-keep-cache", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"attribute-timeout", 0, "SECONDS", NULL, NULL, NO_MOUNT},
    {"entry-timeout", 0, "SECONDS", NULL, NULL, NO_MOUNT},
    {"negative-timeout", 0, "SECONDS", NULL, NULL, NO_MOUNT},
    {"attr-times-granularity", 0, "NS", NULL, NULL, NO_MOUNT},
    {"gid-timeout", 0, "SECONDS", NULL, NULL, NO_MOUNT},
    {"lru-limit", 0, "N", NULL, NULL, NO_MOUNT},
    {"invalidate-limit", 0, "N", NULL, NULL, NO_MOUNT},
    {"background-qlen", 0, "N", NULL, NULL, NO_MOUNT},
    {"congestion-threshold", 0, "N", NULL, NULL, NO_MOUNT},
    {"reader-thread-count", 0, "N", NULL, NULL, NO_MOUNT},
    {"direct-io-mode", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"use-readdirp", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"event-history", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"kernel-writeback-cache", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"auto-invalidation", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"no-root-squash", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"resolve-gids", 0, NULL, NULL, NULL, NO_MOUNT},
    {"dump-fuse", 0, "FILE", NULL, NULL, NO_MOUNT},
    {"user-map-root", 0, "USER", NULL, NULL, NO_MOUNT},
    {"fuse-mountopts", 0, "OPTIONS", NULL, NULL, NO_MOUNT},
    {"fuse-flush-handle-interrupt", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"fuse-dev-eperm-ratelimit-ns", 0, "NS", NULL, NULL, NO_MOUNT},
    {"fs-display-name", 0, "NAME", NULL, NULL, NO_MOUNT},
    {"client-pid", 0, "PID", NULL, NULL, NO_MOUNT},
    {"volfile-check", 0, NULL, NULL, NULL, NO_MOUNT},
    {"thin-client", 0, NULL, NULL, NULL, NO_MOUNT},
};
const unsigned int nr_mount_rows = array_len(mount_rows);
