/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* raw-tls: what one TLS stream between two processes costs, with nothing above it: the floor for whoever moves files over TLS.
 *
 *   raw-tls PKI-FOLDER SIZE TOTAL [CIPHERSUITES]
 *
 * One process writes TOTAL messages of SIZE bytes, SSL_write() each, into a buffer of 256 KiB in front of the socket; another reads them
 * with SSL_read() and 64 KiB of read-ahead, the best of what was tried. TCP on this machine, TLS 1.3. CIPHERSUITES: as
 * SSL_CTX_set_ciphersuites() has it; without, what OpenSSL prefers, as GlusterFS and we have it.
 * Prints "raw:SIZE:CIPHER TOTAL SECONDS CPU-SECONDS-OF-THE-SENDER OF-THE-RECEIVER". */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { WRITE_BUFFER = 256 << 10, READ_AHEAD = 64 << 10 };

static size_t size;
static long total;

_Noreturn static void fail(const char *what)
{
    perror(what);
    ERR_print_errors_fp(stderr);
    _exit(1);
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double own_cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static SSL_CTX *context(const SSL_METHOD *method, const char *dir, const char *who, const char *suites)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    char path[4096];

    snprintf(path, sizeof path, "%s/%s.pem", dir, who);
    if (!ctx || SSL_CTX_use_certificate_chain_file(ctx, path) != 1)
        fail(path);
    snprintf(path, sizeof path, "%s/%s.key", dir, who);
    if (SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1)
        fail(path);
    snprintf(path, sizeof path, "%s/ca.pem", dir);
    if (SSL_CTX_load_verify_locations(ctx, path, NULL) != 1)
        fail(path);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    if (suites && SSL_CTX_set_ciphersuites(ctx, suites) != 1)
        fail(suites);
    return ctx;
}

static void send_all(SSL *ssl, char *message)
{
    BIO *stage = BIO_new(BIO_f_buffer());

    if (!stage || BIO_set_write_buffer_size(stage, WRITE_BUFFER) != 1)
        fail("a buffer");
    BIO_up_ref(SSL_get_rbio(ssl));
    BIO_push(stage, SSL_get_rbio(ssl));
    SSL_set0_wbio(ssl, stage);
    for (long i = 0; i < total; i++)
        if (SSL_write(ssl, message, (int)size) != (int)size)
            fail("SSL_write");
    if (BIO_flush(stage) != 1)
        fail("flush");
}

static int sender(const char *dir, const char *suites, int port, int report)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    SSL *ssl = SSL_new(context(TLS_client_method(), dir, "client", suites));
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    char *message = malloc(size), ready;
    double cpu;

    if (!message || connect(fd, (struct sockaddr *)&in, sizeof in) < 0)
        fail("connect");
    memset(message, 'x', size);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) != 1 || SSL_read(ssl, &ready, 1) != 1) /* the byte comes behind all that belongs to the handshake */
        fail("SSL_connect");
    cpu = own_cpu();
    send_all(ssl, message);
    cpu = own_cpu() - cpu;
    if (write(report, &cpu, sizeof cpu) != sizeof cpu)
        fail("report");
    SSL_read(ssl, &ready, 1); /* until the other side has all of it */
    return 0;
}

static void receive_all(SSL *ssl, char *message)
{
    for (long i = 0; i < total; i++)
        for (size_t have = 0; have < size;) {
            int n = SSL_read(ssl, message + have, (int)(size - have));
            if (n <= 0)
                fail("SSL_read");
            have += (size_t)n;
        }
}

int main(int argc, char **argv)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int at = socket(AF_INET, SOCK_STREAM, 0), report[2], fd, one = 1;
    double cpu, others, began, took;
    char *message;
    SSL_CTX *ctx;
    SSL *ssl;
    pid_t pid;

    if (argc < 4 || argc > 5 || (size = (size_t)atol(argv[2])) == 0 || size > 1 << 30 || (total = atol(argv[3])) <= 0) {
        fprintf(stderr, "usage: raw-tls PKI-FOLDER SIZE TOTAL [CIPHERSUITES]\n");
        return 2;
    }
    if (pipe(report) < 0 || bind(at, (struct sockaddr *)&in, sizeof in) < 0 || listen(at, 1) < 0 ||
        getsockname(at, (struct sockaddr *)&in, &len) < 0)
        fail("listen");
    pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0)
        _exit(sender(argv[1], argv[4], ntohs(in.sin_port), report[1]));
    close(report[1]);
    fd = accept(at, NULL, NULL);
    message = malloc(size);
    ctx = context(TLS_server_method(), argv[1], "server", argv[4]);
    ssl = SSL_new(ctx);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    SSL_set_fd(ssl, fd);
    if (!message || SSL_accept(ssl) != 1)
        fail("SSL_accept");
    memset(message, 0, size);
    SSL_set_default_read_buffer_len(ssl, READ_AHEAD);
    SSL_set_read_ahead(ssl, 1);
    if (SSL_write(ssl, "", 1) != 1)
        fail("SSL_write");
    cpu = own_cpu();
    began = now();
    receive_all(ssl, message);
    took = now() - began;
    cpu = own_cpu() - cpu;
    if (read(report[0], &others, sizeof others) != sizeof others)
        fail("the sender's report");
    printf("raw:%zu:%s %ld %.4f %.4f %.4f\n", size, SSL_get_cipher_name(ssl), total, took, others, cpu);
    SSL_shutdown(ssl);
    close(fd);
    waitpid(pid, NULL, 0);
    return 0;
}
