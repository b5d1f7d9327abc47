/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The grammar:
 *   file   := volume volume*
 *   volume := VOLUME word TYPE word ( OPTION word word | SUBVOLUMES word word* )* END
 * with at most one SUBVOLUMES and at least one line after TYPE. Keywords are recognised wherever a whole token equals one. */
#include "volfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "volfile-lexer.h"

static void volume_free(struct volume *vol)
{
    for (unsigned int i = 0; i < vol->nr_children; i++)
        free(vol->children[i]);
    free(vol->children);
    optset_done(&vol->options);
    free(vol->name);
    free(vol->type);
    free(vol);
}

void volfile_free(struct volfile *v)
{
    if (!v)
        return;
    for (struct volume *vol = v->first, *next; vol; vol = next) {
        next = vol->next;
        volume_free(vol);
    }
    free(v->file);
    free(v);
}

static struct volume *volume_named(const struct volfile *v, const char *name)
{
    for (struct volume *vol = v->first; vol; vol = vol->next)
        if (strcmp(vol->name, name) == 0)
            return vol;
    return NULL;
}

static int no_memory(const struct lexer *l, struct err *err)
{
    return err_set(err, -ENOMEM, "%s: no memory", l->file);
}

/* `wanted` ends with what it stands behind: a type after "type". */
static int expected(const struct lexer *l, const char *wanted, struct err *err)
{
    if (l->token == TOKEN_END_OF_FILE)
        return err_set(err, -EINVAL, "%s:%d: expected %s, found the end of the file", l->file, l->token_line, wanted);
    return err_set(err, -EINVAL, "%s:%d: expected %s, found \"%s\"", l->file, l->token_line, wanted, l->word);
}

/* The current token becomes the word that must follow it. */
static int take_word(struct lexer *l, const char *wanted, char **ret, struct err *err)
{
    int failed = lexer_next(l, err);

    if (failed)
        return failed;
    if (l->token != TOKEN_WORD)
        return expected(l, wanted, err);
    *ret = strdup(l->word);
    return *ret ? 0 : no_memory(l, err);
}

static int take_option(struct lexer *l, struct volume *vol, const char *file, struct err *err)
{
    int line = l->token_line, failed;
    char *key = NULL, *value = NULL;

    failed = take_word(l, "an option's name after \"option\"", &key, err);
    if (!failed)
        failed = take_word(l, "a value after the option's name", &value, err);
    if (!failed && optset_add(&vol->options, key, value, file, line) < 0)
        failed = no_memory(l, err);
    free(key);
    free(value);
    return failed ? failed : lexer_next(l, err);
}

static int take_child(struct lexer *l, const struct volfile *v, struct volume *vol, struct err *err)
{
    char **children, *name;

    if (strcmp(l->word, vol->name) == 0)
        return err_set(err, -EINVAL, "%s:%d: volume \"%s\" is named as its own subvolume", l->file, l->token_line, l->word);
    if (!volume_named(v, l->word))
        return err_set(err, -EINVAL, "%s:%d: subvolume \"%s\" of volume \"%s\" is not defined before it", l->file, l->token_line,
                       l->word, vol->name);
    children = realloc(vol->children, (vol->nr_children + 1) * sizeof(*children));
    if (!children)
        return no_memory(l, err);
    vol->children = children;
    name = strdup(l->word);
    if (!name)
        return no_memory(l, err);
    children[vol->nr_children++] = name;
    return lexer_next(l, err);
}

static int take_subvolumes(struct lexer *l, const struct volfile *v, struct volume *vol, struct err *err)
{
    int failed = lexer_next(l, err);

    if (failed)
        return failed;
    if (l->token != TOKEN_WORD)
        return expected(l, "a volume's name after \"subvolumes\"", err);
    while (l->token == TOKEN_WORD)
        if ((failed = take_child(l, v, vol, err)))
            return failed;
    return 0;
}

/* From behind TYPE word to END. */
static int take_lines(struct lexer *l, const struct volfile *v, struct volume *vol, struct err *err)
{
    int failed = lexer_next(l, err);

    while (!failed && (l->token == TOKEN_OPTION || (l->token == TOKEN_SUBVOLUMES && !vol->nr_children))) {
        if (l->token == TOKEN_OPTION)
            failed = take_option(l, vol, v->file, err);
        else
            failed = take_subvolumes(l, v, vol, err);
    }
    if (failed)
        return failed;
    if (l->token == TOKEN_END_VOLUME && !vol->options.n && !vol->nr_children)
        return expected(l, "\"option\" or \"subvolumes\": a volume needs at least one of them", err);
    if (l->token != TOKEN_END_VOLUME)
        return expected(l, vol->nr_children ? "\"option\" or \"end-volume\"" : "\"option\", \"subvolumes\" or \"end-volume\"", err);
    return lexer_next(l, err);
}

static int take_volume(struct lexer *l, const struct volfile *v, struct volume *vol, struct err *err)
{
    const struct volume *same;
    int failed;

    if (l->token != TOKEN_VOLUME)
        return expected(l, "\"volume\"", err);
    if ((failed = take_word(l, "a name after \"volume\"", &vol->name, err)))
        return failed;
    vol->line = l->token_line;
    same = volume_named(v, vol->name);
    if (same)
        return err_set(err, -EINVAL, "%s:%d: volume \"%s\" is already defined in line %d", l->file, vol->line, vol->name, same->line);
    if ((failed = lexer_next(l, err)))
        return failed;
    if (l->token != TOKEN_TYPE)
        return expected(l, "\"type\" after the volume's name", err);
    if ((failed = take_word(l, "a type after \"type\"", &vol->type, err)))
        return failed;
    return take_lines(l, v, vol, err);
}

static int take_file(struct lexer *l, struct volfile *v, struct err *err)
{
    int failed = lexer_next(l, err);

    if (failed)
        return failed;
    do {
        struct volume *vol = calloc(1, sizeof(*vol));

        if (!vol)
            return no_memory(l, err);
        failed = take_volume(l, v, vol, err);
        if (failed) {
            volume_free(vol);
            return failed;
        }
        *(v->last ? &v->last->next : &v->first) = vol;
        v->last = vol;
        v->n++;
    } while (l->token != TOKEN_END_OF_FILE);
    return 0;
}

int volfile_parse(const char *file, const char *text, size_t len, const struct volfile_mark *marks, struct volfile **ret,
                  struct err *err)
{
    struct lexer l = {.file = file, .text = text, .len = len, .line = 1, .marks = marks};
    struct volfile *v = calloc(1, sizeof(*v));
    int failed;

    if (!v || !(v->file = strdup(file))) {
        volfile_free(v);
        return no_memory(&l, err);
    }
    failed = take_file(&l, v, err);
    lexer_done(&l);
    if (failed) {
        volfile_free(v);
        return failed;
    }
    *ret = v;
    return 0;
}
