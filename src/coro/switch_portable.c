/* The switch by ucontext, for processors without assembly of ours: see coro/switch.h. */
#include "coro/switch.h"

#ifdef GUST_PORTABLE_SWITCH

/* makecontext passes ints only, so the flow's address comes in two halves. */
static void start(unsigned int high, unsigned int low)
{
    const struct gust__flow *flow = (const void *)(uintptr_t)((uint64_t)high << 32 | low);
    flow->entry(flow->argument);
    __builtin_trap();
}

void gust__flow_init(struct gust__flow *flow, void *stack_low, size_t size, void (*entry)(void *),
                     void *argument)
{
    uint64_t address = (uintptr_t)flow;
    getcontext(&flow->context);
    flow->context.uc_stack.ss_sp = stack_low;
    flow->context.uc_stack.ss_size = size;
    flow->context.uc_link = NULL;
    flow->entry = entry;
    flow->argument = argument;
    makecontext(&flow->context, (void (*)(void))(uintptr_t)start, 2, (unsigned int)(address >> 32),
                (unsigned int)address);
}

void gust__flow_switch(struct gust__flow *from, struct gust__flow *to)
{
    swapcontext(&from->context, &to->context);
}

size_t gust__flow_backtrace(const struct gust__flow *flow, void **frames, size_t max)
{
    (void)flow, (void)frames, (void)max;
    return 0;
}

#endif
