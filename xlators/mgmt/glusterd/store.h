/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* store.h: volumes and their kin as files below the working directory, as GlusterFS 10 writes them.
 *
 * Files are lines "key=value". Each is replaced as a whole: a new file is written beside it and flushed, takes its name, and the folder is
 * flushed. A volume's files are all written before the first of them takes its name. Lines that we do not know are kept and
 * written back. Reading is kinder than stock's: blank lines, a value that is empty, a last line without its end are no errors.
 *
 * Threads  None of its own; whoever holds a volume calls for it. All calls wait for the disk: not for the event loop.
 * Errors   -errno with a sentence that names the file.
 * Source   spec management 1.1 to 1.5. */
#ifndef GLUSTERD_STORE_H
#define GLUSTERD_STORE_H

#include <stdint.h>

#include "volinfo.h"

struct err;

int store_read_pairs(const char *path, struct pairs *ret, struct err *err);
int store_write_pairs(const char *path, const struct pairs *p, struct err *err);
/* Any file of the store, with the same care. sync: a crash right after it must not lose it (volume files can be made again). */
int store_write_text(const char *path, const char *text, bool sync, struct err *err);

/* The folders that a daemon expects below its working directory, where they are missing. */
int store_make_tree(const char *workdir, struct err *err);
int store_make_groups(const char *workdir, struct err *err); /* option groups, where they are missing */

/* -ENOENT: there is no such volume (no folder, or none of ours in it). */
int store_load_volume(const char *workdir, const char *name, struct volinfo **ret, struct err *err);
bool store_has_volume(const char *workdir, const char *name); /* readable or not */
int store_save_volume(const char *workdir, const struct volinfo *v, struct err *err);
int store_save_state(const char *workdir, const struct volinfo *v, struct err *err); /* only node_state.info */
/* Moves the folder to trash/ID.deleted, then removes it: a crash leaves all of the volume or nothing that counts. */
int store_remove_volume(const char *workdir, const struct volinfo *v, struct err *err);
/* A volume whose info was never written, to incomplete/NAME: it is none, and stock's daemon would not start with it. */
int store_set_aside(const char *workdir, const char *name, struct err *err);
/* What a crash has left half-removed or half-written: trash/, *.tmp. */
void store_tidy(const char *workdir);
/* Names of all volumes, sorted; NULL-ended; freed by store_free_names(). */
int store_list_volumes(const char *workdir, char ***ret, struct err *err);
void store_free_names(char **names);

/* The checksum that peers compare: of the lines of info, sorted. */
uint32_t store_checksum(const char *info, size_t len);

#endif
