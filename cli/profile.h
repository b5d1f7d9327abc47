/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* profile.h: the printers of one brick's profile. */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H

#include "xml.h"

void profile_print_brick(const struct reply *a, int brick);
void profile_xml_brick(struct xml *x, const struct reply *a, int brick);

#endif
