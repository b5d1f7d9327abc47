/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* auto-unmount.h: a second process that unmounts when this one ends without having done it: the mount option auto_unmount. */
#ifndef MOUNT_AUTO_UNMOUNT_H
#define MOUNT_AUTO_UNMOUNT_H

#include <sys/types.h>

/* {.fd = -1} before auto_unmount_start() and after auto_unmount_done(), which then does nothing. One thread at a time. */
struct auto_unmount {
    int fd;
    pid_t pid;
};
int auto_unmount_start(struct auto_unmount *a, const char *point, long id); /* id: mount_id(point). 0 or -errno */
void auto_unmount_done(struct auto_unmount *a);      /* it is unmounted: the other process leaves. Waits for it */

/* Which mount is at the point: the kernel's number, or -1. No question is asked of the file system there. */
long mount_id(const char *point);

#endif
