/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* source.h: the port that a connection comes from. A brick may ask for one below 1024 as proof that root sent it, and clients
 * keep out of the range that bricks listen in. */
#ifndef SOCKET_SOURCE_H
#define SOCKET_SOURCE_H

#define SOURCE_PRIVILEGED_BELOW 1024
#define SOURCE_BRICKS_FROM 49152

/* Binds fd (AF_INET or AF_INET6; for others nothing is done) to the first free port below `below`, counting down, none of those
 * that net.ipv4.ip_local_reserved_ports names. Without one to be had fd stays unbound, the kernel chooses, and it is logged. */
void source_bind(int fd, int family, unsigned int below);

#endif
