/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* master.h: what stands above the graphs of a process and sends operations into them: a mount, a program with libgfapi. Here it is known to
 * those who look at the process from inside: statedump and `.meta`.
 *
 * process->master is set before the first graph is made and stays until the last one is gone. */
#ifndef GF_MASTER_H
#define GF_MASTER_H

#include "options.h"

struct dump;
struct volume;

struct master {
    const char *type, *name;  /* "mount/fuse", "fuse" */
    void *host;
    struct volume *volume;    /* what it sends operations into */
    struct optset options;    /* what it was told, to be shown */
    /* Any thread that may wait. Each may be NULL. */
    void (*dump)(const struct master *m, struct dump *d);         /* keys of section [xlator.TYPE.priv] */
    void (*dump_history)(const struct master *m, struct dump *d); /* section [xlator.TYPE.history]: the last operations */
    void (*dump_objects)(const struct master *m, struct dump *d); /* sections of its own, of what it has open */
};

#endif
