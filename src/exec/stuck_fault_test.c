/* A worker that faults while something that the handler of faults needs is locked dies all the same.
 */
#include "exec/testing.h"

#include <dlfcn.h>
#include <unwind.h>

static bool stuck;

/* In place of libgcc's: a lock that nobody lets go. */
_Unwind_Reason_Code _Unwind_Backtrace(_Unwind_Trace_Fn visit, void *argument)
{
    while (stuck)
        pause();
    _Unwind_Reason_Code (*real)(_Unwind_Trace_Fn, void *) =
        (_Unwind_Reason_Code(*)(_Unwind_Trace_Fn, void *))dlsym(RTLD_NEXT, "_Unwind_Backtrace");
    return real(visit, argument);
}

static int die(const void *in, size_t length, gust_output *output)
{
    (void)length;
    (void)output;
    int signal;
    memcpy(&signal, in, sizeof(signal));
    stuck = true;
    raise(signal);
    return 0;
}

static int get_deaths(gust_processes *pool)
{
    static const int signals[] = {SIGSEGV, SIGABRT, SIGFPE};
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        assert_int_equal(gust_processes_run(pool, die, &signals[i], sizeof(*signals), NULL), -1);
        assert_int_equal(errno, ECHILD);
        assert_int_equal(gust_error_detail(gust_error_last()), signals[i]);
    }
    return 0;
}

static void a_fault_whose_handler_is_stuck_ends_the_worker(void **state)
{
    (void)state;
    with_pool(gust_processes_new(.workers = 3), get_deaths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(a_fault_whose_handler_is_stuck_ends_the_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
