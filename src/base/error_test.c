#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/context.h"
#include "base/error_int.h"
#include "base/faults.h"
#include "base/lock.h"

static int forget(void **state)
{
    (void)state;
    gust_error_clear();
    return 0;
}

static void none_at_first(void **state)
{
    (void)state;
    void *const *frames;
    assert_null(gust_error_last());
    assert_int_equal(gust_error_code(NULL), 0);
    assert_int_equal(gust_error_detail(NULL), 0);
    assert_string_equal(gust_error_domain(NULL), "errno");
    assert_string_equal(gust_error_text(NULL), "");
    assert_int_equal(gust_error_backtrace(NULL, &frames), 0);
    assert_null(gust__error_take());
}

static void set_tells_errno_and_the_text(void **state)
{
    (void)state;
    errno = 0;
    assert_int_equal(gust_error_set(EIO, "reading %s", "x"), -1);
    assert_int_equal(errno, EIO);
    const gust_error *error = gust_error_last();
    assert_int_equal(gust_error_code(error), EIO);
    assert_int_equal(gust_error_detail(error), EIO);
    assert_string_equal(gust_error_domain(error), "errno");
    assert_string_equal(gust_error_text(error), "reading x");
    assert_int_equal(gust_error_set_detail("gai", EAI_NONAME, ENOENT, "no such host"), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(gust_error_detail(gust_error_last()), EAI_NONAME);
    assert_string_equal(gust_error_domain(gust_error_last()), "gai");
    errno = 77;
    gust_error_clear();
    assert_null(gust_error_last());
    assert_int_equal(errno, 77);
}

static void without_a_text_it_is_strerrors(void **state)
{
    (void)state;
    const char *volatile none = NULL;
    gust_error_set(ENOENT, none, 0);
    assert_string_equal(gust_error_text(gust_error_last()), "No such file or directory");
    none = "";
    gust_error_set(EPIPE, none, 0);
    assert_string_equal(gust_error_text(gust_error_last()), "Broken pipe");
    gust_error_set(99999, none, 0);
    assert_string_equal(gust_error_text(gust_error_last()), "unknown error");
}

static void the_text_may_be_made_of_the_last_one_and_errno(void **state)
{
    (void)state;
    errno = ENOSPC;
    gust_error_set(EIO, "%m");
    gust_error_set(EPIPE, "then: %s", gust_error_text(gust_error_last()));
    assert_string_equal(gust_error_text(gust_error_last()), "then: No space left on device");
}

static void texts_are_cut_at_1023_bytes(void **state)
{
    (void)state;
    char text[1100];
    for (size_t length = 1022; length <= 1025; length++) {
        memset(text, 'x', length);
        text[length] = '\0';
        gust_error_set(EIO, "%s", text);
        assert_int_equal(strlen(gust_error_text(gust_error_last())), length < 1023 ? length : 1023);
    }
    memset(text, 'x', sizeof(text));
    strcpy(text + 1021, "\xe2\x82\xac"); /* a euro sign that the limit splits goes as a whole */
    gust_error_set(EIO, "%s", text);
    assert_int_equal(strlen(gust_error_text(gust_error_last())), 1021);
    strcpy(text + 1020, "\xe2\x82\xac");
    gust_error_set(EIO, "%s", text);
    assert_int_equal(strlen(gust_error_text(gust_error_last())), 1023);
}

static void domains_are_cut_at_15_bytes(void **state)
{
    (void)state;
    gust_error_set_detail("0123456789abcdef", 1, EIO, "x");
    assert_string_equal(gust_error_domain(gust_error_last()), "0123456789abcde");
}

static __attribute__((noinline)) void fail_here(void)
{
    gust_error_set(EIO, "here");
    __asm__ volatile(""); /* no tail call */
}

static void a_backtrace_begins_at_the_caller(void **state)
{
    (void)state;
    void *const *frames;
    fail_here();
    size_t count = gust_error_backtrace(gust_error_last(), &frames);
    assert_in_range(count, 2, 32);
    assert_in_range((uintptr_t)frames[0], (uintptr_t)fail_here, (uintptr_t)fail_here + 200);
}

static __attribute__((noinline)) int fail_deep(int depth)
{
    int result = depth ? fail_deep(depth - 1) : gust_error_set(EIO, "deep");
    __asm__ volatile("" : "+r"(result));
    return result;
}

static void a_backtrace_has_at_most_32_frames(void **state)
{
    (void)state;
    void *const *frames;
    fail_deep(100);
    assert_int_equal(gust_error_backtrace(gust_error_last(), &frames), 32);
    gust__error_put(gust__error_new(NULL, 0, EIO, GUST__ERROR_BACKTRACE, "x"));
    assert_in_range(gust_error_backtrace(gust_error_last(), &frames), 1, 32);
}

static void routine_errors_have_no_backtrace(void **state)
{
    (void)state;
    void *const *frames;
    static const int routine[] = {EAGAIN, EINTR, EINPROGRESS, EALREADY, ECANCELED};
    for (size_t i = 0; i < GUST_LEN(routine); i++) {
        gust_error_set(routine[i], "x");
        assert_int_equal(gust_error_backtrace(gust_error_last(), &frames), 0);
    }
    for (int status = 499; status <= 500; status++) {
        gust_error_set_detail("http", status, EPROTO, "x");
        assert_int_equal(gust_error_backtrace(gust_error_last(), &frames) > 0, status >= 500);
    }
}

static void errors_move_and_are_copied(void **state)
{
    (void)state;
    void *const *frames, *const *others;
    gust_error_set_detail("tls", 42, EPROTO, "bad record");
    struct gust_error *error = gust__error_take();
    assert_null(gust_error_last());
    struct gust_error *copy = gust__error_copy(error);
    size_t count = gust_error_backtrace(error, &frames);
    assert_int_equal(gust_error_backtrace(copy, &others), count);
    assert_memory_equal(frames, others, count * sizeof(void *));
    gust__error_free(error);
    errno = 0;
    assert_int_equal(gust__error_put(copy), -1);
    assert_int_equal(errno, EPROTO);
    assert_ptr_equal(gust_error_last(), copy);
    assert_string_equal(gust_error_text(copy), "bad record");
    assert_string_equal(gust_error_domain(copy), "tls");
    gust__error_put(copy); /* once more: it stays */
    assert_string_equal(gust_error_text(gust_error_last()), "bad record");
    assert_null(gust__error_copy(NULL));
    gust__error_free(NULL);
}

static void an_older_story_is_not_taken_for_this_one(void **state)
{
    (void)state;
    gust_error_set(EIO, "long ago");
    struct gust_error *error = gust__error_take_for(ENOENT);
    assert_string_equal(gust_error_text(error), "No such file or directory");
    gust__error_free(error);
    error = gust__error_take_for(EIO);
    assert_string_equal(gust_error_text(error), "long ago");
    gust__error_free(error);
}

static void describe_is_one_line(void **state)
{
    (void)state;
    char line[64];
    errno = EPIPE;
    assert_string_equal(gust_error_describe(line, sizeof(line)), "Broken pipe");
    gust_error_set(EIO, "one\ntwo");
    assert_string_equal(gust_error_describe(line, sizeof(line)), "one two");
    gust_error_set_detail("http", 502, EIO, "bad gateway");
    errno = 77;
    assert_string_equal(gust_error_describe(line, sizeof(line)), "bad gateway (http 502)");
    assert_string_equal(gust_error_describe(line, 4), "bad");
    assert_string_equal(gust_error_describe(line, 1), "");
    assert_int_equal(errno, 77);
}

static void set_in_a_thread(void *argument)
{
    assert_null(gust_error_last());
    gust_error_set(EPIPE, "the thread's");
    *(int *)argument = gust_error_code(gust_error_last());
} /* LeakSanitizer tells if it is not given back */

static void a_trace_has_whole_lines(void **state)
{
    (void)state;
    char whole[16384], cut[16384];
    gust_error_set(EIO, "here");
    assert_ptr_equal(gust_error_trace(gust_error_last(), whole, sizeof(whole)), whole);
#if defined(__x86_64__) /* where libdw is */
    assert_non_null(strstr(whole, "a_trace_has_whole_lines"));
#endif
    size_t line = strcspn(whole, "\n") + 1;
    for (size_t size = line; size <= line + 1; size++) { /* without room for the NUL, and with */
        gust_error_trace(gust_error_last(), cut, size);
        assert_int_equal(strlen(cut), size == line ? 0 : line);
    }
    assert_string_equal(gust_error_trace(NULL, cut, sizeof(cut)), "");
    assert_string_equal(gust_error_trace(gust_error_last(), cut, 1), "");
    cut[0] = 'x';
    gust_error_trace(gust_error_last(), cut, 0);
    assert_int_equal(cut[0], 'x');
}

static void each_thread_has_its_own(void **state)
{
    (void)state;
    struct gust__thread thread;
    int code = 0;
    gust_error_set(EIO, "ours");
    assert_int_equal(gust__thread_start(&thread, "error", set_in_a_thread, &code), 0);
    gust__thread_join(&thread);
    assert_int_equal(code, EPIPE);
    assert_string_equal(gust_error_text(gust_error_last()), "ours");
}

static void *set_in_a_foreign_thread(void *argument)
{
    set_in_a_thread(argument);
    return NULL;
}

static void a_foreign_thread_gives_its_error_back(void **state)
{
    (void)state;
    pthread_t thread;
    int code = 0;
    assert_int_equal(pthread_create(&thread, NULL, set_in_a_foreign_thread, &code), 0);
    pthread_join(thread, NULL);
    assert_int_equal(code, EPIPE);
}

static void a_coroutine_has_its_own(void **state)
{
    (void)state;
    struct gust__context context = {0};
    gust_error_set(EIO, "the thread's");
    gust__current = (struct gust__coroutine *)(void *)&context;
    assert_null(gust_error_last());
    gust_error_set(EPIPE, "the coroutine's");
    gust__current = NULL;
    assert_string_equal(gust_error_text(gust_error_last()), "the thread's");
    assert_string_equal(gust_error_text(context.error), "the coroutine's");
    gust__error_free(context.error);
}

#ifdef GUST_FAULTS
static void without_memory_it_says_so(void **state)
{
    (void)state;
    gust__faults_alloc_at(1, true);
    assert_int_equal(gust_error_set(EIO, "x"), -1);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(gust_error_code(gust_error_last()), ENOMEM);
    assert_string_equal(gust_error_text(gust_error_last()), "out of memory");
    struct gust_error *copy = gust__error_copy(gust_error_last());
    gust__error_free(copy);
    gust__faults_set(NULL);
    gust_error_set(EIO, "x");
    assert_string_equal(gust_error_text(gust_error_last()), "x");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(none_at_first, forget),
        cmocka_unit_test_setup(set_tells_errno_and_the_text, forget),
        cmocka_unit_test_setup(without_a_text_it_is_strerrors, forget),
        cmocka_unit_test_setup(the_text_may_be_made_of_the_last_one_and_errno, forget),
        cmocka_unit_test_setup(texts_are_cut_at_1023_bytes, forget),
        cmocka_unit_test_setup(domains_are_cut_at_15_bytes, forget),
        cmocka_unit_test_setup(a_backtrace_begins_at_the_caller, forget),
        cmocka_unit_test_setup(a_backtrace_has_at_most_32_frames, forget),
        cmocka_unit_test_setup(routine_errors_have_no_backtrace, forget),
        cmocka_unit_test_setup(errors_move_and_are_copied, forget),
        cmocka_unit_test_setup(an_older_story_is_not_taken_for_this_one, forget),
        cmocka_unit_test_setup(describe_is_one_line, forget),
        cmocka_unit_test_setup(a_trace_has_whole_lines, forget),
        cmocka_unit_test_setup(each_thread_has_its_own, forget),
        cmocka_unit_test_setup(a_foreign_thread_gives_its_error_back, forget),
        cmocka_unit_test_setup(a_coroutine_has_its_own, forget),
#ifdef GUST_FAULTS
        cmocka_unit_test_setup(without_memory_it_says_so, forget),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
