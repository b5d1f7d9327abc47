/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "secure-access.h"

static int read_text(const char *text, struct secure_access *ret, struct err *err)
{
    char name[] = "secure-access-XXXXXX";
    int fd = mkstemp(name), r;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    *err = (struct err){0};
    r = secure_access_read(name, ret, err);
    unlink(name);
    return r;
}

static void the_file_being_there_is_all_it_takes(void **state)
{
    struct secure_access s;
    struct err err;

    assert_int_equal(secure_access_read("/nonexistent/secure-access", &s, &err), 0);
    assert_false(s.there);
    assert_int_equal(read_text("", &s, &err), 0);
    assert_true(s.there);
    assert_int_equal(s.cert_depth, 0);
    assert_int_equal(read_text("# anything\nelse\n", &s, &err), 0);
    assert_true(s.there);
}

static void it_may_say_how_long_a_chain_may_be(void **state)
{
    struct secure_access s;
    struct err err;

    assert_int_equal(read_text("option transport.socket.ssl-cert-depth 3\n", &s, &err), 0);
    assert_int_equal(s.cert_depth, 3);
    assert_int_equal(read_text("  option   transport.socket.ssl-cert-depth 2", &s, &err), 0);
    assert_int_equal(s.cert_depth, 2);
    assert_int_equal(read_text("option transport.socket.ssl-cert-depth many\n", &s, &err), -EINVAL);
    assert_non_null(strstr(err.text, "ssl-cert-depth"));
    assert_int_equal(read_text("option transport.socket.ssl-cert-depth -1\n", &s, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_being_there_is_all_it_takes),
        cmocka_unit_test(it_may_say_how_long_a_chain_may_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
