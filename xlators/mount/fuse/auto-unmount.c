/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The mount option auto_unmount: when this process ends without having unmounted (killed, crashed), who uses the mount point would get
 * ENOTCONN until somebody unmounts. So a second process, our program under another name, waits at a pipe for our end and then does it.
 *
 *   we: spawn it, with point and mount number ... unmount, write one byte, close, wait for it    it: leaves
 *   we: die, which closes the pipe                                               it: umount2(), if that mount is still there */
#include "auto-unmount.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mount.h"

extern char **environ;

long mount_id(const char *point)
{
    int fd = open(point, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    char name[64], line[128];
    long id = -1;
    FILE *info;

    if (fd < 0)
        return -1;
    snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
    info = fopen(name, "re");
    while (info && fgets(line, sizeof(line), info))
        if (sscanf(line, "mnt_id: %ld", &id) == 1)
            break;
    if (info)
        fclose(info);
    close(fd);
    return id;
}

/* ---- in the mount's process -------------------------------------------------------------------------------------------------- */

/* It hears of our end by nothing but the pipe: a session of its own, no signal blocked or ignored by us. */
static int spawn(int fd, const char *point, const char *id, pid_t *ret)
{
    char *argv[] = {(char *)AUTO_UNMOUNT_NAME, (char *)point, (char *)id, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int failed;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    failed = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (!failed)
        failed = posix_spawnattr_setsigmask(&attr, &none);
    if (!failed)
        failed = posix_spawnattr_setsigdefault(&attr, &all);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(&files, fd, STDIN_FILENO);
    for (int out = STDOUT_FILENO; !failed && out <= STDERR_FILENO; out++)
        failed = posix_spawn_file_actions_addopen(&files, out, "/dev/null", O_WRONLY, 0);
    if (!failed)
        failed = posix_spawn_file_actions_addchdir_np(&files, "/");
    if (!failed)
        failed = posix_spawn(ret, "/proc/self/exe", &files, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return -failed;
}

int auto_unmount_start(struct auto_unmount *a, const char *point, long id)
{
    char number[32];
    int fds[2], failed;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    snprintf(number, sizeof(number), "%ld", id);
    failed = spawn(fds[0], point, number, &a->pid);
    close(fds[0]);
    if (failed) {
        close(fds[1]);
        return failed;
    }
    a->fd = fds[1];
    return 0;
}

void auto_unmount_done(struct auto_unmount *a)
{
    if (a->fd < 0)
        return;
    if (write(a->fd, "", 1) < 0)
        errno = 0; /* somebody ended it: the waiting below is over at once */
    close(a->fd);
    a->fd = -1;
    while (waitpid(a->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* ---- in the other one -------------------------------------------------------------------------------------------------------- */

int auto_unmount_main(int argc, char **argv)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT}; /* meant for the mount; what it then does is seen at the pipe */
    ssize_t n;
    char byte;

    if (argc != 3)
        return EXIT_FAILURE;
    for (size_t i = 0; i < array_len(ignored); i++)
        signal(ignored[i], SIG_IGN);
    while ((n = read(STDIN_FILENO, &byte, 1)) < 0 && errno == EINTR)
        ;
    if (n == 0 && mount_id(argv[1]) == atol(argv[2]))
        umount2(argv[1], MNT_DETACH);
    return EXIT_SUCCESS;
}
