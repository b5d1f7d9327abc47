/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon.h"

static char dir[64];

static int make_dir(void **state)
{
    strcpy(dir, "/tmp/daemon-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    char command[100];

    snprintf(command, sizeof(command), "rm -r %s", dir);
    return system(command);
}

static const char *below(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void the_pid_file_holds_the_pid_and_nothing_of_before(void **state)
{
    char text[100], pid[20];
    struct err err = {0};
    int fd, old = open(below("a.pid"), O_WRONLY | O_CREAT, 0644);
    ssize_t n;

    assert_int_equal(write(old, "123456789 and more\n", 19), 19);
    close(old);
    fd = pid_file_take(below("a.pid"), &err);
    assert_true(fd >= 0);
    old = open(below("a.pid"), O_RDONLY);
    n = read(old, text, sizeof(text) - 1);
    close(old);
    text[n] = '\0';
    snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
    assert_string_equal(text, pid);
    close(fd);
}

/* The lock is a process's, so another process has to ask. */
static int take_in_child(const char *file, char sentence[200])
{
    int fds[2], status;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        struct err err = {0};
        int fd = pid_file_take(file, &err);

        if (write(fds[1], err.text, strlen(err.text)) < 0)
            _exit(99);
        _exit(fd < 0);
    }
    close(fds[1]);
    n = read(fds[0], sentence, 199);
    sentence[n] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void a_second_process_does_not_get_the_pid_file(void **state)
{
    char sentence[200], right[200];
    struct err err = {0};
    int fd = pid_file_take(below("b.pid"), &err);

    assert_true(fd >= 0);
    assert_int_equal(take_in_child(below("b.pid"), sentence), 1);
    snprintf(right, sizeof(right), "pid file %s: another process holds it", below("b.pid"));
    assert_string_equal(sentence, right);
    close(fd);
    assert_int_equal(take_in_child(below("b.pid"), sentence), 0);
    assert_int_equal(pid_file_take(below("no/b.pid"), &err), -ENOENT);
}

static void folders_are_made_with_all_above_them(void **state)
{
    struct stat st;

    assert_int_equal(make_folders(below("x/y/z")), 0);
    assert_int_equal(stat(below("x/y/z"), &st), 0);
    assert_int_equal(make_folders(below("x/y/z")), 0);
    close(open(below("file"), O_WRONLY | O_CREAT, 0644));
    assert_int_equal(make_folders(below("file/z")), -ENOTDIR);
}

/* What the parent of a daemon says and how it ends; the daemon is `child`. */
static int start(void (*child)(int fd), char said[200])
{
    int fds[2], status;
    ssize_t n, have = 0;
    pid_t pid;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        child(daemon_fork());
        _exit(97);
    }
    close(fds[1]);
    while ((n = read(fds[0], said + have, (size_t)(199 - have))) > 0)
        have += n;
    said[have] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void starts_well(int fd)
{
    char cwd[8] = "";

    daemon_started(fd, 0, NULL);
    /* stderr is no longer the terminal's, and the folder is the root */
    if (!getcwd(cwd, sizeof(cwd)) || strcmp(cwd, "/") != 0)
        _exit(96);
    fprintf(stderr, "nobody reads this\n");
    _exit(0);
}

static void fails(int fd)
{
    daemon_started(fd, 3, "glusterfsd: brick.vol:1: something is wrong");
    _exit(3);
}

static void leaves_without_a_word(int fd)
{
    _exit(5);
}

static void crashes(int fd)
{
    raise(SIGKILL);
}

static void the_parent_ends_as_the_start_went(void **state)
{
    char said[200];

    assert_int_equal(start(starts_well, said), 0);
    assert_string_equal(said, "");
    assert_int_equal(start(fails, said), 3);
    assert_string_equal(said, "glusterfsd: brick.vol:1: something is wrong\n");
    assert_int_equal(start(leaves_without_a_word, said), 5);
    assert_int_equal(start(crashes, said), EXIT_FAILURE);
    assert_string_equal(said, "the daemon was killed by signal 9 while starting\n");
}

static void the_oom_score_is_set_as_the_kernel_has_it(void **state)
{
    struct err err = {0};
    int before, now;
    FILE *f = fopen("/proc/self/oom_score_adj", "r");

    assert_int_equal(fscanf(f, "%d", &before), 1);
    fclose(f);
    assert_int_equal(set_oom_score(before < 1000 ? before + 1 : before, &err), 0); /* upwards anybody may */
    f = fopen("/proc/self/oom_score_adj", "r");
    assert_int_equal(fscanf(f, "%d", &now), 1);
    fclose(f);
    assert_int_equal(now, before < 1000 ? before + 1 : before);
    assert_int_equal(set_oom_score(5000, &err), -EINVAL);
    assert_non_null(strstr(err.text, "--oom-score-adj 5000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pid_file_holds_the_pid_and_nothing_of_before),
        cmocka_unit_test(a_second_process_does_not_get_the_pid_file),
        cmocka_unit_test(folders_are_made_with_all_above_them),
        cmocka_unit_test(the_parent_ends_as_the_start_went),
        cmocka_unit_test(the_oom_score_is_set_as_the_kernel_has_it),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
