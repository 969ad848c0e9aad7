// A C++ exception that is caught stays its coroutine's while others throw and catch.
#include <gust/coroutine.h>
#include <gust/error.h>

#include <cerrno>
#include <cstdio>
#include <exception>

struct Turn {
    int number;
    int milliseconds;
};

static int rethrow(int number)
{
    try {
        throw;
    } catch (int caught) {
        return caught == number ? 0 : gust_error_set(EIO, "%d rethrew %d", number, caught);
    }
}

static int catch_and_wait(void *argument)
{
    const Turn *turn = static_cast<const Turn *>(argument);
    try {
        throw turn->number;
    } catch (int) {
        gust_sleep(GUST_MS(turn->milliseconds));
        return rethrow(turn->number);
    }
}

struct Waiter {
    int *seen;
    explicit Waiter(int *seen) : seen(seen)
    {
    }
    Waiter(const Waiter &) = delete;
    ~Waiter()
    {
        gust_sleep(GUST_MS(5));
        *seen = std::uncaught_exceptions();
    }
};

static int wait_while_unwinding(void *argument)
{
    try {
        Waiter waiter(static_cast<int *>(argument));
        throw 1;
    } catch (int) {
        return 0;
    }
}

static int nothing_is_in_flight(void *)
{
    gust_sleep(GUST_MS(2));
    return std::uncaught_exceptions() == 0 ? 0 : gust_error_set(EIO, "another's exception is in flight");
}

static int all(void *)
{
    Turn first = {1, 5}, second = {2, 10}, third = {3, 1};
    int seen = 0;
    GUST_GROUP(group);
    gust_go(&group, catch_and_wait, &first);
    gust_go(&group, catch_and_wait, &second);
    gust_go(&group, catch_and_wait, &third);
    gust_go(&group, wait_while_unwinding, &seen);
    gust_go(&group, nothing_is_in_flight, nullptr);
    if (gust_group_wait(&group) < 0)
        return -1;
    return seen == 1 ? 0 : gust_error_set(EIO, "while unwinding there were %d in flight", seen);
}

int main()
{
    if (gust_run(all, nullptr, GUST_S(10)) == 0 && std::uncaught_exceptions() == 0)
        return 0;
    std::fprintf(stderr, "FAILED: %s\n", gust_error_text(gust_error_last()));
    return 1;
}
