/* A stream with its peer, and reads of it that run in coroutines: for the tests of streams. */
#ifndef GUST_NET_STREAM_FOR_TESTS_H
#define GUST_NET_STREAM_FOR_TESTS_H

#include "pool/loop_for_tests.h"
#include "net/stream.h"

#include <gust/error.h>

#include <netinet/tcp.h>

/* A stream and its peer, a plain descriptor. */
static gust_stream *stream;
static int peer;

static inline void open_local(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    peer = fds[1];
    stream = gust_stream_new(fds[0]);
    assert_non_null(stream);
}

static inline void open_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&address, &length);
    peer = connect_tcp(ntohs(address.sin_port), AF_INET);
    stream = gust_stream_new(accept(listener, NULL, NULL));
    assert_non_null(stream);
    close(listener);
}

static inline void close_peer(void)
{
    if (peer >= 0)
        close(peer);
    peer = -1;
}

static inline void end(void)
{
    gust_stream_free(stream);
    close_peer();
}

static inline void peer_sends(const char *text)
{
    size_t size = strlen(text);
    assert_int_equal(write(peer, text, size), size);
}

static inline void peer_receives(const char *text)
{
    char got[100];
    size_t size = strlen(text), have = 0;
    while (have < size) {
        ssize_t more = read(peer, got + have, size - have);
        assert_true(more > 0);
        have += (size_t)more;
    }
    assert_memory_equal(got, text, size);
}

/* ---- calls that run in coroutines ---- */

enum how { SOME, EXACTLY, UNTIL, PATTERN, TO_END };

struct reading {
    enum how how;
    const char *text;
    size_t max;
    ssize_t result;
    int code;
    bool done;
    bool terminated;
    char got[200000];
};

static inline int read_it(void *argument)
{
    struct reading *reading = argument;
    gust_bytes bytes = {0};
    errno = 0;
    if (reading->how == SOME)
        reading->result = gust_stream_read(stream, reading->got, reading->max);
    else if (reading->how == EXACTLY)
        reading->result = gust_stream_read_exactly(stream, reading->got, reading->max);
    else if (reading->how == UNTIL)
        reading->result = gust_stream_read_until(stream, reading->text, reading->max, &bytes);
    else if (reading->how == PATTERN)
        reading->result = gust_stream_read_until_pattern(stream, reading->text, reading->max, &bytes);
    else
        reading->result = gust_stream_read_to_end(stream, reading->max, &bytes);
    reading->code = errno;
    if (bytes.data && reading->result >= 0) {
        assert_int_equal(bytes.len, reading->result);
        memcpy(reading->got, bytes.data, bytes.len + 1);
        reading->terminated = reading->got[bytes.len] == '\0';
    }
    reading->done = true;
    return 0;
}

static inline struct reading *start(enum how how, const char *text, size_t max)
{
    static struct reading readings[2];
    static int turn;
    struct reading *reading = &readings[turn++ % 2];
    memset(reading, 0, sizeof(*reading));
    reading->how = how;
    reading->text = text;
    reading->max = max;
    assert_non_null(gust__coroutine_start(test_loop, NULL, NULL, read_it, reading));
    return reading;
}

static inline void expect(struct reading *reading, ssize_t result, int code, const char *got)
{
    RUN_UNTIL(reading->done);
    assert_int_equal(reading->result, result);
    if (result < 0)
        assert_int_equal(reading->code, code);
    if (got)
        assert_memory_equal(reading->got, got, strlen(got));
    if (got && reading->how >= UNTIL)
        assert_true(reading->terminated);
}

#define READ(how, text, max, result, code, got) expect(start(how, text, max), result, code, got)

#endif
