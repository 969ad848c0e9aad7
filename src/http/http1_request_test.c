/* What a server takes and what it refuses. Every input is also read split at each position, byte by byte,
 * against unmapped pages and by the scalar parser: see testing.h. */
#include "http/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <errno.h>

static const struct gust__http1_limits limits = GUST__HTTP1_DEFAULT_LIMITS;

struct refused {
    const char *data;
    size_t size;
    int status;
};

static void is_refused(void **state)
{
    const struct refused *input = *state;
    struct gust__http1_scan scan = {0};
    struct gust__request_head head;
    struct gust__header headers[128];
    errno = 0;
    assert_int_equal(gust__http1_read_request(&scan, &limits, &head, headers, input->data, input->size), -1);
    assert_int_equal(head.fault.status, input->status);
    assert_int_equal(errno, input->status == 431 || input->status == 414 ? EMSGSIZE : EBADMSG);
    testing_check_request(&limits, input->data, input->size);
}

#define REFUSED(name, answer, text)                     \
    {                                                   \
        name, is_refused, NULL, NULL, &(struct refused) \
        {                                               \
            text, sizeof(text) - 1, answer              \
        }                                               \
    }
#define LINE(line)      line "\r\nHost: a\r\n\r\n"
#define HEADERS(header) "GET / HTTP/1.1\r\nHost: a\r\n" header "\r\n\r\n"
#define POST(header)    "POST / HTTP/1.1\r\nHost: a\r\n" header "\r\n\r\n"

/* The head of text, which must be good. */
static struct gust__request_head head;
static struct gust__header headers[128];

static void read_good(const char *text)
{
    struct gust__http1_scan scan = {0};
    size_t size = strlen(text);
    assert_int_equal(gust__http1_read_request(&scan, &limits, &head, headers, text, size), size);
    testing_check_request(&limits, text, size);
}

static void assert_slice(struct gust__slice slice, const char *text)
{
    if (!gust__slice_equals(slice, gust__slice_of(text)))
        fail_msg("'%.*s' is not '%s'", (int)slice.size, slice.data, text);
}

static void plain_request(void **state)
{
    (void)state;
    read_good("GET /a/b?c=d?e HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nx_Odd~Name:\t v \t w\t \r\nEmpty:\r\n\r\n");
    assert_int_equal(head.method, GUST__METHOD_GET);
    assert_int_equal(head.form, GUST__TARGET_ORIGIN);
    assert_int_equal(head.minor, 1);
    assert_slice(head.method_name, "GET");
    assert_slice(head.target, "/a/b?c=d?e");
    assert_slice(head.path, "/a/b");
    assert_true(head.has_query);
    assert_slice(head.query, "c=d?e");
    assert_slice(head.host, "127.0.0.1:8080");
    assert_int_equal(head.fields.count, 3);
    assert_slice(headers[1].name, "x_Odd~Name");
    assert_slice(headers[1].value, "v \t w");
    assert_slice(headers[2].value, "");
    assert_int_equal(head.fields.content_length, -1);
    assert_true(head.keep_alive);
    assert_false(head.expect_continue);
}

static void pipelined_requests_are_read_one_by_one(void **state)
{
    (void)state;
    const char *two = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
    struct gust__http1_scan scan = {0};
    ssize_t length = gust__http1_read_request(&scan, &limits, &head, headers, two, strlen(two));
    assert_int_equal(length, strlen(two) / 2);
    assert_slice(head.path, "/1");
    testing_check_request(&limits, two, strlen(two));
}

static void one_empty_line_before_is_skipped(void **state)
{
    (void)state;
    read_good("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_slice(head.path, "/");
}

static void methods(void **state)
{
    (void)state;
    const char *names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"};
    for (int i = 0; i < 9; i++)
        assert_int_equal(gust__method(gust__slice_of(names[i])), GUST__METHOD_GET + i);
    read_good(LINE("get /x HTTP/1.1"));
    assert_int_equal(head.method, GUST__METHOD_OTHER);
    read_good(LINE("M-SEARCH /x HTTP/1.1"));
    assert_slice(head.method_name, "M-SEARCH");
    read_good(LINE("DELETE /x HTTP/1.1"));
    assert_int_equal(head.method, GUST__METHOD_DELETE);
}

static void absolute_target_overrides_host(void **state)
{
    (void)state;
    read_good("GET HTTP://Other:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(head.form, GUST__TARGET_ABSOLUTE);
    assert_slice(head.host, "Other:81");
    assert_slice(head.scheme, "HTTP");
    assert_slice(head.path, "/x");
    assert_slice(head.query, "y");
    read_good(LINE("GET https://[::1]?y HTTP/1.1"));
    assert_slice(head.host, "[::1]");
    assert_slice(head.path, "/");
    read_good(LINE("OPTIONS http://b HTTP/1.1"));
    assert_slice(head.path, "*");
}

static void asterisk_and_authority_targets(void **state)
{
    (void)state;
    read_good(LINE("OPTIONS * HTTP/1.1"));
    assert_int_equal(head.form, GUST__TARGET_ASTERISK);
    assert_slice(head.path, "*");
    assert_slice(head.host, "a");
    read_good(LINE("CONNECT example.org:443 HTTP/1.1"));
    assert_int_equal(head.form, GUST__TARGET_AUTHORITY);
    assert_slice(head.host, "example.org:443");
    assert_slice(head.path, "");
}

/* Each port with a host before it: where the port ends the eight bytes that are looked at begin elsewhere. */
static void ports_of_host_are_digits_up_to_65535(void **state)
{
    (void)state;
    static const char *good[] = {"",      "0",     "9",     "80",    "443",   "8080",
                                 "00080", "10000", "59999", "65535", "000080"};
    static const char *bad[] = {"x",     ":",     "/0",    "0/",    "6553:", "6553/",
                                "65536", "65540", "66000", "70000", "99999", "0x10a",
                                "\xb1",  "1\xb1", "a5535", "-1",    "655350"};
    char text[100];
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a:%s\r\n\r\n", good[i]);
        read_good(text);
        snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n\r\n", good[i]);
        read_good(text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a:%s\r\n\r\n", bad[i]);
        assert_int_equal(gust__http1_parse_request(&head, headers, 4, text, strlen(text)), -1);
        assert_int_equal(gust__http1_parse_request_scalar(&head, headers, 4, text, strlen(text)), -1);
    }
}

static void http10_needs_no_host_and_closes(void **state)
{
    (void)state;
    read_good("GET / HTTP/1.0\r\n\r\n");
    assert_int_equal(head.minor, 0);
    assert_false(head.keep_alive);
    assert_slice(head.host, "");
    read_good("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    assert_true(head.keep_alive);
    read_good("GET / HTTP/1.0\r\nConnection: Keep-Alive, close\r\n\r\n");
    assert_false(head.keep_alive);
    read_good("GET / HTTP/1.0\r\nExpect: 100-continue\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    assert_false(head.expect_continue);
    assert_slice(head.upgrade, "");
}

static void test_a_later_minor_version_is_taken_as_1_1(void **state)
{
    static const char text[] = "GET / HTTP/1.2\r\nHost: a\r\n\r\n";
    (void)state;
    assert_int_equal(gust__http1_parse_request(&head, headers, 4, text, sizeof(text) - 1), 0);
    assert_int_equal(head.minor, 1);
    assert_true(head.keep_alive);
}

static void bad_input_25_empty_members_of_connection_are_skipped(void **state)
{
    (void)state;
    read_good(HEADERS("Connection: close, foo"));
    assert_false(head.keep_alive);
    read_good(HEADERS("Connection: ,, ,\t,foo,,CLOSE,,"));
    assert_false(head.keep_alive);
    read_good(HEADERS("Connection: ,,,"));
    assert_true(head.keep_alive);
    read_good(HEADERS("Connection: foo\r\nConnection: close"));
    assert_false(head.keep_alive);
    read_good(HEADERS("Connection: closed"));
    assert_true(head.keep_alive);
    read_good(HEADERS("Upgrade: websocket\r\nConnection: keep-alive, Upgrade"));
    assert_slice(head.upgrade, "websocket");
    read_good(HEADERS("Upgrade: websocket"));
    assert_slice(head.upgrade, "");
}

static void lengths(void **state)
{
    (void)state;
    read_good(POST("Content-Length: 010"));
    assert_int_equal(head.fields.content_length, 10);
    read_good(POST("Content-Length: 5\r\nContent-Length: 5"));
    assert_int_equal(head.fields.content_length, 5);
    read_good(POST("Content-Length: 5 ,\t5"));
    assert_int_equal(head.fields.content_length, 5);
    read_good(POST("Content-Length: 9223372036854775807"));
    assert_true(head.fields.content_length == INT64_MAX);
    read_good(POST("Transfer-Encoding: Chunked"));
    assert_true(head.fields.chunked);
    read_good(POST("Expect: 100-Continue\r\nContent-Length: 1"));
    assert_true(head.expect_continue);
}

static void headers_are_found_by_name(void **state)
{
    (void)state;
    read_good(HEADERS("X-A: 1\r\ncOOKie: x\r\nx-a: 2\r\nCookie: y"));
    const struct gust__header *header = gust__fields_find(&head.fields, GUST__SLICE("x-A"));
    assert_slice(header->value, "1");
    header = gust__fields_next(&head.fields, header);
    assert_slice(header->value, "2");
    assert_null(gust__fields_next(&head.fields, header));
    header = gust__fields_first(&head.fields, GUST__HEADER_COOKIE);
    assert_slice(header->value, "x");
    assert_ptr_equal(header, gust__fields_find(&head.fields, GUST__SLICE("Cookie")));
    assert_slice(gust__fields_next(&head.fields, header)->value, "y");
    assert_null(gust__fields_find(&head.fields, GUST__SLICE("x-b")));
    assert_null(gust__fields_first(&head.fields, GUST__HEADER_RANGE));
}

static void a_head_can_move(void **state)
{
    (void)state;
    char text[] = "GET http://b?q HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n", moved[sizeof(text)];
    read_good(text);
    struct gust__http1_scan scan = {0};
    assert_true(gust__http1_read_request(&scan, &limits, &head, headers, text, sizeof(text) - 1) > 0);
    memcpy(moved, text, sizeof(text));
    gust__http1_rebase_request(&head, text, sizeof(text) - 1, moved);
    memset(text, '!', sizeof(text));
    assert_slice(head.target, "http://b?q");
    assert_slice(head.host, "b");
    assert_slice(head.path, "/");
    assert_slice(head.query, "q");
    assert_slice(headers[1].name, "X");
    assert_slice(headers[1].value, "y");
}

/* "GET /aaa… HTTP/1.1" with its CRLF of line bytes, then headers of "a:" up to a head of size bytes; caller
 * frees */
static char *make_head(size_t line, size_t size)
{
    char *text = malloc(size + 1);
    memset(text, 'a', size);
    memcpy(text, "GET /", 5);
    memcpy(text + line - 11, " HTTP/1.1\r\n", 11);
    memcpy(text + line, "Host: a\r\nX:", 11);
    memcpy(text + size - 4, "\r\n\r\n", 5);
    return text;
}

static int status_of(size_t line, size_t size, const struct gust__http1_limits *narrow)
{
    char *text = make_head(line, size);
    struct gust__http1_scan scan = {0};
    ssize_t length = gust__http1_read_request(&scan, narrow, &head, headers, text, size);
    testing_check_request(narrow, text, size);
    assert_true(length == (ssize_t)size || length < 0);
    free(text);
    return length < 0 ? head.fault.status : 0;
}

static void limits_of_head_and_line(void **state)
{
    (void)state;
    struct gust__http1_limits narrow = {.head = 200, .line = 64, .headers = 3};
    assert_int_equal(status_of(40, 199, &narrow), 0);
    assert_int_equal(status_of(40, 200, &narrow), 0);
    assert_int_equal(status_of(40, 201, &narrow), 431);
    assert_int_equal(status_of(63, 150, &narrow), 0);
    assert_int_equal(status_of(64, 150, &narrow), 0);
    assert_int_equal(status_of(65, 150, &narrow), 414);
    narrow.line = 1000;
    assert_int_equal(status_of(180, 200, &narrow), 0);
    assert_int_equal(status_of(201, 230, &narrow), 414);
}

static void bad_input_10_endless_lines_are_refused_at_the_limit(void **state)
{
    (void)state;
    struct gust__http1_limits narrow = {.head = 100, .line = 50, .headers = 3};
    char text[101];
    struct gust__http1_scan scan = {0};
    memset(text, 'a', sizeof(text));
    assert_int_equal(gust__http1_read_request(&scan, &narrow, &head, headers, text, 49), 0);
    assert_int_equal(gust__http1_read_request(&scan, &narrow, &head, headers, text, 50), -1);
    assert_int_equal(head.fault.status, 414);
    memcpy(text, "GET / HTTP/1.1\r\n", 16);
    scan = (struct gust__http1_scan){0};
    assert_int_equal(gust__http1_read_request(&scan, &narrow, &head, headers, text, 99), 0);
    assert_int_equal(gust__http1_read_request(&scan, &narrow, &head, headers, text, 100), -1);
    assert_int_equal(head.fault.status, 431);
}

static void bad_input_10_an_over_long_header_name_is_refused(void **state)
{
    (void)state;
    size_t start = strlen("GET / HTTP/1.1\r\nHost: a\r\n"), size = 200000;
    char *text = malloc(size);
    memset(text, 'x', size);
    memcpy(text, "GET / HTTP/1.1\r\nHost: a\r\n", start);
    for (size_t name = limits.head - start - 6; name <= limits.head - start - 4; name++) {
        struct gust__http1_scan scan = {0};
        memcpy(text + start + name, ":\r\n\r\n", 5);
        ssize_t length = gust__http1_read_request(&scan, &limits, &head, headers, text, start + name + 5);
        bool fits = start + name + 5 <= limits.head;
        assert_int_equal(length, fits ? (ssize_t)(start + name + 5) : -1);
        if (fits)
            assert_int_equal(headers[1].name.size, name);
        else
            assert_int_equal(head.fault.status, 431);
        memset(text + start + name, 'x', 5);
    }
    struct gust__http1_scan scan = {0};
    assert_int_equal(gust__http1_read_request(&scan, &limits, &head, headers, text, size), -1);
    assert_int_equal(head.fault.status, 431);
    free(text);
}

static void an_empty_host_is_taken(void **state)
{
    (void)state;
    read_good("GET / HTTP/1.1\r\nHost:\r\n\r\n");
    assert_slice(head.host, "");
}

static void bad_input_21_header_lines_are_limited(void **state)
{
    (void)state;
    char text[2000] = "GET / HTTP/1.1\r\nHost: a\r\n";
    size_t size = strlen(text);
    for (size_t count = 1; count <= 102; count++) {
        struct gust__http1_scan scan = {0};
        memcpy(text + size, "\r\n", 3);
        ssize_t length = gust__http1_read_request(&scan, &limits, &head, headers, text, size + 2);
        assert_int_equal(length, count <= 100 ? (ssize_t)size + 2 : -1);
        if (count > 100)
            assert_int_equal(head.fault.status, 431);
        memcpy(text + size, "Cookie: a\r\n", 11);
        size += 11;
    }
}

/* scanned only grows, and each call begins there: what a head that drips in costs is its length. */
static void dripping_never_looks_back(void **state)
{
    (void)state;
    size_t size = 60000;
    char *text = make_head(100, size);
    struct gust__http1_scan scan = {0};
    struct gust__http1_fault fault;
    for (size_t given = 1; given < size; given++) {
        assert_int_equal(gust__http1_find_head_end(&scan, &limits, text, given, &fault), 0);
        assert_true(scan.scanned + 1 >= given);
    }
    assert_int_equal(gust__http1_find_head_end(&scan, &limits, text, size, &fault), size);
    free(text);
}

/* Each byte in each place of a request that is a little longer than a vector. */
static void bad_input_37_every_byte_at_every_place(void **state)
{
    (void)state;
    char text[] =
        "PUT /abcdefghijklmnopq?rstuvw HTTP/1.1\r\nHost: a.example\r\nX-Long-Name-Of-A-Header: v\r\n\r\n";
    for (size_t place = 0; place < sizeof(text) - 1; place++) {
        char kept = text[place];
        for (int byte = 0; byte < 256; byte++) {
            struct gust__request_head other;
            struct gust__header others[128];
            text[place] = (char)byte;
            int fast = gust__http1_parse_request(&head, headers, 100, text, sizeof(text) - 1);
            int scalar = gust__http1_parse_request_scalar(&other, others, 100, text, sizeof(text) - 1);
            assert_int_equal(fast, scalar);
            if (fast < 0)
                assert_string_equal(head.fault.reason, other.fault.reason);
            else
                assert_memory_equal(&head.target, &other.target, sizeof(struct gust__slice));
        }
        text[place] = kept;
    }
}

static void parse_refuses_what_is_not_one_head(void **state)
{
    (void)state;
    const char *text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (size_t size = 0; size < strlen(text); size++)
        assert_int_equal(gust__http1_parse_request(&head, headers, 100, text, size), -1);
    assert_int_equal(gust__http1_parse_request(&head, headers, 100, "GET / HTTP/1.1\r\nHost: a\r\n\r\nx", 28),
                     -1);
}

static void refused_leaves_errno_alone_until_it_is_certain(void **state)
{
    (void)state;
    struct gust__http1_scan scan = {0};
    errno = 77;
    assert_int_equal(gust__http1_read_request(&scan, &limits, &head, headers, "=bad=() /", 9), 0);
    assert_int_equal(errno, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_request),
        cmocka_unit_test(pipelined_requests_are_read_one_by_one),
        cmocka_unit_test(one_empty_line_before_is_skipped),
        cmocka_unit_test(methods),
        cmocka_unit_test(absolute_target_overrides_host),
        cmocka_unit_test(asterisk_and_authority_targets),
        cmocka_unit_test(ports_of_host_are_digits_up_to_65535),
        cmocka_unit_test(http10_needs_no_host_and_closes),
        cmocka_unit_test(bad_input_25_empty_members_of_connection_are_skipped),
        cmocka_unit_test(lengths),
        cmocka_unit_test(headers_are_found_by_name),
        cmocka_unit_test(a_head_can_move),
        cmocka_unit_test(limits_of_head_and_line),
        cmocka_unit_test(bad_input_10_endless_lines_are_refused_at_the_limit),
        cmocka_unit_test(bad_input_10_an_over_long_header_name_is_refused),
        cmocka_unit_test(an_empty_host_is_taken),
        cmocka_unit_test(bad_input_21_header_lines_are_limited),
        cmocka_unit_test(dripping_never_looks_back),
        cmocka_unit_test(bad_input_37_every_byte_at_every_place),
        cmocka_unit_test(parse_refuses_what_is_not_one_head),
        cmocka_unit_test(refused_leaves_errno_alone_until_it_is_certain),
        cmocka_unit_test(test_a_later_minor_version_is_taken_as_1_1),

        /* The rows of the tables of bad inputs, by their numbers in bad-inputs.md where they have one. */
        REFUSED("1: negative Content-Length", 400, POST("Content-Length: -48")),
        REFUSED("2: Content-Length +10", 400, POST("Content-Length: +10")),
        REFUSED("2: Content-Length +1_0", 400, POST("Content-Length: +1_0")),
        REFUSED("2: Content-Length 1_0", 400, POST("Content-Length: 1_0")),
        REFUSED("2: Content-Length 0x10", 400, POST("Content-Length: 0x10")),
        REFUSED("2: Content-Length 1Z", 400, POST("Content-Length: 1Z")),
        REFUSED("2: Content-Length foo", 400, POST("Content-Length: foo")),
        REFUSED("2: empty Content-Length", 400, POST("Content-Length:")),
        REFUSED("2: Content-Length with a space inside", 400, POST("Content-Length: 1 0")),
        REFUSED("2: Content-Length above 63 bits", 400, POST("Content-Length: 9223372036854775808")),
        REFUSED("2: Content-Length that wraps to 1", 400, POST("Content-Length: 18446744073709551617")),
        REFUSED("3: two Content-Lengths differ", 400, POST("Content-Length: 5\r\nContent-Length: 6")),
        REFUSED("3: a list of different lengths", 400, POST("Content-Length: 5, 6")),
        REFUSED("3: a list with an empty length", 400, POST("Content-Length: 5,,5")),
        REFUSED("7: bare CR ends the head", 400, "GET / HTTP/1.1\r\nHost: a\r\n\rX"),
        REFUSED("7: bare CR between headers", 400, HEADERS("A: b\rC: d")),
        REFUSED("7: bare LF ends the request line", 400, "GET / HTTP/1.1\nHost: a\r\n\r\n"),
        REFUSED("7: bare LF between headers", 400, HEADERS("A: b\nC: d")),
        REFUSED("7: bare LF ends the head", 400, "GET / HTTP/1.1\r\nHost: a\r\n\n"),
        REFUSED("8: length and coding", 400, POST("Content-Length: 5\r\nTransfer-Encoding: chunked")),
        REFUSED("8: coding and length", 400, POST("Transfer-Encoding: chunked\r\nContent-Length: 5")),
        REFUSED("8: two codings", 400, POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")),
        REFUSED("8: chunked twice in a line", 400, POST("Transfer-Encoding: chunked, chunked")),
        REFUSED("8: gzip, chunked", 400, POST("Transfer-Encoding: gzip, chunked")),
        REFUSED("8: \\xa0chunked", 400,
                POST("Transfer-Encoding: \xa0"
                     "chunked")),
        REFUSED("8: \\x0bchunked", 400,
                POST("Transfer-Encoding: \x0b"
                     "chunked")),
        REFUSED("8: unknown coding", 400, POST("Transfer-Encoding: identity")),
        REFUSED("8: empty coding", 400, POST("Transfer-Encoding:")),
        REFUSED("8: coding in HTTP/1.0", 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        REFUSED("9: empty header name", 400, HEADERS(": x")),
        REFUSED("9: empty header name and value", 400, HEADERS(":")),
        REFUSED("11: NUL in a value", 400, HEADERS("A: b\0c")),
        REFUSED("11: CR in a value", 400, HEADERS("A: b\rc")),
        REFUSED("11: DEL in a value", 400, HEADERS("A: b\x7f")),
        REFUSED("11: NUL in a name", 400, HEADERS("A\0b: c")),
        REFUSED("12: space in the target", 400, LINE("GET /a b HTTP/1.1")),
        REFUSED("12: NUL in the target", 400, LINE("GET /a\0b HTTP/1.1")),
        REFUSED("12: HTAB in the target", 400, LINE("GET /a\tb HTTP/1.1")),
        REFUSED("12: non-ASCII in the target", 400, LINE("GET /\xc3\xa9 HTTP/1.1")),
        REFUSED("12: DEL in the query", 400, LINE("GET /?\x7f HTTP/1.1")),
        REFUSED("12: fragment in the target", 400, LINE("GET /a#b HTTP/1.1")),
        REFUSED("12: fragment behind the query", 400, LINE("GET /a?b#c HTTP/1.1")),
        REFUSED("garbage", 400, "garbage\r\n\r\n"),
        REFUSED("a TLS client hello", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        REFUSED("no version", 400, LINE("GET /")),
        REFUSED("no target", 400, LINE("GET HTTP/1.1")),
        REFUSED("empty target", 400, LINE("GET  HTTP/1.1")),
        REFUSED("two spaces before the version", 400, LINE("GET /  HTTP/1.1")),
        REFUSED("space behind the version", 400, LINE("GET / HTTP/1.1 ")),
        REFUSED("space before the method", 400, LINE(" GET / HTTP/1.1")),
        REFUSED("bad character in the method", 400, LINE("G@T / HTTP/1.1")),
        REFUSED("lower-case protocol", 400, LINE("GET / http/1.1")),
        REFUSED("another protocol", 400, LINE("GET / ICY/1.1")),
        REFUSED("two digits in the version", 400, LINE("GET / HTTP/1.10")),
        REFUSED("two empty lines before", 400, "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        REFUSED("version 0.9", 505, LINE("GET / HTTP/0.9")),
        REFUSED("version 2.0", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        REFUSED("header without colon", 400, HEADERS("foo")),
        REFUSED("space behind the name", 400, HEADERS("foo : x")),
        REFUSED("HTAB behind the name", 400, HEADERS("foo\t: x")),
        REFUSED("space before the name", 400, "GET / HTTP/1.1\r\n foo: x\r\nHost: a\r\n\r\n"),
        REFUSED("folded line", 400, HEADERS("A: b\r\n c")),
        REFUSED("line folded by HTAB", 400, HEADERS("A: b\r\n\tc")),
        REFUSED("non-ASCII in a name", 400, HEADERS("f\xc3\xb6: x")),
        REFUSED("bad character in a name", 400, HEADERS("f(x): x")),
        REFUSED("no Host", 400, "GET / HTTP/1.1\r\n\r\n"),
        REFUSED("no Host with an absolute target", 400, "GET http://a/ HTTP/1.1\r\n\r\n"),
        REFUSED("two Hosts", 400, HEADERS("Host: a")),
        REFUSED("Host with a comma and space", 400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
        REFUSED("Host with a space", 400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        REFUSED("Host with a comma", 400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
        REFUSED("Host with a slash", 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        REFUSED("Host with a user", 400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        REFUSED("Host with a bad port", 400, "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
        REFUSED("bad Host beside an absolute target", 400, "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n"),
        REFUSED("* without OPTIONS", 400, LINE("GET * HTTP/1.1")),
        REFUSED("relative target", 400, LINE("GET a/b HTTP/1.1")),
        REFUSED("another scheme", 400, LINE("GET ftp://a/ HTTP/1.1")),
        REFUSED("absolute target without host", 400, LINE("GET http:///x HTTP/1.1")),
        REFUSED("absolute target with user", 400, LINE("GET http://u:p@a/ HTTP/1.1")),
        REFUSED("absolute target without slashes", 400, LINE("GET http:a HTTP/1.1")),
        REFUSED("CONNECT without port", 400, LINE("CONNECT a HTTP/1.1")),
        REFUSED("CONNECT with a path", 400, LINE("CONNECT /a HTTP/1.1")),
        REFUSED("CONNECT with a query", 400, LINE("CONNECT a:1?b HTTP/1.1")),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
