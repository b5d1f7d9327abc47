/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A mount's life. The end, on a thread of its own:
 *
 *   unmount (lazily: who has files open keeps them until we are gone) -> readers leave -> the volume ends what runs, which is answered
 *   -> notifier -> what the kernel still counted is dropped -> the channels are closed: whoever still waits gets ENOTCONN */
#include "mount.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount-impl.h"
#include "process.h"

/* ---- what we and the kernel agree on ------------------------------------------------------------------------------------- */

static void init(void *data, struct fuse_conn_info *conn)
{
    struct mount *m = data;
    const struct mount_conf *conf = &m->conf;
    unsigned int want = FUSE_CAP_ASYNC_READ | FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS | FUSE_CAP_DONT_MASK | FUSE_CAP_ASYNC_DIO |
                        FUSE_CAP_PARALLEL_DIROPS;

    want |= conf->readdirp ? FUSE_CAP_READDIRPLUS : 0;
    want |= conf->writeback ? FUSE_CAP_WRITEBACK_CACHE : 0;
    want |= conf->auto_invalidation && conf->keep_cache != CHOICE_NO ? FUSE_CAP_AUTO_INVAL_DATA : 0;
    conn->want = want & conn->capable;
    conn->max_write = REQUEST_MAX;
    conn->max_read = REQUEST_MAX;
    conn->max_readahead = REQUEST_MAX;
    conn->max_background = conf->background_qlen;
    conn->congestion_threshold = conf->congestion_threshold ? conf->congestion_threshold : conf->background_qlen * 3 / 4;
    m->proto_minor = conn->proto_minor;
    conn->time_gran = max_of(conf->time_gran, 1u);
    log_info(DOMAIN, "%s: the kernel speaks FUSE %u.%u; %u readers", conf->point, conn->proto_major, conn->proto_minor, conf->readers);
}

static const struct fuse_lowlevel_ops operations = {
    .init = init,
    .lookup = serve_lookup, .forget = serve_forget, .forget_multi = serve_forget_multi,
    .getattr = serve_getattr, .setattr = serve_setattr, .readlink = serve_readlink, .access = serve_access, .statfs = serve_statfs,
    .mknod = serve_mknod, .mkdir = serve_mkdir, .unlink = serve_unlink, .rmdir = serve_rmdir, .symlink = serve_symlink,
    .rename = serve_rename, .link = serve_link, .create = serve_create,
    .open = serve_open, .read = serve_read, .write = serve_write, .flush = serve_flush, .release = serve_release, .fsync = serve_fsync,
    .fallocate = serve_fallocate, .lseek = serve_lseek, .copy_file_range = serve_copy_file_range,
    .opendir = serve_opendir, .readdir = serve_readdir, .readdirplus = serve_readdirplus, .releasedir = serve_releasedir,
    .fsyncdir = serve_fsyncdir,
    .setxattr = serve_setxattr, .getxattr = serve_getxattr, .listxattr = serve_listxattr, .removexattr = serve_removexattr,
    .getlk = serve_getlk, .setlk = serve_setlk, .flock = serve_flock,
};

static void library_says(enum fuse_log_level level, const char *fmt, va_list ap)
{
    char text[512];
    int n = vsnprintf(text, sizeof(text), fmt, ap);

    if (n > 0 && (size_t)n < sizeof(text) && text[n - 1] == '\n')
        text[n - 1] = '\0';
    log_warning(DOMAIN, "libfuse: %s", text);
}

/* ---- what the volume says ------------------------------------------------------------------------------------------------ */

static void child_event(void *host, bool up)
{
    struct mount *m = host;

    if (up)
        log_info(DOMAIN, "%s: the volume is there", m->conf.point);
    else
        log_warning(DOMAIN, "%s: the volume is away; operations fail until it is back", m->conf.point);
}

static void auth_failed(void *host)
{
    struct mount *m = host;

    log_error(DOMAIN, "%s: the server refuses this client", m->conf.point);
    if (m->process->stop)
        m->process->stop(m->process, SIGTERM);
}

static void upcall(void *host, struct vnode *vn, const struct upcall *u)
{
    struct mount *m = host;

    if (u->kind == UPCALL_INVALIDATE && m->notifier)
        notify_inode(m->notifier, vn);
}

static const struct volume_host volume_host = {.child_event = child_event, .auth_failed = auth_failed, .upcall = upcall};

/* ---- life ---------------------------------------------------------------------------------------------------------------- */

int mount_new(struct process *p, const struct mount_conf *conf, struct mount **ret, struct err *err)
{
    struct mount *m = calloc(1, sizeof(*m));

    if (!m)
        return err_set(err, -ENOMEM, "no memory");
    m->process = p;
    m->conf = *conf;
    m->fd = -1;
    m->traffic_fd = -1;
    m->auto_unmount.fd = -1;
    m->history = conf->event_history ? history_new() : NULL;
    m->volume = volume_new(p, conf->lru_limit, &volume_host, m);
    m->root = m->volume ? vnode_root(m->volume) : NULL;
    m->groups = groups_new(conf->gid_timeout, conf->resolve_gids);
    if (m->root && m->groups && (m->history || !conf->event_history)) {
        mount_show(m);
        *ret = m;
        return 0;
    }
    mount_free(m);
    return err_set(err, -ENOMEM, "no memory");
}

void mount_free(struct mount *m)
{
    if (!m)
        return;
    mount_hide(m);
    vnode_unref(m->root);
    volume_free(m->volume);
    groups_free(m->groups);
    history_free(m->history);
    traffic_close(m);
    free(m->point);
    free(m);
}

struct volume *mount_volume(struct mount *m)
{
    return m->volume;
}

/* Words that are flags of mount(2); the others are the kernel's FUSE options. */
static const struct {
    const char *word;
    unsigned long set, clear;
} flag_words[] = {
    {"ro", MS_RDONLY, 0}, {"rw", 0, MS_RDONLY}, {"nosuid", MS_NOSUID, 0}, {"suid", 0, MS_NOSUID}, {"nodev", MS_NODEV, 0},
    {"dev", 0, MS_NODEV}, {"noexec", MS_NOEXEC, 0}, {"exec", 0, MS_NOEXEC}, {"noatime", MS_NOATIME, 0}, {"atime", 0, MS_NOATIME},
    {"nodiratime", MS_NODIRATIME, 0}, {"diratime", 0, MS_NODIRATIME}, {"relatime", MS_RELATIME, 0}, {"norelatime", 0, MS_RELATIME},
    {"strictatime", MS_STRICTATIME, 0}, {"nostrictatime", 0, MS_STRICTATIME}, {"lazytime", MS_LAZYTIME, 0}, {"nolazytime", 0, MS_LAZYTIME},
    {"lazyatime", MS_LAZYTIME, 0}, {"nolazyatime", 0, MS_LAZYTIME}, {"sync", MS_SYNCHRONOUS, 0}, {"async", 0, MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC, 0},
};

static bool take_flag(const char *word, size_t len, unsigned long *flags)
{
    for (size_t i = 0; i < array_len(flag_words); i++) {
        if (strlen(flag_words[i].word) == len && memcmp(flag_words[i].word, word, len) == 0) {
            *flags = (*flags | flag_words[i].set) & ~flag_words[i].clear;
            return true;
        }
    }
    return false;
}

/* Words that are ours: nothing for the kernel. */
static bool take_own_word(struct mount *m, const char *word, size_t len)
{
    static const char auto_unmount[] = "auto_unmount";

    if (len != sizeof(auto_unmount) - 1 || memcmp(word, auto_unmount, len) != 0)
        return false;
    m->wants_auto_unmount = true;
    return true;
}

/* A comma inside of quotes ends nothing: context="a,b". */
static size_t word_len(const char *at)
{
    bool quoted = false;
    size_t n = 0;

    for (; at[n] && (quoted || at[n] != ','); n++)
        quoted ^= at[n] == '"';
    return n;
}

static int kernel_mount(struct mount *m, struct err *err)
{
    const struct mount_conf *conf = &m->conf;
    unsigned long flags = conf->read_only ? MS_RDONLY : 0;
    const char *at = conf->kernel_options ? conf->kernel_options : "";
    char data[4096];
    size_t n;
    struct stat st;
    int failed;

    if (stat(conf->point, &st) < 0)
        return err_set(err, -errno, "%s: %s", conf->point, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return err_set(err, -ENOTDIR, "%s: it is no directory", conf->point);
    m->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (m->fd < 0)
        return err_set(err, -errno, "/dev/fuse: %s", strerror(errno));
    n = (size_t)snprintf(data, sizeof(data), "fd=%d,rootmode=%o,user_id=%u,group_id=%u,allow_other,max_read=%zu%s", m->fd,
                         st.st_mode & S_IFMT, geteuid(), getegid(), REQUEST_MAX, conf->acl ? "" : ",default_permissions");
    while (*at) {
        size_t len = word_len(at);

        if (len && !take_flag(at, len, &flags) && !take_own_word(m, at, len)) {
            if (n + len + 2 > sizeof(data))
                return err_set(err, -E2BIG, "%s: too many mount options", conf->point);
            n += (size_t)snprintf(data + n, sizeof(data) - n, ",%.*s", (int)len, at);
        }
        at += len + (at[len] == ',');
    }
    if (mount(conf->source, conf->point, "fuse.glusterfs", flags, data) < 0)
        return err_set(err, -errno, "mount of %s on %s: %s%s", conf->source, conf->point, strerror(errno),
                       errno == EPERM ? " (a mount needs root)" : "");
    m->mount_id = mount_id(conf->point);
    if (!m->wants_auto_unmount)
        return 0;
    failed = auto_unmount_start(&m->auto_unmount, conf->point, m->mount_id);
    return failed ? err_set(err, failed, "auto_unmount: the process that would do it could not be started: %s", strerror(-failed)) : 0;
}

static void kernel_unmount(struct mount *m)
{
    if (m->mount_id >= 0 && mount_id(m->conf.point) == m->mount_id && umount2(m->conf.point, MNT_DETACH) < 0)
        log_error(DOMAIN, "unmount of %s: %s", m->conf.point, strerror(errno));
    m->mount_id = -1;
    auto_unmount_done(&m->auto_unmount);
}

int mount_start(struct mount *m, struct err *err)
{
    char size[32], *argv[] = {"glusterfs", "-o", size, NULL}; /* init() may not ask for more than this */
    struct fuse_args args = FUSE_ARGS_INIT(3, argv);
    int failed;

    snprintf(size, sizeof(size), "max_read=%zu", REQUEST_MAX);
    m->mount_id = -1;
    m->point = realpath(m->conf.point, NULL); /* a daemon leaves the folder that it was started in */
    if (!m->point)
        return err_set(err, -errno, "%s: %s", m->conf.point, strerror(errno));
    m->conf.point = m->point;
    fuse_set_log_func(library_says);
    m->session = fuse_session_new(&args, &operations, sizeof(operations), m);
    fuse_opt_free_args(&args);
    if (!m->session)
        return err_set(err, -ENOMEM, "a FUSE session could not be made");
    m->notifier = notifier_new(m, m->conf.invalidate_limit, err);
    if (!m->notifier)
        return -ENOMEM;
    failed = traffic_open(m, err);
    if (!failed)
        failed = kernel_mount(m, err);
    if (!failed)
        failed = fuse_session_custom_io(m->session, &reader_io, m->fd) /* its user data is the session's: m */;
    if (!failed)
        failed = readers_start(m, err);
    if (failed)
        err_set(err, failed, "%s: %s", m->conf.point, strerror(-failed));
    return failed;
}

static void last(struct burial *b)
{
    struct mount *m = container_of(b, struct mount, burial);

    m->ended(m->ended_data);
}

static void *end(void *arg)
{
    struct mount *m = arg;

    m->burial.thread = pthread_self();
    if (m->session)
        kernel_unmount(m);
    readers_stop(m);
    volume_close(m->volume);
    notifier_stop(m->notifier);
    volume_forget_all(m->volume);
    if (m->session)
        fuse_session_destroy(m->session); /* closes the descriptor that it was given */
    readers_free(m);
    reaper_bury(m->process->env.reaper, &m->burial);
    return NULL;
}

void mount_end(struct mount *m, void (*ended)(void *data), void *data)
{
    pthread_t thread;

    m->ended = ended;
    m->ended_data = data;
    m->burial = (struct burial){.has_thread = true, .last = last};
    while (thread_start(&thread, "fuse-end", THREAD_STACK, end, m, &m->process->census) < 0)
        usleep(10000); /* no thread: some will end */
}
