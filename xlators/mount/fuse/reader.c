/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The threads that take the kernel's requests.
 *
 * libfuse's own loop copies: it reads all of a request into one buffer of its own, which is good only until the handler returns. Here a
 * request is read in two parts: the headers of a WRITE (80 bytes) and what follows them, into a page-aligned buffer of the process. So the
 * data of a WRITE lies where it can be written from, or sent, without being copied; a small one is copied, rather than holding a MiB.
 * Other requests are put together again behind their headers: a few hundred bytes.
 *
 * An answer must go to the channel that its question came by; libfuse's public interface has one descriptor only. Its port for
 * replacing the input and output of a session is enough: the write goes to the descriptor that this thread names.
 *
 * A reader waits in read(2). To end, it is woken by a signal that only these threads let through: the process is ours. */
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "mount-impl.h"
#include "process.h"

#define HEAD_SIZE (sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in))
#define COPY_BELOW (64 * KiB)  /* a WRITE that is smaller is copied out of its landing */
#define WAKE_SIGNAL SIGURG     /* nobody uses it: no sockets with out-of-band data here */

static _Thread_local int thread_channel = -1;
static _Thread_local struct reader *thread_reader;

int channel_of_thread(void)
{
    return thread_channel;
}

int channel_set(int fd)
{
    int before = thread_channel;

    thread_channel = fd;
    return before;
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
    struct mount *m = userdata;

    if (m->traffic_fd >= 0)
        traffic_note(m, 'W', iov, count, SIZE_MAX);
    return writev(thread_channel >= 0 ? thread_channel : fd, iov, count);
}

static ssize_t io_read(int fd, void *buf, size_t len, void *userdata)
{
    errno = ENOSYS; /* readers read by themselves */
    return -1;
}
const struct fuse_custom_io reader_io = {.writev = io_writev, .read = io_read};

struct slice landed_data(struct mount *m, const char *buf, size_t size)
{
    struct reader *rd = thread_reader;
    struct slice s;

    if (size >= COPY_BELOW)
        return (struct slice){.buf = iobuf_ref(rd->landing), .at = rd->landing->data, .len = size};
    s = slice_new(m->process->env.bufs, size);
    if (s.buf)
        memcpy(s.at, rd->landing->data, size);
    return s;
}

static void woken(int signal)
{
}

/* One request. False: the end. */
static bool take(struct reader *rd)
{
    struct mount *m = rd->mount;
    struct iovec iov[2] = {{rd->scratch, HEAD_SIZE}, {rd->landing->data, REQUEST_MAX}};
    ssize_t n = readv(rd->fd, iov, 2);
    const struct fuse_in_header *head = (const void *)rd->scratch;

    if (n < 0) {
        if (errno == EPERM) {
            struct timespec pause = {.tv_sec = (time_t)(m->conf.eperm_pause_ns / 1000000000),
                                     .tv_nsec = (long)(m->conf.eperm_pause_ns % 1000000000)};
            nanosleep(&pause, NULL);
            return true;
        }
        return errno == EINTR || errno == EAGAIN || errno == ENOENT; /* ENOENT: the request was interrupted meanwhile */
    }
    if ((size_t)n < sizeof(*head))
        return false;
    if (m->traffic_fd >= 0)
        traffic_note(m, 'R', iov, 2, (size_t)n);
    if ((size_t)n > HEAD_SIZE && head->opcode != FUSE_WRITE)
        memcpy(rd->scratch + HEAD_SIZE, rd->landing->data, (size_t)n - HEAD_SIZE);
    struct fuse_buf buf = {.mem = rd->scratch, .size = (size_t)n};
    fuse_session_process_buf(m->session, &buf);
    return true;
}

/* An operation may still hold the buffer: then the next request lands in another one. */
static bool fresh_landing(struct reader *rd)
{
    if (atomic_load_explicit(&rd->landing->refs, memory_order_acquire) == 1) /* partner: the last unref of an operation */
        return true;
    iobuf_unref(rd->landing);
    while (!(rd->landing = iobuf_new(rd->mount->process->env.bufs, REQUEST_MAX)))
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000000}, NULL); /* no memory: the kernel waits with us */
    return true;
}

static void *read_requests(void *arg)
{
    struct reader *rd = arg;
    struct mount *m = rd->mount;
    sigset_t wake;

    sigemptyset(&wake);
    sigaddset(&wake, WAKE_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &wake, NULL);
    thread_reader = rd;
    thread_channel = rd->fd;
    while (!atomic_load_explicit(&m->stopping, memory_order_relaxed) && take(rd) && fresh_landing(rd))
        ;
    if (!atomic_load_explicit(&m->stopping, memory_order_relaxed) && !atomic_exchange(&m->unmounted, true)) {
        log_info(DOMAIN, "%s was unmounted", m->conf.point);
        if (m->process->stop)
            m->process->stop(m->process, SIGTERM);
    }
    atomic_fetch_sub(&m->readers_left, 1); /* the last use of m */
    return NULL;
}

static int open_channel(struct mount *m, struct reader *rd, struct err *err)
{
    uint32_t first = (uint32_t)fuse_session_fd(m->session);

    if (rd == m->readers) {
        rd->fd = (int)first;
        return 0;
    }
    rd->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (rd->fd < 0 || ioctl(rd->fd, FUSE_DEV_IOC_CLONE, &first) < 0)
        return err_set(err, -errno, "a channel to /dev/fuse: %s", strerror(errno));
    return 0;
}

int readers_start(struct mount *m, struct err *err)
{
    struct sigaction action = {.sa_handler = woken};
    int failed = 0;

    sigaction(WAKE_SIGNAL, &action, NULL);
    m->nr_readers = m->conf.readers;
    m->readers = calloc(m->nr_readers, sizeof(*m->readers));
    if (!m->readers)
        return -ENOMEM;
    for (unsigned int i = 0; i < m->nr_readers; i++)
        m->readers[i] = (struct reader){.mount = m, .fd = -1};
    for (unsigned int i = 0; i < m->nr_readers && !failed; i++) {
        struct reader *rd = &m->readers[i];

        rd->scratch = aligned_alloc(64, (HEAD_SIZE + REQUEST_MAX + 63) & ~(size_t)63);
        rd->landing = iobuf_new(m->process->env.bufs, REQUEST_MAX);
        failed = rd->scratch && rd->landing ? open_channel(m, rd, err) : -ENOMEM;
    }
    for (unsigned int i = 0; i < m->nr_readers && !failed; i++) {
        struct reader *rd = &m->readers[i];

        atomic_fetch_add(&m->readers_left, 1);
        failed = thread_start(&rd->thread, "fuse-reader", THREAD_STACK, read_requests, rd, &m->process->census);
        rd->started = !failed;
        if (failed)
            atomic_fetch_sub(&m->readers_left, 1);
    }
    return failed;
}

void readers_stop(struct mount *m)
{
    atomic_store_explicit(&m->stopping, true, memory_order_relaxed);
    while (atomic_load(&m->readers_left)) { /* one that was about to read did not notice: again */
        for (unsigned int i = 0; i < m->nr_readers; i++)
            if (m->readers[i].started)
                pthread_kill(m->readers[i].thread, WAKE_SIGNAL);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    for (unsigned int i = 0; i < m->nr_readers; i++) {
        struct reader *rd = &m->readers[i];

        if (rd->started)
            thread_join(rd->thread, &m->process->census);
        iobuf_unref(rd->landing);
        free(rd->scratch);
    }
}

void readers_free(struct mount *m)
{
    for (unsigned int i = 1; i < m->nr_readers; i++)
        if (m->readers[i].fd >= 0)
            close(m->readers[i].fd);
    free(m->readers);
    m->readers = NULL;
    m->nr_readers = 0;
}
