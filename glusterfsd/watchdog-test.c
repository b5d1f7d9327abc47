/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Each in a process of its own: a watchdog ends the one it is in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "process.h"
#include "watchdog.h"

static void to_pipe(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
    if (write(*(int *)ctx, text, strlen(text)) < 0 || write(*(int *)ctx, "\n", 1) < 0)
        _exit(99);
}

static void hangs(void)
{
    struct process_hold hold;
    struct watchdog w = {0};
    struct process p;

    process_init(&p);
    p.exit_status = 15;
    process_hold(&p, &hold, "vol-server");
    counter_add(&p.census.now[CENSUS_FOPS], 3);
    watchdog_start(&w, &p, 20);
    for (;;)
        pause();
}

static void ends_in_time(void)
{
    struct watchdog w = {0}, never = {0};
    struct process p;

    process_init(&p);
    p.exit_status = 15;
    watchdog_start(&w, &p, 3600 * 1000);
    watchdog_stop(&w);
    watchdog_stop(&never);
    process_done(&p);
    _exit(counter_get(&p.census.now[CENSUS_THREADS]) == 0 ? 7 : 8);
}

static int run(void (*fn)(void), char said[1000])
{
    size_t have = 0;
    int fds[2], status;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        log_set_sink(to_pipe, &fds[1]);
        fn();
        _exit(98);
    }
    close(fds[1]);
    while ((n = read(fds[0], said + have, 999 - have)) > 0)
        have += (size_t)n;
    said[have] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void what_hangs_is_named_and_the_process_ends_with_its_status(void **state)
{
    char said[1000];

    assert_int_equal(run(hangs, said), 15);
    assert_non_null(strstr(said, "volume vol-server is still not drained 20 ms after the signal to end"));
    assert_non_null(strstr(said, "still there: 3 fops"));
    assert_non_null(strstr(said, "leaving without them"));
}

static void a_process_that_ends_in_time_hears_nothing(void **state)
{
    char said[1000];

    assert_int_equal(run(ends_in_time, said), 7);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_hangs_is_named_and_the_process_ends_with_its_status),
        cmocka_unit_test(a_process_that_ends_in_time_hears_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
