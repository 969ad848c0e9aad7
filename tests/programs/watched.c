/* A server that can be held up, and has many coroutines parked: for tests of the watchdog and the dump. */
#include <gust/gust.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

static __attribute__((noinline)) int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return GUST_S(time.tv_sec) + time.tv_nsec;
}

static int64_t asked_for(gust_request *req)
{
    return GUST_MS(atoi(gust_path_arg(req, 1)));
}

static __attribute__((noinline)) long spin_here(int64_t end)
{
    long turns = 0;
    while (now() < end) /* the line that a report may name */
        turns++;
    return turns;
}

static void spin(gust_request *req)
{
    long turns = spin_here(now() + asked_for(req));
    gust_printf(req, "%d\n", turns > 0);
}

static __attribute__((noinline)) int sleep_here(int64_t duration)
{
    struct timespec time = {.tv_sec = duration / GUST_S(1), .tv_nsec = duration % GUST_S(1)};
    int code = nanosleep(&time, NULL) < 0 ? errno : 0;
    __asm__ volatile("");
    return code;
}

static void block_in_nanosleep(gust_request *req)
{
    gust_printf(req, "%d\n", sleep_here(asked_for(req)));
}

static void block_in_poll(gust_request *req)
{
    int result = poll(NULL, 0, (int)(asked_for(req) / GUST_MS(1)));
    gust_printf(req, "%d\n", result < 0 ? errno : 0);
}

static __attribute__((noinline)) int park_here(void *argument)
{
    (void)argument;
    int result = gust_sleep(GUST_S(1000));
    __asm__ volatile("");
    return errno == ECANCELED ? 0 : result;
}

static gust_future *parked[20000];

static int cancel_parked(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < GUST_LEN(parked); i++)
        gust_future_free(parked[i]);
    return 0;
}

static void park(gust_request *req)
{
    int count = atoi(gust_path_arg(req, 1));
    for (int i = 0; i < count && i < (int)GUST_LEN(parked); i++)
        parked[i] = gust_spawn(NULL, park_here, NULL);
    gust_printf(req, "%d\n", count);
}

static void stats(gust_request *req)
{
    gust_stats figures;
    gust_loop_stats(gust_loop_current(), &figures);
    gust_printf(req, "%zu %lld %d\n", figures.coroutines, (long long)(figures.lag_max / GUST_MS(1)),
                figures.iterations > 0 && figures.descriptors > 0 && figures.lag_mean >= 0);
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_route(app, "GET /spin/(\\d+)", spin);
    gust_route(app, "GET /nanosleep/(\\d+)", block_in_nanosleep);
    gust_route(app, "GET /poll/(\\d+)", block_in_poll);
    gust_route(app, "GET /park/(\\d+)", park);
    gust_route(app, "GET /stats", stats);
    gust_on_stop(app, cancel_parked, NULL);
    return gust_main(app, argc, argv);
}
