/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume heal. What lists or heals single entries is done by GlusterFS's helper program glfsheal, which becomes a client of the
 * volume; the rest is the daemon's (spec management 4.14). */
#include "config.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "grammar.h"
#include "xml.h"

enum heal_op {
    HEAL_INDEX = 1,
    HEAL_FULL = 2,
    HEAL_STATISTICS = 7,
    HEAL_COUNT = 8,
    HEAL_COUNT_REPLICA = 9,
    HEAL_ENABLE = 12,
    HEAL_DISABLE = 13,
    GRANULAR_ENABLE = 15,
    GRANULAR_DISABLE = 16,
    BY_HELPER = 100,
};

/* ---- the helper ---------------------------------------------------------------------------------------------------------- */

extern char **environ;

/* Where the packages of the distributions and a build of ones own put it. */
static const char *helper_path(void)
{
    static const char *const places[] = {GF_PKGLIBDIR "/glfsheal", "/usr/lib/x86_64-linux-gnu/glusterfs/glfsheal",
                                         "/usr/lib/aarch64-linux-gnu/glusterfs/glfsheal", "/usr/libexec/glusterfs/glfsheal",
                                         "/usr/lib/glusterfs/glfsheal", "/usr/local/libexec/glusterfs/glfsheal"};

    for (size_t i = 0; i < array_len(places); i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

/* The helper is GlusterFS's and needs GlusterFS's libraries: a libgfapi of ours that this process was told to find would stand in
 * their place. */
static char **helper_environment(void)
{
    size_t n = 0, kept = 0;
    char **env;

    while (environ[n])
        n++;
    env = calloc(n + 1, sizeof(*env));
    for (size_t i = 0; env && i < n; i++)
        if (strncmp(environ[i], "LD_LIBRARY_PATH=", strlen("LD_LIBRARY_PATH=")) != 0)
            env[kept++] = environ[i];
    return env;
}

static int run_helper(struct cli *c, const char *const *words)
{
    const char *path = helper_path();
    char *argv[8] = {(char *)path};
    int n = 1, status, failed;
    char **env;
    pid_t pid;

    if (!path) {
        fputs("this needs GlusterFS's program glfsheal, which is not installed (Debian package glusterfs-server)\n", stderr);
        return 1;
    }
    for (int i = 0; words[i] && n < 5; i++)
        argv[n++] = (char *)words[i];
    if (c->xml)
        argv[n++] = (char *)"--xml";
    if (c->no_log)
        argv[n++] = (char *)"--nolog";
    fflush(stdout);
    env = helper_environment();
    failed = env ? posix_spawn(&pid, path, NULL, NULL, argv, env) : ENOMEM;
    free(env);
    if (failed) {
        fprintf(stderr, "%s: %s\n", path, strerror(failed));
        return 1;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* The words behind the volume, as the helper has them; false: they mean something else. */
static bool helper_words(const struct words *w, const char *to[4])
{
    to[0] = w->at[2];
    if (word_is(w, 3, "info")) {
        if (w->n == 5 && word_is(w, 4, "summary"))
            to[1] = "info-summary";
        else if (w->n == 5 && word_is(w, 4, "split-brain"))
            to[1] = "split-brain-info";
        else if (w->n != 4)
            return false;
        return true;
    }
    if (!word_is(w, 3, "split-brain") || w->n < 6)
        return false;
    to[1] = w->at[4];
    to[2] = w->at[5];
    if (w->n == 6 && (word_is(w, 4, "bigger-file") || word_is(w, 4, "latest-mtime")))
        return true;
    to[3] = word(w, 6);
    return w->n <= 7 && word_is(w, 4, "source-brick");
}

static int helper_command(struct cli *c, const char *const *words)
{
    REPLY(a);
    char *dir = NULL;
    int status = ask_directory(c, &a, &dir); /* without a daemon the helper would wait for one */

    free(dir);
    if (status)
        return status;
    status = run_helper(c, words);
    if (status && !c->xml && helper_path())
        puts("Volume heal failed.");
    return status;
}

/* ---- answers ------------------------------------------------------------------------------------------------------------- */

static const char *heal_text(enum heal_op op)
{
    switch (op) {
    case HEAL_INDEX: return "Launching heal operation to perform index self heal";
    case HEAL_FULL: return "Launching heal operation to perform full self heal";
    case HEAL_STATISTICS: return "Gathering crawl statistics";
    case HEAL_COUNT: return "Gathering count of entries to be healed";
    case HEAL_COUNT_REPLICA: return "Gathering count of entries to be healed per replica";
    case HEAL_ENABLE: return "Enable heal";
    case HEAL_DISABLE: return "Disable heal";
    case GRANULAR_ENABLE: return "Enable granular entry heal";
    case GRANULAR_DISABLE: return "Disable granular entry heal";
    default: return "Heal";
    }
}

static void print_count(const struct reply *a, int i)
{
    const char *status = reply_text(a, "%d-status", i);

    printf("\nBrick %s:%s\n", reply_or(a, "", "%d-hostname", i), reply_or(a, "", "%d-path", i));
    if (reply_has(a, "%d-hardlinks", i))
        printf("Number of entries: %s\n", reply_text(a, "%d-hardlinks", i));
    else if (status && status[0])
        printf("Status: %s\n", status);
    else
        puts("No gathered input for this brick");
}

static void print_crawls(const struct reply *a, int i)
{
    rule('-', 48);
    printf("\nCrawl statistics for brick no %d\nHostname of brick %s\n", i, reply_or(a, "", "%d-hostname", i));
    if (!reply_has(a, "statistics-%d-count", i)) {
        printf("\n%s\n", reply_or(a, "No gathered input for this brick", "%d-status", i));
        return;
    }
    for (int j = 0; j < (int)reply_number(a, 0, "statistics-%d-count", i); j++) {
#define CRAWL(key) reply_or(a, "", key "-%d-%d", i, j)
        bool running = reply_number(a, 0, "statistics_inprogress-%d-%d", i, j);

        printf("\nStarting time of crawl: %s\n", CRAWL("statistics_strt_time"));
        if (running)
            puts("\nCrawl is in progress");
        else
            printf("\nEnding time of crawl: %s\n", CRAWL("statistics_end_time"));
        printf("\nType of crawl: %s\nNo. of entries healed%s: %s\nNo. of entries in split-brain: %s\nNo. of heal failed entries%s: %s\n",
               CRAWL("statistics_crawl_type"), running ? " so far" : "", CRAWL("statistics_healed_cnt"), CRAWL("statistics_sb_cnt"),
               running ? " so far" : "", CRAWL("statistics_heal_failed_cnt"));
#undef CRAWL
    }
}

static int print_heal(enum heal_op op, const char *volume, const struct reply *a)
{
    int n = (int)reply_number(a, 0, "count");

    if (a->op_ret)
        return refused_with(a, "%s on volume %s has been unsuccessful%s%s", heal_text(op), volume, a->reason[0] ? ":\n" : "", a->reason);
    printf("%s on volume %s has been successful \n", heal_text(op), volume);
    if (op == HEAL_INDEX || op == HEAL_FULL)
        puts("Use heal info commands to check status.");
    for (int i = 0; i < n; i++) {
        if (op == HEAL_COUNT || op == HEAL_COUNT_REPLICA)
            print_count(a, i);
        else if (op == HEAL_STATISTICS)
            print_crawls(a, i);
    }
    return 0;
}

/* ---- the command --------------------------------------------------------------------------------------------------------- */

static enum heal_op op_of(const struct words *w)
{
    if (w->n == 3)
        return HEAL_INDEX;
    if (w->n == 4 && word_is(w, 3, "full"))
        return HEAL_FULL;
    if (w->n == 4 && word_is(w, 3, "enable"))
        return HEAL_ENABLE;
    if (w->n == 4 && word_is(w, 3, "disable"))
        return HEAL_DISABLE;
    if (w->n == 4 && word_is(w, 3, "statistics"))
        return HEAL_STATISTICS;
    if (w->n == 5 && word_is(w, 3, "statistics") && word_is(w, 4, "heal-count"))
        return HEAL_COUNT;
    if (w->n == 7 && word_is(w, 3, "statistics") && word_is(w, 4, "heal-count") && word_is(w, 5, "replica"))
        return HEAL_COUNT_REPLICA;
    if (w->n == 5 && word_is(w, 3, "granular-entry-heal") && word_is(w, 4, "enable"))
        return GRANULAR_ENABLE;
    if (w->n == 5 && word_is(w, 3, "granular-entry-heal") && word_is(w, 4, "disable"))
        return GRANULAR_DISABLE;
    return 0;
}

/* Entries that the old way has noted would be forgotten by the new: there must be none. */
static int nothing_pending(struct cli *c, const char *volume)
{
    const char *words[] = {volume, "granular-entry-heal-op", NULL};
    struct cli text = *c;
    int status;

    text.xml = false;
    status = run_helper(&text, words);
    if (status == EAGAIN)
        puts("One or more entries need heal. Please execute the command again after there are no entries to be healed");
    if (status && helper_path())
        puts("Volume heal failed.");
    return status;
}

int cmd_heal(struct cli *c, const struct words *w)
{
    const char *words[5] = {0};
    enum heal_op op = op_of(w);
    struct request r;
    REPLY(a);
    int status = 0;

    if (w->n < 3)
        return BAD_WORDS;
    if (helper_words(w, words))
        return helper_command(c, words);
    if (!op)
        return BAD_WORDS;
    if (op == GRANULAR_ENABLE && (status = nothing_pending(c, w->at[2])))
        return status;
    r = volume_request(w);
    put_number(&r, "heal-op", op);
    if (op == HEAL_COUNT_REPLICA) {
        const char *brick = w->at[6], *colon = strrchr(brick, ':');

        if (!colon) {
            request_drop(&r);
            return BAD_WORDS;
        }
        put(&r, "per-replica-cmd-hostname", "%.*s", (int)(colon - brick), brick);
        put(&r, "per-replica-cmd-path", "%s", colon + 1);
    }
    return ask(c, CLI_HEAL_VOLUME, &r, LONG_S, &a) ?: print_heal(op, w->at[2], &a);
}
