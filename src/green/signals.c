/*
 * Waiting for signals. The kernel hands a blocked signal to the thread that asks for it, so the loop's thread
 * asks, and a signalfd tells it when: other threads' signals stay theirs.
 *
 * What a coroutine cannot see is a signal that is not blocked: its handler runs on whichever thread the
 * kernel chose, between two coroutines. pause, and sigsuspend for such a signal, are ended by the scope, and
 * the main coroutine's by a handler (handlers.c).
 */
#include "green/time.h"

#include <sys/signalfd.h>

/* ---- A signal of a set is pending ---- */

/* Until it is so, or not. 0; 1: until came first; -1: by the scope, EMFILE. */
static int wait_until_pending(struct gust__green_call *call, const sigset_t *signals, int64_t until)
{
    if (call->fd < 0) {
        call->fd = gust__sys_signalfd4(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
        if (call->fd < 0)
            return -1;
        gust__green_forget(call->fd);
    }
    return gust__green_wait(call, EPOLLIN, until);
}

static void end_wait(const struct gust__green_call *call)
{
    int saved = errno;
    if (call->fd >= 0) {
        gust__green_forget(call->fd);
        gust__sys_close(call->fd);
    }
    errno = saved;
}

/* ---- Taking one ---- */

/* Without waiting: the signal's number, or -1 and EAGAIN. */
static int take(const sigset_t *signals, siginfo_t *info)
{
    static const struct timespec at_once = {0};
    long signal;
    do
        signal = gust__sys_call("rt_sigtimedwait", SYS_rt_sigtimedwait, (long)signals, (long)info,
                                (long)&at_once, GUST__SYS_SIGNALS, 0, 0);
    while (signal < 0 && errno == EINTR);
    if (signal >= 0 && info && info->si_code == SI_TKILL)
        info->si_code = SI_USER; /* as libc, where raise is kill */
    return (int)signal;
}

static int take_or_wait(struct gust__green_call *call, const sigset_t *signals, siginfo_t *info,
                        int64_t until)
{
    int saved = errno, signal, result;
    for (;;) {
        signal = take(signals, info);
        if (signal >= 0 || errno != EAGAIN)
            break;
        result = wait_until_pending(call, signals, until);
        if (result == 0)
            continue;
        if (result == 1)
            errno = EAGAIN;
        break;
    }
    end_wait(call);
    if (signal >= 0)
        errno = saved;
    return signal;
}

GUST__EXPORT int sigwaitinfo(const sigset_t *signals, siginfo_t *info)
{
    if (!gust__green_here())
        return gust__green_next.sigwaitinfo(signals, info);
    struct gust__green_call call = GUST__GREEN_CALL("sigwaitinfo", -1);
    call.handlers = GUST__GREEN_ANY_HANDLER;
    return take_or_wait(&call, signals, info, GUST__FOREVER);
}

GUST__EXPORT int sigtimedwait(const sigset_t *signals, siginfo_t *info, const struct timespec *timeout)
{
    if (!gust__green_here() || (timeout && !gust__green_valid(timeout)))
        return gust__green_next.sigtimedwait(signals, info, timeout);
    struct gust__green_call call = GUST__GREEN_CALL("sigtimedwait", -1);
    call.handlers = GUST__GREEN_ANY_HANDLER;
    int64_t until = GUST__FOREVER;
    if (timeout)
        until = gust__clock_after(gust__clock_now(), gust__green_nanoseconds(timeout));
    return take_or_wait(&call, signals, info, until);
}

GUST__EXPORT int sigwait(const sigset_t *signals, int *signal)
{
    if (!gust__green_here())
        return gust__green_next.sigwait(signals, signal);
    struct gust__green_call call = GUST__GREEN_CALL("sigwait", -1);
    int saved = errno, taken = take_or_wait(&call, signals, NULL, GUST__FOREVER);
    int code = taken < 0 ? errno : 0;
    if (taken >= 0)
        *signal = taken;
    errno = saved;
    return code;
}

/* ---- Waiting for a handler ---- */

/* The signals that are blocked now and that mask would let through. */
static void let_through(const sigset_t *mask, sigset_t *signals)
{
    sigset_t blocked;
    gust__sys_rt_sigprocmask(SIG_BLOCK, NULL, &blocked);
    sigemptyset(signals);
    for (int signal = 1; signal < NSIG; signal++) {
        if (sigismember(&blocked, signal) == 1 && sigismember(mask, signal) != 1)
            sigaddset(signals, signal);
    }
}

/* Has pending signals that mask lets through delivered now. True when a handler ran. */
static bool deliver(const sigset_t *mask)
{
    static const struct timespec at_once = {0};
    return gust__sys_ppoll(NULL, 0, &at_once, mask) < 0 && errno == EINTR;
}

static int suspend(struct gust__green_call *call, const sigset_t *mask)
{
    sigset_t signals;
    call->handlers = GUST__GREEN_ANY_HANDLER;
    let_through(mask, &signals);
    while (!deliver(mask)) {
        if (wait_until_pending(call, &signals, GUST__FOREVER) < 0)
            break;
    }
    end_wait(call);
    return -1;
}

GUST__EXPORT int sigsuspend(const sigset_t *mask)
{
    if (!gust__green_here())
        return gust__green_next.sigsuspend(mask);
    struct gust__green_call call = GUST__GREEN_CALL("sigsuspend", -1);
    return suspend(&call, mask);
}

int __sigsuspend(const sigset_t *mask);
GUST__EXPORT int __sigsuspend(const sigset_t *mask) __attribute__((nonnull, alias("sigsuspend")));

/* System V's: the present mask without one signal. */
static int suspend_without(struct gust__green_call *call, int signal)
{
    sigset_t mask;
    gust__sys_rt_sigprocmask(SIG_BLOCK, NULL, &mask);
    return sigdelset(&mask, signal) < 0 ? -1 : suspend(call, &mask);
}

/* BSD's: a mask of the first 32 signals. */
static int suspend_with_bits(struct gust__green_call *call, int bits)
{
    sigset_t mask;
    sigemptyset(&mask);
    for (int signal = 1; signal <= 32; signal++) {
        if ((unsigned)bits >> (signal - 1) & 1)
            sigaddset(&mask, signal);
    }
    return suspend(call, &mask);
}

/* Two functions have the name sigpause; the headers choose, so we call ours by libc's names for them. */
int gust__green_sigpause_bsd(int bits) __asm__("sigpause");
int gust__green_sigpause_xpg(int signal) __asm__("__xpg_sigpause");
int __sigpause(int signal_or_bits, int is_signal);

GUST__EXPORT int gust__green_sigpause_bsd(int bits)
{
    if (!gust__green_here())
        return gust__green_next.__sigpause(bits, 0);
    struct gust__green_call call = GUST__GREEN_CALL("sigpause", -1);
    return suspend_with_bits(&call, bits);
}

GUST__EXPORT int gust__green_sigpause_xpg(int signal)
{
    if (!gust__green_here())
        return gust__green_next.__sigpause(signal, 1);
    struct gust__green_call call = GUST__GREEN_CALL("sigpause", -1);
    return suspend_without(&call, signal);
}

GUST__EXPORT int __sigpause(int signal_or_bits, int is_signal)
{
    if (!gust__green_here())
        return gust__green_next.__sigpause(signal_or_bits, is_signal);
    struct gust__green_call call = GUST__GREEN_CALL("sigpause", -1);
    return is_signal ? suspend_without(&call, signal_or_bits) : suspend_with_bits(&call, signal_or_bits);
}

GUST__EXPORT int pause(void)
{
    if (!gust__green_here())
        return gust__green_next.pause();
    struct gust__green_call call = GUST__GREEN_CALL("pause", -1);
    call.handlers = GUST__GREEN_ANY_HANDLER;
    while (gust__green_park(&call, GUST__INTERRUPTIBLE, GUST__FOREVER) == 0)
        ; /* a stray wake */
    return -1;
}
