/* Content codings of answers and of requests' bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "web/coded.h"
#include "web/testing.h"

#define LINE "All work and no play makes Jack a dull boy. "

enum { MANY = 1 << 20 };

static const char *const names[] = {"gzip", "br", "zstd"};

/* ---- answers ---- */

static const char *answer_type; /* NULL: none is set */
static size_t answer_size;

/* So many bytes at once. */
static void text(gust_request *req)
{
    static char whole[MANY];
    for (size_t i = 0; i < sizeof(whole); i++)
        whole[i] = LINE[i % strlen(LINE)];
    if (answer_type)
        gust_set_header(req, "Content-Type", answer_type);
    for (size_t at = 0; at < answer_size; at += 1000)
        gust_write(req, whole + at, answer_size - at < 1000 ? answer_size - at : 1000);
}

static void tagged(gust_request *req)
{
    gust_set_header(req, "Etag", "\"v1\"");
    gust_set_header(req, "Content-Length", "2000");
    text(req);
}

static void flushed(gust_request *req)
{
    gust_print(req, "one ");
    gust_flush(req);
    gust_print(req, "two ");
    gust_flush(req);
    gust_print(req, "three");
}

static void coded_already(gust_request *req)
{
    gust_set_header(req, "Content-Encoding", "gzip");
    text(req);
}

static void varies(gust_request *req)
{
    gust_set_header(req, "Vary", "Cookie, accept-encoding");
    text(req);
}

static void piece(gust_request *req)
{
    gust_set_status(req, 206);
    text(req);
}

static void fails_late(gust_request *req)
{
    text(req);
    gust_fail(404, "nothing here");
}

static void change(gust_request *req, void *argument)
{
    (void)argument;
    gust_set_header(req, "Content-Encoding", "x-own");
}

static void changes_before_headers(gust_request *req)
{
    gust_before_headers(req, change, NULL);
    text(req);
}

static gust_app *app_with(gust_handler_function *function)
{
    gust_app *app = gust_app_new();
    gust_app_set(app, .compress = true);
    gust_route(app, "GET /", function);
    return app;
}

static struct gust__test_answer *fetch(gust_app *app, const char *accept)
{
    char request[512];
    snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: a\r\n%s%s\r\n\r\n",
             accept ? "Accept-Encoding: " : "X: ", accept ? accept : "y");
    struct gust__test_answer *answer = gust__test_request(app, request);
    gust_app_free(app);
    return answer;
}

static bool has(const struct gust__test_answer *answer, const char *line)
{
    return strstr(answer->headers, line) != NULL;
}

/* Decodes the answer's body. -> its size; the body is in *out, freed by the caller */
static size_t decode(const char *coding, const struct gust__test_answer *answer, char **out)
{
    size_t size = 0;
    struct gust__slice data = gust__slice(answer->body, answer->size);
    struct gust__decoder *decoder = gust__decoder_new(gust__coding_named(gust__slice_of(coding)));
    ssize_t made;
    *out = malloc(2 * MANY);
    assert_non_null(decoder);
    while ((made = gust__decode(decoder, &data, *out + size, 2 * MANY - size)) > 0)
        size += (size_t)made;
    assert_int_equal(made, 0);
    assert_true(gust__decoder_whole(decoder));
    gust__decoder_free(decoder);
    return size;
}

static void check_text(const char *coding, const struct gust__test_answer *answer, size_t size)
{
    char *out;
    assert_int_equal(decode(coding, answer, &out), size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(out[i], LINE[i % strlen(LINE)]);
    free(out);
}

static void test_whole_answers_have_their_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        char line[64];
        answer_type = NULL;
        answer_size = 20000;
        struct gust__test_answer *answer = fetch(app_with(text), names[i]);
        snprintf(line, sizeof(line), "Content-Encoding: %s\n", names[i]);
        assert_true(has(answer, line));
        assert_true(has(answer, "Vary: Accept-Encoding\n"));
        assert_int_equal(answer->content_length, answer->size);
        assert_in_range(answer->size, 20, 2000);
        assert_int_equal(answer->sends, 1);
        check_text(names[i], answer, answer_size);
    }
}

static void test_long_answers_stream(void **state)
{
    (void)state;
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        answer_type = "text/html; charset=UTF-8";
        answer_size = MANY;
        struct gust__test_answer *answer = fetch(app_with(text), names[i]);
        assert_int_equal(answer->content_length, -1);
        assert_true(answer->ended);
        assert_true(answer->sends > 1);
        check_text(names[i], answer, answer_size);
    }
}

static void test_the_least_size(void **state)
{
    (void)state;
    answer_type = NULL;
    for (answer_size = 1023; answer_size <= 1025; answer_size++) {
        struct gust__test_answer *answer = fetch(app_with(text), "gzip");
        assert_int_equal(has(answer, "Content-Encoding"), answer_size >= 1024);
        assert_true(has(answer, "Vary: Accept-Encoding\n"));
    }
    for (answer_size = 9; answer_size <= 11; answer_size++) {
        gust_app *app = app_with(text);
        gust_app_set(app, .compress_min = 10);
        assert_int_equal(has(fetch(app, "gzip"), "Content-Encoding"), answer_size >= 10);
    }
}

static void test_who_does_not_ask_gets_the_text(void **state)
{
    static const char *const accepts[] = {NULL, "", "deflate", "gzip;q=0", "identity, gzip;q=0.5"};
    (void)state;
    answer_type = NULL;
    answer_size = 5000;
    for (size_t i = 0; i < GUST_LEN(accepts); i++) {
        struct gust__test_answer *answer = fetch(app_with(text), accepts[i]);
        assert_int_equal(answer->size, 5000);
        assert_int_equal(answer->content_length, 5000);
        assert_false(has(answer, "Content-Encoding"));
        assert_true(has(answer, "Vary: Accept-Encoding\n"));
    }
}

static void test_an_application_that_does_not_compress(void **state)
{
    gust_app *app = gust_app_new();
    (void)state;
    gust_route(app, "GET /", text);
    struct gust__test_answer *answer = fetch(app, "gzip");
    assert_false(has(answer, "Content-Encoding"));
    assert_false(has(answer, "Vary"));
}

static void test_types_that_are_worth_it(void **state)
{
    static const char *const good[] = {"text/css",         "TEXT/HTML; charset=utf-8",
                                       "application/json", "application/ld+json;x=y",
                                       "image/svg+xml",    "application/wasm"};
    static const char *const bad[] = {
        "image/png", "application/octet-stream", "video/mp4", "application/zip", "font/woff2", "text",
        "textile/x"};
    (void)state;
    answer_size = 5000;
    for (size_t i = 0; i < GUST_LEN(good); i++) {
        answer_type = good[i];
        assert_true(has(fetch(app_with(text), "gzip"), "Content-Encoding"));
    }
    for (size_t i = 0; i < GUST_LEN(bad); i++) {
        answer_type = bad[i];
        struct gust__test_answer *answer = fetch(app_with(text), "gzip");
        assert_false(has(answer, "Content-Encoding"));
        assert_false(has(answer, "Vary"));
    }
    gust_app *app = app_with(text);
    gust_app_set(app, .compress_types = "image/*, font/ttf");
    answer_type = "image/png";
    assert_true(has(fetch(app, "gzip"), "Content-Encoding"));
}

static void test_what_is_coded_or_a_piece_stays(void **state)
{
    (void)state;
    answer_type = NULL;
    answer_size = 5000;
    assert_int_equal(fetch(app_with(coded_already), "br, gzip")->size, 5000);
    assert_int_equal(fetch(app_with(piece), "gzip")->size, 5000);
    struct gust__test_answer *answer = fetch(app_with(changes_before_headers), "gzip");
    assert_int_equal(answer->size, 5000);
    assert_true(has(answer, "Content-Encoding: x-own\n"));
}

static void test_vary_is_said_once(void **state)
{
    (void)state;
    answer_size = 5000;
    struct gust__test_answer *answer = fetch(app_with(varies), "gzip");
    assert_true(has(answer, "Vary: Cookie, accept-encoding\n"));
    assert_false(has(answer, "Vary: Accept-Encoding\n"));
}

static void test_tags_of_coded_answers_are_weak(void **state)
{
    (void)state;
    answer_type = NULL;
    answer_size = 2000;
    struct gust__test_answer *answer = fetch(app_with(tagged), "gzip");
    assert_true(has(answer, "Etag: W/\"v1\"\n"));
    assert_int_equal(answer->content_length, answer->size);
    check_text("gzip", answer, 2000);
    assert_true(has(fetch(app_with(tagged), NULL), "Etag: \"v1\"\n"));
}

static void test_a_304_has_the_tag_of_its_200(void **state)
{
    static const char *const lists[] = {"\"v1\"", "W/\"v1\""};
    (void)state;
    answer_size = 2000;
    for (size_t i = 0; i < GUST_LEN(lists); i++) {
        char request[256];
        gust_app *app = app_with(tagged);
        snprintf(request, sizeof(request),
                 "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\nIf-None-Match: %s\r\n\r\n", lists[i]);
        struct gust__test_answer *answer = gust__test_request(app, request);
        gust_app_free(app);
        assert_int_equal(answer->status, 304);
        assert_int_equal(answer->size, 0);
        assert_true(has(answer, "Etag: W/\"v1\"\n"));
        assert_true(has(answer, "Vary: Accept-Encoding\n"));
        assert_false(has(answer, "Content-Encoding"));
    }
}

static void test_tags_that_are_made(void **state)
{
    gust_app *app = app_with(text);
    (void)state;
    answer_type = NULL;
    answer_size = 2000;
    gust_app_set(app, .etags = true);
    assert_true(has(fetch(app, "gzip"), "Etag: W/\""));
}

static void test_each_flush_can_be_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        char *out;
        struct gust__test_answer *answer = fetch(app_with(flushed), names[i]);
        assert_true(answer->sends >= 3);
        assert_int_equal(answer->content_length, -1);
        assert_int_equal(decode(names[i], answer, &out), strlen("one two three"));
        assert_memory_equal(out, "one two three", strlen("one two three"));
        free(out);
    }
}

static void test_an_error_starts_anew(void **state)
{
    (void)state;
    answer_type = "text/html";
    answer_size = 60000;
    struct gust__test_answer *answer = fetch(app_with(fails_late), "gzip");
    assert_int_equal(answer->status, 404);
    assert_false(has(answer, "Content-Encoding"));
    assert_non_null(strstr(answer->body, "nothing here"));
}

static void test_head_says_what_get_would(void **state)
{
    gust_app *app = app_with(text);
    (void)state;
    answer_type = NULL;
    answer_size = 5000;
    struct gust__test_answer *answer =
        gust__test_request(app, "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    int64_t length = answer->content_length;
    answer = gust__test_request(app, "HEAD / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    assert_int_equal(answer->content_length, length);
    assert_true(has(answer, "Content-Encoding: gzip\n"));
    assert_int_equal(answer->size, 0);
    gust_app_free(app);
}

static void test_a_client_that_left_ends_it(void **state)
{
    (void)state;
    answer_size = MANY;
    gust__test_options.send_error = EPIPE;
    struct gust__test_answer *answer = fetch(app_with(text), "gzip");
    assert_int_equal(answer->size, 0);
}

/* ---- requests' bodies ---- */

static void echo(gust_request *req)
{
    gust_bytes body = gust_body(req);
    assert_true(!body.data || body.data[body.len] == 0);
    gust_write(req, body.data, body.len);
}

static void echo_argument(gust_request *req)
{
    gust_print(req, gust_need_arg(req, "name"));
}

/* Reads in small pieces, streamed or not. */
static void echo_read(gust_request *req)
{
    char piece_of_it[100];
    ssize_t got;
    while ((got = gust_read_body(req, piece_of_it, sizeof(piece_of_it))) > 0)
        gust_write(req, piece_of_it, (size_t)got);
    if (got < 0)
        gust_clear(req);
}

static struct {
    char *data;
    size_t size;
} coded;

static void encode(const char *coding, size_t size)
{
    char *in = malloc(size + 1);
    struct gust__encoder *encoder = gust__encoder_new(gust__coding_named(gust__slice_of(coding)), size);
    struct gust__slice data = gust__slice(in, size);
    for (size_t i = 0; i < size; i++)
        in[i] = LINE[i % strlen(LINE)];
    free(coded.data);
    coded.data = malloc(size + 2000);
    coded.size = 0;
    for (bool done = false; !done;)
        coded.size += (size_t)gust__encode(encoder, &data, GUST__ENCODE_END, coded.data + coded.size,
                                           size + 2000 - coded.size, &done);
    gust__encoder_free(encoder);
    free(in);
}

static const int64_t limit = 50000;

static struct gust__test_answer *post_bytes(gust_handler_function *function, bool stream, const char *headers,
                                            const char *data, size_t size)
{
    char *request = malloc(size + 1000);
    gust_app *app = gust_app_new();
    gust_app_set(app, .decompress_request = true);
    gust_route(app, "POST /", function, .stream_body = stream, .max_body = limit);
    int head =
        snprintf(request, 1000, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n%s\r\n", size, headers);
    memcpy(request + head, data, size);
    struct gust__test_answer *answer = gust__test_bytes(app, request, (size_t)head + size);
    free(request);
    gust_app_free(app);
    return answer;
}

static struct gust__test_answer *post(gust_handler_function *function, bool stream, const char *coding,
                                      size_t size)
{
    char header[64];
    encode(coding, size);
    snprintf(header, sizeof(header), "Content-Encoding: %s\r\n", coding);
    return post_bytes(function, stream, header, coded.data, coded.size);
}

static void check_echo(const struct gust__test_answer *answer, size_t size)
{
    assert_int_equal(answer->status, 200);
    assert_int_equal(answer->size, size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(answer->body[i], LINE[i % strlen(LINE)]);
}

static void test_bodies_are_decoded_up_to_the_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        check_echo(post(echo, false, names[i], 1), 1);
        check_echo(post(echo, false, names[i], (size_t)limit - 1), (size_t)limit - 1);
        check_echo(post(echo, false, names[i], (size_t)limit), (size_t)limit);
        assert_int_equal(post(echo, false, names[i], (size_t)limit + 1)->status, 413);
        assert_int_equal(post(echo, false, names[i], 100 * (size_t)limit)->status, 413); /* a bomb */
        check_echo(post(echo_read, false, names[i], 20000), 20000);
    }
}

static void test_streamed_bodies_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        for (size_t size = 1; size < 300; size += 99) {
            gust__test_options.piece = size;
            check_echo(post(echo_read, true, names[i], (size_t)limit - 1), (size_t)limit - 1);
        }
        check_echo(post(echo_read, true, names[i], (size_t)limit), (size_t)limit);
        struct gust__test_answer *answer = post(echo_read, true, names[i], (size_t)limit + 1);
        assert_int_equal(answer->status, 413);
        assert_int_equal(answer->body_failed, 413);
        assert_int_equal(post(echo_read, true, names[i], 100 * (size_t)limit)->status, 413);
    }
}

static void test_malformed_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        char header[64];
        snprintf(header, sizeof(header), "Content-Encoding: %s\r\n", names[i]);
        for (int stream = 0; stream < 2; stream++) {
            gust_handler_function *function = stream ? echo_read : echo;
            assert_int_equal(
                post_bytes(function, stream, header, "\xff\xff\xff\xff\xff\xff\xff\xff", 8)->status, 400);
            encode(names[i], 1000);
            assert_int_equal(post_bytes(function, stream, header, coded.data, coded.size - 1)->status, 400);
            assert_int_equal(post_bytes(function, stream, header, coded.data, coded.size)->status, 200);
            assert_int_equal(post_bytes(function, stream, header, "", 0)->status, 200);
        }
    }
}

static void test_codings_that_are_not_known(void **state)
{
    static const char *const headers[] = {"Content-Encoding: compress\r\n", "Content-Encoding: gzip, br\r\n",
                                          "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n",
                                          "Content-Encoding: \x80\r\n"};
    (void)state;
    for (size_t i = 0; i < GUST_LEN(headers); i++) {
        struct gust__test_answer *answer = post_bytes(echo, i % 2, headers[i], "text", 4);
        assert_int_equal(answer->status, 415);
        assert_true(has(answer, "Accept-Encoding: gzip, br, zstd, deflate\n"));
    }
    assert_string_equal(post_bytes(echo, false, "Content-Encoding: identity\r\n", "text", 4)->body, "text");
    assert_string_equal(post_bytes(echo, false, "", "text", 4)->body, "text");
}

static void test_forms_are_read_decoded(void **state)
{
    static const char zlib[] = "\x78\x9c\xcb\x4b\xcc\x4d\xb5\x4d\xcc\x29\xc8\x48\x04\x00\x15\x6e\x03\xe5";
    (void)state;
    struct gust__test_answer *answer =
        post_bytes(echo_argument, false,
                   "Content-Encoding: deflate\r\nContent-Type: application/x-www-form-urlencoded\r\n", zlib,
                   sizeof(zlib) - 1);
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer->body, "alpha");
}

static void test_an_application_that_does_not_decode(void **state)
{
    gust_app *app = gust_app_new();
    (void)state;
    gust_route(app, "POST /", echo);
    struct gust__test_answer *answer = gust__test_request(
        app, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\n\r\ntext");
    assert_string_equal(answer->body, "text");
    gust_app_free(app);
}

static int free_coded(void **state)
{
    (void)state;
    free(coded.data);
    free(gust__test_last.body);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_answers_have_their_length),
        cmocka_unit_test(test_long_answers_stream),
        cmocka_unit_test(test_the_least_size),
        cmocka_unit_test(test_who_does_not_ask_gets_the_text),
        cmocka_unit_test(test_an_application_that_does_not_compress),
        cmocka_unit_test(test_types_that_are_worth_it),
        cmocka_unit_test(test_what_is_coded_or_a_piece_stays),
        cmocka_unit_test(test_vary_is_said_once),
        cmocka_unit_test(test_tags_of_coded_answers_are_weak),
        cmocka_unit_test(test_a_304_has_the_tag_of_its_200),
        cmocka_unit_test(test_tags_that_are_made),
        cmocka_unit_test(test_each_flush_can_be_read),
        cmocka_unit_test(test_an_error_starts_anew),
        cmocka_unit_test(test_head_says_what_get_would),
        cmocka_unit_test(test_a_client_that_left_ends_it),
        cmocka_unit_test(test_bodies_are_decoded_up_to_the_limit),
        cmocka_unit_test(test_streamed_bodies_too),
        cmocka_unit_test(test_malformed_bodies),
        cmocka_unit_test(test_codings_that_are_not_known),
        cmocka_unit_test(test_forms_are_read_decoded),
        cmocka_unit_test(test_an_application_that_does_not_decode),
    };
    return cmocka_run_group_tests(tests, NULL, free_coded);
}
