/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Lock counts that replicate and disperse ask for in the xdata of nearly every operation (spec brick 3.9). The storage leaves
 * these keys alone, so the request goes down as it is. */
#include <errno.h>
#include <string.h>

#include "graph.h"
#include "locks.h"

#define INODELK "glusterfs.inodelk-count"
#define INODELK_DOMAIN "glusterfs.inodelk-dom-count"
#define ENTRYLK "glusterfs.entrylk-count"
#define POSIXLK "glusterfs.posixlk-count"
#define PARENT_ENTRYLK "glusterfs.parent-entrylk"
#define MANY_DOMAINS "glusterfs.multi-dom-lk-cnt-req"
#define MANY_DOMAINS_PREFIX "glusterfs.inodelk-dom-prefix:"

static const char *const asks[] = {INODELK, INODELK_DOMAIN, ENTRYLK, POSIXLK, PARENT_ENTRYLK, MANY_DOMAINS};

static bool is_asked(const struct dict *xdata)
{
    for (size_t i = 0; xdata && i < array_len(asks); i++)
        if (dict_find(xdata, asks[i]))
            return true;
    return false;
}

static unsigned int count(struct xlator *xl, struct inode *in, enum family family, const char *domain)
{
    struct lock_table *t = table_find(xl, in);
    unsigned int n = 0;

    if (!t)
        return 0;
    SCOPED_LOCK(&t->lock);
    for (struct space *s = t->spaces; s; s = s->next)
        if (s->family == family && (!domain || strcmp(s->domain, domain) == 0))
            n += s->granted.n + s->waiting.n;
    return n;
}

static bool is_name_locked(struct xlator *xl, struct inode *dir, const char *name)
{
    struct lock_table *t = table_find(xl, dir);

    if (!t)
        return false;
    SCOPED_LOCK(&t->lock);
    for (struct space *s = t->spaces; s; s = s->next)
        for (struct held *h = s->family == ENTRY_LOCK ? s->granted.first : NULL; h; h = h->next)
            if (h->name && strcmp(h->name, name) == 0)
                return true;
    return false;
}

/* Of two objects the one that has more. */
static int put(struct xlator *xl, struct dict *to, const char *key, struct inode *a, struct inode *b, enum family family,
               const char *domain)
{
    return dict_set_i64(to, key, max_of(count(xl, a, family, domain), count(xl, b, family, domain)));
}

static int answer(struct xlator *xl, const struct dict *asked, struct dict *to, struct inode *a, struct inode *b)
{
    const char *domain;
    int failed = 0;

    if (dict_get_text(asked, INODELK_DOMAIN, &domain) == 0)
        failed = put(xl, to, INODELK, a, b, INODE_LOCK, domain);
    else if (dict_find(asked, INODELK))
        failed = put(xl, to, INODELK, a, b, INODE_LOCK, NULL);
    if (!failed && dict_find(asked, ENTRYLK))
        failed = put(xl, to, ENTRYLK, a, b, ENTRY_LOCK, NULL);
    if (!failed && dict_find(asked, POSIXLK))
        failed = put(xl, to, POSIXLK, a, b, POSIX_LOCK, NULL);
    for (unsigned int i = 0; !failed && dict_find(asked, MANY_DOMAINS) && i < dict_count(asked); i++) {
        const struct dict_pair *p = dict_at(asked, i);

        if (strncmp(p->key, MANY_DOMAINS_PREFIX, strlen(MANY_DOMAINS_PREFIX)) == 0)
            failed = put(xl, to, p->key, a, b, INODE_LOCK, p->key + strlen(MANY_DOMAINS_PREFIX));
    }
    return failed;
}

static int answer_entries(struct xlator *xl, struct fop *fop)
{
    int failed = 0;

    for (unsigned int i = 0; !failed && i < fop->out.nr_entries; i++) {
        struct dirent4 *e = &fop->out.entries[i];
        struct inode *in = gfid_is_null(e->stat.gfid) ? NULL : inode_find(xl->graph->inodes, e->stat.gfid);
        struct dict *d = e->xdata ? dict_copy(e->xdata) : dict_new();

        failed = d ? answer(xl, fop->xdata, d, in, NULL) : -ENOMEM;
        if (d) {
            dict_unref(e->xdata);
            e->xdata = d;
        }
        inode_unref(in);
    }
    return failed;
}

static void counted(struct fop *fop, void *ctx)
{
    struct xlator *xl = ctx;
    struct inode *a = lock_inode_of(fop), *b = NULL;
    int failed = 0;

    if (fop->ret < 0) {
        fop_complete(fop, fop->ret, fop->err);
        return;
    }
    if (fop->op == FOP_READDIRP) {
        failed = answer_entries(xl, fop);
    } else {
        if (fop->op == FOP_UNLINK || fop->op == FOP_RENAME || fop->op == FOP_LINK) {
            a = fop->loc.parent;
            b = fop->loc2.parent;
        } else if (fop->out.inode) {
            a = fop->out.inode;
        }
        failed = fop_xdata_out(fop) ? answer(xl, fop->xdata, fop->xdata_out, a, b) : -ENOMEM;
        if (!failed && fop->op == FOP_LOOKUP && dict_find(fop->xdata, PARENT_ENTRYLK))
            failed = dict_set_i64(fop->xdata_out, PARENT_ENTRYLK, fop->loc.parent && is_name_locked(xl, fop->loc.parent, fop->loc.name));
    }
    fop_complete(fop, failed ? -1 : fop->ret, failed ? -failed : fop->err);
}

void locks_count(struct xlator *xl, struct fop *fop)
{
    if (is_asked(fop->xdata))
        fop_push(fop, counted, xl);
    fop_pass(xl, fop);
}
