/* GUST_GREEN_TRACE=1: a line for each wait. */
#include "green/green_int.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

struct gust__green_settings gust__green_settings;

static __attribute__((constructor)) void read_environment(void)
{
    const char *value = secure_getenv("GUST_GREEN_TRACE");
    gust__green_settings.trace = value && strcmp(value, "1") == 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int gust__green_describe(char *to, size_t size, const void *address)
{
    Dl_info info;
    if (!dladdr(address, &info))
        return snprintf(to, size, "%p", address);
    const char *file = info.dli_fname ? base_name(info.dli_fname) : "?";
    if (!info.dli_sname)
        return snprintf(to, size, "%s+%#tx", file, (const char *)address - (const char *)info.dli_fbase);
    return snprintf(to, size, "%s (%s)", info.dli_sname, file);
}

void gust__green_trace(const struct gust__green_call *call)
{
    char line[400], caller[200], descriptor[24] = "";
    int saved = errno;
    gust__green_describe(caller, sizeof(caller), call->caller);
    if (call->fd >= 0)
        snprintf(descriptor, sizeof(descriptor), " of descriptor %d", call->fd);
    int length = snprintf(line, sizeof(line), "green: %s waits in %s%s for %s\n",
                          gust__coroutine_name(gust__current), call->name, descriptor, caller);
    if (length > 0)
        (void)!gust__sys_write(STDERR_FILENO, line,
                               (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
    errno = saved;
}
