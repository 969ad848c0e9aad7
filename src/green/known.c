/*
 * What the loop knows of a registered descriptor, so that a wait in steady state asks the kernel nothing.
 *
 * Whether there is something to read. Its registration is edge-triggered: whatever comes makes an event. So
 * once a read has come back short, nothing is there until an event says so. This is only true of TCP, and
 * only while no more than data has come: a Unix socket's read also ends where other descriptors or
 * credentials begin, a read over TCP at urgent data, one through an upper layer (TCP_ULP: TLS in the kernel)
 * at a record. An end that came with the data had its event already, which said so.
 *
 * Whether a wait has an end of its own: O_NONBLOCK, SO_RCVTIMEO or SO_SNDTIMEO. Not, if it had none when we
 * last asked and this process has changed none since, on whatever descriptor: duplicates share them. What
 * another process does to a socket that it shares is not seen.
 */
#include "green/green_int.h"

#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

/* A change of such a setting, of any descriptor of the process, moves it on; 0 is no generation. */
static _Atomic uint32_t settings = 1;

/* An upper layer was asked for on some socket. */
static _Atomic bool layered;

static const uint32_t other_than_data = EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;

/* ---- Data ---- */

static int option_of(int fd, int option)
{
    int value = -1;
    socklen_t length = sizeof(value);
    return gust__sys_getsockopt(fd, SOL_SOCKET, option, &value, &length) < 0 ? -1 : value;
}

static bool has_layer(int fd)
{
    char name[16];
    socklen_t length = sizeof(name);
    return gust__sys_getsockopt(fd, IPPROTO_TCP, TCP_ULP, name, &length) == 0 && length > 0;
}

static bool is_tcp(int fd)
{
    int domain = option_of(fd, SO_DOMAIN);
    return (domain == AF_INET || domain == AF_INET6) && option_of(fd, SO_PROTOCOL) == IPPROTO_TCP &&
           !has_layer(fd);
}

void gust__green_learn(struct gust__green_descriptor *descriptor, int fd)
{
    int saved = errno;
    descriptor->tcp = is_tcp(fd);
    descriptor->drained = false;
    descriptor->not_only_data = false;
    descriptor->unlimited[0] = descriptor->unlimited[1] = 0;
    errno = saved;
}

void gust__green_heard(struct gust__green_descriptor *descriptor, uint32_t events)
{
    if (events & (EPOLLIN | other_than_data))
        descriptor->drained = false;
    if (events & other_than_data)
        descriptor->not_only_data = true;
}

static bool is_interrupted(const struct gust__coroutine *coroutine)
{
    int64_t deadline = coroutine->context.deadline;
    return coroutine->cancelled || (deadline && deadline <= gust__loop_time(coroutine->loop));
}

bool gust__green_drained(const struct gust__green_descriptor *descriptor)
{
    return descriptor && descriptor->drained && !atomic_load_explicit(&layered, memory_order_relaxed) &&
           !is_interrupted(gust__current);
}

void gust__green_note_read(struct gust__green_descriptor *descriptor, size_t asked, ssize_t done)
{
    if (!gust__green_tcp(descriptor) || asked == 0)
        return;
    if (done == 0 || (done < 0 && errno != EAGAIN))
        descriptor->not_only_data = true;
    descriptor->drained = !descriptor->not_only_data && (done < 0 || (size_t)done < asked);
}

/* ---- Waits without an end of their own ---- */

/* Only of sockets: a terminal's or a pipe's O_NONBLOCK is often changed by another process that has it too.
 */
bool gust__green_unlimited(const struct gust__green_descriptor *descriptor, bool writes, uint32_t *since)
{
    *since = atomic_load(&settings);
    return descriptor && descriptor->unlimited[writes] == *since;
}

void gust__green_note_unlimited(struct gust__green_descriptor *descriptor, bool writes, uint32_t since)
{
    if (gust__green_tcp(descriptor))
        descriptor->unlimited[writes] = since;
}

/* ---- Changes ---- */

void gust__green_settings_change(void)
{
    while (atomic_fetch_add(&settings, 1) == UINT32_MAX)
        ;
}

static bool is_time_limit(int option)
{
    return option == SO_RCVTIMEO_OLD || option == SO_SNDTIMEO_OLD || option == SO_RCVTIMEO_NEW ||
           option == SO_SNDTIMEO_NEW;
}

static void option_changes(int level, int option)
{
    if (level == SOL_SOCKET && is_time_limit(option))
        gust__green_settings_change();
    if (level == IPPROTO_TCP && option == TCP_ULP)
        atomic_store(&layered, true);
}

void gust__green_raw_call(long number, long second, long third)
{
    if (number == SYS_setsockopt)
        option_changes((int)second, (int)third);
    else if ((number == SYS_fcntl && second == F_SETFL) || (number == SYS_ioctl && second == FIONBIO))
        gust__green_settings_change();
}

/* Once before and once after: a wait that another thread begins meanwhile may have seen either. */
GUST__EXPORT int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
    option_changes(level, option);
    int result = gust__green_next.setsockopt(fd, level, option, value, length);
    option_changes(level, option);
    return result;
}

GUST__EXPORT int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (request != FIONBIO)
        return gust__green_next.ioctl(fd, request, argument);
    gust__green_settings_change();
    int result = gust__green_next.ioctl(fd, request, argument);
    gust__green_settings_change();
    return result;
}
