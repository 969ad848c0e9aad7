/*
 * Nanoseconds per switch: gust, boost's fcontext, swapcontext, side by side. Each round measures all of them,
 * one behind the other, so that whatever else the machine does hits them alike; the median of the rounds is
 * printed.
 *
 * Built with boost.context (bench/switch.cmake), fcontext is the first line, to which the others are
 * compared.
 */
#include "base/clock.h"
#include "coro/switch.h"

#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

enum { rounds = 15, switches = 2000000, slow_switches = 200000, stack_size = 65536 };

static char stacks[4][stack_size] __attribute__((aligned(64)));

/* Written out where it is used, as the coroutine code does. */
static struct gust__flow here, there;

static void answer(void *argument)
{
    (void)argument;
    for (;;)
        gust__flow_switch(&there, &here);
}

static void gust_in_place(size_t count)
{
    for (size_t i = 0; i < count; i += 2)
        gust__flow_switch(&here, &there);
}

/* In a function of its own, whose `ret` is mispredicted after each switch (boost's switch jumps back). */
static struct gust__flow call_here, call_there;

static __attribute__((noinline)) void switch_called(struct gust__flow *from, struct gust__flow *to)
{
    gust__flow_switch(from, to);
}

static void answer_called(void *argument)
{
    (void)argument;
    for (;;)
        switch_called(&call_there, &call_here);
}

static void gust_called(size_t count)
{
    for (size_t i = 0; i < count; i += 2)
        switch_called(&call_here, &call_there);
}

#ifdef GUST_BENCH_BOOST
/* boost.context's C part; its symbols are plain C. */
struct transfer {
    void *from;
    void *data;
};
struct transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *stack_high, size_t size, void (*entry)(struct transfer));

static void *boost_there;

static void answer_boost(struct transfer transfer)
{
    for (;;)
        transfer = jump_fcontext(transfer.from, NULL);
}

static void boost_fcontext(size_t count)
{
    for (size_t i = 0; i < count; i += 2)
        boost_there = jump_fcontext(boost_there, NULL).from;
}

#endif

static ucontext_t context_here, context_there;

static void answer_context(void)
{
    for (;;)
        swapcontext(&context_there, &context_here);
}

static void libc_swapcontext(size_t count)
{
    for (size_t i = 0; i < count; i += 2)
        swapcontext(&context_here, &context_there);
}

static void prepare(void)
{
    gust__flow_init(&there, stacks[0], stack_size, answer, NULL);
    gust__flow_init(&call_there, stacks[1], stack_size, answer_called, NULL);
#ifdef GUST_BENCH_BOOST
    boost_there = make_fcontext(stacks[2] + stack_size, stack_size, answer_boost);
#endif
    getcontext(&context_there);
    context_there.uc_stack.ss_sp = stacks[3];
    context_there.uc_stack.ss_size = stack_size;
    makecontext(&context_there, answer_context, 0);
}

static const struct {
    const char *name;
    void (*run)(size_t count);
    size_t count;
} kinds[] = {
#ifdef GUST_BENCH_BOOST
    {"boost fcontext", boost_fcontext, switches},
#endif
    {"gust, in place", gust_in_place, switches},
    {"gust, called", gust_called, switches},
    {"swapcontext", libc_swapcontext, slow_switches},
};
enum { kind_count = sizeof(kinds) / sizeof(kinds[0]) };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    static double times[kind_count][rounds];
    prepare();
    for (size_t kind = 0; kind < kind_count; kind++)
        kinds[kind].run(1000);
    for (size_t round = 0; round < rounds; round++) {
        for (size_t kind = 0; kind < kind_count; kind++) {
            int64_t start = gust__clock_now();
            kinds[kind].run(kinds[kind].count);
            times[kind][round] = (double)(gust__clock_now() - start) / (double)kinds[kind].count;
        }
    }
    for (size_t kind = 0; kind < kind_count; kind++)
        qsort(times[kind], rounds, sizeof(double), compare);
    double first = times[0][rounds / 2];
    for (size_t kind = 0; kind < kind_count; kind++) {
        double median = times[kind][rounds / 2];
        printf("%-15s %8.2f ns per switch   %6.2f of the first\n", kinds[kind].name, median, median / first);
    }
    return 0;
}
