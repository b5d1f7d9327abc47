/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* names.h: put before everything that is compiled into the plug-in. Stock's headers and libraries have an iobuf, too; inside
 * the plug-in ours goes by another name. stock.h takes the macros back where stock's own is meant. */
#ifndef STOCK_NAMES_H
#define STOCK_NAMES_H

#define option gatling_option /* getopt has one, which stock includes */
#define iobuf gatling_iobuf
#define iobuf_pool gatling_iobuf_pool
#define iobuf_pool_new gatling_iobuf_pool_new
#define iobuf_new gatling_iobuf_new
#define iobuf_ref gatling_iobuf_ref
#define iobuf_unref gatling_iobuf_unref

#endif
