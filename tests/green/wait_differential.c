/* Every call that waits for readiness, in every situation, natively and on a coroutine. */
#include "differential.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

/* EPOLL: an epoll descriptor stands between. BRIEF: does not wait. LIMITED: waits LIMIT ms at most. */
enum { ALL = 1, POLL = 2, SELECT = 4, EPOLL = 8, LIMITED = 16, BRIEF = 32, PATIENT = 64, MASKED = 128 };
enum { LIMIT = 90 };

int __poll(struct pollfd *fds, nfds_t count, int timeout);
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *signals,
                size_t room);
int __select(int count, fd_set *reads, fd_set *writes, fd_set *exceptions, struct timeval *timeout);

static bool writing; /* waits for room instead of data */

static const struct timespec limit = {0, LIMIT * 1000000L};

/* ---- operations: each keeps what was reported in d->room ---- */

static struct pollfd entry_of(int fd)
{
    return (struct pollfd){.fd = fd, .events = writing ? POLLOUT : POLLIN | POLLRDHUP};
}

static long poll_reported(struct differential *d, int result, const struct pollfd *entry)
{
    memcpy(d->room, &entry->revents, sizeof(entry->revents));
    return result;
}

static long by_poll(struct differential *d, int fd)
{
    struct pollfd entry = entry_of(fd);
    return poll_reported(d, poll(&entry, 1, -1), &entry);
}

static long by_poll_with_a_limit(struct differential *d, int fd)
{
    struct pollfd entry = entry_of(fd);
    return poll_reported(d, poll(&entry, 1, LIMIT), &entry);
}

static long by_poll_at_once(struct differential *d, int fd)
{
    struct pollfd entry = entry_of(fd);
    return poll_reported(d, poll(&entry, 1, 0), &entry);
}

static long by_poll_alias(struct differential *d, int fd)
{
    struct pollfd entry = entry_of(fd);
    return poll_reported(d, __poll(&entry, 1, LIMIT), &entry);
}

static long by_poll_chk(struct differential *d, int fd)
{
    struct pollfd entry = entry_of(fd);
    return poll_reported(d, __poll_chk(&entry, 1, LIMIT, sizeof(entry)), &entry);
}

static long by_ppoll(struct differential *d, int fd)
{
    struct pollfd entry = entry_of(fd);
    return poll_reported(d, ppoll(&entry, 1, &limit, NULL), &entry);
}

static long by_ppoll_with_a_mask(struct differential *d, int fd)
{
    struct pollfd entry = entry_of(fd);
    sigset_t none;
    sigemptyset(&none);
    return poll_reported(d, ppoll(&entry, 1, &limit, &none), &entry);
}

static long by_ppoll_chk(struct differential *d, int fd)
{
    struct pollfd entry = entry_of(fd);
    return poll_reported(d, __ppoll_chk(&entry, 1, &limit, NULL, sizeof(entry)), &entry);
}

struct sets {
    fd_set in, out;
};

static struct sets sets_of(int fd)
{
    struct sets sets;
    FD_ZERO(&sets.in);
    FD_ZERO(&sets.out);
    FD_SET(fd, writing ? &sets.out : &sets.in);
    return sets;
}

static long select_reported(struct differential *d, int result, const struct sets *sets, int fd)
{
    d->room[0] = (char)(FD_ISSET(fd, &sets->in) ? 1 : 0);
    d->room[1] = (char)(FD_ISSET(fd, &sets->out) ? 1 : 0);
    return result;
}

static long by_select(struct differential *d, int fd)
{
    struct sets sets = sets_of(fd);
    return select_reported(d, select(fd + 1, &sets.in, &sets.out, NULL, NULL), &sets, fd);
}

static long by_select_with_a_limit(struct differential *d, int fd)
{
    struct sets sets = sets_of(fd);
    struct timeval time = {0, LIMIT * 1000};
    return select_reported(d, select(fd + 1, &sets.in, &sets.out, NULL, &time), &sets, fd);
}

static long by_select_at_once(struct differential *d, int fd)
{
    struct sets sets = sets_of(fd);
    struct timeval time = {0, 0};
    return select_reported(d, select(fd + 1, &sets.in, &sets.out, NULL, &time), &sets, fd);
}

static long by_select_alias(struct differential *d, int fd)
{
    struct sets sets = sets_of(fd);
    struct timeval time = {0, LIMIT * 1000};
    return select_reported(d, __select(fd + 1, &sets.in, &sets.out, NULL, &time), &sets, fd);
}

static long by_pselect(struct differential *d, int fd)
{
    struct sets sets = sets_of(fd);
    return select_reported(d, pselect(fd + 1, &sets.in, &sets.out, NULL, &limit, NULL), &sets, fd);
}

static long by_pselect_with_a_mask(struct differential *d, int fd)
{
    struct sets sets = sets_of(fd);
    sigset_t none;
    sigemptyset(&none);
    return select_reported(d, pselect(fd + 1, &sets.in, &sets.out, NULL, &limit, &none), &sets, fd);
}

/* -1 where the machine was so late that a sibling has closed fd before: EBADF, or EINVAL when epoll itself
 * got its number. */
static int epoll_of(struct differential *d, int fd)
{
    struct epoll_event event = {.events = writing ? EPOLLOUT : EPOLLIN | EPOLLRDHUP, .data.u64 = 7};
    int epoll = epoll_create1(0);
    differential_must(epoll >= 0, "epoll");
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return epoll;
    d->late = true;
    close(epoll);
    return -1;
}

static long epoll_reported(struct differential *d, int result, const struct epoll_event *event, int epoll)
{
    int code = errno;
    memcpy(d->room, &event->events, sizeof(event->events));
    close(epoll);
    errno = code;
    return result;
}

static long by_epoll_wait(struct differential *d, int fd)
{
    struct epoll_event event = {0};
    int epoll = epoll_of(d, fd);
    return epoll_reported(d, epoll_wait(epoll, &event, 1, LIMIT), &event, epoll);
}

static long by_epoll_wait_at_once(struct differential *d, int fd)
{
    struct epoll_event event = {0};
    int epoll = epoll_of(d, fd);
    return epoll_reported(d, epoll_wait(epoll, &event, 1, 0), &event, epoll);
}

static long by_epoll_pwait(struct differential *d, int fd)
{
    struct epoll_event event = {0};
    int epoll = epoll_of(d, fd);
    return epoll_reported(d, epoll_pwait(epoll, &event, 1, LIMIT, NULL), &event, epoll);
}

static long by_epoll_pwait_with_a_mask(struct differential *d, int fd)
{
    struct epoll_event event = {0};
    int epoll = epoll_of(d, fd);
    sigset_t none;
    sigemptyset(&none);
    return epoll_reported(d, epoll_pwait(epoll, &event, 1, LIMIT, &none), &event, epoll);
}

static long by_epoll_pwait2(struct differential *d, int fd)
{
    struct epoll_event event = {0};
    int epoll = epoll_of(d, fd);
    return epoll_reported(d, epoll_pwait2(epoll, &event, 1, &limit, NULL), &event, epoll);
}

static const struct differential_operation operations[] = {
    {"poll", by_poll, ALL | PATIENT | POLL},
    {"poll with a limit", by_poll_with_a_limit, ALL | LIMITED | POLL},
    {"poll at once", by_poll_at_once, ALL | BRIEF | POLL},
    {"__poll", by_poll_alias, ALL | LIMITED | POLL},
    {"__poll_chk", by_poll_chk, ALL | LIMITED | POLL},
    {"ppoll", by_ppoll, ALL | LIMITED | POLL},
    {"ppoll with a mask", by_ppoll_with_a_mask, ALL | LIMITED | MASKED},
    {"__ppoll_chk", by_ppoll_chk, ALL | LIMITED | POLL},
    {"select", by_select, ALL | PATIENT | SELECT},
    {"select with a limit", by_select_with_a_limit, ALL | LIMITED | SELECT},
    {"select at once", by_select_at_once, ALL | BRIEF | SELECT},
    {"__select", by_select_alias, ALL | LIMITED | SELECT},
    {"pselect", by_pselect, ALL | LIMITED | SELECT},
    {"pselect with a mask", by_pselect_with_a_mask, ALL | LIMITED | MASKED},
    {"epoll_wait", by_epoll_wait, ALL | LIMITED | EPOLL},
    {"epoll_wait at once", by_epoll_wait_at_once, ALL | BRIEF | EPOLL},
    {"epoll_pwait", by_epoll_pwait, ALL | LIMITED | EPOLL},
    {"epoll_pwait with a mask", by_epoll_pwait_with_a_mask, ALL | LIMITED | MASKED},
    {"epoll_pwait2", by_epoll_pwait2, ALL | LIMITED | EPOLL},
};

/* ---- what siblings do ---- */

static void drain(struct differential *d, int fd)
{
    static char room[1 << 16];
    (void)d;
    while (recv(fd, room, sizeof(room), MSG_DONTWAIT) > 0)
        ;
}

static void shut_write(struct differential *d, int fd)
{
    (void)d;
    shutdown(fd, SHUT_WR);
}

static void try_to_write(struct differential *d, int fd)
{
    (void)d;
    (void)!write(fd, "hello", 5);
}

static void reset(struct differential *d, int fd)
{
    const struct linger now = {1, 0};
    (void)d;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

/* ---- scenarios ---- */

static void pair(int ends[2])
{
    writing = false;
    differential_pair(AF_UNIX, SOCK_STREAM, ends);
}

static void end(struct differential *d, int ends[2])
{
    differential_flags(d, ends[0]);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static void end_one(struct differential *d, int fd)
{
    differential_flags(d, fd);
    differential_join(d);
    close(fd);
}

static void data_is_there(struct differential *d)
{
    int ends[2];
    pair(ends);
    differential_write(d, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void data_comes(struct differential *d)
{
    int ends[2];
    pair(ends);
    differential_later(d, 12, differential_write, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void data_comes_by_pipe(struct differential *d)
{
    int ends[2];
    writing = false;
    differential_must(pipe(ends) == 0, "pipe");
    differential_later(d, 12, differential_write, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void nothing_comes(struct differential *d)
{
    int ends[2];
    pair(ends);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void there_is_room(struct differential *d)
{
    int ends[2];
    pair(ends);
    writing = true;
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void room_comes(struct differential *d)
{
    static const char much[1 << 16];
    int ends[2];
    pair(ends);
    while (send(ends[0], much, sizeof(much), MSG_DONTWAIT) > 0)
        ;
    writing = true;
    differential_later(d, 12, drain, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void the_peer_closes(struct differential *d)
{
    int ends[2];
    pair(ends);
    differential_later(d, 12, differential_close, ends[1]);
    differential_operate(d, ends[0]);
    end_one(d, ends[0]);
}

static void the_peer_half_closes(struct differential *d)
{
    int ends[2];
    pair(ends);
    differential_later(d, 12, shut_write, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void the_peer_resets(struct differential *d)
{
    int ends[2];
    writing = false;
    differential_tcp(ends);
    differential_later(d, 12, reset, ends[1]);
    differential_operate(d, ends[0]);
    end_one(d, ends[0]);
}

static void the_pipe_closes(struct differential *d)
{
    int ends[2];
    writing = false;
    differential_must(pipe(ends) == 0, "pipe");
    differential_later(d, 12, differential_close, ends[1]);
    differential_operate(d, ends[0]);
    end_one(d, ends[0]);
}

static void a_sibling_closes_it(struct differential *d)
{
    int ends[2];
    pair(ends);
    differential_later(d, 12, differential_close, ends[0]);
    differential_later(d, 40, try_to_write, ends[1]); /* ends the thread's call */
    differential_operate(d, ends[0]);
    differential_join(d);
    close(ends[1]);
}

static void it_is_no_descriptor(struct differential *d)
{
    int fd = dup(STDERR_FILENO); /* select looks no further than the table of descriptors reaches */
    writing = false;
    close(fd);
    differential_operate(d, fd);
}

static void a_signal_comes_with(struct differential *d, int flags)
{
    int ends[2];
    pair(ends);
    differential_signal(d, 10, flags);
    differential_later(d, 40, differential_write, ends[1]);
    differential_operate(d, ends[0]);
    end(d, ends);
}

static void a_signal_comes(struct differential *d)
{
    a_signal_comes_with(d, 0);
}

static void a_signal_comes_that_restarts(struct differential *d)
{
    a_signal_comes_with(d, SA_RESTART);
}

static const struct differential_scenario scenarios[] = {
    {"data is there", data_is_there, ALL},
    {"data comes", data_comes, ALL},
    {"data comes by a pipe", data_comes_by_pipe, ALL},
    {"nothing comes", nothing_comes, LIMITED},
    {"nothing is there", nothing_comes, BRIEF},
    {"there is room", there_is_room, ALL},
    {"room comes", room_comes, ALL},
    {"the peer closes", the_peer_closes, ALL},
    {"the peer half-closes", the_peer_half_closes, ALL},
    {"the peer resets", the_peer_resets, ALL},
    {"the pipe closes", the_pipe_closes, ALL},
    {"a sibling closes it", a_sibling_closes_it, POLL},
    {"a sibling closes it", a_sibling_closes_it, SELECT},
    {"a sibling closes it", a_sibling_closes_it, EPOLL},
    {"it is no descriptor", it_is_no_descriptor, POLL},
    {"it is no descriptor", it_is_no_descriptor, SELECT},
    {"a signal comes", a_signal_comes, ALL},
    {"a signal comes that restarts", a_signal_comes_that_restarts, ALL},
};

#define CLOSES "a wait ends when its descriptor is closed; the kernel's goes on with the open file"

static const struct differential_difference differences[] = {
    {"a sibling closes it", POLL | PATIENT, "data 2000", "data 2000", CLOSES},
    {"a sibling closes it", POLL | LIMITED, "data 2000", "data 2000", CLOSES},
    {"a sibling closes it", SELECT | PATIENT, "= 1, errno 0", "errno EBADF", CLOSES},
    {"a sibling closes it", SELECT | LIMITED, "= 1, errno 0", "errno EBADF", CLOSES},
    {.scenario = NULL},
};

int main(void)
{
    return differential_table(operations, GUST_LEN(operations), scenarios, GUST_LEN(scenarios), differences);
}
