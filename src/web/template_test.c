/* The language's own: mistakes with their places, functions, limits, and where templates come from. What it
 * shares with Tornado's is compared with that in tests/test_templates.py. */
#include "web/template.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <gust/error.h>
#include <gust/scope.h>

static const char *mistake(void)
{
    return gust_error_text(gust_error_last());
}

/* Renders "t" of the set and frees the set. */
static char *render(gust_templates *templates)
{
    json_t *values = json_pack("{s:i, s:s, s:[i,i,i], s:{s:s, s:n}, s:[[i,i],[i,i]]}", "n", 3, "s", "<b>",
                               "list", 1, 2, 3, "post", "title", "T", "none", "pairs", 1, 2, 3, 4);
    char *text = gust_render_text_json(templates, NULL, "t", values);
    gust_templates_free(templates);
    return text;
}

static char *render_one(const char *text)
{
    gust_templates *templates = gust_templates_new();
    assert_int_equal(gust_templates_add(templates, "t", text), 0);
    return render(templates);
}

static void check(const char *text, const char *expected)
{
    char *rendered = render_one(text);
    if (!rendered)
        print_error("%s: %s\n", text, mistake());
    assert_non_null(rendered);
    assert_string_equal(rendered, expected);
    free(rendered);
}

static void check_fails(const char *text, const char *because)
{
    char *rendered = render_one(text);
    if (rendered)
        print_error("%s: %s\n", text, rendered);
    assert_null(rendered);
    assert_string_equal(mistake(), because);
}

static void test_values_of_json(void **state)
{
    (void)state;
    check("{{ null }} {{ true }} {{ false }} {{ post.none }} {{ list }} {{ post }}",
          "null true false null [1, 2, 3] {&quot;title&quot;: &quot;T&quot;, &quot;none&quot;: null}");
    check("{{ post.title }}{{ post['title'] }}{{ list[0] }}{{ [1, 'a'][1] }}", "TT1a");
    check("{% for k, v in post %}{{ k }}={{ v }};{% end %}", "title=T;none=null;");
    check(
        "{% for a, b in pairs %}{{ a }}{{ b }}{% end %}{% for k in keys(post) %}{{ k }}{% end %}{{ len(values(post)) }}",
        "1234titlenone2");
    check(
        "{% for x in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }};{% end %}",
        "10truefalse3;21falsefalse3;32falsetrue3;");
    check("{{ true == 1 }} {{ 1 == 1.0 }} {{ 'a' == list }} {{ list == [1, 2, 3] }} {{ [post] == [post] }}",
          "false true false true true");
}

static void test_default_copes_with_what_is_missing(void **state)
{
    (void)state;
    check("{{ default(titel, 'none') }}{{ default(post.titel, 'none') }}{{ default(post.a.b.c, 1) }}",
          "nonenone1");
    check("{{ default(list[7], 'x') }}{{ default(post.none, 'y') }}{{ default(post.title, 1 / 0) }}", "xyT");
    check("{{ default(n, 1) }}{{ default(0, 1) }}{{ default('', 1) }}", "30");
    check_fails("{{ default(n) }}", "t:1: default() takes a value and what to use without it");
}

static void test_mistakes_have_a_place(void **state)
{
    (void)state;
    check_fails("a\n\n{{ titel }}", "t:3: unknown name 'titel'");
    check_fails("{{ post.titel }}", "t:1: unknown name '.titel'");
    check_fails("{{ s.title }}", "t:1: '.title' of a text");
    check_fails("{{ list[3] }}", "t:1: an index behind the end");
    check_fails("{{ list['a'] }}", "t:1: a text as an index of a list");
    check_fails("{{ nothing(1) }}", "t:1: unknown function 'nothing'");
    check_fails("\n{% module Nothing() %}", "t:2: unknown module 'Nothing'");
    check_fails("{{ 1 + 'a' }}", "t:1: a number + a text");
    check_fails("{{ - 'a' }}", "t:1: - a text");
    check_fails("{{ 1 < 'a' }}", "t:1: a number cannot be compared with a text");
    check_fails("{{ 1 in 2 }}", "t:1: a number in a number");
    check_fails("{% for x in 3 %}{% end %}", "t:1: {% for %} in a number");
    check_fails("{% for x, y in list %}{% end %}", "t:1: a number that is not 2 values");
    check_fails("{% set a, b = list %}", "t:1: a list that is not 2 values");
    check_fails("{{ len(3) }}", "t:1: len(): a number has no length");
    check_fails("{{ len() }}", "t:1: len(): 0 arguments instead of 1");
    check_fails("{{ join(3) }}", "t:1: join(): a number instead of a list");
    check_fails("{{ int('x') }}", "t:1: int(): this is no integer");
    check_fails("{{ a.b() }}", "t:1: values have no methods: write f(value), not value.f()");
    check_fails("{{ 1 < 2 < 3 }}", "t:1: comparisons do not chain: write a < b and b < c");
    check_fails("{{ 'a }}", "t:1: a number or a string that is malformed");
    check_fails("{{ '\\q' }}", "t:1: a string with an unknown escape");
    check_fails("{{ (1 }}", "t:1: the expression ends too early");
    check_fails("{{ 1 2 }}", "t:1: unexpected '2'");
    check_fails("{% if n\n+ %}{% end %}", "t:2: the expression ends too early");
    check_fails("{% import x %}", "t:1: unknown statement 'import'");
    check_fails("{% for x in list %}{{ loop.size }}{% end %}",
                "t:1: a loop has index, index0, first, last and length");
    check_fails("\xff", "t:1: the template is not UTF-8 text");
}

static void test_integers_are_checked(void **state)
{
    (void)state;
    check("{{ 9223372036854775806 + 1 }}{{ -9223372036854775807 - 1 }}",
          "9223372036854775807-9223372036854775808");
    check_fails("{{ 9223372036854775807 + 1 }}", "t:1: a number that is too great");
    check_fails("{{ -9223372036854775807 - 2 }}", "t:1: a number that is too great");
    check_fails("{{ 4611686018427387904 * 2 }}", "t:1: a number that is too great");
    check_fails("{{ (-9223372036854775807 - 1) // -1 }}", "t:1: a number that is too great");
    check_fails("{{ -(-9223372036854775807 - 1) }}", "t:1: a number that is too great");
    check("{{ (-9223372036854775807 - 1) % -1 }}", "0");
    check_fails("{{ 9223372036854775808 }}", "t:1: a number beyond 64 bits");
    check_fails("{{ 1 / 0 }}", "t:1: a division by zero");
    check_fails("{{ 1 // 0 }}", "t:1: a division by zero");
    check_fails("{{ 1.5 % 0.0 }}", "t:1: a division by zero");
    check_fails("{% set x = 1e3 %}", "t:1: a number or a string that is malformed");
    check_fails("{% set x = 10.0 %}{% while true %}{% set x = x * x %}{% end %}",
                "t:1: a number that is too great");
}

static void test_failures_are_caught_and_their_output_dropped(void **state)
{
    (void)state;
    check("{% try %}<p title=\"{{ titel }}\">{% except as why %}{{ why }}{% end %}",
          "t:1: unknown name &#39;titel&#39;");
    check("{% try %}{% try %}a{{ x }}{% finally %}b{% end %}{% except %}c{% end %}", "c");
    check("{% try %}{% try %}{{ x }}{% except %}{{ y }}{% end %}{% except Exception as e %}{{ e }}{% end %}",
          "t:1: unknown name &#39;y&#39;");
    check("{% try %}{% apply upper %}a{{ x }}{% end %}{% except %}{% apply upper %}b{% end %}{% end %}", "B");
    check(
        "{% set i = 0 %}{% try %}{% try %}{{ x }}{% finally %}{% set i = i + 1 %}{% end %}{% except %}{{ i }}{% end %}",
        "1");
    check(
        "{% for x in list %}{% try %}{% for y in list %}{{ 6 // (y - x) }}{% end %}{% except %}{{ x }}{% end %}{% end %}",
        "123");
    check_fails("{% try %}a{% finally %}b{{ x }}{% end %}", "t:1: unknown name 'x'");
    check_fails("\n{% try %}{{ x }}{% finally %}b{% end %}", "t:2: unknown name 'x'");
}

static void test_built_in_functions(void **state)
{
    (void)state;
    check("{{ upper('aZ\xc3\xa4') }}{{ lower('AZ') }}{{ strip(' a ') }}{{ join(list, ', ') }}", "AZ\xc3\xa4"
                                                                                                "aza1, 2, 3");
    check(
        "{{ round(2.5) }} {{ round(-2.5) }} {{ round(2.345, 1) }} {{ round(7) }} {{ int(-3.9) }} {{ int(true) }}",
        "3 -3 2.3 7 -3 1");
    check("{{ join(range(3)) }}{{ join(range(3, 0, -2), '-') }}{{ len(range(5, 1)) }}", "0123-10");
    check(
        "{{ linkify('see http://a.b/c?d=1&e, <www.x.y> (https://z)') }}",
        "see <a href=\"http://a.b/c?d=1&amp;e\">http://a.b/c?d=1&amp;e</a>, &lt;<a href=\"http://www.x.y\">www.x.y</a>"
        "&gt; (<a href=\"https://z\">https://z</a>)");
    check("{{ linkify('xwww.a http:// www. \xc3\xa4') }}", "xwww.a http:// www. \xc3\xa4");
    check_fails("{{ range(1, 2, 0) }}", "t:1: range(): a step of 0");
    check_fails("{{ range(2147483648) }}", "t:1: range(): a number beyond 32 bits");
    check_fails("{{ round(1.5, 16) }}", "t:1: round(): 0 to 15 digits");
}

/* ---- functions of the program ---- */

static int repeat(gust_template_call *call, void *data)
{
    int64_t times;
    const char *text = gust_template_text(call, 0);
    char all[100] = "";
    if (!text || gust_template_integer(call, 1, &times) < 0)
        return -1;
    for (int64_t i = 0; i < times; i++)
        strcat(all, text);
    ++*(int *)data;
    return gust_template_return(call, all);
}

static int tree(gust_template_call *call, void *data)
{
    (void)data;
    double real;
    assert_null(gust_template_request(call));
    assert_int_equal(gust_template_count(call), 2);
    assert_true(json_is_array(gust_template_json(call, 0)));
    assert_int_equal(gust_template_real(call, 1, &real), 0);
    assert_null(gust_template_json(call, 2));
    return gust_template_return_json(
        call, json_pack("{s:O, s:f}", "list", gust_template_json(call, 0), "real", real));
}

static int fail_without_text(gust_template_call *call, void *data)
{
    (void)call;
    (void)data;
    errno = EBUSY;
    return -1;
}

static int throw_it(gust_template_call *call, void *data)
{
    (void)call;
    (void)data;
    gust_throw(EPERM, "thrown");
}

static gust_templates *with_functions(const char *text, int *calls)
{
    gust_templates *templates = gust_templates_new();
    gust_templates_add(templates, "t", text);
    assert_int_equal(gust_template_function(templates, "repeat", repeat, calls), 0);
    assert_int_equal(gust_template_function(templates, "tree", tree, NULL), 0);
    assert_int_equal(gust_template_function(templates, "busy", fail_without_text, NULL), 0);
    assert_int_equal(gust_template_function(templates, "throw_it", throw_it, NULL), 0);
    return templates;
}

static void test_functions_of_the_program(void **state)
{
    (void)state;
    int calls = 0;
    char *text = render(with_functions(
        "{{ repeat(s, 2) }}{% apply repeat(3) %}<i>{% end %}{{ tree([1, 'a', null], 2).list[1] }}"
        "{{ tree([[true]], 0.5) }}",
        &calls));
    assert_string_equal(text,
                        "&lt;b&gt;&lt;b&gt;<i><i><i>a{&quot;list&quot;: [[true]], &quot;real&quot;: 0.5}");
    assert_int_equal(calls, 2);
    free(text);
    assert_null(render(with_functions("\n{{ repeat(s, 'x') }}", &calls)));
    assert_string_equal(mistake(), "t:2: repeat(): argument 2 is a text, not a number");
    assert_null(render(with_functions("{{ repeat(s) }}", &calls)));
    assert_string_equal(mistake(), "t:1: repeat(): argument 2 is missing");
    assert_null(render(with_functions("{{ busy() }}", &calls)));
    assert_int_equal(errno, EBUSY);
    text = render(with_functions("{% try %}{{ busy() }}{% except as e %}{{ e }}{% end %}", &calls));
    assert_string_equal(text, "t:1: busy(): Device or resource busy");
    free(text);
}

static int render_throwing(void *argument)
{
    gust_templates *templates = argument;
    char *text = gust_render_text(templates, NULL, "t", NULL);
    free(text);
    return 0;
}

static void test_a_function_may_throw(void **state)
{
    (void)state;
    gust_templates *templates = with_functions("a{{ throw_it() }}", NULL);
    assert_int_equal(gust_try(render_throwing, templates), -1);
    assert_string_equal(mistake(), "thrown");
    assert_int_equal(gust_template_function(templates, "late", throw_it, NULL), -1);
    assert_int_equal(errno, EALREADY);
    gust_templates_free(templates);
}

/* ---- limits ---- */

static char *render_limited(const char *text, int64_t iterations, int64_t output)
{
    gust_templates *templates = gust_templates_new(.max_iterations = iterations, .max_output = output);
    gust_templates_add(templates, "t", text);
    return render(templates);
}

static void test_iterations_are_limited(void **state)
{
    (void)state;
    const char *texts[] = {"{% for x in range(10) %}{% end %}",
                           "{% set i = 0 %}{% while i < 10 %}{% set i += 1 %}{% end %}",
                           "{% for x in range(2) %}{% for y in range(4) %}{% end %}{% end %}"};
    for (size_t i = 0; i < GUST_LEN(texts); i++) {
        for (int64_t limit = 9; limit <= 11; limit++) {
            char *text = render_limited(texts[i], limit, 0);
            assert_int_equal(text != NULL, limit >= 10);
            if (!text) {
                assert_int_equal(errno, EOVERFLOW);
                assert_string_equal(mistake(), "t:1: more iterations of loops than the limit");
            }
            free(text);
        }
    }
    assert_null(render_limited("{% try %}{% while true %}{% end %}{% except %}{% end %}", 10, 0));
    char *text = render_limited("{% for x in range(1000001) %}{% end %}", -1, 0);
    assert_non_null(text);
    free(text);
    assert_null(render_limited("{% for x in range(1000001) %}{% end %}", 0, 0));
}

static void test_output_is_limited(void **state)
{
    (void)state;
    for (int64_t limit = 10; limit <= 12; limit++) { /* text and its NUL */
        char *text = render_limited("0123{{ 456 }}789", 0, limit);
        assert_int_equal(text != NULL, limit >= 11);
        free(text);
    }
    assert_null(render_limited("{% try %}{% for x in range(9) %}0123{% end %}{% except %}{% end %}", 0, 30));
    assert_int_equal(errno, EOVERFLOW);
    assert_string_equal(mistake(), "t:1: more output than the limit of 30 bytes");
    assert_null(render_limited("{% set s = 'x' %}{% while true %}{% set s = s + s %}{% end %}", 0, 0));
    assert_int_equal(errno, ENOMEM);
}

/* count times `before`, then middle, then count times `behind`. */
static char *nested(unsigned count, const char *before, const char *middle, const char *behind)
{
    char *text = calloc(count * (strlen(before) + strlen(behind)) + strlen(middle) + 1, 1), *at = text;
    for (unsigned i = 0; i < count; i++)
        at = stpcpy(at, before);
    at = stpcpy(at, middle);
    for (unsigned i = 0; i < count; i++)
        at = stpcpy(at, behind);
    return text;
}

static void check_nesting(unsigned most, const char *begin, const char *before, const char *middle,
                          const char *behind, const char *because)
{
    for (unsigned count = most - 1; count <= most + 1; count++) {
        char *text = nested(count, before, middle, behind),
             *whole = malloc(strlen(text) + strlen(begin) + 20);
        sprintf(whole, "%s%s%s", begin, text, *begin ? " }}" : "");
        char *rendered = render_one(whole);
        if ((rendered != NULL) != (count <= most))
            print_error("%u: %s\n", count, rendered ? rendered : mistake());
        assert_int_equal(rendered != NULL, count <= most);
        if (!rendered)
            assert_non_null(strstr(mistake(), because));
        free(rendered);
        free(text);
        free(whole);
    }
}

static void test_nesting_is_limited(void **state)
{
    (void)state;
    check_nesting(63, "", "{% if n %}", "x", "{% end %}", "nest deeper than 64 levels");
    check_nesting(31, "{{ ", "(", "1", ")", "nests deeper than 32 levels");
    check_nesting(31, "{{ ", "- ", "1", "", "nests deeper than 32 levels");
    check_nesting(200, "{{ 1 ", "+ 1", "", "", "too many operators");
}

/* Through files: t has some ifs around an include of a, which has 49. */
static void test_nesting_through_files_is_limited(void **state)
{
    (void)state;
    for (unsigned count = 48; count <= 50; count++) {
        gust_templates *templates = gust_templates_new();
        char *outer = nested(count, "{% if n %}", "{% include a %}", "{% end %}");
        char *inner = nested(49, "{% if n %}", "x", "{% end %}");
        gust_templates_add(templates, "t", outer);
        gust_templates_add(templates, "a", inner);
        char *rendered = render(templates);
        assert_int_equal(rendered != NULL, count <= 49);
        if (!rendered)
            assert_non_null(strstr(mistake(), "a:1: statements that nest deeper than 100 levels"));
        free(rendered);
        free(outer);
        free(inner);
    }
}

static void test_arguments_are_limited(void **state)
{
    (void)state;
    for (unsigned count = 63; count <= 65; count++) {
        char *list = nested(count, "1,", "", ""), text[300];
        snprintf(text, sizeof(text), "{{ len([%s]) }}", list);
        char *rendered = render_one(text);
        assert_int_equal(rendered != NULL, count <= 64);
        free(rendered);
        free(list);
    }
}

/* t includes f1, that f2, ... up to f<count - 1>. */
static char *render_chain(unsigned count, const char *format)
{
    gust_templates *templates = gust_templates_new();
    for (unsigned i = 0; i < count; i++) {
        char name[20], text[60] = "end";
        snprintf(name, sizeof(name), i ? "f%u" : "t", i);
        if (i + 1 < count)
            snprintf(text, sizeof(text), format, i + 1);
        gust_templates_add(templates, name, text);
    }
    return render(templates);
}

static void test_files_in_files_are_limited(void **state)
{
    (void)state;
    const char *formats[] = {"{%% include f%u %%}", "{%% extends f%u %%}"};
    for (size_t i = 0; i < GUST_LEN(formats); i++) {
        for (unsigned count = 15; count <= 17; count++) {
            char *text = render_chain(count, formats[i]);
            assert_int_equal(text != NULL, count <= 16);
            if (text)
                assert_string_equal(text, "end");
            else
                assert_non_null(strstr(mistake(), "deeper than 16"));
            free(text);
        }
    }
}

static char *render_files(const char *t, const char *a, const char *b)
{
    gust_templates *templates = gust_templates_new();
    gust_templates_add(templates, "t", t);
    gust_templates_add(templates, "a", a);
    gust_templates_add(templates, "b", b);
    return render(templates);
}

static void test_circles_are_mistakes(void **state)
{
    (void)state;
    assert_null(render_files("{% include t %}", "", ""));
    assert_string_equal(mistake(), "t:1: t leads back to itself");
    assert_null(render_files("{% extends a %}", "\n{% extends b %}", "\n\n{% extends a %}"));
    assert_string_equal(mistake(), "b:3: a leads back to itself");
    assert_null(render_files("{% include a %}", "{% include b %}", "\n{% include a %}"));
    assert_string_equal(mistake(), "b:2: a leads back to itself");
    assert_null(render_files("{% include a %}", "{% extends b %}", ""));
    assert_string_equal(mistake(), "a:1: {% extends %} in an included file, or inside a statement");
    char *twice = render_files("{% include a %}{% include a %}", "{% include b %}", "b");
    assert_string_equal(twice, "bb");
    free(twice);
}

/* A block with a break may come to stand where no loop is. */
static void test_a_break_needs_its_loop(void **state)
{
    (void)state;
    assert_null(render_files(
        "{% extends a %}",
        "{% block x %}{% end %}{% for i in list %}{% block x %}{% break %}{% end %}{% end %}", ""));
    assert_string_equal(mistake(), "a:1: {% break %} or {% continue %} outside of a loop");
    assert_null(render_files(
        "{% for i in list %}{% apply upper %}{% block x %}{% end %}{% end %}{% block x %}{% break %}{% end %}{% end %}",
        "", ""));
    assert_string_equal(mistake(), "t:1: {% break %} or {% continue %} outside of a loop");
}

static void test_growing_by_includes_is_limited(void **state)
{
    (void)state;
    gust_templates *templates = gust_templates_new();
    for (int i = 0; i < 15; i++) { /* ten times as much with each: 10^15 */
        char name[20], text[500] = "", line[50];
        snprintf(name, sizeof(name), i ? "f%d" : "t", i);
        snprintf(line, sizeof(line), "{%% include f%d %%}", i + 1);
        for (int j = 0; j < 10 && i < 14; j++)
            strcat(text, line);
        gust_templates_add(templates, name, i < 14 ? text : "x");
    }
    assert_null(render(templates));
    assert_non_null(strstr(mistake(), "too large once everything is in its place"));
}

static void test_the_size_of_a_file_is_limited(void **state)
{
    (void)state;
    char *text = malloc((1 << 20) + 2);
    memset(text, 'x', (1 << 20) + 1);
    for (int more = -1; more <= 1; more++) {
        text[(1 << 20) + more] = 0;
        char *rendered = render_one(text);
        assert_int_equal(rendered != NULL, more <= 0);
        free(rendered);
        text[(1 << 20) + more] = 'x';
    }
    assert_string_equal(mistake(), "t:1: a template larger than 1 MiB");
    free(text);
}

/* ---- where templates come from ---- */

static char folder[] = "/tmp/gust-template-XXXXXX";

static void write_file(const char *name, const char *text, time_t when)
{
    char path[200];
    struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void check_name(gust_templates *templates, const char *name, const char *expected)
{
    char *text = gust_render_text(templates, NULL, name, "{}");
    if (!text)
        print_error("%s\n", mistake());
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static int make_folder(void **state)
{
    (void)state;
    char path[200];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/sub", folder);
    return mkdir(path, 0700);
}

static int remove_folder(void **state)
{
    (void)state;
    const char *names[] = {"/sub/a.html", "/sub", "/a.html", "/b.html", ""};
    char path[200];
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s%s", folder, names[i]);
        remove(path);
    }
    return access(folder, F_OK) == 0 ? -1 : 0;
}

static void test_files_are_read_again_when_they_change(void **state)
{
    (void)state;
    gust_templates *reload = gust_templates_new(.directory = folder, .reload = true);
    gust_templates *kept = gust_templates_new(.directory = folder);
    write_file("a.html", "a1 {% include b.html %}", 1000);
    write_file("b.html", "b1", 1000);
    check_name(reload, "a.html", "a1 b1");
    check_name(kept, "a.html", "a1 b1");
    write_file("b.html", "b2", 1001);
    check_name(reload, "a.html", "a1 b2");
    check_name(kept, "a.html", "a1 b1");
    write_file("a.html", "a2", 1001);
    check_name(reload, "a.html", "a2");
    write_file("a.html", "{{ }}", 1002);
    assert_null(gust_render_text(reload, NULL, "a.html", NULL));
    write_file("a.html", "a3", 1003);
    check_name(reload, "./a.html", "a3");
    gust_templates_free(reload);
    gust_templates_free(kept);
}

static void test_names_stay_in_the_folder(void **state)
{
    (void)state;
    gust_templates *templates = gust_templates_new(.directory = folder);
    write_file("sub/a.html", "{% include ../b.html %}", 1000);
    write_file("b.html", "b", 1000);
    check_name(templates, "sub/a.html", "b");
    check_name(templates, "sub/../b.html", "b");
    check_name(templates, "/b.html", "b");
    const char *bad[] = {"../b.html", "sub/../../b.html", "", ".", "none.html", "sub"};
    for (size_t i = 0; i < GUST_LEN(bad); i++) {
        assert_null(gust_render_text(templates, NULL, bad[i], NULL));
        assert_int_equal(errno, i < 5 ? ENOENT : EISDIR);
    }
    gust_templates_add(templates, "c.html", "{% include ../b.html %}");
    assert_null(gust_render_text(templates, NULL, "c.html", NULL));
    assert_string_equal(mistake(), "c.html:1: ../b.html is no name of a template");
    char name[300];
    for (size_t size = 254; size <= 256; size++) {
        memset(name, 'x', size);
        name[size] = 0;
        assert_int_equal(gust_templates_add(templates, name, ""), size <= 255 ? 0 : -1);
    }
    gust_templates_free(templates);
}

static void test_what_cannot_be_set_up(void **state)
{
    (void)state;
    assert_null(gust_templates_new(.whitespace = "some"));
    assert_int_equal(errno, EINVAL);
    gust_templates *templates = gust_templates_new();
    const gust_compiled_templates other = {.version = GUST__TEMPLATE_VERSION + 1};
    assert_int_equal(gust_templates_add_compiled(templates, &other), -1);
    assert_int_equal(gust_template_function(templates, "", repeat, NULL), -1);
    gust_templates_add(templates, "t", "x");
    assert_null(gust_render_text(templates, NULL, "t", "[i]", 1));
    assert_null(gust_render_text(templates, NULL, "t", "{s:s}", "x", "\xff"));
    assert_int_equal(errno, EINVAL);
    gust_templates_free(templates);
    gust_templates_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_of_json),
        cmocka_unit_test(test_default_copes_with_what_is_missing),
        cmocka_unit_test(test_mistakes_have_a_place),
        cmocka_unit_test(test_integers_are_checked),
        cmocka_unit_test(test_failures_are_caught_and_their_output_dropped),
        cmocka_unit_test(test_built_in_functions),
        cmocka_unit_test(test_functions_of_the_program),
        cmocka_unit_test(test_a_function_may_throw),
        cmocka_unit_test(test_iterations_are_limited),
        cmocka_unit_test(test_output_is_limited),
        cmocka_unit_test(test_nesting_is_limited),
        cmocka_unit_test(test_nesting_through_files_is_limited),
        cmocka_unit_test(test_arguments_are_limited),
        cmocka_unit_test(test_files_in_files_are_limited),
        cmocka_unit_test(test_circles_are_mistakes),
        cmocka_unit_test(test_a_break_needs_its_loop),
        cmocka_unit_test(test_growing_by_includes_is_limited),
        cmocka_unit_test(test_the_size_of_a_file_is_limited),
        cmocka_unit_test(test_files_are_read_again_when_they_change),
        cmocka_unit_test(test_names_stay_in_the_folder),
        cmocka_unit_test(test_what_cannot_be_set_up),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
