/*
 * The same libc calls, once on a thread of their own, once on a coroutine: results, errno, data, file flags,
 * open descriptors and, roughly, elapsed time must be the same.
 *
 *     static void recv_sees_the_end(struct differential *d)
 *     {
 *         int ends[2];
 *         differential_pair(AF_UNIX, SOCK_STREAM, ends);
 *         differential_later(d, 20, close_it, ends[1]);       // a thread, or a coroutine, closes it
 *         char byte;
 *         NOTE(d, recv(ends[0], &byte, 1, 0));                // result, errno and time are kept
 *         differential_data(d, &byte, 1);
 *         close(ends[0]);
 *     }
 *
 *     int main(void)
 *     {
 *         static const struct differential_case cases[] = {CASE(recv_sees_the_end), ...};
 *         return differential_main(cases, GUST_LEN(cases));
 *     }
 */
#ifndef GUST_TESTS_GREEN_DIFFERENTIAL_H
#define GUST_TESTS_GREEN_DIFFERENTIAL_H

#include <gust/coroutine.h>
#include <gust/green.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Sanitizers look at arguments before the kernel does, and end the program over bad ones. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DIFFERENTIAL_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DIFFERENTIAL_SANITIZED
#endif
#endif

/* That a sibling thread closes what another reads is what the cases are about. */
const char *__tsan_default_suppressions(void);
__attribute__((used, visibility("default"))) const char *__tsan_default_suppressions(void)
{
    return "race:differential_later_thread\nrace:differential_run_native\n";
}

enum {
    DIFFERENTIAL_TEXT = 16384,
    DIFFERENTIAL_TIMES = 32,
    DIFFERENTIAL_LATER = 8,
    DIFFERENTIAL_SLOWER = 1500, /* milliseconds that a coroutine may be later: a shared, busy machine */
};

struct differential;

struct differential_later {
    struct differential *d;
    int milliseconds;
    void (*function)(struct differential *d, int argument);
    int argument;
    pthread_t thread;
};

struct differential {
    bool green; /* on a coroutine */
    gust_group *group;
    char text[DIFFERENTIAL_TEXT]; /* everything that must be the same */
    size_t length;
    int64_t times[DIFFERENTIAL_TIMES];
    size_t time_count;
    struct differential_later laters[DIFFERENTIAL_LATER];
    size_t later_count;
};

struct differential_case {
    const char *name;
    void (*run)(struct differential *d);
};

#define CASE(function)      \
    {                       \
#function, function \
    }

static inline int64_t differential_clock(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static inline void __attribute__((format(printf, 2, 3)))
differential_text(struct differential *d, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(d->text + d->length, sizeof(d->text) - d->length, format, arguments);
    va_end(arguments);
    d->length += length > 0 ? (size_t)length : 0;
    if (d->length >= sizeof(d->text))
        abort();
}

/* Calls, and keeps the result, errno and how long it took. Gives the result. */
#define NOTE(d, call) DIFFERENTIAL__NOTE(d, call, true)
/* The same for what takes as long as the machine needs. */
#define NOTE_UNTIMED(d, call) DIFFERENTIAL__NOTE(d, call, false)

#define DIFFERENTIAL__NOTE(d, call, timed)                                               \
    __extension__({                                                                      \
        errno = 0;                                                                       \
        int64_t note_began = differential_clock();                                       \
        long note_result = (long)(call);                                                 \
        int note_code = errno;                                                           \
        differential_note((d), #call, note_result, note_code, (timed) ? note_began : 0); \
        errno = note_code;                                                               \
        note_result;                                                                     \
    })

static inline void differential_note(struct differential *d, const char *call, long result, int code,
                                     int64_t began)
{
    if (began && d->time_count < DIFFERENTIAL_TIMES)
        d->times[d->time_count++] = differential_clock() - began;
    differential_text(d, "%s = %ld, errno %s\n", call, result, code ? strerrorname_np(code) : "0");
}

/* Keeps bytes that a call has given. */
static inline void differential_data(struct differential *d, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    differential_text(d, "data ");
    for (size_t i = 0; i < size; i++)
        differential_text(d, "%02x", bytes[i]);
    differential_text(d, "\n");
}

/* Keeps the file flags of a descriptor. */
static inline void differential_flags(struct differential *d, int fd)
{
    differential_text(d, "flags %#x\n", (unsigned)fcntl(fd, F_GETFL));
}

/* ---- What happens meanwhile ---- */

static inline void *differential_later_thread(void *argument)
{
    struct differential_later *later = argument;
    const struct timespec pause = {later->milliseconds / 1000, later->milliseconds % 1000 * 1000000L};
    nanosleep(&pause, NULL);
    later->function(later->d, later->argument);
    return NULL;
}

static inline int differential_later_coroutine(void *argument)
{
    struct differential_later *later = argument;
    gust_sleep(GUST_MS(later->milliseconds));
    later->function(later->d, later->argument);
    return 0;
}

/* Has a sibling, a thread or a coroutine like the case, call function(d, argument) in so many milliseconds.
 */
static inline void differential_later(struct differential *d, int milliseconds,
                                      void (*function)(struct differential *d, int argument), int argument)
{
    struct differential_later *later = &d->laters[d->later_count++];
    *later = (struct differential_later){d, milliseconds, function, argument, 0};
    int failed = d->green ? gust_go(d->group, differential_later_coroutine, later)
                          : pthread_create(&later->thread, NULL, differential_later_thread, later);
    if (failed)
        abort();
}

/* Waits until all of them have ended. */
static inline void differential_join(struct differential *d)
{
    if (d->green)
        gust_group_wait(d->group);
    for (size_t i = 0; i < d->later_count && !d->green; i++)
        pthread_join(d->laters[i].thread, NULL);
    d->later_count = 0;
}

/* ---- Set-up ---- */

static inline void differential_must(bool held, const char *what)
{
    if (!held) {
        perror(what);
        abort();
    }
}

static inline void differential_pair(int domain, int type, int ends[2])
{
    differential_must(socketpair(domain, type, 0, ends) == 0, "socketpair");
}

static inline int differential_listen(struct sockaddr_in *address)
{
    socklen_t length = sizeof(*address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    differential_must(bind(fd, (struct sockaddr *)address, length) == 0, "bind");
    differential_must(listen(fd, 16) == 0, "listen");
    getsockname(fd, (struct sockaddr *)address, &length);
    return fd;
}

/* Two ends of a TCP connection. */
static inline void differential_tcp(int ends[2])
{
    struct sockaddr_in address;
    int listener = differential_listen(&address);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    differential_must(connect(ends[0], (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
    ends[1] = accept(listener, NULL, NULL);
    close(listener);
}

static inline void differential_close(struct differential *d, int fd)
{
    (void)d;
    close(fd);
}

static inline void differential_write(struct differential *d, int fd)
{
    (void)d;
    differential_must(write(fd, "hello", 5) == 5, "write");
}

/* ---- Running ---- */

/* How many descriptors are open. A sanitizer opens some of its own when it has something to report. */
static inline int differential_descriptors(void)
{
#ifdef DIFFERENTIAL_SANITIZED
    return 0;
#endif
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    closedir(folder);
    return count;
}

struct differential_run {
    struct differential d;
    const struct differential_case *which;
};

static inline void *differential_run_native(void *argument)
{
    struct differential_run *run = argument;
    run->which->run(&run->d);
    differential_join(&run->d);
    return NULL;
}

static inline int differential_run_green(void *argument)
{
    struct differential_run *run = argument;
    GUST_GROUP(group);
    run->d.group = &group;
    run->which->run(&run->d);
    differential_join(&run->d);
    return 0;
}

/* Neither much later nor, where it had to wait, earlier. */
static inline bool differential_same_times(const struct differential *native,
                                           const struct differential *green)
{
    for (size_t i = 0; i < native->time_count; i++) {
        int64_t least = native->times[i] - native->times[i] / 5 - GUST_MS(4);
        if (green->times[i] < least || green->times[i] > native->times[i] + GUST_MS(DIFFERENTIAL_SLOWER))
            return false;
    }
    return true;
}

static inline void differential_show_times(const struct differential *native,
                                           const struct differential *green)
{
    for (size_t i = 0; i < native->time_count; i++)
        print_message("call %zu: %.1f ms on a thread, %.1f ms on a coroutine\n", i,
                      (double)native->times[i] / 1e6, (double)green->times[i] / 1e6);
}

/* False when only the times differ: a busy machine's may, once. */
static inline bool differential_once(const struct differential_case *which)
{
    struct differential_run *native = calloc(1, sizeof(*native)), *green = calloc(1, sizeof(*green));
    pthread_t thread;
    native->which = green->which = which;
    int open = differential_descriptors();
    differential_must(pthread_create(&thread, NULL, differential_run_native, native) == 0, "pthread_create");
    pthread_join(thread, NULL);
    assert_int_equal(differential_descriptors(), open);
    green->d.green = true;
    assert_int_equal(gust_run(differential_run_green, green, 0), 0);
    assert_int_equal(differential_descriptors(), open);
    if (strcmp(native->d.text, green->d.text) != 0)
        fail_msg("on a thread:\n%son a coroutine:\n%s", native->d.text, green->d.text);
    bool same = differential_same_times(&native->d, &green->d);
    if (!same)
        differential_show_times(&native->d, &green->d);
    free(native);
    free(green);
    return same;
}

static inline void differential_test(void **state)
{
    alarm(60); /* a case that hangs ends the program */
    for (int tries = 4; !differential_once(*state); tries--)
        assert_true(tries > 0);
}

static inline int differential_main(const struct differential_case *cases, size_t count)
{
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    signal(SIGPIPE, SIG_IGN);
    gust_green_require();
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){cases[i].name, differential_test, NULL, NULL, (void *)&cases[i]};
    int failed = _cmocka_run_group_tests("differential", tests, count, NULL, NULL);
    free(tests);
    return failed;
}

#endif
