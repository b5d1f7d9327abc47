/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volfile-lexer.h: tokens of a volume file. */
#ifndef GF_VOLFILE_LEXER_H
#define GF_VOLFILE_LEXER_H

#include "volfile.h"

enum token {
    TOKEN_END_OF_FILE,
    TOKEN_VOLUME,
    TOKEN_TYPE,
    TOKEN_END_VOLUME,
    TOKEN_SUBVOLUMES,
    TOKEN_OPTION,
    TOKEN_WORD,
};

struct lexer {
    const char *file;
    const char *text;
    size_t len, at;
    int line;
    const struct volfile_mark *marks;
    enum token token;      /* the current one ... */
    int token_line;
    bool quoted;
    char *word;            /* ... and its text, without quotes; the lexer's; NULL at the end of the file */
    size_t word_cap;
};

int lexer_next(struct lexer *l, struct err *err); /* -EINVAL, -ENOMEM */
void lexer_done(struct lexer *l);

#endif
