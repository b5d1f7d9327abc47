/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worm.h"

/* A value of the disk as text; false: it is not there, or is none of ours. */
static bool text_of(const struct dict *d, const char *key, char *to, size_t size)
{
    const struct dict_pair *p = dict_find(d, key);

    if (!p || p->len >= size)
        return false;
    memcpy(to, p->value, p->len);
    to[p->len] = '\0';
    return true;
}

void retention_of(const struct iatt *st, const struct dict *xattrs, struct retention *ret)
{
    char text[STATE_TEXT];

    *ret = (struct retention){.atime = st->atime, .mtime = st->mtime};
    ret->takes_part = S_ISREG(st->mode) && text_of(xattrs, WORM_FILE, text, sizeof(text)) && text[0] == '1';
    if (text_of(xattrs, WORM_START, text, sizeof(text)))
        ret->start = strtoll(text, NULL, 10);
    if (text_of(xattrs, WORM_STATE, text, sizeof(text)) &&
        sscanf(text, "%u/%" SCNu64 "/%" SCNu64, &ret->bits, &ret->period_s, &ret->commit_s) != 3)
        ret->bits = STATE_WORM; /* a state that cannot be read keeps the file as it is */
}

void retention_text(const struct retention *r, char text[STATE_TEXT])
{
    snprintf(text, STATE_TEXT, "%u/%" PRIu64 "/%" PRIu64, r->bits, r->period_s, r->commit_s);
}

void retention_commit(const struct worm *w, struct retention *r, int64_t now)
{
    r->bits = STATE_WORM | STATE_RETAINED | (w->mode == MODE_ENTERPRISE ? STATE_ENTERPRISE : 0);
    r->period_s = w->retention_s;
    r->commit_s = w->commit_s;
    r->atime = now + (int64_t)w->retention_s;
}

enum worm_step retention_judge(const struct worm *w, struct retention *r, int64_t now, bool removes, bool *ret_allowed)
{
    enum worm_step step = STEP_NONE;

    if (!r->takes_part) {
        *ret_allowed = true;
        return STEP_NONE;
    }
    if (!r->bits) {
        if (now - r->start < (int64_t)w->commit_s || now - r->mtime < (int64_t)w->commit_s) {
            *ret_allowed = true;
            return STEP_NONE;
        }
        retention_commit(w, r, now);
        step = STEP_COMMIT;
    }
    if (r->bits & STATE_RETAINED && now >= r->atime) {
        r->bits = STATE_WORM;
        r->atime -= (int64_t)r->period_s;
        r->period_s = r->commit_s = 0;
        step = STEP_EXPIRE;
    }
    *ret_allowed = removes && w->deletable && !(r->bits & (STATE_RETAINED | STATE_LEGAL_HOLD));
    return step;
}

int retention_new_end(const struct worm *w, struct retention *r, int64_t now, int64_t end)
{
    bool strict = r->bits & STATE_ENTERPRISE || w->mode == MODE_ENTERPRISE;

    if (end < (strict ? r->atime : now))
        return -EROFS;
    r->atime = end;
    r->period_s = (uint64_t)(end - now);
    return 0;
}
