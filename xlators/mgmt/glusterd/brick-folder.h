/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* brick-folder.h: the folders that become bricks: what a command says of them, whether they will do, their mark.
 *
 * Threads  All wait for the disk, the first two also for a name server: workers only. Errors are the command's sentence, and -1. */
#ifndef GLUSTERD_BRICK_FOLDER_H
#define GLUSTERD_BRICK_FOLDER_H

#include <stdbool.h>

struct brickinfo;
struct command;
struct volinfo;

/* "HOST:/PATH": host, path and owner. Changes word. */
int brick_parse(struct command *c, char *word, struct brickinfo *b);
/* "HOST:/PATH HOST:/PATH ...": bricks at the end of v, with ids that no other brick of v has. */
int brick_folders_parse(struct command *c, struct volinfo *v, const char *bricks);
/* Fills in what the file system says, and keeps the folder from others until the command's end. made: it is new. */
int brick_folder_check(struct command *c, struct volinfo *v, unsigned int at, bool force, bool *made);
/* A brick of this volume from here on: the mark, and the folder that GlusterFS looks for. With force an old mark is written over. */
int brick_folder_mark(struct command *c, const struct volinfo *v, unsigned int at);
int brick_folder_is_behind(struct command *c, const struct brickinfo *b); /* replicate heals it: what the others have is missing here */
void brick_folder_unmark(const struct brickinfo *b);
void brick_folder_unmake(const struct brickinfo *b); /* one that was made, with all that is in it */
void places_give(struct command *c); /* others may have the folders that it has looked at: command.c's, at its end */

#endif
