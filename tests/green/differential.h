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

#if defined(__SANITIZE_THREAD__)
#define DIFFERENTIAL_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DIFFERENTIAL_TSAN
#endif
#endif

/* That a sibling thread closes what another reads is what the cases are about, as are locks that are given
 * back by those who have not got them. A thread that has ended leaves its stack to the next, which the
 * kernel, not we, makes sure of: the loop's coroutines may then read where it wrote. Joins that libgust-green
 * makes for a coroutine are libc's own, unseen. */
const char *__tsan_default_suppressions(void);
__attribute__((used, visibility("default"))) const char *__tsan_default_suppressions(void)
{
    return "race:differential_later_thread\nrace:differential_run_native\nrace:differential_signal_thread\n"
           "race:differential_punctual\nrace:current_float_modes\n"
           "mutex:lock_differential\ndeadlock:meet_differential\n"
           "race:meet_differential\nrace:thread_main\n";
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
    int64_t arranged;
    int milliseconds;
    void (*function)(struct differential *d, int argument);
    int argument;
    pthread_t thread;
};

struct differential_operation;

struct differential {
    bool green;                                     /* on a coroutine */
    const struct differential_operation *operation; /* of a table's case */
    gust_group *group;
    char text[DIFFERENTIAL_TEXT]; /* everything that must be the same */
    size_t length;
    int64_t times[DIFFERENTIAL_TIMES];
    size_t time_count;
    struct differential_later laters[DIFFERENTIAL_LATER];
    size_t later_count;
    pthread_t caller; /* who gets the signal */
    pthread_t signaller;
    int signal_after; /* milliseconds; 0: no signal */
    int64_t signal_arranged;
    char room[64];    /* for what operations read */
    int64_t arranged; /* when the last sibling was told to come */
    bool late;        /* the machine was: one came, or the call began, much later than told */
};

struct differential_case {
    const char *name;
    void (*run)(struct differential *d);
    const struct differential_operation *operation;
    const struct differential_difference *difference; /* NULL: none is allowed */
};

/* Tables: each operation in each scenario that suits it is a case. */
struct differential_operation {
    const char *name;
    long (*call)(struct differential *d, int fd);
    unsigned kind; /* bits that the file gives meaning to */
};

struct differential_scenario {
    const char *name;
    void (*run)(struct differential *d);
    unsigned needs; /* all of these bits must be in the operation's kind */
};

/* A difference that is meant: docs/green.md says the same. It must be there, and look so. When native and
 * green are the same text, only the time differs. */
struct differential_difference {
    const char *scenario;
    unsigned kind;      /* of operations with all of these bits */
    const char *native; /* stands in what the thread's run noted */
    const char *green;  /* stands in what the coroutine's run noted */
    const char *reason;
};

#define CASE(function)                  \
    {                                   \
#function, function, NULL, NULL \
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

/* Notes that the machine came late to what was arranged for then. */
static inline void differential_punctual(struct differential *d, int64_t arranged, int milliseconds)
{
    if (differential_clock() - arranged > (milliseconds + 5) * 1000000L)
        d->late = true;
}

/* Calls the case's operation, and keeps its result, errno, time and what it read. */
static inline long differential_operate(struct differential *d, int fd)
{
    memset(d->room, 0, sizeof(d->room));
    if (d->arranged)
        differential_punctual(d, d->arranged, 0);
    d->arranged = 0;
    errno = 0;
    int64_t began = differential_clock();
    long result = d->operation->call(d, fd);
    int code = errno;
    differential_note(d, d->operation->name, result, code, began);
    differential_data(d, d->room, 12);
    return result;
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
    differential_punctual(later->d, later->arranged, later->milliseconds);
    later->function(later->d, later->argument);
    return NULL;
}

static inline int differential_later_coroutine(void *argument)
{
    struct differential_later *later = argument;
    gust_sleep(GUST_MS(later->milliseconds));
    differential_punctual(later->d, later->arranged, later->milliseconds);
    later->function(later->d, later->argument);
    return 0;
}

/* Has a sibling, a thread or a coroutine like the case, call function(d, argument) in so many milliseconds.
 */
static inline void differential_later(struct differential *d, int milliseconds,
                                      void (*function)(struct differential *d, int argument), int argument)
{
    struct differential_later *later = &d->laters[d->later_count++];
    d->arranged = differential_clock();
    *later = (struct differential_later){d, d->arranged, milliseconds, function, argument, 0};
    int failed = d->green ? gust_go(d->group, differential_later_coroutine, later)
                          : pthread_create(&later->thread, NULL, differential_later_thread, later);
    if (failed)
        abort();
}

static volatile sig_atomic_t differential_caught;

/* The loop tells libgust-green of handlers that ran while it waited. One that comes while it is still on its
 * way there ends no call, natively neither: then the machine was late. */
static unsigned differential_told;
extern void (*gust__loop_interrupted)(gust_loop *loop);
static void (*differential_tell_green)(gust_loop *loop);

static inline void differential_tell(gust_loop *loop)
{
    differential_told++;
    differential_tell_green(loop);
}

static inline void differential_catch(int number)
{
    differential_caught += number == SIGUSR1;
}

static inline void *differential_signal_thread(void *argument)
{
    struct differential *d = argument;
    const struct timespec pause = {0, d->signal_after * 1000000L};
    nanosleep(&pause, NULL);
    differential_punctual(d, d->signal_arranged, d->signal_after);
    pthread_kill(d->caller, SIGUSR1);
    return NULL;
}

/* Has a handler, installed with these flags, run on the calling thread in so many milliseconds. */
static inline void differential_signal(struct differential *d, int milliseconds, int flags)
{
    const struct sigaction action = {.sa_handler = differential_catch, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    differential_caught = 0;
    differential_told = 0;
    d->arranged = d->signal_arranged = differential_clock();
    d->signal_after = milliseconds;
    d->caller = pthread_self();
    if (pthread_create(&d->signaller, NULL, differential_signal_thread, d))
        abort();
}

static inline void differential_end_signal(struct differential *d)
{
    if (!d->signal_after)
        return;
    pthread_join(d->signaller, NULL);
    for (int left = 1000; differential_caught == 0 && left > 0; left--)
        usleep(1000); /* a sanitizer hands signals over late */
    differential_text(d, "caught %d\n", (int)differential_caught);
    d->late |= d->green && differential_told == 0;
    d->signal_after = 0;
}

/* Waits until all of them have ended. */
static inline void differential_join(struct differential *d)
{
    differential_end_signal(d);
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

/* The least and the most that each call took in all tries. */
struct differential_times {
    int64_t least[DIFFERENTIAL_TIMES], most[DIFFERENTIAL_TIMES];
};

static inline void differential_widen(struct differential_times *times, const struct differential *d)
{
    for (size_t i = 0; i < d->time_count; i++) {
        if (!times->most[i] || d->times[i] < times->least[i])
            times->least[i] = d->times[i];
        if (d->times[i] > times->most[i])
            times->most[i] = d->times[i];
    }
}

/* Neither much later nor, where it had to wait, earlier. */
static inline bool differential_same_times(const struct differential_times *native,
                                           const struct differential_times *green, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (green->most[i] < native->least[i] - native->least[i] / 5 - GUST_MS(4) ||
            green->least[i] > native->most[i] + GUST_MS(DIFFERENTIAL_SLOWER)) {
            print_message("call %zu: %.1f ms on a thread, %.1f ms on a coroutine\n", i,
                          (double)native->least[i] / 1e6, (double)green->most[i] / 1e6);
            return false;
        }
    }
    return true;
}

/* Whether what was noted is the same, or differs as it is meant to. */
static inline bool differential_agree(const struct differential_case *which, const char *native,
                                      const char *green)
{
    const struct differential_difference *meant = which->difference;
    if (!meant)
        return strcmp(native, green) == 0;
    bool differ = strcmp(meant->native, meant->green) != 0;
    return differ == (strcmp(native, green) != 0) && strstr(native, meant->native) &&
           strstr(green, meant->green);
}

struct differential_tries {
    const struct differential_case *which;
    struct differential_times native, green;
    int left;
};

/* Compares two runs. True: the same. False: to be tried again, because the machine was late: siblings come at
 * times, and a wait's length is the machine's as well. */
static inline bool differential_compare(struct differential_tries *tries, const struct differential *native,
                                        const struct differential *green)
{
    if (!differential_agree(tries->which, native->text, green->text)) {
        if (tries->left == 0 || !(native->late || green->late))
            fail_msg("%s\non a thread:\n%son a coroutine:\n%s",
                     tries->which->difference ? "another difference is meant" : "", native->text,
                     green->text);
        return false;
    }
    differential_widen(&tries->native, native);
    differential_widen(&tries->green, green);
    return tries->which->difference ||
           differential_same_times(&tries->native, &tries->green, native->time_count);
}

static inline bool differential_once(struct differential_tries *tries)
{
    struct differential_run *native = calloc(1, sizeof(*native)), *green = calloc(1, sizeof(*green));
    pthread_t thread;
    native->which = green->which = tries->which;
    native->d.operation = green->d.operation = tries->which->operation;
    int open = differential_descriptors();
    differential_must(pthread_create(&thread, NULL, differential_run_native, native) == 0, "pthread_create");
    pthread_join(thread, NULL);
    assert_int_equal(differential_descriptors(), open);
    green->d.green = true;
    assert_int_equal(gust_run(differential_run_green, green, 0), 0);
    assert_int_equal(differential_descriptors(), open);
    bool same = differential_compare(tries, &native->d, &green->d);
    free(native);
    free(green);
    return same;
}

static inline void differential_test(void **state)
{
    struct differential_tries tries = {.which = *state, .left = 8};
    alarm(60); /* a case that hangs ends the program */
    for (; !differential_once(&tries); tries.left--)
        assert_true(tries.left > 0);
}

static inline int differential_main(const struct differential_case *cases, size_t count)
{
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    signal(SIGPIPE, SIG_IGN);
    gust_green_require();
    differential_tell_green = gust__loop_interrupted;
    gust__loop_interrupted = differential_tell;
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){cases[i].name, differential_test, NULL, NULL, (void *)&cases[i]};
    int failed = _cmocka_run_group_tests("differential", tests, count, NULL, NULL);
    free(tests);
    return failed;
}

static inline const struct differential_difference *differential_meant(
    const struct differential_difference *differences, const struct differential_operation *o,
    const struct differential_scenario *s)
{
    for (const struct differential_difference *d = differences; d->scenario; d++) {
        if (strcmp(d->scenario, s->name) == 0 && (o->kind & d->kind) == d->kind)
            return d;
    }
    return NULL;
}

/* Runs every operation in every scenario that suits it. differences ends with an empty one. */
static inline int differential_table(const struct differential_operation *operations, size_t operation_count,
                                     const struct differential_scenario *scenarios, size_t scenario_count,
                                     const struct differential_difference *differences)
{
    struct differential_case *cases = calloc(operation_count * scenario_count, sizeof(*cases));
    size_t count = 0;
    for (size_t i = 0; i < operation_count * scenario_count; i++) {
        const struct differential_operation *o = &operations[i / scenario_count];
        const struct differential_scenario *s = &scenarios[i % scenario_count];
        char *name;
        if ((o->kind & s->needs) != s->needs)
            continue;
        differential_must(asprintf(&name, "%s: %s", o->name, s->name) > 0, "asprintf");
        cases[count++] = (struct differential_case){name, s->run, o, differential_meant(differences, o, s)};
    }
    int failed = differential_main(cases, count);
    while (count > 0)
        free((char *)cases[--count].name);
    free(cases);
    return failed;
}

#endif
