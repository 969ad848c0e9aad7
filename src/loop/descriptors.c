#include "base/alloc.h"
#include "base/clock.h"
#include "base/sys.h"
#include "loop/loop_int.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>

/* No slot has them: a descriptor's number is at most INT_MAX. */
#define WAKE_DATA  UINT64_MAX
#define ALARM_DATA (UINT64_MAX - 1)

/* Nanoseconds. For a shorter wait the alarm is not set: it comes at once, and another will be shorter still.
 */
enum { SHORT_WAIT = 2 * 1000 * 1000 };

/* Not having it is no failure. errno is kept. */
static void make_alarm(gust_loop *loop)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = ALARM_DATA};
    int saved = errno;
    loop->alarm = GUST__FOREVER;
    loop->timer_fd = gust__sys_timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->timer_fd >= 0 && gust__sys_epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->timer_fd, &event) < 0) {
        gust__sys_close(loop->timer_fd);
        loop->timer_fd = -1;
    }
    errno = saved;
}

int gust__descriptors_init(gust_loop *loop)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = WAKE_DATA};
    loop->wake_fd = -1;
    loop->timer_fd = -1;
    loop->epoll = gust__sys_epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        return -1;
    loop->wake_fd = gust__sys_eventfd2(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        return -1;
    if (gust__sys_epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake_fd, &event) < 0)
        return -1;
    make_alarm(loop);
    return 0;
}

void gust__descriptors_fini(gust_loop *loop)
{
    int saved = errno;
    if (loop->wake_fd >= 0)
        gust__sys_close(loop->wake_fd);
    if (loop->timer_fd >= 0)
        gust__sys_close(loop->timer_fd);
    if (loop->epoll >= 0)
        gust__sys_close(loop->epoll);
    loop->wake_fd = -1;
    loop->timer_fd = -1;
    loop->epoll = -1;
    errno = saved;
}

static int grow(gust_loop *loop, int fd)
{
    size_t count = loop->slot_count ? loop->slot_count : 64;
    while (count <= (size_t)fd)
        count *= 2;
    struct gust__slot *slots = gust__realloc(loop->slots, count * sizeof(*slots));
    if (!slots)
        return -1;
    for (size_t i = loop->slot_count; i < count; i++)
        slots[i] = (struct gust__slot){0};
    loop->slots = slots;
    loop->slot_count = count;
    return 0;
}

static struct gust__slot *find(const gust_loop *loop, int fd)
{
    if (fd < 0 || (size_t)fd >= loop->slot_count || !loop->slots[fd].ready)
        return NULL;
    return &loop->slots[fd];
}

static int control(const gust_loop *loop, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events,
                                .data.u64 = (uint64_t)loop->slots[fd].generation << 32 | (uint32_t)fd};
    return gust__sys_epoll_ctl(loop->epoll, operation, fd, &event);
}

static void take_back(gust_loop *loop, int fd)
{
    struct gust__slot slot = loop->slots[fd];
    gust__loop_remove(loop, fd);
    slot.ready(slot.owner, 0);
}

int gust__loop_add(gust_loop *loop, int fd, uint32_t events, gust__ready_function *ready, void *owner)
{
    if (fd < 0 || loop->closed || !gust__loop_own(loop)) {
        errno = EBADF;
        return -1;
    }
    if ((size_t)fd >= loop->slot_count && grow(loop, fd) < 0)
        return -1;
    if (loop->slots[fd].lent)
        take_back(loop, fd);
    if (loop->slots[fd].ready) {
        errno = EEXIST;
        return -1;
    }
    if (control(loop, EPOLL_CTL_ADD, fd, events) < 0)
        return -1;
    loop->slots[fd].ready = ready;
    loop->slots[fd].owner = owner;
    loop->descriptors++;
    return 0;
}

int gust__loop_modify(gust_loop *loop, int fd, uint32_t events)
{
    if (!find(loop, fd) || !gust__loop_own(loop)) {
        errno = ENOENT;
        return -1;
    }
    return control(loop, EPOLL_CTL_MOD, fd, events);
}

void gust__loop_remove(gust_loop *loop, int fd)
{
    int saved = errno;
    struct gust__slot *slot = find(loop, fd);
    if (!slot)
        return;
    if (loop->epoll >= 0 && gust__loop_own(loop))
        control(loop, EPOLL_CTL_DEL, fd, 0);
    slot->ready = NULL;
    slot->owner = NULL;
    slot->lent = false;
    slot->generation++;
    loop->descriptors--;
    errno = saved;
}

void gust__loop_lend(gust_loop *loop, int fd)
{
    struct gust__slot *slot = find(loop, fd);
    if (slot)
        slot->lent = true;
}

void gust__loop_set_owner(gust_loop *loop, int fd, gust__ready_function *ready, void *owner)
{
    struct gust__slot *slot = find(loop, fd);
    if (!slot)
        return;
    slot->ready = ready;
    slot->owner = owner;
}

void (*gust__loop_interrupted)(gust_loop *loop);

_Atomic int gust__loop_own_signal;

static _Thread_local volatile sig_atomic_t own_handler __attribute__((tls_model("initial-exec")));

void gust__loop_own_handler(void)
{
    own_handler = 1;
}

/* Sees to it that the alarm comes when the time is over, or before. A wait with a time of its own has the
 * kernel set and cancel a timer each time, which costs a microsecond in a virtual machine; the first of a
 * loop's timers seldom changes. */
static bool set_alarm(gust_loop *loop, int64_t timeout)
{
    if (loop->timer_fd < 0 || timeout < SHORT_WAIT)
        return false;
    int64_t until = gust__clock_after(loop->face.time, timeout);
    if (loop->alarm <= until)
        return true;
    struct itimerspec when = {.it_value = {until / 1000000000, until % 1000000000}};
    if (gust__sys_timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
        return false;
    loop->alarm = until;
    return true;
}

void gust__descriptors_poll(gust_loop *loop, int64_t timeout)
{
    own_handler = 0;
    if (timeout != GUST__FOREVER && set_alarm(loop, timeout))
        timeout = GUST__FOREVER;
    int count = gust__sys_epoll_wait(loop->epoll, loop->events, GUST__LOOP_BATCH, timeout);
    loop->event_count = count < 0 ? 0 : count; /* EINTR: the caller comes again */
    loop->event_next = 0;
    if (count < 0 && errno == EINTR && !own_handler && gust__loop_interrupted)
        gust__loop_interrupted(loop);
}

/* A generation that has moved on, or a free slot: somebody removed the descriptor earlier in this batch. */
static void dispatch_event(gust_loop *loop, struct epoll_event event)
{
    if (event.data.u64 == WAKE_DATA)
        return; /* edge-triggered: each write wakes again, nothing needs to be read */
    if (event.data.u64 == ALARM_DATA) {
        loop->alarm = GUST__FOREVER;
        return;
    }
    struct gust__slot *slot = &loop->slots[(uint32_t)event.data.u64];
    if (slot->ready && slot->generation == (uint32_t)(event.data.u64 >> 32)) {
        gust__loop_turn(loop);
        slot->ready(slot->owner, event.events);
    }
}

/* Runs what was gathered even when nothing is left of the batch: a throw out of its last event came before.
 */
void gust__descriptors_dispatch(gust_loop *loop)
{
    for (int in_slice = 1; loop->event_next < loop->event_count; in_slice++) {
        struct epoll_event event = loop->events[loop->event_next++];
        loop->face.gathers =
            loop->cheap && in_slice < GUST__LOOP_SLICE && loop->event_next < loop->event_count;
        dispatch_event(loop, event);
        if (in_slice == GUST__LOOP_SLICE) {
            gust__tasks_gathered(loop);
            in_slice = 0;
        }
    }
    loop->face.gathers = false;
    gust__tasks_gathered(loop);
}

size_t gust__loop_descriptors(const gust_loop *loop)
{
    return loop->descriptors;
}
