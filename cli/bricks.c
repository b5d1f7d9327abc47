/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "bricks.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define VOLUME_NAME_MAX 256

char *brick_clean(const char *word)
{
    char *text = strdup(word), *from = text ? strrchr(text, ':') : NULL, *to;

    if (!from)
        return text;
    to = ++from;
    for (; *from; from++)
        if (*from != '/' || to[-1] != '/')
            *to++ = *from;
    if (to[-1] == '/' && to[-2] == '/')
        to--;
    if (to[-1] == '/' && to[-2] != ':')
        to--;
    *to = '\0';
    return text;
}

bool brick_is_one(const char *word, const char *say)
{
    const char *colon = strrchr(word, ':');

    if (colon && colon > word && colon[1] == '/')
        return true;
    fprintf(stderr, "%s: %s, use <HOSTNAME>:<export-dir-abs-path>\n", say, word);
    return false;
}

static bool is_address(const char *host)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* RFC 1123: labels of letters, digits and hyphens, which do not begin or end with a hyphen. */
bool host_conforms(const char *host)
{
    size_t len = strlen(host);

    if (is_address(host))
        return true;
    if (!len || len > 255 || strspn(host, "0123456789.") == len)
        return false;
    for (const char *label = host;;) {
        size_t n = strcspn(label, ".");

        if (!n || n > 63 || label[0] == '-' || label[n - 1] == '-')
            return false;
        for (size_t i = 0; i < n; i++)
            if (!isalnum((unsigned char)label[i]) && label[i] != '-')
                return false;
        if (!label[n])
            return true;
        label += n + 1;
    }
}

static bool is_this_machine(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 || strncmp(host, "0.", 2) == 0;
}

/* The host of a brick: other machines have to find it by that name. */
static bool host_allowed(const char *brick)
{
    char host[256];

    snprintf(host, sizeof(host), "%.*s", (int)(strrchr(brick, ':') - brick), brick);
    if (is_this_machine(host)) {
        fputs("Please provide a valid hostname/ip other than localhost, 127.0.0.1 or loopback address (0.0.0.0 to 0.255.255.255).\n",
              stderr);
        return false;
    }
    if (!host_conforms(host)) /* as with GlusterFS the daemon has the last word */
        fprintf(stderr, "internet address '%s' does not conform to standards\n", host);
    return true;
}

static bool has_brick(const char *text, const char *brick)
{
    size_t n = strlen(brick);

    for (const char *at = text; (at = strstr(at, brick)); at += n)
        if (at[-1] == ' ' && at[n] == ' ')
            return true;
    return false;
}

/* text has room for it. */
static bool add_brick(char *text, const char *word)
{
    char *brick = brick_clean(word);
    bool fine = brick && brick_is_one(brick, "Wrong brick type") && host_allowed(brick);

    if (fine && has_brick(text, brick)) {
        fprintf(stderr, "Found duplicate exports %s\n", brick);
        fine = false;
    }
    if (fine)
        sprintf(text + strlen(text), "%s ", brick);
    free(brick);
    return fine;
}

bool bricks_join(const struct words *w, int first, int last, char **ret_text, int *ret_count)
{
    size_t room = 2;
    char *text;

    for (int i = first; i < last; i++)
        room += strlen(w->at[i]) + 1;
    if (first >= last) {
        fputs("No bricks specified\n", stderr);
        return false;
    }
    text = calloc(1, room);
    if (text)
        text[0] = ' ';
    for (int i = first; text && i < last; i++) {
        if (!add_brick(text, w->at[i])) {
            free(text);
            return false;
        }
    }
    *ret_text = text;
    *ret_count = last - first;
    return text != NULL;
}

bool volume_name_allowed(const char *name)
{
    static const char *const reserved[] = {"volume", "type", "subvolumes", "option", "end-volume", "all", "volume_not_in_ring",
                                           "description",
                                           "force", "snap-max-hard-limit", "snap-max-soft-limit", "auto-delete", "activate-on-create",
                                           "help"};

    if (name[0] == '-' || strchr(name, '/'))
        return false;
    for (size_t i = 0; i < array_len(reserved); i++)
        if (strcmp(name, reserved[i]) == 0) {
            fprintf(stderr, "\"%s\" cannot be the name of a volume.\n", name);
            return false;
        }
    if (strlen(name) > VOLUME_NAME_MAX) {
        fprintf(stderr, "Volume name exceeds %d characters.\n", VOLUME_NAME_MAX);
        return false;
    }
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_') {
            fprintf(stderr, "Volume name should not contain \"%c\" character.\nVolume names can onlycontain alphanumeric, '-' and '_' "
                    "characters.\n",
                    *c);
            return false;
        }
    return name[0] != '\0';
}

int choose(const char *text, const char *const *list)
{
    int found = -1;

    for (int i = 0; list[i]; i++) {
        if (strcmp(list[i], text) == 0)
            return i;
        if (strncmp(list[i], text, strlen(text)) == 0)
            found = found == -1 ? i : -2;
    }
    return found < 0 ? -1 : found;
}
