/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* text.c: words in, readable numbers out, and the questions in between. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gluster.h"

const char *word(const struct words *w, int i)
{
    return i < w->n ? w->at[i] : NULL;
}

bool word_is(const struct words *w, int i, const char *text)
{
    return i < w->n && strcmp(w->at[i], text) == 0;
}

bool word_number(const char *text, int64_t *ret)
{
    char *end;

    if (!text || !(isdigit((unsigned char)text[0]) || (text[0] == '-' && isdigit((unsigned char)text[1]))))
        return false;
    errno = 0;
    *ret = strtoll(text, &end, 10);
    return !errno && !*end;
}

struct size_text readable_size(double bytes)
{
    static const char *const units[] = {"KB", "MB", "GB", "TB", "PB"};
    struct size_text text;
    int unit = -1;

    while (bytes >= 1024 && unit + 1 < (int)array_len(units)) {
        bytes /= 1024;
        unit++;
    }
    if (unit < 0)
        snprintf(text.at, sizeof(text.at), "%.0fBytes", bytes);
    else
        snprintf(text.at, sizeof(text.at), "%.1f%s", bytes, units[unit]);
    return text;
}

void rule(char c, int n)
{
    while (n-- > 0)
        putchar(c);
    putchar('\n');
}

bool agreed(struct cli *c, const char *question)
{
    char line[64];
    size_t n;

    if (c->script)
        return true;
    printf("%s (y/n) ", question);
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin)) {
        puts("gluster cli read error\nInvalid input, please enter y/n");
        return false;
    }
    n = strcspn(line, "\n");
    line[n] = '\0';
    if (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0)
        return true;
    if (strcasecmp(line, "n") != 0 && strcasecmp(line, "no") != 0)
        puts("Invalid input, please enter y/n");
    return false;
}
