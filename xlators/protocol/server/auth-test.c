/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "auth.h"

static struct sockaddr_storage v4(const char *text, unsigned int port)
{
    struct sockaddr_storage ss = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&ss;

    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)port);
    assert_int_equal(inet_pton(AF_INET, text, &in->sin_addr), 1);
    return ss;
}

static struct sockaddr_storage v6(const char *text)
{
    struct sockaddr_storage ss = {0};
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)&ss;

    in->sin6_family = AF_INET6;
    in->sin6_port = htons(49151);
    assert_int_equal(inet_pton(AF_INET6, text, &in->sin6_addr), 1);
    return ss;
}

/* "key=value;key=value" */
static struct optset rules_of(const char *text)
{
    struct optset set = {0};
    char *copy = strdup(text), *save, *pair;

    for (pair = strtok_r(copy, ";", &save); pair; pair = strtok_r(NULL, ";", &save)) {
        char *eq = strchr(pair, '=');
        *eq = '\0';
        assert_int_equal(optset_add(&set, pair, eq + 1, "test.vol", 7), 0);
    }
    free(copy);
    return set;
}

static const struct auth_conf usual = {.allow_insecure = true};

static bool lets_in(const char *rules, const struct auth_conf *conf, struct auth_asker who)
{
    struct optset set = rules_of(rules);
    const char *user, *why;
    bool in = auth_allowed(&set, conf, &who, &user, &why);

    optset_done(&set);
    return in;
}

static bool lets_address_in(const char *rules, struct sockaddr_storage addr)
{
    return lets_in(rules, &usual, (struct auth_asker){.brick = "/b", .addr = &addr});
}

static void addresses_are_compared_as_lists_of_patterns_say(void **state)
{
    static const struct {
        const char *rules, *peer;
        bool in;
    } cases[] = {
        {"auth.addr./b.allow=*", "192.0.2.7", true},
        {"auth.addr./b.allow=192.0.2.7", "192.0.2.7", true},
        {"auth.addr./b.allow=192.0.2.7", "192.0.2.70", false},
        {"auth.addr./b.allow=198.51.100.1,192.0.2.*", "192.0.2.7", true},
        {"auth.addr./b.allow=198.51.100.1, 192.0.2.7", "192.0.2.7", true},
        {"auth.addr./b.allow=192.0.2.0/25", "192.0.2.127", true},
        {"auth.addr./b.allow=192.0.2.0/25", "192.0.2.128", false},
        {"auth.addr./b.allow=0.0.0.0/0", "203.0.113.9", true},
        {"auth.addr./b.allow=!192.0.2.7", "192.0.2.7", false},
        {"auth.addr./b.allow=!192.0.2.7", "192.0.2.8", true},
        {"auth.addr./b.allow=!10.0.0.0/8,10.1.1.1", "10.1.1.1", true}, /* '!' holds for its own element only */
        {"auth.addr./b.allow=localhost", "127.0.0.1", true},
        {"auth.addr./b.allow=localhost", "192.0.2.7", false},
        {"auth.addr./b.allow=*;auth.addr./b.reject=192.0.2.0/24", "192.0.2.7", false},
        {"auth.addr./b.allow=*;auth.addr./b.reject=192.0.2.0/24", "192.0.3.7", true},
        {"auth.addr./b.reject=192.0.2.0/24", "192.0.3.7", false}, /* not rejected is not yet accepted */
        {"auth.addr./other.allow=*", "192.0.2.7", false},
        {"auth.ip./b.allow=192.0.2.7", "192.0.2.7", true},
        {"auth.addr./b.allow=/sub(192.0.2.7)", "192.0.2.7", false},
        {"auth.addr./b.allow=/(192.0.2.7|192.0.2.8)", "192.0.2.8", true},
        {"auth.addr./b.allow=", "192.0.2.7", false},
        {"auth.addr./b.allow=*;auth.addr./b.allow=10.0.0.1", "192.0.2.7", false}, /* the last of equal keys wins */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (lets_address_in(cases[i].rules, v4(cases[i].peer, 49151)) != cases[i].in)
            fail_msg("%s against %s", cases[i].rules, cases[i].peer);
}

static void a_directory_in_a_list_counts_for_that_subdirectory_only(void **state)
{
    struct sockaddr_storage peer = v4("192.0.2.7", 49151);
    struct auth_asker who = {.brick = "/b", .addr = &peer, .subdir = "/sub"};

    assert_true(lets_in("auth.addr./b.allow=/sub(192.0.2.7)", &usual, who));
    assert_false(lets_in("auth.addr./b.allow=/sub", &usual, who)); /* is refused at start */
    assert_false(lets_in("auth.addr./b.allow=/sub(192.0.2.8),/(*)", &usual, who));
    assert_false(lets_in("auth.addr./b.allow=/su(*),/sub/deep(*)", &usual, who));
}

static void an_element_without_a_directory_counts_for_all_of_them(void **state)
{
    struct sockaddr_storage peer = v4("192.0.2.7", 49151);
    struct auth_asker who = {.brick = "/b", .addr = &peer, .subdir = "/sub"};

    assert_true(lets_in("auth.addr./b.allow=*", &usual, who));
    assert_true(lets_in("auth.addr./b.allow=192.0.2.*", &usual, who));
    assert_false(lets_in("auth.addr./b.allow=192.0.2.*,/sub(10.0.0.1)", &usual, who)); /* but not beside directories */
    assert_false(lets_in("auth.addr./b.allow=*;auth.addr./b.reject=/d(10.0.0.1),192.0.2.7", &usual, who));
    assert_false(lets_in("auth.addr./b.allow=*;auth.addr./b.reject=192.0.2.7", &usual, who));
    assert_false(lets_in("auth.addr./b.allow=*;auth.addr./b.reject=/sub(192.0.2.7)", &usual, who));
    assert_true(lets_in("auth.addr./b.allow=*;auth.addr./b.reject=/other(192.0.2.7)", &usual, who));
}

/* "near" is 192.0.2.7, and nobody else is anybody. */
static bool near_has(void *ctx, const char *name, const uint8_t addr[16])
{
    return strcmp(name, "near.example") == 0 && memcmp(addr, (const uint8_t[]){[10] = 0xff, 0xff, 192, 0, 2, 7}, 16) == 0;
}

static void a_host_name_is_its_addresses(void **state)
{
    static const struct auth_conf conf = {.allow_insecure = true, .host_has = near_has};
    struct sockaddr_storage peer = v4("192.0.2.7", 49151), other = v4("192.0.2.8", 49151);
    struct auth_asker near = {.brick = "/b", .addr = &peer}, far = {.brick = "/b", .addr = &other};

    assert_true(lets_in("auth.addr./b.allow=far.example,near.example", &conf, near));
    assert_false(lets_in("auth.addr./b.allow=far.example,near.example", &conf, far));
    assert_false(lets_in("auth.addr./b.allow=*;auth.addr./b.reject=near.example", &conf, near));
    assert_true(lets_in("auth.addr./b.allow=/(near.example)", &conf, near));
    assert_false(lets_in("auth.addr./b.allow=near.example", &usual, near)); /* nobody knows any host */
}

static void host_names_are_found_in_the_lists_each_once(void **state)
{
    struct optset set = rules_of("auth.addr./b.allow=*,h1,10.*,h2.example,/d(h3|10.0.0.1|H1);auth.addr./b.reject=h1,2001:db8::1,localhost;"
                                 "auth.login./b.ssl-allow=h9");
    char **names;
    unsigned int n;

    assert_int_equal(auth_host_names(&set, &names, &n), 0);
    assert_int_equal(n, 3);
    assert_string_equal(names[0], "h1");
    assert_string_equal(names[1], "h2.example");
    assert_string_equal(names[2], "h3");
    auth_free_names(names, n);
    optset_done(&set);
}

static void ipv6_peers_match_addresses_networks_and_mapped_ipv4(void **state)
{
    assert_true(lets_address_in("auth.addr./b.allow=2001:db8::/32", v6("2001:db8:1::5")));
    assert_false(lets_address_in("auth.addr./b.allow=2001:db8::/32", v6("2001:db9::5")));
    assert_true(lets_address_in("auth.addr./b.allow=2001:db8:0::5", v6("2001:db8::5")));
    assert_true(lets_address_in("auth.addr./b.allow=192.0.2.0/24", v6("::ffff:192.0.2.9")));
    assert_true(lets_address_in("auth.addr./b.allow=localhost", v6("::1")));
}

static void a_unix_socket_has_no_address_to_check(void **state)
{
    struct sockaddr_storage un = {.ss_family = AF_UNIX};

    assert_true(lets_address_in("auth.addr./b.allow=192.0.2.7", un));
    assert_true(auth_port_privileged(&un));
}

static void high_ports_are_rejected_when_insecure_is_off(void **state)
{
    struct auth_conf strict_ports = {.allow_insecure = false};
    struct sockaddr_storage high = v4("192.0.2.7", 1024), low = v4("192.0.2.7", 1023);

    assert_false(lets_in("auth.addr./b.allow=*", &strict_ports, (struct auth_asker){.brick = "/b", .addr = &high}));
    assert_true(lets_in("auth.addr./b.allow=*", &strict_ports, (struct auth_asker){.brick = "/b", .addr = &low}));
    assert_true(auth_port_privileged(&low));
    assert_false(auth_port_privileged(&high));
}

#define LOGIN "auth.login./b.allow=joe,ann;auth.login.joe.password=secret"

static void a_password_is_needed_for_a_listed_user_only(void **state)
{
    struct sockaddr_storage peer = v4("192.0.2.7", 49151);
    struct auth_asker who = {.brick = "/b", .addr = &peer, .user = "joe", .password = "secret"};

    assert_true(lets_in(LOGIN, &usual, who));
    who.password = "secre";
    assert_false(lets_in(LOGIN ";auth.addr./b.allow=*", &usual, who)); /* a wrong password refuses whatever the address */
    who.user = "ann"; /* listed, without a password option */
    assert_false(lets_in(LOGIN ";auth.addr./b.allow=*", &usual, who));
    who.user = "eve"; /* not listed: don't care */
    assert_true(lets_in(LOGIN ";auth.addr./b.allow=*", &usual, who));
    assert_false(lets_in(LOGIN, &usual, who));
    who.user = NULL;
    assert_true(lets_in(LOGIN ";auth.addr./b.allow=*", &usual, who));
}

static void only_a_proven_user_is_told(void **state)
{
    struct sockaddr_storage peer = v4("192.0.2.7", 49151);
    struct auth_asker who = {.brick = "/b", .addr = &peer, .user = "joe", .password = "secret"};
    struct optset set = rules_of(LOGIN ";auth.addr./b.allow=*");
    const char *user, *why;

    assert_true(auth_allowed(&set, &usual, &who, &user, &why));
    assert_string_equal(user, "joe");
    who.user = "eve";
    assert_true(auth_allowed(&set, &usual, &who, &user, &why));
    assert_null(user);
    optset_done(&set);
}

static void strict_wants_every_module_to_accept(void **state)
{
    struct auth_conf strict = {.allow_insecure = true, .strict = true};
    struct sockaddr_storage peer = v4("192.0.2.7", 49151);
    struct auth_asker who = {.brick = "/b", .addr = &peer};

    assert_true(lets_in("auth.addr./b.allow=*", &strict, who));
    assert_false(lets_in(LOGIN ";auth.addr./b.allow=*", &strict, who));
    who.user = "joe", who.password = "secret";
    assert_true(lets_in(LOGIN ";auth.addr./b.allow=*", &strict, who));
    assert_false(lets_in(LOGIN ";auth.addr./b.allow=10.*", &strict, who));
}

static void a_certificate_is_let_in_by_its_name_or_an_alternative_name(void **state)
{
    char *names[] = {"host7.example", "192.0.2.7", NULL};
    struct sockaddr_storage peer = v4("192.0.2.7", 49151);
    struct auth_asker who = {.brick = "/b", .addr = &peer, .tls = true, .common_name = "client one", .alt_names = names};

    assert_true(lets_in("auth.login./b.ssl-allow=*", &usual, who));
    assert_true(lets_in("auth.login./b.ssl-allow=*.example", &usual, who));
    assert_true(lets_in("auth.login./b.ssl-allow=nobody,host7.example", &usual, who));
    assert_false(lets_in("auth.login./b.ssl-allow=host8.example;auth.addr./b.allow=*", &usual, who));
    assert_true(lets_in("auth.login./b.allow=x;auth.addr./b.allow=*", &usual, who)); /* no list: don't care */
    who.alt_names = NULL;
    assert_false(lets_in("auth.login./b.ssl-allow=host7.example", &usual, who));
    who.common_name = "host7.example";
    assert_true(lets_in("auth.login./b.ssl-allow=host7.example", &usual, who));
}

static void a_rule_that_cannot_be_obeyed_is_named_with_its_line(void **state)
{
    static const struct {
        const char *rules;
        int result;
        const char *word; /* in the sentence */
    } cases[] = {
        {"auth.addr./b.allow=*,192.0.2.0/24,!10.*,2001:db8::1,localhost,/d(10.0.0.1|*)", 0, NULL},
        {"auth.login./b.allow=joe;auth.login.joe.password=x;auth.login./b.ssl-allow=a.example", 0, NULL},
        {"auth.addr./b.allow=host7,10.0.0.1,/d(10.0.0.1|host7)", 0, NULL},
        {"auth.addr./b.reject=10.0.0.1,!host.example", -EINVAL, "host.example"},
        {"auth.addr./b.allow=/d", -EINVAL, "/directory("},
        {"auth.addr./b.allow=192.0.2.0/33", -EINVAL, "192.0.2.0/33"},
        {"auth.addr./b.allow=/d(10.0.0.1", -EINVAL, "/directory("},
        {"auth.addr./b.allowed=*", -EINVAL, "allow"},
        {"auth.kerberos./b.allow=*", -EINVAL, "module"},
        {"auth.login.joe.passwd=x", -EINVAL, "password"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct optset set = rules_of(cases[i].rules);
        struct err err = {0};
        int r = auth_check_rules(&set, "vol-server", &err);
        if (r != cases[i].result || (cases[i].word && !(strstr(err.text, cases[i].word) && strstr(err.text, "test.vol:7"))))
            fail_msg("%s: %d, \"%s\"", cases[i].rules, r, err.text);
        optset_done(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_compared_as_lists_of_patterns_say),
        cmocka_unit_test(a_directory_in_a_list_counts_for_that_subdirectory_only),
        cmocka_unit_test(an_element_without_a_directory_counts_for_all_of_them),
        cmocka_unit_test(a_host_name_is_its_addresses),
        cmocka_unit_test(host_names_are_found_in_the_lists_each_once),
        cmocka_unit_test(ipv6_peers_match_addresses_networks_and_mapped_ipv4),
        cmocka_unit_test(a_unix_socket_has_no_address_to_check),
        cmocka_unit_test(high_ports_are_rejected_when_insecure_is_off),
        cmocka_unit_test(a_password_is_needed_for_a_listed_user_only),
        cmocka_unit_test(only_a_proven_user_is_told),
        cmocka_unit_test(strict_wants_every_module_to_accept),
        cmocka_unit_test(a_certificate_is_let_in_by_its_name_or_an_alternative_name),
        cmocka_unit_test(a_rule_that_cannot_be_obeyed_is_named_with_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
