/*
 * The only door to the kernel (design rule 11): raw system calls in assembly, so that gust never calls a libc
 * function which another library interposes, its own green layer included. gust__sys_NAME takes what libc's
 * NAME takes and returns what it returns, -1 and errno on failure; differences stand beside the function.
 *
 *     ssize_t got = gust__sys_read(fd, room, sizeof(room));
 *     if (got < 0 && errno == EAGAIN)
 *         ...
 *
 * - A raw call is no cancellation point: pthread_cancel does not end a thread in it.
 * - Sanitizers do not see it. Under AddressSanitizer the memory handed over is checked here instead, as a
 * whole, and a bad piece ends the process with a report. ThreadSanitizer takes no order from it: what two
 * threads share must be ordered by atomics or locks, never by a pipe alone.
 * - Under GUST_FAULTS any call can be made to fail by its name: base/faults.h.
 *
 * All are for any thread and for signal handlers.
 */
#ifndef GUST_BASE_SYS_H
#define GUST_BASE_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/faults.h"
#include "base/sanitize.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

enum { GUST__SYS_SIGNALS = 64 / 8 }; /* bytes of the kernel's signal set, smaller than libc's */

/* The call itself: the kernel's answer, where -4095..-1 is a negated errno. errno is not touched. */
#if defined(__x86_64__) && defined(__LP64__)
static inline long gust__sys_raw(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__) && defined(__LP64__)
static inline long gust__sys_raw(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
}
#else
static inline long gust__sys_raw(long number, long a, long b, long c, long d, long e, long f)
{
    int saved = errno;
    long result = syscall(number, a, b, c, d, e, f);
    if (result == -1) {
        result = -errno;
        errno = saved;
    }
    return result;
}
#endif

/* As libc answers: -1 and errno. name is for fault builds only. */
static inline long gust__sys_call(const char *name, long number, long a, long b, long c, long d, long e,
                                  long f)
{
#ifdef GUST_FAULTS
    int code = gust__faults_sys(name);
    if (code) {
        errno = code;
        return -1;
    }
#else
    (void)name;
#endif
    long result = gust__sys_raw(number, a, b, c, d, e, f);
    if (__builtin_expect((unsigned long)result > -4096UL, 0)) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

static inline void gust__sys_check_vector(const struct iovec *vector, int count, int written)
{
#ifdef GUST__ASAN
    for (int i = 0; i < count; i++)
        gust__asan_check(vector[i].iov_base, vector[i].iov_len, written);
#else
    (void)vector, (void)count, (void)written;
#endif
}

/* ---- Reading and writing ---- */

static inline ssize_t gust__sys_read(int fd, void *data, size_t size)
{
    gust__asan_check(data, size, 1);
    return gust__sys_call("read", SYS_read, fd, (long)data, (long)size, 0, 0, 0);
}

static inline ssize_t gust__sys_write(int fd, const void *data, size_t size)
{
    gust__asan_check(data, size, 0);
    return gust__sys_call("write", SYS_write, fd, (long)data, (long)size, 0, 0, 0);
}

static inline ssize_t gust__sys_readv(int fd, const struct iovec *vector, int count)
{
    gust__sys_check_vector(vector, count, 1);
    return gust__sys_call("readv", SYS_readv, fd, (long)vector, count, 0, 0, 0);
}

static inline ssize_t gust__sys_writev(int fd, const struct iovec *vector, int count)
{
    gust__sys_check_vector(vector, count, 0);
    return gust__sys_call("writev", SYS_writev, fd, (long)vector, count, 0, 0, 0);
}

static inline ssize_t gust__sys_pread(int fd, void *data, size_t size, off_t offset)
{
    gust__asan_check(data, size, 1);
    return gust__sys_call("pread", SYS_pread64, fd, (long)data, (long)size, (long)offset, 0, 0);
}

static inline ssize_t gust__sys_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    gust__asan_check(data, size, 0);
    return gust__sys_call("pwrite", SYS_pwrite64, fd, (long)data, (long)size, (long)offset, 0, 0);
}

/* offset -1: the file's own position. (The zero is the offset's upper half, of 32-bit kernels.) */
static inline ssize_t gust__sys_preadv2(int fd, const struct iovec *vector, int count, off_t offset,
                                        int flags)
{
    gust__sys_check_vector(vector, count, 1);
    return gust__sys_call("preadv2", SYS_preadv2, fd, (long)vector, count, (long)offset, 0, flags);
}

static inline ssize_t gust__sys_pwritev2(int fd, const struct iovec *vector, int count, off_t offset,
                                         int flags)
{
    gust__sys_check_vector(vector, count, 0);
    return gust__sys_call("pwritev2", SYS_pwritev2, fd, (long)vector, count, (long)offset, 0, flags);
}

static inline ssize_t gust__sys_sendfile(int out, int in, off_t *offset, size_t size)
{
    return gust__sys_call("sendfile", SYS_sendfile, out, in, (long)offset, (long)size, 0, 0);
}

static inline off_t gust__sys_lseek(int fd, off_t offset, int whence)
{
    return gust__sys_call("lseek", SYS_lseek, fd, (long)offset, whence, 0, 0, 0);
}

static inline ssize_t gust__sys_getdents64(int fd, void *data, size_t size)
{
    gust__asan_check(data, size, 1);
    return gust__sys_call("getdents64", SYS_getdents64, fd, (long)data, (long)size, 0, 0, 0);
}

/* ---- Sockets ---- */

static inline int gust__sys_socket(int domain, int type, int protocol)
{
    return (int)gust__sys_call("socket", SYS_socket, domain, type, protocol, 0, 0, 0);
}

static inline int gust__sys_socketpair(int domain, int type, int protocol, int *fds)
{
    return (int)gust__sys_call("socketpair", SYS_socketpair, domain, type, protocol, (long)fds, 0, 0);
}

static inline int gust__sys_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    gust__asan_check(address, length, 0);
    return (int)gust__sys_call("bind", SYS_bind, fd, (long)address, (long)length, 0, 0, 0);
}

static inline int gust__sys_listen(int fd, int backlog)
{
    return (int)gust__sys_call("listen", SYS_listen, fd, backlog, 0, 0, 0, 0);
}

static inline int gust__sys_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    return (int)gust__sys_call("accept4", SYS_accept4, fd, (long)address, (long)length, flags, 0, 0);
}

static inline int gust__sys_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    gust__asan_check(address, length, 0);
    return (int)gust__sys_call("connect", SYS_connect, fd, (long)address, (long)length, 0, 0, 0);
}

static inline int gust__sys_shutdown(int fd, int how)
{
    return (int)gust__sys_call("shutdown", SYS_shutdown, fd, how, 0, 0, 0, 0);
}

static inline int gust__sys_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    return (int)gust__sys_call("getsockname", SYS_getsockname, fd, (long)address, (long)length, 0, 0, 0);
}

static inline int gust__sys_getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
    return (int)gust__sys_call("getpeername", SYS_getpeername, fd, (long)address, (long)length, 0, 0, 0);
}

static inline int gust__sys_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    return (int)gust__sys_call("getsockopt", SYS_getsockopt, fd, level, name, (long)value, (long)length, 0);
}

static inline int gust__sys_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    gust__asan_check(value, length, 0);
    return (int)gust__sys_call("setsockopt", SYS_setsockopt, fd, level, name, (long)value, (long)length, 0);
}

static inline ssize_t gust__sys_recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *address,
                                         socklen_t *length)
{
    gust__asan_check(data, size, 1);
    return gust__sys_call("recvfrom", SYS_recvfrom, fd, (long)data, (long)size, flags, (long)address,
                          (long)length);
}

static inline ssize_t gust__sys_recv(int fd, void *data, size_t size, int flags)
{
    gust__asan_check(data, size, 1);
    return gust__sys_call("recv", SYS_recvfrom, fd, (long)data, (long)size, flags, 0, 0);
}

static inline ssize_t gust__sys_sendto(int fd, const void *data, size_t size, int flags,
                                       const struct sockaddr *address, socklen_t length)
{
    gust__asan_check(data, size, 0);
    return gust__sys_call("sendto", SYS_sendto, fd, (long)data, (long)size, flags, (long)address,
                          (long)length);
}

static inline ssize_t gust__sys_send(int fd, const void *data, size_t size, int flags)
{
    gust__asan_check(data, size, 0);
    return gust__sys_call("send", SYS_sendto, fd, (long)data, (long)size, flags, 0, 0);
}

static inline ssize_t gust__sys_recvmsg(int fd, struct msghdr *message, int flags)
{
    gust__sys_check_vector(message->msg_iov, (int)message->msg_iovlen, 1);
    return gust__sys_call("recvmsg", SYS_recvmsg, fd, (long)message, flags, 0, 0, 0);
}

static inline ssize_t gust__sys_sendmsg(int fd, const struct msghdr *message, int flags)
{
    gust__sys_check_vector(message->msg_iov, (int)message->msg_iovlen, 0);
    return gust__sys_call("sendmsg", SYS_sendmsg, fd, (long)message, flags, 0, 0, 0);
}

/* ---- Descriptors ---- */

static inline int gust__sys_close(int fd)
{
    return (int)gust__sys_call("close", SYS_close, fd, 0, 0, 0, 0, 0);
}

/* Not variadic; a pointer is cast to long. */
static inline int gust__sys_fcntl(int fd, int command, long argument)
{
    return (int)gust__sys_call("fcntl", SYS_fcntl, fd, command, argument, 0, 0, 0);
}

/* Not variadic. */
static inline int gust__sys_ioctl(int fd, unsigned long request, void *argument)
{
    return (int)gust__sys_call("ioctl", SYS_ioctl, fd, (long)request, (long)argument, 0, 0, 0);
}

static inline int gust__sys_pipe2(int *fds, int flags)
{
    return (int)gust__sys_call("pipe2", SYS_pipe2, (long)fds, flags, 0, 0, 0, 0);
}

static inline int gust__sys_dup3(int from, int to, int flags)
{
    return (int)gust__sys_call("dup3", SYS_dup3, from, to, flags, 0, 0, 0);
}

/* libc's eventfd. */
static inline int gust__sys_eventfd2(unsigned int start, int flags)
{
    return (int)gust__sys_call("eventfd2", SYS_eventfd2, (long)start, flags, 0, 0, 0, 0);
}

/* The kernel's timer_t is an int; libc's differs. */
static inline int gust__sys_timer_create(int clock, struct sigevent *event, int *timer)
{
    return (int)gust__sys_call("timer_create", SYS_timer_create, clock, (long)event, (long)timer, 0, 0, 0);
}

static inline int gust__sys_timer_settime(int timer, int flags, const struct itimerspec *value)
{
    return (int)gust__sys_call("timer_settime", SYS_timer_settime, timer, flags, (long)value, 0, 0, 0);
}

static inline int gust__sys_timerfd_create(int clock, int flags)
{
    return (int)gust__sys_call("timerfd_create", SYS_timerfd_create, clock, flags, 0, 0, 0, 0);
}

static inline int gust__sys_timerfd_settime(int fd, int flags, const struct itimerspec *value,
                                            struct itimerspec *old)
{
    return (int)gust__sys_call("timerfd_settime", SYS_timerfd_settime, fd, flags, (long)value, (long)old, 0,
                               0);
}

/* libc's signalfd. */
static inline int gust__sys_signalfd4(int fd, const sigset_t *signals, int flags)
{
    return (int)gust__sys_call("signalfd4", SYS_signalfd4, fd, (long)signals, GUST__SYS_SIGNALS, flags, 0, 0);
}

/* ---- Files ---- */

/* Not variadic. */
static inline int gust__sys_openat(int directory, const char *path, int flags, mode_t mode)
{
    return (int)gust__sys_call("openat", SYS_openat, directory, (long)path, flags, (long)mode, 0, 0);
}

/* openat2(2), which libc does not have; kernels before 5.6 give ENOSYS, sandboxes that do not know it EPERM.
 */
static inline int gust__sys_openat2(int directory, const char *path, const struct open_how *how)
{
    return (int)gust__sys_call("openat2", SYS_openat2, directory, (long)path, (long)how, sizeof(*how), 0, 0);
}

/* The kernel's struct stat is libc's on these two; elsewhere libc must translate. */
#if defined(__x86_64__) || defined(__aarch64__)
static inline int gust__sys_fstat(int fd, struct stat *status)
{
    gust__asan_check(status, sizeof(*status), 1);
    return (int)gust__sys_call("fstat", SYS_fstat, fd, (long)status, 0, 0, 0, 0);
}

static inline int gust__sys_fstatat(int directory, const char *path, struct stat *status, int flags)
{
    gust__asan_check(status, sizeof(*status), 1);
    return (int)gust__sys_call("fstatat", SYS_newfstatat, directory, (long)path, (long)status, flags, 0, 0);
}
#else
static inline int gust__sys_fstat(int fd, struct stat *status)
{
    return fstat(fd, status);
}

static inline int gust__sys_fstatat(int directory, const char *path, struct stat *status, int flags)
{
    return fstatat(directory, path, status, flags);
}
#endif

static inline int gust__sys_unlinkat(int directory, const char *path, int flags)
{
    return (int)gust__sys_call("unlinkat", SYS_unlinkat, directory, (long)path, flags, 0, 0, 0);
}

static inline int gust__sys_renameat2(int from_directory, const char *from, int to_directory, const char *to,
                                      unsigned int flags)
{
    return (int)gust__sys_call("renameat2", SYS_renameat2, from_directory, (long)from, to_directory, (long)to,
                               (long)flags, 0);
}

static inline int gust__sys_linkat(int from_directory, const char *from, int to_directory, const char *to,
                                   int flags)
{
    return (int)gust__sys_call("linkat", SYS_linkat, from_directory, (long)from, to_directory, (long)to,
                               flags, 0);
}

static inline int gust__sys_mkdirat(int directory, const char *path, mode_t mode)
{
    return (int)gust__sys_call("mkdirat", SYS_mkdirat, directory, (long)path, (long)mode, 0, 0, 0);
}

static inline ssize_t gust__sys_readlinkat(int directory, const char *path, char *data, size_t size)
{
    gust__asan_check(data, size, 1);
    return gust__sys_call("readlinkat", SYS_readlinkat, directory, (long)path, (long)data, (long)size, 0, 0);
}

static inline int gust__sys_fchmod(int fd, mode_t mode)
{
    return (int)gust__sys_call("fchmod", SYS_fchmod, fd, (long)mode, 0, 0, 0, 0);
}

/* flags other than 0 are refused with EOPNOTSUPP: the plain call has none. */
static inline int gust__sys_fchmodat(int directory, const char *path, mode_t mode, int flags)
{
    if (flags) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return (int)gust__sys_call("fchmodat", SYS_fchmodat, directory, (long)path, (long)mode, 0, 0, 0);
}

static inline int gust__sys_flock(int fd, int operation)
{
    return (int)gust__sys_call("flock", SYS_flock, fd, operation, 0, 0, 0, 0);
}

static inline int gust__sys_ftruncate(int fd, off_t length)
{
    return (int)gust__sys_call("ftruncate", SYS_ftruncate, fd, (long)length, 0, 0, 0, 0);
}

static inline int gust__sys_fsync(int fd)
{
    return (int)gust__sys_call("fsync", SYS_fsync, fd, 0, 0, 0, 0, 0);
}

static inline int gust__sys_fdatasync(int fd)
{
    return (int)gust__sys_call("fdatasync", SYS_fdatasync, fd, 0, 0, 0, 0, 0);
}

/* ---- Waiting ---- */

static inline int gust__sys_epoll_create1(int flags)
{
    return (int)gust__sys_call("epoll_create1", SYS_epoll_create1, flags, 0, 0, 0, 0, 0);
}

static inline int gust__sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    return (int)gust__sys_call("epoll_ctl", SYS_epoll_ctl, epoll, operation, fd, (long)event, 0, 0);
}

/*
 * Waits at most timeout_ns nanoseconds; negative or INT64_MAX: for ever; 0: not at all. By epoll_pwait2;
 * where the kernel has none (before 5.11), found out once, by epoll_pwait with the time rounded up to
 * milliseconds. GUST_NO_EPOLL_PWAIT2=1 in the environment has the second used at once, so that tests run
 * both. In fault builds its name is epoll_wait.
 */
int gust__sys_epoll_wait(int epoll, struct epoll_event *events, int max, int64_t timeout_ns);

/* Reads the environment for the above again: for tests. */
void gust__sys_epoll_choose(void);

/* timeout (borrowed, NULL: for ever) is not changed, unlike by the raw call; signals NULL: the mask stays. */
static inline int gust__sys_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                                  const sigset_t *signals)
{
    struct timespec copy = timeout ? *timeout : (struct timespec){0};
    gust__asan_check(fds, count * sizeof(*fds), 1);
    return (int)gust__sys_call("ppoll", SYS_ppoll, (long)fds, (long)count, timeout ? (long)&copy : 0,
                               (long)signals, GUST__SYS_SIGNALS, 0);
}

/* As libc's, it returns the error's number and leaves errno alone. */
static inline int gust__sys_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                                            struct timespec *left)
{
    return (int)-gust__sys_raw(SYS_clock_nanosleep, clock, flags, (long)time, (long)left, 0, 0);
}

static inline int gust__sys_nanosleep(const struct timespec *time, struct timespec *left)
{
    return (int)gust__sys_call("nanosleep", SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)time, (long)left,
                               0, 0);
}

/* futex(2), which libc does not have. FUTEX_WAIT's timeout is relative, FUTEX_WAIT_BITSET's is absolute. */
static inline int gust__sys_futex(_Atomic uint32_t *word, int operation, uint32_t value,
                                  const struct timespec *timeout, _Atomic uint32_t *other, uint32_t mask)
{
    return (int)gust__sys_call("futex", SYS_futex, (long)word, operation, (long)value, (long)timeout,
                               (long)other, (long)mask);
}

/* ---- Memory ---- */

static inline void *gust__sys_mmap(void *address, size_t size, int protection, int flags, int fd,
                                   off_t offset)
{
    void *memory = (void *)gust__sys_call("mmap", SYS_mmap, (long)address, (long)size, protection, flags, fd,
                                          (long)offset);
    gust__tsan_mapped();
    return memory;
}

static inline int gust__sys_munmap(void *address, size_t size)
{
    gust__tsan_unmaps();
    return (int)gust__sys_call("munmap", SYS_munmap, (long)address, (long)size, 0, 0, 0, 0);
}

static inline int gust__sys_mprotect(void *address, size_t size, int protection)
{
    return (int)gust__sys_call("mprotect", SYS_mprotect, (long)address, (long)size, protection, 0, 0, 0);
}

static inline int gust__sys_madvise(void *address, size_t size, int advice)
{
    return (int)gust__sys_call("madvise", SYS_madvise, (long)address, (long)size, advice, 0, 0, 0);
}

/* Not variadic: moves to a place of the kernel's choosing, where flags let it. */
static inline void *gust__sys_mremap(void *address, size_t size, size_t new_size, int flags)
{
    return (void *)gust__sys_call("mremap", SYS_mremap, (long)address, (long)size, (long)new_size, flags, 0,
                                  0);
}

static inline int gust__sys_memfd_create(const char *name, unsigned int flags)
{
    return (int)gust__sys_call("memfd_create", SYS_memfd_create, (long)name, (long)flags, 0, 0, 0, 0);
}

static inline ssize_t gust__sys_getrandom(void *data, size_t size, unsigned int flags)
{
    gust__asan_check(data, size, 1);
    return gust__sys_call("getrandom", SYS_getrandom, (long)data, (long)size, (long)flags, 0, 0, 0);
}

/* ---- Processes, threads, signals ---- */

static inline pid_t gust__sys_gettid(void)
{
    return (pid_t)gust__sys_call("gettid", SYS_gettid, 0, 0, 0, 0, 0, 0);
}

static inline pid_t gust__sys_getpid(void)
{
    return (pid_t)gust__sys_call("getpid", SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static inline pid_t gust__sys_getppid(void)
{
    return (pid_t)gust__sys_call("getppid", SYS_getppid, 0, 0, 0, 0, 0, 0);
}

static inline int gust__sys_kill(pid_t pid, int signal)
{
    return (int)gust__sys_call("kill", SYS_kill, (long)pid, signal, 0, 0, 0, 0);
}

static inline int gust__sys_tgkill(pid_t process, pid_t thread, int signal)
{
    return (int)gust__sys_call("tgkill", SYS_tgkill, (long)process, (long)thread, signal, 0, 0, 0);
}

static inline int gust__sys_pidfd_open(pid_t pid, unsigned int flags)
{
    return (int)gust__sys_call("pidfd_open", SYS_pidfd_open, (long)pid, (long)flags, 0, 0, 0, 0);
}

static inline int gust__sys_pidfd_send_signal(int pidfd, int signal, const siginfo_t *info,
                                              unsigned int flags)
{
    return (int)gust__sys_call("pidfd_send_signal", SYS_pidfd_send_signal, pidfd, signal, (long)info,
                               (long)flags, 0, 0);
}

static inline int gust__sys_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    return (int)gust__sys_call("waitid", SYS_waitid, (long)type, (long)id, (long)info, options, 0, 0);
}

/* Not variadic; what an option does not use is 0, pointers are cast to long. */
static inline int gust__sys_prctl(int option, long a, long b, long c, long d)
{
    return (int)gust__sys_call("prctl", SYS_prctl, option, a, b, c, d, 0);
}

/* libc's prlimit. */
static inline int gust__sys_prlimit64(pid_t pid, int resource, const struct rlimit *limit, struct rlimit *old)
{
    return (int)gust__sys_call("prlimit64", SYS_prlimit64, (long)pid, resource, (long)limit, (long)old, 0, 0);
}

/* libc's pthread_sigmask: of the calling thread. The bits of old behind the kernel's set are cleared. Unlike
 * libc it lets through the two signals that libc itself needs: fill sets with sigfillset, which leaves them
 * out. */
static inline int gust__sys_rt_sigprocmask(int how, const sigset_t *signals, sigset_t *old)
{
    if (old)
        memset(old, 0, sizeof(*old));
    return (int)gust__sys_call("rt_sigprocmask", SYS_rt_sigprocmask, how, (long)signals, (long)old,
                               GUST__SYS_SIGNALS, 0, 0);
}

static inline int gust__sys_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    memset(set, 0, size); /* the kernel fills only what it has */
    long filled =
        gust__sys_call("sched_getaffinity", SYS_sched_getaffinity, pid, (long)size, (long)set, 0, 0, 0);
    return filled < 0 ? -1 : 0;
}

/* libc's _exit: ends the process at once, without exit handlers. */
static inline __attribute__((noreturn)) void gust__sys_exit_group(int status)
{
    for (;;)
        gust__sys_raw(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

#endif
