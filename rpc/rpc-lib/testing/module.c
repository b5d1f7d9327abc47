/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* module.c: the smallest transport module, good or not as MODULE_ABI and MODULE_BUILD say. For transport-test. */
#include "config.h"

#include "transport.h"

static int port(struct transport_listener *l)
{
    return (int)log_get_level(); /* so that the test can tell that loaded() came */
}
extern const struct transport_type transport_type;
const struct transport_type transport_type = {.abi = MODULE_ABI, .build_id = MODULE_BUILD, .name = "module", .loaded = log_port_use,
                                              .port = port};
