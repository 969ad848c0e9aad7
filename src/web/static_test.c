/* Files as answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/sys.h"
#include "http/date.h"
#include "web/files.h"
#include "web/testing.h"

static char root[64]; /* its folder "files" is served; beside it lies "files-not" */

/* ---- the files ---- */

static char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static void write_file(const char *name, const char *text, size_t size)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void set_time(const char *name, time_t seconds)
{
    struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path_of(name), times, 0), 0);
}

enum { LARGE = 200000, SMALL = 1000 };

static char large[LARGE];

static void make_large(void)
{
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)('a' + (i * i / 7 + i) % 26);
}

static int make_files(void **state)
{
    (void)state;
    strcpy(root, "/tmp/gust-static-XXXXXX");
    assert_non_null(mkdtemp(root));
    make_large();
    mkdir(path_of("files"), 0700);
    mkdir(path_of("files/sub"), 0700);
    mkdir(path_of("files/bare"), 0700);
    mkdir(path_of("files-not"), 0700);
    write_file("files-not/secret", "secret", 6);
    write_file("files/a.txt", "0123456789", 10);
    write_file("files/empty.css", "", 0);
    write_file("files/small.bin", large, SMALL);
    write_file("files/large.bin", large, LARGE);
    write_file("files/page.html", large, 5000);
    write_file("files/page.html.gz", "gzipped", 7);
    write_file("files/page.html.br", "brotli", 6);
    write_file("files/sub/index.html", "<p>index", 8);
    write_file("files/robots.txt", "robots", 6);
    write_file("files/\xe4.txt", "latin", 5);
    set_time("files/a.txt", 1000000000);
    assert_int_equal(symlink("../files-not/secret", path_of("files/out")), 0);
    assert_int_equal(symlink("a.txt", path_of("files/in")), 0);
    assert_int_equal(symlink("../files-not", path_of("files/folder")), 0);
    assert_int_equal(mkfifo(path_of("files/fifo"), 0600), 0);
    return 0;
}

static int remove_files(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -r '%s'", root);
    free(gust__test_last.body);
    return system(command);
}

/* ---- asking ---- */

static gust_static_options options;

static gust_app *new_app(void)
{
    gust_app *app = gust_app_new();
    options.size = sizeof(options);
    gust_static_with(app, "/static/", path_of("files"), &options);
    options = (gust_static_options){0};
    return app;
}

/* With header lines, each ended by CR LF. */
static struct gust__test_answer *ask(const char *method, const char *target, const char *headers)
{
    static char request[20000];
    gust_app *app = new_app();
    snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, target, headers);
    struct gust__test_answer *answer = gust__test_request(app, request);
    gust_app_free(app);
    return answer;
}

static struct gust__test_answer *get(const char *target)
{
    return ask("GET", target, "");
}

/* A header's value, "" for none. */
static const char *header(const struct gust__test_answer *answer, const char *name)
{
    static char value[512];
    char line[64];
    snprintf(line, sizeof(line), "%s: ", name);
    const char *at = strstr(answer->headers, line);
    if (!at || (at != answer->headers && at[-1] != '\n'))
        return "";
    at += strlen(line);
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
    return value;
}

static void check_status(const char *target, int status)
{
    struct gust__test_answer *answer = get(target);
    if (!answer || answer->status != status)
        fail_msg("%s: %d", target, answer ? answer->status : 0);
}

/* ---- whole files ---- */

static void test_a_file_and_what_is_said_of_it(void **state)
{
    struct gust__test_answer *answer = get("/static/a.txt");
    (void)state;
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer->body, "0123456789");
    assert_int_equal(answer->content_length, 10);
    assert_string_equal(header(answer, "Content-Type"), "text/plain; charset=utf-8");
    assert_string_equal(header(answer, "Last-Modified"), "Sun, 09 Sep 2001 01:46:40 GMT");
    assert_string_equal(header(answer, "Accept-Ranges"), "bytes");
    assert_string_equal(header(answer, "Cache-Control"), "");
    assert_string_equal(header(answer, "Vary"), "");
    assert_int_equal(header(answer, "Etag")[0], '"');
    assert_int_equal(answer->sends, 1); /* head and body in one */
}

static void test_large_files_are_sent_as_files(void **state)
{
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        gust__test_options.no_send_file = plain;
        struct gust__test_answer *answer = get("/static/large.bin");
        assert_int_equal(answer->files_sent, !plain);
        assert_int_equal(answer->content_length, LARGE);
        assert_int_equal(answer->size, LARGE);
        assert_memory_equal(answer->body, large, LARGE);
        assert_true(answer->ended);
    }
    assert_int_equal(get("/static/small.bin")->files_sent, 0);
}

static void test_head(void **state)
{
    static const char *const names[] = {"/static/a.txt", "/static/large.bin", "/static/empty.css"};
    static const int64_t sizes[] = {10, LARGE, 0};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct gust__test_answer *answer = ask("HEAD", names[i], "");
        assert_int_equal(answer->status, 200);
        assert_int_equal(answer->content_length, sizes[i]);
        assert_int_equal(answer->size, 0);
        assert_true(answer->ended);
    }
    assert_int_equal(ask("HEAD", "/static/a.txt", "Range: bytes=0-1\r\n")->content_length, 10);
    assert_int_equal(ask("POST", "/static/a.txt", "Content-Length: 0\r\n")->status, 405);
}

static void test_an_empty_file(void **state)
{
    struct gust__test_answer *answer = get("/static/empty.css");
    (void)state;
    assert_int_equal(answer->content_length, 0);
    assert_string_equal(header(answer, "Content-Type"), "text/css; charset=utf-8");
}

/* ---- names ---- */

static void test_paths_that_lead_out_or_nowhere(void **state)
{
    static char over_long[9000] = "/static/";
    (void)state;
    check_status("/static/../files-not/secret", 403);
    check_status("/static/..%2ffiles-not%2fsecret", 403);
    check_status("/static/%2e%2e/files-not/secret", 403);
    check_status("/static/sub/../a.txt", 403);
    check_status("/static/./a.txt", 403);
    check_status("/static/..", 403);
    check_status("/static//etc/passwd", 404);
    check_status("/static/%2fetc/passwd", 404);
    check_status("/static/sub//index.html", 404);
    check_status("/static/a.txt%00.png", 404);
    check_status("/static/a.txt%0", 404);
    check_status("/static/a.txt/", 403);
    check_status("/static/a.txt/x", 404);
    check_status("/static/missing", 404);
    check_status("/static-not/secret", 404);
    check_status("/static/fifo", 403);
    memset(over_long + 8, 'x', 8000);
    check_status(over_long, 404);
    for (size_t i = 12; i < 8000; i += 8)
        over_long[i] = '/';
    check_status(over_long, 404);
    check_status("/static/%e4.txt", 200);
}

static void test_a_root_at_the_root(void **state)
{
    gust_app *app = gust_app_new();
    (void)state;
    gust_static(app, "/", path_of("files"), .default_name = "index.html");
    assert_int_equal(gust__test_fetch(app, "GET //evil.com/../files")->status, 403);
    assert_int_equal(gust__test_fetch(app, "GET //sub")->status, 404);
    assert_int_equal(gust__test_fetch(app, "GET //evil.com/sub")->status, 404);
    assert_string_equal(header(gust__test_fetch(app, "GET /sub"), "Location"), "/sub/");
    assert_int_equal(gust__test_fetch(app, "GET /a.txt")->status, 200);
    gust_app_free(app);
}

static void test_links_stay_inside_unless_asked(void **state)
{
    (void)state;
    check_status("/static/in", 200);
    check_status("/static/out", 403);
    check_status("/static/folder/secret", 403);
    options.follow_links = true;
    check_status("/static/out", 200);
    options.follow_links = true;
    check_status("/static/folder/secret", 200);
}

static void check_walk(int directory, const char *path, int code)
{
    errno = 0;
    int fd = gust__file_walk(directory, path);
    if (fd < 0 ? errno != code : code != 0)
        fail_msg("%s: %s", path, strerror(errno));
    if (fd >= 0)
        gust__sys_close(fd);
}

static void test_links_where_the_kernel_does_not_help(void **state)
{
    char component[300] = "";
    int directory = open(path_of("files"), O_PATH | O_DIRECTORY);
    (void)state;
    memset(component, 'x', 255);
    check_walk(directory, "a.txt", 0);
    check_walk(directory, "sub/index.html", 0);
    check_walk(directory, "sub", 0);
    check_walk(directory, "in", ELOOP);
    check_walk(directory, "out", ELOOP);
    check_walk(directory, "folder/secret", ENOTDIR);
    check_walk(directory, "a.txt/x", ENOTDIR);
    check_walk(directory, "missing/x", ENOENT);
    check_walk(directory, component, ENOENT);
    component[255] = 'x';
    check_walk(directory, component, ENAMETOOLONG);
    gust__sys_close(directory);
}

static void test_directories(void **state)
{
    char target[9000] = "/static/sub?", expected[9000] = "/static/sub/?";
    (void)state;
    check_status("/static/", 403);
    check_status("/static/sub", 403);
    check_status("/static/sub/", 403);
    options.default_name = "index.html";
    assert_string_equal(get("/static/sub/")->body, "<p>index");
    options.default_name = "index.html";
    check_status("/static/bare/", 404);
    memset(target + 12, 'q', 400);
    memset(expected + 13, 'q', 400);
    options.default_name = "index.html";
    struct gust__test_answer *answer = get(target);
    assert_int_equal(answer->status, 301);
    assert_string_equal(header(answer, "Location"), expected);
}

static void test_the_icon_and_the_robots(void **state)
{
    (void)state;
    assert_string_equal(get("/robots.txt")->body, "robots");
    check_status("/favicon.ico", 404);
    options.only_prefix = true;
    check_status("/robots.txt", 404);
}

static void test_mistakes(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        static const char *const prefixes[] = {"/static", "static/", "/static/"};
        gust_app *app = gust_app_new();
        gust_static(app, prefixes[i], i == 2 ? path_of("missing") : path_of("files"));
        assert_non_null(gust_app_mistake(app));
        gust_app_free(app);
    }
}

/* ---- conditions ---- */

static struct gust__test_answer *ask_with_tag(const char *format, const char *target)
{
    char tag[64], headers[256];
    snprintf(tag, sizeof(tag), "%s", header(get(target), "Etag"));
    snprintf(headers, sizeof(headers), format, tag);
    return ask("GET", target, headers);
}

static void test_what_the_client_has(void **state)
{
    (void)state;
    struct gust__test_answer *answer = ask_with_tag("If-None-Match: W/\"x\", W/%s\r\n", "/static/large.bin");
    assert_int_equal(answer->status, 304);
    assert_int_equal(answer->size, 0);
    assert_string_not_equal(header(answer, "Etag"), "");
    assert_string_equal(header(answer, "Content-Type"), "");
    assert_int_equal(ask("GET", "/static/a.txt", "If-None-Match: \"x\"\r\n")->status, 200);
    assert_int_equal(ask("GET", "/static/a.txt", "If-None-Match: *\r\n")->status, 304);
    assert_int_equal(ask("HEAD", "/static/a.txt", "If-None-Match: *\r\n")->status, 304);
}

static void test_times(void **state)
{
    (void)state;
    assert_int_equal(
        ask("GET", "/static/a.txt", "If-Modified-Since: Sun, 09 Sep 2001 01:46:39 GMT\r\n")->status, 200);
    assert_int_equal(
        ask("GET", "/static/a.txt", "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n")->status, 304);
    assert_int_equal(
        ask("GET", "/static/a.txt", "If-Modified-Since: Sun, 09 Sep 2001 01:46:41 GMT\r\n")->status, 304);
    assert_int_equal(ask("GET", "/static/a.txt", "If-Modified-Since: yesterday\r\n")->status, 200);
    assert_int_equal(ask("GET", "/static/a.txt",
                         "If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 09 Sep 2001 01:46:41 GMT\r\n")
                         ->status,
                     200);
    assert_int_equal(
        ask("GET", "/static/a.txt", "If-Unmodified-Since: Sun, 09 Sep 2001 01:46:39 GMT\r\n")->status, 412);
    assert_int_equal(
        ask("GET", "/static/a.txt", "If-Unmodified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n")->status, 200);
}

static void test_if_match(void **state)
{
    (void)state;
    assert_int_equal(ask_with_tag("If-Match: %s\r\n", "/static/a.txt")->status, 200);
    assert_int_equal(ask_with_tag("If-Match: W/%s\r\n", "/static/a.txt")->status, 412);
    assert_int_equal(ask("GET", "/static/a.txt", "If-Match: *\r\n")->status, 200);
}

static void test_the_tag_is_new_when_the_file_is(void **state)
{
    char before[64];
    (void)state;
    write_file("files/changing", "one", 3);
    set_time("files/changing", 1000000000);
    snprintf(before, sizeof(before), "%s", header(get("/static/changing"), "Etag"));
    assert_string_equal(header(get("/static/changing"), "Etag"), before);
    write_file("files/other", "two", 3); /* as long, and as old */
    set_time("files/other", 1000000000);
    char from[512];
    snprintf(from, sizeof(from), "%s", path_of("files/other"));
    assert_int_equal(rename(from, path_of("files/changing")), 0);
    assert_string_not_equal(header(get("/static/changing"), "Etag"), before);
}

/* ---- ranges ---- */

static void check_range(const char *range, const char *expected, const char *body)
{
    char headers[128];
    snprintf(headers, sizeof(headers), "Range: %s\r\n", range);
    struct gust__test_answer *answer = ask("GET", "/static/a.txt", headers);
    assert_string_equal(header(answer, "Content-Range"), expected);
    assert_int_equal(answer->status, body && *expected ? 206 : body ? 200 : 416);
    if (body) {
        assert_string_equal(answer->body, body);
        assert_int_equal(answer->content_length, strlen(body));
    }
}

static void test_one_range(void **state)
{
    (void)state;
    check_range("bytes=0-0", "bytes 0-0/10", "0");
    check_range("bytes=2-4", "bytes 2-4/10", "234");
    check_range("bytes=8-", "bytes 8-9/10", "89");
    check_range("bytes=-3", "bytes 7-9/10", "789");
    check_range("bytes=0-9", "bytes 0-9/10", "0123456789");
    check_range("bytes=9-9", "bytes 9-9/10", "9");
    check_range("bytes=10-", "bytes */10", NULL);
    check_range("bytes=11-", "bytes */10", NULL);
    check_range("bytes=18446744073709551616-", "bytes */10", NULL);
    check_range("lines=1-2", "", "0123456789");
    check_range("bytes=2-4,5-6", "bytes 2-6/10", "23456"); /* they touch: one, so no multipart */
    assert_int_equal(ask("GET", "/static/empty.css", "Range: bytes=0-\r\n")->status, 200);
    assert_int_equal(ask("GET", "/static/a.txt", "Range: bytes=0-1\r\nRange: bytes=3-4\r\n")->status, 200);
}

static void test_several_ranges(void **state)
{
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        char boundary[64] = "", expected[4096];
        gust__test_options.no_send_file = plain;
        struct gust__test_answer *answer =
            ask("GET", "/static/large.bin", "Range: bytes=150000-150009, 0-4, -6\r\n");
        assert_int_equal(answer->status, 206);
        assert_int_equal(
            sscanf(header(answer, "Content-Type"), "multipart/byteranges; boundary=%63s", boundary), 1);
        assert_string_equal(header(answer, "Content-Range"), "");
        snprintf(expected, sizeof(expected),
                 "\r\n--%s\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes "
                 "150000-150009/200000\r\n\r\n%.10s"
                 "\r\n--%s\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes "
                 "0-4/200000\r\n\r\n%.5s"
                 "\r\n--%s\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes "
                 "199994-199999/200000\r\n\r\n%.6s"
                 "\r\n--%s--\r\n",
                 boundary, large + 150000, boundary, large, boundary, large + 199994, boundary);
        assert_string_equal(answer->body, expected);
        assert_int_equal(answer->content_length, answer->size);
        assert_true(answer->ended);
    }
}

static void test_if_range(void **state)
{
    (void)state;
    assert_int_equal(ask_with_tag("Range: bytes=0-1\r\nIf-Range: %s\r\n", "/static/a.txt")->status, 206);
    assert_int_equal(ask_with_tag("Range: bytes=0-1\r\nIf-Range: W/%s\r\n", "/static/a.txt")->status, 200);
    assert_int_equal(ask("GET", "/static/a.txt", "Range: bytes=0-1\r\nIf-Range: \"x\"\r\n")->status, 200);
    assert_int_equal(
        ask("GET", "/static/a.txt", "Range: bytes=0-1\r\nIf-Range: Sun, 09 Sep 2001 01:46:40 GMT\r\n")
            ->status,
        206);
    assert_int_equal(
        ask("GET", "/static/a.txt", "Range: bytes=0-1\r\nIf-Range: Sun, 09 Sep 2001 01:46:41 GMT\r\n")
            ->status,
        200);
    assert_int_equal(ask("GET", "/static/a.txt", "Range: bytes=99-\r\nIf-Range: \"x\"\r\n")->status, 200);
}

/* ---- codings ---- */

static struct gust__test_answer *ask_precompressed(const char *target, const char *headers)
{
    options.precompressed = true;
    return ask("GET", target, headers);
}

static void test_precompressed_files(void **state)
{
    char plain_tag[64];
    (void)state;
    struct gust__test_answer *answer = ask_precompressed("/static/page.html", "");
    assert_int_equal(answer->size, 5000);
    assert_string_equal(header(answer, "Vary"), "Accept-Encoding");
    snprintf(plain_tag, sizeof(plain_tag), "%s", header(answer, "Etag"));
    answer = ask_precompressed("/static/page.html", "Accept-Encoding: gzip, zstd, br\r\n");
    assert_string_equal(answer->body, "brotli");
    assert_string_equal(header(answer, "Content-Encoding"), "br");
    assert_string_equal(header(answer, "Content-Type"), "text/html; charset=utf-8");
    assert_string_not_equal(header(answer, "Etag"), plain_tag);
    assert_string_equal(ask_precompressed("/static/page.html", "Accept-Encoding: zstd, gzip\r\n")->body,
                        "gzipped");
    assert_string_equal(
        ask_precompressed("/static/page.html", "Accept-Encoding: gzip\r\nRange: bytes=1-3\r\n")->body, "zip");
    assert_int_equal(ask_precompressed("/static/a.txt", "Accept-Encoding: gzip\r\n")->size, 10);
    set_time("files/page.html.br", 1000000000); /* older than the page: of another version of it */
    assert_string_equal(ask_precompressed("/static/page.html", "Accept-Encoding: gzip, br\r\n")->body,
                        "gzipped");
    assert_int_equal(ask("GET", "/static/page.html", "Accept-Encoding: gzip, br\r\n")->size, 5000);
}

static struct gust__test_answer *ask_compressed(const char *method, const char *target, const char *headers)
{
    char request[512];
    gust_app *app = new_app();
    gust_app_set(app, .compress = true);
    snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, target, headers);
    struct gust__test_answer *answer = gust__test_request(app, request);
    gust_app_free(app);
    return answer;
}

static void test_files_are_encoded_as_they_go(void **state)
{
    (void)state;
    write_file("files/script.js", large, LARGE);
    static const char *const names[] = {"/static/page.html", "/static/script.js"};
    for (int i = 0; i < 2; i++) {
        struct gust__test_answer *answer = ask_compressed("GET", names[i], "Accept-Encoding: gzip\r\n");
        assert_string_equal(header(answer, "Content-Encoding"), "gzip");
        assert_memory_equal(header(answer, "Etag"), "W/", 2);
        assert_string_equal(header(answer, "Vary"), "Accept-Encoding");
        assert_true(answer->ended && answer->size < 4 * LARGE / 5);
        answer = ask_compressed("HEAD", names[i], "Accept-Encoding: gzip\r\n");
        assert_string_equal(header(answer, "Content-Encoding"), "gzip");
        assert_true(answer->ended && answer->size == 0);
        answer = ask_compressed("GET", names[i], "Accept-Encoding: gzip\r\nIf-None-Match: *\r\n");
        assert_int_equal(answer->status, 304);
        assert_memory_equal(header(answer, "Etag"), "W/", 2);
        answer = ask_compressed("GET", names[i], "Accept-Encoding: gzip\r\nRange: bytes=0-9\r\n");
        assert_string_equal(header(answer, "Content-Encoding"), "");
        assert_int_equal(answer->status, 206);
    }
    assert_int_equal(ask_compressed("GET", "/static/large.bin", "Accept-Encoding: gzip\r\n")->size, LARGE);
}

/* ---- addresses with a hash ---- */

static void tell_url(gust_request *req)
{
    gust_print(req, gust_static_url(req, gust_need_arg(req, "name")));
}

static const char *url_of(const char *name)
{
    static char url[512];
    char target[256];
    gust_app *app = new_app(), *sub = gust_app_new();
    gust_route(sub, "GET /url", tell_url);
    gust_mount(app, "/sub", sub);
    snprintf(target, sizeof(target), "GET /sub/url?name=%s", name);
    snprintf(url, sizeof(url), "%s", gust__test_fetch(app, target)->body);
    gust_app_free(app);
    return url;
}

static void test_urls_have_the_hash_of_the_content(void **state)
{
    char small[512], big[512];
    (void)state;
    snprintf(small, sizeof(small), "%s", url_of("a.txt"));
    snprintf(big, sizeof(big), "%s", url_of("large.bin"));
    assert_int_equal(strlen(small), strlen("/static/a.txt?v=") + 16);
    assert_memory_equal(small, "/static/a.txt?v=", 16);
    assert_int_equal(strlen(big), strlen("/static/large.bin?v=") + 16); /* hashed on a thread */
    assert_string_equal(header(get(small), "Cache-Control"), "public, max-age=31536000, immutable");
    assert_string_equal(header(get(big), "Cache-Control"), "public, max-age=31536000, immutable");
    assert_string_equal(header(get("/static/a.txt?v=0123456789abcdef"), "Cache-Control"), "");
    write_file("files/a.txt", "9876543210", 10);
    assert_string_not_equal(url_of("a.txt"), small);
    assert_string_equal(header(get(small), "Cache-Control"), "");
    write_file("files/a.txt", "0123456789", 10);
    set_time("files/a.txt", 1000000000);
    assert_string_equal(url_of("a.txt"), small);
    assert_string_equal(url_of("missing%20one"), "/static/missing%20one");
    assert_string_equal(url_of("../files-not/secret"), "/static/../files-not/secret");
}

static void test_how_long_it_may_be_kept(void **state)
{
    (void)state;
    options.max_age = GUST_S(60);
    assert_string_equal(header(get("/static/a.txt"), "Cache-Control"), "max-age=60");
    options.max_age = -1;
    assert_string_equal(header(get("/static/a.txt"), "Cache-Control"), "no-cache");
}

/* ---- from handlers ---- */

static const char *sent_name = "files/a.txt", *saved_as;

static void send_it(gust_request *req)
{
    gust_print(req, "dropped");
    gust_set_header(req, "X-Mine", "kept");
    if (gust_send_file(req, path_of(sent_name), .download_as = saved_as) < 0)
        gust_fail(404, "%s", strerror(errno));
}

static void send_descriptor(gust_request *req)
{
    int fd = open(path_of("files/a.txt"), O_RDONLY);
    GUST_DEFER(close, fd);
    lseek(fd, 5, SEEK_SET);
    gust_send_fd(req, fd, .content_type = "text/x-own");
}

static void send_as_error(gust_request *req)
{
    gust_set_status(req, 404);
    gust_send_file(req, path_of("files/a.txt"));
}

static struct gust__test_answer *ask_handler(gust_handler_function *function, const char *headers)
{
    char request[512];
    gust_app *app = gust_app_new();
    gust_route(app, "GET /", function);
    snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", headers);
    struct gust__test_answer *answer = gust__test_request(app, request);
    gust_app_free(app);
    return answer;
}

static void test_a_handler_sends_a_file(void **state)
{
    struct gust__test_answer *answer = ask_handler(send_it, "");
    (void)state;
    assert_string_equal(answer->body, "0123456789");
    assert_string_equal(header(answer, "X-Mine"), "kept");
    assert_string_equal(header(answer, "Content-Disposition"), "");
    assert_string_equal(ask_handler(send_it, "Range: bytes=1-2\r\n")->body, "12");
    answer = ask_handler(send_descriptor, "");
    assert_string_equal(answer->body, "0123456789");
    assert_string_equal(header(answer, "Content-Type"), "text/x-own; charset=utf-8");
    answer = ask_handler(send_as_error, "Range: bytes=1-2\r\nIf-None-Match: *\r\n");
    assert_int_equal(answer->status, 404);
    assert_string_equal(answer->body, "0123456789");
}

static void test_files_that_cannot_be_sent(void **state)
{
    static const char *const bad[] = {"files/missing", "files/sub", "files/fifo"};
    (void)state;
    for (size_t i = 0; i < GUST_LEN(bad); i++) {
        sent_name = bad[i];
        assert_int_equal(ask_handler(send_it, "")->status, 404);
    }
    sent_name = "files/a.txt";
}

static void test_downloads_and_their_names(void **state)
{
    static const char *const names[][2] = {
        {"report.pdf", "attachment; filename=\"report.pdf\""},
        {"a b.txt", "attachment; filename=\"a b.txt\""},
        {"a\"b\r\n.txt", "attachment; filename=\"a_b__.txt\"; filename*=UTF-8''a%22b%0D%0A.txt"},
        {"\xc3\xa4.txt", "attachment; filename=\"__.txt\"; filename*=UTF-8''%C3%A4.txt"},
        {"\xe4.txt", "attachment; filename=\"_.txt\""},
    };
    (void)state;
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        saved_as = names[i][0];
        assert_string_equal(header(ask_handler(send_it, ""), "Content-Disposition"), names[i][1]);
    }
    saved_as = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_and_what_is_said_of_it),
        cmocka_unit_test(test_large_files_are_sent_as_files),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_an_empty_file),
        cmocka_unit_test(test_paths_that_lead_out_or_nowhere),
        cmocka_unit_test(test_a_root_at_the_root),
        cmocka_unit_test(test_links_stay_inside_unless_asked),
        cmocka_unit_test(test_links_where_the_kernel_does_not_help),
        cmocka_unit_test(test_directories),
        cmocka_unit_test(test_the_icon_and_the_robots),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_what_the_client_has),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_if_match),
        cmocka_unit_test(test_the_tag_is_new_when_the_file_is),
        cmocka_unit_test(test_one_range),
        cmocka_unit_test(test_several_ranges),
        cmocka_unit_test(test_if_range),
        cmocka_unit_test(test_precompressed_files),
        cmocka_unit_test(test_files_are_encoded_as_they_go),
        cmocka_unit_test(test_urls_have_the_hash_of_the_content),
        cmocka_unit_test(test_how_long_it_may_be_kept),
        cmocka_unit_test(test_a_handler_sends_a_file),
        cmocka_unit_test(test_files_that_cannot_be_sent),
        cmocka_unit_test(test_downloads_and_their_names),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
