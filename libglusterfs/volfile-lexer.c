/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "volfile-lexer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static void pass_marks(struct lexer *l)
{
    for (; l->marks && l->at >= l->marks->off; l->marks++)
        l->line = l->marks->line;
}

/* Line structure means nothing but for the numbers in errors. */
static void step(struct lexer *l)
{
    if (l->text[l->at] == '\n')
        l->line++;
    l->at++;
    pass_marks(l);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word(char c)
{
    return !is_blank(c) && c != '"' && c != '\\';
}

static int put(struct lexer *l, size_t n, char c, struct err *err)
{
    if (c == '\0')
        return err_set(err, -EINVAL, "%s:%d: a NUL byte is no part of a volume file", l->file, l->line);
    if (n + 2 > l->word_cap) {
        size_t cap = l->word_cap ? l->word_cap * 2 : 128;
        char *word = realloc(l->word, cap);

        if (!word)
            return err_set(err, -ENOMEM, "%s: no memory", l->file);
        l->word = word;
        l->word_cap = cap;
    }
    l->word[n] = c;
    l->word[n + 1] = '\0';
    return 0;
}

/* The length of the string that begins at the quote, both quotes included; 0: the line ends before it does. */
static size_t string_length(const struct lexer *l)
{
    for (size_t i = l->at + 1; i < l->len && l->text[i] != '\n'; i++) {
        if (l->text[i] == '"')
            return i + 1 - l->at;
        if (l->text[i] == '\\' && ++i < l->len && l->text[i] == '\n')
            return 0;
    }
    return 0;
}

static int take_string(struct lexer *l, size_t len, struct err *err)
{
    size_t end = l->at + len - 1, n = 0;
    int failed;

    if (len == 2)
        return err_set(err, -EINVAL, "%s:%d: a word must not be empty, found \"\"", l->file, l->line);
    for (step(l); l->at < end; step(l)) {
        if (l->text[l->at] == '\\')
            step(l);
        failed = put(l, n++, l->text[l->at], err);
        if (failed)
            return failed;
    }
    step(l);
    l->token = TOKEN_WORD;
    l->quoted = true;
    return 0;
}

static enum token keyword(const char *word)
{
    static const struct {
        const char *word;
        enum token token;
    } keywords[] = {{"volume", TOKEN_VOLUME},         {"type", TOKEN_TYPE},     {"end-volume", TOKEN_END_VOLUME},
                    {"subvolumes", TOKEN_SUBVOLUMES}, {"option", TOKEN_OPTION}, {"subvolumeS", TOKEN_SUBVOLUMES}};

    for (size_t i = 0; i < array_len(keywords); i++)
        if (strcmp(word, keywords[i].word) == 0)
            return keywords[i].token;
    return TOKEN_WORD;
}

static int take_word(struct lexer *l, struct err *err)
{
    size_t n = 0;
    int failed;

    for (; l->at < l->len && is_word(l->text[l->at]); step(l)) {
        failed = put(l, n++, l->text[l->at], err);
        if (failed)
            return failed;
    }
    l->token = keyword(l->word);
    l->quoted = false;
    return 0;
}

int lexer_next(struct lexer *l, struct err *err)
{
    pass_marks(l);
    while (l->at < l->len) {
        char c = l->text[l->at];
        size_t len;

        l->token_line = l->line;
        if (is_blank(c)) {
            step(l);
        } else if (c == '#') {
            while (l->at < l->len && l->text[l->at] != '\n')
                step(l);
        } else if (c == '"' && (len = string_length(l))) {
            return take_string(l, len, err);
        } else if (!is_word(c)) {
            /* GlusterFS goes past it too */
            log_warning("volfile", "%s:%d: a stray %s is skipped", l->file, l->line, c == '"' ? "double quote" : "backslash");
            step(l);
        } else {
            return take_word(l, err);
        }
    }
    l->token = TOKEN_END_OF_FILE;
    l->token_line = l->line;
    return 0;
}

void lexer_done(struct lexer *l)
{
    free(l->word);
    l->word = NULL;
}
