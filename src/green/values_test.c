/* Thread-specific values: the thread's, but for OpenSSL's error queue, which is the coroutine's. */
#include "green/locks_testing.h"

#include <dlfcn.h>

/* ---- OpenSSL's error queue ---- */

static struct {
    void (*new)(void);
    void (*set_error)(int library, int reason, const char *format, ...);
    unsigned long (*peek)(void);
    unsigned long (*get)(void);
    void (*clear)(void);
} err;

static void *function(void *library, const char *name)
{
    void *found = dlsym(library, name);
    assert_non_null(found);
    return found;
}

/* False: it is not installed. */
static bool load_openssl(void)
{
    void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_GLOBAL);
    if (!library)
        return false;
    *(void **)(void *)&err.new = function(library, "ERR_new");
    *(void **)(void *)&err.set_error = function(library, "ERR_set_error");
    *(void **)(void *)&err.peek = function(library, "ERR_peek_error");
    *(void **)(void *)&err.get = function(library, "ERR_get_error");
    *(void **)(void *)&err.clear = function(library, "ERR_clear_error");
    return true;
}

static void put_error(int reason)
{
    err.new();
    err.set_error(20, reason, NULL);
}

static int reason_of(unsigned long code)
{
    return (int)(code & 0x7fffff);
}

struct failing {
    int reason;
};

static int fail_and_look(void *argument)
{
    const struct failing *failing = argument;
    CHECK(err.peek() == 0);
    put_error(failing->reason);
    gust_sleep(GUST_MS(1) / 2);
    CHECK(reason_of(err.peek()) == failing->reason);
    put_error(failing->reason + 1000);
    gust_yield();
    CHECK(reason_of(err.get()) == failing->reason);
    CHECK(reason_of(err.peek()) == failing->reason + 1000); /* left behind */
    return 0;
}

static int many_fail(void *argument)
{
    struct failing failing[40];
    (void)argument;
    for (int round = 0; round < 3; round++) {
        GUST_GROUP(group);
        for (int i = 0; i < 40; i++) {
            failing[i].reason = 100 + i;
            gust_go(&group, fail_and_look, &failing[i]);
        }
        gust_group_wait(&group);
    }
    return 0;
}

static void *many_fail_in_thread(void *argument)
{
    CHECK(gust_run(many_fail, argument, GUST_S(30)) == 0);
    return NULL;
}

static void openssl_errors_are_the_coroutines(void **state)
{
    pthread_t thread;
    (void)state;
    if (!load_openssl())
        skip();
    assert_int_equal(gust_green_on(), 0);
    put_error(77);
    assert_int_equal(gust_run(many_fail, NULL, GUST_S(30)), 0);
    assert_int_equal(reason_of(err.get()), 77); /* the thread's own */
    assert_int_equal(err.get(), 0);
    pthread_create(&thread, NULL, many_fail_in_thread, NULL);
    pthread_join(thread, NULL);
}

/* ---- All others ---- */

static pthread_key_t key;

static int set_and_look(void *argument)
{
    CHECK(pthread_setspecific(key, argument) == 0);
    gust_yield();
    return pthread_getspecific(key) == argument ? 0 : 1;
}

static int set_twice(void *argument)
{
    GUST_GROUP(group);
    gust_go(&group, set_and_look, argument);
    gust_yield();
    CHECK(pthread_getspecific(key) == argument); /* of the thread, as any library may expect */
    return gust_group_wait(&group);
}

static void other_values_are_the_threads(void **state)
{
    int value;
    (void)state;
    assert_int_equal(pthread_key_create(&key, NULL), 0);
    assert_int_equal(gust_run(set_twice, &value, GUST_S(10)), 0);
    assert_ptr_equal(pthread_getspecific(key), &value);
    assert_int_equal(pthread_key_delete(key), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_errors_are_the_coroutines),
        cmocka_unit_test(other_values_are_the_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
