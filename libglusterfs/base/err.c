/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "util.h"

int err_set(struct err *e, int neg_errno, const char *fmt, ...)
{
    if (e && !e->text[0]) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(e->text, sizeof(e->text), fmt, ap);
        va_end(ap);
    }
    return neg_errno;
}
