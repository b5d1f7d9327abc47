/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* secure-access.h: the file by which an administrator says that management connections are encrypted (spec wire 3.13). */
#ifndef RPC_SECURE_ACCESS_H
#define RPC_SECURE_ACCESS_H

#include "util.h"

#define SECURE_ACCESS_FILE GF_STATEDIR "/secure-access"

struct secure_access {
    bool there;          /* the file exists: use TLS */
    int cert_depth;      /* of its line "option transport.socket.ssl-cert-depth N"; 0: it has none */
};
/* 0 also when there is no such file. Other lines mean nothing, as in GlusterFS. */
int secure_access_read(const char *file, struct secure_access *ret, struct err *err);

#endif
