#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include "base/clock.h"
#include "base/sys.h"

static void a_pipe_carries_bytes(void **state)
{
    (void)state;
    int fds[2];
    char got[16] = "";
    assert_int_equal(gust__sys_pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(gust__sys_fcntl(fds[0], F_GETFD, 0), FD_CLOEXEC);
    assert_int_equal(gust__sys_read(fds[0], got, sizeof(got)), -1);
    assert_int_equal(errno, EAGAIN);
    struct iovec out[] = {{"he", 2}, {"llo", 3}};
    assert_int_equal(gust__sys_writev(fds[1], out, 2), 5);
    assert_int_equal(gust__sys_write(fds[1], "!", 1), 1);
    struct iovec in[] = {{got, 3}, {got + 3, 3}};
    assert_int_equal(gust__sys_readv(fds[0], in, 2), 6);
    assert_memory_equal(got, "hello!", 6);
    assert_int_equal(gust__sys_close(fds[1]), 0);
    assert_int_equal(gust__sys_read(fds[0], got, sizeof(got)), 0);
    assert_int_equal(gust__sys_close(fds[0]), 0);
}

static void bad_descriptors_give_errno(void **state)
{
    (void)state;
    char byte = 0;
    struct stat status;
    struct epoll_event event = {0};
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
#define FAILS(call)                     \
    do {                                \
        errno = 0;                      \
        assert_int_equal((call), -1);   \
        assert_int_equal(errno, EBADF); \
    } while (0)
    FAILS(gust__sys_read(-1, &byte, 1));
    FAILS(gust__sys_write(-1, &byte, 1));
    FAILS(gust__sys_readv(-1, &vector, 1));
    FAILS(gust__sys_writev(-1, &vector, 1));
    FAILS(gust__sys_recv(-1, &byte, 1, 0));
    FAILS(gust__sys_sendmsg(-1, &message, 0));
    FAILS(gust__sys_recvmsg(-1, &message, 0));
    FAILS(gust__sys_accept4(-1, NULL, NULL, 0));
    FAILS(gust__sys_listen(-1, 1));
    FAILS(gust__sys_shutdown(-1, SHUT_RDWR));
    FAILS(gust__sys_close(-1));
    FAILS(gust__sys_fcntl(-1, F_GETFL, 0));
    FAILS(gust__sys_fstat(-1, &status));
    FAILS(gust__sys_ftruncate(-1, 0));
    FAILS(gust__sys_fsync(-1));
    FAILS(gust__sys_lseek(-1, 0, SEEK_SET));
    FAILS(gust__sys_epoll_ctl(-1, EPOLL_CTL_ADD, 0, &event));
    FAILS(gust__sys_epoll_wait(-1, &event, 1, 0));
    FAILS(gust__sys_dup3(-1, 0x100, 0));
    FAILS(gust__sys_sendfile(-1, -1, NULL, 1));
}

static void sockets_talk(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX}, peer;
    socklen_t length = sizeof(address.sun_family); /* autobind: a name of the kernel's choice */
    int listener = gust__sys_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(gust__sys_bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(gust__sys_listen(listener, 1), 0);
    length = sizeof(address);
    assert_int_equal(gust__sys_getsockname(listener, (struct sockaddr *)&address, &length), 0);
    int client = gust__sys_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(gust__sys_connect(client, (struct sockaddr *)&address, length), 0);
    int server = gust__sys_accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    assert_true(server >= 0);
    length = sizeof(peer);
    assert_int_equal(gust__sys_getpeername(client, (struct sockaddr *)&peer, &length), 0);
    int type = 0;
    length = sizeof(type);
    assert_int_equal(gust__sys_getsockopt(client, SOL_SOCKET, SO_TYPE, &type, &length), 0);
    assert_int_equal(type, SOCK_STREAM);
    int size = 65536;
    assert_int_equal(gust__sys_setsockopt(client, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);

    char got[8] = "";
    assert_int_equal(gust__sys_send(client, "ping", 4, MSG_NOSIGNAL), 4);
    assert_int_equal(gust__sys_recv(server, got, sizeof(got), 0), 4);
    assert_memory_equal(got, "ping", 4);
    struct iovec out = {"pong", 4}, in = {got, sizeof(got)};
    struct msghdr sent = {.msg_iov = &out, .msg_iovlen = 1}, received = {.msg_iov = &in, .msg_iovlen = 1};
    assert_int_equal(gust__sys_sendmsg(server, &sent, 0), 4);
    assert_int_equal(gust__sys_recvmsg(client, &received, 0), 4);
    assert_memory_equal(got, "pong", 4);
    assert_int_equal(gust__sys_shutdown(client, SHUT_WR), 0);
    assert_int_equal(gust__sys_recvfrom(server, got, sizeof(got), 0, NULL, NULL), 0);
    gust__sys_close(client);
    gust__sys_close(server);
    gust__sys_close(listener);
}

static void files_are_read_and_changed(void **state)
{
    (void)state;
    char directory[] = "/tmp/gust-sys-XXXXXX";
    assert_non_null(mkdtemp(directory));
    int at = gust__sys_openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    assert_true(at >= 0);
    int fd = gust__sys_openat(at, "one", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(gust__sys_pwrite(fd, "hello", 5, 10), 5);
    char got[8] = "";
    assert_int_equal(gust__sys_pread(fd, got, sizeof(got), 12), 3);
    assert_memory_equal(got, "llo", 3);
    assert_int_equal(gust__sys_ftruncate(fd, 12), 0);
    assert_int_equal(gust__sys_fdatasync(fd), 0);
    assert_int_equal(gust__sys_fchmod(fd, 0640), 0);

    struct stat status, libc;
    assert_int_equal(gust__sys_fstat(fd, &status), 0);
    assert_int_equal(fstat(fd, &libc), 0);
    assert_memory_equal(&status, &libc, sizeof(status));
    assert_int_equal(status.st_size, 12);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_int_equal(gust__sys_fchmodat(at, "one", 0600, 0), 0);
    assert_int_equal(gust__sys_fchmodat(at, "one", 0600, AT_SYMLINK_NOFOLLOW), -1);
    assert_int_equal(errno, EOPNOTSUPP);

    assert_int_equal(gust__sys_linkat(at, "one", at, "two", 0), 0);
    assert_int_equal(gust__sys_renameat2(at, "one", at, "two", RENAME_NOREPLACE), -1);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(gust__sys_mkdirat(at, "three", 0700), 0);
    assert_int_equal(gust__sys_fstatat(at, "three", &status, 0), 0);
    assert_true(S_ISDIR(status.st_mode));
    char entries[1024];
    assert_true(gust__sys_getdents64(at, entries, sizeof(entries)) > 0);
    assert_int_equal(gust__sys_unlinkat(at, "three", AT_REMOVEDIR), 0);
    assert_int_equal(gust__sys_unlinkat(at, "two", 0), 0);
    assert_int_equal(gust__sys_unlinkat(at, "one", 0), 0);
    assert_int_equal(gust__sys_fstatat(at, "one", &status, 0), -1);
    assert_int_equal(errno, ENOENT);

    int fds[2];
    off_t offset = 10;
    assert_int_equal(gust__sys_pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(gust__sys_sendfile(fds[1], fd, &offset, 100), 2);
    assert_int_equal(offset, 12);
    assert_int_equal(gust__sys_read(fds[0], got, sizeof(got)), 2);
    assert_memory_equal(got, "he", 2);
    gust__sys_close(fds[0]);
    gust__sys_close(fds[1]);
    gust__sys_close(fd);
    gust__sys_close(at);
    assert_int_equal(gust__sys_unlinkat(AT_FDCWD, directory, AT_REMOVEDIR), 0);
}

static void offsets_of_vectors_may_be_the_files_own(void **state)
{
    (void)state;
    char got[4] = "";
    struct iovec out = {"hello", 5}, in = {got, 2};
    FILE *file = tmpfile();
    int fd = fileno(file);
    if (gust__sys_pwritev2(fd, &out, 1, 10, 0) < 0 && errno == ENOSYS) { /* qemu's emulation has none */
        fclose(file);
        skip();
    }
    assert_int_equal(gust__sys_preadv2(fd, &in, 1, 13, 0), 2);
    assert_memory_equal(got, "lo", 2);
    assert_int_equal(gust__sys_lseek(fd, 11, SEEK_SET), 11);
    assert_int_equal(gust__sys_preadv2(fd, &in, 1, -1, 0), 2);
    assert_memory_equal(got, "el", 2);
    assert_int_equal(gust__sys_preadv2(fd, &in, 1, -1, 0), 2);
    assert_memory_equal(got, "lo", 2);
    assert_int_equal(gust__sys_preadv2(fd, &in, 1, 15, 0), 0);
    assert_int_equal(gust__sys_preadv2(-1, &in, 1, 0, 0), -1);
    assert_int_equal(errno, EBADF);
    fclose(file);
}

#ifdef GUST__ASAN
/* A system call in assembly is invisible to AddressSanitizer: sys.h has to look itself. */
static void bad_memory_is_reported(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        pid_t child = fork();
        if (child == 0) {
            int null = gust__sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);
            gust__sys_dup3(null, STDERR_FILENO, 0); /* the report is not for this log */
            char *volatile piece = malloc(10);
            struct iovec vector = {piece, which == 1 ? 11 : 10};
            if (which == 0)
                gust__sys_read(null, piece, 11);
            else
                gust__sys_writev(null, &vector, 1); /* the third is sound, so that the test can tell */
            free(piece);
            gust__sys_exit_group(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status == 0, which == 2);
    }
}
#endif

static void wait_on_an_eventfd(void)
{
    int epoll = gust__sys_epoll_create1(EPOLL_CLOEXEC);
    int event = gust__sys_eventfd2(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event wanted = {.events = EPOLLIN, .data.u64 = 42}, got[2];
    assert_int_equal(gust__sys_epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted), 0);
    errno = 77;
    assert_int_equal(gust__sys_epoll_wait(epoll, got, 2, 0), 0);
    int64_t before = gust__clock_now();
    assert_int_equal(gust__sys_epoll_wait(epoll, got, 2, 1500000), 0);
    assert_true(gust__clock_now() - before >= 1500000); /* rounded up, never down */
    uint64_t one = 1;
    assert_int_equal(gust__sys_write(event, &one, sizeof(one)), 8);
    assert_int_equal(gust__sys_epoll_wait(epoll, got, 2, -1), 1);
    assert_int_equal(gust__sys_epoll_wait(epoll, got, 2, INT64_MAX), 1);
    assert_int_equal(gust__sys_epoll_wait(epoll, got, 2, INT64_MAX - 1), 1);
    assert_int_equal(got[0].data.u64, 42);
    assert_int_equal(errno, 77);
    assert_int_equal(gust__sys_epoll_wait(epoll, got, 0, 0), -1);
    assert_int_equal(errno, EINVAL);
    gust__sys_close(event);
    gust__sys_close(epoll);
}

static void epoll_waits_precisely(void **state)
{
    (void)state;
    unsetenv("GUST_NO_EPOLL_PWAIT2");
    gust__sys_epoll_choose();
    wait_on_an_eventfd();
}

static void epoll_waits_in_milliseconds_where_it_must(void **state)
{
    (void)state;
    setenv("GUST_NO_EPOLL_PWAIT2", "1", 1);
    gust__sys_epoll_choose();
    wait_on_an_eventfd();
    unsetenv("GUST_NO_EPOLL_PWAIT2");
    gust__sys_epoll_choose();
}

static void time_passes_and_ppoll_keeps_its_timeout(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(gust__sys_pipe2(fds, O_CLOEXEC), 0);
    struct pollfd entry = {.fd = fds[0], .events = POLLIN};
    struct timespec timeout = {0, 1000000};
    assert_int_equal(gust__sys_ppoll(&entry, 1, &timeout, NULL), 0);
    assert_int_equal(timeout.tv_nsec, 1000000);
    assert_int_equal(gust__sys_write(fds[1], "x", 1), 1);
    assert_int_equal(gust__sys_ppoll(&entry, 1, NULL, NULL), 1);
    assert_int_equal(gust__sys_nanosleep(&timeout, NULL), 0);
    assert_int_equal(gust__sys_clock_nanosleep(CLOCK_MONOTONIC, 0, &timeout, NULL), 0);
    timeout.tv_nsec = 1000000000;
    assert_int_equal(gust__sys_clock_nanosleep(CLOCK_MONOTONIC, 0, &timeout, NULL), EINVAL);
    assert_int_equal(gust__sys_nanosleep(&timeout, NULL), -1);
    int timer = gust__sys_timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct itimerspec soon = {.it_value = {0, 1000}};
    assert_int_equal(gust__sys_timerfd_settime(timer, 0, &soon, NULL), 0);
    uint64_t expired = 0;
    assert_int_equal(gust__sys_read(timer, &expired, sizeof(expired)), 8);
    assert_int_equal(expired, 1);
    gust__sys_close(timer);
    gust__sys_close(fds[0]);
    gust__sys_close(fds[1]);
}

static void signals_come_by_descriptor(void **state)
{
    (void)state;
    sigset_t usr1, before, after;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    assert_int_equal(gust__sys_rt_sigprocmask(SIG_BLOCK, &usr1, &before), 0);
    int fd = gust__sys_signalfd4(-1, &usr1, O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(gust__sys_tgkill(gust__sys_getpid(), gust__sys_gettid(), SIGUSR1), 0);
    uint32_t got[32] = {0};
    assert_int_equal(gust__sys_read(fd, got, sizeof(got)), 128);
    assert_int_equal(got[0], SIGUSR1);
    gust__sys_close(fd);
    assert_int_equal(gust__sys_rt_sigprocmask(SIG_SETMASK, &before, &after), 0);
    assert_true(sigismember(&after, SIGUSR1));
    assert_int_equal(gust__sys_kill(gust__sys_getpid(), 0), 0);
}

static void a_child_is_waited_for_by_descriptor(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0)
        gust__sys_exit_group(7);
    int fd = gust__sys_pidfd_open(child, 0);
    assert_true(fd >= 0);
    assert_int_equal(gust__sys_pidfd_send_signal(fd, 0, NULL, 0), 0);
    siginfo_t info = {0};
    assert_int_equal(gust__sys_waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0);
    assert_int_equal(info.si_status, 7);
    gust__sys_close(fd);
    assert_int_equal(gust__sys_waitid(P_PID, (id_t)child, &info, WEXITED), -1);
    assert_int_equal(errno, ECHILD);
}

static void memory_and_limits(void **state)
{
    (void)state;
    char *page = gust__sys_mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(page, MAP_FAILED);
    page[4095] = 1;
    assert_int_equal(gust__sys_madvise(page, 4096, MADV_DONTNEED), 0);
    assert_int_equal(page[4095], 0);
    assert_int_equal(gust__sys_mprotect(page, 4096, PROT_NONE), 0);
    assert_int_equal(gust__sys_munmap(page, 4096), 0);
    assert_ptr_equal(gust__sys_mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MAP_FAILED);
    assert_int_equal(errno, EINVAL);
    struct rlimit limit, libc;
    assert_int_equal(gust__sys_prlimit64(0, RLIMIT_NOFILE, NULL, &limit), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &libc), 0);
    assert_int_equal(limit.rlim_cur, libc.rlim_cur);
    cpu_set_t set, wanted;
    assert_int_equal(gust__sys_sched_getaffinity(0, sizeof(set), &set), 0);
    assert_int_equal(sched_getaffinity(0, sizeof(wanted), &wanted), 0);
    assert_true(CPU_EQUAL(&set, &wanted));
    assert_int_equal(gust__sys_getpid(), getpid());
    assert_int_equal(gust__sys_getppid(), getppid());
    assert_int_equal(gust__sys_prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), prctl(PR_GET_DUMPABLE));
    char random[16] = "";
    assert_int_equal(gust__sys_getrandom(random, sizeof(random), 0), sizeof(random));
}

#ifdef GUST_FAULTS
static void a_named_call_fails_on_demand(void **state)
{
    (void)state;
    int fds[2];
    gust__faults_sys_at("pipe2", 2, false, 0);
    for (int i = 1; i <= 3; i++) {
        errno = 0;
        assert_int_equal(gust__sys_pipe2(fds, O_CLOEXEC), i == 2 ? -1 : 0);
        assert_int_equal(errno, i == 2 ? EMFILE : 0);
        if (i != 2) {
            gust__sys_close(fds[0]);
            gust__sys_close(fds[1]);
        }
    }
    assert_int_equal(gust__faults_counted(), 3);
    assert_int_equal(gust__faults_struck(), 1);
    gust__faults_sys_at("getrandom", 2, true, ENOSYS);
    char byte;
    assert_int_equal(gust__sys_getrandom(&byte, 1, 0), 1);
    assert_int_equal(gust__sys_getrandom(&byte, 1, 0), -1);
    assert_int_equal(errno, ENOSYS);
    assert_int_equal(gust__sys_getrandom(&byte, 1, 0), -1);
    gust__faults_set(NULL);
    assert_int_equal(gust__sys_getrandom(&byte, 1, 0), 1);
}

static void an_old_kernel_is_noticed_once(void **state)
{
    (void)state;
    gust__sys_epoll_choose();
    int epoll = gust__sys_epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event;
    gust__faults_sys_at("epoll_wait", 1, false, ENOSYS);
    errno = 77;
    assert_int_equal(gust__sys_epoll_wait(epoll, &event, 1, 0), 0);
    assert_int_equal(errno, 77);
    assert_int_equal(gust__faults_counted(), 2);
    assert_int_equal(gust__sys_epoll_wait(epoll, &event, 1, 0), 0);
    assert_int_equal(gust__faults_counted(), 3); /* straight to the second way */
    gust__faults_set(NULL);
    gust__sys_epoll_choose();
    gust__sys_close(epoll);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_carries_bytes),
        cmocka_unit_test(bad_descriptors_give_errno),
        cmocka_unit_test(sockets_talk),
        cmocka_unit_test(files_are_read_and_changed),
        cmocka_unit_test(offsets_of_vectors_may_be_the_files_own),
#ifdef GUST__ASAN
        cmocka_unit_test(bad_memory_is_reported),
#endif
        cmocka_unit_test(epoll_waits_precisely),
        cmocka_unit_test(epoll_waits_in_milliseconds_where_it_must),
        cmocka_unit_test(time_passes_and_ppoll_keeps_its_timeout),
        cmocka_unit_test(signals_come_by_descriptor),
        cmocka_unit_test(a_child_is_waited_for_by_descriptor),
        cmocka_unit_test(memory_and_limits),
#ifdef GUST_FAULTS
        cmocka_unit_test(a_named_call_fails_on_demand),
        cmocka_unit_test(an_old_kernel_is_noticed_once),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
