#include "http/testing_multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define BOUNDARY          GUST__SLICE("XyZ")
#define FIELD(name, data) "--XyZ\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" data "\r\n"

struct body {
    const char *data;
    size_t size;
    const char *expected; /* stands somewhere in the outcome */
};

static void has_outcome(void **state)
{
    const struct body *body = *state;
    struct testing_text *text = testing_read_multipart(BOUNDARY, body->data, body->size, body->size, 1);
    fflush(text->stream);
    if (!memmem(text->data, text->size, body->expected, strlen(body->expected)))
        fail_msg("no '%s' in: %s", body->expected, text->data);
    testing_text_free(text);
    testing_check_multipart(BOUNDARY, body->data, body->size);
}

#define OUTCOME(name, outcome, text)                  \
    {                                                 \
        name, has_outcome, NULL, NULL, &(struct body) \
        {                                             \
            text, sizeof(text) - 1, outcome           \
        }                                             \
    }
#define MALFORMED(name, text) OUTCOME(name, "refused=400 Bad message", text)
#define HEADER(lines)         "--XyZ\r\n" lines "\r\n\r\nx\r\n--XyZ--"
#define DISPOSITION(value)    HEADER("Content-Disposition: " value)

static void boundaries(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"multipart/form-data; boundary=a", "a"},
        {"Multipart/Form-Data;charset=x; BOUNDARY=\"a b'()+_,-./:=?\";x=y", "a b'()+_,-./:=?"},
        {"multipart/form-data; boundary=1234567890123456789012345678901234567890123456789012345678901234567890",
         "1234567890123456789012345678901234567890123456789012345678901234567890"},
    };
    static const char *const bad[] = {
        "",
        "multipart/form-data",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=\"a",
        "multipart/form-data; boundary=\"a\\\"b\"",
        "multipart/form-data; boundary=a~b",
        "multipart/form-data; boundary=\"a\xc3\xa9\"",
        "multipart/mixed; boundary=a",
        "multipart/form-datax; boundary=a",
        "text/plain; boundary=a",
        "multipart/form-data; boundary=12345678901234567890123456789012345678901234567890123456789012345678901",
    };
    struct gust__slice boundary;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        assert_int_equal(gust__multipart_boundary(gust__slice_of(good[i][0]), &boundary), 0);
        assert_true(gust__slice_equals(boundary, gust__slice_of(good[i][1])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        errno = 0;
        if (gust__multipart_boundary(gust__slice_of(bad[i]), &boundary) == 0)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(errno, EBADMSG);
    }
    struct gust__multipart multipart;
    assert_int_equal(gust__multipart_init(&multipart, GUST__SLICE("a\r\nb"), &testing_callbacks, NULL), -1);
    assert_int_equal(gust__multipart_feed(&multipart, "x", 1), -1);
}

/* A body of count parts, each with a header line of filler bytes besides. -> the outcome's errno; 0 */
static int read_parts(size_t count, size_t filler, size_t max_parts, size_t scratch_size)
{
    struct gust__multipart multipart;
    struct testing_text *text = testing_text_new(), *body = testing_text_new();
    char *scratch = malloc(scratch_size);
    for (size_t i = 0; i < count; i++) {
        fputs("--XyZ\r\nContent-Disposition: form-data; name=a\r\nX:", body->stream);
        for (size_t j = 0; j < filler; j++)
            fputc('x', body->stream);
        fputs("\r\n\r\nv\r\n", body->stream);
    }
    fputs("--XyZ--\r\n", body->stream);
    fflush(body->stream);
    gust__multipart_init(&multipart, BOUNDARY, &testing_callbacks, text);
    multipart.scratch = scratch;
    multipart.scratch_size = scratch_size;
    multipart.max_parts = max_parts ? max_parts : multipart.max_parts;
    errno = 0;
    int result = gust__multipart_feed(&multipart, body->data, body->size);
    int error = errno;
    assert_int_equal(result, error ? -1 : 0);
    if (error) {
        assert_int_equal(multipart.fault.status, 400);
        assert_int_equal(gust__multipart_feed(&multipart, "x", 1), -1);
        assert_int_equal(gust__multipart_finish(&multipart), -1);
    } else {
        assert_int_equal(gust__multipart_finish(&multipart), 0);
    }
    free(scratch);
    testing_text_free(body);
    testing_text_free(text);
    return error;
}

static void bad_input_18_parts_are_limited_to_100(void **state)
{
    (void)state;
    assert_int_equal(read_parts(99, 0, 0, 1000), 0);
    assert_int_equal(read_parts(100, 0, 0, 1000), 0);
    assert_int_equal(read_parts(101, 0, 0, 1000), EMSGSIZE);
    assert_int_equal(read_parts(100000, 0, 0, 1000), EMSGSIZE);
    assert_int_equal(read_parts(3, 0, 3, 1000), 0);
    assert_int_equal(read_parts(4, 0, 3, 1000), EMSGSIZE);
}

static void bad_input_18_the_header_of_a_part_is_limited(void **state)
{
    (void)state;
    size_t others = strlen("Content-Disposition: form-data; name=a\r\nX:\r\n\r\n");
    size_t max = GUST__MULTIPART_DEFAULT_HEADER;
    assert_int_equal(read_parts(2, max - others - 1, 0, max), 0);
    assert_int_equal(read_parts(2, max - others, 0, max), 0);
    assert_int_equal(read_parts(2, max - others + 1, 0, max), EMSGSIZE);
    assert_int_equal(read_parts(1, 10000000, 0, max), EMSGSIZE);
}

static void bad_input_18_header_lines_of_a_part_are_limited(void **state)
{
    (void)state;
    for (int lines = 14; lines <= 17; lines++) {
        struct testing_text *body = testing_text_new();
        fputs("--XyZ\r\nContent-Disposition: form-data; name=a\r\n", body->stream);
        for (int i = 1; i < lines; i++)
            fputs("X: y\r\n", body->stream);
        fputs("\r\nv\r\n--XyZ--", body->stream);
        fflush(body->stream);
        struct testing_text *text = testing_read_multipart(BOUNDARY, body->data, body->size, body->size, 1);
        fflush(text->stream);
        assert_int_equal(strstr(text->data, "result=0") != NULL, lines <= GUST__MULTIPART_MAX_HEADERS);
        testing_text_free(text);
        testing_text_free(body);
    }
}

static void bad_input_19_a_long_extended_filename_is_linear(void **state)
{
    (void)state;
    size_t size = 9000000;
    char *body = malloc(size + 100), *scratch = malloc(size + 100);
    size_t at = (size_t)sprintf(body, "--XyZ\r\nContent-Disposition: form-data; name=a; filename*=UTF-8''");
    size_t start = at;
    for (; at < start + size - 200; at += 3)
        memcpy(body + at, "%41", 3);
    at += (size_t)sprintf(body + at, "\r\n\r\nx\r\n--XyZ--");
    struct testing_text *text = testing_text_new();
    struct gust__multipart multipart;
    gust__multipart_init(&multipart, BOUNDARY, &testing_callbacks, text);
    multipart.scratch = scratch;
    multipart.scratch_size = size + 100;
    assert_int_equal(gust__multipart_feed(&multipart, body, at), 0);
    assert_int_equal(gust__multipart_finish(&multipart), 0);
    testing_text_free(text);
    free(body);
    free(scratch);
}

/* Beginnings of the boundary over and over. */
static void bad_input_17_the_search_for_the_boundary_is_linear(void **state)
{
    (void)state;
    static const char *const patterns[] = {"\r", "\r\n", "\r\n-", "\r\n--Xy", "\r\r\n--X", "--XyZ", "\n"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
        struct testing_text *text = testing_text_new(), *body = testing_text_new();
        struct gust__multipart multipart;
        char scratch[200];
        fputs("--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\n", body->stream);
        for (int j = 0; j < 1000000; j++)
            fputs(patterns[i], body->stream);
        fputs("\r\n--XyZ--", body->stream);
        fflush(body->stream);
        gust__multipart_init(&multipart, BOUNDARY, &testing_callbacks, text);
        multipart.scratch = scratch;
        multipart.scratch_size = sizeof(scratch);
        assert_int_equal(gust__multipart_feed(&multipart, body->data, body->size), 0);
        assert_int_equal(gust__multipart_finish(&multipart), 0);
        testing_text_free(body);
        testing_text_free(text);
    }
}

static int fail_begin(void *context, const struct gust__multipart_part *part)
{
    (void)context;
    (void)part;
    errno = EDQUOT;
    return -1;
}

static void a_callback_ends_the_parsing_with_its_errno(void **state)
{
    (void)state;
    static const struct gust__multipart_callbacks failing = {fail_begin, testing_take_data, testing_end_part};
    struct gust__multipart multipart;
    char scratch[200];
    const char *body = FIELD("a", "b") "--XyZ--";
    gust__multipart_init(&multipart, BOUNDARY, &failing, NULL);
    multipart.scratch = scratch;
    multipart.scratch_size = sizeof(scratch);
    errno = 0;
    assert_int_equal(gust__multipart_feed(&multipart, body, strlen(body)), -1);
    assert_int_equal(errno, EDQUOT);
    assert_int_equal(multipart.fault.status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boundaries),
        cmocka_unit_test(bad_input_18_parts_are_limited_to_100),
        cmocka_unit_test(bad_input_18_the_header_of_a_part_is_limited),
        cmocka_unit_test(bad_input_18_header_lines_of_a_part_are_limited),
        cmocka_unit_test(bad_input_19_a_long_extended_filename_is_linear),
        cmocka_unit_test(bad_input_17_the_search_for_the_boundary_is_linear),
        cmocka_unit_test(a_callback_ends_the_parsing_with_its_errno),

        OUTCOME("two fields", "name=1:a\ntype=0:\nheader=19:Content-Disposition\nb\nend\nname=1:c\n",
                FIELD("a", "b") FIELD("c", "d") "--XyZ--\r\n"),
        OUTCOME(
            "a file", "name=1:f\nfilename=5:x.png\ntype=9:image/png\n",
            HEADER("Content-Disposition: form-data; name=f; filename=\"x.png\"\r\nContent-Type: image/png")),
        OUTCOME("no part", "result=0", "--XyZ--"),
        OUTCOME("an empty line before", "result=0", "\r\n" FIELD("a", "b") "--XyZ--"),
        OUTCOME("white space behind a boundary", "result=0",
                "--XyZ \t\r\nContent-Disposition: form-data; name=a\r\n\r\n"
                "\r\n--XyZ--"),
        OUTCOME("an epilogue", "result=0", "--XyZ--anything\0 \r\n--XyZ\r\n"),
        OUTCOME("no data", "Disposition\n\nend\n", FIELD("a", "") "--XyZ--"),
        OUTCOME("data like the boundary", "\r\n--Xy\r\n--XyA\r\r\n-XyZ--XyZ\r\n\nend\nresult=0",
                FIELD("a", "\r\n--Xy\r\n--XyA\r\r\n-XyZ--XyZ\r\n") "--XyZ--"),
        OUTCOME("filename* wins", "filename=3:\xe2\x82\xac\n",
                DISPOSITION("form-data; filename*=utf-8''%e2%82%ac; name=a; filename=\"eur\"")),
        OUTCOME("escapes in names", "name=3:a\"b\nfilename=2:\\c\n",
                DISPOSITION("form-data; name=\"a\\\"b\"; filename=\"\\\\c\"")),
        OUTCOME("15: a path as file name is handed over as it is", "filename=7:../../x\n",
                DISPOSITION("form-data; name=a; filename=\"../../x\"")),
        OUTCOME("16: NUL in the data is data", "result=0", FIELD("a", "b\0c") "--XyZ--"),

        MALFORMED("16: NUL in a part's header", DISPOSITION("form-data; name=\"a\0\"")),
        MALFORMED("16: NUL in filename*", DISPOSITION("form-data; name=a; filename*=UTF-8''%00")),
        MALFORMED("17: empty body", ""),
        MALFORMED("17: no boundary", "hello"),
        MALFORMED("17: a preamble", "hello\r\n" FIELD("a", "b") "--XyZ--"),
        MALFORMED("17: two empty lines before", "\r\n\r\n--XyZ--"),
        MALFORMED("17: another boundary", "--Xyz--"),
        MALFORMED("17: no last boundary", FIELD("a", "b")),
        MALFORMED("17: cut last boundary", FIELD("a", "b") "--XyZ-"),
        MALFORMED("17: cut header", "--XyZ\r\nContent-Disposition: form-data; name=a\r\n"),
        MALFORMED("17: garbage behind the boundary", "--XyZabc\r\n"),
        MALFORMED("17: one dash behind the boundary", "--XyZ-\r\n"),
        MALFORMED("17: dashes behind white space", "--XyZ --"),
        MALFORMED("17: bare LF behind the boundary",
                  "--XyZ\nContent-Disposition: form-data; name=a\n\nb\n--XyZ--"),
        MALFORMED("17: bare CR behind the boundary", "--XyZ\r--XyZ--"),
        MALFORMED("17: no header", "--XyZ\r\n\r\nb\r\n--XyZ--"),
        MALFORMED("17: no Content-Disposition", HEADER("Content-Type: text/plain")),
        MALFORMED("17: two Content-Dispositions",
                  HEADER("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b")),
        MALFORMED("17: not form-data", DISPOSITION("attachment; name=a")),
        MALFORMED("17: no name", DISPOSITION("form-data; filename=a")),
        MALFORMED("17: endless quotes", DISPOSITION("form-data; name=\"a")),
        MALFORMED("17: garbage behind the name", DISPOSITION("form-data; name=\"a\"b")),
        MALFORMED("17: header without colon", HEADER("Content-Disposition")),
        MALFORMED("17: folded header", HEADER("Content-Disposition: form-data;\r\n name=a")),
        MALFORMED("17: bare LF in a header", HEADER("Content-Disposition: form-data; name=a\nX: y")),
        MALFORMED("19: filename* without charset", DISPOSITION("form-data; name=a; filename*=x")),
        MALFORMED("19: filename* that is no UTF-8", DISPOSITION("form-data; name=a; filename*=UTF-8''%ff")),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
