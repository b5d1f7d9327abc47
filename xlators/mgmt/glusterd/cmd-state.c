/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-state.c: get-state: what the daemon knows, as a file; and a new identity. Source: spec management 4.20. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "brickop.h"
#include "brickset.h"
#include "dict.h"
#include "filesystem.h"
#include "glusterd.h"
#include "option-table.h"
#include "rebalance.h"
#include "shd.h"

/* ---- one brick ---------------------------------------------------------------------------------------------------------------------- */

static void dump_clients(FILE *f, const char *brick, struct dict *said)
{
    static const char *const shown[] = {"hostname", "bytesread", "byteswrite", "opversion"};
    int64_t n = 0;
    if (dict_get_i64(said, "clientcount", &n) < 0)
        return;
    fprintf(f, "%s.client_count: %lld\n", brick, (long long)n);
    for (int64_t i = 0; i < n; i++)
        for (size_t k = 0; k < array_len(shown); k++) {
            char key[64];
            const char *value;
            snprintf(key, sizeof key, "client%lld.%s", (long long)i, shown[k]);
            if (dict_get_text(said, key, &value) == 0)
                fprintf(f, "%s.Client%lld.%s: %s\n", brick, (long long)i + 1, shown[k], value);
        }
}

static void dump_brick(struct glusterd *gd, FILE *f, unsigned int volume, const struct volinfo *v, unsigned int i, struct dict *said)
{
    const struct brickinfo *b = &v->bricks[i];
    const struct brick_status s = brickrun_status(gd, b->path);
    struct filesystem fs;
    char name[64];
    snprintf(name, sizeof name, "Volume%u.Brick%u", volume, i + 1);
    fprintf(f, "%s.path: %s:%s\n%s.hostname: %s\n", name, b->host, b->path, name, b->host);
    if (v->arbiter_count && (i + 1) % v->sub_count == 0)
        fprintf(f, "%s.is_arbiter: 1\n", name);
    fprintf(f, "%s.port: %d\n%s.rdma_port: 0\n%s.port_registered: %d\n%s.status: %s\n", name, s.port, name, name, s.online, name,
            s.online ? "Started" : "Stopped");
    if (filesystem_of(b->path, &fs) == 0)
        fprintf(f, "%s.spacefree: %lluBytes\n%s.spacetotal: %lluBytes\n", name, (unsigned long long)fs.free, name,
                (unsigned long long)fs.total);
    if (said)
        dump_clients(f, name, said);
}

static void dump_bricks(struct command *c, FILE *f, unsigned int n, const struct volinfo *v, bool detail)
{
    struct brickset s = {0};
    struct dict **in = NULL;
    if (detail && v->status == VOLUME_STARTED && brickset_of(c, v, NULL, &s) == 0 && (in = calloc(s.n + 1, sizeof *in))) {
        for (size_t i = 0; i < s.n; i++) {
            in[i] = dict_new();
            s.calls[i].procedure = BRICKOP_STATUS;
            s.calls[i].in = in[i];
            if (!in[i] || dict_set_textf(in[i], "cmd", "%d", VOLSTATUS_CLIENTS) < 0 ||
                dict_set_text(in[i], "brick-name", v->bricks[s.at[i]].path) < 0)
                s.calls[i].socket[0] = '\0';
        }
        brickcalls_run(c->gd, s.calls, s.n, BRICKCALL_MS);
    }
    for (unsigned int i = 0, k = 0; i < v->nr_bricks; i++) {
        struct dict *said = NULL;
        if (k < s.n && s.at[k] == i)
            said = s.calls[k++].out;
        dump_brick(c->gd, f, n, v, i, said);
    }
    for (size_t i = 0; in && i < s.n; i++)
        dict_unref(in[i]);
    free(in);
    brickset_done(&s);
}

/* ---- volumes ------------------------------------------------------------------------------------------------------------------------- */

static const char *task_state(int n)
{
    static const char *const names[] = {"not_started", "started", "stopped", "complete", "failed", "layout_fix_started",
                                        "layout_fix_stopped", "layout_fix_complete", "layout_fix_failed"};
    return n >= 0 && (size_t)n < array_len(names) ? names[n] : "unknown";
}

static void dump_volume(struct command *c, FILE *f, unsigned int n, const struct volinfo *v, bool detail)
{
    static const char *const states[] = {"Created", "Started", "Stopped"};
    bool heals = v->type != VOLUME_PLAIN;
    struct task t;
    task_read(v, &t);
    fprintf(f, "Volume%u.name: %s\nVolume%u.id: %s\nVolume%u.type: %s\nVolume%u.transport_type: tcp\nVolume%u.status: %s\n", n, v->name, n,
            v->id, n, volinfo_type_name(volinfo_shown_type(v)), n, n, states[v->status]);
    fprintf(f, "Volume%u.profile_enabled: %d\nVolume%u.brickcount: %u\n", n, volinfo_is_on(v, "diagnostics.latency-measurement"), n,
            v->nr_bricks);
    dump_bricks(c, f, n, v, detail);
    fprintf(f, "Volume%u.snap_count: 0\nVolume%u.stripe_count: 1\nVolume%u.replica_count: %u\nVolume%u.subvol_count: %u\n", n, n, n,
            v->replica_count, n, volinfo_subvolumes(v));
    fprintf(f, "Volume%u.arbiter_count: %u\nVolume%u.disperse_count: %u\nVolume%u.redundancy_count: %u\n", n, v->arbiter_count, n,
            v->disperse_count, n, v->redundancy_count);
    fprintf(f, "Volume%u.quorum_status: not_applicable\nVolume%u.snapd_svc.online_status: Offline\nVolume%u.snapd_svc.inited: False\n", n,
            n, n);
    fprintf(f, "Volume%u.rebalance.id: %s\nVolume%u.rebalance.status: %s\n", n, t.id[0] ? t.id : "00000000-0000-0000-0000-000000000000", n,
            task_state(t.status));
    fprintf(f, "Volume%u.rebalance.failures: %llu\nVolume%u.rebalance.skipped: %llu\nVolume%u.rebalance.lookedup: %llu\n", n,
            (unsigned long long)t.failures, n, (unsigned long long)t.skipped, n, (unsigned long long)t.lookups);
    fprintf(f, "Volume%u.rebalance.files: %llu\nVolume%u.rebalance.data: %lluBytes\nVolume%u.time_left: %llu\n", n,
            (unsigned long long)t.files, n, (unsigned long long)t.size, n, (unsigned long long)t.time_left);
    fprintf(f, "Volume%u.shd_svc.online_status: %s\nVolume%u.shd_svc.inited: %s\nVolume%u.gsync_count: 0\n", n,
            heals && shd_pid(c->gd, v->name) ? "Online" : "Offline", n, heals ? "True" : "False", n);
    for (size_t i = 0; i < v->options.n; i++)
        fprintf(f, "Volume%u.options.%s: %s\n", n, v->options.at[i].key, v->options.at[i].value);
    fputc('\n', f);
}

/* Every option of a volume, from the first key to the last. */
static void dump_options(FILE *f, unsigned int n, const struct volinfo *v)
{
    unsigned int k = 0;
    fprintf(f, "Volume%u.name: %s\n", n, v->name);
    for (size_t i = 0; i < nr_volopts; i++)
        k += volopts[i].listed && (i == 0 || strcmp(volopts[i].key, volopts[i - 1].key));
    fprintf(f, "Volume%u.options.count: %u\n", n, k);
    k = 0;
    for (size_t i = 0; i < nr_volopts; i++) {
        const struct volopt *o = &volopts[i];
        const char *set = pairs_get(&v->options, o->key);
        if (!o->listed || (i && strcmp(o->key, volopts[i - 1].key) == 0))
            continue;
        k++;
        fprintf(f, "Volume%u.options.key%u: %s\nVolume%u.options.value%u: %s%s\n", n, k, o->key, n, k,
                set ? set : o->def ? o->def : "(null)", set || o->always ? "" : " (DEFAULT)");
    }
    fputc('\n', f);
}

/* ---- the file ------------------------------------------------------------------------------------------------------------------------ */

enum { STATE_DETAIL = 1, STATE_OPTIONS = 2 };

static void dump_all(struct command *c, FILE *f, int how)
{
    size_t n;
    struct volview **all = volumes_all(c->gd, &n);
    bool detail = how == STATE_DETAIL, options = how == STATE_OPTIONS;
    struct pairs globals = {0};
    if (options) {
        fprintf(f, "[Volume Options]\n");
        for (size_t i = 0; i < n; i++)
            dump_options(f, (unsigned int)i + 1, all[i]->v);
        volumes_free(all, n);
        return;
    }
    fprintf(f, "[Global]\nMYUUID: %s\nop-version: 100000\n\n[Global options]\n", c->gd->uuid);
    if (node_globals(c->gd, &globals) == 0)
        for (size_t i = 0; i < globals.n; i++)
            if (strcmp(globals.at[i].key, "global-option-version") != 0)
                fprintf(f, "%s: %s\n", globals.at[i].key, globals.at[i].value);
    pairs_done(&globals);
    fprintf(f, "\n[Peers]\n\n[Volumes]\n");
    for (size_t i = 0; i < n; i++)
        dump_volume(c, f, (unsigned int)i + 1, all[i]->v, detail);
    fprintf(f, "\n[Services]\nsvc1.name: bitd\nsvc1.online_status: Offline\n\nsvc2.name: scrub\nsvc2.online_status: Offline\n\nsvc3.name: "
               "quotad\nsvc3.online_status: Offline\n\n\n[Misc]\nBase port: %lld\n",
            (long long)c->gd->base_port);
    volumes_free(all, n);
}

/* "" is the default of both. A name that we make up is none that is there; one that is given may be, and is written anew. */
static int open_file(struct command *c, char *path, size_t size)
{
    const char *folder = command_text(c, "odir"), *name = command_text(c, "filename");
    struct stat st;
    char when[64];
    time_t now = time(NULL);
    struct tm tm;
    if (!folder || !*folder)
        folder = c->gd->rundir;
    if (stat(folder, &st) < 0)
        return command_fail(c, "Output directory %s does not exist.", folder);
    if (!S_ISDIR(st.st_mode))
        return command_fail(c, "Output directory does not exist. %s points to a file.", folder);
    const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";
    int fd;
    if (name && *name) {
        snprintf(path, size, "%s%s%s", folder, slash, name);
        fd = strchr(name, '/') ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    } else {
        gmtime_r(&now, &tm);
        strftime(when, sizeof when, "%Y%m%d_%H%M%S", &tm);
        snprintf(path, size, "%s%sglusterd_state_%s", folder, slash, when);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        for (int i = 2; fd < 0 && errno == EEXIST; i++) {
            snprintf(path, size, "%s%sglusterd_state_%s_%d", folder, slash, when, i);
            fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        }
    }
    return fd < 0 ? command_fail(c, "Failed to open file at %s", path) : fd;
}

static int get_state_run(struct command *c)
{
    const char *daemon = command_text(c, "daemon");
    struct err err = {""};
    char path[4400];
    if (daemon && strcmp(daemon, "glusterd") != 0)
        return command_fail(c, "glusterd is the only supported daemon.");
    if (node_uuid(c->gd, &err) < 0)
        return command_fail(c, "%s", err.text);
    int fd = open_file(c, path, sizeof path);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (fd < 0)
        return -1;
    if (!f) {
        close(fd);
        return command_fail(c, "no memory");
    }
    dump_all(c, f, command_number(c, "getstate-cmd", 0));
    bool failed = ferror(f) != 0;
    if (fclose(f) != 0 || failed)
        return command_fail(c, "%s: %s", path, strerror(errno));
    return command_echo(c) < 0 || dict_set_text(c->out, "ofilepath", path) < 0 ? command_fail(c, "no memory") : 0;
}

/* ---- who this machine is --------------------------------------------------------------------------------------------------- */

static int uuid_reset_run(struct command *c)
{
    struct err err = {""};
    return node_new_uuid(c, &err) < 0 ? command_fail(c, "%s", err.text) : 0;
}

const struct command_type get_state_command = {.name = "get-state", .flags = COMMAND_LOGGED, .run = get_state_run};
const struct command_type uuid_reset_command = {.name = "uuid reset", .flags = COMMAND_LOGGED | COMMAND_CHANGES, .run = uuid_reset_run};
