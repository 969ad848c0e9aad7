/* What a fetch sends, and what it refuses to send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/fetch_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGENT "User-Agent: gust/" GUST_VERSION_STRING "\r\n"

static void expect(const char *url, const gust_fetch_options *options, const char *address, const char *head)
{
    struct gust__fetch_request request;
    if (gust__fetch_request_init(&request, url, options) < 0)
        fail_msg("%s: %s", url, gust_error_text(gust_error_last()));
    assert_string_equal(request.address, address);
    size_t length = gust__buffer_length(&request.head);
    if (length != strlen(head) || memcmp(gust__buffer_bytes(&request.head), head, length) != 0)
        fail_msg("%s: the head is\n%.*s", url, (int)length, gust__buffer_bytes(&request.head));
    gust__fetch_request_fini(&request);
}
#define EXPECT(url, address, head, ...) \
    expect(url, GUST_OPTIONS(gust_fetch_options, ##__VA_ARGS__), address, head)

static void refuse(const char *url, const gust_fetch_options *options, int code)
{
    struct gust__fetch_request request;
    gust_error_clear();
    errno = 0;
    if (gust__fetch_request_init(&request, url, options) == 0)
        fail_msg("%s was taken, and should be refused with %d", url, code);
    assert_int_equal(errno, code);
    assert_int_equal(gust_error_code(gust_error_last()), code);
    assert_true(strlen(gust_error_text(gust_error_last())) > 10);
    gust__fetch_request_fini(&request);
}
#define REFUSE(code, url, ...) refuse(url, GUST_OPTIONS(gust_fetch_options, ##__VA_ARGS__), code)
#define HEADERS(...)      \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

static void test_get_is_the_default(void **state)
{
    (void)state;
    EXPECT("http://example.com", "example.com:80", "GET / HTTP/1.1\r\nHost: example.com\r\n" AGENT "\r\n");
    EXPECT("http://example.com:80/", "example.com:80",
           "GET / HTTP/1.1\r\nHost: example.com\r\n" AGENT "\r\n");
    EXPECT("HTTP://Example.COM:8080/A?b=c?d#e", "example.com:8080",
           "GET /A?b=c?d HTTP/1.1\r\nHost: example.com:8080\r\n" AGENT "\r\n");
    EXPECT("http://[::1]:8080?x", "[::1]:8080", "GET /?x HTTP/1.1\r\nHost: [::1]:8080\r\n" AGENT "\r\n");
    EXPECT("http://[::1]/?", "[::1]:80", "GET /? HTTP/1.1\r\nHost: [::1]\r\n" AGENT "\r\n");
}

static void test_a_unix_sockets_path_is_decoded(void **state)
{
    (void)state;
    EXPECT("http+unix://%2Frun%2fa%20b.sock/path?q#f", "unix:/run/a b.sock",
           "GET /path?q HTTP/1.1\r\nHost: localhost\r\n" AGENT "\r\n");
    EXPECT("http+unix://%2Fs", "unix:/s", "GET / HTTP/1.1\r\nHost: localhost\r\n" AGENT "\r\n");
    EXPECT("http+unix://%40name?q", "unix:@name", "GET /?q HTTP/1.1\r\nHost: localhost\r\n" AGENT "\r\n");
}

static void test_bad_urls_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "/path",
        "example.com",
        "localhost:8888/",
        "://x/",
        "http:",
        "http:/x",
        "http://",
        "http:///path",
        "http://:80/",
        "http://a b/",
        "http://a/b c",
        "http://a/\r\nX: y",
        "http://a/\x01",
        "http://a/\xc3\xa4",
        "http://a:65536/",
        "http://a:x/",
        "http://user@a/",
        "http://user:password@a/",
        "http://[::1/",
        "http+unix://",
        "http+unix:///run/s",
        "http+unix://relative/",
        "http+unix://%2",
        "http+unix://%2Fa%00b/",
        "http+unix://%2Fa/b c",
        "http+unix://%2Fa/\n",
    };
    (void)state;
    for (size_t i = 0; i < GUST_LEN(bad); i++)
        REFUSE(EINVAL, bad[i]);
    REFUSE(EINVAL, NULL);
    REFUSE(EPROTONOSUPPORT, "https://example.com/");
    REFUSE(EPROTONOSUPPORT, "ftp://example.com/");
    REFUSE(EPROTONOSUPPORT, "https+unix://%2Fx/");
}

static void test_addresses_have_a_limit(void **state)
{
    char url[2048], address[512];
    (void)state;
    for (size_t size = 250; size < 1000; size++) {
        struct gust__fetch_request request;
        snprintf(url, sizeof(url), "http://%0*d/", (int)size, 0);
        snprintf(address, sizeof(address), "%0*d:80", (int)(size < 300 ? size : 300), 0);
        if (size > 255) {
            REFUSE(EINVAL, url);
        } else {
            assert_int_equal(gust__fetch_request_init(&request, url, NULL), 0);
            assert_string_equal(request.address, address);
            gust__fetch_request_fini(&request);
        }
        snprintf(url, sizeof(url), "http+unix://%%2F%0*d/", (int)size - 3, 0);
        if (size + 5 >= GUST__FETCH_ADDRESS) {
            REFUSE(EINVAL, url);
        } else {
            assert_int_equal(gust__fetch_request_init(&request, url, NULL), 0);
            gust__fetch_request_fini(&request);
        }
    }
}

static ssize_t nothing(void *to, size_t size, void *argument)
{
    (void)to, (void)size, (void)argument;
    return 0;
}

static void test_bodies_are_framed(void **state)
{
    (void)state;
    EXPECT("http://a/", "a:80",
           "POST / HTTP/1.1\r\nHost: a\r\n" AGENT "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\n",
           .body = {"hello", 5}, .content_type = "text/plain");
    EXPECT("http://a/", "a:80", "POST / HTTP/1.1\r\nHost: a\r\n" AGENT "Content-Length: 0\r\n\r\n",
           .body = {"", 0});
    EXPECT("http://a/", "a:80",
           "POST / HTTP/1.1\r\nHost: a\r\n" AGENT
           "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n",
           .json = "{}");
    EXPECT("http://a/", "a:80",
           "PATCH / HTTP/1.1\r\nHost: a\r\n" AGENT
           "Content-Type: application/merge-patch+json\r\nContent-Length: 2\r\n\r\n",
           .json = "{}", .method = "PATCH", .content_type = "application/merge-patch+json");
    EXPECT("http://a/", "a:80",
           "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: x/y\r\n" AGENT "Content-Length: 2\r\n\r\n",
           .json = "{}", .headers = HEADERS("Content-Type: x/y"));
    EXPECT("http://a/", "a:80", "POST / HTTP/1.1\r\nHost: a\r\n" AGENT "Transfer-Encoding: chunked\r\n\r\n",
           .produce = nothing);
    EXPECT("http://a/", "a:80", "PUT / HTTP/1.1\r\nHost: a\r\n" AGENT "Content-Length: 0\r\n\r\n",
           .method = "PUT");
    EXPECT("http://a/", "a:80", "DELETE / HTTP/1.1\r\nHost: a\r\n" AGENT "\r\n", .method = "DELETE");
    EXPECT("http://a/", "a:80", "GET / HTTP/1.1\r\nHost: a\r\n" AGENT "Content-Length: 1\r\n\r\n",
           .method = "GET", .body = {"x", 1});
    REFUSE(EINVAL, "http://a/", .json = "{}", .body = {"x", 1});
    REFUSE(EINVAL, "http://a/", .json = "{}", .produce = nothing);
    REFUSE(EINVAL, "http://a/", .body = {"x", 1}, .produce = nothing);
    REFUSE(EINVAL, "http://a/", .json = "{}", .content_type = "a/b", .headers = HEADERS("content-type: x/y"));
    REFUSE(EINVAL, "http://a/", .content_type = "a/b\r\nX: y");
    REFUSE(EINVAL, "http://a/", .method = "TRACE", .body = {"x", 1});
}

static void test_headers_of_the_user(void **state)
{
    (void)state;
    EXPECT("http://a/", "a:80",
           "GET / HTTP/1.1\r\nHost: b:81\r\nX-A: b: c\r\nEmpty: \r\nuser-agent: me\r\n\r\n",
           .headers = HEADERS("Host:b:81", "X-A: \t b: c ", "Empty:", "user-agent: me"));
    EXPECT("http://a/", "a:80", "GET / HTTP/1.1\r\nHost: a\r\n" AGENT "Connection: close\r\n\r\n",
           .no_keep_alive = true);
    static const char *const bad[] = {
        "",
        "no colon",
        ": empty",
        "X Y: z",
        "X : z",
        " X: z",
        "X: a\r\nY: b",
        "X: a\nb",
        "X: a\rb",
        "X\r\n: a",
        "X: \x01",
        "X: \x7f",
        "Content-Length: 5",
        "content-length: 0",
        "Transfer-Encoding: chunked",
        "TRANSFER-ENCODING: identity",
        "Connection: keep-alive",
        "connection: upgrade",
        "Host: a b",
        "Host: a/b",
        "Host: user@a",
    };
    for (size_t i = 0; i < GUST_LEN(bad); i++)
        REFUSE(EINVAL, "http://a/", .headers = HEADERS("X-Good: 1", bad[i]));
    REFUSE(EINVAL, "http://a/", .headers = HEADERS("Host: a", "Host: a"));
}

static void test_methods(void **state)
{
    (void)state;
    EXPECT("http://a/", "a:80", "PROPFIND / HTTP/1.1\r\nHost: a\r\n" AGENT "\r\n", .method = "PROPFIND");
    EXPECT("http://a/", "a:80", "get / HTTP/1.1\r\nHost: a\r\n" AGENT "\r\n", .method = "get");
    REFUSE(EINVAL, "http://a/", .method = "");
    REFUSE(EINVAL, "http://a/", .method = "GET /x HTTP/1.1\r\nX:");
    REFUSE(EINVAL, "http://a/", .method = "GE T");
    REFUSE(EINVAL, "http://a/", .method = "CONNECT");
}

static bool repeats(const gust_fetch_options *options)
{
    struct gust__fetch_request request;
    assert_int_equal(gust__fetch_request_init(&request, "http://a/", options), 0);
    bool result = request.may_repeat;
    gust__fetch_request_fini(&request);
    return result;
}
#define REPEATS(...) repeats(GUST_OPTIONS(gust_fetch_options, ##__VA_ARGS__))

static void test_only_idempotent_requests_are_repeated(void **state)
{
    (void)state;
    assert_true(REPEATS());
    assert_true(REPEATS(.method = "HEAD"));
    assert_true(REPEATS(.method = "PUT", .body = {"x", 1}));
    assert_true(REPEATS(.method = "DELETE"));
    assert_true(REPEATS(.method = "OPTIONS"));
    assert_false(REPEATS(.body = {"x", 1}));
    assert_false(REPEATS(.method = "POST"));
    assert_false(REPEATS(.method = "PATCH"));
    assert_false(REPEATS(.method = "get"));
    assert_false(REPEATS(.method = "PUT", .produce = nothing));
}

static void test_the_head_has_a_limit(void **state)
{
    (void)state;
    struct gust__fetch_request request;
    size_t rest = sizeof("GET / HTTP/1.1\r\nHost: a\r\nX: \r\n" AGENT "\r\n") - 1;
    char *line = malloc(GUST__FETCH_MAX_HEAD + 100);
    for (int above = -1; above <= 1; above++) {
        size_t size = GUST__FETCH_MAX_HEAD - rest + (size_t)above;
        memcpy(line, "X: ", 3);
        memset(line + 3, 'a', size);
        line[3 + size] = '\0';
        if (above > 0) {
            REFUSE(EINVAL, "http://a/", .headers = HEADERS(line));
        } else {
            int result = gust__fetch_request_init(&request, "http://a/",
                                                  GUST_OPTIONS(gust_fetch_options, .headers = HEADERS(line)));
            assert_int_equal(result, 0);
            assert_int_equal(gust__buffer_length(&request.head), GUST__FETCH_MAX_HEAD + above);
            gust__fetch_request_fini(&request);
        }
    }
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_is_the_default),
        cmocka_unit_test(test_a_unix_sockets_path_is_decoded),
        cmocka_unit_test(test_bad_urls_are_refused),
        cmocka_unit_test(test_addresses_have_a_limit),
        cmocka_unit_test(test_bodies_are_framed),
        cmocka_unit_test(test_headers_of_the_user),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_only_idempotent_requests_are_repeated),
        cmocka_unit_test(test_the_head_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
