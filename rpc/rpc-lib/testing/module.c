/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* module.c: the smallest transport module, good or not as MODULE_ABI and MODULE_BUILD say. For transport-test. */
#include "config.h"

#include "transport.h"

static int loaded_level;
static void loaded(log_sink_fn sink, void *ctx, enum log_level level)
{
    loaded_level = (int)level;
}
static int port(struct transport_listener *l)
{
    return loaded_level; /* so that the test can tell that loaded() came */
}
extern const struct transport_type transport_type;
const struct transport_type transport_type = {.abi = MODULE_ABI, .build_id = MODULE_BUILD, .name = "module", .loaded = loaded, .port = port};
