/*
 * The switch between flows of control, the lowest part of a coroutine: one flow stops in gust__flow_switch
 * and another continues behind its own gust__flow_switch, on its own stack.
 *
 *     static struct gust__flow thread, other;
 *
 *     static void run(void *argument)
 *     {
 *         for (;;)
 *             gust__flow_switch(&other, &thread);
 *     }
 *
 *     gust__flow_init(&other, stack, size, run, NULL);
 *     gust__flow_switch(&thread, &other);    // until run switches back
 *
 * On x86-64 and aarch64 the switch is a piece of inline assembly that says "every register is lost". So the
 * compiler saves what is alive at that place and nothing else, and a switch costs a few stores, a few loads
 * and an indirect jump, which has a predictor entry of its own at each place of use (a `ret` would always be
 * mispredicted: the processor expects it to return to its own caller). Three registers can't be named as
 * lost, because a compiler may address the frame by them: stack, frame and base pointer. Those, the address
 * to go on at and the floating point modes are kept in struct gust__flow and not on the stack: the stack
 * pointer never moves within a function, so the unwind tables that the compiler wrote hold at the place of
 * the switch too.
 *
 * Floating point: mxcsr, the x87 control word and FPCR belong to the flow: rounding, precision, masks,
 * flush-to-zero. On x86-64 they are most of a switch's time, and reading is what costs (stmxcsr: 3.5 of 4.9
 * ns on a Zen 4); to compare and load only what differs waits for the value just read, and was slower by 2 ns
 * than to load always. On aarch64 it is the writing of FPCR that costs, so there they are compared.
 *
 * A `ret` that follows a switch is mispredicted: so keep the functions between a coroutine's code and its
 * switch few, or switch from one parked coroutine straight into the next, which waits at the same depth.
 *
 * With -DGUST_PORTABLE_SWITCH, and on other processors, it is all done with ucontext: right, but some 20
 * times slower, as it makes a system call.
 *
 * A flow stays on the thread that first ran it (design rule 1). A shadow stack (CET SHSTK) isn't supported,
 * and the object code says so; indirect branch tracking (IBT, BTI) is.
 */
#ifndef GUST_CORO_SWITCH_H
#define GUST_CORO_SWITCH_H

#include <stddef.h>
#include <stdint.h>

#if !defined(__x86_64__) && !defined(__aarch64__) && !defined(GUST_PORTABLE_SWITCH)
#define GUST_PORTABLE_SWITCH 1
#endif

#ifdef GUST_PORTABLE_SWITCH
#include <ucontext.h>

struct gust__flow {
    ucontext_t context;
    void (*entry)(void *);
    void *argument;
};

#else

/* A flow that doesn't run. The assembly knows the offsets. */
struct gust__flow {
    void *stack_pointer;
    void *frame_pointer;  /* rbp, x29 */
    void *base_pointer;   /* rbx, x19 */
    const void *resume;   /* the address to go on at */
    uint64_t float_modes; /* mxcsr, behind it the x87 control word; FPCR */
};

#endif

/*
 * Prepares a flow on the stack [stack_low, stack_low + size), which is the caller's and must outlive it: the
 * first switch to it calls entry(argument). entry never returns. Floating point modes are those of the
 * caller. Any thread.
 */
void gust__flow_init(struct gust__flow *flow, void *stack_low, size_t size, void (*entry)(void *),
                     void *argument);

/*
 * The return addresses of a flow that doesn't run, innermost first, the place of its switch among them: at
 * most max; gives their number. By the unwind tables; reads the flow's stack and writes nowhere to it. 0
 * under GUST_PORTABLE_SWITCH.
 */
size_t gust__flow_backtrace(const struct gust__flow *flow, void **frames, size_t max);

/* Saves the current flow in *from and continues *to; returns when something switches to *from. */
#if defined(GUST_PORTABLE_SWITCH)
void gust__flow_switch(struct gust__flow *from, struct gust__flow *to);
#define gust__flow_switch_last gust__flow_switch

#elif defined(__x86_64__)

#ifdef __AVX512F__
#define GUST__FLOW_LOST_AVX512                                                                           \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", \
        "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define GUST__FLOW_LOST_AVX512
#endif

/* saving: what puts the floating point modes into *from */
#define GUST__FLOW_SWITCH(saving)                                                                         \
    __asm__ volatile(saving "leaq 2f(%%rip), %%rax\n\t"                                                   \
                            "movq %%rsp, (%%rdi)\n\t"                                                     \
                            "movq %%rbp, 8(%%rdi)\n\t"                                                    \
                            "movq %%rbx, 16(%%rdi)\n\t"                                                   \
                            "movq %%rax, 24(%%rdi)\n\t"                                                   \
                            "ldmxcsr 32(%%rsi)\n\t"                                                       \
                            "fldcw 36(%%rsi)\n\t"                                                         \
                            "movq 8(%%rsi), %%rbp\n\t"                                                    \
                            "movq 16(%%rsi), %%rbx\n\t"                                                   \
                            "movq (%%rsi), %%rsp\n\t"                                                     \
                            "jmpq *24(%%rsi)\n"                                                           \
                            "2:\n\t"                                                                      \
                            "endbr64"                                                                     \
                     : "+D"(from), "+S"(to)                                                               \
                     :                                                                                    \
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", \
                       "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",   \
                       "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)",      \
                       "st(4)", "st(5)", "st(6)", "st(7)", "cc", "memory" GUST__FLOW_LOST_AVX512)

static inline __attribute__((always_inline)) void gust__flow_switch(struct gust__flow *from,
                                                                    struct gust__flow *to)
{
    GUST__FLOW_SWITCH("stmxcsr 32(%%rdi)\n\tfnstcw 36(%%rdi)\n\t");
}

/* The last switch of a coroutine whose flow goes on with the next one, for which float_modes is set anew:
 * they are not saved. */
static inline __attribute__((always_inline)) void gust__flow_switch_last(struct gust__flow *from,
                                                                         struct gust__flow *to)
{
    GUST__FLOW_SWITCH("");
}

#else /* aarch64 */

#ifdef __ARM_FEATURE_SVE
#define GUST__FLOW_LOST_SVE                                                                                 \
    , "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14", "p15", \
        "ffr"
#else
#define GUST__FLOW_LOST_SVE
#endif

static inline __attribute__((always_inline)) void gust__flow_switch(struct gust__flow *from,
                                                                    struct gust__flow *to)
{
    register struct gust__flow *leaving __asm__("x0") = from;
    register struct gust__flow *coming __asm__("x1") = to;
    __asm__ volatile("mov x9, sp\n\t"
                     "adr x10, 2f\n\t"
                     "mrs x11, fpcr\n\t"
                     "stp x9, x29, [x0]\n\t"
                     "stp x19, x10, [x0, #16]\n\t"
                     "str x11, [x0, #32]\n\t"
                     "ldr x12, [x1, #32]\n\t"
                     "cmp x11, x12\n\t"
                     "b.eq 1f\n\t"
                     "msr fpcr, x12\n"
                     "1:\n\t"
                     "ldp x9, x29, [x1]\n\t"
                     "ldp x19, x16, [x1, #16]\n\t"
                     "mov sp, x9\n\t"
                     "br x16\n"
                     "2:\n\t"
                     "hint #36" /* bti j */
                     : "+r"(leaving), "+r"(coming)
                     :
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                       "x15", "x16", "x17", "x18", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
                       "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",
                       "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23",
                       "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "cc",
                       "memory" GUST__FLOW_LOST_SVE);
}

#define gust__flow_switch_last gust__flow_switch

#endif

#endif
