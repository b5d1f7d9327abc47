/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "range-tree.h"

#include <stdbool.h>
#include <stddef.h>

#include "util.h"

/* The heap's order: as good as random, and nothing that a peer can choose. */
static uint64_t priority(const struct range_node *n)
{
    uint64_t x = (uint64_t)(uintptr_t)n;

    x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15u;
    return x ^ (x >> 29);
}

static bool is_before(const struct range_node *a, const struct range_node *b)
{
    return a->start != b->start ? a->start < b->start : a < b;
}

static void update(struct range_node *n)
{
    n->max_end = n->end;
    if (n->left)
        n->max_end = max_of(n->max_end, n->left->max_end);
    if (n->right)
        n->max_end = max_of(n->max_end, n->right->max_end);
}

/* Those before key, and the others. */
static void split(struct range_node *n, const struct range_node *key, struct range_node **before, struct range_node **rest)
{
    if (!n) {
        *before = *rest = NULL;
    } else if (is_before(n, key)) {
        split(n->right, key, &n->right, rest);
        *before = n;
        update(n);
    } else {
        split(n->left, key, before, &n->left);
        *rest = n;
        update(n);
    }
}

static struct range_node *join(struct range_node *a, struct range_node *b)
{
    struct range_node *top;

    if (!a || !b)
        return a ? a : b;
    if (priority(a) > priority(b)) {
        top = a;
        a->right = join(a->right, b);
    } else {
        top = b;
        b->left = join(a, b->left);
    }
    update(top);
    return top;
}

void range_insert(struct range_node **root, struct range_node *n)
{
    struct range_node *at = *root;

    if (at && priority(at) >= priority(n)) {
        range_insert(is_before(n, at) ? &at->left : &at->right, n);
        update(at);
        return;
    }
    split(at, n, &n->left, &n->right);
    update(n);
    *root = n;
}

void range_remove(struct range_node **root, struct range_node *n)
{
    struct range_node *at = *root;

    if (at == n) {
        *root = join(n->left, n->right);
        return;
    }
    range_remove(is_before(n, at) ? &at->left : &at->right, n);
    update(at);
}

struct range_node *range_next(struct range_node *n, int64_t start, int64_t end, const struct range_node *after)
{
    struct range_node *found;

    while (n && n->max_end >= start) {
        if (after && !is_before(after, n)) { /* n and all to its left are behind us */
            n = n->right;
            continue;
        }
        found = range_next(n->left, start, end, after);
        if (found)
            return found;
        if (n->start > end)
            return NULL;
        if (n->end >= start)
            return n;
        n = n->right;
    }
    return NULL;
}
