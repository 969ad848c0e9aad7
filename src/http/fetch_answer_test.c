/* Answers of every shape: whole, cut, short, wrong, too large. */
#include "http/testing_fetch.h"
#include "http/fetch_answer.h"

static int test_an_answer_is_read(void *arg)
{
    struct server *server =
        server_start(answer_text, "HTTP/1.1 203 So so\r\nContent-Length: 5\r\nX-Two: 1\r\n"
                                  "Empty:\r\nx-two: 2\r\n\r\nhello");
    (void)arg;
    gust_response *response = gust_fetch(server->url);
    assert_non_null(response);
    assert_int_equal(gust_response_status(response), 203);
    assert_string_equal(gust_response_reason(response), "So so");
    assert_string_equal(gust_response_header(response, "content-LENGTH"), "5");
    assert_string_equal(gust_response_header(response, "X-TWO"), "1");
    assert_string_equal(gust_response_header(response, "empty"), "");
    assert_null(gust_response_header(response, "X"));
    const char *name, *value;
    assert_true(gust_response_header_at(response, 3, &name, &value));
    assert_string_equal(name, "x-two");
    assert_string_equal(value, "2");
    assert_true(gust_response_header_at(response, 0, NULL, NULL));
    assert_false(gust_response_header_at(response, 4, &name, &value));
    expect_body(response, 203, "hello");
    gust_response_free(NULL);
    server_stop(server);
    return 0;
}

#define OK      "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

static const struct good {
    const char *text;
    const char *body;
    bool closes; /* or stays open: the end must be known without */
} good[] = {
    {OK "Content-Length: 5\r\n\r\nhello", "hello", false},
    {"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", "hello", false},
    {OK "Content-Length: 0\r\n\r\n", "", false},
    {OK "Content-Length: 5, 5\r\n\r\nhello", "hello", false},
    {OK "Folded: a\r\n b\r\nContent-Length: 5\r\n\r\nhello", "hello", false},
    {CHUNKED "2\r\nhe\r\n003;x=y\r\nllo\r\n0\r\n\r\n", "hello", false},
    {CHUNKED "5\r\nhello\r\n0\r\nT: 1\r\nU: 2\r\n\r\n", "hello", false},
    {CHUNKED "0\r\n\r\n", "", false},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" OK "Content-Length: 5\r\n\r\nhello",
     "hello", false},
    {OK "\r\nhello", "hello", true},
    {"HTTP/1.0 200 OK\r\n\r\nhello", "hello", true},
    {OK "\r\n", "", true},
    {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", true},
    {OK "Content-Length: 5\r\n\r\nhello", "hello", true},
};

static int test_answers_arrive_cut_anywhere(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < GUST_LEN(good); i++) {
        struct server *server = server_start(answer_cut, good[i].text);
        server->closes = good[i].closes;
        for (server->cut = 1; server->cut <= server->size; server->cut++)
            expect_body(gust_fetch(server->url), 200, good[i].body);
        server_stop(server);
    }
    return 0;
}

static int test_answers_arrive_byte_by_byte(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < GUST_LEN(good); i++) {
        struct server *server = server_start(answer_dripping, good[i].text);
        server->closes = good[i].closes;
        expect_body(gust_fetch(server->url), 200, good[i].body);
        server_stop(server);
    }
    return 0;
}

/* What frames a body elsewhere does not here; and the connection can be used again. */
static int test_some_answers_have_no_body(void *arg)
{
    static const struct {
        const char *method;
        int status;
        const char *text;
    } cases[] = {
        {"HEAD", 200, OK "Content-Length: 500\r\n\r\n"},
        {"HEAD", 200, OK "Content-Length: 999999999999\r\n\r\n"},
        {"HEAD", 200, OK "Transfer-Encoding: chunked\r\n\r\n"},
        {"HEAD", 200, OK "\r\n"},
        {"GET", 204, "HTTP/1.1 204 No Content\r\n\r\n"},
        {"GET", 304, "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"},
        {"DELETE", 204, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"},
    };
    (void)arg;
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        struct server *server = server_start(answer_text, cases[i].text);
        expect_body(gust_fetch(server->url, .method = cases[i].method), cases[i].status, "");
        expect_body(gust_fetch(server->url, .method = cases[i].method), cases[i].status, "");
        assert_int_equal(server->connections, 1);
        server_stop(server);
    }
    return 0;
}

static const char *const secrets[] = {"Authorization: Basic YTpi", "Cookie: a=b", NULL};

/* To follow one is the caller's to decide: what the request carried may be for this server alone. */
static int test_a_redirect_is_not_followed(void *arg)
{
    static const int statuses[] = {301, 302, 303, 307, 308};
    char text[256];
    (void)arg;
    struct server *other = server_start(answer_text, OK "Content-Length: 0\r\n\r\n");
    for (size_t i = 0; i < GUST_LEN(statuses); i++) {
        snprintf(text, sizeof(text), "HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 5\r\n\r\nthere",
                 statuses[i], other->url);
        struct server *server = server_start(answer_text, text);
        gust_response *response = gust_fetch(server->url, .headers = secrets);
        assert_string_equal(gust_response_header(response, "Location"), other->url);
        expect_body(response, statuses[i], "there");
        assert_int_equal(server->requests, 1);
        server_stop(server);
    }
    assert_int_equal(other->connections, 0);
    server_stop(other);
    return 0;
}

static void expect_code(answer_function *answer, const char *text, int code)
{
    struct server *server = server_start(answer, text);
    server->closes = true;
    expect_failure(gust_fetch(server->url), code);
    assert_int_equal(idle(), 0);
    server_stop(server);
}

static int test_an_answer_that_ends_early_is_none(void *arg)
{
    static const char *const cut_short[] = {
        "",
        "H",
        "HTTP/1.1 200 OK\r\n",
        OK "Content-Length: 5\r\n\r",
        OK "Content-Length: 5\r\n\r\n",
        OK "Content-Length: 5\r\n\r\nhell",
        CHUNKED,
        CHUNKED "5\r\nhel",
        CHUNKED "5\r\nhello\r\n",
        CHUNKED "5\r\nhello\r\n0\r\n",
        CHUNKED "5\r\nhello\r\n0\r\nTrailer: x\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    };
    (void)arg;
    for (size_t i = 0; i < GUST_LEN(cut_short); i++) {
        expect_code(answer_text, cut_short[i], ECONNRESET);
        expect_code(answer_and_reset, cut_short[i], ECONNRESET);
    }
    expect_code(answer_and_reset, OK "\r\nhello", ECONNRESET);
    return 0;
}

static int test_what_is_not_http_is_refused(void *arg)
{
    static const char *const bad[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "220 mail ESMTP\r\n",
        "<html>",
        "\r\n" OK "\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        OK "no colon\r\n\r\n",
        OK "X : space\r\n\r\n",
        OK "X: \x01\r\n\r\n",
        OK "X: bare\rcr\r\n\r\n",
        OK "X: bare\n\r\n",
        OK " folded first\r\n\r\n",
        OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        OK "Content-Length: 5, 6\r\n\r\nhello",
        OK "Content-Length: -5\r\n\r\nhello",
        OK "Content-Length: 5x\r\n\r\nhello",
        OK "Content-Length: 99999999999999999999\r\n\r\nhello",
        OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        OK "Transfer-Encoding: gzip\r\n\r\n",
        OK "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CHUNKED "x\r\n",
        CHUNKED "-5\r\nhello\r\n",
        CHUNKED "5\nhello\r\n",
        CHUNKED "5\r\nhelloX\r\n",
        CHUNKED "10000000000000000\r\n",
        CHUNKED "0\r\nbad trailer\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nrubbish",
    };
    (void)arg;
    for (size_t i = 0; i < GUST_LEN(bad); i++) {
        print_message("%s\n", bad[i]);
        expect_code(answer_and_wait, bad[i], EBADMSG);
    }
    return 0;
}

/* ---- limits ---- */

static char *repeat(char *to, const char *text, size_t count)
{
    while (count-- > 0)
        to = stpcpy(to, text);
    return to;
}

static int test_interim_answers_are_bounded(void *arg)
{
    static char text[GUST__FETCH_MAX_INTERIM * 40 + 200];
    (void)arg;
    for (size_t above = 0; above <= 1; above++) {
        char *at = repeat(text, "HTTP/1.1 102 Processing\r\n\r\n", GUST__FETCH_MAX_INTERIM + above);
        strcpy(at, OK "Content-Length: 5\r\n\r\nhello");
        if (above) {
            expect_code(answer_and_wait, text, EBADMSG);
            continue;
        }
        struct server *server = server_start(answer_text, text);
        expect_body(gust_fetch(server->url), 200, "hello");
        server_stop(server);
    }
    return 0;
}

/* A head of exactly size bytes in all. */
static char *head_of_size(size_t size)
{
    static const char begin[] = OK "Content-Length: 5\r\n", end[] = "\r\n";
    char *text = malloc(size + 100), *at = stpcpy(text, begin);
    size_t left = size - strlen(begin) - strlen(end);
    while (left > 0) {
        size_t line = left > 2000 ? 1000 : left;
        at = stpcpy(at, "X: ");
        memset(at, 'x', line - 5);
        at = stpcpy(at + line - 5, "\r\n");
        left -= line;
    }
    strcpy(at, "\r\nhello");
    return text;
}

static int test_the_size_of_a_head_is_bounded(void *arg)
{
    (void)arg;
    for (size_t size = (64 << 10) - 1; size <= (64 << 10) + 1; size++) {
        char *text = head_of_size(size);
        struct server *server = server_start(answer_text, text);
        gust_response *response = gust_fetch(server->url);
        if (size > 64 << 10)
            expect_failure(response, EMSGSIZE);
        else
            expect_body(response, 200, "hello");
        server_stop(server);
        free(text);
    }
    return 0;
}

static int test_the_number_of_headers_is_bounded(void *arg)
{
    static char text[4000];
    (void)arg;
    for (size_t count = 99; count <= 101; count++) {
        char *at = stpcpy(text, OK);
        at = repeat(at, "X: y\r\n", count - 1);
        strcpy(at, "Content-Length: 5\r\n\r\nhello");
        struct server *server = server_start(answer_text, text);
        gust_response *response = gust_fetch(server->url);
        if (count > 100)
            expect_failure(response, EMSGSIZE);
        else
            expect_body(response, 200, "hello");
        server_stop(server);
    }
    return 0;
}

static int test_a_head_without_an_end_is_bounded(void *arg)
{
    static char text[(64 << 10) + 10];
    (void)arg;
    memset(stpcpy(text, OK "X: "), 'x', (64 << 10) - 20);
    expect_code(answer_and_wait, text, EMSGSIZE);
    memset(stpcpy(text, "HTTP/1.1 200 "), 'x', 20 << 10);
    text[20 << 10] = '\0';
    expect_code(answer_and_wait, text, EMSGSIZE);
    return 0;
}

static int test_the_body_is_bounded(void *arg)
{
    static const struct {
        const char *text;
        bool closes;
    } cases[] = {
        {OK "Content-Length: 5\r\n\r\nhello", false},
        {CHUNKED "5\r\nhello\r\n0\r\n\r\n", false},
        {CHUNKED "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", false},
        {OK "\r\nhello", true},
    };
    (void)arg;
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        struct server *server = server_start(answer_text, cases[i].text);
        server->closes = cases[i].closes;
        expect_body(gust_fetch(server->url, .max_body = 6), 200, "hello");
        expect_body(gust_fetch(server->url, .max_body = 5), 200, "hello");
        expect_failure(gust_fetch(server->url, .max_body = 4), EMSGSIZE);
        expect_body(gust_fetch(server->url, .max_body = SIZE_MAX), 200, "hello");
        server_stop(server);
    }
    expect_code(answer_and_wait, OK "Content-Length: 104857601\r\n\r\n", EMSGSIZE); /* the default, and one */
    return 0;
}

/* A body that is not UTF-8, with a NUL, larger than the buffers. */
static int test_a_large_body_is_whole(void *arg)
{
    enum { SIZE = 3000000 };
    (void)arg;
    char *text = malloc(SIZE + 200);
    size_t head = (size_t)sprintf(text, OK "Content-Length: %d\r\n\r\n", SIZE);
    for (size_t i = 0; i < SIZE; i++)
        text[head + i] = (char)(i * 7 + i / 251);
    struct server *server = server_start_at("127.0.0.1:0", answer_text, text, head + SIZE);
    for (int turn = 0; turn < 2; turn++) {
        gust_response *response = gust_fetch(server->url);
        assert_non_null(response);
        assert_int_equal(gust_response_body(response).len, SIZE);
        assert_memory_equal(gust_response_body(response).data, text + head, SIZE);
        assert_int_equal(gust_response_body(response).data[SIZE], 0);
        gust_response_free(response);
    }
    assert_int_equal(server->connections, 1);
    server_stop(server);
    free(text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(test_an_answer_is_read),
        FETCH_TEST(test_answers_arrive_cut_anywhere),
        FETCH_TEST(test_answers_arrive_byte_by_byte),
        FETCH_TEST(test_some_answers_have_no_body),
        FETCH_TEST(test_a_redirect_is_not_followed),
        FETCH_TEST(test_an_answer_that_ends_early_is_none),
        FETCH_TEST(test_what_is_not_http_is_refused),
        FETCH_TEST(test_interim_answers_are_bounded),
        FETCH_TEST(test_the_size_of_a_head_is_bounded),
        FETCH_TEST(test_the_number_of_headers_is_bounded),
        FETCH_TEST(test_a_head_without_an_end_is_bounded),
        FETCH_TEST(test_the_body_is_bounded),
        FETCH_TEST(test_a_large_body_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
