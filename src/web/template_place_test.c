/* What {{ }} writes depends on where it stands. */
#include "web/template.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <gust/error.h>

static char *render_file(const char *file, const char *text, const char *value)
{
    gust_templates *templates = gust_templates_new();
    assert_int_equal(gust_templates_add(templates, file, text), 0);
    char *page = gust_render_text(templates, NULL, file, "{s:s, s:i, s:[i, s], s:b, s:b}", "v", value, "n",
                                  -3, "l", 1, "</script>", "yes", 1, "no", 0);
    gust_templates_free(templates);
    return page;
}

static void check(const char *text, const char *value, const char *expected)
{
    char *page = render_file("t.html", text, value);
    if (!page)
        print_error("%s: %s\n", text, gust_error_text(gust_error_last()));
    assert_non_null(page);
    assert_string_equal(page, expected);
    free(page);
}

static void check_refused(const char *text, const char *because)
{
    char *page = render_file("t.html", text, "x");
    if (page)
        print_error("%s: %s\n", text, page);
    assert_null(page);
    if (!strstr(gust_error_text(gust_error_last()), because))
        print_error("%s: %s\n", text, gust_error_text(gust_error_last()));
    assert_non_null(strstr(gust_error_text(gust_error_last()), because));
    assert_int_equal(strncmp(gust_error_text(gust_error_last()), "t.html:", 7), 0);
}

static void test_text_and_attributes(void **state)
{
    (void)state;
    check("{{ v }}", "<&>\"'", "&lt;&amp;&gt;&quot;&#39;");
    check("a < b {{ v }}", "<", "a < b &lt;");
    check("<p title=\"{{ v }}\">", "\">", "<p title=\"&quot;&gt;\">");
    check("<p title='{{ v }}' >{{ v }}", "'", "<p title='&#39;' >&#39;");
    check("<p title={{ v }}>", "a b=`", "<p title=a&#32;b&#61;&#96;>");
    check("<p title= {{ v }} id=x>", "\t", "<p title= &#9; id=x>");
    check("<!-- {{ v }} -->{{ v }}", "-->", "<!-- --&gt; -->--&gt;");
    check("<!doctype {{ v }}>", ">", "<!doctype &gt;>");
    check("<title>{{ v }}</title>", "</title>", "<title>&lt;/title&gt;</title>");
    check("<textarea><a href={{ v }}</textarea>", "</textarea>",
          "<textarea><a href=&lt;/textarea&gt;</textarea>");
    check("<iframe srcdoc=\"{{ v }}\"></iframe>", "<b>", "<iframe srcdoc=\"&amp;lt;b&amp;gt;\"></iframe>");
}

static void test_names(void **state)
{
    (void)state;
    check("<option {{ v }}>", "selected", "<option selected>");
    check("<option {{ v }}>", "onclick=alert(1)", "<option blocked>");
    check("<option {{ v }}>", "a>b", "<option blocked>");
    check("<p data-{{ v }}=\"{{ v }}\">", "x", "<p data-x=\"x\">");
    check("<p data-{{ v }}=\"1\">", "x onclick", "<p data-x onclick=\"1\">");
    check_refused("<p {{ v }}=\"1\">", "put a space between");
    check_refused("<p {{ v }}{{ v }}>", "put a space between");
    check_refused("<p on{{ v }}=\"1\">", "within an attribute's name");
    check_refused("<{{ v }}>", "the name of a tag");
    check_refused("<h{{ n }}>", "the name of a tag");
    check_refused("</{{ v }}>", "the name of a tag");
}

static void test_urls(void **state)
{
    (void)state;
    check("<a href=\"{{ v }}\">", "/x?a=1&b=%20 \"", "<a href=\"/x?a=1&amp;b=%20%20%22\">");
    check("<a href='{{ v }}'>", "HTTPS://x", "<a href='HTTPS://x'>");
    check("<a href={{ v }}>", "mailto:a@b", "<a href=mailto:a@b>");
    const char *bad[] = {"javascript:alert(1)", "JaVaScRiPt:x", " javascript:x",    "java\nscript:x",
                         "data:text/html,x",    "vbscript:x",   "\001javascript:x", "x:y",
                         "javascript\t:x"};
    for (size_t i = 0; i < GUST_LEN(bad); i++) {
        check("<a href=\"{{ v }}\">", bad[i], "<a href=\"about:invalid#blocked\">");
        check("<form action={{ v }}>", bad[i], "<form action=about:invalid#blocked>");
    }
    check("<a xlink:href=\"{{ v }}\">", "javascript:x", "<a xlink:href=\"about:invalid#blocked\">");
    check("<button formaction=\"{{ v }}\">", "javascript:x", "<button formaction=\"about:invalid#blocked\">");
    check("<a href=\"/x/{{ v }}\">", "javascript:a b", "<a href=\"/x/javascript:a%20b\">");
    check("<a href=\"/x?q={{ v }}&amp;r\">", "a&b=/ü", "<a href=\"/x?q=a%26b%3d%2f%c3%bc&amp;r\">");
    check("<a href=\"#{{ v }}\">", ":", "<a href=\"#%3a\">");
    check("<a href=\"java{{ v }}\">", "script:x", "<a href=\"javaabout:invalid#blocked\">");
    check("<a href=\"{{ n }}{{ v }}\">", "script:x", "<a href=\"-3about:invalid#blocked\">");
    check("<a href=\"{{ v }}/{{ v }}\">", "a", "<a href=\"a/a\">");
    check("<a href=\"https://{{ v }}\">", "x/'", "<a href=\"https://x/%27\">");
    check("<img src=\"data:image/png;base64,{{ v }}\">", "a/+\"",
          "<img src=\"data:image/png;base64,a%2f%2b%22\">");
    check_refused("<a href=\"javascript:f({{ v }})\">", "javascript: URL");
    check_refused("<a href=\"java&#115;cript&colon;{{ v }}\">", "javascript: URL");
    check_refused("<a href=\" java\nscript:{{ v }}\">", "javascript: URL");
    check_refused("<a href=\"{{ v }}:x\">", "a value is the scheme");
    check_refused("<a href=\"{{ v }}&#58;x\">", "a value is the scheme");
}

static void test_scripts(void **state)
{
    (void)state;
    check("<script>x = {{ v }};</script>", "</script>'",
          "<script>x = \"\\u003c\\u002fscript\\u003e\\u0027\";</script>");
    check("<script>x = {{ l }};</script>{{ v }}", "<",
          "<script>x = [1, \"\\u003c\\u002fscript\\u003e\"];</script>&lt;");
    check("<script>x = 1 -{{ n }}, {{ yes }}, {{ null }}</script>", "",
          "<script>x = 1 - -3, true, null</script>");
    check("<script>x = {{ v }}</script>", "\xe2\x80\xa8", "<script>x = \"\\u2028\"</script>");
    check("<script>x = '{{ v }}' + \"{{ v }}\"</script>", "'\"\\\n</a\xe2\x80\xa9",
          "<script>x = '\\u0027\\u0022\\u005c\\u000a\\u003c\\u002fa\\u2029' + "
          "\"\\u0027\\u0022\\u005c\\u000a\\u003c\\u002fa\\u2029\"</script>");
    check("<script>x = 'a\\'{{ v }}'</script>", "'", "<script>x = 'a\\'\\u0027'</script>");
    check("<script>x = json({{ json_encode(v) }})</script>", "</script>",
          "<script>x = json(\"\\u003c\\u002fscript\\u003e\")</script>");
    check("<script>/* {{ v }} */ // {{ v }}\nx = {{ v }}</script>", "*/\n",
          "<script>/* \"*\\u002f\\n\" */ // \"*\\u002f\\n\"\nx = \"*\\u002f\\n\"</script>");
    check("<script>x = /'/; y = {{ v }}</script>", "'", "<script>x = /'/; y = \"\\u0027\"</script>");
    check("<script>x = 4 / 2; y = '{{ v }}'; z = (1) / 3</script>", "'",
          "<script>x = 4 / 2; y = '\\u0027'; z = (1) / 3</script>");
    check("<script>return /[/']/.test({{ v }})</script>", "a", "<script>return /[/']/.test(\"a\")</script>");
    check("<script>'</script>{{ v }}", "<", "<script>'</script>&lt;");
    check("<script type=x>'</SCRIPT >{{ v }}", "<", "<script type=x>'</SCRIPT >&lt;");
    check("<p onclick=\"f({{ v }}, '{{ v }}')\">", "');",
          "<p onclick=\"f(&quot;\\u0027);&quot;, '\\u0027);')\">");
    check("<p onclick=\"f(&quot;{{ v }}&quot;)\">", "\"", "<p onclick=\"f(&quot;\\u0022&quot;)\">");
    check("<p onclick=f({{ v }})>", "a b", "<p onclick=f(&quot;a&#32;b&quot;)>");
    check_refused("<script>x = `{{ v }}`</script>", "template literal");
    check_refused("<script>x = /{{ v }}/</script>", "regular expression");
    check_refused("<script>x = /[{{ v }}]/</script>", "regular expression");
    check_refused("<script>x{{ v }}</script>", "within a word");
    check_refused("<script>x = '\\{{ v }}'</script>", "behind a backslash");
    check_refused("<script>}/x</script>", "may divide");
}

static void test_style_sheets(void **state)
{
    (void)state;
    check("<style>p { color: {{ v }} }</style>", "#fff", "<style>p { color: #fff }</style>");
    check("<style>p { color: {{ v }} }</style>", "red; x: y", "<style>p { color: blocked }</style>");
    check("<style>p { color: {{ v }} }</style>", "expression(1)", "<style>p { color: blocked }</style>");
    check("<style>p { content: \"{{ v }}\" }</style>", "\"</style>\\",
          "<style>p { content: \"\\22 \\3c \\2f style\\3e \\5c \" }</style>");
    check("<p style=\"width: {{ n }}px; font: '{{ v }}'\">", "a'",
          "<p style=\"width: -3px; font: 'a\\27 '\">");
    check("<p style=\"background: url({{ v }})\">", "x) y", "<p style=\"background: url(x%29%20y)\">");
    check("<p style=\"background: url( '{{ v }}')\">", "javascript:x",
          "<p style=\"background: url( 'about:invalid#blocked')\">");
    check("<style>/* {{ v }} */</style>{{ v }}", "*/", "<style>/* blocked */</style>*/");
    check_refused("<style>p { a: \\{{ v }} }</style>", "behind a backslash");
}

static void test_what_is_no_html(void **state)
{
    (void)state;
    struct {
        const char *file, *text, *expected;
    } cases[] = {
        {"a.txt", "<a {{ v }}", "<a </\"x"},
        {"a.js", "x = {{ v }}", "x = \"\\u003c\\u002f\\\"x\""},
        {"a.json", "{\"a\": {{ v }}}", "{\"a\": \"\\u003c\\u002f\\u0022x\"}"},
        {"a.css", "p { content: '{{ v }}' }", "p { content: '\\3c \\2f \\22 x' }"},
        {"a.xml", "<a b=\"{{ v }}\"/>", "<a b=\"&lt;/&quot;x\"/>"},
    };
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        char *page = render_file(cases[i].file, cases[i].text, "</\"x");
        assert_non_null(page);
        if (i == 1) /* the quotes are of the same form as in .json */
            assert_string_equal(page, "x = \"\\u003c\\u002f\\u0022x\"");
        else
            assert_string_equal(page, cases[i].expected);
        free(page);
    }
}

static void test_switched_off(void **state)
{
    (void)state;
    check("<a href=\"{% raw v %}\">", "javascript:\"", "<a href=\"javascript:\"\">");
    check("{% autoescape None %}<a href=\"{{ v }}\">", "javascript:x", "<a href=\"javascript:x\">");
    check(
        "{{ linkify(v) }} <p title=\"{{ linkify(v) }}\">", "www.x.y.",
        "<a href=\"http://www.x.y\">www.x.y</a>. <p title=\"&lt;a href=&quot;http://www.x.y&quot;&gt;www.x.y"
        "&lt;/a&gt;.\">");
}

static void test_branches_end_in_one_place(void **state)
{
    (void)state;
    check("<p{% if yes %} class=\"a\"{% else %} hidden{% end %}>{{ v }}", "<", "<p class=\"a\">&lt;");
    check("<p {% if no %}a{% end %}{% if yes %} b=c{% end %} d>", "", "<p  b=c d>");
    check("<a href=\"{% if yes %}/a{% end %}{{ v }}\">", "b:c", "<a href=\"/aabout:invalid#blocked\">");
    check("<a href=\"/x{% if no %}?y={% end %}{{ v }}\">", "a/b", "<a href=\"/xa%2fb\">");
    check("<script>{% if yes %}x = 1{% else %}f(){% end %}; y = {{ v }}</script>", "a",
          "<script>x = 1; y = \"a\"</script>");
    check("{% for x in l %}{% if yes %}<b>{% break %}{% end %}{% else %}<b>{% end %}{{ v }}", "<", "<b>&lt;");
    check("<ul class=\"{% for x in l %} {{ n }}{% end %}\">", "", "<ul class=\" -3 -3\">");
    check("<p{% for x in l %} a{% end %}>", "", "<p a a>");
    check("<a href=\"{% for x in l %}/{{ v }}{% end %}\">", "a:b", "<a href=\"/a:b/a:b\">");
    check_refused("{% if yes %}<p title=\"{% end %}x", "in an attribute's value");
    check_refused("\n{% if yes %}<script>{% end %}",
                  "t.html:2: the branches of {% if %} end in different places");
    check_refused("{% for x in l %}<p {% end %}", "loop");
    check_refused("<p {% if yes %}a{% end %}b>", "put a space between");
    check_refused("{% for x in l %}{% if yes %}<b {% continue %}{% end %}{% end %}", "passes of the loop");
    check_refused("{% try %}<p {% except %}{% end %}", "branches of {% try %}");
    check_refused("{% apply upper %}<p {% end %}", "{% apply %}");
    check_refused("<p class=\"", "ends in an attribute's value");
    check_refused("<script>x", "ends in a script");
    check_refused("<!-- ", "ends in a comment");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_and_attributes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_style_sheets),
        cmocka_unit_test(test_what_is_no_html),
        cmocka_unit_test(test_switched_off),
        cmocka_unit_test(test_branches_end_in_one_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
