/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "secure-access.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int secure_access_read(const char *file, struct secure_access *ret, struct err *err)
{
    FILE *f = fopen(file, "re");
    char line[256];
    int failed = 0;

    *ret = (struct secure_access){0};
    if (!f)
        return errno == ENOENT || errno == ENOTDIR ? 0 : err_set(err, -errno, "%s: %s", file, strerror(errno));
    ret->there = true;
    while (!failed && fgets(line, sizeof(line), f)) {
        int depth;

        if (!strstr(line, "transport.socket.ssl-cert-depth"))
            continue;
        if (sscanf(line, " option transport.socket.ssl-cert-depth %d", &depth) != 1 || depth < 0 || depth > 100)
            failed = err_set(err, -EINVAL, "%s: option transport.socket.ssl-cert-depth wants a number from 0 to 100", file);
        else
            ret->cert_depth = depth;
    }
    fclose(f);
    return failed;
}
