/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuse-copy copy|splice read|write GIB: what large requests of /dev/fuse cost a process that passes their data on to a TCP connection, by
 * copying (readv, sendmsg; recv, writev) or by splice(2) through a pipe. Prints CPU of that process per GiB. For the choice that mount/fuse
 * made: doc/performance.md.
 *
 * Requests of 512 KiB: one of 1 MiB and its header do not fit into the largest pipe that a process without CAP_SYS_RESOURCE gets
 * (/proc/sys/fs/pipe-max-size, 256 pages), and /dev/fuse gives a request whole or not at all.
 *
 * A file system of one file, in a directory of its own; the peer of the connection is a child that takes or gives bytes. Needs root. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1 << 20)
#define REQUEST (MIB / 2)
#define WRITE_HEAD (sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in))

static int dev, sock, pipes[2];
static int by_splice;
static char *data;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void must(ssize_t r, const char *what)
{
    if (r < 0)
        die(what);
}

/* ---- the peer ------------------------------------------------------------------------------------------------------------ */
/* 'w' and a length: takes so many bytes. 'r' and a length: gives them. */
struct order {
    char what;
    unsigned int len;
};

static void take_all(int fd, void *to, size_t len)
{
    for (ssize_t n; len; len -= (size_t)n, to = (char *)to + n)
        if ((n = recv(fd, to, len, 0)) <= 0)
            exit(0);
}

static void give_all(int fd, const void *from, size_t len)
{
    for (ssize_t n; len; len -= (size_t)n, from = (const char *)from + n)
        must(n = send(fd, from, len, MSG_NOSIGNAL), "send");
}

static void peer(int fd)
{
    char *buf = malloc(MIB);
    struct order o;

    for (;;) {
        take_all(fd, &o, sizeof(o));
        if (o.what == 'w')
            take_all(fd, buf, o.len);
        else
            give_all(fd, buf, o.len);
    }
}

static int connect_peer(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    must(bind(listener, (void *)&at, sizeof(at)), "bind");
    must(listen(listener, 1), "listen");
    must(getsockname(listener, (void *)&at, &len), "getsockname");
    if (fork() == 0)
        peer(accept(listener, NULL, NULL));
    must(connect(fd, (void *)&at, sizeof(at)), "connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    close(listener);
    return fd;
}

/* ---- data, both ways ----------------------------------------------------------------------------------------------------- */

static void splice_all(int from, int to, size_t len)
{
    for (ssize_t n; len; len -= (size_t)n)
        must(n = splice(from, NULL, to, NULL, len, SPLICE_F_MOVE), "splice");
}

static void pass_write(unsigned int len)
{
    struct order o = {'w', len};
    struct iovec iov[2] = {{&o, sizeof(o)}, {data, len}};

    if (by_splice) {
        must(send(sock, &o, sizeof(o), MSG_MORE), "send");
        splice_all(pipes[0], sock, len);
    } else {
        ssize_t n = sendmsg(sock, &(struct msghdr){.msg_iov = iov, .msg_iovlen = 2}, MSG_NOSIGNAL);

        must(n, "sendmsg");
        if ((size_t)n < sizeof(o) + len)
            give_all(sock, data + (size_t)n - sizeof(o), sizeof(o) + len - (size_t)n);
    }
}

static void answer(uint64_t unique, int err, const void *what, size_t len)
{
    struct fuse_out_header head = {.len = (uint32_t)(sizeof(head) + len), .error = -err, .unique = unique};
    struct iovec iov[2] = {{&head, sizeof(head)}, {(void *)what, len}};

    must(writev(dev, iov, 2), "answer");
}

static void pass_read(uint64_t unique, unsigned int len)
{
    struct order o = {'r', len};
    struct fuse_out_header head = {.len = (uint32_t)sizeof(head) + len, .unique = unique};

    give_all(sock, &o, sizeof(o));
    if (by_splice) {
        must(write(pipes[1], &head, sizeof(head)), "pipe");
        splice_all(sock, pipes[1], len);
        must(splice(pipes[0], NULL, dev, NULL, head.len, SPLICE_F_MOVE), "splice to /dev/fuse");
    } else {
        take_all(sock, data, len);
        answer(unique, 0, data, len);
    }
}

/* ---- the file system ----------------------------------------------------------------------------------------------------- */

static void answer_attr(const struct fuse_in_header *in, int entry)
{
    int is_file = entry || in->nodeid != FUSE_ROOT_ID;
    struct fuse_attr attr = {.ino = is_file ? 2 : 1, .size = is_file ? 64ull << 30 : 0, .mode = is_file ? S_IFREG | 0600 : S_IFDIR | 0700,
                             .nlink = 1};
    struct fuse_entry_out e = {.nodeid = 2, .entry_valid = 100, .attr_valid = 100, .attr = attr};
    struct fuse_attr_out a = {.attr_valid = 100, .attr = attr};

    if (entry)
        answer(in->unique, 0, &e, sizeof(e));
    else
        answer(in->unique, 0, &a, sizeof(a));
}

static void serve(const struct fuse_in_header *in, const void *arg)
{
    const struct fuse_write_in *w = arg;
    const struct fuse_read_in *r = arg;
    struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = REQUEST, .max_readahead = REQUEST, .max_background = 12,
                                 .max_pages = REQUEST / 4096, .flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_ASYNC_READ};
    struct fuse_open_out open = {.fh = 1, .open_flags = FOPEN_DIRECT_IO};
    struct fuse_write_out written = {0};

    switch (in->opcode) {
    case FUSE_INIT:    answer(in->unique, 0, &init, sizeof(init)); break;
    case FUSE_LOOKUP:  answer_attr(in, 1); break;
    case FUSE_GETATTR: answer_attr(in, 0); break;
    case FUSE_OPEN:    answer(in->unique, 0, &open, sizeof(open)); break;
    case FUSE_WRITE:
        written.size = w->size;
        pass_write(w->size);
        answer(in->unique, 0, &written, sizeof(written));
        break;
    case FUSE_READ:    pass_read(in->unique, r->size); break;
    case FUSE_FLUSH: case FUSE_RELEASE: answer(in->unique, 0, NULL, 0); break;
    case FUSE_FORGET:  break;
    default:           answer(in->unique, ENOSYS, NULL, 0); break;
    }
}

/* One request; 0: the end. */
static int take(void)
{
    static char head[WRITE_HEAD + 8192];
    const struct fuse_in_header *in = (const void *)head;
    ssize_t n;

    if (by_splice) {
        n = splice(dev, NULL, pipes[1], NULL, MIB, 0);
        if (n > 0) {
            must(read(pipes[0], head, sizeof(*in)), "pipe");
            must(read(pipes[0], head + sizeof(*in), in->opcode == FUSE_WRITE ? sizeof(struct fuse_write_in) : (size_t)n - sizeof(*in)),
                 "pipe");
        }
    } else {
        struct iovec iov[2] = {{head, WRITE_HEAD}, {data, MIB}};

        n = readv(dev, iov, 2);
        if (n > (ssize_t)WRITE_HEAD && in->opcode != FUSE_WRITE)
            memcpy(head + WRITE_HEAD, data, (size_t)n - WRITE_HEAD);
    }
    if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
        return 1;
    if (n <= 0)
        return 0;
    serve(in, head + sizeof(*in));
    return 1;
}

static void load(const char *file, int writes, int gib)
{
    int fd = open(file, O_RDWR);
    char *buf = aligned_alloc(4096, MIB);

    must(fd, file);
    memset(buf, 1, MIB);
    for (int i = 0; i < gib * 1024; i++)
        if ((writes ? pwrite(fd, buf, MIB, (off_t)i * MIB) : pread(fd, buf, MIB, (off_t)i * MIB)) != MIB)
            die("the load");
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/fuse-copy-XXXXXX", file[64], options[96];
    struct rusage u;
    pid_t child;
    int gib;

    if (argc != 4)
        return fprintf(stderr, "fuse-copy copy|splice read|write GIB\n"), 2;
    by_splice = argv[1][0] == 's';
    gib = atoi(argv[3]);
    data = aligned_alloc(4096, MIB);
    must(pipe(pipes), "pipe");
    must(fcntl(pipes[1], F_SETPIPE_SZ, MIB), "F_SETPIPE_SZ");
    sock = connect_peer();
    if (!mkdtemp(dir))
        die("mkdtemp");
    must(dev = open("/dev/fuse", O_RDWR | O_CLOEXEC), "/dev/fuse");
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,max_read=524288", dev);
    must(mount("fuse-copy", dir, "fuse", 0, options), "mount");
    snprintf(file, sizeof(file), "%s/f", dir);
    child = fork();
    if (child == 0) {
        load(file, argv[2][0] == 'w', gib);
        umount2(dir, MNT_DETACH);
        _exit(0);
    }
    while (take())
        ;
    waitpid(child, NULL, 0);
    getrusage(RUSAGE_SELF, &u);
    rmdir(dir);
    printf("%s %s: %.3f s of CPU per GiB\n", argv[1], argv[2],
           ((double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6) / gib);
    return 0;
}
