/* Forms with files, buffered and streamed; bodies saved. */
#include "base/sys.h"
#include "web/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <dirent.h>

#define MULTIPART          "multipart/form-data; boundary=XX"
#define FIELD(name, value) "--XX\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define UPLOAD(name, file, value)                                                 \
    "--XX\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"" file \
    "\"\r\nContent-Type: image/png\r\n\r\n" value "\r\n"
#define END "--XX--\r\n"

static int count_descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void show_file(gust_request *request, const gust_file *file)
{
    char content[64] = "";
    if (file->fd < 0) {
        assert_int_equal(file->data.len, file->length);
        assert_int_equal(file->data.data[file->data.len], 0);
        gust_printf(request, "%s,%s,%s:%s;", file->name, file->file_name,
                    file->content_type ? file->content_type : "NULL", file->data.data);
        return;
    }
    assert_null(file->data.data);
    ssize_t size = gust__sys_read(file->fd, content, sizeof(content) - 1);
    struct stat status;
    assert_int_equal(gust__sys_fstat(file->fd, &status), 0);
    assert_int_equal(status.st_nlink, 0);
    assert_int_equal((uint64_t)status.st_size, file->length);
    assert_true(size >= 0);
    gust_printf(request, "%s,%s on disk:%s;", file->name, file->file_name, content);
}

static void show(gust_request *request)
{
    const gust_file *file;
    const char *value = gust_arg(request, "a");
    gust_printf(request, "[%s]", value ? value : "NULL");
    for (size_t i = 0; (file = gust_file_at(request, NULL, i)); i++)
        show_file(request, file);
    file = gust_file_at(request, "g", 1);
    if (file)
        gust_printf(request, "second g %s", file->file_name);
}

static gust_app *make(void)
{
    gust_app *app = gust_app_new();
    gust_route(app, "POST /", show);
    gust_app_set(app, .spool_above = 8, .max_parts = 3, .max_arguments = 2);
    return app;
}

static void check(const char *form, int status, const char *body)
{
    gust_app *app = make();
    int before = count_descriptors();
    struct gust__test_answer *answer = gust__test_send_body(app, "POST /", MULTIPART, form);
    assert_int_equal(count_descriptors(), before);
    assert_non_null(answer);
    if (answer->status != status || strncmp(answer->body, body, strlen(body)) != 0)
        print_error("%d %s %s\n", answer->status, answer->body, answer->log);
    assert_int_equal(answer->status, status);
    assert_memory_equal(answer->body, body, strlen(body));
    gust_app_free(app);
}

static void test_fields_are_arguments_and_files_are_files(void **state)
{
    (void)state;
    check(FIELD("a", "1") END, 200, "[1]");
    check(FIELD("a", "1") FIELD("a", " 2 ") END, 200, "[2]");
    check(FIELD("a", "") UPLOAD("f", "x.png", "pixels") END, 200, "[]f,x.png,image/png:pixels;");
    check(UPLOAD("g", "1", "") UPLOAD("f", "", "x") UPLOAD("g", "../2", "y") END, 200,
          "[NULL]g,1,image/png:;f,,image/png:x;g,../2,image/png:y;second g ../2");
    check("--XX\r\nContent-Disposition: form-data; name=f; filename=n\r\n\r\nx\r\n" END, 200,
          "[NULL]f,n,NULL:x;");
    check(END, 200, "[NULL]");
}

static void test_no_file_chosen_is_no_file(void **state)
{
    (void)state;
    check(UPLOAD("f", "", "") FIELD("a", "1") END, 200, "[1]");
}

static void test_large_files_go_to_disk(void **state)
{
    (void)state;
    check(UPLOAD("f", "x", "1234567") END, 200, "[NULL]f,x,image/png:1234567;");
    check(UPLOAD("f", "x", "12345678") END, 200, "[NULL]f,x,image/png:12345678;");
    check(UPLOAD("f", "x", "123456789") UPLOAD("f", "y", "1") END, 200,
          "[NULL]f,x on disk:123456789;f,y,image/png:1;");
}

static void test_files_leave_half_of_the_memory(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "POST /", show);
    gust_app_set(app, .max_memory = 1 << 20);
    char *form = malloc(1000000), *at = form;
    for (int i = 0; i < 3; i++) {
        at += sprintf(at, "--XX\r\nContent-Disposition: form-data; name=f; filename=%d\r\n\r\n", i);
        memset(at, 'x', 200000);
        at += 200000;
        at += sprintf(at, "\r\n");
    }
    strcpy(at, END);
    struct gust__test_answer *answer = gust__test_send_body(app, "POST /", MULTIPART, form);
    assert_int_equal(answer->status, 200);
    assert_null(strstr(answer->body, "f,0 on disk"));
    assert_null(strstr(answer->body, "f,1 on disk"));
    assert_non_null(strstr(answer->body, "f,2 on disk"));
    free(form);
    gust_app_free(app);
}

static void test_bad_forms_are_refused(void **state)
{
    (void)state;
    check("", 200, "[NULL]");
    check("garbage", 400, "400 Bad Request: ");
    check(FIELD("a", "1"), 400, "400 Bad Request: a multipart body ends before its last boundary");
    check(UPLOAD("f", "x", "123456789") FIELD("a", "1"), 400, "400 Bad Request: a multipart body ends");
    check(FIELD("a", "\xff") END, 400, "400 Bad Request: a field of the form is not UTF-8 text");
    check(FIELD("\xff", "x") END, 400, "400 Bad Request: ");
    check(UPLOAD("f", "\xff", "x") END, 400, "400 Bad Request: ");
    gust_app *app = make();
    assert_int_equal(gust__test_send_body(app, "POST /", "multipart/form-data", END)->status, 400);
    const char with_nul[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: " MULTIPART
                            "\r\nContent-Length: 67\r\n\r\n" FIELD("a", "1\0"
                                                                        "2") END;
    assert_int_equal(gust__test_bytes(app, with_nul, sizeof(with_nul) - 1)->status, 400);
    gust_app_free(app);
}

static void test_parts_and_fields_are_limited(void **state)
{
    (void)state;
    check(FIELD("a", "1") FIELD("a", "2") UPLOAD("f", "x", "") END, 200, "[2]f,x");
    check(UPLOAD("f", "x", "") UPLOAD("f", "x", "") UPLOAD("f", "x", "") UPLOAD("f", "x", "") END, 400,
          "400 Bad Request: a multipart body has too many parts");
    check(FIELD("a", "1") FIELD("a", "2") FIELD("a", "3") END, 400, "400 Bad Request: more than 2 arguments");
}

static void test_a_file_that_cannot_be_kept_is_503(void **state)
{
    (void)state;
    gust_app *app = make();
    gust_app_set(app, .spool_directory = "/nonexistent/directory");
    const char *form = FIELD("a", "1") UPLOAD("f", "x", "123456789") END;
    gust__test_send_body(app, "POST /", MULTIPART, form); /* a first backtrace opens what it needs */
    int before = count_descriptors();
    struct gust__test_answer *answer = gust__test_send_body(app, "POST /", MULTIPART, form);
    assert_int_equal(answer->status, 503);
    assert_string_equal(answer->body, "503 Service Unavailable\n");
    assert_int_equal(count_descriptors(), before);
    gust_app_free(app);
}

#ifdef GUST_FAULTS
/* Each allocation and each call of a request in turn: it is answered, and nothing is left open. */
static void check_faults(const char *rule)
{
    gust_app *app = make();
    const char *form = FIELD("a", "1") UPLOAD("f", "x", "123456789") UPLOAD("f", "y", "1") END;
    gust__faults_set("sys:lseek:1:29"); /* a first backtrace opens what it needs */
    gust__test_send_body(app, "POST /", MULTIPART, form);
    int before = count_descriptors();
    for (unsigned n = 1, struck = 1; struck; n++) {
        char text[64];
        snprintf(text, sizeof(text), rule, n);
        assert_int_equal(gust__faults_set(text), 0);
        struct gust__test_answer *answer = gust__test_send_body(app, "POST /", MULTIPART, form);
        struck = gust__faults_struck();
        gust__faults_set(NULL);
        if (answer && answer->status != 200 && answer->status != 503)
            print_error("%s: %d %s\n", text, answer->status, answer->log);
        assert_true(!answer || answer->status == 200 || answer->status == 503);
        assert_int_equal(count_descriptors(), before);
    }
    gust_app_free(app);
}

static void test_failures_of_the_system_are_answered(void **state)
{
    (void)state;
    check_faults("alloc:%u");
    check_faults("sys:openat:%u:13");
    check_faults("sys:write:%u:28");
    check_faults("sys:lseek:%u:29");
}
#endif

static void show_bytes(gust_request *request)
{
    const gust_file *file = gust_file_at(request, "f", 0);
    gust_write(request, file->data.data, file->data.len);
}

static void test_files_may_have_any_bytes(void **state)
{
    (void)state;
    static const char text[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: " MULTIPART
                               "\r\n\r\n" UPLOAD("f", "x", "a\0b\r\n\0\xff") END;
    gust_app *app = gust_app_new();
    gust_route(app, "POST /", show_bytes);
    struct gust__test_answer *answer = gust__test_bytes(app, text, sizeof(text) - 1);
    assert_int_equal(answer->size, 7);
    assert_memory_equal(answer->body, "a\0b\r\n\0\xff", 7);
    gust_app_free(app);
}

/* ---- streamed ---- */

struct seen {
    gust_request *request;
    char text[200];
    const char *stop_at;
};

static int see_part(const gust_part *part, void *argument)
{
    struct seen *seen = argument;
    size_t length = strlen(seen->text);
    gust_yield();
    snprintf(seen->text + length, sizeof(seen->text) - length, "%s%s%s:", part->name,
             part->file_name ? "," : "", part->file_name ? part->file_name : "");
    if (seen->stop_at && strcmp(part->name, seen->stop_at) == 0)
        return gust_error_set(EXDEV, "enough");
    return 0;
}

static int see_data(const void *bytes, size_t length, void *argument)
{
    struct seen *seen = argument;
    gust_yield();
    strncat(seen->text, bytes, length);
    return 0;
}

static void stream(gust_request *request)
{
    struct seen seen = {.request = request, .stop_at = gust_query_arg(request, "stop")};
    int result = gust_form_each(request, see_part, see_data, &seen);
    if (gust_query_arg(request, "quiet") && result < 0)
        return;
    gust_printf(request, "%s %d", seen.text, result < 0 ? errno : 0);
}

static void check_stream(const char *target, const char *form, int status, const char *body)
{
    gust_app *app = gust_app_new();
    gust_route(app, "POST /", stream, .stream_body = true);
    gust_route(app, "POST /buffered", stream);
    gust_app_set(app, .max_parts = 3);
    for (size_t piece = 0; piece < 50; piece += 7) {
        gust__test_options.piece = piece;
        gust__test_options.parks = true;
        struct gust__test_answer *answer = gust__test_send_body(app, target, MULTIPART, form);
        assert_int_equal(answer->status, status);
        if (body)
            assert_string_equal(answer->body, body);
    }
    gust_app_free(app);
}

static void test_streamed_forms_are_handed_on(void **state)
{
    (void)state;
    check_stream("POST /", FIELD("a", "1") UPLOAD("f", "x", "ab\r\n--XYcd") FIELD("b", "") END, 200,
                 "a:1f,x:ab\r\n--XYcdb: 0");
    check_stream("POST /buffered", FIELD("a", "1") END, 200, "a:1 0");
    check_stream("POST /?stop=b", FIELD("a", "1") FIELD("b", "2") END, 200, "a:1b: 18");
}

static void test_bad_streamed_forms_answer_400(void **state)
{
    (void)state;
    check_stream("POST /?quiet", FIELD("a", "1"), 400, "400 Bad Request\n");
    check_stream("POST /?quiet", "garbage", 400, "400 Bad Request\n");
    check_stream("POST /?quiet", FIELD("\xff", "1") END, 400, "400 Bad Request\n");
    check_stream("POST /?quiet", FIELD("a", "") FIELD("a", "") FIELD("a", "") FIELD("a", "") END, 400,
                 "400 Bad Request\n");
    check_stream("POST /?quiet&stop=a", FIELD("a", "1") END, 200, "");
    check_stream("POST /", FIELD("a", "1"), 200, NULL);
}

static void test_a_client_that_stops_ends_it(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "POST /", stream, .stream_body = true);
    gust__test_options.body_error = ETIMEDOUT;
    gust__test_options.body_status = 408;
    assert_int_equal(gust__test_send_body(app, "POST /?quiet", MULTIPART, FIELD("a", "1"))->status, 408);
    gust_app_free(app);
}

/* ---- saved ---- */

static void save(gust_request *request)
{
    char name[] = "/tmp/gust-test-XXXXXX", content[100] = "";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(write(fd, "before ", 7), 7);
    int64_t saved = gust_save_body(request, fd);
    assert_true(pread(fd, content, sizeof(content) - 1, 0) >= 0);
    close(fd);
    if (saved >= 0)
        gust_printf(request, "%d %s", (int)saved, content);
    else if (!gust_query_arg(request, "quiet"))
        gust_printf(request, "%s", strerror(errno));
}

static void save_nowhere(gust_request *request)
{
    assert_int_equal(gust_save_body(request, -1), -1);
    gust_print(request, strerror(errno));
}

static void test_bodies_are_saved_as_they_come(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_route(app, "POST /", save, .stream_body = true);
    gust_route(app, "POST /buffered", save);
    gust_route(app, "POST /nowhere", save_nowhere);
    gust__test_options.piece = 2;
    assert_string_equal(gust__test_send_body(app, "POST /", "a/b", "hello")->body, "5 before hello");
    assert_string_equal(gust__test_send_body(app, "POST /buffered", "a/b", "hello")->body, "5 before hello");
    assert_string_equal(gust__test_send_body(app, "POST /", "a/b", "")->body, "0 before ");
    assert_string_equal(gust__test_send_body(app, "POST /nowhere", "a/b", "x")->body, "Bad file descriptor");
    gust__test_options.body_error = EMSGSIZE;
    gust__test_options.body_status = 413;
    assert_int_equal(gust__test_send_body(app, "POST /?quiet", "a/b", "hello")->status, 413);
    gust_app_free(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_arguments_and_files_are_files),
        cmocka_unit_test(test_files_may_have_any_bytes),
#ifdef GUST_FAULTS
        cmocka_unit_test(test_failures_of_the_system_are_answered),
#endif
        cmocka_unit_test(test_no_file_chosen_is_no_file),
        cmocka_unit_test(test_large_files_go_to_disk),
        cmocka_unit_test(test_files_leave_half_of_the_memory),
        cmocka_unit_test(test_bad_forms_are_refused),
        cmocka_unit_test(test_parts_and_fields_are_limited),
        cmocka_unit_test(test_a_file_that_cannot_be_kept_is_503),
        cmocka_unit_test(test_streamed_forms_are_handed_on),
        cmocka_unit_test(test_bad_streamed_forms_answer_400),
        cmocka_unit_test(test_a_client_that_stops_ends_it),
        cmocka_unit_test(test_bodies_are_saved_as_they_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
