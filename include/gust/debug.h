/*
 * gust/debug.h - what holds the loop up, and what everybody waits for
 *
 * A loop does one thing at a time: a handler that computes for a second, or makes a call that blocks, holds
 * up all others. The watchdog sees that while it lasts, and logs who it is, by function, file and line:
 *
 *     [W 240229 13:59:59 watchdog:80] GET /report holds the loop up, since 110 ms: it makes no turns
 *           at add_up (report.c:17)
 *           at show_report (report.c:41)
 *
 * again after twice that time, and so on. gust_main has it on (100 ms) in development, that is where the app
 * is set to .debug or the environment says GUST_ENV=development, else off; --watchdog=TIME sets it,
 * --watchdog=0 switches it off.
 *
 * It asks the thread by a signal (the highest real-time signals that nobody handles), whose handler, under
 * SA_RESTART, notes the return addresses. A few system calls would be ended by that with EINTR (signal(7):
 * poll, select, epoll_wait, nanosleep and their kind): while the thread is in one of these it is not asked,
 * and the return addresses that lie about on its stack are shown instead, as "perhaps": some may be of calls
 * that have ended. What remains are sockets with SO_RCVTIMEO or SO_SNDTIMEO: a blocking call on one may give
 * EINTR when it holds the loop up. Hooks of libgust-green do not block the thread and never see it.
 *
 * A dump is all coroutines with their names, what each waits for and since when, those that stand at the same
 * place under one backtrace. gust_main writes one for SIGUSR1, to standard error or --dump=FILE;
 * tools/gust-gdb.py gives gdb a command for the same in a stopped program or a core file.
 */
#ifndef GUST_DEBUG_H
#define GUST_DEBUG_H

#include <gust/base.h>
#include <gust/loop.h>

GUST_BEGIN_DECLARATIONS

/* [loop] Watches the loop that this thread runs, until it closes: logs whatever holds it up for longer than
 * limit nanoseconds. 0 or less: watches it no more. One thread does it for all loops of the process. 0; -1:
 * EDEADLK without a loop, ENOMEM, EAGAIN (no thread, or no free signal). */
GUST_API int gust_watchdog(int64_t limit);

/* [blk] Writes all coroutines of the loop to a descriptor. The loop goes on meanwhile: they are looked at in
 * slices of a few milliseconds, and names are looked up on a thread. 0; -1: EBUSY (another dump is on its
 * way), ENOMEM, what writing gives; EDEADLK outside a coroutine. */
GUST_API int gust_dump(int fd);

typedef struct gust_stats {
    uint64_t iterations; /* of the loop, since its start */
    int64_t lag_mean;    /* nanoseconds that what became ready had to wait: of late, */
    int64_t lag_max;     /* and the longest since the last call */
    size_t ready;        /* that wait for their turn now */
    size_t coroutines;   /* all */
    size_t timers;
    size_t descriptors;
} gust_stats;

GUST_API void gust__loop_stats(gust_loop *loop, gust_stats *stats, size_t size);

/* gust_loop_stats(loop, &stats): how a loop is doing. [loop] Costs next to nothing, but for counting what is
 * ready. */
#define gust_loop_stats(loop, stats) gust__loop_stats(loop, stats, sizeof(*(stats)))

GUST_END_DECLARATIONS

#endif
