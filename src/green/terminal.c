/*
 * tcdrain. A terminal whose output is stopped keeps it waiting without end, so the thread that waits may be
 * left behind: it has a duplicate of the descriptor, and takes nothing with it.
 */
#include "base/alloc.h"
#include "green/errand.h"

#include <termios.h>

struct drain {
    struct gust__green_errand errand;
    int fd; /* our own */
    int result;
    int code;
};

static void drain_run(struct gust__green_errand *errand)
{
    struct drain *drain = (struct drain *)(void *)errand;
    drain->result = gust__green_next.tcdrain(drain->fd);
    drain->code = errno;
}

static void drain_release(struct gust__green_errand *errand)
{
    struct drain *drain = (struct drain *)(void *)errand;
    gust__sys_close(drain->fd);
    gust__free(drain);
}

static const struct gust__green_errand_kind drain_kind = {"tcdrain", drain_run, drain_release, NULL};

static struct drain *drain_new(int fd)
{
    struct drain *drain = gust__calloc(1, sizeof(*drain));
    if (!drain)
        return NULL;
    *drain = (struct drain){.errand.kind = &drain_kind, .fd = gust__sys_fcntl(fd, F_DUPFD_CLOEXEC, 0)};
    if (drain->fd >= 0)
        return drain;
    gust__free(drain);
    return NULL;
}

GUST__EXPORT int tcdrain(int fd)
{
    if (!gust__green_here())
        return gust__green_next.tcdrain(fd);
    struct gust__green_call call = GUST__GREEN_CALL("tcdrain", fd);
    int saved = errno;
    struct drain *drain = drain_new(fd);
    if (drain)
        drain = (struct drain *)(void *)gust__green_errand_run(&call, &drain->errand);
    if (!drain)
        return -1;
    int result = drain->result;
    errno = result < 0 ? drain->code : saved;
    gust__green_errand_drop(&drain->errand);
    return result;
}
