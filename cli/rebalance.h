/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rebalance.h: the table of what each node has moved, for rebalance and remove-brick. */
#ifndef CLI_REBALANCE_H
#define CLI_REBALANCE_H

#include "xml.h"

int rebalance_print(const struct reply *a);                  /* exit status */
void rebalance_xml(struct xml *x, const struct reply *a);    /* nodeCount, nodes, aggregate */

#endif
