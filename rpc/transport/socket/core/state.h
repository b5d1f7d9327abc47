/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* state.h: the life of a connection as a table. conn.c has the actions. */
#ifndef SOCKET_STATE_H
#define SOCKET_STATE_H

enum conn_state { CONN_IDLE, CONN_CONNECTING, CONN_HANDSHAKING, CONN_UP, CONN_CLOSING, CONN_CLOSED, NR_CONN_STATES };
enum conn_event {
    EV_DIAL,      /* connect() was called                                               */
    EV_CONNECTED, /* there is a peer                                                    */
    EV_PROVEN,    /* it is who it must be; at once for plain connections                */
    EV_STOP,      /* someone asked, the peer went, or a limit passed; a second changes nothing */
    EV_SHUT,      /* goodbye is said, or was in vain                                    */
    NR_CONN_EVENTS,
};
#define CONN_NEVER NR_CONN_STATES /* this pair cannot be */

enum conn_state conn_state_after(enum conn_state from, enum conn_event ev);
const char *conn_state_text(enum conn_state s);

#endif
