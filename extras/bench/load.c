/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* load: work for a brick through the stock libgfapi, and what it cost the brick.
 *
 *   load BRICK-PID VOLUME-FILE STEP...
 *
 * Steps, done in order; each of the first four prints "STEP OPERATIONS SECONDS CPU-SECONDS-OF-THE-BRICK OF-THIS-PROCESS":
 *   write:SIZE:DEPTH:TOTAL  read:SIZE:DEPTH:TOTAL   TOTAL calls of SIZE bytes, DEPTH in flight, through one file of 256 MiB; small
 *                                                   ones at random places. Depth 1 is synchronous
 *   create:THREADS:TOTAL                            TOTAL empty files, created and closed by THREADS threads, each in a folder
 *   remove:THREADS:TOTAL                            the same files again
 *   fill                                            the file of 256 MiB, made whole; prints nothing
 * The CPU time is utime + stime of the brick, all threads, from before the first call to after the last answer. */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <glusterfs/api/glfs.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FILE_SIZE = 256 << 20, BIG = 1 << 20, MAX_DEPTH = 256, MAX_THREADS = 64 };

static glfs_t *fs;
static int brick;
static char pattern[BIG];

_Noreturn static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    _exit(1);
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double brick_cpu(void)
{
    double seconds = cpu_of(brick);
    if (seconds < 0)
        fail("the brick's /proc/PID/stat");
    return seconds;
}

static struct {
    double at, cpu, own;
} begun;

static void begin(void)
{
    begun.cpu = brick_cpu();
    begun.own = cpu_of(getpid());
    begun.at = now();
}

static void end(const char *step, long operations)
{
    double seconds = now() - begun.at;
    printf("%s %ld %.4f %.2f %.2f\n", step, operations, seconds, brick_cpu() - begun.cpu, cpu_of(getpid()) - begun.own);
    fflush(stdout);
}

/* ---- data ------------------------------------------------------------------------------------------------------------------ */
struct slot {
    char *buf;
    size_t size;
    struct slot *next;
};
static struct {
    pthread_mutex_t lock;
    struct slot *unused; /* lock */
    sem_t room;
} slots = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct slot *take(void)
{
    struct slot *s;
    while (sem_wait(&slots.room) < 0)
        ;
    pthread_mutex_lock(&slots.lock);
    s = slots.unused;
    slots.unused = s->next;
    pthread_mutex_unlock(&slots.lock);
    return s;
}

static void answered(glfs_fd_t *fd, ssize_t ret, struct glfs_stat *before, struct glfs_stat *after, void *ctx)
{
    struct slot *s = ctx;
    if (ret != (ssize_t)s->size) {
        if (ret >= 0)
            errno = EIO;
        fail("an asynchronous call");
    }
    pthread_mutex_lock(&slots.lock);
    s->next = slots.unused;
    slots.unused = s;
    pthread_mutex_unlock(&slots.lock);
    sem_post(&slots.room);
}

static off_t place(size_t size, long i)
{
    static uint32_t seed = 1;
    long n = FILE_SIZE / (long)size;
    if (size == BIG)
        return i % n * BIG;
    seed = seed * 1664525u + 1013904223u;
    return (off_t)(seed >> 8) % n * (off_t)size;
}

static void data(const char *step, bool writing, size_t size, int depth, long total)
{
    struct slot slot[MAX_DEPTH];
    glfs_fd_t *fd = glfs_open(fs, "/data", O_RDWR);

    if (!fd || depth < 1 || depth > MAX_DEPTH || size < 1 || size > BIG)
        fail(step);
    slots.unused = NULL;
    sem_init(&slots.room, 0, (unsigned int)depth);
    for (int i = 0; i < depth; i++) {
        slot[i] = (struct slot){.buf = malloc(size), .size = size, .next = slots.unused};
        memcpy(slot[i].buf, pattern, size);
        slots.unused = &slot[i];
    }
    begin();
    for (long i = 0; i < total; i++) {
        off_t at = place(size, i);
        if (depth == 1) {
            ssize_t n = writing ? glfs_pwrite(fd, slot[0].buf, size, at, 0, NULL, NULL) : glfs_pread(fd, slot[0].buf, size, at, 0, NULL);
            if (n != (ssize_t)size)
                fail(step);
        } else {
            struct slot *s = take();
            int ret = writing ? glfs_pwrite_async(fd, s->buf, size, at, 0, answered, s)
                              : glfs_pread_async(fd, s->buf, size, at, 0, answered, s);
            if (ret < 0)
                fail(step);
        }
    }
    if (depth > 1)
        for (int i = 0; i < depth; i++)
            take();
    end(step, total);
    for (int i = 0; i < depth; i++)
        free(slot[i].buf);
    sem_destroy(&slots.room);
    glfs_close(fd);
}

static void fill(void)
{
    glfs_fd_t *fd = glfs_creat(fs, "/data", O_RDWR, 0644);
    if (!fd)
        fail("create /data");
    for (off_t at = 0; at < FILE_SIZE; at += BIG)
        if (glfs_pwrite(fd, pattern, BIG, at, 0, NULL, NULL) != BIG)
            fail("write /data");
    if (glfs_fsync(fd, NULL, NULL) < 0)
        fail("fsync /data");
    glfs_close(fd);
}

/* ---- names ----------------------------------------------------------------------------------------------------------------- */
struct names {
    pthread_t thread;
    int folder;
    long count;
    bool removing;
};

static void *names_thread(void *arg)
{
    struct names *t = arg;
    char path[64];

    for (long i = 0; i < t->count; i++) {
        snprintf(path, sizeof path, "/names-%d/%ld", t->folder, i);
        if (t->removing) {
            if (glfs_unlink(fs, path) < 0)
                fail(path);
        } else {
            glfs_fd_t *fd = glfs_creat(fs, path, O_WRONLY | O_EXCL, 0644);
            if (!fd || glfs_close(fd) < 0)
                fail(path);
        }
    }
    return NULL;
}

static void names(const char *step, bool removing, int threads, long total)
{
    struct names t[MAX_THREADS];
    char path[64];

    if (threads < 1 || threads > MAX_THREADS)
        fail(step);
    for (int i = 0; i < threads && !removing; i++) {
        snprintf(path, sizeof path, "/names-%d", i);
        if (glfs_mkdir(fs, path, 0755) < 0 && errno != EEXIST)
            fail(path);
    }
    begin();
    for (int i = 0; i < threads; i++) {
        t[i] = (struct names){.folder = i, .count = total / threads, .removing = removing};
        if ((errno = pthread_create(&t[i].thread, NULL, names_thread, &t[i])) != 0)
            fail("pthread_create");
    }
    for (int i = 0; i < threads; i++)
        pthread_join(t[i].thread, NULL);
    end(step, total / threads * threads);
}

static void run(const char *step)
{
    size_t size;
    long total;
    int n;

    if (strcmp(step, "fill") == 0)
        fill();
    else if (sscanf(step, "write:%zu:%d:%ld", &size, &n, &total) == 3)
        data(step, true, size, n, total);
    else if (sscanf(step, "read:%zu:%d:%ld", &size, &n, &total) == 3)
        data(step, false, size, n, total);
    else if (sscanf(step, "create:%d:%ld", &n, &total) == 2)
        names(step, false, n, total);
    else if (sscanf(step, "remove:%d:%ld", &n, &total) == 2)
        names(step, true, n, total);
    else {
        errno = EINVAL;
        fail(step);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: load BRICK-PID VOLUME-FILE STEP...\n");
        return 2;
    }
    brick = atoi(argv[1]);
    for (size_t i = 0; i < BIG; i++)
        pattern[i] = (char)(i * 2654435761u >> 11);
    fs = glfs_new("vol");
    if (!fs || glfs_set_volfile(fs, argv[2]) < 0 || glfs_set_logging(fs, "/dev/stderr", 4) < 0 || glfs_init(fs) < 0)
        fail("glfs_init");
    for (int i = 3; i < argc; i++)
        run(argv[i]);
    return 0; /* without glfs_fini: it may take seconds, and the brick sees the end of the connection either way */
}
