/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* auth.c: see auth.h. A list is walked as it stands in the volume file; nothing is prepared, SETVOLUME is rare. */
#include "auth.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define ELEMENT_MAX 1024 /* a longer element of a list matches nobody and is refused by auth_check_rules() */

enum verdict { DONT_CARE, ACCEPT, REJECT };

/* ---- addresses --------------------------------------------------------------------------------------------------------- */

/* An address as 16 bytes: IPv4 in its mapped form, so that one comparison serves both families. */
struct address {
    bool ip;                 /* false: a unix socket */
    uint8_t b[16];
    unsigned int port;
    char text[INET6_ADDRSTRLEN];
};
static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const uint8_t b[16])
{
    return memcmp(b, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static void address_text(struct address *a)
{
    if (is_v4(a->b))
        inet_ntop(AF_INET, a->b + 12, a->text, sizeof(a->text));
    else
        inet_ntop(AF_INET6, a->b, a->text, sizeof(a->text));
}

static struct address address_of(const struct sockaddr_storage *ss)
{
    struct address a = {0};

    if (ss->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
        a.ip = true;
        memcpy(a.b, mapped_prefix, sizeof(mapped_prefix));
        memcpy(a.b + 12, &in->sin_addr, 4);
        a.port = ntohs(in->sin_port);
        address_text(&a);
    } else if (ss->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
        a.ip = true;
        memcpy(a.b, &in6->sin6_addr, 16);
        a.port = ntohs(in6->sin6_port);
        address_text(&a);
    }
    return a;
}

bool auth_address(const struct sockaddr_storage *ss, uint8_t ret[16])
{
    struct address a = address_of(ss);

    memcpy(ret, a.b, sizeof(a.b));
    return a.ip;
}

static bool address_parse(const char *text, uint8_t ret[16])
{
    struct in_addr v4;

    if (inet_pton(AF_INET, text, &v4) == 1) {
        memcpy(ret, mapped_prefix, sizeof(mapped_prefix));
        memcpy(ret + 12, &v4, 4);
        return true;
    }
    return inet_pton(AF_INET6, text, ret) == 1;
}

/* "192.0.2.0/24", "2001:db8::/32" */
static bool network_parse(const char *text, uint8_t ret[16], unsigned int *ret_bits)
{
    char addr[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    char *end;

    if (!slash || (size_t)(slash - text) >= sizeof(addr) || !isdigit((unsigned char)slash[1]))
        return false;
    memcpy(addr, text, (size_t)(slash - text));
    addr[slash - text] = '\0';
    unsigned long bits = strtoul(slash + 1, &end, 10);
    if (*end || !address_parse(addr, ret))
        return false;
    bool v4 = !strchr(addr, ':');
    if (bits > (v4 ? 32 : 128))
        return false;
    *ret_bits = (unsigned int)bits + (v4 ? 96 : 0);
    return true;
}

static bool in_network(const uint8_t a[16], const uint8_t net[16], unsigned int bits)
{
    unsigned int whole = bits / 8, rest = bits % 8;

    if (memcmp(a, net, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ net[whole]) >> (8 - rest)) == 0;
}

static bool is_loopback(const uint8_t a[16])
{
    static const uint8_t v6[16] = {[15] = 1};

    return memcmp(a, v6, 16) == 0 || (is_v4(a) && a[12] == 127);
}

/* Letters, digits, '-', '.' and '_', with a letter among them, and no IPv6 colon: what a resolver would be asked. */
static bool is_host_name(const char *text)
{
    bool letter = false;

    for (const char *p = text; *p; p++) {
        if (!isalnum((unsigned char)*p) && !strchr("-._", *p))
            return false;
        letter |= isalpha((unsigned char)*p) != 0;
    }
    return letter;
}

static bool names_host(const char *el)
{
    uint8_t b[16];

    return is_host_name(el) && !address_parse(el, b) && strcasecmp(el, "localhost") != 0;
}

static bool element_matches(const struct auth_conf *conf, const char *el, const struct address *a)
{
    uint8_t b[16];
    unsigned int bits;
    bool invert = *el == '!', hit;

    if (invert)
        el++;
    if (address_parse(el, b))
        hit = memcmp(b, a->b, 16) == 0;
    else if (network_parse(el, b, &bits))
        hit = in_network(a->b, b, bits);
    else if (strcasecmp(el, "localhost") == 0)
        hit = is_loopback(a->b);
    else if (names_host(el))
        hit = conf->host_has && conf->host_has(conf->ctx, el, a->b);
    else
        hit = fnmatch(el, a->text, 0) == 0;
    return hit != invert;
}

/* ---- lists ------------------------------------------------------------------------------------------------------------- */

/* Cuts the next element off *at. Separators within parentheses do not count. False: the end. An element that is too long
 * comes back empty with *ret_long set. */
static bool next_element(const char **at, const char *separators, char el[ELEMENT_MAX], bool *ret_long)
{
    const char *p = *at, *end;
    int depth = 0;

    while (*p && strchr(separators, *p))
        p++;
    if (!*p)
        return false;
    for (end = p; *end && (depth > 0 || !strchr(separators, *end)); end++)
        depth += *end == '(' ? 1 : *end == ')' && depth > 0 ? -1 : 0;
    *at = end;
    while (end > p && isspace((unsigned char)end[-1]))
        end--;
    *ret_long = (size_t)(end - p) >= ELEMENT_MAX;
    size_t len = *ret_long ? 0 : (size_t)(end - p);
    memcpy(el, p, len);
    el[len] = '\0';
    return true;
}

/* "/dir(a|b)": cut in place into "/dir" and "a|b". */
static bool split_subdir(char *el, char **ret_hosts)
{
    char *open = strchr(el, '(');
    size_t len = strlen(el);

    if (*el != '/' || !open || el[len - 1] != ')')
        return false;
    el[len - 1] = '\0';
    *open = '\0';
    *ret_hosts = open + 1;
    return true;
}

static bool has_directories(const char *list)
{
    char el[ELEMENT_MAX];
    bool too_long;

    while (next_element(&list, ", ", el, &too_long))
        if (*el == '/')
            return true;
    return false;
}

/* Elements of a list that count for this subdirectory are tried in order; the first that matches decides. Those without a directory
 * count for all in a list without any, else for "/" (plain false) or still for all (plain true: who is rejected). */
static bool address_listed(const struct auth_conf *conf, const char *list, const char *subdir, bool plain, const struct address *a)
{
    char el[ELEMENT_MAX], inner[ELEMENT_MAX];
    bool all = plain || strcmp(subdir, "/") == 0 || !has_directories(list);
    char *hosts;
    bool too_long;

    while (next_element(&list, ", ", el, &too_long)) {
        if (!*el)
            continue;
        if (*el == '/') {
            if (!split_subdir(el, &hosts) || strcmp(el, subdir) != 0)
                continue;
            const char *rest = hosts;
            while (next_element(&rest, "| ", inner, &too_long))
                if (*inner && element_matches(conf, inner, a))
                    return true;
        } else if (all && element_matches(conf, el, a)) {
            return true;
        }
    }
    return false;
}

static bool name_listed(const char *list, const char *name)
{
    char el[ELEMENT_MAX];
    bool too_long;

    while (next_element(&list, ", ", el, &too_long))
        if (*el && fnmatch(el, name, 0) == 0)
            return true;
    return false;
}

/* ---- the two modules --------------------------------------------------------------------------------------------------- */

static const char *rule(const struct optset *rules, const char *module, const char *name, const char *word)
{
    for (unsigned int i = rules->n; i-- > 0;) { /* the last of equal keys wins */
        const char *key = rules->pairs[i].key;
        size_t m = strlen(module), n = strlen(name);
        if (strncmp(key, "auth.", 5) == 0 && strncmp(key + 5, module, m) == 0 && key[5 + m] == '.' &&
            strncmp(key + 6 + m, name, n) == 0 && key[6 + m + n] == '.' && strcmp(key + 7 + m + n, word) == 0)
            return rules->pairs[i].value;
    }
    return NULL;
}

static bool has_module(const struct optset *rules, const char *module)
{
    size_t m = strlen(module);

    for (unsigned int i = 0; i < rules->n; i++)
        if (strncmp(rules->pairs[i].key, "auth.", 5) == 0 && strncmp(rules->pairs[i].key + 5, module, m) == 0 &&
            rules->pairs[i].key[5 + m] == '.')
            return true;
    return false;
}

static enum verdict ask_addr(const struct optset *rules, const struct auth_conf *conf, const struct auth_asker *who, const char **why)
{
    const char *allow = rule(rules, "addr", who->brick, "allow");
    const char *reject = rule(rules, "addr", who->brick, "reject");
    const char *subdir = who->subdir ? who->subdir : "/";
    struct address a = address_of(who->addr);

    if (!allow)
        allow = rule(rules, "ip", who->brick, "allow"); /* its name before 3.0 */
    if (!allow && !reject)
        return DONT_CARE;
    if (!a.ip)
        return ACCEPT; /* whoever may open a unix socket is on this machine */
    if (!conf->allow_insecure && a.port >= 1024) {
        *why = "its source port is not below 1024 and rpc-auth-allow-insecure is off";
        return REJECT;
    }
    if (reject && address_listed(conf, reject, subdir, true, &a)) {
        *why = "its address is in auth.addr's reject list";
        return REJECT;
    }
    return allow && address_listed(conf, allow, subdir, false, &a) ? ACCEPT : DONT_CARE;
}

/* Equal in a time that does not tell where they differ. */
static bool same_secret(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    unsigned char diff = la != lb;

    for (size_t i = 0; i < la; i++)
        diff |= (unsigned char)a[i] ^ (unsigned char)b[i < lb ? i : lb];
    return diff == 0;
}

static enum verdict ask_password(const struct optset *rules, const struct auth_asker *who, const char **ret_user, const char **why)
{
    const char *allow = rule(rules, "login", who->brick, "allow");

    if (!who->user || !who->password || !allow || !name_listed(allow, who->user))
        return DONT_CARE;
    const char *password = rule(rules, "login", who->user, "password");
    if (password && same_secret(who->password, password)) {
        *ret_user = who->user;
        return ACCEPT;
    }
    *why = "wrong password";
    return REJECT;
}

static enum verdict ask_certificate(const struct optset *rules, const struct auth_asker *who, const char **why)
{
    const char *allow = rule(rules, "login", who->brick, "ssl-allow");

    if (!allow)
        return DONT_CARE;
    if (who->common_name && name_listed(allow, who->common_name))
        return ACCEPT;
    for (char *const *alt = who->alt_names; alt && *alt; alt++)
        if (name_listed(allow, *alt))
            return ACCEPT;
    *why = "no name of its certificate is in auth.ssl-allow";
    return REJECT;
}

bool auth_allowed(const struct optset *rules, const struct auth_conf *conf, const struct auth_asker *who, const char **ret_user,
                  const char **ret_why)
{
    const char *why = "no rule accepts it";
    unsigned int modules = 0, accepts = 0, rejects = 0;

    *ret_user = NULL;
    if (has_module(rules, "addr") || has_module(rules, "ip")) {
        enum verdict v = ask_addr(rules, conf, who, &why);
        modules++, accepts += v == ACCEPT, rejects += v == REJECT;
    }
    if (has_module(rules, "login")) {
        const char *ignored = NULL;
        enum verdict login = ask_password(rules, who, ret_user, who->tls ? &ignored : &why);
        enum verdict v = who->tls ? ask_certificate(rules, who, &why) : login;
        modules++, accepts += v == ACCEPT, rejects += v == REJECT;
    }
    *ret_why = why;
    return rejects == 0 && (conf->strict ? accepts == modules && modules > 0 : accepts > 0);
}

bool auth_port_privileged(const struct sockaddr_storage *addr)
{
    struct address a = address_of(addr);

    return !a.ip || a.port < 1024;
}

/* ---- what a person wrote ------------------------------------------------------------------------------------------------ */

/* Calls fn for each element, those within parentheses one by one, until it returns something else than 0. el: in place, until then.
 * -E2BIG: an element is too long; -ENOTDIR: one that begins with "/" has no "(...)" behind it. */
static int each_element(const char *list, int (*fn)(const char *el, void *ctx), void *ctx)
{
    char el[ELEMENT_MAX], inner[ELEMENT_MAX];
    const char *rest;
    char *hosts;
    bool too_long;
    int r = 0;

    while (r == 0 && next_element(&list, ", ", el, &too_long)) {
        if (too_long)
            return -E2BIG;
        if (*el != '/') {
            r = fn(el, ctx);
            continue;
        }
        if (!split_subdir(el, &hosts))
            return -ENOTDIR;
        for (rest = hosts; r == 0 && next_element(&rest, "| ", inner, &too_long);)
            r = fn(inner, ctx);
    }
    return r;
}

struct check {
    const struct optpair *p;
    const char *who;
    struct err *err;
};

static int check_element(const char *el, void *ctx)
{
    const struct check *c = ctx;
    const struct optpair *p = c->p;
    uint8_t b[16];
    unsigned int bits;
    bool invert = *el == '!';

    if (invert)
        el++;
    if (strchr(el, '/') && !network_parse(el, b, &bits))
        return err_set(c->err, -EINVAL, "%s:%d: volume %s: option %s: \"%s\" is not a network (write 192.0.2.0/24)", p->file, p->line,
                       c->who, p->key, el);
    if (invert && names_host(el))
        return err_set(c->err, -EINVAL, "%s:%d: volume %s: option %s: \"!%s\": \"!\" is for networks and patterns, not for host names",
                       p->file, p->line, c->who, p->key, el);
    return 0;
}

static int check_addresses(const struct optpair *p, const char *who, struct err *err)
{
    struct check c = {.p = p, .who = who, .err = err};
    int r = each_element(p->value, check_element, &c);

    if (r == -E2BIG)
        return err_set(err, -EINVAL, "%s:%d: volume %s: option %s: an element is longer than %d bytes", p->file, p->line, who, p->key,
                       ELEMENT_MAX - 1);
    if (r == -ENOTDIR)
        return err_set(err, -EINVAL, "%s:%d: volume %s: option %s: \"%s\": write /directory(address|address)", p->file, p->line, who,
                       p->key, p->value);
    return r;
}

static bool ends_with(const char *text, const char *end)
{
    size_t t = strlen(text), e = strlen(end);

    return t > e && strcmp(text + t - e, end) == 0;
}

static bool is_address_list(const char *key)
{
    return strncmp(key, "auth.addr.", 10) == 0 || strncmp(key, "auth.ip.", 8) == 0;
}

int auth_check_rules(const struct optset *rules, const char *who, struct err *err)
{
    int r;

    for (unsigned int i = 0; i < rules->n; i++) {
        const struct optpair *p = &rules->pairs[i];
        if (strncmp(p->key, "auth.", 5) != 0)
            continue;
        const char *what = p->key + 5;
        if (is_address_list(p->key)) {
            if (!ends_with(what, ".allow") && !ends_with(what, ".reject"))
                return err_set(err, -EINVAL, "%s:%d: volume %s: option %s: must end in .allow or .reject", p->file, p->line, who, p->key);
            if ((r = check_addresses(p, who, err)) < 0)
                return r;
        } else if (strncmp(what, "login.", 6) == 0) {
            if (!ends_with(what, ".allow") && !ends_with(what, ".password") && !ends_with(what, ".ssl-allow"))
                return err_set(err, -EINVAL, "%s:%d: volume %s: option %s: must end in .allow, .password or .ssl-allow", p->file, p->line,
                               who, p->key);
        } else {
            return err_set(err, -EINVAL, "%s:%d: volume %s: option %s: there is no such authentication module (addr, login)", p->file,
                           p->line, who, p->key);
        }
    }
    return 0;
}

/* ---- host names ----------------------------------------------------------------------------------------------------------- */

struct names {
    char **v;
    unsigned int n;
};

static int add_name(const char *el, void *ctx)
{
    struct names *to = ctx;

    if (!names_host(el))
        return 0;
    for (unsigned int i = 0; i < to->n; i++)
        if (strcasecmp(to->v[i], el) == 0)
            return 0;
    char **v = reallocarray(to->v, to->n + 1, sizeof(*v));
    if (!v)
        return -ENOMEM;
    to->v = v;
    v[to->n] = strdup(el);
    return v[to->n] && ++to->n ? 0 : -ENOMEM;
}

void auth_free_names(char **names, unsigned int n)
{
    while (n-- > 0)
        free(names[n]);
    free(names);
}

int auth_host_names(const struct optset *rules, char ***ret, unsigned int *ret_n)
{
    struct names names = {0};
    int r = 0;

    for (unsigned int i = 0; i < rules->n && r == 0; i++)
        if (is_address_list(rules->pairs[i].key))
            r = each_element(rules->pairs[i].value, add_name, &names);
    if (r < 0) {
        auth_free_names(names.v, names.n);
        return r;
    }
    *ret = names.v;
    *ret_n = names.n;
    return 0;
}
