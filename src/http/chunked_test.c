#include "http/chunked.h"

#include "http/testing_chunked.h"

#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

struct bad {
    const char *data;
    size_t size;
    int status;
};

static void is_refused(void **state)
{
    const struct bad *bad = *state;
    struct testing_text *outcome = testing_decode(bad->data, bad->size, bad->size);
    fflush(outcome->stream);
    char expected[32];
    snprintf(expected, sizeof(expected), "refused=%d ", bad->status);
    if (!strstr(outcome->data, expected))
        fail_msg("not %s: %s", expected, outcome->data);
    testing_text_free(outcome);
    testing_check_chunked(bad->data, bad->size);
}

#define REFUSED(name, answer, text)                 \
    {                                               \
        name, is_refused, NULL, NULL, &(struct bad) \
        {                                           \
            text, sizeof(text) - 1, answer          \
        }                                           \
    }

static char trailer[64];

/* Decodes input, which must be good, into body. -> what is left of it */
static const char *decode(struct gust__chunked *chunked, const char *input, char *body)
{
    size_t size = strlen(input);
    testing_check_chunked(input, size);
    gust__chunked_init(chunked, trailer, sizeof(trailer));
    while (size && !gust__chunked_done(chunked)) {
        struct gust__slice payload;
        ssize_t consumed = gust__chunked_read(chunked, input, size, &payload);
        assert_true(consumed > 0);
        memcpy(body, payload.data, payload.size);
        body += payload.size;
        input += consumed;
        size -= (size_t)consumed;
    }
    *body = '\0';
    assert_true(gust__chunked_done(chunked));
    return input;
}

static void plain_body(void **state)
{
    (void)state;
    struct gust__chunked chunked;
    char body[64];
    assert_string_equal(decode(&chunked, "5\r\nhello\r\n00A\r\n, world...\r\n0\r\n\r\nGET", body), "GET");
    assert_string_equal(body, "hello, world...");
    assert_int_equal(gust__chunked_trailers(&chunked, NULL, 0), 0);
}

static void extensions_are_ignored(void **state)
{
    (void)state;
    struct gust__chunked chunked;
    char body[64];
    assert_string_equal(
        decode(&chunked, "2;a\r\nab\r\n1 \t;b=\"x;\\\"y\" ; c\r\nc\r\n0;z=\xff\r\n\r\n", body), "");
    assert_string_equal(body, "abc");
}

static void trailers_are_handed_over(void **state)
{
    (void)state;
    struct gust__chunked chunked;
    struct gust__header headers[2];
    char body[64];
    decode(&chunked, "0\r\nX-Sum: \t12 3 \r\nETag:\"q\"\r\n\r\n", body);
    assert_int_equal(gust__chunked_trailers(&chunked, headers, 2), 2);
    assert_true(gust__slice_equals(headers[0].name, GUST__SLICE("X-Sum")));
    assert_true(gust__slice_equals(headers[0].value, GUST__SLICE("12 3")));
    assert_int_equal(headers[1].id, GUST__HEADER_ETAG);
    errno = 0;
    assert_int_equal(gust__chunked_trailers(&chunked, headers, 1), -1);
    assert_int_equal(errno, EMSGSIZE);
}

/* The status for prefix, count times fill, suffix; 0: taken. */
static int status_of(const char *prefix, size_t count, const char *suffix, char *kept, size_t kept_size)
{
    size_t size = strlen(prefix) + count + strlen(suffix), at = 0;
    char *input = malloc(size + 1);
    memset(input, 'a', size);
    memcpy(input, prefix, strlen(prefix));
    memcpy(input + size - strlen(suffix), suffix, strlen(suffix) + 1);
    struct gust__chunked chunked;
    gust__chunked_init(&chunked, kept, kept_size);
    ssize_t consumed = 0;
    for (; at < size && consumed >= 0; at += (size_t)consumed) {
        struct gust__slice payload;
        consumed = gust__chunked_read(&chunked, input + at, size - at, &payload);
    }
    free(input);
    assert_true(consumed < 0 || gust__chunked_done(&chunked));
    return consumed < 0 ? chunked.fault.status : 0;
}

static void bad_input_6_extensions_are_bounded_over_the_message(void **state)
{
    (void)state;
    size_t max = GUST__CHUNKED_MAX_EXTENSIONS;
    assert_int_equal(status_of("0;", max - 2, "\r\n\r\n", NULL, 0), 0);
    assert_int_equal(status_of("0;", max - 1, "\r\n\r\n", NULL, 0), 0);
    assert_int_equal(status_of("0;", max, "\r\n\r\n", NULL, 0), 400);
    assert_int_equal(status_of("1;bcd\r\nx\r\n0;", max - 5, "\r\n\r\n", NULL, 0), 0);
    assert_int_equal(status_of("1;bcd\r\nx\r\n0;", max - 4, "\r\n\r\n", NULL, 0), 400);
    assert_int_equal(status_of("0 ;", max - 1, "\r\n\r\n", NULL, 0), 400);
}

static void trailers_are_bounded(void **state)
{
    (void)state;
    char kept[20];
    assert_int_equal(status_of("0\r\nA:", 15, "\r\n\r\n", kept, sizeof(kept)), 0);
    assert_int_equal(status_of("0\r\nA:", 16, "\r\n\r\n", kept, sizeof(kept)), 0);
    assert_int_equal(status_of("0\r\nA:", 17, "\r\n\r\n", kept, sizeof(kept)), 431);
    assert_int_equal(status_of("0\r\nA:", GUST__CHUNKED_MAX_TRAILERS - 4, "\r\n\r\n", NULL, 0), 0);
    assert_int_equal(status_of("0\r\nA:", GUST__CHUNKED_MAX_TRAILERS - 3, "\r\n\r\n", NULL, 0), 431);
}

static void largest_size(void **state)
{
    (void)state;
    struct gust__chunked chunked;
    struct gust__slice payload;
    gust__chunked_init(&chunked, NULL, 0);
    assert_int_equal(gust__chunked_read(&chunked, "7fffffffffffffff\r\nabc", 21, &payload), 21);
    assert_int_equal(payload.size, 3);
    assert_true(chunked.left == (uint64_t)INT64_MAX - 3);
}

static void chunk_headers(void **state)
{
    (void)state;
    char header[GUST__CHUNK_HEADER_SIZE], expected[32];
    uint64_t sizes[] = {1, 15, 16, 255, 256, 4096, 65535, 65536, INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        int length = snprintf(expected, sizeof(expected), "%llx\r\n", (unsigned long long)sizes[i]);
        assert_int_equal(gust__chunk_header(header, sizes[i]), length);
        assert_memory_equal(header, expected, (size_t)length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_body),
        cmocka_unit_test(extensions_are_ignored),
        cmocka_unit_test(trailers_are_handed_over),
        cmocka_unit_test(bad_input_6_extensions_are_bounded_over_the_message),
        cmocka_unit_test(trailers_are_bounded),
        cmocka_unit_test(largest_size),
        cmocka_unit_test(chunk_headers),
        REFUSED("4: chunk size above 63 bits", 400, "8000000000000000\r\na"),
        REFUSED("4: chunk size above 64 bits", 400, "ffffffffffffffffff\r\na"),
        REFUSED("4: chunk size that wraps to 1", 400, "10000000000000001\r\na"),
        REFUSED("4: endless zeros", 400, "00000000000000001\r\na"),
        REFUSED("4: chunk size xyz", 400, "xyz\r\na"),
        REFUSED("5: 0_2e", 400, "0_2e\r\n"),
        REFUSED("5: 1_a", 400, "1_a\r\n"),
        REFUSED("5: -0x0", 400, "-0x0\r\n"),
        REFUSED("5: 0x5", 400, "0x5\r\nhello"),
        REFUSED("5: +5", 400, "+5\r\nhello"),
        REFUSED("5: blank", 400, "\r\nhello"),
        REFUSED("5: only an extension", 400, ";a\r\nhello"),
        REFUSED("5: leading space", 400, " 5\r\nhello"),
        REFUSED("5: trailing space", 400, "5 \r\nhello"),
        REFUSED("5: space inside", 400, "5 5\r\nhello"),
        REFUSED("7: bare CR in an extension", 400, "5\r\r;hello"),
        REFUSED("7: bare LF behind the size", 400, "5\nhello"),
        REFUSED("7: bare LF in an extension", 400, "5;a\nhello"),
        REFUSED("NUL in an extension", 400, "5;a\0\r\nhello"),
        REFUSED("missing CRLF behind a chunk", 400, "5\r\nhello0\r\n\r\n"),
        REFUSED("bare LF behind a chunk", 400, "5\r\nhello\n0\r\n\r\n"),
        REFUSED("bare CR behind a chunk", 400, "5\r\nhello\r0\r\n\r\n"),
        REFUSED("garbage instead of the empty line", 400, "0\r\nabc\r\n"),
        REFUSED("bare LF ends the body", 400, "0\r\n\n"),
        REFUSED("bare CR ends the body", 400, "0\r\n\rX"),
        REFUSED("trailer without name", 400, "0\r\n: x\r\n\r\n"),
        REFUSED("trailer with space behind the name", 400, "0\r\nA : x\r\n\r\n"),
        REFUSED("folded trailer", 400, "0\r\nA: x\r\n y\r\n\r\n"),
        REFUSED("NUL in a trailer", 400, "0\r\nA: x\0\r\n\r\n"),
        REFUSED("bare LF behind a trailer", 400, "0\r\nA: x\n\r\n"),
        REFUSED("bare CR in a trailer", 400, "0\r\nA: x\ry\r\n\r\n"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
