/* Tests of the parts below the pages: build/examples/blog_tests, or one by name. */
#include "blog.h"
#include "markdown.h"
#include "store.h"

#include <gust/testing.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Markdown ---- */

static void check_html(const char *text, const char *expected)
{
    char *html = markdown_html(text);
    GUST_DEFER(free, html);
    GUST_CHECK_TEXT(html, expected);
}

GUST_TEST(markdown_becomes_html)
{
    check_html("", "");
    check_html("*a* **b** `c` ~~d~~", "<p><em>a</em> <strong>b</strong> <code>c</code> <del>d</del></p>\n");
    check_html("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n");
    check_html("line\r\nline", "<p>line\nline</p>\n");
}

GUST_TEST(headings_leave_the_first_level_to_the_page)
{
    check_html("# a\n\n##### b\n\n###### c", "<h2>a</h2>\n<h6>b</h6>\n<h6>c</h6>\n");
}

GUST_TEST(code_can_be_scrolled_by_the_keyboard)
{
    check_html("```\n<h1>\n```", "<pre tabindex=\"0\"><code>&lt;h1&gt;\n</code></pre>\n");
}

GUST_TEST(html_is_text)
{
    check_html("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>\n");
    check_html("a <b onclick=\"x\">", "<p>a &lt;b onclick=&quot;x&quot;&gt;</p>\n");
    check_html("<a href=\"javascript:x\">", "<p>&lt;a href=&quot;javascript:x&quot;&gt;</p>\n");
}

#define LINK(url) "<p><a rel=\"nofollow ugc\" href=\"" url "\">a</a></p>\n"

GUST_TEST(harmless_links_stay)
{
    check_html("[a](/posts/1?a=1&b=2#c)", LINK("/posts/1?a=1&amp;b=2#c"));
    check_html("[a](https://example.org/)", LINK("https://example.org/"));
    check_html("[a](HTTP://example.org/)", LINK("HTTP://example.org/"));
    check_html("[a](mailto:a@example.org)", LINK("mailto:a@example.org"));
    check_html("[a](b/c:d)", LINK("b/c:d"));
    check_html("[a]()", LINK(""));
}

GUST_TEST(other_links_do_not)
{
    static const char *const texts[] = {
        "[a](javascript:x)",       "[a](JAVASCRIPT:x)",      "[a](&#106;avascript:x)",
        "[a](javascript&colon;x)", "[a](javascript&#x3A;x)", "[a](java\\script:x)",
        "[a](<java\tscript:x>)",   "[a](data:text/html,x)",  "[a](vbscript:x)",
        "[a](file:///etc/passwd)", "[a](httpx:y)",           "[a][1]\n\n[1]: javascript:x",
    };
    for (size_t i = 0; i < GUST_LEN(texts); i++)
        check_html(texts[i], LINK("about:invalid#blocked"));
    check_html("![a](javascript:x)",
               "<p><img loading=\"lazy\" src=\"about:invalid#blocked\" alt=\"a\"></p>\n");
    check_html("![a\" onerror=\"x](/b\")",
               "<p><img loading=\"lazy\" src=\"/b%22\" alt=\"a&quot; onerror=&quot;x\"></p>\n");
}

/* ---- the store ---- */

static char folder[] = "/tmp/blog-test-XXXXXX";
static char database[sizeof(folder) + 16], uploads[sizeof(folder) + 16];

static void remove_folder(void)
{
    static const char *const names[] = {"blog.db", "blog.db-wal", "blog.db-shm"};
    char path[sizeof(database)];
    blog_close();
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(uploads);
    rmdir(folder);
    memset(folder + sizeof(folder) - 7, 'X', 6);
}

/* A blog without posts, in a folder that goes with the test. */
static gust_app *new_blog(void)
{
    GUST_CHECK(mkdtemp(folder) != NULL);
    snprintf(database, sizeof(database), "%s/blog.db", folder);
    snprintf(uploads, sizeof(uploads), "%s/images", folder);
    blog.uploads = uploads;
    gust_app *app = gust_app_new();
    blog_set_up(app);
    blog.database = database;
    GUST_CHECK(blog_make_sessions(app) == 0);
    GUST_CHECK(blog_open() == 0);
    return app;
}

static void kinds_of_values(gust_request *req)
{
    json_t *rows = store_rows(req, "SELECT ? AS text, ? AS number, ? AS absent UNION ALL SELECT '2', 2, 2",
                              "sis", "1\xc3\xa9", (int64_t)1 << 40, NULL);
    gust_printf(req, "%s %lld %d %zu", row_text(json_array_get(rows, 0), "text"),
                (long long)row_number(json_array_get(rows, 0), "number"),
                json_is_null(json_object_get(json_array_get(rows, 0), "absent")), json_array_size(rows));
}

GUST_TEST(values_go_in_and_come_out)
{
    gust_app *app = new_blog();
    GUST_DEFER(remove_folder);
    gust_route(app, "GET /kinds", kinds_of_values);
    gust_test_serve(app);
    GUST_CHECK_BODY(gust_fetch("/kinds"), "1\xc3\xa9 1099511627776 1 2");
}

static void changes(gust_request *req)
{
    int64_t added = store_change(
        req, "INSERT INTO accounts(name, password, role) VALUES (?, '', 'author'), (?, '', 'author')", "ss",
        "ann", "bob");
    json_t *none = store_row(req, "SELECT 1 FROM accounts WHERE name = ?", "s", "eve");
    int64_t unchanged = store_change(req, "UPDATE accounts SET banned = 1 WHERE name = ?", "s", "eve");
    gust_printf(req, "%lld %d %lld", (long long)added, none != NULL, (long long)unchanged);
}

GUST_TEST(changes_are_counted)
{
    gust_app *app = new_blog();
    GUST_DEFER(remove_folder);
    gust_route(app, "GET /changes", changes);
    gust_test_serve(app);
    GUST_CHECK_BODY(gust_fetch("/changes"), "2 0 0");
}

static void broken(gust_request *req)
{
    store_rows(req, "SELECT * FROM nowhere", NULL);
}

GUST_TEST(a_statement_that_fails_is_a_503_and_a_line_in_the_log)
{
    gust_app *app = new_blog();
    GUST_DEFER(remove_folder);
    gust_route(app, "GET /broken", broken);
    gust_test_serve(app);
    gust_test_expect_log(GUST_ERROR, "no such table: nowhere");
    gust_response *answer = gust_fetch("/broken");
    GUST_CHECK_STATUS(answer, 503);
    GUST_CHECK(strstr(gust_response_body(answer).data, "nowhere") == NULL);
}

GUST_TEST(the_front_page_of_an_empty_blog)
{
    gust_app *app = new_blog();
    GUST_DEFER(remove_folder);
    gust_test_serve(app);
    gust_response *answer = gust_fetch("/");
    GUST_CHECK_STATUS(answer, 200);
    GUST_CHECK(strstr(gust_response_body(answer).data, "Nothing is published yet") != NULL);
}

int main(int argc, char **argv)
{
    return gust_test_main(argc, argv);
}
