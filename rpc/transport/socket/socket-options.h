/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* socket-options.h: what a volume file may say to the socket transport, as rows, and what it comes to. */
#ifndef SOCKET_OPTIONS_H
#define SOCKET_OPTIONS_H

#include "core/family.h"
#include "core/listener.h"
#include "core/tls.h"
#include "transport.h"

struct socket_options {
    bool own_thread, own_thread_given, ssl;
    char *own_cert, *private_key, *ca_list, *crl_path, *ciphers, *curve, *dh_param, *verify_name;
    bool bind_insecure;
    int64_t depth;
    int family;
    bool family_given;
    int64_t port, backlog, connections;
    char *bind_address, *listen_path, *connect_path;
    bool keepalive;
    int64_t keepalive_idle, keepalive_interval, keepalive_count;
    uint64_t user_timeout, window;
    uint64_t record_first, record, send_queue, queued;
    uint64_t handshake, first_record, admit, goodbye;
};
extern const struct option socket_option_rows[]; /* ended by a row without key */

/* Reads the rows. live: o holds the values of before; what cannot change while running stays. -EINVAL with a sentence. */
int socket_options_read(struct socket_options *o, const struct transport_options *from, bool live, struct err *err);
void socket_options_done(struct socket_options *o);
const struct family *socket_options_family(const struct socket_options *o);
void socket_options_dialer(const struct socket_options *o, struct conn_conf *ret); /* of a connecting end */
void socket_options_listener(const struct socket_options *o, struct listener_conf *ret);
void socket_options_tls(const struct socket_options *o, struct tls_files *ret); /* borrows o's strings */

#endif
