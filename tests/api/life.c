/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The life of volumes in a program:
 *
 *   life loops VOLUME-FILE N      N times from glfs_new() to glfs_fini(): no thread, descriptor or memory is left
 *   life several VOLUME-FILE N    N volumes at once, each worked on by a thread, ended in another order
 *   life callbacks VOLUME-FILE    callbacks call synchronous functions, more of them than there can be threads
 *   life exit VOLUME-FILE         exit() with work under way and no glfs_fini()
 *   life process VOLUME-FILE      what belongs to the process is not touched
 *   life unclosed VOLUME-FILE     glfs_fini() with descriptors, objects and a directory open
 *   life setup VOLUME-FILE        what glfs_new(), the setters, glfs_init() and glfs_fini() say
 *   life refused VOLUME-FILE      by a brick that does not let us in
 *   life away VOLUME-FILE PID     the brick's process PID is killed, and stopped in between */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <glusterfs/api/glfs-handles.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

static const char *volfile;

static glfs_t *volume(int want)
{
    glfs_t *fs = glfs_new("vol");

    TRUE(fs != NULL);
    OK(glfs_set_volfile(fs, volfile));
    IS(glfs_init(fs), want);
    return fs;
}

static void work(glfs_t *fs, const char *name)
{
    char text[6000], back[6000];
    glfs_fd_t *f = glfs_creat(fs, name, O_RDWR, 0644);
    struct stat st;

    TRUE(f != NULL);
    memset(text, name[1], sizeof(text));
    IS(glfs_pwrite(f, text, sizeof(text), 100, 0, NULL, NULL), sizeof(text));
    IS(glfs_pread(f, back, sizeof(back), 100, 0, NULL), sizeof(back));
    TRUE(memcmp(text, back, sizeof(text)) == 0);
    OK(glfs_fsync(f, NULL, NULL));
    OK(glfs_close(f));
    OK(glfs_stat(fs, name, &st));
    IS(st.st_size, sizeof(text) + 100);
    OK(glfs_unlink(fs, name));
}

/* ---- what a process has ------------------------------------------------------------------------------------------------------ */

static int entries(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;

    TRUE(d != NULL);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static long resident_kib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    TRUE(f && fscanf(f, "%*d %ld", &pages) == 1);
    fclose(f);
    return pages * 4;
}

static void loops(int n)
{
    int fds = 0, threads = entries("/proc/self/task");
    long memory = 0, now;

    for (int i = 0; i < n; i++) {
        glfs_t *fs = volume(0);

        if (i % 10 == 0)
            work(fs, "/looped");
        OK(glfs_fini(fs));
        if (i == n / 5) {
            fds = entries("/proc/self/fd");
            memory = resident_kib();
#ifdef __SANITIZE_THREAD__
            threads = entries("/proc/self/task"); /* one of them is the sanitizer's, which comes with the first of ours */
#endif
        }
    }
    IS(entries("/proc/self/fd"), fds);
    for (int i = 0; i < 500 && entries("/proc/self/task") > threads; i++)
        usleep(10000); /* the kernel takes a joined thread off its list a moment later */
    IS(entries("/proc/self/task"), threads);
    now = resident_kib();
    printf("%ld KiB after %d of %d, %ld KiB at the end\n", memory, n / 5, n, now);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    TRUE(now < memory + 2048);
#endif
}

/* ---- several ------------------------------------------------------------------------------------------------------------------- */

static void *worker(void *arg)
{
    char name[32];
    glfs_t *fs = arg;

    snprintf(name, sizeof(name), "/of-%p", arg);
    for (int i = 0; i < 20; i++)
        work(fs, name);
    return NULL;
}

static void several(int n)
{
    glfs_t *fs[64];
    pthread_t t[64];
    struct stat st;

    TRUE(n <= 64);
    for (int i = 0; i < n; i++)
        fs[i] = volume(0);
    for (int i = 0; i < n; i++)
        TRUE(pthread_create(&t[i], NULL, worker, fs[i]) == 0);
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < n; i += 2)
        OK(glfs_fini(fs[i]));
    for (int i = 1; i < n; i += 2) {
        OK(glfs_stat(fs[i], "/", &st));
        OK(glfs_fini(fs[i]));
    }
}

/* ---- callbacks ------------------------------------------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int left;

struct one {
    glfs_t *fs;
    int i;
    char text[512];
};

static void one_done(void)
{
    pthread_mutex_lock(&lock);
    left--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_for_all(void)
{
    pthread_mutex_lock(&lock);
    while (left)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void read_back(glfs_fd_t *fd, ssize_t ret, struct glfs_stat *before, struct glfs_stat *after, void *data)
{
    struct one *o = data;
    char name[32];

    TRUE(ret == sizeof(o->text) && !before && after && after->glfs_st_mask == GLFS_STAT_BASIC_STATS);
    for (size_t i = 0; i < sizeof(o->text); i++)
        TRUE(o->text[i] == (char)o->i);
    snprintf(name, sizeof(name), "/called-%d", o->i);
    work(o->fs, name);
    OK(glfs_close(fd)); /* the callback's own descriptor */
    one_done();
}

static void written(glfs_fd_t *fd, ssize_t ret, struct glfs_stat *before, struct glfs_stat *after, void *data)
{
    struct one *o = data;
    struct stat st;

    TRUE(ret == sizeof(o->text) && before && after);
    OK(glfs_fsync(fd, NULL, NULL));
    OK(glfs_fstat(fd, &st));
    IS(st.st_size, sizeof(o->text));
    memset(o->text, 0, sizeof(o->text));
    OK(glfs_pread_async(fd, o->text, sizeof(o->text), 0, 0, read_back, o));
}

static void callbacks(void)
{
    enum { N = 100 };
    static struct one ones[N];
    glfs_t *fs = volume(0);
    char name[32];

    left = N;
    for (int i = 0; i < N; i++) {
        struct one *o = &ones[i];
        glfs_fd_t *f;

        snprintf(name, sizeof(name), "/async-%d", i);
        f = glfs_creat(fs, name, O_RDWR, 0644);
        TRUE(f != NULL);
        *o = (struct one){.fs = fs, .i = i};
        memset(o->text, i, sizeof(o->text));
        OK(glfs_pwrite_async(f, o->text, sizeof(o->text), 0, 0, written, o));
    }
    wait_for_all();
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "/async-%d", i);
        OK(glfs_unlink(fs, name));
    }
    OK(glfs_fini(fs));
}

/* ---- the end without an end ------------------------------------------------------------------------------------------------ */

static void written_over(glfs_fd_t *fd, ssize_t ret, struct glfs_stat *before, struct glfs_stat *after, void *data)
{
    if (ret > 0)
        glfs_pwrite_async(fd, data, 4096, 0, 0, written_over, data);
}

static void just_exit(void)
{
    static char text[4096];
    glfs_t *fs = volume(0), *other = volume(0);
    glfs_fd_t *f = glfs_creat(fs, "/left", O_RDWR, 0644);

    TRUE(f && other);
    for (int i = 0; i < 32; i++)
        OK(glfs_pwrite_async(f, text, sizeof(text), 0, 0, written_over, text));
    work(other, "/while");
    exit(0);
}

/* ---- the process's own ----------------------------------------------------------------------------------------------------- */

struct belongings {
    void *handlers[65];
    int flags[65];
    sigset_t blocked;
    struct rlimit limits[RLIMIT_NLIMITS];
    mode_t mask;
    char cwd[4096];
};

static void note(struct belongings *b)
{
    memset(b, 0, sizeof(*b));
    for (int i = 1; i <= 64; i++) {
        struct sigaction a = {0};

        if (sigaction(i, NULL, &a) == 0) {
            b->handlers[i] = (void *)a.sa_handler;
            b->flags[i] = a.sa_flags;
        }
    }
    pthread_sigmask(SIG_SETMASK, NULL, &b->blocked);
    for (int i = 0; i < RLIMIT_NLIMITS; i++)
        getrlimit(i, &b->limits[i]);
    b->mask = umask(0);
    umask(b->mask);
    TRUE(getcwd(b->cwd, sizeof(b->cwd)) != NULL);
}

static void process(void)
{
    static struct belongings before, during, after;
    glfs_t *fs;

    umask(027);
    note(&before);
    fs = volume(0);
    work(fs, "/mine");
    note(&during);
    OK(glfs_fini(fs));
    note(&after);
    TRUE(memcmp(&before, &during, sizeof(before)) == 0);
    TRUE(memcmp(&before, &after, sizeof(before)) == 0);
}

static void unclosed(void)
{
    glfs_t *fs = volume(0);
    struct stat st;
    struct dirent *d;
    glfs_fd_t *dir = glfs_opendir(fs, "/");

    TRUE(glfs_creat(fs, "/open", O_RDWR, 0644) != NULL);
    TRUE(glfs_h_lookupat(fs, NULL, "/open", &st, 0) != NULL);
    TRUE(dir != NULL);
    d = glfs_readdir(dir);
    TRUE(d != NULL);
    OK(glfs_chdir(fs, "/"));
    OK(glfs_unlink(fs, "/open"));
    OK(glfs_fini(fs));
}

/* ---- what the beginning and the end say ------------------------------------------------------------------------------------ */

static void setup(void)
{
    glfs_t *fs;
    char text[16384];
    ssize_t n;
    struct stat st;

    NONE(glfs_new(""), EINVAL);
    NONE(glfs_new("a b"), EINVAL);
    NONE(glfs_new("a/b"), EINVAL);
    fs = glfs_new("/snaps/s/v");
    TRUE(fs != NULL);
    IS(glfs_fini(fs), -1);

    fs = glfs_new("vol");
    IS(glfs_init(fs), -1); /* of what? */
    FAILS(glfs_stat(fs, "/", &st), EIO);
    IS(glfs_fini(fs), -1);

    fs = glfs_new("vol");
    OK(glfs_set_volfile(fs, "/nowhere/no.vol"));
    IS(glfs_init(fs), -1);
    IS(glfs_fini(fs), -1);

    fs = glfs_new("vol");
    IS(glfs_set_volfile_server(fs, "carrier-pigeon", "localhost", 0), -1);
    OK(glfs_set_volfile_server(fs, "tcp", "127.0.0.1", 1)); /* nobody listens */
    OK(glfs_set_volfile_server(fs, NULL, "127.0.0.1", 2));
    OK(glfs_set_volfile_server(fs, "unix", "/nowhere/socket", 0));
    OK(glfs_unset_volfile_server(fs, "tcp", "127.0.0.1", 2));
    FAILS(glfs_init(fs), ENOTCONN);
    IS(glfs_fini(fs), -1);

    fs = volume(0);
    n = glfs_get_volfile(fs, text, sizeof(text));
    TRUE(n > 100 && memmem(text, (size_t)n, "protocol/client", 15));
    IS(glfs_get_volfile(fs, text, 10), 10 - n);
    IS(glfs_get_volumeid(fs, NULL, 0), 16);
    OK(glfs_set_xlator_option(fs, "*-client-*", "ping-timeout", "17"));
    OK(glfs_stat(fs, "/", &st));
    OK(glfs_sysrq(fs, GLFS_SYSRQ_HELP));
    FAILS(glfs_sysrq(fs, '?'), ENOTSUP);
    OK(glfs_set_statedump_path(fs, "/tmp"));
    FAILS(glfs_set_statedump_path(fs, "/etc/passwd"), EINVAL);
    OK(glfs_fini(fs));
    FAILS(glfs_fini(NULL), EINVAL);
}

static void refused(void)
{
    glfs_t *fs = glfs_new("vol");

    OK(glfs_set_volfile(fs, volfile));
    FAILS(glfs_init(fs), EACCES);
    IS(glfs_fini(fs), -1);
}

/* ---- a brick that goes ----------------------------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void end_soon(glfs_t *fs) /* a guard against hanging */
{
    double from = now();

    OK(glfs_fini(fs));
    printf("glfs_fini() took %.2f s\n", now() - from);
    TRUE(now() - from < 5);
}

static void away(pid_t brick)
{
    glfs_t *fs = volume(0), *other = volume(0);
    glfs_fd_t *f = glfs_creat(fs, "/away", O_RDWR, 0644);
    struct stat st;

    TRUE(f != NULL);
    IS(glfs_write(f, "x", 1, 0), 1);
    OK(glfs_fsync(f, NULL, NULL));
    kill(brick, SIGSTOP);
    end_soon(other); /* it does not answer */
    kill(brick, SIGCONT);
    OK(glfs_fstat(f, &st));
    kill(brick, SIGKILL);
    while (glfs_stat(fs, "/", &st) == 0)
        usleep(1000);
    TRUE(errno == ENOTCONN);
    FAILS(glfs_fsync(f, NULL, NULL), ENOTCONN);
    end_soon(fs);
    fs = volume(1); /* known, and away */
    FAILS(glfs_stat(fs, "/", &st), ENOTCONN);
    NONE(glfs_open(fs, "/away", O_RDONLY), ENOTCONN);
    end_soon(fs);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    int n = argc > 3 ? atoi(argv[3]) : 10;

    volfile = argc > 2 ? argv[2] : NULL;
    if (strcmp(what, "loops") == 0)
        loops(n);
    else if (strcmp(what, "several") == 0)
        several(n);
    else if (strcmp(what, "callbacks") == 0)
        callbacks();
    else if (strcmp(what, "exit") == 0)
        just_exit();
    else if (strcmp(what, "process") == 0)
        process();
    else if (strcmp(what, "unclosed") == 0)
        unclosed();
    else if (strcmp(what, "setup") == 0)
        setup();
    else if (strcmp(what, "refused") == 0)
        refused();
    else if (strcmp(what, "away") == 0)
        away(n);
    else
        return 2;
    return 0;
}
