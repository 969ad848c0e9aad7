/*
 * Where something happened: return addresses, taken at once and cheaply, and turned into function, file and
 * line when somebody reads them.
 *
 *     void *frames[32];
 *     size_t n = gust__backtrace_capture(frames, 32, 0);
 *     ...
 *     gust__backtrace_print(&buffer, frames, n);
 *
 * Both are for any thread.
 */
#ifndef GUST_BASE_BACKTRACE_H
#define GUST_BASE_BACKTRACE_H

#include <stddef.h>

struct gust__buffer;

/* Stores the return addresses of the callers, newest first, without this function's own frame and skip more.
 * Returns how many, at most max. Does not allocate; stops at a coroutine's first frame. errno is kept. */
size_t gust__backtrace_capture(void **frames, size_t max, size_t skip);

/* In a signal handler: the same of what the signal interrupted; the first address is where it stands, the
 * others are return addresses. Async-signal-safe. */
size_t gust__backtrace_capture_interrupted(void **frames, size_t max);

/*
 * Appends one line a frame: "  at function (file:line)"; where debugging information is missing
 * "  at function+0x1f (object)" or "  at object+0x1234", at last the bare address. Inlined functions have no
 * line of their own. Stops at the buffer's maximum; 0, or -1 and ENOBUFS or ENOMEM with whole lines only.
 *
 * The first call reads debugging information, which can take some hundred milliseconds and a deep stack: not
 * on the loop. Called in a coroutine it does its work on a thread of its own, for which the caller's thread
 * waits.
 */
int gust__backtrace_print(struct gust__buffer *buffer, void *const *frames, size_t count);

#endif
