/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A volume's life.
 *
 * glfs_new()    nothing runs yet, and the setters note what they are told
 * glfs_init()   the process part, then the volume file: read here and now, or asked for on the loop; then the first word of its graph
 * glfs_fini()   calls of the daemon end -> what runs in the volume comes back -> the program's last callbacks -> graph -> loop
 *
 * Each volume has a process part (loop, workers, buffers) of its own: they share nothing but the log and the TLS library. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "impl.h"
#include "loop.h"
#include "secure-access.h"
#include "thread.h"

/* ---- what it is --------------------------------------------------------------------------------------------------------------------- */

static bool good_name(const char *name)
{
    if (!name || !*name)
        return false;
    if (strncmp(name, "/snaps/", 7) == 0)
        return true;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_' && *name != '-')
            return false;
    return true;
}

static uint64_t hash(const char *text) /* FNV-1a: the same number for the same volume, everywhere */
{
    uint64_t h = 0xcbf29ce484222325;

    while (*text)
        h = (h ^ (uint8_t)*text++) * 0x100000001b3;
    return h;
}

static void name_process(struct glfs *fs)
{
    char comm[17] = "";
    FILE *f = fopen("/proc/self/comm", "re");

    if (f) {
        if (fgets(comm, sizeof(comm), f))
            comm[strcspn(comm, "\n")] = '\0';
        fclose(f);
    }
    snprintf(fs->process_name, sizeof(fs->process_name), "gfapi.%s", comm);
}

glfs_t *glfs_new(const char *volname)
{
    struct glfs *fs;

    if (!good_name(volname))
        return answer_ptr(-EINVAL, NULL);
    fs = calloc(1, sizeof(*fs));
    if (!fs)
        return answer_ptr(-ENOMEM, NULL);
    fs->volname = strdup(volname);
    fs->upcalls = upcalls_new(fs);
    if (!fs->volname || !fs->upcalls) {
        free(fs->volname);
        upcalls_free(fs->upcalls);
        free(fs);
        return answer_ptr(-ENOMEM, NULL);
    }
    fs->dev = (uint32_t)(hash(volname) ^ hash(volname) >> 32);
    name_process(fs);
    pthread_mutex_init(&fs->lock, NULL);
    pthread_mutex_init(&fs->dump_lock, NULL);
    pthread_mutex_init(&fs->over_lock, NULL);
    pthread_cond_init(&fs->changed, NULL);
    api_log_begin();
    return fs;
}

static enum life life_of(struct glfs *fs)
{
    SCOPED_LOCK(&fs->lock);
    return fs->life;
}

/* For what counts before glfs_init() only. */
static bool is_new(struct glfs *fs)
{
    if (fs && life_of(fs) == LIFE_NEW)
        return true;
    errno = EINVAL;
    return false;
}

static int replace(char **what, const char *with)
{
    char *copy = strdup(with);

    if (!copy)
        return (int)answer(-ENOMEM);
    free(*what);
    *what = copy;
    return 0;
}

int glfs_set_volfile(glfs_t *fs, const char *volfile)
{
    if (!is_new(fs))
        return -1;
    return volfile ? replace(&fs->volfile, volfile) : (int)answer(-EINVAL);
}

/* What GlusterFS takes for rdma is tcp, too; that there is none is said by the daemon's volume file. */
static int server_of(const char *transport, const char *host, int port, struct mgmt_server *ret)
{
    if (!host || port < 0 || port > 65535)
        return -EINVAL;
    if (transport && strcmp(transport, "rdma") == 0)
        return -ENOTSUP;
    if (transport && strcmp(transport, "tcp") != 0 && strcmp(transport, "unix") != 0)
        return -EINVAL;
    *ret = (struct mgmt_server){.name = host, .unix_path = transport && strcmp(transport, "unix") == 0};
    if (!ret->unix_path)
        ret->port = port ? (uint16_t)port : MGMT_PORT;
    return 0;
}

static bool same_server(const struct mgmt_server *a, const struct mgmt_server *b)
{
    return strcmp(a->name, b->name) == 0 && a->port == b->port && a->unix_path == b->unix_path;
}

int glfs_set_volfile_server(glfs_t *fs, const char *transport, const char *host, int port)
{
    struct mgmt_server s, *more;
    int failed = is_new(fs) ? server_of(transport, host, port, &s) : -errno;

    if (failed)
        return (int)answer(failed);
    for (unsigned int i = 0; i < fs->nr_servers; i++)
        if (same_server(&fs->servers[i], &s))
            return 0;
    more = realloc(fs->servers, (fs->nr_servers + 1) * sizeof(*more));
    if (!more)
        return (int)answer(-ENOMEM);
    fs->servers = more;
    s.name = strdup(host);
    if (!s.name)
        return (int)answer(-ENOMEM);
    more[fs->nr_servers++] = s;
    return 0;
}

int glfs_unset_volfile_server(glfs_t *fs, const char *transport, const char *host, int port)
{
    struct mgmt_server s;
    int failed = is_new(fs) ? server_of(transport, host, port, &s) : -errno;

    if (failed)
        return (int)answer(failed);
    for (unsigned int i = 0; i < fs->nr_servers; i++) {
        if (!same_server(&fs->servers[i], &s))
            continue;
        free((char *)fs->servers[i].name);
        memmove(&fs->servers[i], &fs->servers[i + 1], (fs->nr_servers - i - 1) * sizeof(s));
        fs->nr_servers--;
        return 0;
    }
    return (int)answer(-EINVAL);
}

static void drop_option(struct xlator_option *o)
{
    free(o->pattern);
    free(o->key);
    free(o->value);
}

static int add_option_locked(struct glfs *fs, const char *xlator, const char *key, const char *value)
{
    struct xlator_option *more = realloc(fs->over, (fs->nr_over + 1) * sizeof(*more)), o;

    if (!more)
        return -ENOMEM;
    fs->over = more;
    o = (struct xlator_option){.pattern = strdup(xlator), .key = strdup(key), .value = strdup(value)};
    if (!o.pattern || !o.key || !o.value) {
        drop_option(&o);
        return -ENOMEM;
    }
    more[fs->nr_over++] = o;
    return 0;
}

/* A graph of the volume file as it is, with all options: it is put in the place of the one that works, which mostly means that options
 * change in it. */
static int make_graph_again_locked(struct glfs *fs, struct err *err)
{
    struct graph *g;
    char *text = NULL;
    size_t len = 0;
    int failed;

    if (fs->volfile) {
        failed = graph_load(&fs->process, fs->volfile, fs->over, fs->nr_over, &g, err);
    } else {
        pthread_mutex_lock(&fs->lock);
        len = fs->text_len;
        text = fs->text ? strndup(fs->text, len) : NULL;
        pthread_mutex_unlock(&fs->lock);
        failed = text ? graph_parse(&fs->process, fs->volname, text, len, fs->over, fs->nr_over, &g, err) : -ENOMEM;
        free(text);
    }
    if (!failed)
        volume_offer(fs->volume, g); /* says itself what became of it */
    return failed;
}

int glfs_set_xlator_option(glfs_t *fs, const char *xlator, const char *key, const char *value)
{
    struct err err = {0};
    int failed;

    if (!fs || !xlator || !key || !value)
        return (int)answer(-EINVAL);
    SCOPED_LOCK(&fs->over_lock);
    failed = add_option_locked(fs, xlator, key, value);
    if (!failed && life_of(fs) == LIFE_THERE && (failed = make_graph_again_locked(fs, &err))) {
        log_error(DOMAIN, "%s: %s.%s=%s: %s", fs->volname, xlator, key, value, err.text[0] ? err.text : strerror(-failed));
        drop_option(&fs->over[--fs->nr_over]);
    }
    return (int)answer(failed);
}

int glfs_set_logging(glfs_t *fs, const char *logfile, int loglevel)
{
    char usual[PATH_MAX];

    if (!fs)
        return (int)answer(-EINVAL);
    if (!logfile) {
        int n = snprintf(usual, sizeof(usual), "%s/%s-%d.log", GF_LOGDIR, fs->volname, (int)getpid());

        if (n >= (int)sizeof(usual))
            return (int)answer(-ENAMETOOLONG);
        for (char *c = usual + strlen(GF_LOGDIR) + 1; *c; c++)
            if (*c == '/')
                *c = '-';
        logfile = usual;
    }
    return (int)answer(api_log_open(logfile, loglevel));
}

int glfs_set_statedump_path(struct glfs *fs, const char *path)
{
    struct stat st;
    char *copy;

    if (!fs || !path)
        return (int)answer(-EINVAL);
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        return (int)answer(-EINVAL);
    copy = strdup(path);
    if (!copy)
        return (int)answer(-ENOMEM);
    SCOPED_LOCK(&fs->dump_lock);
    free(fs->statedump_dir);
    fs->statedump_dir = copy;
    fs->process.statedump_dir = copy;
    return 0;
}

/* ---- what it hears while it starts, and later ------------------------------------------------------------------------------ */

/* The first word counts. */
static void tell(struct glfs *fs, int started)
{
    SCOPED_LOCK(&fs->lock);
    if (!fs->told)
        fs->started = started;
    fs->told = true;
    pthread_cond_broadcast(&fs->changed);
}

static void child_event(void *host, bool up)
{
    struct glfs *fs = host;

    if (up)
        log_info(DOMAIN, "%s: the volume is there", fs->volname);
    else
        log_warning(DOMAIN, "%s: the volume is away; operations fail until it is back", fs->volname);
    tell(fs, up ? 1 : 0);
}

static void auth_failed(void *host)
{
    struct glfs *fs = host;

    log_error(DOMAIN, "%s: the server refuses this client", fs->volname);
    tell(fs, -EACCES);
}

static void upcall(void *host, struct vnode *vn, const struct upcall *u)
{
    struct glfs *fs = host;

    upcalls_hear(fs->upcalls, vn, u);
}

static const struct volume_host volume_host = {.child_event = child_event, .auth_failed = auth_failed, .upcall = upcall};

static void take_volume_file(void *host, const char *text, size_t len)
{
    struct glfs *fs = host;
    struct err err = {0};
    struct graph *g;
    int failed;

    SCOPED_LOCK(&fs->over_lock);
    failed = graph_parse(&fs->process, fs->volname, text, len, fs->over, fs->nr_over, &g, &err);
    fs_keep_text(fs, text, len);
    if (!failed && fs->has_graph) {
        volume_offer(fs->volume, g); /* says itself what became of it */
        return;
    }
    if (!failed)
        failed = volume_start(fs->volume, g, &err);
    if (!failed) {
        fs->has_graph = true;
        return;
    }
    log_error(DOMAIN, "%s: %s", fs->volname, err.text[0] ? err.text : strerror(-failed));
    tell(fs, failed);
}

static void no_volume_file(void *host, int failed, const char *sentence)
{
    struct glfs *fs = host;

    log_error(DOMAIN, "%s: %s", fs->volname, sentence);
    tell(fs, failed);
}

static void ready(void *host)
{
}

struct dump_job {
    struct job job;
    struct glfs *fs;
};

static void run_dump(struct job *j)
{
    struct dump_job *d = container_of(j, struct dump_job, job);

    fs_dump(d->fs);
    free(d);
}

static void dump_wanted(void *host, uint32_t pid)
{
    struct glfs *fs = host;
    struct dump_job *d = pid == (uint32_t)getpid() ? malloc(sizeof(*d)) : NULL;

    if (!d)
        return;
    *d = (struct dump_job){.job = {.run = run_dump, .class = CLASS_HIGH}, .fs = fs};
    pool_add(fs->process.pool, &d->job);
}

static void mgmt_has_stopped(void *host)
{
    struct glfs *fs = host;

    SCOPED_LOCK(&fs->lock);
    fs->mgmt_stopped = true;
    pthread_cond_broadcast(&fs->changed);
}

static const struct mgmt_host mgmt_host = {
    .volfile = take_volume_file, .failed = no_volume_file, .ready = ready, .statedump = dump_wanted, .stopped = mgmt_has_stopped};

/* A disk below us has failed, or the like. A program is not ended by its library. */
static void stop_asked(struct process *p, int status)
{
    log_critical(DOMAIN, "%s: something below asks for the end of the process; operations may fail",
                 container_of(p, struct glfs, process)->volname);
}

/* ---- the start ------------------------------------------------------------------------------------------------------------- */

static void *run_loop(void *arg)
{
    struct glfs *fs = arg;

    loop_run(fs->process.env.loop);
    return NULL;
}

static int start_from_file(struct glfs *fs, struct err *err)
{
    struct graph *g;
    int failed;

    SCOPED_LOCK(&fs->over_lock);
    failed = graph_load(&fs->process, fs->volfile, fs->over, fs->nr_over, &g, err);
    if (!failed)
        failed = volume_start(fs->volume, g, err);
    if (!failed)
        failed = fs_keep_file(fs, fs->volfile);
    fs->has_graph = !failed;
    return failed;
}

static int start_from_server(struct glfs *fs, struct err *err)
{
    struct mgmt_conf conf = {.places = fs->servers, .nr_places = fs->nr_servers, .volfile_id = fs->volname};
    int failed = secure_access_read(SECURE_ACCESS_FILE, &conf.secure, err);

    if (!failed)
        failed = mgmt_new(&fs->process.env, fs->process.pool, &conf, &mgmt_host, fs, &fs->mgmt, err);
    if (!failed)
        mgmt_start(fs->mgmt);
    return failed;
}

static int start(struct glfs *fs, struct err *err)
{
    struct process *p = &fs->process;
    int failed = process_init(p);

    if (failed)
        return err_set(err, failed, "%s", strerror(-failed));
    fs->has_process = true;
    p->stop = stop_asked;
    p->process_name = fs->process_name;
    p->volfile_id = fs->volname;
    p->statedump_dir = fs->statedump_dir;
    fs->volume = volume_new(p, INODE_LIMIT, &volume_host, fs);
    fs->root = fs->volume ? vnode_root(fs->volume) : NULL;
    if (!fs->root || (failed = chdir_to(fs, fs->root, "")) < 0)
        return err_set(err, -ENOMEM, "no memory");
    failed = fs->volfile ? start_from_file(fs, err) : start_from_server(fs, err);
    if (failed && !fs->mgmt)
        return failed;
    failed = thread_start(&fs->loop_thread, "gfapi-loop", THREAD_STACK, run_loop, fs, &p->census);
    if (failed)
        return err_set(err, failed, "the loop's thread could not be started: %s", strerror(-failed));
    fs->has_loop = true;
    return 0;
}

static int wait_for_word(struct glfs *fs)
{
    SCOPED_LOCK(&fs->lock);
    while (!fs->told)
        pthread_cond_wait(&fs->changed, &fs->lock);
    return fs->started;
}

int glfs_init(glfs_t *fs)
{
    struct err err = {0};
    int r;

    if (!is_new(fs))
        return -1;
    if (!fs->volfile && !fs->nr_servers)
        return (int)answer(-EINVAL);
    r = start(fs, &err);
    if (r < 0)
        log_error(DOMAIN, "%s: %s", fs->volname, err.text[0] ? err.text : strerror(-r));
    else
        r = wait_for_word(fs);
    pthread_mutex_lock(&fs->lock);
    fs->life = r < 0 ? LIFE_FAILED : LIFE_THERE;
    pthread_mutex_unlock(&fs->lock);
    return r < 0 ? (int)answer(r) : !r; /* 1: known, and away */
}

/* ---- the end --------------------------------------------------------------------------------------------------------------- */

struct stopping {
    struct loop_work work;
    struct glfs *fs;
    bool ran;            /* fs->lock; the daemon's end may have come before, but this lies on the stack */
};

static void stop_mgmt(struct loop_work *w)
{
    struct stopping *s = container_of(w, struct stopping, work);
    struct glfs *fs = s->fs;

    mgmt_stop(fs->mgmt);
    SCOPED_LOCK(&fs->lock);
    s->ran = true;
    pthread_cond_broadcast(&fs->changed);
}

static void end_mgmt(struct glfs *fs)
{
    struct stopping s = {.work.run = stop_mgmt, .fs = fs};

    if (!fs->mgmt)
        return;
    loop_post(fs->process.env.loop, &s.work);
    pthread_mutex_lock(&fs->lock);
    while (!fs->mgmt_stopped || !s.ran)
        pthread_cond_wait(&fs->changed, &fs->lock);
    pthread_mutex_unlock(&fs->lock);
}

/* What the program has not closed. */
static void give_up_handles(struct glfs *fs)
{
    while (fs->files)
        file_unref(fs->files);
    while (fs->objects)
        glfs_h_close(fs->objects);
}

static void end_process(struct glfs *fs)
{
    struct process *p = &fs->process;

    if (fs->has_loop) {
        loop_stop(p->env.loop);
        thread_join(fs->loop_thread, &p->census);
    }
    pool_drain(p->pool);
    reaper_flush(p->env.reaper);
    mgmt_free(fs->mgmt);
    process_done(p);
}

static void free_all(struct glfs *fs)
{
    for (unsigned int i = 0; i < fs->nr_servers; i++)
        free((char *)fs->servers[i].name);
    for (unsigned int i = 0; i < fs->nr_over; i++)
        drop_option(&fs->over[i]);
    free(fs->servers);
    free(fs->over);
    free(fs->volname);
    free(fs->volfile);
    free(fs->text);
    free(fs->statedump_dir);
    pthread_mutex_destroy(&fs->lock);
    pthread_mutex_destroy(&fs->dump_lock);
    pthread_mutex_destroy(&fs->over_lock);
    pthread_cond_destroy(&fs->changed);
    free(fs);
}

int glfs_fini(glfs_t *fs)
{
    bool was_there;

    if (!fs)
        return (int)answer(-EINVAL);
    was_there = life_of(fs) == LIFE_THERE;
    if (fs->has_loop) {
        end_mgmt(fs);
        volume_stop(fs->volume);
    }
    if (fs->callbacks)
        pool_free(fs->callbacks); /* the last callbacks end; they let go of objects of the graph */
    if (fs->has_loop)
        volume_close(fs->volume);
    upcalls_free(fs->upcalls);
    give_up_handles(fs);
    vnode_unref(fs->cwd);
    vnode_unref(fs->root);
    free(fs->cwd_path);
    if (fs->has_process) {
        if (fs->volume)
            volume_free(fs->volume);
        end_process(fs);
    }
    free_all(fs);
    api_log_end();
    return was_there ? 0 : -1;
}
