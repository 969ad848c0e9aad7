/*
 * What happens when a coroutine's stack is too small. The guard below it faults; without more, the process
 * dies of SIGSEGV and nothing says why. With this, standard error says first which coroutine it was, and
 * where:
 *
 *     gust: the stack of coroutine "GET /posts/7" overflowed (245760 bytes)
 *       program+0x1234
 *       /lib/x86_64-linux-gnu/libpq.so.5+0x2a31c
 *
 * The library changes no signals by itself (design rule 12): gust_main, or a test, installs this. Faults that
 * are not overflows go to whatever handled them before.
 */
#ifndef GUST_CORO_OVERFLOW_H
#define GUST_CORO_OVERFLOW_H

#include "coro/stack.h"

/* The name of the coroutine on a stack, or NULL. Called in a signal handler: it may only read. */
typedef const char *gust__overflow_namer(struct gust__stack stack);

/*
 * Handles SIGSEGV and SIGBUS, process-wide. 0, or -1 and errno. Once; from any thread.
 * An overflow is reported on standard error; then the default action stands again and the fault repeats, so
 * the process dies of the signal it would have died of.
 */
int gust__overflow_install(gust__overflow_namer *namer);

/* Puts back what handled the signals before. */
void gust__overflow_uninstall(void);

/*
 * Gives the calling thread an alternate signal stack (the handler can't run on the one that overflowed) and
 * makes its arena known; the arena must last until gust__overflow_leave. 0, or -1 and errno. Once a thread.
 */
int gust__overflow_enter(const struct gust__stack_arena *arena);

/* Undoes gust__overflow_enter on the calling thread. */
void gust__overflow_leave(void);

/* Writes one line an address, as module+0xoffset, for addr2line: async-signal-safe, without memory or locks.
 */
void gust__overflow_print(int fd, void *const *addresses, size_t count);

#endif
