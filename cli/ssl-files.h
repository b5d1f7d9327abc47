/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLI_SSL_FILES_H
#define CLI_SSL_FILES_H

#include "gluster.h"

/* volume ssl VOL check: the certificate, key and authority files of the volume on this machine. Exit status 1 when one is not fit for
 * use. */
int ssl_check(struct cli *c, const struct words *w);

#endif
