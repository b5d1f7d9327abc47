/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* options.h: reads option rows (base/option.h) against the key and value pairs of one translator of a volume file. */
#ifndef GF_OPTIONS_H
#define GF_OPTIONS_H

#include "option-value.h"
#include "option.h"
#include "util.h"

struct dump;

/* The pairs as written, in order. The last of equal keys wins. */
struct optpair {
    char *key, *value;
    const char *file; /* for errors; owned by the graph */
    int line;
};
struct optset {
    struct optpair *pairs;
    unsigned int n, cap;
};
int optset_add(struct optset *s, const char *key, const char *value, const char *file, int line);
const char *optset_get(const struct optset *s, const char *key); /* NULL when absent */
/* By key or by another name that its row goes by; the last of all these wins. rows: ended by one without key; NULL: none. */
const char *optset_get_by_rows(const struct optset *s, const struct option *rows, const char *key);
void optset_done(struct optset *s);

/* Writes every row's value (given, else default) into target. All or nothing: on error target is as before. `who` names the
 * translator in the sentence: "volume vol-posix: option reserve: ...". live_only: a changed row without OPTION_LIVE is
 * left as it is and logged. Strings in target are freed when replaced; options_release() frees them at the end.
 * Live numbers and flags are stored whole (relaxed atomics), so other threads may read them meanwhile. A live string or
 * percent_or_size is for those who hold a lock around this call and around each use. */
int options_apply(const struct option *rows, size_t nr_rows, const struct optset *set, const char *who, bool live_only, void *target,
                  struct err *err);
/* What is in force: a line for each row with a value of its own, out of target, in its type's plainest form: on or off, whole
 * numbers (bytes, seconds), octal digits, "5%". Under the lock that guards target's strings. */
void options_dump(const struct option *rows, size_t nr_rows, const void *target, struct dump *d);
size_t options_count(const struct option *rows); /* of those ended by a row without key; NULL: none */
void options_release(const struct option *rows, size_t nr_rows, void *target);
/* Logs (warning) each pair of the set that no row knows: neither one of rows nor one of more, which ends with a row without key and may be
 * NULL. strict: the first of them is an error, -EINVAL. */
int options_check_known(const struct option *rows, size_t nr_rows, const struct option *more, const struct optset *set, const char *who,
                        bool strict, struct err *err);

int parse_percent_or_size(const char *text, struct percent_or_size *ret); /* a number up to 100 without a unit: percent */

#endif
