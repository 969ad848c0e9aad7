/*
 * What AddressSanitizer, ThreadSanitizer and valgrind must be told when a thread changes stacks. A struct
 * gust__fiber goes with each flow, one with the thread's own too; in normal builds it is empty and all of
 * this is nothing.
 *
 *     gust__fiber_init_thread(&thread);
 *     gust__fiber_init(&fiber, stack.low, stack.size);
 *
 *     gust__fiber_leave(&thread, &fiber);     // around each switch
 *     gust__flow_switch(&thread_flow, &flow);
 *     gust__fiber_arrive(&thread, &fiber);    // the second is where we come from
 *
 *     gust__fiber_arrive(&fiber, &thread);    // also as the first thing on a new flow
 *
 *     gust__fiber_leave_last(&fiber, &thread);     // before the flow's last switch
 *     gust__fiber_fini(&fiber);                    // afterwards, from another flow, before the stack is
 * reused
 *
 * LeakSanitizer doesn't look into the stacks of flows that don't run: what only they point to at exit is a
 * leak.
 */
#ifndef GUST_CORO_SANITIZER_H
#define GUST_CORO_SANITIZER_H

#include "base/sanitize.h" /* GUST__ASAN, GUST__TSAN */

#include <stddef.h>

#ifdef GUST__ASAN
#include <sanitizer/common_interface_defs.h>
#endif

/* Valgrind's requests are instructions that do nothing outside it: only around a stack's life, not a switch.
 */
#if defined(__has_include) && !defined(GUST__ASAN) && !defined(GUST__TSAN)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define GUST__VALGRIND 1
#endif
#endif

struct gust__fiber {
#ifdef GUST__ASAN
    void *fake_stack;
    const void *low;
    size_t size;
#endif
#ifdef GUST__TSAN
    void *tsan;
#endif
#ifdef GUST__VALGRIND
    unsigned int valgrind;
#endif
};

/* The thread's own flow, on the thread that it is. */
static inline void gust__fiber_init_thread(struct gust__fiber *fiber)
{
    *fiber = (struct gust__fiber){};
#ifdef GUST__TSAN
    fiber->tsan = __tsan_get_current_fiber();
#endif
}

/* A new flow on the stack [low, low + size). */
static inline void gust__fiber_init(struct gust__fiber *fiber, void *low, size_t size)
{
    *fiber = (struct gust__fiber){};
#ifdef GUST__ASAN
    fiber->low = low;
    fiber->size = size;
#endif
#ifdef GUST__TSAN
    fiber->tsan = __tsan_create_fiber(0);
#endif
#ifdef GUST__VALGRIND
    fiber->valgrind = VALGRIND_STACK_REGISTER(low, (char *)low + size - 1);
#endif
    (void)low, (void)size;
}

/* A flow that never runs again (or never ran), not called on itself. Its stack is as good as new afterwards.
 */
static inline void gust__fiber_fini(struct gust__fiber *fiber)
{
#ifdef GUST__ASAN
    gust__asan_unpoison(fiber->low, fiber->size); /* the frames that it never left */
#endif
#ifdef GUST__TSAN
    __tsan_destroy_fiber(fiber->tsan);
#endif
#ifdef GUST__VALGRIND
    VALGRIND_STACK_DEREGISTER(fiber->valgrind);
#endif
    (void)fiber;
}

/* The next thing is a switch from `from` to `to`. */
static inline __attribute__((always_inline)) void gust__fiber_leave(struct gust__fiber *from,
                                                                    struct gust__fiber *to)
{
#ifdef GUST__ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to->low, to->size);
#endif
#ifdef GUST__TSAN
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
    (void)from, (void)to;
}

/* As gust__fiber_leave; from won't run again, and what AddressSanitizer holds for it is freed. */
static inline __attribute__((always_inline)) void gust__fiber_leave_last(struct gust__fiber *from,
                                                                         struct gust__fiber *to)
{
#ifdef GUST__ASAN
    __sanitizer_start_switch_fiber(NULL, to->low, to->size);
#endif
#ifdef GUST__TSAN
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
    (void)from, (void)to;
}

/* The switch from `from` has brought us here, to `here`. */
static inline __attribute__((always_inline)) void gust__fiber_arrive(struct gust__fiber *here,
                                                                     struct gust__fiber *from)
{
#ifdef GUST__ASAN
    /* Where the thread's own stack lies is learned when it is left for the first time. */
    __sanitizer_finish_switch_fiber(here->fake_stack, &from->low, &from->size);
#endif
    (void)here, (void)from;
}

#endif
