/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* meta.h: what the files of `.meta` share: which object is which.
 *
 * An object of `.meta` is a node: its kind, the translator that it is about, and which of several. That is all there is to know of it, and
 * its gfid has all of it, so nothing is kept: whoever shows a gfid gets its object, in this graph and in the next one. tree.c has the table
 * of kinds. */
#ifndef META_H
#define META_H

#include "xlator.h"

enum meta_kind {
    META_NOTHING,
    META_DIR,          /* .meta itself */
    META_CMDLINE, META_FRAMES, META_GRAPHS, META_LOGGING, META_MALLINFO, META_MEASURE_LATENCY, META_PROCESS_UUID, META_ROOT, META_VERSION,
    META_ACTIVE, META_GRAPH,
    META_TOP, META_VOLFILE, META_XLATOR,
    META_VIEW, META_TYPE, META_NAME, META_SUBVOLUMES, META_OPTIONS, META_PRIVATE, META_HISTORY, META_MEMINFO, META_PROFILE,
    META_SUBVOLUME, META_OPTION,
    META_LOGFILE, META_LOGLEVEL,
    NR_META,
};
struct meta_node {
    enum meta_kind kind;
    unsigned int xl;    /* of the graph's list, from 1 on; 0: the master */
    unsigned int item;  /* which subvolume, which option */
};
struct meta_row {
    const char *name;   /* NULL: made by name_of() */
    enum meta_kind in;  /* the folder that it is in */
    uint32_t mode;
    unsigned int (*count)(struct xlator *meta, struct meta_node folder); /* with name NULL: how many there are */
    void (*name_of)(struct xlator *meta, struct meta_node n, char to[FOP_NAME_MAX + 1]);
    /* What a file says, or where a link leads. malloc'ed; NULL: no memory. */
    char *(*text)(struct xlator *meta, struct meta_node n, size_t *ret_len);
    int (*write)(struct xlator *meta, struct meta_node n, const char *value); /* 0 or -errno */
};

/* ---- tree.c ---- */
extern const struct meta_row meta_rows[NR_META];
bool meta_is(gfid_t g);                                         /* it is of .meta, whether or not it is there */
bool meta_find(struct xlator *meta, gfid_t g, struct meta_node *ret);
bool meta_child(struct xlator *meta, struct meta_node folder, const char *name, struct meta_node *ret);
/* The i-th name in a folder; false: there are no more. */
bool meta_entry(struct xlator *meta, struct meta_node folder, unsigned int i, struct meta_node *ret, char name[FOP_NAME_MAX + 1]);
gfid_t meta_gfid(struct meta_node n);
void meta_stat(struct xlator *meta, struct meta_node n, struct iatt *ret);
void meta_xlator_name(const struct xlator *xl, char to[FOP_NAME_MAX + 1]);     /* as its folder is called */
struct xlator *meta_xlator(struct xlator *meta, unsigned int number);         /* NULL: the master, or none */
const struct optset *meta_options(struct xlator *meta, unsigned int number);  /* of a translator or of the master; under graph_lock */

/* ---- text.c: the columns text and write ---- */
char *meta_text_cmdline(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_frames(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_mallinfo(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_latency(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_uuid(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_version(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_active(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_top(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_volfile(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_type(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_name(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_private(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_history(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_meminfo(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_profile(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_subvolume(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_option(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_logfile(struct xlator *meta, struct meta_node n, size_t *ret_len);
char *meta_text_loglevel(struct xlator *meta, struct meta_node n, size_t *ret_len);
int meta_set_latency(struct xlator *meta, struct meta_node n, const char *value);
int meta_set_loglevel(struct xlator *meta, struct meta_node n, const char *value);
void meta_graph_name(struct xlator *meta, char to[FOP_NAME_MAX + 1]);

#endif
