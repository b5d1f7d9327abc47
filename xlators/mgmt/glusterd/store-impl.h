/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* store-impl.h: what store.c does for store-volume.c: writing several files before the first takes its name. */
#ifndef GLUSTERD_STORE_IMPL_H
#define GLUSTERD_STORE_IMPL_H

#include <stdbool.h>

struct err;
struct pairs;

int store_stage(const char *path, const char *text, bool sync, struct err *err); /* PATH.tmp is whole and flushed     */
int store_put(const char *path, struct err *err);                                /* it takes its name                 */
void store_drop(const char *path);                                               /* or is given up                    */
int store_sync_folder(const char *folder, struct err *err);
int store_make_folder(const char *path, struct err *err);                        /* fine if it is there               */
int store_remove_all(const char *path, struct err *err);                         /* with everything below             */
char *store_text_of(const struct pairs *p);                                      /* lines; heap; NULL: no memory      */

#endif
