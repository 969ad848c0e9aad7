/* gust_bind: from each place, each kind, each width; every bad field named. */
#include "web/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <locale.h>

#define JSON       "application/json"
#define URLENCODED "application/x-www-form-urlencoded"

struct user {
    int64_t id;
    const char *name;
    unsigned char age;
    double height;
    bool admin;
};

static const gust_field user_fields[] = {
    GUST_INT(struct user, id, .from = GUST_PATH, .min = 1),
    GUST_TEXT(struct user, name, .from = GUST_BODY, .required = true, .max = 8),
    GUST_INT(struct user, age, .from = GUST_BODY, .required = true, .max = 150),
    GUST_DOUBLE(struct user, height, .from = GUST_BODY, .min = 0.5, .max = 2.5),
    GUST_BOOL(struct user, admin, .from = GUST_QUERY),
};

static void put_user(gust_request *request)
{
    struct user user = {.name = "nobody", .height = 1.5};
    gust_bind(request, user_fields, GUST_LEN(user_fields), &user);
    gust_printf(request, "%lld %s %d %g %d", (long long)user.id, user.name, user.age, user.height,
                user.admin);
}

struct widths {
    int8_t i8;
    uint8_t u8;
    int16_t i16;
    uint16_t u16;
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
};

static const gust_field width_fields[] = {
    GUST_INT(struct widths, i8),  GUST_INT(struct widths, u8),  GUST_INT(struct widths, i16),
    GUST_INT(struct widths, u16), GUST_INT(struct widths, i32), GUST_INT(struct widths, u32),
    GUST_INT(struct widths, i64), GUST_INT(struct widths, u64),
};

static void put_widths(gust_request *request)
{
    struct widths w = {0};
    gust_bind(request, width_fields, GUST_LEN(width_fields), &w);
    gust_printf(request, "%d %u %d %u %d %u %lld %llu", w.i8, w.u8, w.i16, w.u16, w.i32, w.u32,
                (long long)w.i64, (unsigned long long)w.u64);
}

struct limits {
    int between;
    int at_most;
    int at_least;
    const char *text;
    double number;
    bool flag;
};

static const gust_field limit_fields[] = {
    GUST_INT(struct limits, between, .min = -10, .max = 10),
    GUST_INT(struct limits, at_most, .min = -5),
    GUST_INT(struct limits, at_least, .min = 3),
    GUST_TEXT(struct limits, text, .min = 2, .max = 4),
    GUST_DOUBLE(struct limits, number, .min = 0.5),
    GUST_BOOL(struct limits, flag),
};

static void put_limits(gust_request *request)
{
    struct limits l = {.text = "-"};
    gust_bind(request, limit_fields, GUST_LEN(limit_fields), &l);
    gust_printf(request, "%d %d %d %s %g %d", l.between, l.at_most, l.at_least, l.text, l.number, l.flag);
}

static int bind_quietly(void *request)
{
    put_user(request);
    return 0;
}

static void try_then_fail(gust_request *request)
{
    assert_int_equal(gust_try(bind_quietly, request), -1);
    gust_fail(404, "another story");
}

static gust_app *make(void)
{
    gust_app *app = gust_app_new();
    gust_route(app, "/users/(?<id>[^/]+)", put_user);
    gust_route(app, "/widths", put_widths);
    gust_route(app, "/limits", put_limits);
    gust_route(app, "/any/(?<at_least>\\d+)", put_limits);
    gust_route(app, "/try/(?<id>.*)", try_then_fail);
    return app;
}

static void check(const char *target, const char *type, const char *text, int status, const char *body)
{
    gust_app *app = make();
    struct gust__test_answer *answer = gust__test_send_body(app, target, type, text);
    assert_non_null(answer);
    if (strcmp(answer->body, body) != 0)
        print_error("%s %s\n%d %s\n%s\n", target, text, answer->status, answer->body, body);
    assert_int_equal(answer->status, status);
    assert_string_equal(answer->body, body);
    if (*answer->body == '{')
        assert_string_equal(answer->headers, "Content-Type: application/json\n");
    gust_app_free(app);
}

static void check_limits(const char *query, const char *body)
{
    char target[256];
    snprintf(target, sizeof(target), "GET /limits?%s", query);
    check(target, "text/plain", "", *body == '{' ? 400 : 200, body);
}

static void check_widths(const char *query, const char *body)
{
    char target[512];
    snprintf(target, sizeof(target), "GET /widths?%s", query);
    check(target, "text/plain", "", *body == '{' ? 400 : 200, body);
}

static void test_members_come_from_where_they_say(void **state)
{
    (void)state;
    check("PUT /users/7?admin=on&name=query", URLENCODED, "name=Ann+Lee&age=30&height=1.75&admin=0&id=9", 200,
          "7 Ann Lee 30 1.75 1");
    check("PUT /users/7?admin=0", JSON, "{\"name\":\"Ann\",\"age\":30,\"height\":2,\"more\":[]}", 200,
          "7 Ann 30 2 0");
    check("PUT /users/7", "application/vnd.x+JSON; charset=utf-8",
          "{\"name\":\"Ann\",\"age\":0,\"height\":null}", 200, "7 Ann 0 1.5 0");
    check("PUT /any/3?at_least=4&between=4&text=abc", URLENCODED, "between=5&at_least=6", 200,
          "5 0 3 abc 0 0");
}

static void test_every_bad_field_is_named(void **state)
{
    (void)state;
    check(
        "PUT /users/0?admin=maybe", URLENCODED, "name=much+too+long&height=3&age=151", 400,
        "{\"fields\":{\"id\":\"must be at least 1\",\"name\":\"must be 0..8 bytes long\","
        "\"age\":\"must be 0..150\",\"height\":\"must be 0.5..2.5\",\"admin\":\"must be true or false\"}}\n");
    check(
        "PUT /users/x", URLENCODED, "", 400,
        "{\"fields\":{\"id\":\"must be a whole number\",\"name\":\"is required\",\"age\":\"is required\"}}\n");
    check("PUT /users/1", JSON, "{\"name\":1,\"age\":\"30\",\"height\":true}", 400,
          "{\"fields\":{\"name\":\"must be text\",\"age\":\"must be a whole number\","
          "\"height\":\"must be a number\"}}\n");
    check("PUT /users/1", JSON, "{\"name\":null,\"age\":1.0}", 400,
          "{\"fields\":{\"name\":\"is required\",\"age\":\"must be a whole number\"}}\n");
}

static void test_a_body_that_is_no_object_is_refused(void **state)
{
    (void)state;
    check("PUT /users/1", JSON, "[]", 400, "400 Bad Request: the body is not a JSON object\n");
    check(
        "PUT /users/1", JSON, "{", 400,
        "400 Bad Request: the body is not JSON: line 1, column 1: string or '}' expected near end of file\n");
}

static void test_integers_fit_their_member(void **state)
{
    (void)state;
    check_widths("i8=127&u8=255&i16=32767&u16=65535&i32=2147483647&u32=4294967295&i64=9223372036854775807&"
                 "u64=18446744073709551615",
                 "127 255 32767 65535 2147483647 4294967295 9223372036854775807 18446744073709551615");
    check_widths("i8=-128&u8=0&i16=-32768&u16=-0&i32=-2147483648&u32=%2B5&i64=-9223372036854775808&u64=007",
                 "-128 0 -32768 0 -2147483648 5 -9223372036854775808 7");
    check_widths(
        "i8=128&u8=256&i16=32768&u16=65536&i32=2147483648&u32=4294967296&i64=9223372036854775808&"
        "u64=18446744073709551616",
        "{\"fields\":{\"i8\":\"must be -128..127\",\"u8\":\"must be 0..255\",\"i16\":\"must be "
        "-32768..32767\",\"u16\":\"must be 0..65535\",\"i32\":\"must be -2147483648..2147483647\","
        "\"u32\":\"must be 0..4294967295\",\"i64\":\"must be "
        "-9223372036854775808..9223372036854775807\",\"u64\":\"must be 0..18446744073709551615\"}}\n");
    check_widths(
        "i8=-129&u8=-1&i64=-9223372036854775809&u64=-1",
        "{\"fields\":{\"i8\":\"must be -128..127\",\"u8\":\"must be 0..255\",\"i64\":\"must be "
        "-9223372036854775808..9223372036854775807\",\"u64\":\"must be 0..18446744073709551615\"}}\n");
    check_widths("i64=99999999999999999999999999999999",
                 "{\"fields\":{\"i64\":\"must be -9223372036854775808..9223372036854775807\"}}\n");
    check("PUT /widths", JSON, "{\"i8\":-128,\"u64\":9223372036854775807,\"u8\":255}", 200,
          "-128 255 0 0 0 0 0 9223372036854775807");
    check("PUT /widths", JSON, "{\"i8\":-129,\"u8\":-1}", 400,
          "{\"fields\":{\"i8\":\"must be -128..127\",\"u8\":\"must be 0..255\"}}\n");
}

static void test_only_whole_numbers_are_integers(void **state)
{
    (void)state;
    const char *bad[] = {"1.0", "1e3", "0x10", "-", "--1", "1-", "%2B-1", "1+2", "x"};
    for (size_t i = 0; i < GUST_LEN(bad); i++) {
        char query[64];
        snprintf(query, sizeof(query), "i32=%s", bad[i]);
        check_widths(query, "{\"fields\":{\"i32\":\"must be a whole number\"}}\n");
    }
}

static void test_limits_hold_at_their_edges(void **state)
{
    (void)state;
    check_limits("between=-10&at_most=-5&at_least=3&text=ab&number=0.5", "-10 -5 3 ab 0.5 0");
    check_limits("between=10&at_most=0&at_least=2000000000&text=abcd&number=1e300",
                 "10 0 2000000000 abcd 1e+300 0");
    check_limits(
        "between=-11&at_most=-6&at_least=2&text=a&number=0.4",
        "{\"fields\":{\"between\":\"must be -10..10\",\"at_most\":\"must be -5..0\",\"at_least\":\"must "
        "be at least 3\",\"text\":\"must be 2..4 bytes long\",\"number\":\"must be at least 0.5\"}}\n");
    check_limits(
        "between=11&at_most=1&text=abcde",
        "{\"fields\":{\"between\":\"must be -10..10\",\"at_most\":\"must be -5..0\",\"text\":\"must be "
        "2..4 bytes long\"}}\n");
    check_limits("between=99999999999999999999", "{\"fields\":{\"between\":\"must be -10..10\"}}\n");
    check_limits("at_least=2147483648", "{\"fields\":{\"at_least\":\"must be -2147483648..2147483647\"}}\n");
}

static void test_empty_text_did_not_come_for_numbers(void **state)
{
    (void)state;
    check_limits("between=&number=+&flag=", "0 0 0 - 0 0");
    check_limits("text=", "{\"fields\":{\"text\":\"must be 2..4 bytes long\"}}\n");
}

static void test_numbers_are_decimal_in_any_locale(void **state)
{
    (void)state;
    const char *bad[] = {"inf", "nan", "0x1p3", "1,5", "1e999", "1.5x", "%2B-1", "."};
    check_limits("number=1.5", "0 0 0 - 1.5 0");
    for (size_t i = 0; i < GUST_LEN(bad); i++) {
        char query[64];
        snprintf(query, sizeof(query), "number=%s", bad[i]);
        check_limits(query, "{\"fields\":{\"number\":\"must be a number\"}}\n");
    }
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8")) /* where it is installed */
        check_limits("number=1.5", "0 0 0 - 1,5 0");
    setlocale(LC_NUMERIC, "C");
}

static void test_booleans(void **state)
{
    (void)state;
    check_limits("flag=true", "0 0 0 - 0 1");
    check_limits("flag=ON", "0 0 0 - 0 1");
    check_limits("flag=1", "0 0 0 - 0 1");
    check_limits("flag=0", "0 0 0 - 0 0");
    check_limits("flag=off", "0 0 0 - 0 0");
    check_limits("flag=False", "0 0 0 - 0 0");
    check_limits("flag=2", "{\"fields\":{\"flag\":\"must be true or false\"}}\n");
    check("POST /limits", JSON, "{\"flag\":true}", 200, "0 0 0 - 0 1");
    check("POST /limits", JSON, "{\"flag\":1}", 400, "{\"fields\":{\"flag\":\"must be true or false\"}}\n");
}

static void test_an_error_that_came_later_is_its_own(void **state)
{
    (void)state;
    check("GET /try/x", "text/plain", "", 404, "404 Not Found: another story\n");
}

static void write_own(gust_request *request)
{
    gust_printf(request, "own %d", gust_status(request));
}

static void test_an_application_may_write_it_itself(void **state)
{
    (void)state;
    gust_app *app = make();
    gust_write_error(app, write_own);
    assert_string_equal(gust__test_fetch(app, "GET /limits?flag=x")->body, "own 400");
    gust_app_free(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_come_from_where_they_say),
        cmocka_unit_test(test_every_bad_field_is_named),
        cmocka_unit_test(test_a_body_that_is_no_object_is_refused),
        cmocka_unit_test(test_integers_fit_their_member),
        cmocka_unit_test(test_only_whole_numbers_are_integers),
        cmocka_unit_test(test_limits_hold_at_their_edges),
        cmocka_unit_test(test_empty_text_did_not_come_for_numbers),
        cmocka_unit_test(test_numbers_are_decimal_in_any_locale),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_an_error_that_came_later_is_its_own),
        cmocka_unit_test(test_an_application_may_write_it_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
