/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* store.c: one file of the store: read with care, replaced as a whole; and the folders around them. */
#include "config.h"

#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store-impl.h"
#include "util.h"

enum { FILE_MAX_BYTES = 16 << 20 }; /* a volume of 10,000 bricks has an info of 1 MiB */

static int failed(struct err *err, const char *what, const char *path)
{
    int e = errno;
    return err_set(err, -e, "%s: %s: %s", path, what, strerror(e));
}

int store_read_pairs(const char *path, struct pairs *ret, struct err *err)
{
    struct pairs p = {0};
    char *line = NULL;
    size_t size = 0, total = 0;
    ssize_t len;
    int r = 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return failed(err, "cannot be opened", path);
    while (r == 0 && (len = getline(&line, &size, f)) > 0) {
        total += (size_t)len;
        if (total > FILE_MAX_BYTES) {
            r = err_set(err, -EFBIG, "%s: longer than %d bytes", path, FILE_MAX_BYTES);
            break;
        }
        if (line[len - 1] == '\n')
            line[--len] = '\0';
        char *value = strchr(line, '=');
        if (!value || value == line)
            continue; /* blank, or what no GlusterFS writes */
        *value++ = '\0';
        r = pairs_add(&p, line, value);
    }
    if (r == 0 && ferror(f))
        r = failed(err, "cannot be read", path);
    fclose(f);
    free(line);
    if (r < 0) {
        pairs_done(&p);
        return err_set(err, r, "%s: %s", path, strerror(-r));
    }
    *ret = p;
    return 0;
}

static int sync_folder_of(const char *path, struct err *err)
{
    char *folder = strdup(path);
    if (!folder)
        return err_set(err, -ENOMEM, "%s: no memory", path);
    *strrchr(folder, '/') = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
    if (fd < 0 || fsync(fd) < 0)
        r = failed(err, "cannot be flushed", folder);
    if (fd >= 0)
        close(fd);
    free(folder);
    return r;
}

int store_stage(const char *path, const char *text, bool sync, struct err *err)
{
    char *tmp;
    size_t len = strlen(text);
    if (asprintf(&tmp, "%s.tmp", path) < 0)
        return err_set(err, -ENOMEM, "%s: no memory", path);
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), r = 0;
    if (fd < 0)
        r = failed(err, "cannot be created", tmp);
    while (r == 0 && len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            r = failed(err, "cannot be written", tmp);
        } else {
            text += n;
            len -= (size_t)n;
        }
    }
    if (r == 0 && sync && fsync(fd) < 0)
        r = failed(err, "cannot be flushed", tmp);
    if (fd >= 0 && close(fd) < 0 && r == 0)
        r = failed(err, "cannot be closed", tmp);
    if (r < 0 && fd >= 0)
        unlink(tmp);
    free(tmp);
    return r;
}

int store_put(const char *path, struct err *err)
{
    char *tmp;
    if (asprintf(&tmp, "%s.tmp", path) < 0)
        return err_set(err, -ENOMEM, "%s: no memory", path);
    int r = rename(tmp, path) < 0 ? failed(err, "cannot take its name", tmp) : 0;
    if (r < 0)
        unlink(tmp);
    free(tmp);
    return r;
}

void store_drop(const char *path)
{
    char *tmp;
    if (asprintf(&tmp, "%s.tmp", path) < 0)
        return;
    unlink(tmp);
    free(tmp);
}

int store_write_text(const char *path, const char *text, bool sync, struct err *err)
{
    int r = store_stage(path, text, sync, err);
    if (r == 0)
        r = store_put(path, err);
    if (r == 0 && sync)
        r = sync_folder_of(path, err);
    return r;
}

int store_sync_folder(const char *folder, struct err *err)
{
    char *inside;
    if (asprintf(&inside, "%s/", folder) < 0)
        return err_set(err, -ENOMEM, "%s: no memory", folder);
    int r = sync_folder_of(inside, err);
    free(inside);
    return r;
}

char *store_text_of(const struct pairs *p)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    for (size_t i = 0; f && i < p->n; i++)
        fprintf(f, "%s=%s\n", p->at[i].key, p->at[i].value);
    if (!f || fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

int store_write_pairs(const char *path, const struct pairs *p, struct err *err)
{
    char *text = store_text_of(p);
    int r = text ? store_write_text(path, text, true, err) : err_set(err, -ENOMEM, "%s: no memory", path);
    free(text);
    return r;
}

int store_make_folder(const char *path, struct err *err)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return 0;
    return failed(err, "cannot be made", path);
}

int store_make_tree(const char *workdir, struct err *err)
{
    static const char *const folders[] = {
        "", "vols", "peers", "snaps", "trash", "groups", "bitd", "scrub", "quotad", "nfs", "glustershd", "geo-replication", "ss_brick",
        "hooks", "hooks/1",
    };
    static const char *const events[] = {"create", "delete", "start", "stop", "add-brick", "remove-brick", "set", "reset", "gsync-create"};
    char path[4200];
    for (size_t i = 0; i < array_len(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", workdir, folders[i]);
        int r = store_make_folder(path, err);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < array_len(events); i++) {
        static const char *const parts[] = {"", "/pre", "/post"};
        for (size_t k = 0; k < array_len(parts); k++) {
            snprintf(path, sizeof path, "%s/hooks/1/%s%s", workdir, events[i], parts[k]);
            int r = store_make_folder(path, err);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int store_remove_all(const char *path, struct err *err)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return 0;
    return failed(err, "cannot be removed", path);
}

static int remove_leftover(const char *path, const struct stat *st, int type, struct FTW *at)
{
    size_t len = strlen(path);
    (void)st, (void)at;
    if (type == FTW_F && len > 4 && strcmp(path + len - 4, ".tmp") == 0)
        unlink(path);
    return 0;
}

void store_tidy(const char *workdir)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/trash", workdir);
    store_remove_all(path, NULL);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/vols", workdir);
    nftw(path, remove_leftover, 16, FTW_PHYS);
    static const char *const own[] = {"glusterd.info", "options", "glusterd.upgrade"};
    for (size_t i = 0; i < array_len(own); i++) {
        snprintf(path, sizeof path, "%s/%s", workdir, own[i]);
        store_drop(path);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void store_free_names(char **names)
{
    for (char **n = names; n && *n; n++)
        free(*n);
    free(names);
}

int store_list_volumes(const char *workdir, char ***ret, struct err *err)
{
    char path[4200];
    char **names = calloc(1, sizeof *names);
    size_t n = 0;
    const struct dirent *e;
    snprintf(path, sizeof path, "%s/vols", workdir);
    DIR *d = names ? opendir(path) : NULL;
    if (!d) {
        free(names);
        return names ? failed(err, "cannot be read", path) : err_set(err, -ENOMEM, "%s: no memory", path);
    }
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        char **more = reallocarray(names, n + 2, sizeof *names);
        if (more)
            names = more;
        if (!more || !(names[n] = strdup(e->d_name))) {
            closedir(d);
            names[n] = NULL;
            store_free_names(names);
            return err_set(err, -ENOMEM, "%s: no memory", path);
        }
        names[++n] = NULL;
    }
    closedir(d);
    qsort(names, n, sizeof *names, by_name);
    *ret = names;
    return 0;
}
