/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "counter.h"

static const char *const names[NR_CENSUS] = {
    [CENSUS_THREADS] = "threads",
    [CENSUS_IOBUFS] = "iobufs",
    [CENSUS_IOBUF_BYTES] = "iobuf-bytes",
    [CENSUS_CONNS] = "connections",
    [CENSUS_LISTENERS] = "listeners",
    [CENSUS_HANDSHAKES] = "handshakes",
    [CENSUS_MESSAGES] = "messages",
    [CENSUS_RECORDS] = "records",
    [CENSUS_REQUESTS] = "requests",
    [CENSUS_FOPS] = "fops",
    [CENSUS_PARKED] = "parked",
    [CENSUS_CLIENTS] = "clients",
    [CENSUS_INODES] = "inodes",
    [CENSUS_FDS] = "fds",
    [CENSUS_LOCKS] = "locks",
};

const char *census_name(enum census_item item)
{
    return names[item];
}
