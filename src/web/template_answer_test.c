/* Templates as answers: types, streaming, failures, mounts, and modules with what they need of the page. */
#include "web/testing.h"

#include "web/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <gust/json.h>

static void page(gust_request *request)
{
    const char *name = gust_path_arg(request, 1);
    if (gust_query_arg(request, "type"))
        gust_set_header(request, "Content-Type", "text/x-own");
    assert_int_equal(gust_render(request, name, "{s:s, s:[i, i]}", "title", "<T>", "list", 1, 2), 0);
}

static void bare(gust_request *request)
{
    gust_render(request, "bare.html", NULL);
}

static void bad_values(gust_request *request)
{
    gust_render(request, "bare.html", "{s:s}", "title", "\xff");
}

static void no_object(gust_request *request)
{
    gust_render(request, "bare.html", "[]");
}

static void late(gust_request *request)
{
    gust_finish(request);
    assert_int_equal(gust_render(request, "bare.html", NULL), -1);
    assert_int_equal(errno, EALREADY);
}

static void large(gust_request *request)
{
    int count = atoi(gust_need_arg(request, "n"));
    int result =
        gust_render(request, "large.html", "{s:i, s:i}", "n", count, "bad", gust_arg(request, "bad") != NULL);
    assert_int_equal(result, gust__test_options.send_error ? -1 : 0);
}

static int path_of(gust_template_call *call, void *data)
{
    assert_string_equal(data, "data");
    return gust_template_return_html(
        call, gust_sprintf(gust_template_request(call), "<i>%s</i>", gust_path(gust_template_request(call))));
}

static int refuse(gust_template_call *call, void *data)
{
    (void)call;
    (void)data;
    gust_fail(403, "not for you");
}

static int entry(gust_template_call *call, void *data)
{
    (void)data;
    if (gust_template_need(call, GUST_NEED_CSS_FILE, "/a.css?x&y") < 0 ||
        gust_template_need(call, GUST_NEED_CSS, "p > a {}") < 0 ||
        gust_template_need(call, GUST_NEED_JAVASCRIPT_FILE, "/a.js") < 0 ||
        gust_template_need(call, GUST_NEED_JAVASCRIPT, "f(1 < 2)") < 0 ||
        gust_template_need(call, GUST_NEED_HEAD, "<meta>") < 0 ||
        gust_template_need(call, GUST_NEED_BODY, "<hr>") < 0)
        return -1;
    return gust_template_render(call, "entry.html", "{s:s}", "text", gust_template_text(call, 0));
}

static int again(gust_template_call *call, void *data)
{
    int64_t left;
    (void)data;
    if (gust_template_integer(call, 0, &left) < 0)
        return -1;
    return left ? gust_template_render(call, "again.html", "{s:I}", "left", (json_int_t)left - 1) : 0;
}

static int not_a_module(gust_template_call *call, void *data)
{
    (void)data;
    assert_int_equal(gust_template_need(call, GUST_NEED_CSS, "x"), -1);
    return gust_template_render(call, "bare.html", NULL);
}

static gust_templates *make_templates(void)
{
    static const char *const texts[][2] = {
        {"bare.html", "bare"},
        {"post.html", "<h1>{{ title }}</h1>{% for x in list %}{{ x }}{% end %}{{ path() }}"},
        {"mail.txt", "{{ title }}"},
        {"x.json", "{\"title\": {{ title }}}"},
        {"x.js", "f({{ title }})"},
        {"x.css", "p { content: '{{ title }}' }"},
        {"x.svg", "<svg>{{ title }}</svg>"},
        {"bad.html", "<p>\n{{ titel }}"},
        {"refused.html", "<p>{{ refuse() }}"},
        {"large.html", "{% for x in range(n) %}0123456789abcde\n{% end %}{% if bad %}{{ unknown }}{% end %}"},
        {"modules.html",
         "<html><head></head><body>{% for x in list %}{% module Entry(x) %}{% end %}</body></html>"},
        {"late_module.html",
         "<head></head>{% for x in range(20000) %}0123456789abcde\n{% end %}{% module Entry('a') %}"},
        {"fragment.html", "{% module Entry('a') %}"},
        {"entry.html", "<p>{{ text }}</head></body></p>"},
        {"again.html", "{{ left }} {% module Again(left) %}"},
        {"deep.html", "{% module Again(14) %}"},
        {"deepest.html", "{% module Again(15) %}"},
        {"too_deep.html", "{% try %}{% module Again(16) %}{% except %}{% end %}"},
        {"no_module.html", "{{ not_a_module() }}"},
        {"request.html",
         "<a href=\"{{ reverse_url('page', 'a b/c') }}\">{{ _('Hi') }} {{ _('one', 'more', 1) }} {{ _('one', 'more', 2) }}</a>"},
        {"files.html", "<link href=\"{{ static_url('a b.css') }}\">"},
        {"form.html", "<form>{{ xsrf_form_html() }}</form>"},
    };
    gust_templates *templates = gust_templates_new(.whitespace = "all");
    for (size_t i = 0; i < GUST_LEN(texts); i++)
        gust_templates_add(templates, texts[i][0], texts[i][1]);
    gust_template_function(templates, "path", path_of, (void *)(uintptr_t) "data");
    gust_template_function(templates, "refuse", refuse, NULL);
    gust_template_function(templates, "not_a_module", not_a_module, NULL);
    gust_template_module(templates, "Entry", entry, NULL);
    gust_template_module(templates, "Again", again, NULL);
    return templates;
}

static gust_app *make(void)
{
    gust_app *app = gust_app_new(), *sub = gust_app_new();
    gust_app_templates(app, make_templates());
    gust_route(app, "/page/(.*)", page, .name = "page");
    gust_route(app, "/bare", bare);
    gust_route(app, "/bad-values", bad_values);
    gust_route(app, "/no-object", no_object);
    gust_route(app, "/late", late);
    gust_route(app, "/large", large);
    gust_route(sub, "/bare", bare);
    gust_mount(app, "/sub", sub);
    return app;
}

static struct gust__test_answer *check(gust_app *app, const char *target, int status, const char *body)
{
    struct gust__test_answer *answer = gust__test_fetch(app, target);
    if (answer->status != status || (body && strcmp(answer->body, body) != 0))
        print_error("%s: %d %s\n%s\n", target, answer->status, answer->body, answer->log);
    assert_int_equal(answer->status, status);
    if (body)
        assert_string_equal(answer->body, body);
    return answer;
}

static void test_pages_have_their_type(void **state)
{
    (void)state;
    static const struct {
        const char *name, *type, *body;
    } cases[] = {
        {"post.html", "text/html; charset=UTF-8", "<h1>&lt;T&gt;</h1>12<i>/page/post.html</i>"},
        {"mail.txt", "text/plain; charset=UTF-8", "<T>"},
        {"x.json", "application/json", "{\"title\": \"\\u003cT\\u003e\"}"},
        {"x.js", "text/javascript; charset=UTF-8", "f(\"\\u003cT\\u003e\")"},
        {"x.css", "text/css; charset=UTF-8", "p { content: '\\3c T\\3e ' }"},
        {"x.svg", "image/svg+xml; charset=UTF-8", "<svg>&lt;T&gt;</svg>"},
        {"x.css?type=1", "text/x-own", NULL},
    };
    gust_app *app = make();
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        char target[100], header[100];
        snprintf(target, sizeof(target), "GET /page/%s", cases[i].name);
        snprintf(header, sizeof(header), "Content-Type: %s\n", cases[i].type);
        struct gust__test_answer *answer = check(app, target, 200, cases[i].body);
        assert_string_equal(answer->headers, header);
        assert_int_equal(answer->content_length, answer->size);
    }
    check(app, "GET /bare", 200, "bare");
    check(app, "GET /sub/bare", 200, "bare"); /* with the templates of what it is mounted in */
    check(app, "GET /late", 200, "");
    gust_app_free(app);
}

static void test_mistakes_are_in_the_log_only(void **state)
{
    (void)state;
    static const struct {
        const char *target, *log;
    } cases[] = {
        {"GET /page/bad.html", "bad.html:2: unknown name 'titel'"},
        {"GET /page/none.html", "the template none.html: No such file or directory"},
        {"GET /bad-values", "the values of bare.html: Invalid UTF-8 string, in \"{s:s}\""},
        {"GET /no-object", "bare.html: the values of a template are an object"},
        {"GET /page/no_module.html", "no_module.html:1: not_a_module(): gust_template_render is for modules"},
        {"GET /page/too_deep.html", "modules that render one another, deeper than 16"},
    };
    gust_app *app = make();
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        struct gust__test_answer *answer = check(app, cases[i].target, 500, "500 Internal Server Error\n");
        if (!strstr(answer->log, cases[i].log))
            print_error("%s\n", answer->log);
        assert_non_null(strstr(answer->log, cases[i].log));
        assert_non_null(strstr(answer->headers, "text/plain"));
    }
    check(app, "GET /page/refused.html", 403, "403 Forbidden: not for you\n");
    gust_app_free(app);
}

static void test_templates_ask_the_request(void **state)
{
    (void)state;
    gust_app *app = make();
    check(app, "GET /page/request.html", 200, "<a href=\"/page/a%20b/c\">Hi one more</a>");
    check(app, "GET /page/files.html", 200, "<link href=\"/a%20b.css\">");
    struct gust__test_answer *answer = check(app, "GET /page/form.html", 200, NULL);
    assert_non_null(strstr(answer->body, "<form><input type=\"hidden\" name=\"_xsrf\" value=\""));
    assert_non_null(strstr(answer->headers, "Set-Cookie: _xsrf="));
    gust_app_free(app);
    gust_templates *templates = make_templates();
    assert_null(gust_render_text(templates, NULL, "form.html", NULL));
    assert_string_equal(gust_error_text(gust_error_last()),
                        "form.html:1: xsrf_form_html(): there is no request");
    assert_null(gust_render_text(templates, NULL, "request.html", NULL));
    assert_null(gust_render_text(templates, NULL, "files.html", NULL));
    gust_templates_free(templates);
}

static void test_large_pages_stream(void **state)
{
    (void)state;
    gust_app *app = make();
    struct gust__test_answer *answer = check(app, "GET /large?n=4000", 200, NULL);
    assert_int_equal(answer->size, 64000);
    assert_int_equal(answer->content_length, 64000);
    gust__test_options.parks = true;
    answer = check(app, "GET /large?n=20000", 200, NULL);
    assert_int_equal(answer->size, 320000);
    assert_int_equal(answer->content_length, -1);
    assert_true(answer->sends > 3);
    for (size_t i = 0; i < answer->size; i += 16)
        assert_memory_equal(answer->body + i, "0123456789abcde\n", 16);
    answer = check(app, "GET /large?n=20000&bad=1", 200, NULL);
    assert_true(answer->aborted);
    answer = check(app, "GET /large?n=2000&bad=1", 500, "500 Internal Server Error\n");
    gust__test_options.max_memory = 512 << 10; /* of 3 MB no more than pieces are in memory */
    answer = check(app, "GET /large?n=200000", 200, NULL);
    assert_int_equal(answer->size, 3200000);
    gust_app_free(app);
}

static void test_a_client_that_left_ends_the_rendering(void **state)
{
    (void)state;
    gust_app *app = make();
    gust__test_options.send_error = EPIPE;
    struct gust__test_answer *answer = gust__test_fetch(app, "GET /large?n=20000");
    assert_int_equal(answer->log_lines, 0);
    gust_app_free(app);
}

static void test_memory_that_runs_out_is_503(void **state)
{
    (void)state;
    gust_app *app = make();
    for (size_t memory = 1 << 10; memory <= 128 << 10; memory *= 2) {
        gust__test_options.max_memory = memory;
        struct gust__test_answer *answer = gust__test_fetch(app, "GET /large?n=1000"); /* 16,000 bytes */
        assert_int_equal(answer->status, memory <= 16 << 10   ? 503
                                         : memory >= 64 << 10 ? 200
                                                              : answer->status);
    }
    gust_app_free(app);
}

static void test_modules_write_into_the_page_around_them(void **state)
{
    (void)state;
    gust_app *app = make();
    check(
        app, "GET /page/modules.html", 200,
        "<html><head><link href=\"/a.css?x&amp;y\" type=\"text/css\" rel=\"stylesheet\"/>\n"
        "<style type=\"text/css\">\np > a {}\n</style>\n<meta>\n</head><body><p>1</head></body></p><p>2</head></body></p>"
        "<script src=\"/a.js\" type=\"text/javascript\"></script>\n<script type=\"text/javascript\">\nf(1 < 2)\n</script>\n"
        "<hr>\n</body></html>");
    check(
        app, "GET /page/fragment.html", 200,
        "<p>a</head></body></p><link href=\"/a.css?x&amp;y\" type=\"text/css\" rel=\"stylesheet\"/>\n"
        "<style type=\"text/css\">\np > a {}\n</style>\n<meta>\n"
        "<script src=\"/a.js\" type=\"text/javascript\"></script>\n<script type=\"text/javascript\">\nf(1 < 2)\n</script>\n"
        "<hr>\n");
    struct gust__test_answer *answer = check(app, "GET /page/late_module.html", 200, NULL);
    assert_int_equal(strncmp(answer->body, "<head><link href=", 17), 0); /* it was not sent before */
    assert_true(answer->size > 320000);
    check(app, "GET /page/deep.html", 200, "13 12 11 10 9 8 7 6 5 4 3 2 1 0 ");
    check(app, "GET /page/deepest.html", 200, "14 13 12 11 10 9 8 7 6 5 4 3 2 1 0 ");
    gust_app_free(app);
}

/* count times `before` at to; behind it. */
static char *repeat(char *to, unsigned count, const char *before)
{
    while (count--)
        to = stpcpy(to, before);
    return to;
}

/* What nests as deep as it may is read and compiled on a coroutine's stack. */
static void test_the_deepest_template_fits_the_stack(void **state)
{
    (void)state;
    static char outer[4000], inner[8000];
    gust_app *app = gust_app_new();
    gust_templates *templates = gust_templates_new();
    char *at = repeat(stpcpy(outer, ""), 49, "{% for x in [1] %}");
    repeat(stpcpy(at, "{% include inner %}"), 49, "{% end %}");
    at = repeat(inner, 48, "{% for x in [1] %}");
    at = repeat(stpcpy(at, "{{ 0"), 180, "+1");
    at = repeat(stpcpy(at, "+"), 30, "(");
    at = repeat(stpcpy(at, "1"), 30, ")");
    repeat(stpcpy(at, " }}"), 48, "{% end %}");
    gust_templates_add(templates, "bare.html", outer);
    gust_templates_add(templates, "inner", inner);
    gust_app_templates(app, templates);
    gust_route(app, "/bare", bare);
    check(app, "GET /bare", 200, "181");
    gust_app_free(app);
}

static void test_an_application_without_templates(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "/bare", bare);
    struct gust__test_answer *answer = check(app, "GET /bare", 500, NULL);
    assert_non_null(strstr(answer->log, "set .template_directory"));
    gust_app_free(app);
    app = gust_app_new();
    gust_app_set(app, .template_directory = "/does/not/exist");
    gust_route(app, "/bare", bare);
    answer = check(app, "GET /bare", 500, NULL);
    assert_non_null(strstr(answer->log, "the template bare.html: No such file"));
    gust_app_free(app);
    app = gust_app_new();
    gust_app_templates(app, gust_templates_new(.whitespace = "none"));
    assert_non_null(strstr(gust_app_mistake(app), "templates: "));
    gust_app_free(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_have_their_type),
        cmocka_unit_test(test_mistakes_are_in_the_log_only),
        cmocka_unit_test(test_templates_ask_the_request),
        cmocka_unit_test(test_large_pages_stream),
        cmocka_unit_test(test_a_client_that_left_ends_the_rendering),
        cmocka_unit_test(test_memory_that_runs_out_is_503),
        cmocka_unit_test(test_modules_write_into_the_page_around_them),
        cmocka_unit_test(test_the_deepest_template_fits_the_stack),
        cmocka_unit_test(test_an_application_without_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
