// C++ exceptions on coroutines: a handler that waits keeps its exception, whatever others catch meanwhile.
#include <gust/coroutine.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    std::fprintf(stderr, "FAILED: %s\n", what);
    std::exit(1);
}

static int catch_and_wait(void *argument)
{
    const int number = *static_cast<int *>(argument);
    for (int round = 0; round < 20; round++) {
        try {
            try {
                throw number;
            } catch (int caught) {
                check(caught == number, "caught its own");
                for (int i = 0; i < number % 5; i++)
                    gust_yield();
                throw;
            }
        } catch (int again) {
            check(again == number, "threw its own again after waiting");
            gust_yield();
        }
        check(!std::current_exception(), "nothing is being handled any more");
        gust_yield();
    }
    return 0;
}

static int ten(void *)
{
    int numbers[10];
    GUST_GROUP(group);
    for (int i = 0; i < 10; i++) {
        numbers[i] = i;
        gust_go(&group, catch_and_wait, &numbers[i]);
    }
    return gust_group_wait(&group);
}

int main()
{
    try {
        throw 'x';
    } catch (char) { // the thread's own stays too
        check(gust_run(ten, nullptr, GUST_S(60)) == 0, "all ended");
        check(static_cast<bool>(std::current_exception()), "the thread still handles its own");
    }
    check(!std::current_exception(), "and has done so");
    std::puts("ok");
    return 0;
}
