/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "hooks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "dict.h"
#include "glusterd.h"
#include "log.h"

#define DOMAIN "glusterd"
#define LOOK_MS 200 /* so often the end of the daemon is looked for */

extern char **environ;

/* ---- words -------------------------------------------------------------------------------------------------------------------- */

struct words {
    char **at;
    size_t n;                    /* and a NULL behind them */
    bool failed;
};

static void word(struct words *w, const char *fmt, ...) PRINTF(2, 3);
static void word(struct words *w, const char *fmt, ...)
{
    char **more = reallocarray(w->at, w->n + 2, sizeof *more), *text = NULL;
    va_list args;
    va_start(args, fmt);
    int len = more ? vasprintf(&text, fmt, args) : -1;
    va_end(args);
    if (more)
        w->at = more;
    if (len < 0) {
        w->failed = true;
        return;
    }
    w->at[w->n++] = text;
    w->at[w->n] = NULL;
}

static void words_done(struct words *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->at[i]);
    free(w->at);
    *w = (struct words){0};
}

/* ---- one script ------------------------------------------------------------------------------------------------------------------ */

static int spawn(struct glusterd *gd, char *const argv[], int out, pid_t *ret)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    struct words env = {0};
    for (char **e = environ; *e; e++)
        word(&env, "%s", *e);
    word(&env, "GLUSTERD_WORKDIR=%s", gd->workdir);
    word(&env, "DEFAULT_VAR_RUN_DIRECTORY=%s", gd->rundir);
    word(&env, "_GLUSTERD_CALLED_=1");
    if (env.failed) {
        words_done(&env);
        return -ENOMEM;
    }
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none); /* our threads block all signals */
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setpgroup(&attr, 0); /* so that all of it can be ended */
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int failed = posix_spawn(ret, argv[0], &files, &attr, argv, env.at);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    words_done(&env);
    return -failed;
}

static void log_said(const char *script, int out)
{
    char text[2048];
    ssize_t n = read(out, text, sizeof text - 1);
    char *save = NULL;
    text[n > 0 ? n : 0] = '\0';
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        log_info(DOMAIN, "%s: %s", script, line);
}

static bool is_ending(struct glusterd *gd)
{
    SCOPED_LOCK(&gd->lock);
    return gd->ending;
}

/* Until it ends, its time is over, or the daemon ends. False: the last. */
static bool wait_for(struct glusterd *gd, const char *script, pid_t pid, int out, unsigned int ms)
{
    uint64_t end = clock_ms() + ms;
    struct pollfd p[2] = {{.fd = pidfd_open(pid, 0), .events = POLLIN}, {.fd = out, .events = POLLIN}};
    int status = 0;
    bool over = p[0].fd < 0, left = false;
    while (!over && !left) {
        if (poll(p, 2, LOOK_MS) < 0 && errno != EINTR)
            break;
        if (p[1].revents & POLLIN)
            log_said(script, out);
        else if (p[1].revents)
            p[1].fd = -1; /* nobody has it open any more */
        over = p[0].revents != 0;
        left = !over && is_ending(gd);
        if (!over && !left && clock_ms() > end) {
            log_error(DOMAIN, "%s: has not ended within %u s and is killed", script, ms / 1000);
            kill(-pid, SIGKILL); /* not reaped yet: the number is its own */
            over = true;
        }
    }
    if (p[0].fd >= 0)
        close(p[0].fd);
    if (left)
        return false;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        log_warning(DOMAIN, "%s: ended by signal %d", script, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        log_warning(DOMAIN, "%s: exit status %d", script, WEXITSTATUS(status));
    return true;
}

static bool run_script(struct glusterd *gd, char *const argv[], unsigned int ms)
{
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        log_error(DOMAIN, "%s: %s", argv[0], strerror(errno));
        return true;
    }
    fcntl(ends[1], F_SETFL, 0); /* the script's end waits, as it expects */
    int r = spawn(gd, argv, ends[1], &pid);
    close(ends[1]);
    bool went_on = true;
    if (r < 0)
        log_error(DOMAIN, "%s: cannot be run: %s", argv[0], strerror(-r));
    else
        went_on = wait_for(gd, argv[0], pid, ends[0], ms);
    close(ends[0]);
    return went_on;
}

/* ---- folders of scripts ------------------------------------------------------------------------------------------------------------ */

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static int is_hook(const struct dirent *e)
{
    return e->d_name[0] == 'S' && !ends_with(e->d_name, ".rpmsave") && !ends_with(e->d_name, ".rpmnew");
}

static int is_visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Each with these words behind its name. */
static void run_folder(struct glusterd *gd, const char *folder, int (*which)(const struct dirent *), bool only_executable,
                       char *const words[], unsigned int ms)
{
    struct dirent **found;
    bool go_on = true;
    int n = scandir(folder, &found, which, by_name);
    for (int i = 0; i < n; i++) {
        struct words argv = {0};
        struct stat st;
        word(&argv, "%s/%s", folder, found[i]->d_name);
        for (size_t k = 0; words[k]; k++)
            word(&argv, "%s", words[k]);
        bool fits = !argv.failed && stat(argv.at[0], &st) == 0 && S_ISREG(st.st_mode) && (!only_executable || (st.st_mode & 0111));
        if (go_on && fits)
            go_on = run_script(gd, argv.at, ms);
        words_done(&argv);
        free(found[i]);
    }
    if (n >= 0)
        free(found);
}

void filters_run(struct glusterd *gd, const char *file)
{
    char *const words[] = {(char *)file, NULL};
    run_folder(gd, GF_PKGLIBDIR "/filter", is_visible, true, words, FILTER_MS);
}

/* ---- hooks ----------------------------------------------------------------------------------------------------------------- */

static bool another_is_started(struct glusterd *gd, const char *name)
{
    SCOPED_LOCK(&gd->lock);
    for (struct volview *w = gd->volumes; w; w = w->next)
        if (w->v->status == VOLUME_STARTED && strcmp(w->v->name, name) != 0)
            return true;
    return false;
}

static void put_pairs(struct command *c, struct words *w)
{
    char kn[32], vn[32];
    word(w, "-o");
    for (int i = 1;; i++) {
        snprintf(kn, sizeof kn, "key%d", i);
        snprintf(vn, sizeof vn, "value%d", i);
        const char *key = command_text(c, kn), *value = command_text(c, vn);
        if (!key || !value)
            return;
        word(w, "%s=%s", key, value);
    }
}

static struct words words_of(struct command *c, const char *volume, const char *event)
{
    struct words w = {0};
    const char *workdir = c->gd->workdir;
    word(&w, "--volname=%s", volume);
    if (strcmp(event, "start") == 0)
        word(&w, "--first=%s", another_is_started(c->gd, volume) ? "no" : "yes");
    if (strcmp(event, "stop") == 0)
        word(&w, "--last=%s", another_is_started(c->gd, volume) ? "no" : "yes");
    if (strcmp(event, "start") == 0 || strcmp(event, "reset") == 0 || strcmp(event, "add-brick") == 0) {
        word(&w, "--version=1");
        word(&w, "--volume-op=%s", event);
        word(&w, "--gd-workdir=%s", workdir);
    }
    if (strcmp(event, "set") == 0) {
        put_pairs(c, &w);
        word(&w, "--gd-workdir=%s", workdir);
    }
    return w;
}

void hook_pre(struct command *c)
{
    const char *event = c->type->hook, *volume = command_text(c, "volname");
    char folder[4300];
    if (!event || !volume || c->hooked)
        return;
    c->hooked = true;
    struct words w = words_of(c, volume, event);
    snprintf(folder, sizeof folder, "%s/hooks/1/%s/pre", c->gd->workdir, event);
    if (!w.failed)
        run_folder(c->gd, folder, is_hook, false, w.at, HOOK_PRE_MS);
    words_done(&w);
}

/* Those that run and those that wait, in the order of the commands. One runs when no earlier one is of its volume. */
struct hookjob {
    struct job job;
    struct glusterd *gd;
    char volume[257], folder[4300];
    struct words words;
    bool running;
    struct hookjob *next;        /* glusterd.hooks, under glusterd.lock */
};

/* Hands over what can run; under the lock, which pool_add() does not take. */
static void start_locked(struct glusterd *gd)
{
    for (struct hookjob *j = gd->hooks; j; j = j->next) {
        bool first = !j->running;
        for (const struct hookjob *before = gd->hooks; first && before != j; before = before->next)
            first = strcmp(before->volume, j->volume) != 0;
        if (!first)
            continue;
        j->running = true;
        pool_add(gd->process->pool, &j->job);
    }
}

static void run_job(struct job *job)
{
    struct hookjob *j = container_of(job, struct hookjob, job);
    struct glusterd *gd = j->gd;
    if (!is_ending(gd))
        run_folder(gd, j->folder, is_hook, false, j->words.at, HOOK_POST_MS);
    pthread_mutex_lock(&gd->lock);
    struct hookjob **at = &gd->hooks;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    start_locked(gd);
    pthread_mutex_unlock(&gd->lock);
    words_done(&j->words);
    free(j);
    commands_let_go(gd);
}

void hook_post(struct command *c)
{
    struct glusterd *gd = c->gd;
    const char *event = c->type->hook, *volume = command_text(c, "volname");
    if (!c->hooked)
        return;
    struct hookjob *j = calloc(1, sizeof *j);
    if (!j) {
        log_error(DOMAIN, "no memory: the post scripts of %s are not run", event);
        return;
    }
    *j = (struct hookjob){.job = {.run = run_job, .class = CLASS_LOW}, .gd = gd, .words = words_of(c, volume, event)};
    snprintf(j->volume, sizeof j->volume, "%s", volume);
    snprintf(j->folder, sizeof j->folder, "%s/hooks/1/%s/post", gd->workdir, event);
    if (j->words.failed) {
        words_done(&j->words);
        free(j);
        return;
    }
    SCOPED_LOCK(&gd->lock);
    gd->running++;
    struct hookjob **last = &gd->hooks;
    while (*last)
        last = &(*last)->next;
    *last = j;
    start_locked(gd);
}
