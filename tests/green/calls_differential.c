/* Sleeping, children, signals, files, queues: natively and on a coroutine. */
#include "differential.h"

#include <linux/futex.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <threads.h>

/* ---- Sleeping ---- */

static const struct timespec ten = {0, 10000000}, none = {0, 0}, wrong = {0, 1000000000}, negative = {-1, 0};

static void sleeps_last(struct differential *d)
{
    struct timespec left = {7, 7};
    NOTE(d, usleep(10000));
    NOTE(d, usleep(0));
    NOTE(d, nanosleep(&ten, NULL));
    NOTE(d, nanosleep(&ten, &left));
    NOTE(d, nanosleep(&none, NULL));
    NOTE(d, thrd_sleep(&ten, NULL));
    NOTE(d, sleep(0));
    differential_data(d, &left, sizeof(left)); /* is left alone */
}

static void sleep_lasts_a_second(struct differential *d)
{
    NOTE(d, sleep(1));
}

static void wrong_sleeps_are_refused(struct differential *d)
{
    NOTE(d, nanosleep(&wrong, NULL));
    NOTE(d, nanosleep(&negative, NULL));
    NOTE(d, thrd_sleep(&wrong, NULL) < -1);
    NOTE(d, clock_nanosleep(CLOCK_MONOTONIC, 0, &wrong, NULL));
    NOTE(d, clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &negative, NULL));
    NOTE(d, clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ten, NULL));
    NOTE(d, clock_nanosleep(CLOCK_MONOTONIC_COARSE, 0, &ten, NULL));
    NOTE(d, clock_nanosleep(12345, 0, &ten, NULL));
}

static struct timespec in_ten(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += 10000000;
    if (time.tv_nsec >= 1000000000)
        time.tv_nsec -= 1000000000, time.tv_sec++;
    return time;
}

static void every_clock(struct differential *d)
{
    static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI};
    for (size_t i = 0; i < GUST_LEN(clocks); i++) {
        struct timespec until = in_ten(clocks[i]), left = {7, 7};
        NOTE(d, clock_nanosleep(clocks[i], TIMER_ABSTIME, &until, NULL));
        NOTE(d, clock_nanosleep(clocks[i], TIMER_ABSTIME, &until, NULL)); /* past */
        NOTE(d, clock_nanosleep(clocks[i], TIMER_ABSTIME, &none, NULL));
        NOTE(d, clock_nanosleep(clocks[i], 0, &ten, &left));
        differential_data(d, &left, sizeof(left));
    }
}

static void yields(struct differential *d)
{
    NOTE(d, sched_yield());
    thrd_yield();
}

/* ---- Children ---- */

static pid_t child(int milliseconds, int status)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct timespec pause = {0, milliseconds * 1000000L};
        nanosleep(&pause, NULL);
        _exit(status);
    }
    return pid;
}

static void note_child(struct differential *d, bool is_it, int status)
{
    differential_text(d, "the child %d, exited %d with %d, killed %d\n", is_it, WIFEXITED(status),
                      WEXITSTATUS(status), WIFSIGNALED(status));
}

static void waitpid_waits_for_one(struct differential *d)
{
    int status = -1;
    pid_t pid = child(30, 7);
    NOTE(d, waitpid(pid, &status, 0) == pid);
    note_child(d, true, status);
    NOTE(d, waitpid(pid, &status, 0));
}

static void waitpid_without_waiting(struct differential *d)
{
    int status = -1;
    pid_t pid = child(30, 7);
    NOTE(d, waitpid(pid, &status, WNOHANG));
    NOTE(d, wait4(pid, &status, WNOHANG, NULL));
    NOTE(d, waitpid(pid, &status, 0) == pid);
}

static void wait_takes_any(struct differential *d)
{
    int status = -1;
    pid_t pid = child(30, 3);
    NOTE(d, wait(&status) == pid);
    note_child(d, true, status);
    pid = child(20, 4);
    NOTE(d, waitpid(-1, &status, 0) == pid);
    note_child(d, true, status);
    NOTE(d, wait(&status));
}

static void wait_of_groups(struct differential *d)
{
    int status = -1;
    pid_t pid = child(30, 5);
    NOTE(d, waitpid(0, &status, 0) == pid);
    note_child(d, true, status);
    pid = child(30, 5);
    setpgid(pid, pid);
    NOTE(d, waitpid(-pid, &status, 0) == pid);
    note_child(d, true, status);
    NOTE(d, waitpid(-pid, &status, 0));
}

static void wait3_and_wait4_give_usage(struct differential *d)
{
    int status = -1;
    struct rusage usage = {.ru_maxrss = -1};
    pid_t pid = child(20, 1);
    NOTE(d, wait3(&status, 0, &usage) == pid);
    differential_text(d, "usage %d\n", usage.ru_maxrss > 0);
    usage.ru_maxrss = -1;
    pid = child(20, 2);
    NOTE(d, wait4(pid, &status, 0, &usage) == pid);
    differential_text(d, "usage %d\n", usage.ru_maxrss > 0);
    note_child(d, true, status);
}

static void waitid_tells(struct differential *d)
{
    siginfo_t info = {0};
    pid_t pid = child(20, 9);
    NOTE(d, waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    differential_text(d, "%d %d %d\n", info.si_pid == pid, info.si_code, info.si_status);
    NOTE(d, waitid(P_PID, (id_t)pid, &info, WEXITED));
    NOTE(d, waitid(P_PID, (id_t)pid, &info, WEXITED));
    pid = child(20, 9);
    NOTE(d, waitid(P_ALL, 0, NULL, WEXITED));
    NOTE(d, waitid(P_ALL, 0, &info, WEXITED));
    NOTE(d, waitid(P_PID, (id_t)getpid(), &info, 0));
}

static void waitid_by_pidfd(struct differential *d)
{
    siginfo_t info = {0};
    pid_t pid = child(20, 9);
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    NOTE(d, waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
    differential_text(d, "%d %d %d\n", info.si_pid == pid, info.si_code, info.si_status);
    close(fd);
}

static void let_it_go_on(struct differential *d, int pid)
{
    (void)d;
    kill(pid, SIGKILL);
}

static void stops_are_waited_for(struct differential *d)
{
    int status = -1;
    pid_t pid = child(0, 0);
    NOTE(d, waitpid(pid, &status, 0) == pid);
    pid = fork();
    if (pid == 0) {
        raise(SIGSTOP);
        for (;;)
            pause();
    }
    NOTE_UNTIMED(d, waitpid(pid, &status, WUNTRACED) == pid);
    differential_text(d, "stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    kill(pid, SIGCONT);
    NOTE_UNTIMED(d, waitpid(pid, &status, WCONTINUED) == pid);
    differential_text(d, "continued %d\n", WIFCONTINUED(status));
    differential_later(d, 20, let_it_go_on, pid);
    NOTE(d, waitpid(pid, &status, WUNTRACED) == pid);
    note_child(d, true, status);
}

static void wrong_waits_are_refused(struct differential *d)
{
    int status;
    NOTE(d, waitpid(-1, &status, 0));
    NOTE(d, waitpid(-1, &status, 0x4000));
    NOTE(d, waitid(P_ALL, 0, NULL, 0));
    NOTE(d, wait(NULL));
    NOTE(d, waitpid(1, &status, 0));
}

/* ---- Commands ---- */

static void system_gives_the_status(struct differential *d)
{
    NOTE_UNTIMED(d, system("sleep 0.02; exit 3"));
    NOTE_UNTIMED(d, system("kill -9 $$"));
    NOTE_UNTIMED(d, system(NULL));
    NOTE_UNTIMED(d, system("/nonexistent/command 2>/dev/null"));
}

static void popen_and_pclose(struct differential *d)
{
    char line[80] = "";
    FILE *stream = popen("echo hello; sleep 0.02; exit 4", "r");
    NOTE_UNTIMED(d, fgets(line, sizeof(line), stream) != NULL);
    differential_text(d, "%s", line);
    NOTE_UNTIMED(d, pclose(stream));
    NOTE(d, popen("true", "wrong") != NULL);
}

/* ---- Signals ---- */

static sigset_t only(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    return set;
}

static pthread_t waiter;

static void kill_the_waiter(struct differential *d, int signal)
{
    (void)d;
    pthread_kill(waiter, signal);
}

static void with_blocked(struct differential *d, int signal, void (*run)(struct differential *d, int signal))
{
    sigset_t set = only(signal), before;
    pthread_sigmask(SIG_BLOCK, &set, &before);
    run(d, signal);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void take_own(struct differential *d, int signal)
{
    sigset_t set = only(signal);
    siginfo_t info;
    int got = 0;
    pthread_kill(pthread_self(), signal);
    NOTE(d, sigwait(&set, &got));
    differential_text(d, "got %d\n", got);
    raise(signal);
    NOTE(d, sigwaitinfo(&set, &info));
    differential_text(d, "got %d %d %d\n", info.si_signo, info.si_code, info.si_pid == getpid());
    NOTE(d, sigtimedwait(&set, &info, &none));
    NOTE(d, sigtimedwait(&set, &info, &ten));
    NOTE(d, sigtimedwait(&set, &info, &wrong));
    raise(signal);
    NOTE(d, sigtimedwait(&set, NULL, &ten));
}

static void signals_are_taken(struct differential *d)
{
    with_blocked(d, SIGUSR2, take_own);
}

static void take_late(struct differential *d, int signal)
{
    sigset_t set = only(signal), before;
    siginfo_t info;
    waiter = pthread_self();
    differential_later(d, 30, kill_the_waiter, signal);
    NOTE(d, sigwaitinfo(&set, &info));
    differential_text(d, "got %d %d\n", info.si_signo, info.si_code);
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    differential_text(d, "blocked %d\n", sigismember(&before, signal));
}

static void signals_are_waited_for(struct differential *d)
{
    with_blocked(d, SIGRTMIN + 1, take_late);
}

static void handler(int signal)
{
    (void)signal;
}

static void suspend(struct differential *d, int signal)
{
    struct sigaction action = {.sa_handler = handler}, before;
    sigset_t empty;
    sigemptyset(&empty);
    sigaction(signal, &action, &before);
    raise(signal);
    NOTE(d, sigsuspend(&empty));
    sigaction(signal, &before, NULL);
}

static void sigsuspend_lets_a_pending_signal_in(struct differential *d)
{
    with_blocked(d, SIGUSR1, suspend);
}

/* ---- Files ---- */

static int temporary(void)
{
    char path[] = "/tmp/gust-calls-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    return fd;
}

static void positions(struct differential *d)
{
    char data[16] = "";
    char first[4] = "", second[8] = "";
    struct iovec two[] = {{first, 4}, {second, 8}};
    int fd = temporary();
    NOTE(d, pwrite(fd, "hello, world", 12, 0));
    NOTE(d, pread(fd, data, sizeof(data), 7));
    differential_data(d, data, 5);
    NOTE(d, pread64(fd, data, 4, 0));
    NOTE(d, pread(fd, data, 4, 12));
    NOTE(d, pread(fd, data, 4, -1));
    NOTE(d, pwrite(fd, data, 4, -1));
    NOTE(d, pread(-1, data, 4, 0));
    NOTE(d, preadv(fd, two, 2, 3));
    differential_data(d, first, 4);
    differential_data(d, second, 5);
    NOTE(d, preadv2(fd, two, 2, 1, 0));
    NOTE(d, preadv(fd, two, 0, 1));
    volatile int less = -1;
    NOTE(d, preadv(fd, two, less, 1));
    NOTE(d, pwritev(fd, two, 2, 100));
    NOTE_UNTIMED(d, pwritev2(fd, two, 2, 200, RWF_DSYNC));
    NOTE(d, pwrite64(fd, "end", 3, 300));
    NOTE(d, lseek(fd, 0, SEEK_END));
    NOTE(d, preadv2(fd, two, 2, -1, 0));
    NOTE(d, pwritev2(fd, two, 2, -1, 0));
    NOTE(d, lseek(fd, 0, SEEK_CUR));
    NOTE(d, preadv2(fd, two, 2, -2, 0));
    NOTE(d, preadv2(fd, two, 2, 0, 0x4000));
    close(fd);
}

static void positions_where_there_are_none(struct differential *d)
{
    char byte = 'x';
    int ends[2];
    differential_must(pipe(ends) == 0, "pipe");
    NOTE(d, pread(ends[0], &byte, 1, 0));
    NOTE(d, pwrite(ends[1], &byte, 1, 0));
    differential_later(d, 20, differential_write, ends[1]);
    NOTE(d, preadv2(ends[0], &(struct iovec){&byte, 1}, 1, -1, 0));
    differential_data(d, &byte, 1);
    close(ends[0]);
    close(ends[1]);
    int folder = open("/tmp", O_RDONLY | O_DIRECTORY);
    NOTE(d, pread(folder, &byte, 1, 0));
    NOTE(d, read(folder, &byte, 1));
    close(folder);
}

/* All of it from the disk, which O_NONBLOCK does not keep from waiting. */
static ssize_t drop_and_read(int fd, char *data, size_t size)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ssize_t got = read(fd, data, size);
    fcntl(fd, F_SETFL, 0);
    return got;
}

/* What was dropped from the page cache comes from the disk, whole. */
static void uncached_files_are_read_whole(struct differential *d)
{
    enum { SIZE = 1 << 20, HALF = SIZE / 2 };
    char *data = malloc(SIZE), *got = malloc(SIZE), path[] = "/var/tmp/gust-calls-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    for (int i = 0; i < SIZE; i++)
        data[i] = (char)(i / 7);
    NOTE_UNTIMED(d, write(fd, data, SIZE));
    NOTE_UNTIMED(d, fdatasync(fd));
    for (int i = 0; i < 4; i++) {
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        differential_must(pread(fd, got, 4096, 0) == 4096,
                          "pread"); /* the beginning is cached, and no more */
        memset(got, 0, SIZE);
        lseek(fd, 0, SEEK_SET);
        struct iovec two[] = {{got, HALF - 5}, {got + HALF - 5, HALF + 5}};
        if (i == 0)
            NOTE_UNTIMED(d, pread(fd, got, SIZE, 0));
        else if (i == 1)
            NOTE_UNTIMED(d, read(fd, got, SIZE));
        else if (i == 2)
            NOTE_UNTIMED(d, drop_and_read(fd, got, SIZE));
        else
            NOTE_UNTIMED(d, readv(fd, two, 2));
        differential_text(d, "same %d\n", memcmp(data, got, SIZE) == 0);
    }
    free(data);
    free(got);
    close(fd);
}

static void syncs_and_lengths(struct differential *d)
{
    int fd = temporary(), ends[2];
    off64_t from = 0, to = 3;
    NOTE_UNTIMED(d, write(fd, "hello", 5));
    NOTE_UNTIMED(d, fsync(fd));
    NOTE_UNTIMED(d, fdatasync(fd));
    NOTE_UNTIMED(d, syncfs(fd));
    NOTE_UNTIMED(d, sync_file_range(fd, 0, 5, SYNC_FILE_RANGE_WRITE));
    NOTE_UNTIMED(d, sync_file_range(fd, 0, 5, 0x4000));
    NOTE_UNTIMED(d, ftruncate(fd, 3));
    NOTE_UNTIMED(d, ftruncate64(fd, -1));
    NOTE_UNTIMED(d, posix_fallocate(fd, 0, 100));
    NOTE_UNTIMED(d, posix_fallocate(-1, 0, 100));
    NOTE_UNTIMED(d, fallocate(fd, 0, 0, -1));
    NOTE_UNTIMED(d, lseek(fd, 0, SEEK_END));
    NOTE_UNTIMED(d, copy_file_range(fd, &from, fd, &to, 3, 0));
    differential_text(d, "%ld %ld\n", (long)from, (long)to);
    NOTE_UNTIMED(d, fsync(-1));
    NOTE_UNTIMED(d, fdatasync(-1));
    NOTE_UNTIMED(d, truncate("/nonexistent/file", 3));
    NOTE_UNTIMED(d, truncate64("/tmp", 3));
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NOTE_UNTIMED(d, msync(memory, 4096, MS_SYNC));
    NOTE_UNTIMED(d, msync(memory, 4096, MS_ASYNC));
    NOTE_UNTIMED(d, msync((char *)memory + 1, 4096, MS_SYNC));
    munmap(memory, 4096);
    close(fd);
    differential_must(pipe(ends) == 0, "pipe");
    NOTE_UNTIMED(d, fsync(ends[0]));
    close(ends[0]);
    close(ends[1]);
}

static void sync_returns(struct differential *d)
{
    errno = 0;
    sync();
    differential_text(d, "%d\n", errno);
}

/* ---- Opening ---- */

static char fifo[64];

static void open_the_other_end(struct differential *d, int flags)
{
    (void)d;
    close(open(fifo, flags));
}

static void with_fifo(void)
{
    snprintf(fifo, sizeof(fifo), "/tmp/gust-calls-fifo-%d", (int)getpid());
    differential_must(mkfifo(fifo, 0600) == 0, "mkfifo");
}

static void fifos_wait_for_their_other_end(struct differential *d)
{
    int fd;
    with_fifo();
    differential_later(d, 20, open_the_other_end, O_WRONLY);
    NOTE(d, (fd = open(fifo, O_RDONLY)) >= 0);
    differential_flags(d, fd);
    close(fd);
    differential_join(d);
    differential_later(d, 20, open_the_other_end, O_RDONLY);
    NOTE(d, (fd = open64(fifo, O_WRONLY | O_CLOEXEC)) >= 0);
    differential_text(d, "cloexec %d\n", fcntl(fd, F_GETFD));
    close(fd);
    differential_join(d);
    differential_later(d, 20, open_the_other_end, O_RDONLY);
    NOTE(d, (fd = creat(fifo, 0600)) >= 0);
    close(fd);
    differential_join(d);
    int folder = open("/tmp", O_RDONLY | O_DIRECTORY);
    differential_later(d, 20, open_the_other_end, O_WRONLY);
    NOTE(d, (fd = openat(folder, fifo + strlen("/tmp/"), O_RDONLY)) >= 0);
    close(fd);
    close(folder);
    differential_join(d);
    unlink(fifo);
}

static void fifos_that_do_not_wait(struct differential *d)
{
    int fd;
    with_fifo();
    NOTE(d, open(fifo, O_WRONLY | O_NONBLOCK));
    NOTE(d, (fd = open(fifo, O_RDONLY | O_NONBLOCK)) >= 0);
    close(fd);
    NOTE(d, (fd = open(fifo, O_RDWR)) >= 0);
    close(fd);
    NOTE(d, open(fifo, O_RDONLY | O_CREAT | O_EXCL, 0600));
    NOTE(d, open(fifo, O_RDONLY | O_DIRECTORY));
    unlink(fifo);
}

static void fopen_of_a_fifo(struct differential *d)
{
    FILE *stream;
    with_fifo();
    differential_later(d, 20, open_the_other_end, O_WRONLY);
    NOTE(d, (stream = fopen(fifo, "re")) != NULL);
    differential_text(d, "cloexec %d\n", fcntl(fileno(stream), F_GETFD));
    differential_join(d); /* stdio would wait in libc, and the other end not be closed */
    NOTE(d, fgetc(stream));
    fclose(stream);
    differential_later(d, 20, open_the_other_end, O_RDONLY);
    NOTE(d, (stream = fopen64(fifo, "w")) != NULL);
    differential_flags(d, fileno(stream));
    fclose(stream);
    NOTE(d, fopen("/nonexistent/file", "r") != NULL);
    differential_join(d);
    unlink(fifo);
}

static void opens(struct differential *d)
{
    char path[] = "/tmp/gust-calls-XXXXXX";
    struct stat status;
    int fd = mkstemp(path);
    close(fd);
    NOTE(d, open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
    unlink(path);
    mode_t mask = umask(0);
    NOTE(d, (fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0640)) >= 0);
    umask(mask);
    fstat(fd, &status);
    differential_text(d, "mode %o\n", status.st_mode);
    close(fd);
    NOTE(d, (fd = creat64(path, 0600)) >= 0);
    close(fd);
    unlink(path);
    NOTE(d, open(path, O_RDONLY));
    NOTE(d, openat(-1, "relative", O_RDONLY));
    NOTE(d, (fd = openat(AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR, 0600)) >= 0);
    close(fd);
}

/* ---- File locks ---- */

static int lock_ends[2]; /* the same file, opened twice */

static void unlock(struct differential *d, int fd)
{
    (void)d;
    flock(fd, LOCK_UN);
}

static void open_twice(void)
{
    char path[] = "/tmp/gust-calls-XXXXXX";
    lock_ends[0] = mkstemp(path);
    lock_ends[1] = open(path, O_RDWR);
    unlink(path);
}

static void flock_waits(struct differential *d)
{
    open_twice();
    NOTE(d, flock(lock_ends[0], LOCK_EX));
    NOTE(d, flock(lock_ends[1], LOCK_EX | LOCK_NB));
    NOTE(d, flock(lock_ends[1], LOCK_SH | LOCK_NB));
    differential_later(d, 30, unlock, lock_ends[0]);
    NOTE(d, flock(lock_ends[1], LOCK_EX));
    NOTE(d, flock(lock_ends[0], LOCK_EX | LOCK_NB));
    NOTE(d, flock(-1, LOCK_EX));
    NOTE(d, flock(lock_ends[0], 0));
    close(lock_ends[0]);
    close(lock_ends[1]);
}

static void lockf_waits(struct differential *d)
{
    int ready[2], status;
    char byte;
    open_twice();
    differential_must(pipe(ready) == 0, "pipe");
    pid_t pid = fork();
    if (pid == 0) { /* these locks are between processes */
        struct timespec pause = {0, 30000000};
        if (lockf(lock_ends[1], F_LOCK, 0) == 0)
            (void)!write(ready[1], "x", 1);
        nanosleep(&pause, NULL);
        _exit(0);
    }
    differential_must(read(ready[0], &byte, 1) == 1, "the child's lock");
    NOTE(d, lockf(lock_ends[0], F_TEST, 0));
    NOTE(d, lockf(lock_ends[0], F_TLOCK, 0));
    NOTE(d, lockf(lock_ends[0], F_LOCK, 0));
    NOTE(d, lockf64(lock_ends[0], F_ULOCK, 0));
    NOTE(d, lockf(-1, F_LOCK, 0));
    NOTE(d, lockf(lock_ends[0], 99, 0));
    waitpid(pid, &status, 0);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(lock_ends[i]);
    }
}

/* ---- Queues and sets ---- */

static mqd_t queue;

static void open_queue(int flags)
{
    char name[64];
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
    snprintf(name, sizeof(name), "/gust-calls-%d", (int)getpid());
    queue = mq_open(name, O_CREAT | O_RDWR | flags, 0600, &attributes);
    differential_must(queue >= 0, "mq_open");
    mq_unlink(name);
}

static void send_one(struct differential *d, int number)
{
    (void)d;
    mq_send((mqd_t)number, "later", 5, 3);
}

static void receive_one(struct differential *d, int number)
{
    char data[8];
    (void)d;
    mq_receive((mqd_t)number, data, sizeof(data), NULL);
}

static void queues_wait(struct differential *d)
{
    char data[8] = "";
    unsigned priority = 0;
    struct timespec until = in_ten(CLOCK_REALTIME);
    open_queue(0);
    NOTE(d, mq_timedreceive(queue, data, sizeof(data), &priority, &until));
    NOTE(d, mq_timedreceive(queue, data, sizeof(data), &priority, &wrong));
    differential_later(d, 20, send_one, queue);
    NOTE(d, mq_receive(queue, data, sizeof(data), &priority));
    differential_text(d, "%.5s %u\n", data, priority);
    NOTE(d, mq_send(queue, "one", 3, 1));
    until = in_ten(CLOCK_REALTIME);
    NOTE(d, mq_timedsend(queue, "two", 3, 1, &until));
    differential_later(d, 20, receive_one, queue);
    NOTE(d, mq_send(queue, "two", 3, 2));
    NOTE(d, mq_receive(queue, data, 2, &priority));
    NOTE(d, mq_send(queue, data, 9, 1));
    NOTE(d, mq_receive(queue, data, sizeof(data), &priority));
    differential_text(d, "%.3s %u\n", data, priority);
    NOTE(d, mq_receive(-1, data, sizeof(data), &priority));
    mq_close(queue);
}

static void queues_that_do_not_wait(struct differential *d)
{
    char data[8];
    open_queue(O_NONBLOCK);
    NOTE(d, mq_receive(queue, data, sizeof(data), NULL));
    NOTE(d, mq_send(queue, "one", 3, 1));
    NOTE(d, mq_send(queue, "two", 3, 1));
    mq_close(queue);
}

struct message {
    long type;
    char text[8];
};

static void send_message(struct differential *d, int id)
{
    (void)d;
    msgsnd(id, &(struct message){2, "later"}, 5, 0);
}

static void remove_messages(struct differential *d, int id)
{
    (void)d;
    msgctl(id, IPC_RMID, NULL);
}

static void take_message(struct differential *d, int id)
{
    struct message message;
    (void)d;
    msgrcv(id, &message, sizeof(message.text), 0, 0);
}

static void messages_wait(struct differential *d)
{
    struct message message = {1, "first"};
    struct msqid_ds limits;
    int id = msgget(IPC_PRIVATE, 0600);
    NOTE(d, msgrcv(id, &message, sizeof(message.text), 0, IPC_NOWAIT));
    differential_later(d, 20, send_message, id);
    NOTE(d, msgrcv(id, &message, sizeof(message.text), 2, 0));
    differential_text(d, "%ld %.5s\n", message.type, message.text);
    msgctl(id, IPC_STAT, &limits);
    limits.msg_qbytes = 8;
    msgctl(id, IPC_SET, &limits);
    NOTE(d, msgsnd(id, &message, 8, 0));
    NOTE(d, msgsnd(id, &message, 8, IPC_NOWAIT));
    differential_later(d, 20, take_message, id);
    NOTE(d, msgsnd(id, &message, 8, 0));
    take_message(d, id);
    differential_later(d, 20, remove_messages, id);
    NOTE(d, msgrcv(id, &message, sizeof(message.text), 0, 0));
    NOTE(d, msgrcv(id, &message, sizeof(message.text), 0, 0));
}

static void raise_set(struct differential *d, int id)
{
    (void)d;
    semop(id, &(struct sembuf){0, 1, 0}, 1);
}

static void remove_set(struct differential *d, int id)
{
    (void)d;
    semctl(id, 0, IPC_RMID);
}

static void sets_wait(struct differential *d)
{
    struct sembuf down = {0, -1, 0}, never = {0, -1, IPC_NOWAIT}, up = {0, 1, 0}, far = {9, -1, 0};
    int id = semget(IPC_PRIVATE, 1, 0600);
    NOTE(d, semop(id, &never, 1));
    NOTE(d, semtimedop(id, &down, 1, &ten));
    NOTE(d, semtimedop(id, &down, 1, &wrong));
    NOTE(d, semop(id, &up, 1));
    NOTE(d, semop(id, &down, 1));
    differential_later(d, 20, raise_set, id);
    NOTE(d, semop(id, &down, 1));
    differential_later(d, 20, raise_set, id);
    NOTE(d, semtimedop(id, &down, 1, NULL));
    NOTE(d, semop(id, &far, 1));
    NOTE(d, semop(id, &up, 0));
    differential_later(d, 20, remove_set, id);
    NOTE(d, semop(id, &down, 1));
    NOTE(d, semop(id, &down, 1));
}

/* ---- syscall ---- */

static _Atomic int word;

static void wake_word(struct differential *d, int value)
{
    (void)d;
    word = value;
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void futexes_wait(struct differential *d)
{
    struct timespec until = in_ten(CLOCK_MONOTONIC);
    word = 1;
    NOTE(d, syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0));
    NOTE(d, syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, &ten, NULL, 0));
    NOTE(d, syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, &wrong, NULL, 0) < 0);
    NOTE(d, syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 1, &until, NULL, 1));
    differential_later(d, 20, wake_word, 2);
    NOTE(d, syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
    NOTE(d, syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    NOTE(d, syscall(SYS_futex, (char *)&word + 1, FUTEX_WAIT_PRIVATE, 1, &ten, NULL, 0));
}

static void other_system_calls_pass(struct differential *d)
{
    char data[8];
    NOTE(d, syscall(SYS_getpid) == getpid());
    NOTE(d, syscall(99999));
    NOTE(d, getrandom(data, sizeof(data), 0));
    NOTE(d, getrandom(data, sizeof(data), GRND_NONBLOCK));
    NOTE(d, getrandom(data, sizeof(data), 0x4000));
}

int main(void)
{
    static const struct differential_case cases[] = {
        CASE(sleeps_last),
        CASE(sleep_lasts_a_second),
        CASE(wrong_sleeps_are_refused),
        CASE(every_clock),
        CASE(yields),
        CASE(waitpid_waits_for_one),
        CASE(waitpid_without_waiting),
        CASE(wait_takes_any),
        CASE(wait_of_groups),
        CASE(wait3_and_wait4_give_usage),
        CASE(waitid_tells),
        CASE(waitid_by_pidfd),
        CASE(stops_are_waited_for),
        CASE(wrong_waits_are_refused),
        CASE(system_gives_the_status),
        CASE(popen_and_pclose),
        CASE(signals_are_taken),
        CASE(signals_are_waited_for),
        CASE(sigsuspend_lets_a_pending_signal_in),
        CASE(positions),
        CASE(positions_where_there_are_none),
        CASE(uncached_files_are_read_whole),
        CASE(syncs_and_lengths),
        CASE(sync_returns),
        CASE(fifos_wait_for_their_other_end),
        CASE(fifos_that_do_not_wait),
        CASE(fopen_of_a_fifo),
        CASE(opens),
        CASE(flock_waits),
        CASE(lockf_waits),
        CASE(queues_wait),
        CASE(queues_that_do_not_wait),
        CASE(messages_wait),
        CASE(sets_wait),
        CASE(futexes_wait),
        CASE(other_system_calls_pass),
    };
    return differential_main(cases, GUST_LEN(cases));
}
