/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* glusterfsd, glusterfs: reads a volume file, brings its graph to life, and serves until it is told to end. With a mount point on the
 * command line the graph is a mount's (mounting.h), which takes any volume file that comes.
 *
 * The volume file is a local one, or comes from a management daemon (management.h), perhaps another one later. One of the same shape
 * changes options in place. One of another shape waits for the next start, as with stock's bricks.
 *
 * The end (design section 4, rule 6): the brick signs out; then the loop tells the graph EVENT_PARENT_DOWN: protocol/server stops
 * listening and reading, waits for its fops, sends their replies, closes its connections, and lets go of its hold. Then the
 * loop ends, and main takes down what is left: workers, graph, reaper, loop, buffers. A watchdog thread, started with the
 * first of this, names what is still held after 4 s and leaves by _exit. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "command-line.h"
#include "config.h"
#include "daemon.h"
#include "graph.h"
#include "logging.h"
#include "loop.h"
#include "management.h"
#include "mgmt.h"
#include "mounting.h"
#include "pool.h"
#include "process.h"
#include "thread.h"
#include "watchdog.h"

#define DOMAIN "glusterfsd"

struct server {
    struct process process;        /* first: see server_of() */
    struct command_line cl;
    struct watch signals;
    struct watchdog watchdog;
    struct trimmer trimmer;
    struct management management;
    struct mounting *mounting;     /* NULL: nothing is mounted */
    struct loop_work unmounted_work;
    bool started;                  /* the parent has been told how the start went */
    struct loop_work stop_work;
    _Atomic int stop_status;       /* what process->stop() was told; relaxed: the posting of stop_work orders it */
    atomic_flag stop_posted;
    struct job dump_job;
    atomic_bool dumping;           /* dump_job is queued or runs */
    char dump_prefix[PATH_MAX];
    char run_dir[PATH_MAX];
    int parent_fd, pid_fd;
};

static struct server *server_of(struct process *p)
{
    return container_of(p, struct server, process);
}

/* ---- the end -------------------------------------------------------------------------------------------------------- */

static void drained(struct process *p)
{
    loop_stop(p->env.loop);
}

static void drain_graph(struct server *s)
{
    struct process *p = &s->process;

    if (p->graph) /* a mount has ended its own */
        graph_notify_down(p->graph, EVENT_PARENT_DOWN);
    management_end(&s->management);

    SCOPED_LOCK(&p->hold_lock);
    if (p->holds)
        p->drained = drained;
    else
        loop_stop(p->env.loop);
}

static void run_unmounted(struct loop_work *w)
{
    drain_graph(container_of(w, struct server, unmounted_work));
}

static void unmounted(void *data)
{
    struct server *s = data;

    loop_post(s->process.env.loop, &s->unmounted_work);
}

static void signed_out(void *host)
{
    struct server *s = host;

    if (s->mounting)
        mounting_end(s->mounting, unmounted, s);
    else
        drain_graph(s);
}

/* On the loop, once. */
static void begin_to_end(struct server *s, int status)
{
    struct process *p = &s->process;

    p->stopping = true;
    p->exit_status = status;
    watchdog_start(&s->watchdog, p, WATCHDOG_MS);
    management_sign_out(&s->management);
}

static void run_stop(struct loop_work *w)
{
    struct server *s = container_of(w, struct server, stop_work);

    if (!s->process.stopping)
        begin_to_end(s, atomic_load_explicit(&s->stop_status, memory_order_relaxed));
}

static void server_stop(struct process *p, int status)
{
    struct server *s = server_of(p);

    if (atomic_flag_test_and_set(&s->stop_posted))
        return;
    atomic_store_explicit(&s->stop_status, status, memory_order_relaxed);
    loop_post(p->env.loop, &s->stop_work);
}

/* ---- signals -------------------------------------------------------------------------------------------------------- */

static void run_dump(struct job *j)
{
    struct server *s = container_of(j, struct server, dump_job);
    struct err err = {0};

    make_folders(s->process.run_dir); /* it lives in memory on most systems; an error shows in the next line */
    if (statedump_write(&s->process, s->dump_prefix, &err) < 0)
        log_error(DOMAIN, "%s", err.text);
    atomic_store(&s->dumping, false);
}

static void begin_dump(struct server *s)
{
    if (s->process.stopping || atomic_exchange(&s->dumping, true))
        return; /* one at a time: it says what is so now */
    s->dump_job = (struct job){.run = run_dump, .class = CLASS_HIGH};
    pool_add(s->process.pool, &s->dump_job);
}

static void reload(struct server *s)
{
    int failed = logging_reopen();

    if (failed)
        log_error(DOMAIN, "the log file could not be opened again: %s", strerror(-failed));
    log_info(DOMAIN, "SIGHUP: the log file was opened again");
    if (s->process.stopping)
        return;
    pthread_mutex_lock(&s->process.graph_lock);
    if (s->process.graph)
        graph_notify_down(s->process.graph, EVENT_RELOAD); /* transports take their options anew */
    pthread_mutex_unlock(&s->process.graph_lock);
    management_fetch(&s->management);
}

static void take_signal(struct server *s, int number)
{
    switch (number) {
    case SIGTERM:
    case SIGINT:
        log_warning(DOMAIN, "received signum (%d), shutting down", number);
        if (!s->process.stopping)
            begin_to_end(s, number);
        break;
    case SIGHUP:
        reload(s);
        break;
    case SIGUSR1:
        begin_dump(s);
        break;
    case SIGUSR2:
        log_warning(DOMAIN, "SIGUSR2: this build writes no metrics");
        break;
    default:
        break;
    }
}

static void signals_ready(struct watch *w, uint32_t events)
{
    struct server *s = container_of(w, struct server, signals);
    struct signalfd_siginfo info;

    while (read(w->fd, &info, sizeof(info)) == sizeof(info))
        take_signal(s, (int)info.ssi_signo);
}

static int watch_signals(struct server *s, struct err *err)
{
    static const int ours[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    sigset_t set;
    int failed;

    sigemptyset(&set);
    for (size_t i = 0; i < array_len(ours); i++)
        sigaddset(&set, ours[i]);
    sigprocmask(SIG_BLOCK, &set, NULL); /* threads block all signals anyway: base/thread.c */
    signal(SIGPIPE, SIG_IGN);
    s->signals = (struct watch){.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), .events = EPOLLIN, .ready = signals_ready};
    if (s->signals.fd < 0)
        return err_set(err, -errno, "signalfd: %s", strerror(errno));
    failed = loop_watch(s->process.env.loop, &s->signals);
    return failed ? err_set(err, failed, "signalfd: %s", strerror(-failed)) : 0;
}

/* ---- the start ------------------------------------------------------------------------------------------------------ */

/* "/etc/glusterfs/brick.vol" logs to <log folder>/etc-glusterfs-brick.vol.log; from a server: SERVER-VOLFILEID-PID.log */
static int default_log_file(const struct command_line *cl, char to[PATH_MAX])
{
    char path[PATH_MAX];
    const char *from;
    int n;

    if (strcmp(cl->name, "glusterd") == 0) {
        from = "glusterd";
    } else if (cl->mount.point) {
        from = realpath(cl->mount.point, path) ? path : cl->mount.point;
        from += *from == '/';
    } else if (cl->volfile) {
        from = realpath(cl->volfile, path) ? path : cl->volfile;
        from += *from == '/';
    } else {
        snprintf(path, sizeof(path), "%s-%s-%d", cl->servers[0] + (cl->servers[0][0] == '/'), cl->volfile_id, (int)getpid());
        from = path;
    }
    n = snprintf(to, PATH_MAX, "%s/%s.log", GF_LOGDIR, from);
    if (n >= PATH_MAX)
        return -ENAMETOOLONG;
    for (char *c = to + strlen(GF_LOGDIR) + 1; *c; c++)
        if (*c == '/')
            *c = '-';
    return 0;
}

static int open_log(const struct command_line *cl, struct err *err)
{
    const char *file = cl->log_file;
    char usual[PATH_MAX];
    int failed;

    log_set_level(cl->log_level);
    logging_set_local(cl->localtime);
    if (!file) {
        failed = default_log_file(cl, usual);
        if (failed)
            return err_set(err, failed, "log file of %s: %s", cl->volfile ? cl->volfile : cl->volfile_id, strerror(-failed));
        failed = make_folders(GF_LOGDIR);
        if (failed)
            return err_set(err, failed, "%s: %s", GF_LOGDIR, strerror(-failed));
        file = usual;
    }
    return logging_open(file, err);
}

static int bring_to_life(struct server *s, struct graph *g, struct err *err)
{
    struct process *p = &s->process;
    int failed;

    if (s->mounting)
        return mounting_take_graph(s->mounting, g, err);
    failed = graph_init(g, err);
    if (failed) {
        graph_free(g);
        return failed;
    }
    p->graph = g;
    graph_notify_down(g, EVENT_PARENT_UP);
    return 0;
}

/* With the top that a person wants. */
static int top_of(const struct server *s, struct graph *g, struct err *err)
{
    int failed = s->cl.volume_name ? graph_set_top(g, s->cl.volume_name, err) : 0;

    if (failed)
        graph_free(g);
    return failed;
}

static int parse_graph(struct server *s, const char *text, size_t len, struct graph **ret, struct err *err)
{
    int failed = graph_parse(&s->process, s->cl.volfile_id, text, len, s->cl.over, s->cl.nr_over, ret, err);

    return failed ? failed : top_of(s, *ret, err);
}

static int start_failed(struct server *s, int failed, const struct err *err);

/* What the parent leaves with: the daemon looks for another port when it is 98 (spec management 3.2). */
static int exit_status_of(int failed)
{
    return failed == -EADDRINUSE ? EADDRINUSE : EXIT_FAILURE;
}

static void first_volume_file(struct server *s, const char *text, size_t len)
{
    struct err err = {0};
    struct graph *g;
    int failed = parse_graph(s, text, len, &g, &err);

    if (!failed)
        failed = bring_to_life(s, g, &err);
    if (failed)
        begin_to_end(s, start_failed(s, failed, &err));
    else
        management_sign_in(&s->management);
}

static void next_volume_file(struct server *s, const char *text, size_t len)
{
    struct process *p = &s->process;
    struct err err = {0};
    struct graph *g;
    int failed = parse_graph(s, text, len, &g, &err);

    if (!failed && s->mounting) {
        mounting_take_graph(s->mounting, g, &err); /* says itself what became of it */
        return;
    }
    if (!failed) {
        failed = graph_reconfigure(p->graph, g, &err);
        graph_free(g);
    }
    if (failed == -EXDEV)
        log_warning(DOMAIN, "the new volume file has other translators: it counts from the next start of this brick on");
    else if (failed)
        log_error(DOMAIN, "the new volume file is not used, the options stay as they were: %s", err.text[0] ? err.text : strerror(-failed));
    else
        log_info(DOMAIN, "the options of the new volume file are in force");
}

static void volume_file(void *host, const char *text, size_t len)
{
    struct server *s = host;

    if (s->process.stopping)
        return;
    if (!s->process.volfile_server)
        s->process.volfile_server = s->cl.server_unix ? "localhost" : mgmt_server(s->management.mgmt);
    if (s->process.graph)
        next_volume_file(s, text, len);
    else
        first_volume_file(s, text, len);
}

static void no_volume_file(void *host, int failed, const char *sentence)
{
    struct server *s = host;
    struct err err = {0};

    err_set(&err, failed, "%s", sentence);
    if (!s->process.stopping)
        begin_to_end(s, start_failed(s, failed, &err));
}

static void serves(void *host)
{
    struct server *s = host;

    if (s->started)
        return;
    s->started = true;
    daemon_started(s->parent_fd, 0, NULL);
}

static const struct management_host management_host = {
    .volume_file = volume_file, .failed = no_volume_file, .signed_in = serves, .signed_out = signed_out};

/* What glusterd runs on where nobody has written a volume file for it. */
static const char own_volfile[] = "volume management\n    type mgmt/glusterd\n    option transport-type socket\nend-volume\n";
static const char own_volfile_name[] = "glusterd's own volume file";

static int start_from_file(struct server *s, struct err *err)
{
    struct process *p = &s->process;
    struct graph *g;
    int failed;

    if (s->cl.volfile == own_volfile_name)
        failed = graph_parse(p, own_volfile_name, own_volfile, sizeof(own_volfile) - 1, s->cl.over, s->cl.nr_over, &g, err);
    else
        failed = graph_load(p, s->cl.volfile, s->cl.over, s->cl.nr_over, &g, err);
    if (!failed)
        failed = top_of(s, g, err);
    if (!failed)
        failed = bring_to_life(s, g, err);
    if (!failed)
        management_sign_in(&s->management);
    return failed;
}

static void name_with_dashes(const char *path, char to[PATH_MAX])
{
    snprintf(to, PATH_MAX, "%s", path + (path[0] == '/'));
    for (char *c = to; *c; c++)
        if (*c == '/')
            *c = '-';
}

/* Where the daemon has put its socket it looks for statedumps, too, and puts their options. */
static void choose_places(struct server *s)
{
    if (s->cl.socket_file) {
        snprintf(s->run_dir, sizeof(s->run_dir), "%s", s->cl.socket_file);
        *strrchr(s->run_dir, '/') = '\0';
        s->process.run_dir = s->run_dir;
    }
    name_with_dashes(s->cl.brick_name ? s->cl.brick_name : "glusterdump", s->dump_prefix);
}

static int server_start(struct server *s, struct err *err)
{
    struct process *p = &s->process;
    int failed;

    management_init(&s->management, p, &s->cl, &management_host, s);
    if ((failed = process_init(p)))
        return err_set(err, failed, "the process could not be set up: %s", strerror(-failed));
    choose_places(s);
    p->stop = server_stop;
    p->process_name = s->cl.process_name;
    p->strict_volfile = s->cl.volfile_check;
    p->io_engine = s->cl.io_engine;
    p->volfile = strdup(s->cl.volfile ? s->cl.volfile : s->cl.volfile_id);
    if (!p->volfile)
        return err_set(err, -ENOMEM, "no memory");
    if (s->cl.mount.point && (failed = mounting_new(p, &s->cl, &s->mounting, err)))
        return failed;
    if (s->cl.pid_file && (s->pid_fd = pid_file_take(s->cl.pid_file, err)) < 0)
        return s->pid_fd;
    if ((s->cl.set_oom_score && (failed = set_oom_score(s->cl.oom_score, err))) || (failed = watch_signals(s, err)) ||
        (failed = trimmer_start(&s->trimmer, p->env.loop)) ||
        (failed = management_begin(&s->management, err)))
        return failed;
    return s->cl.nr_servers ? 0 : start_from_file(s, err);
}

static void server_end(struct server *s)
{
    struct process *p = &s->process;

    if (p->pool)
        pool_drain(p->pool);
    if (p->env.reaper)
        reaper_flush(p->env.reaper);
    if (p->graph)
        graph_fini(p->graph);
    if (p->env.reaper)
        reaper_flush(p->env.reaper);
    graph_free(p->graph);
    p->graph = NULL;
    if (s->signals.fd >= 0) {
        loop_unwatch(p->env.loop, &s->signals);
        close(s->signals.fd);
    }
    management_done(&s->management);
    mounting_free(s->mounting);
    s->mounting = NULL;
    trimmer_stop(&s->trimmer);
    watchdog_stop(&s->watchdog);
    process_done(p);
    if (s->pid_fd >= 0)
        close(s->pid_fd); /* gives up the lock; the file stays */
}

static void log_arguments(int argc, char **argv)
{
    char text[1024];
    size_t n = 0;

    for (int i = 0; i < argc && n < sizeof(text); i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "", argv[i]);
    log_info(DOMAIN, "started, version %s, pid %d: %s", PACKAGE_VERSION, (int)getpid(), text);
}

/* The sentence goes to the log, to the parent that waits, and to the terminal unless the log is there. */
static int start_failed(struct server *s, int failed, const struct err *err)
{
    bool log_is_terminal = s->cl.log_file && (strcmp(s->cl.log_file, "-") == 0 || strcmp(s->cl.log_file, "/dev/stderr") == 0);
    const char *why = err->text[0] ? err->text : strerror(-failed);
    char sentence[sizeof(err->text) + 64];

    s->started = true;
    snprintf(sentence, sizeof(sentence), "%s: %s", s->cl.name, why);
    log_error(DOMAIN, "%s", why);
    if (s->parent_fd < 0 && !log_is_terminal)
        fprintf(stderr, "%s\n", sentence);
    daemon_started(s->parent_fd, exit_status_of(failed), sentence);
    return exit_status_of(failed);
}

static int serve(struct server *s)
{
    struct err err = {0};
    int failed = server_start(s, &err), status = 0;

    if (failed) {
        status = start_failed(s, failed, &err);
        if (s->process.env.loop) /* there may be connections already */
            begin_to_end(s, status);
    }
    if (s->process.env.loop && (failed = loop_run(s->process.env.loop))) {
        log_critical(DOMAIN, "the event loop failed: %s", strerror(-failed));
        status = EXIT_FAILURE;
    } else if (s->process.env.loop) {
        status = s->process.exit_status;
    }
    server_end(s);
    return status;
}

int main(int argc, char **argv)
{
    struct server s = {.parent_fd = -1, .pid_fd = -1, .signals.fd = -1, .stop_work.run = run_stop, .unmounted_work.run = run_unmounted,
                       .stop_posted = ATOMIC_FLAG_INIT};
    struct err err = {0};
    int status;

    if (strcmp(argv[0], AUTO_UNMOUNT_NAME) == 0) /* a mount of ours has called */
        return auto_unmount_main(argc, argv);
    status = command_line_parse(&s.cl, argc, argv);
    if (status || s.cl.done) {
        command_line_done(&s.cl);
        return status;
    }
    prctl(PR_SET_NAME, s.cl.name);
    if (!s.cl.volfile && strcmp(s.cl.name, "glusterd") == 0)
        s.cl.volfile = access(GF_CONFDIR "/glusterd.vol", F_OK) == 0 ? GF_CONFDIR "/glusterd.vol" : own_volfile_name;
    if (!s.cl.volfile && !s.cl.nr_servers)
        s.cl.volfile = s.cl.mount.point ? GF_CONFDIR "/glusterfs.vol" : GF_CONFDIR "/glusterfsd.vol";
    if (open_log(&s.cl, &err) < 0) {
        fprintf(stderr, "%s: %s\n", s.cl.name, err.text);
        command_line_done(&s.cl);
        return EXIT_FAILURE;
    }
    if (!s.cl.foreground && (s.parent_fd = daemon_fork()) < 0) {
        fprintf(stderr, "%s: fork: %s\n", s.cl.name, strerror(-s.parent_fd));
        return EXIT_FAILURE;
    }
    set_process_up();
    log_arguments(argc, argv);
    status = serve(&s);
    log_info(DOMAIN, "ended with status %d", status);
    logging_close();
    command_line_done(&s.cl);
    return status;
}
