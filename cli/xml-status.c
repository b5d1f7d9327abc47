/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* xml-status.c: volume status as XML. Where GlusterFS's own command stops at the first thing that a brick did not send (its inode and
 * memory tables), this goes on with the next. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "status.h"

struct field {
    const char *key, *element;
};

/* Those of the fields that the reply has, below prefix. */
static void put_fields(struct xml *x, const struct reply *a, const char *prefix, const struct field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (reply_has(a, "%s%s", prefix, fields[i].key))
            xml_put(x, fields[i].element, "%s", reply_text(a, "%s%s", prefix, fields[i].key));
}

static void xml_number_or_none(struct xml *x, const char *name, bool there, int64_t n)
{
    if (there)
        xml_put(x, name, "%" PRId64, n);
    else
        xml_put(x, name, "N/A");
}

static void xml_process(struct xml *x, const struct reply *a, const struct status_row *r)
{
    xml_put(x, "hostname", "%s", r->host);
    xml_put(x, "path", "%s", r->path);
    xml_put(x, "peerid", "%s", reply_or(a, "", "brick%d.peerid", r->n));
    xml_put(x, "status", "%d", r->online);
    xml_number_or_none(x, "port", r->online && r->port > 0, r->port);
    xml_open(x, "ports");
    xml_number_or_none(x, "tcp", r->online && r->port > 0, r->port);
    xml_number_or_none(x, "rdma", r->online && r->rdma_port > 0, r->rdma_port);
    xml_close(x);
    xml_put(x, "pid", "%" PRId64, r->online ? r->pid : -1);
}

static void xml_detail(struct xml *x, const struct reply *a, int n)
{
    static const struct field fields[] = {{"total", "sizeTotal"},       {"free", "sizeFree"},     {"device", "device"},
                                          {"block_size", "blockSize"},  {"mnt_options", "mntOptions"}, {"fs_name", "fsName"},
                                          {"inode_size", "inodeSize"},  {"total_inodes", "inodesTotal"}, {"free_inodes", "inodesFree"}};
    char prefix[32];

    snprintf(prefix, sizeof(prefix), "brick%d.", n);
    put_fields(x, a, prefix, fields, array_len(fields));
}

static void xml_clients(struct xml *x, const struct reply *a, int n)
{
    static const struct field fields[] = {
        {"hostname", "hostname"}, {"bytesread", "bytesRead"}, {"byteswrite", "bytesWrite"}, {"opversion", "opVersion"}};
    int count = (int)reply_number(a, 0, "brick%d.clientcount", n);
    char prefix[64];

    xml_open(x, "clientsStatus");
    xml_put(x, "clientCount", "%d", count);
    for (int i = 0; i < count; i++) {
        snprintf(prefix, sizeof(prefix), "brick%d.client%d.", n, i);
        xml_open(x, "client");
        put_fields(x, a, prefix, fields, array_len(fields));
        xml_close(x);
    }
    xml_close(x);
}

static void xml_memory(struct xml *x, const struct reply *a, int n)
{
    static const struct field info[] = {{"arena", "arena"},       {"ordblks", "ordblks"},   {"smblks", "smblks"},
                                        {"hblks", "hblks"},       {"hblkhd", "hblkhd"},     {"usmblks", "usmblks"},
                                        {"fsmblks", "fsmblks"},   {"uordblks", "uordblks"}, {"fordblks", "fordblks"},
                                        {"keepcost", "keepcost"}};
    static const struct field pool[] = {{"name", "name"},           {"hotcount", "hotCount"},       {"coldcount", "coldCount"},
                                        {"paddedsizeof", "padddedSizeOf"}, {"alloccount", "allocCount"}, {"max_alloc", "maxAlloc"},
                                        {"pool-misses", "poolMisses"}, {"max-stdalloc", "maxStdAlloc"}};
    int count = (int)reply_number(a, 0, "brick%d.mempool-count", n);
    char prefix[64];

    snprintf(prefix, sizeof(prefix), "brick%d.mallinfo.", n);
    xml_open(x, "memStatus");
    xml_open(x, "mallinfo");
    put_fields(x, a, prefix, info, array_len(info));
    xml_close(x);
    xml_open(x, "mempool");
    if (count)
        xml_put(x, "count", "%d", count);
    for (int i = 0; i < count; i++) {
        snprintf(prefix, sizeof(prefix), "brick%d.pool%d.", n, i);
        xml_open(x, "pool");
        put_fields(x, a, prefix, pool, array_len(pool));
        xml_close(x);
    }
    xml_close(x);
    xml_close(x);
}

static void xml_inode_list(struct xml *x, const struct reply *a, int n, int conn, const char *list, const char *size_key,
                           const char *size_name)
{
    static const struct field fields[] = {{"gfid", "gfid"}, {"nlookup", "nLookup"}, {"ref", "ref"}, {"ia_type", "iaType"}};
    int count = (int)reply_number(a, 0, "brick%d.conn%d.itable.%s", n, conn, size_key);
    char prefix[96];

    xml_put(x, size_name, "%d", count);
    if (!reply_has(a, "brick%d.conn%d.itable.%s0.gfid", n, conn, list))
        return;
    xml_open(x, list);
    for (int i = 0; i < count; i++) {
        snprintf(prefix, sizeof(prefix), "brick%d.conn%d.itable.%s%d.", n, conn, list, i);
        xml_open(x, "inode");
        put_fields(x, a, prefix, fields, array_len(fields));
        xml_close(x);
    }
    xml_close(x);
}

static void xml_inodes(struct xml *x, const struct reply *a, int n)
{
    int count = (int)reply_number(a, 0, "brick%d.conncount", n);

    xml_open(x, "inodeStatus");
    xml_put(x, "connections", "%d", count);
    for (int i = 0; i < count; i++) {
        if (!reply_has(a, "brick%d.conn%d.itable.active_size", n, i))
            continue;
        xml_open(x, "connection");
        xml_inode_list(x, a, n, i, "active", "active_size", "activeSize");
        xml_inode_list(x, a, n, i, "lru", "lru_size", "lruSize");
        xml_inode_list(x, a, n, i, "purge", "purge_size", "purgeSize");
        xml_close(x);
    }
    xml_close(x);
}

static void xml_fd_table(struct xml *x, const struct reply *a, int n, int conn)
{
    static const struct field head[] = {{"refcount", "refCount"}, {"maxfds", "maxFds"}, {"firstfree", "firstFree"}};
    static const struct field fields[] = {{"pid", "pid"}, {"refcount", "refCount"}, {"flags", "flags"}};
    int max = (int)reply_number(a, 0, "brick%d.conn%d.fdtable.maxfds", n, conn), open = 0;
    char prefix[96];

    snprintf(prefix, sizeof(prefix), "brick%d.conn%d.fdtable.", n, conn);
    xml_open(x, "fdTable");
    put_fields(x, a, prefix, head, array_len(head));
    for (int i = 0; i < max; i++)
        open += reply_has(a, "%sfdentry%d.pid", prefix, i);
    xml_put(x, "openFds", "%d", reply_has(a, "%sopenfds", prefix) ? (int)reply_number(a, 0, "%sopenfds", prefix) : open);
    for (int i = 0; i < max; i++) {
        snprintf(prefix, sizeof(prefix), "brick%d.conn%d.fdtable.fdentry%d.", n, conn, i);
        if (!reply_has(a, "%spid", prefix))
            continue;
        xml_open(x, "fd");
        xml_put(x, "entry", "%d", i + 1);
        put_fields(x, a, prefix, fields, array_len(fields));
        xml_close(x);
    }
    xml_close(x);
}

static void xml_fds(struct xml *x, const struct reply *a, int n)
{
    int count = (int)reply_number(a, 0, "brick%d.conncount", n);

    xml_open(x, "fdStatus");
    xml_put(x, "connections", "%d", count);
    for (int i = 0; i < count; i++) {
        xml_open(x, "connection");
        xml_fd_table(x, a, n, i);
        xml_close(x);
    }
    xml_close(x);
}

static void xml_frame_of_call(struct xml *x, const struct reply *a, int n, int stack, int frame)
{
    static const struct field fields[] = {{"refcount", "refCount"},   {"translator", "translator"}, {"complete", "complete"},
                                          {"parent", "parent"},       {"windfrom", "windFrom"},     {"windto", "windTo"},
                                          {"unwindfrom", "unwindFrom"}, {"unwindto", "unwindTo"}};
    char prefix[96];

    snprintf(prefix, sizeof(prefix), "brick%d.callpool.stack%d.frame%d.", n, stack, frame);
    xml_open(x, "callFrame");
    put_fields(x, a, prefix, fields, array_len(fields));
    xml_close(x);
}

static void xml_calls(struct xml *x, const struct reply *a, int n)
{
    static const struct field fields[] = {{"uid", "uid"}, {"gid", "gid"}, {"pid", "pid"}, {"unique", "unique"}};
    int count = (int)reply_number(a, 0, "brick%d.callpool.count", n);
    char prefix[64];

    xml_open(x, "callpoolStatus");
    xml_put(x, "count", "%d", count);
    for (int i = 0; i < count; i++) {
        int frames = (int)reply_number(a, 0, "brick%d.callpool.stack%d.count", n, i);

        snprintf(prefix, sizeof(prefix), "brick%d.callpool.stack%d.", n, i);
        xml_open(x, "callStack");
        put_fields(x, a, prefix, fields, array_len(fields));
        xml_put(x, "frameCount", "%d", frames);
        for (int j = 0; j < frames; j++)
            xml_frame_of_call(x, a, n, i, j);
        xml_close(x);
    }
    xml_close(x);
}

static void xml_tasks(struct xml *x, const struct reply *a)
{
    xml_open(x, "tasks");
    for (int i = 0; i < (int)reply_number(a, 0, "tasks"); i++) {
        int bricks = (int)reply_number(a, 0, "task%d.count", i);

        xml_open(x, "task");
        xml_put(x, "type", "%s", reply_or(a, "", "task%d.type", i));
        xml_put(x, "id", "%s", reply_or(a, "", "task%d.id", i));
        xml_put(x, "status", "%s", reply_or(a, "", "task%d.status", i));
        xml_put(x, "statusStr", "%s", task_status_name(reply_number(a, -1, "task%d.status", i)));
        if (bricks > 0) {
            xml_open(x, "params");
            for (int j = 1; j <= bricks; j++)
                xml_put(x, "brick", "%s", reply_or(a, "", "task%d.brick%d", i, j));
            xml_close(x);
        }
        xml_close(x);
    }
    xml_close(x);
}

static void xml_node(struct xml *x, const struct reply *a, uint32_t cmd, const struct status_row *r)
{
    static const struct {
        uint32_t what;
        void (*print)(struct xml *x, const struct reply *a, int n);
    } tables[] = {{STATUS_DETAIL, xml_detail}, {STATUS_CLIENTS, xml_clients}, {STATUS_MEM, xml_memory},
                  {STATUS_INODE, xml_inodes},  {STATUS_FD, xml_fds},          {STATUS_CALLPOOL, xml_calls}};

    xml_open(x, "node");
    xml_process(x, a, r);
    for (size_t i = 0; i < array_len(tables); i++)
        if (cmd & tables[i].what)
            tables[i].print(x, a, r->n);
    xml_close(x);
}

void status_xml(struct xml *x, const struct reply *a, uint32_t cmd, const char *volume)
{
    int rows = (int)(reply_number(a, -1, "brick-index-max") + 1 + reply_number(a, 0, "other-count"));

    xml_open(x, "volume");
    xml_put(x, "volName", "%s", volume);
    if (!(cmd & STATUS_TASKS)) {
        xml_put(x, "nodeCount", "%s", reply_or(a, "0", "count"));
        for (int i = 0; i < rows; i++) {
            struct status_row r;

            if (status_row(a, i, &r))
                xml_node(x, a, cmd, &r);
        }
    }
    if ((cmd & STATUS_TASKS) || ((cmd & STATUS_VOLUME) && !(cmd & STATUS_WHAT)))
        xml_tasks(x, a);
    xml_close(x);
}
