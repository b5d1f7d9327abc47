/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* range-tree.h: which of many ranges meet this one? A treap in order of start and then address; each node knows the largest end
 * below it. Insert, remove and each step of a search take O(log n). The node is part of what it stands for; no allocation, no lock. */
#ifndef LOCKS_RANGE_TREE_H
#define LOCKS_RANGE_TREE_H

#include <stdint.h>

struct range_node {
    struct range_node *left, *right;
    int64_t start, end;  /* both inside; set before range_insert(), constant until range_remove() */
    int64_t max_end;
};
void range_insert(struct range_node **root, struct range_node *n);
void range_remove(struct range_node **root, struct range_node *n); /* it must be there */
/* The first node behind `after` (NULL: the first) that meets [start, end]; NULL: none. After may have been removed since, but not
 * changed. */
struct range_node *range_next(struct range_node *root, int64_t start, int64_t end, const struct range_node *after);

#endif
