/* JSON bodies held against a schema. */
#include "web/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <gust/json.h>

static const char *schema;

static void check(gust_request *request)
{
    json_t *body = gust_json_checked(request, schema);
    gust_printf(request, "%s", body ? "fits" : "NULL");
}

static struct gust__test_answer *send(const char *with, const char *body)
{
    static gust_app *app;
    gust_app_free(app);
    app = gust_app_new();
    gust_route(app, "POST /", check);
    schema = with;
    return gust__test_send_body(app, "POST /", "application/json", body);
}

static void good(const char *with, const char *body)
{
    struct gust__test_answer *answer = send(with, body);
    if (answer->status != 200)
        print_error("%s does not fit %s: %s %s\n", body, with, answer->body, answer->log);
    assert_int_equal(answer->status, 200);
}

/* what: the members of "fields". */
static void bad(const char *with, const char *body, const char *what)
{
    char expected[2048];
    struct gust__test_answer *answer = send(with, body);
    snprintf(expected, sizeof(expected), "{\"fields\":{%s}}\n", what);
    assert_int_equal(answer->status, 400);
    assert_string_equal(answer->body, expected);
}

static void test_plain_kinds(void **state)
{
    (void)state;
    const char *values[] = {"null", "true", "7", "7.5", "\"x\"", "[]", "{}"};
    const char *kinds[] = {"null", "bool", "int", "number", "text", "[any]", "{}"};
    for (size_t kind = 0; kind < GUST_LEN(kinds); kind++) {
        for (size_t value = 0; value < GUST_LEN(values); value++) {
            bool fits = kind == value || (kind == 3 && value == 2);
            assert_int_equal(send(kinds[kind], values[value])->status, fits ? 200 : 400);
        }
        good("any", values[kind]);
    }
}

static void test_ranges(void **state)
{
    (void)state;
    const struct {
        const char *schema, *below, *least, *greatest, *above, *problem;
    } cases[] = {
        {"int(-1..150)", "-2", "-1", "150", "151", "\"body\":\"must be -1..150\""},
        {"number(0.5..1.5)", "0.4", "0.5", "1.5", "1.6", "\"body\":\"must be 0.5..1.5\""},
        {"text( 1 .. 3 )", "\"\"", "\"x\"", "\"xyz\"", "\"xyz1\"", "\"body\":\"must be 1..3 bytes long\""},
        {"[any](1..2)", "[]", "[1]", "[1,2]", "[1,2,3]", "\"body\":\"must be 1..2 items\""},
    };
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        bad(cases[i].schema, cases[i].below, cases[i].problem);
        good(cases[i].schema, cases[i].least);
        good(cases[i].schema, cases[i].greatest);
        bad(cases[i].schema, cases[i].above, cases[i].problem);
    }
    good("int(1..)", "1");
    bad("int(1..)", "0", "\"body\":\"must be at least 1\"");
    good("int(..9)", "9");
    bad("int(..9)", "10", "\"body\":\"must be at most 9\"");
}

static void test_literals_and_alternatives(void **state)
{
    (void)state;
    good("\"S\" | \"M\"", "\"M\"");
    bad("\"S\" | \"M\"", "\"L\"", "\"body\":\"must be \\\"S\\\" | \\\"M\\\"\"");
    good("7|true|null|-1.5", "true");
    good("7|true|null|-1.5", "-1.5");
    bad("7", "8", "\"body\":\"must be 7\"");
    good("[int | text(..2)]", "[1,\"ab\"]");
    bad("[int | text(..2)]", "[1,\"abc\",2,true]",
        "\"[1]\":\"must be int | text(..2)\",\"[3]\":\"must be int | text(..2)\"");
    good("{a: int} | {b: int}", "{\"b\":1}");
}

static void test_objects(void **state)
{
    (void)state;
    const char *person = "{ name: text(1..), age?: int(0..150), address: { zip: text }, tags?: [text] }";
    good(person, "{\"name\":\"x\",\"address\":{\"zip\":\"1\"}}");
    good(person, "{\"address\":{\"zip\":\"1\"},\"name\":\"x\",\"age\":1,\"tags\":[]}");
    bad(person, "{\"age\":151,\"tags\":[\"x\",1]}",
        "\"name\":\"is required\",\"age\":\"must be 0..150\",\"address\":\"is required\","
        "\"tags[1]\":\"must be text\"");
    bad(person, "{\"name\":\"x\",\"address\":{\"zip\":1,\"zop\":2},\"\\\"\\u0001\":1}",
        "\"address.zip\":\"must be text\",\"address.zop\":\"is not known\",\"\\\"\\u0001\":\"is not known\"");
    bad("{a: int}", "[]", "\"body\":\"must be an object\"");
    good("{a?: int, ...}", "{\"b\":1}");
    good("{...}", "{\"b\":1}");
    good("{\"a-b\": int,}", "{\"a-b\":1}");
    bad("{}", "{\"a\":1}", "\"a\":\"is not known\"");
    good("{a: null | text}", "{\"a\":null}");
}

static void test_at_most_so_many_problems(void **state)
{
    (void)state;
    for (unsigned count = 31; count <= 33; count++) {
        char body[512] = "[", *at = body + 1;
        for (unsigned i = 0; i < count; i++)
            at += sprintf(at, "%s1", i ? "," : "");
        strcpy(at, "]");
        const char *told = send("[text]", body)->body;
        unsigned found = 0;
        while ((told = strstr(told, "must be"))) {
            told++;
            found++;
        }
        assert_int_equal(found, count < 32 ? count : 32);
    }
}

static void test_mistakes_in_a_schema(void **state)
{
    (void)state;
    const char *wrong[] = {"",        "string",       "{a int}",     "{a: int",    "[int",
                           "int(1..", "int(..",       "int(a..)",    "int 7",      "\"a",
                           "{a?: }",  "{: int}",      "text(1)",     "int |",      "tru",
                           "-",       "{... a: int}", "{a?: strin}", "{\"\": int}"};
    for (size_t i = 0; i < GUST_LEN(wrong); i++) {
        assert_int_equal(send(wrong[i], "{}")->status, 500);
        assert_non_null(strstr(gust__test_last.log, "the schema needs"));
    }
}

static void test_levels_of_a_schema(void **state)
{
    (void)state;
    for (int levels = 31; levels <= 33; levels++) {
        char with[256] = "", body[256] = "";
        for (int i = 1; i < levels; i++) {
            strcat(with, "[");
            strcat(body, "[");
        }
        strcat(with, "int");
        strcat(body, "1");
        for (int i = 1; i < levels; i++) {
            strcat(with, "]");
            strcat(body, "]");
        }
        assert_int_equal(send(with, body)->status, levels <= 32 ? 200 : 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_kinds),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_literals_and_alternatives),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_at_most_so_many_problems),
        cmocka_unit_test(test_mistakes_in_a_schema),
        cmocka_unit_test(test_levels_of_a_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
