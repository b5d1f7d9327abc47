/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* stock.h: the distribution's headers (package libglusterfs-dev), with what their own configure knew when stock was built. Ours
 * come first: from here on iobuf is stock's. */
#ifndef STOCK_STOCK_H
#define STOCK_STOCK_H

#include "iobuf.h"
#include "message.h"
#include "option.h"

#undef option
#undef iobuf
#undef iobuf_pool
#undef iobuf_pool_new
#undef iobuf_new
#undef iobuf_ref
#undef iobuf_unref

#define GF_LINUX_HOST_OS 1
#define GF_XATTR_NAME_MAX 255
#define HAVE_ATOMIC_BUILTINS 1
#define HAVE_PTHREAD_SETNAME_NP_TWO_ARGS 1
#define SIZEOF_LONG 8
_Static_assert(sizeof(long) == SIZEOF_LONG, "stock's atomics have a size of their own elsewhere");

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wsign-compare"
#include <glusterfs/xlator.h>
#include <glusterfs/options.h>
#include <glusterfs/async.h>
#include <glusterfs/gf-event.h>
#include <glusterfs/rpc/rpc-transport.h>
#include <glusterfs/rpc/rpcsvc.h>
#pragma GCC diagnostic pop

#endif
