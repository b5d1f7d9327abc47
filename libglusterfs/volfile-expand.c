/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Back-quotes in volume files, and reading the files. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "volfile.h"

extern char **environ;

struct text {
    char *bytes;
    size_t len, cap;
};

static int text_room(struct text *t, size_t more)
{
    size_t cap = max_of(t->cap * 2, t->len + more + 1);
    char *bytes;

    if (t->len + more > VOLFILE_MAX)
        return -E2BIG;
    if (t->len + more < t->cap)
        return 0;
    bytes = realloc(t->bytes, cap);
    if (!bytes)
        return -ENOMEM;
    t->bytes = bytes;
    t->cap = cap;
    return 0;
}

static int text_add(struct text *t, const char *bytes, size_t len)
{
    int err = text_room(t, len);

    if (!err) {
        memcpy(t->bytes + t->len, bytes, len);
        t->len += len;
    }
    return err;
}

static int text_read(struct text *t, int fd)
{
    for (;;) {
        int err = text_room(t, 4096);
        ssize_t n;

        if (err)
            return err;
        n = read(fd, t->bytes + t->len, t->cap - t->len);
        if (n == 0)
            return 0;
        if (n > 0)
            t->len += (size_t)n;
        else if (errno != EINTR)
            return -errno;
    }
}

/* ---- commands ------------------------------------------------------------------------------------------------------- */

/* The position of the next back-quote that is special, or len. */
static size_t next_back_quote(const char *text, size_t len, size_t from)
{
    size_t backslashes = 0;

    for (size_t i = from; i < len; i++) {
        if (text[i] == '`' && backslashes % 2 == 0)
            return i;
        backslashes = text[i] == '\\' ? backslashes + 1 : 0;
    }
    return len;
}

bool volfile_has_command(const char *text, size_t len)
{
    return next_back_quote(text, len, 0) < len;
}

/* The child gets default signals and an open mask, whatever ours are. */
static int spawn_shell(const char *command, int out, pid_t *ret)
{
    char *const argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int err;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    err = posix_spawn(ret, "/bin/sh", &files, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return -err;
}

static int run_command(const char *command, struct text *to)
{
    int out[2], status, err;
    pid_t pid;

    if (pipe2(out, O_CLOEXEC) < 0)
        return -errno;
    err = spawn_shell(command, out[1], &pid);
    close(out[1]);
    if (!err) {
        err = text_read(to, out[0]);
        close(out[0]); /* a command that writes more than we read ends now */
        while (waitpid(pid, &status, 0) < 0)
            if (errno != EINTR)
                return -errno;
        if (!err && status != 0)
            err = -ECHILD;
        return err;
    }
    close(out[0]);
    return err;
}

static int count_lines(const char *text, size_t from, size_t to)
{
    int n = 0;

    for (; from < to; from++)
        n += text[from] == '\n';
    return n;
}

struct marks {
    struct volfile_mark *v;
    size_t n;
};

static int marks_add(struct marks *m, size_t off, int line)
{
    struct volfile_mark *v = realloc(m->v, (m->n + 1) * sizeof(*v));

    if (!v)
        return -ENOMEM;
    m->v = v;
    m->v[m->n++] = (struct volfile_mark){.off = off, .line = line};
    return 0;
}

static int expand_one(const char *file, const char *command, int line, struct text *out, struct err *err)
{
    struct text output = {0};
    int failed = run_command(command, &output);

    if (failed == -ECHILD)
        failed = err_set(err, -EINVAL, "%s:%d: the command `%s` failed", file, line, command);
    else if (failed)
        failed = err_set(err, failed, "%s:%d: the command `%s`: %s", file, line, command, strerror(-failed));
    else if (output.len)
        failed = text_add(out, output.bytes, output.len - 1);
    free(output.bytes);
    return failed;
}

static int expand(const char *file, const char *text, size_t len, struct text *out, struct marks *marks, struct err *err)
{
    size_t at = 0;
    int line = 1, failed;

    for (;;) {
        size_t begin = next_back_quote(text, len, at), end;
        char *command;

        if ((failed = text_add(out, text + at, begin - at)))
            return failed;
        if (begin == len)
            return marks_add(marks, SIZE_MAX, 0);
        line += count_lines(text, at, begin);
        end = next_back_quote(text, len, begin + 1);
        if (end == len)
            return err_set(err, -EINVAL, "%s:%d: a back-quote begins a command that has no end", file, line);
        command = strndup(text + begin + 1, end - begin - 1);
        if (!command)
            return -ENOMEM;
        failed = expand_one(file, command, line, out, err);
        free(command);
        line += count_lines(text, begin, end);
        if (failed || (failed = marks_add(marks, out->len, line)))
            return failed;
        at = end + 1;
    }
}

int volfile_expand(const char *file, const char *text, size_t len, char **ret_text, size_t *ret_len, struct volfile_mark **ret_marks,
                   struct err *err)
{
    struct marks marks = {0};
    struct text out = {0};
    int failed = text_room(&out, len);

    if (!failed)
        failed = expand(file, text, len, &out, &marks, err);
    if (failed) {
        free(out.bytes);
        free(marks.v);
        return err_set(err, failed, "%s: %s", file, strerror(-failed));
    }
    *ret_text = out.bytes;
    *ret_len = out.len;
    *ret_marks = marks.v;
    return 0;
}

/* ---- files ---------------------------------------------------------------------------------------------------------- */

static int read_file(const char *file, struct text *to, struct err *err)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY), failed;

    if (fd < 0)
        return err_set(err, -errno, "volume file %s: %s", file, strerror(errno));
    failed = text_read(to, fd);
    close(fd);
    return failed ? err_set(err, failed, "volume file %s: %s", file, strerror(-failed)) : 0;
}

int volfile_load(const char *file, struct volfile **ret, struct err *err)
{
    struct volfile_mark *marks = NULL;
    struct text raw = {0};
    char *text = NULL;
    size_t len;
    int failed = read_file(file, &raw, err);

    if (!failed)
        failed = volfile_expand(file, raw.bytes, raw.len, &text, &len, &marks, err);
    if (!failed)
        failed = volfile_parse(file, text, len, marks, ret, err);
    free(raw.bytes);
    free(text);
    free(marks);
    return failed;
}
