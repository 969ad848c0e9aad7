#include "exec/notify.h"
#include "base/clock.h"
#include "base/sys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

enum { MESSAGE_MAX_BYTES = 1024 };

static int64_t number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (!text || *text < '0' || *text > '9')
        return 0;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    return errno || *end ? 0 : value;
}

static int64_t watchdog_of_ours(void)
{
    int64_t period, whose = number_of("WATCHDOG_PID");
    if (whose && whose != gust__sys_getpid())
        return 0;
    return __builtin_mul_overflow(number_of("WATCHDOG_USEC"), 1000, &period) ? 0 : period;
}

void gust__notify_take(struct gust__notify *notify)
{
    const char *address = getenv("NOTIFY_SOCKET");
    *notify = (struct gust__notify){.watchdog = watchdog_of_ours()};
    if (address && (address[0] == '/' || address[0] == '@') && strlen(address) <= GUST__NOTIFY_ADDRESS)
        strcpy(notify->address, address);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

static int send_to(const char *name, const char *text, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = 0;
    int fd = gust__sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    ssize_t sent =
        gust__sys_sendto(fd, text, size, MSG_NOSIGNAL, (struct sockaddr *)(void *)&address, length);
    int code = errno;
    gust__sys_close(fd);
    errno = code;
    return sent < 0 ? -1 : 0;
}

int gust__notify(const struct gust__notify *notify, const char *format, ...)
{
    char text[MESSAGE_MAX_BYTES];
    va_list arguments;
    if (!notify->address[0]) {
        errno = ENOTCONN;
        return -1;
    }
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof(text)) {
        errno = EMSGSIZE;
        return -1;
    }
    return send_to(notify->address, text, (size_t)size);
}

int gust__notify_reloading(const struct gust__notify *notify)
{
    return gust__notify(notify, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=starting a successor",
                        (long long)(gust__clock_now() / 1000));
}
