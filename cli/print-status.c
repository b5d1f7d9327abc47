/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* print-status.c: volume status as text. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

#define NAME_WIDTH 43
#define WIDE_RULE 78
#define NARROW_RULE 46

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

int status_rows(const struct reply *a)
{
    static const char *const needed[] = {"brick-index-max", "other-count"};

    for (size_t i = 0; i < array_len(needed); i++)
        if (!reply_has(a, "%s", needed[i]))
            return missing(needed[i]), -1;
    return (int)(reply_number(a, -1, "brick-index-max") + 1 + reply_number(a, 0, "other-count"));
}

static bool is_daemon(const char *host)
{
    static const char *const names[] = {"Self-heal Daemon", "Quota Daemon", "NFS Server", "Snapshot Daemon", "Bitrot Daemon",
                                        "Scrubber Daemon"};

    for (size_t i = 0; i < array_len(names); i++)
        if (strcmp(host, names[i]) == 0)
            return true;
    return false;
}

bool status_row(const struct reply *a, int n, struct status_row *ret)
{
    *ret = (struct status_row){.n = n, .host = reply_text(a, "brick%d.hostname", n), .path = reply_or(a, "", "brick%d.path", n)};
    if (!ret->host)
        return false;
    ret->brick = !is_daemon(ret->host);
    ret->online = reply_number(a, 0, "brick%d.status", n) != 0;
    ret->port = reply_number(a, 0, "brick%d.port", n);
    ret->has_rdma = reply_has(a, "brick%d.rdma_port", n);
    ret->rdma_port = reply_number(a, 0, "brick%d.rdma_port", n);
    ret->pid = reply_number(a, -1, "brick%d.pid", n);
    return true;
}

struct cell {
    char at[24];
};
static struct cell number_or_none(bool there, int64_t n)
{
    struct cell c;

    if (there)
        snprintf(c.at, sizeof(c.at), "%" PRId64, n);
    else
        snprintf(c.at, sizeof(c.at), "N/A");
    return c;
}
static struct cell port_cell(const struct status_row *r)
{
    return number_or_none(r->online && r->port > 0, r->port);
}
static struct cell rdma_cell(const struct status_row *r)
{
    return number_or_none(r->online && r->has_rdma && r->brick, r->rdma_port);
}

static char *row_name(const struct status_row *r)
{
    char *name;

    if (asprintf(&name, r->brick ? "Brick %s:%s" : "%s on %s", r->host, r->path) < 0)
        return NULL;
    return name;
}

static void print_row(const struct status_row *r)
{
    char *name = row_name(r);
    const char *rest = name ? name : "";

    while (strlen(rest) > NAME_WIDTH) { /* the values stand on the last line */
        printf("%.*s\n", NAME_WIDTH, rest);
        rest += NAME_WIDTH;
    }
    printf("%-*s %-10s%-11s%-8c%-5s\n", NAME_WIDTH, rest, port_cell(r).at, rdma_cell(r).at, r->online ? 'Y' : 'N',
           number_or_none(r->online, r->pid).at);
    free(name);
}

/* ---- tasks --------------------------------------------------------------------------------------------------------------- */

const char *task_status_name(int64_t status)
{
    static const char *const names[] = {"not started", "in progress", "stopped", "completed", "failed", "fix-layout in progress",
                                        "fix-layout stopped", "fix-layout completed", "fix-layout failed",
                                        "reset due to replace-brick", "reset due to reset-brick"};

    return status >= 0 && (size_t)status < array_len(names) ? names[status] : "unknown";
}

static void print_pair(const char *label, const char *value)
{
    printf("%-20s : %-20s\n", label, value);
}

static void print_tasks(const struct reply *a, const char *volume)
{
    int n = (int)reply_number(a, 0, "tasks");

    printf("Task Status of Volume %s\n", volume);
    rule('-', WIDE_RULE);
    if (n == 0)
        puts("There are no active volume tasks");
    for (int i = 0; i < n; i++) {
        print_pair("Task", reply_or(a, "", "task%d.type", i));
        print_pair("ID", reply_or(a, "", "task%d.id", i));
        if (reply_number(a, 0, "task%d.count", i) > 0)
            printf("Removed bricks:\n");
        for (int j = 1; j <= (int)reply_number(a, 0, "task%d.count", i); j++)
            puts(reply_or(a, "", "task%d.brick%d", i, j));
        print_pair("Status", task_status_name(reply_number(a, -1, "task%d.status", i)));
        if (i + 1 < n)
            puts(" ");
    }
    puts(" ");
}

/* ---- one row's tables ---------------------------------------------------------------------------------------------------- */

static void print_size(const struct reply *a, const char *label, int n, const char *key)
{
    if (reply_has(a, "brick%d.%s", n, key))
        print_pair(label, readable_size((double)reply_unsigned(a, "brick%d.%s", n, key)).at);
    else
        print_pair(label, "N/A");
}

static void print_detail(const struct reply *a, const struct status_row *r)
{
    char *name = row_name(r);

    rule('-', WIDE_RULE);
    print_pair("Brick", name ? name : "");
    print_pair("TCP Port", port_cell(r).at);
    print_pair("RDMA Port", rdma_cell(r).at);
    printf("%-20s : %-20c\n", "Online", r->online ? 'Y' : 'N');
    print_pair("Pid", number_or_none(r->online, r->pid).at);
    print_pair("File System", reply_or(a, "N/A", "brick%d.fs_name", r->n));
    print_pair("Device", reply_or(a, "N/A", "brick%d.device", r->n));
    print_pair("Mount Options", reply_or(a, "N/A", "brick%d.mnt_options", r->n));
    print_pair("Inode Size", reply_or(a, "N/A", "brick%d.inode_size", r->n));
    print_size(a, "Disk Space Free", r->n, "free");
    print_size(a, "Total Disk Space", r->n, "total");
    print_pair("Inode Count", reply_or(a, "N/A", "brick%d.total_inodes", r->n));
    print_pair("Free Inodes", reply_or(a, "N/A", "brick%d.free_inodes", r->n));
    free(name);
}

static void print_clients(const struct reply *a, const struct status_row *r)
{
    int n = (int)reply_number(a, 0, "brick%d.clientcount", r->n);

    printf("Clients connected : %d\n", n);
    if (n == 0)
        return;
    printf("%-48s %15s %15s %15s\n", "Hostname", "BytesRead", "BytesWritten", "OpVersion");
    printf("%-48s %15s %15s %15s\n", "--------", "---------", "------------", "---------");
    for (int i = 0; i < n; i++)
        printf("%-48s %15" PRIu64 " %15" PRIu64 " %15" PRId64 "\n", reply_or(a, "", "brick%d.client%d.hostname", r->n, i),
               reply_unsigned(a, "brick%d.client%d.bytesread", r->n, i), reply_unsigned(a, "brick%d.client%d.byteswrite", r->n, i),
               reply_number(a, 0, "brick%d.client%d.opversion", r->n, i));
}

static void print_pools(const struct reply *a, const struct status_row *r)
{
    int n = (int)reply_number(a, 0, "brick%d.mempool-count", r->n);

    if (n == 0)
        return;
    puts("Mempool Stats\n-------------");
    printf("%-30s %9s %9s %12s %10s %8s %8s %12s\n", "Name", "HotCount", "ColdCount", "PaddedSizeof", "AllocCount", "MaxAlloc", "Misses",
           "Max-StdAlloc");
    printf("%-30s %9s %9s %12s %10s %8s %8s %12s\n", "----", "--------", "---------", "------------", "----------", "--------", "--------",
           "------------");
    for (int i = 0; i < n; i++) {
#define OF_POOL(key) reply_or(a, "0", "brick%d.pool%d." key, r->n, i)
        printf("%-30s %9s %9s %12s %10s %8s %8s %12s\n", OF_POOL("name"), OF_POOL("hotcount"), OF_POOL("coldcount"),
               OF_POOL("paddedsizeof"),
               OF_POOL("alloccount"), OF_POOL("max_alloc"), OF_POOL("pool-misses"), OF_POOL("max-stdalloc"));
#undef OF_POOL
    }
}

static void print_memory(const struct reply *a, const struct status_row *r)
{
    static const char *const keys[][2] = {{"arena", "Arena    : "},    {"ordblks", "Ordblks  : "},  {"smblks", "Smblks   : "},
                                          {"hblks", "Hblks    : "},    {"hblkhd", "Hblkhd   : "},   {"usmblks", "Usmblks  : "},
                                          {"fsmblks", "Fsmblks  : "},  {"uordblks", "Uordblks : "}, {"fordblks", "Fordblks : "},
                                          {"keepcost", "Keepcost : "}};

    puts("Mallinfo\n--------");
    for (size_t i = 0; i < array_len(keys); i++)
        if (reply_has(a, "brick%d.mallinfo.%s", r->n, keys[i][0]))
            printf("%s%s\n", keys[i][1], reply_text(a, "brick%d.mallinfo.%s", r->n, keys[i][0]));
    puts(" ");
    print_pools(a, r);
}

static void print_inode_list(const struct reply *a, const struct status_row *r, int conn, const char *list, const char *label, int64_t n)
{
    bool head = false;

    for (int i = 0; i < n; i++) {
        const char *gfid = reply_text(a, "brick%d.conn%d.itable.%s%d.gfid", r->n, conn, list, i);

        if (!gfid)
            continue;
        if (!head)
            printf("%s inodes:\n%-40s %14s %14s %9s\n%-40s %14s %14s %9s\n", label, "GFID", "Lookups", "Ref", "IA type", "----", "-------",
                   "---", "-------");
        head = true;
        printf("%-40s %14s %14s %9s\n", gfid, reply_or(a, "", "brick%d.conn%d.itable.%s%d.nlookup", r->n, conn, list, i),
               reply_or(a, "", "brick%d.conn%d.itable.%s%d.ref", r->n, conn, list, i),
               reply_or(a, "", "brick%d.conn%d.itable.%s%d.ia_type", r->n, conn, list, i));
    }
}

static void print_inodes(const struct reply *a, const struct status_row *r)
{
    int n = (int)reply_number(a, 0, "brick%d.conncount", r->n);

    for (int i = 0; i < n; i++) {
#define OF_TABLE(key) reply_number(a, -1, "brick%d.conn%d.itable." key, r->n, i)
        if (n > 1)
            printf("Connection %d:\n", i + 1);
        if (OF_TABLE("lru_limit") >= 0)
            printf("LRU limit     : %" PRId64 "\n", OF_TABLE("lru_limit"));
        if (OF_TABLE("active_size") >= 0)
            printf("Active Inodes : %" PRId64 "\n", OF_TABLE("active_size"));
        if (OF_TABLE("lru_size") >= 0)
            printf("LRU Inodes    : %" PRId64 "\n", OF_TABLE("lru_size"));
        if (OF_TABLE("purge_size") >= 0)
            printf("Purge Inodes  : %" PRId64 "\n", OF_TABLE("purge_size"));
        print_inode_list(a, r, i, "active", "Active", OF_TABLE("active_size"));
        print_inode_list(a, r, i, "lru", "LRU", OF_TABLE("lru_size"));
        print_inode_list(a, r, i, "purge", "Purged", OF_TABLE("purge_size"));
#undef OF_TABLE
        puts(" ");
    }
}

static void print_fds(const struct reply *a, const struct status_row *r)
{
    int n = (int)reply_number(a, 0, "brick%d.conncount", r->n);

    for (int i = 0; i < n; i++) {
#define OF_TABLE(key) reply_number(a, 0, "brick%d.conn%d.fdtable." key, r->n, i)
        int64_t max = OF_TABLE("maxfds");
        bool head = false;

        printf("Connection %d:\n", i + 1);
        printf("RefCount = %" PRId64 "  MaxFDs = %" PRId64 "  FirstFree = %" PRId64 "\n", OF_TABLE("refcount"), max, OF_TABLE("firstfree"));
#undef OF_TABLE
        for (int j = 0; j < max; j++) {
#define OF_FD(key) reply_text(a, "brick%d.conn%d.fdtable.fdentry%d." key, r->n, i, j)
            if (!OF_FD("pid"))
                continue;
            if (!head)
                printf("%-19s %-19s %-19s %-19s\n%-19s %-19s %-19s %-19s\n", "FD Entry", "PID", "RefCount", "Flags", "--------", "---",
                       "--------", "-----");
            head = true;
            printf("%-19d %-19s %-19s %-19s\n", j, OF_FD("pid"), OF_FD("refcount") ? OF_FD("refcount") : "", OF_FD("flags") ?
                   OF_FD("flags") : "");
#undef OF_FD
        }
        if (!head)
            fputs("No open fds\n", stderr);
        puts(" ");
    }
}

static void print_frame(const struct reply *a, const struct status_row *r, int stack, int frame)
{
    static const char *const keys[][2] = {{"refcount", "Ref Count   = "}, {"translator", "Translator  = "}, {"complete", "Completed   = "},
                                          {"parent", "Parent      = "},   {"windfrom", "Wind From   = "},   {"windto", "Wind To     = "},
                                          {"unwindfrom", "Unwind From = "}, {"unwindto", "Unwind To   = "}};

    printf(" Frame %d\n", frame + 1);
    for (size_t i = 0; i < array_len(keys); i++) {
        const char *value = reply_text(a, "brick%d.callpool.stack%d.frame%d.%s", r->n, stack, frame, keys[i][0]);

        if (value)
            printf("  %s%s\n", keys[i][1], value);
    }
}

static void print_calls(const struct reply *a, const struct status_row *r)
{
    int n = (int)reply_number(a, 0, "brick%d.callpool.count", r->n);

    printf("Pending calls: %d\n", n);
    for (int i = 0; i < n; i++) {
#define OF_STACK(key) reply_text(a, "brick%d.callpool.stack%d." key, r->n, i)
        int frames = (int)reply_number(a, 0, "brick%d.callpool.stack%d.count", r->n, i);

        printf("Call Stack%d\n", i + 1);
        if (OF_STACK("uid"))
            printf(" UID    : %s\n", OF_STACK("uid"));
        if (OF_STACK("gid"))
            printf(" GID    : %s\n", OF_STACK("gid"));
        if (OF_STACK("pid"))
            printf(" PID    : %s\n", OF_STACK("pid"));
        if (OF_STACK("unique"))
            printf(" Unique : %s\n", OF_STACK("unique"));
        printf(" Frames : %d\n", frames);
        for (int j = 0; j < frames; j++)
            print_frame(a, r, i, j);
        puts(" ");
#undef OF_STACK
    }
}

static void print_client_list(const struct reply *a, const char *volume)
{
    int n = (int)reply_number(a, 0, "client-count");

    printf("Client connections for volume %s\n%-48s %15s\n%-48s %15s\n", volume, "Name", "count", "-----", "------");
    for (int i = 0; i < n; i++) {
        const char *name = reply_or(a, "", "client%d.name", i);
        bool seen = false;

        for (int j = 0; j < i && !seen; j++)
            seen = strcmp(name, reply_or(a, "", "client%d.name", j)) == 0;
        if (!seen)
            printf("%-48s %15" PRId64 "\n", name, reply_number(a, 0, "%s-count", name));
    }
    printf("\ntotal clients for volume %s : %d \n", volume, n);
    rule('-', 65);
    putchar('\n');
}

/* ---- all of it ----------------------------------------------------------------------------------------------------------- */

struct table {
    uint32_t what;
    const char *title;           /* "... VOLUME" */
    void (*print)(const struct reply *a, const struct status_row *r);
    bool line_behind;
};

static int print_tables(const struct reply *a, const struct table *t, const char *volume, int rows)
{
    printf("%s %s\n", t->title, volume);
    for (int i = 0; i < rows; i++) {
        struct status_row r;

        if (!status_row(a, i, &r))
            continue;
        rule('-', NARROW_RULE);
        if (r.brick)
            printf("Brick : %s:%s\n", r.host, r.path);
        else
            printf("%s : %s\n", r.host, r.path);
        t->print(a, &r);
    }
    rule('-', NARROW_RULE);
    if (t->line_behind)
        putchar('\n');
    return 0;
}

static int print_processes(const struct reply *a, uint32_t cmd, const char *volume, int rows)
{
    bool detail = cmd & STATUS_DETAIL;

    printf("Status of volume: %s\n", volume);
    if (!detail) {
        printf("%-*s %-10s%-11s%-8s%s\n", NAME_WIDTH, "Gluster process", "TCP Port", "RDMA Port", "Online", "Pid");
        rule('-', WIDE_RULE);
    }
    for (int i = 0; i < rows; i++) {
        struct status_row r;

        if (!status_row(a, i, &r))
            continue;
        if (detail)
            print_detail(a, &r);
        else
            print_row(&r);
    }
    puts(" ");
    if (!detail && (cmd & STATUS_VOLUME))
        print_tasks(a, volume);
    return 0;
}

int status_print(const struct reply *a, uint32_t cmd, const char *volume)
{
    static const struct table tables[] = {
        {STATUS_MEM, "Memory status for volume :", print_memory, true},
        {STATUS_CLIENTS, "Client connections for volume", print_clients, true},
        {STATUS_INODE, "Inode tables for volume", print_inodes, false},    {STATUS_FD, "FD tables for volume", print_fds, false},
        {STATUS_CALLPOOL, "Pending calls for volume", print_calls, false},
    };
    int rows;

    if (cmd & STATUS_TASKS) {
        print_tasks(a, volume);
        return 0;
    }
    if (cmd & STATUS_CLIENT_LIST) {
        print_client_list(a, volume);
        return 0;
    }
    rows = status_rows(a);
    if (rows < 0)
        return NO_ANSWER_KEY;
    for (size_t i = 0; i < array_len(tables); i++)
        if (cmd & tables[i].what)
            return print_tables(a, &tables[i], volume, rows);
    return print_processes(a, cmd, volume, rows);
}
