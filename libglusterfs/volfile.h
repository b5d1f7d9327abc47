/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volfile.h: the text of a volume file as blocks, before anything is looked up. Spec brick 5.1 and 5.2. */
#ifndef GF_VOLFILE_H
#define GF_VOLFILE_H

#include "options.h"

/* One "volume ... end-volume". */
struct volume {
    char *name, *type;
    int line;                /* of the name */
    struct optset options;
    char **children;         /* names; each was defined before */
    unsigned int nr_children;
    struct volume *next;     /* file order */
};
struct volfile {
    char *file;              /* as errors name it; the options' pairs point to it */
    struct volume *first, *last;
    unsigned int n;
};

/* Where line numbers start anew, because a command's output stands in the text. In order of off, ended by off SIZE_MAX. */
struct volfile_mark {
    size_t off;
    int line;
};
/* marks: NULL for none. Runs no command: a back-quote is a letter like any other here. */
int volfile_parse(const char *file, const char *text, size_t len, const struct volfile_mark *marks, struct volfile **ret,
                  struct err *err);
void volfile_free(struct volfile *v);

/* Text between two back-quotes is a command for the shell and is replaced by its output without the last character. A
 * back-quote behind an odd number of backslashes is not special; quotes and comments protect nothing. Only files are
 * expanded: text that came over the network never runs a command. Both results are the caller's to free. */
int volfile_expand(const char *file, const char *text, size_t len, char **ret_text, size_t *ret_len, struct volfile_mark **ret_marks,
                   struct err *err);
bool volfile_has_command(const char *text, size_t len);

/* Reads and expands. A file of more than VOLFILE_MAX bytes is none (a cluster of 1000 bricks has 500 KiB). */
#define VOLFILE_MAX (16 * MiB)
int volfile_load(const char *file, struct volfile **ret, struct err *err);

#endif
