/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* worm.h: what a file's attributes say of its retention. Private to this folder; without I/O, so that it can be tested alone.
 *
 *   young      it can be changed; changes are noted by its mtime
 *   retained   data and name stay until its atime; the atime is the end of retention
 *   worm       retention is over: data and name stay, but it may be removed when worm-files-deletable is on
 *
 *              young -- commit, or auto-commit-period without a change --> retained -- atime has passed --> worm
 *
 * On disk (as GlusterFS has it, text with NUL): trusted.start_time: when it was made; trusted.worm_file "1": it takes part;
 * trusted.reten_state "<bits>/<seconds of retention>/<auto-commit-period>". */
#ifndef FEATURES_WORM_H
#define FEATURES_WORM_H

#include "xlator.h"

#define WORM_START "trusted.start_time"
#define WORM_FILE "trusted.worm_file"
#define WORM_STATE "trusted.reten_state"

enum { STATE_WORM = 1, STATE_RETAINED = 2, STATE_LEGAL_HOLD = 4, STATE_ENTERPRISE = 8 };
enum retention_mode { MODE_RELAX, MODE_ENTERPRISE };

struct worm {
    bool on, file_level, deletable; /* options, live */
    uint64_t retention_s, commit_s;
    int mode;
};

/* What one file's attributes say. */
struct retention {
    bool takes_part;
    int64_t start, atime, mtime;
    unsigned int bits;            /* 0: young */
    uint64_t period_s, commit_s;  /* of the state */
};
void retention_of(const struct iatt *st, const struct dict *xattrs, struct retention *ret);
#define STATE_TEXT 64
void retention_text(const struct retention *r, char text[STATE_TEXT]);

/* What has to be written before an answer can be given. */
enum worm_step {
    STEP_NONE,
    STEP_COMMIT, /* it becomes retained now: new state, and atime = end of retention */
    STEP_EXPIRE, /* it becomes worm now: new state, and the atime it had before it was retained */
};
/* At `now`, when somebody wants to change or, with removes, to remove it. r is as it will be after the step. ret_allowed: may he? */
enum worm_step retention_judge(const struct worm *w, struct retention *r, int64_t now, bool removes, bool *ret_allowed);
/* A new atime while it is retained is a new end of retention. 0, or -EROFS. */
int retention_new_end(const struct worm *w, struct retention *r, int64_t now, int64_t end);
void retention_commit(const struct worm *w, struct retention *r, int64_t now);

#endif
