/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cpu.h: utime + stime of a process, all threads, also those that have ended. */
#ifndef BENCH_CPU_H
#define BENCH_CPU_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static inline double cpu_of(int pid) /* seconds; negative: there is no such process */
{
    char path[64], line[1024], *at = NULL;
    unsigned long user = 0, sys = 0;
    FILE *f;
    int n = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    f = fopen(path, "r");
    if (f && fgets(line, sizeof line, f) && (at = strrchr(line, ')'))) /* the name before it may hold anything */
        n = sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys);
    if (f)
        fclose(f);
    return n == 2 ? (double)(user + sys) / (double)sysconf(_SC_CLK_TCK) : -1;
}

#endif
