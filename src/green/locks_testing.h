/* What the tests of locks share. */
#ifndef GUST_GREEN_LOCKS_TESTING_H
#define GUST_GREEN_LOCKS_TESTING_H

#include <gust/coroutine.h>
#include <gust/green.h>
#include <gust/log.h>
#include <gust/loop.h>
#include <gust/scope.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* In coroutines and threads, which cmocka must not jump out of. */
#define CHECK(condition)                                                                      \
    do {                                                                                      \
        if (!(condition)) {                                                                   \
            fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
            abort();                                                                          \
        }                                                                                     \
    } while (0)

/* TSan has a pthread_once of its own, which calls nobody's: there, initialisations that park hang. And it
 * hangs itself when a signal comes in a switch of coroutines under sem_wait. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define UNDER_TSAN
#endif

/* TSan's wrappers of sem_wait, join and other blocking calls take the atomics of all that runs inside for
 * plain memory: what libgust does there, under its own locks and posts, looks unordered. Who unlocks what it
 * does not own is told EPERM, which is what some tests are about. */
const char *__tsan_default_suppressions(void);
__attribute__((used, visibility("default"))) const char *__tsan_default_suppressions(void)
{
    return "race:libgust.so\nmutex:ask_as_other\nmutex:ask_as_owner\nmutex:wait_without_it\nmutex:catch_it\nmutex:try_for_a_time\nmutex:lock_twice\nmutex:lock_in_callback\nmutex:pthread_mutex_lock\n";
}

static inline struct timespec soon(clockid_t clock, int64_t nanoseconds)
{
    struct timespec time;
    clock_gettime(clock, &time);
    nanoseconds += time.tv_nsec;
    time.tv_sec += nanoseconds / 1000000000;
    time.tv_nsec = nanoseconds % 1000000000;
    return time;
}

/* Keeps what is logged, instead of printing it. */
static char log_text[1 << 16];
static int log_count;

static inline void keep_line(void *argument, const gust_log_line *line)
{
    size_t used = strlen(log_text);
    (void)argument;
    log_count++;
    snprintf(log_text + used, sizeof(log_text) - used, "%s\n", line->text);
}

static inline void log_quietly(void)
{
    log_text[0] = '\0';
    log_count = 0;
    gust_log_sink(keep_line, NULL);
}

static inline bool logged(const char *text)
{
    return strstr(log_text, text);
}

static inline int logged_lines(void)
{
    return log_count;
}

#endif
