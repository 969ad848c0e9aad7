/* Tests of the guest book: build/examples/tested_tests, or one by name. */
#include "guestbook.h"

#include <gust/testing.h>

static const char form[] = "application/x-www-form-urlencoded";

static gust_response *post(const char *body, size_t size)
{
    return gust_fetch("/", .body = {body, size}, .content_type = form);
}

#define POST(body) post(body, sizeof(body) - 1)

GUST_TEST(an_empty_book)
{
    gust_test_serve(guestbook_app());
    gust_response *page = gust_fetch("/");
    GUST_CHECK_STATUS(page, 200);
    GUST_CHECK_BODY(page, "");
}

GUST_TEST(lines_are_kept_in_order)
{
    gust_test_serve(guestbook_app());
    gust_response *answer = POST("line=first");
    GUST_CHECK_STATUS(answer, 303);
    GUST_CHECK_TEXT(gust_response_header(answer, "Location"), "/");
    GUST_CHECK_STATUS(POST("line=second+%C3%A9"), 303);
    GUST_CHECK_BODY(gust_fetch("/"), "first\nsecond \xc3\xa9\n");
}

GUST_TEST(a_line_that_does_not_fit_is_named)
{
    gust_test_serve(guestbook_app());
    gust_response *answer = POST("line=");
    GUST_CHECK_STATUS(answer, 400);
    GUST_CHECK_BODY(answer, "{\"fields\":{\"line\":\"must be 1..80 bytes long\"}}\n");
}

GUST_TEST(a_full_book_is_an_error_in_the_log)
{
    gust_test_serve(guestbook_app());
    for (int i = 0; i < 100; i++)
        GUST_CHECK_STATUS(POST("line=x"), 303);
    gust_test_expect_log(GUST_ERROR, "the book is full after 100 lines");
    GUST_CHECK_STATUS(POST("line=x"), 507);
}

int main(int argc, char **argv)
{
    return gust_test_main(argc, argv);
}
