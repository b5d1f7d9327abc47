/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The parser of volume files against any text. Commands in back-quotes are not run: that is volfile_load()'s. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "log.h"
#include "volfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void no_log(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct volfile *v = NULL;
    struct err err = {0};
    unsigned int n = 0;
    int failed;

    log_set_sink(no_log, NULL);
    volfile_has_command((const char *)data, size);
    failed = volfile_parse("f.vol", (const char *)data, size, NULL, &v, &err);
    if (failed) {
        assert(failed == -EINVAL && strncmp(err.text, "f.vol:", 6) == 0);
        return 0;
    }
    for (struct volume *vol = v->first; vol; vol = vol->next, n++)
        assert(vol->name[0] && vol->type[0] && (vol->options.n || vol->nr_children));
    assert(n == v->n && n > 0);
    volfile_free(v);
    return 0;
}
