/* Two stacks in one report: whoever runs, and a coroutine that it cannot get past. */
#include "base/error_int.h"
#include "base/log_int.h"
#include "coro/coroutine.h"

#include <errno.h>
#include <stdio.h>

/* An error with the frames of a coroutine that does not run. */
union parked_error {
    struct gust_error error;
    char room[sizeof(struct gust_error) + GUST__ERROR_FRAMES * sizeof(void *)];
};

static void log_parked(struct gust__coroutine *coroutine)
{
    char text[160];
    union parked_error parked = {.error = {.code = EDEADLK, .detail = EDEADLK, .domain = "errno"}};
    snprintf(text, sizeof(text), "%s is parked here, in %s", gust__coroutine_name(coroutine),
             coroutine->waits_for ? coroutine->waits_for : "its turn");
    parked.error.frame_count =
        gust__flow_backtrace(&coroutine->flow, parked.error.frames, GUST__ERROR_FRAMES);
    gust__log_error(GUST_ERROR, &parked.error, text);
}

void gust__coroutine_report(struct gust__coroutine *coroutine, const char *text)
{
    int saved = errno;
    struct gust_error *error = gust__error_new(NULL, 0, EDEADLK, GUST__ERROR_BACKTRACE, NULL);
    gust__log_error(GUST_ERROR, error, text);
    gust__error_free(error);
    if (coroutine && coroutine != gust__current)
        log_parked(coroutine);
    errno = saved;
}
