/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "state.h"

#define NEVER CONN_NEVER

static const enum conn_state next_state[NR_CONN_STATES][NR_CONN_EVENTS] = {
    /*                     EV_DIAL          EV_CONNECTED      EV_PROVEN EV_STOP       EV_SHUT      */
    [CONN_IDLE]        = { CONN_CONNECTING, CONN_HANDSHAKING, NEVER,    CONN_CLOSING, NEVER       },
    [CONN_CONNECTING]  = { NEVER,           CONN_HANDSHAKING, NEVER,    CONN_CLOSING, NEVER       },
    [CONN_HANDSHAKING] = { NEVER,           NEVER,            CONN_UP,  CONN_CLOSING, NEVER       },
    [CONN_UP]          = { NEVER,           NEVER,            NEVER,    CONN_CLOSING, NEVER       },
    [CONN_CLOSING]     = { NEVER,           NEVER,            NEVER,    CONN_CLOSING, CONN_CLOSED },
    [CONN_CLOSED]      = { NEVER,           NEVER,            NEVER,    CONN_CLOSED,  NEVER       },
};

enum conn_state conn_state_after(enum conn_state from, enum conn_event ev)
{
    return next_state[from][ev];
}

const char *conn_state_text(enum conn_state s)
{
    static const char *const names[NR_CONN_STATES] = {"idle", "connecting", "handshaking", "up", "closing", "closed"};

    return s < NR_CONN_STATES ? names[s] : "?";
}
