#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/log_int.h"

static char line[GUST__LOG_JSON + 1];

static size_t make(const gust_log_line *given)
{
    struct gust__log_record record = {.line = *given};
    gust_log_line *to = &record.line;
    to->module = to->module ? to->module : "m";
    to->name = to->name ? to->name : "app";
    to->text = to->text ? to->text : "";
    size_t length = gust__log_json_line(line, &record);
    line[length] = '\0';
    return length;
}

static void a_line_is_one_object(void **state)
{
    (void)state;
    make(&(gust_log_line){.level = GUST_WARNING,
                          .module = "x",
                          .line = 12,
                          .message = "hello",
                          .message_len = 5,
                          .request = "ab-1",
                          .time = INT64_C(1795417262123456789)});
    assert_string_equal(line,
                        "{\"time\":\"2026-11-23T07:01:02.123456Z\",\"level\":\"warning\",\"name\":\"app\","
                        "\"module\":\"x\",\"line\":12,\"message\":\"hello\",\"request\":\"ab-1\"}\n");
}

static void what_is_not_there_is_left_out(void **state)
{
    (void)state;
    make(&(gust_log_line){.message = "", .message_len = 0});
    assert_string_equal(line,
                        "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"debug\",\"name\":\"app\","
                        "\"module\":\"m\",\"line\":0,\"message\":\"\"}\n");
}

static void a_backtrace_is_an_array(void **state)
{
    (void)state;
    make(&(gust_log_line){.message = "e\nf",
                          .message_len = 3,
                          .text = "e\\nf\n      at one (a.c:1)\n      at \"two\" (b.c:2)"});
    assert_non_null(
        strstr(line, "\"message\":\"e\\nf\",\"backtrace\":[\"one (a.c:1)\",\"\\\"two\\\" (b.c:2)\"]}\n"));
}

static void any_bytes_are_a_string(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t size;
        const char *out;
    } cases[] = {
        {"a\"b\\c/", 6, "\"a\\\"b\\\\c/\""},
        {"\n\r\t\b\f\x01\x1f\x7f", 8, "\"\\n\\r\\t\\u0008\\u000c\\u0001\\u001f\\u007f\""},
        {"a\0b", 3, "\"a\\u0000b\""},
        {"\xc2\x85\xc2\xa0", 4, "\"\\u0085\xc2\xa0\""}, /* C1, and what is not */
        {"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"\xff", 1, "\"\\ufffd\""},
        {"\xc0\xaf", 2, "\"\\ufffd\\ufffd\""},
        {"\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xc2", 1, "\"\\ufffd\""},
        {"\xe2\x82", 2, "\"\\ufffd\\ufffd\""},
        {"", 0, "\"\""},
    };
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        char *exact = malloc(cases[i].size + 1); /* AddressSanitizer sees what is read behind it */
        exact = realloc(exact, cases[i].size ? cases[i].size : 1);
        memcpy(exact, cases[i].in, cases[i].size);
        struct gust__log_json json = {.data = line, .room = sizeof(line) - 1};
        gust__log_json_string(&json, exact, cases[i].size, 100);
        line[json.used] = '\0';
        assert_string_equal(line, cases[i].out);
        free(exact);
    }
}

static void a_string_is_cut_between_characters(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
        size_t limit;
    } cases[] = {
        {"1234567", "\"1234567\"", 8},       {"12345678", "\"12345678\"", 8},
        {"123456789", "\"12345...\"", 8},    {"1234\n6789", "\"1234...\"", 8},
        {"1\n34\n6789", "\"1\\n34...\"", 8}, {"12345\n89", "\"12345...\"", 8},
    };
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        struct gust__log_json json = {.data = line, .room = sizeof(line) - 1};
        gust__log_json_string(&json, cases[i].in, strlen(cases[i].in), cases[i].limit);
        line[json.used] = '\0';
        assert_string_equal(line, cases[i].out);
    }
}

static void the_longest_line_is_whole(void **state)
{
    (void)state;
    static char message[GUST__LOG_LINE + 1], text[GUST__LOG_BACKTRACE + 1];
    memset(message, 1, sizeof(message) - 1);
    for (size_t i = 0; i + 100 < sizeof(text); i += 100) {
        memset(text + i, '"', 100);
        memcpy(text + i, "\n      at ", 10);
    }
    size_t length = make(&(gust_log_line){.message = message,
                                          .message_len = GUST__LOG_LINE,
                                          .text = text,
                                          .request = message,
                                          .module = message});
    assert_true(length < GUST__LOG_JSON);
    assert_string_equal(line + length - 4, "\"]}\n");
    assert_non_null(strstr(line, "\\u0001...\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_one_object),
        cmocka_unit_test(what_is_not_there_is_left_out),
        cmocka_unit_test(a_backtrace_is_an_array),
        cmocka_unit_test(any_bytes_are_a_string),
        cmocka_unit_test(a_string_is_cut_between_characters),
        cmocka_unit_test(the_longest_line_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
