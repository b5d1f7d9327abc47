/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "rebalance.h"
#include "status.h"

enum { NOT_STARTED = 0, IN_PROGRESS = 1, STOPPED = 2, COMPLETED = 3, FAILED = 4, FIX_IN_PROGRESS = 5, FIX_FAILED = 8 };
#define TWO_MONTHS_S (60LL * 24 * 3600)

struct moved {
    const char *name;
    uint64_t files, size, scanned, failures, skipped;
    int64_t status;
    double seconds;
};

static void of_node(const struct reply *a, int n, struct moved *m)
{
    *m = (struct moved){
        .name = reply_or(a, "", "node-name-%d", n),
        .files = reply_unsigned(a, "files-%d", n),
        .size = reply_unsigned(a, "size-%d", n),
        .scanned = reply_unsigned(a, "lookups-%d", n),
        .failures = reply_unsigned(a, "failures-%d", n),
        .skipped = reply_unsigned(a, "skipped-%d", n),
        .status = reply_number(a, NOT_STARTED, "status-%d", n),
        .seconds = reply_double(a, "run-time-%d", n),
    };
}

static bool fixes_layout(int64_t status)
{
    return status >= FIX_IN_PROGRESS && status <= FIX_FAILED;
}

static void print_time_left(const struct reply *a, int nodes)
{
    int64_t longest = 0;

    for (int i = 1; i <= nodes; i++)
        if (reply_number(a, 0, "status-%d", i) == IN_PROGRESS)
            longest = max_of(longest, reply_number(a, 0, "time-left-%d", i));
    if (longest > TWO_MONTHS_S)
        puts("Estimated time left for rebalance to complete : > 2 months. Please try again later.");
    else if (longest > 0)
        printf("Estimated time left for rebalance to complete : %8d:%02d:%02d\n", (int)(longest / 3600), (int)(longest / 60 % 60),
               (int)(longest % 60));
}

int rebalance_print(const struct reply *a)
{
    int nodes = (int)reply_number(a, -1, "count");
    bool layout = false;

    if (nodes < 0)
        return missing("count");
    for (int i = 1; i <= nodes; i++)
        layout |= fixes_layout(reply_number(a, 0, "status-%d", i));
    if (layout) {
        printf("%35s %41s %27s\n", "Node", "status", "run time in h:m:s");
        printf("%35s %41s %27s\n", "---------", "-----------", "------------");
    } else {
        printf("%40s %16s %13s %13s %13s %13s %20s %18s\n", "Node", "Rebalanced-files", "size", "scanned", "failures", "skipped", "status",
               "run time in h:m:s");
        printf("%40s %16s %13s %13s %13s %13s %20s %18s\n", "---------", "-----------", "-----------", "-----------", "-----------",
               "-----------", "------------", "--------------");
    }
    for (int i = 1; i <= nodes; i++) {
        struct moved m;
        int64_t s;

        of_node(a, i, &m);
        if (m.status == NOT_STARTED)
            continue;
        s = (int64_t)m.seconds;
        if (layout)
            printf("%35s %50s ", m.name, task_status_name(m.status));
        else
            printf("%40s %16" PRIu64 " %13s %13" PRIu64 " %13" PRIu64 " %13" PRIu64 " %20s ", m.name, m.files,
                   readable_size((double)m.size).at, m.scanned, m.failures, m.skipped, task_status_name(m.status));
        printf("%8d:%02d:%02d\n", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    }
    print_time_left(a, nodes);
    return 0;
}

static void xml_numbers(struct xml *x, const struct moved *m)
{
    xml_put(x, "files", "%" PRIu64, m->files);
    xml_put(x, "size", "%" PRIu64, m->size);
    xml_put(x, "lookups", "%" PRIu64, m->scanned);
    xml_put(x, "failures", "%" PRIu64, m->failures);
    xml_put(x, "skipped", "%" PRIu64, m->skipped);
    xml_put(x, "status", "%" PRId64, m->status);
    xml_put(x, "statusStr", "%s", task_status_name(m->status));
    xml_put(x, "runtime", "%.2f", m->seconds);
}

/* What all nodes together are at: what is still going on, then what went wrong, before what is done. */
static int64_t worse(int64_t a, int64_t b)
{
    static const int64_t order[] = {IN_PROGRESS, FIX_IN_PROGRESS, FAILED, FIX_FAILED};

    for (size_t i = 0; i < array_len(order); i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return max_of(a, b);
}

void rebalance_xml(struct xml *x, const struct reply *a)
{
    int nodes = (int)reply_number(a, 0, "count");
    struct moved all = {0};

    xml_put(x, "nodeCount", "%d", nodes);
    for (int i = 1; i <= nodes; i++) {
        struct moved m;

        of_node(a, i, &m);
        if (m.status == NOT_STARTED)
            continue;
        xml_open(x, "node");
        xml_put(x, "nodeName", "%s", m.name);
        xml_put(x, "id", "%s", reply_or(a, "", "node-uuid-%d", i));
        xml_numbers(x, &m);
        xml_close(x);
        all.files += m.files;
        all.size += m.size;
        all.scanned += m.scanned;
        all.failures += m.failures;
        all.skipped += m.skipped;
        all.status = worse(all.status, m.status);
        all.seconds = max_of(all.seconds, m.seconds);
    }
    xml_open(x, "aggregate");
    xml_numbers(x, &all);
    xml_close(x);
}
