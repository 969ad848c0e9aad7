/*
 * A worker's life: take a task, run its job, answer. What kills it says so on its way out: the handler of
 * faults sends the addresses of the frames, which mean the same in the serving process.
 */
#include "base/context.h"
#include "base/throw.h"
#include "exec/output.h"
#include "exec/processes_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unwind.h>

static struct {
    int fd;
    uint64_t number; /* of the task that runs */
    const void *end; /* the return address behind the job's frames */
    const gust_processes *processes;
} worker;

static struct gust_output output; /* of the task that runs */

/* ---- errors ---- */

static void send_error(enum gust__answer_kind kind, const struct gust__worker_error *error, int flags)
{
    struct gust__worker_answer answer = {
        .number = worker.number, .length = sizeof(*error), .kind = kind, .result = -1};
    struct iovec vector[] = {{&answer, sizeof(answer)}, {(void *)(uintptr_t)error, sizeof(*error)}};
    gust__wire_send(worker.fd, vector, GUST_LEN(vector), -1, flags);
}

/* The frames of the job; what is below them is how its worker came to be. */
static uint32_t own_frames(void *const *frames, size_t count)
{
    uint32_t own = 0;
    while (own < count && frames[own] != worker.end)
        own++;
    return own;
}

static void send_failure(int code)
{
    struct gust_error *error = gust__error_take_for(code ? code : EIO);
    struct gust__worker_error sent = {.code = error->code,
                                      .detail = error->detail,
                                      .frame_count = own_frames(error->frames, error->frame_count)};
    memcpy(sent.domain, error->domain, sizeof(sent.domain));
    memcpy(sent.frames, error->frames, sent.frame_count * sizeof(void *));
    if (error->text)
        snprintf(sent.text, sizeof(sent.text), "%s", error->text);
    gust__error_free(error);
    send_error(GUST__ANSWER_FAILED, &sent, 0);
}

/* ---- dying of a fault ---- */

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};

struct walk {
    struct gust__worker_error *error;
    bool interrupted; /* past the handler's own frames */
};

/* Frames are kept as return addresses: one behind the instruction that faulted. */
static _Unwind_Reason_Code visit_frame(struct _Unwind_Context *context, void *argument)
{
    struct walk *walk = argument;
    int signal_frame = 0;
    uintptr_t address = _Unwind_GetIPInfo(context, &signal_frame);
    walk->interrupted |= signal_frame;
    if (address == 0 || walk->error->frame_count == GUST__ERROR_FRAMES)
        return _URC_NORMAL_STOP;
    if (walk->interrupted)
        walk->error->frames[walk->error->frame_count++] = (void *)(address + (signal_frame ? 1 : 0));
    return _URC_NO_REASON;
}

/* A call of a bad function pointer leaves no frame that could be unwound, but the address to return to. */
static void *caller_of_nothing(const ucontext_t *context)
{
#if defined(__x86_64__)
    return *(void **)(uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    return (void *)(uintptr_t)context->uc_mcontext.regs[30];
#else
    (void)context;
    return NULL;
#endif
}

/* What faults may hold a lock, libc's or a sanitizer's, for which the handler would wait for ever. So the
 * signal comes once more, and finds the default action. */
static void die_within(int seconds, int signal)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
    struct itimerspec once = {.it_value.tv_sec = seconds};
    sigset_t unblocked;
    int timer;
    sigemptyset(&unblocked);
    sigaddset(&unblocked, signal);
    gust__sys_rt_sigprocmask(SIG_UNBLOCK, &unblocked, NULL); /* ThreadSanitizer blocks it in spite of flags */
    if (gust__sys_timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
        gust__sys_timer_settime(timer, 0, &once);
}

/* Async-signal-safe. The action is the default one again (SA_RESETHAND): on return the fault happens again,
 * and what was sent by kill is sent once more. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
    static struct gust__worker_error error;
    struct walk walk = {.error = &error};
    die_within(2, signal);
    error.code = ECHILD;
    error.detail = signal;
    memcpy(error.domain, "signal", sizeof("signal"));
    _Unwind_Backtrace(visit_frame, &walk);
    error.frame_count = own_frames(error.frames, error.frame_count);
    if (error.frame_count == 0 && signal == SIGSEGV && info->si_code > 0)
        error.frames[error.frame_count++] = caller_of_nothing(context);
    send_error(GUST__ANSWER_CRASHED, &error, MSG_DONTWAIT);
    if (info->si_code <= 0)
        gust__sys_tgkill(gust__sys_getpid(), gust__sys_gettid(), signal);
}

static void watch_faults(void)
{
    static char stack[64 * 1024] __attribute__((aligned(64)));
    stack_t other = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | (int)SA_RESETHAND};
    sigaltstack(&other, NULL);
    for (size_t i = 0; i < GUST_LEN(faults); i++)
        sigaction(faults[i], &action, NULL);
}

/* ---- tasks ---- */

struct call {
    const struct gust__worker_task *task;
    const void *in;
};

static int run_job(void *argument)
{
    const struct call *call = argument;
    worker.end = __builtin_return_address(0);
    return call->task->job(call->in, call->task->length, &output);
}

static void send_result(int result)
{
    struct gust__worker_answer answer = {
        .number = worker.number, .length = output.length, .kind = GUST__ANSWER_RESULT, .result = result};
    struct iovec vector[] = {{&answer, sizeof(answer)}, {output.data, output.length}};
    if (output.shared >= 0 && gust__output_seal(&output) < 0)
        send_failure(errno);
    else
        gust__wire_send(worker.fd, vector, output.shared < 0 ? 2 : 1, output.shared, 0);
}

static void run_task(const struct gust__worker_task *task, const void *in)
{
    struct call call = {task, in};
    worker.number = task->number;
    gust__output_init(&output, worker.processes->options.max_result);
    errno = 0;
    int result = gust__catch(run_job, &call);
    int code = errno;
    fflush(NULL); /* nobody flushes it when the worker is killed */
    if (result < 0)
        send_failure(code);
    else
        send_result(result);
    gust__output_fini(&output);
    gust_error_clear();
}

static void take_task(const struct gust__worker_task *task, char *bytes, int shared)
{
    if (!task->shared) {
        bytes[task->length] = '\0';
        run_task(task, bytes);
        return;
    }
    void *in = gust__shared_map(shared, task->length);
    if (!in) {
        worker.number = task->number;
        send_failure(errno);
        return;
    }
    run_task(task, in);
    gust__sys_munmap(in, task->length + 1);
}

/* False: the serving process wants no more of it. */
static bool serve(void)
{
    static struct gust__worker_task task;
    static char bytes[GUST__WIRE_INLINE + 1];
    struct iovec vector[] = {{&task, sizeof(task)}, {bytes, GUST__WIRE_INLINE}};
    int shared;
    ssize_t got = gust__wire_receive(worker.fd, vector, GUST_LEN(vector), &shared, 0);
    if (got < (ssize_t)sizeof(task))
        return false;
    take_task(&task, bytes, shared);
    if (shared >= 0)
        gust__sys_close(shared);
    return true;
}

/* ---- the process ---- */

/* A job that calls exit ends here: handlers that the serving process registered are not for its workers. */
static void leave_at_once(int status, void *unused)
{
    (void)unused;
    fflush(NULL);
    gust__sys_exit_group(status);
}

/* What it has now, and so much more: only writable memory of its own counts, no addresses that are merely
 * reserved. */
static void limit_memory(size_t more)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file || fscanf(file, "%*u %*u %*u %*u %*u %lu", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    rlim_t limit = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more;
    gust__sys_prlimit64(0, RLIMIT_DATA, &(struct rlimit){limit, limit}, NULL);
}

_Noreturn void gust__worker_run(const gust_processes *processes, int fd, pid_t parent)
{
    char name[16];
    gust__sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (gust__sys_getppid() != parent)
        gust__sys_exit_group(1); /* it died before that */
    snprintf(name, sizeof(name), "%.10s-work", processes->name);
    gust__sys_prctl(PR_SET_NAME, (long)name, 0, 0, 0);
    worker.processes = processes;
    worker.fd = fd;
    on_exit(leave_at_once, NULL);
    watch_faults();
    if (processes->options.max_memory)
        limit_memory(processes->options.max_memory);
    while (serve())
        ;
    gust__sys_exit_group(0);
}
