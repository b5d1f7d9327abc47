/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "message.h"

#include <stdlib.h>

void record_free(struct record *rec)
{
    if (!rec)
        return;
    slice_done(&rec->head);
    slicev_done(&rec->bulk);
    census_add(rec->census, CENSUS_RECORDS, -1);
    free(rec);
}
