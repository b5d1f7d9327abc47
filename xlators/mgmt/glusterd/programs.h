/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* programs.h: what the daemon serves beside commands, and what its connections remember. Inner header of this folder. */
#ifndef GLUSTERD_PROGRAMS_H
#define GLUSTERD_PROGRAMS_H

#include <stdbool.h>

struct command;
struct glusterd;
struct rpc_conn;
struct rpc_request;

extern const struct rpc_program handshake_program, local_handshake_program, portmap_program;
void conn_opened(void *host, struct rpc_conn *conn);
void conn_closed(void *host, struct rpc_conn *conn, int err);
void conn_follows(struct glusterd *gd, struct rpc_conn *conn, const char *volume); /* it has fetched this volume's file   */
unsigned int tell_to_dump(struct glusterd *gd, const char *host, unsigned int pid);   /* clients from there: how many; asks a name server */
bool conn_is_local(struct rpc_conn *conn);                                         /* a process of this machine           */
void event_notify(struct rpc_request *req); /* cmd-rebalance.c */
void reply_now(struct rpc_request *req, void *proc, const void *rsp);              /* proc: what rpcgen made of the reply */
void reply_with(struct command *c, void *proc, const void *rsp);

#endif
