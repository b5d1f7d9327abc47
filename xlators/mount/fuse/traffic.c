/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* --dump-fuse FILE: a copy of all that the kernel and we say, in GlusterFS's form, which its parser reads:
 *
 *   'R' (from the kernel) or 'W' (to it), 3 (parts, 4 bytes), then each part with its own length in its first 4 bytes:
 *   16: seconds (8 bytes) and nanoseconds (4); 12: "GLUSTER\xf5"; the message itself, which begins with its length anyway
 *
 * One write each to a file that is only appended to, so records of several readers do not mix. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "mount-impl.h"

struct record_head {
    char direction;
    uint32_t parts, time_len;
    uint64_t sec;
    uint32_t nsec, mark_len;
    char mark[8];
} __attribute__((packed));

int traffic_open(struct mount *m, struct err *err)
{
    if (!m->conf.dump_file)
        return 0;
    m->traffic_fd = open(m->conf.dump_file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    return m->traffic_fd < 0 ? err_set(err, -errno, "--dump-fuse %s: %s", m->conf.dump_file, strerror(errno)) : 0;
}

void traffic_close(struct mount *m)
{
    if (m->traffic_fd >= 0)
        close(m->traffic_fd);
    m->traffic_fd = -1;
}

void traffic_note(struct mount *m, char direction, const struct iovec *iov, int n, size_t len)
{
    struct iovec all[TRAFFIC_PARTS + 1];
    struct record_head head = {.direction = direction, .parts = 3, .time_len = 16, .mark_len = 12, .mark = "GLUSTER\xf5"};
    struct timespec now;
    int used = 1;

    clock_gettime(CLOCK_REALTIME, &now);
    head.sec = (uint64_t)now.tv_sec;
    head.nsec = (uint32_t)now.tv_nsec;
    all[0] = (struct iovec){&head, sizeof(head)};
    for (int i = 0; i < n && i < TRAFFIC_PARTS && len; i++) {
        all[used] = iov[i];
        all[used].iov_len = min_of(iov[i].iov_len, len);
        len -= all[used++].iov_len;
    }
    if (writev(m->traffic_fd, all, used) < 0)
        log_warning(DOMAIN, "--dump-fuse %s: %s", m->conf.dump_file, strerror(errno));
}
