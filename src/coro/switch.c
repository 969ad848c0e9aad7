#include "coro/switch.h"

#ifndef GUST_PORTABLE_SWITCH

#include <unwind.h>

/* In switch_x86_64.S and switch_aarch64.S. */
void gust__flow_start(void) __attribute__((visibility("hidden")));
void gust__flow_visit(const struct gust__flow *flow, void (*visit)(void *), void *argument)
    __attribute__((visibility("hidden")));

static uint64_t current_float_modes(void)
{
#ifdef __x86_64__
    uint32_t mxcsr;
    uint16_t control;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(control));
    return mxcsr | (uint64_t)control << 32;
#else
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
#endif
}

void gust__flow_init(struct gust__flow *flow, void *stack_low, size_t size, void (*entry)(void *),
                     void *argument)
{
    uintptr_t high = ((uintptr_t)stack_low + size) & ~(uintptr_t)15;
    void **top = (void **)(high - 2 * sizeof(void *));
    top[0] = argument;
    top[1] = (void *)(uintptr_t)entry;
    *flow = (struct gust__flow){
        .stack_pointer = top,
        .resume = (const void *)(uintptr_t)gust__flow_start,
        .float_modes = current_float_modes(),
    };
}

struct walk {
    void **frames;
    size_t count;
    size_t max;
    size_t skip; /* frames that belong to the walk itself */
};

static _Unwind_Reason_Code visit_frame(struct _Unwind_Context *context, void *argument)
{
    struct walk *walk = argument;
    if (walk->skip > 0) {
        walk->skip--;
        return _URC_NO_REASON;
    }
    uintptr_t address = _Unwind_GetIP(context);
    if (walk->count == walk->max || address == 0)
        return _URC_NORMAL_STOP;
    walk->frames[walk->count++] = (void *)address;
    return _URC_NO_REASON;
}

static __attribute__((noinline)) void walk_up(void *argument)
{
    _Unwind_Backtrace(visit_frame, argument);
    __asm__ volatile("" ::: "memory"); /* no tail call: walk_up is one of the frames to skip */
}

size_t gust__flow_backtrace(const struct gust__flow *flow, void **frames, size_t max)
{
    struct walk walk = {.frames = frames, .max = max, .skip = 2}; /* walk_up, gust__flow_visit */
    gust__flow_visit(flow, walk_up, &walk);
    return walk.count;
}

#endif
