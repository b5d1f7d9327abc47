/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* faulty: a disk that breaks when it is told to. A FUSE file system with one file, MOUNTPOINT/disk, over an image; a loop device
 * over that file is the disk.
 *
 *   faulty MOUNTPOINT IMAGE CONTROL
 *
 * The first letter of the file CONTROL says what the disk does from then on: w: writes fail with EIO, a: reads and writes fail,
 * h: nothing is answered; anything else, or no such file: it works. Speaks to /dev/fuse itself, one request at a time; ends when
 * it is unmounted. Needs root. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MAX_WRITE (1u << 20)
#define DISK 2 /* its node; 1 is the root */

static int dev, image;
static const char *control;
static char request[MAX_WRITE + 4096], data[MAX_WRITE];

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "faulty: %s: %s\n", what, strerror(errno));
    exit(1);
}

static char fault(void)
{
    char c = 0;
    int fd = open(control, O_RDONLY);
    if (fd >= 0 && read(fd, &c, 1) < 0)
        c = 0;
    if (fd >= 0)
        close(fd);
    return c;
}

static void reply(uint64_t unique, int err, const void *bytes, size_t len)
{
    struct fuse_out_header h = {.len = (uint32_t)(sizeof(h) + (err ? 0 : len)), .error = -err, .unique = unique};
    struct iovec iov[2] = {{&h, sizeof(h)}, {(void *)bytes, err ? 0 : len}};
    if (writev(dev, iov, 2) < 0 && errno != ENOENT) /* ENOENT: nobody waits any more */
        die("reply");
}

static struct fuse_attr attributes(uint64_t node)
{
    struct stat st;
    if (fstat(image, &st) < 0)
        die("image");
    return (struct fuse_attr){.ino = node, .size = node == DISK ? (uint64_t)st.st_size : 0, .blocks = (uint64_t)st.st_blocks,
                              .mode = node == DISK ? S_IFREG | 0600 : S_IFDIR | 0755, .nlink = 1, .blksize = 4096};
}

static void say_init(const struct fuse_in_header *in, const struct fuse_init_in *arg)
{
    struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_readahead = arg->max_readahead,
                                .flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES, .max_write = MAX_WRITE, .max_pages = MAX_WRITE / 4096,
                                .max_background = 16, .congestion_threshold = 12, .time_gran = 1};
    reply(in->unique, 0, &out, sizeof(out));
}

static void do_read(const struct fuse_in_header *in, const struct fuse_read_in *arg)
{
    uint32_t size = arg->size < MAX_WRITE ? arg->size : MAX_WRITE;
    ssize_t n = fault() == 'a' ? (errno = EIO, -1) : pread(image, data, size, (off_t)arg->offset);
    reply(in->unique, n < 0 ? errno : 0, data, n < 0 ? 0 : (size_t)n);
}

static void do_write(const struct fuse_in_header *in, const struct fuse_write_in *arg)
{
    char f = fault();
    ssize_t n = f == 'a' || f == 'w' ? (errno = EIO, -1) : pwrite(image, arg + 1, arg->size, (off_t)arg->offset);
    struct fuse_write_out out = {.size = n < 0 ? 0 : (uint32_t)n};
    reply(in->unique, n < 0 ? errno : 0, &out, sizeof(out));
}

static void serve(const struct fuse_in_header *in)
{
    const void *arg = in + 1;
    const struct timespec tick = {.tv_nsec = 20000000};
    while ((in->opcode == FUSE_READ || in->opcode == FUSE_WRITE || in->opcode == FUSE_FSYNC) && fault() == 'h')
        nanosleep(&tick, NULL);
    switch (in->opcode) {
    case FUSE_INIT:
        say_init(in, arg);
        break;
    case FUSE_LOOKUP: {
        struct fuse_entry_out out = {.nodeid = DISK, .entry_valid = 3600, .attr_valid = 3600, .attr = attributes(DISK)};
        reply(in->unique, strcmp(arg, "disk") ? ENOENT : 0, &out, sizeof(out));
        break;
    }
    case FUSE_GETATTR: {
        struct fuse_attr_out out = {.attr_valid = 3600, .attr = attributes(in->nodeid)};
        reply(in->unique, 0, &out, sizeof(out));
        break;
    }
    case FUSE_OPEN: {
        struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO};
        reply(in->unique, 0, &out, sizeof(out));
        break;
    }
    case FUSE_READ:
        do_read(in, arg);
        break;
    case FUSE_WRITE:
        do_write(in, arg);
        break;
    case FUSE_FSYNC: {
        char f = fault();
        reply(in->unique, f == 'a' || f == 'w' ? EIO : 0, NULL, 0);
        break;
    }
    case FUSE_FLUSH:
    case FUSE_RELEASE:
        reply(in->unique, 0, NULL, 0);
        break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        break; /* have no reply */
    default:
        reply(in->unique, ENOSYS, NULL, 0);
    }
}

int main(int argc, char **argv)
{
    char options[128];
    if (argc != 4) {
        fprintf(stderr, "usage: faulty MOUNTPOINT IMAGE CONTROL\n");
        return 2;
    }
    control = argv[3];
    image = open(argv[2], O_RDWR | O_CLOEXEC);
    if (image < 0)
        die(argv[2]);
    dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (dev < 0)
        die("/dev/fuse");
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", dev);
    if (mount("faulty", argv[1], "fuse.faulty", MS_NOSUID | MS_NODEV, options) < 0)
        die(argv[1]);
    for (;;) {
        ssize_t n = read(dev, request, sizeof(request));
        if (n < 0 && errno == ENODEV)
            return 0; /* unmounted */
        if (n < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
            die("read");
        if (n >= (ssize_t)sizeof(struct fuse_in_header))
            serve((const void *)request);
    }
}
