/* Tests of the application: make test. */
#include "app.h"

#include <gust/testing.h>
#include <string.h>

static bool has(gust_response *page, const char *text)
{
    return strstr((const char *)gust_response_body(page).data, text) != NULL;
}

GUST_TEST(the_page_greets)
{
    gust_test_serve(app_new());
    gust_response *page = gust_fetch("/");
    GUST_CHECK_STATUS(page, 200);
    GUST_CHECK(has(page, "Hello, world!"));
}

GUST_TEST(a_name_is_text_and_no_markup)
{
    gust_test_serve(app_new());
    gust_response *page = gust_fetch("/?name=%3Cb%3E");
    GUST_CHECK_STATUS(page, 200);
    GUST_CHECK(has(page, "Hello, &lt;b&gt;!"));
}

GUST_TEST(the_style_sheet_is_served)
{
    gust_test_serve(app_new());
    GUST_CHECK_STATUS(gust_fetch("/static/style.css"), 200);
    GUST_CHECK_STATUS(gust_fetch("/static/none.css"), 404);
}

int main(int argc, char **argv)
{
    return gust_test_main(argc, argv);
}
